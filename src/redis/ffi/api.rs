//! The function pointers that the server fills in when it loads a module.

use std::ffi::c_int;

use redis_module::raw;

/// The server's functions return this on success (REDISMODULE_OK of the header, in the type that they return).
pub(in crate::redis) const OK: c_int = 0;
/// They return this on failure.
pub(in crate::redis) const ERR: c_int = 1;

/// The function behind a pointer that the server filled in at load.
///
/// Never fails after the load: [`missing`] refuses a server that lacks a function.
#[expect(clippy::expect_used, reason = "checked at load; a panic here would be caught by the guard all the same")]
#[inline]
pub(in crate::redis) fn api<F>(function: Option<F>) -> F {
    function.expect("the server has this function")
}

/// Whether this is Redis 7.2 or later, or Valkey.
pub(in crate::redis) fn is_at_least_7_2() -> bool {
    // SAFETY: takes nothing, returns a number.
    unsafe { api(raw::RedisModule_GetServerVersion)() >= 0x0007_0200 }
}

/// The name of the first of these functions that the server lacks.
macro_rules! first_missing {
    ($($function:ident)*) => {
        [$((stringify!($function), is_there(raw::$function))),*].into_iter().find(|(_, is_there)| !is_there)
    };
}

/// By value, because references to these mutable statics are not allowed.
fn is_there<F>(function: Option<F>) -> bool {
    function.is_some()
}

/// The name of a needed function that this server lacks, if there is one.
pub(in crate::redis) fn missing() -> Option<&'static str> {
    // SAFETY: the pointers are written once, by RedisModule_Init on this thread, before this reads them.
    let missing = unsafe {
        first_missing! {
            RedisModule_ACLAddLogEntry RedisModule_ACLCheckKeyPermissions RedisModule_AvoidReplicaTraffic
            RedisModule_BlockClient RedisModule_BlockedClientMeasureTimeEnd RedisModule_BlockedClientMeasureTimeStart
            RedisModule_Call RedisModule_CallReplyArrayElement RedisModule_CallReplyInteger RedisModule_CallReplyStringPtr RedisModule_CallReplyType
            RedisModule_CloseKey RedisModule_CreateCommand RedisModule_CreateString RedisModule_CreateTimer
            RedisModule_DbSize RedisModule_DeleteKey RedisModule_EventLoopAddOneShot RedisModule_Free RedisModule_FreeCallReply
            RedisModule_FreeModuleUser RedisModule_FreeServerInfo RedisModule_FreeString
            RedisModule_FreeThreadSafeContext RedisModule_GetAbsExpire RedisModule_GetBlockedClientPrivateData
            RedisModule_GetCommand RedisModule_GetCommandKeys RedisModule_GetContextFlags
            RedisModule_GetCurrentUserName RedisModule_GetModuleUserFromUserName RedisModule_GetSelectedDb
            RedisModule_GetServerInfo RedisModule_GetServerVersion RedisModule_GetThreadSafeContext
            RedisModule_InfoAddFieldCString RedisModule_InfoAddFieldULongLong RedisModule_InfoAddSection
            RedisModule_InfoBeginDictField RedisModule_InfoEndDictField RedisModule_KeyType RedisModule_LatencyAddSample RedisModule_LoadConfigs
            RedisModule_Log RedisModule_Milliseconds RedisModule_NotifyKeyspaceEvent RedisModule_OpenKey
            RedisModule_RedactClientCommandArgument RedisModule_RegisterBoolConfig RedisModule_RegisterEnumConfig
            RedisModule_RegisterInfoFunc RedisModule_RegisterNumericConfig RedisModule_RegisterStringConfig
            RedisModule_Replicate RedisModule_ReplySetArrayLength RedisModule_ReplyWithArray
            RedisModule_ReplyWithError RedisModule_ReplyWithLongLong RedisModule_ReplyWithMap
            RedisModule_ReplyWithNull RedisModule_ReplyWithSimpleString RedisModule_ReplyWithStringBuffer
            RedisModule_RetainString RedisModule_Scan RedisModule_ScanCursorCreate RedisModule_ScanCursorDestroy
            RedisModule_ScanCursorRestart RedisModule_SelectDb RedisModule_ServerInfoGetField
            RedisModule_SetAbsExpire RedisModule_SetCommandInfo RedisModule_SetModuleOptions RedisModule_StringDMA
            RedisModule_StringPtrLen RedisModule_StringSet RedisModule_SubscribeToKeyspaceEvents
            RedisModule_SubscribeToServerEvent RedisModule_TrimStringAllocation RedisModule_TryAlloc
            RedisModule_UnblockClient RedisModule_WrongArity
        }
    };
    missing.map(|(name, _)| name.trim_start_matches("RedisModule_"))
}
