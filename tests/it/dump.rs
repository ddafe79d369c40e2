//! Dumps end to end: real dumps of the server, our own, and every way we know to damage them.
//!
//! A flipped bit anywhere in one of our dumps is found, and a cut anywhere; in a server's dump whatever can be.

mod any;

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use stalwart_migrate::base::error::{Error, Result};
use stalwart_migrate::base::finding::{FindingKind, Findings};
use stalwart_migrate::base::hex::hex;
use stalwart_migrate::base::page::Page;
use stalwart_migrate::dump::digest::Digest;
use stalwart_migrate::dump::frame::{FrameReader, FrameWriter, SERVER_FLG};
use stalwart_migrate::dump::manifest::{Completeness, Manifest, SubspaceEntry};
use stalwart_migrate::dump::record::{ContentHeader, RecordReader, encode_length};
use stalwart_migrate::dump::{Description, Dump, DumpWriter, Verify};

type Records = Vec<(Vec<u8>, Vec<u8>)>;

const LIMIT: usize = 64 * 1024;

fn fixture(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(path)
}

fn description() -> Description {
    Description {
        tool_version: "0.1.0".into(),
        server_releases: "0.15.0 – 0.15.5".into(),
        source: "memory".into(),
        created: SystemTime::UNIX_EPOCH,
        completeness: Completeness::Complete,
        skipped: vec![],
        local: vec![],
        unhashed_blobs: Vec::new(),
        read_versions: None,
    }
}

/// Writes a dump, `chunk` records a page.
fn page<B: AsRef<[u8]>>(records: &[(B, B)]) -> Page {
    let mut page = Page::new();
    records.iter().for_each(|(key, value)| page.push(key.as_ref(), value.as_ref()));
    page
}

/// Whether the frame of a file has its end mark.
fn end_mark(path: &Path) -> bool {
    let bytes = fs::read(path).unwrap();
    let mut frame = FrameReader::new(&bytes[..], "f").unwrap();
    while frame.next_block().unwrap() {}
    frame.end().unwrap().end_mark
}

fn write(dir: &Path, subspaces: &[(char, Records)], chunk: usize) -> Manifest {
    let mut dump = DumpWriter::create(dir, 5).unwrap();
    let mut entries = Vec::new();
    for (letter, records) in subspaces {
        let mut subspace = dump.subspace(*letter, &format!("name_{letter}")).unwrap();
        for records in records.chunks(chunk) {
            subspace.append(&page(records)).unwrap();
        }
        entries.push(subspace.finish().unwrap());
    }
    let mut findings = Findings::new();
    findings.add(FindingKind::BadValue, "a", b"k", || "a sample".into());
    dump.finish(entries, description(), &findings).unwrap()
}

fn read(dump: &Dump, letter: char, limit: usize) -> Result<Records> {
    let mut reader = dump.open_subspace(letter, Verify::Digests)?;
    let (mut page, mut all) = (Page::new(), Vec::new());
    while reader.read_page(&mut page, limit)? {
        all.extend(page.iter().map(|(key, value)| (key.to_vec(), value.to_vec())));
    }
    assert_eq!(reader.digest().unwrap().totals.records, all.len() as u64);
    Ok(all)
}

/// Everything an import does before its first write, and then the reading.
fn accept(dir: &Path) -> Result<u64> {
    let dump = Dump::open(dir)?;
    dump.checksums(2)?;
    read_only(&dump)
}

fn read_only(dump: &Dump) -> Result<u64> {
    let mut records = 0;
    for file in dump.subspaces() {
        records += read(dump, file.letter, LIMIT)?.len() as u64;
    }
    if let Some(lines) = dump.findings()? {
        lines.collect::<Result<Vec<_>>>()?;
    }
    Ok(records)
}

fn small() -> Vec<(char, Records)> {
    let records = |count: u8, size: usize| (0..count).map(|n| (vec![0, n], vec![n; size])).collect();
    vec![('a', records(3, 4)), ('n', records(2, 8)), ('t', records(2, 90)), ('x', vec![])]
}

fn content(letter: char, schema_version: u32, records: &Records) -> Vec<u8> {
    let mut content = ContentHeader { letter, schema_version }.encode().to_vec();
    for piece in records.iter().flat_map(|(key, value)| [key, value]) {
        let (length, used) = encode_length(piece.len() as u32);
        content.extend(&length[..used]);
        content.extend(piece);
    }
    content
}

