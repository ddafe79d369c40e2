//! Pipelines: parallel streams of pages, each delivered in key order, in bounded memory.
//!
//! A pipeline has ranges, which several threads read ahead, and one sink that takes their pages in order. It does
//! not depend on the contents of pages.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::sync::{Condvar, Mutex};

use crate::base::error::{Error, ErrorKind, Result};
use crate::base::page::Page;
use crate::base::stop::{Stop, interrupted};
use crate::base::sync::{into_inner, lock, wait};
use crate::run::Run;

/// Runs `work` on every item, `jobs` at a time, started in order. Returns the results in the order of the items,
/// or the first error; after an error no further item is started.
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
                        Ok(value) => *lock(slot) = Some(value),
                        Err(error) => {
                            failed.store(true, Ordering::Relaxed);
                            let mut first = lock(&first);
                            // An interruption is not the cause if another worker has a different error.
                            if first.as_ref().is_none_or(|e| e.kind() == ErrorKind::Interrupted) {
                                *first = Some(error);
                            }
                        }
                    }
                }
            });
        }
    });
    if let Some(error) = into_inner(first) {
        return Err(error);
    }
    let ended = || Error::io("a thread of this program has ended before its time");
    done.into_iter().map(|slot| into_inner(slot).ok_or_else(ended)).collect()
}

/// Settings of a pipeline.
#[derive(Clone, Copy)]
pub struct Pipeline<'a> {
    /// Threads that read ranges, at least 1.
    pub readers: usize,
    /// Read-ahead limit: most bytes of pages that wait for the sink, per range. A larger page waits alone.
    pub read_ahead: usize,
    /// Optional transform applied to each page between reader and sink.
    pub transform: Option<Transform<'a>>,
    /// Set to stop the pipeline.
    pub stop: &'a Stop,
}

/// A transform of each page between reader and sink, on worker threads: for work that is too slow for the sink
/// and for a single reader.
#[derive(Clone, Copy)]
pub struct Transform<'a> {
    /// Worker threads, at least 1.
    pub workers: usize,
    /// Fills the empty second page from the first, which was read.
    pub work: &'a (dyn Fn(&Page, &mut Page) + Sync),
}

impl<'a> Pipeline<'a> {
    /// A pipeline as the budget of a run allows one, without a transform.
    pub fn of(run: &'a Run) -> Self {
        let budget = &run.budget;
        Pipeline {
            readers: budget.readers(),
            read_ahead: budget.read_ahead(),
            transform: None,
            stop: &run.stop,
        }
    }
}

