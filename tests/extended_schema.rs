//! A subspace that only a copy of the schema has: it is copied, and no line of `src/` names it.
//!
//! Builds the program with the copy, in a target directory of its own below this one's, so that neither build
//! waits for the other and later runs compile the catalog alone.

#![cfg(feature = "sqlite")]
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use rusqlite::Connection;
use serde_json::Value;

#[path = "it/harness/program.rs"]
mod program;

use program::{Place, assert_same, run, run_program};

/// The new subspace: a letter that version 5 does not use, and two layouts.
const SUBSPACE: &str = r#"
  - name: calendar_share
    letter: c
    versions: "5"
    title: Calendar shares
    doc: Who sees which calendar.
    source: crates/store/src/write/key.rs @ v0.15.5
    value: bytes
    layouts:
      - name: share
        doc: One share.
        key: [account: u32, grantee: {is: u32, doc: Who sees it.}, document: u32]
        value: lengths 8
      - name: label
        doc: What it is called in a language.
        key: [account: u32, document: u32, language: {is: bytes(2), doc: Language of the name.}]
"#;

/// What else the recipe in schema/README.md asks for: text of the real schema, what it becomes.
const EDITS: [(&str, &str); 3] = [
    // The letter joins a family of version 5, the first that has these letters,
    ("      data: [a, i, u, n, p]\n", "      data: [a, c, i, u, n, p]\n"),
    // and older tables of that letter are no longer left over in it.
    ("{letter: c, versions: 5.., value: none", "{letter: c, versions: \"6\", value: none"),
    ("\nsubspaces:\n", "\nsubspaces:\n@"),
];

struct Built {
    program: PathBuf,
    /// The documentation of the extended schema.
    docs: String,
}

fn build() -> Built {
    let below = Path::new(env!("CARGO_TARGET_TMPDIR")).join("extended-schema");
    let schema = below.join("schema");
    fs::create_dir_all(&schema).unwrap();
    let mut text = fs::read_to_string("schema/subspaces.yaml").unwrap();
    for (before, after) in EDITS {
        assert!(text.contains(before), "schema/subspaces.yaml has no {before:?} any more");
        text = text.replacen(before, &after.replace('@', SUBSPACE), 1);
    }
    write_if_changed(&schema.join("subspaces.yaml"), &text);
    write_if_changed(&schema.join("backends.yaml"), &fs::read_to_string("schema/backends.yaml").unwrap());

    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| env!("CARGO").into());
    let mut command = Command::new(cargo);
    command.args(["build", "--locked", "--offline", "--bin", env!("CARGO_PKG_NAME")]);
    command.args(["--no-default-features", "--features", "sqlite", "--message-format=json"]);
    // What the outer cargo says to this test does not concern the inner one.
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy().into_owned();
        if name.starts_with("CARGO_") && name != "CARGO_HOME" {
            command.env_remove(name);
        }
    }
    command.env_remove("CARGO").env_remove("LD_LIBRARY_PATH");
    command.env("CARGO_TARGET_DIR", below.join("target"));
    command.env("CARGO_PROFILE_DEV_DEBUG", "0");
    command.env("STALWART_MIGRATE_SCHEMA", &schema);
    let output = command.stdin(Stdio::null()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));

    let messages: Vec<Value> =
        output.stdout.split(|b| *b == b'\n').filter_map(|line| serde_json::from_slice(line).ok()).collect();
    let ours = |message: &&Value| {
        message["package_id"].as_str().is_some_and(|id| id.contains(concat!(env!("CARGO_PKG_NAME"), "#")))
            || message["target"]["name"] == env!("CARGO_PKG_NAME")
    };
    let program = messages.iter().filter(ours).find_map(|message| message["executable"].as_str());
    // Cargo names the package by its directory, and every package's script has a directory for its output.
    let scripts = messages.iter().filter_map(|message| message["out_dir"].as_str());
    let docs = scripts.filter_map(|dir| fs::read_to_string(Path::new(dir).join("subspaces.md")).ok()).next();
    Built { program: PathBuf::from(program.expect("a program")), docs: docs.expect("the documentation") }
}

/// Text that is there already keeps its time, so that nothing is compiled again.
fn write_if_changed(path: &Path, text: &str) {
    if fs::read_to_string(path).is_ok_and(|before| before == text) {
        return;
    }
    fs::write(path, text).unwrap();
}

