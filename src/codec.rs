//! Segment primitives: the prelude of the generated key code.
//!
//! Total and panic-free: outside the key a read gives zero or nothing, and an end that cannot be found is
//! [`NOWHERE`], which no length equals. The generated guards make both unreachable for accepted keys. Numbers
//! are big-endian. Knows no subspace.

use std::fmt;

/// No layout of the subspace accepts a key of these bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyError;

impl fmt::Display for KeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no layout of the subspace accepts this key")
    }
}

impl std::error::Error for KeyError {}

/// A segment of a key, with what it holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Value<'k> {
    /// A constant.
    Const(&'static [u8]),
    /// A number of one byte.
    U8(u8),
    /// A number of two bytes.
    U16(u16),
    /// A number of four bytes.
    U32(u32),
    /// A number of eight bytes.
    U64(u64),
    /// A number in LEB128.
    Leb(u64),
    /// Bytes, with the length byte of those that have one.
    Bytes(&'k [u8]),
}

impl Value<'_> {
    /// Appends the segment.
    pub fn put(&self, out: &mut Vec<u8>) {
        match *self {
            Value::Const(bytes) | Value::Bytes(bytes) => out.extend_from_slice(bytes),
            Value::U8(number) => out.push(number),
            Value::U16(number) => out.extend_from_slice(&number.to_be_bytes()),
            Value::U32(number) => out.extend_from_slice(&number.to_be_bytes()),
            Value::U64(number) => out.extend_from_slice(&number.to_be_bytes()),
            Value::Leb(number) => put_leb128(out, number),
        }
    }
}

/// The end of a segment that has none.
pub const NOWHERE: usize = usize::MAX;

/// The byte at an offset.
#[inline(always)]
pub fn u8_at(key: &[u8], at: usize) -> u8 {
    match key.get(at) {
        Some(byte) => *byte,
        None => 0,
    }
}

/// The 16-bit number at an offset.
#[inline(always)]
pub fn u16_at(key: &[u8], at: usize) -> u16 {
    u16::from_be_bytes(*array_at(key, at))
}

/// The 32-bit number at an offset.
#[inline(always)]
pub fn u32_at(key: &[u8], at: usize) -> u32 {
    u32::from_be_bytes(*array_at(key, at))
}

/// The 64-bit number at an offset.
#[inline(always)]
pub fn u64_at(key: &[u8], at: usize) -> u64 {
    u64::from_be_bytes(*array_at(key, at))
}

/// `N` bytes at an offset.
#[inline(always)]
pub fn array_at<const N: usize>(key: &[u8], at: usize) -> &[u8; N] {
    match key.get(at..).and_then(<[u8]>::first_chunk) {
        Some(bytes) => bytes,
        None => const { &[0; N] },
    }
}

/// The bytes from one offset to another.
#[inline(always)]
pub fn slice(key: &[u8], from: usize, to: usize) -> &[u8] {
    key.get(from..to).unwrap_or_default()
}

/// Whether a constant stands at an offset.
#[inline(always)]
pub fn has(key: &[u8], at: usize, constant: &[u8]) -> bool {
    key.get(at..).is_some_and(|rest| rest.starts_with(constant))
}

/// The offset after a segment of fixed width.
#[inline(always)]
pub fn skip(at: usize, width: usize) -> usize {
    at.saturating_add(width)
}

/// The offset so many bytes before the end; the front, if the key is shorter.
#[inline(always)]
pub fn before(end: usize, bytes: usize) -> usize {
    end.saturating_sub(bytes)
}

/// The offset after a LEB128 number of 32 bits.
#[inline]
pub fn leb32_end(key: &[u8], at: usize) -> usize {
    match leb128(key, at) {
        Some((value, end)) if value <= u64::from(u32::MAX) => end,
        _ => NOWHERE,
    }
}

/// The offset after a LEB128 number of 64 bits.
#[inline]
pub fn leb64_end(key: &[u8], at: usize) -> usize {
    leb128(key, at).map_or(NOWHERE, |(_, end)| end)
}

/// The LEB128 number at an offset, in 32 bits.
#[inline]
pub fn leb32_at(key: &[u8], at: usize) -> u32 {
    leb128(key, at).and_then(|(value, _)| u32::try_from(value).ok()).unwrap_or_default()
}

/// The LEB128 number at an offset, in 64 bits.
#[inline]
pub fn leb64_at(key: &[u8], at: usize) -> u64 {
    leb128(key, at).map_or(0, |(value, _)| value)
}

