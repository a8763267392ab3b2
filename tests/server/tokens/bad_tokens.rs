//! Forged and malformed tokens: each command refuses them as `BADTOKEN` and changes nothing.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use jsonwebtoken::Algorithm;
use redis::{Connection, Value};
use serde_json::json;

use crate::support::{
    Server, error_word,
    sessions::{assert_refused, contents, create, exec, get, send},
    tokens::{SECRET, claims, key, payload, sign, sign_bytes, token},
};

/// A server that accepts tokens without a known start.
fn server() -> Server {
    Server::builder().keys(SECRET.as_bytes()).arg("max-lifetime", "0").start()
}

/// Checks that each command refuses the token, also with the key of an existing session before it.
fn assert_bad(conn: &mut Connection, token: &[u8], key: &str) {
    let data: &[u8] = br#"{"n":2}"#;
    for session in [vec![token], vec![key.as_bytes(), token]] {
        for name in ["JRS.GET", "JRS.PEEK", "JRS.TOUCH", "JRS.DESTROY"] {
            assert_refused(conn, "BADTOKEN", &[&[name.as_bytes()], &*session].concat());
        }
        assert_refused(conn, "BADTOKEN", &[&[&b"JRS.UPDATE"[..]], &*session, &[data]].concat());
        let reports: Vec<Value> = redis::cmd("JRS.INSPECT").arg(&*session).query(conn).unwrap();
        assert_eq!(reports[1], Value::Int(0), "{}", token.escape_ascii());
    }
}

/// A token of this header and payload with a correct signature.
fn signed(header: &[u8], payload: &[u8]) -> String {
    sign_bytes(header, payload, Algorithm::HS256, SECRET.as_bytes())
}

#[test]
fn a_truncated_token_is_refused() {
    let server = server();
    let conn = &mut server.conn();
    let token = create(conn, "ada", "{}", &[]);
    let key = key(&token);
    for length in 0..token.len() {
        assert_bad(conn, &token.as_bytes()[..length], &key);
        assert_bad(conn, &token.as_bytes()[token.len() - length..], &key);
    }
    assert!(get(conn, &token).is_some());
}

#[test]
fn a_token_with_a_changed_byte_is_refused() {
    let server = server();
    let conn = &mut server.conn();
    let token = create(conn, "ada", "{}", &[]);
    let key = key(&token);
    let before = contents(conn);
    for at in 0..token.len() {
        for byte in *b"Aa9-_.=+/ \n\r\0\x7f\xff" {
            let mut changed = token.clone().into_bytes();
            changed[at] = byte;
            if changed != token.as_bytes() {
                let reply: redis::RedisResult<Value> = redis::cmd("JRS.GET").arg(&changed).query(conn);
                assert_eq!(error_word(reply), "BADTOKEN", "{}", changed.escape_ascii());
            }
        }
    }
    // The last character of a signature has unused bits, which must be zero.
    for byte in (0..=u8::MAX).filter(|byte| Some(byte) != token.as_bytes().last()) {
        let mut changed = token.clone().into_bytes();
        *changed.last_mut().unwrap() = byte;
        assert_bad(conn, &changed, &key);
    }
    assert_eq!(contents(conn), before);
    assert!(get(conn, &token).is_some());
}

#[test]
fn a_token_with_added_bytes_is_refused() {
    let server = server();
    let conn = &mut server.conn();
    let token = create(conn, "ada", "{}", &[]);
    let key = key(&token);
    let parts: Vec<&str> = token.split('.').collect();
    for more in [
        "=", "==", "\n", "\r\n", " ", "\t", "\0", "A", "AA", "AAAA", ".", "..", ".e30", ".e30.e30", "%", "é",
        "\u{feff}",
    ] {
        assert_bad(conn, format!("{token}{more}").as_bytes(), &key);
        assert_bad(conn, format!("{more}{token}").as_bytes(), &key);
        for part in 0..3 {
            let mut changed: Vec<String> = parts.iter().map(ToString::to_string).collect();
            changed[part].push_str(more);
            assert_bad(conn, changed.join(".").as_bytes(), &key);
            changed[part] = format!("{more}{}", parts[part]);
            assert_bad(conn, changed.join(".").as_bytes(), &key);
        }
    }
    assert_bad(conn, [token.as_bytes(), token.as_bytes()].concat().as_slice(), &key);
    for long in
        [vec![b'A'; 1 << 20], [token.as_bytes(), &vec![b'='; 1 << 20]].concat(), vec![b'.'; 1 << 20], vec![0; 8193]]
    {
        assert_bad(conn, &long, &key);
        assert_bad(conn, &[b"ey", &*long].concat(), &key);
    }
    for text in [&b"\xff\xfe\xfd"[..], b"ey\xff.\xff.\xff", b"\0", b"ey", b"e30.e30.e30", b"null", b"{}", b"%s%n%p"] {
        assert_bad(conn, text, &key);
    }
}

