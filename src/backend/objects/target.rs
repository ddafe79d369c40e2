//! A place of objects as a target of one table.
//!
//! Many objects are put at the same time, bounded by requests and by bytes. Services have no transactions: an object
//! is visible, whole, once it was put, and those of an uncommitted shard may stay until the run is resumed or the
//! target emptied.

use std::ops::ControlFlow;
use std::sync::{Arc, Condvar, Mutex, MutexGuard};

use super::marker::is_marker;
use super::pool::Pool;
use super::{Flow, ListEntry, ObjectSource, Objects, Possible};
use crate::backend::{Shard, Source, Target};
use crate::base::error::{Error, Result};
use crate::base::page::Page;
use crate::base::sync::{lock, wait};
use crate::catalog::{BackendKind, Table};

/// How often a place is listed until it must be empty.
const PASSES: usize = 10;

/// A place of objects opened for writing.
pub struct ObjectTarget {
    objects: Arc<dyn Objects>,
    table: &'static Table,
    kind: BackendKind,
    possible: Possible,
    pool: Pool,
}

impl ObjectTarget {
    /// Writes `table` of a store of this kind into `objects`. Objects belong to the target if their key is
    /// `possible`; others are never touched. Changes nothing before [`Target::create`].
    pub fn new(
        objects: Box<dyn Objects>,
        table: &'static Table,
        kind: BackendKind,
        possible: Possible,
        flow: Flow,
    ) -> Self {
        ObjectTarget { objects: Arc::from(objects), table, kind, possible, pool: Pool::new(flow) }
    }

    fn check(&self, table: &Table) -> Result<()> {
        if table.name == self.table.name {
            return Ok(());
        }
        Err(Error::io("a blob store has no place for this table")
            .with("table", table.name)
            .with("store", self.objects.place()))
    }

    /// Deletes every listed object of the server that is not kept, and returns their number.
    fn clear_listed(&self, kept: &[Vec<u8>]) -> Result<u64> {
        let tasks = Arc::new(Tasks::default());
        let mut deleted = 0;
        self.objects.list(&mut |found| {
            let objects = Arc::clone(&self.objects);
            match found {
                ListEntry::Object { key, .. } if kept.binary_search(&key).is_ok() => {}
                ListEntry::Object { key, .. } if (self.possible)(&key) || is_marker(&key) => {
                    deleted += 1;
                    tasks.begin(&self.pool, 0, move || objects.delete(&key))?;
                }
                ListEntry::Leftover(leftover) => {
                    deleted += 1;
                    tasks.begin(&self.pool, 0, move || objects.sweep(&leftover))?;
                }
                // Objects that do not belong to the server stay.
                ListEntry::Object { .. } | ListEntry::Foreign(_) => {}
                ListEntry::Unreadable { error, .. } => return Err(error),
            }
            Ok(ControlFlow::Continue(()))
        })?;
        tasks.wait()?;
        Ok(deleted)
    }
}

impl Target for ObjectTarget {
    fn kind(&self) -> BackendKind {
        self.kind
    }

    fn create(&self, tables: &[&Table]) -> Result<()> {
        tables.iter().try_for_each(|table| self.check(table))?;
        self.objects.prepare()
    }

    fn delete(&self, table: &Table, keys: &[Vec<u8>]) -> Result<()> {
        self.check(table)?;
        let tasks = Arc::new(Tasks::default());
        for key in keys {
            let (objects, key) = (Arc::clone(&self.objects), key.clone());
            tasks.begin(&self.pool, 0, move || objects.delete(&key))?;
        }
        tasks.wait()
    }

    fn clear(&self, table: &Table, kept: &[Vec<u8>]) -> Result<()> {
        self.check(table)?;
        // A list may skip objects while listed ones are deleted, so it is repeated until it is empty.
        for _ in 0..PASSES {
            if self.clear_listed(kept)? == 0 {
                return Ok(());
            }
        }
        Err(Error::io("the blob store still lists objects that were deleted")
            .with("store", self.objects.place())
            .help("make sure that no other program writes to it, then start again"))
    }

