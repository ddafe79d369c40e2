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
        /// A record. (`subspaces.property.layouts.some`)
        Some {
            /// What it is.
            kind: u8,
            /// Account that owns the record.
            account: u32,
        },
        /// A record. (`subspaces.property.layouts.low`)
        Low {
            /// What it is.
            kind: u8,
            /// Account that owns the record.
            account: u32,
        },
        /// A record. (`subspaces.property.layouts.wide`)
        Wide {
            /// What it is.
            kind: u8,
            /// Account that owns the record.
            account: u32,
        },
    }
    impl PropertyKey {
        /// Reads a key; every byte belongs to a field or is a constant.
        #[inline]
        pub fn decode(key: &[u8]) -> Result<Self, KeyError> {
            match key.len() {
                1 if codec::u8_at(key, 0) == 0x00 => Ok(PropertyKey::SchemaVersion {}),
                5 if (codec::u8_at(key, 0) == 1
                    || (codec::u8_at(key, 0) >= 3 && codec::u8_at(key, 0) <= 5)
                    || codec::u8_at(key, 0) >= 128) => {
                    Ok(PropertyKey::Some {
                        kind: codec::u8_at(key, 0),
                        account: codec::u32_at(key, 1),
                    })
                }
                5 if codec::u8_at(key, 0) == 0 => {
                    Ok(PropertyKey::Low {
                        kind: codec::u8_at(key, 0),
                        account: codec::u32_at(key, 1),
                    })
                }
                5 if codec::u8_at(key, 0) == 2 && codec::u32_at(key, 1) >= 1 => {
                    Ok(PropertyKey::Wide {
                        kind: codec::u8_at(key, 0),
                        account: codec::u32_at(key, 1),
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
                5 if (codec::u8_at(key, 0) == 1
                    || (codec::u8_at(key, 0) >= 3 && codec::u8_at(key, 0) <= 5)
                    || codec::u8_at(key, 0) >= 128) => Ok(1),
                5 if codec::u8_at(key, 0) == 0 => Ok(2),
                5 if codec::u8_at(key, 0) == 2 && codec::u32_at(key, 1) >= 1 => Ok(3),
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
                PropertyKey::Some { kind, account } => {
                    out.push(kind);
                    out.extend_from_slice(&account.to_be_bytes());
                }
                PropertyKey::Low { kind, account } => {
                    out.push(kind);
                    out.extend_from_slice(&account.to_be_bytes());
                }
                PropertyKey::Wide { kind, account } => {
                    out.push(kind);
                    out.extend_from_slice(&account.to_be_bytes());
                }
            }
        }
        #[inline]
        fn layout(&self) -> usize {
            match self {
                PropertyKey::SchemaVersion { .. } => 0,
                PropertyKey::Some { .. } => 1,
                PropertyKey::Low { .. } => 2,
                PropertyKey::Wide { .. } => 3,
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
    pub(super) static PROPERTY_LAYOUTS: [Layout; 4] = [
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
            name: "some",
            doc: "A record.",
            segments: &[
                Segment::field("kind", SegmentKind::U8)
                    .within(&[(1, 1), (3, 5), (128, u64::MAX)]),
                Segment::field("account", SegmentKind::U32),
            ],
            ..Layout::PLAIN
        },
        Layout {
            name: "low",
            doc: "A record.",
            segments: &[
                Segment::field("kind", SegmentKind::U8).within(&[(0, 0)]),
                Segment::field("account", SegmentKind::U32),
            ],
            ..Layout::PLAIN
        },
        Layout {
            name: "wide",
            doc: "A record.",
            segments: &[
                Segment::field("kind", SegmentKind::U8).within(&[(2, 2)]),
                Segment::field("account", SegmentKind::U32).within(&[(1, u64::MAX)]),
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
    pub(super) static SINGLETONS: &[Singleton] = &[];
}

pub mod modules {
    pub use super::v1;
}
