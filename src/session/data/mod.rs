//! The data of a session: a JSON object, stored byte for byte as given.

mod budget;
mod change;
mod compare;
mod document;
mod fields;
mod lookup;
mod merge;
mod names;
mod node;
mod operation;
mod patch;
mod pointer;

use serde::de::IgnoredAny;
use xxhash_rust::xxh3::xxh3_64;

use budget::Budget;
pub use budget::Cost;
use change::Failure;
pub use change::{OperationError, PatchError, SyntaxError, cost_of_merge, cost_of_patch, merged, patched};
pub use lookup::look_up;
pub use pointer::Pointer;

/// The deepest nesting of arrays and objects, with the outermost object.
pub const DEEPEST: usize = 128;

/// Why bytes are not session data, claims of a token or a patch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DataError {
    /// Not UTF-8, from here on.
    NotUtf8(Position),
    /// Not one JSON object (RFC 8259).
    NotAnObject(Position),
    /// Nested deeper than [`DEEPEST`].
    TooDeep,
    /// A string with half of a surrogate pair, which cannot be compared.
    LoneSurrogate,
    /// Not a JSON array, as a JSON Patch is (RFC 6902).
    NotAPatch(Position),
}

/// A position in a text. Line and column count from 1, columns in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// The line.
    pub line: usize,
    /// The byte in the line.
    pub column: usize,
}

impl Position {
    /// The position of the byte after `before`.
    fn after(text: &[u8], before: usize) -> Self {
        let before = text.get(..before).unwrap_or(text);
        let line = before.rsplit(|byte| *byte == b'\n').next().unwrap_or_default();
        Self { line: 1 + before.iter().filter(|byte| **byte == b'\n').count(), column: line.len() + 1 }
    }
}

/// Checks that `json` is one JSON object, nested at most [`DEEPEST`] levels. Takes linear time and allocates nothing.
pub fn check_json_object(json: &[u8]) -> Result<&str, DataError> {
    let text = utf8(json)?;
    let is_object = text.trim_ascii_start().starts_with('{');
    // Check the depth first: the parser allocates one byte for each open bracket. Almost all data has few brackets,
    // which are counted many bytes at a time.
    let brackets = || json.iter().map(|byte| usize::from(matches!(byte, b'{' | b'['))).sum::<usize>();
    if is_object && json.len() > DEEPEST && brackets() > DEEPEST && depth(json) > DEEPEST {
        return Err(DataError::TooDeep);
    }
    check_json(text, is_object).map_err(DataError::NotAnObject)?;
    Ok(text)
}

fn utf8(bytes: &[u8]) -> Result<&str, DataError> {
    str::from_utf8(bytes).map_err(|error| DataError::NotUtf8(Position::after(bytes, error.valid_up_to())))
}

/// Checks that `text` is one JSON value of the right type, which the caller found by its first byte.
fn check_json(text: &str, is_of_type: bool) -> Result<(), Position> {
    if !is_of_type {
        return Err(Position::after(text.as_bytes(), text.len() - text.trim_ascii_start().len()));
    }
    let error = serde_json::from_str::<IgnoredAny>(text).err();
    error.map_or(Ok(()), |error| Err(Position { line: error.line(), column: error.column().max(1) }))
}