    fn look(&self) -> Result<Box<dyn Source>> {
        self.objects.begin()?;
        let (objects, possible) = (Arc::clone(&self.objects), Arc::clone(&self.possible));
        let flow = self.pool.flow();
        Ok(Box::new(ObjectSource::shared(objects, self.table, self.kind, possible, flow, false)?))
    }

    fn writers(&self) -> usize {
        self.pool.size()
    }

    fn shard<'a>(&'a self, table: &'a Table) -> Result<Box<dyn Shard + Send + 'a>> {
        self.check(table)?;
        let tasks = Arc::new(Tasks::default());
        Ok(Box::new(ObjectShard { target: self, tasks, keys: Page::new(), done: false }))
    }

    fn finish(&self) -> Result<()> {
        Ok(())
    }
}

struct ObjectShard<'a> {
    target: &'a ObjectTarget,
    tasks: Arc<Tasks>,
    // The keys of all started objects, with empty values.
    keys: Page,
    done: bool,
}

impl Shard for ObjectShard<'_> {
    fn write(&mut self, page: &Page) -> Result<()> {
        for (key, value) in page.iter() {
            self.keys.push(key, b"");
            let objects = Arc::clone(&self.target.objects);
            let (key, copy) = (key.to_vec(), value.to_vec());
            let put = move || objects.put(&key, copy);
            self.tasks.begin(&self.target.pool, value.len() as u64, put)?;
        }
        Ok(())
    }

    fn commit(mut self: Box<Self>) -> Result<()> {
        self.tasks.wait()?;
        self.target.objects.publish(&self.keys)?;
        self.done = true;
        Ok(())
    }
}

impl Drop for ObjectShard<'_> {
    fn drop(&mut self) {
        if !self.done {
            // An error was already reported, or is reported by the code that drops the shard.
            let _ = self.tasks.wait();
            self.target.objects.discard(&self.keys);
        }
    }
}

/// Jobs started together, of which the first failure is reported.
#[derive(Default)]
struct Tasks {
    state: Mutex<TaskState>,
    changed: Condvar,
}

#[derive(Default)]
struct TaskState {
    running: usize,
    failed: Option<Error>,
}

impl Tasks {
    /// Runs `work` on a thread of the pool, once there is room. Fails with an earlier failure.
    fn begin(
        self: &Arc<Self>,
        pool: &Pool,
        bytes: u64,
        work: impl FnOnce() -> Result<()> + Send + 'static,
    ) -> Result<()> {
        let held = pool.budget().wait(bytes);
        let mut state = self.lock();
        // One job waits for each running one, so that no thread is idle.
        while state.running >= pool.size() * 2 && state.failed.is_none() {
            state = wait(&self.changed, state);
        }
        if let Some(error) = state.failed.take() {
            state.failed = Some(Error::new(error.kind(), error.to_string()));
            return Err(error);
        }
        state.running += 1;
        drop(state);
        let ended = Ended(Arc::clone(self));
        let answer = pool.run(move || {
            let result = work();
            drop(held);
            if let Err(error) = result {
                ended.0.lock().failed.get_or_insert(error);
            }
            drop(ended);
        });
        answer.map(drop)
    }

    fn wait(&self) -> Result<()> {
        let mut state = self.lock();
        while state.running > 0 {
            state = wait(&self.changed, state);
        }
        state.failed.take().map_or(Ok(()), Err)
    }

    fn lock(&self) -> MutexGuard<'_, TaskState> {
        lock(&self.state)
    }
}

/// Marks a job as ended when dropped, also after a panic.
struct Ended(Arc<Tasks>);

impl Drop for Ended {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.running -= 1;
        if std::thread::panicking() {
            state.failed.get_or_insert_with(|| Error::io("a thread of this program has failed"));
        }
        drop(state);
        self.0.changed.notify_all();
    }
}

/// The error of an object that is too large for a single request.
#[cfg(feature = "object-http")]
pub(super) fn too_large(key: &[u8], size: u64, most: u64, store: &str) -> Error {
    Error::io(format!("a blob of {size} bytes is larger than the store takes in one request, {most} bytes"))
        .with("store", store)
        .with("key", crate::base::hex::hex(key))
        .help("leave it out, or import into another kind of blob store")
}
