//! The target of an import or a copy: its stores, found fit to be written, and how they are opened.
//!
//! Says what may have to go from it; writes nothing but what an unfinished load has left beyond repair.

use std::path::{Path, PathBuf};

use crate::backend::hold::Mode;
use crate::backend::memory::Memory;
use crate::backend::routed::{BlobTables, RoutedSource, RoutedTarget};
use crate::backend::{self, Limits, Source};
use crate::base::error::{Error, ErrorKind, Result};
use crate::catalog::{BackendKind, SchemaVersion, Subspace, Table, ValueKind};
use crate::config::StoreConfig;
use crate::open::backends::{self, Held};
use crate::open::installation::Place;
use crate::open::running;
use crate::open::shapes;
use crate::records::blob::BlobRule;
use crate::records::gaps;
use crate::records::store::Store;
use crate::run::preflight::Preflight;
use crate::run::resume::{StateFile, anonymous};
use crate::target::blob_placement::Destination;
use crate::target::load::{Loaded, Part};
use crate::target::state::{self, Clearing, Extent};
use crate::target::transfer::Options;

/// How long the sessions of a killed run may take to end, in seconds.
const ENDING: u64 = 30;

/// Which of the stores of a target are there.
#[derive(Debug, Clone, Copy)]
struct Exists {
    data: bool,
    blobs: bool,
}

/// A target that was found fit to be written.
pub struct Target {
    pub(super) place: Place,
    pub(super) kind: BackendKind,
    version: &'static SchemaVersion,
    // Whether there is anything in the data store and in the blob store.
    exists: Exists,
    // What changes with the data store, where its engine can tell.
    fingerprint: Option<String>,
    // Whether an unfinished load has left data store or blob store so that it cannot be opened.
    pub(super) ruined: bool,
    // Where the server will look for blobs that are not loaded.
    untouched: Option<StoreConfig>,
    limits: Limits,
    /// Where the state of a run into it is kept.
    pub state: PathBuf,
    /// What the administrator has to know after the load.
    pub advice: Vec<String>,
}

/// What was decided about a target before it was locked.
pub(super) struct Planned<'a> {
    /// What has to go.
    pub clearing: &'a Clearing,
    /// What is loaded.
    pub parts: &'a [Part],
    /// Whether that is all that a store has.
    pub whole: bool,
    /// Whether everything is emptied.
    pub everything: bool,
}

/// Whether nobody has an embedded store open.
fn free(store: &StoreConfig) -> Result<String> {
    match running::holder(&store.kind) {
        None => Ok("nobody has it open".to_string()),
        Some(holder) => Err(Error::refused("a server is running on the target")
            .with("store", store.location())
            .with("locked by", holder.describe())
            .next("stop the server and try again")),
    }
}

/// Whether a store is one that an unfinished load has left so that it cannot be opened.
///
/// Errors: refused if it is, and this run was not told to go on or to begin again.
fn ruined(store: &StoreConfig, options: &Options) -> Result<bool> {
    match backends::ruined(store) {
        true if !options.resume && !options.wipe => Err(left_damaged(&store.location())
            .next("repeat the command with --resume, or begin again with --wipe-target")),
        ruined => Ok(ruined),
    }
}

fn left_damaged(store: &str) -> Error {
    Error::refused("an unfinished import has left the target damaged: it cannot be opened")
        .with("store", store)
}

/// The error of going on with what has not begun.
pub(super) fn nothing_to_resume(state: &Path) -> Error {
    Error::refused("there is no interrupted run to go on with")
        .with("path", state.display().to_string())
        .next("name its state with --state if it was kept elsewhere, or start without --resume")
}

/// Refuses to resume where no run has left its state, or the run is still at work.
///
/// Errors: refused.
fn something_to_resume(path: &Path, options: &Options) -> Result<()> {
    if !options.resume {
        return Ok(());
    }
    if path.exists() {
        return StateFile::at_rest(path);
    }
    Err(nothing_to_resume(path))
}