#[test]
fn a_token_of_another_algorithm_is_refused() {
    let server = server();
    let conn = &mut server.conn();
    let good = create(conn, "ada", "{}", &[]);
    let (key, claims, secret) = (key(&good), payload(&good), SECRET.as_bytes());
    for algorithm in [Algorithm::HS384, Algorithm::HS512] {
        for name in ["HS256", "HS384", "HS512", "none"] {
            let header = json!({"alg": name}).to_string();
            assert_bad(conn, sign_bytes(header.as_bytes(), claims.as_bytes(), algorithm, secret).as_bytes(), &key);
        }
    }
    let names =
        ["none", "None", "NONE", "nOnE", "", "hs256", "HS256 ", "HS256\0", "HS384", "HS512", "RS256", "ES256", "EdDSA"];
    let encoded = |text: &str| BASE64_URL_SAFE_NO_PAD.encode(text);
    for name in names {
        let header = json!({"alg": name, "typ": "JWT"}).to_string();
        assert_bad(conn, signed(header.as_bytes(), claims.as_bytes()).as_bytes(), &key);
        let unsigned = format!("{}.{}", encoded(&header), encoded(&claims));
        let signature = good.rsplit('.').next().unwrap();
        for end in ["", ".", &format!(".{signature}"), ".AA", "."] {
            assert_bad(conn, format!("{unsigned}{end}").as_bytes(), &key);
        }
    }
}

#[test]
fn a_token_of_another_key_is_refused() {
    let server = server();
    let conn = &mut server.conn();
    let good = create(conn, "ada", "{}", &[]);
    let header = json!({"alg": "HS256", "typ": "JWT"});
    let longer = format!("{SECRET}\n");
    for secret in [&b""[..], b"x", &SECRET.as_bytes()[1..], &SECRET.as_bytes()[..32], longer.as_bytes(), &[0; 64]] {
        assert_bad(conn, sign(&header, &claims(&good), secret).as_bytes(), &key(&good));
    }
    // Parts of two valid tokens cannot be combined.
    let other = create(conn, "eve", "{}", &[]);
    let (ours, theirs): (Vec<&str>, Vec<&str>) = (good.split('.').collect(), other.split('.').collect());
    assert_bad(conn, [ours[0], ours[1], theirs[2]].join(".").as_bytes(), &key(&good));
    assert_bad(conn, [ours[0], theirs[1], ours[2]].join(".").as_bytes(), &key(&good));
}

