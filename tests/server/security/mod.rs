//! Permissions of users, and what logs, SLOWLOG and MONITOR show.

mod acl;
mod redaction;
mod redaction_mangled;
