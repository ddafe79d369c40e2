//! The list of a store's objects, sorted by key in bounded memory.
//!
//! Stores list by name, and the order of names is not that of keys. So entries are sorted in runs, the runs are
//! merged into one temporary file, and a sparse index of it is kept. Does not depend on where objects are.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::FileExt;

use xxhash_rust::xxh3::Xxh3;

use crate::backend::KeyRange;
use crate::base::error::{Error, Result};

/// Bytes of entries that are sorted in memory.
const RUN: usize = 8 << 20;
/// Bytes read at once from a run or from the list.
const CHUNK: usize = 16 << 10;
/// Limit of entries of the index. Beyond it, every other entry is removed.
const INDEX: usize = 4096;

/// An object of a store.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct ListedObject {
    /// Its key.
    pub key: Vec<u8>,
    /// Its length in bytes, as listed.
    pub size: u64,
    /// A value that changes when the object is written again.
    pub stamp: u64,
}

/// Sorts entries that are added in any order.
pub(super) struct Sorter {
    run: Vec<ListedObject>,
    held: usize,
    limit: usize,
    spool: Option<File>,
    runs: Vec<(u64, u64)>,
    end: u64,
}

impl Sorter {
    pub fn new() -> Self {
        Sorter::with_runs_of(RUN)
    }

    fn with_runs_of(limit: usize) -> Self {
        Sorter { run: Vec::new(), held: 0, limit, spool: None, runs: Vec::new(), end: 0 }
    }

