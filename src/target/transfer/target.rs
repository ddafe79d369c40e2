//! The target of an import or a copy: its stores, checked before they are written, and opened.
//!
//! Decides what to clear; writes nothing, except that it removes a store that an unfinished load has left
//! partially written.

use std::path::{Path, PathBuf};

use crate::backend::hold::HoldMode;
use crate::backend::memory::Memory;
use crate::backend::routed::{BlobTables, RoutedSource, RoutedTarget};
use crate::backend::{self, Limits, Source};
use crate::base::error::{Error, ErrorKind, Result};
use crate::catalog::{BackendKind, SchemaVersion, Subspace, Table, ValueKind};
use crate::config::StoreConfig;
use crate::open::backends::{self, HeldStore};
use crate::open::installation::Installation;
use crate::open::running;
use crate::open::shapes;
use crate::records::blob::BlobRule;
use crate::records::gaps;
use crate::records::store::Store;
use crate::run::preflight::Preflight;
use crate::run::resume::{StateFile, anonymous};
use crate::target::blob_placement::Destination;
use crate::target::load::{LoadPart, Loaded};
use crate::target::state::{self, Clearing, Extent};
use crate::target::transfer::TransferOptions;

/// Seconds to wait for the sessions of a killed run to end.
const ENDING: u64 = 30;

/// Which of the stores of a target exist.
#[derive(Debug, Clone, Copy)]
struct Exists {
    data: bool,
    blobs: bool,
}

/// A target that has passed the checks for writing.
pub struct LoadTarget {
    pub(super) place: Installation,
    pub(super) kind: BackendKind,
    version: &'static SchemaVersion,
    // Whether the data store and the blob store exist.
    exists: Exists,
    // A value that changes with the data store, where its engine has one.
    fingerprint: Option<String>,
    // Whether data store or blob store are partially written by an unfinished load and cannot be opened.
    pub(super) partially_written: bool,
    // The blob store of the server, if blobs are not loaded.
    unchanged_blobs: Option<StoreConfig>,
    limits: Limits,
    /// Path of the state file of a run into it.
    pub state: PathBuf,
    /// Advice for the administrator after the load.
    pub advice: Vec<String>,
}

/// The decision about a target before it was locked.
pub(super) struct Planned<'a> {
    /// What to delete.
    pub clearing: &'a Clearing,
    /// The subspaces to load.
    pub parts: &'a [LoadPart],
    /// Whether they include the schema-version record, so that they make a whole store.
    pub whole: bool,
    /// Whether the target is emptied completely.
    pub everything: bool,
}

/// Checks that no other process has an embedded store open.
fn free(store: &StoreConfig) -> Result<String> {
    running::check_free(running::holder(&store.kind).as_ref(), "the target", &store.location())?;
    Ok("no other process has it open".to_string())
}

/// Whether an unfinished load has left a store partially written, so that it cannot be opened.
///
/// Errors: refused if so, unless the run resumes or wipes.
fn partially_written(store: &StoreConfig, options: &TransferOptions) -> Result<bool> {
    let partially_written = backends::partially_written(store);
    if partially_written && !options.resume && !options.wipe {
        return Err(left_damaged(&store.location())
            .help("repeat the command with --resume, or begin again with --wipe-target"));
    }
    Ok(partially_written)
}

fn left_damaged(store: &str) -> Error {
    Error::refused("an unfinished import has left the target damaged: it cannot be opened")
        .with("store", store)
}

/// The error for `--resume` without an interrupted run.
pub(super) fn nothing_to_resume(state: &Path) -> Error {
    Error::refused("there is no interrupted run to go on with")
        .with("path", state.display().to_string())
        .help("name its state with --state if it was kept elsewhere, or start without --resume")
}

/// Checks that there is an interrupted run to resume, if the run shall resume.
///
/// Errors: refused if there is no state file, or its run has not ended.
fn something_to_resume(path: &Path, options: &TransferOptions) -> Result<()> {
    if !options.resume {
        return Ok(());
    }
    if path.exists() {
        return StateFile::at_rest(path);
    }
    Err(nothing_to_resume(path))
}

