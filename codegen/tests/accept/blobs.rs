static SUBSPACES_1: [Subspace; 2] =
    [PROPERTY.with::<PropertyKey, 1>(&PROPERTY_IN_1), BLOBS.with::<BlobsKey, 1>(&BLOBS_IN_1)];

const SQLITE_BYTES: Template = Template::new(BackendKind::Sqlite, ValueKind::Bytes);
const SQLITE_BLOB: Template = Template::new(BackendKind::Sqlite, ValueKind::Blob);

macro_rules! blob_tables {
    ($letter:literal) => ([
        SQLITE_BLOB.created(
            $letter,
            concat!("CREATE TABLE ", $letter, " (k BLOB PRIMARY KEY, v BLOB NOT NULL)"),
        ),
    ]);
}

static TABLES_P_BYTES: [Mapping; 1] = bytes_tables!("p");
static TABLES_T_BLOB: [Mapping; 1] = blob_tables!("t");

/// Properties (`subspaces.property`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PropertyKey<'k> {
    /// The schema version.
    SchemaVersion {},
    /// A record.
    Record { kind: u8, document: u32 },
    /// A record.
    Link { h: &'k [u8; 32] },
    /// The blob was stored.
    Commit { h: &'k [u8; 32] },
    /// The blob is not used yet.
    EarlyLink { h: &'k [u8; 32], kind: u8 },
}

impl TypedKey for PropertyKey<'_> {
    type Of<'k> = PropertyKey<'k>;
    const LAYOUTS: &'static [Layout] = &PROPERTY_LAYOUTS;
    #[inline(always)]
    fn layout_of(key: &[u8], version: u32, from: usize) -> Option<usize> {
        Some(match key.len() {
            1 if u8_at(key, 0) == 0x00 => 0,
            6 if u8_at(key, 0) == 0x01 => 1,
            33 if u8_at(key, 0) == 0x02 => 2,
            33 if u8_at(key, 0) == 0x03 => 3,
            34 if u8_at(key, 0) == 0x04 => 4,
            _ => return None,
        })
    }
    #[inline(always)]
    fn read(layout: usize, key: &[u8]) -> Option<PropertyKey<'_>> {
        Some(match layout {
            0 => PropertyKey::SchemaVersion {},
            1 => PropertyKey::Record { kind: u8_at(key, 1), document: u32_at(key, 2) },
            2 => PropertyKey::Link { h: array_at(key, 1) },
            3 => PropertyKey::Commit { h: array_at(key, 1) },
            4 => PropertyKey::EarlyLink { h: array_at(key, 1), kind: u8_at(key, 33) },
            _ => return None,
        })
    }
    fn segments(&self, with: &mut SegmentSink<'_>) {
        match *self {
            PropertyKey::SchemaVersion {} => with(&[Const(&[0x00])]),
            PropertyKey::Record { kind, document } => with(&[Const(&[0x01]), U8(kind), U32(document)]),
            PropertyKey::Link { h } => with(&[Const(&[0x02]), Bytes(h)]),
            PropertyKey::Commit { h } => with(&[Const(&[0x03]), Bytes(h)]),
            PropertyKey::EarlyLink { h, kind } => with(&[Const(&[0x04]), Bytes(h), U8(kind)]),
        }
    }
}

static PROPERTY_LAYOUTS: [Layout; 5] = [
    Layout::new(0, "schema_version", &[Segment::constant(&[0x00])]).lengths(&[4]).fixed_key(&[0x00]),
    Layout::new(1, "record", &[Segment::constant(&[0x01]), Segment::u8("kind"), Segment::u32("document")])
        .archives(property_1_archived).long(),
    Layout::new(2, "link", &[Segment::constant(&[0x02]), Segment::hash("h")])
        .empty().link(1).local().fresh(FreshRule::Keep),
    Layout::new(3, "commit", &[Segment::constant(&[0x03]), Segment::hash("h")])
        .empty().link(1).commit().fresh_if_derived_key(FreshRule::Clear),
    Layout::new(4, "early_link", &[Segment::constant(&[0x04]), Segment::hash("h"), Segment::u8("kind")])
        .lengths(&[0, 10]).provisional(property_4_provisional).link(1).fresh_if_derived_key(FreshRule::Clear),
];

fn property_1_archived(key: &[u8]) -> bool {
    matches!(PropertyKey::read(1, key), Some(PropertyKey::Record { kind: 50, .. }))
}

fn property_4_provisional(key: &[u8]) -> bool {
    matches!(PropertyKey::read(4, key), Some(PropertyKey::EarlyLink { kind: 255, .. }))
}

static PROPERTY_IN_1: [&Layout; 5] = pick(&PROPERTY_LAYOUTS, [0, 1, 2, 3, 4]);

/// Blobs (`subspaces.blobs`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BlobsKey<'k> {
    /// A blob.
    Content { h: &'k [u8; 32] },
    /// A model.
    Model {},
}

impl TypedKey for BlobsKey<'_> {
    type Of<'k> = BlobsKey<'k>;
    const LAYOUTS: &'static [Layout] = &BLOBS_LAYOUTS;
    #[inline(always)]
    fn layout_of(key: &[u8], version: u32, from: usize) -> Option<usize> {
        Some(match key.len() {
            32 => 0,
            5 if has(key, 0, b"MODEL") => 1,
            _ => return None,
        })
    }
    #[inline(always)]
    fn read(layout: usize, key: &[u8]) -> Option<BlobsKey<'_>> {
        Some(match layout {
            0 => BlobsKey::Content { h: array_at(key, 0) },
            1 => BlobsKey::Model {},
            _ => return None,
        })
    }
    fn segments(&self, with: &mut SegmentSink<'_>) {
        match *self {
            BlobsKey::Content { h } => with(&[Bytes(h)]),
            BlobsKey::Model {} => with(&[Const(b"MODEL")]),
        }
    }
}

static BLOBS_LAYOUTS: [Layout; 2] = [
    Layout::new(0, "content", &[Segment::hash("h")])
        .content_hash(0).long().fresh_if_derived_key(FreshRule::Save)
        .derived_keys(&[
            DerivedKeys {
                versions: (1, 1),
                prefix: "APP_",
                of: LayoutRef { letter: 'p', layout: &PROPERTY_LAYOUTS[1] },
                start: &[0x01, 0x0b],
                id: blobs_0_object_0,
            },
        ]),
    Layout::new(1, "model", &[Segment::constant(b"MODEL")]).fresh(FreshRule::Clear).fixed_key(b"MODEL"),
];

fn blobs_0_object_0(key: &[u8]) -> Option<u64> {
    match PropertyKey::read(1, key)? {
        PropertyKey::Record { kind: 11, document } => Some(u64::from(document)),
        _ => None,
    }
}

static BLOBS_IN_1: [&Layout; 2] = pick(&BLOBS_LAYOUTS, [0, 1]);

const BLOBS: Subspace =
    Subspace::new('t', "blobs", "Blobs", ValueKind::Blob, &TABLES_T_BLOB).store(StoreGroup::Blob);

pub mod keys {
    pub use super::{ PropertyKey, BlobsKey };
}
