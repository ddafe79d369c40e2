//! Two runs, or a run and a server, on one target: one of them has it, and the other fails without having changed it.
//!
//! A run is stopped at any read of its dump by `harness/disk.c`, something else happens to the target, and the run
//! goes on. So nothing depends on who is faster.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use rusqlite::Connection;

use crate::harness::database_servers;
use crate::harness::database_servers::Kind;
use crate::harness::preload;
use crate::harness::preload::{disk, stopped_at, stopped_before};
use crate::harness::site::{ENGINES, Engine, Site, assert_same, outcome};

/// Two dumps of one schema version with different records: that of a store, and the same with another setting.
fn dumps() -> &'static [PathBuf; 2] {
    static DUMPS: OnceLock<[PathBuf; 2]> = OnceLock::new();
    DUMPS.get_or_init(|| {
        let site = Box::leak(Box::new(Site::plain_of("0.15.5", Engine::Sqlite).unwrap()));
        // Databases on servers have no place for the search index.
        site.run(&["-e", "one", "--exclude", "@search"]).expect(0);
        let database = Connection::open(site.store()).unwrap();
        database.execute("INSERT INTO s VALUES (CAST('other' AS BLOB), x'31')", []).unwrap();
        drop(database);
        site.run(&["-e", "other", "--exclude", "@search"]).expect(0);
        [site.path("one"), site.path("other")]
    })
}

fn command(site: &Site, arguments: &[&str]) -> Command {
    let mut program = site.with_config(arguments);
    program.stdout(Stdio::piped()).stderr(Stdio::piped());
    program
}

/// An export of what the dumps have.
fn export(site: &Site) -> PathBuf {
    site.run(&["-e", "again", "--exclude", "@search"]).expect(0);
    site.path("again")
}

/// A dump beside the configuration of a site, so that its states are its own.
fn copy(dump: &Path, site: &Site, name: &str) -> PathBuf {
    let copy = site.path(name);
    assert!(Command::new("cp").arg("-r").arg(dump).arg(&copy).status().unwrap().success());
    copy
}

/// What may happen to a target between the look at it and its lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Event {
    /// Another import fills it.
    Import,
    /// A server starts, writes and stops: where there is no store, it makes one.
    Row,
    /// A server has it open.
    Server,
}

/// Holds a store as a server does, until it goes.
enum Server {
    RocksDb { _db: rocksdb::DB },
    Sqlite(Connection),
    Sql(std::process::Child),
    None,
}

impl Drop for Server {
    fn drop(&mut self) {
        match self {
            Server::Sql(client) => {
                drop(client.stdin.take());
                client.wait().unwrap();
            }
            Server::Sqlite(connection) => connection.execute_batch("ROLLBACK").unwrap(),
            Server::RocksDb { .. } | Server::None => {}
        }
    }
}

/// Writes a row of data into the store of a site, by its own engine.
fn write_row(site: &Site, engine: Engine) -> Server {
    let path = site.store();
    match engine {
        Engine::RocksDb => {
            let mut options = rocksdb::Options::default();
            options.create_if_missing(true);
            options.create_missing_column_families(true);
            let there = rocksdb::DB::list_cf(&options, &path).unwrap_or_default();
            let families = if there.is_empty() { vec!["p".to_string()] } else { there };
            let plain = families.iter().filter(|name| !["n", "u", "y"].contains(&name.as_str()));
            // Counters need their merge operator; a look at them is not needed here.
            let mut descriptors: Vec<_> = plain
                .map(|name| rocksdb::ColumnFamilyDescriptor::new(name, rocksdb::Options::default()))
                .collect();
            for name in families.iter().filter(|name| ["n", "u", "y"].contains(&name.as_str())) {
                let mut options = rocksdb::Options::default();
                options.set_merge_operator_associative("merge", |_, _, _| None);
                descriptors.push(rocksdb::ColumnFamilyDescriptor::new(name, options));
            }
            let db = rocksdb::DB::open_cf_descriptors(&options, &path, descriptors).unwrap();
            db.put_cf(&db.cf_handle("p").unwrap(), b"odd", b"of a server").unwrap();
            Server::RocksDb { _db: db }
        }
        Engine::Sqlite => {
            let database = Connection::open(&path).unwrap();
            database
                .execute_batch(
                    "CREATE TABLE IF NOT EXISTS p (k BLOB PRIMARY KEY, v BLOB NOT NULL);
                     INSERT INTO p VALUES (CAST('odd' AS BLOB), x'31'); BEGIN IMMEDIATE",
                )
                .unwrap();
            Server::Sqlite(database)
        }
        Engine::Sql(kind) => {
            let (create, odd) = match kind {
                Kind::Postgres => (
                    "CREATE TABLE IF NOT EXISTS p (k BYTEA PRIMARY KEY, v BYTEA NOT NULL);",
                    "'\\x6f6464'::bytea",
                ),
                Kind::Mysql => (
                    "CREATE TABLE IF NOT EXISTS p (k TINYBLOB, v MEDIUMBLOB NOT NULL, PRIMARY KEY (k(255)));",
                    "x'6f6464'",
                ),
            };
            site.database().sql(&format!("{create} INSERT INTO p VALUES ({odd}, {odd})"));
            let database = site.database();
            let mut client = database.server.client(&database.name);
            let client = client.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
            Server::Sql(client.unwrap())
        }
    }
}

