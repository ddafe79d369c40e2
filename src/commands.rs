//! What the program does: one module for each command, and what a load reports.
//!
//! Commands share nothing but `loaded`. Modules in reading order; each uses only those above it.

pub mod loaded;

pub mod export;

pub mod import;

pub mod copy;

pub mod diff;

pub mod verify;

pub mod inspect;
