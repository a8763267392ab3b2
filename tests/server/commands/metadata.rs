//! The descriptions of the commands: COMMAND INFO, COMMAND DOCS, COMMAND GETKEYS, JRS.HELP.

use std::collections::BTreeSet;

use redis::Connection;
use serde_json::{Value, json};

use crate::support::{
    Server,
    json_reply::to_json,
    sessions::{refused, send},
};

/// The description of a command.
struct CommandSpec {
    name: &'static str,
    arity: i64,
    flags: &'static [&'static str],
    /// The flags of the key specification. `not_key`: argument 1 routes the command and is not a key.
    routing: Option<&'static [&'static str]>,
    /// The arguments with their types.
    arguments: &'static str,
}

const WRITES: Option<&[&str]> = Some(&["RW", "not_key"]);
const READS: Option<&[&str]> = Some(&["RO", "not_key"]);

const READING: &[&str] = &["fast", "module", "readonly"];
const READING_ANYWHERE: &[&str] = &["fast", "module", "readonly", "stale"];
const WRITING: &[&str] = &["fast", "module", "write"];
const MAY_GROW: &[&str] = &["denyoom", "fast", "module", "write"];
const READING_SLOWLY: &[&str] = &["module", "readonly"];
const WRITING_SLOWLY: &[&str] = &["module", "write"];

const KEY_AND_TOKEN: &str = "[key:key] token:string";
const READ: &str = "[key:key] token:string [MAXAUTHAGE seconds:integer] [COMPACT]";
const CREATE: &str = "owner:string data:string [CLAIMS json:string] [EX seconds:integer | PX milliseconds:integer | \
                      EXAT unix-time-seconds:unix-time | PXAT unix-time-milliseconds:unix-time] [REALM name:string]";
const UPDATE: &str = "[key:key] token:string data:string [REPLACE | MERGE | PATCH] [IFMATCH etag:string] [KEEPTTL | EX \
                      seconds:integer | PX milliseconds:integer]";
const TOUCH: &str = "[key:key] token:string [EX seconds:integer | PX milliseconds:integer]";
const ROTATE: &str =
    "[key:key] token:string [CLAIMS json:string] [OWNER owner:string] [REAUTH] [GRACE milliseconds:integer]";
const MINT: &str = "[key:key] token:string [EX seconds:integer | PX milliseconds:integer] [AUDIENCE audience:string] \
                    [CLAIMS json:string]";
const LIST: &str = "owner:string [WITHDATA] [FIELDS n:integer pointer:string...] [LIMIT count:integer] [AFTER id:string] [REALM name:string]";
const COUNT: &str = "owner:string [REALM name:string]";
const DESTROYALL: &str = "owner:string [EXCEPT token:string] [REALM name:string]";

const COMMANDS: [CommandSpec; 19] = [
    spec("JRS.CREATE", -3, MAY_GROW, WRITES, CREATE),
    spec("JRS.GET", -2, WRITING, WRITES, READ),
    spec("JRS.PEEK", -2, READING, READS, READ),
    spec("JRS.UPDATE", -3, MAY_GROW, WRITES, UPDATE),
    spec("JRS.TOUCH", -2, WRITING, WRITES, TOUCH),
    spec("JRS.DESTROY", -2, WRITING, WRITES, KEY_AND_TOKEN),
    spec("JRS.ROTATE", -2, MAY_GROW, WRITES, ROTATE),
    spec("JRS.MINT", -2, WRITING, WRITES, MINT),
    spec("JRS.LIST", -2, READING_SLOWLY, READS, LIST),
    spec("JRS.COUNT", -2, READING_SLOWLY, READS, COUNT),
    spec("JRS.REVOKE", 2, WRITING, WRITES, "key:key"),
    spec("JRS.DESTROYALL", -2, WRITING_SLOWLY, WRITES, DESTROYALL),
    spec("JRS.INSPECT", -2, READING, READS, KEY_AND_TOKEN),
    spec("JRS.JWKS", -1, READING_ANYWHERE, None, "[REALM name:string]"),
    spec("JRS.REALMS", 1, READING_ANYWHERE, None, ""),
    spec("JRS.RELOAD", 1, &["admin", "module", "stale"], None, ""),
    spec("JRS.ROTATEKEY", -1, &["admin", "module", "noscript"], None, "[REALM name:string]"),
    spec("JRS.HELP", 1, &["fast", "loading", "module", "stale"], None, ""),
    spec("JRS.DEBUG", 2, &["admin", "module", "readonly"], None, "INDEX"),
];

