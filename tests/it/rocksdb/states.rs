//! States in which a killed server leaves a database, and the same with something missing.
//!
//! The database is written here by RocksDB itself, and copied while it is open, which is what a kill leaves. Every such
//! copy is whole. Of a copy with its list of files cut between two records, or without one of its logs, either
//! everything is still read, or it is refused, or a warning says that its log is missing.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use rocksdb::{
    ColumnFamilyDescriptor, DB, FlushOptions, IngestExternalFileOptions, Options, SstFileWriter, WriteOptions,
};
use stalwart_migrate::backend::rocksdb::RocksSource;
use stalwart_migrate::backend::{KeyRange, Source};
use stalwart_migrate::base::page::Page;
use stalwart_migrate::catalog::{self, BackendKind, Table, ValueKind};

use crate::harness::site::{copy_tree, fixture};

const MEMORY: u64 = 16 << 20;

type Records = BTreeMap<(String, Vec<u8>), Vec<u8>>;

/// All records of a database and the warnings about its logs; the error if it is refused.
fn read(path: &Path) -> Result<(Records, String), String> {
    let source = RocksSource::open(path, MEMORY).map_err(|error| error.to_string())?;
    let (mut records, mut page) = (Records::new(), Page::new());
    let newest = catalog::versions().iter().rev().flat_map(|version| version.subspaces);
    for table in newest.filter_map(|subspace| subspace.table(BackendKind::RocksDb).ok()) {
        let all = KeyRange { after: None, until: None };
        let mut pages = source.scan(table, &all).map_err(|error| error.to_string())?;
        while pages.next(&mut page, 1 << 20).map_err(|error| error.to_string())? {
            let read =
                page.iter().map(|(key, value)| ((table.name.to_string(), key.to_vec()), value.to_vec()));
            records.extend(read);
        }
    }
    Ok((records, source.log_ends().join("\n")))
}

/// Where the records of a list of files end.
fn bounds(list: &[u8]) -> Vec<usize> {
    let (mut at, mut bounds) = (0, Vec::new());
    while at + 7 <= list.len() {
        if 32_768 - at % 32_768 < 7 {
            at += 32_768 - at % 32_768;
            continue;
        }
        let kind = list[at + 6];
        at += 7 + usize::from(u16::from_le_bytes([list[at + 4], list[at + 5]]));
        if [1, 4].contains(&kind) {
            bounds.push(at);
        }
    }
    bounds
}

fn named(path: &Path, part: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path());
    let mut found: Vec<PathBuf> = entries
        .filter(|path| {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            name.starts_with(part) || name.ends_with(part)
        })
        .collect();
    found.sort();
    found
}

/// How often something that was missing was noticed.
#[derive(Debug, Default)]
struct Noticed {
    refused: usize,
    named: usize,
    harmless: usize,
}

/// What became of a database of which something is missing: noticed, or nothing is missing.
fn judge(what: &str, path: &Path, whole: &Records, noticed: &mut Noticed) {
    match read(path) {
        Err(error) => {
            assert!(error.contains("RocksDB"), "{what}: {error}");
            noticed.refused += 1;
        }
        Ok((_, ends)) if ends.contains("no write-ahead log") => noticed.named += 1,
        Ok((records, _)) => {
            assert!(records == *whole, "{what}: {} of {} records, silently", records.len(), whole.len());
            noticed.harmless += 1;
        }
    }
}

/// Cuts the list of the database in `path` everywhere, and takes away every log.
fn damage(what: &str, path: &Path, noticed: &mut Noticed) {
    let (whole, _) = read(path).unwrap_or_else(|error| panic!("{what}: {error}"));
    let current = fs::read_to_string(path.join("CURRENT")).unwrap();
    let list = path.join(current.trim_end());
    let bytes = fs::read(&list).unwrap();
    for bound in bounds(&bytes) {
        fs::write(&list, &bytes[..bound]).unwrap();
        judge(&format!("{what}, list cut at {bound} of {}", bytes.len()), path, &whole, noticed);
    }
    fs::write(&list, &bytes).unwrap();
    for log in named(path, ".log") {
        let aside = log.with_extension("aside");
        fs::rename(&log, &aside).unwrap();
        judge(&format!("{what} without {}", log.display()), path, &whole, noticed);
        fs::rename(&aside, &log).unwrap();
    }
}

