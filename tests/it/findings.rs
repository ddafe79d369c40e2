//! Stores that hold what no server of this release would write: it is copied byte for byte, and it is named.

use std::path::PathBuf;

use rusqlite::{Connection, params};
use serde_json::Value;

use crate::harness::site::{
    EMBEDDED, RocksDb, Site, Sqlite, assert_same, files, findings, manifest, outcome, trace,
};

/// A store that was changed, and its export.
struct Changed {
    site: Site,
    dump: PathBuf,
}

/// Changes a store of 0.15.5 and exports it: expects the exit code and exactly these findings, as kind, subspace
/// and key.
#[track_caller]
fn check(change: impl Fn(&Connection), code: i32, expected: &[(&str, &str, &str)]) -> Changed {
    let site = Site::of("0.15.5", Sqlite);
    let database = Connection::open(site.store()).unwrap();
    database.execute_batch("PRAGMA journal_mode=DELETE").unwrap();
    change(&database);
    drop(database);
    site.export_with("dump", &[]).expect(code);
    let dump = site.path("dump");
    let lines = findings(&dump);
    let text = |value: &Value| value.as_str().unwrap().to_string();
    let found: Vec<_> =
        lines.iter().map(|f| (text(&f["kind"]), text(&f["subspace"]), text(&f["key"]))).collect();
    let found: Vec<_> = found.iter().map(|(a, b, c)| (a.as_str(), b.as_str(), c.as_str())).collect();
    assert_eq!(found, expected);
    // Complete counts stand in the manifest too.
    let counts = &manifest(&dump)["findings"];
    // A line may stand for several rows.
    let rows = |line: &Value| {
        line["detail"].as_str().and_then(|d| d.split_once(" rows: ")?.0.parse::<u64>().ok()).unwrap_or(1)
    };
    for (kind, ..) in expected {
        let of_kind = lines.iter().filter(|line| line["kind"] == *kind);
        assert_eq!(counts[kind], of_kind.map(rows).sum::<u64>(), "{kind}");
    }
    Changed { site, dump }
}

impl Changed {
    /// The dump goes into both stores and comes back unchanged.
    #[track_caller]
    fn round_trips(self, code: i32) -> Self {
        for engine in EMBEDDED {
            let target = Site::empty("0.15.5", engine);
            target.import_with(&self.dump, &[]).expect(code);
            target.export_with("again", &[]);
            assert_same(&self.dump, &target.path("again"));
        }
        self
    }

    #[track_caller]
    fn strict(self, code: i32, says: &str) -> Self {
        let before = trace(&self.site.path(""));
        let outcome = self.site.export_with("strict", &["--strict"]).expect(code);
        if code != 0 {
            assert!(outcome.error().contains("--strict: there are findings"), "{outcome:?}");
            assert!(outcome.error().contains(says), "{says}: {outcome:?}");
            assert!(!self.site.path("strict").exists());
            let after = trace(&self.site.path("sqlite"));
            assert!(after.iter().all(|(path, trace)| before[path] == *trace));
        }
        self
    }

    /// A value as the dump brings it into another store.
    fn value(&self, table: &str, key: &[u8]) -> Option<Vec<u8>> {
        let target = Site::empty("0.15.5", Sqlite);
        target.import_with(&self.dump, &["--no-verify"]);
        let database = Connection::open(target.store()).unwrap();
        let get = format!("SELECT CAST(v AS BLOB) FROM {table} WHERE k = ?1");
        rusqlite::OptionalExtension::optional(database.query_row(&get, [key], |row| row.get(0))).unwrap()
    }
}

fn insert(table: &str, key: &[u8], value: &[u8]) -> impl Fn(&Connection) {
    let (insert, key, value) =
        (format!("INSERT INTO {table} (k, v) VALUES (?1, ?2)"), key.to_vec(), value.to_vec());
    move |database| assert_eq!(database.execute(&insert, params![key, value]).unwrap(), 1)
}

#[test]
fn an_unknown_key_is_copied_and_is_a_finding() {
    let changed =
        check(insert("a", b"\xff", b"\0\xa1 value"), 0, &[("unknown_key", "a", "ff")]).round_trips(0);
    assert_eq!(changed.value("a", b"\xff").unwrap(), b"\0\xa1 value");
    changed.strict(1, "key ff");
    check(insert("p", b"", b"nobody"), 0, &[("unknown_key", "p", "")])
        .round_trips(0)
        .strict(1, "1 keys of no known layout");
    let index = |database: &Connection| database.execute_batch("INSERT INTO i (k) VALUES (x'00ff')").unwrap();
    check(index, 0, &[("unknown_key", "i", "00ff")]).round_trips(0).strict(1, "key 00ff");
}

