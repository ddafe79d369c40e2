//! Whether what is read or kept and what is written are the same thing under two names.
//!
//! Every store and every member of one is asked, of both sides, and so are dumps and the files of a run. Files and
//! directories are known by what the kernel calls them, databases by what their server says and whether it sees our
//! own session, buckets by an object that is written at the target and looked for at the source. Asked before the
//! target is looked at in any other way; what overlaps is refused whatever was agreed to.

use std::cell::OnceCell;
use std::path::{Path, PathBuf};

use crate::backend::files::SQLITE_SUFFIXES;
use crate::backend::identity::{How, Overlap, Spot};
use crate::base::error::{Error, Result};
use crate::config::{StoreConfig, StoreKind};
use crate::dump::manifest::{DIRECTORY, MANIFEST, RESUME, file_name};
use crate::open::backends::{self, Identity};
use crate::open::installation::Installation;
use crate::run::console::{self, Console};

/// What a part of a side is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    Data,
    Blobs,
    // One of the stores that share the blobs, counted from 1.
    Shard(usize),
    Dump,
    // A file of the run, and the option that names it.
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

struct SidePart {
    role: Role,
    store: Option<StoreConfig>,
    path: Option<PathBuf>,
    // Asked for when it is needed: a database has to be connected to.
    identity: OnceCell<Identity>,
}

/// What belongs together: the stores of an installation, a dump, the files of a run.
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

    /// The blob store of an installation, if it is another one than the data store.
    pub fn blobs(name: &'static str, place: &Installation) -> Side {
        let mut side = Side::stores(name, place);
        side.parts.retain(|part| part.role.blobs());
        side
    }

    /// A data store alone.
    pub fn data(name: &'static str, data: &StoreConfig) -> Side {
        Side { name, parts: vec![SidePart::store(Role::Data, data)] }
    }

    /// The directory of a dump.
    pub fn dump(path: &Path) -> Side {
        Side { name: "dump", parts: vec![SidePart::path(Role::Dump, path)] }
    }

    /// The files that a run writes beside its target: the report, if one was asked for, and others, each with what
    /// it is and the option that names it.
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
        SidePart { role, store: Some(store.clone()), path: None, identity: OnceCell::new() }
    }

    fn path(role: Role, path: &Path) -> SidePart {
        SidePart { role, store: None, path: Some(path.to_path_buf()), identity: OnceCell::new() }
    }

    fn place(&self) -> String {
        match (&self.store, &self.path) {
            (Some(store), _) => store.location(),
            (_, Some(path)) => {
                std::path::absolute(path).unwrap_or_else(|_| path.clone()).display().to_string()
            }
            _ => String::new(),
        }
    }

    fn identity(&self) -> Result<&Identity> {
        if let Some(identity) = self.identity.get() {
            return Ok(identity);
        }
        let identity = match (&self.store, &self.path, self.role) {
            (Some(store), ..) => backends::identify(store)?,
            (None, Some(path), Role::Dump) => Identity::Files(vec![Spot::tree(path)?]),
            (None, Some(path), _) => Identity::Files(vec![Spot::file(path)?]),
            _ => Identity::Unknown,
        };
        Ok(self.identity.get_or_init(|| identity))
    }

    /// Whether the two could be the same thing at all.
    fn comparable(&self, other: &SidePart) -> bool {
        let files = |part: &SidePart| part.store.as_ref().is_none_or(|store| store.kind.in_files());
        match (&self.store, &other.store) {
            (Some(one), Some(two)) if !files(self) && !files(other) => {
                std::mem::discriminant(&one.kind) == std::mem::discriminant(&two.kind)
            }
            _ => files(self) && files(other),
        }
    }

    /// Whether services need not be asked.
    fn spelled_alike(&self, other: &SidePart) -> bool {
        let service = |store: &StoreConfig| !store.kind.in_files() && store.kind.backend().is_none();
        match (&self.store, &other.store) {
            (Some(one), Some(two)) => service(one) && one.same_place(two),
            _ => false,
        }
    }
}

/// Makes sure that nothing that is written or emptied is what is read or kept. At object services an object is
/// written for that, unless nothing may be written (`dry_run`).
///
/// Errors: usage if anything of the two sides is the same or lies inside the other's; I/O if that cannot be found out.
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

/// Makes sure that the report will not lie inside an installation that is read.
///
/// Errors: as [`check`].
pub fn report_apart_from(kept: &Side) -> Result<()> {
    check(kept, &Side::files(&[]), true, &Console::default())
}

/// Makes sure that a new file, or a dump, that an option names will not lie in any store or dump, whichever that is: a
/// store is for its server alone, and what lies in a dump beside its files makes it another one. Stores and dumps are
/// recognised by the files that make them such; blobs in files have none, and are kept apart by [`check`].
///
/// Errors: usage, naming what is there.
pub fn outside_of_all((title, option): (&str, &str), path: &Path) -> Result<()> {
    // What is there decides, whatever the path is called; what is not there yet lies in what is.
    let mut above = std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf());
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
        .next(format!("name another place with {option}")))
}

/// What a directory is by its files, if it is a store or a dump.
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
    let stores = part.store.is_some() && other.store.is_some();
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
    let next = match (other.role, part.role) {
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
        .next(next)
}

fn of(name: &str, role: Role) -> String {
    match role {
        Role::Dump | Role::File(..) => role.title(),
        role => format!("{} of the {name}", role.title()),
    }
}

fn words(how: &How, written: &str, kept: &str) -> String {
    match how {
        How::Said(how) => how.clone(),
        How::Files(Overlap::Same, path) => format!("both paths lead to {}", path.display()),
        How::Files(Overlap::Inside, path) => format!("{} lies inside the {kept}'s", path.display()),
        How::Files(Overlap::Around, path) => {
            format!("{}, of the {written}, has the {kept}'s inside", path.display())
        }
        How::Files(Overlap::Linked, path) => format!("files in {} are the {kept}'s by links", path.display()),
    }
}
