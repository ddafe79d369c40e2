//! Finds what RocksDB skips in its write-ahead logs and its list of files without an error.
//!
//! RocksDB checks every record that it replays. It treats an incomplete record at the end of a log as one that a
//! killed server was writing, and zeros as space that was never written. The first is correct and is reported as a
//! note; zeros that records follow are a hole, whose records are lost. This module reads the frames of records and,
//! of their content, only which entries they have; RocksDB has verified their checksums before.
//!
//! Format: "Write Ahead Log File Format" in RocksDB's wiki; `db/log_reader.cc` of RocksDB 10.4 for what it skips.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::Path;

use super::list::{self, FileList, ListFault, LogFile};
use crate::base::error::{Error, Result};
use crate::base::stop::Stop;

/// Bytes of a block; no part of a record crosses its end.
const BLOCK: usize = 32 << 10;
/// Bytes of the header of a part: checksum, length, type.
const HEAD: usize = 7;
/// Types of parts: whole record, first, middle and last part; then the same for recycled logs, whose headers are four
/// bytes longer.
const PARTS: [[u8; 4]; 2] = [[1, 2, 3, 4], [5, 6, 7, 8]];

/// The state of the end of a log.
#[derive(Debug, Default, PartialEq, Eq)]
struct LogEnd {
    // Bytes at the end that make no whole record.
    ignored: u64,
    // Offset of zeros that records follow.
    hole: Option<u64>,
}

/// What RocksDB skips in one database.
#[derive(Debug, Default)]
pub(super) struct PassedOver {
    /// Notes on content that is skipped correctly, one sentence each.
    pub ends: Vec<String>,
    /// Content that is missing.
    pub damage: Vec<Damage>,
}

/// Missing content without which RocksDB opens a database nevertheless.
#[derive(Debug)]
pub(super) struct Damage {
    /// What is damaged, as a message.
    pub what: &'static str,
    /// The evidence.
    pub why: String,
    /// The consequence for what is read, as a sentence.
    pub lost: String,
}

/// Reads every log of the database in the directory `path`, which messages call `shown`, and compares the files there
/// with its list of files.
///
/// Errors: I/O, and interrupted.
pub(super) fn passed_over(path: &Path, shown: &Path) -> Result<PassedOver> {
    let fail = |error: io::Error| {
        Error::io("cannot read a write-ahead log of the RocksDB database")
            .with("path", shown.display().to_string())
            .because(error)
            .help("run as a user who may read it")
    };
    // Before the list is read: a log that is missing now was not there when the list was written either.
    let mut names = Vec::new();
    for entry in std::fs::read_dir(path).map_err(fail)? {
        names.push(entry.map_err(fail)?.file_name().to_string_lossy().into_owned());
    }
    names.sort();
    let mut found = PassedOver::default();
    let list = list(path, &mut found).map_err(fail)?;
    let mut logs = Vec::new();
    for name in names.iter().filter(|name| name.ends_with(".log")) {
        let file = File::open(path.join(name)).map_err(fail)?;
        let mut entries: Option<(u64, u64)> = None;
        let end = read(file, BATCH, &mut |record| {
            if let Some((first, next)) = batch(record) {
                entries = Some((entries.map_or(first, |(first, _)| first), next));
            }
        });
        let end = end.map_err(fail)?;
        Stop::of_process().check()?;
        if let Some(number) = number(name, "log") {
            logs.push(LogFile { number, entries });
        }
        if let Some(hole) = end.hole {
            let why = format!("{name} holds nothing but zeros from byte {hole} on, and records again behind");
            found.damage.push(Damage {
                what: "a write-ahead log of the RocksDB database is damaged",
                lost: format!(
                    "the write-ahead log {why}: records are missing, and others may be as they were earlier"
                ),
                why,
            });
        }
        if end.ignored > 0 {
            found.ends.push(format!(
                "{} bytes at the end of the write-ahead log {name} are left out: they belong to a record that was not \
                 written whole",
                end.ignored
            ));
        }
    }
    logs.sort_by_key(|log| log.number);
    compare(path, &list, &names, &logs, &mut found).map_err(fail)?;
    Ok(found)
}

/// Compares the list of files with the files in the directory.
fn compare(
    path: &Path,
    list: &FileList,
    names: &[String],
    logs: &[LogFile],
    found: &mut PassedOver,
) -> io::Result<()> {
    if !logs.iter().any(|log| log.number >= list.min_log()) {
        // A restored backup may have none; a copy without its logs looks the same.
        found.ends.push(
            "the database has no write-ahead log, which a server always leaves: if it was not copied along, what was \
             not in a table file yet is missing"
                .to_string(),
        );
    }
    let options =
        names.iter().filter_map(|name| Some((name.strip_prefix("OPTIONS-")?.parse::<u64>().ok()?, name)));
    let families = match options.max() {
        Some((_, name)) => {
            let mut text = Vec::new();
            File::open(path.join(name))?.take(MOST).read_to_end(&mut text)?;
            list::families(&String::from_utf8_lossy(&text))
        }
        None => Vec::new(),
    };
    for wrong in list.contradicted(logs, &families) {
        found.damage.push(match wrong {
            ListFault::FileList(why) => Damage {
                what: "the list of files of the RocksDB database is damaged",
                lost: format!(
                    "the list of files has lost its end ({why}): what it does not name any more is missing"
                ),
                why,
            },
            ListFault::LogFile(why) => Damage {
                what: "the RocksDB database is damaged: a write-ahead log is missing, or the end of its list of files",
                lost: format!("{why}: records are missing, and others may be as they were earlier"),
                why,
            },
        });
    }
    let mut unnamed = (0u64, 0u64);
    for name in names {
        let file = ["sst", "blob"].iter().find_map(|kind| number(name, kind));
        if list.is_known() && file.is_some_and(|file| !list.names(file)) {
            // If the file is gone by now, it does not matter.
            let size = std::fs::metadata(path.join(name)).map_or(0, |meta| meta.len());
            unnamed = (unnamed.0 + 1, unnamed.1 + size);
        }
    }
    if let (files @ 1.., bytes) = unnamed {
        found.ends.push(format!(
            "{files} table or blob files with {bytes} bytes are left out: the database does not name them, as after a \
             server was killed while it wrote them"
        ));
    }
    Ok(())
}