impl Target {
    /// Looks at the stores of a configuration: is a server running on them, are others connected? `decide` says
    /// where blobs go, by the data store as it is now; `state` where the state of a run is kept usually, by
    /// digits that are others for each target.
    pub fn open(
        data: StoreConfig,
        version: &'static SchemaVersion,
        decide: impl FnOnce(StoreConfig, Option<&dyn Source>) -> Result<Destination>,
        state: impl FnOnce(&str) -> PathBuf,
        preflight: &mut Preflight,
        options: &Options,
    ) -> Result<Target> {
        let kind = data.kind.backend().ok_or_else(|| {
            Error::usage("this store cannot be a data store").with("store", data.id.clone())
        })?;
        preflight.check_unless_dry("target not in use", free(&data))?;
        let ruined = ruined(&data, options)?;
        let exists = backends::exists(&data)? && !ruined;
        let now = exists.then(|| backends::source(&data, &options.run.budget)).transpose()?;
        if let Some(now) = &now {
            shapes::check_version_table(now.as_ref(), &data.location())?;
            // Before anything is decided by what is in it.
            gaps::none_hidden(&gaps::find(now.as_ref(), version)?, &data.location())?;
        }
        let fingerprint = now.as_ref().map(|now| now.fingerprint()).transpose()?.flatten();
        let Destination { place, untouched, advice } = decide(data, now.as_deref())?;
        drop(now);
        let usual = || state(&anonymous(&place.location()));
        let state = options.state.map_or_else(usual, Path::to_path_buf);
        something_to_resume(&state, options)?;
        if let (Some(blobs), Some(subspace), false) = (&untouched, version.blobs(), options.no_verify) {
            // It is asked for names afterwards; whether it answers is seen now.
            let (source, table) = backends::blob_source(blobs, subspace, kind, &options.run.budget, false)?;
            if let Some(hidden) = source.unreadable(&[table])?.into_iter().find(|found| !found.absent) {
                return Err(Error::refused("the blobs that the links name cannot be looked for")
                    .with("blob store", blobs.location())
                    .with("table", hidden.table)
                    .because(hidden.why)
                    .next(format!("{}; --no-verify does not look for them", hidden.next)));
            }
        }
        let limits = Limits::default();
        let exists = Exists { data: exists, blobs: false };
        let mut target =
            Target { place, kind, version, exists, fingerprint, ruined, untouched, limits, state, advice };
        if let Some(blobs) = &target.place.blobs {
            preflight.check_unless_dry("blob store not in use", free(blobs))?;
            target.exists.blobs = backends::exists(blobs)?;
            target.ruined |= self::ruined(blobs, options)?;
        }
        if target.ruined {
            let what = "an unfinished import has left it damaged; it will be removed and begun again";
            preflight.warn("target", what.to_string());
        }
        if target.exists() {
            let source = target.source(options)?;
            let agreed = options.consent.dry_run || options.consent.yes;
            let mut sessions = source.sessions()?;
            let begin = std::time::Instant::now();
            // The server ends the sessions of a killed run only when it notices, or has rolled them back.
            while options.resume && !sessions.others.is_empty() && begin.elapsed().as_secs() < ENDING {
                options.run.stop.sleep(std::time::Duration::from_millis(500))?;
                sessions = source.sessions()?;
            }
            running::check_sessions(&sessions, &target.place.location(), agreed, &options.run.console)?;
            shapes::check_target(source.as_ref(), version, &target.place.location(), preflight)?;
            target.limits = source.limits()?;
            let place = target.place.location();
            let hidden = gaps::none_hidden(&gaps::find(source.as_ref(), version)?, &place);
            let writable = hidden.and_then(|()| source.writable(&backends::tables(version, kind)));
            preflight.check("target writable", writable, |()| {
                "its tables can be written, and those created that are missing".to_string()
            })?;
        }
        preflight.pass("target", format!("{} at {}", kind.title(), target.place.location()));
        Ok(target)
    }

    /// The engine.
    pub fn kind(&self) -> BackendKind {
        self.kind
    }

    /// How the configuration describes it.
    pub fn place(&self) -> &Place {
        &self.place
    }

    fn exists(&self) -> bool {
        self.exists.data || self.exists.blobs
    }

    /// What the database can take in one go.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// How it stores blobs.
    pub fn rule(&self) -> BlobRule {
        self.place.blob_rule(self.version)
    }

    /// Subspaces with the tables whose limits their records must keep.
    pub fn tables(&self, parts: &[Part]) -> Result<Vec<(&'static Subspace, &'static Table)>> {
        let mut tables = Vec::with_capacity(parts.len());
        for part in parts {
            match &self.place.blobs {
                Some(blobs) if part.subspace.value == ValueKind::Blob => {
                    let theirs = backends::blob_tables(blobs, part.subspace)?;
                    tables.extend(theirs.into_iter().map(|table| (part.subspace, table)));
                }
                _ => tables.push((part.subspace, part.table)),
            }
        }
        Ok(tables)
    }

    /// The target as it is now; a store that is not there yet is an empty one.
    fn source(&self, options: &Options) -> Result<Box<dyn Source>> {
        let data: Box<dyn Source> = match self.exists.data {
            true => backends::source(&self.place.data, &options.run.budget)?,
            false => Box::new(Memory::new(self.kind)),
        };
        self.with_blobs(data, options)
    }

