//! SIGINT, SIGTERM and SIGHUP: the first asks the run to end cleanly, the second ends the process at once, but
//! for its private copies of mail, which it removes; the third does not wait for that.
//!
//! SIGXFSZ does nothing: a file that may not grow is an error of the write, with its remedy. The same is true of SIGPIPE,
//! which the standard library ignores in every process.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGXFSZ};
use signal_hook::iterator::Signals;

use crate::base::dir;
use crate::base::error::{Error, Result};
use crate::base::stop::Stop;

/// Exit status of an interrupted run.
const EXIT: i32 = 130;

/// The stop flag of this process, which the first of these signals raises. Handlers stay for the rest of the
/// process.
///
/// A file that reaches the limit of its size ends nothing by itself from now on.
///
/// SIGHUP is left alone where it is ignored, as under `nohup`.
pub fn stop_on_signal() -> Result<Stop> {
    let fail = |error| Error::io("cannot install a signal handler").because(error);
    let stop = Stop::of_process().clone();
    let (flag, leaving) = (stop.flag(), Arc::new(AtomicBool::new(false)));
    // Nothing looks at the flag: the write that was one too many fails instead.
    signal_hook::flag::register(SIGXFSZ, Arc::new(AtomicBool::new(false))).map_err(fail)?;
    let handled: &[i32] = if ignored(SIGHUP) { &[SIGINT, SIGTERM] } else { &[SIGINT, SIGTERM, SIGHUP] };
    for signal in handled {
        signal_hook::flag::register_conditional_shutdown(*signal, EXIT, Arc::clone(&leaving))
            .map_err(fail)?;
        signal_hook::flag::register(*signal, Arc::clone(&flag)).map_err(fail)?;
    }
    // Last: the thread may be quicker than the rest of what is done for the same signal.
    let mut seen = Signals::new(handled).map_err(fail)?;
    let second = move || {
        let mut again = false;
        for _ in seen.forever() {
            // Without private copies the next signal has nothing to wait for.
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
