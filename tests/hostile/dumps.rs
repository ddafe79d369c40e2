//! Dumps to start from, and what is done to them so that it gets past the checksums.
//!
//! A change below a checksum is followed by the repair of every checksum above it, most of the time: of frames,
//! of files in the manifest, of counts, and of the manifest's own seal.

use std::path::Path;
use std::time::SystemTime;

use crate::sampler::Sampler;
use serde_json::{Value, json};
use stalwart_migrate::base::finding::{FindingKind, Findings};
use stalwart_migrate::base::page::Page;
use stalwart_migrate::catalog::{self, ValueKind};
use stalwart_migrate::dump::frame::{BLOCK, FrameReader, FrameWriter, SERVER_FLG};
use stalwart_migrate::dump::manifest::Completeness;
use stalwart_migrate::dump::record::encode_length;
use stalwart_migrate::dump::{Description, Dump, DumpWriter, Verify};

use super::bodies::parcel::{COUNTS, FILES, FINDINGS, FRAMES, MANIFEST, Parcel, SEAL};
use super::mutation::{below, flip, mutate, pick};

/// Values that fields of a manifest hardly ever have.
const NUMBERS: [u64; 9] = [0, 1, 6, 7, 255, 1 << 31, 1 << 32, u64::MAX - 1, u64::MAX];
const WORDS: [&str; 12] = [
    "",
    "a",
    "p",
    "P",
    "é",
    "../../etc/passwd",
    "/etc/passwd",
    "subspace_a",
    "subspace_p.partial",
    "blob_missing",
    "salvage",
    "\u{1b}[31m\nerror: all is lost",
];

/// Dumps of both kinds, small ones, from what a server wrote.
pub fn seeds() -> Vec<Parcel> {
    let fixtures = [("stalwart-0.15.5", 5), ("stalwart-0.16.18", 6)];
    fixtures.iter().flat_map(|(release, schema)| [ours(release, *schema), servers(release)]).collect()
}

fn fixture(release: &str) -> std::path::PathBuf {
    Path::new("tests/fixtures").join(release).join("server-dump-of-rocksdb")
}

/// A server's dump without its blobs, which are large.
fn servers(release: &str) -> Parcel {
    let mut parcel = Parcel::of(&fixture(release));
    parcel.files.retain(|(_, bytes)| bytes.len() < 50_000);
    parcel
}

/// The records of a server's dump as a dump of ours: at most forty a subspace, and small blobs.
fn ours(release: &str, schema: u32) -> Parcel {
    let server = Dump::open(&fixture(release)).unwrap();
    let version = catalog::version(schema).unwrap();
    let place = tempfile::tempdir().unwrap();
    let mut dump = DumpWriter::create(place.path(), schema).unwrap();
    let mut entries = Vec::new();
    for file in server.subspaces() {
        let subspace = version.subspace(file.letter).unwrap();
        let mut writer = dump.subspace(file.letter, subspace.name).unwrap();
        let mut records = server.open_subspace(file.letter, Verify::Counts).unwrap();
        let mut page = Page::new();
        while writer.records() < 40 && records.read_page(&mut page, 1).unwrap() {
            let mut short = Page::new();
            page.iter()
                .filter(|(_, value)| value.len() < 1500)
                .for_each(|(key, value)| short.push(key, value));
            writer.append(&short).unwrap();
        }
        // Something that fills more than one block.
        if subspace.value == ValueKind::Bytes && file.letter == 'p' {
            page.clear();
            page.push(&[0xff; 9], &[b'x'; BLOCK + 100]);
            writer.append(&page).unwrap();
        }
        entries.push(writer.finish().unwrap());
    }
    let mut findings = Findings::new();
    findings.add(FindingKind::BlobMissing, "k", &[7; 32], || "linked and not there".into());
    findings.add(FindingKind::BadValue, "p", b"key", || "a sample".into());
    let description = Description {
        tool_version: "0.1.0".into(),
        server_releases: version.releases.into(),
        source: "memory".into(),
        created: SystemTime::UNIX_EPOCH,
        completeness: Completeness::Complete,
        skipped: vec![],
        local: vec![],
        unhashed_blobs: Vec::new(),
        read_versions: None,
    };
    dump.finish(entries, description, &findings).unwrap();
    Parcel::of(place.path())
}

