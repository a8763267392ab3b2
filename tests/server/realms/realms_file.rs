//! Realms from a file: each has its own keys, keyspace and policy, and none opens another's sessions.

use std::{fs, path::Path};

use redis::{Connection, Value};
use serde_json::{Value as Json, json};

use crate::support::{
    Builder, Server, await_that,
    in_flight::es256,
    owner_sessions,
    sessions::{assert_lives, assert_refused, contents, create, exec, get, now, refusal, refused, send},
    tokens::{SECRET, claims, header, jwk, sign},
};

const ADMIN: &str = "a secret of the admins, which nobody else has: 2718281828459045";
const PARTNER: &str = "a secret of the partners, which nobody else has: 141421356237309";

const FILE: &str = r#"
    [realm.admin]
    keys-file = "admin.json"
    keyspace = "admin:"
    max-age = 600
    max-lifetime = 1200
    touch-interval = 0
    leeway = 30
    issuer = "https://admin.example"
    audience = "console"
    token-type = "admin+jwt"
    max-data-size = 100
    max-sessions = 2
    max-sessions-policy = "reject"

    [realm."partner.v2"]
    Keys-File = "partner.json"
    KEYSPACE = "partner:"
    max-data-size = "1kb"
    issuer = "partner"
"#;

/// Writes a file that the server's own user alone can read.
fn write(dir: &Path, name: &str, text: &str) {
    fs::write(dir.join(name), text).unwrap();
}

fn write_keys(dir: &Path) {
    for (name, secret) in [("admin", ADMIN), ("partner", PARTNER), ("spare", "another secret, of 32 bytes: 1618")] {
        write(dir, &format!("{name}.json"), &jwk(name, "HS256", secret.as_bytes()).to_string());
    }
}

/// A server whose default realm has a key with a kid, and settings unlike the defaults.
fn builder() -> Builder {
    let key = jwk("main", "HS256", SECRET.as_bytes()).to_string();
    Server::builder().keys(key.as_bytes()).args(&["max-age", "5000", "leeway", "7", "max-data-size", "200"])
}

/// A server with realms, named by CONFIG SET.
fn server() -> Server {
    let server = builder().start();
    write_keys(server.dir());
    write(server.dir(), "realms.toml", FILE);
    exec(&mut server.conn(), &["CONFIG", "SET", "jrs.realms-file", "realms.toml"]);
    server
}

