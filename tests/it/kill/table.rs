//! What a campaign has come to: rounds of each kind, where their kills came, and how they went on.

use std::collections::BTreeMap;
use std::fmt;

use crate::kill::draw::{CASES, Case};
use crate::kill::round::{Course, STEPS, Step};

/// A line for each kind.
#[derive(Debug, Default)]
pub struct Table(BTreeMap<usize, Line>);

#[derive(Debug, Default)]
struct Line {
    rounds: usize,
    steps: BTreeMap<Step, usize>,
    resumed: usize,
    anew: usize,
}

impl Line {
    fn count(&self, step: Step) -> usize {
        self.steps.get(&step).copied().unwrap_or_default()
    }

    /// Kills of runs that had begun and were not complete.
    fn in_the_middle(&self) -> usize {
        let outside = [Step::Checks, Step::Complete, Step::Ended];
        self.steps.iter().filter(|(step, _)| !outside.contains(step)).map(|(_, count)| count).sum()
    }

    fn add(&mut self, other: &Line) {
        self.rounds += other.rounds;
        self.resumed += other.resumed;
        self.anew += other.anew;
        other.steps.iter().for_each(|(step, count)| *self.steps.entry(*step).or_default() += count);
    }
}

impl Table {
    pub fn add(&mut self, case: Case, course: &Course) {
        let mut line = Line { rounds: 1, resumed: course.resumed, anew: course.anew, ..Line::default() };
        course.steps.iter().for_each(|step| *line.steps.entry(*step).or_default() += 1);
        self.0.entry(case.number()).or_default().add(&line);
    }

    /// How many runs were killed at a step.
    pub fn killed(&self, step: Step) -> usize {
        self.0.values().map(|line| line.count(step)).sum()
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "{:<41}{:>7}{:>7}", "kind", "rounds", "middle")?;
        STEPS.iter().try_for_each(|step| write!(f, "{:>9}", format!("{step:?}").to_lowercase()))?;
        writeln!(f, "{:>9}{:>7}", "resumed", "anew")?;
        let mut all = Line::default();
        let line = |f: &mut fmt::Formatter, name: &str, line: &Line| {
            write!(f, "{name:<41}{:>7}{:>7}", line.rounds, line.in_the_middle())?;
            STEPS.iter().try_for_each(|step| write!(f, "{:>9}", line.count(*step)))?;
            writeln!(f, "{:>9}{:>7}", line.resumed, line.anew)
        };
        for number in 0..CASES {
            if let Some(found) = self.0.get(&number) {
                line(f, &Case::of(number).words(), found)?;
                all.add(found);
            }
        }
        line(f, "all", &all)
    }
}
