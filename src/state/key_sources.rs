//! Where keys and realms come from: the operator's files, or a key of the server's own making.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, ErrorKind, Read, Write},
    iter,
    os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt},
    path::Path,
    sync::Arc,
};

use ring::rand::{SecureRandom, SystemRandom};
use zeroize::Zeroizing;

use crate::{
    redis::{Level, log},
    settings::{RealmSpec, Settings, parse_realms_file},
    token::{KeyDefaults, KeyRing, jwk_of_secret, read_keys},
};

/// The file of a server that makes its own key, in the server's `dir`.
const GENERATED_KEY_FILE: &str = "jrs-keys.json";

/// The largest file, in bytes: thousands of keys, and nothing that could fill the memory.
const LARGEST: u64 = 1 << 20;

/// What the files say.
#[derive(Clone, Debug)]
pub struct KeySources {
    /// The keys of the default realm; none on a server that must not make its own.
    pub keys: Arc<KeyRing>,
    /// The other realms, each with its keys.
    pub realms: Vec<(RealmSpec, Arc<KeyRing>)>,
}

/// Whether the server may have a key of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GeneratedKey {
    Never,
    /// It makes one if there is none.
    Make,
    /// It has one, which has to be there still: to make another would log everybody out.
    Keep,
}

impl KeySources {
    /// Reads all files that the settings name. Without a key file the server takes a key of its own if it may.
    ///
    /// # Errors
    /// A sentence with the file's name and the problem; never key material.
    pub fn read(settings: &Settings, generated_key: GeneratedKey) -> Result<Self, String> {
        let keys = if !settings.keys_file.is_empty() {
            read(&settings.keys_file, parsing(settings))?
        } else {
            match generated_key {
                GeneratedKey::Never => KeyRing::default(),
                GeneratedKey::Make => read_or_make(parsing(settings))?,
                GeneratedKey::Keep => read(GENERATED_KEY_FILE, parsing(settings)).map_err(|problem| {
                    format!("{problem}; it has to be in the server's dir: put it back, or set jrs.keys-file")
                })?,
            }
        };
        let keys = with_foreign(keys, settings)?;
        let mut realms = Vec::new();
        if !settings.realms_file.is_empty() {
            let path = &settings.realms_file;
            let bytes =
                read_bytes(Path::new(path), false).map_err(|problem| format!("the realms file '{path}' {problem}"))?;
            let refused = |problem: String| format!("the realms file '{path}' is refused: {problem}");
            let text = str::from_utf8(&bytes).map_err(|_| refused("it is not UTF-8".to_owned()))?;
            for spec in parse_realms_file(text).map_err(refused)? {
                let own = spec.settings(settings).map_err(refused)?;
                let keys = read(&own.keys_file, parsing(&own)).and_then(|keys| with_foreign(keys, &own));
                let keys = keys.map_err(|problem| {
                    let problem = hide_path(hide_path(problem, &own.keys_file), &own.foreign_keys_file);
                    refused(format!("line {}: realm '{}': {problem}", spec.line, spec.name))
                })?;
                realms.push((spec, Arc::new(keys)));
            }
        }
        Ok(Self { keys: Arc::new(keys), realms })
    }

    /// Puts the server's own key file out of use, so that neither this server nor a restarted one signs with it again.
    ///
    /// A file that the settings or a realm name is left alone: naming it has made it the operator's, to be shared.
    pub fn retire_generated_key(&self, settings: &Settings) {
        const RETIRED: &str = "jrs-keys.json.retired";
        if self.has_named(settings, GENERATED_KEY_FILE) {
            return;
        }
        match fs::rename(GENERATED_KEY_FILE, RETIRED) {
            Ok(()) => log(
                Level::Warning,
                &format!(
                    "this server is a replica now: its own key is out of use and kept as {RETIRED}; set jrs.keys-file"
                ),
            ),
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => log(Level::Warning, &format!("{GENERATED_KEY_FILE} cannot be renamed: {}", describe(&error))),
        }
    }

    /// Whether the settings or a realm name this very file as a key file, by whatever path.
    fn has_named(&self, settings: &Settings, file: &str) -> bool {
        let identity = |path: &str| fs::metadata(path).ok().map(|found| (found.dev(), found.ino()));
        let Some(file) = identity(file) else { return false };
        let of_realm = |(spec, _): &(RealmSpec, _)| spec.settings(settings).ok();
        let all = iter::once(settings.clone()).chain(self.realms.iter().filter_map(of_realm));
        all.flat_map(|one| [one.keys_file, one.foreign_keys_file]).any(|path| identity(&path) == Some(file))
    }
}

fn parsing(settings: &Settings) -> KeyDefaults {
    KeyDefaults { algorithm: settings.algorithm, allow_weak_secret: settings.allow_weak_secret }
}

