//! Limits and permissions that the process sets at its start: open files, file size, permissions of new files.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::base::dir;

/// Raises the limit of open files to the highest allowed, and restricts permissions of new files as a server does.
/// Must be called once, before other threads start.
pub fn prepare() {
    dir::mask_new_files();
    let limit = getrlimit(Resource::Nofile);
    if limit.current != limit.maximum {
        // If this fails, opening a file beyond the limit fails with its own error and remedy.
        let _ = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum });
    }
}

/// Limit of open files of the process.
pub fn open_files() -> u64 {
    getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX)
}

/// Limit of the size of a file that the process writes, in bytes, if there is one.
pub fn file_size() -> Option<u64> {
    getrlimit(Resource::Fsize).current
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_of_open_files_is_the_highest_one_allowed() {
        prepare();
        let limit = getrlimit(Resource::Nofile);
        assert_eq!(limit.current, limit.maximum);
        assert_eq!(open_files(), limit.maximum.unwrap_or(u64::MAX));
    }
}
