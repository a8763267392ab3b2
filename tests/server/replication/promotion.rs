//! A replica becomes the primary after the old one has crashed.

use redis::{Connection, Value};

use crate::support::{
    Builder, Server, await_that, module_path,
    owner_sessions::{assert_agree, count},
    replicas::{assert_same, await_replicas, follow, primary, replica},
    sessions::{contents, create, exec, get, peek, send},
    tokens::{SECRET, claims, key, signing_keys},
};

const PROMOTE: [&str; 3] = ["REPLICAOF", "NO", "ONE"];

fn builder(keys: &str) -> Builder {
    primary(Server::builder().keys(keys.as_bytes()))
}

/// The tokens of sessions that live and of sessions that were destroyed, of two owners and of a guest.
struct Tokens {
    live: Vec<String>,
    destroyed: Vec<String>,
}

impl Tokens {
    fn create(conn: &mut Connection) -> Tokens {
        let mut live: Vec<String> =
            ["ada", "ada", "ada", "bob", ""].map(|owner| create(conn, owner, r#"{"n":1}"#, &[])).into();
        let mut destroyed: Vec<String> =
            ["ada", "bob", "", "eve"].map(|owner| create(conn, owner, r#"{"n":1}"#, &[])).into();
        exec(conn, &["JRS.DESTROY", &destroyed[0]]);
        exec(conn, &["JRS.REVOKE", &key(&destroyed[1])]);
        live.push(send(conn, &["JRS.ROTATE", &destroyed[2], "OWNER", "bob"]).unwrap());
        exec(conn, &["JRS.DESTROYALL", "eve"]);
        exec(conn, &["JRS.UPDATE", &live[0], r#"{"n":1}"#, "PX", "5000000"]);
        let expired = create(conn, "ada", "{}", &["PX", "1"]);
        await_that("the expiry", || peek(conn, &expired).is_none().then_some(()));
        destroyed.push(expired);
        Tokens { live, destroyed }
    }

    /// Checks the sessions and the owner index, and that each command acts on a session as before.
    fn assert_served(&self, conn: &mut Connection) {
        for token in &self.destroyed {
            assert!(get(conn, token).is_none());
            assert_eq!(send::<i64>(conn, &["JRS.DESTROY", token]).unwrap(), 0);
        }
        for token in &self.live {
            assert_eq!(get(conn, token).expect("a session").data, r#"{"n":1}"#);
        }
        let expected = |owner: &str| {
            let owned = self.live.iter().filter(|token| claims(token)["sub"] == owner);
            let mut ids: Vec<String> = owned.map(|token| key(token)["sess:".len()..].to_owned()).collect();
            ids.sort_unstable();
            ids
        };
        for owner in ["ada", "bob", "eve"] {
            assert_eq!(assert_agree(conn, owner), expected(owner));
        }
    }
}

/// Uses each command that writes. Leaves one new session of ada, and none of bob.
fn act(conn: &mut Connection, tokens: &Tokens) {
    let new = create(conn, "ada", "{}", &[]);
    assert_eq!(assert_agree(conn, "ada").last().unwrap(), &key(&new)["sess:".len()..], "the newest is the last");
    exec(conn, &["JRS.UPDATE", &new, r#"{"m":2}"#, "MERGE"]);
    exec(conn, &["JRS.TOUCH", &tokens.live[0], "EX", "77"]);
    let rotated: String = send(conn, &["JRS.ROTATE", &tokens.live[1]]).unwrap();
    assert!(get(conn, &tokens.live[1]).is_none());
    assert_eq!(send::<i64>(conn, &["JRS.DESTROY", &rotated]).unwrap(), 1);
    assert_eq!(send::<i64>(conn, &["JRS.DESTROYALL", "bob"]).unwrap(), 2);
    assert_eq!(send::<i64>(conn, &["JRS.DESTROYALL", "ada", "EXCEPT", &new]).unwrap(), 2);
    assert_eq!(get(conn, &new).expect("a session").data, r#"{"m":2}"#);
}

#[test]
fn a_promoted_replica_goes_on_with_all_tokens() {
    for keys in signing_keys() {
        let mut old = builder(&keys).start();
        let new = replica(&old, builder(&keys));
        let conn = &mut old.conn();
        let tokens = Tokens::create(conn);
        await_replicas(conn, 1);
        old.kill();
        let conn = &mut new.conn();
        exec(conn, &PROMOTE);
        tokens.assert_served(conn);
        act(conn, &tokens);
        assert_eq!([count(conn, "ada"), count(conn, "bob")], [1, 0]);
        // The old primary comes back as a replica. It has no data that the new one does not have.
        old.restart();
        let returned = &mut old.conn();
        create(returned, "lost", "{}", &[]);
        follow(returned, &new);
        assert_same(conn, returned);
        assert_eq!([count(returned, "ada"), count(returned, "lost")], [1, 0]);
        // Then it is promoted.
        exec(returned, &PROMOTE);
        assert_eq!(assert_agree(returned, "ada"), assert_agree(conn, "ada"));
        create(returned, "ada", "{}", &[]);
        assert_eq!(assert_agree(returned, "ada").len(), 2);
    }
}

#[test]
fn a_replica_without_the_module_is_promoted_and_the_module_loaded_there() {
    let mut old = builder(SECRET).start();
    let plain = Server::builder().without_module().config("enable-module-command", "yes");
    let new = replica(&old, plain);
    let conn = &mut old.conn();
    let tokens = Tokens::create(conn);
    await_replicas(conn, 1);
    let expected = contents(conn);
    let keys_file = old.dir().join("keys");
    old.kill();
    let conn = &mut new.conn();
    exec(conn, &PROMOTE);
    assert_eq!(contents(conn), expected, "a server without the module has the same data");
    assert!(send::<Value>(conn, &["JRS.GET", &tokens.live[0]]).is_err());
    exec(conn, &["MODULE", "LOAD", module_path().to_str().unwrap(), "keys-file", keys_file.to_str().unwrap()]);
    let conn = &mut new.conn();
    await_that("the owner index", || send::<i64>(conn, &["JRS.COUNT", "ada"]).ok());
    tokens.assert_served(conn);
    act(conn, &tokens);
}
