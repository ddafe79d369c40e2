//! Checks of a source before it is read: whether it is in use, which of its contents are not read, and which
//! subspaces it has.

use crate::base::error::Result;
use crate::base::finding::{FindingKind, Findings};
use crate::catalog::Subspace;
use crate::open::backends::HeldStore;
use crate::open::connect::Connected;
use crate::open::running;
use crate::open::shapes;
use crate::records::gaps::{self, Gap};
use crate::records::leases;
use crate::records::selection::Omission;
use crate::records::store::{Store, UnknownTable};
use crate::run::Consent;
use crate::run::console::Console;
use crate::run::preflight::Preflight;

/// What of a source is read and what is left out.
pub struct Coverage {
    /// The subspaces to read.
    pub subspaces: Vec<&'static Subspace>,
    /// The others, with the reason.
    pub skipped: Vec<(&'static Subspace, Omission)>,
    // Blobs, if only their existence is checked.
    only_checked: Option<&'static Subspace>,
    // Missing and unreadable tables among those of `subspaces` and `only_checked`.
    gaps: Vec<Gap>,
    // Whether the user has agreed to go on without them.
    agreed: bool,
}

impl Coverage {
    /// The `selected` subspaces that have a table in the store, without its gaps if the user has `agreed` to them.
    pub fn of(
        store: &Store,
        selected: &[&'static Subspace],
        only_checked: Option<&'static Subspace>,
        agreed: bool,
    ) -> Coverage {
        let (subspaces, skipped) = split(store, selected);
        let asked: Vec<&'static Subspace> = subspaces.iter().copied().chain(only_checked).collect();
        let gaps = gaps::among(store.gaps(), &asked);
        let mut coverage = Coverage { subspaces, skipped, only_checked, gaps, agreed };
        if agreed {
            coverage.leave_out_gaps();
        }
        coverage
    }

    /// Checks that the source can be read, that no other process changes it during the run, and the tables of the
    /// subspaces. A dry run goes on without those that cannot be read.
    ///
    /// Errors: refused.
    pub fn check(
        &mut self,
        connected: &mut Connected,
        preflight: &mut Preflight,
        consent: Consent,
        console: &Console,
    ) -> Result<()> {
        check(connected, preflight, consent, console)?;
        let place = connected.place.location();
        let gap = |subspace: &Subspace| self.gaps.iter().any(|gap| gap.subspace.letter == subspace.letter);
        let readable = gaps::agree(&self.gaps, self.agreed, &place).map_err(|error| {
            if self.only_checked.is_some_and(gap) {
                error.help("--no-verify does not look for blobs that are left out")
            } else {
                error
            }
        });
        preflight.check("tables", readable, String::clone)?;
        self.leave_out_gaps();
        shapes::check_source(&connected.store, &self.subspaces, &place, preflight)
    }

    /// Findings about what of the source is not read: unknown tables, gaps, and rows of the subspaces that cannot be
    /// read.
    ///
    /// Errors: those of the source.
    pub fn findings(&self, store: &Store) -> Result<Findings> {
        let mut findings = unknown_tables(store)?;
        findings.merge(gaps::findings(&self.gaps));
        for subspace in &self.subspaces {
            unreachable_rows(store, subspace, &mut findings)?;
        }
        Ok(findings)
    }

    fn leave_out_gaps(&mut self) {
        gaps::leave_out(&self.gaps, &mut self.subspaces, &mut self.skipped);
    }
}

/// Splits all subspaces into those to read and those that are skipped, with the reason.
fn split(
    store: &Store,
    selected: &[&'static Subspace],
) -> (Vec<&'static Subspace>, Vec<(&'static Subspace, Omission)>) {
    let (mut take, mut skipped) = (Vec::new(), Vec::new());
    for subspace in store.version().subspaces {
        match subspace.table(store.source().kind()) {
            _ if !selected.iter().any(|s| s.letter == subspace.letter) => {
                skipped.push((subspace, Omission::NotSelected));
            }
            Err(why) => skipped.push((subspace, Omission::NoTable(why))),
            Ok(_) => take.push(subspace),
        }
    }
    (take, skipped)
}

/// Checks that a source can be read and that no other process changes it during the run.
///
/// Errors: refused.
fn check(
    connected: &mut Connected,
    preflight: &mut Preflight,
    consent: Consent,
    console: &Console,
) -> Result<()> {
    let place = connected.place.location();
    preflight.pass("source", format!("{} at {place}", connected.store.source().kind().title()));
    let version = connected.store.version();
    preflight.pass("schema version", format!("{} ({})", version.number, version.releases));
    let free = running::check_free(connected.holder.as_ref(), "this store", &place);
    preflight.check_unless_dry("source not in use", free.map(|()| "nothing has it open".to_string()))?;
    // Checked after the holder, because that error names the server.
    let held = std::mem::replace(&mut connected.held, Ok(HeldStore::default()));
    let held = held.map(|held| connected.held = Ok(held));
    preflight
        .check_unless_dry("source held", held.map(|()| "nothing can write to it meanwhile".to_string()))?;
    for lease in leases::fresh(&connected.store)? {
        preflight.warn(
            "node lease",
            format!(
                "a node has renewed its lease: {}; a lease outlives a stop by up to an hour, so make sure that \
                 no server is running",
                lease.describe()
            ),
        );
    }
    let sessions = connected.store.source().sessions()?;
    let alone = running::check_sessions(&sessions, &place, consent.dry_run || consent.yes, console);
    preflight.check("no other sessions", alone, |()| match sessions.others.len() {
        0 => "none".to_string(),
        others => format!("{others}, agreed to"),
    })?;
    Ok(())
}

/// Findings for tables that belong to no subspace of the schema version, and for ends of logs that were not read.
pub fn unknown_tables(store: &Store) -> Result<Findings> {
    let mut findings = Findings::new();
    for (table, unknown) in store.unknown_tables()? {
        let (kind, what) = match unknown {
            UnknownTable::Legacy => (
                FindingKind::LegacyRows,
                "an older schema version has left rows here, which do not travel".to_string(),
            ),
            UnknownTable::Unknown => (
                FindingKind::UnknownTable,
                "the catalog does not know this table, whose rows do not travel".to_string(),
            ),
            UnknownTable::Companion(title) => (FindingKind::OtherTable, title.to_string()),
            UnknownTable::Other => (
                FindingKind::OtherTable,
                "its columns are not those of the server's tables: it is left where it is".to_string(),
            ),
        };
        findings.add(kind, table.name, &[], || what);
    }
    for end in store.source().log_ends() {
        findings.add(FindingKind::LogEnd, "", &[], || end);
    }
    Ok(findings)
}

/// Adds findings for rows of a subspace that cannot be read, and for values in a form that no server stores.
fn unreachable_rows(store: &Store, subspace: &'static Subspace, findings: &mut Findings) -> Result<()> {
    if let Some(table) = store.table(subspace).filter(|_| store.gap(subspace).is_none())
        && let Some((count, why)) = store.source().unreachable(table)?
    {
        findings.add_all(FindingKind::Lost, count, subspace.letter, &[], || format!("{count} rows: {why}"));
    }
    if let Some(table) = store.table(subspace) {
        for odd in store.source().odd_values(table)? {
            let kind = if odd.lost { FindingKind::Lost } else { FindingKind::BadValue };
            findings.add(kind, subspace.letter, &odd.key, || {
                format!("{}: {}", subspace.describe(&odd.key), odd.reason)
            });
        }
    }
    Ok(())
}
