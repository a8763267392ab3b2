use proptest::prelude::*;
use serde_json::Value;

use super::{Pointer, look_up};
use crate::session::data::{
    patched,
    tests::{json, json_text},
};

fn pointers(texts: &[&str]) -> Vec<Pointer> {
    texts.iter().map(|text| Pointer::new((*text).to_owned()).expect("a JSON Pointer")).collect()
}

fn found(data: &str, texts: &[&str]) -> Vec<Option<String>> {
    look_up(data.as_bytes(), &pointers(texts))
}

/// The values as a parser that builds them finds them.
fn expected(data: &Value, texts: &[String]) -> Vec<Option<Value>> {
    texts.iter().map(|text| data.pointer(text).cloned()).collect()
}

fn parsed(found: Vec<Option<String>>) -> Vec<Option<Value>> {
    found.into_iter().map(|text| text.map(|text| serde_json::from_str(&text).expect("JSON"))).collect()
}

#[test]
fn values_are_the_bytes_of_the_data() {
    let data = r#" {"a" : {"b": [ 1.50, "x\u0041" ,{"":null}]}, "m~n":1, "c/d":2,"":3} "#;
    let texts = ["", "/a/b", "/a/b/0", "/a/b/1", "/a/b/2", "/a/b/2/", "/m~0n", "/c~1d", "/"];
    let values = [
        data.trim(),
        r#"[ 1.50, "x\u0041" ,{"":null}]"#,
        "1.50",
        r#""x\u0041""#,
        r#"{"":null}"#,
        "null",
        "1",
        "2",
        "3",
    ];
    assert_eq!(found(data, &texts), values.map(|value| Some(value.to_owned())));
}

#[test]
fn pointers_overlap_if_one_is_within_the_other() {
    let all = pointers(&["", "/a", "/a/b", "/a/b/c", "/a-b", "/ab", "/a~1b", "/"]);
    let overlapping = |one: usize, other: usize| {
        one == 0 || other == 0 || one == other || (1..4).contains(&one) && (1..4).contains(&other)
    };
    for (one, first) in all.iter().enumerate() {
        for (other, second) in all.iter().enumerate() {
            assert_eq!(first.overlaps(second), overlapping(one, other), "{first:?} {second:?}");
        }
    }
}

#[test]
fn a_path_that_is_missing_has_no_value() {
    let data = r#"{"a":[1,2],"b":"text","n":null}"#;
    let texts = ["/c", "/a/2", "/a/-", "/a/00", "/a/+1", "/a/", "/b/0", "/n/x", "/a/99999999999999999999999"];
    assert_eq!(found(data, &texts), vec![None; texts.len()]);
    assert_eq!(found(data, &["/n", "/c"]), [Some("null".to_owned()), None]);
}

#[test]
fn of_members_with_the_same_name_the_last_counts() {
    let data = r#"{"a":{"b":1,"c":2},"\u0061":{"b":3}}"#;
    assert_eq!(found(data, &["/a/b", "/a/c", "/a"]), [Some("3".into()), None, Some(r#"{"b":3}"#.into())]);
}

#[test]
fn data_that_is_not_an_object_has_no_values() {
    for data in ["", "[1]", "{", "text", "null", r#"{"a":1}{}"#] {
        assert_eq!(found(data, &["", "/a", "/0"]), [None, None, None], "{data}");
    }
    assert_eq!(look_up(b"{\"a\":\"\xff\"}", &pointers(&["/a"])), [None]);
}

#[test]
fn half_of_a_surrogate_pair_is_no_end_of_a_name() {
    let data = r#"{"a\ud800b":1,"\ud800":2,"c":"\ud800"}"#;
    assert_eq!(found(data, &["/a", "/", "/c"]), [None, None, Some(r#""\ud800""#.into())]);
}

#[test]
fn texts_that_are_not_pointers_are_refused() {
    for text in ["a", "a/b", "/~", "/~2", "/a~", "~0", "#/a", " /a"] {
        assert_eq!(Pointer::new(text.to_owned()), None, "{text}");
    }
}

fn pointer_texts() -> impl Strategy<Value = Vec<String>> {
    let token = prop::sample::select(vec!["a", "b", "0", "1", "", "2", "-", "01", "~0", "~1", "\\,{"]);
    let text = prop::collection::vec(token, 0..4)
        .prop_map(|tokens| tokens.iter().map(|token| format!("/{token}")).collect::<String>());
    prop::collection::vec(text, 1..12)
}

/// The pointer of each value in a tree.
fn all_pointers(value: &Value, at: &str, all: &mut Vec<String>) {
    all.push(at.to_owned());
    match value {
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(index, item)| all_pointers(item, &format!("{at}/{index}"), all));
        }
        Value::Object(members) => members.iter().for_each(|(name, item)| {
            all_pointers(item, &format!("{at}/{}", name.replace('~', "~0").replace('/', "~1")), all);
        }),
        _ => {}
    }
}

proptest! {
    #[test]
    fn values_are_those_of_a_second_implementation(text in json_text(), texts in pointer_texts()) {
        let data = format!(r#"{{"a":{text}}}"#);
        let value: Value = serde_json::from_str(&data).expect("JSON");
        let found = look_up(data.as_bytes(), &pointers(&texts.iter().map(String::as_str).collect::<Vec<_>>()));
        for (text, at) in texts.iter().zip(&found) {
            // A patch takes the same member: its test of the value found matches.
            if let Some(at) = at {
                let test = format!(r#"[{{"op":"test","path":{},"value":{at}}}]"#, Value::from(text.as_str()));
                prop_assert!(patched(data.as_bytes(), test.as_bytes(), usize::MAX).is_ok());
            }
        }
        prop_assert_eq!(parsed(found), expected(&value, &texts));
    }

    #[test]
    fn each_value_is_found_in_one_pass(value in json()) {
        let data = serde_json::json!({ "a": value });
        let mut texts = Vec::new();
        all_pointers(&data, "", &mut texts);
        let all = pointers(&texts.iter().map(String::as_str).collect::<Vec<_>>());
        prop_assert_eq!(parsed(look_up(data.to_string().as_bytes(), &all)), expected(&data, &texts));
    }
}
