//! The shapes of the generated descriptor tables.
//!
//! Data only: who asks what of them is the catalog's and its callers' business. Plain structs with public
//! fields, so that the generated text can build them as constants.

use super::rules::{ComputedKeys, Conditions, CounterRule};
use crate::codec::KeyError;

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

/// What the server's own export of a schema version writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ServerDump {
    /// A stream of operations per family (0.11 to 0.14).
    OpStream,
    /// A file per subspace (0.15 and later).
    SubspaceFiles,
}

/// A schema version and the releases that write it.
#[derive(Debug)]
pub struct SchemaVersion {
    /// The number in the schema-version record.
    pub number: u32,
    /// Server releases, as `0.15.0 – 0.15.5`.
    pub releases: &'static str,
    /// What sets it apart.
    pub doc: &'static str,
    /// What the server's own export writes.
    pub server_dump: ServerDump,
    /// Whether stored blobs always end in a mark; otherwise the store's setting decides how they are encoded.
    pub blobs_marked: bool,
    /// Subspaces, by letter.
    pub subspaces: &'static [Subspace],
    /// Families as the server names them for this version, with the letters they select.
    pub families: &'static [(&'static str, &'static [char])],
    /// Subspaces of older versions whose tables may be left over.
    pub legacy: &'static [LegacySubspace],
    /// Tables beside the subspaces, of all backends.
    pub side_tables: &'static [SideTable],
    /// What counters must cover.
    pub counter_rules: &'static [CounterRule],
    /// Objects that say where stores are.
    pub singletons: &'static [Singleton],
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
    /// What it holds, in a sentence or two.
    pub doc: &'static str,
    /// Where the facts come from: files of the server and their release.
    pub source: &'static str,
    /// Family of the server's own export, if any.
    pub family: Option<&'static str>,
    /// Why it is in no family.
    pub no_family: Option<&'static str>,
    /// Store group.
    pub store_group: StoreGroup,
    /// Whether the server's own full export writes it.
    pub server_export: bool,
    /// Whether the server's own importer takes a `subspace_X` file of it.
    pub server_import: bool,
    /// Whether the server can rebuild it, so that a target without a place for it loses nothing.
    pub derived: bool,
    /// Whether its records are the server's settings: the key is the name, the value the text.
    pub settings: bool,
    /// How values are stored.
    pub value: ValueKind,
    /// What rows in a fresh target mean, unless a layout says otherwise.
    pub fresh: FreshRule,
    /// Key layouts, in the order they are tried.
    pub layouts: &'static [Layout],
    /// Table mappings, one per backend.
    pub tables: &'static [Mapping],
    /// Finds the layout of a key: index into `layouts`.
    pub decode: fn(&[u8]) -> Result<usize, KeyError>,
    /// The layout of a key whose value may have this length; `None` says only that a closer look is due.
    pub accepts: fn(&[u8], usize) -> Option<&'static Layout>,
}

impl Subspace {
    /// The same in another version.
    pub(super) const fn in_version(self, version: u32) -> Subspace {
        Subspace { version, ..self }
    }

    /// The same as the server's tools of another version treat it.
    pub(super) const fn of_family(
        self,
        family: Option<&'static str>,
        no_family: Option<&'static str>,
        server_export: bool,
        server_import: bool,
    ) -> Subspace {
        Subspace { family, no_family, server_export, server_import, ..self }
    }
}

/// A key layout.
#[derive(Debug)]
pub struct Layout {
    /// Name, unique in the subspace.
    pub name: &'static str,
    /// What it is.
    pub doc: &'static str,
    /// The key, segment by segment.
    pub segments: &'static [Segment],
    /// What a value holds.
    pub value: ValueForm,
    /// Lengths of values that keep all rules: bit n for n bytes, the top bit for all of 63 and more. Others need
    /// a look at the rules.
    pub value_lengths: u64,
    /// Which values of an opaque layout are archives: those whose fields meet any of these conditions.
    pub archives: &'static [Conditions],
    /// Values may exceed 100 000 bytes, so that FoundationDB cuts them into pieces.
    pub long: bool,
    /// False for records that belong to one installation and stay behind (node leases).
    pub travels: bool,
    /// True for the one record that holds the schema version.
    pub schema_version: bool,
    /// Blobs: the key is the BLAKE3 of the content.
    pub content_hash: bool,
    /// Blobs: keys of this layout that are the hash of something else.
    pub computed: &'static [ComputedKeys],
    /// Offset of the 32-byte hash of a blob that a key names.
    pub blob_link: Option<usize>,
    /// The exact key, if the layout has no field.
    pub fixed_key: Option<&'static [u8]>,
    /// Later layouts that accept some of the same keys: the value decides where it can.
    pub shares: &'static [usize],
    /// Links: it says that the blob was stored, and uses it for nothing.
    pub commit: bool,
    /// Links that the server writes before it uses the blob: those that meet these conditions and have an empty
    /// value.
    pub provisional: Option<Conditions>,
    /// What rows in a fresh target mean; `None`: as the subspace says.
    pub fresh: Option<FreshRule>,
    /// The same, where the hash in the key is computed from an object of the target itself.
    pub fresh_if_computed: Option<FreshRule>,
}

