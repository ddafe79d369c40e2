//! Everything the program creates, replaces, deletes or gives away in a file system, by name in an open directory.
//!
//! Root writes into directories that the user of a mail server owns, and that user may exchange any name in them
//! for a link at any time. So a directory is opened once, and everything in it is done relative to its
//! descriptor: no name below it is followed, files are created exclusively, an existing file is written or given
//! away only if it is a regular one without a second name. Symbolic links on the way to a directory are followed
//! if root or this user has made them, or if they lead to what belongs to their own maker.
//!
//! Knows no store and no dump; which names are the program's own is the business of its callers.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, ErrorKind};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Component, Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use rustix::fs::{AtFlags, CWD, FileType, Gid, Mode, OFlags, Stat, Uid};
use rustix::io::Errno;

mod private;
mod taken;

pub use private::{Left, PrivateDir, any_private, remove_all, sweep};
pub use taken::{GuardedDir, RECORD};

/// Symbolic links followed on the way to one directory, as the kernel counts them.
const MOST_LINKS: usize = 40;

/// What the mask of this process took from new files before [`mask_new_files`].
static FIRST_MASK: AtomicU32 = AtomicU32::new(0o022);

/// An open directory.
#[derive(Debug)]
pub struct Dir {
    fd: OwnedFd,
    path: PathBuf,
}

/// What a name stands for; links are not followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DirEntry {
    /// What it is.
    pub kind: FileType,
    /// Device and inode: the same for every name of one file.
    pub id: (u64, u64),
    /// How many names it has.
    pub names: u64,
    /// The user it belongs to.
    pub user: u32,
    /// The group it belongs to.
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

    /// Why it must not be written to or given away: it is no regular file, or has another name as well, which
    /// may lie where only root may write.
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

/// A symbolic link that was followed.
struct Followed {
    path: PathBuf,
    user: u32,
}

impl Dir {
    /// Opens the directory at `path`.
    ///
    /// Errors: those of the system, and permission denied for a symbolic link that another user has made.
    pub fn open(path: &Path) -> io::Result<Dir> {
        walk(path, None)
    }

    /// Opens the directory at `path`; what is missing of it is created and brought to the disk: the last one with
    /// these permissions, those above it as `mkdir -p` does, so that its later owner can get to it.
    pub fn create(path: &Path, mode: u32) -> io::Result<Dir> {
        walk(path, Some(mode))
    }

    /// Opens the directory that holds `path`, and says under which name.
    pub fn holding(path: &Path) -> io::Result<(Dir, OsString)> {
        let (parent, name) = split(path)?;
        Ok((walk(&parent, None)?, name))
    }

    /// As [`Dir::holding`]; what is missing of the directory is created with these permissions.
    pub fn holding_created(path: &Path, mode: u32) -> io::Result<(Dir, OsString)> {
        let (parent, name) = split(path)?;
        Ok((walk(&parent, Some(mode))?, name))
    }

    /// Opens the directory that holds the file at `path`, where the file itself may be a symbolic link; says
    /// under which name. What is missing of the directory is created with the permissions, if there are any.
    ///
    /// Errors: as [`Dir::open`].
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

    /// Where it is now, by a path without links.
    pub fn real(&self) -> io::Result<PathBuf> {
        let path = rustix::fs::readlink(self.anchored(), Vec::new())?;
        Ok(PathBuf::from(OsString::from_vec(path.into_bytes())))
    }

    /// Where it was opened; for messages. It may have been moved since.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The path of a name in it; for messages.
    pub fn place(&self, name: impl AsRef<OsStr>) -> PathBuf {
        self.path.join(name.as_ref())
    }

    /// A path that leads to this directory whatever has become of the one it was opened by, while it is open; for
    /// libraries that take nothing else.
    pub fn anchored(&self) -> PathBuf {
        PathBuf::from(format!("/proc/self/fd/{}", self.fd.as_raw_fd()))
    }

    /// What it is itself.
    pub fn entry(&self) -> io::Result<DirEntry> {
        Ok(DirEntry::new(&rustix::fs::fstat(&self.fd)?))
    }

    /// What a name in it stands for; nothing if there is no such name.
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

    /// Creates a new file, open for reading and writing. The mask of the process takes from `mode`.
    ///
    /// Errors: already exists, whatever has the name.
    pub fn create_file(&self, name: impl AsRef<OsStr>, mode: u32) -> io::Result<File> {
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let fd = rustix::fs::openat(&self.fd, one(name.as_ref())?, flags, Mode::from_raw_mode(mode))?;
        Ok(File::from(fd))
    }

    /// Creates a new file that only its owner can read, whatever the mask of the process.
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

    /// Opens a file for writing that an earlier run of this user has created; it is not shortened.
    ///
    /// Errors: permission denied if it is no such file.
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
        // Opening a FIFO would wait for its other end.
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
    /// Errors: not a directory for anything else, a link to one included.
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

