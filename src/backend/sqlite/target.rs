//! Writing a SQLite store in bulk: sorted inserts in large transactions, one writer.
//!
//! While loading, the database keeps a rollback journal: pages that are new to the file need no journal
//! entry, so a bulk load writes everything once and still survives being killed. The server's write-ahead
//! mode is set at the end.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use rusqlite::Connection;
use rusqlite::blob::ZeroBlob;
use rusqlite::config::DbConfig;

use super::connection::{self, Mode};
use super::look::Look;
use super::place::Place;
use super::{quoted, shape, translate};
use crate::backend::{Shard, Source, Target};
use crate::base::error::{Error, ErrorKind, Result};
use crate::base::page::Page;
use crate::base::write_back::Settling;
use crate::catalog::{BackendKind, Table, ValueKind};

/// A value of so many bytes is written in pieces.
const LARGE: usize = 16 << 20;
/// Bytes of a piece.
const PIECE: usize = 1 << 20;

/// A SQLite database opened for writing, locked against everyone else.
pub struct SqliteTarget(Arc<Shared>);

/// The connection, which holds the lock, for the target and what looks through it.
pub(super) struct Shared {
    path: PathBuf,
    // Taken by the shard that is being written.
    connection: Mutex<Option<Connection>>,
    returned: Condvar,
    // After the connection: it closes a handle of the same file, and SQLite's locks would go with that.
    settling: Mutex<Settling>,
    written: AtomicBool,
    // After the connection and every handle: its owner gets the directory back.
    place: Place,
}

impl Drop for Shared {
    fn drop(&mut self) {
        // Still locked: another process that has opened the file sees that it is no longer there.
        if !self.written.load(Ordering::Relaxed) {
            self.place.leave();
        }
    }
}

impl SqliteTarget {
    /// Opens or creates the database; `memory` bounds SQLite's page cache, in bytes.
    pub fn open(path: &Path, memory: u64) -> Result<Self> {
        let place = Place::open(path)?;
        let before = place.file();
        let opened = Shared::open(place.path(), memory).inspect_err(|error| {
            // What another run has locked is its own by now.
            if error.kind() != ErrorKind::Refused {
                place.leave();
            }
        });
        let shared = Shared {
            connection: Mutex::new(opened?),
            path: place.path().to_path_buf(),
            returned: Condvar::new(),
            settling: Mutex::default(),
            written: AtomicBool::new(false),
            place,
        };
        // Another run may have removed the file that it had made, between its being opened and locked here.
        if before.is_none() || shared.place.file() != before {
            return Err(Error::refused("another process has put another file in the place of the database")
                .with("path", shared.path.display().to_string())
                .next("make sure that no other program uses it, then start again"));
        }
        Ok(SqliteTarget(Arc::new(shared)))
    }
}

impl Shared {
    /// Opens and locks the database, and changes nothing.
    fn open(place: &Path, memory: u64) -> Result<Option<Connection>> {
        let fail = |e| translate(e, "open the SQLite database for writing", place);
        let connection = connection::open(place, Mode::Create).map_err(fail)?;
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true).map_err(fail)?;
        let pragmas = format!(
            "PRAGMA locking_mode=EXCLUSIVE; PRAGMA synchronous=NORMAL; PRAGMA cache_size=-{};",
            // Sorted inserts touch the right edge of two trees; more cache is not faster.
            memory / 4 / 1024
        );
        connection.execute_batch(&pragmas).map_err(fail)?;
        connection.execute_batch("BEGIN EXCLUSIVE; COMMIT;").map_err(fail)?;
        let extras = shape::extras(&connection).map_err(fail)?;
        if let Some(first) = extras.first() {
            return Err(Error::refused(
                "the SQLite database has what the server does not make: it would take part in writing",
            )
            .with("path", place.display().to_string())
            .with("found", first.clone())
            .next("remove it, or use another, fresh store"));
        }
        Ok(Some(connection))
    }

    fn lock(&self) -> MutexGuard<'_, Option<Connection>> {
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self) -> Connection {
        let mut slot = self.lock();
        loop {
            if let Some(connection) = slot.take() {
                return connection;
            }
            slot = self.returned.wait(slot).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn give_back(&self, connection: Connection) {
        *self.lock() = Some(connection);
        self.returned.notify_one();
    }

    /// What goes to the disk now, a commit does not wait for.
    fn settle(&self, bytes: u64) -> Result<()> {
        let mut settling = self.settling.lock().unwrap_or_else(PoisonError::into_inner);
        settling.wrote(bytes, || File::open(&self.path)).map_err(|error| {
            Error::io("cannot bring the SQLite database to the disk")
                .with("path", self.path.display().to_string())
                .because(error)
                .next("check the disk; the system's log says more")
        })
    }

    /// Does something on the connection.
    pub(super) fn with<T>(
        &self,
        doing: &str,
        run: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T> {
        let connection = self.take();
        let result = run(&connection);
        if result.is_err() && !connection.is_autocommit() {
            let _ = connection.execute_batch("ROLLBACK");
        }
        self.give_back(connection);
        result.map_err(|error| translate(error, doing, &self.path))
    }
}

impl Target for SqliteTarget {
    fn kind(&self) -> BackendKind {
        BackendKind::Sqlite
    }

    fn create(&self, tables: &[&Table]) -> Result<()> {
        self.0.written.store(true, Ordering::Relaxed);
        self.0.with("prepare the database", |connection| {
            connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, false)?;
            set_journal(connection, "DELETE")
        })?;
        // The log has gone into the database, and what an earlier writer shared of it belongs to nothing.
        self.0.place.drop_shared();
        self.0.with("create the tables", |connection| {
            connection.execute_batch("BEGIN")?;
            for table in tables {
                connection.execute_batch(table.create)?;
            }
            connection.execute_batch("COMMIT")
        })
    }

    fn delete(&self, table: &Table, keys: &[Vec<u8>]) -> Result<()> {
        self.0.with("delete records", |connection| {
            connection.execute_batch("BEGIN")?;
            let delete = format!("DELETE FROM {} WHERE k = ?1", quoted(table.name));
            let mut statement = connection.prepare(&delete)?;
            for key in keys {
                statement.execute([key])?;
            }
            connection.execute_batch("COMMIT")
        })
    }

    fn clear(&self, table: &Table, kept: &[Vec<u8>]) -> Result<()> {
        let name = quoted(table.name);
        self.0.with("empty a table", |connection| {
            if kept.is_empty() {
                // Without a condition SQLite drops the pages of the table as they are.
                return connection.execute_batch(&format!("DELETE FROM {name}"));
            }
            connection.execute_batch("BEGIN")?;
            let mut between = connection.prepare(&format!("DELETE FROM {name} WHERE k > ?1 AND k < ?2"))?;
            let before = format!("DELETE FROM {name} WHERE k < ?1");
            let after = format!("DELETE FROM {name} WHERE k > ?1");
            if let (Some(first), Some(last)) = (kept.first(), kept.last()) {
                connection.execute(&before, [first])?;
                for pair in kept.windows(2) {
                    between.execute(rusqlite::params_from_iter(pair))?;
                }
                connection.execute(&after, [last])?;
            }
            connection.execute_batch("COMMIT")
        })
    }

    fn look(&self) -> Result<Box<dyn Source>> {
        Ok(Box::new(Look::new(Arc::clone(&self.0))))
    }

    fn writers(&self) -> usize {
        1
    }

    fn shard_bytes(&self, _table: &Table) -> usize {
        // There is one writer, which waits for the disk at each commit, and everything waits with it.
        128 << 20
    }

    fn shard<'a>(&'a self, table: &'a Table) -> Result<Box<dyn Shard + Send + 'a>> {
        let connection = self.0.take();
        match connection.execute_batch("BEGIN") {
            Ok(()) => Ok(Box::new(SqliteShard { target: &self.0, connection: Some(connection), table })),
            Err(error) => {
                self.0.give_back(connection);
                Err(translate(error, "begin a transaction", &self.0.path))
            }
        }
    }

    fn finish(&self) -> Result<()> {
        self.0.with("finish the database", |connection| {
            set_journal(connection, "WAL")?;
            connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
        })
    }
}

struct SqliteShard<'a> {
    target: &'a Shared,
    connection: Option<Connection>,
    table: &'a Table,
}

