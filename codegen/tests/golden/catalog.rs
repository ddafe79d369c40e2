// Generated from the schema by `codegen`: edit the schema instead.

use super::*;
use crate::codec::Value::*;
use crate::codec::*;

pub(super) static VERSIONS: [SchemaVersion; 6] = [
    SchemaVersion::new(1, "0.12.0 – 0.12.4", &SUBSPACES_1, &FAMILIES_1),
    SchemaVersion::new(2, "0.12.5", &SUBSPACES_2, &FAMILIES_1),
    SchemaVersion::new(3, "0.13.0 – 0.13.4", &SUBSPACES_3, &FAMILIES_1),
    SchemaVersion::new(4, "0.14.0 – 0.14.1", &SUBSPACES_4, &FAMILIES_1),
    SchemaVersion::new(5, "0.15.0 – 0.15.5", &SUBSPACES_5, &FAMILIES_5),
    SchemaVersion::new(6, "0.16.0 – 0.16.18", &SUBSPACES_6, &FAMILIES_6).blobs_marked(),
];

static SUBSPACES_1: [Subspace; 25] = [
    ACL.with::<AclKey, 1>(&ACL_IN_1),
    BITMAP_ID.with::<BitmapIdKey, 1>(&BITMAP_ID_IN_1),
    BITMAP_TAG.with::<BitmapTagKey, 1>(&BITMAP_TAG_IN_1),
    DIRECTORY_V1.with::<DirectoryV1Key, 1>(&DIRECTORY_V1_IN_1),
    QUEUE_MESSAGE.with::<QueueMessageKey, 1>(&QUEUE_MESSAGE_IN_1),
    TASK_QUEUE_V1.with::<TaskQueueV1Key, 1>(&TASK_QUEUE_V1_IN_1),
    FTS_INDEX.with::<FtsIndexKey, 1>(&FTS_INDEX_IN_1),
    REPORT_OUT_V1.with::<ReportOutV1Key, 1>(&REPORT_OUT_V1_IN_1),
    INDEXES.with::<IndexesKey, 1>(&INDEXES_IN_1),
    BLOB_RESERVE.with::<BlobReserveKey, 1>(&BLOB_RESERVE_IN_1),
    BLOB_LINK_V1.with::<BlobLinkV1Key, 1>(&BLOB_LINK_V1_IN_1),
    LOGS.with::<LogsKey, 1>(&LOGS_IN_1),
    IN_MEMORY_VALUE.with::<InMemoryValueKey, 1>(&IN_MEMORY_VALUE_IN_1),
    COUNTER.with::<CounterKey, 1>(&COUNTER_IN_1),
    TELEMETRY_SPAN_V1.with::<TelemetrySpanV1Key, 1>(&TELEMETRY_SPAN_V1_IN_1),
    PROPERTY.with::<PropertyKey, 1>(&PROPERTY_IN_1),
    QUEUE_EVENT_V1.with::<QueueEventV1Key, 1>(&QUEUE_EVENT_V1_IN_1),
    REPORT_IN_V1.with::<ReportInV1Key, 1>(&REPORT_IN_V1_IN_1),
    SETTINGS.with::<SettingsKey, 1>(&SETTINGS_IN_1),
    BLOBS.with::<BlobsKey, 1>(&BLOBS_IN_1),
    QUOTA.with::<QuotaKey, 1>(&QUOTA_IN_1),
    BITMAP_TEXT.with::<BitmapTextKey, 1>(&BITMAP_TEXT_IN_1),
    TELEMETRY_INDEX.with::<TelemetryIndexKey, 1>(&TELEMETRY_INDEX_IN_1),
    TELEMETRY_METRIC_V1.with::<TelemetryMetricV1Key, 1>(&TELEMETRY_METRIC_V1_IN_1),
    IN_MEMORY_COUNTER.with::<InMemoryCounterKey, 1>(&IN_MEMORY_COUNTER_IN_1),
];

static SUBSPACES_2: [Subspace; 25] = [
    ACL.with::<AclKey, 2>(&ACL_IN_1),
    BITMAP_ID.with::<BitmapIdKey, 2>(&BITMAP_ID_IN_1),
    BITMAP_TAG.with::<BitmapTagKey, 2>(&BITMAP_TAG_IN_1),
    DIRECTORY_V1.with::<DirectoryV1Key, 2>(&DIRECTORY_V1_IN_1),
    QUEUE_MESSAGE.with::<QueueMessageKey, 2>(&QUEUE_MESSAGE_IN_1),
    TASK_QUEUE_V1.with::<TaskQueueV1Key, 2>(&TASK_QUEUE_V1_IN_2),
    FTS_INDEX.with::<FtsIndexKey, 2>(&FTS_INDEX_IN_1),
    REPORT_OUT_V1.with::<ReportOutV1Key, 2>(&REPORT_OUT_V1_IN_1),
    INDEXES.with::<IndexesKey, 2>(&INDEXES_IN_1),
    BLOB_RESERVE.with::<BlobReserveKey, 2>(&BLOB_RESERVE_IN_1),
    BLOB_LINK_V1.with::<BlobLinkV1Key, 2>(&BLOB_LINK_V1_IN_1),
    LOGS.with::<LogsKey, 2>(&LOGS_IN_1),
    IN_MEMORY_VALUE.with::<InMemoryValueKey, 2>(&IN_MEMORY_VALUE_IN_1),
    COUNTER.with::<CounterKey, 2>(&COUNTER_IN_1),
    TELEMETRY_SPAN_V1.with::<TelemetrySpanV1Key, 2>(&TELEMETRY_SPAN_V1_IN_1),
    PROPERTY.with::<PropertyKey, 2>(&PROPERTY_IN_1),
    QUEUE_EVENT_V1.with::<QueueEventV1Key, 2>(&QUEUE_EVENT_V1_IN_1),
    REPORT_IN_V1.with::<ReportInV1Key, 2>(&REPORT_IN_V1_IN_1),
    SETTINGS.with::<SettingsKey, 2>(&SETTINGS_IN_1),
    BLOBS.with::<BlobsKey, 2>(&BLOBS_IN_1),
    QUOTA.with::<QuotaKey, 2>(&QUOTA_IN_1),
    BITMAP_TEXT.with::<BitmapTextKey, 2>(&BITMAP_TEXT_IN_1),
    TELEMETRY_INDEX.with::<TelemetryIndexKey, 2>(&TELEMETRY_INDEX_IN_1),
    TELEMETRY_METRIC_V1.with::<TelemetryMetricV1Key, 2>(&TELEMETRY_METRIC_V1_IN_1),
    IN_MEMORY_COUNTER.with::<InMemoryCounterKey, 2>(&IN_MEMORY_COUNTER_IN_1),
];

static SUBSPACES_3: [Subspace; 25] = [
    ACL.with::<AclKey, 3>(&ACL_IN_1),
    BITMAP_ID.with::<BitmapIdKey, 3>(&BITMAP_ID_IN_1),
    BITMAP_TAG.with::<BitmapTagKey, 3>(&BITMAP_TAG_IN_1),
    DIRECTORY_V1.with::<DirectoryV1Key, 3>(&DIRECTORY_V1_IN_1),
    QUEUE_MESSAGE.with::<QueueMessageKey, 3>(&QUEUE_MESSAGE_IN_1),
    TASK_QUEUE_V1.with::<TaskQueueV1Key, 3>(&TASK_QUEUE_V1_IN_2),
    FTS_INDEX.with::<FtsIndexKey, 3>(&FTS_INDEX_IN_1),
    REPORT_OUT_V1.with::<ReportOutV1Key, 3>(&REPORT_OUT_V1_IN_1),
    INDEXES.with::<IndexesKey, 3>(&INDEXES_IN_1),
    BLOB_RESERVE.with::<BlobReserveKey, 3>(&BLOB_RESERVE_IN_1),
    BLOB_LINK_V1.with::<BlobLinkV1Key, 3>(&BLOB_LINK_V1_IN_1),
    LOGS.with::<LogsKey, 3>(&LOGS_IN_1),
    IN_MEMORY_VALUE.with::<InMemoryValueKey, 3>(&IN_MEMORY_VALUE_IN_1),
    COUNTER.with::<CounterKey, 3>(&COUNTER_IN_1),
    TELEMETRY_SPAN_V1.with::<TelemetrySpanV1Key, 3>(&TELEMETRY_SPAN_V1_IN_1),
    PROPERTY.with::<PropertyKey, 3>(&PROPERTY_IN_1),
    QUEUE_EVENT.with::<QueueEventKey, 3>(&QUEUE_EVENT_IN_3),
    REPORT_IN_V1.with::<ReportInV1Key, 3>(&REPORT_IN_V1_IN_1),
    SETTINGS.with::<SettingsKey, 3>(&SETTINGS_IN_1),
    BLOBS.with::<BlobsKey, 3>(&BLOBS_IN_1),
    QUOTA.with::<QuotaKey, 3>(&QUOTA_IN_1),
    BITMAP_TEXT.with::<BitmapTextKey, 3>(&BITMAP_TEXT_IN_1),
    TELEMETRY_INDEX.with::<TelemetryIndexKey, 3>(&TELEMETRY_INDEX_IN_1),
    TELEMETRY_METRIC_V1.with::<TelemetryMetricV1Key, 3>(&TELEMETRY_METRIC_V1_IN_1),
    IN_MEMORY_COUNTER.with::<InMemoryCounterKey, 3>(&IN_MEMORY_COUNTER_IN_1),
];

static SUBSPACES_4: [Subspace; 25] = [
    ACL.with::<AclKey, 4>(&ACL_IN_1),
    BITMAP_ID.with::<BitmapIdKey, 4>(&BITMAP_ID_IN_1),
    BITMAP_TAG.with::<BitmapTagKey, 4>(&BITMAP_TAG_IN_1),
    DIRECTORY_V1.with::<DirectoryV1Key, 4>(&DIRECTORY_V1_IN_1),
    QUEUE_MESSAGE.with::<QueueMessageKey, 4>(&QUEUE_MESSAGE_IN_1),
    TASK_QUEUE_V1.with::<TaskQueueV1Key, 4>(&TASK_QUEUE_V1_IN_4),
    FTS_INDEX.with::<FtsIndexKey, 4>(&FTS_INDEX_IN_1),
    REPORT_OUT_V1.with::<ReportOutV1Key, 4>(&REPORT_OUT_V1_IN_1),
    INDEXES.with::<IndexesKey, 4>(&INDEXES_IN_1),
    BLOB_RESERVE.with::<BlobReserveKey, 4>(&BLOB_RESERVE_IN_1),
    BLOB_LINK_V1.with::<BlobLinkV1Key, 4>(&BLOB_LINK_V1_IN_1),
    LOGS.with::<LogsKey, 4>(&LOGS_IN_4),
    IN_MEMORY_VALUE.with::<InMemoryValueKey, 4>(&IN_MEMORY_VALUE_IN_1),
    COUNTER.with::<CounterKey, 4>(&COUNTER_IN_1),
    TELEMETRY_SPAN_V1.with::<TelemetrySpanV1Key, 4>(&TELEMETRY_SPAN_V1_IN_1),
    PROPERTY.with::<PropertyKey, 4>(&PROPERTY_IN_1),
    QUEUE_EVENT.with::<QueueEventKey, 4>(&QUEUE_EVENT_IN_3),
    REPORT_IN_V1.with::<ReportInV1Key, 4>(&REPORT_IN_V1_IN_1),
    SETTINGS.with::<SettingsKey, 4>(&SETTINGS_IN_1),
    BLOBS.with::<BlobsKey, 4>(&BLOBS_IN_1),
    QUOTA.with::<QuotaKey, 4>(&QUOTA_IN_1),
    BITMAP_TEXT.with::<BitmapTextKey, 4>(&BITMAP_TEXT_IN_1),
    TELEMETRY_INDEX.with::<TelemetryIndexKey, 4>(&TELEMETRY_INDEX_IN_1),
    TELEMETRY_METRIC_V1.with::<TelemetryMetricV1Key, 4>(&TELEMETRY_METRIC_V1_IN_1),
    IN_MEMORY_COUNTER.with::<InMemoryCounterKey, 4>(&IN_MEMORY_COUNTER_IN_1),
];

static SUBSPACES_5: [Subspace; 21] = [
    ACL.with::<AclKey, 5>(&ACL_IN_1),
    DIRECTORY_V1.with::<DirectoryV1Key, 5>(&DIRECTORY_V1_IN_1),
    QUEUE_MESSAGE.with::<QueueMessageKey, 5>(&QUEUE_MESSAGE_IN_1),
    TASK_QUEUE_V1.with::<TaskQueueV1Key, 5>(&TASK_QUEUE_V1_IN_5),
    REPORT_OUT_V1.with::<ReportOutV1Key, 5>(&REPORT_OUT_V1_IN_1),
    INDEXES.with::<IndexesKey, 5>(&INDEXES_IN_1),
    BLOB_EXTRA.with::<BlobExtraKey, 5>(&BLOB_EXTRA_IN_5),
    BLOB_LINK.with::<BlobLinkKey, 5>(&BLOB_LINK_IN_5),
    LOGS.with::<LogsKey, 5>(&LOGS_IN_4),
    IN_MEMORY_VALUE.with::<InMemoryValueKey, 5>(&IN_MEMORY_VALUE_IN_1),
    COUNTER.with::<CounterKey, 5>(&COUNTER_IN_1),
    TELEMETRY_SPAN_V1.with::<TelemetrySpanV1Key, 5>(&TELEMETRY_SPAN_V1_IN_1),
    PROPERTY.with::<PropertyKey, 5>(&PROPERTY_IN_5),
    QUEUE_EVENT.with::<QueueEventKey, 5>(&QUEUE_EVENT_IN_3),
    REPORT_IN_V1.with::<ReportInV1Key, 5>(&REPORT_IN_V1_IN_1),
    SETTINGS.with::<SettingsKey, 5>(&SETTINGS_IN_1),
    BLOBS.with::<BlobsKey, 5>(&BLOBS_IN_5),
    QUOTA.with::<QuotaKey, 5>(&QUOTA_IN_1),
    TELEMETRY_METRIC_V1.with::<TelemetryMetricV1Key, 5>(&TELEMETRY_METRIC_V1_IN_1),
    IN_MEMORY_COUNTER.with::<InMemoryCounterKey, 5>(&IN_MEMORY_COUNTER_IN_1),
    SEARCH_INDEX.with::<SearchIndexKey, 5>(&SEARCH_INDEX_IN_5),
];

static SUBSPACES_6: [Subspace; 24] = [
    ACL.with::<AclKey, 6>(&ACL_IN_1),
    REGISTRY_IDX.with::<RegistryIdxKey, 6>(&REGISTRY_IDX_IN_6),
    DIRECTORY.with::<DirectoryKey, 6>(&DIRECTORY_IN_6),
    QUEUE_MESSAGE.with::<QueueMessageKey, 6>(&QUEUE_MESSAGE_IN_1),
    TASK_QUEUE.with::<TaskQueueKey, 6>(&TASK_QUEUE_IN_6),
    REGISTRY_PK.with::<RegistryPkKey, 6>(&REGISTRY_PK_IN_6),
    REPORT_OUT.with::<ReportOutKey, 6>(&REPORT_OUT_IN_6),
    INDEXES.with::<IndexesKey, 6>(&INDEXES_IN_1),
    DELETED_ITEMS.with::<DeletedItemsKey, 6>(&DELETED_ITEMS_IN_6),
    BLOB_LINK.with::<BlobLinkKey, 6>(&BLOB_LINK_IN_6),
    LOGS.with::<LogsKey, 6>(&LOGS_IN_4),
    IN_MEMORY_VALUE.with::<InMemoryValueKey, 6>(&IN_MEMORY_VALUE_IN_1),
    COUNTER.with::<CounterKey, 6>(&COUNTER_IN_6),
    TELEMETRY_SPAN.with::<TelemetrySpanKey, 6>(&TELEMETRY_SPAN_IN_6),
    PROPERTY.with::<PropertyKey, 6>(&PROPERTY_IN_6),
    QUEUE_EVENT.with::<QueueEventKey, 6>(&QUEUE_EVENT_IN_3),
    REPORT_IN.with::<ReportInKey, 6>(&REPORT_IN_IN_6),
    REGISTRY.with::<RegistryKey, 6>(&REGISTRY_IN_6),
    BLOBS.with::<BlobsKey, 6>(&BLOBS_IN_6),
    QUOTA.with::<QuotaKey, 6>(&QUOTA_IN_6),
    SPAM_SAMPLES.with::<SpamSamplesKey, 6>(&SPAM_SAMPLES_IN_6),
    TELEMETRY_METRIC.with::<TelemetryMetricKey, 6>(&TELEMETRY_METRIC_IN_6),
    IN_MEMORY_COUNTER.with::<InMemoryCounterKey, 6>(&IN_MEMORY_COUNTER_IN_1),
    SEARCH_INDEX.with::<SearchIndexKey, 6>(&SEARCH_INDEX_IN_5),
];

static FAMILIES_1: [(&str, &[char]); 11] = [
    ("property", &['p', 'n']), ("fts_index", &['g']), ("acl", &['a']), ("blob", &['k', 't']),
    ("config", &['s']), ("lookup", &['m', 'y']), ("directory", &['d', 'u']), ("queue", &['e', 'q']),
    ("index", &['i']), ("bitmap", &['b', 'c', 'v']), ("log", &['l']),
];

static FAMILIES_5: [(&str, &[char]); 9] = [
    ("data", &['a', 'i', 'u', 'n', 'p']), ("directory", &['d']), ("blob", &['t', 'j', 'k']),
    ("config", &['s']), ("changelog", &['l']), ("queue", &['e', 'q']), ("report", &['h', 'r']),
    ("telemetry", &['o', 'x']), ("tasks", &['f']),
];

static FAMILIES_6: [(&str, &[char]); 8] = [
    ("data", &['a', 'i', 'u', 'n', 'p']), ("blob", &['t', 'k']), ("registry", &['s', 'b', 'g', 'd']),
    ("changelog", &['l']), ("queue", &['e', 'q']), ("report", &['h', 'r']), ("telemetry", &['o', 'x']),
    ("tasks", &['f']),
];

pub(super) static SCHEMA_VERSION_RECORD: VersionRecord =
    VersionRecord { letter: 'p', key: &[0x00], tables: &TABLES_P_BYTES };

pub(super) static LEGACY: &[LegacySubspace] = &[
    LegacySubspace::new('b', (5, 5), "Document-id bitmap of versions 1 to 4", &TABLES_B_NONE),
    LegacySubspace::new('c', (5, 6), "Tag bitmap of versions 1 to 4", &TABLES_C_NONE),
    LegacySubspace::new('g', (5, 5), "Full-text postings of versions 1 to 4", &TABLES_G_BYTES),
    LegacySubspace::new('v', (5, 6), "Text-token bitmap of versions 1 to 4", &TABLES_V_NONE),
    LegacySubspace::new('w', (5, 5), "Trace search index of versions 1 to 4", &TABLES_W_BYTES),
];
pub(super) static SIDE_TABLES: &[SideTable] = &[
    SideTable::new(BackendKind::Postgres, "s_email", (5, 6), "Search table of e-mail"),
    SideTable::new(BackendKind::Postgres, "s_cal", (5, 6), "Search table of calendars"),
    SideTable::new(BackendKind::Postgres, "s_card", (5, 6), "Search table of contacts"),
    SideTable::new(BackendKind::Postgres, "s_trace", (5, 6), "Search table of traces"),
    SideTable::new(BackendKind::Mysql, "s_email", (5, 6), "Search table of e-mail"),
    SideTable::new(BackendKind::Mysql, "s_cal", (5, 6), "Search table of calendars"),
    SideTable::new(BackendKind::Mysql, "s_card", (5, 6), "Search table of contacts"),
    SideTable::new(BackendKind::Mysql, "s_trace", (5, 6), "Search table of traces"),
];

