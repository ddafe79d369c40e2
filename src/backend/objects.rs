//! Blob stores that are no databases: a directory of files, an S3 bucket, an Azure container, and several
//! stores that share the blobs.
//!
//! An object is a key and its bytes under a name. [`ObjectSource`] and [`ObjectTarget`] make one table of them,
//! [`ShardedSource`] and [`ShardedTarget`] one table of several. What is listed is what is there: nothing else
//! says which objects exist. How blobs are encoded and which keys are possible is said by the caller.

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

/// How much may be under way at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Flow {
    /// Requests, at least 1. Each has a thread of its own.
    pub requests: usize,
    /// Bytes of objects in memory. A larger object travels alone.
    pub bytes: u64,
}

/// Says of a key whether the server could have made it.
pub type Possible = Arc<dyn Fn(&[u8]) -> bool + Send + Sync>;

/// What listing comes across.
#[derive(Debug)]
pub enum Found {
    /// Something with the name of a key.
    Object {
        /// The key.
        key: Vec<u8>,
        /// Bytes.
        size: u64,
        /// Changes when it is written again.
        stamp: u64,
    },
    /// Something with another name.
    Foreign(String),
    /// What a killed writer of ours has left under the name of no key.
    Leftover(String),
    /// Something that cannot be looked at: one key, or every key that begins so.
    Unreadable {
        /// The key or its beginning.
        prefix: Vec<u8>,
        /// Whether it is the key.
        whole: bool,
        /// Why.
        error: Error,
    },
}

impl Found {
    /// The range of keys behind something unreadable that is more than one key.
    fn lost(prefix: &[u8]) -> KeyRange {
        if prefix.is_empty() { KeyRange::all() } else { KeyRange::around(prefix) }
    }
}

/// What takes what is found, and says when it has seen enough.
pub type Visit<'a> = dyn FnMut(Found) -> Result<ControlFlow<()>> + 'a;

/// A place that keeps bytes under names made of keys. Any method may be called from any thread.
///
/// Errors name the object and the place, and never hold a secret.
pub trait Objects: Send + Sync {
    /// Where it is, for people.
    fn place(&self) -> &str;

    /// The name of a key's object, for people.
    fn name(&self, key: &[u8]) -> String;

    /// Makes sure that it is there and can be listed. Changes nothing.
    ///
    /// Errors: usage if it is not there.
    fn open(&self) -> Result<()>;

    /// Makes sure that it can be listed although it may not be there: an absent directory is there afterwards, empty,
    /// and removed again unless it was made ready for writing.
    ///
    /// Errors: I/O if it cannot be made.
    fn begin(&self) -> Result<()> {
        Ok(())
    }

    /// Makes it ready for writing, as the server would.
    fn prepare(&self) -> Result<()>;

    /// Shows everything to `visit`, in any order.
    fn list(&self, visit: &mut Visit) -> Result<()>;

    /// Bytes of the object of a key, as listed; `None` if it is not there.
    fn size(&self, key: &[u8]) -> Result<Option<u64>>;

    /// The object of a key, of which `most` bytes are expected at most; `None` if it is not there, which is
    /// something else than that it cannot be read.
    ///
    /// Errors: I/O also for an object that is longer: memory is not taken on its word.
    fn get(&self, key: &[u8], most: u64) -> Result<Option<Vec<u8>>>;

    /// Writes the object of a key, to be seen after [`publish`](Objects::publish) or at once, but never half.
    fn put(&self, key: &[u8], value: Vec<u8>) -> Result<()>;

    /// Makes what was put durable and visible. Only the keys of `keys` count.
    fn publish(&self, _keys: &Page) -> Result<()> {
        Ok(())
    }

    /// Takes back what was put and not published, where that is possible.
    fn discard(&self, _keys: &Page) {}

    /// Deletes the object of a key; an absent one is no error.
    fn delete(&self, key: &[u8]) -> Result<()>;

    /// Deletes a leftover that listing has shown.
    fn sweep(&self, _leftover: &str) -> Result<()> {
        Ok(())
    }
}
