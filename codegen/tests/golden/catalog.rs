// Generated from the schema by `codegen`: edit the schema instead.

use std::fmt;

use super::*;

use crate::codec::{self, KeyError};

pub(super) static VERSIONS: [SchemaVersion; 6] = [
    SchemaVersion {
        number: 1,
        releases: "0.12.0 – 0.12.4",
        doc: "First numbered schema; letters a to y, bitmaps and full-text postings in the database.",
        server_dump: ServerDump::OpStream,
        blobs_marked: false,
        subspaces: &v1::SUBSPACES,
        families: &[
            ("property", &['p', 'n']),
            ("fts_index", &['g']),
            ("acl", &['a']),
            ("blob", &['k', 't']),
            ("config", &['s']),
            ("lookup", &['m', 'y']),
            ("directory", &['d', 'u']),
            ("queue", &['e', 'q']),
            ("index", &['i']),
            ("bitmap", &['b', 'c', 'v']),
            ("log", &['l']),
        ],
        legacy: &[],
        side_tables: &[],
        counter_rules: v1::COUNTER_RULES,
        singletons: v1::SINGLETONS,
    },
    SchemaVersion {
        number: 2,
        releases: "0.12.5",
        doc: "Task keys carry a time; calendar alarms and iMIP messages become tasks.",
        server_dump: ServerDump::OpStream,
        blobs_marked: false,
        subspaces: &v2::SUBSPACES,
        families: &[
            ("property", &['p', 'n']),
            ("fts_index", &['g']),
            ("acl", &['a']),
            ("blob", &['k', 't']),
            ("config", &['s']),
            ("lookup", &['m', 'y']),
            ("directory", &['d', 'u']),
            ("queue", &['e', 'q']),
            ("index", &['i']),
            ("bitmap", &['b', 'c', 'v']),
            ("log", &['l']),
        ],
        legacy: &[],
        side_tables: &[],
        counter_rules: v2::COUNTER_RULES,
        singletons: v2::SINGLETONS,
    },
    SchemaVersion {
        number: 3,
        releases: "0.13.0 – 0.13.4",
        doc: "Queue events name their queue.",
        server_dump: ServerDump::OpStream,
        blobs_marked: false,
        subspaces: &v3::SUBSPACES,
        families: &[
            ("property", &['p', 'n']),
            ("fts_index", &['g']),
            ("acl", &['a']),
            ("blob", &['k', 't']),
            ("config", &['s']),
            ("lookup", &['m', 'y']),
            ("directory", &['d', 'u']),
            ("queue", &['e', 'q']),
            ("index", &['i']),
            ("bitmap", &['b', 'c', 'v']),
            ("log", &['l']),
        ],
        legacy: &[],
        side_tables: &[],
        counter_rules: v3::COUNTER_RULES,
        singletons: v3::SINGLETONS,
    },
    SchemaVersion {
        number: 4,
        releases: "0.14.0 – 0.14.1",
        doc: "Share notifications in the change log; display alarms are tasks of their own.",
        server_dump: ServerDump::OpStream,
        blobs_marked: false,
        subspaces: &v4::SUBSPACES,
        families: &[
            ("property", &['p', 'n']),
            ("fts_index", &['g']),
            ("acl", &['a']),
            ("blob", &['k', 't']),
            ("config", &['s']),
            ("lookup", &['m', 'y']),
            ("directory", &['d', 'u']),
            ("queue", &['e', 'q']),
            ("index", &['i']),
            ("bitmap", &['b', 'c', 'v']),
            ("log", &['l']),
        ],
        legacy: &[],
        side_tables: &[],
        counter_rules: v4::COUNTER_RULES,
        singletons: v4::SINGLETONS,
    },
    SchemaVersion {
        number: 5,
        releases: "0.15.0 – 0.15.5",
        doc: "Bitmaps and postings give way to the search index `z`; blob links and tasks have new keys.",
        server_dump: ServerDump::SubspaceFiles,
        blobs_marked: false,
        subspaces: &v5::SUBSPACES,
        families: &[
            ("data", &['a', 'i', 'u', 'n', 'p']),
            ("directory", &['d']),
            ("blob", &['t', 'j', 'k']),
            ("config", &['s']),
            ("changelog", &['l']),
            ("queue", &['e', 'q']),
            ("report", &['h', 'r']),
            ("telemetry", &['o', 'x']),
            ("tasks", &['f']),
        ],
        legacy: &[
            LegacySubspace {
                letter: 'b',
                title: "Document-id bitmap of versions 1 to 4",
                tables: &TABLES_B_NONE,
                required: &[BackendKind::RocksDb],
            },
            LegacySubspace {
                letter: 'c',
                title: "Tag bitmap of versions 1 to 4",
                tables: &TABLES_C_NONE,
                required: &[BackendKind::RocksDb],
            },
            LegacySubspace {
                letter: 'g',
                title: "Full-text postings of versions 1 to 4",
                tables: &TABLES_G_BYTES,
                required: &[BackendKind::RocksDb],
            },
            LegacySubspace {
                letter: 'v',
                title: "Text-token bitmap of versions 1 to 4",
                tables: &TABLES_V_NONE,
                required: &[BackendKind::RocksDb],
            },
            LegacySubspace {
                letter: 'w',
                title: "Trace search index of versions 1 to 4",
                tables: &TABLES_W_BYTES,
                required: &[BackendKind::RocksDb],
            },
        ],
        side_tables: &[
            SideTable {
                backend: BackendKind::Postgres,
                table: Table {
                    name: "s_email",
                    ..Table::PLAIN
                },
                title: "Search table of e-mail",
            },
            SideTable {
                backend: BackendKind::Postgres,
                table: Table {
                    name: "s_cal",
                    ..Table::PLAIN
                },
                title: "Search table of calendars",
            },
            SideTable {
                backend: BackendKind::Postgres,
                table: Table {
                    name: "s_card",
                    ..Table::PLAIN
                },
                title: "Search table of contacts",
            },
            SideTable {
                backend: BackendKind::Postgres,
                table: Table {
                    name: "s_trace",
                    ..Table::PLAIN
                },
                title: "Search table of traces",
            },
            SideTable {
                backend: BackendKind::Mysql,
                table: Table {
                    name: "s_email",
                    ..Table::PLAIN
                },
                title: "Search table of e-mail",
            },
            SideTable {
                backend: BackendKind::Mysql,
                table: Table {
                    name: "s_cal",
                    ..Table::PLAIN
                },
                title: "Search table of calendars",
            },
            SideTable {
                backend: BackendKind::Mysql,
                table: Table {
                    name: "s_card",
                    ..Table::PLAIN
                },
                title: "Search table of contacts",
            },
            SideTable {
                backend: BackendKind::Mysql,
                table: Table {
                    name: "s_trace",
                    ..Table::PLAIN
                },
                title: "Search table of traces",
            },
        ],
        counter_rules: v5::COUNTER_RULES,
        singletons: v5::SINGLETONS,
    },
    SchemaVersion {
        number: 6,
        releases: "0.16.0 – 0.16.18",
        doc: "Settings and directory become registry objects; many letters change their meaning.",
        server_dump: ServerDump::SubspaceFiles,
        blobs_marked: true,
        subspaces: &v6::SUBSPACES,
        families: &[
            ("data", &['a', 'i', 'u', 'n', 'p']),
            ("blob", &['t', 'k']),
            ("registry", &['s', 'b', 'g', 'd']),
            ("changelog", &['l']),
            ("queue", &['e', 'q']),
            ("report", &['h', 'r']),
            ("telemetry", &['o', 'x']),
            ("tasks", &['f']),
        ],
        legacy: &[
            LegacySubspace {
                letter: 'c',
                title: "Tag bitmap of versions 1 to 4",
                tables: &TABLES_C_NONE,
                required: &[BackendKind::RocksDb],
            },
            LegacySubspace {
                letter: 'v',
                title: "Text-token bitmap of versions 1 to 4",
                tables: &TABLES_V_NONE,
                required: &[BackendKind::RocksDb],
            },
        ],
        side_tables: &[
            SideTable {
                backend: BackendKind::Postgres,
                table: Table {
                    name: "s_email",
                    ..Table::PLAIN
                },
                title: "Search table of e-mail",
            },
            SideTable {
                backend: BackendKind::Postgres,
                table: Table {
                    name: "s_cal",
                    ..Table::PLAIN
                },
                title: "Search table of calendars",
            },
            SideTable {
                backend: BackendKind::Postgres,
                table: Table {
                    name: "s_card",
                    ..Table::PLAIN
                },
                title: "Search table of contacts",
            },
            SideTable {
                backend: BackendKind::Postgres,
                table: Table {
                    name: "s_trace",
                    ..Table::PLAIN
                },
                title: "Search table of traces",
            },
            SideTable {
                backend: BackendKind::Mysql,
                table: Table {
                    name: "s_email",
                    ..Table::PLAIN
                },
                title: "Search table of e-mail",
            },
            SideTable {
                backend: BackendKind::Mysql,
                table: Table {
                    name: "s_cal",
                    ..Table::PLAIN
                },
                title: "Search table of calendars",
            },
            SideTable {
                backend: BackendKind::Mysql,
                table: Table {
                    name: "s_card",
                    ..Table::PLAIN
                },
                title: "Search table of contacts",
            },
            SideTable {
                backend: BackendKind::Mysql,
                table: Table {
                    name: "s_trace",
                    ..Table::PLAIN
                },
                title: "Search table of traces",
            },
        ],
        counter_rules: v6::COUNTER_RULES,
        singletons: v6::SINGLETONS,
    },
];

pub(super) static SCHEMA_VERSION_RECORD: VersionRecord = VersionRecord {
    letter: 'p',
    key: &[0x00],
    tables: &TABLES_P_BYTES,
};

pub(super) static BACKENDS: [Backend; 5] = [
    Backend {
        kind: BackendKind::RocksDb,
        name: "rocksdb",
        title: "RocksDB",
        default_table: Some("default"),
        transaction_limit: None,
    },
    Backend {
        kind: BackendKind::Sqlite,
        name: "sqlite",
        title: "SQLite",
        default_table: None,
        transaction_limit: None,
    },
    Backend {
        kind: BackendKind::Postgres,
        name: "postgres",
        title: "PostgreSQL",
        default_table: None,
        transaction_limit: None,
    },
    Backend {
        kind: BackendKind::Mysql,
        name: "mysql",
        title: "MySQL",
        default_table: None,
        transaction_limit: None,
    },
    Backend {
        kind: BackendKind::FoundationDb,
        name: "foundationdb",
        title: "FoundationDB",
        default_table: None,
        transaction_limit: Some(10000000),
    },
];

pub(super) static COMPANIONS: [Companion; 11] = [
    Companion {
        backend: BackendKind::Sqlite,
        name: "accounts",
        title: "Accounts of an SQL directory",
    },
    Companion {
        backend: BackendKind::Sqlite,
        name: "emails",
        title: "Addresses of an SQL directory",
    },
    Companion {
        backend: BackendKind::Sqlite,
        name: "group_members",
        title: "Groups of an SQL directory",
    },
    Companion {
        backend: BackendKind::Sqlite,
        name: "_litestream_*",
        title: "State of Litestream",
    },
    Companion {
        backend: BackendKind::Postgres,
        name: "accounts",
        title: "Accounts of an SQL directory",
    },
    Companion {
        backend: BackendKind::Postgres,
        name: "emails",
        title: "Addresses of an SQL directory",
    },
    Companion {
        backend: BackendKind::Postgres,
        name: "group_members",
        title: "Groups of an SQL directory",
    },
    Companion {
        backend: BackendKind::Postgres,
        name: "spatial_ref_sys",
        title: "Reference systems of PostGIS",
    },
    Companion {
        backend: BackendKind::Mysql,
        name: "accounts",
        title: "Accounts of an SQL directory",
    },
    Companion {
        backend: BackendKind::Mysql,
        name: "emails",
        title: "Addresses of an SQL directory",
    },
    Companion {
        backend: BackendKind::Mysql,
        name: "group_members",
        title: "Groups of an SQL directory",
    },
];

static NAMES_COLLECTION: [(u64, &str); 14] = [
    (0, "Email"),
    (1, "Mailbox"),
    (2, "Thread"),
    (3, "Identity"),
    (4, "EmailSubmission"),
    (5, "SieveScript"),
    (6, "PushSubscription"),
    (7, "Principal"),
    (8, "Calendar"),
    (9, "CalendarEvent"),
    (10, "AddressBook"),
    (11, "ContactCard"),
    (12, "FileNode"),
    (13, "CalendarEventNotification"),
];

static NAMES_COLLECTION_V1: [(u64, &str); 14] = [
    (0, "Email"),
    (1, "Mailbox"),
    (2, "Thread"),
    (3, "Identity"),
    (4, "EmailSubmission"),
    (5, "SieveScript"),
    (6, "PushSubscription"),
    (7, "Principal"),
    (8, "Calendar"),
    (9, "CalendarEvent"),
    (10, "AddressBook"),
    (11, "ContactCard"),
    (12, "FileNode"),
    (13, "CalendarScheduling"),
];

static NAMES_SYNC_COLLECTION: [(u64, &str); 14] = [
    (0, "Email"),
    (1, "Thread"),
    (2, "Calendar"),
    (3, "AddressBook"),
    (4, "FileNode"),
    (5, "Identity"),
    (6, "EmailSubmission"),
    (7, "SieveScript"),
    (8, "CalendarEventNotification"),
    (9, "ShareNotification"),
    (251, "Email"),
    (252, "Calendar"),
    (253, "AddressBook"),
    (254, "FileNode"),
];

static NAMES_SYNC_COLLECTION_V1: [(u64, &str); 14] = [
    (0, "Email"),
    (1, "Thread"),
    (2, "Calendar"),
    (3, "AddressBook"),
    (4, "FileNode"),
    (5, "Identity"),
    (6, "EmailSubmission"),
    (7, "SieveScript"),
    (8, "CalendarScheduling"),
    (9, "ShareNotification"),
    (251, "Email"),
    (252, "Calendar"),
    (253, "AddressBook"),
    (254, "FileNode"),
];

static NAMES_SEARCH_INDEX: [(u64, &str); 5] = [
    (0, "Email"),
    (1, "Calendar"),
    (2, "Contacts"),
    (3, "File"),
    (4, "Tracing"),
];

static NAMES_SEARCH_INDEX_FIELD: [(u64, &str); 4] = [
    (64, "Email"),
    (65, "Calendar"),
    (66, "Contacts"),
    (67, "File"),
];

static NAMES_SEARCH_INDEX_DOCUMENT: [(u64, &str); 4] = [
    (128, "Email"),
    (129, "Calendar"),
    (130, "Contacts"),
    (131, "File"),
];

static NAMES_IN_MEMORY_USAGE: [(u64, &str); 27] = [
    (0, "Acme"),
    (1, "OAuth"),
    (2, "RateLimit"),
    (3, "RateLimit"),
    (4, "RateLimit"),
    (5, "RateLimit"),
    (6, "RateLimit"),
    (7, "RateLimit"),
    (8, "RateLimit"),
    (9, "RateLimit"),
    (10, "RateLimit"),
    (11, "TokenRevisionOrBlobQuota"),
    (12, "Reputation"),
    (13, "Reputation"),
    (14, "Reputation"),
    (15, "Reputation"),
    (16, "Greylist"),
    (17, "SpamTraining"),
    (18, "SpamTraining"),
    (19, "SpamTraining"),
    (20, "PurgeLock"),
    (21, "QueueLock"),
    (22, "ReportLock"),
    (23, "TaskLock"),
    (24, "HousekeeperLock"),
    (25, "DavLock"),
    (26, "SieveId"),
];

static NAMES_OBJECT_TYPE: [(u64, &str); 25] = [
    (0, "Account"),
    (11, "Application"),
    (12, "ArchivedItem"),
    (13, "ArfExternalReport"),
    (16, "BlobStore"),
    (26, "Coordinator"),
    (32, "DmarcExternalReport"),
    (33, "DmarcInternalReport"),
    (37, "Domain"),
    (47, "InMemoryStore"),
    (50, "MailingList"),
    (51, "MaskedEmail"),
    (54, "Metric"),
    (56, "MetricsStore"),
    (78, "OAuthClient"),
    (80, "PublicKey"),
    (83, "Role"),
    (85, "SearchStore"),
    (102, "SpamTrainingSample"),
    (105, "SystemSettings"),
    (108, "Tenant"),
    (109, "TlsExternalReport"),
    (110, "TlsInternalReport"),
    (112, "Trace"),
    (114, "TracingStore"),
];

static NAMES_REGISTRY_PROPERTY: [(u64, &str); 9] = [
    (0, "Type"),
    (1, "Id"),
    (2, "Text"),
    (19, "MemberTenantId"),
    (25, "Name"),
    (47, "ExpiresAt"),
    (57, "AccountId"),
    (232, "Domain"),
    (242, "Email"),
];

const ROCKSDB_BYTES: Template = Template(
    BackendKind::RocksDb,
    Table {
        value: ValueKind::Bytes,
        ..Table::PLAIN
    },
);

const ROCKSDB_NONE: Template = Template(
    BackendKind::RocksDb,
    Table {
        value: ValueKind::None,
        ..Table::PLAIN
    },
);

const ROCKSDB_COUNTER: Template = Template(
    BackendKind::RocksDb,
    Table {
        value: ValueKind::Counter,
        merge_operator: Some("merge"),
        ..Table::PLAIN
    },
);

const ROCKSDB_BLOB: Template = Template(
    BackendKind::RocksDb,
    Table {
        value: ValueKind::Blob,
        min_blob_size: Some(16834),
        blob_files: true,
        ..Table::PLAIN
    },
);

const SQLITE_BYTES: Template = Template(
    BackendKind::Sqlite,
    Table {
        value: ValueKind::Bytes,
        max_key: Some(1000000000),
        max_value: Some(1000000000),
        ..Table::PLAIN
    },
);

const SQLITE_NONE: Template = Template(
    BackendKind::Sqlite,
    Table {
        value: ValueKind::None,
        max_key: Some(1000000000),
        max_value: Some(0),
        ..Table::PLAIN
    },
);

const SQLITE_COUNTER: Template = Template(
    BackendKind::Sqlite,
    Table {
        value: ValueKind::Counter,
        max_key: Some(1000000000),
        integer: true,
        ..Table::PLAIN
    },
);

const SQLITE_BLOB: Template = Template(
    BackendKind::Sqlite,
    Table {
        value: ValueKind::Blob,
        max_key: Some(1000000000),
        max_value: Some(1000000000),
        ..Table::PLAIN
    },
);

const POSTGRES_BYTES: Template = Template(
    BackendKind::Postgres,
    Table {
        value: ValueKind::Bytes,
        max_key: Some(2692),
        max_value: Some(1073738000),
        ..Table::PLAIN
    },
);

const POSTGRES_NONE: Template = Template(
    BackendKind::Postgres,
    Table {
        value: ValueKind::None,
        max_key: Some(2692),
        max_value: Some(0),
        ..Table::PLAIN
    },
);

const POSTGRES_COUNTER: Template = Template(
    BackendKind::Postgres,
    Table {
        value: ValueKind::Counter,
        max_key: Some(2692),
        integer: true,
        ..Table::PLAIN
    },
);

const POSTGRES_BLOB: Template = Template(
    BackendKind::Postgres,
    Table {
        value: ValueKind::Blob,
        max_key: Some(2692),
        max_value: Some(1073738000),
        ..Table::PLAIN
    },
);

const MYSQL_BYTES: Template = Template(
    BackendKind::Mysql,
    Table {
        value: ValueKind::Bytes,
        max_key: Some(255),
        max_value: Some(16777215),
        ..Table::PLAIN
    },
);

const MYSQL_NONE: Template = Template(
    BackendKind::Mysql,
    Table {
        value: ValueKind::None,
        max_key: Some(65535),
        max_value: Some(0),
        unique_prefix: Some(400),
        ..Table::PLAIN
    },
);

const MYSQL_COUNTER: Template = Template(
    BackendKind::Mysql,
    Table {
        value: ValueKind::Counter,
        max_key: Some(255),
        integer: true,
        ..Table::PLAIN
    },
);

const MYSQL_BLOB: Template = Template(
    BackendKind::Mysql,
    Table {
        value: ValueKind::Blob,
        max_key: Some(255),
        max_value: Some(4294967295),
        ..Table::PLAIN
    },
);

const FOUNDATIONDB_BYTES: Template = Template(
    BackendKind::FoundationDb,
    Table {
        value: ValueKind::Bytes,
        max_key: Some(9999),
        max_value: Some(25500000),
        pieces: Some(Pieces {
            size: 100000,
            number_width: 0,
            most: 255,
            earlier: None,
        }),
        ..Table::PLAIN
    },
);

const FOUNDATIONDB_NONE: Template = Template(
    BackendKind::FoundationDb,
    Table {
        value: ValueKind::None,
        max_key: Some(9999),
        ..Table::PLAIN
    },
);

const FOUNDATIONDB_COUNTER: Template = Template(
    BackendKind::FoundationDb,
    Table {
        value: ValueKind::Counter,
        max_key: Some(9999),
        ..Table::PLAIN
    },
);

const FOUNDATIONDB_BLOB: Template = Template(
    BackendKind::FoundationDb,
    Table {
        value: ValueKind::Blob,
        max_key: Some(9997),
        max_value: Some(698500000),
        pieces: Some(Pieces {
            size: 100000,
            number_width: 2,
            most: 6985,
            earlier: Some(EarlierPieces {
                versions: (1, 1),
                releases: "0.12.0 – 0.12.1",
                most: 6984,
            }),
        }),
        ..Table::PLAIN
    },
);

static TABLES_A_BYTES: [Mapping; 5] = [
    ROCKSDB_BYTES.table("a"),
    SQLITE_BYTES
        .created(
            "a",
            "CREATE TABLE IF NOT EXISTS a (k BLOB PRIMARY KEY, v BLOB NOT NULL)",
        ),
    POSTGRES_BYTES
        .created(
            "a",
            "CREATE TABLE IF NOT EXISTS a (k BYTEA PRIMARY KEY, v BYTEA NOT NULL)",
        ),
    MYSQL_BYTES
        .created(
            "a",
            "CREATE TABLE IF NOT EXISTS a (k TINYBLOB, v MEDIUMBLOB NOT NULL, PRIMARY KEY (k(255))) ENGINE=InnoDB",
        ),
    FOUNDATIONDB_BYTES.table("a"),
];

static TABLES_B_NONE: [Mapping; 5] = [
    ROCKSDB_NONE.table("b"),
    SQLITE_NONE.created("b", "CREATE TABLE IF NOT EXISTS b (k BLOB PRIMARY KEY)"),
    POSTGRES_NONE.created("b", "CREATE TABLE IF NOT EXISTS b (k BYTEA PRIMARY KEY)"),
    MYSQL_NONE
        .created(
            "b",
            "CREATE TABLE IF NOT EXISTS b (k BLOB, PRIMARY KEY (k(400))) ENGINE=InnoDB",
        ),
    FOUNDATIONDB_NONE.table("b"),
];

static TABLES_C_NONE: [Mapping; 5] = [
    ROCKSDB_NONE.table("c"),
    SQLITE_NONE.created("c", "CREATE TABLE IF NOT EXISTS c (k BLOB PRIMARY KEY)"),
    POSTGRES_NONE.created("c", "CREATE TABLE IF NOT EXISTS c (k BYTEA PRIMARY KEY)"),
    MYSQL_NONE
        .created(
            "c",
            "CREATE TABLE IF NOT EXISTS c (k BLOB, PRIMARY KEY (k(400))) ENGINE=InnoDB",
        ),
    FOUNDATIONDB_NONE.table("c"),
];

static TABLES_D_BYTES: [Mapping; 5] = [
    ROCKSDB_BYTES.table("d"),
    SQLITE_BYTES
        .created(
            "d",
            "CREATE TABLE IF NOT EXISTS d (k BLOB PRIMARY KEY, v BLOB NOT NULL)",
        ),
    POSTGRES_BYTES
        .created(
            "d",
            "CREATE TABLE IF NOT EXISTS d (k BYTEA PRIMARY KEY, v BYTEA NOT NULL)",
        ),
    MYSQL_BYTES
        .created(
            "d",
            "CREATE TABLE IF NOT EXISTS d (k TINYBLOB, v MEDIUMBLOB NOT NULL, PRIMARY KEY (k(255))) ENGINE=InnoDB",
        ),
    FOUNDATIONDB_BYTES.table("d"),
];

static TABLES_E_BYTES: [Mapping; 5] = [
    ROCKSDB_BYTES.table("e"),
    SQLITE_BYTES
        .created(
            "e",
            "CREATE TABLE IF NOT EXISTS e (k BLOB PRIMARY KEY, v BLOB NOT NULL)",
        ),
    POSTGRES_BYTES
        .created(
            "e",
            "CREATE TABLE IF NOT EXISTS e (k BYTEA PRIMARY KEY, v BYTEA NOT NULL)",
        ),
    MYSQL_BYTES
        .created(
            "e",
            "CREATE TABLE IF NOT EXISTS e (k TINYBLOB, v MEDIUMBLOB NOT NULL, PRIMARY KEY (k(255))) ENGINE=InnoDB",
        ),
    FOUNDATIONDB_BYTES.table("e"),
];

static TABLES_F_BYTES: [Mapping; 5] = [
    ROCKSDB_BYTES.table("f"),
    SQLITE_BYTES
        .created(
            "f",
            "CREATE TABLE IF NOT EXISTS f (k BLOB PRIMARY KEY, v BLOB NOT NULL)",
        ),
    POSTGRES_BYTES
        .created(
            "f",
            "CREATE TABLE IF NOT EXISTS f (k BYTEA PRIMARY KEY, v BYTEA NOT NULL)",
        ),
    MYSQL_BYTES
        .created(
            "f",
            "CREATE TABLE IF NOT EXISTS f (k TINYBLOB, v MEDIUMBLOB NOT NULL, PRIMARY KEY (k(255))) ENGINE=InnoDB",
        ),
    FOUNDATIONDB_BYTES.table("f"),
];

static TABLES_G_BYTES: [Mapping; 5] = [
    ROCKSDB_BYTES.table("g"),
    SQLITE_BYTES
        .created(
            "g",
            "CREATE TABLE IF NOT EXISTS g (k BLOB PRIMARY KEY, v BLOB NOT NULL)",
        ),
    POSTGRES_BYTES
        .created(
            "g",
            "CREATE TABLE IF NOT EXISTS g (k BYTEA PRIMARY KEY, v BYTEA NOT NULL)",
        ),
    MYSQL_BYTES
        .created(
            "g",
            "CREATE TABLE IF NOT EXISTS g (k TINYBLOB, v MEDIUMBLOB NOT NULL, PRIMARY KEY (k(255))) ENGINE=InnoDB",
        ),
    FOUNDATIONDB_BYTES.table("g"),
];

static TABLES_H_BYTES: [Mapping; 5] = [
    ROCKSDB_BYTES.table("h"),
    SQLITE_BYTES
        .created(
            "h",
            "CREATE TABLE IF NOT EXISTS h (k BLOB PRIMARY KEY, v BLOB NOT NULL)",
        ),
    POSTGRES_BYTES
        .created(
            "h",
            "CREATE TABLE IF NOT EXISTS h (k BYTEA PRIMARY KEY, v BYTEA NOT NULL)",
        ),
    MYSQL_BYTES
        .created(
            "h",
            "CREATE TABLE IF NOT EXISTS h (k TINYBLOB, v MEDIUMBLOB NOT NULL, PRIMARY KEY (k(255))) ENGINE=InnoDB",
        ),
    FOUNDATIONDB_BYTES.table("h"),
];

static TABLES_I_NONE: [Mapping; 5] = [
    ROCKSDB_NONE.table("i"),
    SQLITE_NONE.created("i", "CREATE TABLE IF NOT EXISTS i (k BLOB PRIMARY KEY)"),
    POSTGRES_NONE.created("i", "CREATE TABLE IF NOT EXISTS i (k BYTEA PRIMARY KEY)"),
    MYSQL_NONE
        .created(
            "i",
            "CREATE TABLE IF NOT EXISTS i (k BLOB, PRIMARY KEY (k(400))) ENGINE=InnoDB",
        ),
    FOUNDATIONDB_NONE.table("i"),
];

static TABLES_J_BYTES: [Mapping; 5] = [
    ROCKSDB_BYTES.table("j"),
    SQLITE_BYTES
        .created(
            "j",
            "CREATE TABLE IF NOT EXISTS j (k BLOB PRIMARY KEY, v BLOB NOT NULL)",
        ),
    POSTGRES_BYTES
        .created(
            "j",
            "CREATE TABLE IF NOT EXISTS j (k BYTEA PRIMARY KEY, v BYTEA NOT NULL)",
        ),
    MYSQL_BYTES
        .created(
            "j",
            "CREATE TABLE IF NOT EXISTS j (k TINYBLOB, v MEDIUMBLOB NOT NULL, PRIMARY KEY (k(255))) ENGINE=InnoDB",
        ),
    FOUNDATIONDB_BYTES.table("j"),
];

static TABLES_K_BYTES: [Mapping; 5] = [
    ROCKSDB_BYTES.table("k"),
    SQLITE_BYTES
        .created(
            "k",
            "CREATE TABLE IF NOT EXISTS k (k BLOB PRIMARY KEY, v BLOB NOT NULL)",
        ),
    POSTGRES_BYTES
        .created(
            "k",
            "CREATE TABLE IF NOT EXISTS k (k BYTEA PRIMARY KEY, v BYTEA NOT NULL)",
        ),
    MYSQL_BYTES
        .created(
            "k",
            "CREATE TABLE IF NOT EXISTS k (k TINYBLOB, v MEDIUMBLOB NOT NULL, PRIMARY KEY (k(255))) ENGINE=InnoDB",
        ),
    FOUNDATIONDB_BYTES.table("k"),
];

static TABLES_L_BYTES_LOGS: [Mapping; 5] = [
    ROCKSDB_BYTES.table("l"),
    SQLITE_BYTES
        .created(
            "l",
            "CREATE TABLE IF NOT EXISTS l (k BLOB PRIMARY KEY, v BLOB NOT NULL)",
        ),
    POSTGRES_BYTES
        .created(
            "l",
            "CREATE TABLE IF NOT EXISTS l (k BYTEA PRIMARY KEY, v BYTEA NOT NULL)",
        ),
    MYSQL_BYTES
        .created(
            "l",
            "CREATE TABLE IF NOT EXISTS l (k TINYBLOB, v MEDIUMBLOB NOT NULL, PRIMARY KEY (k(255))) ENGINE=InnoDB",
        ),
    FOUNDATIONDB_BYTES.whole("l"),
];

static TABLES_M_BYTES: [Mapping; 5] = [
    ROCKSDB_BYTES.table("m"),
    SQLITE_BYTES
        .created(
            "m",
            "CREATE TABLE IF NOT EXISTS m (k BLOB PRIMARY KEY, v BLOB NOT NULL)",
        ),
    POSTGRES_BYTES
        .created(
            "m",
            "CREATE TABLE IF NOT EXISTS m (k BYTEA PRIMARY KEY, v BYTEA NOT NULL)",
        ),
    MYSQL_BYTES
        .created(
            "m",
            "CREATE TABLE IF NOT EXISTS m (k TINYBLOB, v MEDIUMBLOB NOT NULL, PRIMARY KEY (k(255))) ENGINE=InnoDB",
        ),
    FOUNDATIONDB_BYTES.table("m"),
];

static TABLES_N_COUNTER: [Mapping; 5] = [
    ROCKSDB_COUNTER.table("n"),
    SQLITE_COUNTER
        .created(
            "n",
            "CREATE TABLE IF NOT EXISTS n (k BLOB PRIMARY KEY, v INTEGER NOT NULL DEFAULT 0)",
        ),
    POSTGRES_COUNTER
        .created(
            "n",
            "CREATE TABLE IF NOT EXISTS n (k BYTEA PRIMARY KEY, v BIGINT NOT NULL DEFAULT 0)",
        ),
    MYSQL_COUNTER
        .created(
            "n",
            "CREATE TABLE IF NOT EXISTS n (k TINYBLOB, v BIGINT NOT NULL DEFAULT 0, PRIMARY KEY (k(255))) ENGINE=InnoDB",
        ),
    FOUNDATIONDB_COUNTER.table("n"),
];

static TABLES_O_BYTES: [Mapping; 5] = [
    ROCKSDB_BYTES.table("o"),
    SQLITE_BYTES
        .created(
            "o",
            "CREATE TABLE IF NOT EXISTS o (k BLOB PRIMARY KEY, v BLOB NOT NULL)",
        ),
    POSTGRES_BYTES
        .created(
            "o",
            "CREATE TABLE IF NOT EXISTS o (k BYTEA PRIMARY KEY, v BYTEA NOT NULL)",
        ),
    MYSQL_BYTES
        .created(
            "o",
            "CREATE TABLE IF NOT EXISTS o (k TINYBLOB, v MEDIUMBLOB NOT NULL, PRIMARY KEY (k(255))) ENGINE=InnoDB",
        ),
    FOUNDATIONDB_BYTES.table("o"),
];

static TABLES_P_BYTES: [Mapping; 5] = [
    ROCKSDB_BYTES.table("p"),
    SQLITE_BYTES
        .created(
            "p",
            "CREATE TABLE IF NOT EXISTS p (k BLOB PRIMARY KEY, v BLOB NOT NULL)",
        ),
    POSTGRES_BYTES
        .created(
            "p",
            "CREATE TABLE IF NOT EXISTS p (k BYTEA PRIMARY KEY, v BYTEA NOT NULL)",
        ),
    MYSQL_BYTES
        .created(
            "p",
            "CREATE TABLE IF NOT EXISTS p (k TINYBLOB, v MEDIUMBLOB NOT NULL, PRIMARY KEY (k(255))) ENGINE=InnoDB",
        ),
    FOUNDATIONDB_BYTES.table("p"),
];

static TABLES_Q_BYTES: [Mapping; 5] = [
    ROCKSDB_BYTES.table("q"),
    SQLITE_BYTES
        .created(
            "q",
            "CREATE TABLE IF NOT EXISTS q (k BLOB PRIMARY KEY, v BLOB NOT NULL)",
        ),
    POSTGRES_BYTES
        .created(
            "q",
            "CREATE TABLE IF NOT EXISTS q (k BYTEA PRIMARY KEY, v BYTEA NOT NULL)",
        ),
    MYSQL_BYTES
        .created(
            "q",
            "CREATE TABLE IF NOT EXISTS q (k TINYBLOB, v MEDIUMBLOB NOT NULL, PRIMARY KEY (k(255))) ENGINE=InnoDB",
        ),
    FOUNDATIONDB_BYTES.table("q"),
];

static TABLES_R_BYTES: [Mapping; 5] = [
    ROCKSDB_BYTES.table("r"),
    SQLITE_BYTES
        .created(
            "r",
            "CREATE TABLE IF NOT EXISTS r (k BLOB PRIMARY KEY, v BLOB NOT NULL)",
        ),
    POSTGRES_BYTES
        .created(
            "r",
            "CREATE TABLE IF NOT EXISTS r (k BYTEA PRIMARY KEY, v BYTEA NOT NULL)",
        ),
    MYSQL_BYTES
        .created(
            "r",
            "CREATE TABLE IF NOT EXISTS r (k TINYBLOB, v MEDIUMBLOB NOT NULL, PRIMARY KEY (k(255))) ENGINE=InnoDB",
        ),
    FOUNDATIONDB_BYTES.table("r"),
];

static TABLES_S_BYTES: [Mapping; 5] = [
    ROCKSDB_BYTES.table("s"),
    SQLITE_BYTES
        .created(
            "s",
            "CREATE TABLE IF NOT EXISTS s (k BLOB PRIMARY KEY, v BLOB NOT NULL)",
        ),
    POSTGRES_BYTES
        .created(
            "s",
            "CREATE TABLE IF NOT EXISTS s (k BYTEA PRIMARY KEY, v BYTEA NOT NULL)",
        ),
    MYSQL_BYTES
        .created(
            "s",
            "CREATE TABLE IF NOT EXISTS s (k TINYBLOB, v MEDIUMBLOB NOT NULL, PRIMARY KEY (k(255))) ENGINE=InnoDB",
        ),
    FOUNDATIONDB_BYTES.table("s"),
];

static TABLES_T_BLOB: [Mapping; 5] = [
    ROCKSDB_BLOB.table("t"),
    SQLITE_BLOB
        .created(
            "t",
            "CREATE TABLE IF NOT EXISTS t (k BLOB PRIMARY KEY, v BLOB NOT NULL)",
        ),
    POSTGRES_BLOB
        .created(
            "t",
            "CREATE TABLE IF NOT EXISTS t (k BYTEA PRIMARY KEY, v BYTEA NOT NULL)",
        ),
    MYSQL_BLOB
        .created(
            "t",
            "CREATE TABLE IF NOT EXISTS t (k TINYBLOB, v LONGBLOB NOT NULL, PRIMARY KEY (k(255))) ENGINE=InnoDB",
        ),
    FOUNDATIONDB_BLOB.table("t"),
];

static TABLES_U_COUNTER: [Mapping; 5] = [
    ROCKSDB_COUNTER.table("u"),
    SQLITE_COUNTER
        .created(
            "u",
            "CREATE TABLE IF NOT EXISTS u (k BLOB PRIMARY KEY, v INTEGER NOT NULL DEFAULT 0)",
        ),
    POSTGRES_COUNTER
        .created(
            "u",
            "CREATE TABLE IF NOT EXISTS u (k BYTEA PRIMARY KEY, v BIGINT NOT NULL DEFAULT 0)",
        ),
    MYSQL_COUNTER
        .created(
            "u",
            "CREATE TABLE IF NOT EXISTS u (k TINYBLOB, v BIGINT NOT NULL DEFAULT 0, PRIMARY KEY (k(255))) ENGINE=InnoDB",
        ),
    FOUNDATIONDB_COUNTER.table("u"),
];

static TABLES_V_NONE: [Mapping; 5] = [
    ROCKSDB_NONE.table("v"),
    SQLITE_NONE.created("v", "CREATE TABLE IF NOT EXISTS v (k BLOB PRIMARY KEY)"),
    POSTGRES_NONE.created("v", "CREATE TABLE IF NOT EXISTS v (k BYTEA PRIMARY KEY)"),
    MYSQL_NONE
        .created(
            "v",
            "CREATE TABLE IF NOT EXISTS v (k BLOB, PRIMARY KEY (k(400))) ENGINE=InnoDB",
        ),
    FOUNDATIONDB_NONE.table("v"),
];

static TABLES_W_BYTES: [Mapping; 5] = [
    ROCKSDB_BYTES.table("w"),
    SQLITE_BYTES
        .created(
            "w",
            "CREATE TABLE IF NOT EXISTS w (k BLOB PRIMARY KEY, v BLOB NOT NULL)",
        ),
    POSTGRES_BYTES
        .created(
            "w",
            "CREATE TABLE IF NOT EXISTS w (k BYTEA PRIMARY KEY, v BYTEA NOT NULL)",
        ),
    MYSQL_BYTES
        .created(
            "w",
            "CREATE TABLE IF NOT EXISTS w (k TINYBLOB, v MEDIUMBLOB NOT NULL, PRIMARY KEY (k(255))) ENGINE=InnoDB",
        ),
    FOUNDATIONDB_BYTES.table("w"),
];

static TABLES_X_BYTES: [Mapping; 5] = [
    ROCKSDB_BYTES.table("x"),
    SQLITE_BYTES
        .created(
            "x",
            "CREATE TABLE IF NOT EXISTS x (k BLOB PRIMARY KEY, v BLOB NOT NULL)",
        ),
    POSTGRES_BYTES
        .created(
            "x",
            "CREATE TABLE IF NOT EXISTS x (k BYTEA PRIMARY KEY, v BYTEA NOT NULL)",
        ),
    MYSQL_BYTES
        .created(
            "x",
            "CREATE TABLE IF NOT EXISTS x (k TINYBLOB, v MEDIUMBLOB NOT NULL, PRIMARY KEY (k(255))) ENGINE=InnoDB",
        ),
    FOUNDATIONDB_BYTES.table("x"),
];

static TABLES_Y_COUNTER: [Mapping; 5] = [
    ROCKSDB_COUNTER.table("y"),
    SQLITE_COUNTER
        .created(
            "y",
            "CREATE TABLE IF NOT EXISTS y (k BLOB PRIMARY KEY, v INTEGER NOT NULL DEFAULT 0)",
        ),
    POSTGRES_COUNTER
        .created(
            "y",
            "CREATE TABLE IF NOT EXISTS y (k BYTEA PRIMARY KEY, v BIGINT NOT NULL DEFAULT 0)",
        ),
    MYSQL_COUNTER
        .created(
            "y",
            "CREATE TABLE IF NOT EXISTS y (k TINYBLOB, v BIGINT NOT NULL DEFAULT 0, PRIMARY KEY (k(255))) ENGINE=InnoDB",
        ),
    FOUNDATIONDB_COUNTER.table("y"),
];

static TABLES_Z_BYTES_SEARCH_INDEX: [Mapping; 5] = [
    ROCKSDB_BYTES.table("z"),
    SQLITE_BYTES
        .created(
            "z",
            "CREATE TABLE IF NOT EXISTS z (k BLOB PRIMARY KEY, v BLOB NOT NULL)",
        ),
    Mapping::refused(BackendKind::Postgres, "PostgreSQL has search tables of its own."),
    Mapping::refused(BackendKind::Mysql, "MySQL has search tables of its own."),
    FOUNDATIONDB_BYTES.table("z"),
];

/// Typed keys of schema version 1.
pub mod v1 {
    use super::*;
    /// Access-control grants (`subspaces.acl`).
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum AclKey {
        /// Rights of one account on one document of another. (`subspaces.acl.layouts.grant`)
        Grant {
            /// Account that is granted access.
            grantee: u32,
            /// Account that owns the record.
            account: u32,
            /// Collection of the document.
            collection: u8,
            /// Document id within account and collection.
            document: u32,
        },
    }
    impl AclKey {
        /// Reads a key; every byte belongs to a field or is a constant.
        #[inline]
        pub fn decode(key: &[u8]) -> Result<Self, KeyError> {
            match key.len() {
                13 => {
                    Ok(AclKey::Grant {
                        grantee: codec::u32_at(key, 0),
                        account: codec::u32_at(key, 4),
                        collection: codec::u8_at(key, 8),
                        document: codec::u32_at(key, 9),
                    })
                }
                _ => Err(KeyError::NoLayout),
            }
        }
        /// Index of the layout of a key, without reading its fields.
        #[inline]
        pub fn layout_of(key: &[u8]) -> Result<usize, KeyError> {
            match key.len() {
                13 => Ok(0),
                _ => Err(KeyError::NoLayout),
            }
        }
    }
    impl TypedKey for AclKey {
        fn encode(&self, out: &mut Vec<u8>) {
            match *self {
                AclKey::Grant { grantee, account, collection, document } => {
                    out.extend_from_slice(&grantee.to_be_bytes());
                    out.extend_from_slice(&account.to_be_bytes());
                    out.push(collection);
                    out.extend_from_slice(&document.to_be_bytes());
                }
            }
        }
        #[inline]
        fn layout(&self) -> usize {
            match self {
                AclKey::Grant { .. } => 0,
            }
        }
        fn layouts(&self) -> &'static [Layout] {
            &ACL_LAYOUTS
        }
    }
    impl fmt::Display for AclKey {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write_key(f, self)
        }
    }
    pub(super) static ACL_LAYOUTS: [Layout; 1] = [
        Layout {
            name: "grant",
            doc: "Rights of one account on one document of another.",
            segments: &[
                Segment::field("grantee", SegmentKind::U32),
                Segment::field("account", SegmentKind::U32),
                Segment::field("collection", SegmentKind::U8)
                    .named(&NAMES_COLLECTION_V1),
                Segment::field("document", SegmentKind::U32),
            ],
            value: ValueForm::Lengths(&[8]),
            value_lengths: 0x100,
            ..Layout::PLAIN
        },
    ];
    /// `subspaces.acl`
    pub(super) const ACL: Subspace = Subspace {
        version: 1,
        letter: 'a',
        name: "acl",
        title: "Access-control grants",
        doc: "Who may do what with whose documents.",
        source: "crates/store/src/write/key.rs, crates/types/src/acl.rs @ v0.15.5",
        family: Some("acl"),
        no_family: None,
        store_group: StoreGroup::Data,
        server_export: true,
        server_import: false,
        derived: false,
        settings: false,
        value: ValueKind::Bytes,
        fresh: FreshRule::Refuse,
        layouts: &ACL_LAYOUTS,
        tables: &TABLES_A_BYTES,
        decode: AclKey::layout_of,
        accepts: |key, length| {
            let layout = &ACL_LAYOUTS[AclKey::layout_of(key).ok()?];
            layout.takes(length).then_some(layout)
        },
    };
    /// Document-id bitmap (`subspaces.bitmap_id`).
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum BitmapIdKey {
        /// The document exists. (`subspaces.bitmap_id.layouts.document`)
        Document {
            /// Account that owns the record.
            account: u32,
            /// Collection of the document.
            collection: u8,
            /// Document id within account and collection.
            document: u32,
        },
    }
    impl BitmapIdKey {
        /// Reads a key; every byte belongs to a field or is a constant.
        #[inline]
        pub fn decode(key: &[u8]) -> Result<Self, KeyError> {
            match key.len() {
                9 => {
                    Ok(BitmapIdKey::Document {
                        account: codec::u32_at(key, 0),
                        collection: codec::u8_at(key, 4),
                        document: codec::u32_at(key, 5),
                    })
                }
                _ => Err(KeyError::NoLayout),
            }
        }
        /// Index of the layout of a key, without reading its fields.
        #[inline]
        pub fn layout_of(key: &[u8]) -> Result<usize, KeyError> {
            match key.len() {
                9 => Ok(0),
                _ => Err(KeyError::NoLayout),
            }
        }
    }
    impl TypedKey for BitmapIdKey {
        fn encode(&self, out: &mut Vec<u8>) {
            match *self {
                BitmapIdKey::Document { account, collection, document } => {
                    out.extend_from_slice(&account.to_be_bytes());
                    out.push(collection);
                    out.extend_from_slice(&document.to_be_bytes());
                }
            }
        }
        #[inline]
        fn layout(&self) -> usize {
            match self {
                BitmapIdKey::Document { .. } => 0,
            }
        }
        fn layouts(&self) -> &'static [Layout] {
            &BITMAP_ID_LAYOUTS
        }
    }
    impl fmt::Display for BitmapIdKey {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write_key(f, self)
        }
    }
    pub(super) static BITMAP_ID_LAYOUTS: [Layout; 1] = [
        Layout {
            name: "document",
            doc: "The document exists.",
            segments: &[
                Segment::field("account", SegmentKind::U32),
                Segment::field("collection", SegmentKind::U8)
                    .named(&NAMES_COLLECTION_V1),
                Segment::field("document", SegmentKind::U32),
            ],
            value: ValueForm::Empty,
            value_lengths: 0x01,
            ..Layout::PLAIN
        },
    ];
    /// `subspaces.bitmap_id`
    pub(super) const BITMAP_ID: Subspace = Subspace {
        version: 1,
        letter: 'b',
        name: "bitmap_id",
        title: "Document-id bitmap",
        doc: "A key per document that exists.",
        source: "crates/store/src/write/key.rs @ v0.14.1",
        family: Some("bitmap"),
        no_family: None,
        store_group: StoreGroup::Data,
        server_export: true,
        server_import: false,
        derived: false,
        settings: false,
        value: ValueKind::None,
        fresh: FreshRule::Refuse,
        layouts: &BITMAP_ID_LAYOUTS,
        tables: &TABLES_B_NONE,
        decode: BitmapIdKey::layout_of,
        accepts: |key, length| {
            let layout = &BITMAP_ID_LAYOUTS[BitmapIdKey::layout_of(key).ok()?];
            layout.takes(length).then_some(layout)
        },
    };
    /// Tag bitmap (`subspaces.bitmap_tag`).
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum BitmapTagKey<'a> {
        /// A tag that is a number. (`subspaces.bitmap_tag.layouts.number_tag`)
        NumberTag {
            /// Account that owns the record.
            account: u32,
            /// Collection of the document.
            collection: u8,
            /// Field id; what it means depends on the collection.
            field: u8,
            /// The tag.
            tag: u32,
            /// Document id within account and collection.
            document: u32,
        },
        /// A tag that is text; the field's top bit says so. (`subspaces.bitmap_tag.layouts.text_tag`)
        TextTag {
            /// Account that owns the record.
            account: u32,
            /// Collection of the document.
            collection: u8,
            /// Field id; what it means depends on the collection.
            field: u8,
            /// The tag.
            tag: &'a [u8],
            /// Document id within account and collection.
            document: u32,
        },
    }
    impl<'a> BitmapTagKey<'a> {
        /// Reads a key; every byte belongs to a field or is a constant.
        #[inline]
        pub fn decode(key: &'a [u8]) -> Result<Self, KeyError> {
            match key.len() {
                len if len >= 11 && len <= 15 && codec::u8_at(key, 5) <= 127
                    && codec::leb32_end(key, 6) == len - 4 => {
                    Ok(BitmapTagKey::NumberTag {
                        account: codec::u32_at(key, 0),
                        collection: codec::u8_at(key, 4),
                        field: codec::u8_at(key, 5),
                        tag: codec::leb32_at(key, 6),
                        document: codec::u32_at(key, len - 4),
                    })
                }
                len if len >= 10 && codec::u8_at(key, 5) >= 128 => {
                    Ok(BitmapTagKey::TextTag {
                        account: codec::u32_at(key, 0),
                        collection: codec::u8_at(key, 4),
                        field: codec::u8_at(key, 5),
                        tag: codec::slice(key, 6, len - 4),
                        document: codec::u32_at(key, len - 4),
                    })
                }
                _ => Err(KeyError::NoLayout),
            }
        }
        /// Index of the layout of a key, without reading its fields.
        #[inline]
        pub fn layout_of(key: &[u8]) -> Result<usize, KeyError> {
            match key.len() {
                len if len >= 11 && len <= 15 && codec::u8_at(key, 5) <= 127
                    && codec::leb32_end(key, 6) == len - 4 => Ok(0),
                len if len >= 10 && codec::u8_at(key, 5) >= 128 => Ok(1),
                _ => Err(KeyError::NoLayout),
            }
        }
    }
    impl TypedKey for BitmapTagKey<'_> {
        fn encode(&self, out: &mut Vec<u8>) {
            match *self {
                BitmapTagKey::NumberTag {
                    account,
                    collection,
                    field,
                    tag,
                    document,
                } => {
                    out.extend_from_slice(&account.to_be_bytes());
                    out.push(collection);
                    out.push(field);
                    codec::put_leb128(out, u64::from(tag));
                    out.extend_from_slice(&document.to_be_bytes());
                }
                BitmapTagKey::TextTag { account, collection, field, tag, document } => {
                    out.extend_from_slice(&account.to_be_bytes());
                    out.push(collection);
                    out.push(field);
                    out.extend_from_slice(tag);
                    out.extend_from_slice(&document.to_be_bytes());
                }
            }
        }
        #[inline]
        fn layout(&self) -> usize {
            match self {
                BitmapTagKey::NumberTag { .. } => 0,
                BitmapTagKey::TextTag { .. } => 1,
            }
        }
        fn layouts(&self) -> &'static [Layout] {
            &BITMAP_TAG_LAYOUTS
        }
    }
    impl fmt::Display for BitmapTagKey<'_> {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write_key(f, self)
        }
    }
    pub(super) static BITMAP_TAG_LAYOUTS: [Layout; 2] = [
        Layout {
            name: "number_tag",
            doc: "A tag that is a number.",
            segments: &[
                Segment::field("account", SegmentKind::U32),
                Segment::field("collection", SegmentKind::U8)
                    .named(&NAMES_COLLECTION_V1),
                Segment::field("field", SegmentKind::U8).within(&[(0, 127)]),
                Segment::field("tag", SegmentKind::Leb32),
                Segment::field("document", SegmentKind::U32),
            ],
            value: ValueForm::Empty,
            value_lengths: 0x01,
            ..Layout::PLAIN
        },
        Layout {
            name: "text_tag",
            doc: "A tag that is text; the field's top bit says so.",
            segments: &[
                Segment::field("account", SegmentKind::U32),
                Segment::field("collection", SegmentKind::U8)
                    .named(&NAMES_COLLECTION_V1),
                Segment::field("field", SegmentKind::U8).within(&[(128, 255)]),
                Segment::field("tag", SegmentKind::Rest),
                Segment::field("document", SegmentKind::U32),
            ],
            value: ValueForm::Empty,
            value_lengths: 0x01,
            ..Layout::PLAIN
        },
    ];
    /// `subspaces.bitmap_tag`
    pub(super) const BITMAP_TAG: Subspace = Subspace {
        version: 1,
        letter: 'c',
        name: "bitmap_tag",
        title: "Tag bitmap",
        doc: "Tags of documents.",
        source: "crates/store/src/write/key.rs @ v0.14.1",
        family: Some("bitmap"),
        no_family: None,
        store_group: StoreGroup::Data,
        server_export: true,
        server_import: false,
        derived: false,
        settings: false,
        value: ValueKind::None,
        fresh: FreshRule::Refuse,
        layouts: &BITMAP_TAG_LAYOUTS,
        tables: &TABLES_C_NONE,
        decode: BitmapTagKey::layout_of,
        accepts: |key, length| {
            let layout = &BITMAP_TAG_LAYOUTS[BitmapTagKey::layout_of(key).ok()?];
            layout.takes(length).then_some(layout)
        },
    };
    /// Internal directory (`subspaces.directory`).
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum DirectoryKey<'a> {
        /// Principal of a name. (`subspaces.directory.layouts.name`)
        Name {
            /// Name in UTF-8.
            name: &'a [u8],
        },
        /// Principal of an e-mail address. (`subspaces.directory.layouts.email`)
        Email {
            /// E-mail address in UTF-8.
            address: &'a [u8],
        },
        /// The principal itself. (`subspaces.directory.layouts.principal`)
        Principal {
            /// Id of the principal.
            principal: u32,
        },
        /// A group or role that the principal belongs to. (`subspaces.directory.layouts.member_of`)
        MemberOf {
            /// Id of the principal.
            principal: u32,
            /// Group or role it belongs to.
            group: u32,
        },
        /// A member of a group. (`subspaces.directory.layouts.members`)
        Members {
            /// The group.
            group: u32,
            /// Principal that is a member.
            member: u32,
        },
        /// A word of the principal's name or description. (`subspaces.directory.layouts.word`)
        Word {
            /// Word in UTF-8.
            word: &'a [u8],
            /// Id of the principal.
            principal: u32,
        },
    }
    impl<'a> DirectoryKey<'a> {
        /// Reads a key; every byte belongs to a field or is a constant.
        #[inline]
        pub fn decode(key: &'a [u8]) -> Result<Self, KeyError> {
            match key.len() {
                len if len >= 1 && codec::u8_at(key, 0) == 0x00 => {
                    Ok(DirectoryKey::Name {
                        name: codec::slice(key, 1, len),
                    })
                }
                len if len >= 1 && codec::u8_at(key, 0) == 0x01 => {
                    Ok(DirectoryKey::Email {
                        address: codec::slice(key, 1, len),
                    })
                }
                len if len >= 2 && len <= 6 && codec::u8_at(key, 0) == 0x02
                    && codec::leb32_end(key, 1) == len => {
                    Ok(DirectoryKey::Principal {
                        principal: codec::leb32_at(key, 1),
                    })
                }
                9 if codec::u8_at(key, 0) == 0x05 => {
                    Ok(DirectoryKey::MemberOf {
                        principal: codec::u32_at(key, 1),
                        group: codec::u32_at(key, 5),
                    })
                }
                9 if codec::u8_at(key, 0) == 0x06 => {
                    Ok(DirectoryKey::Members {
                        group: codec::u32_at(key, 1),
                        member: codec::u32_at(key, 5),
                    })
                }
                len if len >= 5 && codec::u8_at(key, 0) == 0x07 => {
                    Ok(DirectoryKey::Word {
                        word: codec::slice(key, 1, len - 4),
                        principal: codec::u32_at(key, len - 4),
                    })
                }
                _ => Err(KeyError::NoLayout),
            }
        }
        /// Index of the layout of a key, without reading its fields.
        #[inline]
        pub fn layout_of(key: &[u8]) -> Result<usize, KeyError> {
            match key.len() {
                len if len >= 1 && codec::u8_at(key, 0) == 0x00 => Ok(0),
                len if len >= 1 && codec::u8_at(key, 0) == 0x01 => Ok(1),
                len if len >= 2 && len <= 6 && codec::u8_at(key, 0) == 0x02
                    && codec::leb32_end(key, 1) == len => Ok(2),
                9 if codec::u8_at(key, 0) == 0x05 => Ok(3),
                9 if codec::u8_at(key, 0) == 0x06 => Ok(4),
                len if len >= 5 && codec::u8_at(key, 0) == 0x07 => Ok(5),
                _ => Err(KeyError::NoLayout),
            }
        }
    }
    impl TypedKey for DirectoryKey<'_> {
        fn encode(&self, out: &mut Vec<u8>) {
            match *self {
                DirectoryKey::Name { name } => {
                    out.extend_from_slice(&[0x00]);
                    out.extend_from_slice(name);
                }
                DirectoryKey::Email { address } => {
                    out.extend_from_slice(&[0x01]);
                    out.extend_from_slice(address);
                }
                DirectoryKey::Principal { principal } => {
                    out.extend_from_slice(&[0x02]);
                    codec::put_leb128(out, u64::from(principal));
                }
                DirectoryKey::MemberOf { principal, group } => {
                    out.extend_from_slice(&[0x05]);
                    out.extend_from_slice(&principal.to_be_bytes());
                    out.extend_from_slice(&group.to_be_bytes());
                }
                DirectoryKey::Members { group, member } => {
                    out.extend_from_slice(&[0x06]);
                    out.extend_from_slice(&group.to_be_bytes());
                    out.extend_from_slice(&member.to_be_bytes());
                }
                DirectoryKey::Word { word, principal } => {
                    out.extend_from_slice(&[0x07]);
                    out.extend_from_slice(word);
                    out.extend_from_slice(&principal.to_be_bytes());
                }
            }
        }
        #[inline]
        fn layout(&self) -> usize {
            match self {
                DirectoryKey::Name { .. } => 0,
                DirectoryKey::Email { .. } => 1,
                DirectoryKey::Principal { .. } => 2,
                DirectoryKey::MemberOf { .. } => 3,
                DirectoryKey::Members { .. } => 4,
                DirectoryKey::Word { .. } => 5,
            }
        }
        fn layouts(&self) -> &'static [Layout] {
            &DIRECTORY_LAYOUTS
        }
    }
    impl fmt::Display for DirectoryKey<'_> {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write_key(f, self)
        }
    }
    pub(super) static DIRECTORY_LAYOUTS: [Layout; 6] = [
        Layout {
            name: "name",
            doc: "Principal of a name.",
            segments: &[
                Segment::constant(&[0x00]),
                Segment::field("name", SegmentKind::Rest),
            ],
            ..Layout::PLAIN
        },
        Layout {
            name: "email",
            doc: "Principal of an e-mail address.",
            segments: &[
                Segment::constant(&[0x01]),
                Segment::field("address", SegmentKind::Rest),
            ],
            ..Layout::PLAIN
        },
        Layout {
            name: "principal",
            doc: "The principal itself.",
            segments: &[
                Segment::constant(&[0x02]),
                Segment::field("principal", SegmentKind::Leb32),
            ],
            value: ValueForm::Archive,
            value_lengths: 0xfffffffffffffffe,
            long: true,
            ..Layout::PLAIN
        },
        Layout {
            name: "member_of",
            doc: "A group or role that the principal belongs to.",
            segments: &[
                Segment::constant(&[0x05]),
                Segment::field("principal", SegmentKind::U32),
                Segment::field("group", SegmentKind::U32),
            ],
            value: ValueForm::Lengths(&[0, 1]),
            value_lengths: 0x03,
            ..Layout::PLAIN
        },
        Layout {
            name: "members",
            doc: "A member of a group.",
            segments: &[
                Segment::constant(&[0x06]),
                Segment::field("group", SegmentKind::U32),
                Segment::field("member", SegmentKind::U32),
            ],
            value: ValueForm::Empty,
            value_lengths: 0x01,
            ..Layout::PLAIN
        },
        Layout {
            name: "word",
            doc: "A word of the principal's name or description.",
            segments: &[
                Segment::constant(&[0x07]),
                Segment::field("word", SegmentKind::Rest),
                Segment::field("principal", SegmentKind::U32),
            ],
            value: ValueForm::Empty,
            value_lengths: 0x01,
            ..Layout::PLAIN
        },
    ];
    /// `subspaces.directory`
    pub(super) const DIRECTORY: Subspace = Subspace {
        version: 1,
        letter: 'd',
        name: "directory",
        title: "Internal directory",
        doc: "Principals, their names and addresses, and who is a member of what.",
        source: "crates/directory/src/backend/internal/mod.rs, crates/store/src/write/key.rs @ v0.15.5",
        family: Some("directory"),
        no_family: None,
        store_group: StoreGroup::Data,
        server_export: true,
        server_import: false,
        derived: false,
        settings: false,
        value: ValueKind::Bytes,
        fresh: FreshRule::Refuse,
        layouts: &DIRECTORY_LAYOUTS,
        tables: &TABLES_D_BYTES,
        decode: DirectoryKey::layout_of,
        accepts: |key, length| {
            let layout = &DIRECTORY_LAYOUTS[DirectoryKey::layout_of(key).ok()?];
            layout.takes(length).then_some(layout)
        },
    };
    /// Outbound queue messages (`subspaces.queue_message`).
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum QueueMessageKey {
        /// A queued message. (`subspaces.queue_message.layouts.message`)
        Message {
            /// Id of the queued message.
            queue_id: u64,
        },
    }
    impl QueueMessageKey {
        /// Reads a key; every byte belongs to a field or is a constant.
        #[inline]
        pub fn decode(key: &[u8]) -> Result<Self, KeyError> {
            match key.len() {
                8 => {
                    Ok(QueueMessageKey::Message {
                        queue_id: codec::u64_at(key, 0),
                    })
                }
                _ => Err(KeyError::NoLayout),
            }
        }
        /// Index of the layout of a key, without reading its fields.
        #[inline]
        pub fn layout_of(key: &[u8]) -> Result<usize, KeyError> {
            match key.len() {
                8 => Ok(0),
                _ => Err(KeyError::NoLayout),
            }
        }
    }
    impl TypedKey for QueueMessageKey {
        fn encode(&self, out: &mut Vec<u8>) {
            match *self {
                QueueMessageKey::Message { queue_id } => {
                    out.extend_from_slice(&queue_id.to_be_bytes());
                }
            }
        }
        #[inline]
        fn layout(&self) -> usize {
            match self {
                QueueMessageKey::Message { .. } => 0,
            }
        }
        fn layouts(&self) -> &'static [Layout] {
            &QUEUE_MESSAGE_LAYOUTS
        }
    }
    impl fmt::Display for QueueMessageKey {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write_key(f, self)
        }
    }
    pub(super) static QUEUE_MESSAGE_LAYOUTS: [Layout; 1] = [
        Layout {
            name: "message",
            doc: "A queued message.",
            segments: &[Segment::field("queue_id", SegmentKind::U64)],
            value: ValueForm::Archive,
            value_lengths: 0xfffffffffffffffe,
            long: true,
            ..Layout::PLAIN
        },
    ];
    /// `subspaces.queue_message`
    pub(super) const QUEUE_MESSAGE: Subspace = Subspace {
        version: 1,
        letter: 'e',
        name: "queue_message",
        title: "Outbound queue messages",
        doc: "Envelopes and state of messages that are to be delivered.",
        source: "crates/store/src/write/key.rs @ v0.15.5",
        family: Some("queue"),
        no_family: None,
        store_group: StoreGroup::Data,
        server_export: true,
        server_import: false,
        derived: false,
        settings: false,
        value: ValueKind::Bytes,
        fresh: FreshRule::Refuse,
        layouts: &QUEUE_MESSAGE_LAYOUTS,
        tables: &TABLES_E_BYTES,
        decode: QueueMessageKey::layout_of,
        accepts: |key, length| {
            let layout = &QUEUE_MESSAGE_LAYOUTS[QueueMessageKey::layout_of(key).ok()?];
            layout.takes(length).then_some(layout)
        },
    };
    /// Background task queue (`subspaces.task_queue`).
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum TaskQueueKey<'a> {
        /// Index an e-mail. (`subspaces.task_queue.layouts.index_email`)
        IndexEmail {
            /// When it is due.
            due: u64,
            /// Account that owns the record.
            account: u32,
            /// Document id within account and collection.
            document: u32,
            /// BLAKE3 of a blob.
            hash: &'a [u8; 32],
        },
        /// Train the filter with spam. (`subspaces.task_queue.layouts.train_spam`)
        TrainSpam {
            /// When it is due.
            due: u64,
            /// Account that owns the record.
            account: u32,
            /// Document id within account and collection.
            document: u32,
            /// BLAKE3 of a blob.
            hash: &'a [u8; 32],
        },
        /// Train the filter with ham. (`subspaces.task_queue.layouts.train_ham`)
        TrainHam {
            /// When it is due.
            due: u64,
            /// Account that owns the record.
            account: u32,
            /// Document id within account and collection.
            document: u32,
            /// BLAKE3 of a blob.
            hash: &'a [u8; 32],
        },
    }
    impl<'a> TaskQueueKey<'a> {
        /// Reads a key; every byte belongs to a field or is a constant.
        #[inline]
        pub fn decode(key: &'a [u8]) -> Result<Self, KeyError> {
            match key.len() {
                49 if codec::u8_at(key, 12) == 0x00 => {
                    Ok(TaskQueueKey::IndexEmail {
                        due: codec::u64_at(key, 0),
                        account: codec::u32_at(key, 8),
                        document: codec::u32_at(key, 13),
                        hash: codec::array_at(key, 17),
                    })
                }
                49 if codec::u8_at(key, 12) == 0x01 => {
                    Ok(TaskQueueKey::TrainSpam {
                        due: codec::u64_at(key, 0),
                        account: codec::u32_at(key, 8),
                        document: codec::u32_at(key, 13),
                        hash: codec::array_at(key, 17),
                    })
                }
                49 if codec::u8_at(key, 12) == 0x02 => {
                    Ok(TaskQueueKey::TrainHam {
                        due: codec::u64_at(key, 0),
                        account: codec::u32_at(key, 8),
                        document: codec::u32_at(key, 13),
                        hash: codec::array_at(key, 17),
                    })
                }
                _ => Err(KeyError::NoLayout),
            }
        }
        /// Index of the layout of a key, without reading its fields.
        #[inline]
        pub fn layout_of(key: &[u8]) -> Result<usize, KeyError> {
            match key.len() {
                49 if codec::u8_at(key, 12) == 0x00 => Ok(0),
                49 if codec::u8_at(key, 12) == 0x01 => Ok(1),
                49 if codec::u8_at(key, 12) == 0x02 => Ok(2),
                _ => Err(KeyError::NoLayout),
            }
        }
    }
    impl TypedKey for TaskQueueKey<'_> {
        fn encode(&self, out: &mut Vec<u8>) {
            match *self {
                TaskQueueKey::IndexEmail { due, account, document, hash } => {
                    out.extend_from_slice(&due.to_be_bytes());
                    out.extend_from_slice(&account.to_be_bytes());
                    out.extend_from_slice(&[0x00]);
                    out.extend_from_slice(&document.to_be_bytes());
                    out.extend_from_slice(hash);
                }
                TaskQueueKey::TrainSpam { due, account, document, hash } => {
                    out.extend_from_slice(&due.to_be_bytes());
                    out.extend_from_slice(&account.to_be_bytes());
                    out.extend_from_slice(&[0x01]);
                    out.extend_from_slice(&document.to_be_bytes());
                    out.extend_from_slice(hash);
                }
                TaskQueueKey::TrainHam { due, account, document, hash } => {
                    out.extend_from_slice(&due.to_be_bytes());
                    out.extend_from_slice(&account.to_be_bytes());
                    out.extend_from_slice(&[0x02]);
                    out.extend_from_slice(&document.to_be_bytes());
                    out.extend_from_slice(hash);
                }
            }
        }
        #[inline]
        fn layout(&self) -> usize {
            match self {
                TaskQueueKey::IndexEmail { .. } => 0,
                TaskQueueKey::TrainSpam { .. } => 1,
                TaskQueueKey::TrainHam { .. } => 2,
            }
        }
        fn layouts(&self) -> &'static [Layout] {
            &TASK_QUEUE_LAYOUTS
        }
    }
    impl fmt::Display for TaskQueueKey<'_> {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write_key(f, self)
        }
    }
    pub(super) static TASK_QUEUE_LAYOUTS: [Layout; 3] = [
        Layout {
            name: "index_email",
            doc: "Index an e-mail.",
            segments: &[
                Segment::field("due", SegmentKind::U64),
                Segment::field("account", SegmentKind::U32),
                Segment::constant(&[0x00]),
                Segment::field("document", SegmentKind::U32),
                Segment::field("hash", SegmentKind::Hash),
            ],
            value: ValueForm::Lengths(&[0, 8]),
            value_lengths: 0x101,
            ..Layout::PLAIN
        },
        Layout {
            name: "train_spam",
            doc: "Train the filter with spam.",
            segments: &[
                Segment::field("due", SegmentKind::U64),
                Segment::field("account", SegmentKind::U32),
                Segment::constant(&[0x01]),
                Segment::field("document", SegmentKind::U32),
                Segment::field("hash", SegmentKind::Hash),
            ],
            value: ValueForm::Empty,
            value_lengths: 0x01,
            ..Layout::PLAIN
        },
        Layout {
            name: "train_ham",
            doc: "Train the filter with ham.",
            segments: &[
                Segment::field("due", SegmentKind::U64),
                Segment::field("account", SegmentKind::U32),
                Segment::constant(&[0x02]),
                Segment::field("document", SegmentKind::U32),
                Segment::field("hash", SegmentKind::Hash),
            ],
            value: ValueForm::Empty,
            value_lengths: 0x01,
            ..Layout::PLAIN
        },
    ];
    /// `subspaces.task_queue`
    pub(super) const TASK_QUEUE: Subspace = Subspace {
        version: 1,
        letter: 'f',
        name: "task_queue",
        title: "Background task queue",
        doc: "Work the server has put off. `due` is a sequence number in version 1, unix seconds in versions 2 to 4, a task epoch in version 5.",
        source: "crates/store/src/write/key.rs @ v0.12.4, v0.12.5, v0.14.1, v0.15.5",
        family: None,
        no_family: Some("The server's own export leaves tasks out."),
        store_group: StoreGroup::Data,
        server_export: false,
        server_import: false,
        derived: false,
        settings: false,
        value: ValueKind::Bytes,
        fresh: FreshRule::Refuse,
        layouts: &TASK_QUEUE_LAYOUTS,
        tables: &TABLES_F_BYTES,
        decode: TaskQueueKey::layout_of,
        accepts: |key, length| {
            let layout = &TASK_QUEUE_LAYOUTS[TaskQueueKey::layout_of(key).ok()?];
            layout.takes(length).then_some(layout)
        },
    };
    /// Full-text postings (`subspaces.fts_index`).
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum FtsIndexKey<'a> {
        /// Postings of one word in one document. (`subspaces.fts_index.layouts.postings`)
        Postings {
            /// Account that owns the record.
            account: u32,
            /// The word or its hash.
            word: &'a [u8],
            /// Collection of the document.
            collection: u8,
            /// Document id within account and collection.
            document: u32,
        },
        /// Postings of a word without letters, which releases before 0.9.3 wrote. Nothing reads them.
        /// (`subspaces.fts_index.layouts.empty_word`)
        EmptyWord {
            /// Account that owns the record.
            account: u32,
            /// Collection of the document.
            collection: u8,
            /// Document id within account and collection.
            document: u32,
        },
    }
    impl<'a> FtsIndexKey<'a> {
        /// Reads a key; every byte belongs to a field or is a constant.
        #[inline]
        pub fn decode(key: &'a [u8]) -> Result<Self, KeyError> {
            match key.len() {
                len if len >= 10 && len <= 18
                    && codec::is_token_hash(codec::slice(key, 4, len - 5)) => {
                    Ok(FtsIndexKey::Postings {
                        account: codec::u32_at(key, 0),
                        word: codec::slice(key, 4, len - 5),
                        collection: codec::u8_at(key, len - 5),
                        document: codec::u32_at(key, len - 4),
                    })
                }
                9 => {
                    Ok(FtsIndexKey::EmptyWord {
                        account: codec::u32_at(key, 0),
                        collection: codec::u8_at(key, 4),
                        document: codec::u32_at(key, 5),
                    })
                }
                _ => Err(KeyError::NoLayout),
            }
        }
        /// Index of the layout of a key, without reading its fields.
        #[inline]
        pub fn layout_of(key: &[u8]) -> Result<usize, KeyError> {
            match key.len() {
                len if len >= 10 && len <= 18
                    && codec::is_token_hash(codec::slice(key, 4, len - 5)) => Ok(0),
                9 => Ok(1),
                _ => Err(KeyError::NoLayout),
            }
        }
    }
    impl TypedKey for FtsIndexKey<'_> {
        fn encode(&self, out: &mut Vec<u8>) {
            match *self {
                FtsIndexKey::Postings { account, word, collection, document } => {
                    out.extend_from_slice(&account.to_be_bytes());
                    out.extend_from_slice(word);
                    out.push(collection);
                    out.extend_from_slice(&document.to_be_bytes());
                }
                FtsIndexKey::EmptyWord { account, collection, document } => {
                    out.extend_from_slice(&account.to_be_bytes());
                    out.push(collection);
                    out.extend_from_slice(&document.to_be_bytes());
                }
            }
        }
        #[inline]
        fn layout(&self) -> usize {
            match self {
                FtsIndexKey::Postings { .. } => 0,
                FtsIndexKey::EmptyWord { .. } => 1,
            }
        }
        fn layouts(&self) -> &'static [Layout] {
            &FTS_INDEX_LAYOUTS
        }
    }
    impl fmt::Display for FtsIndexKey<'_> {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write_key(f, self)
        }
    }
    pub(super) static FTS_INDEX_LAYOUTS: [Layout; 2] = [
        Layout {
            name: "postings",
            doc: "Postings of one word in one document.",
            segments: &[
                Segment::field("account", SegmentKind::U32),
                Segment::field("word", SegmentKind::TokenHash),
                Segment::field("collection", SegmentKind::U8)
                    .named(&NAMES_COLLECTION_V1),
                Segment::field("document", SegmentKind::U32),
            ],
            long: true,
            ..Layout::PLAIN
        },
        Layout {
            name: "empty_word",
            doc: "Postings of a word without letters, which releases before 0.9.3 wrote. Nothing reads them.",
            segments: &[
                Segment::field("account", SegmentKind::U32),
                Segment::field("collection", SegmentKind::U8)
                    .named(&NAMES_COLLECTION_V1),
                Segment::field("document", SegmentKind::U32),
            ],
            long: true,
            ..Layout::PLAIN
        },
    ];
    /// `subspaces.fts_index`
    pub(super) const FTS_INDEX: Subspace = Subspace {
        version: 1,
        letter: 'g',
        name: "fts_index",
        title: "Full-text postings",
        doc: "Where a word occurs in a document.",
        source: "crates/store/src/fts/postings.rs, crates/store/src/write/hash.rs @ v0.14.1",
        family: Some("fts_index"),
        no_family: None,
        store_group: StoreGroup::Search,
        server_export: true,
        server_import: false,
        derived: false,
        settings: false,
        value: ValueKind::Bytes,
        fresh: FreshRule::Refuse,
        layouts: &FTS_INDEX_LAYOUTS,
        tables: &TABLES_G_BYTES,
        decode: FtsIndexKey::layout_of,
        accepts: |key, length| {
            let layout = &FTS_INDEX_LAYOUTS[FtsIndexKey::layout_of(key).ok()?];
            layout.takes(length).then_some(layout)
        },
    };
    /// Outgoing DMARC and TLS report data (`subspaces.report_out`).
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum ReportOutKey<'a> {
        /// A DMARC report. (`subspaces.report_out.layouts.dmarc_header`)
        DmarcHeader {
            /// When it is due.
            due: u64,
            /// Domain in UTF-8.
            domain: &'a [u8],
            /// Hash of the policy.
            policy: u64,
            /// Sequence number.
            sequence: u64,
        },
        /// A TLS report. (`subspaces.report_out.layouts.tls_header`)
        TlsHeader {
            /// When it is due.
            due: u64,
            /// Domain in UTF-8.
            domain: &'a [u8],
            /// Hash of the policy.
            policy: u64,
            /// Sequence number.
            sequence: u64,
        },
        /// An event of a DMARC report. (`subspaces.report_out.layouts.dmarc_event`)
        DmarcEvent {
            /// When it is due.
            due: u64,
            /// Domain in UTF-8.
            domain: &'a [u8],
            /// Hash of the policy.
            policy: u64,
            /// Sequence number.
            sequence: u64,
        },
        /// An event of a TLS report. (`subspaces.report_out.layouts.tls_event`)
        TlsEvent {
            /// When it is due.
            due: u64,
            /// Domain in UTF-8.
            domain: &'a [u8],
            /// Hash of the policy.
            policy: u64,
            /// Sequence number.
            sequence: u64,
        },
    }
    impl<'a> ReportOutKey<'a> {
        /// Reads a key; every byte belongs to a field or is a constant.
        #[inline]
        pub fn decode(key: &'a [u8]) -> Result<Self, KeyError> {
            match key.len() {
                len if len >= 26 && codec::u8_at(key, 0) == 0x00
                    && codec::u8_at(key, len - 1) == 0x00 => {
                    Ok(ReportOutKey::DmarcHeader {
                        due: codec::u64_at(key, 1),
                        domain: codec::slice(key, 9, len - 17),
                        policy: codec::u64_at(key, len - 17),
                        sequence: codec::u64_at(key, len - 9),
                    })
                }
                len if len >= 26 && codec::u8_at(key, 0) == 0x00
                    && codec::u8_at(key, len - 1) == 0x01 => {
                    Ok(ReportOutKey::TlsHeader {
                        due: codec::u64_at(key, 1),
                        domain: codec::slice(key, 9, len - 17),
                        policy: codec::u64_at(key, len - 17),
                        sequence: codec::u64_at(key, len - 9),
                    })
                }
                len if len >= 25 && codec::u8_at(key, 0) == 0x01 => {
                    Ok(ReportOutKey::DmarcEvent {
                        due: codec::u64_at(key, 1),
                        domain: codec::slice(key, 9, len - 16),
                        policy: codec::u64_at(key, len - 16),
                        sequence: codec::u64_at(key, len - 8),
                    })
                }
                len if len >= 25 && codec::u8_at(key, 0) == 0x02 => {
                    Ok(ReportOutKey::TlsEvent {
                        due: codec::u64_at(key, 1),
                        domain: codec::slice(key, 9, len - 16),
                        policy: codec::u64_at(key, len - 16),
                        sequence: codec::u64_at(key, len - 8),
                    })
                }
                _ => Err(KeyError::NoLayout),
            }
        }
        /// Index of the layout of a key, without reading its fields.
        #[inline]
        pub fn layout_of(key: &[u8]) -> Result<usize, KeyError> {
            match key.len() {
                len if len >= 26 && codec::u8_at(key, 0) == 0x00
                    && codec::u8_at(key, len - 1) == 0x00 => Ok(0),
                len if len >= 26 && codec::u8_at(key, 0) == 0x00
                    && codec::u8_at(key, len - 1) == 0x01 => Ok(1),
                len if len >= 25 && codec::u8_at(key, 0) == 0x01 => Ok(2),
                len if len >= 25 && codec::u8_at(key, 0) == 0x02 => Ok(3),
                _ => Err(KeyError::NoLayout),
            }
        }
    }
    impl TypedKey for ReportOutKey<'_> {
        fn encode(&self, out: &mut Vec<u8>) {
            match *self {
                ReportOutKey::DmarcHeader { due, domain, policy, sequence } => {
                    out.extend_from_slice(&[0x00]);
                    out.extend_from_slice(&due.to_be_bytes());
                    out.extend_from_slice(domain);
                    out.extend_from_slice(&policy.to_be_bytes());
                    out.extend_from_slice(&sequence.to_be_bytes());
                    out.extend_from_slice(&[0x00]);
                }
                ReportOutKey::TlsHeader { due, domain, policy, sequence } => {
                    out.extend_from_slice(&[0x00]);
                    out.extend_from_slice(&due.to_be_bytes());
                    out.extend_from_slice(domain);
                    out.extend_from_slice(&policy.to_be_bytes());
                    out.extend_from_slice(&sequence.to_be_bytes());
                    out.extend_from_slice(&[0x01]);
                }
                ReportOutKey::DmarcEvent { due, domain, policy, sequence } => {
                    out.extend_from_slice(&[0x01]);
                    out.extend_from_slice(&due.to_be_bytes());
                    out.extend_from_slice(domain);
                    out.extend_from_slice(&policy.to_be_bytes());
                    out.extend_from_slice(&sequence.to_be_bytes());
                }
                ReportOutKey::TlsEvent { due, domain, policy, sequence } => {
                    out.extend_from_slice(&[0x02]);
                    out.extend_from_slice(&due.to_be_bytes());
                    out.extend_from_slice(domain);
                    out.extend_from_slice(&policy.to_be_bytes());
                    out.extend_from_slice(&sequence.to_be_bytes());
                }
            }
        }
        #[inline]
        fn layout(&self) -> usize {
            match self {
                ReportOutKey::DmarcHeader { .. } => 0,
                ReportOutKey::TlsHeader { .. } => 1,
                ReportOutKey::DmarcEvent { .. } => 2,
                ReportOutKey::TlsEvent { .. } => 3,
            }
        }
        fn layouts(&self) -> &'static [Layout] {
            &REPORT_OUT_LAYOUTS
        }
    }
    impl fmt::Display for ReportOutKey<'_> {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write_key(f, self)
        }
    }
    pub(super) static REPORT_OUT_LAYOUTS: [Layout; 4] = [
        Layout {
            name: "dmarc_header",
            doc: "A DMARC report.",
            segments: &[
                Segment::constant(&[0x00]),
                Segment::field("due", SegmentKind::U64),
                Segment::field("domain", SegmentKind::Rest),
                Segment::field("policy", SegmentKind::U64),
                Segment::field("sequence", SegmentKind::U64),
                Segment::constant(&[0x00]),
            ],
            value: ValueForm::Archive,
            value_lengths: 0xfffffffffffffffe,
            long: true,
            ..Layout::PLAIN
        },
        Layout {
            name: "tls_header",
            doc: "A TLS report.",
            segments: &[
                Segment::constant(&[0x00]),
                Segment::field("due", SegmentKind::U64),
                Segment::field("domain", SegmentKind::Rest),
                Segment::field("policy", SegmentKind::U64),
                Segment::field("sequence", SegmentKind::U64),
                Segment::constant(&[0x01]),
            ],
            value: ValueForm::Archive,
            value_lengths: 0xfffffffffffffffe,
            long: true,
            ..Layout::PLAIN
        },
        Layout {
            name: "dmarc_event",
            doc: "An event of a DMARC report.",
            segments: &[
                Segment::constant(&[0x01]),
                Segment::field("due", SegmentKind::U64),
                Segment::field("domain", SegmentKind::Rest),
                Segment::field("policy", SegmentKind::U64),
                Segment::field("sequence", SegmentKind::U64),
            ],
            value: ValueForm::Archive,
            value_lengths: 0xfffffffffffffffe,
            long: true,
            ..Layout::PLAIN
        },
        Layout {
            name: "tls_event",
            doc: "An event of a TLS report.",
            segments: &[
                Segment::constant(&[0x02]),
                Segment::field("due", SegmentKind::U64),
                Segment::field("domain", SegmentKind::Rest),
                Segment::field("policy", SegmentKind::U64),
                Segment::field("sequence", SegmentKind::U64),
            ],
            value: ValueForm::Archive,
            value_lengths: 0xfffffffffffffffe,
            long: true,
            ..Layout::PLAIN
        },
    ];
    /// `subspaces.report_out`
    pub(super) const REPORT_OUT: Subspace = Subspace {
        version: 1,
        letter: 'h',
        name: "report_out",
        title: "Outgoing DMARC and TLS report data",
        doc: "Reports that are being collected, with their events.",
        source: "crates/store/src/write/key.rs @ v0.15.5",
        family: None,
        no_family: Some("The server's own export leaves outgoing reports out."),
        store_group: StoreGroup::Data,
        server_export: false,
        server_import: false,
        derived: false,
        settings: false,
        value: ValueKind::Bytes,
        fresh: FreshRule::Refuse,
        layouts: &REPORT_OUT_LAYOUTS,
        tables: &TABLES_H_BYTES,
        decode: ReportOutKey::layout_of,
        accepts: |key, length| {
            let layout = &REPORT_OUT_LAYOUTS[ReportOutKey::layout_of(key).ok()?];
            layout.takes(length).then_some(layout)
        },
    };
    /// Document indexes (`subspaces.indexes`).
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum IndexesKey<'a> {
        /// One indexed value of a document, possibly empty. (`subspaces.indexes.layouts.index`)
        Index {
            /// Account that owns the record.
            account: u32,
            /// Collection of the document.
            collection: u8,
            /// Field id; what it means depends on the collection.
            field: u8,
            /// Indexed value; its form depends on the field.
            index_value: &'a [u8],
            /// Document id within account and collection.
            document: u32,
        },
    }
    impl<'a> IndexesKey<'a> {
        /// Reads a key; every byte belongs to a field or is a constant.
        #[inline]
        pub fn decode(key: &'a [u8]) -> Result<Self, KeyError> {
            match key.len() {
                len if len >= 10 => {
                    Ok(IndexesKey::Index {
                        account: codec::u32_at(key, 0),
                        collection: codec::u8_at(key, 4),
                        field: codec::u8_at(key, 5),
                        index_value: codec::slice(key, 6, len - 4),
                        document: codec::u32_at(key, len - 4),
                    })
                }
                _ => Err(KeyError::NoLayout),
            }
        }
        /// Index of the layout of a key, without reading its fields.
        #[inline]
        pub fn layout_of(key: &[u8]) -> Result<usize, KeyError> {
            match key.len() {
                len if len >= 10 => Ok(0),
                _ => Err(KeyError::NoLayout),
            }
        }
    }
    impl TypedKey for IndexesKey<'_> {
        fn encode(&self, out: &mut Vec<u8>) {
            match *self {
                IndexesKey::Index {
                    account,
                    collection,
                    field,
                    index_value,
                    document,
                } => {
                    out.extend_from_slice(&account.to_be_bytes());
                    out.push(collection);
                    out.push(field);
                    out.extend_from_slice(index_value);
                    out.extend_from_slice(&document.to_be_bytes());
                }
            }
        }
        #[inline]
        fn layout(&self) -> usize {
            match self {
                IndexesKey::Index { .. } => 0,
            }
        }
        fn layouts(&self) -> &'static [Layout] {
            &INDEXES_LAYOUTS
        }
    }
    impl fmt::Display for IndexesKey<'_> {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write_key(f, self)
        }
    }
    pub(super) static INDEXES_LAYOUTS: [Layout; 1] = [
        Layout {
            name: "index",
            doc: "One indexed value of a document, possibly empty.",
            segments: &[
                Segment::field("account", SegmentKind::U32),
                Segment::field("collection", SegmentKind::U8)
                    .named(&NAMES_COLLECTION_V1),
                Segment::field("field", SegmentKind::U8),
                Segment::field("index_value", SegmentKind::Rest),
                Segment::field("document", SegmentKind::U32),
            ],
            value: ValueForm::Empty,
            value_lengths: 0x01,
            ..Layout::PLAIN
        },
    ];
    /// `subspaces.indexes`
    pub(super) const INDEXES: Subspace = Subspace {
        version: 1,
        letter: 'i',
        name: "indexes",
        title: "Document indexes",
        doc: "Indexed values of documents. Fields are not limited to those the releases read.",
        source: "crates/store/src/write/key.rs, crates/types/src/field.rs @ v0.15.5",
        family: Some("index"),
        no_family: None,
        store_group: StoreGroup::Data,
        server_export: true,
        server_import: false,
        derived: false,
        settings: false,
        value: ValueKind::None,
        fresh: FreshRule::Refuse,
        layouts: &INDEXES_LAYOUTS,
        tables: &TABLES_I_NONE,
        decode: IndexesKey::layout_of,
        accepts: |key, length| {
            let layout = &INDEXES_LAYOUTS[IndexesKey::layout_of(key).ok()?];
            layout.takes(length).then_some(layout)
        },
    };
    /// Blob reservations (`subspaces.blob_reserve`).
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum BlobReserveKey<'a> {
        /// The blob is kept until then. (`subspaces.blob_reserve.layouts.reservation`)
        Reservation {
            /// Account that owns the record.
            account: u32,
            /// BLAKE3 of a blob.
            hash: &'a [u8; 32],
            /// When it ends, in unix seconds.
            until: u64,
        },
    }
    impl<'a> BlobReserveKey<'a> {
        /// Reads a key; every byte belongs to a field or is a constant.
        #[inline]
        pub fn decode(key: &'a [u8]) -> Result<Self, KeyError> {
            match key.len() {
                44 => {
                    Ok(BlobReserveKey::Reservation {
                        account: codec::u32_at(key, 0),
                        hash: codec::array_at(key, 4),
                        until: codec::u64_at(key, 36),
                    })
                }
                _ => Err(KeyError::NoLayout),
            }
        }
        /// Index of the layout of a key, without reading its fields.
        #[inline]
        pub fn layout_of(key: &[u8]) -> Result<usize, KeyError> {
            match key.len() {
                44 => Ok(0),
                _ => Err(KeyError::NoLayout),
            }
        }
    }
    impl TypedKey for BlobReserveKey<'_> {
        fn encode(&self, out: &mut Vec<u8>) {
            match *self {
                BlobReserveKey::Reservation { account, hash, until } => {
                    out.extend_from_slice(&account.to_be_bytes());
                    out.extend_from_slice(hash);
                    out.extend_from_slice(&until.to_be_bytes());
                }
            }
        }
        #[inline]
        fn layout(&self) -> usize {
            match self {
                BlobReserveKey::Reservation { .. } => 0,
            }
        }
        fn layouts(&self) -> &'static [Layout] {
            &BLOB_RESERVE_LAYOUTS
        }
    }
    impl fmt::Display for BlobReserveKey<'_> {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write_key(f, self)
        }
    }
    pub(super) static BLOB_RESERVE_LAYOUTS: [Layout; 1] = [
        Layout {
            name: "reservation",
            doc: "The blob is kept until then.",
            segments: &[
                Segment::field("account", SegmentKind::U32),
                Segment::field("hash", SegmentKind::Hash),
                Segment::field("until", SegmentKind::U64),
            ],
            value: ValueForm::Lengths(&[4, 13]),
            value_lengths: 0x2010,
            ..Layout::PLAIN
        },
    ];
    /// `subspaces.blob_reserve`
    pub(super) const BLOB_RESERVE: Subspace = Subspace {
        version: 1,
        letter: 'j',
        name: "blob_reserve",
        title: "Blob reservations",
        doc: "Blobs that no document links yet, upload quota, and deleted items that may be restored.",
        source: "crates/common/src/core.rs, crates/common/src/enterprise/undelete.rs @ v0.14.1",
        family: None,
        no_family: Some("The server's own export leaves blob reservations out."),
        store_group: StoreGroup::Data,
        server_export: false,
        server_import: false,
        derived: false,
        settings: false,
        value: ValueKind::Bytes,
        fresh: FreshRule::Refuse,
        layouts: &BLOB_RESERVE_LAYOUTS,
        tables: &TABLES_J_BYTES,
        decode: BlobReserveKey::layout_of,
        accepts: |key, length| {
            let layout = &BLOB_RESERVE_LAYOUTS[BlobReserveKey::layout_of(key).ok()?];
            layout.takes(length).then_some(layout)
        },
    };
    /// Blob links (`subspaces.blob_link`).
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum BlobLinkKey<'a> {
        /// The blob has been stored. (`subspaces.blob_link.layouts.commit`)
        Commit {
            /// BLAKE3 of a blob.
            hash: &'a [u8; 32],
        },
        /// Something that is no document uses the blob. (`subspaces.blob_link.layouts.id_link`)
        IdLink {
            /// BLAKE3 of a blob.
            hash: &'a [u8; 32],
            /// Upper half of its id.
            id_high: u32,
            /// Lower half of its id.
            id_low: u32,
        },
        /// A document uses the blob. (`subspaces.blob_link.layouts.document_link`)
        DocumentLink {
            /// BLAKE3 of a blob.
            hash: &'a [u8; 32],
            /// Account that owns the record.
            account: u32,
            /// Collection of the document.
            collection: u8,
            /// Document id within account and collection.
            document: u32,
        },
    }
    impl<'a> BlobLinkKey<'a> {
        /// Reads a key; every byte belongs to a field or is a constant.
        #[inline]
        pub fn decode(key: &'a [u8]) -> Result<Self, KeyError> {
            match key.len() {
                41 if codec::has(
                    key,
                    32,
                    &[0xff, 0xff, 0xff, 0xff, 0x00, 0xff, 0xff, 0xff, 0xff],
                ) => {
                    Ok(BlobLinkKey::Commit {
                        hash: codec::array_at(key, 0),
                    })
                }
                41 if codec::u8_at(key, 36) == 0xff => {
                    Ok(BlobLinkKey::IdLink {
                        hash: codec::array_at(key, 0),
                        id_high: codec::u32_at(key, 32),
                        id_low: codec::u32_at(key, 37),
                    })
                }
                41 if codec::u8_at(key, 36) <= 254 => {
                    Ok(BlobLinkKey::DocumentLink {
                        hash: codec::array_at(key, 0),
                        account: codec::u32_at(key, 32),
                        collection: codec::u8_at(key, 36),
                        document: codec::u32_at(key, 37),
                    })
                }
                _ => Err(KeyError::NoLayout),
            }
        }
        /// Index of the layout of a key, without reading its fields.
        #[inline]
        pub fn layout_of(key: &[u8]) -> Result<usize, KeyError> {
            match key.len() {
                41 if codec::has(
                    key,
                    32,
                    &[0xff, 0xff, 0xff, 0xff, 0x00, 0xff, 0xff, 0xff, 0xff],
                ) => Ok(0),
                41 if codec::u8_at(key, 36) == 0xff => Ok(1),
                41 if codec::u8_at(key, 36) <= 254 => Ok(2),
                _ => Err(KeyError::NoLayout),
            }
        }
    }
    impl TypedKey for BlobLinkKey<'_> {
        fn encode(&self, out: &mut Vec<u8>) {
            match *self {
                BlobLinkKey::Commit { hash } => {
                    out.extend_from_slice(hash);
                    out.extend_from_slice(
                        &[0xff, 0xff, 0xff, 0xff, 0x00, 0xff, 0xff, 0xff, 0xff],
                    );
                }
                BlobLinkKey::IdLink { hash, id_high, id_low } => {
                    out.extend_from_slice(hash);
                    out.extend_from_slice(&id_high.to_be_bytes());
                    out.extend_from_slice(&[0xff]);
                    out.extend_from_slice(&id_low.to_be_bytes());
                }
                BlobLinkKey::DocumentLink { hash, account, collection, document } => {
                    out.extend_from_slice(hash);
                    out.extend_from_slice(&account.to_be_bytes());
                    out.push(collection);
                    out.extend_from_slice(&document.to_be_bytes());
                }
            }
        }
        #[inline]
        fn layout(&self) -> usize {
            match self {
                BlobLinkKey::Commit { .. } => 0,
                BlobLinkKey::IdLink { .. } => 1,
                BlobLinkKey::DocumentLink { .. } => 2,
            }
        }
        fn layouts(&self) -> &'static [Layout] {
            &BLOB_LINK_LAYOUTS
        }
    }
    impl fmt::Display for BlobLinkKey<'_> {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write_key(f, self)
        }
    }
    pub(super) static BLOB_LINK_LAYOUTS: [Layout; 3] = [
        Layout {
            name: "commit",
            doc: "The blob has been stored.",
            segments: &[
                Segment::field("hash", SegmentKind::Hash),
                Segment::constant(
                    &[0xff, 0xff, 0xff, 0xff, 0x00, 0xff, 0xff, 0xff, 0xff],
                ),
            ],
            value: ValueForm::Empty,
            value_lengths: 0x01,
            commit: true,
            blob_link: Some(0),
            shares: &[2],
            ..Layout::PLAIN
        },
        Layout {
            name: "id_link",
            doc: "Something that is no document uses the blob.",
            segments: &[
                Segment::field("hash", SegmentKind::Hash),
                Segment::field("id_high", SegmentKind::U32),
                Segment::constant(&[0xff]),
                Segment::field("id_low", SegmentKind::U32),
            ],
            value: ValueForm::Empty,
            value_lengths: 0x01,
            blob_link: Some(0),
            ..Layout::PLAIN
        },
        Layout {
            name: "document_link",
            doc: "A document uses the blob.",
            segments: &[
                Segment::field("hash", SegmentKind::Hash),
                Segment::field("account", SegmentKind::U32),
                Segment::field("collection", SegmentKind::U8)
                    .within(&[(0, 254)])
                    .named(&NAMES_COLLECTION_V1),
                Segment::field("document", SegmentKind::U32),
            ],
            value: ValueForm::Empty,
            value_lengths: 0x01,
            blob_link: Some(0),
            ..Layout::PLAIN
        },
    ];
    /// `subspaces.blob_link`
    pub(super) const BLOB_LINK: Subspace = Subspace {
        version: 1,
        letter: 'k',
        name: "blob_link",
        title: "Blob links",
        doc: "Which blobs exist and what uses them.",
        source: "crates/store/src/write/key.rs @ v0.14.1",
        family: Some("blob"),
        no_family: None,
        store_group: StoreGroup::Data,
        server_export: true,
        server_import: false,
        derived: false,
        settings: false,
        value: ValueKind::Bytes,
        fresh: FreshRule::Refuse,
        layouts: &BLOB_LINK_LAYOUTS,
        tables: &TABLES_K_BYTES,
        decode: BlobLinkKey::layout_of,
        accepts: |key, length| {
            let layout = &BLOB_LINK_LAYOUTS[BlobLinkKey::layout_of(key).ok()?];
            layout.takes(length).then_some(layout)
        },
    };
    /// Change log (`subspaces.logs`).
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum LogsKey {
        /// Ids that one change touched. (`subspaces.logs.layouts.change`)
        Change {
            /// Account that owns the record.
            account: u32,
            /// Collection whose changes these are.
            sync_collection: u8,
            /// Change id, ascending within the account.
            change: u64,
        },
        /// Names or ids of what one change removed. (`subspaces.logs.layouts.vanished`)
        Vanished {
            /// Account that owns the record.
            account: u32,
            /// Collection whose changes these are.
            sync_collection: u8,
            /// Change id, ascending within the account.
            change: u64,
        },
    }
    impl LogsKey {
        /// Reads a key; every byte belongs to a field or is a constant.
        #[inline]
        pub fn decode(key: &[u8]) -> Result<Self, KeyError> {
            match key.len() {
                13 if codec::u8_at(key, 4) <= 8 => {
                    Ok(LogsKey::Change {
                        account: codec::u32_at(key, 0),
                        sync_collection: codec::u8_at(key, 4),
                        change: codec::u64_at(key, 5),
                    })
                }
                13 if (codec::u8_at(key, 4) >= 251 && codec::u8_at(key, 4) <= 254) => {
                    Ok(LogsKey::Vanished {
                        account: codec::u32_at(key, 0),
                        sync_collection: codec::u8_at(key, 4),
                        change: codec::u64_at(key, 5),
                    })
                }
                _ => Err(KeyError::NoLayout),
            }
        }
        /// Index of the layout of a key, without reading its fields.
        #[inline]
        pub fn layout_of(key: &[u8]) -> Result<usize, KeyError> {
            match key.len() {
                13 if codec::u8_at(key, 4) <= 8 => Ok(0),
                13 if (codec::u8_at(key, 4) >= 251 && codec::u8_at(key, 4) <= 254) => {
                    Ok(1)
                }
                _ => Err(KeyError::NoLayout),
            }
        }
    }
    impl TypedKey for LogsKey {
        fn encode(&self, out: &mut Vec<u8>) {
            match *self {
                LogsKey::Change { account, sync_collection, change } => {
                    out.extend_from_slice(&account.to_be_bytes());
                    out.push(sync_collection);
                    out.extend_from_slice(&change.to_be_bytes());
                }
                LogsKey::Vanished { account, sync_collection, change } => {
                    out.extend_from_slice(&account.to_be_bytes());
                    out.push(sync_collection);
                    out.extend_from_slice(&change.to_be_bytes());
                }
            }
        }
        #[inline]
        fn layout(&self) -> usize {
            match self {
                LogsKey::Change { .. } => 0,
                LogsKey::Vanished { .. } => 1,
            }
        }
        fn layouts(&self) -> &'static [Layout] {
            &LOGS_LAYOUTS
        }
    }
    impl fmt::Display for LogsKey {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write_key(f, self)
        }
    }
    pub(super) static LOGS_LAYOUTS: [Layout; 2] = [
        Layout {
            name: "change",
            doc: "Ids that one change touched.",
            segments: &[
                Segment::field("account", SegmentKind::U32),
                Segment::field("sync_collection", SegmentKind::U8)
                    .within(&[(0, 8)])
                    .named(&NAMES_SYNC_COLLECTION_V1),
                Segment::field("change", SegmentKind::U64),
            ],
            value: ValueForm::Changes,
            ..Layout::PLAIN
        },
        Layout {
            name: "vanished",
            doc: "Names or ids of what one change removed.",
            segments: &[
                Segment::field("account", SegmentKind::U32),
                Segment::field("sync_collection", SegmentKind::U8)
                    .within(&[(251, 254)])
                    .named(&NAMES_SYNC_COLLECTION_V1),
                Segment::field("change", SegmentKind::U64),
            ],
            ..Layout::PLAIN
        },
    ];
    /// `subspaces.logs`
    pub(super) const LOGS: Subspace = Subspace {
        version: 1,
        letter: 'l',
        name: "logs",
        title: "Change log",
        doc: "What changed in an account, for clients that synchronise.",
        source: "crates/store/src/write/log.rs, crates/store/src/write/key.rs @ v0.14.1, v0.15.5",
        family: Some("log"),
        no_family: None,
        store_group: StoreGroup::Data,
        server_export: true,
        server_import: false,
        derived: false,
        settings: false,
        value: ValueKind::Bytes,
        fresh: FreshRule::Refuse,
        layouts: &LOGS_LAYOUTS,
        tables: &TABLES_L_BYTES_LOGS,
        decode: LogsKey::layout_of,
        accepts: |key, length| {
            let layout = &LOGS_LAYOUTS[LogsKey::layout_of(key).ok()?];
            layout.takes(length).then_some(layout)
        },
    };
    /// In-memory store values (`subspaces.in_memory_value`).
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum InMemoryValueKey<'a> {
        /// A value of the server's own. (`subspaces.in_memory_value.layouts.value`)
        Value {
            /// What the server uses the key for.
            usage: u8,
            /// Name within the usage.
            name: &'a [u8],
        },
        /// A value of a lookup store that the administrator filled.
        /// (`subspaces.in_memory_value.layouts.lookup`)
        Lookup {
            /// Name in the lookup store.
            name: &'a [u8],
        },
    }
    impl<'a> InMemoryValueKey<'a> {
        /// Reads a key; every byte belongs to a field or is a constant.
        #[inline]
        pub fn decode(key: &'a [u8]) -> Result<Self, KeyError> {
            match key.len() {
                len if len >= 1 && codec::u8_at(key, 0) <= 31 => {
                    Ok(InMemoryValueKey::Value {
                        usage: codec::u8_at(key, 0),
                        name: codec::slice(key, 1, len),
                    })
                }
                len if len >= 1 => {
                    Ok(InMemoryValueKey::Lookup {
                        name: codec::slice(key, 0, len),
                    })
                }
                _ => Err(KeyError::NoLayout),
            }
        }
        /// Index of the layout of a key, without reading its fields.
        #[inline]
        pub fn layout_of(key: &[u8]) -> Result<usize, KeyError> {
            match key.len() {
                len if len >= 1 && codec::u8_at(key, 0) <= 31 => Ok(0),
                len if len >= 1 => Ok(1),
                _ => Err(KeyError::NoLayout),
            }
        }
    }
    impl TypedKey for InMemoryValueKey<'_> {
        fn encode(&self, out: &mut Vec<u8>) {
            match *self {
                InMemoryValueKey::Value { usage, name } => {
                    out.push(usage);
                    out.extend_from_slice(name);
                }
                InMemoryValueKey::Lookup { name } => {
                    out.extend_from_slice(name);
                }
            }
        }
        #[inline]
        fn layout(&self) -> usize {
            match self {
                InMemoryValueKey::Value { .. } => 0,
                InMemoryValueKey::Lookup { .. } => 1,
            }
        }
        fn layouts(&self) -> &'static [Layout] {
            &IN_MEMORY_VALUE_LAYOUTS
        }
    }
    impl fmt::Display for InMemoryValueKey<'_> {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write_key(f, self)
        }
    }
    pub(super) static IN_MEMORY_VALUE_LAYOUTS: [Layout; 2] = [
        Layout {
            name: "value",
            doc: "A value of the server's own.",
            segments: &[
                Segment::field("usage", SegmentKind::U8)
                    .within(&[(0, 31)])
                    .named(&NAMES_IN_MEMORY_USAGE),
                Segment::field("name", SegmentKind::Rest),
            ],
            long: true,
            shares: &[1],
            ..Layout::PLAIN
        },
        Layout {
            name: "lookup",
            doc: "A value of a lookup store that the administrator filled.",
            segments: &[Segment::field("name", SegmentKind::Rest)],
            long: true,
            ..Layout::PLAIN
        },
    ];
    /// `subspaces.in_memory_value`
    pub(super) const IN_MEMORY_VALUE: Subspace = Subspace {
        version: 1,
        letter: 'm',
        name: "in_memory_value",
        title: "In-memory store values",
        doc: "Locks, tokens and other values that expire by themselves; up to version 4 also spam training.",
        source: "crates/common/src/lib.rs @ v0.12.0, v0.16.18",
        family: Some("lookup"),
        no_family: None,
        store_group: StoreGroup::Lookup,
        server_export: true,
        server_import: false,
        derived: false,
        settings: false,
        value: ValueKind::Bytes,
        fresh: FreshRule::Clear,
        layouts: &IN_MEMORY_VALUE_LAYOUTS,
        tables: &TABLES_M_BYTES,
        decode: InMemoryValueKey::layout_of,
        accepts: |key, length| {
            let layout = &IN_MEMORY_VALUE_LAYOUTS[InMemoryValueKey::layout_of(key)
                .ok()?];
            layout.takes(length).then_some(layout)
        },
    };
    /// Document, change and mailbox counters (`subspaces.counter`).
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum CounterKey {
        /// Last change id of an account. (`subspaces.counter.layouts.change_id`)
        ChangeId {
            /// Account that owns the record.
            account: u32,
        },
        /// Last document id of a collection. (`subspaces.counter.layouts.document_id`)
        DocumentId {
            /// Account that owns the record.
            account: u32,
            /// Collection of the document.
            collection: u8,
        },
        /// Last IMAP UID of a mailbox. (`subspaces.counter.layouts.mailbox_uid`)
        MailboxUid {
            /// Account that owns the record.
            account: u32,
            /// Document id of the mailbox.
            mailbox: u32,
        },
    }
    impl CounterKey {
        /// Reads a key; every byte belongs to a field or is a constant.
        #[inline]
        pub fn decode(key: &[u8]) -> Result<Self, KeyError> {
            match key.len() {
                4 => {
                    Ok(CounterKey::ChangeId {
                        account: codec::u32_at(key, 0),
                    })
                }
                5 if codec::u8_at(key, 4) <= 253 => {
                    Ok(CounterKey::DocumentId {
                        account: codec::u32_at(key, 0),
                        collection: codec::u8_at(key, 4),
                    })
                }
                10 if codec::has(key, 4, &[0x01, 0x54]) => {
                    Ok(CounterKey::MailboxUid {
                        account: codec::u32_at(key, 0),
                        mailbox: codec::u32_at(key, 6),
                    })
                }
                _ => Err(KeyError::NoLayout),
            }
        }
        /// Index of the layout of a key, without reading its fields.
        #[inline]
        pub fn layout_of(key: &[u8]) -> Result<usize, KeyError> {
            match key.len() {
                4 => Ok(0),
                5 if codec::u8_at(key, 4) <= 253 => Ok(1),
                10 if codec::has(key, 4, &[0x01, 0x54]) => Ok(2),
                _ => Err(KeyError::NoLayout),
            }
        }
    }
    impl TypedKey for CounterKey {
        fn encode(&self, out: &mut Vec<u8>) {
            match *self {
                CounterKey::ChangeId { account } => {
                    out.extend_from_slice(&account.to_be_bytes());
                }
                CounterKey::DocumentId { account, collection } => {
                    out.extend_from_slice(&account.to_be_bytes());
                    out.push(collection);
                }
                CounterKey::MailboxUid { account, mailbox } => {
                    out.extend_from_slice(&account.to_be_bytes());
                    out.extend_from_slice(&[0x01, 0x54]);
                    out.extend_from_slice(&mailbox.to_be_bytes());
                }
            }
        }
        #[inline]
        fn layout(&self) -> usize {
            match self {
                CounterKey::ChangeId { .. } => 0,
                CounterKey::DocumentId { .. } => 1,
                CounterKey::MailboxUid { .. } => 2,
            }
        }
        fn layouts(&self) -> &'static [Layout] {
            &COUNTER_LAYOUTS
        }
    }
    impl fmt::Display for CounterKey {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write_key(f, self)
        }
    }
    pub(super) static COUNTER_LAYOUTS: [Layout; 3] = [
        Layout {
            name: "change_id",
            doc: "Last change id of an account.",
            segments: &[Segment::field("account", SegmentKind::U32)],
            value_lengths: 0x100,
            ..Layout::PLAIN
        },
        Layout {
            name: "document_id",
            doc: "Last document id of a collection.",
            segments: &[
                Segment::field("account", SegmentKind::U32),
                Segment::field("collection", SegmentKind::U8)
                    .within(&[(0, 253)])
                    .named(&NAMES_COLLECTION_V1),
            ],
            value_lengths: 0x100,
            ..Layout::PLAIN
        },
        Layout {
            name: "mailbox_uid",
            doc: "Last IMAP UID of a mailbox.",
            segments: &[
                Segment::field("account", SegmentKind::U32),
                Segment::constant(&[0x01, 0x54]),
                Segment::field("mailbox", SegmentKind::U32),
            ],
            value_lengths: 0x100,
            ..Layout::PLAIN
        },
    ];
    /// `subspaces.counter`
    pub(super) const COUNTER: Subspace = Subspace {
        version: 1,
        letter: 'n',
        name: "counter",
        title: "Document, change and mailbox counters",
        doc: "The last id handed out, by kind. In version 6 also disk usage.",
        source: "crates/store/src/write/key.rs, crates/store/src/dispatch/store.rs @ v0.15.5, v0.16.18",
        family: Some("property"),
        no_family: None,
        store_group: StoreGroup::Data,
        server_export: true,
        server_import: false,
        derived: false,
        settings: false,
        value: ValueKind::Counter,
        fresh: FreshRule::Refuse,
        layouts: &COUNTER_LAYOUTS,
        tables: &TABLES_N_COUNTER,
        decode: CounterKey::layout_of,
        accepts: |key, length| {
            let layout = &COUNTER_LAYOUTS[CounterKey::layout_of(key).ok()?];
            layout.takes(length).then_some(layout)
        },
    };
    /// Stored traces (`subspaces.telemetry_span`).
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum TelemetrySpanKey {
        /// The events of a trace. (`subspaces.telemetry_span.layouts.span`)
        Span {
            /// Id of the trace.
            span: u64,
        },
    }
    impl TelemetrySpanKey {
        /// Reads a key; every byte belongs to a field or is a constant.
        #[inline]
        pub fn decode(key: &[u8]) -> Result<Self, KeyError> {
            match key.len() {
                8 => {
                    Ok(TelemetrySpanKey::Span {
                        span: codec::u64_at(key, 0),
                    })
                }
                _ => Err(KeyError::NoLayout),
            }
        }
        /// Index of the layout of a key, without reading its fields.
        #[inline]
        pub fn layout_of(key: &[u8]) -> Result<usize, KeyError> {
            match key.len() {
                8 => Ok(0),
                _ => Err(KeyError::NoLayout),
            }
        }
    }
    impl TypedKey for TelemetrySpanKey {
        fn encode(&self, out: &mut Vec<u8>) {
            match *self {
                TelemetrySpanKey::Span { span } => {
                    out.extend_from_slice(&span.to_be_bytes());
                }
            }
        }
        #[inline]
        fn layout(&self) -> usize {
            match self {
                TelemetrySpanKey::Span { .. } => 0,
            }
        }
        fn layouts(&self) -> &'static [Layout] {
            &TELEMETRY_SPAN_LAYOUTS
        }
    }
    impl fmt::Display for TelemetrySpanKey {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write_key(f, self)
        }
    }
    pub(super) static TELEMETRY_SPAN_LAYOUTS: [Layout; 1] = [
        Layout {
            name: "span",
            doc: "The events of a trace.",
            segments: &[Segment::field("span", SegmentKind::U64)],
            long: true,
            ..Layout::PLAIN
        },
    ];
    /// `subspaces.telemetry_span`
    pub(super) const TELEMETRY_SPAN: Subspace = Subspace {
        version: 1,
        letter: 'o',
        name: "telemetry_span",
        title: "Stored traces",
        doc: "What happened, event by event.",
        source: "crates/trc/src/serializers/binary.rs @ v0.15.5",
        family: None,
        no_family: Some("The server's own export leaves traces out."),
        store_group: StoreGroup::Telemetry,
        server_export: false,
        server_import: false,
        derived: false,
        settings: false,
        value: ValueKind::Bytes,
        fresh: FreshRule::Refuse,
        layouts: &TELEMETRY_SPAN_LAYOUTS,
        tables: &TABLES_O_BYTES,
        decode: TelemetrySpanKey::layout_of,
        accepts: |key, length| {
            let layout = &TELEMETRY_SPAN_LAYOUTS[TelemetrySpanKey::layout_of(key).ok()?];
            layout.takes(length).then_some(layout)
        },
    };
    /// Object properties (`subspaces.property`).
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum PropertyKey {
        /// The schema version of the store. (`subspaces.property.layouts.schema_version`)
        SchemaVersion {},
        /// One field of a document. (`subspaces.property.layouts.property`)
        Property {
            /// Account that owns the record.
            account: u32,
            /// Collection of the document.
            collection: u8,
            /// Field id; what it means depends on the collection.
            field: u8,
            /// Document id within account and collection.
            document: u32,
        },
    }
    impl PropertyKey {
        /// Reads a key; every byte belongs to a field or is a constant.
        #[inline]
        pub fn decode(key: &[u8]) -> Result<Self, KeyError> {
            match key.len() {
                1 if codec::u8_at(key, 0) == 0x00 => Ok(PropertyKey::SchemaVersion {}),
                10 => {
                    Ok(PropertyKey::Property {
                        account: codec::u32_at(key, 0),
                        collection: codec::u8_at(key, 4),
                        field: codec::u8_at(key, 5),
                        document: codec::u32_at(key, 6),
                    })
                }
                _ => Err(KeyError::NoLayout),
            }
        }
        /// Index of the layout of a key, without reading its fields.
        #[inline]
        pub fn layout_of(key: &[u8]) -> Result<usize, KeyError> {
            match key.len() {
                1 if codec::u8_at(key, 0) == 0x00 => Ok(0),
                10 => Ok(1),
                _ => Err(KeyError::NoLayout),
            }
        }
    }
    impl TypedKey for PropertyKey {
        fn encode(&self, out: &mut Vec<u8>) {
            match *self {
                PropertyKey::SchemaVersion {} => {
                    out.extend_from_slice(&[0x00]);
                }
                PropertyKey::Property { account, collection, field, document } => {
                    out.extend_from_slice(&account.to_be_bytes());
                    out.push(collection);
                    out.push(field);
                    out.extend_from_slice(&document.to_be_bytes());
                }
            }
        }
        #[inline]
        fn layout(&self) -> usize {
            match self {
                PropertyKey::SchemaVersion { .. } => 0,
                PropertyKey::Property { .. } => 1,
            }
        }
        fn layouts(&self) -> &'static [Layout] {
            &PROPERTY_LAYOUTS
        }
    }
    impl fmt::Display for PropertyKey {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write_key(f, self)
        }
    }
    pub(super) static PROPERTY_LAYOUTS: [Layout; 2] = [
        Layout {
            name: "schema_version",
            doc: "The schema version of the store.",
            segments: &[Segment::constant(&[0x00])],
            value: ValueForm::Lengths(&[4]),
            value_lengths: 0x10,
            schema_version: true,
            fresh: Some(FreshRule::Clear),
            fixed_key: Some(&[0x00]),
            ..Layout::PLAIN
        },
        Layout {
            name: "property",
            doc: "One field of a document.",
            segments: &[
                Segment::field("account", SegmentKind::U32),
                Segment::field("collection", SegmentKind::U8)
                    .named(&NAMES_COLLECTION_V1),
                Segment::field("field", SegmentKind::U8),
                Segment::field("document", SegmentKind::U32),
            ],
            archives: &[
                &[(2, &[(50, 50)])],
                &[(1, &[(0, 0)]), (2, &[(71, 71)])],
                &[(1, &[(7, 7)]), (2, &[(44, 46)])],
            ],
            long: true,
            ..Layout::PLAIN
        },
    ];
    /// `subspaces.property`
    pub(super) const PROPERTY: Subspace = Subspace {
        version: 1,
        letter: 'p',
        name: "property",
        title: "Object properties",
        doc: "The documents themselves, archived, and values that belong to them.",
        source: "crates/store/src/write/key.rs, crates/types/src/field.rs @ v0.12.0, v0.15.5, v0.16.18, crates/jmap/src/push/set.rs, crates/jmap/src/participant_identity/set.rs @ v0.14.1, v0.15.5, v0.16.18, crates/http/src/management/crypto.rs @ v0.12.0, v0.15.5, crates/email/src/submission/index.rs @ v0.15.5, v0.16.16, v0.16.17",
        family: Some("property"),
        no_family: None,
        store_group: StoreGroup::Data,
        server_export: true,
        server_import: false,
        derived: false,
        settings: false,
        value: ValueKind::Bytes,
        fresh: FreshRule::Refuse,
        layouts: &PROPERTY_LAYOUTS,
        tables: &TABLES_P_BYTES,
        decode: PropertyKey::layout_of,
        accepts: |key, length| {
            let layout = &PROPERTY_LAYOUTS[PropertyKey::layout_of(key).ok()?];
            layout.takes(length).then_some(layout)
        },
    };
    /// Queue events (`subspaces.queue_event`).
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum QueueEventKey {
        /// A message is due. (`subspaces.queue_event.layouts.event`)
        Event {
            /// When it is due.
            due: u64,
            /// Id of the queued message.
            queue_id: u64,
        },
    }
    impl QueueEventKey {
        /// Reads a key; every byte belongs to a field or is a constant.
        #[inline]
        pub fn decode(key: &[u8]) -> Result<Self, KeyError> {
            match key.len() {
                16 => {
                    Ok(QueueEventKey::Event {
                        due: codec::u64_at(key, 0),
                        queue_id: codec::u64_at(key, 8),
                    })
                }
                _ => Err(KeyError::NoLayout),
            }
        }
        /// Index of the layout of a key, without reading its fields.
        #[inline]
        pub fn layout_of(key: &[u8]) -> Result<usize, KeyError> {
            match key.len() {
                16 => Ok(0),
                _ => Err(KeyError::NoLayout),
            }
        }
    }
    impl TypedKey for QueueEventKey {
        fn encode(&self, out: &mut Vec<u8>) {
            match *self {
                QueueEventKey::Event { due, queue_id } => {
                    out.extend_from_slice(&due.to_be_bytes());
                    out.extend_from_slice(&queue_id.to_be_bytes());
                }
            }
        }
        #[inline]
        fn layout(&self) -> usize {
            match self {
                QueueEventKey::Event { .. } => 0,
            }
        }
        fn layouts(&self) -> &'static [Layout] {
            &QUEUE_EVENT_LAYOUTS
        }
    }
    impl fmt::Display for QueueEventKey {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write_key(f, self)
        }
    }
    pub(super) static QUEUE_EVENT_LAYOUTS: [Layout; 1] = [
        Layout {
            name: "event",
            doc: "A message is due.",
            segments: &[
                Segment::field("due", SegmentKind::U64),
                Segment::field("queue_id", SegmentKind::U64),
            ],
            value: ValueForm::Lengths(&[0, 8]),
            value_lengths: 0x101,
            ..Layout::PLAIN
        },
    ];
    /// `subspaces.queue_event`
    pub(super) const QUEUE_EVENT: Subspace = Subspace {
        version: 1,
        letter: 'q',
        name: "queue_event",
        title: "Queue events",
        doc: "When a queued message is due.",
        source: "crates/store/src/write/key.rs @ v0.12.5",
        family: Some("queue"),
        no_family: None,
        store_group: StoreGroup::Data,
        server_export: true,
        server_import: false,
        derived: false,
        settings: false,
        value: ValueKind::Bytes,
        fresh: FreshRule::Refuse,
        layouts: &QUEUE_EVENT_LAYOUTS,
        tables: &TABLES_Q_BYTES,
        decode: QueueEventKey::layout_of,
        accepts: |key, length| {
            let layout = &QUEUE_EVENT_LAYOUTS[QueueEventKey::layout_of(key).ok()?];
            layout.takes(length).then_some(layout)
        },
    };
    /// Incoming DMARC, TLS and ARF reports (`subspaces.report_in`).
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum ReportInKey {
        /// A TLS report. (`subspaces.report_in.layouts.tls`)
        Tls {
            /// When it expires, in unix seconds.
            expires: u64,
            /// Id of the object.
            id: u64,
        },
        /// A DMARC report. (`subspaces.report_in.layouts.dmarc`)
        Dmarc {
            /// When it expires, in unix seconds.
            expires: u64,
            /// Id of the object.
            id: u64,
        },
        /// An ARF report. (`subspaces.report_in.layouts.arf`)
        Arf {
            /// When it expires, in unix seconds.
            expires: u64,
            /// Id of the object.
            id: u64,
        },
    }
    impl ReportInKey {
        /// Reads a key; every byte belongs to a field or is a constant.
        #[inline]
        pub fn decode(key: &[u8]) -> Result<Self, KeyError> {
            match key.len() {
                17 if codec::u8_at(key, 0) == 0x00 => {
                    Ok(ReportInKey::Tls {
                        expires: codec::u64_at(key, 1),
                        id: codec::u64_at(key, 9),
                    })
                }
                17 if codec::u8_at(key, 0) == 0x01 => {
                    Ok(ReportInKey::Dmarc {
                        expires: codec::u64_at(key, 1),
                        id: codec::u64_at(key, 9),
                    })
                }
                17 if codec::u8_at(key, 0) == 0x02 => {
                    Ok(ReportInKey::Arf {
                        expires: codec::u64_at(key, 1),
                        id: codec::u64_at(key, 9),
                    })
                }
                _ => Err(KeyError::NoLayout),
            }
        }
        /// Index of the layout of a key, without reading its fields.
        #[inline]
        pub fn layout_of(key: &[u8]) -> Result<usize, KeyError> {
            match key.len() {
                17 if codec::u8_at(key, 0) == 0x00 => Ok(0),
                17 if codec::u8_at(key, 0) == 0x01 => Ok(1),
                17 if codec::u8_at(key, 0) == 0x02 => Ok(2),
                _ => Err(KeyError::NoLayout),
            }
        }
    }
    impl TypedKey for ReportInKey {
        fn encode(&self, out: &mut Vec<u8>) {
            match *self {
                ReportInKey::Tls { expires, id } => {
                    out.extend_from_slice(&[0x00]);
                    out.extend_from_slice(&expires.to_be_bytes());
                    out.extend_from_slice(&id.to_be_bytes());
                }
                ReportInKey::Dmarc { expires, id } => {
                    out.extend_from_slice(&[0x01]);
                    out.extend_from_slice(&expires.to_be_bytes());
                    out.extend_from_slice(&id.to_be_bytes());
                }
                ReportInKey::Arf { expires, id } => {
                    out.extend_from_slice(&[0x02]);
                    out.extend_from_slice(&expires.to_be_bytes());
                    out.extend_from_slice(&id.to_be_bytes());
                }
            }
        }
        #[inline]
        fn layout(&self) -> usize {
            match self {
                ReportInKey::Tls { .. } => 0,
                ReportInKey::Dmarc { .. } => 1,
                ReportInKey::Arf { .. } => 2,
            }
        }
        fn layouts(&self) -> &'static [Layout] {
            &REPORT_IN_LAYOUTS
        }
    }
    impl fmt::Display for ReportInKey {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write_key(f, self)
        }
    }
    pub(super) static REPORT_IN_LAYOUTS: [Layout; 3] = [
        Layout {
            name: "tls",
            doc: "A TLS report.",
            segments: &[
                Segment::constant(&[0x00]),
                Segment::field("expires", SegmentKind::U64),
                Segment::field("id", SegmentKind::U64),
            ],
            value: ValueForm::Archive,
            value_lengths: 0xfffffffffffffffe,
            long: true,
            ..Layout::PLAIN
        },
        Layout {
            name: "dmarc",
            doc: "A DMARC report.",
            segments: &[
                Segment::constant(&[0x01]),
                Segment::field("expires", SegmentKind::U64),
                Segment::field("id", SegmentKind::U64),
            ],
            value: ValueForm::Archive,
            value_lengths: 0xfffffffffffffffe,
            long: true,
            ..Layout::PLAIN
        },
        Layout {
            name: "arf",
            doc: "An ARF report.",
            segments: &[
                Segment::constant(&[0x02]),
                Segment::field("expires", SegmentKind::U64),
                Segment::field("id", SegmentKind::U64),
            ],
            value: ValueForm::Archive,
            value_lengths: 0xfffffffffffffffe,
            long: true,
            ..Layout::PLAIN
        },
    ];
    /// `subspaces.report_in`
    pub(super) const REPORT_IN: Subspace = Subspace {
        version: 1,
        letter: 'r',
        name: "report_in",
        title: "Incoming DMARC, TLS and ARF reports",
        doc: "Reports that others sent.",
        source: "crates/store/src/write/key.rs @ v0.15.5",
        family: None,
        no_family: Some("The server's own export leaves incoming reports out."),
        store_group: StoreGroup::Data,
        server_export: false,
        server_import: false,
        derived: false,
        settings: false,
        value: ValueKind::Bytes,
        fresh: FreshRule::Refuse,
        layouts: &REPORT_IN_LAYOUTS,
        tables: &TABLES_R_BYTES,
        decode: ReportInKey::layout_of,
        accepts: |key, length| {
            let layout = &REPORT_IN_LAYOUTS[ReportInKey::layout_of(key).ok()?];
            layout.takes(length).then_some(layout)
        },
    };
    /// Configuration settings (`subspaces.settings`).
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum SettingsKey<'a> {
        /// One setting. (`subspaces.settings.layouts.setting`)
        Setting {
            /// Dotted name in UTF-8.
            name: &'a [u8],
        },
    }
    impl<'a> SettingsKey<'a> {
        /// Reads a key; every byte belongs to a field or is a constant.
        #[inline]
        pub fn decode(key: &'a [u8]) -> Result<Self, KeyError> {
            match key.len() {
                len if len >= 1 => {
                    Ok(SettingsKey::Setting {
                        name: codec::slice(key, 0, len),
                    })
                }
                _ => Err(KeyError::NoLayout),
            }
        }
        /// Index of the layout of a key, without reading its fields.
        #[inline]
        pub fn layout_of(key: &[u8]) -> Result<usize, KeyError> {
            match key.len() {
                len if len >= 1 => Ok(0),
                _ => Err(KeyError::NoLayout),
            }
        }
    }
    impl TypedKey for SettingsKey<'_> {
        fn encode(&self, out: &mut Vec<u8>) {
            match *self {
                SettingsKey::Setting { name } => {
                    out.extend_from_slice(name);
                }
            }
        }
        #[inline]
        fn layout(&self) -> usize {
            match self {
                SettingsKey::Setting { .. } => 0,
            }
        }
        fn layouts(&self) -> &'static [Layout] {
            &SETTINGS_LAYOUTS
        }
    }
    impl fmt::Display for SettingsKey<'_> {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write_key(f, self)
        }
    }
    pub(super) static SETTINGS_LAYOUTS: [Layout; 1] = [
        Layout {
            name: "setting",
            doc: "One setting.",
            segments: &[Segment::field("name", SegmentKind::Rest)],
            long: true,
            ..Layout::PLAIN
        },
    ];
    /// `subspaces.settings`
    pub(super) const SETTINGS: Subspace = Subspace {
        version: 1,
        letter: 's',
        name: "settings",
        title: "Configuration settings",
        doc: "Settings that are kept in the database.",
        source: "crates/store/src/write/key.rs @ v0.15.5",
        family: Some("config"),
        no_family: None,
        store_group: StoreGroup::Data,
        server_export: true,
        server_import: false,
        derived: false,
        settings: true,
        value: ValueKind::Bytes,
        fresh: FreshRule::Save,
        layouts: &SETTINGS_LAYOUTS,
        tables: &TABLES_S_BYTES,
        decode: SettingsKey::layout_of,
        accepts: |key, length| {
            let layout = &SETTINGS_LAYOUTS[SettingsKey::layout_of(key).ok()?];
            layout.takes(length).then_some(layout)
        },
    };
    /// Blobs (`subspaces.blobs`).
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum BlobsKey<'a> {
        /// The content of something. (`subspaces.blobs.layouts.content`)
        Content {
            /// BLAKE3 of the content.
            hash: &'a [u8; 32],
        },
        /// Bundle of the web administration. An upgrade to version 6 leaves it.
        /// (`subspaces.blobs.layouts.webadmin`)
        Webadmin {},
    }
    impl<'a> BlobsKey<'a> {
        /// Reads a key; every byte belongs to a field or is a constant.
        #[inline]
        pub fn decode(key: &'a [u8]) -> Result<Self, KeyError> {
            match key.len() {
                32 => {
                    Ok(BlobsKey::Content {
                        hash: codec::array_at(key, 0),
                    })
                }
                17 if codec::has(
                    key,
                    0,
                    &[
                        0x53, 0x54, 0x41, 0x4c, 0x57, 0x41, 0x52, 0x54, 0x5f, 0x57, 0x45,
                        0x42, 0x41, 0x44, 0x4d, 0x49, 0x4e,
                    ],
                ) => Ok(BlobsKey::Webadmin {}),
                _ => Err(KeyError::NoLayout),
            }
        }
        /// Index of the layout of a key, without reading its fields.
        #[inline]
        pub fn layout_of(key: &[u8]) -> Result<usize, KeyError> {
            match key.len() {
                32 => Ok(0),
                17 if codec::has(
                    key,
                    0,
                    &[
                        0x53, 0x54, 0x41, 0x4c, 0x57, 0x41, 0x52, 0x54, 0x5f, 0x57, 0x45,
                        0x42, 0x41, 0x44, 0x4d, 0x49, 0x4e,
                    ],
                ) => Ok(1),
                _ => Err(KeyError::NoLayout),
            }
        }
    }
    impl TypedKey for BlobsKey<'_> {
        fn encode(&self, out: &mut Vec<u8>) {
            match *self {
                BlobsKey::Content { hash } => {
                    out.extend_from_slice(hash);
                }
                BlobsKey::Webadmin {} => {
                    out.extend_from_slice(
                        &[
                            0x53, 0x54, 0x41, 0x4c, 0x57, 0x41, 0x52, 0x54, 0x5f, 0x57,
                            0x45, 0x42, 0x41, 0x44, 0x4d, 0x49, 0x4e,
                        ],
                    );
                }
            }
        }
        #[inline]
        fn layout(&self) -> usize {
            match self {
                BlobsKey::Content { .. } => 0,
                BlobsKey::Webadmin { .. } => 1,
            }
        }
        fn layouts(&self) -> &'static [Layout] {
            &BLOBS_LAYOUTS
        }
    }
    impl fmt::Display for BlobsKey<'_> {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write_key(f, self)
        }
    }
    pub(super) static BLOBS_LAYOUTS: [Layout; 2] = [
        Layout {
            name: "content",
            doc: "The content of something.",
            segments: &[Segment::field("hash", SegmentKind::Hash)],
            long: true,
            content_hash: true,
            ..Layout::PLAIN
        },
        Layout {
            name: "webadmin",
            doc: "Bundle of the web administration. An upgrade to version 6 leaves it.",
            segments: &[
                Segment::constant(
                    &[
                        0x53, 0x54, 0x41, 0x4c, 0x57, 0x41, 0x52, 0x54, 0x5f, 0x57, 0x45,
                        0x42, 0x41, 0x44, 0x4d, 0x49, 0x4e,
                    ],
                ),
            ],
            long: true,
            fresh: Some(FreshRule::Clear),
            fixed_key: Some(
                &[
                    0x53, 0x54, 0x41, 0x4c, 0x57, 0x41, 0x52, 0x54, 0x5f, 0x57, 0x45,
                    0x42, 0x41, 0x44, 0x4d, 0x49, 0x4e,
                ],
            ),
            ..Layout::PLAIN
        },
    ];
    /// `subspaces.blobs`
    pub(super) const BLOBS: Subspace = Subspace {
        version: 1,
        letter: 't',
        name: "blobs",
        title: "Blobs",
        doc: "Contents of messages and files, where the blob store is the data store.",
        source: "crates/store/src/dispatch/blob.rs, crates/common/src/manager/mod.rs @ v0.14.1, v0.15.5, v0.16.18",
        family: Some("blob"),
        no_family: None,
        store_group: StoreGroup::Blob,
        server_export: true,
        server_import: false,
        derived: false,
        settings: false,
        value: ValueKind::Blob,
        fresh: FreshRule::Refuse,
        layouts: &BLOBS_LAYOUTS,
        tables: &TABLES_T_BLOB,
        decode: BlobsKey::layout_of,
        accepts: |key, length| {
            let layout = &BLOBS_LAYOUTS[BlobsKey::layout_of(key).ok()?];
            layout.takes(length).then_some(layout)
        },
    };
    /// Quota counters (`subspaces.quota`).
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum QuotaKey<'a> {
        /// Messages in the queue under one quota. (`subspaces.quota.layouts.queue_count`)
        QueueCount {
            /// BLAKE3 of the quota's terms.
            quota: &'a [u8],
        },
        /// Bytes in the queue under one quota. (`subspaces.quota.layouts.queue_size`)
        QueueSize {
            /// BLAKE3 of the quota's terms.
            quota: &'a [u8],
        },
        /// Bytes a user or tenant uses. (`subspaces.quota.layouts.disk_usage`)
        DiskUsage {
            /// Id of the principal.
            principal: u32,
        },
    }
    impl<'a> QuotaKey<'a> {
        /// Reads a key; every byte belongs to a field or is a constant.
        #[inline]
        pub fn decode(key: &'a [u8]) -> Result<Self, KeyError> {
            match key.len() {
                len if len >= 1 && codec::u8_at(key, 0) == 0x00 => {
                    Ok(QuotaKey::QueueCount {
                        quota: codec::slice(key, 1, len),
                    })
                }
                len if len >= 1 && codec::u8_at(key, 0) == 0x01 => {
                    Ok(QuotaKey::QueueSize {
                        quota: codec::slice(key, 1, len),
                    })
                }
                len if len >= 2 && len <= 6 && codec::u8_at(key, 0) == 0x04
                    && codec::leb32_end(key, 1) == len => {
                    Ok(QuotaKey::DiskUsage {
                        principal: codec::leb32_at(key, 1),
                    })
                }
                _ => Err(KeyError::NoLayout),
            }
        }
        /// Index of the layout of a key, without reading its fields.
        #[inline]
        pub fn layout_of(key: &[u8]) -> Result<usize, KeyError> {
            match key.len() {
                len if len >= 1 && codec::u8_at(key, 0) == 0x00 => Ok(0),
                len if len >= 1 && codec::u8_at(key, 0) == 0x01 => Ok(1),
                len if len >= 2 && len <= 6 && codec::u8_at(key, 0) == 0x04
                    && codec::leb32_end(key, 1) == len => Ok(2),
                _ => Err(KeyError::NoLayout),
            }
        }
    }
    impl TypedKey for QuotaKey<'_> {
        fn encode(&self, out: &mut Vec<u8>) {
            match *self {
                QuotaKey::QueueCount { quota } => {
                    out.extend_from_slice(&[0x00]);
                    out.extend_from_slice(quota);
                }
                QuotaKey::QueueSize { quota } => {
                    out.extend_from_slice(&[0x01]);
                    out.extend_from_slice(quota);
                }
                QuotaKey::DiskUsage { principal } => {
                    out.extend_from_slice(&[0x04]);
                    codec::put_leb128(out, u64::from(principal));
                }
            }
        }
        #[inline]
        fn layout(&self) -> usize {
            match self {
                QuotaKey::QueueCount { .. } => 0,
                QuotaKey::QueueSize { .. } => 1,
                QuotaKey::DiskUsage { .. } => 2,
            }
        }
        fn layouts(&self) -> &'static [Layout] {
            &QUOTA_LAYOUTS
        }
    }
    impl fmt::Display for QuotaKey<'_> {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write_key(f, self)
        }
    }
    pub(super) static QUOTA_LAYOUTS: [Layout; 3] = [
        Layout {
            name: "queue_count",
            doc: "Messages in the queue under one quota.",
            segments: &[
                Segment::constant(&[0x00]),
                Segment::field("quota", SegmentKind::Rest),
            ],
            value_lengths: 0x100,
            ..Layout::PLAIN
        },
        Layout {
            name: "queue_size",
            doc: "Bytes in the queue under one quota.",
            segments: &[
                Segment::constant(&[0x01]),
                Segment::field("quota", SegmentKind::Rest),
            ],
            value_lengths: 0x100,
            ..Layout::PLAIN
        },
        Layout {
            name: "disk_usage",
            doc: "Bytes a user or tenant uses.",
            segments: &[
                Segment::constant(&[0x04]),
                Segment::field("principal", SegmentKind::Leb32),
            ],
            value_lengths: 0x100,
            ..Layout::PLAIN
        },
    ];
    /// `subspaces.quota`
    pub(super) const QUOTA: Subspace = Subspace {
        version: 1,
        letter: 'u',
        name: "quota",
        title: "Quota counters",
        doc: "Queue quotas, and up to version 5 disk usage.",
        source: "crates/store/src/write/key.rs, crates/smtp/src/core/throttle.rs @ v0.15.5",
        family: Some("directory"),
        no_family: None,
        store_group: StoreGroup::Data,
        server_export: true,
        server_import: false,
        derived: false,
        settings: false,
        value: ValueKind::Counter,
        fresh: FreshRule::Refuse,
        layouts: &QUOTA_LAYOUTS,
        tables: &TABLES_U_COUNTER,
        decode: QuotaKey::layout_of,
        accepts: |key, length| {
            let layout = &QUOTA_LAYOUTS[QuotaKey::layout_of(key).ok()?];
            layout.takes(length).then_some(layout)
        },
    };
    /// Text-token bitmap (`subspaces.bitmap_text`).
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum BitmapTextKey<'a> {
        /// The document holds the word; bit 7 of the field marks stemmed words.
        /// (`subspaces.bitmap_text.layouts.token`)
        Token {
            /// Account that owns the record.
            account: u32,
            /// The word or its hash.
            word: &'a [u8],
            /// Collection of the document.
            collection: u8,
            /// Field id; what it means depends on the collection.
            field: u8,
            /// Document id within account and collection.
            document: u32,
        },
    }
    impl<'a> BitmapTextKey<'a> {
        /// Reads a key; every byte belongs to a field or is a constant.
        #[inline]
        pub fn decode(key: &'a [u8]) -> Result<Self, KeyError> {
            match key.len() {
                len if len >= 11 && len <= 19
                    && codec::is_token_hash(codec::slice(key, 4, len - 6)) => {
                    Ok(BitmapTextKey::Token {
                        account: codec::u32_at(key, 0),
                        word: codec::slice(key, 4, len - 6),
                        collection: codec::u8_at(key, len - 6),
                        field: codec::u8_at(key, len - 5),
                        document: codec::u32_at(key, len - 4),
                    })
                }
                _ => Err(KeyError::NoLayout),
            }
        }
        /// Index of the layout of a key, without reading its fields.
        #[inline]
        pub fn layout_of(key: &[u8]) -> Result<usize, KeyError> {
            match key.len() {
                len if len >= 11 && len <= 19
                    && codec::is_token_hash(codec::slice(key, 4, len - 6)) => Ok(0),
                _ => Err(KeyError::NoLayout),
            }
        }
    }
    impl TypedKey for BitmapTextKey<'_> {
        fn encode(&self, out: &mut Vec<u8>) {
            match *self {
                BitmapTextKey::Token { account, word, collection, field, document } => {
                    out.extend_from_slice(&account.to_be_bytes());
                    out.extend_from_slice(word);
                    out.push(collection);
                    out.push(field);
                    out.extend_from_slice(&document.to_be_bytes());
                }
            }
        }
        #[inline]
        fn layout(&self) -> usize {
            match self {
                BitmapTextKey::Token { .. } => 0,
            }
        }
        fn layouts(&self) -> &'static [Layout] {
            &BITMAP_TEXT_LAYOUTS
        }
    }
    impl fmt::Display for BitmapTextKey<'_> {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write_key(f, self)
        }
    }
    pub(super) static BITMAP_TEXT_LAYOUTS: [Layout; 1] = [
        Layout {
            name: "token",
            doc: "The document holds the word; bit 7 of the field marks stemmed words.",
            segments: &[
                Segment::field("account", SegmentKind::U32),
                Segment::field("word", SegmentKind::TokenHash),
                Segment::field("collection", SegmentKind::U8)
                    .named(&NAMES_COLLECTION_V1),
                Segment::field("field", SegmentKind::U8),
                Segment::field("document", SegmentKind::U32),
            ],
            value: ValueForm::Empty,
            value_lengths: 0x01,
            ..Layout::PLAIN
        },
    ];
    /// `subspaces.bitmap_text`
    pub(super) const BITMAP_TEXT: Subspace = Subspace {
        version: 1,
        letter: 'v',
        name: "bitmap_text",
        title: "Text-token bitmap",
        doc: "Which documents hold a word in a field. Left by releases up to 0.11; none of these versions writes it.",
        source: "crates/store/src/write/key.rs, crates/store/src/write/hash.rs @ v0.14.1, crates/jmap-proto/src/object/index.rs @ v0.11.8",
        family: Some("bitmap"),
        no_family: None,
        store_group: StoreGroup::Search,
        server_export: true,
        server_import: false,
        derived: false,
        settings: false,
        value: ValueKind::None,
        fresh: FreshRule::Refuse,
        layouts: &BITMAP_TEXT_LAYOUTS,
        tables: &TABLES_V_NONE,
        decode: BitmapTextKey::layout_of,
        accepts: |key, length| {
            let layout = &BITMAP_TEXT_LAYOUTS[BitmapTextKey::layout_of(key).ok()?];
            layout.takes(length).then_some(layout)
        },
    };
    /// Trace search index (`subspaces.telemetry_index`).
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum TelemetryIndexKey<'a> {
        /// A trace holds the value. (`subspaces.telemetry_index.layouts.index`)
        Index {
            /// Event type, queue id or text.
            index_value: &'a [u8],
            /// Id of the trace.
            span: u64,
        },
    }
    impl<'a> TelemetryIndexKey<'a> {
        /// Reads a key; every byte belongs to a field or is a constant.
        #[inline]
        pub fn decode(key: &'a [u8]) -> Result<Self, KeyError> {
            match key.len() {
                len if len >= 8 => {
                    Ok(TelemetryIndexKey::Index {
                        index_value: codec::slice(key, 0, len - 8),
                        span: codec::u64_at(key, len - 8),
                    })
                }
                _ => Err(KeyError::NoLayout),
            }
        }
        /// Index of the layout of a key, without reading its fields.
        #[inline]
        pub fn layout_of(key: &[u8]) -> Result<usize, KeyError> {
            match key.len() {
                len if len >= 8 => Ok(0),
                _ => Err(KeyError::NoLayout),
            }
        }
    }
    impl TypedKey for TelemetryIndexKey<'_> {
        fn encode(&self, out: &mut Vec<u8>) {
            match *self {
                TelemetryIndexKey::Index { index_value, span } => {
                    out.extend_from_slice(index_value);
                    out.extend_from_slice(&span.to_be_bytes());
                }
            }
        }
        #[inline]
        fn layout(&self) -> usize {
            match self {
                TelemetryIndexKey::Index { .. } => 0,
            }
        }
        fn layouts(&self) -> &'static [Layout] {
            &TELEMETRY_INDEX_LAYOUTS
        }
    }
    impl fmt::Display for TelemetryIndexKey<'_> {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write_key(f, self)
        }
    }
    pub(super) static TELEMETRY_INDEX_LAYOUTS: [Layout; 1] = [
        Layout {
            name: "index",
            doc: "A trace holds the value.",
            segments: &[
                Segment::field("index_value", SegmentKind::Rest),
                Segment::field("span", SegmentKind::U64),
            ],
            value: ValueForm::Empty,
            value_lengths: 0x01,
            ..Layout::PLAIN
        },
    ];
    /// `subspaces.telemetry_index`
    pub(super) const TELEMETRY_INDEX: Subspace = Subspace {
        version: 1,
        letter: 'w',
        name: "telemetry_index",
        title: "Trace search index",
        doc: "Traces by what occurs in them.",
        source: "crates/store/src/write/key.rs @ v0.14.1",
        family: None,
        no_family: Some("The server's own export leaves the trace index out."),
        store_group: StoreGroup::Telemetry,
        server_export: false,
        server_import: false,
        derived: false,
        settings: false,
        value: ValueKind::Bytes,
        fresh: FreshRule::Refuse,
        layouts: &TELEMETRY_INDEX_LAYOUTS,
        tables: &TABLES_W_BYTES,
        decode: TelemetryIndexKey::layout_of,
        accepts: |key, length| {
            let layout = &TELEMETRY_INDEX_LAYOUTS[TelemetryIndexKey::layout_of(key)
                .ok()?];
            layout.takes(length).then_some(layout)
        },
    };
    /// Stored metrics (`subspaces.telemetry_metric`).
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum TelemetryMetricKey {
        /// One metric of one node at one time. (`subspaces.telemetry_metric.layouts.metric`)
        Metric {
            /// Unix seconds.
            time: u64,
            /// Metric code, shifted left by two, or its type.
            metric: u64,
            /// Number of the cluster node.
            node: u64,
        },
    }
    impl TelemetryMetricKey {
        /// Reads a key; every byte belongs to a field or is a constant.
        #[inline]
        pub fn decode(key: &[u8]) -> Result<Self, KeyError> {
            match key.len() {
                len if len >= 10 && len <= 28
                    && codec::leb64_end(key, codec::leb64_end(key, 8)) == len => {
                    Ok(TelemetryMetricKey::Metric {
                        time: codec::u64_at(key, 0),
                        metric: codec::leb64_at(key, 8),
                        node: codec::leb64_at(key, codec::leb64_end(key, 8)),
                    })
                }
                _ => Err(KeyError::NoLayout),
            }
        }
        /// Index of the layout of a key, without reading its fields.
        #[inline]
        pub fn layout_of(key: &[u8]) -> Result<usize, KeyError> {
            match key.len() {
                len if len >= 10 && len <= 28
                    && codec::leb64_end(key, codec::leb64_end(key, 8)) == len => Ok(0),
                _ => Err(KeyError::NoLayout),
            }
        }
    }
    impl TypedKey for TelemetryMetricKey {
        fn encode(&self, out: &mut Vec<u8>) {
            match *self {
                TelemetryMetricKey::Metric { time, metric, node } => {
                    out.extend_from_slice(&time.to_be_bytes());
                    codec::put_leb128(out, metric);
                    codec::put_leb128(out, node);
                }
            }
        }
        #[inline]
        fn layout(&self) -> usize {
            match self {
                TelemetryMetricKey::Metric { .. } => 0,
            }
        }
        fn layouts(&self) -> &'static [Layout] {
            &TELEMETRY_METRIC_LAYOUTS
        }
    }
    impl fmt::Display for TelemetryMetricKey {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write_key(f, self)
        }
    }
    pub(super) static TELEMETRY_METRIC_LAYOUTS: [Layout; 1] = [
        Layout {
            name: "metric",
            doc: "One metric of one node at one time.",
            segments: &[
                Segment::field("time", SegmentKind::U64),
                Segment::field("metric", SegmentKind::Leb64),
                Segment::field("node", SegmentKind::Leb64),
            ],
            ..Layout::PLAIN
        },
    ];
    /// `subspaces.telemetry_metric`
    pub(super) const TELEMETRY_METRIC: Subspace = Subspace {
        version: 1,
        letter: 'x',
        name: "telemetry_metric",
        title: "Stored metrics",
        doc: "Metrics over time.",
        source: "crates/store/src/write/key.rs @ v0.15.5",
        family: None,
        no_family: Some("The server's own export leaves metrics out."),
        store_group: StoreGroup::Telemetry,
        server_export: false,
        server_import: false,
        derived: false,
        settings: false,
        value: ValueKind::Bytes,
        fresh: FreshRule::Refuse,
        layouts: &TELEMETRY_METRIC_LAYOUTS,
        tables: &TABLES_X_BYTES,
        decode: TelemetryMetricKey::layout_of,
        accepts: |key, length| {
            let layout = &TELEMETRY_METRIC_LAYOUTS[TelemetryMetricKey::layout_of(key)
                .ok()?];
            layout.takes(length).then_some(layout)
        },
    };
    /// In-memory store counters (`subspaces.in_memory_counter`).
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum InMemoryCounterKey<'a> {
        /// A counter of the server's own. (`subspaces.in_memory_counter.layouts.count`)
        Count {
            /// What the server uses the key for.
            usage: u8,
            /// Name within the usage.
            name: &'a [u8],
        },
        /// A counter of a lookup store that the administrator filled.
        /// (`subspaces.in_memory_counter.layouts.lookup`)
        Lookup {
            /// Name in the lookup store.
            name: &'a [u8],
        },
    }
    impl<'a> InMemoryCounterKey<'a> {
        /// Reads a key; every byte belongs to a field or is a constant.
        #[inline]
        pub fn decode(key: &'a [u8]) -> Result<Self, KeyError> {
            match key.len() {
                len if len >= 1 && codec::u8_at(key, 0) <= 31 => {
                    Ok(InMemoryCounterKey::Count {
                        usage: codec::u8_at(key, 0),
                        name: codec::slice(key, 1, len),
                    })
                }
                len if len >= 1 => {
                    Ok(InMemoryCounterKey::Lookup {
                        name: codec::slice(key, 0, len),
                    })
                }
                _ => Err(KeyError::NoLayout),
            }
        }
        /// Index of the layout of a key, without reading its fields.
        #[inline]
        pub fn layout_of(key: &[u8]) -> Result<usize, KeyError> {
            match key.len() {
                len if len >= 1 && codec::u8_at(key, 0) <= 31 => Ok(0),
                len if len >= 1 => Ok(1),
                _ => Err(KeyError::NoLayout),
            }
        }
    }
    impl TypedKey for InMemoryCounterKey<'_> {
        fn encode(&self, out: &mut Vec<u8>) {
            match *self {
                InMemoryCounterKey::Count { usage, name } => {
                    out.push(usage);
                    out.extend_from_slice(name);
                }
                InMemoryCounterKey::Lookup { name } => {
                    out.extend_from_slice(name);
                }
            }
        }
        #[inline]
        fn layout(&self) -> usize {
            match self {
                InMemoryCounterKey::Count { .. } => 0,
                InMemoryCounterKey::Lookup { .. } => 1,
            }
        }
        fn layouts(&self) -> &'static [Layout] {
            &IN_MEMORY_COUNTER_LAYOUTS
        }
    }
    impl fmt::Display for InMemoryCounterKey<'_> {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write_key(f, self)
        }
    }
    pub(super) static IN_MEMORY_COUNTER_LAYOUTS: [Layout; 2] = [
        Layout {
            name: "count",
            doc: "A counter of the server's own.",
            segments: &[
                Segment::field("usage", SegmentKind::U8)
                    .within(&[(0, 31)])
                    .named(&NAMES_IN_MEMORY_USAGE),
                Segment::field("name", SegmentKind::Rest),
            ],
            value_lengths: 0x100,
            shares: &[1],
            ..Layout::PLAIN
        },
        Layout {
            name: "lookup",
            doc: "A counter of a lookup store that the administrator filled.",
            segments: &[Segment::field("name", SegmentKind::Rest)],
            value_lengths: 0x100,
            ..Layout::PLAIN
        },
    ];
    /// `subspaces.in_memory_counter`
    pub(super) const IN_MEMORY_COUNTER: Subspace = Subspace {
        version: 1,
        letter: 'y',
        name: "in_memory_counter",
        title: "In-memory store counters",
        doc: "Rate limits and other counters that expire by themselves; up to version 4 also spam training.",
        source: "crates/common/src/lib.rs @ v0.12.0, v0.16.18",
        family: Some("lookup"),
        no_family: None,
        store_group: StoreGroup::Lookup,
        server_export: true,
        server_import: false,
        derived: false,
        settings: false,
        value: ValueKind::Counter,
        fresh: FreshRule::Clear,
        layouts: &IN_MEMORY_COUNTER_LAYOUTS,
        tables: &TABLES_Y_COUNTER,
        decode: InMemoryCounterKey::layout_of,
        accepts: |key, length| {
            let layout = &IN_MEMORY_COUNTER_LAYOUTS[InMemoryCounterKey::layout_of(key)
                .ok()?];
            layout.takes(length).then_some(layout)
        },
    };
    /// A key of any subspace of schema version 1.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum Key<'a> {
        /// A key of subspace `a`.
        Acl(AclKey),
        /// A key of subspace `b`.
        BitmapId(BitmapIdKey),
        /// A key of subspace `c`.
        BitmapTag(BitmapTagKey<'a>),
        /// A key of subspace `d`.
        Directory(DirectoryKey<'a>),
        /// A key of subspace `e`.
        QueueMessage(QueueMessageKey),
        /// A key of subspace `f`.
        TaskQueue(TaskQueueKey<'a>),
        /// A key of subspace `g`.
        FtsIndex(FtsIndexKey<'a>),
        /// A key of subspace `h`.
        ReportOut(ReportOutKey<'a>),
        /// A key of subspace `i`.
        Indexes(IndexesKey<'a>),
        /// A key of subspace `j`.
        BlobReserve(BlobReserveKey<'a>),
        /// A key of subspace `k`.
        BlobLink(BlobLinkKey<'a>),
        /// A key of subspace `l`.
        Logs(LogsKey),
        /// A key of subspace `m`.
        InMemoryValue(InMemoryValueKey<'a>),
        /// A key of subspace `n`.
        Counter(CounterKey),
        /// A key of subspace `o`.
        TelemetrySpan(TelemetrySpanKey),
        /// A key of subspace `p`.
        Property(PropertyKey),
        /// A key of subspace `q`.
        QueueEvent(QueueEventKey),
        /// A key of subspace `r`.
        ReportIn(ReportInKey),
        /// A key of subspace `s`.
        Settings(SettingsKey<'a>),
        /// A key of subspace `t`.
        Blobs(BlobsKey<'a>),
        /// A key of subspace `u`.
        Quota(QuotaKey<'a>),
        /// A key of subspace `v`.
        BitmapText(BitmapTextKey<'a>),
        /// A key of subspace `w`.
        TelemetryIndex(TelemetryIndexKey<'a>),
        /// A key of subspace `x`.
        TelemetryMetric(TelemetryMetricKey),
        /// A key of subspace `y`.
        InMemoryCounter(InMemoryCounterKey<'a>),
    }
    impl<'a> Key<'a> {
        /// Reads a key of the subspace with this letter.
        pub fn decode(letter: char, key: &'a [u8]) -> Result<Self, KeyError> {
            match letter {
                'a' => Ok(Key::Acl(AclKey::decode(key)?)),
                'b' => Ok(Key::BitmapId(BitmapIdKey::decode(key)?)),
                'c' => Ok(Key::BitmapTag(BitmapTagKey::decode(key)?)),
                'd' => Ok(Key::Directory(DirectoryKey::decode(key)?)),
                'e' => Ok(Key::QueueMessage(QueueMessageKey::decode(key)?)),
                'f' => Ok(Key::TaskQueue(TaskQueueKey::decode(key)?)),
                'g' => Ok(Key::FtsIndex(FtsIndexKey::decode(key)?)),
                'h' => Ok(Key::ReportOut(ReportOutKey::decode(key)?)),
                'i' => Ok(Key::Indexes(IndexesKey::decode(key)?)),
                'j' => Ok(Key::BlobReserve(BlobReserveKey::decode(key)?)),
                'k' => Ok(Key::BlobLink(BlobLinkKey::decode(key)?)),
                'l' => Ok(Key::Logs(LogsKey::decode(key)?)),
                'm' => Ok(Key::InMemoryValue(InMemoryValueKey::decode(key)?)),
                'n' => Ok(Key::Counter(CounterKey::decode(key)?)),
                'o' => Ok(Key::TelemetrySpan(TelemetrySpanKey::decode(key)?)),
                'p' => Ok(Key::Property(PropertyKey::decode(key)?)),
                'q' => Ok(Key::QueueEvent(QueueEventKey::decode(key)?)),
                'r' => Ok(Key::ReportIn(ReportInKey::decode(key)?)),
                's' => Ok(Key::Settings(SettingsKey::decode(key)?)),
                't' => Ok(Key::Blobs(BlobsKey::decode(key)?)),
                'u' => Ok(Key::Quota(QuotaKey::decode(key)?)),
                'v' => Ok(Key::BitmapText(BitmapTextKey::decode(key)?)),
                'w' => Ok(Key::TelemetryIndex(TelemetryIndexKey::decode(key)?)),
                'x' => Ok(Key::TelemetryMetric(TelemetryMetricKey::decode(key)?)),
                'y' => Ok(Key::InMemoryCounter(InMemoryCounterKey::decode(key)?)),
                _ => Err(KeyError::NoSubspace),
            }
        }
        /// Letter of the subspace, and its key.
        pub fn parts(&self) -> (char, &dyn TypedKey) {
            match self {
                Key::Acl(key) => ('a', key),
                Key::BitmapId(key) => ('b', key),
                Key::BitmapTag(key) => ('c', key),
                Key::Directory(key) => ('d', key),
                Key::QueueMessage(key) => ('e', key),
                Key::TaskQueue(key) => ('f', key),
                Key::FtsIndex(key) => ('g', key),
                Key::ReportOut(key) => ('h', key),
                Key::Indexes(key) => ('i', key),
                Key::BlobReserve(key) => ('j', key),
                Key::BlobLink(key) => ('k', key),
                Key::Logs(key) => ('l', key),
                Key::InMemoryValue(key) => ('m', key),
                Key::Counter(key) => ('n', key),
                Key::TelemetrySpan(key) => ('o', key),
                Key::Property(key) => ('p', key),
                Key::QueueEvent(key) => ('q', key),
                Key::ReportIn(key) => ('r', key),
                Key::Settings(key) => ('s', key),
                Key::Blobs(key) => ('t', key),
                Key::Quota(key) => ('u', key),
                Key::BitmapText(key) => ('v', key),
                Key::TelemetryIndex(key) => ('w', key),
                Key::TelemetryMetric(key) => ('x', key),
                Key::InMemoryCounter(key) => ('y', key),
            }
        }
    }
    impl fmt::Display for Key<'_> {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write_key(f, self.parts().1)
        }
    }
    pub(super) static SUBSPACES: [Subspace; 25] = [
        ACL,
        BITMAP_ID,
        BITMAP_TAG,
        DIRECTORY,
        QUEUE_MESSAGE,
        TASK_QUEUE,
        FTS_INDEX,
        REPORT_OUT,
        INDEXES,
        BLOB_RESERVE,
        BLOB_LINK,
        LOGS,
        IN_MEMORY_VALUE,
        COUNTER,
        TELEMETRY_SPAN,
        PROPERTY,
        QUEUE_EVENT,
        REPORT_IN,
        SETTINGS,
        BLOBS,
        QUOTA,
        BITMAP_TEXT,
        TELEMETRY_INDEX,
        TELEMETRY_METRIC,
        IN_MEMORY_COUNTER,
    ];
    pub(super) static COUNTER_RULES: &[CounterRule] = &[
        CounterRule {
            name: "document_id",
            doc: "A counter below a document's id makes the server hand out the id again. The upgrade to 0.12.0 and custom default folders leave such counters in stores of real servers.",
            counter: LayoutRef {
                letter: 'n',
                layout: 1,
            },
            group: &[0, 1],
            covers: &[
                Cover {
                    of: LayoutRef {
                        letter: 'p',
                        layout: 1,
                    },
                    group: &[GroupNumber::Field(0), GroupNumber::Field(1)],
                    id: CoveredId::Field(3),
                    only: &[],
                    unless: &[],
                },
                Cover {
                    of: LayoutRef {
                        letter: 'i',
                        layout: 0,
                    },
                    group: &[GroupNumber::Field(0), GroupNumber::Field(1)],
                    id: CoveredId::Field(4),
                    only: &[],
                    unless: &[],
                },
                Cover {
                    of: LayoutRef {
                        letter: 'b',
                        layout: 0,
                    },
                    group: &[GroupNumber::Field(0), GroupNumber::Field(1)],
                    id: CoveredId::Field(2),
                    only: &[],
                    unless: &[],
                },
            ],
        },
        CounterRule {
            name: "change_id",
            doc: "A counter below a change makes clients miss changes and optimistic locks fail.",
            counter: LayoutRef {
                letter: 'n',
                layout: 0,
            },
            group: &[0],
            covers: &[
                Cover {
                    of: LayoutRef {
                        letter: 'l',
                        layout: 0,
                    },
                    group: &[GroupNumber::Field(0)],
                    id: CoveredId::Field(2),
                    only: &[],
                    unless: &[],
                },
                Cover {
                    of: LayoutRef {
                        letter: 'l',
                        layout: 1,
                    },
                    group: &[GroupNumber::Field(0)],
                    id: CoveredId::Field(2),
                    only: &[],
                    unless: &[],
                },
                Cover {
                    of: LayoutRef {
                        letter: 'p',
                        layout: 1,
                    },
                    group: &[GroupNumber::Field(0)],
                    id: CoveredId::ArchiveChangeId,
                    only: &[],
                    unless: &[],
                },
            ],
        },
    ];
    pub(super) static SINGLETONS: &[Singleton] = &[];
}

/// Typed keys of schema version 2.
pub mod v2 {
    use super::*;
    pub use super::v1::AclKey;
    pub use super::v1::BitmapIdKey;
    pub use super::v1::BitmapTagKey;
    pub use super::v1::DirectoryKey;
    pub use super::v1::QueueMessageKey;
    pub use super::v1::FtsIndexKey;
    pub use super::v1::ReportOutKey;
    pub use super::v1::IndexesKey;
    pub use super::v1::BlobReserveKey;
    pub use super::v1::BlobLinkKey;
    pub use super::v1::LogsKey;
    pub use super::v1::InMemoryValueKey;
    pub use super::v1::CounterKey;
    pub use super::v1::TelemetrySpanKey;
    pub use super::v1::PropertyKey;
    pub use super::v1::QueueEventKey;
    pub use super::v1::ReportInKey;
    pub use super::v1::SettingsKey;
    pub use super::v1::BlobsKey;
    pub use super::v1::QuotaKey;
    pub use super::v1::BitmapTextKey;
    pub use super::v1::TelemetryIndexKey;
    pub use super::v1::TelemetryMetricKey;
    pub use super::v1::InMemoryCounterKey;
    /// Background task queue (`subspaces.task_queue`).
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum TaskQueueKey<'a> {
        /// Index an e-mail. (`subspaces.task_queue.layouts.index_email`)
        IndexEmail {
            /// When it is due.
            due: u64,
            /// Account that owns the record.
            account: u32,
            /// Document id within account and collection.
            document: u32,
            /// BLAKE3 of a blob.
            hash: &'a [u8; 32],
        },
        /// Train the filter with spam. (`subspaces.task_queue.layouts.train_spam`)
        TrainSpam {
            /// When it is due.
            due: u64,
            /// Account that owns the record.
            account: u32,
            /// Document id within account and collection.
            document: u32,
            /// BLAKE3 of a blob.
            hash: &'a [u8; 32],
        },
        /// Train the filter with ham. (`subspaces.task_queue.layouts.train_ham`)
        TrainHam {
            /// When it is due.
            due: u64,
            /// Account that owns the record.
            account: u32,
            /// Document id within account and collection.
            document: u32,
            /// BLAKE3 of a blob.
            hash: &'a [u8; 32],
        },
        /// Calendar alarm; by e-mail only from version 4 on. (`subspaces.task_queue.layouts.alarm`)
        Alarm {
            /// When it is due.
            due: u64,
            /// Account that owns the record.
            account: u32,
            /// Document id within account and collection.
            document: u32,
            /// Number of the event within the calendar object.
            event: u16,
            /// Number of the alarm within the event.
            alarm: u16,
        },
        /// Send an iMIP message. (`subspaces.task_queue.layouts.imip`)
        Imip {
            /// When it is due.
            due: u64,
            /// Account that owns the record.
            account: u32,
            /// Document id within account and collection.
            document: u32,
        },
        /// What the iMIP message holds. (`subspaces.task_queue.layouts.imip_payload`)
        ImipPayload {
            /// Account that owns the record.
            account: u32,
            /// Document id within account and collection.
            document: u32,
            /// When it is due.
            due: u64,
        },
    }
    impl<'a> TaskQueueKey<'a> {
        /// Reads a key; every byte belongs to a field or is a constant.
        #[inline]
        pub fn decode(key: &'a [u8]) -> Result<Self, KeyError> {
            match key.len() {
                49 if codec::u8_at(key, 12) == 0x00 => {
                    Ok(TaskQueueKey::IndexEmail {
                        due: codec::u64_at(key, 0),
                        account: codec::u32_at(key, 8),
                        document: codec::u32_at(key, 13),
                        hash: codec::array_at(key, 17),
                    })
                }
                49 if codec::u8_at(key, 12) == 0x01 => {
                    Ok(TaskQueueKey::TrainSpam {
                        due: codec::u64_at(key, 0),
                        account: codec::u32_at(key, 8),
                        document: codec::u32_at(key, 13),
                        hash: codec::array_at(key, 17),
                    })
                }
                49 if codec::u8_at(key, 12) == 0x02 => {
                    Ok(TaskQueueKey::TrainHam {
                        due: codec::u64_at(key, 0),
                        account: codec::u32_at(key, 8),
                        document: codec::u32_at(key, 13),
                        hash: codec::array_at(key, 17),
                    })
                }
                21 if codec::u8_at(key, 12) == 0x03 => {
                    Ok(TaskQueueKey::Alarm {
                        due: codec::u64_at(key, 0),
                        account: codec::u32_at(key, 8),
                        document: codec::u32_at(key, 13),
                        event: codec::u16_at(key, 17),
                        alarm: codec::u16_at(key, 19),
                    })
                }
                17 if codec::u8_at(key, 12) == 0x04 => {
                    Ok(TaskQueueKey::Imip {
                        due: codec::u64_at(key, 0),
                        account: codec::u32_at(key, 8),
                        document: codec::u32_at(key, 13),
                    })
                }
                25 if codec::has(
                    key,
                    0,
                    &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
                ) && codec::u8_at(key, 12) == 0x05 => {
                    Ok(TaskQueueKey::ImipPayload {
                        account: codec::u32_at(key, 8),
                        document: codec::u32_at(key, 13),
                        due: codec::u64_at(key, 17),
                    })
                }
                _ => Err(KeyError::NoLayout),
            }
        }
        /// Index of the layout of a key, without reading its fields.
        #[inline]
        pub fn layout_of(key: &[u8]) -> Result<usize, KeyError> {
            match key.len() {
                49 if codec::u8_at(key, 12) == 0x00 => Ok(0),
                49 if codec::u8_at(key, 12) == 0x01 => Ok(1),
                49 if codec::u8_at(key, 12) == 0x02 => Ok(2),
                21 if codec::u8_at(key, 12) == 0x03 => Ok(3),
                17 if codec::u8_at(key, 12) == 0x04 => Ok(4),
                25 if codec::has(
                    key,
                    0,
                    &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
                ) && codec::u8_at(key, 12) == 0x05 => Ok(5),
                _ => Err(KeyError::NoLayout),
            }
        }
    }
    impl TypedKey for TaskQueueKey<'_> {
        fn encode(&self, out: &mut Vec<u8>) {
            match *self {
                TaskQueueKey::IndexEmail { due, account, document, hash } => {
                    out.extend_from_slice(&due.to_be_bytes());
                    out.extend_from_slice(&account.to_be_bytes());
                    out.extend_from_slice(&[0x00]);
                    out.extend_from_slice(&document.to_be_bytes());
                    out.extend_from_slice(hash);
                }
                TaskQueueKey::TrainSpam { due, account, document, hash } => {
                    out.extend_from_slice(&due.to_be_bytes());
                    out.extend_from_slice(&account.to_be_bytes());
                    out.extend_from_slice(&[0x01]);
                    out.extend_from_slice(&document.to_be_bytes());
                    out.extend_from_slice(hash);
                }
                TaskQueueKey::TrainHam { due, account, document, hash } => {
                    out.extend_from_slice(&due.to_be_bytes());
                    out.extend_from_slice(&account.to_be_bytes());
                    out.extend_from_slice(&[0x02]);
                    out.extend_from_slice(&document.to_be_bytes());
                    out.extend_from_slice(hash);
                }
                TaskQueueKey::Alarm { due, account, document, event, alarm } => {
                    out.extend_from_slice(&due.to_be_bytes());
                    out.extend_from_slice(&account.to_be_bytes());
                    out.extend_from_slice(&[0x03]);
                    out.extend_from_slice(&document.to_be_bytes());
                    out.extend_from_slice(&event.to_be_bytes());
                    out.extend_from_slice(&alarm.to_be_bytes());
                }
                TaskQueueKey::Imip { due, account, document } => {
                    out.extend_from_slice(&due.to_be_bytes());
                    out.extend_from_slice(&account.to_be_bytes());
                    out.extend_from_slice(&[0x04]);
                    out.extend_from_slice(&document.to_be_bytes());
                }
                TaskQueueKey::ImipPayload { account, document, due } => {
                    out.extend_from_slice(
                        &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
                    );
                    out.extend_from_slice(&account.to_be_bytes());
                    out.extend_from_slice(&[0x05]);
                    out.extend_from_slice(&document.to_be_bytes());
                    out.extend_from_slice(&due.to_be_bytes());
                }
            }
        }
        #[inline]
        fn layout(&self) -> usize {
            match self {
                TaskQueueKey::IndexEmail { .. } => 0,
                TaskQueueKey::TrainSpam { .. } => 1,
                TaskQueueKey::TrainHam { .. } => 2,
                TaskQueueKey::Alarm { .. } => 3,
                TaskQueueKey::Imip { .. } => 4,
                TaskQueueKey::ImipPayload { .. } => 5,
            }
        }
        fn layouts(&self) -> &'static [Layout] {
            &TASK_QUEUE_LAYOUTS
        }
    }
    impl fmt::Display for TaskQueueKey<'_> {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write_key(f, self)
        }
    }
    pub(super) static TASK_QUEUE_LAYOUTS: [Layout; 6] = [
        Layout {
            name: "index_email",
            doc: "Index an e-mail.",
            segments: &[
                Segment::field("due", SegmentKind::U64),
                Segment::field("account", SegmentKind::U32),
                Segment::constant(&[0x00]),
                Segment::field("document", SegmentKind::U32),
                Segment::field("hash", SegmentKind::Hash),
            ],
            value: ValueForm::Lengths(&[0, 8]),
            value_lengths: 0x101,
            ..Layout::PLAIN
        },
        Layout {
            name: "train_spam",
            doc: "Train the filter with spam.",
            segments: &[
                Segment::field("due", SegmentKind::U64),
                Segment::field("account", SegmentKind::U32),
                Segment::constant(&[0x01]),
                Segment::field("document", SegmentKind::U32),
                Segment::field("hash", SegmentKind::Hash),
            ],
            value: ValueForm::Empty,
            value_lengths: 0x01,
            ..Layout::PLAIN
        },
        Layout {
            name: "train_ham",
            doc: "Train the filter with ham.",
            segments: &[
                Segment::field("due", SegmentKind::U64),
                Segment::field("account", SegmentKind::U32),
                Segment::constant(&[0x02]),
                Segment::field("document", SegmentKind::U32),
                Segment::field("hash", SegmentKind::Hash),
            ],
            value: ValueForm::Empty,
            value_lengths: 0x01,
            ..Layout::PLAIN
        },
        Layout {
            name: "alarm",
            doc: "Calendar alarm; by e-mail only from version 4 on.",
            segments: &[
                Segment::field("due", SegmentKind::U64),
                Segment::field("account", SegmentKind::U32),
                Segment::constant(&[0x03]),
                Segment::field("document", SegmentKind::U32),
                Segment::field("event", SegmentKind::U16),
                Segment::field("alarm", SegmentKind::U16),
            ],
            value: ValueForm::Lengths(&[20]),
            value_lengths: 0x100000,
            ..Layout::PLAIN
        },
        Layout {
            name: "imip",
            doc: "Send an iMIP message.",
            segments: &[
                Segment::field("due", SegmentKind::U64),
                Segment::field("account", SegmentKind::U32),
                Segment::constant(&[0x04]),
                Segment::field("document", SegmentKind::U32),
            ],
            value: ValueForm::Empty,
            value_lengths: 0x01,
            ..Layout::PLAIN
        },
        Layout {
            name: "imip_payload",
            doc: "What the iMIP message holds.",
            segments: &[
                Segment::constant(&[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]),
                Segment::field("account", SegmentKind::U32),
                Segment::constant(&[0x05]),
                Segment::field("document", SegmentKind::U32),
                Segment::field("due", SegmentKind::U64),
            ],
            value: ValueForm::Archive,
            value_lengths: 0xfffffffffffffffe,
            long: true,
            ..Layout::PLAIN
        },
    ];
    /// `subspaces.task_queue`
    pub(super) const TASK_QUEUE: Subspace = Subspace {
        version: 2,
        letter: 'f',
        name: "task_queue",
        title: "Background task queue",
        doc: "Work the server has put off. `due` is a sequence number in version 1, unix seconds in versions 2 to 4, a task epoch in version 5.",
        source: "crates/store/src/write/key.rs @ v0.12.4, v0.12.5, v0.14.1, v0.15.5",
        family: None,
        no_family: Some("The server's own export leaves tasks out."),
        store_group: StoreGroup::Data,
        server_export: false,
        server_import: false,
        derived: false,
        settings: false,
        value: ValueKind::Bytes,
        fresh: FreshRule::Refuse,
        layouts: &TASK_QUEUE_LAYOUTS,
        tables: &TABLES_F_BYTES,
        decode: TaskQueueKey::layout_of,
        accepts: |key, length| {
            let layout = &TASK_QUEUE_LAYOUTS[TaskQueueKey::layout_of(key).ok()?];
            layout.takes(length).then_some(layout)
        },
    };
    /// A key of any subspace of schema version 2.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum Key<'a> {
        /// A key of subspace `a`.
        Acl(AclKey),
        /// A key of subspace `b`.
        BitmapId(BitmapIdKey),
        /// A key of subspace `c`.
        BitmapTag(BitmapTagKey<'a>),
        /// A key of subspace `d`.
        Directory(DirectoryKey<'a>),
        /// A key of subspace `e`.
        QueueMessage(QueueMessageKey),
        /// A key of subspace `f`.
        TaskQueue(TaskQueueKey<'a>),
        /// A key of subspace `g`.
        FtsIndex(FtsIndexKey<'a>),
        /// A key of subspace `h`.
        ReportOut(ReportOutKey<'a>),
        /// A key of subspace `i`.
        Indexes(IndexesKey<'a>),
        /// A key of subspace `j`.
        BlobReserve(BlobReserveKey<'a>),
        /// A key of subspace `k`.
        BlobLink(BlobLinkKey<'a>),
        /// A key of subspace `l`.
        Logs(LogsKey),
        /// A key of subspace `m`.
        InMemoryValue(InMemoryValueKey<'a>),
        /// A key of subspace `n`.
        Counter(CounterKey),
        /// A key of subspace `o`.
        TelemetrySpan(TelemetrySpanKey),
        /// A key of subspace `p`.
        Property(PropertyKey),
        /// A key of subspace `q`.
        QueueEvent(QueueEventKey),
        /// A key of subspace `r`.
        ReportIn(ReportInKey),
        /// A key of subspace `s`.
        Settings(SettingsKey<'a>),
        /// A key of subspace `t`.
        Blobs(BlobsKey<'a>),
        /// A key of subspace `u`.
        Quota(QuotaKey<'a>),
        /// A key of subspace `v`.
        BitmapText(BitmapTextKey<'a>),
        /// A key of subspace `w`.
        TelemetryIndex(TelemetryIndexKey<'a>),
        /// A key of subspace `x`.
        TelemetryMetric(TelemetryMetricKey),
        /// A key of subspace `y`.
        InMemoryCounter(InMemoryCounterKey<'a>),
    }
    impl<'a> Key<'a> {
        /// Reads a key of the subspace with this letter.
        pub fn decode(letter: char, key: &'a [u8]) -> Result<Self, KeyError> {
            match letter {
                'a' => Ok(Key::Acl(AclKey::decode(key)?)),
                'b' => Ok(Key::BitmapId(BitmapIdKey::decode(key)?)),
                'c' => Ok(Key::BitmapTag(BitmapTagKey::decode(key)?)),
                'd' => Ok(Key::Directory(DirectoryKey::decode(key)?)),
                'e' => Ok(Key::QueueMessage(QueueMessageKey::decode(key)?)),
                'f' => Ok(Key::TaskQueue(TaskQueueKey::decode(key)?)),
                'g' => Ok(Key::FtsIndex(FtsIndexKey::decode(key)?)),
                'h' => Ok(Key::ReportOut(ReportOutKey::decode(key)?)),
                'i' => Ok(Key::Indexes(IndexesKey::decode(key)?)),
                'j' => Ok(Key::BlobReserve(BlobReserveKey::decode(key)?)),
                'k' => Ok(Key::BlobLink(BlobLinkKey::decode(key)?)),
                'l' => Ok(Key::Logs(LogsKey::decode(key)?)),
                'm' => Ok(Key::InMemoryValue(InMemoryValueKey::decode(key)?)),
                'n' => Ok(Key::Counter(CounterKey::decode(key)?)),
                'o' => Ok(Key::TelemetrySpan(TelemetrySpanKey::decode(key)?)),
                'p' => Ok(Key::Property(PropertyKey::decode(key)?)),
                'q' => Ok(Key::QueueEvent(QueueEventKey::decode(key)?)),
                'r' => Ok(Key::ReportIn(ReportInKey::decode(key)?)),
                's' => Ok(Key::Settings(SettingsKey::decode(key)?)),
                't' => Ok(Key::Blobs(BlobsKey::decode(key)?)),
                'u' => Ok(Key::Quota(QuotaKey::decode(key)?)),
                'v' => Ok(Key::BitmapText(BitmapTextKey::decode(key)?)),
                'w' => Ok(Key::TelemetryIndex(TelemetryIndexKey::decode(key)?)),
                'x' => Ok(Key::TelemetryMetric(TelemetryMetricKey::decode(key)?)),
                'y' => Ok(Key::InMemoryCounter(InMemoryCounterKey::decode(key)?)),
                _ => Err(KeyError::NoSubspace),
            }
        }
        /// Letter of the subspace, and its key.
        pub fn parts(&self) -> (char, &dyn TypedKey) {
            match self {
                Key::Acl(key) => ('a', key),
                Key::BitmapId(key) => ('b', key),
                Key::BitmapTag(key) => ('c', key),
                Key::Directory(key) => ('d', key),
                Key::QueueMessage(key) => ('e', key),
                Key::TaskQueue(key) => ('f', key),
                Key::FtsIndex(key) => ('g', key),
                Key::ReportOut(key) => ('h', key),
                Key::Indexes(key) => ('i', key),
                Key::BlobReserve(key) => ('j', key),
                Key::BlobLink(key) => ('k', key),
                Key::Logs(key) => ('l', key),
                Key::InMemoryValue(key) => ('m', key),
                Key::Counter(key) => ('n', key),
                Key::TelemetrySpan(key) => ('o', key),
                Key::Property(key) => ('p', key),
                Key::QueueEvent(key) => ('q', key),
                Key::ReportIn(key) => ('r', key),
                Key::Settings(key) => ('s', key),
                Key::Blobs(key) => ('t', key),
                Key::Quota(key) => ('u', key),
                Key::BitmapText(key) => ('v', key),
                Key::TelemetryIndex(key) => ('w', key),
                Key::TelemetryMetric(key) => ('x', key),
                Key::InMemoryCounter(key) => ('y', key),
            }
        }
    }
    impl fmt::Display for Key<'_> {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write_key(f, self.parts().1)
        }
    }
    pub(super) static SUBSPACES: [Subspace; 25] = [
        super::v1::ACL.in_version(2),
        super::v1::BITMAP_ID.in_version(2),
        super::v1::BITMAP_TAG.in_version(2),
        super::v1::DIRECTORY.in_version(2),
        super::v1::QUEUE_MESSAGE.in_version(2),
        TASK_QUEUE,
        super::v1::FTS_INDEX.in_version(2),
        super::v1::REPORT_OUT.in_version(2),
        super::v1::INDEXES.in_version(2),
        super::v1::BLOB_RESERVE.in_version(2),
        super::v1::BLOB_LINK.in_version(2),
        super::v1::LOGS.in_version(2),
        super::v1::IN_MEMORY_VALUE.in_version(2),
        super::v1::COUNTER.in_version(2),
        super::v1::TELEMETRY_SPAN.in_version(2),
        super::v1::PROPERTY.in_version(2),
        super::v1::QUEUE_EVENT.in_version(2),
        super::v1::REPORT_IN.in_version(2),
        super::v1::SETTINGS.in_version(2),
        super::v1::BLOBS.in_version(2),
        super::v1::QUOTA.in_version(2),
        super::v1::BITMAP_TEXT.in_version(2),
        super::v1::TELEMETRY_INDEX.in_version(2),
        super::v1::TELEMETRY_METRIC.in_version(2),
        super::v1::IN_MEMORY_COUNTER.in_version(2),
    ];
    pub(super) static COUNTER_RULES: &[CounterRule] = &[
        CounterRule {
            name: "document_id",
            doc: "A counter below a document's id makes the server hand out the id again. The upgrade to 0.12.0 and custom default folders leave such counters in stores of real servers.",
            counter: LayoutRef {
                letter: 'n',
                layout: 1,
            },
            group: &[0, 1],
            covers: &[
                Cover {
                    of: LayoutRef {
                        letter: 'p',
                        layout: 1,
                    },
                    group: &[GroupNumber::Field(0), GroupNumber::Field(1)],
                    id: CoveredId::Field(3),
                    only: &[],
                    unless: &[],
                },
                Cover {
                    of: LayoutRef {
                        letter: 'i',
                        layout: 0,
                    },
                    group: &[GroupNumber::Field(0), GroupNumber::Field(1)],
                    id: CoveredId::Field(4),
                    only: &[],
                    unless: &[],
                },
                Cover {
                    of: LayoutRef {
                        letter: 'b',
                        layout: 0,
                    },
                    group: &[GroupNumber::Field(0), GroupNumber::Field(1)],
                    id: CoveredId::Field(2),
                    only: &[],
                    unless: &[],
                },
            ],
        },
        CounterRule {
            name: "change_id",
            doc: "A counter below a change makes clients miss changes and optimistic locks fail.",
            counter: LayoutRef {
                letter: 'n',
                layout: 0,
            },
            group: &[0],
            covers: &[
                Cover {
                    of: LayoutRef {
                        letter: 'l',
                        layout: 0,
                    },
                    group: &[GroupNumber::Field(0)],
                    id: CoveredId::Field(2),
                    only: &[],
                    unless: &[],
                },
                Cover {
                    of: LayoutRef {
                        letter: 'l',
                        layout: 1,
                    },
                    group: &[GroupNumber::Field(0)],
                    id: CoveredId::Field(2),
                    only: &[],
                    unless: &[],
                },
                Cover {
                    of: LayoutRef {
                        letter: 'p',
                        layout: 1,
                    },
                    group: &[GroupNumber::Field(0)],
                    id: CoveredId::ArchiveChangeId,
                    only: &[],
                    unless: &[],
                },
            ],
        },
    ];
    pub(super) static SINGLETONS: &[Singleton] = &[];
}

/// Typed keys of schema version 3.
pub mod v3 {
    use super::*;
    pub use super::v1::AclKey;
    pub use super::v1::BitmapIdKey;
    pub use super::v1::BitmapTagKey;
    pub use super::v1::DirectoryKey;
    pub use super::v1::QueueMessageKey;
    pub use super::v2::TaskQueueKey;
    pub use super::v1::FtsIndexKey;
    pub use super::v1::ReportOutKey;
    pub use super::v1::IndexesKey;
    pub use super::v1::BlobReserveKey;
    pub use super::v1::BlobLinkKey;
    pub use super::v1::LogsKey;
    pub use super::v1::InMemoryValueKey;
    pub use super::v1::CounterKey;
    pub use super::v1::TelemetrySpanKey;
    pub use super::v1::PropertyKey;
    pub use super::v1::ReportInKey;
    pub use super::v1::SettingsKey;
    pub use super::v1::BlobsKey;
    pub use super::v1::QuotaKey;
    pub use super::v1::BitmapTextKey;
    pub use super::v1::TelemetryIndexKey;
    pub use super::v1::TelemetryMetricKey;
    pub use super::v1::InMemoryCounterKey;
    /// Queue events (`subspaces.queue_event`).
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum QueueEventKey<'a> {
        /// A message is due. (`subspaces.queue_event.layouts.event`)
        Event {
            /// When it is due.
            due: u64,
            /// Id of the queued message.
            queue_id: u64,
            /// Name of the queue, padded with zeros.
            queue: &'a [u8; 8],
        },
        /// Left by the upgrade to 0.13.0, in the form of version 2. 0.13.1 and later cannot use it.
        /// (`subspaces.queue_event.layouts.old_event`)
        OldEvent {
            /// When it is due.
            due: u64,
            /// Id of the queued message.
            queue_id: u64,
        },
    }
    impl<'a> QueueEventKey<'a> {
        /// Reads a key; every byte belongs to a field or is a constant.
        #[inline]
        pub fn decode(key: &'a [u8]) -> Result<Self, KeyError> {
            match key.len() {
                24 => {
                    Ok(QueueEventKey::Event {
                        due: codec::u64_at(key, 0),
                        queue_id: codec::u64_at(key, 8),
                        queue: codec::array_at(key, 16),
                    })
                }
                16 => {
                    Ok(QueueEventKey::OldEvent {
                        due: codec::u64_at(key, 0),
                        queue_id: codec::u64_at(key, 8),
                    })
                }
                _ => Err(KeyError::NoLayout),
            }
        }
        /// Index of the layout of a key, without reading its fields.
        #[inline]
        pub fn layout_of(key: &[u8]) -> Result<usize, KeyError> {
            match key.len() {
                24 => Ok(0),
                16 => Ok(1),
                _ => Err(KeyError::NoLayout),
            }
        }
    }
    impl TypedKey for QueueEventKey<'_> {
        fn encode(&self, out: &mut Vec<u8>) {
            match *self {
                QueueEventKey::Event { due, queue_id, queue } => {
                    out.extend_from_slice(&due.to_be_bytes());
                    out.extend_from_slice(&queue_id.to_be_bytes());
                    out.extend_from_slice(queue);
                }
                QueueEventKey::OldEvent { due, queue_id } => {
                    out.extend_from_slice(&due.to_be_bytes());
                    out.extend_from_slice(&queue_id.to_be_bytes());
                }
            }
        }
        #[inline]
        fn layout(&self) -> usize {
            match self {
                QueueEventKey::Event { .. } => 0,
                QueueEventKey::OldEvent { .. } => 1,
            }
        }
        fn layouts(&self) -> &'static [Layout] {
            &QUEUE_EVENT_LAYOUTS
        }
    }
    impl fmt::Display for QueueEventKey<'_> {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write_key(f, self)
        }
    }
    pub(super) static QUEUE_EVENT_LAYOUTS: [Layout; 2] = [
        Layout {
            name: "event",
            doc: "A message is due.",
            segments: &[
                Segment::field("due", SegmentKind::U64),
                Segment::field("queue_id", SegmentKind::U64),
                Segment::field("queue", SegmentKind::Bytes(8)),
            ],
            value: ValueForm::Lengths(&[0, 8]),
            value_lengths: 0x101,
            ..Layout::PLAIN
        },
        Layout {
            name: "old_event",
            doc: "Left by the upgrade to 0.13.0, in the form of version 2. 0.13.1 and later cannot use it.",
            segments: &[
                Segment::field("due", SegmentKind::U64),
                Segment::field("queue_id", SegmentKind::U64),
            ],
            value: ValueForm::Lengths(&[0, 8]),
            value_lengths: 0x101,
            ..Layout::PLAIN
        },
    ];
    /// `subspaces.queue_event`
    pub(super) const QUEUE_EVENT: Subspace = Subspace {
        version: 3,
        letter: 'q',
        name: "queue_event",
        title: "Queue events",
        doc: "When a queued message is due, and in which queue.",
        source: "crates/store/src/write/key.rs, crates/migration/src/queue.rs, crates/smtp/src/queue/spool.rs @ v0.13.0, v0.13.1",
        family: Some("queue"),
        no_family: None,
        store_group: StoreGroup::Data,
        server_export: true,
        server_import: false,
        derived: false,
        settings: false,
        value: ValueKind::Bytes,
        fresh: FreshRule::Refuse,
        layouts: &QUEUE_EVENT_LAYOUTS,
        tables: &TABLES_Q_BYTES,
        decode: QueueEventKey::layout_of,
        accepts: |key, length| {
            let layout = &QUEUE_EVENT_LAYOUTS[QueueEventKey::layout_of(key).ok()?];
            layout.takes(length).then_some(layout)
        },
    };
    /// A key of any subspace of schema version 3.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum Key<'a> {
        /// A key of subspace `a`.
        Acl(AclKey),
        /// A key of subspace `b`.
        BitmapId(BitmapIdKey),
        /// A key of subspace `c`.
        BitmapTag(BitmapTagKey<'a>),
        /// A key of subspace `d`.
        Directory(DirectoryKey<'a>),
        /// A key of subspace `e`.
        QueueMessage(QueueMessageKey),
        /// A key of subspace `f`.
        TaskQueue(TaskQueueKey<'a>),
        /// A key of subspace `g`.
        FtsIndex(FtsIndexKey<'a>),
        /// A key of subspace `h`.
        ReportOut(ReportOutKey<'a>),
        /// A key of subspace `i`.
        Indexes(IndexesKey<'a>),
        /// A key of subspace `j`.
        BlobReserve(BlobReserveKey<'a>),
        /// A key of subspace `k`.
        BlobLink(BlobLinkKey<'a>),
        /// A key of subspace `l`.
        Logs(LogsKey),
        /// A key of subspace `m`.
        InMemoryValue(InMemoryValueKey<'a>),
        /// A key of subspace `n`.
        Counter(CounterKey),
        /// A key of subspace `o`.
        TelemetrySpan(TelemetrySpanKey),
        /// A key of subspace `p`.
        Property(PropertyKey),
        /// A key of subspace `q`.
        QueueEvent(QueueEventKey<'a>),
        /// A key of subspace `r`.
        ReportIn(ReportInKey),
        /// A key of subspace `s`.
        Settings(SettingsKey<'a>),
        /// A key of subspace `t`.
        Blobs(BlobsKey<'a>),
        /// A key of subspace `u`.
        Quota(QuotaKey<'a>),
        /// A key of subspace `v`.
        BitmapText(BitmapTextKey<'a>),
        /// A key of subspace `w`.
        TelemetryIndex(TelemetryIndexKey<'a>),
        /// A key of subspace `x`.
        TelemetryMetric(TelemetryMetricKey),
        /// A key of subspace `y`.
        InMemoryCounter(InMemoryCounterKey<'a>),
    }
    impl<'a> Key<'a> {
        /// Reads a key of the subspace with this letter.
        pub fn decode(letter: char, key: &'a [u8]) -> Result<Self, KeyError> {
            match letter {
                'a' => Ok(Key::Acl(AclKey::decode(key)?)),
                'b' => Ok(Key::BitmapId(BitmapIdKey::decode(key)?)),
                'c' => Ok(Key::BitmapTag(BitmapTagKey::decode(key)?)),
                'd' => Ok(Key::Directory(DirectoryKey::decode(key)?)),
                'e' => Ok(Key::QueueMessage(QueueMessageKey::decode(key)?)),
                'f' => Ok(Key::TaskQueue(TaskQueueKey::decode(key)?)),
                'g' => Ok(Key::FtsIndex(FtsIndexKey::decode(key)?)),
                'h' => Ok(Key::ReportOut(ReportOutKey::decode(key)?)),
                'i' => Ok(Key::Indexes(IndexesKey::decode(key)?)),
                'j' => Ok(Key::BlobReserve(BlobReserveKey::decode(key)?)),
                'k' => Ok(Key::BlobLink(BlobLinkKey::decode(key)?)),
                'l' => Ok(Key::Logs(LogsKey::decode(key)?)),
                'm' => Ok(Key::InMemoryValue(InMemoryValueKey::decode(key)?)),
                'n' => Ok(Key::Counter(CounterKey::decode(key)?)),
                'o' => Ok(Key::TelemetrySpan(TelemetrySpanKey::decode(key)?)),
                'p' => Ok(Key::Property(PropertyKey::decode(key)?)),
                'q' => Ok(Key::QueueEvent(QueueEventKey::decode(key)?)),
                'r' => Ok(Key::ReportIn(ReportInKey::decode(key)?)),
                's' => Ok(Key::Settings(SettingsKey::decode(key)?)),
                't' => Ok(Key::Blobs(BlobsKey::decode(key)?)),
                'u' => Ok(Key::Quota(QuotaKey::decode(key)?)),
                'v' => Ok(Key::BitmapText(BitmapTextKey::decode(key)?)),
                'w' => Ok(Key::TelemetryIndex(TelemetryIndexKey::decode(key)?)),
                'x' => Ok(Key::TelemetryMetric(TelemetryMetricKey::decode(key)?)),
                'y' => Ok(Key::InMemoryCounter(InMemoryCounterKey::decode(key)?)),
                _ => Err(KeyError::NoSubspace),
            }
        }
        /// Letter of the subspace, and its key.
        pub fn parts(&self) -> (char, &dyn TypedKey) {
            match self {
                Key::Acl(key) => ('a', key),
                Key::BitmapId(key) => ('b', key),
                Key::BitmapTag(key) => ('c', key),
                Key::Directory(key) => ('d', key),
                Key::QueueMessage(key) => ('e', key),
                Key::TaskQueue(key) => ('f', key),
                Key::FtsIndex(key) => ('g', key),
                Key::ReportOut(key) => ('h', key),
                Key::Indexes(key) => ('i', key),
                Key::BlobReserve(key) => ('j', key),
                Key::BlobLink(key) => ('k', key),
                Key::Logs(key) => ('l', key),
                Key::InMemoryValue(key) => ('m', key),
                Key::Counter(key) => ('n', key),
                Key::TelemetrySpan(key) => ('o', key),
                Key::Property(key) => ('p', key),
                Key::QueueEvent(key) => ('q', key),
                Key::ReportIn(key) => ('r', key),
                Key::Settings(key) => ('s', key),
                Key::Blobs(key) => ('t', key),
                Key::Quota(key) => ('u', key),
                Key::BitmapText(key) => ('v', key),
                Key::TelemetryIndex(key) => ('w', key),
                Key::TelemetryMetric(key) => ('x', key),
                Key::InMemoryCounter(key) => ('y', key),
            }
        }
    }
    impl fmt::Display for Key<'_> {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write_key(f, self.parts().1)
        }
    }
    pub(super) static SUBSPACES: [Subspace; 25] = [
        super::v1::ACL.in_version(3),
        super::v1::BITMAP_ID.in_version(3),
        super::v1::BITMAP_TAG.in_version(3),
        super::v1::DIRECTORY.in_version(3),
        super::v1::QUEUE_MESSAGE.in_version(3),
        super::v2::TASK_QUEUE.in_version(3),
        super::v1::FTS_INDEX.in_version(3),
        super::v1::REPORT_OUT.in_version(3),
        super::v1::INDEXES.in_version(3),
        super::v1::BLOB_RESERVE.in_version(3),
        super::v1::BLOB_LINK.in_version(3),
        super::v1::LOGS.in_version(3),
        super::v1::IN_MEMORY_VALUE.in_version(3),
        super::v1::COUNTER.in_version(3),
        super::v1::TELEMETRY_SPAN.in_version(3),
        super::v1::PROPERTY.in_version(3),
        QUEUE_EVENT,
        super::v1::REPORT_IN.in_version(3),
        super::v1::SETTINGS.in_version(3),
        super::v1::BLOBS.in_version(3),
        super::v1::QUOTA.in_version(3),
        super::v1::BITMAP_TEXT.in_version(3),
        super::v1::TELEMETRY_INDEX.in_version(3),
        super::v1::TELEMETRY_METRIC.in_version(3),
        super::v1::IN_MEMORY_COUNTER.in_version(3),
    ];
    pub(super) static COUNTER_RULES: &[CounterRule] = &[
        CounterRule {
            name: "document_id",
            doc: "A counter below a document's id makes the server hand out the id again. The upgrade to 0.12.0 and custom default folders leave such counters in stores of real servers.",
            counter: LayoutRef {
                letter: 'n',
                layout: 1,
            },
            group: &[0, 1],
            covers: &[
                Cover {
                    of: LayoutRef {
                        letter: 'p',
                        layout: 1,
                    },
                    group: &[GroupNumber::Field(0), GroupNumber::Field(1)],
                    id: CoveredId::Field(3),
                    only: &[],
                    unless: &[],
                },
                Cover {
                    of: LayoutRef {
                        letter: 'i',
                        layout: 0,
                    },
                    group: &[GroupNumber::Field(0), GroupNumber::Field(1)],
                    id: CoveredId::Field(4),
                    only: &[],
                    unless: &[],
                },
                Cover {
                    of: LayoutRef {
                        letter: 'b',
                        layout: 0,
                    },
                    group: &[GroupNumber::Field(0), GroupNumber::Field(1)],
                    id: CoveredId::Field(2),
                    only: &[],
                    unless: &[],
                },
            ],
        },
        CounterRule {
            name: "change_id",
            doc: "A counter below a change makes clients miss changes and optimistic locks fail.",
            counter: LayoutRef {
                letter: 'n',
                layout: 0,
            },
            group: &[0],
            covers: &[
                Cover {
                    of: LayoutRef {
                        letter: 'l',
                        layout: 0,
                    },
                    group: &[GroupNumber::Field(0)],
                    id: CoveredId::Field(2),
                    only: &[],
                    unless: &[],
                },
                Cover {
                    of: LayoutRef {
                        letter: 'l',
                        layout: 1,
                    },
                    group: &[GroupNumber::Field(0)],
                    id: CoveredId::Field(2),
                    only: &[],
                    unless: &[],
                },
                Cover {
                    of: LayoutRef {
                        letter: 'p',
                        layout: 1,
                    },
                    group: &[GroupNumber::Field(0)],
                    id: CoveredId::ArchiveChangeId,
                    only: &[],
                    unless: &[],
                },
            ],
        },
    ];
    pub(super) static SINGLETONS: &[Singleton] = &[];
}

/// Typed keys of schema version 4.
pub mod v4 {
    use super::*;
    pub use super::v1::DirectoryKey;
    pub use super::v1::QueueMessageKey;
    pub use super::v1::ReportOutKey;
    pub use super::v1::BlobReserveKey;
    pub use super::v1::InMemoryValueKey;
    pub use super::v1::TelemetrySpanKey;
    pub use super::v3::QueueEventKey;
    pub use super::v1::ReportInKey;
    pub use super::v1::SettingsKey;
    pub use super::v1::BlobsKey;
    pub use super::v1::QuotaKey;
    pub use super::v1::TelemetryIndexKey;
    pub use super::v1::TelemetryMetricKey;
    pub use super::v1::InMemoryCounterKey;
    /// Access-control grants (`subspaces.acl`).
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum AclKey {
        /// Rights of one account on one document of another. (`subspaces.acl.layouts.grant`)
        Grant {
            /// Account that is granted access.
            grantee: u32,
            /// Account that owns the record.
            account: u32,
            /// Collection of the document.
            collection: u8,
            /// Document id within account and collection.
            document: u32,
        },
    }
    impl AclKey {
        /// Reads a key; every byte belongs to a field or is a constant.
        #[inline]
        pub fn decode(key: &[u8]) -> Result<Self, KeyError> {
            match key.len() {
                13 => {
                    Ok(AclKey::Grant {
                        grantee: codec::u32_at(key, 0),
                        account: codec::u32_at(key, 4),
                        collection: codec::u8_at(key, 8),
                        document: codec::u32_at(key, 9),
                    })
                }
                _ => Err(KeyError::NoLayout),
            }
        }
        /// Index of the layout of a key, without reading its fields.
        #[inline]
        pub fn layout_of(key: &[u8]) -> Result<usize, KeyError> {
            match key.len() {
                13 => Ok(0),
                _ => Err(KeyError::NoLayout),
            }
        }
    }
    impl TypedKey for AclKey {
        fn encode(&self, out: &mut Vec<u8>) {
            match *self {
                AclKey::Grant { grantee, account, collection, document } => {
                    out.extend_from_slice(&grantee.to_be_bytes());
                    out.extend_from_slice(&account.to_be_bytes());
                    out.push(collection);
                    out.extend_from_slice(&document.to_be_bytes());
                }
            }
        }
        #[inline]
        fn layout(&self) -> usize {
            match self {
                AclKey::Grant { .. } => 0,
            }
        }
        fn layouts(&self) -> &'static [Layout] {
            &ACL_LAYOUTS
        }
    }
    impl fmt::Display for AclKey {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write_key(f, self)
        }
    }
    pub(super) static ACL_LAYOUTS: [Layout; 1] = [
        Layout {
            name: "grant",
            doc: "Rights of one account on one document of another.",
            segments: &[
                Segment::field("grantee", SegmentKind::U32),
                Segment::field("account", SegmentKind::U32),
                Segment::field("collection", SegmentKind::U8).named(&NAMES_COLLECTION),
                Segment::field("document", SegmentKind::U32),
            ],
            value: ValueForm::Lengths(&[8]),
            value_lengths: 0x100,
            ..Layout::PLAIN
        },
    ];
    /// `subspaces.acl`
    pub(super) const ACL: Subspace = Subspace {
        version: 4,
        letter: 'a',
        name: "acl",
        title: "Access-control grants",
        doc: "Who may do what with whose documents.",
        source: "crates/store/src/write/key.rs, crates/types/src/acl.rs @ v0.15.5",
        family: Some("acl"),
        no_family: None,
        store_group: StoreGroup::Data,
        server_export: true,
        server_import: false,
        derived: false,
        settings: false,
        value: ValueKind::Bytes,
        fresh: FreshRule::Refuse,
        layouts: &ACL_LAYOUTS,
        tables: &TABLES_A_BYTES,
        decode: AclKey::layout_of,
        accepts: |key, length| {
            let layout = &ACL_LAYOUTS[AclKey::layout_of(key).ok()?];
            layout.takes(length).then_some(layout)
        },
    };
    /// Document-id bitmap (`subspaces.bitmap_id`).
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum BitmapIdKey {
        /// The document exists. (`subspaces.bitmap_id.layouts.document`)
        Document {
            /// Account that owns the record.
            account: u32,
            /// Collection of the document.
            collection: u8,
            /// Document id within account and collection.
            document: u32,
        },
    }
    impl BitmapIdKey {
        /// Reads a key; every byte belongs to a field or is a constant.
        #[inline]
        pub fn decode(key: &[u8]) -> Result<Self, KeyError> {
            match key.len() {
                9 => {
                    Ok(BitmapIdKey::Document {
                        account: codec::u32_at(key, 0),
                        collection: codec::u8_at(key, 4),
                        document: codec::u32_at(key, 5),
                    })
                }
                _ => Err(KeyError::NoLayout),
            }
        }
        /// Index of the layout of a key, without reading its fields.
        #[inline]
        pub fn layout_of(key: &[u8]) -> Result<usize, KeyError> {
            match key.len() {
                9 => Ok(0),
                _ => Err(KeyError::NoLayout),
            }
        }
    }
    impl TypedKey for BitmapIdKey {
        fn encode(&self, out: &mut Vec<u8>) {
            match *self {
                BitmapIdKey::Document { account, collection, document } => {
                    out.extend_from_slice(&account.to_be_bytes());
                    out.push(collection);
                    out.extend_from_slice(&document.to_be_bytes());
                }
            }
        }
        #[inline]
        fn layout(&self) -> usize {
            match self {
                BitmapIdKey::Document { .. } => 0,
            }
        }
        fn layouts(&self) -> &'static [Layout] {
            &BITMAP_ID_LAYOUTS
        }
    }
    impl fmt::Display for BitmapIdKey {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write_key(f, self)
        }
    }
    pub(super) static BITMAP_ID_LAYOUTS: [Layout; 1] = [
        Layout {
            name: "document",
            doc: "The document exists.",
            segments: &[
                Segment::field("account", SegmentKind::U32),
                Segment::field("collection", SegmentKind::U8).named(&NAMES_COLLECTION),
                Segment::field("document", SegmentKind::U32),
            ],
            value: ValueForm::Empty,
            value_lengths: 0x01,
            ..Layout::PLAIN
        },
    ];
    /// `subspaces.bitmap_id`
    pub(super) const BITMAP_ID: Subspace = Subspace {
        version: 4,
        letter: 'b',
        name: "bitmap_id",
        title: "Document-id bitmap",
        doc: "A key per document that exists.",
        source: "crates/store/src/write/key.rs @ v0.14.1",
        family: Some("bitmap"),
        no_family: None,
        store_group: StoreGroup::Data,
        server_export: true,
        server_import: false,
        derived: false,
        settings: false,
        value: ValueKind::None,
        fresh: FreshRule::Refuse,
        layouts: &BITMAP_ID_LAYOUTS,
        tables: &TABLES_B_NONE,
        decode: BitmapIdKey::layout_of,
        accepts: |key, length| {
            let layout = &BITMAP_ID_LAYOUTS[BitmapIdKey::layout_of(key).ok()?];
            layout.takes(length).then_some(layout)
        },
    };
    /// Tag bitmap (`subspaces.bitmap_tag`).
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum BitmapTagKey<'a> {
        /// A tag that is a number. (`subspaces.bitmap_tag.layouts.number_tag`)
        NumberTag {
            /// Account that owns the record.
            account: u32,
            /// Collection of the document.
            collection: u8,
            /// Field id; what it means depends on the collection.
            field: u8,
            /// The tag.
            tag: u32,
            /// Document id within account and collection.
            document: u32,
        },
        /// A tag that is text; the field's top bit says so. (`subspaces.bitmap_tag.layouts.text_tag`)
        TextTag {
            /// Account that owns the record.
            account: u32,
            /// Collection of the document.
            collection: u8,
            /// Field id; what it means depends on the collection.
            field: u8,
            /// The tag.
            tag: &'a [u8],
            /// Document id within account and collection.
            document: u32,
        },
    }
    impl<'a> BitmapTagKey<'a> {
        /// Reads a key; every byte belongs to a field or is a constant.
        #[inline]
        pub fn decode(key: &'a [u8]) -> Result<Self, KeyError> {
            match key.len() {
                len if len >= 11 && len <= 15 && codec::u8_at(key, 5) <= 127
                    && codec::leb32_end(key, 6) == len - 4 => {
                    Ok(BitmapTagKey::NumberTag {
                        account: codec::u32_at(key, 0),
                        collection: codec::u8_at(key, 4),
                        field: codec::u8_at(key, 5),
                        tag: codec::leb32_at(key, 6),
                        document: codec::u32_at(key, len - 4),
                    })
                }
                len if len >= 10 && codec::u8_at(key, 5) >= 128 => {
                    Ok(BitmapTagKey::TextTag {
                        account: codec::u32_at(key, 0),
                        collection: codec::u8_at(key, 4),
                        field: codec::u8_at(key, 5),
                        tag: codec::slice(key, 6, len - 4),
                        document: codec::u32_at(key, len - 4),
                    })
                }
                _ => Err(KeyError::NoLayout),
            }
        }
        /// Index of the layout of a key, without reading its fields.
        #[inline]
        pub fn layout_of(key: &[u8]) -> Result<usize, KeyError> {
            match key.len() {
                len if len >= 11 && len <= 15 && codec::u8_at(key, 5) <= 127
                    && codec::leb32_end(key, 6) == len - 4 => Ok(0),
                len if len >= 10 && codec::u8_at(key, 5) >= 128 => Ok(1),
                _ => Err(KeyError::NoLayout),
            }
        }
    }
    impl TypedKey for BitmapTagKey<'_> {
        fn encode(&self, out: &mut Vec<u8>) {
            match *self {
                BitmapTagKey::NumberTag {
                    account,
                    collection,
                    field,
                    tag,
                    document,
                } => {
                    out.extend_from_slice(&account.to_be_bytes());
                    out.push(collection);
                    out.push(field);
                    codec::put_leb128(out, u64::from(tag));
                    out.extend_from_slice(&document.to_be_bytes());
                }
                BitmapTagKey::TextTag { account, collection, field, tag, document } => {
                    out.extend_from_slice(&account.to_be_bytes());
                    out.push(collection);
                    out.push(field);
                    out.extend_from_slice(tag);
                    out.extend_from_slice(&document.to_be_bytes());
                }
            }
        }
        #[inline]
        fn layout(&self) -> usize {
            match self {
                BitmapTagKey::NumberTag { .. } => 0,
                BitmapTagKey::TextTag { .. } => 1,
            }
        }
        fn layouts(&self) -> &'static [Layout] {
            &BITMAP_TAG_LAYOUTS
        }
    }
    impl fmt::Display for BitmapTagKey<'_> {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write_key(f, self)
        }
    }
    pub(super) static BITMAP_TAG_LAYOUTS: [Layout; 2] = [
        Layout {
            name: "number_tag",
            doc: "A tag that is a number.",
            segments: &[
                Segment::field("account", SegmentKind::U32),
                Segment::field("collection", SegmentKind::U8).named(&NAMES_COLLECTION),
                Segment::field("field", SegmentKind::U8).within(&[(0, 127)]),
                Segment::field("tag", SegmentKind::Leb32),
                Segment::field("document", SegmentKind::U32),
            ],
            value: ValueForm::Empty,
            value_lengths: 0x01,
            ..Layout::PLAIN
        },
        Layout {
            name: "text_tag",
            doc: "A tag that is text; the field's top bit says so.",
            segments: &[
                Segment::field("account", SegmentKind::U32),
                Segment::field("collection", SegmentKind::U8).named(&NAMES_COLLECTION),
                Segment::field("field", SegmentKind::U8).within(&[(128, 255)]),
                Segment::field("tag", SegmentKind::Rest),
                Segment::field("document", SegmentKind::U32),
            ],
            value: ValueForm::Empty,
            value_lengths: 0x01,
            ..Layout::PLAIN
        },
    ];
    /// `subspaces.bitmap_tag`
    pub(super) const BITMAP_TAG: Subspace = Subspace {
        version: 4,
        letter: 'c',
        name: "bitmap_tag",
        title: "Tag bitmap",
        doc: "Tags of documents.",
        source: "crates/store/src/write/key.rs @ v0.14.1",
        family: Some("bitmap"),
        no_family: None,
        store_group: StoreGroup::Data,
        server_export: true,
        server_import: false,
        derived: false,
        settings: false,
        value: ValueKind::None,
        fresh: FreshRule::Refuse,
        layouts: &BITMAP_TAG_LAYOUTS,
        tables: &TABLES_C_NONE,
        decode: BitmapTagKey::layout_of,
        accepts: |key, length| {
            let layout = &BITMAP_TAG_LAYOUTS[BitmapTagKey::layout_of(key).ok()?];
            layout.takes(length).then_some(layout)
        },
    };
    /// Background task queue (`subspaces.task_queue`).
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum TaskQueueKey<'a> {
        /// Index an e-mail. (`subspaces.task_queue.layouts.index_email`)
        IndexEmail {
            /// When it is due.
            due: u64,
            /// Account that owns the record.
            account: u32,
            /// Document id within account and collection.
            document: u32,
            /// BLAKE3 of a blob.
            hash: &'a [u8; 32],
        },
        /// Train the filter with spam. (`subspaces.task_queue.layouts.train_spam`)
        TrainSpam {
            /// When it is due.
            due: u64,
            /// Account that owns the record.
            account: u32,
            /// Document id within account and collection.
            document: u32,
            /// BLAKE3 of a blob.
            hash: &'a [u8; 32],
        },
        /// Train the filter with ham. (`subspaces.task_queue.layouts.train_ham`)
        TrainHam {
            /// When it is due.
            due: u64,
            /// Account that owns the record.
            account: u32,
            /// Document id within account and collection.
            document: u32,
            /// BLAKE3 of a blob.
            hash: &'a [u8; 32],
        },
        /// Calendar alarm; by e-mail only from version 4 on. (`subspaces.task_queue.layouts.alarm`)
        Alarm {
            /// When it is due.
            due: u64,
            /// Account that owns the record.
            account: u32,
            /// Document id within account and collection.
            document: u32,
            /// Number of the event within the calendar object.
            event: u16,
            /// Number of the alarm within the event.
            alarm: u16,
        },
        /// Send an iMIP message. (`subspaces.task_queue.layouts.imip`)
        Imip {
            /// When it is due.
            due: u64,
            /// Account that owns the record.
            account: u32,
            /// Document id within account and collection.
            document: u32,
        },
        /// What the iMIP message holds. (`subspaces.task_queue.layouts.imip_payload`)
        ImipPayload {
            /// Account that owns the record.
            account: u32,
            /// Document id within account and collection.
            document: u32,
            /// When it is due.
            due: u64,
        },
        /// Calendar alarm that is displayed. (`subspaces.task_queue.layouts.display_alarm`)
        DisplayAlarm {
            /// When it is due.
            due: u64,
            /// Account that owns the record.
            account: u32,
            /// Document id within account and collection.
            document: u32,
            /// Number of the event within the calendar object.
            event: u16,
            /// Number of the alarm within the event.
            alarm: u16,
        },
    }
    impl<'a> TaskQueueKey<'a> {
        /// Reads a key; every byte belongs to a field or is a constant.
        #[inline]
        pub fn decode(key: &'a [u8]) -> Result<Self, KeyError> {
            match key.len() {
                49 if codec::u8_at(key, 12) == 0x00 => {
                    Ok(TaskQueueKey::IndexEmail {
                        due: codec::u64_at(key, 0),
                        account: codec::u32_at(key, 8),
                        document: codec::u32_at(key, 13),
                        hash: codec::array_at(key, 17),
                    })
                }
                49 if codec::u8_at(key, 12) == 0x01 => {
                    Ok(TaskQueueKey::TrainSpam {
                        due: codec::u64_at(key, 0),
                        account: codec::u32_at(key, 8),
                        document: codec::u32_at(key, 13),
                        hash: codec::array_at(key, 17),
                    })
                }
                49 if codec::u8_at(key, 12) == 0x02 => {
                    Ok(TaskQueueKey::TrainHam {
                        due: codec::u64_at(key, 0),
                        account: codec::u32_at(key, 8),
                        document: codec::u32_at(key, 13),
                        hash: codec::array_at(key, 17),
                    })
                }
                21 if codec::u8_at(key, 12) == 0x03 => {
                    Ok(TaskQueueKey::Alarm {
                        due: codec::u64_at(key, 0),
                        account: codec::u32_at(key, 8),
                        document: codec::u32_at(key, 13),
                        event: codec::u16_at(key, 17),
                        alarm: codec::u16_at(key, 19),
                    })
                }
                17 if codec::u8_at(key, 12) == 0x04 => {
                    Ok(TaskQueueKey::Imip {
                        due: codec::u64_at(key, 0),
                        account: codec::u32_at(key, 8),
                        document: codec::u32_at(key, 13),
                    })
                }
                25 if codec::has(
                    key,
                    0,
                    &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
                ) && codec::u8_at(key, 12) == 0x05 => {
                    Ok(TaskQueueKey::ImipPayload {
                        account: codec::u32_at(key, 8),
                        document: codec::u32_at(key, 13),
                        due: codec::u64_at(key, 17),
                    })
                }
                21 if codec::u8_at(key, 12) == 0x06 => {
                    Ok(TaskQueueKey::DisplayAlarm {
                        due: codec::u64_at(key, 0),
                        account: codec::u32_at(key, 8),
                        document: codec::u32_at(key, 13),
                        event: codec::u16_at(key, 17),
                        alarm: codec::u16_at(key, 19),
                    })
                }
                _ => Err(KeyError::NoLayout),
            }
        }
        /// Index of the layout of a key, without reading its fields.
        #[inline]
        pub fn layout_of(key: &[u8]) -> Result<usize, KeyError> {
            match key.len() {
                49 if codec::u8_at(key, 12) == 0x00 => Ok(0),
                49 if codec::u8_at(key, 12) == 0x01 => Ok(1),
                49 if codec::u8_at(key, 12) == 0x02 => Ok(2),
                21 if codec::u8_at(key, 12) == 0x03 => Ok(3),
                17 if codec::u8_at(key, 12) == 0x04 => Ok(4),
                25 if codec::has(
                    key,
                    0,
                    &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
                ) && codec::u8_at(key, 12) == 0x05 => Ok(5),
                21 if codec::u8_at(key, 12) == 0x06 => Ok(6),
                _ => Err(KeyError::NoLayout),
            }
        }
    }
    impl TypedKey for TaskQueueKey<'_> {
        fn encode(&self, out: &mut Vec<u8>) {
            match *self {
                TaskQueueKey::IndexEmail { due, account, document, hash } => {
                    out.extend_from_slice(&due.to_be_bytes());
                    out.extend_from_slice(&account.to_be_bytes());
                    out.extend_from_slice(&[0x00]);
                    out.extend_from_slice(&document.to_be_bytes());
                    out.extend_from_slice(hash);
                }
                TaskQueueKey::TrainSpam { due, account, document, hash } => {
                    out.extend_from_slice(&due.to_be_bytes());
                    out.extend_from_slice(&account.to_be_bytes());
                    out.extend_from_slice(&[0x01]);
                    out.extend_from_slice(&document.to_be_bytes());
                    out.extend_from_slice(hash);
                }
                TaskQueueKey::TrainHam { due, account, document, hash } => {
                    out.extend_from_slice(&due.to_be_bytes());
                    out.extend_from_slice(&account.to_be_bytes());
                    out.extend_from_slice(&[0x02]);
                    out.extend_from_slice(&document.to_be_bytes());
                    out.extend_from_slice(hash);
                }
                TaskQueueKey::Alarm { due, account, document, event, alarm } => {
                    out.extend_from_slice(&due.to_be_bytes());
                    out.extend_from_slice(&account.to_be_bytes());
                    out.extend_from_slice(&[0x03]);
                    out.extend_from_slice(&document.to_be_bytes());
                    out.extend_from_slice(&event.to_be_bytes());
                    out.extend_from_slice(&alarm.to_be_bytes());
                }
                TaskQueueKey::Imip { due, account, document } => {
                    out.extend_from_slice(&due.to_be_bytes());
                    out.extend_from_slice(&account.to_be_bytes());
                    out.extend_from_slice(&[0x04]);
                    out.extend_from_slice(&document.to_be_bytes());
                }
                TaskQueueKey::ImipPayload { account, document, due } => {
                    out.extend_from_slice(
                        &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
                    );
                    out.extend_from_slice(&account.to_be_bytes());
                    out.extend_from_slice(&[0x05]);
                    out.extend_from_slice(&document.to_be_bytes());
                    out.extend_from_slice(&due.to_be_bytes());
                }
                TaskQueueKey::DisplayAlarm { due, account, document, event, alarm } => {
                    out.extend_from_slice(&due.to_be_bytes());
                    out.extend_from_slice(&account.to_be_bytes());
                    out.extend_from_slice(&[0x06]);
                    out.extend_from_slice(&document.to_be_bytes());
                    out.extend_from_slice(&event.to_be_bytes());
                    out.extend_from_slice(&alarm.to_be_bytes());
                }
            }
        }
        #[inline]
        fn layout(&self) -> usize {
            match self {
                TaskQueueKey::IndexEmail { .. } => 0,
                TaskQueueKey::TrainSpam { .. } => 1,
                TaskQueueKey::TrainHam { .. } => 2,
                TaskQueueKey::Alarm { .. } => 3,
                TaskQueueKey::Imip { .. } => 4,
                TaskQueueKey::ImipPayload { .. } => 5,
                TaskQueueKey::DisplayAlarm { .. } => 6,
            }
        }
        fn layouts(&self) -> &'static [Layout] {
            &TASK_QUEUE_LAYOUTS
        }
    }
    impl fmt::Display for TaskQueueKey<'_> {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write_key(f, self)
        }
    }
    pub(super) static TASK_QUEUE_LAYOUTS: [Layout; 7] = [
        Layout {
            name: "index_email",
            doc: "Index an e-mail.",
            segments: &[
                Segment::field("due", SegmentKind::U64),
                Segment::field("account", SegmentKind::U32),
                Segment::constant(&[0x00]),
                Segment::field("document", SegmentKind::U32),
                Segment::field("hash", SegmentKind::Hash),
            ],
            value: ValueForm::Lengths(&[0, 8]),
            value_lengths: 0x101,
            ..Layout::PLAIN
        },
        Layout {
            name: "train_spam",
            doc: "Train the filter with spam.",
            segments: &[
                Segment::field("due", SegmentKind::U64),
                Segment::field("account", SegmentKind::U32),
                Segment::constant(&[0x01]),
                Segment::field("document", SegmentKind::U32),
                Segment::field("hash", SegmentKind::Hash),
            ],
            value: ValueForm::Empty,
            value_lengths: 0x01,
            ..Layout::PLAIN
        },
        Layout {
            name: "train_ham",
            doc: "Train the filter with ham.",
            segments: &[
                Segment::field("due", SegmentKind::U64),
                Segment::field("account", SegmentKind::U32),
                Segment::constant(&[0x02]),
                Segment::field("document", SegmentKind::U32),
                Segment::field("hash", SegmentKind::Hash),
            ],
            value: ValueForm::Empty,
            value_lengths: 0x01,
            ..Layout::PLAIN
        },
        Layout {
            name: "alarm",
            doc: "Calendar alarm; by e-mail only from version 4 on.",
            segments: &[
                Segment::field("due", SegmentKind::U64),
                Segment::field("account", SegmentKind::U32),
                Segment::constant(&[0x03]),
                Segment::field("document", SegmentKind::U32),
                Segment::field("event", SegmentKind::U16),
                Segment::field("alarm", SegmentKind::U16),
            ],
            value: ValueForm::Lengths(&[20]),
            value_lengths: 0x100000,
            ..Layout::PLAIN
        },
        Layout {
            name: "imip",
            doc: "Send an iMIP message.",
            segments: &[
                Segment::field("due", SegmentKind::U64),
                Segment::field("account", SegmentKind::U32),
                Segment::constant(&[0x04]),
                Segment::field("document", SegmentKind::U32),
            ],
            value: ValueForm::Empty,
            value_lengths: 0x01,
            ..Layout::PLAIN
        },
        Layout {
            name: "imip_payload",
            doc: "What the iMIP message holds.",
            segments: &[
                Segment::constant(&[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]),
                Segment::field("account", SegmentKind::U32),
                Segment::constant(&[0x05]),
                Segment::field("document", SegmentKind::U32),
                Segment::field("due", SegmentKind::U64),
            ],
            value: ValueForm::Archive,
            value_lengths: 0xfffffffffffffffe,
            long: true,
            ..Layout::PLAIN
        },
        Layout {
            name: "display_alarm",
            doc: "Calendar alarm that is displayed.",
            segments: &[
                Segment::field("due", SegmentKind::U64),
                Segment::field("account", SegmentKind::U32),
                Segment::constant(&[0x06]),
                Segment::field("document", SegmentKind::U32),
                Segment::field("event", SegmentKind::U16),
                Segment::field("alarm", SegmentKind::U16),
            ],
            value: ValueForm::Lengths(&[8]),
            value_lengths: 0x100,
            ..Layout::PLAIN
        },
    ];
    /// `subspaces.task_queue`
    pub(super) const TASK_QUEUE: Subspace = Subspace {
        version: 4,
        letter: 'f',
        name: "task_queue",
        title: "Background task queue",
        doc: "Work the server has put off. `due` is a sequence number in version 1, unix seconds in versions 2 to 4, a task epoch in version 5.",
        source: "crates/store/src/write/key.rs @ v0.12.4, v0.12.5, v0.14.1, v0.15.5",
        family: None,
        no_family: Some("The server's own export leaves tasks out."),
        store_group: StoreGroup::Data,
        server_export: false,
        server_import: false,
        derived: false,
        settings: false,
        value: ValueKind::Bytes,
        fresh: FreshRule::Refuse,
        layouts: &TASK_QUEUE_LAYOUTS,
        tables: &TABLES_F_BYTES,
        decode: TaskQueueKey::layout_of,
        accepts: |key, length| {
            let layout = &TASK_QUEUE_LAYOUTS[TaskQueueKey::layout_of(key).ok()?];
            layout.takes(length).then_some(layout)
        },
    };
    /// Full-text postings (`subspaces.fts_index`).
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum FtsIndexKey<'a> {
        /// Postings of one word in one document. (`subspaces.fts_index.layouts.postings`)
        Postings {
            /// Account that owns the record.
            account: u32,
            /// The word or its hash.
            word: &'a [u8],
            /// Collection of the document.
            collection: u8,
            /// Document id within account and collection.
            document: u32,
        },
        /// Postings of a word without letters, which releases before 0.9.3 wrote. Nothing reads them.
        /// (`subspaces.fts_index.layouts.empty_word`)
        EmptyWord {
            /// Account that owns the record.
            account: u32,
            /// Collection of the document.
            collection: u8,
            /// Document id within account and collection.
            document: u32,
        },
    }
    impl<'a> FtsIndexKey<'a> {
        /// Reads a key; every byte belongs to a field or is a constant.
        #[inline]
        pub fn decode(key: &'a [u8]) -> Result<Self, KeyError> {
            match key.len() {
                len if len >= 10 && len <= 18
                    && codec::is_token_hash(codec::slice(key, 4, len - 5)) => {
                    Ok(FtsIndexKey::Postings {
                        account: codec::u32_at(key, 0),
                        word: codec::slice(key, 4, len - 5),
                        collection: codec::u8_at(key, len - 5),
                        document: codec::u32_at(key, len - 4),
                    })
                }
                9 => {
                    Ok(FtsIndexKey::EmptyWord {
                        account: codec::u32_at(key, 0),
                        collection: codec::u8_at(key, 4),
                        document: codec::u32_at(key, 5),
                    })
                }
                _ => Err(KeyError::NoLayout),
            }
        }
        /// Index of the layout of a key, without reading its fields.
        #[inline]
        pub fn layout_of(key: &[u8]) -> Result<usize, KeyError> {
            match key.len() {
                len if len >= 10 && len <= 18
                    && codec::is_token_hash(codec::slice(key, 4, len - 5)) => Ok(0),
                9 => Ok(1),
                _ => Err(KeyError::NoLayout),
            }
        }
    }
    impl TypedKey for FtsIndexKey<'_> {
        fn encode(&self, out: &mut Vec<u8>) {
            match *self {
                FtsIndexKey::Postings { account, word, collection, document } => {
                    out.extend_from_slice(&account.to_be_bytes());
                    out.extend_from_slice(word);
                    out.push(collection);
                    out.extend_from_slice(&document.to_be_bytes());
                }
                FtsIndexKey::EmptyWord { account, collection, document } => {
                    out.extend_from_slice(&account.to_be_bytes());
                    out.push(collection);
                    out.extend_from_slice(&document.to_be_bytes());
                }
            }
        }
        #[inline]
        fn layout(&self) -> usize {
            match self {
                FtsIndexKey::Postings { .. } => 0,
                FtsIndexKey::EmptyWord { .. } => 1,
            }
        }
        fn layouts(&self) -> &'static [Layout] {
            &FTS_INDEX_LAYOUTS
        }
    }
    impl fmt::Display for FtsIndexKey<'_> {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write_key(f, self)
        }
    }
    pub(super) static FTS_INDEX_LAYOUTS: [Layout; 2] = [
        Layout {
            name: "postings",
            doc: "Postings of one word in one document.",
            segments: &[
                Segment::field("account", SegmentKind::U32),
                Segment::field("word", SegmentKind::TokenHash),
                Segment::field("collection", SegmentKind::U8).named(&NAMES_COLLECTION),
                Segment::field("document", SegmentKind::U32),
            ],
            long: true,
            ..Layout::PLAIN
        },
        Layout {
            name: "empty_word",
            doc: "Postings of a word without letters, which releases before 0.9.3 wrote. Nothing reads them.",
            segments: &[
                Segment::field("account", SegmentKind::U32),
                Segment::field("collection", SegmentKind::U8).named(&NAMES_COLLECTION),
                Segment::field("document", SegmentKind::U32),
            ],
            long: true,
            ..Layout::PLAIN
        },
    ];
    /// `subspaces.fts_index`
    pub(super) const FTS_INDEX: Subspace = Subspace {
        version: 4,
        letter: 'g',
        name: "fts_index",
        title: "Full-text postings",
        doc: "Where a word occurs in a document.",
        source: "crates/store/src/fts/postings.rs, crates/store/src/write/hash.rs @ v0.14.1",
        family: Some("fts_index"),
        no_family: None,
        store_group: StoreGroup::Search,
        server_export: true,
        server_import: false,
        derived: false,
        settings: false,
        value: ValueKind::Bytes,
        fresh: FreshRule::Refuse,
        layouts: &FTS_INDEX_LAYOUTS,
        tables: &TABLES_G_BYTES,
        decode: FtsIndexKey::layout_of,
        accepts: |key, length| {
            let layout = &FTS_INDEX_LAYOUTS[FtsIndexKey::layout_of(key).ok()?];
            layout.takes(length).then_some(layout)
        },
    };
    /// Document indexes (`subspaces.indexes`).
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum IndexesKey<'a> {
        /// One indexed value of a document, possibly empty. (`subspaces.indexes.layouts.index`)
        Index {
            /// Account that owns the record.
            account: u32,
            /// Collection of the document.
            collection: u8,
            /// Field id; what it means depends on the collection.
            field: u8,
            /// Indexed value; its form depends on the field.
            index_value: &'a [u8],
            /// Document id within account and collection.
            document: u32,
        },
    }
    impl<'a> IndexesKey<'a> {
        /// Reads a key; every byte belongs to a field or is a constant.
        #[inline]
        pub fn decode(key: &'a [u8]) -> Result<Self, KeyError> {
            match key.len() {
                len if len >= 10 => {
                    Ok(IndexesKey::Index {
                        account: codec::u32_at(key, 0),
                        collection: codec::u8_at(key, 4),
                        field: codec::u8_at(key, 5),
                        index_value: codec::slice(key, 6, len - 4),
                        document: codec::u32_at(key, len - 4),
                    })
                }
                _ => Err(KeyError::NoLayout),
            }
        }
        /// Index of the layout of a key, without reading its fields.
        #[inline]
        pub fn layout_of(key: &[u8]) -> Result<usize, KeyError> {
            match key.len() {
                len if len >= 10 => Ok(0),
                _ => Err(KeyError::NoLayout),
            }
        }
    }
    impl TypedKey for IndexesKey<'_> {
        fn encode(&self, out: &mut Vec<u8>) {
            match *self {
                IndexesKey::Index {
                    account,
                    collection,
                    field,
                    index_value,
                    document,
                } => {
                    out.extend_from_slice(&account.to_be_bytes());
                    out.push(collection);
                    out.push(field);
                    out.extend_from_slice(index_value);
                    out.extend_from_slice(&document.to_be_bytes());
                }
            }
        }
        #[inline]
        fn layout(&self) -> usize {
            match self {
                IndexesKey::Index { .. } => 0,
            }
        }
        fn layouts(&self) -> &'static [Layout] {
            &INDEXES_LAYOUTS
        }
    }
    impl fmt::Display for IndexesKey<'_> {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write_key(f, self)
        }
    }
    pub(super) static INDEXES_LAYOUTS: [Layout; 1] = [
        Layout {
            name: "index",
            doc: "One indexed value of a document, possibly empty.",
            segments: &[
                Segment::field("account", SegmentKind::U32),
                Segment::field("collection", SegmentKind::U8).named(&NAMES_COLLECTION),
                Segment::field("field", SegmentKind::U8),
                Segment::field("index_value", SegmentKind::Rest),
                Segment::field("document", SegmentKind::U32),
            ],
            value: ValueForm::Empty,
            value_lengths: 0x01,
            ..Layout::PLAIN
        },
    ];
    /// `subspaces.indexes`
    pub(super) const INDEXES: Subspace = Subspace {
        version: 4,
        letter: 'i',
        name: "indexes",
        title: "Document indexes",
        doc: "Indexed values of documents. Fields are not limited to those the releases read.",
        source: "crates/store/src/write/key.rs, crates/types/src/field.rs @ v0.15.5",
        family: Some("index"),
        no_family: None,
        store_group: StoreGroup::Data,
        server_export: true,
        server_import: false,
        derived: false,
        settings: false,
        value: ValueKind::None,
        fresh: FreshRule::Refuse,
        layouts: &INDEXES_LAYOUTS,
        tables: &TABLES_I_NONE,
        decode: IndexesKey::layout_of,
        accepts: |key, length| {
            let layout = &INDEXES_LAYOUTS[IndexesKey::layout_of(key).ok()?];
            layout.takes(length).then_some(layout)
        },
    };
    /// Blob links (`subspaces.blob_link`).
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum BlobLinkKey<'a> {
        /// The blob has been stored. (`subspaces.blob_link.layouts.commit`)
        Commit {
            /// BLAKE3 of a blob.
            hash: &'a [u8; 32],
        },
        /// Something that is no document uses the blob. (`subspaces.blob_link.layouts.id_link`)
        IdLink {
            /// BLAKE3 of a blob.
            hash: &'a [u8; 32],
            /// Upper half of its id.
            id_high: u32,
            /// Lower half of its id.
            id_low: u32,
        },
        /// A document uses the blob. (`subspaces.blob_link.layouts.document_link`)
        DocumentLink {
            /// BLAKE3 of a blob.
            hash: &'a [u8; 32],
            /// Account that owns the record.
            account: u32,
            /// Collection of the document.
            collection: u8,
            /// Document id within account and collection.
            document: u32,
        },
    }
    impl<'a> BlobLinkKey<'a> {
        /// Reads a key; every byte belongs to a field or is a constant.
        #[inline]
        pub fn decode(key: &'a [u8]) -> Result<Self, KeyError> {
            match key.len() {
                41 if codec::has(
                    key,
                    32,
                    &[0xff, 0xff, 0xff, 0xff, 0x00, 0xff, 0xff, 0xff, 0xff],
                ) => {
                    Ok(BlobLinkKey::Commit {
                        hash: codec::array_at(key, 0),
                    })
                }
                41 if codec::u8_at(key, 36) == 0xff => {
                    Ok(BlobLinkKey::IdLink {
                        hash: codec::array_at(key, 0),
                        id_high: codec::u32_at(key, 32),
                        id_low: codec::u32_at(key, 37),
                    })
                }
                41 if codec::u8_at(key, 36) <= 254 => {
                    Ok(BlobLinkKey::DocumentLink {
                        hash: codec::array_at(key, 0),
                        account: codec::u32_at(key, 32),
                        collection: codec::u8_at(key, 36),
                        document: codec::u32_at(key, 37),
                    })
                }
                _ => Err(KeyError::NoLayout),
            }
        }
        /// Index of the layout of a key, without reading its fields.
        #[inline]
        pub fn layout_of(key: &[u8]) -> Result<usize, KeyError> {
            match key.len() {
                41 if codec::has(
                    key,
                    32,
                    &[0xff, 0xff, 0xff, 0xff, 0x00, 0xff, 0xff, 0xff, 0xff],
                ) => Ok(0),
                41 if codec::u8_at(key, 36) == 0xff => Ok(1),
                41 if codec::u8_at(key, 36) <= 254 => Ok(2),
                _ => Err(KeyError::NoLayout),
            }
        }
    }
    impl TypedKey for BlobLinkKey<'_> {
        fn encode(&self, out: &mut Vec<u8>) {
            match *self {
                BlobLinkKey::Commit { hash } => {
                    out.extend_from_slice(hash);
                    out.extend_from_slice(
                        &[0xff, 0xff, 0xff, 0xff, 0x00, 0xff, 0xff, 0xff, 0xff],
                    );
                }
                BlobLinkKey::IdLink { hash, id_high, id_low } => {
                    out.extend_from_slice(hash);
                    out.extend_from_slice(&id_high.to_be_bytes());
                    out.extend_from_slice(&[0xff]);
                    out.extend_from_slice(&id_low.to_be_bytes());
                }
                BlobLinkKey::DocumentLink { hash, account, collection, document } => {
                    out.extend_from_slice(hash);
                    out.extend_from_slice(&account.to_be_bytes());
                    out.push(collection);
                    out.extend_from_slice(&document.to_be_bytes());
                }
            }
        }
        #[inline]
        fn layout(&self) -> usize {
            match self {
                BlobLinkKey::Commit { .. } => 0,
                BlobLinkKey::IdLink { .. } => 1,
                BlobLinkKey::DocumentLink { .. } => 2,
            }
        }
        fn layouts(&self) -> &'static [Layout] {
            &BLOB_LINK_LAYOUTS
        }
    }
    impl fmt::Display for BlobLinkKey<'_> {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write_key(f, self)
        }
    }
    pub(super) static BLOB_LINK_LAYOUTS: [Layout; 3] = [
        Layout {
            name: "commit",
            doc: "The blob has been stored.",
            segments: &[
                Segment::field("hash", SegmentKind::Hash),
                Segment::constant(
                    &[0xff, 0xff, 0xff, 0xff, 0x00, 0xff, 0xff, 0xff, 0xff],
                ),
            ],
            value: ValueForm::Empty,
            value_lengths: 0x01,
            commit: true,
            blob_link: Some(0),
            shares: &[2],
            ..Layout::PLAIN
        },
        Layout {
            name: "id_link",
            doc: "Something that is no document uses the blob.",
            segments: &[
                Segment::field("hash", SegmentKind::Hash),
                Segment::field("id_high", SegmentKind::U32),
                Segment::constant(&[0xff]),
                Segment::field("id_low", SegmentKind::U32),
            ],
            value: ValueForm::Empty,
            value_lengths: 0x01,
            blob_link: Some(0),
            ..Layout::PLAIN
        },
        Layout {
            name: "document_link",
            doc: "A document uses the blob.",
            segments: &[
                Segment::field("hash", SegmentKind::Hash),
                Segment::field("account", SegmentKind::U32),
                Segment::field("collection", SegmentKind::U8)
                    .within(&[(0, 254)])
                    .named(&NAMES_COLLECTION),
                Segment::field("document", SegmentKind::U32),
            ],
            value: ValueForm::Empty,
            value_lengths: 0x01,
            blob_link: Some(0),
            ..Layout::PLAIN
        },
    ];
    /// `subspaces.blob_link`
    pub(super) const BLOB_LINK: Subspace = Subspace {
        version: 4,
        letter: 'k',
        name: "blob_link",
        title: "Blob links",
        doc: "Which blobs exist and what uses them.",
        source: "crates/store/src/write/key.rs @ v0.14.1",
        family: Some("blob"),
        no_family: None,
        store_group: StoreGroup::Data,
        server_export: true,
        server_import: false,
        derived: false,
        settings: false,
        value: ValueKind::Bytes,
        fresh: FreshRule::Refuse,
        layouts: &BLOB_LINK_LAYOUTS,
        tables: &TABLES_K_BYTES,
        decode: BlobLinkKey::layout_of,
        accepts: |key, length| {
            let layout = &BLOB_LINK_LAYOUTS[BlobLinkKey::layout_of(key).ok()?];
            layout.takes(length).then_some(layout)
        },
    };
    /// Change log (`subspaces.logs`).
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum LogsKey {
        /// Ids that one change touched. (`subspaces.logs.layouts.change`)
        Change {
            /// Account that owns the record.
            account: u32,
            /// Collection whose changes these are.
            sync_collection: u8,
            /// Change id, ascending within the account.
            change: u64,
        },
        /// Names or ids of what one change removed. (`subspaces.logs.layouts.vanished`)
        Vanished {
            /// Account that owns the record.
            account: u32,
            /// Collection whose changes these are.
            sync_collection: u8,
            /// Change id, ascending within the account.
            change: u64,
        },
        /// Someone's rights on a shared object changed. (`subspaces.logs.layouts.share_notification`)
        ShareNotification {
            /// Account that is notified.
            account: u32,
            /// Id of the notification.
            notification: u64,
        },
    }
    impl LogsKey {
        /// Reads a key; every byte belongs to a field or is a constant.
        #[inline]
        pub fn decode(key: &[u8]) -> Result<Self, KeyError> {
            match key.len() {
                13 if codec::u8_at(key, 4) <= 8 => {
                    Ok(LogsKey::Change {
                        account: codec::u32_at(key, 0),
                        sync_collection: codec::u8_at(key, 4),
                        change: codec::u64_at(key, 5),
                    })
                }
                13 if (codec::u8_at(key, 4) >= 251 && codec::u8_at(key, 4) <= 254) => {
                    Ok(LogsKey::Vanished {
                        account: codec::u32_at(key, 0),
                        sync_collection: codec::u8_at(key, 4),
                        change: codec::u64_at(key, 5),
                    })
                }
                13 if codec::u8_at(key, 4) == 0x09 => {
                    Ok(LogsKey::ShareNotification {
                        account: codec::u32_at(key, 0),
                        notification: codec::u64_at(key, 5),
                    })
                }
                _ => Err(KeyError::NoLayout),
            }
        }
        /// Index of the layout of a key, without reading its fields.
        #[inline]
        pub fn layout_of(key: &[u8]) -> Result<usize, KeyError> {
            match key.len() {
                13 if codec::u8_at(key, 4) <= 8 => Ok(0),
                13 if (codec::u8_at(key, 4) >= 251 && codec::u8_at(key, 4) <= 254) => {
                    Ok(1)
                }
                13 if codec::u8_at(key, 4) == 0x09 => Ok(2),
                _ => Err(KeyError::NoLayout),
            }
        }
    }
    impl TypedKey for LogsKey {
        fn encode(&self, out: &mut Vec<u8>) {
            match *self {
                LogsKey::Change { account, sync_collection, change } => {
                    out.extend_from_slice(&account.to_be_bytes());
                    out.push(sync_collection);
                    out.extend_from_slice(&change.to_be_bytes());
                }
                LogsKey::Vanished { account, sync_collection, change } => {
                    out.extend_from_slice(&account.to_be_bytes());
                    out.push(sync_collection);
                    out.extend_from_slice(&change.to_be_bytes());
                }
                LogsKey::ShareNotification { account, notification } => {
                    out.extend_from_slice(&account.to_be_bytes());
                    out.extend_from_slice(&[0x09]);
                    out.extend_from_slice(&notification.to_be_bytes());
                }
            }
        }
        #[inline]
        fn layout(&self) -> usize {
            match self {
                LogsKey::Change { .. } => 0,
                LogsKey::Vanished { .. } => 1,
                LogsKey::ShareNotification { .. } => 2,
            }
        }
        fn layouts(&self) -> &'static [Layout] {
            &LOGS_LAYOUTS
        }
    }
    impl fmt::Display for LogsKey {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write_key(f, self)
        }
    }
    pub(super) static LOGS_LAYOUTS: [Layout; 3] = [
        Layout {
            name: "change",
            doc: "Ids that one change touched.",
            segments: &[
                Segment::field("account", SegmentKind::U32),
                Segment::field("sync_collection", SegmentKind::U8)
                    .within(&[(0, 8)])
                    .named(&NAMES_SYNC_COLLECTION),
                Segment::field("change", SegmentKind::U64),
            ],
            value: ValueForm::Changes,
            ..Layout::PLAIN
        },
        Layout {
            name: "vanished",
            doc: "Names or ids of what one change removed.",
            segments: &[
                Segment::field("account", SegmentKind::U32),
                Segment::field("sync_collection", SegmentKind::U8)
                    .within(&[(251, 254)])
                    .named(&NAMES_SYNC_COLLECTION),
                Segment::field("change", SegmentKind::U64),
            ],
            ..Layout::PLAIN
        },
        Layout {
            name: "share_notification",
            doc: "Someone's rights on a shared object changed.",
            segments: &[
                Segment::field("account", SegmentKind::U32),
                Segment::constant(&[0x09]),
                Segment::field("notification", SegmentKind::U64),
            ],
            ..Layout::PLAIN
        },
    ];
    /// `subspaces.logs`
    pub(super) const LOGS: Subspace = Subspace {
        version: 4,
        letter: 'l',
        name: "logs",
        title: "Change log",
        doc: "What changed in an account, for clients that synchronise.",
        source: "crates/store/src/write/log.rs, crates/store/src/write/key.rs @ v0.14.1, v0.15.5",
        family: Some("log"),
        no_family: None,
        store_group: StoreGroup::Data,
        server_export: true,
        server_import: false,
        derived: false,
        settings: false,
        value: ValueKind::Bytes,
        fresh: FreshRule::Refuse,
        layouts: &LOGS_LAYOUTS,
        tables: &TABLES_L_BYTES_LOGS,
        decode: LogsKey::layout_of,
        accepts: |key, length| {
            let layout = &LOGS_LAYOUTS[LogsKey::layout_of(key).ok()?];
            layout.takes(length).then_some(layout)
        },
    };
    /// Document, change and mailbox counters (`subspaces.counter`).
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum CounterKey {
        /// Last change id of an account. (`subspaces.counter.layouts.change_id`)
        ChangeId {
            /// Account that owns the record.
            account: u32,
        },
        /// Last document id of a collection. (`subspaces.counter.layouts.document_id`)
        DocumentId {
            /// Account that owns the record.
            account: u32,
            /// Collection of the document.
            collection: u8,
        },
        /// Last IMAP UID of a mailbox. (`subspaces.counter.layouts.mailbox_uid`)
        MailboxUid {
            /// Account that owns the record.
            account: u32,
            /// Document id of the mailbox.
            mailbox: u32,
        },
    }
    impl CounterKey {
        /// Reads a key; every byte belongs to a field or is a constant.
        #[inline]
        pub fn decode(key: &[u8]) -> Result<Self, KeyError> {
            match key.len() {
                4 => {
                    Ok(CounterKey::ChangeId {
                        account: codec::u32_at(key, 0),
                    })
                }
                5 if codec::u8_at(key, 4) <= 253 => {
                    Ok(CounterKey::DocumentId {
                        account: codec::u32_at(key, 0),
                        collection: codec::u8_at(key, 4),
                    })
                }
                10 if codec::has(key, 4, &[0x01, 0x54]) => {
                    Ok(CounterKey::MailboxUid {
                        account: codec::u32_at(key, 0),
                        mailbox: codec::u32_at(key, 6),
                    })
                }
                _ => Err(KeyError::NoLayout),
            }
        }
        /// Index of the layout of a key, without reading its fields.
        #[inline]
        pub fn layout_of(key: &[u8]) -> Result<usize, KeyError> {
            match key.len() {
                4 => Ok(0),
                5 if codec::u8_at(key, 4) <= 253 => Ok(1),
                10 if codec::has(key, 4, &[0x01, 0x54]) => Ok(2),
                _ => Err(KeyError::NoLayout),
            }
        }
    }
    impl TypedKey for CounterKey {
        fn encode(&self, out: &mut Vec<u8>) {
            match *self {
                CounterKey::ChangeId { account } => {
                    out.extend_from_slice(&account.to_be_bytes());
                }
                CounterKey::DocumentId { account, collection } => {
                    out.extend_from_slice(&account.to_be_bytes());
                    out.push(collection);
                }
                CounterKey::MailboxUid { account, mailbox } => {
                    out.extend_from_slice(&account.to_be_bytes());
                    out.extend_from_slice(&[0x01, 0x54]);
                    out.extend_from_slice(&mailbox.to_be_bytes());
                }
            }
        }
        #[inline]
        fn layout(&self) -> usize {
            match self {
                CounterKey::ChangeId { .. } => 0,
                CounterKey::DocumentId { .. } => 1,
                CounterKey::MailboxUid { .. } => 2,
            }
        }
        fn layouts(&self) -> &'static [Layout] {
            &COUNTER_LAYOUTS
        }
    }
    impl fmt::Display for CounterKey {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write_key(f, self)
        }
    }
    pub(super) static COUNTER_LAYOUTS: [Layout; 3] = [
        Layout {
            name: "change_id",
            doc: "Last change id of an account.",
            segments: &[Segment::field("account", SegmentKind::U32)],
            value_lengths: 0x100,
            ..Layout::PLAIN
        },
        Layout {
            name: "document_id",
            doc: "Last document id of a collection.",
            segments: &[
                Segment::field("account", SegmentKind::U32),
                Segment::field("collection", SegmentKind::U8)
                    .within(&[(0, 253)])
                    .named(&NAMES_COLLECTION),
            ],
            value_lengths: 0x100,
            ..Layout::PLAIN
        },
        Layout {
            name: "mailbox_uid",
            doc: "Last IMAP UID of a mailbox.",
            segments: &[
                Segment::field("account", SegmentKind::U32),
                Segment::constant(&[0x01, 0x54]),
                Segment::field("mailbox", SegmentKind::U32),
            ],
            value_lengths: 0x100,
            ..Layout::PLAIN
        },
    ];
    /// `subspaces.counter`
    pub(super) const COUNTER: Subspace = Subspace {
        version: 4,
        letter: 'n',
        name: "counter",
        title: "Document, change and mailbox counters",
        doc: "The last id handed out, by kind. In version 6 also disk usage.",
        source: "crates/store/src/write/key.rs, crates/store/src/dispatch/store.rs @ v0.15.5, v0.16.18",
        family: Some("property"),
        no_family: None,
        store_group: StoreGroup::Data,
        server_export: true,
        server_import: false,
        derived: false,
        settings: false,
        value: ValueKind::Counter,
        fresh: FreshRule::Refuse,
        layouts: &COUNTER_LAYOUTS,
        tables: &TABLES_N_COUNTER,
        decode: CounterKey::layout_of,
        accepts: |key, length| {
            let layout = &COUNTER_LAYOUTS[CounterKey::layout_of(key).ok()?];
            layout.takes(length).then_some(layout)
        },
    };
    /// Object properties (`subspaces.property`).
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum PropertyKey {
        /// The schema version of the store. (`subspaces.property.layouts.schema_version`)
        SchemaVersion {},
        /// One field of a document. (`subspaces.property.layouts.property`)
        Property {
            /// Account that owns the record.
            account: u32,
            /// Collection of the document.
            collection: u8,
            /// Field id; what it means depends on the collection.
            field: u8,
            /// Document id within account and collection.
            document: u32,
        },
    }
    impl PropertyKey {
        /// Reads a key; every byte belongs to a field or is a constant.
        #[inline]
        pub fn decode(key: &[u8]) -> Result<Self, KeyError> {
            match key.len() {
                1 if codec::u8_at(key, 0) == 0x00 => Ok(PropertyKey::SchemaVersion {}),
                10 => {
                    Ok(PropertyKey::Property {
                        account: codec::u32_at(key, 0),
                        collection: codec::u8_at(key, 4),
                        field: codec::u8_at(key, 5),
                        document: codec::u32_at(key, 6),
                    })
                }
                _ => Err(KeyError::NoLayout),
            }
        }
        /// Index of the layout of a key, without reading its fields.
        #[inline]
        pub fn layout_of(key: &[u8]) -> Result<usize, KeyError> {
            match key.len() {
                1 if codec::u8_at(key, 0) == 0x00 => Ok(0),
                10 => Ok(1),
                _ => Err(KeyError::NoLayout),
            }
        }
    }
    impl TypedKey for PropertyKey {
        fn encode(&self, out: &mut Vec<u8>) {
            match *self {
                PropertyKey::SchemaVersion {} => {
                    out.extend_from_slice(&[0x00]);
                }
                PropertyKey::Property { account, collection, field, document } => {
                    out.extend_from_slice(&account.to_be_bytes());
                    out.push(collection);
                    out.push(field);
                    out.extend_from_slice(&document.to_be_bytes());
                }
            }
        }
        #[inline]
        fn layout(&self) -> usize {
            match self {
                PropertyKey::SchemaVersion { .. } => 0,
                PropertyKey::Property { .. } => 1,
            }
        }
        fn layouts(&self) -> &'static [Layout] {
            &PROPERTY_LAYOUTS
        }
    }
    impl fmt::Display for PropertyKey {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write_key(f, self)
        }
    }
    pub(super) static PROPERTY_LAYOUTS: [Layout; 2] = [
        Layout {
            name: "schema_version",
            doc: "The schema version of the store.",
            segments: &[Segment::constant(&[0x00])],
            value: ValueForm::Lengths(&[4]),
            value_lengths: 0x10,
            schema_version: true,
            fresh: Some(FreshRule::Clear),
            fixed_key: Some(&[0x00]),
            ..Layout::PLAIN
        },
        Layout {
            name: "property",
            doc: "One field of a document.",
            segments: &[
                Segment::field("account", SegmentKind::U32),
                Segment::field("collection", SegmentKind::U8).named(&NAMES_COLLECTION),
                Segment::field("field", SegmentKind::U8),
                Segment::field("document", SegmentKind::U32),
            ],
            archives: &[
                &[(2, &[(50, 50)])],
                &[(1, &[(0, 0)]), (2, &[(71, 71)])],
                &[(1, &[(7, 7)]), (2, &[(44, 46)])],
            ],
            long: true,
            ..Layout::PLAIN
        },
    ];
    /// `subspaces.property`
    pub(super) const PROPERTY: Subspace = Subspace {
        version: 4,
        letter: 'p',
        name: "property",
        title: "Object properties",
        doc: "The documents themselves, archived, and values that belong to them.",
        source: "crates/store/src/write/key.rs, crates/types/src/field.rs @ v0.12.0, v0.15.5, v0.16.18, crates/jmap/src/push/set.rs, crates/jmap/src/participant_identity/set.rs @ v0.14.1, v0.15.5, v0.16.18, crates/http/src/management/crypto.rs @ v0.12.0, v0.15.5, crates/email/src/submission/index.rs @ v0.15.5, v0.16.16, v0.16.17",
        family: Some("property"),
        no_family: None,
        store_group: StoreGroup::Data,
        server_export: true,
        server_import: false,
        derived: false,
        settings: false,
        value: ValueKind::Bytes,
        fresh: FreshRule::Refuse,
        layouts: &PROPERTY_LAYOUTS,
        tables: &TABLES_P_BYTES,
        decode: PropertyKey::layout_of,
        accepts: |key, length| {
            let layout = &PROPERTY_LAYOUTS[PropertyKey::layout_of(key).ok()?];
            layout.takes(length).then_some(layout)
        },
    };
    /// Text-token bitmap (`subspaces.bitmap_text`).
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum BitmapTextKey<'a> {
        /// The document holds the word; bit 7 of the field marks stemmed words.
        /// (`subspaces.bitmap_text.layouts.token`)
        Token {
            /// Account that owns the record.
            account: u32,
            /// The word or its hash.
            word: &'a [u8],
            /// Collection of the document.
            collection: u8,
            /// Field id; what it means depends on the collection.
            field: u8,
            /// Document id within account and collection.
            document: u32,
        },
    }
    impl<'a> BitmapTextKey<'a> {
        /// Reads a key; every byte belongs to a field or is a constant.
        #[inline]
        pub fn decode(key: &'a [u8]) -> Result<Self, KeyError> {
            match key.len() {
                len if len >= 11 && len <= 19
                    && codec::is_token_hash(codec::slice(key, 4, len - 6)) => {
                    Ok(BitmapTextKey::Token {
                        account: codec::u32_at(key, 0),
                        word: codec::slice(key, 4, len - 6),
                        collection: codec::u8_at(key, len - 6),
                        field: codec::u8_at(key, len - 5),
                        document: codec::u32_at(key, len - 4),
                    })
                }
                _ => Err(KeyError::NoLayout),
            }
        }
        /// Index of the layout of a key, without reading its fields.
        #[inline]
        pub fn layout_of(key: &[u8]) -> Result<usize, KeyError> {
            match key.len() {
                len if len >= 11 && len <= 19
                    && codec::is_token_hash(codec::slice(key, 4, len - 6)) => Ok(0),
                _ => Err(KeyError::NoLayout),
            }
        }
    }
    impl TypedKey for BitmapTextKey<'_> {
        fn encode(&self, out: &mut Vec<u8>) {
            match *self {
                BitmapTextKey::Token { account, word, collection, field, document } => {
                    out.extend_from_slice(&account.to_be_bytes());
                    out.extend_from_slice(word);
                    out.push(collection);
                    out.push(field);
                    out.extend_from_slice(&document.to_be_bytes());
                }
            }
        }
        #[inline]
        fn layout(&self) -> usize {
            match self {
                BitmapTextKey::Token { .. } => 0,
            }
        }
        fn layouts(&self) -> &'static [Layout] {
            &BITMAP_TEXT_LAYOUTS
        }
    }
    impl fmt::Display for BitmapTextKey<'_> {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write_key(f, self)
        }
    }
    pub(super) static BITMAP_TEXT_LAYOUTS: [Layout; 1] = [
        Layout {
            name: "token",
            doc: "The document holds the word; bit 7 of the field marks stemmed words.",
            segments: &[
                Segment::field("account", SegmentKind::U32),
                Segment::field("word", SegmentKind::TokenHash),
                Segment::field("collection", SegmentKind::U8).named(&NAMES_COLLECTION),
                Segment::field("field", SegmentKind::U8),
                Segment::field("document", SegmentKind::U32),
            ],
            value: ValueForm::Empty,
            value_lengths: 0x01,
            ..Layout::PLAIN
        },
    ];
    /// `subspaces.bitmap_text`
    pub(super) const BITMAP_TEXT: Subspace = Subspace {
        version: 4,
        letter: 'v',
        name: "bitmap_text",
        title: "Text-token bitmap",
        doc: "Which documents hold a word in a field. Left by releases up to 0.11; none of these versions writes it.",
        source: "crates/store/src/write/key.rs, crates/store/src/write/hash.rs @ v0.14.1, crates/jmap-proto/src/object/index.rs @ v0.11.8",
        family: Some("bitmap"),
        no_family: None,
        store_group: StoreGroup::Search,
        server_export: true,
        server_import: false,
        derived: false,
        settings: false,
        value: ValueKind::None,
        fresh: FreshRule::Refuse,
        layouts: &BITMAP_TEXT_LAYOUTS,
        tables: &TABLES_V_NONE,
        decode: BitmapTextKey::layout_of,
        accepts: |key, length| {
            let layout = &BITMAP_TEXT_LAYOUTS[BitmapTextKey::layout_of(key).ok()?];
            layout.takes(length).then_some(layout)
        },
    };
    /// A key of any subspace of schema version 4.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum Key<'a> {
        /// A key of subspace `a`.
        Acl(AclKey),
        /// A key of subspace `b`.
        BitmapId(BitmapIdKey),
        /// A key of subspace `c`.
        BitmapTag(BitmapTagKey<'a>),
        /// A key of subspace `d`.
        Directory(DirectoryKey<'a>),
        /// A key of subspace `e`.
        QueueMessage(QueueMessageKey),
        /// A key of subspace `f`.
        TaskQueue(TaskQueueKey<'a>),
        /// A key of subspace `g`.
        FtsIndex(FtsIndexKey<'a>),
        /// A key of subspace `h`.
        ReportOut(ReportOutKey<'a>),
        /// A key of subspace `i`.
        Indexes(IndexesKey<'a>),
        /// A key of subspace `j`.
        BlobReserve(BlobReserveKey<'a>),
        /// A key of subspace `k`.
        BlobLink(BlobLinkKey<'a>),
        /// A key of subspace `l`.
        Logs(LogsKey),
        /// A key of subspace `m`.
        InMemoryValue(InMemoryValueKey<'a>),
        /// A key of subspace `n`.
        Counter(CounterKey),
        /// A key of subspace `o`.
        TelemetrySpan(TelemetrySpanKey),
        /// A key of subspace `p`.
        Property(PropertyKey),
        /// A key of subspace `q`.
        QueueEvent(QueueEventKey<'a>),
        /// A key of subspace `r`.
        ReportIn(ReportInKey),
        /// A key of subspace `s`.
        Settings(SettingsKey<'a>),
        /// A key of subspace `t`.
        Blobs(BlobsKey<'a>),
        /// A key of subspace `u`.
        Quota(QuotaKey<'a>),
        /// A key of subspace `v`.
        BitmapText(BitmapTextKey<'a>),
        /// A key of subspace `w`.
        TelemetryIndex(TelemetryIndexKey<'a>),
        /// A key of subspace `x`.
        TelemetryMetric(TelemetryMetricKey),
        /// A key of subspace `y`.
        InMemoryCounter(InMemoryCounterKey<'a>),
    }
    impl<'a> Key<'a> {
        /// Reads a key of the subspace with this letter.
        pub fn decode(letter: char, key: &'a [u8]) -> Result<Self, KeyError> {
            match letter {
                'a' => Ok(Key::Acl(AclKey::decode(key)?)),
                'b' => Ok(Key::BitmapId(BitmapIdKey::decode(key)?)),
                'c' => Ok(Key::BitmapTag(BitmapTagKey::decode(key)?)),
                'd' => Ok(Key::Directory(DirectoryKey::decode(key)?)),
                'e' => Ok(Key::QueueMessage(QueueMessageKey::decode(key)?)),
                'f' => Ok(Key::TaskQueue(TaskQueueKey::decode(key)?)),
                'g' => Ok(Key::FtsIndex(FtsIndexKey::decode(key)?)),
                'h' => Ok(Key::ReportOut(ReportOutKey::decode(key)?)),
                'i' => Ok(Key::Indexes(IndexesKey::decode(key)?)),
                'j' => Ok(Key::BlobReserve(BlobReserveKey::decode(key)?)),
                'k' => Ok(Key::BlobLink(BlobLinkKey::decode(key)?)),
                'l' => Ok(Key::Logs(LogsKey::decode(key)?)),
                'm' => Ok(Key::InMemoryValue(InMemoryValueKey::decode(key)?)),
                'n' => Ok(Key::Counter(CounterKey::decode(key)?)),
                'o' => Ok(Key::TelemetrySpan(TelemetrySpanKey::decode(key)?)),
                'p' => Ok(Key::Property(PropertyKey::decode(key)?)),
                'q' => Ok(Key::QueueEvent(QueueEventKey::decode(key)?)),
                'r' => Ok(Key::ReportIn(ReportInKey::decode(key)?)),
                's' => Ok(Key::Settings(SettingsKey::decode(key)?)),
                't' => Ok(Key::Blobs(BlobsKey::decode(key)?)),
                'u' => Ok(Key::Quota(QuotaKey::decode(key)?)),
                'v' => Ok(Key::BitmapText(BitmapTextKey::decode(key)?)),
                'w' => Ok(Key::TelemetryIndex(TelemetryIndexKey::decode(key)?)),
                'x' => Ok(Key::TelemetryMetric(TelemetryMetricKey::decode(key)?)),
                'y' => Ok(Key::InMemoryCounter(InMemoryCounterKey::decode(key)?)),
                _ => Err(KeyError::NoSubspace),
            }
        }
        /// Letter of the subspace, and its key.
        pub fn parts(&self) -> (char, &dyn TypedKey) {
            match self {
                Key::Acl(key) => ('a', key),
                Key::BitmapId(key) => ('b', key),
                Key::BitmapTag(key) => ('c', key),
                Key::Directory(key) => ('d', key),
                Key::QueueMessage(key) => ('e', key),
                Key::TaskQueue(key) => ('f', key),
                Key::FtsIndex(key) => ('g', key),
                Key::ReportOut(key) => ('h', key),
                Key::Indexes(key) => ('i', key),
                Key::BlobReserve(key) => ('j', key),
                Key::BlobLink(key) => ('k', key),
                Key::Logs(key) => ('l', key),
                Key::InMemoryValue(key) => ('m', key),
                Key::Counter(key) => ('n', key),
                Key::TelemetrySpan(key) => ('o', key),
                Key::Property(key) => ('p', key),
                Key::QueueEvent(key) => ('q', key),
                Key::ReportIn(key) => ('r', key),
                Key::Settings(key) => ('s', key),
                Key::Blobs(key) => ('t', key),
                Key::Quota(key) => ('u', key),
                Key::BitmapText(key) => ('v', key),
                Key::TelemetryIndex(key) => ('w', key),
                Key::TelemetryMetric(key) => ('x', key),
                Key::InMemoryCounter(key) => ('y', key),
            }
        }
    }
    impl fmt::Display for Key<'_> {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write_key(f, self.parts().1)
        }
    }
    pub(super) static SUBSPACES: [Subspace; 25] = [
        ACL,
        BITMAP_ID,
        BITMAP_TAG,
        super::v1::DIRECTORY.in_version(4),
        super::v1::QUEUE_MESSAGE.in_version(4),
        TASK_QUEUE,
        FTS_INDEX,
        super::v1::REPORT_OUT.in_version(4),
        INDEXES,
        super::v1::BLOB_RESERVE.in_version(4),
        BLOB_LINK,
        LOGS,
        super::v1::IN_MEMORY_VALUE.in_version(4),
        COUNTER,
        super::v1::TELEMETRY_SPAN.in_version(4),
        PROPERTY,
        super::v3::QUEUE_EVENT.in_version(4),
        super::v1::REPORT_IN.in_version(4),
        super::v1::SETTINGS.in_version(4),
        super::v1::BLOBS.in_version(4),
        super::v1::QUOTA.in_version(4),
        BITMAP_TEXT,
        super::v1::TELEMETRY_INDEX.in_version(4),
        super::v1::TELEMETRY_METRIC.in_version(4),
        super::v1::IN_MEMORY_COUNTER.in_version(4),
    ];
    pub(super) static COUNTER_RULES: &[CounterRule] = &[
        CounterRule {
            name: "document_id",
            doc: "A counter below a document's id makes the server hand out the id again. The upgrade to 0.12.0 and custom default folders leave such counters in stores of real servers.",
            counter: LayoutRef {
                letter: 'n',
                layout: 1,
            },
            group: &[0, 1],
            covers: &[
                Cover {
                    of: LayoutRef {
                        letter: 'p',
                        layout: 1,
                    },
                    group: &[GroupNumber::Field(0), GroupNumber::Field(1)],
                    id: CoveredId::Field(3),
                    only: &[],
                    unless: &[],
                },
                Cover {
                    of: LayoutRef {
                        letter: 'i',
                        layout: 0,
                    },
                    group: &[GroupNumber::Field(0), GroupNumber::Field(1)],
                    id: CoveredId::Field(4),
                    only: &[],
                    unless: &[],
                },
                Cover {
                    of: LayoutRef {
                        letter: 'b',
                        layout: 0,
                    },
                    group: &[GroupNumber::Field(0), GroupNumber::Field(1)],
                    id: CoveredId::Field(2),
                    only: &[],
                    unless: &[(0, &[(4294967295, 4294967295)])],
                },
                Cover {
                    of: LayoutRef {
                        letter: 'b',
                        layout: 0,
                    },
                    group: &[GroupNumber::Field(0), GroupNumber::Field(1)],
                    id: CoveredId::Field(2),
                    only: &[(0, &[(4294967295, 4294967295)])],
                    unless: &[(1, &[(6, 6)])],
                },
            ],
        },
        CounterRule {
            name: "change_id",
            doc: "A counter below a change makes clients miss changes and optimistic locks fail.",
            counter: LayoutRef {
                letter: 'n',
                layout: 0,
            },
            group: &[0],
            covers: &[
                Cover {
                    of: LayoutRef {
                        letter: 'l',
                        layout: 0,
                    },
                    group: &[GroupNumber::Field(0)],
                    id: CoveredId::Field(2),
                    only: &[],
                    unless: &[],
                },
                Cover {
                    of: LayoutRef {
                        letter: 'l',
                        layout: 1,
                    },
                    group: &[GroupNumber::Field(0)],
                    id: CoveredId::Field(2),
                    only: &[],
                    unless: &[],
                },
                Cover {
                    of: LayoutRef {
                        letter: 'p',
                        layout: 1,
                    },
                    group: &[GroupNumber::Field(0)],
                    id: CoveredId::ArchiveChangeId,
                    only: &[],
                    unless: &[],
                },
            ],
        },
    ];
    pub(super) static SINGLETONS: &[Singleton] = &[];
}

/// Typed keys of schema version 5.
pub mod v5 {
    use super::*;
    pub use super::v4::AclKey;
    pub use super::v1::DirectoryKey;
    pub use super::v1::QueueMessageKey;
    pub use super::v1::ReportOutKey;
    pub use super::v4::IndexesKey;
    pub use super::v4::LogsKey;
    pub use super::v1::InMemoryValueKey;
    pub use super::v4::CounterKey;
    pub use super::v1::TelemetrySpanKey;
    pub use super::v3::QueueEventKey;
    pub use super::v1::ReportInKey;
    pub use super::v1::SettingsKey;
    pub use super::v1::QuotaKey;
    pub use super::v1::TelemetryMetricKey;
    pub use super::v1::InMemoryCounterKey;
    /// Background task queue (`subspaces.task_queue`).
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum TaskQueueKey {
        /// Calendar alarm; by e-mail only from version 4 on. (`subspaces.task_queue.layouts.alarm`)
        Alarm {
            /// When it is due.
            due: u64,
            /// Account that owns the record.
            account: u32,
            /// Document id within account and collection.
            document: u32,
            /// Number of the event within the calendar object.
            event: u16,
            /// Number of the alarm within the event.
            alarm: u16,
        },
        /// Send an iMIP message. (`subspaces.task_queue.layouts.imip`)
        Imip {
            /// When it is due.
            due: u64,
            /// Account that owns the record.
            account: u32,
            /// Document id within account and collection.
            document: u32,
        },
        /// What the iMIP message holds. (`subspaces.task_queue.layouts.imip_payload`)
        ImipPayload {
            /// Account that owns the record.
            account: u32,
            /// Document id within account and collection.
            document: u32,
            /// When it is due.
            due: u64,
        },
        /// Calendar alarm that is displayed. (`subspaces.task_queue.layouts.display_alarm`)
        DisplayAlarm {
            /// When it is due.
            due: u64,
            /// Account that owns the record.
            account: u32,
            /// Document id within account and collection.
            document: u32,
            /// Number of the event within the calendar object.
            event: u16,
            /// Number of the alarm within the event.
            alarm: u16,
        },
        /// Add a document to a search index. (`subspaces.task_queue.layouts.index_insert`)
        IndexInsert {
            /// When it is due.
            due: u64,
            /// Account that owns the record.
            account: u32,
            /// Document id within account and collection.
            document: u32,
            /// Which search index.
            search_index: u8,
        },
        /// Remove a document from a search index. (`subspaces.task_queue.layouts.index_delete`)
        IndexDelete {
            /// When it is due.
            due: u64,
            /// Account that owns the record.
            account: u32,
            /// Document id within account and collection.
            document: u32,
            /// Which search index.
            search_index: u8,
        },
        /// Merge e-mail threads. (`subspaces.task_queue.layouts.merge_threads`)
        MergeThreads {
            /// When it is due.
            due: u64,
            /// Account that owns the record.
            account: u32,
            /// Document id within account and collection.
            document: u32,
        },
    }
    impl TaskQueueKey {
        /// Reads a key; every byte belongs to a field or is a constant.
        #[inline]
        pub fn decode(key: &[u8]) -> Result<Self, KeyError> {
            match key.len() {
                21 if codec::u8_at(key, 12) == 0x03 => {
                    Ok(TaskQueueKey::Alarm {
                        due: codec::u64_at(key, 0),
                        account: codec::u32_at(key, 8),
                        document: codec::u32_at(key, 13),
                        event: codec::u16_at(key, 17),
                        alarm: codec::u16_at(key, 19),
                    })
                }
                17 if codec::u8_at(key, 12) == 0x04 => {
                    Ok(TaskQueueKey::Imip {
                        due: codec::u64_at(key, 0),
                        account: codec::u32_at(key, 8),
                        document: codec::u32_at(key, 13),
                    })
                }
                25 if codec::has(
                    key,
                    0,
                    &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
                ) && codec::u8_at(key, 12) == 0x05 => {
                    Ok(TaskQueueKey::ImipPayload {
                        account: codec::u32_at(key, 8),
                        document: codec::u32_at(key, 13),
                        due: codec::u64_at(key, 17),
                    })
                }
                21 if codec::u8_at(key, 12) == 0x06 => {
                    Ok(TaskQueueKey::DisplayAlarm {
                        due: codec::u64_at(key, 0),
                        account: codec::u32_at(key, 8),
                        document: codec::u32_at(key, 13),
                        event: codec::u16_at(key, 17),
                        alarm: codec::u16_at(key, 19),
                    })
                }
                18 if codec::u8_at(key, 12) == 0x07 => {
                    Ok(TaskQueueKey::IndexInsert {
                        due: codec::u64_at(key, 0),
                        account: codec::u32_at(key, 8),
                        document: codec::u32_at(key, 13),
                        search_index: codec::u8_at(key, 17),
                    })
                }
                18 if codec::u8_at(key, 12) == 0x08 => {
                    Ok(TaskQueueKey::IndexDelete {
                        due: codec::u64_at(key, 0),
                        account: codec::u32_at(key, 8),
                        document: codec::u32_at(key, 13),
                        search_index: codec::u8_at(key, 17),
                    })
                }
                17 if codec::u8_at(key, 12) == 0x09 => {
                    Ok(TaskQueueKey::MergeThreads {
                        due: codec::u64_at(key, 0),
                        account: codec::u32_at(key, 8),
                        document: codec::u32_at(key, 13),
                    })
                }
                _ => Err(KeyError::NoLayout),
            }
        }
        /// Index of the layout of a key, without reading its fields.
        #[inline]
        pub fn layout_of(key: &[u8]) -> Result<usize, KeyError> {
            match key.len() {
                21 if codec::u8_at(key, 12) == 0x03 => Ok(0),
                17 if codec::u8_at(key, 12) == 0x04 => Ok(1),
                25 if codec::has(
                    key,
                    0,
                    &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
                ) && codec::u8_at(key, 12) == 0x05 => Ok(2),
                21 if codec::u8_at(key, 12) == 0x06 => Ok(3),
                18 if codec::u8_at(key, 12) == 0x07 => Ok(4),
                18 if codec::u8_at(key, 12) == 0x08 => Ok(5),
                17 if codec::u8_at(key, 12) == 0x09 => Ok(6),
                _ => Err(KeyError::NoLayout),
            }
        }
    }
    impl TypedKey for TaskQueueKey {
        fn encode(&self, out: &mut Vec<u8>) {
            match *self {
                TaskQueueKey::Alarm { due, account, document, event, alarm } => {
                    out.extend_from_slice(&due.to_be_bytes());
                    out.extend_from_slice(&account.to_be_bytes());
                    out.extend_from_slice(&[0x03]);
                    out.extend_from_slice(&document.to_be_bytes());
                    out.extend_from_slice(&event.to_be_bytes());
                    out.extend_from_slice(&alarm.to_be_bytes());
                }
                TaskQueueKey::Imip { due, account, document } => {
                    out.extend_from_slice(&due.to_be_bytes());
                    out.extend_from_slice(&account.to_be_bytes());
                    out.extend_from_slice(&[0x04]);
                    out.extend_from_slice(&document.to_be_bytes());
                }
                TaskQueueKey::ImipPayload { account, document, due } => {
                    out.extend_from_slice(
                        &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
                    );
                    out.extend_from_slice(&account.to_be_bytes());
                    out.extend_from_slice(&[0x05]);
                    out.extend_from_slice(&document.to_be_bytes());
                    out.extend_from_slice(&due.to_be_bytes());
                }
                TaskQueueKey::DisplayAlarm { due, account, document, event, alarm } => {
                    out.extend_from_slice(&due.to_be_bytes());
                    out.extend_from_slice(&account.to_be_bytes());
                    out.extend_from_slice(&[0x06]);
                    out.extend_from_slice(&document.to_be_bytes());
                    out.extend_from_slice(&event.to_be_bytes());
                    out.extend_from_slice(&alarm.to_be_bytes());
                }
                TaskQueueKey::IndexInsert { due, account, document, search_index } => {
                    out.extend_from_slice(&due.to_be_bytes());
                    out.extend_from_slice(&account.to_be_bytes());
                    out.extend_from_slice(&[0x07]);
                    out.extend_from_slice(&document.to_be_bytes());
                    out.push(search_index);
                }
                TaskQueueKey::IndexDelete { due, account, document, search_index } => {
                    out.extend_from_slice(&due.to_be_bytes());
                    out.extend_from_slice(&account.to_be_bytes());
                    out.extend_from_slice(&[0x08]);
                    out.extend_from_slice(&document.to_be_bytes());
                    out.push(search_index);
                }
                TaskQueueKey::MergeThreads { due, account, document } => {
                    out.extend_from_slice(&due.to_be_bytes());
                    out.extend_from_slice(&account.to_be_bytes());
                    out.extend_from_slice(&[0x09]);
                    out.extend_from_slice(&document.to_be_bytes());
                }
            }
        }
        #[inline]
        fn layout(&self) -> usize {
            match self {
                TaskQueueKey::Alarm { .. } => 0,
                TaskQueueKey::Imip { .. } => 1,
                TaskQueueKey::ImipPayload { .. } => 2,
                TaskQueueKey::DisplayAlarm { .. } => 3,
                TaskQueueKey::IndexInsert { .. } => 4,
                TaskQueueKey::IndexDelete { .. } => 5,
                TaskQueueKey::MergeThreads { .. } => 6,
            }
        }
        fn layouts(&self) -> &'static [Layout] {
            &TASK_QUEUE_LAYOUTS
        }
    }
    impl fmt::Display for TaskQueueKey {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write_key(f, self)
        }
    }
    pub(super) static TASK_QUEUE_LAYOUTS: [Layout; 7] = [
        Layout {
            name: "alarm",
            doc: "Calendar alarm; by e-mail only from version 4 on.",
            segments: &[
                Segment::field("due", SegmentKind::U64),
                Segment::field("account", SegmentKind::U32),
                Segment::constant(&[0x03]),
                Segment::field("document", SegmentKind::U32),
                Segment::field("event", SegmentKind::U16),
                Segment::field("alarm", SegmentKind::U16),
            ],
            value: ValueForm::Lengths(&[20]),
            value_lengths: 0x100000,
            ..Layout::PLAIN
        },
        Layout {
            name: "imip",
            doc: "Send an iMIP message.",
            segments: &[
                Segment::field("due", SegmentKind::U64),
                Segment::field("account", SegmentKind::U32),
                Segment::constant(&[0x04]),
                Segment::field("document", SegmentKind::U32),
            ],
            value: ValueForm::Empty,
            value_lengths: 0x01,
            ..Layout::PLAIN
        },
        Layout {
            name: "imip_payload",
            doc: "What the iMIP message holds.",
            segments: &[
                Segment::constant(&[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]),
                Segment::field("account", SegmentKind::U32),
                Segment::constant(&[0x05]),
                Segment::field("document", SegmentKind::U32),
                Segment::field("due", SegmentKind::U64),
            ],
            value: ValueForm::Archive,
            value_lengths: 0xfffffffffffffffe,
            long: true,
            ..Layout::PLAIN
        },
        Layout {
            name: "display_alarm",
            doc: "Calendar alarm that is displayed.",
            segments: &[
                Segment::field("due", SegmentKind::U64),
                Segment::field("account", SegmentKind::U32),
                Segment::constant(&[0x06]),
                Segment::field("document", SegmentKind::U32),
                Segment::field("event", SegmentKind::U16),
                Segment::field("alarm", SegmentKind::U16),
            ],
            value: ValueForm::Lengths(&[8]),
            value_lengths: 0x100,
            ..Layout::PLAIN
        },
        Layout {
            name: "index_insert",
            doc: "Add a document to a search index.",
            segments: &[
                Segment::field("due", SegmentKind::U64),
                Segment::field("account", SegmentKind::U32),
                Segment::constant(&[0x07]),
                Segment::field("document", SegmentKind::U32),
                Segment::field("search_index", SegmentKind::U8)
                    .named(&NAMES_SEARCH_INDEX),
            ],
            value: ValueForm::Lengths(&[0, 8]),
            value_lengths: 0x101,
            ..Layout::PLAIN
        },
        Layout {
            name: "index_delete",
            doc: "Remove a document from a search index.",
            segments: &[
                Segment::field("due", SegmentKind::U64),
                Segment::field("account", SegmentKind::U32),
                Segment::constant(&[0x08]),
                Segment::field("document", SegmentKind::U32),
                Segment::field("search_index", SegmentKind::U8)
                    .named(&NAMES_SEARCH_INDEX),
            ],
            value: ValueForm::Lengths(&[0, 8]),
            value_lengths: 0x101,
            ..Layout::PLAIN
        },
        Layout {
            name: "merge_threads",
            doc: "Merge e-mail threads.",
            segments: &[
                Segment::field("due", SegmentKind::U64),
                Segment::field("account", SegmentKind::U32),
                Segment::constant(&[0x09]),
                Segment::field("document", SegmentKind::U32),
            ],
            long: true,
            ..Layout::PLAIN
        },
    ];
    /// `subspaces.task_queue`
    pub(super) const TASK_QUEUE: Subspace = Subspace {
        version: 5,
        letter: 'f',
        name: "task_queue",
        title: "Background task queue",
        doc: "Work the server has put off. `due` is a sequence number in version 1, unix seconds in versions 2 to 4, a task epoch in version 5.",
        source: "crates/store/src/write/key.rs @ v0.12.4, v0.12.5, v0.14.1, v0.15.5",
        family: Some("tasks"),
        no_family: None,
        store_group: StoreGroup::Data,
        server_export: true,
        server_import: true,
        derived: false,
        settings: false,
        value: ValueKind::Bytes,
        fresh: FreshRule::Refuse,
        layouts: &TASK_QUEUE_LAYOUTS,
        tables: &TABLES_F_BYTES,
        decode: TaskQueueKey::layout_of,
        accepts: |key, length| {
            let layout = &TASK_QUEUE_LAYOUTS[TaskQueueKey::layout_of(key).ok()?];
            layout.takes(length).then_some(layout)
        },
    };
    /// Blob quota, undelete and spam samples (`subspaces.blob_extra`).
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum BlobExtraKey<'a> {
        /// Counts against the account's upload quota. (`subspaces.blob_extra.layouts.upload_quota`)
        UploadQuota {
            /// Account that owns the record.
            account: u32,
            /// BLAKE3 of a blob.
            hash: &'a [u8; 32],
            /// When it ends, in unix seconds.
            until: u64,
        },
        /// A deleted item that may be restored. (`subspaces.blob_extra.layouts.undelete`)
        Undelete {
            /// Account that owns the record.
            account: u32,
            /// BLAKE3 of a blob.
            hash: &'a [u8; 32],
            /// When it ends, in unix seconds.
            until: u64,
        },
        /// A message for training the spam filter. (`subspaces.blob_extra.layouts.spam_sample`)
        SpamSample {
            /// When it ends, in unix seconds.
            until: u64,
            /// Account that owns the record.
            account: u32,
            /// BLAKE3 of a blob.
            hash: &'a [u8; 32],
        },
    }
    impl<'a> BlobExtraKey<'a> {
        /// Reads a key; every byte belongs to a field or is a constant.
        #[inline]
        pub fn decode(key: &'a [u8]) -> Result<Self, KeyError> {
            match key.len() {
                45 if codec::u8_at(key, 0) == 0x00 => {
                    Ok(BlobExtraKey::UploadQuota {
                        account: codec::u32_at(key, 1),
                        hash: codec::array_at(key, 5),
                        until: codec::u64_at(key, 37),
                    })
                }
                45 if codec::u8_at(key, 0) == 0x01 => {
                    Ok(BlobExtraKey::Undelete {
                        account: codec::u32_at(key, 1),
                        hash: codec::array_at(key, 5),
                        until: codec::u64_at(key, 37),
                    })
                }
                45 if codec::u8_at(key, 0) == 0x02 => {
                    Ok(BlobExtraKey::SpamSample {
                        until: codec::u64_at(key, 1),
                        account: codec::u32_at(key, 9),
                        hash: codec::array_at(key, 13),
                    })
                }
                _ => Err(KeyError::NoLayout),
            }
        }
        /// Index of the layout of a key, without reading its fields.
        #[inline]
        pub fn layout_of(key: &[u8]) -> Result<usize, KeyError> {
            match key.len() {
                45 if codec::u8_at(key, 0) == 0x00 => Ok(0),
                45 if codec::u8_at(key, 0) == 0x01 => Ok(1),
                45 if codec::u8_at(key, 0) == 0x02 => Ok(2),
                _ => Err(KeyError::NoLayout),
            }
        }
    }
    impl TypedKey for BlobExtraKey<'_> {
        fn encode(&self, out: &mut Vec<u8>) {
            match *self {
                BlobExtraKey::UploadQuota { account, hash, until } => {
                    out.extend_from_slice(&[0x00]);
                    out.extend_from_slice(&account.to_be_bytes());
                    out.extend_from_slice(hash);
                    out.extend_from_slice(&until.to_be_bytes());
                }
                BlobExtraKey::Undelete { account, hash, until } => {
                    out.extend_from_slice(&[0x01]);
                    out.extend_from_slice(&account.to_be_bytes());
                    out.extend_from_slice(hash);
                    out.extend_from_slice(&until.to_be_bytes());
                }
                BlobExtraKey::SpamSample { until, account, hash } => {
                    out.extend_from_slice(&[0x02]);
                    out.extend_from_slice(&until.to_be_bytes());
                    out.extend_from_slice(&account.to_be_bytes());
                    out.extend_from_slice(hash);
                }
            }
        }
        #[inline]
        fn layout(&self) -> usize {
            match self {
                BlobExtraKey::UploadQuota { .. } => 0,
                BlobExtraKey::Undelete { .. } => 1,
                BlobExtraKey::SpamSample { .. } => 2,
            }
        }
        fn layouts(&self) -> &'static [Layout] {
            &BLOB_EXTRA_LAYOUTS
        }
    }
    impl fmt::Display for BlobExtraKey<'_> {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write_key(f, self)
        }
    }
    pub(super) static BLOB_EXTRA_LAYOUTS: [Layout; 3] = [
        Layout {
            name: "upload_quota",
            doc: "Counts against the account's upload quota.",
            segments: &[
                Segment::constant(&[0x00]),
                Segment::field("account", SegmentKind::U32),
                Segment::field("hash", SegmentKind::Hash),
                Segment::field("until", SegmentKind::U64),
            ],
            value: ValueForm::Lengths(&[4]),
            value_lengths: 0x10,
            ..Layout::PLAIN
        },
        Layout {
            name: "undelete",
            doc: "A deleted item that may be restored.",
            segments: &[
                Segment::constant(&[0x01]),
                Segment::field("account", SegmentKind::U32),
                Segment::field("hash", SegmentKind::Hash),
                Segment::field("until", SegmentKind::U64),
            ],
            value: ValueForm::Archive,
            value_lengths: 0xfffffffffffffffe,
            long: true,
            ..Layout::PLAIN
        },
        Layout {
            name: "spam_sample",
            doc: "A message for training the spam filter.",
            segments: &[
                Segment::constant(&[0x02]),
                Segment::field("until", SegmentKind::U64),
                Segment::field("account", SegmentKind::U32),
                Segment::field("hash", SegmentKind::Hash),
            ],
            value: ValueForm::Lengths(&[2]),
            value_lengths: 0x04,
            ..Layout::PLAIN
        },
    ];
    /// `subspaces.blob_extra`
    pub(super) const BLOB_EXTRA: Subspace = Subspace {
        version: 5,
        letter: 'j',
        name: "blob_extra",
        title: "Blob quota, undelete and spam samples",
        doc: "What is to be remembered about a temporary blob.",
        source: "crates/store/src/write/key.rs, crates/store/src/write/mod.rs @ v0.15.5",
        family: Some("blob"),
        no_family: None,
        store_group: StoreGroup::Data,
        server_export: true,
        server_import: true,
        derived: false,
        settings: false,
        value: ValueKind::Bytes,
        fresh: FreshRule::Refuse,
        layouts: &BLOB_EXTRA_LAYOUTS,
        tables: &TABLES_J_BYTES,
        decode: BlobExtraKey::layout_of,
        accepts: |key, length| {
            let layout = &BLOB_EXTRA_LAYOUTS[BlobExtraKey::layout_of(key).ok()?];
            layout.takes(length).then_some(layout)
        },
    };
    /// Blob links (`subspaces.blob_link`).
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum BlobLinkKey<'a> {
        /// The blob has been stored. (`subspaces.blob_link.layouts.commit`)
        Commit {
            /// BLAKE3 of a blob.
            hash: &'a [u8; 32],
        },
        /// Something that is no document uses the blob. (`subspaces.blob_link.layouts.id_link`)
        IdLink {
            /// BLAKE3 of a blob.
            hash: &'a [u8; 32],
            /// Id of the object.
            id: u64,
        },
        /// A document uses the blob. (`subspaces.blob_link.layouts.document_link`)
        DocumentLink {
            /// BLAKE3 of a blob.
            hash: &'a [u8; 32],
            /// Account that owns the record.
            account: u32,
            /// Collection of the document.
            collection: u8,
            /// Document id within account and collection.
            document: u32,
        },
        /// The blob is kept until then. (`subspaces.blob_link.layouts.temporary_link`)
        TemporaryLink {
            /// BLAKE3 of a blob.
            hash: &'a [u8; 32],
            /// Account that owns the record.
            account: u32,
            /// When it ends, in unix seconds.
            until: u64,
        },
    }
    impl<'a> BlobLinkKey<'a> {
        /// Reads a key; every byte belongs to a field or is a constant.
        #[inline]
        pub fn decode(key: &'a [u8]) -> Result<Self, KeyError> {
            match key.len() {
                32 => {
                    Ok(BlobLinkKey::Commit {
                        hash: codec::array_at(key, 0),
                    })
                }
                40 => {
                    Ok(BlobLinkKey::IdLink {
                        hash: codec::array_at(key, 0),
                        id: codec::u64_at(key, 32),
                    })
                }
                41 => {
                    Ok(BlobLinkKey::DocumentLink {
                        hash: codec::array_at(key, 0),
                        account: codec::u32_at(key, 32),
                        collection: codec::u8_at(key, 36),
                        document: codec::u32_at(key, 37),
                    })
                }
                44 => {
                    Ok(BlobLinkKey::TemporaryLink {
                        hash: codec::array_at(key, 0),
                        account: codec::u32_at(key, 32),
                        until: codec::u64_at(key, 36),
                    })
                }
                _ => Err(KeyError::NoLayout),
            }
        }
        /// Index of the layout of a key, without reading its fields.
        #[inline]
        pub fn layout_of(key: &[u8]) -> Result<usize, KeyError> {
            match key.len() {
                32 => Ok(0),
                40 => Ok(1),
                41 => Ok(2),
                44 => Ok(3),
                _ => Err(KeyError::NoLayout),
            }
        }
    }
    impl TypedKey for BlobLinkKey<'_> {
        fn encode(&self, out: &mut Vec<u8>) {
            match *self {
                BlobLinkKey::Commit { hash } => {
                    out.extend_from_slice(hash);
                }
                BlobLinkKey::IdLink { hash, id } => {
                    out.extend_from_slice(hash);
                    out.extend_from_slice(&id.to_be_bytes());
                }
                BlobLinkKey::DocumentLink { hash, account, collection, document } => {
                    out.extend_from_slice(hash);
                    out.extend_from_slice(&account.to_be_bytes());
                    out.push(collection);
                    out.extend_from_slice(&document.to_be_bytes());
                }
                BlobLinkKey::TemporaryLink { hash, account, until } => {
                    out.extend_from_slice(hash);
                    out.extend_from_slice(&account.to_be_bytes());
                    out.extend_from_slice(&until.to_be_bytes());
                }
            }
        }
        #[inline]
        fn layout(&self) -> usize {
            match self {
                BlobLinkKey::Commit { .. } => 0,
                BlobLinkKey::IdLink { .. } => 1,
                BlobLinkKey::DocumentLink { .. } => 2,
                BlobLinkKey::TemporaryLink { .. } => 3,
            }
        }
        fn layouts(&self) -> &'static [Layout] {
            &BLOB_LINK_LAYOUTS
        }
    }
    impl fmt::Display for BlobLinkKey<'_> {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write_key(f, self)
        }
    }
    pub(super) static BLOB_LINK_LAYOUTS: [Layout; 4] = [
        Layout {
            name: "commit",
            doc: "The blob has been stored.",
            segments: &[Segment::field("hash", SegmentKind::Hash)],
            value: ValueForm::Empty,
            value_lengths: 0x01,
            commit: true,
            blob_link: Some(0),
            ..Layout::PLAIN
        },
        Layout {
            name: "id_link",
            doc: "Something that is no document uses the blob.",
            segments: &[
                Segment::field("hash", SegmentKind::Hash),
                Segment::field("id", SegmentKind::U64),
            ],
            value: ValueForm::Empty,
            value_lengths: 0x01,
            blob_link: Some(0),
            ..Layout::PLAIN
        },
        Layout {
            name: "document_link",
            doc: "A document uses the blob.",
            segments: &[
                Segment::field("hash", SegmentKind::Hash),
                Segment::field("account", SegmentKind::U32),
                Segment::field("collection", SegmentKind::U8).named(&NAMES_COLLECTION),
                Segment::field("document", SegmentKind::U32),
            ],
            value: ValueForm::Empty,
            value_lengths: 0x01,
            blob_link: Some(0),
            ..Layout::PLAIN
        },
        Layout {
            name: "temporary_link",
            doc: "The blob is kept until then.",
            segments: &[
                Segment::field("hash", SegmentKind::Hash),
                Segment::field("account", SegmentKind::U32),
                Segment::field("until", SegmentKind::U64),
            ],
            value: ValueForm::Lengths(&[0, 1]),
            value_lengths: 0x03,
            blob_link: Some(0),
            ..Layout::PLAIN
        },
    ];
    /// `subspaces.blob_link`
    pub(super) const BLOB_LINK: Subspace = Subspace {
        version: 5,
        letter: 'k',
        name: "blob_link",
        title: "Blob links",
        doc: "Which blobs exist and what uses them.",
        source: "crates/store/src/write/key.rs @ v0.15.5, v0.16.18, crates/common/src/manager/application.rs, crates/migration/src/v016.rs @ v0.16.18",
        family: Some("blob"),
        no_family: None,
        store_group: StoreGroup::Data,
        server_export: true,
        server_import: true,
        derived: false,
        settings: false,
        value: ValueKind::Bytes,
        fresh: FreshRule::Refuse,
        layouts: &BLOB_LINK_LAYOUTS,
        tables: &TABLES_K_BYTES,
        decode: BlobLinkKey::layout_of,
        accepts: |key, length| {
            let layout = &BLOB_LINK_LAYOUTS[BlobLinkKey::layout_of(key).ok()?];
            layout.takes(length).then_some(layout)
        },
    };
    /// Object properties (`subspaces.property`).
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum PropertyKey<'a> {
        /// The schema version of the store. (`subspaces.property.layouts.schema_version`)
        SchemaVersion {},
        /// One field of a document. (`subspaces.property.layouts.property`)
        Property {
            /// Account that owns the record.
            account: u32,
            /// Collection of the document.
            collection: u8,
            /// Field id; what it means depends on the collection.
            field: u8,
            /// Document id within account and collection.
            document: u32,
        },
        /// Documents by the short hash of a value, as threads by subject.
        /// (`subspaces.property.layouts.hash_index`)
        HashIndex {
            /// Account that owns the record.
            account: u32,
            /// Collection of the document.
            collection: u8,
            /// Field id; what it means depends on the collection.
            field: u8,
            /// Short hash of the value.
            index_value: &'a [u8],
            /// Document id within account and collection.
            document: u32,
        },
        /// Documents by a number, as a time. (`subspaces.property.layouts.integer_index`)
        IntegerIndex {
            /// Account that owns the record.
            account: u32,
            /// Collection of the document.
            collection: u8,
            /// Field id; what it means depends on the collection.
            field: u8,
            /// The number.
            index_value: u64,
            /// Document id within account and collection.
            document: u32,
        },
    }
    impl<'a> PropertyKey<'a> {
        /// Reads a key; every byte belongs to a field or is a constant.
        #[inline]
        pub fn decode(key: &'a [u8]) -> Result<Self, KeyError> {
            match key.len() {
                1 if codec::u8_at(key, 0) == 0x00 => Ok(PropertyKey::SchemaVersion {}),
                10 => {
                    Ok(PropertyKey::Property {
                        account: codec::u32_at(key, 0),
                        collection: codec::u8_at(key, 4),
                        field: codec::u8_at(key, 5),
                        document: codec::u32_at(key, 6),
                    })
                }
                len if len >= 11 && len <= 26
                    && codec::short_hash_end(key, 6) == len - 4 => {
                    Ok(PropertyKey::HashIndex {
                        account: codec::u32_at(key, 0),
                        collection: codec::u8_at(key, 4),
                        field: codec::u8_at(key, 5),
                        index_value: codec::short_hash_at(key, 6),
                        document: codec::u32_at(key, len - 4),
                    })
                }
                18 => {
                    Ok(PropertyKey::IntegerIndex {
                        account: codec::u32_at(key, 0),
                        collection: codec::u8_at(key, 4),
                        field: codec::u8_at(key, 5),
                        index_value: codec::u64_at(key, 6),
                        document: codec::u32_at(key, 14),
                    })
                }
                _ => Err(KeyError::NoLayout),
            }
        }
        /// Index of the layout of a key, without reading its fields.
        #[inline]
        pub fn layout_of(key: &[u8]) -> Result<usize, KeyError> {
            match key.len() {
                1 if codec::u8_at(key, 0) == 0x00 => Ok(0),
                10 => Ok(1),
                len if len >= 11 && len <= 26
                    && codec::short_hash_end(key, 6) == len - 4 => Ok(2),
                18 => Ok(3),
                _ => Err(KeyError::NoLayout),
            }
        }
    }
    impl TypedKey for PropertyKey<'_> {
        fn encode(&self, out: &mut Vec<u8>) {
            match *self {
                PropertyKey::SchemaVersion {} => {
                    out.extend_from_slice(&[0x00]);
                }
                PropertyKey::Property { account, collection, field, document } => {
                    out.extend_from_slice(&account.to_be_bytes());
                    out.push(collection);
                    out.push(field);
                    out.extend_from_slice(&document.to_be_bytes());
                }
                PropertyKey::HashIndex {
                    account,
                    collection,
                    field,
                    index_value,
                    document,
                } => {
                    out.extend_from_slice(&account.to_be_bytes());
                    out.push(collection);
                    out.push(field);
                    out.extend_from_slice(index_value);
                    out.extend_from_slice(&document.to_be_bytes());
                }
                PropertyKey::IntegerIndex {
                    account,
                    collection,
                    field,
                    index_value,
                    document,
                } => {
                    out.extend_from_slice(&account.to_be_bytes());
                    out.push(collection);
                    out.push(field);
                    out.extend_from_slice(&index_value.to_be_bytes());
                    out.extend_from_slice(&document.to_be_bytes());
                }
            }
        }
        #[inline]
        fn layout(&self) -> usize {
            match self {
                PropertyKey::SchemaVersion { .. } => 0,
                PropertyKey::Property { .. } => 1,
                PropertyKey::HashIndex { .. } => 2,
                PropertyKey::IntegerIndex { .. } => 3,
            }
        }
        fn layouts(&self) -> &'static [Layout] {
            &PROPERTY_LAYOUTS
        }
    }
    impl fmt::Display for PropertyKey<'_> {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write_key(f, self)
        }
    }
    pub(super) static PROPERTY_LAYOUTS: [Layout; 4] = [
        Layout {
            name: "schema_version",
            doc: "The schema version of the store.",
            segments: &[Segment::constant(&[0x00])],
            value: ValueForm::Lengths(&[4]),
            value_lengths: 0x10,
            schema_version: true,
            fresh: Some(FreshRule::Clear),
            fixed_key: Some(&[0x00]),
            ..Layout::PLAIN
        },
        Layout {
            name: "property",
            doc: "One field of a document.",
            segments: &[
                Segment::field("account", SegmentKind::U32),
                Segment::field("collection", SegmentKind::U8).named(&NAMES_COLLECTION),
                Segment::field("field", SegmentKind::U8),
                Segment::field("document", SegmentKind::U32),
            ],
            archives: &[
                &[(2, &[(50, 50)])],
                &[(1, &[(0, 0)]), (2, &[(71, 71)])],
                &[(1, &[(7, 7)]), (2, &[(44, 46)])],
            ],
            long: true,
            ..Layout::PLAIN
        },
        Layout {
            name: "hash_index",
            doc: "Documents by the short hash of a value, as threads by subject.",
            segments: &[
                Segment::field("account", SegmentKind::U32),
                Segment::field("collection", SegmentKind::U8).named(&NAMES_COLLECTION),
                Segment::field("field", SegmentKind::U8),
                Segment::field("index_value", SegmentKind::ShortHash),
                Segment::field("document", SegmentKind::U32),
            ],
            long: true,
            shares: &[3],
            ..Layout::PLAIN
        },
        Layout {
            name: "integer_index",
            doc: "Documents by a number, as a time.",
            segments: &[
                Segment::field("account", SegmentKind::U32),
                Segment::field("collection", SegmentKind::U8).named(&NAMES_COLLECTION),
                Segment::field("field", SegmentKind::U8),
                Segment::field("index_value", SegmentKind::U64),
                Segment::field("document", SegmentKind::U32),
            ],
            value: ValueForm::Lengths(&[4, 8, 13]),
            value_lengths: 0x2110,
            ..Layout::PLAIN
        },
    ];
    /// `subspaces.property`
    pub(super) const PROPERTY: Subspace = Subspace {
        version: 5,
        letter: 'p',
        name: "property",
        title: "Object properties",
        doc: "The documents themselves, archived, and values that belong to them.",
        source: "crates/store/src/write/key.rs, crates/types/src/field.rs @ v0.12.0, v0.15.5, v0.16.18, crates/jmap/src/push/set.rs, crates/jmap/src/participant_identity/set.rs @ v0.14.1, v0.15.5, v0.16.18, crates/http/src/management/crypto.rs @ v0.12.0, v0.15.5, crates/email/src/submission/index.rs @ v0.15.5, v0.16.16, v0.16.17",
        family: Some("data"),
        no_family: None,
        store_group: StoreGroup::Data,
        server_export: true,
        server_import: true,
        derived: false,
        settings: false,
        value: ValueKind::Bytes,
        fresh: FreshRule::Refuse,
        layouts: &PROPERTY_LAYOUTS,
        tables: &TABLES_P_BYTES,
        decode: PropertyKey::layout_of,
        accepts: |key, length| {
            let layout = &PROPERTY_LAYOUTS[PropertyKey::layout_of(key).ok()?];
            layout.takes(length).then_some(layout)
        },
    };
    /// Blobs (`subspaces.blobs`).
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum BlobsKey<'a> {
        /// The content of something. (`subspaces.blobs.layouts.content`)
        Content {
            /// BLAKE3 of the content.
            hash: &'a [u8; 32],
        },
        /// Bundle of the web administration. An upgrade to version 6 leaves it.
        /// (`subspaces.blobs.layouts.webadmin`)
        Webadmin {},
        /// State of the spam trainer. (`subspaces.blobs.layouts.spam_train_data`)
        SpamTrainData {},
        /// Model of the spam classifier. (`subspaces.blobs.layouts.spam_classifier_model`)
        SpamClassifierModel {},
    }
    impl<'a> BlobsKey<'a> {
        /// Reads a key; every byte belongs to a field or is a constant.
        #[inline]
        pub fn decode(key: &'a [u8]) -> Result<Self, KeyError> {
            match key.len() {
                32 => {
                    Ok(BlobsKey::Content {
                        hash: codec::array_at(key, 0),
                    })
                }
                17 if codec::has(
                    key,
                    0,
                    &[
                        0x53, 0x54, 0x41, 0x4c, 0x57, 0x41, 0x52, 0x54, 0x5f, 0x57, 0x45,
                        0x42, 0x41, 0x44, 0x4d, 0x49, 0x4e,
                    ],
                ) => Ok(BlobsKey::Webadmin {}),
                28 if codec::has(
                    key,
                    0,
                    &[
                        0x53, 0x54, 0x41, 0x4c, 0x57, 0x41, 0x52, 0x54, 0x5f, 0x53, 0x50,
                        0x41, 0x4d, 0x5f, 0x54, 0x52, 0x41, 0x49, 0x4e, 0x5f, 0x44, 0x41,
                        0x54, 0x41, 0x2e, 0x6c, 0x7a, 0x34,
                    ],
                ) => Ok(BlobsKey::SpamTrainData {}),
                34 if codec::has(
                    key,
                    0,
                    &[
                        0x53, 0x54, 0x41, 0x4c, 0x57, 0x41, 0x52, 0x54, 0x5f, 0x53, 0x50,
                        0x41, 0x4d, 0x5f, 0x43, 0x4c, 0x41, 0x53, 0x53, 0x49, 0x46, 0x49,
                        0x45, 0x52, 0x5f, 0x4d, 0x4f, 0x44, 0x45, 0x4c, 0x2e, 0x6c, 0x7a,
                        0x34,
                    ],
                ) => Ok(BlobsKey::SpamClassifierModel {}),
                _ => Err(KeyError::NoLayout),
            }
        }
        /// Index of the layout of a key, without reading its fields.
        #[inline]
        pub fn layout_of(key: &[u8]) -> Result<usize, KeyError> {
            match key.len() {
                32 => Ok(0),
                17 if codec::has(
                    key,
                    0,
                    &[
                        0x53, 0x54, 0x41, 0x4c, 0x57, 0x41, 0x52, 0x54, 0x5f, 0x57, 0x45,
                        0x42, 0x41, 0x44, 0x4d, 0x49, 0x4e,
                    ],
                ) => Ok(1),
                28 if codec::has(
                    key,
                    0,
                    &[
                        0x53, 0x54, 0x41, 0x4c, 0x57, 0x41, 0x52, 0x54, 0x5f, 0x53, 0x50,
                        0x41, 0x4d, 0x5f, 0x54, 0x52, 0x41, 0x49, 0x4e, 0x5f, 0x44, 0x41,
                        0x54, 0x41, 0x2e, 0x6c, 0x7a, 0x34,
                    ],
                ) => Ok(2),
                34 if codec::has(
                    key,
                    0,
                    &[
                        0x53, 0x54, 0x41, 0x4c, 0x57, 0x41, 0x52, 0x54, 0x5f, 0x53, 0x50,
                        0x41, 0x4d, 0x5f, 0x43, 0x4c, 0x41, 0x53, 0x53, 0x49, 0x46, 0x49,
                        0x45, 0x52, 0x5f, 0x4d, 0x4f, 0x44, 0x45, 0x4c, 0x2e, 0x6c, 0x7a,
                        0x34,
                    ],
                ) => Ok(3),
                _ => Err(KeyError::NoLayout),
            }
        }
    }
    impl TypedKey for BlobsKey<'_> {
        fn encode(&self, out: &mut Vec<u8>) {
            match *self {
                BlobsKey::Content { hash } => {
                    out.extend_from_slice(hash);
                }
                BlobsKey::Webadmin {} => {
                    out.extend_from_slice(
                        &[
                            0x53, 0x54, 0x41, 0x4c, 0x57, 0x41, 0x52, 0x54, 0x5f, 0x57,
                            0x45, 0x42, 0x41, 0x44, 0x4d, 0x49, 0x4e,
                        ],
                    );
                }
                BlobsKey::SpamTrainData {} => {
                    out.extend_from_slice(
                        &[
                            0x53, 0x54, 0x41, 0x4c, 0x57, 0x41, 0x52, 0x54, 0x5f, 0x53,
                            0x50, 0x41, 0x4d, 0x5f, 0x54, 0x52, 0x41, 0x49, 0x4e, 0x5f,
                            0x44, 0x41, 0x54, 0x41, 0x2e, 0x6c, 0x7a, 0x34,
                        ],
                    );
                }
                BlobsKey::SpamClassifierModel {} => {
                    out.extend_from_slice(
                        &[
                            0x53, 0x54, 0x41, 0x4c, 0x57, 0x41, 0x52, 0x54, 0x5f, 0x53,
                            0x50, 0x41, 0x4d, 0x5f, 0x43, 0x4c, 0x41, 0x53, 0x53, 0x49,
                            0x46, 0x49, 0x45, 0x52, 0x5f, 0x4d, 0x4f, 0x44, 0x45, 0x4c,
                            0x2e, 0x6c, 0x7a, 0x34,
                        ],
                    );
                }
            }
        }
        #[inline]
        fn layout(&self) -> usize {
            match self {
                BlobsKey::Content { .. } => 0,
                BlobsKey::Webadmin { .. } => 1,
                BlobsKey::SpamTrainData { .. } => 2,
                BlobsKey::SpamClassifierModel { .. } => 3,
            }
        }
        fn layouts(&self) -> &'static [Layout] {
            &BLOBS_LAYOUTS
        }
    }
    impl fmt::Display for BlobsKey<'_> {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write_key(f, self)
        }
    }
    pub(super) static BLOBS_LAYOUTS: [Layout; 4] = [
        Layout {
            name: "content",
            doc: "The content of something.",
            segments: &[Segment::field("hash", SegmentKind::Hash)],
            long: true,
            content_hash: true,
            ..Layout::PLAIN
        },
        Layout {
            name: "webadmin",
            doc: "Bundle of the web administration. An upgrade to version 6 leaves it.",
            segments: &[
                Segment::constant(
                    &[
                        0x53, 0x54, 0x41, 0x4c, 0x57, 0x41, 0x52, 0x54, 0x5f, 0x57, 0x45,
                        0x42, 0x41, 0x44, 0x4d, 0x49, 0x4e,
                    ],
                ),
            ],
            long: true,
            fresh: Some(FreshRule::Clear),
            fixed_key: Some(
                &[
                    0x53, 0x54, 0x41, 0x4c, 0x57, 0x41, 0x52, 0x54, 0x5f, 0x57, 0x45,
                    0x42, 0x41, 0x44, 0x4d, 0x49, 0x4e,
                ],
            ),
            ..Layout::PLAIN
        },
        Layout {
            name: "spam_train_data",
            doc: "State of the spam trainer.",
            segments: &[
                Segment::constant(
                    &[
                        0x53, 0x54, 0x41, 0x4c, 0x57, 0x41, 0x52, 0x54, 0x5f, 0x53, 0x50,
                        0x41, 0x4d, 0x5f, 0x54, 0x52, 0x41, 0x49, 0x4e, 0x5f, 0x44, 0x41,
                        0x54, 0x41, 0x2e, 0x6c, 0x7a, 0x34,
                    ],
                ),
            ],
            long: true,
            fresh: Some(FreshRule::Clear),
            fixed_key: Some(
                &[
                    0x53, 0x54, 0x41, 0x4c, 0x57, 0x41, 0x52, 0x54, 0x5f, 0x53, 0x50,
                    0x41, 0x4d, 0x5f, 0x54, 0x52, 0x41, 0x49, 0x4e, 0x5f, 0x44, 0x41,
                    0x54, 0x41, 0x2e, 0x6c, 0x7a, 0x34,
                ],
            ),
            ..Layout::PLAIN
        },
        Layout {
            name: "spam_classifier_model",
            doc: "Model of the spam classifier.",
            segments: &[
                Segment::constant(
                    &[
                        0x53, 0x54, 0x41, 0x4c, 0x57, 0x41, 0x52, 0x54, 0x5f, 0x53, 0x50,
                        0x41, 0x4d, 0x5f, 0x43, 0x4c, 0x41, 0x53, 0x53, 0x49, 0x46, 0x49,
                        0x45, 0x52, 0x5f, 0x4d, 0x4f, 0x44, 0x45, 0x4c, 0x2e, 0x6c, 0x7a,
                        0x34,
                    ],
                ),
            ],
            long: true,
            fresh: Some(FreshRule::Clear),
            fixed_key: Some(
                &[
                    0x53, 0x54, 0x41, 0x4c, 0x57, 0x41, 0x52, 0x54, 0x5f, 0x53, 0x50,
                    0x41, 0x4d, 0x5f, 0x43, 0x4c, 0x41, 0x53, 0x53, 0x49, 0x46, 0x49,
                    0x45, 0x52, 0x5f, 0x4d, 0x4f, 0x44, 0x45, 0x4c, 0x2e, 0x6c, 0x7a,
                    0x34,
                ],
            ),
            ..Layout::PLAIN
        },
    ];
    /// `subspaces.blobs`
    pub(super) const BLOBS: Subspace = Subspace {
        version: 5,
        letter: 't',
        name: "blobs",
        title: "Blobs",
        doc: "Contents of messages and files, where the blob store is the data store.",
        source: "crates/store/src/dispatch/blob.rs, crates/common/src/manager/mod.rs @ v0.14.1, v0.15.5, v0.16.18",
        family: Some("blob"),
        no_family: None,
        store_group: StoreGroup::Blob,
        server_export: true,
        server_import: true,
        derived: false,
        settings: false,
        value: ValueKind::Blob,
        fresh: FreshRule::Refuse,
        layouts: &BLOBS_LAYOUTS,
        tables: &TABLES_T_BLOB,
        decode: BlobsKey::layout_of,
        accepts: |key, length| {
            let layout = &BLOBS_LAYOUTS[BlobsKey::layout_of(key).ok()?];
            layout.takes(length).then_some(layout)
        },
    };
    /// Built-in search index (`subspaces.search_index`).
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum SearchIndexKey<'a> {
        /// The document holds the term. (`subspaces.search_index.layouts.term`)
        Term {
            /// Which search index.
            search_index: u8,
            /// Account that owns the record.
            account: u32,
            /// The term or its hash.
            word: &'a [u8],
            /// Field id; what it means depends on the collection.
            field: u8,
            /// Document id within account and collection.
            document: u32,
        },
        /// The trace holds the term. (`subspaces.search_index.layouts.trace_term`)
        TraceTerm {
            /// The term or its hash.
            word: &'a [u8],
            /// Field id; what it means depends on the collection.
            field: u8,
            /// Id of the trace.
            span: u64,
        },
        /// An indexed field of the document. (`subspaces.search_index.layouts.field`)
        Field {
            /// Which search index.
            search_index: u8,
            /// Account that owns the record.
            account: u32,
            /// Field id; what it means depends on the collection.
            field: u8,
            /// Indexed value; its form depends on the field.
            index_value: &'a [u8],
            /// Document id within account and collection.
            document: u32,
        },
        /// An indexed field of the trace. (`subspaces.search_index.layouts.trace_field`)
        TraceField {
            /// Field id; what it means depends on the collection.
            field: u8,
            /// Indexed value; its form depends on the field.
            index_value: &'a [u8],
            /// Id of the trace.
            span: u64,
        },
        /// All terms of the document. (`subspaces.search_index.layouts.document`)
        Document {
            /// Which search index.
            search_index: u8,
            /// Account that owns the record.
            account: u32,
            /// Document id within account and collection.
            document: u32,
        },
        /// All terms of the trace. (`subspaces.search_index.layouts.trace`)
        Trace {
            /// Id of the trace.
            span: u64,
        },
    }
    impl<'a> SearchIndexKey<'a> {
        /// Reads a key; every byte belongs to a field or is a constant.
        #[inline]
        pub fn decode(key: &'a [u8]) -> Result<Self, KeyError> {
            match key.len() {
                len if len >= 11 && len <= 26 && codec::u8_at(key, 0) <= 3
                    && codec::is_term_hash(codec::slice(key, 5, len - 5)) => {
                    Ok(SearchIndexKey::Term {
                        search_index: codec::u8_at(key, 0),
                        account: codec::u32_at(key, 1),
                        word: codec::slice(key, 5, len - 5),
                        field: codec::u8_at(key, len - 5),
                        document: codec::u32_at(key, len - 4),
                    })
                }
                len if len >= 11 && len <= 26 && codec::u8_at(key, 0) == 0x04
                    && codec::is_term_hash(codec::slice(key, 1, len - 9)) => {
                    Ok(SearchIndexKey::TraceTerm {
                        word: codec::slice(key, 1, len - 9),
                        field: codec::u8_at(key, len - 9),
                        span: codec::u64_at(key, len - 8),
                    })
                }
                len if len >= 10
                    && (codec::u8_at(key, 0) >= 64 && codec::u8_at(key, 0) <= 67) => {
                    Ok(SearchIndexKey::Field {
                        search_index: codec::u8_at(key, 0),
                        account: codec::u32_at(key, 1),
                        field: codec::u8_at(key, 5),
                        index_value: codec::slice(key, 6, len - 4),
                        document: codec::u32_at(key, len - 4),
                    })
                }
                len if len >= 10 && codec::u8_at(key, 0) == 0x44 => {
                    Ok(SearchIndexKey::TraceField {
                        field: codec::u8_at(key, 1),
                        index_value: codec::slice(key, 2, len - 8),
                        span: codec::u64_at(key, len - 8),
                    })
                }
                9 if (codec::u8_at(key, 0) >= 128 && codec::u8_at(key, 0) <= 131) => {
                    Ok(SearchIndexKey::Document {
                        search_index: codec::u8_at(key, 0),
                        account: codec::u32_at(key, 1),
                        document: codec::u32_at(key, 5),
                    })
                }
                9 if codec::u8_at(key, 0) == 0x84 => {
                    Ok(SearchIndexKey::Trace {
                        span: codec::u64_at(key, 1),
                    })
                }
                _ => Err(KeyError::NoLayout),
            }
        }
        /// Index of the layout of a key, without reading its fields.
        #[inline]
        pub fn layout_of(key: &[u8]) -> Result<usize, KeyError> {
            match key.len() {
                len if len >= 11 && len <= 26 && codec::u8_at(key, 0) <= 3
                    && codec::is_term_hash(codec::slice(key, 5, len - 5)) => Ok(0),
                len if len >= 11 && len <= 26 && codec::u8_at(key, 0) == 0x04
                    && codec::is_term_hash(codec::slice(key, 1, len - 9)) => Ok(1),
                len if len >= 10
                    && (codec::u8_at(key, 0) >= 64 && codec::u8_at(key, 0) <= 67) => {
                    Ok(2)
                }
                len if len >= 10 && codec::u8_at(key, 0) == 0x44 => Ok(3),
                9 if (codec::u8_at(key, 0) >= 128 && codec::u8_at(key, 0) <= 131) => {
                    Ok(4)
                }
                9 if codec::u8_at(key, 0) == 0x84 => Ok(5),
                _ => Err(KeyError::NoLayout),
            }
        }
    }
    impl TypedKey for SearchIndexKey<'_> {
        fn encode(&self, out: &mut Vec<u8>) {
            match *self {
                SearchIndexKey::Term {
                    search_index,
                    account,
                    word,
                    field,
                    document,
                } => {
                    out.push(search_index);
                    out.extend_from_slice(&account.to_be_bytes());
                    out.extend_from_slice(word);
                    out.push(field);
                    out.extend_from_slice(&document.to_be_bytes());
                }
                SearchIndexKey::TraceTerm { word, field, span } => {
                    out.extend_from_slice(&[0x04]);
                    out.extend_from_slice(word);
                    out.push(field);
                    out.extend_from_slice(&span.to_be_bytes());
                }
                SearchIndexKey::Field {
                    search_index,
                    account,
                    field,
                    index_value,
                    document,
                } => {
                    out.push(search_index);
                    out.extend_from_slice(&account.to_be_bytes());
                    out.push(field);
                    out.extend_from_slice(index_value);
                    out.extend_from_slice(&document.to_be_bytes());
                }
                SearchIndexKey::TraceField { field, index_value, span } => {
                    out.extend_from_slice(&[0x44]);
                    out.push(field);
                    out.extend_from_slice(index_value);
                    out.extend_from_slice(&span.to_be_bytes());
                }
                SearchIndexKey::Document { search_index, account, document } => {
                    out.push(search_index);
                    out.extend_from_slice(&account.to_be_bytes());
                    out.extend_from_slice(&document.to_be_bytes());
                }
                SearchIndexKey::Trace { span } => {
                    out.extend_from_slice(&[0x84]);
                    out.extend_from_slice(&span.to_be_bytes());
                }
            }
        }
        #[inline]
        fn layout(&self) -> usize {
            match self {
                SearchIndexKey::Term { .. } => 0,
                SearchIndexKey::TraceTerm { .. } => 1,
                SearchIndexKey::Field { .. } => 2,
                SearchIndexKey::TraceField { .. } => 3,
                SearchIndexKey::Document { .. } => 4,
                SearchIndexKey::Trace { .. } => 5,
            }
        }
        fn layouts(&self) -> &'static [Layout] {
            &SEARCH_INDEX_LAYOUTS
        }
    }
    impl fmt::Display for SearchIndexKey<'_> {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write_key(f, self)
        }
    }
    pub(super) static SEARCH_INDEX_LAYOUTS: [Layout; 6] = [
        Layout {
            name: "term",
            doc: "The document holds the term.",
            segments: &[
                Segment::field("search_index", SegmentKind::U8)
                    .within(&[(0, 3)])
                    .named(&NAMES_SEARCH_INDEX),
                Segment::field("account", SegmentKind::U32),
                Segment::field("word", SegmentKind::TermHash),
                Segment::field("field", SegmentKind::U8),
                Segment::field("document", SegmentKind::U32),
            ],
            value: ValueForm::Empty,
            value_lengths: 0x01,
            ..Layout::PLAIN
        },
        Layout {
            name: "trace_term",
            doc: "The trace holds the term.",
            segments: &[
                Segment::constant(&[0x04]),
                Segment::field("word", SegmentKind::TermHash),
                Segment::field("field", SegmentKind::U8),
                Segment::field("span", SegmentKind::U64),
            ],
            value: ValueForm::Empty,
            value_lengths: 0x01,
            ..Layout::PLAIN
        },
        Layout {
            name: "field",
            doc: "An indexed field of the document.",
            segments: &[
                Segment::field("search_index", SegmentKind::U8)
                    .within(&[(64, 67)])
                    .named(&NAMES_SEARCH_INDEX_FIELD),
                Segment::field("account", SegmentKind::U32),
                Segment::field("field", SegmentKind::U8),
                Segment::field("index_value", SegmentKind::Rest),
                Segment::field("document", SegmentKind::U32),
            ],
            value: ValueForm::Empty,
            value_lengths: 0x01,
            ..Layout::PLAIN
        },
        Layout {
            name: "trace_field",
            doc: "An indexed field of the trace.",
            segments: &[
                Segment::constant(&[0x44]),
                Segment::field("field", SegmentKind::U8),
                Segment::field("index_value", SegmentKind::Rest),
                Segment::field("span", SegmentKind::U64),
            ],
            value: ValueForm::Empty,
            value_lengths: 0x01,
            ..Layout::PLAIN
        },
        Layout {
            name: "document",
            doc: "All terms of the document.",
            segments: &[
                Segment::field("search_index", SegmentKind::U8)
                    .within(&[(128, 131)])
                    .named(&NAMES_SEARCH_INDEX_DOCUMENT),
                Segment::field("account", SegmentKind::U32),
                Segment::field("document", SegmentKind::U32),
            ],
            value: ValueForm::Archive,
            value_lengths: 0xfffffffffffffffe,
            long: true,
            ..Layout::PLAIN
        },
        Layout {
            name: "trace",
            doc: "All terms of the trace.",
            segments: &[
                Segment::constant(&[0x84]),
                Segment::field("span", SegmentKind::U64),
            ],
            value: ValueForm::Archive,
            value_lengths: 0xfffffffffffffffe,
            long: true,
            ..Layout::PLAIN
        },
    ];
    /// `subspaces.search_index`
    pub(super) const SEARCH_INDEX: Subspace = Subspace {
        version: 5,
        letter: 'z',
        name: "search_index",
        title: "Built-in search index",
        doc: "Terms, indexed fields and term lists of documents and traces. The server can rebuild it.",
        source: "crates/store/src/search/term.rs @ v0.15.5",
        family: None,
        no_family: Some(
            "The search index is derived; the server's own export leaves it out.",
        ),
        store_group: StoreGroup::Search,
        server_export: false,
        server_import: false,
        derived: true,
        settings: false,
        value: ValueKind::Bytes,
        fresh: FreshRule::Refuse,
        layouts: &SEARCH_INDEX_LAYOUTS,
        tables: &TABLES_Z_BYTES_SEARCH_INDEX,
        decode: SearchIndexKey::layout_of,
        accepts: |key, length| {
            let layout = &SEARCH_INDEX_LAYOUTS[SearchIndexKey::layout_of(key).ok()?];
            layout.takes(length).then_some(layout)
        },
    };
    /// A key of any subspace of schema version 5.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum Key<'a> {
        /// A key of subspace `a`.
        Acl(AclKey),
        /// A key of subspace `d`.
        Directory(DirectoryKey<'a>),
        /// A key of subspace `e`.
        QueueMessage(QueueMessageKey),
        /// A key of subspace `f`.
        TaskQueue(TaskQueueKey),
        /// A key of subspace `h`.
        ReportOut(ReportOutKey<'a>),
        /// A key of subspace `i`.
        Indexes(IndexesKey<'a>),
        /// A key of subspace `j`.
        BlobExtra(BlobExtraKey<'a>),
        /// A key of subspace `k`.
        BlobLink(BlobLinkKey<'a>),
        /// A key of subspace `l`.
        Logs(LogsKey),
        /// A key of subspace `m`.
        InMemoryValue(InMemoryValueKey<'a>),
        /// A key of subspace `n`.
        Counter(CounterKey),
        /// A key of subspace `o`.
        TelemetrySpan(TelemetrySpanKey),
        /// A key of subspace `p`.
        Property(PropertyKey<'a>),
        /// A key of subspace `q`.
        QueueEvent(QueueEventKey<'a>),
        /// A key of subspace `r`.
        ReportIn(ReportInKey),
        /// A key of subspace `s`.
        Settings(SettingsKey<'a>),
        /// A key of subspace `t`.
        Blobs(BlobsKey<'a>),
        /// A key of subspace `u`.
        Quota(QuotaKey<'a>),
        /// A key of subspace `x`.
        TelemetryMetric(TelemetryMetricKey),
        /// A key of subspace `y`.
        InMemoryCounter(InMemoryCounterKey<'a>),
        /// A key of subspace `z`.
        SearchIndex(SearchIndexKey<'a>),
    }
    impl<'a> Key<'a> {
        /// Reads a key of the subspace with this letter.
        pub fn decode(letter: char, key: &'a [u8]) -> Result<Self, KeyError> {
            match letter {
                'a' => Ok(Key::Acl(AclKey::decode(key)?)),
                'd' => Ok(Key::Directory(DirectoryKey::decode(key)?)),
                'e' => Ok(Key::QueueMessage(QueueMessageKey::decode(key)?)),
                'f' => Ok(Key::TaskQueue(TaskQueueKey::decode(key)?)),
                'h' => Ok(Key::ReportOut(ReportOutKey::decode(key)?)),
                'i' => Ok(Key::Indexes(IndexesKey::decode(key)?)),
                'j' => Ok(Key::BlobExtra(BlobExtraKey::decode(key)?)),
                'k' => Ok(Key::BlobLink(BlobLinkKey::decode(key)?)),
                'l' => Ok(Key::Logs(LogsKey::decode(key)?)),
                'm' => Ok(Key::InMemoryValue(InMemoryValueKey::decode(key)?)),
                'n' => Ok(Key::Counter(CounterKey::decode(key)?)),
                'o' => Ok(Key::TelemetrySpan(TelemetrySpanKey::decode(key)?)),
                'p' => Ok(Key::Property(PropertyKey::decode(key)?)),
                'q' => Ok(Key::QueueEvent(QueueEventKey::decode(key)?)),
                'r' => Ok(Key::ReportIn(ReportInKey::decode(key)?)),
                's' => Ok(Key::Settings(SettingsKey::decode(key)?)),
                't' => Ok(Key::Blobs(BlobsKey::decode(key)?)),
                'u' => Ok(Key::Quota(QuotaKey::decode(key)?)),
                'x' => Ok(Key::TelemetryMetric(TelemetryMetricKey::decode(key)?)),
                'y' => Ok(Key::InMemoryCounter(InMemoryCounterKey::decode(key)?)),
                'z' => Ok(Key::SearchIndex(SearchIndexKey::decode(key)?)),
                _ => Err(KeyError::NoSubspace),
            }
        }
        /// Letter of the subspace, and its key.
        pub fn parts(&self) -> (char, &dyn TypedKey) {
            match self {
                Key::Acl(key) => ('a', key),
                Key::Directory(key) => ('d', key),
                Key::QueueMessage(key) => ('e', key),
                Key::TaskQueue(key) => ('f', key),
                Key::ReportOut(key) => ('h', key),
                Key::Indexes(key) => ('i', key),
                Key::BlobExtra(key) => ('j', key),
                Key::BlobLink(key) => ('k', key),
                Key::Logs(key) => ('l', key),
                Key::InMemoryValue(key) => ('m', key),
                Key::Counter(key) => ('n', key),
                Key::TelemetrySpan(key) => ('o', key),
                Key::Property(key) => ('p', key),
                Key::QueueEvent(key) => ('q', key),
                Key::ReportIn(key) => ('r', key),
                Key::Settings(key) => ('s', key),
                Key::Blobs(key) => ('t', key),
                Key::Quota(key) => ('u', key),
                Key::TelemetryMetric(key) => ('x', key),
                Key::InMemoryCounter(key) => ('y', key),
                Key::SearchIndex(key) => ('z', key),
            }
        }
    }
    impl fmt::Display for Key<'_> {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write_key(f, self.parts().1)
        }
    }
    pub(super) static SUBSPACES: [Subspace; 21] = [
        super::v4::ACL.in_version(5).of_family(Some("data"), None, true, true),
        super::v1::DIRECTORY
            .in_version(5)
            .of_family(Some("directory"), None, true, true),
        super::v1::QUEUE_MESSAGE
            .in_version(5)
            .of_family(Some("queue"), None, true, true),
        TASK_QUEUE,
        super::v1::REPORT_OUT.in_version(5).of_family(Some("report"), None, true, true),
        super::v4::INDEXES.in_version(5).of_family(Some("data"), None, true, true),
        BLOB_EXTRA,
        BLOB_LINK,
        super::v4::LOGS.in_version(5).of_family(Some("changelog"), None, true, true),
        super::v1::IN_MEMORY_VALUE
            .in_version(5)
            .of_family(
                None,
                Some(
                    "In-memory values expire by themselves; the server's own export leaves them out.",
                ),
                false,
                false,
            ),
        super::v4::COUNTER.in_version(5).of_family(Some("data"), None, true, true),
        super::v1::TELEMETRY_SPAN
            .in_version(5)
            .of_family(Some("telemetry"), None, true, true),
        PROPERTY,
        super::v3::QUEUE_EVENT.in_version(5).of_family(Some("queue"), None, true, true),
        super::v1::REPORT_IN.in_version(5).of_family(Some("report"), None, true, true),
        super::v1::SETTINGS.in_version(5).of_family(Some("config"), None, true, true),
        BLOBS,
        super::v1::QUOTA.in_version(5).of_family(Some("data"), None, true, true),
        super::v1::TELEMETRY_METRIC
            .in_version(5)
            .of_family(Some("telemetry"), None, true, true),
        super::v1::IN_MEMORY_COUNTER
            .in_version(5)
            .of_family(
                None,
                Some(
                    "In-memory counters expire by themselves; the server's own export leaves them out.",
                ),
                false,
                false,
            ),
        SEARCH_INDEX,
    ];
    pub(super) static COUNTER_RULES: &[CounterRule] = &[
        CounterRule {
            name: "document_id",
            doc: "A counter below a document's id makes the server hand out the id again. The upgrade to 0.12.0 and custom default folders leave such counters in stores of real servers.",
            counter: LayoutRef {
                letter: 'n',
                layout: 1,
            },
            group: &[0, 1],
            covers: &[
                Cover {
                    of: LayoutRef {
                        letter: 'p',
                        layout: 1,
                    },
                    group: &[GroupNumber::Field(0), GroupNumber::Field(1)],
                    id: CoveredId::Field(3),
                    only: &[],
                    unless: &[],
                },
                Cover {
                    of: LayoutRef {
                        letter: 'p',
                        layout: 2,
                    },
                    group: &[GroupNumber::Field(0), GroupNumber::Field(1)],
                    id: CoveredId::Field(4),
                    only: &[],
                    unless: &[],
                },
                Cover {
                    of: LayoutRef {
                        letter: 'p',
                        layout: 3,
                    },
                    group: &[GroupNumber::Field(0), GroupNumber::Field(1)],
                    id: CoveredId::Field(4),
                    only: &[],
                    unless: &[],
                },
                Cover {
                    of: LayoutRef {
                        letter: 'i',
                        layout: 0,
                    },
                    group: &[GroupNumber::Field(0), GroupNumber::Field(1)],
                    id: CoveredId::Field(4),
                    only: &[],
                    unless: &[],
                },
                Cover {
                    of: LayoutRef {
                        letter: 'd',
                        layout: 2,
                    },
                    group: &[GroupNumber::Fixed(4294967295), GroupNumber::Fixed(7)],
                    id: CoveredId::Field(1),
                    only: &[],
                    unless: &[],
                },
            ],
        },
        CounterRule {
            name: "change_id",
            doc: "A counter below a change makes clients miss changes and optimistic locks fail.",
            counter: LayoutRef {
                letter: 'n',
                layout: 0,
            },
            group: &[0],
            covers: &[
                Cover {
                    of: LayoutRef {
                        letter: 'l',
                        layout: 0,
                    },
                    group: &[GroupNumber::Field(0)],
                    id: CoveredId::Field(2),
                    only: &[],
                    unless: &[],
                },
                Cover {
                    of: LayoutRef {
                        letter: 'l',
                        layout: 1,
                    },
                    group: &[GroupNumber::Field(0)],
                    id: CoveredId::Field(2),
                    only: &[],
                    unless: &[],
                },
                Cover {
                    of: LayoutRef {
                        letter: 'p',
                        layout: 1,
                    },
                    group: &[GroupNumber::Field(0)],
                    id: CoveredId::ArchiveChangeId,
                    only: &[],
                    unless: &[],
                },
            ],
        },
    ];
    pub(super) static SINGLETONS: &[Singleton] = &[];
}

/// Typed keys of schema version 6.
pub mod v6 {
    use super::*;
    pub use super::v4::AclKey;
    pub use super::v1::QueueMessageKey;
    pub use super::v4::IndexesKey;
    pub use super::v4::LogsKey;
    pub use super::v1::InMemoryValueKey;
    pub use super::v3::QueueEventKey;
    pub use super::v1::InMemoryCounterKey;
    pub use super::v5::SearchIndexKey;
    /// Registry indexes (`subspaces.registry_idx`).
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum RegistryIdxKey<'a> {
        /// The object exists. (`subspaces.registry_idx.layouts.object`)
        Object {
            /// Type of the registry object.
            object: u16,
            /// Id of the registry object; singletons all have the same one.
            item: u64,
        },
        /// One indexed value of an object. (`subspaces.registry_idx.layouts.index`)
        Index {
            /// Type of the registry object.
            object: u16,
            /// Property of the registry object.
            property: u16,
            /// Indexed value; its form depends on the field.
            index_value: &'a [u8],
            /// Id of the registry object; singletons all have the same one.
            item: u64,
        },
    }
    impl<'a> RegistryIdxKey<'a> {
        /// Reads a key; every byte belongs to a field or is a constant.
        #[inline]
        pub fn decode(key: &'a [u8]) -> Result<Self, KeyError> {
            match key.len() {
                12 if codec::has(key, 0, &[0xff, 0xff]) => {
                    Ok(RegistryIdxKey::Object {
                        object: codec::u16_at(key, 2),
                        item: codec::u64_at(key, 4),
                    })
                }
                len if len >= 12 => {
                    Ok(RegistryIdxKey::Index {
                        object: codec::u16_at(key, 0),
                        property: codec::u16_at(key, 2),
                        index_value: codec::slice(key, 4, len - 8),
                        item: codec::u64_at(key, len - 8),
                    })
                }
                _ => Err(KeyError::NoLayout),
            }
        }
        /// Index of the layout of a key, without reading its fields.
        #[inline]
        pub fn layout_of(key: &[u8]) -> Result<usize, KeyError> {
            match key.len() {
                12 if codec::has(key, 0, &[0xff, 0xff]) => Ok(0),
                len if len >= 12 => Ok(1),
                _ => Err(KeyError::NoLayout),
            }
        }
    }
    impl TypedKey for RegistryIdxKey<'_> {
        fn encode(&self, out: &mut Vec<u8>) {
            match *self {
                RegistryIdxKey::Object { object, item } => {
                    out.extend_from_slice(&[0xff, 0xff]);
                    out.extend_from_slice(&object.to_be_bytes());
                    out.extend_from_slice(&item.to_be_bytes());
                }
                RegistryIdxKey::Index { object, property, index_value, item } => {
                    out.extend_from_slice(&object.to_be_bytes());
                    out.extend_from_slice(&property.to_be_bytes());
                    out.extend_from_slice(index_value);
                    out.extend_from_slice(&item.to_be_bytes());
                }
            }
        }
        #[inline]
        fn layout(&self) -> usize {
            match self {
                RegistryIdxKey::Object { .. } => 0,
                RegistryIdxKey::Index { .. } => 1,
            }
        }
        fn layouts(&self) -> &'static [Layout] {
            &REGISTRY_IDX_LAYOUTS
        }
    }
    impl fmt::Display for RegistryIdxKey<'_> {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write_key(f, self)
        }
    }
    pub(super) static REGISTRY_IDX_LAYOUTS: [Layout; 2] = [
        Layout {
            name: "object",
            doc: "The object exists.",
            segments: &[
                Segment::constant(&[0xff, 0xff]),
                Segment::field("object", SegmentKind::U16).named(&NAMES_OBJECT_TYPE),
                Segment::field("item", SegmentKind::U64),
            ],
            value: ValueForm::Empty,
            value_lengths: 0x01,
            shares: &[1],
            ..Layout::PLAIN
        },
        Layout {
            name: "index",
            doc: "One indexed value of an object.",
            segments: &[
                Segment::field("object", SegmentKind::U16).named(&NAMES_OBJECT_TYPE),
                Segment::field("property", SegmentKind::U16)
                    .named(&NAMES_REGISTRY_PROPERTY),
                Segment::field("index_value", SegmentKind::Rest),
                Segment::field("item", SegmentKind::U64),
            ],
            value: ValueForm::Empty,
            value_lengths: 0x01,
            ..Layout::PLAIN
        },
    ];
    /// `subspaces.registry_idx`
    pub(super) const REGISTRY_IDX: Subspace = Subspace {
        version: 6,
        letter: 'b',
        name: "registry_idx",
        title: "Registry indexes",
        doc: "Secondary indexes of registry objects. Singletons have no object entry.",
        source: "crates/store/src/registry/write.rs @ v0.16.18",
        family: Some("registry"),
        no_family: None,
        store_group: StoreGroup::Data,
        server_export: true,
        server_import: true,
        derived: false,
        settings: false,
        value: ValueKind::None,
        fresh: FreshRule::Save,
        layouts: &REGISTRY_IDX_LAYOUTS,
        tables: &TABLES_B_NONE,
        decode: RegistryIdxKey::layout_of,
        accepts: |key, length| {
            let layout = &REGISTRY_IDX_LAYOUTS[RegistryIdxKey::layout_of(key).ok()?];
            layout.takes(length).then_some(layout)
        },
    };
    /// Registry objects of directory types (`subspaces.directory`).
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum DirectoryKey {
        /// An account. A store that has one is no fresh store. (`subspaces.directory.layouts.account`)
        Account {
            /// Type of the registry object.
            object: u16,
            /// Id of the registry object; singletons all have the same one.
            item: u64,
        },
        /// A directory object of another type. (`subspaces.directory.layouts.object`)
        Object {
            /// Type of the registry object.
            object: u16,
            /// Id of the registry object; singletons all have the same one.
            item: u64,
        },
    }
    impl DirectoryKey {
        /// Reads a key; every byte belongs to a field or is a constant.
        #[inline]
        pub fn decode(key: &[u8]) -> Result<Self, KeyError> {
            match key.len() {
                10 if codec::u16_at(key, 0) == 0 => {
                    Ok(DirectoryKey::Account {
                        object: codec::u16_at(key, 0),
                        item: codec::u64_at(key, 2),
                    })
                }
                10 if codec::u16_at(key, 0) >= 1 => {
                    Ok(DirectoryKey::Object {
                        object: codec::u16_at(key, 0),
                        item: codec::u64_at(key, 2),
                    })
                }
                _ => Err(KeyError::NoLayout),
            }
        }
        /// Index of the layout of a key, without reading its fields.
        #[inline]
        pub fn layout_of(key: &[u8]) -> Result<usize, KeyError> {
            match key.len() {
                10 if codec::u16_at(key, 0) == 0 => Ok(0),
                10 if codec::u16_at(key, 0) >= 1 => Ok(1),
                _ => Err(KeyError::NoLayout),
            }
        }
    }
    impl TypedKey for DirectoryKey {
        fn encode(&self, out: &mut Vec<u8>) {
            match *self {
                DirectoryKey::Account { object, item } => {
                    out.extend_from_slice(&object.to_be_bytes());
                    out.extend_from_slice(&item.to_be_bytes());
                }
                DirectoryKey::Object { object, item } => {
                    out.extend_from_slice(&object.to_be_bytes());
                    out.extend_from_slice(&item.to_be_bytes());
                }
            }
        }
        #[inline]
        fn layout(&self) -> usize {
            match self {
                DirectoryKey::Account { .. } => 0,
                DirectoryKey::Object { .. } => 1,
            }
        }
        fn layouts(&self) -> &'static [Layout] {
            &DIRECTORY_LAYOUTS
        }
    }
    impl fmt::Display for DirectoryKey {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write_key(f, self)
        }
    }
    pub(super) static DIRECTORY_LAYOUTS: [Layout; 2] = [
        Layout {
            name: "account",
            doc: "An account. A store that has one is no fresh store.",
            segments: &[
                Segment::field("object", SegmentKind::U16)
                    .within(&[(0, 0)])
                    .named(&NAMES_OBJECT_TYPE),
                Segment::field("item", SegmentKind::U64),
            ],
            long: true,
            fresh: Some(FreshRule::Refuse),
            ..Layout::PLAIN
        },
        Layout {
            name: "object",
            doc: "A directory object of another type.",
            segments: &[
                Segment::field("object", SegmentKind::U16)
                    .within(&[(1, u64::MAX)])
                    .named(&NAMES_OBJECT_TYPE),
                Segment::field("item", SegmentKind::U64),
            ],
            long: true,
            ..Layout::PLAIN
        },
    ];
    /// `subspaces.directory`
    pub(super) const DIRECTORY: Subspace = Subspace {
        version: 6,
        letter: 'd',
        name: "directory",
        title: "Registry objects of directory types",
        doc: "Accounts, domains, lists, roles, tenants and the like.",
        source: "crates/store/src/write/key.rs, crates/registry/src/schema/properties.rs @ v0.16.18",
        family: Some("registry"),
        no_family: None,
        store_group: StoreGroup::Data,
        server_export: true,
        server_import: true,
        derived: false,
        settings: false,
        value: ValueKind::Bytes,
        fresh: FreshRule::Save,
        layouts: &DIRECTORY_LAYOUTS,
        tables: &TABLES_D_BYTES,
        decode: DirectoryKey::layout_of,
        accepts: |key, length| {
            let layout = &DIRECTORY_LAYOUTS[DirectoryKey::layout_of(key).ok()?];
            layout.takes(length).then_some(layout)
        },
    };
    /// Tasks and due index (`subspaces.task_queue`).
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum TaskQueueKey {
        /// The task itself. (`subspaces.task_queue.layouts.task`)
        Task {
            /// Id of the object.
            id: u64,
        },
        /// When a task is due. (`subspaces.task_queue.layouts.due`)
        Due {
            /// When it is due, in unix seconds.
            due: u64,
            /// Id of the object.
            id: u64,
        },
    }
    impl TaskQueueKey {
        /// Reads a key; every byte belongs to a field or is a constant.
        #[inline]
        pub fn decode(key: &[u8]) -> Result<Self, KeyError> {
            match key.len() {
                16 if codec::has(
                    key,
                    0,
                    &[0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00],
                ) => {
                    Ok(TaskQueueKey::Task {
                        id: codec::u64_at(key, 8),
                    })
                }
                16 if codec::u64_at(key, 0) >= 1 => {
                    Ok(TaskQueueKey::Due {
                        due: codec::u64_at(key, 0),
                        id: codec::u64_at(key, 8),
                    })
                }
                _ => Err(KeyError::NoLayout),
            }
        }
        /// Index of the layout of a key, without reading its fields.
        #[inline]
        pub fn layout_of(key: &[u8]) -> Result<usize, KeyError> {
            match key.len() {
                16 if codec::has(
                    key,
                    0,
                    &[0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00],
                ) => Ok(0),
                16 if codec::u64_at(key, 0) >= 1 => Ok(1),
                _ => Err(KeyError::NoLayout),
            }
        }
    }
    impl TypedKey for TaskQueueKey {
        fn encode(&self, out: &mut Vec<u8>) {
            match *self {
                TaskQueueKey::Task { id } => {
                    out.extend_from_slice(
                        &[0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00],
                    );
                    out.extend_from_slice(&id.to_be_bytes());
                }
                TaskQueueKey::Due { due, id } => {
                    out.extend_from_slice(&due.to_be_bytes());
                    out.extend_from_slice(&id.to_be_bytes());
                }
            }
        }
        #[inline]
        fn layout(&self) -> usize {
            match self {
                TaskQueueKey::Task { .. } => 0,
                TaskQueueKey::Due { .. } => 1,
            }
        }
        fn layouts(&self) -> &'static [Layout] {
            &TASK_QUEUE_LAYOUTS
        }
    }
    impl fmt::Display for TaskQueueKey {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write_key(f, self)
        }
    }
    pub(super) static TASK_QUEUE_LAYOUTS: [Layout; 2] = [
        Layout {
            name: "task",
            doc: "The task itself.",
            segments: &[
                Segment::constant(&[0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00]),
                Segment::field("id", SegmentKind::U64),
            ],
            long: true,
            ..Layout::PLAIN
        },
        Layout {
            name: "due",
            doc: "When a task is due.",
            segments: &[
                Segment::field("due", SegmentKind::U64).within(&[(1, u64::MAX)]),
                Segment::field("id", SegmentKind::U64),
            ],
            value: ValueForm::Lengths(&[2]),
            value_lengths: 0x04,
            ..Layout::PLAIN
        },
    ];
    /// `subspaces.task_queue`
    pub(super) const TASK_QUEUE: Subspace = Subspace {
        version: 6,
        letter: 'f',
        name: "task_queue",
        title: "Tasks and due index",
        doc: "Work the server has put off, and when it is due. A first start puts off the update of the spam rules.",
        source: "crates/store/src/write/key.rs @ v0.16.18, crates/common/src/manager/defaults.rs @ v0.16.0, v0.16.18, crates/smtp/src/reporting/index.rs @ v0.16.0, v0.16.18",
        family: Some("tasks"),
        no_family: None,
        store_group: StoreGroup::Data,
        server_export: true,
        server_import: true,
        derived: false,
        settings: false,
        value: ValueKind::Bytes,
        fresh: FreshRule::Save,
        layouts: &TASK_QUEUE_LAYOUTS,
        tables: &TABLES_F_BYTES,
        decode: TaskQueueKey::layout_of,
        accepts: |key, length| {
            let layout = &TASK_QUEUE_LAYOUTS[TaskQueueKey::layout_of(key).ok()?];
            layout.takes(length).then_some(layout)
        },
    };
    /// Registry unique keys, references, node leases (`subspaces.registry_pk`).
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum RegistryPkKey<'a> {
        /// A node of the cluster; every start of the server writes it anew.
        /// (`subspaces.registry_pk.layouts.node_lease`)
        NodeLease {
            /// Number of the cluster node.
            node: u16,
        },
        /// An object that another one refers to. (`subspaces.registry_pk.layouts.reference`)
        Reference {
            /// Type of the object referred to.
            target: u16,
            /// Id of the object referred to.
            target_item: u64,
            /// Type of the object that refers.
            source: u16,
            /// Id of the object that refers.
            source_item: u64,
        },
        /// A value that only one object may have. (`subspaces.registry_pk.layouts.unique_key`)
        UniqueKey {
            /// Type of the object, 0xffff where the value is unique among all.
            object: u16,
            /// Property of the registry object.
            property: u16,
            /// Indexed value; its form depends on the field.
            index_value: &'a [u8],
        },
    }
    impl<'a> RegistryPkKey<'a> {
        /// Reads a key; every byte belongs to a field or is a constant.
        #[inline]
        pub fn decode(key: &'a [u8]) -> Result<Self, KeyError> {
            match key.len() {
                6 if codec::has(key, 0, &[0xff, 0xff, 0xff, 0xff]) => {
                    Ok(RegistryPkKey::NodeLease {
                        node: codec::u16_at(key, 4),
                    })
                }
                20 => {
                    Ok(RegistryPkKey::Reference {
                        target: codec::u16_at(key, 0),
                        target_item: codec::u64_at(key, 2),
                        source: codec::u16_at(key, 10),
                        source_item: codec::u64_at(key, 12),
                    })
                }
                len if len >= 4 => {
                    Ok(RegistryPkKey::UniqueKey {
                        object: codec::u16_at(key, 0),
                        property: codec::u16_at(key, 2),
                        index_value: codec::slice(key, 4, len),
                    })
                }
                _ => Err(KeyError::NoLayout),
            }
        }
        /// Index of the layout of a key, without reading its fields.
        #[inline]
        pub fn layout_of(key: &[u8]) -> Result<usize, KeyError> {
            match key.len() {
                6 if codec::has(key, 0, &[0xff, 0xff, 0xff, 0xff]) => Ok(0),
                20 => Ok(1),
                len if len >= 4 => Ok(2),
                _ => Err(KeyError::NoLayout),
            }
        }
    }
    impl TypedKey for RegistryPkKey<'_> {
        fn encode(&self, out: &mut Vec<u8>) {
            match *self {
                RegistryPkKey::NodeLease { node } => {
                    out.extend_from_slice(&[0xff, 0xff, 0xff, 0xff]);
                    out.extend_from_slice(&node.to_be_bytes());
                }
                RegistryPkKey::Reference {
                    target,
                    target_item,
                    source,
                    source_item,
                } => {
                    out.extend_from_slice(&target.to_be_bytes());
                    out.extend_from_slice(&target_item.to_be_bytes());
                    out.extend_from_slice(&source.to_be_bytes());
                    out.extend_from_slice(&source_item.to_be_bytes());
                }
                RegistryPkKey::UniqueKey { object, property, index_value } => {
                    out.extend_from_slice(&object.to_be_bytes());
                    out.extend_from_slice(&property.to_be_bytes());
                    out.extend_from_slice(index_value);
                }
            }
        }
        #[inline]
        fn layout(&self) -> usize {
            match self {
                RegistryPkKey::NodeLease { .. } => 0,
                RegistryPkKey::Reference { .. } => 1,
                RegistryPkKey::UniqueKey { .. } => 2,
            }
        }
        fn layouts(&self) -> &'static [Layout] {
            &REGISTRY_PK_LAYOUTS
        }
    }
    impl fmt::Display for RegistryPkKey<'_> {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write_key(f, self)
        }
    }
    pub(super) static REGISTRY_PK_LAYOUTS: [Layout; 3] = [
        Layout {
            name: "node_lease",
            doc: "A node of the cluster; every start of the server writes it anew.",
            segments: &[
                Segment::constant(&[0xff, 0xff, 0xff, 0xff]),
                Segment::field("node", SegmentKind::U16),
            ],
            value: ValueForm::Lease,
            value_lengths: 0xffffffffffffff00,
            travels: false,
            fresh: Some(FreshRule::Keep),
            shares: &[2],
            ..Layout::PLAIN
        },
        Layout {
            name: "reference",
            doc: "An object that another one refers to.",
            segments: &[
                Segment::field("target", SegmentKind::U16).named(&NAMES_OBJECT_TYPE),
                Segment::field("target_item", SegmentKind::U64),
                Segment::field("source", SegmentKind::U16).named(&NAMES_OBJECT_TYPE),
                Segment::field("source_item", SegmentKind::U64),
            ],
            value: ValueForm::Empty,
            value_lengths: 0x01,
            shares: &[2],
            ..Layout::PLAIN
        },
        Layout {
            name: "unique_key",
            doc: "A value that only one object may have.",
            segments: &[
                Segment::field("object", SegmentKind::U16).named(&NAMES_OBJECT_TYPE),
                Segment::field("property", SegmentKind::U16)
                    .named(&NAMES_REGISTRY_PROPERTY),
                Segment::field("index_value", SegmentKind::Rest),
            ],
            value: ValueForm::Lengths(&[10, 14]),
            value_lengths: 0x4400,
            ..Layout::PLAIN
        },
    ];
    /// `subspaces.registry_pk`
    pub(super) const REGISTRY_PK: Subspace = Subspace {
        version: 6,
        letter: 'g',
        name: "registry_pk",
        title: "Registry unique keys, references, node leases",
        doc: "Keys that make registry objects unique, links between them, and which nodes use the store.",
        source: "crates/store/src/registry/write.rs, crates/store/src/build/registry.rs @ v0.16.18",
        family: Some("registry"),
        no_family: None,
        store_group: StoreGroup::Data,
        server_export: true,
        server_import: true,
        derived: false,
        settings: false,
        value: ValueKind::Bytes,
        fresh: FreshRule::Save,
        layouts: &REGISTRY_PK_LAYOUTS,
        tables: &TABLES_G_BYTES,
        decode: RegistryPkKey::layout_of,
        accepts: |key, length| {
            let layout = &REGISTRY_PK_LAYOUTS[RegistryPkKey::layout_of(key).ok()?];
            layout.takes(length).then_some(layout)
        },
    };
    /// Outgoing reports (`subspaces.report_out`).
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum ReportOutKey {
        /// A report. (`subspaces.report_out.layouts.object`)
        Object {
            /// Type of the registry object.
            object: u16,
            /// Id of the registry object; singletons all have the same one.
            item: u64,
        },
    }
    impl ReportOutKey {
        /// Reads a key; every byte belongs to a field or is a constant.
        #[inline]
        pub fn decode(key: &[u8]) -> Result<Self, KeyError> {
            match key.len() {
                10 => {
                    Ok(ReportOutKey::Object {
                        object: codec::u16_at(key, 0),
                        item: codec::u64_at(key, 2),
                    })
                }
                _ => Err(KeyError::NoLayout),
            }
        }
        /// Index of the layout of a key, without reading its fields.
        #[inline]
        pub fn layout_of(key: &[u8]) -> Result<usize, KeyError> {
            match key.len() {
                10 => Ok(0),
                _ => Err(KeyError::NoLayout),
            }
        }
    }
    impl TypedKey for ReportOutKey {
        fn encode(&self, out: &mut Vec<u8>) {
            match *self {
                ReportOutKey::Object { object, item } => {
                    out.extend_from_slice(&object.to_be_bytes());
                    out.extend_from_slice(&item.to_be_bytes());
                }
            }
        }
        #[inline]
        fn layout(&self) -> usize {
            match self {
                ReportOutKey::Object { .. } => 0,
            }
        }
        fn layouts(&self) -> &'static [Layout] {
            &REPORT_OUT_LAYOUTS
        }
    }
    impl fmt::Display for ReportOutKey {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write_key(f, self)
        }
    }
    pub(super) static REPORT_OUT_LAYOUTS: [Layout; 1] = [
        Layout {
            name: "object",
            doc: "A report.",
            segments: &[
                Segment::field("object", SegmentKind::U16).named(&NAMES_OBJECT_TYPE),
                Segment::field("item", SegmentKind::U64),
            ],
            long: true,
            ..Layout::PLAIN
        },
    ];
    /// `subspaces.report_out`
    pub(super) const REPORT_OUT: Subspace = Subspace {
        version: 6,
        letter: 'h',
        name: "report_out",
        title: "Outgoing reports",
        doc: "Outgoing reports as registry objects.",
        source: "crates/store/src/write/key.rs @ v0.16.18",
        family: Some("report"),
        no_family: None,
        store_group: StoreGroup::Data,
        server_export: true,
        server_import: true,
        derived: false,
        settings: false,
        value: ValueKind::Bytes,
        fresh: FreshRule::Refuse,
        layouts: &REPORT_OUT_LAYOUTS,
        tables: &TABLES_H_BYTES,
        decode: ReportOutKey::layout_of,
        accepts: |key, length| {
            let layout = &REPORT_OUT_LAYOUTS[ReportOutKey::layout_of(key).ok()?];
            layout.takes(length).then_some(layout)
        },
    };
    /// Archived items (`subspaces.deleted_items`).
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum DeletedItemsKey {
        /// A deleted item. (`subspaces.deleted_items.layouts.object`)
        Object {
            /// Type of the registry object.
            object: u16,
            /// Id of the registry object; singletons all have the same one.
            item: u64,
        },
    }
    impl DeletedItemsKey {
        /// Reads a key; every byte belongs to a field or is a constant.
        #[inline]
        pub fn decode(key: &[u8]) -> Result<Self, KeyError> {
            match key.len() {
                10 => {
                    Ok(DeletedItemsKey::Object {
                        object: codec::u16_at(key, 0),
                        item: codec::u64_at(key, 2),
                    })
                }
                _ => Err(KeyError::NoLayout),
            }
        }
        /// Index of the layout of a key, without reading its fields.
        #[inline]
        pub fn layout_of(key: &[u8]) -> Result<usize, KeyError> {
            match key.len() {
                10 => Ok(0),
                _ => Err(KeyError::NoLayout),
            }
        }
    }
    impl TypedKey for DeletedItemsKey {
        fn encode(&self, out: &mut Vec<u8>) {
            match *self {
                DeletedItemsKey::Object { object, item } => {
                    out.extend_from_slice(&object.to_be_bytes());
                    out.extend_from_slice(&item.to_be_bytes());
                }
            }
        }
        #[inline]
        fn layout(&self) -> usize {
            match self {
                DeletedItemsKey::Object { .. } => 0,
            }
        }
        fn layouts(&self) -> &'static [Layout] {
            &DELETED_ITEMS_LAYOUTS
        }
    }
    impl fmt::Display for DeletedItemsKey {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write_key(f, self)
        }
    }
    pub(super) static DELETED_ITEMS_LAYOUTS: [Layout; 1] = [
        Layout {
            name: "object",
            doc: "A deleted item.",
            segments: &[
                Segment::field("object", SegmentKind::U16).named(&NAMES_OBJECT_TYPE),
                Segment::field("item", SegmentKind::U64),
            ],
            long: true,
            ..Layout::PLAIN
        },
    ];
    /// `subspaces.deleted_items`
    pub(super) const DELETED_ITEMS: Subspace = Subspace {
        version: 6,
        letter: 'j',
        name: "deleted_items",
        title: "Archived items",
        doc: "Deleted items that may be restored, as registry objects.",
        source: "crates/store/src/write/key.rs @ v0.16.18",
        family: None,
        no_family: Some("The server's own export leaves deleted items out."),
        store_group: StoreGroup::Data,
        server_export: false,
        server_import: false,
        derived: false,
        settings: false,
        value: ValueKind::Bytes,
        fresh: FreshRule::Refuse,
        layouts: &DELETED_ITEMS_LAYOUTS,
        tables: &TABLES_J_BYTES,
        decode: DeletedItemsKey::layout_of,
        accepts: |key, length| {
            let layout = &DELETED_ITEMS_LAYOUTS[DeletedItemsKey::layout_of(key).ok()?];
            layout.takes(length).then_some(layout)
        },
    };
    /// Blob links (`subspaces.blob_link`).
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum BlobLinkKey<'a> {
        /// The blob has been stored. (`subspaces.blob_link.layouts.commit`)
        Commit {
            /// BLAKE3 of a blob.
            hash: &'a [u8; 32],
        },
        /// Something that is no document uses the blob. (`subspaces.blob_link.layouts.id_link`)
        IdLink {
            /// BLAKE3 of a blob.
            hash: &'a [u8; 32],
            /// Id of the object.
            id: u64,
        },
        /// A document uses the blob. (`subspaces.blob_link.layouts.document_link`)
        DocumentLink {
            /// BLAKE3 of a blob.
            hash: &'a [u8; 32],
            /// Account that owns the record.
            account: u32,
            /// Collection of the document.
            collection: u8,
            /// Document id within account and collection.
            document: u32,
        },
        /// The blob is kept until then. (`subspaces.blob_link.layouts.temporary_link`)
        TemporaryLink {
            /// BLAKE3 of a blob.
            hash: &'a [u8; 32],
            /// Account that owns the record.
            account: u32,
            /// When it ends, in unix seconds.
            until: u64,
        },
    }
    impl<'a> BlobLinkKey<'a> {
        /// Reads a key; every byte belongs to a field or is a constant.
        #[inline]
        pub fn decode(key: &'a [u8]) -> Result<Self, KeyError> {
            match key.len() {
                32 => {
                    Ok(BlobLinkKey::Commit {
                        hash: codec::array_at(key, 0),
                    })
                }
                40 => {
                    Ok(BlobLinkKey::IdLink {
                        hash: codec::array_at(key, 0),
                        id: codec::u64_at(key, 32),
                    })
                }
                41 => {
                    Ok(BlobLinkKey::DocumentLink {
                        hash: codec::array_at(key, 0),
                        account: codec::u32_at(key, 32),
                        collection: codec::u8_at(key, 36),
                        document: codec::u32_at(key, 37),
                    })
                }
                44 => {
                    Ok(BlobLinkKey::TemporaryLink {
                        hash: codec::array_at(key, 0),
                        account: codec::u32_at(key, 32),
                        until: codec::u64_at(key, 36),
                    })
                }
                _ => Err(KeyError::NoLayout),
            }
        }
        /// Index of the layout of a key, without reading its fields.
        #[inline]
        pub fn layout_of(key: &[u8]) -> Result<usize, KeyError> {
            match key.len() {
                32 => Ok(0),
                40 => Ok(1),
                41 => Ok(2),
                44 => Ok(3),
                _ => Err(KeyError::NoLayout),
            }
        }
    }
    impl TypedKey for BlobLinkKey<'_> {
        fn encode(&self, out: &mut Vec<u8>) {
            match *self {
                BlobLinkKey::Commit { hash } => {
                    out.extend_from_slice(hash);
                }
                BlobLinkKey::IdLink { hash, id } => {
                    out.extend_from_slice(hash);
                    out.extend_from_slice(&id.to_be_bytes());
                }
                BlobLinkKey::DocumentLink { hash, account, collection, document } => {
                    out.extend_from_slice(hash);
                    out.extend_from_slice(&account.to_be_bytes());
                    out.push(collection);
                    out.extend_from_slice(&document.to_be_bytes());
                }
                BlobLinkKey::TemporaryLink { hash, account, until } => {
                    out.extend_from_slice(hash);
                    out.extend_from_slice(&account.to_be_bytes());
                    out.extend_from_slice(&until.to_be_bytes());
                }
            }
        }
        #[inline]
        fn layout(&self) -> usize {
            match self {
                BlobLinkKey::Commit { .. } => 0,
                BlobLinkKey::IdLink { .. } => 1,
                BlobLinkKey::DocumentLink { .. } => 2,
                BlobLinkKey::TemporaryLink { .. } => 3,
            }
        }
        fn layouts(&self) -> &'static [Layout] {
            &BLOB_LINK_LAYOUTS
        }
    }
    impl fmt::Display for BlobLinkKey<'_> {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write_key(f, self)
        }
    }
    pub(super) static BLOB_LINK_LAYOUTS: [Layout; 4] = [
        Layout {
            name: "commit",
            doc: "The blob has been stored.",
            segments: &[Segment::field("hash", SegmentKind::Hash)],
            value: ValueForm::Empty,
            value_lengths: 0x01,
            commit: true,
            fresh_if_computed: Some(FreshRule::Clear),
            blob_link: Some(0),
            ..Layout::PLAIN
        },
        Layout {
            name: "id_link",
            doc: "Something that is no document uses the blob.",
            segments: &[
                Segment::field("hash", SegmentKind::Hash),
                Segment::field("id", SegmentKind::U64),
            ],
            value: ValueForm::Empty,
            value_lengths: 0x01,
            blob_link: Some(0),
            ..Layout::PLAIN
        },
        Layout {
            name: "document_link",
            doc: "A document uses the blob.",
            segments: &[
                Segment::field("hash", SegmentKind::Hash),
                Segment::field("account", SegmentKind::U32),
                Segment::field("collection", SegmentKind::U8).named(&NAMES_COLLECTION),
                Segment::field("document", SegmentKind::U32),
            ],
            value: ValueForm::Empty,
            value_lengths: 0x01,
            blob_link: Some(0),
            ..Layout::PLAIN
        },
        Layout {
            name: "temporary_link",
            doc: "The blob is kept until then.",
            segments: &[
                Segment::field("hash", SegmentKind::Hash),
                Segment::field("account", SegmentKind::U32),
                Segment::field("until", SegmentKind::U64),
            ],
            value: ValueForm::Lengths(&[0, 1, 10]),
            value_lengths: 0x403,
            fresh_if_computed: Some(FreshRule::Clear),
            provisional: Some(&[(1, &[(4294967295, 4294967295)])]),
            blob_link: Some(0),
            ..Layout::PLAIN
        },
    ];
    /// `subspaces.blob_link`
    pub(super) const BLOB_LINK: Subspace = Subspace {
        version: 6,
        letter: 'k',
        name: "blob_link",
        title: "Blob links",
        doc: "Which blobs exist and what uses them.",
        source: "crates/store/src/write/key.rs @ v0.15.5, v0.16.18, crates/common/src/manager/application.rs, crates/migration/src/v016.rs @ v0.16.18",
        family: Some("blob"),
        no_family: None,
        store_group: StoreGroup::Data,
        server_export: true,
        server_import: true,
        derived: false,
        settings: false,
        value: ValueKind::Bytes,
        fresh: FreshRule::Refuse,
        layouts: &BLOB_LINK_LAYOUTS,
        tables: &TABLES_K_BYTES,
        decode: BlobLinkKey::layout_of,
        accepts: |key, length| {
            let layout = &BLOB_LINK_LAYOUTS[BlobLinkKey::layout_of(key).ok()?];
            layout.takes(length).then_some(layout)
        },
    };
    /// Document, change and mailbox counters (`subspaces.counter`).
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum CounterKey {
        /// Last sequential id of a registry object type. (`subspaces.counter.layouts.registry_id`)
        RegistryId {
            /// Type of the registry object.
            object: u16,
        },
        /// Last change id of an account. (`subspaces.counter.layouts.change_id`)
        ChangeId {
            /// Account that owns the record.
            account: u32,
        },
        /// Bytes an account uses. (`subspaces.counter.layouts.account_quota`)
        AccountQuota {
            /// Account that owns the record.
            account: u32,
        },
        /// Bytes a tenant uses. (`subspaces.counter.layouts.tenant_quota`)
        TenantQuota {
            /// Id of the tenant.
            tenant: u32,
        },
        /// Last document id of a collection. (`subspaces.counter.layouts.document_id`)
        DocumentId {
            /// Account that owns the record.
            account: u32,
            /// Collection of the document.
            collection: u8,
        },
        /// Last IMAP UID of a mailbox. (`subspaces.counter.layouts.mailbox_uid`)
        MailboxUid {
            /// Account that owns the record.
            account: u32,
            /// Document id of the mailbox.
            mailbox: u32,
        },
    }
    impl CounterKey {
        /// Reads a key; every byte belongs to a field or is a constant.
        #[inline]
        pub fn decode(key: &[u8]) -> Result<Self, KeyError> {
            match key.len() {
                2 => {
                    Ok(CounterKey::RegistryId {
                        object: codec::u16_at(key, 0),
                    })
                }
                4 => {
                    Ok(CounterKey::ChangeId {
                        account: codec::u32_at(key, 0),
                    })
                }
                5 if codec::u8_at(key, 4) == 0xff => {
                    Ok(CounterKey::AccountQuota {
                        account: codec::u32_at(key, 0),
                    })
                }
                5 if codec::u8_at(key, 4) == 0xfe => {
                    Ok(CounterKey::TenantQuota {
                        tenant: codec::u32_at(key, 0),
                    })
                }
                5 if codec::u8_at(key, 4) <= 253 => {
                    Ok(CounterKey::DocumentId {
                        account: codec::u32_at(key, 0),
                        collection: codec::u8_at(key, 4),
                    })
                }
                10 if codec::has(key, 4, &[0x01, 0x54]) => {
                    Ok(CounterKey::MailboxUid {
                        account: codec::u32_at(key, 0),
                        mailbox: codec::u32_at(key, 6),
                    })
                }
                _ => Err(KeyError::NoLayout),
            }
        }
        /// Index of the layout of a key, without reading its fields.
        #[inline]
        pub fn layout_of(key: &[u8]) -> Result<usize, KeyError> {
            match key.len() {
                2 => Ok(0),
                4 => Ok(1),
                5 if codec::u8_at(key, 4) == 0xff => Ok(2),
                5 if codec::u8_at(key, 4) == 0xfe => Ok(3),
                5 if codec::u8_at(key, 4) <= 253 => Ok(4),
                10 if codec::has(key, 4, &[0x01, 0x54]) => Ok(5),
                _ => Err(KeyError::NoLayout),
            }
        }
    }
    impl TypedKey for CounterKey {
        fn encode(&self, out: &mut Vec<u8>) {
            match *self {
                CounterKey::RegistryId { object } => {
                    out.extend_from_slice(&object.to_be_bytes());
                }
                CounterKey::ChangeId { account } => {
                    out.extend_from_slice(&account.to_be_bytes());
                }
                CounterKey::AccountQuota { account } => {
                    out.extend_from_slice(&account.to_be_bytes());
                    out.extend_from_slice(&[0xff]);
                }
                CounterKey::TenantQuota { tenant } => {
                    out.extend_from_slice(&tenant.to_be_bytes());
                    out.extend_from_slice(&[0xfe]);
                }
                CounterKey::DocumentId { account, collection } => {
                    out.extend_from_slice(&account.to_be_bytes());
                    out.push(collection);
                }
                CounterKey::MailboxUid { account, mailbox } => {
                    out.extend_from_slice(&account.to_be_bytes());
                    out.extend_from_slice(&[0x01, 0x54]);
                    out.extend_from_slice(&mailbox.to_be_bytes());
                }
            }
        }
        #[inline]
        fn layout(&self) -> usize {
            match self {
                CounterKey::RegistryId { .. } => 0,
                CounterKey::ChangeId { .. } => 1,
                CounterKey::AccountQuota { .. } => 2,
                CounterKey::TenantQuota { .. } => 3,
                CounterKey::DocumentId { .. } => 4,
                CounterKey::MailboxUid { .. } => 5,
            }
        }
        fn layouts(&self) -> &'static [Layout] {
            &COUNTER_LAYOUTS
        }
    }
    impl fmt::Display for CounterKey {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write_key(f, self)
        }
    }
    pub(super) static COUNTER_LAYOUTS: [Layout; 6] = [
        Layout {
            name: "registry_id",
            doc: "Last sequential id of a registry object type.",
            segments: &[
                Segment::field("object", SegmentKind::U16).named(&NAMES_OBJECT_TYPE),
            ],
            value_lengths: 0x100,
            fresh: Some(FreshRule::Save),
            ..Layout::PLAIN
        },
        Layout {
            name: "change_id",
            doc: "Last change id of an account.",
            segments: &[Segment::field("account", SegmentKind::U32)],
            value_lengths: 0x100,
            ..Layout::PLAIN
        },
        Layout {
            name: "account_quota",
            doc: "Bytes an account uses.",
            segments: &[
                Segment::field("account", SegmentKind::U32),
                Segment::constant(&[0xff]),
            ],
            value_lengths: 0x100,
            ..Layout::PLAIN
        },
        Layout {
            name: "tenant_quota",
            doc: "Bytes a tenant uses.",
            segments: &[
                Segment::field("tenant", SegmentKind::U32),
                Segment::constant(&[0xfe]),
            ],
            value_lengths: 0x100,
            ..Layout::PLAIN
        },
        Layout {
            name: "document_id",
            doc: "Last document id of a collection.",
            segments: &[
                Segment::field("account", SegmentKind::U32),
                Segment::field("collection", SegmentKind::U8)
                    .within(&[(0, 253)])
                    .named(&NAMES_COLLECTION),
            ],
            value_lengths: 0x100,
            ..Layout::PLAIN
        },
        Layout {
            name: "mailbox_uid",
            doc: "Last IMAP UID of a mailbox.",
            segments: &[
                Segment::field("account", SegmentKind::U32),
                Segment::constant(&[0x01, 0x54]),
                Segment::field("mailbox", SegmentKind::U32),
            ],
            value_lengths: 0x100,
            ..Layout::PLAIN
        },
    ];
    /// `subspaces.counter`
    pub(super) const COUNTER: Subspace = Subspace {
        version: 6,
        letter: 'n',
        name: "counter",
        title: "Document, change and mailbox counters",
        doc: "The last id handed out, by kind. In version 6 also disk usage.",
        source: "crates/store/src/write/key.rs, crates/store/src/dispatch/store.rs @ v0.15.5, v0.16.18",
        family: Some("data"),
        no_family: None,
        store_group: StoreGroup::Data,
        server_export: true,
        server_import: true,
        derived: false,
        settings: false,
        value: ValueKind::Counter,
        fresh: FreshRule::Refuse,
        layouts: &COUNTER_LAYOUTS,
        tables: &TABLES_N_COUNTER,
        decode: CounterKey::layout_of,
        accepts: |key, length| {
            let layout = &COUNTER_LAYOUTS[CounterKey::layout_of(key).ok()?];
            layout.takes(length).then_some(layout)
        },
    };
    /// Stored traces (`subspaces.telemetry_span`).
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum TelemetrySpanKey {
        /// A trace. (`subspaces.telemetry_span.layouts.span`)
        Span {
            /// Id of the trace.
            span: u64,
        },
    }
    impl TelemetrySpanKey {
        /// Reads a key; every byte belongs to a field or is a constant.
        #[inline]
        pub fn decode(key: &[u8]) -> Result<Self, KeyError> {
            match key.len() {
                8 => {
                    Ok(TelemetrySpanKey::Span {
                        span: codec::u64_at(key, 0),
                    })
                }
                _ => Err(KeyError::NoLayout),
            }
        }
        /// Index of the layout of a key, without reading its fields.
        #[inline]
        pub fn layout_of(key: &[u8]) -> Result<usize, KeyError> {
            match key.len() {
                8 => Ok(0),
                _ => Err(KeyError::NoLayout),
            }
        }
    }
    impl TypedKey for TelemetrySpanKey {
        fn encode(&self, out: &mut Vec<u8>) {
            match *self {
                TelemetrySpanKey::Span { span } => {
                    out.extend_from_slice(&span.to_be_bytes());
                }
            }
        }
        #[inline]
        fn layout(&self) -> usize {
            match self {
                TelemetrySpanKey::Span { .. } => 0,
            }
        }
        fn layouts(&self) -> &'static [Layout] {
            &TELEMETRY_SPAN_LAYOUTS
        }
    }
    impl fmt::Display for TelemetrySpanKey {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write_key(f, self)
        }
    }
    pub(super) static TELEMETRY_SPAN_LAYOUTS: [Layout; 1] = [
        Layout {
            name: "span",
            doc: "A trace.",
            segments: &[Segment::field("span", SegmentKind::U64)],
            long: true,
            ..Layout::PLAIN
        },
    ];
    /// `subspaces.telemetry_span`
    pub(super) const TELEMETRY_SPAN: Subspace = Subspace {
        version: 6,
        letter: 'o',
        name: "telemetry_span",
        title: "Stored traces",
        doc: "What happened, as registry objects.",
        source: "crates/common/src/telemetry @ v0.16.18",
        family: Some("telemetry"),
        no_family: None,
        store_group: StoreGroup::Telemetry,
        server_export: true,
        server_import: true,
        derived: false,
        settings: false,
        value: ValueKind::Bytes,
        fresh: FreshRule::Refuse,
        layouts: &TELEMETRY_SPAN_LAYOUTS,
        tables: &TABLES_O_BYTES,
        decode: TelemetrySpanKey::layout_of,
        accepts: |key, length| {
            let layout = &TELEMETRY_SPAN_LAYOUTS[TelemetrySpanKey::layout_of(key).ok()?];
            layout.takes(length).then_some(layout)
        },
    };
    /// Object properties (`subspaces.property`).
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum PropertyKey<'a> {
        /// The schema version of the store. (`subspaces.property.layouts.schema_version`)
        SchemaVersion {},
        /// One field of a document. (`subspaces.property.layouts.property`)
        Property {
            /// Account that owns the record.
            account: u32,
            /// Collection of the document.
            collection: u8,
            /// Field id; what it means depends on the collection.
            field: u8,
            /// Document id within account and collection.
            document: u32,
        },
        /// Documents by the short hash of a value, as threads by subject.
        /// (`subspaces.property.layouts.hash_index`)
        HashIndex {
            /// Account that owns the record.
            account: u32,
            /// Collection of the document.
            collection: u8,
            /// Field id; what it means depends on the collection.
            field: u8,
            /// Short hash of the value.
            index_value: &'a [u8],
            /// Document id within account and collection.
            document: u32,
        },
        /// Documents by a number, as a time. (`subspaces.property.layouts.integer_index`)
        IntegerIndex {
            /// Account that owns the record.
            account: u32,
            /// Collection of the document.
            collection: u8,
            /// Field id; what it means depends on the collection.
            field: u8,
            /// The number.
            index_value: u64,
            /// Document id within account and collection.
            document: u32,
        },
    }
    impl<'a> PropertyKey<'a> {
        /// Reads a key; every byte belongs to a field or is a constant.
        #[inline]
        pub fn decode(key: &'a [u8]) -> Result<Self, KeyError> {
            match key.len() {
                1 if codec::u8_at(key, 0) == 0x00 => Ok(PropertyKey::SchemaVersion {}),
                10 => {
                    Ok(PropertyKey::Property {
                        account: codec::u32_at(key, 0),
                        collection: codec::u8_at(key, 4),
                        field: codec::u8_at(key, 5),
                        document: codec::u32_at(key, 6),
                    })
                }
                len if len >= 11 && len <= 26
                    && codec::short_hash_end(key, 6) == len - 4 => {
                    Ok(PropertyKey::HashIndex {
                        account: codec::u32_at(key, 0),
                        collection: codec::u8_at(key, 4),
                        field: codec::u8_at(key, 5),
                        index_value: codec::short_hash_at(key, 6),
                        document: codec::u32_at(key, len - 4),
                    })
                }
                18 => {
                    Ok(PropertyKey::IntegerIndex {
                        account: codec::u32_at(key, 0),
                        collection: codec::u8_at(key, 4),
                        field: codec::u8_at(key, 5),
                        index_value: codec::u64_at(key, 6),
                        document: codec::u32_at(key, 14),
                    })
                }
                _ => Err(KeyError::NoLayout),
            }
        }
        /// Index of the layout of a key, without reading its fields.
        #[inline]
        pub fn layout_of(key: &[u8]) -> Result<usize, KeyError> {
            match key.len() {
                1 if codec::u8_at(key, 0) == 0x00 => Ok(0),
                10 => Ok(1),
                len if len >= 11 && len <= 26
                    && codec::short_hash_end(key, 6) == len - 4 => Ok(2),
                18 => Ok(3),
                _ => Err(KeyError::NoLayout),
            }
        }
    }
    impl TypedKey for PropertyKey<'_> {
        fn encode(&self, out: &mut Vec<u8>) {
            match *self {
                PropertyKey::SchemaVersion {} => {
                    out.extend_from_slice(&[0x00]);
                }
                PropertyKey::Property { account, collection, field, document } => {
                    out.extend_from_slice(&account.to_be_bytes());
                    out.push(collection);
                    out.push(field);
                    out.extend_from_slice(&document.to_be_bytes());
                }
                PropertyKey::HashIndex {
                    account,
                    collection,
                    field,
                    index_value,
                    document,
                } => {
                    out.extend_from_slice(&account.to_be_bytes());
                    out.push(collection);
                    out.push(field);
                    out.extend_from_slice(index_value);
                    out.extend_from_slice(&document.to_be_bytes());
                }
                PropertyKey::IntegerIndex {
                    account,
                    collection,
                    field,
                    index_value,
                    document,
                } => {
                    out.extend_from_slice(&account.to_be_bytes());
                    out.push(collection);
                    out.push(field);
                    out.extend_from_slice(&index_value.to_be_bytes());
                    out.extend_from_slice(&document.to_be_bytes());
                }
            }
        }
        #[inline]
        fn layout(&self) -> usize {
            match self {
                PropertyKey::SchemaVersion { .. } => 0,
                PropertyKey::Property { .. } => 1,
                PropertyKey::HashIndex { .. } => 2,
                PropertyKey::IntegerIndex { .. } => 3,
            }
        }
        fn layouts(&self) -> &'static [Layout] {
            &PROPERTY_LAYOUTS
        }
    }
    impl fmt::Display for PropertyKey<'_> {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write_key(f, self)
        }
    }
    pub(super) static PROPERTY_LAYOUTS: [Layout; 4] = [
        Layout {
            name: "schema_version",
            doc: "The schema version of the store.",
            segments: &[Segment::constant(&[0x00])],
            value: ValueForm::Lengths(&[4]),
            value_lengths: 0x10,
            schema_version: true,
            fresh: Some(FreshRule::Clear),
            fixed_key: Some(&[0x00]),
            ..Layout::PLAIN
        },
        Layout {
            name: "property",
            doc: "One field of a document.",
            segments: &[
                Segment::field("account", SegmentKind::U32),
                Segment::field("collection", SegmentKind::U8).named(&NAMES_COLLECTION),
                Segment::field("field", SegmentKind::U8),
                Segment::field("document", SegmentKind::U32),
            ],
            archives: &[
                &[(2, &[(50, 50)])],
                &[(1, &[(0, 0)]), (2, &[(71, 71)])],
                &[(1, &[(7, 7)]), (2, &[(44, 45)])],
            ],
            long: true,
            ..Layout::PLAIN
        },
        Layout {
            name: "hash_index",
            doc: "Documents by the short hash of a value, as threads by subject.",
            segments: &[
                Segment::field("account", SegmentKind::U32),
                Segment::field("collection", SegmentKind::U8).named(&NAMES_COLLECTION),
                Segment::field("field", SegmentKind::U8),
                Segment::field("index_value", SegmentKind::ShortHash),
                Segment::field("document", SegmentKind::U32),
            ],
            long: true,
            shares: &[3],
            ..Layout::PLAIN
        },
        Layout {
            name: "integer_index",
            doc: "Documents by a number, as a time.",
            segments: &[
                Segment::field("account", SegmentKind::U32),
                Segment::field("collection", SegmentKind::U8).named(&NAMES_COLLECTION),
                Segment::field("field", SegmentKind::U8),
                Segment::field("index_value", SegmentKind::U64),
                Segment::field("document", SegmentKind::U32),
            ],
            value: ValueForm::Lengths(&[4, 8, 13, 21]),
            value_lengths: 0x202110,
            ..Layout::PLAIN
        },
    ];
    /// `subspaces.property`
    pub(super) const PROPERTY: Subspace = Subspace {
        version: 6,
        letter: 'p',
        name: "property",
        title: "Object properties",
        doc: "The documents themselves, archived, and values that belong to them.",
        source: "crates/store/src/write/key.rs, crates/types/src/field.rs @ v0.12.0, v0.15.5, v0.16.18, crates/jmap/src/push/set.rs, crates/jmap/src/participant_identity/set.rs @ v0.14.1, v0.15.5, v0.16.18, crates/http/src/management/crypto.rs @ v0.12.0, v0.15.5, crates/email/src/submission/index.rs @ v0.15.5, v0.16.16, v0.16.17",
        family: Some("data"),
        no_family: None,
        store_group: StoreGroup::Data,
        server_export: true,
        server_import: true,
        derived: false,
        settings: false,
        value: ValueKind::Bytes,
        fresh: FreshRule::Refuse,
        layouts: &PROPERTY_LAYOUTS,
        tables: &TABLES_P_BYTES,
        decode: PropertyKey::layout_of,
        accepts: |key, length| {
            let layout = &PROPERTY_LAYOUTS[PropertyKey::layout_of(key).ok()?];
            layout.takes(length).then_some(layout)
        },
    };
    /// Incoming reports (`subspaces.report_in`).
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum ReportInKey {
        /// A report. (`subspaces.report_in.layouts.object`)
        Object {
            /// Type of the registry object.
            object: u16,
            /// Id of the registry object; singletons all have the same one.
            item: u64,
        },
    }
    impl ReportInKey {
        /// Reads a key; every byte belongs to a field or is a constant.
        #[inline]
        pub fn decode(key: &[u8]) -> Result<Self, KeyError> {
            match key.len() {
                10 => {
                    Ok(ReportInKey::Object {
                        object: codec::u16_at(key, 0),
                        item: codec::u64_at(key, 2),
                    })
                }
                _ => Err(KeyError::NoLayout),
            }
        }
        /// Index of the layout of a key, without reading its fields.
        #[inline]
        pub fn layout_of(key: &[u8]) -> Result<usize, KeyError> {
            match key.len() {
                10 => Ok(0),
                _ => Err(KeyError::NoLayout),
            }
        }
    }
    impl TypedKey for ReportInKey {
        fn encode(&self, out: &mut Vec<u8>) {
            match *self {
                ReportInKey::Object { object, item } => {
                    out.extend_from_slice(&object.to_be_bytes());
                    out.extend_from_slice(&item.to_be_bytes());
                }
            }
        }
        #[inline]
        fn layout(&self) -> usize {
            match self {
                ReportInKey::Object { .. } => 0,
            }
        }
        fn layouts(&self) -> &'static [Layout] {
            &REPORT_IN_LAYOUTS
        }
    }
    impl fmt::Display for ReportInKey {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write_key(f, self)
        }
    }
    pub(super) static REPORT_IN_LAYOUTS: [Layout; 1] = [
        Layout {
            name: "object",
            doc: "A report.",
            segments: &[
                Segment::field("object", SegmentKind::U16).named(&NAMES_OBJECT_TYPE),
                Segment::field("item", SegmentKind::U64),
            ],
            long: true,
            ..Layout::PLAIN
        },
    ];
    /// `subspaces.report_in`
    pub(super) const REPORT_IN: Subspace = Subspace {
        version: 6,
        letter: 'r',
        name: "report_in",
        title: "Incoming reports",
        doc: "Incoming reports as registry objects.",
        source: "crates/store/src/write/key.rs @ v0.16.18",
        family: Some("report"),
        no_family: None,
        store_group: StoreGroup::Data,
        server_export: true,
        server_import: true,
        derived: false,
        settings: false,
        value: ValueKind::Bytes,
        fresh: FreshRule::Refuse,
        layouts: &REPORT_IN_LAYOUTS,
        tables: &TABLES_R_BYTES,
        decode: ReportInKey::layout_of,
        accepts: |key, length| {
            let layout = &REPORT_IN_LAYOUTS[ReportInKey::layout_of(key).ok()?];
            layout.takes(length).then_some(layout)
        },
    };
    /// Registry objects (`subspaces.registry`).
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum RegistryKey {
        /// A registry object. (`subspaces.registry.layouts.object`)
        Object {
            /// Type of the registry object.
            object: u16,
            /// Id of the registry object; singletons all have the same one.
            item: u64,
        },
    }
    impl RegistryKey {
        /// Reads a key; every byte belongs to a field or is a constant.
        #[inline]
        pub fn decode(key: &[u8]) -> Result<Self, KeyError> {
            match key.len() {
                10 => {
                    Ok(RegistryKey::Object {
                        object: codec::u16_at(key, 0),
                        item: codec::u64_at(key, 2),
                    })
                }
                _ => Err(KeyError::NoLayout),
            }
        }
        /// Index of the layout of a key, without reading its fields.
        #[inline]
        pub fn layout_of(key: &[u8]) -> Result<usize, KeyError> {
            match key.len() {
                10 => Ok(0),
                _ => Err(KeyError::NoLayout),
            }
        }
    }
    impl TypedKey for RegistryKey {
        fn encode(&self, out: &mut Vec<u8>) {
            match *self {
                RegistryKey::Object { object, item } => {
                    out.extend_from_slice(&object.to_be_bytes());
                    out.extend_from_slice(&item.to_be_bytes());
                }
            }
        }
        #[inline]
        fn layout(&self) -> usize {
            match self {
                RegistryKey::Object { .. } => 0,
            }
        }
        fn layouts(&self) -> &'static [Layout] {
            &REGISTRY_LAYOUTS
        }
    }
    impl fmt::Display for RegistryKey {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write_key(f, self)
        }
    }
    pub(super) static REGISTRY_LAYOUTS: [Layout; 1] = [
        Layout {
            name: "object",
            doc: "A registry object.",
            segments: &[
                Segment::field("object", SegmentKind::U16).named(&NAMES_OBJECT_TYPE),
                Segment::field("item", SegmentKind::U64),
            ],
            long: true,
            ..Layout::PLAIN
        },
    ];
    /// `subspaces.registry`
    pub(super) const REGISTRY: Subspace = Subspace {
        version: 6,
        letter: 's',
        name: "registry",
        title: "Registry objects",
        doc: "All configuration but the data store itself.",
        source: "crates/store/src/write/key.rs, crates/registry/src/schema/properties.rs @ v0.16.18",
        family: Some("registry"),
        no_family: None,
        store_group: StoreGroup::Data,
        server_export: true,
        server_import: true,
        derived: false,
        settings: false,
        value: ValueKind::Bytes,
        fresh: FreshRule::Save,
        layouts: &REGISTRY_LAYOUTS,
        tables: &TABLES_S_BYTES,
        decode: RegistryKey::layout_of,
        accepts: |key, length| {
            let layout = &REGISTRY_LAYOUTS[RegistryKey::layout_of(key).ok()?];
            layout.takes(length).then_some(layout)
        },
    };
    /// Blobs (`subspaces.blobs`).
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum BlobsKey<'a> {
        /// The content of something. (`subspaces.blobs.layouts.content`)
        Content {
            /// BLAKE3 of the content.
            hash: &'a [u8; 32],
        },
        /// Bundle of the web administration. An upgrade to version 6 leaves it.
        /// (`subspaces.blobs.layouts.webadmin`)
        Webadmin {},
        /// State of the spam trainer. (`subspaces.blobs.layouts.spam_train_data`)
        SpamTrainData {},
        /// Model of the spam classifier. (`subspaces.blobs.layouts.spam_classifier_model`)
        SpamClassifierModel {},
    }
    impl<'a> BlobsKey<'a> {
        /// Reads a key; every byte belongs to a field or is a constant.
        #[inline]
        pub fn decode(key: &'a [u8]) -> Result<Self, KeyError> {
            match key.len() {
                32 => {
                    Ok(BlobsKey::Content {
                        hash: codec::array_at(key, 0),
                    })
                }
                17 if codec::has(
                    key,
                    0,
                    &[
                        0x53, 0x54, 0x41, 0x4c, 0x57, 0x41, 0x52, 0x54, 0x5f, 0x57, 0x45,
                        0x42, 0x41, 0x44, 0x4d, 0x49, 0x4e,
                    ],
                ) => Ok(BlobsKey::Webadmin {}),
                28 if codec::has(
                    key,
                    0,
                    &[
                        0x53, 0x54, 0x41, 0x4c, 0x57, 0x41, 0x52, 0x54, 0x5f, 0x53, 0x50,
                        0x41, 0x4d, 0x5f, 0x54, 0x52, 0x41, 0x49, 0x4e, 0x5f, 0x44, 0x41,
                        0x54, 0x41, 0x2e, 0x6c, 0x7a, 0x34,
                    ],
                ) => Ok(BlobsKey::SpamTrainData {}),
                34 if codec::has(
                    key,
                    0,
                    &[
                        0x53, 0x54, 0x41, 0x4c, 0x57, 0x41, 0x52, 0x54, 0x5f, 0x53, 0x50,
                        0x41, 0x4d, 0x5f, 0x43, 0x4c, 0x41, 0x53, 0x53, 0x49, 0x46, 0x49,
                        0x45, 0x52, 0x5f, 0x4d, 0x4f, 0x44, 0x45, 0x4c, 0x2e, 0x6c, 0x7a,
                        0x34,
                    ],
                ) => Ok(BlobsKey::SpamClassifierModel {}),
                _ => Err(KeyError::NoLayout),
            }
        }
        /// Index of the layout of a key, without reading its fields.
        #[inline]
        pub fn layout_of(key: &[u8]) -> Result<usize, KeyError> {
            match key.len() {
                32 => Ok(0),
                17 if codec::has(
                    key,
                    0,
                    &[
                        0x53, 0x54, 0x41, 0x4c, 0x57, 0x41, 0x52, 0x54, 0x5f, 0x57, 0x45,
                        0x42, 0x41, 0x44, 0x4d, 0x49, 0x4e,
                    ],
                ) => Ok(1),
                28 if codec::has(
                    key,
                    0,
                    &[
                        0x53, 0x54, 0x41, 0x4c, 0x57, 0x41, 0x52, 0x54, 0x5f, 0x53, 0x50,
                        0x41, 0x4d, 0x5f, 0x54, 0x52, 0x41, 0x49, 0x4e, 0x5f, 0x44, 0x41,
                        0x54, 0x41, 0x2e, 0x6c, 0x7a, 0x34,
                    ],
                ) => Ok(2),
                34 if codec::has(
                    key,
                    0,
                    &[
                        0x53, 0x54, 0x41, 0x4c, 0x57, 0x41, 0x52, 0x54, 0x5f, 0x53, 0x50,
                        0x41, 0x4d, 0x5f, 0x43, 0x4c, 0x41, 0x53, 0x53, 0x49, 0x46, 0x49,
                        0x45, 0x52, 0x5f, 0x4d, 0x4f, 0x44, 0x45, 0x4c, 0x2e, 0x6c, 0x7a,
                        0x34,
                    ],
                ) => Ok(3),
                _ => Err(KeyError::NoLayout),
            }
        }
    }
    impl TypedKey for BlobsKey<'_> {
        fn encode(&self, out: &mut Vec<u8>) {
            match *self {
                BlobsKey::Content { hash } => {
                    out.extend_from_slice(hash);
                }
                BlobsKey::Webadmin {} => {
                    out.extend_from_slice(
                        &[
                            0x53, 0x54, 0x41, 0x4c, 0x57, 0x41, 0x52, 0x54, 0x5f, 0x57,
                            0x45, 0x42, 0x41, 0x44, 0x4d, 0x49, 0x4e,
                        ],
                    );
                }
                BlobsKey::SpamTrainData {} => {
                    out.extend_from_slice(
                        &[
                            0x53, 0x54, 0x41, 0x4c, 0x57, 0x41, 0x52, 0x54, 0x5f, 0x53,
                            0x50, 0x41, 0x4d, 0x5f, 0x54, 0x52, 0x41, 0x49, 0x4e, 0x5f,
                            0x44, 0x41, 0x54, 0x41, 0x2e, 0x6c, 0x7a, 0x34,
                        ],
                    );
                }
                BlobsKey::SpamClassifierModel {} => {
                    out.extend_from_slice(
                        &[
                            0x53, 0x54, 0x41, 0x4c, 0x57, 0x41, 0x52, 0x54, 0x5f, 0x53,
                            0x50, 0x41, 0x4d, 0x5f, 0x43, 0x4c, 0x41, 0x53, 0x53, 0x49,
                            0x46, 0x49, 0x45, 0x52, 0x5f, 0x4d, 0x4f, 0x44, 0x45, 0x4c,
                            0x2e, 0x6c, 0x7a, 0x34,
                        ],
                    );
                }
            }
        }
        #[inline]
        fn layout(&self) -> usize {
            match self {
                BlobsKey::Content { .. } => 0,
                BlobsKey::Webadmin { .. } => 1,
                BlobsKey::SpamTrainData { .. } => 2,
                BlobsKey::SpamClassifierModel { .. } => 3,
            }
        }
        fn layouts(&self) -> &'static [Layout] {
            &BLOBS_LAYOUTS
        }
    }
    impl fmt::Display for BlobsKey<'_> {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write_key(f, self)
        }
    }
    pub(super) static BLOBS_LAYOUTS: [Layout; 4] = [
        Layout {
            name: "content",
            doc: "The content of something.",
            segments: &[Segment::field("hash", SegmentKind::Hash)],
            long: true,
            content_hash: true,
            fresh_if_computed: Some(FreshRule::Clear),
            computed: &[
                ComputedKeys {
                    versions: (6, 6),
                    prefix: "STALWART_APP_",
                    of: LayoutRef {
                        letter: 's',
                        layout: 0,
                    },
                    field: 1,
                    only: &[(0, &[(11, 11)])],
                },
            ],
            ..Layout::PLAIN
        },
        Layout {
            name: "webadmin",
            doc: "Bundle of the web administration. An upgrade to version 6 leaves it.",
            segments: &[
                Segment::constant(
                    &[
                        0x53, 0x54, 0x41, 0x4c, 0x57, 0x41, 0x52, 0x54, 0x5f, 0x57, 0x45,
                        0x42, 0x41, 0x44, 0x4d, 0x49, 0x4e,
                    ],
                ),
            ],
            long: true,
            fresh: Some(FreshRule::Clear),
            fixed_key: Some(
                &[
                    0x53, 0x54, 0x41, 0x4c, 0x57, 0x41, 0x52, 0x54, 0x5f, 0x57, 0x45,
                    0x42, 0x41, 0x44, 0x4d, 0x49, 0x4e,
                ],
            ),
            ..Layout::PLAIN
        },
        Layout {
            name: "spam_train_data",
            doc: "State of the spam trainer.",
            segments: &[
                Segment::constant(
                    &[
                        0x53, 0x54, 0x41, 0x4c, 0x57, 0x41, 0x52, 0x54, 0x5f, 0x53, 0x50,
                        0x41, 0x4d, 0x5f, 0x54, 0x52, 0x41, 0x49, 0x4e, 0x5f, 0x44, 0x41,
                        0x54, 0x41, 0x2e, 0x6c, 0x7a, 0x34,
                    ],
                ),
            ],
            long: true,
            fresh: Some(FreshRule::Clear),
            fixed_key: Some(
                &[
                    0x53, 0x54, 0x41, 0x4c, 0x57, 0x41, 0x52, 0x54, 0x5f, 0x53, 0x50,
                    0x41, 0x4d, 0x5f, 0x54, 0x52, 0x41, 0x49, 0x4e, 0x5f, 0x44, 0x41,
                    0x54, 0x41, 0x2e, 0x6c, 0x7a, 0x34,
                ],
            ),
            ..Layout::PLAIN
        },
        Layout {
            name: "spam_classifier_model",
            doc: "Model of the spam classifier.",
            segments: &[
                Segment::constant(
                    &[
                        0x53, 0x54, 0x41, 0x4c, 0x57, 0x41, 0x52, 0x54, 0x5f, 0x53, 0x50,
                        0x41, 0x4d, 0x5f, 0x43, 0x4c, 0x41, 0x53, 0x53, 0x49, 0x46, 0x49,
                        0x45, 0x52, 0x5f, 0x4d, 0x4f, 0x44, 0x45, 0x4c, 0x2e, 0x6c, 0x7a,
                        0x34,
                    ],
                ),
            ],
            long: true,
            fresh: Some(FreshRule::Clear),
            fixed_key: Some(
                &[
                    0x53, 0x54, 0x41, 0x4c, 0x57, 0x41, 0x52, 0x54, 0x5f, 0x53, 0x50,
                    0x41, 0x4d, 0x5f, 0x43, 0x4c, 0x41, 0x53, 0x53, 0x49, 0x46, 0x49,
                    0x45, 0x52, 0x5f, 0x4d, 0x4f, 0x44, 0x45, 0x4c, 0x2e, 0x6c, 0x7a,
                    0x34,
                ],
            ),
            ..Layout::PLAIN
        },
    ];
    /// `subspaces.blobs`
    pub(super) const BLOBS: Subspace = Subspace {
        version: 6,
        letter: 't',
        name: "blobs",
        title: "Blobs",
        doc: "Contents of messages and files, where the blob store is the data store.",
        source: "crates/store/src/dispatch/blob.rs, crates/common/src/manager/mod.rs @ v0.14.1, v0.15.5, v0.16.18",
        family: Some("blob"),
        no_family: None,
        store_group: StoreGroup::Blob,
        server_export: true,
        server_import: true,
        derived: false,
        settings: false,
        value: ValueKind::Blob,
        fresh: FreshRule::Refuse,
        layouts: &BLOBS_LAYOUTS,
        tables: &TABLES_T_BLOB,
        decode: BlobsKey::layout_of,
        accepts: |key, length| {
            let layout = &BLOBS_LAYOUTS[BlobsKey::layout_of(key).ok()?];
            layout.takes(length).then_some(layout)
        },
    };
    /// Quota counters (`subspaces.quota`).
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum QuotaKey<'a> {
        /// Messages in the queue under one quota. (`subspaces.quota.layouts.queue_count`)
        QueueCount {
            /// BLAKE3 of the quota's terms.
            quota: &'a [u8],
        },
        /// Bytes in the queue under one quota. (`subspaces.quota.layouts.queue_size`)
        QueueSize {
            /// BLAKE3 of the quota's terms.
            quota: &'a [u8],
        },
    }
    impl<'a> QuotaKey<'a> {
        /// Reads a key; every byte belongs to a field or is a constant.
        #[inline]
        pub fn decode(key: &'a [u8]) -> Result<Self, KeyError> {
            match key.len() {
                len if len >= 1 && codec::u8_at(key, 0) == 0x00 => {
                    Ok(QuotaKey::QueueCount {
                        quota: codec::slice(key, 1, len),
                    })
                }
                len if len >= 1 && codec::u8_at(key, 0) == 0x01 => {
                    Ok(QuotaKey::QueueSize {
                        quota: codec::slice(key, 1, len),
                    })
                }
                _ => Err(KeyError::NoLayout),
            }
        }
        /// Index of the layout of a key, without reading its fields.
        #[inline]
        pub fn layout_of(key: &[u8]) -> Result<usize, KeyError> {
            match key.len() {
                len if len >= 1 && codec::u8_at(key, 0) == 0x00 => Ok(0),
                len if len >= 1 && codec::u8_at(key, 0) == 0x01 => Ok(1),
                _ => Err(KeyError::NoLayout),
            }
        }
    }
    impl TypedKey for QuotaKey<'_> {
        fn encode(&self, out: &mut Vec<u8>) {
            match *self {
                QuotaKey::QueueCount { quota } => {
                    out.extend_from_slice(&[0x00]);
                    out.extend_from_slice(quota);
                }
                QuotaKey::QueueSize { quota } => {
                    out.extend_from_slice(&[0x01]);
                    out.extend_from_slice(quota);
                }
            }
        }
        #[inline]
        fn layout(&self) -> usize {
            match self {
                QuotaKey::QueueCount { .. } => 0,
                QuotaKey::QueueSize { .. } => 1,
            }
        }
        fn layouts(&self) -> &'static [Layout] {
            &QUOTA_LAYOUTS
        }
    }
    impl fmt::Display for QuotaKey<'_> {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write_key(f, self)
        }
    }
    pub(super) static QUOTA_LAYOUTS: [Layout; 2] = [
        Layout {
            name: "queue_count",
            doc: "Messages in the queue under one quota.",
            segments: &[
                Segment::constant(&[0x00]),
                Segment::field("quota", SegmentKind::Rest),
            ],
            value_lengths: 0x100,
            ..Layout::PLAIN
        },
        Layout {
            name: "queue_size",
            doc: "Bytes in the queue under one quota.",
            segments: &[
                Segment::constant(&[0x01]),
                Segment::field("quota", SegmentKind::Rest),
            ],
            value_lengths: 0x100,
            ..Layout::PLAIN
        },
    ];
    /// `subspaces.quota`
    pub(super) const QUOTA: Subspace = Subspace {
        version: 6,
        letter: 'u',
        name: "quota",
        title: "Quota counters",
        doc: "Queue quotas, and up to version 5 disk usage.",
        source: "crates/store/src/write/key.rs, crates/smtp/src/core/throttle.rs @ v0.15.5",
        family: Some("data"),
        no_family: None,
        store_group: StoreGroup::Data,
        server_export: true,
        server_import: true,
        derived: false,
        settings: false,
        value: ValueKind::Counter,
        fresh: FreshRule::Refuse,
        layouts: &QUOTA_LAYOUTS,
        tables: &TABLES_U_COUNTER,
        decode: QuotaKey::layout_of,
        accepts: |key, length| {
            let layout = &QUOTA_LAYOUTS[QuotaKey::layout_of(key).ok()?];
            layout.takes(length).then_some(layout)
        },
    };
    /// Spam training samples (`subspaces.spam_samples`).
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum SpamSamplesKey {
        /// A sample. (`subspaces.spam_samples.layouts.object`)
        Object {
            /// Type of the registry object.
            object: u16,
            /// Id of the registry object; singletons all have the same one.
            item: u64,
        },
    }
    impl SpamSamplesKey {
        /// Reads a key; every byte belongs to a field or is a constant.
        #[inline]
        pub fn decode(key: &[u8]) -> Result<Self, KeyError> {
            match key.len() {
                10 => {
                    Ok(SpamSamplesKey::Object {
                        object: codec::u16_at(key, 0),
                        item: codec::u64_at(key, 2),
                    })
                }
                _ => Err(KeyError::NoLayout),
            }
        }
        /// Index of the layout of a key, without reading its fields.
        #[inline]
        pub fn layout_of(key: &[u8]) -> Result<usize, KeyError> {
            match key.len() {
                10 => Ok(0),
                _ => Err(KeyError::NoLayout),
            }
        }
    }
    impl TypedKey for SpamSamplesKey {
        fn encode(&self, out: &mut Vec<u8>) {
            match *self {
                SpamSamplesKey::Object { object, item } => {
                    out.extend_from_slice(&object.to_be_bytes());
                    out.extend_from_slice(&item.to_be_bytes());
                }
            }
        }
        #[inline]
        fn layout(&self) -> usize {
            match self {
                SpamSamplesKey::Object { .. } => 0,
            }
        }
        fn layouts(&self) -> &'static [Layout] {
            &SPAM_SAMPLES_LAYOUTS
        }
    }
    impl fmt::Display for SpamSamplesKey {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write_key(f, self)
        }
    }
    pub(super) static SPAM_SAMPLES_LAYOUTS: [Layout; 1] = [
        Layout {
            name: "object",
            doc: "A sample.",
            segments: &[
                Segment::field("object", SegmentKind::U16).named(&NAMES_OBJECT_TYPE),
                Segment::field("item", SegmentKind::U64),
            ],
            long: true,
            ..Layout::PLAIN
        },
    ];
    /// `subspaces.spam_samples`
    pub(super) const SPAM_SAMPLES: Subspace = Subspace {
        version: 6,
        letter: 'w',
        name: "spam_samples",
        title: "Spam training samples",
        doc: "Messages for training the spam filter, as registry objects.",
        source: "crates/store/src/write/key.rs @ v0.16.18",
        family: None,
        no_family: Some("The server's own export leaves spam training samples out."),
        store_group: StoreGroup::Data,
        server_export: false,
        server_import: false,
        derived: false,
        settings: false,
        value: ValueKind::Bytes,
        fresh: FreshRule::Refuse,
        layouts: &SPAM_SAMPLES_LAYOUTS,
        tables: &TABLES_W_BYTES,
        decode: SpamSamplesKey::layout_of,
        accepts: |key, length| {
            let layout = &SPAM_SAMPLES_LAYOUTS[SpamSamplesKey::layout_of(key).ok()?];
            layout.takes(length).then_some(layout)
        },
    };
    /// Stored metrics (`subspaces.telemetry_metric`).
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum TelemetryMetricKey {
        /// One metric. (`subspaces.telemetry_metric.layouts.metric`)
        Metric {
            /// Id of the object.
            id: u64,
        },
    }
    impl TelemetryMetricKey {
        /// Reads a key; every byte belongs to a field or is a constant.
        #[inline]
        pub fn decode(key: &[u8]) -> Result<Self, KeyError> {
            match key.len() {
                8 => {
                    Ok(TelemetryMetricKey::Metric {
                        id: codec::u64_at(key, 0),
                    })
                }
                _ => Err(KeyError::NoLayout),
            }
        }
        /// Index of the layout of a key, without reading its fields.
        #[inline]
        pub fn layout_of(key: &[u8]) -> Result<usize, KeyError> {
            match key.len() {
                8 => Ok(0),
                _ => Err(KeyError::NoLayout),
            }
        }
    }
    impl TypedKey for TelemetryMetricKey {
        fn encode(&self, out: &mut Vec<u8>) {
            match *self {
                TelemetryMetricKey::Metric { id } => {
                    out.extend_from_slice(&id.to_be_bytes());
                }
            }
        }
        #[inline]
        fn layout(&self) -> usize {
            match self {
                TelemetryMetricKey::Metric { .. } => 0,
            }
        }
        fn layouts(&self) -> &'static [Layout] {
            &TELEMETRY_METRIC_LAYOUTS
        }
    }
    impl fmt::Display for TelemetryMetricKey {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write_key(f, self)
        }
    }
    pub(super) static TELEMETRY_METRIC_LAYOUTS: [Layout; 1] = [
        Layout {
            name: "metric",
            doc: "One metric.",
            segments: &[Segment::field("id", SegmentKind::U64)],
            ..Layout::PLAIN
        },
    ];
    /// `subspaces.telemetry_metric`
    pub(super) const TELEMETRY_METRIC: Subspace = Subspace {
        version: 6,
        letter: 'x',
        name: "telemetry_metric",
        title: "Stored metrics",
        doc: "Metrics over time, as registry objects.",
        source: "crates/common/src/telemetry @ v0.16.18",
        family: Some("telemetry"),
        no_family: None,
        store_group: StoreGroup::Telemetry,
        server_export: true,
        server_import: true,
        derived: false,
        settings: false,
        value: ValueKind::Bytes,
        fresh: FreshRule::Refuse,
        layouts: &TELEMETRY_METRIC_LAYOUTS,
        tables: &TABLES_X_BYTES,
        decode: TelemetryMetricKey::layout_of,
        accepts: |key, length| {
            let layout = &TELEMETRY_METRIC_LAYOUTS[TelemetryMetricKey::layout_of(key)
                .ok()?];
            layout.takes(length).then_some(layout)
        },
    };
    /// A key of any subspace of schema version 6.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum Key<'a> {
        /// A key of subspace `a`.
        Acl(AclKey),
        /// A key of subspace `b`.
        RegistryIdx(RegistryIdxKey<'a>),
        /// A key of subspace `d`.
        Directory(DirectoryKey),
        /// A key of subspace `e`.
        QueueMessage(QueueMessageKey),
        /// A key of subspace `f`.
        TaskQueue(TaskQueueKey),
        /// A key of subspace `g`.
        RegistryPk(RegistryPkKey<'a>),
        /// A key of subspace `h`.
        ReportOut(ReportOutKey),
        /// A key of subspace `i`.
        Indexes(IndexesKey<'a>),
        /// A key of subspace `j`.
        DeletedItems(DeletedItemsKey),
        /// A key of subspace `k`.
        BlobLink(BlobLinkKey<'a>),
        /// A key of subspace `l`.
        Logs(LogsKey),
        /// A key of subspace `m`.
        InMemoryValue(InMemoryValueKey<'a>),
        /// A key of subspace `n`.
        Counter(CounterKey),
        /// A key of subspace `o`.
        TelemetrySpan(TelemetrySpanKey),
        /// A key of subspace `p`.
        Property(PropertyKey<'a>),
        /// A key of subspace `q`.
        QueueEvent(QueueEventKey<'a>),
        /// A key of subspace `r`.
        ReportIn(ReportInKey),
        /// A key of subspace `s`.
        Registry(RegistryKey),
        /// A key of subspace `t`.
        Blobs(BlobsKey<'a>),
        /// A key of subspace `u`.
        Quota(QuotaKey<'a>),
        /// A key of subspace `w`.
        SpamSamples(SpamSamplesKey),
        /// A key of subspace `x`.
        TelemetryMetric(TelemetryMetricKey),
        /// A key of subspace `y`.
        InMemoryCounter(InMemoryCounterKey<'a>),
        /// A key of subspace `z`.
        SearchIndex(SearchIndexKey<'a>),
    }
    impl<'a> Key<'a> {
        /// Reads a key of the subspace with this letter.
        pub fn decode(letter: char, key: &'a [u8]) -> Result<Self, KeyError> {
            match letter {
                'a' => Ok(Key::Acl(AclKey::decode(key)?)),
                'b' => Ok(Key::RegistryIdx(RegistryIdxKey::decode(key)?)),
                'd' => Ok(Key::Directory(DirectoryKey::decode(key)?)),
                'e' => Ok(Key::QueueMessage(QueueMessageKey::decode(key)?)),
                'f' => Ok(Key::TaskQueue(TaskQueueKey::decode(key)?)),
                'g' => Ok(Key::RegistryPk(RegistryPkKey::decode(key)?)),
                'h' => Ok(Key::ReportOut(ReportOutKey::decode(key)?)),
                'i' => Ok(Key::Indexes(IndexesKey::decode(key)?)),
                'j' => Ok(Key::DeletedItems(DeletedItemsKey::decode(key)?)),
                'k' => Ok(Key::BlobLink(BlobLinkKey::decode(key)?)),
                'l' => Ok(Key::Logs(LogsKey::decode(key)?)),
                'm' => Ok(Key::InMemoryValue(InMemoryValueKey::decode(key)?)),
                'n' => Ok(Key::Counter(CounterKey::decode(key)?)),
                'o' => Ok(Key::TelemetrySpan(TelemetrySpanKey::decode(key)?)),
                'p' => Ok(Key::Property(PropertyKey::decode(key)?)),
                'q' => Ok(Key::QueueEvent(QueueEventKey::decode(key)?)),
                'r' => Ok(Key::ReportIn(ReportInKey::decode(key)?)),
                's' => Ok(Key::Registry(RegistryKey::decode(key)?)),
                't' => Ok(Key::Blobs(BlobsKey::decode(key)?)),
                'u' => Ok(Key::Quota(QuotaKey::decode(key)?)),
                'w' => Ok(Key::SpamSamples(SpamSamplesKey::decode(key)?)),
                'x' => Ok(Key::TelemetryMetric(TelemetryMetricKey::decode(key)?)),
                'y' => Ok(Key::InMemoryCounter(InMemoryCounterKey::decode(key)?)),
                'z' => Ok(Key::SearchIndex(SearchIndexKey::decode(key)?)),
                _ => Err(KeyError::NoSubspace),
            }
        }
        /// Letter of the subspace, and its key.
        pub fn parts(&self) -> (char, &dyn TypedKey) {
            match self {
                Key::Acl(key) => ('a', key),
                Key::RegistryIdx(key) => ('b', key),
                Key::Directory(key) => ('d', key),
                Key::QueueMessage(key) => ('e', key),
                Key::TaskQueue(key) => ('f', key),
                Key::RegistryPk(key) => ('g', key),
                Key::ReportOut(key) => ('h', key),
                Key::Indexes(key) => ('i', key),
                Key::DeletedItems(key) => ('j', key),
                Key::BlobLink(key) => ('k', key),
                Key::Logs(key) => ('l', key),
                Key::InMemoryValue(key) => ('m', key),
                Key::Counter(key) => ('n', key),
                Key::TelemetrySpan(key) => ('o', key),
                Key::Property(key) => ('p', key),
                Key::QueueEvent(key) => ('q', key),
                Key::ReportIn(key) => ('r', key),
                Key::Registry(key) => ('s', key),
                Key::Blobs(key) => ('t', key),
                Key::Quota(key) => ('u', key),
                Key::SpamSamples(key) => ('w', key),
                Key::TelemetryMetric(key) => ('x', key),
                Key::InMemoryCounter(key) => ('y', key),
                Key::SearchIndex(key) => ('z', key),
            }
        }
    }
    impl fmt::Display for Key<'_> {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write_key(f, self.parts().1)
        }
    }
    pub(super) static SUBSPACES: [Subspace; 24] = [
        super::v4::ACL.in_version(6).of_family(Some("data"), None, true, true),
        REGISTRY_IDX,
        DIRECTORY,
        super::v1::QUEUE_MESSAGE
            .in_version(6)
            .of_family(Some("queue"), None, true, true),
        TASK_QUEUE,
        REGISTRY_PK,
        REPORT_OUT,
        super::v4::INDEXES.in_version(6).of_family(Some("data"), None, true, true),
        DELETED_ITEMS,
        BLOB_LINK,
        super::v4::LOGS.in_version(6).of_family(Some("changelog"), None, true, true),
        super::v1::IN_MEMORY_VALUE
            .in_version(6)
            .of_family(
                None,
                Some(
                    "In-memory values expire by themselves; the server's own export leaves them out.",
                ),
                false,
                false,
            ),
        COUNTER,
        TELEMETRY_SPAN,
        PROPERTY,
        super::v3::QUEUE_EVENT.in_version(6).of_family(Some("queue"), None, true, true),
        REPORT_IN,
        REGISTRY,
        BLOBS,
        QUOTA,
        SPAM_SAMPLES,
        TELEMETRY_METRIC,
        super::v1::IN_MEMORY_COUNTER
            .in_version(6)
            .of_family(
                None,
                Some(
                    "In-memory counters expire by themselves; the server's own export leaves them out.",
                ),
                false,
                false,
            ),
        super::v5::SEARCH_INDEX.in_version(6),
    ];
    pub(super) static COUNTER_RULES: &[CounterRule] = &[
        CounterRule {
            name: "document_id",
            doc: "A counter below a document's id makes the server hand out the id again. The upgrade to 0.12.0 and custom default folders leave such counters in stores of real servers.",
            counter: LayoutRef {
                letter: 'n',
                layout: 4,
            },
            group: &[0, 1],
            covers: &[
                Cover {
                    of: LayoutRef {
                        letter: 'p',
                        layout: 1,
                    },
                    group: &[GroupNumber::Field(0), GroupNumber::Field(1)],
                    id: CoveredId::Field(3),
                    only: &[],
                    unless: &[],
                },
                Cover {
                    of: LayoutRef {
                        letter: 'p',
                        layout: 2,
                    },
                    group: &[GroupNumber::Field(0), GroupNumber::Field(1)],
                    id: CoveredId::Field(4),
                    only: &[],
                    unless: &[],
                },
                Cover {
                    of: LayoutRef {
                        letter: 'p',
                        layout: 3,
                    },
                    group: &[GroupNumber::Field(0), GroupNumber::Field(1)],
                    id: CoveredId::Field(4),
                    only: &[],
                    unless: &[],
                },
                Cover {
                    of: LayoutRef {
                        letter: 'i',
                        layout: 0,
                    },
                    group: &[GroupNumber::Field(0), GroupNumber::Field(1)],
                    id: CoveredId::Field(4),
                    only: &[],
                    unless: &[(0, &[(4294967295, 4294967295)])],
                },
            ],
        },
        CounterRule {
            name: "change_id",
            doc: "A counter below a change makes clients miss changes and optimistic locks fail.",
            counter: LayoutRef {
                letter: 'n',
                layout: 1,
            },
            group: &[0],
            covers: &[
                Cover {
                    of: LayoutRef {
                        letter: 'l',
                        layout: 0,
                    },
                    group: &[GroupNumber::Field(0)],
                    id: CoveredId::Field(2),
                    only: &[],
                    unless: &[],
                },
                Cover {
                    of: LayoutRef {
                        letter: 'l',
                        layout: 1,
                    },
                    group: &[GroupNumber::Field(0)],
                    id: CoveredId::Field(2),
                    only: &[],
                    unless: &[],
                },
                Cover {
                    of: LayoutRef {
                        letter: 'p',
                        layout: 1,
                    },
                    group: &[GroupNumber::Field(0)],
                    id: CoveredId::ArchiveChangeId,
                    only: &[],
                    unless: &[],
                },
            ],
        },
        CounterRule {
            name: "registry_id",
            doc: "A counter below an object's id makes the server overwrite the object.",
            counter: LayoutRef {
                letter: 'n',
                layout: 0,
            },
            group: &[0],
            covers: &[
                Cover {
                    of: LayoutRef {
                        letter: 'd',
                        layout: 0,
                    },
                    group: &[GroupNumber::Field(0)],
                    id: CoveredId::Field(1),
                    only: &[],
                    unless: &[],
                },
                Cover {
                    of: LayoutRef {
                        letter: 'd',
                        layout: 1,
                    },
                    group: &[GroupNumber::Field(0)],
                    id: CoveredId::Field(1),
                    only: &[(0, &[(37, 37), (50, 50), (78, 78), (83, 83), (108, 108)])],
                    unless: &[],
                },
            ],
        },
    ];
    pub(super) static SINGLETONS: &[Singleton] = &[
        Singleton {
            name: "blob_store",
            title: "BlobStore",
            doc: "Where blobs are; in the data store if it is absent.",
            letter: 's',
            key: &[0x00, 0x10, 0x00, 0x00, 0x12, 0x43, 0x4c, 0xb2, 0x4d, 0xcd],
            store: Some(StoreGroup::Blob),
            variants: &[
                Variant {
                    number: 0,
                    name: "Default",
                    external: false,
                },
                Variant {
                    number: 1,
                    name: "Sharded",
                    external: true,
                },
                Variant {
                    number: 2,
                    name: "S3",
                    external: true,
                },
                Variant {
                    number: 3,
                    name: "Azure",
                    external: true,
                },
                Variant {
                    number: 4,
                    name: "FileSystem",
                    external: true,
                },
                Variant {
                    number: 5,
                    name: "FoundationDb",
                    external: true,
                },
                Variant {
                    number: 6,
                    name: "PostgreSql",
                    external: true,
                },
                Variant {
                    number: 7,
                    name: "MySql",
                    external: true,
                },
            ],
        },
        Singleton {
            name: "in_memory_store",
            title: "InMemoryStore",
            doc: "Where in-memory values and counters are. 0.16.0 has no Redis sentinel.",
            letter: 's',
            key: &[0x00, 0x2f, 0x00, 0x00, 0x12, 0x43, 0x4c, 0xb2, 0x4d, 0xcd],
            store: Some(StoreGroup::Lookup),
            variants: &[
                Variant {
                    number: 0,
                    name: "Default",
                    external: false,
                },
                Variant {
                    number: 1,
                    name: "Sharded",
                    external: true,
                },
                Variant {
                    number: 2,
                    name: "Redis",
                    external: true,
                },
                Variant {
                    number: 3,
                    name: "RedisCluster",
                    external: true,
                },
                Variant {
                    number: 4,
                    name: "RedisSentinel",
                    external: true,
                },
            ],
        },
        Singleton {
            name: "search_store",
            title: "SearchStore",
            doc: "Where the search index is.",
            letter: 's',
            key: &[0x00, 0x55, 0x00, 0x00, 0x12, 0x43, 0x4c, 0xb2, 0x4d, 0xcd],
            store: Some(StoreGroup::Search),
            variants: &[
                Variant {
                    number: 0,
                    name: "Default",
                    external: false,
                },
                Variant {
                    number: 1,
                    name: "ElasticSearch",
                    external: true,
                },
                Variant {
                    number: 2,
                    name: "Meilisearch",
                    external: true,
                },
                Variant {
                    number: 3,
                    name: "FoundationDb",
                    external: true,
                },
                Variant {
                    number: 4,
                    name: "PostgreSql",
                    external: true,
                },
                Variant {
                    number: 5,
                    name: "MySql",
                    external: true,
                },
            ],
        },
        Singleton {
            name: "tracing_store",
            title: "TracingStore",
            doc: "Where traces are kept, if at all.",
            letter: 's',
            key: &[0x00, 0x72, 0x00, 0x00, 0x12, 0x43, 0x4c, 0xb2, 0x4d, 0xcd],
            store: Some(StoreGroup::Telemetry),
            variants: &[
                Variant {
                    number: 0,
                    name: "Disabled",
                    external: false,
                },
                Variant {
                    number: 1,
                    name: "Default",
                    external: false,
                },
                Variant {
                    number: 2,
                    name: "FoundationDb",
                    external: true,
                },
                Variant {
                    number: 3,
                    name: "PostgreSql",
                    external: true,
                },
                Variant {
                    number: 4,
                    name: "MySql",
                    external: true,
                },
            ],
        },
        Singleton {
            name: "metrics_store",
            title: "MetricsStore",
            doc: "Where metrics are kept, if at all.",
            letter: 's',
            key: &[0x00, 0x38, 0x00, 0x00, 0x12, 0x43, 0x4c, 0xb2, 0x4d, 0xcd],
            store: Some(StoreGroup::Telemetry),
            variants: &[
                Variant {
                    number: 0,
                    name: "Disabled",
                    external: false,
                },
                Variant {
                    number: 1,
                    name: "Default",
                    external: false,
                },
                Variant {
                    number: 2,
                    name: "FoundationDb",
                    external: true,
                },
                Variant {
                    number: 3,
                    name: "PostgreSql",
                    external: true,
                },
                Variant {
                    number: 4,
                    name: "MySql",
                    external: true,
                },
            ],
        },
        Singleton {
            name: "coordinator",
            title: "Coordinator",
            doc: "What the nodes of a cluster talk through. Holds no records. 0.16.0 has no Redis sentinel.",
            letter: 's',
            key: &[0x00, 0x1a, 0x00, 0x00, 0x12, 0x43, 0x4c, 0xb2, 0x4d, 0xcd],
            store: None,
            variants: &[
                Variant {
                    number: 0,
                    name: "Disabled",
                    external: false,
                },
                Variant {
                    number: 1,
                    name: "Default",
                    external: false,
                },
                Variant {
                    number: 2,
                    name: "Kafka",
                    external: true,
                },
                Variant {
                    number: 3,
                    name: "Nats",
                    external: true,
                },
                Variant {
                    number: 4,
                    name: "Zenoh",
                    external: true,
                },
                Variant {
                    number: 5,
                    name: "Redis",
                    external: true,
                },
                Variant {
                    number: 6,
                    name: "RedisCluster",
                    external: true,
                },
                Variant {
                    number: 7,
                    name: "RedisSentinel",
                    external: true,
                },
            ],
        },
    ];
}

pub mod modules {
    pub use super::{v1, v2, v3, v4, v5, v6};
}
