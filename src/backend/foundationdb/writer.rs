//! Writes to a cluster: many small transactions at once, each repeated until it is committed.
//!
//! Every write sets a key to a value, or clears a key or a range, whatever was there. So a transaction whose result is
//! unknown is simply repeated. Sets add no conflict ranges: nothing else may write to a target.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use foundationdb::options::TransactionOption;
use foundationdb::{FdbError, FdbResult};
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;

use super::cluster::{Cluster, Waits, drive};
use super::{TOO_LARGE, is_passing};
use crate::base::error::Result;

/// Least and most bytes of a transaction of small records.
const BYTES: [usize; 2] = [10_000, 100_000];
/// Transactions of a shard that are committed at once.
const IN_FLIGHT: usize = 16;
/// A commit that takes less, or longer, is a reason for larger, or smaller, transactions.
const LATENCY: [Duration; 2] = [Duration::from_millis(50), Duration::from_millis(250)];
/// Most changes in a transaction that clears.
const CLEARS: usize = 500;

/// A change of a key, or of all keys of a range.
pub(super) enum Change<'v> {
    /// Sets a key.
    Set(Vec<u8>, &'v [u8]),
    /// Clears a key.
    Clear(Vec<u8>),
    /// Clears the keys from the first up to, and without, the second.
    ClearRange(Vec<u8>, Vec<u8>),
}

impl Change<'_> {
    fn size(&self) -> usize {
        match self {
            Change::Set(key, value) => key.len() + value.len(),
            Change::Clear(key) => key.len(),
            Change::ClearRange(begin, end) => begin.len() + end.len(),
        }
    }
}

/// Changes that are committed together.
pub(super) type Batch<'v> = Vec<Change<'v>>;

/// Commits transactions to a cluster.
pub(super) struct TransactionWriter {
    cluster: Arc<Cluster>,
    // Bytes of a transaction of small records.
    bytes: AtomicUsize,
}

impl TransactionWriter {
    pub fn new(cluster: Arc<Cluster>) -> Self {
        TransactionWriter { cluster, bytes: AtomicUsize::new(BYTES[1] / 2) }
    }

    /// Bytes that a transaction of small records should have now.
    pub fn bytes(&self) -> usize {
        self.bytes.load(Ordering::Relaxed)
    }

    /// Commits all batches, several at once and in no order.
    ///
    /// Errors: those of the cluster, and interrupted; some batches may be committed then.
    pub fn commit<'v>(&self, batches: impl IntoIterator<Item = Batch<'v>>) -> Result<()> {
        let (mut batches, mut waits) = (batches.into_iter(), Waits::new());
        let (mut again, mut flying) = (VecDeque::new(), FuturesUnordered::new());
        loop {
            while flying.len() < IN_FLIGHT
                && let Some(batch) = again.pop_front().or_else(|| batches.next())
            {
                flying.push(self.transaction(batch));
            }
            let Some((batch, took, done)) = drive(flying.next(), None)?.flatten() else { return Ok(()) };
            let Err(error) = done else {
                waits.succeeded();
                self.adapt(took);
                continue;
            };
            if error.code() == TOO_LARGE && batch.len() > 1 {
                let mut first = batch;
                let second = first.split_off(first.len() / 2);
                again.extend([first, second]);
            } else if (is_passing(error) || error.code() == TOO_LARGE) && waits.again()? {
                again.push_back(batch);
            } else {
                return Err(self.cluster.fail(error, "write records"));
            }
        }
    }

    /// Commits clears, a bounded number at once.
    pub fn clear<'v>(&self, clears: impl Iterator<Item = Change<'v>>) -> Result<()> {
        let mut clears = clears.peekable();
        let batches = std::iter::from_fn(|| {
            let batch: Batch = clears.by_ref().take(CLEARS).collect();
            (!batch.is_empty()).then_some(batch)
        });
        self.commit(batches)
    }

    async fn transaction<'v>(&self, batch: Batch<'v>) -> (Batch<'v>, Duration, FdbResult<()>) {
        let begun = Instant::now();
        let done = self.attempt(&batch).await;
        (batch, begun.elapsed(), done)
    }

    async fn attempt(&self, batch: &Batch<'_>) -> FdbResult<()> {
        let transaction = self.cluster.transaction()?;
        for change in batch {
            transaction.set_option(TransactionOption::NextWriteNoWriteConflictRange)?;
            match change {
                Change::Set(key, value) => transaction.set(key, value),
                Change::Clear(key) => transaction.clear(key),
                Change::ClearRange(begin, end) => transaction.clear_range(begin, end),
            }
        }
        transaction.commit().await.map(|_| ()).map_err(FdbError::from)
    }

    fn adapt(&self, took: Duration) {
        let bytes = self.bytes();
        let adapted = match took {
            took if took > LATENCY[1] => bytes / 2,
            took if took < LATENCY[0] => bytes + bytes / 8,
            _ => bytes,
        };
        self.bytes.store(adapted.clamp(BYTES[0], BYTES[1]), Ordering::Relaxed);
    }
}

/// Groups changes into batches of about `bytes`.
pub(super) struct Batches<'v> {
    bytes: usize,
    size: usize,
    open: Batch<'v>,
    /// The batches.
    pub closed: Vec<Batch<'v>>,
}

impl<'v> Batches<'v> {
    pub fn new(bytes: usize) -> Self {
        Batches { bytes, size: 0, open: Vec::new(), closed: Vec::new() }
    }

    /// Adds changes that are committed together; a batch with long values may have up to `most` bytes.
    pub fn add(&mut self, changes: Vec<Change<'v>>, most: usize) {
        let size: usize = changes.iter().map(Change::size).sum();
        let limit = if size > self.bytes { most } else { self.bytes };
        if self.size + size > limit {
            self.close();
        }
        self.size += size;
        self.open.extend(changes);
    }

    /// Ends the last batch.
    pub fn close(&mut self) {
        self.size = 0;
        if !self.open.is_empty() {
            self.closed.push(std::mem::take(&mut self.open));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_are_bounded_and_keep_a_value_together() {
        let value = vec![0; 100_000];
        let long =
            |pieces: usize| (0..pieces).map(|n| Change::Set(vec![n as u8], &value)).collect::<Vec<_>>();
        let mut batches = Batches::new(50_000);
        for n in 0..100u8 {
            batches.add(vec![Change::Set(vec![n; 10], &value[..990])], 1_000_000);
        }
        for pieces in [1, 3, 5, 20] {
            batches.add(long(pieces), 1_000_000);
        }
        batches.close();
        let sizes: Vec<usize> =
            batches.closed.iter().map(|batch| batch.iter().map(Change::size).sum()).collect();
        assert_eq!(sizes, [50_000, 950_009, 2_000_020], "one value is never divided");
        assert_eq!(batches.closed.iter().map(Vec::len).sum::<usize>(), 129);
    }
}
