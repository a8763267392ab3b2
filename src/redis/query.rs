//! Questions to the server that its module functions do not answer, put as commands.

use std::{ffi::CStr, slice};

use redis_module::raw;

use super::{api::api, call::Ctx, text::Text};

impl Ctx<'_> {
    /// The value of a setting of the server; `None` if there is none of that name.
    pub fn server_setting(self, name: &str) -> Option<String> {
        let arguments = [&Text::new(b"GET"), &Text::new(name.as_bytes())];
        let pair = self.ask_strings(c"CONFIG", &arguments)?;
        pair.get(1).map(|value| String::from_utf8_lossy(value.bytes()).into_owned())
    }

    /// The integer that a command of the server replies; `None` for anything else, a refusal too.
    pub(super) fn ask_integer(self, command: &CStr, arguments: &[&Text]) -> Option<i64> {
        let reply = self.ask(command, arguments)?;
        // SAFETY: the reply is alive.
        (reply.kind() == raw::REDISMODULE_REPLY_INTEGER)
            .then(|| unsafe { api(raw::RedisModule_CallReplyInteger)(reply.0) })
    }

    /// The string that a command of the server replies; `None` for anything else, a refusal too.
    pub(super) fn ask_string(self, command: &CStr, arguments: &[&Text]) -> Option<Vec<u8>> {
        self.ask(command, arguments)?.bytes().map(<[u8]>::to_vec)
    }

    /// The strings that a command of the server replies as an array; `None` for anything else, a refusal too.
    pub(super) fn ask_strings(self, command: &CStr, arguments: &[&Text]) -> Option<Vec<Text>> {
        let reply = self.ask(command, arguments)?;
        if reply.kind() != raw::REDISMODULE_REPLY_ARRAY {
            return None;
        }
        // SAFETY: the reply is alive.
        let length = unsafe { api(raw::RedisModule_CallReplyLength)(reply.0) };
        let element = |at| {
            // SAFETY: the reply is alive and its element lives with it, which nobody frees twice.
            let element =
                std::mem::ManuallyDrop::new(Reply(unsafe { api(raw::RedisModule_CallReplyArrayElement)(reply.0, at) }));
            element.bytes().map(Text::new)
        };
        (0..length).map(element).collect()
    }

    fn ask(self, command: &CStr, arguments: &[&Text]) -> Option<Reply> {
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
