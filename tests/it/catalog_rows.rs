//! Rows that released servers write or leave, beside those of the fixtures: none of them is a finding, and damage
//! to them is one.
//!
//! Each is put into a copy of a real store, with the bytes that the server's source gives.

use std::path::PathBuf;

use rusqlite::Connection;
use serde_json::Value;

use crate::harness::program::{Place, assert_same, run};

/// Arguments of any kind as strings.
macro_rules! args {
    ($($argument:expr),* $(,)?) => {
        &[$(AsRef::<std::ffi::OsStr>::as_ref(&$argument)),*]
    };
}

/// A copy of a real store with a schema version and changed by statements.
struct Changed {
    place: Place,
    config: PathBuf,
    json: bool,
}

impl Changed {
    fn new(fixture: &str, version: u32, statements: &str) -> Changed {
        let place = Place::new();
        place.copy(fixture, "source");
        let database = Connection::open(place.store("source")).unwrap();
        let state = format!("UPDATE p SET v = x'{version:08x}' WHERE k = x'00';");
        database.execute_batch(&format!("{state}{statements}")).unwrap();
        drop(database);
        let json = version >= 6;
        let config = if json { place.json("source") } else { place.toml("source") };
        Changed { place, config, json }
    }

    /// No finding on the way into a dump, in it, into another store and out of that.
    #[track_caller]
    fn is_faithful(&self) {
        let (dump, again) = (self.place.path("dump"), self.place.path("again"));
        run(args!["-c", self.config, "-e", dump, "--strict"]).expect(0);
        let found = run(args!["verify", dump, "--json"]).expect(0).last();
        let notices = ["blob_not_hashed", "blob_unlinked"];
        let found: Vec<&String> = found["findings"].as_object().unwrap().keys().collect();
        assert!(found.iter().all(|kind| notices.contains(&kind.as_str())), "{found:?}");
        let target = if self.json { self.place.json("target") } else { self.place.toml("target") };
        run(args!["-c", target, "-i", dump]).expect(0);
        run(args!["-c", target, "-e", again, "--strict"]).expect(0);
        assert_same(&dump, &again);
    }

    /// The export goes on and `verify` names the kind of finding, so many times.
    #[track_caller]
    fn is_damaged(&self, kind: &str, count: u64, exit: i32) {
        let dump = self.place.path("damaged");
        run(args!["-c", self.config, "-e", dump]).expect(0);
        let found: Value = run(args!["verify", dump, "--json"]).verdict(exit).last();
        assert_eq!(found["findings"][kind], count, "{found}");
        let strict = self.place.path("strict");
        let strict = run(args!["-c", self.config, "-e", strict, "--strict"]);
        // Archives and counters are looked at by `verify` alone.
        let seen = !["bad_archive", "counter_too_low"].contains(&kind);
        assert_eq!(strict.code(), Some(i32::from(seen)), "{}", strict.stderr);
    }
}

const OLD: &str = "stalwart-0.13.4";
const FIVE: &str = "stalwart-0.15.5";
const SIX: &str = "stalwart-0.16.18";

