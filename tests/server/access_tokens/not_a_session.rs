//! An access token is never a session token.

use redis::Value;
use serde_json::json;

use super::{mint, server};
use crate::support::{
    cases::each,
    sessions::{assert_refused, contents, create, exec, get, refused, send},
    tokens::{header, key, signing_keys},
};

/// Every command that takes a session's token, with the arguments after it.
const COMMANDS: [&[&str]; 8] = [
    &["JRS.GET"],
    &["JRS.PEEK"],
    &["JRS.UPDATE", "{}"],
    &["JRS.UPDATE", "{}", "MERGE"],
    &["JRS.TOUCH"],
    &["JRS.ROTATE"],
    &["JRS.MINT"],
    &["JRS.DESTROY"],
];

#[test]
fn every_command_refuses_an_access_token() {
    for keys in signing_keys() {
        let server = server(&keys);
        let conn = &mut server.conn();
        for token_type in each(["JWT", "session+jwt", "application/vnd.shop.session+jwt"]) {
            exec(conn, &["CONFIG", "SET", "jrs.token-type", token_type]);
            let session = create(conn, "ada", "{}", &[]);
            let minted = mint(conn, &session, &[]);
            assert_eq!((&header(&minted)["typ"], &header(&session)["typ"]), (&json!("at+jwt"), &json!(token_type)));
            for words in COMMANDS {
                assert_refused(conn, "BADTOKEN", &[&words[..1], &[&minted], &words[1..]].concat());
                assert_refused(conn, "BADTOKEN", &[&words[..1], &[&key(&session), &minted], &words[1..]].concat());
            }
            assert_refused(conn, "BADTOKEN", &["JRS.DESTROYALL", "ada", "EXCEPT", &minted]);
            // In place of an owner or a key it is refused too.
            for words in [
                &["JRS.CREATE", &minted, "{}"][..],
                &["JRS.LIST", &minted],
                &["JRS.COUNT", &minted],
                &["JRS.DESTROYALL", &minted],
            ] {
                assert_refused(conn, "ERR", words);
            }
            assert!(["ERR", "WRONGKEY"].contains(&&*refused(conn, &["JRS.REVOKE", &minted])));
            let report: Vec<Value> = send(conn, &["JRS.INSPECT", &minted]).unwrap();
            let text = |at: usize| redis::from_redis_value_ref::<Option<String>>(&report[at]).unwrap();
            assert_eq!(report[1], Value::Int(0), "{report:?}");
            let reason = text(3).unwrap();
            assert!(reason.starts_with("BADTOKEN ") && reason.contains("'typ'"), "{reason}");
            assert_eq!((text(5), report[15].clone()), (None, Value::Nil), "realm and key are not named");
            assert!(get(conn, &session).is_some());
        }
        let types: redis::RedisResult<Value> = send(conn, &["CONFIG", "SET", "jrs.token-type", "AT+JWT"]);
        assert!(types.is_err(), "session tokens cannot have the type of access tokens");
    }
}

#[test]
fn a_key_with_the_id_of_an_access_token_is_not_a_session_of_it() {
    let server = server(crate::support::tokens::SECRET);
    let conn = &mut server.conn();
    let session = create(conn, "ada", "{}", &[]);
    let minted = mint(conn, &session, &[]);
    exec(conn, &["SET", &key(&minted), "{}", "EX", "1000"]);
    let before = contents(conn);
    assert_eq!(refused(conn, &["JRS.GET", &minted]), "BADTOKEN");
    assert_eq!(refused(conn, &["JRS.DESTROY", &minted]), "BADTOKEN");
    assert_eq!(contents(conn), before);
}
