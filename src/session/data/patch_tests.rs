use proptest::prelude::*;
use serde_json::{Value, json};

use super::super::{DEEPEST, OperationError, PatchError, patched as patched_text, tests::json_text};

const PLENTY: usize = 1 << 20;

fn patched(target: Value, operations: Value, limit: usize) -> Result<String, PatchError> {
    patched_text(target.to_string().as_bytes(), operations.to_string().as_bytes(), limit)
}

#[test]
fn the_examples_of_the_rfc() {
    // RFC 6902 appendix A, those that concern the application of operations: target, operations, result.
    let examples = r#"
        {"foo":"bar"} | [{"op":"add","path":"/baz","value":"qux"}] | {"foo":"bar","baz":"qux"};
        {"foo":["bar","baz"]} | [{"op":"add","path":"/foo/1","value":"qux"}] | {"foo":["bar","qux","baz"]};
        {"baz":"qux","foo":"bar"} | [{"op":"remove","path":"/baz"}] | {"foo":"bar"};
        {"foo":["bar","qux","baz"]} | [{"op":"remove","path":"/foo/1"}] | {"foo":["bar","baz"]};
        {"baz":"qux","foo":"bar"} | [{"op":"replace","path":"/baz","value":"boo"}] | {"baz":"boo","foo":"bar"};
        {"foo":{"bar":"baz","waldo":"fred"},"qux":{"corge":"grault"}} |
            [{"op":"move","from":"/foo/waldo","path":"/qux/thud"}] |
            {"foo":{"bar":"baz"},"qux":{"corge":"grault","thud":"fred"}};
        {"foo":["all","grass","cows","eat"]} |
            [{"op":"move","from":"/foo/1","path":"/foo/3"}] |
            {"foo":["all","cows","eat","grass"]};
        {"baz":"qux","foo":["a",2,"c"]} |
            [{"op":"test","path":"/baz","value":"qux"},{"op":"test","path":"/foo/1","value":2}] |
            {"baz":"qux","foo":["a",2,"c"]};
        {"foo":"bar"} |
            [{"op":"add","path":"/child","value":{"grandchild":{}}}] |
            {"foo":"bar","child":{"grandchild":{}}};
        {"foo":"bar"} | [{"op":"add","path":"/baz","value":"qux","xyz":123}] | {"foo":"bar","baz":"qux"};
        {"/":9,"~1":10} | [{"op":"test","path":"/~01","value":10}] | {"/":9,"~1":10};
        {"foo":["bar"]} | [{"op":"add","path":"/foo/-","value":["abc","def"]}] | {"foo":["bar",["abc","def"]]}
    "#;
    for example in examples.split(';') {
        let columns: Vec<_> = example.split('|').map(str::trim).collect();
        let [target, operations, result] = columns[..] else { panic!("three columns: {example}") };
        let found = patched_text(target.as_bytes(), operations.as_bytes(), PLENTY);
        assert_eq!(found.as_deref(), Ok(result), "{example}");
    }
}

