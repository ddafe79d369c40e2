//! Values that no server can use, and that not every store can hold: found by every export, refused by every import
//! and copy before the first write, and loaded or left out by name when that is agreed to.

use std::fs;
use std::process::{Command, Stdio};

use crate::harness::database_servers::Kind;
use crate::harness::program::program;
use crate::harness::site::{ENGINES, Engine, Outcome, Site, files, fixture, outcome};

/// A row of a subspace: letter, key, value.
type Row<'a> = (&'a str, &'a [u8], &'a [u8]);

/// A RocksDB store of 0.15.5 with these rows in it.
fn store(rows: &[Row]) -> Site {
    let original = Site::plain_of("0.15.5", Engine::Sqlite).unwrap();
    let site = Site::plain(Engine::RocksDb);
    site.import(&original.export("dump")).expect(0);
    let path = site.store();
    let options = rocksdb::Options::default();
    let families = rocksdb::DB::list_cf(&options, &path).unwrap();
    let db = rocksdb::DB::open_cf(&options, &path, families).unwrap();
    for (letter, key, value) in rows {
        db.put_cf(&db.cf_handle(letter).unwrap(), key, value).unwrap();
    }
    site
}

fn copy(from: &Site, to: &Site, more: &[&str]) -> Outcome {
    let mut program = to.program();
    program.arg("copy").arg("--from").arg(from.config()).arg("--to").arg(to.config()).args(more);
    outcome(program)
}

/// Whether anything has been written to a target.
fn untouched(target: &Site, engine: Engine) -> bool {
    let tables = "SELECT count(*) FROM information_schema.tables WHERE table_schema = ";
    match engine {
        Engine::Sql(Kind::Postgres) => target.database().sql(&format!("{tables} 'public'")) == "0",
        Engine::Sql(Kind::Mysql) => target.database().sql(&format!("{tables} database()")) == "0",
        _ => !target.store().exists(),
    }
}

/// Records of a subspace of a store, as `--json` lists them: key and value in hex.
fn listed(site: &Site, letter: &str) -> Vec<(String, String)> {
    let listed = site.run(&["inspect", "--subspace", letter, "--limit=0", "--json", "--quiet"]).expect(0);
    let records = listed.json().into_iter().filter(|line| line["event"] == "record");
    records
        .map(|line| {
            (
                line["key"].as_str().unwrap().to_string(),
                line["value"].as_str().unwrap_or_default().to_string(),
            )
        })
        .collect()
}

const BAD_COUNTERS: &[Row] = &[
    ("n", &[0, 0, 0, 3, 0], &[1, 0, 0, 0]),
    ("n", &[0, 0, 0, 9, 0], &[]),
    // Of no known layout either.
    ("n", &[0xee, 0xee, 0xee], &[7; 9]),
    ("u", &[4, 9], &[1, 2]),
];

