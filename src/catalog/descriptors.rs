//! The shapes of the generated descriptor tables.
//!
//! Structs, and the constant functions with which the generated text builds them. Functions that search the tables
//! are in `catalog`.

use super::layouts::{FreshRule, Layout};
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
    /// No value, only a key. SQL tables have no value column.
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
    /// What rows in a fresh target mean, unless a layout has a rule of its own.
    pub fresh: FreshRule,
    /// Key layouts, in the order they are tried.
    pub layouts: &'static [&'static Layout],
    /// Table mappings, one per backend.
    pub tables: &'static [Mapping],
    /// The code of its keys.
    pub(super) keys: Keys,
}

impl SchemaVersion {
    pub(super) const fn new(
        number: u32,
        releases: &'static str,
        subspaces: &'static [Subspace],
        families: &'static [(&'static str, &'static [char])],
    ) -> SchemaVersion {
        SchemaVersion { number, releases, blobs_marked: false, subspaces, families }
    }

    /// Stored blobs always end in a mark.
    pub(super) const fn blobs_marked(self) -> SchemaVersion {
        SchemaVersion { blobs_marked: true, ..self }
    }
}

impl Subspace {
    /// A subspace without special properties, not yet in a version.
    pub(super) const fn new(
        letter: char,
        name: &'static str,
        title: &'static str,
        value: ValueKind,
        tables: &'static [Mapping],
    ) -> Subspace {
        Subspace {
            version: 0,
            letter,
            name,
            title,
            store_group: StoreGroup::Data,
            derived: false,
            settings: false,
            value,
            fresh: FreshRule::Refuse,
            layouts: &[],
            tables,
            keys: Keys::NONE,
        }
    }

    pub(super) const fn store(self, store_group: StoreGroup) -> Subspace {
        Subspace { store_group, ..self }
    }

    pub(super) const fn fresh(self, fresh: FreshRule) -> Subspace {
        Subspace { fresh, ..self }
    }

    pub(super) const fn derived(self) -> Subspace {
        Subspace { derived: true, ..self }
    }

    pub(super) const fn settings(self) -> Subspace {
        Subspace { settings: true, ..self }
    }

    /// The subspace as a version has it, with the layouts and the keys of that version.
    pub(super) const fn with<K: TypedKey, const VERSION: u32>(
        self,
        layouts: &'static [&'static Layout],
    ) -> Subspace {
        Subspace { version: VERSION, layouts, keys: Keys::of::<K, VERSION>(), ..self }
    }
}

/// The layouts with these indexes.
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
    /// Longer values are cut into pieces, each under a key of its own.
    pub pieces: Option<Pieces>,
    /// Values are integers of 64 bits: a value of another length than 8 bytes cannot be stored.
    pub integer: bool,
    /// RocksDB: values go to blob files.
    pub blob_files: bool,
    /// RocksDB: name of the merge operator.
    pub merge_operator: Option<&'static str>,
}

/// How a store cuts values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pieces {
    /// Bytes of every piece but the last.
    pub size: u64,
    /// Bytes of the number, big-endian from 0, at the end of every piece's key. With 0 the first piece has the key of
    /// the value, and the later ones that key and one byte, from 0.
    pub number_width: u8,
    /// Most pieces of a value.
    pub most: u32,
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
        pieces: None,
        integer: false,
        blob_files: false,
        merge_operator: None,
    };
}

/// What the tables of one backend and value kind have in common.
pub(super) struct Template {
    backend: BackendKind,
    table: Table,
}

impl Template {
    /// Tables without limits.
    pub(super) const fn new(backend: BackendKind, value: ValueKind) -> Template {
        Template { backend, table: Table { value, ..Table::PLAIN } }
    }

    pub(super) const fn max_key(self, bytes: u64) -> Template {
        Template { table: Table { max_key: Some(bytes), ..self.table }, ..self }
    }