    pub fn push(&mut self, entry: ListedObject) -> Result<()> {
        self.held += entry.key.len() + size_of::<ListedObject>();
        self.run.push(entry);
        if self.held >= self.limit { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> Result<()> {
        self.run.sort_unstable();
        let spool = match &mut self.spool {
            Some(spool) => spool,
            none => none.insert(crate::base::dir::unnamed(&std::env::temp_dir()).map_err(no_spool)?),
        };
        let begin = self.end;
        let mut out = BufWriter::new(spool);
        for entry in self.run.drain(..) {
            self.end += put(&mut out, &entry).map_err(no_spool)?;
        }
        out.flush().map_err(no_spool)?;
        self.runs.push((begin, self.end));
        self.held = 0;
        Ok(())
    }

    /// The sorted list. A key listed twice counts once.
    pub fn finish(mut self) -> Result<Listing> {
        self.flush()?;
        let Some(spool) = self.spool else { return Err(Error::io("there is no list of objects")) };
        let mut readers: Vec<ListReader> =
            self.runs.iter().map(|(begin, end)| ListReader::new(*begin, *end)).collect();
        let mut heap = BinaryHeap::with_capacity(readers.len());
        for (index, reader) in readers.iter_mut().enumerate() {
            heap.extend(reader.next(&spool)?.map(|entry| Reverse((entry, index))));
        }
        let mut listing = Listing::new(crate::base::dir::unnamed(&std::env::temp_dir()).map_err(no_spool)?);
        let mut sum = Xxh3::new();
        let mut out = BufWriter::with_capacity(64 << 10, listing.file.try_clone().map_err(no_spool)?);
        let mut last: Option<Vec<u8>> = None;
        while let Some(Reverse((entry, index))) = heap.pop() {
            if let Some(reader) = readers.get_mut(index) {
                heap.extend(reader.next(&spool)?.map(|entry| Reverse((entry, index))));
            }
            if last.as_ref() == Some(&entry.key) {
                continue;
            }
            listing.note(&entry);
            let mut bytes = Vec::with_capacity(entry.key.len() + 18);
            listing.end += put(&mut bytes, &entry).map_err(no_spool)?;
            sum.update(&bytes);
            out.write_all(&bytes).map_err(no_spool)?;
            last = Some(entry.key);
        }
        out.flush().map_err(no_spool)?;
        listing.sum = sum.digest();
        Ok(listing)
    }
}

/// Every object of a store, by key.
pub(super) struct Listing {
    file: File,
    end: u64,
    // Key, offset and number of every `stride`-th entry.
    index: Vec<(Vec<u8>, u64, u64)>,
    stride: u64,
    /// Number of objects.
    pub records: u64,
    /// Bytes of keys and objects.
    pub bytes: u64,
    /// Number of objects that do not belong to the server.
    pub foreign: u64,
    /// The name of one of them.
    pub sample: Option<String>,
    sum: u64,
}

impl Listing {
    fn new(file: File) -> Self {
        Listing {
            file,
            end: 0,
            index: Vec::new(),
            stride: 16,
            records: 0,
            bytes: 0,
            foreign: 0,
            sample: None,
            sum: 0,
        }
    }

    fn note(&mut self, entry: &ListedObject) {
        if self.records.is_multiple_of(self.stride) {
            self.index.push((entry.key.clone(), self.end, self.records));
            if self.index.len() > INDEX {
                self.stride *= 2;
                self.index.retain(|(_, _, number)| number.is_multiple_of(self.stride));
            }
        }
        self.records += 1;
        self.bytes = self.bytes.saturating_add(entry.size).saturating_add(entry.key.len() as u64);
    }

    /// A text that changes when any object is added, removed or written again.
    pub fn fingerprint(&self) -> String {
        format!("{} {} {:016x}", self.records, self.bytes, self.sum)
    }

    /// About `n` ranges with equally many objects.
    pub fn ranges(&self, n: usize) -> Vec<KeyRange> {
        let n = n.max(1) as u64;
        let split = |part: u64| {
            let number = u64::try_from(u128::from(self.records) * u128::from(part) / u128::from(n)).ok()?;
            let at = self.index.partition_point(|(_, _, begin)| *begin < number);
            self.index.get(at).map(|(key, ..)| key.clone())
        };
        let mut splits: Vec<Vec<u8>> = (1..n).filter_map(split).collect();
        splits.dedup();
        KeyRange::between(splits)
    }

    /// The entries of a range.
    pub fn cursor(&self, range: &KeyRange) -> Cursor {
        let begin = range.after.as_deref().map_or(0, |after| {
            let at = self.index.partition_point(|(key, ..)| key.as_slice() <= after);
            at.checked_sub(1).and_then(|at| self.index.get(at)).map_or(0, |(_, offset, _)| *offset)
        });
        Cursor { reader: ListReader::new(begin, self.end), range: range.clone() }
    }
}

/// The position of a scan in the list.
pub(super) struct Cursor {
    reader: ListReader,
    range: KeyRange,
}

impl Cursor {
    /// The next entry of the range.
    pub fn next(&mut self, listing: &Listing) -> Result<Option<ListedObject>> {
        while let Some(entry) = self.reader.next(&listing.file)? {
            if self.range.until.as_deref().is_some_and(|until| entry.key.as_slice() > until) {
                self.reader.at = self.reader.end;
                self.reader.buffer.clear();
                return Ok(None);
            }
            if self.range.contains(&entry.key) {
                return Ok(Some(entry));
            }
        }
        Ok(None)
    }
}

/// Reads entries between two offsets of a file that other readers use as well.
struct ListReader {
    at: u64,
    end: u64,
    buffer: Vec<u8>,
    used: usize,
}

impl ListReader {
    fn new(at: u64, end: u64) -> Self {
        ListReader { at, end, buffer: Vec::new(), used: 0 }
    }

    /// The next `n` bytes.
    fn take<'a>(&'a mut self, file: &File, n: usize) -> io::Result<&'a [u8]> {
        if self.buffer.len() - self.used < n {
            self.buffer.drain(..self.used);
            self.used = 0;
            let have = self.buffer.len();
            let left = usize::try_from(self.end - self.at).unwrap_or(usize::MAX);
            let more = (CHUNK.max(n) - have).min(left);
            self.buffer.resize(have + more, 0);
            file.read_exact_at(self.buffer.get_mut(have..).unwrap_or_default(), self.at)?;
            self.at += more as u64;
        }
        let bytes = self.buffer.get(self.used..self.used + n);
        self.used += n;
        bytes.ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
    }

