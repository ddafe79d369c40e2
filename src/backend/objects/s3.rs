//! Blobs in an S3 bucket, flat, under a prefix that lets several servers share the bucket.
//!
//! This module builds path-style addresses itself: a name is the prefix and the key, whatever characters the prefix
//! has. `credentials.rs` finds keys, `regions.rs` lists the services by region.

use std::ops::ControlFlow;

use object_store::aws::AwsAuthorizer;
use reqwest::Method;
use xxhash_rust::xxh3::xxh3_64;

use super::target::too_large;
use super::wire::{self, Advice, Answer, Circle, Failure, Manners, Wire, percent, unpercent};
use super::xml::{self, Names, NoList};
use super::{Found, Objects, Visit, names};
use crate::base::error::{Error, Result};
use crate::base::hex::hex;
use crate::base::stop::Stop;
use crate::settings::{Endpoint, S3Settings};
use credentials::Credentials;

mod credentials;
mod regions;

/// Limit in bytes of one write request.
const MOST: u64 = 5 << 30;

/// A bucket.
pub struct S3 {
    wire: Wire,
    credentials: Credentials,
    region: String,
    // Address of the bucket, without a trailing slash.
    bucket: String,
    prefix: String,
    place: String,
}

impl S3 {
    /// The bucket of these settings. Sends no request.
    ///
    /// Errors: usage if the settings are invalid.
    pub fn new(settings: &S3Settings) -> Result<Self> {
        let place = settings.location();
        let usage = |what: &str, next: &str| {
            Err(Error::usage(what).with("store", place.clone()).next(next.to_string()))
        };
        let Some((endpoint, region)) =
            regions::service(&settings.region, settings.endpoint.as_ref().map(Endpoint::as_str))
        else {
            let what = format!("the S3 region `{}` is not one the server knows", shown(&settings.region));
            return usage(&what, "correct the region, or add the endpoint of the service");
        };
        let bucket = format!("{endpoint}/{}", percent(&settings.bucket, b""));
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
        let wire = Wire::new(Manners {
            timeout: settings.timeout,
            retries: settings.max_retries,
            any_certificate: settings.allow_invalid_certs,
            place: place.clone(),
        })?;
        let credentials = Credentials::of(settings, &region, &|name| std::env::var(name).ok())?;
        Ok(S3 { wire, credentials, region, bucket, prefix, place })
    }

    fn object(&self, key: &[u8]) -> String {
        format!("{}{}", self.prefix, names::encode(key))
    }

    fn address(&self, key: &[u8]) -> String {
        format!("{}/{}", self.bucket, percent(&self.object(key), b"/"))
    }

    fn ask(
        &self,
        method: &Method,
        address: &str,
        body: Vec<u8>,
        most: u64,
    ) -> std::result::Result<Answer, Failure> {
        let body = object_store::client::HttpRequestBody::from(body);
        let prepare = async || {
            let mut request = wire::request(method.clone(), address, Vec::new())?;
            *request.body_mut() = body.clone();
            let keys = self.credentials.get(&self.place).await?;
            // The signature covers the content, so the service refuses one that was changed on the way.
            AwsAuthorizer::new(&keys, "s3", &self.region)
                .try_authorize(&mut request, None)
                .map_err(|_| Error::io("cannot sign a request").with("store", self.place.clone()))?;
            Ok(request)
        };
        self.wire.ask(prepare, most)
    }

    fn failed(&self, failure: Failure, doing: &str, key: &[u8]) -> Error {
        let error = self.wire.error(failure, doing, &ADVICE);
        error.with("object", self.object(key)).with("key", hex(key))
    }

