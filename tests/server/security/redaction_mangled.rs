//! Mangled and misplaced tokens: they are redacted, and the error says what is wrong.

use redis::{Connection, Value};

use crate::support::{
    Server,
    cases::each,
    sessions::{assert_refused, begin, create, end, exec, send},
    tokens::{SECRET, key, signing_keys},
};

/// All texts about the commands: MONITOR, SLOWLOG, ACL LOG, CLIENT LIST and the errors.
fn all_texts(server: &Server, commands: &[Vec<&str>], auth: &[&str]) -> Vec<String> {
    let (mut monitor, mut conn, mut admin) = (server.conn(), server.conn(), server.conn());
    exec(&mut admin, &["SLOWLOG", "RESET"]);
    exec(&mut admin, &["ACL", "LOG", "RESET"]);
    exec(&mut monitor, &["MONITOR"]);
    if !auth.is_empty() {
        exec(&mut conn, auth);
    }
    let mut texts = Vec::new();
    for words in commands {
        if let Err(error) = send::<Value>(&mut conn, words) {
            texts.push(error.to_string());
        }
    }
    exec(&mut admin, &["ECHO", "end of the commands"]);
    loop {
        let Value::SimpleString(line) = monitor.recv_response().unwrap() else { panic!("MONITOR sends lines") };
        if line.contains("end of the commands") {
            break;
        }
        texts.push(line);
    }
    for log in [["SLOWLOG", "GET", "-1"].as_slice(), &["ACL", "LOG", "128"], &["CLIENT", "LIST"]] {
        texts.push(format!("{:?}", send::<Value>(&mut admin, log).unwrap()));
    }
    texts
}

/// The signature, which must never be shown: without it a token is useless.
fn secret_part(token: &str) -> &str {
    token.rsplit('.').next().unwrap()
}

/// A server that writes each command to SLOWLOG.
fn slow_server(keys: &str) -> Server {
    Server::builder()
        .keys(keys.as_bytes())
        .config("slowlog-log-slower-than", "0")
        .config("slowlog-max-len", "10000")
        .start()
}

/// The token as applications may mangle it.
fn mangled(token: &str) -> Vec<String> {
    let mut all: Vec<String> =
        ["Bearer ", "bearer ", "DPoP ", "Bearer%20", "Bearer:", " ", "\n", "\"", "'", "token=", "\u{feff}", "x"]
            .map(|prefix| format!("{prefix}{token}"))
            .into();
    all.extend([format!("\"{token}\""), format!("'{token}'"), format!("{token} "), format!("Bearer  {token}\r\n")]);
    all.extend([token.replace('.', "!"), token[1..].to_owned(), token[10..].to_owned()]);
    all
}

#[test]
fn mangled_tokens_are_redacted_in_each_argument() {
    for keys in signing_keys() {
        let server = slow_server(&keys);
        let conn = &mut server.conn();
        let token = create(conn, "ada", "{}", &[]);
        let other = create(conn, "ada", "{}", &[]);
        let (key, mut all) = (key(&token), mangled(&token));
        all.push(format!("sess:{token}"));
        let mut commands: Vec<Vec<&str>> = Vec::new();
        for bad in &all {
            let bad = bad.as_str();
            for name in ["JRS.GET", "JRS.PEEK", "JRS.INSPECT", "JRS.TOUCH", "JRS.DESTROY", "JRS.ROTATE"] {
                commands.extend([vec![name, bad], vec![name, &key, bad], vec![name, bad, "EX", "100"]]);
                commands.extend([vec![name, &token, bad], vec![name, bad, "junk"], vec![name, bad, &other]]);
            }
            #[rustfmt::skip]
            commands.extend([
                vec!["JRS.UPDATE", bad, "{}"], vec!["JRS.UPDATE", bad, "{}", "KEEPTTL"],
                vec!["JRS.UPDATE", bad, "{}", "MERGE", "EX", "5"], vec!["JRS.UPDATE", &key, bad, "{}"],
                vec!["JRS.UPDATE", &key, bad, "{}", "MERGE"], vec!["JRS.ROTATE", bad, "CLAIMS", "{}"],
                vec!["JRS.ROTATE", &token, "OWNER", bad], vec!["JRS.ROTATE", bad, "REAUTH"],
                vec!["JRS.CREATE", bad, "{}"], vec!["JRS.CREATE", "ada", bad], vec!["JRS.CREATE", "ada", "{}", "REALM", bad],
                vec!["JRS.CREATE", "ada", "{}", "CLAIMS", bad], vec!["JRS.CREATE", "ada", "{}", "EX", bad],
                vec!["JRS.LIST", bad], vec!["JRS.LIST", bad, "WITHDATA"], vec!["JRS.LIST", "ada", "REALM", bad],
                vec!["JRS.DESTROYALL", bad], vec!["JRS.DESTROYALL", bad, "EXCEPT", &token],
                vec!["JRS.DESTROYALL", "ada", "EXCEPT", bad], vec!["JRS.DESTROYALL", "ada", bad, "EXCEPT"],
                vec!["JRS.REVOKE", bad],
                vec!["JRS.JWKS", "REALM", bad],
            ]);
        }
        for commands in commands.chunks(100) {
            let seen = all_texts(&server, commands, &[]);
            let hidden = secret_part(&token);
            assert!(
                seen.iter().all(|text| !text.contains(hidden)),
                "{:?}",
                seen.iter().find(|text| text.contains(hidden))
            );
            assert!(
                seen.iter().filter(|text| text.contains("(redacted)")).count() > 1,
                "MONITOR and SLOWLOG show the commands"
            );
        }
        let words = ["JRS.GET", "Bearer", &token];
        assert!(all_texts(&server, &[words.to_vec()], &[]).iter().all(|text| !text.contains(secret_part(&token))));
    }
}

