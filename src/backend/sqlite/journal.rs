//! Predicts which records of a rollback journal SQLite plays back, and which it skips without an error.
//!
//! A journal contains pages as they were before a transaction that did not end. SQLite plays it back up to the first
//! invalid record and takes that for its end. The count in its header is the number of records that the transaction
//! relied on: if there are fewer, the database stays half changed.
//!
//! Format: "Database File Format" of SQLite, section 3.

use std::io::{self, Read, Seek, SeekFrom};

use crate::base::stop::Stop;

const MAGIC: [u8; 8] = [0xd9, 0xd5, 0x05, 0xf9, 0x20, 0xa1, 0x63, 0xd7];
/// Bytes of the header that are in use; it is padded to a sector.
const HEADER: usize = 28;
/// A count that stands for as many records as fit.
const UNCOUNTED: u32 = u32::MAX;

/// What SQLite does with a journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Journal {
    /// The journal is empty.
    Empty,
    /// SQLite does not play it back, for this reason; by its rules the database is valid as it is.
    Finished(&'static str),
    /// It can be played back whole; the size of the database before the transaction, in pages.
    Whole(u32),
    /// It cannot be played back whole, for this reason.
    Damaged(String),
}

/// Reads a journal of `length` bytes.
///
/// Errors: I/O.
pub(super) fn read<R: Read + Seek>(journal: &mut R, length: u64) -> io::Result<Journal> {
    if length == 0 {
        return Ok(Journal::Empty);
    }
    let mut header = [0; HEADER];
    journal.rewind()?;
    let there = usize::try_from(length).unwrap_or(HEADER).min(HEADER);
    journal.read_exact(header.get_mut(..there).unwrap_or_default())?;
    // SQLite writes the magic number last, when the pages are synced and before it changes the database.
    if header[0] == 0 {
        return Ok(Journal::Finished(
            "its header is not there: the transaction had not changed the database yet, or had ended",
        ));
    }
    let [_, _, before, sector, page] = numbers(&header);
    let sizes = sector.is_power_of_two()
        && (32..=65_536).contains(&sector)
        && page.is_power_of_two()
        && (512..=65_536).contains(&page);
    if !header.starts_with(&MAGIC) || !sizes || u64::from(sector) > length {
        return Ok(Journal::Damaged("its header is damaged: SQLite would not play it back".to_string()));
    }
    let mut at = 0;
    // A journal can have several parts, each with a header at the start of a sector.
    while at + u64::from(sector) <= length {
        journal.seek(SeekFrom::Start(at))?;
        journal.read_exact(&mut header)?;
        if !header.starts_with(&MAGIC) {
            break;
        }
        let [records, nonce, ..] = numbers(&header);
        at += u64::from(sector);
        match whole_records(journal, at, page, nonce, records)? {
            found if found < records && records != UNCOUNTED => {
                return Ok(Journal::Damaged(format!(
                    "only {found} of the {records} pages in a part of it are right: SQLite would take the others \
                     for never written"
                )));
            }
            found => at += u64::from(found) * (u64::from(page) + 8),
        }
        at = at.next_multiple_of(u64::from(sector));
        if records == 0 || records == UNCOUNTED {
            break;
        }
    }
    Ok(Journal::Whole(before))
}

/// The number of valid records from `at` on, at most `count`.
fn whole_records<R: Read + Seek>(
    journal: &mut R,
    at: u64,
    page: u32,
    nonce: u32,
    count: u32,
) -> io::Result<u32> {
    journal.seek(SeekFrom::Start(at))?;
    let mut journal = io::BufReader::with_capacity(1 << 20, journal);
    let mut record = vec![0; page as usize + 8];
    for found in 0..count {
        if Stop::of_process().stopped() {
            return Err(io::ErrorKind::Interrupted.into());
        }
        match journal.read_exact(&mut record) {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(found),
            read => read?,
        }
        let (number, rest) = record.split_at(4);
        let (content, sum) = rest.split_at(page as usize);
        // Every 200th byte from the end, without the first one.
        let expect = (1..page as usize)
            .rev()
            .skip(199)
            .step_by(200)
            .filter_map(|at| content.get(at))
            .fold(nonce, |sum, byte| sum.wrapping_add(u32::from(*byte)));
        if word(number) == 0 || word(sum) != expect {
            return Ok(found);
        }
    }
    Ok(count)
}

/// Count, nonce, size of the database before the transaction in pages, bytes of a sector, bytes of a page.
fn numbers(header: &[u8; HEADER]) -> [u32; 5] {
    [8, 12, 16, 20, 24].map(|at| header.get(at..at + 4).map_or(0, word))
}

fn word(bytes: &[u8]) -> u32 {
    bytes.try_into().map_or(0, u32::from_be_bytes)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::io::Cursor;

    use super::*;

    const SECTOR: usize = 512;
    const PAGE: usize = 1024;

    /// A journal of two parts, with three and two pages.
    fn journal() -> Vec<u8> {
        let mut bytes = Vec::new();
        for (nonce, pages) in [(77u32, 3u32), (0xffff_fff0, 2)] {
            bytes.resize(bytes.len().next_multiple_of(SECTOR), 0);
            bytes.extend(MAGIC);
            bytes.extend([pages, nonce, 9, SECTOR as u32, PAGE as u32].map(u32::to_be_bytes).concat());
            bytes.resize(bytes.len().next_multiple_of(SECTOR), 0);
            for page in 1..=pages {
                bytes.extend(page.to_be_bytes());
                bytes.extend([0x80; PAGE]);
                // Bytes 824, 624, 424, 224 and 24.
                bytes.extend(nonce.wrapping_add(5 * 0x80).to_be_bytes());
            }
        }
        bytes
    }

    #[test]
    fn a_journal_is_whole_or_not() {
        let check = |what: &str, change: &dyn Fn(&mut Vec<u8>), expect: &str| {
            let mut bytes = journal();
            change(&mut bytes);
            let found = read(&mut Cursor::new(&bytes), bytes.len() as u64).unwrap();
            let word = match &found {
                Journal::Empty => "empty",
                Journal::Finished(_) => "finished",
                Journal::Whole(before) => {
                    assert_eq!(*before, 9);
                    "whole"
                }
                Journal::Damaged(_) => "damaged",
            };
            assert_eq!(word, expect, "{what}: {found:?}");
        };
        let second = (SECTOR + 3 * (PAGE + 8)).next_multiple_of(SECTOR);
        check("as it is", &|_| {}, "whole");
        check("nothing", &Vec::clear, "empty");
        check("cut in a record", &|b| b.truncate(SECTOR + 2000), "damaged");
        check("cut in a record of its second part", &|b| b.truncate(b.len() - 1), "damaged");
        check("cut in its header", &|b| b.truncate(20), "damaged");
        check("cut after its header", &|b| b.truncate(300), "damaged");
        check("a flipped byte that is summed up", &|b| b[SECTOR + 4 + 24] ^= 1, "damaged");
        check("a page without a number", &|b| b[second + SECTOR..][..4].fill(0), "damaged");
        check("a flipped magic number", &|b| b[3] ^= 1, "damaged");
        check("a part that was not counted yet", &|b| b[second..second + 12].fill(0), "whole");
        check("a header of zeros", &|b| b[..28].fill(0), "finished");
        check("zeros", &|b| b.fill(0), "finished");
    }
}
