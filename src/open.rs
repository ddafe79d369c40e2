//! Opens the stores of a configuration, and checks that they are not in use, do not overlap and have the right shape.
//!
//! `backends` is the only module that names every backend. Modules in reading order; each uses only those above it.

pub(crate) mod backends;

pub(crate) mod running;

pub mod installation;

pub mod overlap;

pub(crate) mod shapes;

pub(crate) mod connect;

pub(crate) mod unchanged;

pub(crate) mod source_checks;

pub(crate) mod reading;
