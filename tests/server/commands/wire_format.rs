//! The replies byte by byte, in RESP2 and RESP3.

use std::{
    io::{Read, Write},
    net::{Ipv4Addr, TcpStream},
};

use uuid::Uuid;

use crate::support::{
    Server,
    cases::each,
    sessions::{create, etag, exec, get},
    tokens::{key, payload},
};

/// The bytes of the reply to a command line.
fn reply_bytes(server: &Server, protocol: char, line: &str) -> String {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, server.port())).unwrap();
    write!(stream, "HELLO {protocol}\r\nECHO now:\r\n{line}\r\nQUIT\r\n").unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    let (_, reply) = text.split_once("$4\r\nnow:\r\n").unwrap();
    reply.strip_suffix("+OK\r\n").unwrap().to_owned()
}

/// These items as the protocol writes them: strings, or complete items such as `:1`.
fn encoded(items: &[&str]) -> String {
    let item = |item: &&str| match item.as_bytes() {
        [b'*' | b'%' | b':' | b'_', ..] => format!("{item}\r\n"),
        _ => format!("${}\r\n{item}\r\n", item.len()),
    };
    items.iter().map(item).collect()
}

#[test]
fn session_replies_in_both_protocols() {
    // With touch-interval 0 each read sets the whole TTL, so its reply is known.
    let server = Server::with_args(&["touch-interval", "0"]);
    let conn = &mut server.conn();
    let data = r#"{"name":"Zoë"}"#;
    let token = create(conn, "ada", data, &[]);
    let (claims, key) = (payload(&token), key(&token));
    let id = key.strip_prefix("sess:").unwrap();
    for (protocol, map, null) in each([('2', "*12", "$-1\r\n"), ('3', "%6", "_\r\n")]) {
        let etag = etag(data);
        let session = ["id", id, "owner", "ada", "data", data, "claims", &claims, "ttl", ":86400", "etag", &etag];
        let session = encoded(&[&[map], &session[..]].concat());
        assert_eq!(reply_bytes(&server, protocol, &format!("JRS.GET {token}")), session);
        // Without an expiry, the reply has the TTL that GET would set.
        exec(conn, &["PERSIST", &key]);
        assert_eq!(reply_bytes(&server, protocol, &format!("JRS.PEEK {key} {token}")), session);

        let compact = encoded(&["*5", id, "ada", data, &claims, ":86400"]);
        for line in [format!("PEEK {key} {token} compact"), format!("GET {token} COMPACT")] {
            assert_eq!(reply_bytes(&server, protocol, &format!("JRS.{line}")), compact);
        }

        let gone = create(conn, "", "{}", &[]);
        assert_eq!(reply_bytes(&server, protocol, &format!("JRS.UPDATE {gone} {{}}")), encoded(&[&self::etag("{}")]));
        assert_eq!(reply_bytes(&server, protocol, &format!("JRS.TOUCH {gone}")), ":86400\r\n");
        assert_eq!(reply_bytes(&server, protocol, &format!("JRS.DESTROY {gone}")), ":1\r\n");
        assert_eq!(reply_bytes(&server, protocol, &format!("JRS.DESTROY {gone}")), ":0\r\n");
        for line in ["GET", "PEEK", "TOUCH"] {
            assert_eq!(reply_bytes(&server, protocol, &format!("JRS.{line} {gone}")), null, "{line}");
        }
        for line in ["GET", "PEEK"] {
            assert_eq!(reply_bytes(&server, protocol, &format!("JRS.{line} {gone} COMPACT")), null, "{line}");
        }
        assert_eq!(reply_bytes(&server, protocol, &format!("JRS.UPDATE {gone} {{}}")), null);
    }
}

#[test]
fn owner_replies_in_both_protocols() {
    let server = Server::start();
    let conn = &mut server.conn();
    let data = r#"{"name":"Zoë"}"#;
    let first = create(conn, "ada", data, &[]);
    let second = create(conn, "ada", "{}", &[]);
    exec(conn, &["PERSIST", &key(&second)]);
    let created = |token: &str| {
        let uuid = Uuid::parse_str(&key(token)[key(token).len() - 36..]).unwrap();
        let (seconds, nanos) = uuid.get_timestamp().unwrap().to_unix();
        format!(":{}", seconds * 1000 + u64::from(nanos / 1_000_000))
    };
    let ids = [&first, &second].map(|token| key(token)["sess:".len()..].to_owned());
    let times = [&first, &second].map(|token| created(token));
    for (protocol, [map3, map4], null) in each([('2', ["*6", "*8"], "$-1"), ('3', ["%3", "%4"], "_")]) {
        // Sets the TTL first, because the list shows the seconds left.
        let list = |line: &str| {
            exec(&mut server.conn(), &["EXPIRE", &key(&first), "86400"]);
            reply_bytes(&server, protocol, line)
        };
        let one = [map3, "id", &ids[0], "created", &times[0], "ttl", ":86400"];
        let other = [map3, "id", &ids[1], "created", &times[1], "ttl"];
        let expected = format!("*2\r\n{}{}{null}\r\n", encoded(&one), encoded(&other));
        assert_eq!(list("JRS.LIST ada"), expected);
        let one = [map4, "id", &ids[0], "created", &times[0], "ttl", ":86400", "data", data];
        let other = [map4, "id", &ids[1], "created", &times[1], "ttl"];
        let expected = format!("*2\r\n{}{}{null}\r\n{}", encoded(&one), encoded(&other), encoded(&["data", "{}"]));
        assert_eq!(list("JRS.LIST ada WITHDATA REALM default"), expected);
        assert_eq!(list("JRS.LIST unknown"), "*0\r\n");

        let [guest, gone] = [(); 2].map(|()| create(conn, "", "{}", &[]));
        let reply = reply_bytes(&server, protocol, &format!("JRS.ROTATE {guest}"));
        let token = reply.trim_end().rsplit("\r\n").next().unwrap();
        assert_eq!(reply, encoded(&[token]));
        assert_eq!(get(conn, token).unwrap().data, "{}");
        let merged = reply_bytes(&server, protocol, &format!("JRS.UPDATE {token} '{{\"a\":1}}' MERGE"));
        assert_eq!(merged, encoded(&[&etag(r#"{"a":1}"#)]));
        assert_eq!(reply_bytes(&server, protocol, &format!("JRS.REVOKE {}", key(token))), ":1\r\n");
        assert_eq!(reply_bytes(&server, protocol, &format!("JRS.REVOKE {}", key(token))), ":0\r\n");
        exec(conn, &["JRS.DESTROY", &gone]);
        for line in ["ROTATE", "ROTATE {key}"] {
            let line = line.replace("{key}", &key(&gone));
            assert_eq!(reply_bytes(&server, protocol, &format!("JRS.{line} {gone}")), format!("{null}\r\n"));
        }
        create(conn, "bob", "{}", &[]);
        assert_eq!(reply_bytes(&server, protocol, "JRS.DESTROYALL bob"), ":1\r\n");
        assert_eq!(reply_bytes(&server, protocol, "JRS.DESTROYALL bob"), ":0\r\n");
    }
}
