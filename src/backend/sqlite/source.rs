//! Reading a SQLite store without a trace: no lock, no `-shm`, no byte changed.
//!
//! Knows SQLite's files and how to see a consistent state of them; not what the tables mean.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{ErrorKind, Read, Seek, SeekFrom};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use rusqlite::types::ValueRef;
use rusqlite::{Connection, OpenFlags, OptionalExtension};

use super::{quoted, salvage, translate};
use crate::backend::{Estimate, KeyRange, Loss, Pages, Source, TableState};
use crate::catalog::{BackendKind, Table, ValueKind};
use crate::error::{Error, Result};
use crate::finding::hex;
use crate::page::Page;

/// A database with a log is copied up to this size; a larger one is read in place.
const COPY_LIMIT: u64 = 1 << 30;

/// Rows looked at to estimate a table and to find its split keys.
const SAMPLES: u64 = 64;

/// How the files are read.
#[derive(Debug)]
enum Access {
    /// Nothing but the database file counts; SQLite is told that it cannot change.
    Immutable,
    /// A private copy of database and logs, removed afterwards.
    Copy { dir: PathBuf },
    /// The original, because it is too large to copy.
    ReadOnly,
}

/// A SQLite database opened for reading.
pub struct SqliteSource {
    path: PathBuf,
    file: PathBuf,
    access: Access,
    cache_kib: u64,
    losses: Vec<Loss>,
    idle: Mutex<Vec<Connection>>,
}

impl SqliteSource {
    /// Opens the database at `path`; `memory` bounds the page caches of all connections together, in bytes.
    ///
    /// Errors: usage if there is no such file, I/O if it cannot be read.
    pub fn open(path: &Path, memory: u64, connections: usize) -> Result<Self> {
        SqliteSource::open_by(path, memory, connections, choose_access)
    }

    fn open_by(
        path: &Path,
        memory: u64,
        connections: usize,
        choose: impl FnOnce(&Path) -> Result<Access>,
    ) -> Result<Self> {
        let place = std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf());
        match fs::metadata(path) {
            Ok(meta) if meta.is_file() => {}
            Ok(_) => {
                return Err(Error::usage("the SQLite database is not a regular file")
                    .with("path", place.display().to_string())
                    .next("check the path in the configuration"));
            }
            // A file among the parents is a wrong path, too.
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
                return Err(Error::usage("the SQLite database does not exist")
                    .with("path", place.display().to_string())
                    .next("check the path in the configuration and the directory this was started in"));
            }
            Err(error) => return Err(cannot_read(&place, error)),
        }
        // SQLite reports a file that it may not read as an empty error; the system says more.
        File::open(path).map_err(|error| cannot_read(&place, error))?;
        let access = choose(path)?;
        let file = match &access {
            Access::Copy { dir } => dir.join(path.file_name().unwrap_or_default()),
            _ => path.to_path_buf(),
        };
        // The system's own cache backs this one; more than that only doubles it.
        let cache_kib = (memory / 1024 / connections.max(1) as u64).min(2 << 10);
        let source =
            SqliteSource { path: place, file, access, cache_kib, losses: Vec::new(), idle: Mutex::default() };
        let connection = source.connect()?;
        source.give_back(connection);
        Ok(source)
    }

    /// Opens a damaged database to read what can still be read, by way of a private copy; see
    /// [`Source::losses`].
    ///
    /// Errors: as [`SqliteSource::open`], and I/O if not even its schema can be read.
    pub fn salvage(path: &Path, memory: u64, connections: usize) -> Result<Self> {
        let damaged = match stated_length(path) {
            // SQLite opens no database whose end is gone: a copy gets zeros for it.
            Some(length) => SqliteSource::open_by(path, memory, connections, |path| {
                let access = private_copy(path)?;
                if let Access::Copy { dir } = &access {
                    let file = dir.join(path.file_name().unwrap_or_default());
                    let longer =
                        File::options().write(true).open(&file).and_then(|file| file.set_len(length));
                    longer.map_err(|error| cannot_copy(dir, error))?;
                }
                Ok(access)
            })?,
            None => SqliteSource::open(path, memory, connections)?,
        };
        let dir = private_directory()?;
        let scratch = dir.join("salvaged");
        let copied =
            damaged.with("salvage the SQLite database", |connection| salvage::copy(connection, &scratch));
        let losses = match copied {
            Ok(losses) => losses,
            Err(error) => {
                let _ = fs::remove_dir_all(&dir);
                return Err(error);
            }
        };
        let mut source = SqliteSource::open(&scratch, memory, connections)?;
        // The directory goes with the source.
        source.access = Access::Copy { dir };
        source.path = damaged.path.clone();
        source.losses = losses;
        Ok(source)
    }

    fn connect(&self) -> Result<Connection> {
        let fail = |e| translate(e, "open the SQLite database", &self.path);
        if let Some(connection) = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop() {
            return Ok(connection);
        }
        let base = OpenFlags::SQLITE_OPEN_URI | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let (query, flags) = match self.access {
            Access::Immutable => ("?immutable=1", base | OpenFlags::SQLITE_OPEN_READ_ONLY),
            Access::ReadOnly => ("?mode=ro", base | OpenFlags::SQLITE_OPEN_READ_ONLY),
            // Recovering the log needs write access, which the copy may be given.
            Access::Copy { .. } => ("?mode=rw", base | OpenFlags::SQLITE_OPEN_READ_WRITE),
        };
        let connection = Connection::open_with_flags(uri(&self.file, query), flags).map_err(fail)?;
        let begin =
            format!("PRAGMA cache_size=-{}; PRAGMA mmap_size=0; PRAGMA query_only=1; BEGIN;", self.cache_kib);
        connection.execute_batch(&begin).map_err(fail)?;
        // The transaction begins with the first read; from here on the connection sees one state.
        let tables =
            connection.query_row("SELECT count(*) FROM sqlite_master", [], |row| row.get::<_, i64>(0));
        tables.map_err(fail)?;
        Ok(connection)
    }

    fn give_back(&self, connection: Connection) {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
    }

    fn with<T>(&self, doing: &str, run: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T> {
        let connection = self.connect()?;
        let result = run(&connection).map_err(|error| translate(error, doing, &self.path));
        self.give_back(connection);
        result
    }

    fn has_table(&self, table: &Table) -> Result<bool> {
        self.with("look for a table", |c| exists(c, table.name))
    }
}

