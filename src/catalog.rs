//! The catalog: what the schema says about every subspace, as static data.
//!
//! Generated from `schema/` by `build.rs`. Everything that is specific to a subspace is read from here; no
//! letter, table name or layout stands anywhere else in `src/`. Knows no store and no dump.

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
    /// Family of the server's own export, if any.
    pub family: Option<&'static str>,
    /// Store group.
    pub store_group: StoreGroup,
    /// Whether the server's own full export writes it.
    pub server_export: bool,
    /// Whether the server can rebuild it, so that a target without a place for it loses nothing.
    pub derived: bool,
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
}

/// A key layout.
#[derive(Debug)]
pub struct Layout {
    /// Name, unique in the subspace.
    pub name: &'static str,
    /// What a value holds.
    pub value: ValueForm,
    /// False for records that belong to one installation and stay behind (node leases).
    pub travels: bool,
    /// True for the one record that holds the schema version.
    pub schema_version: bool,
    /// Blobs: the key is the BLAKE3 of the content.
    pub content_hash: bool,
    /// What rows in a fresh target mean; `None`: as the subspace says.
    pub fresh: Option<FreshRule>,
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
#[derive(Debug)]
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
    /// RocksDB: values go to blob files.
    pub blob_files: bool,
    /// RocksDB: name of the merge operator.
    pub merge_operator: Option<&'static str>,
}
