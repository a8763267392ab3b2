//! Session keys in the server's keyspace: plain strings with an expiry.
//!
//! Each change is replicated as its effect, with absolute times, and sends the keyspace events that the server's own
//! commands send. Other modules may change any key in reaction to an event, so events are sent when no key is open.

use std::{
    ffi::{CStr, c_int},
    io,
    marker::PhantomData,
    ptr::NonNull,
    slice,
};

use redis_module::raw;

use crate::redis::ffi::refused::{LoadError, Refused};
use crate::redis::ffi::{
    api::{OK, api},
    context::Ctx,
    string::RedisString,
};

const READ: c_int = raw::REDISMODULE_READ.cast_signed();
const READ_WRITE: c_int = READ | raw::REDISMODULE_WRITE.cast_signed();
/// A read that does not count as a use for eviction policies.
const NO_TOUCH: c_int = READ | raw::REDISMODULE_OPEN_KEY_NOTOUCH.cast_signed();

/// In bytes. The server's parser allocates shorter arguments exactly; longer ones are its read buffer, with unused
/// capacity.
const EXACT_ARGUMENT: usize = 32 * 1024;

impl<'call> Ctx<'call> {
    /// Opens a key for reading. `None` if the key does not exist or has expired; an error if it does not hold a
    /// string.
    #[inline]
    pub fn open(self, name: &RedisString) -> Result<Option<StringKey<'call>>, Refused> {
        match self.open_key(name, READ) {
            None => Ok(None),
            Some(key) if key.kind() == raw::REDISMODULE_KEYTYPE_STRING => Ok(Some(StringKey(key))),
            Some(_) => Err(Refused::WrongType),
        }
    }

    /// As [`open`](Self::open), without counting as a use of the key. `None` also for a key that does not hold a
    /// string.
    pub fn open_no_touch(self, name: &RedisString) -> Option<StringKey<'call>> {
        self.open_key(name, NO_TOUCH).filter(|key| key.kind() == raw::REDISMODULE_KEYTYPE_STRING).map(StringKey)
    }

    /// Writes a string with its expiry in milliseconds since the epoch (`SET … PXAT`). Does nothing and returns `None`
    /// if the key exists. The caller sends the events.
    pub fn create<'n>(
        self,
        name: &'n RedisString,
        value: &RedisString,
        expiry: i64,
    ) -> Result<Option<Written<'n>>, Refused> {
        let key = self.open_key(name, READ_WRITE).ok_or(Refused::CannotOpen)?;
        let is_new = key.kind() == raw::REDISMODULE_KEYTYPE_EMPTY;
        is_new.then(|| self.put(key, name, value, expiry)).transpose()
    }

    /// Replaces the string of a key that [`open`](Self::open) found, and sets its expiry (`SET … PXAT`).
    pub fn replace(self, name: &RedisString, value: &RedisString, expiry: i64) -> Result<(), Refused> {
        let key = self.open_key(name, READ_WRITE).ok_or(Refused::CannotOpen)?;
        self.put(key, name, value, expiry).map(|written| written.notify(self))
    }

    fn put<'n>(
        self,
        key: Key<'_>,
        name: &'n RedisString,
        value: &RedisString,
        expiry: i64,
    ) -> Result<Written<'n>, Refused> {
        // Replicate first: a write that cannot be replicated must not happen.
        // SAFETY: the format names two strings, a C string and a number, and they follow in that order.
        let replicated = unsafe {
            api(raw::RedisModule_Replicate)(
                self.as_ptr(),
                c"SET".as_ptr(),
                c"sscl".as_ptr(),
                name.as_ptr(),
                value.as_ptr(),
                c"PXAT".as_ptr(),
                expiry,
            )
        };
        check_replicated(replicated)?;
        if value.bytes().len() >= EXACT_ARGUMENT {
            // SAFETY: the string is alive, and its bytes, which trimming may move, are not borrowed now.
            unsafe { api(raw::RedisModule_TrimStringAllocation)(value.as_ptr()) };
        }
        // SAFETY: the key is open for writing; the server takes its own reference to the value.
        unsafe { api(raw::RedisModule_StringSet)(key.raw.as_ptr(), value.as_ptr()) };
        // SAFETY: as above; the key exists now.
        unsafe { api(raw::RedisModule_SetAbsExpire)(key.raw.as_ptr(), expiry) };
        Ok(Written { name, events: [Some(SET), Some(EXPIRE)] })
    }

    /// Moves the expiry of a key that [`open`](Self::open) found (`PEXPIREAT`).
    pub fn expire_at(self, name: &RedisString, expiry: i64) -> Result<(), Refused> {
        let key = self.open_key(name, READ_WRITE).ok_or(Refused::CannotOpen)?;
        // SAFETY: the format names a string and a number, and they follow in that order.
        let replicated = unsafe {
            let replicate = api(raw::RedisModule_Replicate);
            replicate(self.as_ptr(), c"PEXPIREAT".as_ptr(), c"sl".as_ptr(), name.as_ptr(), expiry)
        };
        check_replicated(replicated)?;
        // SAFETY: the key is open for writing.
        unsafe { api(raw::RedisModule_SetAbsExpire)(key.raw.as_ptr(), expiry) };
        drop(key);
        Written { name, events: [Some(EXPIRE), None] }.notify(self);
        Ok(())
    }

    /// As [`expire_at`](Self::expire_at), for a command without the flag `write`, which runs also while the server refuses
    /// writes. False if the server refuses this one.
    pub fn expire_at_if_allowed(self, name: &RedisString, expiry: i64) -> bool {
        let expiry = RedisString::new(expiry.to_string().as_bytes());
        // A write while writes are paused aborts the server.
        !self.writes_are_paused() && self.call_write(c"PEXPIREAT", &[name, &expiry]).is_some()
    }

    /// Deletes a key. For a command without the flag `write`, as [`expire_at_if_allowed`](Self::expire_at_if_allowed).
    /// False if the server refuses this or the key does not exist.
    pub fn delete_if_allowed(self, name: &RedisString) -> bool {
        !self.writes_are_paused() && self.call_write(c"DEL", &[name]) == Some(1)
    }

    /// Replaces the string of an existing key. Its expiry stays, or is `default` if it has none. For a command without the
    /// flag `write`, as [`expire_at_if_allowed`](Self::expire_at_if_allowed).
    pub fn replace_if_allowed(self, name: &RedisString, value: &RedisString, default: i64) {
        // The expiry is absolute, also for the replicas.
        let expiry = self.open_no_touch(name).map(|key| key.expiry().unwrap_or(default).to_string());
        if let Some(expiry) = expiry.filter(|_| !self.writes_are_paused()) {
            let [pxat, expiry] = [b"PXAT".as_slice(), expiry.as_bytes()].map(RedisString::new);
            self.call_write(c"SET", &[name, value, &pxat, &expiry]);
        }
    }

    /// Deletes a key that [`open`](Self::open) found (`DEL`). The caller sends the event.
    pub fn delete(self, name: &RedisString) -> Result<Written<'_>, Refused> {
        let key = self.open_key(name, READ_WRITE).ok_or(Refused::CannotOpen)?;
        // SAFETY: the format names one string, and it follows.
        let replicated =
            unsafe { api(raw::RedisModule_Replicate)(self.as_ptr(), c"DEL".as_ptr(), c"s".as_ptr(), name.as_ptr()) };
        check_replicated(replicated)?;
        // SAFETY: the key is open for writing.
        unsafe { api(raw::RedisModule_DeleteKey)(key.raw.as_ptr()) };
        Ok(Written { name, events: [Some(DEL), None] })
    }

    /// Sends a keyspace event that the server's own commands do not have, such as `jrs.create`.
    pub fn notify_jrs_event(self, event: &CStr, name: &RedisString) {
        self.notify_keyspace_event(raw::REDISMODULE_NOTIFY_MODULE, event, name);
    }

    fn notify_keyspace_event(self, class: c_int, event: &CStr, name: &RedisString) {
        // SAFETY: the context is that of the running call, the event ends in NUL, the name is alive.
        unsafe {
            api(raw::RedisModule_NotifyKeyspaceEvent)(self.as_ptr(), class, event.as_ptr(), name.as_ptr());
        }
    }

    #[inline]
    fn open_key(self, name: &RedisString, mode: c_int) -> Option<Key<'call>> {
        // SAFETY: the context is that of the running call, the name is alive.
        let raw = unsafe { api(raw::RedisModule_OpenKey)(self.as_ptr(), name.as_ptr(), mode) };
        NonNull::new(raw).map(|raw| Key { raw, call: PhantomData })
    }
}

