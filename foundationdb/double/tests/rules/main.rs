//! Every rule of the double, seen through the crate `foundationdb` and loaded by `fdb-client`, so that all three
//! are tested together.
//!
//! A test runs in a process of its own: the client library reads its environment once and starts its network once
//! in each. This program must not name the crate `fdb_double`, or the linker would take its functions instead of
//! those of `fdb-client`.

mod harness;

mod clusters;
mod conflicts;
mod faults;
mod futures;
mod limits;
mod own_writes;
mod processes;
mod ranges;
mod retries;
mod versions;
