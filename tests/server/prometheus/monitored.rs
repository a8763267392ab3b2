//! A server with two realms, and traffic that changes its counters.

use std::fs;

use redis::{Connection, Value};
use serde_json::json;

use crate::support::{
    Server,
    sessions::{assert_refused, create, exec, send},
    tokens::{SECRET, elliptic_jwk, jwk, sign},
};

/// The second realm. Its name has each kind of character that a realm's name can have.
pub(super) const REALM: &str = "shop.eu-1_a";

/// Text that no metric may show: an owner, data, a claim, the id of a key.
pub(super) const PRIVATE: [&str; 4] = ["ada-lovelace", "blue bicycle", "a-private-claim", "key-2026"];

/// A server with two realms, of which the second has a key whose signatures are slow.
pub(super) fn server() -> Server {
    let key = jwk(PRIVATE[3], "HS256", SECRET.as_bytes());
    let limits = ["max-sessions", "2", "max-sessions-policy", "reject"];
    let server = Server::builder().keys(key.to_string().as_bytes()).args(&limits).config("maxmemory", "1gb").start();
    fs::write(server.dir().join("slow.json"), elliptic_jwk().to_string()).unwrap();
    let realm = format!(
        "[realm.\"{REALM}\"]\nkeys-file = \"slow.json\"\nkeyspace = \"shop:\"\nmax-sessions-policy = \"evict-oldest\"\n"
    );
    fs::write(server.dir().join("realms.toml"), realm).unwrap();
    exec(&mut server.conn(), &["CONFIG", "SET", "jrs.realms-file", "realms.toml"]);
    server
}

/// Uses sessions in both realms, and sends what JRS refuses. Returns a token.
pub(super) fn traffic(conn: &mut Connection) -> String {
    let [owner, data, claim, _] = PRIVATE;
    let data = json!({ "wants": data }).to_string();
    let claims = json!({ "name": claim }).to_string();
    let token = &*create(conn, owner, &data, &["CLAIMS", &claims]);
    for words in [
        &["JRS.GET", token][..],
        &["JRS.GET", token],
        &["JRS.PEEK", token],
        &["JRS.UPDATE", token, &data],
        &["JRS.TOUCH", token],
        &["JRS.MINT", token, "CLAIMS", "{\"iss\":\"shop\",\"aud\":\"api\"}"],
    ] {
        exec(conn, words);
    }
    let large = json!({ "text": "x".repeat(5000) }).to_string();
    for data in ["{}", &large, "{\"a\":1}", "{}"] {
        let token = create(conn, owner, data, &["REALM", REALM]);
        exec(conn, &["JRS.GET", &token]);
    }
    let rotated: String = send(conn, &["JRS.ROTATE", token]).unwrap();
    exec(conn, &["JRS.DESTROY", &rotated]);
    assert_eq!(send::<Value>(conn, &["JRS.GET", &rotated]), Ok(Value::Nil));
    let forged = sign(&json!({"alg": "HS256", "kid": PRIVATE[3]}), &json!({"jti": "a", "sub": owner}), b"a guess");
    for refused in [&["JRS.GET", "eyJ.e30"][..], &["JRS.GET", &forged]] {
        send::<Value>(conn, refused).unwrap_err();
    }
    let [kept, _] = [(); 2].map(|()| create(conn, owner, &data, &[]));
    assert_refused(conn, "TOOMANY", &["JRS.CREATE", owner, &data]);
    assert_refused(conn, "CONFLICT", &["JRS.UPDATE", &kept, &data, "IFMATCH", "0000000000000000"]);
    kept
}
