//! Tombstones in files and on promoted replicas.

use redis::Connection;

use super::{LONG, assert_finds_nothing, rotate};
use crate::support::{
    Server,
    cases::each,
    replicas::{assert_same, primary, replica},
    sessions::{contents, create, exec, get, refused, send},
    tokens::{SECRET, id, key, signing_keys},
};

/// Tokens of chains in different states.
struct Chains {
    in_grace: [String; 3],
    dead: [String; 2],
    reused: [String; 2],
    ended: [String; 2],
}

impl Chains {
    fn create(conn: &mut Connection) -> Chains {
        let first = create(conn, "ada", r#"{"n":1}"#, &[]);
        let second = rotate(conn, &first, &["GRACE", LONG]);
        let third = rotate(conn, &second, &["GRACE", LONG]);
        let dead = create(conn, "ada", "{}", &[]);
        let revoked = rotate(conn, &dead, &["GRACE", LONG]);
        exec(conn, &["JRS.REVOKE", &key(&revoked)]);
        let [(reused, of_reused), (ended, of_ended)] = [(); 2].map(|()| {
            let old = create(conn, "", "{}", &[]);
            let new = rotate(conn, &old, &[]);
            (old, new)
        });
        assert_eq!(refused(conn, &["JRS.GET", &ended]), "REUSED");
        Chains {
            in_grace: [first, second, third],
            dead: [dead, revoked],
            reused: [reused, of_reused],
            ended: [ended, of_ended],
        }
    }

    fn assert_served(&self, conn: &mut Connection) {
        let [first, second, third] = &self.in_grace;
        for token in [first, second, third] {
            let found = get(conn, token).unwrap();
            assert_eq!((found.id, found.data.as_str()), (id(third), r#"{"n":1}"#));
        }
        for token in &self.dead {
            assert_finds_nothing(conn, token);
        }
        for token in &self.ended {
            assert_eq!(refused(conn, &["JRS.GET", token]), "REUSED");
        }
        let [old, new] = &self.reused;
        assert!(get(conn, new).is_some());
        assert_eq!(refused(conn, &["JRS.GET", old]), "REUSED");
        assert_eq!(send::<i64>(conn, &["EXISTS", &key(new)]).unwrap(), 0);
    }
}

#[test]
fn a_restart_keeps_chains() {
    for (aof, save) in each([("yes", false), ("no", true)]) {
        let builder = Server::builder().keys(SECRET.as_bytes()).args(&["reuse-detection", "yes"]);
        let mut server = builder.config("appendonly", aof).config("appendfsync", "always").start();
        let conn = &mut server.conn();
        let chains = Chains::create(conn);
        let before = contents(conn);
        if save {
            exec(conn, &["SAVE"]);
        }
        server.kill();
        server.restart();
        let conn = &mut server.conn();
        assert_eq!(contents(conn), before);
        chains.assert_served(conn);
    }
}

#[test]
fn a_promoted_replica_has_chains() {
    for keys in signing_keys() {
        let builder = primary(Server::builder().keys(keys.as_bytes())).args(&["reuse-detection", "yes"]);
        let mut old = builder.clone().start();
        let new = replica(&old, builder);
        let chains = Chains::create(&mut old.conn());
        let conn = &mut new.conn();
        assert_same(&mut old.conn(), conn);
        old.kill();
        exec(conn, &["REPLICAOF", "NO", "ONE"]);
        chains.assert_served(conn);
        let rotated = rotate(conn, &chains.in_grace[0], &[]);
        assert_eq!(id(&rotated), id(&chains.in_grace[2]), "still in grace");
    }
}
