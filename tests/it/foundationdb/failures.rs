//! What can go wrong: no library, no cluster, errors that pass, and runs that are killed.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, Instant};

use super::double::{Cluster, library};
use crate::harness::program::outcome;
use crate::harness::site::{assert_same, ended, started, until};

/// Exports of the real key space with these errors are the same.
fn check(faults: &str) {
    let cluster = Cluster::of_a_server();
    cluster.export("plain", &[]).expect(3);
    let (plain, dump) = (cluster.path("plain"), cluster.path("dump"));
    let mut command = cluster.command(&["--export", "dump"]);
    command.env("FDB_DOUBLE_FAULTS", faults).env("FDB_DOUBLE_LOG", cluster.path("log"));
    outcome(command).expect(3);
    assert_same(&plain, &dump);
    let target = Cluster::new();
    let mut command = target.command(&["--import", dump.to_str().unwrap(), "--yes"]);
    command.env("FDB_DOUBLE_FAULTS", faults).env("FDB_DOUBLE_LOG", cluster.path("log"));
    outcome(command).expect(3);
    target.export("back", &[]).expect(0);
    assert_same(&plain, &target.path("back"));
    let log = fs::read_to_string(cluster.path("log")).unwrap();
    assert!(log.lines().filter(|line| line.starts_with("fault ")).count() > 5, "{faults}: {log}");
}

#[test]
fn errors_that_pass_change_no_byte() {
    check("rate=0.05 seed=1 codes=1007,1009,1037 of=read; rate=0.05 seed=2 code=1009 of=version");
    check("rate=0.2 seed=3 codes=1020,1021,1009 of=commit applied=random");
    check(
        "every=3 code=1021 of=commit applied=yes; every=5 code=1021 of=commit applied=no; every=7 code=2101 of=commit",
    );
}

#[test]
fn a_killed_run_goes_on() {
    let source = Cluster::of_a_server();
    source.export("dump", &[]).expect(3);
    let dump = source.path("dump");
    for (commit, moment) in [(1, "before"), (3, "torn"), (9, "after"), (20, "torn"), (31, "before")] {
        let target = Cluster::new();
        let mut command = target.command(&["--import", dump.to_str().unwrap(), "--yes"]);
        command.env("FDB_DOUBLE_KILL", format!("commit:{commit}:{moment}"));
        let killed = outcome(command);
        assert_eq!(killed.code(), None, "{killed:?}");
        target.import(&dump, &["--yes", "--resume"]).expect(3);
        target.export("back", &[]).expect(0);
        assert_same(&dump, &target.path("back"));
    }
}

/// A value that takes several transactions is never seen in part.
#[test]
fn a_run_killed_within_a_value_goes_on() {
    let source = Cluster::of_a_server();
    let mut pairs = source.pairs();
    let long: Vec<u8> = (0..9_650_000).map(|n| (n / 3 % 251) as u8).collect();
    for (at, piece) in long.chunks(100_000).enumerate() {
        let mut key = vec![b'p', 0, 0, 0, 3, 9, 0x32, 0, 0, 0, 0x77];
        key.extend(at.checked_sub(1).map(|at| at as u8));
        pairs.insert(key, piece.to_vec());
    }
    source.fill(&pairs);
    source.export("dump", &[]).expect(3);
    let dump = source.path("dump");
    let mut in_part = 0;
    for commit in (14..50).step_by(4) {
        let target = Cluster::new();
        let mut command = target.command(&["--import", dump.to_str().unwrap(), "--yes", "--jobs", "1"]);
        command.env("FDB_DOUBLE_KILL", format!("commit:{commit}:after"));
        let killed = outcome(command);
        assert_eq!(killed.code(), None, "{killed:?}");
        let there = target.pairs();
        let pieces = there.keys().filter(|key| key.starts_with(&[b'p', 0, 0, 0, 3, 9, 0x32, 0, 0, 0, 0x77]));
        in_part += usize::from((1..97).contains(&pieces.count()));
        target.import(&dump, &["--yes", "--resume"]).expect(3);
        target.export("back", &[]).expect(0);
        assert_same(&dump, &target.path("back"));
    }
    assert!(in_part > 1, "no run was killed within the value");
}

