//! What a transaction has written itself, laid over what it reads.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::atomic;
use crate::code::Code;
use crate::future::Bytes;
use crate::mutation::Operation;
use crate::store::Snapshot;
use crate::store::log::Span;

/// What is known of a key that the transaction has written.
#[derive(Debug, Clone)]
pub(crate) enum Own {
    /// Its value, or that it has none.
    Known(Option<Bytes>),
    /// The value depends on the one in the store.
    Pending(Vec<(Operation, Vec<u8>)>),
    /// It contains the version of the commit, which is not known yet.
    Unreadable,
}

/// The writes of a transaction.
#[derive(Debug, Default)]
pub(crate) struct Overlay {
    pub(crate) keys: BTreeMap<Vec<u8>, Own>,
    /// Cleared ranges, from begin to end, without overlaps. A key written after the clear is in `keys`.
    cleared: BTreeMap<Vec<u8>, Vec<u8>>,
}

impl Overlay {
    pub(crate) fn set(&mut self, key: &[u8], value: Bytes) {
        self.keys.insert(key.to_vec(), Own::Known(Some(value)));
    }

    pub(crate) fn clear(&mut self, span: &Span) {
        if span.is_empty() {
            return;
        }
        let written: Vec<Vec<u8>> =
            self.keys.range(span.begin.clone()..span.end.clone()).map(|(key, _)| key.clone()).collect();
        for key in written {
            self.keys.remove(&key);
        }
        let (mut begin, mut end) = (span.begin.clone(), span.end.clone());
        // Ranges without overlaps are sorted by their ends as well: going down, the first that ends before this
        // one begins is the last to look at.
        while let Some((first, last)) = self.cleared.range(..=end.clone()).next_back() {
            if *last < begin {
                break;
            }
            let (first, last) = (first.clone(), last.clone());
            self.cleared.remove(&first);
            begin = begin.min(first);
            end = end.max(last);
        }
        self.cleared.insert(begin, end);
    }

    pub(crate) fn unreadable(&mut self, key: &[u8]) {
        self.keys.insert(key.to_vec(), Own::Unreadable);
    }

    pub(crate) fn atomic(&mut self, operation: Operation, key: &[u8], parameter: &[u8]) {
        let cleared = self.is_cleared(key);
        match self.keys.get_mut(key) {
            Some(Own::Known(value)) => *value = atomic::apply(operation, value.take(), parameter),
            Some(Own::Pending(operations)) => operations.push((operation, parameter.to_vec())),
            Some(Own::Unreadable) => {}
            None if cleared => {
                self.keys.insert(key.to_vec(), Own::Known(atomic::apply(operation, None, parameter)));
            }
            None => {
                self.keys.insert(key.to_vec(), Own::Pending(vec![(operation, parameter.to_vec())]));
            }
        }
    }

    fn is_cleared(&self, key: &[u8]) -> bool {
        let before =
            self.cleared.range::<[u8], _>((std::ops::Bound::Unbounded, std::ops::Bound::Included(key)));
        before.into_iter().next_back().is_some_and(|(_, end)| end.as_slice() > key)
    }

    /// Whether the value of the key does not depend on the store.
    pub(crate) fn decides(&self, key: &[u8]) -> bool {
        match self.keys.get(key) {
            Some(own) => matches!(own, Own::Known(_)),
            None => self.is_cleared(key),
        }
    }

    /// The value that the transaction sees.
    pub(crate) fn value(&self, key: &[u8], store: Snapshot<'_>) -> Result<Option<Bytes>, Code> {
        match self.keys.get(key) {
            Some(Own::Known(value)) => Ok(value.clone()),
            Some(Own::Pending(operations)) => {
                let old = store.get(key).map(Arc::clone);
                let apply = |old, (operation, parameter): &(Operation, Vec<u8>)| {
                    atomic::apply(*operation, old, parameter)
                };
                Ok(operations.iter().fold(old, apply))
            }
            Some(Own::Unreadable) => Err(Code::ACCESSED_UNREADABLE),
            None if self.is_cleared(key) => Ok(None),
            None => Ok(store.get(key).map(Arc::clone)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Keys;

    fn cleared(overlay: &Overlay) -> String {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let spans = overlay.cleared.iter().map(|(begin, end)| text(begin) + &text(end));
        spans.collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn cleared_ranges_are_joined() {
        let check = |spans: &[(&str, &str)], expect: &str| {
            let mut overlay = Overlay::default();
            for (begin, end) in spans {
                overlay.clear(&Span::new(*begin, *end));
            }
            assert_eq!(cleared(&overlay), expect, "{spans:?}");
        };
        check(&[("b", "c"), ("e", "f")], "bc ef");
        check(&[("b", "c"), ("c", "f")], "bf");
        check(&[("b", "d"), ("f", "h"), ("c", "g")], "bh");
        check(&[("b", "c"), ("d", "e"), ("a", "z")], "az");
        check(&[("a", "z"), ("c", "d")], "az");
        check(&[("c", "c"), ("d", "c")], "");
    }

    #[test]
    fn own_writes_are_seen() {
        let mut keys = Keys::new();
        for key in ["a", "b", "c"] {
            keys.insert(key.into(), vec![(1, Some(b"\x01".as_slice().into()))]);
        }
        let store = Snapshot { keys: &keys, version: 1 };
        let mut overlay = Overlay::default();
        overlay.set(b"a", b"new".as_slice().into());
        overlay.atomic(Operation::Add, b"b", b"\x02");
        overlay.atomic(Operation::Add, b"b", b"\x02");
        overlay.clear(&Span::one(b"c"));
        overlay.atomic(Operation::Add, b"c", b"\x02");
        overlay.unreadable(b"d");
        let value = |key: &str| overlay.value(key.as_bytes(), store).map(|value| value.map(|v| v.to_vec()));
        assert_eq!(value("a"), Ok(Some(b"new".to_vec())));
        assert_eq!(value("b"), Ok(Some(vec![5])));
        assert_eq!(value("c"), Ok(Some(vec![2])));
        assert_eq!(value("d"), Err(Code::ACCESSED_UNREADABLE));
        assert_eq!(value("e"), Ok(None));
        assert_eq!(
            ["a", "b", "c", "e"].map(|key| overlay.decides(key.as_bytes())),
            [true, false, true, false]
        );
    }
}
