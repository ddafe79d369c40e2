//! SQLite through rusqlite: one table per subspace.
//!
//! rusqlite and not sqlx: rows are stepped in place, without a channel and an allocation per row. `source.rs` reads,
//! `target` writes; neither depends on what the tables mean.

use std::path::Path;

use rusqlite::{ErrorCode, ffi};

use crate::base::error::{Error, ErrorKind, RAISE_FILE_SIZE};
use crate::base::stop::{Stop, interrupted};

mod both_ways;
mod connection;
mod files;
mod journal;
mod locked;
mod logs;
mod look;
mod place;
mod salvage;
mod shape;
mod source;
mod target;
mod wal;

pub use files::exists;
pub use source::SqliteSource;
pub use target::SqliteTarget;

/// Remedy for a damaged database.
const REMEDY: &str = "look at the system's log for what is wrong with the disk, restore the file from a backup, or \
                      export what can still be read with --salvage";

/// The only place where SQLite's errors are translated to [`Error`].
fn translate(error: rusqlite::Error, doing: &str, path: &Path) -> Error {
    let place = path.display().to_string();
    let new = |kind, message: String| Error::new(kind, message).with("database", place.clone());
    let extended = match &error {
        rusqlite::Error::SqliteFailure(failure, _) => failure.extended_code,
        _ => 0,
    };
    if extended == ffi::SQLITE_IOERR_NOMEM {
        return new(ErrorKind::Io, format!("cannot {doing}: there is not enough memory"))
            .because(error)
            .help("free some memory and try again");
    }
    match error.sqlite_error_code() {
        Some(ErrorCode::OperationInterrupted) => interrupted(),
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) if Stop::of_process().stopped() => {
            interrupted()
        }
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            new(ErrorKind::Refused, format!("cannot {doing}: the database is locked by another process"))
                .because(error)
                .help("stop the server (and every other program that has the database open) and try again")
        }
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => new(
            ErrorKind::Io,
            format!("cannot {doing}: the database is damaged or no SQLite database"),
        )
        .because(error)
        .help(
            "check the path and the disk (the system's log says whether it fails), restore the file from a backup, or \
             export what can still be read with --salvage",
        ),
        Some(ErrorCode::DiskFull) => new(ErrorKind::Io, format!("cannot {doing}: the disk is full"))
            .because(error)
            .help("free some space and try again"),
        Some(ErrorCode::OutOfMemory) => {
            new(ErrorKind::Io, format!("cannot {doing}: there is not enough memory"))
                .because(error)
                .help("free some memory and try again")
        }
        Some(ErrorCode::CannotOpen | ErrorCode::PermissionDenied | ErrorCode::ReadOnly) => {
            new(ErrorKind::Io, format!("cannot {doing}")).because(error).help(
                "check that the path exists, that this user may use it and the -wal, -shm and -journal files beside \
                 it, and that the limit of open files (ulimit -n) is not reached",
            )
        }
        // SQLite does not report which of the two happened.
        Some(ErrorCode::SystemIoFailure) if crate::base::process::file_size().is_some() => {
            new(ErrorKind::Io, format!("cannot {doing}")).because(error).help(RAISE_FILE_SIZE).help(
                "if it has not, look at the system's log for what is wrong with the disk; then try again",
            )
        }
        Some(ErrorCode::SystemIoFailure) => new(ErrorKind::Io, format!("cannot {doing}"))
            .because(error)
            .help("look at the system's log for what is wrong with the disk, and try again"),
        _ => new(ErrorKind::Io, format!("cannot {doing}")).because(error),
    }
}

/// An identifier as SQLite quotes it.
fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
