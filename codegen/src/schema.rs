//! The YAML shapes of the schema, with positions. The only user of the YAML crate.
//!
//! Defines what may be written, not what it means: names, ranges and kinds are still text here. Structs and
//! hand-written visitors instead of `flatten` or `untagged`, which would lose positions.

use std::fmt;
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, Error, IgnoredAny, MapAccess, Visitor};

use crate::report::{Mistake, Position};

/// Reads the joined text of all schema files.
pub(crate) fn parse(text: &str) -> Result<Document, Mistake> {
    let mut document: Document = serde_yaml::from_str(text).map_err(|error| {
        let place = error.location().map_or(Position::default(), place_of);
        // The crate appends the place in words. Reports print it in front.
        let words = error.without_snippet().to_string();
        let words = words.lines().next().unwrap_or_default();
        let words = words.rsplit_once(" at line ").map_or(words, |(message, _)| message);
        // Its advice for programmers is left out, too.
        let message = words.split_once(", set DuplicateKeyPolicy").map_or(words, |(message, _)| message);
        Mistake::new(place, message.trim_start_matches("error: ")).help("see schema/README.md for every key")
    })?;
    for subspace in &mut document.subspaces {
        for layout in &mut subspace.layouts {
            layout.key.iter_mut().for_each(|segment| segment.restore_text(text));
        }
    }
    Ok(document)
}

/// A value and the place it stands at.
#[derive(Debug, Clone)]
pub(crate) struct At<T> {
    pub value: T,
    pub place: Position,
    // Character offsets in the joined text.
    span: (usize, usize),
}

impl<T> At<T> {
    /// Another value at the same place.
    pub fn with<U>(&self, value: U) -> At<U> {
        At { value, place: self.place, span: self.span }
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for At<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let spanned = serde_yaml::Spanned::<T>::deserialize(deserializer)?;
        let span = spanned.referenced.span();
        let start = usize::try_from(span.offset()).unwrap_or_default();
        let len = usize::try_from(span.len()).unwrap_or_default();
        Ok(At { place: place_of(spanned.referenced), value: spanned.value, span: (start, len) })
    }
}

fn place_of(location: serde_yaml::Location) -> Position {
    let number = |n: u64| usize::try_from(n).unwrap_or_default();
    Position { line: number(location.line()), column: number(location.column()) }
}

/// A mapping in the order it is written.
#[derive(Debug, Clone)]
pub(crate) struct Entries<V, K = String>(pub Vec<(K, V)>);

impl<V, K> Default for Entries<V, K> {
    fn default() -> Self {
        Entries(Vec::new())
    }
}

impl<'de, V: Deserialize<'de>, K: Deserialize<'de>> Deserialize<'de> for Entries<V, K> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct EntriesVisitor<V, K>(PhantomData<(V, K)>);
        impl<'de, V: Deserialize<'de>, K: Deserialize<'de>> Visitor<'de> for EntriesVisitor<V, K> {
            type Value = Entries<V, K>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a mapping")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    entries.push(entry);
                }
                Ok(Entries(entries))
            }
        }
        deserializer.deserialize_map(EntriesVisitor(PhantomData))
    }
}

/// Everything the schema files hold together.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Document {
    pub versions: Vec<SchemaVersion>,
    pub backends: Vec<Backend>,
    #[serde(default)]
    pub names: Entries<NameTable, At<String>>,
    #[serde(default)]
    pub fields: Entries<FieldEntry>,
    pub subspaces: Vec<Subspace>,
    #[serde(default)]
    pub legacy: Vec<Legacy>,
    #[serde(default)]
    pub counter_rules: Vec<CounterRule>,
    #[serde(default)]
    pub singletons: Vec<Singleton>,
}

