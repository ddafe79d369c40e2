//! What every command has: a budget, a console, a way to be stopped, checks before the first write, a state to resume.
//!
//! Knows no store and no dump. Modules in reading order; each uses only those above it.

pub mod budget;

pub mod strict;

pub mod signals;

pub mod progress;

pub mod console;

pub mod preflight;

pub mod resume;
