//! One round: a run is killed, looked at, gone on with or begun again, killed again, and brought to its end.
//!
//! What it must leave does not depend on when it was killed: what was drawn is only printed here.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use rustix::process::Signal;
use tempfile::TempDir;

use crate::harness::database_servers::Database;
use crate::harness::preload::{calls, disk, with_signal};
use crate::harness::site::Site;
use crate::kill::draw::{Action, Kill, Next, Round, Way};
use crate::kill::places::{
    OWNER, Source, WITHOUT_SEARCH, assert_same, copy_of, dumps, export_command, files_below, finish, program,
    same_content, target, verify, walk,
};

/// How far a run had come when it was killed, by what it has left.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Step {
    /// Nothing was begun: checks.
    Checks,
    /// The state is there, or a directory for it, and nothing else.
    State,
    /// The state is there, and rows that will be replaced are not saved yet.
    Saving,
    /// The target is being emptied.
    Emptying,
    /// Records are written.
    Loading,
    /// Everything is there, and so is the state: reading back, removing the state.
    Sealed,
    /// The same, and files are given away.
    Given,
    /// Nothing is left to be done.
    Complete,
    /// The run ended before the moment of its kill.
    Ended,
}

pub const STEPS: [Step; 9] = [
    Step::Checks,
    Step::State,
    Step::Saving,
    Step::Emptying,
    Step::Loading,
    Step::Sealed,
    Step::Given,
    Step::Complete,
    Step::Ended,
];

/// What became of a round.
#[derive(Debug, Default)]
pub struct Course {
    /// Where each kill came.
    pub steps: Vec<Step>,
    /// The same in words, with the number of the change.
    pub history: Vec<String>,
    pub resumed: usize,
    pub anew: usize,
}

/// A run that nothing disturbs.
struct Undisturbed {
    length: Duration,
    /// The calls that it makes, each with its kind before its path.
    calls: Vec<String>,
    /// Blobs in files that it leaves.
    blobs: BTreeMap<PathBuf, String>,
    /// How many files its target has.
    files: usize,
}

/// The run of a round and all that it touches.
struct Run<'a> {
    round: &'a Round,
    source: Option<&'static Source>,
    target: Option<Site>,
    dump: PathBuf,
    /// Where the program runs, with a directory for its private copies.
    work: TempDir,
}

impl<'a> Run<'a> {
    fn new(round: &'a Round) -> Run<'a> {
        let work = tempfile::tempdir().unwrap();
        fs::create_dir(work.path().join("tmp")).unwrap();
        let reads = round.case.action == Action::Export || round.case.copies();
        let source = reads.then(|| Source::of(round.source.0, round.source.1));
        let target = (round.case.action != Action::Export).then(|| target(round));
        let dump = work.path().join("dump");
        if !reads {
            copy_of(&dumps().original, &dump);
        }
        Run { round, source, target, dump, work }
    }

    fn site(&self) -> &Site {
        self.target.as_ref().or(self.source.map(|source| &source.site)).unwrap()
    }

    /// The program with everything but what differs from run to run.
    fn command(&self, wipe: bool, resume: bool) -> Command {
        let mut command = program();
        let config = |site: &Site| site.config().into_os_string();
        match (self.source, self.round.case.action) {
            (Some(source), Action::Export) => {
                command.arg("-c").arg(config(&source.site)).arg("-e").arg(&self.dump).args(WITHOUT_SEARCH);
            }
            (Some(source), _) => {
                command.arg("copy").arg("--from").arg(config(&source.site));
                command.arg("--to").arg(config(self.site())).args(WITHOUT_SEARCH);
            }
            (None, _) => drop(command.arg("-c").arg(config(self.site())).arg("-i").arg(&self.dump)),
        }
        command.args(["--jobs", &self.round.jobs.to_string()]);
        if self.round.owner {
            command.arg("--owner").arg(format!("{OWNER}:{OWNER}"));
        }
        if wipe && !(resume && self.round.bare) {
            command.arg("--wipe-target");
        }
        if wipe {
            // Agreed to again where it is asked again.
            command.arg("--yes");
        }
        if resume {
            command.arg("--resume");
        }
        self.here(command)
    }

    /// Runs of the tool in a directory of the round's own, with its private copies.
    fn here(&self, mut command: Command) -> Command {
        command.current_dir(self.work.path()).env("TMPDIR", self.work.path().join("tmp"));
        command
    }

    /// Starts it and kills it.
    fn kill(
        &self,
        mut command: Command,
        kill: &Kill,
        undisturbed: &Undisturbed,
        course: &mut Course,
    ) -> ExitStatus {
        let shown = format!("{command:?}");
        if kill.way == Way::Time {
            let moment = undisturbed.length.mul_f64(kill.share);
            course.history.push(format!("after {moment:?}"));
            let mut child = command.spawn().unwrap();
            std::thread::sleep(moment);
            child.kill().unwrap();
            let output = child.wait_with_output().unwrap();
            let says = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.signal() == Some(9) || output.status.success(), "{shown}: {says}");
            return output.status;
        }
        let (kind, number) = undisturbed.moment(kill, self.round.owner);
        course.history.push(format!("before {kind} {number}"));
        with_signal(&mut command, kind, "", number, Signal::KILL);
        let output = command.output().unwrap();
        let says = String::from_utf8_lossy(&output.stderr);
        assert!(
            output.status.signal() == Some(9) || output.status.success(),
            "{shown} to be killed before {kind} {number}: {says}"
        );
        output.status
    }

