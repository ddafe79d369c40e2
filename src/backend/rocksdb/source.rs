//! Reads a RocksDB store without side effects.
//!
//! Opens it read-only with exactly the column families that exist: nothing is created or locked, and write-ahead logs
//! are replayed in memory. Damage of a log anywhere but at its torn end is an error and does not end reading
//! silently.

use std::io::ErrorKind;
use std::path::Path;
use std::sync::Arc;

use rocksdb::{
    Cache, ColumnFamilyDescriptor, DBRawIteratorWithThreadMode, DBRecoveryMode, Options, ReadOptions,
};

use super::log;
use super::opened::OpenDatabase;
use super::salvage::SalvagePages;
use super::seen::DirectoryState;
use super::{Db, database_options, family, family_options, obstacle, translate};
use crate::backend::files::check_rocks_source;
use crate::backend::{Estimate, KeyRange, Loss, Pages, Source, TableState};
use crate::base::dir::{Dir, absolute};
use crate::base::error::{Error, Result};
use crate::base::hex::hex;
use crate::base::page::Page;
use crate::base::sync::lock;
use crate::catalog::{BackendKind, Table, ValueKind};

/// A RocksDB database opened for reading.
pub struct RocksSource {
    opened: OpenDatabase,
    families: Vec<String>,
    log_ends: Vec<String>,
    // State of the directory before anything was read; `None` if this process writes to it.
    seen: Option<DirectoryState>,
    // Keeps the descriptor open that RocksDB's paths lead through.
    _dir: Option<Dir>,
}

impl RocksSource {
    /// Opens the database in the directory `path`; `memory` bounds RocksDB's caches, in bytes. Unflushed logs need
    /// memory in addition: they are replayed into it.
    ///
    /// Errors: usage if there is no database; I/O if it cannot be read.
    pub fn open(path: &Path, memory: u64) -> Result<Self> {
        let opened = RocksSource::open_as(path, memory, &database_options(memory), None)?;
        opened.map_err(|error| {
            let place = absolute(path);
            translate(error, "open the RocksDB database", &place)
        })
    }

    /// Opens a damaged database to read what is still readable; see [`Source::losses`].
    ///
    /// Errors: usage if there is no database; I/O if not even its list of files can be read.
    pub fn salvage(path: &Path, memory: u64) -> Result<Self> {
        let strict = match RocksSource::open_as(path, memory, &database_options(memory), Some(Vec::new()))? {
            Ok(source) => return Ok(source),
            Err(error) => error,
        };
        let place = absolute(path);
        if obstacle(&strict).is_some() {
            // The failure does not mean damage: reading around it would skip intact records.
            return Err(translate(strict, "open the RocksDB database", &place));
        }
        let strict = translate(strict, "open the RocksDB database", &place);
        let mut options = database_options(memory);
        // Missing or damaged files are found when they are read.
        options.set_paranoid_checks(false);
        options.set_wal_recovery_mode(DBRecoveryMode::SkipAnyCorruptedRecord);
        // With these options RocksDB replays a log as far as it can, and does not report how far.
        let logs = std::fs::read_dir(path).into_iter().flatten().flatten().filter(|entry| {
            entry.path().extension().is_some_and(|extension| extension == "log")
                && entry.metadata().is_ok_and(|meta| meta.len() > 0)
        });
        let unsure = logs.map(|log| Loss {
            reason: format!(
                "the write-ahead log {} may not have been replayed whole: {strict}",
                log.file_name().display()
            ),
            ..Loss::default()
        });
        match RocksSource::open_as(path, memory, &options, Some(unsure.collect()))? {
            Ok(source) => Ok(source),
            Err(error) if obstacle(&error).is_some() => {
                Err(translate(error, "open the RocksDB database", &place))
            }
            Err(_) => Err(strict),
        }
    }

    fn open_as(
        path: &Path,
        memory: u64,
        options: &Options,
        losses: Option<Vec<Loss>>,
    ) -> Result<Result<Self, rocksdb::Error>> {
        let place = absolute(path);
        let dir = check_directory(&place)?;
        let seen = DirectoryState::look(&place).map_err(|error| cannot_look(&place, error))?;
        // RocksDB opens files by path. If possible, it gets a path through the descriptor of the directory that was
        // checked.
        let at = Some(dir.anchored()).filter(|path| path.exists()).unwrap_or_else(|| place.clone());
        let opened = open_families(options, &at, memory);
        // A file that was exchanged meanwhile may have been read as part of the database.
        check_rocks_source(&dir)?;
        let (families, db) = match opened {
            Ok(opened) => opened,
            Err(error) => return Ok(Err(error)),
        };
        let log::PassedOver { ends, damage } = log::passed_over(&at, &place)?;
        let mut losses = losses;
        for damage in damage {
            let Some(losses) = &mut losses else {
                return Err(Error::io(damage.what)
                    .with("path", place.display().to_string())
                    .because(damage.why)
                    .help("restore it from a backup, or export what can still be read with --salvage"));
            };
            losses.push(Loss { reason: damage.lost, ..Loss::default() });
        }
        Ok(Ok(RocksSource {
            opened: OpenDatabase::new(place, Arc::new(db), losses),
            families,
            log_ends: ends,
            seen: Some(seen),
            _dir: Some(dir),
        }))
    }

