//! A test double of `libfdb_c`, the client library of FoundationDB.
//!
//! FoundationDB has no server that a test can start everywhere, and few of its errors can be provoked at a chosen
//! moment. This library has the C functions of API version 730 that the crate `foundationdb` calls, over a store
//! in a file, and enforces the rules that a program has to cope with. It is a *model*: it follows public
//! documentation, without servers. That a program works with it is no proof that it works with FoundationDB.
//!
//! # Using it
//!
//! `cargo build -p fdb-double` makes `libfdb_double.so`. A program that loads its client library with `fdb-client`
//! finds it through `FDB_CLIENT_LIBRARY`. The store belongs to a cluster file, which has to exist and may say
//! anything that can be parsed, such as `test:test@127.0.0.1:4500`:
//!
//! * `PATH.store` beside the cluster file `PATH` is the store. Several processes may use it at once.
//! * `PATH.locked`, if it exists, locks the database: error 1038 without the option for it.
//! * A description that contains `unreachable` is a cluster that never answers.
//!
//! `src/settings.rs` lists the environment variables, `src/faults.rs` the rules for injected errors. Three more
//! functions are exported: `fdb_double_advance(versions)` lets the clock of versions jump,
//! `fdb_double_write_counts()` writes the counts to the log, and `fdb_double_is_double()` returns 1.
//!
//! # What is modelled, and where the rule comes from
//!
//! | Rule | Public source |
//! |---|---|
//! | limits of keys, values, transactions and 5 seconds | "Known limitations" |
//! | error codes and texts | "Error codes" |
//! | which errors are retryable, and that a locked database is | `fdb_error_predicate` in the C binding |
//! | `on_error`: waits from 10 ms doubling up to 1 s, 10 ms for 1007 and 1009 | the C API's reference, client knobs |
//! | options, what `on_error` keeps of them, what atomic operations compute | descriptions in `fdb_c_options.g.h` |
//! | key selectors, conflict ranges, snapshot reads, own writes | "Developer guide" |
//! | bytes of a batch in each streaming mode | the C binding |
//! | futures, callbacks, network thread | "C API" |
//! | form of a cluster file | "Administration" |
//! | a missing cluster file is an error of the first operation, not of `fdb_create_database` | source of the client |
//!
//! # What is not
//!
//! * Tenants, mapped ranges, blob granules, watches, management and special keys: each is an error, except
//!   `\xff\xff/status/json`.
//! * Sizes of transactions are near those of the real client, not equal. Estimated sizes are exact, split points
//!   follow the sizes; the real ones are samples.
//! * A range read that own writes answer in part still conflicts as a whole.
//! * Versions advance with the clock and with commits only; there are no recoveries.
//! * Commits survive the death of processes, not of the machine.

mod atomic;
mod cluster_file;
mod code;
mod database;
mod exports;
mod faults;
mod future;
mod kill;
mod limits;
mod mutation;
mod network;
mod options;
mod overlay;
mod settings;
mod store;
mod transaction;
mod view;

/// The only version of the API that this library has.
const API_VERSION: std::ffi::c_int = 730;
