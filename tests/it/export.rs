//! Exports of stores that real servers wrote, compared with what an independent reader found in them.
//!
//! Whatever state a store was left in, every record is in the dump and no byte of the store has changed.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use serde_json::Value;

use crate::harness::digests::{Counted, check_digests};
use crate::harness::site;
use crate::harness::site::{Engine, RocksDb, Site, Sqlite, findings, manifest, outcome, trace};

/// Exports, compares, and looks at the store again.
#[track_caller]
fn check(site: &Site, expected: &str, counted: Counted<'_>) -> PathBuf {
    let before = trace(&site.store_dir());
    assert!(!before.is_empty());
    let dump = site.export("dump");
    assert_eq!(trace(&site.store_dir()), before, "the store has changed");
    check_digests(&dump, expected, counted);
    dump
}

#[test]
fn stores_of_0_15_5() {
    check(&Site::of("0.15.5", RocksDb), "stalwart-0.15.5/expected/rocksdb.json", &[]);
    let site = Site::of("0.15.5", Sqlite);
    let dump = check(&site, "stalwart-0.15.5/expected/sqlite.json", &[]);
    let manifest = manifest(&dump);
    for (name, value) in
        [("schema_version", Value::from(5)), ("source", "sqlite".into()), ("completeness", "complete".into())]
    {
        assert_eq!(manifest[name], value, "{name}");
    }
    assert!(manifest["skipped"].as_array().unwrap().is_empty());
    assert_eq!(findings(&dump), Vec::<Value>::new());
    // No other user may read mail and secrets in clear.
    for (path, mode) in
        [("", 0o700), ("manifest", 0o700), ("subspace_p", 0o600), ("manifest/manifest.json", 0o600)]
    {
        let found = fs::metadata(dump.join(path)).unwrap().permissions().mode() & 0o777;
        assert_eq!(found, mode, "{path:?}: {found:o}");
    }
}

#[test]
fn stores_of_0_13_4() {
    // The reader cannot resolve the pending merges of counters that are only in this store.
    let merges: Counted<'_> = &[("u", 3), ("y", 901)];
    check(&Site::of("0.13.4", RocksDb), "stalwart-0.13.4/expected/rocksdb.json", merges);
    check(&Site::of("0.13.4", Sqlite), "stalwart-0.13.4/expected/sqlite.json", &[]);
}

#[test]
fn stores_of_0_16_18_without_their_node_lease() {
    let lease: Counted<'_> = &[("g", 37)];
    for (engine, expected) in [
        (RocksDb, "stalwart-0.16.18/expected/rocksdb.json"),
        (Sqlite, "stalwart-0.16.18/expected/sqlite.json"),
    ] {
        let site = Site::of("0.16.18", engine);
        let dump = check(&site, expected, lease);
        let left = &manifest(&dump)["left_behind"];
        assert_eq!(left.as_array().unwrap().len(), 1, "{left}");
        assert_eq!((&left[0]["letter"], &left[0]["records"]), (&"g".into(), &1.into()));
    }
}

#[test]
fn a_killed_rocksdb_has_everything_in_its_log() {
    check(&Site::of("0.15.5-killed", RocksDb), KILLED_ROCKSDB, LOGS);
}

/// The server's own export, by which the killed RocksDB is judged, leaves these out.
const LOGS: Counted<'_> = &[("m", 25), ("y", 25), ("z", 602)];
const KILLED_ROCKSDB: &str = "stalwart-0.15.5-killed/expected/rocksdb-by-server-dump.json";
const KILLED_SQLITE: &str = "stalwart-0.15.5-killed/expected/sqlite.json";

#[test]
fn a_killed_sqlite_has_everything_in_its_log() {
    let site = Site::of("0.15.5-killed", Sqlite);
    check(&site, KILLED_SQLITE, &[]);

    let site = Site::of("0.15.5-killed", Sqlite);
    fs::remove_file(site.path("sqlite/stalwart.sqlite3-shm")).unwrap();
    check(&site, KILLED_SQLITE, &[]);
}

