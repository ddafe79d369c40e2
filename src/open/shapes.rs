//! Are the tables of a database as the server makes them? Asked before anything is read or written.
//!
//! The engines compare; here is decided what follows: a run that moves records refuses, one that only looks is warned.

use crate::backend::Source;
use crate::backend::shape::Fault;
use crate::base::error::{Error, Result};
use crate::catalog::{self, SchemaVersion, Subspace, Table};
use crate::open::backends;
use crate::records::store::Store;
use crate::run::console::Console;
use crate::run::preflight::Preflight;

/// Differences named in a message.
const SHOWN: usize = 6;

/// The table that tells the schema version, before anything is believed that it tells.
///
/// Errors: refused if it is not as every server makes it.
pub fn check_version_table(source: &dyn Source, place: &str) -> Result<()> {
    match catalog::schema_version_record().table(source.kind()) {
        Some(table) => refuse(&source.shape_faults(&[table], false)?, place, false),
        None => Ok(()),
    }
}

/// The tables of these subspaces in a source.
///
/// Errors: refused, with each difference and what mends it.
pub fn check_source(
    store: &Store,
    subspaces: &[&'static Subspace],
    place: &str,
    preflight: &mut Preflight,
) -> Result<()> {
    let tables: Vec<&Table> = subspaces.iter().filter_map(|subspace| store.table(subspace)).collect();
    let faults = store.source().shape_faults(&tables, false)?;
    preflight.check("table shapes", refuse(&faults, place, false), passed)?;
    Ok(())
}

/// The tables of a target, those of every subspace.
///
/// Errors: refused, with each difference and what mends it.
pub fn check_target(
    target: &dyn Source,
    version: &'static SchemaVersion,
    place: &str,
    preflight: &mut Preflight,
) -> Result<()> {
    let faults = target.shape_faults(&backends::tables(version, target.kind()), true)?;
    preflight.check("table shapes", refuse(&faults, place, true), passed)?;
    Ok(())
}

fn passed((): &()) -> String {
    "as the server makes them, as far as they are there".to_string()
}

/// Says what a command that only looks will not refuse.
pub fn warn(store: &Store, place: &str, console: &Console) -> Result<()> {
    let subspaces = store.version().subspaces.iter();
    let tables: Vec<&Table> = subspaces.filter_map(|subspace| store.table(subspace)).collect();
    if let Err(error) = refuse(&store.source().shape_faults(&tables, false)?, place, false) {
        console.warn(error.to_string());
    }
    Ok(())
}

fn refuse(faults: &[Fault], place: &str, written: bool) -> Result<()> {
    if faults.is_empty() {
        return Ok(());
    }
    let mut shown: Vec<String> = faults.iter().take(SHOWN).map(Fault::describe).collect();
    if faults.len() > SHOWN {
        shown.push(format!("{} more", faults.len() - SHOWN));
    }
    let mut remedies: Vec<&str> = Vec::new();
    for remedy in faults.iter().take(SHOWN).filter_map(|fault| fault.remedy.as_deref()) {
        if !remedies.contains(&remedy) {
            remedies.push(remedy);
        }
    }
    let remedies = if remedies.is_empty() {
        "make them so (`stalwart-migrate catalog --json` has the statements)".to_string()
    } else {
        format!("run {}", remedies.join("; "))
    };
    let otherwise = if written {
        "or use another, fresh database"
    } else {
        "after a backup, or on a copy of the database"
    };
    Err(Error::refused("tables are not as the server makes them")
        .with("store", place)
        .because(shown.join("; "))
        .next(format!("{remedies}, {otherwise}")))
}
