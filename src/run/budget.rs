//! How much may run at once, and what of the memory is whose.
//!
//! Knows numbers only.

/// Pages of full size that may wait between a reader and the sink, per range.
const DEPTH: usize = 2;
/// Bytes that may wait in the one lane whose pages are worked on: more than a sink takes while it commits.
const FAR: usize = 16 << 20;
/// Ranges per reader: enough for readers to stay busy while the sink catches up.
const RANGES_PER_READER: usize = 4;

/// How much may run at once.
#[derive(Debug, Clone, Copy)]
pub struct Budget {
    /// Threads that work at the same time, at least 1.
    pub jobs: usize,
    /// Bytes for buffers and caches: half for pages in flight over all lanes, half for the engine.
    pub memory: u64,
}

impl Budget {
    /// Bytes for the engine's own caches; the other half is for pages.
    pub fn engine(&self) -> u64 {
        self.memory / 2
    }

    /// Bytes for sorting the files of a dump that are out of order: the engine's half, which a dump has no use for.
    pub fn sorting(&self) -> usize {
        usize::try_from(self.engine()).unwrap_or(usize::MAX)
    }

    /// Readers per lane: besides each other, lanes have their sinks and what works beside those, so that a
    /// reader for every second core keeps all of them busy. More of them only wait for each other, and a
    /// database on the same machine pays for each.
    pub fn readers(&self) -> usize {
        (self.jobs / 2).clamp(1, 4)
    }

    /// How many ranges a lane is worth splitting into.
    pub fn ranges(&self) -> usize {
        split(self.readers())
    }

    /// How many parts a subspace is worth splitting into where whoever reads a part is done with it.
    pub fn parts(&self) -> usize {
        split(self.jobs.min(4))
    }

    /// Bytes a page should have, so that all pages that can be in flight stay within the budget.
    pub fn page_bytes(&self) -> usize {
        let bytes = self.pages_memory() / self.pages() as u64;
        // Larger pages gain nothing and leave the processor's cache.
        usize::try_from(bytes).unwrap_or(usize::MAX).clamp(16 << 10, 512 << 10)
    }

    /// Bytes of pages that may wait for a sink, per range.
    pub fn ahead(&self) -> usize {
        DEPTH * self.page_bytes()
    }

    /// Bytes of pages that may wait for a sink, per range, in the one lane whose pages are worked on: what the
    /// budget has left, so that the others go on while the sink waits for the disk.
    pub fn far_ahead(&self) -> usize {
        let taken = (self.pages() * self.page_bytes()) as u64;
        // Half of it: a page that grows keeps up to twice the memory that it needs.
        let left = self.pages_memory().saturating_sub(taken) / 2 / self.ranges() as u64;
        self.ahead() + usize::try_from(left).unwrap_or(usize::MAX).min(FAR)
    }

    /// Pages of full size that can be in flight, but for those of [`Budget::far_ahead`].
    fn pages(&self) -> usize {
        // Per lane: each range can leave pages behind, each reader and the sink hold one page. In one lane,
        // that of blobs, each of as many workers as there are jobs fills another.
        self.jobs.max(1) * (self.ranges() * DEPTH + self.readers() + 2)
    }

    fn pages_memory(&self) -> u64 {
        self.memory / 2
    }
}

/// How many pieces are worth it for so many threads: one thread needs no pieces.
fn split(threads: usize) -> usize {
    if threads <= 1 { 1 } else { threads * RANGES_PER_READER }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_wait_fits_the_budget() {
        for (jobs, memory) in [(1, 128 << 20), (2, 128 << 20), (2, 8 << 20), (16, 1 << 30), (64, 128 << 20)] {
            let budget = Budget { jobs, memory };
            let others = budget.pages() * budget.page_bytes();
            let far = (budget.far_ahead() - budget.ahead()) * budget.ranges();
            assert!(budget.far_ahead() >= budget.ahead() && budget.ahead() >= budget.page_bytes());
            // Pages have a least size, whatever the budget.
            let least = budget.pages() * (16 << 10);
            assert!((others + 2 * far) as u64 <= (memory / 2).max(least as u64), "{budget:?}");
        }
    }
}
