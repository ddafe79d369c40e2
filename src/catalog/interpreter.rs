//! Keys read by their descriptors: field by field, in words, and as samples.
//!
//! Hand-written and apart from the generated `decode`, whose oracle it is. Slower than that; use it to print,
//! to build and to judge, not to scan.

use std::fmt::Write;

use super::descriptors::{Layout, Segment, SegmentKind};
use crate::base::hex::{hex, unhex};
use crate::codec::{put_leb128, short_hash_end};

/// A field of a key.
#[derive(Debug, Clone, Copy)]
pub struct Field<'k> {
    /// Index of the segment in the layout.
    pub index: usize,
    /// The segment.
    pub segment: &'static Segment,
    /// What the key holds there.
    pub value: FieldValue<'k>,
}

/// The value of a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FieldValue<'k> {
    /// A number of any width.
    Number(u64),
    /// Bytes.
    Bytes(&'k [u8]),
}

impl Layout {
    /// Whether the layout accepts a key.
    pub fn accepts(&self, key: &[u8]) -> bool {
        let mut split = Split::new(self, key);
        if key.is_empty() {
            return false;
        }
        while split.advance().is_some() {}
        split.complete()
    }

    /// Shortest key in bytes.
    pub fn min_key(&self) -> usize {
        self.segments
            .iter()
            .map(|segment| width(segment.kind).unwrap_or(shortest(segment.kind)))
            .sum::<usize>()
            .max(1)
    }

    /// Longest key in bytes; `None` if there is no longest.
    pub fn max_key(&self) -> Option<usize> {
        self.segments.iter().map(|segment| width(segment.kind).or_else(|| longest(segment.kind))).sum()
    }

    /// The fields of a key that the layout accepts; constants are left out. Of another key some or none.
    pub fn fields<'k>(&self, key: &'k [u8]) -> impl Iterator<Item = Field<'k>> + use<'k> {
        let mut split = Split::new(self, key);
        std::iter::from_fn(move || {
            loop {
                let (index, segment, bytes) = split.advance()?;
                if !segment.name.is_empty() {
                    return Some(Field { index, segment, value: value(segment, bytes) });
                }
            }
        })
    }

    /// The number in the segment of this index, if it holds one.
    pub fn number(&self, key: &[u8], segment: usize) -> Option<u64> {
        super::rules::number(self, key, segment)
    }

    /// Name and fields of a key in words.
    pub fn describe(&self, key: &[u8]) -> String {
        let mut out = self.name.to_owned();
        for field in self.fields(key) {
            let _ = write!(out, " {}=", field.segment.name);
            match field.value {
                FieldValue::Number(number) => {
                    let _ = write!(out, "{number}");
                    if let Some((_, name)) = field.segment.names.iter().find(|(value, _)| *value == number) {
                        let _ = write!(out, " ({name})");
                    }
                }
                FieldValue::Bytes(bytes) => write_bytes(&mut out, unpadded(field.segment, bytes)),
            }
        }
        out
    }

    /// The beginning of every key whose fields have these values, by name: numbers in decimal or `0x…`, bytes
    /// as text or `0x…` hex. Goes as far as the fields are given without a gap.
    ///
    /// # Errors
    ///
    /// The name of the first field that the layout does not have, that stands behind one that is not given, or
    /// whose value does not fit.
    pub fn prefix<'f>(&self, given: &[(&'f str, &'f str)]) -> Result<Vec<u8>, &'f str> {
        let mut out = Vec::new();
        let mut used = 0;
        for segment in self.segments {
            if let SegmentKind::Const(bytes) = segment.kind {
                out.extend_from_slice(bytes);
                continue;
            }
            let Some((name, text)) = given.iter().find(|(name, _)| *name == segment.name) else { break };
            write_given(&mut out, segment, text).ok_or(*name)?;
            used += 1;
        }
        if used == given.len() {
            return Ok(out);
        }
        let reached = |name: &str| {
            self.segments.iter().filter(|s| !s.name.is_empty()).take(used).any(|s| s.name == name)
        };
        match given.iter().find(|(name, _)| !reached(name)) {
            Some((name, _)) => Err(name),
            None => Ok(out),
        }
    }
}

/// Cuts a key into segments, from the front; what stands behind a segment without an end is counted from the
/// back.
struct Split<'k> {
    segments: &'static [Segment],
    key: &'k [u8],
    index: usize,
    at: usize,
    failed: bool,
}

impl<'k> Split<'k> {
    fn new(layout: &Layout, key: &'k [u8]) -> Self {
        Split { segments: layout.segments, key, index: 0, at: 0, failed: false }
    }

