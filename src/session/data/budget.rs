//! Limits the work and memory of one change, independently of `max-data-size`.

use std::{
    cell::{Cell, RefCell},
    hash::{BuildHasher, RandomState},
};

use super::Failure;

/// The working memory of one change in bytes, without the texts themselves.
const MEMORY: usize = 3 << 20;

/// The work that any change may do, in units of about one byte read.
const WORK: usize = 4 << 20;

/// The cost of a change. It is deterministic.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cost {
    /// The work, in units of about one byte read.
    pub work: usize,
    /// The bytes of strings with escapes that were decoded or compared. Counted apart from the work.
    pub decoded: usize,
}

/// The work and memory that are left for a change.
#[derive(Debug)]
pub struct Budget {
    allowed: usize,
    cost: Cell<Cost>,
    memory: Cell<usize>,
    /// The random key of name hashes, so that clients cannot construct collisions.
    pub(super) seed: u64,
    /// A buffer for decoded names.
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

    /// Counts work. [`Self::check`] reports an exhausted budget.
    pub(super) fn spend(&self, work: usize) {
        let cost = self.cost.get();
        self.cost.set(Cost { work: cost.work.saturating_add(work), ..cost });
    }

    /// Counts decoded bytes. The caller must [spend](Self::spend) them, too.
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

    /// Reserves memory for `count` values of `T`, before the caller allocates it.
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
