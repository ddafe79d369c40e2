//! Any store in the server's binary form, which is written here from its description, is read as it was.

use std::time::Duration;

use proptest::prelude::*;
use stalwart_migrate::config::StoreKind;
use stalwart_migrate::settings::{
    AzureCredential, AzureSettings, Endpoint, FsSettings, MysqlSettings, PostgresSettings, S3Settings, Secret,
};

use super::{REGIONS, compressed, decode, elsewhere, fs, sharded};

/// The server's binary form, written here from its description.
#[derive(Default)]
struct Pickled(Vec<u8>);

impl Pickled {
    fn leb(&mut self, mut number: u64) {
        while number > 0x7f {
            self.0.push(u8::try_from(number & 0x7f).unwrap() | 0x80);
            number >>= 7;
        }
        self.0.push(u8::try_from(number).unwrap());
    }

    fn text(&mut self, text: &str) {
        self.leb(text.len() as u64);
        self.0.extend_from_slice(text.as_bytes());
    }

    fn option<T>(&mut self, value: Option<T>, write: impl FnOnce(&mut Self, T)) {
        self.0.push(u8::from(value.is_some()));
        if let Some(value) = value {
            write(self, value);
        }
    }

    fn option_text(&mut self, value: Option<&String>) {
        self.option(value, |it, text| it.text(text));
    }

    fn millis(&mut self, value: Option<Duration>) {
        self.option(value, |it, time| it.leb(u64::try_from(time.as_millis()).unwrap()));
    }

    fn secret(&mut self, secret: Option<&Secret>) {
        self.leb(secret.is_some().into());
        if let Some(secret) = secret {
            self.text(secret.expose());
        }
    }

    fn flag(&mut self, flag: bool) {
        self.0.push(flag.into());
    }

    /// A store, numbered from `first`.
    fn store(&mut self, kind: &StoreKind, first: u64) {
        match kind {
            StoreKind::S3(S3Settings {
                bucket,
                region,
                endpoint,
                access_key,
                secret_key,
                security_token,
                session_token,
                profile,
                timeout,
                max_retries,
                key_prefix,
                allow_invalid_certs,
            }) => {
                self.leb(first);
                match endpoint {
                    Some(endpoint) => {
                        self.leb(42);
                        self.text(endpoint.as_str());
                        self.text(region);
                    }
                    None => {
                        self.leb(REGIONS.split_whitespace().position(|name| name == region).unwrap() as u64)
                    }
                }
                self.text(bucket);
                for secret in [access_key, secret_key, security_token, session_token] {
                    self.secret(secret.as_ref());
                }
                self.option_text(profile.as_ref());
                self.leb(u64::try_from(timeout.as_millis()).unwrap());
                self.leb((*max_retries).into());
                self.option_text(key_prefix.as_ref());
                self.flag(*allow_invalid_certs);
                self.flag(true);
            }
            StoreKind::Azure(AzureSettings {
                account,
                container,
                credential,
                timeout,
                max_retries,
                key_prefix,
                ..
            }) => {
                self.leb(first + 1);
                self.text(account);
                self.text(container);
                let (key, token) = match credential {
                    AzureCredential::AccessKey(key) => (Some(key), None),
                    AzureCredential::SasToken(token) => (None, Some(token)),
                };
                self.secret(key);
                self.secret(token);
                self.leb(u64::try_from(timeout.as_millis()).unwrap());
                self.leb((*max_retries).into());
                self.option_text(key_prefix.as_ref());
            }
            StoreKind::Fs(FsSettings { path, depth }) => {
                self.leb(first + 2);
                self.text(path.to_str().unwrap());
                self.leb((*depth).into());
            }
            StoreKind::Postgres(PostgresSettings {
                host,
                port,
                database,
                user,
                password,
                options,
                timeout,
                tls,
                allow_plaintext: _,
                allow_invalid_certs,
            }) => {
                self.leb(first + 4);
                self.millis(*timeout);
                self.flag(*tls);
                self.flag(*allow_invalid_certs);
                self.option(Some(10), Self::leb);
                self.leb(2);
                self.leb(1);
                self.replica();
                self.option_text(Some(&"-c x=y".to_string()));
                self.text(host.as_ref().unwrap());
                self.leb((*port).into());
                self.text(database);
                self.option_text(user.as_ref());
                self.secret(password.as_ref());
                self.option_text(options.as_ref().map(|options| options.expose().to_string()).as_ref());
            }
            StoreKind::Mysql(MysqlSettings {
                host,
                port,
                database,
                user,
                password,
                max_allowed_packet,
                timeout,
                tls,
                allow_invalid_certs,
            }) => {
                self.leb(first + 5);
                self.millis(*timeout);
                self.flag(*tls);
                self.flag(*allow_invalid_certs);
                self.option(*max_allowed_packet, Self::leb);
                self.option(None, Self::leb);
                self.option(Some(5), Self::leb);
                self.leb(2);
                self.replica();
                self.replica();
                self.text(host);
                self.leb((*port).into());
                self.text(database);
                self.option_text(user.as_ref());
                self.secret(password.as_ref());
            }
            StoreKind::Sharded { stores } => {
                self.leb(1);
                self.leb(stores.len() as u64);
                stores.iter().for_each(|store| self.store(&store.kind, 0));
            }
            other => panic!("{other:?}"),
        }
    }

