//! Users: their permissions on session keys, which are not among the arguments of a command.

use std::collections::HashMap;

use redis::{Connection, RedisResult, Value};

use super::acl_commands::{BOTH, OWNER_COMMANDS, READ, TOKEN_COMMANDS, WRITE, commands, user};
use crate::support::{
    Server,
    cases::{cases, each},
    error_word,
    sessions::{contents, create, exec, refused, send},
    tokens::key,
};

/// A way to run a command.
type Runner = fn(&mut Connection, &[&str]) -> RedisResult<Value>;

const RUNNERS: [(&str, Runner); 4] = [
    ("directly", |conn, words| send(conn, words)),
    ("in a script", |conn, words| send(conn, &[&["EVAL", "return redis.call(unpack(ARGV))", "0"], words].concat())),
    ("in a function", |conn, words| send(conn, &[&["FCALL", "run", "0"], words].concat())),
    ("in a transaction", |conn, words| {
        exec(conn, &["MULTI"]);
        exec(conn, words);
        // The client returns the error of the command as the error of EXEC.
        send(conn, &["EXEC"])
    }),
];

/// A server with the function `run`, which runs a command.
fn server() -> Server {
    let server = Server::start();
    let library =
        "#!lua name=run\nredis.register_function('run', function(_, args) return redis.call(unpack(args)) end)";
    exec(&mut server.conn(), &["FUNCTION", "LOAD", library]);
    server
}

#[test]
fn a_user_without_the_key_cannot_use_the_session() {
    let server = server();
    let admin = &mut server.conn();
    let token = create(admin, "ada", "{}", &[]);
    let key = key(&token);
    let mut limited = user(&server, &["+@all", "~other:*", "~ada", &format!("~{token}")]);
    let before = contents(admin);
    for run in cases(RUNNERS) {
        for (words, _) in commands(&key, &token) {
            exec(admin, &["ACL", "LOG", "RESET"]);
            assert_eq!(error_word(run(&mut limited, &words)), "NOPERM", "{words:?}");
            assert_eq!(contents(admin), before, "{words:?}");

            let log: Vec<HashMap<String, Value>> = send(admin, &["ACL", "LOG"]).unwrap();
            let entry = |name: &str| redis::from_redis_value_ref::<String>(&log[0][name]).unwrap();
            assert_eq!((entry("reason"), entry("username")), ("key".to_owned(), "limited".to_owned()), "{words:?}");
            let object = entry("object");
            let is_owner_command = OWNER_COMMANDS.iter().any(|(command, _)| words[0] == command[0]);
            assert!(
                if is_owner_command { object.starts_with("sess:{ada}:") } else { object == key },
                "{words:?}: {object}"
            );
            assert!(!format!("{log:?}").contains(&token), "{log:?}");
        }
    }
}

#[test]
fn read_and_write_permissions_are_checked_separately() {
    let server = server();
    let admin = &mut server.conn();
    for (rules, may) in [
        (&["%R~sess:*"][..], READ),
        (&["%W~sess:*"], WRITE),
        (&["%RW~sess:*"], BOTH),
        (&["~sess:*"], BOTH),
        (&["~sess:{ada}:*"], BOTH),
        (&["allkeys"], BOTH),
        (&["%R~sess:{ada}:*", "%W~sess:{bob}:*"], READ),
        (&["~other:*", "(+@all %R~sess:*)"], READ),
    ] {
        let mut limited = user(&server, &[&["+@all"], rules].concat());
        for run in cases(RUNNERS) {
            let token = create(admin, "ada", "{}", &[]);
            for (words, needs) in commands(&key(&token), &token) {
                let before = contents(admin);
                let reply = run(&mut limited, &words);
                if (needs.read && !may.read) || (needs.write && !may.write) {
                    assert_eq!(error_word(reply), "NOPERM", "{rules:?}: {words:?}");
                    assert_eq!(contents(admin), before, "{rules:?}: {words:?}");
                } else {
                    assert!(reply.is_ok(), "{rules:?}: {words:?}: {reply:?}");
                }
            }
        }
    }
}

