/// Properties (`subspaces.property`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PropertyKey<'k> {
    /// The schema version.
    SchemaVersion {},
    /// A record.
    Number { a: u32, document: u32 },
    /// A record.
    TwoNumbers { a: u64, kind: u8, b: u64 },
    /// A record.
    Short { word: &'k [u8], document: u32 },
    /// A record.
    Term { word: &'k [u8], kind: u8 },
    /// A record.
    Token { word: &'k [u8], kind: u8 },
    /// A record.
    Mixed { a: u32, kind: u8, tail: &'k [u8], document: u32 },
}

impl TypedKey for PropertyKey<'_> {
    type Of<'k> = PropertyKey<'k>;
    const LAYOUTS: &'static [Layout] = &PROPERTY_LAYOUTS;
    #[inline(always)]
    fn layout_of(key: &[u8], version: u32, from: usize) -> Option<usize> {
        Some(match key.len() {
            1 if u8_at(key, 0) == 0x00 => 0,
            len @ 6..=10 if u8_at(key, 0) == 0x01 && leb32_end(key, 1) == len - 4 => 1,
            len @ 4..=22 if u8_at(key, 0) == 0x02 && leb64_end(key, skip(leb64_end(key, 1), 1)) == len => 2,
            len @ 6..=21 if u8_at(key, 0) == 0x03 && short_hash_end(key, 1) == len - 4 => 3,
            len @ 3..=18 if u8_at(key, 0) == 0x04 && is_term_hash(slice(key, 1, len - 1)) => 4,
            len @ 3..=11 if u8_at(key, 0) == 0x05 && is_token_hash(slice(key, 1, len - 1)) => 5,
            len @ 7.. if u8_at(key, 0) == 0x06 && skip(leb32_end(key, 1), 1) <= len - 4 => 6,
            _ => return None,
        })
    }
    #[inline(always)]
    fn read(layout: usize, key: &[u8]) -> Option<PropertyKey<'_>> {
        let len = key.len();
        Some(match layout {
            0 => PropertyKey::SchemaVersion {},
            1 => PropertyKey::Number { a: leb32_at(key, 1), document: u32_at(key, before(len, 4)) },
            2 => PropertyKey::TwoNumbers {
                a: leb64_at(key, 1),
                kind: u8_at(key, leb64_end(key, 1)),
                b: leb64_at(key, skip(leb64_end(key, 1), 1)),
            },
            3 => PropertyKey::Short { word: short_hash_at(key, 1), document: u32_at(key, before(len, 4)) },
            4 => PropertyKey::Term { word: slice(key, 1, before(len, 1)), kind: u8_at(key, before(len, 1)) },
            5 => PropertyKey::Token { word: slice(key, 1, before(len, 1)), kind: u8_at(key, before(len, 1)) },
            6 => PropertyKey::Mixed {
                a: leb32_at(key, 1),
                kind: u8_at(key, leb32_end(key, 1)),
                tail: slice(key, skip(leb32_end(key, 1), 1), before(len, 4)),
                document: u32_at(key, before(len, 4)),
            },
            _ => return None,
        })
    }
    fn segments(&self, with: &mut SegmentSink<'_>) {
        match *self {
            PropertyKey::SchemaVersion {} => with(&[Const(&[0x00])]),
            PropertyKey::Number { a, document } => with(&[Const(&[0x01]), Leb(u64::from(a)), U32(document)]),
            PropertyKey::TwoNumbers { a, kind, b } => with(&[Const(&[0x02]), Leb(a), U8(kind), Leb(b)]),
            PropertyKey::Short { word, document } => with(&[Const(&[0x03]), Bytes(word), U32(document)]),
            PropertyKey::Term { word, kind } => with(&[Const(&[0x04]), Bytes(word), U8(kind)]),
            PropertyKey::Token { word, kind } => with(&[Const(&[0x05]), Bytes(word), U8(kind)]),
            PropertyKey::Mixed { a, kind, tail, document } => with(
                &[Const(&[0x06]), Leb(u64::from(a)), U8(kind), Bytes(tail), U32(document)],
            ),
        }
    }
}

static PROPERTY_LAYOUTS: [Layout; 7] = [
    Layout::new(0, "schema_version", &[Segment::constant(&[0x00])]).lengths(&[4]).fixed_key(&[0x00]),
    Layout::new(1, "number", &[Segment::constant(&[0x01]), Segment::leb32("a"), Segment::u32("document")]),
    Layout::new(2, "two_numbers", &[
        Segment::constant(&[0x02]), Segment::leb64("a"), Segment::u8("kind"), Segment::leb64("b"),
    ]),
    Layout::new(3, "short", &[
        Segment::constant(&[0x03]), Segment::short_hash("word"), Segment::u32("document"),
    ]),
    Layout::new(4, "term", &[Segment::constant(&[0x04]), Segment::term_hash("word"), Segment::u8("kind")]),
    Layout::new(5, "token", &[Segment::constant(&[0x05]), Segment::token_hash("word"), Segment::u8("kind")]),
    Layout::new(6, "mixed", &[
        Segment::constant(&[0x06]), Segment::leb32("a"), Segment::u8("kind"), Segment::rest("tail"),
        Segment::u32("document"),
    ]),
];

static PROPERTY_IN_1: [&Layout; 7] = pick(&PROPERTY_LAYOUTS, [0, 1, 2, 3, 4, 5, 6]);
