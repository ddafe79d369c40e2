//! Reads a frame block by block, written by this tool or another writer.
//!
//! Accepts what the server's own reader accepts (independent and linked blocks, 64 KiB to 4 MiB, checksums,
//! content size; crates lz4_flex 0.12.0–0.14.0, src/frame/decompress.rs) and refuses what that reader drops
//! silently: bytes after the end, stray bytes, truncated blocks. Only block buffers are held in memory.

use std::io::{ErrorKind as IoErrorKind, Read};

use lz4_flex::block::decompress_into_with_dict;
use xxhash_rust::xxh32::{Xxh32, xxh32};

use super::{FrameEnd, FrameHeader, MAGIC, STORED};
use crate::base::error::{Error, Result};
use crate::base::stop::Stop;

// Content that a linked block may refer to.
const WINDOW: usize = 65_536;

/// A frame being read from `R`. After an error every call fails.
pub struct FrameReader<R> {
    input: R,
    file: String,
    header: FrameHeader,
    offset: u64,
    packed: Vec<u8>,
    block: Vec<u8>,
    length: usize,
    window: Vec<u8>,
    content_hash: Xxh32,
    content_bytes: u64,
    skipped: bool,
    state: FrameState,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum FrameState {
    Blocks,
    Ended(FrameEnd),
    Failed,
}

impl<R: Read> FrameReader<R> {
    /// Reads the frame's header; `file` names the file in errors.
    ///
    /// Errors: `Damaged` with file and offset, `Io` when reading fails.
    pub fn new(input: R, file: impl Into<String>) -> Result<Self> {
        let mut reader = FrameReader {
            input,
            file: file.into(),
            header: FrameHeader::OURS,
            offset: 0,
            packed: Vec::new(),
            block: Vec::new(),
            length: 0,
            window: Vec::new(),
            content_hash: Xxh32::new(0),
            content_bytes: 0,
            skipped: false,
            state: FrameState::Blocks,
        };
        reader.header = reader.read_header()?;
        reader.block = vec![0; reader.header.block_size()];
        Ok(reader)
    }

    /// The frame's flags.
    pub fn header(&self) -> FrameHeader {
        self.header
    }

    /// Reads the next block; false at the end of the frame, which is also the end of the file.
    ///
    /// Errors: as [`new`](FrameReader::new), and interrupted after the process was asked to stop.
    ///
    /// [`end`](FrameReader::end) returns whether the frame *has* an end mark.
    pub fn next_block(&mut self) -> Result<bool> {
        self.guarded(|reader| reader.read_block(true))
    }

    /// Checks the next block's size and checksum without decompressing it; false at the end.
    ///
    /// After this call the content checksum can no longer be checked.
    pub fn skip_block(&mut self) -> Result<bool> {
        self.guarded(|reader| reader.read_block(false))
    }

    /// Content of the block that the last call has read; empty if it has read none.
    pub fn block(&self) -> &[u8] {
        self.block.get(..self.length).unwrap_or_default()
    }

    /// How the frame ended; `None` before its end.
    pub fn end(&self) -> Option<FrameEnd> {
        match self.state {
            FrameState::Ended(end) => Some(end),
            _ => None,
        }
    }

    /// Bytes of the file read so far.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// Name of the file, for errors.
    pub fn file(&self) -> &str {
        &self.file
    }

    /// The input, positioned after the last block, with its counts or hashes.
    pub fn input(&self) -> &R {
        &self.input
    }

    /// Returns the input with its counts or hashes.
    pub fn into_input(self) -> R {
        self.input
    }

    fn guarded(&mut self, read: impl FnOnce(&mut Self) -> Result<bool>) -> Result<bool> {
        match self.state {
            FrameState::Ended(_) => return Ok(false),
            FrameState::Failed => return Err(self.damage("reading the file has failed before", self.offset)),
            FrameState::Blocks => {}
        }
        self.length = 0;
        let outcome = Stop::of_process().check().and_then(|()| read(self));
        if outcome.is_err() {
            self.state = FrameState::Failed;
            self.length = 0;
        }
        outcome
    }