/// An entry of `versions:`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SchemaVersion {
    pub number: At<u32>,
    pub releases: At<String>,
    pub doc: Option<At<String>>,
    pub source: Option<At<String>>,
    /// `subspace files` or `op-stream`: what the server's own export writes.
    pub server_dump: At<String>,
    /// Stored blobs always end in a mark of their encoding.
    #[serde(default)]
    pub blobs_marked: bool,
    /// Family name → letters.
    pub families: Entries<Vec<At<String>>>,
    /// Letter → why no family of the server covers it.
    #[serde(default)]
    pub no_family: Entries<At<String>>,
}

/// An entry of `backends:`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Backend {
    pub name: At<String>,
    pub title: At<String>,
    pub doc: Option<At<String>>,
    pub source: Option<At<String>>,
    /// Name of a table; `{letter}` stands for the letter.
    pub table: At<String>,
    /// Tables of an older schema version must exist for the server to open the store.
    #[serde(default)]
    pub legacy_required: bool,
    /// Table properties per value kind.
    pub bytes: TableKind,
    pub none: TableKind,
    pub counter: TableKind,
    pub blob: TableKind,
    #[serde(default)]
    pub refuses: Vec<Refusal>,
    #[serde(default)]
    pub side_tables: Vec<SideTable>,
    #[serde(default)]
    pub companions: Vec<Companion>,
}

/// What the tables of one value kind look like.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TableKind {
    /// Statement; `{table}` stands for the table name. Absent where the store needs none.
    pub create: Option<At<String>>,
    pub max_key: Option<At<u64>>,
    pub max_value: Option<At<u64>>,
    pub unique_prefix: Option<At<u64>>,
    /// The values are integers: a value of another length than 8 bytes cannot be stored.
    pub integer: Option<At<bool>>,
    pub merge_operator: Option<At<String>>,
    pub blob_files: Option<BlobFiles>,
    pub pieces: Option<Pieces>,
}

/// RocksDB's blob files.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct BlobFiles {
    pub min_size: At<u64>,
}

/// How a store cuts long values into several physical ones.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Pieces {
    pub size: At<u64>,
    /// Bytes of the piece number that every key carries; 0: only later pieces carry one byte, from 0.
    pub number_width: At<u8>,
    pub most: At<u32>,
    /// Subspaces whose values the server never cuts and reads without joining.
    #[serde(default)]
    pub whole: Vec<At<String>>,
    pub earlier: Option<EarlierPieces>,
}

/// What earlier releases of a schema version did otherwise.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct EarlierPieces {
    pub versions: At<String>,
    pub releases: At<String>,
    pub most: At<u32>,
}

/// A subspace that a backend has no place for.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Refusal {
    pub subspace: At<String>,
    pub because: At<String>,
}

/// A table beside the subspaces.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SideTable {
    pub name: At<String>,
    pub versions: Option<At<String>>,
    pub title: At<String>,
}

/// A table of something else that is often in the same database.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Companion {
    /// Its name, or the beginning of its name and a star.
    pub name: At<String>,
    pub title: At<String>,
}

/// Names of the values of a field.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct NameTable {
    pub doc: At<String>,
    pub source: At<String>,
    pub values: Entries<At<String>>,
    /// What values were called in other versions.
    #[serde(default)]
    pub earlier: Vec<EarlierName>,
}

/// Another name of a value, in some versions.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct EarlierName {
    pub value: At<u64>,
    pub versions: At<String>,
    pub name: At<String>,
}

/// A field that many layouts use: its doc, and the names of its values.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct FieldEntry {
    pub doc: At<String>,
    pub names: Option<At<String>>,
}

/// An entry of `subspaces:`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Subspace {
    pub name: At<String>,
    pub letter: At<String>,
    pub versions: Option<At<String>>,
    pub title: Option<At<String>>,
    pub doc: Option<At<String>>,
    pub source: Option<At<String>>,
    pub store: Option<At<String>>,
    pub value: At<String>,
    pub fresh: Option<At<String>>,
    #[serde(default)]
    pub derived: bool,
    /// Records are the server's settings: the key is the name, the value the text.
    #[serde(default)]
    pub settings: bool,
    pub layouts: Vec<Layout>,
}

