//! The file of a store: a log of committed transactions that several processes append to.
//!
//! ```text
//! "FDBDBL01"  the greatest version that was given to a reader, i64
//! entry       length of the rest u32, XXH3 of the rest u64, then
//!               version i64, changes u32, each: 0, key, value | 1, begin, end
//!               conflict ranges u32, each: begin, end
//! ```
//!
//! Numbers are little-endian; keys and values are a length u32 and their bytes. Code that reads versions or appends
//! holds the lock of the file. An entry that a killed process has written in part is at the end of the file, is
//! ignored by readers and cut by the next writer. Nothing is synced: the model survives its processes, not the
//! machine.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;

use rustix::fs::{FlockOperation, flock};
use xxhash_rust::xxh3::xxh3_64;

use crate::code::Code;
use crate::future::Bytes;
use crate::settings::{self, Moment};

const MAGIC: &[u8; 8] = b"FDBDBL01";
const HEADER: u64 = 16;
const ENTRY_HEADER: u64 = 12;

/// Keys from `begin` up to, and without, `end`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Span {
    pub(crate) begin: Vec<u8>,
    pub(crate) end: Vec<u8>,
}

impl Span {
    pub(crate) fn new(begin: impl Into<Vec<u8>>, end: impl Into<Vec<u8>>) -> Self {
        Self { begin: begin.into(), end: end.into() }
    }

    /// Only this key.
    pub(crate) fn one(key: &[u8]) -> Self {
        Self { begin: key.to_vec(), end: after(key) }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.begin >= self.end
    }
}

/// The key that directly follows `key`.
pub(crate) fn after(key: &[u8]) -> Vec<u8> {
    let mut next = Vec::with_capacity(key.len() + 1);
    next.extend_from_slice(key);
    next.push(0);
    next
}

/// What a committed transaction changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Change {
    Set(Vec<u8>, Bytes),
    Clear(Span),
}

/// A committed transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) version: i64,
    pub(crate) changes: Vec<Change>,
    /// Sorted, without overlaps.
    pub(crate) writes: Vec<Span>,
}

/// The open file. Entries before `read_to` have been passed on.
pub(crate) struct Log {
    file: Arc<File>,
    read_to: u64,
}

/// The lock of the file, given back when dropped.
pub(crate) struct Locked(Arc<File>);

impl Drop for Locked {
    fn drop(&mut self) {
        // An unlock of an open file does not fail; if it did, closing the file would give the lock back.
        let _ = flock(&*self.0, FlockOperation::Unlock);
    }
}

fn failed(_: std::io::Error) -> Code {
    Code::IO_ERROR
}

impl Log {
    pub(crate) fn open(path: &Path) -> Result<Self, Code> {
        let mut options = File::options();
        let file = options.read(true).write(true).create(true).truncate(false).open(path).map_err(failed)?;
        let log = Self { file: Arc::new(file), read_to: HEADER };
        let _locked = log.lock()?;
        // A process may have been killed between creating the file and writing this.
        if log.len()? < HEADER {
            log.file.write_all_at(&[*MAGIC, [0; 8]].concat(), 0).map_err(failed)?;
        }
        let mut magic = [0; 8];
        log.file.read_exact_at(&mut magic, 0).map_err(failed)?;
        (magic == *MAGIC).then_some(()).ok_or(Code::FILE_CORRUPT)?;
        drop(_locked);
        Ok(log)
    }

    pub(crate) fn lock(&self) -> Result<Locked, Code> {
        loop {
            match flock(&*self.file, FlockOperation::LockExclusive) {
                Ok(()) => return Ok(Locked(Arc::clone(&self.file))),
                Err(rustix::io::Errno::INTR) => {}
                Err(_) => return Err(Code::IO_ERROR),
            }
        }
    }

    fn len(&self) -> Result<u64, Code> {
        Ok(self.file.metadata().map_err(failed)?.len())
    }

    /// The greatest version that any process has given to a reader.
    pub(crate) fn issued(&self, _: &Locked) -> Result<i64, Code> {
        let mut bytes = [0; 8];
        self.file.read_exact_at(&mut bytes, 8).map_err(failed)?;
        Ok(i64::from_le_bytes(bytes))
    }

