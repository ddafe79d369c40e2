//! Keys read by their descriptors: the oracle of the generated code.
//!
//! Hand-written, and shares nothing with it but the primitives of `codec` that have tests of their own. Slow: it looks at
//! one segment after the other and allocates.

use stalwart_migrate::catalog::{FieldValue, Layout, Segment, SegmentKind, Subspace};
use stalwart_migrate::codec::{put_leb128, short_hash_end};

/// The first layout of a subspace that accepts a key.
pub fn layout_of(subspace: &Subspace, key: &[u8]) -> Option<&'static Layout> {
    subspace.layouts.iter().copied().find(|layout| accepts(layout, key))
}

/// Whether the layout accepts a key.
pub fn accepts(layout: &Layout, key: &[u8]) -> bool {
    let mut split = Split::new(layout, key);
    if key.is_empty() {
        return false;
    }
    while split.advance().is_some() {}
    split.complete()
}

/// The fields of a key that the layout accepts; constants are left out. Of another key some or none.
pub fn fields<'k>(layout: &Layout, key: &'k [u8]) -> Vec<(&'static Segment, FieldValue<'k>)> {
    let mut split = Split::new(layout, key);
    let segments = std::iter::from_fn(|| split.advance());
    segments.filter(|(segment, _)| !segment.name.is_empty()).map(|(s, bytes)| (s, value(s, bytes))).collect()
}

/// The number in the field of a name.
pub fn number(layout: &Layout, key: &[u8], name: &str) -> Option<u64> {
    match fields(layout, key).into_iter().find(|(segment, _)| segment.name == name)? {
        (_, FieldValue::Number(number)) => Some(number),
        (_, FieldValue::Bytes(_)) => None,
    }
}

/// A field as a text that gives it back.
pub fn text(value: FieldValue<'_>) -> String {
    match value {
        FieldValue::Number(number) => number.to_string(),
        FieldValue::Bytes(bytes) => format!("0x{}", stalwart_migrate::base::hex::hex(bytes)),
    }
}

/// Layout and fields of a key in words.
pub fn describe(subspace: &Subspace, key: &[u8]) -> String {
    let Some(layout) = layout_of(subspace, key) else {
        return format!("0x{}", stalwart_migrate::base::hex::hex(key));
    };
    let mut out = layout.name.to_string();
    for (segment, value) in fields(layout, key) {
        out += &format!(" {}=", segment.name);
        match value {
            FieldValue::Number(number) => {
                out += &number.to_string();
                let mut names = segment.names.in_version(subspace.version);
                if let Some((_, name)) = names.find(|(value, _)| *value == number) {
                    out += &format!(" ({name})");
                }
            }
            FieldValue::Bytes(bytes) => {
                let trimmed = bytes.iter().rposition(|byte| *byte != 0).map_or(bytes, |last| &bytes[..=last]);
                let name = matches!(segment.kind, SegmentKind::Bytes(_))
                    && trimmed != [0; 0]
                    && trimmed.iter().all(u8::is_ascii_graphic);
                let shown = if name { trimmed } else { bytes };
                match std::str::from_utf8(shown) {
                    Ok(text) if !text.chars().any(char::is_control) => out += &format!("{text:?}"),
                    _ => out += &text(FieldValue::Bytes(shown)),
                }
            }
        }
    }
    out
}

/// Shortest key in bytes.
pub fn min_key(layout: &Layout) -> usize {
    let shortest = |kind| usize::from(kind != SegmentKind::Rest);
    layout.segments.iter().map(|s| width(s.kind).unwrap_or(shortest(s.kind))).sum::<usize>().max(1)
}

/// Longest key in bytes; `None` if there is no longest.
pub fn max_key(layout: &Layout) -> Option<usize> {
    layout.segments.iter().map(|segment| width(segment.kind).or_else(|| longest(segment.kind))).sum()
}

/// Cuts a key into segments, from the front; what follows a segment without an end is counted from the
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

    fn advance(&mut self) -> Option<(&'static Segment, &'k [u8])> {
        let index = self.index;
        let segment = self.segments.get(index)?;
        let end = self.end(segment);
        let bytes = end.and_then(|end| self.key.get(self.at..end)).filter(|bytes| fits(segment, bytes));
        match (bytes, end) {
            (Some(bytes), Some(end)) => {
                self.index += 1;
                self.at = end;
                Some((segment, bytes))
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
                let following = self.segments.get(self.index + 1..)?;
                let tail: Option<usize> = following.iter().map(|s| width(s.kind)).sum();
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
