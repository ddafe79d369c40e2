//! Writes a RocksDB store: each shard is one sorted file, which is ingested as a whole.
//!
//! Ingested files bypass log and memtable. Blobs are written inline; the server moves them to blob files when it
//! compacts. Counters are plain puts.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use rocksdb::{
    Cache, ColumnFamilyDescriptor, FlushOptions, IngestExternalFileOptions, Options, ReadOptions,
    SstFileWriter, WriteBatch, WriteOptions,
};

use super::place::RocksPlace;
use super::{Db, RocksSource, database_options, family, family_options, tables, translate};
use crate::backend::files::unusable;
use crate::backend::{STAGING, Shard, Source, Target};
use crate::base::dir::NewDirs;
use crate::base::error::{Error, Result};
use crate::base::hex::hex;
use crate::base::page::Page;
use crate::base::stop::Stop;
use crate::catalog::{BackendKind, Table};
use crate::settings::RocksDbSettings;

/// Whether the database at `path` is partially written: a load has started it, has not finished it, and left it so
/// damaged that it cannot be opened. RocksDB causes that when it cannot sync its list of files: it removes a file
/// that the list may already name.
pub fn partially_written(path: &Path) -> bool {
    // Enough to open it.
    let memory = 8 << 20;
    if !std::fs::symlink_metadata(path.join(STAGING)).is_ok_and(|meta| meta.is_dir()) {
        return false;
    }
    match super::source::open_families(&database_options(memory), path, memory) {
        Ok(_) => super::log::passed_over(path, path).is_ok_and(|found| !found.damage.is_empty()),
        Err(error) => error.kind() == rocksdb::ErrorKind::Corruption,
    }
}

/// Removes a partially written database, and nothing else in its directory.
///
/// Errors: I/O.
pub fn discard(path: &Path) -> Result<()> {
    let place = RocksPlace::open(path)?;
    place.discard().map_err(|error| {
        Error::io("cannot remove the RocksDB database")
            .with("path", place.shown().display().to_string())
            .because(error)
            .help("run as a user who may write there")
    })
}

/// How a target database is opened.
#[derive(Debug, Clone)]
pub struct RocksTargetOptions {
    /// Bound of RocksDB's caches and buffers, in bytes.
    pub memory: u64,
    /// Tables that a new database is created with.
    pub tables: Vec<&'static Table>,
    /// Column families to create if missing, besides those of the tables: left over from older schema versions, and
    /// still opened by the server.
    pub legacy: Vec<String>,
}

/// A RocksDB database opened for writing; holds its lock.
pub struct RocksTarget {
    options: RocksTargetOptions,
    min_blob_size: u64,
    cache: Cache,
    // Options of staged files by table; a file writer borrows them.
    writing: BTreeMap<&'static str, Options>,
    db: Arc<Db>,
    next_file: AtomicU64,
    // Dropped after the database, which must be closed before it can be removed.
    new: New,
}

/// The place of the database and what opening has created, which is removed if nothing was written.
struct New {
    place: RocksPlace,
    // Whether there was no database before, and this run has created it.
    database: bool,
    written: AtomicBool,
    // Dropped after the place, which gives the directory back to its owner.
    directories: NewDirs,
}

impl Drop for New {
    fn drop(&mut self) {
        if self.written.load(Ordering::Relaxed) {
            self.directories.keep();
            return;
        }
        if self.database {
            let _ = self.place.discard();
        }
        self.place.leave();
    }
}

