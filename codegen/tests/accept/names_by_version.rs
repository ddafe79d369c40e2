// Generated from the schema by `codegen`: edit the schema instead.

use std::fmt;

use super::*;

use crate::codec::{self, KeyError};

pub(super) static VERSIONS: [SchemaVersion; 2] = [
    SchemaVersion {
        number: 1,
        releases: "1.0",
        doc: "First.",
        server_dump: ServerDump::OpStream,
        blobs_marked: false,
        subspaces: &v1::SUBSPACES,
        families: &[("data", &['p', 'q'])],
        legacy: &[],
        side_tables: &[],
        counter_rules: v1::COUNTER_RULES,
        singletons: v1::SINGLETONS,
    },
    SchemaVersion {
        number: 2,
        releases: "2.0",
        doc: "Second.",
        server_dump: ServerDump::SubspaceFiles,
        blobs_marked: false,
        subspaces: &v2::SUBSPACES,
        families: &[("all", &['p', 'q'])],
        legacy: &[],
        side_tables: &[],
        counter_rules: v2::COUNTER_RULES,
        singletons: v2::SINGLETONS,
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

static NAMES_KIND: [(u64, &str); 2] = [(1, "Mail"), (2, "Event")];

static NAMES_KIND_V1: [(u64, &str); 2] = [(1, "Mail"), (2, "Scheduling")];

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

static TABLES_P_BYTES: [Mapping; 1] = [
    SQLITE_BYTES.created("p", "CREATE TABLE p (k BLOB PRIMARY KEY, v BLOB NOT NULL)"),
];

static TABLES_Q_BYTES: [Mapping; 1] = [
    SQLITE_BYTES.created("q", "CREATE TABLE q (k BLOB PRIMARY KEY, v BLOB NOT NULL)"),
];

/// Typed keys of schema version 1.
pub mod v1 {
    use super::*;
    /// Properties (`subspaces.property`).
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum PropertyKey {
        /// The schema version. (`subspaces.property.layouts.schema_version`)
        SchemaVersion {},
        /// A record. (`subspaces.property.layouts.record`)
        Record {
            /// What it is.
            kind: u8,
        },
    }
    impl PropertyKey {
        /// Reads a key; every byte belongs to a field or is a constant.
        #[inline]
        pub fn decode(key: &[u8]) -> Result<Self, KeyError> {
            match key.len() {
                1 if codec::u8_at(key, 0) == 0x00 => Ok(PropertyKey::SchemaVersion {}),
                2 if codec::u8_at(key, 0) == 0x01 => {
                    Ok(PropertyKey::Record {
                        kind: codec::u8_at(key, 1),
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
                2 if codec::u8_at(key, 0) == 0x01 => Ok(1),
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
                PropertyKey::Record { kind } => {
                    out.extend_from_slice(&[0x01]);
                    out.push(kind);
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
                Segment::constant(&[0x01]),
                Segment::field("kind", SegmentKind::U8).named(&NAMES_KIND_V1),
            ],
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
        server_import: false,
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
    /// Queue (`subspaces.queue`).
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum QueueKey {
        /// A message. (`subspaces.queue.layouts.event`)
        Event {
            /// Id of the document.
            document: u32,
        },
    }
    impl QueueKey {
        /// Reads a key; every byte belongs to a field or is a constant.
        #[inline]
        pub fn decode(key: &[u8]) -> Result<Self, KeyError> {
            match key.len() {
                4 => {
                    Ok(QueueKey::Event {
                        document: codec::u32_at(key, 0),
                    })
                }
                _ => Err(KeyError::NoLayout),
            }
        }
        /// Index of the layout of a key, without reading its fields.
        #[inline]
        pub fn layout_of(key: &[u8]) -> Result<usize, KeyError> {
            match key.len() {
                4 => Ok(0),
                _ => Err(KeyError::NoLayout),
            }
        }
    }
    impl TypedKey for QueueKey {
        fn encode(&self, out: &mut Vec<u8>) {
            match *self {
                QueueKey::Event { document } => {
                    out.extend_from_slice(&document.to_be_bytes());
                }
            }
        }
        #[inline]
        fn layout(&self) -> usize {
            match self {
                QueueKey::Event { .. } => 0,
            }
        }
        fn layouts(&self) -> &'static [Layout] {
            &QUEUE_LAYOUTS
        }
    }
    impl fmt::Display for QueueKey {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write_key(f, self)
        }
    }
    pub(super) static QUEUE_LAYOUTS: [Layout; 1] = [
        Layout {
            name: "event",
            doc: "A message.",
            segments: &[Segment::field("document", SegmentKind::U32)],
            ..Layout::PLAIN
        },
    ];
    /// `subspaces.queue`
    pub(super) const QUEUE: Subspace = Subspace {
        version: 1,
        letter: 'q',
        name: "queue",
        title: "Queue",
        doc: "What is due.",
        source: "key.rs @ v1.0",
        family: Some("data"),
        no_family: None,
        store_group: StoreGroup::Data,
        server_export: true,
        server_import: false,
        derived: false,
        settings: false,
        value: ValueKind::Bytes,
        fresh: FreshRule::Refuse,
        layouts: &QUEUE_LAYOUTS,
        tables: &TABLES_Q_BYTES,
        decode: QueueKey::layout_of,
        accepts: |key, length| {
            let layout = &QUEUE_LAYOUTS[QueueKey::layout_of(key).ok()?];
            layout.takes(length).then_some(layout)
        },
    };
    /// A key of any subspace of schema version 1.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum Key {
        /// A key of subspace `p`.
        Property(PropertyKey),
        /// A key of subspace `q`.
        Queue(QueueKey),
    }
    impl Key {
        /// Reads a key of the subspace with this letter.
        pub fn decode(letter: char, key: &[u8]) -> Result<Self, KeyError> {
            match letter {
                'p' => Ok(Key::Property(PropertyKey::decode(key)?)),
                'q' => Ok(Key::Queue(QueueKey::decode(key)?)),
                _ => Err(KeyError::NoSubspace),
            }
        }
        /// Letter of the subspace, and its key.
        pub fn parts(&self) -> (char, &dyn TypedKey) {
            match self {
                Key::Property(key) => ('p', key),
                Key::Queue(key) => ('q', key),
            }
        }
    }
    impl fmt::Display for Key {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write_key(f, self.parts().1)
        }
    }
    pub(super) static SUBSPACES: [Subspace; 2] = [PROPERTY, QUEUE];
    pub(super) static COUNTER_RULES: &[CounterRule] = &[];
    pub(super) static SINGLETONS: &[Singleton] = &[];
}

/// Typed keys of schema version 2.
pub mod v2 {
    use super::*;
    pub use super::v1::QueueKey;
    /// Properties (`subspaces.property`).
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum PropertyKey {
        /// The schema version. (`subspaces.property.layouts.schema_version`)
        SchemaVersion {},
        /// A record. (`subspaces.property.layouts.record`)
        Record {
            /// What it is.
            kind: u8,
        },
    }
    impl PropertyKey {
        /// Reads a key; every byte belongs to a field or is a constant.
        #[inline]
        pub fn decode(key: &[u8]) -> Result<Self, KeyError> {
            match key.len() {
                1 if codec::u8_at(key, 0) == 0x00 => Ok(PropertyKey::SchemaVersion {}),
                2 if codec::u8_at(key, 0) == 0x01 => {
                    Ok(PropertyKey::Record {
                        kind: codec::u8_at(key, 1),
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
                2 if codec::u8_at(key, 0) == 0x01 => Ok(1),
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
                PropertyKey::Record { kind } => {
                    out.extend_from_slice(&[0x01]);
                    out.push(kind);
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
                Segment::constant(&[0x01]),
                Segment::field("kind", SegmentKind::U8).named(&NAMES_KIND),
            ],
            ..Layout::PLAIN
        },
    ];
    /// `subspaces.property`
    pub(super) const PROPERTY: Subspace = Subspace {
        version: 2,
        letter: 'p',
        name: "property",
        title: "Properties",
        doc: "The documents.",
        source: "key.rs @ v1.0",
        family: Some("all"),
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
    /// A key of any subspace of schema version 2.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum Key {
        /// A key of subspace `p`.
        Property(PropertyKey),
        /// A key of subspace `q`.
        Queue(QueueKey),
    }
    impl Key {
        /// Reads a key of the subspace with this letter.
        pub fn decode(letter: char, key: &[u8]) -> Result<Self, KeyError> {
            match letter {
                'p' => Ok(Key::Property(PropertyKey::decode(key)?)),
                'q' => Ok(Key::Queue(QueueKey::decode(key)?)),
                _ => Err(KeyError::NoSubspace),
            }
        }
        /// Letter of the subspace, and its key.
        pub fn parts(&self) -> (char, &dyn TypedKey) {
            match self {
                Key::Property(key) => ('p', key),
                Key::Queue(key) => ('q', key),
            }
        }
    }
    impl fmt::Display for Key {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write_key(f, self.parts().1)
        }
    }
    pub(super) static SUBSPACES: [Subspace; 2] = [
        PROPERTY,
        super::v1::QUEUE.in_version(2).of_family(Some("all"), None, true, true),
    ];
    pub(super) static COUNTER_RULES: &[CounterRule] = &[];
    pub(super) static SINGLETONS: &[Singleton] = &[];
}

pub mod modules {
    pub use super::{v1, v2};
}
