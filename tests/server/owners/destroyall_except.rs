//! JRS.DESTROYALL of thousands of sessions whose EXCEPT token is verified on a crypto thread first.

use redis::{Connection, Value};
use serde_json::json;

use crate::support::{
    Server, await_that,
    cases::cases,
    in_flight::{Batch, assert_sound, await_idle, outcomes, slow, words},
    owner_sessions::{assert_agree, count, fill, info},
    sessions::{begin, create, end, exec, get, now, refused, send},
    tokens::{self, id},
};

/// Enough sessions that a test can act before all are destroyed.
const SOME: usize = 40_000;
/// How many creates keep the crypto thread busy.
const CREATES: usize = 25;

/// How many keys are left.
fn left(conn: &mut Connection) -> usize {
    send(conn, &["DBSIZE"]).unwrap()
}

/// Creates many sessions of ada. Returns the token of the last one, which is not in the token cache.
fn fill_and_create(conn: &mut Connection) -> String {
    fill(conn, "ada", SOME);
    create(conn, "ada", "{}", &[])
}

/// Starts to destroy all sessions of ada but that of `token`, and returns after the first slice.
fn begin_slices(conn: &mut Connection, destroying: &mut Connection, token: &str) {
    let before = left(conn);
    begin(destroying, &["JRS.DESTROYALL", "ada", "EXCEPT", token]);
    await_that("the first slice", || (left(conn) < before).then_some(()));
}

/// Runs `act` on a server until it returns true. On a busy machine the command may end before the test acts.
fn until_in_time(mut act: impl FnMut(&mut Server, &mut Connection) -> bool) {
    await_that("an action during JRS.DESTROYALL", || {
        let mut server = slow().start();
        let conn = &mut server.conn();
        let in_time = act(&mut server, conn);
        assert_sound(&mut server);
        in_time.then_some(())
    });
}

#[test]
fn the_excepted_session_and_new_sessions_stay() {
    until_in_time(|server, conn| {
        let token = fill_and_create(conn);
        let command = words(&["JRS.DESTROYALL", "ada", "EXCEPT", &token]);
        // The command starts when its token is verified, and destroys all sessions that exist then.
        let set = ["SET", "sess:{ada}:01890a5d-ac96-774b-bcce-b302099a8057", "{}"];
        let (mut waiting, reply) = Batch::creates(server, CREATES).and(&[command]).meanwhile_verifying(conn, 1, &set);
        reply.unwrap();
        await_that("the first slice", || (left(conn) < SOME).then_some(()));
        exec(conn, &["SET", "sess:{ada}:01890a5d-ac96-774b-bcce-b302099a8058", "{}", "EX", "1000"]);
        let in_time = left(conn) > 1000;
        let late = create(conn, "ada", "{}", &[]);
        assert_eq!(*waiting.replies()[CREATES].as_ref().unwrap(), Value::Int(i64::try_from(SOME).unwrap() + 1));
        let left = assert_agree(conn, "ada");
        assert!(left.contains(&id(&token)) && left.contains(&id(&late)), "{left:?}");
        assert!(get(conn, &token).is_some() && get(conn, &late).is_some());
        in_time
    });
}

