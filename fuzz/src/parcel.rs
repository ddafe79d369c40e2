//! A dump directory as one input, and its checksums made right again.
//!
//! Without the repair every mutant would end at the first checksum. What is repaired the first byte says, so that
//! a fuzzer can choose. After it: length of a name (one byte), name, length (u32le), bytes, file after file.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::fs;
use std::path::Path;

use serde_json::{Map, Value, json};
use stalwart_migrate::base::hex::hex;
use stalwart_migrate::base::page::Page;
use stalwart_migrate::base::seal;
use stalwart_migrate::dump::digest::Digest;
use stalwart_migrate::dump::record::RecordReader;
use xxhash_rust::xxh32::{Xxh32, xxh32};

/// Header, block and content checksums of the frames.
pub const FRAMES: u8 = 1;
/// Lengths and BLAKE3 of the files in the manifest.
pub const FILES: u8 = 2;
/// Counts and digests of the records in the manifest, of files that can be read.
pub const COUNTS: u8 = 4;
/// The seal of the manifest.
pub const SEAL: u8 = 8;

/// Where the manifest stands.
pub const MANIFEST: &str = "manifest/manifest.json";
/// Where the findings stand.
pub const FINDINGS: &str = "manifest/findings.jsonl";

/// Files of a dump and what is to be repaired before they are read.
#[derive(Debug, Clone, Default)]
pub struct Parcel {
    /// Which checksums are made right.
    pub repair: u8,
    /// Names below the directory, and bytes.
    pub files: Vec<(String, Vec<u8>)>,
}

impl Parcel {
    /// Takes an input apart; whatever does not fit is left out.
    pub fn parse(input: &[u8]) -> Parcel {
        let Some((&repair, mut rest)) = input.split_first() else { return Parcel::default() };
        let mut files = Vec::new();
        while let Some((&length, more)) = rest.split_first() {
            let Some((name, more)) = more.split_at_checked(usize::from(length)) else { break };
            let Some((length, more)) = more.split_first_chunk::<4>() else { break };
            let length = (u32::from_le_bytes(*length) as usize).min(more.len());
            let (bytes, more) = more.split_at(length);
            files.push((String::from_utf8_lossy(name).into_owned(), bytes.to_vec()));
            rest = more;
        }
        Parcel { repair, files }
    }

    /// The input that gives this parcel.
    pub fn pack(&self) -> Vec<u8> {
        let mut out = vec![self.repair];
        for (name, bytes) in &self.files {
            let name = name.as_bytes().get(..255).unwrap_or(name.as_bytes());
            out.push(name.len() as u8);
            out.extend_from_slice(name);
            out.extend_from_slice(&(bytes.len() as u32).to_le_bytes());
            out.extend_from_slice(bytes);
        }
        out
    }

