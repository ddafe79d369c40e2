//! `manifest/findings.jsonl`: the findings of an export, one JSON object a line.
//!
//! The manifest has the counts; this file has the samples and every loss. It contains no policy.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::PathBuf;

use serde::Deserialize;

use super::manifest::FindingsFile;
use crate::base::error::{Error, Result};
use crate::base::finding::{FindingKind, Findings};
use crate::base::hex::hex;
use crate::base::stop::Stop;

// Longest line that is read; keys are at most 64 KiB, twice that in hexadecimal.
const MAX_LINE: u64 = 1024 * 1024;

/// Writes the samples of `findings`; returns the entry of the file in the manifest.
///
/// Errors: `Io` if writing fails.
pub fn write(findings: &Findings, mut sink: impl Write) -> Result<FindingsFile> {
    let failed = |e: std::io::Error| Error::io("cannot write the findings").because(e);
    let mut hasher = blake3::Hasher::new();
    let (mut lines, mut bytes) = (0, 0);
    let written = findings.lines(&mut |line| {
        hasher.update(line);
        sink.write_all(line)?;
        lines += 1;
        bytes += line.len() as u64;
        Ok(())
    });
    written.map_err(failed)?;
    sink.flush().map_err(failed)?;
    Ok(FindingsFile { lines, bytes, blake3: hex(hasher.finalize().as_bytes()) })
}

/// A line of the file. Its kind may have been added by a newer release.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct RecordedFinding {
    /// Name of the kind.
    pub kind: String,
    /// Subspace letter or table name.
    pub subspace: String,
    /// Key in lower-case hex.
    pub key: String,
    /// Reason, in words.
    pub detail: String,
}

impl RecordedFinding {
    /// The kind, if this release defines it.
    pub fn known_kind(&self) -> Option<FindingKind> {
        FindingKind::named(&self.kind)
    }
}

/// Iterator over the lines of a dump's `findings.jsonl`, in file order. It ends after the first error.
pub struct FindingLines {
    input: BufReader<File>,
    path: PathBuf,
    line: u64,
    done: bool,
}

impl FindingLines {
    pub(super) fn new(file: File, path: PathBuf) -> Self {
        FindingLines { input: BufReader::new(file), path, line: 0, done: false }
    }

    fn read(&mut self) -> Result<Option<RecordedFinding>> {
        Stop::of_process().check()?;
        let mut text = Vec::new();
        let place = |e: Error, line: u64| {
            e.with("file", self.path.display().to_string()).with("line", line.to_string())
        };
        self.line += 1;
        let read = (&mut self.input).take(MAX_LINE).read_until(b'\n', &mut text);
        match read {
            Err(e) => Err(place(Error::io("cannot read the findings").because(e), self.line)),
            Ok(0) => Ok(None),
            Ok(_) if text.last() != Some(&b'\n') => {
                Err(place(Error::damaged("a line of the findings is cut off or too long"), self.line))
            }
            Ok(_) => serde_json::from_slice(&text).map(Some).map_err(|e| {
                place(Error::damaged("a line of the findings is damaged").because(e), self.line)
            }),
        }
    }
}

impl Iterator for FindingLines {
    type Item = Result<RecordedFinding>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.done {
            return None;
        }
        let next = self.read().transpose();
        self.done = !matches!(next, Some(Ok(_)));
        next
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use std::io::Seek;

    fn lines(text: &[u8]) -> Vec<Result<RecordedFinding>> {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(text).unwrap();
        file.rewind().unwrap();
        FindingLines::new(file, "f".into()).collect()
    }

    #[test]
    fn findings_come_back_and_unknown_kinds_stay() {
        let mut findings = Findings::new();
        findings.add(FindingKind::Lost, "p", &[1, 0xff], || "a \"range\"\nwas lost".into());
        findings.add(FindingKind::BadValue, "n", &[], || "7 bytes".into());
        let mut text = Vec::new();
        let file = write(&findings, &mut text).unwrap();
        assert_eq!((file.lines, file.bytes), (2, text.len() as u64));
        assert_eq!(file.blake3, blake3::hash(&text).to_string());
        text.extend(br#"{"kind":"new_kind","subspace":"a","key":"","detail":"","more":1}"#);
        text.push(b'\n');
        let all: Vec<_> = lines(&text).into_iter().map(Result::unwrap).collect();
        let kinds: Vec<_> = all.iter().map(RecordedFinding::known_kind).collect();
        assert_eq!(kinds, [Some(FindingKind::BadValue), Some(FindingKind::Lost), None]);
        assert_eq!((&all[1].key[..], &all[1].detail[..]), ("01ff", "a \"range\"\nwas lost"));
    }

    #[test]
    fn a_damaged_line_ends_the_list_with_its_number() {
        let good = r#"{"kind":"lost","subspace":"a","key":"","detail":""}"#;
        let long = format!("{good}\n{}\n", "x".repeat(MAX_LINE as usize));
        for text in [format!("{good}\n{{\n{good}\n"), format!("{good}\n{good}"), long] {
            let all = lines(text.as_bytes());
            assert_eq!(all.len(), 2);
            let error = all.into_iter().nth(1).unwrap().unwrap_err();
            assert_eq!(error.context("line"), Some("2"), "{error}");
            assert_eq!(error.kind().exit_code(), 4);
        }
    }
}
