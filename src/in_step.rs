//! Two sides of one subspace read in step, key by key.
//!
//! Says where they differ; what a difference means is the caller's business.

use std::cmp::Ordering;

use crate::backend::{KeyRange, Pages};
use crate::catalog::Subspace;
use crate::error::Result;
use crate::origin::{Origin, Records};
use crate::page::Page;
use crate::stop::{Stop, interrupted};
use crate::store::Tally;

/// A key with the value that each side has for it; at least one has.
#[derive(Debug, Clone, Copy)]
pub struct Pair<'a> {
    /// The key.
    pub key: &'a [u8],
    /// Value on the left, if the key is there.
    pub left: Option<&'a [u8]>,
    /// Value on the right, if the key is there.
    pub right: Option<&'a [u8]>,
}

impl Pair<'_> {
    /// Whether both sides hold the same.
    pub fn equal(&self) -> bool {
        self.left == self.right
    }

    /// How the sides differ, in words; `names` are those of left and right.
    pub fn difference(&self, names: [&str; 2]) -> String {
        let [left, right] = names;
        match (self.left, self.right) {
            (Some(a), Some(b)) => {
                let at = a.iter().zip(b).position(|(a, b)| a != b).unwrap_or(a.len().min(b.len()));
                format!("values differ from byte {at} on ({} and {} bytes)", a.len(), b.len())
            }
            (Some(_), None) => format!("in {left}, not in {right}"),
            _ => format!("in {right}, not in {left}"),
        }
    }
}

/// Reads a subspace of two origins and gives every key to `each` until that says to stop.
///
/// Returns what reading has found on either side. Errors: those of reading and of `each`, and interrupted.
pub fn compare(
    [left, right]: [&Origin; 2],
    subspace: &'static Subspace,
    page_bytes: usize,
    stop: &Stop,
    mut each: impl FnMut(Pair) -> Result<bool>,
) -> Result<[Tally; 2]> {
    let mut left = Side::new(left, subspace, page_bytes, stop)?;
    let mut right = Side::new(right, subspace, page_bytes, stop)?;
    loop {
        // A store needs twice the memory of a large value while it decodes it, a dump once: it comes afterwards.
        if right.decodes {
            right.fill()?;
            left.fill()?;
        } else {
            left.fill()?;
            right.fill()?;
        }
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
        if !each(pair)? {
            break;
        }
        if order != Ordering::Greater {
            left.at += 1;
        }
        if order != Ordering::Less {
            right.at += 1;
        }
    }
    Ok([left.records.into_tally(), right.records.into_tally()])
}

/// One side: the current page and the place in it.
struct Side<'a> {
    records: Records<'a>,
    page: Page,
    at: usize,
    ended: bool,
    decodes: bool,
    budget: usize,
    stop: &'a Stop,
}

impl<'a> Side<'a> {
    fn new(
        origin: &'a Origin,
        subspace: &'static Subspace,
        budget: usize,
        stop: &'a Stop,
    ) -> Result<Side<'a>> {
        let records = origin.read(subspace, &KeyRange::all())?;
        let decodes = matches!(origin, Origin::Store(_));
        Ok(Side { records, page: Page::new(), at: 0, ended: false, decodes, budget, stop })
    }

    fn fill(&mut self) -> Result<()> {
        if self.at < self.page.len() || self.ended {
            return Ok(());
        }
        if self.stop.stopped() {
            return Err(interrupted());
        }
        self.at = 0;
        self.ended = !self.records.next(&mut self.page, self.budget)?;
        Ok(())
    }

    fn current(&self) -> Option<(&[u8], &[u8])> {
        if self.ended { None } else { self.page.get(self.at) }
    }
}