/// An event of the server's own commands: its class and its name.
type Event = (c_int, &'static CStr);

const SET: Event = (raw::REDISMODULE_NOTIFY_STRING, c"set");
const EXPIRE: Event = (raw::REDISMODULE_NOTIFY_GENERIC, c"expire");
const DEL: Event = (raw::REDISMODULE_NOTIFY_GENERIC, c"del");

/// A change whose keyspace events are not sent yet.
#[derive(Debug)]
#[must_use = "other modules and clients wait for the events"]
pub struct Written<'n> {
    name: &'n RedisString,
    events: [Option<Event>; 2],
}

impl Written<'_> {
    /// Sends the events. No key may be open: a listener may change any key.
    pub fn notify(self, ctx: Ctx<'_>) {
        for (class, event) in self.events.into_iter().flatten() {
            ctx.notify_keyspace_event(class, event, self.name);
        }
    }
}

/// A key that holds a string, open for reading. It must be dropped before the key is changed.
#[derive(Debug)]
pub struct StringKey<'call>(Key<'call>);

impl StringKey<'_> {
    /// When the key expires, in milliseconds since the epoch.
    #[inline]
    pub fn expiry(&self) -> Option<i64> {
        // SAFETY: the key is open.
        let expiry = unsafe { api(raw::RedisModule_GetAbsExpire)(self.0.raw.as_ptr()) };
        (expiry >= 0).then_some(expiry)
    }

    /// The string's bytes.
    #[inline]
    pub fn bytes(&self) -> &[u8] {
        let mut length = 0;
        // SAFETY: the key is open and holds a string.
        let start = unsafe { api(raw::RedisModule_StringDMA)(self.0.raw.as_ptr(), &raw mut length, READ) };
        if start.is_null() {
            return &[];
        }
        // SAFETY: the server returns address and length of the bytes; they stay until the key changes, and nothing
        // changes it while this handle is open.
        unsafe { slice::from_raw_parts(start.cast(), length) }
    }
}

