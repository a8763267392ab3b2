//! Data that is changed in place of being replaced: merged, or patched.

use serde::de::DeserializeOwned;
use serde_json::{Deserializer, Value};

use super::{BadData, DEEPEST, check_json_object, depth, merge, patch};

/// Why data cannot be changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// The change is none, does not fit the data, or would make it bad.
    Bad(BadData),
    /// The data would become too large.
    TooBig,
    /// The change would touch far more than the data may hold.
    TooMuchWork,
}

/// `data` with a merge patch (RFC 7396) applied. What the patch does not name keeps its order and its digits; white space
/// and escapes that JSON does not need are dropped.
///
/// # Errors
/// [`Change::Bad`] where either is no JSON object or nested too deep, [`Change::TooBig`] for a result of more than `limit`
/// bytes.
pub fn merged(data: &[u8], merge_patch: &[u8], limit: usize) -> Result<String, Change> {
    let merge_patch = check_json_object(merge_patch).map_err(Change::Bad)?;
    let mut value: Value = build(object(data)?)?;
    merge::merge(&mut value, build(merge_patch)?);
    finish(&value, limit)
}

/// `data` with a JSON Patch (RFC 6902) applied: all of its operations or none. See [`merged`] for what stays as it was.
///
/// # Errors
/// [`Change::Bad`] where an operation fails or the result is no JSON object or nested too deep, [`Change::TooBig`] where it
/// has more than `limit` bytes on the way or in the end, [`Change::TooMuchWork`].
pub fn patched(data: &[u8], operations: &[u8], limit: usize) -> Result<String, Change> {
    let operations = str::from_utf8(operations).map_err(|_| Change::Bad(BadData::NotUtf8))?;
    // Two levels are those of the array and of the operation.
    if depth(operations.as_bytes()) > DEEPEST + 2 {
        return Err(Change::Bad(BadData::TooDeep));
    }
    let operations = build(operations).map_err(|_| Change::Bad(BadData::NotAPatch))?;
    let mut value = build(object(data)?)?;
    patch::patch(&mut value, operations, limit)?;
    finish(&value, limit)
}

/// The text of data that is about to be changed. It may be somebody else's: a plain SET can have written it.
fn object(data: &[u8]) -> Result<&str, Change> {
    check_json_object(data).map_err(Change::Bad)
}

/// Builds the value of a text whose depth was checked.
fn build<T: DeserializeOwned>(text: &str) -> Result<T, Change> {
    let unchangeable = Change::Bad(BadData::Unchangeable);
    if has_private_name(text) {
        return Err(unchangeable);
    }
    let mut deserializer = Deserializer::from_str(text);
    deserializer.disable_recursion_limit();
    let value = T::deserialize(&mut deserializer).map_err(|_| unchangeable)?;
    deserializer.end().map_err(|_| unchangeable)?;
    Ok(value)
}

/// Whether a string in the text is a name by which `serde_json` marks its own numbers and raw values: an object with such
/// a member would be taken for one of those, and come out as something else.
fn has_private_name(text: &str) -> bool {
    const PRIVATE: &str = "$serde_json::private::";
    // Only \u00XX can spell one of its letters in another way.
    if !text.contains(PRIVATE) && !text.contains("\\u00") {
        return false;
    }
    let mut rest = text;
    while let Some(start) = rest.find('"') {
        let string = rest.get(start..).unwrap_or_default();
        let mut strings = Deserializer::from_str(string).into_iter::<String>();
        match strings.next() {
            Some(Ok(decoded)) if decoded.starts_with(PRIVATE) => return true,
            Some(Ok(_)) => rest = string.get(strings.byte_offset()..).unwrap_or_default(),
            // What is no string does not parse as a whole either.
            _ => return false,
        }
    }
    false
}

fn finish(value: &Value, limit: usize) -> Result<String, Change> {
    let text = value.to_string();
    if text.len() > limit {
        return Err(Change::TooBig);
    }
    check_json_object(text.as_bytes()).map_err(Change::Bad)?;
    Ok(text)
}

#[cfg(test)]
#[path = "change_tests.rs"]
mod tests;