    fn advance(&mut self) -> Option<(usize, &'static Segment, &'k [u8])> {
        let index = self.index;
        let segment = self.segments.get(index)?;
        let end = self.end(segment);
        let bytes = end.and_then(|end| self.key.get(self.at..end)).filter(|bytes| fits(segment, bytes));
        match (bytes, end) {
            (Some(bytes), Some(end)) => {
                self.index += 1;
                self.at = end;
                Some((index, segment, bytes))
            }
            _ => {
                self.failed = true;
                self.index = self.segments.len();
                None
            }
        }
    }

    fn complete(&self) -> bool {
        !self.failed && self.at == self.key.len()
    }

    fn end(&self, segment: &Segment) -> Option<usize> {
        if let Some(width) = width(segment.kind) {
            return self.at.checked_add(width);
        }
        let rest = self.key.get(self.at..)?;
        match segment.kind {
            SegmentKind::Leb32 | SegmentKind::Leb64 => {
                let length = rest.iter().position(|byte| *byte < 0x80)? + 1;
                self.at.checked_add(length)
            }
            SegmentKind::ShortHash => Some(short_hash_end(self.key, self.at)),
            _ => {
                let behind = self.segments.get(self.index + 1..)?;
                let tail: Option<usize> = behind.iter().map(|s| width(s.kind)).sum();
                self.key.len().checked_sub(tail?)
            }
        }
    }
}

fn width(kind: SegmentKind) -> Option<usize> {
    match kind {
        SegmentKind::Const(bytes) => Some(bytes.len()),
        SegmentKind::U8 => Some(1),
        SegmentKind::U16 => Some(2),
        SegmentKind::U32 => Some(4),
        SegmentKind::U64 => Some(8),
        SegmentKind::Bytes(n) => Some(n),
        SegmentKind::Hash => Some(32),
        _ => None,
    }
}

fn shortest(kind: SegmentKind) -> usize {
    usize::from(kind != SegmentKind::Rest)
}

fn longest(kind: SegmentKind) -> Option<usize> {
    match kind {
        SegmentKind::Leb32 => Some(5),
        SegmentKind::Leb64 => Some(10),
        SegmentKind::ShortHash | SegmentKind::TermHash => Some(16),
        SegmentKind::TokenHash => Some(9),
        _ => None,
    }
}

fn fits(segment: &Segment, bytes: &[u8]) -> bool {
    let shape = match segment.kind {
        SegmentKind::Const(constant) => bytes == constant,
        SegmentKind::Leb32 | SegmentKind::Leb64 => {
            let mut shortest = Vec::new();
            put_leb128(&mut shortest, leb(bytes));
            let fits_width = segment.kind == SegmentKind::Leb64 || leb(bytes) <= u64::from(u32::MAX);
            shortest == bytes && fits_width
        }
        SegmentKind::TermHash => {
            let length = bytes.last().map_or(usize::MAX, |l| usize::from(*l));
            bytes.len().checked_sub(1) == Some(length.min(15))
        }
        SegmentKind::TokenHash => match bytes.len() {
            9 => bytes.last().is_some_and(|length| *length >= 8 && *length < 128),
            length => length > 0 && length < 8,
        },
        _ => true,
    };
    let allowed = segment.allowed.is_empty()
        || match value(segment, bytes) {
            FieldValue::Number(n) => segment.allowed.iter().any(|(from, to)| (*from..=*to).contains(&n)),
            FieldValue::Bytes(_) => true,
        };
    shape && allowed
}

fn value<'k>(segment: &Segment, bytes: &'k [u8]) -> FieldValue<'k> {
    match segment.kind {
        SegmentKind::U8 | SegmentKind::U16 | SegmentKind::U32 | SegmentKind::U64 => {
            FieldValue::Number(bytes.iter().fold(0, |n, byte| n << 8 | u64::from(*byte)))
        }
        SegmentKind::Leb32 | SegmentKind::Leb64 => FieldValue::Number(leb(bytes)),
        _ => FieldValue::Bytes(bytes),
    }
}

fn leb(bytes: &[u8]) -> u64 {
    let bytes = bytes.iter().take(10).enumerate();
    bytes.fold(0, |n, (index, byte)| n | u64::from(byte & 0x7f).wrapping_shl(7 * index as u32))
}

// Names of fixed width are padded with zeros, which nobody wants to read or write.
fn unpadded<'k>(segment: &Segment, bytes: &'k [u8]) -> &'k [u8] {
    let text = bytes.iter().rposition(|byte| *byte != 0).and_then(|last| bytes.get(..=last));
    match (segment.kind, text) {
        (SegmentKind::Bytes(_), Some(text)) if text.iter().all(u8::is_ascii_graphic) => text,
        _ => bytes,
    }
}

fn write_bytes(out: &mut String, bytes: &[u8]) {
    match std::str::from_utf8(bytes) {
        // Text with control characters is printed as hex: it is no text, or it would spoil a line.
        Ok(text) if !text.chars().any(char::is_control) => {
            let _ = write!(out, "{text:?}");
        }
        _ => {
            let _ = write!(out, "0x{}", hex(bytes));
        }
    }
}

