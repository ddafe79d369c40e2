//! Blob stores as registry objects name them: values as real encoders wrote them, and everything near them.

mod written_forms;

use std::time::Duration;

use stalwart_migrate::base::error::{ErrorKind, Result};
use stalwart_migrate::catalog::{self, SchemaVersion};
use stalwart_migrate::config::{BlobPlace, Compression, Config, StoreConfig, StoreKind, variant_of};
use stalwart_migrate::settings::{
    AzureCredential, AzureSettings, Endpoint, FoundationDbSettings, FsSettings, MysqlSettings,
    PostgresSettings, S3Settings, Secret,
};

use super::{CANARY, written};

fn env(name: &str) -> Option<String> {
    match name {
        "S3_SECRET" => Some("from the environment".to_string()),
        "EMPTY" => Some(String::new()),
        "USER" => Some("someone".to_string()),
        "CANARY" => Some(CANARY.to_string()),
        _ => None,
    }
}

fn server() -> Config {
    Config::load(&written(r#"{"@type":"Sqlite","path":"/d"}"#).path, env).unwrap()
}

fn newest() -> &'static SchemaVersion {
    catalog::version(6).unwrap()
}

fn decode(value: &[u8]) -> Result<BlobPlace> {
    server().blob_store_from_registry(newest(), Some(value))
}

fn hex(text: &str) -> Vec<u8> {
    let digits: String = text.split_whitespace().collect();
    (0..digits.len()).step_by(2).map(|at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap()).collect()
}

fn elsewhere(kind: StoreKind) -> BlobPlace {
    BlobPlace::Elsewhere(StoreConfig::new("blob", Compression::Lz4, kind))
}

fn sharded(kinds: Vec<StoreKind>) -> StoreKind {
    let member = |(at, kind)| StoreConfig::new(format!("blob.{at}"), Compression::Lz4, kind);
    StoreKind::Sharded { stores: kinds.into_iter().enumerate().map(member).collect() }
}

fn fs(path: &str, depth: u8) -> StoreKind {
    StoreKind::Fs(FsSettings { path: path.into(), depth })
}

fn s3(region: &str, endpoint: Option<&str>) -> StoreKind {
    StoreKind::S3(S3Settings {
        bucket: "mail".into(),
        region: region.into(),
        endpoint: endpoint.map(Endpoint::new),
        access_key: Some(Secret::new("AK")),
        secret_key: Some(Secret::new("from the environment")),
        security_token: None,
        session_token: None,
        profile: None,
        timeout: Duration::from_secs(30),
        max_retries: 3,
        key_prefix: Some("sw/".into()),
        allow_invalid_certs: false,
    })
}

fn azure() -> StoreKind {
    StoreKind::Azure(AzureSettings {
        account: "acct".into(),
        container: "mail".into(),
        endpoint: None,
        credential: AzureCredential::AccessKey(Secret::new("k")),
        timeout: Duration::from_secs(30),
        max_retries: 3,
        key_prefix: None,
    })
}

fn postgres(password: &str) -> StoreKind {
    StoreKind::Postgres(PostgresSettings {
        host: Some("db.test".into()),
        port: 5432,
        database: "stalwart".into(),
        user: Some("stalwart".into()),
        password: Some(Secret::new(password)),
        options: None,
        timeout: Some(Duration::from_secs(15)),
        tls: false,
        allow_plaintext: false,
        allow_invalid_certs: false,
    })
}

const S3_CUSTOM: &str = "01 02 2a 17 68747470733a2f2f6d696e696f2e746573743a39303030 04 65752d31 04 6d61696c \
    01 02 414b 02 09 53335f534543524554 00 00 00 b0ea01 03 01 03 73772f 00 01";
const AZURE: &str = "01 03 04 61636374 04 6d61696c 01 01 6b 00 b0ea01 03 00";
const SHARDED: &str = "01 01 02  02 02 2f61 00  02 02 2f62 05";

/// Values of the server's own encoder, most of release 0.16.18.
#[test]
fn values_of_real_encoders() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("pw");
    std::fs::write(&file, " pw \n").unwrap();
    let file = file.to_str().unwrap();
    let name: String =
        format!("03 {:02x} ", file.len()) + &file.bytes().map(|b| format!("{b:02x}")).collect::<String>();
    for (value, expect) in [
        ("01 00", BlobPlace::DataStore),
        ("00 00", BlobPlace::DataStore),
        ("01 04 0a 2f7372762f626c6f6273 02", elsewhere(fs("/srv/blobs", 2))),
        ("00 04 0a 2f7372762f626c6f6273 02", elsewhere(fs("/srv/blobs", 2))),
        (SHARDED, elsewhere(sharded(vec![fs("/a", 0), fs("/b", 5)]))),
        (AZURE, elsewhere(azure())),
        (S3_CUSTOM, elsewhere(s3("eu-1", Some("https://minio.test:9000")))),
        // As 0.16.0 wrote it: without the last switch.
        (
            &S3_CUSTOM.replacen("01", "00", 1).replace("73772f 00 01", "73772f 00"),
            elsewhere(s3("eu-1", Some("https://minio.test:9000"))),
        ),
        (
            &format!(
                "01 06  01 9875  00 00  01 0a  00  00  07 64622e74657374  b82a  08 7374616c77617274 \
                 01 08 7374616c77617274  {name}  00"
            ),
            elsewhere(postgres(" pw")),
        ),
        // MySQL with a replica, whose secret is not looked up.
        (
            "01 07 00 01 01 01 8008 00 00 01 01 72 ea19 01 6d 00 02 04 4e4f4e45 01 68 ea19 01 6d 00 00",
            elsewhere(StoreKind::Mysql(MysqlSettings {
                host: "h".into(),
                port: 3306,
                database: "m".into(),
                user: None,
                password: None,
                max_allowed_packet: Some(1024),
                timeout: None,
                tls: true,
                allow_invalid_certs: true,
            })),
        ),
        (
            "01 05 01 02 2f66 01 01 63 00 01 e807 01 03 01 e0d403",
            elsewhere(StoreKind::FoundationDb(FoundationDbSettings {
                cluster_file: Some("/f".into()),
                transaction_timeout: Some(Duration::from_secs(60)),
                retry_limit: Some(3),
                max_retry_delay: Some(Duration::from_secs(1)),
                machine_id: None,
                datacenter_id: Some("c".into()),
            })),
        ),
        // Every member of a sharded store is numbered two less than outside.
        (
            "01 01 03  02 02 2f61 00  03 00 00 00 00 00 00  01 04 61636374 04 6d61696c 01 01 6b 00 b0ea01 03 00",
            elsewhere(sharded(vec![
                fs("/a", 0),
                StoreKind::FoundationDb(FoundationDbSettings {
                    cluster_file: None,
                    transaction_timeout: None,
                    retry_limit: None,
                    max_retry_delay: None,
                    machine_id: None,
                    datacenter_id: None,
                }),
                azure(),
            ])),
        ),
        // A newer version of the same fields.
        ("02 04 0a 2f7372762f626c6f6273 02", elsewhere(fs("/srv/blobs", 2))),
    ] {
        assert_eq!(decode(&hex(value)).unwrap_or_else(|e| panic!("{value}: {e}")), expect, "{value}");
        let packed = decode(&compressed(&hex(value))).unwrap_or_else(|e| panic!("{value}: {e}"));
        assert_eq!(packed, expect, "{value}");
    }
    assert_eq!(server().blob_store_from_registry(newest(), None).unwrap(), BlobPlace::DataStore);
}

