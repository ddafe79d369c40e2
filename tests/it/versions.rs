//! Which catalog a store is read by, and that every layout of every schema version makes the journey.
//!
//! Stores of releases that no fixture holds are made here: each layout of the catalog gives sampled records.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use rusqlite::Connection;
use serde_json::Value;
use stalwart_migrate::catalog::{self, BackendKind, Layout, SchemaVersion, Subspace, ValueForm, ValueKind};
use stalwart_migrate::records::blob::{self, BlobRule};

use crate::harness::program::{Place, assert_same, run};
use crate::sampler::Sampler;

/// Records sampled of each layout.
const SAMPLES: usize = 40;

/// Arguments of any kind as strings.
macro_rules! args {
    ($($argument:expr),* $(,)?) => {
        &[$(AsRef::<std::ffi::OsStr>::as_ref(&$argument)),*]
    };
}

fn expected(fixture: &str) -> Value {
    let text = std::fs::read_to_string(format!("tests/fixtures/{fixture}/expected/sqlite.json")).unwrap();
    serde_json::from_str(&text).unwrap()
}

fn manifest(dump: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(dump.join("manifest/manifest.json")).unwrap()).unwrap()
}

/// Export, import into a new store, export again: the dumps are equal and nothing in them is unknown.
fn round_trip(place: &Place, source: &Path, target: &Path) {
    let (first, second) = (place.path("first"), place.path("second"));
    run(args!["-c", source, "-e", first]).expect(0);
    run(args!["-c", target, "-i", first]).expect(0);
    run(args!["-c", target, "-e", second]).expect(0);
    assert_same(&first, &second);
    for dump in [&first, &second] {
        let verified = run(args!["verify", dump, "--json"]).expect(0).last();
        for kind in ["unknown_key", "bad_value", "bad_archive", "blob_mismatch", "blob_missing"] {
            assert_eq!(verified["findings"].get(kind), None, "{verified}");
        }
    }
    run(args!["verify", first, "--against", target]).expect(0);
}

#[test]
fn stores_of_real_servers_make_the_journey() {
    let check = |fixture: &str, version: u64, json: bool| {
        let place = Place::new();
        place.copy(fixture, "source");
        let config = |name| if json { place.json(name) } else { place.toml(name) };
        round_trip(&place, &config("source"), &config("target"));
        let manifest = manifest(&place.path("first"));
        assert_eq!(manifest["schema_version"], version);
        let expected = expected(fixture);
        let left_behind = |letter: &str| -> u64 {
            let all = manifest["left_behind"].as_array().unwrap().iter();
            all.filter(|left| left["letter"] == letter).map(|left| left["records"].as_u64().unwrap()).sum()
        };
        let mut compared = 0;
        for entry in manifest["subspaces"].as_array().unwrap() {
            let letter = entry["letter"].as_str().unwrap();
            let Some(expect) = expected.get(letter) else {
                assert_eq!(entry["records"], 0, "{fixture} {letter}");
                continue;
            };
            compared += 1;
            let stays = left_behind(letter);
            assert_eq!(entry["records"].as_u64().unwrap() + stays, expect["records"].as_u64().unwrap());
            if stays == 0 {
                assert_eq!(entry["records_blake3"], expect["blake3"], "{fixture} {letter}");
            }
        }
        assert_eq!(compared, expected.as_object().unwrap().len(), "{fixture}");
        let stays = manifest["left_behind"].as_array().unwrap().len();
        // Version 6 leaves the lease of its node behind and nothing else.
        assert_eq!(stays, usize::from(version == 6), "{manifest}");
        if version == 6 {
            let listed = run(args!["inspect", place.path("first"), "--subspace", "g", "--limit=0", "--json"]);
            let keys = listed.expect(0).json();
            let layouts: Vec<&str> = keys.iter().filter_map(|e| e["layout"].as_str()).collect();
            assert!(layouts.len() == 37 && !layouts.contains(&"node_lease"), "{layouts:?}");
        }
    };
    check("stalwart-0.13.4", 3, false);
    check("stalwart-0.15.5", 5, false);
    check("stalwart-0.16.18", 6, true);
}

#[test]
fn every_layout_of_every_version_makes_the_journey() {
    for version in catalog::versions() {
        let place = Place::new();
        let records = sampled(version);
        write_store(&place.store("source"), version, &records);
        let config = |name| if version.blobs_marked { place.json(name) } else { place.toml(name) };
        round_trip(&place, &config("source"), &config("target"));
        let counted = run(args!["inspect", place.path("second"), "--json"]).expect(0).json();
        for (letter, records) in &records {
            let subspace = version.subspace(*letter).unwrap();
            let portable =
                records.keys().filter(|key| subspace.layout(key).is_ok_and(|layout| !layout.local)).count();
            let held = counted.iter().find(|e| e["letter"] == letter.to_string()).unwrap();
            assert_eq!(held["records"], portable, "version {} {letter}", version.number);
            // Nothing is tested if a layout has no record.
            let layouts: BTreeSet<&str> =
                records.keys().map(|key| subspace.layout(key).unwrap().name).collect();
            let all: BTreeSet<&str> = subspace.layouts.iter().map(|layout| layout.name).collect();
            assert_eq!(layouts, all, "version {} {letter}", version.number);
        }
    }
}

