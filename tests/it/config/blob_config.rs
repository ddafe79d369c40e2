//! Blob stores as a file of their own names them, in both formats.

use std::time::Duration;

use stalwart_migrate::base::error::Result;
use stalwart_migrate::config::{BlobPlace, Compression, StoreConfig, StoreKind, blob_config};
use stalwart_migrate::settings::{
    AzureCredential, AzureSettings, Endpoint, FoundationDbSettings, FsSettings, MysqlSettings,
    PostgresSettings, S3Settings, Secret,
};

use super::{CANARY, env, text, written};

fn read(content: &str) -> Result<BlobPlace> {
    blob_config(&written(content).path, env)
}

fn json_store(kind: StoreKind) -> BlobPlace {
    BlobPlace::Elsewhere(StoreConfig::new("blob", Compression::Lz4, kind))
}

fn fs(path: &str, depth: u8) -> StoreKind {
    StoreKind::Fs(FsSettings { path: path.into(), depth })
}

fn bucket(region: &str, endpoint: Option<&str>, access_key: Option<&str>) -> StoreKind {
    StoreKind::S3(S3Settings {
        bucket: "b".into(),
        region: region.into(),
        endpoint: endpoint.map(Endpoint::new),
        access_key: access_key.map(Secret::new),
        secret_key: None,
        security_token: None,
        session_token: None,
        profile: None,
        timeout: Duration::from_secs(30),
        max_retries: 3,
        key_prefix: None,
        allow_invalid_certs: false,
    })
}

