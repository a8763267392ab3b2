//! A server at its limits: memory, disk, a clock that jumps.

mod clock;
mod eviction;
mod full_disk;
mod known_sessions;
mod memory;
