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

    /// A text. Characters that would break the line or the `name=value,…` form of a [`group`](Self::group) are
    /// percent-encoded.
    pub fn text(&mut self, name: &str, text: &str) {
        self.raw_text(name, &encode(text, is_reserved));
    }

    /// Texts, joined by `|`. Percent-encoded as in [`text`](Self::text), with `|`.
    pub fn list(&mut self, name: &str, texts: impl Iterator<Item = impl AsRef<str>>) {
        let encoded = texts.map(|text| encode(text.as_ref(), |char| is_reserved(char) || char == '|'));
        self.raw_text(name, &encoded.collect::<Vec<_>>().join("|"));
    }

    fn raw_text(&mut self, name: &str, text: &str) {
        if let (Ok(name), Ok(text)) = (CString::new(name), CString::new(text)) {
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

/// Whether a character has a meaning in a line of INFO, or in percent-encoding.
fn is_reserved(char: char) -> bool {
    char.is_control() || matches!(char, ':' | ',' | '=' | '%')
}

/// Percent-encodes characters (RFC 3986): each byte of their UTF-8 becomes `%` and two hex digits.
fn encode(text: &str, is_reserved: impl Fn(char) -> bool) -> String {
    let mut encoded = String::with_capacity(text.len());
    for char in text.chars() {
        if is_reserved(char) {
            let bytes = char.encode_utf8(&mut [0; 4]).bytes().map(|byte| format!("%{byte:02X}")).collect::<String>();
            encoded.push_str(&bytes);
        } else {
            encoded.push(char);
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::{encode, is_reserved};

    #[test]
    fn reserved_characters_are_percent_encoded() {
        for (text, encoded) in [
            ("sess:", "sess%3A"),
            ("a,b=c|100% \u{e9}", "a%2Cb%3Dc|100%25 \u{e9}"),
            ("\r\n\0\u{85}", "%0D%0A%00%C2%85"),
            ("", ""),
        ] {
            assert_eq!(encode(text, is_reserved), encoded);
        }
    }
}
