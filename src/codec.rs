//! Segment primitives: the prelude of the generated key code.
//!
//! Total and panic-free: decoding consumes every byte or says why not. Knows no subspace.

/// Why bytes are no key of a layout.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyError {
    /// No layout of the subspace accepts a key of these bytes.
    NoLayout,
}
