//! The common part of all services that keep objects under flat names: addresses, lists page by page, single objects.
//!
//! Does not know S3 or Azure: each defines its requests and the form of its lists.

use std::ops::ControlFlow;

use reqwest::Method;
use xxhash_rust::xxh3::xxh3_64;

use super::target::too_large;
use super::wire::{Advice, Failure, LONGEST_LIST, LONGEST_RECEIPT, ServiceAnswer, Wire, percent};
use super::xml::{self, ElementNames, Field, List, NoList};
use super::{ListEntry, Objects, Visit, names};
use crate::base::error::{Error, Result};
use crate::base::hex::hex;
use crate::base::stop::Stop;

/// Names that one page of a list may have.
const PAGE: u32 = 1000;

/// A bucket or a container.
pub(super) struct Container {
    pub wire: Wire,
    /// Its address, without a trailing slash.
    pub address: String,
    /// The prefix of every name.
    pub prefix: String,
    /// Its location, for messages.
    pub place: String,
}

impl Container {
    /// The name of a key's object.
    pub fn object(&self, key: &[u8]) -> String {
        format!("{}{}", self.prefix, names::encode(key))
    }

    fn address_of(&self, key: &[u8]) -> String {
        format!("{}/{}", self.address, percent(&self.object(key), b"/"))
    }

    /// The key of a listed name, if it is one.
    pub fn key(&self, name: &str) -> Option<Vec<u8>> {
        names::decode(name.strip_prefix(self.prefix.as_str())?)
    }
}

/// The names of the fields of an object in a list.
pub(super) struct FieldNames {
    /// Bytes.
    pub size: &'static str,
    /// The mark of its content.
    pub etag: &'static str,
    /// When it was written.
    pub written: &'static str,
}

/// A service that keeps objects.
pub(super) trait Service: Send + Sync {
    /// Limit in bytes of one write request.
    const MOST: u64;
    /// The code for an object that does not exist in an existing container.
    const ABSENT: &str;
    /// The names of the parts of a list.
    const NAMES: ElementNames;
    /// The names of the fields of an object.
    const WORDS: FieldNames;
    /// The advice for each kind of refusal.
    const ADVICE: Advice;
    /// The action that failed without a list, as in "list the objects".
    const LISTING: &str;
    /// The advice if the answer is not that of the service.
    const CHECK: &str;

    /// The place of the objects.
    fn container(&self) -> &Container;

    /// Sends a signed request, with a body if something is written.
    fn ask(
        &self,
        method: &Method,
        address: &str,
        body: Option<Vec<u8>>,
        most: u64,
    ) -> std::result::Result<ServiceAnswer, Failure>;

    /// The address of a page of the list of names with `prefix`.
    fn page_address(&self, prefix: &str, token: Option<&str>, most: u32) -> String;

    /// The key of a listed object, or its name if that is no key; `None` if it has no name.
    fn key(&self, list: &List, item: &[Field]) -> Option<std::result::Result<Vec<u8>, String>>;

    /// The token of the next page; `None` if the list states that this was its end. A missing statement never counts
    /// as the end: the objects after it would be lost silently.
    ///
    /// Errors: the fault of the list.
    fn next(&self, list: &List) -> std::result::Result<Option<String>, &'static str>;

    /// The error of an answer that is not that of the service.
    fn wrong(&self, what: &str) -> Error {
        Error::io(format!("the service answers with {what}"))
            .with("store", &*self.container().place)
            .help(Self::CHECK)
    }

    /// The error of an object that could not be read or written.
    fn failed(&self, failure: Failure, doing: &str, key: &[u8]) -> Error {
        let error = self.container().wire.error(failure, doing, &Self::ADVICE);
        error.with("object", self.container().object(key)).with("key", hex(key))
    }

    /// Lists a page of the names with `prefix` to `visit`; returns the token of the next page.
    fn page(
        &self,
        prefix: &str,
        token: Option<&str>,
        most: u32,
        visit: &mut Visit,
    ) -> Result<ControlFlow<(), Option<String>>> {
        let container = self.container();
        let address = self.page_address(prefix, token, most);
        let answer = self
            .ask(&Method::GET, &address, None, LONGEST_LIST)
            .map_err(|failure| container.wire.error(failure, Self::LISTING, &Self::ADVICE))?;
        let text = answer.text(&container.place)?;
        let list = xml::list(&text, &Self::NAMES).map_err(|why| match why {
            NoList::Other => self.wrong("something that is no list"),
            NoList::Grouped => self.wrong("a list that does not name every object"),
        })?;
        for item in &list.items {
            let key = self.key(&list, item).ok_or_else(|| self.wrong("an object without a name"))?;
            let size = xml::field(item, Self::WORDS.size).and_then(|size| size.trim().parse().ok());
            let size = size.ok_or_else(|| self.wrong("an object without a size"))?;
            let etag = xml::field(item, Self::WORDS.etag).unwrap_or_default();
            let written = xml::field(item, Self::WORDS.written).unwrap_or_default();
            let stamp = xxh3_64(format!("{etag} {written}").as_bytes());
            let found = match key {
                Ok(key) => ListEntry::Object { key, size, stamp },
                Err(name) => ListEntry::Foreign(name),
            };
            if visit(found)?.is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
        self.next(&list).map(ControlFlow::Continue).map_err(|what| self.wrong(what))
    }

    /// Lists all names with `prefix` to `visit`.
    fn pages(&self, prefix: &str, most: u32, visit: &mut Visit) -> Result<()> {
        let (mut token, mut circle) = (None::<String>, Circle::default());
        loop {
            Stop::of_process().check()?;
            match self.page(prefix, token.as_deref(), most, visit)? {
                ControlFlow::Continue(Some(next)) if circle.closes_at(&next) => {
                    return Err(self.wrong("a list that goes on with what it has shown"));
                }
                ControlFlow::Continue(Some(next)) => token = Some(next),
                ControlFlow::Continue(None) | ControlFlow::Break(()) => return Ok(()),
            }
        }
    }
}

impl<S: Service> Objects for S {
    fn place(&self) -> &str {
        &self.container().place
    }

