//! Opens the stores of a configuration, and checks that they are not in use, do not overlap and have the right shape.
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
