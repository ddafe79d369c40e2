//! Stores of real servers taken through a dump into every store we can write, and back into a dump.
//!
//! Equal content gives equal bytes: the second dump is the first one. What is written must also be what the
//! server would have made: its column families, its tables, its merge operator.

use std::collections::BTreeMap;
use std::fs;

use rusqlite::Connection;

use crate::harness::digests::check_digests;
use crate::harness::site;
use crate::harness::site::{
    EMBEDDED, Engine, RocksDb, Site, Sqlite, assert_same, fixture, letters, manifest, trace,
};

/// From both stores of a release into both kinds of store, empty and, where a start was recorded, fresh.
fn check(release: &str) {
    for from in EMBEDDED {
        let source = Site::of(release, from);
        let dump = source.export("dump");
        let mut verify = source.program();
        site::outcome({
            verify.arg("verify").arg(&dump);
            verify
        })
        .expect(0);
        for to in EMBEDDED {
            let mut targets = vec![Site::empty(release, to)];
            if !release.ends_with("killed") {
                targets.push(Site::fresh(release, to));
            }
            for target in targets {
                target.import_with(&dump, &[]).expect(0).says(&["read back and equal to the dump"]);
                assert_same(&dump, &target.export("again"));
                target.verify_against(&dump).expect(0);
            }
        }
    }
}

#[test]
fn schema_3() {
    check("0.13.4");
}

#[test]
fn schema_5() {
    check("0.15.5");
}

#[test]
fn schema_5_from_logs() {
    check("0.15.5-killed");
}

#[test]
fn schema_6() {
    check("0.16.18");
}

#[test]
fn neither_jobs_nor_memory_change_a_byte() {
    for engine in EMBEDDED {
        let source = Site::of("0.15.5", engine);
        let dump = source.export("dump");
        for (n, options) in [
            &["--jobs", "1"][..],
            &["--jobs", "8"],
            &["--memory", "16MiB"],
            &["--jobs=8", "--memory=16MiB"],
            &["--jobs", "1", "--memory", "1GiB"],
        ]
        .into_iter()
        .enumerate()
        {
            let name = format!("dump-{n}");
            source.export_with(&name, options).expect(0);
            assert_same(&dump, &source.path(&name));
            let target = Site::empty("0.15.5", engine);
            target.import_with(&source.path(&name), options).expect(0);
            assert_same(&dump, &target.export("again"));
        }
    }
}

/// Sums 8-byte little-endian integers, as the server's operator does.
fn add(_: &[u8], base: Option<&[u8]>, operands: &rocksdb::MergeOperands) -> Option<Vec<u8>> {
    let number = |bytes: &[u8]| bytes.try_into().map(i64::from_le_bytes).ok();
    operands
        .iter()
        .try_fold(base.map_or(Some(0), number)?, |sum, n| Some(sum + number(n)?))
        .map(|n| n.to_le_bytes().into())
}

fn open_as_the_server_does(site: &Site, letters: std::ops::RangeInclusive<char>) -> rocksdb::DB {
    let families = letters.map(|letter| {
        let mut options = rocksdb::Options::default();
        if "nuy".contains(letter) {
            options.set_merge_operator_associative("merge", add);
        }
        if letter == 't' {
            options.set_enable_blob_files(true);
        }
        rocksdb::ColumnFamilyDescriptor::new(letter, options)
    });
    rocksdb::DB::open_cf_descriptors(&rocksdb::Options::default(), site.store(), families).unwrap()
}

#[test]
fn a_rocksdb_result_is_what_the_server_opens() {
    for (release, families) in [("0.13.4", 'a'..='y'), ("0.15.5", 'a'..='z'), ("0.16.18", 'a'..='z')] {
        let dump = Site::of(release, Sqlite);
        let dump_dir = dump.export("dump");
        let target = Site::empty(release, RocksDb);
        target.import_with(&dump_dir, &[]).expect(0);

        let mut found = rocksdb::DB::list_cf(&rocksdb::Options::default(), target.store()).unwrap();
        found.sort();
        let expected: Vec<String> = families.clone().map(String::from).chain(["default".into()]).collect();
        let mut expected = expected;
        expected.sort();
        assert_eq!(found, expected, "{release}");
        let left: Vec<_> =
            fs::read_dir(target.store()).unwrap().map(|e| e.unwrap().path()).filter(|p| p.is_dir()).collect();
        assert!(left.is_empty(), "{left:?}");

        let db = open_as_the_server_does(&target, families);
        let counters = db.cf_handle("n").unwrap();
        let (key, before) = db.iterator_cf(&counters, rocksdb::IteratorMode::Start).next().unwrap().unwrap();
        db.merge_cf(&counters, &key, 1i64.to_le_bytes()).unwrap();
        let after = db.get_cf(&counters, &key).unwrap().unwrap();
        let number = |bytes: &[u8]| i64::from_le_bytes(bytes.try_into().unwrap());
        assert_eq!(number(&after), number(&before) + 1);
        db.compact_range_cf(&db.cf_handle("t").unwrap(), None::<&[u8]>, None::<&[u8]>);
        drop(db);

        // The one change is found, and nothing else.
        let outcome = target.verify_against(&dump_dir).verdict(4);
        assert!(outcome.text().contains("values differ from byte 0 on (8 and 8 bytes)"), "{outcome:?}");
        outcome.says(&["n (", "1 records differ"]);
    }
}

