//! Every setting takes effect, wherever it is set: as an argument of the module, in redis.conf, by CONFIG SET.

use std::{collections::HashMap, fs, sync::LazyLock};

use redis::{Connection, Value};
use serde_json::json;

use crate::support::{
    Builder, Server, await_that, owner_sessions,
    sessions::{at_once, contents, create, exec, get, now, refusal, refused, send},
    tokens::{self, SECRET, claims, elliptic_jwk, header, key, token},
};

/// A setting and a value that is not its default.
struct Case {
    name: &'static str,
    value: &'static str,
    /// What CONFIG GET shows.
    shown: &'static str,
    /// Whether the server acts on the value.
    holds: fn(&Server, &mut Connection) -> bool,
}

/// All settings except `keys-file`, `realms-file` and `allow-unload`, which have tests of their own.
const CASES: [Case; 17] = [
    Case {
        name: "algorithm",
        value: "hs512",
        shown: "HS512",
        holds: |_, conn| header(&create(conn, "ada", "{}", &[]))["alg"] == "HS512",
    },
    Case {
        name: "keyspace",
        value: "other: ",
        shown: "other: ",
        holds: |_, conn| {
            let id = claims(&create(conn, "ada", "{}", &[]))["jti"].as_str().unwrap().to_owned();
            send(conn, &["EXISTS", &format!("other: {id}")]).unwrap()
        },
    },
    Case { name: "max-age", value: "100", shown: "100", holds: |_, conn| ttl_of_a_new_session(conn) <= 100 },
    Case { name: "max-lifetime", value: "50", shown: "50", holds: |_, conn| ttl_of_a_new_session(conn) <= 50 },
    Case {
        name: "touch-interval",
        value: "5",
        shown: "5",
        holds: |_, conn| {
            let token = create(conn, "ada", "{}", &[]);
            exec(conn, &["EXPIRE", &key(&token), "86390"]);
            get(conn, &token).expect("a session").ttl > 86_390
        },
    },
    Case {
        name: "leeway",
        value: "300",
        shown: "300",
        holds: |_, conn| get_works(conn, &token(&json!({"jti": "a", "exp": now() - 100}))),
    },
    Case {
        name: "issuer",
        value: "https://login.example/zoë \\\"x\\\"",
        shown: "https://login.example/zoë \"x\"",
        holds: |_, conn| claims(&create(conn, "ada", "{}", &[]))["iss"] == "https://login.example/zoë \"x\"",
    },
    Case {
        name: "audience",
        value: "shop",
        shown: "shop",
        holds: |_, conn| claims(&create(conn, "ada", "{}", &[]))["aud"] == "shop",
    },
    Case {
        name: "token-type",
        value: "Session+JWT",
        shown: "Session+JWT",
        holds: |_, conn| header(&create(conn, "ada", "{}", &[]))["typ"] == "Session+JWT",
    },
    Case {
        name: "max-data-size",
        value: "1kb",
        shown: "1024",
        holds: |_, conn| {
            let data = |size: usize| format!(r#"{{"a":"{}"}}"#, "x".repeat(size - 8));
            create(conn, "ada", &data(1024), &[]);
            let reply = send::<Value>(conn, &["JRS.CREATE", "ada", &data(1025)]);
            reply.is_err_and(|error| error.code() == Some("TOOBIG"))
        },
    },
    Case {
        name: "max-token-size",
        value: "1k",
        shown: "1000",
        holds: |_, conn| {
            let claims = format!(r#"{{"a":"{}"}}"#, "x".repeat(1000));
            let reply = send::<Value>(conn, &["JRS.CREATE", "ada", "{}", "CLAIMS", &claims]);
            reply.is_err_and(|error| error.code() == Some("TOOBIG"))
        },
    },
    Case {
        name: "max-sessions",
        value: "3",
        shown: "3",
        holds: |_, conn| {
            let made = [(); 5].map(|()| create(conn, "max-sessions", "{}", &[]));
            let alive: Vec<bool> = made.iter().map(|token| get(conn, token).is_some()).collect();
            let ended: i64 = send(conn, &["JRS.DESTROYALL", "max-sessions"]).unwrap();
            assert!(ended == 3 || ended == 5, "{ended}");
            alive == [false, false, true, true, true] && ended == 3
        },
    },
    Case {
        name: "max-sessions-policy",
        value: "Reject",
        shown: "reject",
        holds: |_, conn| {
            let before = shown(conn, "jrs.max-sessions");
            exec(conn, &["CONFIG", "SET", "jrs.max-sessions", "1"]);
            let first = create(conn, "max-sessions-policy", "{}", &[]);
            let second = send::<String>(conn, &["JRS.CREATE", "max-sessions-policy", "{}"]);
            let rejects = second.as_ref().is_err_and(|error| error.code() == Some("TOOMANY"));
            assert_eq!(get(conn, &first).is_some(), rejects, "either the new one or the old one");
            assert_eq!(send::<i64>(conn, &["JRS.DESTROYALL", "max-sessions-policy"]).unwrap(), 1);
            exec(conn, &["CONFIG", "SET", "jrs.max-sessions", &before]);
            rejects
        },
    },
    Case {
        name: "token-cache-size",
        value: "0",
        shown: "0",
        holds: |_, conn| {
            let token = create(conn, "ada", "{}", &[]);
            assert!(get_works(conn, &token));
            let info: String = send(conn, &["INFO", "jrs"]).unwrap();
            info.contains("jrs_token_cache_bytes:0\r\n")
        },
    },
    Case {
        name: "crypto-threads",
        value: "63",
        shown: "63",
        holds: |server, conn| {
            with_keys(server, conn, &elliptic_jwk().to_string(), |conn| {
                create(conn, "ada", "{}", &[]);
                // The threads of an earlier size end when they find out.
                let expected = shown(conn, "jrs.crypto-threads").parse::<usize>().unwrap();
                await_that("the threads", || (crypto_threads(conn) == expected).then_some(expected == 63))
            })
        },
    },
    Case {
        name: "crypto-queue",
        value: "1",
        shown: "1",
        holds: |server, conn| {
            with_keys(server, conn, &RSA, |_| {
                let replies = at_once(server, 200, &["JRS.CREATE", "ada", "{}"]);
                replies.iter().any(|reply| matches!(reply, Value::ServerError(error) if error.code() == "BUSY"))
            })
        },
    },
    Case {
        name: "allow-weak-secret",
        value: "yes",
        shown: "yes",
        holds: |server, conn| {
            fs::write(server.dir().join("weak"), "weak").unwrap();
            let strong = shown(conn, "jrs.keys-file");
            let taken = send::<()>(conn, &["CONFIG", "SET", "jrs.keys-file", "weak"]).is_ok();
            exec(conn, &["CONFIG", "SET", "jrs.keys-file", &strong]);
            taken
        },
    },
];

/// Private keys that are slow to sign with. Making them takes long, too.
static RSA: LazyLock<String> = LazyLock::new(tokens::rsa_pem);

/// What `act` finds out while these keys are in force.
fn with_keys<T>(server: &Server, conn: &mut Connection, keys: &str, act: impl FnOnce(&mut Connection) -> T) -> T {
    fs::write(server.dir().join("slow"), keys).unwrap();
    let before = shown(conn, "jrs.keys-file");
    exec(conn, &["CONFIG", "SET", "jrs.keys-file", "slow"]);
    let found = act(conn);
    exec(conn, &["CONFIG", "SET", "jrs.keys-file", &before]);
    found
}

/// How many threads of the server compute signatures.
fn crypto_threads(conn: &mut Connection) -> usize {
    let info: String = send(conn, &["INFO", "server"]).unwrap();
    let id = info.lines().find_map(|line| line.strip_prefix("process_id:")).unwrap();
    let tasks = fs::read_dir(format!("/proc/{id}/task")).unwrap();
    let names = tasks.filter_map(|task| fs::read_to_string(task.unwrap().path().join("comm")).ok());
    names.filter(|name| name.trim() == "jrs-crypto").count()
}

fn ttl_of_a_new_session(conn: &mut Connection) -> i64 {
    let token = create(conn, "ada", "{}", &[]);
    send(conn, &["TTL", &key(&token)]).unwrap()
}

/// Whether JRS.GET does not refuse the token, be there a session or not.
fn get_works(conn: &mut Connection, token: &str) -> bool {
    send::<Value>(conn, &["JRS.GET", token]).is_ok()
}

fn builder() -> Builder {
    Server::builder().keys(SECRET.as_bytes())
}

fn shown(conn: &mut Connection, name: &str) -> String {
    let [_, value]: [String; 2] = send(conn, &["CONFIG", "GET", name]).unwrap();
    value
}

impl Case {
    fn full_name(&self) -> String {
        format!("jrs.{}", self.name)
    }

    /// The value without the quoting that redis.conf needs.
    fn plain(&self) -> String {
        self.value.replace('\\', "")
    }

    fn check(&self, server: &Server, set: bool) {
        let conn = &mut server.conn();
        assert_eq!((self.holds)(server, conn), set, "{}", self.name);
        assert_eq!(shown(conn, &self.full_name()) == self.shown, set, "{}", self.name);
    }
}

#[test]
fn as_an_argument_of_the_module() {
    for case in CASES {
        case.check(&builder().arg(case.name, &case.plain()).start(), true);
        case.check(&builder().arg(&case.full_name(), &case.plain()).start(), true);
    }
}

#[test]
fn in_redis_conf() {
    for case in CASES {
        case.check(&builder().config(&case.full_name(), &format!("\"{}\"", case.value)).start(), true);
    }
}

#[test]
fn redis_conf_wins_over_an_argument() {
    let defaults: HashMap<String, String> = send(&mut builder().start().conn(), &["CONFIG", "GET", "jrs.*"]).unwrap();
    for case in CASES {
        let default = &defaults[&case.full_name()];
        assert_ne!(default, case.shown);
        let conf = format!("\"{default}\"");
        case.check(&builder().arg(case.name, &case.plain()).config(&case.full_name(), &conf).start(), false);
    }
}

#[test]
fn by_config_set_at_once_and_back() {
    let server = builder().start();
    let conn = &mut server.conn();
    for case in CASES {
        let name = case.full_name();
        let before = shown(conn, &name);
        case.check(&server, false);
        exec(conn, &["CONFIG", "SET", &name, &case.plain()]);
        case.check(&server, true);
        exec(conn, &["CONFIG", "SET", &name.to_uppercase(), &before]);
        case.check(&server, false);
    }
}

#[test]
fn several_in_one_config_set_take_effect_together() {
    let server = builder().start();
    let conn = &mut server.conn();
    let words = [
        "CONFIG",
        "SET",
        "jrs.touch-interval",
        "0",
        "jrs.max-age",
        "70",
        "maxmemory",
        "1gb",
        "jrs.keyspace",
        "s2:",
        "jrs.issuer",
        "me",
    ];
    exec(conn, &words);
    let token = create(conn, "ada", "{}", &[]);
    assert_eq!(claims(&token)["iss"], "me");
    let keys: Vec<String> = contents(conn).into_keys().collect();
    let id = claims(&token)["jti"].as_str().unwrap().to_owned();
    assert_eq!(keys, [format!("s2:{id}")], "one session");
    assert_eq!(owner_sessions::ids(conn, "ada"), [id]);
    assert_eq!(get(conn, &token).expect("a session").ttl, 70);
    assert_eq!(shown(conn, "maxmemory"), "1073741824");
}

#[test]
fn a_change_holds_for_tokens_that_were_seen_before() {
    let server = builder().start();
    let conn = &mut server.conn();
    let token = create(conn, "ada", "{}", &[]);
    assert!(get(conn, &token).is_some());
    for (name, value, default, word) in [
        ("jrs.issuer", "me", "", "BADTOKEN"),
        ("jrs.audience", "shop", "", "BADTOKEN"),
        ("jrs.max-token-size", "256", "8kb", "BADTOKEN"),
        ("jrs.algorithm", "HS384", "HS256", "BADTOKEN"),
    ] {
        let long = create(conn, "ada", "{}", &["CLAIMS", &format!(r#"{{"a":"{}"}}"#, "x".repeat(300))]);
        assert!(get(conn, &long).is_some());
        exec(conn, &["CONFIG", "SET", name, value]);
        assert_eq!(refusal(conn, &long), word, "{name}");
        exec(conn, &["CONFIG", "SET", name, default]);
        assert!(get(conn, &long).is_some(), "{name}");
    }
    exec(conn, &["CONFIG", "SET", "jrs.keyspace", "s2:"]);
    assert!(get(conn, &token).is_none(), "the session lies in the old keyspace");
    assert!(send::<Vec<Value>>(conn, &["JRS.LIST", "ada"]).unwrap().is_empty());
    assert_eq!(send::<i64>(conn, &["JRS.DESTROYALL", "ada"]).unwrap(), 0);
    assert_eq!(refused(conn, &["JRS.REVOKE", &key(&token)]), "WRONGKEY");
    exec(conn, &["CONFIG", "SET", "jrs.keyspace", "sess:"]);
    assert!(get(conn, &token).is_some());
}