impl RocksTarget {
    /// Opens the database, or creates it with its parent directories.
    pub fn open(settings: &RocksDbSettings, options: RocksTargetOptions) -> Result<Self> {
        Stop::of_process().check()?;
        let (path, min_blob_size) = (&settings.path, settings.min_blob_size);
        let directories = NewDirs::of(path);
        let place = RocksPlace::open(path)?;
        let begun = matches!(place.dir().look("CURRENT"), Ok(Some(_)));
        // From here on an error removes what was created; the database only once RocksDB has locked it, since until
        // then it may be that of another run.
        let mut new = New { place, database: false, written: AtomicBool::new(false), directories };
        let place = &new.place;
        let fail = |e| translate(e, "open the RocksDB database for writing", place.shown());
        let mut database = database_options(options.memory);
        database.create_if_missing(true);
        // Do not delete the server's info logs.
        database.set_keep_log_file_num(1);
        let existing = if begun {
            Db::list_cf(&database, place.path()).map_err(fail)?
        } else {
            vec![rocksdb::DEFAULT_COLUMN_FAMILY_NAME.to_string()]
        };
        let mut families: Vec<_> = existing.iter().map(|name| (name.as_str(), family(name))).collect();
        if !begun {
            // Creating a family later would write the options of all families again and read them back.
            database.create_missing_column_families(true);
            families.extend(wanted(&options.tables, &options.legacy));
        }
        let cache = Cache::new_lru_cache(usize::try_from(options.memory / 8).unwrap_or(usize::MAX));
        let descriptors: Vec<_> = families
            .iter()
            .map(|(name, table)| {
                ColumnFamilyDescriptor::new(*name, writing_options(*table, &cache, min_blob_size))
            })
            .collect();
        let db = Db::open_cf_descriptors(&database, place.path(), descriptors).map_err(fail)?;
        new.database = !begun;
        let writing =
            tables().map(|table| (table.name, writing_options(Some(table), &cache, min_blob_size))).collect();
        Ok(RocksTarget {
            options,
            min_blob_size,
            cache,
            writing,
            db: Arc::new(db),
            next_file: AtomicU64::new(0),
            new,
        })
    }

    fn place(&self) -> &RocksPlace {
        &self.new.place
    }

    fn fail(&self, error: rocksdb::Error, doing: &str, table: &Table) -> Error {
        translate(error, doing, self.place().shown()).with("table", table.name)
    }

    fn delete_each(&self, table: &Table, keys: impl Iterator<Item = Vec<u8>>) -> Result<()> {
        let Some(handle) = self.db.cf_handle(table.name) else { return Ok(()) };
        let mut batch = WriteBatch::default();
        for key in keys {
            batch.delete_cf(&handle, key);
        }
        self.db.write_opt(batch, &synced()).map_err(|e| self.fail(e, "delete records", table))
    }
}

impl Target for RocksTarget {
    fn kind(&self) -> BackendKind {
        BackendKind::RocksDb
    }

    fn create(&self, tables: &[&Table]) -> Result<()> {
        self.new.written.store(true, Ordering::Relaxed);
        for (name, table) in wanted(tables, &self.options.legacy) {
            if self.db.cf_handle(name).is_none() {
                let options = writing_options(table, &self.cache, self.min_blob_size);
                self.db.create_cf(name, &options).map_err(|e| {
                    translate(e, "create a column family", self.place().shown()).with("table", name)
                })?;
            }
        }
        Ok(())
    }

    fn delete(&self, table: &Table, keys: &[Vec<u8>]) -> Result<()> {
        self.delete_each(table, keys.iter().cloned())
    }

    fn clear(&self, table: &Table, kept: &[Vec<u8>]) -> Result<()> {
        let Some(handle) = self.db.cf_handle(table.name) else { return Ok(()) };
        let mut iterator = self.db.raw_iterator_cf_opt(&handle, ReadOptions::default());
        iterator.seek_to_last();
        let last = iterator.key().map(<[u8]>::to_vec);
        iterator.status().map_err(|e| self.fail(e, "empty a column family", table))?;
        drop(iterator);
        let Some(last) = last else { return Ok(()) };
        // A range excludes its upper key, so that the kept keys stay and the last one is deleted on its own. One
        // batch makes it atomic.
        let mut batch = WriteBatch::default();
        let mut from = Vec::new();
        for key in kept.iter().filter(|key| **key <= last) {
            batch.delete_range_cf(&handle, &from, key);
            from = [key.as_slice(), &[0]].concat();
        }
        if from <= last {
            batch.delete_range_cf(&handle, &from, &last);
            batch.delete_cf(&handle, &last);
        }
        self.db.write_opt(batch, &synced()).map_err(|e| self.fail(e, "empty a column family", table))
    }