    /// The data store as a source with the blob store, where that is another one.
    fn with_blobs(&self, data: Box<dyn Source>, options: &Options) -> Result<Box<dyn Source>> {
        let (Some(blobs), Some(subspace)) = (&self.place.blobs, self.version.blobs()) else {
            return Ok(data);
        };
        let unused = backends::blob_table(subspace, self.kind)?;
        let (source, used) = backends::blobs_before(blobs, subspace, self.kind, &options.run.budget)?;
        Ok(Box::new(RoutedSource::new(data, source, BlobTables { unused, used })))
    }

    /// Opens the target for writing, which locks it, and looks at it again: it must be what it was when everything
    /// was decided, and `planned` found once more.
    ///
    /// Errors: refused if it is not, or if it is in use; nothing of it is changed then.
    pub(super) fn lock(
        &self,
        planned: Option<Planned>,
        held: &mut Held,
        options: &Options,
    ) -> Result<Box<dyn backend::Target>> {
        let changed = |why: String| {
            Err(Error::refused("the target has changed since it was looked at")
                .with("store", self.place.location())
                .because(why)
                .next("stop the server and every other program that uses it, then start again"))
        };
        // Before it is opened: opening an embedded store recovers what is in it.
        let data = &self.place.data;
        let exists = backends::exists(data)? && !(self.ruined && backends::ruined(data));
        if exists != self.exists.data {
            return changed(
                if exists { "there is a store now" } else { "there is no store now" }.to_string(),
            );
        }
        if self.fingerprint.is_some()
            && backends::source(data, &options.run.budget)?.fingerprint()? != self.fingerprint
        {
            return changed("something was written to it".to_string());
        }
        let writer = self.writer(options)?;
        if !(self.exists.data && self.exists.blobs) {
            // A look makes what was not there, and so could not be held: it is held before it is looked at for good.
            drop(writer.look()?);
            held.add_new(data, Mode::Exclusive)?;
            self.place.blobs.iter().try_for_each(|blobs| held.add_new(blobs, Mode::Exclusive))?;
        }
        let Some(Planned { clearing, parts, whole, everything }) = planned else { return Ok(writer) };
        if !options.consent.yes {
            running::check_sessions(
                &writer.sessions()?,
                &self.place.location(),
                false,
                &options.run.console,
            )?;
        }
        let source = writer.look()?;
        match self.decide(source.as_ref(), parts, whole, everything, options) {
            Ok(now) if now == *clearing => Ok(writer),
            Ok(now) if now.is_empty() => changed("there is nothing to be cleared any more".to_string()),
            Ok(now) => changed(format!("to be cleared now: {}", now.describe())),
            Err(error) if error.kind() == ErrorKind::Refused => changed(error.to_string()),
            Err(error) => Err(error),
        }
    }

    /// The target for writing, created where it is not there.
    fn writer(&self, options: &Options) -> Result<Box<dyn backend::Target>> {
        if self.ruined {
            backends::discard_ruined(&self.place.data)?;
            self.place.blobs.iter().try_for_each(backends::discard_ruined)?;
        }
        let data = backends::target(&self.place.data, self.version, &options.run.budget)?;
        let (Some(blobs), Some(subspace)) = (&self.place.blobs, self.version.blobs()) else {
            return Ok(data);
        };
        let unused = backends::blob_table(subspace, self.kind)?;
        let (target, used) =
            backends::blob_target(blobs, subspace, self.kind, self.version, &options.run.budget)?;
        Ok(Box::new(RoutedTarget::new(data, target, BlobTables { unused, used })))
    }

    /// Holds what is there of the target alone, so that no other run reads or writes it meanwhile.
    ///
    /// Errors: refused if another run has it.
    pub(super) fn hold(&self) -> Result<Held> {
        let mut held = backends::hold(&self.place.data, Mode::Exclusive)?;
        self.place.blobs.iter().try_for_each(|blobs| held.add(blobs, Mode::Exclusive))?;
        Ok(held)
    }

    /// The target as it has become, everything in it.
    pub(super) fn store(&self, options: &Options) -> Result<Store> {
        self.store_at(self.place.clone(), None, options)
    }

    fn store_at(&self, place: Place, data: Option<Box<dyn Source>>, options: &Options) -> Result<Store> {
        let filled = Target {
            place,
            kind: self.kind,
            version: self.version,
            exists: Exists { data: true, blobs: true },
            fingerprint: None,
            ruined: false,
            untouched: None,
            limits: Limits::default(),
            state: PathBuf::new(),
            advice: Vec::new(),
        };
        let source = match data {
            Some(data) => filled.with_blobs(data, options)?,
            None => filled.source(options)?,
        };
        // What a run has not created yet is empty.
        Ok(Store::open(source, self.version, self.rule())?.past_absent())
    }

