//! Disks that fail in the middle of a run, runs that get two signals, and dumps that change between an
//! interrupted import and its continuation.
//!
//! The failing disk is `harness/disk.c`, preloaded into the program: it replaces calls of the C library, through which RocksDB, SQLite
//! and this program's own files are read and written.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::harness::large::{size, with_blobs};
use crate::harness::preload::disk;
use crate::harness::site;
use crate::harness::site::{
    EMBEDDED, Engine, Outcome, RocksDb, Site, Sqlite, assert_same, ended, started, trace, until,
};

const EIO: i32 = 5;
const ENOSPC: i32 = 28;

/// What fails: reads, writes or syncs of files with this in their path, with this error.
#[derive(Debug, Clone, Copy)]
struct Fault {
    kind: &'static str,
    file: &'static str,
    errno: i32,
}

const fn fault(kind: &'static str, file: &'static str, errno: i32) -> Fault {
    Fault { kind, file, errno }
}

/// Runs with the fault after so many calls that succeed; nothing if the run never made so many.
fn faulty(site: &Site, arguments: &[&Path], fault: Fault, after: u32) -> Option<Outcome> {
    let mark = site.path("mark");
    let _ = fs::remove_file(&mark);
    let mut command = site.program();
    command.arg("--quiet").arg("-c").arg(site.config()).args(arguments);
    command.env("LD_PRELOAD", disk()?).env("FAULT_KIND", fault.kind).env("FAULT_FILE", fault.file);
    command.env("FAULT_AFTER", after.to_string()).env("FAULT_ERRNO", fault.errno.to_string());
    command.env("FAULT_MARK", &mark);
    let outcome = site::outcome(command);
    if !mark.exists() {
        outcome.expect(0);
        return None;
    }
    Some(outcome)
}

/// One line that names a file or a store and says what next.
#[track_caller]
fn says_what_next(outcome: &Outcome, names: &str) {
    let error = outcome.error();
    assert!(error.contains(names), "{names} is missing: {outcome:?}");
    assert!(error.contains("; "), "no next step: {outcome:?}");
}

fn exported_with(source: &Site, whole: &Path, fault: Fault, after: u32, names: &str) -> bool {
    let dump = source.path("faulty-dump");
    let _ = fs::remove_dir_all(&dump);
    let before = trace(&source.store_dir());
    let Some(outcome) = faulty(source, &[Path::new("-e"), &dump], fault, after) else { return false };
    let outcome = outcome.expect(1);
    says_what_next(&outcome, names);
    assert!(!dump.join("manifest/manifest.json").exists(), "{fault:?} {after}");
    assert_eq!(trace(&source.store_dir()), before, "{fault:?} {after}");
    let unfinished = dump.join("manifest/resume.json").exists();
    assert_eq!(outcome.error().contains("--resume"), unfinished, "{outcome:?}");
    if unfinished {
        Site::empty("0.15.5", Sqlite).import_with(&dump, &[]).expect(5);
    }
    source.export_with("faulty-dump", if unfinished { &["--resume"] } else { &[] }).expect(0);
    assert_same(whole, &dump);
    assert_eq!(trace(&source.store_dir()), before, "{fault:?} {after}");
    true
}

#[test]
fn an_export_from_a_disk_that_cannot_be_read_fails_and_goes_on() {
    for (engine, file, after) in [
        (RocksDb, "/rocksdb/", &[0, 4, 20, 60][..]),
        (RocksDb, ".sst", &[0, 3, 31]),
        (RocksDb, ".blob", &[0, 1, 5, 12]),
        (Sqlite, "stalwart.sqlite3", &[0, 1, 2, 7, 40, 300]),
    ] {
        let source = Site::of("0.15.5", engine);
        let whole = source.export("whole");
        let mut hits = 0;
        for after in after {
            let names = source.store().display().to_string();
            hits += u32::from(exported_with(&source, &whole, fault("read", file, EIO), *after, &names));
        }
        assert!(hits >= 3 || disk().is_none(), "{engine:?} {file}: only {hits}");
    }
}

