//! The server's names for objects outside databases: base32 of the key, directories, members.
//!
//! Pure functions of keys; depends neither on a store nor on which keys are possible.

use xxhash_rust::xxh3::xxh3_64;

/// The server's alphabet, in its own order.
const ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz792013";

/// Limit of directories above a file.
pub const MAX_DEPTH: u8 = 5;

/// The name of a key: base32 without padding, most significant bit first.
pub fn encode(key: &[u8]) -> String {
    let mut name = String::with_capacity(key.len().div_ceil(5) * 8);
    let (mut bits, mut held) = (0u32, 0u32);
    let mut push = |value: u32| {
        let letter = ALPHABET.get((value & 31) as usize).copied().unwrap_or_default();
        name.push(char::from(letter));
    };
    for byte in key {
        bits = (bits << 8) | u32::from(*byte);
        held += 8;
        while held >= 5 {
            held -= 5;
            push(bits >> held);
        }
        bits &= (1 << held) - 1;
    }
    if held > 0 {
        push(bits << (5 - held));
    }
    name
}

/// The key of a name; `None` unless [`encode`] would return exactly this name.
pub fn decode(name: &str) -> Option<Vec<u8>> {
    // Names of these lengths do not end at a whole byte.
    if name.is_empty() || matches!(name.len() % 8, 1 | 3 | 6) {
        return None;
    }
    let mut key = Vec::with_capacity(name.len() * 5 / 8);
    let (mut bits, mut held) = (0u32, 0u32);
    for letter in name.bytes() {
        let value = ALPHABET.iter().position(|known| *known == letter)?;
        bits = (bits << 5) | u32::try_from(value).ok()?;
        held += 5;
        if held >= 8 {
            held -= 8;
            key.push(u8::try_from(bits >> held).ok()?);
            bits &= (1 << held) - 1;
        }
    }
    (bits == 0).then_some(key)
}

/// The directory of a leading key byte: hexadecimal, lower case, not padded.
pub fn directory(byte: u8) -> String {
    format!("{byte:x}")
}

/// The byte of a directory; `None` if the name is not valid.
pub fn directory_byte(name: &str) -> Option<u8> {
    let byte = u8::from_str_radix(name, 16).ok()?;
    (directory(byte) == name).then_some(byte)
}

/// The path of a key's file below the top directory. Short keys have fewer directories.
pub fn path(key: &[u8], depth: u8) -> String {
    let mut path = String::new();
    for byte in key.iter().take(usize::from(depth)) {
        path.push_str(&directory(*byte));
        path.push('/');
    }
    path.push_str(&encode(key));
    path
}

/// The index of the member that stores a key.
pub fn member(key: &[u8], members: usize) -> usize {
    let members = members.max(1) as u64;
    usize::try_from(xxh3_64(key) % members).unwrap_or(0)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn bytes(hex: &str) -> Vec<u8> {
        (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
    }

    const KEY: &str = "8bf8b79bca7321526356f0330573bd5d020ba6a6d89081fb3f3607bacf78dd89";
    const NAME: &str = "rp2lpg1komqvey7w1azqk200lubaxjvg9ciid1z3gyd9vt9y9weq";

    #[test]
    fn names_are_those_of_the_server() {
        let check = |key: &[u8], name: &str| {
            assert_eq!(encode(key), name);
            assert_eq!(decode(name).as_deref(), Some(key), "{name}");
        };
        check(&[1], "ae");
        check(&[1, 2], "aeba");
        check(&[1, 2, 3], "aebag");
        check(&[1, 2, 3, 4], "aebagba");
        check(&[1, 2, 3, 4, 5], "aebagbaf");
        check(&bytes(KEY), NAME);
        check(
            &bytes("af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262"),
            "v2jutopv3gq7nicajxvdnxgjjgn2wjojvxarfn1mtkj2vza3gjra",
        );
        check(b"STALWART_WEBADMIN", "knkectcxifjfix7xivbecrcnjfha");
        check(b"STALWART_SPAM_TRAIN_DATA.lz4", "knkectcxifjfix7tkbau7x7ukjausts3iraviqjonr0di");
        check(
            b"STALWART_SPAM_CLASSIFIER_MODEL.lz4",
            "knkectcxifjfix7tkbau7x7djravgu7jizeukus3jvhuirkmfzwhuna",
        );
    }

    #[test]
    fn other_names_are_no_keys() {
        for name in
            ["", "a", "aaa", "aaaaaa", "AE", "af", "a8", "ae=", "ae/", "4a", "5a", "6a", "8a", " e", "é"]
        {
            assert_eq!(decode(name), None, "{name:?}");
        }
    }

    #[test]
    fn files_lie_below_their_leading_bytes() {
        let key = bytes(KEY);
        assert_eq!(path(&key, 0), NAME);
        assert_eq!(path(&key, 2), format!("8b/f8/{NAME}"));
        assert_eq!(path(&key, 5), format!("8b/f8/b7/9b/ca/{NAME}"));
        let mut key = vec![5, 10];
        key.resize(32, 0);
        assert_eq!(path(&key, 2), "5/a/aufaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa");
        assert_eq!(path(&[1], 5), "1/ae");
        assert_eq!(path(b"STALWART_WEBADMIN", 2), "53/54/knkectcxifjfix7xivbecrcnjfha");
        for byte in 0..=255u8 {
            assert_eq!(directory_byte(&directory(byte)), Some(byte));
        }
        for name in ["", "05", "00", "A", "100", "g", "+5", "-1", "0x5"] {
            assert_eq!(directory_byte(name), None, "{name}");
        }
    }

    #[test]
    fn members_are_those_of_the_server() {
        let check = |key: &[u8], expect: [usize; 3]| {
            assert_eq!([2, 3, 4].map(|n| member(key, n)), expect, "{key:02x?}");
        };
        assert_eq!(xxh3_64(&bytes(KEY)), 0x742a_3cff_d261_42d1);
        check(&bytes(KEY), [1, 2, 1]);
        check(b"STALWART_WEBADMIN", [1, 0, 1]);
        check(b"STALWART_SPAM_TRAIN_DATA.lz4", [1, 1, 1]);
        check(b"STALWART_SPAM_CLASSIFIER_MODEL.lz4", [0, 2, 2]);
        assert_eq!((member(b"", 1), member(b"x", 0)), (0, 0));
    }

    proptest! {
        #[test]
        fn every_key_has_a_name_and_every_name_one_key(
            key in proptest::collection::vec(any::<u8>(), 1..80),
            text in "[a-z0-9]{0,20}",
        ) {
            prop_assert_eq!(decode(&encode(&key)), Some(key));
            if let Some(key) = decode(&text) {
                prop_assert_eq!(encode(&key), text);
            }
        }
    }
}
