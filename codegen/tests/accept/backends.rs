static SUBSPACES_1: [Subspace; 2] =
    [PROPERTY.with::<PropertyKey, 1>(&PROPERTY_IN_1), SEARCH.with::<SearchKey, 1>(&SEARCH_IN_1)];

pub(super) static SCHEMA_VERSION_RECORD: VersionRecord =
    VersionRecord { letter: 'p', key: &[0x00], tables: &TABLES_P_BYTES_PROPERTY };

pub(super) static LEGACY: &[LegacySubspace] = &[];
pub(super) static SIDE_TABLES: &[SideTable] =
    &[SideTable::new(BackendKind::FoundationDb, "s_mail", (1, 1), "Search table")];

pub(super) static BACKENDS: [Backend; 2] = [
    Backend { kind: BackendKind::RocksDb, name: "rocksdb", title: "RocksDB", legacy_required: true },
    Backend {
        kind: BackendKind::FoundationDb,
        name: "foundationdb",
        title: "FoundationDB",
        legacy_required: false,
    },
];
pub(super) static COMPANIONS: &[Companion] = &[];

const ROCKSDB_BYTES: Template = Template::new(BackendKind::RocksDb, ValueKind::Bytes);
const ROCKSDB_NONE: Template = Template::new(BackendKind::RocksDb, ValueKind::None);
const FOUNDATIONDB_BYTES: Template = Template::new(
    BackendKind::FoundationDb, ValueKind::Bytes,
).max_key(9999).max_value(25500000).pieces(100000, 0, 255);
const FOUNDATIONDB_NONE: Template =
    Template::new(BackendKind::FoundationDb, ValueKind::None).max_key(9999).max_value(0);

macro_rules! bytes_tables {
    ($letter:literal) => ([ROCKSDB_BYTES.table($letter), FOUNDATIONDB_BYTES.table($letter)]);
}

macro_rules! none_tables {
    ($letter:literal) => ([ROCKSDB_NONE.table($letter), FOUNDATIONDB_NONE.table($letter)]);
}

static TABLES_P_BYTES_PROPERTY: [Mapping; 2] =
    descriptors::up_to(bytes_tables!("p"), BackendKind::FoundationDb, 100000);
static TABLES_Z_NONE_SEARCH: [Mapping; 2] =
    descriptors::refused(none_tables!("z"), BackendKind::FoundationDb, "It is elsewhere.");

const PROPERTY: Subspace =
    Subspace::new('p', "property", "Properties", ValueKind::Bytes, &TABLES_P_BYTES_PROPERTY);

/// Search index (`subspaces.search`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SearchKey<'k> {
    /// A word.
    Term { word: &'k [u8], document: u32 },
}

impl TypedKey for SearchKey<'_> {
    type Of<'k> = SearchKey<'k>;
    const LAYOUTS: &'static [Layout] = &SEARCH_LAYOUTS;
    #[inline(always)]
    fn layout_of(key: &[u8], version: u32, from: usize) -> Option<usize> {
        Some(match key.len() {
            len @ 5..=20 if is_term_hash(slice(key, 0, len - 4)) => 0,
            _ => return None,
        })
    }
    #[inline(always)]
    fn read(layout: usize, key: &[u8]) -> Option<SearchKey<'_>> {
        let len = key.len();
        Some(match layout {
            0 => SearchKey::Term {
                word: slice(key, 0, before(len, 4)),
                document: u32_at(key, before(len, 4)),
            },
            _ => return None,
        })
    }
    fn segments(&self, with: &mut SegmentSink<'_>) {
        match *self {
            SearchKey::Term { word, document } => with(&[Bytes(word), U32(document)]),
        }
    }
}

static SEARCH_LAYOUTS: [Layout; 1] =
    [Layout::new(0, "term", &[Segment::term_hash("word"), Segment::u32("document")]).empty()];

static SEARCH_IN_1: [&Layout; 1] = pick(&SEARCH_LAYOUTS, [0]);

const SEARCH: Subspace = Subspace::new(
    'z', "search", "Search index", ValueKind::None, &TABLES_Z_NONE_SEARCH,
).store(StoreGroup::Search).derived();

pub mod keys {
    pub use super::{ PropertyKey, SearchKey };
}
