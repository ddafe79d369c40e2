//! From the description of a store to the engine that opens it: the only place that knows every backend by name.
//!
//! Opens for reading, for writing, or around damage, databases and blob stores alike; decides nothing.

use std::path::{Path, PathBuf};

use crate::backend::hold::{Hold, HoldMode};
use crate::backend::identity::{How, Met, Overlap, Spot};
use crate::backend::memory::Memory;
#[cfg(feature = "azure")]
use crate::backend::objects::Azure;
#[cfg(feature = "s3")]
use crate::backend::objects::S3;
use crate::backend::objects::{
    Flow, Fs, ObjectSource, ObjectTarget, Objects, Possible, ShardedSource, ShardedTarget, marker,
};
#[cfg(feature = "rocksdb")]
use crate::backend::rocksdb::RocksSource;
#[cfg(feature = "sqlite")]
use crate::backend::sqlite::SqliteSource;
use crate::backend::{Source, Target, files};
use crate::base::dir::{Dir, absolute};
use crate::base::error::{Error, Result};
use crate::catalog::{self, BackendKind, SchemaVersion, Subspace, Table};
use crate::config::{StoreConfig, StoreKind};
use crate::run::budget::Budget;
use crate::settings::{FsSettings, RocksDbSettings};

/// Requests to a blob service that may be under way at once; each waits for an answer most of the time.
const REQUESTS: usize = 32;

/// Opens a store for reading, whatever is in it; with `salvage`, damage is read around. A database server reads around
/// nothing: what it can read is read as always.
#[cfg_attr(not(any(feature = "rocksdb", feature = "sqlite", feature = "mysql")), allow(unused_variables))]
pub fn source(data: &StoreConfig, budget: &Budget, salvage: bool) -> Result<Box<dyn Source>> {
    match &data.kind {
        #[cfg(feature = "rocksdb")]
        StoreKind::RocksDb(RocksDbSettings { path, .. }) => {
            let open = if salvage { RocksSource::salvage } else { RocksSource::open };
            Ok(Box::new(open(path, budget.engine())?))
        }
        #[cfg(feature = "sqlite")]
        StoreKind::Sqlite { path } => {
            let open = if salvage { SqliteSource::salvage } else { SqliteSource::open };
            Ok(Box::new(open(path, budget.engine(), budget.connections())?))
        }
        #[cfg(feature = "postgres")]
        StoreKind::Postgres(settings) => {
            let source = crate::backend::postgres::PostgresSource::open(settings.clone());
            Ok(Box::new(source.map_err(|error| refused_password(error, data))?))
        }
        #[cfg(feature = "mysql")]
        StoreKind::Mysql(settings) => {
            let source = crate::backend::mysql::MysqlSource::open(settings.clone(), budget.connections());
            Ok(Box::new(source.map_err(|error| refused_password(error, data))?))
        }
        #[cfg(feature = "foundationdb")]
        StoreKind::FoundationDb(settings) => {
            use crate::backend::foundationdb::FoundationDbSource;
            Ok(Box::new(FoundationDbSource::open(settings, budget.engine(), budget.connections())?))
        }
        _ => Err(unsupported(data)),
    }
}

/// Opens or creates a store for writing by the catalog of `version`.
#[cfg_attr(not(feature = "rocksdb"), allow(unused_variables))]
pub fn target(
    data: &StoreConfig,
    version: &'static SchemaVersion,
    budget: &Budget,
) -> Result<Box<dyn Target>> {
    match &data.kind {
        #[cfg(feature = "rocksdb")]
        StoreKind::RocksDb(settings) => {
            use crate::backend::rocksdb::{RocksTarget, RocksTargetOptions};
            let legacy = version.legacy_tables(BackendKind::RocksDb).filter(|legacy| legacy.required);
            let legacy = legacy.map(|legacy| legacy.table.name.to_string()).collect();
            let tables = version.tables(BackendKind::RocksDb).collect();
            let options = RocksTargetOptions { memory: budget.engine(), tables, legacy };
            Ok(Box::new(RocksTarget::open(settings, options)?))
        }
        #[cfg(feature = "sqlite")]
        StoreKind::Sqlite { path } => {
            Ok(Box::new(crate::backend::sqlite::SqliteTarget::open(path, budget.engine())?))
        }
        #[cfg(feature = "postgres")]
        StoreKind::Postgres(settings) => {
            let target = crate::backend::postgres::PostgresTarget::open(settings.clone());
            Ok(Box::new(target.map_err(|error| refused_password(error, data))?))
        }
        #[cfg(feature = "mysql")]
        StoreKind::Mysql(settings) => {
            let target = crate::backend::mysql::MysqlTarget::open(settings.clone());
            Ok(Box::new(target.map_err(|error| refused_password(error, data))?))
        }
        #[cfg(feature = "foundationdb")]
        StoreKind::FoundationDb(settings) => {
            Ok(Box::new(crate::backend::foundationdb::FoundationDbTarget::open(settings, version)?))
        }
        _ => Err(unsupported(data)),
    }
}

