//! Reads an operator's file without blocking the server or filling its memory.

use std::{
    fs::OpenOptions,
    io::{self, ErrorKind, Read},
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
    path::Path,
};

use zeroize::Zeroizing;

use crate::redis::{Level, log};

/// The largest file, in bytes. Large enough for thousands of keys, small enough for the server's memory.
const LARGEST: u64 = 1 << 20;

/// Reads a whole file of at most [`LARGEST`] bytes. Warns in the log if a secret file has loose permissions.
///
/// # Errors
/// A sentence without its subject, such as "cannot be read: permission denied".
pub fn read_file(path: &Path, is_secret: bool) -> Result<Zeroizing<Vec<u8>>, String> {
    // Without this flag, opening a named pipe blocks the server until another process opens it for writing.
    const NONBLOCK: i32 = 0o4000;
    let cannot = |error: io::Error| format!("cannot be read: {}", describe(&error));
    let file = OpenOptions::new().read(true).custom_flags(NONBLOCK).open(path).map_err(cannot)?;
    let metadata = file.metadata().map_err(cannot)?;
    if !metadata.is_file() {
        return Err("is not a regular file".to_owned());
    }
    if metadata.len() > LARGEST {
        return Err(format!("is larger than {LARGEST} bytes"));
    }
    // Read permission for the group is common: Kubernetes gives secret files mode 0440 and the container's group.
    if is_secret && metadata.permissions().mode() & 0o027 != 0 {
        let path = path.display();
        let text = format!("the key file '{path}' can be read by all users or written by its group: chmod 600 or 640");
        log(Level::Warning, &text);
    }
    // A buffer that grows would leave copies of a secret in freed memory.
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
