//! The counters of each realm in INFO, and their sums.

use std::fs;

use redis::Connection;
use serde_json::json;

use crate::support::{
    Server,
    cases::each,
    info::{Growth, counted, difference, fields, grown_by, realm_stats},
    realms::add_app_realm,
    sessions::{create, exec, now, send},
    tokens::{SECRET, elliptic_jwk, id, jwk, sign},
};

/// A server with the realm "app" beside the default one.
fn server(settings: &str) -> Server {
    let server = Server::builder().keys(jwk("main", "HS256", SECRET.as_bytes()).to_string().as_bytes()).start();
    add_app_realm(&server, settings);
    server
}

/// How the counters of both realms change with an action: those of "app", and those of the default realm.
fn in_realms(conn: &mut Connection, action: impl FnOnce(&mut Connection)) -> [Growth; 2] {
    let stats = |conn: &mut Connection| ["app", "default"].map(|realm| realm_stats(conn, realm));
    let before = stats(conn);
    action(conn);
    let after = stats(conn);
    [0, 1].map(|at| difference(&before[at], &after[at]))
}

/// The names of the sums of a realm's counters.
const SUMS: [(&str, &str); 13] = [
    ("created", "sessions_created"),
    ("read", "sessions_read"),
    ("null_reads", "sessions_null_reads"),
    ("updated", "sessions_updated"),
    ("touched", "sessions_touched"),
    ("touches_saved", "sessions_touches_saved"),
    ("rotated", "sessions_rotated"),
    ("destroyed", "sessions_destroyed"),
    ("evicted", "sessions_evicted"),
    ("ended_by_reuse", "sessions_ended_by_reuse"),
    ("minted", "access_tokens_minted"),
    ("conflicts", "update_conflicts"),
    ("too_many", "create_too_many"),
];

/// Checks that the sums are those of these realms, and of as many refused tokens of no realm.
fn assert_sums(conn: &mut Connection, realms: &[Growth], without_realm: i64) {
    let fields = fields(conn, "jrs");
    for (name, sum) in SUMS {
        let expected: i64 = realms.iter().map(|realm| realm[name]).sum();
        assert_eq!(fields[sum], expected.to_string(), "{sum}");
    }
    let reasons = fields.iter().filter(|(name, _)| name.starts_with("tokens_refused_"));
    let refused: i64 = reasons.map(|(_, count)| count.parse::<i64>().unwrap()).sum();
    assert_eq!(refused, without_realm + realms.iter().map(|realm| realm["tokens_refused"]).sum::<i64>());
}

