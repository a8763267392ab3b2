//! Keys: reading, writing, scanning and following them.

pub(super) mod key;
pub(super) mod key_scan;
pub(super) mod keyspace_events;