type Records = BTreeMap<char, BTreeMap<Vec<u8>, Vec<u8>>>;

/// Records of every layout of a version, valid as far as the catalog can tell, blobs decoded.
fn sampled(version: &'static SchemaVersion) -> Records {
    let mut sampler = Sampler::new(u64::from(version.number));
    let contents: Vec<Vec<u8>> = (0..SAMPLES).map(|n| bytes(&mut sampler, n as u64 * 100)).collect();
    let mut records = Records::new();
    for subspace in version.subspaces {
        let rows = records.entry(subspace.letter).or_default();
        for layout in subspace.layouts {
            for content in &contents {
                let mut key = sampler.key(layout);
                let hash = blake3::hash(content);
                if layout.content_hash {
                    key = hash.as_bytes().to_vec();
                } else if let Some(found) = subspace.blob_hash(&key) {
                    let at = found.as_ptr().addr() - key.as_ptr().addr();
                    key[at..at + 32].copy_from_slice(hash.as_bytes());
                }
                let layout = subspace.layout(&key).unwrap();
                let value = if layout.content_hash {
                    content.clone()
                } else {
                    value(&mut sampler, version, subspace, layout, &key)
                };
                assert!(subspace.check(&key, &value).is_ok(), "{} {}", subspace.name, layout.name);
                rows.insert(key, value);
            }
        }
    }
    records
}

fn value(
    sampler: &mut Sampler,
    version: &SchemaVersion,
    subspace: &Subspace,
    layout: &Layout,
    key: &[u8],
) -> Vec<u8> {
    let record = catalog::schema_version_record();
    if (subspace.letter, layout.fixed_key) == (record.letter, Some(record.key)) {
        return record.value(version.number).to_vec();
    }
    match (subspace.value, layout.value_form(key)) {
        (ValueKind::None, _) | (_, ValueForm::Empty) => Vec::new(),
        // Negative ones are legal.
        (ValueKind::Counter, _) => (sampler.below(2000) as i64 - 1000).to_le_bytes().to_vec(),
        (_, ValueForm::Lengths(lengths)) => {
            let length = lengths[sampler.below(lengths.len() as u64) as usize];
            bytes(sampler, length as u64)
        }
        (_, ValueForm::Lease) => [&0x6955_b900u64.to_be_bytes()[..], b"mx1.example.org"].concat(),
        (_, ValueForm::Changes) => vec![0, 0, 0, 0, 1, 0, 0, sampler.below(128) as u8],
        (_, ValueForm::Archive) => {
            let length = sampler.below(300);
            let mut value = bytes(sampler, length);
            let hash = xxhash_rust::xxh3::xxh3_64(&value) as u32;
            value.extend(hash.to_be_bytes());
            value.push(0xa0);
            value
        }
        (_, ValueForm::Opaque) => {
            let length = sampler.below(300);
            bytes(sampler, length)
        }
    }
}

fn bytes(sampler: &mut Sampler, count: u64) -> Vec<u8> {
    (0..count).map(|_| sampler.number() as u8).collect()
}

/// A SQLite store as a server of this version would have made it.
fn write_store(path: &Path, version: &'static SchemaVersion, records: &Records) {
    let mut connection = Connection::open(path).unwrap();
    let all = connection.transaction().unwrap();
    for subspace in version.subspaces {
        let table = subspace.table(BackendKind::Sqlite).unwrap();
        all.execute_batch(table.create).unwrap();
        for (key, value) in records.get(&subspace.letter).into_iter().flatten() {
            let name = table.name;
            let inserted = match subspace.value {
                ValueKind::None => all.execute(&format!("INSERT INTO \"{name}\" (k) VALUES (?1)"), (key,)),
                ValueKind::Counter => {
                    let number = i64::from_le_bytes(value.as_slice().try_into().unwrap());
                    all.execute(&format!("INSERT INTO \"{name}\" (k, v) VALUES (?1, ?2)"), (key, number))
                }
                ValueKind::Bytes | ValueKind::Blob => {
                    let rule = if version.blobs_marked { BlobRule::Marked } else { BlobRule::Lz4 };
                    let stored = match subspace.value {
                        ValueKind::Blob => blob::encode(rule, value).into_owned(),
                        _ => value.clone(),
                    };
                    all.execute(&format!("INSERT INTO \"{name}\" (k, v) VALUES (?1, ?2)"), (key, stored))
                }
            };
            assert_eq!(inserted.unwrap(), 1);
        }
    }
    all.commit().unwrap();
}

