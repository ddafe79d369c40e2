//! Import: loads a dump into an empty or fresh store.
//!
//! All checks that can refuse run before the first write. Blobs are written before the records that link them.
//! The schema version is written last, so that a partially written target is never taken for a complete one.

use std::path::Path;

use crate::backend::Source;
use crate::base::error::{Error, ErrorKind, Result};
use crate::base::finding::{FindingKind, Findings};
use crate::catalog::Subspace;
use crate::commands::loaded::{Imported, nothing_written, plan};
use crate::config::{Config, StoreConfig};
use crate::dump::manifest::DIRECTORY;
use crate::dump::reader::{Dump, FileCheck};
use crate::open::connect;
use crate::open::overlap::{self, Side};
use crate::records::input::{self, HeldDump, Input};
use crate::records::selection::Request;
use crate::run::console;
use crate::run::preflight::Preflight;
use crate::run::resume::anonymous;
use crate::target::blob_placement::{self, Loading};
use crate::target::limits::{self, Unusable};
use crate::target::transfer::{self, LoadTarget, Places, Transfer, TransferState, places};

/// What to import and how.
pub struct ImportOptions<'a> {
    /// The server's configuration file.
    pub config: &'a Path,
    /// The directory of the dump.
    pub dir: &'a Path,
    /// Subspaces asked for.
    pub request: &'a Request,
    /// How the target is treated.
    pub transfer: transfer::TransferOptions<'a>,
}

/// Imports a dump into the store of a configuration.
///
/// Errors: usage, refused (nothing written), I/O, interrupted, damaged (verification failed).
pub fn run(options: &ImportOptions) -> Result<Imported> {
    // An import refuses a damaged dump before anything is written.
    let refused = |error: Error| match error.kind() {
        ErrorKind::Damaged => error
            .into_kind(ErrorKind::Refused)
            .help_if_none("nothing was written; copy the dump again from where it was made, or export again"),
        _ => error,
    };
    let how = &options.transfer;
    let console = &how.run.console;
    let mut preflight = Preflight::new(*console, how.consent.dry_run);
    let opened = open(options, &mut preflight).map_err(refused)?;
    let prepared = prepare(&opened, options, &mut preflight).map_err(refused)?;
    let Some(Prepared { mut transfer, from, mut imported }) = prepared else {
        return preflight.refuse();
    };
    imported.left_out.iter().for_each(|(letter, why)| console.say(format!("leaving out {letter}: {why}")));
    if how.consent.dry_run {
        transfer.find_progress(how)?;
        plan(&transfer, console);
        preflight.conclude()?;
        console.say(format!("dry run: nothing written to {}", transfer.target.place().location()));
        return Ok(imported);
    }
    preflight.conclude()?;
    let state = TransferState::new("import", &transfer.target, &transfer.parts, from);
    let done = transfer.run(&state, how)?;
    imported.complete(done.loaded, done.verified, how);
    Ok(imported)
}

/// The opened dump and the configuration of its target.
struct OpenDump {
    config: Config,
    data: StoreConfig,
    dump: HeldDump,
    // Paths of the dump and of the files of the run, for overlap checks.
    side: Side,
    files: Side,
}

struct Prepared<'a> {
    transfer: Transfer<'a>,
    from: String,
    imported: Imported,
}

/// Reads the configuration and opens the dump.
fn open(options: &ImportOptions, preflight: &mut Preflight) -> Result<OpenDump> {
    let how = &options.transfer;
    let config = connect::configuration(options.config, &how.run.console)?;
    let data = how.blobs.agreed(config.data_store()?);
    preflight.pass("configuration", options.config.display().to_string());
    let side = Side::dump(options.dir);
    let files =
        transfer::files(how, how.state.filter(|path| !usual_state(path, options.dir)).map(Path::to_path_buf));
    overlap::check(&side, &Side::data("target", &data), how.consent.dry_run, &how.run.console)?;
    overlap::check(&side, &files, how.consent.dry_run, &how.run.console)?;
    overlap::check(&Side::data("target", &data), &files, how.consent.dry_run, &how.run.console)?;
    let dump = HeldDump::new(input::open_dump(options.dir, &how.run.budget)?)?;
    Ok(OpenDump { config, data, dump, side, files })
}

