//! Broken inputs: none makes the program panic, hang, or take memory for a length that is only stated.
//!
//! Runs what the targets in `fuzz/` run, without a fuzzer: on their corpus and on mutants, the same ones for the
//! same seed. `STALWART_MIGRATE_FUZZ=full` runs every campaign at its full length, `STALWART_MIGRATE_FUZZ_SECONDS`
//! each for a time, `STALWART_MIGRATE_FUZZ_SEED` another series. Without optimisation a tenth is done.

#![allow(clippy::unwrap_used, clippy::expect_used)]

#[path = "../../fuzz/src/lib.rs"]
mod bodies;
mod campaign;
mod directories;
mod dumps;
mod memory;
mod mutation;
#[path = "../oracle/sampler.rs"]
mod sampler;

use std::fs;
use std::path::Path;

use campaign::Campaign;
use mutation::{below, flip, mutate, mutate_text, pick};
use sampler::Sampler;
use stalwart_migrate::catalog;

#[global_allocator]
static ALLOCATOR: memory::Counting = memory::Counting;

/// Words of a configuration.
const SETTINGS: [&str; 44] = [
    "\n",
    " = ",
    "\"",
    "'",
    "'''",
    "\\",
    "[",
    "]",
    "[[",
    "]]",
    "{",
    "}",
    ",",
    ".",
    "#",
    "\r",
    "\t",
    ":",
    "%{env:STORE_DIR}%",
    "%{env:STORE_PASSWORD}%",
    "%{env:NONE}%",
    "%{file:/dev/null}%",
    "%{cfg:pw}%",
    "%{cfg:storage.data}%",
    "%{cfg:",
    "}%",
    "\n[store.d]\n",
    "\n[store.\"x y\"]\n",
    "storage.data = \"d\"\n",
    "storage.blob",
    "store.d.type",
    "port = 99999999999999999999\n",
    "timeout = \"9999999999999999999d\"\n",
    "depth = 18446744073709551615\n",
    "sharded-blob",
    "sql-read-replica",
    "stores = [\"d\", \"e\"]\n",
    "null",
    "true",
    "1e999",
    "-1",
    "18446744073709551616",
    "{\"@type\":\"Value\",\"secret\":\"s\"}",
    "{\"@type\":\"File\",\"filePath\":\"/dev/zero\"}",
];

/// Words of the catalog.
const SCHEMA: [&str; 24] = [
    "\n",
    ": ",
    "- ",
    "[",
    "]",
    "{",
    "}",
    "'",
    "\"",
    "&a ",
    "*a",
    "<<: *a",
    "|\n",
    ">\n",
    "..",
    "1..",
    "0x",
    "bytes(18446744073709551615)",
    "u64",
    "rest",
    "hash",
    "leb128",
    "null",
    "\t",
];

/// The corpus of a target: files kept for what they once showed, and small valid inputs.
fn corpus(target: &str) -> Vec<Vec<u8>> {
    let mut paths: Vec<_> = fs::read_dir(Path::new("fuzz/corpus").join(target))
        .into_iter()
        .flatten()
        .map(|entry| entry.unwrap().path())
        .collect();
    paths.sort();
    paths.iter().map(|path| fs::read(path).unwrap()).collect()
}

/// Files of a folder of this repository with this ending, small ones.
fn texts(folder: &str, ending: &str) -> Vec<Vec<u8>> {
    let mut paths: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == ending));
    paths.sort();
    paths.iter().map(|path| fs::read(path).unwrap()).collect()
}

/// Mutants of texts.
fn of_texts<'a>(seeds: &'a [Vec<u8>], words: &'a [&'a str]) -> impl FnMut(&mut Sampler) -> Vec<u8> + 'a {
    move |numbers| {
        let mut input = pick(numbers, seeds).clone();
        let other = pick(numbers, seeds);
        mutate_text(numbers, &mut input, other, words);
        input.truncate(16 << 10);
        input
    }
}

#[test]
fn dumps_are_read_or_refused() {
    let dumps = dumps::seeds();
    let mut seeds = corpus("read_dump");
    seeds.extend(dumps.iter().map(|dump| dump.pack()));
    // A frame's content is up to 255 times its length; the reader holds a page and a record of it.
    let campaign =
        Campaign { target: "read_dump", body: bodies::read_dump, counts: [5_000, 10_000], memory: 64 << 20 };
    campaign.run(&seeds, |numbers| dumps::broken(numbers, &dumps).pack());
}

#[test]
fn manifests_are_read_or_refused() {
    let mut seeds = corpus("read_manifest");
    seeds.extend(dumps::seeds().iter().filter_map(|dump| dump.file("manifest/manifest.json").cloned()));
    let campaign = Campaign {
        target: "read_manifest",
        body: bodies::read_manifest,
        counts: [10_000, 100_000],
        memory: 8 << 20,
    };
    campaign
        .run(&seeds, of_texts(&seeds, &["{", "}", "[", "]", ",", "\"", "0", "9", "null", "1e9", "\\u0000"]));
}

