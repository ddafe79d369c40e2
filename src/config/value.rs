//! Parses the text of a setting: numbers, switches, durations, compression.
//!
//! Accepts exactly what the server accepts. Where the server silently falls back to a default, these functions return
//! what was expected, so that the caller can refuse with key, file and line. Depends on no key. source:
//! `crates/utils/src/config/utils.rs` @ v0.15.5

use std::str::FromStr;
use std::time::Duration;

use crate::config::store::Compression;

/// Describes the valid texts, for an error.
pub(super) type ValidText = &'static str;

/// A decimal integer, without blanks, separators or unit. Sizes are such integers, in bytes.
pub(super) fn integer<T: FromStr>(text: &str) -> Result<T, ValidText> {
    text.parse().map_err(|_| "a whole number in range, without unit")
}

pub(super) fn boolean(text: &str) -> Result<bool, ValidText> {
    match text {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => Err("true or false"),
    }
}

/// Digits and a unit; without a unit, milliseconds. Digits and letters are collected separately, so `1d2` is twelve
/// days.
pub(super) fn duration(text: &str) -> Result<Duration, ValidText> {
    const EXPECTED: ValidText = "a duration above zero as digits and one of d, h, m, s, ms";
    let mut digits = String::new();
    let mut unit = String::new();
    for c in text.chars().filter(|c| !c.is_whitespace()) {
        match c {
            '0'..='9' => digits.push(c),
            'a'..='z' | 'A'..='Z' => unit.push(c.to_ascii_lowercase()),
            _ => return Err(EXPECTED),
        }
    }
    let factor = match unit.as_str() {
        "" | "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return Err(EXPECTED),
    };
    let count: u64 = digits.parse().map_err(|_| EXPECTED)?;
    match count.checked_mul(factor) {
        None | Some(0) => Err(EXPECTED),
        Some(millis) => Ok(Duration::from_millis(millis)),
    }
}

/// A duration, or one of the words for none.
pub(super) fn optional_duration(text: &str) -> Result<Option<Duration>, ValidText> {
    let none = ["", "0", "false", "disable", "disabled", "never"];
    if none.iter().any(|word| text.eq_ignore_ascii_case(word)) {
        return Ok(None);
    }
    duration(text).map(Some)
}

pub(super) fn compression(text: &str) -> Result<Compression, ValidText> {
    match text {
        "lz4" => Ok(Compression::Lz4),
        "none" | "false" | "disable" | "disabled" => Ok(Compression::None),
        _ => Err("lz4 or none, in lower case"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_take_digits_and_a_sign_only() {
        for (text, expect) in [
            ("8080", Some(8080)),
            ("+8080", Some(8080)),
            ("0", Some(0)),
            ("007", Some(7)),
            ("65535", Some(65535)),
            ("65536", None),
            ("-1", None),
            ("", None),
            (" 1", None),
            ("1 ", None),
            ("1_000", None),
            ("0x10", None),
            ("50mb", None),
            ("1.0", None),
        ] {
            assert_eq!(integer::<u16>(text).ok(), expect, "{text:?}");
        }
        assert_eq!(integer::<i32>("-5"), Ok(-5));
    }

    #[test]
    fn switches_are_lower_case_words() {
        for (text, expect) in [
            ("true", Some(true)),
            ("false", Some(false)),
            ("True", None),
            ("1", None),
            ("yes", None),
            ("", None),
        ] {
            assert_eq!(boolean(text).ok(), expect, "{text:?}");
        }
    }

    #[test]
    fn durations_are_digits_and_a_unit() {
        for (text, millis) in [
            ("1500", Some(1500)),
            ("30s", Some(30_000)),
            ("30 S", Some(30_000)),
            (" 5\tm ", Some(300_000)),
            ("250ms", Some(250)),
            ("2h", Some(7_200_000)),
            ("1d", Some(86_400_000)),
            ("1d2", Some(12 * 86_400_000)),
            ("m1s0", Some(10)),
            ("1.5s", None),
            ("1h30m", None),
            ("0", None),
            ("0s", None),
            ("", None),
            ("s", None),
            ("-1s", None),
            ("1w", None),
            ("99999999999999999999", None),
            ("9999999999999999999d", None),
        ] {
            assert_eq!(duration(text).ok(), millis.map(Duration::from_millis), "{text:?}");
        }
    }

    #[test]
    fn an_optional_duration_knows_words_for_none() {
        for text in ["", "false", "FALSE", "disable", "Disabled", "never", "0"] {
            assert_eq!(optional_duration(text), Ok(None), "{text:?}");
        }
        for text in ["0s", "none", "no", " ", "1.5s"] {
            assert!(optional_duration(text).is_err(), "{text:?}");
        }
        assert_eq!(optional_duration("15s"), Ok(Some(Duration::from_secs(15))));
    }

    #[test]
    fn compression_is_case_sensitive() {
        for (text, expect) in [
            ("lz4", Some(Compression::Lz4)),
            ("none", Some(Compression::None)),
            ("false", Some(Compression::None)),
            ("disable", Some(Compression::None)),
            ("disabled", Some(Compression::None)),
            ("LZ4", None),
            ("None", None),
            ("true", None),
            ("zstd", None),
            ("", None),
        ] {
            assert_eq!(compression(text).ok(), expect, "{text:?}");
        }
    }
}
