//! Creates, replaces, deletes and changes owners of files, by name in an open directory.
//!
//! Root writes into directories that the user of a mail server owns, and that user may replace any name in them
//! with a link at any time. So a directory is opened once, and all operations are relative to its descriptor:
//! links below it are not followed, files are created exclusively, and an existing file is written or given to
//! another owner only if it is a regular file with one name. Symbolic links on the way to a directory are followed
//! if root or this user created them, or if their target belongs to their creator.
//!
//! Does not depend on stores or dumps; callers decide which names belong to the program.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, ErrorKind};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use rustix::fs::{AtFlags, FileType, Gid, Mode, OFlags, Stat, Uid};
use rustix::io::Errno;

mod private;
mod taken;
mod walk;

pub use private::{Left, PrivateDir, any_private, remove_all, sweep};
pub use taken::{GuardedDir, RECORD};
use walk::{DIRECTORY, Followed, MOST_LINKS, trusted, walk, walk_from};

/// The umask of this process before [`mask_new_files`].
static FIRST_MASK: AtomicU32 = AtomicU32::new(0o022);

/// An open directory.
#[derive(Debug)]
pub struct Dir {
    fd: OwnedFd,
    path: PathBuf,
}

/// The attributes of a name in a directory; links are not followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DirEntry {
    /// The file type.
    pub kind: FileType,
    /// Device and inode; equal for all names of a file.
    pub id: (u64, u64),
    /// Number of names (hard links).
    pub names: u64,
    /// The owner.
    pub user: u32,
    /// The group.
    pub group: u32,
    /// Permission bits.
    pub mode: u32,
    /// Length in bytes.
    pub size: u64,
}

impl DirEntry {
    #[allow(clippy::useless_conversion, clippy::unnecessary_cast)]
    fn new(stat: &Stat) -> DirEntry {
        DirEntry {
            kind: FileType::from_raw_mode(stat.st_mode),
            id: (stat.st_dev as u64, stat.st_ino as u64),
            names: stat.st_nlink as u64,
            user: stat.st_uid,
            group: stat.st_gid,
            mode: stat.st_mode & 0o7777,
            size: u64::try_from(stat.st_size).unwrap_or(0),
        }
    }

    /// Whether it is a regular file.
    pub fn is_file(&self) -> bool {
        self.kind == FileType::RegularFile
    }

    /// Whether it is a directory.
    pub fn is_dir(&self) -> bool {
        self.kind == FileType::Directory
    }

    /// The reason not to write to it or change its owner: it is not a regular file, or it has another name, which may
    /// lie where only root may write.
    pub fn objection(&self) -> Option<&'static str> {
        match self.kind {
            FileType::RegularFile if self.names > 1 => Some("a file with a second name (a hard link)"),
            FileType::RegularFile => None,
            FileType::Symlink => Some("a symbolic link"),
            FileType::Directory => Some("a directory"),
            _ => Some("no regular file"),
        }
    }
}

impl Dir {
    /// Opens the directory at `path`.
    ///
    /// Errors: those of the system, and permission denied for a symbolic link that another user has created.
    pub fn open(path: &Path) -> io::Result<Dir> {
        walk(path, None)
    }

    /// Opens the directory at `path`. Missing directories are created and synced: the last one with `mode`, those
    /// above it as `mkdir -p` does, so that its later owner has access.
    pub fn create(path: &Path, mode: u32) -> io::Result<Dir> {
        walk(path, Some(mode))
    }

    /// Opens the parent directory of `path`. Returns it with the last name of the path.
    pub fn holding(path: &Path) -> io::Result<(Dir, OsString)> {
        let (parent, name) = split(path)?;
        Ok((walk(&parent, None)?, name))
    }

    /// As [`Dir::holding`], but creates missing directories as [`Dir::create`] does.
    pub fn holding_created(path: &Path, mode: u32) -> io::Result<(Dir, OsString)> {
        let (parent, name) = split(path)?;
        Ok((walk(&parent, Some(mode))?, name))
    }

    /// As [`Dir::holding`], but follows a symbolic link at `path` itself. Creates missing directories with the
    /// permissions in `create`, if given.
    ///
    /// Errors: those of [`Dir::open`].
    pub fn locate(path: &Path, create: Option<u32>) -> io::Result<(Dir, OsString)> {
        let (mut path, mut links) = (path.to_path_buf(), Vec::new());
        loop {
            let (parent, name) = split(&path)?;
            let dir = walk(&parent, create)?;
            let found = dir.look(&name)?;
            match found {
                Some(entry) if entry.kind == FileType::Symlink => {
                    if links.len() == MOST_LINKS {
                        return Err(Errno::LOOP.into());
                    }
                    links.push(Followed { path: dir.place(&name), user: entry.user });
                    let leads_to = rustix::fs::readlinkat(&dir.fd, name.as_os_str(), Vec::new())?;
                    path = dir.place(OsString::from_vec(leads_to.into_bytes()));
                }
                _ => {
                    let owner =
                        found.map_or_else(|| dir.entry().map(|entry| entry.user), |entry| Ok(entry.user));
                    trusted(&links, owner?)?;
                    return Ok((dir, name));
                }
            }
        }
    }

