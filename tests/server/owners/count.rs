//! `JRS.COUNT`: how many live sessions an owner has.

use std::thread;

use redis::{Connection, Value};

use crate::support::{
    Server, await_that,
    cases::cases,
    owner_sessions::{count, fill, info},
    realms::add_app_realm,
    sessions::{assert_refused, begin, create, end, exec, get, refused, send},
    tokens::{SECRET, jwk, key},
};

fn server() -> Server {
    Server::builder().keys(SECRET.as_bytes()).start()
}

#[test]
fn count_is_the_number_of_live_sessions() {
    let server = server();
    for conn in cases([("RESP2", &mut server.conn()), ("RESP3", &mut server.conn3())]) {
        assert_eq!(count(conn, "unknown"), 0);
        let made = [0; 5].map(|_| create(conn, "ada", "{}", &[]));
        for owner in ["adam", "ad", "", "ada", "Ada"] {
            create(conn, owner, "{}", &[]);
        }
        assert_eq!(["ada", "adam", "ad", "Ada"].map(|owner| count(conn, owner)), [6, 1, 1, 1]);
        assert_eq!(send::<Value>(conn, &["jrs.count", "ada"]).unwrap(), Value::Int(6));
        assert_eq!(send::<i64>(conn, &["JRS.DESTROY", &made[0]]).unwrap(), 1);
        assert_eq!(send::<i64>(conn, &["JRS.REVOKE", &key(&made[1])]).unwrap(), 1);
        assert_eq!(count(conn, "ada"), 4);
        exec(conn, &["DEL", &key(&made[2])]);
        exec(conn, &["JRS.ROTATE", &made[3]]);
        assert_eq!(count(conn, "ada"), 3);
        exec(conn, &["JRS.ROTATE", &made[4], "OWNER", "adam"]);
        assert_eq!((count(conn, "ada"), count(conn, "adam")), (2, 2));
        // Keys that begin like a session and are not one.
        exec(conn, &["SET", "sess:{ada}:no uuid", "{}"]);
        exec(conn, &["RPUSH", "sess:{ada}:01890a5d-ac96-774b-bcce-b302099a8057", "a list"]);
        assert_eq!(count(conn, "ada"), 2);
        exec(conn, &["FLUSHALL"]);
        assert_eq!(count(conn, "ada"), 0);
    }
}

#[test]
fn expired_sessions_are_not_counted() {
    let server = Server::builder().keys(SECRET.as_bytes()).config("enable-debug-command", "yes").start();
    let conn = &mut server.conn();
    // Without the active cycle, an expired key stays in the keyspace until a command reads it.
    exec(conn, &["DEBUG", "SET-ACTIVE-EXPIRE", "0"]);
    create(conn, "ada", "{}", &[]);
    let short = create(conn, "ada", "{}", &["PX", "1"]);
    await_that("the expiry", || (count(conn, "ada") == 1).then_some(()));
    assert_eq!(info(conn, "jrs_sessions", "jrs_sessions_active"), send::<i64>(conn, &["DBSIZE"]).unwrap());
    assert!(get(conn, &short).is_none());
    assert_eq!(count(conn, "ada"), 1);
    exec(conn, &["DEBUG", "SET-ACTIVE-EXPIRE", "1"]);
}

#[test]
fn each_realm_is_counted_separately() {
    let server = Server::builder().keys(jwk("main", "HS256", SECRET.as_bytes()).to_string().as_bytes()).start();
    let conn = &mut server.conn();
    add_app_realm(&server, "");
    create(conn, "ada", "{}", &[]);
    for _ in 0..3 {
        create(conn, "ada", "{}", &["REALM", "app"]);
    }
    assert_eq!(count(conn, "ada"), 1);
    assert_eq!(send::<i64>(conn, &["JRS.COUNT", "ada", "REALM", "default"]).unwrap(), 1);
    assert_eq!(send::<i64>(conn, &["JRS.COUNT", "ada", "realm", "app"]).unwrap(), 3);
    assert_eq!(send::<i64>(conn, &["JRS.COUNT", "bob", "REALM", "app"]).unwrap(), 0);
    assert_refused(conn, "ERR", &["JRS.COUNT", "ada", "REALM", "no such"]);
}

#[test]
fn errors_name_the_reason_and_no_token() {
    let server = server();
    let conn = &mut server.conn();
    let token = create(conn, "ada", "{}", &[]);
    let long = "x".repeat(257);
    for words in [
        &["JRS.COUNT"][..],
        &["JRS.COUNT", ""],
        &["JRS.COUNT", "a}b"],
        &["JRS.COUNT", "a\nb"],
        &["JRS.COUNT", &long],
        &["JRS.COUNT", &token],
        &["JRS.COUNT", "ada", "NONSENSE"],
        &["JRS.COUNT", "ada", "WITHDATA"],
        &["JRS.COUNT", "ada", "LIMIT", "1"],
        &["JRS.COUNT", "ada", "REALM"],
        &["JRS.COUNT", "ada", "REALM", ""],
        &["JRS.COUNT", "ada", "REALM", "default", "REALM", "default"],
        &["JRS.COUNT", "ada", "REALM", "default", "more"],
    ] {
        assert_refused(conn, "ERR", words);
    }
    assert_refused(conn, "ERR", &[&b"JRS.COUNT"[..], b"\xff"]);
    let error = send::<Value>(conn, &["JRS.COUNT", &token]).unwrap_err();
    let text = error.detail().unwrap();
    assert!(text.contains("the owner must not be a token") && !text.contains(&token[..20]), "{text}");
}

