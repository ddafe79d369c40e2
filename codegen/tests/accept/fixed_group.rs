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
        families: &[("data", &['p', 'n'])],
        legacy: &[],
        side_tables: &[],
        counter_rules: v1::COUNTER_RULES,
        singletons: v1::SINGLETONS,
    },
];

pub(super) static SCHEMA_VERSION_RECORD: VersionRecord = VersionRecord {
    letter: 'p',
    key: &[0x00],
    tables: &TABLES_P_BYTES,
};

pub(super) static BACKENDS: [Backend; 1] = [
    Backend {
        kind: BackendKind::Sqlite,
        name: "sqlite",
        title: "SQLite",
        default_table: None,
        transaction_limit: None,
    },
];

const SQLITE_BYTES: Template = Template(
    BackendKind::Sqlite,
    Table {
        value: ValueKind::Bytes,
        ..Table::PLAIN
    },
);

const SQLITE_NONE: Template = Template(
    BackendKind::Sqlite,
    Table {
        value: ValueKind::None,
        ..Table::PLAIN
    },
);

const SQLITE_COUNTER: Template = Template(
    BackendKind::Sqlite,
    Table {
        value: ValueKind::Counter,
        ..Table::PLAIN
    },
);

const SQLITE_BLOB: Template = Template(
    BackendKind::Sqlite,
    Table {
        value: ValueKind::Blob,
        ..Table::PLAIN
    },
);

static TABLES_N_COUNTER: [Mapping; 1] = [
    SQLITE_COUNTER
        .created("n", "CREATE TABLE n (k BLOB PRIMARY KEY, v INTEGER NOT NULL)"),
];

static TABLES_P_BYTES: [Mapping; 1] = [
    SQLITE_BYTES.created("p", "CREATE TABLE p (k BLOB PRIMARY KEY, v BLOB NOT NULL)"),
];

