//! The world changes while slow signatures are in flight: the server checks nothing again, so the module has to.

use std::fs;

use redis::{Connection, Value};

use crate::support::{
    Server, await_that,
    in_flight::{
        self, InFlight, OWNERS, assert_sound, await_waiting, created, meanwhile, meanwhile_verifying, openssl_key,
        outcomes, sessions_of, slow, token_commands, words,
    },
    sessions::{assert_indexed, contents, create, exec, get, refusal, send},
    tokens::{header, key},
};

/// How often each race is run.
const ROUNDS: usize = 3;
/// How many slow signatures keep the thread busy.
const CREATES: usize = 40;

/// Sends CREATEs and behind them all commands on sessions that exist, runs `change` while they wait, and returns the
/// tokens of those sessions with the outcomes of the commands behind, in the order of [`token_commands`].
fn race(server: &Server, change: &[&str]) -> ([String; OWNERS.len()], InFlight) {
    let conn = &mut server.conn();
    let tokens = in_flight::tokens(conn, OWNERS);
    for token in &tokens {
        // Far from where a GET would move it to.
        exec(conn, &["EXPIRE", &key(token), "40000"]);
    }
    let flood = InFlight::behind_creates(server, CREATES, &token_commands(&tokens));
    // All of these; CREATEs come before them.
    meanwhile_verifying(conn, OWNERS.len() as u64, change).unwrap_or_else(|error| panic!("{change:?}: {error}"));
    (tokens, flood)
}

/// Splits replies to CREATEs from those to the commands behind them.
fn split<T>(replies: &[T]) -> (&[T], &[T]) {
    replies.split_at(CREATES)
}

fn set(conn: &mut Connection, name: &str, value: &str) {
    exec(conn, &["CONFIG", "SET", name, value]);
}

#[test]
fn sessions_do_not_come_back_after_flushall() {
    let mut server = slow().start();
    for _ in 0..ROUNDS {
        let (tokens, mut flood) = race(&server, &["FLUSHALL"]);
        let replies = flood.replies();
        let (creates, others) = split(&replies);
        let expected = [Value::Nil, Value::Nil, Value::Nil, Value::Nil, Value::Int(0), Value::Nil];
        for (reply, expected) in others.iter().zip(expected) {
            assert_eq!(*reply.as_ref().unwrap(), expected);
        }
        let conn = &mut server.conn();
        let alive: Vec<_> =
            created(creates).into_iter().filter(|token| get(conn, token).is_some()).map(|token| key(&token)).collect();
        assert!(tokens.iter().all(|token| get(conn, token).is_none()));
        assert_indexed(conn, "flood", &alive);
        assert_eq!(contents(conn).len(), alive.len(), "nothing but what was made after it");
        assert_sound(&mut server);
    }
}

#[test]
fn a_session_that_others_end_or_replace_is_not_brought_back() {
    let mut server = slow().start();
    let conn = &mut server.conn();
    for _ in 0..ROUNDS {
        let [update, touch] = in_flight::tokens(conn, ["update", "touch"]);
        let commands = [words(&["JRS.UPDATE", &update, "{}"]), words(&["JRS.TOUCH", &touch])];
        let mut flood = InFlight::behind_creates(&server, CREATES, &commands);
        meanwhile_verifying(conn, 2, &["DEL", &key(&update), &key(&touch)]).unwrap();
        exec(conn, &["LPUSH", &key(&touch), "a list"]);
        let replies = flood.replies();
        assert_eq!(*replies[CREATES].as_ref().unwrap(), Value::Nil);
        assert_eq!(outcomes(&replies)[CREATES + 1], "WRONGTYPE");
        assert!(sessions_of(conn, "update").is_empty());
        exec(conn, &["FLUSHALL"]);
        assert_sound(&mut server);
    }
}

