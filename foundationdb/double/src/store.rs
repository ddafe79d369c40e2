//! The store of a cluster: keys with the versions of their values, kept in a log beside the cluster file.
//!
//! Every process holds all of it in memory and reads what others have appended before it gives a version to a
//! reader and before it commits. Versions grow with the clock, never fall, and are the same for all processes:
//! none is below one that the file has on record as given or committed.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

mod conflicts;
pub(crate) mod log;

use crate::atomic;
use crate::code::Code;
use crate::future::Bytes;
use crate::mutation::Mutation;
use crate::overlay::Overlay;
use crate::settings;
use conflicts::Commits;
use log::{Change, Entry, Log, Span};

/// For how many versions a transaction may read and commit.
pub(crate) const LIFE: i64 = 5_000_000;

/// The values of a key, oldest first, each from a version on; `None` where it was cleared.
pub(crate) type Versions = Vec<(i64, Option<Bytes>)>;

/// All keys.
pub(crate) type Keys = BTreeMap<Vec<u8>, Versions>;

/// The keys as they were at a version.
#[derive(Clone, Copy)]
pub(crate) struct Snapshot<'a> {
    pub(crate) keys: &'a Keys,
    pub(crate) version: i64,
}

impl<'a> Snapshot<'a> {
    pub(crate) fn get(self, key: &[u8]) -> Option<&'a Bytes> {
        at(self.keys.get(key)?, self.version)
    }
}

/// The value at a version.
pub(crate) fn at(versions: &Versions, version: i64) -> Option<&Bytes> {
    versions.iter().rev().find(|(from, _)| *from <= version)?.1.as_ref()
}

/// What is to be committed.
pub(crate) struct Request<'a> {
    /// The version that it has read, if it has read.
    pub(crate) read_version: Option<i64>,
    pub(crate) reads: &'a [Span],
    pub(crate) writes: Vec<Span>,
    pub(crate) mutations: &'a [Mutation],
    /// The lock of the database is ignored.
    pub(crate) lock_aware: bool,
    /// Nothing ensures that a repeated commit conflicts with the first.
    pub(crate) causal_write_risky: bool,
}

/// A store of this process.
pub(crate) struct Store {
    locked: PathBuf,
    content: Mutex<Content>,
}

struct Content {
    log: Log,
    keys: Keys,
    /// Which keys have values that will be too old to be read, and when.
    history: VecDeque<(i64, Vec<u8>)>,
    commits: Commits,
    /// The version of the last commit.
    last: i64,
    /// Up to here all commits are known.
    known: i64,
    /// How far other processes were found to be ahead of the clock of this one.
    ahead: i64,
}

impl Store {
    /// The store of a cluster file. Within a process there is one for each file.
    pub(crate) fn open(cluster_file: &Path) -> Result<Arc<Self>, Code> {
        static OPEN: OnceLock<Mutex<HashMap<PathBuf, Weak<Store>>>> = OnceLock::new();
        let file = cluster_file.canonicalize().map_err(|_| Code::IO_ERROR)?;
        // Only whole entries are inserted.
        let mut open = OPEN.get_or_init(Mutex::default).lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(store) = open.get(&file).and_then(Weak::upgrade) {
            return Ok(store);
        }
        let beside = |suffix: &str| {
            let mut path = file.clone().into_os_string();
            path.push(suffix);
            PathBuf::from(path)
        };
        let content = Content {
            log: Log::open(&beside(".store"))?,
            keys: Keys::new(),
            history: VecDeque::new(),
            commits: Commits::default(),
            last: 0,
            known: 0,
            ahead: 0,
        };
        let store = Arc::new(Self { locked: beside(".locked"), content: Mutex::new(content) });
        open.insert(file, Arc::downgrade(&store));
        Ok(store)
    }

    fn content(&self) -> MutexGuard<'_, Content> {
        // Code under the lock does not panic, except where memory ends, which ends the process.
        self.content.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn check_lock(&self, aware: bool) -> Result<(), Code> {
        if !aware && self.locked.exists() { Err(Code::DATABASE_LOCKED) } else { Ok(()) }
    }

    /// A version at which everything is visible that has been committed so far.
    pub(crate) fn read_version(&self, lock_aware: bool) -> Result<i64, Code> {
        self.content().refresh()?;
        // Afterwards: a lock that is set before a version is given counts.
        self.check_lock(lock_aware)?;
        Ok(self.content().known)
    }

    /// Reads the keys as they were at a version.
    pub(crate) fn read<T>(
        &self,
        version: i64,
        read: impl FnOnce(Snapshot<'_>) -> Result<T, Code>,
    ) -> Result<T, Code> {
        let mut content = self.content();
        if version > content.known {
            content.refresh()?;
        }
        let now = content.now();
        if version > now.max(content.known) {
            return Err(Code::FUTURE_VERSION);
        }
        if version < now - LIFE {
            return Err(Code::TOO_OLD);
        }
        read(Snapshot { keys: &content.keys, version })
    }

    /// Commits a transaction and returns its version.
    pub(crate) fn commit(&self, mut request: Request<'_>) -> Result<i64, Code> {
        let mut content = self.content();
        let locked = content.log.lock()?;
        content.catch_up(&locked)?;
        self.check_lock(request.lock_aware)?;
        let now = content.now().max(content.log.issued(&locked)?);
        if let Some(version) = request.read_version {
            // Unless it has given that up, the real client adds a range that every transaction reads, so that one
            // which only writes is too old as well.
            if version < now - LIFE && !(request.causal_write_risky && request.reads.is_empty()) {
                return Err(Code::TOO_OLD);
            }
            if version > now {
                return Err(Code::FUTURE_VERSION);
            }
            if content.commits.conflict(version, request.reads) {
                return Err(Code::NOT_COMMITTED);
            }
        }
        let version = now + 1;
        let changes = content.resolve(request.mutations, version, &mut request.writes)?;
        let entry = Entry { version, changes, writes: conflicts::joined(request.writes) };
        content.log.append(&entry, &locked)?;
        content.apply(entry);
        content.known = version;
        Ok(version)
    }
}

impl Content {
    fn now(&mut self) -> i64 {
        let now = clock() + self.ahead;
        if self.last > now {
            self.ahead += self.last - now;
        }
        now.max(self.last)
    }