#[test]
fn a_value_that_breaks_its_layout_is_copied_and_is_a_finding() {
    let cut = |database: &Connection| {
        assert_eq!(
            database.execute("UPDATE a SET v = x'01' WHERE k = (SELECT min(k) FROM a)", []).unwrap(),
            1
        );
    };
    check(cut, 0, &[("bad_value", "a", "00000003000000050100000008")]).round_trips(0).strict(1, "subspace a");
}

#[test]
fn a_store_without_findings_passes_strict() {
    check(|_| (), 0, &[]).round_trips(0).strict(0, "");
}

#[test]
fn rows_of_unknown_tables_are_named() {
    let unknown = |database: &Connection| {
        database.execute_batch("CREATE TABLE mine (k, v); INSERT INTO mine VALUES (1, 2)").unwrap();
    };
    check(unknown, 3, &[("unknown_table", "mine", "")]).strict(1, "1 tables the catalog does not know");
    let legacy = |database: &Connection| {
        database.execute_batch("CREATE TABLE b (k BLOB PRIMARY KEY); INSERT INTO b VALUES (x'00')").unwrap();
    };
    let changed = check(legacy, 3, &[("legacy_rows", "b", "")]);
    // Importing what is incomplete says so again.
    Site::empty("0.15.5", RocksDb)
        .import_with(&changed.dump, &[])
        .expect(3)
        .says(&["warning: the dump's export has found: 1 legacy_rows", "not in the dump: subspace b"]);
    let mut verify = changed.site.program();
    verify.arg("verify").arg(&changed.dump);
    outcome(verify).expect(3);
    // Tables without rows hold nothing.
    check(
        |database| database.execute_batch("CREATE TABLE mine (k, v); CREATE TABLE w (k, v)").unwrap(),
        0,
        &[],
    );
}

#[test]
fn an_unknown_rocksdb_family_is_named() {
    let site = Site::of("0.15.5", RocksDb);
    let mut families = rocksdb::DB::list_cf(&rocksdb::Options::default(), site.store()).unwrap();
    families.push("zz".into());
    let mut options = rocksdb::Options::default();
    options.create_missing_column_families(true);
    let db = rocksdb::DB::open_cf(&options, site.store(), families).unwrap();
    db.put_cf(&db.cf_handle("zz").unwrap(), "key", "value").unwrap();
    db.put_cf(&db.cf_handle("default").unwrap(), "key", "value").unwrap();
    db.put_cf(&db.cf_handle("g").unwrap(), "key", "value").unwrap();
    drop(db);
    site.export_with("dump", &[]).expect(3);
    let found = findings(&site.path("dump"));
    let found: Vec<_> =
        found.iter().map(|f| (f["kind"].as_str().unwrap(), f["subspace"].as_str().unwrap())).collect();
    assert_eq!(found, [("unknown_table", "default"), ("unknown_table", "zz"), ("legacy_rows", "g")]);
}

#[test]
fn counters_of_any_value_are_copied() {
    let numbers = [0, 1, -1, i64::MIN, i64::MAX, 0x0102_0304_0506_0708];
    let key = |n: usize| [0, 0, 0, 9, u8::try_from(n).unwrap()];
    let site = Site::of("0.15.5", Sqlite);
    let database = Connection::open(site.store()).unwrap();
    for (n, number) in numbers.iter().enumerate() {
        database.execute("INSERT INTO n (k, v) VALUES (?1, ?2)", params![key(n), number]).unwrap();
    }
    drop(database);
    let dump = site.export("dump");
    for engine in EMBEDDED {
        let target = Site::empty("0.15.5", engine);
        target.import_with(&dump, &[]).expect(0);
        assert_same(&dump, &target.export("again"));
        if engine == Sqlite {
            let database = Connection::open(target.store()).unwrap();
            for (n, number) in numbers.iter().enumerate() {
                let get = "SELECT v FROM n WHERE k = ?1";
                assert_eq!(database.query_row(get, [key(n)], |row| row.get::<_, i64>(0)).unwrap(), *number);
            }
        }
    }
}

/// The blob layer's compressed form: length, one LZ4 block, mark.
fn compressed(content: &[u8]) -> Vec<u8> {
    let mut stored = u32::try_from(content.len()).unwrap().to_le_bytes().to_vec();
    stored.extend(lz4_flex::block::compress(content));
    stored.push(0xa1);
    stored
}