#[test]
fn a_refused_token_destroys_nothing() {
    let server = slow().start();
    let conn = &mut server.conn();
    let ada = fill_and_create(conn);
    let [bob, anonymous] = ["bob", ""].map(|owner| create(conn, owner, "{}", &[]));
    let short = create(conn, "ada", "{}", &["EXAT", &(now() + 3).to_string()]);
    let other = tokens::token(&json!({"jti": "{ada}:01890a5d-ac96-774b-bcce-b302099a8057", "sub": "ada"}));
    let forged = format!("{}AAAA", &ada[..ada.len() - 4]);
    await_that("the deadline of the short session", || {
        send::<Value>(conn, &["JRS.PEEK", &short])
            .is_err_and(|error| error.code() == Some("EXPIREDTOKEN"))
            .then_some(())
    });
    let before = count(conn, "ada");
    let counted = info(conn, "jrs_sessions", "jrs_sessions_destroyed");
    for (word, token) in cases([
        ("another owner", ("BADTOKEN", &bob)),
        ("anonymous", ("BADTOKEN", &anonymous)),
        ("forged", ("BADTOKEN", &forged)),
        ("another key", ("BADTOKEN", &other)),
        ("expired", ("EXPIREDTOKEN", &short)),
    ]) {
        assert_eq!(refused(conn, &["JRS.DESTROYALL", "ada", "EXCEPT", token]), word);
        let command = words(&["JRS.DESTROYALL", "ada", "EXCEPT", token]);
        let mut waiting = Batch::creates(&server, CREATES).and(&[command]).send();
        assert_eq!(outcomes(&waiting.replies())[CREATES], word);
    }
    assert_eq!((count(conn, "ada"), count(conn, "bob")), (before, 1));
    assert_eq!(info(conn, "jrs_sessions", "jrs_sessions_destroyed"), counted);
    // The token of the other owner can be excepted for that owner.
    assert_eq!(send::<i64>(conn, &["JRS.DESTROYALL", "bob", "EXCEPT", &bob]).unwrap(), 0);
    assert_eq!(send::<usize>(conn, &["JRS.DESTROYALL", "ada", "EXCEPT", &ada]).unwrap(), SOME);
}

#[test]
fn destroyall_stops_when_the_server_becomes_a_replica() {
    let primary = Server::builder().without_module().start();
    until_in_time(|server, conn| {
        let token = fill_and_create(conn);
        let mut destroying = server.conn();
        begin_slices(conn, &mut destroying, &token);
        exec(conn, &["REPLICAOF", "127.0.0.1", &primary.port().to_string()]);
        let in_time = end(&mut destroying).is_err();
        exec(conn, &["REPLICAOF", "NO", "ONE"]);
        exec(conn, &["FLUSHALL"]);
        let next = create(conn, "ada", "{}", &[]);
        create(conn, "ada", "{}", &[]);
        assert_eq!(send::<i64>(conn, &["JRS.DESTROYALL", "ada", "EXCEPT", &next]).unwrap(), 1);
        assert_eq!(assert_agree(conn, "ada"), [id(&next)]);
        in_time
    });
}

#[test]
fn destroyall_continues_when_its_client_is_killed() {
    until_in_time(|server, conn| {
        let token = fill_and_create(conn);
        let mut destroying = server.conn();
        let client: i64 = send(&mut destroying, &["CLIENT", "ID"]).unwrap();
        begin_slices(conn, &mut destroying, &token);
        assert_eq!(send::<i64>(conn, &["CLIENT", "KILL", "ID", &client.to_string()]).unwrap(), 1);
        let in_time = end(&mut destroying).is_err();
        await_that("the last slice", || (left(conn) == 1).then_some(()));
        assert_eq!(assert_agree(conn, "ada"), [id(&token)]);
        in_time
    });
}

#[test]
fn destroyall_runs_if_its_client_is_killed_before_the_token_is_verified() {
    let mut server = slow().start();
    let conn = &mut server.conn();
    let [token, _] = [(); 2].map(|()| create(conn, "ada", "{}", &[]));
    let mut destroying = server.conn();
    let client = send::<i64>(&mut destroying, &["CLIENT", "ID"]).unwrap().to_string();
    let command = words(&["JRS.DESTROYALL", "ada", "EXCEPT", &token]);
    let batch = Batch::creates(&server, CREATES).and_on(vec![destroying], &[command]);
    let (mut waiting, killed) = batch.meanwhile_verifying(conn, 1, &["CLIENT", "KILL", "ID", &client]);
    assert_eq!(killed.unwrap(), Value::Int(1));
    let replies = waiting.replies();
    let outcomes = outcomes(&replies);
    assert_eq!((&outcomes[..CREATES], outcomes[CREATES]), (&["ok"; CREATES][..], "gone"));
    await_that("the end of the command", || (count(conn, "ada") == 1).then_some(()));
    assert_eq!(assert_agree(conn, "ada"), [id(&token)]);
    assert_sound(&mut server);
}