    /// Reads all that has been committed, and records the version up to which it is known, for all processes.
    fn refresh(&mut self) -> Result<(), Code> {
        let locked = self.log.lock()?;
        self.catch_up(&locked)?;
        let issued = self.log.issued(&locked)?;
        let now = self.now();
        self.ahead += (issued - now).max(0);
        self.known = now.max(issued);
        self.log.set_issued(self.known, &locked)
    }

    fn catch_up(&mut self, locked: &log::Locked) -> Result<(), Code> {
        let mut entries = Vec::new();
        let result = self.log.catch_up(locked, |entry| entries.push(entry));
        for entry in entries {
            self.apply(entry);
        }
        result
    }

    /// What mutations change, with atomic operations carried out on the values of now.
    fn resolve(
        &self,
        mutations: &[Mutation],
        version: i64,
        writes: &mut Vec<Span>,
    ) -> Result<Vec<Change>, Code> {
        // Only atomic operations have to know what came before them in the same transaction.
        let atomic = mutations.iter().any(|mutation| matches!(mutation, Mutation::Atomic(..)));
        let mut before = Overlay::default();
        let now = Snapshot { keys: &self.keys, version: self.last };
        let mut changes = Vec::with_capacity(mutations.len());
        for mutation in mutations {
            let change = match mutation {
                Mutation::Set(key, value) => Change::Set(key.clone(), Arc::clone(value)),
                Mutation::Clear(span) => Change::Clear(span.clone()),
                Mutation::Atomic(operation, key, parameter) => {
                    let old = before.value(key, now)?;
                    match atomic::apply(*operation, old, parameter) {
                        Some(value) => Change::Set(key.clone(), value),
                        None => Change::Clear(Span::one(key)),
                    }
                }
                Mutation::StampedKey(key, value) => {
                    let key = atomic::stamped(key, version).ok_or(Code::INVALID_OPERATION)?;
                    writes.push(Span::one(&key));
                    Change::Set(key, Arc::clone(value))
                }
                Mutation::StampedValue(key, value) => {
                    let value = atomic::stamped(value, version).ok_or(Code::INVALID_OPERATION)?;
                    Change::Set(key.clone(), value.into())
                }
            };
            if atomic {
                match &change {
                    Change::Set(key, value) => before.set(key, Arc::clone(value)),
                    Change::Clear(span) => before.clear(span),
                }
            }
            changes.push(change);
        }
        Ok(changes)
    }

    fn apply(&mut self, entry: Entry) {
        self.last = self.last.max(entry.version);
        let oldest = self.now() - LIFE;
        // What was before cannot be read: a store that is opened has no history.
        let old = entry.version < oldest;
        for change in entry.changes {
            match change {
                Change::Set(key, value) => {
                    let versions = self.keys.entry(key.clone()).or_default();
                    if old {
                        versions.clear();
                    } else {
                        self.history.push_back((entry.version, key));
                    }
                    versions.push((entry.version, Some(value)));
                }
                Change::Clear(span) if span.is_empty() => {}
                Change::Clear(span) if old => {
                    let cleared: Vec<Vec<u8>> =
                        self.keys.range(span.begin..span.end).map(|(key, _)| key.clone()).collect();
                    for key in cleared {
                        self.keys.remove(&key);
                    }
                }
                Change::Clear(span) => {
                    for (key, versions) in self.keys.range_mut(span.begin..span.end) {
                        if versions.last().is_some_and(|(_, value)| value.is_some()) {
                            versions.push((entry.version, None));
                            self.history.push_back((entry.version, key.clone()));
                        }
                    }
                }
            }
        }
        if !old {
            self.commits.push(entry.version, entry.writes);
        }
        self.commits.forget_before(oldest);
        while self.history.front().is_some_and(|(version, _)| *version < oldest) {
            let Some((_, key)) = self.history.pop_front() else { break };
            let Some(versions) = self.keys.get_mut(&key) else { continue };
            let first = versions.iter().rposition(|(from, _)| *from <= oldest).unwrap_or(0);
            versions.drain(..first);
            if matches!(versions.as_slice(), [(_, None)]) {
                self.keys.remove(&key);
            }
        }
    }
}

/// By how much a test has advanced the clock.
static ADVANCED: AtomicI64 = AtomicI64::new(0);

/// Lets the clock of versions jump ahead.
pub(crate) fn advance(versions: i64) {
    ADVANCED.fetch_add(versions.max(0), Ordering::Relaxed);
}

/// A version that grows with time, from the microseconds of the wall clock at the first call.
fn clock() -> i64 {
    static START: OnceLock<(Instant, i64)> = OnceLock::new();
    let (start, version) = START.get_or_init(|| {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_micros());
        (Instant::now(), i64::try_from(now).unwrap_or(0))
    });
    let rate = settings::get().map_or(1_000_000, |settings| settings.versions_per_second);
    let elapsed = start.elapsed().as_micros().saturating_mul(rate.unsigned_abs().into()) / 1_000_000;
    let elapsed = i64::try_from(elapsed).unwrap_or(i64::MAX / 4);
    version.saturating_add(elapsed).saturating_add(ADVANCED.load(Ordering::Relaxed))
}
