//! Sentinels promote a replica while applications in three client libraries use sessions.

mod failover;
mod planned;
mod program;
mod watched_sessions;
