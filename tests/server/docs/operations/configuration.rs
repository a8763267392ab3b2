//! redis.conf and the users of the page: a server, its users, a replica.

use redis::Value;

use super::{ETC, EVERY, ONE, Site, TWO_REPLICAS, as_user, field, write_keys};
use crate::support::{
    await_that,
    sessions::{create, exec, refused, send},
    tokens,
};

#[test]
fn one_server_runs_with_the_configuration_and_keeps_sessions() {
    let site = Site::new();
    write_keys(&site, "one");
    let mut server = site.server("one", &[ONE]).start();
    let operator = &mut as_user(&server, "operator");
    let sizes = [("1gb", "1073741824")];
    for line in site.block(ONE).lines {
        let Some((name, value)) = line.split_once(' ').filter(|(name, _)| !name.starts_with('#')) else { continue };
        if !matches!(name, "bind" | "port" | "dir" | "loadmodule") {
            let value = value.replace(ETC, &site.etc("one"));
            let value = sizes.iter().find(|(text, _)| *text == value).map_or(&*value, |(_, bytes)| bytes);
            let (_, actual): (String, String) = send(operator, &["CONFIG", "GET", name]).unwrap();
            assert_eq!(actual, value, "{name}");
        }
    }
    let app = &mut as_user(&server, "app");
    let token = create(app, "ada", "{\"a\":1}", &[]);
    let gone = create(app, "ada", "{}", &[]);
    exec(app, &["JRS.DESTROY", &gone]);
    server.kill();
    server.restart();
    let app = &mut as_user(&server, "app");
    // While it loads its data, the server refuses this.
    let session = await_that("the data", || send::<Value>(app, &["JRS.GET", &token]).ok());
    assert_ne!(session, Value::Nil);
    assert_eq!(send::<Value>(app, &["JRS.GET", &gone]), Ok(Value::Nil));
}

#[test]
fn each_user_may_do_its_work_and_nothing_else() {
    let site = Site::new();
    write_keys(&site, "one");
    let server = site.server("one", &[ONE]).start();
    assert_eq!(refused(&mut server.conn(), &["PING"]), "NOAUTH");

    let app = &mut as_user(&server, "app");
    let token = &*create(app, "ada", "{}", &[]);
    let key = &*tokens::key(token);
    let work = [
        &["JRS.GET", token][..],
        &["JRS.PEEK", key, token],
        &["JRS.UPDATE", token, "{\"a\":1}"],
        &["JRS.TOUCH", token],
        &["JRS.LIST", "ada"],
        &["JRS.COUNT", "ada"],
        &["JRS.REALMS"],
        &["WAIT", "0", "1"],
        &["PING"],
        &["CLIENT", "SETNAME", "shop"],
        &["HELLO", "3"],
        &["HELLO", "2"],
    ];
    work.iter().for_each(|words| exec(app, words));
    let rotated: &str = &send::<String>(app, &["JRS.ROTATE", token]).unwrap();
    for words in [
        &["JRS.RELOAD"][..],
        &["JRS.DEBUG", "INDEX"],
        &["GET", key],
        &["SET", key, "{}"],
        &["DEL", key],
        &["KEYS", "*"],
        &["CONFIG", "GET", "*"],
        &["ACL", "LIST"],
        &["FLUSHALL"],
        &["INFO"],
        &["EVAL", "return 1", "0"],
    ] {
        assert_eq!(refused(app, words), "NOPERM", "{words:?}");
    }

    let operator = &mut as_user(&server, "operator");
    let work = [
        &["JRS.INSPECT", rotated][..],
        &["JRS.LIST", "ada", "WITHDATA"],
        &["JRS.REVOKE", &tokens::key(rotated)],
        &["JRS.DESTROYALL", "ada"],
        &["JRS.RELOAD"],
        &["JRS.HELP"],
        &["INFO", "everything"],
        &["CONFIG", "SET", "jrs.max-age", "7200"],
        &["ACL", "WHOAMI"],
        &["SLOWLOG", "GET"],
        &["BGREWRITEAOF"],
    ];
    work.iter().for_each(|words| exec(operator, words));
    for words in [&["JRS.CREATE", "ada", "{}"][..], &["SET", "sess:x", "{}"], &["GET", key], &["FLUSHALL"]] {
        assert_eq!(refused(operator, words), "NOPERM", "{words:?}");
    }

    let monitoring = &mut as_user(&server, "monitoring");
    for section in ["jrs", "memory", "persistence", "replication"] {
        exec(monitoring, &["INFO", section]);
    }
    for words in [&["ROLE"][..], &["SLOWLOG", "LEN"], &["LATENCY", "LATEST"], &["DBSIZE"], &["JRS.REALMS"]] {
        exec(monitoring, words);
    }
    for words in [
        &["JRS.CREATE", "ada", "{}"][..],
        &["JRS.LIST", "ada"],
        &["JRS.PEEK", rotated],
        &["SLOWLOG", "GET"],
        &["GET", key],
        &["MONITOR"],
        &["CONFIG", "GET", "*"],
    ] {
        assert_eq!(refused(monitoring, words), "NOPERM", "{words:?}");
    }
    assert_eq!(refused(&mut as_user(&server, "replication"), &["JRS.LIST", "ada"]), "NOPERM");
}

#[test]
fn a_replica_follows_and_a_planned_failover_loses_nothing() {
    let site = Site::new();
    for host in ["first", "second"] {
        write_keys(&site, host);
    }
    let parts = [ONE, EVERY, TWO_REPLICAS];
    let first = site.server("first", &parts).start();
    let app = &mut as_user(&first, "app");
    assert_eq!(refused(app, &["JRS.CREATE", "ada", "{}"]), "NOREPLICAS");

    let replica = site.block("\nreplicaof ");
    assert_eq!(replica.lines[1..], ["replicaof 192.0.2.1 6379"]);
    let to_first = format!("127.0.0.1 {}", first.port());
    let second = site.server("second", &parts).config("replicaof", &to_first).start();
    let (on_first, on_second) = (&mut as_user(&first, "operator"), &mut as_user(&second, "operator"));
    let token: &str = &await_that("the replica", || send::<String>(app, &["JRS.CREATE", "ada", "{}"]).ok());
    assert_eq!(send::<i64>(app, &["WAIT", "1", "60000"]), Ok(1));
    let at_second = &mut as_user(&second, "app");
    exec(at_second, &["JRS.PEEK", token]);
    assert_eq!(send::<i64>(at_second, &["JRS.COUNT", "ada"]), Ok(1));
    assert_eq!(refused(at_second, &["JRS.GET", token]), "READONLY");

    let last: &str = &create(app, "ada", "{}", &[]);
    exec(on_first, &["FAILOVER"]);
    await_that("the failover", || {
        (field(on_second, "replication", "role") == "master"
            && field(on_first, "replication", "master_link_status") == "up")
            .then_some(())
    });
    let found = await_that("enough replicas", || send::<Value>(at_second, &["JRS.GET", token]).ok());
    assert_ne!(found, Value::Nil);
    exec(at_second, &["JRS.GET", last]);
    assert_eq!(refused(app, &["JRS.GET", last]), "READONLY");
}