static NAMES_COLLECTION: Names = Names {
    values: &[
        (0, "Email"), (1, "Mailbox"), (2, "Thread"), (3, "Identity"), (4, "EmailSubmission"),
        (5, "SieveScript"), (6, "PushSubscription"), (7, "Principal"), (8, "Calendar"), (9, "CalendarEvent"),
        (10, "AddressBook"), (11, "ContactCard"), (12, "FileNode"), (13, "CalendarEventNotification"),
    ],
    earlier: &[(13, (1, 3), "CalendarScheduling")],
};

static NAMES_SYNC_COLLECTION: Names = Names {
    values: &[
        (0, "Email"), (1, "Thread"), (2, "Calendar"), (3, "AddressBook"), (4, "FileNode"), (5, "Identity"),
        (6, "EmailSubmission"), (7, "SieveScript"), (8, "CalendarEventNotification"),
        (9, "ShareNotification"), (251, "Email"), (252, "Calendar"), (253, "AddressBook"), (254, "FileNode"),
    ],
    earlier: &[(8, (1, 3), "CalendarScheduling")],
};

static NAMES_SEARCH_INDEX: Names = Names {
    values: &[(0, "Email"), (1, "Calendar"), (2, "Contacts"), (3, "File"), (4, "Tracing")],
    earlier: &[],
};

static NAMES_SEARCH_INDEX_FIELD: Names =
    Names { values: &[(64, "Email"), (65, "Calendar"), (66, "Contacts"), (67, "File")], earlier: &[] };

static NAMES_SEARCH_INDEX_DOCUMENT: Names =
    Names { values: &[(128, "Email"), (129, "Calendar"), (130, "Contacts"), (131, "File")], earlier: &[] };

static NAMES_IN_MEMORY_USAGE: Names = Names {
    values: &[
        (0, "Acme"), (1, "OAuth"), (2, "RateLimit"), (3, "RateLimit"), (4, "RateLimit"), (5, "RateLimit"),
        (6, "RateLimit"), (7, "RateLimit"), (8, "RateLimit"), (9, "RateLimit"), (10, "RateLimit"),
        (11, "TokenRevisionOrBlobQuota"), (12, "Reputation"), (13, "Reputation"), (14, "Reputation"),
        (15, "Reputation"), (16, "Greylist"), (17, "SpamTraining"), (18, "SpamTraining"),
        (19, "SpamTraining"), (20, "PurgeLock"), (21, "QueueLock"), (22, "ReportLock"), (23, "TaskLock"),
        (24, "HousekeeperLock"), (25, "DavLock"), (26, "SieveId"),
    ],
    earlier: &[],
};

static NAMES_OBJECT_TYPE: Names = Names {
    values: &[
        (0, "Account"), (11, "Application"), (12, "ArchivedItem"), (13, "ArfExternalReport"),
        (16, "BlobStore"), (26, "Coordinator"), (32, "DmarcExternalReport"), (33, "DmarcInternalReport"),
        (37, "Domain"), (47, "InMemoryStore"), (50, "MailingList"), (51, "MaskedEmail"), (54, "Metric"),
        (56, "MetricsStore"), (78, "OAuthClient"), (80, "PublicKey"), (83, "Role"), (85, "SearchStore"),
        (102, "SpamTrainingSample"), (105, "SystemSettings"), (108, "Tenant"), (109, "TlsExternalReport"),
        (110, "TlsInternalReport"), (112, "Trace"), (114, "TracingStore"),
    ],
    earlier: &[],
};

static NAMES_REGISTRY_PROPERTY: Names = Names {
    values: &[
        (0, "Type"), (1, "Id"), (2, "Text"), (19, "MemberTenantId"), (25, "Name"), (47, "ExpiresAt"),
        (57, "AccountId"), (232, "Domain"), (242, "Email"),
    ],
    earlier: &[],
};

pub const GROUP_NUMBERS: usize = 2;
pub(super) static COUNTER_RULES: &[CounterRule] = &[
    CounterRule {
        name: "document_id",
        versions: (1, 6),
        counter: LayoutRef { letter: 'n', layout: &COUNTER_LAYOUTS[4] },
        group: &["account", "collection"],
        group_of: document_id_of_counter_4,
        covers: &[
            Cover::new((1, 5), 'p', &PROPERTY_LAYOUTS[1], document_id_cover_0_property_1),
            Cover::new((6, 6), 'p', &PROPERTY_LAYOUTS[2], document_id_cover_0_property_1),
            Cover::new((5, 6), 'p', &PROPERTY_LAYOUTS[3], document_id_cover_1_property_3),
            Cover::new((5, 5), 'p', &PROPERTY_LAYOUTS[4], document_id_cover_2_property_4),
            Cover::new((6, 6), 'p', &PROPERTY_LAYOUTS[5], document_id_cover_2_property_4),
            Cover::new((1, 5), 'i', &INDEXES_LAYOUTS[0], document_id_cover_3_indexes_0),
            Cover::new((6, 6), 'i', &INDEXES_LAYOUTS[0], document_id_cover_4_indexes_0),
            Cover::new((1, 3), 'b', &BITMAP_ID_LAYOUTS[0], document_id_cover_5_bitmap_id_0),
            Cover::new((4, 4), 'b', &BITMAP_ID_LAYOUTS[0], document_id_cover_6_bitmap_id_0),
            Cover::new((4, 4), 'b', &BITMAP_ID_LAYOUTS[0], document_id_cover_7_bitmap_id_0),
            Cover::new((5, 5), 'd', &DIRECTORY_V1_LAYOUTS[2], document_id_cover_8_directory_v1_2),
        ],
    },
    CounterRule {
        name: "change_id",
        versions: (1, 6),
        counter: LayoutRef { letter: 'n', layout: &COUNTER_LAYOUTS[1] },
        group: &["account"],
        group_of: change_id_of_counter_1,
        covers: &[
            Cover::new((1, 6), 'l', &LOGS_LAYOUTS[0], change_id_cover_0_logs_0),
            Cover::new((1, 6), 'l', &LOGS_LAYOUTS[1], change_id_cover_1_logs_1),
            Cover::new((1, 5), 'p', &PROPERTY_LAYOUTS[1], change_id_cover_2_property_1),
            Cover::new((6, 6), 'p', &PROPERTY_LAYOUTS[2], change_id_cover_2_property_1),
        ],
    },
    CounterRule {
        name: "registry_id",
        versions: (6, 6),
        counter: LayoutRef { letter: 'n', layout: &COUNTER_LAYOUTS[0] },
        group: &["object"],
        group_of: registry_id_of_counter_0,
        covers: &[
            Cover::new((6, 6), 'd', &DIRECTORY_LAYOUTS[0], registry_id_cover_0_directory_0),
            Cover::new((6, 6), 'd', &DIRECTORY_LAYOUTS[1], registry_id_cover_1_directory_1),
        ],
    },
];

fn change_id_cover_0_logs_0(key: &[u8]) -> Option<(Group, CoveredId)> {
    match LogsKey::read(0, key)? {
        LogsKey::Change { account, change, .. } => Some(([u64::from(account), 0], CoveredId::Number(change))),
        _ => None,
    }
}

fn change_id_cover_1_logs_1(key: &[u8]) -> Option<(Group, CoveredId)> {
    match LogsKey::read(1, key)? {
        LogsKey::Vanished { account, change, .. } => Some(
            ([u64::from(account), 0], CoveredId::Number(change)),
        ),
        _ => None,
    }
}

fn change_id_cover_2_property_1(key: &[u8]) -> Option<(Group, CoveredId)> {
    match PropertyKey::read(1, key)? {
        PropertyKey::Property { account, .. } => Some(([u64::from(account), 0], CoveredId::ArchiveChangeId)),
        _ => None,
    }
}

fn change_id_of_counter_1(key: &[u8]) -> Option<Group> {
    match CounterKey::read(1, key)? {
        CounterKey::ChangeId { account } => Some([u64::from(account), 0]),
        _ => None,
    }
}

fn document_id_cover_0_property_1(key: &[u8]) -> Option<(Group, CoveredId)> {
    match PropertyKey::read(1, key)? {
        PropertyKey::Property { account, collection, document, .. } => Some(
            ([u64::from(account), u64::from(collection)], CoveredId::Number(u64::from(document))),
        ),
        _ => None,
    }
}

fn document_id_cover_1_property_3(key: &[u8]) -> Option<(Group, CoveredId)> {
    match PropertyKey::read(3, key)? {
        PropertyKey::HashIndex { account, collection, document, .. } => Some(
            ([u64::from(account), u64::from(collection)], CoveredId::Number(u64::from(document))),
        ),
        _ => None,
    }
}

fn document_id_cover_2_property_4(key: &[u8]) -> Option<(Group, CoveredId)> {
    match PropertyKey::read(4, key)? {
        PropertyKey::IntegerIndex { account, collection, document, .. } => Some(
            ([u64::from(account), u64::from(collection)], CoveredId::Number(u64::from(document))),
        ),
        _ => None,
    }
}

fn document_id_cover_3_indexes_0(key: &[u8]) -> Option<(Group, CoveredId)> {
    match IndexesKey::read(0, key)? {
        IndexesKey::Index { account, collection, document, .. } => Some(
            ([u64::from(account), u64::from(collection)], CoveredId::Number(u64::from(document))),
        ),
        _ => None,
    }
}

fn document_id_cover_4_indexes_0(key: &[u8]) -> Option<(Group, CoveredId)> {
    match IndexesKey::read(0, key)? {
        IndexesKey::Index { account: 0xffffffff, .. } => None,
        IndexesKey::Index { account, collection, document, .. } => Some(
            ([u64::from(account), u64::from(collection)], CoveredId::Number(u64::from(document))),
        ),
        _ => None,
    }
}

fn document_id_cover_5_bitmap_id_0(key: &[u8]) -> Option<(Group, CoveredId)> {
    match BitmapIdKey::read(0, key)? {
        BitmapIdKey::Document { account, collection, document } => Some(
            ([u64::from(account), u64::from(collection)], CoveredId::Number(u64::from(document))),
        ),
        _ => None,
    }
}

fn document_id_cover_6_bitmap_id_0(key: &[u8]) -> Option<(Group, CoveredId)> {
    match BitmapIdKey::read(0, key)? {
        BitmapIdKey::Document { account: 0xffffffff, .. } => None,
        BitmapIdKey::Document { account, collection, document } => Some(
            ([u64::from(account), u64::from(collection)], CoveredId::Number(u64::from(document))),
        ),
        _ => None,
    }
}

fn document_id_cover_7_bitmap_id_0(key: &[u8]) -> Option<(Group, CoveredId)> {
    match BitmapIdKey::read(0, key)? {
        BitmapIdKey::Document { collection: 6, .. } => None,
        BitmapIdKey::Document { account: account @ 0xffffffff, collection, document } => Some(
            ([u64::from(account), u64::from(collection)], CoveredId::Number(u64::from(document))),
        ),
        _ => None,
    }
}

fn document_id_cover_8_directory_v1_2(key: &[u8]) -> Option<(Group, CoveredId)> {
    match DirectoryV1Key::read(2, key)? {
        DirectoryV1Key::Principal { principal } => Some(
            ([0xffffffff, 7], CoveredId::Number(u64::from(principal))),
        ),
        _ => None,
    }
}

fn document_id_of_counter_4(key: &[u8]) -> Option<Group> {
    match CounterKey::read(4, key)? {
        CounterKey::DocumentId { account, collection } => Some([u64::from(account), u64::from(collection)]),
        _ => None,
    }
}

fn registry_id_cover_0_directory_0(key: &[u8]) -> Option<(Group, CoveredId)> {
    match DirectoryKey::read(0, key)? {
        DirectoryKey::Account { object, item } => Some(([u64::from(object), 0], CoveredId::Number(item))),
        _ => None,
    }
}

fn registry_id_cover_1_directory_1(key: &[u8]) -> Option<(Group, CoveredId)> {
    match DirectoryKey::read(1, key)? {
        DirectoryKey::Object {
            object: object @ (37 | 50 | 78 | 83 | 108),
            item,
        } => Some(([u64::from(object), 0], CoveredId::Number(item))),
        _ => None,
    }
}

fn registry_id_of_counter_0(key: &[u8]) -> Option<Group> {
    match CounterKey::read(0, key)? {
        CounterKey::RegistryId { object } => Some([u64::from(object), 0]),
        _ => None,
    }
}

pub(super) static SINGLETONS: &[Singleton] = &[
    Singleton {
        name: "blob_store",
        title: "BlobStore",
        versions: (6, 6),
        letter: 's',
        key: &[0x00, 0x10, 0x00, 0x00, 0x12, 0x43, 0x4c, 0xb2, 0x4d, 0xcd],
        store: Some(StoreGroup::Blob),
        variants: &[
            Variant::internal(0, "Default"), Variant::external(1, "Sharded"), Variant::external(2, "S3"),
            Variant::external(3, "Azure"), Variant::external(4, "FileSystem"),
            Variant::external(5, "FoundationDb"), Variant::external(6, "PostgreSql"),
            Variant::external(7, "MySql"),
        ],
    },
    Singleton {
        name: "in_memory_store",
        title: "InMemoryStore",
        versions: (6, 6),
        letter: 's',
        key: &[0x00, 0x2f, 0x00, 0x00, 0x12, 0x43, 0x4c, 0xb2, 0x4d, 0xcd],
        store: Some(StoreGroup::Lookup),
        variants: &[
            Variant::internal(0, "Default"), Variant::external(1, "Sharded"), Variant::external(2, "Redis"),
            Variant::external(3, "RedisCluster"), Variant::external(4, "RedisSentinel"),
        ],
    },
    Singleton {
        name: "search_store",
        title: "SearchStore",
        versions: (6, 6),
        letter: 's',
        key: &[0x00, 0x55, 0x00, 0x00, 0x12, 0x43, 0x4c, 0xb2, 0x4d, 0xcd],
        store: Some(StoreGroup::Search),
        variants: &[
            Variant::internal(0, "Default"), Variant::external(1, "ElasticSearch"),
            Variant::external(2, "Meilisearch"), Variant::external(3, "FoundationDb"),
            Variant::external(4, "PostgreSql"), Variant::external(5, "MySql"),
        ],
    },
    Singleton {
        name: "tracing_store",
        title: "TracingStore",
        versions: (6, 6),
        letter: 's',
        key: &[0x00, 0x72, 0x00, 0x00, 0x12, 0x43, 0x4c, 0xb2, 0x4d, 0xcd],
        store: Some(StoreGroup::Telemetry),
        variants: &[
            Variant::internal(0, "Disabled"), Variant::internal(1, "Default"),
            Variant::external(2, "FoundationDb"), Variant::external(3, "PostgreSql"),
            Variant::external(4, "MySql"),
        ],
    },
    Singleton {
        name: "metrics_store",
        title: "MetricsStore",
        versions: (6, 6),
        letter: 's',
        key: &[0x00, 0x38, 0x00, 0x00, 0x12, 0x43, 0x4c, 0xb2, 0x4d, 0xcd],
        store: Some(StoreGroup::Telemetry),
        variants: &[
            Variant::internal(0, "Disabled"), Variant::internal(1, "Default"),
            Variant::external(2, "FoundationDb"), Variant::external(3, "PostgreSql"),
            Variant::external(4, "MySql"),
        ],
    },
    Singleton {
        name: "coordinator",
        title: "Coordinator",
        versions: (6, 6),
        letter: 's',
        key: &[0x00, 0x1a, 0x00, 0x00, 0x12, 0x43, 0x4c, 0xb2, 0x4d, 0xcd],
        store: None,
        variants: &[
            Variant::internal(0, "Disabled"), Variant::internal(1, "Default"), Variant::external(2, "Kafka"),
            Variant::external(3, "Nats"), Variant::external(4, "Zenoh"), Variant::external(5, "Redis"),
            Variant::external(6, "RedisCluster"), Variant::external(7, "RedisSentinel"),
        ],
    },
];

pub(super) static BACKENDS: [Backend; 5] = [
    Backend { kind: BackendKind::RocksDb, name: "rocksdb", title: "RocksDB", legacy_required: true },
    Backend { kind: BackendKind::Sqlite, name: "sqlite", title: "SQLite", legacy_required: false },
    Backend { kind: BackendKind::Postgres, name: "postgres", title: "PostgreSQL", legacy_required: false },
    Backend { kind: BackendKind::Mysql, name: "mysql", title: "MySQL", legacy_required: false },
    Backend {
        kind: BackendKind::FoundationDb,
        name: "foundationdb",
        title: "FoundationDB",
        legacy_required: false,
    },
];
pub(super) static COMPANIONS: &[Companion] = &[
    Companion { backend: BackendKind::Sqlite, name: "accounts", title: "Accounts of an SQL directory" },
    Companion { backend: BackendKind::Sqlite, name: "emails", title: "Addresses of an SQL directory" },
    Companion { backend: BackendKind::Sqlite, name: "group_members", title: "Groups of an SQL directory" },
    Companion { backend: BackendKind::Sqlite, name: "_litestream_*", title: "State of Litestream" },
    Companion { backend: BackendKind::Postgres, name: "accounts", title: "Accounts of an SQL directory" },
    Companion { backend: BackendKind::Postgres, name: "emails", title: "Addresses of an SQL directory" },
    Companion { backend: BackendKind::Postgres, name: "group_members", title: "Groups of an SQL directory" },
    Companion {
        backend: BackendKind::Postgres,
        name: "spatial_ref_sys",
        title: "Reference systems of PostGIS",
    },
    Companion { backend: BackendKind::Mysql, name: "accounts", title: "Accounts of an SQL directory" },
    Companion { backend: BackendKind::Mysql, name: "emails", title: "Addresses of an SQL directory" },
    Companion { backend: BackendKind::Mysql, name: "group_members", title: "Groups of an SQL directory" },
];

const ROCKSDB_BYTES: Template = Template::new(BackendKind::RocksDb, ValueKind::Bytes);
const ROCKSDB_NONE: Template = Template::new(BackendKind::RocksDb, ValueKind::None);
const ROCKSDB_COUNTER: Template =
    Template::new(BackendKind::RocksDb, ValueKind::Counter).merge_operator("merge");
const ROCKSDB_BLOB: Template = Template::new(BackendKind::RocksDb, ValueKind::Blob).blob_files();
const SQLITE_BYTES: Template =
    Template::new(BackendKind::Sqlite, ValueKind::Bytes).max_key(1000000000).max_value(1000000000);
const SQLITE_NONE: Template =
    Template::new(BackendKind::Sqlite, ValueKind::None).max_key(1000000000).max_value(0);
const SQLITE_COUNTER: Template =
    Template::new(BackendKind::Sqlite, ValueKind::Counter).max_key(1000000000).integer();
const SQLITE_BLOB: Template =
    Template::new(BackendKind::Sqlite, ValueKind::Blob).max_key(1000000000).max_value(1000000000);
const POSTGRES_BYTES: Template =
    Template::new(BackendKind::Postgres, ValueKind::Bytes).max_key(2692).max_value(1073738000);
