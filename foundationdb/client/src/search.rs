//! Where a client library may be.
//!
//! Only absolute paths, never the loader's search by name: `LD_LIBRARY_PATH` and the working directory must not
//! decide which code runs as root. The loader's own directories are known from `/etc/ld.so.conf.d`.

use std::path::{Path, PathBuf};

/// The environment variable with the path of the library. If it is set, no other place is looked at.
pub const VARIABLE: &str = "FDB_CLIENT_LIBRARY";

const NAME: &str = "libfdb_c.so";

/// Where packages and images put it, and where the loader of the system looks without being told.
const USUAL: &[&str] = &[
    "/usr/lib",
    "/usr/lib64",
    "/usr/local/lib",
    "/usr/local/lib64",
    "/lib",
    "/lib64",
    #[cfg(target_arch = "x86_64")]
    "/usr/lib/x86_64-linux-gnu",
    #[cfg(target_arch = "aarch64")]
    "/usr/lib/aarch64-linux-gnu",
    "/opt/foundationdb/lib",
    "/opt/foundationdb/lib64",
];

const LOADER: &str = "/etc/ld.so.conf.d";

/// Every path where a library may be, in the order in which they are tried.
pub(crate) fn places() -> Vec<PathBuf> {
    let mut folders: Vec<PathBuf> = USUAL.iter().map(PathBuf::from).collect();
    for folder in configured(Path::new(LOADER)) {
        if !folders.contains(&folder) {
            folders.push(folder);
        }
    }
    folders.into_iter().map(|folder| folder.join(NAME)).collect()
}

/// The directories that the files `*.conf` in `folder` name. What cannot be read names none: these are more
/// places to look at, and an error would keep a program from a library that is elsewhere.
fn configured(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let mut files: Vec<PathBuf> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|extension| extension == "conf"))
        .collect();
    files.sort();
    let mut folders = Vec::new();
    for file in files {
        let Ok(text) = std::fs::read_to_string(&file) else { continue };
        let lines = text.lines().map(|line| line.split('#').next().unwrap_or_default().trim());
        folders.extend(lines.filter(|line| line.starts_with('/')).map(PathBuf::from));
    }
    folders
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn directories_of_the_loader_are_places() -> std::io::Result<()> {
        let folder = tempfile::tempdir()?;
        std::fs::write(folder.path().join("b.conf"), "/second # with a remark\nrelative\n")?;
        std::fs::write(folder.path().join("a.conf"), "# remark\n/first\n\ninclude /elsewhere/*.conf\n")?;
        std::fs::write(folder.path().join("c.txt"), "/not/read\n")?;
        assert_eq!(configured(folder.path()), [PathBuf::from("/first"), PathBuf::from("/second")]);
        assert_eq!(configured(&folder.path().join("missing")), Vec::<PathBuf>::new());
        Ok(())
    }

    #[test]
    fn every_place_is_an_absolute_path() {
        let places = places();
        assert!(places.contains(&PathBuf::from("/usr/lib/libfdb_c.so")));
        assert!(places.contains(&PathBuf::from("/opt/foundationdb/lib/libfdb_c.so")));
        assert_eq!(places.iter().find(|place| !place.is_absolute()), None);
    }
}
