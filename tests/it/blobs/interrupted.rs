//! Runs with blobs outside the database, killed with SIGKILL at random moments and resumed.
//!
//! `STALWART_MIGRATE_KILLS` says how often, as for tests/it/kill.rs, and `STALWART_MIGRATE_KILL_SEED` which moments are
//! drawn. Both the seed and the moments are printed with a failure.

use std::fs;
use std::process::Stdio;
use std::time::{Duration, Instant};

use super::*;
use crate::harness::program::{bare, run};
use crate::harness::seed::{number, seed};

fn kills() -> u32 {
    number("STALWART_MIGRATE_KILLS").map_or(5, |kills| kills as u32)
}

/// Starts the program and kills it after a while; whether it had ended before that, successfully.
fn killed(arguments: &[&std::ffi::OsStr], moment: Duration) -> bool {
    let mut command = bare();
    command.args(arguments).arg("--quiet");
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    std::thread::sleep(moment);
    let ended = child.try_wait().unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    ended.is_some_and(|status| status.success())
}

/// The moments of kills, and how they were drawn.
#[derive(Debug)]
struct History {
    /// The value of `STALWART_MIGRATE_KILL_SEED` that draws them again.
    seed: u64,
    moments: Vec<Duration>,
}

impl History {
    fn new() -> History {
        History { seed: seed(), moments: Vec::new() }
    }

    /// The next moment within `length`.
    fn draw(&mut self, length: Duration) -> Duration {
        let drawn = [self.seed, self.moments.len() as u64].map(u64::to_le_bytes).concat();
        let part = f64::from(blake3::hash(&drawn).as_bytes()[0]) / 255.0;
        self.moments.push(length.mul_f64(part));
        self.moments[self.moments.len() - 1]
    }
}

fn original(home: &Home) -> PathBuf {
    home.generated("generated", 800, 3000);
    let config = home.toml("generated", &Store::Sqlite("generated"), &Store::Data);
    home.export(&config, "original")
}

/// Whether the dump holds the state of an import, from which it can go on.
fn begun(dump: &Path) -> bool {
    states(dump).iter().any(|name| name.ends_with(".json"))
}

/// Files of imports in the dump, of which one may not have got its name yet.
fn states(dump: &Path) -> Vec<String> {
    let entries = fs::read_dir(dump.join("manifest")).unwrap().flatten();
    let names = entries.map(|entry| entry.file_name().to_string_lossy().into_owned());
    names.filter(|name| name.starts_with("import-")).collect()
}

fn imports(new: impl Fn(u32) -> (Store, Store)) {
    let home = Home::new();
    let dump = original(&home);
    let (data, blobs) = new(0);
    let config = home.toml("undisturbed", &data, &blobs);
    let begin = Instant::now();
    home.import(&config, &dump);
    let length = begin.elapsed();
    let (mut in_the_middle, mut history) = (0, History::new());
    for n in 1..=kills() {
        let (data, blobs) = new(n);
        let config = home.toml(&format!("target{n}"), &data, &blobs);
        let complete = killed(args!["-c", config, "-i", dump], history.draw(length));
        if begun(&dump) {
            in_the_middle += 1;
            let resumed = run(args!["-c", config, "-i", dump, "--resume"]);
            assert_eq!(resumed.code(), Some(0), "{history:?}: {}", resumed.stderr);
        } else if !complete && run(args!["verify", dump, "--against", config]).code().unwrap() != 0 {
            let again = run(args!["-c", config, "-i", dump]);
            assert_eq!(again.code(), Some(0), "{history:?}: {}", again.stderr);
        }
        assert_eq!(states(&dump), [""; 0], "{history:?}");
        let again = home.path(&format!("again{n}"));
        let exported = run(args!["-c", config, "-e", again]);
        assert_eq!(exported.code(), Some(0), "{history:?}: {}", exported.stderr);
        assert!(!exported.stderr.contains("are not this server's"), "{history:?}: {}", exported.stderr);
        assert_same(&dump, &again);
        fs::remove_dir_all(again).unwrap();
    }
    println!("{} imports killed, {in_the_middle} of them in the middle", kills());
}

/// Names that live as long as a configuration needs them.
fn name(kind: &str, n: u32) -> &'static str {
    format!("{kind}{n}").leak()
}

#[test]
fn imports_into_files_go_on() {
    imports(|n| (Store::Sqlite(name("data", n)), Store::Fs(name("files", n), 2).lz4()));
}

#[test]
fn imports_into_s3_go_on() {
    imports(|n| (Store::RocksDb(name("data", n)), Store::S3(Server::s3().bucket(), "k/")));
}

#[test]
fn exports_from_s3_go_on() {
    let home = Home::new();
    let original = original(&home);
    let config = home.toml("s3", &Store::Sqlite("data"), &Store::S3(Server::s3().bucket(), "k/"));
    home.import(&config, &original);
    let begin = Instant::now();
    home.export(&config, "undisturbed");
    let (length, dump) = (begin.elapsed(), home.path("dump"));
    let (mut in_the_middle, mut history) = (0, History::new());
    for _ in 0..kills() {
        killed(args!["-c", config, "-e", dump, "--jobs", "2"], history.draw(length));
        if dump.join("manifest/resume.json").exists() && !dump.join("manifest/manifest.json").exists() {
            in_the_middle += 1;
            let resumed = run(args!["-c", config, "-e", dump, "--resume"]);
            assert_eq!(resumed.code(), Some(0), "{history:?}: {}", resumed.stderr);
        }
        if dump.join("manifest/manifest.json").exists() {
            assert_same(&original, &dump);
        }
        let _ = fs::remove_dir_all(&dump);
    }
    println!("{} exports killed, {in_the_middle} of them in the middle", kills());
}

#[test]
fn a_list_that_never_ends_is_left_at_once() {
    let stub = crate::harness::stub::Stub::start(|number, _| {
        let name = format!("k/{}", stalwart_migrate::backend::objects::names::encode(&number.to_be_bytes()));
        std::thread::sleep(Duration::from_millis(5));
        crate::harness::stub::Reply::Whole(
            200,
            crate::harness::stub::s3_list(&[(&name, 3)], Some(&format!("token{number}"))),
        )
    });
    let home = Home::new();
    home.generated("data", 10, 100);
    let config = home.toml("endless", &Store::Sqlite("data"), &Store::S3("mail".into(), "k/"));
    let text = fs::read_to_string(&config).unwrap();
    home.write("endless.toml", &text.replace(&Server::s3().endpoint(), &stub.endpoint()));
    let mut command = bare();
    command.args(args!["-c", config, "-e", home.path("dump")]);
    let child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let begin = Instant::now();
    while stub.seen().len() < 20 {
        assert!(begin.elapsed() < Duration::from_secs(60), "the list is read");
        std::thread::sleep(Duration::from_millis(20));
    }
    let pid = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
    let output = child.wait_with_output().unwrap();
    let text = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(130), "{text}");
    assert!(text.contains("interrupted"), "{text}");
    assert!(!home.path("dump").exists(), "nothing was written");
}
