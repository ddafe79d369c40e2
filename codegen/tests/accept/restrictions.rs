/// Properties (`subspaces.property`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PropertyKey {
    /// The schema version.
    SchemaVersion {},
    /// A record.
    Some { kind: u8, account: u32 },
    /// A record.
    Low { kind: u8, account: u32 },
    /// A record.
    Wide { kind: u8, account: u32 },
}

impl TypedKey for PropertyKey {
    type Of<'k> = PropertyKey;
    const LAYOUTS: &'static [Layout] = &PROPERTY_LAYOUTS;
    #[inline(always)]
    fn layout_of(key: &[u8], version: u32, from: usize) -> Option<usize> {
        Some(match key.len() {
            1 if u8_at(key, 0) == 0x00 => 0,
            5 if (u8_at(key, 0) == 1 || (3..=5).contains(&u8_at(key, 0)) || u8_at(key, 0) >= 128) => 1,
            5 if u8_at(key, 0) == 0 => 2,
            5 if u8_at(key, 0) == 2 && u32_at(key, 1) >= 1 => 3,
            _ => return None,
        })
    }
    #[inline(always)]
    fn read(layout: usize, key: &[u8]) -> Option<PropertyKey> {
        Some(match layout {
            0 => PropertyKey::SchemaVersion {},
            1 => PropertyKey::Some { kind: u8_at(key, 0), account: u32_at(key, 1) },
            2 => PropertyKey::Low { kind: u8_at(key, 0), account: u32_at(key, 1) },
            3 => PropertyKey::Wide { kind: u8_at(key, 0), account: u32_at(key, 1) },
            _ => return None,
        })
    }
    fn segments(&self, with: &mut SegmentSink<'_>) {
        match *self {
            PropertyKey::SchemaVersion {} => with(&[Const(&[0x00])]),
            PropertyKey::Some { kind, account } => with(&[U8(kind), U32(account)]),
            PropertyKey::Low { kind, account } => with(&[U8(kind), U32(account)]),
            PropertyKey::Wide { kind, account } => with(&[U8(kind), U32(account)]),
        }
    }
}

static PROPERTY_LAYOUTS: [Layout; 4] = [
    Layout::new(0, "schema_version", &[Segment::constant(&[0x00])]).lengths(&[4]).fixed_key(&[0x00]),
    Layout::new(1, "some", &[
        Segment::u8("kind").within(&[(1, 1), (3, 5), (128, u64::MAX)]),
        Segment::u32("account"),
    ]),
    Layout::new(2, "low", &[Segment::u8("kind").within(&[(0, 0)]), Segment::u32("account")]),
    Layout::new(3, "wide", &[
        Segment::u8("kind").within(&[(2, 2)]), Segment::u32("account").within(&[(1, u64::MAX)]),
    ]),
];

static PROPERTY_IN_1: [&Layout; 4] = pick(&PROPERTY_LAYOUTS, [0, 1, 2, 3]);