/// Reads an unsigned LEB128 number: its value and the offset after it. Only the shortest form is accepted,
/// so that what was read is written back byte for byte.
#[inline]
pub fn leb128(bytes: &[u8], at: usize) -> Option<(u64, usize)> {
    let mut value = 0u64;
    for (index, byte) in bytes.get(at..)?.iter().take(10).enumerate() {
        let (low, shift) = (u64::from(byte & 0x7f), 7 * index);
        if index == 9 && low > 1 {
            return None;
        }
        value |= low << shift;
        if byte & 0x80 == 0 {
            let padded = index > 0 && *byte == 0;
            return (!padded).then_some((value, at + index + 1));
        }
    }
    None
}

/// Appends an unsigned LEB128 number in its shortest form.
pub fn put_leb128(out: &mut Vec<u8>, mut value: u64) {
    while value > 0x7f {
        out.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    out.push((value & 0x7f) as u8);
}

/// The offset after a short hash: a length byte, then at most 15 bytes.
#[inline]
pub fn short_hash_end(key: &[u8], at: usize) -> usize {
    match key.get(at) {
        Some(length) => match skip(at, 1 + usize::from(*length).min(15)) {
            end if end <= key.len() => end,
            _ => NOWHERE,
        },
        None => NOWHERE,
    }
}

/// The short hash at an offset, with its length byte.
#[inline]
pub fn short_hash_at(key: &[u8], at: usize) -> &[u8] {
    slice(key, at, short_hash_end(key, at))
}

/// Whether bytes are a term hash: at most 15 bytes, then the length byte that tells how many.
#[inline]
pub fn is_term_hash(bytes: &[u8]) -> bool {
    match bytes.split_last() {
        Some((length, payload)) => payload.len() == usize::from(*length).min(15),
        None => false,
    }
}

/// Whether bytes are a token hash: 1 to 7 bytes of the token itself, or 8 bytes and the length, at most 127.
#[inline]
pub fn is_token_hash(bytes: &[u8]) -> bool {
    match bytes {
        [_, .., length] if bytes.len() == 9 => (8..=127).contains(length),
        _ => (1..=7).contains(&bytes.len()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leb128_round_trips_and_refuses_what_is_not_shortest() {
        for value in [0, 1, 127, 128, 300, u64::from(u32::MAX), u64::from(u32::MAX) + 1, u64::MAX] {
            let mut out = vec![9];
            put_leb128(&mut out, value);
            assert_eq!(leb128(&out, 1), Some((value, out.len())), "{value}");
        }
        let refused: [&[u8]; 6] = [
            &[],
            &[0x80],
            &[0x80, 0x00],
            &[0xac, 0x82],
            &[0xff; 10],
            &[0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x02],
        ];
        for bytes in refused {
            assert_eq!(leb128(bytes, 0), None, "{bytes:02x?}");
        }
        assert_eq!(leb32_end(&[0xff, 0xff, 0xff, 0xff, 0x0f], 0), 5);
        assert_eq!(leb32_end(&[0xff, 0xff, 0xff, 0xff, 0x1f], 0), NOWHERE);
    }

    #[test]
    fn reads_outside_the_key_are_zero_or_nothing() {
        let key = [1, 2, 3];
        assert_eq!((u8_at(&key, 2), u8_at(&key, 3)), (3, 0));
        assert_eq!((u16_at(&key, 1), u16_at(&key, 2)), (0x0203, 0));
        assert_eq!(u64_at(&key, usize::MAX), 0);
        assert_eq!((slice(&key, 1, 3), slice(&key, 2, 9)), (&key[1..], &[][..]));
        assert!(has(&key, 1, &[2, 3]) && !has(&key, 2, &[3, 4]) && !has(&key, NOWHERE, &[]));
    }

    #[test]
    fn hashes_end_where_their_length_says() {
        let cases: [(&[u8], usize); 5] =
            [(&[0], 1), (&[5, 1, 2, 3, 4, 5], 6), (&[5, 1, 2], NOWHERE), (&[], NOWHERE), (&[200; 20], 16)];
        for (bytes, end) in cases {
            assert_eq!(short_hash_end(bytes, 0), end, "{bytes:02x?}");
        }
        let terms: [(&[u8], bool); 5] =
            [(&[0], true), (&[7, 7, 2], true), (&[7, 2], false), (&[20; 16], true), (&[], false)];
        for (bytes, expect) in terms {
            assert_eq!(is_term_hash(bytes), expect, "{bytes:02x?}");
        }
        let tokens: [(&[u8], bool); 6] = [
            (&[], false),
            (&[1], true),
            (&[1; 7], true),
            (&[1; 8], false),
            (&[8; 9], true),
            (&[0, 0, 0, 0, 0, 0, 0, 0, 128], false),
        ];
        for (bytes, expect) in tokens {
            assert_eq!(is_token_hash(bytes), expect, "{bytes:02x?}");
        }
    }
}
