//! Export: writes a store's records into a dump.
//!
//! Opens the store read-only, checks before it writes, reads ranges in parallel and writes every file in key
//! order. Findings do not stop an export, but with `--strict` the result gets no manifest.

use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::SystemTime;

use serde::Serialize;

use crate::backend::{Estimate, KeyRange, Loss, Pages};
use crate::base::dir::absolute;
use crate::base::error::{Error, ErrorKind, Result};
use crate::base::finding::{FindingKind, Findings};
use crate::base::hex::hex;
use crate::base::page::Page;
use crate::base::sync::{into_inner, lock};
use crate::catalog::{Subspace, ValueKind};
use crate::dump::manifest::{
    Completeness, DIRECTORY, LocalRecords, Manifest, RESUME, Skipped, SubspaceEntry, VersionSpan,
};
use crate::dump::writer::{Description, DumpWriter, Resumed};
use crate::open::connect::{self, Connected, OpenOptions};
use crate::open::installation::BlobChoice;
use crate::open::overlap::{self, Side};
use crate::open::source_checks::Coverage;
use crate::open::unchanged::Watched;
use crate::records::audit::{Audit, HashList, Sides};
use crate::records::check::Tally;
use crate::records::pipeline::{Pipeline, in_parallel};
use crate::records::selection::{Omission, Request};
use crate::records::store::Store;
use crate::run::console::{self, Console};
use crate::run::preflight::{self, Preflight};
use crate::run::progress::Progress;
use crate::run::strict::Strict;
use crate::run::{Consent, Run};

mod resume;

use resume::{Begun, begin, resume_subspace, unfinished};

/// Most keys of unhashed blobs listed in a manifest; a server has only a few such blobs.
const MOST_UNHASHED: usize = 1000;

/// What to export and how.
pub struct ExportOptions<'a> {
    /// The server's configuration file.
    pub config: &'a Path,
    /// The directory of the dump, absent or empty.
    pub dir: &'a Path,
    /// Subspaces asked for.
    pub request: &'a Request,
    /// Overrides the schema version that the store states.
    pub schema: Option<u32>,
    /// Which findings are fatal.
    pub strict: Strict,
    /// What the user has agreed to.
    pub consent: Consent,
    /// Read past damage and report what is lost.
    pub salvage: bool,
    /// Do not check that blobs exist that are linked but not exported.
    pub no_verify: bool,
    /// The user's choices about the blob store.
    pub blobs: BlobChoice<'a>,
    /// Resume an interrupted export.
    pub resume: bool,
    /// Path of the state file, if not inside the dump.
    pub state: Option<&'a Path>,
    /// Threads, memory, console and the stop request.
    pub run: &'a Run,
}

/// The result of an export.
#[derive(Debug, Serialize)]
pub struct Exported {
    /// The manifest as written; `None` after a dry run.
    pub manifest: Option<Manifest>,
    /// Linked, unlinked and missing blobs; `None` without both links and blobs.
    #[serde(skip)]
    pub audit: Option<Audit>,
    /// All findings.
    #[serde(skip)]
    pub findings: Findings,
}

/// Exports the store of a configuration.
///
/// Errors: usage, refused (before anything is written), I/O, findings (`--strict`) and interrupted. After an
/// error the directory has no manifest, so it is not taken for a dump.
pub fn run(options: &ExportOptions) -> Result<Exported> {
    let console = &options.run.console;
    let PreparedExport { connected, mut sized, skipped, mut findings } = prepare(open(options)?, options)?;
    if options.consent.dry_run {
        plan(&sized, options);
        return Ok(Exported { manifest: None, audit: None, findings });
    }
    // The largest first, so that the run does not end with one thread on one long file.
    sized.sort_by_key(|(_, estimate)| std::cmp::Reverse(estimate.bytes));
    let expected = bytes(&sized);
    let subspaces: Vec<&'static Subspace> = sized.into_iter().map(|(subspace, _)| subspace).collect();
    let (writer, state) = match begin(&connected, &subspaces, options)? {
        Begun::Unfinished(writer, state) => (writer, state),
        Begun::Complete(manifest, findings, state) => {
            console.say("the interrupted export is complete already: only its state was left");
            state.remove()?;
            return Ok(Exported { manifest: Some(*manifest), audit: None, findings });
        }
    };
    let writer = Mutex::new(writer);
    let done = {
        let progress = Progress::start(console.progress(), "export", expected);
        in_parallel(options.run.budget.jobs, &subspaces, |subspace| {
            export_subspace(&connected.store, subspace, &writer, options, &progress)
        })
    };
    let writer = into_inner(writer);
    let watched = Watched::new(&connected.place, options.consent.yes);
    let result = done
        .and_then(|done| conclude(&connected, done, skipped, &mut findings, options))
        .and_then(|concluded| watched.check(connected.store.source()).map(|()| concluded));
    // After a signal an incomplete dump must not get a manifest.
    let result = result.and_then(|concluded| options.run.stop.check().map(|()| concluded));
    let finished = match result {
        Ok((entries, description, audit)) => {
            writer.finish(entries, description, &findings).map(|manifest| (manifest, audit))
        }
        // Resuming is useless: a strict run would fail again, a salvage may meet other damage.
        Err(error) if error.kind() == ErrorKind::Findings || options.salvage => {
            // The first error is reported; files that cannot be removed are no dump without a manifest.
            let _ = state.remove().and_then(|()| writer.abandon());
            return Err(error);
        }
        Err(error) => Err(error),
    };
    let (manifest, audit) = finished.map_err(|error| unfinished(error, options))?;
    state.remove()?;
    Ok(Exported { manifest: Some(manifest), audit, findings })
}

