//! Which options apply to which command.
//!
//! The parser accepts every option with every command. An option that would have no effect is refused, so that it is
//! not believed to have one. Depends on the command line only, not on the commands.

use std::fmt::Write as _;

use crate::base::error::{Error, Result};
use crate::cli::{Cli, Command, Common, Inspect};

/// Commands, distinguished as far as their options differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Task {
    Export,
    Import,
    CopyStore,
    Verify,
    VerifyAgainst,
    DiffDumps,
    Diff,
    Count(InspectedKind),
    List(InspectedKind),
    Blob(InspectedKind),
    Catalog,
    Text,
}

/// Where `inspect` looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum InspectedKind {
    Dump,
    Store,
}

use InspectedKind::{Dump, Store};
use Task::{
    Blob, Catalog, CopyStore, Count, Diff, DiffDumps, Export, Import, List, Text, Verify, VerifyAgainst,
};

/// An option: its name, whether it was given, and the tasks that it applies to.
struct Meaning {
    name: &'static str,
    given: fn(&Common) -> bool,
    tasks: &'static [Task],
    belongs: &'static str,
}

/// Tasks that move records into a target or a dump.
const MOVES: &[Task] = &[Export, Import, CopyStore];
/// Tasks that write a store.
const LOADS: &[Task] = &[Import, CopyStore];
/// Tasks that open a store.
const STORES: &[Task] =
    &[Export, Import, CopyStore, VerifyAgainst, Diff, Count(Store), List(Store), Blob(Store)];
/// Tasks that take a schema version from the user.
const VERSIONS: &[Task] = &[
    Export,
    CopyStore,
    VerifyAgainst,
    Diff,
    Count(Dump),
    Count(Store),
    List(Dump),
    List(Store),
    Blob(Dump),
    Blob(Store),
];
/// Tasks that go through records.
const ALL: &[Task] = &[
    Export,
    Import,
    CopyStore,
    Verify,
    VerifyAgainst,
    DiffDumps,
    Diff,
    Count(Dump),
    Count(Store),
    List(Dump),
    List(Store),
    Blob(Dump),
    Blob(Store),
];

const MEANINGS: &[Meaning] = &[
    Meaning {
        name: "--types",
        given: |common| common.types.is_some(),
        tasks: &[Export, Import, CopyStore, DiffDumps, Diff, Count(Dump), Count(Store)],
        belongs: "--export, --import, copy, diff, and inspect without --subspace and --blob",
    },
    Meaning {
        name: "--exclude",
        given: |common| common.exclude.is_some(),
        tasks: &[Export, Import, CopyStore, DiffDumps, Diff, Count(Dump), Count(Store)],
        belongs: "--export, --import, copy, diff, and inspect without --subspace and --blob",
    },
    Meaning {
        name: "--dry-run",
        given: |common| common.dry_run,
        tasks: MOVES,
        belongs: "--export, --import and copy",
    },
    Meaning {
        name: "--jobs",
        given: |common| common.jobs.is_some(),
        tasks: ALL,
        belongs: "what reads records",
    },
    Meaning {
        name: "--memory",
        given: |common| common.memory.is_some(),
        tasks: ALL,
        belongs: "what reads records",
    },
    Meaning {
        name: "--json",
        given: |common| common.json,
        tasks: &[
            Export,
            Import,
            CopyStore,
            Verify,
            VerifyAgainst,
            DiffDumps,
            Diff,
            Count(Dump),
            Count(Store),
            List(Dump),
            List(Store),
            Blob(Dump),
            Blob(Store),
            Catalog,
        ],
        belongs: "what reads records, and catalog",
    },
    Meaning {
        name: "--no-verify",
        given: |common| common.no_verify,
        tasks: MOVES,
        belongs: "--export, --import and copy",
    },
    Meaning { name: "--strict", given: |common| common.strict, tasks: ALL, belongs: "what reads records" },
    Meaning {
        name: "--schema",
        given: |common| common.schema.is_some(),
        tasks: VERSIONS,
        belongs: "what reads a store (--export, copy, verify --against, diff), and inspect",
    },
    Meaning { name: "--salvage", given: |common| common.salvage, tasks: &[Export], belongs: "--export" },
    Meaning {
        name: "--resume",
        given: |common| common.resume,
        tasks: MOVES,
        belongs: "--export, --import and copy",
    },
    // `--state` and `--yes` are accepted with every command that reads records, because scripts may pass them to all.
    // Commands that keep no state or need no consent ignore them.
    Meaning {
        name: "--state",
        given: |common| common.state.is_some(),
        tasks: ALL,
        belongs: "what reads records",
    },
    Meaning {
        name: "--wipe-target",
        given: |common| common.wipe_target,
        tasks: LOADS,
        belongs: "--import and copy",
    },
    Meaning {
        name: "--blob-config",
        given: |common| common.blob_config.is_some(),
        tasks: STORES,
        belongs: "what opens a store",
    },
    Meaning {
        name: "--allow-invalid-certs",
        given: |common| common.allow_invalid_certs,
        tasks: STORES,
        belongs: "what opens a store",
    },
    Meaning {
        name: "--allow-plaintext",
        given: |common| common.allow_plaintext,
        tasks: STORES,
        belongs: "what opens a store",
    },
    Meaning {
        name: "--owner",
        given: |common| common.owner.is_some(),
        tasks: LOADS,
        belongs: "--import and copy",
    },
    Meaning {
        name: "--report",
        given: |common| common.report.is_some(),
        tasks: ALL,
        belongs: "what reads records",
    },
    Meaning { name: "--yes", given: |common| common.yes, tasks: ALL, belongs: "what reads records" },
];