fn read(path: &str, parsing: KeyDefaults) -> Result<KeyRing, String> {
    let bytes = read_bytes(Path::new(path), true).map_err(|problem| format!("the key file '{path}' {problem}"))?;
    let keys = read_keys(&bytes, parsing).map_err(|problem| format!("the key file '{path}' is refused: {problem}"))?;
    for warning in keys.warnings() {
        log(Level::Warning, &format!("the key file '{path}': {warning}"));
    }
    Ok(keys)
}

/// Leaves a path out of a problem if it is no file: what the realms file has there may be a secret by mistake.
fn hide_path(problem: String, path: &str) -> String {
    if path.is_empty() || Path::new(path).exists() { problem } else { problem.replace(&format!(" '{path}'"), "") }
}

/// A realm's own keys, and behind them those of the other issuer whose tokens it accepts, if the settings name one.
fn with_foreign(own: KeyRing, settings: &Settings) -> Result<KeyRing, String> {
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
    let foreign = read(path, parsing(settings))?;
    let keys =
        own.with_foreign(foreign, issuer).map_err(|problem| format!("the key file '{path}' is refused: {problem}"))?;
    for warning in keys.warnings() {
        log(Level::Warning, &format!("the key file '{path}': together with the realm's own keys, {warning}"));
    }
    Ok(keys)
}

/// Reads the server's own key file, which is made first if it is not there.
fn read_or_make(parsing: KeyDefaults) -> Result<KeyRing, String> {
    match fs::symlink_metadata(GENERATED_KEY_FILE) {
        Ok(_) => {}
        Err(error) if error.kind() == ErrorKind::NotFound => {
            make().map_err(|problem| {
                format!("{GENERATED_KEY_FILE} cannot be made in the server's dir ({problem}); set jrs.keys-file")
            })?;
            log(
                Level::Notice,
                &format!("made a signing key of its own and keeps it in {GENERATED_KEY_FILE} in the server's dir"),
            );
        }
        Err(error) => return Err(format!("{GENERATED_KEY_FILE} cannot be read: {}", describe(&error))),
    }
    read(GENERATED_KEY_FILE, parsing)
}

fn read_bytes(path: &Path, is_secret: bool) -> Result<Zeroizing<Vec<u8>>, String> {
    // Not to wait for a writer: opening a named pipe would stop the server.
    const NONBLOCK: i32 = 0o4000;
    let cannot = |error: io::Error| format!("cannot be read: {}", describe(&error));
    let file = OpenOptions::new().read(true).custom_flags(NONBLOCK).open(path).map_err(cannot)?;
    let metadata = file.metadata().map_err(cannot)?;
    if !metadata.is_file() {
        return Err("is no regular file".to_owned());
    }
    if metadata.len() > LARGEST {
        return Err(format!("is larger than {LARGEST} bytes"));
    }
    // A group that may read it is common: Kubernetes makes files 0440 that belong to the group of the container.
    if is_secret && metadata.permissions().mode() & 0o027 != 0 {
        let path = path.display();
        let text = format!("the key file '{path}' can be read by all users or written by its group: chmod 600 or 640");
        log(Level::Warning, &text);
    }
    // Room for all of it, so that no copy is left behind by a growing buffer.
    let room = usize::try_from(metadata.len() + 1).unwrap_or(0);
    let mut bytes = Zeroizing::new(Vec::with_capacity(room));
    file.take(metadata.len()).read_to_end(&mut bytes).map_err(cannot)?;
    Ok(bytes)
}

/// Writes a new key file whole or not at all: a crash leaves no half of one behind under the final name.
fn make() -> Result<(), String> {
    const UNFINISHED: &str = "jrs-keys.json.new";
    let mut random = Zeroizing::new([0; 32]);
    let mut id = [0; 8];
    let system = SystemRandom::new();
    system.fill(random.as_mut()).and_then(|()| system.fill(&mut id)).map_err(|_| "no random numbers".to_owned())?;
    let id: String = id.iter().map(|byte| format!("{byte:02x}")).collect();
    let text = jwk_of_secret(&id, &random);
    let write = || {
        // What a crash left behind is of no use, and may be a link that somebody planted.
        match fs::remove_file(UNFINISHED) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(UNFINISHED)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::rename(UNFINISHED, GENERATED_KEY_FILE)?;
        File::open(".")?.sync_all()
    };
    write().map_err(|error: io::Error| describe(&error))
}

/// What went wrong with a file, in the words that an operator knows.
fn describe(error: &io::Error) -> String {
    match error.kind() {
        ErrorKind::NotFound => "no such file or directory".to_owned(),
        kind => kind.to_string(),
    }
}
