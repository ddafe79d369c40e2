//! SQLite through rusqlite: one table per subspace.
//!
//! rusqlite and not sqlx: rows are stepped in place without a channel and an allocation per row.
//! `source.rs` reads, `target` writes; both know tables and not what they mean.

use std::path::Path;

use rusqlite::ErrorCode;

use crate::error::{Error, ErrorKind};

mod salvage;
mod source;
mod target;

pub use source::SqliteSource;
pub use target::SqliteTarget;

/// The only place where SQLite's errors become ours.
fn translate(error: rusqlite::Error, doing: &str, path: &Path) -> Error {
    let place = path.display().to_string();
    let new = |kind, message: String| Error::new(kind, message).with("database", place.clone());
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            new(ErrorKind::Refused, format!("cannot {doing}: the database is locked by another process"))
                .because(error)
                .next("stop the server (and every other program that has the database open) and try again")
        }
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => new(
            ErrorKind::Io,
            format!("cannot {doing}: the database is damaged or no SQLite database"),
        )
        .because(error)
        .next(
            "check the path and the disk (the system's log says whether it fails), restore the file from a backup, or \
             export what can still be read with --salvage",
        ),
        Some(ErrorCode::DiskFull) => new(ErrorKind::Io, format!("cannot {doing}: the disk is full"))
            .because(error)
            .next("free some space and try again"),
        Some(ErrorCode::CannotOpen | ErrorCode::PermissionDenied | ErrorCode::ReadOnly) => {
            new(ErrorKind::Io, format!("cannot {doing}"))
                .because(error)
                .next("check that the path exists and that this user may use it")
        }
        Some(ErrorCode::SystemIoFailure) => new(ErrorKind::Io, format!("cannot {doing}"))
            .because(error)
            .next("look at the system's log for what is wrong with the disk, and try again"),
        _ => new(ErrorKind::Io, format!("cannot {doing}")).because(error),
    }
}

/// An identifier as SQLite quotes it.
fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
