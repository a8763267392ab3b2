//! `max-sessions`: how many sessions an owner may have.

use std::thread;

use redis::{Connection, RedisResult, Value};

use crate::support::{
    Server, await_that,
    owner_sessions::{assert_agree, fill, ids, info},
    realms::add_app_realm,
    sessions::{assert_refused, contents, create, exec, get, refused, send},
    tokens::{SECRET, id, jwk, key, signing_keys},
};

fn limited(keys: &str, max_sessions: &str, policy: &str) -> Server {
    Server::builder().keys(keys.as_bytes()).args(&["max-sessions", max_sessions, "max-sessions-policy", policy]).start()
}

#[test]
fn the_oldest_sessions_are_evicted() {
    let server = limited(SECRET, "3", "evict-oldest");
    let conn = &mut server.conn();
    let made: Vec<String> = (0..6).map(|_| create(conn, "ada", "{}", &[])).collect();
    assert_eq!(assert_agree(conn, "ada"), made[3..].iter().map(|token| id(token)).collect::<Vec<_>>());
    assert!(made[..3].iter().all(|token| get(conn, token).is_none()));
    assert_eq!(info(conn, "jrs_sessions", "jrs_sessions_evicted"), 3);
    assert_eq!(info(conn, "jrs_sessions", "jrs_sessions_destroyed"), 0);
    for _ in 0..5 {
        create(conn, "", "{}", &[]);
        create(conn, "bob", "{}", &[]);
    }
    assert_eq!((assert_agree(conn, "bob").len(), assert_agree(conn, "ada").len()), (3, 3), "each owner has a limit");
    assert_eq!(send::<i64>(conn, &["DBSIZE"]).unwrap(), 3 + 3 + 5, "anonymous sessions have no limit");
}

#[test]
fn the_policy_reject_refuses_a_new_session() {
    let server = limited(SECRET, "2", "reject");
    let conn = &mut server.conn();
    let made = [0; 2].map(|_| create(conn, "ada", "{}", &[]));
    let bob = create(conn, "bob", "{}", &[]);
    assert_refused(conn, "TOOMANY", &["JRS.CREATE", "ada", "{}"]);
    assert_refused(conn, "TOOMANY", &["JRS.ROTATE", &bob, "OWNER", "ada"]);
    assert_eq!(assert_agree(conn, "ada").len(), 2);
    // ROTATE without another owner does not add a session.
    let rotated: String = send(conn, &["JRS.ROTATE", &made[0]]).unwrap();
    let rotated: String = send(conn, &["JRS.ROTATE", &rotated, "OWNER", "ada"]).unwrap();
    assert_refused(conn, "TOOMANY", &["JRS.CREATE", "ada", "{}"]);
    assert_eq!(send::<i64>(conn, &["JRS.DESTROY", &rotated]).unwrap(), 1);
    let moved: String = send(conn, &["JRS.ROTATE", &bob, "OWNER", "ada"]).unwrap();
    assert_refused(conn, "TOOMANY", &["JRS.CREATE", "ada", "{}"]);
    create(conn, "bob", "{}", &[]);
    assert!(get(conn, &moved).is_some() && get(conn, &made[1]).is_some());
    let refused = "return redis.pcall('JRS.CREATE', 'ada', '{}').err";
    assert!(send::<String>(conn, &["EVAL", refused, "0"]).unwrap().starts_with("TOOMANY "));
}

