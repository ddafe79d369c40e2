//! `manifest/manifest.json`: the contents of a dump's files and their checksums.
//!
//! Defines the fields of the document and its seal, and checks that its statements do not contradict each other.
//! The reader checks the files themselves. Format: `docs/dump-format.md`.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use super::digest::{SubspaceDigest, Totals};
use crate::base::error::{Error, Result};
use crate::base::finding::{FindingKind, Findings};
use crate::base::hex::hex;
use crate::base::seal;

/// Directory of manifest and findings inside a dump.
pub const DIRECTORY: &str = "manifest";

/// The manifest inside [`DIRECTORY`].
pub const MANIFEST: &str = "manifest.json";

/// The findings inside [`DIRECTORY`].
pub const FINDINGS: &str = "findings.jsonl";

/// State file of an export that can be resumed, inside [`DIRECTORY`].
pub const RESUME: &str = "resume.json";

/// Version of the format that is written and read.
pub const FORMAT_VERSION: u32 = 1;

/// Raised when fields are added that a reader may ignore.
pub const FORMAT_MINOR: u32 = 0;

/// Largest manifest that is read, in bytes. Manifests of this tool have some thirty kilobytes at most; a parsed
/// one takes many times its length in memory.
pub const MAX_MANIFEST: u64 = 1024 * 1024;

/// Largest ratio of content to length of an LZ4 block.
const EXPANSION: u128 = 255;

/// Most bytes of records in one file, so that sums over all files fit into 64 bits with room to spare.
const MAX_CONTENT: u128 = 1 << 56;

/// The manifest of a dump.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// Version of the format; readers refuse any other than [`FORMAT_VERSION`].
    pub format_version: u32,
    /// Additions to the format that readers may ignore.
    pub format_minor: u32,
    /// Version of the tool that wrote the dump.
    pub tool_version: String,
    /// Schema version of the exported database.
    pub schema_version: u32,
    /// Server releases that write this schema version.
    pub server_releases: String,
    /// When the manifest was written: RFC 3339, UTC, whole seconds.
    pub created: String,
    /// Kind of the exported store; never an address or a secret.
    pub source: String,
    /// Whether unreadable parts of a damaged store were left out.
    pub completeness: Completeness,
    /// The exported subspaces, by letter.
    pub subspaces: Vec<SubspaceEntry>,
    /// Subspaces that were not exported.
    pub skipped: Vec<Skipped>,
    /// Records that were skipped as local to the installation.
    #[serde(rename = "left_behind")]
    pub local: Vec<LocalRecords>,
    /// Keys, in hexadecimal, of blobs that by design are not a hash of their content, as far as the source names
    /// them.
    #[serde(default)]
    pub unhashed_blobs: Vec<String>,
    /// The first and the last version of the source that was read, if it has no state of one moment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub read_versions: Option<VersionSpan>,
    /// Complete count of each kind of finding, by its name in `findings.jsonl`.
    pub findings: BTreeMap<String, u64>,
    /// Length and checksum of `findings.jsonl`.
    pub findings_file: FindingsFile,
}

/// Versions of a source, in its own count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct VersionSpan {
    /// The first that was read.
    pub first: u64,
    /// The last that was read.
    pub last: u64,
}

/// Whether a dump holds everything that was selected for export.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Completeness {
    /// Everything was read.
    Complete,
    /// Unreadable parts of a damaged store were left out; the findings list them.
    Salvage,
}

/// One subspace file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SubspaceEntry {
    /// The letter, `a` to `z`.
    pub letter: char,
    /// Name of the subspace in the dump's schema version.
    pub name: String,
    /// Name of the file: `subspace_` and the letter.
    pub file: String,
    /// Number of records.
    pub records: u64,
    /// Total length of keys, in bytes.
    pub key_bytes: u64,
    /// Total length of values, in bytes.
    pub value_bytes: u64,
    /// Longest key, in bytes.
    pub longest_key: u64,
    /// Longest value, in bytes.
    pub longest_value: u64,
    /// Length of the file, in bytes.
    pub file_bytes: u64,
    /// BLAKE3 of the file, in hexadecimal.
    pub file_blake3: String,
    /// BLAKE3 over the framed records in key order, in hexadecimal.
    pub records_blake3: String,
    /// Sum of the BLAKE3 of each framed record, in hexadecimal, least significant byte first.
    pub records_sum: String,
}

