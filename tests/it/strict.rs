//! `--strict`: what was found makes every command fail, and nothing is complete before that is known.

use std::fs;
use std::path::Path;

use rusqlite::Connection;
use stalwart_migrate::backend::Source;
use stalwart_migrate::backend::rocksdb::RocksSource;
use stalwart_migrate::catalog;
use stalwart_migrate::dump::Manifest;

use crate::harness::program::run;
use crate::harness::site::{EMBEDDED, Engine, Outcome, RocksDb, Site, Sqlite, assert_same};

/// A store of 0.15.5 that was changed.
fn changed(change: &str) -> Site {
    let site = Site::of("0.15.5", Sqlite);
    let database = Connection::open(site.store()).unwrap();
    database.execute_batch("PRAGMA journal_mode=DELETE").unwrap();
    database.execute_batch(change).unwrap();
    site
}

const UNKNOWN_KEY: &str = "INSERT INTO a (k, v) VALUES (x'ff', x'00')";
const UNKNOWN_TABLE: &str = "CREATE TABLE mine (k, v); INSERT INTO mine VALUES (1, 2)";
const MISSING_BLOB: &str = "DELETE FROM t WHERE k IN (SELECT k FROM t LIMIT 1)";
const UNLINKED_BLOB: &str = "INSERT INTO t (k, v) VALUES (x'af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262', x'0000000000a1')";

/// Makes a manifest say that nothing was found.
fn silence(dump: &Path) {
    let path = dump.join("manifest/manifest.json");
    let mut manifest = Manifest::from_json(&fs::read(&path).unwrap()).unwrap();
    assert!(!manifest.findings.is_empty());
    manifest.findings.clear();
    manifest.findings_file.lines = 0;
    manifest.findings_file.bytes = 0;
    manifest.findings_file.blake3 = blake3::hash(b"").to_string();
    fs::write(dump.join("manifest/findings.jsonl"), "").unwrap();
    fs::write(path, manifest.to_json().unwrap()).unwrap();
}

/// Whether a store states its schema version, which is what makes it look complete.
fn looks_complete(site: &Site, engine: Engine) -> bool {
    let record = catalog::schema_version_record();
    match engine {
        RocksDb => {
            let source = RocksSource::open(&site.store(), 8 << 20).unwrap();
            let table = record.table(source.kind()).unwrap();
            source.get(table, record.key).unwrap().is_some()
        }
        _ => {
            let database = Connection::open(site.store()).unwrap();
            let count = "SELECT count(*) FROM p WHERE k = x'00'";
            database.query_row(count, [], |row| row.get::<_, u32>(0)).unwrap() == 1
        }
    }
}

#[track_caller]
fn says(outcome: Outcome, words: &[&str]) {
    let outcome = outcome.expect(1);
    for word in words {
        assert!(outcome.error().contains(word), "{word:?} is missing: {outcome:?}");
    }
}

#[test]
fn what_is_known_before_refuses_before_the_first_write() {
    let site = changed(UNKNOWN_KEY);
    let dump = site.export("dump");
    for engine in EMBEDDED {
        let target = Site::empty("0.15.5", engine);
        for more in [&["--strict"][..], &["--strict", "--dry-run"], &["--strict", "--types", "p"]] {
            says(
                target.import_with(&dump, more),
                &[
                    "has found: 1 keys of no known layout",
                    "nothing was written",
                    "findings.jsonl",
                    "without --strict",
                ],
            );
            assert!(!target.store_dir().exists());
        }
    }
    let site = changed(UNKNOWN_TABLE);
    for engine in EMBEDDED {
        let target = Site::empty("0.15.5", engine);
        says(
            target.copy_from(&site, &["--strict"]),
            &["1 tables the catalog does not know", "nothing was written"],
        );
        assert!(!target.store_dir().exists());
    }
    says(site.export_with("strict", &["--strict"]), &["1 tables the catalog does not know"]);
    assert!(!site.path("strict").exists());
}

