//! Backup of replaced rows: rows of a fresh target that a load deletes and does not contain are saved in a
//! private file first.
//!
//! They are settings that a first start has written or that were changed since; values may be secrets, so none is
//! printed. An existing file is never changed or removed: it may be the only copy of rows that an interrupted run
//! has deleted.

use std::collections::HashSet;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::backend::{KeyRange, Pages};
use crate::base::dir::Dir;
use crate::base::error::{Error, Result};
use crate::base::hex::hex;
use crate::base::page::Page;
use crate::records::input::Input;
use crate::run::console::Console;
use crate::target::load::LoadPart;
use crate::target::state::{Clearing, Saved};

/// Name of the backup if there is no report to put it beside, without the ending.
const FILE: &str = "stalwart-migrate-replaced";
/// Ending of the name of a backup.
const ENDING: &str = ".jsonl";
/// Number of names tried.
const NAMES: usize = 1000;

#[derive(Serialize)]
struct BackupLine<'a> {
    subspace: char,
    name: &'static str,
    key: String,
    value: String,
    key_text: std::borrow::Cow<'a, str>,
}

/// A backup of replaced rows: its content and path.
pub struct Saving {
    path: PathBuf,
    text: String,
    rows: usize,
    // Whether an interrupted run has written it already.
    there: bool,
}

impl Saving {
    /// Plans the backup of rows that `clearing` deletes and the input does not contain; `None` if there are none.
    /// The file is beside the report or in the current directory: one that holds the rows already, such as
    /// `before` of an interrupted run, or a new one. Writes nothing.
    ///
    /// Errors: those of reading the input.
    pub fn plan(
        input: &Input,
        parts: &[LoadPart],
        clearing: &Clearing,
        report: Option<&Path>,
        before: Option<&Path>,
    ) -> Result<Option<Saving>> {
        let lost = lost(input, parts, clearing)?;
        if lost.is_empty() {
            return Ok(None);
        }
        let mut text = String::new();
        for row in &lost {
            let line = BackupLine {
                subspace: row.letter,
                name: row.subspace,
                key: hex(&row.key),
                value: hex(&row.value),
                key_text: String::from_utf8_lossy(&row.key),
            };
            text.push_str(&serde_json::to_string(&line).unwrap_or_default());
            text.push('\n');
        }
        let (mut path, mut there) = (place(report, 1), false);
        for candidate in before.map(Path::to_path_buf).into_iter().chain((1..NAMES).map(|n| place(report, n)))
        {
            let absent = candidate.symlink_metadata().is_err();
            if absent && before == Some(&candidate) {
                continue;
            }
            path = candidate;
            there = !absent && holds(&path, &text);
            if absent || there {
                break;
            }
        }
        Ok(Some(Saving { path, text, rows: lost.len(), there }))
    }

    /// Path of the file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes and syncs the rows, unless an interrupted run has.
    ///
    /// Errors: refused if they cannot be saved: then they must not be deleted either.
    pub fn save(&self, console: &Console) -> Result<()> {
        if !self.there {
            write_private(&self.path, &self.text).map_err(|error| {
                Error::refused("rows of the target would be replaced and cannot be saved")
                    .with("file", self.path.display().to_string())
                    .because(error)
                    .help(
                        "start in a directory that can be written, or name another place with --report FILE",
                    )
            })?;
        }
        console.warn(format!(
            "{} rows of the fresh target that are not among the new ones are replaced; they are saved in {}",
            self.rows,
            self.path.display()
        ));
        Ok(())
    }
}

fn lost<'a>(input: &Input, parts: &[LoadPart], clearing: &'a Clearing) -> Result<Vec<&'a Saved>> {
    let mut lost: Vec<_> = clearing.saved.iter().collect();
    for part in parts {
        if !lost.iter().any(|row| row.letter == part.subspace.letter) {
            continue;
        }
        let mut brought = HashSet::new();
        let mut records = input.read(part.subspace, &KeyRange::all())?;
        let mut page = Page::new();
        let wanted: HashSet<&[u8]> = lost
            .iter()
            .filter(|row| row.letter == part.subspace.letter)
            .map(|row| row.key.as_slice())
            .collect();
        while records.next(&mut page, 1 << 20)? {
            brought.extend(page.iter().filter_map(|(key, _)| wanted.get(key).copied()));
        }
        lost.retain(|row| row.letter != part.subspace.letter || !brought.contains(row.key.as_slice()));
    }
    Ok(lost)
}

/// The n-th name beside the report, or in the current directory.
pub(crate) fn place(report: Option<&Path>, n: usize) -> PathBuf {
    let number = if n > 1 { format!("-{n}") } else { String::new() };
    let path = match report {
        Some(report) => {
            let mut name = report.as_os_str().to_owned();
            name.push(format!(".replaced{number}{ENDING}"));
            PathBuf::from(name)
        }
        None => PathBuf::from(format!("{FILE}{number}{ENDING}")),
    };
    std::path::absolute(&path).unwrap_or(path)
}

/// Whether a regular file contains every line of `text`.
fn holds(path: &Path, text: &str) -> bool {
    let opened = Dir::holding(path).and_then(|(dir, name)| dir.open_file(name));
    let Ok(file) = opened else { return false };
    let mut missing: HashSet<&[u8]> = text.lines().map(str::as_bytes).collect();
    // A line that is looked for is not longer than all of them together.
    let (mut lines, mut line) = (BufReader::new(file), Vec::new());
    loop {
        line.clear();
        match (&mut lines).take(text.len() as u64 + 1).read_until(b'\n', &mut line) {
            Ok(0) | Err(_) => return missing.is_empty(),
            Ok(_) => drop(missing.remove(line.strip_suffix(b"\n").unwrap_or(b""))),
        }
    }
}

fn write_private(path: &Path, text: &str) -> std::io::Result<()> {
    let (dir, name) = Dir::holding(path)?;
    let mut file = dir.create_private_file(name)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    dir.sync()
}