/// A subspace that was not exported.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Skipped {
    /// The letter.
    pub letter: char,
    /// Its name in the dump's schema version.
    pub name: String,
    /// Reason, as text for the user.
    pub reason: String,
}

/// Records that were skipped as local to the installation, by key layout.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LocalRecords {
    /// Letter of their subspace.
    pub letter: char,
    /// Name of their subspace.
    pub name: String,
    /// Key layout they match.
    pub layout: String,
    /// Number of records.
    pub records: u64,
}

/// Length and checksum of `findings.jsonl`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FindingsFile {
    /// Number of lines.
    pub lines: u64,
    /// Length in bytes.
    pub bytes: u64,
    /// BLAKE3 of the file, in hexadecimal.
    pub blake3: String,
}

impl SubspaceEntry {
    /// The entry of a finished file.
    pub fn new(
        letter: char,
        name: &str,
        digest: &SubspaceDigest,
        file_bytes: u64,
        file_blake3: &[u8; 32],
    ) -> Self {
        let totals = digest.totals;
        SubspaceEntry {
            letter,
            name: name.to_owned(),
            file: file_name(letter),
            records: totals.records,
            key_bytes: totals.key_bytes,
            value_bytes: totals.value_bytes,
            longest_key: totals.longest_key,
            longest_value: totals.longest_value,
            file_bytes,
            file_blake3: hex(file_blake3),
            records_blake3: hex(&digest.records_blake3),
            records_sum: digest.records_sum.to_hex(),
        }
    }

    /// The counts.
    pub fn totals(&self) -> Totals {
        Totals {
            records: self.records,
            key_bytes: self.key_bytes,
            value_bytes: self.value_bytes,
            longest_key: self.longest_key,
            longest_value: self.longest_value,
        }
    }

    /// Bytes of keys and values.
    pub fn bytes(&self) -> u64 {
        self.key_bytes.saturating_add(self.value_bytes)
    }

    /// Describes the first count that differs from `found`, with both values.
    pub fn difference_in_counts(&self, found: &Totals) -> Option<String> {
        [
            ("records", self.records, found.records),
            ("key bytes", self.key_bytes, found.key_bytes),
            ("value bytes", self.value_bytes, found.value_bytes),
            ("bytes in the longest key", self.longest_key, found.longest_key),
            ("bytes in the longest value", self.longest_value, found.longest_value),
        ]
        .into_iter()
        .find(|(_, stated, counted)| stated != counted)
        .map(|(what, stated, counted)| format!("the manifest states {stated} {what}, there are {counted}"))
    }

    /// Describes the first count or digest of the records that differs from `found`.
    pub fn difference(&self, found: &SubspaceDigest) -> Option<String> {
        self.difference_in_counts(&found.totals).or_else(|| {
            let same = self.records_blake3 == hex(&found.records_blake3)
                && self.records_sum == found.records_sum.to_hex();
            (!same).then(|| "the digest of the records differs from the manifest".to_owned())
        })
    }
}

impl Manifest {
    /// The entry of a subspace, if it was exported.
    pub fn subspace(&self, letter: char) -> Option<&SubspaceEntry> {
        self.subspaces.iter().find(|entry| entry.letter == letter)
    }

    /// Complete count of a kind of finding.
    pub fn count(&self, kind: FindingKind) -> u64 {
        self.findings.get(&kind.name()).copied().unwrap_or(0)
    }

    /// Whether the dump was salvaged from a damaged store.
    pub fn is_salvage(&self) -> bool {
        self.completeness == Completeness::Salvage
    }

