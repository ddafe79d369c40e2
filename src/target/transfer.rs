//! What import and copy share: a target that is checked, emptied of what a first start has left, loaded, and
//! read back.
//!
//! Everything that can refuse does so before the first write. Where the records come from is decided before;
//! a run that was interrupted goes on where the target shows that it ended.

use std::io::IsTerminal;
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::backend;
use crate::backend::meanwhile::explain;
use crate::base::error::{Error, ErrorKind, Result};
use crate::base::finding::Findings;
use crate::base::hex::hex;
use crate::catalog::{self, BackendKind, SchemaVersion, Subspace, Table};
use crate::open::backends;
use crate::open::installation::BlobChoice;
use crate::open::overlap::Side;
use crate::open::unchanged::Watched;
use crate::records::counters::Counters;
use crate::records::input::Origin;
use crate::records::merge_join;
use crate::records::pipeline::in_parallel;
use crate::records::store::Store;
use crate::run::console;
use crate::run::preflight::Preflight;
use crate::run::progress::Progress;
use crate::run::resume::{self, StateFile};
use crate::run::strict::Strict;
use crate::run::{Consent, Run};
use crate::target::backup::Saving;
use crate::target::load::{Load, Loaded, Part};
use crate::target::owner::Owner;
use crate::target::read_back::{self, Expected};
use crate::target::state::{self, Clearing};

mod emptying;
mod target;

use emptying::{Emptying, Pending};

use target::Planned;
pub use target::Target;

/// How a target is treated.
#[derive(Clone)]
pub struct Options<'a> {
    /// What the user lets the run do.
    pub consent: Consent,
    /// Do not read the target back.
    pub no_verify: bool,
    /// Findings are fatal.
    pub strict: Strict,
    /// Go on with an interrupted run.
    pub resume: bool,
    /// Empty the target first.
    pub wipe: bool,
    /// What the user has said about the blob store of the target.
    pub blobs: BlobChoice<'a>,
    /// Where the state of the run is kept, if not at the usual place.
    pub state: Option<&'a Path>,
    /// Who the files of the target shall belong to.
    pub owner: Option<&'a Owner>,
    /// The file of the end report, beside which rows are set aside.
    pub report: Option<&'a Path>,
    /// Threads, memory, console, and the request to end.
    pub run: &'a Run,
}

/// Everything that is decided before the first write.
pub struct Transfer<'a> {
    /// Where the records come from.
    pub origin: Origin<'a>,
    /// Where they go.
    pub target: Target,
    /// The subspaces to load.
    pub parts: Vec<Part>,
    /// Subspaces that stay behind, with the reason.
    pub left_out: Vec<(char, String)>,
    /// A store that the records come from, which must stay as it was found.
    pub watched: Option<(Watched, &'a Store)>,
    clearing: Clearing,
    // Whether that is all that the target holds.
    everything: bool,
    // Whether an interrupted run has begun to fill the target.
    begun: bool,
    // What an interrupted run says about emptying the target.
    left: Emptying,
    version_record: Option<Vec<u8>>,
    total: u64,
}

/// What a transfer has done.
pub struct Transferred {
    /// What was loaded.
    pub loaded: Loaded,
    /// Whether the target was read back and compared.
    pub verified: bool,
}

/// Which subspaces are loaded.
pub struct Places {
    /// Those to load.
    pub parts: Vec<Part>,
    /// The others, with the reason.
    pub left_out: Vec<(char, String)>,
}