/// The deepest nesting of brackets outside strings. Exact for JSON, arbitrary for other text.
fn depth(json: &[u8]) -> usize {
    let (mut depth, mut deepest) = (0_usize, 0);
    let (mut in_string, mut escaped) = (false, false);
    for byte in json {
        match (in_string, byte) {
            (true, _) if escaped => escaped = false,
            (true, b'\\') => escaped = true,
            (_, b'"') => in_string = !in_string,
            (false, b'{' | b'[') => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            (false, b'}' | b']') => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

/// The version of session data for compare-and-set: its XXH3-64 in 16 lower-case hex digits.
pub fn etag(data: &[u8]) -> [u8; 16] {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    let hash = xxh3_64(data);
    std::array::from_fn(|digit| {
        let nibble = hash >> (60 - 4 * digit) & 0xf;
        HEX.get(usize::try_from(nibble).unwrap_or(0)).copied().unwrap_or(b'0')
    })
}

#[cfg(test)]
pub(crate) mod tests {
    use proptest::prelude::*;

    use super::{DataError, Position, check_json_object, depth, etag};

    #[test]
    fn data_is_stored_unchanged() {
        for good in ["{}", " {\"a\":1}\n", r#"{"a":{"b":[1,2.5e3,true,null,"\ud800"]}}"#, r#"{"a":1,"a":2}"#] {
            assert_eq!(check_json_object(good.as_bytes()), Ok(good));
        }
    }

    #[test]
    fn errors_have_a_position() {
        for (text, line, column) in [
            ("cart=[]", 1, 1),
            ("  [1]", 1, 3),
            ("", 1, 1),
            ("{\"a\":1,\n \"b\":x}", 2, 6),
            ("{\"name\":'Ann'}", 1, 9),
            ("{}{}", 1, 3),
        ] {
            let place = DataError::NotAnObject(Position { line, column });
            assert_eq!(check_json_object(text.as_bytes()), Err(place), "{text}");
        }
        let place = DataError::NotUtf8(Position { line: 2, column: 2 });
        assert_eq!(check_json_object(b"{\n\"\xff\":1}"), Err(place));
    }

    #[test]
    fn etags_are_xxh3() {
        // The hash of the empty input, as the reference tool of xxHash prints it.
        assert_eq!(&etag(b""), b"2d06800538d394c2");
        assert_ne!(etag(b"{}"), etag(b"{} "));
    }

    fn naive_depth(value: &serde_json::Value) -> usize {
        match value {
            serde_json::Value::Array(items) => 1 + items.iter().map(naive_depth).max().unwrap_or(0),
            serde_json::Value::Object(members) => 1 + members.values().map(naive_depth).max().unwrap_or(0),
            _ => 0,
        }
    }

    pub(crate) fn json() -> impl Strategy<Value = serde_json::Value> {
        let leaf = prop_oneof![any::<i64>().prop_map(Into::into), any::<String>().prop_map(Into::into)];
        leaf.prop_recursive(6, 60, 5, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..5).prop_map(Into::into),
                prop::collection::hash_map(any::<String>(), inner, 0..5)
                    .prop_map(|members| serde_json::Value::Object(members.into_iter().collect())),
            ]
        })
    }

    /// Texts as people write them: white space, escapes, names that come twice, numbers in several spellings.
    pub(crate) fn json_text() -> impl Strategy<Value = String> {
        let leaf = prop::sample::select(vec![
            "null",
            "true",
            "0",
            "1",
            "-1.50",
            "2E+3",
            r#""""#,
            r#""x""#,
            r#""\u0078""#,
            r#""\"\\\n\ud83d\ude00é""#,
        ]);
        let name =
            prop::sample::select(vec![r#""a""#, r#""b""#, r#""\u0061""#, r#""0""#, r#""1""#, r#""""#, r#""\\,{""#]);
        leaf.prop_map(str::to_owned).prop_recursive(4, 40, 5, move |inner| {
            let space = prop::sample::select(vec!["", "", "", " ", "\n\t"]);
            prop_oneof![
                (prop::collection::vec(inner.clone(), 0..5), space.clone())
                    .prop_map(|(all, space)| format!("[{space}{}{space}]", all.join(&format!("{space},")))),
                (prop::collection::vec((name.clone(), inner), 0..12), space).prop_map(|(all, space)| {
                    let all: Vec<_> = all.iter().map(|(name, value)| format!("{name}{space}:{value}{space}")).collect();
                    format!("{{{}{space}}}", all.join(&format!("{space},")))
                }),
            ]
        })
    }

    proptest! {
        #[test]
        fn depth_is_that_of_the_tree(value in json()) {
            prop_assert_eq!(depth(value.to_string().as_bytes()), naive_depth(&value));
            prop_assert_eq!(check_json_object(value.to_string().as_bytes()).is_ok(), value.is_object());
        }

        #[test]
        fn any_bytes_are_judged_like_the_parser_does(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
            let parsed = serde_json::from_slice::<serde_json::Value>(&bytes);
            let object = parsed.is_ok_and(|value| value.is_object());
            // The parser that builds values refuses more: lone surrogates and numbers beyond a double.
            prop_assert!(!object || check_json_object(&bytes).is_ok());
        }
    }
}