impl Layout {
    /// Whether a value of this length is right without a closer look.
    #[inline(always)]
    pub(super) const fn takes(&self, length: usize) -> bool {
        let bit = if length < 63 { length } else { 63 };
        self.value_lengths >> bit & 1 == 1
    }

    /// A layout about which the schema says nothing special.
    pub(super) const PLAIN: Layout = Layout {
        name: "",
        doc: "",
        segments: &[],
        value: ValueForm::Opaque,
        value_lengths: u64::MAX,
        archives: &[],
        long: false,
        travels: true,
        schema_version: false,
        content_hash: false,
        computed: &[],
        blob_link: None,
        fixed_key: None,
        shares: &[],
        commit: false,
        provisional: None,
        fresh: None,
        fresh_if_computed: None,
    };
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
    /// Names of some values, ascending.
    pub names: &'static [(u64, &'static str)],
}

impl Segment {
    pub(super) const fn constant(bytes: &'static [u8]) -> Segment {
        Segment { name: "", kind: SegmentKind::Const(bytes), allowed: &[], names: &[] }
    }

    pub(super) const fn field(name: &'static str, kind: SegmentKind) -> Segment {
        Segment { name, kind, allowed: &[], names: &[] }
    }

    pub(super) const fn within(self, allowed: &'static [(u64, u64)]) -> Segment {
        Segment { allowed, ..self }
    }

    pub(super) const fn named(self, names: &'static [(u64, &'static str)]) -> Segment {
        Segment { names, ..self }
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
    /// RocksDB: smallest value that goes to a blob file, unless configured otherwise.
    pub min_blob_size: Option<u64>,
    /// RocksDB: name of the merge operator.
    pub merge_operator: Option<&'static str>,
    /// FoundationDB: how long values are cut.
    pub pieces: Option<Pieces>,
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
        min_blob_size: None,
        merge_operator: None,
        pieces: None,
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

    /// The table of a subspace whose values the server never cuts: a piece is all that one may have.
    pub(super) const fn whole(self, name: &'static str) -> Mapping {
        let max_value = match self.1.pieces {
            Some(pieces) => Some(pieces.size),
            None => self.1.max_value,
        };
        Mapping { backend: self.0, table: Ok(Table { name, max_value, pieces: None, ..self.1 }) }
    }

    pub(super) const fn created(self, name: &'static str, create: &'static str) -> Mapping {
        Mapping { backend: self.0, table: Ok(Table { name, create, ..self.1 }) }
    }
}

/// How a store cuts a value into several physical ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pieces {
    /// Bytes of every piece but the last.
    pub size: u64,
    /// Bytes of the big-endian piece number behind every key, counted from 0. 0: the first piece has the bare
    /// key, and each later one a byte behind it, counted from 0.
    pub number_width: u8,
    /// Most pieces a value may have.
    pub most: u32,
    /// Releases that took fewer.
    pub earlier: Option<EarlierPieces>,
}

/// Releases that took fewer pieces than the later ones of their schema versions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EarlierPieces {
    /// First and last schema version with such releases.
    pub versions: (u32, u32),
    /// The releases.
    pub releases: &'static str,
    /// Most pieces a value may have for them to read it.
    pub most: u32,
}

/// A subspace of older schema versions whose letter this version does not use.
#[derive(Debug)]
pub struct LegacySubspace {
    /// The letter.
    pub letter: char,
    /// What it held.
    pub title: &'static str,
    /// Its tables, one per backend.
    pub tables: &'static [Mapping],
    /// Backends in which the server opens a store only if the table exists.
    pub required: &'static [BackendKind],
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
    /// The table: its name alone, for its columns are the server's business.
    pub table: Table,
    /// What it holds.
    pub title: &'static str,
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
    /// A table that the engine itself adds and the server never uses.
    pub default_table: Option<&'static str>,
    /// Largest transaction in bytes.
    pub transaction_limit: Option<u64>,
}

/// An object of which a data store has at most one, and which says where another store is.
#[derive(Debug)]
pub struct Singleton {
    /// Name in the schema, as `blob_store`.
    pub name: &'static str,
    /// The server's name of it, as `BlobStore`.
    pub title: &'static str,
    /// What it decides, in a sentence.
    pub doc: &'static str,
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