/// How content is stored.
type Form = fn(&[u8]) -> Vec<u8>;

/// Not compressed, and marked as such.
fn marked(content: &[u8]) -> Vec<u8> {
    [content, &[0]].concat()
}

#[test]
fn blobs_come_out_decoded_however_they_were_stored() {
    let long = b"compressible ".repeat(10_000);
    let contents: [&[u8]; 7] =
        [b"raw and short", b"ends in a mark\xa1", b"ends in zero\0", b"", b"\xa1", b"\0", &long];
    let mut keys: Vec<String> = contents.iter().map(|content| blake3::hash(content).to_string()).collect();
    keys.sort();
    let unlinked: Vec<_> = keys.iter().map(|key| ("blob_unlinked", "t", key.as_str())).collect();
    let forms: [Form; 3] = [<[u8]>::to_vec, compressed, marked];
    let mut dumps = Vec::new();
    for form in forms {
        let store = |database: &Connection| {
            for content in contents {
                insert("t", blake3::hash(content).as_bytes(), &form(content))(database);
            }
        };
        let changed = check(store, 0, &unlinked).round_trips(0);
        for content in contents {
            // Stored as the configuration has it.
            assert_eq!(changed.value("t", blake3::hash(content).as_bytes()).unwrap(), compressed(content));
        }
        dumps.push(files(&changed.dump).remove("subspace_t").unwrap());
        changed.strict(0, "");
    }
    assert!(dumps.windows(2).all(|pair| pair[0] == pair[1]), "the dump holds content, not its form");
}

#[test]
fn blobs_under_keys_that_are_no_hash_are_copied_with_a_notice() {
    let key = b"STALWART_SPAM_CLASSIFIER_MODEL.lz4";
    let hex: String = key.iter().map(|byte| format!("{byte:02x}")).collect();
    for content in [&b"a model"[..], b"ends in zero\0"] {
        let notice = [("blob_not_hashed", "t", hex.as_str())];
        let changed = check(insert("t", key, &compressed(content)), 0, &notice).round_trips(0);
        assert_eq!(changed.value("t", key).unwrap(), compressed(content));
        changed.strict(0, "");
    }
}

#[test]
fn a_corrupt_blob_is_copied_as_it_is_and_makes_the_dump_incomplete() {
    let hash = blake3::hash(b"the content that was");
    let key = hash.to_hex();
    let expected = [("blob_mismatch", "t", &*key), ("blob_unlinked", "t", &*key)];
    for stored in [&b"another content"[..], b"\xff\xff\xff\xffno LZ4 at all\xa1", b"\xa1", b""] {
        check(insert("t", hash.as_bytes(), stored), 3, &expected).round_trips(3).strict(1, "does not hash");
    }
}

#[test]
fn a_linked_blob_that_is_missing_is_listed() {
    let keys = [
        "02bd4fa496c3c0486de66c6a2914d952f084eea788c6364dfae04b65c45b0ded",
        "0488d6e69849cd367bd8ad4289163051026c48a79d82dc0739821384214541b7",
    ];
    let changed = check(
        |d| {
            let lose = "DELETE FROM t WHERE k IN (x'02bd4fa496c3c0486de66c6a2914d952f084eea788c6364dfae04b65c45b0ded', x'0488d6e69849cd367bd8ad4289163051026c48a79d82dc0739821384214541b7')";
            assert_eq!(d.execute(lose, []).unwrap(), 2);
        },
        3,
        &[("blob_missing", "k", keys[0]), ("blob_missing", "k", keys[1])],
    );
    for engine in EMBEDDED {
        let target = Site::empty("0.15.5", engine);
        target.import_with(&changed.dump, &[]).expect(3).says(&[
            "the dump's export has found: 2 blob_missing",
            keys[0],
            keys[1],
        ]);
        target.export_with("again", &[]).expect(3);
        assert_same(&changed.dump, &target.path("again"));
    }
    changed.strict(1, "2 linked blobs that are missing");
}

#[test]
fn rows_that_the_server_cannot_see_are_counted_as_lost() {
    let odd = |database: &Connection| {
        database.execute_batch("INSERT INTO m (k, v) VALUES ('text', x'00'), (NULL, x'00')").unwrap();
    };
    let changed = check(odd, 3, &[("lost", "m", "")]);
    assert!(findings(&changed.dump)[0]["detail"].as_str().unwrap().starts_with("2 rows: "));
}
