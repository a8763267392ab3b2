//! Data that is changed in place of being replaced: merged, or patched.

use super::{
    BadData, Budget, DEEPEST, Position, check_json, check_json_object, depth, merge::merge, names::has_lone_surrogate,
    patch::patch, text::Document,
};

/// Why data cannot be changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// The change is none.
    Bad(BadData),
    /// The stored data is none, or cannot be changed.
    Stored(BadData),
    /// The operation of this number, counted from 1, and of this name cannot be done.
    Operation(usize, &'static str, Fault),
    /// What comes out is no JSON object.
    NoObjectLeft,
    /// The data would become too large.
    TooBig,
    /// The change would take more work or memory than any may.
    TooMuch,
}

/// What is wrong with an operation of a JSON Patch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Not as RFC 6902 defines it; how so.
    Malformed(&'static str),
    /// A path leads nowhere.
    NoSuchPath,
    /// A value would be moved into itself.
    IntoItself,
    /// The data would be nested deeper than [`DEEPEST`].
    TooDeep,
    /// `test` found another value.
    TestFailed,
}

/// Why a merge or an operation stops.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stop {
    Fault(Fault),
    TooBig,
    TooMuch,
}

impl Stop {
    /// In the operation of this number and name.
    pub(super) const fn at(self, number: usize, name: &'static str) -> Change {
        match self {
            Self::Fault(fault) => Change::Operation(number, name, fault),
            Self::TooBig => Change::TooBig,
            Self::TooMuch => Change::TooMuch,
        }
    }
}

/// `data` with a merge patch (RFC 7396) applied. What the patch does not name is kept byte for byte; white space between the
/// members of the objects that it changes is dropped.
///
/// # Errors
/// [`Change::Bad`], [`Change::Stored`], [`Change::TooBig`] for a result of more than `limit` bytes, [`Change::TooMuch`].
pub fn merged(data: &[u8], merge_patch: &[u8], limit: usize) -> Result<String, Change> {
    let merge_patch = check_json_object(merge_patch).and_then(changeable).map_err(Change::Bad)?;
    let data = stored(data)?;
    let budget = Budget::for_texts(data.len().saturating_add(merge_patch.len()));
    let data = Document::new(data, &budget).ok_or(Change::TooBig)?;
    let merge_patch = Document::new(merge_patch, &budget).ok_or(Change::TooBig)?;
    let mut text = String::with_capacity(data.root().len() + merge_patch.root().len());
    merge(Some(data.root()), merge_patch.root(), &mut text).map_err(|stop| stop.at(0, ""))?;
    if text.len() > limit { Err(Change::TooBig) } else { Ok(text) }
}

/// `data` with a JSON Patch (RFC 6902) applied: all of its operations or none. See [`merged`] for what stays as it was.
///
/// # Errors
/// Those of [`merged`]; [`Change::TooBig`] also where it has more than `limit` bytes on the way; [`Change::Operation`],
/// [`Change::NoObjectLeft`].
pub fn patched(data: &[u8], operations: &[u8], limit: usize) -> Result<String, Change> {
    let operations = check_operations(operations).map_err(Change::Bad)?;
    let data = stored(data)?;
    let budget = Budget::for_texts(data.len().saturating_add(operations.len()));
    let data = Document::new(data, &budget).ok_or(Change::TooBig)?;
    let operations = Document::new(operations, &budget).ok_or(Change::TooBig)?;
    let (root, size) = patch(data.root(), operations.root(), limit)?;
    // What was too large before may have become smaller, and still be too large.
    if size > limit {
        return Err(Change::TooBig);
    }
    let mut text = String::with_capacity(size);
    root.write(&mut text);
    if text.starts_with('{') { Ok(text) } else { Err(Change::NoObjectLeft) }
}

/// The text of data that is about to be changed. It may be somebody else's: a plain SET can have written it.
fn stored(data: &[u8]) -> Result<&str, Change> {
    check_json_object(data).and_then(changeable).map_err(Change::Stored)
}

fn check_operations(operations: &[u8]) -> Result<&str, BadData> {
    let text = str::from_utf8(operations)
        .map_err(|error| BadData::NotUtf8(Position::after(operations, error.valid_up_to())))?;
    let is_array = text.trim_ascii_start().starts_with('[');
    // Two levels are those of the array and of the operation.
    if is_array && depth(operations) > DEEPEST + 2 {
        return Err(BadData::TooDeep);
    }
    check_json(text, is_array).map_err(BadData::NotAPatch)?;
    changeable(text)
}

fn changeable(text: &str) -> Result<&str, BadData> {
    if has_lone_surrogate(text) { Err(BadData::LoneSurrogate) } else { Ok(text) }
}

#[cfg(test)]
#[path = "change_tests.rs"]
mod tests;