    fn replica(&mut self) {
        self.text("replica");
        self.leb(1);
        self.text("m");
        self.option_text(None);
        self.leb(3);
        self.text("/none");
    }
}

fn text() -> impl Strategy<Value = String> {
    "[a-zA-Z0-9/._é-]{1,200}"
}

fn optional_secret() -> impl Strategy<Value = Option<Secret>> {
    proptest::option::of(text().prop_map(Secret::new))
}

fn millis() -> impl Strategy<Value = Duration> {
    any::<u64>().prop_map(Duration::from_millis)
}

fn buckets() -> impl Strategy<Value = StoreKind> {
    let names: Vec<String> = REGIONS.split_whitespace().map(str::to_string).collect();
    let region = prop_oneof![
        proptest::sample::select(names).prop_map(|name| (name, None)),
        (text(), text()).prop_map(|(name, endpoint)| (name, Some(Endpoint::new(endpoint)))),
    ];
    let secrets = (optional_secret(), optional_secret(), optional_secret(), optional_secret());
    let texts = (text(), proptest::option::of(text()), proptest::option::of(text()));
    (region, secrets, texts, millis(), 1..=10_u32, any::<bool>()).prop_map(
        |((region, endpoint), secrets, (bucket, profile, key_prefix), timeout, max_retries, any)| {
            let (access_key, secret_key, security_token, session_token) = secrets;
            StoreKind::S3(S3Settings {
                bucket,
                region,
                endpoint,
                access_key,
                secret_key,
                security_token,
                session_token,
                profile,
                timeout,
                max_retries,
                key_prefix,
                allow_invalid_certs: any,
            })
        },
    )
}

fn databases() -> impl Strategy<Value = StoreKind> {
    let texts = (text(), text(), text(), proptest::option::of(text()), any::<bool>());
    let numbers = (1..=u16::MAX, proptest::option::of(any::<u64>()), proptest::option::of(millis()));
    (texts, numbers, optional_secret(), any::<bool>(), any::<bool>()).prop_map(
        |((host, database, user, options, mysql), (port, packet, timeout), password, tls, any)| {
            if mysql {
                StoreKind::Mysql(MysqlSettings {
                    host,
                    port,
                    database,
                    user: Some(user),
                    password,
                    max_allowed_packet: packet,
                    timeout,
                    tls,
                    allow_invalid_certs: any,
                })
            } else {
                StoreKind::Postgres(PostgresSettings {
                    host: Some(host),
                    port,
                    database,
                    user: Some(user),
                    password,
                    options: options.map(Secret::new),
                    timeout,
                    tls,
                    allow_plaintext: false,
                    allow_invalid_certs: any,
                })
            }
        },
    )
}

fn containers() -> impl Strategy<Value = StoreKind> {
    let secret = (text(), any::<bool>()).prop_map(|(text, key)| {
        if key {
            AzureCredential::AccessKey(Secret::new(text))
        } else {
            AzureCredential::SasToken(Secret::new(text))
        }
    });
    (text(), text(), secret, millis(), 1..=10_u32, proptest::option::of(text())).prop_map(
        |(account, container, credential, timeout, max_retries, key_prefix)| {
            StoreKind::Azure(AzureSettings {
                account,
                container,
                endpoint: None,
                credential,
                timeout,
                max_retries,
                key_prefix,
            })
        },
    )
}

fn stores() -> impl Strategy<Value = StoreKind> {
    let single = prop_oneof![
        buckets(),
        containers(),
        databases(),
        (text(), 0..=5_u8).prop_map(|(path, depth)| fs(&path, depth)),
    ]
    .boxed();
    prop_oneof![single.clone(), proptest::collection::vec(single, 2..5).prop_map(sharded)]
}

proptest! {
    #[test]
    fn what_is_written_is_read(kind in stores()) {
        let mut pickled = Pickled(vec![1]);
        pickled.store(&kind, 2);
        prop_assert_eq!(decode(&pickled.0).unwrap(), elsewhere(kind.clone()));
        prop_assert_eq!(decode(&compressed(&pickled.0)).unwrap(), elsewhere(kind));
    }

    #[test]
    fn any_bytes_are_answered(value in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = decode(&value);
    }
}
