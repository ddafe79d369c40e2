//! Shared by import and copy: checks a target, clears what a first start has left, loads it, and reads it back.
//!
//! Everything that can be refused is refused before the first write. The caller has chosen the input; an
//! interrupted run is resumed from what the target holds.

use std::io::IsTerminal;
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::backend::meanwhile::explain;
use crate::backend::{self, KeyRange, Pages};
use crate::base::error::{Error, ErrorKind, Result};
use crate::base::finding::Findings;
use crate::base::hex::hex;
use crate::base::page::Page;
use crate::catalog::{self, BackendKind, SchemaVersion, Subspace};
use crate::open::backends::HeldStore;
use crate::open::installation::BlobChoice;
use crate::open::overlap::Side;
use crate::open::running;
use crate::open::unchanged::Watched;
use crate::records::counters::Counters;
use crate::records::input::Input;
use crate::records::merge_join;
use crate::records::pipeline::in_parallel;
use crate::records::selection::Omission;
use crate::records::store::Store;
use crate::run::console;
use crate::run::preflight::Preflight;
use crate::run::progress::Progress;
use crate::run::resume::StateFile;
use crate::run::strict::Strict;
use crate::run::{Consent, Run};
use crate::target::backup::Saving;
use crate::target::load::{Load, LoadPart, Loaded};
use crate::target::owner::Owner;
use crate::target::read_back::{self, Expected};
use crate::target::state::{self, Clearing};

mod emptying;
mod identity;
mod target;

use emptying::{Emptying, Pending};
use identity::begin;

pub use identity::TransferState;
pub use target::LoadTarget;
use target::Planned;

/// How a target is treated.
#[derive(Clone)]
pub struct TransferOptions<'a> {
    /// What the user has agreed to.
    pub consent: Consent,
    /// Do not read the target back.
    pub no_verify: bool,
    /// Findings are fatal.
    pub strict: Strict,
    /// Go on with an interrupted run.
    pub resume: bool,
    /// Empty the target before loading.
    pub wipe: bool,
    /// Options about the blob store of the target.
    pub blobs: BlobChoice<'a>,
    /// Path of the state file, if not the usual one.
    pub state: Option<&'a Path>,
    /// Owner of the files of the target.
    pub owner: Option<&'a Owner>,
    /// File of the end report; the backup of replaced rows is beside it.
    pub report: Option<&'a Path>,
    /// Threads, memory, console, and the request to end.
    pub run: &'a Run,
}

/// Everything that is decided before the first write.
pub struct Transfer<'a> {
    /// The input.
    pub input: Input<'a>,
    /// The target.
    pub target: LoadTarget,
    /// The subspaces to load.
    pub parts: Vec<LoadPart>,
    /// Subspaces that are not loaded, with the reason.
    pub left_out: Vec<(char, Omission)>,
    /// The source store, which must not change during the run.
    pub watched: Option<(Watched, &'a Store)>,
    clearing: Clearing,
    // Whether the clearing empties the target completely.
    everything: bool,
    // Whether an interrupted run has started to fill the target.
    started: bool,
    // State of the emptying steps of an interrupted run.
    left: Emptying,
    version_record: Option<Vec<u8>>,
    total: u64,
}

/// The result of a transfer.
pub struct Transferred {
    /// The result of the load.
    pub loaded: Loaded,
    /// Whether the target was read back and compared.
    pub verified: bool,
}

/// The subspaces to load and those that are not loaded.
pub struct Places {
    /// Those to load.
    pub parts: Vec<LoadPart>,
    /// The others, with the reason.
    pub left_out: Vec<(char, Omission)>,
}

