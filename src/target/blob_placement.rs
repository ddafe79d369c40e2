//! Decides where the blobs of a target go, before anything is written.
//!
//! Up to 0.15 the configuration file names the blob store. From 0.16 on an object in the database does, and a
//! load replaces that object: after the load, the server may use another blob store than the one the target's
//! database names now. Such a conflict is refused instead of guessed.

use crate::backend::Source;
use crate::base::error::{Error, Result};
use crate::catalog::{SchemaVersion, Subspace};
use crate::config::{BlobPlace, Config, Era, StoreConfig, external_stores};
use crate::open::connect;
use crate::open::installation::{BlobChoice, Installation};
use crate::records::input::Input;

/// Where a load goes, and the advice for the administrator.
#[derive(Debug)]
pub struct Destination {
    /// The stores that are written.
    pub place: Installation,
    /// The blob store of the server, if blobs are not loaded and it is not the data store.
    pub unchanged_blobs: Option<StoreConfig>,
    /// Steps after the load, one line each.
    pub advice: Vec<String>,
}

/// The records to load.
pub struct Loading<'a> {
    /// Where the records come from.
    pub input: &'a Input<'a>,
    /// The subspaces to load.
    pub subspaces: &'a [&'static Subspace],
}

impl Loading<'_> {
    fn brings_blobs(&self) -> bool {
        self.input.version().blobs().is_some_and(|blobs| self.brings(blobs))
    }

    fn brings(&self, subspace: &'static Subspace) -> bool {
        self.subspaces.iter().any(|s| s.letter == subspace.letter)
    }

    /// A record as it will be in the target: from the input if its subspace is loaded, else from the target.
    fn record(
        &self,
        target: Option<&dyn Source>,
        subspace: &'static Subspace,
        key: &[u8],
    ) -> Result<Option<Vec<u8>>> {
        if self.brings(subspace) {
            return self.input.get(subspace, key);
        }
        record_of(target, subspace, key)
    }
}

fn record_of(
    target: Option<&dyn Source>,
    subspace: &'static Subspace,
    key: &[u8],
) -> Result<Option<Vec<u8>>> {
    let Some(target) = target else { return Ok(None) };
    let Ok(table) = subspace.table(target.kind()) else { return Ok(None) };
    target.get(table, key)
}

/// Decides where blobs go. `target` is the data store before the load, if it exists.
///
/// Errors: usage for a configuration that names no usable store; refused if the server would look for blobs
/// elsewhere and the user has not agreed to that.
pub fn decide(
    config: &Config,
    data: StoreConfig,
    loading: &Loading,
    target: Option<&dyn Source>,
    choice: BlobChoice,
    yes: bool,
) -> Result<Destination> {
    let version = loading.input.version();
    let named = choice.named(&data)?;
    let after = connect::blob_place(config, version, |subspace, key| loading.record(target, subspace, key));
    let mut advice = Vec::new();
    let blobs = match (named, config.era()) {
        // Without blobs there is nothing to decide: they are where the server will look for them.
        (named, _) if !loading.brings_blobs() => named.map_or(after, Ok)?,
        // The user has agreed, whatever the object names; it may name a store that this machine cannot reach.
        (Some(named), Era::Json) if after.is_err() && yes => {
            advice.extend(recovery(&named, version));
            named
        }
        (Some(named), Era::Toml) => named,
        (None, Era::Toml) => after?,
        (named, Era::Json) => {
            let explicit = named.is_some();
            let after = after.map_err(|error| {
                if explicit {
                    error.help(
                        "repeat with --yes to leave that object as it is and change it in recovery mode",
                    )
                } else {
                    error
                }
            })?;
            let after = choice.resolve(after, &data);
            let wanted = match named {
                Some(named) => named,
                None => {
                    let now = |subspace: &'static Subspace, key: &[u8]| record_of(target, subspace, key);
                    choice.resolve(connect::blob_place(config, version, now)?, &data)
                }
            };
            if !same(&wanted, &after) {
                if !(explicit && yes) {
                    return Err(refuse(&wanted, &after, explicit, &data));
                }
                advice.extend(recovery(&wanted, version));
            }
            wanted
        }
    };
    let blobs = match choice.resolve(blobs, &data) {
        BlobPlace::Elsewhere(store) => Some(store),
        BlobPlace::DataStore => None,
    };
    if !loading.brings_blobs() {
        advice.extend(pointers(loading.input, loading.subspaces)?);
        return Ok(Destination { place: Installation { data, blobs: None }, unchanged_blobs: blobs, advice });
    }
    let place = Installation { data, blobs };
    advice.extend(pointers(loading.input, loading.subspaces)?);
    Ok(Destination { place, unchanged_blobs: None, advice })
}

fn same(one: &BlobPlace, other: &BlobPlace) -> bool {
    match (one, other) {
        (BlobPlace::DataStore, BlobPlace::DataStore) => true,
        (BlobPlace::Elsewhere(one), BlobPlace::Elsewhere(other)) => one.same_place(other),
        _ => false,
    }
}

fn refuse(wanted: &BlobPlace, after: &BlobPlace, explicit: bool, data: &StoreConfig) -> Error {
    let place = |place: &BlobPlace| match place {
        BlobPlace::DataStore => format!("the data store, {}", data.location()),
        BlobPlace::Elsewhere(store) => store.location(),
    };
    let error = Error::refused(
        "the server would look for the blobs elsewhere than where they would be written: its BlobStore object is \
         loaded with everything else",
    )
    .with("blobs would go to", place(wanted))
    .with("the loaded object names", place(after));
    error.help(if explicit {
"name the place of the object with --blob-config, or repeat with --yes and change the object in recovery \
             mode before the first start"
} else {
"name the destination with --blob-config FILE (and --yes if it is another one than the object's), or \
             leave the blobs where they are with --exclude @blob"
})
}

/// Settings to enter in recovery mode before the first start.
fn recovery(wanted: &BlobPlace, version: &SchemaVersion) -> Vec<String> {
    let title = version.blob_store().map_or("the blob store", |object| object.title);
    let mut lines = vec![format!(
        "start the server in recovery mode (STALWART_RECOVERY_MODE=1) first and change {title}: the blobs are not \
         where it says"
    )];
    match wanted {
        BlobPlace::DataStore => lines.push(format!("{title} @type = Default")),
        BlobPlace::Elsewhere(store) => lines.extend(
            store.describe_settings().into_iter().map(|(name, value)| format!("{title} {name} = {value}")),
        ),
    }
    lines
}

/// Loaded objects that name stores outside the database, as advice.
fn pointers(input: &Input, subspaces: &[&'static Subspace]) -> Result<Vec<String>> {
    let named = external_stores(input.version(), |object| {
        let subspace = subspaces.iter().find(|subspace| subspace.letter == object.letter);
        subspace.map_or(Ok(None), |subspace| input.get(subspace, object.key))
    })?;
    let lines = named.into_iter().map(|(object, store)| {
        format!(
            "{} still names {store}, as in the old installation: make sure that the server may use it from here",
            object.title
        )
    });
    Ok(lines.collect())
}
