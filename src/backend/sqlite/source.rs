//! Reads a SQLite store without side effects: no lock, no `-shm`, no byte changed.
//!
//! Gets a consistent state of a database and reads its rows; does not depend on what the tables mean. `files` finds
//! the files that belong to it, and `logs` checks its logs.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use rusqlite::types::ValueRef;
use rusqlite::{Connection, ErrorCode, OptionalExtension};

use super::connection::{self, OpenMode};
use super::files::{Files, FilesState, changed, private_directory};
use super::logs::{Logs, SharedFile};
use super::shape::{self, TableForm};
use super::{both_ways, quoted, salvage, translate};
use crate::backend::shape::Fault;
use crate::backend::{Estimate, KeyRange, Loss, Odd, Pages, Source, TableState, Unreadable};
use crate::base::dir::PrivateDir;
use crate::base::error::{Error, ErrorKind, Result};
use crate::base::page::Page;
use crate::base::sync::lock;
use crate::catalog::{BackendKind, Table, ValueKind};

/// A database with a log is copied up to this size; a larger one is read in place.
const COPY_LIMIT: u64 = 1 << 30;

/// Rows sampled to estimate a table and to find its split keys.
const SAMPLES: u64 = 64;

/// How the files are read.
#[derive(Debug)]
enum Access {
    /// Only the database file is read; SQLite is opened as if it could not change.
    Immutable,
    /// A private copy of the database and its logs, removed with the source.
    Copy { _dir: PrivateDir },
    /// The original, because it is too large to copy.
    ReadOnly,
}

/// Cell for one comparison of the rows and the index of a table: `None` until it is done, then the rows with values
/// of unexpected types.
type Comparison = Arc<Mutex<Option<Vec<Odd>>>>;

/// A SQLite database opened for reading.
pub struct SqliteSource {
    // Before the files: closing the first handle of a file drops SQLite's locks on it.
    idle: Mutex<Vec<Connection>>,
    // The file that SQLite opens: the original or a copy.
    file: PathBuf,
    access: Access,
    files: Arc<Files>,
    // State of the original when it was opened or copied.
    seen: FilesState,
    cache_kib: u64,
    log_ends: Vec<String>,
    losses: Vec<Loss>,
    // Tables that a salvage left out because the server has no such tables.
    unknown: Vec<TableState>,
    // Tables whose rows and index have been compared, or are being compared.
    compared: Mutex<BTreeMap<&'static str, Comparison>>,
}

impl SqliteSource {
    /// Opens the database at `path`; `memory` bounds the page caches of all connections together, in bytes.
    ///
    /// Errors: usage if there is no such file; refused if its log may be in another place; I/O if it cannot be read
    /// or one of its logs is damaged.
    pub fn open(path: &Path, memory: u64, connections: usize) -> Result<Self> {
        let files = Arc::new(Files::open(path)?);
        // Must come before SQLite opens the database.
        let shared = SharedFile::beside(files.path())?;
        let seen = files.look()?;
        files.has_its_database(&seen)?;
        let (access, file) = choose_access(&files, &seen)?;
        let logs = Logs::of(&file, shared)?;
        files.unchanged_since(&seen)?;
        if let Some(damage) = logs.damage {
            return Err(damaged(files.path(), &damage));
        }
        SqliteSource::new((files, seen), (access, file), cache(memory, connections), logs.ends)
    }

    fn new(
        (files, seen): (Arc<Files>, FilesState),
        (access, file): (Access, PathBuf),
        cache_kib: u64,
        log_ends: Vec<String>,
    ) -> Result<Self> {
        let source = SqliteSource {
            idle: Mutex::default(),
            file,
            access,
            files,
            seen,
            cache_kib,
            log_ends,
            losses: Vec::new(),
            unknown: Vec::new(),
            compared: Mutex::default(),
        };
        let connection = source.connect()?;
        source.give_back(connection);
        Ok(source)
    }

