//! The list of files (`MANIFEST`) of a RocksDB database, and what it shows about the files that must exist.
//!
//! RocksDB detects that a file of its list is missing. It does not detect a list that ends too early, or a missing
//! write-ahead log beside another one: it opens what is left. Both contradict the list, and this module finds the
//! contradictions. It reads no records of a store.
//!
//! Format: `VersionEdit::DecodeFrom` in `db/version_edit.cc` of RocksDB 10.4. What can be relied on: `LogAndApply`,
//! `ProcessManifestWrites` and `WriteCurrentStateToManifest` in `db/version_set.cc`, `RecoverLogFiles` in
//! `db/db_impl/db_impl_open.cc` and `SwitchMemtable` in `db/db_impl/db_impl_write.cc`.

use std::collections::{BTreeMap, BTreeSet};

/// The properties of a write-ahead log that show whether others are missing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct LogFile {
    /// Its number, which is also its name.
    pub number: u64,
    /// The sequence number of its first entry, and the one after its last entry. `None` for a log without entries.
    pub entries: Option<(u64, u64)>,
}

/// A contradiction between a list and the files beside it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum ListFault {
    /// The list has lost its end; the reason as a clause.
    FileList(String),
    /// A log is missing; the reason as a clause.
    LogFile(String),
}

/// The content of a list of files.
#[derive(Debug, Default)]
pub(super) struct FileList {
    number: u64,
    next_file: u64,
    last_sequence: u64,
    min_log: u64,
    families: BTreeMap<u64, Family>,
    dropped: BTreeSet<String>,
    // Every file that the list has ever named, including those that it has removed.
    named: BTreeSet<u64>,
    // Sequence numbers given to ingested files: they are in no log.
    ingested: BTreeSet<u64>,
    // The list has a record in an unknown format.
    unknown: bool,
}

#[derive(Debug, Default)]
struct Family {
    name: String,
    log: u64,
}

impl FileList {
    /// An empty list in the file with this number.
    pub fn new(number: u64) -> FileList {
        FileList { number, ..FileList::default() }
    }

    /// Applies a record of the list.
    pub fn add(&mut self, record: &[u8]) {
        if self.edit(&mut Bytes(record)).is_none() {
            self.unknown = true;
        }
    }

    /// Whether the format of the list is known. RocksDB reads it in any case.
    pub fn is_known(&self) -> bool {
        !self.unknown
    }

    /// The number of the oldest log that may have to be read.
    pub fn min_log(&self) -> u64 {
        self.min_log
    }

    /// Whether the list names a table or blob file, or named it before it was replaced.
    pub fn names(&self, file: u64) -> bool {
        self.named.contains(&file)
    }

    fn edit(&mut self, bytes: &mut Bytes) -> Option<()> {
        let (mut family, mut log, mut name, mut drop) = (0, None, None, false);
        while !bytes.0.is_empty() {
            match bytes.number()? {
                // The comparator.
                1 => bytes.skip_text()?,
                2 => log = Some(bytes.number()?),
                3 => self.next_file = self.next_file.max(bytes.number()?),
                4 => self.last_sequence = self.last_sequence.max(bytes.number()?),
                // The start of the next compaction of a level.
                5 => {
                    bytes.skip_numbers(1)?;
                    bytes.skip_text()?;
                }
                6 => {
                    bytes.skip_numbers(1)?;
                    self.named.insert(bytes.number()?);
                }
                9 | 203 | 300 => bytes.skip_numbers(1)?,
                10 => self.min_log = self.min_log.max(bytes.number()?),
                103 => self.table(bytes)?,
                200 => family = bytes.number()?,
                201 => name = Some(String::from_utf8_lossy(bytes.text()?).into_owned()),
                202 => drop = true,
                400 => {
                    self.named.insert(bytes.number()?);
                    bytes.skip_numbers(2)?;
                    bytes.skip_text()?;
                    bytes.skip_text()?;
                    bytes.skip_fields(0)?;
                }
                401 => {
                    bytes.skip_numbers(3)?;
                    bytes.skip_fields(0)?;
                }
                // Older formats of blob files and logs have no length in front.
                8194..=8197 => return None,
                tag if tag & 8192 != 0 => bytes.skip_text()?,
                _ => return None,
            }
        }
        if drop {
            self.dropped.extend(self.families.remove(&family).map(|family| family.name));
            return Some(());
        }
        let family = self.families.entry(family).or_default();
        family.log = log.unwrap_or(family.log);
        if let Some(name) = name {
            family.name = name;
        }
        Some(())
    }