    /// Whether the dump may lack data: a salvage, or findings such as missing blobs and unknown data.
    pub fn incomplete(&self) -> bool {
        self.completeness == Completeness::Salvage
            || self.findings.iter().any(|(name, &count)| {
                count > 0 && FindingKind::named(name).is_some_and(|kind| kind.is_incomplete())
            })
    }

    /// The document with its seal, as stored in the file.
    pub fn to_json(&self) -> Result<String> {
        let text = serde_json::to_string_pretty(self)
            .map_err(|e| Error::io("cannot write the manifest as JSON").because(e))?;
        Ok(seal::seal(&text))
    }

    /// Parses a document and checks its format version, its seal and that it is consistent.
    ///
    /// Errors: `Damaged`, or `Refused` for a format version of another tool release. The caller adds the file.
    pub fn from_json(text: &[u8]) -> Result<Manifest> {
        #[derive(Deserialize)]
        struct FormatOnly {
            format_version: u32,
        }
        let damaged = |e| Error::damaged("the manifest is no valid manifest").because(e);
        // The version is checked first: another version may have other fields and another seal.
        let version = serde_json::from_slice::<FormatOnly>(text).map_err(damaged)?.format_version;
        if version != FORMAT_VERSION {
            return Err(Error::refused(format!(
                "the dump has format version {version}, this release reads version {FORMAT_VERSION}"
            ))
            .help("use the release of stalwart-migrate that wrote it"));
        }
        seal::check(text, "manifest")
            .map_err(|error| error.help("restore the manifest from a copy, or export again"))?;
        let manifest: Manifest = serde_json::from_slice(text).map_err(damaged)?;
        manifest
            .check()
            .map_err(|what| Error::damaged(format!("the manifest contradicts itself: {what}")))?;
        Ok(manifest)
    }

    /// Checks that the statements are consistent; the error describes the first contradiction.
    pub fn check(&self) -> Result<(), String> {
        let mut letters = BTreeSet::new();
        let mut names = BTreeSet::new();
        let skipped = self.skipped.iter().map(|skipped| (skipped.letter, &skipped.name));
        for (letter, name) in self.subspaces.iter().map(|e| (e.letter, &e.name)).chain(skipped) {
            if !letter.is_ascii_lowercase() {
                return Err(format!("subspace letter {letter:?}"));
            }
            if name.is_empty() || name.chars().any(char::is_control) {
                return Err(format!("subspace {letter} is named {}", shown(name)));
            }
            if !letters.insert(letter) || !names.insert(name) {
                return Err(format!("subspace {letter} ({}) is there twice", shown(name)));
            }
        }
        if !self.subspaces.is_sorted_by_key(|entry| entry.letter) {
            return Err("the subspaces are not in the order of their letters".into());
        }
        for entry in &self.subspaces {
            entry
                .check()
                .map_err(|what| format!("subspace {} ({}): {what}", entry.letter, shown(&entry.name)))?;
        }
        self.unhashed_blobs.iter().try_for_each(|key| check_digest(key))?;
        if let Some(VersionSpan { first, last }) = self.read_versions.filter(|span| span.first > span.last) {
            return Err(format!("versions {first} to {last} of the source"));
        }
        check_digest(&self.findings_file.blake3)?;
        check_time(&self.created)
    }
}

impl SubspaceEntry {
    fn check(&self) -> Result<(), String> {
        if self.file != file_name(self.letter) {
            return Err(format!("its file is named {}", shown(&self.file)));
        }
        for (total, longest) in [(self.key_bytes, self.longest_key), (self.value_bytes, self.longest_value)] {
            let most = u128::from(longest) * u128::from(self.records);
            if longest > total || u128::from(total) > most {
                let records = self.records;
                return Err(format!("{total} bytes in {records} records of at most {longest}"));
            }
        }
        // A record takes at least two bytes for its lengths. After this check sums of counts cannot overflow.
        let content =
            2 * u128::from(self.records) + u128::from(self.key_bytes) + u128::from(self.value_bytes);
        if content > MAX_CONTENT.min(EXPANSION * u128::from(self.file_bytes)) {
            return Err(format!("{content} bytes of records in a file of {}", self.file_bytes));
        }
        [&self.file_blake3, &self.records_blake3, &self.records_sum]
            .into_iter()
            .try_for_each(|d| check_digest(d))
    }
}

