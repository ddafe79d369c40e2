//! The shapes of the generated descriptor tables.
//!
//! Data only: who asks what of them is the catalog's and its callers' business. Plain structs with public
//! fields, so that the generated text can build them as constants.

use super::rules::ComputedKeys;
use super::typed::{Keys, TypedKey};

/// A data store the server can use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum BackendKind {
    /// RocksDB: a column family per subspace.
    RocksDb,
    /// SQLite: a table per subspace.
    Sqlite,
    /// PostgreSQL: a table per subspace.
    Postgres,
    /// MySQL or MariaDB: a table per subspace.
    Mysql,
    /// FoundationDB: a key prefix per subspace.
    FoundationDb,
}

/// How a record's value is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ValueKind {
    /// Bytes, possibly none.
    Bytes,
    /// No value: the key says it all. SQL tables have no value column.
    None,
    /// A signed 64-bit counter: 8 bytes little-endian, an integer column in SQL.
    Counter,
    /// A blob, encoded by the blob layer of the schema version.
    Blob,
}

/// Which of the server's stores holds a subspace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StoreGroup {
    /// The data store.
    Data,
    /// The blob store.
    Blob,
    /// The in-memory (lookup) store.
    Lookup,
    /// The search store.
    Search,
    /// The tracing and metrics stores.
    Telemetry,
}

/// What rows in a target mean that a first start of the server has left.
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

/// A schema version and the releases that write it.
#[derive(Debug)]
pub struct SchemaVersion {
    /// The number in the schema-version record.
    pub number: u32,
    /// Server releases, as `0.15.0 – 0.15.5`.
    pub releases: &'static str,
    /// Whether stored blobs always end in a mark; otherwise the store's setting decides how they are encoded.
    pub blobs_marked: bool,
    /// Subspaces, by letter.
    pub subspaces: &'static [Subspace],
    /// Families as the server names them for this version, with the letters they select.
    pub families: &'static [(&'static str, &'static [char])],
}

/// A subspace of one schema version.
#[derive(Debug)]
pub struct Subspace {
    /// Schema version this entry belongs to.
    pub version: u32,
    /// The letter, `a` to `z`.
    pub letter: char,
    /// Constant suffix in lower case, as `blob_link`.
    pub name: &'static str,
    /// Title for people.
    pub title: &'static str,
    /// Store group.
    pub store_group: StoreGroup,
    /// Whether the server can rebuild it, so that a target without a place for it loses nothing.
    pub derived: bool,
    /// Whether its records are the server's settings: the key is the name, the value the text.
    pub settings: bool,
    /// How values are stored.
    pub value: ValueKind,
    /// What rows in a fresh target mean, unless a layout says otherwise.
    pub fresh: FreshRule,
    /// Key layouts, in the order they are tried.
    pub layouts: &'static [&'static Layout],
    /// Table mappings, one per backend.
    pub tables: &'static [Mapping],
    /// The code of its keys.
    pub(super) keys: Keys,
}

impl Subspace {
    /// A subspace about which the schema says nothing special.
    pub(super) const PLAIN: Subspace = Subspace {
        version: 0,
        letter: ' ',
        name: "",
        title: "",
        store_group: StoreGroup::Data,
        derived: false,
        settings: false,
        value: ValueKind::Bytes,
        fresh: FreshRule::Refuse,
        layouts: &[],
        tables: &[],
        keys: Keys::NONE,
    };

    /// The subspace as a version has it, with the layouts and the keys of that version.
    pub(super) const fn with<K: TypedKey, const VERSION: u32>(
        self,
        layouts: &'static [&'static Layout],
    ) -> Subspace {
        Subspace { version: VERSION, layouts, keys: Keys::of::<K, VERSION>(), ..self }
    }
}