#[test]
fn a_dump_on_a_disk_that_cannot_be_written_is_unfinished_and_goes_on() {
    let source = Site::of("0.15.5", RocksDb);
    let whole = source.export("whole");
    for (fault, after) in [
        (fault("write", "faulty-dump/", EIO), &[0, 1, 2, 9, 30][..]),
        (fault("write", "faulty-dump/", ENOSPC), &[0, 1, 2, 9, 30]),
        (fault("sync", "faulty-dump", EIO), &[0, 1, 2, 9, 20, 24, 26]),
        (fault("write", "manifest.json", ENOSPC), &[0]),
        (fault("sync", "findings.jsonl", EIO), &[0]),
    ] {
        let hits = after.iter().filter(|after| exported_with(&source, &whole, fault, **after, "faulty-dump"));
        assert!(hits.count() > 0 || disk().is_none(), "{fault:?}");
    }
}

/// Nothing if the fault did not happen. Otherwise the import failed and could be repeated; whether it had left a
/// target that could not be opened.
fn imported_with(engine: Engine, whole: &Path, fault: Fault, after: u32) -> Option<bool> {
    let target = Site::empty("0.15.5", engine);
    let dump = target.path("dump");
    site::copy_tree(whole, &dump);
    let before = trace(&dump);
    let outcome = faulty(&target, &[Path::new("-i"), &dump], fault, after)?;
    let outcome = outcome.expect(1);
    says_what_next(&outcome, if fault.file == "subspace_" { fault.file } else { engine.name() });
    let resumable = fs::read_dir(dump.join("manifest"))
        .unwrap()
        .any(|entry| entry.unwrap().file_name().to_string_lossy().starts_with("import-"));
    // If only reading back failed, the target is complete, but the run could not verify it.
    let verdict = target.verify_against(&dump);
    let damaged = verdict.status.code() == Some(1) && verdict.error().contains("damaged");
    assert!(damaged || matches!(verdict.status.code(), Some(0 | 2 | 4 | 5)), "{verdict:?}");
    if damaged {
        assert!(engine == RocksDb && fault.kind == "sync" && resumable, "{verdict:?}");
        let refused = target.import_with(&dump, &[]).expect(5);
        assert!(refused.error().contains("unfinished import") && refused.error().contains("--wipe-target"));
    }
    assert!(resumable || verdict.status.code() != Some(0), "{outcome:?} {verdict:?}");
    if resumable && verdict.status.code() != Some(0) {
        assert!(outcome.error().contains("do not start the server on it"), "{outcome:?}");
    }
    let again: &[&str] = match (resumable, damaged && after % 2 == 1) {
        (_, true) => &["--wipe-target", "--yes"],
        (true, false) => &["--resume"],
        (false, false) => &[],
    };
    target.import_with(&dump, again).expect(0);
    assert_same(whole, &target.export("again"));
    assert!(!target.store_dir().join("stalwart-migrate.staging").exists());
    let mut now = trace(&dump);
    // The state was written into this directory and removed from it.
    now.insert(dump.join("manifest"), before[&dump.join("manifest")].clone());
    assert_eq!(now, before, "{fault:?} {after}");
    Some(damaged)
}

#[test]
fn a_list_of_files_that_cannot_be_synced_is_no_reason_to_give_up() {
    let source = Site::of("0.15.5", RocksDb);
    let whole = source.export("whole");
    // At every place: RocksDB removes files that the list may name already.
    let hit = |after| imported_with(RocksDb, &whole, fault("sync", "MANIFEST", EIO), after);
    let hits: Vec<bool> = (0..).map_while(hit).collect();
    let damaged = hits.iter().filter(|damaged| **damaged).count();
    assert!(hits.len() > 10 || disk().is_none(), "only {}", hits.len());
    assert!(damaged > 1 || disk().is_none(), "none was damaged");
}

