//! Records on their way: where they come from, what checks them, what is derived from them, the pipeline they run in.
//!
//! Reads only. Knows neither which backend a store has nor what a command wants. Modules in reading order; each uses
//! only those above it.

pub mod blob;

pub mod selection;

pub mod archive;

pub mod changes;

pub mod derived_keys;

pub mod check;

pub mod counters;

pub mod audit;

pub mod gaps;

pub mod store;

pub mod leases;

pub mod pipeline;

pub mod input;

pub mod merge_join;

pub mod comparison;
