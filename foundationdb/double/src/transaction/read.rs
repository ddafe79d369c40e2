//! Operations that read.

use std::ffi::c_int;
use std::sync::Arc;

use super::{State, Transaction};
use crate::code::Code;
use crate::faults::Operation;
use crate::future::{Bytes, Future, Keys, Rows, Texts, Value};
use crate::limits::{self, Batch};
use crate::store::log::{Span, after};
use crate::store::{Snapshot, Store};
use crate::view::{Selector, View};

const SYSTEM: &[u8] = b"\xff";
const SPECIAL: &[u8] = b"\xff\xff";
/// Everybody may read this one.
const METADATA_VERSION: &[u8] = b"\xff/metadataVersion";
const STATUS: &[u8] = b"\xff\xff/status/json";

/// A range read.
pub(crate) struct Query {
    pub(crate) begin: Selector,
    pub(crate) end: Selector,
    pub(crate) limit: c_int,
    pub(crate) target_bytes: c_int,
    pub(crate) mode: c_int,
    pub(crate) iteration: c_int,
    pub(crate) snapshot: bool,
    pub(crate) reverse: bool,
}

impl Transaction {
    pub(crate) fn get_read_version(&self) -> Arc<Future> {
        self.operate(Operation::Version, |state, store| Ok(Value::Number(state.version(store)?)))
    }

    pub(crate) fn get(&self, key: &[u8], snapshot: bool) -> Arc<Future> {
        if key.starts_with(SPECIAL) {
            return self.answer(|_| special(key));
        }
        self.operate(Operation::Get, |state, store| {
            if key >= state.end() && key != METADATA_VERSION {
                return Err(Code::KEY_OUTSIDE_RANGE);
            }
            let value = state.see(store, snapshot, |view| view.get(key))?;
            let own = state.options.own_writes && state.work.own.decides(key);
            if !snapshot && !own {
                state.work.reads.push(Span::one(key));
            }
            Ok(Value::Optional(value))
        })
    }

    pub(crate) fn get_key(&self, selector: &Selector, snapshot: bool) -> Arc<Future> {
        self.operate(Operation::GetKey, |state, store| {
            if selector.key.as_slice() > state.end() {
                return Err(Code::KEY_OUTSIDE_RANGE);
            }
            let found = state.see(store, snapshot, |view| view.resolve(selector))?;
            if !snapshot {
                // Between the two, a key that came or went would change the result.
                let from = selector.key.clone().min(found.clone());
                state.work.reads.push(Span::new(from, after(&selector.key.clone().max(found.clone()))));
            }
            Ok(Value::Key(found))
        })
    }

    pub(crate) fn get_range(&self, query: &Query) -> Arc<Future> {
        self.operate(Operation::GetRange, |state, store| {
            let batch = limits::batch(query.limit, query.target_bytes, query.mode, query.iteration)?;
            let end = state.end();
            if query.begin.key.starts_with(SPECIAL) {
                return Err(Code::NO_SPECIAL_KEY);
            }
            if query.begin.key.as_slice() > end || query.end.key.as_slice() > end {
                return Err(Code::KEY_OUTSIDE_RANGE);
            }
            let found = state.see(store, query.snapshot, |view| range(view, query, batch))?;
            if !query.snapshot {
                state.work.reads.push(found.covered);
            }
            Ok(Value::Rows(Rows::new(&found.rows, found.more)))
        })
    }

    pub(crate) fn get_estimated_range_size(&self, begin: &[u8], end: &[u8]) -> Arc<Future> {
        self.operate(Operation::Size, |state, store| {
            check_range(begin, end)?;
            let version = state.version(store)?;
            let size = store
                .read(version, |snapshot| Ok(sizes(snapshot, begin, end).map(|(_, size)| size).sum()))?;
            Ok(Value::Number(size))
        })
    }

    pub(crate) fn get_range_split_points(&self, begin: &[u8], end: &[u8], chunk: i64) -> Arc<Future> {
        self.operate(Operation::Split, |state, store| {
            check_range(begin, end)?;
            if chunk <= 0 {
                return Err(Code::INVALID_OPERATION);
            }
            let version = state.version(store)?;
            let points = store.read(version, |snapshot| Ok(split_points(snapshot, begin, end, chunk)))?;
            Ok(Value::Keys(Keys::new(&points)))
        })
    }

