//! Strings of the server.

use std::{marker::PhantomData, ptr, slice};

use redis_module::raw;

use crate::redis::ffi::api::api;

/// Arguments of the command that is running.
///
/// Not a slice, because a redaction on Valkey overwrites the array element with a placeholder. Take a token out before
/// you redact it.
#[derive(Clone, Copy, Debug)]
pub struct Args<'call> {
    first: *const *mut raw::RedisModuleString,
    count: usize,
    call: PhantomData<&'call ()>,
}

impl<'call> Args<'call> {
    /// # Safety
    /// The server passed `count` strings in an array that begins at `first`, and both outlive 'call.
    pub(in crate::redis) const unsafe fn new(first: *const *mut raw::RedisModuleString, count: usize) -> Self {
        Self { first, count, call: PhantomData }
    }

    /// How many arguments there are.
    #[inline]
    pub const fn len(self) -> usize {
        self.count
    }

    /// Whether there are none.
    #[inline]
    pub const fn is_empty(self) -> bool {
        self.count == 0
    }

    /// The argument at a position.
    #[inline]
    pub fn get(self, position: usize) -> Option<ArgRef<'call>> {
        if position >= self.count {
            return None;
        }
        // SAFETY: the position is within the array, which holds strings.
        let raw = unsafe { self.first.add(position).read() };
        Some(ArgRef { raw, call: PhantomData })
    }

    /// The arguments from a position on.
    #[inline]
    pub fn skip(self, count: usize) -> Self {
        let count = count.min(self.count);
        // SAFETY: at most the end of the array.
        Self { first: unsafe { self.first.add(count) }, count: self.count - count, call: PhantomData }
    }
}

/// An argument of the command that is running.
#[derive(Clone, Copy, Debug)]
pub struct ArgRef<'call> {
    raw: *mut raw::RedisModuleString,
    call: PhantomData<&'call ()>,
}

impl<'call> ArgRef<'call> {
    /// Its bytes. They need not be UTF-8.
    #[inline]
    pub fn bytes(self) -> &'call [u8] {
        // SAFETY: the server keeps the arguments, unchanged, until the command has returned, which 'call does not
        // outlive. A redaction replaces what the client's record of the command refers to, not the string.
        unsafe { bytes(self.raw) }
    }

    /// A reference to the string that outlives the call.
    #[inline]
    pub fn to_redis_string(self) -> RedisString {
        // SAFETY: the string is alive; `RedisString::drop` releases the reference that this takes.
        unsafe { api(raw::RedisModule_RetainString)(ptr::null_mut(), self.raw) };
        RedisString(self.raw)
    }
}

/// A string of the server, of which this owns one reference.
#[derive(Debug)]
#[repr(transparent)]
pub struct RedisString(*mut raw::RedisModuleString);

impl RedisString {
    /// A string of these bytes.
    #[inline]
    pub fn new(bytes: &[u8]) -> Self {
        // SAFETY: pointer and length are those of a slice, which the server copies.
        Self(unsafe { api(raw::RedisModule_CreateString)(ptr::null_mut(), bytes.as_ptr().cast(), bytes.len()) })
    }

    /// Takes over a reference that the server gave. Returns `None` for NULL.
    ///
    /// # Safety
    /// `raw` is NULL or a string of which the caller owns a reference.
    pub(in crate::redis) unsafe fn from_raw(raw: *mut raw::RedisModuleString) -> Option<Self> {
        (!raw.is_null()).then(|| Self(raw))
    }

    /// Its bytes. They need not be UTF-8.
    #[inline]
    pub fn bytes(&self) -> &[u8] {
        // SAFETY: the reference that this value owns keeps the string alive, and the server does not change shared
        // strings.
        unsafe { bytes(self.0) }
    }

    /// Passes the reference to the server, which frees it.
    pub(in crate::redis) fn into_raw(self) -> *mut raw::RedisModuleString {
        let raw = self.0;
        std::mem::forget(self);
        raw
    }

    pub(in crate::redis) const fn as_ptr(&self) -> *mut raw::RedisModuleString {
        self.0
    }
}

impl Drop for RedisString {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: this value owns one reference.
        unsafe { api(raw::RedisModule_FreeString)(ptr::null_mut(), self.0) }
    }
}

/// The bytes of a server's string.
///
/// # Safety
/// `raw` is a string that stays alive and unchanged for 'a.
#[inline]
pub(in crate::redis) unsafe fn bytes<'a>(raw: *const raw::RedisModuleString) -> &'a [u8] {
    let mut length = 0;
    // SAFETY: the caller guarantees that the string is alive.
    let start = unsafe { api(raw::RedisModule_StringPtrLen)(raw, &raw mut length) };
    // SAFETY: the server returns where the string's bytes begin and how many there are.
    unsafe { slice::from_raw_parts(start.cast(), length) }
}