/// Tables of a database with their statements, white space aside.
fn tables(site: &Site) -> BTreeMap<String, String> {
    let database = Connection::open(site.store()).unwrap();
    let mut statement =
        database.prepare("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL").unwrap();
    let rows =
        statement.query_map([], |row| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?))).unwrap();
    let plain = |sql: String| {
        sql.split_whitespace().collect::<Vec<_>>().join(" ").replace("( ", "(").replace(" )", ")")
    };
    rows.map(|row| row.unwrap()).map(|(name, sql)| (name, plain(sql))).collect()
}

#[test]
fn a_sqlite_result_is_what_the_server_makes() {
    for release in ["0.13.4", "0.15.5", "0.16.18"] {
        let source = Site::of(release, RocksDb);
        let dump = source.export("dump");
        let target = Site::empty(release, Sqlite);
        target.import_with(&dump, &[]).expect(0);
        let files: Vec<_> =
            fs::read_dir(target.store_dir()).unwrap().map(|e| e.unwrap().file_name()).collect();
        assert_eq!(files, ["stalwart.sqlite3"], "no journal and no log is left");
        assert_eq!(tables(&target), tables(&Site::fresh(release, Sqlite)), "{release}");

        let database = Connection::open(target.store()).unwrap();
        let text = |pragma: &str| database.query_row(pragma, [], |row| row.get::<_, String>(0)).unwrap();
        assert_eq!(text("PRAGMA journal_mode"), "wal");
        assert_eq!(text("PRAGMA integrity_check"), "ok");
        let add = "INSERT INTO n (k, v) VALUES (x'ff', 1) ON CONFLICT (k) DO UPDATE SET v = v + excluded.v";
        assert_eq!(database.execute(add, []).unwrap(), 1);
        for table in ["n", "u", "y"] {
            let odd =
                format!("SELECT count(*) FROM {table} WHERE typeof(v) <> 'integer' OR typeof(k) <> 'blob'");
            assert_eq!(database.query_row(&odd, [], |row| row.get::<_, i64>(0)).unwrap(), 0, "{table}");
        }
        drop(database);
        let outcome = target.verify_against(&dump).verdict(4);
        assert!(outcome.text().contains("n (counter) ff: in the store, not in the dump"), "{outcome:?}");
    }
}

#[test]
fn the_servers_own_dumps_are_taken_with_a_word_about_what_they_cannot_prove() {
    for (release, absent, counted) in [
        ("0.15.5", "m (in_memory_value), y (in_memory_counter), z (search_index)", &[][..]),
        // The lease of the node that wrote the dump stays behind.
        ("0.16.18", "m (in_memory_value), w (", &[("g", 37)]),
    ] {
        for to in EMBEDDED {
            let target = Site::empty(release, to);
            let dump = fixture(&format!("stalwart-{release}/server-dump-of-rocksdb"));
            target.import_with(&dump, &[]).expect(0).says(&[
                "warning: cannot be proven: completeness",
                "warning: cannot be proven: blobs",
                "warning: cannot be proven: subspaces that are not in it: ",
                absent,
            ]);
            let expected = format!("stalwart-{release}/expected/server-dump-of-rocksdb.json");
            check_digests(&target.export("again"), &expected, counted);
            target.verify_against(&dump).expect(0).says(&["cannot be proven: completeness"]);
        }
    }
}

#[test]
fn a_part_goes_into_a_store_that_a_server_has_started() {
    let source = Site::of("0.15.5", RocksDb);
    source.export_with("dump", &["--types", "j,k,t"]).expect(0);
    let dump = source.path("dump");
    for to in EMBEDDED {
        let target = Site::fresh("0.15.5", to);
        let before = target.export("before");
        target.import_with(&dump, &[]).expect(0);
        target.export_with("part", &["--types=t,k,j"]).expect(0);
        assert_same(&dump, &target.path("part"));
        target.export_with("rest", &["--exclude", "j,k,t"]).expect(0);
        before.join("subspace_j").metadata().unwrap();
        for letter in ["j", "k", "t"] {
            fs::remove_file(before.join(format!("subspace_{letter}"))).unwrap();
        }
        assert_same(&before, &target.path("rest"));

        let empty = Site::empty("0.15.5", to);
        let nothing = trace(&empty.path(""));
        let outcome = empty.import_with(&dump, &[]).expect(5);
        assert!(outcome.error().contains("no schema-version record"), "{outcome:?}");
        assert_eq!(trace(&empty.path("")), nothing);
    }
}

