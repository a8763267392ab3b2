use proptest::prelude::*;

use super::{
    super::{Position, tests::json},
    BadData, Change, DEEPEST, Fault, merged, patched,
};

const PLENTY: usize = 1 << 20;

fn bad(bad: BadData) -> Result<String, Change> {
    Err(Change::Bad(bad))
}

#[test]
fn what_is_not_touched_stays() {
    let data = br#"{ "z": 1.0, "big": 123456789012345678901234567890, "e": 1e+2, "zero": -0.0, "s": "\u00e9/\u2028", "a": [ ] }"#;
    let untouched = |text: &str| {
        for kept in ["1.0", "123456789012345678901234567890", "1e+2", "-0.0", r"\u00e9/\u2028", "[ ]"] {
            assert!(text.contains(kept), "{kept} in {text}");
        }
        assert!(text.starts_with(r#"{"z":1.0,"big":"#), "{text}");
    };
    untouched(&merged(data, br#"{"n":1}"#, PLENTY).expect("merged"));
    untouched(&patched(data, br#"[{"op":"add","path":"/n","value":1}]"#, PLENTY).expect("patched"));
}

#[test]
fn only_objects_come_out() {
    let first = Position { line: 1, column: 1 };
    let not_utf8 = BadData::NotUtf8(Position { line: 1, column: 7 });
    assert_eq!(merged(b"{}", b"[1]", PLENTY), bad(BadData::NotAnObject(first)));
    assert_eq!(merged(b"[1]", b"{}", PLENTY), Err(Change::Stored(BadData::NotAnObject(first))));
    assert_eq!(merged(b"{\"a\":\"\xff\"}", b"{}", PLENTY), Err(Change::Stored(not_utf8)));
    assert_eq!(merged(b"{}", b"{\"a\":\"\xff\"}", PLENTY), bad(not_utf8));
    assert_eq!(patched(b"[1]", b"[]", PLENTY), Err(Change::Stored(BadData::NotAnObject(first))));
    assert_eq!(patched(b"{}", br#"[{"op":"replace","path":"","value":[]}]"#, PLENTY), Err(Change::NoObjectLeft));
    assert_eq!(patched(b"{}", b"{}", PLENTY), bad(BadData::NotAPatch(first)));
    assert_eq!(patched(b"{}", b"[,]", PLENTY), bad(BadData::NotAPatch(Position { line: 1, column: 2 })));
    assert_eq!(patched(b"{}", b"\xff", PLENTY), bad(BadData::NotUtf8(first)));
}

#[test]
fn half_of_a_surrogate_pair_is_refused() {
    for strange in [
        r#"{"a":"\ud800"}"#,
        r#"{"a":"\ud800\u0041"}"#,
        r#"{"a":"\ude00\ud83d"}"#,
        r#"{"a":"\uD83Dx"}"#,
        r#"{"\udfff":1}"#,
    ] {
        let data = strange.as_bytes();
        assert_eq!(merged(data, b"{}", PLENTY), Err(Change::Stored(BadData::LoneSurrogate)), "{strange}");
        assert_eq!(merged(b"{}", data, PLENTY), bad(BadData::LoneSurrogate), "{strange}");
        let patch = format!(r#"[{{"op":"add","path":"/x","value":{strange}}}]"#);
        assert_eq!(patched(b"{}", patch.as_bytes(), PLENTY), bad(BadData::LoneSurrogate), "{strange}");
    }
    for harmless in [r#"{"a":"\ud83d\ude00\\ud800\\\uD83d\uDE00"}"#, r#"{"$serde_json::private::Number":"1"}"#] {
        assert_eq!(merged(harmless.as_bytes(), b"{}", PLENTY).as_deref(), Ok(harmless));
        assert_eq!(merged(b"{}", harmless.as_bytes(), PLENTY).as_deref(), Ok(harmless));
    }
}

#[test]
fn depth_and_size_are_bounded() {
    let nested = |levels: usize| format!("{}1{}", r#"{"a":"#.repeat(levels), "}".repeat(levels));
    let deepest = nested(DEEPEST);
    assert_eq!(merged(deepest.as_bytes(), deepest.as_bytes(), PLENTY).as_deref(), Ok(deepest.as_str()));
    assert_eq!(merged(b"{}", nested(DEEPEST + 1).as_bytes(), PLENTY), bad(BadData::TooDeep));
    let add = |levels: usize| format!(r#"[{{"op":"add","path":"/b","value":{}}}]"#, nested(levels));
    assert!(patched(b"{}", add(DEEPEST - 1).as_bytes(), PLENTY).is_ok());
    assert_eq!(patched(b"{}", add(DEEPEST).as_bytes(), PLENTY), Err(Change::Operation(1, "add", Fault::TooDeep)));
    let brackets = "[".repeat(1_000_000);
    assert_eq!(patched(b"{}", brackets.as_bytes(), PLENTY), bad(BadData::TooDeep));
    assert_eq!(merged(br#"{"a":1}"#, br#"{"b":2}"#, 13).as_deref(), Ok(r#"{"a":1,"b":2}"#));
    assert_eq!(merged(br#"{"a":1}"#, br#"{"b":2}"#, 12), Err(Change::TooBig));
}

proptest! {
    #[test]
    fn a_merge_with_itself_changes_nothing(value in json()) {
        let data = serde_json::json!({ "value": value }).to_string();
        // Members that are null are removed, so only data without one is its own fixed point.
        prop_assume!(!data.contains("null"));
        prop_assert_eq!(merged(data.as_bytes(), data.as_bytes(), PLENTY), Ok(data));
    }

    #[test]
    fn any_bytes_are_judged(data in prop::collection::vec(any::<u8>(), 0..64), patch in prop::collection::vec(any::<u8>(), 0..64)) {
        let _ = merged(&data, &patch, PLENTY);
        let _ = patched(&data, &patch, PLENTY);
    }
}
