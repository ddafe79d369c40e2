//! Lanes: many streams of pages at once, each delivered in key order, in bounded memory.
//!
//! A lane has ranges, read by several threads ahead of time, and one sink that takes their pages in order.
//! Knows nothing about what pages hold.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, channel, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};

use crate::error::{Error, ErrorKind, Result};
use crate::page::Page;

/// Pages that may wait between a reader and the sink, per range.
const DEPTH: usize = 2;
/// Ranges per reader: enough for readers to stay busy while the sink catches up.
const RANGES_PER_READER: usize = 4;

/// How much may run at once.
#[derive(Debug, Clone, Copy)]
pub struct Budget {
    /// Threads that work at the same time, at least 1.
    pub jobs: usize,
    /// Bytes for buffers and caches: half for pages in flight over all lanes, half for the engine.
    pub memory: u64,
}

impl Budget {
    /// Bytes for the engine's own caches; the other half is for pages.
    pub fn engine(&self) -> u64 {
        self.memory / 2
    }

    /// Readers per lane: besides each other, lanes have their sinks and what works beside those, so that a
    /// reader for every second core keeps all of them busy. More of them only wait for each other, and a
    /// database on the same machine pays for each.
    pub fn readers(&self) -> usize {
        (self.jobs / 2).clamp(1, 4)
    }

    /// How many ranges a lane is worth splitting into.
    pub fn ranges(&self) -> usize {
        split(self.readers())
    }

    /// How many parts a subspace is worth splitting into where whoever reads a part is done with it.
    pub fn parts(&self) -> usize {
        split(self.jobs.min(4))
    }

    /// Bytes a page should have, so that all pages that can be in flight stay within the budget.
    pub fn page_bytes(&self) -> usize {
        // Per lane: each range can leave full channels behind, each reader and the sink hold one page. In one
        // lane, that of blobs, each of as many workers as there are jobs fills another.
        let pages = self.jobs.max(1) * (self.ranges() * DEPTH + self.readers() + 2);
        let bytes = self.memory / 2 / pages as u64;
        // Larger pages gain nothing and leave the processor's cache.
        usize::try_from(bytes).unwrap_or(usize::MAX).clamp(16 << 10, 512 << 10)
    }
}

/// How many pieces are worth it for so many threads: one thread needs no pieces.
fn split(threads: usize) -> usize {
    if threads <= 1 { 1 } else { threads * RANGES_PER_READER }
}

/// Told from outside (signals, another lane's failure) that the work should end.
#[derive(Debug, Default, Clone)]
pub struct Stop(Arc<AtomicBool>);

impl Stop {
    /// Work goes on until `stop` is called.
    pub fn new() -> Self {
        Stop::default()
    }

    /// Asks everyone to end.
    pub fn stop(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// The flag itself, for a signal handler to raise.
    pub fn flag(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.0)
    }

