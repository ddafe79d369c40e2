//! The way to a directory, component by component: links are followed only where their creator could have created
//! what they lead to.

use std::ffi::OsString;
use std::io::{self, ErrorKind};
use std::os::fd::{BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStringExt;
use std::path::{Component, Path, PathBuf};
use std::sync::atomic::Ordering;

use rustix::fs::{CWD, FileType, Mode, OFlags};
use rustix::io::Errno;

use super::{Dir, DirEntry, FIRST_MASK, absolute, own_user};

/// Most symbolic links followed on the way to one directory, the limit of the kernel.
pub(super) const MOST_LINKS: usize = 40;
/// How a directory is opened for listing.
pub(super) const DIRECTORY: OFlags =
    OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

/// A symbolic link that was followed.
pub(super) struct Followed {
    pub(super) path: PathBuf,
    pub(super) user: u32,
}

/// Opens a directory. Creates missing directories as [`Dir::create`] does, if permissions are given.
pub(super) fn walk(path: &Path, create: Option<u32>) -> io::Result<Dir> {
    let above = 0o755 & !FIRST_MASK.load(Ordering::Relaxed);
    let fd = walk_from(CWD, PathBuf::new(), path, create.map(|last| (Some(above), last)))?;
    Ok(Dir { fd, path: absolute(path) })
}

/// Opens a directory component by component, starting at `from`, whose path is `shown`. Creates missing components:
/// the last one with the second permissions of `create`, those above it with the first, or the second if `None`.
pub(super) fn walk_from(
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
    // With fewer open components than this, a component comes from the path itself and not from a link.
    let mut of_links = usize::MAX;
    while let Some(name) = open.pop() {
        let next = match rustix::fs::openat(&here, name.as_os_str(), step, Mode::empty()) {
            // A dangling link occupies the name to be created.
            Err(Errno::NOENT) if create.is_some() && open.len() >= of_links => {
                return Err(Errno::EXIST.into());
            }
            Err(Errno::NOENT) if create.is_some() && name != ".." => {
                let (above, last) = create.unwrap_or((None, 0o700));
                let parent = Dir { fd: readable(&here)?, path: shown.clone() };
                trusted(&links, parent.entry()?.user)?;
                // The new directory belongs to this user, and the links so far are checked.
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

/// Checks that links may lead to a target that belongs to `owner`.
pub(super) fn trusted(links: &[Followed], owner: u32) -> io::Result<()> {
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

/// The components of a path without its root, in reverse order.
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