fn compressed(value: &[u8]) -> Vec<u8> {
    let body = &value[1..];
    let mut packed = vec![value[0] | 0x80];
    packed.extend_from_slice(&u32::try_from(body.len()).unwrap().to_le_bytes());
    packed.extend_from_slice(&lz4_flex::block::compress(body));
    packed
}

/// All regions in the order of their numbers, as `config.toml` spells them.
const REGIONS: &str = "us-east-1 us-east-2 us-west-1 us-west-2 ca-central-1 af-south-1 ap-east-1 ap-south-1 \
    ap-northeast-1 ap-northeast-2 ap-northeast-3 ap-southeast-1 ap-southeast-2 cn-north-1 cn-northwest-1 eu-north-1 \
    eu-central-1 eu-central-2 eu-west-1 eu-west-2 eu-west-3 il-central-1 me-south-1 sa-east-1 nyc3 ams3 sgp1 fra1 \
    yandex wa-us-east-1 wa-us-east-2 wa-us-central-1 wa-us-west-1 wa-ca-central-1 wa-eu-central-1 wa-eu-central-2 \
    wa-eu-west-1 wa-eu-west-2 wa-ap-northeast-1 wa-ap-northeast-2 wa-ap-southeast-1 wa-ap-southeast-2";

#[test]
fn every_region_has_its_number() {
    let rest = S3_CUSTOM.split_once("04 65752d31").unwrap().1;
    let mut count = 0;
    for (number, region) in REGIONS.split_whitespace().enumerate() {
        let place = decode(&hex(&format!("01 02 {number:02x} {rest}"))).unwrap();
        assert_eq!(place, elsewhere(s3(region, None)), "{number}");
        count += 1;
    }
    assert_eq!(count, 42);
    let error = decode(&hex(&format!("01 02 2b {rest}"))).unwrap_err();
    assert!(
        error.to_string().starts_with("unknown region number 43 (field region, byte 2, object BlobStore)")
    );
}

