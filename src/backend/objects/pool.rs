//! Threads that run one request at a time, and a budget for the bytes that they hold.
//!
//! Does not depend on objects.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Condvar, Mutex};
use std::thread::JoinHandle;

use super::Flow;
use crate::base::error::{Error, Result};
use crate::base::sync::{lock, wait};

type Job = Box<dyn FnOnce() + Send>;

/// Threads that wait for work, started when they are first needed.
pub(super) struct Pool {
    flow: Flow,
    size: usize,
    running: Mutex<Running>,
    budget: Arc<ByteLimit>,
}

#[derive(Default)]
struct Running {
    jobs: Option<Sender<Job>>,
    threads: Vec<JoinHandle<()>>,
    waiting: Arc<Mutex<usize>>,
    receiver: Option<Arc<Mutex<Receiver<Job>>>>,
}

impl Pool {
    pub fn new(flow: Flow) -> Self {
        let budget = ByteLimit { limit: flow.bytes, held: Mutex::new(0), freed: Condvar::new() };
        Pool { flow, size: flow.requests.max(1), running: Mutex::default(), budget: Arc::new(budget) }
    }

    /// The limits of this pool.
    pub fn flow(&self) -> Flow {
        self.flow
    }

    pub fn size(&self) -> usize {
        self.size
    }

    pub fn budget(&self) -> &Arc<ByteLimit> {
        &self.budget
    }

    /// Runs `work` on a thread; the answer receives the result.
    pub fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<JobResult<T>> {
        let (sender, receiver) = channel();
        self.submit(Box::new(move || {
            // The send fails if the answer was dropped.
            let _ = sender.send(work());
        }))?;
        Ok(JobResult(receiver))
    }

    fn submit(&self, job: Job) -> Result<()> {
        let mut running = lock(&self.running);
        if running.jobs.is_none() {
            let (sender, receiver) = channel();
            running.jobs = Some(sender);
            running.receiver = Some(Arc::new(Mutex::new(receiver)));
        }
        *lock(&running.waiting) += 1;
        // A new thread only if none is free.
        if *lock(&running.waiting) > running.threads.len() && running.threads.len() < self.size {
            let (receiver, waiting) = (running.receiver.clone(), Arc::clone(&running.waiting));
            let thread = std::thread::Builder::new().spawn(move || {
                let Some(receiver) = receiver else { return };
                loop {
                    // The thread that holds the lock while it waits takes the next job.
                    let job = lock(&receiver).recv();
                    let Ok(job) = job else { break };
                    // If a job panics, the waiting side gets an error.
                    let _ = catch_unwind(AssertUnwindSafe(job));
                    *lock(&waiting) -= 1;
                }
            });
            match thread {
                Ok(thread) => running.threads.push(thread),
                Err(error) if running.threads.is_empty() => {
                    return Err(Error::io("cannot start a thread").because(error));
                }
                // Fewer threads do the same work.
                Err(_) => {}
            }
        }
        let sent = running.jobs.as_ref().is_some_and(|jobs| jobs.send(job).is_ok());
        if sent { Ok(()) } else { Err(gone()) }
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        let mut running = std::mem::take(&mut *lock(&self.running));
        drop((running.jobs.take(), running.receiver.take()));
        for thread in running.threads {
            // Whether it ended normally or by a panic.
            let _ = thread.join();
        }
    }
}

/// The future result of a job.
pub(super) struct JobResult<T>(Receiver<T>);

impl<T> JobResult<T> {
    /// Waits for the result.
    pub fn wait(self) -> Result<T> {
        self.0.recv().map_err(|_| gone())
    }
}

fn gone() -> Error {
    Error::io("a thread of this program has ended before its time")
}

/// Limit of bytes that are held at the same time.
pub(super) struct ByteLimit {
    limit: u64,
    held: Mutex<u64>,
    freed: Condvar,
}

impl ByteLimit {
    /// Takes bytes if the limit allows it, or if nothing is held.
    pub fn try_take(self: &Arc<Self>, bytes: u64) -> Option<HeldBytes> {
        let mut held = lock(&self.held);
        self.fits(*held, bytes).then(|| {
            *held = held.saturating_add(bytes);
            HeldBytes { budget: Arc::clone(self), bytes }
        })
    }

    /// Takes bytes even beyond the limit: for work that all other work waits for.
    pub fn take(self: &Arc<Self>, bytes: u64) -> HeldBytes {
        let mut held = lock(&self.held);
        *held = held.saturating_add(bytes);
        HeldBytes { budget: Arc::clone(self), bytes }
    }

    /// Waits until the limit allows it. Only for bytes that are released without the caller's help.
    pub fn wait(self: &Arc<Self>, bytes: u64) -> HeldBytes {
        let mut held = lock(&self.held);
        while !self.fits(*held, bytes) {
            held = wait(&self.freed, held);
        }
        *held = held.saturating_add(bytes);
        HeldBytes { budget: Arc::clone(self), bytes }
    }

    fn fits(&self, held: u64, bytes: u64) -> bool {
        held == 0 || held.saturating_add(bytes) <= self.limit
    }
}

/// Bytes of the budget, released on drop.
pub(super) struct HeldBytes {
    budget: Arc<ByteLimit>,
    bytes: u64,
}

impl Drop for HeldBytes {
    fn drop(&mut self) {
        let mut held = lock(&self.budget.held);
        *held = held.saturating_sub(self.bytes);
        drop(held);
        self.budget.freed.notify_all();
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    use super::*;

    #[test]
    fn jobs_run_side_by_side_and_no_more_than_allowed() {
        let pool = Pool::new(Flow { requests: 3, bytes: 1 });
        let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let answers: Vec<_> = (0..30)
            .map(|n| {
                let (now, most) = (Arc::clone(&now), Arc::clone(&most));
                let work = move || {
                    most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                    std::thread::sleep(Duration::from_millis(5));
                    now.fetch_sub(1, Ordering::SeqCst);
                    n
                };
                pool.run(work).unwrap()
            })
            .collect();
        let got: Vec<usize> = answers.into_iter().map(|answer| answer.wait().unwrap()).collect();
        assert_eq!(got, (0..30).collect::<Vec<_>>());
        assert_eq!(most.load(Ordering::SeqCst), 3);
    }

    #[test]
    fn a_job_that_ends_its_thread_is_an_error_and_the_pool_ends() {
        let pool = Pool::new(Flow { requests: 2, bytes: 1 });
        let dead = pool
            .run(|| {
                if std::hint::black_box(true) {
                    panic!("on purpose")
                }
            })
            .unwrap();
        assert!(dead.wait().is_err());
        assert_eq!(pool.run(|| 1).unwrap().wait().unwrap(), 1);
    }

    #[test]
    fn a_budget_lets_a_large_one_pass_alone() {
        let pool = Pool::new(Flow { requests: 1, bytes: 10 });
        let budget = pool.budget();
        let large = budget.try_take(100).unwrap();
        assert!(budget.try_take(1).is_none());
        let waiter = std::thread::spawn({
            let budget = Arc::clone(budget);
            move || drop(budget.wait(10))
        });
        drop(large);
        waiter.join().unwrap();
        let small = budget.try_take(4).unwrap();
        assert!(budget.try_take(7).is_none() && budget.try_take(6).is_some());
        drop(budget.take(50));
        drop(small);
        assert_eq!(*lock(&budget.held), 0);
    }
}
