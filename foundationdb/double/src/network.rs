//! The network thread: delivers results when they are due, in order.
//!
//! `fdb_run_network` occupies the thread that calls it until `fdb_stop_network`. Operations are carried out on the
//! caller's thread, at once; only their results travel through here. So the order of effects is that of the calls,
//! as in the real client, while no result arrives on the stack of a caller.

use std::cmp::Ordering;
use std::collections::BinaryHeap;
use std::ffi::{c_int, c_void};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::thread::ThreadId;
use std::time::Instant;

use crate::code::Code;
use crate::future::{Future, Value};
use crate::settings;

/// The network of this process; there is one.
pub(crate) static NETWORK: Network = Network { state: Mutex::new(State::new()), wake: Condvar::new() };

pub(crate) struct Network {
    state: Mutex<State>,
    wake: Condvar,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    NoVersion,
    Selected,
    SetUp,
    Running,
    Ended,
}

struct State {
    stage: Stage,
    stop: bool,
    thread: Option<ThreadId>,
    due: BinaryHeap<Delivery>,
    next: u64,
    hooks: Vec<Hook>,
}

impl State {
    const fn new() -> Self {
        Self {
            stage: Stage::NoVersion,
            stop: false,
            thread: None,
            due: BinaryHeap::new(),
            next: 0,
            hooks: Vec::new(),
        }
    }
}

struct Hook {
    function: unsafe extern "C" fn(*mut c_void),
    parameter: *mut c_void,
}

// SAFETY: by the C API, a hook runs on the network thread, with the parameter it was added with.
unsafe impl Send for Hook {}

enum Target {
    Result(Arc<Future>, Result<Value, Code>),
    /// Ends a future that is still pending; does not keep alive one that is not.
    Ending(Weak<Future>, Code),
}

struct Delivery {
    at: Instant,
    number: u64,
    target: Target,
}

impl Ord for Delivery {
    /// The heap yields the greatest first, which is the one due first.
    fn cmp(&self, other: &Self) -> Ordering {
        (other.at, other.number).cmp(&(self.at, self.number))
    }
}

impl PartialOrd for Delivery {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Delivery {
    fn eq(&self, other: &Self) -> bool {
        self.number == other.number
    }
}

impl Eq for Delivery {}

impl Network {
    fn lock(&self) -> MutexGuard<'_, State> {
        // Callbacks run without the lock, and nothing else can panic while it is held.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// `fdb_select_api_version_impl`: this library speaks version 730 only.
    pub(crate) fn select(&self, runtime: c_int, header: c_int) -> Result<(), Code> {
        let mut state = self.lock();
        if state.stage != Stage::NoVersion {
            return Err(Code::API_VERSION_SET);
        }
        if runtime > header {
            return Err(Code::API_VERSION_INVALID);
        }
        if runtime != crate::API_VERSION || header != crate::API_VERSION {
            return Err(Code::API_VERSION_UNSUPPORTED);
        }
        state.stage = Stage::Selected;
        Ok(())
    }

    /// Whether an option of the network may be set now.
    pub(crate) fn may_set_option(&self) -> Result<(), Code> {
        match self.lock().stage {
            Stage::NoVersion => Err(Code::API_VERSION_UNSET),
            _ => Ok(()),
        }
    }

    pub(crate) fn set_up(&self) -> Result<(), Code> {
        let mut state = self.lock();
        match state.stage {
            Stage::NoVersion => Err(Code::API_VERSION_UNSET),
            Stage::Selected => {
                if let Err(what) = settings::get() {
                    eprintln!("fdb-double: {what}");
                    return Err(Code::INVALID_OPTION_VALUE);
                }
                state.stage = Stage::SetUp;
                Ok(())
            }
            _ => Err(Code::NETWORK_ALREADY_SETUP),
        }
    }

    /// Whether a database may be created.
    pub(crate) fn is_set_up(&self) -> Result<(), Code> {
        match self.lock().stage {
            Stage::NoVersion => Err(Code::API_VERSION_UNSET),
            Stage::Selected => Err(Code::NETWORK_NOT_SETUP),
            _ => Ok(()),
        }
    }

    /// Delivers results on this thread until the network is stopped.
    pub(crate) fn run(&self) -> Result<(), Code> {
        let mut state = self.lock();
        match state.stage {
            Stage::NoVersion => return Err(Code::API_VERSION_UNSET),
            Stage::Selected => return Err(Code::NETWORK_NOT_SETUP),
            Stage::SetUp => {}
            Stage::Running | Stage::Ended => return Err(Code::NETWORK_ONCE),
        }
        state.stage = Stage::Running;
        state.thread = Some(std::thread::current().id());
        while !state.stop {
            let now = Instant::now();
            let wait = state.due.peek().map(|delivery| delivery.at.saturating_duration_since(now));
            state = match wait {
                None => self.wake.wait(state).unwrap_or_else(PoisonError::into_inner),
                Some(wait) if !wait.is_zero() => {
                    self.wake.wait_timeout(state, wait).unwrap_or_else(PoisonError::into_inner).0
                }
                Some(_) => {
                    let delivery = state.due.pop();
                    drop(state);
                    if let Some(delivery) = delivery {
                        complete(delivery.target);
                    }
                    self.lock()
                }
            };
        }
        state.stage = Stage::Ended;
        state.thread = None;
        let hooks = std::mem::take(&mut state.hooks);
        drop(state);
        if let Ok(settings) = settings::get() {
            settings.faults.write_counts();
        }
        for hook in hooks {
            // SAFETY: by the C API, a hook may be called once with the parameter it was added with.
            unsafe { (hook.function)(hook.parameter) };
        }
        Ok(())
    }

    pub(crate) fn stop(&self) -> Result<(), Code> {
        self.is_set_up()?;
        self.lock().stop = true;
        self.wake.notify_all();
        Ok(())
    }

    pub(crate) fn add_hook(&self, function: unsafe extern "C" fn(*mut c_void), parameter: *mut c_void) {
        self.lock().hooks.push(Hook { function, parameter });
    }

    /// Whether this is the network thread, on which no call may wait for a future.
    pub(crate) fn is_this_thread(&self) -> bool {
        self.lock().thread == Some(std::thread::current().id())
    }

    /// Completes the future with this result when it is due.
    pub(crate) fn deliver(&self, future: &Arc<Future>, at: Instant, result: Result<Value, Code>) {
        self.push(at, Target::Result(Arc::clone(future), result));
    }

    /// Completes the future with an error at this time, if it is still pending then.
    pub(crate) fn end(&self, future: &Weak<Future>, at: Instant, code: Code) {
        self.push(at, Target::Ending(Weak::clone(future), code));
    }

    fn push(&self, at: Instant, target: Target) {
        {
            let mut state = self.lock();
            let number = state.next;
            state.next += 1;
            state.due.push(Delivery { at, number, target });
        }
        self.wake.notify_all();
    }
}

fn complete(target: Target) {
    match target {
        Target::Result(future, result) => future.complete(result),
        Target::Ending(future, code) => {
            if let Some(future) = future.upgrade() {
                future.complete(Err(code));
            }
        }
    }
}
