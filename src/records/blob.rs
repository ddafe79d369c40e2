//! The encoding of blobs: converts content to the bytes in a store, and back.
//!
//! Defines the forms and detects the right one (the key of most blobs is the BLAKE3 of the content). Does not
//! depend on where blobs are stored. Facts: crates/store/src/dispatch/blob.rs @ v0.15.5, v0.16.18.

use std::borrow::Cow;

/// Last byte of an LZ4-compressed blob.
const MARK_LZ4: u8 = 0xa1;
/// Last byte of a raw blob in stores where every blob has a mark.
const MARK_RAW: u8 = 0x00;
/// Encoding of a store's blobs, by its schema version and setting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BlobRule {
    /// Without a mark and not compressed (`compression = "none"`).
    Raw,
    /// Compressed and marked; blobs without a mark are raw (`compression = "lz4"`).
    Lz4,
    /// Always marked, compressed or raw.
    Marked,
}

/// Result of decoding a blob.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decoded<'a> {
    /// The content.
    pub content: Cow<'a, [u8]>,
    /// Result of comparing the content with the key.
    pub check: ContentCheck,
}

/// Result of comparing the content of a blob with its key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ContentCheck {
    /// The BLAKE3 of the content is the key.
    Matching,
    /// The key by design is not a hash; decoded by the rule.
    Unhashed,
    /// No decoding matches the key; decoded by the rule.
    Mismatch,
    /// No decoding matches the key and the rule fails: the stored bytes, unchanged.
    Undecodable,
}

/// Decodes a stored blob. `hash` is the expected BLAKE3 of the content, if the key is one. With a hash the rule
/// is only the first of several candidates, because a store can hold blobs written under another setting.
pub fn decode<'a>(rule: BlobRule, hash: Option<&[u8]>, stored: &'a [u8]) -> Decoded<'a> {
    let by_rule = match rule {
        BlobRule::Raw => Some(Cow::Borrowed(stored)),
        BlobRule::Lz4 => match stored.last() {
            Some(&MARK_LZ4) => decompress(stored).map(Cow::Owned),
            _ => Some(Cow::Borrowed(stored)),
        },
        BlobRule::Marked => match stored.split_last() {
            Some((&MARK_LZ4, _)) => decompress(stored).map(Cow::Owned),
            Some((&MARK_RAW, content)) => Some(Cow::Borrowed(content)),
            _ => Some(Cow::Borrowed(stored)),
        },
    };
    let undecodable = || Decoded { content: Cow::Borrowed(stored), check: ContentCheck::Undecodable };
    let Some(hash) = hash else {
        return by_rule
            .map_or_else(undecodable, |content| Decoded { content, check: ContentCheck::Unhashed });
    };
    let matches = |content: &[u8]| blake3::hash(content).as_bytes() == hash;
    let by_rule = match by_rule {
        Some(content) if matches(&content) => return Decoded { content, check: ContentCheck::Matching },
        by_rule => by_rule,
    };
    let raw = || Some(Cow::Borrowed(stored));
    let unmarked = || stored.split_last().map(|(_, content)| Cow::Borrowed(content));
    let lz4 = || decompress(stored).map(Cow::Owned);
    let candidates: [&dyn Fn() -> Option<Cow<'a, [u8]>>; 3] = [&raw, &unmarked, &lz4];
    for candidate in candidates {
        if let Some(content) = candidate().filter(|content| matches(content)) {
            return Decoded { content, check: ContentCheck::Matching };
        }
    }
    by_rule.map_or_else(undecodable, |content| Decoded { content, check: ContentCheck::Mismatch })
}

/// Encodes content in the form in which the target's server would store it.
pub fn encode<'a>(rule: BlobRule, content: &'a [u8]) -> Cow<'a, [u8]> {
    // The compressed form has 32 bits for the length, so longer content is stored raw.
    let Ok(length) = u32::try_from(content.len()) else {
        return match rule {
            BlobRule::Marked => Cow::Owned([content, &[MARK_RAW]].concat()),
            _ => Cow::Borrowed(content),
        };
    };
    if rule == BlobRule::Raw {
        return Cow::Borrowed(content);
    }
    let mut stored = vec![0; 4 + lz4_flex::block::get_maximum_output_size(content.len()) + 1];
    stored[..4].copy_from_slice(&length.to_le_bytes());
    match lz4_flex::block::compress_into(content, &mut stored[4..]) {
        Ok(written) => {
            stored.truncate(4 + written);
            stored.push(MARK_LZ4);
            Cow::Owned(stored)
        }
        // Cannot happen with a buffer of the maximum size; raw is always a valid form.
        Err(_) if rule == BlobRule::Marked => Cow::Owned([content, &[MARK_RAW]].concat()),
        Err(_) => Cow::Borrowed(content),
    }
}

/// Longest stored form of content of `length` bytes, for limits checked before the first write.
pub fn worst_case(rule: BlobRule, length: u64) -> u64 {
    match rule {
        BlobRule::Raw => length,
        // The bound of the LZ4 block format, plus length and mark.
        BlobRule::Lz4 | BlobRule::Marked => length.saturating_add(length / 255 + 16 + 5),
    }
}

/// Reads `length | LZ4 block | mark`; `None` unless it decodes to exactly the length it states.
fn decompress(stored: &[u8]) -> Option<Vec<u8>> {
    let (length, rest) = stored.split_first_chunk::<4>()?;
    let (_, block) = rest.split_last()?;
    let length = usize::try_from(u32::from_le_bytes(*length)).ok()?;
    // The stated length is not trusted: nothing is allocated before the block is known to have this length.
    if block_length(block)? != length {
        return None;
    }
    let mut content = vec![0; length];
    let written = lz4_flex::block::decompress_into(block, &mut content).ok()?;
    (written == length).then_some(content)
}

