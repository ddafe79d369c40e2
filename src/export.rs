//! Export: a store's records into a dump.
//!
//! Opens read-only, checks before it writes, reads ranges in parallel and writes every file in key order.
//! Findings never stop it; `--strict` refuses to call the result a dump.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

use serde::Serialize;

use crate::audit::{self, Audit, HashList};
use crate::backend::{KeyRange, Pages};
use crate::catalog::{Subspace, ValueKind};
use crate::connect::{self, Connected};
use crate::console::Console;
use crate::dump::manifest::{Completeness, LeftBehind, Manifest, Skipped, SubspaceEntry};
use crate::dump::writer::{Description, DumpWriter};
use crate::error::{Error, ErrorKind, Result};
use crate::finding::{FindingKind, Findings};
use crate::lanes::{Budget, Stop, in_parallel, run_lane};
use crate::page::Page;
use crate::progress::Progress;
use crate::running;
use crate::selection::Request;
use crate::store::{Store, Tally};

/// What to export and how.
pub struct Options<'a> {
    /// The server's configuration file.
    pub config: &'a Path,
    /// The directory of the dump, absent or empty.
    pub dir: &'a Path,
    /// Subspaces asked for.
    pub request: &'a Request,
    /// Overrides the schema version the store states.
    pub schema: Option<u32>,
    /// Findings are fatal.
    pub strict: bool,
    /// Check and plan, write nothing.
    pub dry_run: bool,
    /// Agreed to what must be agreed to.
    pub yes: bool,
    /// Threads and memory.
    pub budget: Budget,
    /// Where to speak.
    pub console: Console,
    /// Raised when the run should end.
    pub stop: &'a Stop,
}

/// What an export has done.
#[derive(Debug, Serialize)]
pub struct Exported {
    /// The manifest as written; `None` after a dry run.
    pub manifest: Option<Manifest>,
    /// Linked, unlinked and missing blobs, where both sides were exported.
    #[serde(skip)]
    pub audit: Option<Audit>,
    /// Everything found.
    #[serde(skip)]
    pub findings: Findings,
}

/// Exports the store of a configuration.
///
/// Errors: usage, refused (before anything is written), I/O, findings (`--strict`) and interrupted. Whatever
/// goes wrong, no directory is left that looks like a dump.
pub fn run(options: &Options) -> Result<Exported> {
    let console = &options.console;
    let config = connect::configuration(options.config, console)?;
    let connected = connect::open(&config, options.schema, &options.budget, console)?;
    let version = connected.store.version();
    let selected = options.request.resolve(version)?;
    refuse_external_blobs(&connected, &selected)?;
    let (selected, skipped) = split(&connected.store, &selected);
    describe(&connected, &selected, &skipped, console);
    preflight(&connected, options)?;
    let mut findings = strangers(&connected.store)?;
    let mut sized = Vec::with_capacity(selected.len());
    for subspace in selected {
        let estimate = connected.store.estimate(subspace)?;
        unreachable_rows(&connected.store, subspace, &mut findings)?;
        sized.push((subspace, estimate));
    }
    if options.dry_run {
        plan(&sized, options);
        return Ok(Exported { manifest: None, audit: None, findings });
    }
    let expected = sized.iter().map(|(_, estimate)| estimate.bytes).sum();
    // The largest first: at the end nobody should wait for one long file.
    sized.sort_by_key(|(_, estimate)| std::cmp::Reverse(estimate.bytes));
    let subspaces: Vec<&'static Subspace> = sized.into_iter().map(|(subspace, _)| subspace).collect();
    warn_of_space(options.dir, expected, console);
    let writer = DumpWriter::create(options.dir, version.number)?;
    let writer = Mutex::new(writer);
    let done = {
        let progress = Progress::start(console.progress(), "export", expected);
        in_parallel(options.budget.jobs, &subspaces, |subspace| {
            export_subspace(&connected.store, subspace, &writer, options, &progress)
        })
    };
    let writer = writer.into_inner().unwrap_or_else(PoisonError::into_inner);
    let result = done.and_then(|done| conclude(&connected, done, skipped, &mut findings, options));
    match result {
        Ok((entries, description, audit)) => {
            let manifest = writer.finish(entries, description, &findings)?;
            Ok(Exported { manifest: Some(manifest), audit, findings })
        }
        Err(error) => {
            // The first error matters; what stays behind has no manifest and so is no dump.
            let _ = writer.abandon();
            Err(error)
        }
    }
}

/// What one subspace gave.
struct Done {
    subspace: &'static Subspace,
    entry: SubspaceEntry,
    tally: Tally,
    hashes: Option<HashList>,
}

