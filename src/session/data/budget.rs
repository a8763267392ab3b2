//! How much a change may cost, whatever the largest size of data is.

use std::cell::Cell;

use super::Stop;

/// Working memory of one change, beside the texts themselves, in bytes.
const MEMORY: usize = 3 << 20;

/// Work that any change may do, in units of about one byte looked at.
const WORK: usize = 4 << 20;

/// What a change may still take. It counts by itself, so that the same change always costs the same.
#[derive(Debug)]
pub struct Budget {
    work: Cell<usize>,
    memory: Cell<usize>,
}

impl Budget {
    /// The budget of a change whose texts have this many bytes in all.
    pub(super) const fn for_texts(bytes: usize) -> Self {
        Self { work: Cell::new(bytes.saturating_mul(3).saturating_add(WORK)), memory: Cell::new(MEMORY) }
    }

    /// Counts work that has been done or is about to be; [`Self::check`] tells whether it was too much.
    pub(super) fn spend(&self, work: usize) {
        self.work.set(self.work.get().saturating_sub(work));
    }

    /// # Errors
    /// [`Stop::TooMuch`] when the work is used up.
    pub(super) fn check(&self) -> Result<(), Stop> {
        if self.work.get() == 0 { Err(Stop::TooMuch) } else { Ok(()) }
    }

    /// Takes memory for `count` values of `T`, before it is allocated.
    ///
    /// # Errors
    /// [`Stop::TooMuch`] where there is not enough left.
    pub(super) fn take<T>(&self, count: usize) -> Result<(), Stop> {
        let left = self.memory.get().checked_sub(count.saturating_mul(size_of::<T>())).ok_or(Stop::TooMuch)?;
        self.memory.set(left);
        self.spend(count);
        self.check()
    }

    /// Gives back what [`Self::take`] took.
    pub(super) fn give_back<T>(&self, count: usize) {
        self.memory.set(self.memory.get().saturating_add(count.saturating_mul(size_of::<T>())));
    }
}
