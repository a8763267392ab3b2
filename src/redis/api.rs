//! The functions that the server hands to a module when it is loaded.

use std::ffi::c_int;

use redis_module::raw;

/// What the server's functions return on success (the header's REDISMODULE_OK, as the type that they return).
pub(super) const OK: c_int = 0;
/// What they return otherwise.
pub(super) const ERR: c_int = 1;

/// The function behind a pointer that the server filled in at load.
///
/// [`missing`] refuses a server that lacks one of them before anything else runs, so this finds them all.
#[expect(clippy::expect_used, reason = "checked at load; a panic here would be caught by the guard all the same")]
#[inline]
pub(super) fn api<F>(function: Option<F>) -> F {
    function.expect("the server has this function")
}

/// By value, because no reference to these statics may be made.
fn there<F>(function: Option<F>) -> bool {
    function.is_some()
}

/// The name of a function that this server lacks, if it lacks one that is needed.
pub(super) fn missing() -> Option<&'static str> {
    // SAFETY: the pointers are written once, by RedisModule_Init on this thread, before this reads them.
    let needed = unsafe {
        [
            ("ACLAddLogEntry", there(raw::RedisModule_ACLAddLogEntry)),
            ("ACLCheckKeyPermissions", there(raw::RedisModule_ACLCheckKeyPermissions)),
            ("AvoidReplicaTraffic", there(raw::RedisModule_AvoidReplicaTraffic)),
            ("BlockClient", there(raw::RedisModule_BlockClient)),
            ("BlockedClientMeasureTimeEnd", there(raw::RedisModule_BlockedClientMeasureTimeEnd)),
            ("BlockedClientMeasureTimeStart", there(raw::RedisModule_BlockedClientMeasureTimeStart)),
            ("Call", there(raw::RedisModule_Call)),
            ("CallReplyInteger", there(raw::RedisModule_CallReplyInteger)),
            ("CallReplyStringPtr", there(raw::RedisModule_CallReplyStringPtr)),
            ("CallReplyType", there(raw::RedisModule_CallReplyType)),
            ("CloseKey", there(raw::RedisModule_CloseKey)),
            ("CreateCommand", there(raw::RedisModule_CreateCommand)),
            ("CreateString", there(raw::RedisModule_CreateString)),
            ("CreateTimer", there(raw::RedisModule_CreateTimer)),
            ("DeleteKey", there(raw::RedisModule_DeleteKey)),
            ("EventLoopAddOneShot", there(raw::RedisModule_EventLoopAddOneShot)),
            ("Free", there(raw::RedisModule_Free)),
            ("FreeCallReply", there(raw::RedisModule_FreeCallReply)),
            ("FreeModuleUser", there(raw::RedisModule_FreeModuleUser)),
            ("FreeServerInfo", there(raw::RedisModule_FreeServerInfo)),
            ("FreeString", there(raw::RedisModule_FreeString)),
            ("FreeThreadSafeContext", there(raw::RedisModule_FreeThreadSafeContext)),
            ("GetAbsExpire", there(raw::RedisModule_GetAbsExpire)),
            ("GetBlockedClientPrivateData", there(raw::RedisModule_GetBlockedClientPrivateData)),
            ("GetCommand", there(raw::RedisModule_GetCommand)),
            ("GetCommandKeys", there(raw::RedisModule_GetCommandKeys)),
            ("GetContextFlags", there(raw::RedisModule_GetContextFlags)),
            ("GetCurrentUserName", there(raw::RedisModule_GetCurrentUserName)),
            ("GetModuleUserFromUserName", there(raw::RedisModule_GetModuleUserFromUserName)),
            ("GetSelectedDb", there(raw::RedisModule_GetSelectedDb)),
            ("GetServerInfo", there(raw::RedisModule_GetServerInfo)),
            ("GetServerVersion", there(raw::RedisModule_GetServerVersion)),
            ("GetThreadSafeContext", there(raw::RedisModule_GetThreadSafeContext)),
            ("InfoAddFieldCString", there(raw::RedisModule_InfoAddFieldCString)),
            ("InfoAddFieldULongLong", there(raw::RedisModule_InfoAddFieldULongLong)),
            ("InfoAddSection", there(raw::RedisModule_InfoAddSection)),
            ("InfoBeginDictField", there(raw::RedisModule_InfoBeginDictField)),
            ("InfoEndDictField", there(raw::RedisModule_InfoEndDictField)),
            ("KeyType", there(raw::RedisModule_KeyType)),
            ("LoadConfigs", there(raw::RedisModule_LoadConfigs)),
            ("Log", there(raw::RedisModule_Log)),
            ("Milliseconds", there(raw::RedisModule_Milliseconds)),
            ("NotifyKeyspaceEvent", there(raw::RedisModule_NotifyKeyspaceEvent)),
            ("OpenKey", there(raw::RedisModule_OpenKey)),
            ("RedactClientCommandArgument", there(raw::RedisModule_RedactClientCommandArgument)),
            ("RegisterBoolConfig", there(raw::RedisModule_RegisterBoolConfig)),
            ("RegisterEnumConfig", there(raw::RedisModule_RegisterEnumConfig)),
            ("RegisterInfoFunc", there(raw::RedisModule_RegisterInfoFunc)),
            ("RegisterNumericConfig", there(raw::RedisModule_RegisterNumericConfig)),
            ("RegisterStringConfig", there(raw::RedisModule_RegisterStringConfig)),
            ("Replicate", there(raw::RedisModule_Replicate)),
            ("ReplySetArrayLength", there(raw::RedisModule_ReplySetArrayLength)),
            ("ReplyWithArray", there(raw::RedisModule_ReplyWithArray)),
            ("ReplyWithError", there(raw::RedisModule_ReplyWithError)),
            ("ReplyWithLongLong", there(raw::RedisModule_ReplyWithLongLong)),
            ("ReplyWithMap", there(raw::RedisModule_ReplyWithMap)),
            ("ReplyWithNull", there(raw::RedisModule_ReplyWithNull)),
            ("ReplyWithSimpleString", there(raw::RedisModule_ReplyWithSimpleString)),
            ("ReplyWithStringBuffer", there(raw::RedisModule_ReplyWithStringBuffer)),
            ("RetainString", there(raw::RedisModule_RetainString)),
            ("Scan", there(raw::RedisModule_Scan)),
            ("ScanCursorCreate", there(raw::RedisModule_ScanCursorCreate)),
            ("ScanCursorDestroy", there(raw::RedisModule_ScanCursorDestroy)),
            ("ScanCursorRestart", there(raw::RedisModule_ScanCursorRestart)),
            ("SelectDb", there(raw::RedisModule_SelectDb)),
            ("ServerInfoGetField", there(raw::RedisModule_ServerInfoGetField)),
            ("SetAbsExpire", there(raw::RedisModule_SetAbsExpire)),
            ("SetCommandInfo", there(raw::RedisModule_SetCommandInfo)),
            ("SetModuleOptions", there(raw::RedisModule_SetModuleOptions)),
            ("StringDMA", there(raw::RedisModule_StringDMA)),
            ("StringPtrLen", there(raw::RedisModule_StringPtrLen)),
            ("StringSet", there(raw::RedisModule_StringSet)),
            ("SubscribeToKeyspaceEvents", there(raw::RedisModule_SubscribeToKeyspaceEvents)),
            ("SubscribeToServerEvent", there(raw::RedisModule_SubscribeToServerEvent)),
            ("TrimStringAllocation", there(raw::RedisModule_TrimStringAllocation)),
            ("TryAlloc", there(raw::RedisModule_TryAlloc)),
            ("UnblockClient", there(raw::RedisModule_UnblockClient)),
            ("ValueLength", there(raw::RedisModule_ValueLength)),
            ("WrongArity", there(raw::RedisModule_WrongArity)),
        ]
    };
    needed.into_iter().find(|(_, there)| !there).map(|(name, _)| name)
}