/// The command tips for clients and proxies.
fn tips(name: &str) -> &'static [&'static str] {
    match name {
        "JRS.CREATE" | "JRS.ROTATE" | "JRS.ROTATEKEY" | "JRS.MINT" => &["nondeterministic_output"],
        "JRS.RELOAD" => &["request_policy:all_nodes", "response_policy:all_succeeded"],
        _ => &[],
    }
}

const fn spec(
    name: &'static str,
    arity: i64,
    flags: &'static [&'static str],
    routing: Option<&'static [&'static str]>,
    arguments: &'static str,
) -> CommandSpec {
    CommandSpec { name, arity, flags, routing, arguments }
}

fn query(conn: &mut Connection, words: &[&str]) -> Value {
    to_json(send(conn, words).unwrap())
}

/// The arguments in COMMAND DOCS, in the form of [`CommandSpec::arguments`].
fn rendered(arguments: &Value) -> String {
    let Some(arguments) = arguments.as_array() else { return String::new() };
    let render = |argument: &Value| {
        let text = |name: &str| argument[name].as_str();
        let kind = text("type").unwrap();
        let inner = match kind {
            "oneof" => {
                let choices = argument["arguments"].as_array().unwrap().iter();
                choices.map(|choice| rendered(&json!([choice]))).collect::<Vec<_>>().join(" | ")
            }
            "block" => rendered(&argument["arguments"]),
            "pure-token" => text("token").unwrap().to_owned(),
            _ => {
                let token = text("token").map(|token| format!("{token} ")).unwrap_or_default();
                format!("{token}{}:{kind}", text("name").unwrap())
            }
        };
        let has_flag = |flag| argument["flags"].as_array().is_some_and(|flags| flags.contains(&json!(flag)));
        let inner = if has_flag("multiple") { inner + "..." } else { inner };
        if has_flag("optional") { format!("[{inner}]") } else { inner }
    };
    arguments.iter().map(render).collect::<Vec<_>>().join(" ")
}

#[test]
fn this_list_has_every_command() {
    let server = Server::start();
    let names = query(&mut server.conn3(), &["COMMAND", "LIST", "FILTERBY", "MODULE", "jrs"]);
    let names: BTreeSet<&str> = names.as_array().unwrap().iter().map(|name| name.as_str().unwrap()).collect();
    assert_eq!(names, COMMANDS.iter().map(|command| command.name).collect());
}

#[test]
fn command_info_has_arity_flags_tips_and_key_specs() {
    let server = Server::start();
    let conn = &mut server.conn3();
    for CommandSpec { name, arity, flags, routing, .. } in COMMANDS {
        let info = query(conn, &["COMMAND", "INFO", name]);
        let [name_, arity_, flags_, first, last, step, _, tips_, specs, ..] = info[0].as_array().unwrap().as_slice()
        else {
            panic!("{info}")
        };
        assert_eq!((name_, arity_, flags_), (&json!(name), &json!(arity), &json!(flags)));
        assert_eq!(tips_, &json!(tips(name)), "{name}");
        let position = i64::from(routing.is_some());
        assert_eq!((first, last, step), (&json!(position), &json!(position), &json!(position)), "{name}");
        let Some(routing) = routing else {
            assert_eq!(specs, &json!([]), "{name}");
            continue;
        };
        let spec = &specs[0];
        assert_eq!(specs.as_array().unwrap().len(), 1, "{name}");
        assert_eq!(spec["flags"], json!(routing), "{name}");
        assert_eq!(spec["begin_search"], json!({"type": "index", "spec": {"index": 1}}), "{name}");
        let range = json!({"type": "range", "spec": {"lastkey": 0, "keystep": 1, "limit": 0}});
        assert_eq!(spec["find_keys"], range, "{name}");
        let notes_routing = spec["notes"].as_str().is_some_and(|notes| notes.contains("routes"));
        assert_eq!(notes_routing, routing.contains(&"not_key"), "{name}: {spec}");
    }
}

