//! The ACL categories of the commands.

use std::collections::BTreeSet;

use redis::{Connection, Value};

use super::acl_commands::{commands, user};
use crate::support::{
    Server,
    sessions::{contents, create, refused, send},
    tokens::key,
};

/// Whether a module can choose the categories of its commands on this server.
fn has_categories(conn: &mut Connection) -> bool {
    !send::<String>(conn, &["INFO", "server"]).unwrap().contains("redis_version:7.0.")
}

/// The commands of the module in an ACL category, by their names in lower case.
fn category(conn: &mut Connection, name: &str) -> BTreeSet<String> {
    let all: Vec<String> = send(conn, &["COMMAND", "LIST", "FILTERBY", "ACLCAT", name]).unwrap();
    all.iter().map(|name| name.to_lowercase()).filter(|name| name.starts_with("jrs.")).collect()
}

const FAST_READS: [&str; 4] = ["inspect", "jwks", "peek", "realms"];
const SLOW_READS: [&str; 2] = ["count", "list"];
const FAST_WRITES: [&str; 8] = ["create", "destroy", "get", "mint", "revoke", "rotate", "touch", "update"];
const SLOW_WRITES: [&str; 1] = ["destroyall"];
const ADMIN: [&str; 3] = ["debug", "reload", "rotatekey"];

fn names(names: &[&[&str]]) -> BTreeSet<String> {
    names.concat().iter().map(|name| format!("jrs.{name}")).collect()
}

#[test]
fn commands_are_in_their_categories() {
    let server = Server::start();
    let conn = &mut server.conn();
    let expected = [
        ("read", names(&[&FAST_READS, &SLOW_READS])),
        ("write", names(&[&FAST_WRITES, &SLOW_WRITES])),
        ("fast", names(&[&FAST_READS, &FAST_WRITES, &["help"]])),
        ("admin", names(&[&ADMIN])),
        ("dangerous", names(&[&ADMIN])),
        ("slow", names(&[&SLOW_READS, &SLOW_WRITES, &ADMIN])),
        ("jrs", names(&[&FAST_READS, &SLOW_READS, &FAST_WRITES, &SLOW_WRITES, &ADMIN, &["help"]])),
    ];
    for (name, expected) in expected {
        let expected = if has_categories(conn) { expected } else { BTreeSet::new() };
        assert_eq!(category(conn, name), expected, "@{name}");
    }
}

#[test]
fn the_category_read_has_no_commands_that_write() {
    let server = Server::start();
    let admin = &mut server.conn();
    if !has_categories(admin) {
        assert!(category(admin, "read").is_empty());
        return;
    }
    let token = create(admin, "ada", "{}", &[]);
    let mut reader = user(&server, &["-@all", "+@read", "~sess:*"]);
    for (words, needs) in commands(&key(&token), &token) {
        let reply = send::<Value>(&mut reader, &words);
        assert_eq!(reply.is_ok(), !needs.write, "{words:?}: {reply:?}");
    }
}

#[test]
fn a_category_can_be_allowed() {
    let server = Server::start();
    let admin = &mut server.conn();
    if !has_categories(admin) {
        assert_eq!(refused(admin, &["ACL", "SETUSER", "limited", "+@jrs"]), "ERR");
        return;
    }
    let listed: Vec<String> = send(admin, &["ACL", "CAT", "jrs"]).unwrap();
    assert_eq!(listed.iter().map(|name| name.to_lowercase()).collect::<BTreeSet<_>>(), category(admin, "jrs"));

    let mut limited = user(&server, &["-@all", "+@jrs", "~sess:*"]);
    let token = create(&mut limited, "ada", "{}", &[]);
    for (words, _) in commands(&key(&token), &token) {
        assert!(send::<Value>(&mut limited, &words).is_ok(), "{words:?}");
    }
    assert_eq!(refused(&mut limited, &["GET", "sess:x"]), "NOPERM");

    let token = create(admin, "ada", "{}", &[]);
    let before = contents(admin);
    let mut limited = user(&server, &["+@all", "-@write", "-@admin", "~*"]);
    for (words, needs) in commands(&key(&token), &token) {
        assert_eq!(send::<Value>(&mut limited, &words).is_ok(), !needs.write, "{words:?}");
    }
    assert_eq!(refused(&mut limited, &["JRS.RELOAD"]), "NOPERM");
    assert_eq!(refused(&mut limited, &["JRS.ROTATEKEY"]), "NOPERM");
    assert_eq!(contents(admin), before);
}