/// Those of the layouts that have these indexes.
pub(super) const fn pick<const N: usize>(
    all: &'static [Layout],
    indexes: [usize; N],
) -> [&'static Layout; N] {
    let mut picked = [&Layout::NONE; N];
    let mut n = 0;
    while n < N {
        picked[n] = &all[indexes[n]];
        n += 1;
    }
    picked
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
    /// Lengths of values that keep all rules: bit n for n bytes, the top bit for all of 63 and more. Others need
    /// a look at the rules.
    pub(super) value_lengths: u64,
    /// Which values of an opaque layout are archives.
    pub(super) archives: Option<Condition>,
    /// False for records that belong to one installation and stay behind (node leases).
    pub travels: bool,
    /// True for the one record that holds the schema version.
    pub schema_version: bool,
    /// Blobs: the key is the BLAKE3 of the content.
    pub content_hash: bool,
    /// Blobs: keys of this layout that are the hash of something else.
    pub computed: &'static [ComputedKeys],
    /// Whether keys name a blob by its hash.
    pub blob_link: bool,
    /// The exact key, if the layout has no field.
    pub fixed_key: Option<&'static [u8]>,
    /// Indexes of later layouts that accept some of the same keys: the value decides where it can.
    pub shares: &'static [usize],
    /// Links: it says that the blob was stored, and uses it for nothing.
    pub commit: bool,
    /// Links that the server writes before it uses the blob: those that meet this condition and have an empty value.
    pub(super) provisional: Option<Condition>,
    /// What rows in a fresh target mean; `None`: as the subspace says.
    pub fresh: Option<FreshRule>,
    /// The same, where the hash in the key is computed from an object of the target itself.
    pub fresh_if_computed: Option<FreshRule>,
}

/// How the generated text says what is special about a layout.
impl Layout {
    /// A layout about which the schema says nothing special.
    pub(super) const fn new(index: usize, name: &'static str, segments: &'static [Segment]) -> Layout {
        Layout { index, name, segments, ..Layout::NONE }
    }

    const NONE: Layout = Layout {
        index: 0,
        name: "",
        segments: &[],
        value: ValueForm::Opaque,
        value_lengths: u64::MAX,
        archives: None,
        travels: true,
        schema_version: false,
        content_hash: false,
        computed: &[],
        blob_link: false,
        fixed_key: None,
        shares: &[],
        commit: false,
        provisional: None,
        fresh: None,
        fresh_if_computed: None,
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

    /// Values have a time, and at least that.
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

    /// Records stay where they are.
    pub(super) const fn local(self) -> Layout {
        Layout { travels: false, ..self }
    }

    pub(super) const fn schema_version(self) -> Layout {
        Layout { schema_version: true, ..self }
    }

    pub(super) const fn content_hash(self) -> Layout {
        Layout { content_hash: true, ..self }
    }

    pub(super) const fn computed(self, computed: &'static [ComputedKeys]) -> Layout {
        Layout { computed, ..self }
    }

    pub(super) const fn link(self) -> Layout {
        Layout { blob_link: true, ..self }
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

    pub(super) const fn fresh_if_computed(self, rule: FreshRule) -> Layout {
        Layout { fresh_if_computed: Some(rule), ..self }
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
    /// Some values, ascending, and what the newest version that knows them calls them.
    pub(super) values: &'static [(u64, &'static str)],
    /// What some are called from one version to another.
    pub(super) earlier: &'static [(u64, (u32, u32), &'static str)],
}

impl Names {
    const NONE: &'static Names = &Names { values: &[], earlier: &[] };

