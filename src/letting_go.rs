//! A thread that frees what takes long to free, so that the server's own thread need not.

use std::{
    sync::mpsc::{Sender, channel},
    thread::{self, JoinHandle},
};

use crate::priority;

/// A thread that drops what it is given, at a lower priority than the server's own. It is started by the first thing, and
/// has to be [stopped](Self::stop) before the module's code is unmapped.
#[derive(Debug)]
pub struct LettingGo<T>(Option<(Sender<T>, JoinHandle<()>)>);

impl<T: Send + 'static> LettingGo<T> {
    /// Without a thread.
    pub const fn new() -> Self {
        Self(None)
    }

    /// Has a thing dropped, here and now if no thread can be started.
    pub fn take(&mut self, thing: T) {
        if self.0.is_none() {
            let (things, queue) = channel();
            let work = move || {
                priority::lower();
                queue.into_iter().for_each(drop::<T>);
            };
            let thread = thread::Builder::new().name("jrs-letting-go".to_owned()).spawn(work);
            self.0 = thread.ok().map(|thread| (things, thread));
        }
        if let Some((things, _)) = &self.0 {
            // The thread lives until `stop`; if it did not, the thing would be dropped here.
            let _ = things.send(thing);
        }
    }

    /// Returns when all is dropped and the thread has ended.
    pub fn stop(&mut self) {
        if let Some((things, thread)) = self.0.take() {
            drop(things);
            // A thread that panicked is as gone as one that returned.
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::LettingGo;

    #[test]
    fn all_is_dropped_when_it_has_stopped() {
        let mut letting_go = LettingGo::new();
        for _ in 0..2 {
            let thing = Arc::new(());
            for _ in 0..10 {
                letting_go.take(Arc::clone(&thing));
            }
            letting_go.stop();
            assert_eq!(Arc::strong_count(&thing), 1);
        }
        letting_go.stop();
    }
}
