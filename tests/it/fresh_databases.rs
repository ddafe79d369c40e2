//! PostgreSQL and MySQL as targets that a first start has touched, as targets to be emptied, behind connections
//! that are lost and found again, and as sources that must not change.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use rusqlite::Connection;
use rusqlite::types::Value;
use rustix::process::{Pid, Signal, kill_process};
use stalwart_migrate::catalog::{self, FreshRule, SchemaVersion, Subspace, ValueKind};

use crate::harness::database_servers::{Database, Kind};
use crate::harness::proxy::{Cut, mendable};
use crate::harness::site::{Engine, Site, assert_same, assert_same_without_index, ended, started};
use crate::harness::started::{Row, backend, configure, fresh, hex, insert, literal, rows};

const KINDS: [Kind; 2] = [Kind::Postgres, Kind::Mysql];

/// Releases with a fixture and their schema versions.
const RELEASES: [(&str, u32); 3] = [("0.13.4", 3), ("0.15.5", 5), ("0.16.18", 6)];

/// A site with the store of a release, and its dump.
fn source((release, version): (&str, u32)) -> (Site, PathBuf) {
    let site = Site::plain_of(release, Engine::Sqlite).unwrap();
    configure(&site, version);
    let dump = site.export("dump");
    (site, dump)
}

/// Names and checksums of all tables of a database.
fn state(database: &Database) -> String {
    let schema = if database.server.kind == Kind::Postgres { "'public'" } else { "database()" };
    let names = database.sql(&format!(
        "SELECT table_name FROM information_schema.tables WHERE table_schema = {schema} ORDER BY table_name"
    ));
    let sums = names.lines().map(|name| match database.server.kind {
        Kind::Postgres => format!(
            "SELECT count(*), md5(coalesce(string_agg(md5(r::text), '' ORDER BY md5(r::text)), '')) FROM {name} r;\n"
        ),
        Kind::Mysql => format!("SELECT count(*) FROM {name}; CHECKSUM TABLE {name} EXTENDED;\n"),
    });
    let sums: String = sums.collect();
    format!("{names}\n{}", if sums.is_empty() { sums } else { database.sql(&sums) })
}

fn leases(database: &Database) -> String {
    database.sql(match database.server.kind {
        Kind::Postgres => {
            "SELECT encode(k, 'hex'), encode(v, 'hex') FROM g WHERE k >= '\\xffffffff' ORDER BY k"
        }
        Kind::Mysql => "SELECT hex(k), hex(v) FROM g WHERE k >= x'ffffffff' ORDER BY k",
    })
}

#[test]
fn a_database_that_a_first_start_has_touched_is_fresh() {
    for release in RELEASES {
        let (_source, dump) = source(release);
        for kind in KINDS {
            let target = fresh(Engine::Sql(kind), release);
            let before = state(target.database());
            target
                .run(&["--dry-run", "-i", dump.to_str().unwrap()])
                .expect(0)
                .shows(&["as a first start leaves it"]);
            assert_eq!(state(target.database()), before);
            let setting: Row = (b"my.own".to_vec(), Value::Blob(b"kept beside".to_vec()));
            if release.1 < 6 {
                target.database().sql(&insert(kind, 's', &setting));
            }
            let own = if release.1 == 6 { leases(target.database()) } else { String::new() };
            assert_eq!(own.lines().count(), usize::from(release.1 == 6), "{own}");
            let printed = target
                .run(&["--report", "report.txt", "-i", dump.to_str().unwrap()])
                .expect(0)
                .says(&["read back and equal to the dump"]);
            let saved = fs::read_to_string(target.path("report.txt.replaced.jsonl")).unwrap_or_default();
            assert_eq!(
                printed.everything().contains("report.txt.replaced.jsonl"),
                !saved.is_empty(),
                "{}",
                printed.everything()
            );
            assert_eq!(saved.contains(&hex(b"my.own")), release.1 < 6, "{saved}");
            assert_same_without_index(&dump, &target.export("again"));
            if release.1 == 6 {
                assert_eq!(leases(target.database()), own);
            }
        }
    }
}

