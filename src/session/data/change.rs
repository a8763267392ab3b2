//! Data that is changed in place of being replaced: merged, or patched.

use super::{
    Budget, Cost, DEEPEST, DataError, check_json, check_json_object, depth,
    document::{Document, Raw},
    merge::merge,
    names::has_lone_surrogate,
    patch::patch,
    utf8,
};

/// Why data cannot be changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PatchError {
    /// The change is none.
    Bad(DataError),
    /// The stored data is none, or cannot be changed.
    Stored(DataError),
    /// The operation of this number, counted from 1, and of this name cannot be done.
    Operation(usize, &'static str, OperationError),
    /// What comes out is no JSON object.
    NoObjectLeft,
    /// The data would become too large.
    TooBig,
    /// The change would take more work or memory than any may.
    TooMuch,
}

/// What is wrong with an operation of a JSON Patch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OperationError {
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
pub(super) enum Failure {
    OperationError(OperationError),
    TooBig,
    TooMuch,
}

impl Failure {
    /// In the operation of this number and name.
    pub(super) const fn at(self, number: usize, name: &'static str) -> PatchError {
        match self {
            Self::OperationError(fault) => PatchError::Operation(number, name, fault),
            Self::TooBig => PatchError::TooBig,
            Self::TooMuch => PatchError::TooMuch,
        }
    }
}

/// `data` with a merge patch (RFC 7396) applied. What the patch does not name is kept byte for byte; white space between the
/// members of the objects that it changes is dropped.
///
/// # Errors
/// [`PatchError::Bad`], [`PatchError::Stored`], [`PatchError::TooBig`] for a result of more than `limit` bytes, [`PatchError::TooMuch`].
pub fn merged(data: &[u8], merge_patch: &[u8], limit: usize) -> Result<String, PatchError> {
    cost_of_merge(data, merge_patch, limit).0
}

/// [`merged`], and what it cost, for tests: nothing where no change began.
#[doc(hidden)]
pub fn cost_of_merge(data: &[u8], merge_patch: &[u8], limit: usize) -> (Result<String, PatchError>, Cost) {
    with_documents(data, check_json_object(merge_patch).and_then(changeable), |data, merge_patch| {
        let mut text = String::with_capacity(data.len() + merge_patch.len());
        merge(Some(data), merge_patch, &mut text).map_err(|stop| stop.at(0, ""))?;
        if text.len() > limit { Err(PatchError::TooBig) } else { Ok(text) }
    })
}

/// `data` with a JSON Patch (RFC 6902) applied: all of its operations or none. See [`merged`] for what stays as it was.
///
/// # Errors
/// Those of [`merged`]; [`PatchError::TooBig`] also where it has more than `limit` bytes on the way; [`PatchError::Operation`],
/// [`PatchError::NoObjectLeft`].
pub fn patched(data: &[u8], operations: &[u8], limit: usize) -> Result<String, PatchError> {
    cost_of_patch(data, operations, limit).0
}

/// [`patched`], and what it cost, for tests: nothing where no change began.
#[doc(hidden)]
pub fn cost_of_patch(data: &[u8], operations: &[u8], limit: usize) -> (Result<String, PatchError>, Cost) {
    with_documents(data, check_operations(operations), |data, operations| {
        let (root, size) = patch(data, operations, limit)?;
        // What was too large before may have become smaller, and still be too large.
        if size > limit {
            return Err(PatchError::TooBig);
        }
        let mut text = String::with_capacity(size);
        root.write(&mut text);
        if text.starts_with('{') { Ok(text) } else { Err(PatchError::NoObjectLeft) }
    })
}

/// Changes the stored data, which a plain SET can have written, too. The budget is for both texts.
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
    // Two levels are those of the array and of the operation.
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