    /// Opens a damaged database through a private copy, to read what is still readable; see [`Source::losses`].
    ///
    /// Errors: as [`SqliteSource::open`], and I/O if not even its schema can be read.
    pub fn salvage(path: &Path, memory: u64, connections: usize) -> Result<Self> {
        let files = Arc::new(Files::open(path)?);
        let shared = SharedFile::beside(files.path())?;
        let seen = files.look()?;
        files.has_its_database(&seen)?;
        let name = files.path().file_name().unwrap_or_default().to_os_string();
        let mut losses = Vec::new();
        let stated = files.stated_length();
        let original = Logs::of(files.path(), shared)?;
        let (access, file, ends) = if stated.is_some() || original.damage.is_some() {
            let dir = private_directory()?;
            let file = files.copy(&dir, &seen)?;
            let logs = Logs::of(&file, shared)?;
            logs.recover(&dir, &name)?;
            losses.extend(logs.damage.map(|damage| Loss {
                reason: format!(
                    "{damage}; what only it held is missing, and rows may be as they were earlier"
                ),
                ..Loss::default()
            }));
            lengthen(&dir, &name, stated)?;
            (Access::Copy { _dir: dir }, file, logs.ends)
        } else {
            let (access, file) = choose_access(&files, &seen)?;
            (access, file, original.ends)
        };
        let cache_kib = cache(memory, connections);
        let damaged = SqliteSource::new((files, seen), (access, file), cache_kib, ends)?;
        let dir = private_directory()?;
        let scratch = dir.path().join("salvaged");
        let doing = "salvage the SQLite database";
        let salvaged = damaged.with(doing, |connection| salvage::copy(connection, &scratch));
        let salvaged = salvaged.map_err(|error| match error.kind() {
            ErrorKind::Io => error.help("a salvage needs room for a copy of the store in TMPDIR"),
            _ => error,
        })?;
        losses.extend(salvaged.losses);
        let of_original = (Arc::clone(&damaged.files), damaged.seen.clone());
        let mut source = SqliteSource::new(
            of_original,
            (Access::Copy { _dir: dir }, scratch),
            cache_kib,
            damaged.log_ends.clone(),
        )?;
        source.losses = losses;
        source.unknown = salvaged.unknown;
        Ok(source)
    }

    /// The path of the database, without links.
    fn path(&self) -> &Path {
        self.files.path()
    }

    fn connect(&self) -> Result<Connection> {
        let fail = |e| self.failed(e, "open the SQLite database");
        if let Some(connection) = lock(&self.idle).pop() {
            return Ok(connection);
        }
        let mode = match self.access {
            Access::Immutable => OpenMode::Immutable,
            Access::ReadOnly => OpenMode::ReadOnly,
            // Recovering the log needs write access, which is safe for a copy.
            Access::Copy { .. } => OpenMode::ReadWrite,
        };
        let connection = connection::open(&self.file, mode).map_err(fail)?;
        let begin = format!("PRAGMA cache_size=-{}; PRAGMA query_only=1; BEGIN;", self.cache_kib);
        connection.execute_batch(&begin).map_err(fail)?;
        // The first read starts the transaction; from then on the connection reads one state.
        let tables =
            connection.query_row("SELECT count(*) FROM sqlite_master", [], |row| row.get::<_, i64>(0));
        tables.map_err(fail)?;
        Ok(connection)
    }

    fn give_back(&self, connection: Connection) {
        lock(&self.idle).push(connection);
    }

    fn with<T>(&self, doing: &str, run: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T> {
        let connection = self.connect()?;
        let result = run(&connection).map_err(|error| self.failed(error, doing));
        self.give_back(connection);
        result
    }

    /// The error of a failed statement. What looks like damage can be a file that changes while it is read.
    fn failed(&self, error: rusqlite::Error, doing: &str) -> Error {
        let suspicious = matches!(
            error.sqlite_error_code(),
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase | ErrorCode::SystemIoFailure)
        );
        let copied = matches!(self.access, Access::Copy { .. });
        if suspicious
            && !copied
            && let Ok(Some(why)) = self.files.difference(&self.seen)
        {
            return changed(self.path(), &format!("{why}, and reading it has failed: {error}"));
        }
        translate(error, doing, self.path())
    }