#[test]
fn nothing_is_written_while_writes_are_paused() {
    let mut server = slow().start();
    let conn = &mut server.conn();
    for _ in 0..ROUNDS {
        let (tokens, mut flood) = race(&server, &["CLIENT", "PAUSE", "600000", "WRITE"]);
        let before = contents(conn);
        let replies = flood.replies();
        let outcomes = outcomes(&replies);
        let (creates, others) = split(&outcomes);
        assert_eq!(others, ["ok", "ok", "TRYAGAIN", "TRYAGAIN", "TRYAGAIN", "TRYAGAIN"]);
        assert!(creates.iter().all(|outcome| ["ok", "TRYAGAIN"].contains(outcome)), "{creates:?}");
        assert!(creates.contains(&"TRYAGAIN"));
        assert_eq!(contents(conn), before, "written while paused");
        assert_sound(&mut server);
        exec(conn, &["CLIENT", "UNPAUSE"]);
        assert_eq!(created(&replies[..CREATES]).len(), sessions_of(conn, "flood").len());
        assert!(tokens.iter().all(|token| get(conn, token).is_some()));
        exec(conn, &["FLUSHALL"]);
    }
    // A pause of all commands ends by itself only; what is behind it in the queue may be done then.
    let (_, mut flood) = race(&server, &["CLIENT", "PAUSE", "500", "ALL"]);
    let replies = flood.replies();
    let others = split(&outcomes(&replies)).1.to_vec();
    assert!(others[..2] == ["ok"; 2] && others.iter().all(|word| ["ok", "TRYAGAIN"].contains(word)), "{others:?}");
    assert_sound(&mut server);
}

#[test]
fn nothing_is_written_on_a_server_that_becomes_a_replica() {
    let mut server = slow().start();
    let conn = &mut server.conn();
    for _ in 0..ROUNDS {
        // Nobody listens there, so the data stays.
        let (tokens, mut flood) = race(&server, &["REPLICAOF", "127.0.0.1", "1"]);
        let before = contents(conn);
        let replies = flood.replies();
        let others = split(&replies).1;
        assert!(others.iter().all(Result::is_err), "{others:?}");
        let peeked: Value = send(conn, &["JRS.PEEK", &tokens[0]]).unwrap();
        assert_ne!(peeked, Value::Nil);
        assert_eq!(contents(conn), before, "written on a replica");
        exec(conn, &["REPLICAOF", "NO", "ONE"]);
        assert_eq!(created(&replies[..CREATES]).len(), sessions_of(conn, "flood").len());
        create(conn, "ada", "{}", &[]);
        exec(conn, &["FLUSHALL"]);
        assert_sound(&mut server);
    }
}

