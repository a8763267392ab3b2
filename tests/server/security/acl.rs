//! Users: their permissions on session keys, which are not among a command's arguments, and command categories.

use std::collections::{BTreeSet, HashMap};

use redis::{Connection, RedisResult, Value};

use crate::support::{
    Server, error_word,
    sessions::{contents, create, exec, refused, send},
    tokens::key,
};

/// What a command does with the session's key.
#[derive(Clone, Copy)]
struct Needs {
    read: bool,
    write: bool,
}

const READ: Needs = Needs { read: true, write: false };
const WRITE: Needs = Needs { read: false, write: true };
const BOTH: Needs = Needs { read: true, write: true };

/// The commands that act on a session, with what follows the token, and what they need.
const TOKEN_COMMANDS: [(&[&str], Needs); 10] = [
    (&["JRS.PEEK"], READ),
    (&["JRS.INSPECT"], READ),
    (&["JRS.GET"], BOTH),
    (&["JRS.UPDATE", r#"{"a":1}"#], WRITE),
    // The replies to these tell what the data was.
    (&["JRS.UPDATE", r#"{"a":1}"#, "IFMATCH", "c5e3762ffc8453c6"], BOTH),
    (&["JRS.UPDATE", r#"{"b":2}"#, "MERGE"], BOTH),
    (&["JRS.UPDATE", "[]", "PATCH"], BOTH),
    (&["JRS.TOUCH", "EX", "1000"], WRITE),
    (&["JRS.ROTATE"], BOTH),
    (&["JRS.DESTROY"], WRITE),
];

/// The commands on a session of ada's that could be, or on all that there are.
const OWNER_COMMANDS: [(&[&str], Needs); 4] = [
    (&["JRS.CREATE", "ada", "{}"], WRITE),
    (&["JRS.LIST", "ada"], READ),
    (&["JRS.LIST", "ada", "WITHDATA"], READ),
    (&["JRS.DESTROYALL", "ada"], WRITE),
];

/// Every command on sessions, for a session of ada's: each on a token, without the key and with it, and the others.
fn commands<'w>(key: &'w str, token: &'w str) -> Vec<(Vec<&'w str>, Needs)> {
    let form = |words: &[&'w str], front: &[&'w str]| [&words[..1], front, &words[1..]].concat();
    let both = |(words, needs): &(&'static [&'static str], Needs)| {
        [(form(words, &[token]), *needs), (form(words, &[key, token]), *needs)]
    };
    let owners = OWNER_COMMANDS.iter().map(|(words, needs)| (words.to_vec(), *needs));
    // What destroys the session comes last.
    let (last, owners): (Vec<_>, Vec<_>) = owners.partition(|(words, _)| words[0] == "JRS.DESTROYALL");
    let revoke = (vec!["JRS.REVOKE", key], WRITE);
    owners.into_iter().chain(TOKEN_COMMANDS.iter().flat_map(both)).chain([revoke]).chain(last).collect()
}

/// A connection of a user with these rules.
fn user(server: &Server, rules: &[&str]) -> Connection {
    exec(&mut server.conn(), &[&["ACL", "SETUSER", "limited", "reset", "on", ">pw"], rules].concat());
    let mut conn = server.conn();
    exec(&mut conn, &["AUTH", "limited", "pw"]);
    conn
}

/// A way to run a command.
type Way = fn(&mut Connection, &[&str]) -> RedisResult<Value>;

/// By itself, from a script, from a function, in a transaction.
const WAYS: [Way; 4] = [
    |conn, words| send(conn, words),
    |conn, words| send(conn, &[&["EVAL", "return redis.call(unpack(ARGV))", "0"], words].concat()),
    |conn, words| send(conn, &[&["FCALL", "run", "0"], words].concat()),
    |conn, words| {
        exec(conn, &["MULTI"]);
        exec(conn, words);
        // The error of the command becomes that of the whole.
        send(conn, &["EXEC"])
    },
];

/// A server whose function `run` runs a command.
fn server() -> Server {
    let server = Server::start();
    let library =
        "#!lua name=run\nredis.register_function('run', function(_, args) return redis.call(unpack(args)) end)";
    exec(&mut server.conn(), &["FUNCTION", "LOAD", library]);
    server
}

#[test]
fn a_user_without_the_key_may_not_touch_the_session() {
    let server = server();
    let admin = &mut server.conn();
    let token = create(admin, "ada", "{}", &[]);
    let key = key(&token);
    let mut limited = user(&server, &["+@all", "~other:*", "~ada", &format!("~{token}")]);
    let before = contents(admin);
    for run in WAYS {
        for (words, _) in commands(&key, &token) {
            exec(admin, &["ACL", "LOG", "RESET"]);
            assert_eq!(error_word(run(&mut limited, &words)), "NOPERM", "{words:?}");
            assert_eq!(contents(admin), before, "{words:?}");

            let log: Vec<HashMap<String, Value>> = send(admin, &["ACL", "LOG"]).unwrap();
            let entry = |name: &str| redis::from_redis_value_ref::<String>(&log[0][name]).unwrap();
            assert_eq!((entry("reason"), entry("username")), ("key".to_owned(), "limited".to_owned()), "{words:?}");
            let object = entry("object");
            let is_any = OWNER_COMMANDS.iter().any(|(command, _)| words[0] == command[0]);
            assert!(if is_any { object.starts_with("sess:{ada}:") } else { object == key }, "{words:?}: {object}");
            assert!(!format!("{log:?}").contains(&token), "{log:?}");
        }
    }
}

#[test]
fn selectors_tell_reading_from_writing() {
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
        for run in WAYS {
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
fn a_user_may_be_kept_to_the_sessions_of_one_owner() {
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
    for owner in ["bob", ""] {
        assert_eq!(refused(&mut ada, &["JRS.ROTATE", &hers, "OWNER", owner]), "NOPERM");
        assert_eq!(refused(&mut ada, &["JRS.ROTATE", &his, "OWNER", "ada"]), "NOPERM");
    }
    for (words, _) in TOKEN_COMMANDS {
        let form = |front: &[&str]| -> Vec<String> {
            [&words[..1], front, &words[1..]].concat().into_iter().map(str::to_owned).collect()
        };
        for (front, word) in
            [(&[&*his][..], "NOPERM"), (&[&key(&his), &his], "NOPERM"), (&[&key(&hers), &his], "WRONGKEY")]
        {
            let words = form(front);
            let reply = send::<Value>(&mut ada, &words.iter().map(String::as_str).collect::<Vec<_>>());
            // JRS.INSPECT says what is wrong with a token, and refuses only to tell about keys.
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
fn to_list_or_end_an_owners_sessions_takes_the_right_to_all_of_them() {
    let server = Server::start();
    let admin = &mut server.conn();
    let token = create(admin, "ada", "{}", &[]);
    let before = contents(admin);
    // The key of each session that there is, and the index, are not enough: there could be others.
    let mut limited = user(&server, &["+@all", "~sess:{ada}", &format!("~{}", key(&token))]);
    assert!(send::<Value>(&mut limited, &["JRS.GET", &token]).is_ok());
    for words in [&["JRS.LIST", "ada"][..], &["JRS.DESTROYALL", "ada"], &["JRS.DESTROYALL", "ada", "EXCEPT", &token]] {
        assert_eq!(refused(&mut limited, words), "NOPERM", "{words:?}");
    }
    assert_eq!(contents(admin), before);
    // The index itself is not looked at.
    let mut limited = user(&server, &["+@all", "~sess:{ada}:*"]);
    assert_eq!(send::<i64>(&mut limited, &["JRS.DESTROYALL", "ada"]).unwrap(), 1);
    assert!(contents(admin).is_empty());
}

#[test]
fn a_deleted_user_may_do_nothing_and_a_disabled_one_what_the_server_lets_them() {
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
fn a_user_may_be_given_single_commands() {
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

/// Whether a module can choose the categories of its commands on this server.
fn has_categories(conn: &mut Connection) -> bool {
    !send::<String>(conn, &["INFO", "server"]).unwrap().contains("redis_version:7.0.")
}

/// The commands of the module in an ACL category, by their names in lower case.
fn category(conn: &mut Connection, name: &str) -> BTreeSet<String> {
    let all: Vec<String> = send(conn, &["COMMAND", "LIST", "FILTERBY", "ACLCAT", name]).unwrap();
    all.iter().map(|name| name.to_lowercase()).filter(|name| name.starts_with("jrs.")).collect()
}

const FAST_READS: [&str; 4] = ["inspect", "jwks", "peek", "realms"];
const SLOW_READS: [&str; 2] = ["count", "list"];
const FAST_WRITES: [&str; 7] = ["create", "destroy", "get", "revoke", "rotate", "touch", "update"];
const SLOW_WRITES: [&str; 1] = ["destroyall"];

fn names(names: &[&[&str]]) -> BTreeSet<String> {
    names.concat().iter().map(|name| format!("jrs.{name}")).collect()
}

#[test]
fn commands_are_in_the_categories_that_fit() {
    let server = Server::start();
    let conn = &mut server.conn();
    let expected = [
        ("read", names(&[&FAST_READS, &SLOW_READS])),
        ("write", names(&[&FAST_WRITES, &SLOW_WRITES])),
        ("fast", names(&[&FAST_READS, &FAST_WRITES, &["help"]])),
        ("admin", names(&[&["debug", "reload"]])),
        ("dangerous", names(&[&["debug", "reload"]])),
        ("slow", names(&[&SLOW_READS, &SLOW_WRITES, &["debug", "reload"]])),
        ("jrs", names(&[&FAST_READS, &SLOW_READS, &FAST_WRITES, &SLOW_WRITES, &["debug", "help", "reload"]])),
    ];
    for (name, expected) in expected {
        let expected = if has_categories(conn) { expected } else { BTreeSet::new() };
        assert_eq!(category(conn, name), expected, "@{name}");
    }
}

#[test]
fn what_can_write_is_not_in_the_category_of_reads() {
    let server = Server::start();
    let admin = &mut server.conn();
    if !has_categories(admin) {
        assert!(category(admin, "read").is_empty());
        return;
    }
    let token = create(admin, "ada", "{}", &[]);
    let mut reader = user(&server, &["-@all", "+@read", "~sess:*"]);
    for (words, needs) in commands(&key(&token), &token) {
        let reply = send::<Value>(&mut reader, &words);
        assert_eq!(reply.is_ok(), !needs.write, "{words:?}: {reply:?}");
    }
}

#[test]
fn a_user_may_be_given_a_category() {
    let server = Server::start();
    let admin = &mut server.conn();
    if !has_categories(admin) {
        assert_eq!(refused(admin, &["ACL", "SETUSER", "limited", "+@jrs"]), "ERR");
        return;
    }
    let listed: Vec<String> = send(admin, &["ACL", "CAT", "jrs"]).unwrap();
    assert_eq!(listed.iter().map(|name| name.to_lowercase()).collect::<BTreeSet<_>>(), category(admin, "jrs"));

    let mut limited = user(&server, &["-@all", "+@jrs", "~sess:*"]);
    let token = create(&mut limited, "ada", "{}", &[]);
    for (words, _) in commands(&key(&token), &token) {
        assert!(send::<Value>(&mut limited, &words).is_ok(), "{words:?}");
    }
    assert_eq!(refused(&mut limited, &["GET", "sess:x"]), "NOPERM");

    let token = create(admin, "ada", "{}", &[]);
    let before = contents(admin);
    let mut limited = user(&server, &["+@all", "-@write", "-@admin", "~*"]);
    for (words, needs) in commands(&key(&token), &token) {
        assert_eq!(send::<Value>(&mut limited, &words).is_ok(), !needs.write, "{words:?}");
    }
    assert_eq!(refused(&mut limited, &["JRS.RELOAD"]), "NOPERM");
    assert_eq!(contents(admin), before);
}