#[test]
fn an_invalid_header_is_refused() {
    let server = server();
    let conn = &mut server.conn();
    exec(conn, &["SET", "sess:a", "{}", "EX", "1000"]);
    let claims = br#"{"jti":"a"}"#;
    // The headers below differ from these in one point only.
    for good in
        [r#"{"alg":"HS256"}"#, r#" { "x" : {"alg":"none"}, "\u0061lg" : "HS256", "jku":"https://evil.example" } "#]
    {
        assert!(get(conn, &signed(good.as_bytes(), claims)).is_some(), "{good}");
    }
    let bad: [&[u8]; 22] = [
        b"",
        b" ",
        b"{}",
        b"[]",
        b"null",
        b"\"HS256\"",
        b"{\"typ\":\"JWT\"}",
        b"{\"alg\":null}",
        b"{\"alg\":256}",
        b"{\"alg\":[\"HS256\"]}",
        b"{\"alg\":\"HS256\"",
        b"{\"alg\":\"HS256\"}{}",
        b"{\"alg\":\"HS256\"}\0",
        b"\xef\xbb\xbf{\"alg\":\"HS256\"}",
        b"{\"alg\":\"HS256\",\"a\":\"\xff\"}",
        br#"{"alg":"HS256","alg":"HS256"}"#,
        br#"{"alg":"none","\u0061lg":"HS256"}"#,
        br#"{"alg":"HS256","crit":[]}"#,
        br#"{"alg":"HS256","crit":["exp"]}"#,
        br#"{"alg":"HS256","b64":false}"#,
        br#"{"alg":"HS256","kid":null}"#,
        br#"{"alg":"HS256","kid":"unknown"}"#,
    ];
    for header in bad {
        assert_bad(conn, signed(header, claims).as_bytes(), "sess:a");
    }
}

#[test]
fn an_invalid_payload_is_refused() {
    let server = server();
    let conn = &mut server.conn();
    exec(conn, &["SET", "sess:a", "{}", "EX", "1000"]);
    let header = br#"{"alg":"HS256"}"#;
    for good in [r#"{"jti":"a"}"#, " {\"\\u006ati\" : \"\\u0061\", \"b\":{\"jti\":1}}\n"] {
        assert!(get(conn, &signed(header, good.as_bytes())).is_some(), "{good}");
    }
    let bad: [&[u8]; 17] = [
        b"",
        b" ",
        b"[]",
        b"null",
        b"1",
        b"\"a\"",
        b"[\"jti\",\"a\"]",
        b"{",
        b"{\"jti\":\"a\"",
        b"{\"jti\":\"a\"}}",
        b"{\"jti\":\"a\"} x",
        b"{\"jti\":\"a\",}",
        b"{\"jti\":\"a\"}\0",
        b"\xef\xbb\xbf{\"jti\":\"a\"}",
        b"{\"jti\":\"a\",\"b\":\"\xff\"}",
        br#"{"jti":"a","jti":"a"}"#,
        br#"{"jti":"a","b":1,"\u0062":1}"#,
    ];
    for payload in bad {
        assert_bad(conn, signed(header, payload).as_bytes(), "sess:a");
    }
    let ids = [
        "",
        r#""""#,
        "null",
        "1",
        "true",
        r#"["a"]"#,
        r#"{"jti":"a"}"#,
        r#""\u0000""#,
        r#""a\u0000""#,
        r#""a\nb""#,
        r#""\u001f""#,
        r#""\u007f""#,
        r#""\u0085""#,
        r#""\ud800""#,
    ];
    for id in ids {
        let payload = if id.is_empty() { r#"{"sub":"a"}"#.to_owned() } else { format!(r#"{{"jti":{id}}}"#) };
        assert_bad(conn, signed(header, payload.as_bytes()).as_bytes(), "sess:a");
    }
}

#[test]
fn a_deeply_nested_token_does_no_harm() {
    let server =
        Server::builder().keys(SECRET.as_bytes()).args(&["max-token-size", "1mb", "max-lifetime", "0"]).start();
    let conn = &mut server.conn();
    exec(conn, &["SET", "sess:a", "{}", "EX", "1000"]);
    let good = br#"{"alg":"HS256"}"#;
    for levels in [129, 10_000, 150_000] {
        let (open, close) = ("[".repeat(levels), "]".repeat(levels));
        let closed = format!(r#"{{"jti":"a","alg":"HS256","deep":{open}{close}}}"#);
        let objects = format!(r#"{{"jti":"a","alg":"HS256","deep":{}"#, r#"{"a":"#.repeat(levels));
        for unclosed in [&closed[..closed.len() / 2], &objects, &open, &close] {
            assert_bad(conn, signed(good, unclosed.as_bytes()).as_bytes(), "sess:a");
            assert_bad(conn, signed(unclosed.as_bytes(), br#"{"jti":"a"}"#).as_bytes(), "sess:a");
        }
        // A well-formed token may be nested deeply.
        let reply: Vec<redis::Value> = send(conn, &["JRS.GET", &signed(good, closed.as_bytes())]).unwrap();
        assert_eq!(reply[7], redis::Value::BulkString(closed.clone().into_bytes()));
        assert!(get(conn, &signed(closed.as_bytes(), br#"{"jti":"a"}"#)).is_some());
        let forged =
            sign_bytes(closed.as_bytes(), closed.as_bytes(), Algorithm::HS256, b"the secret of another issuer");
        assert_bad(conn, forged.as_bytes(), "sess:a");
        let deep_in_jti = format!(r#"{{"jti":{open}{close}}}"#);
        assert_bad(conn, signed(good, deep_in_jti.as_bytes()).as_bytes(), "sess:a");
        let deep_time = format!(r#"{{"jti":"a","exp":{open}{close}}}"#);
        assert_bad(conn, signed(good, deep_time.as_bytes()).as_bytes(), "sess:a");
    }
    assert!(get(conn, &token(&json!({"jti": "a"}))).is_some());
}
