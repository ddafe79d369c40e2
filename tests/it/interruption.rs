//! Runs that are ended from outside: by Ctrl-C, by the system, in the middle of the work.
//!
//! What is left must never be taken for a dump or for a complete store.

use std::process::Child;

use rusqlite::{Connection, OptionalExtension};
use rustix::process::{Pid, Signal, kill_process};

use crate::harness::large::{size, with_blobs};
use crate::harness::site::{
    EMBEDDED, Engine, RocksDb, Site, Sqlite, assert_same, ended, started, trace, until,
};

const BLOBS: u64 = 96;

fn send(child: &Child, signal: Signal) {
    kill_process(Pid::from_child(child), signal).unwrap();
}

#[test]
fn an_interrupted_export_can_be_resumed() {
    let site = with_blobs(BLOBS);
    let before = trace(&site.store_dir());
    for (signal, name) in [(Signal::INT, "int"), (Signal::TERM, "term")] {
        let dump = site.path(name);
        let mut command = site.program();
        command.arg("-c").arg(site.config()).arg("-e").arg(&dump).args(["--jobs", "1"]);
        let child = started(&mut command);
        until("the export writes", || size(&dump) > 1 << 20);
        send(&child, signal);
        let outcome = ended(child).expect(130);
        for word in ["interrupted", "go on with the same command and --resume, or remove the directory"] {
            assert!(outcome.error().contains(word), "{outcome:?}");
        }
        assert!(dump.join("manifest/resume.json").exists() && !dump.join("manifest/manifest.json").exists());
        assert_eq!(trace(&site.store_dir()), before);
    }
    let whole = site.export("whole");
    for name in ["int", "term"] {
        site.export_with(name, &["--resume"]).expect(0);
        assert_same(&whole, &site.path(name));
        assert!(!site.path(name).join("manifest/resume.json").exists());
        let again = site.export_with(name, &["--resume"]).expect(5);
        assert!(again.error().contains("the export is complete"), "{again:?}");
    }
    let nothing = site.export_with("nothing", &["--resume"]).expect(5);
    assert!(nothing.error().contains("no unfinished export to go on with"), "{nothing:?}");
    assert_eq!(trace(&site.store_dir()), before);
}

/// An export that was killed when it had written more than a MiB.
fn half_exported(site: &Site, name: &str) -> std::path::PathBuf {
    let dump = site.path(name);
    let mut command = site.program();
    command.arg("-c").arg(site.config()).arg("-e").arg(&dump).args(["--jobs", "1"]);
    let child = started(&mut command);
    until("the export writes", || size(&dump) > 1 << 20);
    send(&child, Signal::KILL);
    assert_eq!(ended(child).status.code(), None);
    dump
}

#[test]
fn nothing_else_is_continued_by_mistake() {
    let site = with_blobs(BLOBS);
    let dump = half_exported(&site, "dump");
    let refused = |flags: &[&str], says: &str| {
        let outcome = site.export_with("dump", &[&["--resume"], flags].concat()).expect(5);
        assert!(outcome.error().contains(says), "{outcome:?}");
    };
    refused(&["--exclude", "z"], "other subspaces were being exported");
    // A store that has changed.
    let database = Connection::open(site.store()).unwrap();
    database.execute("INSERT INTO s (k, v) VALUES (x'78', x'78')", []).unwrap();
    drop(database);
    refused(&[], "the store has changed since the export was interrupted");
    let state = dump.join("manifest/resume.json");
    let text = std::fs::read_to_string(&state).unwrap();
    std::fs::write(&state, text.replace("export", "expert")).unwrap();
    refused(&[], "its seal does not match");
    std::fs::remove_file(&state).unwrap();
    refused(&[], "the state of the interrupted export is not there");
    std::fs::write(&state, &text).unwrap();
    // In use by another run.
    let held = std::fs::File::open(&state).unwrap();
    rustix::fs::flock(&held, rustix::fs::FlockOperation::LockExclusive).unwrap();
    refused(&[], "another run is at work here");
    drop(held);
}

