//! Determines whether two configurations of an object service lead to one place.
//!
//! Addresses are no evidence: a service has many names. So a small object is written with one configuration, searched
//! for with the other, and removed. Its key is one that no server creates, and always the same: an object left by a
//! killed run is no blob, and the next run overwrites it and removes it.

use std::ops::ControlFlow;

use super::{ListEntry, Objects};
use crate::base::error::{Error, Result};

/// The key of the object.
const KEY: &[u8] = b"stalwart-migrate asks whether this is one bucket";

/// How often it is written again if another run writes or removes it at the same time.
const ATTEMPTS: usize = 5;

/// Limit in bytes of what is read under its name.
const LONGEST: u64 = 1024;

/// Objects that are compared if nothing may be written.
const COMPARED: usize = 200;

/// Whether a key is that of the marker object.
pub(super) fn is_marker(key: &[u8]) -> bool {
    key == KEY
}

/// Whether `other` leads to the same place as `own`, and why the object could not be removed, if so. Writes at `own`
/// only.
///
/// Errors: I/O if the object cannot be written or searched for.
pub fn meet(own: &dyn Objects, other: &dyn Objects, token: u64) -> Result<(bool, Option<Error>)> {
    let content = format!("written by stalwart-migrate, may be deleted: {token:016x}").into_bytes();
    let seen = look(own, other, &content);
    // In any case.
    let left = own.delete(KEY).err();
    Ok((seen?, left))
}

fn look(own: &dyn Objects, other: &dyn Objects, content: &[u8]) -> Result<bool> {
    for _ in 0..ATTEMPTS {
        own.put(KEY, content.to_vec())?;
        if other.get(KEY, LONGEST)?.as_deref() == Some(content) {
            return Ok(true);
        }
        if own.get(KEY, LONGEST)?.as_deref() == Some(content) {
            return Ok(false);
        }
    }
    Err(Error::refused(
        "cannot tell whether two configurations lead to the same objects: what is written is not seen",
    )
    .with("store", own.place())
    .with("other store", other.place())
    .help("make sure that nothing else writes there, then start again"))
}

/// Whether both places list the same objects, as far as they are compared; nothing is written. Two empty places are
/// no evidence.
///
/// Errors: I/O if they cannot be listed.
pub fn list_the_same(one: &dyn Objects, other: &dyn Objects) -> Result<bool> {
    let first = first(one)?;
    Ok(!first.is_empty() && first == self::first(other)?)
}

fn first(objects: &dyn Objects) -> Result<Vec<(Vec<u8>, u64, u64)>> {
    let mut first = Vec::new();
    objects.list(&mut |found| {
        if let ListEntry::Object { key, size, stamp } = found
            && !is_marker(&key)
        {
            first.push((key, size, stamp));
        }
        Ok(if first.len() < COMPARED { ControlFlow::Continue(()) } else { ControlFlow::Break(()) })
    })?;
    Ok(first)
}
