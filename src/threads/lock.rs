//! Takes the module's locks.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Takes a lock also after a panic in a thread that held it. The panic was caught and logged; refusing every later
/// command would be worse than a half-done change.
pub fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