const POSTGRES_NONE: Template =
    Template::new(BackendKind::Postgres, ValueKind::None).max_key(2692).max_value(0);
const POSTGRES_COUNTER: Template =
    Template::new(BackendKind::Postgres, ValueKind::Counter).max_key(2692).integer();
const POSTGRES_BLOB: Template =
    Template::new(BackendKind::Postgres, ValueKind::Blob).max_key(2692).max_value(1073738000);
const MYSQL_BYTES: Template =
    Template::new(BackendKind::Mysql, ValueKind::Bytes).max_key(255).max_value(16777215);
const MYSQL_NONE: Template =
    Template::new(BackendKind::Mysql, ValueKind::None).max_key(65535).max_value(0).unique_prefix(400);
const MYSQL_COUNTER: Template = Template::new(BackendKind::Mysql, ValueKind::Counter).max_key(255).integer();
const MYSQL_BLOB: Template =
    Template::new(BackendKind::Mysql, ValueKind::Blob).max_key(255).max_value(4294967295);
const FOUNDATIONDB_BYTES: Template = Template::new(
    BackendKind::FoundationDb, ValueKind::Bytes,
).max_key(9999).max_value(25500000).pieces(100000, 0, 255);
const FOUNDATIONDB_NONE: Template = Template::new(BackendKind::FoundationDb, ValueKind::None).max_key(9999);
const FOUNDATIONDB_COUNTER: Template =
    Template::new(BackendKind::FoundationDb, ValueKind::Counter).max_key(9999);
const FOUNDATIONDB_BLOB: Template = Template::new(
    BackendKind::FoundationDb, ValueKind::Blob,
).max_key(9997).max_value(698500000).pieces(100000, 2, 6985);

macro_rules! bytes_tables {
    ($letter:literal) => ([
        ROCKSDB_BYTES.table($letter),
        SQLITE_BYTES.created(
            $letter,
            concat!("CREATE TABLE IF NOT EXISTS ", $letter, " (k BLOB PRIMARY KEY, v BLOB NOT NULL)"),
        ),
        POSTGRES_BYTES.created(
            $letter,
            concat!("CREATE TABLE IF NOT EXISTS ", $letter, " (k BYTEA PRIMARY KEY, v BYTEA NOT NULL)"),
        ),
        MYSQL_BYTES.created(
            $letter,
            concat!(
                "CREATE TABLE IF NOT EXISTS ",
                $letter,
                " (k TINYBLOB, v MEDIUMBLOB NOT NULL, PRIMARY KEY (k(255))) ENGINE=InnoDB",
            ),
        ),
        FOUNDATIONDB_BYTES.table($letter),
    ]);
}

macro_rules! none_tables {
    ($letter:literal) => ([
        ROCKSDB_NONE.table($letter),
        SQLITE_NONE.created(
            $letter,
            concat!("CREATE TABLE IF NOT EXISTS ", $letter, " (k BLOB PRIMARY KEY)"),
        ),
        POSTGRES_NONE.created(
            $letter,
            concat!("CREATE TABLE IF NOT EXISTS ", $letter, " (k BYTEA PRIMARY KEY)"),
        ),
        MYSQL_NONE.created(
            $letter,
            concat!("CREATE TABLE IF NOT EXISTS ", $letter, " (k BLOB, PRIMARY KEY (k(400))) ENGINE=InnoDB"),
        ),
        FOUNDATIONDB_NONE.table($letter),
    ]);
}

macro_rules! counter_tables {
    ($letter:literal) => ([
        ROCKSDB_COUNTER.table($letter),
        SQLITE_COUNTER.created(
            $letter,
            concat!(
                "CREATE TABLE IF NOT EXISTS ", $letter, " (k BLOB PRIMARY KEY, v INTEGER NOT NULL DEFAULT 0)",
            ),
        ),
        POSTGRES_COUNTER.created(
            $letter,
            concat!(
                "CREATE TABLE IF NOT EXISTS ", $letter, " (k BYTEA PRIMARY KEY, v BIGINT NOT NULL DEFAULT 0)",
            ),
        ),
        MYSQL_COUNTER.created(
            $letter,
            concat!(
                "CREATE TABLE IF NOT EXISTS ",
                $letter,
                " (k TINYBLOB, v BIGINT NOT NULL DEFAULT 0, PRIMARY KEY (k(255))) ENGINE=InnoDB",
            ),
        ),
        FOUNDATIONDB_COUNTER.table($letter),
    ]);
}

macro_rules! blob_tables {
    ($letter:literal) => ([
        ROCKSDB_BLOB.table($letter),
        SQLITE_BLOB.created(
            $letter,
            concat!("CREATE TABLE IF NOT EXISTS ", $letter, " (k BLOB PRIMARY KEY, v BLOB NOT NULL)"),
        ),
        POSTGRES_BLOB.created(
            $letter,
            concat!("CREATE TABLE IF NOT EXISTS ", $letter, " (k BYTEA PRIMARY KEY, v BYTEA NOT NULL)"),
        ),
        MYSQL_BLOB.created(
            $letter,
            concat!(
                "CREATE TABLE IF NOT EXISTS ",
                $letter,
                " (k TINYBLOB, v LONGBLOB NOT NULL, PRIMARY KEY (k(255))) ENGINE=InnoDB",
            ),
        ),
        FOUNDATIONDB_BLOB.table($letter),
    ]);
}

static TABLES_A_BYTES: [Mapping; 5] = bytes_tables!("a");
static TABLES_B_NONE: [Mapping; 5] = none_tables!("b");
static TABLES_C_NONE: [Mapping; 5] = none_tables!("c");
static TABLES_D_BYTES: [Mapping; 5] = bytes_tables!("d");
static TABLES_E_BYTES: [Mapping; 5] = bytes_tables!("e");
static TABLES_F_BYTES: [Mapping; 5] = bytes_tables!("f");
static TABLES_G_BYTES: [Mapping; 5] = bytes_tables!("g");
static TABLES_H_BYTES: [Mapping; 5] = bytes_tables!("h");
static TABLES_I_NONE: [Mapping; 5] = none_tables!("i");
static TABLES_J_BYTES: [Mapping; 5] = bytes_tables!("j");
static TABLES_K_BYTES: [Mapping; 5] = bytes_tables!("k");
static TABLES_L_BYTES_LOGS: [Mapping; 5] =
    descriptors::up_to(bytes_tables!("l"), BackendKind::FoundationDb, 100000);
static TABLES_M_BYTES: [Mapping; 5] = bytes_tables!("m");
static TABLES_N_COUNTER: [Mapping; 5] = counter_tables!("n");
static TABLES_O_BYTES: [Mapping; 5] = bytes_tables!("o");
static TABLES_P_BYTES: [Mapping; 5] = bytes_tables!("p");
static TABLES_Q_BYTES: [Mapping; 5] = bytes_tables!("q");
static TABLES_R_BYTES: [Mapping; 5] = bytes_tables!("r");
static TABLES_S_BYTES: [Mapping; 5] = bytes_tables!("s");
static TABLES_T_BLOB: [Mapping; 5] = blob_tables!("t");
static TABLES_U_COUNTER: [Mapping; 5] = counter_tables!("u");
static TABLES_V_NONE: [Mapping; 5] = none_tables!("v");
static TABLES_W_BYTES: [Mapping; 5] = bytes_tables!("w");
static TABLES_X_BYTES: [Mapping; 5] = bytes_tables!("x");
static TABLES_Y_COUNTER: [Mapping; 5] = counter_tables!("y");
static TABLES_Z_BYTES_SEARCH_INDEX: [Mapping; 5] = descriptors::refused(
    descriptors::refused(
        bytes_tables!("z"), BackendKind::Postgres, "PostgreSQL has search tables of its own.",
    ),
    BackendKind::Mysql,
    "MySQL has search tables of its own.",
);

/// Access-control grants (`subspaces.acl`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AclKey {
    /// Rights of one account on one document of another.
    Grant { grantee: u32, account: u32, collection: u8, document: u32 },
}

impl TypedKey for AclKey {
    type Of<'k> = AclKey;
    const LAYOUTS: &'static [Layout] = &ACL_LAYOUTS;
    #[inline(always)]
    fn layout_of(key: &[u8], version: u32, from: usize) -> Option<usize> {
        Some(match key.len() {
            13 => 0,
            _ => return None,
        })
    }
    #[inline(always)]
    fn read(layout: usize, key: &[u8]) -> Option<AclKey> {
        Some(match layout {
            0 => AclKey::Grant {
                grantee: u32_at(key, 0),
                account: u32_at(key, 4),
                collection: u8_at(key, 8),
                document: u32_at(key, 9),
            },
            _ => return None,
        })
    }
    fn segments(&self, with: &mut SegmentSink<'_>) {
        match *self {
            AclKey::Grant { grantee, account, collection, document } => with(
                &[U32(grantee), U32(account), U8(collection), U32(document)],
            ),
        }
    }
}

static ACL_LAYOUTS: [Layout; 1] = [
    Layout::new(0, "grant", &[
        Segment::u32("grantee"), Segment::u32("account"), Segment::u8("collection").named(&NAMES_COLLECTION),
        Segment::u32("document"),
    ]).lengths(&[8]),
];

static ACL_IN_1: [&Layout; 1] = pick(&ACL_LAYOUTS, [0]);

const ACL: Subspace = Subspace::new('a', "acl", "Access-control grants", ValueKind::Bytes, &TABLES_A_BYTES);

/// Document-id bitmap (`subspaces.bitmap_id`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BitmapIdKey {
    /// The document exists.
    Document { account: u32, collection: u8, document: u32 },
}

impl TypedKey for BitmapIdKey {
    type Of<'k> = BitmapIdKey;
    const LAYOUTS: &'static [Layout] = &BITMAP_ID_LAYOUTS;
    #[inline(always)]
    fn layout_of(key: &[u8], version: u32, from: usize) -> Option<usize> {
        Some(match key.len() {
            9 => 0,
            _ => return None,
        })
    }
    #[inline(always)]
    fn read(layout: usize, key: &[u8]) -> Option<BitmapIdKey> {
        Some(match layout {
            0 => BitmapIdKey::Document {
                account: u32_at(key, 0),
                collection: u8_at(key, 4),
                document: u32_at(key, 5),
            },
            _ => return None,
        })
    }
    fn segments(&self, with: &mut SegmentSink<'_>) {
        match *self {
            BitmapIdKey::Document { account, collection, document } => with(
                &[U32(account), U8(collection), U32(document)],
            ),
        }
    }
}

static BITMAP_ID_LAYOUTS: [Layout; 1] = [
    Layout::new(0, "document", &[
        Segment::u32("account"), Segment::u8("collection").named(&NAMES_COLLECTION), Segment::u32("document"),
    ]).empty(),
];

static BITMAP_ID_IN_1: [&Layout; 1] = pick(&BITMAP_ID_LAYOUTS, [0]);

const BITMAP_ID: Subspace =
    Subspace::new('b', "bitmap_id", "Document-id bitmap", ValueKind::None, &TABLES_B_NONE);

/// Registry indexes (`subspaces.registry_idx`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RegistryIdxKey<'k> {
    /// The object exists.
    Object { object: u16, item: u64 },
    /// One indexed value of an object.
    Index { object: u16, property: u16, index_value: &'k [u8], item: u64 },
}

impl TypedKey for RegistryIdxKey<'_> {
    type Of<'k> = RegistryIdxKey<'k>;
    const LAYOUTS: &'static [Layout] = &REGISTRY_IDX_LAYOUTS;
    #[inline(always)]
    fn layout_of(key: &[u8], version: u32, from: usize) -> Option<usize> {
        Some(match key.len() {
            12 if from == 0 && has(key, 0, &[0xff, 0xff]) => 0,
            12.. => 1,
            _ => return None,
        })
    }
    #[inline(always)]
    fn read(layout: usize, key: &[u8]) -> Option<RegistryIdxKey<'_>> {
        let len = key.len();
        Some(match layout {
            0 => RegistryIdxKey::Object { object: u16_at(key, 2), item: u64_at(key, 4) },
            1 => RegistryIdxKey::Index {
                object: u16_at(key, 0),
                property: u16_at(key, 2),
                index_value: slice(key, 4, before(len, 8)),
                item: u64_at(key, before(len, 8)),
            },
            _ => return None,
        })
    }
    fn segments(&self, with: &mut SegmentSink<'_>) {
        match *self {
            RegistryIdxKey::Object { object, item } => with(&[Const(&[0xff, 0xff]), U16(object), U64(item)]),
            RegistryIdxKey::Index { object, property, index_value, item } => with(
                &[U16(object), U16(property), Bytes(index_value), U64(item)],
            ),
        }
    }
}

static REGISTRY_IDX_LAYOUTS: [Layout; 2] = [
    Layout::new(0, "object", &[
        Segment::constant(&[0xff, 0xff]), Segment::u16("object").named(&NAMES_OBJECT_TYPE),
        Segment::u64("item"),
    ]).empty().shares(&[1]),
    Layout::new(1, "index", &[
        Segment::u16("object").named(&NAMES_OBJECT_TYPE),
        Segment::u16("property").named(&NAMES_REGISTRY_PROPERTY), Segment::rest("index_value"),
        Segment::u64("item"),
    ]).empty(),
];

static REGISTRY_IDX_IN_6: [&Layout; 2] = pick(&REGISTRY_IDX_LAYOUTS, [0, 1]);

const REGISTRY_IDX: Subspace = Subspace::new(
    'b', "registry_idx", "Registry indexes", ValueKind::None, &TABLES_B_NONE,
).fresh(FreshRule::Save);

/// Tag bitmap (`subspaces.bitmap_tag`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BitmapTagKey<'k> {
    /// A tag that is a number.
    NumberTag { account: u32, collection: u8, field: u8, tag: u32, document: u32 },
    /// A tag that is text; the field's top bit says so.
    TextTag { account: u32, collection: u8, field: u8, tag: &'k [u8], document: u32 },
}

impl TypedKey for BitmapTagKey<'_> {
    type Of<'k> = BitmapTagKey<'k>;
    const LAYOUTS: &'static [Layout] = &BITMAP_TAG_LAYOUTS;
    #[inline(always)]
    fn layout_of(key: &[u8], version: u32, from: usize) -> Option<usize> {
        Some(match key.len() {
            len @ 11..=15 if u8_at(key, 5) <= 127 && leb32_end(key, 6) == len - 4 => 0,
            10.. if u8_at(key, 5) >= 128 => 1,
            _ => return None,
        })
    }
    #[inline(always)]
    fn read(layout: usize, key: &[u8]) -> Option<BitmapTagKey<'_>> {
        let len = key.len();
        Some(match layout {
            0 => BitmapTagKey::NumberTag {
                account: u32_at(key, 0),
                collection: u8_at(key, 4),
                field: u8_at(key, 5),
                tag: leb32_at(key, 6),
                document: u32_at(key, before(len, 4)),
            },
            1 => BitmapTagKey::TextTag {
                account: u32_at(key, 0),
                collection: u8_at(key, 4),
                field: u8_at(key, 5),
                tag: slice(key, 6, before(len, 4)),
                document: u32_at(key, before(len, 4)),
            },
            _ => return None,
        })
    }
    fn segments(&self, with: &mut SegmentSink<'_>) {
        match *self {
            BitmapTagKey::NumberTag { account, collection, field, tag, document } => with(
                &[U32(account), U8(collection), U8(field), Leb(u64::from(tag)), U32(document)],
            ),
            BitmapTagKey::TextTag { account, collection, field, tag, document } => with(
                &[U32(account), U8(collection), U8(field), Bytes(tag), U32(document)],
            ),
        }
    }
}

static BITMAP_TAG_LAYOUTS: [Layout; 2] = [
    Layout::new(0, "number_tag", &[
        Segment::u32("account"), Segment::u8("collection").named(&NAMES_COLLECTION),
        Segment::u8("field").within(&[(0, 127)]), Segment::leb32("tag"), Segment::u32("document"),
    ]).empty(),
    Layout::new(1, "text_tag", &[
        Segment::u32("account"), Segment::u8("collection").named(&NAMES_COLLECTION),
        Segment::u8("field").within(&[(128, 255)]), Segment::rest("tag"), Segment::u32("document"),
    ]).empty(),
];

static BITMAP_TAG_IN_1: [&Layout; 2] = pick(&BITMAP_TAG_LAYOUTS, [0, 1]);

const BITMAP_TAG: Subspace = Subspace::new('c', "bitmap_tag", "Tag bitmap", ValueKind::None, &TABLES_C_NONE);

/// Internal directory (`subspaces.directory`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DirectoryV1Key<'k> {
    /// Principal of a name.
    Name { name: &'k [u8] },
    /// Principal of an e-mail address.
    Email { address: &'k [u8] },
    /// The principal itself.
    Principal { principal: u32 },
    /// A group or role that the principal belongs to.
    MemberOf { principal: u32, group: u32 },
    /// A member of a group.
    Members { group: u32, member: u32 },
    /// A word of the principal's name or description.
    Word { word: &'k [u8], principal: u32 },
}

impl TypedKey for DirectoryV1Key<'_> {
    type Of<'k> = DirectoryV1Key<'k>;
    const LAYOUTS: &'static [Layout] = &DIRECTORY_V1_LAYOUTS;
    #[inline(always)]
    fn layout_of(key: &[u8], version: u32, from: usize) -> Option<usize> {
        Some(match key.len() {
            1.. if u8_at(key, 0) == 0x00 => 0,
            1.. if u8_at(key, 0) == 0x01 => 1,
            len @ 2..=6 if u8_at(key, 0) == 0x02 && leb32_end(key, 1) == len => 2,
            9 if u8_at(key, 0) == 0x05 => 3,
            9 if u8_at(key, 0) == 0x06 => 4,
            5.. if u8_at(key, 0) == 0x07 => 5,
            _ => return None,
        })
    }
    #[inline(always)]
    fn read(layout: usize, key: &[u8]) -> Option<DirectoryV1Key<'_>> {
        let len = key.len();
        Some(match layout {
            0 => DirectoryV1Key::Name { name: slice(key, 1, len) },
            1 => DirectoryV1Key::Email { address: slice(key, 1, len) },
            2 => DirectoryV1Key::Principal { principal: leb32_at(key, 1) },
            3 => DirectoryV1Key::MemberOf { principal: u32_at(key, 1), group: u32_at(key, 5) },
            4 => DirectoryV1Key::Members { group: u32_at(key, 1), member: u32_at(key, 5) },
            5 => DirectoryV1Key::Word {
                word: slice(key, 1, before(len, 4)),
                principal: u32_at(key, before(len, 4)),
            },
            _ => return None,
        })
    }
    fn segments(&self, with: &mut SegmentSink<'_>) {
        match *self {
            DirectoryV1Key::Name { name } => with(&[Const(&[0x00]), Bytes(name)]),
            DirectoryV1Key::Email { address } => with(&[Const(&[0x01]), Bytes(address)]),
            DirectoryV1Key::Principal { principal } => with(&[Const(&[0x02]), Leb(u64::from(principal))]),
            DirectoryV1Key::MemberOf { principal, group } => with(
                &[Const(&[0x05]), U32(principal), U32(group)],
            ),
            DirectoryV1Key::Members { group, member } => with(&[Const(&[0x06]), U32(group), U32(member)]),
            DirectoryV1Key::Word { word, principal } => with(&[Const(&[0x07]), Bytes(word), U32(principal)]),
        }
    }
}

