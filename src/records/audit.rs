//! The blob audit: which blobs are linked, which are not, and which links name a blob that is missing.
//!
//! A link that is written before its blob is used proves no loss: mail that was being accepted has one, and the
//! bundle of a web application, which the server loads again. A hash without any other link is reported by itself.
//! Links and blobs come in key order, so both sides are lists of ascending hashes, kept in unnamed temporary files
//! and merged at the end: memory does not grow with their number. Depends on subspaces only for the hashes in their
//! keys.

use std::cmp::Ordering;
use std::fs::File;
use std::io::{BufReader, BufWriter, Read, Seek, Write};
use std::path::Path;

use crate::base::error::{Error, Result};
use crate::base::finding::{FindingKind, Findings};
use crate::base::stop::Stop;
use crate::catalog::{BlobUse, Subspace, ValueKind};

/// A BLAKE3 hash that names a blob.
pub type Hash = [u8; 32];

/// Ascending hashes in a temporary file that disappears with the list.
pub struct HashList {
    file: BufWriter<File>,
    // Not written yet: another link may name it.
    last: Option<LinkedHash>,
}

/// A hash and the most that its links do with the blob.
#[derive(Debug, Clone, Copy)]
struct LinkedHash {
    hash: Hash,
    used: BlobUse,
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
    /// The same, where every link is a provisional one.
    pub provisional: u64,
}

/// Result of the comparison for a hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LinkState {
    /// A link names it, no blob has it.
    Missing,
    /// Provisional links alone name it, no blob has it.
    ProvisionalMissing,
    /// A blob has it, and provisional links alone name it.
    ProvisionalThere,
    /// A blob has it, no link names it.
    Unlinked,
}

impl HashList {
    /// An empty list whose file lives in `dir`.
    pub fn create(dir: &Path) -> Result<Self> {
        let file = crate::base::dir::unnamed(dir)
            .map_err(|error| failed(error).with("directory", dir.display().to_string()))?;
        Ok(HashList { file: BufWriter::new(file), last: None })
    }

    /// An empty list for the keys of a subspace; `None` if they contain no hashes of blobs.
    pub fn of(subspace: &Subspace, dir: &Path) -> Result<Option<Self>> {
        subspace.has_blob_hashes().then(|| HashList::create(dir)).transpose()
    }

    /// Adds the hash in a record of `subspace`, if there is one; as for [`push`](HashList::push).
    pub fn push_record(&mut self, subspace: &Subspace, key: &[u8], value: &[u8]) -> Result<()> {
        subspace.blob_use(key, value).map_or(Ok(()), |(hash, used)| self.push(hash, used))
    }

    /// Adds a hash that is not smaller than the one before; a repeated one counts once.
    pub fn push(&mut self, hash: &Hash, used: BlobUse) -> Result<()> {
        match &mut self.last {
            Some(last) if last.hash == *hash => {
                last.used = used.max(last.used);
                Ok(())
            }
            last => match last.replace(LinkedHash { hash: *hash, used }) {
                Some(before) => self.write(before),
                None => Ok(()),
            },
        }
    }

    fn write(&mut self, entry: LinkedHash) -> Result<()> {
        let used = [u8::from(entry.used == BlobUse::Provisional)];
        self.file.write_all(&entry.hash).and_then(|()| self.file.write_all(&used)).map_err(failed)
    }

    fn into_reader(mut self) -> Result<BufReader<File>> {
        if let Some(last) = self.last.take() {
            self.write(last)?;
        }
        let mut file = self.file.into_inner().map_err(|error| failed(error.into_error()))?;
        file.rewind().map_err(failed)?;
        Ok(BufReader::new(file))
    }
}

/// Explanation for a blob that only provisional links name.
const PROVISIONAL: &str = "only a link names it that is written before a blob is used, so it belongs to nothing: the bundle of \
                           a web application, which the server loads again, or mail that was being accepted";