fn refusing(version: &'static SchemaVersion, kind: Kind) -> impl Iterator<Item = &'static Subspace> {
    let subspaces = version.subspaces.iter();
    subspaces.filter(move |s| s.fresh == FreshRule::Refuse && s.table(backend(kind)).is_ok())
}

#[test]
fn one_row_of_data_makes_a_database_no_fresh_one() {
    for release in [RELEASES[1], RELEASES[2]] {
        let (from, dump) = source(release);
        for kind in KINDS {
            let target = fresh(Engine::Sql(kind), release);
            let database = target.database();
            let before = state(database);
            let mut refused = 0;
            for subspace in refusing(catalog::version(release.1).unwrap(), kind) {
                let real = rows(&from.store(), subspace).into_iter().find(|(key, value)| {
                    let value = if let Value::Blob(bytes) = value { &bytes[..] } else { &[0; 8] };
                    subspace.check(key, value).is_ok_and(|layout| layout.fresh.is_none())
                });
                let known = real.is_some();
                let row = real.unwrap_or_else(|| match subspace.value {
                    ValueKind::None => (b"odd".to_vec(), Value::Null),
                    ValueKind::Counter => (b"odd".to_vec(), Value::Integer(7)),
                    _ => (b"odd".to_vec(), Value::Blob(b"value".to_vec())),
                });
                database.sql(&insert(kind, subspace.letter, &row));
                let subject = format!("subspace {} ({}) has 1 row, such as", subspace.letter, subspace.name);
                let key = hex(&row.0);
                let says = ["the target is not empty", &subject, &key, "--wipe-target"];
                let outcome = target.import(&dump).expect(5).says(&says);
                let decoded =
                    outcome.everything().contains(&format!("{key} = {}", subspace.describe(&row.0)));
                assert!(decoded || !known, "{}", outcome.everything());
                let gone = format!("DELETE FROM {} WHERE k = {}", subspace.letter, literal(kind, &row.0));
                database.sql(&gone);
                refused += 1;
            }
            assert!(refused > 8, "{refused}");
            assert_eq!(state(database), before, "no refusal has changed a thing");
            target.import(&dump).expect(0);
        }
    }
}

#[test]
fn a_database_is_emptied_only_when_agreed_to() {
    for release in [RELEASES[1], RELEASES[2]] {
        let (_source, dump) = source(release);
        for kind in KINDS {
            let target = fresh(Engine::Sql(kind), release);
            let database = target.database();
            target.import(&dump).expect(0);
            let own = if release.1 == 6 { leases(database) } else { String::new() };
            let before = state(database);
            let dump = dump.to_str().unwrap();
            target.run(&["-i", dump]).expect(5).says(&["the target is not empty", "--wipe-target"]);
            let says = ["--wipe-target destroys", "no terminal on which to agree", "--yes"];
            target.run(&["-i", dump, "--wipe-target"]).expect(5).says(&says);
            target.run(&["-i", dump, "--wipe-target", "--dry-run"]).expect(0).shows(&["will be emptied"]);
            database.sql("CREATE TABLE invoices (id INT); INSERT INTO invoices VALUES (1)");
            let says = ["what --wipe-target does not touch", "invoices"];
            target.run(&["-i", dump, "--wipe-target", "--yes"]).expect(5).says(&says);
            database.sql("DROP TABLE invoices");
            assert_eq!(state(database), before);
            target
                .run(&["-i", dump, "--wipe-target", "--yes"])
                .expect(0)
                .says(&["read back and equal to the dump"]);
            assert_same_without_index(Path::new(dump), &target.export("again"));
            if release.1 == 6 {
                assert_eq!(leases(database), own);
            }
        }
    }
}

/// The dump of a store of 0.15.5 with so many settings that a run on it can be disturbed: some 20 MB.
fn large() -> &'static Path {
    static DUMP: OnceLock<PathBuf> = OnceLock::new();
    DUMP.get_or_init(|| {
        let site = Site::plain_of("0.15.5", Engine::Sqlite).unwrap();
        let database = Connection::open(site.store()).unwrap();
        database
            .execute_batch(
                "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 80000)
                 INSERT INTO s SELECT CAST(printf('lookup.bulk.%08d', i) AS BLOB),
                 CAST(hex(randomblob(120)) AS BLOB) FROM n",
            )
            .unwrap();
        drop(database);
        // Databases on servers have no place for the search index.
        site.run(&["-e", "dump", "--exclude", "@search"]).expect(0);
        Box::leak(Box::new(site)).path("dump")
    })
}

/// A database that holds it.
fn filled(kind: Kind) -> Site {
    let site = Site::plain(Engine::Sql(kind));
    site.import(large()).expect(0);
    site
}

