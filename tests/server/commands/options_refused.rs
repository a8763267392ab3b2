//! Options and reserved claims that commands refuse with a certain error, without a change.

use redis::Value;
use serde_json::json;

use crate::support::{
    Server,
    sessions::{assert_refused, create, exec, get, now, send},
    tokens::{SECRET, claims, key, token},
};

#[test]
fn invalid_options_of_create_are_refused() {
    let server = Server::start();
    let conn = &mut server.conn();
    let future = &(now() + 1000).to_string();
    let future_exp = &format!(r#"{{"exp":{future}}}"#);
    let table: [&[&str]; 27] = [
        &["EX"],
        &["EX", "100", "EX", "100"],
        &["EX", "100", "PX", "100000"],
        &["EX", "100", "EXAT", future],
        &["PX", "100", "PXAT", future],
        &["EXAT", future, "EXAT", future],
        &["EXAT", future, "PXAT", future],
        &["EXAT", future, "CLAIMS", future_exp],
        &["CLAIMS"],
        &["CLAIMS", "{}", "CLAIMS", "{}"],
        &["REALM"],
        &["REALM", "default", "REALM", "default"],
        &["REALM", "nowhere"],
        &["REALM", ""],
        &["REALM", "DEFAULT"],
        &["KEEPTTL"],
        &["NX"],
        &[""],
        &["EX 100"],
        &["EX\0", "100"],
        &["EXAT", "1"],
        &["PXAT", "1"],
        &["EXAT", &(now() - 1).to_string()],
        &["CLAIMS", r#"{"exp":1}"#],
        &["CLAIMS", r#"{"exp":"tomorrow"}"#],
        &["CLAIMS", r#"{"nbf":null}"#],
        &["EX", "100", "CLAIMS", r#"{"exp":-1}"#],
    ];
    for options in table {
        assert_refused(conn, "ERR", &[&["JRS.CREATE", "ada", "{}"], options].concat());
    }
    assert_eq!(send::<i64>(conn, &["DBSIZE"]).unwrap(), 0);
}

/// Not a positive integer, or one that overflows as milliseconds or as a time.
const BAD_TIMES: [&str; 17] = [
    "",
    "0",
    "-1",
    "+1",
    "1.5",
    " 1",
    "1 ",
    "1e3",
    "0x10",
    "one",
    "1\0",
    "\u{661}",
    "9223372036854775807",
    "9223372036854775808",
    "-9223372036854775808",
    "18446744073709551616",
    "99999999999999999999999999999999999999",
];

#[test]
fn invalid_times_are_refused() {
    let server = Server::start();
    let conn = &mut server.conn();
    let token = create(conn, "ada", "{}", &[]);
    for time in BAD_TIMES {
        for option in ["EX", "PX", "EXAT", "PXAT"] {
            assert_refused(conn, "ERR", &["JRS.CREATE", "ada", "{}", option, time]);
        }
        for option in ["EX", "PX"] {
            assert_refused(conn, "ERR", &["JRS.UPDATE", &token, r#"{"n":2}"#, option, time]);
            assert_refused(conn, "ERR", &["JRS.TOUCH", &token, option, time]);
        }
    }
    // This fits in 64 bits as seconds and not as milliseconds.
    for option in ["EX", "EXAT"] {
        assert_refused(conn, "ERR", &["JRS.CREATE", "ada", "{}", option, "9223372036854776"]);
    }
}

#[test]
fn invalid_options_of_update_touch_and_rotate_are_refused() {
    let server = Server::start();
    let conn = &mut server.conn();
    let token = create(conn, "ada", "{}", &[]);
    let key = key(&token);
    let of_both: [&[&str]; 8] = [
        &["EX"],
        &["PX"],
        &["EX", "100", "EX", "100"],
        &["EX", "100", "PX", "100"],
        &["EXAT", "99999999999"],
        &["PXAT", "99999999999999"],
        &["CLAIMS", "{}"],
        &[""],
    ];
    let of_update: [&[&str]; 13] = [
        &["KEEPTTL", "KEEPTTL"],
        &["KEEPTTL", "EX", "100"],
        &["PX", "100", "KEEPTTL"],
        &["REPLACE", "REPLACE"],
        &["KEEPTTL", "100"],
        &["NX"],
        &["REPLACE", "MERGE"],
        &["MERGE", "MERGE"],
        &["PATCH", "MERGE"],
        &["IFMATCH"],
        &["IFMATCH", "a", "IFMATCH", "a"],
        &["MERGE", "IFMATCH", "a", "b"],
        &["REAUTH"],
    ];
    let of_rotate: [&[&str]; 14] = [
        &["CLAIMS"],
        &["OWNER"],
        &["OWNER", "bob", "OWNER", "bob"],
        &["CLAIMS", "{}", "CLAIMS", "{}"],
        &["REAUTH", "REAUTH"],
        &["REAUTH", "yes"],
        &["EX", "100"],
        &["KEEPTTL"],
        &["REALM", "default"],
        &["EXAT", "4102444800"],
        &["CLAIMS", r#"{"exp":1}"#],
        &["CLAIMS", r#"{"nbf":"x"}"#],
        &["CLAIMS", r#"{"sub":"bob"}"#],
        &["CLAIMS", r#"{"auth_time":1}"#],
    ];
    let (token_only, with_key) = (vec![token.as_str()], vec![key.as_str(), token.as_str()]);
    for session in [token_only, with_key] {
        for options in of_both.iter().chain(&of_update) {
            assert_refused(conn, "ERR", &[&["JRS.UPDATE"], &*session, &[r#"{"n":2}"#], options].concat());
        }
        for options in of_both.iter().chain(&[&["KEEPTTL"][..], &["REPLACE"], &["IFMATCH", "a"]]) {
            assert_refused(conn, "ERR", &[&["JRS.TOUCH"], &*session, options].concat());
        }
        for options in of_rotate {
            assert_refused(conn, "ERR", &[&["JRS.ROTATE"], &*session, options].concat());
        }
    }
}

#[test]
fn invalid_options_of_owner_commands_are_refused() {
    let server = Server::start();
    let conn = &mut server.conn();
    let token = create(conn, "ada", "{}", &[]);
    let of_both: [&[&str]; 6] = [
        &["REALM"],
        &["REALM", "nowhere"],
        &["REALM", "default", "REALM", "default"],
        &[""],
        &["CLAIMS", "{}"],
        &["DATA"],
    ];
    for options in of_both.iter().chain(&[&["WITHDATA", "WITHDATA"][..], &["WITHDATA", "1"], &["EXCEPT", &token]]) {
        assert_refused(conn, "ERR", &[&["JRS.LIST", "ada"], *options].concat());
    }
    let twice = ["EXCEPT", &token, "EXCEPT", &token];
    for options in of_both.iter().chain(&[&["EXCEPT"][..], &["WITHDATA"], &twice, &["EXCEPT", &token, "more"]]) {
        assert_refused(conn, "ERR", &[&["JRS.DESTROYALL", "ada"], *options].concat());
    }
    assert_refused(conn, "BADTOKEN", &["JRS.DESTROYALL", "ada", "EXCEPT", "REALM"]);
    assert_refused(conn, "BADTOKEN", &["JRS.DESTROYALL", "bob", "EXCEPT", &token]);
}

/// Checks that a command is refused with an error that contains this text.
fn assert_says(conn: &mut redis::Connection, words: &[&str], text: &str) {
    assert_refused(conn, "ERR", words);
    let error = send::<Value>(conn, words).unwrap_err().to_string();
    assert!(error.contains(text), "{words:?}: {error}");
}

#[test]
fn errors_name_milliseconds_and_duplicate_deadlines() {
    let server = Server::start();
    let conn = &mut server.conn();
    let (token, soon) = (create(conn, "ada", "{}", &[]), (now() + 1000).to_string());
    let millis = format!("{soon}000");
    for words in [
        &["JRS.CREATE", "ada", "{}", "EXAT", &millis][..],
        &["JRS.CREATE", "ada", "{}", "EX", &millis],
        &["JRS.TOUCH", &token, "EX", &millis],
        &["JRS.UPDATE", &token, "{}", "EX", &millis],
    ] {
        assert_says(conn, words, "seconds, not milliseconds");
    }
    for name in ["exp", "nbf"] {
        let claims = &json!({name: now() * 1000}).to_string();
        assert_says(conn, &["JRS.CREATE", "ada", "{}", "CLAIMS", claims], "seconds since 1970");
        assert_says(conn, &["JRS.ROTATE", &token, "CLAIMS", claims], "seconds since 1970");
    }
    let exp = &format!(r#"{{"exp":{soon}}}"#);
    assert_says(conn, &["JRS.CREATE", "ada", "{}", "CLAIMS", exp, "EXAT", &soon], "'exp' in CLAIMS and EXAT or PXAT");
    assert_says(conn, &["JRS.CREATE", "ada", "{}", "PXAT", &millis, "CLAIMS", exp], "'exp' in CLAIMS and EXAT or PXAT");
    assert_says(
        conn,
        &["JRS.CREATE", "ada", "{}", "EX", "100", "EXAT", &soon],
        "EX or PX cannot be combined with EXAT",
    );
}

#[test]
fn other_spellings_of_reserved_claims_are_refused() {
    let plain = Server::builder().keys(SECRET.as_bytes()).start();
    let strict = Server::builder().keys(SECRET.as_bytes()).args(&["issuer", "me", "audience", "shop"]).start();
    for server in [&plain, &strict] {
        let conn = &mut server.conn();
        let token = create(conn, "ada", "{}", &[]);
        for (spelling, name) in [
            ("SUB", "sub"),
            ("Sub", "sub"),
            ("\u{17f}ub", "sub"),
            ("EXP", "exp"),
            ("eXp", "exp"),
            ("NBF", "nbf"),
            ("JTI", "jti"),
            ("jt\u{131}", "jti"),
            ("IAT", "iat"),
            ("Iss", "iss"),
            ("i\u{17f}s", "iss"),
            ("AUD", "aud"),
            ("TTL", "ttl"),
            ("Auth_Time", "auth_time"),
            ("JRS_EXP", "jrs_exp"),
            ("jr\u{17f}_exp", "jrs_exp"),
        ] {
            let claims = &json!({"role": "user", spelling: 9_999_999_999_i64}).to_string();
            let text = &format!("'{name}' only in case");
            assert_says(conn, &["JRS.CREATE", "ada", "{}", "CLAIMS", claims], text);
            assert_says(conn, &["JRS.ROTATE", &token, "CLAIMS", claims], text);
        }
    }
    // Tokens of another issuer may have such claims; JRS does not carry them over.
    let conn = &mut plain.conn();
    let foreign = token(&json!({"jti": "a", "SUB": "admin", "Exp": 9_999_999_999_i64, "role": "user"}));
    exec(conn, &["SET", "sess:a", "{}", "EX", "100"]);
    assert_eq!(get(conn, &foreign).unwrap().owner, "");
    let rotated: String = send(conn, &["JRS.ROTATE", &foreign]).unwrap();
    let mut names: Vec<String> = claims(&rotated).as_object().unwrap().keys().cloned().collect();
    names.sort_unstable();
    assert_eq!(names, ["auth_time", "iat", "jti", "role"]);
}

#[test]
fn errors_name_reserved_claims() {
    let plain = Server::start();
    let strict =
        Server::builder().keys(SECRET.as_bytes()).args(&["issuer", "https://login", "audience", "shop"]).start();
    let refuses = |server: &Server, name: &str| {
        let conn = &mut server.conn();
        for name in [name.to_owned(), format!("\\u{:04x}{}", name.as_bytes()[0], &name[1..])] {
            let claims = format!(r#"{{"role":"admin","{name}":1}}"#);
            assert_refused(conn, "ERR", &["JRS.CREATE", "ada", "{}", "CLAIMS", &claims]);
        }
        let claims = json!({name: "x"}).to_string();
        let error = send::<Value>(conn, &["JRS.CREATE", "ada", "{}", "CLAIMS", &claims]).unwrap_err().to_string();
        assert!(error.contains(&format!("'{name}'")), "{error}");
    };
    for name in ["jti", "iat", "sub", "ttl", "auth_time"] {
        refuses(&plain, name);
        refuses(&strict, name);
    }
    // Without the setting, the caller may set these.
    for name in ["iss", "aud"] {
        refuses(&strict, name);
        let token = create(&mut plain.conn(), "ada", "{}", &["CLAIMS", &json!({name: "me"}).to_string()]);
        assert_eq!(claims(&token)[name], "me");
    }
}
