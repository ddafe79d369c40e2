//! The directory of a target, held by its descriptor and protected from other users while RocksDB writes in it.
//!
//! RocksDB opens files by path, follows links and overwrites a file that has the name of its next one. So it gets a
//! path through the descriptor, which leads to the same directory whatever happens to the parents; every name that it
//! uses is checked; and where root writes into the directory of another user, that user has no access to it until the
//! database is closed.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use crate::backend::STAGING;
use crate::backend::files::{RocksFile, check_rocks_files, unprotected, unusable};
use crate::base::dir::{Dir, GuardedDir, absolute, own_user};
use crate::base::error::{Error, Result};
use crate::base::sync::lock;

/// Prefix of the paths through an open descriptor.
const ANCHOR: &str = "/proc/self/fd/";

/// Directories that this process writes, by device and inode: RocksDB's own lock works between processes and between
/// equal paths.
static WRITTEN: Mutex<BTreeSet<(u64, u64)>> = Mutex::new(BTreeSet::new());

/// The directory of a target while it is written. Drop it after the database is closed.
pub(super) struct RocksPlace {
    taken: GuardedDir,
    shown: PathBuf,
    marked: bool,
    _alone: Alone,
}

impl RocksPlace {
    /// Opens the directory at `path` or creates it, and takes it over from a user who could interfere.
    ///
    /// Errors: I/O; refused for a file that RocksDB must not write to.
    pub fn open(path: &Path) -> Result<RocksPlace> {
        let shown = absolute(path);
        let dir = Dir::create(path, 0o750).map_err(|error| unusable(&shown, error))?;
        let alone = Alone::with(&dir, &shown)?;
        let taken = GuardedDir::over(dir).map_err(|error| unprotected(&shown, error))?;
        let mut place = RocksPlace { taken, shown, marked: false, _alone: alone };
        place.clear_staging()?;
        check_rocks_files(place.dir()).inspect_err(|_| place.leave())?;
        let anchored = place.path();
        if std::fs::metadata(&anchored).is_err() {
            return Err(Error::io("cannot reach an open directory by its descriptor")
                .with("path", anchored.display().to_string())
                .help("mount /proc and try again"));
        }
        Ok(place)
    }

    /// Creates the directory for files that are not part of the database yet, and removes what a killed load has left
    /// in it: those files were never ingested, so they are not part of the database.
    fn clear_staging(&mut self) -> Result<()> {
        let fail = |error| unusable(&self.shown.join(STAGING), error);
        self.marked = self.dir().look(STAGING).map_err(fail)?.is_some();
        if !self.marked {
            return self.dir().make(STAGING, 0o700).map(drop).map_err(fail);
        }
        let staging = self.dir().sub(STAGING).map_err(|error| {
            Error::refused("the directory for unfinished files is none")
                .with("path", self.shown.join(STAGING).display().to_string())
                .because(error)
                .help("look at what it is, and remove it")
        })?;
        // A run as another user may have left it.
        if own_user() == 0 {
            staging.give(Some(0), None).and_then(|()| staging.set_mode(0o700)).map_err(fail)?;
        }
        staging.remove_files().map_err(fail)
    }

    /// The directory.
    pub fn dir(&self) -> &Dir {
        self.taken.dir()
    }

    /// Path of the directory for RocksDB.
    pub fn path(&self) -> PathBuf {
        self.dir().anchored()
    }

    /// Path of the directory for messages.
    pub fn shown(&self) -> &Path {
        &self.shown
    }

    /// Path for RocksDB of the unfinished file with this number.
    pub fn staged(&self, number: u64) -> PathBuf {
        self.path().join(STAGING).join(staged_name(number))
    }

    /// Ensures that the directory for unfinished files exists: a run that was refused may have removed it.
    pub fn stage(&self) -> std::io::Result<()> {
        self.dir().sub_or_make(STAGING, 0o700).map(drop)
    }

    /// Removes an unfinished file, if it still exists.
    pub fn unstage(&self, number: u64) {
        // The next run removes what is left.
        let _ = self.dir().sub(STAGING).and_then(|staging| staging.remove(staged_name(number)));
    }

    /// Removes the directory for unfinished files at the end of a load.
    pub fn finish(&self) {
        let staging = self.dir().sub(STAGING).and_then(|staging| staging.remove_files());
        let _ = staging.and_then(|()| self.dir().remove_dir(STAGING));
    }