    fn look(&self) -> Result<Box<dyn Source>> {
        let place = self.place();
        let families = Db::list_cf(&Options::default(), place.path())
            .map_err(|e| translate(e, "list the column families", place.shown()))?;
        Ok(Box::new(RocksSource::of(place.shown(), families, Arc::clone(&self.db))))
    }

    fn writers(&self) -> usize {
        usize::MAX
    }

    fn shard<'a>(&'a self, table: &'a Table) -> Result<Box<dyn Shard + Send + 'a>> {
        let number = self.next_file.fetch_add(1, Ordering::Relaxed);
        Ok(Box::new(RocksShard { target: self, table, number, writer: None }))
    }

    fn finish(&self) -> Result<()> {
        let fail = |e| translate(e, "flush the RocksDB database", self.place().shown());
        let mut flush = FlushOptions::default();
        flush.set_wait(true);
        for name in Db::list_cf(&Options::default(), self.place().path()).map_err(fail)? {
            if let Some(handle) = self.db.cf_handle(&name) {
                self.db.flush_cf_opt(&handle, &flush).map_err(fail)?;
            }
        }
        self.db.flush_wal(true).map_err(fail)?;
        self.place().finish();
        Ok(())
    }
}

struct RocksShard<'a> {
    target: &'a RocksTarget,
    table: &'a Table,
    number: u64,
    // Opened by the first record: RocksDB refuses files without records.
    writer: Option<SstFileWriter<'a>>,
}

impl Shard for RocksShard<'_> {
    fn write(&mut self, page: &Page) -> Result<()> {
        if page.is_empty() {
            return Ok(());
        }
        let (target, table) = (self.target, self.table);
        let writer = match &mut self.writer {
            Some(writer) => writer,
            slot @ None => {
                let options = target.writing.get(table.name).ok_or_else(|| {
                    Error::io("the catalog has no such column family").with("table", table.name)
                })?;
                target.place().stage().map_err(|error| unusable(target.place().shown(), error))?;
                let writer = SstFileWriter::create(options);
                writer
                    .open(target.place().staged(self.number))
                    .map_err(|e| target.fail(e, "create a table file", table))?;
                slot.insert(writer)
            }
        };
        for (key, value) in page.iter() {
            writer
                .put(key, value)
                .map_err(|e| target.fail(e, "write a table file", table).with("key", hex(key)))?;
        }
        Ok(())
    }

    fn commit(mut self: Box<Self>) -> Result<()> {
        let (target, table) = (self.target, self.table);
        let Some(mut writer) = self.writer.take() else { return Ok(()) };
        writer.finish().map_err(|e| target.fail(e, "finish a table file", table))?;
        // Its buffers contain the largest value once more, and ingesting the file reads that again.
        drop(writer);
        let handle = target
            .db
            .cf_handle(table.name)
            .ok_or_else(|| Error::io("the column family does not exist").with("table", table.name))?;
        let mut ingest = IngestExternalFileOptions::default();
        ingest.set_move_files(true);
        target
            .db
            .ingest_external_file_cf_opts(&handle, &ingest, vec![target.place().staged(self.number)])
            .map_err(|e| target.fail(e, "ingest a table file", table))
    }
}

impl Drop for RocksShard<'_> {
    fn drop(&mut self) {
        self.writer = None;
        // After a commit the file has been moved; before one it contains nothing that is needed.
        self.target.place().unstage(self.number);
    }
}

/// Families of a schema version: those of its tables, and left-over ones.
fn wanted<'a>(
    tables: &'a [&'a Table],
    legacy: &'a [String],
) -> impl Iterator<Item = (&'a str, Option<&'a Table>)> {
    let left_over = |name: &'a String| (name.as_str(), family(name));
    tables.iter().map(|table| (table.name, Some(*table))).chain(legacy.iter().map(left_over))
}

fn writing_options(table: Option<&Table>, cache: &Cache, min_blob_size: u64) -> Options {
    let mut options = family_options(table, cache);
    options.set_min_blob_size(min_blob_size);
    // Compaction while loading would only rewrite what is already sorted.
    options.set_disable_auto_compactions(true);
    options
}

fn synced() -> WriteOptions {
    let mut options = WriteOptions::default();
    options.set_sync(true);
    options
}