    /// Whether the table exists.
    ///
    /// Errors: refused if it exists and is not as the server creates it.
    fn has_table(&self, table: &Table) -> Result<bool> {
        match self.with("look for a table", |connection| shape::of(connection, table))? {
            TableForm::Absent => Ok(false),
            TableForm::AsCreated => Ok(true),
            TableForm::Other(found) => Err(Error::refused(
                "a table of the store is not as the server makes it",
            )
            .with("database", self.path().display().to_string())
            .with("table", table.name)
            .with("found", shape::shown(&found))
            .help(format!(
                "bring its rows into a table as the server makes it ({}) under this name, and start again",
                table.create
            ))),
        }
    }

    /// Compares the rows and the index of a table, once for all threads, and returns the rows with values of
    /// unexpected types.
    ///
    /// Errors: I/O if rows and index do not have the same keys.
    fn compare(&self, table: &Table) -> Result<Vec<Odd>> {
        let compared: Comparison = Arc::clone(lock(&self.compared).entry(table.name).or_default());
        let mut compared = lock(&compared);
        if let Some(odd) = compared.as_ref() {
            return Ok(odd.clone());
        }
        let found = self.with("compare rows and keys", |c| both_ways::compare(c, table))?;
        if let Some(difference) = found.difference {
            self.files.unchanged_since(&self.seen)?;
            return Err(Error::io("the SQLite database is damaged: a table and its index differ")
                .with("database", self.path().display().to_string())
                .with("table", table.name)
                .because(difference)
                .help(super::REMEDY));
        }
        Ok(compared.insert(found.odd).clone())
    }

    fn pages(&self, table: Table, range: &KeyRange) -> Result<Box<dyn Pages + Send + '_>> {
        let present = self.has_table(&table)?;
        if present {
            self.compare(&table)?;
        }
        let connection = if present { Some(self.connect()?) } else { None };
        Ok(Box::new(SqlitePages { source: self, connection, table, range: range.clone(), done: !present }))
    }
}

/// The page cache of one of `connections` connections, in KiB.
fn cache(memory: u64, connections: usize) -> u64 {
    // The system's page cache is below this one; a larger cache would only hold the same pages twice.
    (memory / 1024 / connections.max(1) as u64).min(2 << 10)
}

impl Source for SqliteSource {
    fn kind(&self) -> BackendKind {
        BackendKind::Sqlite
    }

    fn tables(&self) -> Result<Vec<TableState>> {
        self.with("list the tables", |connection| {
            let mut tables = shape::listed(connection)?;
            tables.extend(self.unknown.iter().cloned());
            tables.sort_by(|a, b| a.name.cmp(&b.name));
            Ok(tables)
        })
    }

    fn has_other_columns(&self, name: &str) -> Result<bool> {
        self.with("look at a table", |connection| {
            let count = "SELECT count(*) FROM pragma_table_info(?1) WHERE name = 'k'";
            let count: i64 = connection.query_row(count, [name], |row| row.get(0))?;
            Ok(count == 0)
        })
    }