    /// Reads a database that a target of this process has open, with its families.
    pub(super) fn of(path: &Path, families: Vec<String>, db: Arc<Db>) -> Self {
        let opened = OpenDatabase::new(path.to_path_buf(), db, None);
        RocksSource { opened, families, log_ends: Vec::new(), seen: None, _dir: None }
    }

    fn property(&self, table: &Table, name: &str) -> Result<u64> {
        let Some(handle) = self.opened.db.cf_handle(table.name) else { return Ok(0) };
        let value = self.opened.db.property_int_value_cf(&handle, name);
        Ok(value.map_err(|e| translate(e, "read a property", &self.opened.path))?.unwrap_or(0))
    }
}

/// Lists the existing families and opens the database with exactly these.
pub(super) fn open_families(
    options: &Options,
    path: &Path,
    memory: u64,
) -> std::result::Result<(Vec<String>, Db), rocksdb::Error> {
    let families = Db::list_cf(&Options::default(), path)?;
    let cache = Cache::new_lru_cache(usize::try_from(memory / 2).unwrap_or(usize::MAX));
    let descriptors =
        families.iter().map(|name| ColumnFamilyDescriptor::new(name, family_options(family(name), &cache)));
    let db = Db::open_cf_descriptors_read_only(options, path, descriptors, false)?;
    Ok((families, db))
}

fn cannot_look(path: &Path, error: std::io::Error) -> Error {
    Error::io("cannot look at the files of the RocksDB database")
        .with("path", path.display().to_string())
        .because(error)
        .help("check that the path exists and that this user may use it")
}

impl Source for RocksSource {
    fn kind(&self) -> BackendKind {
        BackendKind::RocksDb
    }

    fn tables(&self) -> Result<Vec<TableState>> {
        let mut tables = Vec::with_capacity(self.families.len());
        for name in &self.families {
            let Some(handle) = self.opened.db.cf_handle(name) else { continue };
            let mut iterator = self.opened.db.raw_iterator_cf_opt(&handle, ReadOptions::default());
            iterator.seek_to_first();
            let rows = iterator.valid() || self.opened.losses.is_some() && iterator.status().is_err();
            iterator
                .status()
                .or_else(|error| {
                    if self.opened.losses.is_some() && obstacle(&error).is_none() {
                        Ok(())
                    } else {
                        Err(error)
                    }
                })
                .map_err(|e| translate(e, "read a column family", &self.opened.path).with("table", name))?;
            // Every database has the family `default`; it is only of interest if it has rows.
            if rows || name != rocksdb::DEFAULT_COLUMN_FAMILY_NAME {
                tables.push(TableState { name: name.clone(), rows });
            }
        }
        tables.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(tables)
    }

    fn get(&self, table: &Table, key: &[u8]) -> Result<Option<Vec<u8>>> {
        let Some(handle) = self.opened.db.cf_handle(table.name) else { return Ok(None) };
        self.opened.db.get_cf(&handle, key).map_err(|e| {
            translate(e, "read a record", &self.opened.path).with("table", table.name).with("key", hex(key))
        })
    }

    fn estimate(&self, table: &Table) -> Result<Estimate> {
        Ok(Estimate {
            records: self.property(table, "rocksdb.estimate-num-keys")?,
            bytes: self.property(table, "rocksdb.estimate-live-data-size")?
                + self.property(table, "rocksdb.total-blob-file-size")?
                + self.property(table, "rocksdb.cur-size-all-mem-tables")?,
        })
    }

    fn ranges(&self, table: &Table, n: usize) -> Result<Vec<KeyRange>> {
        let files = self
            .opened
            .db
            .live_files()
            .map_err(|e| translate(e, "list the table files", &self.opened.path))?;
        // File boundaries weighted by entries are good enough as split points and need no read.
        let mut ends: Vec<(Vec<u8>, u64)> = files
            .into_iter()
            .filter(|file| file.column_family_name == table.name)
            .filter_map(|file| Some((file.end_key?, file.num_entries.max(1))))
            .collect();
        ends.sort();
        let total: u64 = ends.iter().map(|(_, entries)| entries).sum();
        let (mut splits, mut seen) = (Vec::<Vec<u8>>::new(), 0);
        for (end, entries) in ends {
            seen += entries;
            let due = (splits.len() as u64 + 1) * total / n.max(1) as u64;
            if seen >= due && splits.len() + 1 < n && splits.last() != Some(&end) {
                splits.push(end);
            }
        }
        Ok(KeyRange::between(splits))
    }

