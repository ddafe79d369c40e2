//! Runs that wait for a lock of another session end when they are asked to, and nothing is committed after them.

use std::io::Write as _;
use std::process::{Child, ChildStdin, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::harness::database_servers::Kind;
use crate::harness::site::{Engine, Site, started};

/// Another session, which keeps its locks until it is let go.
struct Other {
    client: Child,
    input: ChildStdin,
}

impl Other {
    fn with(site: &Site, statements: &str) -> Other {
        let database = site.database();
        let mut client = database.server.client(&database.name);
        let mut client = client.stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
        let mut input = client.stdin.take().unwrap();
        writeln!(input, "{statements}").unwrap();
        input.flush().unwrap();
        Other { client, input }
    }

    /// Rolls back and leaves.
    fn let_go(mut self) {
        let _ = writeln!(self.input, "ROLLBACK;");
        drop(self.input);
        self.client.wait().unwrap();
    }
}

#[track_caller]
fn until(what: &str, mut happened: impl FnMut() -> bool) {
    let begin = Instant::now();
    while !happened() {
        assert!(begin.elapsed() < Duration::from_secs(60), "nothing happened: {what}");
        // InnoDB looks at its locks again only if it was not asked for a while.
        std::thread::sleep(Duration::from_millis(250));
    }
}

/// Starts a run that meets a lock, and asks it to end once it waits.
fn stop_at_lock(site: &Site, arguments: &[&str], lock: &str) {
    let waiting = || {
        let ask = match site.database().server.kind {
            Kind::Postgres => "SELECT count(*) FROM pg_locks WHERE NOT granted",
            Kind::Mysql => {
                "SELECT (SELECT count(*) FROM information_schema.innodb_trx WHERE trx_state = 'LOCK WAIT') + \
                 (SELECT count(*) FROM information_schema.processlist WHERE state LIKE '%metadata lock%')"
            }
        };
        site.database().sql(ask) != "0"
    };
    let what = format!("{:?} {arguments:?} {lock}", site.database().server.kind);
    let before = rows(site);
    let other = Other::with(site, lock);
    let mut run = started(&mut site.with_config(arguments));
    let mut ended = false;
    until(&what, || {
        ended = run.try_wait().unwrap().is_some();
        ended || waiting()
    });
    if ended {
        panic!("{what} did not wait: {:?}", run.wait_with_output());
    }
    let begin = Instant::now();
    kill_process(Pid::from_raw(i32::try_from(run.id()).unwrap()).unwrap(), Signal::INT).unwrap();
    let ended = run.wait_with_output().unwrap();
    let text = String::from_utf8_lossy(&ended.stderr);
    assert!(begin.elapsed() < Duration::from_secs(2), "{what}: {:?}: {text}", begin.elapsed());
    assert_eq!(ended.status.code(), Some(130), "{what}: {text}");
    assert!(text.contains("interrupted"), "{what}: {text}");
    other.let_go();
    // What waited on the side of the server is done with by now, and is rolled back.
    site.database().wait_for_leavers();
    assert_eq!(rows(site), before, "{what}");
}

fn rows(site: &Site) -> String {
    site.database().sql("SELECT count(*) FROM p")
}

#[test]
fn a_run_that_waits_for_a_lock_ends_when_it_is_asked_to() {
    let first = Site::plain_of("0.15.5", Engine::Sqlite).unwrap();
    first.run(&["-e", "dump", "--exclude", "@search"]).expect(0);
    let dump = first.path("dump").display().to_string();
    let load = ["-i", &dump, "--yes", "--wipe-target", "--exclude", "@search"];
    for kind in [Kind::Postgres, Kind::Mysql] {
        let site = Site::of("0.15.5", Engine::Sql(kind));
        assert_ne!(rows(&site), "0");
        let (table, row) = match kind {
            Kind::Postgres => {
                ("BEGIN; LOCK TABLE p IN ACCESS EXCLUSIVE MODE;", "BEGIN; SELECT k FROM p FOR UPDATE;")
            }
            Kind::Mysql => ("LOCK TABLES p WRITE;", "BEGIN; SELECT k FROM p FOR UPDATE;"),
        };
        stop_at_lock(&site, &["-e", "first", "--yes", "--exclude", "@search"], table);
        stop_at_lock(&site, &load, table);
        stop_at_lock(&site, &load, row);
        // Nothing is in the way afterwards.
        site.run(&["-i", &dump, "--yes", "--wipe-target", "--exclude", "@search"])
            .expect(0)
            .says(&["read back"]);
    }
}
