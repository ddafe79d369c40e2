//! The trailer of archived values: which parts an archive has and whether its hash is right.
//!
//! The payload stays opaque. Layout, from the end: a marker byte, a change id if versioned, a hash if hashed.
//! Facts: crates/store/src/write/serialize.rs @ v0.12.4, v0.15.5, v0.16.18.

/// Always set in a marker.
const ARCHIVE: u8 = 0x80;
/// A change id precedes the marker.
const VERSIONED: u8 = 0x40;
/// A hash precedes the change id and the marker.
const HASHED: u8 = 0x20;
/// The payload is compressed; the bit is part of what is hashed around, not read here.
const LZ4: u8 = 0x10;

/// An archive taken apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Archive<'a> {
    /// Everything before the trailer, compressed or not.
    pub payload: &'a [u8],
    /// Change id of a versioned archive.
    pub change_id: Option<u64>,
    /// Low 32 bits of the payload's XXH3-64, as stored.
    pub hash: Option<u32>,
}

impl<'a> Archive<'a> {
    /// Takes a value apart; the reason why it is no archive otherwise.
    pub fn parse(value: &'a [u8]) -> Result<Self, &'static str> {
        let (&marker, mut rest) = value.split_last().ok_or("an empty value has no archive trailer")?;
        if marker & ARCHIVE == 0 || marker & !(ARCHIVE | VERSIONED | HASHED | LZ4) != 0 {
            return Err("the last byte is no archive marker");
        }
        let mut change_id = None;
        if marker & VERSIONED != 0 {
            let (before, bytes) = rest.split_last_chunk().ok_or("the change id of the trailer is cut off")?;
            (rest, change_id) = (before, Some(u64::from_be_bytes(*bytes)));
        }
        let mut hash = None;
        if marker & HASHED != 0 {
            let (before, bytes) = rest.split_last_chunk().ok_or("the hash of the trailer is cut off")?;
            (rest, hash) = (before, Some(u32::from_be_bytes(*bytes)));
        }
        Ok(Archive { payload: rest, change_id, hash })
    }

    /// Compares the stored hash with the payload; an archive without one has nothing to compare.
    pub fn check(&self) -> Result<(), &'static str> {
        // Truncation is meant: the trailer stores the low half of the hash.
        let computed = xxhash_rust::xxh3::xxh3_64(self.payload) as u32;
        match self.hash {
            Some(stored) if stored != computed => Err("the hash of the archive does not match its payload"),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn archive(payload: &[u8], marker: u8, change_id: u64) -> Vec<u8> {
        let mut value = payload.to_vec();
        if marker & HASHED != 0 {
            value.extend((xxhash_rust::xxh3::xxh3_64(payload) as u32).to_be_bytes());
        }
        if marker & VERSIONED != 0 {
            value.extend(change_id.to_be_bytes());
        }
        value.push(marker);
        value
    }

    #[test]
    fn every_marker_is_taken_apart_and_a_changed_payload_noticed() {
        for marker in [0x80, 0x90, 0xa0, 0xb0, 0xe0, 0xf0] {
            let mut value = archive(b"payload", marker, 42);
            let parsed = Archive::parse(&value).unwrap();
            assert_eq!(parsed.payload, b"payload");
            assert_eq!(parsed.change_id, (marker & VERSIONED != 0).then_some(42));
            assert_eq!(parsed.check(), Ok(()));
            value[0] ^= 1;
            assert_eq!(Archive::parse(&value).unwrap().check().is_err(), marker & HASHED != 0);
        }
    }

    #[test]
    fn what_is_no_archive_says_why() {
        for (value, why) in [
            (&b""[..], "an empty value has no archive trailer"),
            (b"x\x00", "the last byte is no archive marker"),
            (b"x\x81", "the last byte is no archive marker"),
            (b"1234567\xc0", "the change id of the trailer is cut off"),
            (b"123\xa0", "the hash of the trailer is cut off"),
        ] {
            assert_eq!(Archive::parse(value), Err(why));
        }
    }
}