/// A file as the server writes it, with stored blocks.
fn server_file(letter: char, schema_version: u32, records: &Records) -> Vec<u8> {
    let mut file = vec![4, 0x22, 0x4d, 0x18, SERVER_FLG, 0x40, 0x82];
    for block in content(letter, schema_version, records).chunks(65_536) {
        file.extend((block.len() as u32 | 0x8000_0000).to_le_bytes());
        file.extend(block);
    }
    file
}

fn records(list: &[(&str, &str)]) -> Records {
    list.iter().map(|(key, value)| (key.as_bytes().to_vec(), value.as_bytes().to_vec())).collect()
}

#[test]
fn server_dumps_have_the_counts_and_digests_of_an_independent_reader() {
    for (version, schema) in [("stalwart-0.15.5", 5), ("stalwart-0.16.18", 6)] {
        let dir = fixture(version).join("server-dump-of-rocksdb");
        let text = fs::read(fixture(version).join("expected/server-dump-of-rocksdb.json")).unwrap();
        let expected: serde_json::Value = serde_json::from_slice(&text).unwrap();
        let dump = Dump::open(&dir).unwrap();
        assert!(dump.is_server_dump() && dump.findings().unwrap().is_none());
        assert_eq!(dump.schema_version(), schema);
        let checks = dump.checksums(2).unwrap();
        let mut seen = 0;
        for check in &checks {
            read(&dump, check.letter, LIMIT).unwrap();
            let found = check.digest.unwrap();
            assert!(!end_mark(&dir.join(format!("subspace_{}", check.letter))) && check.findings.is_empty());
            let Some(expect) = expected.get(check.letter.to_string()) else {
                assert_eq!(found.totals.records, 0, "{version} {}", check.letter);
                continue;
            };
            seen += 1;
            assert_eq!(found.totals.records, expect["records"], "{version} {}", check.letter);
            assert_eq!(found.totals.key_bytes, expect["key_bytes"]);
            assert_eq!(found.totals.value_bytes, expect["value_bytes"]);
            assert_eq!(hex(&found.records_blake3), expect["blake3"]);
        }
        assert_eq!(seen, expected.as_object().unwrap().len() - 1, "all but `schema`");
        let unproven = dump.unproven(&[('p', "property"), ('m', "lookup")]).join("\n");
        assert!(unproven.contains("completeness") && unproven.contains("m (lookup)"), "{unproven}");
        assert!(!unproven.contains("p (property)"), "{unproven}");
    }
}

#[test]
fn a_server_dump_rewritten_as_ours_holds_the_same_and_is_canonical() {
    let temp = tempfile::tempdir().unwrap();
    let dump = Dump::open(&fixture("stalwart-0.15.5/server-dump-of-rocksdb")).unwrap();
    let all: Vec<_> =
        dump.subspaces().iter().map(|f| (f.letter, read(&dump, f.letter, LIMIT).unwrap())).collect();
    let manifests: Vec<_> = [1, 7, 100_000]
        .iter()
        .map(|&chunk| write(&temp.path().join(format!("{chunk}/deeper")), &all, chunk))
        .collect();
    assert!(manifests.iter().all(|manifest| *manifest == manifests[0]));
    let ours = Dump::open(&temp.path().join("7/deeper")).unwrap();
    assert!(!ours.is_server_dump() && ours.unproven(&[('m', "lookup")]).is_empty());
    assert_eq!(ours.manifest(), Some(&manifests[0]));
    let (checks, server) = (ours.checksums(3).unwrap(), dump.checksums(3).unwrap());
    for ((check, server), (letter, expect)) in checks.iter().zip(&server).zip(&all) {
        assert_eq!((check.letter, check.totals.records), (*letter, expect.len() as u64));
        assert!(read(&ours, *letter, 1000).unwrap() == *expect);
        assert_eq!(server.letter, *letter);
        assert_eq!(ours.entry(*letter).unwrap().difference(server.digest.as_ref().unwrap()), None);
    }
    for entry in fs::read_dir(ours.dir()).unwrap() {
        let mode = entry.unwrap().metadata().unwrap().permissions().mode() & 0o777;
        assert!(matches!(mode, 0o600 | 0o700));
    }
    assert_eq!(fs::metadata(ours.dir()).unwrap().permissions().mode() & 0o777, 0o700);
}

