//! The module as a part of its server: load and unload, INFO, memory, and other modules.

mod fingerprints;
mod get_without_write;
mod info;
mod info_format;
mod info_realms;
mod info_sessions;
mod load;
mod memory;
mod other_modules;
mod refused_writes;
