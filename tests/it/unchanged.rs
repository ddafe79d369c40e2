//! A source that something writes to while it is read: no run calls its result complete, and none calls the source
//! damaged.
//!
//! A run is stopped by `harness/disk.c` once its source is open, something happens to the source, and the run goes on.
//! Locks keep servers on the same machine away; what comes here ignores them, as a server on another host may.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use crate::harness::database_servers::{Kind, Server};
use crate::harness::preload::{disk, stopped_at, stopped_before};
use crate::harness::site::{ENGINES, Engine, Site, outcome};

const WROTE: &str = "wrote to the store while it was read";

fn source(engine: Engine) -> Site {
    let site = Site::plain_of("0.15.5", engine).unwrap();
    if let Some(database) = &site.database {
        database.wait_for_leavers();
        // MySQL remembers the second in which a table was written.
        std::thread::sleep(Duration::from_millis(1100));
    }
    site
}

fn program(site: &Site, arguments: &[&str]) -> Command {
    let mut program = site.program();
    program.args(arguments).stdout(Stdio::piped()).stderr(Stdio::piped());
    program
}

/// Adds a setting to a store, whatever locks there are.
fn write(site: &Site, engine: Engine) {
    let path = site.store();
    match engine {
        Engine::RocksDb => {
            let beside = site.path("beside");
            assert!(Command::new("cp").arg("-a").arg(&path).arg(&beside).status().unwrap().success());
            let mut options = rocksdb::Options::default();
            let families = rocksdb::DB::list_cf(&options, &beside).unwrap();
            options.set_merge_operator_associative("merge", |_, _, _| None);
            let all = families.iter().map(|name| (name, options.clone()));
            let db = rocksdb::DB::open_cf_with_opts(&options, &beside, all).unwrap();
            db.put_cf(&db.cf_handle("s").unwrap(), b"odd", b"of a server").unwrap();
            drop(db);
            for entry in fs::read_dir(&beside).unwrap().flatten() {
                if entry.file_name() != "LOCK" {
                    fs::copy(entry.path(), path.join(entry.file_name())).unwrap();
                }
            }
        }
        Engine::Sqlite => {
            let flags = OpenFlags::SQLITE_OPEN_READ_WRITE;
            let database = Connection::open_with_flags_and_vfs(&path, flags, "unix-none").unwrap();
            // Alone it needs no index of its log beside it, which needs locks.
            database
                .execute_batch(
                    "PRAGMA locking_mode = EXCLUSIVE; INSERT INTO s VALUES (CAST('odd' AS BLOB), x'31')",
                )
                .unwrap();
        }
        Engine::Sql(kind) => drop(site.database().sql(match kind {
            Kind::Postgres => "INSERT INTO s VALUES ('\\x6f6464', '\\x31')",
            Kind::Mysql => "INSERT INTO s VALUES (x'6f6464', x'31')",
        })),
    }
}

/// Writes beside the source what is none of its records.
fn write_elsewhere(site: &Site, engine: Engine) {
    let Engine::Sql(kind) = engine else {
        if engine == Engine::RocksDb {
            // Of another program, or of this one.
            fs::write(site.path("store/migrate.log"), "a line").unwrap();
        }
        return;
    };
    let other = Server::of(kind).database();
    other.sql("CREATE TABLE other (k INTEGER); INSERT INTO other VALUES (1); DROP TABLE other");
    if kind == Kind::Postgres {
        site.database().sql("ANALYZE");
    }
}

#[track_caller]
fn no_dump(dump: &Path) {
    assert!(!dump.join("manifest/manifest.json").exists(), "it looks like a dump");
}

#[test]
fn an_export_of_a_source_that_is_written_meanwhile_is_refused() {
    if disk().is_none() {
        return;
    }
    for engine in ENGINES.iter().copied() {
        let site = source(engine);
        let config = site.config();
        let export = ["-c", config.to_str().unwrap(), "-e", "dump"];
        let stopped = stopped_before(program(&site, &export), "change", "dump/subspace_p", 0).unwrap();
        write(&site, engine);
        stopped.goes_on().expect(5).says(&[WROTE, "begin again"]);
        no_dump(&site.path("dump"));
        let stopped = stopped_before(
            program(&site, &["-c", config.to_str().unwrap(), "-e", "other"]),
            "change",
            "other/subspace_p",
            0,
        );
        let stopped = stopped.unwrap();
        write_elsewhere(&site, engine);
        stopped.goes_on().expect(0);
    }
}

