//! Reads the files of the active keys and realms again: for JRS.RELOAD, and when they changed.

use std::time::{Duration, Instant};

use super::{
    STATE, activation::activate, files::FilesRead, key_sources::KeySources, read_sources, wall_clock, watch::Change,
};
use crate::{
    metrics::COUNTERS,
    redis::{Level, log},
    session::UnixMillis,
    settings::Settings,
    threads::lock,
};

/// The last reload.
#[derive(Clone, Copy, Debug)]
pub struct LastReload {
    /// When it was. `None` before the first one.
    pub time: Option<UnixMillis>,
    /// Whether it succeeded.
    pub is_ok: bool,
}

impl LastReload {
    /// Before the first reload.
    pub const NONE: Self = Self { time: None, is_ok: true };
}

/// Reads the key and realm files again. On an error, the active keys and realms are kept.
pub fn reload() -> Result<(), String> {
    let settings = lock(&STATE.settings).clone();
    let sources = read_sources(&settings);
    finish(settings, sources)
}

/// Reloads if a file changed and `keys-reload-interval` is not 0. The server's timer calls this.
pub fn reload_if_changed() {
    let interval = Duration::from_secs(u64::try_from(lock(&STATE.settings).keys_reload_interval).unwrap_or(0));
    if interval.is_zero() {
        return;
    }
    let changed = lock(&STATE.watch).changed(interval, Instant::now());
    let Some(Change { file, is_overdue }) = changed else { return };
    let settings = lock(&STATE.settings).clone();
    let sources = read_sources(&settings);
    let files = sources.as_ref().map_or_else(|(_, files)| files, |sources| &sources.files);
    if !is_overdue && files.changed(&files.stamps()).is_some() {
        // A file changed while the files were read.
        lock(&STATE.watch).wait(Instant::now());
        return;
    }
    match finish(settings, sources) {
        Ok(()) => log(Level::Notice, &format!("reloaded the keys and realms, because '{file}' changed")),
        Err(problem) => log(
            Level::Warning,
            &format!("'{file}' changed, but the reload failed, keeping the active keys and realms: {problem}"),
        ),
    }
}

/// Makes the content of the files active, and records the outcome for INFO and for the next comparison of the files.
fn finish(settings: Settings, sources: Result<KeySources, (String, FilesRead)>) -> Result<(), String> {
    let outcome = sources.and_then(|sources| {
        let files = sources.files.clone();
        match activate(settings, sources) {
            Ok(()) => Ok(files),
            Err(problem) => Err((problem, files)),
        }
    });
    *lock(&STATE.last_reload) = LastReload { time: Some(wall_clock()), is_ok: outcome.is_ok() };
    let (files, result) = match outcome {
        Ok(files) => {
            COUNTERS.reloads.count();
            (files, Ok(()))
        }
        Err((problem, mut files)) => {
            COUNTERS.reloads_failed.count();
            // A change of any of these files may mend it.
            if let Some(active) = &*lock(&STATE.active) {
                files.look_at_all(&active.key_sources.files);
            }
            (files, Err(problem))
        }
    };
    lock(&STATE.watch).reset(files, Instant::now());
    result
}

/// The last reload, for INFO.
pub fn last_reload() -> LastReload {
    *lock(&STATE.last_reload)
}
