//! Resolves the names of tables in a PostgreSQL database: where a server finds them along the search path, and
//! whether they are plain tables.
//!
//! A name may lead to a view, a table with rules or policies, or one with an index over a function: using it would
//! execute text from the database, with the rights of the session. So every name is resolved here, once. All later
//! statements use `schema.table`, in a session that finds functions and operators in `pg_catalog` only.

use sqlx::postgres::{PgConnection, PgRow};
use sqlx::{AssertSqlSafe, Row};

use super::quoted;
use crate::backend::Unreadable;
use crate::base::error::{Error, Result};
use crate::catalog::{Table, ValueKind};

/// Every relation that could contain rows, with its properties from the system catalogs, without touching it. `$1`
/// are the schemas of the search path. Constants: the system catalogs of PostgreSQL's documentation.
const LIST: &str = "SELECT n.nspname::text, c.relname::text, c.oid::int8, c.relkind::text, \
     c.relpersistence::text, array_position($1, n.nspname::text), pg_relation_size(c.oid) > 0, \
     has_table_privilege(c.oid, 'SELECT') OR coalesce((SELECT bool_and(has_column_privilege(c.oid, a.attnum, 'SELECT')) \
        FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname IN ('k', 'v') AND NOT a.attisdropped), false), \
     row_security_active(c.oid), \
     EXISTS (SELECT FROM pg_inherits h WHERE h.inhparent = c.oid), \
     EXISTS (SELECT FROM pg_rewrite r WHERE r.ev_class = c.oid AND r.ev_enabled <> 'D'), \
     EXISTS (SELECT FROM pg_index i WHERE i.indrelid = c.oid AND (i.indexprs IS NOT NULL OR i.indpred IS NOT NULL)) \
        OR EXISTS (SELECT FROM pg_statistic_ext s WHERE s.stxrelid = c.oid AND 'e' = ANY (s.stxkind)), \
     EXISTS (SELECT FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid WHERE a.attrelid = c.oid \
        AND a.attnum > 0 AND NOT a.attisdropped AND a.attname IN ('k', 'v') \
        AND (t.typnamespace <> 'pg_catalog'::regnamespace OR coalesce(to_jsonb(a) ->> 'attgenerated', '') <> '')), \
     EXISTS (SELECT FROM pg_trigger t WHERE t.tgrelid = c.oid AND t.tgenabled <> 'D'), \
     EXISTS (SELECT FROM pg_constraint o WHERE o.conrelid = c.oid AND o.contype IN ('c', 'f', 'x')), \
     EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped \
        AND a.attname NOT IN ('k', 'v')), \
     EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND NOT a.attisdropped AND a.attname = 'k'), \
     has_table_privilege(c.oid, 'SELECT') AND has_table_privilege(c.oid, 'INSERT') \
        AND has_table_privilege(c.oid, 'DELETE') \
     FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
     WHERE c.relkind = ANY ('{r,p,v,m,f}') AND n.nspname NOT IN ('pg_catalog', 'information_schema') \
     AND n.nspname NOT LIKE 'pg\\_%' ORDER BY 2, 1";

/// A relation of the database: a table, or something that can be used like one.
#[derive(Debug, Clone)]
pub(super) struct Relation {
    schema: String,
    name: String,
    pub oid: i64,
    kind: String,
    persistence: String,
    // The position of its schema in the search path, counted from 1.
    place: Option<i32>,
    /// Whether it takes space on the disk.
    pub space: bool,
    readable: bool,
    row_security: bool,
    children: bool,
    rules: bool,
    computed_index: bool,
    computed_column: bool,
    triggers: bool,
    constraints: bool,
    other_columns: bool,
    key_column: bool,
    writable: bool,
}

impl Relation {
    fn of(row: &PgRow) -> sqlx::Result<Relation> {
        // For a relation that was just dropped these columns are NULL.
        let flag = |at: usize| Ok::<bool, sqlx::Error>(row.try_get::<Option<bool>, _>(at)?.unwrap_or(false));
        Ok(Relation {
            schema: row.try_get(0)?,
            name: row.try_get(1)?,
            oid: row.try_get(2)?,
            kind: row.try_get(3)?,
            persistence: row.try_get(4)?,
            place: row.try_get(5)?,
            space: flag(6)?,
            readable: flag(7)?,
            row_security: flag(8)?,
            children: flag(9)?,
            rules: flag(10)?,
            computed_index: flag(11)?,
            computed_column: flag(12)?,
            triggers: flag(13)?,
            constraints: flag(14)?,
            other_columns: flag(15)?,
            key_column: flag(16)?,
            writable: flag(17)?,
        })
    }

    /// The name that leads here under any search path.
    pub fn qualified(&self) -> String {
        format!("{}.{}", quoted(&self.schema), quoted(&self.name))
    }