#[test]
fn an_import_on_a_disk_that_fails_says_so_and_goes_on() {
    let source = Site::of("0.15.5", RocksDb);
    let whole = source.export("whole");
    for (engine, fault, after) in [
        (RocksDb, fault("read", "subspace_", EIO), &[0, 3, 30][..]),
        (Sqlite, fault("read", "subspace_", EIO), &[0, 60]),
        // From the first file of a new database on.
        (RocksDb, fault("write", "/rocksdb/", EIO), &[0, 1, 3, 5, 9]),
        (RocksDb, fault("write", ".sst", ENOSPC), &[0, 3]),
        (RocksDb, fault("write", "MANIFEST", ENOSPC), &[0, 1, 3, 20]),
        (RocksDb, fault("sync", "/rocksdb", EIO), &[0, 2, 8, 20, 50]),
        (RocksDb, fault("read", ".sst", EIO), &[0, 5]),
        (Sqlite, fault("write", "/sqlite/", EIO), &[0, 1, 20, 200, 700]),
        (Sqlite, fault("write", "/sqlite/", ENOSPC), &[0, 20, 200]),
        (Sqlite, fault("sync", "/sqlite", EIO), &[0, 1, 2, 4, 6]),
        (Sqlite, fault("read", "stalwart.sqlite3", EIO), &[0, 30, 100]),
    ] {
        let hits = after.iter().filter_map(|after| imported_with(engine, &whole, fault, *after));
        assert!(hits.count() > 0 || disk().is_none(), "{engine:?} {fault:?}");
    }
}

#[test]
fn a_state_that_cannot_be_written_is_not_in_the_way_of_the_next_run() {
    let source = Site::of("0.15.5", Sqlite);
    let dump = source.export("dump");
    let target = Site::empty("0.15.5", Sqlite);
    for kind in ["write", "sync"] {
        let wrong = fault(kind, "manifest/import-", ENOSPC);
        let Some(outcome) = faulty(&target, &[Path::new("-i"), &dump], wrong, 0) else { return };
        outcome.expect(0);
        assert_eq!(fs::read_dir(dump.join("manifest")).unwrap().count(), 2, "only the manifest and findings");
        fs::remove_dir_all(target.store_dir()).unwrap();
    }
    target.import_with(&dump, &[]).expect(0);
    assert_same(&dump, &target.export("again"));
}

/// Starts a run and sends it two signals within milliseconds when `begun`.
fn signalled_twice(mut command: Command, begun: impl FnMut() -> bool) {
    let child = started(&mut command);
    until("the run writes", begun);
    let pid = Pid::from_child(&child);
    kill_process(pid, Signal::INT).unwrap();
    std::thread::sleep(Duration::from_millis(2));
    // It may have ended already.
    let _ = kill_process(pid, Signal::INT);
    let begin = Instant::now();
    ended(child).interrupted_twice();
    assert!(begin.elapsed() < Duration::from_secs(2), "{:?}", begin.elapsed());
}

#[test]
fn a_run_that_gets_two_signals_ends_at_once_and_goes_on() {
    let source = with_blobs(96);
    let before = trace(&source.store_dir());
    let whole = source.export("whole");
    let dump = source.path("twice");
    let mut command = source.program();
    command.arg("-c").arg(source.config()).arg("-e").arg(&dump).args(["--jobs", "1"]);
    signalled_twice(command, || size(&dump) > 1 << 20);
    assert!(!dump.join("manifest/manifest.json").exists());
    source.export_with("twice", &["--resume"]).expect(0);
    assert_same(&whole, &dump);
    assert_eq!(trace(&source.store_dir()), before);
    for engine in EMBEDDED {
        let target = Site::empty("0.15.5", engine);
        let mut command = target.program();
        command.arg("-c").arg(target.config()).arg("-i").arg(&whole).args(["--jobs", "1"]);
        signalled_twice(command, || size(&target.store_dir()) > 4 << 20);
        target.import_with(&whole, &["--resume"]).expect(0);
        assert_same(&whole, &target.export("again"));
    }
}

