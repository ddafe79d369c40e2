//! A configuration of the releases up to 0.15. What is done with an input stands in the library of this crate.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| stalwart_migrate_fuzz::read_config_toml(input));