    /// Why reading it could execute something or show anything but its own rows.
    fn odd(&self) -> Option<&'static str> {
        match self.kind.as_str() {
            "r" => {}
            "v" => return Some("is a view, which runs a query of its own"),
            "m" => return Some("is a materialized view"),
            "f" => return Some("is a foreign table, whose rows another server has"),
            _ => return Some("is a partitioned table"),
        }
        match () {
            () if self.persistence != "p" => Some("is not a permanent table: a crash empties it"),
            () if self.children => {
                Some("has tables that inherit from it, whose rows would be read with its own")
            }
            () if self.rules => Some("has rules, which run statements of their own"),
            () if self.computed_index => {
                Some("has an index or statistics over an expression, which would be run")
            }
            () if self.computed_column => {
                Some("has columns that are computed or of a type that the database defines itself")
            }
            () => None,
        }
    }

    /// Why writing it could have other effects than storing rows.
    fn odd_to_write(&self) -> Option<&'static str> {
        self.odd().or(match () {
            () if self.row_security => Some("has row-level security, which hides or refuses rows"),
            () if self.triggers => Some("has triggers, which would run with every row"),
            () if self.constraints => Some("has constraints that the server does not make"),
            () if self.other_columns => Some("has other columns than the server makes"),
            () => None,
        })
    }

    /// Whether querying it for a row executes nothing and touches only itself.
    pub fn harmless(&self) -> bool {
        self.odd().is_none() && !self.row_security && self.readable
    }
}

/// The relations of a database and its search path.
#[derive(Debug, Clone)]
pub(super) struct Relations {
    path: Vec<String>,
    found: Vec<Relation>,
    place: String,
}

impl Relations {
    /// Reads the relations. `path` are the existing schemas of the search path, in order.
    pub async fn load(connection: &mut PgConnection, path: &[String], place: &str) -> sqlx::Result<Self> {
        let rows = sqlx::query(LIST).bind(path).fetch_all(connection).await?;
        let found = rows.iter().map(Relation::of).collect::<sqlx::Result<_>>()?;
        Ok(Relations { path: path.to_vec(), found, place: place.to_string() })
    }

    /// The schema in which a server would create tables.
    ///
    /// Errors: usage if the search path names no schema that exists.
    pub fn home(&self) -> Result<&str> {
        self.path.first().map(String::as_str).ok_or_else(|| {
            Error::usage("the search path of the connection names no schema that exists")
                .with("database", &*self.place)
                .help("create the schema, or correct the options of the store in the configuration")
        })
    }

    fn on_path(&self, name: &str) -> Vec<&Relation> {
        let mut found: Vec<&Relation> =
            self.found.iter().filter(|found| found.name == name && found.place.is_some()).collect();
        found.sort_by_key(|found| found.place);
        found
    }

    /// The plain table that a server uses under this name; `None` if there is none.
    ///
    /// Errors: refused if a server would not use it, or not as a plain table.
    pub fn table(&self, name: &str) -> Result<Option<&Relation>> {
        let found = self.on_path(name);
        let Some(first) = found.first() else { return Ok(None) };
        self.check_schemas(&[name])?;
        match first.odd() {
            Some(why) => Err(self
                .refused("what should be a table of the server is none")
                .because(format!("{} {why}", first.qualified()))
                .help(
                    "look at who made it; only plain tables are read or written, as the server makes them",
                )),
            None => Ok(Some(first)),
        }
    }

    /// Checks that all of these names lead to the one schema in which the server creates its tables.
    ///
    /// Errors: refused, naming the schemas.
    pub fn check_schemas(&self, names: &[&str]) -> Result<()> {
        let found: Vec<Vec<&Relation>> = names.iter().map(|name| self.on_path(name)).collect();
        let help = "name the one schema of the installation as search_path in the options of the store \
                    (-c search_path=…), for the server as well";
        let twice: Vec<String> = found
            .iter()
            .filter(|same| same.len() > 1)
            .map(|same| same.iter().map(|one| one.qualified()).collect::<Vec<_>>().join(" and "))
            .collect();
        if !twice.is_empty() {
            return Err(self
                .refused("tables of the server are in more than one schema of the search path")
                .with("tables", twice.join(", "))
                .help(help));
        }
        let home = self.path.first().map(String::as_str).unwrap_or_default();
        let elsewhere: Vec<&Relation> =
            found.iter().filter_map(|same| same.first().copied()).filter(|one| one.schema != home).collect();
        if let Some(one) = elsewhere.first() {
            let there: Vec<String> = elsewhere.iter().map(|one| one.qualified()).collect();
            return Err(self
                .refused(format!(
                    "tables of the server are in schema {}, and it would create and look for them in schema {home}, \
                     which comes first in the search path",
                    one.schema
                ))
                .with("tables", there.join(", "))
                .help(help));
        }
        Ok(())
    }

    fn refused(&self, what: impl Into<String>) -> Error {
        Error::refused(what).with("database", &*self.place).with("search path", self.path.join(", "))
    }