#[test]
fn what_the_server_would_silently_ignore_is_refused_with_field_and_byte() {
    const NEXT: &str =
        "; name the blob store with --blob-config, or correct it in the server's recovery mode";
    let s3 = |from: &str, to: &str| {
        assert!(S3_CUSTOM.contains(from), "{from}");
        hex(&S3_CUSTOM.replacen(from, to, 1))
    };
    for (value, expect) in [
        (hex(""), "the registry object is empty (object BlobStore)"),
        (hex("01"), "the registry object ends within a field (field @type, byte 1, object BlobStore)"),
        (hex("01 08"), "unknown store type 8 (field @type, byte 1, object BlobStore)"),
        (hex("01 00 00"), "1 bytes are left over after the registry object (byte 2, object BlobStore)"),
        (hex("01 04 00 02"), "a text of a registry object is empty (field path, byte 2, object BlobStore)"),
        (
            hex("01 04 01 2f 06"),
            "a number of a registry object is not one from 0 to 5 (field depth, byte 4, object BlobStore)",
        ),
        (
            hex("01 04 01 2f ffffffffffffffffff02"),
            "a number of a registry object has more than 64 bits (field depth, byte 4, object BlobStore)",
        ),
        (
            hex("01 04 01 ff 02"),
            "a text of a registry object is not UTF-8 (field path, byte 2, object BlobStore)",
        ),
        (
            hex("01 04 ffffffffffffffffff01 2f"),
            "the registry object ends within a field (field path, byte 2, object BlobStore)",
        ),
        (
            hex("01 01 01 02 01 2f 00"),
            "a sharded store has fewer than 2 members (field stores, byte 2, object BlobStore)",
        ),
        (
            hex("01 01 02 02 01 2f 00 06"),
            "unknown store type 6 (field stores.1.@type, byte 7, object BlobStore)",
        ),
        (
            hex("01 01 02 02 01 2f 00 02 01 2f 06"),
            "a number of a registry object is not one from 0 to 5 (field stores.1.depth, byte 10, object BlobStore)",
        ),
        (
            hex("01 01 ffffffffffffffffff01 02 01 2f 00"),
            "the registry object ends within a field (field stores.1.@type, byte 16, object BlobStore)",
        ),
        (
            s3("04 6d61696c", "00"),
            "a text of a registry object is empty (field bucket, byte 32, object BlobStore)",
        ),
        (
            s3("04 65752d31", "00"),
            "a text of a registry object is empty (field region.customRegion, byte 27, object BlobStore)",
        ),
        (
            s3("01 02 414b", "01 00"),
            "a text of a registry object is empty (field accessKey, byte 37, object BlobStore)",
        ),
        (
            s3("01 02 414b", "04 02 414b"),
            "a secret of a registry object has an unknown form (field accessKey, byte 37, object BlobStore)",
        ),
        (
            s3("b0ea01 03", "b0ea01 00"),
            "a number of a registry object is not one from 1 to 10 (field maxRetries, byte 58, object BlobStore)",
        ),
        (
            s3("b0ea01 03", "b0ea01 0b"),
            "a number of a registry object is not one from 1 to 10 (field maxRetries, byte 58, object BlobStore)",
        ),
        (
            s3("01 03 73772f", "01 00"),
            "a text of a registry object is empty (field keyPrefix, byte 59, object BlobStore)",
        ),
        (
            s3("73772f 00 01", "73772f 02 01"),
            "a switch of a registry object is neither 0 nor 1 (field allowInvalidCerts, byte 64, object BlobStore)",
        ),
        (
            s3("73772f 00 01", "73772f 00"),
            "the registry object ends within a field (field verifyAfterWrite, byte 65, object BlobStore)",
        ),
        (
            hex(&AZURE.replace("01 01 6b 00", "00 00").replace("01 6b 00", "00 00")),
            "an Azure store has neither accessKey nor sasToken (field sasToken, byte 13, object BlobStore); \
             add one of the two",
        ),
        (
            hex("01 07 00 00 00 00 00 00 00 01 68 00 01 6d 00 00"),
            "a number of a registry object is not one from 1 to 65535 (field port, byte 11, object BlobStore)",
        ),
        (hex("81 02 00 00 00 05"), "the registry object does not decompress (object BlobStore)"),
        (hex("81 ff ff ff ff 00"), "the registry object does not decompress (object BlobStore)"),
        (hex("81 02 00"), "the registry object does not decompress (object BlobStore)"),
        (vec![1; (256 << 10) + 1], "the registry object is larger than 262144 bytes (object BlobStore)"),
        (
            compressed(&vec![1; (256 << 10) + 2]),
            "the registry object is larger than 262144 bytes, decompressed (object BlobStore)",
        ),
    ] {
        let error = decode(&value).unwrap_err();
        let expect = if expect.contains(';') { expect.to_string() } else { format!("{expect}{NEXT}") };
        assert_eq!(error.to_string(), expect);
        assert_eq!(error.kind(), ErrorKind::Usage);
    }
    let error = server().blob_store_from_registry(catalog::version(5).unwrap(), Some(&[1, 0])).unwrap_err();
    assert_eq!(
        error.to_string(),
        "stores of schema version 5 do not name their blob store; read it from the configuration"
    );
}