#[test]
fn the_worked_example_of_the_documentation_is_what_we_write() {
    let document = fs::read_to_string(fixture("../../docs/dump-format.md")).unwrap();
    let example = document.split("```hex\n").nth(1).unwrap().split("```").next().unwrap();
    let bytes: Vec<u8> = example
        .lines()
        .flat_map(|line| line.split("  ").next().unwrap().split(' '))
        .map(|byte| u8::from_str_radix(byte, 16).unwrap())
        .collect();
    let temp = tempfile::tempdir().unwrap();
    let record = (vec![0, 0, 0, 1, 0], 7i64.to_le_bytes().to_vec());
    let manifest = write(&temp.path().join("d"), &[('n', vec![record])], 1);
    assert_eq!(hex(&fs::read(temp.path().join("d/subspace_n")).unwrap()), hex(&bytes));
    let entry = &manifest.subspaces[0];
    assert_eq!(entry.records_blake3, entry.records_sum);
    assert!(document.contains(&entry.records_blake3));
}

#[test]
fn every_flipped_bit_and_every_cut_of_our_dump_is_found() {
    let temp = tempfile::tempdir().unwrap();
    let dir = temp.path().join("d");
    write(&dir, &small(), 10);
    assert_eq!(accept(&dir).unwrap(), 7);
    let mut files: Vec<_> =
        small().iter().map(|(letter, _)| dir.join(format!("subspace_{letter}"))).collect();
    let subspace_files = files.len();
    files.extend([dir.join("manifest/manifest.json"), dir.join("manifest/findings.jsonl")]);
    for (n, path) in files.iter().enumerate() {
        let good = fs::read(path).unwrap();
        for at in 0..good.len() {
            // All bits of the subspace files; the manifest has a test of its own with all bits.
            for bit in if n < subspace_files { 0..8 } else { at as u32 % 8..at as u32 % 8 + 1 } {
                let mut bad = good.clone();
                bad[at] ^= 1 << bit;
                fs::write(path, &bad).unwrap();
                assert!(accept(&dir).is_err(), "{} byte {at} bit {bit}", path.display());
                if n < subspace_files {
                    let unchecked = Dump::open(&dir).and_then(|dump| read_only(&dump));
                    assert!(unchecked.is_err(), "{} byte {at} bit {bit} while reading", path.display());
                }
            }
            fs::write(path, &good[..at]).unwrap();
            assert!(accept(&dir).is_err(), "{} cut at {at}", path.display());
        }
        fs::write(path, [&good[..], b"\0"].concat()).unwrap();
        assert!(accept(&dir).is_err(), "{} with one byte more", path.display());
        fs::write(path, good).unwrap();
    }
    assert_eq!(accept(&dir).unwrap(), 7);
}

#[test]
fn a_server_file_cut_anywhere_but_between_two_records_is_found() {
    let source = fixture("stalwart-0.15.5/server-dump-of-rocksdb");
    for (letter, step) in [('a', 1), ('r', 1), ('p', 997), ('t', 300_001)] {
        let name = format!("subspace_{letter}");
        let whole = fs::read(source.join(&name)).unwrap();
        let mut boundaries = vec![7];
        let mut frame = FrameReader::new(&whole[..], "f").unwrap();
        while frame.next_block().unwrap() {
            boundaries.push(frame.offset() as usize);
        }
        let temp = tempfile::tempdir().unwrap();
        let path = temp.path().join(&name);
        let cuts = boundaries.iter().copied().chain((0..whole.len()).step_by(step));
        for cut in cuts.filter(|&cut| cut < whole.len()) {
            fs::write(&path, &whole[..cut]).unwrap();
            let outcome = accept(temp.path());
            // Whole blocks are left: only a partial record tells. Here no record ends with a block.
            assert!(outcome.is_err(), "{letter} cut at {cut} of {}", whole.len());
        }
        for tail in [&[1][..], &[1, 2, 3], &[5, 0, 0, 0], &whole] {
            fs::write(&path, [&whole, tail].concat()).unwrap();
            assert!(accept(temp.path()).is_err(), "{letter} with {} bytes more", tail.len());
        }
        fs::write(&path, [&whole[..], &[0; 4]].concat()).unwrap();
        Dump::open(temp.path()).unwrap().checksums(1).unwrap();
        assert!(end_mark(&path), "an end mark added by another tool is fine");
    }
}