impl Drop for SqliteSource {
    fn drop(&mut self) {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).clear();
        if let Access::Copy { dir } = &self.access {
            // Best effort: the directory is private, and the system cleans its temporary files.
            let _ = fs::remove_dir_all(dir);
        }
    }
}

impl SqliteSource {
    fn pages(&self, table: Table, range: &KeyRange) -> Result<Box<dyn Pages + Send + '_>> {
        let present = self.has_table(&table)?;
        let connection = if present { Some(self.connect()?) } else { None };
        Ok(Box::new(SqlitePages { source: self, connection, table, range: range.clone(), done: !present }))
    }
}

impl Source for SqliteSource {
    fn kind(&self) -> BackendKind {
        BackendKind::Sqlite
    }

    fn tables(&self) -> Result<Vec<TableState>> {
        self.with("list the tables", |connection| {
            let names = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' \
                         ESCAPE '\\' ORDER BY name";
            let names: Vec<String> =
                connection.prepare(names)?.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
            let mut tables = Vec::with_capacity(names.len());
            for name in names {
                let any = format!("SELECT 1 FROM {} LIMIT 1", quoted(&name));
                let rows = connection.query_row(&any, [], |_| Ok(())).optional()?.is_some();
                tables.push(TableState { name, rows });
            }
            Ok(tables)
        })
    }