#[test]
fn both_formats_name_a_blob_store() {
    let member =
        |at: usize, path: &str| StoreConfig::new(format!("blob.{at}"), Compression::Lz4, fs(path, 2));
    let toml_store =
        |id: &str, compression, kind| BlobPlace::Elsewhere(StoreConfig::new(id, compression, kind));
    for (content, expect) in [
        (r#"{"@type":"Default"}"#, BlobPlace::DataStore),
        (r#" {"@type":"FileSystem","path":"/srv/blobs"}"#, json_store(fs("/srv/blobs", 2))),
        (r#"{"depth":0,"unknown":[],"path":"b","@type":"FileSystem"}"#, json_store(fs("b", 0))),
        (
            // Ordered by number, not as text.
            r#"{"@type":"Sharded","stores":{"10":{"@type":"FileSystem","path":"/c"},
                "9":{"@type":"FileSystem","path":"/b"},"0":{"@type":"FileSystem","path":"/a"}}}"#,
            json_store(StoreKind::Sharded {
                stores: vec![member(0, "/a"), member(1, "/b"), member(2, "/c")],
            }),
        ),
        (
            r#"{"@type":"S3","bucket":"b","region":"WaEuCentral2","verifyAfterWrite":"ignored"}"#,
            json_store(bucket("wa-eu-central-2", None, None)),
        ),
        (
            r#"{"@type":"S3","bucket":"b","region":{"@type":"UsEast1"},"accessKey":"plain"}"#,
            json_store(bucket("us-east-1", None, Some("plain"))),
        ),
        (
            r#"{"@type":"S3","bucket":"b","accessKey":{"@type":"Value","value":"AK"},
                "region":{"@type":"Custom","customEndpoint":"https://e:9","customRegion":"r"}}"#,
            json_store(bucket("r", Some("https://e:9"), Some("AK"))),
        ),
        (
            r#"{"@type":"S3","bucket":"b","region":"DoFra1","accessKey":null,"profile":"p","timeout":1,
                "maxRetries":10,"keyPrefix":"k/","allowInvalidCerts":true,
                "secretKey":{"@type":"EnvironmentVariable","variableName":"STORE_PASSWORD"},
                "securityToken":{"@type":"Value","secret":"t"},"sessionToken":{"@type":"None"}}"#,
            json_store(StoreKind::S3(S3Settings {
                bucket: "b".into(),
                region: "fra1".into(),
                endpoint: None,
                access_key: None,
                secret_key: Some(Secret::new(CANARY)),
                security_token: Some(Secret::new("t")),
                session_token: None,
                profile: Some("p".into()),
                timeout: Duration::from_millis(1),
                max_retries: 10,
                key_prefix: Some("k/".into()),
                allow_invalid_certs: true,
            })),
        ),
        (
            r#"{"@type":"Azure","storageAccount":"a","container":"c","endpoint":"http://localhost:10000/a",
                "sasToken":{"@type":"Value","secret":"s"}}"#,
            json_store(StoreKind::Azure(AzureSettings {
                account: "a".into(),
                container: "c".into(),
                endpoint: Some(Endpoint::new("http://localhost:10000/a")),
                credential: AzureCredential::SasToken(Secret::new("s")),
                timeout: Duration::from_secs(30),
                max_retries: 3,
                key_prefix: None,
            })),
        ),
        (
            r#"{"@type":"PostgreSql","host":"h","authUsername":null}"#,
            json_store(StoreKind::Postgres(PostgresSettings {
                host: Some("h".into()),
                port: 5432,
                database: "stalwart".into(),
                user: Some("someone".into()),
                password: None,
                options: None,
                timeout: Some(Duration::from_secs(15)),
                tls: false,
                allow_plaintext: false,
                allow_invalid_certs: false,
            })),
        ),
        (
            r#"{"@type":"MySql","host":"h","port":1,"timeout":null,"useTls":true}"#,
            json_store(StoreKind::Mysql(MysqlSettings {
                host: "h".into(),
                port: 1,
                database: "stalwart".into(),
                user: Some("stalwart".into()),
                password: None,
                max_allowed_packet: None,
                timeout: None,
                tls: true,
                allow_invalid_certs: false,
            })),
        ),
        (
            r#"{"@type":"FoundationDb","transactionRetryLimit":7}"#,
            json_store(StoreKind::FoundationDb(FoundationDbSettings {
                cluster_file: None,
                transaction_timeout: None,
                retry_limit: Some(7),
                max_retry_delay: None,
                machine_id: None,
                datacenter_id: None,
            })),
        ),
        (
            "storage.blob = \"b\"\nstore.b = { type = \"fs\", path = \"/b\", compression = \"lz4\" }\n",
            toml_store("b", Compression::Lz4, fs("/b", 2)),
        ),
        (
            "storage = { data = \"d\", blob = \"b\" }\n[store.b]\ntype = \"sqlite\"\npath = \"%{env:STORE_DIR}%/b\"\n",
            toml_store("b", Compression::None, StoreKind::Sqlite { path: "/srv/stalwart/b".into() }),
        ),
        ("storage = { data = \"d\", blob = \"d\" }\n", BlobPlace::DataStore),
        (
            "storage.blob = \"b\"\n[store.b]\ntype = \"azure\"\nstorage-account = \"a\"\ncontainer = \"c\"\n\
             sas-token = \"s\"\nendpoint = \"http://localhost:10000/a\"\n",
            toml_store(
                "b",
                Compression::None,
                StoreKind::Azure(AzureSettings {
                    account: "a".into(),
                    container: "c".into(),
                    endpoint: Some(Endpoint::new("http://localhost:10000/a")),
                    credential: AzureCredential::SasToken(Secret::new("s")),
                    timeout: Duration::from_secs(30),
                    max_retries: 3,
                    key_prefix: None,
                }),
            ),
        ),
    ] {
        assert_eq!(read(content).unwrap_or_else(|e| panic!("{content}: {e}")), expect, "{content}");
    }
}