static DIRECTORY_V1_LAYOUTS: [Layout; 6] = [
    Layout::new(0, "name", &[Segment::constant(&[0x00]), Segment::rest("name")]),
    Layout::new(1, "email", &[Segment::constant(&[0x01]), Segment::rest("address")]),
    Layout::new(2, "principal", &[Segment::constant(&[0x02]), Segment::leb32("principal")]).archive().long(),
    Layout::new(3, "member_of", &[
        Segment::constant(&[0x05]), Segment::u32("principal"), Segment::u32("group"),
    ]).lengths(&[0, 1]),
    Layout::new(4, "members", &[Segment::constant(&[0x06]), Segment::u32("group"), Segment::u32("member")])
        .empty(),
    Layout::new(5, "word", &[Segment::constant(&[0x07]), Segment::rest("word"), Segment::u32("principal")])
        .empty(),
];

static DIRECTORY_V1_IN_1: [&Layout; 6] = pick(&DIRECTORY_V1_LAYOUTS, [0, 1, 2, 3, 4, 5]);

const DIRECTORY_V1: Subspace =
    Subspace::new('d', "directory", "Internal directory", ValueKind::Bytes, &TABLES_D_BYTES);

/// Registry objects of directory types (`subspaces.directory`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DirectoryKey {
    /// An account. A store that has one is no fresh store.
    Account { object: u16, item: u64 },
    /// A directory object of another type.
    Object { object: u16, item: u64 },
}

impl TypedKey for DirectoryKey {
    type Of<'k> = DirectoryKey;
    const LAYOUTS: &'static [Layout] = &DIRECTORY_LAYOUTS;
    #[inline(always)]
    fn layout_of(key: &[u8], version: u32, from: usize) -> Option<usize> {
        Some(match key.len() {
            10 if u16_at(key, 0) == 0 => 0,
            10 if u16_at(key, 0) >= 1 => 1,
            _ => return None,
        })
    }
    #[inline(always)]
    fn read(layout: usize, key: &[u8]) -> Option<DirectoryKey> {
        Some(match layout {
            0 => DirectoryKey::Account { object: u16_at(key, 0), item: u64_at(key, 2) },
            1 => DirectoryKey::Object { object: u16_at(key, 0), item: u64_at(key, 2) },
            _ => return None,
        })
    }
    fn segments(&self, with: &mut SegmentSink<'_>) {
        match *self {
            DirectoryKey::Account { object, item } => with(&[U16(object), U64(item)]),
            DirectoryKey::Object { object, item } => with(&[U16(object), U64(item)]),
        }
    }
}

static DIRECTORY_LAYOUTS: [Layout; 2] = [
    Layout::new(0, "account", &[
        Segment::u16("object").within(&[(0, 0)]).named(&NAMES_OBJECT_TYPE),
        Segment::u64("item"),
    ]).long().fresh(FreshRule::Refuse),
    Layout::new(1, "object", &[
        Segment::u16("object").within(&[(1, u64::MAX)]).named(&NAMES_OBJECT_TYPE),
        Segment::u64("item"),
    ]).long(),
];

static DIRECTORY_IN_6: [&Layout; 2] = pick(&DIRECTORY_LAYOUTS, [0, 1]);

const DIRECTORY: Subspace = Subspace::new(
    'd', "directory", "Registry objects of directory types", ValueKind::Bytes, &TABLES_D_BYTES,
).fresh(FreshRule::Save);

/// Outbound queue messages (`subspaces.queue_message`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum QueueMessageKey {
    /// A queued message.
    Message { queue_id: u64 },
}

impl TypedKey for QueueMessageKey {
    type Of<'k> = QueueMessageKey;
    const LAYOUTS: &'static [Layout] = &QUEUE_MESSAGE_LAYOUTS;
    #[inline(always)]
    fn layout_of(key: &[u8], version: u32, from: usize) -> Option<usize> {
        Some(match key.len() {
            8 => 0,
            _ => return None,
        })
    }
    #[inline(always)]
    fn read(layout: usize, key: &[u8]) -> Option<QueueMessageKey> {
        Some(match layout {
            0 => QueueMessageKey::Message { queue_id: u64_at(key, 0) },
            _ => return None,
        })
    }
    fn segments(&self, with: &mut SegmentSink<'_>) {
        match *self {
            QueueMessageKey::Message { queue_id } => with(&[U64(queue_id)]),
        }
    }
}

static QUEUE_MESSAGE_LAYOUTS: [Layout; 1] =
    [Layout::new(0, "message", &[Segment::u64("queue_id")]).archive().long()];

static QUEUE_MESSAGE_IN_1: [&Layout; 1] = pick(&QUEUE_MESSAGE_LAYOUTS, [0]);

const QUEUE_MESSAGE: Subspace =
    Subspace::new('e', "queue_message", "Outbound queue messages", ValueKind::Bytes, &TABLES_E_BYTES);

/// Background task queue (`subspaces.task_queue`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TaskQueueV1Key<'k> {
    /// Index an e-mail.
    IndexEmail { due: u64, account: u32, document: u32, hash: &'k [u8; 32] },
    /// Train the filter with spam.
    TrainSpam { due: u64, account: u32, document: u32, hash: &'k [u8; 32] },
    /// Train the filter with ham.
    TrainHam { due: u64, account: u32, document: u32, hash: &'k [u8; 32] },
    /// Calendar alarm; by e-mail only from version 4 on.
    Alarm { due: u64, account: u32, document: u32, event: u16, alarm: u16 },
    /// Send an iMIP message.
    Imip { due: u64, account: u32, document: u32 },
    /// What the iMIP message holds.
    ImipPayload { account: u32, document: u32, due: u64 },
    /// Calendar alarm that is displayed.
    DisplayAlarm { due: u64, account: u32, document: u32, event: u16, alarm: u16 },
    /// Add a document to a search index.
    IndexInsert { due: u64, account: u32, document: u32, search_index: u8 },
    /// Remove a document from a search index.
    IndexDelete { due: u64, account: u32, document: u32, search_index: u8 },
    /// Merge e-mail threads.
    MergeThreads { due: u64, account: u32, document: u32 },
}

impl TypedKey for TaskQueueV1Key<'_> {
    type Of<'k> = TaskQueueV1Key<'k>;
    const LAYOUTS: &'static [Layout] = &TASK_QUEUE_V1_LAYOUTS;
    #[inline(always)]
    fn layout_of(key: &[u8], version: u32, from: usize) -> Option<usize> {
        Some(match key.len() {
            49 if version <= 4 && u8_at(key, 12) == 0x00 => 0,
            49 if version <= 4 && u8_at(key, 12) == 0x01 => 1,
            49 if version <= 4 && u8_at(key, 12) == 0x02 => 2,
            21 if version >= 2 && u8_at(key, 12) == 0x03 => 3,
            17 if version >= 2 && u8_at(key, 12) == 0x04 => 4,
            25
                if version >= 2 && has(key, 0, &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]) && u8_at(key, 12) == 0x05 => 5,
            21 if version >= 4 && u8_at(key, 12) == 0x06 => 6,
            18 if version >= 5 && u8_at(key, 12) == 0x07 => 7,
            18 if version >= 5 && u8_at(key, 12) == 0x08 => 8,
            17 if version >= 5 && u8_at(key, 12) == 0x09 => 9,
            _ => return None,
        })
    }
    #[inline(always)]
    fn read(layout: usize, key: &[u8]) -> Option<TaskQueueV1Key<'_>> {
        Some(match layout {
            0 => TaskQueueV1Key::IndexEmail {
                due: u64_at(key, 0),
                account: u32_at(key, 8),
                document: u32_at(key, 13),
                hash: array_at(key, 17),
            },
            1 => TaskQueueV1Key::TrainSpam {
                due: u64_at(key, 0),
                account: u32_at(key, 8),
                document: u32_at(key, 13),
                hash: array_at(key, 17),
            },
            2 => TaskQueueV1Key::TrainHam {
                due: u64_at(key, 0),
                account: u32_at(key, 8),
                document: u32_at(key, 13),
                hash: array_at(key, 17),
            },
            3 => TaskQueueV1Key::Alarm {
                due: u64_at(key, 0),
                account: u32_at(key, 8),
                document: u32_at(key, 13),
                event: u16_at(key, 17),
                alarm: u16_at(key, 19),
            },
            4 => TaskQueueV1Key::Imip {
                due: u64_at(key, 0),
                account: u32_at(key, 8),
                document: u32_at(key, 13),
            },
            5 => TaskQueueV1Key::ImipPayload {
                account: u32_at(key, 8),
                document: u32_at(key, 13),
                due: u64_at(key, 17),
            },
            6 => TaskQueueV1Key::DisplayAlarm {
                due: u64_at(key, 0),
                account: u32_at(key, 8),
                document: u32_at(key, 13),
                event: u16_at(key, 17),
                alarm: u16_at(key, 19),
            },
            7 => TaskQueueV1Key::IndexInsert {
                due: u64_at(key, 0),
                account: u32_at(key, 8),
                document: u32_at(key, 13),
                search_index: u8_at(key, 17),
            },
            8 => TaskQueueV1Key::IndexDelete {
                due: u64_at(key, 0),
                account: u32_at(key, 8),
                document: u32_at(key, 13),
                search_index: u8_at(key, 17),
            },
            9 => TaskQueueV1Key::MergeThreads {
                due: u64_at(key, 0),
                account: u32_at(key, 8),
                document: u32_at(key, 13),
            },
            _ => return None,
        })
    }
    fn segments(&self, with: &mut SegmentSink<'_>) {
        match *self {
            TaskQueueV1Key::IndexEmail { due, account, document, hash } => with(
                &[U64(due), U32(account), Const(&[0x00]), U32(document), Bytes(hash)],
            ),
            TaskQueueV1Key::TrainSpam { due, account, document, hash } => with(
                &[U64(due), U32(account), Const(&[0x01]), U32(document), Bytes(hash)],
            ),
            TaskQueueV1Key::TrainHam { due, account, document, hash } => with(
                &[U64(due), U32(account), Const(&[0x02]), U32(document), Bytes(hash)],
            ),
            TaskQueueV1Key::Alarm { due, account, document, event, alarm } => with(
                &[U64(due), U32(account), Const(&[0x03]), U32(document), U16(event), U16(alarm)],
            ),
            TaskQueueV1Key::Imip { due, account, document } => with(
                &[U64(due), U32(account), Const(&[0x04]), U32(document)],
            ),
            TaskQueueV1Key::ImipPayload { account, document, due } => with(
                &[
                    Const(&[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]), U32(account), Const(&[0x05]),
                    U32(document), U64(due),
                ],
            ),
            TaskQueueV1Key::DisplayAlarm { due, account, document, event, alarm } => with(
                &[U64(due), U32(account), Const(&[0x06]), U32(document), U16(event), U16(alarm)],
            ),
            TaskQueueV1Key::IndexInsert { due, account, document, search_index } => with(
                &[U64(due), U32(account), Const(&[0x07]), U32(document), U8(search_index)],
            ),
            TaskQueueV1Key::IndexDelete { due, account, document, search_index } => with(
                &[U64(due), U32(account), Const(&[0x08]), U32(document), U8(search_index)],
            ),
            TaskQueueV1Key::MergeThreads { due, account, document } => with(
                &[U64(due), U32(account), Const(&[0x09]), U32(document)],
            ),
        }
    }
}

static TASK_QUEUE_V1_LAYOUTS: [Layout; 10] = [
    Layout::new(0, "index_email", &[
        Segment::u64("due"), Segment::u32("account"), Segment::constant(&[0x00]), Segment::u32("document"),
        Segment::hash("hash"),
    ]).lengths(&[0, 8]),
    Layout::new(1, "train_spam", &[
        Segment::u64("due"), Segment::u32("account"), Segment::constant(&[0x01]), Segment::u32("document"),
        Segment::hash("hash"),
    ]).empty(),
    Layout::new(2, "train_ham", &[
        Segment::u64("due"), Segment::u32("account"), Segment::constant(&[0x02]), Segment::u32("document"),
        Segment::hash("hash"),
    ]).empty(),
    Layout::new(3, "alarm", &[
        Segment::u64("due"), Segment::u32("account"), Segment::constant(&[0x03]), Segment::u32("document"),
        Segment::u16("event"), Segment::u16("alarm"),
    ]).lengths(&[20]),
    Layout::new(4, "imip", &[
        Segment::u64("due"), Segment::u32("account"), Segment::constant(&[0x04]), Segment::u32("document"),
    ]).empty(),
    Layout::new(5, "imip_payload", &[
        Segment::constant(&[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]),
        Segment::u32("account"),
        Segment::constant(&[0x05]),
        Segment::u32("document"),
        Segment::u64("due"),
    ]).archive().long(),
    Layout::new(6, "display_alarm", &[
        Segment::u64("due"), Segment::u32("account"), Segment::constant(&[0x06]), Segment::u32("document"),
        Segment::u16("event"), Segment::u16("alarm"),
    ]).lengths(&[8]),
    Layout::new(7, "index_insert", &[
        Segment::u64("due"), Segment::u32("account"), Segment::constant(&[0x07]), Segment::u32("document"),
        Segment::u8("search_index").named(&NAMES_SEARCH_INDEX),
    ]).lengths(&[0, 8]),
    Layout::new(8, "index_delete", &[
        Segment::u64("due"), Segment::u32("account"), Segment::constant(&[0x08]), Segment::u32("document"),
        Segment::u8("search_index").named(&NAMES_SEARCH_INDEX),
    ]).lengths(&[0, 8]),
    Layout::new(9, "merge_threads", &[
        Segment::u64("due"), Segment::u32("account"), Segment::constant(&[0x09]), Segment::u32("document"),
    ]).long(),
];

static TASK_QUEUE_V1_IN_1: [&Layout; 3] = pick(&TASK_QUEUE_V1_LAYOUTS, [0, 1, 2]);

static TASK_QUEUE_V1_IN_2: [&Layout; 6] = pick(&TASK_QUEUE_V1_LAYOUTS, [0, 1, 2, 3, 4, 5]);

static TASK_QUEUE_V1_IN_4: [&Layout; 7] = pick(&TASK_QUEUE_V1_LAYOUTS, [0, 1, 2, 3, 4, 5, 6]);

static TASK_QUEUE_V1_IN_5: [&Layout; 7] = pick(&TASK_QUEUE_V1_LAYOUTS, [3, 4, 5, 6, 7, 8, 9]);

const TASK_QUEUE_V1: Subspace =
    Subspace::new('f', "task_queue", "Background task queue", ValueKind::Bytes, &TABLES_F_BYTES);

/// Tasks and due index (`subspaces.task_queue`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TaskQueueKey {
    /// The task itself.
    Task { id: u64 },
    /// When a task is due.
    Due { due: u64, id: u64 },
}

impl TypedKey for TaskQueueKey {
    type Of<'k> = TaskQueueKey;
    const LAYOUTS: &'static [Layout] = &TASK_QUEUE_LAYOUTS;
    #[inline(always)]
    fn layout_of(key: &[u8], version: u32, from: usize) -> Option<usize> {
        Some(match key.len() {
            16 if has(key, 0, &[0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00]) => 0,
            16 if u64_at(key, 0) >= 1 => 1,
            _ => return None,
        })
    }
    #[inline(always)]
    fn read(layout: usize, key: &[u8]) -> Option<TaskQueueKey> {
        Some(match layout {
            0 => TaskQueueKey::Task { id: u64_at(key, 8) },
            1 => TaskQueueKey::Due { due: u64_at(key, 0), id: u64_at(key, 8) },
            _ => return None,
        })
    }
    fn segments(&self, with: &mut SegmentSink<'_>) {
        match *self {
            TaskQueueKey::Task { id } => with(&[
                Const(&[0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00]), U64(id),
            ]),
            TaskQueueKey::Due { due, id } => with(&[U64(due), U64(id)]),
        }
    }
}

static TASK_QUEUE_LAYOUTS: [Layout; 2] = [
    Layout::new(0, "task", &[
        Segment::constant(&[0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00]),
        Segment::u64("id"),
    ]).long(),
    Layout::new(1, "due", &[Segment::u64("due").within(&[(1, u64::MAX)]), Segment::u64("id")]).lengths(&[2]),
];

static TASK_QUEUE_IN_6: [&Layout; 2] = pick(&TASK_QUEUE_LAYOUTS, [0, 1]);

const TASK_QUEUE: Subspace = Subspace::new(
    'f', "task_queue", "Tasks and due index", ValueKind::Bytes, &TABLES_F_BYTES,
).fresh(FreshRule::Save);

/// Full-text postings (`subspaces.fts_index`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FtsIndexKey<'k> {
    /// Postings of one word in one document.
    Postings { account: u32, word: &'k [u8], collection: u8, document: u32 },
    /// Postings of a word without letters, which releases before 0.9.3 wrote. Nothing reads them.
    EmptyWord { account: u32, collection: u8, document: u32 },
}

impl TypedKey for FtsIndexKey<'_> {
    type Of<'k> = FtsIndexKey<'k>;
    const LAYOUTS: &'static [Layout] = &FTS_INDEX_LAYOUTS;
    #[inline(always)]
    fn layout_of(key: &[u8], version: u32, from: usize) -> Option<usize> {
        Some(match key.len() {
            len @ 10..=18 if is_token_hash(slice(key, 4, len - 5)) => 0,
            9 => 1,
            _ => return None,
        })
    }
    #[inline(always)]
    fn read(layout: usize, key: &[u8]) -> Option<FtsIndexKey<'_>> {
        let len = key.len();
        Some(match layout {
            0 => FtsIndexKey::Postings {
                account: u32_at(key, 0),
                word: slice(key, 4, before(len, 5)),
                collection: u8_at(key, before(len, 5)),
                document: u32_at(key, before(len, 4)),
            },
            1 => FtsIndexKey::EmptyWord {
                account: u32_at(key, 0),
                collection: u8_at(key, 4),
                document: u32_at(key, 5),
            },
            _ => return None,
        })
    }
    fn segments(&self, with: &mut SegmentSink<'_>) {
        match *self {
            FtsIndexKey::Postings { account, word, collection, document } => with(
                &[U32(account), Bytes(word), U8(collection), U32(document)],
            ),
            FtsIndexKey::EmptyWord { account, collection, document } => with(
                &[U32(account), U8(collection), U32(document)],
            ),
        }
    }
}

static FTS_INDEX_LAYOUTS: [Layout; 2] = [
    Layout::new(0, "postings", &[
        Segment::u32("account"), Segment::token_hash("word"),
        Segment::u8("collection").named(&NAMES_COLLECTION), Segment::u32("document"),
    ]).long(),
    Layout::new(1, "empty_word", &[
        Segment::u32("account"), Segment::u8("collection").named(&NAMES_COLLECTION), Segment::u32("document"),
    ]).long(),
];

static FTS_INDEX_IN_1: [&Layout; 2] = pick(&FTS_INDEX_LAYOUTS, [0, 1]);

const FTS_INDEX: Subspace = Subspace::new(
    'g', "fts_index", "Full-text postings", ValueKind::Bytes, &TABLES_G_BYTES,
).store(StoreGroup::Search);

/// Registry unique keys, references, node leases (`subspaces.registry_pk`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RegistryPkKey<'k> {
    /// A node of the cluster; every start of the server writes it anew.
    NodeLease { node: u16 },
    /// An object that another one refers to.
    Reference { target: u16, target_item: u64, source: u16, source_item: u64 },
    /// A value that only one object may have.
    UniqueKey { object: u16, property: u16, index_value: &'k [u8] },
}

