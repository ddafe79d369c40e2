//! Reads a SQLite store through the connection that has it locked for writing.
//!
//! Another connection would be locked out, and closing any other handle of the file would drop the locks of this
//! process. Reads page by page, so that one connection serves all concurrent readers.

use std::sync::Arc;

use rusqlite::OptionalExtension;

use super::locked::Locked;
use super::quoted;
use super::shape;
use super::source::{fill, logical};
use crate::backend::{Estimate, KeyRange, Pages, Source, TableState};
use crate::base::error::{Error, Result};
use crate::base::hex::hex;
use crate::base::page::Page;
use crate::catalog::{BackendKind, Table, ValueKind};

/// The current state of the database of a target.
pub(super) struct Look(Arc<Locked>);

impl Look {
    /// Reads through the connection of a target.
    pub fn new(shared: Arc<Locked>) -> Self {
        Look(shared)
    }
}

impl Source for Look {
    fn kind(&self) -> BackendKind {
        BackendKind::Sqlite
    }

    fn tables(&self) -> Result<Vec<TableState>> {
        self.0.with("list the tables", shape::listed)
    }

    fn has_other_columns(&self, name: &str) -> Result<bool> {
        self.0.with("look at a table", |connection| {
            let count = "SELECT count(*) FROM pragma_table_info(?1) WHERE name = 'k'";
            Ok(connection.query_row(count, [name], |row| row.get::<_, i64>(0))? == 0)
        })
    }

    fn get(&self, table: &Table, key: &[u8]) -> Result<Option<Vec<u8>>> {
        let found = self.0.with("read a record", |connection| {
            if !exists(connection, table.name)? {
                return Ok(None);
            }
            let column = if table.value == ValueKind::None { "NULL" } else { "v" };
            let get = format!("SELECT {column} FROM {} WHERE k = ?1", quoted(table.name));
            let value = |row: &rusqlite::Row| {
                Ok(logical(table.value, row.get_ref(0)?, &mut [0; 8]).map(<[u8]>::to_vec))
            };
            connection.query_row(&get, [key], value).optional()
        })?;
        match found {
            Some(None) => Err(Error::io("a value of the store is not stored as the server stores it")
                .with("table", table.name)
                .with("key", hex(key))
                .help("use another, fresh store")),
            found => Ok(found.flatten()),
        }
    }

    fn estimate(&self, table: &Table) -> Result<Estimate> {
        self.0.with("estimate a table", |connection| {
            if !exists(connection, table.name)? {
                return Ok(Estimate::default());
            }
            let last = format!("SELECT max(rowid) FROM {}", quoted(table.name));
            let last: Option<i64> = connection.query_row(&last, [], |row| row.get(0)).optional()?.flatten();
            Ok(Estimate { records: last.and_then(|last| u64::try_from(last).ok()).unwrap_or(0), bytes: 0 })
        })
    }

    fn ranges(&self, _table: &Table, _n: usize) -> Result<Vec<KeyRange>> {
        // There is one connection.
        Ok(vec![KeyRange::all()])
    }

    fn scan<'a>(&'a self, table: &'a Table, range: &KeyRange) -> Result<Box<dyn Pages + Send + 'a>> {
        let done = !self.0.with("look for a table", |connection| exists(connection, table.name))?;
        Ok(Box::new(LookPages { look: self, table: *table, range: range.clone(), done }))
    }

    fn keys<'a>(&'a self, table: &'a Table) -> Result<Box<dyn Pages + Send + 'a>> {
        let done = !self.0.with("look for a table", |connection| exists(connection, table.name))?;
        let table = Table { value: ValueKind::None, ..*table };
        Ok(Box::new(LookPages { look: self, table, range: KeyRange::all(), done }))
    }
}

/// Whether a table of this name exists.
fn exists(connection: &rusqlite::Connection, table: &str) -> rusqlite::Result<bool> {
    let find = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?1";
    Ok(connection.prepare_cached(find)?.query_row([table], |_| Ok(())).optional()?.is_some())
}

struct LookPages<'a> {
    look: &'a Look,
    table: Table,
    range: KeyRange,
    done: bool,
}

impl Pages for LookPages<'_> {
    fn read_next(&mut self, page: &mut Page, budget: usize) -> Result<bool> {
        page.clear();
        if self.done {
            return Ok(false);
        }
        let (table, range) = (&self.table, &self.range);
        let filled = self.look.0.with("read the SQLite database", |c| fill(c, table, range, page, budget));
        match filled {
            Ok(more) => {
                self.done = !more;
                self.range.after = page.last().map(|(key, _)| key.to_vec()).or(self.range.after.take());
                Ok(!page.is_empty())
            }
            Err(error) => {
                page.clear();
                Err(error.with("table", self.table.name))
            }
        }
    }
}