/// An entry of `layouts:`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Layout {
    pub name: At<String>,
    pub versions: Option<At<String>>,
    pub doc: Option<At<String>>,
    pub key: Vec<SegmentEntry>,
    pub value: Option<At<String>>,
    pub value_doc: Option<At<String>>,
    /// Which values of an otherwise opaque layout are archives: any of these.
    #[serde(default)]
    pub archives: Vec<Entries<At<String>>>,
    #[serde(default)]
    pub long: bool,
    #[serde(default)]
    pub local: bool,
    #[serde(default)]
    pub schema_version: bool,
    #[serde(default)]
    pub content_hash: bool,
    #[serde(default)]
    pub derived_keys: Vec<DerivedKeys>,
    pub links_blob: Option<At<String>>,
    /// The link only records that the blob was stored.
    pub commit: Option<At<bool>>,
    /// Links that the server writes before it uses the blob: those with these numbers and an empty value.
    #[serde(default)]
    pub provisional: Entries<At<String>>,
    pub fresh: Option<At<String>>,
    /// Instead of `fresh`, where the hash in the key is a derived key of an object of the same store.
    pub fresh_if_derived_key: Option<At<String>>,
    #[serde(default)]
    pub shares: Vec<Shares>,
}

/// Keys of a content-hash layout that are the hash of something else.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct DerivedKeys {
    pub versions: Option<At<String>>,
    pub doc: At<String>,
    pub prefix: At<String>,
    /// `subspace.layout` whose records name the objects.
    pub of: At<String>,
    /// Field whose decimal value follows the prefix.
    pub field: At<String>,
    pub only: Entries<At<String>>,
}

/// Another layout that accepts some of the same keys.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Shares {
    pub with: At<String>,
    pub because: At<String>,
    #[serde(default)]
    pub undecidable: bool,
}

/// A table that an older schema version has left.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Legacy {
    pub letter: At<String>,
    pub versions: At<String>,
    pub value: At<String>,
    pub title: At<String>,
}

/// An entry of `counter_rules:`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CounterRule {
    pub name: At<String>,
    pub versions: Option<At<String>>,
    pub doc: Option<At<String>>,
    pub source: Option<At<String>>,
    pub counter: At<String>,
    pub group: Vec<At<String>>,
    pub covers: Vec<Cover>,
}

/// Records whose ids a counter covers.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Cover {
    pub of: At<String>,
    pub versions: Option<At<String>>,
    pub field: Option<At<String>>,
    #[serde(default)]
    pub archive_change_id: bool,
    /// Fields of the group that the key does not hold → the number they all have.
    #[serde(default)]
    pub fixed: Entries<At<String>>,
    #[serde(default)]
    pub only: Entries<At<String>>,
    #[serde(default)]
    pub unless: Entries<At<String>>,
}

/// An entry of `singletons:`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Singleton {
    pub name: At<String>,
    pub title: At<String>,
    pub versions: Option<At<String>>,
    pub doc: Option<At<String>>,
    pub source: Option<At<String>>,
    /// `subspace.layout` it lives in.
    pub layout: At<String>,
    /// Field → the value that all its keys have there.
    pub key: Entries<At<String>>,
    /// Store group whose place it decides, if any.
    pub store: Option<At<String>>,
    /// Number → what it stands for.
    pub variants: Entries<Variant>,
}

/// A value that the variant number of a singleton may have.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Variant {
    pub name: At<String>,
    /// Whether it stands for something outside the data store.
    pub external: bool,
}

/// A segment of a key as written: a constant or one `name: kind` pair.
#[derive(Debug, Clone)]
pub(crate) struct SegmentEntry {
    pub place: Position,
    pub what: SegmentText,
}

