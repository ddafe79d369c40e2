//! What an export writes is private, whatever the umask is.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::harness::program::{Place, program};

#[test]
fn a_dump_has_mode_0700_and_its_files_0600() {
    for umask in ["000", "022", "077", "277", "777"] {
        let place = Place::new();
        place.copy("stalwart-0.15.5", "source");
        let dump = place.path("dump");
        let output = Command::new("sh")
            .args(["-c", &format!("umask {umask}; exec \"$0\" \"$@\"")])
            .arg(program())
            .arg("--config")
            .arg(place.toml("source"))
            .arg("--export")
            .arg(&dump)
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let printed = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(0), "umask {umask}: {printed}");
        let (mut open, mut files) = (vec![dump.clone()], 0);
        while let Some(path) = open.pop() {
            if path.is_dir() {
                assert_eq!(mode(&path), 0o700, "umask {umask}: {}", path.display());
                open.extend(fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()));
            } else {
                assert_eq!(mode(&path), 0o600, "umask {umask}: {}", path.display());
                files += 1;
            }
        }
        assert!(files > 10, "umask {umask}: {files} files");
    }
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}
