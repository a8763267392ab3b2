//! Session data, claims and owners that cannot be any: refused, and nothing has changed.

use redis::{Connection, Value};

use crate::support::{
    Server,
    sessions::{assert_indexed, assert_refused, create, exec, get, send},
    tokens::key,
};

/// What is no JSON object in UTF-8.
const NO_OBJECTS: [&[u8]; 32] = [
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

/// `{"a":[[…]]}` with this many levels, the object counted.
fn nested(levels: usize) -> String {
    format!(r#"{{"a":{}{}}}"#, "[".repeat(levels - 1), "]".repeat(levels - 1))
}

/// What is nested too deep, or looks as if, whether it is JSON or not.
fn too_deep() -> Vec<String> {
    let objects = |levels: usize| format!("{}1{}", r#"{"a":"#.repeat(levels), "}".repeat(levels));
    let mut all = vec![nested(129), nested(10_000), nested(500_000), objects(129), objects(10_000)];
    all.extend([r#"{"a":"#.repeat(100_000), format!("{{\"a\":{}", "[".repeat(1_000_000)), "{".repeat(10_000)]);
    all
}

/// Checks that a text is refused as the data of a new session and of one that exists.
fn assert_no_data(conn: &mut Connection, word: &str, data: &[u8], token: &str) {
    assert_refused(conn, word, &[b"JRS.CREATE", &b"ada"[..], data]);
    for place in [vec![token.to_owned()], vec![key(token), token.to_owned()]] {
        let place: Vec<&[u8]> = place.iter().map(String::as_bytes).collect();
        for options in
            [&[][..], &[&b"REPLACE"[..], b"KEEPTTL"], &[b"EX", b"100"], &[b"MERGE"], &[b"MERGE", b"PX", b"1"]]
        {
            assert_refused(conn, word, &[&[&b"JRS.UPDATE"[..]], &*place, &[data], options].concat());
        }
    }
}

#[test]
fn data_that_is_no_json_object() {
    let server = Server::start();
    let conn = &mut server.conn();
    let token = create(conn, "ada", r#"{"kept":true}"#, &[]);
    for data in NO_OBJECTS {
        assert_no_data(conn, "BADDATA", data, &token);
    }
}

#[test]
fn data_that_is_nested_too_deep() {
    let server = Server::start();
    let conn = &mut server.conn();
    let token = create(conn, "ada", &nested(128), &[]);
    for data in too_deep() {
        assert_no_data(conn, "BADDATA", data.as_bytes(), &token);
    }
    // Brackets in a string are none, and neither are those that have been closed.
    for data in
        [format!(r#"{{"a":"{}"}}"#, "[{\\\"".repeat(10_000)), format!(r#"{{"a":[{}0]}}"#, "[],{},".repeat(10_000))]
    {
        exec(conn, &["JRS.UPDATE", &token, &data]);
        assert_eq!(get(conn, &token).unwrap().data, data);
    }
}

#[test]
fn data_that_is_too_big() {
    let server = Server::start();
    let conn = &mut server.conn();
    let sized = |size: usize| format!(r#"{{"a":"{}"}}"#, "x".repeat(size - 8));
    let token = create(conn, "ada", &sized(1 << 20), &[]);
    for data in [sized((1 << 20) + 1), sized(8 << 20), " ".repeat(2 << 20), nested(1 << 20)] {
        assert_no_data(conn, "TOOBIG", data.as_bytes(), &token);
    }
    exec(conn, &["CONFIG", "SET", "jrs.max-data-size", "1000"]);
    assert_no_data(conn, "TOOBIG", sized(1001).as_bytes(), &token);
    assert_eq!(get(conn, &token).unwrap().data, sized(1 << 20), "what is there already can be read");
    exec(conn, &["JRS.UPDATE", &token, &sized(1000)]);
    assert_eq!(get(conn, &token).unwrap().data, sized(1000));
}

#[test]
fn changes_that_cannot_be_made() {
    let server = Server::start();
    let conn = &mut server.conn();
    let token = create(conn, "ada", r#"{"kept":true,"list":[1]}"#, &[]);
    for patch in NO_OBJECTS {
        assert_refused(conn, "BADDATA", &[b"JRS.UPDATE", token.as_bytes(), patch, b"MERGE"]);
        // Some of them are a patch: `[]` is one that does nothing.
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
    // Data that somebody else has written, and that is none.
    for data in ["", "no JSON", "[]", r#"{"a":"#] {
        exec(conn, &["SET", &key(&token), data]);
        assert_refused(conn, "BADDATA", &["JRS.UPDATE", &token, r#"{"a":1}"#, "MERGE"]);
        assert_refused(conn, "BADDATA", &["JRS.UPDATE", &token, "[]", "PATCH"]);
    }
    exec(conn, &["JRS.UPDATE", &token, r#"{"a":1}"#]);
}

#[test]
fn changes_that_would_make_the_data_bad() {
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
    for (deep, is_refused) in [("[1]", false), ("[[1]]", true)] {
        let patch = format!(r#"[{{"op":"add","path":"{inner}","value":{deep}}}]"#);
        if is_refused {
            assert_refused(conn, "BADDATA", &["JRS.UPDATE", &token, &patch, "PATCH"]);
        } else {
            exec(conn, &["JRS.UPDATE", &token, &patch, "PATCH"]);
        }
    }
}

#[test]
fn claims_that_are_no_json_object() {
    let server = Server::builder().arg("max-token-size", "1mb").start();
    let conn = &mut server.conn();
    let token = create(conn, "", "{}", &[]);
    let mut bad: Vec<Vec<u8>> = NO_OBJECTS.iter().map(|claims| claims.to_vec()).collect();
    // Tokens are read by others, who differ in which one of two claims of the same name they take.
    bad.extend(
        [r#"{"a":1,"a":1}"#, r#"{"a":1,"\u0061":2}"#, r#"{"":1,"":2}"#].map(|claims| claims.as_bytes().to_vec()),
    );
    bad.extend(too_deep().into_iter().filter(|claims| claims.len() < 1 << 20).map(String::into_bytes));
    for claims in bad {
        assert_refused(conn, "BADDATA", &[b"JRS.CREATE", &b"ada"[..], b"{}", b"CLAIMS", &claims]);
        assert_refused(conn, "BADDATA", &[b"JRS.ROTATE", token.as_bytes(), b"CLAIMS", &claims]);
    }
    assert_eq!(send::<i64>(conn, &["DBSIZE"]).unwrap(), 1);
}

#[test]
fn a_token_that_would_be_too_big() {
    let server = Server::start();
    let conn = &mut server.conn();
    let (mut longest, mut made, mut refused) = (0, Vec::new(), 0);
    for size in (5800..6200).chain([8192, 100_000, 2_000_000]) {
        let claims = format!(r#"{{"a":"{}"}}"#, "x".repeat(size));
        match send::<String>(conn, &["JRS.CREATE", "ada", "{}", "CLAIMS", &claims]) {
            Ok(token) => {
                longest = longest.max(token.len());
                made.push(key(&token));
                assert!(get(conn, &token).is_some(), "what was made is good");
            }
            Err(error) => {
                refused += 1;
                assert_eq!(error.code(), Some("TOOBIG"));
            }
        }
    }
    // Three bytes of claims make four of a token.
    assert!((8189..=8192).contains(&longest), "{longest}");
    assert!(!made.is_empty() && refused > 3, "{} were made, {refused} refused", made.len());
    assert_indexed(conn, "ada", &made);
    assert_eq!(send::<usize>(conn, &["DBSIZE"]).unwrap(), made.len(), "the sessions alone");

    exec(conn, &["CONFIG", "SET", "jrs.max-token-size", "300"]);
    let token = create(conn, "ada", "{}", &[]);
    assert_refused(conn, "TOOBIG", &["JRS.CREATE", &"x".repeat(256), "{}"]);
    assert_refused(conn, "TOOBIG", &["JRS.ROTATE", &token, "OWNER", &"x".repeat(256)]);
    assert_refused(conn, "TOOBIG", &["JRS.ROTATE", &token, "CLAIMS", &format!(r#"{{"a":"{}"}}"#, "x".repeat(200))]);
}

#[test]
fn owners_that_cannot_be_any() {
    let server = Server::start();
    let conn = &mut server.conn();
    let token = create(conn, "ada", "{}", &[]);
    for command in ["JRS.LIST", "JRS.DESTROYALL"] {
        assert_refused(conn, "ERR", &[command, ""]);
    }
    let (long, wide) = ("x".repeat(257), format!("{}x", "é".repeat(128)));
    let bad: [&[u8]; 24] = [
        b"{",
        b"}",
        b"{}",
        b"user}",
        b"{user",
        b"us{er",
        b"\0",
        b"a\0",
        b"a\n",
        b"\r",
        b"\t",
        b"\x1b[2J",
        b"\x7f",
        b"\xc2\x85",
        b"\xc2\x9f",
        b"\xff",
        b"\xc3",
        b"a\xed\xa0\x80",
        b"\xf4\x90\x80\x80",
        b"\xc0\xaf",
        long.as_bytes(),
        wide.as_bytes(),
        &[b'x'; 100_000],
        &[0xff; 257],
    ];
    for owner in bad {
        assert_refused(conn, "ERR", &[b"JRS.CREATE", owner, b"{}"]);
        assert_refused(conn, "ERR", &[b"JRS.CREATE", owner, b"{}", b"EX", b"100"]);
        assert_refused(conn, "ERR", &[b"JRS.ROTATE", token.as_bytes(), b"OWNER", owner]);
        assert_refused(conn, "ERR", &[b"JRS.LIST", owner]);
        assert_refused(conn, "ERR", &[b"JRS.DESTROYALL", owner]);
    }
}

#[test]
fn errors_are_one_line_of_ascii_and_repeat_nothing() {
    let server = Server::start();
    let conn = &mut server.conn();
    let token = create(conn, "ada", "{}", &[]);
    let secret = "s3cr3t\u{e9}\r\n+OK\r\n";
    let forged = format!("{}{secret}", &token[..token.len() - 1]);
    let (data, claims) = (format!("[\"{secret}\"]"), format!(r#"{{"exp":"s3cr3t","{}":1}}"#, "s3cr3t"));
    let commands: [&[&str]; 24] = [
        &["JRS.UPDATE", &token, &data, "MERGE"],
        &["JRS.UPDATE", &token, &data, "PATCH"],
        &["JRS.UPDATE", &token, r#"[{"op":"test","path":"/s3cr3t","value":"s3cr3t"}]"#, "PATCH"],
        &["JRS.UPDATE", &token, "{}", "IFMATCH", secret],
        &["JRS.ROTATE", &forged],
        &["JRS.ROTATE", &token, "CLAIMS", &claims],
        &["JRS.ROTATE", &token, "OWNER", secret],
        &["JRS.LIST", secret],
        &["JRS.LIST", "ada", "REALM", secret],
        &["JRS.REVOKE", secret],
        &["JRS.DESTROYALL", "ada", "EXCEPT", &forged],
        &["JRS.DESTROYALL", "ada", secret],
        &["JRS.GET", &forged],
        &["JRS.GET", secret, &token],
        &["JRS.GET", secret],
        &["JRS.UPDATE", &token, &data],
        &["JRS.UPDATE", &token, "{}", secret],
        &["JRS.UPDATE", &token, "{}", "EX", secret],
        &["JRS.TOUCH", &token, secret, secret],
        &["JRS.DESTROY", &forged],
        &["JRS.CREATE", secret, "{}"],
        &["JRS.CREATE", "ada", &data],
        &["JRS.CREATE", "ada", "{}", "CLAIMS", &claims],
        &["JRS.CREATE", "ada", "{}", "REALM", secret],
    ];
    for command in commands {
        let error = send::<Value>(conn, command).unwrap_err();
        let text = format!("{} {}", error.code().unwrap(), error.detail().unwrap());
        assert!(text.bytes().all(|byte| matches!(byte, b' '..=b'~')), "{command:?}: {text:?}");
        assert!(!text.contains("s3cr3t") && !text.contains(&token[40..80]), "{command:?}: {text}");
        assert_eq!(send::<String>(conn, &["PING"]).unwrap(), "PONG", "the reply was one line, and no more");
    }
}

/// The whole error of a command that is refused.
fn sentence(conn: &mut Connection, words: &[&str]) -> String {
    let error = send::<Value>(conn, words).expect_err("a refusal");
    format!("{} {}", error.code().unwrap(), error.detail().unwrap_or_default())
}

#[test]
fn errors_say_what_is_wrong_and_where() {
    let server = Server::start();
    let conn = &mut server.conn();
    let token = create(conn, "ada", r#"{"n":1}"#, &[]);
    for (words, expected) in [
        (
            &["JRS.CREATE", "ada", "{\"n\":1,\n \"m\":x}"][..],
            "BADDATA the data must be a JSON object (line 2, column 6)",
        ),
        (&["JRS.UPDATE", &token, "n=1"], "BADDATA the data must be a JSON object (line 1, column 1)"),
        (&["JRS.UPDATE", &token, " []", "MERGE"], "BADDATA the change must be a JSON object (line 1, column 2)"),
        (
            &[
                "JRS.UPDATE",
                &token,
                r#"[{"op":"add","path":"/a","value":1},{"op":"test","path":"/n","value":2}]"#,
                "PATCH",
            ],
            r#"BADDATA operation 2 of the patch (counted from 1): a "test" operation did not match"#,
        ),
        (
            &["JRS.UPDATE", &token, r#"[{"op":"remove","path":"/secret"}]"#, "PATCH"],
            r#"BADDATA operation 1 of the patch ("remove", counted from 1) refers to a path that does not exist"#,
        ),
        (
            &["JRS.UPDATE", &token, r#"[{"op":"add","path":"/a"}]"#, "PATCH"],
            r#"BADDATA operation 1 of the patch (counted from 1) needs a "value""#,
        ),
    ] {
        assert_eq!(sentence(conn, words), expected);
    }
    for (given, problem) in [
        (r#"W/"70fe9426c227d3b5""#, "is a weak HTTP etag"),
        (r#""70fe9426c227d3b5""#, "is in quotes"),
        ("", "is empty"),
        ("undefined", "looks like an unset variable"),
        ("70fe9426c227d3b", "is not 16 bytes long"),
        ("70FE9426C227D3B5", "has uppercase letters"),
        ("70fe9426c227d3bz", "is not hexadecimal"),
    ] {
        for words in [
            &["JRS.UPDATE", &token, "{}", "IFMATCH", given][..],
            &["JRS.UPDATE", &token, "{}", "MERGE", "IFMATCH", given],
        ] {
            let sentence = sentence(conn, words);
            assert!(sentence.starts_with(&format!("CONFLICT IFMATCH {problem}")), "{sentence}");
        }
    }
    assert!(
        sentence(conn, &["JRS.UPDATE", &token, "{}", "IFMATCH", "0000000000000000"])
            .contains("does not match the etag")
    );
    assert_eq!(get(conn, &token).unwrap().data, r#"{"n":1}"#);
    // What a plain SET wrote is not the fault of the change.
    for (stored, expected) in [
        ("no JSON", "BADDATA the stored data must be a JSON object (line 1, column 1)"),
        (r#"{"a":"#, "BADDATA the stored data must be a JSON object (line 1, column 5)"),
        (r#"{"a":"\ud800"}"#, "BADDATA the stored data contains an unpaired surrogate"),
    ] {
        exec(conn, &["SET", &key(&token), stored]);
        for change in [["{}", "MERGE"], ["[]", "PATCH"]] {
            let found = sentence(conn, &["JRS.UPDATE", &token, change[0], change[1]]);
            assert!(found.starts_with(expected), "{found}");
        }
        assert_eq!(send::<String>(conn, &["GET", &key(&token)]).unwrap(), stored);
    }
}
