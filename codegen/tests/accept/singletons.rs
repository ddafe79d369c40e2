// Generated from the schema by `codegen`: edit the schema instead.

use std::fmt;

use super::*;

use crate::codec::{self, KeyError};

pub(super) static VERSIONS: [SchemaVersion; 1] = [
    SchemaVersion {
        number: 1,
        releases: "1.0",
        doc: "The only version.",
        server_dump: ServerDump::SubspaceFiles,
        blobs_marked: false,
        subspaces: &v1::SUBSPACES,
        families: &[("data", &['p'])],
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

static TABLES_P_BYTES: [Mapping; 1] = [
    SQLITE_BYTES.created("p", "CREATE TABLE p (k BLOB PRIMARY KEY, v BLOB NOT NULL)"),
];

/// Typed keys of schema version 1.
pub mod v1 {
    use super::*;
    /// Properties (`subspaces.property`).
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum PropertyKey {
        /// The schema version. (`subspaces.property.layouts.schema_version`)
        SchemaVersion {},
        /// An object. (`subspaces.property.layouts.object`)
        Object {
            /// What it is.
            kind: u16,
            /// Id of the document.
            document: u64,
        },
    }
    impl PropertyKey {
        /// Reads a key; every byte belongs to a field or is a constant.
        #[inline]
        pub fn decode(key: &[u8]) -> Result<Self, KeyError> {
            match key.len() {
                1 if codec::u8_at(key, 0) == 0x00 => Ok(PropertyKey::SchemaVersion {}),
                11 if codec::u8_at(key, 0) == 0x01 => {
                    Ok(PropertyKey::Object {
                        kind: codec::u16_at(key, 1),
                        document: codec::u64_at(key, 3),
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
                11 if codec::u8_at(key, 0) == 0x01 => Ok(1),
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
                PropertyKey::Object { kind, document } => {
                    out.extend_from_slice(&[0x01]);
                    out.extend_from_slice(&kind.to_be_bytes());
                    out.extend_from_slice(&document.to_be_bytes());
                }
            }
        }
        #[inline]
        fn layout(&self) -> usize {
            match self {
                PropertyKey::SchemaVersion { .. } => 0,
                PropertyKey::Object { .. } => 1,
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
            name: "object",
            doc: "An object.",
            segments: &[
                Segment::constant(&[0x01]),
                Segment::field("kind", SegmentKind::U16),
                Segment::field("document", SegmentKind::U64),
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
        /// A key of subspace `p`.
        Property(PropertyKey),
    }
    impl Key {
        /// Reads a key of the subspace with this letter.
        pub fn decode(letter: char, key: &[u8]) -> Result<Self, KeyError> {
            match letter {
                'p' => Ok(Key::Property(PropertyKey::decode(key)?)),
                _ => Err(KeyError::NoSubspace),
            }
        }
        /// Letter of the subspace, and its key.
        pub fn parts(&self) -> (char, &dyn TypedKey) {
            match self {
                Key::Property(key) => ('p', key),
            }
        }
    }
    impl fmt::Display for Key {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write_key(f, self.parts().1)
        }
    }
    pub(super) static SUBSPACES: [Subspace; 1] = [PROPERTY];
    pub(super) static COUNTER_RULES: &[CounterRule] = &[];
    pub(super) static SINGLETONS: &[Singleton] = &[
        Singleton {
            name: "blob_store",
            title: "BlobStore",
            doc: "Where blobs are.",
            letter: 'p',
            key: &[0x01, 0x00, 0x10, 0x00, 0x00, 0x12, 0x43, 0x4c, 0xb2, 0x4d, 0xcd],
            store: Some(StoreGroup::Blob),
            variants: &[
                Variant {
                    number: 0,
                    name: "Default",
                    external: false,
                },
                Variant {
                    number: 2,
                    name: "S3",
                    external: true,
                },
            ],
        },
        Singleton {
            name: "coordinator",
            title: "Other",
            doc: "Where else blobs are.",
            letter: 'p',
            key: &[0x01, 0x00, 0x11, 0x00, 0x00, 0x12, 0x43, 0x4c, 0xb2, 0x4d, 0xcd],
            store: None,
            variants: &[
                Variant {
                    number: 0,
                    name: "Default",
                    external: false,
                },
            ],
        },
    ];
}

pub mod modules {
    pub use super::v1;
}