#[test]
fn a_subspace_added_to_the_schema_is_copied_without_a_line_of_code() {
    let built = build();
    let extended = |arguments: &[&str]| run_program(&built.program, arguments);

    // The catalog has it, in every backend, and so has the documentation.
    let catalog = extended(&["catalog", "--json"]).expect(0).json();
    let entry = catalog.iter().find(|e| e["schema_version"] == 5 && e["letter"] == "c").unwrap();
    assert_eq!((&entry["name"], &entry["family"]), (&"calendar_share".into(), &"data".into()));
    let layouts: Vec<&Value> = entry["layouts"].as_array().unwrap().iter().map(|l| &l["name"]).collect();
    assert_eq!(layouts, ["share", "label"]);
    let create = |backend: &str| {
        let tables = entry["tables"].as_array().unwrap();
        let table = tables.iter().find(|table| table["backend"] == backend).unwrap();
        assert!(table["table"].is_string() && table["refused"].is_null(), "{table}");
        table["create"].as_str().unwrap_or_default().to_string()
    };
    let sqlite = create("sqlite");
    assert_eq!(sqlite, "CREATE TABLE IF NOT EXISTS c (k BLOB PRIMARY KEY, v BLOB NOT NULL)");
    assert_eq!(create("postgres"), "CREATE TABLE IF NOT EXISTS c (k BYTEA PRIMARY KEY, v BYTEA NOT NULL)");
    assert!(create("mysql").starts_with("CREATE TABLE IF NOT EXISTS c (k TINYBLOB, v "));
    assert_eq!((create("rocksdb"), create("foundationdb")), (String::new(), String::new()));
    for expect in ["calendar_share", "Calendar shares", "`share`", "grantee", "`label`", "language"] {
        assert!(built.docs.contains(expect), "{expect}");
    }

    // A store with it is exported, verified, imported and compared.
    let place = Place::new();
    place.copy("stalwart-0.15.5", "source");
    let store = Connection::open(place.store("source")).unwrap();
    store.execute_batch(&sqlite).unwrap();
    let rows = "INSERT INTO c VALUES (x'00000007000000090000002a', x'0000000000000001'),
                                     (x'00000007000000090000002b', x'0000000000000003'),
                                     (x'00000008000000090000002a', x'0000000000000001'),
                                     (x'000000070000002a6465', x'4b616c656e646572')";
    store.execute_batch(rows).unwrap();
    drop(store);
    let text = |path: PathBuf| path.to_str().unwrap().to_string();
    let (source, target) = (text(place.toml("source")), text(place.toml("target")));
    let (first, second) = (text(place.path("first")), text(place.path("second")));
    extended(&["-c", &source, "-e", &first]).expect(0);
    let verified = extended(&["verify", &first, "--json"]).expect(0).last();
    assert_eq!(verified["findings"].get("unknown_key"), None);
    let verified = verified["subspaces"].as_array().unwrap().iter().find(|s| s["letter"] == "c").cloned();
    assert_eq!(verified.unwrap()["records"], 4);
    extended(&["-c", &target, "-i", &first]).expect(0);
    extended(&["verify", &first, "--against", &target]).expect(0);
    extended(&["-c", &target, "-e", &second]).expect(0);
    assert_same(Path::new(&first), Path::new(&second));
    assert!(Path::new(&first).join("subspace_c").exists());
    // Its family and name select it.
    for types in ["calendar_share", "c", "data"] {
        let some = text(place.path(types));
        extended(&["-c", &source, "-e", &some, "--types", types]).expect(0);
        assert!(Path::new(&some).join("subspace_c").exists(), "{types}");
    }

    // It can be looked into, in dump and store.
    for at in [["inspect", first.as_str()].as_slice(), &["inspect", "--config", &target]] {
        let table = extended(at).expect(0);
        let line = table.text().lines().find(|line| line.starts_with("c  calendar_share ")).unwrap();
        assert_eq!(line.split_whitespace().nth(3), Some("4"));
        let list =
            extended(&[at, &["--subspace", "calendar_share", "--prefix", "account=7,grantee=9"]].concat())
                .expect(0);
        let expect = "00000007000000090000002a  share account=7 grantee=9 document=42  8 bytes  0000000000000001\n\
                      00000007000000090000002b  share account=7 grantee=9 document=43  8 bytes  0000000000000003\n";
        assert_eq!(list.text(), expect);
        let one = extended(&[at, &["--subspace", "c", "--get", "000000070000002a6465"]].concat()).expect(0);
        assert!(one.text().contains("label account=7 document=42 language=\"de\""), "{}", one.text());
    }

    // What breaks its layouts is found.
    let store = Connection::open(place.store("source")).unwrap();
    store.execute_batch("INSERT INTO c VALUES (x'0102', x''), (x'0000000a000000090000002a', x'01')").unwrap();
    drop(store);
    let broken = text(place.path("broken"));
    let findings = extended(&["-c", &source, "-e", &broken, "--json"]).expect(0).last();
    assert_eq!(
        (&findings["findings"]["unknown_key"], &findings["findings"]["bad_value"]),
        (&1.into(), &1.into())
    );

    // The program with the real schema takes the table for what an older version has left, and not the dump.
    let real = run(&["-c", &source, "-e", &text(place.path("real")), "--json"]).expect(3).last();
    assert_eq!(real["findings"]["legacy_rows"], 1);
    run(&["-c", &text(place.toml("other")), "-i", &first]).expect(5);
}