fn write_given(out: &mut Vec<u8>, segment: &Segment, text: &str) -> Option<()> {
    let start = out.len();
    let number = || match text.strip_prefix("0x") {
        Some(digits) => u64::from_str_radix(digits, 16).ok(),
        None => {
            let named = segment.names.iter().find(|(_, name)| name.eq_ignore_ascii_case(text));
            named.map(|(value, _)| *value).or_else(|| text.parse().ok())
        }
    };
    match segment.kind {
        SegmentKind::U8 => out.push(u8::try_from(number()?).ok()?),
        SegmentKind::U16 => out.extend_from_slice(&u16::try_from(number()?).ok()?.to_be_bytes()),
        SegmentKind::U32 => out.extend_from_slice(&u32::try_from(number()?).ok()?.to_be_bytes()),
        SegmentKind::U64 => out.extend_from_slice(&number()?.to_be_bytes()),
        SegmentKind::Leb32 | SegmentKind::Leb64 => put_leb128(out, number()?),
        _ => match text.strip_prefix("0x") {
            Some(digits) => out.extend_from_slice(&unhex(digits)?),
            None => {
                out.extend_from_slice(text.as_bytes());
                if let SegmentKind::Bytes(width) = segment.kind
                    && text.len() < width
                {
                    out.resize(start + width, 0);
                }
            }
        },
    }
    let written = out.get(start..)?;
    (width(segment.kind).is_none_or(|width| width == written.len()) && fits(segment, written)).then_some(())
}

/// Makes keys that a layout accepts: the same ones for the same seed.
#[derive(Debug, Clone)]
pub struct Sampler {
    state: u64,
}

impl Sampler {
    /// A sampler of this seed.
    pub fn new(seed: u64) -> Self {
        Sampler { state: seed }
    }

    /// The next number (SplitMix64).
    pub fn number(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below a bound, which is not 0.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.number() % bound.max(1)
    }

    /// A key of a layout.
    pub fn key(&mut self, layout: &Layout) -> Vec<u8> {
        let mut key = Vec::new();
        for segment in layout.segments {
            self.segment(&mut key, segment);
        }
        if key.is_empty() {
            key.push(b'x');
        }
        key
    }

    fn segment(&mut self, out: &mut Vec<u8>, segment: &Segment) {
        match segment.kind {
            SegmentKind::Const(bytes) => out.extend_from_slice(bytes),
            SegmentKind::U8 => self.integer(out, segment, 1),
            SegmentKind::U16 => self.integer(out, segment, 2),
            SegmentKind::U32 => self.integer(out, segment, 4),
            SegmentKind::U64 => self.integer(out, segment, 8),
            SegmentKind::Leb32 => {
                let value = self.value(segment, u32::MAX.into());
                put_leb128(out, value);
            }
            SegmentKind::Leb64 => {
                let value = self.value(segment, u64::MAX);
                put_leb128(out, value);
            }
            SegmentKind::Bytes(n) => self.bytes(out, n as u64),
            SegmentKind::Hash => self.bytes(out, 32),
            SegmentKind::ShortHash => {
                let length = self.below(40) as u8;
                out.push(length);
                self.bytes(out, u64::from(length).min(15));
            }
            SegmentKind::TermHash => {
                let length = self.below(40) as u8;
                self.bytes(out, u64::from(length).min(15));
                out.push(length);
            }
            SegmentKind::TokenHash => {
                let length = 1 + self.below(12);
                self.bytes(out, length.min(8));
                if length >= 8 {
                    out.push(length as u8);
                }
            }
            SegmentKind::Rest => {
                let length = self.below(24);
                self.bytes(out, length);
            }
        }
    }

    fn integer(&mut self, out: &mut Vec<u8>, segment: &Segment, width: usize) {
        let largest = u64::MAX >> (64 - 8 * width);
        let value = self.value(segment, largest).to_be_bytes();
        out.extend(value.iter().skip(8 - width));
    }

    fn value(&mut self, segment: &Segment, largest: u64) -> u64 {
        let range = self.below(segment.allowed.len() as u64) as usize;
        let (from, to) = segment.allowed.get(range).copied().unwrap_or((0, largest));
        let to = to.min(largest);
        let span = to.saturating_sub(from);
        // Small numbers, both ends and anything between: short LEB128 forms would hardly occur otherwise.
        match self.below(4) {
            0 => from + self.below(300).min(span),
            1 => from,
            2 => to,
            _ if span == u64::MAX => self.number(),
            _ => from + self.below(span + 1),
        }
    }

    fn bytes(&mut self, out: &mut Vec<u8>, count: u64) {
        for _ in 0..count {
            out.push(self.number() as u8);
        }
    }
}