#[test]
fn a_counter_that_is_no_number_is_refused_by_every_target_unless_agreed_to() {
    let source = store(BAD_COUNTERS);
    source.run(&["-e", "dump"]).expect(3).says(&[
        "found 4 values that no server can use",
        "n 0000000300: document_id account=3 collection=0 (Email): a counter has 8 bytes, this value has 4",
    ]);
    let dump = source.path("dump");
    let dump_text = dump.to_str().unwrap();
    source.run(&["-e", "strict", "--strict"]).expect(1).says(&["4 values that no server can use"]);
    let verified = source.run(&["verify", dump_text]).verdict(4);
    assert!(
        verified.everything().contains("found 4 values that no server can use"),
        "{}",
        verified.everything()
    );
    let listing = fs::read_to_string(dump.join("manifest/findings.jsonl")).unwrap();
    assert_eq!(listing.matches("\"kind\":\"unusable_value\"").count(), 4, "{listing}");
    for engine in ENGINES {
        let says = [
            "there is a value that no server can use",
            "subspace n (counter)",
            "key 0000000300",
            "decoded document_id account=3 collection=0 (Email)",
            "a counter has 8 bytes, this value has 4",
            "repeat with --yes",
        ];
        for command in ["import", "dry run", "copy", "dry copy"] {
            let target = Site::plain(*engine);
            let outcome = match command {
                "import" => target.import(&dump),
                "dry run" => target.run(&["-i", dump_text, "--dry-run"]),
                "copy" => copy(&source, &target, &[]),
                _ => copy(&source, &target, &["--dry-run"]),
            };
            outcome.expect(5).says(&says);
            assert!(untouched(&target, *engine), "{engine:?} {command}");
        }
        let holds = *engine == Engine::RocksDb;
        for command in ["import", "copy"] {
            let target = Site::plain(*engine);
            let outcome = match command {
                "import" => target.run(&["-i", dump_text, "--yes"]),
                _ => copy(&source, &target, &["--yes"]),
            };
            let outcome = outcome.expect(3).says(&["4 values that no server can use", "read back and equal"]);
            let left_out = ["0000000300", "0000000900", "eeeeee", "0409"];
            for key in left_out {
                let named = outcome
                    .everything()
                    .lines()
                    .any(|line| line.contains(key) && line.contains("the record with its value of"));
                assert_eq!(named, !holds, "{engine:?} {key}: {}", outcome.everything());
            }
            target.run(&["-e", "again"]).expect(if holds { 3 } else { 0 });
            let (mut before, mut after) = (files(&dump), files(&target.path("again")));
            if !holds {
                let (kept, all) = (listed(&target, "n"), listed(&source, "n"));
                let kept_of_all = all.into_iter().filter(|(key, _)| !left_out.contains(&key.as_str()));
                assert_eq!(kept_of_all.collect::<Vec<_>>(), kept, "{engine:?}");
                for letter in ["n", "u", "z"] {
                    before.remove(&format!("subspace_{letter}"));
                    after.remove(&format!("subspace_{letter}"));
                }
            }
            assert!(before == after, "{engine:?} {command}");
        }
    }
}

#[test]
fn an_interrupted_load_without_unusable_values_goes_on() {
    let source = store(BAD_COUNTERS);
    source.run(&["-e", "dump"]).expect(3);
    let dump = source.path("dump");
    let whole = Site::plain(Engine::Sqlite);
    whole.run(&["-i", dump.to_str().unwrap(), "--yes"]).expect(3);
    whole.run(&["-e", "again"]).expect(0);
    // Ends when most of it is written: links come last.
    let blocks = fs::metadata(whole.store()).unwrap().len() / 512 - 64;
    let target = Site::plain(Engine::Sqlite);
    let mut shell = Command::new("sh");
    shell.args(["-c", &format!("ulimit -f {blocks}; exec \"$0\" \"$@\"")]);
    shell.arg(program()).arg("-c").arg(target.config());
    shell.arg("-i").arg(&dump).arg("--yes").current_dir(target.dir());
    let output = shell.stdin(Stdio::null()).output().unwrap();
    assert!(!matches!(output.status.code(), Some(0 | 3 | 5)), "{}", String::from_utf8_lossy(&output.stderr));
    let resume = ["-i", dump.to_str().unwrap(), "--resume"];
    target.run(&resume).expect(5).says(&["there is a value that no server can use", "repeat with --yes"]);
    target.run(&[&resume[..], &["--yes"]].concat()).expect(3).says(&["read back and equal"]);
    target.run(&["-e", "again"]).expect(0);
    assert!(files(&whole.path("again")) == files(&target.path("again")));
}

#[test]
fn a_value_where_keys_have_none_is_refused_and_the_key_is_kept() {
    let key = [0, 0, 0, 3, 0, 99, 0, 0, 0, 1];
    let source = store(&[("i", &key, b"a value")]);
    source
        .run(&["-e", "dump"])
        .expect(3)
        .says(&["1 values that no server can use", "this subspace has no values"]);
    let dump = source.path("dump");
    for engine in ENGINES {
        for by_copy in [false, true] {
            let target = Site::plain(*engine);
            let load = |more: &[&str]| {
                if by_copy {
                    copy(&source, &target, more)
                } else {
                    target.run(&[&["-i", dump.to_str().unwrap()], more].concat())
                }
            };
            load(&[])
                .expect(5)
                .says(&["subspace i (indexes)", "this subspace has no values, this value has 7"]);
            assert!(untouched(&target, *engine), "{engine:?}");
            let outcome = load(&["--yes"]).expect(3).says(&["read back and equal"]);
            let held = listed(&target, "i").into_iter().find(|(found, _)| found == "00000003006300000001");
            let holds = *engine == Engine::RocksDb;
            assert_eq!(outcome.everything().contains("the value of 7 bytes, 612076616c7565"), !holds);
            let value = if holds { "612076616c7565" } else { "" };
            assert_eq!(held, Some(("00000003006300000001".into(), value.into())), "{engine:?}");
        }
    }
}

