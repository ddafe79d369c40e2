//! Tests that change what belongs to the process: each runs in a process of its own, which is this program again.

use std::process::Command;

const ALONE: &str = "STALWART_MIGRATE_TEST_ALONE";

/// Runs the body of the test that has this name, as `module::function`, where no other test runs.
#[track_caller]
pub fn alone(name: &str, test: impl FnOnce()) {
    if std::env::var_os(ALONE).is_some() {
        return test();
    }
    let mut command = Command::new(std::env::current_exe().unwrap());
    let output = command.args([name, "--exact", "--nocapture"]).env(ALONE, "1").output().unwrap();
    let text =
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    // A name that no test has would succeed as well.
    assert!(output.status.success() && text.contains("1 passed"), "{name}: {text}");
}
