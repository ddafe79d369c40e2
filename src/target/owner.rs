//! `--owner USER:GROUP`: the user and group that own the files of a target, in the notation of `chown`.
//!
//! Names are resolved before anything is written; ownership changes after the last write.

use std::path::Path;

use crate::base::error::{Error, Result};
use crate::config::StoreKind;
use crate::open::backends;

/// A user, a group, or both, by number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Owner {
    /// Numeric user; unchanged if absent.
    pub user: Option<u32>,
    /// Numeric group; unchanged if absent.
    pub group: Option<u32>,
}

impl Owner {
    /// Reads `USER`, `USER:GROUP`, `USER:` (its own group) or `:GROUP`, names or numbers.
    ///
    /// Errors: usage for an unknown name, or if this process may not give files away.
    pub fn parse(text: &str) -> Result<Owner> {
        let (user, group) = text.split_once(':').map_or((text, None), |(user, group)| (user, Some(group)));
        let mut owner = Owner { user: None, group: None };
        let mut own_group = None;
        if !user.is_empty() {
            let found = lookup("/etc/passwd", user, "user")?;
            owner.user = Some(found.id);
            own_group = found.group;
        }
        owner.group = match group {
            None => None,
            Some("") => own_group,
            Some(group) => Some(lookup("/etc/group", group, "group")?.id),
        };
        if owner.user.is_none() && owner.group.is_none() {
            return Err(
                Error::usage("--owner names neither user nor group").help("name USER:GROUP, as for chown")
            );
        }
        let own = rustix::process::geteuid().as_raw();
        if own != 0 && owner.user.is_some_and(|user| user != own) {
            return Err(Error::usage("--owner: only root can give files to another user")
                .with("owner", text)
                .help("run as root, or as that user without --owner"));
        }
        Ok(owner)
    }

    /// Changes the owner of the files of an embedded store; a database on a server has no files. Changes only
    /// files of the store: no other files in the same folder, no targets of links.
    ///
    /// Errors: I/O, naming the first file that failed and the number of failures.
    pub fn give(&self, store: &StoreKind) -> Result<()> {
        let (mut first, mut count) = (None, 0u64);
        backends::give(store, (self.user, self.group), &mut |path, error| {
            count += 1;
            first.get_or_insert_with(|| failed(path, error));
        });
        match first {
            None => Ok(()),
            Some(error) if count == 1 => Err(error),
            Some(error) => Err(error.with("files", count.to_string())),
        }
    }
}

struct Account {
    id: u32,
    group: Option<u32>,
}

/// Finds a name or number in a file in the format of `/etc/passwd`. Accounts from other sources are looked up
/// with `getent`.
fn lookup(file: &str, name: &str, what: &str) -> Result<Account> {
    let fields = |text: &str| -> Option<Account> {
        let line = text.lines().find(|line| {
            let mut fields = line.split(':');
            fields.next() == Some(name) || fields.nth(1) == Some(name)
        })?;
        let mut fields = line.split(':').skip(2);
        let id = fields.next()?.parse().ok()?;
        Some(Account { id, group: fields.next().and_then(|group| group.parse().ok()) })
    };
    if let Some(account) = std::fs::read_to_string(file).ok().and_then(|text| fields(&text)) {
        return Ok(account);
    }
    let database = if what == "user" { "passwd" } else { "group" };
    let asked = std::process::Command::new("getent").args([database, name]).output();
    if let Some(account) = asked.ok().and_then(|output| fields(&String::from_utf8_lossy(&output.stdout))) {
        return Ok(account);
    }
    // A number is valid without an entry.
    match name.parse() {
        Ok(id) => Ok(Account { id, group: None }),
        Err(_) => Err(Error::usage(format!("--owner: there is no such {what}"))
            .with("name", name)
            .help("name an existing user and group, or their numbers")),
    }
}

fn failed(path: &Path, error: std::io::Error) -> Error {
    Error::io("cannot give the file to its new owner")
        .with("path", path.display().to_string())
        .because(error)
        .help("the target is complete: look at what this is, then give the other files away with chown -h")
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn owners_are_names_or_numbers() {
        let own = rustix::process::geteuid().as_raw();
        let root = own == 0;
        for (text, expect) in [
            (format!("{own}"), Some((Some(own), None))),
            (format!("{own}:12"), Some((Some(own), Some(12)))),
            (":root".into(), Some((None, Some(0)))),
            ("root:".into(), root.then_some((Some(0), Some(0)))),
            ("root:root".into(), root.then_some((Some(0), Some(0)))),
            ("no-such-user-here".into(), None),
            ("0:no-such-group-here".into(), None),
            (String::new(), None),
            (":".into(), None),
        ] {
            let found = Owner::parse(&text).ok().map(|owner| (owner.user, owner.group));
            assert_eq!(found, expect, "{text:?}");
        }
    }
}
