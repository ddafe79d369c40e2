//! Opens the stores of a configuration for reading: finds the stores, the schema version and the blob rule.
//!
//! Never writes. `backends` selects the code for each kind of store.

use std::path::Path;

use crate::backend::Source;
use crate::backend::hold::HoldMode;
use crate::backend::routed::{BlobTables, RoutedSource};
use crate::base::error::{Error, Result};
use crate::catalog::{self, SchemaVersion, Subspace};
use crate::config::{BlobPlace, Config, Elsewhere, Era, StoreConfig, external_stores};
use crate::open::backends::{self, HeldStore};
use crate::open::installation::{BlobChoice, Installation};
use crate::open::overlap::{self, Side};
use crate::open::running;
use crate::open::shapes;
use crate::records::gaps;
use crate::records::store::{self, Store};
use crate::run::Run;
use crate::run::console::Console;

/// The store of a configuration, opened for reading.
pub struct Connected {
    /// The store with the catalog of its schema version.
    pub store: Store,
    /// Descriptions of the stores from the configuration.
    pub place: Installation,
    /// Stores of other groups, which are not read.
    pub elsewhere: Vec<Elsewhere>,
    /// The process that has the store open, if any.
    pub holder: Option<running::Holder>,
    /// Notes about opening the stores that were already printed.
    pub notes: Vec<String>,
    /// The locks that keep other processes from writing to the stores, if requested.
    pub held: Result<HeldStore>,
}

/// Reads a configuration, with macros resolved from the environment.
pub fn configuration(path: &Path, console: &Console) -> Result<Config> {
    let config = Config::load(path, |name| std::env::var(name).ok())?;
    for notice in config.notices() {
        console.warn(notice);
    }
    Ok(config)
}

/// How a store is opened for reading.
#[derive(Debug, Clone, Copy, Default)]
pub struct OpenOptions<'a> {
    /// The user's choices about the blob store.
    pub blobs: BlobChoice<'a>,
    /// Overrides the schema version that the store states.
    pub schema: Option<u32>,
    /// The schema version for a store that states none.
    pub otherwise: Option<u32>,
    /// Read past damage and report what is lost.
    pub salvage: bool,
    /// Keep other processes from writing while the stores are open.
    pub hold: bool,
}

/// Opens the data store of a configuration for reading. Blobs are read from the data store, unless
/// [`Connected::with_blobs`] opens a separate blob store.
pub fn open(config: &Config, how: OpenOptions, run: &Run) -> Result<Connected> {
    let data = how.blobs.agreed(config.data_store()?);
    // Must precede opening the store: closing a file releases the locks of this process on it.
    let holder = running::holder(&data.kind);
    let held = if how.hold { backends::hold(&data, HoldMode::Shared) } else { Ok(HeldStore::default()) };
    let source = backends::source(&data, &run.budget, how.salvage)?;
    shapes::check_version_table(source.as_ref(), &data.location())?;
    let notes = source.notes();
    notes.iter().for_each(|note| run.console.say(format!("note: {note}")));
    source.log_ends().iter().for_each(|end| run.console.warn(end));
    let version = version(source.as_ref(), &how, &data, &run.console)?;
    if (config.era() == Era::Json) != version.blobs_marked {
        run.console.warn(format!(
            "the configuration is of another era than the store, whose schema version {} belongs to {}",
            version.number, version.releases
        ));
    }
    let gaps = gaps::find(source.as_ref(), version)?;
    let gap = |subspace: &Subspace| gaps.iter().any(|gap| gap.subspace.letter == subspace.letter);
    let known = |subspace: &'static Subspace, key: &[u8]| -> Result<Option<Vec<u8>>> {
        let Ok(table) = subspace.table(source.kind()) else { return Ok(None) };
        if gap(subspace) { Ok(None) } else { source.get(table, key) }
    };
    let record = |subspace: &'static Subspace, key: &[u8]| -> Result<Option<Vec<u8>>> {
        if gap(subspace) {
            // An unreadable table is an error, not an absent record.
            Err(gaps::refusal(&gaps, &data.location()).help(
                "where the blobs are stands in one of them: name the blob store with --blob-config FILE",
            ))
        } else {
            known(subspace, key)
        }
    };
    let blobs = match how.blobs.named(&data)? {
        Some(place) => place,
        None => how.blobs.resolve(blob_place(config, version, record)?, &data),
    };
    let elsewhere = elsewhere(config, version, known)?;
    let blobs = match blobs {
        BlobPlace::Elsewhere(store) => Some(store),
        BlobPlace::DataStore => None,
    };
    let place = Installation { data, blobs };
    overlap::report_apart_from(&Side::stores("installation", &place))?;
    let rule = place.blob_rule(version);
    Ok(Connected { store: Store::open(source, version, rule)?, place, elsewhere, holder, notes, held })
}

