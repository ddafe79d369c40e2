//! An import into what a first start has left, or into a target that it empties, is killed before every change that
//! it makes on the way to its first record: it goes on with `--resume`, it begins again as it says, and rows that
//! are replaced or that stay are never gone.
//!
//! Some changes of each kind in the usual run; with 25 kills or more (`STALWART_MIGRATE_KILLS`) every one. The
//! order of the changes is taken from a run that is not killed, so a moment that failed is named by its number.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use rusqlite::Connection;
use rustix::process::Signal;

use crate::harness::database_servers::{Database, Kind};
use crate::harness::preload::{calls, changes, disk, with_signal};
use crate::harness::site::{Engine, Outcome, Site, assert_same, outcome};
use crate::harness::started::{add_own_row, configure, fresh, hex, rocks};

/// Releases with a store as a first start leaves it, and their schema versions.
const RELEASES: [(&str, u32); 2] = [("0.15.5", 5), ("0.16.18", 6)];

const WIPE: [&str; 2] = ["--wipe-target", "--yes"];

/// The dump of a release, without what databases on servers have no place for.
fn dump((release, version): (&str, u32)) -> &'static Path {
    static DUMPS: [OnceLock<PathBuf>; 2] = [OnceLock::new(), OnceLock::new()];
    DUMPS[usize::from(version == 6)].get_or_init(|| {
        let site = Box::leak(Box::new(Site::plain_of(release, Engine::Sqlite).unwrap()));
        configure(site, version);
        site.run(&["-e", "dump", "--exclude", "@search"]).expect(0);
        site.path("dump")
    })
}

/// A target with a dump of its own beside it: the state of a run stands in there.
fn target(engine: Engine, release: (&str, u32)) -> (Site, PathBuf) {
    let site = fresh(engine, release);
    if release.1 < 6 {
        add_own_row(&site, engine);
    }
    let copied = site.path("dump");
    assert!(Command::new("cp").arg("-r").arg(dump(release)).arg(&copied).status().unwrap().success());
    (site, copied)
}

/// Keys and values of the leases that the target has.
fn leases(site: &Site, engine: Engine, version: u32) -> Vec<String> {
    match engine {
        _ if version < 6 => Vec::new(),
        Engine::RocksDb => {
            let db = rocks(site, true);
            let rows = db.iterator_cf(&db.cf_handle("g").unwrap(), rocksdb::IteratorMode::Start);
            let rows = rows.map(Result::unwrap).filter(|(key, _)| key.starts_with(&[0xff; 4]));
            rows.map(|(key, value)| format!("{} {}", hex(&key), hex(&value))).collect()
        }
        Engine::Sqlite => {
            let database = Connection::open(site.store()).unwrap();
            let mut select =
                database.prepare("SELECT hex(k), hex(v) FROM g WHERE k >= x'ffffffff' ORDER BY k").unwrap();
            let rows = select.query_map([], |row| {
                Ok(format!("{} {}", row.get::<_, String>(0)?, row.get::<_, String>(1)?).to_lowercase())
            });
            rows.unwrap().map(Result::unwrap).collect()
        }
        Engine::Sql(kind) => {
            let select = match kind {
                Kind::Postgres => {
                    "SELECT encode(k, 'hex') || ' ' || encode(v, 'hex') FROM g WHERE k >= '\\xffffffff' ORDER BY k"
                }
                Kind::Mysql => {
                    "SELECT lower(concat(hex(k), ' ', hex(v))) FROM g WHERE k >= x'ffffffff' ORDER BY k"
                }
            };
            site.database().sql(select).lines().map(str::to_string).collect()
        }
    }
}

/// Every line of the files with replaced rows.
fn saved(site: &Site) -> BTreeSet<String> {
    let names = fs::read_dir(site.dir()).unwrap().map(|entry| entry.unwrap().path());
    let files = names.filter(|path| path.extension().is_some_and(|extension| extension == "jsonl"));
    files
        .flat_map(|path| fs::read_to_string(path).unwrap().lines().map(str::to_string).collect::<Vec<_>>())
        .collect()
}

fn command(site: &Site, dump: &Path, more: &[&str]) -> Command {
    let mut program = site.with_config(&["-i"]);
    program.arg(dump).args(more).args(["--jobs", "1"]).stdout(Stdio::piped()).stderr(Stdio::piped());
    program
}

fn run(site: &Site, dump: &Path, more: &[&str]) -> Outcome {
    outcome(command(site, dump, more))
}

/// An export of what the dumps have.
fn export(site: &Site) -> PathBuf {
    site.run(&["-e", "again", "--exclude", "@search"]).expect(0);
    site.path("again")
}

fn has_state(dump: &Path) -> bool {
    let names = fs::read_dir(dump.join("manifest")).unwrap();
    names
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .any(|name| name.starts_with("import-") && name.ends_with(".json"))
}

/// What a run must leave, however often it was killed.
struct Expected {
    version: u32,
    leases: Vec<String>,
    saved: BTreeSet<String>,
}

fn check(site: &Site, engine: Engine, dump: &Path, expected: &Expected, what: &str) {
    assert!(!has_state(dump), "{what}: the state is removed");
    assert_same(dump, &export(site));
    assert_eq!(leases(site, engine, expected.version), expected.leases, "{what}");
    let missing: Vec<_> = expected.saved.difference(&saved(site)).cloned().collect();
    assert!(missing.is_empty(), "{what}: not saved: {missing:?}");
}