/// The subspaces of `held` that were selected and have a place in the target, and the others with the reason.
///
/// Errors: refused if the target has no place for one that is not derived data.
pub fn places(
    held: &[&'static Subspace],
    selected: &[&'static Subspace],
    kind: BackendKind,
) -> Result<Places> {
    let (mut parts, mut left_out) = (Vec::new(), Vec::new());
    for subspace in held.iter().copied() {
        if !selected.iter().any(|s| s.letter == subspace.letter) {
            left_out.push((subspace.letter, "not selected".to_string()));
            continue;
        }
        match subspace.table(kind) {
            Ok(table) => parts.push(Part { subspace, table, after: None, stated: None }),
            Err(why) if subspace.derived => left_out.push((subspace.letter, why.to_string())),
            Err(why) => {
                return Err(Error::refused("the target has no place for a subspace")
                    .with("subspace", format!("{} ({})", subspace.letter, subspace.name))
                    .because(why.to_string())
                    .next(format!("leave it out with --exclude {}", subspace.letter)));
            }
        }
    }
    Ok(Places { parts, left_out })
}

/// The files that a run writes beside its target: its state, if that does not lie in the dump as usual, and what
/// keeps replaced rows.
pub fn files(options: &Options, state: Option<PathBuf>) -> Side {
    let state = state.map(|path| ("state of the run", "--state", path));
    let replaced = ("file for replaced rows", "--report", crate::target::backup::place(options.report, 1));
    Side::files(&state.into_iter().chain([replaced]).collect::<Vec<_>>())
}

impl<'a> Transfer<'a> {
    /// Checks the target against what is to be loaded.
    pub fn prepare(
        origin: Origin<'a>,
        mut target: Target,
        Places { parts, left_out }: Places,
        preflight: &mut Preflight,
        options: &Options,
    ) -> Result<Option<Transfer<'a>>> {
        let version = origin.version();
        let subspaces: Vec<&'static Subspace> = parts.iter().map(|part| part.subspace).collect();
        let record = origin.version_record(&subspaces);
        let Some(version_record) =
            preflight.check("schema-version record", record, |record| match record {
                Some(_) => format!("{} ({})", version.number, version.releases),
                None => "not part of what is loaded: the target's own stays".to_string(),
            })?
        else {
            return Ok(None);
        };
        let whole = version_record.is_some();
        let left = match options.resume {
            true => Emptying::of_interrupted(&target.state)?.unwrap_or_default(),
            false => Emptying::default(),
        };
        // An interrupted run has emptied its target once.
        let everything = match options.resume {
            true => left.pending == Some(Pending::Everything),
            false => options.wipe,
        };
        let clearing = match target.clearing(&parts, whole, everything, options) {
            Err(error) if error.kind() == ErrorKind::Refused && options.resume => match left.pending {
                // Then the target itself says how far the interrupted run came.
                None => target.check_side_tables(whole, options).map(|()| None),
                Some(_) => Err(error.next(
                    "the interrupted run had written nothing yet, so something else has filled the target",
                )),
            },
            Err(error) if error.kind() == ErrorKind::Refused && target.state.exists() => Err(error.next(
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
        let total = subspaces.iter().map(|s| origin.size(s)).sum::<Result<u64>>()?;
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
            origin,
            target,
            parts,
            left_out,
            watched: None,
            clearing: Clearing::default(),
            everything,
            begun: false,
            left,
            version_record,
            total,
        };
        match clearing {
            Some(clearing) => transfer.clearing = clearing,
            None => transfer.begun = true,
        }
        Ok(Some(transfer))
    }

    /// Leaves out the values of these subspaces that no server can use and the target has no place for.
    pub fn leave_out_unusable(&mut self, subspaces: &[&'static Subspace]) {
        if subspaces.is_empty() {
            return;
        }
        self.origin.leave_out_unusable(subspaces);
        let affected = |part: &&mut Part| subspaces.iter().any(|s| s.letter == part.subspace.letter);
        // What a manifest states is no longer what the target will hold.
        self.parts.iter_mut().filter(affected).for_each(|part| part.stated = None);
    }

    /// The schema version of what is loaded.
    pub fn version(&self) -> &'static SchemaVersion {
        self.origin.version()
    }

    /// About how many bytes are loaded.
    pub fn total(&self) -> u64 {
        self.total
    }

    /// What goes from the target before it is loaded.
    pub fn clearing(&self) -> &Clearing {
        &self.clearing
    }

    /// Asks before a target is emptied, unless agreed to.
    ///
    /// Errors: refused if nobody agrees.
    fn confirm_wipe(&self, options: &Options) -> Result<()> {
        let ruined = self.target.ruined && options.wipe;
        if (!self.everything || self.clearing.is_empty()) && !ruined {
            return Ok(());
        }
        let place = self.target.place.location();
        let ruined = ruined.then(|| "what an unfinished import has left damaged".to_string());
        let cleared = Some(self.clearing.describe()).filter(|_| !self.clearing.is_empty());
        let what = ruined.into_iter().chain(cleared).collect::<Vec<_>>().join(", ");
        options.run.console.warn(format!("--wipe-target destroys in {place}: {what}"));
        let refused = |what: &str| {
            Err(Error::refused(what)
                .with("store", place.clone())
                .next("repeat with --yes, or type `wipe` when asked, if nothing in it is needed"))
        };
        if options.consent.yes {
            return Ok(());
        }
        if !std::io::stdin().is_terminal() {
            return refused("--wipe-target destroys what is in the target, and nobody is there to agree");
        }
        match console::ask("type `wipe` to destroy it:", &options.run.stop)?.trim() {
            "wipe" => Ok(()),
            _ => refused("the target was not emptied: that was not agreed to"),
        }
    }

    /// Finds how far an interrupted run came, if there was one: everything up to that key is in the target as it
    /// should be. For a dry run, which changes nothing: what a killed writer has left is not recovered.
    ///
    /// Errors: refused if the target holds anything else.
    pub fn find_progress(&mut self, options: &Options) -> Result<()> {
        if !self.begun {
            return Ok(());
        }
        let there = self.target.store(options)?;
        self.compare(&Origin::store(&there), options)
    }

    /// As [`Transfer::find_progress`], in a target that is seen as `there`.
    fn compare(&mut self, there: &Origin, options: &Options) -> Result<()> {
        let version = self.version();
        let progress = Progress::start(options.run.console.progress(), "compare", self.total);
        let after = in_parallel(options.run.budget.jobs, &self.parts, |part| {
            written_up_to(&self.origin, there, part.subspace, options, &progress)
        })?;
        self.parts.iter_mut().zip(after).for_each(|(part, after)| part.after = after);
        // What is not loaded must not have come meanwhile.
        for subspace in version.subspaces.iter().filter(|_| self.version_record.is_some()) {
            if !self.parts.iter().any(|part| part.subspace.letter == subspace.letter) {
                merge_join::compare([there, there], subspace, 1 << 16, &options.run.stop, |pair| {
                    Err(changed(subspace, pair.key))
                })?;
            }
        }
        Ok(())
    }

    /// Goes on with the run that `state` is about, or begins it: writes the target and reads it back.
    ///
    /// Errors: refused (nothing was written), I/O and interrupted (the target is incomplete and says so), damaged (verification failed).
    pub fn run<S: Serialize + DeserializeOwned + PartialEq + Clone>(
        &mut self,
        state: &State<S>,
        options: &Options,
    ) -> Result<Transferred> {
        // Given up after everything else: closing a file gives up the locks of its engine, too.
        let mut exclusive = self.target.hold()?;
        let held = if options.resume { Some(state.open(&self.target.state)?) } else { None };
        let before = self.left.saved();
        let saving =
            Saving::plan(&self.origin, &self.parts, &self.clearing, options.report, before.as_deref())?;
        self.confirm_wipe(options)?;
        // Nothing was created yet, and after a signal nothing is.
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
        let half_filled = |error: Error| half_filled(error, resumable);
        let version = self.version();
        let locked =
            options.run.stop.check().and_then(|()| self.target.lock(self.planned(), &mut exclusive, options));
        let ready = locked.and_then(|target| {
            if self.begun {
                let there = self.target.as_store(target.look()?)?;
                if self.version_record.is_some() {
                    state::check_side_tables(there.source(), version)?;
                }
                self.compare(&Origin::store(&there), options)?;
            }
            options.run.stop.check()?;
            if let Some(saving) = &saving {
                saving.save(&options.run.console)?;
            }
            // Tables first: nothing is lost if that is not allowed.
            target.create(&backends::tables(version, target.kind()))?;
            Ok(target)
        });
        let target = match ready {
            Ok(target) => target,
            Err(error) => {
                // Nothing was changed that a next try would mind.
                held.filter(|_| !options.resume).map_or(Ok(()), StateFile::remove)?;
                return Err(error);
            }
        };
        emptying::clear(target.as_ref(), &self.clearing).map_err(half_filled)?;
        if let Some(held) = &mut held
            && emptying.pending.is_some()
        {
            held.replace(&state.with(&emptying.done())).map_err(half_filled)?;
        }
        let loaded = {
            let progress = Progress::start(options.run.console.progress(), "import", self.total);
            let load = Load {
                origin: &self.origin,
                parts: &self.parts,
                rule: self.target.rule(),
                version_record: self.version_record.clone(),
                run: options.run,
                strict: options.strict,
                progress: &progress,
            };
            let mut loaded = load.run(target.as_ref()).map_err(half_filled)?;
            if options.strict.is_on() && !options.no_verify && loaded.unmatched.lack_blobs() {
                // Blobs that are not loaded are looked for before the target looks complete, not afterwards.
                let data = target.look().map_err(half_filled)?;
                self.target.find_blobs(&mut loaded, Some(data), options).map_err(half_filled)?;
            }
            options.strict.check(&loaded.findings).map_err(half_filled)?;
            self.still_alone(target.as_ref(), options).map_err(half_filled)?;
            if let Some((watched, store)) = &self.watched {
                watched.check(store.source()).map_err(half_filled)?;
            }
            load.seal(target.as_ref()).map_err(half_filled)?;
            loaded
        };
        // Gives up the lock, so that the store can be read back.
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

    /// What was decided about the target, to be found again under its lock; nothing if an interrupted run has begun
    /// to fill it: then its records are compared.
    fn planned(&self) -> Option<Planned<'_>> {
        (!self.begun).then(|| Planned {
            clearing: &self.clearing,
            parts: &self.parts,
            whole: self.version_record.is_some(),
            everything: self.everything,
        })
    }

    /// Whether nothing else has come to the target while it was loaded. Engines with a lock let nothing in.
    ///
    /// Errors: refused.
    fn still_alone(&self, target: &dyn backend::Target, options: &Options) -> Result<()> {
        let sessions = target.sessions()?;
        if sessions.others.is_empty() || options.consent.yes {
            return Ok(());
        }
        Err(Error::refused("others have connected to the target while it was loaded, most likely a server")
            .with("store", self.target.place.location())
            .with("sessions", sessions.others.join(", "))
            .next("stop the server and whatever else uses the database"))
    }

    /// Reads the target back; returns what the counter rules have found.
    fn verify(&self, expected: &[Expected], options: &Options) -> Result<Findings> {
        let version = self.version();
        let store = self.target.store(options)?;
        let total = expected.iter().map(|e| e.totals.key_bytes + e.totals.value_bytes).sum();
        let mut expected = expected.to_vec();
        // Nothing but what was loaded may be in a target that was empty.
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

/// What a run was about: nothing else can be continued.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct State<S> {
    command: String,
    tool_version: String,
    target: String,
    subspaces: String,
    /// What the records come from.
    pub from: S,
    #[serde(default)]
    emptying: Emptying,
}

impl<S: Serialize + DeserializeOwned + PartialEq> State<S> {
    /// The state of a transfer of `parts` into `target`.
    pub fn new(command: &str, target: &Target, parts: &[Part], from: S) -> Self {
        let mut letters: Vec<char> = parts.iter().map(|part| part.subspace.letter).collect();
        letters.sort_unstable();
        State {
            command: command.to_string(),
            tool_version: env!("CARGO_PKG_VERSION").to_string(),
            target: resume::anonymous(&target.place.location()),
            subspaces: letters.into_iter().collect(),
            from,
            emptying: Emptying::default(),
        }
    }

    /// The same run, when it has come to these steps.
    fn with(&self, emptying: &Emptying) -> Self
    where
        S: Clone,
    {
        State {
            command: self.command.clone(),
            tool_version: self.tool_version.clone(),
            target: self.target.clone(),
            subspaces: self.subspaces.clone(),
            from: self.from.clone(),
            emptying: emptying.clone(),
        }
    }

    /// Opens the state that an interrupted run has left at `path`.
    ///
    /// Errors: refused if there is none, or if it is about something else.
    pub fn open(&self, path: &Path) -> Result<StateFile> {
        let place = |error: Error| error.with("path", path.display().to_string());
        let Some((file, before)) = StateFile::open::<State<S>>(path)? else {
            return Err(target::nothing_to_resume(path));
        };
        let differs = [
            (before.command != self.command, "the state is that of another command"),
            (before.tool_version != self.tool_version, "another release of this tool has begun the run"),
            (before.target != self.target, "the run had another target"),
            (
                before.from != self.from,
                "what the records come from has changed since the run was interrupted",
            ),
            (before.subspaces != self.subspaces, "the run was about other subspaces"),
        ];
        match differs.into_iter().find_map(|(differs, what)| differs.then_some(what)) {
            None => Ok(file),
            Some(what) => Err(place(Error::refused(format!("cannot go on: {what}")))
                .next("empty the target, with --wipe-target, and start without --resume")),
        }
    }
}

/// Writes the state; a place that cannot be written is no reason to refuse unless the user has named it.
fn begin<S: Serialize + DeserializeOwned + PartialEq>(
    path: &Path,
    state: &State<S>,
    options: &Options,
) -> Result<Option<StateFile>> {
    let written = match StateFile::open::<State<S>>(path) {
        // A run that was not resumed is given up: its target is empty again, or this one would have been refused.
        // Its state stands until this one does: a target that may be unfinished is never without.
        Ok(Some((mut old, _))) => match old.replace(state) {
            Ok(()) => Ok(old),
            Err(error) if error.kind() == ErrorKind::Io => old.remove().and(Err(error)),
            Err(error) => Err(error),
        },
        _ => StateFile::create(path, state),
    };
    match written {
        Ok(file) => Ok(Some(file)),
        Err(error) if options.state.is_none() && error.kind() == ErrorKind::Io => {
            options.run.console.warn(format!("{error}; if this run is interrupted it cannot be resumed"));
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

/// The last key up to which the target holds everything; nothing if it lacks the first one.
fn written_up_to(
    origin: &Origin,
    there: &Origin,
    subspace: &'static Subspace,
    options: &Options,
    progress: &Progress,
) -> Result<Option<Vec<u8>>> {
    let record = catalog::schema_version_record();
    let (mut last, mut whole, mut bytes, mut records) = (None::<Vec<u8>>, true, 0, 0);
    merge_join::compare(
        [origin, there],
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
            // Written last, so its absence says nothing about the others.
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
            Ok(true)
        },
    )?;
    Ok(last)
}

fn changed(subspace: &'static Subspace, key: &[u8]) -> Error {
    Error::refused("cannot go on: the target holds what the interrupted run has not written")
        .with("subspace", format!("{} ({})", subspace.letter, subspace.name))
        .with("key", hex(key))
        .with("decoded", subspace.describe(key))
        .next("was a server started on it? empty it, with --wipe-target, and start without --resume")
}

fn half_filled(error: Error, resumable: bool) -> Error {
    let findings = error.kind() == ErrorKind::Findings;
    error.next(match resumable {
        true if findings => {
            "the target is incomplete: do not start the server on it; keep every record nevertheless with the same \
             command, --resume and no --strict, or empty it with --wipe-target and start again"
        }
        true => {
            "the target is incomplete: do not start the server on it; go on with the same command and --resume, \
             or empty it with --wipe-target and start again"
        }
        false => {
            "the target is incomplete: do not start the server on it; empty it with --wipe-target and start again"
        }
    })
}

/// Tables and rows as few words, for a plan.
impl Clearing {
    /// Whether nothing has to go.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty() && self.tables.is_empty()
    }

    /// What has to go.
    pub fn describe(&self) -> String {
        let named = |table: &&Table| table.name.to_string();
        let rows = self.rows.iter().map(|(table, keys)| format!("{} rows of {}", keys.len(), named(table)));
        let tables = self.tables.iter().map(|table| format!("all of {}", named(table)));
        rows.chain(tables).collect::<Vec<_>>().join(", ")
    }
}