#[test]
fn a_server_file_cut_between_two_records_looks_whole_and_reports_say_so() {
    // 6 bytes of content header, then records that end with the first block.
    let list = vec![(b"a".to_vec(), vec![0; 65_536 - 6 - 5]), (b"b".to_vec(), vec![1; 9])];
    let file = server_file('a', 5, &list);
    let temp = tempfile::tempdir().unwrap();
    for (length, records) in [(file.len(), 2), (7 + 4 + 65_536, 1)] {
        fs::write(temp.path().join("subspace_a"), &file[..length]).unwrap();
        assert_eq!(accept(temp.path()).unwrap(), records);
        let unproven = Dump::open(temp.path()).unwrap().unproven(&[]);
        assert!(unproven[0].contains("looks whole"), "{unproven:?}");
    }
}

#[test]
fn a_dump_that_was_tampered_with_is_refused() {
    type Edit = fn(&Path);
    let edits: [(&str, Edit, u8, &str); 22] = [
        ("no manifest", |d| fs::remove_file(d.join("manifest/manifest.json")).unwrap(), 5, "unfinished"),
        ("no manifest directory", |d| fs::remove_dir_all(d.join("manifest")).unwrap(), 5, "unfinished"),
        ("no findings", |d| fs::remove_file(d.join("manifest/findings.jsonl")).unwrap(), 4, "missing"),
        ("a file missing", |d| fs::remove_file(d.join("subspace_n")).unwrap(), 4, "lists is missing"),
        ("a file more", |d| copy_file(d, "subspace_n", "subspace_b"), 4, "does not list"),
        ("a copy aside", |d| copy_file(d, "subspace_n", "subspace_n.old"), 4, "subspace_n.old"),
        ("a hidden file", |d| fs::write(d.join(".DS_Store"), "").unwrap(), 4, ".DS_Store"),
        ("a directory more", |d| fs::create_dir(d.join("more")).unwrap(), 4, "more"),
        ("a partial file", |d| fs::write(d.join("subspace_b.partial"), "").unwrap(), 4, "subspace_b.partial"),
        ("a file beside the manifest", |d| fs::write(d.join("manifest/x"), "").unwrap(), 4, "do not belong"),
        ("two files swapped", |d| swap(d, "subspace_a", "subspace_n"), 4, "subspace_a"),
        ("a file renamed", |d| rename(d, "subspace_a", "subspace_b"), 4, "subspace_a"),
        ("a capital letter", |d| rename(d, "subspace_a", "subspace_A"), 4, "subspace_A"),
        ("a link", |d| link(d, "subspace_a"), 4, "no regular file"),
        ("a pipe", |d| pipe(d, "subspace_a"), 4, "no regular file"),
        ("a directory", |d| directory(d, "subspace_a"), 4, "no regular file"),
        ("a linked manifest", |d| link(d, "manifest/manifest.json"), 4, "no regular file"),
        ("a piped manifest", |d| pipe(d, "manifest/manifest.json"), 4, "no regular file"),
        ("a linked manifest directory", |d| link(d, "manifest"), 4, "directory of its own"),
        ("an endless manifest", |d| sparse(&d.join("manifest/manifest.json"), 1 << 40), 4, "longer than any"),
        ("an endless file", |d| sparse(&d.join("subspace_a"), 1 << 40), 4, "the manifest states"),
        ("op-stream inside", |d| fs::write(d.join("subspace_a"), [0x7b, 2, 0]).unwrap(), 4, "subspace_a"),
    ];
    for (what, edit, exit, expect) in edits {
        let temp = tempfile::tempdir().unwrap();
        let dir = temp.path().join("d");
        write(&dir, &small(), 10);
        edit(&dir);
        let error = accept(&dir).expect_err(what);
        assert_eq!(error.kind().exit_code(), exit, "{what}: {error}");
        assert!(error.to_string().contains(expect), "{what}: {error}");
    }
    // State of an import may stand beside the manifest.
    let temp = tempfile::tempdir().unwrap();
    let dir = temp.path().join("d");
    write(&dir, &small(), 10);
    fs::write(dir.join("manifest/import-0123.json"), "{}").unwrap();
    assert_eq!(accept(&dir).unwrap(), 7);
}

fn copy_file(dir: &Path, from: &str, to: &str) {
    fs::copy(dir.join(from), dir.join(to)).unwrap();
}

