//! Replies to the client.

use std::ffi::{CString, c_long};

use redis_module::raw;

use crate::redis::{
    ffi::{api::api, context::Ctx, refused::ErrorReply},
    server::module_trait::module,
};

impl Ctx<'_> {
    /// A bulk string of any bytes.
    #[inline]
    pub fn reply_bytes(self, bytes: impl AsRef<[u8]>) {
        let bytes = bytes.as_ref();
        // SAFETY: pointer and length are those of a slice, which the server copies.
        unsafe { api(raw::RedisModule_ReplyWithStringBuffer)(self.as_ptr(), bytes.as_ptr().cast(), bytes.len()) };
    }

    /// Replies with an integer, or adds one to the map or array under way.
    #[inline]
    pub fn reply_integer(self, number: i64) {
        // SAFETY: the context is that of the running call.
        unsafe { api(raw::RedisModule_ReplyWithLongLong)(self.as_ptr(), number) };
    }

    /// A null.
    pub fn reply_null(self) {
        // SAFETY: the context is that of the running call.
        unsafe { api(raw::RedisModule_ReplyWithNull)(self.as_ptr()) };
    }

    /// `OK`.
    pub fn reply_ok(self) {
        // SAFETY: the context is that of the running call, the text ends in NUL.
        unsafe { api(raw::RedisModule_ReplyWithSimpleString)(self.as_ptr(), c"OK".as_ptr()) };
    }

    /// Begins a map of `length` pairs; 2 × `length` replies must follow. RESP2 clients get a flat array.
    #[inline]
    pub fn reply_map(self, length: usize) {
        // SAFETY: the context is that of the running call.
        unsafe { api(raw::RedisModule_ReplyWithMap)(self.as_ptr(), c_long::try_from(length).unwrap_or(0)) };
    }

    /// Begins an array; `length` replies must follow.
    pub fn reply_array(self, length: usize) {
        // SAFETY: the context is that of the running call.
        unsafe { api(raw::RedisModule_ReplyWithArray)(self.as_ptr(), c_long::try_from(length).unwrap_or(0)) };
    }

    /// Begins an array of a length that [`end_array`](Self::end_array) sets.
    pub fn begin_array(self) {
        let later = c_long::from(raw::REDISMODULE_POSTPONED_LEN);
        // SAFETY: the context is that of the running call or of a blocked client.
        unsafe { api(raw::RedisModule_ReplyWithArray)(self.as_ptr(), later) };
    }

    /// Ends the array that was begun last and sets its length.
    pub fn end_array(self, length: usize) {
        // SAFETY: as above.
        unsafe { api(raw::RedisModule_ReplySetArrayLength)(self.as_ptr(), c_long::try_from(length).unwrap_or(0)) };
    }

    /// The error reply of a command.
    pub(in crate::redis) fn reply_refused(self, error: ErrorReply) {
        match error {
            ErrorReply::WrongArity => {
                // SAFETY: the context is that of the running call.
                unsafe { api(raw::RedisModule_WrongArity)(self.as_ptr()) };
            }
            ErrorReply::Refused(refused) => {
                self.reply_error(&module().map_or_else(String::new, |module| module.error_text(refused)));
            }
            ErrorReply::Text(text) => self.reply_error(&text),
        }
    }

    /// An error: first word, space, sentence. Characters that would break the line are replaced.
    fn reply_error(self, text: &str) {
        let clean: Vec<u8> = text.bytes().map(|byte| if (b' '..=b'~').contains(&byte) { byte } else { b'?' }).collect();
        if let Ok(text) = CString::new(clean) {
            // SAFETY: the context is that of the running call, the text ends in NUL.
            unsafe { api(raw::RedisModule_ReplyWithError)(self.as_ptr(), text.as_ptr()) };
        }
    }
}
