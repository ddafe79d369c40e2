//! Writing a SQLite store in bulk: sorted inserts in large transactions, one writer.
//!
//! While loading, the database has a rollback journal: pages that are new to the file need no journal entry, so a
//! bulk load writes every page once and still survives being killed. The server's write-ahead mode is set at the end.

use std::path::Path;
use std::sync::Arc;

use rusqlite::Connection;
use rusqlite::blob::ZeroBlob;
use rusqlite::config::DbConfig;

use super::locked::Locked;
use super::look::Look;
use super::{quoted, translate};
use crate::backend::{Shard, Source, Target};
use crate::base::error::Result;
use crate::base::page::Page;
use crate::catalog::{BackendKind, Table, ValueKind};

/// From this length in bytes on, a value is written in pieces.
const LARGE: usize = 16 << 20;
/// Length of a piece in bytes.
const PIECE: usize = 1 << 20;

/// A SQLite database opened for writing, locked against other processes.
pub struct SqliteTarget(Arc<Locked>);

impl SqliteTarget {
    /// Opens or creates the database; `memory` bounds SQLite's page cache, in bytes.
    pub fn open(path: &Path, memory: u64) -> Result<Self> {
        Ok(SqliteTarget(Arc::new(Locked::open(path, memory)?)))
    }
}

impl Target for SqliteTarget {
    fn kind(&self) -> BackendKind {
        BackendKind::Sqlite
    }

    fn create(&self, tables: &[&Table]) -> Result<()> {
        self.0.writing();
        self.0.with("prepare the database", |connection| {
            connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, false)?;
            set_journal(connection, "DELETE")
        })?;
        // SQLite has written the log into the database: the `-shm` file of an earlier writer is obsolete.
        self.0.drop_shared();
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
                // Without a condition SQLite drops the pages of the table without reading them.
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
        // There is one writer, which waits for the disk at each commit, and every other thread waits with it.
        128 << 20
    }

    fn shard<'a>(&'a self, table: &'a Table) -> Result<Box<dyn Shard + Send + 'a>> {
        let connection = self.0.take();
        match connection.execute_batch("BEGIN") {
            Ok(()) => Ok(Box::new(SqliteShard { target: &self.0, connection: Some(connection), table })),
            Err(error) => {
                self.0.give_back(connection);
                Err(translate(error, "begin a transaction", self.0.path()))
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
    target: &'a Locked,
    connection: Option<Connection>,
    table: &'a Table,
}

impl Shard for SqliteShard<'_> {
    fn write(&mut self, page: &Page) -> Result<()> {
        let Some(connection) = &self.connection else { return Ok(()) };
        insert(connection, self.table, page).map_err(|error| {
            translate(error, "write records", self.target.path()).with("table", self.table.name)
        })?;
        self.target.write_back(page.size() as u64)
    }

    fn commit(mut self: Box<Self>) -> Result<()> {
        let Some(connection) = self.connection.take() else { return Ok(()) };
        let result = connection.execute_batch("COMMIT");
        if result.is_err() && !connection.is_autocommit() {
            let _ = connection.execute_batch("ROLLBACK");
        }
        self.target.give_back(connection);
        result.map_err(|e| translate(e, "commit records", self.target.path()).with("table", self.table.name))
    }
}

impl Drop for SqliteShard<'_> {
    fn drop(&mut self) {
        if let Some(connection) = self.connection.take() {
            // Without a rollback, the commit of the next shard would include these records.
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
            // With a bound value SQLite would copy it twice: into the parameter and into the row.
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
