//! Declares what the module supports. Without the declarations the server disables some of its features.

use std::ffi::c_int;

use redis_module::raw;

use crate::redis::ffi::{api::api, context::Ctx};

/// Valkey's VALKEYMODULE_OPTIONS_HANDLE_ATOMIC_SLOT_MIGRATION, which the crate's header does not have.
const HANDLE_ATOMIC_SLOT_MIGRATION: c_int = 1 << 5;

/// Declares support for `repl-diskless-load swapdb` on replicas, and for `CLUSTER MIGRATESLOTS` on Valkey.
pub fn declare_features(ctx: Ctx<'_>) {
    let name = ctx.info_field(c"server", c"server_name").unwrap_or_default();
    let version = ctx.info_field(c"server", c"valkey_version").unwrap_or_default();
    let options = options(&name, &version);
    // SAFETY: the context is that of the load; this server knows the options.
    unsafe { api(raw::RedisModule_SetModuleOptions)(ctx.as_ptr(), options) }
}

fn options(name: &str, version: &str) -> c_int {
    // During an asynchronous load, commands read the old data set. The owner index keeps both apart, and no client is
    // blocked.
    let options = raw::REDISMODULE_OPTIONS_HANDLE_REPL_ASYNC_LOAD.cast_signed();
    // An owner's sessions are in one slot, and keys of a slot that is being imported are not read before this node
    // owns it. On other servers the bit may have another meaning.
    let major = version.split('.').next().and_then(|major| major.parse::<u32>().ok());
    let migrates = name == "valkey" && major.is_some_and(|major| major >= 9);
    if migrates { options | HANDLE_ATOMIC_SLOT_MIGRATION } else { options }
}

#[cfg(test)]
mod tests {
    use super::options;

    #[test]
    fn slot_migrations_are_declared_to_servers_that_have_them() {
        for (name, version, expected) in [
            ("", "", 4),
            ("redis", "", 4),
            ("redis", "9.1.0", 4),
            ("valkey", "", 4),
            ("valkey", "next", 4),
            ("valkey", "8.1.1", 4),
            ("valkey", "9.0.0", 4 | 32),
            ("valkey", "9.1.2", 4 | 32),
            ("valkey", "10.0.0-rc1", 4 | 32),
        ] {
            assert_eq!(options(name, version), expected, "{name} {version}");
        }
    }
}
