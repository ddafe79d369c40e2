//! What RocksDB passes over in its write-ahead logs without a word.
//!
//! RocksDB checks every record it replays. It takes a record that is not whole at the end of a log for one that a
//! killed server was writing, and zeros for room that was never written. The first is right and worth saying; zeros
//! with records behind them are a hole, whose records are gone. Reads the frames of records and not what they hold;
//! RocksDB has compared their checksums before.
//!
//! Format: "Write Ahead Log File Format" in RocksDB's wiki; `db/log_reader.cc` of RocksDB 10.4 for what is passed
//! over.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::Path;

use crate::error::{Error, Result};
use crate::stop::Stop;

/// Bytes of a block; no part of a record crosses its end.
const BLOCK: usize = 32 << 10;
/// Bytes of the head of a part: checksum, length, type.
const HEAD: usize = 7;
/// Types of parts: a whole record, its first part, one in the middle, its last one; again for logs that are used
/// again, whose heads are four bytes longer.
const PARTS: [[u8; 4]; 2] = [[1, 2, 3, 4], [5, 6, 7, 8]];

/// How a log ends.
#[derive(Debug, Default, PartialEq, Eq)]
struct End {
    // Bytes of its end that make no whole record.
    ignored: u64,
    // Where zeros begin that have records behind them.
    hole: Option<u64>,
}

/// What was passed over in the logs of the database in `path`.
#[derive(Debug, Default)]
pub(super) struct PassedOver {
    /// Ends that were left out as they should be, a sentence each.
    pub ends: Vec<String>,
    /// Records that are gone, a clause for each log.
    pub holes: Vec<String>,
    /// What is wrong with the list of the database's files, a clause. Files that its missing end names are not read.
    pub list: Option<String>,
}

/// Reads every log of the database in the directory `path`.
///
/// Errors: I/O, and interrupted.
pub(super) fn passed_over(path: &Path) -> Result<PassedOver> {
    let fail = |error: io::Error| {
        Error::io("cannot read a write-ahead log of the RocksDB database")
            .with("path", path.display().to_string())
            .because(error)
            .next("run as a user who may read it")
    };
    let mut names = Vec::new();
    for entry in std::fs::read_dir(path).map_err(fail)? {
        let name = entry.map_err(fail)?.file_name();
        if Path::new(&name).extension().is_some_and(|extension| extension == "log") {
            names.push(name);
        }
    }
    names.sort();
    let mut found = PassedOver { list: list(path).map_err(fail)?, ..PassedOver::default() };
    if names.is_empty() {
        // A restored backup may have none; a copy that has left it out looks the same.
        found.ends.push(
            "the database has no write-ahead log, which a server always leaves: if it was not copied along, what was \
             not in a table file yet is missing"
                .to_string(),
        );
    }
    for name in names {
        let file = File::open(path.join(&name)).map_err(fail)?;
        let end = read(file).map_err(fail)?;
        Stop::of_process().check()?;
        let name = name.display();
        if let Some(hole) = end.hole {
            found.holes.push(format!(
                "{name} holds nothing but zeros from byte {hole} on, and records again behind"
            ));
        }
        if end.ignored > 0 {
            found.ends.push(format!(
                "{} bytes at the end of the write-ahead log {name} are left out: they belong to a record that was not \
                 written whole",
                end.ignored
            ));
        }
    }
    Ok(found)
}

/// What is wrong with the list of files that `CURRENT` names, which has the form of a log. RocksDB brings each of its
/// records to the disk, and takes one that is not whole for its end.
fn list(path: &Path) -> io::Result<Option<String>> {
    let mut name = String::new();
    File::open(path.join("CURRENT"))?.take(256).read_to_string(&mut name)?;
    let name = name.trim_end();
    let end = read(File::open(path.join(name))?)?;
    Ok((end.ignored > 0 || end.hole.is_some())
        .then(|| format!("{name} ends in {} bytes that make no whole record", end.ignored)))
}

