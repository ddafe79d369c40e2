//! What every fuzz target does with its input: a function that takes bytes and must not panic, hang or allocate
//! ahead of the data.
//!
//! The targets of `cargo fuzz` call these functions, and so does `tests/hostile`, which needs no fuzzer. Knows
//! nothing of how inputs are made.

#![allow(clippy::unwrap_used, clippy::expect_used)]

#[path = "../../tests/oracle/interpreter.rs"]
#[allow(dead_code)]
mod oracle;
pub mod parcel;

use std::cell::RefCell;
use std::io::{Seek, Write};
use std::path::{Path, PathBuf};

use codegen::{SchemaFile, generate};
use stalwart_migrate::base::error::{ErrorKind, Result};
use stalwart_migrate::base::finding::Findings;
use stalwart_migrate::base::page::Page;
use stalwart_migrate::base::stop::Stop;
use stalwart_migrate::catalog::{self, Archive, Subspace};
use stalwart_migrate::codec::KeyError;
use stalwart_migrate::commands::inspect;
use stalwart_migrate::commands::verify;
use stalwart_migrate::config::Config;
use stalwart_migrate::dump::{Dump, Manifest, Verify};
use stalwart_migrate::open::installation::BlobChoice;
use stalwart_migrate::records::blob::{self, BlobRule, ContentCheck};
use stalwart_migrate::records::changes;
use stalwart_migrate::records::counters::Counters;
use stalwart_migrate::records::selection::Request;
use stalwart_migrate::run::Run;
use stalwart_migrate::run::budget::Budget;
use stalwart_migrate::run::console::Console;
use stalwart_migrate::run::resume::StateFile;

use parcel::Parcel;

/// Bytes of records asked for at a time.
const PAGE: usize = 64 << 10;

/// Bytes for sorting a server's file.
const SORT: usize = 4 << 20;

/// A dump: opened, its checksums and all its records read, then verified and inspected as the program does it.
/// The input is a [`Parcel`].
pub fn read_dump(input: &[u8]) {
    let dir = tempfile::tempdir_in(in_memory()).unwrap();
    Parcel::parse(input).repaired().unpack(dir.path());
    let sound = records(dir.path());
    let run = Run {
        budget: Budget { jobs: 1, memory: 8 << 20 },
        console: Console { json: false, quiet: true },
        stop: Stop::new(),
    };
    let options = verify::VerifyOptions {
        dir: dir.path(),
        against: None,
        schema: None,
        blobs: BlobChoice::default(),
        run: &run,
    };
    match (sound, verify::run(&options)) {
        (Ok(records), Ok(verified)) => {
            assert_eq!(records, verified.subspaces.iter().map(|s| s.records).sum::<u64>());
        }
        // Verify knows more than the format: which schema versions there are, and their letters.
        (Ok(_), Err(error)) => {
            assert!(matches!(error.kind(), ErrorKind::Refused | ErrorKind::Damaged), "{error}");
        }
        (Err(why), Ok(_)) => panic!("verified, although {why}"),
        (Err(_), Err(_)) => {}
    }
    let options = inspect::InspectOptions {
        out: None,
        place: inspect::Inspected::Dump(dir.path()),
        schema: None,
        blobs: BlobChoice::default(),
        run: &run,
    };
    let _ = inspect::contents(&Request::default(), &options);
}

/// Reads everything that an import reads; the number of records.
fn records(dir: &Path) -> Result<u64> {
    let dump = Dump::open(dir)?.with_sort_budget(SORT);
    let _ = dump.unproven(&[('a', "acl")]);
    let checked = dump.checksums(1);
    let mut records = 0;
    let mut page = Page::new();
    for file in dump.subspaces() {
        // Without its checksums a file is read all the same: the reader stands on its own.
        let mut reader = match dump.open_subspace(file.letter, Verify::Digests) {
            Ok(reader) => reader,
            Err(_) if checked.is_err() => continue,
            Err(error) => return Err(error),
        };
        let mut last: Option<Vec<u8>> = None;
        loop {
            match reader.read_page(&mut page, PAGE) {
                Ok(true) => {}
                Ok(false) => break,
                Err(error) => {
                    assert!(reader.read_page(&mut page, PAGE).is_err(), "a failed reader went on");
                    match checked {
                        Ok(_) => return Err(error),
                        Err(_) => break,
                    }
                }
            }
            for (key, _) in page.iter() {
                assert!(last.as_deref().is_none_or(|last| last < key), "keys do not ascend");
                last = Some(key.to_vec());
                records += 1;
            }
        }
    }
    if let Some(lines) = dump.findings()? {
        lines.for_each(|line| drop(line.map(|line| line.known_kind())));
    }
    checked.map(|_| records)
}