#[test]
fn no_cut_of_the_list_of_a_real_server_is_silent() {
    for release in ["0.13.4", "0.15.5", "0.15.5-killed", "0.16.18"] {
        let temporary = tempfile::tempdir().unwrap();
        let path = temporary.path().join("store");
        copy_tree(&fixture(&format!("stalwart-{release}/rocksdb")), &path);
        assert!(!read(&path).unwrap().1.contains("table or blob files"), "{release}");
        let mut noticed = Noticed::default();
        damage(release, &path, &mut noticed);
        assert!(noticed.refused > 0, "{release}: {noticed:?}");
    }
}

/// A server that writes, and copies of its database as a kill would leave them.
struct Server {
    db: Option<DB>,
    home: tempfile::TempDir,
    tables: Vec<&'static Table>,
    written: u32,
    states: Vec<(String, PathBuf)>,
}

impl Server {
    fn new() -> Server {
        let newest = catalog::versions().last().unwrap().subspaces.iter();
        let tables =
            newest.filter_map(|subspace| subspace.table(BackendKind::RocksDb).ok()).filter(|table| {
                table.value == ValueKind::Bytes && !table.blob_files && table.merge_operator.is_none()
            });
        let mut server = Server {
            db: None,
            home: tempfile::tempdir().unwrap(),
            tables: tables.take(4).collect(),
            written: 0,
            states: Vec::new(),
        };
        server.start();
        server
    }

    fn start(&mut self) {
        self.db = None;
        let mut options = Options::default();
        options.create_if_missing(true);
        options.create_missing_column_families(true);
        options.set_disable_auto_compactions(true);
        let families =
            self.tables.iter().map(|table| ColumnFamilyDescriptor::new(table.name, Options::default()));
        self.db = Some(DB::open_cf_descriptors(&options, self.home.path().join("db"), families).unwrap());
    }

    fn db(&self) -> &DB {
        self.db.as_ref().unwrap()
    }

    fn write(&mut self, tables: std::ops::Range<usize>) {
        for _ in 0..20 {
            self.written += 1;
            let mut options = WriteOptions::default();
            options.set_sync(true);
            for table in &self.tables[tables.clone()] {
                let family = self.db().cf_handle(table.name).unwrap();
                let key = self.written.to_be_bytes();
                self.db().put_cf_opt(&family, key, [b'v'; 30], &options).unwrap();
            }
        }
    }

    fn flush(&self, table: usize) {
        let family = self.db().cf_handle(self.tables[table].name).unwrap();
        self.db().flush_cf_opt(&family, &FlushOptions::default()).unwrap();
    }

    fn compact(&self, table: usize) {
        let family = self.db().cf_handle(self.tables[table].name).unwrap();
        self.db().compact_range_cf(&family, None::<&[u8]>, None::<&[u8]>);
    }

    /// A file from elsewhere over keys that are there, so that it gets a number of its own.
    fn ingest(&mut self, table: usize) {
        let family = self.db().cf_handle(self.tables[table].name).unwrap();
        let path = self.home.path().join("ingested.sst");
        let options = Options::default();
        let mut writer = SstFileWriter::create(&options);
        writer.open(&path).unwrap();
        for key in 1..=self.written {
            writer.put(key.to_be_bytes(), [b'i'; 30]).unwrap();
        }
        writer.finish().unwrap();
        let mut options = IngestExternalFileOptions::default();
        options.set_move_files(false);
        self.db().ingest_external_file_cf_opts(&family, &options, vec![&path]).unwrap();
        fs::remove_file(path).unwrap();
    }

