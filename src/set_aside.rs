//! Rows of a fresh target that a load replaces and does not bring: they are saved in a private file first.
//!
//! They are settings a first start has written, or that somebody has made since; values may be secrets, so
//! nothing of them is printed.

use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::backend::{KeyRange, Pages};
use crate::dir::Dir;
use crate::error::{Error, Result};
use crate::finding::hex;
use crate::fresh::Clearing;
use crate::load::Part;
use crate::origin::Origin;
use crate::page::Page;
use crate::transfer::Options;

/// Where such rows go without a report to put them beside.
const FILE: &str = "stalwart-migrate-replaced.jsonl";

#[derive(Serialize)]
struct Line {
    subspace: char,
    name: &'static str,
    key: String,
    value: String,
    key_text: String,
}

/// Saves the rows that `clearing` takes away and `origin` does not have, if there are any.
///
/// Errors: refused if they cannot be saved: then they are not taken away either.
pub fn save(origin: &Origin, parts: &[Part], clearing: &Clearing, options: &Options) -> Result<()> {
    let mut lost: Vec<_> = clearing.saved.iter().collect();
    for part in parts {
        if !lost.iter().any(|row| row.letter == part.subspace.letter) {
            continue;
        }
        let mut records = origin.read(part.subspace, &KeyRange::all())?;
        let mut page = Page::new();
        while records.next(&mut page, 1 << 20)? {
            for (key, _) in page.iter() {
                lost.retain(|row| row.letter != part.subspace.letter || row.key != key);
            }
        }
    }
    if lost.is_empty() {
        return Ok(());
    }
    let path = place(options.report);
    let mut text = String::new();
    for row in &lost {
        let line = Line {
            subspace: row.letter,
            name: row.subspace,
            key: hex(&row.key),
            value: hex(&row.value),
            key_text: String::from_utf8_lossy(&row.key).into_owned(),
        };
        text.push_str(&serde_json::to_string(&line).unwrap_or_default());
        text.push('\n');
    }
    // An interrupted run has saved them already.
    if options.resume && std::fs::read(&path).is_ok_and(|before| before == text.as_bytes()) {
        return Ok(());
    }
    write_private(&path, &text).map_err(|error| {
        Error::refused("rows of the target would be replaced and cannot be saved")
            .with("file", path.display().to_string())
            .because(error)
            .next("start in a directory that can be written, without an older file of this name, or name another place with --report FILE")
    })?;
    options.console.warn(format!(
        "{} rows of the fresh target that are not among the new ones are replaced; they are saved in {}",
        lost.len(),
        path.display()
    ));
    Ok(())
}

/// Beside the report, or in the current directory.
pub(crate) fn place(report: Option<&Path>) -> PathBuf {
    let path = match report {
        Some(report) => {
            let mut name = report.as_os_str().to_owned();
            name.push(".replaced.jsonl");
            PathBuf::from(name)
        }
        None => PathBuf::from(FILE),
    };
    std::path::absolute(&path).unwrap_or(path)
}

fn write_private(path: &Path, text: &str) -> std::io::Result<()> {
    use std::io::Write;
    let (dir, name) = Dir::holding(path)?;
    let mut file = dir.create_private_file(name)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    dir.sync()
}