impl Pipeline<'_> {
    /// Reads `ranges` and passes every page to `sink` on this thread, with the ranges in order; `sink` may clear
    /// the page. `read` sends the pages of one range through `emit`, which takes a full page and puts an empty
    /// one in its place.
    ///
    /// Errors: those of `read` and `sink`, and interrupted if the pipeline was stopped.
    pub fn run<R: Sync>(
        &self,
        ranges: &[R],
        read: impl Fn(&R, &mut dyn FnMut(&mut Page) -> Result<()>) -> Result<()> + Sync,
        mut sink: impl FnMut(&mut Page) -> Result<()>,
    ) -> Result<()> {
        let pool = PagePool::default();
        let gates: Vec<Gate> = ranges.iter().map(|_| Gate::new(self.read_ahead)).collect();
        let (senders, receivers): (Vec<Sender<Message>>, Vec<Receiver<Message>>) =
            ranges.iter().map(|_| channel()).unzip();
        // Each reader takes the sender of the range it starts, so a range's channel closes with its reader.
        let senders: Vec<Mutex<Option<Sender<Message>>>> =
            senders.into_iter().map(|sender| Mutex::new(Some(sender))).collect();
        let next = AtomicUsize::new(0);
        // Bounded by the gates: a page has passed one before it is queued here.
        let (jobs, queue) = channel::<(Page, SyncSender<Page>)>();
        let queue = Mutex::new(queue);
        std::thread::scope(|scope| {
            for _ in 0..self.readers.clamp(1, ranges.len().max(1)) {
                let jobs = self.transform.map(|_| jobs.clone());
                let (pool, gates, next, senders, read, stop) =
                    (&pool, &gates, &next, &senders, &read, self.stop);
                scope.spawn(move || {
                    loop {
                        let index = next.fetch_add(1, Ordering::Relaxed);
                        let (Some(range), Some(gate)) = (ranges.get(index), gates.get(index)) else { break };
                        let sender = senders.get(index).and_then(|slot| lock(slot).take());
                        let Some(sender) = sender else { break };
                        let result = read(range, &mut |page| {
                            let bytes = page.size();
                            // A closed gate means that the sink has failed; the error of the sink is reported.
                            if stop.stopped() || !gate.enter(bytes) {
                                return Err(interrupted());
                            }
                            let full = std::mem::replace(page, pool.take());
                            let delivery = match &jobs {
                                None => Delivery::Page(full),
                                Some(jobs) => {
                                    let (done, promise) = sync_channel(1);
                                    jobs.send((full, done)).map_err(|_| interrupted())?;
                                    Delivery::Promise(promise)
                                }
                            };
                            sender.send(Ok((bytes, delivery))).map_err(|_| interrupted())
                        });
                        if let Err(error) = result {
                            // Sending fails only if the sink has already failed.
                            let _ = sender.send(Err(error));
                            break;
                        }
                    }
                });
            }
            drop(jobs);
            if let Some(Transform { workers, work }) = self.transform {
                for _ in 0..workers.max(1) {
                    scope.spawn(|| {
                        loop {
                            let job = lock(&queue).recv();
                            let Ok((page, done)) = job else { break };
                            let mut made = pool.take();
                            work(&page, &mut made);
                            pool.give(page);
                            // Sending fails only if the sink has failed.
                            let _ = done.send(made);
                        }
                    });
                }
            }
            // Wakes waiting readers on every exit path.
            let _closing = Closing(&gates);
            for (receiver, gate) in receivers.into_iter().zip(&gates) {
                for message in receiver {
                    let (bytes, delivery) = message?;
                    let mut page = match delivery {
                        Delivery::Page(page) => page,
                        Delivery::Promise(promise) => promise
                            .recv()
                            .map_err(|_| Error::io("a thread that prepared records has stopped"))?,
                    };
                    sink(&mut page)?;
                    pool.give(page);
                    gate.leave(bytes);
                    self.stop.check()?;
                }
            }
            Ok(())
        })
    }
}

/// Message of a reader: the size of a page when it was read, in bytes, and the page or its promise.
type Message = Result<(usize, Delivery)>;

/// A page, or the channel that will deliver it after the transform.
enum Delivery {
    Page(Page),
    Promise(Receiver<Page>),
}

/// Bounds the bytes of one range that are between its reader and the sink.
struct Gate {
    limit: usize,
    // Bytes inside; `None` after closing.
    inside: Mutex<Option<usize>>,
    changed: Condvar,
}

impl Gate {
    fn new(limit: usize) -> Gate {
        Gate { limit, inside: Mutex::new(Some(0)), changed: Condvar::new() }
    }

    /// Waits until there is room or the gate is empty; false if the gate is closed.
    fn enter(&self, bytes: usize) -> bool {
        let mut inside = lock(&self.inside);
        loop {
            match &mut *inside {
                None => return false,
                Some(now) if *now == 0 || *now + bytes <= self.limit => {
                    *now += bytes;
                    return true;
                }
                Some(_) => inside = wait(&self.changed, inside),
            }
        }
    }

    fn leave(&self, bytes: usize) {
        if let Some(now) = &mut *lock(&self.inside) {
            *now = now.saturating_sub(bytes);
        }
        self.changed.notify_one();
    }

    fn close(&self) {
        *lock(&self.inside) = None;
        self.changed.notify_one();
    }
}

/// Closes gates on drop.
struct Closing<'a>(&'a [Gate]);

impl Drop for Closing<'_> {
    fn drop(&mut self) {
        self.0.iter().for_each(Gate::close);
    }
}

/// A pool of empty pages with allocated memory.
#[derive(Default)]
struct PagePool(Mutex<Vec<Page>>);

impl PagePool {
    fn take(&self) -> Page {
        lock(&self.0).pop().unwrap_or_default()
    }

