//! Samples of one kind, the first in memory and the rest in unnamed temporary files, because the list of losses is
//! unbounded and memory is not.
//!
//! Does not depend on the contents of findings.

use crate::base::sync::lock;
use std::fs::File;
use std::io::{BufRead, BufReader, Result, Seek, Write};
use std::sync::{Arc, Mutex};

use super::Finding;

/// Most samples kept in memory; a few megabytes.
const MOST: usize = 10_000;
/// Bytes of lines buffered before they are written.
const BUFFER: usize = 256 << 10;

/// Samples in the order they were found.
#[derive(Debug, Default, Clone)]
pub(super) struct Samples {
    first: Vec<Finding>,
    // Files that are full or shared, each with its length; the last one may still grow.
    files: Vec<(Arc<Mutex<File>>, u64)>,
    buffer: Vec<u8>,
}

impl Samples {
    /// Number of samples in memory.
    pub fn in_memory(&self) -> usize {
        self.first.len()
    }

    /// The samples in memory.
    pub fn first(&self) -> &[Finding] {
        &self.first
    }

    /// Removes the first sample with this key from memory. Returns whether there was one.
    pub fn remove(&mut self, key: &str) -> bool {
        let found = self.first.iter().position(|finding| finding.key == key);
        found.is_some_and(|at| {
            self.first.remove(at);
            true
        })
    }

    /// Adds a sample. If no file can be written it stays in memory, so that no loss is dropped.
    pub fn push(&mut self, finding: Finding) {
        if self.files.is_empty() && self.buffer.is_empty() && self.first.len() < MOST {
            self.first.push(finding);
            return;
        }
        if serde_json::to_writer(&mut self.buffer, &finding).is_ok() {
            self.buffer.push(b'\n');
        }
        if self.buffer.len() >= BUFFER {
            self.spill();
        }
    }

    /// Appends the samples of another part of the run.
    pub fn append(&mut self, other: Samples) {
        other.first.into_iter().for_each(|finding| self.push(finding));
        if !other.files.is_empty() {
            // To keep the order, this buffer must precede the other's files.
            self.spill();
            self.files.extend(other.files);
        }
        self.buffer.extend(other.buffer);
    }

    fn spill(&mut self) {
        if self.buffer.is_empty() {
            return;
        }
        // A file shared with a clone of this list must not change.
        let own = self.files.last_mut().filter(|(file, _)| Arc::strong_count(file) == 1);
        let written = match own {
            Some((file, length)) => {
                let mut file = lock(file);
                file.write_all(&self.buffer).map(|()| *length += self.buffer.len() as u64)
            }
            None => crate::base::dir::unnamed(&std::env::temp_dir()).and_then(|mut file| {
                file.write_all(&self.buffer)?;
                self.files.push((Arc::new(Mutex::new(file)), self.buffer.len() as u64));
                Ok(())
            }),
        };
        if written.is_ok() {
            self.buffer.clear();
        }
    }

    /// Calls `each` with every sample as a line of JSON with its newline.
    pub fn lines(&self, each: &mut dyn FnMut(&[u8]) -> Result<()>) -> Result<()> {
        let mut line = Vec::new();
        for finding in &self.first {
            line.clear();
            serde_json::to_writer(&mut line, finding)?;
            line.push(b'\n');
            each(&line)?;
        }
        for (file, length) in &self.files {
            let mut file = lock(file);
            file.rewind()?;
            let mut lines = BufReader::new(std::io::Read::take(&mut *file, *length));
            loop {
                line.clear();
                if lines.read_until(b'\n', &mut line)? == 0 {
                    break;
                }
                each(&line)?;
            }
            // Later writes must continue at the end.
            drop(lines);
            file.seek(std::io::SeekFrom::Start(*length))?;
        }
        self.buffer.split_inclusive(|byte| *byte == b'\n').try_for_each(each)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::base::finding::FindingKind;

    fn numbered(range: std::ops::Range<u32>) -> Samples {
        let mut samples = Samples::default();
        for n in range {
            samples.push(Finding {
                kind: FindingKind::Lost,
                subspace: "t".into(),
                key: format!("{n:08}"),
                detail: "gone".into(),
            });
        }
        samples
    }

    fn keys(samples: &Samples) -> Vec<u32> {
        let mut keys = Vec::new();
        samples
            .lines(&mut |line| {
                let finding: Finding = serde_json::from_slice(line).unwrap();
                keys.push(finding.key.parse().unwrap());
                Ok(())
            })
            .unwrap();
        keys
    }

    #[test]
    fn every_sample_comes_back_in_order_wherever_it_is_kept() {
        for (one, other) in [(0, 0), (5, 7), (9_999, 2), (30_000, 0), (12_000, 45_000), (3, 60_000)] {
            let mut samples = numbered(0..one);
            let part = numbered(one..one + other);
            let copy = part.clone();
            samples.append(part);
            assert_eq!(keys(&samples), (0..one + other).collect::<Vec<_>>());
            assert!(samples.in_memory() <= MOST && samples.buffer.len() < 2 * BUFFER);
            // Adding to one of two lists that share files does not change the other.
            samples.append(numbered(one + other..one + other + 20_000));
            assert_eq!(keys(&samples), (0..one + other + 20_000).collect::<Vec<_>>());
            assert_eq!(keys(&copy), (one..one + other).collect::<Vec<_>>());
        }
    }
}