#[test]
fn count_needs_read_permission_and_writes_nothing() {
    let server = server();
    let conn = &mut server.conn();
    create(conn, "ada", "{}", &[]);
    exec(conn, &["ACL", "SETUSER", "reader", "on", "nopass", "+jrs.count", "%R~sess:{ada}:*"]);
    let reader = &mut server.conn();
    exec(reader, &["AUTH", "reader", "x"]);
    assert_eq!(count(reader, "ada"), 1);
    assert_eq!(refused(reader, &["JRS.COUNT", "bob"]), "NOPERM");
    assert_eq!(refused(reader, &["JRS.LIST", "ada"]), "NOPERM");
    for keys in ["%W~sess:{ada}:*", "%R~sess:{ada}", "~other:*"] {
        exec(conn, &["ACL", "SETUSER", "reader", "resetkeys", keys]);
        assert_eq!(refused(reader, &["JRS.COUNT", "ada"]), "NOPERM", "{keys}");
    }
    exec(conn, &["ACL", "SETUSER", "reader", "allkeys", "-jrs.count"]);
    assert_eq!(refused(reader, &["JRS.COUNT", "ada"]), "NOPERM");
    // A server without memory and a replica refuse writes.
    exec(conn, &["CONFIG", "SET", "maxmemory", "1"]);
    assert_eq!(refused(conn, &["JRS.CREATE", "ada", "{}"]), "OOM");
    assert_eq!(count(conn, "ada"), 1);
    exec(conn, &["CONFIG", "SET", "maxmemory", "0"]);
    exec(conn, &["REPLICAOF", "127.0.0.1", "1"]);
    assert_eq!(refused(conn, &["JRS.DESTROYALL", "ada"]), "READONLY");
    assert_eq!(count(conn, "ada"), 1);
    let script = "return redis.call('JRS.COUNT', 'ada')";
    assert_eq!(send::<i64>(conn, &["EVAL_RO", script, "0"]).unwrap(), 1);
}

#[test]
fn a_replica_counts_its_sessions() {
    let primary = server();
    let conn = &mut primary.conn();
    let early = create(conn, "ada", "{}", &[]);
    let replica = Server::builder()
        .keys(SECRET.as_bytes())
        .config("replicaof", &format!("127.0.0.1 {}", primary.port()))
        .config("repl-diskless-sync-delay", "0")
        .start();
    let other = &mut replica.conn();
    let await_count = |other: &mut Connection, expected| {
        await_that("the replica's count", || {
            (send::<usize>(other, &["JRS.COUNT", "ada"]) == Ok(expected)).then_some(())
        });
    };
    await_count(other, 1);
    create(conn, "ada", "{}", &[]);
    await_count(other, 2);
    exec(conn, &["PEXPIRE", &key(&early), "1"]);
    await_count(other, 1);
    exec(conn, &["FLUSHALL"]);
    await_count(other, 0);
}

#[test]
fn other_clients_are_served_during_a_long_count() {
    const MANY: usize = 100_000;
    let server = server();
    let conn = &mut server.conn();
    fill(conn, "ada", MANY);
    let bob = create(conn, "bob", "{}", &[]);
    // On a busy machine the count may be done before other clients send their commands.
    await_that("commands during the count", || {
        let counting = &mut server.conn();
        begin(counting, &["JRS.COUNT", "ada"]);
        let mut served = 0;
        let counted = thread::scope(|scope| {
            let counted = scope.spawn(|| end(counting).unwrap());
            while !counted.is_finished() {
                assert!(get(conn, &bob).is_some());
                served += 1;
            }
            counted.join().unwrap()
        });
        assert_eq!(counted, Value::Int(i64::try_from(MANY).unwrap()));
        (served > 10).then_some(())
    });
    // In a transaction and in a script the command is not interrupted.
    let script = "local before = redis.call('JRS.COUNT', 'ada')
                  return {before, redis.call('JRS.DESTROYALL', 'bob'), redis.call('JRS.COUNT', 'bob')}";
    assert_eq!(send::<[usize; 3]>(conn, &["EVAL", script, "0"]).unwrap(), [MANY, 1, 0]);
    let mut pipe = redis::pipe();
    pipe.atomic()
        .cmd("JRS.COUNT")
        .arg("ada")
        .cmd("JRS.CREATE")
        .arg(&["ada", "{}"])
        .ignore()
        .cmd("JRS.COUNT")
        .arg("ada");
    assert_eq!(pipe.query::<(usize, usize)>(conn).unwrap(), (MANY, MANY + 1));
}
