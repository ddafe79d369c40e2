//! This program again, with one of its tests: for what belongs to a process, as a flag, its rights or its locks.

use std::process::Command;

const ALONE: &str = "STALWART_MIGRATE_TEST_ALONE";

/// What is after the name of this program in the name of every test, as `stop::whatever_reads_ends`.
macro_rules! test_name {
    ($function:ident) => {
        concat!(module_path!(), "::", stringify!($function)).split_once("::").unwrap().1
    };
}
pub(crate) use test_name;

/// Arguments that leave one test of this program.
pub fn only(test: &str) -> [&str; 3] {
    ["--exact", test, "--nocapture"]
}

/// Runs the body of a test in a process where no other test runs.
#[track_caller]
pub fn alone(test: &str, body: impl FnOnce()) {
    if std::env::var_os(ALONE).is_some() {
        return body();
    }
    let mut command = Command::new(std::env::current_exe().unwrap());
    let output = command.args(only(test)).env(ALONE, "1").output().unwrap();
    let text =
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    // A name that no test has would succeed as well.
    assert!(output.status.success() && text.contains("1 passed"), "{test}: {text}");
}
