//! The commands of the module: how they are registered, and how the server calls them.

use std::ffi::{CStr, CString, NulError, c_int};

use redis_module::raw;

use crate::redis::ffi::refused::ErrorReply;
use crate::redis::{
    command::{
        call::Call,
        docs::{self, Argument},
    },
    ffi::{
        api::{OK, api},
        context::Ctx,
        log::{Level, log},
    },
    server::event,
};

/// A command: what the server is told about it, and what it does.
pub trait Command {
    const SPEC: Spec;
    type Error: Into<ErrorReply>;

    /// Runs the command. It replies once if it succeeds, or [lets the client wait](Call::block_and_run); it changes nothing
    /// and does not reply if it errs.
    fn run(call: &Call<'_>) -> Result<(), Self::Error>;
}

/// What the server is told about a command.
#[derive(Debug)]
pub struct Spec {
    pub name: &'static CStr,
    /// The server's flags, as `RedisModule_CreateCommand` takes them.
    pub flags: &'static CStr,
    /// Whether argument 1 routes it in a cluster: it is hashed like a key but need not be one (key-spec flag NOT_KEY). A
    /// command that is not routed works on any node.
    pub is_routed: bool,
    /// Whether it is for tests, and JRS.HELP does not name it.
    pub is_hidden: bool,
    /// What it does, in a sentence.
    pub summary: &'static CStr,
    pub complexity: &'static CStr,
    /// The version of JRS that it came with.
    pub since: &'static CStr,
    /// Hints for clients and proxies.
    pub tips: Option<&'static CStr>,
    pub arguments: &'static [Argument],
}

impl Spec {
    /// What holds for most commands.
    pub const BASE: Self = Self {
        name: c"",
        flags: c"write fast",
        is_routed: true,
        is_hidden: false,
        summary: c"",
        complexity: c"O(1)",
        since: c"0.1.0",
        tips: None,
        arguments: &[],
    };

    pub(in crate::redis) fn has_flag(&self, flag: &[u8]) -> bool {
        self.flags.to_bytes().split(|byte| *byte == b' ').any(|one| one == flag)
    }

    /// The number of arguments with the name; negative: at least so many.
    pub(in crate::redis) fn arity(&self) -> c_int {
        let count = 1 + self.arguments.iter().map(|argument| c_int::from(!argument.optional)).sum::<c_int>();
        if self.arguments.iter().any(|argument| argument.optional) { -count } else { count }
    }

    /// ACL categories that fit, for servers that let a module choose them.
    fn categories(&self) -> Result<CString, NulError> {
        let speed = if self.has_flag(b"fast") { "fast jrs" } else { "slow jrs" };
        let kind = [("admin", "admin dangerous "), ("write", "write "), ("readonly", "read ")];
        let kind = kind.into_iter().find(|(flag, _)| self.has_flag(flag.as_bytes())).map_or("", |(_, kind)| kind);
        CString::new([kind, speed].concat())
    }
}

/// A command that can be registered.
#[derive(Debug)]
pub struct Registration {
    pub spec: Spec,
    enter: EntryPoint,
}

type EntryPoint = extern "C" fn(*mut raw::RedisModuleCtx, *mut *mut raw::RedisModuleString, c_int) -> c_int;

impl Registration {
    pub const fn of<C: Command>() -> Self {
        Self { spec: C::SPEC, enter: enter::<C> }
    }
}

/// Registers commands, after the ACL category that they share where the server can make one.
pub fn register_all(ctx: Ctx<'_>, commands: &'static [Registration]) -> Result<(), String> {
    // SAFETY: the pointer was written at load; a server that does not have the function leaves it empty.
    if let Some(add) = unsafe { raw::RedisModule_AddACLCategory } {
        // SAFETY: the context is that of the load, the name ends in NUL.
        if unsafe { add(ctx.as_ptr(), c"jrs".as_ptr()) } != OK {
            log(Level::Notice, "the ACL category @jrs could not be made");
        }
    }
    commands.iter().try_for_each(|command| register(ctx, command))
}

fn register(ctx: Ctx<'_>, Registration { spec, enter }: &'static Registration) -> Result<(), String> {
    let name = spec.name.to_string_lossy().into_owned();
    // SAFETY: the context is that of the load, the strings end in NUL, and the entry point is that of a command.
    let created = unsafe {
        let create = api(raw::RedisModule_CreateCommand);
        create(ctx.as_ptr(), spec.name.as_ptr(), Some(*enter), spec.flags.as_ptr(), 0, 0, 0)
    };
    if created != OK {
        return Err(format!("the command {name} cannot be registered: another module may have one of that name"));
    }
    // SAFETY: the context is that of the load, the name ends in NUL.
    let command = unsafe { api(raw::RedisModule_GetCommand)(ctx.as_ptr(), spec.name.as_ptr()) };
    if command.is_null() {
        return Err(format!("the command {name} cannot be found after its registration"));
    }
    // SAFETY: the command was created just now.
    if !unsafe { docs::describe(command, spec) } {
        return Err(format!("the server refuses the description of the command {name}"));
    }
    // SAFETY: the pointer was written at load; a server that does not have the function leaves it empty.
    if let (Some(set), Ok(categories)) = (unsafe { raw::RedisModule_SetCommandACLCategories }, spec.categories()) {
        // SAFETY: the command was created just now, the names end in NUL. A server without @jrs refuses all of them,
        // and then the categories that follow from the flags remain.
        unsafe { set(command, categories.as_ptr()) };
    }
    Ok(())
}

/// Callback of the server: runs a command.
extern "C" fn enter<C: Command>(
    ctx: *mut raw::RedisModuleCtx,
    argv: *mut *mut raw::RedisModuleString,
    argc: c_int,
) -> c_int {
    // SAFETY: these are what the server passed, and they are used only until this returns.
    let call = unsafe { Call::new(ctx, argv, argc) };
    event::mark_loaded();
    call.answer(|call| C::run(call).map_err(Into::into));
    OK
}