/// Name of a subspace's file.
pub fn file_name(letter: char) -> String {
    format!("subspace_{letter}")
}

/// The letter in the name of a subspace file; `None` for other names.
pub fn letter_of(file_name: &str) -> Option<char> {
    let mut letters = file_name.strip_prefix("subspace_")?.chars();
    let letter = letters.next().filter(char::is_ascii_lowercase)?;
    letters.next().is_none().then_some(letter)
}

/// Counts of `findings` under the names that the manifest uses.
pub fn finding_counts(findings: &Findings) -> BTreeMap<String, u64> {
    findings.counts().iter().map(|(&kind, &count)| (kind.name(), count)).collect()
}

/// A point in time as RFC 3339 in UTC, whole seconds. Times before 1970 become 1970.
pub fn rfc3339(time: SystemTime) -> String {
    let seconds = time.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let (days, second) = (seconds / 86_400, seconds % 86_400);
    // The Gregorian calendar in 400-year eras from 0000-03-01, so that the leap day is the last day of a year.
    let shifted = days + 719_468;
    let (era, day) = (shifted / 146_097, shifted % 146_097);
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let (year, month) =
        if month < 10 { (era * 400 + year, month + 3) } else { (era * 400 + year + 1, month - 9) };
    let (hour, minute, second) = (second / 3_600, second / 60 % 60, second % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

/// A text of a manifest for a one-line message: in quotes, and shortened if it is long.
fn shown(text: &str) -> String {
    let start: String = text.chars().take(100).collect();
    if start.len() < text.len() { format!("{start:?}…") } else { format!("{start:?}") }
}

fn check_digest(digest: &str) -> Result<(), String> {
    let sound = digest.len() == 64 && digest.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    if sound { Ok(()) } else { Err(format!("{} is no digest", shown(digest))) }
}

fn check_time(time: &str) -> Result<(), String> {
    let shape = b"dddd-dd-ddTdd:dd:ddZ";
    let fits =
        |(&byte, &shape): (&u8, &u8)| if shape == b'd' { byte.is_ascii_digit() } else { byte == shape };
    let sound = time.len() == shape.len() && time.as_bytes().iter().zip(shape).all(fits);
    if sound { Ok(()) } else { Err(format!("{} is no time", shown(time))) }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::dump::digest::Digest;
    use std::time::Duration;

    fn sample() -> Manifest {
        let mut digest = Digest::new();
        digest.add(b"key", b"value");
        let digest = digest.finish();
        Manifest {
            format_version: FORMAT_VERSION,
            format_minor: FORMAT_MINOR,
            tool_version: "0.1.0".into(),
            schema_version: 5,
            server_releases: "0.15.0 – 0.15.5".into(),
            created: rfc3339(SystemTime::UNIX_EPOCH),
            source: "rocksdb".into(),
            completeness: Completeness::Complete,
            subspaces: vec![
                SubspaceEntry::new('a', "acl", &digest, 17, &[1; 32]),
                SubspaceEntry::new('b', "bitmap", &digest, 17, &[2; 32]),
            ],
            skipped: vec![Skipped { letter: 'm', name: "lookup".into(), reason: "excluded".into() }],
            local: vec![],
            unhashed_blobs: vec![hex(&[3; 32])],
            read_versions: Some(VersionSpan { first: 7, last: 9 }),
            findings: BTreeMap::from([("unknown_key".into(), 3)]),
            findings_file: FindingsFile { lines: 0, bytes: 0, blake3: hex(&[0; 32]) },
        }
    }

    #[test]
    fn a_manifest_comes_back_and_ignores_new_fields() {
        let manifest = sample();
        let json = manifest.to_json().unwrap();
        assert_eq!(Manifest::from_json(json.as_bytes()).unwrap(), manifest);
        let body =
            json.split("  \"seal\"").next().unwrap().replace("{\n  \"format", "{\n  \"new\": 1,\n  \"format");
        let newer = format!("{body}  \"seal\": \"{}\"\n}}\n", blake3::hash(body.as_bytes()));
        assert_eq!(Manifest::from_json(newer.as_bytes()).unwrap(), manifest);
        assert_eq!((manifest.count(FindingKind::UnknownKey), manifest.incomplete()), (3, false));
    }

    #[test]
    fn every_flipped_bit_and_every_cut_of_a_manifest_is_noticed() {
        let json = sample().to_json().unwrap().into_bytes();
        for at in 0..json.len() {
            for bit in 0..8 {
                let mut bad = json.clone();
                bad[at] ^= 1 << bit;
                assert!(Manifest::from_json(&bad).is_err(), "byte {at} bit {bit}");
            }
            assert!(Manifest::from_json(&json[..at]).is_err(), "cut at {at}");
        }
    }

    #[test]
    fn another_format_version_is_refused_not_damaged() {
        let json = sample().to_json().unwrap().replace("\"format_version\": 1", "\"format_version\": 2");
        let error = Manifest::from_json(json.as_bytes()).unwrap_err();
        assert_eq!(error.kind().exit_code(), 5);
        assert!(error.to_string().contains("format version 2"), "{error}");
    }

    #[test]
    fn contradictions_are_named() {
        type Edit = fn(&mut Manifest);
        let edits: [(Edit, &str); 14] = [
            (|m| m.subspaces[1].letter = 'a', "is there twice"),
            (|m| m.subspaces[1].name = "acl".into(), "is there twice"),
            (|m| m.skipped[0].letter = 'a', "is there twice"),
            (|m| m.subspaces[1].letter = 'A', "letter 'A'"),
            (|m| m.subspaces[1].name = String::new(), "is named"),
            (|m| m.subspaces[1].file = "../etc/passwd".into(), "its file is named"),
            (|m| m.subspaces.reverse(), "order of their letters"),
            (|m| m.subspaces[0].records = 0, "bytes in 0 records"),
            (|m| m.subspaces[0].longest_value = 6, "bytes in 1 records"),
            (|m| m.subspaces[0].file_bytes = 0, "10 bytes of records in a file of 0"),
            (
                |m| {
                    let entry = &mut m.subspaces[0];
                    (entry.records, entry.key_bytes, entry.value_bytes) = (u64::MAX, u64::MAX, u64::MAX);
                    entry.file_bytes = u64::MAX;
                },
                "bytes of records in a file of",
            ),
            (|m| m.subspaces[0].records_sum = "F".repeat(64), "is no digest"),
            (|m| m.findings_file.blake3 = String::new(), "is no digest"),
            (|m| m.created = "yesterday".into(), "is no time"),
        ];
        for (edit, expect) in edits {
            let mut manifest = sample();
            edit(&mut manifest);
            let error = Manifest::from_json(manifest.to_json().unwrap().as_bytes()).unwrap_err();
            assert!(error.message().contains(expect), "{error}, not {expect}");
        }
    }

    #[test]
    fn times_are_written_in_utc() {
        for (seconds, expect) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_399, "2000-02-28T23:59:59Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (951_868_800, "2000-03-01T00:00:00Z"),
            (1_704_067_199, "2023-12-31T23:59:59Z"),
            (4_107_542_400, "2100-03-01T00:00:00Z"),
        ] {
            assert_eq!(rfc3339(UNIX_EPOCH + Duration::from_secs(seconds)), expect);
        }
    }

    #[test]
    fn only_exact_file_names_have_a_letter() {
        for (name, letter) in [
            ("subspace_a", Some('a')),
            ("subspace_z", Some('z')),
            ("subspace_A", None),
            ("subspace_ab", None),
            ("subspace_", None),
            ("subspace_a.partial", None),
            ("xsubspace_a", None),
        ] {
            assert_eq!(letter_of(name), letter, "{name}");
        }
    }
}