    /// Whether work should end.
    pub fn stopped(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// Runs `work` on every item, `jobs` at a time, in order of start. Returns the results in the order of the
/// items, or the error that happened first; after one nothing new is begun.
pub fn in_parallel<I: Sync, T: Send>(
    jobs: usize,
    items: &[I],
    work: impl Fn(&I) -> Result<T> + Sync,
) -> Result<Vec<T>> {
    let next = AtomicUsize::new(0);
    let failed = AtomicBool::new(false);
    let first: Mutex<Option<Error>> = Mutex::new(None);
    let done: Vec<Mutex<Option<T>>> = items.iter().map(|_| Mutex::new(None)).collect();
    std::thread::scope(|scope| {
        for _ in 0..jobs.clamp(1, items.len().max(1)) {
            scope.spawn(|| {
                while !failed.load(Ordering::Relaxed) {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    let (Some(item), Some(slot)) = (items.get(index), done.get(index)) else { break };
                    match work(item) {
                        Ok(value) => *slot.lock().unwrap_or_else(PoisonError::into_inner) = Some(value),
                        Err(error) => {
                            failed.store(true, Ordering::Relaxed);
                            let mut first = first.lock().unwrap_or_else(PoisonError::into_inner);
                            // An interruption that other workers notice too is not the cause.
                            if first.as_ref().is_none_or(|e| e.kind() == ErrorKind::Interrupted) {
                                *first = Some(error);
                            }
                        }
                    }
                }
            });
        }
    });
    if let Some(error) = first.into_inner().unwrap_or_else(PoisonError::into_inner) {
        return Err(error);
    }
    Ok(done
        .into_iter()
        .filter_map(|slot| slot.into_inner().unwrap_or_else(PoisonError::into_inner))
        .collect())
}

/// Reads `ranges` with up to `readers` threads and hands every page to `sink` on this thread, ranges in
/// order. `read` sends the pages of one range through `emit`, which takes a full page and leaves an empty one
/// in its place. Ends early when `stop` says so.
pub fn run_lane<R: Sync>(
    readers: usize,
    ranges: &[R],
    stop: &Stop,
    read: impl Fn(&R, &mut dyn FnMut(&mut Page) -> Result<()>) -> Result<()> + Sync,
    sink: impl FnMut(&Page) -> Result<()>,
) -> Result<()> {
    run_lane_through(readers, None, ranges, stop, read, sink)
}

/// What is made of every page between reader and sink, and by how many threads: it fills an empty page from
/// the one that was read.
pub type Through<'a> = (usize, &'a (dyn Fn(&Page, &mut Page) + Sync));

/// As [`run_lane`], with pages changed on the way by threads of their own: for work that would hold up the
/// sink and that one reader cannot do alone. Pages still arrive in order.
pub fn run_lane_through<R: Sync>(
    readers: usize,
    through: Option<Through>,
    ranges: &[R],
    stop: &Stop,
    read: impl Fn(&R, &mut dyn FnMut(&mut Page) -> Result<()>) -> Result<()> + Sync,
    mut sink: impl FnMut(&Page) -> Result<()>,
) -> Result<()> {
    let pool = Pool::default();
    type Message = Result<Delivery>;
    let (senders, receivers): (Vec<SyncSender<Message>>, Vec<Receiver<Message>>) =
        ranges.iter().map(|_| sync_channel(DEPTH)).unzip();
    // Each reader takes the sender of the range it begins, so a range's channel closes with its reader.
    let senders: Vec<Mutex<Option<SyncSender<Message>>>> =
        senders.into_iter().map(|sender| Mutex::new(Some(sender))).collect();
    let next = AtomicUsize::new(0);
    // Bounded by the ranges' channels: a page is promised there before it is queued here.
    let (jobs, queue) = channel::<(Page, SyncSender<Page>)>();
    let queue = Mutex::new(queue);
    std::thread::scope(|scope| {
        for _ in 0..readers.clamp(1, ranges.len().max(1)) {
            let jobs = through.map(|_| jobs.clone());
            let (pool, next, senders, read) = (&pool, &next, &senders, &read);
            scope.spawn(move || {
                loop {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    let Some((range, slot)) = ranges.get(index).zip(senders.get(index)) else { break };
                    let Some(sender) = slot.lock().unwrap_or_else(PoisonError::into_inner).take() else {
                        break;
                    };
                    let result = read(range, &mut |page| {
                        if stop.stopped() {
                            return Err(interrupted());
                        }
                        let full = std::mem::replace(page, pool.take());
                        // The sink has gone: it failed and reports why.
                        let Some(jobs) = &jobs else {
                            return sender.send(Ok(Delivery::Page(full))).map_err(|_| interrupted());
                        };
                        let (done, promise) = sync_channel(1);
                        sender.send(Ok(Delivery::Promise(promise))).map_err(|_| interrupted())?;
                        jobs.send((full, done)).map_err(|_| interrupted())
                    });
                    if let Err(error) = result {
                        // Unsent only if the sink has failed already.
                        let _ = sender.send(Err(error));
                        break;
                    }
                }
            });
        }
        drop(jobs);
        if let Some((workers, work)) = through {
            for _ in 0..workers.max(1) {
                scope.spawn(|| {
                    loop {
                        let job = queue.lock().unwrap_or_else(PoisonError::into_inner).recv();
                        let Ok((page, done)) = job else { break };
                        let mut made = pool.take();
                        work(&page, &mut made);
                        pool.give(page);
                        // Not wanted any more if the sink has failed.
                        let _ = done.send(made);
                    }
                });
            }
        }
        // Owned by this closure: returning early closes every channel, which ends the readers.
        let receivers = receivers;
        for receiver in &receivers {
            for message in receiver {
                let page = match message? {
                    Delivery::Page(page) => page,
                    Delivery::Promise(promise) => {
                        promise.recv().map_err(|_| Error::io("a thread that prepared records has stopped"))?
                    }
                };
                sink(&page)?;
                pool.give(page);
                if stop.stopped() {
                    return Err(interrupted());
                }
            }
        }
        drop(receivers);
        Ok(())
    })
}

/// What a reader has sent: a page, or where it will be once it has been worked on.
enum Delivery {
    Page(Page),
    Promise(Receiver<Page>),
}

/// The error of work that was told to end.
pub fn interrupted() -> Error {
    Error::new(ErrorKind::Interrupted, "interrupted")
}

/// Empty pages that keep their memory.
#[derive(Default)]
struct Pool(Mutex<Vec<Page>>);

impl Pool {
    fn take(&self) -> Page {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).pop().unwrap_or_default()
    }

