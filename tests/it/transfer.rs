//! Copying and comparing stores, emptying targets, preflight reports, and disks that are full.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;
use std::process::Command;

use rusqlite::Connection;

use crate::harness::large;
use crate::harness::site;
use crate::harness::site::{
    EMBEDDED, Engine, Outcome, RocksDb, Site, Sqlite, assert_same, bare, outcome, trace,
};

fn copy(from: &Site, to: &Site, more: &[&str]) -> Outcome {
    let mut command = to.program();
    command.arg("copy").arg("--from").arg(from.path("copied.toml"));
    command.arg("--to").arg(to.config()).args(more);
    // Both configurations name their store by the same variable, so the source's gets its value written in.
    let text = fs::read_to_string(from.config()).unwrap();
    fs::write(from.path("copied.toml"), resolved(&text, from)).unwrap();
    outcome(command)
}

fn resolved(text: &str, site: &Site) -> String {
    text.replace("%{env:STORE_DIR}%", &site.path("").display().to_string())
}

fn diff(left: &Path, right: &Path, more: &[&str]) -> Outcome {
    let mut command = bare();
    command.arg("diff").arg(left).arg(right).args(more);
    outcome(command)
}

/// A configuration that needs no variable.
fn plain(site: &Site) -> std::path::PathBuf {
    let text = fs::read_to_string(site.config()).unwrap();
    let path = site.path("plain.toml");
    fs::write(&path, resolved(&text, site)).unwrap();
    path
}

#[test]
fn a_copy_is_what_export_and_import_would_have_made() {
    for release in ["0.13.4", "0.15.5", "0.15.5-killed"] {
        for (from, to) in [(RocksDb, Sqlite), (Sqlite, RocksDb), (Sqlite, Sqlite), (RocksDb, RocksDb)] {
            let source = Site::of(release, from);
            let before = trace(&source.store_dir());
            let dump = source.export("dump");
            let target = Site::empty(release, to);
            copy(&source, &target, &[]).expect(0).says(&["read back and equal to the source", "next:"]);
            assert_same(&dump, &target.export("again"));
            assert_eq!(trace(&source.store_dir()), before);
            assert!(fs::read_dir(target.path("")).unwrap().all(|entry| {
                !entry.unwrap().file_name().to_string_lossy().starts_with("stalwart-migrate-copy")
            }));
            diff(&plain(&source), &plain(&target), &[]).expect(0).says(&["both hold the same"]);
            diff(&dump, &plain(&target), &[]).expect(0);
            // Not twice.
            let again = copy(&source, &target, &[]).expect(5);
            assert!(again.error().contains("the target is not empty"), "{again:?}");
        }
    }
}

#[test]
fn a_copy_of_itself_and_a_running_server_are_refused() {
    let source = Site::of("0.15.5", Sqlite);
    let same = copy(&source, &source, &[]).expect(2);
    assert!(same.error().contains("source and target are the same store"), "{same:?}");
    let target = Site::empty("0.15.5", Sqlite);
    let running = Connection::open(source.store()).unwrap();
    let _: u32 = running.query_row("SELECT count(*) FROM p", [], |row| row.get(0)).unwrap();
    let refused = copy(&source, &target, &[]).expect(5);
    assert!(refused.error().contains("a server is running on this store"), "{refused:?}");
    assert!(!target.store().exists());
    drop(running);
    copy(&source, &target, &["--dry-run"]).expect(0).says(&["dry run: nothing written"]);
    assert!(!target.store().exists());
    copy(&source, &target, &["--types", "data"]).expect(0);
    diff(&plain(&source), &plain(&target), &["--types", "data"]).expect(0);
    diff(&plain(&source), &plain(&target), &[]).expect(4);
}

