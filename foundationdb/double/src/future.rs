//! Futures: a result that arrives later, on the network thread.
//!
//! A callback runs on the network thread, or at once on the caller's thread if the future is ready when the
//! callback is set, as `fdb_future_set_callback` is documented. What a getter returns belongs to the
//! future and stays where it is until the future is destroyed or its memory is released.

use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use crate::code::Code;

/// A value that others may keep while the store changes.
pub(crate) type Bytes = Arc<[u8]>;

/// What an operation returned.
pub(crate) enum Value {
    /// It has no result.
    Nothing,
    /// A version or a size.
    Number(i64),
    /// A key, or another text that is always there.
    Key(Vec<u8>),
    /// The value of a key, if it has one.
    Optional(Option<Bytes>),
    /// A batch of a range.
    Rows(Rows),
    /// Keys where a range may be split.
    Keys(Keys),
    /// Addresses of servers.
    Texts(Texts),
}

/// `FDBKeyValue`: the C API packs it to four bytes.
#[repr(C, packed(4))]
pub(crate) struct KeyValue {
    key: *const u8,
    key_length: c_int,
    value: *const u8,
    value_length: c_int,
}

/// `FDBKey`, packed likewise.
#[repr(C, packed(4))]
pub(crate) struct Key {
    key: *const u8,
    key_length: c_int,
}

/// The rows of a batch, as the C API hands them out.
pub(crate) struct Rows {
    /// What the pointers of `rows` lead to; never changed.
    _bytes: Vec<u8>,
    pub(crate) rows: Vec<KeyValue>,
    pub(crate) more: bool,
}

/// Keys, as the C API hands them out.
pub(crate) struct Keys {
    _bytes: Vec<u8>,
    pub(crate) keys: Vec<Key>,
}

/// Texts, as the C API hands them out.
pub(crate) struct Texts {
    _texts: Vec<CString>,
    pub(crate) pointers: Vec<*const c_char>,
}

// SAFETY: the pointers lead to memory that the same value owns and that no other code changes.
unsafe impl Send for Rows {}
// SAFETY: as above.
unsafe impl Send for Keys {}
// SAFETY: as above.
unsafe impl Send for Texts {}

impl Rows {
    pub(crate) fn new(found: &[(Vec<u8>, Bytes)], more: bool) -> Self {
        let mut bytes = Vec::with_capacity(found.iter().map(|(key, value)| key.len() + value.len()).sum());
        for (key, value) in found {
            bytes.extend_from_slice(key);
            bytes.extend_from_slice(value);
        }
        let mut rows = Vec::with_capacity(found.len());
        let mut rest = bytes.as_slice();
        for (key, value) in found {
            let (key, behind) = rest.split_at(key.len());
            let (value, behind) = behind.split_at(value.len());
            rest = behind;
            rows.push(KeyValue {
                key: key.as_ptr(),
                key_length: length(key),
                value: value.as_ptr(),
                value_length: length(value),
            });
        }
        // Moving a Vec does not move its bytes.
        Self { _bytes: bytes, rows, more }
    }
}

impl Keys {
    pub(crate) fn new(found: &[Vec<u8>]) -> Self {
        let bytes = found.concat();
        let mut rest = bytes.as_slice();
        let mut keys = Vec::with_capacity(found.len());
        for key in found {
            let (key, behind) = rest.split_at(key.len());
            rest = behind;
            keys.push(Key { key: key.as_ptr(), key_length: length(key) });
        }
        Self { _bytes: bytes, keys }
    }
}

impl Texts {
    pub(crate) fn new(texts: &[&CStr]) -> Self {
        let texts: Vec<CString> = texts.iter().map(|text| (*text).to_owned()).collect();
        let pointers = texts.iter().map(|text| text.as_ptr()).collect();
        Self { _texts: texts, pointers }
    }
}

/// Lengths are bounded by the limits of keys and values, far below the largest `int`.
pub(crate) fn length(bytes: &[u8]) -> c_int {
    c_int::try_from(bytes.len()).unwrap_or(c_int::MAX)
}

/// The type of a callback; the first argument is the handle of the future.
pub(crate) type CallbackFunction = unsafe extern "C" fn(*mut c_void, *mut c_void);

struct Callback {
    function: CallbackFunction,
    parameter: *mut c_void,
}

// SAFETY: by the C API, a callback may run on another thread, with the parameter it was set with.
unsafe impl Send for Callback {}

#[derive(Default)]
struct State {
    result: Option<Result<Value, Code>>,
    released: bool,
    callbacks: Vec<Callback>,
}

/// A result that may not have arrived yet. The handle of the C API is a counted pointer to it.
#[derive(Default)]
pub(crate) struct Future {
    state: Mutex<State>,
    ready: Condvar,
}

impl Future {
    pub(crate) fn new() -> Arc<Self> {
        Arc::default()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Every change of the state is a single assignment, so a panic elsewhere leaves it whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sets the result and calls the callbacks, on this thread. The first result counts, later ones are ignored:
    /// a timeout, a cancellation and the operation itself may all complete a future.
    pub(crate) fn complete(self: &Arc<Self>, result: Result<Value, Code>) {
        let callbacks = {
            let mut state = self.lock();
            if state.result.is_some() {
                return;
            }
            state.result = Some(result);
            std::mem::take(&mut state.callbacks)
        };
        self.ready.notify_all();
        for callback in callbacks {
            // SAFETY: by the C API, a callback may be called once with the parameter it was set with. The handle is
            // valid for the call, because `self` is a counted pointer.
            unsafe { (callback.function)(Arc::as_ptr(self).cast_mut().cast(), callback.parameter) };
        }
    }

    pub(crate) fn is_ready(&self) -> bool {
        self.lock().result.is_some()
    }

    pub(crate) fn wait(&self) {
        let state = self.lock();
        let waited = self.ready.wait_while(state, |state| state.result.is_none());
        drop(waited.unwrap_or_else(PoisonError::into_inner));
    }

    /// Has the callback called later on the network thread, or calls it now if the result is there.
    pub(crate) fn set_callback(self: &Arc<Self>, function: CallbackFunction, parameter: *mut c_void) {
        {
            let mut state = self.lock();
            if state.result.is_none() {
                state.callbacks.push(Callback { function, parameter });
                return;
            }
        }
        // SAFETY: as in `complete`.
        unsafe { function(Arc::as_ptr(self).cast_mut().cast(), parameter) };
    }

    pub(crate) fn error(&self) -> c_int {
        match &self.lock().result {
            None => Code::FUTURE_NOT_SET.0,
            Some(Ok(_)) => 0,
            Some(Err(code)) => code.0,
        }
    }

    /// Frees the result; getters return an error from now on.
    pub(crate) fn release(&self) {
        let mut state = self.lock();
        if let Some(Ok(value)) = &mut state.result {
            *value = Value::Nothing;
            state.released = true;
        }
    }

    /// Passes the value to `get`, which answers `None` if the future has a value of another kind.
    pub(crate) fn get(&self, get: impl FnOnce(&Value) -> Option<()>) -> c_int {
        let state = self.lock();
        match &state.result {
            None => Code::FUTURE_NOT_SET.0,
            Some(Err(code)) => code.0,
            Some(Ok(_)) if state.released => Code::FUTURE_RELEASED.0,
            Some(Ok(value)) => get(value).map_or(Code::INVALID_OPERATION.0, |()| 0),
        }
    }
}
