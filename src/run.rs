//! What every command has: a budget, a console, a way to be stopped, checks before the first write, a state to resume.
//!
//! Knows no store and no dump. Modules in reading order; each uses only those above it.

use budget::Budget;
use console::Console;

use crate::base::stop::Stop;

pub mod budget;

pub mod strict;

pub mod signals;

pub mod progress;

pub mod console;

pub mod preflight;

pub mod resume;

/// What one run of the program has, lent to everything it does.
#[derive(Debug, Clone)]
pub struct Run {
    /// Threads and memory.
    pub budget: Budget,
    /// Where text and data go.
    pub console: Console,
    /// Raised when the run should end.
    pub stop: Stop,
}

/// What the user lets a run do.
#[derive(Debug, Clone, Copy, Default)]
pub struct Consent {
    /// Check and plan only: nothing is written.
    pub dry_run: bool,
    /// What is asked for is agreed to.
    pub yes: bool,
}
