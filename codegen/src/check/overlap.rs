//! Which keys two layouts both accept: rule 4.
//!
//! Compares layouts length by length: at one length nearly every segment has a place, so what a layout
//! allows there is a set of values per place. What cannot be proven disjoint counts as overlapping.

use crate::model::{Begin, IntSet, Layout, SegmentKind, begins};

/// How the keys of an earlier layout relate to those of a later one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum KeyRelation {
    /// No key fits both.
    Disjoint,
    /// Every key of the earlier one fits the later one too.
    MoreSpecific,
    /// Every key of the later one fits the earlier one too.
    Covers,
    /// Some keys fit both, and neither covers the other as far as can be proven.
    Crossing,
}

pub(crate) fn relation(earlier: &Layout, later: &Layout) -> KeyRelation {
    let (a, b) = (earlier.lengths(), later.lengths());
    // Beyond this length front and back of both are apart and every further length is alike.
    let limit = a.uniform_beyond().max(b.uniform_beyond()) + 96;
    let (mut common, mut earlier_within, mut later_within) = (false, true, true);
    for length in 1..=limit {
        match (a.contains(length), b.contains(length)) {
            (false, false) => {}
            (true, false) => earlier_within = false,
            (false, true) => later_within = false,
            (true, true) => {
                let (x, y) = (AllowedBytes::new(earlier, length), AllowedBytes::new(later, length));
                if x.disjoint(&y) {
                    earlier_within = false;
                    later_within = false;
                } else {
                    common = true;
                    earlier_within &= x.within(&y);
                    later_within &= y.within(&x);
                }
            }
        }
    }
    match (common, earlier_within, later_within) {
        (false, ..) => KeyRelation::Disjoint,
        (true, _, true) => KeyRelation::Covers,
        (true, true, false) => KeyRelation::MoreSpecific,
        (true, false, false) => KeyRelation::Crossing,
    }
}

type ByteSet = [bool; 256];

/// What a layout allows in a key of one length.
struct AllowedBytes {
    bytes: Vec<Option<ByteSet>>,
    // Offset, width, values.
    numbers: Vec<(usize, usize, IntSet)>,
    // Everything the layout demands is written above.
    exact: bool,
}

impl AllowedBytes {
    fn new(layout: &Layout, length: usize) -> AllowedBytes {
        let mut at = AllowedBytes { bytes: vec![None; length], numbers: Vec::new(), exact: true };
        let varying = layout.segments.iter().filter(|s| s.kind.fixed().is_none()).count();
        let fixed: usize = layout.segments.iter().filter_map(|s| s.kind.fixed()).sum();
        // The only segment that varies has what the others leave.
        let rest = length.checked_sub(fixed).filter(|_| varying == 1);
        for (segment, begin) in layout.segments.iter().zip(begins(&layout.segments)) {
            let start = match begin {
                Begin::Start(offset) => Some(offset),
                Begin::End(distance) => length.checked_sub(distance),
                Begin::Found => None,
            };
            match start.zip(segment.kind.fixed().or(rest)) {
                Some((start, width)) => at.segment(&segment.kind, &segment.allowed, start, width),
                None => at.exact = false,
            }
        }
        at
    }

