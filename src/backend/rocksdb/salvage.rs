//! Reads around damage in a RocksDB store.
//!
//! Reads forward to the last readable key; then tries the bounds of files and blocks in turn, which the indexes still
//! contain, until reading works again; then reads backwards from there. If the block is intact but contains records
//! that cannot be assembled (a bad merge operand, a value whose blob file is missing), the gap is divided until the
//! loss is narrowed down. What remains unread is a loss. A failure for lack of rights, memory or open files is none:
//! it ends the export.

use std::collections::VecDeque;

use rocksdb::{DBRawIteratorWithThreadMode, Range, ReadOptions};

use super::Db;
use super::opened::OpenDatabase;
use crate::backend::{KeyRange, Loss, Pages};
use crate::base::error::Result;
use crate::base::page::Page;
use crate::base::stop::Stop;
use crate::catalog::Table;

/// Limit of seeks in one gap.
const PROBES: u32 = 1024;
/// Bytes beyond the longer of two keys, for keys between them: keys there may be longer than both.
const FINER: usize = 16;
/// Limit in bytes of a key made up for a seek: keys with a longer common prefix cannot be separated.
const LONGEST: usize = 320;

/// The records of a range, without those that cannot be read.
pub(super) struct SalvagePages<'a> {
    source: &'a OpenDatabase,
    table: &'a Table,
    until: Option<Vec<u8>>,
    // The last key delivered or given up; reading continues after it.
    last: Option<Vec<u8>>,
    // Key from which reading continues, if not directly after `last`.
    from: Option<Vec<u8>>,
    iterator: Option<DBRawIteratorWithThreadMode<'a, Db>>,
    // Records read from the last gap.
    ready: VecDeque<(Vec<u8>, Vec<u8>)>,
    ended: bool,
}

/// The readable keys around a loss; `None` where there is no such key.
type KeyGap = (Option<Vec<u8>>, Option<Vec<u8>>);

/// A record as read.
type SalvagedRecord = (Vec<u8>, Vec<u8>);

impl<'a> SalvagePages<'a> {
    pub(super) fn new(source: &'a OpenDatabase, table: &'a Table, range: &KeyRange) -> Self {
        SalvagePages {
            source,
            table,
            until: range.until.clone(),
            last: range.after.clone(),
            from: None,
            iterator: None,
            ready: VecDeque::new(),
            ended: source.db.cf_handle(table.name).is_none(),
        }
    }

