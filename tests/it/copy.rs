//! Copying a store into another one: what the copy holds, what is refused, and what a killed copy leaves.

use std::fs;

use rusqlite::Connection;

use crate::harness::large::{size, with_blobs};
use crate::harness::site::{
    EMBEDDED, RocksDb, Site, Sqlite, assert_same, diff, outcome, started, trace, until,
};

#[test]
fn a_copy_is_what_export_and_import_would_have_made() {
    for release in ["0.13.4", "0.15.5", "0.15.5-killed"] {
        for (from, to) in [(RocksDb, Sqlite), (Sqlite, RocksDb), (Sqlite, Sqlite), (RocksDb, RocksDb)] {
            let source = Site::of(release, from);
            let before = trace(&source.store_dir());
            let dump = source.export("dump");
            let target = Site::empty(release, to);
            target.copy_from(&source, &[]).expect(0).says(&["read back and equal to the source", "next:"]);
            assert_same(&dump, &target.export("again"));
            assert_eq!(trace(&source.store_dir()), before);
            assert!(fs::read_dir(target.path("")).unwrap().all(|entry| {
                !entry.unwrap().file_name().to_string_lossy().starts_with("stalwart-migrate-copy")
            }));
            diff(&source.resolved_config(), &target.resolved_config(), &[])
                .expect(0)
                .says(&["both hold the same"]);
            diff(&dump, &target.resolved_config(), &[]).expect(0);
            // Not twice.
            let again = target.copy_from(&source, &[]).expect(5);
            assert!(again.error().contains("the target is not empty"), "{again:?}");
        }
    }
}

#[test]
fn a_copy_of_itself_and_a_running_server_are_refused() {
    let source = Site::of("0.15.5", Sqlite);
    let same = source.copy_from(&source, &[]).expect(2);
    assert!(same.error().contains("source and target are the same store"), "{same:?}");
    let target = Site::empty("0.15.5", Sqlite);
    let running = Connection::open(source.store()).unwrap();
    let _: u32 = running.query_row("SELECT count(*) FROM p", [], |row| row.get(0)).unwrap();
    let refused = target.copy_from(&source, &[]).expect(5);
    assert!(refused.error().contains("a server is running on this store"), "{refused:?}");
    assert!(!target.store().exists());
    drop(running);
    target.copy_from(&source, &["--dry-run"]).expect(0).says(&["dry run: nothing written"]);
    assert!(!target.store().exists());
    target.copy_from(&source, &["--types", "data"]).expect(0);
    diff(&source.resolved_config(), &target.resolved_config(), &["--types", "data"]).expect(0);
    diff(&source.resolved_config(), &target.resolved_config(), &[]).verdict(4);
}

#[test]
fn a_copy_that_was_killed_goes_on() {
    // More than is committed at once.
    let source = with_blobs(160);
    let dump = source.export("dump");
    for engine in EMBEDDED {
        let target = Site::empty("0.15.5", engine);
        let config = source.resolved_config();
        let start = |flags: &[&str]| {
            let mut command = target.program();
            command.arg("copy").arg("--from").arg(&config);
            command.arg("--to").arg(target.config()).args(["--jobs", "1"]).args(flags);
            command
        };
        let mut child = started(&mut start(&[]));
        until("the copy writes", || size(&target.store_dir()) > 140 << 20);
        child.kill().unwrap();
        child.wait().unwrap();
        let verdict = diff(&dump, &target.resolved_config(), &["--schema", "5"]).verdict(4);
        assert!(verdict.stderr.contains("they differ"), "{verdict:?}");
        // The source must not change meanwhile.
        let touched = Connection::open(source.store()).unwrap();
        touched.execute_batch("BEGIN; INSERT INTO s VALUES (x'78', x'78'); COMMIT").unwrap();
        drop(touched);
        let changed = outcome(start(&["--resume"])).expect(5);
        assert!(changed.error().contains("has changed since the run was interrupted"), "{changed:?}");
        let wiped = outcome(start(&["--wipe-target", "--yes"])).expect(0);
        // A file of RocksDB is there as a whole or not at all, and the first one may not have been.
        assert!(engine == RocksDb || wiped.stderr.contains("--wipe-target destroys"), "{wiped:?}");
        let touched = Connection::open(source.store()).unwrap();
        touched.execute_batch("DELETE FROM s WHERE k = x'78'").unwrap();
        drop(touched);
        outcome(start(&["--wipe-target", "--yes"])).expect(0);
        let again = target.export("again");
        assert_same(&dump, &again);
    }
}