#[test]
fn errors_name_member_and_file() {
    for (content, expect) in [
        (
            "{",
            "the configuration is no valid JSON (line 1, column 1, file FILE); \
          correct it there; the server does not read it either",
        ),
        ("{}", "the configuration lacks a member (key @type, file FILE); add it"),
        (
            r#"{"@type":"RocksDb","path":"/d"}"#,
            "a store of type RocksDb cannot be named here (key @type, file FILE); \
             use one of Default, Sharded, S3, Azure, FileSystem, FoundationDb, PostgreSql, MySql, in this spelling",
        ),
        (
            r#"{"@type":"FileSystem","path":""}"#,
            "a member that is needed is empty (key path, file FILE); give it a value",
        ),
        (
            r#"{"@type":"FileSystem","path":"/b","depth":6}"#,
            "a member is not a whole number from 0 to 5, without quotes (key depth, file FILE); correct it",
        ),
        (
            r#"{"@type":"S3","bucket":"b","region":"eu-central-1"}"#,
            "unknown region eu-central-1 (key region, file FILE); \
             write it as UsEast1, or as an object with @type Custom, customEndpoint and customRegion",
        ),
        (
            r#"{"@type":"S3","bucket":"b","region":{"@type":"Custom","customEndpoint":"e"}}"#,
            "the configuration lacks a member (key region.customRegion, file FILE); add it",
        ),
        (
            r#"{"@type":"S3","bucket":"b","region":{"@type":"Custom","customEndpoint":"https://a:b@e","customRegion":"r"}}"#,
            "the endpoint holds credentials (key region, file FILE); put them in accessKey and secretKey",
        ),
        (
            r#"{"@type":"S3","bucket":"b","region":"UsEast1","maxRetries":0}"#,
            "a member is not a whole number from 1 to 10, without quotes (key maxRetries, file FILE); correct it",
        ),
        (
            r#"{"@type":"S3","bucket":"b","region":"UsEast1","keyPrefix":""}"#,
            "a member is empty (key keyPrefix, file FILE); give it a value, or null",
        ),
        (
            r#"{"@type":"S3","bucket":"b","region":"UsEast1","secretKey":{"@type":"Value","secret":""}}"#,
            "a member that is needed is empty (key secretKey.secret, file FILE); give it a value",
        ),
        (
            r#"{"@type":"S3","bucket":"b","region":"UsEast1","accessKey":{"@type":"Value","secret":"x"}}"#,
            "the configuration lacks a member (key accessKey.value, file FILE); add it",
        ),
        (
            r#"{"@type":"Azure","storageAccount":"a","container":"c"}"#,
            "an Azure store has neither accessKey nor sasToken (key sasToken, file FILE); add one of the two",
        ),
        (
            r#"{"@type":"Azure","storageAccount":"a","container":"c","accessKey":{"@type":"Value","secret":"x"},
                "endpoint":"https://e?sig=x"}"#,
            "the endpoint holds credentials (key endpoint, file FILE); put them in accessKey or sasToken",
        ),
        (
            r#"{"@type":"MySql","host":"h","port":0}"#,
            "a member is not a whole number from 1 to 65535, without quotes (key port, file FILE); correct it",
        ),
        (
            r#"{"@type":"Sharded","stores":[{"@type":"FileSystem","path":"/a"},{"@type":"FileSystem","path":"/b"}]}"#,
            "a member is not an object with members \"0\", \"1\", … (key stores, file FILE); correct it",
        ),
        (
            r#"{"@type":"Sharded","stores":{"0":{"@type":"FileSystem","path":"/a"}}}"#,
            "a sharded store has fewer than 2 members (key stores, file FILE); \
             add them, or name the only one itself",
        ),
        (
            r#"{"@type":"Sharded","stores":{"0":{"@type":"FileSystem","path":"/a"},"+1":{}}}"#,
            "a member is not an object with members \"0\", \"1\", … (key stores, file FILE); correct it",
        ),
        (
            r#"{"@type":"Sharded","stores":{"0":{"@type":"FileSystem","path":"/a"},"00":{}}}"#,
            "two members have one number (key stores, file FILE); correct it",
        ),
        (
            r#"{"@type":"Sharded","stores":{"0":{"@type":"FileSystem","path":"/a"},"1":{"@type":"Sharded"}}}"#,
            "a store of type Sharded cannot be named here (key stores.1.@type, file FILE); \
             use one of S3, Azure, FileSystem, FoundationDb, PostgreSql, MySql, in this spelling",
        ),
        ("store.b.type = \"fs\"\n", "the configuration has no key storage.blob (file FILE); add it"),
        (
            "storage.blob = \"b\"\n",
            "store b is not defined: no key store.b.type (key storage.blob, line 1, file FILE); \
             define it in this file",
        ),
        (
            "storage.blob = \"b\"\n[store.b]\ntype = \"azure\"\nstorage-account = \"a\"\ncontainer = \"c\"\n\
             sas-token = \"s\"\nendpoint = \"https://a:b@e\"\n",
            "the endpoint holds credentials (key store.b.endpoint, line 7, file FILE); \
             put them in azure-access-key or sas-token",
        ),
    ] {
        let error = read(content).unwrap_err();
        assert_eq!(text(&error), expect, "{content}");
    }
}

