//! The blob audit: which blobs are linked, which are not, and which links name a blob that is missing.
//!
//! Links and blobs come in key order, so both sides are lists of ascending hashes, kept in unnamed temporary
//! files and merged at the end: memory does not grow with their number. Knows of subspaces
//! only which hashes their keys tell.

use std::cmp::Ordering;
use std::fs::File;
use std::io::{BufReader, BufWriter, Read, Seek, Write};
use std::path::Path;

use crate::catalog::Subspace;
use crate::error::{Error, Result};
use crate::stop::Stop;

/// A BLAKE3 hash that names a blob.
pub type Hash = [u8; 32];

/// Ascending hashes in a temporary file that disappears with the list.
pub struct HashList {
    file: BufWriter<File>,
    last: Option<Hash>,
    count: u64,
}

/// How the two sides match.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Audit {
    /// Blobs that a link names.
    pub linked: u64,
    /// Blobs that no link names.
    pub unlinked: u64,
    /// Hashes that a link names and no blob has.
    pub missing: u64,
}

impl HashList {
    /// An empty list whose file lives in `dir`.
    pub fn create(dir: &Path) -> Result<Self> {
        let file = tempfile::tempfile_in(dir)
            .map_err(|error| failed(error).with("directory", dir.display().to_string()))?;
        Ok(HashList { file: BufWriter::new(file), last: None, count: 0 })
    }

    /// An empty list for the keys of a subspace; `None` if they tell nothing of blobs.
    pub fn of(subspace: &Subspace, dir: &Path) -> Result<Option<Self>> {
        subspace.tells_blob_hashes().then(|| HashList::create(dir)).transpose()
    }

    /// Adds the hash in a key of `subspace`, if there is one; as for [`push`](HashList::push).
    pub fn push_key(&mut self, subspace: &Subspace, key: &[u8]) -> Result<()> {
        subspace.blob_hash(key).map_or(Ok(()), |hash| self.push(hash))
    }

    /// Adds a hash that is not smaller than the one before; a repeated one counts once.
    pub fn push(&mut self, hash: &Hash) -> Result<()> {
        if self.last.as_ref() == Some(hash) {
            return Ok(());
        }
        self.last = Some(*hash);
        self.count += 1;
        self.file.write_all(hash).map_err(failed)
    }

    fn into_reader(self) -> Result<BufReader<File>> {
        let mut file = self.file.into_inner().map_err(|error| failed(error.into_error()))?;
        file.rewind().map_err(failed)?;
        Ok(BufReader::new(file))
    }
}

/// Compares the hashes that links name with those that blobs have.
pub fn compare(
    links: HashList,
    blobs: HashList,
    mut missing: impl FnMut(&Hash),
    mut unlinked: impl FnMut(&Hash),
) -> Result<Audit> {
    let (mut links, mut blobs) = (links.into_reader()?, blobs.into_reader()?);
    let (mut link, mut blob) = (next(&mut links)?, next(&mut blobs)?);
    let mut audit = Audit::default();
    loop {
        Stop::of_process().check()?;
        let order = match (&link, &blob) {
            (None, None) => return Ok(audit),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some(link), Some(blob)) => link.cmp(blob),
        };
        match (order, &link, &blob) {
            (Ordering::Less, Some(hash), _) => {
                audit.missing += 1;
                missing(hash);
            }
            (Ordering::Greater, _, Some(hash)) => {
                audit.unlinked += 1;
                unlinked(hash);
            }
            _ => audit.linked += 1,
        }
        if order != Ordering::Greater {
            link = next(&mut links)?;
        }
        if order != Ordering::Less {
            blob = next(&mut blobs)?;
        }
    }
}

fn next(list: &mut BufReader<File>) -> Result<Option<Hash>> {
    let mut hash = [0; 32];
    match list.read_exact(&mut hash) {
        Ok(()) => Ok(Some(hash)),
        // Lists hold whole hashes, so this is their end.
        Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => Ok(None),
        Err(error) => Err(failed(error)),
    }
}

fn failed(error: std::io::Error) -> Error {
    Error::io("cannot keep the temporary list of blob hashes")
        .because(error)
        .next("free some space and try again")
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn list(numbers: &[u8]) -> HashList {
        let mut list = HashList::create(&std::env::temp_dir()).unwrap();
        numbers.iter().for_each(|n| list.push(&[*n; 32]).unwrap());
        list
    }

    #[test]
    fn links_and_blobs_are_matched_once_each() {
        let check = |links: &[u8], blobs: &[u8], expected: (u64, u64, u64), expect_missing: &[u8]| {
            let mut missing = Vec::new();
            let audit = compare(list(links), list(blobs), |hash| missing.push(hash[0]), |_| ()).unwrap();
            assert_eq!((audit.linked, audit.unlinked, audit.missing), expected);
            assert_eq!(missing, expect_missing);
        };
        check(&[], &[], (0, 0, 0), &[]);
        check(&[1, 1, 2, 3], &[1, 2, 3], (3, 0, 0), &[]);
        check(&[1, 4, 4], &[2, 4, 9], (1, 2, 1), &[1]);
        check(&[5, 6], &[], (0, 0, 2), &[5, 6]);
        check(&[], &[7], (0, 1, 0), &[]);
    }
}
