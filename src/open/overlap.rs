//! Detects that data to be read or kept and data to be written are the same under two names.
//!
//! Compares all stores, members of sharded stores, dumps and files of a run on both sides. Files and directories are
//! identified by the kernel, databases by their server and by whether it lists the session of this process, buckets
//! by an object that is written at the target and looked up at the source. This is the first access to a target. An
//! overlap is always refused, without a way to agree to it.

use std::cell::OnceCell;
use std::path::{Path, PathBuf};

use crate::backend::files::SQLITE_SUFFIXES;
use crate::backend::identity::{How, Overlap, Spot};
use crate::base::dir::absolute;
use crate::base::error::{Error, Result};
use crate::config::{StoreConfig, StoreKind};
use crate::dump::manifest::{DIRECTORY, MANIFEST, RESUME, file_name};
use crate::open::backends::{self, Identity};
use crate::open::installation::Installation;
use crate::run::console::{self, Console};

/// The role of a part of a side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    Data,
    Blobs,
    // A member of a sharded blob store, counted from 1.
    Shard(usize),
    Dump,
    // A file of the run: its title and the option that sets its path.
    File(&'static str, &'static str),
}

impl Role {
    fn title(self) -> String {
        match self {
            Role::Data => "data store".to_string(),
            Role::Blobs => "blob store".to_string(),
            Role::Shard(number) => format!("member {number} of the blob store"),
            Role::Dump => "dump".to_string(),
            Role::File(title, _) => title.to_string(),
        }
    }

    fn blobs(self) -> bool {
        matches!(self, Role::Blobs | Role::Shard(_))
    }
}

/// What a part is.
enum Subject {
    Store(Box<StoreConfig>),
    /// A dump or a file.
    Path(PathBuf),
}

struct SidePart {
    role: Role,
    what: Subject,
    // Found on first use, because a database needs a connection.
    identity: OnceCell<Identity>,
}

/// One side of the comparison: the stores of an installation, a dump, or the files of a run.
pub struct Side {
    name: &'static str,
    parts: Vec<SidePart>,
}

impl Side {
    /// The stores of an installation.
    pub fn stores(name: &'static str, place: &Installation) -> Side {
        let mut side = Side::data(name, &place.data);
        match place.blobs.as_ref().map(|blobs| (&blobs.kind, blobs)) {
            Some((StoreKind::Sharded { stores }, _)) => {
                let numbered = stores.iter().enumerate();
                side.parts
                    .extend(numbered.map(|(index, store)| SidePart::store(Role::Shard(index + 1), store)));
            }
            Some((_, blobs)) => side.parts.push(SidePart::store(Role::Blobs, blobs)),
            None => {}
        }
        side
    }

    /// The blob store of an installation; empty if it is the data store.
    pub fn blobs(name: &'static str, place: &Installation) -> Side {
        let mut side = Side::stores(name, place);
        side.parts.retain(|part| part.role.blobs());
        side
    }

    /// Only a data store.
    pub fn data(name: &'static str, data: &StoreConfig) -> Side {
        Side { name, parts: vec![SidePart::store(Role::Data, data)] }
    }

    /// The directory of a dump.
    pub fn dump(path: &Path) -> Side {
        Side { name: "dump", parts: vec![SidePart::path(Role::Dump, path)] }
    }

    /// The files that a run writes besides its target: the report, if requested, and `others`, each with its title and
    /// the option that sets its path.
    pub fn files(others: &[(&'static str, &'static str, PathBuf)]) -> Side {
        let report =
            console::report_path().map(|path| SidePart::path(Role::File("report", "--report"), path));
        let others =
            others.iter().map(|(title, option, path)| SidePart::path(Role::File(title, option), path));
        Side { name: "run", parts: report.into_iter().chain(others).collect() }
    }
}

impl SidePart {
    fn store(role: Role, store: &StoreConfig) -> SidePart {
        SidePart { role, what: Subject::Store(Box::new(store.clone())), identity: OnceCell::new() }
    }