#[test]
fn keys_are_read_the_same_by_generated_code_and_interpreter() {
    let mut seeds = corpus("decode_key");
    seeds.push(vec![0; 20]);
    let campaign = Campaign {
        target: "decode_key",
        body: bodies::decode_key,
        counts: [1_000_000, 1_000_000],
        memory: 4 << 20,
    };
    campaign.run(&seeds, |numbers| {
        let version = below(numbers, catalog::versions().len());
        let subspaces = catalog::versions()[version].subspaces;
        let letter = below(numbers, subspaces.len());
        let mut key = match subspaces[letter].layouts {
            [] => vec![],
            layouts => {
                let layout = pick(numbers, layouts);
                numbers.key(layout)
            }
        };
        let mut value: Vec<u8> = (0..numbers.below(24)).map(|_| numbers.number() as u8).collect();
        match numbers.below(4) {
            0 => {}
            1 => flip(numbers, &mut key),
            _ => {
                let other = key.clone();
                mutate(numbers, &mut key, &other);
                mutate(numbers, &mut value, &other);
            }
        }
        value.truncate(255);
        let mut input = vec![version as u8, letter as u8, value.len() as u8];
        input.extend(value);
        input.extend(key);
        input
    });
}

#[test]
fn toml_configurations_are_read_or_refused() {
    let mut seeds = corpus("read_config_toml");
    seeds.extend(texts("tests/fixtures/stalwart-0.13.4/config", "toml"));
    seeds.extend(texts("tests/fixtures/stalwart-0.15.5/config", "toml"));
    let campaign = Campaign {
        target: "read_config_toml",
        body: bodies::read_config_toml,
        counts: [250_000, 500_000],
        memory: 16 << 20,
    };
    campaign.run(&seeds, of_texts(&seeds, &SETTINGS));
}

#[test]
fn json_configurations_are_read_or_refused() {
    let mut seeds = corpus("read_config_json");
    seeds.extend(texts("tests/fixtures/stalwart-0.16.18/config", "json"));
    let campaign = Campaign {
        target: "read_config_json",
        body: bodies::read_config_json,
        counts: [250_000, 500_000],
        memory: 8 << 20,
    };
    campaign.run(&seeds, of_texts(&seeds, &SETTINGS));
}

#[test]
fn blobs_are_decoded_or_kept() {
    let mut seeds = corpus("decode_blob");
    let content = b"a blob, a blob, a blob, a blob, a blob".repeat(3);
    let packed = lz4_flex::block::compress(&content);
    let length = (content.len() as u32).to_le_bytes();
    seeds.push([&[1, 0][..], &length, &packed, &[0xa1]].concat());
    seeds.push([&[2, 1][..], &content, &[0]].concat());
    // Claims as much as so many bytes could become.
    let claim = (255 * (16 << 10) as u32).to_le_bytes();
    seeds.push([&[1, 0][..], &claim, &[0; 16 << 10], &[0xa1]].concat());
    let campaign = Campaign {
        target: "decode_blob",
        body: bodies::decode_blob,
        counts: [200_000, 1_000_000],
        memory: 4 << 20,
    };
    campaign.run(&seeds, |numbers| {
        let mut input = pick(numbers, &seeds).clone();
        let other = pick(numbers, &seeds);
        mutate(numbers, &mut input, other);
        input
    });
}

#[test]
fn schemas_are_read_or_refused() {
    let base: Vec<u8> = texts("codegen/tests/base", "yaml").concat();
    let mut seeds = corpus("read_schema");
    for text in texts("codegen/tests/accept", "yaml").into_iter().chain(texts("codegen/tests/reject", "yaml"))
    {
        seeds.push([text.clone(), base.clone()].concat());
        seeds.push(text);
    }
    let campaign = Campaign {
        target: "read_schema",
        body: bodies::read_schema,
        counts: [2_000, 20_000],
        memory: 64 << 20,
    };
    campaign.run(&seeds, of_texts(&seeds, &SCHEMA));
}

#[test]
fn states_of_interrupted_runs_are_read_or_refused() {
    let mut seeds = corpus("read_resume_state");
    seeds
        .push(bodies::parcel::sealed(serde_json::json!({"command": "import", "wiped": [1, 2]})).into_bytes());
    let campaign = Campaign {
        target: "read_resume_state",
        body: bodies::read_resume_state,
        counts: [10_000, 100_000],
        memory: 8 << 20,
    };
    campaign.run(&seeds, of_texts(&seeds, &["{", "}", "[", "]", ",", "\"", "0", "null", "  \"seal\": \""]));
}
