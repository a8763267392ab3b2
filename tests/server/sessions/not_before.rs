//! The setting `not-before`: sessions that started earlier are refused.

use std::fs;

use redis::{Connection, Value};
use serde_json::json;

use crate::support::{
    Server,
    clock::Clock,
    in_flight::info,
    owner_sessions::{count, ids},
    sessions::{assert_refused, create, exec, get, now, refused, send},
    tokens::{SECRET, claims, id, jwk, key, sign, signing_keys},
};

const HOUR: i64 = 3600;

fn set(conn: &mut Connection, time: i64) {
    exec(conn, &["CONFIG", "SET", "jrs.not-before", &time.to_string()]);
}

/// Checks that all commands on the token are refused with this word and change nothing.
#[track_caller]
fn assert_all_refused(conn: &mut Connection, word: &str, token: &str) {
    for words in [
        &["JRS.GET", token][..],
        &["JRS.GET", &key(token), token],
        &["JRS.PEEK", token],
        &["JRS.TOUCH", token],
        &["JRS.UPDATE", token, "{}"],
        &["JRS.ROTATE", token],
        &["JRS.ROTATE", token, "REAUTH"],
        &["JRS.MINT", token, "AUDIENCE", "shop"],
        &["JRS.DESTROYALL", "ada", "EXCEPT", token],
    ] {
        assert_refused(conn, word, words);
    }
}

#[test]
fn earlier_sessions_are_refused() {
    for keys in signing_keys() {
        let clock = Clock::new();
        let server = clock.of(Server::builder().keys(keys.as_bytes()).arg("issuer", "https://login.example")).start();
        let conn = &mut server.conn();
        let [old, rotated, other] = [(); 3].map(|()| create(conn, "ada", "{}", &[]));
        let start = claims(&old)["iat"].as_i64().unwrap();
        clock.set(conn, HOUR);
        // A rotation keeps the start. REAUTH is a new start.
        let rotated: String = send(conn, &["JRS.ROTATE", &rotated]).unwrap();
        let fresh: String = send(conn, &["JRS.ROTATE", &other, "REAUTH"]).unwrap();
        let new = create(conn, "ada", "{}", &[]);
        // The start itself is not earlier.
        set(conn, start);
        for token in [&old, &rotated, &fresh, &new] {
            assert!(get(conn, token).is_some());
        }
        let before = info(conn, "tokens_refused_logged_out");
        set(conn, start + HOUR / 2);
        for token in [&old, &rotated] {
            assert_all_refused(conn, "EXPIREDTOKEN", token);
            let report = format!("{:?}", send::<Value>(conn, &["JRS.INSPECT", token]).unwrap());
            assert!(report.contains("EXPIREDTOKEN the session started before the realm's not-before"), "{report}");
        }
        assert_eq!(info(conn, "tokens_refused_logged_out") - before, 18);
        for token in [&fresh, &new] {
            assert!(get(conn, token).is_some());
        }
        // The keys still exist.
        let all = [&old, &rotated, &fresh, &new].map(|token| id(token));
        let mut listed = ids(conn, "ada");
        listed.sort_unstable();
        let mut expected = all.to_vec();
        expected.sort_unstable();
        assert_eq!((listed, count(conn, "ada")), (expected, 4));
        // A logout works. And the sessions come back if the setting does.
        assert_eq!(send::<i64>(conn, &["JRS.DESTROY", &old]).unwrap(), 1);
        set(conn, 0);
        assert!(get(conn, &rotated).is_some());
    }
}

#[test]
fn a_token_without_a_known_start_is_refused() {
    let server = Server::builder().keys(SECRET.as_bytes()).arg("max-lifetime", "0").start();
    let conn = &mut server.conn();
    for claims in [json!({"jti": "a", "sub": "ada"}), json!({"jti": "a", "sub": "ada", "iat": now() + HOUR})] {
        exec(conn, &["SET", "sess:a", "{}", "EX", "1000"]);
        let token = sign(&json!({"alg": "HS256"}), &claims, SECRET.as_bytes());
        assert!(get(conn, &token).is_some());
        set(conn, 1);
        assert_refused(conn, "BADTOKEN", &["JRS.GET", &token]);
        // A rotation does not give it a start.
        set(conn, 0);
        let rotated: String = send(conn, &["JRS.ROTATE", &token]).unwrap();
        set(conn, 1);
        assert_refused(conn, "EXPIREDTOKEN", &["JRS.GET", &rotated]);
        assert_eq!(send::<i64>(conn, &["JRS.DESTROY", &rotated]).unwrap(), 1);
        set(conn, 0);
    }
}

