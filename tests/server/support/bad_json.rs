//! JSON texts that JRS refuses as data, claims and changes.

/// Texts that are not a JSON object in UTF-8.
pub(crate) const NOT_OBJECTS: [&[u8]; 32] = [
    b"",
    b" ",
    b"null",
    b"true",
    b"1",
    b"\"{}\"",
    b"[]",
    b"[{}]",
    b"{",
    b"}",
    b"{}}",
    b"{}{}",
    b"{} {}",
    b"{},",
    b"x{}",
    b"{}x",
    b"{}\0",
    b"\0{}",
    b"{\0}",
    b"\xef\xbb\xbf{}",
    b"\xff",
    b"{\"a\":\"\xff\"}",
    b"{\"\xc3\":1}",
    b"{\"a\":\"\xed\xa0\x80\"}",
    b"{\"a\":\"\xf0\x9f\x98\"}",
    b"{'a':1}",
    b"{a:1}",
    b"{\"a\":1,}",
    b"{\"a\" 1}",
    b"{\"a\":01}",
    b"{\"a\":\"\n\"}",
    b"{\"a\":\"\\x\"}",
];

/// `{"a":[[…]]}` with this many levels, including the object.
pub(crate) fn nested(levels: usize) -> String {
    format!(r#"{{"a":{}{}}}"#, "[".repeat(levels - 1), "]".repeat(levels - 1))
}

/// Texts with too many levels. Some of them are not JSON.
pub(crate) fn too_deep() -> Vec<String> {
    let objects = |levels: usize| format!("{}1{}", r#"{"a":"#.repeat(levels), "}".repeat(levels));
    let mut all = vec![nested(129), nested(10_000), nested(500_000), objects(129), objects(10_000)];
    all.extend([r#"{"a":"#.repeat(100_000), format!("{{\"a\":{}", "[".repeat(1_000_000)), "{".repeat(10_000)]);
    all
}
