//! Reading around damage in a SQLite database: everything readable is brought into a private database, which is
//! then exported like any other.
//!
//! A table is two trees: rows by number, and the index of keys. Rows are read by number around what is damaged;
//! what is missing then is looked up by the keys that the index still knows. Keys whose rows cannot be read
//! either way are lost by name; where both trees are damaged, only the place is known.

use std::path::Path;

use rusqlite::types::ValueRef;
use rusqlite::{Connection, OptionalExtension};

use super::quoted;
use crate::backend::Loss;

/// A number beyond every row that a server could have written.
const BEYOND: i64 = 1 << 50;

/// Copies what can be read of every table of `damaged` into the new database at `scratch`.
///
/// Errors: those of writing `scratch`, and of a database whose schema cannot be read.
pub(super) fn copy(damaged: &Connection, scratch: &Path) -> rusqlite::Result<Vec<Loss>> {
    let mut target = Connection::open(scratch)?;
    target.execute_batch("PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; PRAGMA cache_size=-16384;")?;
    let list = "SELECT name, sql FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' \
                ESCAPE '\\' AND sql IS NOT NULL";
    let tables: Vec<(String, String)> = damaged
        .prepare(list)?
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<Result<_, _>>()?;
    let mut losses = Vec::new();
    for (name, create) in tables {
        target.execute_batch(&create)?;
        let transaction = target.transaction()?;
        Table::new(damaged, &transaction, &name)?.copy(&mut losses)?;
        transaction.commit()?;
    }
    Ok(losses)
}

/// One table on its way.
struct Table<'a> {
    damaged: &'a Connection,
    target: &'a Connection,
    name: &'a str,
    // What a row is read by, all columns, and the statement that writes them.
    columns: usize,
    by_key: bool,
    insert: String,
}

impl<'a> Table<'a> {
    fn new(damaged: &'a Connection, target: &'a Connection, name: &'a str) -> rusqlite::Result<Self> {
        let names: Vec<String> = target
            .prepare(&format!("PRAGMA table_info({})", quoted(name)))?
            .query_map([], |row| row.get(1))?
            .collect::<Result<_, _>>()?;
        let places = vec!["?"; names.len()].join(",");
        Ok(Table {
            damaged,
            target,
            name,
            columns: names.len(),
            by_key: names.first().is_some_and(|first| first == "k"),
            insert: format!("INSERT OR IGNORE INTO {} VALUES ({places})", quoted(name)),
        })
    }

    fn copy(&self, losses: &mut Vec<Loss>) -> rusqlite::Result<()> {
        let gaps = self.copy_rows()?;
        if gaps.is_empty() {
            return Ok(());
        }
        let lost = |key, after, before, reason: &str| Loss {
            table: self.name.to_string(),
            key,
            after,
            before,
            reason: reason.to_string(),
        };
        let reason = gaps.first().map(|gap| gap.reason.clone()).unwrap_or_default();
        if !self.by_key {
            losses.push(lost(None, None, None, &reason));
            return Ok(());
        }
        let has = format!("SELECT 1 FROM {} WHERE k = ?1", quoted(self.name));
        let mut has = self.target.prepare(&has)?;
        let columns = format!("SELECT * FROM {} WHERE k = ?1", quoted(self.name));
        let mut one = self.damaged.prepare(&columns)?;
        let index_gaps = self.keys(&mut |key| {
            if has.query_row([key], |_| Ok(())).optional()?.is_some() {
                return Ok(());
            }
            let mut rows = one.query([key])?;
            match rows.next() {
                Ok(Some(row)) => {
                    // Reading a column may fail only now: long values are spread over pages.
                    match self.write(row) {
                        Ok(()) => Ok(()),
                        Err(error) if is_damage(&error) => {
                            losses.push(lost(Some(key.to_vec()), None, None, &error.to_string()));
                            Ok(())
                        }
                        Err(error) => Err(error),
                    }
                }
                Ok(None) => {
                    losses.push(lost(
                        Some(key.to_vec()),
                        None,
                        None,
                        "the index has this key, the table no row",
                    ));
                    Ok(())
                }
                Err(error) => {
                    losses.push(lost(Some(key.to_vec()), None, None, &error.to_string()));
                    Ok(())
                }
            }
        })?;
        for (after, before, reason) in index_gaps {
            losses.push(lost(None, after, before, &format!("rows and index are both damaged: {reason}")));
        }
        Ok(())
    }

    fn write(&self, row: &rusqlite::Row) -> rusqlite::Result<()> {
        let mut insert = self.target.prepare_cached(&self.insert)?;
        for column in 0..self.columns {
            let value = row.get_ref(column)?;
            insert.raw_bind_parameter(column + 1, rusqlite::types::ToSqlOutput::Borrowed(value))?;
        }
        insert.raw_execute().map(|_| ())
    }