    fn next(&mut self, file: &File) -> Result<Option<ListedObject>> {
        if self.at >= self.end && self.used >= self.buffer.len() {
            return Ok(None);
        }
        let mut read = || -> io::Result<ListedObject> {
            let number = |bytes: &[u8]| bytes.iter().fold(0u64, |n, byte| n << 8 | u64::from(*byte));
            let length = usize::try_from(number(self.take(file, 2)?)).unwrap_or(0);
            let key = self.take(file, length)?.to_vec();
            let size = number(self.take(file, 8)?);
            Ok(ListedObject { key, size, stamp: number(self.take(file, 8)?) })
        };
        read().map(Some).map_err(no_spool)
    }
}

fn put(out: &mut impl Write, entry: &ListedObject) -> io::Result<u64> {
    let length = u16::try_from(entry.key.len()).map_err(io::Error::other)?;
    out.write_all(&length.to_be_bytes())?;
    out.write_all(&entry.key)?;
    out.write_all(&entry.size.to_be_bytes())?;
    out.write_all(&entry.stamp.to_be_bytes())?;
    Ok(entry.key.len() as u64 + 18)
}

fn no_spool(error: io::Error) -> Error {
    Error::io("cannot keep the list of objects in a temporary file")
        .with("path", std::env::temp_dir().display().to_string())
        .because(error)
        .help("set TMPDIR to a directory with enough space")
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn entries(count: u64) -> Vec<ListedObject> {
        // A multiplier without common factors visits every number once, out of order.
        let key = |n: u64| (n * 7919 % count).to_be_bytes()[5..].to_vec();
        (0..count).map(|n| ListedObject { key: key(n), size: n, stamp: n * n }).collect()
    }

    fn listed(count: u64, run: usize) -> Listing {
        let mut sorter = Sorter::with_runs_of(run);
        entries(count).into_iter().for_each(|entry| sorter.push(entry).unwrap());
        sorter.finish().unwrap()
    }

    fn read(listing: &Listing, range: &KeyRange) -> Vec<ListedObject> {
        let mut cursor = listing.cursor(range);
        std::iter::from_fn(|| cursor.next(listing).unwrap()).collect()
    }

    #[test]
    fn entries_come_sorted_whatever_the_size_of_runs() {
        for (count, run) in [(0, 1), (1, 1), (1000, 1), (1000, 2000), (200_000, 1 << 20), (10_000, RUN)] {
            let listing = listed(count, run);
            let mut expect = entries(count);
            expect.sort();
            assert_eq!(listing.records, count);
            assert!(read(&listing, &KeyRange::all()) == expect, "{count} in runs of {run}");
            assert!(listing.index.len() <= INDEX + 1);
        }
    }

    #[test]
    fn ranges_cover_every_entry_once_and_are_of_similar_size() {
        for (count, n) in [(0, 4), (1, 4), (50, 4), (10_000, 16), (200_000, 7)] {
            let listing = listed(count, 1 << 20);
            let ranges = listing.ranges(n);
            let parts: Vec<Vec<ListedObject>> = ranges.iter().map(|range| read(&listing, range)).collect();
            if count >= 10_000 {
                assert_eq!(ranges.len(), n);
                let most = parts.iter().map(Vec::len).max().unwrap() as u64;
                assert!(most <= count / n as u64 + 2 * listing.stride, "{most} of {count} in one of {n}");
            }
            assert!(parts.concat() == read(&listing, &KeyRange::all()), "{count} in {n}");
        }
    }

    #[test]
    fn a_key_listed_twice_counts_once_and_a_change_is_seen() {
        let list = |entries: &[(&[u8], u64, u64)]| {
            let mut sorter = Sorter::new();
            for (key, size, stamp) in entries {
                sorter.push(ListedObject { key: key.to_vec(), size: *size, stamp: *stamp }).unwrap();
            }
            sorter.finish().unwrap()
        };
        let listing = list(&[(b"b", 2, 0), (b"a", 1, 0), (b"b", 2, 0)]);
        assert_eq!((listing.records, listing.bytes), (2, 5));
        let same = list(&[(b"a", 1, 0), (b"b", 2, 0)]);
        assert_eq!(listing.fingerprint(), same.fingerprint());
        for other in [list(&[(b"a", 1, 0), (b"b", 2, 1)]), list(&[(b"a", 1, 0)]), list(&[])] {
            assert_ne!(listing.fingerprint(), other.fingerprint());
        }
    }
}
