//! Everything that goes wrong before or instead of the work: one clear line, the right exit code, nothing written.

use std::fs;
use std::io::Read;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use rusqlite::Connection;

use crate::harness::alone::{only, test_name};
use crate::harness::site;
use crate::harness::site::{
    EMBEDDED, Engine, Outcome, RocksDb, Site, Sqlite, copy_tree, fixture, outcome, trace, verify,
};

/// Runs and expects this exit code, `says` in the one error line, and nothing changed in `untouched`.
#[track_caller]
fn check(what: &str, untouched: &[&Path], code: i32, says: &[&str], run: impl FnOnce() -> Outcome) {
    let before: Vec<_> = untouched.iter().map(|path| trace(path)).collect();
    let outcome = run();
    assert_eq!(outcome.status.code(), Some(code), "{what}: {outcome:?}");
    let outcome = outcome.expect(code);
    for word in says {
        assert!(outcome.error().contains(word), "{what}: {word:?} is missing: {outcome:?}");
    }
    let after: Vec<_> = untouched.iter().map(|path| trace(path)).collect();
    assert_eq!(before, after, "{what}: something was written");
}

fn chmod(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

/// Bytes of a file, changed.
fn change(dump: &Path, file: &str, change: impl FnOnce(&mut Vec<u8>)) {
    let path = dump.join(file);
    let mut bytes = fs::read(&path).unwrap();
    change(&mut bytes);
    fs::write(path, bytes).unwrap();
}

/// Where the second and third block of a frame are: offset and length with size and checksum.
fn blocks(bytes: &[u8]) -> [(usize, usize); 2] {
    let length = |at: usize| {
        let size = u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap()) & 0x7fff_ffff;
        usize::try_from(size).unwrap() + 8
    };
    let second = 7 + length(7);
    let third = second + length(second);
    [(second, length(second)), (third, length(third))]
}

type Damage = (&'static str, fn(&Path), i32, &'static str);

