//! Tables that a server of the schema version always has, but that are missing in a store or cannot be read.
//!
//! The server creates every table whenever it starts, so such a table is not an empty one: its data is lost or
//! hidden. The backends detect such tables; this module refuses to read without them unless the user has agreed.

use std::collections::BTreeMap;

use crate::backend::Source;
use crate::base::error::{Error, Result};
use crate::base::finding::{FindingKind, Findings};
use crate::catalog::{self, SchemaVersion, Subspace, Table};
use crate::records::selection::Omission;

/// A subspace whose table is absent or cannot be read.
#[derive(Debug, Clone)]
pub struct Gap {
    /// The subspace.
    pub subspace: &'static Subspace,
    /// Whether the table is missing; otherwise reading it fails.
    pub absent: bool,
    /// Reason, as a clause.
    pub why: String,
    /// Remedy for the user.
    pub help: String,
}

/// Looks for the table of every subspace that has one in this store.
///
/// Errors: those of asking the store.
pub fn find(source: &dyn Source, version: &'static SchemaVersion) -> Result<Vec<Gap>> {
    let tables: Vec<(&'static Subspace, &'static Table)> =
        version.subspaces.iter().filter_map(|s| Some((s, s.table(source.kind()).ok()?))).collect();
    let names: Vec<&Table> = tables.iter().map(|(_, table)| *table).collect();
    let found = source.unreadable(&names)?.into_iter().filter_map(|unreadable| {
        let (subspace, _) = tables.iter().find(|(_, table)| table.name == unreadable.table)?;
        let (why, help) = (unreadable.why, unreadable.help);
        Some(Gap { subspace, absent: unreadable.absent, why, help })
    });
    Ok(found.collect())
}

/// The gaps among these subspaces.
pub fn among(gaps: &[Gap], subspaces: &[&'static Subspace]) -> Vec<Gap> {
    gaps.iter().filter(|gap| subspaces.iter().any(|s| s.letter == gap.subspace.letter)).cloned().collect()
}

/// Refuses to read a store with gaps unless the user has agreed. Returns the result as a clause.
///
/// Errors: refused, naming every gap.
pub fn agree(gaps: &[Gap], agreed: bool, place: &str) -> Result<String> {
    if gaps.is_empty() {
        return Ok("all that the server makes are there and can be read".to_string());
    }
    if !agreed {
        return Err(refusal(gaps, place));
    }
    Ok(format!("agreed to go on without {}", letters(gaps)))
}

/// Refuses a store with tables that exist and cannot be read; missing tables are accepted.
///
/// Errors: refused, naming every such table.
pub fn none_hidden(gaps: &[Gap], place: &str) -> Result<()> {
    let hidden: Vec<Gap> = gaps.iter().filter(|gap| !gap.absent).cloned().collect();
    if hidden.is_empty() { Ok(()) } else { Err(unread(&hidden, place)) }
}

/// The error for reading a store with gaps, with the options to continue.
pub fn refusal(gaps: &[Gap], place: &str) -> Error {
    unread(gaps, place).help(format!(
        "or leave these subspaces out with --exclude {0}; --yes goes on without them and ends with exit code 3",
        letters(gaps)
    ))
}

/// The error for gaps, without options to continue.
fn unread(gaps: &[Gap], place: &str) -> Error {
    // Tables with the same reason share one clause.
    let mut reasons: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for gap in gaps {
        let name = gap.subspace.to_string();
        reasons.entry(gap.why.as_str()).or_default().push(name);
    }
    let reasons: Vec<String> =
        reasons.into_iter().map(|(why, names)| format!("{}: {why}", names.join(", "))).collect();
    let mut help: Vec<&str> = gaps.iter().map(|gap| gap.help.as_str()).collect();
    help.sort_unstable();
    help.dedup();
    Error::refused("tables that a server of this schema version always has are not there or cannot be read")
        .with("store", place)
        .because(reasons.join("; "))
        .help(help.join("; "))
}

fn letters(gaps: &[Gap]) -> String {
    gaps.iter().map(|gap| gap.subspace.letter.to_string()).collect::<Vec<_>>().join(",")
}

/// Moves the subspaces of gaps from the selected to the skipped ones.
pub fn leave_out(
    gaps: &[Gap],
    selected: &mut Vec<&'static Subspace>,
    skipped: &mut Vec<(&'static Subspace, Omission)>,
) {
    for gap in gaps {
        let before = selected.len();
        selected.retain(|subspace| subspace.letter != gap.subspace.letter);
        if selected.len() < before {
            skipped.push((gap.subspace, Omission::Unreadable(gap.why.clone())));
        }
    }
    skipped.sort_by_key(|(subspace, _)| subspace.letter);
}

/// A finding for every gap.
pub fn findings(gaps: &[Gap]) -> Findings {
    let mut findings = Findings::new();
    for gap in gaps {
        let name = gap.subspace.name;
        findings.add(FindingKind::MissingTable, gap.subspace.letter, &[], || {
            format!("table of {name}: {}", gap.why)
        });
    }
    findings
}

/// The error for a store whose schema version cannot be read because the table of its record is a gap; `None`
/// for other causes and for an empty database.
///
/// Errors: those of the store.
pub fn version_unread(source: &dyn Source, place: &str) -> Result<Option<Error>> {
    let record = catalog::schema_version_record();
    let Some(table) = record.table(source.kind()) else { return Ok(None) };
    if source.unreadable(&[table])?.is_empty() {
        return Ok(None);
    }
    let mut gaps: Vec<Gap> = Vec::new();
    // The expected tables depend on the version: the one with the fewest gaps is taken.
    for version in catalog::versions() {
        let found = find(source, version)?;
        if gaps.is_empty() || found.len() < gaps.len() {
            gaps = found;
        }
    }
    let absent = gaps.iter().filter(|gap| gap.absent).count();
    let everything = catalog::versions().iter().map(|version| version.subspaces.len()).min().unwrap_or(0);
    if absent + 1 >= everything {
        // An empty database is not a damaged store.
        return Ok(None);
    }
    let error = unread(&gaps, place).with("schema version", "unknown, for one of them states it");
    Ok(Some(error.help("--schema N names the version instead")))
}