/// Decompressed length of an LZ4 block, computed from its sequences; `None` if they are cut off.
fn block_length(block: &[u8]) -> Option<usize> {
    let (mut at, mut length) = (0usize, 0usize);
    loop {
        let token = *block.get(at)?;
        let literals = extended(block, &mut at, token >> 4)?;
        at = at.checked_add(literals).filter(|end| *end <= block.len())?;
        length = length.checked_add(literals)?;
        // The last sequence has no match.
        if at == block.len() {
            return Some(length);
        }
        // The offset has two bytes. `at` moves to the second one: `extended` starts at the byte after `at`.
        at = at.checked_add(1)?;
        let matched = extended(block, &mut at, token & 15)?;
        length = length.checked_add(matched)?.checked_add(4)?;
    }
}

/// A length of four bits and its extension bytes; `at` moves from the byte before them to the byte after them.
fn extended(block: &[u8], at: &mut usize, nibble: u8) -> Option<usize> {
    let mut length = usize::from(nibble);
    *at = at.checked_add(1)?;
    if nibble == 15 {
        loop {
            let more = *block.get(*at)?;
            *at = at.checked_add(1)?;
            length = length.checked_add(usize::from(more))?;
            if more != 255 {
                break;
            }
        }
    }
    Some(length)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stored(rule: BlobRule, content: &[u8]) -> Vec<u8> {
        encode(rule, content).into_owned()
    }

    #[test]
    fn the_documented_forms_are_written() {
        let hello_lz4 = [5, 0, 0, 0, 0x50, b'h', b'e', b'l', b'l', b'o', 0xa1];
        assert_eq!(stored(BlobRule::Lz4, b"hello"), hello_lz4);
        assert_eq!(stored(BlobRule::Marked, b"hello"), hello_lz4);
        assert_eq!(stored(BlobRule::Raw, b"hello"), b"hello");
        assert_eq!(stored(BlobRule::Lz4, b""), [0, 0, 0, 0, 0, 0xa1]);
    }

    #[test]
    fn every_form_is_recognised_by_the_hash_whatever_the_rule_says() {
        let long = b"abc".repeat(50_000);
        let contents: [&[u8]; 6] = [b"", b"hello", b"ends in zero\0", b"ends in a1\xa1", b"\xa1", &long];
        for content in contents {
            let hash = blake3::hash(content);
            let raw = content.to_vec();
            let marked = [content, &[0]].concat();
            for form in [raw, marked, stored(BlobRule::Lz4, content)] {
                for rule in [BlobRule::Raw, BlobRule::Lz4, BlobRule::Marked] {
                    let decoded = decode(rule, Some(hash.as_bytes()), &form);
                    assert_eq!(
                        (&*decoded.content, decoded.check),
                        (content, ContentCheck::Matching),
                        "{rule:?} {form:02x?}"
                    );
                }
            }
        }
    }

    #[test]
    fn without_a_matching_hash_the_rule_decides_and_nothing_is_dropped() {
        let hash = [7; 32];
        let check = |rule, stored: &[u8], content: &[u8], expect| {
            let decoded = decode(rule, Some(&hash), stored);
            assert_eq!((&*decoded.content, decoded.check), (content, expect));
        };
        check(BlobRule::Marked, b"x\0", b"x", ContentCheck::Mismatch);
        check(BlobRule::Lz4, b"x\0", b"x\0", ContentCheck::Mismatch);
        check(BlobRule::Lz4, b"broken\xa1", b"broken\xa1", ContentCheck::Undecodable);
        check(BlobRule::Raw, b"broken\xa1", b"broken\xa1", ContentCheck::Mismatch);
        let plain = decode(BlobRule::Lz4, None, b"model");
        assert_eq!(plain.check, ContentCheck::Unhashed);
    }

    #[test]
    fn a_lying_length_allocates_nothing() {
        assert_eq!(decompress(&[0xff, 0xff, 0xff, 0xff, 0, 0xa1]), None);
        assert_eq!(decompress(&[1, 0, 0]), None);
        assert_eq!(worst_case(BlobRule::Lz4, u64::MAX), u64::MAX);
    }

    #[test]
    fn the_length_of_a_block_is_known_before_it_is_decompressed() {
        let noise: Vec<u8> = (0..70_000u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
        let zeros = vec![0; 70_000];
        for length in [0, 1, 14, 15, 16, 269, 270, 271, 525, 1000, 65_535, 70_000] {
            for content in
                [&noise[..length], &zeros[..length], &[&zeros[..length], &noise[..length]].concat()]
            {
                let block = lz4_flex::block::compress(content);
                assert_eq!(block_length(&block), Some(content.len()), "{length}");
            }
        }
        for cut in [&[][..], &[0xf0], &[0xf0, 255], &[0x20, 1], &[0x10, 1, 1], &[0x1f, 1, 1, 0]] {
            assert_eq!(block_length(cut), None, "{cut:02x?}");
        }
    }

    #[test]
    fn the_worst_case_is_not_exceeded() {
        let noise: Vec<u8> = (0..100_000u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
        for content in [&noise[..], &noise[..1], b""] {
            for rule in [BlobRule::Raw, BlobRule::Lz4, BlobRule::Marked] {
                assert!(stored(rule, content).len() as u64 <= worst_case(rule, content.len() as u64));
            }
        }
    }
}
