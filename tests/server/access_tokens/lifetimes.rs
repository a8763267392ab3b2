//! How long an access token lives, and how JRS.MINT extends its session.

use super::{mint, server};
use crate::support::{
    Server, await_that,
    cases::each,
    sessions::{assert_lives, assert_refused, contents, create, exec, expiry, get, millis, now, send},
    tokens::{SECRET, claims, id, key, signing_keys},
};

/// The seconds from `iat` to `exp`.
fn span(token: &str) -> i64 {
    end(token) - claims(token)["iat"].as_i64().unwrap()
}

/// `exp`, in seconds.
fn end(token: &str) -> i64 {
    claims(token)["exp"].as_i64().expect("exp is an integer")
}

#[test]
fn the_lifetime_is_that_of_the_command_or_the_setting() {
    let server = server(SECRET);
    let conn = &mut server.conn();
    let session = create(conn, "ada", "{}", &[]);
    assert_eq!(span(&mint(conn, &session, &[])), 300);
    for (options, seconds) in [
        (["EX", "1"], 1),
        (["ex", "3600"], 3600),
        (["PX", "1000"], 1),
        (["px", "3600000"], 3600),
        (["EX", "0600"], 600),
    ] {
        assert_eq!(span(&mint(conn, &session, &options)), seconds, "{options:?}");
    }
    // `exp` is rounded down to a second, so it may be a second less after `iat`, which is rounded down too.
    assert!([1, 2].contains(&span(&mint(conn, &session, &["PX", "1999"]))));
    exec(conn, &["CONFIG", "SET", "jrs.access-token-age", "3600"]);
    assert_eq!(span(&mint(conn, &session, &[])), 3600);
    exec(conn, &["CONFIG", "SET", "jrs.access-token-age", "1"]);
    assert_eq!(span(&mint(conn, &session, &[])), 1);
    // It does not limit EX.
    assert_eq!(span(&mint(conn, &session, &["EX", "100"])), 100);
}

#[test]
fn a_lifetime_outside_its_bounds_is_refused() {
    for keys in signing_keys() {
        let server = server(&keys);
        let conn = &mut server.conn();
        let session = create(conn, "ada", "{}", &[]);
        exec(conn, &["PEXPIRE", &key(&session), "5000000"]);
        for options in each([
            &["EX", "0"][..],
            &["EX", "-1"],
            &["EX", "3601"],
            &["EX", "1.5"],
            &["EX", "300s"],
            &["EX", "99999999999999999999"],
            &["EX"],
            &["PX", "0"],
            &["PX", "999"],
            &["PX", "3600001"],
            &["EX", "60", "PX", "60000", "EX", "60"],
            &["EX", "60", "EX", "60"],
            &["EXAT", "4102444800"],
        ]) {
            assert_refused(conn, "ERR", &[&["JRS.MINT", &*session], options].concat());
        }
    }
}

#[test]
fn an_access_token_never_outlives_its_session() {
    for keys in signing_keys() {
        let server = server(&keys);
        let conn = &mut server.conn();
        // A fixed deadline.
        let deadline = now() + 100;
        let session = create(conn, "ada", "{}", &["EXAT", &deadline.to_string()]);
        assert_eq!(end(&mint(conn, &session, &["EX", "3600"])), deadline);
        // The key's expiry, with a token that is not in the cache.
        let session = create(conn, "ada", "{}", &["EXAT", &deadline.to_string()]);
        exec(conn, &["PEXPIRE", &key(&session), "60000"]);
        let minted = mint(conn, &session, &["EX", "3600"]);
        assert_eq!(end(&minted), expiry(conn, &key(&session)) / 1000);
        // The session's ttl, from now on: the session is extended.
        let session = create(conn, "ada", "{}", &["EX", "200"]);
        exec(conn, &["PEXPIRE", &key(&session), "50000"]);
        let minted = mint(conn, &session, &["EX", "3600"]);
        assert_eq!(end(&minted), expiry(conn, &key(&session)) / 1000);
        assert!(end(&minted) > now() + 190, "{minted}");
        // The key's expiry, if no extension is due.
        exec(conn, &["PEXPIRE", &key(&session), "190000"]);
        let until = expiry(conn, &key(&session));
        assert_eq!(end(&mint(conn, &session, &[])), until / 1000);
        assert_eq!(expiry(conn, &key(&session)), until);
        // The max-lifetime.
        exec(conn, &["CONFIG", "SET", "jrs.max-lifetime", "150"]);
        let session = create(conn, "ada", "{}", &[]);
        assert_eq!(end(&mint(conn, &session, &[])), claims(&session)["iat"].as_i64().unwrap() + 150);
    }
}