fn export_subspace(
    store: &Store,
    subspace: &'static Subspace,
    writer: &Mutex<DumpWriter>,
    options: &Options,
    progress: &Progress,
) -> Result<Done> {
    let mut file = {
        let mut writer = writer.lock().unwrap_or_else(PoisonError::into_inner);
        writer.subspace(subspace.letter, subspace.name)?
    };
    let mut hashes = match subspace.value == ValueKind::Blob || subspace.links_blobs() {
        true => Some(HashList::create(options.dir)?),
        false => None,
    };
    let ranges: Vec<(usize, KeyRange)> =
        store.ranges(subspace, options.budget.ranges())?.into_iter().enumerate().collect();
    let tallies: Mutex<Vec<(usize, Tally)>> = Mutex::default();
    let page_bytes = options.budget.page_bytes();
    let read = |(index, range): &(usize, KeyRange), emit: &mut dyn FnMut(&mut Page) -> Result<()>| {
        let mut reading = store.read(subspace, range)?;
        let mut page = Page::new();
        while reading.next(&mut page, page_bytes)? {
            emit(&mut page)?;
        }
        tallies.lock().unwrap_or_else(PoisonError::into_inner).push((*index, reading.into_tally()));
        Ok(())
    };
    run_lane(options.budget.readers(), &ranges, options.stop, read, |page| {
        if let Some(hashes) = &mut hashes {
            for hash in page.iter().filter_map(|(key, _)| subspace.blob_hash(key)) {
                hashes.push(hash)?;
            }
        }
        progress.add(page.len() as u64, page.size() as u64);
        file.append(page)
    })?;
    let mut tallies = tallies.into_inner().unwrap_or_else(PoisonError::into_inner);
    tallies.sort_by_key(|(index, _)| *index);
    let mut tally = Tally::default();
    tallies.into_iter().for_each(|(_, part)| tally.merge(part));
    Ok(Done { subspace, entry: file.finish()?, tally, hashes })
}

type Conclusion = (Vec<SubspaceEntry>, Description, Option<Audit>);

/// Audits blobs, gathers findings and describes the dump.
fn conclude(
    connected: &Connected,
    mut done: Vec<Done>,
    skipped: Vec<Skipped>,
    findings: &mut Findings,
    options: &Options,
) -> Result<Conclusion> {
    done.sort_by_key(|done| done.subspace.letter);
    let (mut links, mut blobs) = (None, None);
    let (mut entries, mut left_behind) = (Vec::new(), Vec::new());
    for Done { subspace, entry, tally, hashes } in done {
        match subspace.value {
            ValueKind::Blob => blobs = hashes.map(|hashes| (subspace, hashes)),
            _ => links = hashes.map(|hashes| (subspace, hashes)).or(links),
        }
        findings.merge(tally.findings);
        left_behind.extend(tally.left_behind.into_iter().map(|(layout, records)| LeftBehind {
            letter: subspace.letter,
            name: subspace.name.to_string(),
            layout: layout.to_string(),
            records,
        }));
        entries.push(entry);
    }
    let audit = match (links, blobs) {
        (Some((link, links)), Some((blob, blobs))) => Some(audit_blobs(link, links, blob, blobs, findings)?),
        _ => None,
    };
    if options.strict && findings.any_strict() {
        return Err(strict(findings));
    }
    let description = Description {
        tool_version: env!("CARGO_PKG_VERSION").to_string(),
        server_releases: connected.store.version().releases.to_string(),
        source: connected.store.source().kind().name().to_string(),
        created: SystemTime::now(),
        completeness: Completeness::Complete,
        skipped,
        left_behind,
    };
    Ok((entries, description, audit))
}

pub(crate) fn audit_blobs(
    link: &'static Subspace,
    links: HashList,
    blob: &'static Subspace,
    blobs: HashList,
    findings: &mut Findings,
) -> Result<Audit> {
    let (mut missing, mut unlinked) = (Findings::new(), Findings::new());
    let audit = audit::compare(
        links,
        blobs,
        |hash| {
            missing.add(FindingKind::BlobMissing, link.letter, hash, || {
                format!("{} names this blob, {} does not have it", link.name, blob.name)
            })
        },
        |hash| {
            unlinked.add(FindingKind::BlobUnlinked, blob.letter, hash, || {
                format!("{} does not name this blob", link.name)
            })
        },
    )?;
    findings.merge(missing);
    findings.merge(unlinked);
    Ok(audit)
}

/// The error that `--strict` makes of findings.
pub fn strict(findings: &Findings) -> Error {
    let counts: Vec<String> = findings
        .counts()
        .iter()
        .filter(|(kind, _)| !kind.is_notice())
        .map(|(kind, count)| format!("{count} {}", kind.title()))
        .collect();
    let first = findings.samples().find(|finding| !finding.kind.is_notice());
    let mut error =
        Error::new(ErrorKind::Findings, format!("--strict: there are findings: {}", counts.join(", ")));
    if let Some(first) = first {
        error = error
            .with("first in subspace", first.subspace.clone())
            .with("key", first.key.clone())
            .because(first.detail.clone());
    }
    error.next("run without --strict to keep every record and have the findings listed")
}

