// Generated from the schema by `codegen`: edit the schema instead.

use super::*;
use crate::codec::Value::*;
use crate::codec::*;

pub(super) static VERSIONS: [SchemaVersion; 1] = [
    SchemaVersion {
        number: 1,
        releases: "1.0",
        blobs_marked: false,
        subspaces: &SUBSPACES_1,
        families: &FAMILIES_1,
    },
];

static SUBSPACES_1: [Subspace; 1] = [PROPERTY.with::<PropertyKey, 1>(&PROPERTY_IN_1)];

static FAMILIES_1: [(&str, &[char]); 1] = [("data", &['p'])];

pub(super) static SCHEMA_VERSION_RECORD: VersionRecord = VersionRecord {
    letter: 'p',
    key: &[0x00],
    tables: &TABLES_P_BYTES,
};

pub(super) static LEGACY: &[LegacySubspace] = &[];
pub(super) static SIDE_TABLES: &[SideTable] = &[];

pub const GROUP_NUMBERS: usize = 1;
pub(super) static COUNTER_RULES: &[CounterRule] = &[];

pub(super) static SINGLETONS: &[Singleton] = &[];

pub(super) static BACKENDS: [Backend; 1] = [
    Backend { kind: BackendKind::Sqlite, name: "sqlite", title: "SQLite", legacy_required: false },
];
pub(super) static COMPANIONS: &[Companion] = &[];

const SQLITE_BYTES: Template = Template(
    BackendKind::Sqlite, Table { value: ValueKind::Bytes, ..Table::PLAIN },
);
const SQLITE_NONE: Template = Template(BackendKind::Sqlite, Table { value: ValueKind::None, ..Table::PLAIN });
const SQLITE_COUNTER: Template = Template(
    BackendKind::Sqlite, Table { value: ValueKind::Counter, ..Table::PLAIN },
);
const SQLITE_BLOB: Template = Template(BackendKind::Sqlite, Table { value: ValueKind::Blob, ..Table::PLAIN });

static TABLES_P_BYTES: [Mapping; 1] = [
    SQLITE_BYTES.created("p", "CREATE TABLE p (k BLOB PRIMARY KEY, v BLOB NOT NULL)"),
];

/// Properties (`subspaces.property`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PropertyKey<'k> {
    /// The schema version.
    SchemaVersion {},
    /// A record.
    Record { kind: u8, a: u16, account: u32, document: u64 },
    /// A record.
    Four { b: &'k [u8; 4], h: &'k [u8; 32] },
}

impl TypedKey for PropertyKey<'_> {
    type Of<'k> = PropertyKey<'k>;
    fn layouts() -> &'static [Layout] {
        &PROPERTY_LAYOUTS
    }
    #[inline(always)]
    fn layout_of(key: &[u8], version: u32, from: usize) -> Option<usize> {
        Some(match key.len() {
            1 if u8_at(key, 0) == 0x00 => 0,
            16 if u8_at(key, 0) == 0x01 => 1,
            37 if u8_at(key, 0) == 0x02 => 2,
            _ => return None,
        })
    }
    #[inline(always)]
    fn read(layout: usize, key: &[u8]) -> Option<PropertyKey<'_>> {
        Some(match layout {
            0 => PropertyKey::SchemaVersion {},
            1 => PropertyKey::Record {
                kind: u8_at(key, 1),
                a: u16_at(key, 2),
                account: u32_at(key, 4),
                document: u64_at(key, 8),
            },
            2 => PropertyKey::Four { b: array_at(key, 1), h: array_at(key, 5) },
            _ => return None,
        })
    }
    fn segments(&self, with: &mut SegmentSink<'_>) {
        match *self {
            PropertyKey::SchemaVersion {} => with(&[Const(&[0x00])]),
            PropertyKey::Record { kind, a, account, document } => with(
                &[Const(&[0x01]), U8(kind), U16(a), U32(account), U64(document)],
            ),
            PropertyKey::Four { b, h } => with(&[Const(&[0x02]), Bytes(b), Bytes(h)]),
        }
    }
}

static PROPERTY_LAYOUTS: [Layout; 3] = [
    Layout::new(0, "schema_version", &[Segment::constant(&[0x00])])
        .lengths(&[4]).schema_version().fixed_key(&[0x00]),
    Layout::new(1, "record", &[
        Segment::constant(&[0x01]), Segment::u8("kind"), Segment::u16("a"), Segment::u32("account"),
        Segment::u64("document"),
    ]),
    Layout::new(2, "four", &[Segment::constant(&[0x02]), Segment::bytes("b", 4), Segment::hash("h")]),
];

static PROPERTY_IN_1: [&Layout; 3] = pick(&PROPERTY_LAYOUTS, [0, 1, 2]);

const PROPERTY: Subspace = Subspace {
    letter: 'p',
    name: "property",
    title: "Properties",
    value: ValueKind::Bytes,
    tables: &TABLES_P_BYTES,
    ..Subspace::PLAIN
};

pub mod keys {
    pub use super::{ PropertyKey };
}
