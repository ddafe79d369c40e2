//! Whole migrations of installations whose blobs are not in their data store, with the program itself: through
//! every kind of blob store, what may be wrong there, what the database says about it, interruptions.

mod forms;
mod interrupted;
mod json;
mod losses;
mod named;
mod overlap;
mod registry;

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use rusqlite::Connection;
use serde_json::Value;
use tempfile::TempDir;

use crate::harness::blob_servers;
use crate::harness::blob_servers::Server;
use crate::harness::database_servers;
use crate::harness::database_servers::{Database, Kind};
use crate::harness::generate;
use crate::harness::program::{Outcome, assert_same, run};
use crate::harness::started::hex;

/// Content of the worked example of the facts about blob stores, its key and its name.
const EXAMPLE: &[u8] = b"Subject: hi\r\n\r\nHello, blob.\r\n";
const EXAMPLE_KEY: &str = "8bf8b79bca7321526356f0330573bd5d020ba6a6d89081fb3f3607bacf78dd89";
const EXAMPLE_NAME: &str = "rp2lpg1komqvey7w1azqk200lubaxjvg9ciid1z3gyd9vt9y9weq";

/// Arguments of any kind as strings.
macro_rules! args {
    ($($argument:expr),* $(,)?) => {
        &[$(AsRef::<std::ffi::OsStr>::as_ref(&$argument)),*][..]
    };
}
use args;

/// A directory for stores, configurations and dumps.
struct Home {
    dir: TempDir,
}

impl Home {
    fn new() -> Home {
        let dir = tempfile::Builder::new().prefix("stalwart-blobs-").tempdir().unwrap();
        // Runs of other users must reach what is inside.
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755)).unwrap();
        Home { dir }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// A configuration of releases up to 0.15 with these stores.
    fn toml(&self, name: &str, data: &Store, blobs: &Store) -> PathBuf {
        let mut text = String::from(
            "storage.data = \"db\"\nstorage.blob = \"blobs\"\nstorage.lookup = \"db\"\nstorage.fts = \"db\"\n",
        );
        if matches!(blobs, Store::Data) {
            text = text.replace("\"blobs\"", "\"db\"");
        }
        data.settings(self, "db", &mut text);
        blobs.settings(self, "blobs", &mut text);
        self.write(&format!("{name}.toml"), &text)
    }

    /// A configuration of 0.16 with a SQLite database.
    fn json(&self, name: &str) -> PathBuf {
        let store = serde_json::json!({"@type": "Sqlite", "path": self.path(name)});
        self.write(&format!("{name}.json"), &store.to_string())
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        fs::write(self.path(name), text).unwrap();
        self.path(name)
    }

    /// A copy of the SQLite store that a release has written, with its log.
    fn fixture(&self, release: &str, name: &str) -> Connection {
        for suffix in ["", "-wal", "-shm"] {
            let from = format!("tests/fixtures/stalwart-{release}/sqlite/stalwart.sqlite3{suffix}");
            if Path::new(&from).exists() {
                fs::copy(&from, self.path(&format!("{name}{suffix}"))).unwrap();
            }
        }
        Connection::open(self.path(name)).unwrap()
    }

    /// A generated store of schema version 5.
    fn generated(&self, name: &str, messages: u32, blob_bytes: u32) {
        generate::sqlite(&self.path(name), &generate::Shape { messages, blob_bytes }).unwrap();
    }

    #[track_caller]
    fn export(&self, config: &Path, name: &str) -> PathBuf {
        let dump = self.path(name);
        run(args!["-c", config, "-e", dump, "-q"]).expect(0);
        dump
    }

    #[track_caller]
    fn import(&self, config: &Path, dump: &Path) -> Outcome {
        let ran = run(args!["-c", config, "-i", dump]).expect(0);
        assert!(ran.stderr.contains("read back and equal to the dump"), "{}", ran.stderr);
        ran
    }
}

