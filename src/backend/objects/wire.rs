//! HTTP requests to a service: one runtime for all, repetition after transient failures, and translation of failures.
//!
//! Depends on HTTP and on how services report errors; on neither S3 nor Azure. No part of a request that could
//! contain a secret (address, headers, text of an answer) gets into an error.

use std::sync::OnceLock;
use std::time::Duration;

use object_store::client::{HttpRequest, HttpRequestBody};
use reqwest::header::HeaderValue;
use reqwest::{Client, Method, Response, StatusCode, Url};
use tokio::runtime::{Builder, Runtime};

use super::xml;
use crate::base::error::{Error, Result};
use crate::base::stop::Stop;

/// Longest wait before a request is repeated.
const LONGEST_PAUSE: Duration = Duration::from_secs(64);
/// Minimum rate in bytes per second that a large upload is given time for.
const SLOWEST: u64 = 128 << 10;
/// Bytes of an answer that are allocated before they arrive.
const AHEAD: u64 = 1 << 20;
/// Bytes of an error that are read; the rest of a longer one is skipped.
const LONGEST_ERROR: u64 = 64 << 10;
/// Limit in bytes of a page of a list: a thousand objects with the longest names take half of it.
pub(super) const LONGEST_LIST: u64 = 16 << 20;
/// Limit in bytes of the answer to a request for no content.
pub(super) const LONGEST_RECEIPT: u64 = 1 << 20;
/// How often a waiting request checks the request to end.
const LOOK: Duration = Duration::from_millis(200);

/// Settings of requests.
#[derive(Debug, Clone)]
pub(super) struct ClientSettings {
    /// Limit for an answer to begin, and for every part of it to follow.
    pub timeout: Duration,
    /// How often a request is repeated.
    pub retries: u32,
    /// Whether any certificate is accepted.
    pub any_certificate: bool,
    /// The service, for messages.
    pub place: String,
}

/// A client of a service.
pub(super) struct Wire {
    client: Client,
    settings: ClientSettings,
}

/// A successful answer.
pub(super) struct ServiceAnswer {
    /// The body.
    pub body: Vec<u8>,
}

impl ServiceAnswer {
    /// The body as text.
    pub fn text(self, place: &str) -> Result<String> {
        String::from_utf8(self.body)
            .map_err(|_| Error::io("the service answers with something that is no text").with("store", place))
    }
}

/// Why a request has failed.
#[derive(Debug)]
pub(super) enum Failure {
    /// The service refuses, with this status and, if it sends one, this code.
    Status(u16, Option<String>),
    /// The connection to the service failed.
    Lost(String),
    /// The service has a certificate that this machine does not trust.
    Distrusted(String),
    /// The service exceeded this limit.
    Slow(Duration),
    /// The service sends more bytes than were requested.
    Long(u64),
    /// The request cannot be made.
    Ours(Error),
}

impl Wire {
    pub fn new(settings: ClientSettings) -> Result<Self> {
        // Only the first call has an effect, and all are equal.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = Client::builder()
            .connect_timeout(settings.timeout)
            .tls_danger_accept_invalid_certs(settings.any_certificate)
            // A redirection would be signed for another place; services use it for wrong regions.
            .redirect(reqwest::redirect::Policy::none())
            // Requests do not wait for each other's bytes.
            .http1_only()
            .pool_idle_timeout(Duration::from_secs(20))
            .user_agent(concat!("stalwart-migrate/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|error| {
                Error::io("cannot prepare requests")
                    .with("store", settings.place.clone())
                    .because(chain(&error))
            })?;
        runtime()?;
        Ok(Wire { client, settings })
    }

    /// Makes a request, and repeats it after transient failures. `prepare` signs it anew every time. The answer may
    /// have at most `most` bytes. Ends early when the process is asked to end.
    pub fn ask(
        &self,
        prepare: impl AsyncFn() -> Result<HttpRequest>,
        most: u64,
    ) -> std::result::Result<ServiceAnswer, Failure> {
        let runtime = runtime().map_err(Failure::Ours)?;
        runtime.handle().block_on(unless_stopped(async {
            let mut repeated = 0;
            loop {
                let failure = match self.once(prepare().await.map_err(Failure::Ours)?, most).await {
                    Ok(answer) => return Ok(answer),
                    Err(failure) => failure,
                };
                let passing = match &failure {
                    Failure::Status(status, _) => *status >= 500 || matches!(status, 408 | 429),
                    Failure::Lost(_) | Failure::Slow(_) => true,
                    Failure::Distrusted(_) | Failure::Long(_) | Failure::Ours(_) => false,
                };
                if !passing || repeated >= self.settings.retries {
                    return Err(failure);
                }
                let pause = Duration::from_secs(1 << repeated.min(6));
                tokio::time::sleep(pause.min(LONGEST_PAUSE)).await;
                repeated += 1;
            }
        }))
    }