#[test]
fn a_log_may_be_torn_at_its_end_and_nowhere_else() {
    let log = "rocksdb/000004.log";
    let torn = Site::of("0.15.5-killed", RocksDb);
    let bytes = fs::read(torn.path(log)).unwrap();
    fs::write(torn.path(log), &bytes[..bytes.len() - 5]).unwrap();
    let before = trace(&torn.store_dir());
    torn.export("dump");
    assert_eq!(trace(&torn.store_dir()), before);

    let damaged = Site::of("0.15.5-killed", RocksDb);
    let mut bytes = bytes;
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(damaged.path(log), &bytes).unwrap();
    let outcome = damaged.export_with("dump", &[]).expect(1);
    assert!(outcome.error().contains("damaged"), "{outcome:?}");
    assert!(!damaged.path("dump").exists());
}

/// Directories that the user of the run may read and not write.
fn check_read_only(release: &str, engine: Engine, expected: &str, counted: Counted<'_>) {
    let site = Site::of(release, engine);
    let open = |mode| fs::set_permissions(site.store_dir(), fs::Permissions::from_mode(mode)).unwrap();
    for path in trace(&site.store_dir()).into_keys() {
        if !path.is_dir() {
            fs::set_permissions(&path, fs::Permissions::from_mode(0o444)).unwrap();
        }
    }
    open(0o555);
    fs::create_dir(site.path("out")).unwrap();
    fs::set_permissions(site.path("out"), fs::Permissions::from_mode(0o777)).unwrap();
    let before = trace(&site.store_dir());
    let mut command = site.unprivileged();
    command.arg("--config").arg(site.config()).arg("--export").arg(site.path("out/dump"));
    outcome(command).expect(0);
    assert_eq!(trace(&site.store_dir()), before, "the store has changed");
    check_digests(&site.path("out/dump"), expected, counted);
    open(0o755);
}

#[test]
fn a_store_that_may_only_be_read_is_exported() {
    for (release, engine, expected, counted) in [
        ("0.15.5", RocksDb, "stalwart-0.15.5/expected/rocksdb.json", &[][..]),
        ("0.15.5", Sqlite, "stalwart-0.15.5/expected/sqlite.json", &[]),
        ("0.15.5-killed", Sqlite, KILLED_SQLITE, &[]),
        ("0.15.5-killed", RocksDb, KILLED_ROCKSDB, LOGS),
    ] {
        check_read_only(release, engine, expected, counted);
    }
}

#[test]
fn a_dry_run_writes_nothing() {
    for engine in site::EMBEDDED {
        let site = Site::of("0.15.5", engine);
        let before = trace(&site.path(""));
        site.export_with("dump", &["--dry-run"]).expect(0).says(&["dry run: nothing written"]);
        assert_eq!(trace(&site.path("")), before);
    }
}

#[test]
fn what_a_run_says_depends_on_who_listens() {
    let site = Site::of("0.15.5", Sqlite);
    let outcome = site.export_with("json", &["--json"]).expect(0);
    let events = outcome.json();
    let last = events.last().unwrap();
    assert_eq!((&last["event"], &last["exit_code"]), (&"exported".into(), &0.into()));
    assert_eq!(last["manifest"]["subspaces"], manifest(&site.path("json"))["subspaces"]);

    let outcome = site.export_with("dry", &["--json", "--dry-run"]).expect(0);
    assert_eq!(outcome.json().iter().filter(|event| event["event"] == "plan").count(), 21);

    let outcome = site.export_with("quiet", &["--quiet"]).expect(0);
    assert_eq!(outcome.stderr, "");
    assert!(outcome.text().contains("total"), "the result was asked for: {outcome:?}");

    let outcome = site.export_with("json", &["--json", "--quiet"]).expect(5);
    let events = outcome.json();
    assert_eq!(events.len(), 1, "{events:?}");
    assert_eq!(outcome.error(), format!("error: {}", events[0]["error"].as_str().unwrap()));
}