    /// The files of a directory and its `manifest/`, without repair.
    pub fn of(dir: &Path) -> Parcel {
        let mut files = Vec::new();
        for (folder, prefix) in [(dir.to_path_buf(), ""), (dir.join("manifest"), "manifest/")] {
            for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
                if entry.file_type().is_ok_and(|kind| kind.is_file()) {
                    let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
                    files.push((name, fs::read(entry.path()).unwrap()));
                }
            }
        }
        files.sort();
        Parcel { repair: 0, files }
    }

    /// The bytes of a file.
    pub fn file(&self, name: &str) -> Option<&Vec<u8>> {
        self.files.iter().find(|(other, _)| other == name).map(|(_, bytes)| bytes)
    }

    /// The bytes of a file, to be changed.
    pub fn file_mut(&mut self, name: &str) -> Option<&mut Vec<u8>> {
        self.files.iter_mut().find(|(other, _)| other == name).map(|(_, bytes)| bytes)
    }

    /// The manifest, if it is JSON.
    pub fn manifest(&self) -> Option<Value> {
        serde_json::from_slice(self.file(MANIFEST)?).ok()
    }

    /// The parcel with the checksums that it asks for.
    pub fn repaired(mut self) -> Parcel {
        if self.repair & FRAMES != 0 {
            for (name, bytes) in &mut self.files {
                if name.starts_with("subspace_") {
                    repair_frame(bytes);
                }
            }
        }
        if self.repair & (FILES | COUNTS | SEAL) == 0 {
            return self;
        }
        let Some(mut manifest) = self.manifest() else { return self };
        for entry in manifest.get_mut("subspaces").and_then(Value::as_array_mut).into_iter().flatten() {
            self.restate(entry);
        }
        if self.repair & FILES != 0
            && let Some(findings) = self.file(FINDINGS)
        {
            let lines = findings.split(|byte| *byte == b'\n').count() - 1;
            let blake3 = hex(blake3::hash(findings).as_bytes());
            if let Some(object) = manifest.as_object_mut() {
                let stated = json!({"lines": lines, "bytes": findings.len(), "blake3": blake3});
                object.insert("findings_file".into(), stated);
            }
        }
        let text = match self.repair & SEAL {
            0 => manifest.to_string(),
            _ => sealed(manifest),
        };
        if let Some(file) = self.file_mut(MANIFEST) {
            *file = text.into_bytes();
        }
        self
    }

    /// Corrects what the manifest says about one file.
    fn restate(&self, entry: &mut Value) {
        let Some(bytes) = entry["file"].as_str().and_then(|name| self.file(name)) else { return };
        let Some(entry) = entry.as_object_mut() else { return };
        if self.repair & FILES != 0 {
            entry.insert("file_bytes".into(), bytes.len().into());
            entry.insert("file_blake3".into(), hex(blake3::hash(bytes).as_bytes()).into());
        }
        if self.repair & COUNTS != 0 {
            recount(entry, bytes);
        }
    }

    /// Writes the files into an empty directory; names that would leave it are left out.
    pub fn unpack(&self, dir: &Path) {
        for (name, bytes) in &self.files {
            let parts: Vec<_> = name.split('/').collect();
            let harmless =
                |part: &&str| !part.is_empty() && *part != "." && *part != ".." && !part.contains('\0');
            if parts.len() > 2 || !parts.iter().all(harmless) {
                continue;
            }
            let path = dir.join(name);
            if let Some(folder) = path.parent() {
                let _ = fs::create_dir(folder);
            }
            let _ = fs::write(path, bytes);
        }
    }
}

/// A document as it stands in a dump, with a seal that fits.
pub fn sealed(mut document: Value) -> String {
    if let Some(object) = document.as_object_mut() {
        object.remove("seal");
    }
    seal::seal(&serde_json::to_string_pretty(&document).unwrap())
}

fn recount(entry: &mut Map<String, Value>, bytes: &[u8]) {
    let Ok(mut reader) = RecordReader::new(bytes, "f") else { return };
    let (mut page, mut digest) = (Page::new(), Digest::new());
    while let Ok(true) = reader.read_page(&mut page, 64 << 10) {
        digest.add_page(&page);
    }
    let found = digest.finish();
    let totals = found.totals;
    for (name, count) in [
        ("records", totals.records),
        ("key_bytes", totals.key_bytes),
        ("value_bytes", totals.value_bytes),
        ("longest_key", totals.longest_key),
        ("longest_value", totals.longest_value),
    ] {
        entry.insert(name.into(), count.into());
    }
    entry.insert("records_blake3".into(), hex(&found.records_blake3).into());
    entry.insert("records_sum".into(), found.records_sum.to_hex().into());
}

/// Makes every checksum of a frame right, as far as the frame can be followed.
fn repair_frame(bytes: &mut [u8]) {
    let [4, 0x22, 0x4d, 0x18, flg, ..] = *bytes else { return };
    let header = if flg & 8 == 0 { 6 } else { 14 };
    let Some(descriptor) = bytes.get(4..header) else { return };
    let checksum = xxh32(descriptor, 0).to_le_bytes()[1];
    let Some(place) = bytes.get_mut(header) else { return };
    *place = checksum;
    let mut at = header + 1;
    let mut content = Xxh32::new(0);
    let mut block = vec![0; 65_536];
    while let Some(size) = bytes.get(at..).and_then(<[u8]>::first_chunk) {
        let size = u32::from_le_bytes(*size);
        if size == 0 {
            if flg & 4 != 0 && bytes.len() >= at + 8 {
                bytes[at + 4..at + 8].copy_from_slice(&content.digest().to_le_bytes());
            }
            return;
        }
        let end = at + 4 + (size & 0x7fff_ffff) as usize;
        let Some(data) = bytes.get(at + 4..end) else { return };
        match size >> 31 {
            1 => content.update(data),
            _ => {
                let Ok(length) = lz4_flex::block::decompress_into(data, &mut block) else { return };
                content.update(&block[..length]);
            }
        }
        at = end;
        if flg & 0x10 != 0 {
            let checksum = xxh32(data, 0).to_le_bytes();
            let Some(place) = bytes.get_mut(at..at + 4) else { return };
            place.copy_from_slice(&checksum);
            at += 4;
        }
    }
}
