//! The signing key that a server without `keys-file` generates, in a file in the server's `dir`.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, ErrorKind, Write},
    iter,
    os::unix::fs::{MetadataExt, OpenOptionsExt},
    path::Path,
};

use ring::rand::{SecureRandom, SystemRandom};
use zeroize::Zeroizing;

use super::{
    NO_RANDOM,
    files::{Stamp, describe, read_file},
    key_sources::KeySources,
    wall_clock,
};
use crate::{
    error::Error,
    redis::{Level, log},
    session::UnixMillis,
    settings::{RealmSpec, Settings},
    token::{jwk_of_secret, key_set_of},
};

/// The name of the generated key file, relative to the server's `dir`.
pub const FILE: &str = "jrs-keys.json";

/// The name to which the file is renamed when its server becomes a replica.
const RETIRED: &str = "jrs-keys.json.retired";

/// The name of the file while it is written.
const UNFINISHED: &str = "jrs-keys.json.new";

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
        Ok(_) => {
            // A crash during JRS.ROTATEKEY may have left it.
            remove_unfinished();
            Ok(true)
        }
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
    let (_, jwk) = new_jwk(wall_clock())?;
    let write = || {
        write_new(&key_set_of(&jwk))?;
        fs::rename(UNFINISHED, FILE)?;
        File::open(".")?.sync_all()
    };
    write().map_err(|error: io::Error| describe(&error))
}

/// The `kid` and the JWK of a new key.
pub fn new_jwk(time: UnixMillis) -> Result<(String, Zeroizing<String>), String> {
    let mut random = Zeroizing::new([0; 32]);
    let mut id = [0; 8];
    let system = SystemRandom::new();
    system.fill(random.as_mut()).and_then(|()| system.fill(&mut id)).map_err(|_| NO_RANDOM.to_owned())?;
    let id: String = id.iter().map(|byte| format!("{byte:02x}")).collect();
    let jwk = jwk_of_secret(&id, &random, time);
    Ok((id, jwk))
}

/// Writes this text to a new file, [`UNFINISHED`], and onto the disk. Removes the file again if that fails.
fn write_new(text: &str) -> io::Result<File> {
    // A file that a crash left is useless, and it may be a symbolic link that an attacker created.
    match fs::remove_file(UNFINISHED) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(UNFINISHED)?;
    match file.write_all(text.as_bytes()).and_then(|()| file.sync_all()) {
        Ok(()) => Ok(file),
        Err(error) => {
            remove_unfinished();
            Err(error)
        }
    }
}

/// Removes a file that was not finished: it holds a key that never becomes active.
pub fn remove_unfinished() {
    // If this fails, the next attempt to write removes it.
    let _ = fs::remove_file(UNFINISHED);
}

/// The generated key file as it was read.
#[derive(Debug)]
pub struct GeneratedFile {
    /// Its content.
    pub bytes: Zeroizing<Vec<u8>>,
    stamp: Stamp,
    /// The id of the user who owns it.
    user: u32,
}

impl GeneratedFile {
    /// Reads the file.
    ///
    /// # Errors
    /// A sentence, if it cannot be read or if it is a symbolic link, which a new file would replace.
    pub fn read() -> Result<Self, String> {
        let named =
            fs::symlink_metadata(FILE).map_err(|error| format!("{FILE} cannot be read: {}", describe(&error)))?;
        if named.is_symlink() {
            return Err(format!(
                "{FILE} is a symbolic link: set jrs.keys-file to its target, and rotate the key there"
            ));
        }
        let (bytes, stamp) = read_file(Path::new(FILE), true).map_err(|problem| format!("{FILE} {problem}"))?;
        if stamp != Stamp::of(&named) {
            return Err(Self::changed());
        }
        Ok(Self { bytes, stamp, user: named.uid() })
    }

    /// The file's stamp.
    pub const fn stamp(&self) -> Stamp {
        self.stamp
    }

    /// Puts a new file with this text in the place of the file, in one step. On an error nothing is changed.
    pub fn replace(&self, text: &str) -> Result<(), String> {
        let cannot = |error: io::Error| format!("cannot write {UNFINISHED} in the server's dir: {}", describe(&error));
        let file = write_new(text).map_err(cannot)?;
        let rename = || {
            if file.metadata().map_err(cannot)?.uid() != self.user {
                return Err(format!("{FILE} belongs to another user: let the server's user own it"));
            }
            if fs::symlink_metadata(FILE).ok().map(|now| Stamp::of(&now)) != Some(self.stamp) {
                return Err(Self::changed());
            }
            fs::rename(UNFINISHED, FILE).map_err(cannot)
        };
        rename().inspect_err(|_| remove_unfinished())?;
        // The new file is in its place already, so this is not an error of the command.
        if let Err(error) = File::open(".").and_then(|dir| dir.sync_all()) {
            let text = format!(
                "cannot write the server's dir to the disk ({}): after a power failure the old {FILE} may be back",
                describe(&error)
            );
            log(Level::Warning, &text);
        }
        Ok(())
    }

    fn changed() -> String {
        format!("{FILE} was changed at the same time: try again")
    }
}
