//! Bundles of web applications, which 0.16 keeps under a hash of their object's id: in fresh targets, without their
//! object, without their content, and in a dump without the objects.

use rusqlite::Connection;

use crate::harness::site::{
    EMBEDDED, Engine, RocksDb, Site, Sqlite, assert_same, findings, manifest, verify,
};

/// The application object of the SQLite stores: of the one that a first start has made, and of the one that was used.
const FRESH_ID: u64 = 342_231_848_983_724_033;
const USED_ID: u64 = 0x04bf_d626_f020_0001;
/// Content and the mark of what is not compressed.
const BUNDLE: &[u8] = b"PK\x03\x04 a bundle\0";
const UNTIL: u64 = 1_900_000_000;

/// A row of a subspace: letter, key, value.
type Row = (&'static str, Vec<u8>, Vec<u8>);

fn key_of(id: u64) -> [u8; 32] {
    *blake3::hash(format!("STALWART_APP_{id}").as_bytes()).as_bytes()
}

fn commit(hash: [u8; 32]) -> Row {
    ("k", hash.to_vec(), Vec::new())
}

fn temporary_link(hash: [u8; 32], account: u32, value: &[u8]) -> Row {
    ("k", [&hash[..], &account.to_be_bytes(), &UNTIL.to_be_bytes()].concat(), value.to_vec())
}

fn document_link(hash: [u8; 32]) -> Row {
    ("k", [&hash[..], &[0, 0, 0, 3, 0, 0, 0, 0, 1]].concat(), Vec::new())
}

/// What the server writes when it has loaded the bundle of an application.
fn bundle(id: u64) -> Vec<Row> {
    let hash = key_of(id);
    vec![("t", hash.to_vec(), BUNDLE.to_vec()), commit(hash), temporary_link(hash, u32::MAX, b"")]
}

/// The task that updates the spam rules, and when it is due.
fn task() -> Vec<Row> {
    let id = 0x0363_aa31_4000_0001u64.to_be_bytes();
    let due = 1_748_736_000u64.to_be_bytes();
    vec![("f", [[0; 8], id].concat(), vec![1, 2, 3]), ("f", [due, id].concat(), vec![0, 12])]
}

fn put(site: &Site, engine: Engine, rows: &[Row]) {
    if engine == Sqlite {
        let database = Connection::open(site.store()).unwrap();
        for (table, key, value) in rows {
            database.execute(&format!("INSERT INTO {table} (k, v) VALUES (?1, ?2)"), (key, value)).unwrap();
        }
        return;
    }
    let options = rocksdb::Options::default();
    let families = rocksdb::DB::list_cf(&options, site.store()).unwrap();
    let db = rocksdb::DB::open_cf(&options, site.store(), families).unwrap();
    for (letter, key, value) in rows {
        db.put_cf(&db.cf_handle(letter).unwrap(), key, value).unwrap();
    }
}

/// The id of the store's application object.
fn application(site: &Site, engine: Engine) -> u64 {
    let key: Vec<u8> = if engine == Sqlite {
        let database = Connection::open(site.store()).unwrap();
        database.query_row("SELECT k FROM s WHERE hex(k) LIKE '000B%'", [], |row| row.get(0)).unwrap()
    } else {
        let options = rocksdb::Options::default();
        let families = rocksdb::DB::list_cf(&options, site.store()).unwrap();
        let db = rocksdb::DB::open_cf_for_read_only(&options, site.store(), families, false).unwrap();
        let from = rocksdb::IteratorMode::From(&[0, 11], rocksdb::Direction::Forward);
        let (key, _) = db.iterator_cf(&db.cf_handle("s").unwrap(), from).next().unwrap().unwrap();
        key.to_vec()
    };
    assert_eq!((key.len(), &key[..2]), (10, &[0, 11][..]), "an application");
    u64::from_be_bytes(key[2..].try_into().unwrap())
}

#[test]
fn what_a_first_start_with_internet_leaves_is_a_fresh_target() {
    let expect = "b83af9e64aa36268d414e55774f4cad7b0abc9eed2a720b314294ce2d1208206";
    assert_eq!(blake3::Hash::from(key_of(FRESH_ID)).to_hex().as_str(), expect);
    let source = Site::of("0.16.18", Sqlite);
    let dump = source.export("dump");
    for engine in EMBEDDED {
        for (has_bundle, has_task) in [(true, false), (false, true), (true, true)] {
            let target = Site::fresh("0.16.18", engine);
            let id = application(&target, engine);
            assert!(engine != Sqlite || id == FRESH_ID);
            let parts = [has_bundle.then(|| bundle(id)), has_task.then(task)];
            let rows: Vec<Row> = parts.into_iter().flatten().flatten().collect();
            put(&target, engine, &rows);
            target.import_with(&dump, &["--dry-run"]).expect(0);
            target.import_with(&dump, &[]).expect(0).says(&["read back and equal"]);
            assert_same(&dump, &target.export("again"));
            // Tasks may matter to a person; the server loads a bundle again.
            let saved = std::fs::read_to_string(target.path("stalwart-migrate-replaced.jsonl")).unwrap();
            let tasks = rows.iter().filter(|(letter, ..)| *letter == "f").count();
            assert_eq!(saved.matches("task_queue").count(), tasks, "{saved}");
            assert!(!saved.contains(blake3::Hash::from(key_of(id)).to_hex().as_str()), "{saved}");
        }
    }
}

#[test]
fn whatever_else_is_there_makes_a_target_no_fresh_one() {
    let source = Site::of("0.16.18", Sqlite);
    let dump = source.export("dump");
    let content = *blake3::hash(b"mail").as_bytes();
    for engine in EMBEDDED {
        let id = application(&Site::fresh("0.16.18", engine), engine);
        let own = key_of(id);
        let more: [(&str, Vec<Row>); 7] = [
            ("a bundle of no object of the target", bundle(id + 1)),
            ("a link of an object that is not there", vec![commit(key_of(id + 1))]),
            ("mail", vec![("t", content.to_vec(), b"mail\0".to_vec())]),
            ("mail that was being accepted", vec![commit(content), temporary_link(content, u32::MAX, b"")]),
            ("a document that uses the bundle", vec![document_link(own)]),
            ("an upload of an account", vec![temporary_link(own, 3, b"")]),
            ("a link of an object", vec![temporary_link(own, u32::MAX - 1, b"0123456789")]),
        ];
        for (what, rows) in &more {
            let target = Site::fresh("0.16.18", engine);
            put(&target, engine, &[bundle(id), rows.clone()].concat());
            let refused = target.import_with(&dump, &[]).expect(5);
            assert!(refused.error().contains("the target is not empty"), "{what}: {refused:?}");
        }
    }
}

/// A used store with these rows, and without some.
fn used(engine: Engine, rows: &[Row], without_object: bool) -> Site {
    let site = Site::of("0.16.18", engine);
    put(&site, engine, rows);
    if without_object {
        let database = Connection::open(site.store()).unwrap();
        let id: String = USED_ID.to_be_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
        for table in ["s", "b"] {
            let gone =
                database.execute(&format!("DELETE FROM {table} WHERE instr(k, x'{id}') > 0"), []).unwrap();
            assert!(gone > 0, "{table}");
        }
    }
    site
}

/// The export ends with `code` and finds this kind, so many times, besides notices.
#[track_caller]
fn check(site: &Site, types: Option<&str>, code: i32, kind: &str, count: usize) {
    let more = types.map(|types| ["--types", types]);
    let more = more.as_ref().map_or(&[][..], |more| more.as_slice());
    site.export_with("dump", more).expect(code);
    let dump = site.path("dump");
    let found = findings(&dump);
    let of_kind = found.iter().filter(|line| line["kind"] == kind).count();
    assert_eq!(of_kind, count, "{found:?}");
    let notices = ["blob_not_hashed", "blob_unlinked", kind];
    assert!(found.iter().all(|line| notices.contains(&line["kind"].as_str().unwrap())), "{found:?}");
    assert_eq!(manifest(&dump)["findings"].get(kind).is_some(), count > 0);
    // A dump of less or of more is judged alike.
    let verified = verify(&dump).verdict(if code == 3 && kind == "blob_mismatch" { 4 } else { code });
    assert_eq!(verified.stderr.contains("belong to nothing yet"), kind == "blob_provisional" && count > 0);
    let strict = site.export_with("strict", &[more, &["--strict"]].concat());
    assert_eq!(strict.status.code(), Some(i32::from(count > 0)), "{strict:?}");
}

#[test]
fn a_bundle_is_no_damage_in_a_whole_dump_or_in_a_part() {
    for engine in EMBEDDED {
        let id = application(&Site::of("0.16.18", engine), engine);
        let site = used(engine, &bundle(id), false);
        check(&site, None, 0, "none", 0);
        let stated = manifest(&site.path("dump"))["unhashed_blobs"].as_array().unwrap().len();
        assert_eq!(stated, 1);
        for types in ["k,t", "t", "k,t,s"] {
            check(&used(engine, &bundle(id), false), Some(types), 0, "none", 0);
        }
    }
}

#[test]
fn a_bundle_whose_object_is_gone_is_no_damage() {
    for types in [None, Some("k,t")] {
        check(&used(Sqlite, &bundle(USED_ID), true), types, 0, "blob_provisional", 1);
    }
    let site = used(Sqlite, &bundle(USED_ID), true);
    let dump = site.path("dump");
    site.export_with("dump", &[]).expect(0);
    let target = Site::empty("0.16.18", RocksDb);
    target.import_with(&dump, &[]).expect(0);
    target.export_with("again", &[]).expect(0);
    assert_same(&dump, &target.path("again"));
    target.verify_against(&dump).expect(0);
    // A document that uses it makes it damage.
    let mut rows = bundle(USED_ID);
    rows.push(document_link(key_of(USED_ID)));
    check(&used(Sqlite, &rows, true), None, 3, "blob_mismatch", 1);
}

#[test]
fn a_bundle_that_was_being_renewed_is_no_missing_mail() {
    for engine in EMBEDDED {
        // The content is deleted first, its links stay.
        let id = application(&Site::of("0.16.18", engine), engine);
        check(&used(engine, &bundle(id)[1..], false), None, 0, "blob_provisional", 1);
        check(&used(engine, &bundle(id)[1..], false), Some("k,t"), 0, "blob_provisional", 1);
    }
}

#[test]
fn mail_that_was_being_accepted_is_named_and_mail_that_is_used_is_missing() {
    let hash = *blake3::hash(b"a message").as_bytes();
    let early = [commit(hash), temporary_link(hash, u32::MAX, b"")];
    let site = used(Sqlite, &early, false);
    check(&site, None, 0, "blob_provisional", 1);
    let line = &findings(&site.path("dump"))[0];
    assert_eq!(line["key"], blake3::Hash::from(hash).to_hex().as_str());
    assert!(line["detail"].as_str().unwrap().contains("mail that was being accepted"), "{line}");
    let damaged = [&early[..], &[("t", hash.to_vec(), b"another message\0".to_vec())]].concat();
    check(&used(Sqlite, &damaged, false), None, 0, "blob_provisional", 1);
    for more in [document_link(hash), temporary_link(hash, 3, b""), temporary_link(hash, u32::MAX - 1, b"")] {
        let rows = [&early[..], &[more]].concat();
        check(&used(Sqlite, &rows, false), None, 3, "blob_missing", 1);
    }
    check(&used(Sqlite, &early[..1], false), None, 3, "blob_missing", 1);
}