    pub(super) const fn max_value(self, bytes: u64) -> Template {
        Template { table: Table { max_value: Some(bytes), ..self.table }, ..self }
    }

    pub(super) const fn unique_prefix(self, bytes: u64) -> Template {
        Template { table: Table { unique_prefix: Some(bytes), ..self.table }, ..self }
    }

    pub(super) const fn pieces(self, size: u64, number_width: u8, most: u32) -> Template {
        let pieces = Some(Pieces { size, number_width, most });
        Template { table: Table { pieces, ..self.table }, ..self }
    }

    pub(super) const fn integer(self) -> Template {
        Template { table: Table { integer: true, ..self.table }, ..self }
    }

    pub(super) const fn blob_files(self) -> Template {
        Template { table: Table { blob_files: true, ..self.table }, ..self }
    }

    pub(super) const fn merge_operator(self, name: &'static str) -> Template {
        Template { table: Table { merge_operator: Some(name), ..self.table }, ..self }
    }

    pub(super) const fn table(self, name: &'static str) -> Mapping {
        self.created(name, "")
    }

    pub(super) const fn created(self, name: &'static str, create: &'static str) -> Mapping {
        Mapping { backend: self.backend, table: Ok(Table { name, create, ..self.table }) }
    }
}

/// Tables of which a backend has none, for this reason.
pub(super) const fn refused<const N: usize>(
    mut tables: [Mapping; N],
    backend: BackendKind,
    reason: &'static str,
) -> [Mapping; N] {
    let mut n = 0;
    while n < N {
        if tables[n].backend as usize == backend as usize {
            tables[n].table = Err(reason);
        }
        n += 1;
    }
    tables
}

/// Tables whose values a backend never cuts, so that they may not be longer than this.
pub(super) const fn up_to<const N: usize>(
    mut tables: [Mapping; N],
    backend: BackendKind,
    max_value: u64,
) -> [Mapping; N] {
    let mut n = 0;
    while n < N {
        if tables[n].backend as usize == backend as usize
            && let Ok(table) = tables[n].table
        {
            tables[n].table = Ok(Table { max_value: Some(max_value), pieces: None, ..table });
        }
        n += 1;
    }
    tables
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

impl LegacySubspace {
    pub(super) const fn new(
        letter: char,
        versions: (u32, u32),
        title: &'static str,
        tables: &'static [Mapping],
    ) -> LegacySubspace {
        LegacySubspace { letter, versions, title, tables }
    }
}

/// A table that an older schema version has left. This version does not use its rows.
#[derive(Debug, Clone, Copy)]
pub struct LegacyTable {
    /// The letter.
    pub letter: char,
    /// What it held.
    pub title: &'static str,
    /// The table as the older version made it.
    pub table: &'static Table,
    /// Whether the server opens a store only if the table exists. A new store gets it, empty.
    pub required: bool,
}

/// A table beside the subspaces: data that the server rebuilds.
#[derive(Debug)]
pub struct SideTable {
    /// The backend.
    pub backend: BackendKind,
    /// First and last version that has it.
    pub(super) versions: (u32, u32),
    /// The table, with its name only: the server alone defines its columns.
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

/// A data store as a whole.
#[derive(Debug)]
pub struct Backend {
    /// The kind of the store.
    pub kind: BackendKind,
    /// Name in the schema, as `rocksdb`.
    pub name: &'static str,
    /// Name for people.
    pub title: &'static str,
    /// Whether the server opens a store only if the tables that older versions have left exist.
    pub(super) legacy_required: bool,
}

/// An object of which a data store has at most one, and which defines where another store is.
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

/// The record that contains the schema version of a store.
#[derive(Debug)]
pub struct VersionRecord {
    /// Letter of its subspace.
    pub letter: char,
    /// Its key.
    pub key: &'static [u8],
    /// The tables of its subspace.
    pub tables: &'static [Mapping],
}
