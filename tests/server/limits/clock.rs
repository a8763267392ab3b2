//! The wall clock of the server jumps forward and back.

use std::collections::{BTreeSet, HashMap};

use redis::{Connection, Value};

use crate::support::{
    Server, await_that,
    cases::cases,
    clock::Clock,
    in_flight::{self, Batch, OWNERS, assert_sound, await_idle, created, outcomes, sessions_of, slow, token_commands},
    owner_sessions::{assert_agree, assert_index_agrees, count, ids},
    sessions::{assert_lives, assert_refused, contents, create, exec, expiry, get, refusal, send},
    tokens::{claims, id, key, signing_keys},
};

/// `max-lifetime`, in seconds.
const MAX_LIFETIME: i64 = 7200;
const HOUR: i64 = 3600;

/// A server on a clock, with a `max-lifetime` in seconds.
fn start(clock: &Clock, keys: &str, max_lifetime: i64) -> Server {
    let builder = Server::builder().keys(keys.as_bytes()).arg("max-lifetime", &max_lifetime.to_string());
    clock.of(builder.config("appendonly", "yes").config("appendfsync", "always")).start()
}

/// Whether JRS.INSPECT says that the session is alive.
fn is_active(conn: &mut Connection, token: &str) -> bool {
    let report: HashMap<String, Value> = send(conn, &["JRS.INSPECT", token]).unwrap();
    report["active"] == Value::Int(1)
}

