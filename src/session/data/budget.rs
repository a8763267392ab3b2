//! How much a change may cost, whatever the largest size of data is.

use std::{
    cell::{Cell, RefCell},
    hash::{BuildHasher, RandomState},
};

use super::Failure;

/// Working memory of one change, beside the texts themselves, in bytes.
const MEMORY: usize = 3 << 20;

/// Work that any change may do, in units of about one byte looked at.
const WORK: usize = 4 << 20;

/// What a change cost. The same change always costs the same, on every machine.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cost {
    /// The work that was counted against the budget, in units of about one byte looked at.
    pub work: usize,
    /// Bytes of strings with escapes that were decoded or compared. Counted where it is done, apart from the budget.
    pub decoded: usize,
}

/// What a change may still take.
#[derive(Debug)]
pub struct Budget {
    allowed: usize,
    cost: Cell<Cost>,
    memory: Cell<usize>,
    /// The key of the hashes of names: unknown to clients, so that nobody can make names collide on purpose.
    pub(super) seed: u64,
    /// Holds a name while it is decoded.
    pub(super) scratch: RefCell<String>,
}

impl Budget {
    pub(super) fn for_texts(bytes: usize) -> Self {
        Self {
            allowed: bytes.saturating_mul(3).saturating_add(WORK),
            cost: Cell::default(),
            memory: Cell::new(MEMORY),
            seed: RandomState::new().hash_one(bytes),
            scratch: RefCell::default(),
        }
    }

    /// Counts work that has been done or is about to be; [`Self::check`] tells whether it was too much.
    pub(super) fn spend(&self, work: usize) {
        let cost = self.cost.get();
        self.cost.set(Cost { work: cost.work.saturating_add(work), ..cost });
    }

    /// Counts bytes that are decoded, which the caller also has to [spend](Self::spend).
    pub(super) fn count_decoded(&self, bytes: usize) {
        let cost = self.cost.get();
        self.cost.set(Cost { decoded: cost.decoded.saturating_add(bytes), ..cost });
    }

    pub(super) const fn cost(&self) -> Cost {
        self.cost.get()
    }

    /// # Errors
    /// [`Failure::TooMuch`] when the work is used up.
    pub(super) fn check(&self) -> Result<(), Failure> {
        if self.cost.get().work >= self.allowed { Err(Failure::TooMuch) } else { Ok(()) }
    }

    /// Takes memory for `count` values of `T`, before it is allocated.
    ///
    /// # Errors
    /// [`Failure::TooMuch`] where there is not enough left.
    pub(super) fn take<T>(&self, count: usize) -> Result<(), Failure> {
        let left = self.memory.get().checked_sub(count.saturating_mul(size_of::<T>())).ok_or(Failure::TooMuch)?;
        self.memory.set(left);
        self.spend(count);
        self.check()
    }

    pub(super) fn give_back<T>(&self, count: usize) {
        self.memory.set(self.memory.get().saturating_add(count.saturating_mul(size_of::<T>())));
    }
}
