//! The end of a transaction, and its repetition.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::{State, Transaction, Work};
use crate::atomic;
use crate::code::Code;
use crate::faults::Operation;
use crate::future::{Future, Value};
use crate::limits;
use crate::network::NETWORK;
use crate::settings;
use crate::store::{Request, Store};

/// How long the real client waits before it takes a newer version.
const VERSION_DELAY: Duration = Duration::from_millis(10);

impl Transaction {
    pub(crate) fn commit(&self) -> Arc<Future> {
        {
            let state = self.state();
            if state.refusal().is_none() && state.work.mutations.is_empty() && state.work.writes.is_empty() {
                // The store is not needed, so that this succeeds even where none answers.
                drop(state);
                return self.answer(|state| {
                    state.work.committing = true;
                    state.stamp(Err(Code::NO_COMMIT_VERSION));
                    Ok(Value::Nothing)
                });
            }
        }
        self.submit(Operation::Commit, |state, store| {
            state.work.committing = true;
            let committed = state.commit(store);
            state.stamp(committed.map(|version| Value::Key(atomic::stamp(version).to_vec())));
            committed.map(|_| Value::Nothing)
        })
    }

    /// The version of the commit; -1 if it had nothing to write.
    pub(crate) fn committed_version(&self) -> i64 {
        self.state().work.committed.unwrap_or(-1)
    }

    /// Completed by the commit.
    pub(crate) fn get_versionstamp(&self) -> Arc<Future> {
        let future = Future::new();
        let mut state = self.state();
        match state.refusal() {
            Some(code) => NETWORK.deliver(&future, Instant::now(), Err(code)),
            None => state.stamps.push(Arc::clone(&future)),
        }
        state.track(&Arc::downgrade(&future));
        future
    }

    /// Waits and starts anew if the error is one that may pass, and fails with it otherwise.
    pub(crate) fn on_error(&self, code: Code) -> Arc<Future> {
        let future = Future::new();
        let mut state = self.state();
        let refused = match state.ended() {
            Some(ended) => Some(ended),
            None if !code.is_retryable() => Some(code),
            None => state.options.lasting.retry_limit.filter(|limit| state.retries >= *limit).map(|_| code),
        };
        if let Some(code) = refused {
            NETWORK.deliver(&future, Instant::now(), Err(code));
            return future;
        }
        let longest = state.options.lasting.max_retry_delay;
        let delay = match code {
            Code::TOO_OLD | Code::FUTURE_VERSION => VERSION_DELAY.min(longest),
            _ => {
                let delay = state.delay.min(longest);
                state.delay = (state.delay * 2).min(longest);
                delay
            }
        };
        state.retries += 1;
        state.end_pending();
        let lasting = state.options.lasting.clone();
        state.options = self.database.defaults();
        state.options.lasting = lasting;
        state.work = Work::default();
        state.track(&Arc::downgrade(&future));
        NETWORK.deliver(&future, Instant::now() + delay, Ok(Value::Nothing));
        future
    }
}

impl State {
    /// What the transaction would send to commit. Ranges it has read count as well.
    pub(super) fn size(&self) -> usize {
        let ranges = self.work.reads.iter();
        let reads: usize = ranges.map(|span| span.begin.len() + span.end.len() + limits::RANGE).sum();
        self.work.size + reads
    }

    fn commit(&mut self, store: &Store) -> Result<i64, Code> {
        if self.size() > self.options.size_limit {
            return Err(Code::TOO_LARGE);
        }
        let strike = settings::get().ok().and_then(|settings| settings.faults.strike(Operation::Commit));
        if let Some(strike) = strike.filter(|strike| !strike.applied) {
            return Err(strike.code);
        }
        let version = store.commit(Request {
            read_version: self.work.read_version,
            reads: &self.work.reads,
            writes: std::mem::take(&mut self.work.writes),
            mutations: &self.work.mutations,
            lock_aware: self.options.lock_aware,
            causal_write_risky: self.options.causal_write_risky,
        })?;
        match strike {
            Some(strike) => Err(strike.code),
            None => {
                self.work.committed = Some(version);
                Ok(version)
            }
        }
    }

    /// Completes the futures that wait for a versionstamp.
    fn stamp(&mut self, result: Result<Value, Code>) {
        let stamp = match result {
            Ok(Value::Key(stamp)) => Ok(stamp),
            Ok(_) => Err(Code::NO_COMMIT_VERSION),
            Err(code) => Err(code),
        };
        for future in std::mem::take(&mut self.stamps) {
            NETWORK.deliver(&future, Instant::now(), stamp.clone().map(Value::Key));
        }
    }
}