    /// Copies rows by number; where reading fails, goes on at the next number that works.
    fn copy_rows(&self) -> rusqlite::Result<Vec<Gap>> {
        let select =
            format!("SELECT * FROM {} NOT INDEXED WHERE rowid >= ?1 ORDER BY rowid", quoted(self.name));
        let number = format!(
            "SELECT rowid FROM {} NOT INDEXED WHERE rowid >= ?1 ORDER BY rowid LIMIT 1",
            quoted(self.name)
        );
        let select = select.replace("SELECT *", "SELECT *, rowid");
        let mut from = i64::MIN;
        let mut gaps = Vec::new();
        loop {
            let before = from;
            let reason = match self.copy_from(&select, &mut from)? {
                None => return Ok(gaps),
                Some(reason) => reason,
            };
            let first =
                |from: i64| self.damaged.query_row(&number, [from], |row| row.get::<_, i64>(0)).optional();
            let reads = |from: i64| first(from).is_ok();
            if from == before
                && let Ok(Some(damaged)) = first(from)
            {
                // Its number can be read, the row cannot: what it holds goes on in a damaged page.
                gaps.push(Gap { reason });
                from = damaged.saturating_add(1);
                continue;
            }
            // The damaged page holds numbers next to each other: twice as far each time, then back to its end.
            let (mut step, start) = (1i64, from.max(0));
            while !reads(start.saturating_add(step)) && step < BEYOND {
                step *= 2;
            }
            let (mut low, mut high) = (start.saturating_add(step / 2), start.saturating_add(step));
            while low + 1 < high {
                let middle = low + (high - low) / 2;
                match reads(middle) {
                    true => high = middle,
                    false => low = middle,
                }
            }
            gaps.push(Gap { reason });
            if step >= BEYOND {
                return Ok(gaps);
            }
            from = high;
        }
    }

    /// Copies rows from a number on; the reason if reading ended before the last one. `from` moves along.
    fn copy_from(&self, select: &str, from: &mut i64) -> rusqlite::Result<Option<String>> {
        let mut statement = match self.damaged.prepare_cached(select) {
            Err(error) if is_damage(&error) => return Ok(Some(error.to_string())),
            statement => statement?,
        };
        let mut rows = statement.query([*from])?;
        loop {
            let row = match rows.next() {
                Ok(Some(row)) => row,
                Ok(None) => return Ok(None),
                Err(error) if is_damage(&error) => return Ok(Some(error.to_string())),
                Err(error) => return Err(error),
            };
            match self.write(row) {
                Ok(()) => {}
                Err(error) if is_damage(&error) => return Ok(Some(error.to_string())),
                Err(error) => return Err(error),
            }
            if let ValueRef::Integer(number) = row.get_ref(self.columns)? {
                *from = number.saturating_add(1);
            }
        }
    }

    /// Gives every key that the index knows to `each`; the gaps in between with the reason.
    #[allow(clippy::type_complexity)]
    fn keys(
        &self,
        each: &mut dyn FnMut(&[u8]) -> rusqlite::Result<()>,
    ) -> rusqlite::Result<Vec<(Option<Vec<u8>>, Option<Vec<u8>>, String)>> {
        let up = format!("SELECT k FROM {} WHERE k >= x'' ORDER BY k", quoted(self.name));
        let (last, reason) = self.walk(&up, None, each)?;
        let Some(reason) = reason else { return Ok(Vec::new()) };
        // From the other end, down to the damage.
        let down = format!("SELECT k FROM {} WHERE k > ?1 ORDER BY k DESC", quoted(self.name));
        let bottom = last.clone().unwrap_or_default();
        let (first, _) = self.walk(&down, Some(&bottom), each)?;
        Ok(vec![(last, first, reason)])
    }

    fn walk(
        &self,
        select: &str,
        bottom: Option<&[u8]>,
        each: &mut dyn FnMut(&[u8]) -> rusqlite::Result<()>,
    ) -> rusqlite::Result<(Option<Vec<u8>>, Option<String>)> {
        let mut statement = match self.damaged.prepare(select) {
            Err(error) if is_damage(&error) => return Ok((None, Some(error.to_string()))),
            statement => statement?,
        };
        let mut rows = match bottom {
            Some(bottom) => statement.query([bottom])?,
            None => statement.query([])?,
        };
        let mut last = None;
        loop {
            match rows.next() {
                Ok(None) => return Ok((last, None)),
                Ok(Some(row)) => {
                    let Ok(key) = row.get_ref(0)?.as_bytes().map(<[u8]>::to_vec) else { continue };
                    each(&key)?;
                    last = Some(key);
                }
                Err(error) if is_damage(&error) => return Ok((last, Some(error.to_string()))),
                Err(error) => return Err(error),
            }
        }
    }
}

struct Gap {
    reason: String,
}

/// Whether an error tells of the damaged database, and not of the private one or of memory.
fn is_damage(error: &rusqlite::Error) -> bool {
    use rusqlite::ErrorCode::{DatabaseCorrupt, NotADatabase, SystemIoFailure};
    match error {
        rusqlite::Error::SqliteFailure(failure, _) => {
            matches!(failure.code, DatabaseCorrupt | NotADatabase | SystemIoFailure)
        }
        // Text that is no text, a column that is missing: what a torn page looks like.
        rusqlite::Error::Utf8Error(..) | rusqlite::Error::InvalidColumnType(..) => true,
        _ => false,
    }
}