#[test]
fn a_half_filled_target_that_has_changed_is_not_continued() {
    // More than is committed at once.
    let source = with_blobs(160);
    let dump = source.export("dump");
    let target = Site::empty("0.15.5", Sqlite);
    let nothing = target.import_with(&dump, &["--resume"]).expect(5);
    assert!(nothing.error().contains("no interrupted run to go on with"), "{nothing:?}");
    let mut command = target.program();
    command.arg("-c").arg(target.config()).arg("-i").arg(&dump).args(["--jobs", "1"]);
    let child = started(&mut command);
    until("the import writes", || size(&target.store_dir()) > 140 << 20);
    send(&child, Signal::KILL);
    assert_eq!(ended(child).status.code(), None);
    let refused = |flags: &[&str], says: &[&str]| {
        let outcome = target.import_with(&dump, flags).expect(5);
        says.iter().for_each(|says| assert!(outcome.error().contains(says), "{outcome:?}"));
    };
    refused(&[], &["the target is not empty", "--wipe-target"]);
    refused(&["--resume", "--exclude", "z"], &["cannot go on: the run was about other subspaces"]);
    let database = Connection::open(target.store()).unwrap();
    let blobs: u32 = database.query_row("SELECT count(*) FROM t", [], |row| row.get(0)).unwrap();
    assert!(blobs > 0, "at least one shard was committed");
    database.execute("INSERT INTO s (k, v) VALUES (x'78', x'78')", []).unwrap();
    refused(
        &["--resume"],
        &["cannot go on: the target holds", "subspace s (settings), key 78", "--wipe-target"],
    );
    database.execute("DELETE FROM s", []).unwrap();
    drop(database);
    target.import_with(&dump, &["--resume"]).expect(0);
    assert_same(&dump, &target.export("again"));
}

#[test]
fn a_killed_export_is_refused_as_a_dump_and_as_a_destination() {
    let site = with_blobs(BLOBS);
    let before = trace(&site.store_dir());
    let dump = site.path("dump");
    let mut command = site.program();
    command.arg("-c").arg(site.config()).arg("-e").arg(&dump).args(["--jobs", "1"]);
    let child = started(&mut command);
    until("the export writes", || size(&dump) > 1 << 20);
    send(&child, Signal::KILL);
    assert_eq!(ended(child).status.code(), None);
    assert_eq!(trace(&site.store_dir()), before);
    let left = trace(&dump);
    assert!(!left.is_empty());
    for outcome in [
        site.export_with("dump", &[]),
        Site::empty("0.15.5", Sqlite).import_with(&dump, &[]),
        site.verify_against(&dump),
    ] {
        let outcome = outcome.expect(5);
        assert!(outcome.error().contains("unfinished export"), "{outcome:?}");
        assert!(outcome.error().contains("--resume"), "{outcome:?}");
    }
    assert_eq!(trace(&dump), left);
}

/// The schema-version record of a store, read by its own engine.
fn schema_version(site: &Site, engine: Engine) -> Option<Vec<u8>> {
    match engine {
        RocksDb => {
            let families = rocksdb::DB::list_cf(&rocksdb::Options::default(), site.store()).unwrap();
            assert!(families.contains(&"p".to_string()));
            let options = rocksdb::Options::default();
            let db = rocksdb::DB::open_cf_for_read_only(&options, site.store(), ["p"], false).unwrap();
            db.get_cf(&db.cf_handle("p").unwrap(), [0]).unwrap()
        }
        _ => {
            let db = Connection::open(site.store()).unwrap();
            db.query_row("SELECT v FROM p WHERE k = x'00'", [], |row| row.get(0)).optional().unwrap()
        }
    }
}

