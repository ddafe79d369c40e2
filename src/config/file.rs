//! Reads a small text file without hanging and without trusting its size.
//!
//! Used for the configuration and for files that it names. A FIFO or device in its place is refused, since reading it
//! would block. Does not depend on the content.

use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use crate::base::error::{Error, Result};

/// The text of a regular UTF-8 file of at most `limit` bytes. Errors are of kind usage; they name the role of the
/// file, `what`, but not its path.
pub(super) fn read_text(path: &Path, what: &str, limit: u64) -> Result<String> {
    let about = fs::metadata(path).map_err(|e| unreadable(what, e))?;
    if about.is_dir() {
        return Err(Error::usage(format!("{what} is a directory")).help("name a file"));
    }
    let irregular = || {
        Error::usage(format!("{what} is no regular file")).help("name a regular file, not a pipe or device")
    };
    if !about.is_file() {
        return Err(irregular());
    }
    // The path may have become a FIFO since: opening it must not wait for a writer.
    let flags = rustix::fs::OFlags::NONBLOCK.bits().cast_signed();
    let file: File =
        OpenOptions::new().read(true).custom_flags(flags).open(path).map_err(|e| unreadable(what, e))?;
    if !file.metadata().map_err(|e| unreadable(what, e))?.is_file() {
        return Err(irregular());
    }
    let mut bytes = Vec::new();
    file.take(limit.saturating_add(1)).read_to_end(&mut bytes).map_err(|e| unreadable(what, e))?;
    if u64::try_from(bytes.len()).is_ok_and(|length| length > limit) {
        return Err(Error::usage(format!("{what} is larger than {limit} bytes")).help("name another file"));
    }
    String::from_utf8(bytes).map_err(|e| {
        // The bytes themselves are not shown: they may be secret.
        let offset = e.utf8_error().valid_up_to();
        Error::usage(format!("{what} is not UTF-8 text, from byte {offset} on")).help("save it as UTF-8")
    })
}

fn unreadable(what: &str, cause: std::io::Error) -> Error {
    let advice = match cause.kind() {
        ErrorKind::NotFound => "check the path",
        ErrorKind::PermissionDenied => "run as a user who may read it, for example the server's",
        _ => "check the file and its file system",
    };
    Error::usage(format!("{what} cannot be read")).because(cause).help(advice)
}
