//! FoundationDB through its client library, which is loaded at run time: a key prefix per subspace.
//!
//! `cluster.rs` loads the library, connects and retries; `assembly.rs` joins the pieces of values; `reader.rs` reads
//! ranges and `source.rs` everything else; `writer.rs` writes transactions and `target.rs` decides which. None of them
//! depends on what the tables mean, apart from which keys the catalog accepts.
//!
//! A transaction may read for five seconds only, so a source has no snapshot of one moment: it reads at several
//! versions of the cluster, and tells the first and the last one. While nothing writes, they are all the same.

use foundationdb::FdbError;

use crate::base::error::{Error, ErrorKind};
use crate::catalog::Table;

mod assembly;
mod cluster;
mod identity;
mod reader;
mod source;
mod target;
mod writer;

pub use identity::{ClusterIdentity, cluster_file};
pub use source::FoundationDbSource;
pub use target::FoundationDbTarget;

/// Errors of a read that a new transaction may not have: too old, from the future, storage that lags, timed out.
const AGAIN: [i32; 4] = [1007, 1009, 1037, 1031];
/// The transaction is larger than the cluster allows.
const TOO_LARGE: i32 = 2101;

/// Whether the same may succeed in a new transaction. Writes are repeated as well: each sets a key to a value that does
/// not depend on what was there.
fn is_passing(error: FdbError) -> bool {
    (error.is_retryable() || AGAIN.contains(&error.code())) && error.code() != LOCKED
}

/// The database is locked.
const LOCKED: i32 = 1038;

/// The first byte of the keys of a table.
fn prefix(table: &Table) -> Vec<u8> {
    table.name.as_bytes().to_vec()
}

/// The first key after all keys with this prefix, which does not end in the highest byte.
fn end_of(prefix: &[u8]) -> Vec<u8> {
    let mut end = prefix.to_vec();
    if let Some(last) = end.last_mut() {
        *last = last.saturating_add(1);
    }
    end
}

/// The error of a failed operation, with what can be done about it.
fn translate(error: FdbError, doing: &str, place: &str) -> Error {
    let (kind, what, help) = match error.code() {
        LOCKED => (
            ErrorKind::Refused,
            "the database is locked",
            "a restore or a switch of clusters may be under way: wait for its end, or unlock the database in fdbcli \
             (`unlock UID`)",
        ),
        1515 | 2104 => (
            ErrorKind::Usage,
            "the cluster file is not valid",
            "copy the cluster file (fdb.cluster) of a machine of the cluster, and check cluster-file in the \
             configuration",
        ),
        1510 => (ErrorKind::Io, "the cluster file cannot be read", "run as a user who may read it"),
        1031 => (
            ErrorKind::Io,
            "the cluster does not answer in time",
            "look at `status` in fdbcli, and at transaction.timeout in the configuration",
        ),
        2130..=2144 => (
            ErrorKind::Refused,
            "the cluster wants tenants, which the server does not use",
            "use the cluster that the server uses",
        ),
        6000..=6999 => (
            ErrorKind::Io,
            "the cluster does not permit it",
            "use the certificates and tokens that the server uses",
        ),
        TOO_LARGE..=2103 => (
            ErrorKind::Io,
            "the cluster takes no record of this size",
            "use another backend, or remove the record from the source",
        ),
        _ => (ErrorKind::Io, "the cluster reports an error", "look at `status` in fdbcli, then start again"),
    };
    Error::new(kind, format!("cannot {doing}: {what}"))
        .with("cluster", place)
        .because(format!("{} [{}]", error.message(), error.code()))
        .help(help)
}