#[test]
fn a_killed_export_goes_on() {
    let cluster = Cluster::of_a_server();
    cluster.export("plain", &[]).expect(3);
    for (n, time) in [30, 90, 200, 400].into_iter().enumerate() {
        let name = format!("dump{n}");
        let mut command = cluster.command(&["--export", &name, "--jobs", "2"]);
        command.env("FDB_DOUBLE_LATENCY", "read=10ms");
        let mut child = started(&mut command);
        until("the export begins", || cluster.path(&name).join("manifest/resume.json").exists());
        std::thread::sleep(Duration::from_millis(time));
        child.kill().unwrap();
        drop(child.wait_with_output());
        if cluster.path(&name).join("manifest/resume.json").exists() {
            cluster.export(&name, &["--resume"]).expect(3);
        }
        assert_same(&cluster.path("plain"), &cluster.path(&name));
    }
}

#[test]
fn a_stopped_export_goes_on() {
    let cluster = Cluster::of_a_server();
    cluster.export("plain", &[]).expect(3);
    let mut command = cluster.command(&["--export", "dump"]);
    command.env("FDB_DOUBLE_LATENCY", "read=50ms");
    let child = started(&mut command);
    until("the export begins", || cluster.path("dump/manifest/resume.json").exists());
    std::thread::sleep(Duration::from_millis(200));
    let pid = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
    ended(child).expect(130);
    cluster.export("dump", &["--resume"]).expect(3);
    assert_same(&cluster.path("plain"), &cluster.path("dump"));
    let (one, other) = (
        crate::harness::site::findings(&cluster.path("plain")),
        crate::harness::site::findings(&cluster.path("dump")),
    );
    assert_eq!(one, other);
}

#[test]
fn what_is_missing_is_told() {
    let cluster = Cluster::of_a_server();
    let run = |change: &dyn Fn(&mut std::process::Command), code: i32, words: &[&str]| {
        let mut command = cluster.command(&["--export", "dump"]);
        change(&mut command);
        let begin = Instant::now();
        let outcome = outcome(command).expect(code);
        assert!(begin.elapsed() < Duration::from_secs(10), "{outcome:?}");
        let error = outcome.error();
        words.iter().for_each(|word| assert!(error.contains(word), "{word}: {error}"));
        assert!(!cluster.path("dump").exists());
    };
    let missing = cluster.path("missing.so");
    run(
        &|command| {
            command.env("FDB_CLIENT_LIBRARY", &missing);
        },
        2,
        &["missing.so, which does not exist"],
    );
    let text = cluster.path("text.so");
    fs::write(&text, "no library").unwrap();
    fs::set_permissions(&text, fs::Permissions::from_mode(0o755)).unwrap();
    run(
        &|command| {
            command.env("FDB_CLIENT_LIBRARY", &text);
        },
        2,
        &["cannot be loaded", "foundationdb-clients"],
    );
    fs::write(cluster.path("fdb.cluster.locked"), "").unwrap();
    run(&|_| (), 5, &["the database is locked", "unlock UID"]);
    fs::remove_file(cluster.path("fdb.cluster.locked")).unwrap();
    cluster.fill(&[(b"\xff/tenant/map/one".to_vec(), b"{}".to_vec())].into());
    run(&|_| (), 5, &["tenants"]);
    let file = cluster.file().display().to_string();
    fs::write(cluster.file(), "unreachable:test@127.0.0.1:4500").unwrap();
    run(&|_| (), 1, &["cannot be reached", &file, "fdbcli --exec status"]);
    fs::write(cluster.file(), "[storage]").unwrap();
    run(&|_| (), 2, &["no cluster file", &file]);
    fs::remove_file(cluster.file()).unwrap();
    run(&|_| (), 2, &["there is no cluster file", &file]);
}

#[test]
fn the_program_does_not_link_the_client_library() {
    let program = crate::harness::program::program();
    let listed = std::process::Command::new("ldd").arg(&program).output().unwrap();
    let listed = String::from_utf8(listed.stdout).unwrap();
    assert!(listed.contains("libc.so") && !listed.contains("libfdb"), "{listed}");
    assert!(library().exists());
}
