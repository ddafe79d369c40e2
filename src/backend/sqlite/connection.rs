//! Opens connections to databases that are read, salvaged or written. The file may come from an attacker: none of its
//! text is executed, no other file is opened through it, and every statement can be interrupted.
//!
//! Contains SQLite's switches and nothing about tables. Follows SQLite's own advice for untrusted databases ("Defense
//! Against The Dark Arts"), and is stricter.

use std::ffi::c_int;
use std::fmt::Write as _;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::hooks::{AuthAction, Authorization};
use rusqlite::limits::Limit;
use rusqlite::{Connection, OpenFlags, ffi};

use crate::base::dir::absolute;
use crate::base::stop::Stop;

/// Steps of SQLite's virtual machine between two checks of the request to end: some microseconds.
const STEPS: c_int = 2_000;

/// Functions that the statements of this program call. Others could only come from the schema of the database.
const FUNCTIONS: [&str; 4] = ["count", "max", "length", "typeof"];

/// Attempts to lock a database, 50 ms apart, before it counts as locked.
const TRIES: i32 = 100;

/// Access of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum OpenMode {
    /// Read a file that SQLite does not watch, lock or recover.
    Immutable,
    /// Read a file that other processes may have open.
    ReadOnly,
    /// Recover and read a private copy.
    ReadWrite,
    /// Write a database, and create it if it does not exist.
    Create,
}

/// Opens `file`, which must be a path without links: SQLite is set to follow none.
pub(super) fn open(file: &Path, mode: OpenMode) -> rusqlite::Result<Connection> {
    let base = OpenFlags::SQLITE_OPEN_URI
        | OpenFlags::SQLITE_OPEN_NO_MUTEX
        | OpenFlags::SQLITE_OPEN_NOFOLLOW
        | OpenFlags::SQLITE_OPEN_EXRESCODE;
    let (query, flags) = match mode {
        OpenMode::Immutable => ("?immutable=1", base | OpenFlags::SQLITE_OPEN_READ_ONLY),
        OpenMode::ReadOnly => ("?mode=ro", base | OpenFlags::SQLITE_OPEN_READ_ONLY),
        OpenMode::ReadWrite => ("?mode=rw", base | OpenFlags::SQLITE_OPEN_READ_WRITE),
        OpenMode::Create => {
            let create = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE;
            ("?mode=rwc", base | create)
        }
    };
    let connection = Connection::open_with_flags(uri(file, query), flags)?;
    guard(&connection)?;
    Ok(connection)
}

/// Disables every feature of a connection that reading and writing rows does not need.
fn guard(connection: &Connection) -> rusqlite::Result<()> {
    for (switch, on) in [
        (DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true),
        (DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false),
        (DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER, false),
        (DbConfig::SQLITE_DBCONFIG_ENABLE_VIEW, false),
        (DbConfig::SQLITE_DBCONFIG_ENABLE_FKEY, false),
        (DbConfig::SQLITE_DBCONFIG_ENABLE_FTS3_TOKENIZER, false),
        (DbConfig::SQLITE_DBCONFIG_ENABLE_ATTACH_CREATE, false),
        (DbConfig::SQLITE_DBCONFIG_ENABLE_ATTACH_WRITE, false),
        (DbConfig::SQLITE_DBCONFIG_DQS_DML, false),
    ] {
        connection.set_db_config(switch, on)?;
    }
    for (limit, most) in [
        (Limit::SQLITE_LIMIT_ATTACHED, 0),
        (Limit::SQLITE_LIMIT_TRIGGER_DEPTH, 1),
        (Limit::SQLITE_LIMIT_WORKER_THREADS, 0),
        (Limit::SQLITE_LIMIT_EXPR_DEPTH, 100),
        (Limit::SQLITE_LIMIT_COMPOUND_SELECT, 10),
        (Limit::SQLITE_LIMIT_SQL_LENGTH, 1_000_000),
        (Limit::SQLITE_LIMIT_VDBE_OP, 250_000),
        (Limit::SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 50),
    ] {
        connection.set_limit(limit, most)?;
    }
    connection.authorizer(Some(|context: rusqlite::hooks::AuthContext<'_>| match context.action {
        AuthAction::Attach { .. }
        | AuthAction::Detach { .. }
        | AuthAction::Recursive
        | AuthAction::CreateVtable { .. }
        | AuthAction::DropVtable { .. }
        | AuthAction::CreateTrigger { .. }
        | AuthAction::CreateTempTrigger { .. }
        | AuthAction::CreateView { .. }
        | AuthAction::CreateTempView { .. }
        | AuthAction::AlterTable { .. } => Authorization::Deny,
        AuthAction::Function { function_name } if !FUNCTIONS.contains(&function_name) => Authorization::Deny,
        _ => Authorization::Allow,
    }));
    connection.progress_handler(STEPS, Some(|| Stop::of_process().stopped()));
    connection.busy_handler(Some(|tried| {
        std::thread::sleep(Duration::from_millis(50));
        tried < TRIES && !Stop::of_process().stopped()
    }))?;
    connection.execute_batch("PRAGMA mmap_size=0; PRAGMA temp_store=memory;")
}

