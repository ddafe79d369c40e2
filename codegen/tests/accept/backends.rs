// Generated from the schema by `codegen`: edit the schema instead.

use std::fmt;

use super::*;

use crate::codec::{self, KeyError};

pub(super) static VERSIONS: [SchemaVersion; 1] = [
    SchemaVersion {
        number: 1,
        releases: "1.0",
        doc: "First.",
        server_dump: ServerDump::SubspaceFiles,
        blobs_marked: false,
        subspaces: &v1::SUBSPACES,
        families: &[("data", &['p'])],
        legacy: &[],
        side_tables: &[
            SideTable {
                backend: BackendKind::FoundationDb,
                table: Table {
                    name: "s_mail",
                    ..Table::PLAIN
                },
                title: "Search table",
            },
        ],
        counter_rules: v1::COUNTER_RULES,
        singletons: v1::SINGLETONS,
    },
];

pub(super) static SCHEMA_VERSION_RECORD: VersionRecord = VersionRecord {
    letter: 'p',
    key: &[0x00],
    tables: &TABLES_P_BYTES_PROPERTY,
};

pub(super) static BACKENDS: [Backend; 2] = [
    Backend {
        kind: BackendKind::RocksDb,
        name: "rocksdb",
        title: "RocksDB",
        default_table: Some("default"),
        transaction_limit: None,
    },
    Backend {
        kind: BackendKind::FoundationDb,
        name: "foundationdb",
        title: "FoundationDB",
        default_table: None,
        transaction_limit: Some(10000000),
    },
];

const ROCKSDB_BYTES: Template = Template(
    BackendKind::RocksDb,
    Table {
        value: ValueKind::Bytes,
        ..Table::PLAIN
    },
);

const ROCKSDB_NONE: Template = Template(
    BackendKind::RocksDb,
    Table {
        value: ValueKind::None,
        ..Table::PLAIN
    },
);

const ROCKSDB_COUNTER: Template = Template(
    BackendKind::RocksDb,
    Table {
        value: ValueKind::Counter,
        merge_operator: Some("merge"),
        ..Table::PLAIN
    },
);

const ROCKSDB_BLOB: Template = Template(
    BackendKind::RocksDb,
    Table {
        value: ValueKind::Blob,
        min_blob_size: Some(16834),
        blob_files: true,
        ..Table::PLAIN
    },
);

const FOUNDATIONDB_BYTES: Template = Template(
    BackendKind::FoundationDb,
    Table {
        value: ValueKind::Bytes,
        max_key: Some(9999),
        max_value: Some(25500000),
        pieces: Some(Pieces {
            size: 100000,
            number_width: 0,
            most: 255,
            earlier: None,
        }),
        ..Table::PLAIN
    },
);

const FOUNDATIONDB_NONE: Template = Template(
    BackendKind::FoundationDb,
    Table {
        value: ValueKind::None,
        max_key: Some(9999),
        max_value: Some(0),
        ..Table::PLAIN
    },
);

const FOUNDATIONDB_COUNTER: Template = Template(
    BackendKind::FoundationDb,
    Table {
        value: ValueKind::Counter,
        max_key: Some(9999),
        integer: true,
        ..Table::PLAIN
    },
);

const FOUNDATIONDB_BLOB: Template = Template(
    BackendKind::FoundationDb,
    Table {
        value: ValueKind::Blob,
        max_key: Some(9997),
        pieces: Some(Pieces {
            size: 100000,
            number_width: 2,
            most: 6985,
            earlier: Some(EarlierPieces {
                versions: (1, 1),
                releases: "1.0",
                most: 6984,
            }),
        }),
        ..Table::PLAIN
    },
);

static TABLES_P_BYTES_PROPERTY: [Mapping; 2] = [
    ROCKSDB_BYTES.table("p"),
    FOUNDATIONDB_BYTES.whole("p"),
];

static TABLES_Z_NONE_SEARCH: [Mapping; 2] = [
    ROCKSDB_NONE.table("z"),
    Mapping::refused(BackendKind::FoundationDb, "It is elsewhere."),
];

