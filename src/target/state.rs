//! The state of a target: it may be written if it is empty or holds only what a first start of the server
//! creates.
//!
//! The catalog defines those rows. This module reads the target and decides what to clear; `transfer` clears it.

use std::fmt::Write as _;

use crate::backend::{KeyRange, Source};
use crate::base::error::{Error, Result};
use crate::base::hex::hex;
use crate::base::page::Page;
use crate::catalog::{self, FreshRule, Layout, SchemaVersion, SideTable, Subspace, Table};
use crate::records::derived_keys::DerivedBlobKeys;
use crate::records::store::{self, UnknownTable};

/// Number of rows of one subspace at which counting stops.
const COUNT_LIMIT: u64 = 100_000;
/// Number of keys shown for a subspace that is not empty.
const SAMPLES: usize = 1;
/// Limit in bytes for rows saved from a target, and for keys of rows kept in it; a first start creates a few
/// kilobytes.
const SAVE_LIMIT: usize = 64 << 20;

/// A row that is about to be cleared from the target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Saved {
    /// Its subspace.
    pub subspace: &'static str,
    /// Its letter.
    pub letter: char,
    /// Key as stored.
    pub key: Vec<u8>,
    /// Value as stored.
    pub value: Vec<u8>,
}

/// What to delete from a target before the first write.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Clearing {
    /// Single rows, by table. The schema-version record comes first.
    pub rows: Vec<(&'static Table, Vec<Vec<u8>>)>,
    /// Tables to empty.
    pub tables: Vec<&'static Table>,
    /// Keys, ascending, of rows to keep in emptied tables, because they belong to the installation of the target.
    pub kept: Vec<(&'static Table, Vec<Vec<u8>>)>,
    /// Deleted rows that the user may miss if the import does not contain them.
    pub saved: Vec<Saved>,
}

impl Clearing {
    /// Whether there is nothing to delete.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty() && self.tables.is_empty()
    }

    /// Tables and rows to delete, in words, for the preflight report.
    pub fn describe(&self) -> String {
        let named = |table: &&Table| table.name.to_string();
        let rows = self.rows.iter().map(|(table, keys)| format!("{} rows of {}", keys.len(), named(table)));
        let tables = self.tables.iter().map(|table| format!("all of {}", named(table)));
        rows.chain(tables).collect::<Vec<_>>().join(", ")
    }
}

/// The part of a target that must be empty.
#[derive(Debug, Clone, Copy)]
pub enum Extent<'a> {
    /// Every subspace: the import contains a whole database.
    Everything,
    /// Only these: the dump has no schema-version record, so that of the target must match and is kept.
    Only(&'a [&'static Subspace]),
}

impl Extent<'_> {
    /// Whether a subspace is part of it.
    fn includes(&self, subspace: &Subspace) -> bool {
        match self {
            Extent::Everything => true,
            Extent::Only(subspaces) => subspaces.iter().any(|s| s.letter == subspace.letter),
        }
    }
}

/// Checks every row of the target and decides what to clear.
///
/// Errors: refused, naming each subspace that is not empty, with count and sample keys. Tables that the catalog
/// does not map are refused unless they are known companions or `others` is set.
pub fn check(
    target: &dyn Source,
    version: &'static SchemaVersion,
    extent: Extent,
    others: bool,
) -> Result<Clearing> {
    target.learn_version(version);
    check_version(target, version, extent)?;
    let derived_keys = DerivedBlobKeys::read(version, |subspace, range| {
        subspace.table(target.kind()).ok().map(|table| target.scan(table, range)).transpose()
    })?;
    let mut clearing = Clearing::default();
    let mut in_the_way = Vec::new();
    for subspace in version.subspaces {
        if let Ok(table) = subspace.table(target.kind())
            && extent.includes(subspace)
            && let Some(obstacle) = check_subspace(target, (subspace, table), &derived_keys, &mut clearing)?
        {
            in_the_way.push(obstacle);
        }
    }
    if matches!(extent, Extent::Everything) {
        in_the_way.extend(filled_side_tables(target, version)?.into_iter().map(named_side_table));
        in_the_way.extend(unknown_tables(target, version, others)?);
        in_the_way.extend(unused_table(target)?);
    }
    if in_the_way.is_empty() {
        // Delete the record that makes a target look complete first.
        let record = catalog::schema_version_record();
        clearing.rows.sort_by_key(|(_, keys)| !keys.iter().any(|key| key.as_slice() == record.key));
        return Ok(clearing);
    }
    Err(Error::refused("the target is not empty")
        .because(in_the_way.join("; "))
        .help("use another, fresh store, or --wipe-target if nothing in this one is needed"))
}

