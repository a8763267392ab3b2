//! JSON strings as they stand in a text, compared by what they say.

use std::hash::{BuildHasher, RandomState};

use xxhash_rust::xxh3::{Xxh3, xxh3_64_with_seed};

use super::{Budget, Stop};

/// The place after the string whose opening quote is at `start`.
pub(super) fn string_end(bytes: &[u8], start: usize) -> usize {
    let mut at = start + 1;
    loop {
        match bytes.get(at) {
            Some(b'"') => return at + 1,
            Some(b'\\') => at += 2,
            Some(_) => at += 1,
            None => return bytes.len(),
        }
    }
}

/// Whether a JSON text holds half of a surrogate pair: no string can hold it, so there is nothing to compare it with.
pub(super) fn has_lone_surrogate(text: &str) -> bool {
    let mut rest = text;
    while let Some((_, escape)) = rest.split_once('\\') {
        let (unit, len) = match utf16_unit(escape) {
            None => (0, 1),
            Some(unit) => (unit, 5),
        };
        rest = escape.get(len..).unwrap_or_default();
        match unit {
            0xd800..=0xdbff => match rest.strip_prefix('\\').and_then(utf16_unit) {
                Some(0xdc00..=0xdfff) => rest = rest.get(6..).unwrap_or_default(),
                _ => return true,
            },
            0xdc00..=0xdfff => return true,
            _ => {}
        }
    }
    false
}

/// The unit of an escape `uXXXX`, given without its backslash.
fn utf16_unit(escape: &str) -> Option<u32> {
    u32::from_str_radix(escape.strip_prefix('u')?.get(..4)?, 16).ok()
}

/// The characters that a JSON string says. The string is well-formed and without lone surrogates.
fn characters(string: &str) -> impl Iterator<Item = char> {
    let mut rest = string.get(1..string.len().saturating_sub(1)).unwrap_or_default().chars();
    std::iter::from_fn(move || {
        let first = rest.next()?;
        if first != '\\' {
            return Some(first);
        }
        Some(match rest.next()? {
            'b' => '\u{8}',
            'f' => '\u{c}',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'u' => {
                let unit = hex(&mut rest)?;
                if !(0xd800..=0xdbff).contains(&unit) {
                    return char::from_u32(unit);
                }
                // The second half comes after its own backslash and u.
                let low = hex(&mut rest.by_ref().skip(2))?;
                char::from_u32(0x10000 + ((unit & 0x3ff) << 10) + (low & 0x3ff))?
            }
            other => other,
        })
    })
}

fn hex(digits: &mut impl Iterator<Item = char>) -> Option<u32> {
    digits.take(4).try_fold(0, |number, digit| Some(number << 4 | digit.to_digit(16)?))
}

/// Whether two JSON strings, with their quotes, say the same.
pub(super) fn same_string(one: &str, other: &str) -> bool {
    // An escape has at most six bytes for one.
    one == other
        || (one.len() <= other.len().saturating_mul(6)
            && other.len() <= one.len().saturating_mul(6)
            && (one.contains('\\') || other.contains('\\'))
            && characters(one).eq(characters(other)))
}

/// What a JSON string says.
pub(super) fn decoded(string: &str) -> String {
    characters(string).collect()
}

/// Finds names among those of one object. Few are searched, many are hashed with a key that nobody knows.
#[derive(Debug)]
pub(super) struct Index {
    /// Positions of names, plus one; empty for few names.
    slots: Vec<u32>,
    seed: u64,
    len: usize,
}

const FEW: usize = 8;

impl Index {
    /// Room for this many names.
    pub(super) fn new(names: usize, budget: &Budget) -> Result<Self, Stop> {
        let slots = Self::slots(names);
        budget.take::<u32>(slots)?;
        let seed = if slots == 0 { 0 } else { RandomState::new().hash_one(names) };
        Ok(Self { slots: vec![0; slots], seed, len: 0 })
    }

    fn slots(names: usize) -> usize {
        if names <= FEW { 0 } else { (names + names / 2).next_power_of_two() }
    }

    /// Gives the memory back.
    pub(super) fn done(self, budget: &Budget) {
        budget.give_back::<u32>(self.slots.len());
    }

    /// The position of a name; `name_at` is the name at a position.
    pub(super) fn find<'n>(&self, name: &str, name_at: impl Fn(usize) -> Option<&'n str>) -> Option<usize> {
        let is_it = |at: &usize| name_at(*at).is_some_and(|known| same_string(known, name));
        if self.slots.is_empty() {
            return (0..self.len).find(is_it);
        }
        self.chain(name).map_while(|slot| self.at(slot)).find(is_it)
    }

    /// Enters the next name, unless it is known: then its position.
    pub(super) fn enter<'n>(&mut self, name: &str, name_at: impl Fn(usize) -> Option<&'n str>) -> Option<usize> {
        let known = self.find(name, name_at);
        if known.is_none() {
            let free = self.chain(name).find(|slot| self.at(*slot).is_none());
            self.len += 1;
            if let Some(slot) = free.and_then(|slot| self.slots.get_mut(slot)) {
                *slot = u32::try_from(self.len).unwrap_or(u32::MAX);
            }
        }
        known
    }

    fn at(&self, slot: usize) -> Option<usize> {
        usize::try_from(self.slots.get(slot)?.checked_sub(1)?).ok()
    }

    /// The slots in which a name may be, in order.
    fn chain(&self, name: &str) -> impl Iterator<Item = usize> {
        let slots = self.slots.len();
        let mask = u64::try_from(slots.saturating_sub(1)).unwrap_or_default();
        let first = if slots == 0 { 0 } else { usize::try_from(hash(name, self.seed) & mask).unwrap_or_default() };
        (first..slots).chain(0..first)
    }
}

fn hash(name: &str, seed: u64) -> u64 {
    if !name.contains('\\') {
        return xxh3_64_with_seed(name.get(1..name.len().saturating_sub(1)).unwrap_or_default().as_bytes(), seed);
    }
    let mut hasher = Xxh3::with_seed(seed);
    for character in characters(name) {
        hasher.update(character.encode_utf8(&mut [0; 4]).as_bytes());
    }
    hasher.digest()
}