/// A manifest, as it is and with a seal that fits.
pub fn read_manifest(input: &[u8]) {
    let sealed = serde_json::from_slice::<serde_json::Value>(input).ok().map(parcel::sealed);
    for text in std::iter::once(input).chain(sealed.as_ref().map(String::as_bytes)) {
        let Ok(manifest) = Manifest::from_json(text) else { continue };
        let again = manifest.to_json().unwrap();
        assert_eq!(Manifest::from_json(again.as_bytes()).unwrap(), manifest);
        let _ = (manifest.incomplete(), manifest.is_salvage());
        for entry in &manifest.subspaces {
            assert_eq!(entry.difference_in_counts(&entry.totals()), None);
        }
    }
}

/// A record: schema version, letter, length of the value, value, key. Generated code and interpreter must agree.
pub fn decode_key(input: &[u8]) {
    let [version, letter, length, rest @ ..] = input else { return };
    let versions = catalog::versions();
    let version = &versions[usize::from(*version) % versions.len()];
    let subspace = &version.subspaces[usize::from(*letter) % version.subspaces.len()];
    let (value, key) = rest.split_at(rest.len().min(usize::from(*length)));
    agree(subspace, key);
    let _ = subspace.check(key, value).map_err(|problem| problem.to_string());
    let _ = (subspace.blob_hash(key), subspace.blob_use(key, value));
    for layout in subspace.layouts {
        let _ = (layout.value_form(key), layout.is_provisional(key, &[]));
        // Read as a key of this layout it need not be one.
        subspace.fields(layout, key, |_, _| {});
        let fields: Vec<_> = oracle::fields(layout, key)
            .into_iter()
            .map(|(segment, value)| (segment.name, oracle::text(value)))
            .collect();
        let given: Vec<_> = fields.iter().map(|(name, text)| (*name, text.as_str())).collect();
        let prefix = subspace.prefix(layout, &given);
        if oracle::accepts(layout, key) && !fields.is_empty() {
            let prefix = prefix.unwrap_or_else(|name| panic!("{} {key:02x?}: field {name}", layout.name));
            assert!(key.starts_with(&prefix), "{} {key:02x?} {prefix:02x?}", layout.name);
        }
    }
    for rule in version.counter_rules() {
        let _ = (rule.group_of)(key);
        version.covers(rule).for_each(|cover| _ = (cover.covered)(key));
    }
    version.derived_keys().for_each(|derived| _ = derived.preimage(key));
    let _ = Archive::parse(value).and_then(|archive| archive.check());
    let _ = changes::check(value);
    let mut counters = Counters::new(version);
    counters.see_record(subspace, key, value);
    counters.check(&mut Findings::new());
}

fn agree(subspace: &'static Subspace, key: &[u8]) {
    let described = subspace.describe(key);
    assert!(!described.chars().any(char::is_control), "{described:?}");
    assert_eq!(described, oracle::describe(subspace, key));
    match (subspace.layout(key), oracle::layout_of(subspace, key)) {
        (Ok(layout), Some(expect)) => {
            assert!(std::ptr::eq(layout, expect), "{} {key:02x?}", subspace.name);
            let mut bytes = Vec::new();
            subspace
                .segments(layout, key, &mut |values| values.iter().for_each(|value| value.put(&mut bytes)));
            assert_eq!(bytes, key, "{}", subspace.name);
        }
        (Err(KeyError), None) => {}
        (layout, expect) => panic!("{} {key:02x?}: {layout:?} but {expect:?}", subspace.name),
    }
}

