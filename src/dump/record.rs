//! Records inside a frame: the content header, LEB128 lengths, keys and values.
//!
//! Checks lengths and the exact end of the content; the caller checks the order of the keys. A length field
//! never causes an allocation: buffers grow with the data that is actually read.

use std::io::Read;
use std::ops::Range;

use super::frame::{FrameEnd, FrameHeader, FrameReader};
use crate::base::error::{Error, Result};
use crate::base::hex::hex_start;
use crate::base::page::Page;

/// First byte of the content.
///
/// source: crates/common/src/manager/backup.rs @ v0.15.5, v0.16.18
pub const CONTENT_MAGIC: u8 = 0x7b;

/// Bytes of the content before the first record.
pub const CONTENT_HEADER: usize = 6;

/// Longest key, in bytes.
pub const MAX_KEY: usize = 65_536;

/// Header of the content, before its records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ContentHeader {
    /// Letter of the subspace.
    pub letter: char,
    /// Schema version of the exported database.
    pub schema_version: u32,
}

impl ContentHeader {
    /// The header as stored in the content. The letter must be ASCII.
    pub fn encode(&self) -> [u8; CONTENT_HEADER] {
        let [a, b, c, d] = self.schema_version.to_le_bytes();
        [CONTENT_MAGIC, self.letter as u8, a, b, c, d]
    }
}

/// A length in LEB128: a buffer and the number of bytes used in it.
pub fn encode_length(length: u32) -> ([u8; 5], usize) {
    let mut bytes = [0; 5];
    let mut rest = length;
    let mut used = 0;
    for byte in &mut bytes {
        used += 1;
        *byte = (rest & 0x7f) as u8;
        rest >>= 7;
        if rest == 0 {
            break;
        }
        *byte |= 0x80;
    }
    (bytes, used)
}

/// Reads the records of one frame in file order, in pages.
pub struct RecordReader<R> {
    frame: FrameReader<R>,
    header: ContentHeader,
    // Position in the current block, and content bytes before the block.
    at: usize,
    before: u64,
    max_value: u64,
    key: Vec<u8>,
    // Length of the next value, when its key has been read.
    pending: Option<usize>,
    failed: bool,
}

impl<R: Read> RecordReader<R> {
    /// Reads frame header and content header; `file` names the file in errors.
    pub fn new(input: R, file: impl Into<String>) -> Result<Self> {
        let frame = FrameReader::new(input, file)?;
        let header = ContentHeader { letter: ' ', schema_version: 0 };
        let mut reader = RecordReader {
            frame,
            header,
            at: 0,
            before: 0,
            max_value: u64::from(u32::MAX),
            key: Vec::new(),
            pending: None,
            failed: false,
        };
        reader.header = reader.read_header()?;
        Ok(reader)
    }

    /// Refuses values longer than `bytes` before they are read; a manifest states the longest one.
    pub fn limit_values(&mut self, bytes: u64) {
        self.max_value = self.max_value.min(bytes);
    }

    /// Header of the content.
    pub fn header(&self) -> ContentHeader {
        self.header
    }

    /// The frame's flags.
    pub fn frame(&self) -> FrameHeader {
        self.frame.header()
    }

    /// How the frame ended; `None` before every record was read.
    pub fn end(&self) -> Option<FrameEnd> {
        self.frame.end()
    }

    /// Bytes of the file read so far.
    pub fn offset(&self) -> u64 {
        self.frame.offset()
    }

    /// Name of the file, for errors.
    pub fn file(&self) -> &str {
        self.frame.file()
    }

    /// Returns the input with its counts or hashes.
    pub fn into_input(self) -> R {
        self.frame.into_input()
    }

    /// Fills `page` with the next records: at least one, and no more than `limit` bytes unless one record alone
    /// is larger. False when there are none left.
    ///
    /// Errors: `Damaged` for a partial record, a length in the wrong form or too large, or a damaged frame.
    /// After an error every call fails.
    pub fn read_page(&mut self, page: &mut Page, limit: usize) -> Result<bool> {
        page.clear();
        if self.failed {
            return Err(self.damage("reading the records has failed before"));
        }
        let outcome = self.fill_page(page, limit);
        if outcome.is_err() {
            self.failed = true;
            page.clear();
        }
        outcome
    }

    fn fill_page(&mut self, page: &mut Page, limit: usize) -> Result<bool> {
        loop {
            if let Some(length) = self.pending {
                if !page.is_empty() && page.size() + self.key.len() + length > limit {
                    return Ok(true);
                }
                let key = std::mem::take(&mut self.key);
                // The value is read directly into the page: it may be too large to copy it through a buffer.
                let taken = page.push_with(&key, |bytes| self.take_value(length, &key, bytes));
                self.key = key;
                taken?;
                self.pending = None;
            } else if let Some((key, value, next)) = self.whole_record() {
                if !page.is_empty() && page.size() + key.len() + value.len() > limit {
                    return Ok(true);
                }
                let block = self.frame.block();
                page.push(block.get(key).unwrap_or_default(), block.get(value).unwrap_or_default());
                self.at = next;
            } else {
                let Some(length) = self.take_length(true)? else {
                    return Ok(!page.is_empty());
                };
                self.take_key(length)?;
                let Some(length) = self.take_length(false)? else {
                    return Err(self.partial("before a value length"));
                };
                self.pending = Some(length);
            }
        }
    }