#[test]
fn a_copy_of_a_source_that_is_written_meanwhile_is_refused() {
    if disk().is_none() {
        return;
    }
    for engine in ENGINES.iter().copied() {
        let (site, target) = (source(engine), Site::plain(Engine::Sqlite));
        let (from, to) = (site.config(), target.config());
        let copy = ["copy", "--from", from.to_str().unwrap(), "--to", to.to_str().unwrap()];
        let store = target.store();
        let stopped = stopped_before(program(&target, &copy), "change", store.to_str().unwrap(), 0).unwrap();
        write(&site, engine);
        stopped.goes_on().expect(5).says(&[WROTE, "the target is incomplete"]);
        target.run(&["-e", "dump"]).expect(5).says(&["states no schema version"]);
        // Nothing can be made complete with records of two moments.
        let resumed = outcome(program(&target, &[&copy[..], &["--resume"]].concat()));
        if matches!(engine, Engine::RocksDb | Engine::Sqlite) {
            resumed.expect(5).says(&["has changed since the run was interrupted"]);
        }
    }
}

/// Reads of a dump come before and after the source is opened: from the first one after it, the change is seen.
#[test]
fn a_comparison_with_a_source_that_is_written_meanwhile_is_refused() {
    if disk().is_none() {
        return;
    }
    for engine in ENGINES.iter().copied() {
        for diff in [false, true] {
            let mut seen = Vec::new();
            for after in [0, 1, 2, 4, 6] {
                let site = source(engine);
                site.run(&["-e", "dump"]).expect(0);
                let config = site.config();
                let arguments = if diff {
                    vec!["diff", "dump", config.to_str().unwrap()]
                } else {
                    vec!["verify", "dump", "--against", config.to_str().unwrap()]
                };
                let Some(stopped) = stopped_at(program(&site, &arguments), "dump/subspace_s", after) else {
                    break;
                };
                write(&site, engine);
                let outcome = stopped.goes_on();
                let text = &outcome.stderr;
                match outcome.code() {
                    // The new setting is no part of the dump.
                    Some(4) => assert!(!seen.contains(&5), "{engine:?} {after}: {text}"),
                    Some(5) => assert!(text.contains(WROTE), "{engine:?} {after}: {text}"),
                    code => panic!("{engine:?} {after}: {code:?} {text}"),
                }
                seen.extend(outcome.code());
            }
            assert!(seen.contains(&5), "{engine:?}: never stopped behind the source: {seen:?}");
        }
    }
}

#[test]
fn others_that_connect_meanwhile_are_seen_at_the_end() {
    if disk().is_none() {
        return;
    }
    for kind in [Kind::Postgres, Kind::Mysql] {
        let site = source(Engine::Sql(kind));
        let config = site.config();
        let export = ["-c", config.to_str().unwrap(), "-e", "dump"];
        let stopped = stopped_before(program(&site, &export), "change", "dump/subspace_p", 0).unwrap();
        let database = site.database();
        let mut client = database.server.client(&database.name);
        let connected = || -> u32 {
            let count = match kind {
                Kind::Postgres => "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()",
                Kind::Mysql => "SELECT count(*) FROM information_schema.processlist WHERE db = DATABASE()",
            };
            database.sql(count).parse().unwrap()
        };
        let before = connected();
        let client = client.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        let mut client = client.unwrap();
        while connected() == before {
            assert!(client.try_wait().unwrap().is_none());
            std::thread::sleep(Duration::from_millis(20));
        }
        stopped.goes_on().expect(5).says(&["others have connected to the database while it was read"]);
        no_dump(&site.path("dump"));
        // It writes nothing, so the dump is completed if that is agreed to.
        site.run(&["-e", "dump", "--resume", "--yes"]).expect(0);
        drop(client.stdin.take());
        client.wait().unwrap();
    }
}
