//! Random numbers for tests that a seed can repeat.
#![allow(clippy::print_stderr, reason = "the seed is part of what a failed test says")]

use std::thread;

/// Random numbers from a seed, which is printed when the test fails.
pub(crate) struct Rng {
    seed: u64,
    state: u64,
}

impl Rng {
    pub(crate) const fn new(seed: u64) -> Rng {
        Rng { seed, state: seed | 1 }
    }

    /// A number less than `count`.
    pub(crate) fn below(&mut self, count: usize) -> usize {
        // xorshift64*
        self.state ^= self.state >> 12;
        self.state ^= self.state << 25;
        self.state ^= self.state >> 27;
        usize::try_from(self.state.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33).expect("31 bits") % count
    }

    pub(crate) fn one_of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len())]
    }
}

impl Drop for Rng {
    fn drop(&mut self) {
        if thread::panicking() {
            eprintln!("the seed is {}", self.seed);
        }
    }
}
