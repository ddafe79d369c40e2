//! SIGINT and SIGTERM: the first asks the run to end cleanly, the second ends the process at once.

use std::sync::Arc;

use signal_hook::consts::{SIGINT, SIGTERM};

use crate::error::{Error, Result};
use crate::stop::Stop;

/// Exit status of an interrupted run.
const EXIT: i32 = 130;

/// The stop flag of this process, which the first SIGINT or SIGTERM raises. Handlers stay for the rest of the process.
pub fn stop_on_signal() -> Result<Stop> {
    let stop = Stop::of_process().clone();
    let flag = stop.flag();
    for signal in [SIGINT, SIGTERM] {
        let fail = |error| Error::io("cannot install a signal handler").because(error);
        // In this order: the flag is still down at the first signal and up at the second.
        signal_hook::flag::register_conditional_shutdown(signal, EXIT, Arc::clone(&flag)).map_err(fail)?;
        signal_hook::flag::register(signal, Arc::clone(&flag)).map_err(fail)?;
    }
    Ok(stop)
}
