//! Has something written to a store while it was read?
//!
//! Asked again before a run makes its result look complete: what was read may be of several moments, or lack what
//! came last. `backend/meanwhile.rs` asks whenever reading fails.

use crate::backend::Source;
use crate::backend::meanwhile::written_meanwhile;
use crate::base::error::{Error, Result};
use crate::open::installation::Installation;
use crate::open::running;

/// A source that must stay as it was found.
#[derive(Debug, Clone)]
pub struct Watched {
    place: Installation,
    // Other sessions may be there.
    agreed: bool,
}

impl Watched {
    /// The stores at `place`. Other sessions on a database are no reason to refuse if they were `agreed` to.
    pub fn new(place: &Installation, agreed: bool) -> Self {
        Watched { place: place.clone(), agreed }
    }

    /// Asks everything that was asked before the first record was read: has something written, is a server running,
    /// are others connected?
    ///
    /// Errors: refused.
    pub fn check(&self, source: &dyn Source) -> Result<()> {
        let stores = [Some(&self.place.data), self.place.blobs.as_ref()];
        // What has been written explains more than what is there now.
        check(source, &self.place)?;
        if let Some(holder) = stores.into_iter().flatten().find_map(|store| running::holder(&store.kind)) {
            return Err(Error::refused("a server was started on the store while it was read")
                .with("store", self.place.location())
                .with("locked by", holder.describe())
                .next("stop the server, then begin again"));
        }
        let sessions = source.sessions()?;
        if sessions.others.is_empty() || self.agreed {
            return Ok(());
        }
        Err(Error::refused("others have connected to the database while it was read, most likely a server")
            .with("store", self.place.location())
            .with("sessions", sessions.others.join(", "))
            .next(
                "stop the server and whatever else uses the database, and begin again; or go on with the same \
                 command, --resume and --yes, if none of them writes",
            ))
    }
}

/// Asks whether something has written to a store since it was opened.
///
/// Errors: refused.
pub fn check(source: &dyn Source, place: &Installation) -> Result<()> {
    match source.changed()? {
        None => Ok(()),
        Some(why) => Err(written_meanwhile(&why).with("store", place.location())),
    }
}
