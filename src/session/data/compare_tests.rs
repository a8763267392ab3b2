use super::{super::Budget, super::document::Document, same};

fn equal(one: &str, other: &str) -> bool {
    let budget = Budget::for_texts(one.len() + other.len());
    let (one, other) = (Document::new(one, &budget).expect("JSON"), Document::new(other, &budget).expect("JSON"));
    same(one.root(), other.root()).expect("little work")
}

#[test]
fn numbers_are_equal_by_value() {
    for (one, other, is_equal) in [
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
        assert_eq!(equal(one, other), is_equal, "{one} {other}");
    }
}

#[test]
fn objects_are_equal_in_any_order() {
    for (one, other, is_equal) in [
        (r#"{"a":[1],"b":2}"#, r#"{ "b" : 2.0, "a" : [ 1.0 ] }"#, true),
        (r#"{"a":1}"#, r#"{"\u0061":1}"#, true),
        (r#""a\n\ud83d\ude00/""#, r#""\u0061\u000a😀\/""#, true),
        (r#""a\\nb""#, r#""a\nb""#, false),
        (r#"{"a":1,"a":2}"#, r#"{"a":2}"#, true),
        (r#"{"a":1,"a":2}"#, r#"{"a":1}"#, false),
        (r#"{"a":1,"a":2}"#, r#"{"a":2,"b":2}"#, false),
        (r#"{"a":null}"#, "{}", false),
        (r#"{"a":null}"#, r#"{"b":null}"#, false),
        ("[1,2]", "[2,1]", false),
        ("[1]", "[1,1]", false),
        ("[]", "{}", false),
        ("null", "false", false),
        ("0", "null", false),
        (r#""1""#, "1", false),
    ] {
        assert_eq!(equal(one, other), is_equal, "{one} {other}");
        assert_eq!(equal(other, one), is_equal, "{other} {one}");
    }
    let many = |step: u32| (0..1000).map(|at| format!(r#""{}":{at}"#, at * step % 1009)).collect::<Vec<_>>().join(",");
    assert!(equal(&format!("{{{},{}}}", many(1), many(3)), &format!("{{{},{}}}", many(1), many(3).replace(":", ": "))));
    assert!(!equal(&format!("{{{}}}", many(1)), &format!("{{{}}}", many(3))));
}
