//! Finds the values at several JSON Pointers in one pass.

use std::borrow::Cow;

use super::{
    Budget, check_json_object,
    document::{Document, Raw, Span},
    names::{decoded, has_lone_surrogate},
    pointer::{Pointer, element_index, token},
};

/// The JSON texts of the values at these pointers, byte for byte as in `data`, in the order of the pointers. Of members
/// with the same name the last one counts, as in a JSON Patch. All are `None` if `data` is not a JSON object.
pub fn look_up(data: &[u8], pointers: &[Pointer]) -> Vec<Option<String>> {
    let nothing = || vec![None; pointers.len()];
    let Ok(text) = check_json_object(data) else { return nothing() };
    let budget = Budget::for_texts(text.len());
    let Some(document) = Document::new(text, &budget) else { return nothing() };
    let root = document.root();
    let mut found = vec![None; pointers.len()];
    let all: Vec<_> = pointers.iter().map(Pointer::text).enumerate().collect();
    visit(root, &all, &mut found);
    found.into_iter().map(|span| span.map(|span| root.other(span).text().to_owned())).collect()
}

/// The number of a pointer, and the rest of its text below a value.
type Below<'p> = (usize, &'p str);

/// A pointer that goes on below a value: its next name or index, and the pointer behind that.
type Step<'p> = (Cow<'p, str>, Below<'p>);

/// Notes the value for the pointers that end here, and follows the others.
fn visit(value: Raw<'_>, pointers: &[Below<'_>], found: &mut [Option<Span>]) {
    let mut steps = Vec::new();
    for &(number, rest) in pointers {
        match rest.strip_prefix('/') {
            Some(rest) => {
                let end = rest.find('/').unwrap_or(rest.len());
                let (next, rest) = rest.split_at(end);
                steps.push((token(next), (number, rest)));
            }
            None => note(found, number, Some(value.span())),
        }
    }
    if steps.is_empty() {
        return;
    }
    if value.is_object() {
        visit_members(value, steps, found);
    } else if value.is_array() {
        visit_elements(value, &steps, found);
    }
}

fn visit_members(object: Raw<'_>, mut steps: Vec<Step<'_>>, found: &mut [Option<Span>]) {
    // Sorted, so that the time for a member grows little with the number of pointers.
    steps.sort_unstable_by(|(one, _), (other, _)| one.cmp(other));
    let longest = steps.iter().map(|(next, _)| next.len()).max().unwrap_or_default();
    let names: Vec<&[Step<'_>]> = steps.chunk_by(|(one, _), (other, _)| one == other).collect();
    let mut last = vec![None; names.len()];
    for (name, value) in object.members() {
        if let Some(slot) = position(name, &names, longest).and_then(|position| last.get_mut(position)) {
            *slot = Some(value);
        }
    }
    for (steps, value) in names.into_iter().zip(last) {
        if let Some(value) = value {
            let below: Vec<_> = steps.iter().map(|(_, below)| *below).collect();
            visit(value, &below, found);
        }
    }
}

/// The position of a name, a JSON string with its quotes, among sorted names. The longest of these has `longest` bytes.
fn position(name: Raw<'_>, names: &[&[Step<'_>]], longest: usize) -> Option<usize> {
    let text = name.text();
    // Quotes take two bytes; an escape has at most six bytes for one decoded byte.
    if text.len() > 6 * longest + 2 {
        return None;
    }
    let wanted = if text.contains('\\') {
        if has_lone_surrogate(text) {
            return None;
        }
        Cow::Owned(decoded(text, name.budget()))
    } else {
        Cow::Borrowed(text.strip_prefix('"')?.strip_suffix('"')?)
    };
    let first = |steps: &&[Step<'_>]| steps.first().map_or("", |(next, _)| next).cmp(&wanted);
    names.binary_search_by(first).ok()
}

fn visit_elements(array: Raw<'_>, steps: &[Step<'_>], found: &mut [Option<Span>]) {
    let mut wanted: Vec<_> =
        steps.iter().filter_map(|(next, below)| element_index(next).map(|index| (index, *below))).collect();
    wanted.sort_unstable_by_key(|(index, _)| *index);
    let mut wanted = wanted.as_slice();
    let mut below = Vec::new();
    for (position, value) in array.elements().enumerate() {
        let here = wanted.iter().take_while(|(index, _)| *index == position).count();
        if let Some((here, later)) = wanted.split_at_checked(here)
            && !here.is_empty()
        {
            below.clear();
            below.extend(here.iter().map(|(_, below)| *below));
            visit(value, &below, found);
            wanted = later;
        }
        if wanted.is_empty() {
            return;
        }
    }
}

fn note(found: &mut [Option<Span>], number: usize, span: Option<Span>) {
    if let Some(slot) = found.get_mut(number) {
        *slot = span;
    }
}

#[cfg(test)]
#[path = "lookup_tests.rs"]
mod tests;
