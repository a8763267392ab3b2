//! The commands, one file each: parse, do, reply.
#![forbid(unsafe_code)]

mod create;
mod destroy;
mod destroyall;
mod get;
mod help;
mod inspect;
mod jwks;
mod list;
mod listed;
mod options;
mod presented;
mod realms;
mod reload;
mod revoke;
mod rotate;
mod signing;
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
    register::<revoke::Revoke>,
    register::<destroyall::DestroyAll>,
    register::<inspect::Inspect>,
    register::<jwks::Jwks>,
    register::<realms::ListRealms>,
    register::<reload::Reload>,
    register::<help::Help>,
];