#[test]
fn what_a_lost_connection_has_interrupted_goes_on() {
    for kind in KINDS {
        let source = filled(kind);
        let before = state(source.database());
        for bytes in [300_000, 9_000_000] {
            let (port, mend) = mendable(source.database().server.port, Cut::Down(bytes));
            source.configure(&[("port", &port.to_string())]);
            let dump = format!("cut{bytes}");
            let says = ["the connection was lost", "--resume"];
            source.run(&["-e", &dump, "--exclude", "@search"]).expect(1).says(&says);
            assert!(!source.path(&dump).join("manifest/manifest.json").exists());
            mend();
            source.run(&["-e", &dump, "--exclude", "@search", "--resume"]).expect(0);
            assert_same(large(), &source.path(&dump));
        }
        assert_eq!(state(source.database()), before);
        for bytes in [300_000, 9_000_000] {
            let target = Site::plain(Engine::Sql(kind));
            let (port, mend) = mendable(target.database().server.port, Cut::Up(bytes));
            target.configure(&[("port", &port.to_string())]);
            let says = ["the connection was lost", "do not start the server on it", "--resume"];
            target.import(large()).expect(1).says(&says);
            mend();
            target.run(&["-e", "half"]).expect(5).says(&["the store states no schema version"]);
            target
                .run(&["-i", large().to_str().unwrap(), "--resume"])
                .expect(0)
                .says(&["read back and equal"]);
            assert_same(large(), &target.export("again"));
        }
    }
}

/// An import of `dump` into an empty database that has begun and is held; the state of the run stands in the dump.
fn held(target: &Site, dump: &Path) -> Child {
    let mut program = target.with_config(&["-i"]);
    let child = started(program.arg(dump).args(["--jobs", "1"]));
    let (begin, manifest) = (Instant::now(), dump.join("manifest"));
    // The state comes before the target is locked, the tables after it.
    let tables = match target.database().server.kind {
        Kind::Postgres => "SELECT count(*) FROM information_schema.tables WHERE table_schema = 'public'",
        Kind::Mysql => "SELECT count(*) FROM information_schema.tables WHERE table_schema = database()",
    };
    while fs::read_dir(&manifest).unwrap().count() < 3
        || target.database().sql(tables).parse::<u32>().unwrap() < 15
    {
        assert!(begin.elapsed() < Duration::from_secs(60), "the import does not begin");
        std::thread::sleep(Duration::from_millis(1));
    }
    std::thread::sleep(Duration::from_millis(200));
    send(&child, Signal::STOP);
    child
}

/// A copy of a dump beside the configuration of a site.
fn copy(dump: &Path, site: &Site) -> PathBuf {
    let copy = site.path("copy");
    assert!(Command::new("cp").arg("-r").arg(dump).arg(&copy).status().unwrap().success());
    copy
}

fn send(child: &Child, signal: Signal) {
    kill_process(Pid::from_child(child), signal).unwrap();
}

#[test]
fn the_second_of_two_imports_into_one_database_is_refused() {
    for kind in KINDS {
        let target = Site::plain(Engine::Sql(kind));
        let dump = copy(large(), &target);
        let first = held(&target, &dump);
        // With consent to other sessions, the lock of the other run is still found.
        for (more, says) in [
            (&[][..], "others are connected to the database"),
            (&["--wipe-target", "--yes"], "another run of this program uses the database"),
        ] {
            let second = target.run(&[&["-i", dump.to_str().unwrap()], more].concat()).expect(5);
            let error = second.stderr.lines().last().unwrap();
            assert!(error.starts_with("error: ") && error.contains(says), "{}", second.everything());
        }
        send(&first, Signal::CONT);
        ended(first).expect(0).says(&["read back and equal to the dump"]);
        assert_same(&dump, &target.export("again"));
    }
}

#[test]
fn an_interrupted_import_into_a_database_is_resumed() {
    for kind in KINDS {
        for (signals, says) in [
            (&[Signal::TERM][..], &["interrupted", "do not start the server on it", "--resume"][..]),
            (&[Signal::INT, Signal::TERM], &[]),
        ] {
            let target = Site::plain(Engine::Sql(kind));
            let dump = copy(large(), &target);
            let child = held(&target, &dump);
            signals.iter().for_each(|signal| send(&child, *signal));
            send(&child, Signal::CONT);
            let outcome = ended(child);
            assert_eq!(outcome.code(), Some(130), "{}", outcome.everything());
            says.iter().for_each(|words| {
                assert!(outcome.everything().contains(words), "{words}: {}", outcome.everything())
            });
            target.run(&["-i", dump.to_str().unwrap(), "--resume"]).expect(0).says(&["read back and equal"]);
            assert_same(&dump, &target.export("again"));
        }
    }
}

#[test]
fn a_database_that_is_read_stays_as_it_is() {
    for kind in KINDS {
        let source = Site::of("0.15.5", Engine::Sql(kind));
        let before = state(source.database());
        let dump = source.export("dump");
        let dump = dump.to_str().unwrap();
        for arguments in [
            &["-e", "dry", "--dry-run"][..],
            &["-e", "part", "--types", "s,p"],
            &["verify", dump, "--against", "config.toml"],
            &["inspect"],
            &["inspect", "--subspace", "s"],
            &["diff", dump, "config.toml"],
        ] {
            source.run(arguments).expect(0);
            assert_eq!(state(source.database()), before, "{kind:?} {arguments:?}");
        }
    }
}

