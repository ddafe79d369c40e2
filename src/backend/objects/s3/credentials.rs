//! Keys for S3: those of the configuration, or the first ones found where the server searches.
//!
//! The order is the server's: web identity, environment, credentials file, container, machine. Does not depend on a
//! bucket.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use object_store::RetryConfig;
use object_store::aws::{AmazonS3Builder, AwsCredential, AwsCredentialProvider};

use super::wire;
use crate::base::error::{Error, Result};
use crate::settings::{S3Settings, Secret};

/// Limit in bytes of a credentials file.
const LONGEST: u64 = 1 << 20;

/// The source of the keys of requests.
pub(super) enum Credentials {
    /// Fixed keys.
    Fixed(Arc<AwsCredential>),
    /// Keys of a provider, requested again before they expire.
    Asked(AwsCredentialProvider, &'static str),
}

impl Credentials {
    /// The credentials of a bucket in this region. `env` is the environment.
    pub fn of(settings: &S3Settings, region: &str, env: &dyn Fn(&str) -> Option<String>) -> Result<Self> {
        let place = settings.location();
        let token = settings.security_token.as_ref().or(settings.session_token.as_ref());
        if let Some(key) = &settings.access_key {
            let text = |secret: &Secret| secret.expose().to_string();
            let secret = settings.secret_key.as_ref().map(text).unwrap_or_default();
            return fixed(text(key), secret, token.map(text), "the configuration", &place);
        }
        let set = |name: &str| env(name).filter(|value| !value.is_empty());
        if set("AWS_ROLE_ARN").is_some() && set("AWS_WEB_IDENTITY_TOKEN_FILE").is_some() {
            return asked(&WEB_IDENTITY, settings, region, env, "AWS_WEB_IDENTITY_TOKEN_FILE");
        }
        if let (Some(key), Some(secret)) = (set("AWS_ACCESS_KEY_ID"), set("AWS_SECRET_ACCESS_KEY")) {
            let token = set("AWS_SECURITY_TOKEN").or_else(|| set("AWS_SESSION_TOKEN"));
            return fixed(key, secret, token, "the environment", &place);
        }
        if let Some((key, secret, token)) = from_file(settings, &set)? {
            return fixed(key, secret, token, "the credentials file", &place);
        }
        asked(&MACHINE, settings, region, env, "the container or machine this runs on")
    }

    pub async fn get(&self, place: &str) -> Result<Arc<AwsCredential>> {
        match self {
            Credentials::Fixed(keys) => Ok(Arc::clone(keys)),
            // Its error may repeat the request, which contains a token.
            Credentials::Asked(provider, whom) => provider.get_credential().await.map_err(|_| {
                Error::io(format!("there are no keys for S3: {whom} gave none")).with("store", place).help(
                    "set access key and secret key in the configuration, AWS_ACCESS_KEY_ID and \
                         AWS_SECRET_ACCESS_KEY, or the profile in ~/.aws/credentials",
                )
            }),
        }
    }
}

/// Environment variables that describe how to request keys.
const WEB_IDENTITY: [&str; 4] =
    ["AWS_ROLE_ARN", "AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_ROLE_SESSION_NAME", "AWS_ENDPOINT_URL_STS"];
const MACHINE: [&str; 5] = [
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
    "AWS_METADATA_ENDPOINT",
    "AWS_IMDSV1_FALLBACK",
];

fn asked(
    variables: &[&str],
    settings: &S3Settings,
    region: &str,
    env: &dyn Fn(&str) -> Option<String>,
    whom: &'static str,
) -> Result<Credentials> {
    let retry = RetryConfig {
        max_retries: usize::try_from(settings.max_retries).unwrap_or(usize::MAX),
        retry_timeout: settings.timeout.max(Duration::from_secs(1)),
        ..RetryConfig::default()
    };
    let mut builder = AmazonS3Builder::new().with_bucket_name("none").with_region(region).with_retry(retry);
    for name in variables {
        if let (Some(value), Ok(key)) = (env(name), name.to_ascii_lowercase().parse()) {
            builder = builder.with_config(key, value);
        }
    }
    // No request goes to the bucket: only the key provider is used.
    let finder = builder.build().map_err(|_| {
        Error::usage(format!("cannot ask {whom} for keys")).with("store", settings.location())
    })?;
    Ok(Credentials::Asked(Arc::clone(finder.credentials()), whom))
}

fn fixed(
    key_id: String,
    secret_key: String,
    token: Option<String>,
    whence: &str,
    place: &str,
) -> Result<Credentials> {
    if !wire::fits_a_header(&key_id) || !token.as_deref().is_none_or(wire::fits_a_header) {
        return Err(Error::usage(format!("the access key or token for S3 from {whence} is none"))
            .with("store", place)
            .help("look for line breaks and other characters that do not belong there"));
    }
    Ok(Credentials::Fixed(Arc::new(AwsCredential { key_id, secret_key, token })))
}

type KeyParts = (String, String, Option<String>);

/// The keys in the section of the credentials file, if there is one.
fn from_file(settings: &S3Settings, set: &dyn Fn(&str) -> Option<String>) -> Result<Option<KeyParts>> {
    let named = set("AWS_SHARED_CREDENTIALS_FILE").map(PathBuf::from);
    let Some(path) = named.or_else(|| Some(PathBuf::from(set("HOME")?).join(".aws/credentials"))) else {
        return Ok(None);
    };
    let failed = |error: std::io::Error| {
        Error::io("cannot read the credentials file for S3")
            .with("path", path.display().to_string())
            .because(error)
            .help("let this user read it, or set the keys in the configuration")
    };
    match std::fs::metadata(&path) {
        Ok(meta) if meta.len() <= LONGEST => {}
        Ok(_) => return Err(failed(std::io::ErrorKind::FileTooLarge.into())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed(error)),
    }
    let text = std::fs::read(&path).map_err(failed)?;
    let section = settings.profile.as_deref().unwrap_or("default");
    Ok(section_of(&String::from_utf8_lossy(&text), section))
}

fn section_of(text: &str, wanted: &str) -> Option<KeyParts> {
    let (mut inside, mut key, mut secret, mut token) = (false, None, None, None);
    for line in text.lines() {
        let line = line.trim();
        if let Some(name) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
            inside = name.trim() == wanted;
        } else if inside && !line.starts_with(['#', ';']) {
            let Some((name, value)) = line.split_once('=') else { continue };
            let slot = match name.trim() {
                "aws_access_key_id" => &mut key,
                "aws_secret_access_key" => &mut secret,
                "aws_session_token" | "aws_security_token" => &mut token,
                _ => continue,
            };
            *slot = Some(value.trim().to_string());
        }
    }
    Some((key?, secret?, token))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn settings(access_key: Option<&str>, profile: Option<&str>) -> S3Settings {
        S3Settings {
            bucket: "b".into(),
            region: "us-east-1".into(),
            endpoint: None,
            access_key: access_key.map(Secret::new),
            secret_key: Some(Secret::new("configured-secret")),
            security_token: None,
            session_token: Some(Secret::new("configured-token")),
            profile: profile.map(str::to_string),
            timeout: Duration::from_secs(1),
            max_retries: 0,
            key_prefix: None,
            allow_invalid_certs: false,
        }
    }