fn rename(dir: &Path, from: &str, to: &str) {
    fs::rename(dir.join(from), dir.join(to)).unwrap();
}

fn swap(dir: &Path, one: &str, other: &str) {
    rename(dir, one, "kept");
    rename(dir, other, one);
    rename(dir, "kept", other);
}

fn link(dir: &Path, name: &str) {
    let aside = dir.with_file_name("aside");
    fs::rename(dir.join(name), &aside).unwrap();
    symlink(aside, dir.join(name)).unwrap();
}

fn pipe(dir: &Path, name: &str) {
    fs::remove_file(dir.join(name)).unwrap();
    let (kind, mode) = (rustix::fs::FileType::Fifo, rustix::fs::Mode::RUSR);
    rustix::fs::mknodat(rustix::fs::CWD, dir.join(name), kind, mode, 0).unwrap();
}

fn directory(dir: &Path, name: &str) {
    fs::remove_file(dir.join(name)).unwrap();
    fs::create_dir(dir.join(name)).unwrap();
}

fn sparse(path: &Path, length: u64) {
    fs::File::create(path).unwrap().set_len(length).unwrap();
}

#[test]
fn what_a_directory_is_decides_the_message() {
    let a = || server_file('a', 5, &records(&[("k", "v")]));
    let other_flags = || {
        let mut file = FrameWriter::new(Vec::new());
        file.push(&content('a', 5, &vec![])).unwrap();
        let mut file = file.finish().unwrap();
        file[4] = 0x64;
        file
    };
    let ours = || {
        let mut file = FrameWriter::new(Vec::new());
        file.push(&content('b', 5, &vec![])).unwrap();
        file.finish().unwrap()
    };
    let stream = || vec![0x7b, 2, 0, 0];
    type Files = Vec<(&'static str, Vec<u8>)>;
    let cases: Vec<(Files, u8, &str)> = vec![
        (vec![], 2, "holds no dump"),
        (vec![("mail.txt", b"x".to_vec())], 2, "holds no dump"),
        (vec![("subspace_a", a()), ("README", b"x".to_vec()), ("manifest/import-1.json", vec![])], 0, ""),
        (vec![("subspace_a", a()), ("subspace_b", ours())], 5, "unfinished"),
        (vec![("subspace_a", a()), ("subspace_b.partial", vec![])], 5, "unfinished"),
        (vec![("subspace_a", a()), ("manifest/resume.json", vec![])], 5, "unfinished"),
        (vec![("subspace_a.partial", vec![])], 5, "remove the directory"),
        (vec![("manifest/findings.jsonl", vec![])], 5, "unfinished"),
        (vec![("subspace_a", other_flags())], 2, "flags 64"),
        (vec![("subspace_a", a()), ("subspace_b", a())], 4, "holds subspace a, its name says b"),
        (vec![("subspace_a", a()), ("subspace_b", server_file('b', 6, &vec![]))], 4, "mixes schema versions"),
        (vec![("subspace_a", vec![])], 4, "the file is empty"),
        (vec![("subspace_a", b"hello, world".to_vec())], 4, "no LZ4 frame"),
        (vec![("property", stream()), ("blob", stream())], 5, "Stalwart 0.11 to 0.14"),
        (vec![("subspace_a", stream())], 5, "Stalwart 0.11 to 0.14"),
    ];
    for (files, exit, expect) in cases {
        let temp = tempfile::tempdir().unwrap();
        for (name, bytes) in &files {
            let path = temp.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, bytes).unwrap();
        }
        let names: Vec<_> = files.iter().map(|(name, _)| name).collect();
        match accept(temp.path()) {
            Ok(_) => assert_eq!(exit, 0, "{names:?}"),
            Err(error) => {
                assert_eq!(error.kind().exit_code(), exit, "{names:?}: {error}");
                assert!(error.to_string().contains(expect), "{names:?}: {error}");
            }
        }
    }
    let temp = tempfile::tempdir().unwrap();
    fs::write(temp.path().join("file"), "").unwrap();
    for path in ["absent", "file", "file/below"] {
        assert_eq!(Dump::open(&temp.path().join(path)).unwrap_err().kind().exit_code(), 2, "{path}");
    }
}