#[test]
fn sessions_end_when_the_clock_jumps_over_their_expiry() {
    for keys in signing_keys() {
        let clock = Clock::new();
        let server = start(&clock, &keys, MAX_LIFETIME);
        let conn = &mut server.conn();
        let short = create(conn, "ada", "{}", &["EX", "1000"]);
        let long = create(conn, "ada", r#"{"n":1}"#, &["EX", "7000"]);
        clock.set(conn, HOUR);
        assert!(get(conn, &short).is_none() && !is_active(conn, &short));
        assert_eq!(get(conn, &long).expect("a session").data, r#"{"n":1}"#);
        assert_eq!((ids(conn, "ada"), count(conn, "ada")), (vec![id(&long)], 1));
        let fresh = create(conn, "ada", "{}", &["EX", "1000"]);
        assert!(get(conn, &fresh).is_some());
        // The limit of a session counts from its start, whatever its key's expiry is.
        exec(conn, &["PERSIST", &key(&long)]);
        clock.set(conn, MAX_LIFETIME);
        assert_refused(conn, "EXPIREDTOKEN", &["JRS.GET", &long]);
        assert_eq!(send::<i64>(conn, &["JRS.DESTROY", &long]).unwrap(), 1);
        await_that("the expiry", || (send::<i64>(conn, &["DBSIZE"]).unwrap() == 0).then_some(()));
        assert_index_agrees(conn);
        // What expired stays expired when the clock returns.
        clock.set(conn, 0);
        assert!([short, long, fresh].iter().all(|token| !is_active(conn, token)));
    }
}

#[test]
fn a_token_from_the_future_has_no_start() {
    for keys in signing_keys() {
        let clock = Clock::new();
        let mut server = start(&clock, &keys, MAX_LIFETIME);
        let conn = &mut server.conn();
        clock.set(conn, HOUR);
        let [future, logout] = [(); 2].map(|()| create(conn, "ada", "{}", &["EX", "1000"]));
        clock.set(conn, 0);
        // The second time the token may be cached; after the restart it is not.
        for restarts in [false, false, true] {
            if restarts {
                server.kill();
                server.restart();
            }
            let conn = &mut server.conn();
            for words in [
                &["JRS.GET", &*future][..],
                &["JRS.GET", &key(&future), &future],
                &["JRS.PEEK", &future],
                &["JRS.TOUCH", &future],
                &["JRS.UPDATE", &future, r#"{"n":2}"#],
                &["JRS.ROTATE", &future],
                &["JRS.ROTATE", &future, "REAUTH"],
                &["JRS.DESTROYALL", "ada", "EXCEPT", &future],
            ] {
                assert_refused(conn, "BADTOKEN", words);
            }
            assert!(!is_active(conn, &future));
        }
        let conn = &mut server.conn();
        assert_eq!(assert_agree(conn, "ada").len(), 2);
        assert_eq!(send::<i64>(conn, &["JRS.DESTROY", &logout]).unwrap(), 1, "a logout works");
        // The token works again when the clock reaches its start.
        clock.set(conn, HOUR + 1);
        assert!(get(conn, &future).is_some());
        clock.set(conn, 0);
        assert_eq!(send::<i64>(conn, &["JRS.DESTROYALL", "ada"]).unwrap(), 1);
        assert!(contents(conn).is_empty());
    }
}

#[test]
fn a_clock_that_is_set_back_by_seconds_refuses_no_token() {
    let clock = Clock::new();
    let server = start(&clock, &signing_keys().next().unwrap(), MAX_LIFETIME);
    let conn = &mut server.conn();
    clock.set(conn, 45);
    let token = create(conn, "ada", "{}", &[]);
    clock.set(conn, 0);
    assert!(get(conn, &token).is_some());
    let rotated: String = send(conn, &["JRS.ROTATE", &token]).unwrap();
    assert!(get(conn, &rotated).is_some() && get(conn, &token).is_none());
}

#[test]
fn without_max_lifetime_a_token_from_the_future_is_used() {
    for keys in signing_keys() {
        let clock = Clock::new();
        let server = start(&clock, &keys, 0);
        let conn = &mut server.conn();
        clock.set(conn, HOUR);
        let future = create(conn, "ada", "{}", &["EX", "1000"]);
        clock.set(conn, 0);
        assert!(expiry(conn, &key(&future)) > clock.millis() + HOUR * 1000);
        // The expiry is counted from the present.
        let session = assert_lives(conn, &key(&future), 1_000_000, |conn| get(conn, &future));
        assert_eq!(session.expect("a session").ttl, 1000);
        let rotated: String = send(conn, &["JRS.ROTATE", &future]).unwrap();
        let iat = claims(&rotated)["iat"].as_i64().unwrap();
        assert!(iat <= clock.millis() / 1000, "the successor starts now: {iat}");
        assert!(get(conn, &rotated).is_some() && get(conn, &future).is_none());
    }
}

/// Creates sessions of ada at these shifts of the clock, in seconds. Returns their tokens in this order.
fn create_at(clock: &Clock, conn: &mut Connection, shifts: &[i64]) -> Vec<String> {
    let mut tokens = Vec::new();
    for shift in shifts {
        clock.set(conn, *shift);
        tokens.extend((0..5).map(|_| create(conn, "ada", "{}", &["EX", "100000"])));
    }
    tokens
}

#[test]
fn ids_stay_unique_and_in_order_when_the_clock_jumps() {
    let clock = Clock::new();
    let mut server = start(&clock, &signing_keys().next().unwrap(), MAX_LIFETIME);
    let conn = &mut server.conn();
    let tokens = create_at(&clock, conn, &[0, 600, 0, -600, 0]);
    let made: Vec<String> = tokens.iter().map(|token| id(token)).collect();
    assert_eq!(assert_agree(conn, "ada"), made, "the list is in the order of creation");
    // The last ids are ahead of the clock, and the tokens say when they were issued.
    for token in &tokens[10..] {
        let iat = claims(token)["iat"].as_i64().unwrap();
        assert!(get(conn, token).is_some());
        let end = expiry(conn, &key(token));
        assert_eq!(end, (iat + MAX_LIFETIME) * 1000, "max-lifetime counts from the issue, not from the id");
    }
    // A new process does not know the last id. Its ids are still new.
    server.kill();
    server.restart();
    let conn = &mut server.conn();
    let later = create_at(&clock, conn, &[0, 300, -300]);
    let all: BTreeSet<String> = tokens.iter().chain(&later).map(|token| id(token)).collect();
    assert_eq!(all.len(), tokens.len() + later.len());
    assert_eq!(assert_agree(conn, "ada"), all.into_iter().collect::<Vec<_>>());
}

#[test]
fn max_sessions_holds_when_the_clock_jumps() {
    for policy in cases([("evict-oldest", "evict-oldest"), ("reject", "reject")]) {
        let clock = Clock::new();
        let mut server = start(&clock, &signing_keys().next().unwrap(), 0);
        let conn = &mut server.conn();
        exec(
            conn,
            &["CONFIG", "SET", "jrs.max-sessions", "3", "jrs.max-sessions-policy", policy, "jrs.max-age", "9000"],
        );
        exec(conn, &["CONFIG", "REWRITE"]);
        clock.set(conn, HOUR);
        for _ in 0..3 {
            create(conn, "ada", "{}", &[]);
        }
        clock.set(conn, 0);
        server.kill();
        server.restart();
        let conn = &mut server.conn();
        if policy == "reject" {
            assert_refused(conn, "TOOMANY", &["JRS.CREATE", "ada", "{}"]);
        } else {
            // The new ids sort before those of the sessions that exist.
            for _ in 0..3 {
                let token = create(conn, "ada", "{}", &[]);
                assert!(get(conn, &token).is_some(), "a new session is not evicted by its own creation");
                assert_eq!(assert_agree(conn, "ada").len(), 3);
            }
        }
        assert_eq!(refusal(conn, "eyJ"), "BADTOKEN");
        clock.set(conn, 2 * HOUR + 9000);
        assert_eq!(count(conn, "ada"), 0, "all have expired");
        create(conn, "ada", "{}", &[]);
    }
}

/// Redis since 7.2 and Valkey refuse a command that has waited for 30 seconds, by the clock, with `BUSY`.
#[test]
fn a_jump_while_commands_wait_leaves_no_half_done_command() {
    let clock = Clock::new();
    let mut server = clock.of(slow()).start();
    let conn = &mut server.conn();
    let tokens = in_flight::tokens(conn, OWNERS);
    let commands = token_commands(&tokens);
    let (mut waiting, ping) = Batch::creates(&server, 40).and(&commands).meanwhile(conn, 5, &["PING"]);
    ping.unwrap();
    clock.set(conn, HOUR);
    let replies = waiting.replies();
    let outcomes = outcomes(&replies);
    assert!(outcomes.iter().all(|outcome| ["ok", "BUSY"].contains(outcome)), "{outcomes:?}");
    await_idle(conn);
    assert_eq!(sessions_of(conn, "in-flight").len(), created(&replies[..40]).len(), "{outcomes:?}");
    for (owner, outcome) in OWNERS.into_iter().zip(&outcomes[40..]) {
        let is_done = *outcome == "ok";
        assert_eq!(count(conn, owner), usize::from(owner != "destroy" || !is_done), "{owner}: {outcome}");
    }
    assert_eq!(get(conn, &tokens[5]).is_none(), outcomes[45] == "ok", "the rotated session");
    // The next commands get their own replies.
    let token = create(conn, "ada", r#"{"n":1}"#, &[]);
    assert_eq!(get(conn, &token).expect("a session").data, r#"{"n":1}"#);
    assert_sound(&mut server);
}