/// Says what about a password may be why it is refused, without showing it. The server sends what a file holds to
/// its last byte, so this program does too.
#[cfg(any(feature = "postgres", feature = "mysql"))]
fn refused_password(error: Error, data: &StoreConfig) -> Error {
    let password = match &data.kind {
        StoreKind::Postgres(settings) => settings.password.as_ref(),
        StoreKind::Mysql(settings) => settings.password.as_ref(),
        _ => None,
    };
    let blank = password.is_some_and(|secret| secret.expose() != secret.expose().trim());
    if blank && error.to_string().contains("password") {
        error.help(
            "the password in the configuration begins or ends with a blank or a line break, which is part of it: a \
             file that ends in a line break is taken with it",
        )
    } else {
        error
    }
}

/// A blob store opened for reading, and the table it keeps blobs in.
pub type BlobSource = (Box<dyn Source>, &'static Table);

/// Opens a blob store that is not the data store for reading. `kind` is the engine of the data store, as whose
/// table the blobs appear.
pub fn blob_source(
    store: &StoreConfig,
    subspace: &'static Subspace,
    kind: BackendKind,
    budget: &Budget,
    salvage: bool,
) -> Result<BlobSource> {
    let table = blob_table(subspace, kind)?;
    if let StoreKind::Sharded { stores } = &store.kind {
        let members = stores.iter().map(|member| blob_source(member, subspace, kind, budget, salvage));
        let sharded = ShardedSource::new(kind, table, members.collect::<Result<_>>()?)?;
        return Ok((Box::new(sharded), table));
    }
    if let Some(objects) = objects(store)? {
        let flow = flow(budget);
        let source = ObjectSource::open(objects, table, kind, possible(subspace), flow, salvage)?;
        return Ok((Box::new(source), table));
    }
    let engine = store.kind.backend().ok_or_else(|| unsupported(store))?;
    let source = source(store, budget, salvage)?;
    Ok((source, blob_table(subspace, engine)?))
}

/// Opens a blob store as it is before it is written: what is not there yet is empty.
pub fn blobs_before(
    store: &StoreConfig,
    subspace: &'static Subspace,
    kind: BackendKind,
    budget: &Budget,
) -> Result<BlobSource> {
    let table = blob_table(subspace, kind)?;
    if let StoreKind::Sharded { stores } = &store.kind {
        let members = stores.iter().map(|member| blobs_before(member, subspace, kind, budget));
        let sharded = ShardedSource::new(kind, table, members.collect::<Result<_>>()?)?;
        return Ok((Box::new(sharded), table));
    }
    if exists(store)? && !partially_written(store) {
        blob_source(store, subspace, kind, budget, false)
    } else {
        Ok((Box::new(Memory::new(kind)), table))
    }
}

/// Whether a load has begun a store, not finished it, and left it so damaged that it cannot be opened.
/// Of a store that shares blobs out, whether any is.
pub fn partially_written(store: &StoreConfig) -> bool {
    match &store.kind {
        #[cfg(feature = "rocksdb")]
        StoreKind::RocksDb(RocksDbSettings { path, .. }) => crate::backend::rocksdb::partially_written(path),
        StoreKind::Sharded { stores } => stores.iter().any(partially_written),
        _ => false,
    }
}

/// Removes files of a store that no complete store needs.
pub fn discard_unfinished(store: &StoreConfig) -> Result<()> {
    match &store.kind {
        #[cfg(feature = "rocksdb")]
        StoreKind::RocksDb(RocksDbSettings { path, .. }) if partially_written(store) => {
            crate::backend::rocksdb::discard(path)
        }
        StoreKind::Sharded { stores } => stores.iter().try_for_each(discard_unfinished),
        _ => Ok(()),
    }
}

/// Opens a blob store that is not the data store for writing.
pub fn blob_target(
    store: &StoreConfig,
    subspace: &'static Subspace,
    kind: BackendKind,
    version: &'static SchemaVersion,
    budget: &Budget,
) -> Result<(Box<dyn Target>, &'static Table)> {
    let table = blob_table(subspace, kind)?;
    if let StoreKind::Sharded { stores } = &store.kind {
        let members = stores.iter().map(|member| blob_target(member, subspace, kind, version, budget));
        let sharded = ShardedTarget::new(kind, table, members.collect::<Result<_>>()?)?;
        return Ok((Box::new(sharded), table));
    }
    if let Some(objects) = objects(store)? {
        let target = ObjectTarget::new(objects, table, kind, possible(subspace), flow(budget));
        return Ok((Box::new(target), table));
    }
    let engine = store.kind.backend().ok_or_else(|| unsupported(store))?;
    Ok((target(store, version, budget)?, blob_table(subspace, engine)?))
}

/// The tables blobs go to, one for each database that takes a part of them; services have no limits of their own
/// that a record could exceed.
pub fn blob_tables(store: &StoreConfig, subspace: &'static Subspace) -> Result<Vec<&'static Table>> {
    match &store.kind {
        StoreKind::Sharded { stores } => {
            let tables = stores.iter().map(|member| blob_tables(member, subspace));
            Ok(tables.collect::<Result<Vec<_>>>()?.concat())
        }
        kind => kind.backend().map(|engine| blob_table(subspace, engine)).transpose().map(Vec::from_iter),
    }
}

/// The table of blobs in a data store of this engine.
pub fn blob_table(subspace: &'static Subspace, kind: BackendKind) -> Result<&'static Table> {
    subspace.table(kind).map_err(|why| {
        Error::usage("this store has no place for blobs")
            .with("subspace", subspace.to_string())
            .because(why.to_string())
    })
}

fn flow(budget: &Budget) -> Flow {
    // Pages in flight and what the engine of the data store caches have the rest.
    Flow { requests: REQUESTS, bytes: budget.memory / 4 }
}

/// Whether the server could have made a key.
fn possible(subspace: &'static Subspace) -> Possible {
    std::sync::Arc::new(|key| subspace.layout(key).is_ok())
}

/// The objects of a store that is no database; `None` for a database.
fn objects(store: &StoreConfig) -> Result<Option<Box<dyn Objects>>> {
    match &store.kind {
        StoreKind::Fs(settings) => Ok(Some(Box::new(Fs::new(settings)))),
        #[cfg(feature = "s3")]
        StoreKind::S3(settings) => Ok(Some(Box::new(S3::new(settings)?))),
        #[cfg(feature = "azure")]
        StoreKind::Azure(settings) => Ok(Some(Box::new(Azure::new(settings)?))),
        _ => Ok(None),
    }
}

/// What a store is, by its engine or by the file system.
pub enum Identity {
    /// Files and directories.
    Files(Vec<Spot>),
    /// A database that a session of ours stays in.
    #[cfg(feature = "postgres")]
    Postgres(Box<crate::backend::postgres::PostgresPresence>),
    /// A database that a session of ours stays in.
    #[cfg(feature = "mysql")]
    Mysql(Box<crate::backend::mysql::MysqlPresence>),
    /// A cluster, as its cluster file names it.
    #[cfg(feature = "foundationdb")]
    FoundationDb(crate::backend::foundationdb::ClusterIdentity),
    /// A place at an object service.
    Objects(Box<dyn Objects>),
    /// A store that this build cannot open, or that is made of others.
    Unknown,
}

/// Finds out what a store is; it need not be there yet if it is a file or a directory. Databases are connected to.
///
/// Errors: I/O if it cannot be asked.
pub fn identify(store: &StoreConfig) -> Result<Identity> {
    Ok(match &store.kind {
        StoreKind::RocksDb(RocksDbSettings { path, .. }) => Identity::Files(Spot::rocksdb(path)?),
        StoreKind::Sqlite { path } => Identity::Files(Spot::sqlite(path)?),
        StoreKind::Fs(FsSettings { path, depth }) => Identity::Files(Spot::blobs(path, *depth)?),
        #[cfg(feature = "postgres")]
        StoreKind::Postgres(settings) => {
            Identity::Postgres(Box::new(crate::backend::postgres::PostgresPresence::open(settings.clone())?))
        }
        #[cfg(feature = "mysql")]
        StoreKind::Mysql(settings) => {
            Identity::Mysql(Box::new(crate::backend::mysql::MysqlPresence::open(settings.clone())?))
        }
        #[cfg(feature = "foundationdb")]
        StoreKind::FoundationDb(settings) => {
            Identity::FoundationDb(crate::backend::foundationdb::ClusterIdentity::read(settings)?)
        }
        StoreKind::Sharded { .. } => Identity::Unknown,
        _ => objects(store)?.map_or(Identity::Unknown, Identity::Objects),
    })
}

impl Identity {
    /// What this store and another one have in common. With `write`, an object service is asked by an object that is
    /// written to this store and removed.
    ///
    /// Errors: I/O if that cannot be found out.
    pub fn meets(&self, other: &Identity, write: bool) -> Result<Met> {
        let stated = |how: Option<String>| Met { how: how.map(How::Stated), left: None };
        match (self, other) {
            (Identity::Files(ours), Identity::Files(theirs)) => {
                let how = ours.iter().find_map(|spot| {
                    let overlap = theirs.iter().find_map(|other| spot.overlap(other))?;
                    Some(How::Files(overlap, spot.path().to_path_buf()))
                });
                Ok(Met { how, left: None })
            }
            #[cfg(feature = "postgres")]
            (Identity::Postgres(ours), Identity::Postgres(theirs)) => ours.same(theirs).map(stated),
            #[cfg(feature = "mysql")]
            (Identity::Mysql(ours), Identity::Mysql(theirs)) => ours.same(theirs).map(stated),
            #[cfg(feature = "foundationdb")]
            (Identity::FoundationDb(ours), Identity::FoundationDb(theirs)) => Ok(stated(ours.same(theirs))),
            (Identity::Objects(ours), Identity::Objects(theirs)) if write => {
                let (met, left) =
                    marker::meet(ours.as_ref(), theirs.as_ref(), crate::backend::unlike_any_other())?;
                let how =
                    met.then(|| How::Stated("what is written to the one is seen in the other".to_string()));
                Ok(Met { how, left })
            }
            (Identity::Objects(ours), Identity::Objects(theirs)) => {
                let same = marker::list_the_same(ours.as_ref(), theirs.as_ref())?;
                Ok(stated(same.then(|| "both list the same objects, written at the same times".to_string())))
            }
            _ => Ok(Met::default()),
        }
    }
}

/// Whether a blob store is the data store, under whatever name. What cannot be asked is taken for another store:
/// opening it tells what is wrong.
pub fn is_data_store(store: &StoreConfig, data: &StoreConfig) -> bool {
    if store.same_place(data) {
        return true;
    }
    if store.kind.backend().is_none() || store.kind.backend() != data.kind.backend() {
        return false;
    }
    let (Ok(store), Ok(data)) = (identify(store), identify(data)) else { return false };
    match (&store, &data) {
        // The first of them is the database itself.
        (Identity::Files(one), Identity::Files(other)) => {
            let overlap = one.first().zip(other.first()).and_then(|(one, other)| one.overlap(other));
            overlap == Some(Overlap::Same)
        }
        (one, other) => one.meets(other, false).is_ok_and(|met| met.how.is_some()),
    }
}

/// A store that is held, as [`crate::backend::hold`] says; given up when dropped. Of a target, after the target.
#[derive(Default)]
pub struct HeldStore {
    // By the path that leads to it.
    files: Vec<(PathBuf, Hold)>,
    #[cfg(feature = "postgres")]
    postgres: Vec<crate::backend::postgres::PostgresPresence>,
    #[cfg(feature = "mysql")]
    mysql: Vec<crate::backend::mysql::MysqlPresence>,
}

/// Holds a store, every member of one that shares blobs out. What is not there yet is not held: a target has to be
/// created first.
///
/// Errors: refused if others have it, I/O if a database cannot be reached.
pub fn hold(store: &StoreConfig, mode: HoldMode) -> Result<HeldStore> {
    let mut held = HeldStore::default();
    held.add(store, mode)?;
    Ok(held)
}

impl HeldStore {
    /// Holds another store as well.
    ///
    /// Errors: as [`hold`].
    pub fn add(&mut self, store: &StoreConfig, mode: HoldMode) -> Result<()> {
        if let Some((path, hold)) = in_files(&store.kind) {
            let held = hold(path, mode).map_err(|error| error.with("store", store.location()))?;
            self.files.extend(held.map(|held| (path.clone(), held)));
            return Ok(());
        }
        match &store.kind {
            #[cfg(feature = "postgres")]
            StoreKind::Postgres(settings) => {
                let presence = crate::backend::postgres::PostgresPresence::open(settings.clone())?;
                presence.hold(mode)?;
                self.postgres.push(presence);
            }
            #[cfg(feature = "mysql")]
            StoreKind::Mysql(settings) => {
                let presence = crate::backend::mysql::MysqlPresence::open(settings.clone())?;
                presence.hold(mode)?;
                self.mysql.push(presence);
            }
            #[cfg(feature = "foundationdb")]
            StoreKind::FoundationDb(settings) => {
                let path = crate::backend::foundationdb::cluster_file(settings);
                let held = Hold::file(&path, mode).map_err(|error| error.with("store", store.location()))?;
                self.files.extend(held.map(|held| (path, held)));
            }
            StoreKind::Sharded { stores } => {
                return stores.iter().try_for_each(|member| self.add(member, mode));
            }
            _ => {}
        }
        Ok(())
    }

    /// Holds what could not be held before because it was not there.
    ///
    /// Errors: as [`hold`].
    pub fn add_new(&mut self, store: &StoreConfig, mode: HoldMode) -> Result<()> {
        if let StoreKind::Sharded { stores } = &store.kind {
            return stores.iter().try_for_each(|member| self.add_new(member, mode));
        }
        match in_files(&store.kind) {
            Some((path, _)) if !self.files.iter().any(|(held, _)| held == path) => self.add(store, mode),
            _ => Ok(()),
        }
    }
}

/// How a store in files is held, and its path.
type HoldFiles = fn(&Path, HoldMode) -> Result<Option<Hold>>;

fn in_files(kind: &StoreKind) -> Option<(&PathBuf, HoldFiles)> {
    match kind {
        StoreKind::RocksDb(RocksDbSettings { path, .. }) => Some((path, Hold::rocksdb)),
        StoreKind::Sqlite { path } => Some((path, Hold::sqlite)),
        StoreKind::Fs(FsSettings { path, .. }) => Some((path, Hold::directory)),
        _ => None,
    }
}

/// Whether anything is there that could be opened for reading. An empty or absent place can become a target.
pub fn exists(data: &StoreConfig) -> Result<bool> {
    match &data.kind {
        StoreKind::RocksDb(RocksDbSettings { path, .. }) => match Dir::open(path) {
            Ok(dir) => files::rocks_database(&dir),
            Err(error) => absent(path, error, "directory"),
        },
        #[cfg(feature = "sqlite")]
        StoreKind::Sqlite { path } => crate::backend::sqlite::exists(path),
        StoreKind::Fs(FsSettings { path, .. }) => match std::fs::read_dir(path) {
            Ok(_) => Ok(true),
            Err(error) => absent(path, error, "directory"),
        },
        StoreKind::Sharded { stores } => {
            stores.iter().try_fold(false, |any, member| Ok(exists(member)? || any))
        }
        _ => Ok(true),
    }
}

/// Gives the files of an embedded store to a user, a group or both; a database on a server has none. Only what
/// belongs to the store: nothing that lies beside it, nothing that a link leads to.
///
/// What cannot be given away goes to `failed`, with its path.
pub fn give(
    store: &StoreKind,
    to: (Option<u32>, Option<u32>),
    failed: &mut dyn FnMut(&Path, std::io::Error),
) {
    match store {
        StoreKind::RocksDb(RocksDbSettings { path, .. }) => files::give_rocks(path, to, failed),
        StoreKind::Sqlite { path } => files::give_sqlite(path, to, failed),
        StoreKind::Fs(settings) => {
            let blobs = || catalog::versions().iter().filter_map(|version| version.blobs());
            let possible = |key: &[u8]| blobs().any(|subspace| subspace.layout(key).is_ok());
            Fs::new(settings).give(to, &possible, failed);
        }
        StoreKind::Sharded { stores } => stores.iter().for_each(|member| give(&member.kind, to, failed)),
        _ => {}
    }
}

fn absent(path: &Path, error: std::io::Error, what: &str) -> Result<bool> {
    match error.kind() {
        std::io::ErrorKind::NotFound => Ok(false),
        std::io::ErrorKind::NotADirectory => Err(Error::usage(format!("the target is not a {what}"))
            .with("path", place(path))
            .because(error)
            .help("check the path in the configuration")),
        _ => Err(Error::io("cannot look at the target")
            .with("path", place(path))
            .because(error)
            .help("run as a user who may use it")),
    }
}

fn place(path: &Path) -> String {
    absolute(path).display().to_string()
}

fn unsupported(data: &StoreConfig) -> Error {
    Error::usage("this build cannot use stores of this type")
        .with("store", data.id.clone())
        .with("location", data.location())
        .help("build with the feature of that backend")
}
