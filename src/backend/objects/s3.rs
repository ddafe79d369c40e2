//! Blobs in an S3 bucket, flat, under a prefix that lets several servers share the bucket.
//!
//! This module builds path-style addresses itself: a name is the prefix and the key, whatever characters the prefix
//! has. `credentials.rs` finds keys, `regions.rs` lists the services by region.

use object_store::aws::AwsAuthorizer;
use reqwest::Method;

use super::service::{Container, FieldNames, Service};
use super::wire::{self, Advice, ClientSettings, Failure, ServiceAnswer, Wire, percent, unpercent};
use super::xml::{self, ElementNames, Field, List};
use crate::base::error::{Error, Result};
use crate::settings::{Endpoint, S3Settings};
use credentials::Credentials;

mod credentials;
mod regions;

/// A bucket.
pub struct S3 {
    container: Container,
    credentials: Credentials,
    region: String,
}

impl S3 {
    /// The bucket of these settings. Sends no request.
    ///
    /// Errors: usage if the settings are invalid.
    pub fn new(settings: &S3Settings) -> Result<Self> {
        let place = settings.location();
        let usage = |what: &str, help: &str| Err(Error::usage(what).with("store", place.clone()).help(help));
        let Some((endpoint, region)) =
            regions::service(&settings.region, settings.endpoint.as_ref().map(Endpoint::as_str))
        else {
            let what = format!("the S3 region `{}` is not one the server knows", shown(&settings.region));
            return usage(&what, "correct the region, or add the endpoint of the service");
        };
        let address = format!("{endpoint}/{}", percent(&settings.bucket, b""));
        if !wire::is_address(&endpoint) {
            return usage("the S3 endpoint is no address", "write it as https://host or https://host:port");
        }
        if settings.bucket.is_empty() || !wire::fits_a_header(&region) {
            return usage("the S3 bucket or region is no name", "correct it in the configuration");
        }
        let prefix = settings.key_prefix.clone().unwrap_or_default();
        wire::check_prefix(&prefix, &place)?;
        // As the server does it.
        let prefix = prefix.strip_prefix('/').unwrap_or(&prefix).to_string();
        let wire = Wire::new(ClientSettings {
            timeout: settings.timeout,
            retries: settings.max_retries,
            any_certificate: settings.allow_invalid_certs,
            place: place.clone(),
        })?;
        let credentials = Credentials::of(settings, &region, &|name| std::env::var(name).ok())?;
        Ok(S3 { container: Container { wire, address, prefix, place }, credentials, region })
    }
}

impl Service for S3 {
    const MOST: u64 = 5 << 30;
    const ABSENT: &str = "NoSuchKey";
    const NAMES: ElementNames =
        ElementNames { root: "ListBucketResult", item: "Contents", group: "CommonPrefixes" };
    const WORDS: FieldNames = FieldNames { size: "Size", etag: "ETag", written: "LastModified" };
    const ADVICE: Advice = Advice {
        forbidden: "check the keys in the configuration, and that they may list the bucket and read it",
        absent: "check bucket and endpoint in the configuration",
        elsewhere: "check region and endpoint in the configuration",
    };
    const LISTING: &str = "list the objects of the bucket";
    const CHECK: &str = "check that the endpoint in the configuration is that of an S3 service";

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
        let body = object_store::client::HttpRequestBody::from(body.unwrap_or_default());
        let prepare = async || {
            let mut request = wire::request(method.clone(), address, Vec::new())?;
            *request.body_mut() = body.clone();
            let keys = self.credentials.get(&self.container.place).await?;
            // The signature covers the content, so the service refuses one that was changed on the way.
            AwsAuthorizer::new(&keys, "s3", &self.region)
                .try_authorize(&mut request, None)
                .map_err(|_| Error::io("cannot sign a request").with("store", &*self.container.place))?;
            Ok(request)
        };
        self.container.wire.ask(prepare, most)
    }

    fn page_address(&self, prefix: &str, token: Option<&str>, most: u32) -> String {
        let mut address = format!("{}?", self.container.address);
        if let Some(token) = token {
            address.push_str(&format!("continuation-token={}&", percent(token, b"")));
        }
        // Encoded, because not every name is valid in XML.
        address.push_str(&format!("encoding-type=url&list-type=2&max-keys={most}"));
        if !prefix.is_empty() {
            address.push_str(&format!("&prefix={}", percent(prefix, b"")));
        }
        address
    }

    fn key(&self, list: &List, item: &[Field]) -> Option<std::result::Result<Vec<u8>, String>> {
        let encoded = xml::field(&list.fields, "EncodingType");
        let encoded = encoded.is_some_and(|encoding| encoding.trim().eq_ignore_ascii_case("url"));
        let name = xml::field(item, "Key").filter(|name| !name.is_empty())?;
        // Services differ in how they encode, and some only claim to.
        let readings = if encoded {
            vec![unpercent(name, true), unpercent(name, false), name.to_string()]
        } else {
            vec![name.to_string()]
        };
        let key = readings.iter().find_map(|name| self.container.key(name));
        Some(key.ok_or_else(|| readings.into_iter().next().unwrap_or_default()))
    }

    fn next(&self, list: &List) -> std::result::Result<Option<String>, &'static str> {
        let stated = |name| xml::field(&list.fields, name).map(str::trim);
        // The stated number of objects on this page.
        let count = stated("KeyCount").and_then(|count| count.parse::<usize>().ok());
        if count.is_some_and(|count| count > list.items.len()) {
            return Err("a list that shows fewer objects than it counts");
        }
        let next = stated("NextContinuationToken").filter(|token| !token.is_empty()).map(str::to_string);
        let truncated = stated("IsTruncated").map(str::to_ascii_lowercase);
        match (truncated.as_deref(), next) {
            // A token leads to another page, whatever else is stated; an object that is listed twice counts once.
            (_, Some(next)) => Ok(Some(next)),
            (Some("false" | "0"), None) => Ok(None),
            (Some("true" | "1"), None) => Err("a list that does not say how it goes on"),
            _ => Err("a list that does not say whether it is complete"),
        }
    }
}

/// A text of the configuration, shortened to fit a line of a message.
fn shown(text: &str) -> String {
    text.chars().take(64).flat_map(char::escape_debug).collect()
}