    fn give(&self, mut page: Page) {
        page.clear();
        lock(&self.0).push(page);
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

    /// A pipeline with a limit so low that readers have to wait.
    fn pipeline<'a>(readers: usize, stop: &'a Stop) -> Pipeline<'a> {
        Pipeline { readers, read_ahead: 300, transform: None, stop }
    }

    fn run(readers: usize, ranges: &[(u32, u32)]) -> Result<Vec<u32>> {
        let mut seen = Vec::new();
        pipeline(readers, &Stop::new()).run(ranges, read, |page| {
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
    fn pages_arrive_in_order_whichever_worker_transforms_them() {
        let ranges: Vec<(u32, u32)> = (0..50).map(|n| (n * 10, n * 10 + 10)).collect();
        // Takes longer for some pages than for others.
        let twice = |page: &Page, made: &mut Page| {
            page.iter().for_each(|(key, value)| made.push(key, &[value, value].concat()));
            let first = page.get(0).and_then(|(key, _)| key.last()).copied().unwrap_or(0);
            std::thread::sleep(std::time::Duration::from_micros(u64::from(first % 7) * 100));
        };
        let stop = Stop::new();
        for (readers, workers) in [(1, 1), (1, 3), (3, 2)] {
            let mut seen = Vec::new();
            let pipeline =
                Pipeline { transform: Some(Transform { workers, work: &twice }), ..pipeline(readers, &stop) };
            pipeline
                .run(&ranges, read, |page| {
                    for (key, value) in page.iter() {
                        assert_eq!(value, b"vv");
                        seen.extend(key.try_into().map(u32::from_be_bytes));
                    }
                    Ok(())
                })
                .unwrap();
            assert_eq!(seen, (0..500).collect::<Vec<_>>(), "{readers} readers, {workers} workers");
            let failed = pipeline.run(&ranges, read, |_| Err(Error::io("full")));
            assert_eq!(failed.err().map(|e| e.message().to_string()), Some("full".to_string()));
            let beast = pipeline.run(&[(600, 700)], read, |_| Ok(()));
            assert_eq!(beast.err().map(|e| e.message().to_string()), Some("the beast".to_string()));
        }
    }

    #[test]
    fn an_error_of_a_reader_or_of_the_sink_ends_the_pipeline() {
        let ranges: Vec<(u32, u32)> = (0..100).map(|n| (n * 10, n * 10 + 10)).collect();
        assert_eq!(run(3, &ranges).err().map(|e| e.message().to_string()), Some("the beast".to_string()));
        let stop = Stop::new();
        let result = pipeline(3, &stop).run(&ranges, read, |_| Err(Error::io("full")));
        assert_eq!(result.err().map(|e| e.message().to_string()), Some("full".to_string()));
        // The reader waits at a full gate.
        let result = pipeline(1, &stop).run(&[(0, 600)], read, |_| Err(Error::io("full")));
        assert_eq!(result.err().map(|e| e.message().to_string()), Some("full".to_string()));
    }

    #[test]
    fn a_stop_ends_the_pipeline_as_interrupted() {
        let stop = Stop::new();
        let result = pipeline(2, &stop).run(&[(0, 600)], read, |_| {
            stop.stop();
            Ok(())
        });
        assert_eq!(result.err().map(|e| e.kind()), Some(ErrorKind::Interrupted));
    }

    #[test]
    fn no_more_waits_than_was_allowed_and_a_large_page_waits_alone() {
        let gate = Gate::new(10);
        assert!(gate.enter(25), "larger than allowed, but alone");
        std::thread::scope(|scope| {
            let next = scope.spawn(|| gate.enter(6) && gate.enter(4));
            std::thread::sleep(std::time::Duration::from_millis(20));
            assert!(!next.is_finished(), "passed a full gate");
            gate.leave(25);
            assert_eq!(next.join().ok(), Some(true));
            let late = scope.spawn(|| gate.enter(1));
            std::thread::sleep(std::time::Duration::from_millis(20));
            assert!(!late.is_finished(), "passed a full gate");
            gate.close();
            assert_eq!(late.join().ok(), Some(false));
        });
    }

    #[test]
    fn parallel_work_keeps_the_order_of_its_items() {
        let items: Vec<u32> = (0..100).collect();
        assert_eq!(in_parallel(4, &items, |n| Ok(n * 2)).ok(), Some((0..200).step_by(2).collect()));
        let failed = in_parallel(4, &items, |n| if *n == 50 { Err(Error::io("50")) } else { Ok(()) });
        assert_eq!(failed.err().map(|e| e.message().to_string()), Some("50".to_string()));
    }
}
