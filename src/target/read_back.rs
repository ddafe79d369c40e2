//! Read-back verification: reads a target after an import and compares it with the expected counts and digests.
//!
//! The digests do not depend on order, so ranges are read in parallel. The caller supplies the expectation.

use std::sync::Mutex;

use crate::backend::{KeyRange, Pages, Source};
use crate::base::error::{Error, Result};
use crate::base::page::Page;
use crate::base::sync::{into_inner, lock};
use crate::catalog::{SchemaVersion, Subspace};
use crate::dump::digest::{PartDigest, RecordsSum, Totals};
use crate::records::check::Tally;
use crate::records::counters::Counters;
use crate::records::pipeline::in_parallel;
use crate::records::store::Store;
use crate::run::Run;
use crate::run::progress::Progress;
use crate::target::state;

/// Expected content of a subspace.
#[derive(Debug, Clone)]
pub struct Expected {
    /// The subspace.
    pub subspace: &'static Subspace,
    /// Counts and sizes.
    pub totals: Totals,
    /// Sum of the digests of its records, in hex.
    pub sum: String,
}

/// Reads the `expected` subspaces of a store and compares counts and digests; adds to `counters` what the counter
/// rules need. Returns findings and counts of the check.
///
/// Errors: damaged, naming every subspace that differs.
pub fn compare(
    store: &Store,
    expected: &[Expected],
    run: &Run,
    progress: &Progress,
    counters: Option<&mut Counters>,
) -> Result<Tally> {
    let noted = Mutex::new(counters);
    let sums: Vec<Mutex<PartDigest>> = expected.iter().map(|_| Mutex::new(PartDigest::new())).collect();
    let mut parts = Vec::new();
    for (expected, sum) in expected.iter().zip(&sums) {
        let ranges = store.ranges(expected.subspace, run.budget.parts())?;
        parts.extend(ranges.into_iter().map(|range| ReadBackPart { expected, sum, range }));
    }
    let tally = Mutex::new(Tally::default());
    in_parallel(run.budget.jobs, &parts, |ReadBackPart { expected, sum, range }| {
        let mut reading = store.read(expected.subspace, range)?;
        let (mut page, mut digest) = (Page::new(), PartDigest::new());
        let counted = Counters::concerns(store.version(), expected.subspace);
        let mut counters = Counters::new(store.version());
        while reading.next(&mut page, run.budget.page_bytes())? {
            run.stop.check()?;
            digest.add_page(&page);
            if counted {
                page.iter().for_each(|(key, value)| counters.see_record(expected.subspace, key, value));
            }
            progress.add(page.len() as u64, page.size() as u64);
        }
        lock(sum).merge(&digest);
        if let Some(noted) = lock(&noted).as_mut() {
            noted.merge(counters);
        }
        lock(&tally).merge(reading.into_tally());
        Ok(())
    })?;
    let mut differences = Vec::new();
    for (expected, sum) in expected.iter().zip(sums) {
        let found = into_inner(sum);
        let (name, totals) = (expected.subspace.name, found.totals());
        if totals.records != expected.totals.records {
            differences.push(format!(
                "{} ({name}) has {} records instead of {}",
                expected.subspace.letter, totals.records, expected.totals.records
            ));
        } else if totals != expected.totals || found.sum().to_hex() != expected.sum {
            differences.push(format!("{} ({name}) has other records", expected.subspace.letter));
        }
    }
    if differences.is_empty() {
        return Ok(into_inner(tally));
    }
    Err(Error::damaged("the store does not hold what it should").because(differences.join("; ")).help(
        "compare record by record with `verify DIR --against CONFIG`, and do not start the server on it",
    ))
}

/// A range of a subspace, and where its digest is added.
struct ReadBackPart<'a> {
    expected: &'a Expected,
    sum: &'a Mutex<PartDigest>,
    range: KeyRange,
}

/// Checks that the tables beside the subspaces are still empty: loading does not write them.
///
/// Errors: damaged, naming those that have rows.
pub fn no_side_tables(source: &dyn Source, version: &'static SchemaVersion) -> Result<()> {
    let filled = state::filled_side_tables(source, version)?;
    if filled.is_empty() {
        return Ok(());
    }
    let names: Vec<&str> = filled.iter().map(|side| side.table.name).collect();
    Err(Error::damaged("tables that were empty have rows")
        .with("tables", names.join(", "))
        .help("was a server started on the target? stop it, and import again with --wipe-target"))
}

/// The expectation of an empty subspace.
pub fn empty(subspace: &'static Subspace) -> Expected {
    Expected { subspace, totals: Totals::default(), sum: RecordsSum::default().to_hex() }
}