    /// The current path of the directory, without links.
    pub fn real(&self) -> io::Result<PathBuf> {
        let path = rustix::fs::readlink(self.anchored(), Vec::new())?;
        Ok(PathBuf::from(OsString::from_vec(path.into_bytes())))
    }

    /// The path by which it was opened, for messages. It may have been moved since.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The path of a name in it, for messages.
    pub fn place(&self, name: impl AsRef<OsStr>) -> PathBuf {
        self.path.join(name.as_ref())
    }

    /// A path that leads to this open directory even if it was moved or replaced; for libraries that only accept
    /// paths.
    pub fn anchored(&self) -> PathBuf {
        PathBuf::from(format!("/proc/self/fd/{}", self.fd.as_raw_fd()))
    }

    /// The attributes of the directory itself.
    pub fn entry(&self) -> io::Result<DirEntry> {
        Ok(DirEntry::new(&rustix::fs::fstat(&self.fd)?))
    }

    /// The attributes of a name in it; `None` if there is no such name.
    pub fn look(&self, name: impl AsRef<OsStr>) -> io::Result<Option<DirEntry>> {
        match rustix::fs::statat(&self.fd, one(name.as_ref())?, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => Ok(Some(DirEntry::new(&stat))),
            Err(Errno::NOENT) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// The names in it, without `.` and `..`, in no order.
    pub fn names(&self) -> io::Result<impl Iterator<Item = io::Result<OsString>> + use<>> {
        let entries = rustix::fs::Dir::read_from(&self.fd)?;
        Ok(entries.filter_map(|entry| match entry {
            Ok(entry) => {
                let name = entry.file_name().to_bytes();
                (name != b"." && name != b"..").then(|| Ok(OsString::from_vec(name.to_vec())))
            }
            Err(error) => Some(Err(error.into())),
        }))
    }

    /// Creates a new file, open for reading and writing, with `mode` reduced by the umask.
    ///
    /// Errors: already exists, for any kind of entry with that name.
    pub fn create_file(&self, name: impl AsRef<OsStr>, mode: u32) -> io::Result<File> {
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let fd = rustix::fs::openat(&self.fd, one(name.as_ref())?, flags, Mode::from_raw_mode(mode))?;
        Ok(File::from(fd))
    }

    /// Creates a new file that only its owner can read, regardless of the umask.
    pub fn create_private_file(&self, name: impl AsRef<OsStr>) -> io::Result<File> {
        let file = self.create_file(name, 0o600)?;
        rustix::fs::fchmod(&file, Mode::from_raw_mode(0o600))?;
        Ok(file)
    }

    /// Opens a regular file for reading.
    pub fn open_file(&self, name: impl AsRef<OsStr>) -> io::Result<File> {
        let (file, entry) = self.opened(name.as_ref(), OFlags::RDONLY)?;
        if entry.is_file() {
            Ok(file)
        } else {
            Err(objected(&self.place(name), entry.objection().unwrap_or("no regular file")))
        }
    }

    /// Opens a file for writing that an earlier run of this user has created. Does not truncate it.
    ///
    /// Errors: permission denied for any other file.
    pub fn reopen_file(&self, name: impl AsRef<OsStr>) -> io::Result<File> {
        let (file, entry) = self.opened(name.as_ref(), OFlags::RDWR)?;
        match entry.objection() {
            Some(what) => Err(objected(&self.place(name), what)),
            None if entry.user != own_user() => {
                Err(objected(&self.place(name), "a file of another user, which this program has not made"))
            }
            None => Ok(file),
        }
    }

    fn opened(&self, name: &OsStr, access: OFlags) -> io::Result<(File, DirEntry)> {
        // Opening a FIFO would block until its other end is open.
        let flags = access | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let file = match rustix::fs::openat(&self.fd, one(name)?, flags, Mode::empty()) {
            Ok(fd) => File::from(fd),
            Err(Errno::LOOP) => return Err(objected(&self.place(name), "a symbolic link")),
            Err(error) => return Err(error.into()),
        };
        let entry = DirEntry::new(&rustix::fs::fstat(&file)?);
        Ok((file, entry))
    }

    /// Opens a directory in this one.
    ///
    /// Errors: not a directory for any other entry, including a link to a directory.
    pub fn sub(&self, name: impl AsRef<OsStr>) -> io::Result<Dir> {
        let path = self.place(&name);
        match rustix::fs::openat(&self.fd, one(name.as_ref())?, DIRECTORY, Mode::empty()) {
            Ok(fd) => Ok(Dir { fd, path }),
            Err(Errno::LOOP | Errno::NOTDIR) => Err(io::Error::new(
                ErrorKind::NotADirectory,
                format!("{} is no directory; links are not followed here", path.display()),
            )),
            Err(error) => Err(error.into()),
        }
    }

    /// Opens a directory some levels below this one. Follows links as [`Dir::open`] does and creates missing
    /// directories with the permissions, if given.
    pub fn below(&self, path: &Path, create: Option<u32>) -> io::Result<Dir> {
        let fd = walk_from(self.fd.as_fd(), self.path.clone(), path, create.map(|mode| (None, mode)))?;
        Ok(Dir { fd, path: self.path.join(path) })
    }

    /// Creates a directory in this one, with `mode` reduced by the umask.
    ///
    /// Errors: already exists, for any kind of entry with that name.
    pub fn make(&self, name: impl AsRef<OsStr>, mode: u32) -> io::Result<Dir> {
        rustix::fs::mkdirat(&self.fd, one(name.as_ref())?, Mode::from_raw_mode(mode))?;
        let made = self.sub(&name)?;
        // The owner of this directory may have replaced it meanwhile.
        if made.entry()?.user == own_user() {
            Ok(made)
        } else {
            Err(objected(&made.path, "a directory that another user has put in the place of a new one"))
        }
    }

    /// Opens a directory in this one, or creates it.
    pub fn sub_or_make(&self, name: impl AsRef<OsStr>, mode: u32) -> io::Result<Dir> {
        match self.sub(&name) {
            Err(error) if error.kind() == ErrorKind::NotFound => match self.make(&name, mode) {
                // Another thread has created it first.
                Err(error) if error.kind() == ErrorKind::AlreadyExists => self.sub(&name),
                made => made,
            },
            opened => opened,
        }
    }

    /// Removes a name that is not a directory; a link is not followed. A missing name is not an error.
    pub fn remove(&self, name: impl AsRef<OsStr>) -> io::Result<()> {
        absent_is_fine(rustix::fs::unlinkat(&self.fd, one(name.as_ref())?, AtFlags::empty()))
    }

    /// Removes an empty directory. A missing one is not an error.
    pub fn remove_dir(&self, name: impl AsRef<OsStr>) -> io::Result<()> {
        absent_is_fine(rustix::fs::unlinkat(&self.fd, one(name.as_ref())?, AtFlags::REMOVEDIR))
    }

    /// Removes all names in this directory that are not directories.
    pub fn remove_files(&self) -> io::Result<()> {
        for name in self.names()? {
            let name = name?;
            match self.remove(&name) {
                Err(_) if self.look(&name).is_ok_and(|found| found.is_some_and(|entry| entry.is_dir())) => {}
                removed => removed?,
            }
        }
        Ok(())
    }

    /// Renames a file in this directory and replaces an entry that has the new name.
    pub fn rename(&self, from: impl AsRef<OsStr>, to: impl AsRef<OsStr>) -> io::Result<()> {
        Ok(rustix::fs::renameat(&self.fd, one(from.as_ref())?, &self.fd, one(to.as_ref())?)?)
    }

    /// Syncs the directory entries to disk.
    pub fn sync(&self) -> io::Result<()> {
        File::from(self.fd.try_clone()?).sync_all()
    }

    /// Changes the user, the group or both of this directory.
    pub fn give(&self, user: Option<u32>, group: Option<u32>) -> io::Result<()> {
        Ok(rustix::fs::fchown(&self.fd, user.map(Uid::from_raw), group.map(Gid::from_raw))?)
    }

    /// Changes the user, the group or both of a file in it. Returns whether the file exists.
    ///
    /// Errors: permission denied, except for a regular file with one name.
    pub fn give_file(
        &self,
        name: impl AsRef<OsStr>,
        user: Option<u32>,
        group: Option<u32>,
    ) -> io::Result<bool> {
        let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let fd = match rustix::fs::openat(&self.fd, one(name.as_ref())?, flags, Mode::empty()) {
            Ok(fd) => fd,
            Err(Errno::NOENT) => return Ok(false),
            Err(error) => return Err(error.into()),
        };
        if let Some(what) = DirEntry::new(&rustix::fs::fstat(&fd)?).objection() {
            return Err(objected(&self.place(name), what));
        }
        let (user, group) = (user.map(Uid::from_raw), group.map(Gid::from_raw));
        rustix::fs::chownat(&fd, c"", user, group, AtFlags::EMPTY_PATH)?;
        Ok(true)
    }

    /// Sets the permissions of this directory, regardless of the umask.
    pub fn set_mode(&self, mode: u32) -> io::Result<()> {
        Ok(rustix::fs::fchmod(&self.fd, Mode::from_raw_mode(mode))?)
    }

    /// Whether both are the same directory.
    pub fn same(&self, other: &Dir) -> io::Result<bool> {
        Ok(self.entry()?.id == other.entry()?.id)
    }

    /// Another descriptor of the same directory.
    pub fn try_clone(&self) -> io::Result<Dir> {
        Ok(Dir { fd: self.fd.try_clone()?, path: self.path.clone() })
    }
}

impl AsFd for Dir {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

/// Checks that all links on the way to a directory or file may be followed. Ignores other errors, which the code that
/// opens the path reports.
///
/// Errors: permission denied, with the link.
pub fn followed(path: &Path) -> io::Result<()> {
    let found = if std::fs::metadata(path).is_ok_and(|meta| meta.is_dir()) {
        Dir::open(path).map(drop)
    } else {
        Dir::locate(path, None).map(drop)
    };
    // Only errors of this module have an inner error; those of the system do not.
    match found {
        Err(error) if error.kind() == ErrorKind::PermissionDenied && error.get_ref().is_some() => Err(error),
        _ => Ok(()),
    }
}

/// The missing directories of a path. On drop, those that were created and are still empty are removed, unless
/// they are kept.
#[derive(Debug)]
pub struct NewDirs(Vec<PathBuf>);

impl NewDirs {
    /// Finds the missing directories. Must be called before they are created.
    pub fn of(path: &Path) -> NewDirs {
        let path = absolute(path);
        let missing = path.ancestors().take_while(|path| std::fs::symlink_metadata(path).is_err());
        NewDirs(missing.map(Path::to_path_buf).collect())
    }

    /// Keeps the directories.
    pub fn keep(&mut self) {
        self.0.clear();
    }
}

impl Drop for NewDirs {
    fn drop(&mut self) {
        // The deepest first; directories that are not empty cannot be removed.
        for path in &self.0 {
            let _ = Dir::holding(path).and_then(|(dir, name)| dir.remove_dir(name));
        }
    }
}

/// An unnamed file in `dir`. The system removes it when it is closed, even if the process is killed.
pub fn unnamed(dir: &Path) -> io::Result<File> {
    tempfile::tempfile_in(dir)
}

/// The absolute form of a path, for messages and comparisons, without access to the file system. A path that has none
/// stays as it is.
pub fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf())
}

/// The effective user of this process.
pub fn own_user() -> u32 {
    rustix::process::geteuid().as_raw()
}

/// Sets the umask that a server uses for new files: no writing by the group, no access by others. Must be called at
/// the start.
pub fn mask_new_files() {
    let before = rustix::process::umask(Mode::from_raw_mode(0o027));
    FIRST_MASK.store(before.as_raw_mode(), Ordering::Relaxed);
    if !Mode::from_raw_mode(0o027).contains(before) {
        rustix::process::umask(before | Mode::from_raw_mode(0o027));
    }
}

/// The directory part of a path and its last name.
fn split(path: &Path) -> io::Result<(PathBuf, OsString)> {
    match path.file_name() {
        Some(name) => Ok((path.parent().unwrap_or(Path::new("")).to_path_buf(), name.to_os_string())),
        None => Err(io::Error::new(ErrorKind::InvalidInput, "the path names no file")),
    }
}

/// Accepts only a plain file name, so that a name from a store cannot lead out of a directory.
fn one(name: &OsStr) -> io::Result<&OsStr> {
    let bytes = name.as_bytes();
    if bytes.is_empty() || bytes == b"." || bytes == b".." || bytes.contains(&b'/') {
        Err(io::Error::new(ErrorKind::InvalidInput, format!("{} is no name of a file", name.display())))
    } else {
        Ok(name)
    }
}

fn absent_is_fine(outcome: rustix::io::Result<()>) -> io::Result<()> {
    match outcome {
        Err(Errno::NOENT) => Ok(()),
        outcome => Ok(outcome?),
    }
}

fn objected(path: &Path, what: &str) -> io::Error {
    io::Error::new(
        ErrorKind::PermissionDenied,
        format!("{} is {what}: it is neither followed nor changed", path.display()),
    )
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
