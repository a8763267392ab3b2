//! For each setting: a value, and how a test sees that the server uses it.

use std::{fs, sync::LazyLock};

use redis::{Connection, Value};
use serde_json::json;

use crate::support::{
    Server, await_that,
    sessions::{at_once, create, exec, get, now, send},
    tokens::{self, claims, elliptic_jwk, header, key, token},
};

/// A setting and a value that is not its default.
pub(super) struct Case {
    pub(super) name: &'static str,
    pub(super) value: &'static str,
    /// The value that CONFIG GET shows.
    pub(super) shown: &'static str,
    /// Whether the server uses the value.
    pub(super) is_active: fn(&Server, &mut Connection) -> bool,
}

/// All settings except `keys-file`, `realms-file`, `allow-unload` and `get-requires-write`, which have their own tests.
pub(super) const CASES: [Case; 20] = [
    Case {
        name: "algorithm",
        value: "hs512",
        shown: "HS512",
        is_active: |_, conn| header(&create(conn, "ada", "{}", &[]))["alg"] == "HS512",
    },
    Case {
        name: "keyspace",
        value: "other: ",
        shown: "other: ",
        is_active: |_, conn| {
            let id = claims(&create(conn, "ada", "{}", &[]))["jti"].as_str().unwrap().to_owned();
            send(conn, &["EXISTS", &format!("other: {id}")]).unwrap()
        },
    },
    Case { name: "max-age", value: "100", shown: "100", is_active: |_, conn| ttl_of_a_new_session(conn) <= 100 },
    Case {
        name: "anonymous-max-age",
        value: "70",
        shown: "70",
        is_active: |_, conn| {
            let guest = create(conn, "", "{}", &[]);
            send::<i64>(conn, &["TTL", &key(&guest)]).unwrap() <= 70
        },
    },
    Case { name: "max-lifetime", value: "50", shown: "50", is_active: |_, conn| ttl_of_a_new_session(conn) <= 50 },
    Case {
        name: "not-before",
        value: "1000000000",
        shown: "1000000000",
        is_active: |_, conn| {
            let reply = send::<Value>(conn, &["JRS.GET", &token(&json!({"jti": "a", "iat": 999_999_999}))]);
            reply.is_err_and(|error| error.to_string().contains("not-before"))
        },
    },
    Case {
        name: "touch-interval",
        value: "5",
        shown: "5",
        is_active: |_, conn| {
            let token = create(conn, "ada", "{}", &[]);
            exec(conn, &["EXPIRE", &key(&token), "86390"]);
            get(conn, &token).expect("a session").ttl > 86_390
        },
    },
    Case {
        name: "leeway",
        value: "300",
        shown: "300",
        is_active: |_, conn| get_works(conn, &token(&json!({"jti": "a", "exp": now() - 100}))),
    },
    Case {
        name: "issuer",
        value: "https://login.example/zoë \\\"x\\\"",
        shown: "https://login.example/zoë \"x\"",
        is_active: |_, conn| claims(&create(conn, "ada", "{}", &[]))["iss"] == "https://login.example/zoë \"x\"",
    },
    Case {
        name: "audience",
        value: "shop",
        shown: "shop",
        is_active: |_, conn| claims(&create(conn, "ada", "{}", &[]))["aud"] == "shop",
    },
    Case {
        name: "token-type",
        value: "Session+JWT",
        shown: "Session+JWT",
        is_active: |_, conn| header(&create(conn, "ada", "{}", &[]))["typ"] == "Session+JWT",
    },
    Case {
        name: "access-token-age",
        value: "77",
        shown: "77",
        is_active: |_, conn| {
            let session = create(conn, "ada", "{}", &[]);
            // The issuer is set by another case, or not yet.
            let with_issuer = send(conn, &["JRS.MINT", &session, "CLAIMS", r#"{"iss":"a","aud":"b"}"#]);
            let minted: String = with_issuer.or_else(|_| send(conn, &["JRS.MINT", &session])).unwrap();
            claims(&minted)["exp"].as_i64().unwrap() - claims(&minted)["iat"].as_i64().unwrap() == 77
        },
    },
    Case {
        name: "max-data-size",
        value: "1kb",
        shown: "1024",
        is_active: |_, conn| {
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
        is_active: |_, conn| {
            let claims = format!(r#"{{"a":"{}"}}"#, "x".repeat(1000));
            let reply = send::<Value>(conn, &["JRS.CREATE", "ada", "{}", "CLAIMS", &claims]);
            reply.is_err_and(|error| error.code() == Some("TOOBIG"))
        },
    },
    Case {
        name: "max-sessions",
        value: "3",
        shown: "3",
        is_active: |_, conn| {
            let tokens = [(); 5].map(|()| create(conn, "max-sessions", "{}", &[]));
            let alive: Vec<bool> = tokens.iter().map(|token| get(conn, token).is_some()).collect();
            let destroyed: i64 = send(conn, &["JRS.DESTROYALL", "max-sessions"]).unwrap();
            assert!(destroyed == 3 || destroyed == 5, "{destroyed}");
            alive == [false, false, true, true, true] && destroyed == 3
        },
    },
    Case {
        name: "max-sessions-policy",
        value: "Reject",
        shown: "reject",
        is_active: |_, conn| {
            let before = shown(conn, "jrs.max-sessions");
            exec(conn, &["CONFIG", "SET", "jrs.max-sessions", "1"]);
            let first = create(conn, "max-sessions-policy", "{}", &[]);
            let second = send::<String>(conn, &["JRS.CREATE", "max-sessions-policy", "{}"]);
            let rejects = second.as_ref().is_err_and(|error| error.code() == Some("TOOMANY"));
            assert_eq!(get(conn, &first).is_some(), rejects, "either the old or the new session exists");
            assert_eq!(send::<i64>(conn, &["JRS.DESTROYALL", "max-sessions-policy"]).unwrap(), 1);
            exec(conn, &["CONFIG", "SET", "jrs.max-sessions", &before]);
            rejects
        },
    },
    Case {
        name: "token-cache-size",
        value: "0",
        shown: "0",
        is_active: |_, conn| {
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
        is_active: |server, conn| {
            with_keys(server, conn, &elliptic_jwk().to_string(), |conn| {
                create(conn, "ada", "{}", &[]);
                // Surplus threads end soon after a change.
                let expected = shown(conn, "jrs.crypto-threads").parse::<usize>().unwrap();
                await_that("the threads", || (crypto_threads(conn) == expected).then_some(expected == 63))
            })
        },
    },
    Case {
        name: "crypto-queue",
        value: "1",
        shown: "1",
        is_active: |server, conn| {
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
        is_active: |server, conn| {
            fs::write(server.dir().join("weak"), "weak").unwrap();
            let strong = shown(conn, "jrs.keys-file");
            let is_accepted = send::<Value>(conn, &["CONFIG", "SET", "jrs.keys-file", "weak"]).is_ok();
            exec(conn, &["CONFIG", "SET", "jrs.keys-file", &strong]);
            is_accepted
        },
    },
];

/// A private key whose signatures are slow. Generating it is slow too, so all tests share it.
static RSA: LazyLock<String> = LazyLock::new(tokens::rsa_pem);

/// Runs `act` while these keys are active.
fn with_keys<T>(server: &Server, conn: &mut Connection, keys: &str, act: impl FnOnce(&mut Connection) -> T) -> T {
    fs::write(server.dir().join("slow"), keys).unwrap();
    let before = shown(conn, "jrs.keys-file");
    exec(conn, &["CONFIG", "SET", "jrs.keys-file", "slow"]);
    let result = act(conn);
    exec(conn, &["CONFIG", "SET", "jrs.keys-file", &before]);
    result
}

/// The number of crypto threads of the server.
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

/// Whether JRS.GET accepts the token, with or without a session.
fn get_works(conn: &mut Connection, token: &str) -> bool {
    send::<Value>(conn, &["JRS.GET", token]).is_ok()
}

/// The value in CONFIG GET.
pub(super) fn shown(conn: &mut Connection, name: &str) -> String {
    let [_, value]: [String; 2] = send(conn, &["CONFIG", "GET", name]).unwrap();
    value
}

impl Case {
    pub(super) fn full_name(&self) -> String {
        format!("jrs.{}", self.name)
    }

    /// The value without the quoting for redis.conf.
    pub(super) fn plain(&self) -> String {
        self.value.replace('\\', "")
    }

    /// Checks whether the server uses and shows the value.
    pub(super) fn check(&self, server: &Server, set: bool) {
        let conn = &mut server.conn();
        assert_eq!((self.is_active)(server, conn), set, "{}", self.name);
        assert_eq!(shown(conn, &self.full_name()) == self.shown, set, "{}", self.name);
    }
}
