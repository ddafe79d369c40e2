pub(super) static VERSIONS: [SchemaVersion; 2] = [
    SchemaVersion::new(1, "1.0", &SUBSPACES_1, &FAMILIES_1),
    SchemaVersion::new(2, "2.0", &SUBSPACES_2, &FAMILIES_2),
];

static SUBSPACES_1: [Subspace; 2] =
    [PROPERTY.with::<PropertyKey, 1>(&PROPERTY_IN_1), QUEUE.with::<QueueKey, 1>(&QUEUE_IN_1)];

static SUBSPACES_2: [Subspace; 2] =
    [PROPERTY.with::<PropertyKey, 2>(&PROPERTY_IN_1), QUEUE.with::<QueueKey, 2>(&QUEUE_IN_1)];

static FAMILIES_1: [(&str, &[char]); 1] = [("data", &['p', 'q'])];

static FAMILIES_2: [(&str, &[char]); 1] = [("all", &['p', 'q'])];

static NAMES_KIND: Names =
    Names { values: &[(1, "Mail"), (2, "Event")], earlier: &[(2, (1, 1), "Scheduling")] };

static TABLES_P_BYTES: [Mapping; 1] = bytes_tables!("p");
static TABLES_Q_BYTES: [Mapping; 1] = bytes_tables!("q");

/// Properties (`subspaces.property`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PropertyKey {
    /// The schema version.
    SchemaVersion {},
    /// A record.
    Record { kind: u8 },
}

impl TypedKey for PropertyKey {
    type Of<'k> = PropertyKey;
    const LAYOUTS: &'static [Layout] = &PROPERTY_LAYOUTS;
    #[inline(always)]
    fn layout_of(key: &[u8], version: u32, from: usize) -> Option<usize> {
        Some(match key.len() {
            1 if u8_at(key, 0) == 0x00 => 0,
            2 if u8_at(key, 0) == 0x01 => 1,
            _ => return None,
        })
    }
    #[inline(always)]
    fn read(layout: usize, key: &[u8]) -> Option<PropertyKey> {
        Some(match layout {
            0 => PropertyKey::SchemaVersion {},
            1 => PropertyKey::Record { kind: u8_at(key, 1) },
            _ => return None,
        })
    }
    fn segments(&self, with: &mut SegmentSink<'_>) {
        match *self {
            PropertyKey::SchemaVersion {} => with(&[Const(&[0x00])]),
            PropertyKey::Record { kind } => with(&[Const(&[0x01]), U8(kind)]),
        }
    }
}

static PROPERTY_LAYOUTS: [Layout; 2] = [
    Layout::new(0, "schema_version", &[Segment::constant(&[0x00])]).lengths(&[4]).fixed_key(&[0x00]),
    Layout::new(1, "record", &[Segment::constant(&[0x01]), Segment::u8("kind").named(&NAMES_KIND)]),
];

static PROPERTY_IN_1: [&Layout; 2] = pick(&PROPERTY_LAYOUTS, [0, 1]);

/// Queue (`subspaces.queue`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum QueueKey {
    /// A message.
    Event { document: u32 },
}

impl TypedKey for QueueKey {
    type Of<'k> = QueueKey;
    const LAYOUTS: &'static [Layout] = &QUEUE_LAYOUTS;
    #[inline(always)]
    fn layout_of(key: &[u8], version: u32, from: usize) -> Option<usize> {
        Some(match key.len() {
            4 => 0,
            _ => return None,
        })
    }
    #[inline(always)]
    fn read(layout: usize, key: &[u8]) -> Option<QueueKey> {
        Some(match layout {
            0 => QueueKey::Event { document: u32_at(key, 0) },
            _ => return None,
        })
    }
    fn segments(&self, with: &mut SegmentSink<'_>) {
        match *self {
            QueueKey::Event { document } => with(&[U32(document)]),
        }
    }
}

static QUEUE_LAYOUTS: [Layout; 1] = [Layout::new(0, "event", &[Segment::u32("document")])];

static QUEUE_IN_1: [&Layout; 1] = pick(&QUEUE_LAYOUTS, [0]);

const QUEUE: Subspace = Subspace::new('q', "queue", "Queue", ValueKind::Bytes, &TABLES_Q_BYTES);

pub mod keys {
    pub use super::{ PropertyKey, QueueKey };
}
