//! Generates the catalog from `schema/`.

fn main() {}
