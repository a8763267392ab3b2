//! The slots of a cluster node.

use redis_module::raw;

use crate::redis::ffi::{api::api, context::Ctx, string::RedisString};

/// The hash slot of a key.
#[derive(Debug, PartialEq)]
pub struct Slot(i64);

impl Ctx<'_> {
    /// The slot of a key. `None` if the server does not reply.
    pub fn slot_of(self, key: &RedisString) -> Option<Slot> {
        self.call_integer(c"CLUSTER", &[&RedisString::new(b"KEYSLOT"), key]).map(Slot)
    }

    /// Whether this cluster node serves the slot of the keys with this prefix and has all keys of the slot: it is not
    /// moving key by key. The prefix has a hash tag.
    ///
    /// On a replica this reads the whole list of nodes and slots.
    pub fn holds_slot_of(self, prefix: &[u8]) -> bool {
        if self.is_replica() {
            return self.slot_of(&RedisString::new(prefix)).is_some_and(|slot| !self.is_moving(&slot));
        }
        // Two keys that do not exist. The server refuses them in a slot of another node (MOVED) and in a migrating slot
        // (ASK); in an importing slot also after ASKING (TRYAGAIN), because there are two of them. A client that could
        // guess their names could create them.
        let random = random_hex();
        let missing = |first: &[u8]| RedisString::new(&[prefix, first, &random].concat());
        self.call_integer(c"EXISTS", &[&missing(b"jrs.missing.1."), &missing(b"jrs.missing.2.")]).is_some()
    }

    /// Whether this cluster node serves the key's slot. The server refuses to open a key of another node.
    pub(in crate::redis) fn owns(self, key: &RedisString) -> bool {
        self.call_integer(c"EXISTS", &[key]).is_some()
    }

    /// Whether the slot is migrating or importing. A primary knows this, and so does a replica of Valkey.
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

/// Random hexadecimal digits.
fn random_hex() -> [u8; 32] {
    let mut digits = [0; 32];
    // SAFETY: the server writes as many digits as the array has, and no NUL.
    unsafe { api(raw::RedisModule_GetRandomHexChars)(digits.as_mut_ptr().cast(), digits.len()) };
    digits
}
