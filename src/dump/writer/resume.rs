//! Resumes the subspace file of an interrupted run.
//!
//! The progress of the run is read from the file itself: blocks have checksums, so anything torn by a kill or a
//! power cut is detected, and everything before it is kept. No progress marks are needed. Since a block depends
//! on its content alone, the finished file is the same as that of an uninterrupted run.

use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::path::Path;

use xxhash_rust::xxh32::Xxh32;

use super::packer::Packer;
use super::{HashedFile, SubspaceWriter, failed};
use crate::base::dir::Dir;
use crate::base::error::{Error, ErrorKind, Result};
use crate::base::page::Page;
use crate::dump::digest::Digest;
use crate::dump::frame::{BLOCK, FrameReader, FrameWriter};
use crate::dump::manifest::SubspaceEntry;
use crate::dump::record::{CONTENT_HEADER, RecordReader, encode_length};

// Bytes of records read at once; up to this amount may be read from the store again.
const PAGE: usize = 256 * 1024;

/// State of the file of a subspace after an interrupted run.
pub enum Resumed {
    /// No usable part existed; the file is started anew.
    Begun(SubspaceWriter),
    /// The intact part is kept; records after its last key are to be appended.
    Continued(SubspaceWriter),
    /// The file was complete.
    Finished(SubspaceEntry),
}

/// The file of a subspace from an interrupted run. It can be read in any thread.
pub struct Unfinished {
    dir: Dir,
    file: String,
    letter: char,
    name: String,
    schema_version: u32,
}

impl Unfinished {
    pub(super) fn new(dir: Dir, file: String, letter: char, name: &str, schema_version: u32) -> Self {
        Unfinished { dir, file, letter, name: name.to_owned(), schema_version }
    }

    /// Reads the records in the intact blocks, passes them to `each` in key order, and prepares the file for the
    /// remaining records.
    ///
    /// Errors: `Refused` if the file does not belong to this export, `Io`, and those of `each`.
    pub fn read(self, each: &mut dyn FnMut(&Page) -> Result<()>) -> Result<Resumed> {
        let Unfinished { dir, file, letter, name, schema_version } = self;
        let path = dir.place(&file);
        let begin = || SubspaceWriter::create(&dir, &file, letter, &name, schema_version).map(Resumed::Begun);
        let opened = match dir.reopen_file(&file) {
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return begin(),
            opened => opened.map_err(|e| failed("cannot open the file", &path, e))?,
        };
        let again = || opened.try_clone().map_err(|e| failed("cannot open the file", &path, e));
        let Some(kept) = WholePart::read(again()?, &path, letter, schema_version, each)? else {
            // The file has no intact header.
            dir.remove(&file).map_err(|e| failed("cannot remove the unfinished file", &path, e))?;
            return begin();
        };
        if let Some((bytes, hash)) = kept.end {
            let entry = SubspaceEntry::new(letter, &name, &kept.digest.finish(), bytes, hash.as_bytes());
            opened.sync_all().map_err(|e| failed("cannot bring the file to the disk", &path, e))?;
            return Ok(Resumed::Finished(entry));
        }
        let packer = Packer::resume(cut(opened, &path, kept.content)?);
        let (digest, last) = (kept.digest, kept.last);
        Ok(Resumed::Continued(SubspaceWriter { letter, name, path, packer, digest, last }))
    }
}

/// The part of a file that can be kept.
struct WholePart {
    digest: Digest,
    last: Option<Vec<u8>>,
    /// Bytes of content up to the end of the last complete record.
    content: u64,
    /// Length and hash of the file, if it is complete.
    end: Option<(u64, blake3::Hash)>,
}

impl WholePart {
    /// Reads every complete record in intact blocks; `None` if the header is not intact.
    fn read(
        file: File,
        path: &Path,
        letter: char,
        schema_version: u32,
        each: &mut dyn FnMut(&Page) -> Result<()>,
    ) -> Result<Option<WholePart>> {
        let reader = torn(RecordReader::new(Hashing::new(BufReader::new(file)), path.display().to_string()))?;
        let Some(mut reader) = reader else { return Ok(None) };
        let header = reader.header();
        if !reader.frame().is_ours() || header.letter != letter || header.schema_version != schema_version {
            return Err(Error::refused("the file does not belong to this export")
                .with("path", path.display().to_string())
                .help("remove the directory and export again"));
        }
        let mut kept =
            WholePart { digest: Digest::new(), last: None, content: CONTENT_HEADER as u64, end: None };
        let mut page = Page::new();
        loop {
            match torn(reader.read_page(&mut page, PAGE))? {
                None => return Ok(Some(kept)),
                Some(false) => break,
                Some(true) => {}
            }
            if !kept.add(&page) {
                return Ok(Some(kept));
            }
            each(&page)?;
        }
        if reader.end().is_some_and(|end| end.end_mark && end.content_checked) {
            let input = reader.into_input();
            kept.end = Some((input.bytes, input.hasher.finalize()));
        }
        Ok(Some(kept))
    }

    /// Counts a page; returns false and counts nothing if its keys are out of order, since no run writes such a
    /// page.
    fn add(&mut self, page: &Page) -> bool {
        let mut before = self.last.as_deref();
        for (key, _) in page.iter() {
            if before.is_some_and(|before| before >= key) {
                return false;
            }
            before = Some(key);
        }
        for (key, value) in page.iter() {
            self.digest.add(key, value);
            // The casts are lossless: the reader refuses lengths of more than 32 bits.
            let lengths = encode_length(key.len() as u32).1 + encode_length(value.len() as u32).1;
            self.content += (lengths + key.len() + value.len()) as u64;
        }
        if let Some((key, _)) = page.last() {
            self.last = Some(key.to_vec());
        }
        true
    }
}

