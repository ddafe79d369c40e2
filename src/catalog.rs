//! The catalog: the schema of every subspace as static data.
//!
//! Generated from `schema/` by `build.rs`. Everything that is specific to a subspace is read from here; no letter,
//! table name or layout stands anywhere else in `src/`. Does not depend on stores or dumps.

mod archive;

mod layouts;

mod typed;

mod descriptors;

mod fields;

mod rules;

pub use archive::Archive;
pub use descriptors::{
    Backend, BackendKind, Companion, LegacyTable, Mapping, Pieces, SchemaVersion, SideTable, Singleton,
    StoreGroup, Subspace, Table, ValueKind, Variant, VersionRecord,
};
pub use fields::FieldValue;
pub use layouts::{DerivedKeys, FreshRule, Layout, LayoutRef, Names, Segment, SegmentKind, ValueForm};
pub use rules::{CounterRule, Cover, CoveredId, Group};
pub use typed::{SegmentSink, TypedKey};

use std::fmt;

use crate::codec::{KeyError, array_at};
use descriptors::{LegacySubspace, Template, pick};
use layouts::is_in;

#[allow(missing_docs, unreachable_patterns, unused_variables)]
mod generated {
    include!(concat!(env!("OUT_DIR"), "/catalog.rs"));
}

/// Typed keys: an enum per subspace. Where a name has had several meanings, those of older versions carry the first one
/// in their names.
pub mod keys {
    pub use super::generated::keys::*;
}

/// All schema versions, ascending.
pub fn versions() -> &'static [SchemaVersion] {
    &generated::VERSIONS
}

/// The schema version with this number, if the catalog has it.
pub fn version(number: u32) -> Option<&'static SchemaVersion> {
    versions().iter().find(|version| version.number == number)
}

/// All data stores, in the order of the schema.
pub fn backends() -> &'static [Backend] {
    &generated::BACKENDS
}

/// The declaration of a data store in the schema.
pub fn backend(kind: BackendKind) -> Option<&'static Backend> {
    backends().iter().find(|backend| backend.kind == kind)
}

/// The known table of another program that has this name.
pub fn companion(kind: BackendKind, name: &str) -> Option<&'static Companion> {
    generated::COMPANIONS.iter().find(|companion| companion.backend == kind && companion.is_named(name))
}

/// The record that contains a store's schema version. It is at the same place in every version.
pub fn schema_version_record() -> &'static VersionRecord {
    &generated::SCHEMA_VERSION_RECORD
}

/// How a link uses the blob that it names; the last one counts most.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum BlobUse {
    /// Not at all: the link only records that the blob was stored.
    Stored,
    /// Not yet: the link is written before the blob is used, and expires by itself.
    Provisional,
    /// The blob belongs to something.
    Used,
}

/// What is wrong with a record according to the layouts of its subspace.
#[derive(Debug, Clone, Copy)]
pub enum Problem {
    /// The key matches no layout of the subspace.
    UnknownKey(KeyError),
    /// The value breaks the rule of the key's layout.
    BadValue {
        /// The layout of the key.
        layout: &'static Layout,
        /// The rule, as a clause.
        reason: &'static str,
    },
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Problem::UnknownKey(error) => error.fmt(f),
            Problem::BadValue { layout, reason } => write!(f, "value of layout {}: {reason}", layout.name),
        }
    }
}