/// Typed keys of schema version 1.
pub mod v1 {
    use super::*;
    /// Properties (`subspaces.property`).
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum PropertyKey {
        /// The schema version. (`subspaces.property.layouts.schema_version`)
        SchemaVersion {},
    }
    impl PropertyKey {
        /// Reads a key; every byte belongs to a field or is a constant.
        #[inline]
        pub fn decode(key: &[u8]) -> Result<Self, KeyError> {
            match key.len() {
                1 if codec::u8_at(key, 0) == 0x00 => Ok(PropertyKey::SchemaVersion {}),
                _ => Err(KeyError::NoLayout),
            }
        }
        /// Index of the layout of a key, without reading its fields.
        #[inline]
        pub fn layout_of(key: &[u8]) -> Result<usize, KeyError> {
            match key.len() {
                1 if codec::u8_at(key, 0) == 0x00 => Ok(0),
                _ => Err(KeyError::NoLayout),
            }
        }
    }
    impl TypedKey for PropertyKey {
        fn encode(&self, out: &mut Vec<u8>) {
            match *self {
                PropertyKey::SchemaVersion {} => {
                    out.extend_from_slice(&[0x00]);
                }
            }
        }
        #[inline]
        fn layout(&self) -> usize {
            match self {
                PropertyKey::SchemaVersion { .. } => 0,
            }
        }
        fn layouts(&self) -> &'static [Layout] {
            &PROPERTY_LAYOUTS
        }
    }
    impl fmt::Display for PropertyKey {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write_key(f, self)
        }
    }
    pub(super) static PROPERTY_LAYOUTS: [Layout; 1] = [
        Layout {
            name: "schema_version",
            doc: "The schema version.",
            segments: &[Segment::constant(&[0x00])],
            value: ValueForm::Lengths(&[4]),
            value_lengths: 0x10,
            schema_version: true,
            fixed_key: Some(&[0x00]),
            ..Layout::PLAIN
        },
    ];
    /// `subspaces.property`
    pub(super) const PROPERTY: Subspace = Subspace {
        version: 1,
        letter: 'p',
        name: "property",
        title: "Properties",
        doc: "The documents.",
        source: "key.rs @ v1.0",
        family: Some("data"),
        no_family: None,
        store_group: StoreGroup::Data,
        server_export: true,
        server_import: true,
        derived: false,
        settings: false,
        value: ValueKind::Bytes,
        fresh: FreshRule::Refuse,
        layouts: &PROPERTY_LAYOUTS,
        tables: &TABLES_P_BYTES_PROPERTY,
        decode: PropertyKey::layout_of,
        accepts: |key, length| {
            let layout = &PROPERTY_LAYOUTS[PropertyKey::layout_of(key).ok()?];
            layout.takes(length).then_some(layout)
        },
    };
    /// Search index (`subspaces.search`).
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum SearchKey<'a> {
        /// A word. (`subspaces.search.layouts.term`)
        Term {
            /// A word.
            word: &'a [u8],
            /// Id of the document.
            document: u32,
        },
    }
    impl<'a> SearchKey<'a> {
        /// Reads a key; every byte belongs to a field or is a constant.
        #[inline]
        pub fn decode(key: &'a [u8]) -> Result<Self, KeyError> {
            match key.len() {
                len if len >= 5 && len <= 20
                    && codec::is_term_hash(codec::slice(key, 0, len - 4)) => {
                    Ok(SearchKey::Term {
                        word: codec::slice(key, 0, len - 4),
                        document: codec::u32_at(key, len - 4),
                    })
                }
                _ => Err(KeyError::NoLayout),
            }
        }
        /// Index of the layout of a key, without reading its fields.
        #[inline]
        pub fn layout_of(key: &[u8]) -> Result<usize, KeyError> {
            match key.len() {
                len if len >= 5 && len <= 20
                    && codec::is_term_hash(codec::slice(key, 0, len - 4)) => Ok(0),
                _ => Err(KeyError::NoLayout),
            }
        }
    }
    impl TypedKey for SearchKey<'_> {
        fn encode(&self, out: &mut Vec<u8>) {
            match *self {
                SearchKey::Term { word, document } => {
                    out.extend_from_slice(word);
                    out.extend_from_slice(&document.to_be_bytes());
                }
            }
        }
        #[inline]
        fn layout(&self) -> usize {
            match self {
                SearchKey::Term { .. } => 0,
            }
        }
        fn layouts(&self) -> &'static [Layout] {
            &SEARCH_LAYOUTS
        }
    }
    impl fmt::Display for SearchKey<'_> {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write_key(f, self)
        }
    }
    pub(super) static SEARCH_LAYOUTS: [Layout; 1] = [
        Layout {
            name: "term",
            doc: "A word.",
            segments: &[
                Segment::field("word", SegmentKind::TermHash),
                Segment::field("document", SegmentKind::U32),
            ],
            value: ValueForm::Empty,
            value_lengths: 0x01,
            ..Layout::PLAIN
        },
    ];
    /// `subspaces.search`
    pub(super) const SEARCH: Subspace = Subspace {
        version: 1,
        letter: 'z',
        name: "search",
        title: "Search index",
        doc: "Words.",
        source: "term.rs @ v1.0",
        family: None,
        no_family: Some("It is derived."),
        store_group: StoreGroup::Search,
        server_export: false,
        server_import: false,
        derived: true,
        settings: false,
        value: ValueKind::None,
        fresh: FreshRule::Refuse,
        layouts: &SEARCH_LAYOUTS,
        tables: &TABLES_Z_NONE_SEARCH,
        decode: SearchKey::layout_of,
        accepts: |key, length| {
            let layout = &SEARCH_LAYOUTS[SearchKey::layout_of(key).ok()?];
            layout.takes(length).then_some(layout)
        },
    };
    /// A key of any subspace of schema version 1.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum Key<'a> {
        /// A key of subspace `p`.
        Property(PropertyKey),
        /// A key of subspace `z`.
        Search(SearchKey<'a>),
    }
    impl<'a> Key<'a> {
        /// Reads a key of the subspace with this letter.
        pub fn decode(letter: char, key: &'a [u8]) -> Result<Self, KeyError> {
            match letter {
                'p' => Ok(Key::Property(PropertyKey::decode(key)?)),
                'z' => Ok(Key::Search(SearchKey::decode(key)?)),
                _ => Err(KeyError::NoSubspace),
            }
        }
        /// Letter of the subspace, and its key.
        pub fn parts(&self) -> (char, &dyn TypedKey) {
            match self {
                Key::Property(key) => ('p', key),
                Key::Search(key) => ('z', key),
            }
        }
    }
    impl fmt::Display for Key<'_> {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write_key(f, self.parts().1)
        }
    }
    pub(super) static SUBSPACES: [Subspace; 2] = [PROPERTY, SEARCH];
    pub(super) static COUNTER_RULES: &[CounterRule] = &[];
    pub(super) static SINGLETONS: &[Singleton] = &[];
}

pub mod modules {
    pub use super::v1;
}