#[test]
fn a_dump_that_has_changed_is_not_what_an_import_goes_on_with() {
    let source = with_blobs(80);
    let whole = source.export("whole");
    let small = Site::of("0.15.5", Sqlite);
    let other = small.export("dump").join("manifest/manifest.json");
    for engine in EMBEDDED {
        let target = Site::empty("0.15.5", engine);
        let dump = target.path("dump");
        site::copy_tree(&whole, &dump);
        let mut command = target.program();
        command.arg("-c").arg(target.config()).arg("-i").arg(&dump).args(["--jobs", "1"]);
        let child = started(&mut command);
        until("the import writes", || size(&target.store_dir()) > 70 << 20);
        kill_process(Pid::from_child(&child), Signal::KILL).unwrap();
        ended(child);
        // What is made and removed beside the store's files changes the directory's time only.
        let contents = || {
            let mut files = trace(&target.store_dir());
            files.retain(|path, _| path != &target.store_dir());
            files
        };
        let left = contents();
        let refused = |says: &str| {
            for more in [&["--resume"][..], &["--resume", "--dry-run"]] {
                let outcome = target.import_with(&dump, more).expect(5);
                assert!(outcome.error().contains(says), "{says}: {outcome:?}");
                assert_eq!(contents(), left, "{engine:?}");
            }
        };
        let blobs = dump.join("subspace_t");
        let bytes = fs::read(&blobs).unwrap();
        let mut changed = bytes.clone();
        changed[bytes.len() / 2] ^= 1;
        fs::write(&blobs, &changed).unwrap();
        refused("subspace_t");
        fs::remove_file(&blobs).unwrap();
        refused("subspace_t");
        fs::write(&blobs, &bytes).unwrap();
        let manifest = dump.join("manifest/manifest.json");
        fs::copy(&other, &manifest).unwrap();
        refused("subspace_");
        // Another dump as a whole, in the place of the first one.
        site::copy_tree(&small.path("dump"), &dump);
        let outcome = target.import_with(&dump, &["--resume"]).expect(5);
        assert!(outcome.error().contains("has changed since the run was interrupted"), "{outcome:?}");
        assert_eq!(contents(), left, "{engine:?}");
        site::copy_tree(&whole, &dump);
        target.import_with(&dump, &["--resume"]).expect(0);
        assert_same(&whole, &target.export("again"));
    }
}

/// A run that gets a signal when it has read a file so often, and can read it only so often more.
fn signalled(
    site: &Site,
    arguments: &[&str],
    file: &str,
    [after, more]: [u32; 2],
    signal: Signal,
) -> Option<Outcome> {
    let mut command = site.program();
    command.args(["--jobs", "1"]).args(arguments);
    command.env("LD_PRELOAD", disk()?).env("FAULT_KIND", "read").env("FAULT_FILE", file);
    command.env("FAULT_AFTER", after.to_string()).env("FAULT_ERRNO", EIO.to_string());
    command.env("FAULT_SIGNAL", signal.as_raw().to_string()).env("FAULT_MORE", more.to_string());
    Some(site::outcome(command))
}