#[test]
fn a_user_can_be_limited_to_one_owner() {
    let server = Server::start();
    let admin = &mut server.conn();
    let mut ada = user(&server, &["+@all", "~sess:{ada}:*"]);
    let (hers, his) = (create(&mut ada, "ada", "{}", &[]), create(admin, "bob", "{}", &[]));
    assert!(send::<Value>(&mut ada, &["JRS.GET", &hers]).is_ok());
    let before = contents(admin);
    assert_eq!(refused(&mut ada, &["JRS.CREATE", "bob", "{}"]), "NOPERM");
    assert_eq!(refused(&mut ada, &["JRS.CREATE", "", "{}"]), "NOPERM");
    assert_eq!(refused(&mut ada, &["JRS.LIST", "bob"]), "NOPERM");
    assert_eq!(refused(&mut ada, &["JRS.DESTROYALL", "bob"]), "NOPERM");
    assert_eq!(refused(&mut ada, &["JRS.DESTROYALL", "ada", "EXCEPT", &his]), "BADTOKEN");
    assert_eq!(refused(&mut ada, &["JRS.REVOKE", &key(&his)]), "NOPERM");
    for owner in each(["bob", ""]) {
        assert_eq!(refused(&mut ada, &["JRS.ROTATE", &hers, "OWNER", owner]), "NOPERM");
        assert_eq!(refused(&mut ada, &["JRS.ROTATE", &his, "OWNER", "ada"]), "NOPERM");
    }
    for (words, _) in TOKEN_COMMANDS {
        let insert = |arguments: &[&str]| -> Vec<String> {
            [&words[..1], arguments, &words[1..]].concat().into_iter().map(str::to_owned).collect()
        };
        for (arguments, word) in
            [(&[&*his][..], "NOPERM"), (&[&key(&his), &his], "NOPERM"), (&[&key(&hers), &his], "WRONGKEY")]
        {
            let words = insert(arguments);
            let reply = send::<Value>(&mut ada, &words.iter().map(String::as_str).collect::<Vec<_>>());
            // JRS.INSPECT reports what is wrong with a token. It is refused only without permission for the key.
            if words[0] == "JRS.INSPECT" && word == "WRONGKEY" {
                assert!(format!("{reply:?}").contains("WRONGKEY"), "{reply:?}");
            } else {
                assert_eq!(error_word(reply), word, "{words:?}");
            }
        }
    }
    assert_eq!(contents(admin), before);
    let hers: String = send(&mut ada, &["JRS.ROTATE", &hers, "OWNER", "ada"]).unwrap();
    assert_eq!(send::<Vec<Value>>(&mut ada, &["JRS.LIST", "ada"]).unwrap().len(), 1);
    assert_eq!(send::<i64>(&mut ada, &["JRS.DESTROYALL", "ada", "EXCEPT", &hers]).unwrap(), 0);
    assert_eq!(send::<i64>(&mut ada, &["JRS.REVOKE", &key(&hers)]).unwrap(), 1);
}

#[test]
fn owner_commands_need_permission_for_all_sessions_of_the_owner() {
    let server = Server::start();
    let admin = &mut server.conn();
    let token = create(admin, "ada", "{}", &[]);
    let before = contents(admin);
    // Permissions for each existing session are not enough: the owner may have others.
    let mut limited = user(&server, &["+@all", "~sess:{ada}", &format!("~{}", key(&token))]);
    assert!(send::<Value>(&mut limited, &["JRS.GET", &token]).is_ok());
    for words in [&["JRS.LIST", "ada"][..], &["JRS.DESTROYALL", "ada"], &["JRS.DESTROYALL", "ada", "EXCEPT", &token]] {
        assert_eq!(refused(&mut limited, words), "NOPERM", "{words:?}");
    }
    assert_eq!(contents(admin), before);
    // There is no permission for an index key.
    let mut limited = user(&server, &["+@all", "~sess:{ada}:*"]);
    assert_eq!(send::<i64>(&mut limited, &["JRS.DESTROYALL", "ada"]).unwrap(), 1);
    assert!(contents(admin).is_empty());
}

#[test]
fn a_deleted_user_is_refused_and_a_disabled_one_treated_as_by_the_server() {
    let server = Server::start();
    let admin = &mut server.conn();
    let token = create(admin, "ada", "{}", &[]);
    let mut limited = user(&server, &["+@all", "~*"]);
    exec(admin, &["ACL", "SETUSER", "limited", "off"]);
    let native = send::<Value>(&mut limited, &["GET", &key(&token)]).is_ok();
    assert_eq!(send::<Value>(&mut limited, &["JRS.PEEK", &token]).is_ok(), native);
    exec(admin, &["ACL", "SETUSER", "limited", "resetkeys"]);
    assert_eq!(refused(&mut limited, &["JRS.PEEK", &token]), "NOPERM");

    let before = contents(admin);
    exec(admin, &["ACL", "DELUSER", "limited"]);
    for (words, _) in commands(&key(&token), &token) {
        assert!(send::<Value>(&mut limited, &words).is_err(), "{words:?}");
    }
    assert_eq!(contents(admin), before);
}

#[test]
fn single_commands_can_be_allowed() {
    let server = Server::start();
    let admin = &mut server.conn();
    for (allowed, _) in TOKEN_COMMANDS.into_iter().chain(OWNER_COMMANDS) {
        let token = create(admin, "ada", "{}", &[]);
        let rule = format!("+{}", allowed[0].to_lowercase());
        let mut limited = user(&server, &["-@all", &rule, "~sess:*"]);
        for (words, _) in commands(&key(&token), &token).iter().filter(|(words, _)| words[0] != allowed[0]) {
            assert_eq!(refused(&mut limited, words), "NOPERM", "{rule}: {words:?}");
        }
        for (words, _) in commands(&key(&token), &token).iter().filter(|(words, _)| words[0] == allowed[0]) {
            assert!(send::<Value>(&mut limited, words).is_ok(), "{rule}: {words:?}");
        }
    }
    let key = key(&create(admin, "ada", "{}", &[]));
    let mut limited = user(&server, &["-@all", "+jrs.revoke", "~sess:*"]);
    assert_eq!(send::<i64>(&mut limited, &["JRS.REVOKE", &key]).unwrap(), 1);
}