/// The source, opened, and the subspaces that were asked for.
struct OpenedSource {
    connected: Connected,
    selected: Vec<&'static Subspace>,
    // The subspace of blobs, if only the existence of its blobs is checked.
    only_checked: Option<&'static Subspace>,
}

/// Opens the source; nothing that the run writes may overlap with it.
fn open(options: &ExportOptions) -> Result<OpenedSource> {
    let console = &options.run.console;
    let config = connect::configuration(options.config, console)?;
    let how = OpenOptions {
        blobs: options.blobs,
        schema: options.schema,
        salvage: options.salvage,
        hold: true,
        ..OpenOptions::default()
    };
    let connected = connect::open(&config, how, options.run)?;
    let (source, dump) = (Side::stores("source", &connected.place), Side::dump(options.dir));
    let usual = options.dir.join(DIRECTORY).join(RESUME);
    let state = options.state.filter(|path| **path != *usual).map(Path::to_path_buf);
    let state = state.map(|path| ("state of the run", "--state", path));
    let files = Side::files(&state.into_iter().collect::<Vec<_>>());
    overlap::check(&source, &dump, options.consent.dry_run, console)?;
    overlap::check(&source, &files, options.consent.dry_run, console)?;
    overlap::check(&dump, &files, options.consent.dry_run, console)?;
    console::begin_report()?;
    let version = connected.store.version();
    let selected = options.request.resolve(version)?;
    // Blobs that are not exported can still be checked for existence.
    let by_name = !options.no_verify && names_blobs(&selected);
    let connected = if by_name {
        connected.with_blobs(how, options.run)?
    } else {
        connected.with_blobs_of(&selected, how, options.run)?
    };
    Ok(OpenedSource { connected, selected, only_checked: version.blobs().filter(|_| by_name) })
}