#[test]
fn an_import_takes_the_whole_dump_unless_set_otherwise() {
    let source = Site::of("0.15.5", Sqlite);
    let dump = source.export("dump");
    let target = Site::empty("0.15.5", Engine::Sqlite);
    let mut command = target.program();
    command.arg("-c").arg(target.config()).arg("-i").arg(&dump).env("EXPORT_TYPES", "j,Q9,,");
    site::outcome(command).expect(0);
    assert_same(&dump, &target.export("again"));

    let target = Site::empty("0.15.5", RocksDb);
    target
        .import_with(&dump, &["--exclude", "z", "--types", "p,z,n"])
        .expect(0)
        .says(&["--types p,z,n: only a part"]);
    let counts = manifest(&target.export("again"));
    let with_records = counts["subspaces"].as_array().unwrap().iter().filter(|s| s["records"] != 0);
    assert_eq!(with_records.map(|s| s["letter"].as_str().unwrap()).collect::<String>(), "np");
    assert_eq!(letters(&target.path("again")), letters(&dump));
}

#[test]
fn rows_of_a_fresh_target_that_the_dump_lacks_are_kept_beside() {
    let source = Site::of("0.15.5", Sqlite);
    let dump = source.export("dump");
    let target = Site::fresh("0.15.5", Sqlite);
    let database = Connection::open(target.store()).unwrap();
    database
        .execute("INSERT INTO s (k, v) VALUES (CAST('my.own' AS BLOB), CAST('setting' AS BLOB))", [])
        .unwrap();
    drop(database);
    target
        .import_with(&dump, &[])
        .expect(0)
        .says(&["warning: 1 rows of the fresh target", "stalwart-migrate-replaced.jsonl"]);
    assert_same(&dump, &target.export("again"));
    let saved = fs::read_to_string(target.path("stalwart-migrate-replaced.jsonl")).unwrap();
    let saved: serde_json::Value = serde_json::from_str(saved.trim()).unwrap();
    assert_eq!((&saved["key_text"], &saved["value"]), (&"my.own".into(), &"73657474696e67".into()));
}

#[test]
fn every_command_speaks_json_on_request() {
    let source = Site::of("0.15.5", Sqlite);
    let target = Site::empty("0.15.5", RocksDb);
    let exported = source.export_with("dump", &["--json"]).expect(0);
    let dump = source.path("dump");
    let imported = target.import_with(&dump, &["--json", "--jobs", "2"]).expect(0);
    let verify = |more: &[&std::ffi::OsStr]| {
        let mut command = target.program();
        command.arg("verify").arg(&dump).arg("--json").args(more);
        site::outcome(command)
    };
    let verified = verify(&[]).expect(0);
    let compared = verify(&["--against".as_ref(), target.config().as_ref()]).expect(0);
    for (outcome, event) in
        [(&exported, "exported"), (&imported, "imported"), (&verified, "verified"), (&compared, "verified")]
    {
        let events = outcome.json();
        let last = events.last().unwrap();
        assert_eq!((&last["event"], &last["exit_code"]), (&event.into(), &0.into()), "{events:?}");
    }
    let last = imported.json().pop().unwrap();
    assert_eq!((&last["verified"], &last["schema_version"]), (&true.into(), &5.into()));
    assert_eq!(last["subspaces"].as_array().unwrap().len(), 21);

    // What goes wrong is an object too.
    let failed = target.import_with(&dump, &["--json", "--quiet"]).expect(5);
    let events = failed.json();
    assert_eq!((&events[0]["event"], &events[0]["exit_code"]), (&"failed".into(), &5.into()));
    assert_eq!(failed.error(), format!("error: {}", events[0]["error"].as_str().unwrap()));

    let mut catalog = site::bare();
    catalog.args(["catalog", "--json"]);
    assert!(site::outcome(catalog).expect(0).json().len() > 100);
}

#[test]
fn a_dry_run_of_an_import_writes_nothing() {
    let source = Site::of("0.15.5", RocksDb);
    let dump = source.export("dump");
    for target in [
        Site::empty("0.15.5", RocksDb),
        Site::empty("0.15.5", Sqlite),
        Site::fresh("0.15.5", RocksDb),
        Site::fresh("0.15.5", Sqlite),
    ] {
        let before = trace(&target.path(""));
        target.import_with(&dump, &["--dry-run"]).expect(0).says(&["dry run: nothing written"]);
        assert_eq!(trace(&target.path("")), before);
    }
}