#[test]
fn a_copy_that_was_killed_goes_on() {
    use large::{size, with_blobs};
    // More than is committed at once.
    let source = with_blobs(160);
    let dump = source.export("dump");
    for engine in EMBEDDED {
        let target = Site::empty("0.15.5", engine);
        plain(&source);
        let start = |flags: &[&str]| {
            let mut command = target.program();
            command.arg("copy").arg("--from").arg(source.path("plain.toml"));
            command.arg("--to").arg(target.config()).args(["--jobs", "1"]).args(flags);
            command
        };
        let mut child = site::started(&mut start(&[]));
        site::until("the copy writes", || size(&target.store_dir()) > 140 << 20);
        child.kill().unwrap();
        child.wait().unwrap();
        let verdict = diff(&dump, &plain(&target), &["--schema", "5"]).expect(4);
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

#[test]
fn a_difference_is_named_and_counted() {
    let site = Site::of("0.15.5", Sqlite);
    let dump = site.export("dump");
    let database = Connection::open(site.store()).unwrap();
    database
        .execute_batch(
            "DELETE FROM d WHERE k = (SELECT min(k) FROM d); INSERT INTO s VALUES (x'7a7a', x'01');
             UPDATE p SET v = x'00' WHERE k = (SELECT max(k) FROM p)",
        )
        .unwrap();
    drop(database);
    let said = diff(&dump, &plain(&site), &["--json"]).expect(4);
    let outcome = said.json().pop().unwrap();
    let of = |letter: &str| {
        let list = outcome["subspaces"].as_array().unwrap();
        let counts = list.iter().find(|counts| counts["letter"] == letter).unwrap();
        ["only_left", "only_right", "different"].map(|name| counts[name].as_u64().unwrap())
    };
    assert_eq!([of("d"), of("s"), of("p"), of("t")], [[1, 0, 0], [0, 1, 0], [0, 0, 1], [0, 0, 0]]);
    let shown = diff(&dump, &plain(&site), &[]).expect(4);
    for words in ["d (directory)", "in the left, not in the right", "s (settings) 7a7a: in the right"] {
        assert!(shown.text().contains(words), "{words}: {shown:?}");
    }
    let other = Site::of("0.13.4", Sqlite);
    let versions = diff(&dump, &plain(&other), &[]).expect(5);
    assert!(versions.error().contains("different schema versions"), "{versions:?}");
    diff(&dump, &site.path("nothing"), &[]).expect(2);
}

#[test]
fn a_target_is_emptied_only_when_agreed_to() {
    for engine in EMBEDDED {
        for release in ["0.15.5", "0.16.18"] {
            let source = Site::of(release, Sqlite);
            let dump = source.export("dump");
            let target = Site::of(release, engine);
            let before = trace(&target.store_dir());
            let refused = target.import_with(&dump, &[]).expect(5);
            for words in ["the target is not empty", "subspace p (property)", "--wipe-target"] {
                assert!(refused.error().contains(words), "{refused:?}");
            }
            let refused = target.import_with(&dump, &["--wipe-target"]).expect(5);
            assert!(refused.error().contains("nobody is there to agree"), "{refused:?}");
            assert_eq!(trace(&target.store_dir()), before);
            target
                .import_with(&dump, &["--wipe-target", "--yes"])
                .expect(0)
                .says(&["--wipe-target destroys"]);
            assert_same(&dump, &target.export("again"));
        }
    }
}

#[test]
fn the_lease_of_a_target_outlives_its_emptying() {
    let source = Site::of("0.16.18", RocksDb);
    let dump = source.export("dump");
    let target = Site::of("0.16.18", Sqlite);
    let leases = || -> Vec<(Vec<u8>, Vec<u8>)> {
        let database = Connection::open(target.store()).unwrap();
        let mut rows = database.prepare("SELECT k, v FROM g WHERE substr(k, 1, 4) = x'ffffffff'").unwrap();
        let rows = rows.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
        rows.map(Result::unwrap).collect()
    };
    let before = leases();
    assert_eq!(before.len(), 1);
    target.import_with(&dump, &["--wipe-target", "--yes"]).expect(0);
    assert_eq!(leases(), before);
}

#[test]
fn a_fresh_lease_warns_and_an_old_one_does_not() {
    let site = Site::of("0.16.18", Sqlite);
    let said = site.export_with("old", &[]).expect(0);
    assert!(!said.stderr.contains("renewed its lease"), "{said:?}");
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    let value = [&(now - 300).to_be_bytes()[..], b"mx7.example.org"].concat();
    let database = Connection::open(site.store()).unwrap();
    let update = "UPDATE g SET v = ?1 WHERE k = (SELECT max(k) FROM g WHERE substr(k, 1, 4) = x'ffffffff')";
    assert_eq!(database.execute(update, [value]).unwrap(), 1);
    drop(database);
    site.export_with("new", &[]).expect(0).says(&["warning: ", "mx7.example.org, 5 minutes ago"]);
    assert_same(&site.path("old"), &site.path("new"));
}

#[test]
fn a_dry_run_reports_every_check() {
    let source = Site::of("0.15.5", Sqlite);
    let checks = |said: &Outcome| -> Vec<(String, String)> {
        let lines = said.json().into_iter().filter(|line| line["event"] == "check");
        lines
            .map(|line| (line["name"].as_str().unwrap().into(), line["outcome"].as_str().unwrap().into()))
            .collect()
    };
    let said = source.export_with("dry", &["--dry-run", "--json"]).expect(0);
    let found = checks(&said);
    for name in
        ["configuration", "source", "schema version", "source not in use", "destination", "free space"]
    {
        assert!(found.contains(&(name.into(), "passed".into())), "{name}: {found:?}");
    }
    let text = source.export_with("dry", &["--dry-run"]).expect(0);
    assert!(
        text.text().contains("passed   free space") && text.stderr.contains("estimated time"),
        "{text:?}"
    );
    let dump = source.export("dump");
    // What refuses is shown with everything else.
    let target = Site::of("0.15.5", RocksDb);
    let said = target.import_with(&dump, &["--dry-run", "--json"]).expect(5);
    let found = checks(&said);
    assert!(found.contains(&("target empty".into(), "refused".into())), "{found:?}");
    assert!(found.contains(&("dump undamaged".into(), "passed".into())), "{found:?}");
    let fresh = Site::fresh("0.15.5", RocksDb);
    let said = fresh.import_with(&dump, &["--dry-run", "--json"]).expect(0);
    let found = checks(&said);
    for name in ["target empty", "dump undamaged", "records fit", "target", "free space"] {
        assert!(found.contains(&(name.into(), "passed".into())), "{name}: {found:?}");
    }
}

#[test]
fn files_get_the_owner_asked_for() {
    let dump_site = Site::of("0.15.5", Sqlite);
    let dump = dump_site.export("dump");
    for engine in EMBEDDED {
        let target = Site::empty("0.15.5", engine);
        for (owner, says) in [("no-such-user:root", "no such user"), ("0:no-such-group", "no such group")] {
            let refused = target.import_with(&dump, &["--owner", owner]).expect(2);
            assert!(refused.error().contains(says), "{refused:?}");
            assert!(!target.store().exists());
        }
        if !rustix::process::geteuid().is_root() {
            continue;
        }
        let said = target.import_with(&dump, &["--owner", "65534:65533"]).expect(0);
        assert!(!said.stderr.contains("chown"), "{said:?}");
        let mut open = vec![target.store()];
        while let Some(path) = open.pop() {
            let meta = fs::metadata(&path).unwrap();
            assert_eq!((meta.uid(), meta.gid()), (65534, 65533), "{}", path.display());
            if meta.is_dir() {
                open.extend(fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
            }
        }
    }
}

#[test]
fn a_report_holds_what_was_said_and_is_private() {
    let site = Site::of("0.15.5", Sqlite);
    let report = site.path("report.txt");
    let said = site.export_with("dump", &["--report", report.to_str().unwrap(), "--quiet"]).expect(0);
    assert_eq!(said.stderr, "");
    let text = fs::read_to_string(&report).unwrap();
    for words in ["source: SQLite at", "the dump is in", "mail and secrets in clear"] {
        assert!(text.contains(words), "{words}: {text}");
    }
    assert_eq!(fs::metadata(&report).unwrap().permissions().mode() & 0o777, 0o600);
    let twice = site.export_with("other", &["--report", report.to_str().unwrap()]).expect(2);
    assert!(twice.error().contains("exists already"), "{twice:?}");
    // Errors as well, and rows set aside lie beside it.
    let target = Site::fresh("0.15.5", Sqlite);
    Connection::open(target.store())
        .unwrap()
        .execute("INSERT INTO s VALUES (CAST('my.own' AS BLOB), CAST('canary' AS BLOB))", [])
        .unwrap();
    let report = target.path("import.txt");
    target.import_with(&site.path("dump"), &["--report", report.to_str().unwrap()]).expect(0);
    let text = fs::read_to_string(&report).unwrap();
    assert!(text.contains("import.txt.replaced.jsonl") && !text.contains("canary"), "{text}");
    assert!(fs::read_to_string(target.path("import.txt.replaced.jsonl")).unwrap().contains("my.own"));
    let report = target.path("refused.txt");
    target.import_with(&site.path("dump"), &["--report", report.to_str().unwrap()]).expect(5);
    assert!(fs::read_to_string(&report).unwrap().contains("error: the target is not empty"));
}

/// A small file system in memory that is gone at the end; nothing where this user may not mount.
struct Disk(std::path::PathBuf);

impl Disk {
    fn of(size: &str, at: std::path::PathBuf) -> Option<Disk> {
        if !rustix::process::geteuid().is_root() {
            println!("only root can mount the small disk of this test");
            return None;
        }
        fs::create_dir_all(&at).unwrap();
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &format!("size={size}"), "none"])
            .arg(&at)
            .status()
            .unwrap();
        if !mounted.success() {
            println!("this machine does not let even root mount the small disk of this test");
            return None;
        }
        Some(Disk(at))
    }

    fn resize(&self, size: &str) {
        let option = format!("remount,size={size}");
        assert!(Command::new("mount").args(["-o", &option]).arg(&self.0).status().unwrap().success());
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

#[test]
fn a_full_disk_ends_a_run_that_goes_on_when_there_is_room() {
    let source = large::with_blobs(48);
    let before = trace(&source.store_dir());
    let whole = source.export("whole");
    let Some(disk) = Disk::of("24m", source.path("small")) else { return };
    let full = source.export_with("small/dump", &[]).expect(1);
    for words in ["No space left on device", "--resume"] {
        assert!(full.error().contains(words), "{full:?}");
    }
    let again = source.export_with("small/dump", &["--resume"]).expect(1);
    assert!(again.error().contains("No space left on device"), "{again:?}");
    disk.resize("200m");
    source.export_with("small/dump", &["--resume"]).expect(0);
    assert_same(&whole, &source.path("small/dump"));
    assert_eq!(trace(&source.store_dir()), before);
    drop(disk);
    for engine in EMBEDDED {
        full_target(engine, &whole);
    }
}

fn full_target(engine: Engine, dump: &Path) {
    let target = Site::empty("0.15.5", engine);
    let Some(disk) = Disk::of("30m", target.store_dir()) else { return };
    let full = target.import_with(dump, &[]).expect(1);
    for words in ["the target is incomplete: do not start the server on it", "--resume"] {
        assert!(full.error().contains(words), "{engine:?} {full:?}");
    }
    target.verify_against(dump).expect(4);
    disk.resize("400m");
    target.import_with(dump, &["--resume"]).expect(0);
    assert_same(dump, &target.export("again"));
}

#[test]
fn the_second_of_two_imports_into_one_target_is_refused() {
    let source = large::with_blobs(96);
    let dump = source.export("dump");
    for engine in EMBEDDED {
        let target = Site::empty("0.15.5", engine);
        let mut command = target.program();
        command.arg("-c").arg(target.config()).arg("-i").arg(&dump).args(["--jobs", "1"]);
        let first = site::started(&mut command);
        site::until("the import writes", || large::size(&target.store_dir()) > 1 << 20);
        for flags in [&[][..], &["--resume"], &["--wipe-target", "--yes"]] {
            let second = target.import_with(&dump, flags).expect(5);
            let words = ["is running on the target", "another run is at work"];
            assert!(words.iter().any(|words| second.error().contains(words)), "{second:?}");
        }
        site::ended(first).expect(0);
        assert_same(&dump, &target.export("again"));
    }
}

#[test]
fn a_source_is_held_while_it_is_read_and_readers_do_not_mind_each_other() {
    use stalwart_migrate::backend::hold::{Hold, HoldMode};
    for engine in EMBEDDED {
        let source = Site::of("0.15.5", engine);
        if engine == RocksDb {
            // Every server leaves it.
            fs::write(source.store().join("LOCK"), "").unwrap();
        }
        let before = trace(&source.store_dir());
        let take = if engine == RocksDb { Hold::rocksdb } else { Hold::sqlite };
        // Another run that reads.
        let reader = take(&source.store(), HoldMode::Shared).unwrap().unwrap();
        source.export("dump");
        let target = Site::empty("0.15.5", Sqlite);
        copy(&source, &target, &[]).expect(0);
        assert_eq!(trace(&source.store_dir()), before);
        let refused = source.import_with(&source.path("dump"), &["--wipe-target", "--yes"]).expect(5);
        assert!(refused.error().contains("another run of this program uses the store"), "{refused:?}");
        drop(reader);
        // The refused import may have touched the directory.
        let before = trace(&source.store_dir());
        // Another run that writes.
        let writer = take(&source.store(), HoldMode::Exclusive).unwrap().unwrap();
        let refused = source.export_with("refused", &[]).expect(5);
        assert!(refused.error().contains("another run of this program writes to the store"), "{refused:?}");
        let target = Site::empty("0.15.5", Sqlite);
        copy(&source, &target, &[]).expect(5);
        assert!(!target.store().exists() && !source.path("refused").exists());
        source.export_with("dry", &["--dry-run"]).expect(0).says(&["another run of this program writes"]);
        drop(writer);
        assert_eq!(trace(&source.store_dir()), before);
    }
}
