//! Finds the values at several JSON Pointers in one pass.

use std::borrow::Cow;

use super::{
    Budget, check_json_object,
    document::{Document, Raw, Span},
    names::{decodes_to, has_lone_surrogate},
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
        visit_members(value, &steps, found);
    } else if value.is_array() {
        visit_elements(value, &steps, found);
    }
}

fn visit_members(object: Raw<'_>, steps: &[Step<'_>], found: &mut [Option<Span>]) {
    let mut below = Vec::new();
    for (name, value) in object.members() {
        below.clear();
        below.extend(steps.iter().filter(|(next, _)| is_named(name, next)).map(|(_, below)| *below));
        if !below.is_empty() {
            // An earlier member with the same name no longer counts.
            below.iter().for_each(|(number, _)| note(found, *number, None));
            visit(value, &below, found);
        }
    }
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

/// Whether a name, a JSON string with its quotes, is this name of a pointer.
fn is_named(name: Raw<'_>, wanted: &str) -> bool {
    let text = name.text();
    // Quotes take two bytes; an escape has at most six bytes for one decoded byte.
    let may_be = text.len() >= wanted.len() + 2 && text.len() <= 6 * wanted.len() + 2;
    may_be && decodes_to(text, wanted, name.budget()) && !has_lone_surrogate(text)
}

fn note(found: &mut [Option<Span>], number: usize, span: Option<Span>) {
    if let Some(slot) = found.get_mut(number) {
        *slot = span;
    }
}

#[cfg(test)]
#[path = "lookup_tests.rs"]
mod tests;