    fn read_header(&mut self) -> Result<ContentHeader> {
        let mut bytes = [0; CONTENT_HEADER];
        for byte in &mut bytes {
            *byte = self.next_byte()?.ok_or_else(|| self.damage("the content ends inside its header"))?;
        }
        let [magic, letter, version @ ..] = bytes;
        if magic != CONTENT_MAGIC {
            return Err(self.damage(format!("the content begins with {magic:02x}, not {CONTENT_MAGIC:02x}")));
        }
        if !letter.is_ascii_lowercase() {
            return Err(self.damage(format!("the content names subspace {letter:02x}, no letter a to z")));
        }
        Ok(ContentHeader { letter: char::from(letter), schema_version: u32::from_le_bytes(version) })
    }

    /// Ranges of the next key and value and the position after them, if all of it lies in the current block and
    /// is valid. Other cases are left to the slow path, which reports what is wrong.
    fn whole_record(&self) -> Option<(Range<usize>, Range<usize>, usize)> {
        let block = self.frame.block();
        let (length, start) = length_in(block, self.at)?;
        let key = start..start.checked_add(length)?;
        if key.end > block.len() || length > MAX_KEY {
            return None;
        }
        let (length, start) = length_in(block, key.end)?;
        let value = start..start.checked_add(length)?;
        if value.end > block.len() || length as u64 > self.max_value {
            return None;
        }
        let next = value.end;
        Some((key, value, next))
    }

    /// The next length; `None` at the end of the content, which is allowed before a key and not before a value.
    fn take_length(&mut self, of_key: bool) -> Result<Option<usize>> {
        let mut length = 0u64;
        for shift in [0, 7, 14, 21, 28] {
            let Some(byte) = self.next_byte()? else {
                if shift == 0 {
                    return Ok(None);
                }
                return Err(self.partial("inside a length"));
            };
            length |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 != 0 {
                continue;
            }
            if byte == 0 && shift > 0 {
                return Err(self.damage("a length is not in its shortest form"));
            }
            let most = if of_key { MAX_KEY as u64 } else { self.max_value };
            if length > most {
                let what = if of_key { "key" } else { "value" };
                return Err(self.damage(format!("a {what} of {length} bytes, at most {most} are possible")));
            }
            return Ok(usize::try_from(length).ok());
        }
        Err(self.damage("a length of more than 32 bits"))
    }

    fn take_key(&mut self, length: usize) -> Result<()> {
        let mut key = std::mem::take(&mut self.key);
        key.clear();
        let outcome = self.take_bytes(length, &mut key);
        self.key = key;
        if outcome? { Ok(()) } else { Err(self.partial("inside a key")) }
    }

    fn take_value(&mut self, length: usize, key: &[u8], out: &mut Vec<u8>) -> Result<()> {
        if self.take_bytes(length, out)? {
            Ok(())
        } else {
            Err(self.partial("inside a value").with("key", hex_start(key)))
        }
    }

    /// Appends the next `length` bytes to `out`; false if the content ends early.
    fn take_bytes(&mut self, length: usize, out: &mut Vec<u8>) -> Result<bool> {
        let mut missing = length;
        while missing > 0 {
            let rest = self.frame.block().get(self.at..).unwrap_or_default();
            if rest.is_empty() {
                if !self.advance()? {
                    return Ok(false);
                }
                continue;
            }
            let taken = rest.get(..missing).unwrap_or(rest);
            out.extend_from_slice(taken);
            missing -= taken.len();
            self.at += taken.len();
        }
        Ok(true)
    }

    fn next_byte(&mut self) -> Result<Option<u8>> {
        loop {
            if let Some(&byte) = self.frame.block().get(self.at) {
                self.at += 1;
                return Ok(Some(byte));
            }
            if !self.advance()? {
                return Ok(None);
            }
        }
    }

    fn advance(&mut self) -> Result<bool> {
        self.before += self.frame.block().len() as u64;
        self.at = 0;
        self.frame.next_block()
    }

    fn partial(&self, place: &str) -> Error {
        self.damage(format!("the content ends {place}: the file is cut off"))
    }

    fn damage(&self, what: impl Into<String>) -> Error {
        let at = self.before + self.at as u64;
        Error::damaged(what).with("file", self.frame.file()).with("content offset", at.to_string())
    }
}

