//! The replies of commands that succeed, with and without the key before the token.

use redis::{Connection, Value};
use serde_json::json;
use uuid::Uuid;

use crate::support::{
    Server,
    cases::each,
    sessions::{assert_indexed, contents, create, etag, exec, get, now, send},
    tokens::{SECRET, claims, header, key, payload},
};

fn bulk(text: &str) -> Value {
    Value::BulkString(text.as_bytes().to_vec())
}

#[test]
fn create_stores_a_plain_key_and_replies_with_the_token() {
    let server = Server::builder().keys(SECRET.as_bytes()).start();
    let conn = &mut server.conn();
    let before = now();
    let Value::BulkString(token) = send(conn, &["JRS.CREATE", "user:42", r#"{"cart":[]}"#]).unwrap() else {
        panic!("the token is a bulk string");
    };
    let token = String::from_utf8(token).unwrap();
    assert_eq!(header(&token), json!({"alg": "HS256", "typ": "JWT"}));

    let claims = claims(&token);
    let (id, issued_at) = (claims["jti"].as_str().unwrap(), claims["iat"].as_i64().unwrap());
    assert_eq!(claims, json!({"jti": id, "iat": issued_at, "sub": "user:42"}));
    assert!((before..=now()).contains(&issued_at), "{issued_at}");
    let uuid = Uuid::parse_str(id.strip_prefix("{user:42}:").unwrap()).unwrap();
    assert_eq!(uuid.get_version_num(), 7);

    let key = format!("sess:{id}");
    assert_eq!(contents(conn).into_keys().collect::<Vec<_>>(), [&*key]);
    assert_indexed(conn, "user:42", &[&key]);
    assert_eq!(send::<String>(conn, &["TYPE", &key]).unwrap(), "string");
    assert_eq!(send::<String>(conn, &["GET", &key]).unwrap(), r#"{"cart":[]}"#);
    let ttl: i64 = send(conn, &["PTTL", &key]).unwrap();
    assert!((86_390_000..=86_400_000).contains(&ttl), "{ttl}");
}

#[test]
fn ids_increase() {
    let server = Server::start();
    let conn = &mut server.conn();
    let ids: Vec<String> = (0..100).map(|_| key(&create(conn, "ada", "{}", &[]))).collect();
    assert!(ids.is_sorted_by(|one, next| one < next), "{ids:?}");
}

#[test]
fn each_command_accepts_the_key_before_the_token() {
    let server = Server::start();
    let conn = &mut server.conn();
    let token = create(conn, "ada", r#"{"n":1}"#, &[]);
    let key = key(&token);
    let field = |reply: Vec<Value>, name: &str| {
        let (names, values): (Vec<_>, Vec<_>) = reply.chunks(2).map(|pair| (&pair[0], pair[1].clone())).unzip();
        values[names.iter().position(|field| **field == bulk(name)).unwrap()].clone()
    };
    for name in each(["JRS.GET", "JRS.PEEK"]) {
        assert_eq!(field(send(conn, &[name, &key, &token]).unwrap(), "data"), bulk(r#"{"n":1}"#));
    }
    assert_eq!(send::<String>(conn, &["JRS.UPDATE", &key, &token, r#"{"n":2}"#]).unwrap(), etag(r#"{"n":2}"#));
    assert_eq!(get(conn, &token).unwrap().data, r#"{"n":2}"#);
    assert_eq!(send::<i64>(conn, &["JRS.TOUCH", &key, &token, "EX", "500"]).unwrap(), 500);
    assert_eq!(field(send(conn, &["JRS.INSPECT", &key, &token]).unwrap(), "active"), Value::Int(1));
    let merged: String = send(conn, &["JRS.UPDATE", &key, &token, r#"{"m":3}"#, "MERGE"]).unwrap();
    assert_eq!(merged, etag(r#"{"n":2,"m":3}"#));
    let patch = r#"[{"op":"move","from":"/m","path":"/n"}]"#;
    let patched: String = send(conn, &["JRS.UPDATE", &key, &token, patch, "PATCH", "IFMATCH", &merged]).unwrap();
    assert_eq!(patched, etag(r#"{"n":3}"#));
    let old = key;
    let token: String = send(conn, &["JRS.ROTATE", &old, &token]).unwrap();
    let key = self::key(&token);
    assert_eq!(get(conn, &token).unwrap().data, r#"{"n":3}"#);
    assert!(!send::<bool>(conn, &["EXISTS", &old]).unwrap());
    assert_eq!(send::<i64>(conn, &["JRS.DESTROY", &key, &token]).unwrap(), 1);
    assert_eq!(send::<i64>(conn, &["JRS.DESTROY", &key, &token]).unwrap(), 0);
    assert_eq!(send::<Value>(conn, &["JRS.GET", &key, &token]).unwrap(), Value::Nil);
}

#[test]
fn owners_may_be_any_text() {
    let server = Server::start();
    let conn = &mut server.conn();
    let longest = "é".repeat(128);
    let owners = ["user:42", "a b", "Zoë", "日本語", "👩‍👩‍👧", &longest, r#"a"b\c"#, "*[a]?", "%s", "sess:", "eye", " "];
    for owner in owners {
        let token = create(conn, owner, "{}", &[]);
        let session = get(conn, &token).unwrap();
        assert_eq!((session.owner.as_str(), &session.claims["sub"]), (owner, &json!(owner)));
        let uuid = session.id.strip_prefix(&format!("{{{owner}}}:")).unwrap();
        assert_eq!(Uuid::parse_str(uuid).unwrap().get_version_num(), 7);
        assert!(send::<bool>(conn, &["EXISTS", &format!("sess:{}", session.id)]).unwrap(), "{owner}");
        assert_indexed(conn, owner, &[key(&token)]);
    }
    assert_eq!(send::<usize>(conn, &["DBSIZE"]).unwrap(), owners.len(), "one session for each owner");
}

#[test]
fn the_empty_owner_is_anonymous() {
    let server = Server::start();
    let conn = &mut server.conn();
    let token = create(conn, "", "{}", &[]);
    let session = get(conn, &token).unwrap();
    assert_eq!(session.owner, "");
    assert_eq!(Uuid::parse_str(&session.id).unwrap().get_version_num(), 7);
    assert_eq!(session.claims, json!({"jti": session.id, "iat": session.claims["iat"]}));
    assert!(send::<bool>(conn, &["EXISTS", &format!("sess:{}", session.id)]).unwrap());
    assert_eq!(send::<usize>(conn, &["DBSIZE"]).unwrap(), 1, "there is only the session");
}

#[test]
fn data_is_stored_byte_for_byte() {
    let server = Server::start();
    let conn = &mut server.conn();
    let long = format!(r#"{{"a":"{}"}}"#, "x".repeat(100_000));
    let largest = format!(r#"{{"a":"{}"}}"#, "x".repeat((1 << 20) - 8));
    let deepest = format!(r#"{{"a":{}{}}}"#, "[".repeat(127), "]".repeat(127));
    let all = [
        "{}",
        " \t\r\n{ \"a\" :\n1 } \n",
        r#"{"a":1,"a":2,"":3}"#,
        r#"{"z":1,"a":2}"#,
        r#"{"name":"Zoë 日本語 👩‍👩‍👧"}"#,
        r#"{"escaped":"\u005a\/\ud83d\ude00\u0000","lone":"\ud800"}"#,
        r#"{"numbers":[1.0,1e3,-0,0.10,123456789012345678901234567890,1e999]}"#,
        &deepest,
        &long,
        &largest,
    ];
    for data in all {
        let token = create(conn, "ada", data, &[]);
        assert_eq!(send::<String>(conn, &["GET", &key(&token)]).unwrap(), data);
        assert_eq!(get(conn, &token).unwrap().data, data);
        assert_eq!(get(conn, &token).unwrap().etag, etag(data));

        let token = create(conn, "ada", "{}", &[]);
        assert_eq!(send::<String>(conn, &["JRS.UPDATE", &token, data]).unwrap(), etag(data));
        assert_eq!(send::<String>(conn, &["GET", &key(&token)]).unwrap(), data);
        assert_eq!(get(conn, &token).unwrap().data, data);
    }
}

#[test]
fn an_etag_is_the_xxh3_of_the_data() {
    let server = Server::start();
    let conn = &mut server.conn();
    // From the reference implementation (python-xxhash 3). The last one is long enough for the block algorithm.
    let long = format!(r#"{{"a":"{}"}}"#, "x".repeat(1000));
    let hashes = [
        ("{}", "1349cde127705c16"),
        ("{} ", "1e10751819dd4963"),
        (r#"{"a":1}"#, "c5e3762ffc8453c6"),
        (&long, "fe1baf80e66a9b90"),
    ];
    for (data, hash) in hashes {
        let token = create(conn, "", data, &[]);
        assert_eq!(get(conn, &token).unwrap().etag, hash);
        assert_eq!(send::<String>(conn, &["JRS.UPDATE", &token, data]).unwrap(), hash);
    }
}

#[test]
fn claims_of_the_caller_are_in_the_token_and_the_reply() {
    let server = Server::start();
    let conn = &mut server.conn();
    let callers =
        r#" { "role" : "admin", "limit":1.50, "name":"Zo\u00eb 日本", "groups":["a",{"b":null}], "iss":"me" } "#;
    let token = create(conn, "ada", "{}", &["CLAIMS", callers]);
    let number = |text| serde_json::from_str::<serde_json::Value>(text).unwrap();
    let expected = json!({
        "jti": key(&token).strip_prefix("sess:").unwrap(), "iat": claims(&token)["iat"], "sub": "ada",
        "role": "admin", "limit": number("1.50"), "name": "Zoë 日本", "groups": ["a", {"b": null}], "iss": "me",
    });
    assert_eq!(claims(&token), expected);
    assert!(payload(&token).contains(r#""limit":1.50"#), "a number keeps its digits: {}", payload(&token));
    assert_eq!(get(conn, &token).unwrap().claims_text, payload(&token));

    let token = create(conn, "", "{}", &["CLAIMS", " { } "]);
    assert_eq!(claims(&token).as_object().unwrap().len(), 2, "{}", payload(&token));
}

#[test]
fn options_may_have_any_order_and_case() {
    let server = Server::start();
    let conn = &mut server.conn();
    let token = create(conn, "ada", "{}", &["rEaLm", "default", "ex", "500", "claims", r#"{"a":1}"#]);
    assert_eq!((&claims(&token)["ttl"], &claims(&token)["a"]), (&json!(500), &json!(1)));
    assert!((480..=500).contains(&get(conn, &token).unwrap().ttl));
    let deadline = now() + 700;
    for (option, value) in each([("exat", deadline.to_string()), ("PxAt", format!("{deadline}000"))]) {
        let token = create(conn, "ada", "{}", &[option, &value]);
        assert_eq!(claims(&token)["exp"], json!(deadline));
    }
    assert_eq!(claims(&create(conn, "ada", "{}", &["px", "1500"]))["ttl"], json!(1.5));

    let ttl = |conn: &mut Connection| send::<i64>(conn, &["TTL", &key(&token)]).unwrap();
    exec(conn, &["JRS.UPDATE", &token, "{}", "replace", "ex", "100"]);
    assert!(ttl(conn) <= 100);
    exec(conn, &["JRS.UPDATE", &token, "{}", "keepttl", "Replace"]);
    assert!(ttl(conn) <= 100);
    assert_eq!(send::<i64>(conn, &["JRS.TOUCH", &token, "px", "200000"]).unwrap(), 200);
    assert!((190..=200).contains(&ttl(conn)));
    let merged: String =
        send(conn, &["JRS.UPDATE", &token, r#"{"b":1}"#, "ifmatch", &etag("{}"), "merge", "ex", "100"]).unwrap();
    exec(conn, &["JRS.UPDATE", &token, "[]", "keepttl", "Patch", "IfMatch", &merged]);
    assert!(ttl(conn) <= 100);
    let token: String = send(conn, &["JRS.ROTATE", &token, "reauth", "owner", "bob", "claims", r#"{"a":2}"#]).unwrap();
    assert_eq!((&claims(&token)["sub"], &claims(&token)["a"]), (&json!("bob"), &json!(2)));
    let listed = send::<Vec<Vec<Value>>>(conn, &["jrs.list", "bob", "realm", "default", "withdata"]).unwrap();
    assert_eq!((listed.len(), &listed[0][7]), (1, &bulk(r#"{"b":1}"#)));
    let words = ["jrs.destroyall", "bob", "realm", "default", "except", &token];
    assert_eq!(send::<i64>(conn, &words).unwrap(), 0);
    assert_eq!(send::<i64>(conn, &["jrs.destroy", &token]).unwrap(), 1);
}

#[test]
fn help_names_each_command() {
    let server = Server::start();
    let lines: Vec<String> = send(&mut server.conn(), &["JRS.HELP"]).unwrap();
    let commands: Vec<String> = send(&mut server.conn(), &["COMMAND", "LIST", "FILTERBY", "MODULE", "jrs"]).unwrap();
    assert!(commands.len() >= 15, "{commands:?}");
    assert!(!lines.iter().any(|line| line.contains("DEBUG")), "JRS.DEBUG is for tests: {lines:?}");
    for command in commands {
        let name = command.to_uppercase().replace("JRS.", "");
        if name == "DEBUG" {
            continue;
        }
        assert!(lines.iter().any(|line| line.split(' ').next() == Some(&name)), "{name}: {lines:?}");
    }
    assert_eq!(send::<Vec<String>>(&mut server.conn3(), &["JRS.HELP"]).unwrap(), lines);
}

#[test]
fn reload_replies_ok_and_keeps_sessions() {
    let server = Server::start();
    let conn = &mut server.conn();
    let token = create(conn, "ada", "{}", &[]);
    let before = contents(conn);
    assert_eq!(send::<Value>(conn, &["JRS.RELOAD"]).unwrap(), Value::Okay);
    assert!(get(conn, &token).is_some());
    assert_eq!(contents(conn), before);
}
