//! Runs one target on many inputs and stops at the first that panics, hangs or takes too much memory.
//!
//! The input is saved and its place, seed and number printed. The caller makes the inputs.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::sampler::Sampler;

use super::memory::{Since, Taken};

/// Time for one input, on a machine that has other things to do.
const LIMIT: Duration = Duration::from_secs(20);

/// One campaign at a time: memory is counted for the whole process.
static MEASURED: Mutex<()> = Mutex::new(());

/// No other campaign measures while this is held.
pub fn alone() -> MutexGuard<'static, ()> {
    MEASURED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A target and how much of it is done.
pub struct Campaign {
    /// Name of the target.
    pub target: &'static str,
    /// What is called with each input.
    pub body: fn(&[u8]),
    /// Inputs in a usual run, and with `STALWART_MIGRATE_FUZZ=full`.
    pub counts: [u64; 2],
    /// Bytes that one input may take beyond four times its own length, of which the harness takes most.
    pub memory: usize,
}

struct Current {
    number: u64,
    begun: Instant,
    input: Vec<u8>,
}

impl Campaign {
    /// Runs the seeds as they are, then inputs made by `make` from a source of numbers and a count.
    pub fn run(&self, seeds: &[Vec<u8>], mut make: impl FnMut(&mut Sampler) -> Vec<u8>) {
        assert!(!seeds.is_empty(), "{}: no seeds", self.target);
        let _alone = alone();
        let begun = Instant::now();
        let seed = number("STALWART_MIGRATE_FUZZ_SEED").unwrap_or(0x5eed);
        let seconds = number("STALWART_MIGRATE_FUZZ_SECONDS").map(Duration::from_secs);
        let full = std::env::var("STALWART_MIGRATE_FUZZ").is_ok_and(|word| word == "full");
        let count = match (seconds, full) {
            (Some(_), _) => u64::MAX,
            (None, true) => self.counts[1],
            (None, false) if cfg!(debug_assertions) => self.counts[0] / 10,
            (None, false) => self.counts[0],
        };
        let current = Arc::new(Mutex::new(None));
        let watch = self.watch(seed, &current);
        let mut most = Taken::default();
        let mut done = 0;
        for seeded in seeds {
            self.one(seed, done, seeded.clone(), &current, &mut most);
            done += 1;
        }
        while done < count && seconds.is_none_or(|seconds| begun.elapsed() < seconds) {
            // Each input depends on seed and number alone.
            let input = make(&mut Sampler::new(seed.wrapping_add(done.wrapping_mul(0x9e37_79b9_7f4a_7c15))));
            self.one(seed, done, input, &current, &mut most);
            done += 1;
        }
        drop(current);
        watch.thread().unpark();
        println!(
            "{}: {done} inputs in {:.1} s, peak {} KiB, largest piece {} KiB",
            self.target,
            begun.elapsed().as_secs_f64(),
            most.peak >> 10,
            most.largest >> 10
        );
    }

    fn one(
        &self,
        seed: u64,
        number: u64,
        input: Vec<u8>,
        current: &Mutex<Option<Current>>,
        most: &mut Taken,
    ) {
        let lock = || current.lock().unwrap_or_else(PoisonError::into_inner);
        *lock() = Some(Current { number, begun: Instant::now(), input: input.clone() });
        let since = Since::now();
        let outcome = catch_unwind(AssertUnwindSafe(|| (self.body)(&input)));
        let taken = since.taken();
        *lock() = None;
        let place = || saved(self.target, seed, number, &input);
        if outcome.is_err() {
            panic!("{}: input {number} of seed {seed} panics: {}", self.target, place().display());
        }
        let budget = self.memory + 4 * input.len();
        assert!(
            taken.peak <= budget && taken.largest <= budget,
            "{}: input {number} of seed {seed}, {} bytes, takes {taken:?}, the budget is {budget}: {}",
            self.target,
            input.len(),
            place().display()
        );
        most.peak = most.peak.max(taken.peak);
        most.largest = most.largest.max(taken.largest);
    }

    /// Ends the process when an input takes too long: there is no other way to stop it.
    fn watch(&self, seed: u64, current: &Arc<Mutex<Option<Current>>>) -> std::thread::JoinHandle<()> {
        let (target, current) = (self.target, Arc::downgrade(current));
        std::thread::spawn(move || {
            while let Some(current) = current.upgrade() {
                if let Some(current) = &*current.lock().unwrap_or_else(PoisonError::into_inner)
                    && current.begun.elapsed() > LIMIT
                {
                    let place = saved(target, seed, current.number, &current.input);
                    eprintln!("{target}: input {} of seed {seed} hangs: {}", current.number, place.display());
                    std::process::abort();
                }
                drop(current);
                std::thread::park_timeout(Duration::from_millis(500));
            }
        })
    }
}

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok()?.parse().ok()
}

fn saved(target: &str, seed: u64, number: u64, input: &[u8]) -> PathBuf {
    let path = std::env::temp_dir().join(format!("hostile-{target}-{seed}-{number}"));
    match std::fs::write(&path, input) {
        Ok(()) => path,
        Err(_) => PathBuf::from("(the input cannot be saved)"),
    }
}
