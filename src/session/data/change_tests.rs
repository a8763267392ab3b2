use proptest::prelude::*;

use super::{
    super::{
        Position,
        tests::{json, json_text},
    },
    Cost, DEEPEST, DataError, OperationError, PatchError, cost_of_merge, cost_of_patch, merged, patched,
};

const PLENTY: usize = 1 << 20;

fn bad(bad: DataError) -> Result<String, PatchError> {
    Err(PatchError::Bad(bad))
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
    let not_utf8 = DataError::NotUtf8(Position { line: 1, column: 7 });
    assert_eq!(merged(b"{}", b"[1]", PLENTY), bad(DataError::NotAnObject(first)));
    assert_eq!(merged(b"[1]", b"{}", PLENTY), Err(PatchError::Stored(DataError::NotAnObject(first))));
    assert_eq!(merged(b"{\"a\":\"\xff\"}", b"{}", PLENTY), Err(PatchError::Stored(not_utf8)));
    assert_eq!(merged(b"{}", b"{\"a\":\"\xff\"}", PLENTY), bad(not_utf8));
    assert_eq!(patched(b"[1]", b"[]", PLENTY), Err(PatchError::Stored(DataError::NotAnObject(first))));
    assert_eq!(patched(b"{}", br#"[{"op":"replace","path":"","value":[]}]"#, PLENTY), Err(PatchError::NoObjectLeft));
    assert_eq!(patched(b"{}", b"{}", PLENTY), bad(DataError::NotAPatch(first)));
    assert_eq!(patched(b"{}", b"[,]", PLENTY), bad(DataError::NotAPatch(Position { line: 1, column: 2 })));
    assert_eq!(patched(b"{}", b"\xff", PLENTY), bad(DataError::NotUtf8(first)));
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
        assert_eq!(merged(data, b"{}", PLENTY), Err(PatchError::Stored(DataError::LoneSurrogate)), "{strange}");
        assert_eq!(merged(b"{}", data, PLENTY), bad(DataError::LoneSurrogate), "{strange}");
        let patch = format!(r#"[{{"op":"add","path":"/x","value":{strange}}}]"#);
        assert_eq!(patched(b"{}", patch.as_bytes(), PLENTY), bad(DataError::LoneSurrogate), "{strange}");
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
    assert_eq!(merged(b"{}", nested(DEEPEST + 1).as_bytes(), PLENTY), bad(DataError::TooDeep));
    let add = |levels: usize| format!(r#"[{{"op":"add","path":"/b","value":{}}}]"#, nested(levels));
    assert!(patched(b"{}", add(DEEPEST - 1).as_bytes(), PLENTY).is_ok());
    assert_eq!(
        patched(b"{}", add(DEEPEST).as_bytes(), PLENTY),
        Err(PatchError::Operation(1, "add", OperationError::TooDeep))
    );
    let brackets = "[".repeat(1_000_000);
    assert_eq!(patched(b"{}", brackets.as_bytes(), PLENTY), bad(DataError::TooDeep));
    assert_eq!(merged(br#"{"a":1}"#, br#"{"b":2}"#, 13).as_deref(), Ok(r#"{"a":1,"b":2}"#));
    assert_eq!(merged(br#"{"a":1}"#, br#"{"b":2}"#, 12), Err(PatchError::TooBig));
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
    fn text_with_a_changed_byte_is_judged_like_the_parser_does(
        [data, value] in [json_text(), json_text()], at in any::<prop::sample::Index>(), byte in any::<u8>(), in_data in any::<bool>(),
    ) {
        let mut data = format!(r#"{{"a":{data}}}"#).into_bytes();
        let mut change = format!(r#"[{{"op":"add","path":"/b","value":{value}}}]"#).into_bytes();
        let text = if in_data { &mut data } else { &mut change };
        let at = at.index(text.len());
        text[at] = byte;
        let parse = |text: &[u8]| serde_json::from_slice::<serde_json::Value>(text).ok();
        let is_object = |text: &[u8]| parse(text).is_some_and(|value| value.is_object());
        let is_array = parse(&change).is_some_and(|value| value.is_array());
        let found = patched(&data, &change, PLENTY);
        prop_assert_eq!(matches!(found, Err(PatchError::Bad(_))), !is_array, "{:?}", found);
        if is_array {
            prop_assert_eq!(matches!(found, Err(PatchError::Stored(_))), !is_object(&data), "{:?}", found);
        }
        let merge_patch = [&br#"{"b":"#[..], &change, b"}"].concat();
        let found = merged(&data, &merge_patch, PLENTY);
        prop_assert_eq!(found.is_ok(), is_object(&merge_patch) && is_object(&data), "{:?}", found);
    }
}

/// An object of about this many bytes, of members with these names.
fn object(size: usize, name: impl Fn(usize) -> String) -> String {
    let count = size / (name(0).len() + 5);
    format!("{{{}}}", (0..count).map(|at| format!(r#""{}":1"#, name(at))).collect::<Vec<_>>().join(","))
}

#[test]
fn each_name_is_decoded_once() {
    const MIB: usize = 1 << 20;
    let long = |end: &'static str| move |at: usize| format!("{}{at:05}{end}", "x".repeat(990));
    let spelled = |at: usize| format!(r"{}{at:05}", r"\u0061".repeat(3));
    let data = [
        object(MIB, long("y")),
        object(MIB, long(r#"\""#)),
        object(MIB, spelled),
        object(MIB, |at| format!("a name of 22 bytes{at:05}")),
        format!(r#"{{"{}":1}}"#, r"\u0061".repeat(MIB / 6)),
    ];
    let few = |name: &dyn Fn(usize) -> String| object(8 * (name(0).len() + 5), |at| name(at + 90_000));
    let merge_patches = [few(&long("y")), few(&long(r#"\""#)), few(&spelled), few(&|at| at.to_string())];
    for (at, data) in data.iter().enumerate() {
        for (by, change) in merge_patches.iter().chain([data]).enumerate() {
            let (result, Cost { work, decoded }) = cost_of_merge(data.as_bytes(), change.as_bytes(), 4 * MIB);
            let texts = data.len() + change.len();
            // A name that both have is compared as well.
            assert!(decoded <= if by == 4 { 2 * texts } else { texts }, "{at} by {by}: {decoded} bytes decoded");
            assert!(work <= 5 * MIB + 3 * texts, "{at} by {by}: too much work is refused before it is done: {work}");
            assert!(by == 4 || result.is_ok(), "{at} by {by}: {result:?}");
        }
        for name in [long("y")(90_000), long(r#"\""#)(90_000), spelled(90_000)] {
            let add = |value: usize| format!(r#"{{"op":"add","path":"/{name}","value":{value}}}"#);
            let change = format!("[{}]", (0..13).map(add).collect::<Vec<_>>().join(","));
            let (result, cost) = cost_of_patch(data.as_bytes(), change.as_bytes(), 4 * MIB);
            assert!(cost.decoded <= data.len() + 3 * change.len(), "{at}, {name:.20}: {cost:?}");
            assert!(result.is_ok(), "{at}, {name:.20}: {result:?}");
        }
    }
}

#[test]
fn the_same_change_costs_the_same() {
    let data = object(100_000, |at| format!(r"\u0061{at}"));
    let cost = || cost_of_merge(data.as_bytes(), data.as_bytes(), PLENTY);
    assert_eq!(cost(), cost());
    assert_eq!(cost_of_merge(b"[", b"{}", PLENTY).1, Cost::default(), "what is refused before costs nothing");
}