impl TypedKey for RegistryPkKey<'_> {
    type Of<'k> = RegistryPkKey<'k>;
    const LAYOUTS: &'static [Layout] = &REGISTRY_PK_LAYOUTS;
    #[inline(always)]
    fn layout_of(key: &[u8], version: u32, from: usize) -> Option<usize> {
        Some(match key.len() {
            6 if from == 0 && has(key, 0, &[0xff, 0xff, 0xff, 0xff]) => 0,
            20 if from <= 1 => 1,
            4.. => 2,
            _ => return None,
        })
    }
    #[inline(always)]
    fn read(layout: usize, key: &[u8]) -> Option<RegistryPkKey<'_>> {
        let len = key.len();
        Some(match layout {
            0 => RegistryPkKey::NodeLease { node: u16_at(key, 4) },
            1 => RegistryPkKey::Reference {
                target: u16_at(key, 0),
                target_item: u64_at(key, 2),
                source: u16_at(key, 10),
                source_item: u64_at(key, 12),
            },
            2 => RegistryPkKey::UniqueKey {
                object: u16_at(key, 0),
                property: u16_at(key, 2),
                index_value: slice(key, 4, len),
            },
            _ => return None,
        })
    }
    fn segments(&self, with: &mut SegmentSink<'_>) {
        match *self {
            RegistryPkKey::NodeLease { node } => with(&[Const(&[0xff, 0xff, 0xff, 0xff]), U16(node)]),
            RegistryPkKey::Reference { target, target_item, source, source_item } => with(
                &[U16(target), U64(target_item), U16(source), U64(source_item)],
            ),
            RegistryPkKey::UniqueKey { object, property, index_value } => with(
                &[U16(object), U16(property), Bytes(index_value)],
            ),
        }
    }
}

static REGISTRY_PK_LAYOUTS: [Layout; 3] = [
    Layout::new(0, "node_lease", &[Segment::constant(&[0xff, 0xff, 0xff, 0xff]), Segment::u16("node")])
        .lease().local().fresh(FreshRule::Keep).shares(&[2]),
    Layout::new(1, "reference", &[
        Segment::u16("target").named(&NAMES_OBJECT_TYPE), Segment::u64("target_item"),
        Segment::u16("source").named(&NAMES_OBJECT_TYPE), Segment::u64("source_item"),
    ]).empty().shares(&[2]),
    Layout::new(2, "unique_key", &[
        Segment::u16("object").named(&NAMES_OBJECT_TYPE),
        Segment::u16("property").named(&NAMES_REGISTRY_PROPERTY), Segment::rest("index_value"),
    ]).lengths(&[10, 14]),
];

static REGISTRY_PK_IN_6: [&Layout; 3] = pick(&REGISTRY_PK_LAYOUTS, [0, 1, 2]);

const REGISTRY_PK: Subspace = Subspace::new(
    'g', "registry_pk", "Registry unique keys, references, node leases", ValueKind::Bytes, &TABLES_G_BYTES,
).fresh(FreshRule::Save);

/// Outgoing DMARC and TLS report data (`subspaces.report_out`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReportOutV1Key<'k> {
    /// A DMARC report.
    DmarcHeader { due: u64, domain: &'k [u8], policy: u64, sequence: u64 },
    /// A TLS report.
    TlsHeader { due: u64, domain: &'k [u8], policy: u64, sequence: u64 },
    /// An event of a DMARC report.
    DmarcEvent { due: u64, domain: &'k [u8], policy: u64, sequence: u64 },
    /// An event of a TLS report.
    TlsEvent { due: u64, domain: &'k [u8], policy: u64, sequence: u64 },
}

impl TypedKey for ReportOutV1Key<'_> {
    type Of<'k> = ReportOutV1Key<'k>;
    const LAYOUTS: &'static [Layout] = &REPORT_OUT_V1_LAYOUTS;
    #[inline(always)]
    fn layout_of(key: &[u8], version: u32, from: usize) -> Option<usize> {
        Some(match key.len() {
            len @ 26.. if u8_at(key, 0) == 0x00 && u8_at(key, len - 1) == 0x00 => 0,
            len @ 26.. if u8_at(key, 0) == 0x00 && u8_at(key, len - 1) == 0x01 => 1,
            25.. if u8_at(key, 0) == 0x01 => 2,
            25.. if u8_at(key, 0) == 0x02 => 3,
            _ => return None,
        })
    }
    #[inline(always)]
    fn read(layout: usize, key: &[u8]) -> Option<ReportOutV1Key<'_>> {
        let len = key.len();
        Some(match layout {
            0 => ReportOutV1Key::DmarcHeader {
                due: u64_at(key, 1),
                domain: slice(key, 9, before(len, 17)),
                policy: u64_at(key, before(len, 17)),
                sequence: u64_at(key, before(len, 9)),
            },
            1 => ReportOutV1Key::TlsHeader {
                due: u64_at(key, 1),
                domain: slice(key, 9, before(len, 17)),
                policy: u64_at(key, before(len, 17)),
                sequence: u64_at(key, before(len, 9)),
            },
            2 => ReportOutV1Key::DmarcEvent {
                due: u64_at(key, 1),
                domain: slice(key, 9, before(len, 16)),
                policy: u64_at(key, before(len, 16)),
                sequence: u64_at(key, before(len, 8)),
            },
            3 => ReportOutV1Key::TlsEvent {
                due: u64_at(key, 1),
                domain: slice(key, 9, before(len, 16)),
                policy: u64_at(key, before(len, 16)),
                sequence: u64_at(key, before(len, 8)),
            },
            _ => return None,
        })
    }
    fn segments(&self, with: &mut SegmentSink<'_>) {
        match *self {
            ReportOutV1Key::DmarcHeader { due, domain, policy, sequence } => with(
                &[Const(&[0x00]), U64(due), Bytes(domain), U64(policy), U64(sequence), Const(&[0x00])],
            ),
            ReportOutV1Key::TlsHeader { due, domain, policy, sequence } => with(
                &[Const(&[0x00]), U64(due), Bytes(domain), U64(policy), U64(sequence), Const(&[0x01])],
            ),
            ReportOutV1Key::DmarcEvent { due, domain, policy, sequence } => with(
                &[Const(&[0x01]), U64(due), Bytes(domain), U64(policy), U64(sequence)],
            ),
            ReportOutV1Key::TlsEvent { due, domain, policy, sequence } => with(
                &[Const(&[0x02]), U64(due), Bytes(domain), U64(policy), U64(sequence)],
            ),
        }
    }
}

static REPORT_OUT_V1_LAYOUTS: [Layout; 4] = [
    Layout::new(0, "dmarc_header", &[
        Segment::constant(&[0x00]), Segment::u64("due"), Segment::rest("domain"), Segment::u64("policy"),
        Segment::u64("sequence"), Segment::constant(&[0x00]),
    ]).archive().long(),
    Layout::new(1, "tls_header", &[
        Segment::constant(&[0x00]), Segment::u64("due"), Segment::rest("domain"), Segment::u64("policy"),
        Segment::u64("sequence"), Segment::constant(&[0x01]),
    ]).archive().long(),
    Layout::new(2, "dmarc_event", &[
        Segment::constant(&[0x01]), Segment::u64("due"), Segment::rest("domain"), Segment::u64("policy"),
        Segment::u64("sequence"),
    ]).archive().long(),
    Layout::new(3, "tls_event", &[
        Segment::constant(&[0x02]), Segment::u64("due"), Segment::rest("domain"), Segment::u64("policy"),
        Segment::u64("sequence"),
    ]).archive().long(),
];

static REPORT_OUT_V1_IN_1: [&Layout; 4] = pick(&REPORT_OUT_V1_LAYOUTS, [0, 1, 2, 3]);

const REPORT_OUT_V1: Subspace =
    Subspace::new('h', "report_out", "Outgoing DMARC and TLS report data", ValueKind::Bytes, &TABLES_H_BYTES);

/// Outgoing reports (`subspaces.report_out`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReportOutKey {
    /// A report.
    Object { object: u16, item: u64 },
}

impl TypedKey for ReportOutKey {
    type Of<'k> = ReportOutKey;
    const LAYOUTS: &'static [Layout] = &REPORT_OUT_LAYOUTS;
    #[inline(always)]
    fn layout_of(key: &[u8], version: u32, from: usize) -> Option<usize> {
        Some(match key.len() {
            10 => 0,
            _ => return None,
        })
    }
    #[inline(always)]
    fn read(layout: usize, key: &[u8]) -> Option<ReportOutKey> {
        Some(match layout {
            0 => ReportOutKey::Object { object: u16_at(key, 0), item: u64_at(key, 2) },
            _ => return None,
        })
    }
    fn segments(&self, with: &mut SegmentSink<'_>) {
        match *self {
            ReportOutKey::Object { object, item } => with(&[U16(object), U64(item)]),
        }
    }
}

static REPORT_OUT_LAYOUTS: [Layout; 1] = [
    Layout::new(0, "object", &[Segment::u16("object").named(&NAMES_OBJECT_TYPE), Segment::u64("item")])
        .long(),
];

static REPORT_OUT_IN_6: [&Layout; 1] = pick(&REPORT_OUT_LAYOUTS, [0]);

const REPORT_OUT: Subspace =
    Subspace::new('h', "report_out", "Outgoing reports", ValueKind::Bytes, &TABLES_H_BYTES);

/// Document indexes (`subspaces.indexes`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IndexesKey<'k> {
    /// One indexed value of a document, possibly empty.
    Index { account: u32, collection: u8, field: u8, index_value: &'k [u8], document: u32 },
}

impl TypedKey for IndexesKey<'_> {
    type Of<'k> = IndexesKey<'k>;
    const LAYOUTS: &'static [Layout] = &INDEXES_LAYOUTS;
    #[inline(always)]
    fn layout_of(key: &[u8], version: u32, from: usize) -> Option<usize> {
        Some(match key.len() {
            10.. => 0,
            _ => return None,
        })
    }
    #[inline(always)]
    fn read(layout: usize, key: &[u8]) -> Option<IndexesKey<'_>> {
        let len = key.len();
        Some(match layout {
            0 => IndexesKey::Index {
                account: u32_at(key, 0),
                collection: u8_at(key, 4),
                field: u8_at(key, 5),
                index_value: slice(key, 6, before(len, 4)),
                document: u32_at(key, before(len, 4)),
            },
            _ => return None,
        })
    }
    fn segments(&self, with: &mut SegmentSink<'_>) {
        match *self {
            IndexesKey::Index { account, collection, field, index_value, document } => with(
                &[U32(account), U8(collection), U8(field), Bytes(index_value), U32(document)],
            ),
        }
    }
}

static INDEXES_LAYOUTS: [Layout; 1] = [
    Layout::new(0, "index", &[
        Segment::u32("account"), Segment::u8("collection").named(&NAMES_COLLECTION), Segment::u8("field"),
        Segment::rest("index_value"), Segment::u32("document"),
    ]).empty(),
];

static INDEXES_IN_1: [&Layout; 1] = pick(&INDEXES_LAYOUTS, [0]);

const INDEXES: Subspace = Subspace::new('i', "indexes", "Document indexes", ValueKind::None, &TABLES_I_NONE);

/// Blob reservations (`subspaces.blob_reserve`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BlobReserveKey<'k> {
    /// The blob is kept until then.
    Reservation { account: u32, hash: &'k [u8; 32], until: u64 },
}

impl TypedKey for BlobReserveKey<'_> {
    type Of<'k> = BlobReserveKey<'k>;
    const LAYOUTS: &'static [Layout] = &BLOB_RESERVE_LAYOUTS;
    #[inline(always)]
    fn layout_of(key: &[u8], version: u32, from: usize) -> Option<usize> {
        Some(match key.len() {
            44 => 0,
            _ => return None,
        })
    }
    #[inline(always)]
    fn read(layout: usize, key: &[u8]) -> Option<BlobReserveKey<'_>> {
        Some(match layout {
            0 => BlobReserveKey::Reservation {
                account: u32_at(key, 0),
                hash: array_at(key, 4),
                until: u64_at(key, 36),
            },
            _ => return None,
        })
    }
    fn segments(&self, with: &mut SegmentSink<'_>) {
        match *self {
            BlobReserveKey::Reservation { account, hash, until } => with(
                &[U32(account), Bytes(hash), U64(until)],
            ),
        }
    }
}

static BLOB_RESERVE_LAYOUTS: [Layout; 1] = [
    Layout::new(0, "reservation", &[Segment::u32("account"), Segment::hash("hash"), Segment::u64("until")])
        .lengths(&[4, 13]),
];

static BLOB_RESERVE_IN_1: [&Layout; 1] = pick(&BLOB_RESERVE_LAYOUTS, [0]);

const BLOB_RESERVE: Subspace =
    Subspace::new('j', "blob_reserve", "Blob reservations", ValueKind::Bytes, &TABLES_J_BYTES);

/// Blob quota, undelete and spam samples (`subspaces.blob_extra`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BlobExtraKey<'k> {
    /// Counts against the account's upload quota.
    UploadQuota { account: u32, hash: &'k [u8; 32], until: u64 },
    /// A deleted item that may be restored.
    Undelete { account: u32, hash: &'k [u8; 32], until: u64 },
    /// A message for training the spam filter.
    SpamSample { until: u64, account: u32, hash: &'k [u8; 32] },
}

impl TypedKey for BlobExtraKey<'_> {
    type Of<'k> = BlobExtraKey<'k>;
    const LAYOUTS: &'static [Layout] = &BLOB_EXTRA_LAYOUTS;
    #[inline(always)]
    fn layout_of(key: &[u8], version: u32, from: usize) -> Option<usize> {
        Some(match key.len() {
            45 if u8_at(key, 0) == 0x00 => 0,
            45 if u8_at(key, 0) == 0x01 => 1,
            45 if u8_at(key, 0) == 0x02 => 2,
            _ => return None,
        })
    }
    #[inline(always)]
    fn read(layout: usize, key: &[u8]) -> Option<BlobExtraKey<'_>> {
        Some(match layout {
            0 => BlobExtraKey::UploadQuota {
                account: u32_at(key, 1),
                hash: array_at(key, 5),
                until: u64_at(key, 37),
            },
            1 => BlobExtraKey::Undelete {
                account: u32_at(key, 1),
                hash: array_at(key, 5),
                until: u64_at(key, 37),
            },
            2 => BlobExtraKey::SpamSample {
                until: u64_at(key, 1),
                account: u32_at(key, 9),
                hash: array_at(key, 13),
            },
            _ => return None,
        })
    }
    fn segments(&self, with: &mut SegmentSink<'_>) {
        match *self {
            BlobExtraKey::UploadQuota { account, hash, until } => with(
                &[Const(&[0x00]), U32(account), Bytes(hash), U64(until)],
            ),
            BlobExtraKey::Undelete { account, hash, until } => with(
                &[Const(&[0x01]), U32(account), Bytes(hash), U64(until)],
            ),
            BlobExtraKey::SpamSample { until, account, hash } => with(
                &[Const(&[0x02]), U64(until), U32(account), Bytes(hash)],
            ),
        }
    }
}

static BLOB_EXTRA_LAYOUTS: [Layout; 3] = [
    Layout::new(0, "upload_quota", &[
        Segment::constant(&[0x00]), Segment::u32("account"), Segment::hash("hash"), Segment::u64("until"),
    ]).lengths(&[4]),
    Layout::new(1, "undelete", &[
        Segment::constant(&[0x01]), Segment::u32("account"), Segment::hash("hash"), Segment::u64("until"),
    ]).archive().long(),
    Layout::new(2, "spam_sample", &[
        Segment::constant(&[0x02]), Segment::u64("until"), Segment::u32("account"), Segment::hash("hash"),
    ]).lengths(&[2]),
];

static BLOB_EXTRA_IN_5: [&Layout; 3] = pick(&BLOB_EXTRA_LAYOUTS, [0, 1, 2]);

const BLOB_EXTRA: Subspace = Subspace::new(
    'j', "blob_extra", "Blob quota, undelete and spam samples", ValueKind::Bytes, &TABLES_J_BYTES,
);

/// Archived items (`subspaces.deleted_items`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeletedItemsKey {
    /// A deleted item.
    Object { object: u16, item: u64 },
}

impl TypedKey for DeletedItemsKey {
    type Of<'k> = DeletedItemsKey;
    const LAYOUTS: &'static [Layout] = &DELETED_ITEMS_LAYOUTS;
    #[inline(always)]
    fn layout_of(key: &[u8], version: u32, from: usize) -> Option<usize> {
        Some(match key.len() {
            10 => 0,
            _ => return None,
        })
    }
    #[inline(always)]
    fn read(layout: usize, key: &[u8]) -> Option<DeletedItemsKey> {
        Some(match layout {
            0 => DeletedItemsKey::Object { object: u16_at(key, 0), item: u64_at(key, 2) },
            _ => return None,
        })
    }
    fn segments(&self, with: &mut SegmentSink<'_>) {
        match *self {
            DeletedItemsKey::Object { object, item } => with(&[U16(object), U64(item)]),
        }
    }
}

static DELETED_ITEMS_LAYOUTS: [Layout; 1] = [
    Layout::new(0, "object", &[Segment::u16("object").named(&NAMES_OBJECT_TYPE), Segment::u64("item")])
        .long(),
];

static DELETED_ITEMS_IN_6: [&Layout; 1] = pick(&DELETED_ITEMS_LAYOUTS, [0]);

const DELETED_ITEMS: Subspace =
    Subspace::new('j', "deleted_items", "Archived items", ValueKind::Bytes, &TABLES_J_BYTES);

/// Blob links (`subspaces.blob_link`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BlobLinkV1Key<'k> {
    /// The blob has been stored.
    Commit { hash: &'k [u8; 32] },
    /// Something that is no document uses the blob.
    IdLink { hash: &'k [u8; 32], id_high: u32, id_low: u32 },
    /// A document uses the blob.
    DocumentLink { hash: &'k [u8; 32], account: u32, collection: u8, document: u32 },
}

impl TypedKey for BlobLinkV1Key<'_> {
    type Of<'k> = BlobLinkV1Key<'k>;
    const LAYOUTS: &'static [Layout] = &BLOB_LINK_V1_LAYOUTS;
    #[inline(always)]
    fn layout_of(key: &[u8], version: u32, from: usize) -> Option<usize> {
        Some(match key.len() {
            41 if from == 0 && has(key, 32, &[0xff, 0xff, 0xff, 0xff, 0x00, 0xff, 0xff, 0xff, 0xff]) => 0,
            41 if u8_at(key, 36) == 0xff => 1,
            41 if u8_at(key, 36) <= 254 => 2,
            _ => return None,
        })
    }
    #[inline(always)]
    fn read(layout: usize, key: &[u8]) -> Option<BlobLinkV1Key<'_>> {
        Some(match layout {
            0 => BlobLinkV1Key::Commit { hash: array_at(key, 0) },
            1 => BlobLinkV1Key::IdLink {
                hash: array_at(key, 0),
                id_high: u32_at(key, 32),
                id_low: u32_at(key, 37),
            },
            2 => BlobLinkV1Key::DocumentLink {
                hash: array_at(key, 0),
                account: u32_at(key, 32),
                collection: u8_at(key, 36),
                document: u32_at(key, 37),
            },
            _ => return None,
        })
    }
    fn segments(&self, with: &mut SegmentSink<'_>) {
        match *self {
            BlobLinkV1Key::Commit { hash } => with(&[
                Bytes(hash),
                Const(&[0xff, 0xff, 0xff, 0xff, 0x00, 0xff, 0xff, 0xff, 0xff]),
            ]),
            BlobLinkV1Key::IdLink { hash, id_high, id_low } => with(
                &[Bytes(hash), U32(id_high), Const(&[0xff]), U32(id_low)],
            ),
            BlobLinkV1Key::DocumentLink { hash, account, collection, document } => with(
                &[Bytes(hash), U32(account), U8(collection), U32(document)],
            ),
        }
    }
}

