//! From a configuration to opened stores, and whether they may be used: in use, overlapping, of the expected shape.
//!
//! `backends` is the only module that names every backend. Modules in reading order; each uses only those above it.

pub mod backends;

pub mod running;

pub mod installation;

pub mod overlap;

pub mod shapes;

pub mod connect;

pub mod unchanged;

pub mod source_checks;