#[test]
fn operations_that_do_not_apply() {
    let target = json!({"foo":["bar"],"baz":"qux"});
    for (operation, problem) in [
        (json!({"op":"test","path":"/baz","value":"bar"}), OperationError::TestFailed),
        (json!({"op":"add","path":"/a/b","value":1}), OperationError::NoSuchPath),
        (json!({"op":"add","path":"/foo/2","value":1}), OperationError::NoSuchPath),
        (json!({"op":"add","path":"/foo/01","value":1}), OperationError::NoSuchPath),
        (json!({"op":"add","path":"/foo/bar","value":1}), OperationError::NoSuchPath),
        (json!({"op":"add","path":"/baz/a","value":1}), OperationError::NoSuchPath),
        (json!({"op":"replace","path":"/a","value":1}), OperationError::NoSuchPath),
        (json!({"op":"replace","path":"/foo/-","value":1}), OperationError::NoSuchPath),
        (json!({"op":"remove","path":"/foo/1"}), OperationError::NoSuchPath),
        (json!({"op":"remove","path":"/foo/-"}), OperationError::NoSuchPath),
        (json!({"op":"remove","path":""}), OperationError::NoSuchPath),
        (json!({"op":"move","from":"/a","path":"/b"}), OperationError::NoSuchPath),
        (json!({"op":"move","from":"/foo","path":"/foo/0"}), OperationError::IntoItself),
        (json!({"op":"move","from":"","path":"/foo"}), OperationError::IntoItself),
        (json!({"op":"copy","from":"/a","path":"/b"}), OperationError::NoSuchPath),
        (json!({"op":"test","path":"/a","value":null}), OperationError::NoSuchPath),
    ] {
        let nothing = json!({"op":"test","path":"","value":target});
        let refused = patched(target.clone(), json!([nothing, operation]), PLENTY);
        let name = operation["op"].as_str().expect("a name");
        assert!(
            matches!(refused, Err(PatchError::Operation(2, op, fault)) if op == name && fault == problem),
            "{operation}"
        );
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

fn copies_into(path: impl Fn(usize) -> String) -> Value {
    (0..200).map(|at| json!({"op":"copy","from":"","path":path(at)})).collect()
}

#[test]
fn copies_of_copies_are_stopped() {
    let doubling = copies_into(|at| format!("/{at}"));
    assert_eq!(patched(json!({"a":"x".repeat(100)}), doubling.clone(), 100_000), Err(PatchError::TooBig));
    assert_eq!(patched(json!({"a":{}}), doubling, 64 << 20), Err(PatchError::TooMuch), "regardless of the limit");
    let deeper = patched(json!({"a":{}}), copies_into(|_| "/a".to_owned()), PLENTY);
    assert_eq!(deeper, Err(PatchError::Operation(DEEPEST - 1, "copy", OperationError::TooDeep)));
}

#[test]
fn much_work_for_few_bytes_is_stopped() {
    let long = json!({"a": vec![1; 40_000], "b": "x".repeat(400_000), "c": [vec![1.5; 100_000]]});
    let repeated = |operation: &Value| -> Value { std::iter::repeat_n(operation.clone(), 1000).collect() };
    for operation in [
        json!({"op":"add","path":"/a/0","value":1}),
        json!({"op":"remove","path":"/a/0"}),
        json!({"op":"move","from":"/a/0","path":"/a/-"}),
        json!({"op":"copy","from":"/c","path":"/d"}),
    ] {
        assert_eq!(patched(long.clone(), repeated(&operation), 2 * PLENTY), Err(PatchError::TooMuch), "{operation}");
    }
    for cheap in [
        json!({"op":"add","path":"/a/-","value":1}),
        json!({"op":"move","from":"/a/39999","path":"/a/-"}),
        json!({"op":"copy","from":"/b","path":"/d"}),
        json!({"op":"add","path":"/new","value":1}),
    ] {
        assert!(patched(long.clone(), repeated(&cheap), 2 * PLENTY).is_ok(), "{cheap}");
    }
    let members: serde_json::Map<_, _> = (0..30_000).map(|at| (format!("name{at}"), json!(at))).collect();
    let last = json!({"op":"replace","path":"/name29999","value":1});
    assert_eq!(patched(members.clone().into(), repeated(&last), PLENTY), Err(PatchError::TooMuch));
    assert!(patched(members.into(), json!([last, last, last, last]), PLENTY).is_ok());
    // A value that cannot be parsed within the memory is refused before it is parsed.
    let tiny = json!({"a": vec![0; 300_000]});
    assert_eq!(patched(tiny.clone(), json!([{"op":"add","path":"/a/-","value":1}]), PLENTY), Err(PatchError::TooMuch));
    assert!(patched(tiny, json!([{"op":"add","path":"/b","value":1}]), PLENTY).is_ok());
}

#[test]
fn malformed_operations_are_refused() {
    for operation in [
        "1",
        "{}",
        "[]",
        r#"{"op":"dance","path":"/a"}"#,
        r#"{"op":1,"path":"/a"}"#,
        r#"{"op":"add","path":"/a"}"#,
        r#"{"op":"add","value":1}"#,
        r#"{"op":"add","path":"a","value":1}"#,
        r#"{"op":"add","path":"/~2","value":1}"#,
        r#"{"op":"add","path":"/a~","value":1}"#,
        r#"{"op":"add","path":1,"value":1}"#,
        r#"{"op":"add","path":"/a","path":"/b","value":1}"#,
        r#"{"op":"add","path":"/a","p\u0061th":"/b","value":1}"#,
        r#"{"op":"move","path":"/a"}"#,
        r#"{"op":"copy","from":"a","path":"/a"}"#,
    ] {
        let refused = patched_text(b"{}", format!("[{operation}]").as_bytes(), PLENTY);
        assert!(
            matches!(refused, Err(PatchError::Operation(1, "", OperationError::Malformed(_)))),
            "{operation}: {refused:?}"
        );
    }
    let spelled = r#" [ { "value" : null , "\u006fp":"\u0061dd", "path" :"\/a~0~1\"" , "more":[] } ] "#;
    assert_eq!(patched_text(b"{}", spelled.as_bytes(), PLENTY).as_deref(), Ok(r#"{"a~/\"":null}"#));
}

#[test]
fn what_is_not_touched_stays_text() {
    let data = r#" { "a" : [ 1.0, 1E5 ], "b" : {"\u0041": "\/"} } "#;
    let patch = r#"[{"op":"add","path":"/a/0","value":0},{"op":"test","path":"/b/A","value":"/"},{"op":"copy","from":"/b","path":"/c"}]"#;
    let expected = r#"{"a":[0,1.0,1E5],"b":{"\u0041":"\/"},"c":{"\u0041":"\/"}}"#;
    assert_eq!(patched_text(data.as_bytes(), patch.as_bytes(), PLENTY).as_deref(), Ok(expected));
    let twice = r#"{"a":1,"b":0,"a":2}"#;
    let replaced =
        patched_text(twice.as_bytes(), br#"[{"op":"test","path":"/a","value":2},{"op":"remove","path":"/a"}]"#, PLENTY);
    assert_eq!(replaced.as_deref(), Ok(r#"{"b":0}"#));
}

#[test]
fn paths_that_lead_nowhere_cost_nothing() {
    for path in ["/a".repeat(100_000), format!("/{}", "~1".repeat(100_000)), "/".repeat(100_000)] {
        for op in ["add", "remove", "replace", "test"] {
            let refused = patched(json!({"a":{"a":[]}}), json!([{"op":op,"path":path,"value":0}]), PLENTY);
            // A long name can be added.
            assert_eq!(refused.is_ok(), op == "add" && path.starts_with("/~1"), "{op}");
        }
    }
}

fn pointer() -> impl Strategy<Value = String> {
    prop::collection::vec(prop::sample::select(vec!["a", "b", "0", "1", "-", "", "\\,{"]), 0..4)
        .prop_map(|names| names.iter().map(|name| format!("/{name}")).collect())
}

fn operation() -> impl Strategy<Value = String> {
    (prop::sample::select(vec!["add", "remove", "replace", "move", "copy", "test"]), pointer(), pointer(), json_text())
        // JRS allows moving the whole document to itself; the other library cannot remove it.
        .prop_filter("a move of the whole", |(op, path, from, _)| {
            *op != "move" || !(path.is_empty() && from.is_empty())
        })
        .prop_map(|(op, path, from, value)| {
            let [path, from] = [path, from].map(Value::from);
            format!(r#"{{"op":"{op}","path":{path},"from":{from},"value":{value}}}"#)
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]
    #[test]
    fn it_agrees_with_the_crate(
        [a, b, c] in [json_text(), json_text(), json_text()],
        operations in prop::collection::vec(operation(), 1..8),
    ) {
        let (target, operations) = (format!(r#"{{"a":{a},"b":{b},"a":{c}}}"#), format!("[{}]", operations.join(",")));
        let parsed: json_patch::Patch = serde_json::from_str(&operations).expect("operations");
        let mut expected: Value = serde_json::from_str(&target).expect("JSON");
        // Its `patch` panics if it cannot undo the operations before a failed one.
        let theirs = json_patch::patch_unsafe(&mut expected, &parsed).is_ok();
        match patched_text(target.as_bytes(), operations.as_bytes(), PLENTY) {
            Ok(found) => {
                prop_assert!(theirs, "{found}");
                prop_assert_eq!(&serde_json::from_str::<Value>(&found).expect("JSON"), &expected, "{}", found);
            }
            Err(PatchError::NoObjectLeft) => prop_assert!(!expected.is_object()),
            Err(refused) => prop_assert!(!theirs, "{refused:?}"),
        }
    }

    #[test]
    fn sizes_are_exact(target in json_text(), operations in prop::collection::vec(operation(), 1..8)) {
        let target = format!(r#"{{"a":{target},"c":1 , "c":2}}"#);
        // Those operations that can be done, and how large the data is after each.
        let (mut done, mut most) = (Vec::new(), 0);
        for operation in operations {
            done.push(operation);
            match patched_text(target.as_bytes(), format!("[{}]", done.join(",")).as_bytes(), PLENTY) {
                Ok(text) => most = most.max(text.len()),
                Err(_) => drop(done.pop()),
            }
        }
        let most = if done.is_empty() { target.len() } else { most };
        let operations = format!("[{}]", done.join(","));
        let patch = |limit| patched_text(target.as_bytes(), operations.as_bytes(), limit);
        if let Ok(found) = patch(PLENTY) {
            let fits = (0..=found.len()).filter(|limit| patch(*limit).is_ok()).count();
            prop_assert!(fits <= 1, "at most the exact size, if it was never larger on the way");
            prop_assert_eq!(patch(most), Ok(found), "the largest size on the way is {}", most);
        }
    }
}

#[test]
fn white_space_and_repeated_names_that_are_dropped_do_not_count() {
    let blanks = format!(r#"{{"a":1,{}"b":[ ],"a":2}}"#, " ".repeat(172));
    assert_eq!(blanks.len(), 193);
    let added = r#"{"a":2,"b":[ ],"c":"12345678901234567890"}"#;
    let add = br#"[{"op":"add","path":"/c","value":"12345678901234567890"}]"#;
    assert_eq!(patched_text(blanks.as_bytes(), add, 200).as_deref(), Ok(added));
    assert_eq!(patched_text(blanks.as_bytes(), add, added.len()).as_deref(), Ok(added));
    assert_eq!(patched_text(blanks.as_bytes(), add, added.len() - 1), Err(PatchError::TooBig));
    let inner = format!(r#"{{"a":{{"x":1,{}"x":2}}}}"#, "\n".repeat(50));
    for (operation, result) in [
        (r#"{"op":"replace","path":"/a/x","value":33}"#, r#"{"a":{"x":33}}"#),
        (r#"{"op":"add","path":"/a/y","value":3}"#, r#"{"a":{"x":2,"y":3}}"#),
        (r#"{"op":"copy","from":"/a/x","path":"/b"}"#, r#"{"a":{"x":2},"b":2}"#),
        (r#"{"op":"move","from":"/a/x","path":"/b"}"#, r#"{"a":{},"b":2}"#),
        (r#"{"op":"remove","path":"/a/x"}"#, r#"{"a":{}}"#),
        (r#"{"op":"test","path":"/a/x","value":2}"#, r#"{"a":{"x":2}}"#),
    ] {
        let operation = format!("[{operation}]");
        let limited = |limit| patched_text(inner.as_bytes(), operation.as_bytes(), limit);
        assert_eq!(limited(result.len()).as_deref(), Ok(result), "{operation}");
        assert_eq!(limited(result.len() - 1), Err(PatchError::TooBig), "{operation}");
    }
}