/// What is done to a dump, the exit code of `verify` (an import refuses all of them with 5), and words of the error.
const DAMAGES: [Damage; 22] = [
    ("cut off", |d| change(d, "subspace_t", |b| b.truncate(b.len() / 2)), 4, "the manifest states"),
    (
        "cut off at the end mark",
        |d| change(d, "subspace_p", |b| b.truncate(b.len() - 8)),
        4,
        "the manifest states",
    ),
    ("emptied", |d| change(d, "subspace_p", Vec::clear), 4, "subspace_p"),
    ("longer", |d| change(d, "subspace_p", |b| b.push(0)), 4, "the manifest states"),
    (
        "a bit flipped in a block",
        |d| {
            change(d, "subspace_t", |b| {
                let n = b.len() / 2;
                b[n] ^= 1
            })
        },
        4,
        "subspace_t",
    ),
    ("a bit flipped where the version is", |d| change(d, "subspace_p", |b| b[30] ^= 1), 4, "subspace_p"),
    ("a bit flipped in the frame's header", |d| change(d, "subspace_p", |b| b[5] ^= 0x10), 4, "subspace_p"),
    (
        "a bit flipped in the end mark",
        |d| {
            change(d, "subspace_a", |b| {
                let n = b.len() - 6;
                b[n] ^= 1
            })
        },
        4,
        "subspace_a",
    ),
    (
        "a bit flipped in the manifest",
        |d| change(d, "manifest/manifest.json", |b| b[400] ^= 1),
        4,
        "manifest.json",
    ),
    (
        "a bit flipped in the findings",
        |d| change(d, "manifest/findings.jsonl", |b| b.push(b'{')),
        4,
        "findings",
    ),
    (
        "blocks exchanged",
        |d| {
            change(d, "subspace_t", |b| {
                let [(first, one), (second, two)] = blocks(b);
                assert_eq!(first + one, second);
                b[first..second + two].rotate_left(one);
            })
        },
        4,
        "BLAKE3",
    ),
    (
        "a block repeated",
        |d| {
            change(d, "subspace_t", |b| {
                let [(first, one), _] = blocks(b);
                let block = b[first..first + one].to_vec();
                b.splice(first..first, block);
            })
        },
        4,
        "the manifest states",
    ),
    (
        "a file under another name",
        |d| fs::rename(d.join("subspace_p"), d.join("subspace_c")).unwrap(),
        4,
        "subspace_p",
    ),
    (
        "files exchanged",
        |d| {
            fs::rename(d.join("subspace_h"), d.join("x")).unwrap();
            fs::rename(d.join("subspace_o"), d.join("subspace_h")).unwrap();
            fs::rename(d.join("x"), d.join("subspace_o")).unwrap();
        },
        4,
        "its name says",
    ),
    ("a file missing", |d| fs::remove_file(d.join("subspace_l")).unwrap(), 4, "missing"),
    ("a file more", |d| fs::write(d.join("notes.txt"), "mine").unwrap(), 4, "notes.txt"),
    (
        "a subspace more",
        |d| assert!(fs::copy(d.join("subspace_l"), d.join("subspace_b")).unwrap() > 0),
        4,
        "subspace_b",
    ),
    (
        "a link for a file",
        |d| {
            fs::rename(d.join("subspace_l"), d.join("../elsewhere")).unwrap();
            symlink("../elsewhere", d.join("subspace_l")).unwrap();
        },
        4,
        "no regular file",
    ),
    (
        "a directory for a file",
        |d| {
            fs::remove_file(d.join("subspace_l")).unwrap();
            fs::create_dir(d.join("subspace_l")).unwrap();
        },
        4,
        "no regular file",
    ),
    (
        "without its manifest",
        |d| fs::remove_file(d.join("manifest/manifest.json")).unwrap(),
        5,
        "unfinished export",
    ),
    (
        "without the manifest's directory",
        |d| fs::remove_dir_all(d.join("manifest")).unwrap(),
        5,
        "unfinished export",
    ),
    ("without findings", |d| fs::remove_file(d.join("manifest/findings.jsonl")).unwrap(), 4, "missing"),
];

#[test]
fn a_damaged_dump_is_refused_before_anything_is_written() {
    let source = Site::of("0.15.5", Sqlite);
    let good = source.export("dump");
    for (what, damage, code, says) in DAMAGES {
        let dir = tempfile::tempdir().unwrap();
        let dump = dir.path().join("dump");
        copy_tree(&good, &dump);
        damage(&dump);
        check(what, &[&dump], code, &[says], || verify(&dump));
        for target in [Site::empty("0.15.5", RocksDb), Site::fresh("0.15.5", Sqlite)] {
            let untouched = [dump.as_path(), &target.path("")];
            check(what, &untouched, 5, &[says], || target.import_with(&dump, &["--yes"]));
        }
    }
    verify(&good).expect(0);
}

/// A server's file: the flags of its frame, and records in blocks stored as they are.
fn server_file(letter: u8, records: &[(&[u8], &[u8])]) -> Vec<u8> {
    let mut content = vec![0x7b, letter, 5, 0, 0, 0];
    for (key, value) in records {
        content.extend([&[u8::try_from(key.len()).unwrap()], *key].concat());
        content.extend([&[u8::try_from(value.len()).unwrap()], *value].concat());
    }
    let mut file = vec![4, 0x22, 0x4d, 0x18, 0x60, 0x40, 0x82];
    file.extend((u32::try_from(content.len()).unwrap() | 0x8000_0000).to_le_bytes());
    file.extend(content);
    file
}