/// Rows of a former installation in two of the search tables; the fixtures of 0.15.5 have them all.
fn search_rows(database: &Database) -> String {
    let tables = ["s_email", "s_cal", "s_card", "s_trace"];
    let counts = tables.map(|table| format!("SELECT '{table}', count(*) FROM {table};\n"));
    database.sql(&counts.concat())
}

fn emptied(kind: Kind) -> Site {
    let site = Site::of("0.15.5", Engine::Sql(kind));
    let version = catalog::version(5).unwrap();
    let tables = version.subspaces.iter().filter_map(|s| s.table(backend(kind)).ok());
    site.database().sql(&tables.map(|table| format!("DELETE FROM {};\n", table.name)).collect::<String>());
    site
}

fn no_search_rows(site: &Site) {
    let rows = search_rows(site.database());
    assert!(rows.lines().count() == 4 && rows.lines().all(|line| line.ends_with('0')), "{rows}");
    for table in ["s_email", "s_trace"] {
        assert_eq!(site.database().sql(&format!("SELECT count(*) FROM {table}")), "0");
    }
}

#[test]
fn search_tables_with_rows_are_in_the_way_of_a_whole_database() {
    let (from, dump) = source(RELEASES[1]);
    let dump = dump.to_str().unwrap();
    for kind in KINDS {
        let target = emptied(kind);
        let before = state(target.database());
        let says = ["the target is not empty", "table s_email (Search table of e-mail)", "--wipe-target"];
        for more in [&[][..], &["--yes"], &["--dry-run"]] {
            target.run(&[&["-i", dump], more].concat()).expect(5).says(&says);
        }
        assert_eq!(state(target.database()), before, "no refusal has changed a thing");
        let says = ["will be emptied", "all of s_email"];
        target.run(&["-i", dump, "--wipe-target", "--dry-run"]).expect(0).shows(&says);
        target
            .run(&["-i", dump, "--wipe-target"])
            .expect(5)
            .says(&["--wipe-target destroys", "all of s_email"]);
        assert_eq!(state(target.database()), before);
        let says = ["the tables s_email", "were emptied", "re-index", "read back and equal to the dump"];
        target.run(&["-i", dump, "--wipe-target", "--yes"]).expect(0).says(&says);
        no_search_rows(&target);
        // A used target, and from another store.
        let used = Site::of("0.15.5", Engine::Sql(kind));
        let (from, to) = (from.config(), used.config());
        let (from, to) = (from.to_str().unwrap(), to.to_str().unwrap());
        used.run_bare(&["copy", "--from", from, "--to", to, "--wipe-target", "--yes"])
            .expect(0)
            .says(&["all of s_email", "were emptied"]);
        no_search_rows(&used);
    }
}

#[test]
fn search_tables_stay_when_a_part_is_loaded() {
    let (part_of, _) = source(RELEASES[1]);
    part_of.run(&["-e", "part", "--types", "m"]).expect(0);
    let part = part_of.path("part");
    for kind in KINDS {
        let target = Site::of("0.15.5", Engine::Sql(kind));
        target.database().sql("DELETE FROM m");
        let before = search_rows(target.database());
        target.import(&part).expect(0).says(&["the tables s_email", "were left as they are", "re-index"]);
        target
            .run(&["-i", part.to_str().unwrap(), "--wipe-target", "--yes"])
            .expect(0)
            .says(&["were left as they are"]);
        assert_eq!(search_rows(target.database()), before);
    }
}

#[test]
fn an_import_does_not_go_on_beside_search_tables_with_rows() {
    for kind in KINDS {
        let target = emptied(kind);
        let dump = copy(large(), &target);
        let text = dump.to_str().unwrap();
        target
            .database()
            .sql("DELETE FROM s_email; DELETE FROM s_cal; DELETE FROM s_card; DELETE FROM s_trace");
        // What a run leaves that was killed while it emptied them: its state, and rows.
        let child = held(&target, &dump);
        send(&child, Signal::KILL);
        ended(child);
        target.database().sql("INSERT INTO s_email (accid, docid) VALUES (7, 7)");
        let says = ["cannot go on", "table s_email", "--wipe-target"];
        target.run(&["-i", text, "--resume"]).expect(5).says(&says);
        target
            .run(&["-i", text, "--wipe-target", "--yes"])
            .expect(0)
            .says(&["were emptied", "read back and equal"]);
        no_search_rows(&target);
    }
}