#[test]
fn order_and_repeats_in_server_files() {
    // A read replica that fails makes the server start its file's records over.
    let restarted = records(&[("a", "1"), ("b", "2"), ("a", "1"), ("b", "2"), ("c", "3")]);
    let twice = records(&[("a", "1"), ("a", "1"), ("b", "2")]);
    let moved = records(&[("b", "2"), ("a", "1")]);
    let differing = records(&[("a", "1"), ("b", "2"), ("a", "9")]);
    let cases = [
        (restarted, Ok((3, 2, 1))),
        (twice, Ok((2, 1, 0))),
        (moved, Ok((2, 0, 1))),
        (differing, Err("two values claim one key")),
    ];
    for (list, expect) in cases {
        let temp = tempfile::tempdir().unwrap();
        fs::write(temp.path().join("subspace_n"), server_file('n', 5, &list)).unwrap();
        let dump = Dump::open(temp.path()).unwrap();
        let outcome = read(&dump, 'n', 1);
        match expect {
            Ok((count, repeated, unordered)) => {
                let mut sorted: Records = list.clone();
                sorted.sort();
                sorted.dedup();
                assert_eq!(outcome.unwrap(), sorted);
                let check = &dump.checksums(1).unwrap()[0];
                assert_eq!(check.totals.records, count);
                assert_eq!(check.findings.count(FindingKind::Duplicate), repeated);
                assert_eq!(check.findings.count(FindingKind::OutOfOrder), unordered);
                let mut digest = Digest::new();
                sorted.iter().for_each(|(key, value)| digest.add(key, value));
                assert_eq!(check.digest.unwrap(), digest.finish());
                let reader = dump.open_subspace('n', Verify::Counts).unwrap();
                assert_eq!(reader.findings().count(FindingKind::Duplicate), repeated);
            }
            Err(what) => {
                let error = outcome.unwrap_err();
                assert!(error.to_string().contains(what), "{error}");
                assert_eq!(error.context("key"), Some("61"));
            }
        }
    }
    let temp = tempfile::tempdir().unwrap();
    let large: Records = (0..2000u32).rev().map(|n| (n.to_be_bytes().to_vec(), vec![0; 100])).collect();
    fs::write(temp.path().join("subspace_n"), server_file('n', 5, &large)).unwrap();
    let dump = Dump::open(temp.path()).unwrap().with_sort_budget(100_000);
    let error = dump.checksums(1).unwrap_err();
    assert_eq!(error.kind().exit_code(), 5, "{error}");
    assert!(error.to_string().contains("--memory"), "{error}");
}

#[test]
fn our_files_with_a_manifest_that_lies_are_found_while_reading() {
    let good = records(&[("a", "1"), ("b", "2"), ("c", "33")]);
    type Edit = fn(&mut Records, &mut SubspaceEntry);
    let edits: [(Edit, &str); 7] = [
        (|records, _| records.swap(0, 1), "out of order"),
        (|records, _| records[1] = records[0].clone(), "twice"),
        (|records, _| records[1].1 = b"9".to_vec(), "digest of the records"),
        (|records, _| records[1].1 = b"1234567".to_vec(), "a value of 7 bytes"),
        (|_, entry| entry.records = 4, "states 4 records, there are 3"),
        (|_, entry| entry.longest_key = 2, "states 2 bytes in the longest key"),
        (|_, entry| entry.records_sum = "0".repeat(64), "digest of the records"),
    ];
    for (edit, expect) in edits {
        let temp = tempfile::tempdir().unwrap();
        let dir = temp.path().join("d");
        let mut manifest = write(&dir, &[('a', good.clone())], 10);
        let mut records = good.clone();
        let entry = &mut manifest.subspaces[0];
        edit(&mut records, entry);
        let mut frame = FrameWriter::new(Vec::new());
        frame.push(&content('a', 5, &records)).unwrap();
        let file = frame.finish().unwrap();
        entry.file_bytes = file.len() as u64;
        entry.file_blake3 = blake3::hash(&file).to_string();
        entry.key_bytes = entry.key_bytes.max(entry.longest_key);
        fs::write(dir.join("subspace_a"), file).unwrap();
        fs::write(dir.join("manifest/manifest.json"), manifest.to_json().unwrap()).unwrap();
        let error = accept(&dir).unwrap_err();
        assert!(error.to_string().contains(expect), "{error}, not {expect}");
        assert_eq!(error.kind().exit_code(), 4);
    }
}

