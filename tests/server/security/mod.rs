//! Permissions of users, and what logs, SLOWLOG and MONITOR show.

mod acl;
mod acl_categories;
mod acl_commands;
mod redaction;
mod redaction_data;
mod redaction_mangled;