/// Typed keys of schema version 1.
pub mod v1 {
    use super::*;
    /// Counters (`subspaces.counter`).
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum CounterKey {
        /// Last id. (`subspaces.counter.layouts.document_id`)
        DocumentId {
            /// Account that owns the record.
            account: u32,
            /// What it is.
            kind: u8,
        },
    }
    impl CounterKey {
        /// Reads a key; every byte belongs to a field or is a constant.
        #[inline]
        pub fn decode(key: &[u8]) -> Result<Self, KeyError> {
            match key.len() {
                5 => {
                    Ok(CounterKey::DocumentId {
                        account: codec::u32_at(key, 0),
                        kind: codec::u8_at(key, 4),
                    })
                }
                _ => Err(KeyError::NoLayout),
            }
        }
        /// Index of the layout of a key, without reading its fields.
        #[inline]
        pub fn layout_of(key: &[u8]) -> Result<usize, KeyError> {
            match key.len() {
                5 => Ok(0),
                _ => Err(KeyError::NoLayout),
            }
        }
    }
    impl TypedKey for CounterKey {
        fn encode(&self, out: &mut Vec<u8>) {
            match *self {
                CounterKey::DocumentId { account, kind } => {
                    out.extend_from_slice(&account.to_be_bytes());
                    out.push(kind);
                }
            }
        }
        #[inline]
        fn layout(&self) -> usize {
            match self {
                CounterKey::DocumentId { .. } => 0,
            }
        }
        fn layouts(&self) -> &'static [Layout] {
            &COUNTER_LAYOUTS
        }
    }
    impl fmt::Display for CounterKey {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write_key(f, self)
        }
    }
    pub(super) static COUNTER_LAYOUTS: [Layout; 1] = [
        Layout {
            name: "document_id",
            doc: "Last id.",
            segments: &[
                Segment::field("account", SegmentKind::U32),
                Segment::field("kind", SegmentKind::U8),
            ],
            value_lengths: 0x100,
            ..Layout::PLAIN
        },
    ];
    /// `subspaces.counter`
    pub(super) const COUNTER: Subspace = Subspace {
        version: 1,
        letter: 'n',
        name: "counter",
        title: "Counters",
        doc: "Ids.",
        source: "key.rs @ v1.0",
        family: Some("data"),
        no_family: None,
        store_group: StoreGroup::Data,
        server_export: true,
        server_import: true,
        derived: false,
        settings: false,
        value: ValueKind::Counter,
        fresh: FreshRule::Refuse,
        layouts: &COUNTER_LAYOUTS,
        tables: &TABLES_N_COUNTER,
        decode: CounterKey::layout_of,
        accepts: |key, length| {
            let layout = &COUNTER_LAYOUTS[CounterKey::layout_of(key).ok()?];
            layout.takes(length).then_some(layout)
        },
    };
    /// Properties (`subspaces.property`).
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum PropertyKey {
        /// The schema version. (`subspaces.property.layouts.schema_version`)
        SchemaVersion {},
        /// A record. (`subspaces.property.layouts.record`)
        Record {
            /// Account that owns the record.
            account: u32,
            /// Id of the document.
            document: u32,
        },
    }
    impl PropertyKey {
        /// Reads a key; every byte belongs to a field or is a constant.
        #[inline]
        pub fn decode(key: &[u8]) -> Result<Self, KeyError> {
            match key.len() {
                1 if codec::u8_at(key, 0) == 0x00 => Ok(PropertyKey::SchemaVersion {}),
                8 => {
                    Ok(PropertyKey::Record {
                        account: codec::u32_at(key, 0),
                        document: codec::u32_at(key, 4),
                    })
                }
                _ => Err(KeyError::NoLayout),
            }
        }
        /// Index of the layout of a key, without reading its fields.
        #[inline]
        pub fn layout_of(key: &[u8]) -> Result<usize, KeyError> {
            match key.len() {
                1 if codec::u8_at(key, 0) == 0x00 => Ok(0),
                8 => Ok(1),
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
                PropertyKey::Record { account, document } => {
                    out.extend_from_slice(&account.to_be_bytes());
                    out.extend_from_slice(&document.to_be_bytes());
                }
            }
        }
        #[inline]
        fn layout(&self) -> usize {
            match self {
                PropertyKey::SchemaVersion { .. } => 0,
                PropertyKey::Record { .. } => 1,
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
    pub(super) static PROPERTY_LAYOUTS: [Layout; 2] = [
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
        Layout {
            name: "record",
            doc: "A record.",
            segments: &[
                Segment::field("account", SegmentKind::U32),
                Segment::field("document", SegmentKind::U32),
            ],
            value: ValueForm::Archive,
            value_lengths: 0xfffffffffffffffe,
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
        tables: &TABLES_P_BYTES,
        decode: PropertyKey::layout_of,
        accepts: |key, length| {
            let layout = &PROPERTY_LAYOUTS[PropertyKey::layout_of(key).ok()?];
            layout.takes(length).then_some(layout)
        },
    };
    /// A key of any subspace of schema version 1.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum Key {
        /// A key of subspace `n`.
        Counter(CounterKey),
        /// A key of subspace `p`.
        Property(PropertyKey),
    }
    impl Key {
        /// Reads a key of the subspace with this letter.
        pub fn decode(letter: char, key: &[u8]) -> Result<Self, KeyError> {
            match letter {
                'n' => Ok(Key::Counter(CounterKey::decode(key)?)),
                'p' => Ok(Key::Property(PropertyKey::decode(key)?)),
                _ => Err(KeyError::NoSubspace),
            }
        }
        /// Letter of the subspace, and its key.
        pub fn parts(&self) -> (char, &dyn TypedKey) {
            match self {
                Key::Counter(key) => ('n', key),
                Key::Property(key) => ('p', key),
            }
        }
    }
    impl fmt::Display for Key {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write_key(f, self.parts().1)
        }
    }
    pub(super) static SUBSPACES: [Subspace; 2] = [COUNTER, PROPERTY];
    pub(super) static COUNTER_RULES: &[CounterRule] = &[
        CounterRule {
            name: "document_id",
            doc: "Ids must not be handed out twice.",
            counter: LayoutRef {
                letter: 'n',
                layout: 0,
            },
            group: &[0, 1],
            covers: &[
                Cover {
                    of: LayoutRef {
                        letter: 'p',
                        layout: 1,
                    },
                    group: &[GroupNumber::Field(0), GroupNumber::Fixed(7)],
                    id: CoveredId::Field(1),
                    only: &[],
                    unless: &[],
                },
                Cover {
                    of: LayoutRef {
                        letter: 'p',
                        layout: 1,
                    },
                    group: &[GroupNumber::Field(0), GroupNumber::Fixed(8)],
                    id: CoveredId::ArchiveChangeId,
                    only: &[],
                    unless: &[],
                },
            ],
        },
    ];
    pub(super) static SINGLETONS: &[Singleton] = &[];
}

pub mod modules {
    pub use super::v1;
}