/// Divides the subspaces of `held` into those selected that have a table in the target, and the others with the
/// reason.
///
/// Errors: refused if the target has no table for a selected subspace that is not derived data.
pub fn places(
    held: &[&'static Subspace],
    selected: &[&'static Subspace],
    kind: BackendKind,
) -> Result<Places> {
    let (mut parts, mut left_out) = (Vec::new(), Vec::new());
    for subspace in held.iter().copied() {
        if !selected.iter().any(|s| s.letter == subspace.letter) {
            left_out.push((subspace.letter, Omission::NotSelected));
            continue;
        }
        match subspace.table(kind) {
            Ok(table) => parts.push(LoadPart { subspace, table, after: None, stated: None }),
            Err(why) if subspace.derived => left_out.push((subspace.letter, Omission::NoTable(why))),
            Err(why) => {
                return Err(Error::refused("the target has no place for a subspace")
                    .with("subspace", subspace.to_string())
                    .because(why.to_string())
                    .help(format!("leave it out with --exclude {}", subspace.letter)));
            }
        }
    }
    Ok(Places { parts, left_out })
}

/// The files that a run writes beside its target: `state`, unless that is in the dump as usual, and the backup of
/// replaced rows.
pub fn files(options: &TransferOptions, state: Option<PathBuf>) -> Side {
    let state = state.map(|path| ("state of the run", "--state", path));
    let replaced = ("file for replaced rows", "--report", crate::target::backup::place(options.report, 1));
    Side::files(&state.into_iter().chain([replaced]).collect::<Vec<_>>())
}

impl<'a> Transfer<'a> {
    /// Checks the target for what is to be loaded; `None` if a check of the preflight failed.
    pub fn prepare(
        input: Input<'a>,
        mut target: LoadTarget,
        Places { parts, left_out }: Places,
        preflight: &mut Preflight,
        options: &TransferOptions,
    ) -> Result<Option<Transfer<'a>>> {
        let version = input.version();
        let subspaces: Vec<&'static Subspace> = parts.iter().map(|part| part.subspace).collect();
        let record = input.version_record(&subspaces);
        let Some(version_record) =
            preflight.check("schema-version record", record, |record| match record {
                Some(_) => format!("{} ({})", version.number, version.releases),
                None => "not part of what is loaded: the target's own stays".to_string(),
            })?
        else {
            return Ok(None);
        };
        let whole = version_record.is_some();
        let left = if options.resume {
            Emptying::of_interrupted(&target.state)?.unwrap_or_default()
        } else {
            Emptying::default()
        };
        // An interrupted run has emptied its target, unless its state has the step pending.
        let everything =
            if options.resume { left.pending == Some(Pending::Everything) } else { options.wipe };
        let clearing = match target.clearing(&parts, whole, everything, options) {
            Err(error) if error.kind() == ErrorKind::Refused && options.resume => match left.pending {
                // The target was emptied: its records show how far the run came.
                None => target.check_side_tables(whole, options).map(|()| None),
                Some(_) => Err(error.help(
                    "the interrupted run had written nothing yet, so something else has filled the target",
                )),
            },
            Err(error) if error.kind() == ErrorKind::Refused && target.state.exists() => Err(error.help(
                "an interrupted run may have begun to fill it: then go on with the same command and --resume",
            )),
            clearing => clearing.map(Some),
        };
        let clearing = preflight.check("target empty", clearing, |clearing| match clearing {
            None => "an interrupted run has begun to fill it".to_string(),
            Some(clearing) if clearing.is_empty() => "empty".to_string(),
            Some(clearing) if everything => format!("will be emptied: {}", clearing.describe()),
            Some(clearing) => format!("as a first start leaves it; will be cleared: {}", clearing.describe()),
        })?;
        let total = subspaces.iter().map(|s| input.size(s)).sum::<Result<u64>>()?;
        let blobs = target.place.blobs.as_ref();
        for path in
            blobs.map(|blobs| blobs.kind.paths()).into_iter().flatten().chain(target.place.data.kind.path())
        {
            preflight.space(path, total);
        }
        let Some(clearing) = clearing else { return Ok(None) };
        let emptied = clearing.iter().flat_map(|clearing| &clearing.tables).map(|table| table.name);
        let advice = target.side_tables_advice(whole, &emptied.collect::<Vec<_>>(), options)?;
        target.advice.extend(advice);
        let mut transfer = Transfer {
            input,
            target,
            parts,
            left_out,
            watched: None,
            clearing: Clearing::default(),
            everything,
            started: false,
            left,
            version_record,
            total,
        };
        match clearing {
            Some(clearing) => transfer.clearing = clearing,
            None => transfer.started = true,
        }
        Ok(Some(transfer))
    }

    /// Skips the values of these subspaces that no server can use and that the target cannot store.
    pub fn leave_out_unusable(&mut self, subspaces: &[&'static Subspace]) {
        if subspaces.is_empty() {
            return;
        }
        self.input.leave_out_unusable(subspaces);
        let affected = |part: &&mut LoadPart| subspaces.iter().any(|s| s.letter == part.subspace.letter);
        // The manifest's counts and sums no longer match the records that the target will hold.
        self.parts.iter_mut().filter(affected).for_each(|part| part.stated = None);
    }

    /// The schema version of the input.
    pub fn version(&self) -> &'static SchemaVersion {
        self.input.version()
    }

    /// Approximate number of bytes to load.
    pub fn total(&self) -> u64 {
        self.total
    }

    /// Asks for confirmation before a target is emptied, unless the user has agreed already.
    ///
    /// Errors: refused without confirmation.
    fn confirm_wipe(&self, options: &TransferOptions) -> Result<()> {
        let partially_written = self.target.partially_written && options.wipe;
        if (!self.everything || self.clearing.is_empty()) && !partially_written {
            return Ok(());
        }
        let place = self.target.place.location();
        let partially_written =
            partially_written.then(|| "what an unfinished import has left damaged".to_string());
        let cleared = Some(self.clearing.describe()).filter(|_| !self.clearing.is_empty());
        let what = partially_written.into_iter().chain(cleared).collect::<Vec<_>>().join(", ");
        options.run.console.warn(format!("--wipe-target destroys in {place}: {what}"));
        let refused = |what: &str| {
            Err(Error::refused(what)
                .with("store", place.clone())
                .help("repeat with --yes, or type `wipe` when asked, if nothing in it is needed"))
        };
        if options.consent.yes {
            return Ok(());
        }
        if !std::io::stdin().is_terminal() {
            return refused(
                "--wipe-target destroys what is in the target, and there is no terminal on which to agree",
            );
        }
        match console::ask("type `wipe` to destroy it:", &options.run.stop)?.trim() {
            "wipe" => Ok(()),
            _ => refused("the target was not emptied: that was not agreed to"),
        }
    }

    /// Finds how far an interrupted run came, if there was one: for each subspace the last key up to which the
    /// target holds all records. For a dry run, which changes nothing: what a killed writer has left is not
    /// recovered.
    ///
    /// Errors: refused if the target holds anything else.
    pub fn find_progress(&mut self, options: &TransferOptions) -> Result<()> {
        if !self.started {
            return Ok(());
        }
        let there = self.target.store(options)?;
        self.compare(&Input::store(&there), options)
    }

    /// As [`Transfer::find_progress`], with the target opened as `there`.
    fn compare(&mut self, there: &Input, options: &TransferOptions) -> Result<()> {
        let version = self.version();
        let progress = Progress::start(options.run.console.progress(), "compare", self.total);
        let after = in_parallel(options.run.budget.jobs, &self.parts, |part| {
            written_up_to(&self.input, there, part.subspace, options, &progress)
        })?;
        self.parts.iter_mut().zip(after).for_each(|(part, after)| part.after = after);
        // Subspaces that are not loaded must still be empty.
        for subspace in version.subspaces.iter().filter(|_| self.version_record.is_some()) {
            if !self.parts.iter().any(|part| part.subspace.letter == subspace.letter) {
                let mut page = Page::new();
                there.read(subspace, &KeyRange::all())?.next(&mut page, 1)?;
                if let Some((key, _)) = page.iter().next() {
                    return Err(changed(subspace, key));
                }
            }
        }
        Ok(())
    }

    /// Starts the run that `state` describes, or resumes it: writes the target and reads it back.
    ///
    /// Errors: refused (nothing was written), I/O and interrupted (the target is incomplete and lacks its
    /// schema-version record), damaged (read-back verification failed).
    pub fn run<S: Serialize + DeserializeOwned + PartialEq + Clone>(
        &mut self,
        state: &TransferState<S>,
        options: &TransferOptions,
    ) -> Result<Transferred> {
        // Declared first, so that it is dropped last: closing a file releases the locks of its engine, too.
        let mut exclusive = self.target.hold()?;
        let held = if options.resume { Some(state.open(&self.target.state)?) } else { None };
        let before = self.left.saved();
        let saving =
            Saving::plan(&self.input, &self.parts, &self.clearing, options.report, before.as_deref())?;
        self.confirm_wipe(options)?;
        // Nothing is created yet, and nothing must be after a signal.
        options.run.stop.check()?;
        let saved = saving.as_ref().map(Saving::path).or(before.as_deref());
        let emptying = Emptying::begin(&self.clearing, self.everything, saved);
        let mut held = match held {
            Some(mut held) => {
                if emptying != self.left {
                    held.replace(&state.with(&emptying))?;
                }
                Some(held)
            }
            None => begin(&self.target.state, &state.with(&emptying), options)?,
        };
        let resumable = held.is_some();
        let incomplete = |error: Error| incomplete(error, resumable);
        let target = match self.ready(&mut exclusive, saving.as_ref(), options) {
            Ok(target) => target,
            Err(error) => {
                // The target is unchanged as far as a retry is concerned, so the state file goes.
                held.filter(|_| !options.resume).map_or(Ok(()), StateFile::remove)?;
                return Err(match error.kind() {
                    ErrorKind::Io => {
                        error.help("no record was written: see to the cause, then repeat the command")
                    }
                    _ => error,
                });
            }
        };
        emptying::clear(target.as_ref(), &self.clearing).map_err(incomplete)?;
        if let Some(held) = &mut held
            && emptying.pending.is_some()
        {
            held.replace(&state.with(&emptying.done())).map_err(incomplete)?;
        }
        let loaded = self.fill(target.as_ref(), options).map_err(incomplete)?;
        // Releases the lock, so that the store can be read back.
        drop(target);
        let mut transferred = Transferred { loaded, verified: false };
        if !options.no_verify {
            let found = self.verify(&transferred.loaded.expected, options)?;
            transferred.loaded.findings.merge(found);
            self.target.find_blobs(&mut transferred.loaded, None, options)?;
            transferred.verified = true;
        }
        if let Some(owner) = options.owner {
            owner.give(&self.target.place.data.kind)?;
            self.target.place.blobs.iter().try_for_each(|blobs| owner.give(&blobs.kind))?;
        }
        if let Some(held) = held {
            held.remove()?;
        }
        Ok(transferred)
    }

    /// Opens the target under its lock, with its tables and still unchanged, and writes the backup of replaced rows.
    fn ready(
        &mut self,
        exclusive: &mut HeldStore,
        saving: Option<&Saving>,
        options: &TransferOptions,
    ) -> Result<Box<dyn backend::Target>> {
        let version = self.version();
        options.run.stop.check()?;
        let target = self.target.lock(self.planned(), exclusive, options)?;
        if self.started {
            let there = self.target.as_store(target.look()?)?;
            if self.version_record.is_some() {
                state::check_side_tables(there.source(), version)?;
            }
            self.compare(&Input::store(&there), options)?;
        }
        options.run.stop.check()?;
        if let Some(saving) = saving {
            saving.save(&options.run.console)?;
        }
        // Tables before clearing: nothing is lost if creating them is not permitted.
        target.create(&version.tables(target.kind()).collect::<Vec<_>>())?;
        Ok(target)
    }

    /// Writes all records, the schema-version record last, after every check that could still fail.
    fn fill(&self, target: &dyn backend::Target, options: &TransferOptions) -> Result<Loaded> {
        let progress = Progress::start(options.run.console.progress(), "import", self.total);
        let load = Load {
            input: &self.input,
            parts: &self.parts,
            rule: self.target.rule(),
            version_record: self.version_record.clone(),
            run: options.run,
            strict: options.strict,
            progress: &progress,
        };
        let mut loaded = load.run(target)?;
        if options.strict.is_on() && !options.no_verify && loaded.unmatched.lack_blobs() {
            // A strict run checks blobs that are not loaded before the target looks complete.
            self.target.find_blobs(&mut loaded, Some(target.look()?), options)?;
        }
        if let Some((_, store)) = &self.watched {
            // Known once everything was read.
            loaded.findings.merge(store.piece_findings());
        }
        options.strict.check(&loaded.findings)?;
        self.still_alone(target, options)?;
        if let Some((watched, store)) = &self.watched {
            watched.check(store.source())?;
        }
        load.seal(target)?;
        Ok(loaded)
    }

    /// The decision about the target, to be confirmed under its lock; `None` if an interrupted run has begun to
    /// fill it: then its records are compared.
    fn planned(&self) -> Option<Planned<'_>> {
        (!self.started).then(|| Planned {
            clearing: &self.clearing,
            parts: &self.parts,
            whole: self.version_record.is_some(),
            everything: self.everything,
        })
    }

    /// Checks that no other session has connected to the target while it was loaded. Engines with a lock admit
    /// none.
    ///
    /// Errors: refused.
    fn still_alone(&self, target: &dyn backend::Target, options: &TransferOptions) -> Result<()> {
        running::check_still_alone(
            &target.sessions()?,
            "the target while it was loaded",
            &self.target.place.location(),
            options.consent.yes,
            "stop the server and whatever else uses the database",
        )
    }

    /// Reads the target back; returns the findings of the counter rules.
    fn verify(&self, expected: &[Expected], options: &TransferOptions) -> Result<Findings> {
        let version = self.version();
        let store = self.target.store(options)?;
        let total = expected.iter().map(|e| e.totals.key_bytes + e.totals.value_bytes).sum();
        let mut expected = expected.to_vec();
        // A target that was empty may hold only what was loaded.
        for subspace in version.subspaces.iter().filter(|_| self.version_record.is_some()) {
            if store.table(subspace).is_some()
                && !expected.iter().any(|e| e.subspace.letter == subspace.letter)
            {
                expected.push(read_back::empty(subspace));
            }
        }
        let progress = Progress::start(options.run.console.progress(), "verify", total);
        let mut counters = Counters::new(version);
        let compared = read_back::compare(&store, &expected, options.run, &progress, Some(&mut counters));
        compared.map_err(|error| explain(store.source(), error))?;
        if self.version_record.is_some() {
            read_back::no_side_tables(store.source(), version)?;
        }
        let mut findings = Findings::new();
        counters.check(&mut findings);
        Ok(findings)
    }
}

