//! The generator against schemas: accepted ones give exactly the text beside them, rejected ones exactly the
//! report beside them, and the real one the golden catalog and the documentation.
//!
//! `UPDATE_EXPECT=1` writes what was generated instead; read the diff.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::fs;
use std::path::{Path, PathBuf};

use codegen::{Mistakes, Output, SchemaFile, generate};
use expect_test::expect_file;

fn tests() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests")
}

/// Files of a folder with this ending, sorted.
fn files(folder: &str, ending: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(tests().join(folder)).expect("the folder is part of the repository");
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.expect("readable").path()).collect();
    files.retain(|file| file.extension().is_some_and(|e| e == ending));
    files.sort();
    assert!(!files.is_empty(), "no *.{ending} in {folder}");
    files
}

/// Generates from one file, with `base/` for every part of a schema it does not hold itself.
fn generate_file(file: &Path) -> Result<Output, Mistakes> {
    let text = fs::read_to_string(file).expect("readable");
    let folder = file.parent().and_then(Path::file_name).expect("a folder").to_string_lossy();
    let name = format!("{folder}/{}", file.file_name().expect("a name").to_string_lossy());
    let parts = ["versions", "backends", "fields"];
    let missing = parts.into_iter().filter(|part| !text.lines().any(|line| line == format!("{part}:")));
    let base: Vec<(String, String)> = missing
        .map(|part| {
            let name = format!("base/{part}.yaml");
            let text = fs::read_to_string(tests().join(&name)).expect("readable");
            (name, text)
        })
        .collect();
    let mut sources: Vec<SchemaFile<'_>> =
        base.iter().map(|(name, text)| SchemaFile { name, text }).collect();
    sources.push(SchemaFile { name: &name, text: &text });
    generate(&sources)
}

fn generate_real() -> Output {
    let schema = Path::new(env!("CARGO_MANIFEST_DIR")).join("../schema");
    let read = |name: &str| fs::read_to_string(schema.join(name)).expect("readable");
    let (subspaces, backends) = (read("subspaces.yaml"), read("backends.yaml"));
    let sources = [
        SchemaFile { name: "schema/subspaces.yaml", text: &subspaces },
        SchemaFile { name: "schema/backends.yaml", text: &backends },
    ];
    generate(&sources).unwrap_or_else(|report| panic!("{report}"))
}

/// The items of a text that another one lacks.
fn beyond(base: &str, text: &str) -> String {
    let known: Vec<&str> = base.trim_end().split("\n\n").collect();
    let items = text.trim_end().split("\n\n").filter(|item| !known.contains(item));
    items.collect::<Vec<_>>().join("\n\n") + "\n"
}

#[test]
fn accepted_schemas_give_the_text_beside_them() {
    let base = tests().join("accept/base.yaml");
    let rust = |file: &Path| {
        generate_file(file).unwrap_or_else(|report| panic!("{}:\n{report}", file.display())).rust
    };
    let least = rust(&base);
    for file in files("accept", "yaml") {
        let text = rust(&file);
        let shown = if file == base { text } else { beyond(&least, &text) };
        expect_file![file.with_extension("rs")].assert_eq(&shown);
    }
}

#[test]
fn rejected_schemas_give_the_report_beside_them() {
    for file in files("reject", "yaml") {
        let report = generate_file(&file).err().unwrap_or_else(|| panic!("{} is accepted", file.display()));
        expect_file![file.with_extension("stderr")].assert_eq(&report.to_string());
    }
}

#[test]
fn every_report_names_a_line_and_a_remedy() {
    for file in files("reject", "stderr") {
        let text = fs::read_to_string(&file).expect("readable");
        assert!(text.starts_with("error: "), "{}", file.display());
        for error in text.split("error: ").skip(1) {
            let mut parts = error.splitn(4, ':');
            let place: Vec<&str> = parts.by_ref().take(3).collect();
            assert!(place[0].ends_with(".yaml"), "{}: {error}", file.display());
            assert!(place[1..].iter().all(|n| n.parse::<u32>().is_ok_and(|n| n > 0)), "{}", file.display());
            assert!(error.contains("\n  help: "), "{}: {error}", file.display());
        }
    }
}

