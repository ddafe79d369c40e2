//! Resolves the paths of a configuration once, before any file is accessed.
//!
//! A store that was moved is often left as a link. The files beside it (a log, a lock), its file system, and whether
//! two paths lead to the same place can only be determined from the real path.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::{StoreConfig, StoreKind};
use crate::base::dir;
use crate::base::dir::absolute;
use crate::base::error::{Error, Result};
use crate::settings::{FoundationDbSettings, FsSettings, RocksDbSettings, shown_path};

impl StoreConfig {
    /// The same store with the real paths of its files and directories; a path that does not exist yet gets the real
    /// path of its directory. Paths without links stay as written.
    ///
    /// Errors: usage for a dangling or circular link; refused for a link of another user that leads to files of a
    /// different owner.
    pub(in crate::config) fn resolved(mut self) -> Result<StoreConfig> {
        match &mut self.kind {
            StoreKind::RocksDb(RocksDbSettings { path, .. })
            | StoreKind::Sqlite { path }
            | StoreKind::Fs(FsSettings { path, .. }) => {
                *path = real(path)?;
            }
            StoreKind::FoundationDb(FoundationDbSettings { cluster_file: Some(path), .. }) => {
                *path = real(path)?
            }
            StoreKind::Sharded { stores } => {
                let members = std::mem::take(stores).into_iter().map(StoreConfig::resolved);
                *stores = members.collect::<Result<_>>()?;
            }
            _ => {}
        }
        Ok(self)
    }
}

fn real(path: &Path) -> Result<PathBuf> {
    let whole = absolute(path);
    let mut missing = Vec::new();
    let mut there = whole.as_path();
    loop {
        match fs::canonicalize(there) {
            Ok(found) if missing.is_empty() && found == whole => return Ok(path.to_path_buf()),
            Ok(found) => {
                if let Err(error) = dir::followed(there) {
                    return Err(Error::refused(
                        "the path of a store is that of a link which is not followed",
                    )
                    .with("path", shown_path(path))
                    .because(error)
                    .help("name the real path in the configuration"));
                }
                let real = missing.iter().rev().fold(found, |real: PathBuf, name| real.join(name));
                return Ok(if real == whole { path.to_path_buf() } else { real });
            }
            Err(error) => {
                let link = fs::symlink_metadata(there).is_ok_and(|meta| meta.is_symlink());
                if link && error.kind() != ErrorKind::PermissionDenied {
                    let leads = fs::read_link(there).unwrap_or_default();
                    return Err(Error::usage("the path of a store is a link that leads nowhere")
                        .with("path", shown_path(path))
                        .with("link", shown_path(there))
                        .with("leads to", leads.display().to_string())
                        .because(error)
                        .help("mount or make what it leads to, or name another path in the configuration"));
                }
            }
        }
        // Opening the store meets the error again, and reports more of it.
        let (Some(name), Some(parent)) = (there.file_name(), there.parent()) else {
            return Ok(path.to_path_buf());
        };
        missing.push(name);
        there = parent;
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn every_link_on_the_way_is_resolved() {
        let dir = tempfile::tempdir().unwrap();
        let place = fs::canonicalize(dir.path()).unwrap();
        fs::create_dir_all(place.join("disk/data")).unwrap();
        fs::write(place.join("disk/data/file"), b"").unwrap();
        symlink(place.join("disk"), place.join("moved")).unwrap();
        symlink("file", place.join("disk/data/link")).unwrap();
        symlink("nowhere", place.join("dangling")).unwrap();
        symlink("circle", place.join("circle")).unwrap();
        let check = |path: &str, expect: Option<&str>| {
            let found = real(&place.join(path));
            assert_eq!(
                found.as_ref().ok(),
                expect.map(|path| place.join(path)).as_ref(),
                "{path}: {found:?}"
            );
        };
        check("disk/data/file", Some("disk/data/file"));
        check("moved/data/file", Some("disk/data/file"));
        check("moved/data/link", Some("disk/data/file"));
        check("moved/data/../data", Some("disk/data"));
        check("moved/new/store", Some("disk/new/store"));
        check("absent", Some("absent"));
        check("disk/data/file/below", Some("disk/data/file/below"));
        check("dangling", None);
        check("dangling/store", None);
        check("circle", None);
        assert_eq!(real(Path::new("not/there")).unwrap(), Path::new("not/there"));
    }
}
