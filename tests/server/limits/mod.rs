//! A server at its limits: memory, disk, a clock that jumps.

mod clock;