    /// What a backup of RocksDB restores.
    fn backup(&mut self, flush: bool, what: &str) {
        use rocksdb::backup::{BackupEngine, BackupEngineOptions, RestoreOptions};
        let path = self.home.path().join(format!("state-{}", self.states.len()));
        let options = BackupEngineOptions::new(path.with_extension("kept")).unwrap();
        let mut engine = BackupEngine::open(&options, &rocksdb::Env::new().unwrap()).unwrap();
        engine.create_new_backup_flush(self.db(), flush).unwrap();
        engine.restore_from_latest_backup(&path, &path, &RestoreOptions::default()).unwrap();
        self.states.push((what.to_string(), path));
    }

    /// What a kill would leave now.
    fn state(&mut self, what: &str) {
        let path = self.home.path().join(format!("state-{}", self.states.len()));
        // What has become superfluous is deleted in the background.
        let mut names = named(&self.home.path().join("db"), "");
        loop {
            std::thread::sleep(std::time::Duration::from_millis(100));
            let now = named(&self.home.path().join("db"), "");
            if std::mem::replace(&mut names, now.clone()) == now {
                break;
            }
        }
        copy_tree(&self.home.path().join("db"), &path);
        self.states.push((what.to_string(), path));
    }
}

#[test]
fn what_a_killed_server_leaves_is_whole_and_what_is_missing_is_noticed() {
    let mut server = Server::new();
    server.state("begun");
    server.write(0..4);
    server.state("written");
    server.flush(0);
    server.state("one family flushed");
    server.write(1..3);
    server.flush(1);
    server.backup(false, "backup with an empty log");
    server.write(0..4);
    server.state("two families flushed");
    (0..4).for_each(|table| server.flush(table));
    server.state("all flushed");
    server.write(0..2);
    server.state("written after all were flushed");
    server.ingest(0);
    server.state("ingested");
    server.write(0..2);
    server.flush(1);
    server.write(2..4);
    server.state("flushed after files were ingested");
    server.start();
    server.state("started again");
    server.write(0..1);
    server.state("started again and written");
    server.flush(0);
    server.write(0..1);
    server.flush(0);
    server.compact(0);
    server.state("compacted");
    server.start();
    server.start();
    server.state("started twice with nothing to do");
    server.write(3..4);
    server.state("written again");

    let checkpoint = server.home.path().join("checkpoint");
    rocksdb::checkpoint::Checkpoint::new(server.db()).unwrap().create_checkpoint(&checkpoint).unwrap();
    server.states.push(("checkpoint".to_string(), checkpoint));
    server.flush(3);
    let checkpoint = server.home.path().join("checkpoint-flushed");
    rocksdb::checkpoint::Checkpoint::new(server.db()).unwrap().create_checkpoint(&checkpoint).unwrap();
    server.states.push(("checkpoint of what is flushed".to_string(), checkpoint));
    server.write(1..3);
    server.backup(false, "backup");
    server.write(1..3);
    server.backup(true, "backup of what is flushed");

    let mut noticed = Noticed::default();
    for (what, path) in &server.states {
        damage(what, path, &mut noticed);
    }
    assert!(noticed.refused > 50 && noticed.named > 0 && noticed.harmless > 0, "{noticed:?}");
    eprintln!("{noticed:?}");
}

#[test]
fn files_that_the_database_does_not_name_are_reported() {
    let temporary = tempfile::tempdir().unwrap();
    let path = temporary.path().join("store");
    copy_tree(&fixture("stalwart-0.15.5/rocksdb"), &path);
    fs::write(path.join("000099.sst"), [0; 77]).unwrap();
    let (_, ends) = read(&path).unwrap();
    assert!(ends.contains("1 table or blob files with 77 bytes are left out"), "{ends}");
}
