//! Reads keys and realms from the files that the settings name, or from the generated key file.

use std::{path::Path, sync::Arc};

use super::{
    files::FilesRead,
    generated_key::{self, GeneratedKey},
};
use crate::{
    redis::{Level, log},
    session::DataKeys,
    settings::{RealmSpec, Settings, parse_realms_file},
    token::{KeyDefaults, KeyRing, read_data_keys, read_keys},
};

/// The content of the key files and of the realms file.
#[derive(Clone, Debug)]
pub struct KeySources {
    /// The keys of the default realm. Empty on a server that must not generate a key.
    pub keys: Arc<KeyRing>,
    /// Whether `keys` is empty because the server's generated key is [retired](generated_key::retire).
    pub has_retired_key: bool,
    /// The data keys of the default realm.
    pub data_keys: Option<Arc<DataKeys>>,
    /// The other realms, each with its keys and data keys.
    pub realms: Vec<(RealmSpec, Arc<KeyRing>, Option<Arc<DataKeys>>)>,
    /// The files that were read.
    pub files: FilesRead,
}

impl KeySources {
    /// Reads all files that the settings name. Without `keys-file` it reads the generated key, if `generated_key`
    /// allows one.
    ///
    /// # Errors
    /// A sentence with the file's name and the problem; never key material. Also the files that were read until then.
    pub fn read(settings: &Settings, generated_key: GeneratedKey) -> Result<Self, (String, FilesRead)> {
        let mut files = FilesRead::new();
        match Self::read_files(settings, generated_key, &mut files) {
            Ok(sources) => Ok(Self { files, ..sources }),
            Err(problem) => Err((problem, files)),
        }
    }

    /// As [`read`](Self::read), without the list of the files. Each file that the settings name is read by
    /// [`FilesRead::read`], so that `keys-reload-interval` watches it.
    fn read_files(settings: &Settings, generated_key: GeneratedKey, files: &mut FilesRead) -> Result<Self, String> {
        let mut has_retired_key = false;
        let keys = if !settings.keys_file.is_empty() {
            read(files, &settings.keys_file, key_defaults(settings))?
        } else {
            match generated_key {
                GeneratedKey::Never => KeyRing::default(),
                GeneratedKey::Make => {
                    has_retired_key = !generated_key::make_if_missing()?;
                    if has_retired_key {
                        files.look_at(generated_key::FILE);
                        KeyRing::default()
                    } else {
                        read(files, generated_key::FILE, key_defaults(settings))?
                    }
                }
                GeneratedKey::Keep => read(files, generated_key::FILE, key_defaults(settings)).map_err(|problem| {
                    format!("{problem}; it must be in the server's dir: restore it, or set jrs.keys-file")
                })?,
            }
        };
        let keys = with_foreign(files, keys, settings)?;
        let data_keys = read_data_keys_of(files, &keys, settings)?;
        let mut realms = Vec::new();
        if !settings.realms_file.is_empty() {
            let path = &settings.realms_file;
            let bytes = files.read(path, false).map_err(|problem| format!("the realms file '{path}' {problem}"))?;
            let refused = |problem: String| format!("the realms file '{path}' is refused: {problem}");
            let text = str::from_utf8(&bytes).map_err(|_| refused("it is not UTF-8".to_owned()))?;
            for spec in parse_realms_file(text).map_err(refused)? {
                let own = spec.settings(settings).map_err(refused)?;
                let keys =
                    read(files, &own.keys_file, key_defaults(&own)).and_then(|keys| with_foreign(files, keys, &own));
                let keys = keys.and_then(|keys| Ok((read_data_keys_of(files, &keys, &own)?, keys)));
                let (data_keys, keys) = keys.map_err(|problem| {
                    let paths = [&own.keys_file, &own.foreign_keys_file, &own.data_keys_file];
                    let problem = paths.into_iter().fold(problem, |problem, path| hide_path(problem, path));
                    refused(format!("line {}: realm '{}': {problem}", spec.line, spec.name))
                })?;
                realms.push((spec, Arc::new(keys), data_keys));
            }
        }
        Ok(Self { keys: Arc::new(keys), has_retired_key, data_keys, realms, files: FilesRead::new() })
    }
}

/// How the keys of a realm with these settings are read.
pub fn key_defaults(settings: &Settings) -> KeyDefaults {
    KeyDefaults { algorithm: settings.algorithm, allow_weak_secret: settings.allow_weak_secret }
}

/// Reads a key file, and logs its warnings.
fn read(files: &mut FilesRead, path: &str, defaults: KeyDefaults) -> Result<KeyRing, String> {
    let bytes = files.read(path, true).map_err(|problem| format!("the key file '{path}' {problem}"))?;
    let keys = read_keys(&bytes, defaults).map_err(|problem| format!("the key file '{path}' is refused: {problem}"))?;
    for warning in keys.warnings() {
        log(Level::Warning, &format!("the key file '{path}': {warning}"));
    }
    Ok(keys)
}

/// Reads the data key file of a realm, if the settings name one. `keys` are the realm's keys for tokens.
fn read_data_keys_of(
    files: &mut FilesRead,
    keys: &KeyRing,
    settings: &Settings,
) -> Result<Option<Arc<DataKeys>>, String> {
    let path = &settings.data_keys_file;
    if path.is_empty() {
        return Ok(None);
    }
    let bytes = files.read(path, true).map_err(|problem| format!("the data key file '{path}' {problem}"))?;
    let keys = read_data_keys(&bytes, keys);
    keys.map(|keys| Some(Arc::new(keys))).map_err(|problem| format!("the data key file '{path}' is refused: {problem}"))
}

/// Removes a path from a problem if no such file exists: the realms file may have a secret there by mistake.
fn hide_path(problem: String, path: &str) -> String {
    if path.is_empty() || Path::new(path).exists() { problem } else { problem.replace(&format!(" '{path}'"), "") }
}

/// Adds the keys of the foreign issuer, if the settings name one, after the realm's own keys.
fn with_foreign(files: &mut FilesRead, own: KeyRing, settings: &Settings) -> Result<KeyRing, String> {
    let (path, issuer) = (&settings.foreign_keys_file, &settings.foreign_issuer);
    if path.is_empty() && issuer.is_empty() {
        return Ok(own);
    }
    if path.is_empty() {
        return Err("foreign-issuer needs foreign-keys-file, the file with the keys of this issuer".to_owned());
    }
    if issuer.is_empty() {
        return Err("foreign-keys-file needs foreign-issuer, the 'iss' of the tokens that its keys verify".to_owned());
    }
    let foreign = read(files, path, key_defaults(settings))?;
    let keys =
        own.with_foreign(foreign, issuer).map_err(|problem| format!("the key file '{path}' is refused: {problem}"))?;
    for warning in keys.warnings() {
        log(Level::Warning, &format!("the key file '{path}': together with the realm's own keys, {warning}"));
    }
    Ok(keys)
}
