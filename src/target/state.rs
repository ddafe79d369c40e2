//! May this target be written? Only if it is empty or holds no more than a first start of the server leaves.
//!
//! Which rows those are, the catalog says. Reads the target; what it decides to clear is cleared elsewhere.

use std::fmt::Write as _;

use crate::backend::{KeyRange, Source};
use crate::base::error::{Error, Result};
use crate::base::hex::hex;
use crate::base::page::Page;
use crate::catalog::{self, FreshRule, Layout, SchemaVersion, SideTable, Subspace, Table};
use crate::records::derived_keys::ComputedBlobKeys;

/// Rows of one subspace counted before counting becomes pointless.
const COUNT_LIMIT: u64 = 100_000;
/// Keys shown of a subspace that is not empty.
const SAMPLES: usize = 1;
/// Bytes of rows that may be saved from a target, and of keys of rows that stay in it; a first start leaves a few
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

/// What has to go from a target before the first write.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Clearing {
    /// Single rows, by table. The schema-version record comes first.
    pub rows: Vec<(&'static Table, Vec<Vec<u8>>)>,
    /// Tables that are emptied.
    pub tables: Vec<&'static Table>,
    /// Keys, ascending, of rows of emptied tables that stay, because they belong to the installation of the
    /// target.
    pub kept: Vec<(&'static Table, Vec<Vec<u8>>)>,
    /// Rows among the cleared ones that a person may miss if the import does not bring them.
    pub saved: Vec<Saved>,
}

/// How much of a target must be empty.
#[derive(Debug, Clone, Copy)]
pub enum Extent<'a> {
    /// Every subspace: the import brings a whole database.
    Everything,
    /// Only these: the dump has no schema-version record, so the target's own must match and stays.
    Only(&'a [&'static Subspace]),
}

/// Looks at every row the target has and decides.
///
/// Errors: refused, naming each subspace that is in the way with count and sample keys. Tables of something else are
/// in the way unless they are known companions or `others` says that they were agreed to.
pub fn check(
    target: &dyn Source,
    version: &'static SchemaVersion,
    extent: Extent,
    others: bool,
) -> Result<Clearing> {
    check_version(target, version, extent)?;
    let computed = ComputedBlobKeys::read(version, |subspace, range| {
        subspace.table(target.kind()).ok().map(|table| target.scan(table, range)).transpose()
    })?;
    let mut clearing = Clearing::default();
    let mut in_the_way = Vec::new();
    for subspace in version.subspaces {
        let concerned = match extent {
            Extent::Everything => true,
            Extent::Only(subspaces) => subspaces.iter().any(|s| s.letter == subspace.letter),
        };
        if let Ok(table) = subspace.table(target.kind())
            && concerned
            && let Some(obstacle) = check_subspace(target, (subspace, table), &computed, &mut clearing)?
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
        // The record that makes a target look complete goes first.
        let record = catalog::schema_version_record();
        clearing.rows.sort_by_key(|(_, keys)| !keys.iter().any(|key| key.as_slice() == record.key));
        return Ok(clearing);
    }
    Err(Error::refused("the target is not empty")
        .because(in_the_way.join("; "))
        .next("use another, fresh store, or --wipe-target if nothing in this one is needed"))
}

/// Empties every subspace concerned, whatever it holds, except for what belongs to the installation.
///
/// Errors: refused for another schema version, and for tables that the catalog does not know: nobody can say
/// whether their rows may go.
pub fn wipe(target: &dyn Source, version: &'static SchemaVersion, extent: Extent) -> Result<Clearing> {
    check_version(target, version, extent)?;
    let mut unknown = unknown_tables(target, version, false)?;
    unknown.extend(unused_table(target)?);
    if !unknown.is_empty() && matches!(extent, Extent::Everything) {
        return Err(Error::refused("the target holds what --wipe-target does not touch")
            .because(unknown.join("; "))
            .next("look at these tables and remove them yourself, or use another, fresh store"));
    }
    let there = target.tables()?;
    let mut clearing = Clearing::default();
    if matches!(extent, Extent::Everything) {
        // Before anything else: what goes on after a kill looks at the records alone.
        let side = filled_side_tables(target, version)?;
        clearing.tables.extend(side.into_iter().map(|side| &side.table));
    }
    let record = catalog::schema_version_record();
    for subspace in version.subspaces {
        let concerned = match extent {
            Extent::Everything => true,
            Extent::Only(subspaces) => subspaces.iter().any(|s| s.letter == subspace.letter),
        };
        let Ok(table) = subspace.table(target.kind()) else { continue };
        if !concerned || !there.iter().any(|found| found.rows && found.name == table.name) {
            continue;
        }
        if subspace.letter == record.letter {
            // What makes a target look complete goes first.
            clearing.rows.push((table, vec![record.key.to_vec()]));
        }
        empty(target, subspace, table, &mut clearing)?;
    }
    Ok(clearing)
}