    /// Looks for blobs that were not loaded, by the names that loaded links have for them.
    /// The data store is `data`, if it is still locked.
    pub(super) fn find_blobs(
        &self,
        loaded: &mut Loaded,
        data: Option<Box<dyn Source>>,
        options: &Options,
    ) -> Result<()> {
        let Some(blobs) = self.version.blobs().filter(|_| loaded.unmatched.lack_blobs()) else {
            return Ok(());
        };
        let mut sides = std::mem::take(&mut loaded.unmatched);
        let place = Place { blobs: self.untouched.clone(), ..self.place.clone() };
        let names = self.store_at(place, data, options)?.blob_names(
            blobs,
            &std::env::temp_dir(),
            &options.run.stop,
        )?;
        sides.add(blobs, Some(names));
        loaded.audit = sides.audit(&mut loaded.findings)?;
        Ok(())
    }

    /// Tables beside the subspaces that have rows, where everything is loaded.
    ///
    /// Errors: refused if there are any: comparing records does not show them.
    pub(super) fn check_side_tables(&self, whole: bool, options: &Options) -> Result<()> {
        match whole && self.exists() {
            true => state::check_side_tables(self.source(options)?.as_ref(), self.version)
                .map_err(|error| error.with("store", self.place.location())),
            false => Ok(()),
        }
    }

    /// What to say at the end about tables beside the subspaces: those among the emptied ones, or those that stay
    /// because only a part of a database is loaded.
    pub(super) fn side_tables_advice(
        &self,
        whole: bool,
        emptied: &[&str],
        options: &Options,
    ) -> Result<Option<String>> {
        if !self.exists() || self.version.side_tables(self.kind).next().is_none() {
            return Ok(None);
        }
        let side = match whole {
            true => {
                let side = self.version.side_tables(self.kind);
                side.filter(|side| emptied.contains(&side.table.name)).collect()
            }
            false => state::filled_side_tables(self.source(options)?.as_ref(), self.version)?,
        };
        let names: Vec<&str> = side.iter().map(|side| side.table.name).collect();
        let what = match (names.is_empty(), whole) {
            (true, _) => return Ok(None),
            (_, true) => "were emptied: they were made of the records that were there before",
            (_, false) => "were left as they are, for only a part of a database was loaded",
        };
        Ok(Some(format!("the tables {} {what}; let the server re-index its search", names.join(", "))))
    }

    /// This target, read through `source`, as a store.
    pub(super) fn as_store(&self, source: Box<dyn Source>) -> Result<Store> {
        Ok(Store::open(source, self.version, self.rule())?.past_absent())
    }

    /// Decides what has to go from the target before it is loaded.
    pub(super) fn clearing(
        &self,
        parts: &[Part],
        whole: bool,
        everything: bool,
        options: &Options,
    ) -> Result<Clearing> {
        if self.ruined && !whole {
            // It may hold what is not loaded again.
            return Err(left_damaged(&self.place.location())
                .because("what is to be loaded is not all that a store has, so it cannot be begun again")
                .next("restore it from a backup, or export what can still be read with --salvage"));
        }
        if !self.exists() {
            return match whole {
                true => Ok(Clearing::default()),
                false => Err(Error::refused(
                    "there is no schema-version record in what is to be loaded, and the target is empty",
                )
                .next(format!(
                    "start the server ({}) once on the target, stop it, and import then",
                    self.version.releases
                ))),
            };
        }
        let source = self.source(options)?;
        let found = self.decide(source.as_ref(), parts, whole, everything, options)?;
        let alone = state::left_alone(source.as_ref(), self.version)?;
        if !alone.is_empty() {
            options.run.console.say(format!("left alone: tables {}", alone.join(", ")));
        }
        Ok(found)
    }

    fn decide(
        &self,
        source: &dyn Source,
        parts: &[Part],
        whole: bool,
        everything: bool,
        options: &Options,
    ) -> Result<Clearing> {
        let subspaces: Vec<&'static Subspace> = parts.iter().map(|part| part.subspace).collect();
        let extent = if whole { Extent::Everything } else { Extent::Only(&subspaces) };
        let found = match everything {
            true => state::wipe(source, self.version, extent),
            false => state::check(source, self.version, extent, options.consent.yes),
        };
        found.map_err(|error| error.with("store", self.place.location()))
    }
}
