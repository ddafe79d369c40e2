//! Tests of the library and of the whole program, in one program that is linked once.
//!
//! All run at the same time: what changes something that belongs to the process runs in a process of its own (`alone`).
//! A module needs the features that stand before it; without any, nothing native is built.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod harness;

#[cfg(all(
    feature = "rocksdb",
    feature = "sqlite",
    feature = "postgres",
    feature = "mysql",
    feature = "s3",
    feature = "azure"
))]
mod blobs;
#[cfg(all(feature = "rocksdb", feature = "sqlite"))]
mod bundles;
mod canary;
#[cfg(feature = "sqlite")]
mod catalog_rows;
#[cfg(all(feature = "rocksdb", feature = "sqlite", feature = "postgres", feature = "mysql"))]
mod clearing;
mod config;
#[cfg(all(feature = "rocksdb", feature = "sqlite"))]
mod conformance;
#[cfg(all(feature = "rocksdb", feature = "sqlite"))]
mod copy;
#[cfg(all(feature = "sqlite", feature = "postgres", feature = "mysql"))]
mod databases;
#[cfg(all(feature = "rocksdb", feature = "sqlite"))]
mod diff;
#[cfg(all(feature = "rocksdb", feature = "sqlite"))]
mod dry_run;
mod dump;
#[cfg(all(feature = "rocksdb", feature = "sqlite", feature = "postgres", feature = "mysql"))]
mod exclusion;
#[cfg(all(feature = "rocksdb", feature = "sqlite"))]
mod export;
#[cfg(all(feature = "rocksdb", feature = "sqlite"))]
mod faults;
#[cfg(all(feature = "rocksdb", feature = "sqlite"))]
mod files;
#[cfg(all(feature = "rocksdb", feature = "sqlite"))]
mod findings;
#[cfg(all(feature = "rocksdb", feature = "sqlite", feature = "foundationdb"))]
mod foundationdb;
#[cfg(all(feature = "sqlite", feature = "postgres", feature = "mysql"))]
mod fresh_databases;
#[cfg(all(feature = "rocksdb", feature = "sqlite"))]
mod full_disk;
mod generated;
#[cfg(all(feature = "rocksdb", feature = "sqlite"))]
mod holds;
#[cfg(feature = "sqlite")]
mod inspect;
#[cfg(all(feature = "rocksdb", feature = "sqlite"))]
mod interruption;
#[cfg(all(feature = "rocksdb", feature = "sqlite", feature = "postgres", feature = "mysql"))]
mod kill;
#[cfg(all(feature = "rocksdb", feature = "sqlite", feature = "postgres", feature = "mysql"))]
mod large;
#[cfg(all(feature = "rocksdb", feature = "sqlite"))]
mod links;
#[cfg(all(feature = "sqlite", feature = "postgres", feature = "mysql"))]
mod locks;
#[cfg(all(feature = "rocksdb", feature = "sqlite"))]
mod memory;
#[cfg(all(feature = "s3", feature = "azure"))]
mod objects;
mod options;
#[path = "../oracle/interpreter.rs"]
mod oracle;
#[cfg(all(feature = "rocksdb", feature = "sqlite"))]
mod output;
#[cfg(feature = "sqlite")]
mod privacy;
#[cfg(all(feature = "rocksdb", feature = "sqlite"))]
mod refusal;
#[cfg(all(feature = "rocksdb", feature = "sqlite"))]
mod rocksdb;
#[cfg(all(feature = "rocksdb", feature = "sqlite"))]
mod roundtrip;
#[cfg(all(feature = "rocksdb", feature = "sqlite"))]
mod salvage;
#[path = "../oracle/sampler.rs"]
mod sampler;
#[cfg(feature = "sqlite")]
mod selection;
#[cfg(all(feature = "sqlite", feature = "postgres", feature = "mysql"))]
mod shapes;
#[cfg(all(feature = "rocksdb", feature = "sqlite"))]
mod sqlite;
#[cfg(all(feature = "rocksdb", feature = "sqlite"))]
mod stop;
#[cfg(feature = "sqlite")]
mod stop_sqlite;
#[cfg(all(feature = "rocksdb", feature = "sqlite"))]
mod stopped;
#[cfg(all(feature = "rocksdb", feature = "sqlite"))]
mod strict;
#[cfg(all(feature = "rocksdb", feature = "sqlite"))]
mod targets;
#[cfg(all(feature = "rocksdb", feature = "sqlite", feature = "postgres", feature = "mysql"))]
mod unchanged;
#[cfg(all(feature = "rocksdb", feature = "sqlite", feature = "postgres", feature = "mysql"))]
mod unusable;
#[cfg(feature = "sqlite")]
mod versions;
