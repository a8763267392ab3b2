//! Catches panics. A panic that reached the server would crash it.

use std::panic::{self, AssertUnwindSafe, Location, PanicHookInfo};

use crate::redis::ffi::log::{Level, log};

/// Runs `work`. Returns `None` after a panic, which the hook has logged.
///
/// The module's own memory may be half changed then; locks are taken regardless of poison. The server's data is not:
/// each change is one call.
pub(in crate::redis) fn guard<T>(work: impl FnOnce() -> T) -> Option<T> {
    panic::catch_unwind(AssertUnwindSafe(work)).ok()
}

/// Logs where panics happen. Their messages are left out, because they may hold input of a client.
///
/// `line` writes the log line for a place.
pub(in crate::redis) fn log_panics(line: impl Fn(Option<&Location<'_>>) -> String + Send + Sync + 'static) {
    panic::set_hook(Box::new(move |panic: &PanicHookInfo<'_>| log(Level::Warning, &line(panic.location()))));
}

/// Restores the former hook before the server unmaps the module's code.
pub(in crate::redis) fn stop_logging_panics() {
    drop(panic::take_hook());
}

#[cfg(test)]
mod tests {
    use super::guard;

    #[test]
    fn a_panic_ends_here() {
        assert_eq!(guard(|| 7), Some(7));
        assert_eq!(guard(|| -> i32 { panic!("contained") }), None);
    }
}
