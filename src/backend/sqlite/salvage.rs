//! Reads around damage in a SQLite database: copies everything readable into a private database, which is then
//! exported like any other.
//!
//! A table is two trees: rows by number, and the index of keys. Both are always walked. Rows are read by number
//! around damage; every key of the index must have a row, and every row a key. Keys whose rows cannot be read are
//! reported as losses. Where a part of the index cannot be read, nothing proves that its rows are complete, so that
//! range is a loss too. SQLite's own check of the file finds damage that neither walk would notice.
//!
//! The private database is created from the catalog. No text of the damaged one is executed, and tables that the
//! server does not create are reported and left out.

use std::collections::BTreeMap;
use std::path::Path;

use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection, ErrorCode, OptionalExtension, ffi};

use super::connection::{self, OpenMode, go_on};
use super::shape::{self, TableForm};
use super::{both_ways, quoted};
use crate::backend::{Loss, TableState};
use crate::catalog::{Table, ValueKind};

mod check;

/// A row number above all that a server could have written.
const BEYOND: i64 = 1 << 50;

/// Limit of keys of one table that are reported one by one; beyond it, only their range is kept.
const NAMED: usize = 100_000;

/// Findings of a salvage, besides the rows.
#[derive(Debug, Default)]
pub(super) struct Salvaged {
    /// Content that could not be read, or not be proven complete.
    pub losses: Vec<Loss>,
    /// Tables that the server does not create; none of their rows were read.
    pub unknown: Vec<TableState>,
}

/// Copies what can be read of every table of the server in `damaged` into the new database at `scratch`.
///
/// Errors: those of writing `scratch`; a schema that cannot be read; a request to end.
pub(super) fn copy(damaged: &Connection, scratch: &Path) -> rusqlite::Result<Salvaged> {
    let mut target = connection::open(scratch, OpenMode::Create)?;
    target.execute_batch("PRAGMA journal_mode=MEMORY; PRAGMA synchronous=OFF; PRAGMA cache_size=-16384;")?;
    let mut salvaged = Salvaged::default();
    let mut walks = BTreeMap::new();
    let known = shape::tables();
    for table in &known {
        let found = shape::of(damaged, table)?;
        if found == TableForm::Absent {
            continue;
        }
        target.execute_batch(table.create)?;
        if let TableForm::Other(sql) = found {
            salvaged.losses.push(Loss {
                table: table.name.to_string(),
                reason: format!(
                    "the table is not as the server makes it, nothing of it was read: {}",
                    shape::shown(&sql)
                ),
                ..Loss::default()
            });
            continue;
        }
        let transaction = target.transaction()?;
        let walk = Walk::new(damaged, &transaction, table).run()?;
        transaction.commit()?;
        walks.insert(table.name, walk);
    }
    salvaged.unknown = unknown(damaged, &known)?;
    let unexplained = check::unexplained(damaged, &walks)?;
    for (_, walk) in walks {
        salvaged.losses.extend(walk.losses);
    }
    salvaged.losses.extend(unexplained);
    Ok(salvaged)
}

/// Tables that the server does not create; those that cannot be read count as having rows.
fn unknown(damaged: &Connection, known: &[&'static Table]) -> rusqlite::Result<Vec<TableState>> {
    let names = "SELECT name FROM sqlite_master WHERE type = 'table' \
                 AND NOT (name >= 'sqlite_' AND name < 'sqlite`') ORDER BY name";
    let names: Vec<String> =
        damaged.prepare(names)?.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
    let others = names.into_iter().filter(|name| !known.iter().any(|k| k.name.eq_ignore_ascii_case(name)));
    Ok(others
        .map(|name| {
            let any = format!("SELECT 1 FROM {} LIMIT 1", quoted(&name));
            let empty = damaged.query_row(&any, [], |_| Ok(())).optional().is_ok_and(|row| row.is_none());
            TableState { name, rows: !empty }
        })
        .collect())
}

/// State of copying one table, with its result.
struct Walk<'a> {
    damaged: &'a Connection,
    target: &'a Connection,
    table: &'static Table,
    name: String,
    index: String,
    insert: String,
    done: WalkResult,
}

/// Result of both walks over a table.
#[derive(Debug, Default)]
struct WalkResult {
    losses: Vec<Loss>,
    // Whether reading the rows, or the index, met damage.
    rows_broken: bool,
    index_broken: bool,
    // Lost keys beyond those that are reported one by one: the first, the last and their number.
    more: Option<(Vec<u8>, Vec<u8>, u64)>,
}

/// What was done with a row.
enum RowOutcome {
    Taken,
    /// Left out, for this reason.
    Refused(String),
}

