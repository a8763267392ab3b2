//! `JRS.LIST … LIMIT n AFTER id`: an owner's sessions page by page.

use std::collections::HashSet;

use redis::Connection;

use crate::support::{
    Server, await_that,
    cases::each,
    owner_sessions::{ListedSession, fill, ids, list},
    realms::add_app_realm,
    sessions::{assert_refused, create, exec, send},
    tokens::{SECRET, id, jwk},
};

fn server() -> Server {
    Server::builder().keys(SECRET.as_bytes()).start()
}

fn ids_of(listed: Vec<ListedSession>) -> Vec<String> {
    listed.into_iter().map(|session| session.id).collect()
}

/// Reads all pages of this length and runs `between` after each.
fn pages(conn: &mut Connection, limit: usize, mut between: impl FnMut(&mut Connection, &[String])) -> Vec<Vec<String>> {
    let (limit, mut pages, mut after) = (limit.to_string(), Vec::new(), None::<String>);
    loop {
        let mut words = vec!["ada", "LIMIT", &limit];
        words.extend(after.iter().flat_map(|id| ["AFTER", id.as_str()]));
        let page = ids_of(list(conn, &words));
        let Some(last) = page.last() else { return pages };
        after = Some(last.clone());
        between(conn, &page);
        pages.push(page);
    }
}

