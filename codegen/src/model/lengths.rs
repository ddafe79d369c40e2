//! Sets of key lengths. Does not depend on segments.

use std::collections::BTreeSet;

/// Some lengths, and possibly every length from one on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Lengths {
    some: BTreeSet<usize>,
    from: Option<usize>,
}

impl Lengths {
    pub fn only(lengths: impl IntoIterator<Item = usize>) -> Self {
        Lengths { some: lengths.into_iter().collect(), from: None }
    }

    pub fn from(length: usize) -> Self {
        Lengths { some: BTreeSet::new(), from: Some(length) }
    }

    /// Lengths of one part followed by another.
    pub fn plus(&self, other: &Lengths) -> Lengths {
        let some = self.some.iter().flat_map(|a| other.some.iter().map(move |b| a + b)).collect();
        let from = match (self.from, other.from) {
            (None, None) => None,
            (Some(from), _) => other.least().map(|least| from + least),
            (None, Some(from)) => self.least().map(|least| from + least),
        };
        Lengths { some, from }
    }

    /// A key is never empty.
    pub fn without_zero(mut self) -> Lengths {
        self.some.remove(&0);
        self.from = self.from.map(|from| from.max(1));
        self
    }

    pub fn least(&self) -> Option<usize> {
        self.some.first().copied().into_iter().chain(self.from).min()
    }

    /// `None` if there is no longest.
    pub fn longest(&self) -> Option<usize> {
        if self.from.is_some() { None } else { self.some.last().copied() }
    }

    pub fn contains(&self, length: usize) -> bool {
        self.some.contains(&length) || self.from.is_some_and(|from| from <= length)
    }

    /// All lengths greater than this one are contained, or none is.
    pub fn uniform_beyond(&self) -> usize {
        self.some.last().copied().into_iter().chain(self.from).max().unwrap_or(0)
    }

    /// The only length, if there is one.
    pub fn single(&self) -> Option<usize> {
        match (self.from, self.some.len()) {
            (None, 1) => self.some.first().copied(),
            _ => None,
        }
    }
}