    fn get(&self, table: &Table, key: &[u8]) -> Result<Option<Vec<u8>>> {
        if !self.has_table(table)? {
            return Ok(None);
        }
        let found = self.with("read a record", |connection| {
            let column = if table.value == ValueKind::None { "NULL" } else { "v" };
            let get = format!("SELECT {column} FROM {} WHERE k = ?1", quoted(table.name));
            let value = |row: &rusqlite::Row| {
                let value = row.get_ref(0)?;
                Ok((logical(table.value, value, &mut [0; 8]).map(<[u8]>::to_vec), value.data_type()))
            };
            connection.query_row(&get, [key], value).optional()
        })?;
        match found {
            None => Ok(None),
            Some((Some(value), _)) => Ok(Some(value)),
            Some((None, kind)) => {
                Err(Error::io("a value of the store is not stored as the server stores it")
                    .with("database", self.path().display().to_string())
                    .with("table", table.name)
                    .with("key", crate::base::hex::hex_start(key))
                    .because(format!("it is stored as {kind}, which the server cannot read"))
                    .help("restore the record, or delete it if the server does without"))
            }
        }
    }

    fn estimate(&self, table: &Table) -> Result<Estimate> {
        if !self.has_table(table)? {
            return Ok(Estimate::default());
        }
        self.with("estimate a table", |connection| {
            let records = last_rowid(connection, table)?;
            let columns = if table.value == ValueKind::None { "length(k)" } else { "length(k) + length(v)" };
            let size = format!("SELECT {columns} FROM {} WHERE rowid >= ?1 LIMIT 1", quoted(table.name));
            let mut statement = connection.prepare(&size)?;
            let (mut seen, mut total) = (0u64, 0u64);
            for rowid in sample_rowids(records) {
                if let Some(bytes) = statement.query_row([rowid], |row| row.get::<_, i64>(0)).optional()? {
                    (seen, total) = (seen + 1, total + u64::try_from(bytes).unwrap_or(0));
                }
            }
            Ok(Estimate { records, bytes: total.checked_div(seen).unwrap_or(0) * records })
        })
    }

    fn ranges(&self, table: &Table, n: usize) -> Result<Vec<KeyRange>> {
        if n < 2 || !self.has_table(table)? {
            return Ok(vec![KeyRange::all()]);
        }
        self.with("find split keys", |connection| {
            let key = format!("SELECT k FROM {} WHERE rowid >= ?1 AND k >= x'' LIMIT 1", quoted(table.name));
            let mut statement = connection.prepare(&key)?;
            let mut keys: Vec<Vec<u8>> = Vec::new();
            for rowid in sample_rowids(last_rowid(connection, table)?) {
                keys.extend(statement.query_row([rowid], |row| row.get(0)).optional()?);
            }
            keys.sort();
            keys.dedup();
            let splits = (1..n).filter_map(|part| keys.get(part * keys.len() / n).cloned());
            let mut splits: Vec<Vec<u8>> = splits.collect();
            splits.dedup();
            Ok(KeyRange::between(splits))
        })
    }

    fn unreadable(&self, tables: &[&Table]) -> Result<Vec<Unreadable>> {
        // A view of the same name is another fault, reported elsewhere.
        self.with("look for the tables", |connection| {
            let mut absent = Vec::new();
            for table in tables {
                if shape::of(connection, table)? == TableForm::Absent {
                    absent.push(Unreadable::absent(table));
                }
            }
            Ok(absent)
        })
    }

    fn shape_faults(&self, tables: &[&Table], written: bool) -> Result<Vec<Fault>> {
        self.with("look at the tables", |connection| shape::faults(connection, tables, written))
    }

    fn losses(&self) -> Vec<Loss> {
        self.losses.clone()
    }

    fn fingerprint(&self) -> Result<Option<String>> {
        // The state when the store was opened: one that has changed since then has no identity.
        self.files.unchanged_since(&self.seen)?;
        Ok(Some(self.seen.text()))
    }

    fn changed(&self) -> Result<Option<String>> {
        self.files.difference(&self.seen)
    }

    fn scan<'a>(&'a self, table: &'a Table, range: &KeyRange) -> Result<Box<dyn Pages + Send + 'a>> {
        self.pages(*table, range)
    }

    fn keys<'a>(&'a self, table: &'a Table) -> Result<Box<dyn Pages + Send + 'a>> {
        self.pages(Table { value: ValueKind::None, ..*table }, &KeyRange::all())
    }

