//! The seal of a JSON document: the BLAKE3 of its own text, as its last field.
//!
//! A flipped bit anywhere is found, a torn file as well. It proves that nobody changed the document by
//! accident, not who wrote it. Knows nothing of what a document says.

use crate::base::error::{Error, Result};

// What stands between the sealed text and the digest.
const MARK: &[u8] = b"  \"seal\": \"";

/// The document `text`, an object as `serde_json` prints it prettily, with its seal.
pub fn seal(text: &str) -> String {
    let body = format!("{},\n", text.strip_suffix("\n}").unwrap_or(text));
    let seal = blake3::hash(body.as_bytes());
    format!("{body}  \"seal\": \"{seal}\"\n}}\n")
}

/// Checks that `text` is what [`seal`] has made. `what` names the document in the error.
///
/// Errors: `Damaged`. The caller adds the file and what to do.
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