    fn iterator(&self) -> Option<DBRawIteratorWithThreadMode<'a, Db>> {
        let source = self.source;
        let handle = source.db.cf_handle(self.table.name)?;
        let mut options = ReadOptions::default();
        options.fill_cache(false);
        options.set_verify_checksums(true);
        if let Some(until) = &self.until {
            options.set_iterate_upper_bound(next_key(until));
        }
        Some(source.db.raw_iterator_cf_opt(&handle, options))
    }

    /// The first readable record at or after `key`: the record, `None` if there is none, or the reason why it is
    /// unreadable.
    ///
    /// Errors: failures that are no damage.
    fn seek(&self, key: &[u8]) -> Result<Result<Option<SalvagedRecord>, String>> {
        let Some(mut iterator) = self.iterator() else { return Ok(Ok(None)) };
        iterator.seek(key);
        if let Some((key, value)) = iterator.item() {
            return Ok(Ok(Some((key.to_vec(), value.to_vec()))));
        }
        match iterator.status() {
            Ok(()) => Ok(Ok(None)),
            Err(error) => self.source.damage(error, self.table).map(Err),
        }
    }

    /// Steps over the gap after `last`: what can be read in it goes to `ready`, what cannot is recorded as a loss.
    fn step_over(&mut self, reason: &str) -> Result<()> {
        let begin = self.last.as_deref().map_or_else(Vec::new, next_key);
        let (mut bound, mut in_block) = (begin.clone(), reason.contains(".sst"));
        let end = loop {
            match self.next_bound(&bound) {
                None => break None,
                Some(next) => match self.seek(&next)? {
                    Ok(_) => break Some(next),
                    Err(reason) => {
                        in_block |= reason.contains(".sst");
                        bound = next;
                    }
                },
            }
        };
        let mut gaps = Vec::new();
        let mut found = self.backwards(end.as_deref(), &begin)?;
        let first = found.first().map(|(key, _)| key.clone()).or_else(|| end.clone());
        if in_block {
            // In a damaged block nothing is readable, and every seek into it fails.
            gaps.push((self.last.clone(), first))
        } else {
            self.divide(self.last.clone(), first, &mut found, &mut gaps)?
        }
        self.ready.extend(found);
        for (after, before) in gaps {
            // The gap may contain no record at all: then what could not be read was the end of the range.
            self.source.lost(Loss {
                table: self.table.name.to_string(),
                key: None,
                after,
                before: before.or_else(|| self.until.as_deref().map(next_key)),
                reason: reason.to_string(),
            });
        }
        match end {
            Some(end) => self.from = Some(end),
            None => self.ended = true,
        }
        Ok(())
    }

    /// Reads from just before `end` backwards, down to `begin` or to what cannot be read.
    fn backwards(&self, end: Option<&[u8]>, begin: &[u8]) -> Result<Vec<SalvagedRecord>> {
        let mut found = Vec::new();
        let Some(mut iterator) = self.iterator() else { return Ok(found) };
        match end {
            Some(end) => {
                iterator.seek_for_prev(end);
                if iterator.key() == Some(end) {
                    iterator.prev();
                }
            }
            None => iterator.seek_to_last(),
        }
        // Once a stop is requested, the page that needs these records is no longer read.
        let going_on = || !Stop::of_process().stopped();
        while let Some((key, value)) = iterator.item().filter(|(key, _)| *key >= begin && going_on()) {
            found.push((key.to_vec(), value.to_vec()));
            iterator.prev();
        }
        iterator.status().or_else(|error| self.source.damage(error, self.table).map(drop))?;
        found.reverse();
        Ok(found)
    }

    /// Searches for readable records after `after` and before `before`, and records the rest as gaps.
    ///
    /// A part whose first record cannot be read is halved, the widest parts first, until the parts are single points
    /// or the limit of seeks is reached.
    fn divide(
        &self,
        after: Option<Vec<u8>>,
        before: Option<Vec<u8>>,
        found: &mut Vec<SalvagedRecord>,
        gaps: &mut Vec<KeyGap>,
    ) -> Result<()> {
        let (mut probes, width) = (0, width(after.as_deref().unwrap_or_default(), before.as_deref()));
        let mut unread: Vec<(Vec<u8>, Option<Vec<u8>>)> = Vec::new();
        let mut open = VecDeque::from([(after.as_deref().map_or_else(Vec::new, next_key), before.clone())]);
        while let Some((low, high)) = open.pop_front().filter(|_| !Stop::of_process().stopped()) {
            probes += 1;
            let (records, whole) = self.forwards(&low, high.as_deref())?;
            let last = records.last().map(|(key, _)| next_key(key));
            found.extend(records);
            if whole {
                continue;
            }
            let low = last.unwrap_or(low);
            match middle(&low, high.as_deref(), width) {
                Some(middle) if probes < PROBES => {
                    open.push_back((low, Some(middle.clone())));
                    open.push_back((middle, high));
                }
                _ => unread.push((low, high)),
            }
        }
        found.sort();
        // A gap reaches from one readable record to the next.
        unread.sort();
        for (low, high) in unread {
            let before_it = found.iter().rev().map(|(key, _)| key).find(|key| **key < low);
            let behind_it =
                found.iter().map(|(key, _)| key).find(|key| high.as_ref().is_none_or(|high| *key >= high));
            let gap =
                (before_it.cloned().or_else(|| after.clone()), behind_it.cloned().or_else(|| before.clone()));
            if gaps.last() != Some(&gap) {
                gaps.push(gap);
            }
        }
        Ok(())
    }

    /// Reads from `start` on, up to `before` or to what cannot be read; also returns whether everything could be
    /// read.
    fn forwards(&self, start: &[u8], before: Option<&[u8]>) -> Result<(Vec<SalvagedRecord>, bool)> {
        let source = self.source;
        let Some(handle) = source.db.cf_handle(self.table.name) else { return Ok((Vec::new(), true)) };
        let mut options = ReadOptions::default();
        options.fill_cache(false);
        options.set_verify_checksums(true);
        // Without a bound, the record after the part would be read as well, and may be damaged.
        if let Some(before) = before.map(<[u8]>::to_vec).or_else(|| self.until.as_deref().map(next_key)) {
            options.set_iterate_upper_bound(before);
        }
        let mut iterator = source.db.raw_iterator_cf_opt(&handle, options);
        let mut found = Vec::new();
        iterator.seek(start);
        while let Some((key, value)) = iterator.item().filter(|_| !Stop::of_process().stopped()) {
            found.push((key.to_vec(), value.to_vec()));
            iterator.next();
        }
        let whole = match iterator.status() {
            Ok(()) => true,
            Err(error) => self.source.damage(error, self.table).map(|_| false)?,
        };
        Ok((found, whole))
    }

    /// The lowest key above `key` at which a block or a file begins or ends.
    fn next_bound(&self, key: &[u8]) -> Option<Vec<u8>> {
        let files = self.source.db.live_files().unwrap_or_default();
        let files = files.into_iter().filter(|file| file.column_family_name == self.table.name);
        let ends = files.flat_map(|file| [file.start_key, file.end_key.map(|end| next_key(&end))]);
        let end = self.until.as_deref().map(next_key);
        let within = |bound: &Vec<u8>| bound.as_slice() > key && end.as_ref().is_none_or(|end| bound <= end);
        let file = ends.flatten().chain(end.clone()).filter(within).min();
        let Some(handle) = self.source.db.cf_handle(self.table.name) else { return file };
        let size = |end: &[u8]| {
            let sizes = self.source.db.get_approximate_sizes_cf(&handle, &[Range::new(key, end)]);
            sizes.first().copied().unwrap_or(0)
        };
        let Some(far) = file.clone() else { return file };
        // The approximate size between two keys grows at the start of a block, so bisection finds that key.
        let base = size(&next_key(key));
        if size(&far) <= base {
            return file;
        }
        let (mut low, mut high) = (next_key(key), far);
        let width = width(&low, Some(&high));
        while let Some(middle) = middle(&low, Some(&high), width) {
            if size(&middle) > base { high = middle } else { low = middle }
        }
        Some(high)
    }
}

