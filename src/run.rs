//! Services for every command: budget, console, stop on signals, preflight, strict mode, state files for resuming.
//!
//! Does not depend on stores or dumps. Modules in reading order; each uses only those above it.

use budget::Budget;
use console::Console;

use crate::base::stop::Stop;

pub mod budget;

pub mod strict;

pub mod signals;

pub(crate) mod progress;

pub mod console;

pub(crate) mod preflight;

pub mod resume;

/// The environment of one run, passed to everything it calls.
#[derive(Debug, Clone)]
pub struct Run {
    /// Threads and memory.
    pub budget: Budget,
    /// Output of text and data.
    pub console: Console,
    /// Raised when the run should end.
    pub stop: Stop,
}

/// What the user has agreed to.
#[derive(Debug, Clone, Copy, Default)]
pub struct Consent {
    /// Check and plan only: nothing is written.
    pub dry_run: bool,
    /// Agree to everything that needs consent.
    pub yes: bool,
}