fn refuse_external_blobs(connected: &Connected, selected: &[&'static Subspace]) -> Result<()> {
    let (Some(blobs), Some(subspace)) =
        (&connected.blobs_elsewhere, selected.iter().find(|subspace| subspace.value == ValueKind::Blob))
    else {
        return Ok(());
    };
    Err(Error::usage("blobs are kept in another store than the data, which this version cannot read")
        .with("blob store", blobs.id.clone())
        .with("location", blobs.location())
        .next(format!("leave blobs where they are with --exclude {}", subspace.letter)))
}

/// Subspaces to export, and those that are skipped with the reason.
fn split(store: &Store, selected: &[&'static Subspace]) -> (Vec<&'static Subspace>, Vec<Skipped>) {
    let (mut take, mut skipped) = (Vec::new(), Vec::new());
    for subspace in store.version().subspaces {
        let reason = match subspace.table(store.source().kind()) {
            _ if !selected.iter().any(|s| s.letter == subspace.letter) => "not selected",
            Err(why) => why,
            Ok(_) => {
                take.push(subspace);
                continue;
            }
        };
        skipped.push(Skipped {
            letter: subspace.letter,
            name: subspace.name.to_string(),
            reason: reason.to_string(),
        });
    }
    (take, skipped)
}

fn describe(connected: &Connected, selected: &[&'static Subspace], skipped: &[Skipped], console: &Console) {
    let version = connected.store.version();
    console.say(format!(
        "source: {} at {}, schema version {} ({})",
        connected.store.source().kind().title(),
        connected.data.location(),
        version.number,
        version.releases
    ));
    let names: Vec<String> = selected.iter().map(|s| format!("{} {}", s.letter, s.name)).collect();
    console.say(format!("exporting {} subspaces: {}", names.len(), names.join(", ")));
    for skip in skipped {
        console.say(format!("skipping {} ({}): {}", skip.letter, skip.name, skip.reason));
    }
    for other in &connected.elsewhere {
        console.warn(format!(
            "not covered: the {} of {} is kept in another store, {}{}",
            other.role.name(),
            other.key,
            other.store,
            other.kind.as_ref().map(|kind| format!(" ({kind})")).unwrap_or_default()
        ));
    }
}

fn preflight(connected: &Connected, options: &Options) -> Result<()> {
    if let Some(holder) = &connected.holder {
        let error = Error::refused("a server is running on this store")
            .with("store", connected.data.location())
            .with("locked by", holder.describe())
            .next("stop the server and try again");
        if !options.dry_run {
            return Err(error);
        }
        options.console.warn(error.to_string());
    }
    let sessions = connected.store.source().sessions()?;
    let agreed = options.dry_run || options.yes;
    running::check_sessions(&sessions, &connected.data.location(), agreed, &options.console)?;
    crate::dump::writer::check_destination(options.dir).map(|_| ())
}

/// Rows in tables that no subspace of the schema version accounts for.
pub(crate) fn strangers(store: &Store) -> Result<Findings> {
    let mut findings = Findings::new();
    for (table, legacy) in store.strangers()? {
        let (kind, what) = match legacy {
            true => {
                (FindingKind::LegacyRows, "an older schema version has left rows here, which do not travel")
            }
            false => {
                (FindingKind::UnknownTable, "the catalog does not know this table, whose rows do not travel")
            }
        };
        findings.add(kind, table.name, &[], || what.to_string());
    }
    Ok(findings)
}

fn unreachable_rows(store: &Store, subspace: &'static Subspace, findings: &mut Findings) -> Result<()> {
    if let Some(table) = store.table(subspace)
        && let Some((count, why)) = store.source().unreachable(table)?
    {
        findings.add_all(FindingKind::Lost, count, subspace.letter, &[], || format!("{count} rows: {why}"));
    }
    Ok(())
}

/// Sizes are estimates, so too little space is a warning and running out of it the error.
fn warn_of_space(dir: &Path, expected: u64, console: &Console) {
    let dir = std::path::absolute(dir).unwrap_or_else(|_| dir.to_path_buf());
    let Some(existing) = dir.ancestors().find(|ancestor| ancestor.exists()) else { return };
    let Ok(found) = rustix::fs::statvfs(existing) else { return };
    let free = found.f_bavail.saturating_mul(found.f_frsize);
    if free < expected {
        console.warn(format!(
            "the store has about {} MiB and {} only {} MiB free: the dump may not fit",
            expected >> 20,
            existing.display(),
            free >> 20
        ));
    }
}

fn plan(sized: &[(&'static Subspace, crate::backend::Estimate)], options: &Options) {
    let console = &options.console;
    #[derive(Serialize)]
    struct Planned {
        event: &'static str,
        letter: char,
        name: &'static str,
        records_about: u64,
        bytes_about: u64,
    }
    console.print(format!("{:<2} {:<18} {:>14} {:>16}", "", "subspace", "records about", "bytes about"));
    for (subspace, estimate) in sized {
        console.print(format!(
            "{:<2} {:<18} {:>14} {:>16}",
            subspace.letter, subspace.name, estimate.records, estimate.bytes
        ));
        console.data(&Planned {
            event: "plan",
            letter: subspace.letter,
            name: subspace.name,
            records_about: estimate.records,
            bytes_about: estimate.bytes,
        });
    }
    let place: PathBuf = std::path::absolute(options.dir).unwrap_or_else(|_| options.dir.to_path_buf());
    console.say(format!("dry run: nothing written to {}", place.display()));
}
