//! What a transaction does to keys.

use crate::future::Bytes;
use crate::store::log::Span;

/// An atomic operation: the store computes the new value from the one it has when the transaction commits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operation {
    Add,
    And,
    Or,
    Xor,
    AppendIfFits,
    Max,
    Min,
    ByteMin,
    ByteMax,
    CompareAndClear,
}

impl Operation {
    /// The operation of a code of `FDBMutationType`; the two with versionstamps are mutations of their own.
    pub(crate) fn of_code(code: u32) -> Option<Self> {
        Some(match code {
            2 => Self::Add,
            6 => Self::And,
            7 => Self::Or,
            8 => Self::Xor,
            9 => Self::AppendIfFits,
            12 => Self::Max,
            13 => Self::Min,
            16 => Self::ByteMin,
            17 => Self::ByteMax,
            20 => Self::CompareAndClear,
            _ => return None,
        })
    }
}

/// One step of a transaction, in the order of its calls.
#[derive(Debug, Clone)]
pub(crate) enum Mutation {
    Set(Vec<u8>, Bytes),
    Clear(Span),
    Atomic(Operation, Vec<u8>, Vec<u8>),
    /// The key receives the version of the commit.
    StampedKey(Vec<u8>, Bytes),
    /// The value receives the version of the commit.
    StampedValue(Vec<u8>, Vec<u8>),
}