impl Connected {
    /// Opens the blob store too, if it is separate from the data store.
    pub fn with_blobs(mut self, how: OpenOptions, run: &Run) -> Result<Connected> {
        let version = self.store.version();
        let (Some(blobs), Some(subspace)) = (&self.place.blobs, version.blobs()) else { return Ok(self) };
        self.holder = self.holder.or_else(|| running::holder(&blobs.kind));
        if how.hold
            && let Ok(held) = &mut self.held
            && let Err(error) = held.add(blobs, HoldMode::Shared)
        {
            self.held = Err(error);
        }
        let kind = self.store.source().kind();
        let (source, used) = backends::blob_source(blobs, subspace, kind, &run.budget, how.salvage)?;
        for note in source.notes() {
            run.console.say(format!("note: {note}"));
            self.notes.push(note);
        }
        source.log_ends().iter().for_each(|end| run.console.warn(end));
        let unused = backends::blob_table(subspace, kind)?;
        let routed = RoutedSource::new(self.store.into_source(), source, BlobTables { unused, used });
        let rule = self.place.blob_rule(version);
        self.store = Store::open(Box::new(routed), version, rule)?;
        Ok(self)
    }

    /// Opens the blob store too, if these subspaces include blobs.
    pub fn with_blobs_of(
        self,
        subspaces: &[&'static Subspace],
        how: OpenOptions,
        run: &Run,
    ) -> Result<Connected> {
        if subspaces.iter().any(|subspace| subspace.value == catalog::ValueKind::Blob) {
            self.with_blobs(how, run)
        } else {
            Ok(self)
        }
    }
}

/// Finds the blob store from the configuration and, through `record`, from records of the data store.
pub fn blob_place(
    config: &Config,
    version: &'static SchemaVersion,
    record: impl Fn(&'static Subspace, &[u8]) -> Result<Option<Vec<u8>>>,
) -> Result<BlobPlace> {
    if config.era() == Era::Json {
        // From 0.16 on the stores are registry objects in the database.
        let object = version.blob_store().and_then(|object| Some((version.subspace(object.letter)?, object)));
        let value = object.map(|(subspace, object)| record(subspace, object.key)).transpose()?.flatten();
        return config.blob_store_from_registry(version, value.as_deref());
    }
    config.blob_store(setting(version, &record)).map(BlobPlace::Elsewhere)
}

/// Reads a setting from the records of a database.
fn setting(
    version: &'static SchemaVersion,
    record: impl Fn(&'static Subspace, &[u8]) -> Result<Option<Vec<u8>>>,
) -> impl Fn(&str) -> Result<Option<String>> {
    move |key: &str| {
        let value =
            version.settings().map(|subspace| record(subspace, key.as_bytes())).transpose()?.flatten();
        // The server replaces invalid UTF-8 when it reads a setting.
        Ok(value.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()))
    }
}

/// Stores of other groups that are separate from the data store, and so are not read.
fn elsewhere(
    config: &Config,
    version: &'static SchemaVersion,
    record: impl Fn(&'static Subspace, &[u8]) -> Result<Option<Vec<u8>>>,
) -> Result<Vec<Elsewhere>> {
    if config.era() != Era::Json {
        return config.elsewhere(setting(version, record));
    }
    let found = external_stores(version, |object| {
        let other = object.store.is_some_and(|role| role != catalog::StoreGroup::Blob);
        let subspace = version.subspace(object.letter).filter(|_| other);
        subspace.map_or(Ok(None), |subspace| record(subspace, object.key))
    })?;
    let found = found.into_iter().filter_map(|(object, store)| {
        Some(Elsewhere { role: object.store?, key: object.title, store: store.to_string(), kind: None })
    });
    Ok(found.collect())
}

fn version(
    source: &dyn Source,
    how: &OpenOptions,
    data: &StoreConfig,
    console: &Console,
) -> Result<&'static SchemaVersion> {
    let mut stated = match how.schema {
        // An override must work even if the record is damaged.
        Some(number) => Some(number),
        None => stated(source, data)?,
    };
    if let (None, Some(otherwise)) = (stated, how.otherwise) {
        console.warn(format!(
            "the store states no schema version, as after an unfinished import: read as {otherwise}"
        ));
        stated = Some(otherwise);
    }
    match stated {
        Some(number) => catalog::version(number)
            .ok_or_else(|| store::unknown_version(number).with("store", data.location())),
        None => {
            if let Some(error) = gaps::version_unread(source, &data.location())? {
                return Err(error);
            }
            Err(Error::refused("the store states no schema version").with("store", data.location()).help(
                "a store of 0.11 or older must be upgraded by its server first; an unfinished import must be \
             finished with --resume; --schema N overrides",
            ))
        }
    }
}

/// The schema version that a store states.
///
/// Errors: refused if it cannot be read, with every unreadable table.
fn stated(source: &dyn Source, data: &StoreConfig) -> Result<Option<u32>> {
    let record = catalog::schema_version_record();
    let hidden = match record.table(source.kind()) {
        Some(table) => source.unreadable(&[table])?.iter().any(|unreadable| !unreadable.absent),
        None => false,
    };
    if hidden && let Some(error) = gaps::version_unread(source, &data.location())? {
        return Err(error);
    }
    store::schema_version(source)
}
