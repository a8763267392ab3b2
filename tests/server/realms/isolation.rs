//! A token and an owner's commands act only on sessions of their own realm.

use redis::{Connection, Value};
use serde_json::{Value as Json, json};

use super::three_realms::{ADMIN, PARTNER, server};
use crate::support::{
    cases::each,
    sessions::{assert_refused, contents, create, get, send},
    tokens::{SECRET, claims, header, sign},
};

#[test]
fn a_token_never_finds_a_session_of_another_realm() {
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
            // The victim's claims, with its id and ids that look like its key, signed with the signer's key.
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
                        for words in
                            each([&["JRS.GET", token][..], &["JRS.DESTROY", token], &["JRS.UPDATE", token, "{}"]])
                        {
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
                    let forged = sign(&json!({"alg": "HS256", "kid": other_kid}), &claims, secret.as_bytes());
                    assert_refused(conn, "BADTOKEN", &["JRS.GET", &forged]);
                    assert_refused(conn, "BADTOKEN", &["JRS.DESTROY", &forged]);
                }
            }
        }
    }
    assert!(sessions.iter().all(|token| get(conn, token).is_some()));
}

#[test]
fn owner_commands_act_on_one_realm() {
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
    // max-sessions and sessions belong to one realm.
    assert_refused(conn, "TOOMANY", &["JRS.CREATE", "ada", "{}", "REALM", "admin"]);
    create(conn, "bob", "{}", &["REALM", "admin"]);
    for (realm, other) in [("admin", 0), ("default", 1), ("partner.v2", 1)] {
        assert_refused(conn, "BADTOKEN", &["JRS.DESTROYALL", "ada", "EXCEPT", &sessions[other][0], "REALM", realm]);
    }
    let excepted = &sessions[1][1];
    assert_eq!(send::<i64>(conn, &["JRS.DESTROYALL", "ada", "REALM", "admin", "EXCEPT", excepted]).unwrap(), 1);
    assert!(get(conn, excepted).is_some() && get(conn, &sessions[1][0]).is_none());
    assert_eq!(send::<i64>(conn, &["JRS.DESTROYALL", "ada"]).unwrap(), 2);
    assert_eq!((listed(conn, "default").len(), listed(conn, "partner.v2").len()), (0, 2));

    // A rotated session stays in its realm.
    let rotated: String = send(conn, &["JRS.ROTATE", &sessions[2][0]]).unwrap();
    assert_eq!(header(&rotated)["kid"], "partner");
    assert!(listed(conn, "partner.v2").contains(&claims(&rotated)["jti"].as_str().unwrap().to_owned()));
    let key = format!("partner:{}", claims(&rotated)["jti"].as_str().unwrap());
    assert_eq!(send::<i64>(conn, &["JRS.REVOKE", &key]).unwrap(), 1);
    assert!(get(conn, &rotated).is_none());
    for unknown in ["unknown", "", "ADMIN"] {
        assert_refused(conn, "ERR", &["JRS.LIST", "ada", "REALM", unknown]);
        assert_refused(conn, "ERR", &["JRS.DESTROYALL", "ada", "REALM", unknown]);
    }
}
