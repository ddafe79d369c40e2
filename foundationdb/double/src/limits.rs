//! Limits of batches, keys, values and transactions.
//!
//! The limits of keys, values and transactions are those of "Known limitations" in FoundationDB's documentation.
//! The bytes of a batch in each streaming mode are those of the C binding.

use std::ffi::c_int;

use crate::code::Code;

pub(crate) const KEY: usize = 10_000;
pub(crate) const SYSTEM_KEY: usize = 30_000;
pub(crate) const VALUE: usize = 100_000;
pub(crate) const TRANSACTION: usize = 10_000_000;

/// What a row costs in a batch besides its key and value: its place in the array that is returned.
pub(crate) const ROW: usize = 24;
/// What a mutation and a range cost in a transaction besides their keys and values.
pub(crate) const MUTATION: usize = 28;
pub(crate) const RANGE: usize = 24;

const ITERATIONS: [usize; 10] = [4096, 6144, 9216, 13824, 20736, 31104, 46656, 69984, 80000, 120_000];

/// Where a batch ends: after so many rows, or after the row with which it has so many bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Batch {
    pub(crate) rows: usize,
    pub(crate) bytes: usize,
}

/// The limits of a batch. Zero means no limit of rows or bytes.
pub(crate) fn batch(limit: c_int, target_bytes: c_int, mode: c_int, iteration: c_int) -> Result<Batch, Code> {
    let unlimited = |number: c_int| match usize::try_from(number) {
        Ok(0) => Ok(usize::MAX),
        Ok(number) => Ok(number),
        Err(_) => Err(Code::RANGE_LIMITS_INVALID),
    };
    let (rows, target) = (unlimited(limit)?, unlimited(target_bytes)?);
    let of_mode = match mode {
        // Exact.
        0 if rows == usize::MAX && target == usize::MAX => return Err(Code::EXACT_WITHOUT_LIMITS),
        0 => usize::MAX,
        // Small, medium, large.
        1 => 256,
        2 => 1000,
        3 => 4096,
        // Serial and want all.
        4 | -2 => 80000,
        // Iterator: grows from batch to batch.
        -1 => {
            let index = usize::try_from(iteration).ok().and_then(|number| number.checked_sub(1));
            let index = index.ok_or(Code::INVALID_OPERATION)?;
            ITERATIONS[index.min(ITERATIONS.len() - 1)]
        }
        _ => return Err(Code::INVALID_OPERATION),
    };
    Ok(Batch { rows, bytes: target.min(of_mode) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_end_where_their_mode_says() {
        let check = |limit, target, mode, iteration, rows, bytes| {
            let found = batch(limit, target, mode, iteration);
            assert_eq!(found, Ok(Batch { rows, bytes }), "{limit} {target} {mode} {iteration}");
        };
        let all = usize::MAX;
        check(0, 0, -2, 0, all, 80000);
        check(0, 0, -1, 1, all, 4096);
        check(0, 0, -1, 2, all, 6144);
        check(0, 0, -1, 99, all, 120_000);
        check(7, 0, 0, 0, 7, all);
        check(0, 500, 0, 0, all, 500);
        check(0, 0, 1, 0, all, 256);
        check(0, 0, 2, 0, all, 1000);
        check(0, 0, 3, 0, all, 4096);
        check(5, 100_000, 4, 0, 5, 80000);
        let wrong = |limit, target, mode, iteration| batch(limit, target, mode, iteration).err();
        assert_eq!(wrong(0, 0, 0, 0), Some(Code::EXACT_WITHOUT_LIMITS));
        assert_eq!(wrong(0, 0, -1, 0), Some(Code::INVALID_OPERATION));
        assert_eq!(wrong(0, 0, 5, 1), Some(Code::INVALID_OPERATION));
        assert_eq!(wrong(-1, 0, -2, 1), Some(Code::RANGE_LIMITS_INVALID));
    }
}