    pub(crate) fn set_issued(&self, version: i64, _: &Locked) -> Result<(), Code> {
        self.file.write_all_at(&version.to_le_bytes(), 8).map_err(failed)
    }

    /// Passes on every entry that other processes have appended.
    pub(crate) fn catch_up(&mut self, _: &Locked, mut apply: impl FnMut(Entry)) -> Result<(), Code> {
        let end = self.len()?;
        while self.read_to + ENTRY_HEADER <= end {
            let mut header = [0; ENTRY_HEADER as usize];
            self.file.read_exact_at(&mut header, self.read_to).map_err(failed)?;
            let mut fields = Fields(&header);
            let (length, hash) = fields.u32().zip(fields.u64()).ok_or(Code::FILE_CORRUPT)?;
            let next = self.read_to + ENTRY_HEADER + u64::from(length);
            if next > end {
                break;
            }
            // No longer than the file.
            let mut bytes = vec![0; length as usize];
            self.file.read_exact_at(&mut bytes, self.read_to + ENTRY_HEADER).map_err(failed)?;
            if xxh3_64(&bytes) != hash {
                return Err(Code::FILE_CORRUPT);
            }
            apply(decode(&bytes).ok_or(Code::FILE_CORRUPT)?);
            self.read_to = next;
        }
        Ok(())
    }

    /// Appends an entry, after [`Log::catch_up`] under the same lock.
    pub(crate) fn append(&mut self, entry: &Entry, _: &Locked) -> Result<(), Code> {
        let bytes = encode(entry).ok_or(Code::TOO_LARGE)?;
        if self.len()? > self.read_to {
            self.file.set_len(self.read_to).map_err(failed)?;
        }
        let moment = crate::kill::this_commit(settings::get().ok().and_then(|settings| settings.kill));
        if moment == Some(Moment::Before) {
            crate::kill::this_process();
        }
        if moment == Some(Moment::Torn) {
            self.file
                .write_all_at(bytes.get(..bytes.len() / 2).unwrap_or_default(), self.read_to)
                .map_err(failed)?;
            crate::kill::this_process();
        }
        self.file.write_all_at(&bytes, self.read_to).map_err(failed)?;
        if moment == Some(Moment::After) {
            crate::kill::this_process();
        }
        self.read_to += bytes.len() as u64;
        Ok(())
    }
}

fn encode(entry: &Entry) -> Option<Vec<u8>> {
    let mut bytes = vec![0; ENTRY_HEADER as usize];
    bytes.extend_from_slice(&entry.version.to_le_bytes());
    put_length(&mut bytes, entry.changes.len())?;
    for change in &entry.changes {
        let (kind, first, second): (u8, &[u8], &[u8]) = match change {
            Change::Set(key, value) => (0, key, value),
            Change::Clear(span) => (1, &span.begin, &span.end),
        };
        bytes.push(kind);
        put(&mut bytes, first)?;
        put(&mut bytes, second)?;
    }
    put_length(&mut bytes, entry.writes.len())?;
    for span in &entry.writes {
        put(&mut bytes, &span.begin)?;
        put(&mut bytes, &span.end)?;
    }
    let (header, rest) = bytes.split_at_mut(ENTRY_HEADER as usize);
    header[..4].copy_from_slice(&u32::try_from(rest.len()).ok()?.to_le_bytes());
    header[4..].copy_from_slice(&xxh3_64(rest).to_le_bytes());
    Some(bytes)
}

fn put_length(bytes: &mut Vec<u8>, length: usize) -> Option<()> {
    bytes.extend_from_slice(&u32::try_from(length).ok()?.to_le_bytes());
    Some(())
}

fn put(bytes: &mut Vec<u8>, part: &[u8]) -> Option<()> {
    put_length(bytes, part.len())?;
    bytes.extend_from_slice(part);
    Some(())
}

fn decode(bytes: &[u8]) -> Option<Entry> {
    let mut fields = Fields(bytes);
    let version = i64::from_le_bytes(*fields.0.split_off(..8)?.first_chunk()?);
    let mut changes = Vec::new();
    for _ in 0..fields.u32()? {
        let kind = *fields.0.split_off(..1)?.first()?;
        let (first, second) = (fields.part()?, fields.part()?);
        changes.push(match kind {
            0 => Change::Set(first.to_vec(), second.into()),
            1 => Change::Clear(Span::new(first, second)),
            _ => return None,
        });
    }
    let mut writes = Vec::new();
    for _ in 0..fields.u32()? {
        let (begin, end) = (fields.part()?, fields.part()?);
        writes.push(Span::new(begin, end));
    }
    fields.0.is_empty().then_some(Entry { version, changes, writes })
}

