//! The dump: a directory of subspace files that anyone can read, and a manifest that proves them.
//!
//! `docs/dump-format.md` describes it byte by byte. Reads the server's own dumps too. Knows no backend, no
//! configuration and no subspace: letters and names are given by the caller.

pub mod frame;

pub mod record;

pub mod digest;

pub mod manifest;

pub mod findings;

pub mod writer;

pub mod reader;

pub use manifest::Manifest;
pub use reader::{Dump, SubspaceReader, Verify};
pub use writer::{Description, DumpWriter, SubspaceWriter};