/// The last key up to which the target holds all records; `None` if it lacks the first one.
fn written_up_to(
    input: &Input,
    there: &Input,
    subspace: &'static Subspace,
    options: &TransferOptions,
    progress: &Progress,
) -> Result<Option<Vec<u8>>> {
    let record = catalog::schema_version_record();
    let (mut last, mut whole, mut bytes, mut records) = (None::<Vec<u8>>, true, 0, 0);
    merge_join::compare(
        [input, there],
        subspace,
        options.run.budget.page_bytes(),
        &options.run.stop,
        |pair| {
            records += 1;
            bytes += (pair.key.len() + pair.left.map_or(0, |value| value.length())) as u64;
            if bytes > 1 << 20 {
                progress.add(records, bytes);
                (records, bytes) = (0, 0);
            }
            // The record is written last, so its absence is no gap in the others.
            let awaited = subspace.letter == record.letter && pair.key == record.key && pair.right.is_none();
            match (pair.left, pair.right) {
                (_, None) if awaited => {}
                (Some(_), None) => whole = false,
                _ if !pair.equal() => return Err(changed(subspace, pair.key)),
                _ if whole => {
                    let last = last.get_or_insert_default();
                    last.clear();
                    last.extend_from_slice(pair.key);
                }
                _ => {}
            }
            Ok(())
        },
    )?;
    Ok(last)
}

fn changed(subspace: &'static Subspace, key: &[u8]) -> Error {
    Error::refused("cannot go on: the target holds what the interrupted run has not written")
        .with("subspace", subspace.to_string())
        .with("key", hex(key))
        .with("decoded", subspace.describe(key))
        .help("was a server started on it? empty it, with --wipe-target, and start without --resume")
}

fn incomplete(error: Error, resumable: bool) -> Error {
    let help = if !resumable {
        "the target is incomplete: do not start the server on it; empty it with --wipe-target and start again"
    } else if error.kind() == ErrorKind::Findings {
        "the target is incomplete: do not start the server on it; keep every record nevertheless with the same \
         command, --resume and no --strict, or empty it with --wipe-target and start again"
    } else {
        "the target is incomplete: do not start the server on it; go on with the same command and --resume, \
         or empty it with --wipe-target and start again"
    };
    error.help(help)
}
