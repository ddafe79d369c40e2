//! A campaign of kills: exports, imports and copies of every engine get SIGKILL at moments that a seed draws, in
//! every step, and go on or begin again. Nothing unfinished passes for complete, and the end is byte for byte that
//! of a run that was not killed.
//!
//! A round of every action on every engine in the usual run; `make test-kill` makes 200. The seed is printed first and with every
//! failure: `STALWART_MIGRATE_KILL_SEED` with `STALWART_MIGRATE_KILL_ROUND` draws that round again. Most kills come
//! before a change with a number that was drawn. A run with several threads, or one that shares a database server,
//! does not make its changes in the same order every time: then the number is the same and the state may be another.

mod draw;
mod places;
mod round;
mod table;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use draw::{CASES, Round};
use round::{Course, Step};
use table::Table;

use crate::harness::preload;
use crate::harness::seed::{number, seed};

/// Rounds at the same time: some wait for a disk or for a moment.
const AT_ONCE: usize = 3;

/// With so many rounds every step must have been met.
const THOROUGH: usize = 200;

#[test]
fn runs_that_are_killed_anywhere_come_to_the_same_end() {
    let seed = seed();
    let one = number("STALWART_MIGRATE_KILL_ROUND").map(|round| round as usize);
    let rounds = match one {
        Some(round) => round..round + 1,
        None => 0..number("STALWART_MIGRATE_KILLS").map_or(CASES / 2, |rounds| rounds as usize),
    };
    println!("STALWART_MIGRATE_KILL_SEED={seed}: rounds {rounds:?}");
    let by_calls = preload::disk().is_some();
    let root = rustix::process::geteuid().is_root();
    let (next, begin) = (AtomicUsize::new(rounds.start), Instant::now());
    let (table, failed) = (Mutex::new(Table::default()), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE.min(rounds.len()) {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= rounds.end {
                        break;
                    }
                    let mut round = Round::draw(seed, number, by_calls);
                    if !root {
                        // Only root gives files away.
                        (round.owner, round.theirs) = (false, false);
                    }
                    let mut course = Course::default();
                    let done = catch_unwind(AssertUnwindSafe(|| round::run(&round, &mut course)));
                    table.lock().unwrap().add(round.case, &course);
                    println!("round {number}: {}: {}", round.case.words(), course.history.join(", "));
                    if one.is_some() {
                        println!("{round:?}");
                    }
                    if let Err(error) = done {
                        let what = error.downcast_ref::<String>().cloned();
                        let what = what.or_else(|| error.downcast_ref::<&str>().map(|text| text.to_string()));
                        let what = what.unwrap_or_default();
                        let again = format!(
                            "STALWART_MIGRATE_KILL_SEED={seed} STALWART_MIGRATE_KILL_ROUND={number}: {}: \
                             {round:?} {course:?}: {what}",
                            round.case.words()
                        );
                        println!("FAILED {again}");
                        failed.lock().unwrap().push(again);
                    }
                }
            });
        }
    });
    let table = table.into_inner().unwrap();
    println!("{table}seed {seed}, {} rounds, {:.0} s", rounds.len(), begin.elapsed().as_secs_f64());
    let failed = failed.into_inner().unwrap();
    assert!(failed.is_empty(), "{} rounds failed:\n{}", failed.len(), failed.join("\n"));
    if by_calls && rounds.len() >= THOROUGH {
        let steps = [Step::Checks, Step::State, Step::Emptying, Step::Loading, Step::Sealed];
        let missed: Vec<_> = steps.into_iter().filter(|step| table.killed(*step) == 0).collect();
        assert!(missed.is_empty(), "no run was killed in {missed:?}");
    }
}
