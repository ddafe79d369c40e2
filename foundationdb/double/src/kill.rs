//! Kills the process at a commit, as a power cut or an operator would: no destructor runs, no buffer is written.

use std::sync::atomic::{AtomicU64, Ordering};

use rustix::process::{Signal, getpid, kill_process};

use crate::settings::{Kill, Moment};

/// Counts a commit that reaches the log, and returns when to kill the process, if it is the one.
pub(crate) fn this_commit(kill: Option<Kill>) -> Option<Moment> {
    static COMMITS: AtomicU64 = AtomicU64::new(0);
    let number = COMMITS.fetch_add(1, Ordering::Relaxed) + 1;
    kill.filter(|kill| kill.commit == number).map(|kill| kill.moment)
}

/// Ends this process with SIGKILL.
pub(crate) fn this_process() {
    // A process may always send a signal to itself. The signal may need a moment to arrive, in which nothing more
    // must be written.
    let _ = kill_process(getpid(), Signal::KILL);
    loop {
        std::thread::park();
    }
}
