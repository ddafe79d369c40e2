//! Moves the database of a stopped Stalwart server between stores, through a portable dump or directly.
//!
//! Parts in reading order; each uses only those above it. `ARCHITECTURE.md` holds the invariants.

pub mod base;

pub mod codec;

pub mod catalog;

pub mod settings;

pub mod config;

pub mod dump;

pub mod backend;

pub mod run;

pub mod records;

pub mod open;

pub mod target;

pub mod commands;

pub mod cli;