#[test]
fn command_docs_has_summary_and_arguments() {
    let server = Server::start();
    let conn = &mut server.conn3();
    for CommandSpec { name, arguments, routing, .. } in COMMANDS {
        let docs = &query(conn, &["COMMAND", "DOCS", name])[name];
        let summary = docs["summary"].as_str().unwrap();
        assert!(summary.ends_with('.') && summary.len() > 20, "{name}: {summary}");
        assert!(docs["complexity"].as_str().unwrap().starts_with("O("), "{name}");
        let is_newer = ["JRS.COUNT", "JRS.DEBUG", "JRS.MINT", "JRS.ROTATEKEY"].contains(&name);
        assert_eq!(docs["since"], json!(if is_newer { "0.2.0" } else { "0.1.0" }), "{name}");
        assert_eq!(docs["group"], json!("module"), "{name}");
        assert_eq!(docs["module"], json!("jrs"), "{name}");
        assert_eq!(rendered(&docs["arguments"]), arguments, "{name}");
        let key = docs["arguments"].as_array().and_then(|arguments| arguments.iter().find(|one| one["type"] == "key"));
        assert!(key.is_none_or(|key| key["key_spec_index"] == 0 && routing.is_some()), "{name}");
    }
}

#[test]
fn command_getkeys_finds_no_keys() {
    let server = Server::start();
    let conn = &mut server.conn();
    for CommandSpec { name, arity, .. } in &COMMANDS {
        for form in ["GETKEYS", "GETKEYSANDFLAGS"] {
            let arguments = &["sess:a", "eyJ", "{}"][..if *arity == 2 { 1 } else { 3 }];
            let error = send::<redis::Value>(conn, &[&["COMMAND", form, name], arguments].concat()).expect_err(name);
            assert_eq!(error.code(), Some("ERR"), "{name}: {error}");
        }
    }
    let declared: Vec<String> = send(conn, &["COMMAND", "GETKEYS", "GET", "sess:a"]).unwrap();
    assert_eq!(declared, ["sess:a"], "the server finds keys of other commands");
}

#[test]
fn a_wrong_number_of_arguments_gives_the_servers_error() {
    let server = Server::start();
    let conn = &mut server.conn();
    for CommandSpec { name, arity, .. } in COMMANDS {
        let words: &[&str] = match arity {
            1 => &[name, "too many"],
            2 => &[name, "one", "too many"],
            -1 => continue,
            -2 => &[name],
            _ => &[name, "too few"],
        };
        let error = send::<redis::Value>(conn, words).expect_err(name);
        assert_eq!(error.code(), Some("ERR"), "{words:?}: {error}");
        assert!(error.detail().unwrap().contains("wrong number of arguments"), "{words:?}: {error}");
    }
}

#[test]
fn help_names_every_command() {
    let server = Server::start();
    let conn = &mut server.conn();
    let lines: Vec<String> = send(conn, &["JRS.HELP"]).unwrap();
    assert_eq!(send::<Vec<String>>(conn, &["jrs.help"]).unwrap(), lines);
    // JRS.DEBUG is for tests.
    for CommandSpec { name, arguments, .. } in COMMANDS.into_iter().filter(|command| command.name != "JRS.DEBUG") {
        let short = name.strip_prefix("JRS.").unwrap();
        let line = lines.iter().find(|line| line.split(' ').next() == Some(short)).unwrap_or_else(|| panic!("{name}"));
        // The words without a type are the options.
        for option in arguments.split(['[', ']', ' ', '|']).filter(|word| !word.is_empty() && !word.contains(':')) {
            assert!(line.contains(option), "{name}: {option} is missing in {line}");
        }
    }
    assert_eq!(refused(conn, &["JRS.HELP", "GET"]), "ERR");
    assert_eq!(refused(conn, &["JRS.NO-SUCH-COMMAND"]), "ERR");
}
