//! Checks before reading or writing that the tables of a database have the shape that the server creates.
//!
//! The backends compare. This module decides the consequence: commands that move records refuse, those that only
//! read print a warning.

use crate::backend::Source;
use crate::backend::shape::Fault;
use crate::base::error::{Error, Result};
use crate::catalog::{self, SchemaVersion, Subspace, Table};
use crate::records::store::Store;
use crate::run::console::Console;
use crate::run::preflight::Preflight;

/// Most differences listed in a message.
const SHOWN: usize = 6;

/// Checks the table with the schema version, before the version is read from it.
///
/// Errors: refused if it does not have the shape that every server creates.
pub fn check_version_table(source: &dyn Source, place: &str) -> Result<()> {
    match catalog::schema_version_record().table(source.kind()) {
        Some(table) => refuse(&source.shape_faults(&[table], false)?, place, false),
        None => Ok(()),
    }
}

/// Checks the tables of these subspaces in a source.
///
/// Errors: refused, with each difference and its remedy.
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

/// Checks the tables of all subspaces in a target.
///
/// Errors: refused, with each difference and its remedy.
pub fn check_target(
    target: &dyn Source,
    version: &'static SchemaVersion,
    place: &str,
    preflight: &mut Preflight,
) -> Result<()> {
    let faults = target.shape_faults(&version.tables(target.kind()).collect::<Vec<_>>(), true)?;
    preflight.check("table shapes", refuse(&faults, place, true), passed)?;
    Ok(())
}

fn passed((): &()) -> String {
    "as the server makes them, as far as they are there".to_string()
}

/// Warns about differences, for a command that only reads and does not refuse them.
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
        .help(format!("{remedies}, {otherwise}")))
}
