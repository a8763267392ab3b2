//! The npm package `jwt-redis-session` and JRS use each other's sessions with the same secret, so applications can migrate
//! one by one and no user must log in again.

use std::collections::HashMap;

use redis::Connection;
use serde_json::{Value, json};

use crate::support::{
    Server,
    cases::cases,
    package::{Package, SECRET},
    sessions::{exec, get, now, refusal, send},
};

const DAY: i64 = 86_400;

/// A server with the package's secret in its key file and these module arguments.
fn server_with(arguments: &[(&str, &str)]) -> Server {
    let mut builder = Server::builder().keys(SECRET.as_bytes()).arg("allow-weak-secret", "yes");
    for (name, value) in arguments {
        builder = builder.arg(name, value);
    }
    builder.start()
}

fn server() -> Server {
    server_with(&[])
}

/// The TTL of a key in seconds.
fn ttl_of(connection: &mut Connection, key: &str) -> i64 {
    send(connection, &["TTL", key]).unwrap()
}

/// Whether a TTL was set to `full` seconds within the last 30 seconds.
fn is_fresh(ttl: i64, full: i64) -> bool {
    (full - 30..=full).contains(&ttl)
}

fn parsed(text: &str) -> Value {
    serde_json::from_str(text).expect("session data is JSON")
}

#[test]
fn a_short_secret_of_the_package_needs_allow_weak_secret() {
    let log = Server::builder().keys(SECRET.as_bytes()).try_start().err().expect("a weak secret stops the server");
    assert!(log.contains("allow-weak-secret"), "the log says what to do: {log}");
    assert!(!log.contains(SECRET), "the log does not show the secret: {log}");
}

