//! SQLite stores as they are found: behind links, with logs that are damaged, missing or not finished, written by
//! another process, or made to do harm when they are opened. No record is lost without a message, and nothing of a
//! store is executed.

use std::fs;
use std::os::unix::fs::{FileExt, symlink};
use std::path::{Path, PathBuf};

use rusqlite::Connection;

use crate::harness::site;
use crate::harness::site::{RocksDb, Site, Sqlite, assert_same, findings, manifest, trace};

/// Records of `0.15.5-killed`, all of which are only whole with its log.
const RECORDS: u64 = 982;

fn records(dump: &Path) -> u64 {
    let subspaces = manifest(dump)["subspaces"].as_array().unwrap().clone();
    subspaces.iter().map(|subspace| subspace["records"].as_u64().unwrap()).sum()
}

fn killed() -> Site {
    Site::of("0.15.5-killed", Sqlite)
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

fn flip(path: &Path, at: u64) {
    let file = fs::OpenOptions::new().read(true).write(true).open(path).unwrap();
    let mut byte = [0];
    file.read_exact_at(&mut byte, at).unwrap();
    file.write_all_at(&[byte[0] ^ 0xff], at).unwrap();
}

fn cut(path: &Path, length: u64) {
    fs::OpenOptions::new().write(true).open(path).unwrap().set_len(length).unwrap();
}

fn size(path: &Path) -> u64 {
    fs::metadata(path).unwrap().len()
}

/// Moves the store to `disk/moved`, and leaves a link in its place.
fn moved(site: &Site) -> PathBuf {
    let real = site.path("disk");
    fs::rename(site.store_dir(), &real).unwrap();
    fs::create_dir_all(site.store_dir()).unwrap();
    real
}

#[test]
fn a_store_behind_a_link_is_the_store_with_its_log() {
    let source = killed();
    let whole = source.export("dump");
    assert_eq!(records(&whole), RECORDS);
    let name = "stalwart.sqlite3";
    type Way = (&'static str, fn(&Path, &Path));
    let ways: [Way; 4] = [
        ("a link to the file", |real, link| {
            symlink(real.join("stalwart.sqlite3"), link.join("stalwart.sqlite3")).unwrap()
        }),
        ("a relative link", |_, link| {
            symlink("../disk/stalwart.sqlite3", link.join("stalwart.sqlite3")).unwrap()
        }),
        ("a link to a link", |real, link| {
            symlink(real.join("stalwart.sqlite3"), real.join("other")).unwrap();
            symlink(real.join("other"), link.join("stalwart.sqlite3")).unwrap();
        }),
        ("a link to the directory", |real, link| {
            fs::remove_dir(link).unwrap();
            symlink(real, link).unwrap();
        }),
    ];
    for (what, link) in ways {
        let site = killed();
        let real = moved(&site);
        link(&real, &site.store_dir());
        let before = trace(&real);
        let dump = site.export("dump");
        assert_same(&whole, &dump);
        site.export_with("salvaged", &["--salvage"]).expect(0);
        assert_eq!(records(&site.path("salvaged")), RECORDS, "{what}");
        site.verify_against(&whole).expect(0);
        assert_eq!(trace(&real), before, "{what}");
        // The log has rows: a target that is no empty one.
        site.import_with(&whole, &[]).expect(5);
        assert!(real.join(name).exists());
    }
}

#[test]
fn a_target_behind_a_link_is_written_where_the_link_leads() {
    let source = killed();
    let dump = source.export("dump");
    for engine in [RocksDb, Sqlite] {
        let site = Site::empty("0.15.5", engine);
        let name = site.store().file_name().unwrap().to_os_string();
        fs::create_dir_all(site.path("disk/data")).unwrap();
        fs::remove_dir_all(site.store_dir()).ok();
        match engine {
            RocksDb => symlink(site.path("disk/data"), site.store()).unwrap(),
            _ => symlink(site.path("disk/data"), site.store_dir()).unwrap(),
        }
        site.import_with(&dump, &[]).expect(0);
        site.verify_against(&dump).expect(0);
        assert!(fs::read_dir(site.path("disk/data")).unwrap().count() > 0);
        let written =
            if engine == Sqlite { site.path("disk/data").join(name) } else { site.path("disk/data") };
        assert!(written.exists());
        // A link that leads nowhere is no place for a store, and no empty one either.
        let site = Site::empty("0.15.5", engine);
        fs::create_dir_all(site.store().parent().unwrap()).unwrap();
        symlink(site.path("nowhere"), site.store()).unwrap();
        site.import_with(&dump, &[]).expect(2).says(&["leads nowhere"]);
        site.export_with("none", &[]).expect(2).says(&["leads nowhere"]);
        assert!(!site.path("nowhere").exists());
    }
}

#[test]
fn a_database_with_several_names_is_read_by_the_one_that_has_the_log() {
    let source = killed();
    let whole = source.export("dump");
    let site = killed();
    let real = moved(&site);
    // The log lies beside a name elsewhere.
    fs::hard_link(real.join("stalwart.sqlite3"), site.store()).unwrap();
    let refused = site.export_with("dump", &[]).expect(5);
    refused.says(&["several names"]);
    site.import_with(&whole, &[]).expect(5);
    // And beside a name in the same directory.
    let site = killed();
    fs::hard_link(site.store(), site.path("sqlite/other")).unwrap();
    assert_same(&whole, &site.export("dump"));
    for suffix in ["", "-wal", "-shm"] {
        fs::rename(beside(&site.store(), suffix), beside(&site.path("sqlite/z"), suffix)).unwrap();
    }
    fs::rename(site.path("sqlite/other"), site.store()).unwrap();
    site.export_with("refused", &[]).expect(5).says(&["sqlite/z"]);
    // An empty file is no empty store under another name.
    let site = Site::empty("0.15.5", Sqlite);
    fs::create_dir_all(site.store_dir()).unwrap();
    fs::write(site.path("empty"), b"").unwrap();
    fs::hard_link(site.path("empty"), site.store()).unwrap();
    site.import_with(&whole, &[]).expect(5).says(&["several names"]);
}

#[test]
fn a_log_without_its_database_is_never_written_over() {
    let source = killed();
    let dump = source.export("dump");
    for absent in [true, false] {
        let site = killed();
        if absent {
            fs::remove_file(site.store()).unwrap()
        } else {
            cut(&site.store(), 0)
        }
        let before = trace(&site.store_dir());
        for more in [&[][..], &["--yes"], &["--wipe-target", "--yes"], &["--dry-run"]] {
            site.import_with(&dump, more).expect(5).says(&["stalwart.sqlite3-wal"]);
        }
        let refused = site.export_with("dump", &[]).expect(if absent { 2 } else { 5 });
        refused.says(&["stalwart.sqlite3-wal"]);
        assert_eq!(trace(&site.store_dir()), before);
    }
}

/// A change to a killed store.
type Damage = fn(&Path);

#[test]
fn a_damaged_log_is_damage_and_its_pages_are_salvaged() {
    let source = killed();
    let whole = source.export("dump");
    const FRAME: u64 = 24 + 4096;
    // What is done to the store, whether its -shm file stays, and how many records a salvage brings back at least.
    let damages: [(&str, Damage, bool, u64); 7] = [
        ("a flipped byte in the middle", |p| flip(&beside(p, "-wal"), 32 + 500 * FRAME + 99), true, RECORDS),
        ("a flipped byte near the end", |p| flip(&beside(p, "-wal"), 32 + 1040 * FRAME + 999), true, 960),
        ("the same without its -shm file", |p| flip(&beside(p, "-wal"), 32 + 1040 * FRAME + 999), false, 960),
        ("a flipped byte in its header", |p| flip(&beside(p, "-wal"), 17), true, 960),
        ("a log that was cut between frames", |p| cut(&beside(p, "-wal"), 32 + 1041 * FRAME), true, 960),
        ("no log beside the -shm file", |p| fs::remove_file(beside(p, "-wal")).unwrap(), true, 963),
        ("an empty log beside the -shm file", |p| cut(&beside(p, "-wal"), 0), true, 963),
    ];
    for (what, damage, shared, least) in damages {
        let site = killed();
        damage(&site.store());
        if !shared {
            fs::remove_file(beside(&site.store(), "-shm")).unwrap();
        }
        let before = trace(&site.store_dir());
        let refused = site.export_with("dump", &[]).expect(1);
        assert!(refused.error().contains("--salvage"), "{what}: {refused:?}");
        site.export_with("salvaged", &["--salvage"]).expect(3);
        let salvaged = site.path("salvaged");
        assert_eq!(manifest(&salvaged)["completeness"], "salvage", "{what}");
        assert!(findings(&salvaged).iter().any(|f| f["kind"] == "lost" && f["subspace"] == "*"), "{what}");
        assert!(records(&salvaged) >= least, "{what}: {}", records(&salvaged));
        assert_eq!(trace(&site.store_dir()), before, "{what}");
        site.verify_against(&whole).expect(1);
    }
}

#[test]
fn the_log_of_another_database_is_not_applied() {
    let site = killed();
    let other = Connection::open(site.path("other")).unwrap();
    other
        .execute_batch(
            "PRAGMA page_size=1024; PRAGMA journal_mode=WAL; CREATE TABLE a (x); INSERT INTO a VALUES (1)",
        )
        .unwrap();
    let log = fs::read(site.path("other-wal")).unwrap();
    fs::write(beside(&site.store(), "-wal"), &log).unwrap();
    site.export_with("dump", &[]).expect(1).says(&["pages of 1024 bytes", "--salvage"]);
}

#[test]
fn an_end_that_was_not_written_is_reported_and_is_no_damage() {
    let site = killed();
    let log = beside(&site.store(), "-wal");
    fs::remove_file(beside(&site.store(), "-shm")).unwrap();
    cut(&log, size(&log) - 100);
    site.export_with("dump", &[]).expect(0).says(&["bytes at the end of its write-ahead log are left out"]);
    site.export_with("strict", &["--strict", "--quiet"]).expect(0);
    let found = findings(&site.path("dump"));
    assert_eq!(found.iter().filter(|finding| finding["kind"] == "log_end").count(), 1, "{found:?}");
    // RocksDB has such an end, too.
    let site = Site::of("0.15.5-killed", RocksDb);
    let logs = fs::read_dir(site.store()).unwrap().map(|entry| entry.unwrap().path());
    let log = logs
        .filter(|path| path.extension().is_some_and(|e| e == "log"))
        .max_by_key(|path| size(path))
        .unwrap();
    cut(&log, size(&log) - 3);
    site.export_with("dump", &[]).expect(0).says(&["bytes at the end of the write-ahead log"]);
    let found = findings(&site.path("dump"));
    assert_eq!(found.iter().filter(|finding| finding["kind"] == "log_end").count(), 1, "{found:?}");
    // A block of zeros in its middle is a hole.
    let block = 32 << 10;
    assert!(size(&log) > 4 * block);
    let file = fs::OpenOptions::new().write(true).open(&log).unwrap();
    file.write_all_at(&vec![0; block as usize], 2 * block).unwrap();
    site.export_with("hole", &[]).expect(1).says(&["--salvage"]);
}

#[test]
fn a_journal_that_cannot_be_played_back_is_damage() {
    let store = |change: &dyn Fn(&Path)| {
        let site = Site::of("0.15.5", Sqlite);
        let writer = Connection::open(site.store()).unwrap();
        writer
            .execute_batch("PRAGMA journal_mode=DELETE; PRAGMA cache_size=1; BEGIN; DELETE FROM t; DELETE FROM l; DELETE FROM i; DELETE FROM z;")
            .unwrap();
        let copy = Site::empty("0.15.5", Sqlite);
        site::copy_tree(&site.store_dir(), &copy.store_dir());
        drop(writer);
        change(&beside(&copy.store(), "-journal"));
        copy
    };
    let source = Site::of("0.15.5", Sqlite);
    let whole = source.export("dump");
    let site = store(&|_| {});
    assert!(size(&beside(&site.store(), "-journal")) > 8192);
    assert_same(&whole, &site.export("dump"));
    type Damage<'a> = (&'a str, &'a dyn Fn(&Path));
    let damages: [Damage; 3] = [
        ("cut", &|journal| cut(journal, size(journal) / 2)),
        ("a flipped byte", &|journal| flip(journal, 512 + 4 + 96)),
        ("a damaged header", &|journal| flip(journal, 2)),
    ];
    for (what, damage) in damages {
        let site = store(damage);
        let refused = site.export_with("dump", &[]).expect(1);
        assert!(refused.error().contains("rollback journal is damaged"), "{what}: {refused:?}");
        site.export_with("salvaged", &["--salvage"]).expect(3);
    }
}

#[test]
fn nothing_that_a_store_says_is_executed() {
    let victim = "victim";
    // Each makes the store one that the server would not have made.
    let traps: [(&str, &str); 8] = [
        (
            "statements behind a table",
            "PRAGMA writable_schema=1; UPDATE sqlite_master SET sql = sql || '; ATTACH ''VICTIM'' AS x; CREATE TABLE x.y (z); DROP TABLE p' WHERE name = 'm'",
        ),
        (
            "a view that does not end",
            "DROP TABLE m; CREATE VIEW m AS WITH RECURSIVE r(k) AS (SELECT x'00' UNION ALL SELECT k FROM r) SELECT k, k AS v FROM r",
        ),
        ("a virtual table", "DROP TABLE m; CREATE VIRTUAL TABLE m USING fts5(k, v)"),
        (
            "a computed column",
            "DROP TABLE m; CREATE TABLE m (k BLOB PRIMARY KEY, v BLOB NOT NULL AS (zeroblob(900000000)))",
        ),
        (
            "a constraint",
            "DROP TABLE m; CREATE TABLE m (k BLOB PRIMARY KEY, v BLOB NOT NULL CHECK (length(hex(zeroblob(400000000))) > 1)); PRAGMA ignore_check_constraints=1; INSERT INTO m VALUES (x'00', x'00')",
        ),
        (
            "another order of keys",
            "DROP TABLE m; CREATE TABLE m (k BLOB PRIMARY KEY COLLATE NOCASE, v BLOB NOT NULL)",
        ),
        (
            "no rows by number",
            "DROP TABLE m; CREATE TABLE m (k BLOB PRIMARY KEY, v BLOB NOT NULL) WITHOUT ROWID",
        ),
        (
            "a computed column of a foreign table",
            "CREATE TABLE foreign_rows (a, b AS ('x') NOT NULL); INSERT INTO foreign_rows VALUES (1); PRAGMA writable_schema=1; UPDATE sqlite_master SET sql = replace(sql, '''x''', 'hex(zeroblob(400000000))') WHERE name = 'foreign_rows'",
        ),
    ];
    for (what, trap) in traps {
        let site = Site::of("0.15.5", Sqlite);
        let target = site.path(victim);
        fs::write(&target, b"not a database").unwrap();
        let writer = Connection::open(site.store()).unwrap();
        writer.set_db_config(rusqlite::config::DbConfig::SQLITE_DBCONFIG_DEFENSIVE, false).unwrap();
        writer.execute_batch(&trap.replace("VICTIM", &target.display().to_string())).unwrap();
        drop(writer);
        let before = trace(&site.store_dir());
        let foreign = what.ends_with("foreign table");
        let refused = site.export_with("dump", &[]);
        let salvaged = site.export_with("salvaged", &["--salvage"]);
        if foreign {
            // Its columns decide whether it is only named or counts as missing.
            for outcome in [refused, salvaged] {
                assert!([Some(0), Some(3)].contains(&outcome.status.code()), "{what}: {outcome:?}");
                outcome.says(&["foreign_rows"]);
            }
        } else {
            refused.expect(5).says(&["as the server makes"]);
            salvaged.expect(3);
        }
        assert_eq!(fs::read(&target).unwrap(), b"not a database", "{what}");
        assert_eq!(trace(&site.store_dir()), before, "{what}");
        let lost = findings(&site.path("salvaged")).into_iter().filter(|f| f["kind"] == "lost").count();
        assert_eq!(lost > 0, !foreign, "{what}");
    }
}

#[test]
fn what_would_take_part_in_writing_is_refused() {
    let source = Site::of("0.15.5", Sqlite);
    let dump = source.export("dump");
    let target = Site::empty("0.15.5", Sqlite);
    target.import_with(&dump, &[]).expect(0);
    let writer = Connection::open(target.store()).unwrap();
    writer
        .execute_batch("CREATE TABLE copies (k); CREATE TRIGGER spy AFTER INSERT ON m BEGIN INSERT INTO copies VALUES (new.k); END")
        .unwrap();
    drop(writer);
    let before = fs::read(target.store()).unwrap();
    target.import_with(&dump, &["--wipe-target", "--yes"]).expect(5).says(&["trigger spy on m"]);
    assert!(fs::read(target.store()).unwrap() == before);
}

#[test]
fn a_log_that_may_not_be_read_is_named() {
    if !rustix::process::geteuid().is_root() {
        return;
    }
    use std::os::unix::fs::PermissionsExt;
    let site = killed();
    let log = beside(&site.store(), "-wal");
    fs::set_permissions(&log, fs::Permissions::from_mode(0o600)).unwrap();
    let open = site.path("open");
    fs::create_dir(&open).unwrap();
    fs::set_permissions(&open, fs::Permissions::from_mode(0o777)).unwrap();
    let mut command = site.unprivileged();
    command.arg("--config").arg(site.config()).arg("--export").arg(open.join("dump"));
    let refused = site::outcome(command).expect(1);
    refused.says(&["stalwart.sqlite3-wal", "run as a user who may read it"]);
}

#[test]
fn a_value_of_another_type_is_named_and_never_converted() {
    let site = Site::of("0.15.5", Sqlite);
    let whole = site.export("whole");
    let writer = Connection::open(site.store()).unwrap();
    let count: i64 = writer.query_row("SELECT count(*) FROM n", [], |row| row.get(0)).unwrap();
    assert!(count > 3);
    writer
        .execute_batch(
            "UPDATE l SET v = CAST(v AS TEXT) WHERE rowid = (SELECT min(rowid) FROM l);
             UPDATE l SET v = 5 WHERE rowid = (SELECT max(rowid) FROM l);
             UPDATE n SET v = x'0102030405060708' WHERE rowid = (SELECT min(rowid) FROM n);
             UPDATE n SET v = 'many' WHERE rowid = (SELECT max(rowid) FROM n);
             UPDATE n SET v = 1.5 WHERE rowid = (SELECT max(rowid) - 1 FROM n);",
        )
        .unwrap();
    drop(writer);
    site.export_with("dump", &[]).expect(3);
    let of = |kind: &str| {
        findings(&site.path("dump")).into_iter().filter(|f| f["kind"] == kind).collect::<Vec<_>>()
    };
    let lost = of("lost");
    let types: Vec<bool> = ["INTEGER", "BLOB", "TEXT", "REAL"]
        .iter()
        .map(|kind| lost.iter().any(|finding| finding["detail"].as_str().unwrap().contains(kind)))
        .collect();
    assert_eq!((lost.len(), types), (4, vec![true; 4]), "{lost:?}");
    assert!(lost.iter().all(|finding| !finding["key"].as_str().unwrap().is_empty()));
    assert!(
        of("bad_value").iter().any(|finding| finding["detail"].as_str().unwrap().contains("stored as TEXT"))
    );
    assert_eq!(records(&site.path("dump")) + 4, records(&whole));
    site.export_with("strict", &["--strict"]).expect(1);
    // The text is copied byte for byte.
    site.verify_against(&site.path("dump")).expect(3);
}

#[test]
fn a_key_that_is_there_twice_is_damage() {
    let site = Site::of("0.15.5", Sqlite);
    let writer = Connection::open(site.store()).unwrap();
    // A table like that of the server, but for the index, which was made without being unique.
    writer
        .execute_batch(
            "DROP TABLE m; CREATE TABLE m (k BLOB, v BLOB NOT NULL);
             INSERT INTO m VALUES (x'01', x'0a'), (x'02', x'0b'), (x'02', x'0c'), (x'03', x'0d');
             CREATE INDEX keys ON m (k); PRAGMA writable_schema=1;
             UPDATE sqlite_master SET name = 'sqlite_autoindex_m_1', sql = NULL WHERE name = 'keys';
             UPDATE sqlite_master SET sql = 'CREATE TABLE m (k BLOB PRIMARY KEY, v BLOB NOT NULL)' WHERE name = 'm';",
        )
        .unwrap();
    drop(writer);
    site.export_with("dump", &[]).expect(1).says(&["lists keys twice", "--salvage"]);
    site.export_with("salvaged", &["--salvage"]).expect(3);
    let lost = findings(&site.path("salvaged")).into_iter().filter(|finding| finding["kind"] == "lost");
    let keys: Vec<String> = lost.map(|finding| finding["key"].as_str().unwrap().to_string()).collect();
    assert!(keys.contains(&"02".to_string()), "{keys:?}");
}