impl<'a> Walk<'a> {
    fn new(damaged: &'a Connection, target: &'a Connection, table: &'static Table) -> Self {
        let name = quoted(table.name);
        let places =
            if table.value == ValueKind::None { "(k) VALUES (?1)" } else { "(k, v) VALUES (?1, ?2)" };
        Walk {
            damaged,
            target,
            table,
            index: quoted(&both_ways::index(table.name)),
            insert: format!("INSERT INTO {name} {places}"),
            name,
            done: WalkResult::default(),
        }
    }

    fn run(mut self) -> rusqlite::Result<WalkResult> {
        let gaps = self.copy_rows()?;
        self.done.rows_broken = !gaps.is_empty();
        let (listed, gap) = self.keys(gaps.first())?;
        self.done.index_broken = gap.is_some();
        if let Some((after, before, reason)) = gap {
            let reason = match gaps.first() {
                Some(rows) => format!("rows and index are both damaged: {reason}; {rows}"),
                None => format!(
                    "the index of keys is damaged, so nothing proves that every row was found: {reason}"
                ),
            };
            self.loss(None, after, before, reason);
        }
        let rows = format!("SELECT count(*) FROM {} WHERE k >= x''", self.name);
        let rows: i64 = self.target.query_row(&rows, [], |row| row.get(0))?;
        if u64::try_from(rows).is_ok_and(|rows| rows > listed) {
            self.rows_without_key()?;
        }
        if let Some((first, last, count)) = self.done.more.take() {
            let reason = format!("{count} more keys from {} to {}", hex_of(&first), hex_of(&last));
            self.loss(None, None, None, reason);
        }
        Ok(self.done)
    }

    fn loss(&mut self, key: Option<&[u8]>, after: Option<Vec<u8>>, before: Option<Vec<u8>>, reason: String) {
        if let Some(key) = key
            && self.done.losses.len() >= NAMED
        {
            let more = self.done.more.get_or_insert_with(|| (key.to_vec(), Vec::new(), 0));
            more.1 = key.to_vec();
            more.2 += 1;
            return;
        }
        let (table, key) = (self.table.name.to_string(), key.map(<[u8]>::to_vec));
        self.done.losses.push(Loss { table, key, after, before, reason });
    }