fn happen(event: Event, site: &Site, engine: Engine, other: &Path) -> Server {
    match event {
        Event::Import => {
            site.run(&["-i", other.to_str().unwrap(), "--no-verify"]).expect(0);
            Server::None
        }
        Event::Row => {
            drop(write_row(site, engine));
            Server::None
        }
        Event::Server => write_row(site, engine),
    }
}

/// The one setting of a server is there, or everything of the other import, and nothing else.
fn untouched(event: Event, site: &Site, engine: Engine, other: &Path) {
    if event == Event::Import {
        assert_same(other, &export(site));
        return;
    }
    let path = site.store();
    let rows = match engine {
        Engine::RocksDb => {
            let options = rocksdb::Options::default();
            let families = rocksdb::DB::list_cf(&options, &path).unwrap();
            assert!(families.len() == 2, "no family was added: {families:?}");
            let db = rocksdb::DB::open_cf_for_read_only(&options, &path, families, false).unwrap();
            let rows = db.iterator_cf(&db.cf_handle("p").unwrap(), rocksdb::IteratorMode::Start).count();
            i64::try_from(rows).unwrap()
        }
        Engine::Sqlite => {
            let database = Connection::open(&path).unwrap();
            let tables: i64 = database
                .query_row("SELECT count(*) FROM sqlite_master WHERE type = 'table'", [], |r| r.get(0))
                .unwrap();
            assert_eq!(tables, 1);
            database.query_row("SELECT count(*) FROM p", [], |row| row.get(0)).unwrap()
        }
        Engine::Sql(_) => site.database().sql("SELECT count(*) FROM p").parse().unwrap(),
    };
    assert_eq!(rows, 1, "{event:?} {engine:?}");
}

/// Stops an import into nothing at several reads of its dump; what happens meanwhile keeps it from the target.
fn a_target_that_changes(event: Event) {
    if disk().is_none() {
        return;
    }
    for engine in ENGINES.iter().copied() {
        let mut hits = 0;
        // The first reads come before the target is looked at, the last ones are of the checksums.
        for after in 0..8 {
            let site = Site::plain(engine);
            let [one, other] = dumps();
            let (one, other) = (copy(one, &site, "one"), copy(other, &site, "other"));
            let run = command(&site, &["-i", one.to_str().unwrap()]);
            let Some(stopped) = stopped_at(run, "subspace_l", after) else { break };
            if fs::read_dir(one.join("manifest")).unwrap().count() > 2 {
                // It has the target already.
                stopped.goes_on().expect(0);
                break;
            }
            hits += 1;
            let server = happen(event, &site, engine, &other);
            let outcome = stopped.goes_on();
            drop(server);
            outcome.expect(5);
            untouched(event, &site, engine, &other);
            let states = fs::read_dir(one.join("manifest")).unwrap().count();
            assert_eq!(states, 2, "a refused run leaves no state: {engine:?} {after}");
        }
        assert!(hits > 1, "{engine:?} was never stopped");
    }
}

#[test]
fn a_target_that_another_import_fills_meanwhile_is_left_alone() {
    a_target_that_changes(Event::Import);
}