/// A valid length at `at` and the position after it.
fn length_in(block: &[u8], at: usize) -> Option<(usize, usize)> {
    let mut length = 0u64;
    for (n, &byte) in block.get(at..)?.iter().take(5).enumerate() {
        length |= u64::from(byte & 0x7f) << (7 * n);
        if byte & 0x80 == 0 {
            let sound = (byte != 0 || n == 0) && length <= u64::from(u32::MAX);
            return sound.then_some((usize::try_from(length).ok()?, at + n + 1));
        }
    }
    None
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::super::frame::{BLOCK, FrameWriter};
    use super::*;

    fn file(content: &[u8]) -> Vec<u8> {
        let mut writer = FrameWriter::new(Vec::new());
        writer.push(content).unwrap();
        writer.finish().unwrap()
    }

    fn records(file: &[u8], limit: usize) -> Result<Vec<(Vec<u8>, Vec<u8>)>> {
        let mut reader = RecordReader::new(file, "f")?;
        let (mut page, mut all) = (Page::new(), Vec::new());
        while reader.read_page(&mut page, limit)? {
            assert!(page.len() == 1 || page.size() <= limit + 16);
            all.extend(page.iter().map(|(key, value)| (key.to_vec(), value.to_vec())));
        }
        assert!(page.is_empty() && !reader.read_page(&mut page, limit)?);
        Ok(all)
    }

    const HEADER: [u8; 6] = [0x7b, b'a', 5, 0, 0, 0];

    #[test]
    fn lengths_take_their_shortest_form() {
        for (length, expect) in [
            (0, &[0][..]),
            (127, &[0x7f]),
            (128, &[0x80, 1]),
            (300, &[0xac, 2]),
            (u32::MAX, &[0xff, 0xff, 0xff, 0xff, 0x0f]),
        ] {
            let (bytes, used) = encode_length(length);
            assert_eq!(&bytes[..used], expect);
            assert_eq!(length_in(expect, 0), Some((length as usize, used)));
        }
    }

    #[test]
    fn records_come_back_whatever_the_page_size_and_wherever_blocks_end() {
        for shift in 0..12 {
            let mut content = HEADER.to_vec();
            let mut expect = vec![(b"k".to_vec(), vec![0; BLOCK - 20 + shift])];
            expect.extend((0..40u8).map(|n| (vec![n; 5], vec![n; usize::from(n)])));
            expect.push((vec![], vec![1; 3 * BLOCK]));
            expect.push((vec![2; MAX_KEY], vec![]));
            for (key, value) in &expect {
                for piece in [key, value] {
                    let (bytes, used) = encode_length(piece.len() as u32);
                    content.extend(&bytes[..used]);
                    content.extend(piece);
                }
            }
            for limit in [0, 100, 1 << 20] {
                assert!(records(&file(&content), limit).unwrap() == expect, "shift {shift} limit {limit}");
            }
        }
    }

    #[test]
    fn what_is_no_record_is_damage_with_its_place() {
        for (content, what, offset) in [
            (&b""[..], "ends inside its header", "0"),
            (b"{a\x05\0\0", "ends inside its header", "5"),
            (b"|a\x05\0\0\0", "begins with 7c", "6"),
            (b"{A\x05\0\0\0", "names subspace 41", "6"),
            (b"{a\x05\0\0\0\x02", "ends inside a key", "7"),
            (b"{a\x05\0\0\0\x80", "ends inside a length", "7"),
            (b"{a\x05\0\0\0\x01k", "ends before a value length", "8"),
            (b"{a\x05\0\0\0\x01k\x02v", "ends inside a value", "10"),
            (b"{a\x05\0\0\0\x01k\xff\xff\xff\xff\x0fv", "ends inside a value", "14"),
            (b"{a\x05\0\0\0\x81\0kk\0", "not in its shortest form", "8"),
            (b"{a\x05\0\0\0\x80\x80\x80\0", "not in its shortest form", "10"),
            (b"{a\x05\0\0\0\x01k\xff\xff\xff\xff\x1f", "a value of 8589934591 bytes", "13"),
            (b"{a\x05\0\0\0\x01k\x80\x80\x80\x80\x80\x01", "more than 32 bits", "13"),
            (b"{a\x05\0\0\0\x81\x80\x04", "a key of 65537 bytes", "9"),
        ] {
            let error = records(&file(content), 100).unwrap_err();
            assert!(error.message().contains(what), "{error}, not {what}");
            assert_eq!(error.context("content offset"), Some(offset), "{error}");
        }
    }

    #[test]
    fn a_failed_reader_keeps_failing_and_values_are_limited() {
        let bytes = file(b"{a\x05\0\0\0\x01k\x02vv\x01l\x03vvv");
        let mut reader = RecordReader::new(&bytes[..], "f").unwrap();
        reader.limit_values(2);
        let mut page = Page::new();
        assert!(reader.read_page(&mut page, 1).unwrap_err().message().contains("a value of 3 bytes"));
        assert!(reader.read_page(&mut page, 1).is_err() && page.is_empty());
    }
}
