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

static TABLES_T_BLOB: [Mapping; 1] = [
    SQLITE_BLOB.created("t", "CREATE TABLE t (k BLOB PRIMARY KEY, v BLOB NOT NULL)"),
];

/// Typed keys of schema version 1.
pub mod v1 {
    use super::*;
    /// Properties (`subspaces.property`).
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum PropertyKey<'a> {
        /// The schema version. (`subspaces.property.layouts.schema_version`)
        SchemaVersion {},
        /// A record. (`subspaces.property.layouts.record`)
        Record {
            /// What it is.
            kind: u8,
            /// Id of the document.
            document: u32,
        },
        /// A record. (`subspaces.property.layouts.link`)
        Link {
            /// BLAKE3 of a blob.
            h: &'a [u8; 32],
        },
        /// The blob was stored. (`subspaces.property.layouts.commit`)
        Commit {
            /// BLAKE3 of a blob.
            h: &'a [u8; 32],
        },
        /// The blob is not used yet. (`subspaces.property.layouts.early_link`)
        EarlyLink {
            /// BLAKE3 of a blob.
            h: &'a [u8; 32],
            /// What it is.
            kind: u8,
        },
    }
    impl<'a> PropertyKey<'a> {
        /// Reads a key; every byte belongs to a field or is a constant.
        #[inline]
        pub fn decode(key: &'a [u8]) -> Result<Self, KeyError> {
            match key.len() {
                1 if codec::u8_at(key, 0) == 0x00 => Ok(PropertyKey::SchemaVersion {}),
                6 if codec::u8_at(key, 0) == 0x01 => {
                    Ok(PropertyKey::Record {
                        kind: codec::u8_at(key, 1),
                        document: codec::u32_at(key, 2),
                    })
                }
                33 if codec::u8_at(key, 0) == 0x02 => {
                    Ok(PropertyKey::Link {
                        h: codec::array_at(key, 1),
                    })
                }
                33 if codec::u8_at(key, 0) == 0x03 => {
                    Ok(PropertyKey::Commit {
                        h: codec::array_at(key, 1),
                    })
                }
                34 if codec::u8_at(key, 0) == 0x04 => {
                    Ok(PropertyKey::EarlyLink {
                        h: codec::array_at(key, 1),
                        kind: codec::u8_at(key, 33),
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
                6 if codec::u8_at(key, 0) == 0x01 => Ok(1),
                33 if codec::u8_at(key, 0) == 0x02 => Ok(2),
                33 if codec::u8_at(key, 0) == 0x03 => Ok(3),
                34 if codec::u8_at(key, 0) == 0x04 => Ok(4),
                _ => Err(KeyError::NoLayout),
            }
        }
    }
    impl TypedKey for PropertyKey<'_> {
        fn encode(&self, out: &mut Vec<u8>) {
            match *self {
                PropertyKey::SchemaVersion {} => {
                    out.extend_from_slice(&[0x00]);
                }
                PropertyKey::Record { kind, document } => {
                    out.extend_from_slice(&[0x01]);
                    out.push(kind);
                    out.extend_from_slice(&document.to_be_bytes());
                }
                PropertyKey::Link { h } => {
                    out.extend_from_slice(&[0x02]);
                    out.extend_from_slice(h);
                }
                PropertyKey::Commit { h } => {
                    out.extend_from_slice(&[0x03]);
                    out.extend_from_slice(h);
                }
                PropertyKey::EarlyLink { h, kind } => {
                    out.extend_from_slice(&[0x04]);
                    out.extend_from_slice(h);
                    out.push(kind);
                }
            }
        }
        #[inline]
        fn layout(&self) -> usize {
            match self {
                PropertyKey::SchemaVersion { .. } => 0,
                PropertyKey::Record { .. } => 1,
                PropertyKey::Link { .. } => 2,
                PropertyKey::Commit { .. } => 3,
                PropertyKey::EarlyLink { .. } => 4,
            }
        }
        fn layouts(&self) -> &'static [Layout] {
            &PROPERTY_LAYOUTS
        }
    }
    impl fmt::Display for PropertyKey<'_> {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write_key(f, self)
        }
    }
    pub(super) static PROPERTY_LAYOUTS: [Layout; 5] = [
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
                Segment::field("kind", SegmentKind::U8),
                Segment::field("document", SegmentKind::U32),
            ],
            archives: &[&[(1, &[(50, 50)])]],
            long: true,
            ..Layout::PLAIN
        },
        Layout {
            name: "link",
            doc: "A record.",
            segments: &[
                Segment::constant(&[0x02]),
                Segment::field("h", SegmentKind::Hash),
            ],
            value: ValueForm::Empty,
            value_lengths: 0x01,
            travels: false,
            fresh: Some(FreshRule::Keep),
            blob_link: Some(1),
            ..Layout::PLAIN
        },
        Layout {
            name: "commit",
            doc: "The blob was stored.",
            segments: &[
                Segment::constant(&[0x03]),
                Segment::field("h", SegmentKind::Hash),
            ],
            value: ValueForm::Empty,
            value_lengths: 0x01,
            commit: true,
            fresh_if_computed: Some(FreshRule::Clear),
            blob_link: Some(1),
            ..Layout::PLAIN
        },
        Layout {
            name: "early_link",
            doc: "The blob is not used yet.",
            segments: &[
                Segment::constant(&[0x04]),
                Segment::field("h", SegmentKind::Hash),
                Segment::field("kind", SegmentKind::U8),
            ],
            value: ValueForm::Lengths(&[0, 10]),
            value_lengths: 0x401,
            fresh_if_computed: Some(FreshRule::Clear),
            provisional: Some(&[(2, &[(255, 255)])]),
            blob_link: Some(1),
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
    /// Blobs (`subspaces.blobs`).
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum BlobsKey<'a> {
        /// A blob. (`subspaces.blobs.layouts.content`)
        Content {
            /// BLAKE3 of the content.
            h: &'a [u8; 32],
        },
        /// A model. (`subspaces.blobs.layouts.model`)
        Model {},
    }
    impl<'a> BlobsKey<'a> {
        /// Reads a key; every byte belongs to a field or is a constant.
        #[inline]
        pub fn decode(key: &'a [u8]) -> Result<Self, KeyError> {
            match key.len() {
                32 => {
                    Ok(BlobsKey::Content {
                        h: codec::array_at(key, 0),
                    })
                }
                5 if codec::has(key, 0, &[0x4d, 0x4f, 0x44, 0x45, 0x4c]) => {
                    Ok(BlobsKey::Model {})
                }
                _ => Err(KeyError::NoLayout),
            }
        }
        /// Index of the layout of a key, without reading its fields.
        #[inline]
        pub fn layout_of(key: &[u8]) -> Result<usize, KeyError> {
            match key.len() {
                32 => Ok(0),
                5 if codec::has(key, 0, &[0x4d, 0x4f, 0x44, 0x45, 0x4c]) => Ok(1),
                _ => Err(KeyError::NoLayout),
            }
        }
    }
    impl TypedKey for BlobsKey<'_> {
        fn encode(&self, out: &mut Vec<u8>) {
            match *self {
                BlobsKey::Content { h } => {
                    out.extend_from_slice(h);
                }
                BlobsKey::Model {} => {
                    out.extend_from_slice(&[0x4d, 0x4f, 0x44, 0x45, 0x4c]);
                }
            }
        }
        #[inline]
        fn layout(&self) -> usize {
            match self {
                BlobsKey::Content { .. } => 0,
                BlobsKey::Model { .. } => 1,
            }
        }
        fn layouts(&self) -> &'static [Layout] {
            &BLOBS_LAYOUTS
        }
    }
    impl fmt::Display for BlobsKey<'_> {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write_key(f, self)
        }
    }
    pub(super) static BLOBS_LAYOUTS: [Layout; 2] = [
        Layout {
            name: "content",
            doc: "A blob.",
            segments: &[Segment::field("h", SegmentKind::Hash)],
            long: true,
            content_hash: true,
            fresh_if_computed: Some(FreshRule::Save),
            computed: &[
                ComputedKeys {
                    versions: (1, 1),
                    prefix: "APP_",
                    of: LayoutRef {
                        letter: 'p',
                        layout: 1,
                    },
                    field: 2,
                    only: &[(1, &[(11, 11)])],
                },
            ],
            ..Layout::PLAIN
        },
        Layout {
            name: "model",
            doc: "A model.",
            segments: &[Segment::constant(&[0x4d, 0x4f, 0x44, 0x45, 0x4c])],
            fresh: Some(FreshRule::Clear),
            fixed_key: Some(&[0x4d, 0x4f, 0x44, 0x45, 0x4c]),
            ..Layout::PLAIN
        },
    ];
    /// `subspaces.blobs`
    pub(super) const BLOBS: Subspace = Subspace {
        version: 1,
        letter: 't',
        name: "blobs",
        title: "Blobs",
        doc: "Contents.",
        source: "blob.rs @ v1.0",
        family: None,
        no_family: Some("Named by links."),
        store_group: StoreGroup::Blob,
        server_export: false,
        server_import: false,
        derived: false,
        settings: false,
        value: ValueKind::Blob,
        fresh: FreshRule::Refuse,
        layouts: &BLOBS_LAYOUTS,
        tables: &TABLES_T_BLOB,
        decode: BlobsKey::layout_of,
        accepts: |key, length| {
            let layout = &BLOBS_LAYOUTS[BlobsKey::layout_of(key).ok()?];
            layout.takes(length).then_some(layout)
        },
    };
    /// A key of any subspace of schema version 1.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum Key<'a> {
        /// A key of subspace `p`.
        Property(PropertyKey<'a>),
        /// A key of subspace `t`.
        Blobs(BlobsKey<'a>),
    }
    impl<'a> Key<'a> {
        /// Reads a key of the subspace with this letter.
        pub fn decode(letter: char, key: &'a [u8]) -> Result<Self, KeyError> {
            match letter {
                'p' => Ok(Key::Property(PropertyKey::decode(key)?)),
                't' => Ok(Key::Blobs(BlobsKey::decode(key)?)),
                _ => Err(KeyError::NoSubspace),
            }
        }
        /// Letter of the subspace, and its key.
        pub fn parts(&self) -> (char, &dyn TypedKey) {
            match self {
                Key::Property(key) => ('p', key),
                Key::Blobs(key) => ('t', key),
            }
        }
    }
    impl fmt::Display for Key<'_> {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write_key(f, self.parts().1)
        }
    }
    pub(super) static SUBSPACES: [Subspace; 2] = [PROPERTY, BLOBS];
    pub(super) static COUNTER_RULES: &[CounterRule] = &[];
    pub(super) static SINGLETONS: &[Singleton] = &[];
}

pub mod modules {
    pub use super::v1;
}