impl SchemaVersion {
    /// The subspace of a letter.
    pub fn subspace(&self, letter: char) -> Option<&'static Subspace> {
        self.subspaces.iter().find(|subspace| subspace.letter == letter)
    }

    /// The subspace that holds the server's settings, if this version keeps them as names and texts.
    pub fn settings(&self) -> Option<&'static Subspace> {
        self.subspaces.iter().find(|subspace| subspace.settings)
    }

    /// The subspace of blobs.
    pub fn blobs(&self) -> Option<&'static Subspace> {
        self.subspaces.iter().find(|subspace| subspace.value == ValueKind::Blob)
    }

    /// Letters of a family, as the server names it for this version.
    pub fn family(&self, name: &str) -> Option<&'static [char]> {
        self.families.iter().find(|(family, _)| *family == name).map(|(_, letters)| *letters)
    }

    /// Tables of the subspaces that have one in this backend.
    pub fn tables(&self, backend: BackendKind) -> impl Iterator<Item = &'static Table> + use<> {
        self.subspaces.iter().filter_map(move |subspace| subspace.table(backend).ok())
    }

    /// Tables that an older version has left in a store. This version does not use their rows.
    pub fn legacy_tables(&self, backend: BackendKind) -> impl Iterator<Item = LegacyTable> {
        let required = self::backend(backend).is_some_and(|backend| backend.legacy_required);
        let left: &[LegacySubspace] = generated::LEGACY;
        left.iter().filter(|legacy| is_in(legacy.versions, self.number)).filter_map(move |legacy| {
            let mapping = legacy.tables.iter().find(|mapping| mapping.backend == backend)?;
            let table = mapping.table.as_ref().ok()?;
            Some(LegacyTable { letter: legacy.letter, title: legacy.title, table, required })
        })
    }

    /// Tables beside the subspaces, which the server rebuilds (search tables).
    pub fn side_tables(&self, backend: BackendKind) -> impl Iterator<Item = &'static SideTable> {
        let all = generated::SIDE_TABLES.iter();
        all.filter(move |table| table.backend == backend && is_in(table.versions, self.number))
    }

    /// Objects that define where stores are.
    pub fn singletons(&self) -> impl Iterator<Item = &'static Singleton> {
        generated::SINGLETONS.iter().filter(|singleton| is_in(singleton.versions, self.number))
    }

    /// The object that defines where the blob store is, if this version has one in the data store.
    pub fn blob_store(&self) -> Option<&'static Singleton> {
        self.singletons().find(|singleton| singleton.store == Some(StoreGroup::Blob))
    }
}

impl Subspace {
    /// Family of the subspace in the server's own export. The server's full export leaves out subspaces without a
    /// family.
    pub fn family(&self) -> Option<&'static str> {
        let families = version(self.version)?.families;
        families.iter().find(|(_, letters)| letters.contains(&self.letter)).map(|(name, _)| *name)
    }

    /// The table of this subspace, or why the backend has no place for it.
    pub fn table(&self, backend: BackendKind) -> Result<&'static Table, &'static str> {
        match self.tables.iter().find(|mapping| mapping.backend == backend) {
            Some(Mapping { table: Ok(table), .. }) => Ok(table),
            Some(Mapping { table: Err(reason), .. }) => Err(reason),
            None => Err("the schema does not map this backend"),
        }
    }

    /// The layout of a key.
    ///
    /// # Errors
    ///
    /// No layout accepts the key.
    #[inline]
    pub fn layout(&self, key: &[u8]) -> Result<&'static Layout, KeyError> {
        (self.keys.layout_of)(key, 0).ok_or(KeyError)
    }

    /// Checks a record against the layouts, without allocating. `value` is logical: counters as 8 bytes
    /// little-endian, blobs as they are.
    ///
    /// # Errors
    ///
    /// The key matches no layout, or the value breaks the rule of its layout.
    #[inline]
    pub fn check(&self, key: &[u8], value: &[u8]) -> Result<&'static Layout, Problem> {
        // The length of nearly every value is enough to accept it.
        match (self.keys.accepts)(key, value.len()) {
            Some(layout) => Ok(layout),
            None => self.check_closely(key, value),
        }
    }

    /// The reason why no server can use a value in this subspace, whatever its key; `None` if there is none. Some
    /// stores cannot hold such a value. `value` is logical, as for [`check`](Self::check).
    pub fn unusable(&self, value: &[u8]) -> Option<&'static str> {
        match self.value {
            ValueKind::None if !value.is_empty() => Some("this subspace has no values"),
            ValueKind::Counter if value.len() != 8 => Some("a counter has 8 bytes"),
            ValueKind::None | ValueKind::Counter | ValueKind::Bytes | ValueKind::Blob => None,
        }
    }

    #[cold]
    fn check_closely(&self, key: &[u8], value: &[u8]) -> Result<&'static Layout, Problem> {
        let layout = self.layout(key).map_err(Problem::UnknownKey)?;
        match value_problem(self, layout, value) {
            None => Ok(layout),
            Some(reason) => self.check_shared(layout, key, value).ok_or(Problem::BadValue { layout, reason }),
        }
    }

    // The value decides between layouts where the key alone does not.
    fn check_shared(&self, layout: &'static Layout, key: &[u8], value: &[u8]) -> Option<&'static Layout> {
        let mut layout = layout;
        while !layout.shares.is_empty() {
            layout = (self.keys.layout_of)(key, layout.index + 1)?;
            if value_problem(self, layout, value).is_none() {
                return Some(layout);
            }
        }
        None
    }

    /// Whether any of its keys names a blob.
    pub fn links_blobs(&self) -> bool {
        self.layouts.iter().any(|layout| layout.blob_link)
    }

    /// Whether its keys contain hashes of blobs, as links or as the keys of blobs. A blob audit compares the two.
    pub fn has_blob_hashes(&self) -> bool {
        self.value == ValueKind::Blob || self.links_blobs()
    }

    /// The BLAKE3 hash in the key of a link or of a blob.
    #[inline]
    pub fn blob_hash<'k>(&self, key: &'k [u8]) -> Option<&'k [u8; 32]> {
        self.layout_and_hash(key).map(|(_, hash)| hash)
    }

    /// The hash of the blob that a record names or is, and how the record uses the blob. `value` is ignored for
    /// blobs.
    #[inline]
    pub fn blob_use<'k>(&self, key: &'k [u8], value: &[u8]) -> Option<(&'k [u8; 32], BlobUse)> {
        let (layout, hash) = self.layout_and_hash(key)?;
        let used = if layout.commit {
            BlobUse::Stored
        } else if layout.is_provisional(key, value) {
            BlobUse::Provisional
        } else {
            BlobUse::Used
        };
        Some((hash, used))
    }

    #[inline]
    fn layout_and_hash<'k>(&self, key: &'k [u8]) -> Option<(&'static Layout, &'k [u8; 32])> {
        let layout = (self.keys.layout_of)(key, 0)?;
        Some((layout, array_at(key, layout.hash_at?)))
    }
}

