//! Reading the keys of a cluster node's slot: few of them at once, many of them a few at a time.

use std::mem;

use super::{call::Ctx, cluster::Slot, text::Text};
use crate::error::Error;

/// The most keys that are read at once: it takes the server a quarter of a microsecond for each, and nothing stops it.
const AT_ONCE: usize = 4096;
/// How many places in the server's table of keys a step looks at.
const STEP: &[u8] = b"256";
/// How many times as many keys as are in the slot a search may pass by.
const DETOUR: usize = 4;
/// The part of a cursor in which a server that can scan a single slot keeps the slot's number.
const SLOT_OF_CURSOR: u64 = 0x3fff;

/// A search for those keys of a slot that begin with a prefix.
///
/// It finds each key that is there from its beginning to its end, some of them twice, and also keys that have expired.
#[derive(Debug)]
pub struct SlotScan {
    slot: Slot,
    /// How many keys the slot held at the beginning.
    keys: usize,
    pattern: Text,
    state: State,
}

#[derive(Debug)]
enum State {
    /// All is read in one step.
    AtOnce,
    /// The next step goes on at this cursor of `SCAN`; it begins at 0.
    At(Text),
    Ended,
}

impl SlotScan {
    /// Begins a search, which may take many steps if it `may_pause` between them: else the slot is read at once, which
    /// takes less time in all.
    ///
    /// # Errors
    /// [`Error::TryAgain`] where the server does not answer, here and in each step.
    pub fn begin(ctx: Ctx<'_>, prefix: &[u8], may_pause: bool) -> Result<Self, Error> {
        let slot = ctx.slot_of(&Text::new(prefix)).ok_or(SILENT)?;
        let keys = ctx.count_keys_in_slot(&slot).ok_or(SILENT)?;
        let state = if may_pause && keys > AT_ONCE { State::At(Text::new(b"0")) } else { State::AtOnce };
        Ok(Self { slot, keys, pattern: pattern(prefix), state })
    }

    /// How many keys there may be at most.
    pub const fn at_most(&self) -> usize {
        self.keys
    }

    /// Finds some keys, perhaps none; `None` at the end. Others of the slot may be among them.
    pub fn step(&mut self, ctx: Ctx<'_>) -> Result<Option<Vec<Text>>, Error> {
        let cursor = match mem::replace(&mut self.state, State::Ended) {
            State::AtOnce => return self.all(ctx),
            State::At(cursor) => cursor,
            State::Ended => return Ok(None),
        };
        let Some((next, found)) = ctx.ask_scan(&cursor, &self.pattern, &Text::new(STEP)) else {
            return self.all(ctx);
        };
        if cursor.bytes() == b"0" && !self.is_short(ctx, &next) {
            return self.all(ctx);
        }
        if next.bytes() != b"0" {
            self.state = State::At(next);
        }
        Ok(Some(found))
    }

    /// Reads the whole slot at once.
    fn all(&self, ctx: Ctx<'_>) -> Result<Option<Vec<Text>>, Error> {
        ctx.keys_in_slot(&self.slot).ok_or(SILENT).map(Some)
    }

    /// Whether the search with `SCAN` that goes on at `next` is not much longer than the slot. Since Redis 7.4 and Valkey 8
    /// it looks at the pattern's slot alone; before, and for a pattern with escaped characters, at all keys of the node.
    fn is_short(&self, ctx: Ctx<'_>, next: &Text) -> bool {
        let next = str::from_utf8(next.bytes()).ok().and_then(|cursor| cursor.parse::<u64>().ok());
        next.is_some_and(|cursor| self.slot.is(cursor & SLOT_OF_CURSOR))
            || ctx.count_keys().is_some_and(|all| all / DETOUR <= self.keys)
    }
}

const SILENT: Error = Error::TryAgain("the cluster does not answer, nothing was done");

/// The pattern of `SCAN` for what begins with a prefix.
fn pattern(prefix: &[u8]) -> Text {
    let mut pattern = Vec::with_capacity(prefix.len() + 1);
    for byte in prefix {
        if b"*?[]\\".contains(byte) {
            pattern.push(b'\\');
        }
        pattern.push(*byte);
    }
    pattern.push(b'*');
    Text::new(&pattern)
}
