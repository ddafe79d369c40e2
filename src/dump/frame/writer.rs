//! Writes a frame: blocks cut at fixed places, checksums, end mark.
//!
//! The bytes written depend on the content alone, never on how it was pushed. Errors are those of the sink; the
//! caller adds the file name.

use std::io::{self, Write};

use lz4_flex::block::{CompressTable, compress_into_with_table, get_maximum_output_size};
use xxhash_rust::xxh32::{Xxh32, xxh32};

use super::{BLOCK, FrameHeader, STORED};

// Compressed bytes collected before a write to the sink.
const BATCH: usize = 256 * 1024;

// Size field, data and checksum of the largest block, with the room that the compressor requires.
const BLOCK_ROOM: usize = 4 + get_maximum_output_size(BLOCK) + 4;

/// A frame being written into `W`. Without [`finish`](FrameWriter::finish) it has no end mark.
pub struct FrameWriter<W> {
    sink: W,
    // Content of the block being filled: shorter than BLOCK between calls.
    content: Vec<u8>,
    content_hash: Xxh32,
    table: CompressTable,
    packed: Vec<u8>,
    filled: usize,
}

impl<W: Write> FrameWriter<W> {
    /// Starts a frame with our flags.
    pub fn new(sink: W) -> Self {
        let mut writer = FrameWriter {
            sink,
            content: Vec::with_capacity(BLOCK),
            content_hash: Xxh32::new(0),
            // One kind of table for every block: its kind influences the compressed bytes.
            table: CompressTable::large(),
            packed: vec![0; BATCH + BLOCK_ROOM],
            filled: 0,
        };
        writer.put(&FrameHeader::OURS.encode());
        writer
    }

    /// Continues a frame that `sink` holds up to the end of a block: `content_hash` covers the content of its
    /// blocks, and `content` is the beginning of the next one, shorter than a block.
    pub fn resume(sink: W, content_hash: Xxh32, content: &[u8]) -> Self {
        let mut writer = FrameWriter::new(sink);
        writer.filled = 0;
        writer.content_hash = content_hash;
        writer.content.extend_from_slice(content.get(..BLOCK - 1).unwrap_or(content));
        writer
    }

    /// Appends content.
    #[inline]
    pub fn push(&mut self, bytes: &[u8]) -> io::Result<()> {
        if bytes.len() < BLOCK - self.content.len() {
            self.content.extend_from_slice(bytes);
            return Ok(());
        }
        self.push_blocks(bytes)
    }

    /// Appends content that fills at least one block.
    fn push_blocks(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        if !self.content.is_empty() {
            let (head, tail) = bytes.split_at(bytes.len().min(BLOCK - self.content.len()));
            self.content.extend_from_slice(head);
            bytes = tail;
            let content = std::mem::take(&mut self.content);
            let written = self.block(&content);
            self.content = content;
            self.content.clear();
            written?;
        }
        // Whole blocks of a large value are compressed in place, without a copy.
        let mut blocks = bytes.chunks_exact(BLOCK);
        for block in &mut blocks {
            self.block(block)?;
        }
        self.content.extend_from_slice(blocks.remainder());
        Ok(())
    }

    /// Writes the last block, the end mark and the content checksum; returns the sink, not flushed.
    pub fn finish(mut self) -> io::Result<W> {
        let content = std::mem::take(&mut self.content);
        if !content.is_empty() {
            self.block(&content)?;
        }
        self.put(&[0; 4]);
        let checksum = self.content_hash.digest();
        self.put(&checksum.to_le_bytes());
        self.drain()?;
        Ok(self.sink)
    }

    /// The sink. Content that was pushed may not have been written to it yet.
    pub fn sink(&self) -> &W {
        &self.sink
    }

    fn block(&mut self, content: &[u8]) -> io::Result<()> {
        self.content_hash.update(content);
        if self.filled >= BATCH {
            self.drain()?;
        }
        let data = self.filled + 4;
        let room = self.packed.get_mut(data..).unwrap_or_default();
        let packed = compress_into_with_table(content, room, &mut self.table).map_err(io::Error::other)?;
        let (size, length) = if packed < content.len() {
            (packed as u32, packed)
        } else {
            room[..content.len()].copy_from_slice(content);
            (content.len() as u32 | STORED, content.len())
        };
        let checksum = xxh32(&room[..length], 0);
        self.put(&size.to_le_bytes());
        self.filled += length;
        self.put(&checksum.to_le_bytes());
        Ok(())
    }

    /// Appends a few bytes to the batch, which always has room for them.
    fn put(&mut self, bytes: &[u8]) {
        self.packed[self.filled..self.filled + bytes.len()].copy_from_slice(bytes);
        self.filled += bytes.len();
    }

    fn drain(&mut self) -> io::Result<()> {
        let filled = std::mem::take(&mut self.filled);
        self.sink.write_all(&self.packed[..filled])
    }
}