impl Task {
    fn of(command: &Command) -> Task {
        match command {
            Command::Export { .. } => Export,
            Command::Import { .. } => Import,
            Command::Copy { .. } => CopyStore,
            Command::Verify { against: None, .. } => Verify,
            Command::Verify { against: Some(_), .. } => VerifyAgainst,
            // The command distinguishes a dump from a configuration in the same way.
            Command::Diff { left, right } if left.is_dir() && right.is_dir() => DiffDumps,
            Command::Diff { .. } => Diff,
            Command::Inspect(ask) => Task::of_inspect(ask),
            Command::Catalog => Catalog,
            Command::Completions(_) | Command::Man => Text,
        }
    }

    fn of_inspect(ask: &Inspect) -> Task {
        let kept = if ask.dir.is_some() { Dump } else { Store };
        match (&ask.blob, &ask.subspace) {
            (Some(_), _) => Blob(kept),
            (None, Some(_)) => List(kept),
            (None, None) => Count(kept),
        }
    }

    fn words(self) -> &'static str {
        match self {
            Export => "--export",
            Import => "--import",
            CopyStore => "copy",
            Verify => "verify without --against",
            VerifyAgainst => "verify --against",
            DiffDumps => "diff of two dumps",
            Diff => "diff",
            Count(Dump) => "inspect of a dump",
            Count(Store) => "inspect of a store",
            List(Dump) => "inspect --subspace of a dump",
            List(Store) => "inspect --subspace of a store",
            Blob(Dump) => "inspect --blob of a dump",
            Blob(Store) => "inspect --blob of a store",
            Catalog => "catalog",
            Text => "completions and man",
        }
    }
}

/// Checks that every given option applies to the command.
///
/// Errors: usage, naming all that do not, and where they belong.
pub fn check(cli: &Cli, command: &Command) -> Result<()> {
    let task = Task::of(command);
    let mut idle: Vec<(&str, &str)> = MEANINGS
        .iter()
        .filter(|meaning| (meaning.given)(&cli.common) && !meaning.tasks.contains(&task))
        .map(|meaning| (meaning.name, meaning.belongs))
        .collect();
    // A value from the variable is meant for the commands that need one, and ignored by others.
    let variable = std::env::var_os("CONFIG_PATH");
    let named = cli.config.as_ref().is_some_and(|config| Some(config.as_os_str()) != variable.as_deref());
    if named && !matches!(task, Export | Import | Count(_) | List(_) | Blob(_)) {
        idle.push(("--config", "--export, --import and inspect"));
    }
    let Some((first, _)) = idle.first() else { return Ok(()) };
    let mut what = format!("{first} has no effect with {}", task.words());
    if let [_, more @ ..] = idle.as_slice() {
        more.iter().for_each(|(name, _)| {
            let _ = write!(what, ", nor has {name}");
        });
    }
    let places: Vec<String> = idle.iter().map(|(name, place)| format!("{name} belongs to {place}")).collect();
    Err(Error::usage(what).help(format!("leave it out: {}", places.join("; "))))
}
