//! Atomic operations, as the descriptions of `FDBMutationType` in `fdb_c_options.g.h` define them.

use crate::future::Bytes;
use crate::mutation::Operation;

/// The longest value; an append beyond it is left out.
const LONGEST: usize = 100_000;

/// The new value of a key, or none if it is cleared.
pub(crate) fn apply(operation: Operation, old: Option<Bytes>, parameter: &[u8]) -> Option<Bytes> {
    // Extended with zeros, or cut, to the length of the parameter.
    let fitted = || {
        let mut fitted = old.as_deref().unwrap_or_default().to_vec();
        fitted.resize(parameter.len(), 0);
        fitted
    };
    let new = match (operation, &old) {
        (Operation::CompareAndClear, Some(old)) if **old == *parameter => return None,
        (Operation::CompareAndClear, _) => return old,
        (Operation::And | Operation::Min | Operation::ByteMin | Operation::ByteMax, None) => {
            parameter.to_vec()
        }
        (Operation::Add, _) => added(fitted(), parameter),
        (Operation::And, _) => bitwise(fitted(), parameter, |a, b| a & b),
        (Operation::Or, _) => bitwise(fitted(), parameter, |a, b| a | b),
        (Operation::Xor, _) => bitwise(fitted(), parameter, |a, b| a ^ b),
        (Operation::AppendIfFits, _) => {
            let old = old.as_deref().unwrap_or_default();
            if old.len() + parameter.len() > LONGEST { old.to_vec() } else { [old, parameter].concat() }
        }
        (Operation::Max, _) => chosen(fitted(), parameter, std::cmp::Ordering::Greater),
        (Operation::Min, _) => chosen(fitted(), parameter, std::cmp::Ordering::Less),
        (Operation::ByteMin, Some(old)) => old.as_ref().min(parameter).to_vec(),
        (Operation::ByteMax, Some(old)) => old.as_ref().max(parameter).to_vec(),
    };
    Some(new.into())
}

fn added(mut value: Vec<u8>, parameter: &[u8]) -> Vec<u8> {
    let mut carry = false;
    for (byte, add) in value.iter_mut().zip(parameter) {
        let (sum, first) = byte.overflowing_add(*add);
        let (sum, second) = sum.overflowing_add(u8::from(carry));
        *byte = sum;
        carry = first || second;
    }
    value
}

fn bitwise(mut value: Vec<u8>, parameter: &[u8], with: impl Fn(u8, u8) -> u8) -> Vec<u8> {
    for (byte, other) in value.iter_mut().zip(parameter) {
        *byte = with(*byte, *other);
    }
    value
}

/// The one of both little-endian numbers that is `wanted` than the other.
fn chosen(value: Vec<u8>, parameter: &[u8], wanted: std::cmp::Ordering) -> Vec<u8> {
    if value.iter().rev().cmp(parameter.iter().rev()) == wanted { value } else { parameter.to_vec() }
}

/// Replaces ten bytes by the version of the commit. The last four bytes, which are removed, say where.
pub(crate) fn stamped(bytes: &[u8], version: i64) -> Option<Vec<u8>> {
    let (bytes, position) = bytes.split_last_chunk::<4>()?;
    let position = u32::from_le_bytes(*position) as usize;
    let mut stamped = bytes.to_vec();
    stamped.get_mut(position..position.checked_add(10)?)?.copy_from_slice(&stamp(version));
    Some(stamped)
}

/// A versionstamp: the version, and a number within the version, which is always 0 here.
pub(crate) fn stamp(version: i64) -> [u8; 10] {
    let mut stamp = [0; 10];
    stamp[..8].copy_from_slice(&version.to_be_bytes());
    stamp
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operations_compute_what_their_descriptions_say() {
        fn check(operation: Operation, old: Option<&[u8]>, parameter: &[u8], expect: Option<&[u8]>) {
            let new = apply(operation, old.map(Bytes::from), parameter);
            assert_eq!(new.as_deref(), expect, "{operation:?} {old:?} {parameter:?}");
        }
        check(Operation::Add, None, &[5, 0], Some(&[5, 0]));
        check(Operation::Add, Some(&[255, 0]), &[2, 0], Some(&[1, 1]));
        check(Operation::Add, Some(&[1]), &[1, 0, 0], Some(&[2, 0, 0]));
        check(Operation::Add, Some(&[1, 2, 3]), &[1], Some(&[2]));
        check(
            Operation::Add,
            Some(&[10, 0, 0, 0, 0, 0, 0, 0]),
            &(-3_i64).to_le_bytes(),
            Some(&7_i64.to_le_bytes()),
        );
        check(Operation::And, None, &[6], Some(&[6]));
        check(Operation::And, Some(&[3]), &[6], Some(&[2]));
        check(Operation::Or, Some(&[3]), &[4, 1], Some(&[7, 1]));
        check(Operation::Xor, Some(&[3]), &[1], Some(&[2]));
        check(Operation::AppendIfFits, Some(b"ab"), b"c", Some(b"abc"));
        check(Operation::AppendIfFits, Some(&[1; 100_000]), b"c", Some(&[1; 100_000]));
        check(Operation::Max, None, &[0, 1], Some(&[0, 1]));
        check(Operation::Max, Some(&[255, 0]), &[0, 1], Some(&[0, 1]));
        check(Operation::Min, Some(&[255, 0]), &[0, 1], Some(&[255, 0]));
        check(Operation::Min, None, &[7], Some(&[7]));
        check(Operation::ByteMin, Some(b"ab"), b"b", Some(b"ab"));
        check(Operation::ByteMax, Some(b"ab"), b"b", Some(b"b"));
        check(Operation::CompareAndClear, Some(b"x"), b"x", None);
        check(Operation::CompareAndClear, Some(b"y"), b"x", Some(b"y"));
        check(Operation::CompareAndClear, None, b"x", None);
    }

    #[test]
    fn a_stamp_replaces_ten_bytes() {
        let expect = b"k\0\0\0\0\0\0\x01\x02\0\0!".to_vec();
        assert_eq!(stamped(b"k..........!\x01\0\0\0", 0x102), Some(expect));
        assert_eq!(stamped(b"k..........\x02\0\0\0", 1), None);
        assert_eq!(stamped(b"\0\0\0", 1), None);
        assert_eq!(stamped(b"\xff\xff\xff\xff", 1), None);
    }
}
