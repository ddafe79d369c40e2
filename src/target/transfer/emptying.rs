//! What goes from a target before it is loaded, in steps that may end anywhere and be repeated.
//!
//! The state of the run says that they have begun before anything goes; rows that are replaced are on the disk
//! before they are deleted; rows that stay are never deleted; and the state says that the steps are done before the
//! first record is written. So what a killed run has left of them is a part of what it meant to take.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::backend;
use crate::base::error::Result;
use crate::run::resume::StateFile;
use crate::target::state::Clearing;

/// What may still have to go from the target of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Pending {
    /// What a first start of the server leaves.
    Fresh,
    /// Everything, as agreed to.
    Everything,
}

/// What the state of an interrupted run says about these steps.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Emptying {
    /// What may still have to go; nothing if nothing had to, or once it is gone.
    #[serde(default)]
    pub pending: Option<Pending>,
    /// The file that holds replaced rows.
    #[serde(default)]
    pub saved: Option<String>,
}

/// Those words of a state, whatever else it says.
#[derive(Deserialize)]
struct Words {
    #[serde(default)]
    emptying: Emptying,
}

impl Emptying {
    /// The steps that begin with this clearing.
    pub fn begin(clearing: &Clearing, everything: bool, saved: Option<&Path>) -> Emptying {
        let pending = if everything { Pending::Everything } else { Pending::Fresh };
        Emptying {
            pending: (!clearing.is_empty()).then_some(pending),
            // A name that is no text is found again beside the report.
            saved: saved.and_then(Path::to_str).map(str::to_string),
        }
    }

    /// The same steps, done.
    pub fn done(&self) -> Emptying {
        Emptying { pending: None, saved: self.saved.clone() }
    }

    /// What the state of an interrupted run says; nothing if there is no state.
    ///
    /// Errors: as [`StateFile::open`].
    pub fn of_interrupted(state: &Path) -> Result<Option<Emptying>> {
        Ok(StateFile::open::<Words>(state)?.map(|(_, words)| words.emptying))
    }

    /// The file that holds replaced rows.
    pub fn saved(&self) -> Option<PathBuf> {
        self.saved.as_ref().map(PathBuf::from)
    }
}

/// Takes from a target what has to go. Repeating it takes what is left.
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
