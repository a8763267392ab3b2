//! `INFO jrs`: its fields, and that each counter is right.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
};

use redis::{Connection, Value};
use serde_json::json;

use crate::support::{
    Server,
    info::{counted, fields, grown_by, growth},
    sessions::{at_once, create, exec, now},
    tokens::{self, SECRET, elliptic_jwk, jwk, rsa_pem, sign, signing_keys, token},
};

/// The fields of the section `jrs_sessions` about the owner index.
const GAUGES: [&str; 3] = ["sessions_active", "owners_active", "index_bytes"];

#[test]
fn info_has_these_sections_and_fields() {
    let server = Server::builder().keys(SECRET.as_bytes()).arg("keyspace", "a,b=c:").start();
    let conn = &mut server.conn();
    let all = fields(conn, "jrs");
    assert_eq!(all["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(all["realm_default"], "keyspace=a%2Cb%3Dc%3A,algorithm=HS256,keys=(without kid 5e286657)");
    let sessions = fields(conn, "jrs_sessions");
    let names: BTreeSet<&str> = sessions.keys().map(String::as_str).collect();
    let counters = "created read null_reads updated touched touches_saved rotated ended_by_reuse evicted destroyed";
    let expected: Vec<String> = counters.split(' ').map(|name| format!("sessions_{name}")).collect();
    let others = ["update_conflicts", "create_too_many", "session_data_bytes"];
    assert_eq!(names, expected.iter().map(String::as_str).chain(GAUGES).chain(others).collect());
    let sizes = "le_64=0,le_256=0,le_1024=0,le_4096=0,le_16384=0,le_65536=0,le_262144=0,le_1048576=0,le_inf=0,sum=0";
    assert_eq!(sessions["session_data_bytes"], sizes);
    assert!(sessions.values().all(|number| [sizes, "0"].contains(&number.as_str())), "{sessions:?}");
    let tokens = fields(conn, "jrs_tokens");
    let queues = ["queue_waiting", "queue_refused", "jobs", "usec"].map(|name| format!("crypto_{name}"));
    let of_each = queues.iter().flat_map(|name| ["signing", "verifying"].map(|queue| format!("{name}_{queue}")));
    let crypto: Vec<String> = of_each.chain(queues[..2].iter().cloned()).collect();
    let cache = ["token_cache_bytes", "token_cache_hits", "token_cache_misses"];
    for name in cache.into_iter().chain(crypto.iter().map(String::as_str)) {
        assert_eq!(tokens[name], "0", "{name}");
    }
    let keys = fields(conn, "jrs_keys");
    let names =
        "keys_last_reload_status keys_last_reload_time keys_reloads keys_reloads_failed signing_key_age_default";
    assert_eq!(keys.keys().map(String::as_str).collect::<Vec<_>>().join(" "), names);
    let realms = fields(conn, "jrs_realms");
    let stats = "created=0,read=0,null_reads=0,updated=0,touched=0,touches_saved=0,rotated=0,destroyed=0,evicted=0,\
                 ended_by_reuse=0,minted=0,conflicts=0,too_many=0,tokens_refused=0";
    assert_eq!(realms, BTreeMap::from([("realm_stats_default".to_owned(), stats.to_owned())]));
    assert_eq!(all.len(), keys.len() + sessions.len() + tokens.len() + realms.len() + 2);
    for section in ["everything", "modules"] {
        assert_eq!(fields(conn, section).keys().collect::<Vec<_>>(), all.keys().collect::<Vec<_>>(), "INFO {section}");
    }
    // In the server, "all" does not include modules.
    assert!(["all", "default", "server"].iter().all(|section| fields(conn, section).is_empty()));
}

#[test]
fn key_ids_and_algorithms_are_shown_in_one_line() {
    let keys = json!({"keys": [jwk("a,b=c|d é", "HS384", SECRET.as_bytes()), elliptic_jwk()]}).to_string();
    let server = Server::builder().keys(keys.as_bytes()).start();
    let realm = &fields(&mut server.conn(), "jrs")["realm_default"];
    assert_eq!(realm, "keyspace=sess%3A,algorithm=HS384,keys=a%2Cb%3Dc%7Cd é|slow");
    let replica = Server::builder().config("replicaof", "127.0.0.1 1").start();
    assert_eq!(fields(&mut replica.conn(), "jrs")["realm_default"], "keyspace=sess%3A,algorithm=(none),keys=");
}

#[test]
fn each_command_that_succeeds_is_counted_once() {
    for keys in signing_keys() {
        let server = Server::builder().keys(keys.as_bytes()).start();
        let conn = &mut server.conn();
        let token = &*create(conn, "ada", "{}", &[]);
        let key = &*tokens::key(token);
        for (words, counter) in [
            (&["JRS.CREATE", "ada", "{}"][..], Some("sessions_created")),
            (&["JRS.GET", token], Some("sessions_read")),
            (&["JRS.GET", key, token], Some("sessions_read")),
            (&["JRS.PEEK", token], Some("sessions_read")),
            (&["JRS.INSPECT", token], None),
            (&["JRS.UPDATE", token, "{}"], Some("sessions_updated")),
            (&["JRS.UPDATE", token, "{}", "MERGE"], Some("sessions_updated")),
            (&["JRS.UPDATE", token, "[]", "PATCH"], Some("sessions_updated")),
            (&["JRS.UPDATE", token, "{}", "IFMATCH", "no etag"], Some("update_conflicts")),
            (&["JRS.UPDATE", token, "{}", "PATCH"], None),
            (&["JRS.ROTATE", token, "NONSENSE"], None),
            (&["JRS.LIST", "ada", "WITHDATA"], None),
            (&["JRS.TOUCH", token], Some("sessions_touched")),
            (&["JRS.CREATE", "ada", "[]"], None),
            (&["JRS.UPDATE", token, "[]"], None),
            (&["JRS.TOUCH", token, "EX", "0"], None),
            (&["JRS.GET", token, "NONSENSE"], None),
            (&["JRS.DESTROY", token], Some("sessions_destroyed")),
            (&["JRS.DESTROY", token], None),
            (&["JRS.GET", token], Some("sessions_null_reads")),
            (&["JRS.PEEK", token], Some("sessions_null_reads")),
            (&["JRS.UPDATE", token, "{}"], None),
            (&["JRS.TOUCH", token], None),
            (&["JRS.ROTATE", token], None),
            (&["JRS.REVOKE", key], None),
        ] {
            let expected = counter.map(|name| (name.to_owned(), 1)).into_iter().collect();
            assert_eq!(counted(conn, words).0, expected, "{words:?}");
        }
    }
}

#[test]
fn rotations_evictions_and_bulk_destroys_are_counted() {
    for keys in signing_keys() {
        let server = Server::builder().keys(keys.as_bytes()).start();
        let conn = &mut server.conn();
        let [rotated, revoked] = [(); 2].map(|()| create(conn, "bob", "{}", &[]));
        assert_eq!(counted(conn, &["JRS.ROTATE", &rotated]).0, grown_by(&[("sessions_rotated", 1)]));
        assert_eq!(counted(conn, &["JRS.REVOKE", &tokens::key(&revoked)]).0, grown_by(&[("sessions_destroyed", 1)]));
        let [kept, _, _] = [(); 3].map(|()| create(conn, "bob", "{}", &[]));
        assert_eq!(
            counted(conn, &["JRS.DESTROYALL", "bob", "EXCEPT", &kept]).0,
            grown_by(&[("sessions_destroyed", 3)])
        );
        assert_eq!(counted(conn, &["JRS.DESTROYALL", "bob"]).0, grown_by(&[("sessions_destroyed", 1)]));
        assert_eq!(counted(conn, &["JRS.DESTROYALL", "bob"]).0, grown_by(&[]));

        let guest = create(conn, "", "{}", &[]);
        for _ in 0..3 {
            create(conn, "ada", "{}", &[]);
        }
        exec(conn, &["CONFIG", "SET", "jrs.max-sessions", "2"]);
        assert_eq!(
            counted(conn, &["JRS.CREATE", "ada", "{}"]).0,
            grown_by(&[("sessions_created", 1), ("sessions_evicted", 2)])
        );
        let moved = counted(conn, &["JRS.ROTATE", &guest, "OWNER", "ada"]).0;
        assert_eq!(moved, grown_by(&[("sessions_rotated", 1), ("sessions_evicted", 1)]));
        exec(conn, &["CONFIG", "SET", "jrs.max-sessions-policy", "reject"]);
        let (changed, reply) = counted(conn, &["JRS.CREATE", "ada", "{}"]);
        assert_eq!((changed, reply.unwrap_err().code()), (grown_by(&[("create_too_many", 1)]), Some("TOOMANY")));
    }
}

#[test]
fn the_gauges_follow_all_changes_of_keys() {
    let server = Server::builder().keys(SECRET.as_bytes()).start();
    let conn = &mut server.conn();
    let gauges = |conn: &mut Connection| {
        let fields = fields(conn, "jrs_sessions");
        GAUGES.map(|name| fields[name].parse::<i64>().unwrap())
    };
    assert_eq!(gauges(conn), [0, 0, 0]);
    let [ada, other, eve] = ["ada", "ada", "eve"].map(|owner| create(conn, owner, "{}", &[]));
    create(conn, "", "{}", &[]);
    let [sessions, owners, bytes] = gauges(conn);
    assert_eq!((sessions, owners), (3, 2), "sessions without an owner are not in the index");
    assert!((72..=300).contains(&bytes), "{bytes} bytes");
    exec(conn, &["DEL", &tokens::key(&ada)]);
    assert_eq!(gauges(conn)[..2], [2, 2]);
    exec(conn, &["RENAME", &tokens::key(&eve), "elsewhere"]);
    assert_eq!(gauges(conn)[..2], [1, 1]);
    exec(conn, &["COPY", &tokens::key(&other), &tokens::key(&other), "DB", "3"]);
    assert_eq!(gauges(conn)[..2], [2, 2], "each database counts");
    exec(conn, &["FLUSHALL"]);
    assert_eq!(gauges(conn), [0, 0, 0]);
}

#[test]
fn each_refused_token_is_counted_by_reason() {
    let builder = Server::builder().keys(SECRET.as_bytes()).arg("issuer", "me").arg("audience", "shop");
    let server = builder.arg("max-token-size", "1kb").start();
    let conn = &mut server.conn();
    let good = |change: serde_json::Value| {
        let mut claims = json!({"jti": "a", "sub": "ada", "iss": "me", "aud": "shop"});
        claims.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        claims
    };
    let headed = |header| sign(&header, &good(json!({})), SECRET.as_bytes());
    let claiming = |change| token(&good(change));
    let named = [
        ("too_long", claiming(json!({"x": "y".repeat(1000)}))),
        ("malformed", "eyJ.e30".to_owned()),
        ("header", headed(json!({"alg": "HS256", "crit": ["exp"]}))),
        ("algorithm", headed(json!({"alg": "HS512"}))),
        ("unknown_key", headed(json!({"alg": "HS256", "kid": "unknown"}))),
        ("signature", sign(&json!({"alg": "HS256"}), &good(json!({})), b"another secret")),
        ("claim", claiming(json!({"jti": 7}))),
        ("issuer", claiming(json!({"iss": "you"}))),
        ("audience", claiming(json!({"aud": "garage"}))),
        ("not_yet_valid", claiming(json!({"nbf": now() + 1000}))),
        ("expired", claiming(json!({"exp": now() - 1000}))),
        ("no_start", claiming(json!({"iat": now() * 1000}))),
        ("outlived", claiming(json!({"iat": now() - 10_000_000}))),
    ];
    let of_one_command = ["wrong_session", "wrong_owner", "stale_auth", "logged_out"];
    let mut reasons = BTreeSet::from(of_one_command.map(|reason| format!("tokens_refused_{reason}")));
    for (reason, token) in &named {
        let name = format!("tokens_refused_{reason}");
        for command in
            [&["JRS.GET"][..], &["JRS.PEEK"], &["JRS.TOUCH"], &["JRS.ROTATE"], &["JRS.DESTROYALL", "ada", "EXCEPT"]]
        {
            let (grown, reply) = counted(conn, &[command, &[token]].concat());
            assert!(reply.is_err(), "{reason}");
            assert_eq!(grown, BTreeMap::from([(name.clone(), 1)]), "{command:?}");
        }
        reasons.insert(name);
    }
    let (grown, _) = counted(conn, &["JRS.GET", "sess:other", &claiming(json!({}))]);
    assert_eq!(grown, BTreeMap::from([("tokens_refused_wrong_session".to_owned(), 1)]));
    let of_bob = claiming(json!({"sub": "bob"}));
    let (grown, _) = counted(conn, &["JRS.DESTROYALL", "ada", "EXCEPT", &of_bob]);
    assert_eq!(grown, BTreeMap::from([("tokens_refused_wrong_owner".to_owned(), 1)]));
    assert!(counted(conn, &["JRS.DESTROYALL", "bob", "EXCEPT", &of_bob]).0.is_empty());
    let (changed, _) = counted(conn, &["JRS.GET", &claiming(json!({}))]);
    assert_eq!(changed, grown_by(&[("sessions_null_reads", 1)]), "a valid token is not refused");
    exec(conn, &["SET", "sess:a", "{}", "EX", "1000"]);
    let old = claiming(json!({"auth_time": now() - 100}));
    let (grown, _) = counted(conn, &["JRS.GET", &old, "MAXAUTHAGE", "10"]);
    assert_eq!(grown, BTreeMap::from([("tokens_refused_stale_auth".to_owned(), 1)]));
    exec(conn, &["CONFIG", "SET", "jrs.not-before", &now().to_string()]);
    assert_eq!(counted(conn, &["JRS.GET", &old]).0, BTreeMap::from([("tokens_refused_logged_out".to_owned(), 1)]));

    let all = fields(conn, "jrs_tokens").into_keys().filter(|name| name.starts_with("tokens_refused_"));
    assert_eq!(all.collect::<BTreeSet<_>>(), reasons, "the test has all reasons");
}

#[test]
fn the_counters_of_the_token_cache_are_right() {
    let server = Server::builder().keys(SECRET.as_bytes()).start();
    let conn = &mut server.conn();
    let cache = |conn: &mut Connection| {
        let fields = fields(conn, "jrs");
        ["bytes", "hits", "misses"].map(|name| fields[&format!("token_cache_{name}")].parse::<usize>().unwrap())
    };
    let token = create(conn, "ada", "{}", &[]);
    let mut expected = (0, cache(conn)[2]);
    for read in 1..=3 {
        exec(conn, &["JRS.GET", &token]);
        if read == 1 {
            expected.1 += 1;
        } else {
            expected.0 += 1;
        }
        let [bytes, hits, misses] = cache(conn);
        assert!(bytes >= token.len(), "{bytes} bytes");
        assert_eq!((hits, misses), expected);
    }
    assert_eq!(counted(conn, &["JRS.RELOAD"]).0.get("keys_reloads"), Some(&1));
    assert_eq!(cache(conn)[0], 0, "a reload empties the cache");
}

#[test]
fn refused_signatures_are_counted() {
    let server = Server::builder().keys(SECRET.as_bytes()).arg("crypto-queue", "1").arg("crypto-threads", "1").start();
    let conn = &mut server.conn();
    fs::write(server.dir().join("slow"), rsa_pem()).unwrap();
    exec(conn, &["CONFIG", "SET", "jrs.keys-file", "slow"]);
    let before = fields(conn, "jrs");
    let replies = at_once(&server, 200, &["JRS.CREATE", "ada", "{}"]);
    let busy = replies.iter().filter(|reply| matches!(reply, Value::ServerError(error) if error.code() == "BUSY"));
    let busy = i64::try_from(busy.count()).unwrap();
    assert!(busy > 0);
    let after = fields(conn, "jrs");
    assert_eq!(growth(&before, &after), grown_by(&[("sessions_created", 200 - busy)]));
    let expected = [("queue_refused", busy), ("queue_refused_signing", busy), ("jobs_signing", 200 - busy)];
    for (name, count) in expected {
        assert_eq!(after[&format!("crypto_{name}")], count.to_string(), "{name}");
    }
}