#[test]
fn each_command_counts_in_the_realm_of_its_session() {
    let server = server("issuer = \"me\"\naudience = \"all\"\nrotate-grace = 60000\nreuse-detection = true\n");
    let conn = &mut server.conn();
    let app = |conn: &mut Connection, owner: &str| create(conn, owner, "{}", &["REALM", "app"]);
    let token = app(conn, "ada");
    let key = format!("app:{}", id(&token));
    let gone = app(conn, "bob");
    exec(conn, &["JRS.DESTROY", &gone]);
    let other = app(conn, "eve");
    for (words, counter) in each([
        (&["JRS.CREATE", "ada", "{}", "REALM", "app"][..], "created"),
        (&["JRS.PEEK", &token], "read"),
        (&["JRS.GET", &gone], "null_reads"),
        (&["JRS.PEEK", &gone], "null_reads"),
        (&["JRS.UPDATE", &token, "{}"], "updated"),
        (&["JRS.UPDATE", &token, "{}", "IFMATCH", "0000000000000000"], "conflicts"),
        (&["JRS.TOUCH", &token], "touched"),
        (&["JRS.MINT", &token], "minted"),
        (&["JRS.REVOKE", &key], "destroyed"),
        (&["JRS.DESTROYALL", "eve", "REALM", "app"], "destroyed"),
        (&["JRS.GET", "app:none", &other], "tokens_refused"),
        (&["JRS.DESTROYALL", "ada", "EXCEPT", &other], "tokens_refused"),
        (&["JRS.GET", &format!("{other}x")], "tokens_refused"),
    ]) {
        let [app, default] = in_realms(conn, |conn| drop(counted(conn, words)));
        assert_eq!((app, default), (grown_by(&[(counter, 1)]), Growth::new()));
    }

    let [first, second, third] = [(); 3].map(|()| app(conn, "joe"));
    let rotated = in_realms(conn, |conn| exec(conn, &["JRS.ROTATE", &first, "GRACE", "0"]));
    assert_eq!(rotated, [grown_by(&[("rotated", 1)]), Growth::new()]);
    let reuse = in_realms(conn, |conn| assert!(counted(conn, &["JRS.GET", &first]).1.is_err()));
    assert_eq!(reuse, [grown_by(&[("ended_by_reuse", 1)]), Growth::new()]);
    add_app_realm(&server, "issuer = \"me\"\nmax-sessions = 2\n");
    exec(conn, &["JRS.RELOAD"]);
    let evicting = in_realms(conn, |conn| drop(app(conn, "joe")));
    assert_eq!(evicting, [grown_by(&[("created", 1), ("evicted", 1)]), Growth::new()]);
    let reads = [&second, &third].map(|token| counted(conn, &["JRS.PEEK", token]).0);
    assert_eq!(reads, ["null_reads", "read"].map(|counter| grown_by(&[(&format!("sessions_{counter}"), 1)])));
    create(conn, "ada", "{}", &[]);
    let realms = ["app", "default"].map(|realm| realm_stats(conn, realm));
    assert_eq!(realms[1]["created"], 1);
    assert_sums(conn, &realms, 0);
}

#[test]
fn a_refused_create_counts_as_too_many_in_its_realm() {
    let server = server("max-sessions = 1\nmax-sessions-policy = \"reject\"\n");
    let conn = &mut server.conn();
    create(conn, "ada", "{}", &["REALM", "app"]);
    let guest = create(conn, "bob", "{}", &["REALM", "app"]);
    for words in each([&["JRS.CREATE", "ada", "{}", "REALM", "app"][..], &["JRS.ROTATE", &guest, "OWNER", "ada"]]) {
        let refused = in_realms(conn, |conn| {
            let (changed, reply) = counted(conn, words);
            assert_eq!(changed, grown_by(&[("create_too_many", 1)]));
            assert_eq!(reply.unwrap_err().code(), Some("TOOMANY"));
        });
        assert_eq!(refused, [grown_by(&[("too_many", 1)]), Growth::new()]);
    }
}

#[test]
fn a_refused_token_counts_in_the_realm_of_its_key() {
    let server = server("");
    let conn = &mut server.conn();
    let claims = json!({"jti": "a", "sub": "ada", "iat": now()});
    let forged = |kid: &str| sign(&json!({"alg": "HS256", "kid": kid}), &claims, b"another secret of 32 bytes: 16180");
    for (token, reason, in_app, in_default) in each([
        (forged("other"), "signature", 1, 0),
        (forged("main"), "signature", 0, 1),
        (forged("unknown"), "unknown_key", 0, 0),
        ("eyJ.e30".to_owned(), "malformed", 0, 0),
        ("e".repeat(100_000), "too_long", 0, 0),
    ]) {
        let [app, default] = in_realms(conn, |conn| {
            let (changed, _) = counted(conn, &["JRS.GET", &token]);
            assert_eq!(changed, grown_by(&[(&format!("tokens_refused_{reason}"), 1)]));
        });
        let refused = |count| difference(&Growth::new(), &grown_by(&[("tokens_refused", count)]));
        assert_eq!((app, default), (refused(in_app), refused(in_default)));
    }
    let realms = ["app", "default"].map(|realm| realm_stats(conn, realm));
    assert_sums(conn, &realms, 3);

    // With one realm, every token is a token of that realm.
    exec(conn, &["CONFIG", "SET", "jrs.realms-file", ""]);
    for token in [forged("unknown"), "eyJ.e30".to_owned(), "e".repeat(100_000)] {
        let before = realm_stats(conn, "default");
        assert!(counted(conn, &["JRS.GET", &token]).1.is_err());
        assert_eq!(difference(&before, &realm_stats(conn, "default")), grown_by(&[("tokens_refused", 1)]));
    }
}