/// An open key.
#[derive(Debug)]
struct Key<'call> {
    raw: NonNull<raw::RedisModuleKey>,
    call: PhantomData<&'call ()>,
}

impl Key<'_> {
    #[inline]
    fn kind(&self) -> isize {
        // SAFETY: the key is open.
        let kind = unsafe { api(raw::RedisModule_KeyType)(self.raw.as_ptr()) };
        isize::try_from(kind).unwrap_or(-1)
    }
}

impl Drop for Key<'_> {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: the key is open and not used after this.
        unsafe { api(raw::RedisModule_CloseKey)(self.raw.as_ptr()) }
    }
}

/// The commands that replicate effects. [`check_commands`] refuses a server without one of them.
const NEEDED: [&CStr; 3] = [c"SET", c"PEXPIREAT", c"DEL"];
/// The commands that are called on cluster nodes only.
const NEEDED_IN_CLUSTER: [&CStr; 2] = [c"CLUSTER", c"EXISTS"];

/// Checks that this server has the commands that the module calls or replicates: an operator may have renamed one.
pub fn check_commands(ctx: Ctx<'_>) -> Result<(), LoadError> {
    let in_cluster = NEEDED_IN_CLUSTER.iter().filter(|_| ctx.is_cluster_node());
    for name in NEEDED.iter().chain(in_cluster) {
        // CLUSTER is found only with a subcommand; for the other commands the word is a key or a surplus argument.
        let mut arguments =
            [RedisString::new(name.to_bytes()), RedisString::new(b"KEYSLOT")].map(RedisString::into_raw);
        let mut count = 0;
        let length = c_int::try_from(arguments.len()).unwrap_or(0);
        // SAFETY: the context is that of the load; the strings are alive; the server returns NULL or a block that it
        // allocated.
        let keys = unsafe {
            let find = api(raw::RedisModule_GetCommandKeys);
            find(ctx.as_ptr(), arguments.as_mut_ptr(), length, &raw mut count)
        };
        let reason = io::Error::last_os_error();
        for argument in arguments {
            // SAFETY: the reference that `into_raw` returned.
            drop(unsafe { RedisString::from_raw(argument) });
        }
        if keys.is_null() {
            if reason.kind() == io::ErrorKind::NotFound {
                return Err(LoadError::CommandDisabled(name));
            }
        } else {
            // SAFETY: the caller must free the server's block.
            unsafe { api(raw::RedisModule_Free)(keys.cast()) };
        }
    }
    Ok(())
}

fn check_replicated(status: c_int) -> Result<(), Refused> {
    // The server looks up the command by name; `check_commands` has found it.
    if status == OK { Ok(()) } else { Err(Refused::CannotReplicate) }
}
