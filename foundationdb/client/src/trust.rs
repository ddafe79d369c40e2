//! Whether only root and the user of this process could have put a file where it is.
//!
//! A library runs with all rights of the process, which is often root. The check covers the file, and every
//! directory above it, because a user who may write to one of them can put another file in its place.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use crate::error::{Distrust, LoadError};

/// Returns the path of the file that `path` leads to, free of links, if others cannot have replaced it.
pub(crate) fn check(path: &Path) -> Result<PathBuf, LoadError> {
    check_for(path, rustix::process::geteuid().as_raw())
}

/// As [`check`], for a process of the user `own`.
pub(crate) fn check_for(path: &Path, own: u32) -> Result<PathBuf, LoadError> {
    let unreadable = |place: &Path, error: std::io::Error| LoadError::Unreadable {
        path: place.to_path_buf(),
        cause: error.to_string(),
    };
    let real = path.canonicalize().map_err(|error| unreadable(path, error))?;
    if !real.metadata().map_err(|error| unreadable(&real, error))?.is_file() {
        return Err(LoadError::NotAFile { path: path.to_path_buf() });
    }
    // Both the place that was asked for and the one that it leads to. A link between the two does not have to be
    // trusted: it could only choose among files that pass, and the path that is returned contains no link.
    for place in path.ancestors().chain(real.ancestors()).filter(|place| !place.as_os_str().is_empty()) {
        let metadata = place.symlink_metadata().map_err(|error| unreadable(place, error))?;
        if let Some(reason) = distrust(&metadata, own) {
            return Err(LoadError::NotTrusted {
                path: path.to_path_buf(),
                place: place.to_path_buf(),
                reason,
            });
        }
    }
    Ok(real)
}

fn distrust(metadata: &Metadata, own: u32) -> Option<Distrust> {
    let (uid, mode) = (metadata.uid(), metadata.mode() & 0o7777);
    if uid != 0 && uid != own {
        return Some(Distrust::Owner { uid });
    }
    // The permissions of a link mean nothing. In a directory with the sticky bit, such as /tmp, only the owner
    // of a file can replace it, and the owner has been checked.
    let sticky = metadata.is_dir() && mode & 0o1000 != 0;
    (!metadata.is_symlink() && mode & 0o022 != 0 && !sticky).then_some(Distrust::Writable { mode })
}
