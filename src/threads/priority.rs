//! The priority of threads that must not take the cores from the server's own thread.

use std::fs;

/// How many steps of niceness such a thread is behind the server: where both want the same core, it gets a tenth of it.
/// With 5 steps a flood of slow signatures still takes much from other clients; with 19 a single signature may wait for
/// many milliseconds on a machine that is busy with something else.
const STEPS: i32 = 10;

/// Lowers the priority of the calling thread until its end, where that is possible and safe.
///
/// On Linux alone niceness is a thread's own and not its process's; only there is this file.
pub fn lower() {
    if fs::read_to_string("/proc/thread-self/status").is_ok_and(|status| no_filter(&status)) {
        // Where it is refused, the work is done all the same, at the server's own priority.
        let _ = rustix::process::nice(STEPS);
    }
}

/// Whether no filter of system calls is in force. One may end the whole process for a call that it forbids, and does so
/// for this call in Debian's units of Redis and Valkey (`SystemCallFilter=~@resources`); what a filter forbids cannot be
/// asked.
fn no_filter(status: &str) -> bool {
    status.lines().any(|line| line.strip_prefix("Seccomp:").is_some_and(|mode| mode.trim() == "0"))
}

#[cfg(test)]
mod tests {
    use super::no_filter;

    #[test]
    fn a_filter_or_no_word_of_it_is_a_reason_not_to_ask() {
        assert!(no_filter("Name:\tjrs-crypto\nSeccomp:\t0\nSeccomp_filters:\t0\n"));
        for status in ["Seccomp:\t2\nSeccomp_filters:\t0\n", "Seccomp:\t1\n", "Seccomp_filters:\t0\n", "Seccomp:\n", ""]
        {
            assert!(!no_filter(status), "{status}");
        }
    }
}