    /// Lists a page of the names with `prefix` to `visit`; returns the token of the next page.
    fn page(
        &self,
        prefix: &str,
        token: Option<&str>,
        most: u32,
        visit: &mut Visit,
    ) -> Result<ControlFlow<(), Option<String>>> {
        let mut address = format!("{}?", self.bucket);
        if let Some(token) = token {
            address.push_str(&format!("continuation-token={}&", percent(token, b"")));
        }
        // Encoded, because not every name is valid in XML.
        address.push_str(&format!("encoding-type=url&list-type=2&max-keys={most}"));
        if !prefix.is_empty() {
            address.push_str(&format!("&prefix={}", percent(prefix, b"")));
        }
        let answer = self
            .ask(&Method::GET, &address, Vec::new(), wire::LONGEST_LIST)
            .map_err(|failure| self.wire.error(failure, "list the objects of the bucket", &ADVICE))?;
        let text = answer.text(&self.place)?;
        let wrong = |what: &str| {
            Error::io(format!("the service answers with {what}"))
                .with("store", self.place.clone())
                .next("check that the endpoint in the configuration is that of an S3 service")
        };
        let list = xml::list(&text, &NAMES).map_err(|why| match why {
            NoList::Other => wrong("something that is no list"),
            NoList::Grouped => wrong("a list that does not name every object"),
        })?;
        let encoded = xml::field(&list.fields, "EncodingType");
        let encoded = encoded.is_some_and(|encoding| encoding.trim().eq_ignore_ascii_case("url"));
        for item in &list.items {
            let name = xml::field(item, "Key").filter(|name| !name.is_empty());
            let name = name.ok_or_else(|| wrong("an object without a name"))?;
            let size = xml::field(item, "Size").and_then(|size| size.trim().parse().ok());
            let size = size.ok_or_else(|| wrong("an object without a size"))?;
            let etag = xml::field(item, "ETag").unwrap_or_default();
            let written = xml::field(item, "LastModified").unwrap_or_default();
            let stamp = xxh3_64(format!("{etag} {written}").as_bytes());
            let seen = match self.key(name, encoded) {
                Ok(key) => visit(Found::Object { key, size, stamp }),
                Err(name) => visit(Found::Foreign(name)),
            };
            if seen?.is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
        next_token(&list).map(ControlFlow::Continue).map_err(wrong)
    }

    /// Lists all names with `prefix` to `visit`.
    fn pages(&self, prefix: &str, most: u32, visit: &mut Visit) -> Result<()> {
        let (mut token, mut circle) = (None::<String>, Circle::default());
        loop {
            Stop::of_process().check()?;
            match self.page(prefix, token.as_deref(), most, visit)? {
                ControlFlow::Continue(Some(next)) if circle.closes_at(&next) => {
                    return Err(Error::io(
                        "the service answers with a list that goes on with what it has shown",
                    )
                    .with("store", self.place.clone())
                    .next("check that the endpoint in the configuration is that of an S3 service"));
                }
                ControlFlow::Continue(Some(next)) => token = Some(next),
                ControlFlow::Continue(None) | ControlFlow::Break(()) => return Ok(()),
            }
        }
    }

    /// The key of a listed name, or the name if it is no key.
    fn key(&self, name: &str, encoded: bool) -> std::result::Result<Vec<u8>, String> {
        // Services differ in how they encode, and some only claim to.
        let readings = if encoded {
            vec![unpercent(name, true), unpercent(name, false), name.to_string()]
        } else {
            vec![name.to_string()]
        };
        let key = readings.iter().find_map(|name| names::decode(name.strip_prefix(self.prefix.as_str())?));
        key.ok_or_else(|| readings.into_iter().next().unwrap_or_default())
    }
}

impl Objects for S3 {
    fn place(&self) -> &str {
        &self.place
    }

    fn name(&self, key: &[u8]) -> String {
        self.object(key)
    }

    fn open(&self) -> Result<()> {
        self.page(&self.prefix, None, 1, &mut |_| Ok(ControlFlow::Continue(()))).map(drop)
    }

    fn prepare(&self) -> Result<()> {
        // The server does not create a bucket either.
        self.open()
    }

    fn list(&self, visit: &mut Visit) -> Result<()> {
        self.pages(&self.prefix, 1000, visit)
    }

    fn size(&self, key: &[u8]) -> Result<Option<u64>> {
        let mut size = None;
        // The object's own name is the first with this prefix, if a service keeps the order of S3.
        self.pages(&self.object(key), 1, &mut |found| match found {
            Found::Object { key: found, size: bytes, .. } if found == key => {
                size = Some(bytes);
                Ok(ControlFlow::Break(()))
            }
            _ => Ok(ControlFlow::Continue(())),
        })?;
        Ok(size)
    }

    fn get(&self, key: &[u8], most: u64) -> Result<Option<Vec<u8>>> {
        if most > MOST {
            return Err(too_large(key, most, MOST, &self.place));
        }
        match self.ask(&Method::GET, &self.address(key), Vec::new(), most) {
            Ok(answer) => Ok(Some(answer.body)),
            Err(failure) if absent(&failure) => Ok(None),
            Err(failure) => Err(self.failed(failure, "read a blob", key)),
        }
    }

    fn put(&self, key: &[u8], value: Vec<u8>) -> Result<()> {
        if value.len() as u64 > MOST {
            return Err(too_large(key, value.len() as u64, MOST, &self.place));
        }
        self.ask(&Method::PUT, &self.address(key), value, wire::LONGEST_RECEIPT)
            .map(drop)
            .map_err(|failure| self.failed(failure, "write a blob", key))
    }

    fn delete(&self, key: &[u8]) -> Result<()> {
        match self.ask(&Method::DELETE, &self.address(key), Vec::new(), wire::LONGEST_RECEIPT) {
            Ok(_) => Ok(()),
            Err(failure) if absent(&failure) => Ok(()),
            Err(failure) => Err(self.failed(failure, "delete a blob", key)),
        }
    }
}

/// The token of the next page; `None` if the list states that this was its end. A missing statement never counts as
/// the end: the objects after it would be lost silently.
///
/// Errors: the fault of the list.
fn next_token(list: &xml::List) -> std::result::Result<Option<String>, &'static str> {
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

/// Whether an object does not exist in an existing bucket. An answer without a code may come from a proxy only if the
/// proxy answers that for every object; an answer with another code is about something else.
fn absent(failure: &Failure) -> bool {
    matches!(failure, Failure::Status(404, code)
        if code.as_deref().is_none_or(|code| code.eq_ignore_ascii_case("NoSuchKey")))
}

const NAMES: Names = Names { root: "ListBucketResult", item: "Contents", group: "CommonPrefixes" };

const ADVICE: Advice = Advice {
    forbidden: "check the keys in the configuration, and that they may list the bucket and read it",
    absent: "check bucket and endpoint in the configuration",
    elsewhere: "check region and endpoint in the configuration",
};

/// A text of the configuration, shortened to fit a line of a message.
fn shown(text: &str) -> String {
    text.chars().take(64).flat_map(char::escape_debug).collect()
}