    pub(crate) fn get_addresses_for_key(&self) -> Arc<Future> {
        self.answer(|_| Ok(Value::Texts(Texts::new(&[c"127.0.0.1:4500"]))))
    }

    pub(crate) fn get_approximate_size(&self) -> Arc<Future> {
        self.answer(|state| Ok(Value::Number(i64::try_from(state.size()).unwrap_or(i64::MAX))))
    }
}

impl State {
    /// The first key that the transaction may not read.
    fn end(&self) -> &'static [u8] {
        if self.options.read_system_keys { SPECIAL } else { SYSTEM }
    }

    fn see<T>(
        &mut self,
        store: &Store,
        snapshot: bool,
        read: impl FnOnce(View<'_>) -> Result<T, Code>,
    ) -> Result<T, Code> {
        let version = self.version(store)?;
        self.work.has_read = true;
        let own = self.options.own_writes && (!snapshot || self.options.own_writes_in_snapshots);
        let own = own.then_some(&self.work.own);
        let end = self.end();
        store.read(version, |store| read(View { store, own, end }))
    }
}

fn special(key: &[u8]) -> Result<Value, Code> {
    let status = br#"{"client":{"database_status":{"available":true,"healthy":true}},"cluster":{}}"#;
    if key == STATUS {
        Ok(Value::Optional(Some(status.as_slice().into())))
    } else {
        Err(Code::NO_SPECIAL_KEY)
    }
}

struct Found {
    rows: Vec<(Vec<u8>, Bytes)>,
    more: bool,
    /// What was read: up to the last row, or to the end if there are no more.
    covered: Span,
}

/// A batch of a range. It has more as soon as one of its limits ends it, even if no row is left: no code has
/// looked for one.
fn range(view: View<'_>, query: &Query, batch: Batch) -> Result<Found, Code> {
    let (begin, end) = (view.bound(&query.begin)?, view.bound(&query.end)?);
    let end = end.min(view.end.to_vec());
    let (mut rows, mut bytes, mut more) = (Vec::new(), 0_usize, false);
    for row in view.rows(&begin, &end, query.reverse) {
        let (key, value) = row?;
        bytes += key.len() + value.len() + limits::ROW;
        rows.push((key.to_vec(), value));
        if rows.len() >= batch.rows || bytes >= batch.bytes {
            more = true;
            break;
        }
    }
    let covered = match (more, rows.last()) {
        (true, Some((last, _))) if query.reverse => Span::new(last.clone(), end),
        (true, Some((last, _))) => Span::new(begin, after(last)),
        _ => Span::new(begin, end),
    };
    Ok(Found { rows, more, covered })
}

fn check_range(begin: &[u8], end: &[u8]) -> Result<(), Code> {
    if begin > end {
        return Err(Code::INVERTED_RANGE);
    }
    if end > SPECIAL { Err(Code::KEY_OUTSIDE_RANGE) } else { Ok(()) }
}

fn sizes<'a>(
    snapshot: Snapshot<'a>,
    begin: &[u8],
    end: &[u8],
) -> impl Iterator<Item = (&'a [u8], i64)> + use<'a> {
    let rows = View { store: snapshot, own: None, end: SPECIAL }.rows(begin, end, false).flatten();
    rows.map(|(key, value)| (key, i64::try_from(key.len() + value.len()).unwrap_or(i64::MAX)))
}

/// The ends of the range, and between them the first key behind every chunk.
fn split_points(snapshot: Snapshot<'_>, begin: &[u8], end: &[u8], chunk: i64) -> Vec<Vec<u8>> {
    let (mut points, mut size) = (vec![begin.to_vec()], 0_i64);
    for (key, of_row) in sizes(snapshot, begin, end) {
        if size >= chunk {
            points.push(key.to_vec());
            size = 0;
        }
        size = size.saturating_add(of_row);
    }
    points.push(end.to_vec());
    points
}