#[test]
fn a_target_that_a_server_writes_meanwhile_is_left_alone() {
    a_target_that_changes(Event::Row);
}

#[test]
fn a_target_that_a_server_opens_meanwhile_is_left_alone() {
    a_target_that_changes(Event::Server);
}

#[test]
fn what_was_agreed_to_be_wiped_is_what_was_there() {
    if disk().is_none() {
        return;
    }
    for engine in ENGINES.iter().copied() {
        let site = Site::plain(engine);
        let [one, other] = dumps();
        let (one, other) = (copy(one, &site, "one"), copy(other, &site, "other"));
        let run = command(&site, &["-i", one.to_str().unwrap(), "--wipe-target", "--yes"]);
        let stopped = stopped_at(run, "subspace_l", 1).unwrap();
        // Nothing was there, so nothing was agreed to.
        site.run(&["-i", other.to_str().unwrap(), "--no-verify"]).expect(0);
        let says = ["the target has changed since it was looked at"];
        stopped.goes_on().expect(5).says(&says);
        assert_same(&other, &export(&site));
    }
}

#[test]
fn of_two_imports_into_one_absent_store_one_wins() {
    for engine in ENGINES.iter().copied() {
        let site = Site::plain(engine);
        let [one, other] = dumps();
        let dumps = [copy(one, &site, "one"), copy(other, &site, "other")];
        let children: Vec<_> = dumps
            .iter()
            .map(|dump| command(&site, &["-i", dump.to_str().unwrap()]).spawn().unwrap())
            .collect();
        let outputs: Vec<_> = children.into_iter().map(|child| child.wait_with_output().unwrap()).collect();
        let codes: Vec<_> = outputs.iter().map(|output| output.status.code().unwrap()).collect();
        let printed =
            || outputs.iter().map(|o| String::from_utf8_lossy(&o.stderr).into_owned()).collect::<String>();
        let winners: Vec<_> = (0..2).filter(|n| codes[*n] == 0).collect();
        // On a database both may see each other and give way.
        assert!(winners.len() == 1 || codes == [5, 5], "{engine:?} {codes:?}: {}", printed());
        assert!(codes.iter().all(|code| [0, 1, 5].contains(code)), "{engine:?} {codes:?}: {}", printed());
        for winner in winners {
            assert_same(&dumps[winner], &export(&site));
        }
    }
}

/// A target whose blobs lie in a directory, which another target may share.
fn with_files(site: &Site, blobs: &Path) {
    let text = fs::read_to_string(site.config()).unwrap();
    let text = text.replace("blob = \"db\"", "blob = \"files\"");
    let files = format!("[store.files]\ntype = \"fs\"\npath = \"{}\"\ndepth = 2\n", blobs.display());
    fs::write(site.config(), text + &files).unwrap();
}

/// How a run fills a target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Import,
    Copy,
}

/// Arguments of a run that fills the target from the first dump, or from a store with its records.
fn filling(way: Way, target: &Site, dump: &Path, source: &Site, wipe: bool) -> Vec<String> {
    let text = |path: &Path| path.to_str().unwrap().to_string();
    let mut arguments = match way {
        Way::Import => vec!["-c".into(), text(&target.config()), "-i".into(), text(dump)],
        Way::Copy => {
            let ends = [text(&source.config()), text(&target.config())];
            let [from, to] = ends;
            vec![
                "copy".into(),
                "--from".into(),
                from,
                "--to".into(),
                to,
                "--exclude".into(),
                "@search".into(),
            ]
        }
    };
    if wipe {
        arguments.extend(["--wipe-target".into(), "--yes".into()]);
    }
    arguments
}

fn fill(site: &Site, arguments: &[String]) -> Command {
    let mut program = site.program();
    program.args(arguments).stdout(Stdio::piped()).stderr(Stdio::piped());
    program
}

/// Whether a run has its target: it has left a state, in its dump or where it was started.
fn at_work(dump: &Path, site: &Site) -> bool {
    let states = |dir: &Path, begin: &str| {
        let names = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name());
        names.filter(|name| name.to_string_lossy().starts_with(begin)).count()
    };
    states(&dump.join("manifest"), "import-") + states(site.dir(), "stalwart-migrate-copy-") > 0
}

