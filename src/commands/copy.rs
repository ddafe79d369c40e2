//! Copy: copies a store into another one without a dump, with the checks of both an export and an import.

use std::path::{Path, PathBuf};

use crate::backend::Source;
use crate::base::error::Result;
use crate::base::finding::Findings;
use crate::catalog::Subspace;
use crate::commands::loaded::{Imported, nothing_written, plan};
use crate::config::Config;
use crate::open::connect::{self, Connected, OpenOptions};
use crate::open::installation::BlobChoice;
use crate::open::overlap::{self, Side};
use crate::open::source_checks::Coverage;
use crate::open::unchanged::Watched;
use crate::records::input::Input;
use crate::records::selection::{Omission, Request};
use crate::run::console;
use crate::run::preflight::Preflight;
use crate::run::resume::anonymous;
use crate::target::blob_placement::{self, Loading};
use crate::target::limits::{self, Unusable};
use crate::target::transfer::{self, LoadTarget, Places, Transfer, TransferState, places};

/// What to copy and how.
pub struct CopyOptions<'a> {
    /// Configuration of the source.
    pub from: &'a Path,
    /// Configuration of the target.
    pub to: &'a Path,
    /// Subspaces asked for.
    pub request: &'a Request,
    /// Overrides the schema version that the source states.
    pub schema: Option<u32>,
    /// How the target is treated.
    pub transfer: transfer::TransferOptions<'a>,
}

/// Copies the store of one configuration into that of another.
///
/// Writes nothing to the source. Errors: those of export and import.
pub fn run(options: &CopyOptions) -> Result<Imported> {
    let how = &options.transfer;
    let console = &how.run.console;
    let mut preflight = Preflight::new(*console, how.consent.dry_run);
    let config = connect::configuration(options.from, console)?;
    let to = connect::configuration(options.to, console)?;
    let data = how.blobs.agreed(to.data_store()?);
    // The default state file is in the current directory.
    let state = |digits: &str| PathBuf::from(format!("stalwart-migrate-copy-{digits}.json"));
    let files = transfer::files(how, Some(how.state.map_or_else(|| state(""), Path::to_path_buf)));
    let written = Side::data("target", &data);
    let CheckedSource { connected, selected, held, skipped, findings } =
        open(&config, options, &written, &files, &mut preflight)?;
    let version = connected.store.version();
    let source_place = connected.place.clone();
    let source = Side::stores("source", &source_place);
    let fingerprint = connected.store.source().fingerprint()?;
    let from = (anonymous(&source_place.location()), fingerprint);
    let source_kind = connected.store.source().kind();
    let _held = connected.held;
    let store = connected.store;
    let input = Input::store(&store);
    let loading = Loading { input: &input, subspaces: &held };
    let decide = |data, now: Option<&dyn Source>| {
        let decided = blob_placement::decide(&to, data, &loading, now, how.blobs, how.consent.yes)?;
        let blobs = Side::blobs("target", &decided.place);
        overlap::check(&source, &blobs, how.consent.dry_run, console)?;
        overlap::check(&blobs, &files, how.consent.dry_run, console)?;
        Ok(decided)
    };
    let target = LoadTarget::open(data, version, decide, state, &mut preflight, how)?;
    console::begin_report()?;
    let Places { parts, mut left_out } = places(&held, &selected, target.kind())?;
    let skipped = skipped.into_iter().filter(|(_, why)| *why != Omission::NotSelected);
    left_out.extend(skipped.map(|(subspace, why)| (subspace.letter, why)));
    console.say(format!(
        "copying {} subspaces of schema version {} ({}) from {} at {} to {} at {}",
        parts.len(),
        version.number,
        version.releases,
        source_kind.title(),
        source_place.location(),
        target.kind().title(),
        target.place().location()
    ));
    let pairs = target.tables(&parts)?;
    let (rule, taken) = (target.rule(), target.limits().clone());
    let fits = limits::check_store(&store, &pairs, rule, &taken, how.run.budget.jobs, console.progress());
    let fits = preflight
        .check("records fit", fits, |_| "every record is within the limits of the target".to_string())?;
    if let Some(unusable) = &fits {
        limits::check_usable(unusable, &mut preflight, how.consent.yes)?;
    }
    let prepared = Transfer::prepare(input, target, Places { parts, left_out }, &mut preflight, how)?;
    let Some(mut transfer) = prepared else {
        return preflight.refuse();
    };
    transfer.leave_out_unusable(fits.as_ref().map(Unusable::left_out).unwrap_or_default());
    transfer.left_out.iter().for_each(|(letter, why)| console.say(format!("leaving out {letter}: {why}")));
    transfer.watched = Some((Watched::new(&source_place, how.consent.yes), &store));
    preflight.conclude()?;
    let mut copied = Imported {
        schema_version: version.number,
        advice: transfer.target.advice.clone(),
        left_out: transfer.left_out.clone(),
        findings,
        ..Imported::default()
    };
    if how.consent.dry_run {
        transfer.find_progress(how)?;
        plan(&transfer, console);
        console.say(format!("dry run: nothing written to {}", transfer.target.place().location()));
        return Ok(copied);
    }
    let state = TransferState::new("copy", &transfer.target, &transfer.parts, from);
    let done = transfer.run(&state, how)?;
    copied.complete(done.loaded, done.verified, how);
    Ok(copied)
}

/// A source that passed its part of the preflight, and what of it is copied.
struct CheckedSource {
    connected: Connected,
    // The subspaces that were asked for.
    selected: Vec<&'static Subspace>,
    // Those of them that the source holds and that can be read.
    held: Vec<&'static Subspace>,
    skipped: Vec<(&'static Subspace, Omission)>,
    findings: Findings,
}

/// Opens and checks the source. Overlaps with what is written are refused before the source is opened.
fn open(
    config: &Config,
    options: &CopyOptions,
    written: &Side,
    files: &Side,
    preflight: &mut Preflight,
) -> Result<CheckedSource> {
    let how = &options.transfer;
    let console = &how.run.console;
    // The file of --blob-config describes the target.
    let blobs = BlobChoice { file: None, ..how.blobs };
    let reading = OpenOptions { blobs, schema: options.schema, hold: true, ..OpenOptions::default() };
    overlap::check(
        &Side::data("source", &blobs.agreed(config.data_store()?)),
        written,
        how.consent.dry_run,
        console,
    )?;
    overlap::check(written, files, how.consent.dry_run, console)?;
    let connected = connect::open(config, reading, how.run)?;
    overlap::check(&Side::blobs("source", &connected.place), written, how.consent.dry_run, console)?;
    overlap::check(&Side::stores("source", &connected.place), files, how.consent.dry_run, console)?;
    let selected = options.request.resolve(connected.store.version())?;
    let mut connected = connected.with_blobs_of(&selected, reading, how.run)?;
    let mut coverage = Coverage::of(&connected.store, &selected, None, how.consent.yes);
    coverage.check(&mut connected, preflight, how.consent, console)?;
    let findings = coverage.findings(&connected.store)?;
    how.strict.check(&findings).map_err(nothing_written)?;
    let Coverage { subspaces: held, skipped, .. } = coverage;
    Ok(CheckedSource { connected, selected, held, skipped, findings })
}