#[test]
fn secrets_that_cannot_be_resolved_are_errors() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("empty"), " \n").unwrap();
    let text = |text: &str| -> String {
        format!("{:02x} ", text.len()) + &text.bytes().map(|b| format!("{b:02x}")).collect::<String>()
    };
    let empty = dir.path().join("empty").display().to_string();
    for (secret, expect) in [
        (
            format!("02 {}", text(" NONE ")),
            "an environment variable is not set, empty or not UTF-8 (field secretKey, byte 41, name NONE, \
             object BlobStore); set it as the server's service does"
                .to_string(),
        ),
        (
            format!("02 {}", text("EMPTY")),
            "an environment variable is not set, empty or not UTF-8 (field secretKey, byte 41, name EMPTY, \
             object BlobStore); set it as the server's service does"
                .to_string(),
        ),
        (
            format!("03 {}", text(&empty)),
            format!(
                "a file that holds a secret is empty (path {empty}, field secretKey, byte 41, object BlobStore); \
                 write the secret to it"
            ),
        ),
    ] {
        let value = S3_CUSTOM.replace("02 09 53335f534543524554", &secret);
        assert_eq!(decode(&hex(&value)).unwrap_err().to_string(), expect);
    }
}

#[test]
fn objects_of_newer_releases_are_refused_by_name() {
    for value in ["02 04 01 2f 02 00", "02 08", "7f 04 01 2f 06", "ff 00000000"] {
        let error = decode(&hex(value)).unwrap_err().to_string();
        let newer = "the registry object BlobStore was written by a release newer than 0.16.0 – 0.16.18, and has \
                     changed since (version ";
        let envelope = "the registry object does not decompress";
        assert!(error.starts_with(newer) || error.starts_with(envelope), "{error}");
        assert!(error.ends_with("; use a newer release of stalwart-migrate") || error.starts_with(envelope));
    }
}

