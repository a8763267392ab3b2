//! Options, ids and rotations that are refused.

use serde_json::json;

use super::{LONG, rotate, tombstone};
use crate::support::{
    Server,
    info::realm_stats,
    sessions::{assert_refused, create, get, send},
    tokens::{SECRET, id, signing_keys, token},
};

#[test]
fn bad_options_change_nothing() {
    for keys in signing_keys() {
        let server = Server::builder().keys(keys.as_bytes()).start();
        let conn = &mut server.conn();
        let token = create(conn, "ada", "{}", &[]);
        for options in [
            &["GRACE"][..],
            &["GRACE", ""],
            &["GRACE", "-1"],
            &["GRACE", "+1"],
            &["GRACE", "1.5"],
            &["GRACE", "60001"],
            &["GRACE", "18446744073709551616"],
            &["GRACE", "1", "GRACE", "1"],
            &["GRACE", "1", "OWNER", "ada"],
            &["REAUTH", "GRACE", "0"],
        ] {
            assert_refused(conn, "ERR", &[&["JRS.ROTATE", &token], options].concat());
        }
        for (name, value) in [("rotate-grace", "60001"), ("rotate-grace", "-1"), ("reuse-detection", "maybe")] {
            assert_refused(conn, "ERR", &["CONFIG", "SET", &format!("jrs.{name}"), value]);
        }
    }
}

#[test]
fn the_number_of_tokens_in_grace_is_bounded() {
    for keys in signing_keys() {
        let server = Server::builder().keys(keys.as_bytes()).start();
        let conn = &mut server.conn();
        let mut tokens = vec![create(conn, "ada", "{}", &[])];
        for _ in 0..32 {
            tokens.push(rotate(conn, tokens.last().unwrap(), &["GRACE", LONG]));
        }
        let last = tokens.last().unwrap().clone();
        assert_refused(conn, "TOOMANY", &["JRS.ROTATE", &last, "GRACE", LONG]);
        assert_eq!(realm_stats(conn, "default")["too_many"], 1);
        for token in &tokens {
            assert_eq!(get(conn, token).unwrap().id, id(&last));
        }
        assert_eq!(send::<usize>(conn, &["DBSIZE"]).unwrap(), 2, "a session and one tombstone");
        rotate(conn, &last, &["GRACE", "0"]);
        assert_eq!(send::<usize>(conn, &["DBSIZE"]).unwrap(), 1);
    }
}

#[test]
fn a_tombstone_is_never_a_session() {
    let server = Server::builder().keys(SECRET.as_bytes()).args(&["reuse-detection", "yes"]).start();
    let conn = &mut server.conn();
    let first = create(conn, "ada", "{}", &[]);
    let new = rotate(conn, &first, &["GRACE", LONG]);
    let name = tombstone(&new);
    assert_refused(conn, "WRONGKEY", &["JRS.REVOKE", &name]);
    let planted = token(&json!({"jti": &name["sess:".len()..], "sub": "ada"}));
    for command in ["JRS.GET", "JRS.PEEK", "JRS.TOUCH", "JRS.DESTROY", "JRS.ROTATE"] {
        assert_refused(conn, "BADTOKEN", &[command, &planted]);
    }
    assert_refused(conn, "BADTOKEN", &["JRS.UPDATE", &planted, "{}"]);
    assert_refused(conn, "ERR", &["JRS.CREATE", "ada", "{}", "CLAIMS", r#"{"jrs_chain":"x"}"#]);
    assert_refused(conn, "ERR", &["JRS.CREATE", "ada", "{}", "CLAIMS", r#"{"JRS_chain":"x"}"#]);
}
