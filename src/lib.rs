//! Moves the database of a stopped Stalwart server between stores, through a portable dump or directly.
//!
//! Modules in reading order; dependencies point upwards in this list only. `ARCHITECTURE.md` holds the
//! invariants.

pub mod hex;

pub mod codec;

pub mod catalog;

pub mod error;

pub mod stop;

pub mod seal;

pub mod budget;

pub mod finding;

pub mod page;

pub mod dir;

pub mod process;

pub mod settle;

pub mod dump;

pub mod config;

pub mod blob;

pub mod backend;

pub mod lanes;

pub mod strict;

pub mod selection;

pub mod archive;

pub mod changes;

pub mod computed;

pub mod check;

pub mod counters;

pub mod audit;

pub mod store;

pub mod running;

pub mod leases;

pub mod engines;

pub mod installation;

pub mod connect;

pub mod unchanged;

pub mod shapes;
pub mod signals;

pub mod progress;

pub mod console;

pub mod origin;

pub mod in_step;

pub mod resume;

pub mod preflight;

pub mod sources;

pub mod export;

pub mod proof;

pub mod fresh;
pub mod gaps;

pub mod limits;

pub mod load;

pub mod destination;

pub mod set_aside;

pub mod owner;

pub mod transfer;

pub mod loaded;

pub mod import;

pub mod overlap;

pub mod copy;

pub mod diff;

pub mod verify;

pub mod inspect;

pub mod cli;
pub mod options;

pub mod report;
