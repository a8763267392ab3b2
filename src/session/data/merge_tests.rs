use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::super::{merged, tests::json_text};

const PLENTY: usize = 1 << 20;

/// The same on values: slow, large, and simple.
fn naive(target: &mut Value, patch: Value) {
    let Value::Object(patch) = patch else {
        *target = patch;
        return;
    };
    if !target.is_object() {
        *target = Value::Object(Map::new());
    }
    let members = target.as_object_mut().expect("an object");
    members.retain(|name, _| !patch.get(name).is_some_and(Value::is_null));
    for (name, value) in patch.into_iter().filter(|(_, value)| !value.is_null()) {
        naive(members.entry(name).or_insert(Value::Null), value);
    }
}

fn text(target: &str, patch: &str) -> String {
    merged(target.as_bytes(), patch.as_bytes(), PLENTY).expect("merged")
}

#[test]
fn the_examples_of_the_rfc() {
    // RFC 7396 appendix A: target, patch, result; as members, because data is an object.
    for (target, patch, result) in [
        (r#"{"a":"b"}"#, r#"{"a":"c"}"#, r#"{"a":"c"}"#),
        (r#"{"a":"b"}"#, r#"{"b":"c"}"#, r#"{"a":"b","b":"c"}"#),
        (r#"{"a":"b"}"#, r#"{"a":null}"#, "{}"),
        (r#"{"a":"b","b":"c"}"#, r#"{"a":null}"#, r#"{"b":"c"}"#),
        (r#"{"a":["b"]}"#, r#"{"a":"c"}"#, r#"{"a":"c"}"#),
        (r#"{"a":"c"}"#, r#"{"a":["b"]}"#, r#"{"a":["b"]}"#),
        (r#"{"a":{"b":"c"}}"#, r#"{"a":{"b":"d","c":null}}"#, r#"{"a":{"b":"d"}}"#),
        (r#"{"a":[{"b":"c"}]}"#, r#"{"a":[1]}"#, r#"{"a":[1]}"#),
        (r#"["a","b"]"#, r#"["c","d"]"#, r#"["c","d"]"#),
        (r#"{"a":"b"}"#, r#"["c"]"#, r#"["c"]"#),
        (r#"{"a":"foo"}"#, r#""bar""#, r#""bar""#),
        (r#"{"e":null}"#, r#"{"a":1}"#, r#"{"e":null,"a":1}"#),
        ("[1,2]", r#"{"a":"b","c":null}"#, r#"{"a":"b"}"#),
        ("{}", r#"{"a":{"bb":{"ccc":null}}}"#, r#"{"a":{"bb":{}}}"#),
    ] {
        let wrapped = |value: &str| format!(r#"{{"v":{value}}}"#);
        assert_eq!(text(&wrapped(target), &wrapped(patch)), wrapped(result));
    }
    assert_eq!(text(r#"{"v":{"a":"foo"}}"#, r#"{"v":null}"#), "{}");
}

#[test]
fn members_that_stay_keep_their_order_and_their_text() {
    let target = r#" { "d" : 1.0e5, "b":2 ,"c":{"x" : [ 1, 2 ]}, "a":"\u0041\/" } "#;
    assert_eq!(
        text(target, r#"{"b":null,"e":5,"c":{"y":6}}"#),
        r#"{"d":1.0e5,"c":{"x":[ 1, 2 ],"y":6},"a":"\u0041\/","e":5}"#
    );
    assert_eq!(text(target, " {} "), target.trim());
}

#[test]
fn of_several_members_of_one_name_the_last_one_counts() {
    let target = r#"{"a":1,"b":{"x":1},"a":{"y":1},"c":3,"\u0061":{"z":2}}"#;
    assert_eq!(text(target, r#"{"a":{"w":1}}"#), r#"{"a":{"z":2,"w":1},"b":{"x":1},"c":3}"#);
    assert_eq!(text(target, r#"{"a":null}"#), r#"{"b":{"x":1},"c":3}"#);
    assert_eq!(text(target, r#"{"a":0,"c":4,"a":{"v":1},"c":null}"#), r#"{"a":{"z":2,"v":1},"b":{"x":1}}"#);
    assert_eq!(text(target, r#"{"c":4}"#), r#"{"a":1,"b":{"x":1},"a":{"y":1},"c":4,"\u0061":{"z":2}}"#, "not touched");
    let many =
        |value: u32| (0..100).map(|name| format!(r#""{name}":{value},"{name}":{value}"#)).collect::<Vec<_>>().join(",");
    let merged: Value =
        serde_json::from_str(&text(&format!("{{{}}}", many(1)), &format!("{{{}}}", many(2)))).expect("JSON");
    assert!(merged.as_object().is_some_and(|members| members.len() == 100 && members.values().all(|value| value == 2)));
}

proptest! {
    #[test]
    fn it_agrees_with_values_and_with_the_crate(target in json_text(), patch in json_text()) {
        let (target, patch) = (format!(r#"{{"v":{target}}}"#), format!(r#"{{"v":{patch}}}"#));
        let [mut values, patch_value]: [Value; 2] =
            [&target, &patch].map(|text| serde_json::from_str(text).expect("JSON"));
        let mut crates = values.clone();
        json_patch::merge(&mut crates, &patch_value);
        naive(&mut values, patch_value);
        let found: Value = serde_json::from_str(&text(&target, &patch)).expect("JSON");
        prop_assert_eq!(&found, &crates);
        prop_assert_eq!(found.to_string(), values.to_string(), "order");
    }
}

#[test]
fn nothing_is_left_of_a_member_that_is_merged_into_nothing() {
    assert_eq!(text(r#"{"a":1}"#, r#"{"a":{"b":null,"c":{"d":null,"e":[null]}}}"#), r#"{"a":{"c":{"e":[null]}}}"#);
    assert_eq!(json!({"a":{}}).to_string(), text("{}", r#"{"a":{"b":null}}"#));
}
