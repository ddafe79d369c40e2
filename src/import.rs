//! Import: a dump into an empty or fresh store.
//!
//! Everything that can refuse does so before the first write. Blobs go before the records that link them,
//! the schema version comes last, so that a half-filled target is never taken for a complete one.

use std::path::Path;
use std::sync::{Mutex, PoisonError};

use serde::Serialize;

use crate::backend::{Limits, Shard, Target};
use crate::blob::{self, BlobRule};
use crate::catalog::{self, SchemaVersion, Subspace, Table, ValueKind};
use crate::check;
use crate::config::StoreConfig;
use crate::connect;
use crate::console::Console;
use crate::dump::digest::PartDigest;
use crate::dump::reader::{Dump, FileCheck, Verify};
use crate::error::{Error, ErrorKind, Result};
use crate::finding::{FindingKind, Findings, hex};
use crate::fresh::{self, Clearing, Extent};
use crate::lanes::{Budget, Stop, in_parallel, run_lane};
use crate::limits;
use crate::page::Page;
use crate::progress::Progress;
use crate::proof::{self, Expected};
use crate::running;
use crate::selection::Request;
use crate::store::{Store, Tally};

/// Bytes of records that are committed together.
const SHARD_BYTES: usize = 64 << 20;

/// What to import and how.
pub struct Options<'a> {
    /// The server's configuration file.
    pub config: &'a Path,
    /// The directory of the dump.
    pub dir: &'a Path,
    /// Subspaces asked for.
    pub request: &'a Request,
    /// Findings are fatal.
    pub strict: bool,
    /// Check and plan, write nothing.
    pub dry_run: bool,
    /// Do not read the target back.
    pub no_verify: bool,
    /// Agreed to what must be agreed to.
    pub yes: bool,
    /// Threads and memory.
    pub budget: Budget,
    /// Where to speak.
    pub console: Console,
    /// Raised when the run should end.
    pub stop: &'a Stop,
}

/// What an import has done.
#[derive(Debug, Serialize)]
pub struct Imported {
    /// Schema version of the dump.
    pub schema_version: u32,
    /// Subspaces imported, with counts.
    pub subspaces: Vec<ImportedSubspace>,
    /// Subspaces without a place in the target, left out with the reason.
    pub left_out: Vec<(char, String)>,
    /// Whether the target was read back and compared.
    pub verified: bool,
    /// What a server's dump cannot prove.
    pub unproven: Vec<String>,
    /// The dump itself was incomplete.
    pub incomplete_dump: bool,
    /// Everything found.
    #[serde(skip)]
    pub findings: Findings,
}

/// Counts of one imported subspace.
#[derive(Debug, Serialize)]
pub struct ImportedSubspace {
    /// Letter.
    pub letter: char,
    /// Name.
    pub name: &'static str,
    /// Records written.
    pub records: u64,
    /// Bytes of keys and values.
    pub bytes: u64,
}

/// Everything that is decided before the first write.
struct Plan {
    dump: Dump,
    version: &'static SchemaVersion,
    data: StoreConfig,
    rule: BlobRule,
    subspaces: Vec<(&'static Subspace, &'static Table)>,
    left_out: Vec<(char, String)>,
    checks: Vec<FileCheck>,
    clearing: Clearing,
    findings: Findings,
}