#[test]
fn pages_of_each_length_make_the_whole_list() {
    let server = server();
    let conn = &mut server.conn();
    assert!(pages(conn, 3, |_, _| ()).is_empty());
    let made: Vec<String> = (0..10).map(|_| id(&create(conn, "ada", r#"{"n":1}"#, &[]))).collect();
    create(conn, "adam", "{}", &[]);
    assert_eq!(ids(conn, "ada"), made);
    for limit in [1, 2, 3, 7, 9, 10, 11, 1000] {
        let found = pages(conn, limit, |_, _| ());
        assert_eq!(found.concat(), made, "LIMIT {limit}");
        let (last, full) = found.split_last().unwrap();
        assert!(
            full.iter().all(|page| page.len() == limit) && last.len() <= limit,
            "only the last page may be shorter"
        );
    }
    for words in [
        &["ada", "LIMIT", "2", "AFTER", &*made[3]][..],
        &["ada", "after", &made[3], "limit", "2"],
        &["ada", "LIMIT", "02", "WITHDATA", "AFTER", &made[3], "REALM", "default"],
        &["ada", "REALM", "default", "AFTER", &made[3], "WITHDATA", "LIMIT", "2"],
    ] {
        let listed = list(conn, words);
        assert!(listed.iter().all(|session| session.data.is_some() == words.contains(&"WITHDATA")));
        assert_eq!(ids_of(listed), made[4..6], "{words:?}");
    }
    assert_eq!(ids_of(list(conn, &["ada", "AFTER", &made[6]])), made[7..]);
    assert!(list(conn, &["ada", "AFTER", &made[9]]).is_empty());
    // AFTER the id of a destroyed session, or of one that never existed.
    assert_eq!(send::<i64>(conn, &["JRS.REVOKE", &format!("sess:{}", made[4])]).unwrap(), 1);
    assert_eq!(ids_of(list(conn, &["ada", "AFTER", &made[4], "LIMIT", "1"])), made[5..6]);
    assert_eq!(
        ids_of(list(conn, &["ada", "AFTER", "{ada}:00000000-0000-7000-8000-000000000000", "LIMIT", "1"])),
        made[..1]
    );
    assert!(list(conn, &["ada", "AFTER", "{ada}:ffffffff-ffff-7fff-bfff-ffffffffffff"]).is_empty());
}

#[test]
fn paging_lists_each_remaining_session_once() {
    let server = server();
    let conn = &mut server.conn();
    let old = fill(conn, "ada", 3000);
    for limit in each([7, 64, 500]) {
        let mut made = HashSet::new();
        let (mut turn, mut revoked) = (0, Vec::new());
        let found = pages(conn, limit, |conn, page| {
            turn += 1;
            if turn > 40 {
                return;
            }
            // Revokes a session that was listed and one that was not, and creates one.
            let listed = page[page.len() / 2].clone();
            let unlisted =
                list(conn, &["ada", "AFTER", &page[page.len() - 1], "LIMIT", "3"]).pop().map(|session| session.id);
            exec(conn, &["JRS.REVOKE", &format!("sess:{listed}")]);
            if let Some(unlisted) = unlisted.filter(|id| !made.contains(id)) {
                exec(conn, &["JRS.REVOKE", &format!("sess:{unlisted}")]);
                revoked.push(unlisted);
            }
            made.insert(id(&create(conn, "ada", "{}", &[])));
        })
        .concat();
        assert!(found.is_sorted() && found.windows(2).all(|two| two[0] != two[1]), "each once, oldest first");
        assert!(revoked.iter().all(|id| !found.contains(id)), "a session revoked before its page is not listed");
        assert!(made.iter().all(|id| found.contains(id)), "new sessions are on a later page");
        let alive = ids(conn, "ada");
        assert!(alive.iter().all(|id| found.contains(id)), "remaining sessions are listed");
        assert!(revoked.len() >= 3 && alive.len() > 2800, "{} revoked, {} left", revoked.len(), alive.len());
        assert!(found.iter().all(|id| old.contains(id) || id > &old[2999]));
    }
}

#[test]
fn removed_sessions_take_no_place_on_a_page() {
    let server = Server::builder().keys(SECRET.as_bytes()).config("enable-debug-command", "yes").start();
    let conn = &mut server.conn();
    let made = fill(conn, "ada", 300);
    exec(conn, &["DEBUG", "SET-ACTIVE-EXPIRE", "0"]);
    for id in &made[..250] {
        exec(conn, &["DEL", &format!("sess:{id}")]);
    }
    // A value that is not a session, and expired sessions that are still in the keyspace.
    exec(conn, &["RPUSH", &format!("sess:{}", made[0]), "a list"]);
    for id in &made[250..270] {
        exec(conn, &["PEXPIRE", &format!("sess:{id}"), "1"]);
    }
    await_that("their expiry", || {
        let page = ids_of(list(conn, &["ada", "LIMIT", "10"]));
        (page == made[270..280]).then_some(())
    });
    exec(conn, &["DEBUG", "SET-ACTIVE-EXPIRE", "1"]);
}

#[test]
fn invalid_limit_and_after_are_refused() {
    let server = Server::builder().keys(jwk("main", "HS256", SECRET.as_bytes()).to_string().as_bytes()).start();
    let conn = &mut server.conn();
    add_app_realm(&server, "");
    let token = create(conn, "ada", "{}", &[]);
    let (mine, bobs, anonymous) = (id(&token), id(&create(conn, "bob", "{}", &[])), id(&create(conn, "", "{}", &[])));
    create(conn, "ada", "{}", &["REALM", "app"]);
    let there = list(conn, &["ada", "REALM", "app"])[0].id.clone();
    for limit in
        ["0", "-1", "+1", "00", "", " 1", "1 ", "1.0", "1e3", "0x10", "many", "99999999999999999999999", "\u{661}"]
    {
        for words in [&["JRS.LIST", "ada", "LIMIT", limit][..], &["JRS.LIST", "ada", "AFTER", &mine, "LIMIT", limit]] {
            assert_refused(conn, "ERR", words);
        }
    }
    let upper = format!("{{ada}}:{}", mine["{ada}:".len()..].to_uppercase());
    let uuid = &mine["{ada}:".len()..];
    let (with_keyspace, braced, simple) =
        (format!("sess:{mine}"), format!("{{ada}}:{{{uuid}}}"), mine.replace('-', ""));
    let (longer, shorter, version_4) =
        (format!("{mine}0"), &mine[..mine.len() - 1], format!("{}4{}", &mine[..20], &mine[21..]));
    for after in [
        &*bobs,
        &anonymous,
        &upper,
        &with_keyspace,
        &braced,
        &simple,
        &longer,
        shorter,
        &version_4,
        uuid,
        &token,
        "",
        "0",
        "{ada}:",
        "garbage",
        "{ada}:no uuid",
        "{ada}:9b2c5e1c-6e0b-4a57-8d9a-3f3a8f6d2c11",
    ] {
        let error = send::<redis::Value>(conn, &["JRS.LIST", "ada", "AFTER", after]).unwrap_err();
        assert!(!format!("{error}").contains(&token[..20]));
        assert_refused(conn, "ERR", &["JRS.LIST", "ada", "AFTER", after]);
        assert_refused(conn, "ERR", &["JRS.LIST", "ada", "AFTER", after, "LIMIT", "10"]);
    }
    assert_refused(conn, "ERR", &[&b"JRS.LIST"[..], b"ada", b"AFTER", b"{ada}:\xff\xfe"]);
    for words in [
        &["JRS.LIST", "ada", "LIMIT"][..],
        &["JRS.LIST", "ada", "AFTER"],
        &["JRS.LIST", "ada", "LIMIT", "1", "LIMIT", "1"],
        &["JRS.LIST", "ada", "AFTER", &mine, "AFTER", &mine],
        &["JRS.LIST", "ada", "LIMIT", "AFTER", &mine],
        &["JRS.LIST", "ada", "AFTER", "LIMIT", "1"],
        &["JRS.LIST", "ada", "1"],
        &["JRS.DESTROYALL", "ada", "LIMIT", "1"],
    ] {
        assert_refused(conn, "ERR", words);
    }
    // AFTER accepts the id of another realm's session. The reply has the sessions of the command's realm.
    assert_eq!(ids_of(list(conn, &["ada", "AFTER", &mine, "REALM", "app"])), std::slice::from_ref(&there));
    assert!(list(conn, &["ada", "AFTER", &there]).is_empty());
    assert_refused(conn, "ERR", &["JRS.LIST", "ada", "AFTER", &format!("app:{there}"), "REALM", "app"]);
}
