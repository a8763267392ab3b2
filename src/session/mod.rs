//! A session: its id, owner, lifetime and data.
//!
//! Pure: time and random bytes are arguments, and nothing here knows Redis or tokens.
#![forbid(unsafe_code)]

mod data;
mod encryption;
mod id;
mod lifetime;
mod owner;
mod rotation_chain;
mod unix_millis;

pub use data::{
    Cost, DEEPEST, DataError, OperationError, PatchError, Pointer, Position, SyntaxError, check_json_object,
    cost_of_merge, cost_of_patch, etag, look_up, merged, patched,
};
pub use encryption::{DATA_NONCE, DataKey, DataKeys, StoredDataError, read_stored};
pub use id::{IdSource, SessionId, SessionName, created_at};
pub use lifetime::Lifetime;
pub use owner::{OwnerError, check_owner};
pub use rotation_chain::{ChainPlace, MOST_IN_GRACE, RotationChain, TOMBSTONE_SUFFIX};
pub use unix_millis::UnixMillis;
