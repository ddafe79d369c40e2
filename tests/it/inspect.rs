//! `inspect`, `completions` and `man` as a user runs them, on a real store and the dump of it.
//!
//! Needs a backend: the store is SQLite, written by Stalwart 0.15.5.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::harness::program;
use crate::harness::program::{bare, run};

/// A copy of a fixture's SQLite store, its configuration and a dump of it.
struct Place {
    inner: program::Place,
    config: PathBuf,
    dump: PathBuf,
}

impl Place {
    fn new() -> Place {
        let inner = program::Place::new();
        inner.copy("stalwart-0.15.5", "store");
        let (config, dump) = (inner.toml("store"), inner.path("dump"));
        let place = Place { inner, config, dump };
        run(&["-c", place.config(), "-e", place.dump(), "--quiet"]).expect(0);
        place
    }

    fn config(&self) -> &str {
        self.config.to_str().unwrap()
    }

    fn dump(&self) -> &str {
        self.dump.to_str().unwrap()
    }
}

fn expected() -> Value {
    let text = std::fs::read_to_string("tests/fixtures/stalwart-0.15.5/expected/sqlite.json").unwrap();
    serde_json::from_str(&text).unwrap()
}

#[test]
fn tables_of_dump_and_store_are_exact_and_equal() {
    let place = Place::new();
    let mut tables = Vec::new();
    for at in [vec!["inspect", place.dump()], vec!["inspect", "--config", place.config()]] {
        let ran = run(&[&at[..], &["--json"]].concat());
        assert_eq!(ran.code(), Some(0), "{}", ran.stderr);
        let events = ran.json();
        let held: Vec<Value> = events.iter().filter(|e| e["event"] == "held").cloned().collect();
        for row in &held {
            let letter = row["letter"].as_str().unwrap();
            let expect = &expected()[letter];
            if expect.is_null() {
                assert_eq!(row["records"], 0, "{letter}");
                continue;
            }
            assert_eq!(row["records"], expect["records"], "{letter}");
            let bytes = expect["key_bytes"].as_u64().unwrap() + expect["value_bytes"].as_u64().unwrap();
            assert_eq!(row["bytes"], bytes, "{letter}");
        }
        let shares: f64 = held.iter().map(|row| row["share"].as_f64().unwrap()).sum();
        assert!((99.9..100.1).contains(&shares), "{shares}");
        assert_eq!(events.last().unwrap()["schema_version"], 5);
        tables.push(held);
    }
    assert_eq!(tables[0], tables[1]);
    assert!(tables[0].len() > 15, "{}", tables[0].len());
    let human = run(&["inspect", place.dump()]);
    let line = human.text().lines().find(|line| line.starts_with("p ")).unwrap();
    assert!(line.contains("property") && line.contains("data") && line.ends_with('%'), "{line}");
    let some = run(&["inspect", place.dump(), "--types", "@blob,p", "--json"]);
    assert_eq!(some.json().iter().filter(|e| e["event"] == "held").count(), 2);
}

