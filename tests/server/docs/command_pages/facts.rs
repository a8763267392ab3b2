//! What COMMAND DOCS and COMMAND INFO say: `docs/commands.json`, and the table at the top of each page.

use std::fs;

use redis::Connection;
use serde_json::{Map, Value, json};

use super::{command_pages, compare_file, compare_part, path};
use crate::support::{Server, json_reply::to_json, sessions::send};

const FILE: &str = "docs/commands.json";

#[test]
fn commands_json_and_the_pages_say_what_the_server_says() {
    let server = Server::start();
    let conn = &mut server.conn3();
    let mut commands: Map<String, Value> =
        command_pages().into_keys().map(|name| (name.clone(), description(conn, &name))).collect();
    let has_categories = |command: &Value| !command["acl_categories"].as_array().unwrap().is_empty();
    if version(conn).starts_with("7.0.") {
        // This server has no categories for commands of modules. Those of the file are compared on the other servers.
        assert!(!commands.values().any(has_categories));
        let file: Value = serde_json::from_str(&fs::read_to_string(path(FILE)).unwrap()).unwrap();
        for (name, command) in &mut commands {
            command["acl_categories"] = file[name.as_str()]["acl_categories"].clone();
        }
    }
    assert!(commands.values().all(has_categories));
    for (name, command) in &commands {
        compare_part(name, "facts", &facts(name, command));
    }
    compare_file(FILE, &(serde_json::to_string_pretty(&commands).unwrap() + "\n"));
}

fn version(conn: &mut Connection) -> String {
    let info: String = send(conn, &["INFO", "server"]).unwrap();
    info.lines().find_map(|line| line.strip_prefix("redis_version:")).unwrap().to_owned()
}

/// A command in the format of the `commands.json` that the documentation of Redis is made of.
fn description(conn: &mut Connection, name: &str) -> Value {
    let docs = &to_json(send(conn, &["COMMAND", "DOCS", name]).unwrap())[name];
    let info = &to_json(send(conn, &["COMMAND", "INFO", name]).unwrap())[0];
    let mut command = json!({
        "summary": docs["summary"],
        "since": docs["since"],
        "group": docs["group"],
        "module": docs["module"],
        "complexity": docs["complexity"],
        "acl_categories": info[6],
        "arity": info[1],
    });
    let key_specs: Vec<Value> = info[8].as_array().unwrap().iter().map(with_flags_as_members).collect();
    let flags: Vec<&Value> = info[2].as_array().unwrap().iter().filter(|flag| **flag != "module").collect();
    for (member, value) in [
        ("key_specs", json!(key_specs)),
        ("arguments", arguments(&docs["arguments"])),
        ("command_flags", json!(flags)),
        ("hints", info[7].clone()),
    ] {
        if value.as_array().is_some_and(|items| !items.is_empty()) {
            command[member] = value;
        }
    }
    command
}

fn arguments(arguments: &Value) -> Value {
    let Some(arguments) = arguments.as_array() else { return json!([]) };
    let convert = |argument: &Value| {
        let mut argument = with_flags_as_members(argument);
        // Redis 7.0 does not have it. In the newer servers it repeats the name.
        if let Some(text) = argument.as_object_mut().unwrap().shift_remove("display_text") {
            assert_eq!(text, argument["name"]);
        }
        if argument["arguments"].is_array() {
            argument["arguments"] = self::arguments(&argument["arguments"]);
        }
        argument
    };
    arguments.iter().map(convert).collect()
}

/// `{"flags": ["optional"]}` as `{"optional": true}`.
fn with_flags_as_members(value: &Value) -> Value {
    let mut members = value.as_object().unwrap().clone();
    let flags = members.shift_remove("flags").unwrap_or_default();
    for flag in flags.as_array().into_iter().flatten() {
        members.insert(flag.as_str().unwrap().to_owned(), json!(true));
    }
    Value::Object(members)
}

/// The table of a page.
fn facts(name: &str, command: &Value) -> String {
    let list = |member: &str| {
        let items = command[member].as_array().into_iter().flatten();
        items.map(|item| format!("`{}`", item.as_str().unwrap())).collect::<Vec<_>>().join(" ")
    };
    let all_nodes = list("hints").contains("request_policy:all_nodes");
    let routing = match command["key_specs"].is_array() {
        true => "[argument 1](../commands.md#the-key) tells the node",
        false if all_nodes => "send it to every node",
        // A node does not generate its key.
        false if name == "JRS.ROTATEKEY" => {
            "refused: rotate [the key file](../operations.md#key-files-on-several-servers)"
        }
        false => "send it to any node",
    };
    let text = |member: &str| command[member].as_str().unwrap();
    format!(
        "| fact | value |\n|---|---|\n| since | {} |\n| complexity | {} |\n| [ACL categories](../security.md#permissions), not on Redis 7.0 | {} \
         |\n| flags | {} |\n| in a cluster | {routing} |\n",
        text("since"),
        text("complexity"),
        list("acl_categories"),
        list("command_flags")
    )
}
