//! The catalog: what the schema says about every subspace, as static data.
//!
//! Generated from `schema/` by `build.rs`. Everything that is specific to a subspace is read from here; no
//! letter, table name or layout stands anywhere else in `src/`. Knows no store and no dump.

mod descriptors;

mod interpreter;

mod rules;

pub use descriptors::{
    Backend, BackendKind, Companion, EarlierPieces, FreshRule, Layout, LegacySubspace, LegacyTable, Mapping,
    Pieces, SchemaVersion, Segment, SegmentKind, ServerDump, SideTable, Singleton, StoreGroup, Subspace,
    Table, ValueForm, ValueKind, Variant, VersionRecord,
};
pub use interpreter::{Field, FieldValue, Sampler};
pub use rules::{ComputedKeys, Conditions, CounterRule, Cover, CoveredId, GroupNumber, LayoutRef};

use std::fmt;

use crate::base::hex::hex;
use crate::codec::KeyError;
use descriptors::Template;

#[allow(
    missing_docs,
    clippy::large_enum_variant,
    clippy::manual_range_contains,
    clippy::match_like_matches_macro,
    clippy::needless_lifetimes,
    dead_code,
    unreachable_patterns,
    unused_imports
)]
mod generated {
    include!(concat!(env!("OUT_DIR"), "/catalog.rs"));
}

/// Typed keys: a module per schema version with an enum per subspace and their sum, `Key`.
///
/// Numbers are plain integers: values that have no name survive a round trip. Keys borrow from the bytes they
/// were decoded from.
pub mod keys {
    pub use super::generated::modules::*;
}

/// All schema versions, ascending.
pub fn versions() -> &'static [SchemaVersion] {
    &generated::VERSIONS
}

/// The schema version of a number, if the catalog knows it.
pub fn version(number: u32) -> Option<&'static SchemaVersion> {
    versions().iter().find(|version| version.number == number)
}

/// All data stores, in the order of the schema.
pub fn backends() -> &'static [Backend] {
    &generated::BACKENDS
}

/// What the schema says about a data store as a whole.
pub fn backend(kind: BackendKind) -> Option<&'static Backend> {
    backends().iter().find(|backend| backend.kind == kind)
}

/// What is known of a table of this name that is not the server's.
pub fn companion(kind: BackendKind, name: &str) -> Option<&'static Companion> {
    generated::COMPANIONS.iter().find(|companion| companion.backend == kind && companion.is_named(name))
}

/// The record that tells a store's schema version: at the same place in every version.
pub fn schema_version_record() -> &'static VersionRecord {
    &generated::SCHEMA_VERSION_RECORD
}

/// What every typed key can do.
pub trait TypedKey {
    /// Appends the key, without the letter.
    fn encode(&self, out: &mut Vec<u8>);

    /// Index of its layout among those of its subspace.
    fn layout(&self) -> usize;

    /// The layouts of its subspace.
    fn layouts(&self) -> &'static [Layout];
}

/// How a link uses the blob that it names; the last one counts most.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum BlobUse {
    /// Not at all: it says that the blob was stored.
    Stored,
    /// Not yet: it is written before the blob is used, and ends by itself.
    Provisional,
    /// The blob belongs to something.
    Used,
}

/// What is wrong with a record, as far as its layouts tell.
#[derive(Debug, Clone, Copy)]
pub enum Problem {
    /// The key matches no layout of the subspace.
    UnknownKey(KeyError),
    /// The value breaks the rule of the key's layout.
    BadValue {
        /// The layout of the key.
        layout: &'static Layout,
        /// What rule, as a clause.
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

    /// The subspace of a name, as `blob_link`.
    pub fn by_name(&self, name: &str) -> Option<&'static Subspace> {
        self.subspaces.iter().find(|subspace| subspace.name == name)
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

    /// Tables that an older version has left in a store, which hold nothing this version uses.
    pub fn legacy_tables(&self, backend: BackendKind) -> impl Iterator<Item = LegacyTable> {
        self.legacy.iter().filter_map(move |legacy| {
            let mapping = legacy.tables.iter().find(|mapping| mapping.backend == backend)?;
            Some(LegacyTable {
                letter: legacy.letter,
                title: legacy.title,
                table: mapping.table.as_ref().ok()?,
                required: legacy.required.contains(&backend),
            })
        })
    }

    /// Tables beside the subspaces, which the server rebuilds (search tables).
    pub fn side_tables(&self, backend: BackendKind) -> impl Iterator<Item = &'static SideTable> {
        self.side_tables.iter().filter(move |table| table.backend == backend)
    }

    /// The object that says where the blob store is, if this version keeps that in the data store.
    pub fn blob_store(&self) -> Option<&'static Singleton> {
        self.singletons.iter().find(|singleton| singleton.store == Some(StoreGroup::Blob))
    }

    /// The layout a rule names.
    pub fn layout(&self, of: LayoutRef) -> Option<&'static Layout> {
        self.subspace(of.letter)?.layouts.get(of.layout)
    }
}