/// A source that passed the preflight, and what of it is exported.
struct PreparedExport {
    connected: Connected,
    sized: Vec<(&'static Subspace, Estimate)>,
    skipped: Vec<(&'static Subspace, Omission)>,
    findings: Findings,
}

/// Runs the preflight, which writes nothing.
fn prepare(opened: OpenedSource, options: &ExportOptions) -> Result<PreparedExport> {
    let console = &options.run.console;
    let OpenedSource { mut connected, selected, only_checked } = opened;
    let agreed = options.consent.yes || options.salvage;
    let mut coverage = Coverage::of(&connected.store, &selected, only_checked, agreed);
    describe(&connected, &coverage, console);
    let mut preflight = Preflight::new(*console, options.consent.dry_run);
    preflight.pass("configuration", options.config.display().to_string());
    coverage.check(&mut connected, &mut preflight, options.consent, console)?;
    check_destination(options, &mut preflight)?;
    let findings = coverage.findings(&connected.store)?;
    let Coverage { subspaces, skipped, .. } = coverage;
    let sized = subspaces.into_iter().map(|subspace| Ok((subspace, connected.store.estimate(subspace)?)));
    let sized = sized.collect::<Result<Vec<_>>>()?;
    // Strict mode fails on these findings before any record is read or written.
    options.strict.check(&findings).map_err(listed)?;
    if !options.resume {
        preflight.space(options.dir, bytes(&sized));
    }
    preflight.conclude()?;
    Ok(PreparedExport { connected, sized, skipped, findings })
}

/// Bytes of all these subspaces, estimated.
fn bytes(sized: &[(&'static Subspace, Estimate)]) -> u64 {
    sized.iter().map(|(_, estimate)| estimate.bytes).sum()
}

/// The result of exporting one subspace.
struct ExportedPart {
    subspace: &'static Subspace,
    entry: SubspaceEntry,
    tally: Tally,
    hashes: Option<HashList>,
}

fn export_subspace(
    store: &Store,
    subspace: &'static Subspace,
    writer: &Mutex<DumpWriter>,
    options: &ExportOptions,
    progress: &Progress,
) -> Result<ExportedPart> {
    let mut hashes = HashList::of(subspace, options.dir)?;
    let mut keep = |page: &Page| {
        progress.add(page.len() as u64, page.size() as u64);
        match &mut hashes {
            Some(hashes) => page.iter().try_for_each(|(key, value)| hashes.push_record(subspace, key, value)),
            None => Ok(()),
        }
    };
    let (file, mut tally) = if options.resume {
        resume_subspace(store, subspace, writer, &options.run.stop, &mut keep)?
    } else {
        (Resumed::Begun(lock(writer).subspace(subspace.letter, subspace.name)?), Tally::default())
    };
    let mut file = match file {
        Resumed::Finished(entry) => return Ok(ExportedPart { subspace, entry, tally, hashes }),
        Resumed::Begun(file) | Resumed::Continued(file) => file,
    };
    let ranges = store.ranges(subspace, options.run.budget.ranges())?;
    let ranges: Vec<(usize, KeyRange)> =
        ranges.into_iter().filter_map(|range| range.rest_after(file.last_key())).enumerate().collect();
    let tallies: Mutex<Vec<(usize, Tally)>> = Mutex::default();
    let page_bytes = options.run.budget.page_bytes();
    let read = |(index, range): &(usize, KeyRange), emit: &mut dyn FnMut(&mut Page) -> Result<()>| {
        let mut reading = store.read(subspace, range)?;
        let mut page = Page::new();
        while reading.next(&mut page, page_bytes)? {
            emit(&mut page)?;
        }
        lock(&tallies).push((*index, reading.into_tally()));
        Ok(())
    };
    Pipeline::of(options.run).run(&ranges, read, |page| {
        keep(page)?;
        file.append(page)
    })?;
    let mut tallies = into_inner(tallies);
    tallies.sort_by_key(|(index, _)| *index);
    tallies.into_iter().for_each(|(_, part)| tally.merge(part));
    Ok(ExportedPart { subspace, entry: file.finish()?, tally, hashes })
}

type Conclusion = (Vec<SubspaceEntry>, Description, Option<Audit>);

/// Audits blobs, gathers findings and describes the dump.
fn conclude(
    connected: &Connected,
    mut done: Vec<ExportedPart>,
    skipped: Vec<(&'static Subspace, Omission)>,
    findings: &mut Findings,
    options: &ExportOptions,
) -> Result<Conclusion> {
    done.sort_by_key(|done| done.subspace.letter);
    let mut sides = Sides::default();
    let (mut entries, mut local) = (Vec::new(), Vec::new());
    for ExportedPart { subspace, entry, tally, hashes } in done {
        sides.add(subspace, hashes);
        findings.merge(tally.findings);
        local.extend(tally.local.into_iter().map(|(layout, records)| LocalRecords {
            letter: subspace.letter,
            name: subspace.name.to_string(),
            layout: layout.to_string(),
            records,
        }));
        entries.push(entry);
    }
    let losses = connected.store.source().losses();
    add_losses(&connected.store, &losses, findings);
    findings.merge(connected.store.piece_findings());
    if let Some(table) = connected.store.source().unused()? {
        findings.add(FindingKind::UnusedBlobs, table.name, &[], || {
            "the configuration keeps blobs in another store; these do not travel".to_string()
        });
    }
    if sides.has_blobs()
        && let Some((count, sample)) = connected.store.source().foreign()?
    {
        findings.add_all(FindingKind::ForeignObject, count, "", &[], || {
            format!("{count} objects that the server could not have written, such as {sample:?}")
        });
    }
    if sides.lack_blobs()
        && let Some(subspace) = connected.store.version().blobs()
        && !options.no_verify
        && connected.store.gap(subspace).is_none()
    {
        sides.add(subspace, Some(connected.store.blob_names(subspace, options.dir, &options.run.stop)?));
    }
    let audit = sides.audit(findings)?;
    for note in connected.store.source().notes().iter().filter(|note| !connected.notes.contains(note)) {
        options.run.console.say(format!("note: {note}"));
    }
    options.strict.check(findings).map_err(listed)?;
    let description = Description {
        tool_version: env!("CARGO_PKG_VERSION").to_string(),
        server_releases: connected.store.version().releases.to_string(),
        source: connected.store.source().kind().name().to_string(),
        created: SystemTime::now(),
        // A salvage without losses gives a complete dump.
        completeness: if losses.is_empty() { Completeness::Complete } else { Completeness::Salvage },
        skipped: skipped
            .into_iter()
            .map(|(subspace, why)| Skipped {
                letter: subspace.letter,
                name: subspace.name.to_string(),
                reason: why.to_string(),
            })
            .collect(),
        local,
        read_versions: connected
            .store
            .source()
            .read_versions()
            .map(|versions| VersionSpan { first: versions.first, last: versions.last }),
        unhashed_blobs: connected.store.derived_keys().keys().take(MOST_UNHASHED).copied().collect(),
    };
    Ok((entries, description, audit))
}

/// Adds a finding for each loss: its key, or the keys between which it lies.
fn add_losses(store: &Store, losses: &[Loss], findings: &mut Findings) {
    for loss in losses {
        let subspaces = store.version().subspaces.iter();
        let subspace = subspaces.into_iter().find(|s| store.table(s).is_some_and(|t| t.name == loss.table));
        let place = subspace.map_or_else(
            || if loss.table.is_empty() { "*".to_string() } else { loss.table.clone() },
            |subspace| subspace.letter.to_string(),
        );
        let named = |key: &[u8]| subspace.map_or_else(|| hex(key), |subspace| subspace.describe(key));
        let reason = &loss.reason;
        if let Some(key) = &loss.key {
            findings.add(FindingKind::Lost, place, key, || format!("{}: {reason}", named(key)));
            continue;
        }
        findings.add_between(FindingKind::Lost, place, [&loss.after, &loss.before], || {
            let end = |key: &Option<Vec<u8>>, word, open: &str| {
                key.as_ref().map_or(open.to_string(), |key| format!("{word} {}", named(key)))
            };
            let (after, before) = (end(&loss.after, "behind", "from the first key"), end(&loss.before, "before", "to the last"));
            format!("everything {after}, {before}; what an older file still had of it may be in the dump: {reason}")
        });
    }
}

/// Adds help to the error of a strict export with findings.
fn listed(error: Error) -> Error {
    error.help("run without --strict to keep every record and have the findings listed")
}

/// Whether these subspaces include blob links but no blobs.
fn names_blobs(selected: &[&'static Subspace]) -> bool {
    selected.iter().any(|subspace| subspace.links_blobs())
        && !selected.iter().any(|subspace| subspace.value == ValueKind::Blob)
}

fn describe(connected: &Connected, coverage: &Coverage, console: &Console) {
    let version = connected.store.version();
    console.say(format!(
        "source: {} at {}, schema version {} ({})",
        connected.store.source().kind().title(),
        connected.place.location(),
        version.number,
        version.releases
    ));
    let names: Vec<String> = coverage.subspaces.iter().map(|s| format!("{} {}", s.letter, s.name)).collect();
    console.say(format!("exporting {} subspaces: {}", names.len(), names.join(", ")));
    for (subspace, why) in &coverage.skipped {
        console.say(format!("skipping {} ({}): {why}", subspace.letter, subspace.name));
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

/// Checks the destination directory, as part of the preflight.
fn check_destination(options: &ExportOptions, preflight: &mut Preflight) -> Result<()> {
    let place = options.dir.display().to_string();
    if options.resume {
        preflight.pass("destination", format!("{place}, begun by an interrupted export"));
        return Ok(());
    }
    let free = crate::dump::writer::check_destination(options.dir);
    preflight.check("destination", free, |exists| {
        if *exists { format!("{place}, empty") } else { format!("{place}, will be created") }
    })?;
    Ok(())
}

fn plan(sized: &[(&'static Subspace, Estimate)], options: &ExportOptions) {
    let console = &options.run.console;
    #[derive(Serialize)]
    struct PlannedExport {
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
        console.data(&PlannedExport {
            event: "plan",
            letter: subspace.letter,
            name: subspace.name,
            records_about: estimate.records,
            bytes_about: estimate.bytes,
        });
    }
    console.say(format!("estimated time: {}", preflight::estimated_time(bytes(sized))));
    let place: PathBuf = absolute(options.dir);
    console.say(format!("dry run: nothing written to {}", place.display()));
}