#[derive(Debug, Clone)]
pub(crate) enum SegmentText {
    /// `0xff00`, or `text:WORD`.
    Constant(String),
    Field(String, Box<FieldSpec>),
    // A hexadecimal constant that YAML took for a number; its width counts, so its text is restored.
    Number((usize, usize)),
}

impl SegmentEntry {
    fn restore_text(&mut self, text: &str) {
        if let SegmentText::Number((start, len)) = self.what {
            let written: String = text.chars().skip(start).take(len.max(1)).collect();
            self.what = SegmentText::Constant(written);
        }
    }
}

impl<'de> Deserialize<'de> for SegmentEntry {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let at = At::<Raw>::deserialize(deserializer)?;
        let what = match at.value {
            Raw::Text(text) => SegmentText::Constant(text),
            Raw::Number => SegmentText::Number(at.span),
            Raw::Field(name, spec) => SegmentText::Field(name, spec),
        };
        return Ok(SegmentEntry { place: at.place, what });

        enum Raw {
            Text(String),
            Number,
            Field(String, Box<FieldSpec>),
        }
        impl<'de> Deserialize<'de> for Raw {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                deserializer.deserialize_any(RawVisitor)
            }
        }
        struct RawVisitor;
        impl<'de> Visitor<'de> for RawVisitor {
            type Value = Raw;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a constant or one `name: kind` pair")
            }
            fn visit_u64<E: Error>(self, _: u64) -> Result<Raw, E> {
                Ok(Raw::Number)
            }
            fn visit_u128<E: Error>(self, _: u128) -> Result<Raw, E> {
                Ok(Raw::Number)
            }
            fn visit_i64<E: Error>(self, _: i64) -> Result<Raw, E> {
                Ok(Raw::Number)
            }
            fn visit_f64<E: Error>(self, _: f64) -> Result<Raw, E> {
                Ok(Raw::Number)
            }
            fn visit_str<E: Error>(self, text: &str) -> Result<Raw, E> {
                Ok(Raw::Text(text.to_owned()))
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Raw, A::Error> {
                let Some((name, spec)) = map.next_entry()? else {
                    return Err(A::Error::custom("an empty segment"));
                };
                if map.next_key::<IgnoredAny>()?.is_some() {
                    return Err(A::Error::custom("a segment is one `name: kind` pair"));
                }
                Ok(Raw::Field(name, Box::new(spec)))
            }
        }
    }
}

/// The kind of a field, with what restricts and explains it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct FieldSpecEntry {
    is: At<String>,
    r#in: Option<At<String>>,
    names: Option<At<String>>,
    doc: Option<At<String>>,
}

/// `u32`, or `{is: u32, in: 1.., names: collection, doc: …}`.
#[derive(Debug, Clone)]
pub(crate) struct FieldSpec {
    /// Kind word.
    pub is: String,
    /// Position of the kind word, if it is written in the long form.
    pub is_place: Option<Position>,
    pub allowed: Option<At<String>>,
    pub names: Option<At<String>>,
    pub doc: Option<At<String>>,
}

impl<'de> Deserialize<'de> for FieldSpec {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct SpecVisitor;
        impl<'de> Visitor<'de> for SpecVisitor {
            type Value = FieldSpec;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a kind such as `u32`, or a mapping with `is`")
            }
            fn visit_str<E: Error>(self, word: &str) -> Result<FieldSpec, E> {
                Ok(FieldSpec { is: word.to_owned(), is_place: None, allowed: None, names: None, doc: None })
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<FieldSpec, A::Error> {
                let FieldSpecEntry { is, r#in, names, doc } =
                    FieldSpecEntry::deserialize(MapAccessDeserializer::new(map))?;
                Ok(FieldSpec { is: is.value, is_place: Some(is.place), allowed: r#in, names, doc })
            }
        }
        deserializer.deserialize_any(SpecVisitor)
    }
}