impl Subspace {
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
        let index = (self.decode)(key)?;
        self.layouts.get(index).ok_or(KeyError::NoLayout)
    }

    /// Checks a record against the layouts, without allocating. `value` is logical: counters as 8 bytes
    /// little-endian, blobs as they are.
    ///
    /// # Errors
    ///
    /// The key matches no layout, or the value breaks the rule of its layout.
    #[inline]
    pub fn check(&self, key: &[u8], value: &[u8]) -> Result<&'static Layout, Problem> {
        // Nearly every value is right, and its length alone tells.
        match (self.accepts)(key, value.len()) {
            Some(layout) => Ok(layout),
            None => self.judge(key, value),
        }
    }

    /// Why no server can use a value in this subspace, whatever its key, if that is so. Not every store can hold
    /// such a value. `value` is logical, as for [`check`](Self::check).
    pub fn unusable(&self, value: &[u8]) -> Option<&'static str> {
        match self.value {
            ValueKind::None if !value.is_empty() => Some("this subspace has no values"),
            ValueKind::Counter if value.len() != 8 => Some("a counter has 8 bytes"),
            ValueKind::None | ValueKind::Counter | ValueKind::Bytes | ValueKind::Blob => None,
        }
    }

    #[cold]
    fn judge(&self, key: &[u8], value: &[u8]) -> Result<&'static Layout, Problem> {
        let layout = self.layout(key).map_err(Problem::UnknownKey)?;
        match value_problem(self, layout, value) {
            None => Ok(layout),
            Some(reason) => self.check_shared(layout, key, value).ok_or(Problem::BadValue { layout, reason }),
        }
    }

    // Where keys alone do not decide between layouts, the value does.
    fn check_shared(&self, layout: &'static Layout, key: &[u8], value: &[u8]) -> Option<&'static Layout> {
        let shared = layout.shares.iter().filter_map(|index| self.layouts.get(*index));
        shared.into_iter().find(|l| l.accepts(key) && value_problem(self, l, value).is_none())
    }

    /// The BLAKE3 hash of the blob that a key names, if its layout is a link.
    #[inline]
    pub fn blob_link<'k>(&self, key: &'k [u8]) -> Option<&'k [u8; 32]> {
        let offset = self.layout(key).ok()?.blob_link?;
        key.get(offset..)?.first_chunk()
    }

    /// Whether any of its keys names a blob.
    pub fn links_blobs(&self) -> bool {
        self.layouts.iter().any(|layout| layout.blob_link.is_some())
    }

    /// Whether its keys tell of blobs, by links or because they are those of blobs: what a blob audit compares.
    pub fn tells_blob_hashes(&self) -> bool {
        self.value == ValueKind::Blob || self.links_blobs()
    }

    /// The BLAKE3 hash in a key, of a link or of a blob whose key it is.
    #[inline]
    pub fn blob_hash<'k>(&self, key: &'k [u8]) -> Option<&'k [u8; 32]> {
        let layout = self.layout(key).ok()?;
        match layout.content_hash {
            true => key.try_into().ok(),
            false => key.get(layout.blob_link?..)?.first_chunk(),
        }
    }

    /// The hash of the blob that a record names or is, and how it uses the blob. `value` is empty for blobs, whose
    /// keys say it all.
    #[inline]
    pub fn blob_use<'k>(&self, key: &'k [u8], value: &[u8]) -> Option<(&'k [u8; 32], BlobUse)> {
        let hash = self.blob_hash(key)?;
        let layout = self.layout(key).ok()?;
        let used = match layout.commit {
            true => BlobUse::Stored,
            false if layout.is_provisional(key, value) => BlobUse::Provisional,
            false => BlobUse::Used,
        };
        Some((hash, used))
    }

    /// Layout and fields of a key in words, as `property account=7 collection=0 (Email) field=50
    /// document=42`; hex where no layout accepts it.
    pub fn describe(&self, key: &[u8]) -> String {
        match self.layout(key) {
            Ok(layout) => layout.describe(key),
            Err(_) => format!("0x{}", hex(key)),
        }
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

impl VersionRecord {
    /// Where a backend keeps the record, whatever the version.
    pub fn table(&self, backend: BackendKind) -> Option<&'static Table> {
        let mapping = self.tables.iter().find(|mapping| mapping.backend == backend)?;
        mapping.table.as_ref().ok()
    }

    /// The version a value tells; `None` if it has the wrong length.
    pub fn read(&self, value: &[u8]) -> Option<u32> {
        Some(u32::from_be_bytes(value.try_into().ok()?))
    }

    /// The value that tells a version.
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

// What the generated `Display` of keys calls.
fn write_key(f: &mut fmt::Formatter<'_>, key: &dyn TypedKey) -> fmt::Result {
    let mut bytes = Vec::new();
    key.encode(&mut bytes);
    match key.layouts().get(key.layout()) {
        Some(layout) => f.write_str(&layout.describe(&bytes)),
        None => f.write_str(&hex(&bytes)),
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
                    // Beyond the bits a rule may still allow what the bits do not tell.
                    assert!(free == allowed || (allowed && length >= 63), "{} {length}", layout.name);
                }
            }
        }
    }
}
