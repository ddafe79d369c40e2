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
    const LAYOUTS: &'static [Layout] = &PROPERTY_LAYOUTS;
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
    Layout::new(0, "schema_version", &[Segment::constant(&[0x00])]).lengths(&[4]).fixed_key(&[0x00]),
    Layout::new(1, "record", &[
        Segment::constant(&[0x01]), Segment::u8("kind"), Segment::u16("a"), Segment::u32("account"),
        Segment::u64("document"),
    ]),
    Layout::new(2, "four", &[Segment::constant(&[0x02]), Segment::bytes("b", 4), Segment::hash("h")]),
];

static PROPERTY_IN_1: [&Layout; 3] = pick(&PROPERTY_LAYOUTS, [0, 1, 2]);
