//! The server's log.

use std::{ffi::CString, ptr};

use redis_module::raw;

use crate::redis::ffi::api::api;

/// The level of a log line.
#[derive(Clone, Copy, Debug)]
pub enum Level {
    /// For the operator's information.
    Notice,
    /// The operator should act.
    Warning,
}

/// Writes one line. Control characters are escaped, so that a text cannot forge a line. The text must not hold a
/// secret.
pub fn log(level: Level, text: &str) {
    let mut line = String::with_capacity(text.len() + 6);
    line.push_str("<jrs> ");
    for char in text.chars() {
        if char.is_control() { line.extend(char.escape_default()) } else { line.push(char) }
    }
    let level = match level {
        Level::Notice => c"notice",
        Level::Warning => c"warning",
    };
    // Control characters, NUL included, were escaped above.
    let Ok(line) = CString::new(line) else { return };
    // SAFETY: both strings end in NUL and outlive the call; the format takes one string and the text is that argument,
    // so that no `%` in it is read as a conversion. Without a context the server writes the line as it is.
    unsafe { api(raw::RedisModule_Log)(ptr::null_mut(), level.as_ptr(), c"%s".as_ptr(), line.as_ptr()) }
}
