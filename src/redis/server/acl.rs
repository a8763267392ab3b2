//! The key permissions of the calling user.

use std::{ffi::c_int, io};

use redis_module::raw;

use crate::redis::{
    command::call::Call,
    ffi::{
        api::{OK, api, is_at_least_7_2},
        context::Ctx,
        refused::Refused,
        string::RedisString,
    },
};

/// What a command does with a session's key, as ACL selectors such as `%R~sess:*` tell apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Reads it.
    Read,
    /// Reads it and moves its expiry, as GETEX.
    ReadAndTouch,
    /// Writes it anew.
    Create,
    /// Changes it.
    Update,
    /// Deletes it.
    Delete,
    /// Reads it, and deletes it when its value is elsewhere.
    Move,
}

impl Access {
    const fn flags(self) -> c_int {
        let flags = match self {
            Self::Read => raw::REDISMODULE_CMD_KEY_ACCESS,
            Self::ReadAndTouch => raw::REDISMODULE_CMD_KEY_ACCESS | raw::REDISMODULE_CMD_KEY_UPDATE,
            Self::Create => raw::REDISMODULE_CMD_KEY_INSERT,
            Self::Update => raw::REDISMODULE_CMD_KEY_UPDATE,
            Self::Delete => raw::REDISMODULE_CMD_KEY_DELETE,
            Self::Move => raw::REDISMODULE_CMD_KEY_ACCESS | raw::REDISMODULE_CMD_KEY_DELETE,
        };
        flags.cast_signed()
    }
}

/// Whose permissions a command goes by.
#[derive(Debug)]
pub(in crate::redis) struct Caller(Option<RedisString>);

impl Caller {
    /// The user's name, to be compared; `None` for one that may do anything.
    pub(in crate::redis) fn name(&self) -> Option<Vec<u8>> {
        self.0.as_ref().map(|name| name.bytes().to_vec())
    }
}

impl Call<'_> {
    /// [`Ctx::check_access`], also where the client has been waiting.
    pub fn check_access(&self, key: &RedisString, access: Access) -> Result<(), Refused> {
        match self.held {
            Some(client) => self.ctx.check_access_of(&client.caller, key, access),
            None => self.ctx.check_access(key, access),
        }
    }
}

impl Ctx<'_> {
    /// Checks that the calling user may do this with a key that is not among the command's arguments.
    ///
    /// A refusal is recorded in the server's ACL LOG, as one of its own would be.
    pub fn check_access(self, key: &RedisString, access: Access) -> Result<(), Refused> {
        self.check_access_of(&self.caller(), key, access)
    }

    /// The same for a user who called before and may be gone. One who was deleted since may do nothing.
    fn check_access_of(self, caller: &Caller, key: &RedisString, access: Access) -> Result<(), Refused> {
        let Some(name) = &caller.0 else { return Ok(()) };
        // SAFETY: the name is alive. NULL is returned for a user that does not exist or is disabled.
        let user = unsafe { api(raw::RedisModule_GetModuleUserFromUserName)(name.as_ptr()) };
        if user.is_null() {
            return Err(Refused::NoPermission);
        }
        // SAFETY: user and key are alive, the flags are among those that the server knows.
        let status = unsafe { api(raw::RedisModule_ACLCheckKeyPermissions)(user, key.as_ptr(), access.flags()) };
        let allowed = status == OK;
        if !allowed {
            let reason = raw::RedisModuleACLLogEntryReason_REDISMODULE_ACL_LOG_KEY;
            // SAFETY: context, user and key are alive.
            unsafe { api(raw::RedisModule_ACLAddLogEntry)(self.as_ptr(), user, key.as_ptr(), reason) };
        }
        // SAFETY: the user came from GetModuleUserFromUserName and is used no more.
        unsafe { api(raw::RedisModule_FreeModuleUser)(user) };
        if allowed { Ok(()) } else { Err(Refused::NoPermission) }
    }

    /// The user that the running command, or what is left of it after a wait, runs as.
    ///
    /// It is never looked up by the client's id: the clients that the server has for scripts and modules keep the ids of
    /// clients that they once stood for.
    pub(in crate::redis) fn caller(self) -> Caller {
        // Clients that are connected have a user, and may be made to wait unless they are in a transaction.
        let is_connected = || self.flags() & raw::REDISMODULE_CTX_FLAGS_DENY_BLOCKING.cast_signed() == 0;
        if !is_at_least_7_2() && !is_connected() && !self.has_user() {
            return Caller(None);
        }
        // SAFETY: the context is that of the running call; its client has a user, or the server returns NULL where it has
        // none. The reference is ours to give back.
        Caller(unsafe { RedisString::from_raw(api(raw::RedisModule_GetCurrentUserName)(self.as_ptr())) })
    }

    /// Whether a call without a connected client, from a script or another module, runs as some user.
    ///
    /// GetCurrentUserName crashes a server of version 7.0 where there is none. A call "as the context's user" of a
    /// command that does not exist is refused either way, and the reason tells the two cases apart.
    fn has_user(self) -> bool {
        // SAFETY: the context is that of the running call, name and format end in NUL; no argument is announced.
        let reply =
            unsafe { api(raw::RedisModule_Call)(self.as_ptr(), c"jrs.no-such-command".as_ptr(), c"C".as_ptr()) };
        let reason = io::Error::last_os_error();
        if !reply.is_null() {
            // SAFETY: a reply that is ours to free.
            unsafe { api(raw::RedisModule_FreeCallReply)(reply) };
        }
        // ENOTSUP is what a context without a user gives.
        reason.kind() != io::ErrorKind::Unsupported
    }
}