/// Imports a dump into the store of a configuration.
///
/// Errors: usage, refused (nothing written), I/O, interrupted, damaged (verification failed).
pub fn run(options: &Options) -> Result<Imported> {
    // Whatever is wrong with a dump, an import refuses it before anything is written.
    let plan = prepare(options).map_err(|error| match error.kind() {
        ErrorKind::Damaged => error
            .into_kind(ErrorKind::Refused)
            .or_next("nothing was written; copy the dump again from where it was made, or export again"),
        _ => error,
    })?;
    let console = &options.console;
    let unproven = unproven(&plan);
    unproven.iter().for_each(|what| console.warn(format!("cannot be proven: {what}")));
    for (letter, why) in &plan.left_out {
        console.say(format!("leaving out {letter}: {why}"));
    }
    let incomplete_dump = plan.dump.manifest().is_some_and(|manifest| manifest.incomplete());
    if incomplete_dump {
        repeat_losses(&plan.dump, options)?;
    }
    let mut imported = Imported {
        schema_version: plan.version.number,
        subspaces: Vec::new(),
        left_out: plan.left_out.clone(),
        verified: false,
        unproven,
        incomplete_dump,
        findings: plan.findings.clone(),
    };
    if options.strict && imported.findings.any_strict() {
        return Err(crate::export::strict(&imported.findings));
    }
    if options.dry_run {
        console.say(format!("dry run: nothing written to {}", plan.data.location()));
        return Ok(imported);
    }
    set_aside(&plan, console)?;
    let target = connect::target(&plan.data, plan.version, &options.budget)?;
    // Tables first: nothing is lost if that is not allowed.
    target.create(&connect::tables(plan.version, target.kind()))?;
    let expected = load(&plan, target.as_ref(), options, &mut imported.findings).map_err(half_filled)?;
    // Gives up the lock, so that the store can be read back.
    drop(target);
    imported.subspaces = expected
        .iter()
        .map(|e| ImportedSubspace {
            letter: e.subspace.letter,
            name: e.subspace.name,
            records: e.totals.records,
            bytes: e.totals.key_bytes + e.totals.value_bytes,
        })
        .collect();
    if !options.no_verify {
        verify(&plan, &expected, options)?;
        imported.verified = true;
    }
    Ok(imported)
}

fn prepare(options: &Options) -> Result<Plan> {
    let config = connect::configuration(options.config, &options.console)?;
    let data = config.data_store()?;
    let dump = Dump::open(options.dir)?;
    let version = catalog::version(dump.schema_version()).ok_or_else(|| {
        connect::unknown_version(dump.schema_version()).with("dump", options.dir.display().to_string())
    })?;
    let kind = data
        .kind
        .backend()
        .ok_or_else(|| Error::usage("this store cannot be a data store").with("store", data.id.clone()))?;
    let selected = options.request.resolve(version)?;
    let (mut subspaces, mut left_out) = (Vec::new(), Vec::new());
    for file in dump.subspaces() {
        let Some(subspace) = version.subspaces.iter().find(|s| s.letter == file.letter) else {
            return Err(Error::refused("the dump has a subspace that its schema version does not know")
                .with("subspace", file.letter.to_string())
                .next("was the dump edited? export it again"));
        };
        if !selected.iter().any(|s| s.letter == subspace.letter) {
            left_out.push((subspace.letter, "not selected".to_string()));
            continue;
        }
        match subspace.table(kind) {
            Ok(table) => subspaces.push((subspace, table)),
            Err(why) if subspace.derived => left_out.push((subspace.letter, why.to_string())),
            Err(why) => {
                return Err(Error::refused("the target has no place for a subspace")
                    .with("subspace", format!("{} ({})", subspace.letter, subspace.name))
                    .because(why.to_string())
                    .next(format!("leave it out with --exclude {}", subspace.letter)));
            }
        }
    }
    let holder = running::holder(&data.kind);
    if let Some(holder) = holder {
        let error = Error::refused("a server is running on the target")
            .with("store", data.location())
            .with("locked by", holder.describe())
            .next("stop the server and try again");
        if !options.dry_run {
            return Err(error);
        }
        options.console.warn(error.to_string());
    }
    let target = match connect::exists(&data)? {
        true => Some(connect::source(&data, &options.budget)?),
        false => None,
    };
    if let Some(target) = &target {
        let agreed = options.dry_run || options.yes;
        running::check_sessions(&target.sessions()?, &data.location(), agreed, &options.console)?;
    }
    options.console.say(format!(
        "importing {} subspaces of schema version {} ({}) into {} at {}",
        subspaces.len(),
        version.number,
        version.releases,
        kind.title(),
        data.location()
    ));
    let mut taken = Limits::default();
    let clearing = match target {
        Some(target) => {
            taken = target.limits()?;
            fresh::check(target.as_ref(), version, extent(version, &subspaces, &dump)?.as_extent())
                .map_err(|error| error.with("store", data.location()))?
        }
        None => {
            extent(version, &subspaces, &dump)?.need_nothing(version)?;
            Clearing::default()
        }
    };
    // The longest step comes last: a target that is not empty is refused at once.
    let checks = dump.checksums(options.budget.jobs)?;
    let mut findings = Findings::new();
    checks.iter().for_each(|check| findings.merge(check.findings.clone()));
    let rule = connect::blob_rule(&data, version);
    limits::check(&dump, &subspaces, &checks, rule, &taken)?;
    Ok(Plan { dump, version, data, rule, subspaces, left_out, checks, clearing, findings })
}