#[test]
fn the_writer_refuses_what_would_be_no_dump() {
    let temp = tempfile::tempdir().unwrap();
    let at = |name: &str| temp.path().join(name);
    fs::write(at("file"), "x").unwrap();
    fs::create_dir(at("full")).unwrap();
    fs::write(at("full/x"), "x").unwrap();
    fs::create_dir(at("empty")).unwrap();
    symlink(at("nowhere"), at("dangling")).unwrap();
    drop(DumpWriter::create(&at("begun"), 5).unwrap());
    for (name, exit, expect) in [
        ("file", 2, "no directory"),
        ("file/below", 2, "no directory"),
        ("dangling", 2, "no directory"),
        ("full", 5, "not empty"),
        ("begun", 5, "unfinished export"),
    ] {
        let error = DumpWriter::create(&at(name), 5).unwrap_err();
        assert_eq!(error.kind().exit_code(), exit, "{name}: {error}");
        assert!(error.to_string().contains(expect), "{name}: {error}");
    }
    assert_eq!(fs::read(at("full/x")).unwrap(), b"x");

    let mut dump = DumpWriter::create(&at("empty"), 5).unwrap();
    assert_eq!(fs::metadata(at("empty")).unwrap().permissions().mode() & 0o777, 0o700);
    let mut subspace = dump.subspace('a', "acl").unwrap();
    assert!(dump.subspace('a', "acl").is_err() && dump.subspace('A', "acl").is_err());
    subspace.append(&page(&[("", "")])).unwrap();
    subspace.append(&page(&[("b", "1")])).unwrap();
    for error in [
        subspace.append(&page(&[("b", "1")])).unwrap_err(),
        subspace.append(&page(&[("", "")])).unwrap_err(),
        subspace.append(&page(&[(&[b'c'; 65_537][..], &[])])).unwrap_err(),
        subspace.append(&page(&[("c", ""), ("bb", "")])).unwrap_err(),
    ] {
        assert_eq!(error.kind().exit_code(), 1);
        assert!(error.context("key").is_some() && error.context("subspace") == Some("a (acl)"), "{error}");
    }
    assert_eq!(subspace.records(), 2, "a refused page leaves no part of itself");
    subspace.append(&page(&[(&[b'c'; 65_536][..], &[])])).unwrap();
    drop(subspace);
    assert!(at("empty/subspace_a.partial").exists(), "left under its partial name");
    let error = dump.finish(vec![], description(), &Findings::new()).unwrap_err();
    assert!(error.to_string().contains("not finished"), "{error}");
    assert_eq!(Dump::open(&at("empty")).unwrap_err().kind().exit_code(), 5);
}

#[test]
fn abandoning_removes_what_the_run_has_made_and_nothing_else() {
    let temp = tempfile::tempdir().unwrap();
    let existing = temp.path().join("existing");
    fs::create_dir(&existing).unwrap();
    for (dir, stays) in [(existing, true), (temp.path().join("new"), false)] {
        let mut dump = DumpWriter::create(&dir, 5).unwrap();
        let one = dump.subspace('a', "acl").unwrap().finish().unwrap();
        let _unfinished = dump.subspace('b', "bitmap").unwrap();
        assert_eq!(one.records, 0);
        dump.abandon().unwrap();
        assert_eq!(dir.exists(), stays);
        assert!(!stays || fs::read_dir(&dir).unwrap().next().is_none());
    }
}

#[test]
fn subspaces_are_written_in_threads_of_their_own() {
    let temp = tempfile::tempdir().unwrap();
    let dir = temp.path().join("d");
    let mut dump = DumpWriter::create(&dir, 5).unwrap();
    let writers: Vec<_> = small()
        .into_iter()
        .map(|(letter, records)| (dump.subspace(letter, &format!("name_{letter}")).unwrap(), records))
        .collect();
    let entries = std::thread::scope(|scope| {
        let threads: Vec<_> = writers
            .into_iter()
            .rev()
            .map(|(mut writer, records)| {
                scope.spawn(move || {
                    for record in records.chunks(1) {
                        writer.append(&page(record))?;
                    }
                    writer.finish()
                })
            })
            .collect();
        threads.into_iter().map(|t| t.join().unwrap()).collect::<Result<Vec<_>, Error>>().unwrap()
    });
    dump.finish(entries, description(), &Findings::new()).unwrap();
    assert_eq!(accept(&dir).unwrap(), 7);
}
