//! Finds out that key files or the realms file changed, by their stamps.

use std::time::{Duration, Instant};

use super::files::{FilesRead, Stamp};

/// How long changed files must stay the same before they are read: a program may still be writing them.
const SETTLED: Duration = Duration::from_secs(1);

/// What `keys-reload-interval` compares the files with.
#[derive(Debug)]
pub struct Watch {
    /// The files of the last attempt to read them, and those of the active keys and realms.
    files: FilesRead,
    /// When the files were last compared.
    compared: Option<Instant>,
    /// The stamps of changed files, and since when they are the same.
    changing: Option<(Vec<Option<Stamp>>, Instant)>,
}

impl Watch {
    /// Watches no file yet.
    pub const fn new() -> Self {
        Self { files: FilesRead::new(), compared: None, changing: None }
    }

    /// Begins again with these files.
    pub fn reset(&mut self, files: FilesRead, now: Instant) {
        *self = Self { files, compared: Some(now), changing: None };
    }

    /// Takes a file, which the server itself has written, as it is now.
    pub fn look_at_again(&mut self, path: &str, now: Instant) {
        self.files.look_at_again(path);
        if self.changing.is_some() {
            self.wait(now);
        }
    }

    /// Stops watching a file.
    pub fn forget(&mut self, path: &str) {
        self.files.forget(path);
        self.changing = None;
    }

    /// Compares the files, if `interval` has passed since the last time. The name of a file that changed and then
    /// stayed the same for a second: now is the time to read the files.
    pub fn changed(&mut self, interval: Duration, now: Instant) -> Option<String> {
        let since = |then: Instant| now.saturating_duration_since(then);
        match &self.changing {
            Some((_, first_seen)) if since(*first_seen) < SETTLED => return None,
            None if self.compared.is_some_and(|then| since(then) < interval) => return None,
            _ => {}
        }
        self.compared = Some(now);
        let stamps = self.files.stamps();
        let changed = self.files.changed(&stamps).map(str::to_owned);
        let Some(changed) = changed.or_else(|| self.files.changed_silently().map(str::to_owned)) else {
            self.changing = None;
            return None;
        };
        if self.changing.as_ref().is_some_and(|(earlier, _)| *earlier == stamps) {
            return Some(changed);
        }
        self.changing = Some((stamps, now));
        None
    }

    /// Waits again until the files stay the same.
    pub fn wait(&mut self, now: Instant) {
        self.changing = Some((self.files.stamps(), now));
    }
}
