//! Blob keys that are no hash of the content by design although they look like one: each is the hash of a text
//! that names an object.
//!
//! The catalog defines which records are such objects. Reads only these records.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::backend::{KeyRange, Pages};
use crate::base::error::Result;
use crate::base::page::Page;
use crate::catalog::{SchemaVersion, Subspace};

/// Keys kept at most; a server has a handful of such objects. Blobs beyond are reported as mismatches, which
/// loses nothing.
const MOST: usize = 100_000;

/// Bytes of records read at once.
const PAGE: usize = 1 << 16;

/// The derived keys of the blobs in a store or a dump.
#[derive(Debug, Clone, Default)]
pub struct DerivedBlobKeys(Arc<BTreeSet<[u8; 32]>>);

impl DerivedBlobKeys {
    /// Reads the objects whose blobs have such keys; `read` opens a range of a subspace; `None` if the subspace is
    /// missing.
    ///
    /// Errors: those of reading.
    pub fn read<'a>(
        version: &'static SchemaVersion,
        read: impl Fn(&'static Subspace, &KeyRange) -> Result<Option<Box<dyn Pages + Send + 'a>>>,
    ) -> Result<Self> {
        let mut keys = BTreeSet::new();
        for derived in version.derived_keys() {
            let Some(subspace) = version.subspace(derived.of.letter) else { continue };
            let Some(mut pages) = read(subspace, &KeyRange::around(derived.start))? else { continue };
            let mut page = Page::new();
            while keys.len() < MOST && pages.next(&mut page, PAGE)? {
                for (key, _) in page.iter().filter(|(key, _)| key.starts_with(derived.start)) {
                    // A key of another layout names no such object.
                    let of = subspace.layout(key).is_ok_and(|found| derived.of.is(found));
                    if let Some(text) = of.then(|| derived.preimage(key)).flatten() {
                        keys.insert(*blake3::hash(text.as_bytes()).as_bytes());
                    }
                }
                // Pages of a dump go on to the end of the subspace, whatever the range.
                if page.last().is_some_and(|(key, _)| !key.starts_with(derived.start) && key > derived.start)
                {
                    break;
                }
            }
        }
        Ok(DerivedBlobKeys(Arc::new(keys)))
    }

    /// The keys, ascending.
    pub fn keys(&self) -> impl Iterator<Item = &[u8; 32]> {
        self.0.iter()
    }

    /// The same and more keys.
    pub fn with(self, more: impl IntoIterator<Item = [u8; 32]>) -> Self {
        let mut keys = Arc::unwrap_or_clone(self.0);
        keys.extend(more);
        DerivedBlobKeys(Arc::new(keys))
    }

    /// Whether this is a derived key, so that the content of its blob does not hash to it.
    pub fn contains(&self, key: &[u8]) -> bool {
        <&[u8; 32]>::try_from(key).is_ok_and(|key| self.0.contains(key))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::backend::memory::Memory;
    use crate::backend::{Source, Target};
    use crate::catalog::{self, BackendKind};

    #[test]
    fn the_key_of_a_bundle_is_the_hash_of_its_objects_id() {
        let version = catalog::version(6).unwrap();
        let memory = Memory::new(BackendKind::RocksDb);
        let rule = version.derived_keys().next().unwrap();
        let subspace = version.subspace(rule.of.letter).unwrap();
        let table = subspace.table(BackendKind::RocksDb).unwrap();
        let mut page = Page::new();
        // An object of the type before, one of the type with id 1, and one of the type after it.
        page.push(&[0, 10, 0, 0, 0, 0, 0, 0, 0, 1], b"");
        page.push(&[0, 11, 0, 0, 0, 0, 0, 0, 0, 1], b"");
        page.push(&[0, 12, 0, 0, 0, 0, 0, 0, 0, 2], b"");
        let mut shard = memory.shard(table).unwrap();
        shard.write(&page).unwrap();
        shard.commit().unwrap();
        let keys = DerivedBlobKeys::read(version, |subspace, range| {
            Ok(Some(memory.scan(subspace.table(BackendKind::RocksDb).unwrap(), range)?))
        });
        let keys = keys.unwrap();
        // source: blob-store facts, "STALWART_APP_1"
        let expect =
            crate::base::hex::unhex("d42a86358bc35dc31f76598d78dc7fe2c7d9e3d14332a262539b22d0d2673e8f");
        assert_eq!(keys.0.iter().map(|key| key.to_vec()).collect::<Vec<_>>(), [expect.unwrap()]);
        assert!(keys.contains(keys.0.first().unwrap()) && !keys.contains(&[0; 32]) && !keys.contains(b""));
    }
}
