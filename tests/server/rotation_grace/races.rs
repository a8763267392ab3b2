//! Many clients rotate the same session at once: one wins, and all get the same session.

use std::collections::BTreeSet;

use redis::Value;

use super::{LONG, assert_finds_nothing, rotate};
use crate::support::{
    Server,
    sessions::{at_once, contents, create, get, send},
    tokens::{SECRET, id, key, signing_keys},
};

#[test]
fn all_rotations_at_once_give_the_same_session() {
    for keys in signing_keys() {
        for cached in ["16mb", "0"] {
            let server = Server::builder().keys(keys.as_bytes()).args(&["token-cache-size", cached]).start();
            let conn = &mut server.conn();
            for owner in ["ada", ""] {
                let old = create(conn, owner, r#"{"n":1}"#, &[]);
                let replies = at_once(&server, 24, &["JRS.ROTATE", &old, "GRACE", LONG]);
                let tokens: Vec<String> =
                    replies.iter().map(|reply| redis::from_redis_value_ref(reply).unwrap()).collect();
                let ids: BTreeSet<String> = tokens.iter().map(|token| id(token)).collect();
                assert_eq!(ids.len(), 1, "{ids:?}");
                if keys == SECRET {
                    assert_eq!(tokens.iter().collect::<BTreeSet<_>>().len(), 1, "HMAC signatures are equal");
                }
                for token in tokens.iter().chain([&old]) {
                    assert_eq!(get(conn, token).unwrap().id, id(&tokens[0]));
                }
                assert_eq!(send::<i64>(conn, &["JRS.DESTROY", &tokens[0]]).unwrap(), 1);
            }
            assert!(contents(conn).is_empty());
        }
    }
}

#[test]
fn without_a_grace_one_rotation_wins_and_the_others_find_nothing() {
    for keys in signing_keys() {
        let server = Server::builder().keys(keys.as_bytes()).start();
        let conn = &mut server.conn();
        let old = create(conn, "ada", "{}", &[]);
        let replies = at_once(&server, 24, &["JRS.ROTATE", &old]);
        let tokens: Vec<&Value> = replies.iter().filter(|reply| **reply != Value::Nil).collect();
        assert_eq!(tokens.len(), 1);
    }
}

#[test]
fn transactions_and_scripts_rotate_with_a_grace() {
    for keys in signing_keys() {
        let server = Server::builder().keys(keys.as_bytes()).start();
        let conn = &mut server.conn();
        let old = create(conn, "ada", r#"{"n":1}"#, &[]);
        let mut pipe = redis::pipe();
        pipe.atomic().cmd("JRS.ROTATE").arg(&[&old, "GRACE", LONG]);
        pipe.cmd("JRS.ROTATE").arg(&[&old]).cmd("JRS.UPDATE").arg(&[&old, r#"{"n":2}"#]);
        let (first, second, _): (String, String, String) = pipe.query(conn).unwrap();
        assert_eq!(id(&first), id(&second));
        let script = "local new = redis.call('JRS.ROTATE', ARGV[1], 'GRACE', '60000')
            redis.call('JRS.UPDATE', ARGV[1], '{\"n\":3}')
            return {new, redis.call('JRS.ROTATE', ARGV[1])}";
        let (third, again): (String, String) = send(conn, &["EVAL", script, "0", &first]).unwrap();
        assert_eq!(id(&third), id(&again));
        for token in [&old, &first, &third] {
            let found = get(conn, token).unwrap();
            assert_eq!((found.id, found.data.as_str()), (id(&third), r#"{"n":3}"#));
        }
        let last = rotate(conn, &old, &["REAUTH"]);
        assert_finds_nothing(conn, &third);
        assert_eq!(contents(conn).into_keys().collect::<Vec<_>>(), [key(&last)]);
    }
}