static BLOB_LINK_V1_LAYOUTS: [Layout; 3] = [
    Layout::new(0, "commit", &[
        Segment::hash("hash"),
        Segment::constant(&[0xff, 0xff, 0xff, 0xff, 0x00, 0xff, 0xff, 0xff, 0xff]),
    ]).empty().link(0).commit().shares(&[2]),
    Layout::new(1, "id_link", &[
        Segment::hash("hash"), Segment::u32("id_high"), Segment::constant(&[0xff]), Segment::u32("id_low"),
    ]).empty().link(0),
    Layout::new(2, "document_link", &[
        Segment::hash("hash"),
        Segment::u32("account"),
        Segment::u8("collection").within(&[(0, 254)]).named(&NAMES_COLLECTION),
        Segment::u32("document"),
    ]).empty().link(0),
];

static BLOB_LINK_V1_IN_1: [&Layout; 3] = pick(&BLOB_LINK_V1_LAYOUTS, [0, 1, 2]);

const BLOB_LINK_V1: Subspace =
    Subspace::new('k', "blob_link", "Blob links", ValueKind::Bytes, &TABLES_K_BYTES);

/// Blob links (`subspaces.blob_link`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BlobLinkKey<'k> {
    /// The blob has been stored.
    Commit { hash: &'k [u8; 32] },
    /// Something that is no document uses the blob.
    IdLink { hash: &'k [u8; 32], id: u64 },
    /// A document uses the blob.
    DocumentLink { hash: &'k [u8; 32], account: u32, collection: u8, document: u32 },
    /// The blob is kept until then.
    TemporaryLink { hash: &'k [u8; 32], account: u32, until: u64 },
}

impl TypedKey for BlobLinkKey<'_> {
    type Of<'k> = BlobLinkKey<'k>;
    const LAYOUTS: &'static [Layout] = &BLOB_LINK_LAYOUTS;
    #[inline(always)]
    fn layout_of(key: &[u8], version: u32, from: usize) -> Option<usize> {
        Some(match key.len() {
            32 => if version <= 5 { 0 } else { 1 },
            40 => 2,
            41 => 3,
            44 => if version <= 5 { 4 } else { 5 },
            _ => return None,
        })
    }
    #[inline(always)]
    fn read(layout: usize, key: &[u8]) -> Option<BlobLinkKey<'_>> {
        Some(match layout {
            0 | 1 => BlobLinkKey::Commit { hash: array_at(key, 0) },
            2 => BlobLinkKey::IdLink { hash: array_at(key, 0), id: u64_at(key, 32) },
            3 => BlobLinkKey::DocumentLink {
                hash: array_at(key, 0),
                account: u32_at(key, 32),
                collection: u8_at(key, 36),
                document: u32_at(key, 37),
            },
            4 | 5 => BlobLinkKey::TemporaryLink {
                hash: array_at(key, 0),
                account: u32_at(key, 32),
                until: u64_at(key, 36),
            },
            _ => return None,
        })
    }
    fn segments(&self, with: &mut SegmentSink<'_>) {
        match *self {
            BlobLinkKey::Commit { hash } => with(&[Bytes(hash)]),
            BlobLinkKey::IdLink { hash, id } => with(&[Bytes(hash), U64(id)]),
            BlobLinkKey::DocumentLink { hash, account, collection, document } => with(
                &[Bytes(hash), U32(account), U8(collection), U32(document)],
            ),
            BlobLinkKey::TemporaryLink { hash, account, until } => with(
                &[Bytes(hash), U32(account), U64(until)],
            ),
        }
    }
}

static BLOB_LINK_LAYOUTS: [Layout; 6] = [
    Layout::new(0, "commit", &[Segment::hash("hash")]).empty().link(0).commit(),
    Layout::new(1, "commit", &[Segment::hash("hash")])
        .empty().link(0).commit().fresh_if_derived_key(FreshRule::Clear),
    Layout::new(2, "id_link", &[Segment::hash("hash"), Segment::u64("id")]).empty().link(0),
    Layout::new(3, "document_link", &[
        Segment::hash("hash"), Segment::u32("account"), Segment::u8("collection").named(&NAMES_COLLECTION),
        Segment::u32("document"),
    ]).empty().link(0),
    Layout::new(4, "temporary_link", &[Segment::hash("hash"), Segment::u32("account"), Segment::u64("until")])
        .lengths(&[0, 1]).link(0),
    Layout::new(5, "temporary_link", &[Segment::hash("hash"), Segment::u32("account"), Segment::u64("until")])
        .lengths(&[0, 1, 10]).provisional(blob_link_5_provisional).link(0)
        .fresh_if_derived_key(FreshRule::Clear),
];

fn blob_link_5_provisional(key: &[u8]) -> bool {
    matches!(BlobLinkKey::read(5, key), Some(BlobLinkKey::TemporaryLink { account: 0xffffffff, .. }))
}

static BLOB_LINK_IN_5: [&Layout; 4] = pick(&BLOB_LINK_LAYOUTS, [0, 2, 3, 4]);

static BLOB_LINK_IN_6: [&Layout; 4] = pick(&BLOB_LINK_LAYOUTS, [1, 2, 3, 5]);

const BLOB_LINK: Subspace = Subspace::new('k', "blob_link", "Blob links", ValueKind::Bytes, &TABLES_K_BYTES);

/// Change log (`subspaces.logs`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogsKey {
    /// Ids that one change touched.
    Change { account: u32, sync_collection: u8, change: u64 },
    /// Names or ids of what one change removed.
    Vanished { account: u32, sync_collection: u8, change: u64 },
    /// Someone's rights on a shared object changed.
    ShareNotification { account: u32, notification: u64 },
}

impl TypedKey for LogsKey {
    type Of<'k> = LogsKey;
    const LAYOUTS: &'static [Layout] = &LOGS_LAYOUTS;
    #[inline(always)]
    fn layout_of(key: &[u8], version: u32, from: usize) -> Option<usize> {
        Some(match key.len() {
            13 if u8_at(key, 4) <= 8 => 0,
            13 if (251..=254).contains(&u8_at(key, 4)) => 1,
            13 if version >= 4 && u8_at(key, 4) == 0x09 => 2,
            _ => return None,
        })
    }
    #[inline(always)]
    fn read(layout: usize, key: &[u8]) -> Option<LogsKey> {
        Some(match layout {
            0 => LogsKey::Change {
                account: u32_at(key, 0),
                sync_collection: u8_at(key, 4),
                change: u64_at(key, 5),
            },
            1 => LogsKey::Vanished {
                account: u32_at(key, 0),
                sync_collection: u8_at(key, 4),
                change: u64_at(key, 5),
            },
            2 => LogsKey::ShareNotification { account: u32_at(key, 0), notification: u64_at(key, 5) },
            _ => return None,
        })
    }
    fn segments(&self, with: &mut SegmentSink<'_>) {
        match *self {
            LogsKey::Change { account, sync_collection, change } => with(
                &[U32(account), U8(sync_collection), U64(change)],
            ),
            LogsKey::Vanished { account, sync_collection, change } => with(
                &[U32(account), U8(sync_collection), U64(change)],
            ),
            LogsKey::ShareNotification { account, notification } => with(
                &[U32(account), Const(&[0x09]), U64(notification)],
            ),
        }
    }
}

static LOGS_LAYOUTS: [Layout; 3] = [
    Layout::new(0, "change", &[
        Segment::u32("account"),
        Segment::u8("sync_collection").within(&[(0, 8)]).named(&NAMES_SYNC_COLLECTION),
        Segment::u64("change"),
    ]).changes(),
    Layout::new(1, "vanished", &[
        Segment::u32("account"),
        Segment::u8("sync_collection").within(&[(251, 254)]).named(&NAMES_SYNC_COLLECTION),
        Segment::u64("change"),
    ]),
    Layout::new(2, "share_notification", &[
        Segment::u32("account"), Segment::constant(&[0x09]), Segment::u64("notification"),
    ]),
];

static LOGS_IN_1: [&Layout; 2] = pick(&LOGS_LAYOUTS, [0, 1]);

static LOGS_IN_4: [&Layout; 3] = pick(&LOGS_LAYOUTS, [0, 1, 2]);

const LOGS: Subspace = Subspace::new('l', "logs", "Change log", ValueKind::Bytes, &TABLES_L_BYTES_LOGS);

/// In-memory store values (`subspaces.in_memory_value`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InMemoryValueKey<'k> {
    /// A value of the server's own.
    Value { usage: u8, name: &'k [u8] },
    /// A value of a lookup store that the administrator filled.
    Lookup { name: &'k [u8] },
}

impl TypedKey for InMemoryValueKey<'_> {
    type Of<'k> = InMemoryValueKey<'k>;
    const LAYOUTS: &'static [Layout] = &IN_MEMORY_VALUE_LAYOUTS;
    #[inline(always)]
    fn layout_of(key: &[u8], version: u32, from: usize) -> Option<usize> {
        Some(match key.len() {
            1.. if from == 0 && u8_at(key, 0) <= 31 => 0,
            1.. => 1,
            _ => return None,
        })
    }
    #[inline(always)]
    fn read(layout: usize, key: &[u8]) -> Option<InMemoryValueKey<'_>> {
        let len = key.len();
        Some(match layout {
            0 => InMemoryValueKey::Value { usage: u8_at(key, 0), name: slice(key, 1, len) },
            1 => InMemoryValueKey::Lookup { name: slice(key, 0, len) },
            _ => return None,
        })
    }
    fn segments(&self, with: &mut SegmentSink<'_>) {
        match *self {
            InMemoryValueKey::Value { usage, name } => with(&[U8(usage), Bytes(name)]),
            InMemoryValueKey::Lookup { name } => with(&[Bytes(name)]),
        }
    }
}

static IN_MEMORY_VALUE_LAYOUTS: [Layout; 2] = [
    Layout::new(0, "value", &[
        Segment::u8("usage").within(&[(0, 31)]).named(&NAMES_IN_MEMORY_USAGE),
        Segment::rest("name"),
    ]).long().shares(&[1]),
    Layout::new(1, "lookup", &[Segment::rest("name")]).long(),
];

static IN_MEMORY_VALUE_IN_1: [&Layout; 2] = pick(&IN_MEMORY_VALUE_LAYOUTS, [0, 1]);

const IN_MEMORY_VALUE: Subspace = Subspace::new(
    'm', "in_memory_value", "In-memory store values", ValueKind::Bytes, &TABLES_M_BYTES,
).store(StoreGroup::Lookup).fresh(FreshRule::Clear);

/// Document, change and mailbox counters (`subspaces.counter`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CounterKey {
    /// Last sequential id of a registry object type.
    RegistryId { object: u16 },
    /// Last change id of an account.
    ChangeId { account: u32 },
    /// Bytes an account uses.
    AccountQuota { account: u32 },
    /// Bytes a tenant uses.
    TenantQuota { tenant: u32 },
    /// Last document id of a collection.
    DocumentId { account: u32, collection: u8 },
    /// Last IMAP UID of a mailbox.
    MailboxUid { account: u32, mailbox: u32 },
}

impl TypedKey for CounterKey {
    type Of<'k> = CounterKey;
    const LAYOUTS: &'static [Layout] = &COUNTER_LAYOUTS;
    #[inline(always)]
    fn layout_of(key: &[u8], version: u32, from: usize) -> Option<usize> {
        Some(match key.len() {
            2 if version >= 6 => 0,
            4 => 1,
            5 if version >= 6 && u8_at(key, 4) == 0xff => 2,
            5 if version >= 6 && u8_at(key, 4) == 0xfe => 3,
            5 if u8_at(key, 4) <= 253 => 4,
            10 if has(key, 4, &[0x01, 0x54]) => 5,
            _ => return None,
        })
    }
    #[inline(always)]
    fn read(layout: usize, key: &[u8]) -> Option<CounterKey> {
        Some(match layout {
            0 => CounterKey::RegistryId { object: u16_at(key, 0) },
            1 => CounterKey::ChangeId { account: u32_at(key, 0) },
            2 => CounterKey::AccountQuota { account: u32_at(key, 0) },
            3 => CounterKey::TenantQuota { tenant: u32_at(key, 0) },
            4 => CounterKey::DocumentId { account: u32_at(key, 0), collection: u8_at(key, 4) },
            5 => CounterKey::MailboxUid { account: u32_at(key, 0), mailbox: u32_at(key, 6) },
            _ => return None,
        })
    }
    fn segments(&self, with: &mut SegmentSink<'_>) {
        match *self {
            CounterKey::RegistryId { object } => with(&[U16(object)]),
            CounterKey::ChangeId { account } => with(&[U32(account)]),
            CounterKey::AccountQuota { account } => with(&[U32(account), Const(&[0xff])]),
            CounterKey::TenantQuota { tenant } => with(&[U32(tenant), Const(&[0xfe])]),
            CounterKey::DocumentId { account, collection } => with(&[U32(account), U8(collection)]),
            CounterKey::MailboxUid { account, mailbox } => with(
                &[U32(account), Const(&[0x01, 0x54]), U32(mailbox)],
            ),
        }
    }
}

static COUNTER_LAYOUTS: [Layout; 6] = [
    Layout::new(0, "registry_id", &[Segment::u16("object").named(&NAMES_OBJECT_TYPE)])
        .counter().fresh(FreshRule::Save),
    Layout::new(1, "change_id", &[Segment::u32("account")]).counter(),
    Layout::new(2, "account_quota", &[Segment::u32("account"), Segment::constant(&[0xff])]).counter(),
    Layout::new(3, "tenant_quota", &[Segment::u32("tenant"), Segment::constant(&[0xfe])]).counter(),
    Layout::new(4, "document_id", &[
        Segment::u32("account"),
        Segment::u8("collection").within(&[(0, 253)]).named(&NAMES_COLLECTION),
    ]).counter(),
    Layout::new(5, "mailbox_uid", &[
        Segment::u32("account"), Segment::constant(&[0x01, 0x54]), Segment::u32("mailbox"),
    ]).counter(),
];

static COUNTER_IN_1: [&Layout; 3] = pick(&COUNTER_LAYOUTS, [1, 4, 5]);

static COUNTER_IN_6: [&Layout; 6] = pick(&COUNTER_LAYOUTS, [0, 1, 2, 3, 4, 5]);

const COUNTER: Subspace = Subspace::new(
    'n', "counter", "Document, change and mailbox counters", ValueKind::Counter, &TABLES_N_COUNTER,
);

/// Stored traces (`subspaces.telemetry_span`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TelemetrySpanV1Key {
    /// The events of a trace.
    Span { span: u64 },
}

impl TypedKey for TelemetrySpanV1Key {
    type Of<'k> = TelemetrySpanV1Key;
    const LAYOUTS: &'static [Layout] = &TELEMETRY_SPAN_V1_LAYOUTS;
    #[inline(always)]
    fn layout_of(key: &[u8], version: u32, from: usize) -> Option<usize> {
        Some(match key.len() {
            8 => 0,
            _ => return None,
        })
    }
    #[inline(always)]
    fn read(layout: usize, key: &[u8]) -> Option<TelemetrySpanV1Key> {
        Some(match layout {
            0 => TelemetrySpanV1Key::Span { span: u64_at(key, 0) },
            _ => return None,
        })
    }
    fn segments(&self, with: &mut SegmentSink<'_>) {
        match *self {
            TelemetrySpanV1Key::Span { span } => with(&[U64(span)]),
        }
    }
}

static TELEMETRY_SPAN_V1_LAYOUTS: [Layout; 1] = [Layout::new(0, "span", &[Segment::u64("span")]).long()];

static TELEMETRY_SPAN_V1_IN_1: [&Layout; 1] = pick(&TELEMETRY_SPAN_V1_LAYOUTS, [0]);

const TELEMETRY_SPAN_V1: Subspace = Subspace::new(
    'o', "telemetry_span", "Stored traces", ValueKind::Bytes, &TABLES_O_BYTES,
).store(StoreGroup::Telemetry);

/// Stored traces (`subspaces.telemetry_span`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TelemetrySpanKey {
    /// A trace.
    Span { span: u64 },
}

impl TypedKey for TelemetrySpanKey {
    type Of<'k> = TelemetrySpanKey;
    const LAYOUTS: &'static [Layout] = &TELEMETRY_SPAN_LAYOUTS;
    #[inline(always)]
    fn layout_of(key: &[u8], version: u32, from: usize) -> Option<usize> {
        Some(match key.len() {
            8 => 0,
            _ => return None,
        })
    }
    #[inline(always)]
    fn read(layout: usize, key: &[u8]) -> Option<TelemetrySpanKey> {
        Some(match layout {
            0 => TelemetrySpanKey::Span { span: u64_at(key, 0) },
            _ => return None,
        })
    }
    fn segments(&self, with: &mut SegmentSink<'_>) {
        match *self {
            TelemetrySpanKey::Span { span } => with(&[U64(span)]),
        }
    }
}

static TELEMETRY_SPAN_LAYOUTS: [Layout; 1] = [Layout::new(0, "span", &[Segment::u64("span")]).long()];

static TELEMETRY_SPAN_IN_6: [&Layout; 1] = pick(&TELEMETRY_SPAN_LAYOUTS, [0]);

const TELEMETRY_SPAN: Subspace = Subspace::new(
    'o', "telemetry_span", "Stored traces", ValueKind::Bytes, &TABLES_O_BYTES,
).store(StoreGroup::Telemetry);

/// Object properties (`subspaces.property`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PropertyKey<'k> {
    /// The schema version of the store.
    SchemaVersion {},
    /// One field of a document.
    Property { account: u32, collection: u8, field: u8, document: u32 },
    /// Documents by the short hash of a value, as threads by subject.
    HashIndex { account: u32, collection: u8, field: u8, index_value: &'k [u8], document: u32 },
    /// Documents by a number, as a time.
    IntegerIndex { account: u32, collection: u8, field: u8, index_value: u64, document: u32 },
}

