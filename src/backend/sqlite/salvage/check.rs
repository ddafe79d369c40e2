//! Reports what SQLite's own check of a file finds and walking over its tables does not explain.
//!
//! A page that lists fewer cells than it holds can be read without an error. The walks notice it, because they
//! compare the two trees of a table. If both trees are affected, or pages belong to no tree, only the check of the
//! whole file shows that something is missing.

use std::collections::{BTreeMap, BTreeSet};

use rusqlite::Connection;

use super::super::{quoted, shape};
use super::{WalkResult, is_damage};
use crate::backend::Loss;

/// Number of messages requested; if there are more, the missing ones may be about anything.
const MESSAGES: usize = 2_000;

/// Faults of a table.
#[derive(Debug, Default)]
struct TableFault {
    rows: bool,
    // Found by this check alone: reading would not have failed.
    index_silently: bool,
    first: Option<String>,
}

/// Losses for everything that the check finds and the walks do not explain.
pub(super) fn unexplained(
    damaged: &Connection,
    walks: &BTreeMap<&'static str, WalkResult>,
) -> rusqlite::Result<Vec<Loss>> {
    let trees = trees(damaged)?;
    let (mut tables, mut file): (BTreeMap<&str, TableFault>, Vec<String>) = Default::default();
    for message in messages(damaged)? {
        let place = tree_of(&message).and_then(|root| trees.get(&root));
        let silent =
            !["btreeInitPage()", "failed to get page", "unable to get the page", "invalid page number"]
                .iter()
                .any(|loud| message.contains(loud));
        match place {
            Some((table, is_index)) => {
                let wrong = tables.entry(table.as_str()).or_default();
                wrong.rows |= !is_index;
                wrong.index_silently |= is_index & silent;
                wrong.first.get_or_insert(message);
            }
            // The walks count these themselves, and types are checked when rows are read.
            None if message.starts_with("wrong # of entries in index") || message.contains(" value in ") => {}
            None => file.push(message),
        }
    }
    let mut losses = Vec::new();
    for (table, wrong) in &tables {
        let Some(walk) = walks.get(table) else { continue };
        let explained =
            !walk.losses.is_empty() && !(wrong.index_silently && (wrong.rows || walk.rows_broken));
        if !explained || walk.index_broken && wrong.index_silently {
            losses.push(Loss {
                table: table.to_string(),
                reason: format!(
                    "SQLite's check of the file finds damage, so everything in this table may be incomplete: {}",
                    wrong.first.as_deref().unwrap_or_default()
                ),
                ..Loss::default()
            });
        }
    }
    if let Some(first) = file.first() {
        let more = file.len() - 1;
        losses.push(Loss {
            reason: format!(
                "SQLite's check of the file finds damage that belongs to no table, so any may be incomplete: {first} \
                 (and {more} more)"
            ),
            ..Loss::default()
        });
    }
    Ok(losses)
}

/// The tables by the root pages of their trees, and whether each tree is an index.
fn trees(damaged: &Connection) -> rusqlite::Result<BTreeMap<u64, (String, bool)>> {
    let select = "SELECT rootpage, tbl_name, type = 'index' FROM sqlite_master WHERE rootpage > 0";
    let mut statement = damaged.prepare(select)?;
    let trees = statement.query_map([], |row| {
        let page = u64::try_from(row.get::<_, i64>(0)?).unwrap_or(0);
        Ok((page, (row.get(1)?, row.get(2)?)))
    })?;
    trees.collect()
}

/// The root page of the tree that a message is about.
fn tree_of(message: &str) -> Option<u64> {
    let digits = message.strip_prefix("Tree ")?;
    digits.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

/// The messages of SQLite's check, line by line.
fn messages(damaged: &Connection) -> rusqlite::Result<Vec<String>> {
    // Constraints would execute text of the database.
    damaged.execute_batch("PRAGMA ignore_check_constraints=1")?;
    let mut messages = Vec::new();
    if nothing_computed(damaged)? {
        run(damaged, &format!("PRAGMA quick_check({MESSAGES})"), &mut messages)?;
    } else {
        // Only for these tables is it certain that a check computes nothing.
        for table in shape::tables() {
            if shape::of(damaged, table)? == shape::TableForm::AsCreated {
                run(damaged, &format!("PRAGMA quick_check({})", quoted(table.name)), &mut messages)?;
            }
        }
    }
    if messages.len() >= MESSAGES {
        messages.push("there is more damage than was listed".to_string());
    }
    Ok(messages)
}

fn run(damaged: &Connection, check: &str, messages: &mut Vec<String>) -> rusqlite::Result<()> {
    let answer = || -> rusqlite::Result<Vec<String>> {
        damaged.prepare(check)?.query_map([], |row| row.get(0))?.collect()
    };
    match answer() {
        Ok(answer) => {
            let lines: BTreeSet<&str> = answer.iter().flat_map(|text| text.lines()).collect();
            messages.extend(
                lines
                    .into_iter()
                    .filter(|line| *line != "ok" && !line.starts_with("*** in "))
                    .map(str::to_string),
            );
            Ok(())
        }
        Err(error) if is_damage(&error) => {
            messages.push(format!("the check itself ended: {error}"));
            Ok(())
        }
        Err(error) => Err(error),
    }
}

/// Whether all tables are plain ones: the check would compute generated columns, and run the modules of virtual
/// tables.
fn nothing_computed(damaged: &Connection) -> rusqlite::Result<bool> {
    let select = "SELECT name, rootpage > 0 FROM sqlite_master WHERE type = 'table'";
    let mut statement = damaged.prepare(select)?;
    let tables = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let tables: Vec<(String, bool)> = tables.collect::<Result<_, _>>()?;
    for (name, ordinary) in tables {
        if !ordinary {
            return Ok(false);
        }
        let mut columns = damaged.prepare(&format!("PRAGMA table_xinfo({})", quoted(&name)))?;
        let mut rows = columns.query([])?;
        while let Some(row) = rows.next()? {
            if row.get::<_, i64>("hidden")? != 0 {
                return Ok(false);
            }
        }
    }
    Ok(true)
}