#[test]
fn a_servers_dump_is_sorted_and_contradictions_are_refused() {
    let key = |n: u8| [0, 0, 0, n, 0, 0, 0, 5, 1, 0, 0, 0, 8];
    let (a, b) = (key(1), key(2));
    let grant = [1, 0, 0, 0, 0, 0, 0, 0];
    type Records<'a> = &'a [(&'a [u8], &'a [u8])];
    let cases: [(&str, Records<'_>, i32, &str); 4] = [
        ("in order", &[(&a, &grant), (&b, &grant)], 0, "imported"),
        ("out of order", &[(&b, &grant), (&a, &grant)], 0, "records out of order"),
        ("repeated", &[(&a, &grant), (&a, &grant)], 0, "repeated records, taken once"),
        ("contradicting", &[(&a, &grant), (&a, &[2, 0, 0, 0, 0, 0, 0, 0])], 5, "subspace_a"),
    ];
    for (what, records, code, says) in cases {
        let dir = tempfile::tempdir().unwrap();
        let dump = dir.path().join("dump");
        copy_tree(&fixture("stalwart-0.15.5/server-dump-of-rocksdb"), &dump);
        fs::write(dump.join("subspace_a"), server_file(b'a', records)).unwrap();
        let target = Site::empty("0.15.5", Sqlite);
        let outcome = target.import_with(&dump, &[]);
        assert_eq!(outcome.status.code(), Some(code), "{what}: {outcome:?}");
        outcome.expect(code).says(&[says]);
        assert_eq!(target.store().exists(), code == 0, "{what}");
    }
    for (what, damage) in [
        ("cut off", (|b| b.truncate(b.len() - 100)) as fn(&mut Vec<u8>)),
        ("a bit flipped in the header", |b| b[4] ^= 8),
        ("another schema version", |b| {
            *b = server_file(b'p', &[]).into_iter().map(|x| if x == 5 { 6 } else { x }).collect()
        }),
    ] {
        let dir = tempfile::tempdir().unwrap();
        let dump = dir.path().join("dump");
        copy_tree(&fixture("stalwart-0.15.5/server-dump-of-rocksdb"), &dump);
        change(&dump, "subspace_p", damage);
        let target = Site::empty("0.15.5", RocksDb);
        let outcome = target.import_with(&dump, &[]);
        assert!([2, 5].contains(&outcome.status.code().unwrap()), "{what}: {outcome:?}");
        assert!(outcome.error().contains("dump"), "{what}: {outcome:?}");
        assert!(!target.store().exists(), "{what}");
    }
    let dir = tempfile::tempdir().unwrap();
    let old = dir.path().join("old");
    fs::create_dir(&old).unwrap();
    fs::write(old.join("property"), [0x7b, 2, 0, 0, 0, 0]).unwrap();
    let target = Site::empty("0.13.4", RocksDb);
    check("op stream", &[&target.path("")], 5, &["older format", "export the store"], || {
        target.import_with(&old, &[])
    });
}

type Wrong = (&'static str, fn(&Site), i32, &'static [&'static str]);

#[test]
fn a_configuration_that_leads_nowhere_ends_with_2() {
    const WRONG: [Wrong; 10] = [
        ("missing", |s| fs::remove_file(s.config()).unwrap(), 2, &["config.toml"]),
        (
            "a directory",
            |s| {
                fs::remove_file(s.config()).unwrap();
                fs::create_dir(s.config()).unwrap();
            },
            2,
            &["config.toml"],
        ),
        ("empty", |s| fs::write(s.config(), "").unwrap(), 2, &["storage.data", "config.toml"]),
        ("not text", |s| fs::write(s.config(), [0xff, 0xfe, 0]).unwrap(), 2, &["config.toml"]),
        ("a syntax error", |s| fs::write(s.config(), "[storage\ndata = 1\n").unwrap(), 2, &["config.toml"]),
        (
            "an unset variable",
            |s| {
                fs::write(s.config(), "storage.data = \"d\"\nstore.d.type = \"sqlite\"\nstore.d.path = \"%{env:NOT_SET_ANYWHERE}%\"\n").unwrap()
            },
            2,
            &["NOT_SET_ANYWHERE", "store.d.path", "config.toml"],
        ),
        (
            "a store without definition",
            |s| fs::write(s.config(), "storage.data = \"d\"\n").unwrap(),
            2,
            &["store.d.type"],
        ),
        (
            "a store of no known type",
            |s| fs::write(s.config(), "storage.data = \"d\"\nstore.d.type = \"paper\"\n").unwrap(),
            2,
            &["paper"],
        ),
        (
            "JSON that is none",
            |s| fs::write(s.config(), "{\"@type\": }").unwrap(),
            2,
            &["JSON", "config.toml"],
        ),
        (
            "an unknown member of JSON",
            |s| fs::write(s.config(), "{\"@type\":\"Paper\"}").unwrap(),
            2,
            &["Paper", "config.toml"],
        ),
    ];
    let dump = fixture("stalwart-0.15.5/server-dump-of-rocksdb");
    for (what, mutate, code, says) in WRONG {
        let site = Site::of("0.15.5", Sqlite);
        mutate(&site);
        check(what, &[&site.path("")], code, says, || site.export_with("dump", &[]));
        check(what, &[&site.path("")], code, says, || site.import_with(&dump, &[]));
        check(what, &[&site.path("")], code, says, || site.verify_against(&dump));
    }
}

#[test]
fn paths_of_the_wrong_kind_end_with_2() {
    let dump = fixture("stalwart-0.15.5/server-dump-of-rocksdb");
    for engine in EMBEDDED {
        // There is no store.
        let site = Site::empty("0.15.5", engine);
        check("no store", &[&site.path("")], 2, &["does not exist", engine.name()], || {
            site.export_with("dump", &[])
        });
        check("no store", &[&site.path("")], 2, &["does not exist"], || site.verify_against(&dump));

        // A file where a directory should be, a directory where a file should be.
        match engine {
            RocksDb => fs::write(site.store(), "file").unwrap(),
            _ => fs::create_dir_all(site.store()).unwrap(),
        }
        for what in ["export", "import"] {
            check(
                what,
                &[&site.path("")],
                2,
                &["rocksdb", "sqlite"].map(|n| if n == engine.name() { n } else { "is not a" }),
                || match what {
                    "export" => site.export_with("dump", &[]),
                    _ => site.import_with(&dump, &[]),
                },
            );
        }

        // A file among the parents.
        let site = Site::empty("0.15.5", engine);
        let config = fs::read_to_string(site.config())
            .unwrap()
            .replace("%{env:STORE_DIR}%/", "%{env:STORE_DIR}%/a-file/");
        fs::write(site.config(), config).unwrap();
        fs::write(site.path("a-file"), "").unwrap();
        check("below a file", &[&site.path("")], 2, &["a-file"], || site.import_with(&dump, &[]));

        // Destinations and dumps.
        let site = Site::of("0.15.5", engine);
        fs::write(site.path("file"), "mine").unwrap();
        fs::create_dir(site.path("full")).unwrap();
        fs::write(site.path("full/file"), "mine").unwrap();
        for (destination, code, says) in
            [("file", 2, "directory"), ("file/below", 2, "file"), ("full", 5, "full")]
        {
            check(destination, &[&site.path("")], code, &[says], || site.export_with(destination, &[]));
        }
        let empty = Site::empty("0.15.5", engine);
        for (name, says) in [
            ("file", "no directory"),
            ("nowhere", "no such directory"),
            ("full", "holds no dump"),
            ("file/below", "no such directory"),
        ] {
            check(name, &[&site.path(""), &empty.path("")], 2, &[says, name], || {
                empty.import_with(&site.path(name), &[])
            });
            check(name, &[&site.path("")], 2, &[says, name], || verify(&site.path(name)));
        }
    }
}

#[test]
fn what_is_no_store_of_the_server_is_refused() {
    let site = Site::empty("0.15.5", Sqlite);
    fs::create_dir(site.store_dir()).unwrap();
    fs::write(
        site.store(),
        "this is no database, however long it may be, and it will never become one".repeat(20),
    )
    .unwrap();
    check("no database", &[&site.path("")], 1, &["no SQLite database"], || site.export_with("dump", &[]));

    fs::remove_file(site.store()).unwrap();
    Connection::open(site.store()).unwrap().execute_batch("CREATE TABLE mine (id INTEGER)").unwrap();
    check("another database", &[&site.path("")], 5, &["states no schema version", "--schema"], || {
        site.export_with("dump", &[])
    });

    for (version, says) in
        [("x'00000063'", "schema version 99 is not supported"), ("x'05'", "does not hold 4 bytes")]
    {
        let site = Site::of("0.15.5", Sqlite);
        let database = Connection::open(site.store()).unwrap();
        database
            .execute_batch(&format!("PRAGMA journal_mode=DELETE; UPDATE p SET v = {version} WHERE k = x'00'"))
            .unwrap();
        drop(database);
        check(version, &[&site.path("")], 5, &[says], || site.export_with("dump", &[]));
        site.export_with("dump", &["--schema", "5"]).expect(0);
    }

    let site = Site::empty("0.15.5", RocksDb);
    fs::create_dir(site.store()).unwrap();
    fs::write(site.store().join("notes"), "").unwrap();
    check("no database", &[&site.path("")], 2, &["holds no RocksDB database"], || {
        site.export_with("dump", &[])
    });

    let site = Site::of("0.15.5", RocksDb);
    fs::remove_file(site.store().join("MANIFEST-000028")).unwrap();
    check("damaged", &[&site.path("")], 1, &["RocksDB", "MANIFEST-000028"], || site.export_with("dump", &[]));
}

#[test]
fn a_target_that_is_not_empty_stays_as_it_is() {
    let source = Site::of("0.15.5", Sqlite);
    let dump = source.export("dump");
    for engine in EMBEDDED {
        let target = Site::of("0.15.5", engine);
        let says =
            ["the target is not empty", "subspace a (acl) has 3 rows, such as ", "subspace p (property) has"];
        check("in use", &[&target.path("")], 5, &says, || target.import_with(&dump, &[]));
        check("in use", &[&target.path("")], 5, &says, || target.import_with(&dump, &["--dry-run"]));
        let killed = Site::of("0.15.5-killed", engine);
        check("in use, in its log", &[&killed.path("")], 5, &says[..1], || killed.import_with(&dump, &[]));
        let other = Site::fresh("0.13.4", engine);
        check("another version", &[&other.path("")], 5, &["another schema version"], || {
            other.import_with(&dump, &[])
        });
    }
    let target = Site::fresh("0.15.5", Sqlite);
    Connection::open(target.store())
        .unwrap()
        .execute_batch(
            "PRAGMA journal_mode=DELETE; CREATE TABLE mine (id INTEGER); INSERT INTO mine VALUES (1)",
        )
        .unwrap();
    check("other tables", &[&target.path("")], 5, &["mine"], || target.import_with(&dump, &[]));
}

#[test]
fn missing_rights_are_reported() {
    let dump = fixture("stalwart-0.15.5/server-dump-of-rocksdb");
    // Fixtures may lie where this user cannot go.
    let reachable = tempfile::tempdir().unwrap();
    chmod(reachable.path(), 0o755);
    copy_tree(&dump, &reachable.path().join("dump"));
    let dump = reachable.path().join("dump");
    for engine in EMBEDDED {
        let site = Site::of("0.15.5", engine);
        let run = |site: &Site, flag: &str, dir: &Path| {
            let mut command = site.unprivileged();
            command.arg("--config").arg(site.config()).arg(flag).arg(dir);
            outcome(command)
        };
        check("destination", &[&site.path("")], 1, &["denied", "dump"], || {
            chmod(&site.path(""), 0o555);
            let outcome = run(&site, "--export", &site.path("dump"));
            chmod(&site.path(""), 0o755);
            outcome
        });
        chmod(&site.store(), 0);
        check("store", &[], 1, &["denied", engine.name()], || run(&site, "--export", &site.path("dump")));
        chmod(&site.store(), 0o755);

        let target = Site::empty("0.15.5", engine);
        check("target", &[&target.path("")], 1, &["denied", engine.name()], || {
            chmod(&target.path(""), 0o555);
            let outcome = run(&target, "--import", &dump);
            chmod(&target.path(""), 0o755);
            outcome
        });
        let target = Site::empty("0.15.5", engine);
        chmod(&dump.join("subspace_p"), 0);
        check("dump", &[&target.path("")], 1, &["denied", "subspace_p"], || run(&target, "--import", &dump));
        chmod(&dump.join("subspace_p"), 0o644);

        let site = Site::of("0.15.5", engine);
        chmod(&site.config(), 0);
        check("configuration", &[&site.store_dir()], 2, &["denied", "config.toml"], || {
            run(&site, "--export", &site.path("dump"))
        });
    }
}

const HELD: &str = "STALWART_MIGRATE_TEST_HELD";

/// The other process of the tests below, which start this program again: it opens a store as a server does, says
/// so in a file, and ends with its input. Without the variable there is nothing to hold.
#[test]
fn another_process() {
    let Ok(held) = std::env::var(HELD) else { return };
    let (how, path) = held.split_once(':').unwrap();
    let until_the_end = || {
        fs::write(format!("{path}.held"), "").unwrap();
        std::io::stdin().read_to_end(&mut Vec::new()).unwrap();
    };
    match how {
        "rocksdb" => {
            let families = rocksdb::DB::list_cf(&rocksdb::Options::default(), path).unwrap();
            let db = rocksdb::DB::open_cf(&rocksdb::Options::default(), path, families).unwrap();
            until_the_end();
            drop(db);
        }
        sql => {
            let db = Connection::open(path).unwrap();
            db.execute_batch(sql).unwrap();
            db.query_row("SELECT count(*) FROM p", [], |row| row.get::<_, i64>(0)).unwrap();
            until_the_end();
        }
    }
}

struct Holder(Child);

impl Holder {
    fn of(site: &Site, how: &str) -> Holder {
        let path = site.store().to_str().unwrap().to_string();
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(only(test_name!(another_process))).env(HELD, format!("{how}:{path}"));
        let child = command.stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
        let ready = format!("{path}.held");
        site::until("the other process opens the store", || Path::new(&ready).exists());
        fs::remove_file(ready).unwrap();
        Holder(child)
    }
}

impl Drop for Holder {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        let _ = self.0.wait();
    }
}

#[test]
fn a_running_server_is_in_the_way() {
    let source = Site::of("0.15.5", Sqlite);
    let dump = source.export("dump");
    let cases: [(Engine, &str); 4] = [
        (RocksDb, "rocksdb"),
        (Sqlite, "PRAGMA journal_mode=WAL"),
        (Sqlite, "PRAGMA journal_mode=WAL; BEGIN IMMEDIATE; DELETE FROM p"),
        (Sqlite, "PRAGMA journal_mode=DELETE; BEGIN IMMEDIATE; DELETE FROM p"),
    ];
    for (engine, how) in cases {
        let site = Site::of("0.15.5", engine);
        let holder = Holder::of(&site, how);
        let pid = format!("process {} (", holder.0.id());
        let says = ["a server is running", &pid, "stop the server"];
        check(how, &[&site.path("")], 5, &says, || site.export_with("dump", &[]));
        // To look is no harm.
        site.export_with("dump", &["--dry-run"]).expect(0).says(&["warning: ", &pid]);
        let own = site.verify_against(&dump);
        assert!([Some(0), Some(4)].contains(&own.status.code()), "{how}: {own:?}");
        own.says(&["warning: a server is running", &pid]);

        let target = Site::fresh("0.15.5", engine);
        let holder = Holder::of(&target, how);
        let pid = format!("process {} (", holder.0.id());
        check(how, &[&target.path("")], 5, &["a server is running", &pid], || target.import_with(&dump, &[]));
        drop(holder);
        target.import_with(&dump, &[]).expect(0);
    }
}