/// Makes all checks and decisions before the first write. `None` if a dry run has found a refusal.
fn prepare<'a>(
    opened: &'a OpenDump,
    options: &ImportOptions,
    preflight: &mut Preflight,
) -> Result<Option<Prepared<'a>>> {
    let how = &options.transfer;
    let OpenDump { config, data, dump: held_dump, side: dump_side, files } = opened;
    let input = Input::dump(held_dump);
    let (version, dump) = (held_dump.version(), &held_dump.dump);
    preflight.pass("schema version", format!("{} ({})", version.number, version.releases));
    let selected = options.request.resolve(version)?;
    let mut held: Vec<&'static Subspace> = Vec::new();
    for file in dump.subspaces() {
        held.push(version.subspace(file.letter).ok_or_else(|| {
            Error::refused("the dump has a subspace that its schema version does not know")
                .with("subspace", file.letter.to_string())
                .help("was the dump edited? export it again")
        })?);
    }
    if let Some(manifest) = dump.manifest() {
        how.strict.check_recorded(&manifest.findings).map_err(nothing_written)?;
    }
    let incomplete_dump = dump.manifest().is_some_and(|manifest| manifest.incomplete());
    if incomplete_dump {
        preflight
            .check("dump whole", repeat_losses(dump, options), |()| "a salvage, agreed to".to_string())?;
    }
    let expected: Vec<(char, &str)> = version.subspaces.iter().map(|s| (s.letter, s.name)).collect();
    let unproven = dump.unproven(&expected);
    unproven.iter().for_each(|what| preflight.warn("dump proven", format!("cannot be proven: {what}")));
    let brought: Vec<&'static Subspace> =
        held.iter().copied().filter(|s| selected.iter().any(|one| one.letter == s.letter)).collect();
    let loading = Loading { input: &input, subspaces: &brought };
    let decide = |data, now: Option<&dyn Source>| {
        let decided = blob_placement::decide(config, data, &loading, now, how.blobs, how.consent.yes)?;
        let blobs = Side::blobs("target", &decided.place);
        overlap::check(dump_side, &blobs, how.consent.dry_run, &how.run.console)?;
        overlap::check(&blobs, files, how.consent.dry_run, &how.run.console)?;
        Ok(decided)
    };
    // Next to the manifest.
    let state = |digits: &str| options.dir.join(DIRECTORY).join(format!("import-{digits}.json"));
    let target = LoadTarget::open(data.clone(), version, decide, state, preflight, how)?;
    console::begin_report()?;
    let Places { mut parts, left_out } = places(&held, &selected, target.kind())?;
    how.run.console.say(format!(
        "importing {} subspaces of schema version {} ({}) into {} at {}",
        parts.len(),
        version.number,
        version.releases,
        target.kind().title(),
        target.place().location()
    ));
    for part in &mut parts {
        part.stated = dump.entry(part.subspace.letter).map(|e| (e.totals(), e.records_sum.clone()));
    }
    let (rule, limits) = (target.rule(), target.limits().clone());
    let pairs = target.tables(&parts)?;
    let sound = |preflight: &mut Preflight, dump: &Dump| -> Result<Option<(Vec<FileCheck>, Unusable)>> {
        let checked = input::checksums(dump, how.run);
        let checks = preflight.check("dump undamaged", checked, |checks| {
            format!("{} files, checksums and counts are right", checks.len())
        })?;
        let Some(checks) = checks else { return Ok(None) };
        let fits = limits::check(dump, &pairs, &checks, rule, &limits, how.run.console.progress());
        let fits = preflight
            .check("records fit", fits, |_| "every record is within the limits of the target".to_string())?;
        let Some(unusable) = fits else { return Ok(None) };
        limits::check_usable(&unusable, preflight, how.consent.yes)?;
        Ok(Some((checks, unusable)))
    };
    // The longest check comes last, so that a target that is not empty is refused at once. A dry run makes all.
    let early = if how.consent.dry_run { sound(preflight, dump)? } else { None };
    let Some(mut transfer) = Transfer::prepare(input, target, Places { parts, left_out }, preflight, how)?
    else {
        return Ok(None);
    };
    let checks = if how.consent.dry_run { early } else { sound(preflight, dump)? };
    let Some((checks, unusable)) = checks else { return Ok(None) };
    let mut findings = Findings::new();
    checks.iter().for_each(|check| findings.merge(check.findings.clone()));
    how.strict.check(&findings).map_err(nothing_written)?;
    let from = identity(dump, &checks)?;
    transfer.leave_out_unusable(unusable.left_out());
    let imported = Imported {
        schema_version: version.number,
        advice: transfer.target.advice.clone(),
        left_out: transfer.left_out.clone(),
        unproven,
        incomplete_dump,
        findings,
        ..Imported::default()
    };
    Ok(Some(Prepared { transfer, from, imported }))
}

/// Whether a state file has its default path, next to the manifest.
fn usual_state(path: &Path, dump: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.parent() == Some(&dump.join(DIRECTORY)) && name.starts_with("import-") && name.ends_with(".json")
}

/// Identifies the content of a dump: changes whenever the dump does.
fn identity(dump: &Dump, checks: &[FileCheck]) -> Result<String> {
    match dump.manifest() {
        Some(manifest) => Ok(anonymous(&manifest.to_json()?)),
        None => Ok(anonymous(&format!("{checks:?}"))),
    }
}

fn repeat_losses(dump: &Dump, options: &ImportOptions) -> Result<()> {
    let Some(manifest) = dump.manifest() else { return Ok(()) };
    for (kind, count) in &manifest.findings {
        options.transfer.run.console.warn(format!("the dump's export has found: {count} {kind}"));
    }
    if let Some(lines) = dump.findings()? {
        for finding in lines {
            let finding = finding?;
            if finding.known_kind().is_some_and(FindingKind::is_incomplete) {
                let what = if finding.known_kind().is_some_and(FindingKind::keeps_record) {
                    "damaged in the dump"
                } else {
                    "not in the dump"
                };
                options.transfer.run.console.warn(format!(
                    "{what}: subspace {} key {}: {}",
                    finding.subspace, finding.key, finding.detail
                ));
            }
        }
    }
    if manifest.is_salvage() && !options.transfer.consent.yes {
        return Err(Error::refused("this dump was salvaged from a damaged store and is incomplete")
            .help("repeat with --yes to import it nevertheless"));
    }
    Ok(())
}