#[test]
fn a_time_in_the_future_is_refused() {
    let clock = Clock::new();
    let mut server = clock.of(Server::builder()).start();
    let conn = &mut server.conn();
    let past = (now() - HOUR).to_string();
    exec(conn, &["CONFIG", "SET", "jrs.not-before", &past]);
    for (value, problem) in [
        ((now() + HOUR).to_string(), "not-before must not be in the future"),
        ("253402300799".to_owned(), "not-before must not be in the future"),
        ((now() * 1000).to_string(), "must be between 0 and 253402300799"),
        ("-1".to_owned(), "must be between 0 and 253402300799"),
    ] {
        let error = send::<Value>(conn, &["CONFIG", "SET", "jrs.not-before", &value]).unwrap_err().to_string();
        assert!(error.contains(problem), "{value}: {error}");
        let shown: [String; 2] = send(conn, &["CONFIG", "GET", "jrs.not-before"]).unwrap();
        assert_eq!(shown[1], past);
    }
    // The clocks of operators differ.
    let soon = now() + 30;
    set(conn, soon);
    exec(conn, &["CONFIG", "REWRITE"]);
    // A restart with a wrong clock works, and so does a change of another setting.
    clock.set(conn, -HOUR);
    server.stop();
    server.restart();
    let conn = &mut server.conn();
    let shown: [String; 2] = send(conn, &["CONFIG", "GET", "jrs.not-before"]).unwrap();
    assert_eq!(shown[1], soon.to_string());
    assert!(server.log().contains("the realm 'default': not-before must not be in the future"));
    exec(conn, &["CONFIG", "SET", "jrs.max-age", "500"]);
    exec(conn, &["JRS.RELOAD"]);
    assert!(refused(conn, &["CONFIG", "SET", "jrs.not-before", &(soon + 1).to_string()]) == "ERR");
    set(conn, 0);
}

#[test]
fn a_realm_has_its_own_time() {
    let server = Server::builder().keys(jwk("k", "HS256", SECRET.as_bytes()).to_string().as_bytes()).start();
    let conn = &mut server.conn();
    let secret = "the secret of another realm, which is long enough for HS256";
    fs::write(server.dir().join("admin"), jwk("admin", "HS256", secret.as_bytes()).to_string()).unwrap();
    let write = |time: i64| {
        let text = format!("[realm.admin]\nkeys-file='admin'\nkeyspace='admin:'\nnot-before={time}\n");
        fs::write(server.dir().join("realms.toml"), text).unwrap();
    };
    write(0);
    exec(conn, &["CONFIG", "SET", "jrs.realms-file", "realms.toml"]);
    let old = |kid: &str, secret: &str| {
        let claims = json!({"jti": "a", "sub": "ada", "iat": now() - HOUR});
        sign(&json!({"alg": "HS256", "kid": kid}), &claims, secret.as_bytes())
    };
    let (user, admin) = (old("k", SECRET), old("admin", secret));
    for key in ["sess:a", "admin:a"] {
        exec(conn, &["SET", key, "{}", "EX", "1000"]);
    }
    assert!(get(conn, &user).is_some() && get(conn, &admin).is_some());
    write(now() - 10);
    exec(conn, &["JRS.RELOAD"]);
    assert!(get(conn, &user).is_some());
    assert_refused(conn, "EXPIREDTOKEN", &["JRS.GET", &admin]);
    write(now() + HOUR);
    let error = send::<Value>(conn, &["JRS.RELOAD"]).unwrap_err().to_string();
    assert!(error.contains("the realm 'admin': not-before must not be in the future"), "{error}");
    assert!(get(conn, &user).is_some(), "the active realms stay");
}

#[test]
fn refused_sessions_do_not_keep_an_owner_out() {
    let clock = Clock::new();
    let args = ["max-sessions", "2", "max-sessions-policy", "reject"];
    let server = clock.of(Server::builder().args(&args)).start();
    let conn = &mut server.conn();
    clock.set(conn, -HOUR);
    let old = [(); 2].map(|()| create(conn, "ada", "{}", &[]));
    assert_refused(conn, "TOOMANY", &["JRS.CREATE", "ada", "{}"]);
    clock.set(conn, 0);
    set(conn, now() - HOUR / 2);
    let new = [(); 2].map(|()| create(conn, "ada", "{}", &[]));
    assert_refused(conn, "TOOMANY", &["JRS.CREATE", "ada", "{}"]);
    assert_eq!(count(conn, "ada"), 4);
    // Where the oldest session is evicted, refused ones go first.
    exec(conn, &["CONFIG", "SET", "jrs.max-sessions-policy", "evict-oldest", "jrs.max-sessions", "3"]);
    create(conn, "ada", "{}", &[]);
    assert_eq!(count(conn, "ada"), 3);
    assert!(new.iter().all(|token| get(conn, token).is_some()));
    assert!(old.iter().all(|token| send::<i64>(conn, &["EXISTS", &key(token)]).unwrap() == 0));
}
