pub(super) static VERSIONS: [SchemaVersion; 2] = [
    SchemaVersion::new(1, "1.0", &SUBSPACES_1, &FAMILIES_1),
    SchemaVersion::new(2, "2.0", &SUBSPACES_2, &FAMILIES_2),
];

static SUBSPACES_2: [Subspace; 1] = [PROPERTY.with::<PropertyKey, 2>(&PROPERTY_IN_1)];

static FAMILIES_2: [(&str, &[char]); 1] = [("all", &['p'])];

/// Properties (`subspaces.property`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PropertyKey {
    /// The schema version.
    SchemaVersion {},
    /// A record.
    Record { account: u32 },
}

impl TypedKey for PropertyKey {
    type Of<'k> = PropertyKey;
    const LAYOUTS: &'static [Layout] = &PROPERTY_LAYOUTS;
    #[inline(always)]
    fn layout_of(key: &[u8], version: u32, from: usize) -> Option<usize> {
        Some(match key.len() {
            1 if u8_at(key, 0) == 0x00 => 0,
            5 if u8_at(key, 0) == 0x01 => 1,
            _ => return None,
        })
    }
    #[inline(always)]
    fn read(layout: usize, key: &[u8]) -> Option<PropertyKey> {
        Some(match layout {
            0 => PropertyKey::SchemaVersion {},
            1 => PropertyKey::Record { account: u32_at(key, 1) },
            _ => return None,
        })
    }
    fn segments(&self, with: &mut SegmentSink<'_>) {
        match *self {
            PropertyKey::SchemaVersion {} => with(&[Const(&[0x00])]),
            PropertyKey::Record { account } => with(&[Const(&[0x01]), U32(account)]),
        }
    }
}

static PROPERTY_LAYOUTS: [Layout; 2] = [
    Layout::new(0, "schema_version", &[Segment::constant(&[0x00])]).lengths(&[4]).fixed_key(&[0x00]),
    Layout::new(1, "record", &[Segment::constant(&[0x01]), Segment::u32("account")]),
];

static PROPERTY_IN_1: [&Layout; 2] = pick(&PROPERTY_LAYOUTS, [0, 1]);
