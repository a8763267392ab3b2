//! Describes commands for COMMAND DOCS, COMMAND INFO and the routing of cluster clients.

use std::{
    ffi::{CStr, c_char},
    ptr,
};

use redis_module::raw;

use crate::redis::{
    command::register::Spec,
    ffi::api::{OK, api},
};

/// One argument of a command, as COMMAND DOCS describes it.
#[derive(Debug)]
pub struct Argument {
    /// Its name in COMMAND DOCS and in JRS.HELP.
    pub name: &'static CStr,
    /// What it holds.
    pub kind: ArgType,
    /// The keyword in front of the argument, or the keyword that is the argument.
    pub token: Option<&'static CStr>,
    /// Whether it may be left out.
    pub optional: bool,
}

/// The type of an argument.
#[derive(Debug)]
pub enum ArgType {
    /// Any string.
    String,
    /// An integer.
    Integer,
    /// Seconds or milliseconds since the epoch.
    UnixTime,
    /// The name of a key: the routing argument of the command.
    Key,
    /// A keyword only.
    Word,
    /// A string, once or more often.
    Strings,
    /// One of these arguments.
    OneOf(&'static [Argument]),
    /// These arguments in this order.
    Block(&'static [Argument]),
}

impl Argument {
    /// An argument that is any string.
    pub const fn string(name: &'static CStr) -> Self {
        Self { name, kind: ArgType::String, token: None, optional: false }
    }

    /// A keyword without a value.
    pub const fn word(name: &'static CStr, token: &'static CStr) -> Self {
        Self { name, kind: ArgType::Word, token: Some(token), optional: false }
    }

    /// A keyword and its value.
    pub const fn after(token: &'static CStr, name: &'static CStr, kind: ArgType) -> Self {
        Self { name, kind, token: Some(token), optional: false }
    }

    /// Exactly one of several arguments.
    pub const fn one_of(name: &'static CStr, choices: &'static [Self]) -> Self {
        Self { name, kind: ArgType::OneOf(choices), token: None, optional: false }
    }

    /// A keyword, a number, and as many strings.
    pub const fn counted(name: &'static CStr, parts: &'static [Self; 2]) -> Self {
        Self { name, kind: ArgType::Block(parts), token: None, optional: false }
    }

    /// The same argument, optional.
    pub const fn optional(self) -> Self {
        // A struct update would move out of `self`, which const code does not allow for types with a destructor.
        let Self { name, kind, token, optional: _ } = self;
        Self { name, kind, token, optional: true }
    }
}

/// Describes a command to the server. False if the server refuses the description.
///
/// # Safety
/// `command` is a command of this module that is being created.
pub(in crate::redis) unsafe fn describe(
    command: *mut raw::RedisModuleCommand,
    spec: &Spec,
    routing_note: &CStr,
) -> bool {
    let version = raw::RedisModuleCommandInfoVersion {
        version: 1,
        sizeof_historyentry: size_of::<raw::RedisModuleCommandHistoryEntry>(),
        sizeof_keyspec: size_of::<raw::RedisModuleCommandKeySpec>(),
        sizeof_arg: size_of::<raw::RedisModuleCommandArg>(),
    };
    let mut key_specs = key_specs(spec, routing_note);
    let mut memory = Vec::new();
    let arguments = arguments(spec.arguments, &mut memory);
    let info = raw::RedisModuleCommandInfo {
        version: &raw const version,
        summary: spec.summary.as_ptr(),
        complexity: spec.complexity.as_ptr(),
        since: spec.since.as_ptr(),
        history: ptr::null_mut(),
        tips: spec.tips.map_or(ptr::null(), CStr::as_ptr),
        arity: spec.arity(),
        key_specs: key_specs.as_mut_ptr(),
        args: arguments,
    };
    // SAFETY: the command is ours; the description is complete, its arrays end in a zeroed element, and the server
    // copies all of it before it returns, which `version`, `key_specs`, `memory` and the note outlive.
    unsafe { api(raw::RedisModule_SetCommandInfo)(command, &raw const info) == OK }
}

/// The key specs of a command, ended by a zeroed one.
fn key_specs(spec: &Spec, routing_note: &CStr) -> Vec<raw::RedisModuleCommandKeySpec> {
    // SAFETY: the type is plain C data for which all zeroes is a valid value, and the one that ends a list.
    let end: raw::RedisModuleCommandKeySpec = unsafe { std::mem::zeroed() };
    if !spec.is_routed {
        return vec![end];
    }
    let writes = spec.has_flag(b"write") || spec.has_flag(b"may-replicate");
    let access = if writes { raw::REDISMODULE_CMD_KEY_RW } else { raw::REDISMODULE_CMD_KEY_RO };
    let mut first = end;
    first.notes = routing_note.as_ptr();
    first.flags = u64::from(access | raw::REDISMODULE_CMD_KEY_NOT_KEY);
    first.begin_search_type = raw::RedisModuleKeySpecBeginSearchType_REDISMODULE_KSPEC_BS_INDEX;
    first.bs.index.pos = 1;
    first.find_keys_type = raw::RedisModuleKeySpecFindKeysType_REDISMODULE_KSPEC_FK_RANGE;
    first.fk.range = raw::RedisModuleCommandKeySpec__bindgen_ty_2__bindgen_ty_1 { lastkey: 0, keystep: 1, limit: 0 };
    vec![first, end]
}

/// The arguments of a command in the server's form, ended by a zeroed one; `memory` holds what they point to.
fn arguments(
    arguments: &'static [Argument],
    memory: &mut Vec<Vec<raw::RedisModuleCommandArg>>,
) -> *mut raw::RedisModuleCommandArg {
    if arguments.is_empty() {
        return ptr::null_mut();
    }
    let mut list: Vec<_> = arguments.iter().map(|argument| self::argument(argument, memory)).collect();
    // SAFETY: plain C data for which all zeroes is a valid value, and the one that ends a list.
    list.push(unsafe { std::mem::zeroed() });
    let start = list.as_mut_ptr();
    // Moving the Vec moves no element: the pointer stays good for as long as `memory` lives.
    memory.push(list);
    start
}

fn argument(
    argument: &'static Argument,
    memory: &mut Vec<Vec<raw::RedisModuleCommandArg>>,
) -> raw::RedisModuleCommandArg {
    let kind = match argument.kind {
        ArgType::String | ArgType::Strings => raw::RedisModuleCommandArgType_REDISMODULE_ARG_TYPE_STRING,
        ArgType::Integer => raw::RedisModuleCommandArgType_REDISMODULE_ARG_TYPE_INTEGER,
        ArgType::UnixTime => raw::RedisModuleCommandArgType_REDISMODULE_ARG_TYPE_UNIX_TIME,
        ArgType::Key => raw::RedisModuleCommandArgType_REDISMODULE_ARG_TYPE_KEY,
        ArgType::Word => raw::RedisModuleCommandArgType_REDISMODULE_ARG_TYPE_PURE_TOKEN,
        ArgType::OneOf(_) => raw::RedisModuleCommandArgType_REDISMODULE_ARG_TYPE_ONEOF,
        ArgType::Block(_) => raw::RedisModuleCommandArgType_REDISMODULE_ARG_TYPE_BLOCK,
    };
    let parts = if let ArgType::OneOf(parts) | ArgType::Block(parts) = argument.kind { parts } else { &[] };
    let optional = if argument.optional { raw::REDISMODULE_CMD_ARG_OPTIONAL } else { 0 };
    let multiple = if matches!(argument.kind, ArgType::Strings) { raw::REDISMODULE_CMD_ARG_MULTIPLE } else { 0 };
    let none: *const c_char = ptr::null();
    raw::RedisModuleCommandArg {
        name: argument.name.as_ptr(),
        type_: kind,
        key_spec_index: if matches!(argument.kind, ArgType::Key) { 0 } else { -1 },
        token: argument.token.map_or(none, CStr::as_ptr),
        summary: none,
        since: none,
        flags: (optional | multiple).cast_signed(),
        deprecated_since: none,
        subargs: self::arguments(parts, memory),
        display_text: none,
    }
}