    fn path(role: Role, path: &Path) -> SidePart {
        SidePart { role, what: Subject::Path(path.to_path_buf()), identity: OnceCell::new() }
    }

    fn place(&self) -> String {
        match &self.what {
            Subject::Store(store) => store.location(),
            Subject::Path(path) => absolute(path).display().to_string(),
        }
    }

    fn as_store(&self) -> Option<&StoreConfig> {
        if let Subject::Store(store) = &self.what { Some(store) } else { None }
    }

    fn identity(&self) -> Result<&Identity> {
        if let Some(identity) = self.identity.get() {
            return Ok(identity);
        }
        let identity = match &self.what {
            Subject::Store(store) => backends::identify(store)?,
            Subject::Path(path) if self.role == Role::Dump => Identity::Files(vec![Spot::tree(path)?]),
            Subject::Path(path) => Identity::Files(vec![Spot::file(path)?]),
        };
        Ok(self.identity.get_or_init(|| identity))
    }

    /// Whether the two kinds of parts can overlap.
    fn comparable(&self, other: &SidePart) -> bool {
        let files = |part: &SidePart| part.as_store().is_none_or(|store| store.kind.in_files());
        match (self.as_store(), other.as_store()) {
            (Some(one), Some(two)) if !files(self) && !files(other) => {
                std::mem::discriminant(&one.kind) == std::mem::discriminant(&two.kind)
            }
            _ => files(self) && files(other),
        }
    }

    /// Whether both are object services configured with the same place, so that no query is needed.
    fn spelled_alike(&self, other: &SidePart) -> bool {
        let service = |store: &StoreConfig| !store.kind.in_files() && store.kind.backend().is_none();
        match (self.as_store(), other.as_store()) {
            (Some(one), Some(two)) => service(one) && one.same_place(two),
            _ => false,
        }
    }
}

/// Checks that no part of `written` overlaps with a part of `kept`. Writes an object to object services for this,
/// except with `dry_run`.
///
/// Errors: usage if parts of the two sides are the same or one lies inside the other; I/O if this cannot be determined.
pub fn check(kept: &Side, written: &Side, dry_run: bool, console: &Console) -> Result<()> {
    for part in &written.parts {
        for other in kept.parts.iter().filter(|other| part.comparable(other)) {
            let how = if part.spelled_alike(other) {
                Some("both configurations name the same place".to_string())
            } else {
                let met = part.identity()?.meets(other.identity()?, !dry_run)?;
                if let Some(error) = met.left {
                    console.warn(format!("an object of this program stays in the target: {error}"));
                }
                met.how.map(|how| words(&how, written.name, kept.name))
            };
            if let Some(how) = how {
                if matches!(
                    (part.role, other.role),
                    (Role::File("report", _), _) | (_, Role::File("report", _))
                ) {
                    console::no_report();
                }
                return Err(refuse((kept.name, other), (written.name, part), &how));
            }
        }
    }
    Ok(())
}

/// Checks that the report is not written into an installation that is read.
///
/// Errors: those of [`check`].
pub fn report_apart_from(kept: &Side) -> Result<()> {
    check(kept, &Side::files(&[]), true, &Console::default())
}

