//! Empties a target before it is loaded, in steps that may be interrupted anywhere and repeated.
//!
//! The state file records that the steps have begun before anything is deleted; replaced rows are synced to their
//! backup before they are deleted; rows to keep are never deleted; and the state records that the steps are done
//! before the first record is written. So what a killed run has left to delete is a part of what it had planned
//! to delete.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::backend;
use crate::base::error::Result;
use crate::run::resume::StateFile;
use crate::target::state::Clearing;

/// What a run may still have to delete from its target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Pending {
    /// The rows that a first start of the server creates.
    Fresh,
    /// Everything, as `--wipe-target` asks.
    Everything,
}

/// The progress of these steps, in the state file.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Emptying {
    /// What may still have to be deleted; `None` if there was nothing to delete or it is done.
    #[serde(default)]
    pub pending: Option<Pending>,
    /// The backup of replaced rows.
    #[serde(default)]
    pub saved: Option<String>,
}

/// The part of a state file that this module reads.
#[derive(Deserialize)]
struct StatePart {
    #[serde(default)]
    emptying: Emptying,
}

impl Emptying {
    /// The steps at their start, for this clearing.
    pub fn begin(clearing: &Clearing, everything: bool, saved: Option<&Path>) -> Emptying {
        let pending = if everything { Pending::Everything } else { Pending::Fresh };
        Emptying {
            pending: (!clearing.is_empty()).then_some(pending),
            // A path that is not UTF-8 is not stored; the file is found again beside the report.
            saved: saved.and_then(Path::to_str).map(str::to_string),
        }
    }

    /// The same steps, completed.
    pub fn done(&self) -> Emptying {
        Emptying { pending: None, saved: self.saved.clone() }
    }

    /// The steps in the state file of an interrupted run; `None` if there is no such file.
    ///
    /// Errors: as [`StateFile::open`].
    pub fn of_interrupted(state: &Path) -> Result<Option<Emptying>> {
        Ok(StateFile::open::<StatePart>(state)?.map(|(_, words)| words.emptying))
    }

    /// Path of the backup of replaced rows.
    pub fn saved(&self) -> Option<PathBuf> {
        self.saved.as_ref().map(PathBuf::from)
    }
}

/// Deletes from a target what `clearing` contains. Repeating it deletes the rest.
pub(super) fn clear(target: &dyn backend::Target, clearing: &Clearing) -> Result<()> {
    for (table, keys) in &clearing.rows {
        target.delete(table, keys)?;
    }
    for table in &clearing.tables {
        let kept = clearing.kept.iter().find(|(of, _)| of.name == table.name);
        target.clear(table, kept.map_or(&[], |(_, keys)| keys.as_slice()))?;
    }
    Ok(())
}
