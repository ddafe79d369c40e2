//! Keys made from their descriptors, for tests, fuzzing and benchmarks.
//!
//! Knows the segments of a layout; the generated code has no part in it. Beside `proptest`, because samples must be
//! keys of a layout, each of its segments at its edges.

use stalwart_migrate::catalog::{Layout, Segment, SegmentKind};
use stalwart_migrate::codec::put_leb128;

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