/// Checks that a new file or dump, set by an option, does not lie inside any store or dump: a store belongs to its
/// server, and additional files change a dump. Recognises stores and dumps by their typical files. Blobs in files have
/// none; [`check`] covers them.
///
/// Errors: usage, with the store or dump found.
pub fn outside_of_all((title, option): (&str, &str), path: &Path) -> Result<()> {
    // Resolve symbolic links; a path that does not exist yet lies in its nearest existing ancestor.
    let mut above = absolute(path);
    let parent = match path.canonicalize() {
        Ok(real) => real.parent().map(Path::to_path_buf),
        Err(_) => loop {
            let Some(parent) = above.parent().map(Path::to_path_buf) else { break None };
            if let Ok(real) = parent.canonicalize() {
                break Some(real);
            }
            above = parent;
        },
    };
    let Some(parent) = parent else { return Ok(()) };
    let found = parent.ancestors().find_map(|dir| Some((kept_in(dir)?, dir.to_path_buf())));
    let found = found.or_else(|| {
        let name = path.file_name()?.to_str()?;
        let database = SQLITE_SUFFIXES.iter().find_map(|suffix| name.strip_suffix(suffix))?;
        let database = parent.join(database);
        database.is_file().then_some(("SQLite database", database))
    });
    let Some((what, place)) = found else { return Ok(()) };
    Err(Error::usage(format!("the {title} would overlap with the {what}"))
        .with("file", path.display().to_string())
        .because(format!("{} is one", place.display()))
        .help(format!("name another place with {option}")))
}

/// The kind of store or dump that a directory is, by its files.
fn kept_in(dir: &Path) -> Option<&'static str> {
    let there = |name: &str| std::fs::symlink_metadata(dir.join(name)).is_ok();
    let inner = |name: &str| there(DIRECTORY) && there(&format!("{DIRECTORY}/{name}"));
    if inner(MANIFEST) || inner(RESUME) || ('a'..='z').any(|letter| there(&file_name(letter))) {
        return Some("dump");
    }
    (there("CURRENT") && (there("IDENTITY") || there("LOCK"))).then_some("RocksDB database")
}

fn refuse(
    (kept, other): (&'static str, &SidePart),
    (written, part): (&'static str, &SidePart),
    how: &str,
) -> Error {
    let stores = part.as_store().is_some() && other.as_store().is_some();
    let what = match (other.role, part.role) {
        (Role::Data, Role::Data) => format!("{kept} and {written} are the same store"),
        (one, two) if one.blobs() && two.blobs() => {
            format!("{kept} and {written} keep their blobs at the same place")
        }
        _ if stores => format!(
            "the {} of the {kept} and the {} of the {written} overlap",
            other.role.title(),
            part.role.title()
        ),
        (_, Role::File(title, _)) => format!("the {title} would overlap with the {}", of(kept, other.role)),
        (Role::Dump, _) => format!("the dump and the {} overlap", of(written, part.role)),
        _ => format!("the {} would overlap with the {}", of(written, part.role), of(kept, other.role)),
    };
    let help = match (other.role, part.role) {
        (one, two) if one.blobs() && two.blobs() => {
            "leave the blobs where they are with --exclude @blob, or name another blob store for the target"
                .to_string()
        }
        (_, Role::File(_, option)) => format!("name another place with {option}"),
        (Role::Dump, _) => "move the dump to another place first: loading it could destroy it".to_string(),
        (_, Role::Dump) => "name another directory for the dump".to_string(),
        (_, two) if two.blobs() => "name another blob store for the target".to_string(),
        _ => "name another configuration with --to".to_string(),
    };
    Error::usage(what)
        .with(kept, format!("{} {}", other.role.title(), other.place()))
        .with(written, format!("{} {}", part.role.title(), part.place()))
        .because(how)
        .help(help)
}

fn of(name: &str, role: Role) -> String {
    match role {
        Role::Dump | Role::File(..) => role.title(),
        role => format!("{} of the {name}", role.title()),
    }
}

fn words(how: &How, written: &str, kept: &str) -> String {
    match how {
        How::Stated(how) => how.clone(),
        How::Files(Overlap::Same, path) => format!("both paths lead to {}", path.display()),
        How::Files(Overlap::Inside, path) => format!("{} lies inside the {kept}'s", path.display()),
        How::Files(Overlap::Around, path) => {
            format!("{}, of the {written}, has the {kept}'s inside", path.display())
        }
        How::Files(Overlap::Linked, path) => format!("files in {} are the {kept}'s by links", path.display()),
    }
}