/// Plans to empty every subspace in `extent`, whatever it holds, except rows that belong to the installation.
///
/// Errors: refused for another schema version, and for tables unknown to the catalog, because their rows cannot
/// be judged.
pub fn wipe(target: &dyn Source, version: &'static SchemaVersion, extent: Extent) -> Result<Clearing> {
    target.learn_version(version);
    check_version(target, version, extent)?;
    let mut unknown = unknown_tables(target, version, false)?;
    unknown.extend(unused_table(target)?);
    if !unknown.is_empty() && matches!(extent, Extent::Everything) {
        return Err(Error::refused("the target holds what --wipe-target does not touch")
            .because(unknown.join("; "))
            .help("look at these tables and remove them yourself, or use another, fresh store"));
    }
    let there = target.tables()?;
    let mut clearing = Clearing::default();
    if matches!(extent, Extent::Everything) {
        // First, because a resumed run compares records only and does not see these tables.
        let side = filled_side_tables(target, version)?;
        clearing.tables.extend(side.into_iter().map(|side| &side.table));
    }
    let record = catalog::schema_version_record();
    for subspace in version.subspaces {
        let Ok(table) = subspace.table(target.kind()) else { continue };
        if !extent.includes(subspace) || !there.iter().any(|found| found.rows && found.name == table.name) {
            continue;
        }
        if subspace.letter == record.letter {
            // Delete the record that makes a target look complete first.
            clearing.rows.push((table, vec![record.key.to_vec()]));
        }
        empty(target, subspace, table, &mut clearing)?;
    }
    Ok(clearing)
}

/// Adds a table to those to empty, with the keys of the rows to keep.
///
/// Errors: refused if there are more rows to keep than a server creates.
fn empty(
    target: &dyn Source,
    subspace: &'static Subspace,
    table: &'static Table,
    clearing: &mut Clearing,
) -> Result<()> {
    clearing.tables.push(table);
    if !subspace.layouts.iter().any(|layout| layout.fresh == Some(FreshRule::Keep)) {
        return Ok(());
    }
    let (mut page, mut kept, mut bytes) = (Page::new(), Vec::new(), 0);
    let mut pages = target.scan(table, &KeyRange::all())?;
    while pages.next(&mut page, 1 << 20)? {
        for (key, value) in page.iter() {
            if !subspace.check(key, value).is_ok_and(|layout| layout.fresh == Some(FreshRule::Keep)) {
                continue;
            }
            bytes += key.len();
            if bytes > SAVE_LIMIT {
                return Err(Error::refused("the target holds more rows that would stay than a server makes")
                    .with("subspace", subspace.to_string())
                    .with("such as", format!("{} = {}", hex(key), subspace.describe(key)))
                    .help("look at them with inspect --subspace, or use another, fresh store"));
            }
            kept.push(key.to_vec());
        }
    }
    if !kept.is_empty() {
        clearing.kept.push((table, kept));
    }
    Ok(())
}

/// Tables beside the subspaces that have rows. Their rows were derived from the records of an earlier
/// installation and would match ids that the new records use again.
pub fn filled_side_tables(
    target: &dyn Source,
    version: &'static SchemaVersion,
) -> Result<Vec<&'static SideTable>> {
    let there = target.tables()?;
    let filled = |side: &&SideTable| there.iter().any(|table| table.rows && table.name == side.table.name);
    Ok(version.side_tables(target.kind()).filter(filled).collect())
}

fn named_side_table(side: &SideTable) -> String {
    format!("table {} ({}) has rows of another installation", side.table.name, side.title)
}

/// Refuses to resume an interrupted run while a table beside the subspaces has rows: the run had found or left
/// them empty, and the comparison of records does not cover them.
///
/// Errors: refused, naming the tables.
pub fn check_side_tables(target: &dyn Source, version: &'static SchemaVersion) -> Result<()> {
    let filled = filled_side_tables(target, version)?;
    if filled.is_empty() {
        return Ok(());
    }
    let named: Vec<String> = filled.into_iter().map(named_side_table).collect();
    Err(Error::refused("cannot go on: the target holds what an import of everything does not leave")
        .because(named.join("; "))
        .help("begin again with --wipe-target and without --resume"))
}

/// Tables with rows that the catalog does not map and that are in the way; `others` leaves those of something else
/// alone.
fn unknown_tables(target: &dyn Source, version: &'static SchemaVersion, others: bool) -> Result<Vec<String>> {
    let in_the_way = store::unknown_tables(target, version)?.into_iter().filter_map(|(table, unknown)| {
        let name = table.name;
        match unknown {
            UnknownTable::Companion(_) => None,
            UnknownTable::Other if others => None,
            UnknownTable::Other => {
                Some(format!("table {name} (of something else; --yes leaves it alone) has rows"))
            }
            UnknownTable::Legacy | UnknownTable::Unknown => {
                Some(format!("table {name} (unknown to the catalog) has rows"))
            }
        }
    });
    Ok(in_the_way.collect())
}

