pub(super) static SINGLETONS: &[Singleton] = &[
    Singleton {
        name: "blob_store",
        title: "BlobStore",
        versions: (1, 1),
        letter: 'p',
        key: &[0x01, 0x00, 0x10, 0x00, 0x00, 0x12, 0x43, 0x4c, 0xb2, 0x4d, 0xcd],
        store: Some(StoreGroup::Blob),
        variants: &[Variant::internal(0, "Default"), Variant::external(2, "S3")],
    },
    Singleton {
        name: "coordinator",
        title: "Other",
        versions: (1, 1),
        letter: 'p',
        key: &[0x01, 0x00, 0x11, 0x00, 0x00, 0x12, 0x43, 0x4c, 0xb2, 0x4d, 0xcd],
        store: None,
        variants: &[Variant::internal(0, "Default")],
    },
];

/// Properties (`subspaces.property`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PropertyKey {
    /// The schema version.
    SchemaVersion {},
    /// An object.
    Object { kind: u16, document: u64 },
}

impl TypedKey for PropertyKey {
    type Of<'k> = PropertyKey;
    const LAYOUTS: &'static [Layout] = &PROPERTY_LAYOUTS;
    #[inline(always)]
    fn layout_of(key: &[u8], version: u32, from: usize) -> Option<usize> {
        Some(match key.len() {
            1 if u8_at(key, 0) == 0x00 => 0,
            11 if u8_at(key, 0) == 0x01 => 1,
            _ => return None,
        })
    }
    #[inline(always)]
    fn read(layout: usize, key: &[u8]) -> Option<PropertyKey> {
        Some(match layout {
            0 => PropertyKey::SchemaVersion {},
            1 => PropertyKey::Object { kind: u16_at(key, 1), document: u64_at(key, 3) },
            _ => return None,
        })
    }
    fn segments(&self, with: &mut SegmentSink<'_>) {
        match *self {
            PropertyKey::SchemaVersion {} => with(&[Const(&[0x00])]),
            PropertyKey::Object { kind, document } => with(&[Const(&[0x01]), U16(kind), U64(document)]),
        }
    }
}

static PROPERTY_LAYOUTS: [Layout; 2] = [
    Layout::new(0, "schema_version", &[Segment::constant(&[0x00])]).lengths(&[4]).fixed_key(&[0x00]),
    Layout::new(1, "object", &[Segment::constant(&[0x01]), Segment::u16("kind"), Segment::u64("document")]),
];

static PROPERTY_IN_1: [&Layout; 2] = pick(&PROPERTY_LAYOUTS, [0, 1]);
