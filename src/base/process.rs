//! What the process asks of the system before it does anything: files that it may open, rights of new files.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::base::dir;

/// Raises the number of files that may be open as far as the system allows, and takes from new files the rights
/// that a server takes from them. To be called once, before there are other threads.
pub fn prepare() {
    dir::mask_new_files();
    let limit = getrlimit(Resource::Nofile);
    if limit.current != limit.maximum {
        // Without success there is the error of the file that is one too many, with its remedy.
        let _ = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum });
    }
}

/// How many files the process may have open.
pub fn open_files() -> u64 {
    getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX)
}

/// How large a file may become that the process writes, if that is limited.
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