    fn name(&self, key: &[u8]) -> String {
        self.container().object(key)
    }

    fn open(&self) -> Result<()> {
        self.page(&self.container().prefix, None, 1, &mut |_| Ok(ControlFlow::Continue(()))).map(drop)
    }

    fn prepare(&self) -> Result<()> {
        // The server does not create a bucket or container either.
        self.open()
    }

    fn list(&self, visit: &mut Visit) -> Result<()> {
        self.pages(&self.container().prefix, PAGE, visit)
    }

    fn size(&self, key: &[u8]) -> Result<Option<u64>> {
        let mut size = None;
        // The object's own name is the first with this prefix, if a service keeps the order of S3.
        self.pages(&self.container().object(key), 1, &mut |found| match found {
            ListEntry::Object { key: found, size: bytes, .. } if found == key => {
                size = Some(bytes);
                Ok(ControlFlow::Break(()))
            }
            _ => Ok(ControlFlow::Continue(())),
        })?;
        Ok(size)
    }

    fn get(&self, key: &[u8], most: u64) -> Result<Option<Vec<u8>>> {
        let container = self.container();
        if most > Self::MOST {
            return Err(too_large(key, most, Self::MOST, &container.place));
        }
        match self.ask(&Method::GET, &container.address_of(key), None, most) {
            Ok(answer) => Ok(Some(answer.body)),
            Err(failure) if absent(&failure, Self::ABSENT) => Ok(None),
            Err(failure) => Err(self.failed(failure, "read a blob", key)),
        }
    }

    fn put(&self, key: &[u8], value: Vec<u8>) -> Result<()> {
        let container = self.container();
        if value.len() as u64 > Self::MOST {
            return Err(too_large(key, value.len() as u64, Self::MOST, &container.place));
        }
        self.ask(&Method::PUT, &container.address_of(key), Some(value), LONGEST_RECEIPT)
            .map(drop)
            .map_err(|failure| self.failed(failure, "write a blob", key))
    }

    fn delete(&self, key: &[u8]) -> Result<()> {
        match self.ask(&Method::DELETE, &self.container().address_of(key), None, LONGEST_RECEIPT) {
            Ok(_) => Ok(()),
            Err(failure) if absent(&failure, Self::ABSENT) => Ok(()),
            Err(failure) => Err(self.failed(failure, "delete a blob", key)),
        }
    }
}

/// Whether an object does not exist in an existing container. A status 404 without a code counts; one with another code
/// is about something else.
fn absent(failure: &Failure, wanted: &str) -> bool {
    matches!(failure, Failure::Status(404, code)
        if code.as_deref().is_none_or(|code| code.eq_ignore_ascii_case(wanted)))
}

/// Detects that a list of answers is circular: reports a place that was met before. Finds every circle, after at most
/// three times its length, by storing one place.
#[derive(Debug, Default)]
struct Circle {
    met: Option<String>,
    steps: u64,
    next: u64,
}

impl Circle {
    fn closes_at(&mut self, place: &str) -> bool {
        if self.met.as_deref() == Some(place) {
            return true;
        }
        self.steps += 1;
        if self.steps >= self.next {
            self.next = self.steps * 2;
            self.met = Some(place.to_string());
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn circles_of_any_length_are_found_and_nothing_else() {
        for (lead, length) in [(0, 1), (0, 2), (3, 1), (5, 7), (1000, 300)] {
            let mut circle = Circle::default();
            let place = |step: u64| if step < lead { step } else { lead + (step - lead) % length };
            let closed = (0..lead * 3 + length * 4).find(|step| circle.closes_at(&place(*step).to_string()));
            assert!(closed.is_some_and(|step| step >= lead + length), "{lead} {length} {closed:?}");
        }
        let mut circle = Circle::default();
        assert!((0..10_000).all(|step| !circle.closes_at(&step.to_string())));
    }
}