    /// Removes what opening has created, when nothing was written.
    pub fn leave(&self) {
        if !self.marked {
            // Another run may have started to use it.
            let _ = self.dir().remove_dir(STAGING);
        }
    }

    /// Removes the files of the database, and nothing else.
    pub fn discard(&self) -> std::io::Result<()> {
        let dir = self.dir();
        // `CURRENT` makes the directory a database, so it is removed first.
        dir.remove("CURRENT")?;
        for name in dir.names()? {
            let name = name?;
            if RocksFile::of(&name).is_some() {
                dir.remove(&name)?;
            }
        }
        dir.sync()
    }
}

fn staged_name(number: u64) -> String {
    format!("{number:06}.sst")
}

/// Marks a directory as being written by this process, until dropped.
struct Alone((u64, u64));

impl Alone {
    fn with(dir: &Dir, shown: &Path) -> Result<Alone> {
        let id = dir.entry().map_err(|error| unusable(shown, error))?.id;
        if lock(&WRITTEN).insert(id) {
            Ok(Alone(id))
        } else {
            Err(Error::refused("two stores of the target are the same RocksDB database")
                .with("path", shown.display().to_string())
                .help("give each its own directory in the configuration"))
        }
    }
}

impl Drop for Alone {
    fn drop(&mut self) {
        lock(&WRITTEN).remove(&self.0);
    }
}

/// Replaces the path that RocksDB was given by the user's path in a text of RocksDB.
pub(super) fn named(text: &str, path: &Path) -> String {
    let mut named = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once(ANCHOR) {
        named.push_str(before);
        named.push_str(&path.display().to_string());
        rest = after.trim_start_matches(|c: char| c.is_ascii_digit());
    }
    named + rest
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn messages_name_the_path_that_the_user_knows() {
        let path = Path::new("/srv/mail");
        for (text, expect) in [
            (
                "IO error: While open: /proc/self/fd/17/000012.sst: Too many",
                "IO error: While open: /srv/mail/000012.sst: Too many",
            ),
            ("/proc/self/fd/3", "/srv/mail"),
            ("rename /proc/self/fd/3/a to /proc/self/fd/3/b", "rename /srv/mail/a to /srv/mail/b"),
            ("Corruption: bad block", "Corruption: bad block"),
        ] {
            assert_eq!(named(text, path), expect);
        }
    }

    #[test]
    fn a_directory_is_written_once_at_a_time_under_whatever_name() {
        let temporary = tempfile::tempdir().unwrap();
        let (place, link) = (temporary.path().join("place"), temporary.path().join("link"));
        let held = RocksPlace::open(&place).unwrap();
        std::os::unix::fs::symlink(&place, &link).unwrap();
        assert_eq!(RocksPlace::open(&link).err().map(|error| error.kind().exit_code()), Some(5));
        drop(held);
        RocksPlace::open(&link).unwrap().finish();
        assert_eq!(std::fs::read_dir(&place).unwrap().count(), 0);
    }

    #[test]
    fn what_another_user_has_prepared_is_neither_followed_nor_emptied() {
        let temporary = tempfile::tempdir().unwrap();
        let (place, outside) = (temporary.path().join("place"), temporary.path().join("outside"));
        std::fs::create_dir_all(&outside).unwrap();
        std::fs::create_dir_all(&place).unwrap();
        std::fs::write(outside.join("precious"), "precious").unwrap();
        let refused = |name: &str| {
            let error = RocksPlace::open(&place).err().unwrap();
            assert_eq!(error.kind().exit_code(), 5, "{error}");
            assert!(error.to_string().contains(name), "{error}");
            assert!(outside.join("precious").exists());
        };
        std::os::unix::fs::symlink(&outside, place.join(STAGING)).unwrap();
        refused(STAGING);
        std::fs::remove_file(place.join(STAGING)).unwrap();
        for name in
            ["LOG", "LOCK", "000009.sst", "000004.log", "MANIFEST-000001", "CURRENT", "OPTIONS-000007"]
        {
            std::os::unix::fs::symlink(outside.join("precious"), place.join(name)).unwrap();
            refused(name);
            std::fs::remove_file(place.join(name)).unwrap();
            std::fs::hard_link(outside.join("precious"), place.join(name)).unwrap();
            refused(name);
            std::fs::remove_file(place.join(name)).unwrap();
        }
        assert_eq!(std::fs::read(outside.join("precious")).unwrap(), b"precious");
        RocksPlace::open(&place).unwrap();
    }
}
