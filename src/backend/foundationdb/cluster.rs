//! A connected cluster: the client library, its network thread, transactions to read with, and retries.
//!
//! The library is loaded and its network started once in a process, when a configuration first names FoundationDB. The
//! network is stopped when the process exits, before the library's own destructors run. Futures of the library are
//! driven by the thread that needs their results, which looks at the stop request meanwhile.

use std::future::Future;
use std::pin::pin;
use std::sync::{Arc, Mutex, OnceLock};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::Thread;
use std::time::{Duration, Instant};

use foundationdb::api::{FdbApiBuilder, NetworkAutoStop};
use foundationdb::options::{DatabaseOption, StreamingMode, TransactionOption};
use foundationdb::{Database, FdbError, FdbResult, RangeOption, Transaction};

use super::identity::{ClusterIdentity, cluster_file};
use super::{is_passing, translate};
use crate::backend::ReadVersions;
use crate::base::error::{Error, Result};
use crate::base::stop::{LOOK, Stop};
use crate::base::sync::lock;
use crate::settings::FoundationDbSettings;

/// Limit for the first answer of a cluster.
const FIRST_ANSWER: Duration = Duration::from_secs(8);
/// How long a read version is used: a little less than the cluster allows.
const FRESH: Duration = Duration::from_secs(4);
/// Shortest and longest wait before something is tried again.
const WAITS: [Duration; 2] = [Duration::from_millis(10), Duration::from_secs(1)];
/// How long to try without success.
const PATIENCE: Duration = Duration::from_secs(60);
/// Tenants by name, up to the first key after them.
const TENANTS: [&[u8]; 2] = [b"\xff/tenant/map/", b"\xff/tenant/map0"];
/// Whether tenants may, or must, be used.
const TENANT_MODE: &[u8] = b"\xff/conf/tenant_mode";
/// The mode in which only keys of tenants can be used.
const TENANTS_ONLY: &[u8] = b"2";

/// The network thread, until the process exits.
static NETWORK: OnceLock<std::result::Result<Mutex<Option<NetworkAutoStop>>, FdbError>> = OnceLock::new();

/// A cluster that has answered.
pub(super) struct Cluster {
    database: Database,
    place: String,
    snapshot: Mutex<Option<Arc<ReadAt>>>,
    versions: Mutex<Option<ReadVersions>>,
}

/// A transaction that only reads, at one version.
pub(super) struct ReadAt {
    /// The transaction.
    pub transaction: Transaction,
    begun: Instant,
}

impl Cluster {
    /// Connects to the cluster of the settings.
    ///
    /// Errors: usage without a client library or a cluster file, I/O if the cluster does not answer, refused if it is
    /// locked or divided into tenants.
    pub fn open(settings: &FoundationDbSettings) -> Result<Arc<Cluster>> {
        let (path, place) = (cluster_file(settings), settings.location());
        ClusterIdentity::read(settings)?;
        network(&place)?;
        let Some(name) = path.to_str() else {
            return Err(Error::usage(
                "the path of the cluster file is no text that the client library takes",
            )
            .with("path", path.display().to_string())
            .help("move the cluster file to another path"));
        };
        let open = || -> FdbResult<Database> {
            let database = Database::from_path(name)?;
            let milliseconds = |time: Duration| i32::try_from(time.as_millis()).unwrap_or(i32::MAX);
            if let Some(timeout) = settings.transaction_timeout {
                database.set_option(DatabaseOption::TransactionTimeout(milliseconds(timeout)))?;
            }
            if let Some(limit) = settings.retry_limit {
                database.set_option(DatabaseOption::TransactionRetryLimit(limit))?;
            }
            if let Some(delay) = settings.max_retry_delay {
                database.set_option(DatabaseOption::TransactionMaxRetryDelay(milliseconds(delay)))?;
            }
            if let Some(id) = &settings.machine_id {
                database.set_option(DatabaseOption::MachineId(id.clone()))?;
            }
            if let Some(id) = &settings.datacenter_id {
                database.set_option(DatabaseOption::DatacenterId(id.clone()))?;
            }
            Ok(database)
        };
        let database = open().map_err(|error| translate(error, "open the cluster", &place))?;
        let cluster = Cluster { database, place, snapshot: Mutex::default(), versions: Mutex::default() };
        cluster.first_answer(&path.display().to_string())?;
        Ok(Arc::new(cluster))
    }

    fn first_answer(&self, path: &str) -> Result<()> {
        let (begin, mut waits) = (Instant::now(), Waits::new());
        loop {
            let left = FIRST_ANSWER.saturating_sub(begin.elapsed());
            match drive(self.has_tenants(), Some(left))? {
                Some(Ok(false)) => return Ok(()),
                Some(Ok(true)) => {
                    return Err(Error::refused(
                        "the cluster is divided into tenants, which the server does not use",
                    )
                    .with("cluster", self.place.clone())
                    .help("check that the cluster file is the one of the server"));
                }
                Some(Err(error)) if is_passing(error) && !left.is_zero() => drop(waits.again()?),
                Some(Err(error)) => return Err(self.fail(error, "connect")),
                None => break,
            }
        }
        Err(Error::io("the cluster of FoundationDB cannot be reached")
            .with("cluster", self.place.clone())
            .with("cluster file", path)
            .because(format!("no answer within {} seconds", FIRST_ANSWER.as_secs()))
            .help(
                "check that the cluster runs (`fdbcli --exec status` with this cluster file), that the network leads \
                 to it, and that the client library has the version of the cluster",
            ))
    }