/// The replies to JRS.REALMS as JSON.
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
fn each_realm_uses_its_own_settings() {
    let server = server();
    let conn = &mut server.conn();
    let admin = &*create(conn, "ada", "{}", &["REALM", "admin"]);
    let partner = &*create(conn, "ada", "{}", &["REALM", "partner.v2"]);
    let plain = &*create(conn, "ada", "{}", &["REALM", "default"]);
    let mut lives = Vec::new();
    for (token, kid, keyspace, issuer, audience, ttl) in [
        (admin, "admin", "admin:", json!("https://admin.example"), json!("console"), 600),
        (partner, "partner", "partner:", json!("partner"), Json::Null, 5000),
        (plain, "main", "sess:", Json::Null, Json::Null, 5000),
    ] {
        assert_eq!(header(token)["kid"], kid);
        let claims = claims(token);
        assert_eq!((&claims["iss"], &claims["aud"]), (&issuer, &audience), "{kid}");
        let key = format!("{keyspace}{}", claims["jti"].as_str().unwrap());
        assert_eq!(send::<String>(conn, &["GET", &key]).unwrap(), "{}");
        for words in [&["JRS.GET", token][..], &["JRS.PEEK", token], &["JRS.GET", &key, token]] {
            assert_ne!(send::<Value>(conn, words).unwrap(), Value::Nil, "{words:?}");
        }
        assert_eq!(get(conn, token).expect("a session").ttl, ttl);
        assert_lives(conn, &key, ttl * 1000, |conn| send::<Value>(conn, &["JRS.TOUCH", token]).unwrap());
        assert_lives(conn, &key, ttl * 1000, |conn| send::<Value>(conn, &["JRS.UPDATE", token, "{}"]).unwrap());
        lives.push(key);
    }
    assert_eq!(contents(conn).into_keys().collect::<Vec<_>>(), lives);
    for ((realm, keyspace), key) in
        [("admin", "admin:"), ("partner.v2", "partner:"), ("default", "sess:")].into_iter().zip(&lives)
    {
        let listed = owner_sessions::list(conn, &["ada", "REALM", realm]);
        let listed: Vec<String> = listed.into_iter().map(|device| format!("{keyspace}{}", device.id)).collect();
        assert_eq!(listed, [key.as_str()], "{realm}");
        assert_eq!(send::<i64>(conn, &["JRS.COUNT", "ada", "REALM", realm]).unwrap(), 1, "{realm}");
    }
    // The touch-interval: a minute of less life is noticed by the realm where it is 0.
    for (token, key, moves) in [(admin, &lives[0], true), (partner, &lives[1], false)] {
        let ttl: i64 = send(conn, &["TTL", key]).unwrap();
        exec(conn, &["EXPIRE", key, &(ttl - 5).to_string()]);
        assert_eq!(get(conn, token).expect("a session").ttl > ttl - 5, moves, "{key}");
    }
    let data = |length: usize| format!(r#"{{"a":"{}"}}"#, "x".repeat(length - 8));
    for (token, realm, limit) in [(admin, "admin", 100), (partner, "partner.v2", 1024), (plain, "default", 200)] {
        create(conn, "ada", &data(limit), &["REALM", realm]);
        exec(conn, &["JRS.UPDATE", token, &data(limit)]);
        assert_refused(conn, "TOOBIG", &["JRS.CREATE", "ada", &data(limit + 1), "REALM", realm]);
        assert_refused(conn, "TOOBIG", &["JRS.UPDATE", token, &data(limit + 1)]);
    }
    for token in [admin, partner, plain] {
        assert_eq!(send::<i64>(conn, &["JRS.DESTROY", token]).unwrap(), 1);
    }
    for unknown in ["nobody", "", "ADMIN", "realm.admin", "partner"] {
        assert_refused(conn, "ERR", &["JRS.CREATE", "ada", "{}", "REALM", unknown]);
        assert_eq!(refused(conn, &["JRS.JWKS", "REALM", unknown]), "ERR");
    }
}

#[test]
fn leeway_and_max_lifetime_are_the_realms_own() {
    let server = server();
    let conn = &mut server.conn();
    let signed = |kid: &str, secret: &str, iat: i64, exp: i64| {
        let claims = json!({"jti": "j", "iat": iat, "exp": exp, "iss": match kid { "admin" => "https://admin.example", _ => "partner" }, "aud": "console"});
        sign(&json!({"alg": "HS256", "kid": kid}), &claims, secret.as_bytes())
    };
    for keyspace in ["admin:", "partner:"] {
        exec(conn, &["SET", &format!("{keyspace}j"), "{}"]);
    }
    let now = now();
    // Thirty seconds of leeway against seven.
    assert_eq!(send::<Value>(conn, &["JRS.GET", &signed("admin", ADMIN, now, now - 20)]).unwrap(), Value::Nil);
    assert_eq!(refusal(conn, &signed("admin", ADMIN, now, now - 40)), "EXPIREDTOKEN");
    assert_eq!(refusal(conn, &signed("partner", PARTNER, now, now - 20)), "EXPIREDTOKEN");
    // Twenty minutes of life against thirty days.
    assert!(get(conn, &signed("admin", ADMIN, now - 1100, now + 9000)).expect("a session").ttl <= 100);
    assert_eq!(refusal(conn, &signed("admin", ADMIN, now - 1300, now + 9000)), "EXPIREDTOKEN");
    assert!(get(conn, &signed("partner", PARTNER, now - 1300, now + 9000)).is_some());
}

#[test]
fn a_token_never_opens_a_session_of_another_realm() {
    let server = server();
    let conn = &mut server.conn();
    let all = [("main", SECRET, "sess:"), ("admin", ADMIN, "admin:"), ("partner", PARTNER, "partner:")];
    let sessions = ["default", "admin", "partner.v2"].map(|realm| create(conn, "ada", r#"{"a":1}"#, &["REALM", realm]));
    let ids = sessions.each_ref().map(|token| claims(token)["jti"].as_str().unwrap().to_owned());
    for (signer, (kid, secret, _)) in all.iter().enumerate() {
        for (victim, (other_kid, _, keyspace)) in all.iter().enumerate().filter(|(victim, _)| *victim != signer) {
            let victims_key = format!("{keyspace}{}", ids[victim]);
            for command in ["JRS.GET", "JRS.PEEK", "JRS.TOUCH", "JRS.DESTROY"] {
                assert_refused(conn, "WRONGKEY", &[command, &victims_key, &sessions[signer]]);
            }
            assert_refused(conn, "WRONGKEY", &["JRS.UPDATE", &victims_key, &sessions[signer], "{}"]);
            // The victim's claims, and jtis that look like its key, under the signer's key and either kid.
            let mut claims = claims(&sessions[victim]);
            let paths =
                [ids[victim].clone(), victims_key.clone(), format!("../{victims_key}"), format!(":{victims_key}")];
            for jti in paths {
                claims["jti"] = jti.into();
                for (issuer, audience) in [("https://admin.example", json!(["console"])), ("partner", Json::Null)] {
                    claims["iss"] = issuer.into();
                    claims["aud"] = audience;
                    for header in [json!({"alg": "HS256", "kid": kid}), json!({"alg": "HS256"})] {
                        let token = &*sign(&header, &claims, secret.as_bytes());
                        for words in [&["JRS.GET", token][..], &["JRS.DESTROY", token], &["JRS.UPDATE", token, "{}"]] {
                            let before = contents(conn);
                            let reply = send::<Value>(conn, words);
                            let nothing = [Value::Nil, Value::Int(0)];
                            assert!(reply.as_ref().map_or(true, |reply| nothing.contains(reply)), "{claims} {reply:?}");
                            assert_eq!(contents(conn), before);
                        }
                        let verified = send::<Value>(conn, &["JRS.GET", token]).is_ok();
                        let word = if verified { "WRONGKEY" } else { "BADTOKEN" };
                        assert_refused(conn, word, &["JRS.GET", &victims_key, token]);
                    }
                    let posing = sign(&json!({"alg": "HS256", "kid": other_kid}), &claims, secret.as_bytes());
                    assert_refused(conn, "BADTOKEN", &["JRS.GET", &posing]);
                    assert_refused(conn, "BADTOKEN", &["JRS.DESTROY", &posing]);
                }
            }
        }
    }
    assert!(sessions.iter().all(|token| get(conn, token).is_some()));
}

#[test]
fn an_owners_sessions_are_those_of_one_realm() {
    let server = server();
    let conn = &mut server.conn();
    let names = ["default", "admin", "partner.v2"];
    let sessions = names.map(|realm| [(); 2].map(|()| create(conn, "ada", "{}", &["REALM", realm])));
    let listed = |conn: &mut Connection, realm: &str| -> Vec<String> {
        let sessions: Vec<Vec<Value>> = send(conn, &["JRS.LIST", "ada", "REALM", realm]).unwrap();
        sessions.iter().map(|session| redis::from_redis_value_ref(&session[1]).unwrap()).collect()
    };
    for (realm, tokens) in names.iter().zip(&sessions) {
        let ids = tokens.each_ref().map(|token| claims(token)["jti"].as_str().unwrap().to_owned());
        assert_eq!(listed(conn, realm), ids, "{realm}");
    }
    // The limit of one realm is no other's, and neither are its sessions.
    assert_refused(conn, "TOOMANY", &["JRS.CREATE", "ada", "{}", "REALM", "admin"]);
    create(conn, "bob", "{}", &["REALM", "admin"]);
    for (realm, other) in [("admin", 0), ("default", 1), ("partner.v2", 1)] {
        assert_refused(conn, "BADTOKEN", &["JRS.DESTROYALL", "ada", "EXCEPT", &sessions[other][0], "REALM", realm]);
    }
    let spared = &sessions[1][1];
    assert_eq!(send::<i64>(conn, &["JRS.DESTROYALL", "ada", "REALM", "admin", "EXCEPT", spared]).unwrap(), 1);
    assert!(get(conn, spared).is_some() && get(conn, &sessions[1][0]).is_none());
    assert_eq!(send::<i64>(conn, &["JRS.DESTROYALL", "ada"]).unwrap(), 2);
    assert_eq!((listed(conn, "default").len(), listed(conn, "partner.v2").len()), (0, 2));

    // A rotated session stays where it was.
    let rotated: String = send(conn, &["JRS.ROTATE", &sessions[2][0]]).unwrap();
    assert_eq!(header(&rotated)["kid"], "partner");
    assert!(listed(conn, "partner.v2").contains(&claims(&rotated)["jti"].as_str().unwrap().to_owned()));
    let key = format!("partner:{}", claims(&rotated)["jti"].as_str().unwrap());
    assert_eq!(send::<i64>(conn, &["JRS.REVOKE", &key]).unwrap(), 1);
    assert!(get(conn, &rotated).is_none());
    for unknown in ["nobody", "", "ADMIN"] {
        assert_refused(conn, "ERR", &["JRS.LIST", "ada", "REALM", unknown]);
        assert_refused(conn, "ERR", &["JRS.DESTROYALL", "ada", "REALM", unknown]);
    }
}

#[test]
fn issuer_and_audience_are_demanded() {
    let server = server();
    let conn = &mut server.conn();
    exec(conn, &["SET", "admin:j", "{}"]);
    let token = |iss: Json, aud: Json| {
        let mut claims = json!({"jti": "j", "iat": now(), "iss": iss, "aud": aud});
        let members = claims.as_object_mut().unwrap();
        members.retain(|_, value| !value.is_null());
        sign(&json!({"alg": "HS256", "kid": "admin"}), &claims, ADMIN.as_bytes())
    };
    let issuer = json!("https://admin.example");
    for audience in [json!("console"), json!(["console"]), json!(["another", "console"])] {
        assert!(get(conn, &token(issuer.clone(), audience.clone())).is_some(), "{audience}");
    }
    for audience in
        [Json::Null, json!(""), json!("consol"), json!([]), json!(["another"]), json!(7), json!([7]), json!({})]
    {
        assert_eq!(refusal(conn, &token(issuer.clone(), audience.clone())), "BADTOKEN", "{audience}");
    }
    for issuer in [Json::Null, json!(""), json!("partner"), json!(["https://admin.example"]), json!(1)] {
        assert_eq!(refusal(conn, &token(issuer.clone(), json!("console"))), "BADTOKEN", "{issuer}");
    }
    for reserved in [r#"{"iss":"partner"}"#, r#"{"aud":"console"}"#] {
        assert_refused(conn, "ERR", &["JRS.CREATE", "ada", "{}", "REALM", "admin", "CLAIMS", reserved]);
    }
    // A realm without an audience leaves it to the caller.
    let own = create(conn, "ada", "{}", &["REALM", "partner.v2", "CLAIMS", r#"{"aud":["x"]}"#]);
    assert_eq!((claims(&own)["aud"].clone(), get(conn, &own).is_some()), (json!(["x"]), true));
}

#[test]
fn realms_are_told_without_secrets_and_paths() {
    let server = server();
    let conn = &mut server.conn3();
    exec(conn, &["ACL", "SETUSER", "app", "on", "nopass", "resetkeys", "-@all", "+jrs.realms"]);
    exec(conn, &["AUTH", "app", "x"]);
    let told = realms(conn);
    let by_name = |name: &str| told.as_array().unwrap().iter().find(|realm| realm["name"] == name).unwrap();
    assert_eq!((told.as_array().unwrap().len(), &told[0]["name"]), (3, &json!("default")));
    assert_eq!(
        *by_name("admin"),
        json!({
            "name": "admin", "algorithm": "HS256", "keyspace": "admin:", "max-age": 600, "max-lifetime": 1200,
            "touch-interval": 0, "leeway": 30, "issuer": "https://admin.example", "audience": "console", "token-type": "admin+jwt",
            "max-data-size": 100, "max-sessions": 2, "max-sessions-policy": "reject", "keys": [{"kid": "admin", "alg": "HS256", "signs": 1}],
        })
    );
    let partner = by_name("partner.v2");
    // What is left out is as for the default realm.
    for field in [
        "max-age",
        "max-lifetime",
        "touch-interval",
        "leeway",
        "audience",
        "token-type",
        "algorithm",
        "max-sessions",
        "max-sessions-policy",
    ] {
        assert_eq!(partner[field], told[0][field], "{field}");
    }
    assert_eq!((&partner["max-age"], &partner["leeway"]), (&json!(5000), &json!(7)));
    assert_eq!((&partner["max-sessions"], &partner["max-sessions-policy"]), (&json!(0), &json!("evict-oldest")));
    assert_eq!((&partner["max-data-size"], &partner["issuer"]), (&json!(1024), &json!("partner")));
    let text = told.to_string();
    for hidden in [".json", "realms.toml", "/", SECRET, ADMIN, "keys-file"] {
        let shown = text.replace("https://admin.example", "").contains(hidden);
        assert!(!shown, "{hidden}: {text}");
    }
    let Value::Array(flat) = send(&mut server.conn(), &["JRS.REALMS"]).unwrap() else { panic!("an array") };
    for (flat, told) in flat.iter().zip(told.as_array().unwrap()) {
        let Value::Array(fields) = flat else { panic!("{flat:?}") };
        assert_eq!(fields.len(), 2 * told.as_object().unwrap().len());
    }
}

#[test]
fn public_keys_are_those_of_the_realm() {
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
    // The slow realm's tokens are found by kid among those of fast ones.
    await_that("the session", || get(conn, &token));
}
