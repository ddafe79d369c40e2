//! The values of the change log: whether the lists of changed ids are whole.
//!
//! Seven LEB128 counts, then as many ids; an empty value marks a truncated log. What the ids mean it does not
//! know. Facts: crates/store/src/write/log.rs @ v0.15.5.

use crate::codec::leb128;

/// Lists in a value: inserts, updates, property changes and deletes of containers; inserts, updates and deletes
/// of items.
const LISTS: usize = 7;

/// Reads a value to its end; the reason why it is no list of changes otherwise.
pub fn check(value: &[u8]) -> Result<(), &'static str> {
    if value.is_empty() {
        return Ok(());
    }
    let (mut at, mut ids) = (0, 0u64);
    for _ in 0..LISTS {
        let (count, end) = leb128(value, at).ok_or("the counts of the change log are cut off")?;
        ids = ids.saturating_add(count);
        at = end;
    }
    // The count may be wrong: the loop ends with the bytes, not with the count.
    for _ in 0..ids {
        (_, at) = leb128(value, at).ok_or("the change log has fewer ids than its counts say")?;
    }
    if at == value.len() { Ok(()) } else { Err("the change log has more bytes than its counts say") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_lists_pass_and_anything_else_says_why() {
        for (value, expected) in [
            (&[][..], Ok(())),
            (&[0, 0, 0, 0, 1, 0, 0, 0xaa, 0x80, 0x80, 0x80, 0x30], Ok(())),
            (&[0, 0, 0, 0, 0, 0, 0], Ok(())),
            (&[0, 0, 0], Err("the counts of the change log are cut off")),
            (&[0, 0, 0, 0, 2, 0, 0, 1], Err("the change log has fewer ids than its counts say")),
            (&[0, 0, 0, 0, 1, 0, 0, 1, 1], Err("the change log has more bytes than its counts say")),
            (
                &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01, 0, 0, 0, 0, 0, 0],
                Err("the change log has fewer ids than its counts say"),
            ),
        ] {
            assert_eq!(check(value), expected, "{value:02x?}");
        }
    }
}
