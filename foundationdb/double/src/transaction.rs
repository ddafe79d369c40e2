//! Transactions: their state, and when an operation is refused.
//!
//! Operations are carried out when they are called; futures only deliver the results. `read` contains the
//! operations that read, `write` those that change keys, `commit` the end of a transaction and its repetition.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

mod commit;
mod read;
mod write;

pub(crate) use read::Query;

use crate::code::Code;
use crate::database::{Database, Place};
use crate::faults::Operation;
use crate::future::{Future, Value};
use crate::mutation::Mutation;
use crate::network::NETWORK;
use crate::options::{Options, Setting};
use crate::overlay::Overlay;
use crate::settings;
use crate::store::Store;
use crate::store::log::Span;

/// The first wait of `on_error`; each further one is twice as long.
const FIRST_DELAY: Duration = Duration::from_millis(10);

/// A transaction handle.
pub(crate) struct Transaction {
    database: Arc<Database>,
    state: Mutex<State>,
}

struct State {
    options: Options,
    /// When the time of the timeout option began: with the transaction or its last reset, not with a retry.
    since: Instant,
    retries: u64,
    delay: Duration,
    cancelled: bool,
    work: Work,
    /// Futures that a cancellation or a timeout ends.
    pending: Vec<Weak<Future>>,
    /// Futures that the commit completes.
    stamps: Vec<Arc<Future>>,
}

/// What a retry starts anew.
#[derive(Default)]
struct Work {
    read_version: Option<i64>,
    own: Overlay,
    mutations: Vec<Mutation>,
    reads: Vec<Span>,
    writes: Vec<Span>,
    size: usize,
    /// It has read, so that some options come too late.
    has_read: bool,
    /// The error of a call that returns none: every later operation fails with it.
    deferred: Option<Code>,
    committing: bool,
    committed: Option<i64>,
}

impl Transaction {
    pub(crate) fn new(database: &Arc<Database>) -> Arc<Self> {
        let state = State {
            options: database.defaults(),
            since: Instant::now(),
            retries: 0,
            delay: FIRST_DELAY,
            cancelled: false,
            work: Work::default(),
            pending: Vec::new(),
            stamps: Vec::new(),
        };
        Arc::new(Self { database: Arc::clone(database), state: Mutex::new(state) })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Code under the lock does not panic, except where memory ends, which ends the process.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn set_option(&self, code: u32, parameter: &[u8]) -> Result<(), Code> {
        let setting = Setting::of_transaction(code, parameter)?;
        let mut state = self.state();
        let state = &mut *state;
        let late = state.work.has_read || !state.work.mutations.is_empty();
        let result = if setting.hides_own_writes() && late {
            Err(Code::INVALID_OPERATION)
        } else {
            state.options.set(setting)
        };
        if let Err(code) = result {
            state.defer(code);
        }
        if setting.is_timeout() {
            let pending = std::mem::take(&mut state.pending);
            for future in pending {
                state.track(&future);
            }
        }
        Ok(())
    }

    pub(crate) fn set_read_version(&self, version: i64) {
        let mut state = self.state();
        if version <= 0 {
            state.defer(Code::VERSION_INVALID);
        } else if state.work.read_version.is_some() {
            state.defer(Code::READ_VERSION_SET);
        } else {
            state.work.read_version = Some(version);
        }
    }

    /// Every pending and later operation fails, until a reset.
    pub(crate) fn cancel(&self) {
        let mut state = self.state();
        state.cancelled = true;
        state.end_pending();
    }

    /// Starts anew, as if just created.
    pub(crate) fn reset(&self) {
        let options = self.database.defaults();
        let mut state = self.state();
        state.end_pending();
        state.options = options;
        state.since = Instant::now();
        state.retries = 0;
        state.delay = FIRST_DELAY;
        state.cancelled = false;
        state.work = Work::default();
    }

    /// The handle is gone; what is pending is cancelled.
    pub(crate) fn destroy(&self) {
        self.state().end_pending();
    }

    /// Carries out an operation of the store, unless it is refused, and has its result delivered.
    fn operate(
        &self,
        operation: Operation,
        work: impl FnOnce(&mut State, &Store) -> Result<Value, Code>,
    ) -> Arc<Future> {
        self.submit(operation, |state, store| {
            // A commit decides itself what an injected error means.
            match settings::get().ok().and_then(|settings| settings.faults.strike(operation)) {
                Some(strike) => Err(strike.code),
                None => work(state, store),
            }
        })
    }

    fn submit(
        &self,
        operation: Operation,
        work: impl FnOnce(&mut State, &Store) -> Result<Value, Code>,
    ) -> Arc<Future> {
        let future = Future::new();
        let latency = settings::get().map_or(Duration::ZERO, |settings| settings.latency(operation));
        let mut state = self.state();
        let result = match (state.refusal(), &self.database.place) {
            (Some(code), _) => Some(Err(code)),
            (None, Place::Failed(code)) => Some(Err(*code)),
            (None, Place::Unreachable) => None,
            (None, Place::Store(store)) => Some(work(&mut state, store)),
        };
        let now = Instant::now();
        // First, so that it is ended before a result arrives that is due later.
        state.track(&Arc::downgrade(&future));
        if let Some(result) = result {
            NETWORK.deliver(&future, now + latency, result);
        }
        future
    }

    /// A future with a result that needs no store.
    fn answer(&self, work: impl FnOnce(&mut State) -> Result<Value, Code>) -> Arc<Future> {
        let future = Future::new();
        let mut state = self.state();
        let result = match state.refusal() {
            Some(code) => Err(code),
            None => work(&mut state),
        };
        state.track(&Arc::downgrade(&future));
        NETWORK.deliver(&future, Instant::now(), result);
        future
    }
}

impl State {
    fn deadline(&self) -> Option<Instant> {
        self.options.lasting.timeout.and_then(|timeout| self.since.checked_add(timeout))
    }

    fn ended(&self) -> Option<Code> {
        if self.cancelled {
            return Some(Code::TRANSACTION_CANCELLED);
        }
        self.deadline().filter(|deadline| *deadline <= Instant::now()).map(|_| Code::TIMED_OUT)
    }

    /// Why no operation may begin now.
    fn refusal(&self) -> Option<Code> {
        let committing = self.work.committing.then_some(Code::USED_DURING_COMMIT);
        self.ended().or(self.work.deferred).or(committing)
    }

    fn defer(&mut self, code: Code) {
        self.work.deferred = self.work.deferred.or(Some(code));
    }

    /// Remembers a future, which a cancellation ends, and the timeout if there is one.
    fn track(&mut self, future: &Weak<Future>) {
        if let Some(deadline) = self.deadline() {
            NETWORK.end(future, deadline, Code::TIMED_OUT);
        }
        if self.pending.len() >= 64 {
            self.pending.retain(|future| future.upgrade().is_some_and(|future| !future.is_ready()));
        }
        self.pending.push(Weak::clone(future));
    }

    fn end_pending(&mut self) {
        let now = Instant::now();
        for future in std::mem::take(&mut self.pending).iter().filter_map(Weak::upgrade) {
            NETWORK.deliver(&future, now, Err(Code::TRANSACTION_CANCELLED));
        }
        self.stamps.clear();
    }

    /// The version that the transaction reads, which is taken by its first read.
    fn version(&mut self, store: &Store) -> Result<i64, Code> {
        if let Some(version) = self.work.read_version {
            return Ok(version);
        }
        let version = store.read_version(self.options.read_lock_aware)?;
        self.work.read_version = Some(version);
        Ok(version)
    }
}