/// An archive: its payload, the lower half of XXH3 and the mark.
fn archive(payload: &[u8]) -> String {
    let hash = (xxhash_rust::xxh3::xxh3_64(payload) as u32).to_be_bytes();
    [payload, &hash, &[0xa0]].concat().iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn submissions_of_every_release_have_an_index() {
    // Send time 1748736000, e-mail, thread, identity, from 0.16.17 on the queue id, and the undo status.
    let row = |value: &str| {
        format!(
            "INSERT INTO p VALUES (x'00000001043100000000683b980000000001', x'{value}');
             INSERT INTO n VALUES (x'0000000104', 1);"
        )
    };
    let (short, long) = ("00000007000000070000000100", "0000000700000007000000010363aa314000000100");
    Changed::new(FIVE, 5, &row(short)).is_faithful();
    Changed::new(SIX, 6, &row(short)).is_faithful();
    Changed::new(SIX, 6, &row(long)).is_faithful();
    Changed::new(SIX, 6, &row(&long[..40])).is_damaged("bad_value", 1, 0);
    // No release of version 5 knows the queue id.
    Changed::new(FIVE, 5, &row(long)).is_damaged("bad_value", 1, 0);
}

#[test]
fn archives_of_principals_are_checked_by_version() {
    let row = |field: &str, value: &str| {
        format!("INSERT INTO p VALUES (x'0000000307{field}00000000', x'{value}');")
    };
    let whole = archive(b"a push subscription");
    let broken = whole.replacen("61", "62", 1);
    for (fixture, version) in [(OLD, 4), (FIVE, 5), (SIX, 6)] {
        for field in ["2c", "2d", "2e"] {
            Changed::new(fixture, version, &row(field, &whole)).is_faithful();
            let changed = Changed::new(fixture, version, &row(field, &broken));
            match (version, field) {
                // A hash of addresses in the newest release, whatever an older one has left in the others.
                (6, "2e") => changed.is_faithful(),
                _ => changed.is_damaged("bad_archive", 1, 4),
            }
        }
    }
}

#[test]
fn principals_of_version_5_are_covered_by_a_counter() {
    let changed = Changed::new(FIVE, 5, "");
    changed.is_faithful();
    for change in ["DELETE FROM n WHERE k = x'ffffffff07';", "UPDATE n SET v = 6 WHERE k = x'ffffffff07';"] {
        let changed = Changed::new(FIVE, 5, change);
        changed.is_damaged("counter_too_low", 1, 0);
        let verified = run(args!["verify", changed.place.path("damaged")]).expect(0);
        let words = "document_id: the counter of account=4294967295 collection=7 is";
        assert!(verified.stderr.contains(words), "{}", verified.stderr);
    }
    // At or above the highest id is right, whatever it is.
    Changed::new(FIVE, 5, "UPDATE n SET v = 700 WHERE k = x'ffffffff07';").is_faithful();
}

#[test]
fn rows_of_push_subscriptions_need_no_counter_in_version_4() {
    let row = |key: &str| format!("INSERT INTO b VALUES (x'{key}');");
    let subscription = row("ffffffff0600000003");
    Changed::new(OLD, 4, &subscription).is_faithful();
    // Until 0.13 push subscriptions were documents of their accounts.
    Changed::new(OLD, 3, &subscription).is_damaged("counter_too_low", 1, 0);
    Changed::new(OLD, 4, &row("ffffffff0700000063")).is_damaged("counter_too_low", 1, 0);
    Changed::new(OLD, 4, &row("000000030b00000063")).is_damaged("counter_too_low", 1, 0);
    Changed::new(OLD, 4, &row("000000030600000063")).is_damaged("counter_too_low", 1, 0);
}

#[test]
fn queue_events_that_an_upgrade_to_0_13_0_has_left_are_known() {
    let row =
        |value: &str| format!("INSERT INTO q VALUES (x'000000006b0c3f5204bfd237ac600c56', x'{value}');");
    for version in [3, 4] {
        Changed::new(OLD, version, &row("0000000000000000")).is_faithful();
        Changed::new(OLD, version, &row("0000000000")).is_damaged("bad_value", 1, 0);
    }
}

#[test]
fn postings_of_a_word_without_letters_are_known() {
    for version in [3, 4] {
        let row = |key: &str| format!("INSERT INTO g VALUES (x'{key}', x'01');");
        Changed::new(OLD, version, &row("000000030000000001")).is_faithful();
        Changed::new(OLD, version, &row("0000000300000001")).is_damaged("unknown_key", 1, 0);
    }
}

#[test]
fn members_without_a_type_are_members_of_a_group() {
    for (fixture, version) in [(OLD, 3), (OLD, 4), (FIVE, 5)] {
        let row = |value: &str| format!("INSERT INTO d VALUES (x'050000000300000009', x'{value}');");
        Changed::new(fixture, version, &row("")).is_faithful();
        Changed::new(fixture, version, &row("0101")).is_damaged("bad_value", 1, 0);
    }
}

#[test]
fn what_an_upgrade_from_5_to_6_leaves_is_known() {
    // Content and the mark of what is not compressed.
    let bundle = |key: &str| format!("INSERT INTO t VALUES (CAST('{key}' AS BLOB), x'62756e646c6500');");
    Changed::new(SIX, 6, &bundle("STALWART_WEBADMIN")).is_faithful();
    Changed::new(SIX, 6, &bundle("STALWART_WEBADMIM")).is_damaged("unknown_key", 1, 0);
    let link = |value: &str| {
        let key = "CAST(substr(min(k), 1, 32) || x'0000000300000000683b9800' AS BLOB)";
        format!("INSERT INTO k SELECT {key}, x'{value}' FROM k;")
    };
    for value in ["", "00", "01", "02", "00210363aa3140000001"] {
        Changed::new(SIX, 6, &link(value)).is_faithful();
    }
    Changed::new(SIX, 6, &link("0000")).is_damaged("bad_value", 1, 0);
    Changed::new(FIVE, 5, &link("0000")).is_damaged("bad_value", 1, 0);
}