/// Limit in bytes of what is read of an options file.
const MOST: u64 = 64 << 20;

/// The number of a file whose name is only that and this extension.
fn number(name: &str, ending: &str) -> Option<u64> {
    name.strip_suffix(ending)?.strip_suffix('.')?.parse().ok()
}

/// Bytes at the start of a record that contain the sequence number of its first entry and the number of entries.
const BATCH: usize = 12;

/// The sequence number of the first entry of a record, and the one after its last entry; `None` without entries.
fn batch(record: &[u8]) -> Option<(u64, u64)> {
    let (first, count) = record.get(..BATCH)?.split_first_chunk::<8>()?;
    let count = u32::from_le_bytes(count.try_into().ok()?);
    let first = u64::from_le_bytes(*first);
    (count > 0).then_some((first, first.saturating_add(count.into())))
}

/// Reads the list of files that `CURRENT` names, which has the format of a log. RocksDB syncs each of its records,
/// and takes an incomplete one for its end.
fn list(path: &Path, found: &mut PassedOver) -> io::Result<FileList> {
    let mut name = String::new();
    File::open(path.join("CURRENT"))?.take(256).read_to_string(&mut name)?;
    let name = name.trim_end();
    let mut list = FileList::new(name.strip_prefix("MANIFEST-").and_then(|n| n.parse().ok()).unwrap_or(0));
    let end = read(File::open(path.join(name))?, usize::MAX, &mut |record| list.add(record))?;
    if end.ignored > 0 || end.hole.is_some() {
        let why = format!("{name} ends in {} bytes that make no whole record", end.ignored);
        found.damage.push(Damage {
            what: "the list of files of the RocksDB database is damaged",
            lost: format!(
                "the list of files {why}: what is in files that it does not name any more is missing"
            ),
            why,
        });
    }
    if !list.is_known() {
        found.ends.push(format!(
            "{name} has records of a form that this program does not know: whether files or logs are missing that it \
             does not name is not looked at"
        ));
    }
    Ok(list)
}

/// Reads a log, and passes at most the first `most` bytes of each record to `each`.
fn read(file: impl Read, most: usize, each: &mut dyn FnMut(&[u8])) -> io::Result<LogEnd> {
    let mut file = BufReader::with_capacity(1 << 20, file);
    let mut block = vec![0; BLOCK];
    let mut record = Vec::new();
    let (mut end, mut base, mut whole_until, mut zeros_from, mut written) =
        (LogEnd::default(), 0u64, 0, None, 0);
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
            let Some(part) = bytes.get(next - payload..next) else { break };
            let [whole, first, _, last] = PARTS[usize::from(again)];
            // A part of an unknown type belongs to no record: it describes the log and stands alone.
            let known = PARTS.iter().flatten().any(|part| part == kind);
            if *kind == whole || *kind == last || !known {
                whole_until = base + next as u64;
            }
            if *kind == whole || *kind == first {
                record.clear();
            }
            if known {
                let room = most.saturating_sub(record.len());
                record.extend_from_slice(part.get(..room).unwrap_or(part));
            }
            if *kind == whole || *kind == last {
                each(&record);
            }
            at = next;
        }
        base += length as u64;
        if length < BLOCK || Stop::of_process().stopped() {
            break;
        }
    }
    // The rest of a block that is too short for a header contains zeros, as does space that was never written.
    end.ignored = written.saturating_sub(whole_until);
    Ok(end)
}

/// Reads a block, or the rest of the file.
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

    /// A log of records of these lengths, divided into parts as RocksDB does.
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
    fn records_are_put_together_again() {
        let lengths = [100, 40_000, 200, 90_000, 300];
        for most in [0, 12, 150, usize::MAX] {
            let mut seen = Vec::new();
            read(log(&lengths).as_slice(), most, &mut |record| seen.push(record.len())).unwrap();
            assert_eq!(seen, lengths.map(|length| length.min(most)));
        }
    }

    #[test]
    fn an_end_that_was_not_written_is_told_from_a_hole() {
        let check = |what: &str, change: &dyn Fn(&mut Vec<u8>), ignored: u64, hole: Option<u64>| {
            let mut bytes = log(&[100, 40_000, 200, 90_000, 300]);
            change(&mut bytes);
            assert_eq!(read(bytes.as_slice(), 0, &mut |_| {}).unwrap(), LogEnd { ignored, hole }, "{what}");
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
