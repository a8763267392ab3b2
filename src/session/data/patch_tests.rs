use json_patch::Patch;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::{super::tests::json, BadData, Change, patch, same};

const PLENTY: usize = 1 << 20;

fn patched(mut target: Value, operations: Value, limit: usize) -> Result<String, Change> {
    let operations: Patch = serde_json::from_value(operations).expect("operations");
    patch(&mut target, operations, limit).map(|()| target.to_string())
}

#[test]
fn the_examples_of_the_rfc() {
    // RFC 6902 appendix A, those that concern the application of operations.
    for (target, operations, result) in [
        (json!({"foo":"bar"}), json!([{"op":"add","path":"/baz","value":"qux"}]), r#"{"foo":"bar","baz":"qux"}"#),
        (
            json!({"foo":["bar","baz"]}),
            json!([{"op":"add","path":"/foo/1","value":"qux"}]),
            r#"{"foo":["bar","qux","baz"]}"#,
        ),
        (json!({"baz":"qux","foo":"bar"}), json!([{"op":"remove","path":"/baz"}]), r#"{"foo":"bar"}"#),
        (json!({"foo":["bar","qux","baz"]}), json!([{"op":"remove","path":"/foo/1"}]), r#"{"foo":["bar","baz"]}"#),
        (
            json!({"baz":"qux","foo":"bar"}),
            json!([{"op":"replace","path":"/baz","value":"boo"}]),
            r#"{"baz":"boo","foo":"bar"}"#,
        ),
        (
            json!({"foo":{"bar":"baz","waldo":"fred"},"qux":{"corge":"grault"}}),
            json!([{"op":"move","from":"/foo/waldo","path":"/qux/thud"}]),
            r#"{"foo":{"bar":"baz"},"qux":{"corge":"grault","thud":"fred"}}"#,
        ),
        (
            json!({"foo":["all","grass","cows","eat"]}),
            json!([{"op":"move","from":"/foo/1","path":"/foo/3"}]),
            r#"{"foo":["all","cows","eat","grass"]}"#,
        ),
        (
            json!({"baz":"qux","foo":["a",2,"c"]}),
            json!([{"op":"test","path":"/baz","value":"qux"},{"op":"test","path":"/foo/1","value":2}]),
            r#"{"baz":"qux","foo":["a",2,"c"]}"#,
        ),
        (
            json!({"foo":"bar"}),
            json!([{"op":"add","path":"/child","value":{"grandchild":{}}}]),
            r#"{"foo":"bar","child":{"grandchild":{}}}"#,
        ),
        (
            json!({"foo":"bar"}),
            json!([{"op":"add","path":"/baz","value":"qux","xyz":123}]),
            r#"{"foo":"bar","baz":"qux"}"#,
        ),
        (json!({"/":9,"~1":10}), json!([{"op":"test","path":"/~01","value":10}]), r#"{"/":9,"~1":10}"#),
        (
            json!({"foo":["bar"]}),
            json!([{"op":"add","path":"/foo/-","value":["abc","def"]}]),
            r#"{"foo":["bar",["abc","def"]]}"#,
        ),
    ] {
        assert_eq!(patched(target, operations.clone(), PLENTY).as_deref(), Ok(result), "{operations}");
    }
}

#[test]
fn numbers_are_equal_by_value() {
    let number = |text: &str| serde_json::from_str::<Value>(text).expect("a number");
    for (one, other, equal) in [
        ("1", "1.0", true),
        ("100", "1e2", true),
        ("-0", "0.00e5", true),
        ("0.5", "5E-1", true),
        ("1e400", "10e399", true),
        ("0", "-0.0e99999999999999999999", true),
        ("1", "1e+0", true),
        ("1000000000000000000000", "1e21", true),
        ("9007199254740993", "9007199254740992.0", false),
        ("-9007199254740992", "-9007199254740993", false),
        ("1", "2", false),
        ("0.1", "0.10000000000000000000001", false),
        ("1", "-1", false),
        ("1e99999999999999999999", "1e99999999999999999999", true),
        ("1e99999999999999999999", "10e99999999999999999998", false),
    ] {
        assert_eq!(same(&number(one), &number(other)), equal, "{one} {other}");
    }
    assert!(same(&json!({"a":[1],"b":2}), &json!({"b":2.0,"a":[1.0]})));
}

#[test]
fn operations_that_do_not_apply() {
    let target = json!({"foo":["bar"],"baz":"qux"});
    for (operation, problem) in [
        (json!({"op":"test","path":"/baz","value":"bar"}), BadData::TestFailed),
        (json!({"op":"add","path":"/a/b","value":1}), BadData::NoSuchPlace),
        (json!({"op":"add","path":"/foo/2","value":1}), BadData::NoSuchPlace),
        (json!({"op":"add","path":"/foo/01","value":1}), BadData::NoSuchPlace),
        (json!({"op":"add","path":"/foo/bar","value":1}), BadData::NoSuchPlace),
        (json!({"op":"add","path":"/baz/a","value":1}), BadData::NoSuchPlace),
        (json!({"op":"replace","path":"/a","value":1}), BadData::NoSuchPlace),
        (json!({"op":"replace","path":"/foo/-","value":1}), BadData::NoSuchPlace),
        (json!({"op":"remove","path":"/foo/1"}), BadData::NoSuchPlace),
        (json!({"op":"remove","path":"/foo/-"}), BadData::NoSuchPlace),
        (json!({"op":"remove","path":""}), BadData::NoSuchPlace),
        (json!({"op":"move","from":"/a","path":"/b"}), BadData::NoSuchPlace),
        (json!({"op":"move","from":"/foo","path":"/foo/0"}), BadData::IntoItself),
        (json!({"op":"move","from":"","path":"/foo"}), BadData::IntoItself),
        (json!({"op":"copy","from":"/a","path":"/b"}), BadData::NoSuchPlace),
        (json!({"op":"test","path":"/a","value":null}), BadData::NoSuchPlace),
    ] {
        assert_eq!(patched(target.clone(), json!([operation]), PLENTY), Err(Change::Bad(problem)), "{operation}");
    }
}

#[test]
fn members_that_stay_keep_their_order() {
    let target = json!({"a":1,"b":2,"c":3,"d":4});
    let operations = json!([
        {"op":"remove","path":"/a"},
        {"op":"replace","path":"/b","value":0},
        {"op":"move","from":"/c","path":"/e"},
        {"op":"move","from":"/b","path":"/b"},
    ]);
    assert_eq!(patched(target, operations, PLENTY).as_deref(), Ok(r#"{"b":0,"d":4,"e":3}"#));
    assert_eq!(
        patched(json!({"ab":1}), json!([{"op":"move","from":"/ab","path":"/abc"}]), PLENTY).as_deref(),
        Ok(r#"{"abc":1}"#)
    );
}

#[test]
fn copies_of_copies_are_stopped() {
    let doubling: Vec<_> = (0..64).map(|at| json!({"op":"copy","from":"","path":format!("/{at}")})).collect();
    assert_eq!(patched(json!({"a":"x".repeat(100)}), doubling.into(), 100_000), Err(Change::TooBig));
    let deeper: Vec<_> = (0..128).map(|_| json!({"op":"copy","from":"","path":"/a"})).collect();
    assert_eq!(patched(json!({"a":{}}), deeper.into(), PLENTY), Err(Change::Bad(BadData::TooDeep)));
}

#[test]
fn much_work_for_few_bytes_is_stopped() {
    let long = json!({"a": vec![1; 40_000], "b": "x".repeat(400_000)});
    for operation in [
        json!({"op":"add","path":"/a/0","value":1}),
        json!({"op":"remove","path":"/a/0"}),
        json!({"op":"copy","from":"/b","path":"/c"}),
        json!({"op":"test","path":"/b","value":"x".repeat(400_000)}),
        json!({"op":"replace","path":"/b","value":"x".repeat(400_000)}),
    ] {
        let operations: Vec<_> = std::iter::repeat_n(operation, 1000).collect();
        // Some of them run out of elements or room first, which stops them as well.
        assert!(patched(long.clone(), operations.into(), PLENTY).is_err());
    }
    let few: Vec<_> = (0..100).map(|at| json!({"op":"add","path":format!("/c{at}"),"value":at})).collect();
    assert!(patched(long, few.into(), PLENTY).is_ok());
}

fn pointer() -> impl Strategy<Value = String> {
    prop::collection::vec(prop_oneof![Just("a"), Just("b"), Just("0"), Just("1"), Just("-")], 0..3)
        .prop_map(|names| names.iter().map(|name| format!("/{name}")).collect())
}

fn operation() -> impl Strategy<Value = Value> {
    (prop::sample::select(vec!["add", "remove", "replace", "move", "copy", "test"]), pointer(), pointer(), json())
        // The whole stays where it is here, and cannot be taken out there.
        .prop_filter("a move of the whole", |(op, path, from, _)| {
            *op != "move" || !(path.is_empty() && from.is_empty())
        })
        .prop_map(|(op, path, from, value)| json!({"op": op, "path": path, "from": from, "value": value}))
}

/// Small documents with the names that [`pointer`] uses.
fn target() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![any::<i64>().prop_map(Into::into), any::<bool>().prop_map(Into::into)];
    leaf.prop_recursive(3, 20, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            prop::collection::hash_map(prop_oneof![Just("a"), Just("b")].prop_map(str::to_owned), inner, 0..3)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn it_agrees_with_the_crate(target in target(), operations in prop::collection::vec(operation(), 1..6)) {
        let parsed: Patch = serde_json::from_value(operations.into()).expect("operations");
        let mut expected = target.clone();
        // Its `patch` would panic where it cannot undo what it did before an operation failed.
        let theirs = json_patch::patch_unsafe(&mut expected, &parsed).is_ok();
        let mut found = target;
        let ours = patch(&mut found, parsed, PLENTY).is_ok();
        prop_assert_eq!(ours, theirs);
        prop_assert!(!ours || found == expected, "{} is not {}", found, expected);
    }
}
