//! Merge join of one subspace of two inputs, key by key.
//!
//! Reports where they differ; the caller interprets a difference. For a large value only length and hash are kept
//! until the other side has read its value, because both values at once would take twice the memory.

use std::cmp::Ordering;

use crate::backend::{KeyRange, Pages};
use crate::base::error::Result;
use crate::base::page::Page;
use crate::base::stop::Stop;
use crate::catalog::Subspace;
use crate::records::check::Tally;
use crate::records::input::{Input, Records};

/// Values of at least this length, in bytes, are compared by their hash.
const LARGE: usize = 16 << 20;

/// A value, or length and hash of a large one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ComparedValue<'a> {
    /// The value.
    Bytes(&'a [u8]),
    /// Length and hash of a large value.
    Digest {
        /// Its length in bytes.
        length: usize,
        /// Its BLAKE3.
        blake3: [u8; 32],
    },
}

impl ComparedValue<'_> {
    /// Its length in bytes.
    pub fn length(&self) -> usize {
        match self {
            ComparedValue::Bytes(bytes) => bytes.len(),
            ComparedValue::Digest { length, .. } => *length,
        }
    }
}

/// A key with its value on each side; at least one side has the key.
#[derive(Debug, Clone, Copy)]
pub struct Pair<'a> {
    /// The key.
    pub key: &'a [u8],
    /// Value on the left side, if it has the key.
    pub left: Option<ComparedValue<'a>>,
    /// Value on the right side, if it has the key.
    pub right: Option<ComparedValue<'a>>,
}

impl Pair<'_> {
    /// Whether both sides have the same value.
    pub fn equal(&self) -> bool {
        self.left == self.right
    }

    /// Describes how the sides differ; `names` are the names of left and right.
    pub fn difference(&self, names: [&str; 2]) -> String {
        let [left, right] = names;
        match (self.left, self.right) {
            (Some(ComparedValue::Bytes(a)), Some(ComparedValue::Bytes(b))) => {
                let at = a.iter().zip(b).position(|(a, b)| a != b).unwrap_or(a.len().min(b.len()));
                format!("values differ from byte {at} on ({} and {} bytes)", a.len(), b.len())
            }
            (Some(a), Some(b)) => format!("values differ ({} and {} bytes)", a.length(), b.length()),
            (Some(_), None) => format!("in {left}, not in {right}"),
            _ => format!("in {right}, not in {left}"),
        }
    }
}

/// Reads a subspace of two inputs and passes every key to `each`.
///
/// Returns the findings and counts of both sides. Errors: those of reading and of `each`, and interrupted.
pub fn compare(
    [left, right]: [&Input; 2],
    subspace: &'static Subspace,
    page_bytes: usize,
    stop: &Stop,
    mut each: impl FnMut(Pair) -> Result<()>,
) -> Result<[Tally; 2]> {
    let mut left = JoinSide::new(left, subspace, page_bytes, stop)?;
    let mut right = JoinSide::new(right, subspace, page_bytes, stop)?;
    loop {
        left.fill()?;
        right.fill()?;
        let (ours, theirs) = (left.current(), right.current());
        let (order, key) = match (ours, theirs) {
            (None, None) => break,
            (Some((key, _)), None) => (Ordering::Less, key),
            (None, Some((key, _))) => (Ordering::Greater, key),
            (Some((a, _)), Some((b, _))) => (a.cmp(b), a.min(b)),
        };
        let pair = Pair {
            key,
            left: ours.filter(|_| order != Ordering::Greater).map(|(_, value)| value),
            right: theirs.filter(|_| order != Ordering::Less).map(|(_, value)| value),
        };
        each(pair)?;
        if order != Ordering::Greater {
            left.at += 1;
        }
        if order != Ordering::Less {
            right.at += 1;
        }
    }
    Ok([left.records.into_tally(), right.records.into_tally()])
}

/// One side: the current page and the position in it.
struct JoinSide<'a> {
    records: Records<'a>,
    page: Page,
    at: usize,
    ended: bool,
    // Digest of the last value in the page, if that was large.
    digest: Option<ComparedValue<'static>>,
    budget: usize,
    stop: &'a Stop,
}

impl<'a> JoinSide<'a> {
    fn new(
        input: &Input<'a>,
        subspace: &'static Subspace,
        budget: usize,
        stop: &'a Stop,
    ) -> Result<JoinSide<'a>> {
        let records = input.read(subspace, &KeyRange::all())?;
        Ok(JoinSide { records, page: Page::new(), at: 0, ended: false, digest: None, budget, stop })
    }

    fn fill(&mut self) -> Result<()> {
        if self.at < self.page.len() || self.ended {
            return Ok(());
        }
        self.stop.check()?;
        self.at = 0;
        self.ended = !self.records.next(&mut self.page, self.budget)?;
        // A large value always ends its page, so a page has at most one.
        let large = self.page.last().map(|(_, value)| value).filter(|value| value.len() >= LARGE);
        self.digest = large.map(|value| ComparedValue::Digest {
            length: value.len(),
            blake3: *blake3::hash(value).as_bytes(),
        });
        if self.digest.is_some() {
            self.page.forget_last_value();
        }
        Ok(())
    }

    fn current(&self) -> Option<(&[u8], ComparedValue<'_>)> {
        let (key, value) = if self.ended { None } else { self.page.get(self.at) }?;
        let digest = self.digest.filter(|_| self.at + 1 == self.page.len());
        Some((key, digest.unwrap_or(ComparedValue::Bytes(value))))
    }
}