    /// Opens a directory some levels below this one, following links as on the way to it; what is missing is
    /// created with the permissions, if there are any.
    pub fn below(&self, path: &Path, create: Option<u32>) -> io::Result<Dir> {
        let fd = walk_from(self.fd.as_fd(), self.path.clone(), path, create.map(|mode| (None, mode)))?;
        Ok(Dir { fd, path: self.path.join(path) })
    }

    /// Creates a directory in this one. The mask of the process takes from `mode`.
    ///
    /// Errors: already exists, whatever has the name.
    pub fn make(&self, name: impl AsRef<OsStr>, mode: u32) -> io::Result<Dir> {
        rustix::fs::mkdirat(&self.fd, one(name.as_ref())?, Mode::from_raw_mode(mode))?;
        let made = self.sub(&name)?;
        // The owner of this directory may have put another in its place meanwhile.
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
                // Another thread was first.
                Err(error) if error.kind() == ErrorKind::AlreadyExists => self.sub(&name),
                made => made,
            },
            opened => opened,
        }
    }

    /// Removes a name that is no directory. What a link leads to stays. It is fine if there is none.
    pub fn remove(&self, name: impl AsRef<OsStr>) -> io::Result<()> {
        absent_is_fine(rustix::fs::unlinkat(&self.fd, one(name.as_ref())?, AtFlags::empty()))
    }

    /// Removes an empty directory. It is fine if there is none.
    pub fn remove_dir(&self, name: impl AsRef<OsStr>) -> io::Result<()> {
        absent_is_fine(rustix::fs::unlinkat(&self.fd, one(name.as_ref())?, AtFlags::REMOVEDIR))
    }

    /// Removes every name in this directory that is no directory.
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

    /// Gives a file another name in this directory, in the place of what has it.
    pub fn rename(&self, from: impl AsRef<OsStr>, to: impl AsRef<OsStr>) -> io::Result<()> {
        Ok(rustix::fs::renameat(&self.fd, one(from.as_ref())?, &self.fd, one(to.as_ref())?)?)
    }

    /// Brings the names in it to the disk.
    pub fn sync(&self) -> io::Result<()> {
        File::from(self.fd.try_clone()?).sync_all()
    }

    /// Gives this directory to a user, a group or both.
    pub fn give(&self, user: Option<u32>, group: Option<u32>) -> io::Result<()> {
        Ok(rustix::fs::fchown(&self.fd, user.map(Uid::from_raw), group.map(Gid::from_raw))?)
    }

    /// Gives a file in it to a user, a group or both, and says whether there is one.
    ///
    /// Errors: permission denied for anything but a regular file with one name.
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

    /// Sets the permissions of this directory, whatever the mask of the process.
    pub fn set_mode(&self, mode: u32) -> io::Result<()> {
        Ok(rustix::fs::fchmod(&self.fd, Mode::from_raw_mode(mode))?)
    }

    /// Whether two are the same directory.
    pub fn same(&self, other: &Dir) -> io::Result<bool> {
        Ok(self.entry()?.id == other.entry()?.id)
    }

    /// Another descriptor of it.
    pub fn try_clone(&self) -> io::Result<Dir> {
        Ok(Dir { fd: self.fd.try_clone()?, path: self.path.clone() })
    }
}

impl AsFd for Dir {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

/// Whether every link on the way to a directory or a file may lead there. What cannot be opened at all is for its
/// user to report.
///
/// Errors: permission denied, naming the link.
pub fn followed(path: &Path) -> io::Result<()> {
    let found = if std::fs::metadata(path).is_ok_and(|meta| meta.is_dir()) {
        Dir::open(path).map(drop)
    } else {
        Dir::locate(path, None).map(drop)
    };
    // The system's own refusals carry no text of ours.
    match found {
        Err(error) if error.kind() == ErrorKind::PermissionDenied && error.get_ref().is_some() => Err(error),
        _ => Ok(()),
    }
}

/// The directories of a path that are not there yet. Those that are made and stay empty are removed again when
/// this is dropped, unless they are kept.
#[derive(Debug)]
pub struct NewDirs(Vec<PathBuf>);

impl NewDirs {
    /// To be called before they are created.
    pub fn of(path: &Path) -> NewDirs {
        let path = std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf());
        let missing = path.ancestors().take_while(|path| std::fs::symlink_metadata(path).is_err());
        NewDirs(missing.map(Path::to_path_buf).collect())
    }

    /// They stay.
    pub fn keep(&mut self) {
        self.0.clear();
    }
}

impl Drop for NewDirs {
    fn drop(&mut self) {
        // The deepest first; those that are not empty stay.
        for path in &self.0 {
            let _ = Dir::holding(path).and_then(|(dir, name)| dir.remove_dir(name));
        }
    }
}

/// A file without a name in `dir`, which is gone when it is closed, however the process ends.
pub fn unnamed(dir: &Path) -> io::Result<File> {
    tempfile::tempfile_in(dir)
}

/// The user this process acts as.
pub fn own_user() -> u32 {
    rustix::process::geteuid().as_raw()
}