/// A copy of the 0.15.5 store, changed by these statements.
fn changed(statements: &str) -> Place {
    let place = Place::new();
    place.copy("stalwart-0.15.5", "source");
    Connection::open(place.store("source")).unwrap().execute_batch(statements).unwrap();
    place
}

#[test]
fn stores_of_no_or_unknown_version_are_refused_before_anything_is_written() {
    let check = |statements: &str, expect: &str| {
        let place = changed(statements);
        let (config, dump) = (place.toml("source"), place.path("dump"));
        let before = std::fs::read(place.store("source")).unwrap();
        let (other, good) = (changed(""), place.path("good"));
        run(args!["-c", other.toml("source"), "-e", good]).expect(0);
        let ways: [&[&std::ffi::OsStr]; 3] = [
            args!["-c", config, "-e", dump],
            args!["inspect", "-c", config],
            args!["verify", good, "--against", config],
        ];
        for (way, arguments) in ways.into_iter().enumerate() {
            // What an unfinished import has left is compared with the dump, and found to differ.
            let unfinished = way == 2 && statements.starts_with("DELETE");
            let ran = run(arguments);
            let ran = if unfinished { ran.verdict(4) } else { ran.expect(5) };
            assert!(ran.stderr.contains(expect), "{}", ran.stderr);
            assert!(!dump.exists());
        }
        // Nor is such a store a target.
        run(args!["-c", config, "-i", good]).expect(5);
        assert!(std::fs::read(place.store("source")).unwrap() == before, "the store has changed");
        // --schema overrides what the store states.
        run(args!["-c", config, "-e", dump, "--schema", "5"]).expect(0);
        assert_eq!(manifest(&dump)["schema_version"], 5);
        run(args!["inspect", "-c", config, "--schema=5"]).expect(0);
        run(args!["verify", dump, "--against", config, "--schema=5"]).expect(0);
        let ran = run(args!["-c", config, "-e", place.path("other"), "--schema", "9"]).expect(5);
        assert!(ran.stderr.contains("schema version 9 is not supported"), "{}", ran.stderr);
    };
    check("DELETE FROM p WHERE k = x'00'", "the store states no schema version");
    check("UPDATE p SET v = x'00000007' WHERE k = x'00'", "schema version 7 is not supported");
    check("UPDATE p SET v = x'05' WHERE k = x'00'", "the schema-version record does not hold 4 bytes");
    check("UPDATE p SET v = x'00000000' WHERE k = x'00'", "supported are 1 (0.12.0 – 0.12.4), 2 (0.12.5)");
}

#[test]
fn what_an_older_version_has_left_is_found_and_named() {
    // Versions 1 to 4 kept bitmaps, postings and the trace index in these tables; 0.15 empties them.
    let place = changed(
        "CREATE TABLE b (k BLOB PRIMARY KEY); INSERT INTO b VALUES (x'00000001000000002a');
         CREATE TABLE c (k BLOB PRIMARY KEY); INSERT INTO c VALUES (x'0000000100070100000000');
         CREATE TABLE v (k BLOB PRIMARY KEY); INSERT INTO v VALUES (x'0000000168656c6c6f001d0000002a');
         CREATE TABLE g (k BLOB PRIMARY KEY, v BLOB NOT NULL); INSERT INTO g VALUES (x'00000001', x'01');
         CREATE TABLE w (k BLOB PRIMARY KEY, v BLOB NOT NULL);",
    );
    let (config, dump) = (place.toml("source"), place.path("dump"));
    // `w` is there and empty: that is what a finished migration leaves.
    let exported = run(args!["-c", config, "-e", dump, "--json"]).expect(3);
    assert_eq!(exported.last()["findings"]["legacy_rows"], 4);
    let findings = std::fs::read_to_string(dump.join("manifest/findings.jsonl")).unwrap();
    for table in ["b", "c", "g", "v"] {
        let line = format!("\"kind\":\"legacy_rows\",\"subspace\":\"{table}\"");
        assert!(findings.contains(&line), "{table}: {findings}");
    }
    assert!(exported.stderr.contains("an older schema version has left rows here"), "{}", exported.stderr);
    assert!(!dump.join("subspace_b").exists());
    let strict = place.path("strict");
    run(args!["-c", config, "-e", strict, "--strict"]).expect(1);
    assert!(!strict.join("manifest/manifest.json").exists());
    let verified = run(args!["verify", dump, "--against", config, "--json"]).expect(3);
    assert_eq!(verified.last()["findings"]["legacy_rows"], 4);
    let inspected = run(args!["inspect", "-c", config, "--json"]).expect(0);
    assert_eq!(inspected.last()["findings"]["legacy_rows"], 4);
    // An unknown table is another kind of finding.
    let place =
        changed("CREATE TABLE notes (k BLOB PRIMARY KEY, v BLOB); INSERT INTO notes VALUES (x'01', x'02')");
    let exported = run(args!["-c", place.toml("source"), "-e", place.path("dump"), "--json"]).expect(3);
    assert_eq!(exported.last()["findings"]["unknown_table"], 1);
}