    fn state(&self) -> Option<PathBuf> {
        let (dir, begin) = match self.round.case.action {
            Action::Export => (self.dump.join("manifest"), "resume.json"),
            Action::Import | Action::WipeImport => (self.dump.join("manifest"), "import-"),
            Action::Copy | Action::WipeCopy => (self.work.path().to_path_buf(), "stalwart-migrate-copy-"),
        };
        let entries = fs::read_dir(dir).ok()?.map(|entry| entry.unwrap().path());
        let named = |path: &PathBuf| {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            name.starts_with(begin) && name.ends_with(".json")
        };
        entries.into_iter().find(named)
    }

    /// Waits until no server has a session of a killed run.
    fn wait_for_leavers(&self) {
        let sites = self.source.map(|source| &source.site).into_iter().chain(&self.target);
        sites.filter_map(|site| site.database.as_ref()).for_each(Database::wait_for_leavers);
    }

    /// How far the run has come. What is unfinished must not pass for complete.
    fn look(&self) -> Step {
        match self.round.case.action {
            Action::Export => self.look_at_dump(),
            _ => self.look_at_target(),
        }
    }

    fn look_at_dump(&self) -> Step {
        let state = self.state().is_some();
        if fs::read_dir(&self.dump).map_or(true, |mut entries| entries.next().is_none()) {
            return Step::Checks;
        }
        if self.dump.join("manifest/manifest.json").exists() {
            return if state { Step::Sealed } else { Step::Complete };
        }
        let mut import = program();
        import.arg("-c").arg(self.site().config()).arg("-i").arg(&self.dump);
        let (code, says) = finish(self.here(import));
        assert_eq!(code, Some(5), "an unfinished dump is imported: {says}");
        assert!(says.contains("unfinished export"), "{says}");
        let written = fs::read_dir(&self.dump)
            .unwrap()
            .any(|entry| entry.unwrap().file_name().to_string_lossy().starts_with("subspace_"));
        if written { Step::Loading } else { Step::State }
    }

    fn look_at_target(&self) -> Step {
        let (code, says) = finish(self.here(verify(&dumps().original, self.site())));
        let state = self.state();
        if code == Some(0) {
            return match state {
                None => Step::Complete,
                Some(_) if self.given() => Step::Given,
                Some(_) => Step::Sealed,
            };
        }
        // Not for another reason, such as an option that has no meaning here.
        let absent = |says: &str| {
            let absences = ["does not exist", "holds no RocksDB database", "states no schema version"];
            absences.iter().any(|what| says.contains(what))
        };
        assert!(
            code == Some(4) || code == Some(2) && absent(&says),
            "an unfinished target is compared: {code:?} {says}"
        );
        let again = self.work.path().join("unfinished");
        let (exported, says) = finish(self.here(export_command(self.site(), &again)));
        let pending = state.as_ref().map(|state| fs::read_to_string(state).unwrap());
        let pending =
            pending.is_some_and(|text| text.contains("\"everything\"") || text.contains("\"fresh\""));
        if exported == Some(0) {
            // Then nothing of what was there before is gone.
            let before = dumps().before(self.round);
            assert!(self.round.fresh || self.round.case.wipes(), "an unfinished target is exported");
            assert!(state.is_none() || pending, "an unfinished target is exported while it is loaded");
            assert!(
                same_content(before, &again),
                "an export takes a target that is being emptied for a store"
            );
            fs::remove_dir_all(again).unwrap();
        } else {
            assert!(
                exported == Some(5) || exported == Some(2) && absent(&says),
                "an unfinished target is exported: {exported:?} {says}"
            );
            assert!(!again.exists(), "a refused export leaves nothing");
        }
        match (state, pending) {
            (None, _) => Step::Checks,
            (Some(_), true) if self.round.fresh && self.saved().is_empty() => Step::Saving,
            (Some(_), true) => Step::Emptying,
            (Some(_), false) if code == Some(2) => Step::State,
            (Some(_), false) => Step::Loading,
        }
    }

