//! A request to end reaches every statement of SQLite, whatever runs it. The flag belongs to the process, so this
//! test has a process of its own.

use std::path::Path;

use stalwart_migrate::backend::sqlite::{SqliteSource, SqliteTarget};
use stalwart_migrate::backend::{KeyRange, Source, Target};
use stalwart_migrate::base::error::ErrorKind;
use stalwart_migrate::base::page::Page;
use stalwart_migrate::base::stop::Stop;
use stalwart_migrate::catalog::{self, BackendKind};

use crate::harness::alone::{alone, test_name};

#[test]
fn every_statement_of_sqlite_ends_when_the_run_should_end() {
    alone(test_name!(every_statement_of_sqlite_ends_when_the_run_should_end), || {
        let killed = Path::new("tests/fixtures/stalwart-0.15.5-killed/sqlite/stalwart.sqlite3");
        let dir = tempfile::tempdir().unwrap();
        let source = SqliteSource::open(killed, 1 << 24, 2).unwrap();
        let target = SqliteTarget::open(&dir.path().join("target"), 1 << 24).unwrap();
        let version = catalog::version(5).unwrap();
        let tables: Vec<_> =
            version.subspaces.iter().filter_map(|s| s.table(BackendKind::Sqlite).ok()).collect();
        target.create(&tables).unwrap();
        let rows = |table| {
            let mut pages = source.scan(table, &KeyRange::all()).unwrap();
            let (mut page, mut rows) = (Page::new(), 0);
            while pages.next(&mut page, 1 << 16).unwrap() {
                rows += page.len();
            }
            rows
        };
        let largest = tables.iter().max_by_key(|table| rows(table)).unwrap();
        assert!(rows(largest) > 500);
        let mut page = Page::new();
        let mut pages = source.scan(largest, &KeyRange::all()).unwrap();
        Stop::of_process().stop();
        let ended = |what: &str, result: stalwart_migrate::base::error::Result<()>| {
            assert_eq!(result.map_err(|error| error.kind()), Err(ErrorKind::Interrupted), "{what}");
        };
        ended("a statement", pages.read_next(&mut page, 1 << 24).map(drop));
        ended("a source that is opened", SqliteSource::open(killed, 1 << 24, 2).map(drop));
        ended("a salvage", SqliteSource::salvage(killed, 1 << 24, 2).map(drop));
        let other = rusqlite::Connection::open(dir.path().join("locked")).unwrap();
        other.execute_batch("BEGIN EXCLUSIVE; CREATE TABLE a (x)").unwrap();
        ended("a wait for a lock", SqliteTarget::open(&dir.path().join("locked"), 1 << 24).map(drop));
    });
}