/// One dump, broken.
pub fn broken(numbers: &mut Sampler, seeds: &[Parcel]) -> Parcel {
    let mut parcel = pick(numbers, seeds).clone();
    let other = pick(numbers, seeds).clone();
    let all = FRAMES | FILES | COUNTS | SEAL;
    match numbers.below(20) {
        0..=2 => {
            parcel.repair = 0;
            bytes(numbers, &mut parcel, &other);
        }
        3..=6 => {
            parcel.repair = *pick(numbers, &[FRAMES | FILES | SEAL, FILES | SEAL, all]);
            bytes(numbers, &mut parcel, &other);
        }
        7..=12 => {
            parcel.repair = *pick(numbers, &[all, all, FILES | SEAL]);
            content(numbers, &mut parcel, &other);
        }
        13..=15 => {
            parcel.repair = *pick(numbers, &[SEAL, SEAL, SEAL | COUNTS]);
            manifest(numbers, &mut parcel);
        }
        16 => {
            parcel.repair = FILES | SEAL;
            let file = parcel.file(FINDINGS).cloned().unwrap_or_default();
            if let Some(findings) = parcel.file_mut(FINDINGS) {
                mutate(numbers, findings, &file);
            }
        }
        17..=18 => {
            parcel.repair = *pick(numbers, &[0, FILES | SEAL, all]);
            directory(numbers, &mut parcel, &other);
        }
        _ => {
            parcel.repair = all;
            blocks(numbers, &mut parcel);
        }
    }
    parcel
}

/// The name of a subspace file of a parcel.
fn subspace(numbers: &mut Sampler, parcel: &Parcel) -> String {
    let names: Vec<&String> =
        parcel.files.iter().map(|(name, _)| name).filter(|name| name.starts_with("subspace_")).collect();
    pick(numbers, &names).to_string()
}

/// Bytes of any file.
fn bytes(numbers: &mut Sampler, parcel: &mut Parcel, other: &Parcel) {
    let at = below(numbers, parcel.files.len());
    let more = &pick(numbers, &other.files).1;
    mutate(numbers, &mut parcel.files[at].1, more);
}

/// What a frame holds; repeated, cut or lying, in a new frame that is sound.
fn content(numbers: &mut Sampler, parcel: &mut Parcel, other: &Parcel) {
    let name = subspace(numbers, parcel);
    let Some(file) = parcel.file_mut(&name) else { return };
    let mut content = unframed(file);
    let name = subspace(numbers, other);
    let more = unframed(other.file(&name).map_or(&[][..], Vec::as_slice));
    match numbers.below(6) {
        0 => flip(numbers, &mut content),
        1 => {
            // A record of a size that is not there, or that is: zeros shrink well.
            let (length, used) = encode_length(*pick(numbers, &[0, 65_536, 65_537, 1 << 20, u32::MAX]));
            content.extend(&length[..used]);
            content.resize(content.len() + below(numbers, 300_000), 0);
        }
        _ => mutate(numbers, &mut content, &more),
    }
    *file =
        if file.get(4) == Some(&SERVER_FLG) { servers_frame(numbers, &content) } else { our_frame(&content) };
}

fn unframed(file: &[u8]) -> Vec<u8> {
    let mut content = Vec::new();
    if let Ok(mut frame) = FrameReader::new(file, "f") {
        while let Ok(true) = frame.next_block() {
            content.extend_from_slice(frame.block());
        }
    }
    content
}

fn our_frame(content: &[u8]) -> Vec<u8> {
    let mut writer = FrameWriter::new(Vec::new());
    writer.push(content).unwrap();
    writer.finish().unwrap()
}

/// Blocks of any size, stored or not, with or without an end mark.
fn servers_frame(numbers: &mut Sampler, content: &[u8]) -> Vec<u8> {
    let mut file = vec![4, 0x22, 0x4d, 0x18, SERVER_FLG, 0x40, 0x82];
    let size = *pick(numbers, &[BLOCK, 1000, 7]);
    for block in content.chunks(size) {
        let packed = lz4_flex::block::compress(block);
        let (data, stored) = if packed.len() < block.len() { (&packed[..], 0) } else { (block, 1 << 31) };
        file.extend((data.len() as u32 | stored).to_le_bytes());
        file.extend(data);
    }
    if numbers.below(2) == 0 {
        file.extend([0; 4]);
    }
    file
}

/// Blocks repeated, dropped, exchanged, or of a size that lies.
fn blocks(numbers: &mut Sampler, parcel: &mut Parcel) {
    let name = subspace(numbers, parcel);
    let Some(file) = parcel.file_mut(&name) else { return };
    let trailer = if file.get(4).is_some_and(|flg| flg & 0x10 != 0) { 4 } else { 0 };
    let (mut blocks, mut at) = (Vec::new(), 7);
    while let Some(size) = file.get(at..).and_then(<[u8]>::first_chunk::<4>) {
        let length = (u32::from_le_bytes(*size) & 0x7fff_ffff) as usize;
        let end = at + 4 + length + trailer;
        if length == 0 || end > file.len() {
            break;
        }
        blocks.push(file[at..end].to_vec());
        at = end;
    }
    let tail = file[at.min(file.len())..].to_vec();
    if blocks.is_empty() {
        return;
    }
    let which = below(numbers, blocks.len());
    match numbers.below(5) {
        0 => blocks = [&blocks[..], &blocks[which..]].concat(),
        1 => drop(blocks.remove(which)),
        2 => blocks.reverse(),
        3 => {
            let lie =
                *pick(numbers, &[0, 1, 0x7fff_ffff, 0xffff_ffff, 0x8000_0000, 0x0001_0001, 0x8000_0001]);
            blocks[which][..4].copy_from_slice(&u32::to_le_bytes(lie));
        }
        _ => {
            blocks = blocks[which]
                .repeat(1 + below(numbers, 50))
                .chunks(blocks[which].len())
                .map(Vec::from)
                .collect()
        }
    }
    file.truncate(7);
    blocks.iter().for_each(|block| file.extend(block));
    file.extend(tail);
}