#[test]
fn a_session_that_ends_within_the_second_gets_none() {
    let server = server(SECRET);
    let conn = &mut server.conn();
    // On a busy machine the session may have ended before the commands run.
    await_that("a session in its last second", || {
        let deadline = now() * 1000 + 999;
        let session: String = send(conn, &["JRS.CREATE", "ada", "{}", "PXAT", &deadline.to_string()]).ok()?;
        let before = contents(conn);
        assert_eq!(send::<Option<String>>(conn, &["JRS.MINT", &session]).ok()?, None);
        (!before.is_empty() && contents(conn) == before).then_some(())
    });
    // A short ttl: each reply is null or a token that has not expired, and ends with the session.
    let session = create(conn, "ada", "{}", &["PX", "1500"]);
    for _ in 0..200 {
        let before = millis();
        if let Some(minted) = send::<Option<String>>(conn, &["JRS.MINT", &session]).unwrap() {
            assert!(
                end(&minted) * 1000 > before && end(&minted) * 1000 <= expiry(conn, &key(&session)).max(before + 1500)
            );
        }
    }
}

#[test]
fn the_session_is_extended_exactly_as_by_get() {
    for keys in signing_keys() {
        let server = server(&keys);
        let conn = &mut server.conn();
        let session = create(conn, "ada", "{}", &["EX", "1000"]);
        let key = key(&session);
        for (name, words) in [("get", &["JRS.GET", &session][..]), ("mint", &["JRS.MINT", &session])] {
            // A tenth of the ttl is 100 s; the touch-interval is 60 s.
            exec(conn, &["PEXPIRE", &key, "930000"]);
            assert_lives(conn, &key, 1_000_000, |conn| exec(conn, words));
            exec(conn, &["PEXPIRE", &key, "945000"]);
            let before = contents(conn);
            exec(conn, words);
            assert_eq!(contents(conn), before, "{name}: no extension is due");
            exec(conn, &["PEXPIRE", &key, "5000000"]);
            assert_lives(conn, &key, 1_000_000, |conn| exec(conn, words));
            exec(conn, &["PERSIST", &key]);
            assert_lives(conn, &key, 1_000_000, |conn| exec(conn, words));
        }
    }
}

#[test]
fn an_extension_is_replicated_as_that_of_get() {
    let server = Server::builder()
        .keys(SECRET.as_bytes())
        .args(&["issuer", "i", "audience", "a"])
        .config("notify-keyspace-events", "KEA")
        .start();
    let conn = &mut server.conn();
    let session = create(conn, "ada", "{}", &["EX", "1000"]);
    let key = key(&session);
    let mut events = |command: &str, ttl: &str| {
        exec(conn, &["PEXPIRE", &key, ttl]);
        let (mut listener, mut other) = (server.conn(), server.conn());
        let mut listener = listener.as_pubsub();
        listener.psubscribe("__keyevent@0__:*").unwrap();
        listener.subscribe("end").unwrap();
        exec(&mut other, &[command, &session]);
        exec(&mut other, &["PUBLISH", "end", ""]);
        let mut seen = Vec::new();
        loop {
            let message = listener.get_message().unwrap();
            if message.get_channel_name() == "end" {
                return seen;
            }
            seen.push((message.get_channel_name().to_owned(), message.get_payload::<String>().unwrap()));
        }
    };
    assert_eq!(events("JRS.MINT", "900000"), [("__keyevent@0__:expire".to_owned(), key.clone())]);
    assert_eq!(events("JRS.MINT", "900000"), events("JRS.GET", "900000"));
    assert_eq!(events("JRS.MINT", "990000"), []);
    assert!(get(conn, &session).is_some_and(|session_| session_.id == id(&session)));
}