    fn unreachable(&self, table: &Table) -> Result<Option<(u64, String)>> {
        if !self.has_table(table)? {
            return Ok(None);
        }
        self.with("look for keys that are not bytes", |connection| {
            // NULL, numbers and texts sort before the empty byte string.
            let odd = format!("SELECT count(*) FROM {} WHERE k < x'' OR k IS NULL", quoted(table.name));
            let count: i64 = connection.query_row(&odd, [], |row| row.get(0))?;
            let count = u64::try_from(count).unwrap_or(0);
            let why = "the key is stored as NULL, number or text, which the server's queries never find";
            Ok((count > 0).then(|| (count, why.to_string())))
        })
    }

    fn odd_values(&self, table: &Table) -> Result<Vec<Odd>> {
        if self.has_table(table)? { self.compare(table) } else { Ok(Vec::new()) }
    }

    fn notes(&self) -> Vec<String> {
        let path = self.path().display();
        let how = match &self.access {
            Access::Immutable => None,
            Access::Copy { .. } => Some(format!(
                "{path} has unflushed changes in its log: a private copy of both is read, the original stays untouched"
            )),
            Access::ReadOnly => Some(format!(
                "{path} has unflushed changes in its log and is too large to copy: it is read in place, which may \
                 touch its -shm file; the database and its log stay untouched"
            )),
        };
        how.into_iter().collect()
    }

    fn log_ends(&self) -> Vec<String> {
        self.log_ends.clone()
    }
}

struct SqlitePages<'a> {
    source: &'a SqliteSource,
    connection: Option<Connection>,
    table: Table,
    range: KeyRange,
    done: bool,
}

impl Pages for SqlitePages<'_> {
    fn read_next(&mut self, page: &mut Page, budget: usize) -> Result<bool> {
        page.clear();
        let Some(connection) = self.connection.as_ref().filter(|_| !self.done) else { return Ok(false) };
        match fill(connection, &self.table, &self.range, page, budget) {
            Ok(more) => {
                if !more && !matches!(self.source.access, Access::Copy { .. }) {
                    // Writes of another process can cause errors that do not look like damage.
                    self.source.files.unchanged_since(&self.source.seen)?;
                }
                self.done = !more;
                self.range.after = page.last().map(|(key, _)| key.to_vec()).or(self.range.after.take());
                Ok(!page.is_empty())
            }
            Err(error) => {
                page.clear();
                let place = format!(
                    "{}, after key {}",
                    self.table.name,
                    crate::base::hex::hex(self.range.after.as_deref().unwrap_or_default())
                );
                Err(self.source.failed(error, "read the SQLite database").with("table", place))
            }
        }
    }
}

impl Drop for SqlitePages<'_> {
    fn drop(&mut self) {
        lock(&self.source.idle).extend(self.connection.take());
    }
}