    /// The names as a version has them, by value.
    pub fn in_version(&self, version: u32) -> impl Iterator<Item = (u64, &'static str)> {
        self.values.iter().map(move |(value, name)| {
            let earlier = self
                .earlier
                .iter()
                .find(|(other, (from, to), _)| other == value && (*from..=*to).contains(&version));
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
    /// Everything up to the segments behind it.
    Rest,
}

/// Where a backend keeps a subspace, or why it has no place for it.
#[derive(Debug)]
pub struct Mapping {
    /// The backend.
    pub backend: BackendKind,
    /// The table, or the reason why there is none.
    pub table: Result<Table, &'static str>,
}

/// A table, column family or key prefix.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Table {
    /// Name in the store.
    pub name: &'static str,
    /// Statement that creates it if missing; empty where the store needs none.
    pub create: &'static str,
    /// How values are stored.
    pub value: ValueKind,
    /// Longest key in bytes, if the store has a limit.
    pub max_key: Option<u64>,
    /// Longest value in bytes, if the store has a limit.
    pub max_value: Option<u64>,
    /// Keys are unique on their first so many bytes only.
    pub unique_prefix: Option<u64>,
    /// Values are integers of 64 bits: what is no number of 8 bytes has no place.
    pub integer: bool,
    /// RocksDB: values go to blob files.
    pub blob_files: bool,
    /// RocksDB: name of the merge operator.
    pub merge_operator: Option<&'static str>,
}

impl Table {
    /// A table without limits.
    pub(super) const PLAIN: Table = Table {
        name: "",
        create: "",
        value: ValueKind::Bytes,
        max_key: None,
        max_value: None,
        unique_prefix: None,
        integer: false,
        blob_files: false,
        merge_operator: None,
    };
}

impl Mapping {
    pub(super) const fn refused(backend: BackendKind, reason: &'static str) -> Mapping {
        Mapping { backend, table: Err(reason) }
    }
}

/// What the tables of one backend and value kind have in common.
pub(super) struct Template(pub(super) BackendKind, pub(super) Table);

impl Template {
    pub(super) const fn table(self, name: &'static str) -> Mapping {
        self.created(name, "")
    }

    pub(super) const fn created(self, name: &'static str, create: &'static str) -> Mapping {
        Mapping { backend: self.0, table: Ok(Table { name, create, ..self.1 }) }
    }

    /// Of tables whose values may not be longer than this.
    pub(super) const fn up_to(self, max_value: u64) -> Template {
        Template(self.0, Table { max_value: Some(max_value), ..self.1 })
    }
}

/// A subspace of older schema versions whose letter later versions do not use.
#[derive(Debug)]
pub(super) struct LegacySubspace {
    /// The letter.
    pub letter: char,
    /// First and last version in which its table may be left over.
    pub versions: (u32, u32),
    /// What it held.
    pub title: &'static str,
    /// Its tables, one per backend.
    pub tables: &'static [Mapping],
}

/// A table that an older schema version has left: its rows, if any, mean nothing to this version.
#[derive(Debug, Clone, Copy)]
pub struct LegacyTable {
    /// The letter.
    pub letter: char,
    /// What it held.
    pub title: &'static str,
    /// The table as the older version made it.
    pub table: &'static Table,
    /// It must exist for the server to open the store, so a new store gets it, empty.
    pub required: bool,
}

/// A table beside the subspaces: data that the server rebuilds.
#[derive(Debug)]
pub struct SideTable {
    /// The backend.
    pub backend: BackendKind,
    /// First and last version that has it.
    pub(super) versions: (u32, u32),
    /// The table: its name alone, for its columns are the server's business.
    pub table: Table,
    /// What it holds.
    pub title: &'static str,
}

impl SideTable {
    pub(super) const fn new(
        backend: BackendKind,
        name: &'static str,
        versions: (u32, u32),
        title: &'static str,
    ) -> SideTable {
        SideTable { backend, versions, table: Table { name, ..Table::PLAIN }, title }
    }
}

/// A table of something else that is often in the same database.
#[derive(Debug)]
pub struct Companion {
    /// The backend.
    pub backend: BackendKind,
    /// Its name, or the beginning of its name and a star.
    pub name: &'static str,
    /// What it is.
    pub title: &'static str,
}

impl Companion {
    pub(super) fn is_named(&self, name: &str) -> bool {
        match self.name.strip_suffix('*') {
            Some(start) => name.starts_with(start),
            None => name == self.name,
        }
    }
}

/// A data store as a whole.
#[derive(Debug)]
pub struct Backend {
    /// Which.
    pub kind: BackendKind,
    /// Name in the schema, as `rocksdb`.
    pub name: &'static str,
    /// Name for people.
    pub title: &'static str,
    /// Whether the server opens a store only if the tables that older versions have left exist.
    pub(super) legacy_required: bool,
}

/// An object of which a data store has at most one, and which says where another store is.
#[derive(Debug)]
pub struct Singleton {
    /// Name in the schema, as `blob_store`.
    pub name: &'static str,
    /// The server's name of it, as `BlobStore`.
    pub title: &'static str,
    /// First and last version that has it there.
    pub(super) versions: (u32, u32),
    /// Letter of its subspace.
    pub letter: char,
    /// Its key.
    pub key: &'static [u8],
    /// The store group whose place it decides; `None` if no records are there.
    pub store: Option<StoreGroup>,
    /// The alternatives its value chooses from.
    pub variants: &'static [Variant],
}

/// One of the alternatives a singleton chooses from.
#[derive(Debug, PartialEq, Eq)]
pub struct Variant {
    /// The number in its value.
    pub number: u64,
    /// What it is called, as `FileSystem`.
    pub name: &'static str,
    /// Whether it stands for something outside the data store.
    pub external: bool,
}

impl Variant {
    pub(super) const fn internal(number: u64, name: &'static str) -> Variant {
        Variant { number, name, external: false }
    }

    pub(super) const fn external(number: u64, name: &'static str) -> Variant {
        Variant { number, name, external: true }
    }
}

/// The record that tells the schema version of a store.
#[derive(Debug)]
pub struct VersionRecord {
    /// Letter of its subspace.
    pub letter: char,
    /// Its key.
    pub key: &'static [u8],
    /// The tables of its subspace.
    pub tables: &'static [Mapping],
}