    /// Those of `tables` that do not exist or cannot be read.
    ///
    /// Errors: as [`Relations::table`].
    pub fn unreadable(&self, tables: &[&Table]) -> Result<Vec<Unreadable>> {
        self.check_schemas(&tables.iter().map(|table| table.name).collect::<Vec<_>>())?;
        let mut unreadable = Vec::new();
        for table in tables {
            let Some(found) = self.table(table.name)? else {
                unreadable.push(self.absent(table));
                continue;
            };
            let hidden = |why: &str, help: String| Unreadable {
                table: table.name.to_string(),
                absent: false,
                why: why.to_string(),
                help,
            };
            let (schema, name) = (quoted(&found.schema), found.qualified());
            if !found.readable {
                unreadable.push(hidden(
                    "the privilege to SELECT from the table is missing",
                    format!(
                        "as the owner of the tables, GRANT SELECT ON ALL TABLES IN SCHEMA {schema} to the user of the \
                         configuration"
                    ),
                ));
            } else if found.row_security {
                unreadable.push(hidden(
                    "row-level security hides rows of the table from this user",
                    format!("ALTER TABLE {name} DISABLE ROW LEVEL SECURITY, or use the owner of the table"),
                ));
            }
        }
        Ok(unreadable)
    }

    fn absent(&self, table: &Table) -> Unreadable {
        let elsewhere: Vec<String> = self
            .found
            .iter()
            .filter(|found| found.name == table.name && found.place.is_none() && found.key_column)
            .map(|found| found.schema.clone())
            .collect();
        if elsewhere.is_empty() {
            return Unreadable::absent(table);
        }
        let schemas = elsewhere.join(", ");
        Unreadable {
            why: format!(
                "there is no such table in the search path ({}), but there is one in schema {schemas}",
                self.path.join(", ")
            ),
            help: format!(
                "if the server uses that schema, GRANT USAGE on it and name it in the options of the store \
                 (-c search_path={})",
                elsewhere.first().map(String::as_str).unwrap_or_default()
            ),
            ..Unreadable::absent(table)
        }
    }

    /// Checks that `tables` can be written, and created if they are missing; `create` is whether this user may create
    /// tables in the home schema.
    ///
    /// Errors: refused, naming every obstacle.
    pub fn writable(&self, tables: &[&Table], create: bool) -> Result<()> {
        self.check_schemas(&tables.iter().map(|table| table.name).collect::<Vec<_>>())?;
        let home = self.home()?;
        let (mut odd, mut denied, mut missing) = (Vec::new(), Vec::new(), Vec::new());
        for table in tables {
            match self.on_path(table.name).first() {
                None => missing.push(table.name),
                Some(found) => match found.odd_to_write() {
                    Some(why) => odd.push(format!("{} {why}", found.qualified())),
                    None if !found.writable => denied.push(table.name),
                    None => {}
                },
            }
        }
        if !odd.is_empty() {
            return Err(self
                .refused("what should be tables of the server are none")
                .because(odd.join("; "))
                .help("drop what is not needed, or use another database or schema"));
        }
        let mut problems = Vec::new();
        let mut help = Vec::new();
        if !denied.is_empty() {
            problems.push(format!("SELECT, INSERT and DELETE on {}", denied.join(", ")));
            help.push(format!(
                "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {} to the user of the configuration",
                quoted(home)
            ));
        }
        if !missing.is_empty() && !create {
            problems
                .push(format!("CREATE on schema {home}, in which {} are to be created", missing.join(", ")));
            help.push(format!("GRANT CREATE ON SCHEMA {} to the user of the configuration", quoted(home)));
        }
        if problems.is_empty() {
            Ok(())
        } else {
            Err(self
                .refused("the database cannot be written: a privilege is missing")
                .with("missing", problems.join("; "))
                .help(help.join("; ")))
        }
    }

    /// The relations that are visible along the search path, each name once.
    pub fn visible(&self) -> Vec<&Relation> {
        let mut seen: Vec<&Relation> = self
            .found
            .iter()
            .filter(|found| found.place.is_some() && found.kind != "v")
            .filter(|found| self.on_path(&found.name).first().is_some_and(|first| first.oid == found.oid))
            .collect();
        seen.sort_by(|one, other| one.name.cmp(&other.name));
        seen
    }

    /// Whether a visible table has no key column.
    pub fn has_other_columns(&self, name: &str) -> bool {
        self.on_path(name).first().is_some_and(|found| !found.key_column)
    }
}

impl Relation {
    /// Whether its rows are its own and stored in this database.
    pub fn keeps_rows(&self) -> bool {
        matches!(self.kind.as_str(), "r" | "m")
    }

    /// Its name without schema.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// A query of the columns of this table, as `SELECT k, v FROM …`.
    pub fn select(&self, value: ValueKind) -> String {
        let columns = if value == ValueKind::None { "k" } else { "k, v" };
        format!("SELECT {columns} FROM {}", self.qualified())
    }
}

/// Prevents changes to the definitions of `relations` until the transaction ends.
pub(super) async fn hold(connection: &mut PgConnection, relations: &[&Relation]) -> sqlx::Result<()> {
    if relations.is_empty() {
        return Ok(());
    }
    let names: Vec<String> = relations.iter().map(|relation| relation.qualified()).collect();
    let lock = format!("LOCK TABLE {} IN ACCESS SHARE MODE", names.join(", "));
    sqlx::raw_sql(AssertSqlSafe(lock)).execute(connection).await.map(|_| ())
}
