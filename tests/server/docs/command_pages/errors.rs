//! The table of errors on each page: the server replies with these words, and with no other.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
};

use redis::Connection;
use serde_json::json;

use super::{command_pages, path, rows};
use crate::support::{
    Server, await_that,
    failed_save::FailedSave,
    replicas::{primary, replica},
    sessions::{create, exec, now, send},
    tokens::{SECRET, jwk, key},
};

/// The commands. `TOKEN` and `KEY` are those of a session of ada.
const LINES: [&str; 19] = [
    "JRS.CREATE ada {}",
    "JRS.GET TOKEN",
    "JRS.PEEK TOKEN",
    "JRS.UPDATE TOKEN {} MERGE",
    "JRS.TOUCH TOKEN",
    "JRS.DESTROY TOKEN",
    "JRS.ROTATE TOKEN",
    MINT,
    "JRS.LIST ada",
    "JRS.COUNT ada",
    "JRS.REVOKE KEY",
    "JRS.DESTROYALL ada",
    "JRS.DESTROYALL ada EXCEPT TOKEN",
    "JRS.INSPECT TOKEN",
    "JRS.JWKS",
    "JRS.REALMS",
    "JRS.RELOAD",
    "JRS.ROTATEKEY",
    "JRS.HELP",
];
const MINT: &str = r#"JRS.MINT TOKEN AUDIENCE orders CLAIMS {"iss":"login"}"#;

/// These depend on what happens at the same time, or need a cluster. Other tests have them.
const ELSEWHERE: [&str; 4] = ["BUSY", "CROSSSLOT", "TRYAGAIN", "UNBLOCKED"];

#[test]
fn each_page_has_the_errors_that_the_server_replies() {
    let mut observed = Observed::default();
    let builder = Server::builder().keys(SECRET.as_bytes()).arg("reuse-detection", "yes").config("save", "3600 1");
    let builder = primary(builder);
    let server = builder.clone().start();
    refused_tokens(&mut observed, &mut server.conn());
    refused_arguments(&mut observed, &mut server.conn());
    refused_writes(&mut observed, &server);
    let copy = replica(&server, builder);
    observed.send(&mut copy.conn(), &LINES, |_| create(&mut server.conn(), "ada", "{}", &[]));
    unreadable_data(&mut observed);
    without_keys(&mut observed, &create(&mut server.conn(), "ada", "{}", &[]));

    let known = fs::read_to_string(path("docs/commands.md")).unwrap();
    let words_of = |text: &str| {
        let cells: Vec<String> = rows(text, "Errors").into_iter().map(|cells| cells[1].to_owned()).collect();
        let words = cells.iter().flat_map(|cell| cell.split('`').skip(1).step_by(2)).map(str::to_owned);
        words.collect::<BTreeSet<String>>()
    };
    let documented: BTreeMap<String, BTreeSet<String>> =
        command_pages().into_iter().map(|(command, text)| (command, words_of(&text))).collect();
    for word in documented.values().flatten() {
        let is_known = known.contains(&format!("\n| `{word}` |")) || word == "OOM";
        assert!(is_known, "docs/commands.md does not explain {word}");
    }
    let pairs = |words: &BTreeMap<String, BTreeSet<String>>| -> BTreeSet<String> {
        words.iter().flat_map(|(command, words)| words.iter().map(move |word| format!("{command} {word}"))).collect()
    };
    let is_here = |pair: &String| !ELSEWHERE.iter().any(|word| pair.ends_with(word));
    let documented: BTreeSet<String> = pairs(&documented).into_iter().filter(is_here).collect();
    let replied = pairs(&observed.words);
    let difference: Vec<&String> = documented.symmetric_difference(&replied).collect();
    assert!(difference.is_empty(), "only on the page, or only from the server: {difference:?}");
}

/// The first words of the errors that commands replied with.
#[derive(Default)]
struct Observed {
    words: BTreeMap<String, BTreeSet<String>>,
}

impl Observed {
    /// Sends each line with a token of its own.
    fn send(&mut self, conn: &mut Connection, lines: &[&str], mut token: impl FnMut(&mut Connection) -> String) {
        for line in lines {
            let token = token(conn);
            let words = line.split(' ').map(|word| match word {
                "TOKEN" => token.clone(),
                "KEY" => key(&token),
                word => word.to_owned(),
            });
            let words: Vec<String> = words.collect();
            let words: Vec<&str> = words.iter().map(String::as_str).collect();
            if let Err(error) = send::<redis::Value>(conn, &words) {
                let word = error.code().unwrap_or_else(|| panic!("{line}: {error}"));
                self.words.entry(words[0].to_owned()).or_default().insert(word.to_owned());
            }
        }
    }
}

fn live(conn: &mut Connection) -> String {
    create(conn, "ada", "{}", &[])
}

