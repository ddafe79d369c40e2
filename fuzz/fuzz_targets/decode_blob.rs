//! The encoding of blobs. What is done with an input stands in the library of this crate.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| stalwart_migrate_fuzz::decode_blob(input));
