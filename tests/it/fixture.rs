//! Stores that real servers wrote and stores that are made to measure.

pub mod digests;
pub mod generate;
pub mod large;
#[allow(dead_code, reason = "the benchmarks use the rest")]
pub mod measure;
pub mod site;

type AnyError = Box<dyn std::error::Error>;
