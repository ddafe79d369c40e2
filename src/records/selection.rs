//! Selects the subspaces of a run: `EXPORT_TYPES`, `--types` and `--exclude`, resolved by the catalog.
//!
//! A token is a letter, a name, a family or a store group of the schema version; all of them come from the
//! catalog. Does not depend on stores or dumps.

use std::collections::BTreeSet;
use std::fmt;

use serde::{Serialize, Serializer};

use crate::base::error::{Error, Result};
use crate::catalog::{SchemaVersion, Subspace};

/// Why a subspace has no part in a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Omission {
    /// It was not asked for.
    NotSelected,
    /// A kind of store has no table for it, with the reason.
    NoTable(&'static str),
    /// Derived data that one of two stores has no table for.
    NoCounterpart,
    /// Its table is missing or cannot be read, with the reason.
    Unreadable(String),
}

impl fmt::Display for Omission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Omission::NotSelected => "not selected",
            Omission::NoTable(why) => why,
            Omission::NoCounterpart => "derived data that one side has no place for",
            Omission::Unreadable(why) => why,
        })
    }
}

impl Serialize for Omission {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// The user's selection, before the schema version is known.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Request {
    /// The list to include, with the option or variable it came from; `None` for everything.
    pub types: Option<(String, &'static str)>,
    /// The list to leave out, with the option it came from.
    pub exclude: Option<(String, &'static str)>,
}

impl Request {
    /// Makes a request. `--types` wins over `EXPORT_TYPES`; an empty or blank variable counts as unset.
    pub fn new(types: Option<String>, variable: Option<String>, exclude: Option<String>) -> Self {
        let variable = variable.filter(|list| !list.trim().is_empty()).map(|list| (list, "EXPORT_TYPES"));
        Request {
            types: types.map(|list| (list, "--types")).or(variable),
            exclude: exclude.map(|list| (list, "--exclude")),
        }
    }

    /// The selected subspaces, in letter order.
    ///
    /// Errors: usage for an unknown or empty token, listing the valid ones.
    pub fn resolve(&self, version: &'static SchemaVersion) -> Result<Vec<&'static Subspace>> {
        let mut letters: BTreeSet<char> = match &self.types {
            Some((list, origin)) => tokens(list, origin, version)?,
            None => version.subspaces.iter().map(|subspace| subspace.letter).collect(),
        };
        if let Some((list, origin)) = &self.exclude {
            for letter in tokens(list, origin, version)? {
                letters.remove(&letter);
            }
        }
        if letters.is_empty() {
            return Err(Error::usage("nothing is left to do: every subspace is excluded")
                .help("name fewer subspaces in --exclude"));
        }
        Ok(version.subspaces.iter().filter(|subspace| letters.contains(&subspace.letter)).collect())
    }
}

fn tokens(list: &str, origin: &'static str, version: &SchemaVersion) -> Result<BTreeSet<char>> {
    let mut letters = BTreeSet::new();
    for token in list.split(',').map(str::trim) {
        let found = matching(token, version);
        if found.is_empty() {
            let what = if token.is_empty() {
                format!("{origin} has nothing between two commas")
            } else {
                format!("{origin} names the unknown type {token:?}")
            };
            return Err(Error::usage(what)
                .with("schema version", version.number.to_string())
                .help(format!("valid are: {}", valid(version))));
        }
        letters.extend(found);
    }
    Ok(letters)
}

/// Letters that a token selects. A family wins over a name that is equal.
fn matching(token: &str, version: &SchemaVersion) -> Vec<char> {
    if let Some((_, letters)) = version.families.iter().find(|(name, _)| *name == token) {
        return letters.to_vec();
    }
    let wanted: Box<dyn Fn(&Subspace) -> bool + '_> = match token.strip_prefix('@') {
        Some("server") => Box::new(|subspace| subspace.family().is_some()),
        Some(group) => Box::new(move |subspace| subspace.store_group.name() == group),
        None => Box::new(move |subspace| {
            subspace.name == token || subspace.letter.encode_utf8(&mut [0; 4]) == token
        }),
    };
    version.subspaces.iter().filter(|subspace| wanted(subspace)).map(|subspace| subspace.letter).collect()
}

/// Every valid token of this schema version, for error messages.
fn valid(version: &SchemaVersion) -> String {
    let letters: Vec<String> = version.subspaces.iter().map(|s| s.letter.to_string()).collect();
    let names: Vec<&str> = version.subspaces.iter().map(|s| s.name).collect();
    let families: Vec<&str> = version.families.iter().map(|(name, _)| *name).collect();
    let mut groups: Vec<&str> = Vec::new();
    for subspace in version.subspaces {
        let group = subspace.store_group.name();
        if !groups.contains(&group) {
            groups.push(group);
        }
    }
    groups.sort_unstable();
    format!(
        "letters {}; names {}; families {}; groups @{} @server",
        letters.join(" "),
        names.join(" "),
        families.join(" "),
        groups.join(" @")
    )
}
