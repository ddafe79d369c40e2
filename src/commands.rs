//! The commands: one module for each, and the plan and result of a load.
//!
//! Commands share only `loaded`. Modules in reading order; each uses only those above it.

pub mod loaded;

pub mod export;

pub mod import;

pub mod copy;

pub mod diff;

pub mod verify;

pub mod inspect;
