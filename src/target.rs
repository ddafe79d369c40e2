//! Writing a target: may it be written, what it can hold, where blobs go, loading it, reading it back.
//!
//! Modules in reading order; each uses only those above it.

pub mod owner;

pub mod state;

pub(crate) mod limits;

pub(crate) mod read_back;

pub(crate) mod load;

pub(crate) mod blob_placement;

pub(crate) mod backup;

pub mod transfer;
