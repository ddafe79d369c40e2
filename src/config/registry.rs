//! Stores that registry objects of the data store name, from Stalwart 0.16 on.
//!
//! Decodes the object that names the blob store, as strictly as a migration needs: the server silently falls back to
//! the data store for everything that it does not accept. Of other objects it only decodes the chosen alternative.
//! Letters, keys and variant numbers come from the catalog. source:
//! `crates/registry/src/schema/{structs,structs_impl}.rs`, `crates/store/src/build/blob.rs` @ v0.16.0, v0.16.18

mod pickle;

use crate::base::error::{Error, Result};
use crate::catalog::{SchemaVersion, Singleton, Variant};
use crate::config::macros::Lookup;
use crate::config::object::{self, BLOB_STORES, FEWEST_SHARDS, SHARDED, blob_store_of, shard_of};
use crate::config::store::{BlobPlace, StoreConfig, StoreKind};
use pickle::{Envelope, Pickle};

/// The newest version with known fields of the object that names the blob store; the fields are those of 0.16.2.
const NEWEST: u8 = 1;

/// The place named by a value of [`SchemaVersion::blob_store`].
pub(super) fn blob_place(version: &SchemaVersion, value: &[u8], env: Lookup<'_>) -> Result<BlobPlace> {
    let Some(object) = version.blob_store() else {
        let what = format!("stores of schema version {} do not name their blob store", version.number);
        return Err(Error::usage(what).help("read it from the configuration"));
    };
    let named = |error: Error| {
        let error = error.with("object", object.title);
        error.help_if_none(
            "name the blob store with --blob-config, or correct it in the server's recovery mode",
        )
    };
    let envelope = Envelope::open(value).map_err(named)?;
    let mut pickle = Pickle::new(&envelope.body, envelope.version, env);
    let place = place(object, &mut pickle).and_then(|place| pickle.end().map(|()| place)).map_err(named);
    if envelope.version <= NEWEST {
        return place;
    }
    // A newer version is accepted if its value fits the known fields to the last byte.
    place.map_err(|error| {
        let what = format!(
            "the registry object {} was written by a release newer than {}, and has changed since",
            object.title, version.releases
        );
        Error::usage(what)
            .with("version", envelope.version.to_string())
            .with("known up to", NEWEST.to_string())
            .because(error)
            .help("use a newer release of stalwart-migrate")
    })
}

fn place(object: &Singleton, pickle: &mut Pickle<'_>) -> Result<BlobPlace> {
    pickle.begin("@type");
    let number = pickle.leb128()?;
    let unknown = |pickle: &Pickle<'_>| pickle.wrong(format!("unknown store type {number}"));
    let variant = object.variant(number).ok_or_else(|| unknown(pickle))?;
    if !variant.external {
        return Ok(BlobPlace::DataStore);
    }
    let kind = match variant.name {
        SHARDED => StoreKind::Sharded { stores: shards(pickle)? },
        name => object::blob_store(name, pickle)?.ok_or_else(|| unknown(pickle))?,
    };
    Ok(BlobPlace::Elsewhere(blob_store_of(kind)))
}

fn shards(pickle: &mut Pickle<'_>) -> Result<Vec<StoreConfig>> {
    pickle.begin("stores");
    let count = pickle.leb128()?;
    if count < FEWEST_SHARDS as u64 {
        return Err(pickle.wrong(format!("a sharded store has fewer than {FEWEST_SHARDS} members")));
    }
    // Each element takes bytes, so that a count beyond the data ends with the data; no memory is reserved for the
    // count.
    let mut stores = Vec::new();
    for index in 0..count {
        pickle.enter("stores", index);
        pickle.begin("@type");
        let number = pickle.leb128()?;
        let name = usize::try_from(number).ok().and_then(|number| BLOB_STORES.get(number));
        let unknown = |pickle: &Pickle<'_>| pickle.wrong(format!("unknown store type {number}"));
        let name = name.ok_or_else(|| unknown(pickle))?;
        let kind = object::blob_store(name, pickle)?.ok_or_else(|| unknown(pickle))?;
        stores.push(shard_of(index, kind));
    }
    Ok(stores)
}

/// The alternative that the value of a singleton chooses: its number and, if the catalog has it, its meaning. An
/// alternative that the catalog does not have should be treated as a store outside the data store.
///
/// # Errors
///
/// Of kind usage, if the value is no registry object.
pub fn variant_of(object: &Singleton, value: &[u8]) -> Result<(u64, Option<&'static Variant>)> {
    let named = |error: Error| {
        error.with("object", object.title).help_if_none("correct it in the server's recovery mode")
    };
    let envelope = Envelope::open(value).map_err(named)?;
    let mut pickle = Pickle::new(&envelope.body, envelope.version, &|_| None);
    pickle.begin("@type");
    let number = pickle.leb128().map_err(named)?;
    Ok((number, object.variant(number)))
}

/// The stores outside the data store that registry objects name: each object, and the name of the kind of store.
/// `record` returns the value of an object; `None` passes it over.
///
/// # Errors
///
/// Those of `record`.
pub fn external_stores(
    version: &'static SchemaVersion,
    record: impl Fn(&'static Singleton) -> Result<Option<Vec<u8>>>,
) -> Result<Vec<(&'static Singleton, &'static str)>> {
    let mut found = Vec::new();
    for object in version.singletons() {
        let Some(value) = record(object)? else { continue };
        match variant_of(object, &value) {
            Ok((_, Some(variant))) if !variant.external => {}
            Ok((_, Some(variant))) => found.push((object, variant.name)),
            // A value that cannot be decoded is listed, too.
            _ => found.push((object, "a store of an unknown kind")),
        }
    }
    Ok(found)
}