fn interrupted_import(source: &Site, dump: &std::path::Path, engine: Engine, signal: Signal) {
    // Into a store that already states its version: even that one must not look complete.
    let target = Site::fresh("0.15.5", engine);
    assert_eq!(schema_version(&target, engine), Some(vec![0, 0, 0, 5]));
    let before = size(&target.store_dir());
    let mut command = target.program();
    command.arg("-c").arg(target.config()).arg("-i").arg(dump).args(["--jobs", "1", "--no-verify"]);
    let child = started(&mut command);
    until("the import writes", || size(&target.store_dir()) > before + (4 << 20));
    send(&child, signal);
    let outcome = ended(child);
    if signal == Signal::KILL {
        assert_eq!(outcome.status.code(), None);
    } else {
        let outcome = outcome.expect(130);
        for word in ["interrupted", "the target is incomplete: do not start the server on it"] {
            assert!(outcome.error().contains(word), "{outcome:?}");
        }
    }
    assert_eq!(schema_version(&target, engine), None, "{engine:?}");
    let outcome = target.verify_against(dump);
    if outcome.code() == Some(4) {
        outcome.verdict(4)
    } else {
        outcome.expect(5)
    };
    drop(target);

    let again = Site::fresh("0.15.5", engine);
    again.import_with(dump, &[]).expect(0);
    assert_same(dump, &again.export("again"));
    drop(again);
    assert!(source.store().exists());
}

#[test]
fn an_interrupted_import_is_never_taken_for_a_complete_store() {
    let source = with_blobs(BLOBS);
    let dump = source.export("dump");
    for engine in EMBEDDED {
        interrupted_import(&source, &dump, engine, Signal::INT);
    }
}

#[test]
fn a_killed_import_is_never_taken_for_a_complete_store() {
    let source = with_blobs(BLOBS);
    let dump = source.export("dump");
    for engine in EMBEDDED {
        interrupted_import(&source, &dump, engine, Signal::KILL);
    }
}

#[test]
fn a_run_killed_after_its_last_write_is_complete_and_says_so() {
    let site = with_blobs(BLOBS);
    let dump = half_exported(&site, "dump");
    let state = dump.join("manifest/resume.json");
    let saved = std::fs::read(&state).unwrap();
    site.export_with("dump", &["--resume"]).expect(0);
    // As a kill between the manifest and the removal of the state leaves it.
    let files = || {
        let mut files = trace(&dump);
        files.retain(|path, _| path.is_file());
        files
    };
    let complete = files();
    let put_back = || std::fs::write(&state, &saved).unwrap();
    put_back();
    let again = site.export_with("dump", &["--resume", "--json"]).expect(0);
    assert!(again.stderr.contains("complete already"), "{again:?}");
    assert_eq!(again.json().pop().unwrap()["event"], "exported");
    assert!(files() == complete, "only the state has gone");
    // Not that of another run, and never with advice to remove what is whole.
    put_back();
    let other = site.export_with("dump", &["--resume", "--exclude", "z"]).expect(5);
    for word in ["the export is complete", "other subspaces", "verify DIR"] {
        assert!(other.error().contains(word), "{other:?}");
    }
    let database = Connection::open(site.store()).unwrap();
    database.execute("INSERT INTO s (k, v) VALUES (x'78', x'78')", []).unwrap();
    drop(database);
    let later = site.export_with("dump", &["--resume"]).expect(5);
    for word in ["the export is complete", "the store has changed", "another directory"] {
        assert!(later.error().contains(word), "{later:?}");
    }
    assert!(!later.error().contains("remove"), "{later:?}");
    std::fs::remove_file(&state).unwrap();

    // An import: killed after the schema-version record, before anything was proven.
    for engine in EMBEDDED {
        let target = Site::empty("0.15.5", engine);
        let state = target.path("state");
        let more = ["--state", state.to_str().unwrap()];
        let mut command = target.program();
        command.arg("-c").arg(target.config()).arg("-i").arg(&dump).args(more);
        let child = started(&mut command);
        until("the import begins", || state.exists() && std::fs::metadata(&state).unwrap().len() > 100);
        let saved = std::fs::read(&state).unwrap();
        ended(child).expect(0);
        std::fs::write(&state, &saved).unwrap();
        let again = target.import_with(&dump, &[&more[..], &["--resume"]].concat()).expect(0);
        assert!(again.stderr.contains("read back and equal to the dump"), "{again:?}");
        assert!(!state.exists(), "the state has gone");
        assert_same(&dump, &target.export("again"));
    }
}