    fn read_header(&mut self) -> Result<FrameHeader> {
        let mut magic = [0; 4];
        let got = self.fill(&mut magic)?;
        if got == 0 {
            return Err(self.damage("the file is empty, not even a frame header", 0));
        }
        let number = u32::from_le_bytes(magic);
        if got < 4 || magic != MAGIC {
            let what = match number {
                0x184d_2a50..=0x184d_2a5f => "the file begins with a skippable LZ4 frame",
                0x184c_2102 => "the file is an LZ4 frame of the legacy format",
                _ => "the file is no LZ4 frame",
            };
            return Err(self.damage(what, 0));
        }
        let mut descriptor = [0; 11];
        let flags = &mut descriptor[..2];
        if self.fill(flags)? < 2 {
            return Err(self.damage("the LZ4 frame header is incomplete", 4));
        }
        let [flg, bd, ..] = descriptor;
        FrameHeader::check_flags(flg, bd).map_err(|what| self.damage(what, 4))?;
        let rest = FrameHeader::rest(flg);
        if self.fill(&mut descriptor[2..2 + rest])? < rest {
            return Err(self.damage("the LZ4 frame header is incomplete", 4));
        }
        FrameHeader::parse(&descriptor[..2 + rest]).map_err(|what| self.damage(what, 4))
    }

    fn read_block(&mut self, decode: bool) -> Result<bool> {
        let start = self.offset;
        let mut size = [0; 4];
        match self.fill(&mut size)? {
            4 => {}
            0 => {
                self.state = FrameState::Ended(FrameEnd::default());
                return Ok(false);
            }
            stray => return Err(self.damage(format!("{stray} stray bytes follow the last block"), start)),
        }
        let size = u32::from_le_bytes(size);
        if size == 0 {
            self.read_end(start)?;
            return Ok(false);
        }
        let stored = size & STORED != 0;
        let length = (size & !STORED) as usize;
        if length > self.header.block_size() {
            let most = self.header.block_size();
            return Err(self.damage(format!("a block of {length} bytes, the frame allows {most}"), start));
        }
        // Bounded by the check above; the file may be shorter.
        let mut packed = std::mem::take(&mut self.packed);
        packed.resize(length, 0);
        let outcome = self.read_block_data(&mut packed, stored, decode, start);
        self.packed = packed;
        outcome?;
        Ok(true)
    }

    fn read_block_data(&mut self, packed: &mut [u8], stored: bool, decode: bool, start: u64) -> Result<()> {
        if self.fill(packed)? < packed.len() {
            return Err(self.damage("the file ends inside a block", start));
        }
        if self.header.block_checksums() {
            let mut checksum = [0; 4];
            if self.fill(&mut checksum)? < 4 {
                return Err(self.damage("the file ends inside a block checksum", start));
            }
            if xxh32(packed, 0) != u32::from_le_bytes(checksum) {
                return Err(self.damage("the checksum of a block does not match", start));
            }
        }
        if !decode {
            self.skipped = true;
            return Ok(());
        }
        if stored {
            self.block[..packed.len()].copy_from_slice(packed);
            self.length = packed.len();
        } else {
            self.length = decompress_into_with_dict(packed, &mut self.block, &self.window)
                .map_err(|e| self.damage("a block cannot be decompressed", start).because(e))?;
        }
        if self.length == 0 {
            return Err(self.damage("a block without content", start));
        }
        let content = self.block.get(..self.length).unwrap_or_default();
        self.content_bytes += content.len() as u64;
        if self.header.content_checksum() {
            self.content_hash.update(content);
        }
        if self.header.linked() {
            let recent = &content[content.len().saturating_sub(WINDOW)..];
            let excess = (self.window.len() + recent.len()).saturating_sub(WINDOW);
            self.window.drain(..excess);
            self.window.extend_from_slice(recent);
        }
        Ok(())
    }

    /// Checks everything from the end mark to the end of the file.
    fn read_end(&mut self, start: u64) -> Result<()> {
        let mut checked = false;
        if let Some(size) = self.header.content_size()
            && size != self.content_bytes
            && !self.skipped
        {
            let got = self.content_bytes;
            return Err(self.damage(format!("the frame states {size} bytes of content and has {got}"), start));
        }
        if self.header.content_checksum() {
            let mut checksum = [0; 4];
            if self.fill(&mut checksum)? < 4 {
                return Err(self.damage("the file ends inside the content checksum", start));
            }
            if !self.skipped {
                if self.content_hash.digest() != u32::from_le_bytes(checksum) {
                    return Err(self.damage("the checksum of the content does not match", start));
                }
                checked = true;
            }
        }
        let end = self.offset;
        if self.fill(&mut [0; 1])? != 0 {
            return Err(self.damage("bytes follow the end of the frame", end));
        }
        self.state = FrameState::Ended(FrameEnd { end_mark: true, content_checked: checked });
        Ok(())
    }

