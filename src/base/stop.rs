//! Stop request: a flag that a signal raises and that long operations check.
//!
//! A leaf module for every layer, stores included. Does not install handlers; `signals` does.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use crate::base::error::{Error, ErrorKind};

/// Interval at which a wait checks the flag.
pub const LOOK: Duration = Duration::from_millis(100);

/// A flag that requests the end of the work.
#[derive(Debug, Default, Clone)]
pub struct Stop(Arc<AtomicBool>);

impl Stop {
    /// A flag that is not raised.
    pub fn new() -> Self {
        Stop::default()
    }

    /// The flag that the signals of this process raise. Stores check it in long waits and reads, because a signal
    /// is sent to the process and not to one of its runs.
    pub fn of_process() -> &'static Stop {
        static PROCESS: OnceLock<Stop> = OnceLock::new();
        PROCESS.get_or_init(Stop::new)
    }

    /// Raises the flag.
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

    /// Sleeps in short intervals and checks the flag between them.
    ///
    /// Errors: interrupted, if work should end.
    pub fn sleep(&self, time: Duration) -> Result<(), Error> {
        let until = Instant::now() + time;
        loop {
            self.check()?;
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(());
            }
            std::thread::sleep(left.min(LOOK));
        }
    }

    /// Checks the flag, for use with `?` in a loop.
    ///
    /// Errors: interrupted, if work should end.
    pub fn check(&self) -> Result<(), Error> {
        if self.stopped() { Err(interrupted()) } else { Ok(()) }
    }
}

/// The error of a stopped run.
pub fn interrupted() -> Error {
    Error::new(ErrorKind::Interrupted, "interrupted")
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_raised_flag_is_seen_by_every_copy() {
        let stop = Stop::new();
        let copy = stop.clone();
        copy.check().unwrap();
        stop.flag().store(true, Ordering::Relaxed);
        assert!(copy.stopped());
        assert_eq!(copy.check().unwrap_err().kind(), ErrorKind::Interrupted);
        assert!(!Stop::new().stopped());
    }
}