/// Stops a run while it fills its target.
fn stopped_at_work(way: Way, target: &Site, dump: &Path, source: &Site) -> preload::Stopped {
    let blobs = target.path("blobs");
    let apart = fs::read_to_string(target.config()).unwrap().contains("[store.files]");
    let (kind, file, step) = match (way, &source.database) {
        // The first blob that is written.
        _ if apart => ("change", blobs, 1),
        (Way::Import, _) => ("read", dump.join("subspace_"), 4),
        // Read in place, or as a copy of the same name.
        (Way::Copy, None) => ("read", PathBuf::from("/store"), 4),
        (Way::Copy, Some(_)) => ("change", PathBuf::from("socket:"), 40),
    };
    // What comes first on a database is asked for, not filled.
    let first = if step == 40 { 160 } else { 0 };
    for after in (first..).step_by(step) {
        let run = fill(target, &filling(way, target, dump, source, false));
        let stopped = stopped_before(run, kind, file.to_str().unwrap(), after);
        let Some(stopped) = stopped else { panic!("{way:?} ends before it is at work") };
        if at_work(dump, target) {
            return stopped;
        }
        stopped.killed();
        target.database.iter().for_each(database_servers::Database::wait_for_leavers);
    }
    unreachable!()
}

/// Opens a store as a server does, to write; whether it was let in. A database on a server lets everything in.
fn lets_a_server_in(site: &Site, engine: Engine) -> bool {
    let path = site.store();
    match engine {
        Engine::RocksDb => {
            let mut options = rocksdb::Options::default();
            let families = rocksdb::DB::list_cf(&options, &path).unwrap();
            options.set_merge_operator_associative("merge", |_, _, _| None);
            let all = families.iter().map(|name| (name, options.clone()));
            rocksdb::DB::open_cf_with_opts(&options, &path, all).is_ok()
        }
        Engine::Sqlite => {
            let database = Connection::open(&path).unwrap();
            database.busy_timeout(std::time::Duration::ZERO).unwrap();
            database.execute_batch("BEGIN IMMEDIATE; CREATE TABLE new (k); COMMIT").is_ok()
        }
        Engine::Sql(_) => false,
    }
}

#[test]
fn what_fills_a_target_keeps_every_other_run_out_of_both_ends() {
    if disk().is_none() {
        return;
    }
    let [one, other] = dumps();
    for engine in ENGINES.iter().copied() {
        for way in [Way::Import, Way::Copy] {
            for shared_blobs in [false, true] {
                let what = format!("{engine:?} {way:?} {shared_blobs}");
                let (target, source) = (Site::plain(engine), Site::plain(engine));
                // The other target: the same one, or another data store with the same blobs.
                let beside = Site::plain(Engine::Sqlite);
                let blobs = target.path("blobs");
                if shared_blobs {
                    with_files(&target, &blobs);
                    with_files(&beside, &blobs);
                }
                let (one, other) = (copy(one, &target, "one"), copy(other, &target, "other"));
                source.run(&["-i", one.to_str().unwrap()]).expect(0);
                let stopped = stopped_at_work(way, &target, &one, &source);
                let second = if shared_blobs { &beside } else { &target };
                let refuse = |site: &Site, arguments: &[String]| {
                    let outcome = outcome(fill(site, arguments));
                    assert_eq!(outcome.code(), Some(5), "{what}: {arguments:?}: {outcome:?}");
                };
                for (rival, wipe) in [(Way::Import, false), (Way::Import, true), (Way::Copy, true)] {
                    refuse(&beside, &filling(rival, second, &other, &source, wipe));
                }
                assert!(shared_blobs || !lets_a_server_in(&target, engine), "{what}");
                if way == Way::Copy {
                    // Nothing may write to what it reads from.
                    refuse(&beside, &filling(Way::Import, &source, &other, &source, true));
                    // In write-ahead mode SQLite meets no lock of a reader; then the write is seen at the end.
                    assert!(engine == Engine::Sqlite || !lets_a_server_in(&source, engine), "{what}");
                }
                let outcome = stopped.goes_on();
                assert_eq!(outcome.code(), Some(0), "{what}: {outcome:?}");
                assert_same(&one, &export(&target));
            }
        }
    }
}
