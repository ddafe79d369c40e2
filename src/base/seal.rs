//! The seal of a JSON document: the BLAKE3 of its own text, as its last field.
//!
//! Detects flipped bits and truncated files. It proves that a document was not changed by accident, not who
//! wrote it. Does not depend on the contents of a document.

use crate::base::error::{Error, Result};

// The text between the sealed text and the digest.
const MARK: &[u8] = b"  \"seal\": \"";

/// Adds the seal to the document `text`, an object pretty-printed by `serde_json`.
pub fn seal(text: &str) -> String {
    let body = format!("{},\n", text.strip_suffix("\n}").unwrap_or(text));
    let seal = blake3::hash(body.as_bytes());
    format!("{body}  \"seal\": \"{seal}\"\n}}\n")
}

/// Checks that `text` is a result of [`seal`]. `what` names the document in the error.
///
/// Errors: `Damaged`. The caller adds the file and the remedy.
pub fn check(text: &[u8], what: &str) -> Result<()> {
    let sealed = text.windows(MARK.len()).rposition(|window| window == MARK).unwrap_or(0);
    let (body, end) = text.split_at(sealed);
    let expect = format!("  \"seal\": \"{}\"\n}}\n", blake3::hash(body));
    if end == expect.as_bytes() {
        Ok(())
    } else {
        Err(Error::damaged(format!("the {what} was changed after it was written: its seal does not match")))
    }
}