/// Unknown tables that are left alone, described.
///
/// Errors: those of reading the target.
pub fn left_alone(target: &dyn Source, version: &'static SchemaVersion) -> Result<Vec<String>> {
    let alone = store::unknown_tables(target, version)?.into_iter().filter_map(|(table, unknown)| {
        let name = table.name;
        match unknown {
            UnknownTable::Companion(title) => Some(format!("{name} ({title})")),
            UnknownTable::Other => Some(name),
            UnknownTable::Legacy | UnknownTable::Unknown => None,
        }
    });
    Ok(alone.collect())
}

/// A table with rows although the configuration uses another store in its place.
fn unused_table(target: &dyn Source) -> Result<Option<String>> {
    let table = target.unused()?;
    Ok(table
        .map(|table| format!("table {} has rows, and the configuration keeps those elsewhere", table.name)))
}

fn check_version(target: &dyn Source, version: &SchemaVersion, extent: Extent) -> Result<()> {
    let found = store::schema_version(target)?;
    match (found, extent) {
        (Some(found), _) if found != version.number => {
            Err(Error::refused("the target belongs to another schema version")
                .with("target", found.to_string())
                .with("dump", format!("{} ({})", version.number, version.releases))
                .help("import into a store of the release that wrote the dump"))
        }
        (None, Extent::Only(_)) => {
            Err(Error::refused("the dump has no schema-version record and the target has none either")
                .help("start the server of the dump's release once on the target, stop it, and import then"))
        }
        _ => Ok(()),
    }
}

/// The rule for a record whose hash is derived from an object of the target itself, such as the bundle of a web
/// application that a first start has loaded.
fn rule_if_derived_key(
    subspace: &'static Subspace,
    layout: &'static Layout,
    derived_keys: &DerivedBlobKeys,
    (key, value): (&[u8], &[u8]),
) -> Option<FreshRule> {
    let rule = layout.fresh_if_derived_key?;
    // A link that is not provisional belongs to another use of the blob.
    let expected = !layout.has_provisional() || layout.is_provisional(key, value);
    (expected && derived_keys.contains(subspace.blob_hash(key)?)).then_some(rule)
}

/// Reads a subspace of the target; returns a description of the rows that must not be deleted, if there are any.
fn check_subspace(
    target: &dyn Source,
    (subspace, table): (&'static Subspace, &'static Table),
    derived_keys: &DerivedBlobKeys,
    clearing: &mut Clearing,
) -> Result<Option<String>> {
    let mut pages = target.scan(table, &KeyRange::all())?;
    let mut page = Page::new();
    let (mut count, mut samples, mut saved_bytes) = (0u64, Vec::new(), 0);
    let (mut keys, mut whole) = (Vec::new(), false);
    'pages: while pages.next(&mut page, 1 << 20)? {
        for (key, value) in page.iter() {
            let layout = match subspace.check(key, value) {
                Ok(layout) => Some(layout),
                Err(catalog::Problem::BadValue { layout, .. }) => Some(layout),
                Err(catalog::Problem::UnknownKey(_)) => None,
            };
            let of_object =
                layout.and_then(|layout| rule_if_derived_key(subspace, layout, derived_keys, (key, value)));
            let own = of_object.or_else(|| layout.and_then(|layout| layout.fresh));
            match own.unwrap_or(subspace.fresh) {
                FreshRule::Keep => {}
                FreshRule::Clear if own.is_none() => {
                    // All rows of such a subspace may be deleted, so no other row needs a look.
                    whole = true;
                    break 'pages;
                }
                FreshRule::Clear => keys.push(key.to_vec()),
                FreshRule::Save if saved_bytes < SAVE_LIMIT => {
                    saved_bytes += key.len() + value.len();
                    keys.push(key.to_vec());
                    clearing.saved.push(Saved {
                        subspace: subspace.name,
                        letter: subspace.letter,
                        key: key.to_vec(),
                        value: value.to_vec(),
                    });
                }
                FreshRule::Save | FreshRule::Refuse => {
                    count += 1;
                    if samples.len() < SAMPLES {
                        samples.push(format!("{} = {}", hex(key), subspace.describe(key)));
                    }
                    if count >= COUNT_LIMIT {
                        break 'pages;
                    }
                }
            }
        }
    }
    if whole {
        empty(target, subspace, table, clearing)?;
    } else if !keys.is_empty() {
        clearing.rows.push((table, keys));
    }
    Ok((count > 0).then(|| {
        let more = if count >= COUNT_LIMIT { "at least " } else { "" };
        let rows = if count == 1 { "row" } else { "rows" };
        let mut text = String::new();
        let _ = write!(text, "subspace {subspace} has {more}{count} {rows}, such as {}", samples.join(", "));
        text
    }))
}
