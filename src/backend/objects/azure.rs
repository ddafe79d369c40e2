//! Blobs in an Azure container, flat, under a prefix.
//!
//! This module builds addresses itself: a name is the prefix and the key. Objects are read without a range, which an
//! empty object would not satisfy.

use object_store::azure::{self, AzureAccessKey, AzureAuthorizer, split_sas};
use object_store::client::{HttpRequest, HttpRequestBody};
use reqwest::Method;
use reqwest::header::{HeaderName, HeaderValue};

use super::service::{Container, FieldNames, Service};
use super::wire::{self, Advice, ClientSettings, Failure, ServiceAnswer, Wire, percent, unpercent};
use super::xml::{self, ElementNames, Field, List};
use crate::base::error::{Error, Result};
use crate::settings::{AzureCredential, AzureSettings, Endpoint};

/// The account of the emulator only.
const EMULATED: &str = "devstoreaccount1";

/// A container.
pub struct Azure {
    container: Container,
    account: String,
    credential: azure::AzureCredential,
}

impl Azure {
    /// The container of these settings. Sends no request.
    ///
    /// Errors: usage if the settings are invalid.
    pub fn new(settings: &AzureSettings) -> Result<Self> {
        Azure::within(settings, &|name| std::env::var(name).ok())
    }

    fn within(settings: &AzureSettings, env: &dyn Fn(&str) -> Option<String>) -> Result<Self> {
        let place = settings.location();
        let usage = |what: &str, help: &str| Error::usage(what).with("store", place.clone()).help(help);
        let named = |name: &str| {
            !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'$')
        };
        if !named(&settings.account) || !named(&settings.container) {
            let help = "correct it in the configuration";
            return Err(usage("the Azure storage account or container is no name", help));
        }
        let endpoint = endpoint(&settings.account, settings.endpoint.as_ref().map(Endpoint::as_str), env);
        let address = format!("{endpoint}/{}", percent(&settings.container, b""));
        if !wire::is_address(&endpoint) {
            let help = "write it as https://host or https://host:port, without a signature";
            return Err(usage("the Azure endpoint is no address", help));
        }
        // The texts of these errors may contain a part of the secret.
        let credential = match &settings.credential {
            AzureCredential::AccessKey(key) => AzureAccessKey::try_new(key.expose().trim())
                .map(azure::AzureCredential::AccessKey)
                .map_err(|_| usage("the Azure access key is none: it is not base64", "copy it again"))?,
            AzureCredential::SasToken(token) => split_sas(token.expose().trim())
                .map(azure::AzureCredential::SASToken)
                .map_err(|_| usage("the Azure SAS token is none", "copy it again"))?,
        };
        let prefix = settings.key_prefix.clone().unwrap_or_default();
        wire::check_prefix(&prefix, &place)?;
        let wire = Wire::new(ClientSettings {
            timeout: settings.timeout,
            retries: settings.max_retries,
            any_certificate: false,
            place: place.clone(),
        })?;
        let container = Container { wire, address, prefix, place };
        Ok(Azure { container, account: settings.account.clone(), credential })
    }

    fn sign(&self, request: &mut HttpRequest) -> Result<()> {
        AzureAuthorizer::new(&self.credential, &self.account)
            .try_authorize(request)
            .map_err(|_| Error::io("cannot sign a request").with("store", &*self.container.place))
    }
}

impl Service for Azure {
    const MOST: u64 = 5000 << 20;
    const ABSENT: &str = "BlobNotFound";
    const NAMES: ElementNames =
        ElementNames { root: "EnumerationResults", item: "Blob", group: "BlobPrefix" };
    const WORDS: FieldNames = FieldNames { size: "Content-Length", etag: "Etag", written: "Last-Modified" };
    const ADVICE: Advice = Advice {
        forbidden: "check the key or the token in the configuration, and that it may list the container and read it",
        absent: "check account and container in the configuration",
        elsewhere: "check account and endpoint",
    };
    const LISTING: &str = "list the objects of the container";
    const CHECK: &str = "check that the endpoint is that of an Azure blob service";

    fn container(&self) -> &Container {
        &self.container
    }

    fn ask(
        &self,
        method: &Method,
        address: &str,
        body: Option<Vec<u8>>,
        most: u64,
    ) -> std::result::Result<ServiceAnswer, Failure> {
        let put = body.is_some();
        let body = HttpRequestBody::from(body.unwrap_or_default());
        let prepare = async || {
            let mut request = wire::request(method.clone(), address, Vec::new())?;
            *request.body_mut() = body.clone();
            if put {
                let length = HeaderValue::from(body.content_length());
                request.headers_mut().insert(reqwest::header::CONTENT_LENGTH, length);
                let kind = HeaderValue::from_static("application/octet-stream");
                request.headers_mut().insert(reqwest::header::CONTENT_TYPE, kind);
                let kind = HeaderValue::from_static("BlockBlob");
                request.headers_mut().insert(HeaderName::from_static("x-ms-blob-type"), kind);
            }
            self.sign(&mut request)?;
            Ok(request)
        };
        self.container.wire.ask(prepare, most)
    }