#[test]
fn tokens_of_refused_users_are_not_in_the_acl_log() {
    let server = slow_server(SECRET);
    let conn = &mut server.conn();
    let token = create(conn, "ada", "{}", &[]);
    exec(conn, &["ACL", "SETUSER", "limited", "on", "nopass", "+@all", "~other:*"]);
    let mut commands = Vec::new();
    let all = [mangled(&token), vec![token.clone()]].concat();
    for bad in &all {
        for name in ["JRS.REVOKE", "JRS.GET", "JRS.PEEK", "JRS.LIST", "JRS.DESTROYALL", "JRS.INSPECT"] {
            commands.push(vec![name, bad]);
        }
        commands.extend([vec!["JRS.CREATE", bad, "{}"], vec!["JRS.UPDATE", bad, "{}", "KEEPTTL"]]);
    }
    commands.push(vec!["JRS.REVOKE", "sess:{ada}:0"]);
    let seen = all_texts(&server, &commands, &["AUTH", "limited", "x"]);
    let hidden = secret_part(&token);
    assert!(seen.iter().all(|text| !text.contains(hidden)), "{:?}", seen.iter().find(|text| text.contains(hidden)));
    assert!(
        seen.iter().any(|text| text.contains("sess:{ada}:0") && text.contains("limited")),
        "ACL LOG shows other keys"
    );
}

/// Checks that a command is refused with an error of this first word that contains this text, and changes nothing.
fn assert_says(conn: &mut Connection, words: &[&str], word: &str, part: &str) {
    assert_refused(conn, word, words);
    begin(conn, words);
    let text = end(conn).unwrap_err().to_string();
    assert!(text.contains(part), "{words:?}: {text}");
}

#[test]
fn a_token_as_an_owner_is_refused() {
    let server = slow_server(SECRET);
    let conn = &mut server.conn();
    let token = create(conn, "ada", "{}", &[]);
    let truncated = &token[..40];
    for owner in mangled(&token).iter().map(String::as_str).chain([&*token, truncated]) {
        for words in [
            &["JRS.CREATE", owner, "{}"][..],
            &["JRS.LIST", owner],
            &["JRS.DESTROYALL", owner],
            &["JRS.DESTROYALL", owner, "EXCEPT", &token],
            &["JRS.ROTATE", &token, "OWNER", owner],
        ] {
            assert_says(conn, words, "ERR", "the owner must not be a token");
        }
        assert_says(conn, &["JRS.REVOKE", owner], "ERR", "a token, not a session key");
    }
    // Owners may begin like a token.
    for owner in each(["eyal", "ewan.j.mcgregor", "eyJohnson", "ey", "EYJ"]) {
        let token = create(conn, owner, "{}", &[]);
        assert_eq!(send::<Vec<Value>>(conn, &["JRS.LIST", owner]).unwrap().len(), 1);
        assert_eq!(send::<i64>(conn, &["JRS.REVOKE", &key(&token)]).unwrap(), 1);
        assert_eq!(send::<i64>(conn, &["JRS.DESTROYALL", owner]).unwrap(), 0);
    }
}

#[test]
fn each_mistake_has_its_own_error() {
    let server = slow_server(SECRET);
    let conn = &mut server.conn();
    let token = create(conn, "ada", "{}", &[]);
    let key = key(&token);
    for (bad, part) in [
        (format!("Bearer {token}"), "'Bearer'"),
        (format!("bearer  {token}"), "'Bearer'"),
        (format!(" {token}"), "whitespace"),
        (format!("{token}\n"), "whitespace"),
        (format!("\"{token}\""), "quotes"),
        (format!("{token}.a.b"), "encrypted"),
    ] {
        for words in [
            &["JRS.GET", &bad][..],
            &["JRS.PEEK", &key, &bad],
            &["JRS.TOUCH", &bad],
            &["JRS.TOUCH", &key, &bad, "EX", "100"],
            &["JRS.UPDATE", &bad, "{}"],
            &["JRS.UPDATE", &key, &bad, "{}", "KEEPTTL"],
            &["JRS.DESTROY", &bad],
            &["JRS.ROTATE", &bad],
            &["JRS.ROTATE", &key, &bad, "REAUTH"],
            &["JRS.DESTROYALL", "ada", "EXCEPT", &bad],
        ] {
            assert_says(conn, words, "BADTOKEN", part);
        }
        let report = format!("{:?}", send::<Value>(conn, &["JRS.INSPECT", &bad]).unwrap());
        assert!(report.contains(part), "{report}");
    }
    // With options after the token, and no key before it.
    let bad = format!("Bearer {token}");
    for words in
        [&["JRS.UPDATE", &bad, "{}", "KEEPTTL"][..], &["JRS.TOUCH", &bad, "EX", "100"], &["JRS.ROTATE", &bad, "REAUTH"]]
    {
        assert_says(conn, words, "BADTOKEN", "'Bearer'");
    }
    // The words of the Authorization header as two arguments.
    assert_says(conn, &["JRS.GET", "Bearer", &token], "BADTOKEN", "'Bearer'");
    assert_says(conn, &["JRS.UPDATE", "bearer", &token, "{}", "KEEPTTL"], "BADTOKEN", "'Bearer'");
}
