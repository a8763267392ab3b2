//! How every lock of the module is taken.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Takes a lock whether or not somebody panicked with it in hand: the panic was contained and logged, and to refuse all
/// that comes after would be worse than what it may have left half done.
pub fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