    fn losses(&self) -> Vec<Loss> {
        let losses = self.opened.losses.as_ref().map(|losses| lock(losses).clone());
        losses.unwrap_or_default()
    }

    fn log_ends(&self) -> Vec<String> {
        self.log_ends.clone()
    }

    fn fingerprint(&self) -> Result<Option<String>> {
        let identity = std::fs::read(self.opened.path.join("IDENTITY")).unwrap_or_default();
        let identity = String::from_utf8_lossy(&identity).trim().to_string();
        Ok(Some(format!("{identity} {}", self.opened.db.latest_sequence_number())))
    }

    fn changed(&self) -> Result<Option<String>> {
        let Some(before) = &self.seen else { return Ok(None) };
        let now =
            DirectoryState::look(&self.opened.path).map_err(|error| cannot_look(&self.opened.path, error))?;
        Ok(before.difference(&now))
    }

    fn scan<'a>(&'a self, table: &'a Table, range: &KeyRange) -> Result<Box<dyn Pages + Send + 'a>> {
        if self.opened.losses.is_some() {
            return Ok(Box::new(SalvagePages::new(&self.opened, table, range)));
        }
        let iterator = self.opened.db.cf_handle(table.name).map(|handle| {
            let mut options = ReadOptions::default();
            options.fill_cache(false);
            options.set_verify_checksums(true);
            // RocksDB's upper bound is exclusive and `until` inclusive: the bound is `until` and a zero byte.
            if let Some(until) = &range.until {
                options.set_iterate_upper_bound([until.as_slice(), &[0]].concat());
            }
            let mut iterator = self.opened.db.raw_iterator_cf_opt(&handle, options);
            match &range.after {
                Some(after) => iterator.seek([after.as_slice(), &[0]].concat()),
                None => iterator.seek_to_first(),
            }
            iterator
        });
        Ok(Box::new(RocksPages { source: self, iterator, table, last: range.after.clone() }))
    }
}

struct RocksPages<'a> {
    source: &'a RocksSource,
    iterator: Option<DBRawIteratorWithThreadMode<'a, Db>>,
    table: &'a Table,
    last: Option<Vec<u8>>,
}

impl Pages for RocksPages<'_> {
    fn read_next(&mut self, page: &mut Page, budget: usize) -> Result<bool> {
        page.clear();
        let Some(iterator) = &mut self.iterator else { return Ok(false) };
        while let Some((key, value)) = iterator.item() {
            page.push(key, value);
            iterator.next();
            if page.size() >= budget {
                break;
            }
        }
        if !iterator.valid()
            && let Err(error) = iterator.status()
        {
            // The iterator stays invalid with this status, so every further call fails again.
            let after = page.last().map(|(key, _)| key.to_vec()).or_else(|| self.last.clone());
            page.clear();
            return Err(translate(error, "read the RocksDB database", &self.source.opened.path)
                .with("table", self.table.name)
                .with("after key", hex(&after.unwrap_or_default())));
        }
        if let Some((key, _)) = page.last() {
            self.last = Some(key.to_vec());
        }
        debug_assert!(self.table.value != ValueKind::Counter || page.iter().all(|(_, v)| v.len() <= 1 << 20));
        Ok(!page.is_empty())
    }
}

fn check_directory(path: &Path) -> Result<Dir> {
    let place = path.display().to_string();
    match std::fs::metadata(path) {
        Ok(meta) if meta.is_dir() => {}
        Ok(_) => {
            return Err(Error::usage("the RocksDB database is not a directory")
                .with("path", place)
                .help("check the path in the configuration"));
        }
        // A path whose parent is a file is wrong, too.
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            return Err(Error::usage("the RocksDB database does not exist")
                .with("path", place)
                .help("check the path in the configuration and the directory this was started in"));
        }
        Err(error) => {
            return Err(Error::io("cannot read the RocksDB database").with("path", place).because(error));
        }
    }
    // Before anything is opened: opening a FIFO would block.
    let dir = Dir::open(path).map_err(|error| {
        Error::io("cannot read the RocksDB database").with("path", place.clone()).because(error)
    })?;
    check_rocks_source(&dir)?;
    match std::fs::File::open(path.join("CURRENT")) {
        Ok(_) => Ok(dir),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            Err(Error::usage("the directory holds no RocksDB database")
                .with("path", place)
                .because("it has no file CURRENT")
                .help("check the path in the configuration"))
        }
        Err(error) => Err(Error::io("cannot read the RocksDB database")
            .with("path", place)
            .because(error)
            .help("run as a user who may read it")),
    }
}
