//! What the schema means: names resolved, ranges and kinds read, every length known.
//!
//! Does not depend on YAML or Rust. `lower` builds it from the written schema; `check` checks it.

mod lengths;
mod lower;
mod places;

use crate::report::Position;

pub(crate) use lengths::Lengths;
pub(crate) use lower::lower;
pub(crate) use places::{Begin, begins};

/// The whole schema.
#[derive(Debug)]
pub(crate) struct Model {
    pub versions: Vec<SchemaVersion>,
    pub backends: Vec<Backend>,
    pub names: Vec<NameTable>,
    pub subspaces: Vec<Subspace>,
    pub legacy: Vec<Legacy>,
    pub rules: Vec<CounterRule>,
    pub singletons: Vec<Singleton>,
}

impl Model {
    /// The subspaces of a version.
    pub fn subspaces_in(&self, version: u32) -> impl Iterator<Item = &Subspace> + Clone {
        self.subspaces.iter().filter(move |s| s.versions.contains(version))
    }

    /// The entry of a name in a version.
    pub fn named(&self, version: u32, name: &str) -> Option<&Subspace> {
        self.subspaces_in(version).find(|s| s.name.value == name)
    }

    /// The layouts of all subspaces.
    pub fn layouts(&self) -> impl Iterator<Item = &Layout> {
        self.subspaces.iter().flat_map(|s| &s.layouts)
    }

    /// What a path means in a version.
    pub fn layout(&self, version: u32, path: &LayoutPath) -> Option<&Layout> {
        self.named(version, &path.subspace)?.layouts_in(version).find(|l| l.name.value == path.layout)
    }
}

/// Text with its place.
#[derive(Debug, Clone)]
pub(crate) struct Text {
    pub value: String,
    pub place: Position,
}

/// Schema versions from one to another, both included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Range {
    pub from: u32,
    pub to: u32,
    pub place: Position,
}

impl Range {
    pub fn contains(&self, version: u32) -> bool {
        self.from <= version && version <= self.to
    }

    pub fn iter(&self) -> impl Iterator<Item = u32> + use<> {
        self.from..=self.to
    }

    /// The first version that is in both.
    pub fn common(&self, other: &Range) -> Option<u32> {
        Some(self.from.max(other.from)).filter(|first| *first <= self.to.min(other.to))
    }
}

/// Inclusive ranges, ascending; none at all means any value.
pub(crate) type IntSet = Vec<(u64, u64)>;

#[derive(Debug)]
pub(crate) struct SchemaVersion {
    pub number: u32,
    pub releases: String,
    pub doc: Option<Text>,
    pub source: Option<Text>,
    pub subspace_files: bool,
    pub blobs_marked: bool,
    pub families: Vec<(String, Vec<Letter>)>,
    pub no_family: Vec<(Letter, String)>,
    pub place: Position,
}

/// A letter and where it is written.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Letter {
    pub value: char,
    pub place: Position,
}

#[derive(Debug)]
pub(crate) struct Backend {
    pub name: Text,
    pub title: String,
    pub doc: Option<Text>,
    pub source: Option<Text>,
    pub table: String,
    pub legacy_required: bool,
    /// By `ValueKind as usize`.
    pub kinds: [TableKind; 4],
    pub refuses: Vec<(Text, String)>,
    pub side_tables: Vec<SideTable>,
    /// Names, or their beginnings with a star, and titles.
    pub companions: Vec<(String, String)>,
}

impl Backend {
    /// The longest value of a subspace that this backend never cuts.
    pub fn whole(&self, subspace: &Subspace) -> Option<u64> {
        let pieces = self.kinds[subspace.value as usize].pieces.as_ref()?;
        pieces.whole.iter().any(|name| name.value == subspace.name.value).then_some(pieces.size)
    }

    pub fn refusal(&self, subspace: &str) -> Option<&str> {
        self.refuses.iter().find(|(name, _)| name.value == subspace).map(|(_, because)| because.as_str())
    }
}