/// Steps the statement until the page is full; true if rows may follow. A new seek for each page costs a few
/// microseconds and frees the connection between pages.
pub(super) fn fill(
    connection: &Connection,
    table: &Table,
    range: &KeyRange,
    page: &mut Page,
    budget: usize,
) -> rusqlite::Result<bool> {
    let columns = if table.value == ValueKind::None { "k" } else { "k, v" };
    let (lower, after) = match &range.after {
        Some(after) => ("k > ?1", after.as_slice()),
        None => ("k >= ?1", &[][..]),
    };
    let upper = if range.until.is_some() { " AND k <= ?2" } else { "" };
    let select = format!("SELECT {columns} FROM {} WHERE {lower}{upper} ORDER BY k", quoted(table.name));
    let mut statement = connection.prepare_cached(&select)?;
    statement.raw_bind_parameter(1, after)?;
    if let Some(until) = &range.until {
        statement.raw_bind_parameter(2, until.as_slice())?;
    }
    let mut rows = statement.raw_query();
    let (mut no_key, mut counter) = ([0; 8], [0; 8]);
    while let Some(row) = rows.next()? {
        // The range contains only keys of type BLOB.
        let Some(key) = logical(ValueKind::Bytes, row.get_ref(0)?, &mut no_key) else { continue };
        let value = match table.value {
            ValueKind::None => Some(&[][..]),
            kind => logical(kind, row.get_ref(1)?, &mut counter),
        };
        // `odd_values` reports values that the server cannot read either.
        let Some(value) = value else { continue };
        page.push(key, value);
        if page.size() >= budget {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The logical bytes of a column: integers of counters as 8 bytes little-endian, text and bytes unchanged. `None` for
/// a value of another type, which would need a conversion.
pub(super) fn logical<'a>(
    kind: ValueKind,
    value: ValueRef<'a>,
    counter: &'a mut [u8; 8],
) -> Option<&'a [u8]> {
    match (kind, value) {
        (ValueKind::None, _) => Some(&[]),
        (ValueKind::Counter, ValueRef::Integer(number)) => {
            *counter = number.to_le_bytes();
            Some(counter)
        }
        (ValueKind::Bytes | ValueKind::Blob, ValueRef::Text(bytes) | ValueRef::Blob(bytes)) => Some(bytes),
        _ => None,
    }
}

fn last_rowid(connection: &Connection, table: &Table) -> rusqlite::Result<u64> {
    let last = format!("SELECT max(rowid) FROM {}", quoted(table.name));
    let last: Option<i64> = connection.query_row(&last, [], |row| row.get(0))?;
    Ok(last.and_then(|last| u64::try_from(last).ok()).unwrap_or(0))
}

/// Rows spread evenly over a table. Their keys are a fair sample, in whatever order the rows were inserted.
fn sample_rowids(last: u64) -> impl Iterator<Item = i64> {
    let count = last.min(SAMPLES);
    (0..count).filter_map(move |n| {
        i64::try_from((u128::from(last) * u128::from(n) / u128::from(count.max(1))) + 1).ok()
    })
}

/// Decides how the files are read. A log with content must be applied: the write-ahead log of a killed server, or the
/// rollback journal of an interrupted writer. Recovering either writes to the files, so SQLite recovers a copy.
fn choose_access(files: &Files, seen: &FilesState) -> Result<(Access, PathBuf)> {
    let log = files.log_length()?;
    if log == 0 {
        return Ok((Access::Immutable, files.path().to_path_buf()));
    }
    let total = seen.length() + log;
    let room = rustix::fs::statvfs(std::env::temp_dir());
    let room = room.map_or(0, |fs| fs.f_bavail.saturating_mul(fs.f_frsize));
    if total >= COPY_LIMIT || room < total + total / 4 {
        return Ok((Access::ReadOnly, files.path().to_path_buf()));
    }
    let dir = private_directory()?;
    let file = files.copy(&dir, seen)?;
    Ok((Access::Copy { _dir: dir }, file))
}

/// Extends a private copy to its intended length: SQLite does not open a database whose end is missing.
fn lengthen(dir: &PrivateDir, name: &OsStr, length: Option<u64>) -> Result<()> {
    let Some(length) = length else { return Ok(()) };
    let longer = dir
        .dir()
        .reopen_file(name)
        .and_then(|file| if file.metadata()?.len() < length { file.set_len(length) } else { Ok(()) });
    longer.map_err(|error| super::files::cannot_copy(dir.path(), error))
}

/// The error of a log that SQLite would not apply completely.
fn damaged(path: &Path, damage: &str) -> Error {
    Error::io("the SQLite database cannot be read whole")
        .with("database", path.display().to_string())
        .because(damage.to_string())
        .help(
            "if this is a copy, copy the database, its -wal and its -shm file again from the stopped server; otherwise \
             restore it from a backup, or export what can still be read with --salvage",
        )
}