/// Fields of the manifest.
fn manifest(numbers: &mut Sampler, parcel: &mut Parcel) {
    let Some(mut manifest) = parcel.manifest() else { return };
    if numbers.below(4) == 0 {
        lie(numbers, &mut manifest);
    }
    for _ in 0..=below(numbers, 3) {
        change(numbers, &mut manifest);
    }
    if let Some(file) = parcel.file_mut(MANIFEST) {
        *file = manifest.to_string().into_bytes();
    }
}

/// Counts that do not contradict each other and are wrong.
fn lie(numbers: &mut Sampler, manifest: &mut Value) {
    let Some(entries) = manifest.get_mut("subspaces").and_then(Value::as_array_mut) else { return };
    let longest = *pick(numbers, &[1, 2, 1 << 32, u64::MAX]);
    let total = *pick(numbers, &[u64::MAX, 1 << 63, 1 << 40, longest]);
    let all = numbers.below(2) == 0;
    let which = below(numbers, entries.len().max(1));
    for entry in entries.iter_mut().enumerate().filter(|(n, _)| all || *n == which).map(|(_, entry)| entry) {
        for (name, value) in [
            ("records", u64::MAX),
            ("key_bytes", total.max(longest)),
            ("value_bytes", total.max(longest)),
            ("longest_key", longest),
            ("longest_value", longest),
        ] {
            entry[name] = json!(value);
        }
    }
}

/// Changes a value somewhere inside.
fn change(numbers: &mut Sampler, value: &mut Value) {
    match value {
        Value::Object(map) if !map.is_empty() && numbers.below(12) > 0 => {
            let names: Vec<String> = map.keys().cloned().collect();
            let name = pick(numbers, &names);
            match numbers.below(14) {
                0 => drop(map.remove(name)),
                1 => drop(map.insert(pick(numbers, &WORDS).to_string(), json!(u64::MAX))),
                _ => change(numbers, &mut map[name]),
            }
        }
        Value::Array(list) if !list.is_empty() && numbers.below(12) > 0 => {
            let at = below(numbers, list.len());
            match numbers.below(8) {
                0 => drop(list.remove(at)),
                1 => list.push(list[at].clone()),
                2 => list.reverse(),
                _ => change(numbers, &mut list[at]),
            }
        }
        Value::Number(number) if numbers.below(10) > 0 => {
            let old = number.as_u64().unwrap_or(0);
            let near = [old.wrapping_add(1), old.wrapping_sub(1), old.wrapping_mul(2)];
            *value = match numbers.below(2) {
                0 => json!(pick(numbers, &near)),
                _ => json!(pick(numbers, &NUMBERS)),
            };
        }
        Value::String(text) if numbers.below(10) > 0 => match numbers.below(3) {
            0 => *text = pick(numbers, &WORDS).to_string(),
            1 => text.push_str(pick::<&str>(numbers, &WORDS)),
            _ => *text = text.chars().cycle().take(below(numbers, 100_000)).collect(),
        },
        other => {
            let odd = [json!(null), json!(-1), json!(1.5), json!([]), json!({}), json!("x"), json!([[[[]]]])];
            *other = pick(numbers, &odd).clone();
        }
    }
}

/// Files renamed, exchanged, missing, twice, or not expected at all.
fn directory(numbers: &mut Sampler, parcel: &mut Parcel, other: &Parcel) {
    let at = below(numbers, parcel.files.len());
    let name = parcel.files[at].0.clone();
    match numbers.below(7) {
        0 => drop(parcel.files.remove(at)),
        1 => parcel.files[at].0 = format!("{name}.partial"),
        2 => {
            parcel.files[at].0 =
                pick(numbers, &["subspace_A", "subspace_", "subspace_é", "x", "manifest"]).to_string()
        }
        3 => {
            let second = below(numbers, parcel.files.len());
            parcel.files[at].0 = std::mem::take(&mut parcel.files[second].0);
            parcel.files[second].0 = name;
        }
        4 => {
            let (_, bytes) = pick(numbers, &other.files).clone();
            parcel.files[at].1 = bytes;
        }
        5 => parcel.files.push((format!("manifest/{name}"), b"{}".to_vec())),
        _ => {
            let letter = char::from(b'a' + numbers.below(26) as u8);
            let bytes = parcel.files[at].1.clone();
            parcel.files.push((format!("subspace_{letter}"), bytes));
        }
    }
}
