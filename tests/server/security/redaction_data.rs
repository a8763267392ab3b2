//! SLOWLOG and MONITOR show no session data if a realm encrypts it.

use std::fs;

use redis::{RedisResult, Value};

use super::redaction::{monitored, slow_log, slow_server};
use crate::support::{
    Server,
    sessions::{create, exec, send},
    tokens::{jwk, key, signing_keys},
};

/// A word that occurs in session data only.
const WORD: &str = "q7x2-readable";

fn encrypt(server: &Server) {
    fs::write(server.dir().join("data.json"), jwk("k1", "A256GCM", &[1; 32]).to_string()).unwrap();
    exec(&mut server.conn(), &["CONFIG", "SET", "jrs.data-keys-file", "data.json"]);
}

/// The lines of MONITOR and SLOWLOG for these commands, which may be refused.
fn shown(server: &Server, commands: &[Vec<&str>]) -> Vec<String> {
    let conn = &mut server.conn();
    exec(conn, &["SLOWLOG", "RESET"]);
    let lines = monitored(server, |other| {
        for words in commands {
            let _: RedisResult<Value> = send(other, words);
        }
    });
    let mut all: Vec<_> = [lines, slow_log(conn)].concat();
    all.retain(|line| line.to_lowercase().contains("jrs."));
    assert_eq!(all.len(), 2 * commands.len(), "each command is shown twice: {all:?}");
    all
}

#[test]
fn data_arguments_are_redacted() {
    let (object, patch) =
        (format!(r#"{{"mail":"{WORD}"}}"#), format!(r#"[{{"op":"add","path":"/m","value":"{WORD}"}}]"#));
    let (cut, spaced) = (format!(r#"{{"mail":"{WORD}""#), format!("\n {object}"));
    let claims = r#"{"role":"shown"}"#;
    for keys in signing_keys() {
        let server = slow_server(&keys);
        let conn = &mut server.conn();
        exec(conn, &["CONFIG", "SET", "jrs.token-cache-size", "0"]);
        encrypt(&server);
        let token = create(conn, "ada", "{}", &[]);
        let key = &key(&token);
        let mut commands: Vec<Vec<&str>> = vec![
            vec!["JRS.CREATE", "ada", &object],
            vec!["jrs.create", "", &spaced, "EX", "100"],
            vec!["JRS.CREATE", "ada", &object, "CLAIMS", claims],
            vec!["JRS.CREATE", "ada", WORD],
            vec!["JRS.CREATE", "ada", &cut, "NONSENSE"],
            vec!["JRS.CREATE", &object, "ada"],
            vec!["JRS.CREATE", "ada", "EX", "100", &object],
            vec!["JRS.CREATE", "ada", "{}", &object],
            vec!["JRS.CREATE", "a{b", &object],
            vec!["JRS.UPDATE", &object, &token],
            vec!["JRS.UPDATE", &token, "IFMATCH", "x", &object],
        ];
        for before in
            [&["JRS.UPDATE", token.as_str()][..], &["JRS.UPDATE", key, &token], &["JRS.UPDATE", key, "ey.no.token"]]
        {
            for after in [
                &[object.as_str()][..],
                &[&object, "KEEPTTL"],
                &[&object, "MERGE", "IFMATCH", "0123456789abcdef"],
                &[&patch, "patch"],
                &[&cut],
                &[WORD, "REPLACE"],
                &[WORD],
                &[&object, "NONSENSE"],
                &["MERGE", &object],
            ] {
                commands.push([before, after].concat());
            }
        }
        let lines = shown(&server, &commands);
        for line in &lines {
            assert!(line.contains("(redacted)") && !line.contains(WORD), "{line}");
        }
        let count = |word: &str| lines.iter().filter(|line| line.contains(word)).count();
        assert_eq!(count("shown"), 2, "claims are not encrypted, and stay");
        assert_eq!(count("KEEPTTL"), 6, "options stay");
        assert!(!server.log().contains(WORD));
    }
}

/// Also in transactions and for commands of a script.
#[test]
fn data_arguments_are_redacted_in_transactions_and_scripts() {
    let server = slow_server(crate::support::tokens::SECRET);
    encrypt(&server);
    let conn = &mut server.conn();
    let lines = monitored(&server, |other| {
        let data = format!(r#"{{"mail":"{WORD}"}}"#);
        let (token,): (String,) = redis::pipe().atomic().cmd("JRS.CREATE").arg(&["ada", &data]).query(other).unwrap();
        redis::pipe().atomic().cmd("JRS.UPDATE").arg(&[&token, &data]).exec(other).unwrap();
        // The script's own arguments are not those of a JRS command, so it builds the data itself.
        let (first, second) = WORD.split_at(4);
        let script = format!("return redis.call('JRS.CREATE', 'ada', '{{\"m\":\"{first}' .. '{second}\"}}')");
        exec(other, &["EVAL", &script, "0"]);
    });
    let is_of_module = |line: &&String| line.contains("JRS.") && !line.contains("EVAL");
    let all = [lines, slow_log(conn)].concat();
    let all: Vec<_> = all.iter().filter(is_of_module).collect();
    assert!(all.len() >= 5, "{all:?}");
    for line in all {
        assert!(!line.contains(WORD), "{line}");
    }
}

/// Without data keys, SLOWLOG shows data as before.
#[test]
fn plain_data_is_shown() {
    let server = slow_server(crate::support::tokens::SECRET);
    let object = format!(r#"{{"mail":"{WORD}"}}"#);
    let lines = shown(&server, &[vec!["JRS.CREATE", "ada", &object]]);
    assert!(lines.iter().all(|line| line.contains(WORD)), "{lines:?}");
}
