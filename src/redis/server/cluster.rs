//! The slots of a cluster node.

use crate::redis::ffi::{context::Ctx, string::RedisString};

/// The hash slot of a key.
#[derive(Debug, PartialEq)]
pub struct Slot(i64);

impl Ctx<'_> {
    /// The slot of a key. `None` if the server does not reply.
    pub fn slot_of(self, key: &RedisString) -> Option<Slot> {
        self.call_integer(c"CLUSTER", &[&RedisString::new(b"KEYSLOT"), key]).map(Slot)
    }

    /// Whether this node has all keys of a key's slot: it serves the slot, and the slot is not migrating. On a replica
    /// this asks the server and works only in a command.
    pub fn holds_slot_of(self, key: &RedisString) -> bool {
        (self.is_replica() || self.owns(key)) && self.slot_of(key).is_some_and(|slot| !self.is_moving(&slot))
    }

    /// Whether this cluster node serves the key's slot. The server refuses to open a key of another node.
    pub(in crate::redis) fn owns(self, key: &RedisString) -> bool {
        self.call_integer(c"EXISTS", &[key]).is_some()
    }

    fn is_moving(self, slot: &Slot) -> bool {
        let Some(nodes) = self.call_string(c"CLUSTER", &[&RedisString::new(b"NODES")]) else { return true };
        let number = slot.0.to_string();
        let moves = |word: &[u8]| {
            word.strip_prefix(b"[")
                .and_then(|word| word.strip_prefix(number.as_bytes()))
                .is_some_and(|rest| rest.starts_with(b"-"))
        };
        // A line is: id, address, flags, …, slots. The line of this node ends in `[slot->-node]` or `[slot-<-node]`
        // for each migrating slot.
        nodes.split(|byte| *byte == b'\n').any(|line| {
            let mut words = line.split(|byte| *byte == b' ');
            let is_own = words.nth(2).is_some_and(|flags| flags.starts_with(b"myself"));
            is_own && words.any(moves)
        })
    }
}
