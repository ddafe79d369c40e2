//! Detects writes to a store while it was read.
//!
//! Checked before a run completes its result, because the records may be from different points in time or lack the
//! latest writes. `backend/meanwhile.rs` checks whenever a read fails.

use crate::backend::Source;
use crate::backend::meanwhile::written_meanwhile;
use crate::base::error::Result;
use crate::open::installation::Installation;
use crate::open::running;

/// A source that must not change during the run.
#[derive(Debug, Clone)]
pub struct Watched {
    place: Installation,
    // Other sessions are allowed.
    agreed: bool,
}

impl Watched {
    /// Watches the stores at `place`. Other sessions on a database are allowed if the user has `agreed` to them.
    pub fn new(place: &Installation, agreed: bool) -> Self {
        Watched { place: place.clone(), agreed }
    }

    /// Repeats the checks made before the first record was read: for writes, a running server and other sessions.
    ///
    /// Errors: refused.
    pub fn check(&self, source: &dyn Source) -> Result<()> {
        let stores = [Some(&self.place.data), self.place.blobs.as_ref()];
        // A write comes first: it explains more than a process that is there now.
        check(source, &self.place)?;
        if let Some(holder) = stores.into_iter().flatten().find_map(|store| running::holder(&store.kind)) {
            let started = "a server was started on the store while it was read";
            return Err(holder
                .refusal(started, &self.place.location())
                .help("stop the server, then begin again"));
        }
        running::check_still_alone(
            &source.sessions()?,
            "the database while it was read",
            &self.place.location(),
            self.agreed,
            "stop the server and whatever else uses the database, and begin again; or go on with the same command, \
             --resume and --yes, if none of them writes",
        )
    }
}

/// Checks that a store was not written to since it was opened.
///
/// Errors: refused if it was.
pub fn check(source: &dyn Source, place: &Installation) -> Result<()> {
    match source.changed()? {
        None => Ok(()),
        Some(why) => Err(written_meanwhile(&why).with("store", place.location())),
    }
}