fn kills() -> usize {
    std::env::var("STALWART_MIGRATE_KILLS").ok().and_then(|n| n.parse().ok()).unwrap_or(1)
}

fn is_killed_before_every_change(engine: Engine) {
    if disk().is_none() {
        return;
    }
    for release in RELEASES {
        for how in [&[][..], &WIPE] {
            let (site, copied) = target(engine, release);
            let own = leases(&site, engine, release.1);
            assert_eq!(own.len(), usize::from(release.1 == 6), "{engine:?}");
            let (output, log) = changes(command(&site, &copied, how));
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            let expected = Expected { version: release.1, leases: own, saved: saved(&site) };
            assert!(
                how.is_empty() || expected.saved.is_empty(),
                "what is agreed to be destroyed is not saved"
            );
            assert!(release.1 == 6 || expected.saved.is_empty() != how.is_empty(), "{:?}", expected.saved);
            check(&site, engine, &copied, &expected, "undisturbed");
            // From the state of the run to its second form, which says that nothing has to go any more.
            let begin = log.iter().position(|path| path.contains("/manifest/import-")).unwrap() - 1;
            let end = log.iter().rposition(|path| path.contains(".json.partial")).unwrap() + 4;
            let every = if kills() < 25 { (end - begin).div_ceil(2 * kills()) } else { 1 };
            let mut rounds = 0;
            for change in (begin..end).step_by(every) {
                is_killed_before(change, engine, release, how, &expected, rounds % 2 == 0);
                rounds += 1;
            }
            println!("{engine:?} {release:?} {how:?}: {rounds} kills in {} changes", end - begin);
        }
    }
}

fn is_killed_before(
    change: usize,
    engine: Engine,
    release: (&str, u32),
    how: &[&str],
    expected: &Expected,
    resume: bool,
) {
    let what = format!("{engine:?} {release:?} {how:?} killed before change {change}, resumed: {resume}");
    let (site, copied) = target(engine, release);
    let mut disturbed = command(&site, &copied, how);
    with_signal(&mut disturbed, "change", "", u32::try_from(change).unwrap(), Signal::KILL);
    let status = disturbed.output().unwrap().status;
    assert_eq!(status.signal(), Some(9), "{what}: {status:?}");
    site.database.iter().for_each(Database::wait_for_leavers);
    match (has_state(&copied), resume) {
        (true, true) => {
            // Without --wipe-target as well: the state says what the run was about, and asks again.
            let more = if how.is_empty() { &["--resume"][..] } else { &["--resume", "--yes"] };
            let outcome = run(&site, &copied, more);
            assert_eq!(outcome.code(), Some(0), "{what}: {}", outcome.everything());
        }
        (_, false) if how.is_empty() => {
            let outcome = run(&site, &copied, &[]);
            if outcome.code() != Some(0) {
                assert_eq!(outcome.code(), Some(5), "{what}: {}", outcome.everything());
                for word in ["--resume", "--wipe-target"] {
                    assert!(
                        outcome.everything().contains(word),
                        "{what}: nothing of {word}: {}",
                        outcome.everything()
                    );
                }
                run(&site, &copied, &WIPE).expect(0);
            }
        }
        _ => drop(run(&site, &copied, how).expect(0)),
    }
    check(&site, engine, &copied, expected, &what);
}

/// A run that had written everything is given up for one that begins again, and that one is killed before every name
/// that it makes, changes or removes.
#[test]
fn a_state_that_is_given_up_stands_until_the_next_one_does() {
    if disk().is_none() {
        return;
    }
    let (site, copied) = target(Engine::Sqlite, RELEASES[0]);
    let killed = |number: usize| {
        let mut disturbed = command(&site, &copied, &WIPE);
        with_signal(&mut disturbed, "name", "", u32::try_from(number).unwrap(), Signal::KILL);
        let output = disturbed.output().unwrap();
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success() || output.status.signal() == Some(9), "{number}: {text}");
        !output.status.success()
    };
    // The last of them is the removal of the state.
    let (output, names) = calls(command(&site, &copied, &WIPE), "name");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let Some(last) = names.len().checked_sub(1) else { return };
    assert!(names[last].contains("/manifest/import-"), "{names:?}");
    assert!((0..last).rev().any(|number| killed(number) && has_state(&copied)));
    let rounds = (0..).take_while(|number| {
        let killed = killed(*number);
        assert!(!killed || has_state(&copied), "no state after a kill before name {number}");
        killed
    });
    assert!(rounds.count() > 3);
    assert!(!has_state(&copied), "the state is removed");
    assert_same(&copied, &export(&site));
}

#[test]
fn an_import_into_rocksdb_is_killed_before_every_change() {
    is_killed_before_every_change(Engine::RocksDb);
}

#[test]
fn an_import_into_sqlite_is_killed_before_every_change() {
    is_killed_before_every_change(Engine::Sqlite);
}

#[test]
fn an_import_into_postgresql_is_killed_before_every_change() {
    is_killed_before_every_change(Engine::Sql(Kind::Postgres));
}

#[test]
fn an_import_into_mysql_is_killed_before_every_change() {
    is_killed_before_every_change(Engine::Sql(Kind::Mysql));
}
