//! Writing a target: may it be written, what it can hold, where blobs go, loading it, reading it back.
//!
//! Modules in reading order; each uses only those above it.

pub mod owner;

pub mod state;

pub mod limits;

pub mod read_back;

pub mod load;

pub mod blob_placement;

pub mod backup;

pub mod transfer;