#[test]
fn a_signal_ends_every_step_before_it_reads_much_more() {
    let site = with_blobs(96);
    let dump = site.export("dump");
    let dump = dump.to_str().unwrap();
    let config = site.config();
    let config = config.to_str().unwrap();
    let other = Site::empty("0.15.5", RocksDb);
    let target = other.config();
    let target = target.to_str().unwrap();
    let (begun, state) = (site.path("rocksdb"), site.path("state"));
    // Pieces of 256 KiB, so that one pass over the file is about 400 of them; pages of 4 KiB.
    let (blobs, store) = ("subspace_t", "stalwart.sqlite3");
    let copy = ["copy", "--from", config, "--to", target, "--state", state.to_str().unwrap()];
    for (step, arguments, file, reads) in [
        ("checksums of an import", &["-c", target, "-i", dump][..], blobs, [20, 20]),
        ("checksums of a dry run", &["-c", target, "-i", dump, "--dry-run"], blobs, [150, 20]),
        ("checksums of verify", &["verify", dump], blobs, [20, 20]),
        ("records of verify", &["verify", dump], blobs, [450, 20]),
        ("verify against a store", &["verify", dump, "--against", config], blobs, [20, 20]),
        ("diff", &["diff", dump, config], blobs, [100, 20]),
        ("a list", &["inspect", dump, "--subspace", "t", "--limit", "0"], blobs, [50, 20]),
        ("one record", &["inspect", dump, "--subspace", "t", "--get", &"ff".repeat(32)], blobs, [50, 20]),
        ("counts", &["inspect", "--config", config], store, [3000, 1000]),
        ("an export", &["-c", config, "-e", "new"], store, [3000, 1000]),
        ("a copy", &copy, store, [3000, 1000]),
    ] {
        for signal in [Signal::INT, Signal::TERM] {
            let Some(outcome) = signalled(&site, arguments, file, reads, signal) else { return };
            let outcome = outcome.expect(130);
            assert!(outcome.error().contains("interrupted"), "{step}: {outcome:?}");
            if step == "a copy" {
                fs::remove_dir_all(&begun).unwrap();
                fs::remove_file(&state).unwrap();
            }
            assert!(!begun.exists(), "{step}: the target was begun");
            let _ = fs::remove_dir_all(site.path("new"));
        }
    }
}

#[test]
fn a_report_that_cannot_be_written_is_never_a_success() {
    let site = Site::of("0.15.5", Sqlite);
    let dump = site.export("dump");
    let report = site.path("the-report");
    let (config, again) = (site.config(), site.path("again"));
    let verify = [Path::new("verify"), &dump, Path::new("--report"), &report].map(Path::as_os_str).to_vec();
    let export = [Path::new("-c"), &config, Path::new("-e"), &again, Path::new("--report"), &report];
    let export = export.map(Path::as_os_str).to_vec();
    // What was printed before the file had its place is written at once, the rest line by line.
    for (arguments, kind, after) in
        [(&verify, "write", 0), (&verify, "sync", 0), (&export, "write", 0), (&export, "write", 2)]
    {
        let mark = site.path("mark");
        let _ = (fs::remove_file(&report), fs::remove_file(&mark), fs::remove_dir_all(&again));
        let mut command = site.program();
        let Some(disk) = disk() else { return };
        command
            .args(arguments)
            .env("LD_PRELOAD", disk)
            .env("FAULT_KIND", kind)
            .env("FAULT_FILE", "the-report");
        command.env("FAULT_AFTER", after.to_string()).env("FAULT_ERRNO", ENOSPC.to_string());
        command.env("FAULT_MARK", &mark);
        let outcome = site::outcome(command).expect(1);
        assert!(mark.exists() && outcome.error().contains("cannot write the report"), "{outcome:?}");
        says_what_next(&outcome, "No space left");
    }
    // A blob of which only a part was written is none.
    let blob = ["inspect", dump.to_str().unwrap(), "--blob"];
    let blob =
        [&blob[..], &["02bd4fa496c3c0486de66c6a2914d952f084eea788c6364dfae04b65c45b0ded", "--out"]].concat();
    let out = site.path("the-blob");
    for kind in ["write", "sync"] {
        let mut command = site.program();
        let Some(disk) = disk() else { return };
        command.args(&blob).arg(&out).env("LD_PRELOAD", disk).env("FAULT_KIND", kind);
        command.env("FAULT_FILE", "the-blob").env("FAULT_AFTER", "0").env("FAULT_ERRNO", ENOSPC.to_string());
        let outcome = site::outcome(command).expect(1);
        says_what_next(&outcome, "cannot write the blob");
        assert!(!out.exists(), "{kind}: a part of the blob is left");
    }
}
