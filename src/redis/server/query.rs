//! Questions to the server that its module functions do not answer, put as commands.

use std::{ffi::CStr, slice};

use redis_module::raw;

use crate::redis::ffi::{api::api, context::Ctx, string::RedisString};

impl Ctx<'_> {
    /// The integer that a command of the server replies; `None` for anything else, a refusal too.
    pub(in crate::redis) fn call_integer(self, command: &CStr, arguments: &[&RedisString]) -> Option<i64> {
        let reply = self.call(command, arguments)?;
        // SAFETY: the reply is alive.
        (reply.kind() == raw::REDISMODULE_REPLY_INTEGER)
            .then(|| unsafe { api(raw::RedisModule_CallReplyInteger)(reply.0) })
    }

    /// The string that a command of the server replies; `None` for anything else, a refusal too.
    pub(in crate::redis) fn call_string(self, command: &CStr, arguments: &[&RedisString]) -> Option<Vec<u8>> {
        self.call(command, arguments)?.bytes().map(<[u8]>::to_vec)
    }

    fn call(self, command: &CStr, arguments: &[&RedisString]) -> Option<Reply> {
        let mut list: Vec<*mut raw::RedisModuleString> = arguments.iter().map(|text| text.as_ptr()).collect();
        // SAFETY: the context is that of the running call, the command ends in NUL; the format announces an array of
        // strings with its length, and they follow. A refused call returns NULL or an error.
        let reply = unsafe {
            let call = api(raw::RedisModule_Call);
            call(self.as_ptr(), command.as_ptr(), c"v".as_ptr(), list.as_mut_ptr(), list.len())
        };
        // Nothing is made of NULL: the server would crash when it is freed.
        (!reply.is_null()).then(|| Reply(reply))
    }
}

/// A reply of the server to the module.
struct Reply(*mut raw::RedisModuleCallReply);

impl Reply {
    fn kind(&self) -> isize {
        // SAFETY: the reply is alive.
        let kind = unsafe { api(raw::RedisModule_CallReplyType)(self.0) };
        isize::try_from(kind).unwrap_or(-1)
    }

    /// The bytes of a string reply.
    fn bytes(&self) -> Option<&[u8]> {
        let mut length = 0;
        // SAFETY: the reply is alive; the server returns NULL for one that is no string.
        let start = unsafe { api(raw::RedisModule_CallReplyStringPtr)(self.0, &raw mut length) };
        // SAFETY: the server returns where the bytes begin and how many there are; they live as long as the reply.
        (!start.is_null()).then(|| unsafe { slice::from_raw_parts(start.cast(), length) })
    }
}

impl Drop for Reply {
    fn drop(&mut self) {
        // SAFETY: a reply that is ours to free.
        unsafe { api(raw::RedisModule_FreeCallReply)(self.0) };
    }
}