    fn segment(&mut self, kind: &SegmentKind, allowed: &IntSet, start: usize, width: usize) {
        match kind {
            SegmentKind::Const(bytes) => {
                for (index, byte) in bytes.iter().enumerate() {
                    self.restrict(start + index, |b| b == *byte);
                }
                if bytes.len() <= 8 {
                    let value = bytes.iter().fold(0, |n, b| n << 8 | u64::from(*b));
                    self.numbers.push((start, width, vec![(value, value)]));
                }
            }
            SegmentKind::U8 | SegmentKind::U16 | SegmentKind::U32 | SegmentKind::U64
                if !allowed.is_empty() =>
            {
                self.numbers.push((start, width, allowed.clone()));
                if let [(value, to)] = allowed[..]
                    && value == to
                {
                    let bytes = value.to_be_bytes();
                    for (index, byte) in bytes.iter().skip(8 - width).enumerate() {
                        self.restrict(start + index, |b| b == *byte);
                    }
                }
                // Of a wider number this is what its first byte can be.
                let first = 8 * (width - 1);
                self.restrict(start, |b| {
                    allowed
                        .iter()
                        .any(|(from, to)| (from >> first..=(to >> first).min(255)).contains(&b.into()))
                });
            }
            SegmentKind::Leb32 | SegmentKind::Leb64 => {
                let last = start + width - 1;
                for place in start..last {
                    self.restrict(place, |b| b >= 0x80);
                }
                let most = match (kind, width) {
                    (SegmentKind::Leb32, 5) => 0x0f,
                    (SegmentKind::Leb64, 10) => 0x01,
                    _ => 0x7f,
                };
                self.restrict(last, |b| b <= most && (width == 1 || b > 0));
                self.exact &= allowed.is_empty();
            }
            SegmentKind::ShortHash => self.restrict(start, |b| length_byte(b, width)),
            SegmentKind::TermHash => self.restrict(start + width - 1, |b| length_byte(b, width)),
            SegmentKind::TokenHash if width == 9 => self.restrict(start + 8, |b| (8..=127).contains(&b)),
            _ => {}
        }
    }

    fn restrict(&mut self, place: usize, allow: impl Fn(u8) -> bool) {
        let Some(slot) = self.bytes.get_mut(place) else { return };
        let set = slot.get_or_insert([true; 256]);
        for byte in 0..=u8::MAX {
            set[usize::from(byte)] &= allow(byte);
        }
    }

    fn disjoint(&self, other: &AllowedBytes) -> bool {
        let bytes = self.bytes.iter().zip(&other.bytes);
        bytes.into_iter().any(|pair| match pair {
            (Some(a), Some(b)) => a.iter().zip(b).all(|(a, b)| !(*a && *b)),
            _ => false,
        }) || self.numbers.iter().any(|(start, width, a)| {
            let same = other.numbers.iter().filter(|(s, w, _)| s == start && w == width);
            same.into_iter().any(|(_, _, b)| !overlap(a, b))
        })
    }

    fn within(&self, other: &AllowedBytes) -> bool {
        let bytes = self.bytes.iter().zip(&other.bytes).all(|pair| match pair {
            (_, None) => true,
            (None, Some(b)) => b.iter().all(|allowed| *allowed),
            (Some(a), Some(b)) => a.iter().zip(b).all(|(a, b)| !*a || *b),
        });
        let numbers = other.numbers.iter().all(|(start, width, b)| {
            // Single bytes and single values are judged byte by byte.
            *width == 1
                || matches!(b[..], [(from, to)] if from == to)
                || self.numbers.iter().any(|(s, w, a)| s == start && w == width && contains(b, a))
        });
        other.exact && bytes && numbers
    }
}

fn length_byte(byte: u8, width: usize) -> bool {
    usize::from(byte).min(15) + 1 == width
}

fn overlap(a: &IntSet, b: &IntSet) -> bool {
    a.iter().any(|(from, to)| b.iter().any(|(f, t)| from <= t && f <= to))
}