fn jrs_takes_over_from_the_package(algorithm: &str) {
    let server = server_with(&[("algorithm", algorithm)]);
    let connection = &mut server.conn();
    let package = Package::with_options(&server, json!({"algorithm": algorithm}));
    let (id, token) = package.create(json!({"user": "zoë", "cart": [1, 2]}), json!({"role": "admin", "iss": "shop"}));
    let key = format!("sess:{id}");

    let session = get(connection, &token).expect("the package's session is a session");
    assert_eq!((session.id, session.owner.as_str()), (id, ""));
    assert_eq!(session.data, send::<String>(connection, &["GET", &key]).unwrap());
    assert_eq!(parsed(&session.data), json!({"user": "zoë", "cart": [1, 2]}));
    assert_eq!((&session.claims["role"], &session.claims["iss"]), (&json!("admin"), &json!("shop")));
    assert!(is_fresh(session.ttl, DAY), "{}", session.ttl);

    send::<String>(connection, &["JRS.UPDATE", &token, r#"{"user":"ada"}"#]).unwrap();
    let seen = package.read(&token)["data"].take();
    assert_eq!((&seen["user"], &seen["cart"]), (&json!("ada"), &Value::Null));

    assert_eq!(send::<i64>(connection, &["JRS.TOUCH", &token, "EX", "500"]).unwrap(), 500);
    assert!(is_fresh(ttl_of(connection, &key), 500));

    assert_eq!(send::<i64>(connection, &["JRS.DESTROY", &token]).unwrap(), 1);
    assert!(!package.finds(&token));
    assert_eq!(send::<i64>(connection, &["JRS.DESTROY", &token]).unwrap(), 0);
}

#[test]
fn jrs_reads_updates_touches_and_destroys_a_session_of_the_package_hs256() {
    jrs_takes_over_from_the_package("HS256");
}

#[test]
fn jrs_reads_updates_touches_and_destroys_a_session_of_the_package_hs512() {
    jrs_takes_over_from_the_package("HS512");
}

fn the_package_uses_a_session_of_jrs(algorithm: &str, owner: &str) {
    let server = server_with(&[("algorithm", algorithm)]);
    let connection = &mut server.conn();
    let package = Package::with_options(&server, json!({"algorithm": algorithm}));
    let create = ["JRS.CREATE", owner, r#"{"user":"zoë"}"#, "CLAIMS", r#"{"role":"admin"}"#];
    let token: String = send(connection, &create).unwrap();
    let session = get(connection, &token).unwrap();
    assert_eq!(session.owner, owner);
    let key = format!("sess:{}", session.id);

    let seen = package.read(&token);
    assert_eq!(seen["id"], json!(session.id));
    assert_eq!(seen["claims"], session.claims);
    assert_eq!((&seen["claims"]["role"], &seen["data"]["user"]), (&json!("admin"), &json!("zoë")));

    package.act("update", json!({"token": token, "data": {"cart": [7]}}));
    let data = parsed(&get(connection, &token).unwrap().data);
    assert_eq!((&data["user"], &data["cart"]), (&json!("zoë"), &json!([7])));

    exec(connection, &["EXPIRE", &key, "100"]);
    package.act("touch", json!({"token": token}));
    assert!(is_fresh(ttl_of(connection, &key), DAY));

    // The session changes while the handler runs, through the client that the package uses.
    let between = json!(["JRS.UPDATE", token, r#"{"cart":[8]}"#]);
    let reloaded = package.act("reload", json!({"token": token, "between": between}));
    assert_eq!(reloaded["data"]["cart"], json!([8]));

    package.act("destroy", json!({"token": token}));
    assert!(get(connection, &token).is_none());
    assert_eq!(send::<Option<String>>(connection, &["JRS.UPDATE", &token, "{}"]).unwrap(), None);
    assert_eq!(send::<i64>(connection, &["JRS.DESTROY", &token]).unwrap(), 0);
}

#[test]
fn the_package_uses_an_anonymous_session_of_jrs_hs256() {
    the_package_uses_a_session_of_jrs("HS256", "");
}

#[test]
fn the_package_uses_an_anonymous_session_of_jrs_hs512() {
    the_package_uses_a_session_of_jrs("HS512", "");
}

#[test]
fn the_package_uses_an_owned_session_of_jrs_hs256() {
    the_package_uses_a_session_of_jrs("HS256", "user:42");
}

#[test]
fn the_package_uses_an_owned_session_of_jrs_hs512() {
    the_package_uses_a_session_of_jrs("HS512", "user:42");
}

#[test]
fn both_use_one_session() {
    let server = server();
    let connection = &mut server.conn();
    let package = Package::new(&server);
    let (id, theirs) = package.create(json!({"visits": 1}), json!({}));
    let ours: String = send(connection, &["JRS.CREATE", "alice", r#"{"visits":1}"#]).unwrap();

    for token in cases([("a token of the package", &theirs), ("a token of JRS", &ours)]) {
        for visits in [2, 4] {
            send::<String>(connection, &["JRS.UPDATE", token, &json!({"visits": visits}).to_string()]).unwrap();
            assert_eq!(package.read(token)["data"]["visits"], json!(visits));
            package.act("update", json!({"token": token, "data": {"visits": visits + 1}}));
            assert_eq!(parsed(&get(connection, token).unwrap().data)["visits"], json!(visits + 1));
        }
    }

    let inspected: HashMap<String, redis::Value> = send(connection, &["JRS.INSPECT", &theirs]).unwrap();
    assert_eq!(inspected["active"], redis::Value::Int(1));
    assert_eq!(inspected["key"], redis::Value::BulkString(format!("sess:{id}").into_bytes()));
    // Destroying one keeps the other.
    assert_eq!(send::<i64>(connection, &["JRS.DESTROY", &theirs]).unwrap(), 1);
    assert!(package.finds(&ours));
}

#[test]
fn a_session_keeps_its_own_ttl_after_the_package_extends_it() {
    let server = server();
    let connection = &mut server.conn();
    let token: String = send(connection, &["JRS.CREATE", "", "{}", "EX", "100"]).unwrap();
    let key = format!("sess:{}", get(connection, &token).unwrap().id);

    assert!(Package::new(&server).finds(&token));
    assert!(is_fresh(ttl_of(connection, &key), DAY), "the middleware sets the TTL to its maxAge on each read");
    assert!(is_fresh(get(connection, &token).unwrap().ttl, 100));
    assert!(is_fresh(ttl_of(connection, &key), 100));
}

#[test]
fn keyspace_and_max_age_match_the_options_of_the_package() {
    let server = server_with(&[("keyspace", "app:"), ("max-age", "600")]);
    let connection = &mut server.conn();
    let package = Package::with_options(&server, json!({"keyspace": "app:", "maxAge": 600}));

    let (id, theirs) = package.create(json!({"by": "package"}), json!({}));
    let session = get(connection, &theirs).unwrap();
    assert_eq!(session.id, id);
    assert!(is_fresh(session.ttl, 600), "{}", session.ttl);
    exec(connection, &["EXPIRE", &format!("app:{id}"), "100"]);
    assert!(is_fresh(get(connection, &theirs).unwrap().ttl, 600), "JRS sets the TTL to max-age");

    let ours: String = send(connection, &["JRS.CREATE", "", r#"{"by":"jrs"}"#]).unwrap();
    let id = get(connection, &ours).unwrap().id;
    assert!(is_fresh(ttl_of(connection, &format!("app:{id}")), 600));
    assert_eq!(package.read(&ours)["data"]["by"], json!("jrs"));
    assert!(!Package::new(&server).finds(&ours), "the default keyspace of the package is different");
}

#[test]
fn reserved_claims_of_the_package_are_accepted() {
    let server = server();
    let connection = &mut server.conn();
    let package = Package::new(&server);

    let (_, owned) = package.create(json!({}), json!({"sub": "alice"}));
    assert_eq!(get(connection, &owned).unwrap().owner, "alice");

    // Users of the package may have claims with names that JRS reserves.
    let (_, odd) = package.create(json!({}), json!({"sub": 42, "ttl": "gold"}));
    let session = get(connection, &odd).unwrap();
    assert_eq!(session.owner, "");
    assert_eq!((&session.claims["sub"], &session.claims["ttl"]), (&json!(42), &json!("gold")));
    assert!(is_fresh(session.ttl, DAY));
}

#[test]
fn both_respect_an_exp_of_the_package() {
    let server = server();
    let connection = &mut server.conn();
    let package = Package::new(&server);

    let (id, ending) = package.create(json!({}), json!({"exp": now() + 100}));
    assert!(is_fresh(get(connection, &ending).unwrap().ttl, 100));
    assert!(is_fresh(ttl_of(connection, &format!("sess:{id}")), 100), "the key expires with the token");

    let (_, ended) = package.create(json!({}), json!({"exp": now() - 1}));
    assert!(!package.finds(&ended));
    assert_eq!(refusal(connection, &ended), "EXPIREDTOKEN");
    assert_eq!(send::<i64>(connection, &["JRS.DESTROY", &ended]).unwrap(), 1);
}

#[test]
fn a_session_older_than_max_lifetime_needs_max_lifetime_0() {
    let old = json!({"iat": now() - 40 * DAY});
    let strict = server();
    let package = Package::new(&strict);
    let (_, token) = package.create(json!({}), old.clone());
    assert!(package.finds(&token), "the package has no maximum lifetime");
    assert_eq!(refusal(&mut strict.conn(), &token), "EXPIREDTOKEN");
    assert_eq!(send::<i64>(&mut strict.conn(), &["JRS.DESTROY", &token]).unwrap(), 1);

    let endless = server_with(&[("max-lifetime", "0")]);
    let (id, token) = Package::new(&endless).create(json!({}), old);
    assert_eq!(get(&mut endless.conn(), &token).unwrap().id, id);
}
