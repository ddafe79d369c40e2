//! Opens a store for a command that writes nothing, moves no record, and so warns where others refuse.

use crate::base::error::Result;
use crate::catalog::Subspace;
use crate::config::Config;
use crate::open::connect::{self, Connected, OpenOptions};
use crate::open::running;
use crate::open::shapes;
use crate::records::gaps;
use crate::records::store::Store;
use crate::run::Run;
use crate::run::console::Console;

/// Opens the data store of a configuration, and the blob store if blobs are among the subspaces that `wanted` chooses.
/// Warns about tables of another shape, about a server that uses an embedded store and, with `sessions`, about other
/// sessions of a database.
///
/// Errors: those of opening, of `wanted` and of asking the stores.
pub fn open(
    config: &Config,
    how: OpenOptions,
    sessions: bool,
    wanted: impl FnOnce(&Connected) -> Result<Vec<&'static Subspace>>,
    run: &Run,
) -> Result<Connected> {
    let connected = connect::open(config, how, run)?;
    let wanted = wanted(&connected)?;
    let connected = connected.with_blobs_of(&wanted, how, run)?;
    shapes::warn(&connected.store, &connected.place.location(), &run.console)?;
    warn_if_used(&connected, sessions, &run.console)?;
    Ok(connected)
}

/// Makes missing tables read as empty ones.
///
/// Errors: refused if the table of one of these subspaces exists and cannot be read.
pub fn past_absent(store: Store, subspaces: &[&'static Subspace], place: &str) -> Result<Store> {
    gaps::none_hidden(&gaps::among(store.gaps(), subspaces), place)?;
    Ok(store.past_absent())
}

/// Warns if a server uses a store that is read anyway: embedded stores and, with `sessions`, databases.
///
/// Errors: those of querying the sessions of the database.
fn warn_if_used(connected: &Connected, sessions: bool, console: &Console) -> Result<()> {
    let place = connected.place.location();
    if let Some(holder) = &connected.holder {
        console
            .warn(format!("a server is running on {place} (locked by {}): it may change", holder.describe()));
    }
    if sessions {
        running::check_sessions(&connected.store.source().sessions()?, &place, true, console)?;
    }
    Ok(())
}