    #[test]
    fn keys_are_looked_for_where_the_server_looks() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("credentials");
        let text = "# [default]\n[default]\naws_access_key_id = file-key\naws_secret_access_key=file=secret\n\
                    [half]\naws_access_key_id=x\n[ other ]\n;aws_access_key_id=no\naws_access_key_id=other-key\n\
                    aws_secret_access_key=s\naws_session_token=t\n";
        std::fs::write(&file, text).unwrap();
        let file = file.display().to_string();
        let check = |settings: S3Settings, env: &[(&str, &str)], expect: &str| {
            wire::Wire::new(wire::ClientSettings {
                timeout: Duration::from_secs(1),
                retries: 0,
                any_certificate: false,
                place: String::new(),
            })
            .map(drop)
            .unwrap();
            let env: BTreeMap<&str, &str> = env.iter().copied().collect();
            let got = Credentials::of(&settings, "us-east-1", &|name| env.get(name).map(|v| v.to_string()));
            let got = match got.unwrap() {
                Credentials::Fixed(keys) => {
                    format!("{} {} {}", keys.key_id, keys.secret_key, keys.token.clone().unwrap_or_default())
                }
                Credentials::Asked(_, whom) => whom.to_string(),
            };
            assert_eq!(got, expect, "{env:?}");
        };
        let environment = [("AWS_ACCESS_KEY_ID", "env-key"), ("AWS_SECRET_ACCESS_KEY", "env-secret")];
        let shared = ("AWS_SHARED_CREDENTIALS_FILE", file.as_str());
        let with = |more: &[(&'static str, &'static str)]| [&environment[..], more].concat();
        check(settings(Some("key"), None), &with(&[]), "key configured-secret configured-token");
        check(settings(Some(""), None), &with(&[]), " configured-secret configured-token");
        check(settings(None, None), &with(&[]), "env-key env-secret ");
        check(settings(None, None), &with(&[("AWS_SESSION_TOKEN", "t")]), "env-key env-secret t");
        let web = [("AWS_ROLE_ARN", "arn:x"), ("AWS_WEB_IDENTITY_TOKEN_FILE", "/nowhere")];
        check(settings(None, None), &with(&web), "AWS_WEB_IDENTITY_TOKEN_FILE");
        check(settings(None, None), &[shared], "file-key file=secret ");
        check(settings(None, Some("other")), &[shared], "other-key s t");
        for missing in ["half", "none"] {
            check(settings(None, Some(missing)), &[shared], "the container or machine this runs on");
        }
        check(settings(None, None), &[], "the container or machine this runs on");
        check(settings(None, None), &[("HOME", "/nowhere")], "the container or machine this runs on");
    }

    #[test]
    fn keys_that_fit_no_header_are_refused_without_being_shown() {
        let mut settings = settings(Some("canary\nkey"), None);
        let error = Credentials::of(&settings, "r", &|_| None).err().unwrap().to_string();
        assert!(!error.contains("canary"), "{error}");
        settings.access_key = Some(Secret::new("key"));
        settings.security_token = Some(Secret::new("canary\u{e9}"));
        let error = Credentials::of(&settings, "r", &|_| None).err().unwrap().to_string();
        assert!(!error.contains("canary"), "{error}");
    }
}