/// Letter and name, as `k (blob_link)`.
impl fmt::Display for Subspace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.letter, self.name)
    }
}

impl Singleton {
    /// The alternative of a number.
    pub fn variant(&self, number: u64) -> Option<&'static Variant> {
        self.variants.iter().find(|variant| variant.number == number)
    }
}

impl StoreGroup {
    /// Name as in `@blob`.
    pub fn name(self) -> &'static str {
        match self {
            StoreGroup::Data => "data",
            StoreGroup::Blob => "blob",
            StoreGroup::Lookup => "lookup",
            StoreGroup::Search => "search",
            StoreGroup::Telemetry => "telemetry",
        }
    }
}

impl BackendKind {
    /// Name as the schema has it, as `sqlite`.
    pub fn name(self) -> &'static str {
        backend(self).map_or("unknown", |backend| backend.name)
    }

    /// Name for people, as `SQLite`.
    pub fn title(self) -> &'static str {
        backend(self).map_or("unknown", |backend| backend.title)
    }
}

impl Companion {
    fn is_named(&self, name: &str) -> bool {
        match self.name.strip_suffix('*') {
            Some(start) => name.starts_with(start),
            None => name == self.name,
        }
    }
}

impl VersionRecord {
    /// Where a backend keeps the record, whatever the version.
    pub fn table(&self, backend: BackendKind) -> Option<&'static Table> {
        let mapping = self.tables.iter().find(|mapping| mapping.backend == backend)?;
        mapping.table.as_ref().ok()
    }

    /// The version in a value; `None` if the value has the wrong length.
    pub fn read(&self, value: &[u8]) -> Option<u32> {
        Some(u32::from_be_bytes(value.try_into().ok()?))
    }

    /// The value for a version.
    pub fn value(&self, number: u32) -> [u8; 4] {
        number.to_be_bytes()
    }
}

fn value_problem(subspace: &Subspace, layout: &Layout, value: &[u8]) -> Option<&'static str> {
    let unusable = subspace.unusable(value);
    match (subspace.value, layout.value) {
        _ if unusable.is_some() => unusable,
        (ValueKind::Bytes, ValueForm::Empty) if !value.is_empty() => Some("it should be empty"),
        (ValueKind::Bytes, ValueForm::Archive) if value.is_empty() => {
            Some("an archive has at least its marker")
        }
        (ValueKind::Bytes, ValueForm::Lease) if value.len() < 8 => Some("a lease begins with a time"),
        (ValueKind::Bytes, ValueForm::Lengths(lengths)) if !lengths.contains(&value.len()) => {
            Some("it has a length that this layout never has")
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_that_need_no_look_are_those_the_rules_allow() {
        for subspace in versions().iter().flat_map(|version| version.subspaces) {
            for layout in subspace.layouts {
                for length in 0..=100 {
                    let free = layout.value_lengths >> length.min(63) & 1 == 1;
                    let allowed = value_problem(subspace, layout, &vec![0; length]).is_none();
                    // A rule may allow lengths of 63 and more without the top bit.
                    assert!(free == allowed || (allowed && length >= 63), "{} {length}", layout.name);
                }
            }
        }
    }
}
