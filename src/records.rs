//! Reading records: their inputs, the checks on them, data derived from them and the pipeline that delivers them.
//!
//! Never writes to a store. Does not depend on the kind of backend or on commands. The modules are in reading
//! order; each uses only those above it.

pub mod blob;

pub mod selection;

pub mod changes;

pub(crate) mod derived_keys;

pub(crate) mod check;

pub mod counters;

pub mod audit;

pub(crate) mod gaps;

pub mod store;

pub(crate) mod leases;

pub(crate) mod pipeline;

pub(crate) mod input;

pub(crate) mod merge_join;

pub(crate) mod comparison;
