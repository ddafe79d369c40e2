//! Blob stores that are no databases: a directory of files, an S3 bucket, an Azure container, and several stores that
//! share the blobs.
//!
//! An object is a key and its bytes under a name. [`ObjectSource`] and [`ObjectTarget`] present one place of objects
//! as one table, [`ShardedSource`] and [`ShardedTarget`] several places. The list of a place is the only record of
//! which objects exist. The caller decides how blobs are encoded and which keys are possible.

use std::ops::ControlFlow;
use std::sync::Arc;

use super::KeyRange;
use crate::base::error::{Error, Result};
use crate::base::page::Page;

#[cfg(feature = "azure")]
mod azure;
mod fs;
mod listing;
pub mod marker;
pub mod names;
mod pool;
#[cfg(feature = "s3")]
mod s3;
#[cfg(feature = "object-http")]
mod service;
mod sharded;
mod source;
mod target;
#[cfg(feature = "object-http")]
mod wire;
#[cfg(feature = "object-http")]
mod xml;

#[cfg(feature = "azure")]
pub use azure::Azure;
pub use fs::Fs;
#[cfg(feature = "s3")]
pub use s3::S3;
pub use sharded::{ShardedSource, ShardedTarget};
pub use source::ObjectSource;
pub use target::ObjectTarget;

/// Limits of concurrent work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Flow {
    /// Requests, at least 1. Each has its own thread.
    pub requests: usize,
    /// Bytes of objects in memory. A larger object is transferred alone.
    pub bytes: u64,
}

/// Returns whether the server could have created a key.
pub type Possible = Arc<dyn Fn(&[u8]) -> bool + Send + Sync>;

/// An entry of a list.
#[derive(Debug)]
pub enum ListEntry {
    /// An object with the name of a key.
    Object {
        /// The key.
        key: Vec<u8>,
        /// Its length in bytes.
        size: u64,
        /// A value that changes when the object is written again.
        stamp: u64,
    },
    /// An object with another name; contains that name.
    Foreign(String),
    /// A file that a killed writer of this program has left, with a name that is no key.
    Leftover(String),
    /// A key, or a prefix of keys, that cannot be read.
    Unreadable {
        /// The key or the prefix.
        prefix: Vec<u8>,
        /// Whether `prefix` is a whole key.
        whole: bool,
        /// The reason.
        error: Error,
    },
}

impl ListEntry {
    /// The range of keys that an unreadable prefix covers.
    fn lost(prefix: &[u8]) -> KeyRange {
        if prefix.is_empty() { KeyRange::all() } else { KeyRange::around(prefix) }
    }
}

/// Receives the entries of a list, and returns whether to continue.
pub type Visit<'a> = dyn FnMut(ListEntry) -> Result<ControlFlow<()>> + 'a;

/// A place that stores bytes under names derived from keys. Any method may be called from any thread.
///
/// Errors name the object and the place, and never contain a secret.
pub trait Objects: Send + Sync {
    /// The place, for messages.
    fn place(&self) -> &str;

    /// The name of a key's object, for messages.
    fn name(&self, key: &[u8]) -> String;

    /// Checks that the place exists and can be listed. Changes nothing.
    ///
    /// Errors: usage if it does not exist.
    fn open(&self) -> Result<()>;

    /// Ensures that the place can be listed: a missing directory is created empty, and removed again unless the place
    /// is prepared for writing.
    ///
    /// Errors: I/O if it cannot be created.
    fn begin(&self) -> Result<()> {
        Ok(())
    }

    /// Prepares the place for writing, as the server would.
    fn prepare(&self) -> Result<()>;

    /// Passes every entry to `visit`, in any order.
    fn list(&self, visit: &mut Visit) -> Result<()>;

    /// The listed length in bytes of the object of a key; `None` if it does not exist.
    fn size(&self, key: &[u8]) -> Result<Option<u64>>;

    /// Reads the object of a key, which should have at most `most` bytes; `None` if it does not exist, which is
    /// different from an object that cannot be read.
    ///
    /// Errors: I/O, also for a longer object: memory is not allocated by its stated length.
    fn get(&self, key: &[u8], most: u64) -> Result<Option<Vec<u8>>>;

    /// Writes the object of a key. It is visible at once or after [`publish`](Objects::publish), but never partially.
    fn put(&self, key: &[u8], value: Vec<u8>) -> Result<()>;

    /// Makes the objects that were put durable and visible. Only the keys of `keys` are used, not the values.
    fn publish(&self, _keys: &Page) -> Result<()> {
        Ok(())
    }

    /// Removes the objects that were put and not published, if possible.
    fn discard(&self, _keys: &Page) {}

    /// Deletes the object of a key; a missing one is no error.
    fn delete(&self, key: &[u8]) -> Result<()>;

    /// Deletes a leftover that was listed.
    fn sweep(&self, _leftover: &str) -> Result<()> {
        Ok(())
    }
}
