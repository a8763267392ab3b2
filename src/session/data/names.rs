//! JSON strings in a text, compared by their decoded values.

use std::str::Chars;

use xxhash_rust::xxh3::xxh3_64_with_seed;

use super::{Budget, Failure};

/// The position after the string whose opening quote is at `start`.
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

/// Whether a JSON text holds half of a surrogate pair, which has no decoded value.
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

/// A JSON string without its quotes.
fn inner(string: &str) -> &str {
    string.get(1..string.len().saturating_sub(1)).unwrap_or_default()
}

/// The characters of the decoded string. It is well-formed and without lone surrogates.
fn characters(string: &str) -> impl Iterator<Item = char> {
    let mut rest = inner(string).chars();
    std::iter::from_fn(move || match rest.next()? {
        '\\' => escaped(&mut rest),
        other => Some(other),
    })
}

/// The character of an escape, given after its backslash.
fn escaped(rest: &mut Chars<'_>) -> Option<char> {
    Some(match rest.next()? {
        'b' => '\u{8}',
        'f' => '\u{c}',
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        'u' => {
            let unit = hex(rest)?;
            if !(0xd800..=0xdbff).contains(&unit) {
                return char::from_u32(unit);
            }
            // The second half follows after `\u`.
            let low = hex(&mut rest.by_ref().skip(2))?;
            char::from_u32(0x10000 + ((unit & 0x3ff) << 10) + (low & 0x3ff))?
        }
        other => other,
    })
}

fn hex(digits: &mut impl Iterator<Item = char>) -> Option<u32> {
    digits.take(4).try_fold(0, |number, digit| Some(number << 4 | digit.to_digit(16)?))
}

/// Appends the decoded string.
fn decode(string: &str, out: &mut String) {
    let mut rest = inner(string);
    while let Some((plain, escape)) = rest.split_once('\\') {
        out.push_str(plain);
        let mut after = escape.chars();
        out.extend(escaped(&mut after));
        rest = after.as_str();
    }
    out.push_str(rest);
}

/// The decoded string.
pub(super) fn decoded(string: &str, budget: &Budget) -> String {
    spend_on_escapes(string.len(), budget);
    let mut text = String::with_capacity(string.len());
    decode(string, &mut text);
    text
}

fn spend_on_escapes(bytes: usize, budget: &Budget) {
    budget.spend(3 * bytes);
    budget.count_decoded(bytes);
}

/// Whether two JSON strings, with their quotes, have the same decoded value.
pub(super) fn same_string(one: &str, other: &str, budget: &Budget) -> bool {
    budget.spend(one.len().min(other.len()) / 8);
    if one == other {
        return true;
    }
    // An escape has at most six bytes for one decoded byte.
    let may_be = one.len() <= other.len().saturating_mul(6)
        && other.len() <= one.len().saturating_mul(6)
        && (one.contains('\\') || other.contains('\\'));
    if may_be {
        spend_on_escapes(one.len() + other.len(), budget);
    }
    may_be && characters(one).eq(characters(other))
}

/// Whether a JSON string decodes to `text`.
pub(super) fn decodes_to(string: &str, text: &str, budget: &Budget) -> bool {
    budget.spend(string.len() / 8);
    if !string.contains('\\') {
        return inner(string) == text;
    }
    spend_on_escapes(string.len(), budget);
    characters(string).eq(text.chars())
}

/// The hash of the decoded string. Its 32 bits fit into the padding of a [`Name`](super::node::Name); names with equal
/// hashes are still compared.
pub(super) fn hash(string: &str, budget: &Budget) -> u32 {
    if !string.contains('\\') {
        return hash_decoded(inner(string), budget);
    }
    spend_on_escapes(string.len(), budget);
    let mut scratch = budget.scratch.take();
    scratch.clear();
    decode(string, &mut scratch);
    let hash = hash_decoded(&scratch, budget);
    budget.scratch.replace(scratch);
    hash
}

/// The hash of a string without quotes and escapes.
pub(super) fn hash_decoded(text: &str, budget: &Budget) -> u32 {
    budget.spend(8 + text.len() / 8);
    let [a, b, c, d, ..] = xxh3_64_with_seed(text.as_bytes(), budget.seed).to_le_bytes();
    u32::from_le_bytes([a, b, c, d])
}

/// Finds the names of one object by their hashes. Few names are searched one by one, many by a table.
#[derive(Debug)]
pub(super) struct Index {
    /// Positions of names, plus one; empty for few names.
    slots: Vec<u32>,
    len: usize,
}

const FEW: usize = 8;

impl Index {
    pub(super) fn new(names: usize, budget: &Budget) -> Result<Self, Failure> {
        let slots = if names <= FEW { 0 } else { (names + names / 2).next_power_of_two() };
        budget.take::<u32>(slots)?;
        Ok(Self { slots: vec![0; slots], len: 0 })
    }

    pub(super) fn done(self, budget: &Budget) {
        budget.give_back::<u32>(self.slots.len());
    }

    /// The position of the name with this hash. `matches` compares hash and name at a position.
    pub(super) fn find(&self, hash: u32, matches: impl Fn(usize) -> bool) -> Option<usize> {
        if self.slots.is_empty() {
            return (0..self.len).find(|at| matches(*at));
        }
        self.chain(hash).map_while(|slot| self.at(slot)).find(|at| matches(*at))
    }

    /// Adds the next name, or returns the position of the same name.
    pub(super) fn enter(&mut self, hash: u32, matches: impl Fn(usize) -> bool) -> Option<usize> {
        let known = self.find(hash, matches);
        if known.is_none() {
            let free = self.chain(hash).find(|slot| self.at(*slot).is_none());
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

    /// The slots to probe for this hash, in order.
    fn chain(&self, hash: u32) -> impl Iterator<Item = usize> {
        let slots = self.slots.len();
        let first = if slots == 0 { 0 } else { usize::try_from(hash).unwrap_or_default() & (slots - 1) };
        (first..slots).chain(0..first)
    }
}

#[cfg(test)]
#[path = "names_tests.rs"]
mod tests;
