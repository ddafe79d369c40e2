//! RocksDB: one column family per subspace.
//!
//! `source.rs` opens read-only, replays the write-ahead logs in memory and changes nothing; `target.rs` writes sorted
//! files and ingests them. Both take merge operators and blob files from the catalog.

use std::path::Path;

use rocksdb::{
    BlockBasedOptions, Cache, DBCompressionType, DBRecoveryMode, DBWithThreadMode, MergeOperands,
    MultiThreaded, Options,
};

use crate::base::error::{Error, ErrorKind, RAISE_FILE_SIZE};
use crate::catalog::{self, BackendKind, Table, ValueKind};

mod list;
mod log;
mod opened;
mod place;
mod salvage;
mod seen;
mod source;
mod target;

pub use source::RocksSource;
pub use target::{RocksTarget, RocksTargetOptions, discard, partially_written};

type Db = DBWithThreadMode<MultiThreaded>;

/// The only place where RocksDB's errors are translated to [`Error`].
fn translate(error: rocksdb::Error, doing: &str, path: &Path) -> Error {
    let place = path.display().to_string();
    let text = place::named(error.as_ref(), path);
    let new = |kind, message: String| Error::new(kind, message).with("path", place).because(text.clone());
    if let Some((what, help)) = obstacle(&error) {
        return new(ErrorKind::Io, format!("cannot {doing}{what}")).help(help);
    }
    if text.contains("lock file") || text.contains("/LOCK:") {
        return new(
            ErrorKind::Refused,
            format!("cannot {doing}: another process has the RocksDB database open"),
        )
        .help("stop the server and try again");
    }
    match error.kind() {
        rocksdb::ErrorKind::Corruption => {
            new(ErrorKind::Io, format!("cannot {doing}: the RocksDB database is damaged"))
                .help("restore it from a backup, or export what can still be read with --salvage")
        }
        _ if text.contains("No such file or directory") && doing.starts_with("read") => {
            new(ErrorKind::Io, format!("cannot {doing}: a file of it is missing"))
                .help("restore it from a backup, or export what can still be read with --salvage")
        }
        _ if text.contains("Input/output error") => new(ErrorKind::Io, format!("cannot {doing}: the disk fails"))
            .help(
                "look at the system's log and save the disk; then restore the database from a backup, or export what \
                 can still be read with --salvage",
            ),
        _ => new(ErrorKind::Io, format!("cannot {doing}"))
            .help("check that the path exists and that this user may use it"),
    }
}

/// The cause of an error that does not mean damage (such as missing rights or memory), and its remedy. `None` for
/// damage.
fn obstacle(error: &rocksdb::Error) -> Option<(&'static str, &'static str)> {
    use rocksdb::ErrorKind as Kind;
    // The texts are those of strerror(3), which RocksDB appends to the name of the file.
    const CAUSES: [(&str, &str, &str); 10] = [
        ("File too large", "", RAISE_FILE_SIZE),
        ("No space left", ": the disk is full", "free some space and try again"),
        ("Disk quota exceeded", ": the quota is used up", "free some space and try again"),
        (
            "Too many open files",
            ": too many files are open",
            "raise the limit of open files (ulimit -Hn, LimitNOFILE=) and try again; the database may be whole",
        ),
        (
            "Cannot allocate memory",
            ": there is not enough memory",
            "end other programs or use a smaller --memory, and try again; the database may be whole",
        ),
        ("Permission denied", "", "run as a user who may read and write every file of it, or as root"),
        ("Operation not permitted", "", "run as a user who may read and write every file of it, or as root"),
        ("Read-only file system", "", "mount the file system for writing and try again"),
        ("Stale file handle", "", "mount the file system again and try again"),
        ("Connection timed out", "", "see to the connection to the file system and try again"),
    ];
    let text: &str = error.as_ref();
    if let Some((_, what, help)) = CAUSES.iter().find(|(cause, ..)| text.contains(cause)) {
        return Some((what, help));
    }
    match error.kind() {
        Kind::TimedOut | Kind::Busy | Kind::TryAgain | Kind::Aborted | Kind::ShutdownInProgress => {
            Some(("", "try again"))
        }
        _ => None,
    }
}

/// The table, of any schema version, of a column family with this name. The versions agree on what opening a family
/// needs (merge operator and blob files), so the newest one decides.
fn family(name: &str) -> Option<&'static Table> {
    tables().find(|table| table.name == name)
}

/// Tables of all schema versions, the newest version first.
fn tables() -> impl Iterator<Item = &'static Table> {
    let newest_first = catalog::versions().iter().rev();
    newest_first.flat_map(|version| version.tables(BackendKind::RocksDb))
}

/// Sums 64-bit little-endian integers. An operand of another length fails the merge, as in the server.
fn sum(_key: &[u8], existing: Option<&[u8]>, operands: &MergeOperands) -> Option<Vec<u8>> {
    let number = |bytes: &[u8]| <[u8; 8]>::try_from(bytes).ok().map(i64::from_le_bytes);
    let mut total = existing.map_or(Some(0), number)?;
    for operand in operands {
        total = total.wrapping_add(number(operand)?);
    }
    Some(total.to_le_bytes().to_vec())
}

/// Options of the whole database, for reading and writing.
fn database_options(memory: u64) -> Options {
    let mut options = Options::default();
    // Each open file keeps its reader in memory; without a limit that grows with the store.
    options.set_max_open_files(open_files());
    options.set_skip_stats_update_on_db_open(true);
    options.set_stats_dump_period_sec(0);
    options.set_stats_persist_period_sec(0);
    options.set_wal_recovery_mode(DBRecoveryMode::TolerateCorruptedTailRecords);
    options.set_db_write_buffer_size(usize::try_from(memory / 4).unwrap_or(usize::MAX));
    options
}

/// Limit of files that a database keeps open: a copy has two databases, and connections need descriptors as well.
fn open_files() -> i32 {
    i32::try_from((crate::base::process::open_files() / 4).clamp(16, 256)).unwrap_or(256)
}

/// Options of a column family. A family that is not in the catalog gets the defaults.
fn family_options(table: Option<&Table>, cache: &Cache) -> Options {
    let mut options = Options::default();
    let mut blocks = BlockBasedOptions::default();
    blocks.set_block_cache(cache);
    blocks.set_cache_index_and_filter_blocks(true);
    // The newest format that RocksDB 9.9 can read.
    blocks.set_format_version(6);
    options.set_block_based_table_factory(&blocks);
    let Some(table) = table else { return options };
    if let Some(name) = table.merge_operator {
        options.set_merge_operator_associative(name, sum);
    }
    options.set_enable_blob_files(table.blob_files);
    options.set_compression_type(match table.value {
        // The blob layer compresses blobs, and counters are too short to gain anything.
        ValueKind::Blob | ValueKind::Counter => DBCompressionType::None,
        ValueKind::Bytes | ValueKind::None => DBCompressionType::Lz4,
    });
    options
}
