/// Properties (`subspaces.property`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PropertyKey {
    /// The schema version.
    SchemaVersion {},
    /// A record.
    Hex { account: u32 },
    /// A record.
    Text {},
    /// A record.
    TailConstant { account: u32 },
}

impl TypedKey for PropertyKey {
    type Of<'k> = PropertyKey;
    const LAYOUTS: &'static [Layout] = &PROPERTY_LAYOUTS;
    #[inline(always)]
    fn layout_of(key: &[u8], version: u32, from: usize) -> Option<usize> {
        Some(match key.len() {
            1 if u8_at(key, 0) == 0x00 => 0,
            6 if has(key, 0, &[0x01, 0x02]) => 1,
            4 if has(key, 0, &[0x57, 0x4f, 0x52, 0x44]) => 2,
            6 if u8_at(key, 0) == 0x03 && u8_at(key, 5) == 0xff => 3,
            _ => return None,
        })
    }
    #[inline(always)]
    fn read(layout: usize, key: &[u8]) -> Option<PropertyKey> {
        Some(match layout {
            0 => PropertyKey::SchemaVersion {},
            1 => PropertyKey::Hex { account: u32_at(key, 2) },
            2 => PropertyKey::Text {},
            3 => PropertyKey::TailConstant { account: u32_at(key, 1) },
            _ => return None,
        })
    }
    fn segments(&self, with: &mut SegmentSink<'_>) {
        match *self {
            PropertyKey::SchemaVersion {} => with(&[Const(&[0x00])]),
            PropertyKey::Hex { account } => with(&[Const(&[0x01, 0x02]), U32(account)]),
            PropertyKey::Text {} => with(&[Const(&[0x57, 0x4f, 0x52, 0x44])]),
            PropertyKey::TailConstant { account } => with(&[Const(&[0x03]), U32(account), Const(&[0xff])]),
        }
    }
}

static PROPERTY_LAYOUTS: [Layout; 4] = [
    Layout::new(0, "schema_version", &[Segment::constant(&[0x00])]).lengths(&[4]).fixed_key(&[0x00]),
    Layout::new(1, "hex", &[Segment::constant(&[0x01, 0x02]), Segment::u32("account")]),
    Layout::new(2, "text", &[Segment::constant(&[0x57, 0x4f, 0x52, 0x44])])
        .fixed_key(&[0x57, 0x4f, 0x52, 0x44]),
    Layout::new(3, "tail_constant", &[
        Segment::constant(&[0x03]), Segment::u32("account"), Segment::constant(&[0xff]),
    ]),
];

static PROPERTY_IN_1: [&Layout; 4] = pick(&PROPERTY_LAYOUTS, [0, 1, 2, 3]);