/// A store, at a path of its home where it has one.
enum Store {
    /// For blobs: the data store.
    Data,
    RocksDb(&'static str),
    Sqlite(&'static str),
    Sql(Database<'static>),
    Fs(&'static str, u8),
    /// Bucket and prefix.
    S3(String, &'static str),
    /// Container and prefix.
    Azure(String, &'static str),
    Sharded(Vec<Store>),
    /// Compressed.
    Lz4(Box<Store>),
}

impl Store {
    fn lz4(self) -> Store {
        Store::Lz4(Box::new(self))
    }

    fn settings(&self, home: &Home, id: &str, text: &mut String) {
        let mut all = Vec::new();
        match self {
            Store::Data => return,
            Store::Lz4(store) => {
                store.settings(home, id, text);
                text.push_str(&format!("store.{id}.compression = \"lz4\"\n"));
                return;
            }
            Store::Sharded(members) => {
                for (n, member) in members.iter().enumerate() {
                    member.settings(home, &format!("{id}-{n}"), text);
                    text.push_str(&format!("store.{id}.stores.000{n} = \"{id}-{n}\"\n"));
                }
                all.push(("type", "sharded-blob".to_string()));
            }
            Store::RocksDb(name) | Store::Sqlite(name) => {
                let kind = if matches!(self, Store::RocksDb(_)) { "rocksdb" } else { "sqlite" };
                all.push(("type", kind.to_string()));
                all.push(("path", home.path(name).display().to_string()));
            }
            Store::Sql(database) => {
                let (kind, user) = match database.server.kind {
                    Kind::Postgres => ("postgresql", "postgres"),
                    Kind::Mysql => ("mysql", "root"),
                };
                all.extend([("type", kind.to_string()), ("user", user.to_string())]);
                all.extend([("host", "127.0.0.1".to_string()), ("port", database.server.port.to_string())]);
                all.push(("database", database.name.clone()));
            }
            Store::Fs(name, depth) => {
                all.push(("type", "fs".to_string()));
                all.push(("path", home.path(name).display().to_string()));
                all.push(("depth", depth.to_string()));
            }
            Store::S3(bucket, prefix) => {
                all.extend([("type", "s3".to_string()), ("bucket", bucket.clone())]);
                all.extend([("region", "eu-central-1".to_string()), ("endpoint", Server::s3().endpoint())]);
                all.push(("access-key", blob_servers::ACCESS_KEY.to_string()));
                all.push(("secret-key", blob_servers::SECRET_KEY.to_string()));
                all.push(("key-prefix", prefix.to_string()));
            }
            Store::Azure(container, prefix) => {
                all.extend([("type", "azure".to_string()), ("container", container.clone())]);
                all.push(("storage-account", blob_servers::ACCOUNT.to_string()));
                all.push(("endpoint", format!("{}/{}", Server::azure().endpoint(), blob_servers::ACCOUNT)));
                all.push(("azure-access-key", blob_servers::ACCOUNT_KEY.to_string()));
                all.push(("key-prefix", prefix.to_string()));
            }
        }
        for (key, value) in all {
            text.push_str(&format!("store.{id}.{key} = \"{value}\"\n"));
        }
    }
}

fn database(kind: Kind) -> Store {
    Store::Sql(database_servers::Server::of(kind).database())
}

fn put(db: &Connection, table: &str, key: &[u8], value: &[u8]) {
    db.execute(&format!("INSERT OR REPLACE INTO {table} VALUES (?1, ?2)"), (key, value)).unwrap();
}

/// A blob that is linked from its commit row, stored as given.
fn linked(db: &Connection, content: &[u8], stored: &[u8]) -> [u8; 32] {
    let key = *blake3::hash(content).as_bytes();
    put(db, "t", &key, stored);
    put(db, "k", &key, b"");
    key
}

/// As the server compresses.
fn lz4(content: &[u8]) -> Vec<u8> {
    let mut stored = u32::try_from(content.len()).unwrap().to_le_bytes().to_vec();
    stored.extend(lz4_flex::block::compress(content));
    stored.push(0xa1);
    stored
}

/// Names as the server makes them, by a routine of our own.
fn base32(key: &[u8]) -> String {
    let bits: Vec<u8> = key.iter().flat_map(|byte| (0..8).rev().map(move |n| byte >> n & 1)).collect();
    let letter = |five: &[u8]| {
        let value = (0..5).fold(0, |sum, n| sum << 1 | usize::from(*five.get(n).unwrap_or(&0)));
        char::from(b"abcdefghijklmnopqrstuvwxyz792013"[value])
    };
    bits.chunks(5).map(letter).collect()
}

/// Where a file lies below the directory of blobs.
fn file_of(key: &[u8], depth: usize) -> String {
    let above: String = key.iter().take(depth).map(|byte| format!("{byte:x}/")).collect();
    above + &base32(key)
}

/// Blobs of a dump by key, as another reader of ours lists them.
fn blobs_of(dump: &Path) -> BTreeMap<Vec<u8>, u64> {
    let listed = run(args!["inspect", dump, "--subspace", "t", "--limit", "0", "--json"]).expect(0);
    let records = listed.json().into_iter().filter(|event| event["event"] == "record");
    let key = |record: &Value| {
        let digits = record["key"].as_str().unwrap().as_bytes().to_vec();
        let pair = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
        digits.chunks(2).map(pair).collect()
    };
    records.map(|record| (key(&record), record["value_bytes"].as_u64().unwrap())).collect()
}

fn findings(dump: &Path) -> Vec<Value> {
    let text = fs::read_to_string(dump.join("manifest/findings.jsonl")).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Keys of the findings of a kind.
fn found(dump: &Path, kind: &str) -> Vec<String> {
    let of_kind = findings(dump).into_iter().filter(|finding| finding["kind"] == kind);
    let mut keys: Vec<String> = of_kind.map(|finding| finding["key"].as_str().unwrap().to_string()).collect();
    keys.sort();
    keys
}

/// Fails unless two dumps have the same files, the search index aside.
#[track_caller]
fn same_without_index(one: &Path, other: &Path) {
    for entry in fs::read_dir(one).unwrap().flatten().filter(|entry| entry.path().is_file()) {
        let name = entry.file_name();
        if name == "subspace_z" {
            continue;
        }
        assert!(
            fs::read(entry.path()).unwrap() == fs::read(other.join(&name)).unwrap(),
            "{}",
            name.display()
        );
    }
}

/// The store of a release, with blobs of every kind: linked, without a link, without content, under fixed names.
fn original(home: &Home) -> PathBuf {
    let db = home.fixture("0.15.5", "source");
    linked(&db, EXAMPLE, EXAMPLE);
    linked(&db, b"", b"");
    put(&db, "t", blake3::hash(b"nobody's").as_bytes(), &lz4(b"nobody's"));
    put(&db, "t", b"STALWART_WEBADMIN", b"PK of the administration");
    put(&db, "t", b"STALWART_SPAM_CLASSIFIER_MODEL.lz4", b"a model");
    drop(db);
    let config = home.toml("source", &Store::Sqlite("source").lz4(), &Store::Data);
    home.export(&config, "original")
}

#[test]
fn blobs_go_from_every_store_to_the_next() {
    let home = Home::new();
    let first = original(&home);
    let blobs = blobs_of(&first);
    assert!(blobs.len() > 60 && blobs.contains_key(&b"STALWART_WEBADMIN"[..]));
    let shards = || vec![Store::Fs("s0", 0), Store::Fs("s1", 2), Store::Fs("s2", 5)];
    let s3 = || Store::S3(Server::s3().bucket(), "mail/");
    let steps = [
        (Store::RocksDb("d0"), Store::Fs("files", 2).lz4()),
        (Store::Sqlite("d1"), s3()),
        (Store::RocksDb("d2"), Store::Azure(Server::azure().container(), "p/").lz4()),
        (Store::Sqlite("d3"), Store::Sharded(shards())),
        (Store::Sqlite("d4"), Store::Data),
        (Store::RocksDb("d5"), database(Kind::Postgres)),
        (Store::Sqlite("d6"), Store::Sqlite("d6-blobs").lz4()),
        (Store::Sqlite("d7"), database(Kind::Mysql).lz4()),
        (Store::RocksDb("d8"), Store::RocksDb("d8-blobs")),
        (database(Kind::Mysql), Store::Sharded(vec![s3(), Store::Sqlite("shard")]).lz4()),
    ];
    let mut dump = first.clone();
    let mut configs = Vec::new();
    for (n, (data, blobs)) in steps.iter().enumerate() {
        let config = home.toml(&format!("step{n}"), data, blobs);
        home.import(&config, &dump);
        let next = home.export(&config, &format!("dump{n}"));
        let index = matches!(data, Store::Sql(_));
        if index {
            same_without_index(&first, &next)
        } else {
            assert_same(&first, &next)
        }
        let verified = run(args!["verify", first, "--against", config]).expect(0);
        assert!(verified.stderr.contains("everything checked is right"), "{}", verified.stderr);
        dump = next;
        configs.push(config);
    }
    run(args!["diff", configs[0], configs[3]]).expect(0);
    let shown = run(args!["inspect", "--config", configs[1], "--blob", EXAMPLE_KEY]).expect(0);
    assert_eq!(shown.stdout, EXAMPLE);
    // As the facts about blob stores say it, compressed and not.
    let example = |path: String| fs::read(home.path(&path)).unwrap();
    assert_eq!(base32(blake3::hash(EXAMPLE).as_bytes()), EXAMPLE_NAME);
    assert_eq!(example(format!("files/8b/f8/{EXAMPLE_NAME}")), lz4(EXAMPLE));
    assert_eq!(example(format!("s2/8b/f8/b7/9b/ca/{EXAMPLE_NAME}")), EXAMPLE, "the third of three");
    let webadmin = "files/53/54/knkectcxifjfix7xivbecrcnjfha";
    assert_eq!(example(webadmin.to_string()), lz4(b"PK of the administration"));
    for key in blobs.keys() {
        let stored = fs::read(home.path("files").join(file_of(key, 2))).unwrap();
        assert_eq!(stored.last(), Some(&0xa1), "{}", hex(key));
        let shards = [("s0", 0), ("s1", 2), ("s2", 5)];
        let member = shards[(xxhash_rust::xxh3::xxh3_64(key) % 3) as usize];
        let content = fs::read(home.path(member.0).join(file_of(key, member.1))).unwrap();
        assert_eq!(lz4_flex::decompress_size_prepended(&stored[..stored.len() - 1]).unwrap(), content);
    }
    if let (_, Store::S3(bucket, prefix)) = &steps[1] {
        let name = format!("{prefix}{EXAMPLE_NAME}");
        assert_eq!(fs::read(Server::s3().object(bucket, &name)).unwrap(), EXAMPLE);
    }
}

#[test]
fn installations_are_copied_with_their_blobs() {
    let home = Home::new();
    let first = original(&home);
    let source = home.toml("from", &Store::RocksDb("a"), &Store::Fs("a-blobs", 2).lz4());
    home.import(&source, &first);
    let target = home.toml("to", &Store::Sqlite("b"), &Store::S3(Server::s3().bucket(), "copy/"));
    let copied = run(args!["copy", "--from", source, "--to", target]).expect(0);
    assert!(copied.stderr.contains("read back and equal to the source"), "{}", copied.stderr);
    run(args!["diff", source, target]).expect(0);
    assert_same(&first, &home.export(&target, "again"));
    // Blobs onto themselves: they would be overwritten while they are read.
    let onto = home.toml("onto", &Store::Sqlite("c"), &Store::Fs("a-blobs", 2));
    let refused = run(args!["copy", "--from", source, "--to", onto]).expect(2);
    assert!(refused.stderr.contains("keep their blobs at the same place"), "{}", refused.stderr);
    assert!(!home.path("c").exists());
    // Left where they are, they are found by name.
    let stay = run(args!["copy", "--from", source, "--to", onto, "--exclude", "@blob"]).expect(0);
    assert!(stay.stderr.contains(" 0 missing"), "{}", stay.stderr);
    fs::remove_file(home.path("a-blobs").join(file_of(blake3::hash(EXAMPLE).as_bytes(), 2))).unwrap();
    let other = home.toml("other", &Store::Sqlite("d"), &Store::Fs("a-blobs", 2));
    let missing = run(args!["copy", "--from", source, "--to", other, "--exclude", "@blob"]).expect(3);
    assert!(missing.stderr.contains(" 1 missing"), "{}", missing.stderr);
}

#[test]
fn two_installations_share_a_bucket() {
    let home = Home::new();
    let (one, bucket) = (original(&home), Server::s3().bucket());
    home.generated("generated", 50, 500);
    let generated = home.toml("generated", &Store::Sqlite("generated"), &Store::Data);
    let other = home.export(&generated, "other");
    let a = home.toml("a", &Store::Sqlite("a"), &Store::S3(bucket.clone(), "a/"));
    let b = home.toml("b", &Store::Sqlite("b"), &Store::S3(bucket.clone(), "ab/"));
    let foreign = Server::s3().object(&bucket, "a/no-blob.txt");
    home.import(&a, &one);
    fs::write(&foreign, "somebody's").unwrap();
    home.import(&b, &other);
    assert_same(&one, &home.export(&a, "a-again"));
    assert_same(&other, &home.export(&b, "b-again"));
    assert_eq!(findings(&home.path("a-again")).iter().filter(|f| f["kind"] == "foreign_object").count(), 1);
    // Emptied and filled anew: what is not its own stays.
    run(args!["-c", a, "-i", other]).expect(5);
    let wiped = run(args!["-c", a, "-i", other, "--wipe-target"]).expect(5);
    assert!(wiped.stderr.contains("no terminal on which to agree"), "{}", wiped.stderr);
    run(args!["-c", a, "-i", other, "--wipe-target", "--yes"]).expect(0);
    assert_same(&other, &home.export(&a, "a-anew"));
    assert_same(&other, &home.export(&b, "b-anew"));
    assert_eq!(fs::read_to_string(foreign).unwrap(), "somebody's");
}

#[test]
fn a_blob_store_that_is_not_empty_is_refused() {
    let home = Home::new();
    let first = original(&home);
    let sharded = || Store::Sharded(vec![Store::Fs("m0", 2), Store::Fs("m1", 2), Store::Fs("m2", 2)]);
    let config = home.toml("sharded", &Store::Sqlite("data"), &sharded());
    let key = blake3::hash(b"theirs");
    // Only one member is there, and with it a blob.
    let file = home.path("m1").join(file_of(key.as_bytes(), 2));
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    fs::write(&file, b"theirs").unwrap();
    let refused = run(args!["-c", config, "-i", first]).expect(5);
    assert!(refused.stderr.contains("subspace t (blobs) has 1 row"), "{}", refused.stderr);
    assert!(!home.path("data").exists() && !home.path("m0").exists());
    fs::remove_file(&file).unwrap();
    // What a first start leaves is cleared.
    let fixed = home.path("m1/53/54/knkectcxifjfix7xivbecrcnjfha");
    fs::create_dir_all(fixed.parent().unwrap()).unwrap();
    fs::write(&fixed, b"of a first start").unwrap();
    home.import(&config, &first);
    assert_same(&first, &home.export(&config, "again"));
    assert!(!fixed.exists(), "it belongs to another member");
    // Nothing is made where blobs should be read.
    let nowhere = home.toml("nowhere", &Store::Sqlite("data"), &Store::Fs("nowhere", 2));
    let absent = run(args!["-c", nowhere, "-e", home.path("none")]).expect(2);
    assert!(absent.stderr.contains("the directory of the blob store does not exist"), "{}", absent.stderr);
    assert!(!home.path("nowhere").exists() && !home.path("none").exists());
}
