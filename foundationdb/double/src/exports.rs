//! The functions that a program calls, with the names and types of `fdb_c.h`.
//!
//! All unsafe code that comes from arguments is here. It relies on what the C API demands of a caller: a handle is
//! one that a function of this library has returned and that has not been destroyed, a pointer to bytes leads to
//! as many of them as its length for the time of the call, and a pointer for a result may be written to.
//! A handle is a counted pointer; destroying it gives back the count of the caller.

mod futures;
mod networking;
mod transactions;

use std::ffi::c_int;
use std::sync::Arc;

use crate::code::Code;

/// The handle of an object.
fn handle<T>(object: Arc<T>) -> *mut T {
    Arc::into_raw(object).cast_mut()
}

/// The object of a handle, without taking the count of the caller.
///
/// # Safety
///
/// `handle` comes from [`handle`], is not destroyed during `'a`, and is not null.
unsafe fn object<'a, T>(handle: *mut T) -> &'a T {
    // SAFETY: the caller has a count, so that the object lives; it is only shared.
    unsafe { &*handle }
}

/// Another count of the object of a handle.
///
/// # Safety
///
/// As for [`object`].
unsafe fn counted<T>(handle: *mut T) -> Arc<T> {
    // SAFETY: the pointer comes from `Arc::into_raw`, and the count added first is the one that is returned.
    unsafe {
        Arc::increment_strong_count(handle);
        Arc::from_raw(handle)
    }
}

/// Takes the count of the caller.
///
/// # Safety
///
/// As for [`object`]; the caller does not use the handle again.
unsafe fn destroyed<T>(handle: *mut T) -> Option<Arc<T>> {
    // SAFETY: the pointer comes from `Arc::into_raw`, whose count no other code gives back.
    (!handle.is_null()).then(|| unsafe { Arc::from_raw(handle.cast_const()) })
}

/// The bytes of an argument. Null, or a negative length, is no bytes.
///
/// # Safety
///
/// A pointer that is not null leads to `length` bytes that does not change during `'a`.
unsafe fn bytes<'a>(pointer: *const u8, length: c_int) -> &'a [u8] {
    match usize::try_from(length) {
        // SAFETY: the caller ensures it, and the pointer is not null.
        Ok(length) if length > 0 && !pointer.is_null() => unsafe {
            std::slice::from_raw_parts(pointer, length)
        },
        _ => &[],
    }
}

/// The error code of a result.
fn code<T>(result: Result<T, Code>) -> c_int {
    match result {
        Ok(_) => 0,
        Err(code) => code.0,
    }
}
