//! What every other part may use: errors, findings, pages of records, files, the request to end.
//!
//! Knows no other part of the program. Modules in reading order; each uses only those above it.

pub mod hex;

pub mod error;

pub mod stop;

pub mod dir;

pub mod page;

pub mod finding;

pub mod seal;

pub mod write_back;

pub mod process;
