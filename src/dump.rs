//! The dump: a directory of subspace files in a documented format, and a manifest to verify them.
//!
//! `docs/dump-format.md` describes the format byte by byte. The server's own dumps can be read too. Does not
//! depend on backends, configuration or the catalog: the caller passes letters and names.

pub mod frame;

pub mod record;

pub mod digest;

pub mod manifest;

pub(crate) mod findings;

pub mod writer;

pub mod reader;

pub use manifest::Manifest;
pub use reader::{Dump, SubspaceReader, Verify};
pub use writer::{Description, DumpWriter, SubspaceWriter};