impl Pages for SalvagePages<'_> {
    fn read_next(&mut self, page: &mut Page, budget: usize) -> Result<bool> {
        page.clear();
        loop {
            while let Some((key, value)) = self.ready.pop_front() {
                page.push(&key, &value);
                self.last = Some(key);
                if page.size() >= budget {
                    return Ok(true);
                }
            }
            if self.ended {
                return Ok(!page.is_empty());
            }
            let mut iterator = match self.iterator.take() {
                Some(iterator) => iterator,
                None => {
                    let Some(mut iterator) = self.iterator() else { return Ok(false) };
                    match (self.from.take(), &self.last) {
                        (Some(from), _) => iterator.seek(from),
                        (None, Some(last)) => iterator.seek(next_key(last)),
                        (None, None) => iterator.seek_to_first(),
                    }
                    iterator
                }
            };
            while let Some((key, value)) = iterator.item() {
                page.push(key, value);
                iterator.next();
                if page.size() >= budget {
                    break;
                }
            }
            if let Some((key, _)) = page.last() {
                self.last = Some(key.to_vec());
            }
            match iterator.status() {
                _ if iterator.valid() => {
                    self.iterator = Some(iterator);
                    return Ok(true);
                }
                Ok(()) => {
                    self.ended = true;
                    return Ok(!page.is_empty());
                }
                Err(error) => {
                    drop(iterator);
                    let reason = self.source.damage(error, self.table)?;
                    self.step_over(&reason)?;
                }
            }
        }
    }
}

/// The lowest key above `key`.
fn next_key(key: &[u8]) -> Vec<u8> {
    [key, &[0]].concat()
}

/// Bytes of a key that count when the range between two keys is halved repeatedly.
fn width(low: &[u8], high: Option<&[u8]>) -> usize {
    (low.len().max(high.map_or(1, <[u8]>::len)) + FINER).min(LONGEST)
}

/// A key of `width` bytes about halfway between two; `None` if there is none. The same width in all steps makes the
/// halving end.
fn middle(low: &[u8], high: Option<&[u8]>, width: usize) -> Option<Vec<u8>> {
    let digit = |key: &[u8], at: usize| key.get(at).copied().unwrap_or(0);
    // Half the sum of both, as numbers of `width` bytes; an open end is just above the greatest.
    let (mut sum, mut carry) = (vec![0u8; width], 0u16);
    for at in (0..width).rev() {
        let upper = high.map_or(0xff, |high| digit(high, at));
        carry += u16::from(digit(low, at)) + u16::from(upper);
        sum[at] = (carry & 0xff) as u8;
        carry >>= 8;
    }
    let mut rest = carry;
    for byte in &mut sum {
        let value = rest << 8 | u16::from(*byte);
        *byte = (value / 2) as u8;
        rest = value % 2;
    }
    let between = sum.as_slice() > low && high.is_none_or(|high| sum.as_slice() < high);
    between.then_some(sum)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halving_converges_between_any_two_keys() {
        for (low, high) in [
            (&b""[..], None),
            (b"a", Some(&b"b"[..])),
            (b"a", Some(b"a\0\0\0")),
            (b"\0\0\0\x01", Some(b"\0\0\0\x02\0\0\0\x07")),
            (b"\xff\xff", None),
            (b"abc", Some(b"abd")),
        ] {
            let width = width(low, high);
            for upwards in [true, false] {
                let (mut from, mut to, mut steps) = (low.to_vec(), high.map(<[u8]>::to_vec), 0);
                while let Some(found) = middle(&from, to.as_deref(), width) {
                    assert!(found > from && to.as_ref().is_none_or(|to| found < *to));
                    if upwards {
                        from = found
                    } else {
                        to = Some(found)
                    }
                    steps += 1;
                    // Each step determines at least one bit of the difference.
                    assert!(steps <= 8 * width, "{low:?} {high:?}");
                }
            }
        }
    }
}