fn read(file: impl Read) -> io::Result<End> {
    let mut file = BufReader::with_capacity(1 << 20, file);
    let mut block = vec![0; BLOCK];
    let (mut end, mut base, mut whole_until, mut zeros_from, mut written) =
        (End::default(), 0u64, 0, None, 0);
    loop {
        let length = fill(&mut file, &mut block)?;
        let bytes = block.get(..length).unwrap_or_default();
        if let Some(last) = bytes.iter().rposition(|byte| *byte != 0) {
            written = base + last as u64 + 1;
        }
        let mut at = 0;
        while let Some([_, _, _, _, low, high, kind]) = bytes.get(at..at + HEAD) {
            let payload = usize::from(u16::from_le_bytes([*low, *high]));
            if *kind == 0 && payload == 0 {
                zeros_from.get_or_insert(base + at as u64);
                break;
            }
            if end.hole.is_none() {
                end.hole = zeros_from;
            }
            let again = PARTS[1].contains(kind);
            let next = at + HEAD + if again { 4 } else { 0 } + payload;
            if next > bytes.len() {
                break;
            }
            let [whole, .., last] = PARTS[usize::from(again)];
            // What is no part of a record says something of the log, and stands alone.
            let known = PARTS.iter().flatten().any(|part| part == kind);
            if *kind == whole || *kind == last || !known {
                whole_until = base + next as u64;
            }
            at = next;
        }
        base += length as u64;
        if length < BLOCK || Stop::of_process().stopped() {
            break;
        }
    }
    // The rest of a block that is too short for a head holds zeros, as does room that was never written.
    end.ignored = written.saturating_sub(whole_until);
    Ok(end)
}

/// Reads a block, or what is left of the file.
fn fill(file: &mut impl Read, block: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while let Some(rest) = block.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match file.read(rest)? {
            0 => break,
            read => filled += read,
        }
    }
    Ok(filled)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    /// A log of records of these lengths, cut into parts as RocksDB cuts them.
    fn log(records: &[usize]) -> Vec<u8> {
        let mut bytes = Vec::new();
        for length in records {
            let (mut left, mut first) = (*length, true);
            loop {
                let room = BLOCK - bytes.len() % BLOCK;
                if room < HEAD {
                    bytes.resize(bytes.len() + room, 0);
                    continue;
                }
                let part = left.min(room - HEAD);
                let kind = match (first, part == left) {
                    (true, true) => 1,
                    (true, false) => 2,
                    (false, false) => 3,
                    (false, true) => 4,
                };
                bytes.extend([7, 7, 7, 7]);
                bytes.extend(u16::try_from(part).unwrap().to_le_bytes());
                bytes.push(kind);
                bytes.resize(bytes.len() + part, 0xab);
                (left, first) = (left - part, false);
                if left == 0 {
                    break;
                }
            }
        }
        bytes
    }

    #[test]
    fn an_end_that_was_not_written_is_told_from_a_hole() {
        let check = |what: &str, change: &dyn Fn(&mut Vec<u8>), ignored: u64, hole: Option<u64>| {
            let mut bytes = log(&[100, 40_000, 200, 90_000, 300]);
            change(&mut bytes);
            assert_eq!(read(bytes.as_slice()).unwrap(), End { ignored, hole }, "{what}");
        };
        let length = log(&[100, 40_000, 200, 90_000]).len();
        let before = log(&[100, 40_000, 200]).len();
        check("whole", &|_| {}, 0, None);
        check("empty", &Vec::clear, 0, None);
        check("room for more", &|b| b.resize(b.len() + 100_000, 0), 0, None);
        check("cut in a record", &|b| b.truncate(length + 50), 50, None);
        check("cut in a head", &|b| b.truncate(length + 5), 5, None);
        check("cut between records", &|b| b.truncate(length), 0, None);
        check("cut in a later part", &|b| b.truncate(length - 9), (length - 9 - before) as u64, None);
        let third = 2 * BLOCK;
        check("a block of zeros", &|b| b[third..third + BLOCK].fill(0), 0, Some(third as u64));
        let zeros = |b: &mut Vec<u8>| b[third..].fill(0);
        check("zeros to the end", &zeros, (third - before) as u64, None);
    }
}