/// For loops of short statements, which end before SQLite checks the request to end.
pub(super) fn go_on() -> rusqlite::Result<()> {
    if Stop::of_process().stopped() {
        Err(rusqlite::Error::SqliteFailure(ffi::Error::new(ffi::SQLITE_INTERRUPT), None))
    } else {
        Ok(())
    }
}

/// A `file:` URI of exactly this path, whatever bytes it contains.
fn uri(path: &Path, query: &str) -> String {
    let mut uri = String::from("file:");
    let absolute = absolute(path);
    for &byte in absolute.as_os_str().as_bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'-' | b'_' | b'.' | b'~' => {
                uri.push(char::from(byte))
            }
            _ => drop(write!(uri, "%{byte:02x}")),
        }
    }
    uri + query
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn nothing_but_rows_can_be_reached() {
        let dir = tempfile::tempdir().unwrap();
        let place = dir.path().canonicalize().unwrap();
        let own = Connection::open(place.join("a")).unwrap();
        own.execute_batch("CREATE TABLE a (k BLOB PRIMARY KEY, v BLOB); CREATE VIEW w AS SELECT * FROM a;")
            .unwrap();
        drop(own);
        let connection = open(&place.join("a"), OpenMode::Create).unwrap();
        let other = place.join("other");
        for refused in [
            format!("ATTACH '{}' AS x", other.display()),
            "SELECT hex(k) FROM a".to_string(),
            "SELECT load_extension('x')".to_string(),
            "SELECT * FROM w".to_string(),
            "WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r) SELECT max(n) FROM r"
                .to_string(),
            "CREATE TRIGGER t AFTER INSERT ON a BEGIN DELETE FROM a; END".to_string(),
            "CREATE VIRTUAL TABLE f USING fts5(x)".to_string(),
            format!("VACUUM INTO '{}'", other.display()),
        ] {
            assert!(connection.execute_batch(&refused).is_err(), "{refused}");
        }
        assert!(!other.exists());
        connection.execute_batch("INSERT INTO a VALUES (x'00', x'01'); DELETE FROM a;").unwrap();
    }

    #[test]
    fn no_link_is_followed() {
        let dir = tempfile::tempdir().unwrap();
        let place = dir.path().canonicalize().unwrap();
        std::os::unix::fs::symlink(place.join("real"), place.join("link")).unwrap();
        for mode in [OpenMode::Create, OpenMode::ReadWrite, OpenMode::ReadOnly, OpenMode::Immutable] {
            assert!(open(&place.join("link"), mode).is_err(), "{mode:?}");
        }
        assert!(!place.join("real").exists());
    }
}
