//! The dump: a directory of subspace files that anyone can read, and a manifest that proves them.
//!
//! `docs/dump-format.md` describes it byte by byte. Reads the server's own dumps too. Knows no backend, no
//! configuration and no subspace: letters and names are given by the caller.

pub mod frame;

pub mod record;

pub mod digest;

pub mod manifest;
