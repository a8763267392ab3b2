//! The context of a call from the server.

use std::{ffi::c_int, marker::PhantomData};

use redis_module::raw;

use super::api::api;

/// The context of a call from the server. Its lifetime ends with the call.
#[derive(Clone, Copy, Debug)]
pub struct Ctx<'call> {
    raw: *mut raw::RedisModuleCtx,
    call: PhantomData<&'call ()>,
}

impl Ctx<'_> {
    /// Wraps the context of the call that is running.
    ///
    /// # Safety
    /// `raw` is the context that the server passed to the running entry point, which outlives the chosen lifetime.
    pub(in crate::redis) const unsafe fn new(raw: *mut raw::RedisModuleCtx) -> Self {
        Self { raw, call: PhantomData }
    }

    pub(in crate::redis) const fn as_ptr(self) -> *mut raw::RedisModuleCtx {
        self.raw
    }

    pub(in crate::redis) fn flags(self) -> c_int {
        // SAFETY: the context is that of the running call.
        unsafe { api(raw::RedisModule_GetContextFlags)(self.raw) }
    }
}