    /// Whether there are tenants, or no keys beside them.
    async fn has_tenants(&self) -> FdbResult<bool> {
        let transaction = self.database.create_trx()?;
        transaction.set_option(TransactionOption::ReadSystemKeys)?;
        let [begin, end] = TENANTS;
        let first =
            RangeOption { limit: Some(1), mode: StreamingMode::Exact, ..RangeOption::from((begin, end)) };
        let (tenants, mode) = (transaction.get_range(&first, 1, true), transaction.get(TENANT_MODE, true));
        let mode = mode.await?;
        Ok(!tenants.await?.is_empty() || mode.is_some_and(|mode| *mode == *TENANTS_ONLY))
    }

    /// The error of a failed operation.
    pub fn fail(&self, error: FdbError, doing: &str) -> Error {
        translate(error, doing, &self.place)
    }

    /// A transaction to write with.
    pub fn transaction(&self) -> FdbResult<Transaction> {
        self.database.create_trx()
    }

    /// The transaction that reads at the current version, or a new one if that is too old.
    pub async fn now(&self) -> FdbResult<Arc<ReadAt>> {
        if let Some(current) = lock(&self.snapshot).clone().filter(|current| current.begun.elapsed() < FRESH)
        {
            return Ok(current);
        }
        let transaction = self.database.create_trx()?;
        transaction.set_option(TransactionOption::ReadYourWritesDisable)?;
        let begun = Instant::now();
        let version = u64::try_from(transaction.get_read_version().await?).unwrap_or_default();
        let now = Arc::new(ReadAt { transaction, begun });
        {
            let mut versions = lock(&self.versions);
            let known = versions.unwrap_or(ReadVersions { first: version, last: version });
            *versions = Some(ReadVersions { first: known.first.min(version), last: known.last.max(version) });
        }
        *lock(&self.snapshot) = Some(Arc::clone(&now));
        Ok(now)
    }

    /// Gives up a transaction that has failed. Returns whether it was the current one.
    pub fn give_up(&self, failed: &Arc<ReadAt>) -> bool {
        let mut snapshot = lock(&self.snapshot);
        let current = snapshot.as_ref().is_some_and(|current| Arc::ptr_eq(current, failed));
        if current {
            *snapshot = None;
        }
        current
    }

    /// Makes the next read see what was committed until then.
    pub fn renew(&self) {
        *lock(&self.snapshot) = None;
    }

    /// The first and the last version that was read.
    pub fn versions(&self) -> Option<ReadVersions> {
        *lock(&self.versions)
    }

    /// Reads, again after an error that may pass.
    ///
    /// Errors: those of the cluster, and interrupted.
    pub fn read<T>(&self, doing: &str, work: impl AsyncFn(&Transaction) -> FdbResult<T>) -> Result<T> {
        let mut waits = Waits::new();
        loop {
            let tried = async {
                let now = self.now().await?;
                let done = work(&now.transaction).await;
                if done.is_err() {
                    self.give_up(&now);
                }
                done
            };
            match drive(tried, None)? {
                Some(Err(error)) if is_passing(error) && waits.again()? => {}
                Some(done) => return done.map_err(|error| self.fail(error, doing)),
                None => {}
            }
        }
    }
}

/// The waits between tries, each twice as long as the one before.
pub(super) struct Waits {
    next: Duration,
    since: Option<Instant>,
}

impl Waits {
    pub fn new() -> Waits {
        Waits { next: WAITS[0], since: None }
    }

    /// Waits after a failure. Returns false if nothing has succeeded for too long.
    ///
    /// Errors: interrupted.
    pub fn again(&mut self) -> Result<bool> {
        if self.since.get_or_insert_with(Instant::now).elapsed() > PATIENCE {
            return Ok(false);
        }
        Stop::of_process().sleep(self.next)?;
        self.next = (self.next * 2).min(WAITS[1]);
        Ok(true)
    }

    /// Something has succeeded.
    pub fn succeeded(&mut self) {
        *self = Waits::new();
    }
}

/// Wakes the thread that drives a future.
struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// Runs a future to its end in this thread; `None` if it has not ended within `limit`.
///
/// Errors: interrupted.
pub(super) fn drive<T>(future: impl Future<Output = T>, limit: Option<Duration>) -> Result<Option<T>> {
    let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
    let mut context = Context::from_waker(&waker);
    let mut future = pin!(future);
    let begin = Instant::now();
    loop {
        if let Poll::Ready(done) = future.as_mut().poll(&mut context) {
            return Ok(Some(done));
        }
        Stop::of_process().check()?;
        let left = limit.map_or(LOOK, |limit| limit.saturating_sub(begin.elapsed()));
        if left.is_zero() {
            return Ok(None);
        }
        std::thread::park_timeout(left.min(LOOK));
    }
}

/// Loads the client library and starts its network thread, unless that was done.
fn network(place: &str) -> Result<()> {
    fdb_client::load().map_err(|error| {
        Error::usage("FoundationDB cannot be used without its client library")
            .with("cluster", place)
            .because(error.to_string())
    })?;
    let booted = NETWORK.get_or_init(|| {
        // SAFETY: `stop_network` stops it before the process exits, in whatever way that is not an abort.
        let network = unsafe { FdbApiBuilder::default().build()?.boot()? };
        // SAFETY: the function takes nothing and does not unwind. It runs before the destructors of the library, which
        // was loaded before. If it cannot be registered, the process ends with the network running.
        unsafe { libc::atexit(stop_network) };
        Ok(Mutex::new(Some(network)))
    });
    booted.as_ref().map(|_| ()).map_err(|error| translate(*error, "start the client library", place))
}

extern "C" fn stop_network() {
    if let Some(Ok(network)) = NETWORK.get() {
        drop(lock(network).take());
    }
}