    fn get(&self, table: &Table, key: &[u8]) -> Result<Option<Vec<u8>>> {
        if !self.has_table(table)? {
            return Ok(None);
        }
        self.with("read a record", |connection| {
            let column = if table.value == ValueKind::None { "NULL" } else { "v" };
            let get = format!("SELECT {column} FROM {} WHERE k = ?1", quoted(table.name));
            let value = |row: &rusqlite::Row| Ok(logical(row.get_ref(0)?, &mut [0; 8]).to_vec());
            connection.query_row(&get, [key], value).optional()
        })
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

    fn losses(&self) -> Vec<Loss> {
        self.losses.clone()
    }

    fn fingerprint(&self) -> Result<Option<String>> {
        let start = |path: &Path, at: u64, length: usize| -> std::io::Result<(std::fs::Metadata, String)> {
            let mut file = File::open(path)?;
            let mut bytes = vec![0; length];
            file.seek(SeekFrom::Start(at))?;
            // A file shorter than that has no salt or counter.
            let read = file.read(&mut bytes)?;
            Ok((file.metadata()?, hex(bytes.get(..read).unwrap_or_default())))
        };
        let fail = |error| cannot_read(&self.path, error);
        // The file change counter of the database header, and the salts of the write-ahead log's. A checkpoint
        // does not raise the counter, but writes the file.
        let (meta, counter) = start(&self.path, 24, 4).map_err(fail)?;
        let (wal, salts) = match start(&beside(&self.path, "-wal"), 16, 8) {
            Err(error) if error.kind() == ErrorKind::NotFound => (0, String::new()),
            found => found.map(|(meta, salts)| (meta.len(), salts)).map_err(fail)?,
        };
        let written = format!("{}.{:09}", meta.mtime(), meta.mtime_nsec());
        Ok(Some(format!("{} {written} {counter} {wal} {salts}", meta.len())))
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
            // Every NULL, number and text sorts before the empty byte string.
            let odd = format!("SELECT count(*) FROM {} WHERE k < x'' OR k IS NULL", quoted(table.name));
            let count: i64 = connection.query_row(&odd, [], |row| row.get(0))?;
            let count = u64::try_from(count).unwrap_or(0);
            let why = "the key is stored as NULL, number or text, which the server's queries never find";
            Ok((count > 0).then(|| (count, why.to_string())))
        })
    }

    fn notes(&self) -> Vec<String> {
        match &self.access {
            Access::Immutable => Vec::new(),
            Access::Copy { .. } => vec![format!(
                "{} has unflushed changes in its log: a private copy of both is read, the original stays untouched",
                self.path.display()
            )],
            Access::ReadOnly => vec![format!(
                "{} has unflushed changes in its log and is too large to copy: it is read in place, which may touch \
                 its -shm file; the database and its log stay untouched",
                self.path.display()
            )],
        }
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
                self.done = !more;
                self.range.after = page.last().map(|(key, _)| key.to_vec()).or(self.range.after.take());
                Ok(!page.is_empty())
            }
            Err(error) => {
                page.clear();
                let place = format!(
                    "{}, after key {}",
                    self.table.name,
                    crate::finding::hex(self.range.after.as_deref().unwrap_or_default())
                );
                Err(translate(error, "read the SQLite database", &self.source.path).with("table", place))
            }
        }
    }
}

impl Drop for SqlitePages<'_> {
    fn drop(&mut self) {
        self.source.idle.lock().unwrap_or_else(PoisonError::into_inner).extend(self.connection.take());
    }
}