/// Whether the dump brings its own schema-version record.
enum Needs {
    Everything,
    Only(Vec<&'static Subspace>),
}

impl Needs {
    fn as_extent(&self) -> Extent<'_> {
        match self {
            Needs::Everything => Extent::Everything,
            Needs::Only(subspaces) => Extent::Only(subspaces),
        }
    }

    /// An absent target has no schema version, so the dump must bring it.
    fn need_nothing(&self, version: &SchemaVersion) -> Result<()> {
        match self {
            Needs::Everything => Ok(()),
            Needs::Only(_) => Err(Error::refused(
                "the dump has no schema-version record and the target is empty",
            )
            .next(format!(
                "start the server ({}) once on the target, stop it, and import then",
                version.releases
            ))),
        }
    }
}

fn extent(
    version: &'static SchemaVersion,
    subspaces: &[(&'static Subspace, &'static Table)],
    dump: &Dump,
) -> Result<Needs> {
    let record = catalog::schema_version_record();
    let holds = subspaces.iter().any(|(subspace, _)| subspace.letter == record.letter);
    if holds {
        let mut reader = dump.open_subspace(record.letter, Verify::Counts)?;
        let mut page = Page::new();
        while reader.read_page(&mut page, 1 << 20)? {
            if let Some((_, value)) = page.iter().find(|(key, _)| *key == record.key) {
                return match record.read(value) == Some(version.number) {
                    true => Ok(Needs::Everything),
                    false => {
                        Err(Error::refused("the schema-version record of the dump contradicts its files")
                            .with("record", hex(value))
                            .with("files", version.number.to_string())
                            .next("export again"))
                    }
                };
            }
        }
    }
    Ok(Needs::Only(subspaces.iter().map(|(subspace, _)| *subspace).collect()))
}

fn unproven(plan: &Plan) -> Vec<String> {
    let expected: Vec<(char, &str)> = plan.version.subspaces.iter().map(|s| (s.letter, s.name)).collect();
    plan.dump.unproven(&expected)
}

fn repeat_losses(dump: &Dump, options: &Options) -> Result<()> {
    let Some(manifest) = dump.manifest() else { return Ok(()) };
    for (kind, count) in &manifest.findings {
        options.console.warn(format!("the dump's export has found: {count} {kind}"));
    }
    if let Some(lines) = dump.findings()? {
        for finding in lines {
            let finding = finding?;
            if finding.known_kind().is_some_and(FindingKind::is_incomplete) {
                options.console.warn(format!(
                    "not in the dump: subspace {} key {}: {}",
                    finding.subspace, finding.key, finding.detail
                ));
            }
        }
    }
    if manifest.is_salvage() && !options.yes {
        return Err(Error::refused("this dump was salvaged from a damaged store and is incomplete")
            .next("repeat with --yes to import it nevertheless"));
    }
    Ok(())
}

