//! Foundations for all other modules: errors, findings, pages of records, files, the stop request.
//!
//! Does not depend on other parts of the program. Modules in reading order; each uses only those above it.

pub mod hex;

pub mod error;

pub mod sync;

pub mod stop;

pub mod dir;

pub mod page;

pub mod finding;

pub mod seal;

pub mod write_back;

pub mod process;
