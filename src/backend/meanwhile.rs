//! Distinguishes damage from a store that a server writes while it is read.

use super::Source;
use crate::base::error::{Error, ErrorKind};

/// The error of a store that was written while it was read; `why` is the evidence.
pub fn written_meanwhile(why: &str) -> Error {
    Error::refused("a server, or another program, wrote to the store while it was read").because(why).help(
        "what was read may be of several moments: stop the server and whatever else uses the store, then begin again",
    )
}

/// Why reading a store has failed: `error`, unless something has written to the store.
pub fn explain(source: &dyn Source, error: Error) -> Error {
    match error.kind() {
        ErrorKind::Usage | ErrorKind::Refused | ErrorKind::Interrupted => error,
        // If the store cannot be queried any more, the original error stands.
        ErrorKind::Io | ErrorKind::Findings | ErrorKind::Damaged => match source.changed() {
            Ok(Some(why)) => written_meanwhile(&format!("{why}, and reading has failed: {error}")),
            Ok(None) | Err(_) => error,
        },
    }
}
