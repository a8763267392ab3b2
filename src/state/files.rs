//! Reads an operator's file without blocking the server or filling its memory.

use std::{
    collections::HashSet,
    fs::{self, Metadata, OpenOptions},
    io::{self, ErrorKind, Read},
    os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt},
    path::Path,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use ring::digest::{Digest, SHA256, digest};
use zeroize::Zeroizing;

use crate::redis::{Level, log};

/// The largest file, in bytes. Large enough for thousands of keys, small enough for the server's memory.
pub const LARGEST: u64 = 1 << 20;

/// The identity of a file's content: it changes when the file is written or another file takes its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    device: u64,
    inode: u64,
    size: u64,
    /// Seconds and nanoseconds since the epoch.
    modified: (i64, i64),
    /// When the file or its metadata last changed, in the same form.
    changed: (i64, i64),
}

impl Stamp {
    /// The stamp of the file with this metadata.
    pub fn of(metadata: &Metadata) -> Self {
        Self {
            device: metadata.dev(),
            inode: metadata.ino(),
            size: metadata.size(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
        }
    }

    /// The stamp of the file at a path, behind all symbolic links. `None` if there is none, or if it cannot be reached.
    fn at(path: &str) -> Option<Self> {
        fs::metadata(path).ok().map(|metadata| Self::of(&metadata))
    }

    /// Whether the next change of the file could leave this stamp as it is: the file changed a moment ago, and file
    /// systems count time in steps of some milliseconds.
    fn is_ambiguous(&self) -> bool {
        const STEP: Duration = Duration::from_millis(20);
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let seconds = u64::try_from(self.changed.0).unwrap_or(0);
        let changed = Duration::new(seconds, u32::try_from(self.changed.1).unwrap_or(0));
        changed <= now && now.saturating_sub(changed) < STEP
    }
}

/// The files that were read, or could not be read, as they were at that time.
#[derive(Clone, Debug)]
pub struct FilesRead(Vec<FileRead>);

#[derive(Clone, Debug)]
struct FileRead {
    path: String,
    /// `None` if there was no file, or if it could not be reached.
    stamp: Option<Stamp>,
    /// The SHA-256 of the content, only if the stamp is [ambiguous](Stamp::is_ambiguous).
    digest: Option<Digest>,
}

impl FileRead {
    /// The file as it is now, without its content.
    fn unread(path: &str) -> Self {
        Self { path: path.to_owned(), stamp: Stamp::at(path), digest: None }
    }

    /// Whether the content is another one than that of an ambiguous stamp.
    fn has_other_content(&self) -> bool {
        self.digest.is_some_and(|then| {
            read_file(Path::new(&self.path), false)
                .is_ok_and(|(bytes, _)| digest(&SHA256, &bytes).as_ref() != then.as_ref())
        })
    }
}

impl FilesRead {
    /// No files.
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// Reads a whole file of at most [`LARGEST`] bytes, and remembers its stamp. Warns in the log if a secret file has
    /// loose permissions.
    ///
    /// # Errors
    /// A sentence without its subject, such as "cannot be read: permission denied".
    pub fn read(&mut self, path: &str, is_secret: bool) -> Result<Zeroizing<Vec<u8>>, String> {
        let (bytes, stamp) = read_file(Path::new(path), is_secret).inspect_err(|_| self.look_at(path))?;
        let digest = stamp.is_ambiguous().then(|| digest(&SHA256, &bytes));
        self.0.push(FileRead { path: path.to_owned(), stamp: Some(stamp), digest });
        Ok(bytes)
    }

    /// Remembers the stamp of a file that is not read.
    pub fn look_at(&mut self, path: &str) {
        self.0.push(FileRead::unread(path));
    }

    /// Replaces the remembered stamp of a file by the present one.
    pub fn look_at_again(&mut self, path: &str) {
        self.forget(path);
        self.look_at(path);
    }

    /// Whether the file was read, and had this stamp.
    pub fn has(&self, path: &str, stamp: Stamp) -> bool {
        self.0.iter().any(|file| file.path == path && file.stamp == Some(stamp))
    }

    /// Forgets a file.
    pub fn forget(&mut self, path: &str) {
        self.0.retain(|file| file.path != path);
    }

    /// Adds the files of `other` that are not among these, with their present stamps.
    pub fn look_at_all(&mut self, other: &Self) {
        let known: HashSet<&str> = self.0.iter().map(|file| file.path.as_str()).collect();
        let more = other.0.iter().map(|file| file.path.as_str()).filter(|path| !known.contains(path));
        let more: Vec<_> = more.map(FileRead::unread).collect();
        self.0.extend(more);
    }

    /// The present stamps of all files, in order.
    pub fn stamps(&self) -> Vec<Option<Stamp>> {
        self.0.iter().map(|file| Stamp::at(&file.path)).collect()
    }

    /// The first file whose stamp is not the one that was remembered, if these are the present stamps.
    pub fn changed(&self, stamps: &[Option<Stamp>]) -> Option<&str> {
        let changed = self.0.iter().zip(stamps).find(|(file, now)| file.stamp != **now);
        changed.map(|(file, _)| file.path.as_str())
    }

    /// The first file that changed without a change of its stamp. Reads the files whose stamps are ambiguous, once.
    pub fn changed_silently(&mut self) -> Option<&str> {
        if let Some(position) = self.0.iter().position(FileRead::has_other_content) {
            return self.0.get(position).map(|file| file.path.as_str());
        }
        self.0.iter_mut().for_each(|file| file.digest = None);
        None
    }
}

/// Reads a whole file of at most [`LARGEST`] bytes. The stamp is that of the file when it was opened. Warns in the log
/// if a secret file has loose permissions.
///
/// # Errors
/// A sentence without its subject, such as "cannot be read: permission denied".
pub fn read_file(path: &Path, is_secret: bool) -> Result<(Zeroizing<Vec<u8>>, Stamp), String> {
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
    Ok((bytes, Stamp::of(&metadata)))
}

/// The reason of a failed file operation, without the path.
pub fn describe(error: &io::Error) -> String {
    match error.kind() {
        ErrorKind::NotFound => "no such file or directory".to_owned(),
        kind => kind.to_string(),
    }
}