fn refused_tokens(observed: &mut Observed, conn: &mut Connection) {
    let with_token: Vec<&str> = LINES.into_iter().filter(|line| line.contains("TOKEN")).collect();
    observed.send(conn, &with_token, |conn| live(conn) + "x");

    let soon = format!(r#"{{"exp":{}}}"#, now() + 1);
    let expired = create(conn, "ada", "{}", &["CLAIMS", &soon]);
    await_that("an expired token", || {
        let reply = format!("{:?}", send::<redis::Value>(conn, &["JRS.INSPECT", &expired]));
        reply.contains("EXPIREDTOKEN").then_some(())
    });
    observed.send(conn, &with_token, |_| expired.clone());

    let stale = ["JRS.GET TOKEN MAXAUTHAGE 1", "JRS.PEEK TOKEN MAXAUTHAGE 1"];
    observed.send(conn, &stale, |conn| create(conn, "", "{}", &[]));
    observed.send(conn, &with_token, |conn| {
        let first = live(conn);
        exec(conn, &["JRS.ROTATE", &first]);
        first
    });

    let with_key: Vec<String> = with_token.iter().map(|line| line.replacen(" TOKEN", " sess:other TOKEN", 1)).collect();
    let with_key: Vec<&str> = with_key.iter().map(String::as_str).filter(|line| !line.contains("EXCEPT")).collect();
    observed.send(conn, &with_key, live);
    observed.send(conn, &["JRS.REVOKE cache:page"], live);
}

fn refused_arguments(observed: &mut Observed, conn: &mut Connection) {
    let unknown_option = LINES.map(|line| format!("{line} NOPE NOPE"));
    observed.send(conn, &unknown_option.each_ref().map(String::as_str), live);
    let no_object =
        ["JRS.CREATE ada []", "JRS.UPDATE TOKEN []", "JRS.ROTATE TOKEN CLAIMS []", "JRS.MINT TOKEN CLAIMS []"];
    observed.send(conn, &no_object, live);
    let long = format!(r#"{{"iss":"login","a":"{}"}}"#, "x".repeat(2 << 20));
    let too_big = [
        format!("JRS.CREATE ada {long}"),
        format!("JRS.UPDATE TOKEN {long}"),
        format!("JRS.ROTATE TOKEN CLAIMS {long}"),
        format!("JRS.MINT TOKEN AUDIENCE orders CLAIMS {long}"),
    ];
    observed.send(conn, &too_big.each_ref().map(String::as_str), live);
    observed.send(conn, &["JRS.UPDATE TOKEN {} IFMATCH 0123456789abcdef"], live);

    exec(conn, &["CONFIG", "SET", "jrs.max-sessions", "1", "jrs.max-sessions-policy", "reject"]);
    create(conn, "eve", "{}", &[]);
    let too_many = ["JRS.CREATE eve {}", "JRS.ROTATE TOKEN OWNER eve"];
    observed.send(conn, &too_many, |conn| create(conn, "", "{}", &[]));
    exec(conn, &["CONFIG", "SET", "jrs.max-sessions", "0"]);
}

fn refused_writes(observed: &mut Observed, server: &Server) {
    let conn = &mut server.conn();
    observed.send(conn, &LINES, |conn| {
        let token = live(conn);
        exec(conn, &["DEL", &key(&token)]);
        exec(conn, &["LPUSH", &key(&token), "x"]);
        token
    });

    let tokens: Vec<String> = LINES.iter().map(|_| live(conn)).collect();
    exec(conn, &["ACL", "SETUSER", "other", "on", "nopass", "+@all", "~other:*"]);
    let other = &mut server.conn();
    exec(other, &["AUTH", "other", ""]);
    let mut one_each = tokens.iter().cloned().cycle();
    let mut next = move |_: &mut Connection| one_each.next().unwrap();
    observed.send(other, &LINES, &mut next);

    exec(conn, &["CONFIG", "SET", "min-replicas-to-write", "1"]);
    observed.send(conn, &LINES, &mut next);
    exec(conn, &["CONFIG", "SET", "min-replicas-to-write", "0"]);
    let failed_save = FailedSave::new(server, conn);
    observed.send(conn, &LINES, &mut next);
    failed_save.end(conn);
    exec(conn, &["CONFIG", "SET", "maxmemory", "1"]);
    observed.send(conn, &LINES, &mut next);
    exec(conn, &["CONFIG", "SET", "maxmemory", "0"]);
}

/// Sessions whose data was encrypted with a key that the server does not have any more.
fn unreadable_data(observed: &mut Observed) {
    let server = Server::builder().keys(SECRET.as_bytes()).start();
    let conn = &mut server.conn();
    let write_key = |id: &str| {
        let mut key = jwk(id, "A256GCM", &[1; 32]);
        key["use"] = "enc".into();
        fs::write(server.dir().join("data.json"), json!({"keys": [key]}).to_string()).unwrap();
    };
    write_key("first");
    exec(conn, &["CONFIG", "SET", "jrs.data-keys-file", "data.json"]);
    let mut tokens: Vec<String> = LINES.iter().map(|_| create(conn, "ada", "{}", &[])).collect();
    write_key("second");
    exec(conn, &["JRS.RELOAD"]);
    observed.send(conn, &LINES, |_| tokens.pop().unwrap());
}

/// A replica that accepts writes. A replica does not generate a key.
fn without_keys(observed: &mut Observed, token: &str) {
    let server = Server::builder().config("replicaof", "127.0.0.1 1").config("replica-read-only", "no").start();
    observed.send(&mut server.conn(), &LINES, |_| token.to_owned());
}