impl Shard for SqliteShard<'_> {
    fn write(&mut self, page: &Page) -> Result<()> {
        let Some(connection) = &self.connection else { return Ok(()) };
        insert(connection, self.table, page).map_err(|error| {
            translate(error, "write records", &self.target.path).with("table", self.table.name)
        })?;
        self.target.settle(page.size() as u64)
    }

    fn commit(mut self: Box<Self>) -> Result<()> {
        let Some(connection) = self.connection.take() else { return Ok(()) };
        let result = connection.execute_batch("COMMIT");
        if result.is_err() && !connection.is_autocommit() {
            let _ = connection.execute_batch("ROLLBACK");
        }
        self.target.give_back(connection);
        result.map_err(|e| translate(e, "commit records", &self.target.path).with("table", self.table.name))
    }
}

impl Drop for SqliteShard<'_> {
    fn drop(&mut self) {
        if let Some(connection) = self.connection.take() {
            // Without the rollback the next shard would commit these records too.
            let _ = connection.execute_batch("ROLLBACK");
            self.target.give_back(connection);
        }
    }
}

fn insert(connection: &Connection, table: &Table, page: &Page) -> rusqlite::Result<()> {
    let name = quoted(table.name);
    let insert = match table.value {
        ValueKind::None => format!("INSERT OR REPLACE INTO {name} (k) VALUES (?1)"),
        _ => format!("INSERT OR REPLACE INTO {name} (k, v) VALUES (?1, ?2)"),
    };
    let mut statement = connection.prepare_cached(&insert)?;
    for (key, value) in page.iter() {
        statement.raw_bind_parameter(1, key)?;
        if table.value != ValueKind::None
            && value.len() >= LARGE
            && let Ok(length) = i32::try_from(value.len())
        {
            // SQLite would copy it twice: into the parameter and into the row.
            statement.raw_bind_parameter(2, ZeroBlob(length))?;
            statement.raw_execute()?;
            let row = connection.last_insert_rowid();
            let mut blob = connection.blob_open("main", table.name, "v", row, false)?;
            for (at, piece) in value.chunks(PIECE).enumerate() {
                blob.write_at(piece, at * PIECE)?;
            }
            blob.close()?;
            continue;
        }
        match (table.value, <[u8; 8]>::try_from(value)) {
            (ValueKind::None, _) => {}
            (ValueKind::Counter, Ok(number)) => {
                statement.raw_bind_parameter(2, i64::from_le_bytes(number))?
            }
            _ => statement.raw_bind_parameter(2, value)?,
        }
        statement.raw_execute()?;
    }
    Ok(())
}

fn set_journal(connection: &Connection, mode: &str) -> rusqlite::Result<()> {
    let set = format!("PRAGMA journal_mode={mode}");
    let now: String = connection.query_row(&set, [], |row| row.get(0))?;
    if now.eq_ignore_ascii_case(mode) {
        return Ok(());
    }
    let busy = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_BUSY);
    Err(rusqlite::Error::SqliteFailure(busy, Some(format!("the journal mode stays {now}"))))
}
