//! Claims, tokens and owners that are refused. A refused command changes nothing.

use crate::support::{
    Server,
    bad_json::{NOT_OBJECTS, too_deep},
    sessions::{assert_indexed, assert_refused, create, exec, get, send},
    tokens::key,
};

#[test]
fn claims_that_are_not_a_json_object_are_refused() {
    let server = Server::builder().arg("max-token-size", "1mb").start();
    let conn = &mut server.conn();
    let token = create(conn, "", "{}", &[]);
    let mut bad: Vec<Vec<u8>> = NOT_OBJECTS.iter().map(|claims| claims.to_vec()).collect();
    // Libraries differ in which of two claims with the same name they use.
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
fn a_token_that_is_too_big_is_refused() {
    let server = Server::start();
    let conn = &mut server.conn();
    let (mut longest, mut created, mut refused) = (0, Vec::new(), 0);
    for size in (5800..6200).chain([8192, 100_000, 2_000_000]) {
        let claims = format!(r#"{{"a":"{}"}}"#, "x".repeat(size));
        match send::<String>(conn, &["JRS.CREATE", "ada", "{}", "CLAIMS", &claims]) {
            Ok(token) => {
                longest = longest.max(token.len());
                created.push(key(&token));
                assert!(get(conn, &token).is_some(), "each created token is accepted");
            }
            Err(error) => {
                refused += 1;
                assert_eq!(error.code(), Some("TOOBIG"));
            }
        }
    }
    // Three bytes of claims are four bytes of a token.
    assert!((8189..=8192).contains(&longest), "{longest}");
    assert!(!created.is_empty() && refused > 3, "{} were created, {refused} refused", created.len());
    assert_indexed(conn, "ada", &created);
    assert_eq!(send::<usize>(conn, &["DBSIZE"]).unwrap(), created.len(), "there are only sessions");

    exec(conn, &["CONFIG", "SET", "jrs.max-token-size", "300"]);
    let token = create(conn, "ada", "{}", &[]);
    assert_refused(conn, "TOOBIG", &["JRS.CREATE", &"x".repeat(256), "{}"]);
    assert_refused(conn, "TOOBIG", &["JRS.ROTATE", &token, "OWNER", &"x".repeat(256)]);
    assert_refused(conn, "TOOBIG", &["JRS.ROTATE", &token, "CLAIMS", &format!(r#"{{"a":"{}"}}"#, "x".repeat(200))]);
}

#[test]
fn invalid_owners_are_refused() {
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
