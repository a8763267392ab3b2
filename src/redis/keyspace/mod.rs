//! Keys: reading and writing them, and hearing of them.

pub(super) mod key;
pub(super) mod key_scan;
pub(super) mod keyspace_events;
