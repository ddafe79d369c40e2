//! Moves the database of a stopped Stalwart server between stores, through a portable dump or directly.
//!
//! Modules in reading order; dependencies point upwards in this list only. `ARCHITECTURE.md` holds the
//! invariants.

pub mod codec;

pub mod catalog;

pub mod error;

pub mod finding;

pub mod page;

pub mod dump;

pub mod config;

pub mod blob;

pub mod backend;

pub mod lanes;

pub mod selection;

pub mod signals;

pub mod progress;

