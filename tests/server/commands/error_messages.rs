//! The texts of errors: what they say, and that they repeat no argument.

use redis::{Connection, Value};

use crate::support::{
    Server,
    sessions::{create, exec, get, send},
    tokens::key,
};

#[test]
fn errors_are_one_line_of_ascii_and_repeat_no_argument() {
    let server = Server::start();
    let conn = &mut server.conn();
    let token = create(conn, "ada", "{}", &[]);
    let secret = "s3cr3t\u{e9}\r\n+OK\r\n";
    let forged = format!("{}{secret}", &token[..token.len() - 1]);
    let (data, claims) = (format!("[\"{secret}\"]"), format!(r#"{{"exp":"s3cr3t","{}":1}}"#, "s3cr3t"));
    let commands: [&[&str]; 24] = [
        &["JRS.UPDATE", &token, &data, "MERGE"],
        &["JRS.UPDATE", &token, &data, "PATCH"],
        &["JRS.UPDATE", &token, r#"[{"op":"test","path":"/s3cr3t","value":"s3cr3t"}]"#, "PATCH"],
        &["JRS.UPDATE", &token, "{}", "IFMATCH", secret],
        &["JRS.ROTATE", &forged],
        &["JRS.ROTATE", &token, "CLAIMS", &claims],
        &["JRS.ROTATE", &token, "OWNER", secret],
        &["JRS.LIST", secret],
        &["JRS.LIST", "ada", "REALM", secret],
        &["JRS.REVOKE", secret],
        &["JRS.DESTROYALL", "ada", "EXCEPT", &forged],
        &["JRS.DESTROYALL", "ada", secret],
        &["JRS.GET", &forged],
        &["JRS.GET", secret, &token],
        &["JRS.GET", secret],
        &["JRS.UPDATE", &token, &data],
        &["JRS.UPDATE", &token, "{}", secret],
        &["JRS.UPDATE", &token, "{}", "EX", secret],
        &["JRS.TOUCH", &token, secret, secret],
        &["JRS.DESTROY", &forged],
        &["JRS.CREATE", secret, "{}"],
        &["JRS.CREATE", "ada", &data],
        &["JRS.CREATE", "ada", "{}", "CLAIMS", &claims],
        &["JRS.CREATE", "ada", "{}", "REALM", secret],
    ];
    for command in commands {
        let error = send::<Value>(conn, command).unwrap_err();
        let text = format!("{} {}", error.code().unwrap(), error.detail().unwrap());
        assert!(text.bytes().all(|byte| matches!(byte, b' '..=b'~')), "{command:?}: {text:?}");
        assert!(!text.contains("s3cr3t") && !text.contains(&token[40..80]), "{command:?}: {text}");
        assert_eq!(send::<String>(conn, &["PING"]).unwrap(), "PONG", "the error was one line");
    }
}

/// The error of a command as one text. The command must be refused.
fn error_of(conn: &mut Connection, words: &[&str]) -> String {
    let error = send::<Value>(conn, words).expect_err("a refusal");
    format!("{} {}", error.code().unwrap(), error.detail().unwrap_or_default())
}

#[test]
fn errors_say_what_is_wrong_and_where() {
    let server = Server::start();
    let conn = &mut server.conn();
    let token = create(conn, "ada", r#"{"n":1}"#, &[]);
    for (words, expected) in [
        (
            &["JRS.CREATE", "ada", "{\"n\":1,\n \"m\":x}"][..],
            "BADDATA the data must be a JSON object (line 2, column 6)",
        ),
        (&["JRS.UPDATE", &token, "n=1"], "BADDATA the data must be a JSON object (line 1, column 1)"),
        (&["JRS.UPDATE", &token, " []", "MERGE"], "BADDATA the change must be a JSON object (line 1, column 2)"),
        (
            &[
                "JRS.UPDATE",
                &token,
                r#"[{"op":"add","path":"/a","value":1},{"op":"test","path":"/n","value":2}]"#,
                "PATCH",
            ],
            r#"BADDATA operation 2 of the patch (counted from 1): a "test" operation did not match"#,
        ),
        (
            &["JRS.UPDATE", &token, r#"[{"op":"remove","path":"/secret"}]"#, "PATCH"],
            r#"BADDATA operation 1 of the patch ("remove", counted from 1) refers to a path that does not exist"#,
        ),
        (
            &["JRS.UPDATE", &token, r#"[{"op":"add","path":"/a"}]"#, "PATCH"],
            r#"BADDATA operation 1 of the patch (counted from 1) needs a "value""#,
        ),
    ] {
        assert_eq!(error_of(conn, words), expected);
    }
    for (given, problem) in [
        (r#"W/"70fe9426c227d3b5""#, "is a weak HTTP etag"),
        (r#""70fe9426c227d3b5""#, "is in quotes"),
        ("", "is empty"),
        ("undefined", "looks like an unset variable"),
        ("70fe9426c227d3b", "is not 16 bytes long"),
        ("70FE9426C227D3B5", "has uppercase letters"),
        ("70fe9426c227d3bz", "is not hexadecimal"),
    ] {
        for words in [
            &["JRS.UPDATE", &token, "{}", "IFMATCH", given][..],
            &["JRS.UPDATE", &token, "{}", "MERGE", "IFMATCH", given],
        ] {
            let error = error_of(conn, words);
            assert!(error.starts_with(&format!("CONFLICT IFMATCH {problem}")), "{error}");
        }
    }
    assert!(
        error_of(conn, &["JRS.UPDATE", &token, "{}", "IFMATCH", "0000000000000000"])
            .contains("does not match the etag")
    );
    assert_eq!(get(conn, &token).unwrap().data, r#"{"n":1}"#);
    // The error is about the stored data, not about the change.
    for (stored, expected) in [
        ("no JSON", "BADDATA the stored data must be a JSON object (line 1, column 1)"),
        (r#"{"a":"#, "BADDATA the stored data must be a JSON object (line 1, column 5)"),
        (r#"{"a":"\ud800"}"#, "BADDATA the stored data contains an unpaired surrogate"),
    ] {
        exec(conn, &["SET", &key(&token), stored]);
        for change in [["{}", "MERGE"], ["[]", "PATCH"]] {
            let found = error_of(conn, &["JRS.UPDATE", &token, change[0], change[1]]);
            assert!(found.starts_with(expected), "{found}");
        }
        assert_eq!(send::<String>(conn, &["GET", &key(&token)]).unwrap(), stored);
    }
}