fn contains(outer: &IntSet, inner: &IntSet) -> bool {
    inner.iter().all(|(from, to)| outer.iter().any(|(f, t)| f <= from && to <= t))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Range, Segment, Text, ValueForm};
    use crate::report::Position;

    fn layout(segments: &[(SegmentKind, &[(u64, u64)])]) -> Layout {
        let place = Position::default();
        let text = || Text { value: String::new(), place };
        let segments = segments.iter().map(|(kind, allowed)| Segment {
            name: String::new(),
            kind: kind.clone(),
            allowed: allowed.to_vec(),
            names: None,
            doc: String::new(),
            place,
        });
        Layout {
            name: text(),
            versions: Range { from: 1, to: 1, place },
            doc: None,
            segments: segments.collect(),
            value: ValueForm::Opaque,
            value_place: place,
            value_doc: None,
            archives: Vec::new(),
            long: false,
            local: false,
            schema_version: false,
            content_hash: false,
            derived_keys: Vec::new(),
            links_blob: None,
            commit: None,
            provisional: Vec::new(),
            fresh: None,
            fresh_if_derived_key: None,
            shares: Vec::new(),
        }
    }

    fn check(
        earlier: &[(SegmentKind, &[(u64, u64)])],
        later: &[(SegmentKind, &[(u64, u64)])],
        expect: KeyRelation,
    ) {
        assert_eq!(relation(&layout(earlier), &layout(later)), expect, "{earlier:?} {later:?}");
    }

    #[test]
    fn relations_follow_from_lengths_and_values() {
        use KeyRelation::{Covers, Crossing, Disjoint, MoreSpecific};
        use SegmentKind::{
            Const, Hash, Leb32, Leb64, Rest, ShortHash, TermHash, TokenHash, U8, U16, U32, U64,
        };
        let byte = |n: u8| Const(vec![n]);
        // Lengths.
        check(&[(U32, &[])], &[(U64, &[])], Disjoint);
        check(&[(U32, &[]), (U32, &[])], &[(U64, &[])], Covers);
        check(&[(Hash, &[])], &[(Rest, &[])], MoreSpecific);
        check(&[(Rest, &[])], &[(Hash, &[])], Covers);
        // Constants at the start, at the end, and where only one has them.
        check(&[(byte(1), &[]), (Rest, &[])], &[(byte(2), &[]), (Rest, &[])], Disjoint);
        check(&[(Rest, &[]), (byte(1), &[])], &[(Rest, &[]), (byte(2), &[])], Disjoint);
        check(&[(byte(1), &[]), (Rest, &[])], &[(Rest, &[]), (byte(1), &[])], Crossing);
        check(&[(byte(1), &[]), (U32, &[])], &[(U8, &[]), (U32, &[])], MoreSpecific);
        // Sets of values, of one byte and of several.
        check(&[(U8, &[(0, 127)])], &[(U8, &[(128, 255)])], Disjoint);
        check(&[(U8, &[(0, 128)])], &[(U8, &[(128, 255)])], Crossing);
        check(&[(U8, &[(3, 5)])], &[(U8, &[(0, 8)])], MoreSpecific);
        check(&[(Const(vec![0; 8]), &[]), (U64, &[])], &[(U64, &[(1, u64::MAX)]), (U64, &[])], Disjoint);
        check(&[(U16, &[(0, 0)])], &[(U16, &[(1, u64::MAX)])], Disjoint);
        check(&[(U16, &[(0, 300)])], &[(U16, &[(300, 400)])], Crossing);
        check(&[(U16, &[(7, 7)])], &[(Const(vec![0, 7]), &[])], Covers);
        check(&[(U16, &[])], &[(U16, &[(7, 7)])], Covers);
        check(&[(U8, &[]), (byte(8), &[])], &[(U16, &[(7, 7)])], Disjoint);
        // Restrictions after a segment of varying length.
        check(&[(Leb32, &[]), (byte(1), &[])], &[(Leb64, &[]), (byte(2), &[])], Disjoint);
        check(&[(Leb32, &[])], &[(Leb64, &[])], MoreSpecific);
        // A length byte excludes what begins otherwise.
        check(&[(ShortHash, &[])], &[(U64, &[(0, (7 << 56) - 1)])], Disjoint);
        check(&[(ShortHash, &[])], &[(U64, &[])], Crossing);
        check(&[(TermHash, &[]), (U32, &[])], &[(TokenHash, &[]), (U32, &[])], Crossing);
        check(&[(TokenHash, &[])], &[(Rest, &[])], MoreSpecific);
        // What cannot be placed counts as overlapping.
        check(&[(Leb64, &[]), (Leb64, &[])], &[(Leb64, &[]), (Leb64, &[])], Crossing);
    }
}
