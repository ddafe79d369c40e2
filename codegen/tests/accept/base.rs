// Generated from the schema by `codegen`: edit the schema instead.

use super::*;
use crate::codec::Value::*;
use crate::codec::*;

pub(super) static VERSIONS: [SchemaVersion; 1] = [SchemaVersion::new(1, "1.0", &SUBSPACES_1, &FAMILIES_1)];

static SUBSPACES_1: [Subspace; 1] = [PROPERTY.with::<PropertyKey, 1>(&PROPERTY_IN_1)];

static FAMILIES_1: [(&str, &[char]); 1] = [("data", &['p'])];

pub(super) static SCHEMA_VERSION_RECORD: VersionRecord =
    VersionRecord { letter: 'p', key: &[0x00], tables: &TABLES_P_BYTES };

pub(super) static LEGACY: &[LegacySubspace] = &[];
pub(super) static SIDE_TABLES: &[SideTable] = &[];

pub const GROUP_NUMBERS: usize = 1;
pub(super) static COUNTER_RULES: &[CounterRule] = &[];

pub(super) static SINGLETONS: &[Singleton] = &[];

pub(super) static BACKENDS: [Backend; 1] =
    [Backend { kind: BackendKind::Sqlite, name: "sqlite", title: "SQLite", legacy_required: false }];
pub(super) static COMPANIONS: &[Companion] = &[];

const SQLITE_BYTES: Template = Template::new(BackendKind::Sqlite, ValueKind::Bytes);

macro_rules! bytes_tables {
    ($letter:literal) => ([
        SQLITE_BYTES.created(
            $letter,
            concat!("CREATE TABLE ", $letter, " (k BLOB PRIMARY KEY, v BLOB NOT NULL)"),
        ),
    ]);
}

static TABLES_P_BYTES: [Mapping; 1] = bytes_tables!("p");

/// Properties (`subspaces.property`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PropertyKey {
    /// The schema version.
    SchemaVersion {},
}

impl TypedKey for PropertyKey {
    type Of<'k> = PropertyKey;
    const LAYOUTS: &'static [Layout] = &PROPERTY_LAYOUTS;
    #[inline(always)]
    fn layout_of(key: &[u8], version: u32, from: usize) -> Option<usize> {
        Some(match key.len() {
            1 if u8_at(key, 0) == 0x00 => 0,
            _ => return None,
        })
    }
    #[inline(always)]
    fn read(layout: usize, key: &[u8]) -> Option<PropertyKey> {
        Some(match layout {
            0 => PropertyKey::SchemaVersion {},
            _ => return None,
        })
    }
    fn segments(&self, with: &mut SegmentSink<'_>) {
        match *self {
            PropertyKey::SchemaVersion {} => with(&[Const(&[0x00])]),
        }
    }
}

static PROPERTY_LAYOUTS: [Layout; 1] =
    [Layout::new(0, "schema_version", &[Segment::constant(&[0x00])]).lengths(&[4]).fixed_key(&[0x00])];

static PROPERTY_IN_1: [&Layout; 1] = pick(&PROPERTY_LAYOUTS, [0]);

const PROPERTY: Subspace = Subspace::new('p', "property", "Properties", ValueKind::Bytes, &TABLES_P_BYTES);

pub mod keys {
    pub use super::{ PropertyKey };
}
