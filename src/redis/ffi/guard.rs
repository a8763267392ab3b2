//! No panic crosses into the server: it would take the whole server down.

use std::panic::{self, AssertUnwindSafe, PanicHookInfo};

use crate::redis::ffi::log::{Level, log};

/// Runs `work`; a panic in it becomes `None`, after the hook has logged where it came from.
///
/// What the panicking code was about to change may be half done in the module's own memory, which is why locks there
/// are taken regardless of poison; the server's data is only ever changed by single calls.
pub(in crate::redis) fn guard<T>(work: impl FnOnce() -> T) -> Option<T> {
    panic::catch_unwind(AssertUnwindSafe(work)).ok()
}

/// Logs a panic's place through the server, and not its message: that could hold what a client sent.
pub(in crate::redis) fn log_panics() {
    panic::set_hook(Box::new(|panic: &PanicHookInfo<'_>| {
        let place = panic.location().map_or_else(String::new, |at| format!(" at {}:{}", at.file(), at.line()));
        log(Level::Warning, &format!("a defect of the module was contained{place}; please report it"));
    }));
}

/// Gives the hook back before the module's code is unmapped.
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