    fn table(&mut self, bytes: &mut Bytes) -> Option<()> {
        bytes.skip_numbers(1)?;
        self.named.insert(bytes.number()?);
        bytes.skip_numbers(1)?;
        bytes.skip_text()?;
        bytes.skip_text()?;
        let (first, last) = (bytes.number()?, bytes.number()?);
        if first == last {
            self.ingested.insert(first);
        }
        bytes.skip_fields(1)
    }

    /// Everything that contradicts the list. `logs` are those in the directory, by ascending number, as they were
    /// before the list was read; `families` are the column families that the options file names.
    pub fn contradicted(&self, logs: &[LogFile], families: &[String]) -> Vec<ListFault> {
        let mut wrong = Vec::new();
        if self.unknown {
            return wrong;
        }
        // A list comes into use with its complete first state, whose last record marks the number of the list itself
        // as taken.
        if self.next_file <= self.number {
            wrong.push(ListFault::FileList("it ends before its first state is complete".to_string()));
        }
        let known = |name: &&String| {
            self.dropped.contains(*name) || self.families.values().any(|family| family.name == **name)
        };
        // RocksDB writes the options after the list, whenever a column family is created.
        for name in families.iter().filter(|name| !known(name)) {
            wrong.push(ListFault::FileList(format!(
                "it does not name the column family {name}, which the options name"
            )));
        }
        wrong.extend(self.missing_logs(logs).into_iter().map(ListFault::LogFile));
        wrong
    }

    fn missing_logs(&self, logs: &[LogFile]) -> Vec<String> {
        let logs: Vec<&LogFile> = logs.iter().filter(|log| log.number >= self.min_log).collect();
        let Some(last) = logs.last().map(|log| log.number) else { return Vec::new() };
        let mut missing = Vec::new();
        // A log is deleted once a list names a later one as the oldest to be read. Numbers above that of the list
        // belonged to logs; lower ones may only be the next number after the last log of an earlier run.
        let there = |number: u64| logs.iter().any(|log| log.number == number);
        // The very first list is older than the first log.
        let first = self.number <= 1;
        if !first && self.min_log < self.number && !logs.iter().any(|log| log.number < self.number) {
            missing.push(format!(
                "the log that was in use when the list was begun is missing, although it may only be deleted with a \
                 later list than this one, and {last:06}.log is there"
            ));
        }
        let needed = self.families.values().map(|family| family.log).filter(|log| *log >= self.min_log);
        let needed: BTreeSet<u64> = needed.chain([self.min_log]).filter(|log| *log > self.number).collect();
        missing.extend(needed.into_iter().filter(|log| !there(*log)).map(|log| {
            format!("{log:06}.log is missing, which the list says has to be read, beside {last:06}.log")
        }));
        if !missing.is_empty() {
            return missing;
        }
        // Entries have consecutive sequence numbers. Those of dropped families may be in no file any more.
        let dropped =
            !self.dropped.is_empty() || self.families.keys().zip(0..).any(|(family, n)| *family != n);
        let mut end =
            (!dropped).then_some((self.last_sequence + 1, "the files that the list names".to_string()));
        for log in logs {
            let Some((first, after)) = log.entries else { continue };
            if let Some((next, place)) = &end
                && first > *next
                && self.ingested.range(*next..first).count() as u64 != first - next
            {
                missing.push(format!(
                    "{} entries are missing between {place} and {:06}.log",
                    first - next,
                    log.number
                ));
            }
            end = Some((after, format!("{:06}.log", log.number)));
        }
        missing
    }
}

/// The unread rest of a record.
struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    /// A number of seven bits per byte, lowest bits first.
    fn number(&mut self) -> Option<u64> {
        let mut number = 0u64;
        for shift in (0..64).step_by(7) {
            let (byte, rest) = self.0.split_first()?;
            self.0 = rest;
            number |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Some(number);
            }
        }
        None
    }

    /// Bytes with their length in front.
    fn text(&mut self) -> Option<&'a [u8]> {
        let length = usize::try_from(self.number()?).ok()?;
        let (text, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(text)
    }

    fn skip_numbers(&mut self, count: usize) -> Option<()> {
        (0..count).try_for_each(|_| self.number().map(drop))
    }

    fn skip_text(&mut self) -> Option<()> {
        self.text().map(drop)
    }

    /// Skips fields, each a tag and a text, up to the tag that ends them.
    fn skip_fields(&mut self, end: u64) -> Option<()> {
        while self.number()? != end {
            self.skip_text()?;
        }
        Some(())
    }
}

