//! Changes data by a JSON Merge Patch or a JSON Patch.

use super::{
    Budget, Cost, DEEPEST, DataError, check_json, check_json_object, depth,
    document::{Document, Raw},
    merge::merge,
    names::has_lone_surrogate,
    patch::patch,
    utf8,
};

/// Why a change of data is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PatchError {
    /// The patch is malformed.
    Bad(DataError),
    /// The stored data is malformed, or cannot be changed.
    Stored(DataError),
    /// The operation with this number, from 1, and this name failed.
    Operation(usize, &'static str, OperationError),
    /// The result is not a JSON object.
    NoObjectLeft,
    /// The result is too large.
    TooBig,
    /// The change needs more work or memory than the budget allows.
    TooMuch,
}

/// Why an operation of a JSON Patch failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OperationError {
    /// It violates RFC 6902 in this way.
    Malformed(SyntaxError),
    /// A path refers to nothing.
    NoSuchPath,
    /// It moves a value into itself.
    IntoItself,
    /// The result is nested deeper than [`DEEPEST`].
    TooDeep,
    /// `test` found another value.
    TestFailed,
}

/// How an operation violates RFC 6902.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SyntaxError {
    /// It is not a JSON object.
    NotAnObject,
    /// It has a member twice.
    DuplicateMember,
    /// `path` is missing, or is not a JSON Pointer.
    Path,
    /// `from` is missing, or is not a JSON Pointer.
    From,
    /// `value` is missing.
    Value,
    /// `op` is missing or unknown.
    Op,
}

/// Why a merge or an operation stops.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Failure {
    OperationError(OperationError),
    TooBig,
    TooMuch,
}

impl Failure {
    /// The error of the operation with this number and name.
    pub(super) const fn at(self, number: usize, name: &'static str) -> PatchError {
        match self {
            Self::OperationError(fault) => PatchError::Operation(number, name, fault),
            Self::TooBig => PatchError::TooBig,
            Self::TooMuch => PatchError::TooMuch,
        }
    }
}

/// Applies a JSON Merge Patch (RFC 7396) to `data`. Members that the patch does not name stay byte for byte. White
/// space between the members of changed objects is dropped.
///
/// # Errors
/// [`PatchError::Bad`], [`PatchError::Stored`], [`PatchError::TooBig`] for a result of more than `limit` bytes, [`PatchError::TooMuch`].
pub fn merged(data: &[u8], merge_patch: &[u8], limit: usize) -> Result<String, PatchError> {
    cost_of_merge(data, merge_patch, limit).0
}

/// [`merged`] with its cost, for tests. The cost is zero if the texts are refused.
#[doc(hidden)]
pub fn cost_of_merge(data: &[u8], merge_patch: &[u8], limit: usize) -> (Result<String, PatchError>, Cost) {
    with_documents(data, check_json_object(merge_patch).and_then(changeable), |data, merge_patch| {
        let mut text = String::with_capacity(data.len() + merge_patch.len());
        merge(Some(data), merge_patch, &mut text).map_err(|stop| stop.at(0, ""))?;
        if text.len() > limit { Err(PatchError::TooBig) } else { Ok(text) }
    })
}

/// Applies a JSON Patch (RFC 6902) to `data`: all operations or none. What stays byte for byte is as in [`merged`].
///
/// # Errors
/// Those of [`merged`]; [`PatchError::TooBig`] also if an intermediate result has more than `limit` bytes;
/// [`PatchError::Operation`], [`PatchError::NoObjectLeft`].
pub fn patched(data: &[u8], operations: &[u8], limit: usize) -> Result<String, PatchError> {
    cost_of_patch(data, operations, limit).0
}

/// [`patched`] with its cost, for tests. The cost is zero if the texts are refused.
#[doc(hidden)]
pub fn cost_of_patch(data: &[u8], operations: &[u8], limit: usize) -> (Result<String, PatchError>, Cost) {
    with_documents(data, check_operations(operations), |data, operations| {
        let (root, size) = patch(data, operations, limit)?;
        // Data that was too large before may have become smaller and still be too large.
        if size > limit {
            return Err(PatchError::TooBig);
        }
        let mut text = String::with_capacity(size);
        root.write(&mut text);
        if text.starts_with('{') { Ok(text) } else { Err(PatchError::NoObjectLeft) }
    })
}

/// Checks both texts and runs `change`. The stored data is checked because a plain SET may have written it.
fn with_documents(
    data: &[u8],
    by: Result<&str, DataError>,
    change: impl FnOnce(Raw<'_>, Raw<'_>) -> Result<String, PatchError>,
) -> (Result<String, PatchError>, Cost) {
    let stored = || check_json_object(data).and_then(changeable).map_err(PatchError::Stored);
    let (data, by) = match by.map_err(PatchError::Bad).and_then(|by| Ok((stored()?, by))) {
        Ok(texts) => texts,
        Err(refused) => return (Err(refused), Cost::default()),
    };
    let budget = Budget::for_texts(data.len().saturating_add(by.len()));
    let result = match (Document::new(data, &budget), Document::new(by, &budget)) {
        (Some(data), Some(by)) => change(data.root(), by.root()),
        _ => Err(PatchError::TooBig),
    };
    (result, budget.cost())
}

fn check_operations(operations: &[u8]) -> Result<&str, DataError> {
    let text = utf8(operations)?;
    let is_array = text.trim_ascii_start().starts_with('[');
    // Plus two levels for the array and the operation.
    if is_array && depth(operations) > DEEPEST + 2 {
        return Err(DataError::TooDeep);
    }
    check_json(text, is_array).map_err(DataError::NotAPatch)?;
    changeable(text)
}

fn changeable(text: &str) -> Result<&str, DataError> {
    if has_lone_surrogate(text) { Err(DataError::LoneSurrogate) } else { Ok(text) }
}

#[cfg(test)]
#[path = "change_tests.rs"]
mod tests;
