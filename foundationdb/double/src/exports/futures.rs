//! Functions of futures.

use std::ffi::{c_char, c_int, c_void};
use std::ptr;
use std::sync::Arc;
use std::time::Instant;

use super::{code, counted, destroyed, object};
use crate::code::Code;
use crate::future::{CallbackFunction, Future, Key, KeyValue, Value, length};
use crate::network::NETWORK;

fn cancel(future: &Arc<Future>) {
    // On the network thread, like every completion, so that a callback never runs on the stack of this call.
    if !future.is_ready() {
        NETWORK.deliver(future, Instant::now(), Err(Code::OPERATION_CANCELLED));
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn fdb_future_cancel(f: *mut Future) {
    // SAFETY: see the documentation of `exports`.
    cancel(&unsafe { counted(f) });
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn fdb_future_release_memory(f: *mut Future) {
    // SAFETY: see the documentation of `exports`.
    unsafe { object(f) }.release();
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn fdb_future_destroy(f: *mut Future) {
    // SAFETY: see the documentation of `exports`.
    if let Some(future) = unsafe { destroyed(f) } {
        cancel(&future);
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn fdb_future_block_until_ready(f: *mut Future) -> c_int {
    // SAFETY: see the documentation of `exports`.
    let future = unsafe { object(f) };
    if !future.is_ready() && NETWORK.is_this_thread() {
        return Code::ON_NETWORK_THREAD.0;
    }
    future.wait();
    0
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn fdb_future_is_ready(f: *mut Future) -> c_int {
    // SAFETY: see the documentation of `exports`.
    c_int::from(unsafe { object(f) }.is_ready())
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn fdb_future_set_callback(
    f: *mut Future,
    callback: Option<CallbackFunction>,
    callback_parameter: *mut c_void,
) -> c_int {
    let Some(callback) = callback else { return Code::INVALID_OPERATION.0 };
    // SAFETY: see the documentation of `exports`.
    unsafe { counted(f) }.set_callback(callback, callback_parameter);
    0
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn fdb_future_get_error(f: *mut Future) -> c_int {
    // SAFETY: see the documentation of `exports`.
    unsafe { object(f) }.error()
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn fdb_future_get_int64(f: *mut Future, out: *mut i64) -> c_int {
    // SAFETY: see the documentation of `exports`.
    unsafe { object(f) }.get(|value| {
        let Value::Number(number) = value else { return None };
        // SAFETY: `out` may be written to.
        unsafe { ptr::write(out, *number) };
        Some(())
    })
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn fdb_future_get_key(
    f: *mut Future,
    out_key: *mut *const u8,
    out_key_length: *mut c_int,
) -> c_int {
    // SAFETY: see the documentation of `exports`.
    unsafe { object(f) }.get(|value| {
        let Value::Key(key) = value else { return None };
        // SAFETY: the results may be written to; the key stays where it is as long as the future has it.
        unsafe {
            ptr::write(out_key, key.as_ptr());
            ptr::write(out_key_length, length(key));
        }
        Some(())
    })
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn fdb_future_get_value(
    f: *mut Future,
    out_present: *mut c_int,
    out_value: *mut *const u8,
    out_value_length: *mut c_int,
) -> c_int {
    // SAFETY: see the documentation of `exports`.
    unsafe { object(f) }.get(|value| {
        let Value::Optional(found) = value else { return None };
        // SAFETY: as for a key.
        unsafe {
            ptr::write(out_present, c_int::from(found.is_some()));
            if let Some(found) = found {
                ptr::write(out_value, found.as_ptr());
                ptr::write(out_value_length, length(found));
            }
        }
        Some(())
    })
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn fdb_future_get_keyvalue_array(
    f: *mut Future,
    out_kv: *mut *const KeyValue,
    out_count: *mut c_int,
    out_more: *mut c_int,
) -> c_int {
    // SAFETY: see the documentation of `exports`.
    unsafe { object(f) }.get(|value| {
        let Value::Rows(rows) = value else { return None };
        let count = c_int::try_from(rows.rows.len()).ok()?;
        // SAFETY: as for a key.
        unsafe {
            ptr::write(out_kv, rows.rows.as_ptr());
            ptr::write(out_count, count);
            ptr::write(out_more, c_int::from(rows.more));
        }
        Some(())
    })
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn fdb_future_get_mappedkeyvalue_array(
    f: *mut Future,
    _out_kv: *mut *const c_void,
    _out_count: *mut c_int,
    _out_more: *mut c_int,
) -> c_int {
    // SAFETY: see the documentation of `exports`. No future has such a value: this returns the error that it has.
    unsafe { object(f) }.get(|_| None)
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn fdb_future_get_key_array(
    f: *mut Future,
    out_key_array: *mut *const Key,
    out_count: *mut c_int,
) -> c_int {
    // SAFETY: see the documentation of `exports`.
    unsafe { object(f) }.get(|value| {
        let Value::Keys(keys) = value else { return None };
        let count = c_int::try_from(keys.keys.len()).ok()?;
        // SAFETY: as for a key.
        unsafe {
            ptr::write(out_key_array, keys.keys.as_ptr());
            ptr::write(out_count, count);
        }
        Some(())
    })
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn fdb_future_get_string_array(
    f: *mut Future,
    out_strings: *mut *const *const c_char,
    out_count: *mut c_int,
) -> c_int {
    // SAFETY: see the documentation of `exports`.
    unsafe { object(f) }.get(|value| {
        let Value::Texts(texts) = value else { return None };
        let count = c_int::try_from(texts.pointers.len()).ok()?;
        // SAFETY: as for a key.
        unsafe {
            ptr::write(out_strings, texts.pointers.as_ptr());
            ptr::write(out_count, count);
        }
        Some(())
    })
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn fdb_add_network_thread_completion_hook(
    hook: Option<unsafe extern "C" fn(*mut c_void)>,
    hook_parameter: *mut c_void,
) -> c_int {
    let Some(hook) = hook else { return Code::INVALID_OPERATION.0 };
    code(NETWORK.is_set_up().map(|()| NETWORK.add_hook(hook, hook_parameter)))
}
