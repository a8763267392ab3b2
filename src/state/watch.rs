//! Finds out that key files or the realms file changed, by their stamps.

use std::time::{Duration, Instant};

use super::files::{FilesRead, Stamp};

/// How long changed files must stay the same before they are read: a program may still be writing them.
const SETTLED: Duration = Duration::from_secs(1);

/// How long changed files are waited for at most: one that a program replaces all the time is read then as it is.
const LONGEST_WAIT: Duration = Duration::from_secs(10);

/// What `keys-reload-interval` compares the files with.
#[derive(Debug)]
pub struct Watch {
    /// The files of the last attempt to read them, and those of the active keys and realms.
    files: FilesRead,
    /// When the files were last compared.
    compared: Option<Instant>,
    changing: Option<Changing>,
}

/// Files that changed and are not read yet.
#[derive(Debug)]
struct Changing {
    stamps: Vec<Option<Stamp>>,
    /// Since when the stamps are the same.
    since: Instant,
    /// When the first change was seen.
    began: Instant,
}

/// A change that is to be read now.
#[derive(Debug)]
pub struct Change {
    /// The name of a file that changed.
    pub file: String,
    /// Whether it is read although it may change while it is read.
    pub is_overdue: bool,
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

    /// Compares the files, if `interval` has passed since the last time. The change if a file changed, and then all stayed
    /// the same for a second or have changed for ten: now is the time to read the files.
    pub fn changed(&mut self, interval: Duration, now: Instant) -> Option<Change> {
        let since = |then: Instant| now.saturating_duration_since(then);
        match &self.changing {
            Some(changing) if since(changing.since) < SETTLED => return None,
            None if self.compared.is_some_and(|then| since(then) < interval) => return None,
            _ => {}
        }
        self.compared = Some(now);
        let stamps = self.files.stamps();
        let changed = self.files.changed(&stamps).map(str::to_owned);
        let Some(file) = changed.or_else(|| self.files.changed_silently().map(str::to_owned)) else {
            self.changing = None;
            return None;
        };
        if let Some(earlier) = &self.changing {
            let is_overdue = earlier.stamps != stamps;
            if !is_overdue || since(earlier.began) >= LONGEST_WAIT {
                return Some(Change { file, is_overdue });
            }
        }
        self.wait_for(stamps, now);
        None
    }

    /// Waits again until the files stay the same.
    pub fn wait(&mut self, now: Instant) {
        self.wait_for(self.files.stamps(), now);
    }

    fn wait_for(&mut self, stamps: Vec<Option<Stamp>>, now: Instant) {
        let began = self.changing.as_ref().map_or(now, |changing| changing.began);
        self.changing = Some(Changing { stamps, since: now, began });
    }
}