/// Truncates the file after `content` bytes of content and returns its frame, ready for appending.
fn cut(mut file: File, path: &Path, content: u64) -> Result<FrameWriter<HashedFile>> {
    file.rewind().map_err(|e| failed("cannot read the file", path, e))?;
    let again = file.try_clone().map_err(|e| failed("cannot open the file", path, e))?;
    let mut reader = FrameReader::new(Hashing::new(BufReader::new(again)), path.display().to_string())?;
    let mut content_hash = Xxh32::new(0);
    for _ in 0..content / BLOCK as u64 {
        if !reader.next_block()? || reader.block().len() != BLOCK {
            return Err(changed(path));
        }
        content_hash.update(reader.block());
    }
    // The last whole block ends here; the content after it is compressed again when its block is full.
    let (bytes, hasher) = (reader.offset(), reader.input().hasher.clone());
    let rest = (content % BLOCK as u64) as usize;
    let started = match rest {
        0 => Vec::new(),
        _ if reader.next_block()? => reader.block().get(..rest).ok_or_else(|| changed(path))?.to_vec(),
        _ => return Err(changed(path)),
    };
    drop(reader);
    file.set_len(bytes)
        .and_then(|()| file.seek(SeekFrom::Start(bytes)))
        .map_err(|e| failed("cannot cut off what is torn", path, e))?;
    Ok(FrameWriter::resume(HashedFile::resume(file, hasher, bytes), content_hash, &started))
}

/// Maps damage to `None`, because it marks where an interrupted run stopped; other errors remain.
fn torn<T>(outcome: Result<T>) -> Result<Option<T>> {
    match outcome {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.kind() == ErrorKind::Damaged => Ok(None),
        Err(error) => Err(error),
    }
}

fn changed(path: &Path) -> Error {
    Error::io("the file has changed while it was read")
        .with("path", path.display().to_string())
        .help("is another export running in this directory?")
}

/// An input and the hash of the bytes read from it.
struct Hashing<R> {
    input: R,
    hasher: blake3::Hasher,
    bytes: u64,
}

impl<R> Hashing<R> {
    fn new(input: R) -> Self {
        Hashing { input, hasher: blake3::Hasher::new(), bytes: 0 }
    }
}

impl<R: Read> Read for Hashing<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let read = self.input.read(buffer)?;
        self.hasher.update(buffer.get(..read).unwrap_or_default());
        self.bytes += read as u64;
        Ok(read)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    /// Records of many sizes: some fill a block, some span several.
    fn records() -> Vec<(Vec<u8>, Vec<u8>)> {
        let mut state = 7u32;
        let mut noise = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as u8
        };
        let sizes = [0usize, 3, 200, 65_000, 1, 300_000, 90, 131_072, 70_000, 12, 0, 900_000, 5];
        let value = |n: usize, noise: &mut dyn FnMut() -> u8| (0..n).map(|_| noise()).collect();
        (0..6u8)
            .flat_map(|round| sizes.iter().enumerate().map(move |(at, size)| (vec![round, at as u8], *size)))
            .map(|(key, size)| (key, value(size, &mut noise)))
            .collect()
    }

    fn append(writer: &mut SubspaceWriter, records: &[(Vec<u8>, Vec<u8>)]) {
        for (key, value) in records {
            if writer.last_key().is_none_or(|last| last < key.as_slice()) {
                let mut page = Page::new();
                page.push(key, value);
                writer.append(&page).unwrap();
            }
        }
    }

    #[test]
    fn a_file_cut_anywhere_is_finished_with_the_same_bytes() {
        let temporary = tempfile::tempdir().unwrap();
        let dir = Dir::open(temporary.path()).unwrap();
        let file = "subspace_p.partial";
        let path = dir.place(file);
        let records = records();
        let mut writer = SubspaceWriter::create(&dir, file, 'p', "property", 5).unwrap();
        append(&mut writer, &records);
        let expect = writer.finish().unwrap();
        let whole = std::fs::read(&path).unwrap();
        let resume = |what: &str| {
            let mut seen = 0;
            let unfinished = Unfinished::new(dir.try_clone().unwrap(), file.into(), 'p', "property", 5);
            let resumed = unfinished.read(&mut |page| {
                seen += page.len() as u64;
                Ok(())
            });
            let entry = match resumed.unwrap() {
                Resumed::Finished(entry) => entry,
                Resumed::Begun(mut writer) => {
                    assert_eq!((writer.last_key(), seen), (None, 0), "{what}");
                    append(&mut writer, &records);
                    writer.finish().unwrap()
                }
                Resumed::Continued(mut writer) => {
                    assert_eq!(writer.records(), seen, "{what}");
                    append(&mut writer, &records);
                    writer.finish().unwrap()
                }
            };
            assert_eq!(entry, expect, "{what}");
            assert!(std::fs::read(&path).unwrap() == whole, "{what}");
            seen
        };
        assert_eq!(resume("whole"), records.len() as u64);
        let places = (0..40).chain((40..whole.len()).step_by(whole.len() / 150));
        for at in places.chain(whole.len() - 20..whole.len()) {
            std::fs::write(&path, &whole[..at]).unwrap();
            resume(&format!("cut at {at}"));
            // A power cut may keep the length and lose the bytes.
            let mut torn = whole.clone();
            torn[at..].fill(0);
            std::fs::write(&path, torn).unwrap();
            resume(&format!("zeros from {at}"));
            let mut flipped = whole.clone();
            flipped[at] ^= 4;
            std::fs::write(&path, flipped).unwrap();
            resume(&format!("flipped at {at}"));
        }
    }
}