/// Bytes that are taken from the front.
struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    fn u32(&mut self) -> Option<u32> {
        Some(u32::from_le_bytes(*self.0.split_off(..4)?.first_chunk()?))
    }

    fn u64(&mut self) -> Option<u64> {
        Some(u64::from_le_bytes(*self.0.split_off(..8)?.first_chunk()?))
    }

    fn part(&mut self) -> Option<&'a [u8]> {
        let length = self.u32()? as usize;
        self.0.split_off(..length)
    }
}

#[cfg(test)]
mod tests {
    use std::error::Error;

    use super::*;

    fn entry(version: i64) -> Entry {
        let set = Change::Set(b"key".to_vec(), b"value".as_slice().into());
        let clear = Change::Clear(Span::new("a", "b"));
        Entry { version, changes: vec![set, clear], writes: vec![Span::new("a", "b"), Span::one(b"key")] }
    }

    fn failed(code: Code) -> Box<dyn Error> {
        format!("code {}", code.0).into()
    }

    fn versions(log: &mut Log) -> Result<Vec<i64>, Code> {
        let locked = log.lock()?;
        let mut found = Vec::new();
        log.catch_up(&locked, |entry| found.push(entry.version))?;
        Ok(found)
    }

    fn append(log: &mut Log, version: i64) -> Result<(), Code> {
        let locked = log.lock()?;
        log.append(&entry(version), &locked)
    }

    #[test]
    fn an_entry_is_read_as_it_was_written() -> Result<(), Box<dyn Error>> {
        let bytes = encode(&entry(5)).ok_or("too long")?;
        assert_eq!(decode(&bytes[12..]), Some(entry(5)));
        for end in 12..bytes.len() {
            assert_eq!(decode(&bytes[12..end]), None, "{end} bytes");
        }
        Ok(())
    }

    #[test]
    fn another_process_sees_what_was_appended() -> Result<(), Box<dyn Error>> {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("store");
        let (mut one, mut other) = (Log::open(&path).map_err(failed)?, Log::open(&path).map_err(failed)?);
        append(&mut one, 1).map_err(failed)?;
        append(&mut one, 2).map_err(failed)?;
        assert_eq!(versions(&mut other), Ok(vec![1, 2]));
        append(&mut other, 3).map_err(failed)?;
        assert_eq!(versions(&mut one), Ok(vec![3]));
        assert_eq!(versions(&mut Log::open(&path).map_err(failed)?), Ok(vec![1, 2, 3]));
        Ok(())
    }

    #[test]
    fn a_torn_entry_is_ignored_and_cut() -> Result<(), Box<dyn Error>> {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("store");
        append(&mut Log::open(&path).map_err(failed)?, 1).map_err(failed)?;
        let whole = std::fs::read(&path)?;
        let last = encode(&entry(2)).ok_or("too long")?;
        for torn in 0..last.len() {
            std::fs::write(&path, [whole.as_slice(), &last[..torn]].concat())?;
            let mut log = Log::open(&path).map_err(failed)?;
            assert_eq!(versions(&mut log), Ok(vec![1]), "{torn} bytes");
            append(&mut log, 3).map_err(failed)?;
            assert_eq!(versions(&mut Log::open(&path).map_err(failed)?), Ok(vec![1, 3]), "{torn} bytes");
        }
        Ok(())
    }

    #[test]
    fn a_damaged_entry_is_an_error() -> Result<(), Box<dyn Error>> {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("store");
        append(&mut Log::open(&path).map_err(failed)?, 1).map_err(failed)?;
        let mut bytes = std::fs::read(&path)?;
        bytes[40] ^= 1;
        std::fs::write(&path, &bytes)?;
        assert_eq!(versions(&mut Log::open(&path).map_err(failed)?), Err(Code::FILE_CORRUPT));
        bytes[0] = b'X';
        std::fs::write(&path, &bytes)?;
        assert_eq!(Log::open(&path).err(), Some(Code::FILE_CORRUPT));
        Ok(())
    }
}