#[test]
fn a_replica_that_may_be_written_is() {
    let mut server = slow().config("replica-read-only", "no").config("replicaof", "127.0.0.1 1").start();
    let conn = &mut server.conn();
    let token = create(conn, "ada", "{}", &[]);
    exec(conn, &["JRS.UPDATE", &token, r#"{"a":1}"#]);
    assert_eq!(get(conn, &token).expect("a session").data, r#"{"a":1}"#);
    assert_sound(&mut server);
}

#[test]
fn a_failover_loses_nothing_that_was_answered() {
    for _ in 0..ROUNDS {
        let mut primary = slow().config("repl-diskless-sync-delay", "0").start();
        let mut replica = slow().config("replicaof", &format!("127.0.0.1 {}", primary.port())).start();
        let state = |server: &Server, state: &str| {
            await_that(state, || {
                let info: String = send(&mut server.conn(), &["INFO", "replication"]).unwrap();
                info.contains(state).then_some(())
            });
        };
        state(&replica, "master_link_status:up");
        state(&primary, "state=online");
        let (_, mut flood) = race(&primary, &["FAILOVER"]);
        let replies = flood.replies();
        let refusals = outcomes(&replies).into_iter().filter(|outcome| *outcome != "ok");
        let refusals: Vec<&str> = refusals.collect();
        assert!(
            refusals.iter().all(|word| ["TRYAGAIN", "UNBLOCKED", "READONLY", "gone"].contains(word)),
            "{refusals:?}"
        );
        state(&replica, "role:master");
        state(&primary, "role:slave");
        state(&primary, "master_link_status:up");
        let conn = &mut replica.conn();
        let lost = created(&replies[..CREATES]).iter().filter(|token| get(conn, token).is_none()).count();
        assert_eq!(lost, 0);
        create(conn, "ada", "{}", &[]);
        exec(conn, &["WAIT", "1", "10000"]);
        assert_eq!(contents(conn), contents(&mut primary.conn()));
        assert_sound(&mut primary);
        assert_sound(&mut replica);
    }
}

#[test]
fn nothing_grows_once_memory_is_full() {
    let mut server = slow().start();
    let conn = &mut server.conn();
    for _ in 0..ROUNDS {
        let (tokens, mut flood) = race(&server, &["CONFIG", "SET", "maxmemory", "1"]);
        let replies = flood.replies();
        let outcomes = outcomes(&replies);
        let (creates, others) = split(&outcomes);
        assert_eq!(others, ["ok", "ok", "OOM", "ok", "ok", "OOM"]);
        assert!(creates.contains(&"OOM") && creates.iter().all(|outcome| ["ok", "OOM"].contains(outcome)));
        set(conn, "maxmemory", "0");
        assert_eq!(created(&replies[..CREATES]).len(), sessions_of(conn, "flood").len());
        assert_eq!(get(conn, &tokens[2]).expect("a session").data, r#"{"old":1}"#);
        exec(conn, &["FLUSHALL"]);
        assert_sound(&mut server);
    }
}

#[test]
fn what_the_server_may_evict_for_is_written() {
    let mut server = slow().start();
    let conn = &mut server.conn();
    for _ in 0..ROUNDS {
        let (_, mut flood) = race(&server, &["CONFIG", "SET", "maxmemory-policy", "allkeys-random", "maxmemory", "1"]);
        let replies = flood.replies();
        assert!(outcomes(&replies).iter().all(|outcome| ["ok", "gone"].contains(outcome)), "{replies:?}");
        exec(conn, &["CONFIG", "SET", "maxmemory-policy", "noeviction", "maxmemory", "0"]);
        exec(conn, &["FLUSHALL"]);
        assert_sound(&mut server);
    }
}

#[test]
fn permissions_that_are_taken_away_meanwhile_are_missing() {
    let mut server = slow().start();
    let conn = &mut server.conn();
    for change in [&["resetkeys", "~other:*"][..], &["resetkeys"], &["resetkeys", "%R~sess:*"]] {
        exec(conn, &["ACL", "SETUSER", "app", "reset", "on", "nopass", "+@all", "~sess:*"]);
        let tokens = in_flight::tokens(conn, OWNERS);
        let mut commands = vec![words(&["JRS.CREATE", "flood", "{}"]); CREATES];
        commands.extend(token_commands(&tokens));
        let user = || {
            let mut conn = server.conn();
            exec(&mut conn, &["AUTH", "app", "any"]);
            conn
        };
        let late_connections = OWNERS.iter().map(|_| user()).collect();
        // One after the other: the commands on sessions have to be behind the rest.
        let late = commands.split_off(CREATES);
        let mut flood = InFlight::start(commands.iter().map(|_| user()).collect(), &commands);
        await_waiting(conn, 6);
        flood.join(InFlight::start(late_connections, &late));
        meanwhile_verifying(conn, OWNERS.len() as u64, &[&["ACL", "SETUSER", "app"], change].concat()).unwrap();
        let replies = flood.replies();
        let outcomes = outcomes(&replies);
        let (creates, others) = split(&outcomes);
        let peek = if change.contains(&"%R~sess:*") { "ok" } else { "NOPERM" };
        assert_eq!(others, ["NOPERM", peek, "NOPERM", "NOPERM", "NOPERM", "NOPERM"], "{change:?}");
        assert!(creates.contains(&"NOPERM"), "{creates:?}");
        assert_eq!(sessions_of(conn, "flood").len(), created(&replies[..CREATES]).len());
        assert!(tokens.iter().all(|token| get(conn, token).is_some_and(|session| session.data == r#"{"old":1}"#)));
        exec(conn, &["FLUSHALL"]);
        assert_sound(&mut server);
    }
    // A user that is gone, whose connections the server ends.
    exec(conn, &["ACL", "SETUSER", "app", "reset", "on", "nopass", "+@all", "~sess:*"]);
    let mut connections: Vec<_> = (0..CREATES).map(|_| server.conn()).collect();
    for connection in &mut connections {
        exec(connection, &["AUTH", "app", "any"]);
    }
    let mut flood = InFlight::start(connections, &vec![words(&["JRS.CREATE", "flood", "{}"]); CREATES]);
    meanwhile(conn, 6, &["ACL", "DELUSER", "app"]).unwrap();
    let made = created(&flood.replies()).len();
    create(conn, "ada", "{}", &[]);
    assert_eq!(sessions_of(conn, "flood").len(), made);
    assert_sound(&mut server);
}

#[test]
fn a_slot_that_is_given_away_meanwhile_gets_no_session() {
    let cluster = slow().config("cluster-enabled", "yes").config("cluster-require-full-coverage", "no");
    let mut server = cluster.start();
    let conn = &mut server.conn();
    exec(conn, &["CLUSTER", "ADDSLOTSRANGE", "0", "16383"]);
    await_that("the cluster", || {
        let info: String = send(conn, &["CLUSTER", "INFO"]).unwrap();
        info.contains("cluster_state:ok").then_some(())
    });
    let slot = send::<u16>(conn, &["CLUSTER", "KEYSLOT", "flood"]).unwrap().to_string();
    for _ in 0..ROUNDS {
        let mut flood = InFlight::creates(&server, CREATES);
        meanwhile(conn, 5, &["CLUSTER", "DELSLOTS", &slot]).unwrap();
        let replies = flood.replies();
        let outcomes = outcomes(&replies);
        assert!(outcomes.contains(&"TRYAGAIN"), "{outcomes:?}");
        assert!(outcomes.iter().all(|outcome| ["ok", "TRYAGAIN"].contains(outcome)), "{outcomes:?}");
        exec(conn, &["CLUSTER", "ADDSLOTS", &slot]);
        assert_eq!(sessions_of(conn, "flood").len(), created(&replies).len());
        assert_eq!(send::<usize>(conn, &["JRS.DESTROYALL", "flood"]).unwrap(), created(&replies).len());
        assert_sound(&mut server);
    }
}

#[test]
fn a_key_that_is_taken_out_meanwhile_opens_and_makes_nothing() {
    let mut server = slow().start();
    let conn = &mut server.conn();
    let path = server.dir().join("keys");
    let (old, new) = (fs::read_to_string(&path).unwrap(), openssl_key(&["-algorithm", "ED25519"]));
    for change in [&["JRS.RELOAD"][..], &["CONFIG", "SET", "jrs.keys-file", "other"]] {
        for _ in 0..ROUNDS {
            fs::write(&path, &old).unwrap();
            set(conn, "jrs.keys-file", path.to_str().unwrap());
            exec(conn, &["JRS.RELOAD"]);
            let old_kid = header(&create(conn, "ada", "{}", &[]))["kid"].clone();
            let tokens = in_flight::tokens(conn, OWNERS);
            // Nobody reads these before the change; a disk may be slower than the signatures are.
            fs::write(&path, &new).unwrap();
            fs::write(server.dir().join("other"), &new).unwrap();
            let mut flood = InFlight::behind_creates(&server, CREATES, &token_commands(&tokens));
            meanwhile_verifying(conn, OWNERS.len() as u64, change).unwrap();
            let replies = flood.replies();
            assert_eq!(split(&outcomes(&replies)).1, ["BADTOKEN"; OWNERS.len()], "{change:?}");
            let made = created(&replies[..CREATES]);
            assert_eq!(made.len(), CREATES, "{replies:?}");
            let (before, after): (Vec<_>, Vec<_>) = made.iter().partition(|token| header(token)["kid"] == old_kid);
            assert!(!after.is_empty(), "the change came too late");
            assert!(after.iter().all(|token| get(conn, token).is_some()));
            assert!(before.iter().all(|token| refusal(conn, token) == "BADTOKEN"));
            exec(conn, &["FLUSHALL"]);
            assert_sound(&mut server);
        }
    }
}