/// Takes away from everything this process creates what a server takes away: writing by the group, and all rights
/// of others. To be called at the start.
pub fn mask_new_files() {
    let before = rustix::process::umask(Mode::from_raw_mode(0o027));
    FIRST_MASK.store(before.as_raw_mode(), Ordering::Relaxed);
    if !Mode::from_raw_mode(0o027).contains(before) {
        rustix::process::umask(before | Mode::from_raw_mode(0o027));
    }
}

const DIRECTORY: OFlags =
    OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

/// Opens a directory; what is missing of it is created with these permissions.
fn walk(path: &Path, create: Option<u32>) -> io::Result<Dir> {
    let above = 0o755 & !FIRST_MASK.load(Ordering::Relaxed);
    let fd = walk_from(CWD, PathBuf::new(), path, create.map(|last| (Some(above), last)))?;
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf());
    Ok(Dir { fd, path })
}

/// Opens a directory component by component, from the one that is `shown`. What is missing is created: the last
/// component with the second permissions, those above it as well if there are no others for them.
fn walk_from(
    from: BorrowedFd,
    shown: PathBuf,
    path: &Path,
    create: Option<(Option<u32>, u32)>,
) -> io::Result<OwnedFd> {
    let step = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let start = |root: bool| {
        let name = if root { c"/" } else { c"." };
        rustix::fs::openat(from, name, step | OFlags::DIRECTORY, Mode::empty())
    };
    let mut here = start(path.is_absolute())?;
    let mut shown = if path.is_absolute() { PathBuf::from("/") } else { shown };
    let mut links: Vec<Followed> = Vec::new();
    let mut open = components(path);
    // Fewer components than that are open where a component is one of the path itself, and not of a link.
    let mut of_links = usize::MAX;
    while let Some(name) = open.pop() {
        let next = match rustix::fs::openat(&here, name.as_os_str(), step, Mode::empty()) {
            // A link that leads nowhere stands in the way of what is to be created.
            Err(Errno::NOENT) if create.is_some() && open.len() >= of_links => {
                return Err(Errno::EXIST.into());
            }
            Err(Errno::NOENT) if create.is_some() && name != ".." => {
                let (above, last) = create.unwrap_or((None, 0o700));
                let parent = Dir { fd: readable(&here)?, path: shown.clone() };
                trusted(&links, parent.entry()?.user)?;
                // What is new lies where the links may lead, and is this user's.
                links.clear();
                let made = parent.sub_or_make(&name, last)?;
                if let Some(above) = above.filter(|_| !open.is_empty()) {
                    made.set_mode(above)?;
                }
                parent.sync()?;
                made.fd
            }
            next => next?,
        };
        let stat = DirEntry::new(&rustix::fs::fstat(&next)?);
        match stat.kind {
            FileType::Directory => {
                here = next;
                shown.push(&name);
            }
            FileType::Symlink if links.len() < MOST_LINKS => {
                let leads_to = rustix::fs::readlinkat(&next, c"", Vec::new())?;
                let leads_to = PathBuf::from(OsString::from_vec(leads_to.into_bytes()));
                links.push(Followed { path: shown.join(&name), user: stat.user });
                if leads_to.is_absolute() {
                    here = start(true)?;
                    shown = PathBuf::from("/");
                }
                of_links = of_links.min(open.len());
                open.extend(components(&leads_to));
            }
            FileType::Symlink => return Err(Errno::LOOP.into()),
            _ => return Err(Errno::NOTDIR.into()),
        }
    }
    let fd = readable(&here)?;
    trusted(&links, rustix::fs::fstat(&fd)?.st_uid)?;
    Ok(fd)
}

/// Whether links may lead to what belongs to `owner`.
fn trusted(links: &[Followed], owner: u32) -> io::Result<()> {
    let may_lead = |user: u32| user == 0 || user == own_user() || user == owner;
    if let Some(link) = links.iter().find(|link| !may_lead(link.user)) {
        return Err(io::Error::new(
            ErrorKind::PermissionDenied,
            format!(
                "the symbolic link {} was made by user {} and leads to what belongs to user {owner}: it is not \
                 followed; name the directory itself",
                link.path.display(),
                link.user
            ),
        ));
    }
    Ok(())
}

/// The components of a path but its root, the first one last.
fn components(path: &Path) -> Vec<OsString> {
    let parts = path.components().filter_map(|part| match part {
        Component::Normal(name) => Some(name.to_os_string()),
        Component::ParentDir => Some(OsString::from("..")),
        Component::CurDir | Component::RootDir | Component::Prefix(_) => None,
    });
    let mut parts: Vec<OsString> = parts.collect();
    parts.reverse();
    parts
}

/// The same directory, open for listing.
fn readable(dir: &OwnedFd) -> io::Result<OwnedFd> {
    Ok(rustix::fs::openat(dir, c".", DIRECTORY, Mode::empty())?)
}

/// The directory part of a path and its last name.
fn split(path: &Path) -> io::Result<(PathBuf, OsString)> {
    match path.file_name() {
        Some(name) => Ok((path.parent().unwrap_or(Path::new("")).to_path_buf(), name.to_os_string())),
        None => Err(io::Error::new(ErrorKind::InvalidInput, "the path names no file")),
    }
}

/// A name that is one: nothing of a store leads out of a directory.
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
