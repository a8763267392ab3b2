//! Calls commands of the server, for what the module API does not offer.

use std::{ffi::CStr, mem::ManuallyDrop, slice};

use redis_module::raw;

use crate::redis::ffi::{api::api, context::Ctx, string::RedisString};

impl Ctx<'_> {
    /// The integer reply of a command of the server. `None` for another reply or an error.
    pub(in crate::redis) fn call_integer(self, command: &CStr, arguments: &[&RedisString]) -> Option<i64> {
        self.call(c"v", command, arguments)?.integer()
    }

    /// As [`call_integer`](Self::call_integer), for a command that writes. The write is replicated. `None` also if the
    /// server refuses writes now, as it does for scripts: after a failed save, without enough replicas, on a read-only
    /// replica. Does not check whether writes are paused.
    pub(in crate::redis) fn call_write(self, command: &CStr, arguments: &[&RedisString]) -> Option<i64> {
        // `E` asks for errors as replies: without it Valkey 9.1 crashes when it refuses the write.
        self.call(c"!ESv", command, arguments)?.integer()
    }

    /// The string reply of a command of the server. `None` for another reply or an error.
    pub(in crate::redis) fn call_string(self, command: &CStr, arguments: &[&RedisString]) -> Option<Vec<u8>> {
        self.call(c"v", command, arguments)?.bytes().map(<[u8]>::to_vec)
    }

    /// The string at a position in the array that a command of the server replies with. `None` for another reply.
    pub(in crate::redis) fn call_element(
        self,
        command: &CStr,
        arguments: &[&RedisString],
        position: usize,
    ) -> Option<Vec<u8>> {
        self.call(c"v", command, arguments)?.element(position)
    }

    /// `format` ends in `v`.
    fn call(self, format: &CStr, command: &CStr, arguments: &[&RedisString]) -> Option<Reply> {
        let mut list: Vec<*mut raw::RedisModuleString> = arguments.iter().map(|text| text.as_ptr()).collect();
        // SAFETY: the context is that of the running call, the command ends in NUL; the format has flags and declares an
        // array of strings with its length, and both follow. A refused call returns NULL or an error.
        let reply = unsafe {
            let call = api(raw::RedisModule_Call);
            call(self.as_ptr(), command.as_ptr(), format.as_ptr(), list.as_mut_ptr(), list.len())
        };
        // No `Reply` for NULL: the server would crash when it is freed.
        (!reply.is_null()).then(|| Reply(reply))
    }
}

/// A reply of the server to a call of the module.
struct Reply(*mut raw::RedisModuleCallReply);

impl Reply {
    fn kind(&self) -> isize {
        // SAFETY: the reply is alive.
        let kind = unsafe { api(raw::RedisModule_CallReplyType)(self.0) };
        isize::try_from(kind).unwrap_or(-1)
    }

    /// The number of an integer reply.
    fn integer(&self) -> Option<i64> {
        // SAFETY: the reply is alive.
        (self.kind() == raw::REDISMODULE_REPLY_INTEGER)
            .then(|| unsafe { api(raw::RedisModule_CallReplyInteger)(self.0) })
    }

    /// The bytes of a string in an array.
    fn element(&self, position: usize) -> Option<Vec<u8>> {
        if self.kind() != raw::REDISMODULE_REPLY_ARRAY {
            return None;
        }
        // SAFETY: the reply is alive and an array; the server returns NULL behind its end.
        let element = unsafe { api(raw::RedisModule_CallReplyArrayElement)(self.0, position) };
        // The array owns its elements, so this one is not freed.
        let element = ManuallyDrop::new(Reply((!element.is_null()).then_some(element)?));
        element.bytes().map(<[u8]>::to_vec)
    }

    /// The bytes of a string reply.
    fn bytes(&self) -> Option<&[u8]> {
        let mut length = 0;
        // SAFETY: the reply is alive; the server returns NULL for a reply that is not a string.
        let start = unsafe { api(raw::RedisModule_CallReplyStringPtr)(self.0, &raw mut length) };
        // SAFETY: the server returns address and length of the bytes, which live as long as the reply.
        (!start.is_null()).then(|| unsafe { slice::from_raw_parts(start.cast(), length) })
    }
}

impl Drop for Reply {
    fn drop(&mut self) {
        // SAFETY: the caller must free the reply.
        unsafe { api(raw::RedisModule_FreeCallReply)(self.0) };
    }
}