    async fn once(&self, request: HttpRequest, most: u64) -> std::result::Result<ServiceAnswer, Failure> {
        let (parts, body) = request.into_parts();
        let url = Url::parse(&parts.uri.to_string())
            .map_err(|_| Failure::Ours(Error::usage("the address of the service is none")))?;
        let length = body.content_length() as u64;
        let mut request = reqwest::Request::new(parts.method, url);
        *request.headers_mut() = parts.headers;
        // Services refuse an object without a stated length, and an empty body would not state one.
        if request.method() == Method::PUT {
            request.headers_mut().insert(reqwest::header::CONTENT_LENGTH, HeaderValue::from(length));
        }
        if let Some(bytes) = body.as_bytes().filter(|bytes| !bytes.is_empty()) {
            *request.body_mut() = Some(bytes.clone().into());
        }
        let reads = request.method() == Method::GET;
        let limit = self.settings.timeout;
        let upload = limit.saturating_add(Duration::from_secs(length / SLOWEST));
        let mut response = within(upload, self.client.execute(request)).await?;
        let status = response.status();
        // Any other success answers another request, for instance one for a part of the object.
        if status.is_success() && (!reads || status == StatusCode::OK) {
            let body = self.body(&mut response, most).await?;
            return if body.len() as u64 > most {
                Err(Failure::Long(most))
            } else {
                Ok(ServiceAnswer { body })
            };
        }
        // A code defined by the service, and not a text that may repeat parts of the request.
        let header = response.headers().get("x-ms-error-code").and_then(|code| code.to_str().ok());
        let mut code = header.map(str::to_string);
        if code.is_none() {
            let text = self.body(&mut response, LONGEST_ERROR).await.unwrap_or_default();
            code = std::str::from_utf8(&text).ok().and_then(|text| xml::text_of(text, "Code"));
        }
        let plain =
            |code: &String| (1..=64).contains(&code.len()) && code.bytes().all(|b| b.is_ascii_alphanumeric());
        Err(Failure::Status(status.as_u16(), code.filter(plain)))
    }

    /// Reads the body, or as much of it as shows that it has more than `most` bytes.
    async fn body(&self, response: &mut Response, most: u64) -> std::result::Result<Vec<u8>, Failure> {
        let ahead = response.content_length().unwrap_or(0).min(most).min(AHEAD);
        let mut body = Vec::with_capacity(usize::try_from(ahead).unwrap_or(0));
        while let Some(chunk) = within(self.settings.timeout, response.chunk()).await? {
            body.extend_from_slice(&chunk);
            if body.len() as u64 > most {
                break;
            }
        }
        Ok(body)
    }

    /// Converts a failure to an error; `doing` as in "read a blob".
    pub fn error(&self, failure: Failure, doing: &str, advice: &Advice) -> Error {
        let place = |error: Error| error.with("store", self.settings.place.clone());
        let tries = match self.settings.retries {
            0 => String::new(),
            retries => format!(", {} times", retries.saturating_add(1)),
        };
        match failure {
            Failure::Ours(error) => place(error),
            Failure::Status(status, code) => {
                let code = code.map_or(String::new(), |code| format!(" ({code})"));
                let again = if status >= 500 || matches!(status, 408 | 429) { tries } else { String::new() };
                place(Error::io(format!("cannot {doing}: the service answers {status}{code}{again}"))).help(
                    match status {
                        401 | 403 => advice.forbidden,
                        404 => advice.absent,
                        300..=399 => advice.elsewhere,
                        500.. | 408 | 429 => "wait until the service works again, then start again",
                        _ => "look the code up in the manual of the service",
                    },
                )
            }
            Failure::Lost(why) => {
                let what = format!("cannot {doing}: the service cannot be talked to{tries}");
                place(Error::io(what))
                    .because(why)
                    .help("check the endpoint in the configuration, the network, and that the service runs")
            }
            Failure::Distrusted(why) => place(Error::io(format!(
                "cannot {doing}: the certificate of the service is not trusted"
            )))
            .because(why)
            .help("give the service a certificate that this machine trusts, or use --allow-invalid-certs"),
            Failure::Long(most) => place(Error::io(format!(
                "cannot {doing}: the service sends more than the {most} bytes expected"
            )))
            .help("check the endpoint in the configuration, and that no server runs on this store"),
            Failure::Slow(limit) => {
                let limit = limit.as_millis();
                place(Error::io(format!("cannot {doing}: no answer within {limit} ms{tries}")))
                    .help("check the network, or raise the timeout in the configuration")
            }
        }
    }
}

/// Runs `work`, but ends if the process is asked to end while the work waits.
async fn unless_stopped<T>(
    work: impl Future<Output = std::result::Result<T, Failure>>,
) -> std::result::Result<T, Failure> {
    let mut work = std::pin::pin!(work);
    loop {
        match tokio::time::timeout(LOOK, work.as_mut()).await {
            Ok(done) => return done,
            Err(_) => Stop::of_process().check().map_err(Failure::Ours)?,
        }
    }
}