/// A server's file of counters: key and value are shorter than 128 bytes.
fn server_file(records: &[(&[u8], &[u8])]) -> Vec<u8> {
    let mut content = vec![0x7b, b'n', 5, 0, 0, 0];
    for (key, value) in records {
        content.push(u8::try_from(key.len()).unwrap());
        content.extend(*key);
        content.push(u8::try_from(value.len()).unwrap());
        content.extend(*value);
    }
    let mut file = vec![4, 0x22, 0x4d, 0x18, 0x60, 0x40, 0x82];
    file.extend((u32::try_from(content.len()).unwrap() | 0x8000_0000).to_le_bytes());
    file.extend(content);
    file
}

#[test]
fn a_servers_dump_is_looked_through_before_the_first_write() {
    let dir = tempfile::tempdir().unwrap();
    let dump = dir.path().join("dump");
    fs::create_dir(&dump).unwrap();
    let original = fs::read_dir(fixture("stalwart-0.15.5/server-dump-of-rocksdb")).unwrap().flatten();
    // Other tests import from it, and keep the states of their runs in a directory there.
    for entry in original.filter(|entry| entry.path().is_file()) {
        fs::copy(entry.path(), dump.join(entry.file_name())).unwrap();
    }
    // Together they have as many bytes as two counters.
    let records: &[(&[u8], &[u8])] =
        &[(&[0, 0, 0, 3, 0], &[1, 0, 0, 0, 0, 0, 0]), (&[0, 0, 0, 3, 1], &[1, 0, 0, 0, 0, 0, 0, 0, 0])];
    fs::write(dump.join("subspace_n"), server_file(records)).unwrap();
    for engine in ENGINES {
        let target = Site::plain(*engine);
        let says = ["key 0000000300", "a counter has 8 bytes, this value has 7", "values of this kind 2"];
        target.import(&dump).expect(5).says(&says);
        assert!(untouched(&target, *engine), "{engine:?}");
        target.run(&["-i", dump.to_str().unwrap(), "--yes"]).expect(3).says(&["read back and equal"]);
        let count = if *engine == Engine::RocksDb { 2 } else { 0 };
        assert_eq!(listed(&target, "n").len(), count, "{engine:?}");
    }
}

/// Whatever else a dump can hold, every engine gives back.
#[test]
fn keys_and_counters_at_their_limits_are_copied_between_all_engines() {
    let (low, high) = (i64::MIN.to_le_bytes(), i64::MAX.to_le_bytes());
    let rows: &[Row] = &[
        ("n", &[], &low),
        ("n", &[0], &high),
        ("n", &[0xff; 255], &[0xff; 8]),
        ("p", &[], &[]),
        ("p", &[0, 0], &[0]),
        ("p", &[0xff; 255], b"\\x00\0%_'\"`\n\r\t\xff\xfe"),
        ("p", b"'; DROP TABLE p; --", b"\0"),
        ("i", &[], &[]),
        ("i", &[0], &[]),
        ("i", &[0; 2], &[]),
        ("i", &[0xff; 400], &[]),
        ("s", b"\\N", b"\\."),
        ("s", "bidi \u{202e} and \u{0}".as_bytes(), b"\\N"),
    ];
    let source = store(rows);
    source.run(&["-e", "dump"]).expect(0);
    let dump = source.path("dump");
    for engine in ENGINES {
        let target = Site::plain(*engine);
        target.import(&dump).expect(0).says(&["read back and equal"]);
        target.run(&["-e", "again"]).expect(0);
        let (mut before, mut after) = (files(&dump), files(&target.path("again")));
        before.remove("subspace_z");
        after.remove("subspace_z");
        assert!(before == after, "{engine:?}");
        let copied = Site::plain(*engine);
        copy(&target, &copied, &[]).expect(0).says(&["read back and equal"]);
        copied
            .run(&["verify", dump.to_str().unwrap(), "--against", copied.config().to_str().unwrap()])
            .expect(0);
    }
}
