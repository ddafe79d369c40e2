//! What a round is, drawn from a seed and its number: what is run, when it is killed, how it goes on.
//!
//! Knows no store and runs nothing. Everything is drawn before a round begins, so that what happens in it changes no draw.

use crate::harness::database_servers::Kind;
use crate::harness::site::Engine;

/// What is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Action {
    Export,
    Import,
    Copy,
    /// `--wipe-target --yes` over a full target.
    WipeImport,
    WipeCopy,
}

/// A kind of round: what is run on which engine, and whether blobs are files beside the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Case {
    pub action: Action,
    /// The source of an export, the target of everything else.
    pub engine: Engine,
    pub outside: bool,
}

pub const ACTIONS: [Action; 5] =
    [Action::Export, Action::Import, Action::Copy, Action::WipeImport, Action::WipeCopy];

/// How many kinds there are.
pub const CASES: usize = 2 * ENGINES.len() * ACTIONS.len();

const ENGINES: [Engine; 4] =
    [Engine::RocksDb, Engine::Sqlite, Engine::Sql(Kind::Postgres), Engine::Sql(Kind::Mysql)];

impl Case {
    /// Rounds of a campaign take turns through all kinds: half of them have every action on every engine.
    pub fn of(number: usize) -> Case {
        let turn = number / ENGINES.len();
        let engine = ENGINES[number % ENGINES.len()];
        Case { action: ACTIONS[turn % ACTIONS.len()], engine, outside: (number + turn) % 2 == 1 }
    }

    pub fn number(self) -> usize {
        (0..CASES).find(|number| Case::of(*number) == self).unwrap()
    }

    /// Of what is in this case, in words.
    pub fn words(self) -> String {
        let action = match self.action {
            Action::Export => "export",
            Action::Import => "import",
            Action::Copy => "copy",
            Action::WipeImport => "import --wipe-target",
            Action::WipeCopy => "copy --wipe-target",
        };
        let engine = match self.engine {
            Engine::RocksDb => "rocksdb",
            Engine::Sqlite => "sqlite",
            Engine::Sql(Kind::Postgres) => "postgresql",
            Engine::Sql(Kind::Mysql) => "mysql",
        };
        format!("{action}, {engine}{}", if self.outside { " and files" } else { "" })
    }

    /// Whether the target is in files, wholly or in part.
    pub fn has_files(self) -> bool {
        self.action != Action::Export && (self.outside || !matches!(self.engine, Engine::Sql(_)))
    }

    pub fn wipes(self) -> bool {
        matches!(self.action, Action::WipeImport | Action::WipeCopy)
    }

    pub fn copies(self) -> bool {
        matches!(self.action, Action::Copy | Action::WipeCopy)
    }
}

/// Before what a run is killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// After a part of the time that an undisturbed run takes.
    Time,
    /// Before one of its writes and syncs.
    Change,
    /// Before one of the calls that make, rename or remove a name, or give a file away.
    Name,
    /// Before one of all its calls, reads among them.
    Call,
    /// Before a change or a name at or shortly after one of the files that say how far a run has come.
    ChangeOfRecord,
    NameOfRecord,
}

const WAYS: [Way; 8] = [
    Way::Time,
    Way::Change,
    Way::Change,
    Way::Name,
    Way::Name,
    Way::Call,
    Way::ChangeOfRecord,
    Way::NameOfRecord,
];

/// One kill: the way, and which part of all the moments that it has.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Kill {
    pub way: Way,
    pub share: f64,
    /// Calls after the one drawn, for the ways of records.
    pub after: usize,
}

/// How to go on after a kill.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    Resume,
    /// As the error of a run without `--resume` says.
    Anew,
}

