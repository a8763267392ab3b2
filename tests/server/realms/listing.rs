//! JRS.REALMS and JRS.JWKS: what they show of the realms.

use redis::{Connection, Value};
use serde_json::{Value as Json, json};

use super::three_realms::{ADMIN, server, write};
use crate::support::{
    await_that,
    in_flight::es256,
    sessions::{create, exec, get, send},
    tokens::{SECRET, header},
};

/// The reply to JRS.REALMS as JSON.
fn realms(conn: &mut Connection) -> Json {
    fn json(value: Value) -> Json {
        match value {
            Value::Nil => Json::Null,
            Value::Int(number) => number.into(),
            Value::BulkString(bytes) => String::from_utf8(bytes).unwrap().into(),
            Value::Array(items) => items.into_iter().map(json).collect(),
            Value::Map(fields) => {
                fields.into_iter().map(|(name, value)| (json(name).as_str().unwrap().to_owned(), json(value))).collect()
            }
            other => panic!("{other:?}"),
        }
    }
    json(send(conn, &["JRS.REALMS"]).unwrap())
}

#[test]
fn jrs_realms_shows_no_secrets_and_paths() {
    let server = server();
    let conn = &mut server.conn3();
    exec(conn, &["ACL", "SETUSER", "app", "on", "nopass", "resetkeys", "-@all", "+jrs.realms"]);
    exec(conn, &["AUTH", "app", "x"]);
    let shown_realms = realms(conn);
    let by_name = |name: &str| shown_realms.as_array().unwrap().iter().find(|realm| realm["name"] == name).unwrap();
    assert_eq!((shown_realms.as_array().unwrap().len(), &shown_realms[0]["name"]), (3, &json!("default")));
    assert_eq!(
        *by_name("admin"),
        json!({
            "name": "admin", "algorithm": "HS256", "keyspace": "admin:", "max-age": 600, "anonymous-max-age": 60, "max-lifetime": 1200,
            "not-before": 1_000_000_000,
            "touch-interval": 0, "rotate-grace": 0, "reuse-detection": "no", "leeway": 30, "issuer": "https://admin.example", "audience": "console", "token-type": "admin+jwt",
            "access-token-age": 30, "max-data-size": 100, "max-sessions": 2, "max-sessions-policy": "reject", "keys": [{"kid": "admin", "alg": "HS256", "signs": 1}],
        })
    );
    let partner = by_name("partner.v2");
    // Settings without a value are those of the default realm.
    for field in [
        "max-age",
        "anonymous-max-age",
        "max-lifetime",
        "not-before",
        "touch-interval",
        "leeway",
        "audience",
        "token-type",
        "access-token-age",
        "algorithm",
        "max-sessions",
        "max-sessions-policy",
    ] {
        assert_eq!(partner[field], shown_realms[0][field], "{field}");
    }
    assert_eq!((&partner["max-age"], &partner["leeway"]), (&json!(5000), &json!(7)));
    assert_eq!((&partner["max-sessions"], &partner["max-sessions-policy"]), (&json!(0), &json!("evict-oldest")));
    assert_eq!((&partner["max-data-size"], &partner["issuer"]), (&json!(1024), &json!("partner")));
    let text = shown_realms.to_string();
    for hidden in [".json", "realms.toml", "/", SECRET, ADMIN, "keys-file"] {
        let shown = text.replace("https://admin.example", "").contains(hidden);
        assert!(!shown, "{hidden}: {text}");
    }
    let Value::Array(flat) = send(&mut server.conn(), &["JRS.REALMS"]).unwrap() else { panic!("an array") };
    for (flat, shown_realms) in flat.iter().zip(shown_realms.as_array().unwrap()) {
        let Value::Array(fields) = flat else { panic!("{flat:?}") };
        assert_eq!(fields.len(), 2 * shown_realms.as_object().unwrap().len());
    }
}

#[test]
fn jrs_jwks_has_the_keys_of_the_realm() {
    let server = server();
    let conn = &mut server.conn();
    write(server.dir(), "admin.json", &es256());
    exec(conn, &["JRS.RELOAD"]);
    let token = create(conn, "ada", "{}", &["REALM", "admin"]);
    let mut keys = |realm: &str| -> Json {
        let text: String = send(conn, &["JRS.JWKS", "REALM", realm]).unwrap();
        serde_json::from_str(&text).unwrap()
    };
    assert_eq!((keys("default"), keys("partner.v2")), (json!({"keys": []}), json!({"keys": []})));
    let admin = keys("admin");
    assert_eq!((admin["keys"].as_array().unwrap().len(), &admin["keys"][0]["kid"]), (1, &header(&token)["kid"]));
    assert!(admin["keys"][0].get("d").is_none());
    // A token is found by its kid among keys of other realms.
    await_that("the session", || get(conn, &token));
}