    /// Whether there is something that `--resume` could mean: not so for a dump of which nothing is there.
    fn begun(&self) -> bool {
        self.round.case.action != Action::Export || self.dump.join("manifest").exists()
    }

    /// How to go on after a kill; nothing if doing so has ended the run.
    fn go_on(&self, next: Next, step: Step, wipe: &mut bool, course: &mut Course) -> Option<Command> {
        let state = self.state();
        if next == Next::Resume && state.is_some() {
            course.resumed += 1;
            if self.round.wait {
                self.wait_for_leavers();
            }
            return Some(self.command(*wipe, true));
        }
        self.wait_for_leavers();
        if next == Next::Resume && self.begun() {
            // Without a state there is nothing to go on with, and the error says so.
            let (code, says) = finish(self.command(*wipe, true));
            assert_eq!(code, Some(5), "{step:?}: {says}");
            let what = match self.round.case.action {
                Action::Export => "remove the directory and export again",
                _ => "start without --resume",
            };
            assert!(says.contains(what), "{step:?}: nothing of {what:?}: {says}");
        }
        course.anew += 1;
        if step == Step::Checks || *wipe {
            return Some(self.command(*wipe, false));
        }
        // Whatever stands in the way says how to go on.
        let (code, says) = finish(self.command(false, false));
        if code == Some(0) {
            return None;
        }
        assert_eq!(code, Some(5), "{step:?}: {says}");
        if self.round.case.action == Action::Export {
            let what =
                if step == Step::Sealed { "not empty" } else { "remove the directory and export again" };
            assert!(says.contains(what), "{step:?}: nothing of {what:?}: {says}");
            fs::remove_dir_all(&self.dump).unwrap();
        } else {
            for word in ["--resume", "--wipe-target"] {
                assert!(says.contains(word), "{step:?}: nothing of {word}: {says}");
            }
            *wipe = true;
        }
        Some(self.command(*wipe, false))
    }

    /// What every run must leave, however often it was killed.
    fn check_end(&self, undisturbed: &Undisturbed) {
        assert!(self.state().is_none(), "the state is removed");
        let again = self.work.path().join("again");
        match self.round.case.action {
            Action::Export => drop(fs::rename(&self.dump, &again)),
            _ => {
                let (code, says) = finish(self.here(export_command(self.site(), &again)));
                assert_eq!(code, Some(0), "{says}");
            }
        }
        assert_same(&dumps().original, &again);
        if let Some(source) = self.source {
            source.assert_unchanged();
        } else {
            assert_same(&dumps().original, &self.dump);
        }
        if let Some(target) = &self.target {
            let blobs = blobs(target);
            assert_eq!(blobs.len(), undisturbed.blobs.len(), "blobs in files");
            assert!(blobs == undisturbed.blobs, "files of blobs differ");
            walk(target.dir(), &mut |path| no_leftover(path));
            self.check_owner(target);
        }
        walk(self.work.path(), &mut |path| no_leftover(path));
        let private: Vec<_> = fs::read_dir(self.work.path().join("tmp")).unwrap().flatten().collect();
        assert!(private.is_empty(), "private copies are left: {private:?}");
        if self.round.fresh {
            self.check_replaced_rows();
        }
    }

    fn check_owner(&self, target: &Site) {
        if !self.round.owner {
            return;
        }
        let mut count = 0;
        for name in ["store", "blobs"] {
            walk(&target.path(name), &mut |path| {
                count += 1;
                assert_eq!(fs::symlink_metadata(path).unwrap().uid(), OWNER, "{}", path.display());
            });
        }
        assert!(count > 0, "there are files to be given away");
    }

    /// Whether some files are the new owner's who was not theirs before.
    fn given(&self) -> bool {
        let mut given = false;
        for name in ["store", "blobs"] {
            walk(&self.site().path(name), &mut |path| {
                given |= fs::symlink_metadata(path).unwrap().uid() == OWNER;
            });
        }
        given && self.round.owner && !self.round.theirs
    }

    /// What the files with replaced rows hold.
    fn saved(&self) -> String {
        let names = fs::read_dir(self.work.path()).unwrap().map(|entry| entry.unwrap().path());
        let files = names.filter(|path| path.extension().is_some_and(|extension| extension == "jsonl"));
        files.map(|path| fs::read_to_string(path).unwrap()).collect()
    }

    fn check_replaced_rows(&self) {
        let saved = self.saved();
        assert!(saved.contains("\"key_text\":\"my.own\""), "the replaced row is not saved: {saved}");
    }
}

fn blobs(target: &Site) -> BTreeMap<PathBuf, String> {
    files_below(target).into_iter().filter(|(path, _)| path.starts_with("blobs")).collect()
}

