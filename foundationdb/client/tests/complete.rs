//! The list of forwarders is complete: it has every function that the header of API version 730 declares, and
//! every function that the crate `foundationdb` calls.
//!
//! Both are read from the sources of the crates, so that a new version of either is checked as well. A function
//! that is missing would only be found by a linker, in a program that happens to call it.

use std::collections::BTreeSet;
use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::Command;

const FORWARDERS: &str = include_str!("../src/forward.rs");

/// Of the versions of the API before 610, which the header still declares for them.
const REMOVED: &[&str] = &[
    "fdb_create_cluster",
    "fdb_cluster_create_database",
    "fdb_cluster_destroy",
    "fdb_cluster_set_option",
    "fdb_future_get_cluster",
    "fdb_future_get_database",
    "fdb_future_get_version",
    "fdb_future_is_error",
    "fdb_transaction_get_range_selector",
    // Macros over `fdb_select_api_version_impl`.
    "fdb_select_api_version",
    "fdb_select_api_version_capped",
];

#[test]
fn every_function_of_the_header() -> Result<(), Box<dyn Error>> {
    let header = std::fs::read_to_string(source_of("foundationdb-sys")?.join("include/730/fdb_c.h"))?;
    let declared = followed_by_parenthesis(&header);
    assert!(declared.contains("fdb_transaction_get_range"), "the header was not understood");
    assert_eq!(missing(&declared), BTreeSet::new());
    Ok(())
}

#[test]
fn every_function_that_is_called() -> Result<(), Box<dyn Error>> {
    let mut called = BTreeSet::new();
    let mut folders = vec![source_of("foundationdb")?.join("src")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder)? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else {
                called.extend(followed_by_parenthesis(&std::fs::read_to_string(path)?));
            }
        }
    }
    assert!(called.contains("fdb_transaction_commit"), "the sources were not understood");
    // Functions of the crate itself.
    for own in ["fdb_bool", "fdb_len", "fdb_iteration", "fdb_limit", "fdb_future_callback"] {
        called.remove(own);
    }
    let macros = |name: &String| !FORWARDERS.contains(name.as_str()) && name.starts_with("fdb_error");
    called.retain(|name| !macros(name));
    assert_eq!(missing(&called), BTreeSet::new());
    Ok(())
}

fn missing(wanted: &BTreeSet<String>) -> BTreeSet<&str> {
    let defined = followed_by_parenthesis(FORWARDERS);
    wanted
        .iter()
        .map(String::as_str)
        .filter(|name| !defined.contains(*name) && !REMOVED.contains(name))
        .collect()
}

/// Every word `fdb_…` that a parenthesis follows, except in comments.
fn followed_by_parenthesis(text: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for line in text.lines() {
        let line = line.trim_start();
        if line.starts_with("//") || line.starts_with('*') || line.starts_with("/*") {
            continue;
        }
        for part in line.split(|c: char| !(c.is_ascii_alphanumeric() || "_(".contains(c))) {
            for (at, _) in part.match_indices('(') {
                let name = part[..at].rsplit('(').next().unwrap_or_default();
                if name.starts_with("fdb_") {
                    found.insert(name.to_owned());
                }
            }
        }
    }
    found
}

/// The folder of a crate that this workspace depends on, as cargo knows it.
fn source_of(name: &str) -> Result<PathBuf, Box<dyn Error>> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version=1", "--offline", "--locked", "--manifest-path"])
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml"))
        .output()?;
    assert!(output.status.success(), "cargo metadata: {}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout)?;
    let manifests = text.split("\"manifest_path\":\"").skip(1).filter_map(|rest| rest.split('"').next());
    let is_of = |path: &&str| {
        let folder = Path::new(path).parent().and_then(Path::file_name).and_then(|name| name.to_str());
        folder.and_then(|folder| folder.strip_prefix(name)).is_some_and(|rest| rest.starts_with("-0."))
    };
    let manifest = manifests.into_iter().find(is_of).ok_or_else(|| format!("no crate {name}"))?;
    Ok(Path::new(manifest).parent().ok_or("no folder")?.to_path_buf())
}
