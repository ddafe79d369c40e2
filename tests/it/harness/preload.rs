//! Builds `disk.c` and starts programs with it.

#![allow(dead_code, reason = "every test uses its own part")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::harness::program::{Outcome, ended, started};

/// The compiled disk; nothing where there is no C compiler.
pub fn disk() -> Option<&'static Path> {
    static DISK: OnceLock<Option<PathBuf>> = OnceLock::new();
    DISK.get_or_init(|| {
        let library = tempfile::tempdir().unwrap().keep().join("disk.so");
        let built = Command::new("cc")
            .args(["-shared", "-fPIC", "-O1", "-o"])
            .arg(&library)
            .args(["tests/it/harness/disk.c", "-ldl"])
            .output();
        match built {
            Ok(built) => {
                assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
                Some(library)
            }
            Err(error) => {
                println!("skipped: there is no C compiler: {error}");
                None
            }
        }
    })
    .as_deref()
}

/// A new file beside the disk.
fn beside(name: &str) -> PathBuf {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    disk().unwrap().with_file_name(format!("{name}{}", NEXT.fetch_add(1, Ordering::Relaxed)))
}

/// Sets the disk: `kind` of calls on paths with `file` in them, of which the one after `after` is preceded by the
/// signal. Returns the file that is there when that has happened.
pub fn with_signal(command: &mut Command, kind: &str, file: &str, after: u32, signal: Signal) -> PathBuf {
    let mark = beside("mark");
    command.env("LD_PRELOAD", disk().unwrap()).env("FAULT_KIND", kind).env("FAULT_FILE", file);
    command.env("FAULT_AFTER", after.to_string()).env("FAULT_MARK", &mark);
    command.env("FAULT_SIGNAL", signal.as_raw().to_string());
    mark
}

/// The paths of all calls of a run that change something, in order.
pub fn changes(command: Command) -> (Output, Vec<String>) {
    calls(command, "change")
}

/// The paths of all calls of a kind, in order.
pub fn calls(mut command: Command, kind: &str) -> (Output, Vec<String>) {
    let log = beside("log");
    command.env("LD_PRELOAD", disk().unwrap()).env("FAULT_KIND", kind).env("FAULT_FILE", "");
    command.env("FAULT_AFTER", i64::from(i32::MAX).to_string()).env("FAULT_LOG", &log);
    let output = command.output().unwrap();
    let text = fs::read(&log).unwrap();
    (output, String::from_utf8_lossy(&text).lines().map(str::to_string).collect())
}

/// A run that is stopped.
pub struct Stopped(Child);

impl Stopped {
    /// Ends it where it is.
    pub fn killed(mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }

    /// Lets it go on, to its end.
    pub fn goes_on(self) -> Outcome {
        kill_process(Pid::from_child(&self.0), Signal::CONT).unwrap();
        ended(self.0)
    }
}

fn is_stopped(child: &Child) -> bool {
    let stat = fs::read_to_string(format!("/proc/{}/stat", child.id())).unwrap_or_default();
    // After the name of the program, which is in parentheses.
    stat.rsplit_once(')').is_some_and(|(_, rest)| rest.trim_start().starts_with('T'))
}

/// Starts a run that stops before the read after `after` others of files with this in their path; nothing if it
/// ends without.
pub fn stopped_at(command: Command, file: &str, after: u32) -> Option<Stopped> {
    stopped_before(command, "read", file, after)
}

/// As [`stopped_at`], before a call of this kind.
pub fn stopped_before(mut command: Command, kind: &str, file: &str, after: u32) -> Option<Stopped> {
    let mark = with_signal(&mut command, kind, file, after, Signal::STOP);
    let mut child = started(&mut command);
    let begin = Instant::now();
    loop {
        // The mark comes before the signal, and going on before it would not undo it.
        if mark.exists() && is_stopped(&child) {
            return Some(Stopped(child));
        }
        if child.try_wait().unwrap().is_some() {
            return None;
        }
        assert!(begin.elapsed() < Duration::from_secs(120), "neither stopped nor ended");
        std::thread::sleep(Duration::from_millis(5));
    }
}