#[test]
fn what_loading_finds_ends_it_before_the_target_looks_complete() {
    let incomplete = ["the target is incomplete: do not start the server on it", "--resume and no --strict"];
    let site = changed(UNKNOWN_KEY);
    let dump = site.export("dump");
    silence(&dump);
    for engine in EMBEDDED {
        let target = Site::empty("0.15.5", engine);
        for again in [&["--strict"][..], &["--strict", "--resume"]] {
            let outcome = target.import_with(&dump, again);
            says(outcome, &[&["subspace a, key ff", "1 keys of no known layout"], &incomplete[..]].concat());
            assert!(!looks_complete(&target, engine), "{engine:?}");
        }
        target.import_with(&dump, &["--resume"]).expect(0);
        assert!(looks_complete(&target, engine));
        target.export_with("again", &[]).expect(0);
        assert_same(&dump, &target.path("again"));
    }
    let counters = "UPDATE n SET v = -1";
    for (change, found) in [
        (UNKNOWN_KEY, "1 keys of no known layout"),
        (MISSING_BLOB, "1 linked blobs that are missing"),
        (counters, "counters lower than an id they should cover"),
    ] {
        let (site, target) = (changed(change), Site::empty("0.15.5", Sqlite));
        says(target.copy_from(&site, &["--strict"]), &[&[found], &incomplete[..]].concat());
        assert!(!looks_complete(&target, Sqlite), "{change}");
    }
    // Blobs that are not loaded are not in the target: that is known before it looks complete.
    let (site, target) = (changed(""), Site::empty("0.15.5", RocksDb));
    let dump = site.path("linked");
    site.export_with("linked", &["--exclude", "@blob", "--no-verify"]).expect(0);
    says(
        target.import_with(&dump, &["--strict"]),
        &[&["linked blobs that are missing"], &incomplete[..]].concat(),
    );
    assert!(!looks_complete(&target, RocksDb));
}

#[test]
fn every_command_that_only_reads_fails_with_findings() {
    let site = changed(UNKNOWN_KEY);
    let dump = site.export("dump");
    let (dump, config) = (dump.to_str().unwrap(), site.resolved_config());
    let config = config.to_str().unwrap();
    let commands: [&[&str]; 8] = [
        &["verify", dump],
        &["verify", dump, "--against", config],
        &["diff", dump, config],
        &["diff", config, dump],
        &["inspect", dump],
        &["inspect", "--config", config],
        &["inspect", dump, "--subspace", "a", "--limit", "0"],
        &["inspect", "--config", config, "--subspace", "a", "--get", "ff"],
    ];
    for command in commands {
        run(command).expect(0);
        let strict = run(&[command, &["--strict", "--json"]].concat());
        let last = strict.json().pop().unwrap();
        assert_eq!((&last["event"], &last["exit_code"]), (&"failed".into(), &1.into()), "{command:?}");
        says(strict, &["--strict", "1 keys of no known layout"]);
    }
    // A record without fault in the same store.
    run(&["inspect", "--config", config, "--subspace", "p", "--limit", "5", "--strict"]).expect(0);
    // Damage and difference say more than that there are findings.
    silence(Path::new(dump));
    let mut bytes = fs::read(Path::new(dump).join("subspace_p")).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(Path::new(dump).join("subspace_p"), bytes).unwrap();
    run(&["verify", dump, "--strict"]).expect(4);
    let other = changed(UNKNOWN_TABLE);
    run(&["diff", config, other.resolved_config().to_str().unwrap(), "--strict"]).verdict(4);
}

#[test]
fn notices_are_no_findings() {
    let site = changed(UNLINKED_BLOB);
    let dump = site.path("dump");
    site.export_with("dump", &["--strict"]).expect(0).says(&["1 blobs without a link"]);
    let (shown, config) = (dump.to_str().unwrap(), site.resolved_config());
    let config = config.to_str().unwrap();
    for command in [
        &["verify", shown][..],
        &["verify", shown, "--against", config],
        &["diff", shown, config],
        &["inspect", shown],
        &["inspect", "--config", config],
    ] {
        run(&[command, &["--strict"]].concat()).expect(0);
    }
    let target = Site::empty("0.15.5", Sqlite);
    target.import_with(&dump, &["--strict"]).expect(0);
    assert_same(&dump, &target.export("again"));
    let target = Site::empty("0.15.5", RocksDb);
    target.copy_from(&site, &["--strict"]).expect(0);
    assert_same(&dump, &target.export("again"));
}