#[test]
fn destroyall_of_a_deleted_user_destroys_nothing() {
    let mut server = slow().start();
    let conn = &mut server.conn();
    let token = fill_and_create(conn);
    exec(conn, &["ACL", "SETUSER", "limited", "reset", "on", ">pw", "+@all", "~sess:*"]);
    let mut limited = server.conn();
    exec(&mut limited, &["AUTH", "limited", "pw"]);
    let before = count(conn, "ada");
    let command = words(&["JRS.DESTROYALL", "ada", "EXCEPT", &token]);
    let batch = Batch::creates(&server, CREATES).and_on(vec![limited], &[command]);
    let (mut waiting, deleted) = batch.meanwhile_verifying(conn, 1, &["ACL", "DELUSER", "limited"]);
    deleted.unwrap();
    let replies = waiting.replies();
    assert!(replies[CREATES].is_err());
    assert_eq!(outcomes(&replies)[..CREATES], ["ok"; CREATES]);
    await_idle(conn);
    assert_eq!(send::<usize>(conn, &["JRS.DESTROYALL", "in-flight"]).unwrap(), CREATES);
    assert_eq!(count(conn, "ada"), before);
    assert_sound(&mut server);
}

#[test]
fn transactions_and_scripts_run_destroyall_at_once() {
    let mut server = slow().start();
    let conn = &mut server.conn();
    for script in cases([("a script", true), ("a transaction", false)]) {
        let token = fill_and_create(conn);
        let reply: (usize, usize) = if script {
            let script =
                "return {redis.call('JRS.DESTROYALL', 'ada', 'EXCEPT', ARGV[1]), redis.call('JRS.COUNT', 'ada')}";
            send(conn, &["EVAL", script, "0", &token]).unwrap()
        } else {
            let mut pipe = redis::pipe();
            pipe.atomic().cmd("JRS.DESTROYALL").arg(&["ada", "EXCEPT", &token]).cmd("JRS.COUNT").arg("ada");
            pipe.query(conn).unwrap()
        };
        assert_eq!(reply, (SOME, 1));
        assert_eq!(assert_agree(conn, "ada"), [id(&token)]);
        // A refused command in a transaction does not stop the others.
        let bob = create(conn, "bob", "{}", &[]);
        exec(conn, &["MULTI"]);
        for words in [&["JRS.DESTROYALL", "ada", "EXCEPT", &*bob][..], &["JRS.COUNT", "ada"]] {
            exec(conn, words);
        }
        conn.send_packed_command(&redis::cmd("EXEC").get_packed_command()).unwrap();
        let Value::Array(replies) = conn.recv_response().unwrap() else { panic!("an array") };
        assert!(matches!(&replies[0], Value::ServerError(error) if error.code() == "BADTOKEN"), "{replies:?}");
        assert_eq!(replies[1], Value::Int(1));
        exec(conn, &["FLUSHALL"]);
    }
    assert_sound(&mut server);
}

#[test]
fn the_placeholder_of_a_redacted_token_is_not_a_token() {
    let mut server = slow().start();
    let conn = &mut server.conn();
    for slow in cases([("a token that is not cached", true), ("a cached token", false)]) {
        let token = create(conn, "ada", "{}", &[]);
        if !slow {
            assert!(get(conn, &token).is_some());
        }
        exec(conn, &["JRS.DESTROYALL", "ada", "EXCEPT", &token]);
        for redacted in ["(redacted)", ""] {
            assert_eq!(refused(conn, &["JRS.GET", redacted]), "BADTOKEN", "{redacted}");
        }
        assert_eq!(get(conn, &token).map(|session| session.id), Some(id(&token)));
    }
    assert_sound(&mut server);
}
