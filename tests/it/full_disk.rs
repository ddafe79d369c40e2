//! File systems without space: a run ends with an error and goes on when there is room.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::harness::large::with_blobs;
use crate::harness::site::{EMBEDDED, Engine, Site, assert_same, trace};

/// A small file system in memory that is gone at the end; nothing where this user may not mount.
struct Disk(PathBuf);

impl Disk {
    fn of(size: &str, at: PathBuf) -> Option<Disk> {
        if !rustix::process::geteuid().is_root() {
            println!("only root can mount the small disk of this test");
            return None;
        }
        fs::create_dir_all(&at).unwrap();
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &format!("size={size}"), "none"])
            .arg(&at)
            .status()
            .unwrap();
        if !mounted.success() {
            println!("this machine does not let even root mount the small disk of this test");
            return None;
        }
        Some(Disk(at))
    }

    fn resize(&self, size: &str) {
        let option = format!("remount,size={size}");
        assert!(Command::new("mount").args(["-o", &option]).arg(&self.0).status().unwrap().success());
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

#[test]
fn a_full_disk_ends_a_run_that_goes_on_when_there_is_room() {
    let source = with_blobs(48);
    let before = trace(&source.store_dir());
    let whole = source.export("whole");
    let Some(disk) = Disk::of("24m", source.path("small")) else { return };
    let full = source.export_with("small/dump", &[]).expect(1);
    for words in ["No space left on device", "--resume"] {
        assert!(full.error().contains(words), "{full:?}");
    }
    let again = source.export_with("small/dump", &["--resume"]).expect(1);
    assert!(again.error().contains("No space left on device"), "{again:?}");
    disk.resize("200m");
    source.export_with("small/dump", &["--resume"]).expect(0);
    assert_same(&whole, &source.path("small/dump"));
    assert_eq!(trace(&source.store_dir()), before);
    drop(disk);
    for engine in EMBEDDED {
        full_target(engine, &whole);
    }
}

fn full_target(engine: Engine, dump: &Path) {
    let target = Site::empty("0.15.5", engine);
    let Some(disk) = Disk::of("30m", target.store_dir()) else { return };
    let full = target.import_with(dump, &[]).expect(1);
    for words in ["the target is incomplete: do not start the server on it", "--resume"] {
        assert!(full.error().contains(words), "{engine:?} {full:?}");
    }
    target.verify_against(dump).verdict(4);
    disk.resize("400m");
    target.import_with(dump, &["--resume"]).expect(0);
    assert_same(dump, &target.export("again"));
}
