//! Limits of threads and memory, and how memory is divided between pages and backends.
//!
//! Only arithmetic; depends on no other module.

/// Full pages that may wait between a reader and the sink, per range.
const DEPTH: usize = 2;
/// Bytes that may wait in the one pipeline with a transform: more than a sink takes during a commit.
const FAR: usize = 16 << 20;
/// Ranges per reader: enough to keep readers busy while the sink catches up.
const RANGES_PER_READER: usize = 4;

/// Limits of threads and memory for a run.
#[derive(Debug, Clone, Copy)]
pub struct Budget {
    /// Number of threads at work at the same time, at least 1.
    pub jobs: usize,
    /// Bytes for buffers and caches: half for pages in flight in all pipelines, half for the backend.
    pub memory: u64,
}

impl Budget {
    /// Bytes for the backend's own caches; the other half is for pages.
    pub fn engine(&self) -> u64 {
        self.memory / 2
    }

    /// Bytes for sorting files of a dump that are out of order: the backend's half, which a dump does not need.
    pub fn sorting(&self) -> usize {
        usize::try_from(self.engine()).unwrap_or(usize::MAX)
    }

    /// Readers per pipeline. Sinks, transforms and other pipelines also need threads, so one reader for every second
    /// core keeps all cores busy. More readers only wait for each other and load a database on the same machine.
    pub fn readers(&self) -> usize {
        (self.jobs / 2).clamp(1, 4)
    }

    /// Connections that a source may need at once: one for each reader of each subspace that is read.
    pub fn connections(&self) -> usize {
        self.jobs * self.readers()
    }

    /// Number of ranges that a pipeline splits a subspace into.
    pub fn ranges(&self) -> usize {
        split(self.readers())
    }

    /// Number of parts that a subspace is split into where the reader of a part also processes it, without a sink.
    pub fn parts(&self) -> usize {
        split(self.jobs.min(4))
    }

    /// Bytes per page, such that all pages that can be in flight stay within the budget.
    pub fn page_bytes(&self) -> usize {
        let bytes = self.pages_memory() / self.pages() as u64;
        // Larger pages gain nothing and do not fit the processor's cache.
        usize::try_from(bytes).unwrap_or(usize::MAX).clamp(16 << 10, 512 << 10)
    }

    /// Bytes of pages that may wait for a sink, per range.
    pub fn read_ahead(&self) -> usize {
        DEPTH * self.page_bytes()
    }

    /// Bytes of pages that may wait for a sink, per range, in the one pipeline with a transform: the rest of the
    /// budget, so that readers and workers continue while the sink waits for the disk.
    pub fn deep_read_ahead(&self) -> usize {
        let taken = (self.pages() * self.page_bytes()) as u64;
        // Half of the rest: a page that grows keeps up to twice the memory that it needs.
        let left = self.pages_memory().saturating_sub(taken) / 2 / self.ranges() as u64;
        self.read_ahead() + usize::try_from(left).unwrap_or(usize::MAX).min(FAR)
    }

    /// Full pages that can be in flight, without those of [`Budget::deep_read_ahead`].
    fn pages(&self) -> usize {
        // Per pipeline: each range can have pages waiting, each reader and the sink hold one page. In the pipeline
        // of blobs, each of `jobs` workers fills another.
        self.jobs.max(1) * (self.ranges() * DEPTH + self.readers() + 2)
    }

    fn pages_memory(&self) -> u64 {
        self.memory / 2
    }
}

/// Number of pieces for `threads`: one thread needs only one piece.
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
            let far = (budget.deep_read_ahead() - budget.read_ahead()) * budget.ranges();
            assert!(
                budget.deep_read_ahead() >= budget.read_ahead() && budget.read_ahead() >= budget.page_bytes()
            );
            // Pages have a least size, whatever the budget.
            let least = budget.pages() * (16 << 10);
            assert!((others + 2 * far) as u64 <= (memory / 2).max(least as u64), "{budget:?}");
        }
    }
}