#[derive(Debug, Clone)]
pub(crate) struct TableKind {
    pub create: Option<String>,
    pub max_key: Option<u64>,
    pub max_value: Option<u64>,
    pub unique_prefix: Option<u64>,
    /// Whether values are integers, and where that is written.
    pub integer: Option<(bool, Position)>,
    pub merge_operator: Option<String>,
    pub blob_min_size: Option<u64>,
    pub pieces: Option<Pieces>,
}

/// How a store cuts long values.
#[derive(Debug, Clone)]
pub(crate) struct Pieces {
    pub size: u64,
    /// Width of the number that every key carries.
    pub width: u8,
    pub most: u32,
    /// Subspaces whose values are never cut.
    pub whole: Vec<Text>,
    /// Versions, releases and most pieces of those that took fewer.
    pub earlier: Option<(Range, String, u32)>,
}

#[derive(Debug)]
pub(crate) struct SideTable {
    pub name: String,
    pub versions: Range,
    pub title: String,
}

#[derive(Debug)]
pub(crate) struct NameTable {
    pub name: Text,
    pub doc: String,
    pub source: String,
    pub values: Vec<(u64, String)>,
    /// What values were called in other versions.
    pub earlier: Vec<EarlierName>,
}

/// Another name of a value, in some versions.
#[derive(Debug)]
pub(crate) struct EarlierName {
    pub value: u64,
    pub versions: Range,
    pub name: String,
    pub place: Position,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ValueKind {
    Bytes,
    None,
    Counter,
    Blob,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StoreGroup {
    Data,
    Blob,
    Lookup,
    Search,
    Telemetry,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fresh {
    Refuse,
    Clear,
    Save,
    Keep,
}

#[derive(Debug)]
pub(crate) struct Subspace {
    pub name: Text,
    pub letter: char,
    pub letter_place: Position,
    pub versions: Range,
    pub title: Option<Text>,
    pub doc: Option<Text>,
    pub source: Option<Text>,
    pub store: StoreGroup,
    pub value: ValueKind,
    pub fresh: Fresh,
    pub derived: bool,
    pub settings: bool,
    pub layouts: Vec<Layout>,
}

impl Subspace {
    /// The layouts of a version.
    pub fn layouts_in(&self, version: u32) -> impl Iterator<Item = &Layout> {
        self.layouts.iter().filter(move |layout| layout.versions.contains(version))
    }
}

#[derive(Debug)]
pub(crate) struct Layout {
    pub name: Text,
    pub versions: Range,
    pub doc: Option<Text>,
    pub segments: Vec<Segment>,
    pub value: ValueForm,
    pub value_place: Position,
    pub value_doc: Option<String>,
    /// Which values of an opaque layout are archives: any of these.
    pub archives: Vec<Vec<(Text, IntSet)>>,
    pub long: bool,
    pub local: bool,
    pub schema_version: bool,
    pub content_hash: bool,
    pub derived_keys: Vec<DerivedKeys>,
    pub links_blob: Option<Text>,
    /// Whether the link only records that the blob was stored, and where that is written.
    pub commit: Option<(bool, Position)>,
    /// Which links are written before the blob is used; none at all if none are.
    pub provisional: Vec<(Text, IntSet)>,
    pub fresh: Option<Fresh>,
    /// Instead of `fresh` for derived keys, and where that is written.
    pub fresh_if_derived_key: Option<(Fresh, Position)>,
    pub shares: Vec<Shares>,
}

impl Layout {
    /// The exact key, if the layout has no field.
    pub fn fixed_key(&self) -> Option<Vec<u8>> {
        let mut key = Vec::new();
        for segment in &self.segments {
            let SegmentKind::Const(bytes) = &segment.kind else { return None };
            key.extend_from_slice(bytes);
        }
        Some(key)
    }

    /// The segment of a field.
    pub fn field(&self, name: &str) -> Option<&Segment> {
        self.segments.iter().find(|s| s.name == name)
    }

    /// Offset of the hash of the blob that a key names or is, if it has one that is counted from the start.
    pub fn hash_at(&self) -> Option<usize> {
        let named = |segment: &Segment| match &self.links_blob {
            Some(field) => segment.name == field.value,
            None => self.content_hash,
        };
        let hash = self.segments.iter().position(|s| s.kind == SegmentKind::Hash && named(s))?;
        match begins(&self.segments)[hash] {
            Begin::Start(offset) => Some(offset),
            Begin::End(_) | Begin::Found => None,
        }
    }

    /// Accepted key lengths.
    pub fn lengths(&self) -> Lengths {
        let mut all = Lengths::only([0]);
        for segment in &self.segments {
            all = all.plus(&segment.kind.lengths());
        }
        all.without_zero()
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ValueForm {
    Opaque,
    Empty,
    Archive,
    Changes,
    Lease,
    Lengths(Vec<u64>),
}

#[derive(Debug)]
pub(crate) struct Shares {
    pub with: Text,
    pub because: String,
    pub undecidable: bool,
}

#[derive(Debug)]
pub(crate) struct DerivedKeys {
    pub versions: Range,
    pub doc: String,
    pub prefix: String,
    pub of: LayoutPath,
    pub field: Text,
    pub only: Vec<(Text, IntSet)>,
}

/// `subspace.layout`.
#[derive(Debug, Clone)]
pub(crate) struct LayoutPath {
    pub subspace: String,
    pub layout: String,
    pub place: Position,
}

#[derive(Debug)]
pub(crate) struct Segment {
    /// Empty for a constant.
    pub name: String,
    pub kind: SegmentKind,
    pub allowed: IntSet,
    pub names: Option<Text>,
    pub doc: String,
    pub place: Position,
}

/// How a segment is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum SegmentKind {
    Const(Vec<u8>),
    U8,
    U16,
    U32,
    U64,
    Bytes(usize),
    Hash,
    Leb32,
    Leb64,
    /// Length byte, then at most 15 bytes.
    ShortHash,
    /// At most 15 bytes, then the length byte.
    TermHash,
    /// 1 to 7 bytes, or 8 and a length byte.
    TokenHash,
    Rest,
}

impl SegmentKind {
    /// Length in bytes, if it never varies.
    pub fn fixed(&self) -> Option<usize> {
        match self {
            SegmentKind::Const(bytes) => Some(bytes.len()),
            SegmentKind::U8 => Some(1),
            SegmentKind::U16 => Some(2),
            SegmentKind::U32 => Some(4),
            SegmentKind::U64 => Some(8),
            SegmentKind::Bytes(n) => Some(*n),
            SegmentKind::Hash => Some(32),
            _ => None,
        }
    }

    /// Its end cannot be found from its own bytes, read forwards.
    pub fn undelimited(&self) -> bool {
        matches!(self, SegmentKind::TermHash | SegmentKind::TokenHash | SegmentKind::Rest)
    }

    pub fn lengths(&self) -> Lengths {
        match self {
            SegmentKind::Leb32 => Lengths::only(1..=5),
            SegmentKind::Leb64 => Lengths::only(1..=10),
            SegmentKind::ShortHash | SegmentKind::TermHash => Lengths::only(1..=16),
            SegmentKind::TokenHash => Lengths::only([1, 2, 3, 4, 5, 6, 7, 9]),
            SegmentKind::Rest => Lengths::from(0),
            fixed => Lengths::only(fixed.fixed()),
        }
    }

    /// Largest value of a number; `None` for bytes.
    pub fn largest(&self) -> Option<u64> {
        match self {
            SegmentKind::U8 => Some(u8::MAX.into()),
            SegmentKind::U16 => Some(u16::MAX.into()),
            SegmentKind::U32 | SegmentKind::Leb32 => Some(u32::MAX.into()),
            SegmentKind::U64 | SegmentKind::Leb64 => Some(u64::MAX),
            _ => None,
        }
    }

    /// The word of the schema language.
    pub fn word(&self) -> String {
        match self {
            SegmentKind::Const(bytes) => hex_constant(bytes),
            SegmentKind::U8 => "u8".into(),
            SegmentKind::U16 => "u16".into(),
            SegmentKind::U32 => "u32".into(),
            SegmentKind::U64 => "u64".into(),
            SegmentKind::Bytes(n) => format!("bytes({n})"),
            SegmentKind::Hash => "hash".into(),
            SegmentKind::Leb32 => "leb128(u32)".into(),
            SegmentKind::Leb64 => "leb128(u64)".into(),
            SegmentKind::ShortHash => "short_hash".into(),
            SegmentKind::TermHash => "term_hash".into(),
            SegmentKind::TokenHash => "token_hash".into(),
            SegmentKind::Rest => "rest".into(),
        }
    }
}

/// A constant as it is printed: text where it is text, else hex.
pub(crate) fn hex_constant(bytes: &[u8]) -> String {
    if is_text(bytes) {
        return format!("\"{}\"", String::from_utf8_lossy(bytes));
    }
    let digits: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("0x{digits}")
}

/// Whether bytes are easier to read as text.
pub(crate) fn is_text(bytes: &[u8]) -> bool {
    bytes.len() > 4 && bytes.iter().all(u8::is_ascii_graphic)
}

#[derive(Debug)]
pub(crate) struct Legacy {
    pub letter: Letter,
    pub versions: Range,
    pub value: ValueKind,
    pub title: String,
}

#[derive(Debug)]
pub(crate) struct CounterRule {
    pub name: Text,
    pub versions: Range,
    pub doc: Option<Text>,
    pub source: Option<Text>,
    pub counter: LayoutPath,
    pub group: Vec<Text>,
    pub covers: Vec<Cover>,
}

#[derive(Debug)]
pub(crate) struct Cover {
    pub of: LayoutPath,
    pub versions: Range,
    /// `None`: the change id in the trailer of the archived value.
    pub field: Option<Text>,
    /// Fields of the group that have one number for all these records.
    pub fixed: Vec<(Text, u64)>,
    pub only: Vec<(Text, IntSet)>,
    pub unless: Vec<(Text, IntSet)>,
}

impl Cover {
    /// The number that a field of the group has for all these records.
    pub fn fixed_number(&self, field: &str) -> Option<u64> {
        self.fixed.iter().find(|(name, _)| name.value == field).map(|(_, number)| *number)
    }

    /// The fields that the key of a covered record must have: those of the group that are not fixed, and the id.
    pub fn key_fields<'c>(&'c self, group: &'c [Text]) -> impl Iterator<Item = &'c Text> {
        group.iter().filter(|field| self.fixed_number(&field.value).is_none()).chain(&self.field)
    }
}

/// A record that exists at most once and defines where a store is.
#[derive(Debug)]
pub(crate) struct Singleton {
    pub name: Text,
    pub title: String,
    pub versions: Range,
    pub doc: Option<Text>,
    pub source: Option<Text>,
    pub layout: LayoutPath,
    /// Field → value, in the order written.
    pub key: Vec<(Text, u64)>,
    pub store: Option<StoreGroup>,
    pub variants: Vec<Variant>,
}

impl Singleton {
    /// Its key, if the layout has numbers of fixed width and constants only, and each number is given.
    pub fn key_of(&self, layout: &Layout) -> Option<Vec<u8>> {
        let mut key = Vec::new();
        for segment in &layout.segments {
            if let SegmentKind::Const(bytes) = &segment.kind {
                key.extend_from_slice(bytes);
                continue;
            }
            let (_, value) = self.key.iter().find(|(field, _)| field.value == segment.name)?;
            let bytes = value.to_be_bytes();
            let width = segment.kind.largest().and_then(|_| segment.kind.fixed())?;
            key.extend_from_slice(bytes.get(bytes.len().checked_sub(width)?..)?);
        }
        Some(key)
    }
}

/// A value that the variant number of a singleton may have.
#[derive(Debug)]
pub(crate) struct Variant {
    pub number: u64,
    pub name: Text,
    pub external: bool,
}
