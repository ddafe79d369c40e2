//! Mutexes whose data stays usable: after a panic of one thread the others end in order instead of panicking too.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// Locks a mutex, also after a panic of the thread that held it.
pub fn lock<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The value of a mutex that is no longer shared.
pub fn into_inner<T>(mutex: Mutex<T>) -> T {
    mutex.into_inner().unwrap_or_else(PoisonError::into_inner)
}

/// Waits until `changed` is notified; spurious returns are possible, so callers wait in a loop.
pub fn wait<'a, T>(changed: &Condvar, guard: MutexGuard<'a, T>) -> MutexGuard<'a, T> {
    changed.wait(guard).unwrap_or_else(PoisonError::into_inner)
}