/// Remedies for answers whose meaning differs from service to service.
pub(super) struct Advice {
    pub forbidden: &'static str,
    pub absent: &'static str,
    pub elsewhere: &'static str,
}

async fn within<T>(
    limit: Duration,
    work: impl Future<Output = reqwest::Result<T>>,
) -> std::result::Result<T, Failure> {
    match tokio::time::timeout(limit, work).await {
        Ok(Ok(done)) => Ok(done),
        Ok(Err(error)) if error.is_timeout() => Err(Failure::Slow(limit)),
        Ok(Err(error)) => {
            let why = chain(&error.without_url());
            Err(if why.contains("certificate") { Failure::Distrusted(why) } else { Failure::Lost(why) })
        }
        Err(_) => Err(Failure::Slow(limit)),
    }
}

/// An error and all its causes. Addresses are removed before.
fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut texts: Vec<String> = Vec::new();
    let mut next = Some(error);
    while let Some(error) = next {
        let text = error.to_string();
        if !texts.iter().any(|before| before.contains(&text)) {
            texts.push(text);
        }
        next = error.source();
    }
    texts.join(": ")
}

/// The one runtime that drives every connection.
pub(super) fn runtime() -> Result<&'static Runtime> {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    if let Some(runtime) = RUNTIME.get() {
        return Ok(runtime);
    }
    let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let runtime = runtime
        .map_err(|error| Error::io("cannot start the threads that connections need").because(error))?;
    Ok(RUNTIME.get_or_init(|| runtime))
}

/// An unsigned request.
pub(super) fn request(method: Method, address: &str, body: Vec<u8>) -> Result<HttpRequest> {
    let mut request = HttpRequest::new(HttpRequestBody::from(body));
    *request.method_mut() = method;
    *request.uri_mut() = address.parse().map_err(|_| Error::usage("the address of an object is too long"))?;
    Ok(request)
}

/// Whether a text is an address of a service, with a host and without credentials and the like.
pub(super) fn is_address(text: &str) -> bool {
    let bare = |url: &Url| {
        url.username().is_empty()
            && url.password().is_none()
            && url.query().is_none()
            && url.fragment().is_none()
    };
    let plain = text.starts_with("http://") || text.starts_with("https://");
    plain && fits_a_header(text) && Url::parse(text).is_ok_and(|url| url.has_host() && bare(&url))
}

/// Whether a text is valid in a header of a request.
pub(super) fn fits_a_header(text: &str) -> bool {
    text.bytes().all(|byte| (b' '..=b'~').contains(&byte))
}

/// Percent-encodes everything except unreserved characters and `kept`.
pub(super) fn percent(text: &str, kept: &[u8]) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) || kept.contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

/// Decodes percent-encoding; returns the text unchanged if the result is no text.
pub(super) fn unpercent(text: &str, plus_is_space: bool) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        let hex = || u8::from_str_radix(std::str::from_utf8(tail.get(..2)?).ok()?, 16).ok();
        match (first, if *first == b'%' { hex() } else { None }) {
            (_, Some(byte)) => {
                bytes.push(byte);
                rest = tail.get(2..).unwrap_or_default();
                continue;
            }
            (b'+', None) if plus_is_space => bytes.push(b' '),
            (byte, None) => bytes.push(*byte),
        }
        rest = tail;
    }
    String::from_utf8(bytes).unwrap_or_else(|_| text.to_string())
}

/// Refuses a prefix that no address can contain: clients remove such parts from addresses.
pub(super) fn check_prefix(prefix: &str, place: &str) -> Result<()> {
    // The name of a key follows directly after the last part.
    let mut parts = prefix.split('/').rev().skip(1);
    if parts.any(|part| matches!(part, "." | "..")) {
        return Err(Error::usage("a key prefix with `.` or `..` between slashes reaches no object")
            .with("store", place)
            .help("correct the key prefix in the configuration"));
    }
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn percent_encoding_goes_there_and_back() {
        for text in ["", "a/b", "//", "ä ö+%25", "%", "%4", "%zz", "a\u{1}b\\"] {
            assert_eq!(unpercent(&percent(text, b""), false), text);
            assert_eq!(unpercent(&percent(text, b"/"), true), text);
        }
        assert_eq!(percent("a/b ü", b"/"), "a/b%20%C3%BC");
        assert_eq!(unpercent("a+b%2B", true), "a b+");
        assert_eq!(unpercent("a+b%2B%ff", true), "a+b%2B%ff");
    }

    #[test]
    fn prefixes_that_addresses_lose_are_refused() {
        for good in ["", "a", "a/", "/a//", "..", "a/..", ".x/", "x./", "ü/"] {
            assert!(check_prefix(good, "here").is_ok(), "{good}");
        }
        for bad in ["../", "./", "a/./b", "a/../", "/./"] {
            assert!(check_prefix(bad, "here").is_err(), "{bad}");
        }
    }
}