#[test]
fn rotate_to_another_owner_evicts_like_create() {
    let server = limited(SECRET, "2", "evict-oldest");
    let conn = &mut server.conn();
    let made = [0; 2].map(|_| create(conn, "ada", "{}", &[]));
    let (bob, anonymous) = (create(conn, "bob", r#"{"cart":1}"#, &[]), create(conn, "", "{}", &[]));
    let bob: String = send(conn, &["JRS.ROTATE", &bob, "OWNER", "ada"]).unwrap();
    assert_eq!(assert_agree(conn, "ada"), [id(&made[1]), id(&bob)]);
    let anonymous: String = send(conn, &["JRS.ROTATE", &anonymous, "OWNER", "ada"]).unwrap();
    assert_eq!(assert_agree(conn, "ada"), [id(&bob), id(&anonymous)]);
    assert_eq!(assert_agree(conn, "bob"), [""; 0]);
    assert_eq!(info(conn, "jrs_sessions", "jrs_sessions_evicted"), 2);
}

#[test]
fn removed_sessions_do_not_count() {
    for policy in ["evict-oldest", "reject"] {
        let server = limited(SECRET, "3", policy);
        let conn = &mut server.conn();
        let stays = create(conn, "ada", "{}", &[]);
        let removed = [0; 2].map(|_| create(conn, "ada", "{}", &["EX", "1000"]));
        exec(conn, &["DEL", &key(&removed[0])]);
        exec(conn, &["PEXPIRE", &key(&removed[1]), "1"]);
        await_that("the expiry", || (send::<i64>(conn, &["EXISTS", &key(&removed[1])]).unwrap() == 0).then_some(()));
        for _ in 0..2 {
            create(conn, "ada", "{}", &[]);
        }
        assert_eq!(assert_agree(conn, "ada").len(), 3, "{policy}");
        assert!(get(conn, &stays).is_some());
        assert_eq!(info(conn, "jrs_sessions", "jrs_sessions_evicted"), 0);
    }
}

#[test]
fn a_lower_limit_holds_from_the_next_create() {
    let server = limited(SECRET, "0", "evict-oldest");
    let conn = &mut server.conn();
    let made: Vec<String> = (0..10).map(|_| create(conn, "ada", "{}", &[])).collect();
    exec(conn, &["CONFIG", "SET", "jrs.max-sessions", "4"]);
    assert_eq!(assert_agree(conn, "ada").len(), 10);
    assert!(made.iter().all(|token| get(conn, token).is_some()));
    exec(conn, &["CONFIG", "SET", "jrs.max-sessions-policy", "reject"]);
    assert_refused(conn, "TOOMANY", &["JRS.CREATE", "ada", "{}"]);
    exec(conn, &["CONFIG", "SET", "jrs.max-sessions-policy", "evict-oldest"]);
    create(conn, "ada", "{}", &[]);
    assert_eq!(assert_agree(conn, "ada").len(), 4);
    assert!(get(conn, &made[7]).is_some() && get(conn, &made[6]).is_none());
    fill(conn, "many", 3000);
    create(conn, "many", "{}", &[]);
    assert_eq!(assert_agree(conn, "many").len(), 4);
    exec(conn, &["CONFIG", "SET", "jrs.max-sessions", "0"]);
    create(conn, "ada", "{}", &[]);
    assert_eq!(ids(conn, "ada").len(), 5);
}

#[test]
fn a_lower_max_sessions_applies_to_new_sessions() {
    let server = Server::start();
    let conn = &mut server.conn();
    let mut alive: Vec<String> = (0..5).map(|_| create(conn, "ada", "{}", &[])).collect();
    exec(conn, &["CONFIG", "SET", "jrs.max-sessions", "2"]);
    assert!(alive.iter().all(|token| get(conn, token).is_some()), "the setting destroys no session");
    let newest = create(conn, "ada", "{}", &[]);
    for evicted in alive.drain(..4) {
        assert!(get(conn, &evicted).is_none());
    }
    assert!(get(conn, &alive[0]).is_some() && get(conn, &newest).is_some(), "the two newest sessions");
    for _ in 0..3 {
        create(conn, "", "{}", &[]);
        create(conn, "bob", "{}", &["EX", "500"]);
    }
    assert_eq!(
        send::<usize>(conn, &["DBSIZE"]).unwrap(),
        2 + 3 + 2,
        "anonymous sessions have no limit, and bob has his own"
    );

    exec(conn, &["CONFIG", "SET", "jrs.max-sessions-policy", "reject"]);
    let before = contents(conn);
    assert_eq!(refused(conn, &["JRS.CREATE", "ada", "{}"]), "TOOMANY");
    let guest = create(conn, "", "{}", &[]);
    assert_eq!(refused(conn, &["JRS.ROTATE", &guest, "OWNER", "ada"]), "TOOMANY");
    assert!(get(conn, &guest).is_some());
    assert_eq!(contents(conn).len(), before.len() + 1);
    let rotated: String = send(conn, &["JRS.ROTATE", &newest]).unwrap();
    assert!(get(conn, &rotated).is_some(), "a rotation adds no session");
    exec(conn, &["JRS.DESTROY", &rotated]);
    create(conn, "ada", "{}", &[]);
    exec(conn, &["CONFIG", "SET", "jrs.max-sessions", "0"]);
    create(conn, "ada", "{}", &[]);
}

#[test]
fn each_realm_has_its_own_limit() {
    let server = Server::builder().keys(jwk("main", "HS256", SECRET.as_bytes()).to_string().as_bytes()).start();
    let conn = &mut server.conn();
    add_app_realm(&server, "max-sessions = 1\nmax-sessions-policy = \"reject\"\n");
    for _ in 0..3 {
        create(conn, "ada", "{}", &[]);
    }
    let token = create(conn, "ada", "{}", &["REALM", "app"]);
    assert_refused(conn, "TOOMANY", &["JRS.CREATE", "ada", "{}", "REALM", "app"]);
    assert_eq!(send::<i64>(conn, &["JRS.DESTROY", &token]).unwrap(), 1);
    create(conn, "ada", "{}", &["REALM", "app"]);
    assert_eq!(assert_agree(conn, "ada").len(), 3);
}

/// Lets fifty clients run this at the same time, ten times each. Returns all replies.
fn run_fifty_clients(
    server: &Server,
    act: impl Fn(&mut Connection) -> RedisResult<Value> + Sync,
) -> Vec<RedisResult<Value>> {
    thread::scope(|scope| {
        let client = || {
            let conn = &mut server.conn();
            (0..10).map(|_| act(conn)).collect::<Vec<_>>()
        };
        let clients: Vec<_> = (0..50).map(|_| scope.spawn(client)).collect();
        clients.into_iter().flat_map(|client| client.join().unwrap()).collect()
    })
}

#[test]
fn the_limit_is_exact_under_concurrent_creates() {
    // With ES256 the clients wait together for the crypto threads.
    for keys in signing_keys() {
        let server = limited(&keys, "7", "reject");
        let replies = run_fifty_clients(&server, |conn| send(conn, &["JRS.CREATE", "ada", "{}"]));
        let made = replies.iter().filter(|reply| reply.is_ok()).count();
        assert_eq!(made, 7);
        assert!(replies.iter().filter_map(|reply| reply.as_ref().err()).all(|error| error.code() == Some("TOOMANY")));
        assert_eq!(assert_agree(&mut server.conn(), "ada").len(), 7);

        let server = limited(&keys, "7", "evict-oldest");
        let replies = run_fifty_clients(&server, |conn| send(conn, &["JRS.CREATE", "ada", "{}"]));
        assert!(replies.iter().all(Result::is_ok));
        let conn = &mut server.conn();
        assert_eq!(assert_agree(conn, "ada").len(), 7);
        assert_eq!(info(conn, "jrs_sessions", "jrs_sessions_evicted"), 493);
        let replies = run_fifty_clients(&server, |conn| {
            let token: String = send(conn, &["JRS.CREATE", "", "{}"])?;
            send(conn, &["JRS.ROTATE", &token, "OWNER", "ada"])
        });
        assert!(replies.iter().all(Result::is_ok));
        assert_eq!(assert_agree(conn, "ada").len(), 7);
        assert_eq!(contents(conn).len(), 7, "there are only sessions");
    }
}