impl TypedKey for PropertyKey<'_> {
    type Of<'k> = PropertyKey<'k>;
    const LAYOUTS: &'static [Layout] = &PROPERTY_LAYOUTS;
    #[inline(always)]
    fn layout_of(key: &[u8], version: u32, from: usize) -> Option<usize> {
        Some(match key.len() {
            1 if u8_at(key, 0) == 0x00 => 0,
            10 => if version <= 5 { 1 } else { 2 },
            len @ 11..=26 if version >= 5 && from <= 3 && short_hash_end(key, 6) == len - 4 => 3,
            18 if version >= 5 => if version <= 5 { 4 } else { 5 },
            _ => return None,
        })
    }
    #[inline(always)]
    fn read(layout: usize, key: &[u8]) -> Option<PropertyKey<'_>> {
        let len = key.len();
        Some(match layout {
            0 => PropertyKey::SchemaVersion {},
            1 | 2 => PropertyKey::Property {
                account: u32_at(key, 0),
                collection: u8_at(key, 4),
                field: u8_at(key, 5),
                document: u32_at(key, 6),
            },
            3 => PropertyKey::HashIndex {
                account: u32_at(key, 0),
                collection: u8_at(key, 4),
                field: u8_at(key, 5),
                index_value: short_hash_at(key, 6),
                document: u32_at(key, before(len, 4)),
            },
            4 | 5 => PropertyKey::IntegerIndex {
                account: u32_at(key, 0),
                collection: u8_at(key, 4),
                field: u8_at(key, 5),
                index_value: u64_at(key, 6),
                document: u32_at(key, 14),
            },
            _ => return None,
        })
    }
    fn segments(&self, with: &mut SegmentSink<'_>) {
        match *self {
            PropertyKey::SchemaVersion {} => with(&[Const(&[0x00])]),
            PropertyKey::Property { account, collection, field, document } => with(
                &[U32(account), U8(collection), U8(field), U32(document)],
            ),
            PropertyKey::HashIndex { account, collection, field, index_value, document } => with(
                &[U32(account), U8(collection), U8(field), Bytes(index_value), U32(document)],
            ),
            PropertyKey::IntegerIndex { account, collection, field, index_value, document } => with(
                &[U32(account), U8(collection), U8(field), U64(index_value), U32(document)],
            ),
        }
    }
}

static PROPERTY_LAYOUTS: [Layout; 6] = [
    Layout::new(0, "schema_version", &[Segment::constant(&[0x00])])
        .lengths(&[4]).fresh(FreshRule::Clear).fixed_key(&[0x00]),
    Layout::new(1, "property", &[
        Segment::u32("account"), Segment::u8("collection").named(&NAMES_COLLECTION), Segment::u8("field"),
        Segment::u32("document"),
    ]).archives(property_1_archived).long(),
    Layout::new(2, "property", &[
        Segment::u32("account"), Segment::u8("collection").named(&NAMES_COLLECTION), Segment::u8("field"),
        Segment::u32("document"),
    ]).archives(property_2_archived).long(),
    Layout::new(3, "hash_index", &[
        Segment::u32("account"), Segment::u8("collection").named(&NAMES_COLLECTION), Segment::u8("field"),
        Segment::short_hash("index_value"), Segment::u32("document"),
    ]).long().shares(&[4, 5]),
    Layout::new(4, "integer_index", &[
        Segment::u32("account"), Segment::u8("collection").named(&NAMES_COLLECTION), Segment::u8("field"),
        Segment::u64("index_value"), Segment::u32("document"),
    ]).lengths(&[4, 8, 13]),
    Layout::new(5, "integer_index", &[
        Segment::u32("account"), Segment::u8("collection").named(&NAMES_COLLECTION), Segment::u8("field"),
        Segment::u64("index_value"), Segment::u32("document"),
    ]).lengths(&[4, 8, 13, 21]),
];

fn property_1_archived(key: &[u8]) -> bool {
    matches!(
        PropertyKey::read(1, key),
        Some(PropertyKey::Property { field: 50, .. }
        | PropertyKey::Property { collection: 0, field: 71, .. }
        | PropertyKey::Property { collection: 7, field: 44..=46, .. }),
    )
}

fn property_2_archived(key: &[u8]) -> bool {
    matches!(
        PropertyKey::read(2, key),
        Some(PropertyKey::Property { field: 50, .. }
        | PropertyKey::Property { collection: 0, field: 71, .. }
        | PropertyKey::Property { collection: 7, field: 44..=45, .. }),
    )
}

static PROPERTY_IN_1: [&Layout; 2] = pick(&PROPERTY_LAYOUTS, [0, 1]);

static PROPERTY_IN_5: [&Layout; 4] = pick(&PROPERTY_LAYOUTS, [0, 1, 3, 4]);

static PROPERTY_IN_6: [&Layout; 4] = pick(&PROPERTY_LAYOUTS, [0, 2, 3, 5]);

const PROPERTY: Subspace =
    Subspace::new('p', "property", "Object properties", ValueKind::Bytes, &TABLES_P_BYTES);

/// Queue events (`subspaces.queue_event`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum QueueEventV1Key {
    /// A message is due.
    Event { due: u64, queue_id: u64 },
}

impl TypedKey for QueueEventV1Key {
    type Of<'k> = QueueEventV1Key;
    const LAYOUTS: &'static [Layout] = &QUEUE_EVENT_V1_LAYOUTS;
    #[inline(always)]
    fn layout_of(key: &[u8], version: u32, from: usize) -> Option<usize> {
        Some(match key.len() {
            16 => 0,
            _ => return None,
        })
    }
    #[inline(always)]
    fn read(layout: usize, key: &[u8]) -> Option<QueueEventV1Key> {
        Some(match layout {
            0 => QueueEventV1Key::Event { due: u64_at(key, 0), queue_id: u64_at(key, 8) },
            _ => return None,
        })
    }
    fn segments(&self, with: &mut SegmentSink<'_>) {
        match *self {
            QueueEventV1Key::Event { due, queue_id } => with(&[U64(due), U64(queue_id)]),
        }
    }
}

static QUEUE_EVENT_V1_LAYOUTS: [Layout; 1] =
    [Layout::new(0, "event", &[Segment::u64("due"), Segment::u64("queue_id")]).lengths(&[0, 8])];

static QUEUE_EVENT_V1_IN_1: [&Layout; 1] = pick(&QUEUE_EVENT_V1_LAYOUTS, [0]);

const QUEUE_EVENT_V1: Subspace =
    Subspace::new('q', "queue_event", "Queue events", ValueKind::Bytes, &TABLES_Q_BYTES);

/// Queue events (`subspaces.queue_event`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum QueueEventKey<'k> {
    /// A message is due.
    Event { due: u64, queue_id: u64, queue: &'k [u8; 8] },
    /// Left by the upgrade to 0.13.0, in the form of version 2. 0.13.1 and later cannot use it.
    OldEvent { due: u64, queue_id: u64 },
}

impl TypedKey for QueueEventKey<'_> {
    type Of<'k> = QueueEventKey<'k>;
    const LAYOUTS: &'static [Layout] = &QUEUE_EVENT_LAYOUTS;
    #[inline(always)]
    fn layout_of(key: &[u8], version: u32, from: usize) -> Option<usize> {
        Some(match key.len() {
            24 => 0,
            16 => 1,
            _ => return None,
        })
    }
    #[inline(always)]
    fn read(layout: usize, key: &[u8]) -> Option<QueueEventKey<'_>> {
        Some(match layout {
            0 => QueueEventKey::Event {
                due: u64_at(key, 0),
                queue_id: u64_at(key, 8),
                queue: array_at(key, 16),
            },
            1 => QueueEventKey::OldEvent { due: u64_at(key, 0), queue_id: u64_at(key, 8) },
            _ => return None,
        })
    }
    fn segments(&self, with: &mut SegmentSink<'_>) {
        match *self {
            QueueEventKey::Event { due, queue_id, queue } => with(&[U64(due), U64(queue_id), Bytes(queue)]),
            QueueEventKey::OldEvent { due, queue_id } => with(&[U64(due), U64(queue_id)]),
        }
    }
}

static QUEUE_EVENT_LAYOUTS: [Layout; 2] = [
    Layout::new(0, "event", &[Segment::u64("due"), Segment::u64("queue_id"), Segment::bytes("queue", 8)])
        .lengths(&[0, 8]),
    Layout::new(1, "old_event", &[Segment::u64("due"), Segment::u64("queue_id")]).lengths(&[0, 8]),
];

static QUEUE_EVENT_IN_3: [&Layout; 2] = pick(&QUEUE_EVENT_LAYOUTS, [0, 1]);

const QUEUE_EVENT: Subspace =
    Subspace::new('q', "queue_event", "Queue events", ValueKind::Bytes, &TABLES_Q_BYTES);

/// Incoming DMARC, TLS and ARF reports (`subspaces.report_in`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReportInV1Key {
    /// A TLS report.
    Tls { expires: u64, id: u64 },
    /// A DMARC report.
    Dmarc { expires: u64, id: u64 },
    /// An ARF report.
    Arf { expires: u64, id: u64 },
}

impl TypedKey for ReportInV1Key {
    type Of<'k> = ReportInV1Key;
    const LAYOUTS: &'static [Layout] = &REPORT_IN_V1_LAYOUTS;
    #[inline(always)]
    fn layout_of(key: &[u8], version: u32, from: usize) -> Option<usize> {
        Some(match key.len() {
            17 if u8_at(key, 0) == 0x00 => 0,
            17 if u8_at(key, 0) == 0x01 => 1,
            17 if u8_at(key, 0) == 0x02 => 2,
            _ => return None,
        })
    }
    #[inline(always)]
    fn read(layout: usize, key: &[u8]) -> Option<ReportInV1Key> {
        Some(match layout {
            0 => ReportInV1Key::Tls { expires: u64_at(key, 1), id: u64_at(key, 9) },
            1 => ReportInV1Key::Dmarc { expires: u64_at(key, 1), id: u64_at(key, 9) },
            2 => ReportInV1Key::Arf { expires: u64_at(key, 1), id: u64_at(key, 9) },
            _ => return None,
        })
    }
    fn segments(&self, with: &mut SegmentSink<'_>) {
        match *self {
            ReportInV1Key::Tls { expires, id } => with(&[Const(&[0x00]), U64(expires), U64(id)]),
            ReportInV1Key::Dmarc { expires, id } => with(&[Const(&[0x01]), U64(expires), U64(id)]),
            ReportInV1Key::Arf { expires, id } => with(&[Const(&[0x02]), U64(expires), U64(id)]),
        }
    }
}

static REPORT_IN_V1_LAYOUTS: [Layout; 3] = [
    Layout::new(0, "tls", &[Segment::constant(&[0x00]), Segment::u64("expires"), Segment::u64("id")])
        .archive().long(),
    Layout::new(1, "dmarc", &[Segment::constant(&[0x01]), Segment::u64("expires"), Segment::u64("id")])
        .archive().long(),
    Layout::new(2, "arf", &[Segment::constant(&[0x02]), Segment::u64("expires"), Segment::u64("id")])
        .archive().long(),
];

static REPORT_IN_V1_IN_1: [&Layout; 3] = pick(&REPORT_IN_V1_LAYOUTS, [0, 1, 2]);

const REPORT_IN_V1: Subspace =
    Subspace::new('r', "report_in", "Incoming DMARC, TLS and ARF reports", ValueKind::Bytes, &TABLES_R_BYTES);

/// Incoming reports (`subspaces.report_in`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReportInKey {
    /// A report.
    Object { object: u16, item: u64 },
}

impl TypedKey for ReportInKey {
    type Of<'k> = ReportInKey;
    const LAYOUTS: &'static [Layout] = &REPORT_IN_LAYOUTS;
    #[inline(always)]
    fn layout_of(key: &[u8], version: u32, from: usize) -> Option<usize> {
        Some(match key.len() {
            10 => 0,
            _ => return None,
        })
    }
    #[inline(always)]
    fn read(layout: usize, key: &[u8]) -> Option<ReportInKey> {
        Some(match layout {
            0 => ReportInKey::Object { object: u16_at(key, 0), item: u64_at(key, 2) },
            _ => return None,
        })
    }
    fn segments(&self, with: &mut SegmentSink<'_>) {
        match *self {
            ReportInKey::Object { object, item } => with(&[U16(object), U64(item)]),
        }
    }
}

static REPORT_IN_LAYOUTS: [Layout; 1] = [
    Layout::new(0, "object", &[Segment::u16("object").named(&NAMES_OBJECT_TYPE), Segment::u64("item")])
        .long(),
];

static REPORT_IN_IN_6: [&Layout; 1] = pick(&REPORT_IN_LAYOUTS, [0]);

const REPORT_IN: Subspace =
    Subspace::new('r', "report_in", "Incoming reports", ValueKind::Bytes, &TABLES_R_BYTES);

/// Configuration settings (`subspaces.settings`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SettingsKey<'k> {
    /// One setting.
    Setting { name: &'k [u8] },
}

impl TypedKey for SettingsKey<'_> {
    type Of<'k> = SettingsKey<'k>;
    const LAYOUTS: &'static [Layout] = &SETTINGS_LAYOUTS;
    #[inline(always)]
    fn layout_of(key: &[u8], version: u32, from: usize) -> Option<usize> {
        Some(match key.len() {
            1.. => 0,
            _ => return None,
        })
    }
    #[inline(always)]
    fn read(layout: usize, key: &[u8]) -> Option<SettingsKey<'_>> {
        let len = key.len();
        Some(match layout {
            0 => SettingsKey::Setting { name: slice(key, 0, len) },
            _ => return None,
        })
    }
    fn segments(&self, with: &mut SegmentSink<'_>) {
        match *self {
            SettingsKey::Setting { name } => with(&[Bytes(name)]),
        }
    }
}

static SETTINGS_LAYOUTS: [Layout; 1] = [Layout::new(0, "setting", &[Segment::rest("name")]).long()];

static SETTINGS_IN_1: [&Layout; 1] = pick(&SETTINGS_LAYOUTS, [0]);

const SETTINGS: Subspace = Subspace::new(
    's', "settings", "Configuration settings", ValueKind::Bytes, &TABLES_S_BYTES,
).fresh(FreshRule::Save).settings();

/// Registry objects (`subspaces.registry`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RegistryKey {
    /// A registry object.
    Object { object: u16, item: u64 },
}

impl TypedKey for RegistryKey {
    type Of<'k> = RegistryKey;
    const LAYOUTS: &'static [Layout] = &REGISTRY_LAYOUTS;
    #[inline(always)]
    fn layout_of(key: &[u8], version: u32, from: usize) -> Option<usize> {
        Some(match key.len() {
            10 => 0,
            _ => return None,
        })
    }
    #[inline(always)]
    fn read(layout: usize, key: &[u8]) -> Option<RegistryKey> {
        Some(match layout {
            0 => RegistryKey::Object { object: u16_at(key, 0), item: u64_at(key, 2) },
            _ => return None,
        })
    }
    fn segments(&self, with: &mut SegmentSink<'_>) {
        match *self {
            RegistryKey::Object { object, item } => with(&[U16(object), U64(item)]),
        }
    }
}

static REGISTRY_LAYOUTS: [Layout; 1] = [
    Layout::new(0, "object", &[Segment::u16("object").named(&NAMES_OBJECT_TYPE), Segment::u64("item")])
        .long(),
];

static REGISTRY_IN_6: [&Layout; 1] = pick(&REGISTRY_LAYOUTS, [0]);

const REGISTRY: Subspace = Subspace::new(
    's', "registry", "Registry objects", ValueKind::Bytes, &TABLES_S_BYTES,
).fresh(FreshRule::Save);

/// Blobs (`subspaces.blobs`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BlobsKey<'k> {
    /// The content of something.
    Content { hash: &'k [u8; 32] },
    /// Bundle of the web administration. An upgrade to version 6 leaves it.
    Webadmin {},
    /// State of the spam trainer.
    SpamTrainData {},
    /// Model of the spam classifier.
    SpamClassifierModel {},
}

impl TypedKey for BlobsKey<'_> {
    type Of<'k> = BlobsKey<'k>;
    const LAYOUTS: &'static [Layout] = &BLOBS_LAYOUTS;
    #[inline(always)]
    fn layout_of(key: &[u8], version: u32, from: usize) -> Option<usize> {
        Some(match key.len() {
            32 => if version <= 5 { 0 } else { 1 },
            17 if has(key, 0, b"STALWART_WEBADMIN") => 2,
            28 if version >= 5 && has(key, 0, b"STALWART_SPAM_TRAIN_DATA.lz4") => 3,
            34 if version >= 5 && has(key, 0, b"STALWART_SPAM_CLASSIFIER_MODEL.lz4") => 4,
            _ => return None,
        })
    }
    #[inline(always)]
    fn read(layout: usize, key: &[u8]) -> Option<BlobsKey<'_>> {
        Some(match layout {
            0 | 1 => BlobsKey::Content { hash: array_at(key, 0) },
            2 => BlobsKey::Webadmin {},
            3 => BlobsKey::SpamTrainData {},
            4 => BlobsKey::SpamClassifierModel {},
            _ => return None,
        })
    }
    fn segments(&self, with: &mut SegmentSink<'_>) {
        match *self {
            BlobsKey::Content { hash } => with(&[Bytes(hash)]),
            BlobsKey::Webadmin {} => with(&[Const(b"STALWART_WEBADMIN")]),
            BlobsKey::SpamTrainData {} => with(&[Const(b"STALWART_SPAM_TRAIN_DATA.lz4")]),
            BlobsKey::SpamClassifierModel {} => with(&[Const(b"STALWART_SPAM_CLASSIFIER_MODEL.lz4")]),
        }
    }
}

static BLOBS_LAYOUTS: [Layout; 5] = [
    Layout::new(0, "content", &[Segment::hash("hash")]).content_hash(0).long(),
    Layout::new(1, "content", &[Segment::hash("hash")])
        .content_hash(0).long().fresh_if_derived_key(FreshRule::Clear)
        .derived_keys(&[
            DerivedKeys {
                versions: (6, 6),
                prefix: "STALWART_APP_",
                of: LayoutRef { letter: 's', layout: &REGISTRY_LAYOUTS[0] },
                start: &[0x00, 0x0b],
                id: blobs_1_object_0,
            },
        ]),
    Layout::new(2, "webadmin", &[Segment::constant(b"STALWART_WEBADMIN")])
        .long().fresh(FreshRule::Clear).fixed_key(b"STALWART_WEBADMIN"),
    Layout::new(3, "spam_train_data", &[Segment::constant(b"STALWART_SPAM_TRAIN_DATA.lz4")])
        .long().fresh(FreshRule::Clear).fixed_key(b"STALWART_SPAM_TRAIN_DATA.lz4"),
    Layout::new(4, "spam_classifier_model", &[Segment::constant(b"STALWART_SPAM_CLASSIFIER_MODEL.lz4")])
        .long().fresh(FreshRule::Clear).fixed_key(b"STALWART_SPAM_CLASSIFIER_MODEL.lz4"),
];

fn blobs_1_object_0(key: &[u8]) -> Option<u64> {
    match RegistryKey::read(0, key)? {
        RegistryKey::Object { object: 11, item } => Some(item),
        _ => None,
    }
}

static BLOBS_IN_1: [&Layout; 2] = pick(&BLOBS_LAYOUTS, [0, 2]);

static BLOBS_IN_5: [&Layout; 4] = pick(&BLOBS_LAYOUTS, [0, 2, 3, 4]);

static BLOBS_IN_6: [&Layout; 4] = pick(&BLOBS_LAYOUTS, [1, 2, 3, 4]);

const BLOBS: Subspace =
    Subspace::new('t', "blobs", "Blobs", ValueKind::Blob, &TABLES_T_BLOB).store(StoreGroup::Blob);