/// Writes rows of the target that are about to be replaced, and that the dump does not have, to a file.
fn set_aside(plan: &Plan, console: &Console) -> Result<()> {
    let mut lost = Vec::new();
    for (subspace, _) in &plan.subspaces {
        let mut saved: Vec<_> = plan.clearing.saved.iter().filter(|s| s.letter == subspace.letter).collect();
        if saved.is_empty() {
            continue;
        }
        let mut reader = plan.dump.open_subspace(subspace.letter, Verify::Counts)?;
        let mut page = Page::new();
        while reader.read_page(&mut page, 1 << 20)? {
            for (key, _) in page.iter() {
                saved.retain(|row| row.key != key);
            }
        }
        lost.extend(saved);
    }
    if lost.is_empty() {
        return Ok(());
    }
    let path = std::path::absolute(SAVED_FILE).unwrap_or_else(|_| SAVED_FILE.into());
    let mut text = String::new();
    for row in &lost {
        let line = SavedLine {
            subspace: row.letter,
            name: row.subspace,
            key: hex(&row.key),
            value: hex(&row.value),
            key_text: String::from_utf8_lossy(&row.key).into_owned(),
        };
        text.push_str(&serde_json::to_string(&line).unwrap_or_default());
        text.push('\n');
    }
    write_private(&path, &text).map_err(|error| {
        Error::refused("rows of the target would be replaced and cannot be saved")
            .with("file", path.display().to_string())
            .because(error)
            .next("start in a directory that can be written, without an older file of this name")
    })?;
    console.warn(format!(
        "{} rows of the fresh target that the dump does not have are replaced; they are saved in {}",
        lost.len(),
        path.display()
    ));
    Ok(())
}

/// Where rows of a fresh target go that an import replaces.
const SAVED_FILE: &str = "stalwart-migrate-replaced.jsonl";

#[derive(Serialize)]
struct SavedLine {
    subspace: char,
    name: &'static str,
    key: String,
    value: String,
    key_text: String,
}

