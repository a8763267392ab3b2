//! The server's permission check (ACL) for keys that are not among a command's arguments.

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

/// What a command does with a session's key, in the terms of ACL key permissions such as `%R~sess:*`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Reads it.
    Read,
    /// Reads it and moves its expiry, as GETEX.
    ReadAndTouch,
    /// Creates it.
    Create,
    /// Changes it.
    Update,
    /// Deletes it.
    Delete,
    /// Reads it and deletes it, after its value was written to another key.
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

/// The user who runs a command.
#[derive(Debug)]
pub(in crate::redis) struct Caller(Option<RedisString>);

impl Caller {
    /// The user's name, for comparison. `None` for a caller without a user, who may do anything.
    pub(in crate::redis) fn name(&self) -> Option<Vec<u8>> {
        self.0.as_ref().map(|name| name.bytes().to_vec())
    }
}

impl Call<'_> {
    /// As [`Ctx::check_access`], also for a held client, whose context has no user.
    pub fn check_access(&self, key: &RedisString, access: Access) -> Result<(), Refused> {
        match self.held {
            Some(client) => self.ctx.check_access_of(&client.caller, key, access),
            None => self.ctx.check_access(key, access),
        }
    }
}

impl Ctx<'_> {
    /// Checks that the calling user has this permission for a key that is not among the command's arguments.
    ///
    /// Refusals go to the server's ACL LOG, as those of the server do.
    pub fn check_access(self, key: &RedisString, access: Access) -> Result<(), Refused> {
        self.check_access_of(&self.caller(), key, access)
    }

    /// The same for a user who may have been deleted since. A deleted user has no permissions.
    fn check_access_of(self, caller: &Caller, key: &RedisString, access: Access) -> Result<(), Refused> {
        let Some(name) = &caller.0 else { return Ok(()) };
        // SAFETY: the name is alive. The server returns NULL for a user that does not exist or is disabled.
        let user = unsafe { api(raw::RedisModule_GetModuleUserFromUserName)(name.as_ptr()) };
        if user.is_null() {
            return Err(Refused::NoPermission);
        }
        // SAFETY: user and key are alive; the server knows the flags.
        let status = unsafe { api(raw::RedisModule_ACLCheckKeyPermissions)(user, key.as_ptr(), access.flags()) };
        let allowed = status == OK;
        if !allowed {
            let reason = raw::RedisModuleACLLogEntryReason_REDISMODULE_ACL_LOG_KEY;
            // SAFETY: context, user and key are alive.
            unsafe { api(raw::RedisModule_ACLAddLogEntry)(self.as_ptr(), user, key.as_ptr(), reason) };
        }
        // SAFETY: the user came from GetModuleUserFromUserName and is not used after this.
        unsafe { api(raw::RedisModule_FreeModuleUser)(user) };
        if allowed { Ok(()) } else { Err(Refused::NoPermission) }
    }

    /// The user of the running command, also after a wait.
    ///
    /// Never look it up by the client's id: the server's internal clients for scripts and modules keep the ids of
    /// earlier clients.
    pub(in crate::redis) fn caller(self) -> Caller {
        // Connected clients have a user. They can be blocked, except in a transaction.
        let is_connected = || self.flags() & raw::REDISMODULE_CTX_FLAGS_DENY_BLOCKING.cast_signed() == 0;
        if !is_at_least_7_2() && !is_connected() && !self.has_user() {
            return Caller(None);
        }
        // SAFETY: the context is that of the running call; its client has a user, or the server returns NULL.
        // `RedisString` releases the reference.
        Caller(unsafe { RedisString::from_raw(api(raw::RedisModule_GetCurrentUserName)(self.as_ptr())) })
    }

    /// Whether a call without a connected client (from a script or another module) has a user.
    ///
    /// GetCurrentUserName crashes Redis 7.0 if there is none. So this calls a command that does not exist "as the
    /// context's user"; the server refuses it in both cases, with different errors.
    fn has_user(self) -> bool {
        // SAFETY: the context is that of the running call, name and format end in NUL; the format declares no
        // argument.
        let reply =
            unsafe { api(raw::RedisModule_Call)(self.as_ptr(), c"jrs.no-such-command".as_ptr(), c"C".as_ptr()) };
        let reason = io::Error::last_os_error();
        if !reply.is_null() {
            // SAFETY: the caller must free the reply.
            unsafe { api(raw::RedisModule_FreeCallReply)(reply) };
        }
        // A context without a user gives ENOTSUP.
        reason.kind() != io::ErrorKind::Unsupported
    }
}
