//! The LZ4 frame around a subspace file: header, flags and checksums.
//!
//! Implemented here on top of LZ4 blocks, so that a file's bytes depend on its content alone and every checksum
//! and end mark is checked. Does not depend on records, letters or the directory. Format: `docs/dump-format.md`
//! and the LZ4 frame format, version 1.6.

pub mod reader;

pub mod writer;

pub use reader::FrameReader;
pub use writer::FrameWriter;

use xxhash_rust::xxh32::xxh32;

/// First bytes of an LZ4 frame.
pub const MAGIC: [u8; 4] = [0x04, 0x22, 0x4d, 0x18];

/// Content bytes of every block we write, except the last of a file.
pub const BLOCK: usize = 65_536;

/// Our FLG byte: version 01, independent blocks, block and content checksums.
pub const OUR_FLG: u8 = 0x74;

/// The server's FLG byte: version 01, independent blocks, nothing else.
///
/// source: crates/common/src/manager/backup.rs @ v0.15.5, v0.16.18
pub const SERVER_FLG: u8 = 0x60;

/// BD byte of both: blocks of at most 64 KiB.
pub const BD_64K: u8 = 0x40;

// Bit of a block size: the block is stored uncompressed.
const STORED: u32 = 0x8000_0000;

// Bits of FLG.
const VERSION_MASK: u8 = 0b1100_0000;
const VERSION: u8 = 0b0100_0000;
const INDEPENDENT: u8 = 0b0010_0000;
const BLOCK_CHECKSUM: u8 = 0b0001_0000;
const CONTENT_SIZE: u8 = 0b0000_1000;
const CONTENT_CHECKSUM: u8 = 0b0000_0100;
const RESERVED: u8 = 0b0000_0010;
const DICTIONARY: u8 = 0b0000_0001;

/// The descriptor of a frame, which follows its magic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FrameHeader {
    flg: u8,
    bd: u8,
    content_size: Option<u64>,
}

impl FrameHeader {
    /// The descriptor of the frames we write.
    pub const OURS: FrameHeader = FrameHeader { flg: OUR_FLG, bd: BD_64K, content_size: None };

    /// The FLG byte.
    pub fn flg(&self) -> u8 {
        self.flg
    }

    /// Whether the frame has exactly the flags of the frames we write.
    pub fn is_ours(&self) -> bool {
        self.flg == OUR_FLG && self.bd == BD_64K
    }

    /// Largest content of a block, in bytes: 64 KiB to 4 MiB.
    pub fn block_size(&self) -> usize {
        // BD codes 4 to 7, as `parse` has checked.
        BLOCK << (2 * (usize::from(self.bd >> 4) & 3))
    }

    /// Whether a block may refer to the 64 KiB of content before it.
    pub fn linked(&self) -> bool {
        self.flg & INDEPENDENT == 0
    }

    /// Whether each block carries a checksum.
    pub fn block_checksums(&self) -> bool {
        self.flg & BLOCK_CHECKSUM != 0
    }

    /// Whether a checksum of the content follows the end mark.
    pub fn content_checksum(&self) -> bool {
        self.flg & CONTENT_CHECKSUM != 0
    }

    /// Length of the content, if the frame states it.
    pub fn content_size(&self) -> Option<u64> {
        self.content_size
    }

    /// Magic, descriptor and header checksum, as stored in a file.
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        bytes.extend([self.flg, self.bd]);
        if let Some(size) = self.content_size {
            bytes.extend(size.to_le_bytes());
        }
        bytes.push(header_checksum(bytes.get(4..).unwrap_or_default()));
        bytes
    }

    /// Bytes that follow FLG and BD: content size if stated, and the header checksum.
    fn rest(flg: u8) -> usize {
        1 + if flg & CONTENT_SIZE != 0 { 8 } else { 0 }
    }

    /// Checks FLG and BD before the rest is read.
    ///
    /// Errors name the unsupported or reserved flag.
    fn check_flags(flg: u8, bd: u8) -> Result<(), String> {
        if flg & VERSION_MASK != VERSION {
            return Err(format!("the LZ4 frame has an unknown version (FLG {flg:02x})"));
        }
        if flg & DICTIONARY != 0 {
            return Err(format!("the LZ4 frame needs a dictionary (FLG {flg:02x})"));
        }
        if flg & RESERVED != 0 || bd & 0x8f != 0 {
            return Err(format!("the LZ4 frame has reserved bits set (FLG {flg:02x}, BD {bd:02x})"));
        }
        if bd >> 4 < 4 {
            return Err(format!("the LZ4 frame has an unknown block size (BD {bd:02x})"));
        }
        Ok(())
    }

    /// Parses the descriptor from FLG, BD and the bytes after them; the last byte is the header checksum.
    fn parse(descriptor: &[u8]) -> Result<FrameHeader, String> {
        let [flg, bd, size @ .., checksum] = descriptor else {
            return Err("the LZ4 frame header is incomplete".into());
        };
        FrameHeader::check_flags(*flg, *bd)?;
        let content_size = match <[u8; 8]>::try_from(size) {
            Ok(bytes) => Some(u64::from_le_bytes(bytes)),
            Err(_) => None,
        };
        let computed = header_checksum(&descriptor[..descriptor.len() - 1]);
        if computed != *checksum {
            return Err("the checksum of the LZ4 frame header does not match".into());
        }
        Ok(FrameHeader { flg: *flg, bd: *bd, content_size })
    }
}

/// How a frame ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct FrameEnd {
    /// The frame has its end mark. The server never writes one.
    pub end_mark: bool,
    /// All content was read and matches the frame's checksum.
    pub content_checked: bool,
}

fn header_checksum(descriptor: &[u8]) -> u8 {
    // The format takes the second byte of the hash.
    xxh32(descriptor, 0).to_le_bytes()[1]
}
