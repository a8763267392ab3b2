//! The module's sections of INFO, and what the server's own say.

use std::ffi::{CStr, CString, c_int};

use redis_module::raw;

use crate::redis::ffi::{
    api::{OK, api},
    context::Ctx,
    guard::guard,
    string::RedisString,
};

impl Ctx<'_> {
    /// A field of a section of the server's INFO; `None` if there is none of that name.
    ///
    /// It needs no command, so that it works where an operator has renamed them.
    pub fn info_field(self, section: &CStr, field: &CStr) -> Option<String> {
        // SAFETY: the context is that of the running call, the section ends in NUL.
        let info = unsafe { api(raw::RedisModule_GetServerInfo)(self.as_ptr(), section.as_ptr()) };
        // SAFETY: as above; the server returns a new string or NULL.
        let value = unsafe {
            let value = api(raw::RedisModule_ServerInfoGetField)(self.as_ptr(), info, field.as_ptr());
            RedisString::from_raw(value)
        };
        // SAFETY: the answer came from GetServerInfo and is used no more.
        unsafe { api(raw::RedisModule_FreeServerInfo)(self.as_ptr(), info) };
        value.map(|value| String::from_utf8_lossy(value.bytes()).into_owned())
    }
}

/// What answers INFO.
pub trait InfoSource {
    fn write(info: &mut Info);
}

/// An answer to INFO that is being written. Field names get the module's name in front.
#[derive(Debug)]
pub struct Info(*mut raw::RedisModuleInfoCtx);

/// Lets `S` answer INFO.
pub fn register_info<S: InfoSource>(ctx: Ctx<'_>) {
    // SAFETY: the context is that of the load, the callback has the announced shape.
    unsafe { api(raw::RedisModule_RegisterInfoFunc)(ctx.as_ptr(), Some(answer::<S>)) };
}

extern "C" fn answer<S: InfoSource>(info: *mut raw::RedisModuleInfoCtx, for_crash_report: c_int) {
    // A crashing server may hold our locks: it has to do without us.
    if for_crash_report == 0 {
        guard(|| S::write(&mut Info(info)));
    }
}

impl Info {
    /// Begins a section. False if the client did not ask for it: then its fields need not be written.
    pub fn section(&mut self, name: &CStr) -> bool {
        // SAFETY: the answer is the one under way, the name ends in NUL.
        unsafe { api(raw::RedisModule_InfoAddSection)(self.0, name.as_ptr()) == OK }
    }

    pub fn number(&mut self, name: &str, number: u64) {
        if let Ok(name) = CString::new(name) {
            // SAFETY: the answer is the one under way, the name ends in NUL.
            unsafe { api(raw::RedisModule_InfoAddFieldULongLong)(self.0, name.as_ptr(), number) };
        }
    }

    /// A text. Characters that would break a line, or the `name=value,…` form of a [`group`](Self::group), become `_`.
    pub fn text(&mut self, name: &str, text: &str) {
        let clean = text.replace(|char: char| char.is_control() || char == ',' || char == '=', "_");
        if let (Ok(name), Ok(text)) = (CString::new(name), CString::new(clean)) {
            // SAFETY: the answer is the one under way, both strings end in NUL.
            unsafe { api(raw::RedisModule_InfoAddFieldCString)(self.0, name.as_ptr(), text.as_ptr()) };
        }
    }

    /// A field of several values: `name:a=1,b=2`.
    pub fn group(&mut self, name: &str, write: impl FnOnce(&mut Self)) {
        if let Ok(name) = CString::new(name) {
            // SAFETY: the answer is the one under way, the name ends in NUL.
            unsafe { api(raw::RedisModule_InfoBeginDictField)(self.0, name.as_ptr()) };
            write(self);
            // SAFETY: the group was begun above.
            unsafe { api(raw::RedisModule_InfoEndDictField)(self.0) };
        }
    }
}
