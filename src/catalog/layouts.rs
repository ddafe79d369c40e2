//! Layouts of keys and their segments, and the blob keys that are derived from fields of other keys.
//!
//! Plain data, with methods that need nothing else.

/// How an import treats rows in a target that a first start of the server may have left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FreshRule {
    /// Rows make the target non-empty.
    Refuse,
    /// Rows may be there and are cleared before the import.
    Clear,
    /// Rows may be there, are cleared, and those that the dump lacks are saved beside the report.
    Save,
    /// Rows may be there and stay.
    Keep,
}

/// What a value holds, as far as it is checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ValueForm {
    /// Any bytes.
    Opaque,
    /// Always empty.
    Empty,
    /// An archive with its trailer (checked by `verify`).
    Archive,
    /// Ids changed, as counts and lists of LEB128 numbers; empty where the log was truncated (checked by
    /// `verify`).
    Changes,
    /// When a node of the cluster was last seen, in seconds since 1970 (u64, big-endian), and its host name.
    Lease,
    /// One of these lengths.
    Lengths(&'static [usize]),
}

/// Whether a key meets a condition of its layout.
pub(super) type Condition = fn(&[u8]) -> bool;

/// A key layout.
#[derive(Debug)]
pub struct Layout {
    /// Index among the layouts that its subspace has in any version.
    pub index: usize,
    /// Name, unique in the subspace of a version.
    pub name: &'static str,
    /// The key, segment by segment.
    pub segments: &'static [Segment],
    /// What a value holds.
    pub value: ValueForm,
    /// Lengths at which a value is accepted whatever its bytes: bit n for n bytes, the top bit for all of 63 and
    /// more. Values of other lengths are checked against the rules.
    pub(super) value_lengths: u64,
    /// Which values of an opaque layout are archives.
    pub(super) archives: Option<Condition>,
    /// Whether values may be so long that a store cuts them.
    pub long: bool,
    /// Whether the records belong to one installation (node leases): they are not copied.
    pub local: bool,
    /// Blobs: the key is the BLAKE3 of the content.
    pub content_hash: bool,
    /// Blobs: keys of this layout that are the hash of something else.
    pub derived_keys: &'static [DerivedKeys],
    /// Whether keys name a blob by its hash.
    pub blob_link: bool,
    /// Offset of the hash in a key that names a blob or is the key of one.
    pub(super) hash_at: Option<usize>,
    /// The exact key, if the layout has no field.
    pub fixed_key: Option<&'static [u8]>,
    /// Indexes of later layouts that accept some of the same keys: the value decides where it can.
    pub shares: &'static [usize],
    /// Links: the link only records that the blob was stored.
    pub commit: bool,
    /// Links that the server writes before it uses the blob: those that meet this condition and have an empty value.
    pub(super) provisional: Option<Condition>,
    /// What rows in a fresh target mean; `None`: the rule of the subspace applies.
    pub fresh: Option<FreshRule>,
    /// The same, where the hash in the key is derived from an object of the target itself.
    pub fresh_if_derived_key: Option<FreshRule>,
}

/// The generated text builds layouts with these methods.
impl Layout {
    /// A layout without special properties.
    pub(super) const fn new(index: usize, name: &'static str, segments: &'static [Segment]) -> Layout {
        Layout { index, name, segments, ..Layout::NONE }
    }

    pub(super) const NONE: Layout = Layout {
        index: 0,
        name: "",
        segments: &[],
        value: ValueForm::Opaque,
        value_lengths: u64::MAX,
        archives: None,
        long: false,
        local: false,
        content_hash: false,
        derived_keys: &[],
        blob_link: false,
        hash_at: None,
        fixed_key: None,
        shares: &[],
        commit: false,
        provisional: None,
        fresh: None,
        fresh_if_derived_key: None,
    };

    /// Values have 8 bytes.
    pub(super) const fn counter(self) -> Layout {
        Layout { value_lengths: 1 << 8, ..self }
    }

    pub(super) const fn empty(self) -> Layout {
        Layout { value: ValueForm::Empty, value_lengths: 1, ..self }
    }

    pub(super) const fn archive(self) -> Layout {
        Layout { value: ValueForm::Archive, value_lengths: !1, ..self }
    }

