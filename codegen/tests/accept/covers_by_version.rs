pub(super) static VERSIONS: [SchemaVersion; 2] = [
    SchemaVersion::new(1, "1.0", &SUBSPACES_1, &FAMILIES_1),
    SchemaVersion::new(2, "2.0", &SUBSPACES_2, &FAMILIES_1),
];

static SUBSPACES_1: [Subspace; 2] =
    [COUNTER.with::<CounterKey, 1>(&COUNTER_IN_1), PROPERTY.with::<PropertyKey, 1>(&PROPERTY_IN_1)];

static SUBSPACES_2: [Subspace; 2] =
    [COUNTER.with::<CounterKey, 2>(&COUNTER_IN_1), PROPERTY.with::<PropertyKey, 2>(&PROPERTY_IN_2)];

static FAMILIES_1: [(&str, &[char]); 1] = [("data", &['p', 'n'])];

pub const GROUP_NUMBERS: usize = 1;
pub(super) static COUNTER_RULES: &[CounterRule] = &[
    CounterRule {
        name: "document_id",
        versions: (1, 2),
        counter: LayoutRef { letter: 'n', layout: &COUNTER_LAYOUTS[0] },
        group: &["account"],
        group_of: document_id_of_counter_0,
        covers: &[
            Cover::new((1, 1), 'p', &PROPERTY_LAYOUTS[1], document_id_cover_0_property_1),
            Cover::new((2, 2), 'p', &PROPERTY_LAYOUTS[2], document_id_cover_0_property_2),
        ],
    },
];

fn document_id_cover_0_property_1(key: &[u8]) -> Option<(Group, CoveredId)> {
    match PropertyKey::read(1, key)? {
        PropertyKey::Record { account, document } => Some(
            ([u64::from(account)], CoveredId::Number(u64::from(document))),
        ),
        _ => None,
    }
}

fn document_id_cover_0_property_2(key: &[u8]) -> Option<(Group, CoveredId)> {
    match PropertyKey::read(2, key)? {
        PropertyKey::RecordV2 { document, account, .. } => Some(
            ([u64::from(account)], CoveredId::Number(u64::from(document))),
        ),
        _ => None,
    }
}

fn document_id_of_counter_0(key: &[u8]) -> Option<Group> {
    match CounterKey::read(0, key)? {
        CounterKey::DocumentId { account } => Some([u64::from(account)]),
        _ => None,
    }
}

const SQLITE_BYTES: Template = Template::new(BackendKind::Sqlite, ValueKind::Bytes);
const SQLITE_COUNTER: Template = Template::new(BackendKind::Sqlite, ValueKind::Counter);

macro_rules! counter_tables {
    ($letter:literal) => ([
        SQLITE_COUNTER.created(
            $letter,
            concat!("CREATE TABLE ", $letter, " (k BLOB PRIMARY KEY, v INTEGER NOT NULL)"),
        ),
    ]);
}

static TABLES_N_COUNTER: [Mapping; 1] = counter_tables!("n");
static TABLES_P_BYTES: [Mapping; 1] = bytes_tables!("p");

/// Counters (`subspaces.counter`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CounterKey {
    /// Last id.
    DocumentId { account: u32 },
}

impl TypedKey for CounterKey {
    type Of<'k> = CounterKey;
    const LAYOUTS: &'static [Layout] = &COUNTER_LAYOUTS;
    #[inline(always)]
    fn layout_of(key: &[u8], version: u32, from: usize) -> Option<usize> {
        Some(match key.len() {
            4 => 0,
            _ => return None,
        })
    }
    #[inline(always)]
    fn read(layout: usize, key: &[u8]) -> Option<CounterKey> {
        Some(match layout {
            0 => CounterKey::DocumentId { account: u32_at(key, 0) },
            _ => return None,
        })
    }
    fn segments(&self, with: &mut SegmentSink<'_>) {
        match *self {
            CounterKey::DocumentId { account } => with(&[U32(account)]),
        }
    }
}

static COUNTER_LAYOUTS: [Layout; 1] = [Layout::new(0, "document_id", &[Segment::u32("account")]).counter()];

static COUNTER_IN_1: [&Layout; 1] = pick(&COUNTER_LAYOUTS, [0]);

const COUNTER: Subspace = Subspace::new('n', "counter", "Counters", ValueKind::Counter, &TABLES_N_COUNTER);

/// Properties (`subspaces.property`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PropertyKey {
    /// The schema version.
    SchemaVersion {},
    /// A record.
    Record { account: u32, document: u32 },
    /// A record.
    RecordV2 { document: u32, kind: u8, account: u32 },
}

impl TypedKey for PropertyKey {
    type Of<'k> = PropertyKey;
    const LAYOUTS: &'static [Layout] = &PROPERTY_LAYOUTS;
    #[inline(always)]
    fn layout_of(key: &[u8], version: u32, from: usize) -> Option<usize> {
        Some(match key.len() {
            1 if u8_at(key, 0) == 0x00 => 0,
            8 if version <= 1 => 1,
            9 if version >= 2 => 2,
            _ => return None,
        })
    }
    #[inline(always)]
    fn read(layout: usize, key: &[u8]) -> Option<PropertyKey> {
        Some(match layout {
            0 => PropertyKey::SchemaVersion {},
            1 => PropertyKey::Record { account: u32_at(key, 0), document: u32_at(key, 4) },
            2 => PropertyKey::RecordV2 {
                document: u32_at(key, 0),
                kind: u8_at(key, 4),
                account: u32_at(key, 5),
            },
            _ => return None,
        })
    }
    fn segments(&self, with: &mut SegmentSink<'_>) {
        match *self {
            PropertyKey::SchemaVersion {} => with(&[Const(&[0x00])]),
            PropertyKey::Record { account, document } => with(&[U32(account), U32(document)]),
            PropertyKey::RecordV2 { document, kind, account } => with(
                &[U32(document), U8(kind), U32(account)],
            ),
        }
    }
}

static PROPERTY_LAYOUTS: [Layout; 3] = [
    Layout::new(0, "schema_version", &[Segment::constant(&[0x00])]).lengths(&[4]).fixed_key(&[0x00]),
    Layout::new(1, "record", &[Segment::u32("account"), Segment::u32("document")]),
    Layout::new(2, "record", &[Segment::u32("document"), Segment::u8("kind"), Segment::u32("account")]),
];

static PROPERTY_IN_1: [&Layout; 2] = pick(&PROPERTY_LAYOUTS, [0, 1]);

static PROPERTY_IN_2: [&Layout; 2] = pick(&PROPERTY_LAYOUTS, [0, 2]);

pub mod keys {
    pub use super::{ CounterKey, PropertyKey };
}
