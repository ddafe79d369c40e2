//! Secrets of a configuration stay out of everything that is printed.

use std::fs;

use stalwart_migrate::config::{BlobPlace, Config, blob_config};
use stalwart_migrate::settings::Secret;

use super::{CANARY, data, env, no_row, text, written};

/// Every way a password can be written, right or wrong: it is in no message and in no debug output.
#[test]
fn passwords_are_never_shown() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("pw");
    fs::write(&file, CANARY).unwrap();
    let file = file.display();
    let secrets =
        ["password", "secret-key", "access-key", "security-token", "session-token", "azure-access-key"];
    let forms = [
        format!("\"{CANARY}\""),
        format!("'{CANARY}'"),
        format!("'''{CANARY}'''"),
        CANARY.to_string(),
        "\"%{env:STORE_PASSWORD}%\"".to_string(),
        format!("\"%{{file:{file}}}%\""),
        "\"%{cfg:pw}%\"".to_string(),
        format!("\"{CANARY}%{{env:NONE}}%\""),
        format!("\"{CANARY}%{{env:STORE_PASSWORD}}%%{{file:/none}}%\""),
        format!("\"{CANARY}%{{env:STORE_PASSWORD\""),
        "\"%{file:/none/%{env:STORE_PASSWORD}%}%\"".to_string(),
        "\"%{cfg:%{env:STORE_PASSWORD}%}%\"".to_string(),
        format!("\"{CANARY}"),
        format!("{CANARY}@x"),
        format!("\"\"{CANARY}"),
        format!("\"{CANARY}\\\\\""),
        format!("'''{CANARY}''''"),
        format!("[\"{CANARY}\" \"{CANARY}\"]"),
    ];
    let stores = [
        "type = \"postgresql\"\ndatabase = \"m\"\n",
        "type = \"mysql\"\nhost = \"h\"\ndatabase = \"m\"\n",
        "type = \"mysql\"\nhost = \"h\"\ndatabase = \"m\"\nport = x\n",
        "type = \"s3\"\nbucket = \"b\"\nregion = \"r\"\n",
        "type = \"azure\"\nstorage-account = \"a\"\ncontainer = \"c\"\n",
        "type = \"oracle\"\n",
    ];
    let mut values = 0;
    for store in stores {
        for key in secrets {
            for form in &forms {
                let text = format!(
                    "storage = {{ data = \"d\", blob = \"d\" }}\npw = \"{CANARY}\"\n[store.d]\n{store}{key} = {form}\n"
                );
                let mut shown = String::new();
                match Config::load(&written(&text).path, env) {
                    Err(error) => shown += &format!("{error} {error:?} {error:#?}"),
                    Ok(config) => {
                        shown += &format!("{config:?} {config:#?} {:?}", config.notices());
                        for store in [config.data_store(), config.blob_store(no_row)] {
                            match store {
                                Err(error) => shown += &format!("{error} {error:?}"),
                                Ok(store) => {
                                    shown += &format!("{store:?} {store:#?} {}", store.location());
                                    values += usize::from(shown.contains("Secret(…)"));
                                }
                            }
                        }
                    }
                }
                assert!(!shown.contains(CANARY), "{text}\n{shown}");
            }
        }
    }
    let secrets = [
        format!(r#"{{"@type":"Value","secret":"{CANARY}"}}"#),
        format!(r#"{{"@type":"Value","secret":["{CANARY}"]}}"#),
        format!(r#"{{"@type":"{CANARY}"}}"#),
        format!(r#"{{"{CANARY}":1}}"#),
        format!(r#""{CANARY}""#),
        format!(r#"{{"@type":"Value","secret":"{CANARY}\q"}}"#),
        format!(r#"{{"@type":"Value","secret":"{CANARY}"#),
        format!(r#"{{"@type":"File","filePath":"{file}"}}"#),
        r#"{"@type":"EnvironmentVariable","variableName":"STORE_PASSWORD"}"#.to_string(),
    ];
    for secret in &secrets {
        for kind in ["PostgreSql", "MySql", "Oracle"] {
            let text = format!(r#"{{"@type":"{kind}","host":"h","authSecret":{secret},"port":3306}}"#);
            let shown = match Config::load(&written(&text).path, env) {
                Err(error) => format!("{error} {error:?}"),
                Ok(config) => {
                    format!("{config:?} {:?} {:#?}", config.data_store(), config.blob_store(no_row))
                }
            };
            values += usize::from(shown.contains("Secret(…)"));
            assert!(!shown.contains(CANARY), "{text}\n{shown}");
        }
    }
    for secret in &secrets {
        for store in [
            format!(
                r#""@type":"S3","bucket":"b","region":"UsEast1","accessKey":{secret},"secretKey":{secret}"#
            ),
            format!(r#""@type":"Azure","storageAccount":"a","container":"c","sasToken":{secret}"#),
            format!(r#""@type":"MySql","host":"h","authSecret":{secret}"#),
        ] {
            let shown = match blob_config(&written(format!("{{{store}}}")).path, env) {
                Err(error) => format!("{error} {error:?}"),
                Ok(BlobPlace::DataStore) => panic!("{store}"),
                Ok(BlobPlace::Elsewhere(store)) => {
                    format!("{store:?} {store:#?} {} {:?}", store.location(), store.describe_settings())
                }
            };
            values += usize::from(shown.contains("Secret(…)"));
            assert!(!shown.contains(CANARY), "{store}\n{shown}");
        }
    }
    // The password did reach the stores that take one.
    assert!(values > 50, "{values}");
    let store =
        data("type = \"postgresql\"\ndatabase = \"m\"\npassword = \"%{cfg:pw}%\"\n[x]\n[pw]\n").unwrap_err();
    assert!(text(&store).contains("name pw, key store.d.password, line 5"), "{store}");
    let secret = Secret::new(CANARY);
    assert_eq!(format!("{secret} {secret:?}"), "… Secret(…)");
    assert_eq!(secret.expose(), CANARY);
}