    fn give(&self, mut page: Page) {
        page.clear();
        // A page that held one huge blob would keep its memory for nothing.
        if page.capacity() <= 8 << 20 {
            self.0.lock().unwrap_or_else(PoisonError::into_inner).push(page);
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    /// Ranges of numbers, read page by page.
    fn read(range: &(u32, u32), emit: &mut dyn FnMut(&mut Page) -> Result<()>) -> Result<()> {
        let mut page = Page::new();
        for n in range.0..range.1 {
            if n == 666 {
                return Err(Error::io("the beast"));
            }
            page.push(&n.to_be_bytes(), b"v");
            if page.len() == 7 {
                emit(&mut page)?;
            }
        }
        emit(&mut page)
    }

    fn run(readers: usize, ranges: &[(u32, u32)]) -> Result<Vec<u32>> {
        let mut seen = Vec::new();
        run_lane(readers, ranges, &Stop::new(), read, |page| {
            seen.extend(page.iter().filter_map(|(k, _)| Some(u32::from_be_bytes(k.try_into().ok()?))));
            Ok(())
        })?;
        Ok(seen)
    }

    #[test]
    fn pages_arrive_in_order_whatever_the_number_of_readers() {
        let ranges: Vec<(u32, u32)> = (0..50).map(|n| (n * 10, n * 10 + 10)).collect();
        for readers in [1, 2, 4] {
            assert_eq!(run(readers, &ranges).ok(), Some((0..500).collect()), "{readers} readers");
        }
    }

    #[test]
    fn pages_arrive_in_order_whoever_works_on_them() {
        let ranges: Vec<(u32, u32)> = (0..50).map(|n| (n * 10, n * 10 + 10)).collect();
        // Slower for some pages than for others.
        let twice = |page: &Page, made: &mut Page| {
            page.iter().for_each(|(key, value)| made.push(key, &[value, value].concat()));
            let first = page.get(0).and_then(|(key, _)| key.last()).copied().unwrap_or(0);
            std::thread::sleep(std::time::Duration::from_micros(u64::from(first % 7) * 100));
        };
        for (readers, workers) in [(1, 1), (1, 3), (3, 2)] {
            let mut seen = Vec::new();
            let through: Option<Through> = Some((workers, &twice));
            run_lane_through(readers, through, &ranges, &Stop::new(), read, |page| {
                for (key, value) in page.iter() {
                    assert_eq!(value, b"vv");
                    seen.extend(key.try_into().map(u32::from_be_bytes));
                }
                Ok(())
            })
            .unwrap();
            assert_eq!(seen, (0..500).collect::<Vec<_>>(), "{readers} readers, {workers} workers");
            let failed =
                run_lane_through(readers, through, &ranges, &Stop::new(), read, |_| Err(Error::io("full")));
            assert_eq!(failed.err().map(|e| e.message().to_string()), Some("full".to_string()));
            let beast = run_lane_through(readers, through, &[(600, 700)], &Stop::new(), read, |_| Ok(()));
            assert_eq!(beast.err().map(|e| e.message().to_string()), Some("the beast".to_string()));
        }
    }

    #[test]
    fn an_error_of_a_reader_or_of_the_sink_ends_the_lane() {
        let ranges: Vec<(u32, u32)> = (0..100).map(|n| (n * 10, n * 10 + 10)).collect();
        assert_eq!(run(3, &ranges).err().map(|e| e.message().to_string()), Some("the beast".to_string()));
        let result = run_lane(3, &ranges, &Stop::new(), read, |_| Err(Error::io("full")));
        assert_eq!(result.err().map(|e| e.message().to_string()), Some("full".to_string()));
    }

    #[test]
    fn a_stop_ends_the_lane_as_interrupted() {
        let stop = Stop::new();
        let result = run_lane(2, &[(0, 600)], &stop, read, |_| {
            stop.stop();
            Ok(())
        });
        assert_eq!(result.err().map(|e| e.kind()), Some(ErrorKind::Interrupted));
    }

    #[test]
    fn parallel_work_keeps_the_order_of_its_items() {
        let items: Vec<u32> = (0..100).collect();
        assert_eq!(in_parallel(4, &items, |n| Ok(n * 2)).ok(), Some((0..200).step_by(2).collect()));
        let failed = in_parallel(4, &items, |n| if *n == 50 { Err(Error::io("50")) } else { Ok(()) });
        assert_eq!(failed.err().map(|e| e.message().to_string()), Some("50".to_string()));
    }
}