/// The two sides of an audit, put together as subspaces are read.
#[derive(Default)]
pub struct Sides {
    links: Option<(&'static Subspace, HashList)>,
    blobs: Option<(&'static Subspace, HashList)>,
}

impl Sides {
    /// Adds the hashes in the keys of a subspace, if there are any. A schema version has one subspace of each side.
    pub fn add(&mut self, subspace: &'static Subspace, hashes: Option<HashList>) {
        let Some(hashes) = hashes else { return };
        let side = if subspace.value == ValueKind::Blob { &mut self.blobs } else { &mut self.links };
        *side = Some((subspace, hashes));
    }

    /// Whether the hashes of blobs were added.
    pub fn has_blobs(&self) -> bool {
        self.blobs.is_some()
    }

    /// Whether links were added, but no hashes of blobs.
    pub fn lack_blobs(&self) -> bool {
        self.links.is_some() && self.blobs.is_none()
    }

    /// Compares the sides and adds to `findings`, which contains the findings from reading the blobs; `None` if a
    /// side is missing.
    ///
    /// Errors: I/O, interrupted.
    pub fn audit(self, findings: &mut Findings) -> Result<Option<Audit>> {
        let (Some((link, links)), Some((blob, blobs))) = (self.links, self.blobs) else { return Ok(None) };
        let (mut missing, mut provisional, mut unlinked) =
            (Findings::new(), Findings::new(), Findings::new());
        let audit = compare(links, blobs, |found, hash| match found {
            LinkState::Missing => missing.add(FindingKind::BlobMissing, link.letter, hash, || {
                format!("{} names this blob, {} does not have it", link.name, blob.name)
            }),
            LinkState::Unlinked => unlinked.add(FindingKind::BlobUnlinked, blob.letter, hash, || {
                format!("{} does not name this blob", link.name)
            }),
            LinkState::ProvisionalMissing => {
                provisional.add(FindingKind::BlobProvisional, link.letter, hash, || {
                    format!("{} does not have this blob: {PROVISIONAL}", blob.name)
                })
            }
            // Reported only if the content does not match the key.
            LinkState::ProvisionalThere if findings.retract(FindingKind::BlobMismatch, hash) => {
                provisional.add(FindingKind::BlobProvisional, blob.letter, hash, || {
                    format!("the content does not hash to the key: {PROVISIONAL}")
                });
            }
            LinkState::ProvisionalThere => {}
        })?;
        for found in [missing, provisional, unlinked] {
            findings.merge(found);
        }
        Ok(Some(audit))
    }
}

/// Compares the hashes that links name with those that blobs have.
pub fn compare(links: HashList, blobs: HashList, mut report: impl FnMut(LinkState, &Hash)) -> Result<Audit> {
    let (mut links, mut blobs) = (links.into_reader()?, blobs.into_reader()?);
    let (mut link, mut blob) = (next(&mut links)?, next(&mut blobs)?);
    let mut audit = Audit::default();
    loop {
        Stop::of_process().check()?;
        let order = match (&link, &blob) {
            (None, None) => return Ok(audit),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some((link, _)), Some((blob, _))) => link.cmp(blob),
        };
        match (order, &link, &blob) {
            (Ordering::Less, Some((hash, true)), _) => {
                audit.provisional += 1;
                report(LinkState::ProvisionalMissing, hash);
            }
            (Ordering::Less, Some((hash, false)), _) => {
                audit.missing += 1;
                report(LinkState::Missing, hash);
            }
            (Ordering::Greater, _, Some((hash, _))) => {
                audit.unlinked += 1;
                report(LinkState::Unlinked, hash);
            }
            (_, Some((hash, true)), _) => {
                audit.linked += 1;
                report(LinkState::ProvisionalThere, hash);
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

/// The next hash, and whether provisional links alone name it.
fn next(list: &mut BufReader<File>) -> Result<Option<(Hash, bool)>> {
    let (mut hash, mut provisional) = ([0; 32], [0]);
    match list.read_exact(&mut hash).and_then(|()| list.read_exact(&mut provisional)) {
        Ok(()) => Ok(Some((hash, provisional != [0]))),
        // Lists contain whole entries, so this is the end.
        Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => Ok(None),
        Err(error) => Err(failed(error)),
    }
}

fn failed(error: std::io::Error) -> Error {
    Error::io("cannot keep the temporary list of blob hashes")
        .because(error)
        .help("free some space and try again")
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn list(numbers: &[u8]) -> HashList {
        links(&numbers.iter().map(|n| (*n, BlobUse::Used)).collect::<Vec<_>>())
    }

    fn links(links: &[(u8, BlobUse)]) -> HashList {
        let mut list = HashList::create(&std::env::temp_dir()).unwrap();
        links.iter().for_each(|(n, used)| list.push(&[*n; 32], *used).unwrap());
        list
    }

    #[test]
    fn a_hash_with_provisional_links_alone_is_reported_by_itself() {
        use BlobUse::{Provisional, Stored, Used};
        use LinkState::{Missing, ProvisionalMissing, ProvisionalThere};
        let check = |used: &[BlobUse], expect: [Option<LinkState>; 2]| {
            let named: Vec<(u8, BlobUse)> = used.iter().map(|used| (7, *used)).collect();
            for (blobs, expect) in [(&[][..], expect[0]), (&[7][..], expect[1])] {
                let mut found = None;
                compare(links(&named), list(blobs), |state, _| found = Some(state)).unwrap();
                assert_eq!(found, expect, "{used:?} {blobs:?}");
            }
        };
        check(&[Stored, Provisional], [Some(ProvisionalMissing), Some(ProvisionalThere)]);
        check(&[Provisional], [Some(ProvisionalMissing), Some(ProvisionalThere)]);
        check(&[Stored, Provisional, Provisional], [Some(ProvisionalMissing), Some(ProvisionalThere)]);
        // A link that only records that a blob was stored still names it: without the blob, it is missing.
        check(&[Stored], [Some(Missing), None]);
        check(&[Stored, Used, Provisional], [Some(Missing), None]);
        check(&[Used], [Some(Missing), None]);
    }

    #[test]
    fn links_and_blobs_are_matched_once_each() {
        let check = |links: &[u8], blobs: &[u8], expected: (u64, u64, u64), expect_missing: &[u8]| {
            let mut missing = Vec::new();
            let report = |found, hash: &Hash| {
                if found == LinkState::Missing {
                    missing.push(hash[0]);
                }
            };
            let audit = compare(list(links), list(blobs), report).unwrap();
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
