//! The state file of an import or a copy: the identity of the run, by which alone it can be resumed, and its
//! emptying steps.

use std::path::Path;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::TransferOptions;
use super::emptying::Emptying;
use super::target::{self, LoadTarget};
use crate::base::error::{Error, ErrorKind, Result};
use crate::run::resume::{self, StateFile};
use crate::target::load::LoadPart;

/// Identity of a run: only a run with the same one can be resumed.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TransferState<S> {
    command: String,
    tool_version: String,
    target: String,
    subspaces: String,
    /// The input.
    pub from: S,
    #[serde(default)]
    emptying: Emptying,
}

impl<S: Serialize + DeserializeOwned + PartialEq> TransferState<S> {
    /// The state of a transfer of `parts` into `target` by `command`.
    pub fn new(command: &str, target: &LoadTarget, parts: &[LoadPart], from: S) -> Self {
        let mut letters: Vec<char> = parts.iter().map(|part| part.subspace.letter).collect();
        letters.sort_unstable();
        TransferState {
            command: command.to_string(),
            tool_version: env!("CARGO_PKG_VERSION").to_string(),
            target: resume::anonymous(&target.place.location()),
            subspaces: letters.into_iter().collect(),
            from,
            emptying: Emptying::default(),
        }
    }

    /// The same run with the given emptying steps.
    pub(super) fn with(&self, emptying: &Emptying) -> Self
    where
        S: Clone,
    {
        TransferState {
            command: self.command.clone(),
            tool_version: self.tool_version.clone(),
            target: self.target.clone(),
            subspaces: self.subspaces.clone(),
            from: self.from.clone(),
            emptying: emptying.clone(),
        }
    }

    /// Opens the state that an interrupted run has left at `path`.
    ///
    /// Errors: refused if there is none, or if it belongs to another run.
    pub fn open(&self, path: &Path) -> Result<StateFile> {
        let place = |error: Error| error.with("path", path.display().to_string());
        let Some((file, before)) = StateFile::open::<TransferState<S>>(path)? else {
            return Err(target::nothing_to_resume(path));
        };
        let differs = [
            (before.command != self.command, "the state is that of another command"),
            (before.tool_version != self.tool_version, "another release of this tool has begun the run"),
            (before.target != self.target, "the run had another target"),
            (
                before.from != self.from,
                "what the records come from has changed since the run was interrupted",
            ),
            (before.subspaces != self.subspaces, "the run was about other subspaces"),
        ];
        match differs.into_iter().find_map(|(differs, what)| differs.then_some(what)) {
            None => Ok(file),
            Some(what) => Err(place(Error::refused(format!("cannot go on: {what}")))
                .help("empty the target, with --wipe-target, and start without --resume")),
        }
    }
}

/// Writes the state file. If that fails, the run is refused only if the user has named the path; otherwise it
/// cannot be resumed.
pub(super) fn begin<S: Serialize + DeserializeOwned + PartialEq>(
    path: &Path,
    state: &TransferState<S>,
    options: &TransferOptions,
) -> Result<Option<StateFile>> {
    let written = match StateFile::open::<TransferState<S>>(path) {
        // A run that was not resumed is given up: its target is empty again, or this run would have been refused.
        // Its state file is replaced, not removed first: a target that may be incomplete always has one.
        Ok(Some((mut old, _))) => match old.replace(state) {
            Ok(()) => Ok(old),
            Err(error) if error.kind() == ErrorKind::Io => old.remove().and(Err(error)),
            Err(error) => Err(error),
        },
        _ => StateFile::create(path, state),
    };
    match written {
        Ok(file) => Ok(Some(file)),
        Err(error) if options.state.is_none() && error.kind() == ErrorKind::Io => {
            options.run.console.warn(format!("{error}; if this run is interrupted it cannot be resumed"));
            Ok(None)
        }
        Err(error) => Err(error),
    }
}