/// A configuration that is no JSON: parsed, and every store of it looked up.
pub fn read_config_toml(input: &[u8]) {
    read_config(input, "config.toml");
}

/// A configuration that is JSON.
pub fn read_config_json(input: &[u8]) {
    read_config(input, "config.json");
}

fn read_config(input: &[u8], name: &str) {
    with_file(name, input, |path| {
        let shown = match Config::load(path, variable) {
            Err(error) => error.to_string(),
            Ok(config) => {
                let row = |_: &str| Ok(Some("db".to_string()));
                let mut shown = format!("{config:?}");
                for store in [config.data_store(), config.blob_store(row)] {
                    match store {
                        Ok(store) => shown.push_str(&store.location()),
                        Err(error) => shown.push_str(&error.to_string()),
                    }
                }
                drop(config.elsewhere(row));
                shown
            }
        };
        assert!(!shown.chars().any(char::is_control), "{shown:?}");
    });
}

fn variable(name: &str) -> Option<String> {
    match name {
        "STORE_DIR" => Some("/srv/stalwart".into()),
        "STORE_PASSWORD" => Some("%{cfg:pw}%".into()),
        "USER" => Some("someone".into()),
        _ => None,
    }
}

/// A stored blob: rule, whether its key is its hash, bytes.
pub fn decode_blob(input: &[u8]) {
    let [rule, hashed, stored @ ..] = input else { return };
    let rule = [BlobRule::Raw, BlobRule::Lz4, BlobRule::Marked][usize::from(*rule) % 3];
    let hash = blake3::hash(stored);
    let decoded = blob::decode(rule, (hashed % 2 == 1).then_some(&hash.as_bytes()[..]), stored);
    if hashed % 2 == 1 {
        assert_eq!((&*decoded.content, decoded.check), (stored, ContentCheck::Matching));
    }
    // The wrong hash makes every way of decoding be tried.
    let _ = blob::decode(rule, Some(&[7; 32]), stored);
    let encoded = blob::encode(rule, stored);
    assert!(encoded.len() as u64 <= blob::worst_case(rule, stored.len() as u64));
    let back = blob::decode(rule, Some(hash.as_bytes()), &encoded);
    assert_eq!((&*back.content, back.check), (stored, ContentCheck::Matching));
}

/// A schema, as `build.rs` reads it.
pub fn read_schema(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    match generate(&[SchemaFile { name: "schema.yaml", text }]) {
        Ok(output) => assert!(!output.rust.is_empty()),
        Err(report) => assert!(!report.to_string().is_empty()),
    }
}

/// The state of an interrupted run, as it is and with a seal that fits.
pub fn read_resume_state(input: &[u8]) {
    let sealed = serde_json::from_slice::<serde_json::Value>(input).ok().map(parcel::sealed);
    for text in std::iter::once(input).chain(sealed.as_ref().map(String::as_bytes)) {
        with_file("resume.json", text, |path| {
            let _ = StateFile::open::<serde_json::Value>(path).map_err(|error| error.to_string());
        });
    }
}

/// Calls `read` with a file that holds these bytes; the same file again and again.
fn with_file(name: &str, bytes: &[u8], read: impl FnOnce(&Path)) {
    thread_local! {
        static DIR: RefCell<Option<tempfile::TempDir>> = const { RefCell::new(None) };
    }
    DIR.with_borrow_mut(|dir| {
        let dir = dir.get_or_insert_with(|| tempfile::tempdir_in(in_memory()).unwrap());
        let path = dir.path().join(name);
        let mut file =
            std::fs::OpenOptions::new().create(true).truncate(false).write(true).open(&path).unwrap();
        file.rewind().unwrap();
        file.write_all(bytes).unwrap();
        file.set_len(bytes.len() as u64).unwrap();
        drop(file);
        read(&path);
    });
}

/// A directory whose files cost no disk, where there is one.
pub fn in_memory() -> PathBuf {
    let shared = Path::new("/dev/shm");
    if shared.is_dir() { shared.to_owned() } else { std::env::temp_dir() }
}