/// Quota counters (`subspaces.quota`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum QuotaKey<'k> {
    /// Messages in the queue under one quota.
    QueueCount { quota: &'k [u8] },
    /// Bytes in the queue under one quota.
    QueueSize { quota: &'k [u8] },
    /// Bytes a user or tenant uses.
    DiskUsage { principal: u32 },
}

impl TypedKey for QuotaKey<'_> {
    type Of<'k> = QuotaKey<'k>;
    const LAYOUTS: &'static [Layout] = &QUOTA_LAYOUTS;
    #[inline(always)]
    fn layout_of(key: &[u8], version: u32, from: usize) -> Option<usize> {
        Some(match key.len() {
            1.. if u8_at(key, 0) == 0x00 => 0,
            1.. if u8_at(key, 0) == 0x01 => 1,
            len @ 2..=6 if version <= 5 && u8_at(key, 0) == 0x04 && leb32_end(key, 1) == len => 2,
            _ => return None,
        })
    }
    #[inline(always)]
    fn read(layout: usize, key: &[u8]) -> Option<QuotaKey<'_>> {
        let len = key.len();
        Some(match layout {
            0 => QuotaKey::QueueCount { quota: slice(key, 1, len) },
            1 => QuotaKey::QueueSize { quota: slice(key, 1, len) },
            2 => QuotaKey::DiskUsage { principal: leb32_at(key, 1) },
            _ => return None,
        })
    }
    fn segments(&self, with: &mut SegmentSink<'_>) {
        match *self {
            QuotaKey::QueueCount { quota } => with(&[Const(&[0x00]), Bytes(quota)]),
            QuotaKey::QueueSize { quota } => with(&[Const(&[0x01]), Bytes(quota)]),
            QuotaKey::DiskUsage { principal } => with(&[Const(&[0x04]), Leb(u64::from(principal))]),
        }
    }
}

static QUOTA_LAYOUTS: [Layout; 3] = [
    Layout::new(0, "queue_count", &[Segment::constant(&[0x00]), Segment::rest("quota")]).counter(),
    Layout::new(1, "queue_size", &[Segment::constant(&[0x01]), Segment::rest("quota")]).counter(),
    Layout::new(2, "disk_usage", &[Segment::constant(&[0x04]), Segment::leb32("principal")]).counter(),
];

static QUOTA_IN_1: [&Layout; 3] = pick(&QUOTA_LAYOUTS, [0, 1, 2]);

static QUOTA_IN_6: [&Layout; 2] = pick(&QUOTA_LAYOUTS, [0, 1]);

const QUOTA: Subspace = Subspace::new('u', "quota", "Quota counters", ValueKind::Counter, &TABLES_U_COUNTER);

/// Text-token bitmap (`subspaces.bitmap_text`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BitmapTextKey<'k> {
    /// The document holds the word; bit 7 of the field marks stemmed words.
    Token { account: u32, word: &'k [u8], collection: u8, field: u8, document: u32 },
}

impl TypedKey for BitmapTextKey<'_> {
    type Of<'k> = BitmapTextKey<'k>;
    const LAYOUTS: &'static [Layout] = &BITMAP_TEXT_LAYOUTS;
    #[inline(always)]
    fn layout_of(key: &[u8], version: u32, from: usize) -> Option<usize> {
        Some(match key.len() {
            len @ 11..=19 if is_token_hash(slice(key, 4, len - 6)) => 0,
            _ => return None,
        })
    }
    #[inline(always)]
    fn read(layout: usize, key: &[u8]) -> Option<BitmapTextKey<'_>> {
        let len = key.len();
        Some(match layout {
            0 => BitmapTextKey::Token {
                account: u32_at(key, 0),
                word: slice(key, 4, before(len, 6)),
                collection: u8_at(key, before(len, 6)),
                field: u8_at(key, before(len, 5)),
                document: u32_at(key, before(len, 4)),
            },
            _ => return None,
        })
    }
    fn segments(&self, with: &mut SegmentSink<'_>) {
        match *self {
            BitmapTextKey::Token { account, word, collection, field, document } => with(
                &[U32(account), Bytes(word), U8(collection), U8(field), U32(document)],
            ),
        }
    }
}

static BITMAP_TEXT_LAYOUTS: [Layout; 1] = [
    Layout::new(0, "token", &[
        Segment::u32("account"), Segment::token_hash("word"),
        Segment::u8("collection").named(&NAMES_COLLECTION), Segment::u8("field"), Segment::u32("document"),
    ]).empty(),
];

static BITMAP_TEXT_IN_1: [&Layout; 1] = pick(&BITMAP_TEXT_LAYOUTS, [0]);

const BITMAP_TEXT: Subspace = Subspace::new(
    'v', "bitmap_text", "Text-token bitmap", ValueKind::None, &TABLES_V_NONE,
).store(StoreGroup::Search);

/// Trace search index (`subspaces.telemetry_index`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TelemetryIndexKey<'k> {
    /// A trace holds the value.
    Index { index_value: &'k [u8], span: u64 },
}

impl TypedKey for TelemetryIndexKey<'_> {
    type Of<'k> = TelemetryIndexKey<'k>;
    const LAYOUTS: &'static [Layout] = &TELEMETRY_INDEX_LAYOUTS;
    #[inline(always)]
    fn layout_of(key: &[u8], version: u32, from: usize) -> Option<usize> {
        Some(match key.len() {
            8.. => 0,
            _ => return None,
        })
    }
    #[inline(always)]
    fn read(layout: usize, key: &[u8]) -> Option<TelemetryIndexKey<'_>> {
        let len = key.len();
        Some(match layout {
            0 => TelemetryIndexKey::Index {
                index_value: slice(key, 0, before(len, 8)),
                span: u64_at(key, before(len, 8)),
            },
            _ => return None,
        })
    }
    fn segments(&self, with: &mut SegmentSink<'_>) {
        match *self {
            TelemetryIndexKey::Index { index_value, span } => with(&[Bytes(index_value), U64(span)]),
        }
    }
}

static TELEMETRY_INDEX_LAYOUTS: [Layout; 1] =
    [Layout::new(0, "index", &[Segment::rest("index_value"), Segment::u64("span")]).empty()];

static TELEMETRY_INDEX_IN_1: [&Layout; 1] = pick(&TELEMETRY_INDEX_LAYOUTS, [0]);

const TELEMETRY_INDEX: Subspace = Subspace::new(
    'w', "telemetry_index", "Trace search index", ValueKind::Bytes, &TABLES_W_BYTES,
).store(StoreGroup::Telemetry);

/// Spam training samples (`subspaces.spam_samples`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SpamSamplesKey {
    /// A sample.
    Object { object: u16, item: u64 },
}

impl TypedKey for SpamSamplesKey {
    type Of<'k> = SpamSamplesKey;
    const LAYOUTS: &'static [Layout] = &SPAM_SAMPLES_LAYOUTS;
    #[inline(always)]
    fn layout_of(key: &[u8], version: u32, from: usize) -> Option<usize> {
        Some(match key.len() {
            10 => 0,
            _ => return None,
        })
    }
    #[inline(always)]
    fn read(layout: usize, key: &[u8]) -> Option<SpamSamplesKey> {
        Some(match layout {
            0 => SpamSamplesKey::Object { object: u16_at(key, 0), item: u64_at(key, 2) },
            _ => return None,
        })
    }
    fn segments(&self, with: &mut SegmentSink<'_>) {
        match *self {
            SpamSamplesKey::Object { object, item } => with(&[U16(object), U64(item)]),
        }
    }
}

static SPAM_SAMPLES_LAYOUTS: [Layout; 1] = [
    Layout::new(0, "object", &[Segment::u16("object").named(&NAMES_OBJECT_TYPE), Segment::u64("item")])
        .long(),
];

static SPAM_SAMPLES_IN_6: [&Layout; 1] = pick(&SPAM_SAMPLES_LAYOUTS, [0]);

const SPAM_SAMPLES: Subspace =
    Subspace::new('w', "spam_samples", "Spam training samples", ValueKind::Bytes, &TABLES_W_BYTES);

/// Stored metrics (`subspaces.telemetry_metric`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TelemetryMetricV1Key {
    /// One metric of one node at one time.
    Metric { time: u64, metric: u64, node: u64 },
}

impl TypedKey for TelemetryMetricV1Key {
    type Of<'k> = TelemetryMetricV1Key;
    const LAYOUTS: &'static [Layout] = &TELEMETRY_METRIC_V1_LAYOUTS;
    #[inline(always)]
    fn layout_of(key: &[u8], version: u32, from: usize) -> Option<usize> {
        Some(match key.len() {
            len @ 10..=28 if leb64_end(key, leb64_end(key, 8)) == len => 0,
            _ => return None,
        })
    }
    #[inline(always)]
    fn read(layout: usize, key: &[u8]) -> Option<TelemetryMetricV1Key> {
        Some(match layout {
            0 => TelemetryMetricV1Key::Metric {
                time: u64_at(key, 0),
                metric: leb64_at(key, 8),
                node: leb64_at(key, leb64_end(key, 8)),
            },
            _ => return None,
        })
    }
    fn segments(&self, with: &mut SegmentSink<'_>) {
        match *self {
            TelemetryMetricV1Key::Metric { time, metric, node } => with(&[U64(time), Leb(metric), Leb(node)]),
        }
    }
}

static TELEMETRY_METRIC_V1_LAYOUTS: [Layout; 1] =
    [Layout::new(0, "metric", &[Segment::u64("time"), Segment::leb64("metric"), Segment::leb64("node")])];

static TELEMETRY_METRIC_V1_IN_1: [&Layout; 1] = pick(&TELEMETRY_METRIC_V1_LAYOUTS, [0]);

const TELEMETRY_METRIC_V1: Subspace = Subspace::new(
    'x', "telemetry_metric", "Stored metrics", ValueKind::Bytes, &TABLES_X_BYTES,
).store(StoreGroup::Telemetry);

/// Stored metrics (`subspaces.telemetry_metric`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TelemetryMetricKey {
    /// One metric.
    Metric { id: u64 },
}

impl TypedKey for TelemetryMetricKey {
    type Of<'k> = TelemetryMetricKey;
    const LAYOUTS: &'static [Layout] = &TELEMETRY_METRIC_LAYOUTS;
    #[inline(always)]
    fn layout_of(key: &[u8], version: u32, from: usize) -> Option<usize> {
        Some(match key.len() {
            8 => 0,
            _ => return None,
        })
    }
    #[inline(always)]
    fn read(layout: usize, key: &[u8]) -> Option<TelemetryMetricKey> {
        Some(match layout {
            0 => TelemetryMetricKey::Metric { id: u64_at(key, 0) },
            _ => return None,
        })
    }
    fn segments(&self, with: &mut SegmentSink<'_>) {
        match *self {
            TelemetryMetricKey::Metric { id } => with(&[U64(id)]),
        }
    }
}

static TELEMETRY_METRIC_LAYOUTS: [Layout; 1] = [Layout::new(0, "metric", &[Segment::u64("id")])];

static TELEMETRY_METRIC_IN_6: [&Layout; 1] = pick(&TELEMETRY_METRIC_LAYOUTS, [0]);

const TELEMETRY_METRIC: Subspace = Subspace::new(
    'x', "telemetry_metric", "Stored metrics", ValueKind::Bytes, &TABLES_X_BYTES,
).store(StoreGroup::Telemetry);

/// In-memory store counters (`subspaces.in_memory_counter`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InMemoryCounterKey<'k> {
    /// A counter of the server's own.
    Count { usage: u8, name: &'k [u8] },
    /// A counter of a lookup store that the administrator filled.
    Lookup { name: &'k [u8] },
}

impl TypedKey for InMemoryCounterKey<'_> {
    type Of<'k> = InMemoryCounterKey<'k>;
    const LAYOUTS: &'static [Layout] = &IN_MEMORY_COUNTER_LAYOUTS;
    #[inline(always)]
    fn layout_of(key: &[u8], version: u32, from: usize) -> Option<usize> {
        Some(match key.len() {
            1.. if from == 0 && u8_at(key, 0) <= 31 => 0,
            1.. => 1,
            _ => return None,
        })
    }
    #[inline(always)]
    fn read(layout: usize, key: &[u8]) -> Option<InMemoryCounterKey<'_>> {
        let len = key.len();
        Some(match layout {
            0 => InMemoryCounterKey::Count { usage: u8_at(key, 0), name: slice(key, 1, len) },
            1 => InMemoryCounterKey::Lookup { name: slice(key, 0, len) },
            _ => return None,
        })
    }
    fn segments(&self, with: &mut SegmentSink<'_>) {
        match *self {
            InMemoryCounterKey::Count { usage, name } => with(&[U8(usage), Bytes(name)]),
            InMemoryCounterKey::Lookup { name } => with(&[Bytes(name)]),
        }
    }
}

static IN_MEMORY_COUNTER_LAYOUTS: [Layout; 2] = [
    Layout::new(0, "count", &[
        Segment::u8("usage").within(&[(0, 31)]).named(&NAMES_IN_MEMORY_USAGE),
        Segment::rest("name"),
    ]).counter().shares(&[1]),
    Layout::new(1, "lookup", &[Segment::rest("name")]).counter(),
];

static IN_MEMORY_COUNTER_IN_1: [&Layout; 2] = pick(&IN_MEMORY_COUNTER_LAYOUTS, [0, 1]);

const IN_MEMORY_COUNTER: Subspace = Subspace::new(
    'y', "in_memory_counter", "In-memory store counters", ValueKind::Counter, &TABLES_Y_COUNTER,
).store(StoreGroup::Lookup).fresh(FreshRule::Clear);

/// Built-in search index (`subspaces.search_index`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SearchIndexKey<'k> {
    /// The document holds the term.
    Term { search_index: u8, account: u32, word: &'k [u8], field: u8, document: u32 },
    /// The trace holds the term.
    TraceTerm { word: &'k [u8], field: u8, span: u64 },
    /// An indexed field of the document.
    Field { search_index: u8, account: u32, field: u8, index_value: &'k [u8], document: u32 },
    /// An indexed field of the trace.
    TraceField { field: u8, index_value: &'k [u8], span: u64 },
    /// All terms of the document.
    Document { search_index: u8, account: u32, document: u32 },
    /// All terms of the trace.
    Trace { span: u64 },
}

impl TypedKey for SearchIndexKey<'_> {
    type Of<'k> = SearchIndexKey<'k>;
    const LAYOUTS: &'static [Layout] = &SEARCH_INDEX_LAYOUTS;
    #[inline(always)]
    fn layout_of(key: &[u8], version: u32, from: usize) -> Option<usize> {
        Some(match key.len() {
            len @ 11..=26 if u8_at(key, 0) <= 3 && is_term_hash(slice(key, 5, len - 5)) => 0,
            len @ 11..=26 if u8_at(key, 0) == 0x04 && is_term_hash(slice(key, 1, len - 9)) => 1,
            10.. if (64..=67).contains(&u8_at(key, 0)) => 2,
            10.. if u8_at(key, 0) == 0x44 => 3,
            9 if (128..=131).contains(&u8_at(key, 0)) => 4,
            9 if u8_at(key, 0) == 0x84 => 5,
            _ => return None,
        })
    }
    #[inline(always)]
    fn read(layout: usize, key: &[u8]) -> Option<SearchIndexKey<'_>> {
        let len = key.len();
        Some(match layout {
            0 => SearchIndexKey::Term {
                search_index: u8_at(key, 0),
                account: u32_at(key, 1),
                word: slice(key, 5, before(len, 5)),
                field: u8_at(key, before(len, 5)),
                document: u32_at(key, before(len, 4)),
            },
            1 => SearchIndexKey::TraceTerm {
                word: slice(key, 1, before(len, 9)),
                field: u8_at(key, before(len, 9)),
                span: u64_at(key, before(len, 8)),
            },
            2 => SearchIndexKey::Field {
                search_index: u8_at(key, 0),
                account: u32_at(key, 1),
                field: u8_at(key, 5),
                index_value: slice(key, 6, before(len, 4)),
                document: u32_at(key, before(len, 4)),
            },
            3 => SearchIndexKey::TraceField {
                field: u8_at(key, 1),
                index_value: slice(key, 2, before(len, 8)),
                span: u64_at(key, before(len, 8)),
            },
            4 => SearchIndexKey::Document {
                search_index: u8_at(key, 0),
                account: u32_at(key, 1),
                document: u32_at(key, 5),
            },
            5 => SearchIndexKey::Trace { span: u64_at(key, 1) },
            _ => return None,
        })
    }
    fn segments(&self, with: &mut SegmentSink<'_>) {
        match *self {
            SearchIndexKey::Term { search_index, account, word, field, document } => with(
                &[U8(search_index), U32(account), Bytes(word), U8(field), U32(document)],
            ),
            SearchIndexKey::TraceTerm { word, field, span } => with(
                &[Const(&[0x04]), Bytes(word), U8(field), U64(span)],
            ),
            SearchIndexKey::Field { search_index, account, field, index_value, document } => with(
                &[U8(search_index), U32(account), U8(field), Bytes(index_value), U32(document)],
            ),
            SearchIndexKey::TraceField { field, index_value, span } => with(
                &[Const(&[0x44]), U8(field), Bytes(index_value), U64(span)],
            ),
            SearchIndexKey::Document { search_index, account, document } => with(
                &[U8(search_index), U32(account), U32(document)],
            ),
            SearchIndexKey::Trace { span } => with(&[Const(&[0x84]), U64(span)]),
        }
    }
}

static SEARCH_INDEX_LAYOUTS: [Layout; 6] = [
    Layout::new(0, "term", &[
        Segment::u8("search_index").within(&[(0, 3)]).named(&NAMES_SEARCH_INDEX),
        Segment::u32("account"),
        Segment::term_hash("word"),
        Segment::u8("field"),
        Segment::u32("document"),
    ]).empty(),
    Layout::new(1, "trace_term", &[
        Segment::constant(&[0x04]), Segment::term_hash("word"), Segment::u8("field"), Segment::u64("span"),
    ]).empty(),
    Layout::new(2, "field", &[
        Segment::u8("search_index").within(&[(64, 67)]).named(&NAMES_SEARCH_INDEX_FIELD),
        Segment::u32("account"),
        Segment::u8("field"),
        Segment::rest("index_value"),
        Segment::u32("document"),
    ]).empty(),
    Layout::new(3, "trace_field", &[
        Segment::constant(&[0x44]), Segment::u8("field"), Segment::rest("index_value"), Segment::u64("span"),
    ]).empty(),
    Layout::new(4, "document", &[
        Segment::u8("search_index").within(&[(128, 131)]).named(&NAMES_SEARCH_INDEX_DOCUMENT),
        Segment::u32("account"),
        Segment::u32("document"),
    ]).archive().long(),
    Layout::new(5, "trace", &[Segment::constant(&[0x84]), Segment::u64("span")]).archive().long(),
];

static SEARCH_INDEX_IN_5: [&Layout; 6] = pick(&SEARCH_INDEX_LAYOUTS, [0, 1, 2, 3, 4, 5]);

const SEARCH_INDEX: Subspace = Subspace::new(
    'z', "search_index", "Built-in search index", ValueKind::Bytes, &TABLES_Z_BYTES_SEARCH_INDEX,
).store(StoreGroup::Search).derived();

pub mod keys {
    pub use super::{
        AclKey, BitmapIdKey, RegistryIdxKey, BitmapTagKey, DirectoryV1Key, DirectoryKey, QueueMessageKey,
        TaskQueueV1Key, TaskQueueKey, FtsIndexKey, RegistryPkKey, ReportOutV1Key, ReportOutKey, IndexesKey,
        BlobReserveKey, BlobExtraKey, DeletedItemsKey, BlobLinkV1Key, BlobLinkKey, LogsKey, InMemoryValueKey,
        CounterKey, TelemetrySpanV1Key, TelemetrySpanKey, PropertyKey, QueueEventV1Key, QueueEventKey,
        ReportInV1Key, ReportInKey, SettingsKey, RegistryKey, BlobsKey, QuotaKey, BitmapTextKey,
        TelemetryIndexKey, SpamSamplesKey, TelemetryMetricV1Key, TelemetryMetricKey, InMemoryCounterKey,
        SearchIndexKey,
    };
}
