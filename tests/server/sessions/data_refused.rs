//! Session data and changes that are refused. A refused command changes nothing.

use redis::Connection;

use crate::support::{
    Server,
    bad_json::{NOT_OBJECTS, nested, too_deep},
    cases::each,
    sessions::{assert_refused, create, exec, get},
    tokens::key,
};

/// Checks that the data is refused for a new session and for an existing one.
fn assert_data_refused(conn: &mut Connection, word: &str, data: &[u8], token: &str) {
    assert_refused(conn, word, &[b"JRS.CREATE", &b"ada"[..], data]);
    for session in [vec![token.to_owned()], vec![key(token), token.to_owned()]] {
        let session: Vec<&[u8]> = session.iter().map(String::as_bytes).collect();
        for options in
            [&[][..], &[&b"REPLACE"[..], b"KEEPTTL"], &[b"EX", b"100"], &[b"MERGE"], &[b"MERGE", b"PX", b"1"]]
        {
            assert_refused(conn, word, &[&[&b"JRS.UPDATE"[..]], &*session, &[data], options].concat());
        }
    }
}

#[test]
fn data_that_is_not_a_json_object_is_refused() {
    let server = Server::start();
    let conn = &mut server.conn();
    let token = create(conn, "ada", r#"{"kept":true}"#, &[]);
    for data in NOT_OBJECTS {
        assert_data_refused(conn, "BADDATA", data, &token);
    }
}

#[test]
fn data_nested_too_deep_is_refused() {
    let server = Server::start();
    let conn = &mut server.conn();
    let token = create(conn, "ada", &nested(128), &[]);
    for data in too_deep() {
        assert_data_refused(conn, "BADDATA", data.as_bytes(), &token);
    }
    // Brackets in strings and closed brackets do not count as levels.
    for data in
        [format!(r#"{{"a":"{}"}}"#, "[{\\\"".repeat(10_000)), format!(r#"{{"a":[{}0]}}"#, "[],{},".repeat(10_000))]
    {
        exec(conn, &["JRS.UPDATE", &token, &data]);
        assert_eq!(get(conn, &token).unwrap().data, data);
    }
}

#[test]
fn data_that_is_too_big_is_refused() {
    let server = Server::start();
    let conn = &mut server.conn();
    let sized = |size: usize| format!(r#"{{"a":"{}"}}"#, "x".repeat(size - 8));
    let token = create(conn, "ada", &sized(1 << 20), &[]);
    for data in [sized((1 << 20) + 1), sized(8 << 20), " ".repeat(2 << 20), nested(1 << 20)] {
        assert_data_refused(conn, "TOOBIG", data.as_bytes(), &token);
    }
    exec(conn, &["CONFIG", "SET", "jrs.max-data-size", "1000"]);
    assert_data_refused(conn, "TOOBIG", sized(1001).as_bytes(), &token);
    assert_eq!(get(conn, &token).unwrap().data, sized(1 << 20), "existing data can be read");
    exec(conn, &["JRS.UPDATE", &token, &sized(1000)]);
    assert_eq!(get(conn, &token).unwrap().data, sized(1000));
}

#[test]
fn invalid_changes_are_refused() {
    let server = Server::start();
    let conn = &mut server.conn();
    let token = create(conn, "ada", r#"{"kept":true,"list":[1]}"#, &[]);
    for patch in NOT_OBJECTS {
        assert_refused(conn, "BADDATA", &[b"JRS.UPDATE", token.as_bytes(), patch, b"MERGE"]);
        // `[]` is a patch without operations.
        if patch != b"[]" {
            assert_refused(conn, "BADDATA", &[b"JRS.UPDATE", token.as_bytes(), patch, b"PATCH"]);
        }
    }
    for patch in [
        "{}",
        r#"[{"op":"dance","path":"/a"}]"#,
        r#"[{"op":"add","path":"a","value":1}]"#,
        r#"[{"op":"add","path":"/a"}]"#,
        r#"[{"op":"add","path":"/a","value":1},{"op":"test","path":"/a","value":2}]"#,
        r#"[{"op":"replace","path":"/kept","value":false},{"op":"remove","path":"/none"}]"#,
        r#"[{"op":"add","path":"/list/2","value":1}]"#,
        r#"[{"op":"replace","path":"","value":[]}]"#,
        r#"[{"op":"move","from":"/list","path":"/list/0"}]"#,
    ] {
        assert_refused(conn, "BADDATA", &["JRS.UPDATE", &token, patch, "PATCH"]);
    }
    exec(conn, &["JRS.UPDATE", &token, "[]", "PATCH"]);
    // Invalid data that a client has written.
    for data in each(["", "no JSON", "[]", r#"{"a":"#]) {
        exec(conn, &["SET", &key(&token), data]);
        assert_refused(conn, "BADDATA", &["JRS.UPDATE", &token, r#"{"a":1}"#, "MERGE"]);
        assert_refused(conn, "BADDATA", &["JRS.UPDATE", &token, "[]", "PATCH"]);
    }
    exec(conn, &["JRS.UPDATE", &token, r#"{"a":1}"#]);
}

#[test]
fn changes_that_make_the_data_invalid_are_refused() {
    let server = Server::with_args(&["max-data-size", "1000"]);
    let conn = &mut server.conn();
    let half = "x".repeat(490);
    let token = create(conn, "ada", &format!(r#"{{"a":"{half}"}}"#), &[]);
    assert_refused(conn, "TOOBIG", &["JRS.UPDATE", &token, &format!(r#"{{"b":"{half}xxxxxx"}}"#), "MERGE"]);
    assert_refused(conn, "TOOBIG", &["JRS.UPDATE", &token, r#"[{"op":"copy","from":"","path":"/b"}]"#, "PATCH"]);
    let copies: Vec<_> = (0..20).map(|to| format!(r#"{{"op":"copy","from":"","path":"/{to}"}}"#)).collect();
    let doubling = format!("[{}]", copies.join(","));
    exec(conn, &["JRS.UPDATE", &token, "{}"]);
    assert_refused(conn, "TOOBIG", &["JRS.UPDATE", &token, &doubling, "PATCH"]);

    let server = Server::start();
    let conn = &mut server.conn();
    let token = create(conn, "ada", &nested(127), &[]);
    let inner = format!("/a{}", "/0".repeat(126));
    exec(conn, &["JRS.UPDATE", &token, r#"{"b":[[1]]}"#, "MERGE"]);
    for (value, is_refused) in [("[1]", false), ("[[1]]", true)] {
        let patch = format!(r#"[{{"op":"add","path":"{inner}","value":{value}}}]"#);
        if is_refused {
            assert_refused(conn, "BADDATA", &["JRS.UPDATE", &token, &patch, "PATCH"]);
        } else {
            exec(conn, &["JRS.UPDATE", &token, &patch, "PATCH"]);
        }
    }
}
