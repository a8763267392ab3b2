//! A server that is stopped for a while (SIGSTOP): its connections stay open, and it replies to nothing.

use rustix::process::{Pid, Signal, kill_process};

use crate::support::{Server, await_that};

/// A server that is stopped until this is dropped.
pub(crate) struct Frozen {
    process: Pid,
}

impl Frozen {
    /// Stops a server and waits until it is stopped.
    pub(crate) fn new(server: &Server) -> Frozen {
        let process = Pid::from_child(&server.child);
        kill_process(process, Signal::STOP).expect("the server runs");
        let status = format!("/proc/{}/stat", server.child.id());
        await_that("a stopped server", || {
            let status = std::fs::read_to_string(&status).expect("the server has not ended");
            // The state follows the program's name, which is in parentheses.
            status.rsplit(')').next().expect("the last part").trim_start().starts_with('T').then_some(())
        });
        Frozen { process }
    }
}

impl Drop for Frozen {
    fn drop(&mut self) {
        // An error means that the server has ended.
        let _ = kill_process(self.process, Signal::CONT);
    }
}