    /// The columns that are read, the key first.
    fn columns(&self) -> &'static str {
        if self.table.value == ValueKind::None { "k" } else { "k, v" }
    }

    /// Writes a row, key first. Nothing is converted or replaced.
    fn write(&self, row: &rusqlite::Row) -> rusqlite::Result<RowOutcome> {
        let key = row.get_ref(0)?;
        let value = if self.table.value == ValueKind::None { None } else { Some(row.get_ref(1)?) };
        if self.table.value == ValueKind::Counter
            && let Some(value) = value.filter(|value| !matches!(value, ValueRef::Integer(_)))
        {
            // The column would convert it to a number.
            return Ok(RowOutcome::Refused(format!("its counter is stored as {}", value.data_type())));
        }
        let mut insert = self.target.prepare_cached(&self.insert)?;
        insert.raw_bind_parameter(1, ToSqlOutput::Borrowed(key))?;
        if let Some(value) = value {
            insert.raw_bind_parameter(2, ToSqlOutput::Borrowed(value))?;
        }
        match insert.raw_execute() {
            Ok(_) => Ok(RowOutcome::Taken),
            Err(error) if error.sqlite_error_code() == Some(ErrorCode::ConstraintViolation) => {
                if self.has_equal(key, value)? {
                    return Ok(RowOutcome::Taken);
                }
                let why = match value {
                    Some(ValueRef::Null) => "its value is NULL, which the server does not read",
                    _ => "there is another row with the same key, which was read before and is kept",
                };
                Ok(RowOutcome::Refused(why.to_string()))
            }
            Err(error) => Err(error),
        }
    }

    /// Whether the row was read before: a damaged tree can lead to a page twice.
    fn has_equal(&self, key: ValueRef, value: Option<ValueRef>) -> rusqlite::Result<bool> {
        let find = format!("SELECT {} FROM {} WHERE k = ?1", self.columns(), self.name);
        let mut find = self.target.prepare_cached(&find)?;
        let mut rows = find.query([ToSqlOutput::Borrowed(key)])?;
        let Some(row) = rows.next()? else { return Ok(false) };
        Ok(value.is_none_or(|value| row.get_ref(1).is_ok_and(|found| found == value)))
    }

    /// Copies rows by number; where reading fails, continues at the next number that can be read. Returns the reason
    /// of each failure.
    fn copy_rows(&mut self) -> rusqlite::Result<Vec<String>> {
        let columns = self.columns();
        let select = format!(
            "SELECT {columns}, rowid FROM {} NOT INDEXED WHERE rowid >= ?1 ORDER BY rowid",
            self.name
        );
        let number =
            format!("SELECT rowid FROM {} NOT INDEXED WHERE rowid >= ?1 ORDER BY rowid LIMIT 1", self.name);
        let damaged = self.damaged;
        let mut from = i64::MIN;
        let mut gaps = Vec::new();
        loop {
            go_on()?;
            let before = from;
            let reason = match self.copy_from(&select, &mut from)? {
                None => return Ok(gaps),
                Some(reason) => reason,
            };
            let first = |from: i64| damaged.query_row(&number, [from], |row| row.get::<_, i64>(0)).optional();
            let reads = |from: i64| first(from).is_ok();
            gaps.push(reason);
            if from == before
                && let Ok(Some(damaged)) = first(from)
            {
                // Its number can be read and the row cannot: its content continues in a damaged page.
                let Some(next) = damaged.checked_add(1) else { return Ok(gaps) };
                from = next;
                continue;
            }
            // The damaged page holds adjacent numbers: double the step until a row can be read, then search back to
            // the end of the page.
            let (mut step, start) = (1i64, from.max(0));
            while !reads(start.saturating_add(step)) && step < BEYOND {
                go_on()?;
                step *= 2;
            }
            let (mut low, mut high) = (start.saturating_add(step / 2), start.saturating_add(step));
            while low + 1 < high {
                let middle = low + (high - low) / 2;
                if reads(middle) { high = middle } else { low = middle }
            }
            if step >= BEYOND {
                return Ok(gaps);
            }
            from = high;
        }
    }

    /// Copies rows from a number on; returns the reason if reading ended before the last one. `from` only increases.
    fn copy_from(&mut self, select: &str, from: &mut i64) -> rusqlite::Result<Option<String>> {
        let damaged = self.damaged;
        let number_at = if self.table.value == ValueKind::None { 1 } else { 2 };
        let mut statement = match damaged.prepare_cached(select) {
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
                Ok(RowOutcome::Taken) => {}
                Ok(RowOutcome::Refused(why)) => {
                    let key = row.get_ref(0)?.as_bytes().map(<[u8]>::to_vec).unwrap_or_default();
                    self.loss(Some(&key), None, None, why);
                }
                Err(error) if is_damage(&error) => return Ok(Some(error.to_string())),
                Err(error) => return Err(error),
            }
            if let ValueRef::Integer(number) = row.get_ref(number_at)? {
                *from = number.saturating_add(1).max(*from);
            }
        }
    }

    /// Walks the index: looks up every key that was not found by its row, and reports a loss if that fails. Returns
    /// how many keys have a row, and the part of the index that cannot be read.
    fn keys(&mut self, rows: Option<&String>) -> rusqlite::Result<(u64, Option<LostRows>)> {
        let from = format!("SELECT k FROM {} INDEXED BY {}", self.name, self.index);
        let up = self.walk(&format!("{from} WHERE k >= x'' ORDER BY k"), None, false, rows)?;
        let Some(reason) = up.reason else { return Ok((up.present, None)) };
        // Walks from the other end, down to the damage.
        let bottom = up.last.clone().unwrap_or_default();
        let down = self.walk(&format!("{from} WHERE k > ?1 ORDER BY k DESC"), Some(&bottom), true, rows)?;
        Ok((up.present + down.present, Some((up.last, down.last, reason))))
    }

    fn walk(
        &mut self,
        select: &str,
        bottom: Option<&[u8]>,
        down: bool,
        gaps: Option<&String>,
    ) -> rusqlite::Result<Steps> {
        let (damaged, target) = (self.damaged, self.target);
        let has = format!("SELECT 1 FROM {} WHERE k = ?1", self.name);
        let mut has = target.prepare(&has)?;
        let mut steps = Steps::default();
        let mut statement = match damaged.prepare(select) {
            Err(error) if is_damage(&error) => {
                steps.reason = Some(error.to_string());
                return Ok(steps);
            }
            statement => statement?,
        };
        let mut rows = match bottom {
            Some(bottom) => statement.query([bottom])?,
            None => statement.query([])?,
        };
        loop {
            let key = match rows.next() {
                Ok(None) => return Ok(steps),
                Ok(Some(row)) => match row.get_ref(0)? {
                    ValueRef::Blob(key) => key.to_vec(),
                    _ => continue,
                },
                Err(error) if is_damage(&error) => {
                    steps.reason = Some(error.to_string());
                    return Ok(steps);
                }
                Err(error) => return Err(error),
            };
            let in_order =
                steps.last.as_ref().is_none_or(|last| if down { key < *last } else { key > *last });
            if !in_order {
                steps.reason = Some("its keys are not in order".to_string());
                return Ok(steps);
            }
            if has.query_row([&key], |_| Ok(())).optional()?.is_some() || self.row_of(&key, gaps)? {
                steps.present += 1;
            }
            steps.last = Some(key);
        }
    }

    /// Reads the row of a key through the index; reports a loss if that fails.
    fn row_of(&mut self, key: &[u8], gaps: Option<&String>) -> rusqlite::Result<bool> {
        let damaged = self.damaged;
        let select = format!("SELECT {} FROM {} NOT INDEXED WHERE rowid = ?1", self.columns(), self.name);
        let number = format!("SELECT rowid FROM {} INDEXED BY {} WHERE k = ?1", self.name, self.index);
        let no_row = || match gaps {
            Some(reason) => format!("its row cannot be read: {reason}"),
            None => "the index has this key, the table no row".to_string(),
        };
        let read = || -> rusqlite::Result<Result<(), String>> {
            let number: Option<i64> =
                damaged.prepare_cached(&number)?.query_row([key], |row| row.get(0)).optional()?;
            let mut select = damaged.prepare_cached(&select)?;
            let mut rows = select.query([number])?;
            match rows.next()? {
                // A row with another key is not the one that was looked up.
                Some(row) if row.get_ref(0)? == ValueRef::Blob(key) => Ok(match self.write(row)? {
                    RowOutcome::Taken => Ok(()),
                    RowOutcome::Refused(why) => Err(why),
                }),
                Some(_) => Ok(Err("the row that the index leads to has another key".to_string())),
                None => Ok(Err(no_row())),
            }
        };
        let lost = match read() {
            Ok(Ok(())) => return Ok(true),
            Ok(Err(why)) => why,
            Err(error) if is_damage(&error) => error.to_string(),
            Err(error) => return Err(error),
        };
        // A row that was refused is already reported as a loss of the same key.
        if !self.done.losses.iter().rev().take(NAMED).any(|loss| loss.key.as_deref() == Some(key)) {
            self.loss(Some(key), None, None, lost);
        }
        Ok(false)
    }

    /// Reports the rows that the index does not list. They are copied: only the server does not find them.
    fn rows_without_key(&mut self) -> rusqlite::Result<()> {
        let (damaged, target) = (self.damaged, self.target);
        let keys = format!("SELECT k FROM {} WHERE k >= x'' ORDER BY k", self.name);
        let listed = format!("SELECT 1 FROM {} INDEXED BY {} WHERE k = ?1", self.name, self.index);
        let (mut keys, mut listed) = (target.prepare(&keys)?, damaged.prepare(&listed)?);
        let mut rows = keys.query([])?;
        while let Some(row) = rows.next()? {
            let key = row.get_ref(0)?.as_bytes().map(<[u8]>::to_vec).unwrap_or_default();
            match listed.query_row([&key], |_| Ok(())).optional() {
                Ok(Some(())) => {}
                Ok(None) if self.is_in_gap(&key) => {}
                Ok(None) => {
                    let why = "the index does not list this row, so that the server did not see it; it is in the dump";
                    self.loss(Some(&key), None, None, why.to_string());
                }
                // The key is in the part of the index that cannot be read.
                Err(error) if is_damage(&error) => {}
                Err(error) => return Err(error),
            }
            go_on()?;
        }
        Ok(())
    }

    /// Whether a key is in a range that is already a loss.
    fn is_in_gap(&self, key: &[u8]) -> bool {
        self.done.losses.iter().filter(|loss| loss.key.is_none()).any(|loss| {
            loss.after.as_deref().is_none_or(|after| key > after)
                && loss.before.as_deref().is_none_or(|before| key < before)
        })
    }
}

/// The keys around the part that cannot be read, and the reason.
type LostRows = (Option<Vec<u8>>, Option<Vec<u8>>, String);

/// How far a walk over an index got.
#[derive(Default)]
struct Steps {
    present: u64,
    last: Option<Vec<u8>>,
    reason: Option<String>,
}

fn hex_of(key: &[u8]) -> String {
    crate::base::hex::hex_start(key)
}

/// Whether an error is about the damaged database, and not about memory, descriptors, locks or the private database.
fn is_damage(error: &rusqlite::Error) -> bool {
    match error {
        rusqlite::Error::SqliteFailure(failure, _) => match failure.code {
            ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase => true,
            ErrorCode::SystemIoFailure => {
                [ffi::SQLITE_IOERR_READ, ffi::SQLITE_IOERR_SHORT_READ, ffi::SQLITE_IOERR_CORRUPTFS]
                    .contains(&failure.extended_code)
            }
            _ => false,
        },
        // A text that is not UTF-8 or a missing column is a sign of a torn page.
        rusqlite::Error::Utf8Error(..) | rusqlite::Error::InvalidColumnType(..) => true,
        _ => false,
    }
}