#[test]
fn lists_decode_keys_and_seek_by_prefix_in_dump_and_store() {
    let place = Place::new();
    let list = |more: &[&str]| {
        let dump = run(&[&["inspect", place.dump(), "--json"], more].concat());
        let store = run(&[&["inspect", "-c", place.config(), "--json"], more].concat());
        assert_eq!((dump.code(), store.code()), (Some(0), Some(0)), "{}{}", dump.stderr, store.stderr);
        assert_eq!(dump.text(), store.text());
        let mut events = dump.json();
        let end = events.pop().unwrap();
        assert_eq!(end["event"], "listed");
        assert_eq!(end["records"], events.len());
        (events, end["more"] == true)
    };
    let (all, more) = list(&["--subspace", "p", "--limit", "0"]);
    assert!(!more);
    assert_eq!(all.len() as u64, expected()["p"]["records"].as_u64().unwrap());
    assert!(all.windows(2).all(|pair| pair[0]["key"].as_str() < pair[1]["key"].as_str()));
    let (first, more) = list(&["--subspace", "property"]);
    assert_eq!((first.len(), more), (20, true));
    assert_eq!(first[..], all[..20]);
    // Prefixes give exactly the records whose fields have these values.
    let account = all.iter().find_map(|record| record["fields"]["account"].as_u64()).unwrap();
    let collection = all.iter().find_map(|record| record["fields"]["collection"].as_u64()).unwrap();
    let of_account: Vec<_> =
        all.iter().filter(|r| r["fields"]["account"].as_u64() == Some(account)).cloned().collect();
    assert!(!of_account.is_empty() && of_account.len() < all.len());
    assert_eq!(
        list(&["--subspace", "p", "--limit=0", "--prefix", &format!("account={account}")]).0,
        of_account
    );
    let both: Vec<_> =
        of_account.into_iter().filter(|r| r["fields"]["collection"].as_u64() == Some(collection)).collect();
    let split = ["--prefix", &format!("account={account}"), "--prefix", &format!("collection={collection}")];
    let joined = ["--prefix", &format!("account={account},collection={collection}")];
    let limit = ["--subspace", "p", "--limit", "0"];
    assert_eq!(list(&[&limit[..], &split].concat()).0, both);
    assert_eq!(list(&[&limit[..], &joined].concat()).0, both);
    assert_eq!(list(&["--subspace", "p", "--prefix", "account=4294967295"]).0.len(), 0);
    // Every subspace can be listed, and all its keys are known.
    for subspace in stalwart_migrate::catalog::version(5).unwrap().subspaces {
        let (records, _) = list(&["--subspace", subspace.name, "--limit", "0"]);
        for record in records {
            assert!(record["layout"].is_string() && record["problem"].is_null(), "{record}");
        }
    }
}

#[test]
fn one_record_comes_with_its_whole_value() {
    let place = Place::new();
    for at in [["inspect", place.dump()], ["--config", place.config()]] {
        let at: Vec<&str> = if at[0] == "inspect" { at.to_vec() } else { [&at[..], &["inspect"]].concat() };
        let ran = run(&[&at[..], &["--subspace", "p", "--get", "00"]].concat());
        assert_eq!(ran.code(), Some(0), "{}", ran.stderr);
        assert_eq!(
            ran.text(),
            "key      00\ndecoded  schema_version\nvalue    4 bytes\n00000000  00 00 00 05                                      ....\n"
        );
        let counter = run(&[&at[..], &["--subspace", "n", "--limit", "1", "--json"]].concat());
        let key = counter.json()[0]["key"].as_str().unwrap().to_string();
        let ran = run(&[&at[..], &["--subspace", "n", "--get", &key, "--json"]].concat());
        let record = &ran.json()[0];
        assert_eq!(record["value_bytes"], 8);
        let bytes: [u8; 8] = unhex(record["value"].as_str().unwrap()).try_into().unwrap();
        assert_eq!(record["counter"], i64::from_le_bytes(bytes));
        let ran = run(&[&at[..], &["--subspace", "p", "--get", "00ff"]].concat());
        assert_eq!(ran.code(), Some(1));
        assert!(
            ran.stderr.contains("there is no such record (subspace p (property), key 00ff: 0x00ff)"),
            "{}",
            ran.stderr
        );
    }
}

