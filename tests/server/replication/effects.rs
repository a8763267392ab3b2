//! Replicas receive effects with absolute times. They need the module only to read sessions by their tokens.

use std::collections::HashMap;

use redis::{Connection, Value};

use crate::support::{
    Server,
    cases::{cases, each},
    replicas::{self, await_replicas, replica},
    sessions::{assert_indexed, contents, create, exec, get, index, refused, send},
    tokens::{SECRET, key, signing_keys},
};

/// A primary with these keys.
fn primary(keys: &str) -> Server {
    replicas::primary(Server::builder().keys(keys.as_bytes())).start()
}

/// Changes sessions in all ways. Returns the token of one that is left.
fn act(conn: &mut Connection) -> String {
    let made: Vec<String> = ["ada", "bob", ""].map(|owner| create(conn, owner, r#"{"a":1}"#, &[])).into();
    create(conn, "ada", "{}", &["EX", "100", "CLAIMS", r#"{"role":"admin"}"#]);
    create(conn, "ada", "{}", &["PX", "100001"]);
    create(conn, "ada", "{}", &["PXAT", "4000000000001"]);
    create(conn, "ada", &format!(r#"{{"a":"{}"}}"#, "é\\n".repeat(30_000)), &["EXAT", "4000000000"]);
    for token in &made {
        exec(conn, &["PEXPIRE", &key(token), "1000001"]);
    }
    assert_eq!(get(conn, &made[0]).expect("a session").ttl, 86_400, "GET moved the expiry");
    exec(conn, &["JRS.UPDATE", &made[1], r#"{"b":2}"#, "KEEPTTL"]);
    exec(conn, &["JRS.UPDATE", &made[0], r#"{"b":[3]}"#, "PX", "50001"]);
    exec(conn, &["JRS.TOUCH", &made[1], "EX", "777"]);
    assert_eq!(send::<i64>(conn, &["JRS.DESTROY", &made[2]]).unwrap(), 1);
    let script = "return redis.call('JRS.CREATE', 'eve', '{}')";
    exec(conn, &["EVAL", script, "0"]);
    redis::pipe().atomic().cmd("JRS.CREATE").arg("eve").arg("{}").ignore().exec(conn).unwrap();
    exec(conn, &["JRS.UPDATE", &made[1], r#"{"b":2,"c":1.50}"#, "MERGE"]);
    exec(conn, &["JRS.UPDATE", &made[1], r#"[{"op":"remove","path":"/c"}]"#, "PATCH", "KEEPTTL"]);
    // One session of each of these owners is left.
    for owner in ["rotated", "revoked", "excepted", "evicted"] {
        let [first, second] = [(); 2].map(|()| create(conn, owner, r#"{"a":1}"#, &[]));
        match owner {
            "rotated" => {
                let guest: String = send(conn, &["JRS.ROTATE", &first, "OWNER", "", "CLAIMS", "{}"]).unwrap();
                assert_eq!(send::<i64>(conn, &["JRS.DESTROY", &guest]).unwrap(), 1);
                exec(conn, &["JRS.ROTATE", &second, "REAUTH"]);
            }
            "revoked" => exec(conn, &["JRS.REVOKE", &key(&first)]),
            "excepted" => exec(conn, &["JRS.DESTROYALL", owner, "EXCEPT", &second]),
            _ => {
                exec(conn, &["CONFIG", "SET", "jrs.max-sessions", "1"]);
                create(conn, owner, "{}", &[]);
                exec(conn, &["CONFIG", "SET", "jrs.max-sessions", "0"]);
            }
        }
        create(conn, "gone", "{}", &[]);
    }
    assert_eq!(send::<i64>(conn, &["JRS.DESTROYALL", "gone"]).unwrap(), 4);
    made[1].clone()
}

/// How many sessions [`act`] leaves, by owner.
const LEFT: [(&str, usize); 7] =
    [("ada", 5), ("bob", 1), ("eve", 2), ("rotated", 1), ("revoked", 1), ("excepted", 1), ("evicted", 1)];

#[test]
fn replicas_have_the_same_data_and_expiries() {
    for keys in signing_keys() {
        let primary = primary(&keys);
        let early = replica(&primary, Server::builder().without_module());
        let with_module = replica(&primary, Server::builder().keys(keys.as_bytes()));
        let conn = &mut primary.conn();
        act(conn);
        await_replicas(conn, 2);
        let late = replica(&primary, Server::builder().without_module());
        let expected = contents(conn);
        let sessions = |owner: &str| {
            let prefix = format!("{}:", index(owner));
            expected.keys().filter(|key| key.starts_with(&prefix)).cloned().collect::<Vec<_>>()
        };
        assert_eq!(expected.len(), LEFT.iter().map(|(_, count)| count).sum::<usize>(), "{:?}", expected.keys());
        for (replica, has_module) in cases([
            ("an early replica without the module", (early, false)),
            ("a replica with the module", (with_module, true)),
            ("a late replica without the module", (late, false)),
        ]) {
            let conn = &mut replica.conn();
            assert_eq!(contents(conn), expected);
            for (owner, count) in LEFT {
                assert_eq!(sessions(owner).len(), count, "{owner}");
                if has_module {
                    assert_indexed(conn, owner, &sessions(owner));
                }
            }
        }
    }
}

#[test]
fn a_replica_reads_sessions_and_refuses_writes() {
    for keys in signing_keys() {
        let primary = primary(&keys);
        let replica = replica(&primary, Server::builder().keys(keys.as_bytes()));
        let (conn, other) = (&mut primary.conn(), &mut replica.conn());
        let token = act(conn);
        let key = key(&token);
        await_replicas(conn, 1);
        let before = contents(other);
        for words in each([&["JRS.PEEK", &*token][..], &["JRS.PEEK", &key, &token]]) {
            let session: HashMap<String, Value> = send(other, words).unwrap();
            assert_eq!(session["data"], Value::BulkString(br#"{"b":2}"#.into()));
        }
        let listed = |conn: &mut Connection| send::<Value>(conn, &["JRS.LIST", "ada", "WITHDATA"]).unwrap();
        assert!(matches!(listed(other), Value::Array(sessions) if sessions.len() == 5));
        let report: HashMap<String, Value> = send(other, &["JRS.INSPECT", &token]).unwrap();
        assert_eq!((&report["active"], &report["reason"]), (&Value::Int(1), &Value::Nil));
        for words in [
            &["JRS.CREATE", "ada", "{}"][..],
            &["JRS.GET", &token],
            &["JRS.GET", &key, &token],
            &["JRS.UPDATE", &token, "{}"],
            &["JRS.TOUCH", &token],
            &["JRS.MINT", &token, "CLAIMS", r#"{"iss":"login","aud":"shop"}"#],
            &["JRS.DESTROY", &token],
            &["JRS.UPDATE", &token, "{}", "MERGE"],
            &["JRS.ROTATE", &token],
            &["JRS.REVOKE", &key],
            &["JRS.DESTROYALL", "ada"],
            &["JRS.DESTROYALL", "ada", "EXCEPT", &token],
        ] {
            assert_eq!(refused(other, words), "READONLY", "{words:?}");
        }
        assert_eq!(contents(other), before);

        exec(other, &["REPLICAOF", "NO", "ONE"]);
        assert_eq!(get(other, &token).expect("a session").data, r#"{"b":2}"#);
        assert_eq!(send::<i64>(other, &["JRS.DESTROY", &token]).unwrap(), 1);
        assert_eq!(send::<i64>(other, &["JRS.DESTROYALL", "ada"]).unwrap(), 5);
    }
}

#[test]
fn commands_that_change_nothing_replicate_nothing() {
    let primary = primary(SECRET);
    let _replica = replica(&primary, Server::builder().without_module());
    let conn = &mut primary.conn();
    let (token, gone) = (create(conn, "ada", "{}", &[]), create(conn, "ada", "{}", &[]));
    exec(conn, &["JRS.DESTROY", &gone]);
    let offset = |conn: &mut Connection| -> String {
        let info: String = send(conn, &["INFO", "replication"]).unwrap();
        info.lines().find(|line| line.starts_with("master_repl_offset:")).unwrap().to_owned()
    };
    let before = (contents(conn), offset(conn));
    for words in [
        &["JRS.CREATE", "ada", "[]"][..],
        &["JRS.CREATE", "a{", "{}"],
        &["JRS.CREATE", "ada", "{}", "EX", "0"],
        &["JRS.UPDATE", &token, "[]"],
        &["JRS.UPDATE", &token, "{}", "NONSENSE"],
        &["JRS.TOUCH", &token, "EX", "-1"],
        &["JRS.GET", &token, "NONSENSE"],
        &["JRS.DESTROY", "eyJ"],
        &["JRS.UPDATE", &token, "{}", "PATCH"],
        &["JRS.UPDATE", &token, r#"{"a":1}"#, "MERGE", "IFMATCH", "no etag"],
        &["JRS.ROTATE", &token, "CLAIMS", r#"{"jti":"a"}"#],
        &["JRS.ROTATE", &token, "CLAIMS", r#"{"exp":1}"#],
        &["JRS.MINT", &token],
        &["JRS.MINT", &token, "AUDIENCE", "shop", "CLAIMS", r#"{"iss":"login","exp":1}"#],
        &["JRS.REVOKE", "another:key"],
        &["JRS.DESTROYALL", "bob", "EXCEPT", &token],
    ] {
        assert!(send::<Value>(conn, words).is_err(), "{words:?}");
    }
    for words in [
        &["JRS.GET", &*gone][..],
        &["JRS.UPDATE", &gone, "{}"],
        &["JRS.UPDATE", &gone, "{}", "MERGE"],
        &["JRS.TOUCH", &gone],
        &["JRS.MINT", &gone, "CLAIMS", r#"{"iss":"login","aud":"shop"}"#],
        &["JRS.ROTATE", &gone],
    ] {
        assert_eq!(send::<Value>(conn, words).unwrap(), Value::Nil, "{words:?}");
    }
    for words in [
        &["JRS.DESTROY", &*gone][..],
        &["JRS.REVOKE", &key(&gone)],
        &["JRS.DESTROYALL", "unknown"],
        &["JRS.DESTROYALL", "ada", "EXCEPT", &token],
    ] {
        assert_eq!(send::<i64>(conn, words).unwrap(), 0, "{words:?}");
    }
    for words in [
        &["JRS.GET", &*token][..],
        &["JRS.PEEK", &token],
        &["JRS.INSPECT", &token],
        &["JRS.LIST", "ada", "WITHDATA"],
        &["JRS.RELOAD"],
    ] {
        assert!(send::<Value>(conn, words).is_ok(), "{words:?}");
    }
    assert_eq!((contents(conn), offset(conn)), before);
    exec(conn, &["JRS.UPDATE", &token, "{}"]);
    assert_ne!(offset(conn), before.1);
}
