//! Registers the module's commands and runs them.

use std::ffi::{CStr, CString, NulError, c_int};

use redis_module::raw;

use crate::redis::ffi::refused::{ErrorReply, LoadError};
use crate::redis::{
    command::{
        call::Call,
        docs::{self, Argument},
    },
    ffi::{
        api::{OK, api},
        context::Ctx,
    },
    server::event,
};

/// A command: its description and its code.
pub trait Command {
    /// What the server is told about it.
    const SPEC: Spec;
    /// What it fails with.
    type Error: Into<ErrorReply>;

    /// Runs the command. On success it replies once or [blocks the client](Call::block_and_run). On an error it has
    /// changed nothing and not replied.
    fn run(call: &Call<'_>) -> Result<(), Self::Error>;
}

/// The description of a command.
#[derive(Debug)]
pub struct Spec {
    /// Its name in upper case, as clients send it.
    pub name: &'static CStr,
    /// The server's flags, as `RedisModule_CreateCommand` takes them.
    pub flags: &'static CStr,
    /// Whether argument 1 routes the command in a cluster. It is hashed like a key but need not exist (key spec flag
    /// NOT_KEY). Other commands work on any node.
    pub is_routed: bool,
    /// Whether JRS.HELP leaves it out: it is for tests.
    pub is_hidden: bool,
    /// One sentence for JRS.HELP and COMMAND DOCS.
    pub summary: &'static CStr,
    /// Its time complexity, as COMMAND DOCS gives it.
    pub complexity: &'static CStr,
    /// The first version of JRS that has it.
    pub since: &'static CStr,
    /// Command tips for clients and proxies.
    pub tips: Option<&'static CStr>,
    /// Its arguments, in their order.
    pub arguments: &'static [Argument],
}

impl Spec {
    /// The defaults.
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

    /// The arity, which counts the command's name. Negative: a minimum.
    pub(in crate::redis) fn arity(&self) -> c_int {
        let count = 1 + self.arguments.iter().map(|argument| c_int::from(!argument.optional)).sum::<c_int>();
        if self.arguments.iter().any(|argument| argument.optional) { -count } else { count }
    }

    /// The ACL categories that follow from the flags, for servers on which a module can set them.
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
    /// What the server is told about it.
    pub spec: Spec,
    enter: EntryPoint,
}

type EntryPoint = extern "C" fn(*mut raw::RedisModuleCtx, *mut *mut raw::RedisModuleString, c_int) -> c_int;

impl Registration {
    /// The registration of a command.
    pub const fn of<C: Command>() -> Self {
        Self { spec: C::SPEC, enter: enter::<C> }
    }
}

/// Registers the ACL category `@jrs`, before the commands. False if the server refuses it; a server that does not
/// support categories of modules does not.
pub fn add_acl_category(ctx: Ctx<'_>) -> bool {
    // SAFETY: the pointer was written at load; it is empty on a server without the function.
    let Some(add) = (unsafe { raw::RedisModule_AddACLCategory }) else { return true };
    // SAFETY: the context is that of the load, the name ends in NUL.
    unsafe { add(ctx.as_ptr(), c"jrs".as_ptr()) == OK }
}

/// Registers commands. Each key specification that only routes its command gets `routing_note` as its note.
pub fn register_all(
    ctx: Ctx<'_>,
    mut commands: impl Iterator<Item = &'static Registration>,
    routing_note: &'static CStr,
) -> Result<(), LoadError> {
    commands.try_for_each(|command| register(ctx, command, routing_note))
}

fn register(
    ctx: Ctx<'_>,
    Registration { spec, enter }: &'static Registration,
    routing_note: &CStr,
) -> Result<(), LoadError> {
    // SAFETY: the context is that of the load, the strings end in NUL, and the entry point is that of a command.
    let created = unsafe {
        let create = api(raw::RedisModule_CreateCommand);
        create(ctx.as_ptr(), spec.name.as_ptr(), Some(*enter), spec.flags.as_ptr(), 0, 0, 0)
    };
    if created != OK {
        return Err(LoadError::CommandRefused(spec.name));
    }
    // SAFETY: the context is that of the load, the name ends in NUL.
    let command = unsafe { api(raw::RedisModule_GetCommand)(ctx.as_ptr(), spec.name.as_ptr()) };
    if command.is_null() {
        return Err(LoadError::CommandLost(spec.name));
    }
    // SAFETY: the command was created just now.
    if !unsafe { docs::describe(command, spec, routing_note) } {
        return Err(LoadError::DescriptionRefused(spec.name));
    }
    // SAFETY: the pointer was written at load; it is empty on a server without the function.
    if let (Some(set), Ok(categories)) = (unsafe { raw::RedisModule_SetCommandACLCategories }, spec.categories()) {
        // SAFETY: the command was created just now, the names end in NUL. A server without @jrs refuses the whole list
        // and keeps the categories that it derives from the flags.
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
