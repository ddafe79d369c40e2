//! Bytes as hex digits, for messages, and back.

/// Lower-case hex of a key, for messages and findings.
pub fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut out = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        out.push(char::from(DIGITS[usize::from(byte >> 4)]));
        out.push(char::from(DIGITS[usize::from(byte & 15)]));
    }
    out
}

/// Hex of a key for an error message; a long key is shortened to its beginning.
pub fn hex_start(key: &[u8]) -> String {
    const SHOWN: usize = 64;
    key.get(..SHOWN)
        .filter(|start| start.len() < key.len())
        .map_or_else(|| hex(key), |start| hex(start) + "…")
}

/// Bytes from hex of either case; `None` for anything else.
pub fn unhex(digits: &str) -> Option<Vec<u8>> {
    let digit = |byte: &u8| char::from(*byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let pairs = digits.as_bytes().chunks(2).map(|pair| match pair {
        [high, low] => Some(digit(high)? << 4 | digit(low)?),
        _ => None,
    });
    pairs.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hex_is_read_back_and_nothing_else_is() {
        for (text, expect) in [
            ("", Some(&[][..])),
            ("00fF10", Some(&[0, 0xff, 0x10])),
            ("0", None),
            ("+1", None),
            ("0g", None),
            ("ä0", None),
        ] {
            assert_eq!(unhex(text).as_deref(), expect, "{text}");
            assert!(expect.is_none_or(|bytes| hex(bytes) == text.to_lowercase()));
        }
    }
}
