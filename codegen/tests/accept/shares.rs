/// Properties (`subspaces.property`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PropertyKey<'k> {
    /// The schema version.
    SchemaVersion {},
    /// A record.
    Special { document: u32 },
    /// A record.
    Any { kind: u8, document: u32 },
    /// A record.
    Cross { word: &'k [u8], document: u32 },
    /// A record.
    Number { n: u64, document: u32 },
}

impl TypedKey for PropertyKey<'_> {
    type Of<'k> = PropertyKey<'k>;
    const LAYOUTS: &'static [Layout] = &PROPERTY_LAYOUTS;
    #[inline(always)]
    fn layout_of(key: &[u8], version: u32, from: usize) -> Option<usize> {
        Some(match key.len() {
            1 if u8_at(key, 0) == 0x00 => 0,
            6 if from <= 1 && has(key, 0, &[0x01, 0xff]) => 1,
            6 if u8_at(key, 0) == 0x01 => 2,
            len @ 6..=21 if from <= 3 && u8_at(key, 0) == 0x02 && short_hash_end(key, 1) == len - 4 => 3,
            13 if u8_at(key, 0) == 0x02 => 4,
            _ => return None,
        })
    }
    #[inline(always)]
    fn read(layout: usize, key: &[u8]) -> Option<PropertyKey<'_>> {
        let len = key.len();
        Some(match layout {
            0 => PropertyKey::SchemaVersion {},
            1 => PropertyKey::Special { document: u32_at(key, 2) },
            2 => PropertyKey::Any { kind: u8_at(key, 1), document: u32_at(key, 2) },
            3 => PropertyKey::Cross { word: short_hash_at(key, 1), document: u32_at(key, before(len, 4)) },
            4 => PropertyKey::Number { n: u64_at(key, 1), document: u32_at(key, 9) },
            _ => return None,
        })
    }
    fn segments(&self, with: &mut SegmentSink<'_>) {
        match *self {
            PropertyKey::SchemaVersion {} => with(&[Const(&[0x00])]),
            PropertyKey::Special { document } => with(&[Const(&[0x01, 0xff]), U32(document)]),
            PropertyKey::Any { kind, document } => with(&[Const(&[0x01]), U8(kind), U32(document)]),
            PropertyKey::Cross { word, document } => with(&[Const(&[0x02]), Bytes(word), U32(document)]),
            PropertyKey::Number { n, document } => with(&[Const(&[0x02]), U64(n), U32(document)]),
        }
    }
}

static PROPERTY_LAYOUTS: [Layout; 5] = [
    Layout::new(0, "schema_version", &[Segment::constant(&[0x00])]).lengths(&[4]).fixed_key(&[0x00]),
    Layout::new(1, "special", &[Segment::constant(&[0x01, 0xff]), Segment::u32("document")]).shares(&[2]),
    Layout::new(2, "any", &[Segment::constant(&[0x01]), Segment::u8("kind"), Segment::u32("document")]),
    Layout::new(3, "cross", &[
        Segment::constant(&[0x02]), Segment::short_hash("word"), Segment::u32("document"),
    ]).shares(&[4]),
    Layout::new(4, "number", &[Segment::constant(&[0x02]), Segment::u64("n"), Segment::u32("document")]),
];

static PROPERTY_IN_1: [&Layout; 5] = pick(&PROPERTY_LAYOUTS, [0, 1, 2, 3, 4]);