/// Notes that a table is emptied but for the rows that stay.
///
/// Errors: refused if more of them stay than a server has.
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
                    .with("subspace", format!("{} ({})", subspace.letter, subspace.name))
                    .with("such as", format!("{} = {}", hex(key), subspace.describe(key)))
                    .next("look at them with inspect --subspace, or use another, fresh store"));
            }
            kept.push(key.to_vec());
        }
    }
    if !kept.is_empty() {
        clearing.kept.push((table, kept));
    }
    Ok(())
}

/// Tables beside the subspaces that have rows. They were made of the records of some installation, and would
/// answer for the ids that the new records have again.
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

/// Refuses to go on with an interrupted run while a table beside the subspaces has rows: the run had found or made
/// them empty, and comparing records does not show them.
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
        .next("begin again with --wipe-target and without --resume"))
}

fn unknown_tables(target: &dyn Source, version: &'static SchemaVersion, others: bool) -> Result<Vec<String>> {
    let mut unknown = Vec::new();
    for (name, other) in filled_unknown(target, version)? {
        match other {
            true if catalog::companion(target.kind(), &name).is_some() => {}
            true if others => {}
            true => unknown.push(format!("table {name} (of something else; --yes leaves it alone) has rows")),
            false => unknown.push(format!("table {name} (unknown to the catalog) has rows")),
        }
    }
    Ok(unknown)
}

/// Tables with rows that the catalog does not map, and whether their columns show that they are not the server's.
fn filled_unknown(target: &dyn Source, version: &'static SchemaVersion) -> Result<Vec<(String, bool)>> {
    let known = |name: &str| {
        version.subspaces.iter().any(|s| s.table(target.kind()).is_ok_and(|table| table.name == name))
            || version.side_tables(target.kind()).any(|side| side.table.name == name)
    };
    let unknown = target.tables()?.into_iter().filter(|table| table.rows && !known(&table.name));
    unknown
        .map(|table| Ok((target.has_other_columns(&table.name)?, table.name)))
        .map(|found: Result<_>| found.map(|(other, name)| (name, other)))
        .collect()
}

/// Tables of something else that are left alone, with what they are.
///
/// Errors: those of asking the target.
pub fn left_alone(target: &dyn Source, version: &'static SchemaVersion) -> Result<Vec<String>> {
    let others = filled_unknown(target, version)?.into_iter().filter(|(_, other)| *other);
    Ok(others
        .map(|(name, _)| match catalog::companion(target.kind(), &name) {
            Some(companion) => format!("{name} ({})", companion.title),
            None => name,
        })
        .collect())
}

/// A table that another store has taken the place of.
fn unused_table(target: &dyn Source) -> Result<Option<String>> {
    let table = target.unused()?;
    Ok(table
        .map(|table| format!("table {} has rows, and the configuration keeps those elsewhere", table.name)))
}

fn check_version(target: &dyn Source, version: &SchemaVersion, extent: Extent) -> Result<()> {
    let found = crate::records::store::schema_version(target)?;
    match (found, extent) {
        (Some(found), _) if found != version.number => {
            Err(Error::refused("the target belongs to another schema version")
                .with("target", found.to_string())
                .with("dump", format!("{} ({})", version.number, version.releases))
                .next("import into a store of the release that wrote the dump"))
        }
        (None, Extent::Only(_)) => {
            Err(Error::refused("the dump has no schema-version record and the target has none either")
                .next("start the server of the dump's release once on the target, stop it, and import then"))
        }
        _ => Ok(()),
    }
}

/// What a record means whose hash is computed from an object of the target itself, as the bundle of a web application
/// that a first start has loaded.
fn rule_if_computed(
    subspace: &'static Subspace,
    layout: &'static Layout,
    computed: &ComputedBlobKeys,
    (key, value): (&[u8], &[u8]),
) -> Option<FreshRule> {
    let rule = layout.fresh_if_computed?;
    // A link that says what the blob is used for is that of something else.
    let expected = layout.provisional.is_none() || layout.is_provisional(key, value);
    (expected && computed.contains(subspace.blob_hash(key)?)).then_some(rule)
}

/// Reads a subspace of the target; says what is in the way, if anything.
fn check_subspace(
    target: &dyn Source,
    (subspace, table): (&'static Subspace, &'static Table),
    computed: &ComputedBlobKeys,
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
                layout.and_then(|layout| rule_if_computed(subspace, layout, computed, (key, value)));
            let own = of_object.or_else(|| layout.and_then(|layout| layout.fresh));
            match own.unwrap_or(subspace.fresh) {
                FreshRule::Keep => {}
                FreshRule::Clear if own.is_none() => {
                    // Nothing else can be in a subspace whose rows may all go.
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
        let _ = write!(
            text,
            "subspace {} ({}) has {more}{count} {rows}, such as {}",
            subspace.letter,
            subspace.name,
            samples.join(", ")
        );
        text
    }))
}
