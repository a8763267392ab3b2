//! Reads an operator's file without ever blocking the server or filling its memory.

use std::{
    fs::OpenOptions,
    io::{self, ErrorKind, Read},
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
    path::Path,
};

use zeroize::Zeroizing;

use crate::redis::{Level, log};

/// The largest file, in bytes. Room for thousands of keys, too small to fill the memory.
const LARGEST: u64 = 1 << 20;

/// Reads a whole file of at most [`LARGEST`] bytes. For a secret file it logs a warning about loose permissions.
///
/// # Errors
/// A predicate without a subject, such as "cannot be read: permission denied".
pub fn read_file(path: &Path, is_secret: bool) -> Result<Zeroizing<Vec<u8>>, String> {
    // Opening a named pipe would wait for a writer, and the server with it.
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
    // A growing buffer would leave copies of a secret behind.
    let room = usize::try_from(metadata.len() + 1).unwrap_or(0);
    let mut bytes = Zeroizing::new(Vec::with_capacity(room));
    file.take(metadata.len()).read_to_end(&mut bytes).map_err(cannot)?;
    Ok(bytes)
}

/// The reason of a failed file operation, without the path.
pub fn describe(error: &io::Error) -> String {
    match error.kind() {
        ErrorKind::NotFound => "no such file or directory".to_owned(),
        kind => kind.to_string(),
    }
}