#[test]
fn the_real_schema_gives_the_golden_catalog() {
    expect_file!["golden/catalog.rs"].assert_eq(&generate_real().rust);
}

#[test]
fn the_documentation_of_subspaces_is_current() {
    expect_file!["../../docs/subspaces.md"].assert_eq(&generate_real().docs);
}

/// The cells of the rows of a table, which follows a text.
fn rows<'d>(docs: &'d str, after: &str) -> Vec<Vec<&'d str>> {
    let (_, rest) = docs.split_once(after).unwrap_or_else(|| panic!("{after}"));
    let lines = rest.lines().skip_while(|line| !line.starts_with("|---")).skip(1);
    let rows = lines.take_while(|line| line.starts_with('|'));
    rows.map(|row| row.trim_matches('|').split('|').map(str::trim).collect()).collect()
}

#[test]
fn the_documentation_tells_how_long_values_are_kept() {
    let docs = generate_real().docs;
    // Value kind, longest value, what else is so.
    let check = |backend: &str, expect: [(&str, &str, &str); 4]| {
        let rows = rows(&docs, &format!("\n### {backend}\n"));
        let found: Vec<_> = rows.iter().map(|row| (row[0], row[3], row[4])).collect();
        assert_eq!(found, expect, "{backend}");
    };
    check(
        "RocksDB",
        [
            ("bytes", "–", ""),
            ("none", "–", ""),
            ("counter", "–", "merge operator `merge`"),
            ("blob", "–", "blob files from 16834 bytes"),
        ],
    );
    check(
        "FoundationDB",
        [
            (
                "bytes",
                "25500000",
                "pieces of 100000 bytes, at most 255, numbered by one byte on later pieces; \
                 values of `logs` are never cut",
            ),
            ("none", "–", ""),
            ("counter", "–", ""),
            (
                "blob",
                "698500000",
                "pieces of 100000 bytes, at most 6985, numbered by 2 bytes; \
                 at most 6984 pieces in 0.12.0 – 0.12.1 (version 1)",
            ),
        ],
    );
}

/// Whether a version is in a range as the documentation writes it.
fn is_in(range: &str, version: usize) -> bool {
    let number = |text: &str| text.parse::<usize>().expect("a version");
    let (from, to) = range.split_once('–').unwrap_or((range, range));
    (number(from)..=number(to)).contains(&version)
}

#[test]
fn every_letter_of_a_version_has_either_a_family_or_a_reason() {
    let docs = generate_real().docs;
    let letters = rows(&docs, "## Letters by version");
    let families = rows(&docs, "## Families");
    let outside = rows(&docs, "Outside every family");
    let mut seen = 0;
    for (letter, versions) in letters.iter().filter_map(|row| row.split_first()) {
        for (version, name) in (1..).zip(versions) {
            let selected = families.iter().filter(|row| is_in(row[0], version) && row[2].contains(letter));
            let reasons = outside.iter().filter(|row| is_in(row[0], version) && row[1] == *letter);
            assert!(reasons.clone().all(|row| !row[2].is_empty()), "{letter}");
            let exists = !["–", "*left over*"].contains(name);
            assert_eq!(selected.count() + reasons.count(), usize::from(exists), "version {version} {letter}");
            seen += usize::from(exists);
        }
    }
    assert_eq!(seen, 4 * 25 + 21 + 24);
}

#[test]
fn the_same_schema_gives_the_same_text() {
    assert_eq!(generate_real(), generate_real());
}

#[test]
fn line_endings_and_missing_last_line_breaks_do_not_matter() {
    let source = |text| SchemaFile { name: "x", text };
    let read = |part: &str| fs::read_to_string(tests().join(format!("base/{part}.yaml"))).expect("readable");
    let (versions, backends, fields) = (read("versions"), read("backends"), read("fields"));
    let own = fs::read_to_string(tests().join("accept/constants.yaml")).expect("readable");
    let whole = generate(&[source(&versions), source(&backends), source(&fields), source(&own)]);
    let crlf = own.replace('\n', "\r\n");
    let cut = generate(&[
        source(versions.trim_end()),
        source(backends.trim_end()),
        source(fields.trim_end()),
        source(&crlf),
    ]);
    assert_eq!(whole, cut);
}