    /// Reads until `buffer` is full or the file ends; returns the bytes read.
    fn fill(&mut self, buffer: &mut [u8]) -> Result<usize> {
        let mut filled = 0;
        while filled < buffer.len() {
            match self.input.read(&mut buffer[filled..]) {
                Ok(0) => break,
                Ok(read) => filled += read,
                Err(e) if e.kind() == IoErrorKind::Interrupted => {}
                Err(e) => {
                    return Err(Error::io("cannot read the file")
                        .with("file", &self.file)
                        .with("offset", self.offset.to_string())
                        .because(e));
                }
            }
        }
        self.offset += filled as u64;
        Ok(filled)
    }

    fn damage(&self, what: impl Into<String>, offset: u64) -> Error {
        Error::damaged(what).with("file", &self.file).with("offset", offset.to_string())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::super::{BLOCK, FrameWriter};
    use super::*;

    fn write(content: &[u8], pieces: usize) -> Vec<u8> {
        let mut writer = FrameWriter::new(Vec::new());
        for piece in content.chunks(pieces.max(1)) {
            writer.push(piece).unwrap();
        }
        writer.finish().unwrap()
    }

    fn read(bytes: &[u8]) -> Result<(Vec<u8>, FrameEnd)> {
        let mut reader = FrameReader::new(bytes, "f")?;
        let mut content = Vec::new();
        while reader.next_block()? {
            content.extend_from_slice(reader.block());
        }
        assert_eq!(reader.offset(), bytes.len() as u64);
        Ok((content, reader.end().unwrap()))
    }

    fn noise(length: usize) -> Vec<u8> {
        let mut state = 1u64;
        let mut next = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 56) as u8
        };
        (0..length).map(|_| next()).collect()
    }

    // Builds any frame from its blocks: (stored, data).
    fn frame(flg: u8, bd: u8, size: Option<u64>, blocks: &[(bool, &[u8])], tail: &[u8]) -> Vec<u8> {
        let mut bytes = FrameHeader { flg, bd, content_size: size }.encode();
        for (stored, data) in blocks {
            let size = data.len() as u32 | if *stored { STORED } else { 0 };
            bytes.extend(size.to_le_bytes());
            bytes.extend(*data);
            if flg & 0x10 != 0 {
                bytes.extend(xxh32(data, 0).to_le_bytes());
            }
        }
        bytes.extend(tail);
        bytes
    }

    #[test]
    fn our_frames_come_back_and_do_not_depend_on_the_pieces() {
        for length in [0, 1, 12, BLOCK - 1, BLOCK, BLOCK + 1, 3 * BLOCK + 3] {
            for content in [vec![b'x'; length], noise(length)] {
                let whole = write(&content, usize::MAX);
                for pieces in [1000, BLOCK - 1, BLOCK, BLOCK + 1, 2 * BLOCK + 17] {
                    assert!(write(&content, pieces) == whole, "{length} in pieces of {pieces}");
                }
                let end = FrameEnd { end_mark: true, content_checked: true };
                assert!(read(&whole).unwrap() == (content, end), "{length}");
            }
        }
    }

    #[test]
    fn blocks_that_do_not_shrink_are_stored() {
        let bytes = write(&noise(BLOCK + 5), usize::MAX);
        assert_eq!(bytes[7..11], [0, 0, 1, 0x80]);
        assert_eq!(bytes.len(), 7 + 4 + BLOCK + 4 + 4 + 5 + 4 + 4 + 4);
    }

    #[test]
    fn every_flag_the_server_reads_is_read() {
        let packed = lz4_flex::block::compress(&[7; 300]);
        let linked = lz4_flex::block::compress_with_dict(&[7; 300], &[7; 300]);
        let hash = |n: usize| [vec![0; 4], xxh32(&vec![7; n], 0).to_le_bytes().to_vec()].concat();
        let plain: &[(bool, &[u8])] = &[(false, &packed), (true, &[7; 300])];
        let chained: &[(bool, &[u8])] = &[(true, &[7; 300]), (false, &linked)];
        for (flg, bd, size, blocks, tail, end_mark) in [
            (0x60, 0x40, None, plain, vec![], false),
            (0x60, 0x40, None, plain, vec![0; 4], true),
            (0x64, 0x50, None, plain, hash(600), true),
            (0x7c, 0x60, Some(600), plain, hash(600), true),
            (0x70, 0x70, None, plain, vec![], false),
            (0x40, 0x40, None, chained, vec![0; 4], true),
            (0x44, 0x70, None, chained, hash(600), true),
        ] {
            let (content, end) = read(&frame(flg, bd, size, blocks, &tail)).unwrap();
            assert_eq!(content, [7; 600], "{flg:02x}");
            assert_eq!(end, FrameEnd { end_mark, content_checked: flg & 4 != 0 && end_mark });
        }
    }