#[test]
fn blobs_are_written_whole_and_checked() {
    let place = Place::new();
    let ran = run(&["inspect", place.dump(), "--subspace", "blobs", "--json", "--limit", "5"]);
    let records: Vec<Value> = ran.json().into_iter().filter(|e| e["layout"] == "content").collect();
    assert!(!records.is_empty());
    for record in &records {
        let hash = record["key"].as_str().unwrap();
        let from_dump = run(&["inspect", place.dump(), "--blob", hash, "-q"]);
        let from_store = run(&["inspect", "-c", place.config(), "--blob", &hash.to_uppercase(), "-q"]);
        assert_eq!((from_dump.code(), from_store.code()), (Some(0), Some(0)));
        assert_eq!(blake3::hash(&from_dump.stdout).to_hex().as_str(), hash);
        assert_eq!(from_dump.stdout, from_store.stdout);
    }
    let hash = records[0]["key"].as_str().unwrap();
    let file = place.inner.path("blob");
    let out = file.to_str().unwrap();
    let ran = run(&["inspect", place.dump(), "--blob", hash, "--out", out, "--json"]);
    assert_eq!(ran.json()[0]["hash_matches"], true);
    assert_eq!(blake3::hash(&std::fs::read(&file).unwrap()).to_hex().as_str(), hash);
    // Never over a file that is there, never mixed with JSON.
    assert_eq!(run(&["inspect", place.dump(), "--blob", hash, "--out", out]).code(), Some(2));
    assert_eq!(run(&["inspect", place.dump(), "--blob", hash, "--json"]).code(), Some(2));
    // Content that does not hash to its key is written only when agreed to.
    damage_blob(&place.inner.store("store"), hash);
    let ran = run(&["inspect", "-c", place.config(), "--blob", hash]);
    assert_eq!((ran.code(), ran.stdout.len()), (Some(4), 0), "{}", ran.stderr);
    let ran = run(&["inspect", "-c", place.config(), "--blob", hash, "--yes"]);
    assert_eq!((ran.code(), &ran.stdout[..]), (Some(0), &b"changed"[..]), "{}", ran.stderr);
}

fn damage_blob(store: &Path, hash: &str) {
    let connection = rusqlite::Connection::open(store).unwrap();
    let changed =
        connection.execute("UPDATE t SET v = ?2 WHERE k = ?1", (unhex(hash), b"changed".to_vec())).unwrap();
    assert_eq!(changed, 1);
}

fn unhex(digits: &str) -> Vec<u8> {
    stalwart_migrate::base::hex::unhex(digits).unwrap()
}

#[test]
fn mistakes_end_with_their_exit_code_and_say_what_is_valid() {
    let place = Place::new();
    let dump = place.dump();
    let check = |arguments: &[&str], code: i32, expect: &str| {
        let ran = run(&[&["inspect"], arguments].concat());
        assert_eq!(ran.code(), Some(code), "{arguments:?}: {}", ran.stderr);
        assert!(ran.stderr.contains(expect), "{arguments:?}: {}", ran.stderr);
        assert_eq!(ran.stdout, b"", "{arguments:?}");
    };
    check(&[], 2, "inspect does not know where to look");
    check(&[dump, "--config", place.config()], 2, "cannot be used with");
    check(&["/nowhere"], 2, "there is no such directory");
    check(&[dump, "--subspace", "b"], 2, "there is no subspace \"b\" (schema version 5); valid are");
    check(&[dump, "--subspace", "p", "--prefix", "colour=1"], 2, "no key has a field \"colour\"");
    check(&[dump, "--subspace", "p", "--prefix", "collection=1"], 2, "\"account\" comes first");
    check(&[dump, "--prefix", "account=1"], 2, "--subspace");
    check(&[dump, "--subspace", "p", "--get", "0"], 2, "even number of hex digits");
    check(&[dump, "--blob", "xyz"], 2, "no blob can have this name (blob xyz); give a hash of 64 hex digits");
    check(&[dump, "--blob", &"00".repeat(32)], 1, "there is no such blob");
    check(&[dump, "--schema", "7"], 5, "schema version 7 is not supported; supported are 1 (0.12.0");
    // A configuration in the environment does not get in the way of a dump.
    let with_variable =
        bare().args(["inspect", dump]).env("CONFIG_PATH", "/nowhere/config.toml").output().unwrap();
    assert!(with_variable.status.success());
    let named = bare().args(["--config", place.config(), "inspect", dump]).output().unwrap();
    assert_eq!(named.status.code(), Some(2));
}

#[test]
fn completions_and_the_manual_know_every_command() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let ran = run(&["completions", shell]);
        assert_eq!(ran.code(), Some(0));
        assert!(ran.text().contains("inspect") && ran.text().contains("against"), "{shell}");
    }
    assert_eq!(run(&["completions", "cobol"]).code(), Some(2));
    let page = run(&["man"]);
    assert_eq!(page.code(), Some(0));
    for expect in [
        ".TH stalwart-migrate 1",
        "stalwart\\-migrate verify",
        ".TH stalwart-migrate-inspect 1",
        "prefix",
        "strict",
    ] {
        assert!(page.text().contains(expect), "{expect}");
    }
}