    pub(super) const fn changes(self) -> Layout {
        Layout { value: ValueForm::Changes, ..self }
    }

    /// Values begin with a time of 8 bytes.
    pub(super) const fn lease(self) -> Layout {
        Layout { value: ValueForm::Lease, value_lengths: !0xff, ..self }
    }

    pub(super) const fn lengths(self, lengths: &'static [usize]) -> Layout {
        let (mut bits, mut n) = (0, 0);
        while n < lengths.len() {
            if lengths[n] < 63 {
                bits |= 1 << lengths[n];
            }
            n += 1;
        }
        Layout { value: ValueForm::Lengths(lengths), value_lengths: bits, ..self }
    }

    pub(super) const fn archives(self, archives: Condition) -> Layout {
        Layout { archives: Some(archives), ..self }
    }

    /// Values may be cut.
    pub(super) const fn long(self) -> Layout {
        Layout { long: true, ..self }
    }

    /// Records belong to one installation.
    pub(super) const fn local(self) -> Layout {
        Layout { local: true, ..self }
    }

    /// Keys are the hash of the content, which begins at this offset.
    pub(super) const fn content_hash(self, at: usize) -> Layout {
        Layout { content_hash: true, hash_at: Some(at), ..self }
    }

    pub(super) const fn derived_keys(self, derived_keys: &'static [DerivedKeys]) -> Layout {
        Layout { derived_keys, ..self }
    }

    /// Keys name a blob by its hash, which begins at this offset.
    pub(super) const fn link(self, at: usize) -> Layout {
        Layout { blob_link: true, hash_at: Some(at), ..self }
    }

    pub(super) const fn commit(self) -> Layout {
        Layout { commit: true, ..self }
    }

    pub(super) const fn provisional(self, provisional: Condition) -> Layout {
        Layout { provisional: Some(provisional), ..self }
    }

    pub(super) const fn fixed_key(self, key: &'static [u8]) -> Layout {
        Layout { fixed_key: Some(key), ..self }
    }

    pub(super) const fn shares(self, shares: &'static [usize]) -> Layout {
        Layout { shares, ..self }
    }

    pub(super) const fn fresh(self, rule: FreshRule) -> Layout {
        Layout { fresh: Some(rule), ..self }
    }

    pub(super) const fn fresh_if_derived_key(self, rule: FreshRule) -> Layout {
        Layout { fresh_if_derived_key: Some(rule), ..self }
    }

    /// Whether a value of this length is right without a closer look.
    #[inline(always)]
    pub(super) const fn takes(&self, length: usize) -> bool {
        let bit = if length < 63 { length } else { 63 };
        self.value_lengths >> bit & 1 == 1
    }
}

/// A piece of a key.
#[derive(Debug)]
pub struct Segment {
    /// Name of the field; empty for a constant.
    pub name: &'static str,
    /// How it is written.
    pub kind: SegmentKind,
    /// Inclusive ranges of the values it takes; none at all means any value.
    pub allowed: &'static [(u64, u64)],
    /// Names of its values.
    pub names: &'static Names,
}

/// Names of the values of a field; values without a name are legal.
#[derive(Debug)]
pub struct Names {
    /// Some values, ascending, with their names in the newest version that has them.
    pub(super) values: &'static [(u64, &'static str)],
    /// Values that have another name in a range of versions.
    pub(super) earlier: &'static [(u64, (u32, u32), &'static str)],
}

impl Names {
    pub(super) const NONE: &'static Names = &Names { values: &[], earlier: &[] };

    /// The names in a version, by value.
    pub fn in_version(&self, version: u32) -> impl Iterator<Item = (u64, &'static str)> {
        self.values.iter().map(move |(value, name)| {
            let earlier =
                self.earlier.iter().find(|(other, versions, _)| other == value && is_in(*versions, version));
            (*value, earlier.map_or(*name, |(_, _, name)| *name))
        })
    }
}

impl Segment {
    pub(super) const fn constant(bytes: &'static [u8]) -> Segment {
        Segment::field("", SegmentKind::Const(bytes))
    }

