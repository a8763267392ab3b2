//! The table of replies on each page: how each reply begins on the wire, in RESP2 and in RESP3.

use std::{
    collections::BTreeSet,
    io::{BufRead, BufReader, Write},
    net::{Ipv4Addr, TcpStream},
};

use super::{command_pages, compare_part, words};
use crate::support::Server;

/// A command line, in the words of [`words`], and what its reply is.
const CASES: &[(&str, &str)] = &[
    ("JRS.CREATE ada {}", "the token"),
    ("JRS.GET LIVE", "the session"),
    ("JRS.GET LIVE COMPACT", "the session, with `COMPACT`"),
    ("JRS.GET GONE", "no such session"),
    ("JRS.PEEK LIVE", "the session"),
    ("JRS.PEEK LIVE COMPACT", "the session, with `COMPACT`"),
    ("JRS.PEEK GONE", "no such session"),
    ("JRS.UPDATE LIVE {}", "the new etag"),
    ("JRS.UPDATE GONE {}", "no such session"),
    ("JRS.TOUCH LIVE", "the seconds until the session expires"),
    ("JRS.TOUCH GONE", "no such session"),
    ("JRS.DESTROY LIVE", "destroyed"),
    ("JRS.DESTROY GONE", "no such session"),
    ("JRS.ROTATE LIVE", "the new token"),
    ("JRS.ROTATE GONE", "no such session"),
    (r#"JRS.MINT LIVE AUDIENCE orders CLAIMS {"iss":"login"}"#, "the access token"),
    (r#"JRS.MINT GONE AUDIENCE orders CLAIMS {"iss":"login"}"#, "no such session"),
    ("JRS.LIST OWNER", "one session"),
    ("JRS.LIST OWNER WITHDATA", "one session, with `WITHDATA`"),
    ("JRS.LIST OWNER FIELDS 1 /a", "one session, with `FIELDS`"),
    ("JRS.LIST nobody", "no session"),
    ("JRS.COUNT OWNER", "one session"),
    ("JRS.COUNT nobody", "no session"),
    ("JRS.REVOKE KEY", "destroyed"),
    ("JRS.REVOKE sess:nothing", "no such session"),
    ("JRS.DESTROYALL OWNER", "one session was destroyed"),
    ("JRS.DESTROYALL nobody", "no session"),
    ("JRS.INSPECT LIVE", "of a token with a session"),
    ("JRS.INSPECT hello", "of a token that is refused"),
    ("JRS.JWKS", "the JWK Set"),
    ("JRS.REALMS", "one realm"),
    ("JRS.RELOAD", "reloaded"),
    ("JRS.ROTATEKEY", "the `kid`"),
    ("JRS.HELP", "the lines"),
];

#[test]
fn each_page_has_the_replies_in_both_protocols() {
    let server = Server::start();
    for command in command_pages().into_keys() {
        let cases = CASES.iter().filter(|(line, _)| line.split(' ').next() == Some(&command));
        let row = |(line, case): &(&str, &str)| {
            let [resp2, resp3] = ["2", "3"].map(|protocol| reply(&server, protocol, line));
            format!("| {case} | {resp2} | {resp3} |\n")
        };
        let rows: String = cases.map(row).collect();
        assert!(!rows.is_empty(), "{command}");
        compare_part(&command, "replies", &format!("| reply | RESP2 | RESP3 |\n|---|---|---|\n{rows}"));
    }
    let named: BTreeSet<String> = CASES.iter().map(|(line, _)| line.split(' ').next().unwrap().to_owned()).collect();
    assert_eq!(named, command_pages().into_keys().collect());
}

/// The type of a reply, and how it begins on the wire.
fn reply(server: &Server, protocol: &str, line: &str) -> String {
    let words = words(&mut server.conn(), line);
    let mut stream = BufReader::new(TcpStream::connect((Ipv4Addr::LOCALHOST, server.port())).unwrap());
    let hello = ["HELLO", protocol].map(str::to_owned);
    for command in [&hello[..], &words] {
        stream.get_mut().write_all(&redis::cmd(&command[0]).arg(&command[1..]).get_packed_command()).unwrap();
    }
    described(&mut stream);
    described(&mut stream)
}

/// Reads a reply.
fn described(stream: &mut impl BufRead) -> String {
    let mut line = String::new();
    stream.read_line(&mut line).unwrap();
    let line = line.trim_end();
    let number = || line[1..].parse::<usize>().unwrap();
    match line.as_bytes()[0] {
        b'+' => format!("simple string `{line}`"),
        b':' => format!("integer `{line}`"),
        b'_' => format!("null `{line}`"),
        b'$' if line == "$-1" => format!("null bulk string `{line}`"),
        b'$' => {
            let mut text = vec![0; number() + 2];
            stream.read_exact(&mut text).unwrap();
            "bulk string `$`".to_owned()
        }
        b'*' => {
            let items: Vec<String> = (0..number()).map(|_| described(stream)).collect();
            let array = format!("array `{line}`");
            match items.first() {
                Some(first) if items.iter().all(|item| item == first) => format!("{array} of {first}"),
                _ => array,
            }
        }
        b'%' => {
            (0..2 * number()).for_each(|_| drop(described(stream)));
            format!("map `{line}`")
        }
        _ => panic!("{line}"),
    }
}