/// The column families that an options file names; only those with plain names, since it escapes others.
pub(super) fn families(options: &str) -> Vec<String> {
    let names =
        options.lines().filter_map(|line| line.trim().strip_prefix("[CFOptions \"")?.strip_suffix("\"]"));
    let plain = |name: &&str| name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    names.filter(plain).filter(|name| *name != "default").map(str::to_string).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(number: u64, next_file: u64, min_log: u64, last_sequence: u64, family_log: u64) -> FileList {
        let mut list = FileList::new(number);
        let small = |n: u64| [(n & 0x7f | 0x80) as u8, (n >> 7) as u8];
        for (tag, value) in [(2, family_log), (3, next_file), (10, min_log), (4, last_sequence)] {
            list.add(&[&[tag as u8][..], &small(value)].concat());
        }
        assert!(list.is_known());
        list
    }

    #[test]
    fn what_contradicts_a_list_is_told_from_what_a_killed_server_leaves() {
        let log = |number, entries| LogFile { number, entries };
        let check = |what: &str, list: FileList, logs: &[LogFile], wrong: usize| {
            let found = list.contradicted(logs, &[]);
            assert_eq!(found.len(), wrong, "{what}: {found:?}");
        };
        check("being created", list(1, 2, 0, 0, 0), &[log(4, None)], 0);
        check("just started", list(28, 29, 5, 90, 5), &[log(27, None)], 0);
        check("in use", list(28, 29, 5, 90, 5), &[log(27, Some((91, 95)))], 0);
        check("two logs", list(28, 32, 5, 90, 5), &[log(27, Some((91, 95))), log(31, Some((95, 99)))], 0);
        check("old logs not deleted yet", list(28, 29, 5, 90, 5), &[log(4, Some((1, 91))), log(27, None)], 0);
        check("one flushed", list(28, 34, 31, 94, 31), &[log(31, Some((95, 99)))], 0);
        check(
            "flushed, log not deleted",
            list(28, 34, 31, 94, 31),
            &[log(27, Some((91, 95))), log(31, None)],
            0,
        );
        check("a checkpoint without logs", list(28, 34, 31, 94, 31), &[], 0);
        check("the first state cut", list(28, 28, 5, 90, 5), &[log(27, None)], 1);
        check("a flush lost", list(28, 29, 5, 90, 5), &[log(31, Some((95, 99)))], 1);
        check("a later flush lost", list(28, 34, 31, 94, 31), &[log(36, Some((99, 120)))], 1);
        check("one of a family lost", list(28, 40, 31, 94, 36), &[log(31, None), log(39, None)], 1);
        check(
            "the log before",
            list(28, 29, 5, 90, 5),
            &[log(26, Some((1, 91))), log(27, Some((92, 95)))],
            1,
        );
        check("one between", list(28, 29, 5, 90, 5), &[log(27, Some((91, 95))), log(39, Some((99, 101)))], 1);
        let mut ingested = list(28, 29, 5, 90, 5);
        ingested.ingested.extend(95..99);
        check("files ingested between", ingested, &[log(27, Some((91, 95))), log(39, Some((99, 101)))], 0);
    }

    #[test]
    fn records_of_another_form_judge_nothing() {
        for record in [&[99u8, 1][..], &[103], &[2, 0x80], &[201, 1, 9, b'x'], &[0x82, 0x40, 1]] {
            let mut list = FileList::new(9);
            list.add(record);
            assert!(!list.is_known() && list.contradicted(&[], &["x".to_string()]).is_empty(), "{record:?}");
        }
    }

    #[test]
    fn options_name_column_families() {
        let options = "[DBOptions]\n  a=1\n[CFOptions \"default\"]\n[CFOptions \"p\"]\n[CFOptions \"a\\#b\"]\n\
                       [TableOptions/BlockBasedTable \"p\"]\n";
        assert_eq!(families(options), ["p"]);
    }
}