#[test]
fn settings_are_described_without_secrets() {
    for (content, expect) in [
        (r#"{"@type":"FileSystem","path":"/srv/blobs"}"#, "@type FileSystem|path /srv/blobs|depth 2"),
        (
            r#"{"@type":"Sharded","stores":{"0":{"@type":"FileSystem","path":"/a"},
                "1":{"@type":"FoundationDb","clusterFile":"/f"}}}"#,
            "@type Sharded|stores.0.@type FileSystem|stores.0.path /a|stores.0.depth 2\
             |stores.1.@type FoundationDb|stores.1.clusterFile /f",
        ),
        (
            r#"{"@type":"S3","bucket":"b","region":"EuCentral1","keyPrefix":"k/",
                "accessKey":{"@type":"Value","value":"hunter2-canary"},
                "secretKey":{"@type":"EnvironmentVariable","variableName":"STORE_PASSWORD"}}"#,
            "@type S3|region EuCentral1|bucket b|accessKey (not shown)|secretKey (not shown)|timeout 30000\
             |maxRetries 3|keyPrefix k/|allowInvalidCerts false",
        ),
        (
            "storage.blob = \"b\"\n[store.b]\ntype = \"s3\"\nbucket = \"b\"\nregion = \"r\"\nendpoint = \"https://e\"\n\
             access-key = \"hunter2-canary\"\n",
            "@type S3|region Custom|region.customEndpoint https://e|region.customRegion r|bucket b\
             |accessKey (not shown)|timeout 30000|maxRetries 3|allowInvalidCerts false",
        ),
        (
            "storage.blob = \"b\"\n[store.b]\ntype = \"s3\"\nbucket = \"b\"\nregion = \"ru-central1\"\n",
            "@type S3|region Yandex|bucket b|timeout 30000|maxRetries 3|allowInvalidCerts false",
        ),
        (
            r#"{"@type":"Azure","storageAccount":"a","container":"c","accessKey":{"@type":"Value","secret":"hunter2-canary"}}"#,
            "@type Azure|storageAccount a|container c|accessKey (not shown)|timeout 30000|maxRetries 3",
        ),
        (
            r#"{"@type":"PostgreSql","host":"h","authSecret":{"@type":"Value","secret":"hunter2-canary"},"timeout":null}"#,
            "@type PostgreSql|host h|port 5432|database stalwart|authUsername stalwart|authSecret (not shown)\
             |useTls false|allowInvalidCerts false",
        ),
        (
            r#"{"@type":"MySql","host":"h","maxAllowedPacket":1024}"#,
            "@type MySql|host h|port 3306|database stalwart|authUsername stalwart|maxAllowedPacket 1024\
             |timeout 15000|useTls false|allowInvalidCerts false",
        ),
    ] {
        let BlobPlace::Elsewhere(store) = read(content).unwrap() else { panic!("{content}") };
        let lines = store.describe_settings().into_iter().map(|(name, value)| format!("{name} {value}"));
        assert_eq!(lines.collect::<Vec<_>>().join("|"), expect);
    }
}