    #[test]
    fn what_cannot_be_trusted_is_refused_with_file_and_offset() {
        let block: &[(bool, &[u8])] = &[(true, b"content")];
        let mut bad_header = frame(0x60, 0x40, None, block, &[]);
        bad_header[6] ^= 1;
        let mut legacy = frame(0x60, 0x40, None, block, &[]);
        legacy[..4].copy_from_slice(&[0x02, 0x21, 0x4c, 0x18]);
        let oversize = [&frame(0x60, 0x40, None, &[], &[])[..], &[1, 0, 1, 0x80]].concat();
        let huge = [&frame(0x60, 0x40, None, &[], &[])[..], &[0xff, 0xff, 0xff, 0xff]].concat();
        for (bytes, what, offset) in [
            (vec![], "the file is empty", "0"),
            (vec![0x7b, 2, 0, 0], "no LZ4 frame", "0"),
            (vec![4, 0x22], "no LZ4 frame", "0"),
            (vec![0x53, 0x2a, 0x4d, 0x18, 0, 0, 0, 0], "skippable", "0"),
            (legacy, "legacy", "0"),
            (vec![4, 0x22, 0x4d, 0x18, 0x60], "incomplete", "4"),
            (vec![4, 0x22, 0x4d, 0x18, 0x60, 0x40], "incomplete", "4"),
            (bad_header, "checksum of the LZ4 frame header", "4"),
            (frame(0x61, 0x40, None, block, &[]), "dictionary", "4"),
            (frame(0x62, 0x40, None, block, &[]), "reserved", "4"),
            (frame(0x60, 0x41, None, block, &[]), "reserved", "4"),
            (frame(0xe0, 0x40, None, block, &[]), "version", "4"),
            (frame(0x60, 0x30, None, block, &[]), "block size", "4"),
            (oversize, "a block of 65537 bytes, the frame allows 65536", "7"),
            (huge, "a block of 2147483647 bytes", "7"),
            (frame(0x60, 0x40, None, &[(true, b"")], &[]), "without content", "7"),
            (frame(0x60, 0x40, None, &[(false, &[0])], &[]), "without content", "7"),
            (frame(0x60, 0x40, None, &[(false, &[0xff; 3])], &[]), "cannot be decompressed", "7"),
            (frame(0x60, 0x40, None, block, &[9]), "1 stray bytes", "18"),
            (frame(0x60, 0x40, None, block, &[9, 9, 9]), "3 stray bytes", "18"),
            (frame(0x60, 0x40, None, block, &[5, 0, 0, 0, 1]), "ends inside a block", "18"),
            (frame(0x60, 0x40, None, block, &[0, 0, 0, 0, 1]), "bytes follow the end", "22"),
            (frame(0x64, 0x40, None, block, &[0; 6]), "ends inside the content checksum", "18"),
            (frame(0x64, 0x40, None, block, &[0; 8]), "checksum of the content", "18"),
            (frame(0x68, 0x40, Some(8), block, &[0; 4]), "states 8 bytes of content and has 7", "26"),
        ] {
            let error = read(&bytes).unwrap_err();
            assert!(error.message().contains(what), "{error}, not {what}");
            assert_eq!(error.context("offset"), Some(offset), "{error}");
            assert_eq!(error.context("file"), Some("f"));
        }
    }

    #[test]
    fn every_flipped_bit_and_every_cut_of_our_frame_is_noticed() {
        let mut content = vec![b'a'; 200];
        content.extend(noise(100));
        let good = write(&content, usize::MAX);
        for at in 0..good.len() {
            for bit in 0..8 {
                let mut bad = good.clone();
                bad[at] ^= 1 << bit;
                assert!(read(&bad).is_err(), "byte {at} bit {bit}");
            }
            let cut = read(&good[..at]);
            assert!(cut.is_err() || !cut.unwrap().1.end_mark, "cut at {at}");
        }
    }

    #[test]
    fn a_failed_reader_keeps_failing_and_skipping_checks_blocks() {
        let mut bytes = write(&noise(3 * BLOCK), usize::MAX);
        let mut reader = FrameReader::new(&bytes[..], "f").unwrap();
        while reader.skip_block().unwrap() {}
        assert_eq!(reader.end(), Some(FrameEnd { end_mark: true, content_checked: false }));
        bytes[BLOCK + 100] ^= 1;
        let mut reader = FrameReader::new(&bytes[..], "f").unwrap();
        assert!(reader.skip_block().unwrap());
        assert!(reader.skip_block().is_err());
        assert!(reader.next_block().is_err() && reader.skip_block().is_err());
        assert_eq!(reader.block(), b"");
    }
}
