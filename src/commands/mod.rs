//! The commands, one file each: parse, do, reply.
#![forbid(unsafe_code)]

mod common;
mod count;
mod create;
mod debug;
mod destroy;
mod destroyall;
mod get;
mod help;
mod inspect;
mod jwks;
mod list;
mod realms;
mod reload;
mod revoke;
mod rotate;
mod touch;
mod update;

use crate::redis::{Register, register};

/// All commands, in the order in which they are registered.
pub const ALL: &[Register] = &[
    register::<create::Create>,
    register::<get::Get>,
    register::<get::Peek>,
    register::<update::Update>,
    register::<touch::Touch>,
    register::<destroy::Destroy>,
    register::<rotate::Rotate>,
    register::<list::List>,
    register::<count::Count>,
    register::<revoke::Revoke>,
    register::<destroyall::DestroyAll>,
    register::<inspect::Inspect>,
    register::<jwks::Jwks>,
    register::<realms::ListRealms>,
    register::<reload::Reload>,
    register::<help::Help>,
    register::<debug::Debug>,
];