/// Cut anywhere, and with any byte changed: an answer, whichever, but no panic, and never a secret in it.
#[test]
fn damaged_values_are_answered() {
    let config = server();
    let decode = |value: &[u8]| config.blob_store_from_registry(newest(), Some(value));
    let s3 = S3_CUSTOM.replace("02 414b", "0e 68756e746572322d63616e617279");
    for value in [S3_CUSTOM, AZURE, SHARDED, &s3, "01 05 01 02 2f66 01 01 63 00 01 e807 01 03 01 e0d403"] {
        let plain = hex(value);
        for value in [plain.clone(), compressed(&plain)] {
            decode(&value).unwrap();
            for at in 0..value.len() {
                let error = decode(&value[..at]).unwrap_err();
                assert!(!format!("{error} {error:?}").contains(CANARY), "{error:?}");
                for byte in 0..=u8::MAX {
                    let mut changed = value.clone();
                    changed[at] = byte;
                    let shown = match decode(&changed) {
                        Ok(place) => format!("{place:?}"),
                        // The change made a secret the name of a variable or a file, which the error shows.
                        Err(error) if error.context("name").or(error.context("path")).is_some() => continue,
                        Err(error) => format!("{error} {error:?}"),
                    };
                    assert!(!shown.contains(CANARY), "{shown}");
                }
            }
        }
    }
}

#[test]
fn singletons_tell_which_alternative_they_choose() {
    let object = |name: &str| newest().singletons().find(|object| object.name == name).unwrap();
    for (name, value, expect) in [
        ("blob_store", S3_CUSTOM, (2, Some(("S3", true)))),
        ("blob_store", "00 00", (0, Some(("Default", false)))),
        ("blob_store", "05 c801 99", (200, None)),
        ("in_memory_store", "00 02 01 00", (2, Some(("Redis", true)))),
        ("search_store", "00 01", (1, Some(("ElasticSearch", true)))),
        // As 0.16.18 leaves them.
        ("tracing_store", "00 01", (1, Some(("Default", false)))),
        ("metrics_store", "00 01", (1, Some(("Default", false)))),
        ("coordinator", "00 03 ff", (3, Some(("Nats", true)))),
    ] {
        for value in [hex(value), compressed(&hex(value))] {
            let (number, variant) = variant_of(object(name), &value).unwrap();
            assert_eq!((number, variant.map(|v| (v.name, v.external))), expect, "{name}");
        }
    }
    for (value, expect) in [
        ("", "the registry object is empty (object SearchStore); correct it in the server's recovery mode"),
        (
            "00",
            "the registry object ends within a field (field @type, byte 1, object SearchStore); \
             correct it in the server's recovery mode",
        ),
        (
            "80 ff ff ff ff 00",
            "the registry object does not decompress (object SearchStore); \
             correct it in the server's recovery mode",
        ),
    ] {
        let error = variant_of(object("search_store"), &hex(value)).unwrap_err();
        assert_eq!(error.to_string(), expect);
    }
}
