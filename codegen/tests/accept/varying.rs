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
    pub enum PropertyKey<'a> {
        /// The schema version. (`subspaces.property.layouts.schema_version`)
        SchemaVersion {},
        /// A record. (`subspaces.property.layouts.number`)
        Number {
            /// A number.
            a: u32,
            /// Id of the document.
            document: u32,
        },
        /// A record. (`subspaces.property.layouts.two_numbers`)
        TwoNumbers {
            /// A number.
            a: u64,
            /// What it is.
            kind: u8,
            /// Another.
            b: u64,
        },
        /// A record. (`subspaces.property.layouts.short`)
        Short {
            /// A word.
            word: &'a [u8],
            /// Id of the document.
            document: u32,
        },
        /// A record. (`subspaces.property.layouts.term`)
        Term {
            /// A word.
            word: &'a [u8],
            /// What it is.
            kind: u8,
        },
        /// A record. (`subspaces.property.layouts.token`)
        Token {
            /// A word.
            word: &'a [u8],
            /// What it is.
            kind: u8,
        },
        /// A record. (`subspaces.property.layouts.mixed`)
        Mixed {
            /// A number.
            a: u32,
            /// What it is.
            kind: u8,
            /// What follows.
            tail: &'a [u8],
            /// Id of the document.
            document: u32,
        },
    }
    impl<'a> PropertyKey<'a> {
        /// Reads a key; every byte belongs to a field or is a constant.
        #[inline]
        pub fn decode(key: &'a [u8]) -> Result<Self, KeyError> {
            match key.len() {
                1 if codec::u8_at(key, 0) == 0x00 => Ok(PropertyKey::SchemaVersion {}),
                len if len >= 6 && len <= 10 && codec::u8_at(key, 0) == 0x01
                    && codec::leb32_end(key, 1) == len - 4 => {
                    Ok(PropertyKey::Number {
                        a: codec::leb32_at(key, 1),
                        document: codec::u32_at(key, len - 4),
                    })
                }
                len if len >= 4 && len <= 22 && codec::u8_at(key, 0) == 0x02
                    && codec::leb64_end(key, codec::skip(codec::leb64_end(key, 1), 1))
                        == len => {
                    Ok(PropertyKey::TwoNumbers {
                        a: codec::leb64_at(key, 1),
                        kind: codec::u8_at(key, codec::leb64_end(key, 1)),
                        b: codec::leb64_at(key, codec::skip(codec::leb64_end(key, 1), 1)),
                    })
                }
                len if len >= 6 && len <= 21 && codec::u8_at(key, 0) == 0x03
                    && codec::short_hash_end(key, 1) == len - 4 => {
                    Ok(PropertyKey::Short {
                        word: codec::short_hash_at(key, 1),
                        document: codec::u32_at(key, len - 4),
                    })
                }
                len if len >= 3 && len <= 18 && codec::u8_at(key, 0) == 0x04
                    && codec::is_term_hash(codec::slice(key, 1, len - 1)) => {
                    Ok(PropertyKey::Term {
                        word: codec::slice(key, 1, len - 1),
                        kind: codec::u8_at(key, len - 1),
                    })
                }
                len if len >= 3 && len <= 11 && codec::u8_at(key, 0) == 0x05
                    && codec::is_token_hash(codec::slice(key, 1, len - 1)) => {
                    Ok(PropertyKey::Token {
                        word: codec::slice(key, 1, len - 1),
                        kind: codec::u8_at(key, len - 1),
                    })
                }
                len if len >= 7 && codec::u8_at(key, 0) == 0x06
                    && codec::skip(codec::leb32_end(key, 1), 1) <= len - 4 => {
                    Ok(PropertyKey::Mixed {
                        a: codec::leb32_at(key, 1),
                        kind: codec::u8_at(key, codec::leb32_end(key, 1)),
                        tail: codec::slice(
                            key,
                            codec::skip(codec::leb32_end(key, 1), 1),
                            len - 4,
                        ),
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
                1 if codec::u8_at(key, 0) == 0x00 => Ok(0),
                len if len >= 6 && len <= 10 && codec::u8_at(key, 0) == 0x01
                    && codec::leb32_end(key, 1) == len - 4 => Ok(1),
                len if len >= 4 && len <= 22 && codec::u8_at(key, 0) == 0x02
                    && codec::leb64_end(key, codec::skip(codec::leb64_end(key, 1), 1))
                        == len => Ok(2),
                len if len >= 6 && len <= 21 && codec::u8_at(key, 0) == 0x03
                    && codec::short_hash_end(key, 1) == len - 4 => Ok(3),
                len if len >= 3 && len <= 18 && codec::u8_at(key, 0) == 0x04
                    && codec::is_term_hash(codec::slice(key, 1, len - 1)) => Ok(4),
                len if len >= 3 && len <= 11 && codec::u8_at(key, 0) == 0x05
                    && codec::is_token_hash(codec::slice(key, 1, len - 1)) => Ok(5),
                len if len >= 7 && codec::u8_at(key, 0) == 0x06
                    && codec::skip(codec::leb32_end(key, 1), 1) <= len - 4 => Ok(6),
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
                PropertyKey::Number { a, document } => {
                    out.extend_from_slice(&[0x01]);
                    codec::put_leb128(out, u64::from(a));
                    out.extend_from_slice(&document.to_be_bytes());
                }
                PropertyKey::TwoNumbers { a, kind, b } => {
                    out.extend_from_slice(&[0x02]);
                    codec::put_leb128(out, a);
                    out.push(kind);
                    codec::put_leb128(out, b);
                }
                PropertyKey::Short { word, document } => {
                    out.extend_from_slice(&[0x03]);
                    out.extend_from_slice(word);
                    out.extend_from_slice(&document.to_be_bytes());
                }
                PropertyKey::Term { word, kind } => {
                    out.extend_from_slice(&[0x04]);
                    out.extend_from_slice(word);
                    out.push(kind);
                }
                PropertyKey::Token { word, kind } => {
                    out.extend_from_slice(&[0x05]);
                    out.extend_from_slice(word);
                    out.push(kind);
                }
                PropertyKey::Mixed { a, kind, tail, document } => {
                    out.extend_from_slice(&[0x06]);
                    codec::put_leb128(out, u64::from(a));
                    out.push(kind);
                    out.extend_from_slice(tail);
                    out.extend_from_slice(&document.to_be_bytes());
                }
            }
        }
        #[inline]
        fn layout(&self) -> usize {
            match self {
                PropertyKey::SchemaVersion { .. } => 0,
                PropertyKey::Number { .. } => 1,
                PropertyKey::TwoNumbers { .. } => 2,
                PropertyKey::Short { .. } => 3,
                PropertyKey::Term { .. } => 4,
                PropertyKey::Token { .. } => 5,
                PropertyKey::Mixed { .. } => 6,
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
    pub(super) static PROPERTY_LAYOUTS: [Layout; 7] = [
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
            name: "number",
            doc: "A record.",
            segments: &[
                Segment::constant(&[0x01]),
                Segment::field("a", SegmentKind::Leb32),
                Segment::field("document", SegmentKind::U32),
            ],
            ..Layout::PLAIN
        },
        Layout {
            name: "two_numbers",
            doc: "A record.",
            segments: &[
                Segment::constant(&[0x02]),
                Segment::field("a", SegmentKind::Leb64),
                Segment::field("kind", SegmentKind::U8),
                Segment::field("b", SegmentKind::Leb64),
            ],
            ..Layout::PLAIN
        },
        Layout {
            name: "short",
            doc: "A record.",
            segments: &[
                Segment::constant(&[0x03]),
                Segment::field("word", SegmentKind::ShortHash),
                Segment::field("document", SegmentKind::U32),
            ],
            ..Layout::PLAIN
        },
        Layout {
            name: "term",
            doc: "A record.",
            segments: &[
                Segment::constant(&[0x04]),
                Segment::field("word", SegmentKind::TermHash),
                Segment::field("kind", SegmentKind::U8),
            ],
            ..Layout::PLAIN
        },
        Layout {
            name: "token",
            doc: "A record.",
            segments: &[
                Segment::constant(&[0x05]),
                Segment::field("word", SegmentKind::TokenHash),
                Segment::field("kind", SegmentKind::U8),
            ],
            ..Layout::PLAIN
        },
        Layout {
            name: "mixed",
            doc: "A record.",
            segments: &[
                Segment::constant(&[0x06]),
                Segment::field("a", SegmentKind::Leb32),
                Segment::field("kind", SegmentKind::U8),
                Segment::field("tail", SegmentKind::Rest),
                Segment::field("document", SegmentKind::U32),
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
    pub enum Key<'a> {
        /// A key of subspace `p`.
        Property(PropertyKey<'a>),
    }
    impl<'a> Key<'a> {
        /// Reads a key of the subspace with this letter.
        pub fn decode(letter: char, key: &'a [u8]) -> Result<Self, KeyError> {
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
    impl fmt::Display for Key<'_> {
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
