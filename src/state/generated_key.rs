//! The signing key that a server without `keys-file` generates, in a file in the server's `dir`.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, ErrorKind, Write},
    iter,
    os::unix::fs::{MetadataExt, OpenOptionsExt},
};

use ring::rand::{SecureRandom, SystemRandom};
use zeroize::Zeroizing;

use super::{NO_RANDOM, files::describe, key_sources::KeySources};
use crate::{
    error::Error,
    redis::{Level, log},
    settings::{RealmSpec, Settings},
    token::jwk_of_secret,
};

/// The name of the generated key file, relative to the server's `dir`.
pub const FILE: &str = "jrs-keys.json";

/// The name to which the file is renamed when its server becomes a replica.
const RETIRED: &str = "jrs-keys.json.retired";

/// Whether the server may use a generated key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GeneratedKey {
    /// The server must not use one.
    Never,
    /// The server generates one if there is none, also no [retired](retire) one.
    Make,
    /// The server uses one already. Its file must still exist: a new key would log out all users.
    Keep,
}

/// Generates the key file if it does not exist. False if it does not, because there is a retired one: with a new key
/// the tokens of all sessions would be refused.
pub fn make_if_missing() -> Result<bool, String> {
    match fs::symlink_metadata(FILE) {
        Ok(_) => Ok(true),
        Err(error) if error.kind() != ErrorKind::NotFound => Err(format!("cannot read {FILE}: {}", describe(&error))),
        Err(_) if fs::symlink_metadata(RETIRED).is_ok() => {
            log(Level::Warning, &Error::RETIRED_KEY.reply());
            Ok(false)
        }
        Err(_) => {
            make().map_err(|problem| {
                format!("cannot create {FILE} in the server's dir ({problem}): set jrs.keys-file")
            })?;
            log(Level::Notice, &format!("generated a signing key, saved as {FILE} in the server's dir"));
            Ok(true)
        }
    }
}

/// Renames the generated key file, so that this server does not sign with it again, also after a restart. An older
/// retired file stays: the tokens of its key may still be valid.
///
/// Leaves a file that the settings or a realm name: the operator manages it then, and other servers may share it.
pub fn retire(sources: &KeySources, settings: &Settings) {
    if is_named(sources, settings, FILE) {
        return;
    }
    match rename_to_free_name() {
        Ok(name) => log(
            Level::Warning,
            &format!(
                "this server is now a replica and stops using its generated key, kept as {name}: set jrs.keys-file"
            ),
        ),
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        Err(error) => log(Level::Warning, &format!("cannot rename {FILE} to {RETIRED}: {}", describe(&error))),
    }
}

/// Renames the generated key file to [`RETIRED`], or to that name with the first number whose file does not exist.
fn rename_to_free_name() -> io::Result<String> {
    let numbered = (2..100).map(|number| format!("{RETIRED}.{number}"));
    let is_free = |name: &String| fs::symlink_metadata(name).is_err_and(|error| error.kind() == ErrorKind::NotFound);
    let name = iter::once(RETIRED.to_owned()).chain(numbered).find(is_free).ok_or(ErrorKind::AlreadyExists)?;
    fs::rename(FILE, &name)?;
    Ok(name)
}

/// Whether the settings or a realm name this file as a key file, by any path.
fn is_named(sources: &KeySources, settings: &Settings, file: &str) -> bool {
    let identity = |path: &str| fs::metadata(path).ok().map(|found| (found.dev(), found.ino()));
    let Some(file) = identity(file) else { return false };
    let of_realm = |(spec, ..): &(RealmSpec, _, _)| spec.settings(settings).ok();
    let all = iter::once(settings.clone()).chain(sources.realms.iter().filter_map(of_realm));
    all.flat_map(|one| [one.keys_file, one.foreign_keys_file]).any(|path| identity(&path) == Some(file))
}

/// Writes a new key file atomically: a crash leaves no partial file under the final name.
fn make() -> Result<(), String> {
    const UNFINISHED: &str = "jrs-keys.json.new";
    let mut random = Zeroizing::new([0; 32]);
    let mut id = [0; 8];
    let system = SystemRandom::new();
    system.fill(random.as_mut()).and_then(|()| system.fill(&mut id)).map_err(|_| NO_RANDOM.to_owned())?;
    let id: String = id.iter().map(|byte| format!("{byte:02x}")).collect();
    let text = jwk_of_secret(&id, &random);
    let write = || {
        // A file that a crash left is useless, and it may be a symbolic link that an attacker created.
        match fs::remove_file(UNFINISHED) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(UNFINISHED)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::rename(UNFINISHED, FILE)?;
        File::open(".")?.sync_all()
    };
    write().map_err(|error: io::Error| describe(&error))
}
