//! Many clients change the same sessions at the same time.

mod lost_updates;
mod mixed_commands;
mod races;
