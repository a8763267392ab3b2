//! The commands, one file each. A command parses its arguments, acts and replies.
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
mod mint;
mod realms;
mod reload;
mod revoke;
mod rotate;
mod rotate_key;
mod touch;
mod update;

use std::ffi::CStr;

use crate::redis::Registration;

/// The note of the key specifications in COMMAND INFO.
pub const ROUTING_NOTE: &CStr =
    c"Argument 1 only routes the command: the actual keys are derived from it or from the token";

/// The commands to register. `get_requires_write` is the setting.
pub fn to_register(get_requires_write: bool) -> impl Iterator<Item = &'static Registration> {
    static GET_WITHOUT_WRITE: Registration = Registration::of::<get::GetWithoutWrite>();
    ALL.iter().map(move |command| {
        let is_get = command.spec.name == GET_WITHOUT_WRITE.spec.name;
        if is_get && !get_requires_write { &GET_WITHOUT_WRITE } else { command }
    })
}

/// All commands, in the order of registration and of JRS.HELP.
static ALL: [Registration; 19] = [
    Registration::of::<create::Create>(),
    Registration::of::<get::Get>(),
    Registration::of::<get::Peek>(),
    Registration::of::<update::Update>(),
    Registration::of::<touch::Touch>(),
    Registration::of::<destroy::Destroy>(),
    Registration::of::<rotate::Rotate>(),
    Registration::of::<mint::Mint>(),
    Registration::of::<list::List>(),
    Registration::of::<count::Count>(),
    Registration::of::<revoke::Revoke>(),
    Registration::of::<destroyall::DestroyAll>(),
    Registration::of::<inspect::Inspect>(),
    Registration::of::<jwks::Jwks>(),
    Registration::of::<realms::ListRealms>(),
    Registration::of::<reload::Reload>(),
    Registration::of::<rotate_key::RotateKey>(),
    Registration::of::<help::Help>(),
    Registration::of::<debug::Debug>(),
];