#[test]
fn counters_survive_reloads_and_totals_never_decrease() {
    let server = server("");
    let conn = &mut server.conn();
    for _ in 0..3 {
        create(conn, "ada", "{}", &["REALM", "app"]);
    }
    let token = create(conn, "ada", "{}", &["REALM", "app"]);
    create(conn, "ada", "{}", &[]);
    exec(conn, &["JRS.RELOAD"]);
    exec(conn, &["CONFIG", "SET", "jrs.max-age", "1000"]);
    assert_eq!(["app", "default"].map(|realm| realm_stats(conn, realm)["created"]), [4, 1]);

    exec(conn, &["CONFIG", "SET", "jrs.realms-file", ""]);
    let without = fields(conn, "jrs");
    assert!(!without.keys().any(|name| name.ends_with("_app")), "{without:?}");
    assert_eq!(without["sessions_created"], "5", "the sum has the removed realm");
    assert!(counted(conn, &["JRS.GET", &token]).0.contains_key("tokens_refused_unknown_key"));

    exec(conn, &["CONFIG", "SET", "jrs.realms-file", "realms.toml"]);
    assert_eq!(realm_stats(conn, "app")["created"], 4);
    assert_eq!(in_realms(conn, |conn| exec(conn, &["JRS.PEEK", &token]))[0], grown_by(&[("read", 1)]));
    assert_eq!(fields(conn, "jrs")["sessions_created"], "5");

    // A reload that fails changes no counter but its own.
    fs::write(server.dir().join("realms.toml"), "[realm.app]\nkeyspace = 'app:'\n").unwrap();
    assert_eq!(counted(conn, &["JRS.RELOAD"]).0, grown_by(&[("keys_reloads_failed", 1)]));
}

#[test]
fn commands_of_transactions_and_scripts_are_counted() {
    for keys in [SECRET.to_owned(), elliptic_jwk().to_string()] {
        let server = Server::builder().keys(keys.as_bytes()).start();
        let conn = &mut server.conn();
        let token = create(conn, "ada", "{}", &[]);
        let gone = create(conn, "ada", "{}", &[]);
        exec(conn, &["JRS.DESTROY", &gone]);
        let expected = grown_by(&[("created", 1), ("read", 1), ("null_reads", 1), ("updated", 1), ("conflicts", 1)]);
        let commands: [&[&str]; 5] = [
            &["JRS.CREATE", "ada", "{}"],
            &["JRS.PEEK", &token],
            &["JRS.GET", &gone],
            &["JRS.UPDATE", &token, "{}"],
            &["JRS.UPDATE", &token, "{}", "IFMATCH", "0000000000000000"],
        ];

        let before = realm_stats(conn, "default");
        exec(conn, &["MULTI"]);
        for words in commands {
            exec(conn, words);
        }
        assert_eq!(difference(&before, &realm_stats(&mut server.conn(), "default")), Growth::new(), "none has run yet");
        // One of the replies is an error.
        drop(send::<redis::Value>(conn, &["EXEC"]));
        assert_eq!(difference(&before, &realm_stats(conn, "default")), expected);

        let before = realm_stats(conn, "default");
        for words in commands {
            let script = "return redis.pcall(unpack(ARGV))";
            drop(send::<redis::Value>(conn, &[&["EVAL", script, "0"], words].concat()));
        }
        assert_eq!(difference(&before, &realm_stats(conn, "default")), expected);
    }
}
