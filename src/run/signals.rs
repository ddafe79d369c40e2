//! Handles SIGINT, SIGTERM and SIGHUP: the first signal requests a clean end, the second removes private copies of
//! mail and ends the process, the third ends it without waiting for that.
//!
//! SIGXFSZ is ignored, so that a write to a file at its size limit fails with an error and a remedy. The standard
//! library already ignores SIGPIPE.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGXFSZ};
use signal_hook::iterator::Signals;

use crate::base::dir;
use crate::base::error::{Error, Result};
use crate::base::stop::Stop;

/// Exit status of an interrupted run.
const EXIT: i32 = 130;

/// Installs the handlers for the rest of the process, and returns the stop flag that the first signal raises.
///
/// From then on a file that reaches its size limit does not end the process. SIGHUP stays ignored if it was
/// ignored at the start, as under `nohup`.
///
/// Errors: I/O if a handler cannot be installed.
pub fn stop_on_signal() -> Result<Stop> {
    let fail = |error| Error::io("cannot install a signal handler").because(error);
    let stop = Stop::of_process().clone();
    let (flag, leaving) = (stop.flag(), Arc::new(AtomicBool::new(false)));
    // The flag is not used: the write beyond the limit fails.
    signal_hook::flag::register(SIGXFSZ, Arc::new(AtomicBool::new(false))).map_err(fail)?;
    let handled: &[i32] = if ignored(SIGHUP) { &[SIGINT, SIGTERM] } else { &[SIGINT, SIGTERM, SIGHUP] };
    for signal in handled {
        signal_hook::flag::register_conditional_shutdown(*signal, EXIT, Arc::clone(&leaving))
            .map_err(fail)?;
        signal_hook::flag::register(*signal, Arc::clone(&flag)).map_err(fail)?;
    }
    // Registered last: the thread may run before the other actions for the same signal.
    let mut seen = Signals::new(handled).map_err(fail)?;
    let second = move || {
        let mut again = false;
        for _ in seen.forever() {
            // Without private copies the next signal ends the process immediately.
            leaving.store(again || !dir::any_private(), Ordering::Relaxed);
            if again {
                dir::remove_all();
                signal_hook::low_level::exit(EXIT);
            }
            again = true;
        }
    };
    std::thread::Builder::new().name("signals".to_string()).spawn(second).map_err(fail)?;
    Ok(stop)
}

/// Whether the process was started with a signal ignored.
fn ignored(signal: i32) -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0);
    mask >> (signal - 1) & 1 == 1
}