/// A round.
#[derive(Debug, Clone, PartialEq)]
pub struct Round {
    pub number: usize,
    pub case: Case,
    /// Engine and place of blobs of a copy's source.
    pub source: (Engine, bool),
    /// What a first start has left is in the target, which is not wiped.
    pub fresh: bool,
    /// The files of the target are given away.
    pub owner: bool,
    /// They were that user's before.
    pub theirs: bool,
    pub jobs: u32,
    /// The first kill, and those of the runs that go on.
    pub kills: Vec<Kill>,
    /// What follows each kill.
    pub next: Vec<Next>,
    /// Runs that go on with a wipe do not say so again.
    pub bare: bool,
    /// Whether databases have closed the sessions of a killed run before the next one starts.
    pub wait: bool,
}

impl Round {
    pub fn draw(seed: u64, number: usize, by_calls: bool) -> Round {
        let mut series = Series::new(seed, number);
        let case = Case::of(number);
        let others: Vec<Engine> = ENGINES.into_iter().filter(|engine| *engine != case.engine).collect();
        let source = if case.copies() {
            (others[series.below(others.len())], series.below(2) == 1)
        } else {
            (case.engine, case.outside)
        };
        let fresh = series.below(2) == 1 && !case.outside && case.action != Action::Export && !case.wipes();
        let owner = series.below(2) == 1 && case.has_files();
        let theirs = series.below(2) == 1 && owner && (fresh || case.wipes());
        let jobs = 1 + series.below(2) as u32;
        let wait = series.below(2) == 1;
        let bare = series.below(2) == 1;
        let kills = (0..1 + series.below(4)).map(|_| series.kill(by_calls)).collect::<Vec<_>>();
        let next =
            kills.iter().map(|_| if series.below(4) == 0 { Next::Anew } else { Next::Resume }).collect();
        Round { number, case, source, fresh, owner, theirs, jobs, kills, next, bare, wait }
    }
}

/// Numbers that a seed and the number of a round give.
struct Series(u64);

impl Series {
    fn new(seed: u64, number: usize) -> Series {
        let digest = blake3::hash(format!("{seed} {number}").as_bytes());
        Series(u64::from_le_bytes(digest.as_bytes()[..8].try_into().unwrap()) | 1)
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn below(&mut self, bound: usize) -> usize {
        ((self.next() >> 32) as usize) % bound
    }

    fn kill(&mut self, by_calls: bool) -> Kill {
        let way = WAYS[self.below(WAYS.len())];
        let share = (self.next() >> 11) as f64 / (1u64 << 53) as f64;
        let after = self.below(4);
        Kill { way: if by_calls { way } else { Way::Time }, share, after }
    }
}

#[test]
fn a_seed_draws_the_same_rounds_and_all_kinds() {
    let rounds = |seed| (0..400).map(|number| Round::draw(seed, number, true)).collect::<Vec<_>>();
    let drawn = rounds(7);
    assert_eq!(drawn, rounds(7));
    assert_ne!(drawn, rounds(8));
    for number in 0..CASES {
        assert_eq!(Case::of(number).number(), number);
        assert_eq!(drawn.iter().filter(|round| round.case == Case::of(number)).count(), 400 / CASES);
    }
    for engine in ENGINES {
        for action in ACTIONS {
            let cases: Vec<Case> = (0..CASES).map(Case::of).collect();
            let found = |case: &&Case| (case.action, case.engine) == (action, engine);
            assert_eq!(cases[..CASES / 2].iter().filter(found).count(), 1, "{action:?} {engine:?}");
            assert_eq!(cases.iter().filter(found).filter(|case| case.outside).count(), 1);
        }
    }
    for way in WAYS {
        assert!(drawn.iter().filter(|round| round.kills[0].way == way).count() > 30, "{way:?}");
    }
    for kills in 1..=4 {
        assert!(drawn.iter().filter(|round| round.kills.len() == kills).count() > 60, "{kills}");
    }
    assert!(drawn.iter().all(|round| !round.case.copies() || round.source.0 != round.case.engine));
    assert!(drawn.iter().any(|round| round.fresh) && drawn.iter().any(|round| round.theirs));
}