impl LoadTarget {
    /// Checks the stores of a configuration: that no server runs on them and no other session is connected.
    /// `decide` chooses where blobs go, given the data store as it is; `state` returns the usual path of the
    /// state file, given digits that differ between targets.
    pub fn open(
        data: StoreConfig,
        version: &'static SchemaVersion,
        decide: impl FnOnce(StoreConfig, Option<&dyn Source>) -> Result<Destination>,
        state: impl FnOnce(&str) -> PathBuf,
        preflight: &mut Preflight,
        options: &TransferOptions,
    ) -> Result<LoadTarget> {
        let kind = data.kind.backend().ok_or_else(|| {
            Error::usage("this store cannot be a data store").with("store", data.id.clone())
        })?;
        preflight.check_unless_dry("target not in use", free(&data))?;
        let partially_written = partially_written(&data, options)?;
        let exists = backends::exists(&data)? && !partially_written;
        let now = exists.then(|| backends::source(&data, &options.run.budget, false)).transpose()?;
        if let Some(now) = &now {
            shapes::check_version_table(now.as_ref(), &data.location())?;
            // Before any decision depends on its content.
            gaps::none_hidden(&gaps::find(now.as_ref(), version)?, &data.location())?;
        }
        let fingerprint = now.as_ref().map(|now| now.fingerprint()).transpose()?.flatten();
        let Destination { place, unchanged_blobs, advice } = decide(data, now.as_deref())?;
        drop(now);
        let usual = || state(&anonymous(&place.location()));
        let state = options.state.map_or_else(usual, Path::to_path_buf);
        something_to_resume(&state, options)?;
        if let (Some(blobs), Some(subspace), false) = (&unchanged_blobs, version.blobs(), options.no_verify) {
            // Its blobs are looked up after the load; check now that it answers.
            let (source, table) = backends::blob_source(blobs, subspace, kind, &options.run.budget, false)?;
            if let Some(hidden) = source.unreadable(&[table])?.into_iter().find(|found| !found.absent) {
                return Err(Error::refused("the blobs that the links name cannot be looked for")
                    .with("blob store", blobs.location())
                    .with("table", hidden.table)
                    .because(hidden.why)
                    .help(format!("{}; --no-verify does not look for them", hidden.help)));
            }
        }
        let limits = Limits::default();
        let exists = Exists { data: exists, blobs: false };
        let mut target = LoadTarget {
            place,
            kind,
            version,
            exists,
            fingerprint,
            partially_written,
            unchanged_blobs,
            limits,
            state,
            advice,
        };
        if let Some(blobs) = &target.place.blobs {
            preflight.check_unless_dry("blob store not in use", free(blobs))?;
            target.exists.blobs = backends::exists(blobs)?;
            target.partially_written |= self::partially_written(blobs, options)?;
        }
        if target.partially_written {
            let what = "an unfinished import has left it damaged; it will be removed and begun again";
            preflight.warn("target", what.to_string());
        }
        if target.exists() {
            let source = target.source(options)?;
            let agreed = options.consent.dry_run || options.consent.yes;
            let mut sessions = source.sessions()?;
            let begin = std::time::Instant::now();
            // The server ends sessions of a killed run when it notices the lost connection and has rolled back.
            while options.resume && !sessions.others.is_empty() && begin.elapsed().as_secs() < ENDING {
                options.run.stop.sleep(std::time::Duration::from_millis(500))?;
                sessions = source.sessions()?;
            }
            running::check_sessions(&sessions, &target.place.location(), agreed, &options.run.console)?;
            shapes::check_target(source.as_ref(), version, &target.place.location(), preflight)?;
            target.limits = source.limits()?;
            let place = target.place.location();
            let hidden = gaps::none_hidden(&gaps::find(source.as_ref(), version)?, &place);
            let writable = hidden.and_then(|()| source.writable(&version.tables(kind).collect::<Vec<_>>()));
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

    /// Its stores, as in the configuration.
    pub fn place(&self) -> &Installation {
        &self.place
    }

    fn exists(&self) -> bool {
        self.exists.data || self.exists.blobs
    }

    /// Size limits of the database for one record.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Encoding of its blobs.
    pub fn rule(&self) -> BlobRule {
        self.place.blob_rule(self.version)
    }

    /// The tables of the subspaces, by whose limits their records are checked.
    pub fn tables(&self, parts: &[LoadPart]) -> Result<Vec<(&'static Subspace, &'static Table)>> {
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

    /// The target as it is; a store that does not exist yet is read as an empty one.
    fn source(&self, options: &TransferOptions) -> Result<Box<dyn Source>> {
        let data: Box<dyn Source> = if self.exists.data {
            backends::source(&self.place.data, &options.run.budget, false)?
        } else {
            Box::new(Memory::new(self.kind))
        };
        self.with_blobs(data, options)
    }

    /// The data store combined with the blob store, if that is separate.
    fn with_blobs(&self, data: Box<dyn Source>, options: &TransferOptions) -> Result<Box<dyn Source>> {
        let (Some(blobs), Some(subspace)) = (&self.place.blobs, self.version.blobs()) else {
            return Ok(data);
        };
        let unused = backends::blob_table(subspace, self.kind)?;
        let (source, used) = backends::blobs_before(blobs, subspace, self.kind, &options.run.budget)?;
        Ok(Box::new(RoutedSource::new(data, source, BlobTables { unused, used })))
    }

    /// Opens the target for writing, which locks it, and repeats the checks: the store must be unchanged and
    /// `planned` the decision again.
    ///
    /// Errors: refused if not, or if it is in use; nothing is changed then.
    pub(super) fn lock(
        &self,
        planned: Option<Planned>,
        held: &mut HeldStore,
        options: &TransferOptions,
    ) -> Result<Box<dyn backend::Target>> {
        let changed = |why: String| {
            Err(Error::refused("the target has changed since it was looked at")
                .with("store", self.place.location())
                .because(why)
                .help("stop the server and every other program that uses it, then start again"))
        };
        // Before opening it, because opening an embedded store recovers its log.
        let data = &self.place.data;
        let exists =
            backends::exists(data)? && !(self.partially_written && backends::partially_written(data));
        if exists != self.exists.data {
            return changed(
                if exists { "there is a store now" } else { "there is no store now" }.to_string(),
            );
        }
        if self.fingerprint.is_some()
            && backends::source(data, &options.run.budget, false)?.fingerprint()? != self.fingerprint
        {
            return changed("something was written to it".to_string());
        }
        let writer = self.writer(options)?;
        if !(self.exists.data && self.exists.blobs) {
            // `look` creates what did not exist and so could not be held; hold it before the decisive look.
            drop(writer.look()?);
            held.add_new(data, HoldMode::Exclusive)?;
            self.place.blobs.iter().try_for_each(|blobs| held.add_new(blobs, HoldMode::Exclusive))?;
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

    /// Opens the target for writing; creates it if it does not exist.
    fn writer(&self, options: &TransferOptions) -> Result<Box<dyn backend::Target>> {
        if self.partially_written {
            backends::discard_unfinished(&self.place.data)?;
            self.place.blobs.iter().try_for_each(backends::discard_unfinished)?;
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

    /// Holds the existing stores of the target exclusively, so that no other run reads or writes them.
    ///
    /// Errors: refused if another run holds one.
    pub(super) fn hold(&self) -> Result<HeldStore> {
        let mut held = backends::hold(&self.place.data, HoldMode::Exclusive)?;
        self.place.blobs.iter().try_for_each(|blobs| held.add(blobs, HoldMode::Exclusive))?;
        Ok(held)
    }

    /// The target after loading, as a store.
    pub(super) fn store(&self, options: &TransferOptions) -> Result<Store> {
        self.store_at(self.place.clone(), None, options)
    }

    fn store_at(
        &self,
        place: Installation,
        data: Option<Box<dyn Source>>,
        options: &TransferOptions,
    ) -> Result<Store> {
        let filled = LoadTarget {
            place,
            kind: self.kind,
            version: self.version,
            exists: Exists { data: true, blobs: true },
            fingerprint: None,
            partially_written: false,
            unchanged_blobs: None,
            limits: Limits::default(),
            state: PathBuf::new(),
            advice: Vec::new(),
        };
        let source = match data {
            Some(data) => filled.with_blobs(data, options)?,
            None => filled.source(options)?,
        };
        // Tables that a run has not created yet are empty.
        Ok(Store::open(source, self.version, self.rule())?.past_absent())
    }

    /// Looks up the blobs that loaded links name in the server's blob store, if they were not loaded. `data` is
    /// the data store, if it is still locked.
    pub(super) fn find_blobs(
        &self,
        loaded: &mut Loaded,
        data: Option<Box<dyn Source>>,
        options: &TransferOptions,
    ) -> Result<()> {
        let Some(blobs) = self.version.blobs().filter(|_| loaded.unmatched.lack_blobs()) else {
            return Ok(());
        };
        let mut sides = std::mem::take(&mut loaded.unmatched);
        let place = Installation { blobs: self.unchanged_blobs.clone(), ..self.place.clone() };
        let names = self.store_at(place, data, options)?.blob_names(
            blobs,
            &std::env::temp_dir(),
            &options.run.stop,
        )?;
        sides.add(blobs, Some(names));
        loaded.audit = sides.audit(&mut loaded.findings)?;
        Ok(())
    }

    /// Checks that tables beside the subspaces have no rows, if a whole store is loaded.
    ///
    /// Errors: refused if one has: the comparison of records does not cover them.
    pub(super) fn check_side_tables(&self, whole: bool, options: &TransferOptions) -> Result<()> {
        if whole && self.exists() {
            state::check_side_tables(self.source(options)?.as_ref(), self.version)
                .map_err(|error| error.with("store", self.place.location()))
        } else {
            Ok(())
        }
    }

    /// Advice about tables beside the subspaces for the end report: those that were emptied, or those that are
    /// kept because only a part of a database is loaded.
    pub(super) fn side_tables_advice(
        &self,
        whole: bool,
        emptied: &[&str],
        options: &TransferOptions,
    ) -> Result<Option<String>> {
        if !self.exists() || self.version.side_tables(self.kind).next().is_none() {
            return Ok(None);
        }
        let side = if whole {
            let side = self.version.side_tables(self.kind);
            side.filter(|side| emptied.contains(&side.table.name)).collect()
        } else {
            state::filled_side_tables(self.source(options)?.as_ref(), self.version)?
        };
        let names: Vec<&str> = side.iter().map(|side| side.table.name).collect();
        let what = match (names.is_empty(), whole) {
            (true, _) => return Ok(None),
            (_, true) => "were emptied: they were made of the records that were there before",
            (_, false) => "were left as they are, for only a part of a database was loaded",
        };
        Ok(Some(format!("the tables {} {what}; let the server re-index its search", names.join(", "))))
    }

    /// This target as a store, read through `source`.
    pub(super) fn as_store(&self, source: Box<dyn Source>) -> Result<Store> {
        Ok(Store::open(source, self.version, self.rule())?.past_absent())
    }

    /// Decides what to delete from the target before it is loaded.
    pub(super) fn clearing(
        &self,
        parts: &[LoadPart],
        whole: bool,
        everything: bool,
        options: &TransferOptions,
    ) -> Result<Clearing> {
        if self.partially_written && !whole {
            // Removing it could lose records that are not loaded again.
            return Err(left_damaged(&self.place.location())
                .because("what is to be loaded is not all that a store has, so it cannot be begun again")
                .help("restore it from a backup, or export what can still be read with --salvage"));
        }
        if !self.exists() {
            return if whole {
                Ok(Clearing::default())
            } else {
                Err(Error::refused(
                    "there is no schema-version record in what is to be loaded, and the target is empty",
                )
                .help(format!(
                    "start the server ({}) once on the target, stop it, and import then",
                    self.version.releases
                )))
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
        parts: &[LoadPart],
        whole: bool,
        everything: bool,
        options: &TransferOptions,
    ) -> Result<Clearing> {
        let subspaces: Vec<&'static Subspace> = parts.iter().map(|part| part.subspace).collect();
        let extent = if whole { Extent::Everything } else { Extent::Only(&subspaces) };
        let found = if everything {
            state::wipe(source, self.version, extent)
        } else {
            state::check(source, self.version, extent, options.consent.yes)
        };
        found.map_err(|error| error.with("store", self.place.location()))
    }
}