    fn page_address(&self, prefix: &str, token: Option<&str>, most: u32) -> String {
        let mut address = format!("{}?restype=container&comp=list&maxresults={most}", self.container.address);
        if !prefix.is_empty() {
            address.push_str(&format!("&prefix={}", percent(prefix, b"")));
        }
        if let Some(marker) = token {
            address.push_str(&format!("&marker={}", percent(marker, b"")));
        }
        address
    }

    fn key(&self, _: &List, item: &[Field]) -> Option<std::result::Result<Vec<u8>, String>> {
        let name = item.iter().find(|field| field.name == "name" && !field.text.is_empty())?;
        let name = if name.encoded { unpercent(&name.text, false) } else { name.text.clone() };
        Some(self.container.key(&name).ok_or(name))
    }

    fn next(&self, list: &List) -> std::result::Result<Option<String>, &'static str> {
        // Azure states on its last page that nothing follows. A list without that statement does not count as
        // complete.
        let next = xml::field(&list.fields, "NextMarker").map(str::trim);
        let next = next.ok_or("a list that does not say whether it is complete")?;
        Ok((!next.is_empty()).then(|| next.to_string()))
    }
}

/// Address of the service of an account, without a trailing slash.
fn endpoint(account: &str, configured: Option<&str>, env: &dyn Fn(&str) -> Option<String>) -> String {
    let set = |name: &str| env(name).filter(|value| !value.is_empty());
    let given = configured.map(str::to_string).or_else(|| set("AZURE_STORAGE_ENDPOINT"));
    let emulated = account == EMULATED;
    let endpoint = match given {
        Some(given) if given.contains("://") => given,
        Some(given) => format!("https://{given}"),
        None if emulated => {
            set("AZURITE_BLOB_STORAGE_URL").unwrap_or_else(|| "http://127.0.0.1:10000".to_string())
        }
        None => return format!("https://{account}.blob.core.windows.net"),
    };
    let endpoint = endpoint.trim_end_matches('/');
    let account = format!("/{account}");
    if emulated && !endpoint.ends_with(&account) {
        // The emulator does not have a host for every account.
        endpoint.to_string() + &account
    } else {
        endpoint.to_string()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::settings::Secret;

    #[test]
    fn accounts_lead_to_their_service() {
        let check = |account: &str, configured: Option<&str>, env: &[(&str, &str)], expect: &str| {
            let env = |name: &str| env.iter().find(|(n, _)| *n == name).map(|(_, v)| v.to_string());
            assert_eq!(endpoint(account, configured, &env), expect);
        };
        let storage = [("AZURE_STORAGE_ENDPOINT", "https://acct.blob.core.usgovcloudapi.net/")];
        check("acct", None, &[], "https://acct.blob.core.windows.net");
        check("acct", None, &storage, "https://acct.blob.core.usgovcloudapi.net");
        check("acct", Some("host:1"), &storage, "https://host:1");
        check(EMULATED, None, &[], "http://127.0.0.1:10000/devstoreaccount1");
        let azurite = [("AZURITE_BLOB_STORAGE_URL", "http://localhost:7/")];
        check(EMULATED, None, &azurite, "http://localhost:7/devstoreaccount1");
        check(
            EMULATED,
            Some("http://localhost:7/devstoreaccount1"),
            &[],
            "http://localhost:7/devstoreaccount1",
        );
        check("acct", None, &azurite, "https://acct.blob.core.windows.net");
    }

    #[test]
    fn settings_that_lead_nowhere_are_refused_without_their_secrets() {
        let settings = |credential, endpoint: Option<&str>| AzureSettings {
            account: "acct".into(),
            container: "mail".into(),
            credential,
            endpoint: endpoint.map(Endpoint::new),
            timeout: Duration::from_secs(1),
            max_retries: 0,
            key_prefix: None,
        };
        let sas = |text: &str| AzureCredential::SasToken(Secret::new(text));
        for (credential, endpoint, place) in [
            (AzureCredential::AccessKey(Secret::new("canary!")), None, "azure://acct/mail/"),
            (sas("canary"), None, "azure://acct/mail/"),
            (sas("sig=canary"), Some("http://host/?sig=canary"), "azure://host/acct/mail/"),
            (sas("sig=canary"), Some("http://user:canary@host/"), "azure://host/acct/mail/"),
            (sas("sig=canary"), Some("http://"), "azure:///acct/mail/"),
        ] {
            let settings = settings(credential, endpoint);
            assert!(!format!("{settings:?}").contains("canary"));
            let error = Azure::new(&settings).err().map(|error| error.to_string()).unwrap_or_default();
            assert!(error.contains(place) && !error.contains("canary"), "{error}");
        }
        assert!(Azure::new(&settings(sas("?sv=1&sig=a%2Bb%3D"), None)).is_ok());
    }
}