fn write_private(path: &Path, text: &str) -> std::io::Result<()> {
    use std::io::Write;
    use std::os::unix::fs::OpenOptionsExt;
    let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

fn half_filled(error: Error) -> Error {
    error.next("the target is incomplete: do not start the server on it; empty it and import again")
}

/// Writes everything; returns what the target should now hold.
fn load(
    plan: &Plan,
    target: &dyn Target,
    options: &Options,
    findings: &mut Findings,
) -> Result<Vec<Expected>> {
    for (table, keys) in &plan.clearing.rows {
        target.delete(table, keys)?;
    }
    for table in &plan.clearing.tables {
        target.clear(table)?;
    }
    let total = plan.checks.iter().map(|c| c.totals.key_bytes + c.totals.value_bytes).sum();
    let progress = Progress::start(options.console.progress(), "import", total);
    let jobs = options.budget.jobs.min(target.writers());
    // Blobs first: what is linked exists whenever a link does.
    let (blobs, rest): (Vec<_>, Vec<_>) =
        plan.subspaces.iter().copied().partition(|(subspace, _)| subspace.value == ValueKind::Blob);
    let held_back: Mutex<Option<HeldBack>> = Mutex::new(None);
    let mut done = Vec::new();
    for group in [blobs, rest] {
        done.extend(in_parallel(jobs, &group, |(subspace, table)| {
            load_subspace(plan, subspace, table, target, options, &progress, &held_back)
        })?);
    }
    if let Some(held_back) = held_back.into_inner().unwrap_or_else(PoisonError::into_inner) {
        let mut shard = target.shard(held_back.table)?;
        shard.write(&held_back.page)?;
        shard.commit()?;
    }
    target.finish()?;
    done.sort_by_key(|(expected, _)| expected.subspace.letter);
    Ok(done
        .into_iter()
        .map(|(expected, tally)| {
            findings.merge(tally.findings);
            for (layout, count) in tally.left_behind {
                options
                    .console
                    .say(format!("left out {count} {layout} records, which belong to the old installation"));
            }
            expected
        })
        .collect())
}

/// The schema-version record, kept until everything else is written.
struct HeldBack {
    table: &'static Table,
    page: Page,
}

fn load_subspace(
    plan: &Plan,
    subspace: &'static Subspace,
    table: &'static Table,
    target: &dyn Target,
    options: &Options,
    progress: &Progress,
    held_back: &Mutex<Option<HeldBack>>,
) -> Result<(Expected, Tally)> {
    let outcome: Mutex<(PartDigest, Tally)> = Mutex::default();
    let page_bytes = options.budget.page_bytes();
    let server_dump = plan.dump.is_server_dump();
    let read = |_: &(), emit: &mut dyn FnMut(&mut Page) -> Result<()>| {
        let mut reader = plan.dump.open_subspace(subspace.letter, Verify::Counts)?;
        let (mut digest, mut tally) = (PartDigest::new(), Tally::default());
        let (mut raw, mut page) = (Page::new(), Page::new());
        while reader.read_page(&mut raw, page_bytes)? {
            for (key, value) in raw.iter() {
                let layout = match (subspace.value, server_dump) {
                    // Our own export has compared every blob with its key already.
                    (ValueKind::Blob, true) => {
                        check::content(subspace, key, value, &mut tally.findings);
                        None
                    }
                    _ => check::record(subspace, key, value, &mut tally.findings),
                };
                if let Some(layout) = layout.filter(|layout| !layout.travels) {
                    *tally.left_behind.entry(layout.name).or_default() += 1;
                    continue;
                }
                if server_dump {
                    digest.add(key, value);
                }
                if layout.is_some_and(|layout| layout.schema_version) {
                    let mut page = Page::new();
                    page.push(key, value);
                    *held_back.lock().unwrap_or_else(PoisonError::into_inner) =
                        Some(HeldBack { table, page });
                } else if subspace.value == ValueKind::Blob {
                    page.push(key, &blob::encode(plan.rule, value));
                } else {
                    page.push(key, value);
                }
            }
            progress.add(raw.len() as u64, raw.size() as u64);
            emit(&mut page)?;
        }
        *outcome.lock().unwrap_or_else(PoisonError::into_inner) = (digest, tally);
        Ok(())
    };
    let mut shard: Option<Box<dyn Shard + Send>> = None;
    let mut pending = 0;
    run_lane(1, &[()], options.stop, read, |page| {
        let mut current = match shard.take() {
            Some(shard) => shard,
            None => target.shard(table)?,
        };
        current.write(page)?;
        pending += page.size();
        if pending < SHARD_BYTES {
            shard = Some(current);
            return Ok(());
        }
        pending = 0;
        current.commit()
    })?;
    if let Some(shard) = shard {
        shard.commit()?;
    }
    let (digest, tally) = outcome.into_inner().unwrap_or_else(PoisonError::into_inner);
    let expected = match plan.dump.entry(subspace.letter) {
        Some(entry) => Expected { subspace, totals: entry.totals(), sum: entry.records_sum.clone() },
        None => Expected { subspace, totals: digest.totals(), sum: digest.sum().to_hex() },
    };
    Ok((expected, tally))
}

fn verify(plan: &Plan, expected: &[Expected], options: &Options) -> Result<()> {
    let source = connect::source(&plan.data, &options.budget)?;
    let store = Store::new(source, plan.version, plan.rule);
    let total = expected.iter().map(|e| e.totals.key_bytes + e.totals.value_bytes).sum();
    let mut expected = expected.to_vec();
    // Nothing but the dump may be in a target that was empty.
    let whole = expected.iter().any(|e| e.subspace.letter == catalog::schema_version_record().letter);
    for subspace in plan.version.subspaces.iter().filter(|_| whole) {
        if store.table(subspace).is_some() && !expected.iter().any(|e| e.subspace.letter == subspace.letter) {
            expected.push(proof::empty(subspace));
        }
    }
    let progress = Progress::start(options.console.progress(), "verify", total);
    proof::compare(&store, &expected, &options.budget, options.stop, &progress).map(|_| ())
}

/// Records and bytes over all imported subspaces.
pub fn totals(subspaces: &[ImportedSubspace]) -> (u64, u64) {
    subspaces.iter().fold((0, 0), |(records, bytes), s| (records + s.records, bytes + s.bytes))
}