/// Nothing that a run makes for its own use is there when it has ended.
fn no_leftover(path: &Path) {
    let name = path.file_name().unwrap().to_string_lossy();
    let own = [".partial", ".tmp", "stalwart-migrate.", "stalwart-migrate-copy", "import-", "resume.json"];
    assert!(!own.iter().any(|part| name.contains(part)), "{} is left", path.display());
    assert!(
        !path.components().any(|part| part.as_os_str() == "stalwart-migrate.staging"),
        "{}",
        path.display()
    );
}

impl Undisturbed {
    fn of(round: &Round) -> Arc<Undisturbed> {
        type Key = (usize, String, bool);
        type Known = Mutex<Vec<(Key, Arc<OnceLock<Arc<Undisturbed>>>)>>;
        static KNOWN: Known = Mutex::new(Vec::new());
        // One for all rounds that differ in nothing that makes the run longer.
        let plain = Round { owner: false, theirs: false, jobs: 1, ..round.clone() };
        let key = (plain.case.number(), format!("{:?}", plain.source), plain.fresh);
        let cell = {
            let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
            match known.iter().find(|(other, _)| *other == key) {
                Some((_, cell)) => Arc::clone(cell),
                None => {
                    let cell = Arc::new(OnceLock::new());
                    known.push((key, Arc::clone(&cell)));
                    cell
                }
            }
        };
        Arc::clone(cell.get_or_init(|| Arc::new(Undisturbed::run(&plain))))
    }

    fn run(round: &Round) -> Undisturbed {
        let run = Run::new(round);
        let _turn = run.source.map(Source::turn);
        run.wait_for_leavers();
        let (begin, command) = (Instant::now(), run.command(round.case.wipes(), false));
        let (output, log) = match disk() {
            Some(_) => calls(command, "call"),
            None => ({ command }.output().unwrap(), Vec::new()),
        };
        let length = begin.elapsed();
        assert!(output.status.success(), "undisturbed: {}", String::from_utf8_lossy(&output.stderr));
        let blobs = run.target.as_ref().map(blobs).unwrap_or_default();
        assert_eq!(blobs.is_empty(), !round.case.outside || run.target.is_none());
        let files = run.target.as_ref().map_or(0, |target| files_below(target).len());
        let undisturbed = Undisturbed { length, calls: log, blobs, files };
        run.check_end(&undisturbed);
        undisturbed
    }

    /// The kind of calls and the number of the one that is drawn.
    fn moment(&self, kill: &Kill, owner: bool) -> (&'static str, u32) {
        let records = ["/manifest", "stalwart-migrate-copy-", ".jsonl", "stalwart-migrate.owner"];
        // Some machines do not show them.
        let names_are_seen = self.calls.iter().any(|line| line.starts_with("name "));
        let (kind, of): (_, &[&str]) = match kill.way {
            Way::Time | Way::Call => ("call", &["read", "write", "sync", "name"]),
            Way::Name | Way::NameOfRecord if names_are_seen => ("name", &["name"]),
            _ => ("change", &["write", "sync"]),
        };
        let concerned = |line: &&String| line.split_once(' ').is_some_and(|(kind, _)| of.contains(&kind));
        let lines: Vec<&String> = self.calls.iter().filter(concerned).collect();
        let part = |count: usize| (count as f64 * kill.share) as usize;
        // Giving files away is not in the run that nothing disturbs.
        let given = if owner && of.contains(&"name") { self.files } else { 0 };
        let number = match kill.way {
            Way::ChangeOfRecord | Way::NameOfRecord => {
                let names = |line: &String| records.iter().any(|part| line.contains(part));
                let found: Vec<usize> = (0..lines.len()).filter(|number| names(lines[*number])).collect();
                found[part(found.len())] + kill.after
            }
            _ => part(lines.len() + given),
        };
        (kind, number as u32)
    }
}

/// Runs a round to its end. `course` says how far it came, should it fail.
pub fn run(round: &Round, course: &mut Course) {
    let undisturbed = Undisturbed::of(round);
    let run = Run::new(round);
    let _turn = run.source.map(Source::turn);
    run.wait_for_leavers();
    let mut wipe = round.case.wipes();
    let mut command = Some(run.command(wipe, false));
    for (kill, next) in round.kills.iter().zip(&round.next) {
        let Some(now) = command.take() else { break };
        let status = run.kill(now, kill, &undisturbed, course);
        let step = run.look();
        course.history.push(format!("{step:?}, then {next:?}"));
        if status.success() {
            assert_eq!(step, Step::Complete, "after its end");
            course.steps.push(Step::Ended);
            break;
        }
        course.steps.push(step);
        if step == Step::Complete {
            break;
        }
        command = run.go_on(*next, step, &mut wipe, course);
    }
    if let Some(last) = command {
        let shown = format!("{last:?}");
        let (code, says) = finish(last);
        assert_eq!(code, Some(0), "{shown}: {says}");
    }
    run.wait_for_leavers();
    run.check_end(&undisturbed);
}