    const fn field(name: &'static str, kind: SegmentKind) -> Segment {
        Segment { name, kind, allowed: &[], names: Names::NONE }
    }

    pub(super) const fn within(self, allowed: &'static [(u64, u64)]) -> Segment {
        Segment { allowed, ..self }
    }

    pub(super) const fn named(self, names: &'static Names) -> Segment {
        Segment { names, ..self }
    }

    pub(super) const fn bytes(name: &'static str, count: usize) -> Segment {
        Segment::field(name, SegmentKind::Bytes(count))
    }

    pub(super) const fn u8(name: &'static str) -> Segment {
        Segment::field(name, SegmentKind::U8)
    }

    pub(super) const fn u16(name: &'static str) -> Segment {
        Segment::field(name, SegmentKind::U16)
    }

    pub(super) const fn u32(name: &'static str) -> Segment {
        Segment::field(name, SegmentKind::U32)
    }

    pub(super) const fn u64(name: &'static str) -> Segment {
        Segment::field(name, SegmentKind::U64)
    }

    pub(super) const fn hash(name: &'static str) -> Segment {
        Segment::field(name, SegmentKind::Hash)
    }

    pub(super) const fn leb32(name: &'static str) -> Segment {
        Segment::field(name, SegmentKind::Leb32)
    }

    pub(super) const fn leb64(name: &'static str) -> Segment {
        Segment::field(name, SegmentKind::Leb64)
    }

    pub(super) const fn short_hash(name: &'static str) -> Segment {
        Segment::field(name, SegmentKind::ShortHash)
    }

    pub(super) const fn term_hash(name: &'static str) -> Segment {
        Segment::field(name, SegmentKind::TermHash)
    }

    pub(super) const fn token_hash(name: &'static str) -> Segment {
        Segment::field(name, SegmentKind::TokenHash)
    }

    pub(super) const fn rest(name: &'static str) -> Segment {
        Segment::field(name, SegmentKind::Rest)
    }
}

/// How a segment is written. Numbers are big-endian.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SegmentKind {
    /// These bytes.
    Const(&'static [u8]),
    /// A byte.
    U8,
    /// Two bytes.
    U16,
    /// Four bytes.
    U32,
    /// Eight bytes.
    U64,
    /// So many bytes.
    Bytes(usize),
    /// 32 bytes of BLAKE3.
    Hash,
    /// A LEB128 number of at most 32 bits.
    Leb32,
    /// A LEB128 number of at most 64 bits.
    Leb64,
    /// A length byte, then at most 15 bytes.
    ShortHash,
    /// At most 15 bytes, then a length byte.
    TermHash,
    /// 1 to 7 bytes, or 8 bytes and a length byte.
    TokenHash,
    /// Everything up to the segments after it.
    Rest,
}

/// A layout and the letter of its subspace.
#[derive(Debug, Clone, Copy)]
pub struct LayoutRef {
    /// Letter of the subspace.
    pub letter: char,
    /// The layout.
    pub layout: &'static Layout,
}

impl LayoutRef {
    /// Whether this is the layout. A layout belongs to one subspace.
    pub fn is(&self, layout: &Layout) -> bool {
        std::ptr::eq(self.layout, layout)
    }
}

/// Blob keys that are the BLAKE3 of a prefix and an object's id in decimal, not of the content.
#[derive(Debug)]
pub struct DerivedKeys {
    /// First and last schema version that has them.
    pub(super) versions: (u32, u32),
    /// What stands before the id.
    pub prefix: &'static str,
    /// Records that name the objects.
    pub of: LayoutRef,
    /// What their keys begin with.
    pub start: &'static [u8],
    /// The id in a key, if it names such an object.
    pub(super) id: fn(&[u8]) -> Option<u64>,
}

impl DerivedKeys {
    /// The text whose hash is the blob's key, for a record of [`of`](Self::of); `None` if it names no such
    /// blob.
    pub fn preimage(&self, key: &[u8]) -> Option<String> {
        Some(format!("{}{}", self.prefix, (self.id)(key)?))
    }
}

/// Whether a version is one of those from the first to the last.
pub(super) fn is_in((first, last): (u32, u32), version: u32) -> bool {
    (first..=last).contains(&version)
}
