//! Lowers the priority of threads, so that they do not take the cores from the server's thread.

use std::fs;

/// The niceness of such a thread relative to the server. On a shared core it gets about a tenth of the time. With 5, a
/// flood of slow signatures still slows down other clients much; with 19, a single signature may wait for many
/// milliseconds on a busy machine.
const STEPS: i32 = 10;

/// Lowers the priority of the calling thread until its end, if that is possible and safe.
///
/// Only for Linux, where niceness belongs to a thread and not to the process.
pub fn lower() {
    if fs::read_to_string("/proc/thread-self/status").is_ok_and(|status| no_filter(&status)) {
        // If the system refuses, the thread works at the server's priority.
        let _ = rustix::process::nice(STEPS);
    }
}

/// Whether the process has no system call filter. A filter may kill the process for a forbidden call; Debian's units
/// of Redis and Valkey do so for this call (`SystemCallFilter=~@resources`). A process cannot ask what a filter
/// forbids.
fn no_filter(status: &str) -> bool {
    status.lines().any(|line| line.strip_prefix("Seccomp:").is_some_and(|mode| mode.trim() == "0"))
}

#[cfg(test)]
mod tests {
    use super::no_filter;

    #[test]
    fn priority_stays_under_a_system_call_filter() {
        assert!(no_filter("Name:\tjrs-crypto\nSeccomp:\t0\nSeccomp_filters:\t0\n"));
        for status in ["Seccomp:\t2\nSeccomp_filters:\t0\n", "Seccomp:\t1\n", "Seccomp_filters:\t0\n", "Seccomp:\n", ""]
        {
            assert!(!no_filter(status), "{status}");
        }
    }
}
