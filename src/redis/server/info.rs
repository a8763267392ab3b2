//! Reads fields of the server's INFO and writes the module's sections.

use std::ffi::{CStr, CString, c_int};

use redis_module::raw;

use crate::redis::ffi::{
    api::{OK, api},
    context::Ctx,
    guard::guard,
    string::RedisString,
};

impl Ctx<'_> {
    /// A field of the server's INFO; `None` if it does not exist.
    ///
    /// It calls no command, so it also works if an operator has renamed INFO.
    pub fn info_field(self, section: &CStr, field: &CStr) -> Option<String> {
        // SAFETY: the context is that of the running call, the section ends in NUL.
        let info = unsafe { api(raw::RedisModule_GetServerInfo)(self.as_ptr(), section.as_ptr()) };
        // SAFETY: as above; the server returns a new string or NULL.
        let value = unsafe {
            let value = api(raw::RedisModule_ServerInfoGetField)(self.as_ptr(), info, field.as_ptr());
            RedisString::from_raw(value)
        };
        // SAFETY: the answer came from GetServerInfo and is not used after this.
        unsafe { api(raw::RedisModule_FreeServerInfo)(self.as_ptr(), info) };
        value.map(|value| String::from_utf8_lossy(value.bytes()).into_owned())
    }
}

/// Writes the module's part of INFO.
pub trait InfoSource {
    /// Writes the sections and fields. A client can ask for it at any time.
    fn write(info: &mut Info);
}

/// An INFO reply that is being written. The server prefixes field names with the module's name.
#[derive(Debug)]
pub struct Info(*mut raw::RedisModuleInfoCtx);

/// Registers `S` for INFO.
pub fn register_info<S: InfoSource>(ctx: Ctx<'_>) {
    // SAFETY: the context is that of the load, the callback has the declared type.
    unsafe { api(raw::RedisModule_RegisterInfoFunc)(ctx.as_ptr(), Some(answer::<S>)) };
}

extern "C" fn answer<S: InfoSource>(info: *mut raw::RedisModuleInfoCtx, for_crash_report: c_int) {
    // A crash report must not wait for locks, which the crashed code may hold.
    if for_crash_report == 0 {
        guard(|| S::write(&mut Info(info)));
    }
}

impl Info {
    /// Begins a section. False if the client did not ask for it; its fields can be left out then.
    pub fn section(&mut self, name: &CStr) -> bool {
        // SAFETY: the answer is the one being written, the name ends in NUL.
        unsafe { api(raw::RedisModule_InfoAddSection)(self.0, name.as_ptr()) == OK }
    }

    /// Adds a field that holds a number.
    pub fn number(&mut self, name: &str, number: u64) {
        if let Ok(name) = CString::new(name) {
            // SAFETY: the answer is the one being written, the name ends in NUL.
            unsafe { api(raw::RedisModule_InfoAddFieldULongLong)(self.0, name.as_ptr(), number) };
        }
    }

    /// A text. Characters that would break the line or the `name=value,…` form of a [`group`](Self::group) become `_`.
    pub fn text(&mut self, name: &str, text: &str) {
        let clean = text.replace(|char: char| char.is_control() || char == ',' || char == '=', "_");
        if let (Ok(name), Ok(text)) = (CString::new(name), CString::new(clean)) {
            // SAFETY: the answer is the one being written, both strings end in NUL.
            unsafe { api(raw::RedisModule_InfoAddFieldCString)(self.0, name.as_ptr(), text.as_ptr()) };
        }
    }

    /// A field of several values: `name:a=1,b=2`.
    pub fn group(&mut self, name: &str, write: impl FnOnce(&mut Self)) {
        if let Ok(name) = CString::new(name) {
            // SAFETY: the answer is the one being written, the name ends in NUL.
            unsafe { api(raw::RedisModule_InfoBeginDictField)(self.0, name.as_ptr()) };
            write(self);
            // SAFETY: the group was begun above.
            unsafe { api(raw::RedisModule_InfoEndDictField)(self.0) };
        }
    }
}