/// Steps the statement until the page is full; true if rows may follow. A new seek per page costs a few
/// microseconds and lets the connection be used for anything between pages.
fn fill(
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
    let (mut odd_key, mut counter) = ([0; 8], [0; 8]);
    while let Some(row) = rows.next()? {
        let key = logical(row.get_ref(0)?, &mut odd_key);
        let value =
            if table.value == ValueKind::None { &[][..] } else { logical(row.get_ref(1)?, &mut counter) };
        page.push(key, value);
        if page.size() >= budget {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The logical bytes of a column: integers as 8 bytes little-endian, text and bytes as they are.
fn logical<'a>(value: ValueRef<'a>, counter: &'a mut [u8; 8]) -> &'a [u8] {
    match value {
        ValueRef::Null => &[],
        ValueRef::Integer(number) => {
            *counter = number.to_le_bytes();
            counter
        }
        ValueRef::Real(number) => {
            *counter = number.to_le_bytes();
            counter
        }
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => bytes,
    }
}

fn exists(connection: &Connection, table: &str) -> rusqlite::Result<bool> {
    let find = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?1";
    Ok(connection.prepare_cached(find)?.query_row([table], |_| Ok(())).optional()?.is_some())
}

fn last_rowid(connection: &Connection, table: &Table) -> rusqlite::Result<u64> {
    let last = format!("SELECT max(rowid) FROM {}", quoted(table.name));
    let last: Option<i64> = connection.query_row(&last, [], |row| row.get(0))?;
    Ok(last.and_then(|last| u64::try_from(last).ok()).unwrap_or(0))
}

/// Rows spread evenly over a table. Keys at them are a fair sample, whether rows were inserted in order or not.
fn sample_rowids(last: u64) -> impl Iterator<Item = i64> {
    let count = last.min(SAMPLES);
    (0..count).filter_map(move |n| {
        i64::try_from((u128::from(last) * u128::from(n) / u128::from(count.max(1))) + 1).ok()
    })
}

fn cannot_read(path: &Path, error: std::io::Error) -> Error {
    Error::io("cannot read the SQLite database")
        .with("path", path.display().to_string())
        .because(error)
        .next("run as a user who may read it")
}

/// A log with content must be honoured: the write-ahead log of a killed server, or the rollback journal of an
/// interrupted writer. Either needs SQLite to recover it, which writes; so a copy is recovered.
fn choose_access(path: &Path) -> Result<Access> {
    let size = |path: &Path| match fs::metadata(path) {
        Ok(meta) => Ok(meta.len()),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(0),
        Err(error) => Err(cannot_read(path, error)),
    };
    let logs = [beside(path, "-wal"), beside(path, "-journal")];
    let log_size = size(&logs[0])? + size(&logs[1])?;
    if log_size == 0 {
        return Ok(Access::Immutable);
    }
    let total = size(path)? + log_size;
    let temporary = std::env::temp_dir();
    let room = rustix::fs::statvfs(&temporary).map_or(0, |fs| fs.f_bavail.saturating_mul(fs.f_frsize));
    if total >= COPY_LIMIT || room < total + total / 4 {
        return Ok(Access::ReadOnly);
    }
    private_copy(path)
}

/// Copies a database and its logs into a directory of their own.
fn private_copy(path: &Path) -> Result<Access> {
    let dir = private_directory()?;
    let access = Access::Copy { dir: dir.clone() };
    for file in [path.to_path_buf(), beside(path, "-wal"), beside(path, "-journal")] {
        // A database that has only begun is empty beside its journal.
        if (file == path || fs::metadata(&file).is_ok_and(|meta| meta.len() > 0))
            && let Err(error) = copy_private(&file, &dir.join(file.file_name().unwrap_or_default()))
        {
            let _ = fs::remove_dir_all(&dir);
            return Err(cannot_copy(&dir, error));
        }
    }
    Ok(access)
}

fn private_directory() -> Result<PathBuf> {
    let dir = std::env::temp_dir().join(format!("stalwart-migrate-{}-{:x}", std::process::id(), random()));
    fs::DirBuilder::new().mode(0o700).create(&dir).map_err(|error| cannot_copy(&dir, error))?;
    Ok(dir)
}

fn cannot_copy(dir: &Path, error: std::io::Error) -> Error {
    Error::io("cannot make a private copy of the SQLite database")
        .with("path", dir.display().to_string())
        .because(error)
        .next("set TMPDIR to a directory with enough space")
}

/// The length a database file should have by its own header, if it is shorter than that.
///
/// Format: "Database File Format" of SQLite, section 1.3: page size at offset 16, pages at offset 28.
fn stated_length(path: &Path) -> Option<u64> {
    let mut header = [0; 32];
    File::open(path).ok()?.read_exact(&mut header).ok()?;
    let page = match u16::from_be_bytes([header[16], header[17]]) {
        1 => 65_536,
        size => u64::from(size),
    };
    let stated = page * u64::from(u32::from_be_bytes([header[28], header[29], header[30], header[31]]));
    let found = fs::metadata(path).ok()?.len();
    // A header that is damaged itself may say anything.
    (found < stated && stated / 64 <= found).then_some(stated)
}

/// The file that SQLite keeps next to the database under its name and a suffix.
fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

/// Copies without the permissions of the original, which may lack our write access.
fn copy_private(from: &Path, to: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::OpenOptionsExt;
    let mut target = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(to)?;
    std::io::copy(&mut File::open(from)?, &mut target)?;
    Ok(())
}

fn random() -> u64 {
    use std::hash::{BuildHasher, Hasher};
    std::collections::hash_map::RandomState::new().build_hasher().finish()
}

/// A `file:` URI that names exactly this path, whatever bytes it has.
fn uri(path: &Path, query: &str) -> String {
    let mut uri = String::from("file:");
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf());
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
