//! Samples for the server's latency monitor: `LATENCY LATEST`, `LATENCY HISTORY`.

use std::{
    ffi::{CStr, c_char, c_void},
    slice,
    sync::atomic::{AtomicI64, Ordering},
    time::Duration,
};

use redis_module::raw;

use crate::redis::ffi::{api::api, context::Ctx, string::RedisString};

/// The parameter of the server with the shortest time that is recorded, in milliseconds. 0: none is.
const PARAMETER: &CStr = c"latency-monitor-threshold";

/// The value of this parameter.
static THRESHOLD: AtomicI64 = AtomicI64::new(0);

/// Records how long something took, if the latency monitor is on and the time reaches its threshold.
pub fn add_latency_sample(event: &CStr, time: Duration) {
    // With a threshold of 0, which turns the monitor off, the server would record every sample of a module.
    let threshold = THRESHOLD.load(Ordering::Relaxed);
    let millis = i64::try_from(time.as_millis()).unwrap_or(i64::MAX);
    if threshold > 0 && millis >= threshold {
        // SAFETY: the name ends in NUL, and the server copies it.
        unsafe { api(raw::RedisModule_LatencyAddSample)(event.as_ptr(), millis) };
    }
}

/// Reads the threshold. Where an operator has renamed CONFIG, the monitor counts as off.
pub(in crate::redis) fn read_threshold(ctx: Ctx<'_>) {
    let arguments = [RedisString::new(b"GET"), RedisString::new(PARAMETER.to_bytes())];
    let value = ctx.call_element(c"CONFIG", &arguments.each_ref(), 1);
    let number = value.and_then(|value| str::from_utf8(&value).ok()?.parse().ok());
    THRESHOLD.store(number.unwrap_or(0), Ordering::Relaxed);
}

/// Reads the threshold again if it changed.
///
/// # Safety
/// `change` is what the server passed with the event REDISMODULE_EVENT_CONFIG that it is calling the module for.
pub(in crate::redis) unsafe fn on_config_change(ctx: Ctx<'_>, change: *const c_void) {
    // SAFETY: this event comes with this structure.
    let Some(change) = (unsafe { change.cast::<raw::RedisModuleConfigChange>().as_ref() }) else { return };
    let names: *const *const c_char = change.config_names.cast();
    if names.is_null() {
        return;
    }
    // SAFETY: the server passes the address and the number of the names, which end in NUL.
    let mut names = unsafe { slice::from_raw_parts(names, change.num_changes as usize) }.iter();
    // SAFETY: as above.
    if names.any(|name| unsafe { CStr::from_ptr(*name) } == PARAMETER) {
        read_threshold(ctx);
    }
}
