//! What a transaction sees: the store at its read version, under its own writes.

use std::iter::Peekable;
use std::sync::Arc;

use crate::code::Code;
use crate::future::Bytes;
use crate::overlay::Overlay;
use crate::store::log::after;
use crate::store::{Snapshot, at};

/// A key with its value, or why the value cannot be read.
pub(crate) type Row<'a> = Result<(&'a [u8], Bytes), Code>;

/// A key described by its place, as in "Key selectors" of the developer guide.
#[derive(Debug, Clone)]
pub(crate) struct Selector {
    pub(crate) key: Vec<u8>,
    pub(crate) or_equal: bool,
    pub(crate) offset: i32,
}

impl Selector {
    /// Every key below this one is before the place that the offset counts from.
    fn origin(&self) -> Vec<u8> {
        if self.or_equal { after(&self.key) } else { self.key.clone() }
    }
}

/// The keys that a transaction sees.
#[derive(Clone, Copy)]
pub(crate) struct View<'a> {
    pub(crate) store: Snapshot<'a>,
    pub(crate) own: Option<&'a Overlay>,
    /// The first key that the transaction may not read.
    pub(crate) end: &'a [u8],
}

impl<'a> View<'a> {
    pub(crate) fn get(self, key: &[u8]) -> Result<Option<Bytes>, Code> {
        match self.own {
            Some(own) => own.value(key, self.store),
            None => Ok(self.store.get(key).map(Arc::clone)),
        }
    }

    /// The keys from `begin` up to, and without, `end`, from either side.
    pub(crate) fn rows(self, begin: &[u8], end: &[u8], reverse: bool) -> Rows<'a> {
        let end = end.min(self.end);
        if begin >= end {
            return Rows(Box::new(std::iter::empty()));
        }
        let range = (begin.to_vec(), end.to_vec());
        let stored = self.store.keys.range(range.0.clone()..range.1.clone());
        let Some(own) = self.own else {
            let version = self.store.version;
            let row = move |(key, versions): (&'a Vec<u8>, &'a _)| {
                at(versions, version).map(|value| Ok((key.as_slice(), Arc::clone(value))))
            };
            return if reverse {
                Rows(Box::new(stored.rev().filter_map(row)))
            } else {
                Rows(Box::new(stored.filter_map(row)))
            };
        };
        let stored = stored.map(|(key, _)| key.as_slice());
        let written = own.keys.range(range.0..range.1).map(|(key, _)| key.as_slice());
        let row = move |key: &'a [u8]| {
            own.value(key, self.store).map(|value| value.map(|value| (key, value))).transpose()
        };
        if reverse {
            let keys = Merged { one: stored.rev().peekable(), other: written.rev().peekable(), reverse };
            Rows(Box::new(keys.filter_map(row)))
        } else {
            let keys = Merged { one: stored.peekable(), other: written.peekable(), reverse };
            Rows(Box::new(keys.filter_map(row)))
        }
    }

    /// The key that a selector describes: the empty key if it is before the first, the end if it is behind the
    /// last key that may be read.
    pub(crate) fn resolve(self, selector: &Selector) -> Result<Vec<u8>, Code> {
        let origin = selector.origin();
        let (mut rows, steps, beyond) = match usize::try_from(selector.offset - 1) {
            Ok(forward) => (self.rows(&origin, self.end, false), forward, self.end),
            Err(_) => {
                let backward = usize::try_from(-i64::from(selector.offset)).unwrap_or(usize::MAX);
                (self.rows(b"", &origin, true), backward, b"".as_slice())
            }
        };
        match rows.nth(steps) {
            None => Ok(beyond.to_vec()),
            Some(row) => Ok(row?.0.to_vec()),
        }
    }

    /// Where a range begins or ends. Looks for keys only if the selector has an offset.
    pub(crate) fn bound(self, selector: &Selector) -> Result<Vec<u8>, Code> {
        if selector.offset == 1 { Ok(selector.origin()) } else { self.resolve(selector) }
    }
}

/// Keys with their values, in order.
pub(crate) struct Rows<'a>(Box<dyn Iterator<Item = Row<'a>> + 'a>);

impl<'a> Iterator for Rows<'a> {
    type Item = Row<'a>;

    fn next(&mut self) -> Option<Row<'a>> {
        self.0.next()
    }
}

/// The keys of two sorted iterators, each once.
struct Merged<A: Iterator, B: Iterator> {
    one: Peekable<A>,
    other: Peekable<B>,
    reverse: bool,
}

impl<'a, A: Iterator<Item = &'a [u8]>, B: Iterator<Item = &'a [u8]>> Iterator for Merged<A, B> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let order = match (self.one.peek(), self.other.peek()) {
            (Some(one), Some(other)) if self.reverse => other.cmp(one),
            (Some(one), Some(other)) => one.cmp(other),
            (Some(_), None) => std::cmp::Ordering::Less,
            (None, _) => std::cmp::Ordering::Greater,
        };
        match order {
            std::cmp::Ordering::Less => self.one.next(),
            std::cmp::Ordering::Greater => self.other.next(),
            std::cmp::Ordering::Equal => {
                self.one.next();
                self.other.next()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Keys;
    use crate::store::log::Span;

    /// The store has a c e g, of which the transaction has cleared c and e and has written b and e again.
    fn view(check: impl Fn(View<'_>)) {
        let mut keys = Keys::new();
        for key in ["a", "c", "e", "g"] {
            keys.insert(key.into(), vec![(1, Some(b"old".as_slice().into()))]);
        }
        let mut own = Overlay::default();
        own.clear(&Span::new("c", "f"));
        own.set(b"b", b"new".as_slice().into());
        own.set(b"e", b"new".as_slice().into());
        check(View { store: Snapshot { keys: &keys, version: 1 }, own: Some(&own), end: b"\xff" });
    }

    #[test]
    fn rows_are_those_of_both() {
        view(|view| {
            let check = |begin: &str, end: &str, reverse, expect: &str| {
                let rows = view.rows(begin.as_bytes(), end.as_bytes(), reverse);
                let keys: Vec<String> =
                    rows.flatten().map(|(key, _)| String::from_utf8_lossy(key).into_owned()).collect();
                assert_eq!(keys.concat(), expect, "{begin} {end}");
            };
            check("", "z", false, "abeg");
            check("", "z", true, "geba");
            check("b", "g", false, "be");
            check("b", "g", true, "eb");
            check("g", "b", false, "");
        });
    }

    #[test]
    fn selectors_find_their_keys() {
        view(|view| {
            let check = |key: &str, or_equal, offset, expect: &[u8]| {
                let selector = Selector { key: key.into(), or_equal, offset };
                assert_eq!(view.resolve(&selector), Ok(expect.to_vec()), "{selector:?}");
            };
            // First greater or equal, first greater than, last less or equal, last less than.
            check("b", false, 1, b"b");
            check("b", true, 1, b"e");
            check("b", true, 0, b"b");
            check("b", false, 0, b"a");
            check("c", false, 1, b"e");
            check("c", true, 0, b"b");
            check("a", false, 3, b"e");
            check("g", false, -2, b"a");
            check("g", true, 1, b"\xff");
            check("a", false, 0, b"");
            check("a", false, i32::MAX, b"\xff");
            check("g", false, i32::MIN + 1, b"");
        });
    }
}
