//! JRS.UPDATE with MERGE (RFC 7396), PATCH (RFC 6902) and IFMATCH.

use redis::{Connection, Value};
use serde_json::json;

use crate::support::{
    Server, await_that,
    owner_sessions::info,
    sessions::{assert_lives, assert_refused, create, etag, exec, expiry, get, refused, send},
    tokens::key,
};

/// Changes the data of a new session and returns the result.
fn changed(conn: &mut Connection, data: &str, change: &[&str]) -> String {
    let token = create(conn, "ada", data, &[]);
    let reply: String =
        send(conn, &[&["JRS.UPDATE", &token], change].concat()).unwrap_or_else(|error| panic!("{change:?}: {error}"));
    let now = get(conn, &token).unwrap();
    assert_eq!((reply, send::<String>(conn, &["GET", &key(&token)]).unwrap()), (etag(&now.data), now.data.clone()));
    assert_eq!(now.etag, etag(&now.data));
    now.data
}

#[test]
fn a_merge_sets_and_removes_members() {
    let server = Server::start();
    let conn = &mut server.conn();
    for (data, change, result) in [
        ("{}", r#"{"a":1}"#, r#"{"a":1}"#),
        (r#"{"z":1,"a":{"b":2,"c":3}}"#, r#"{"a":{"b":null,"d":[null]}}"#, r#"{"z":1,"a":{"c":3,"d":[null]}}"#),
        (r#"{"a":1,"b":2,"c":3}"#, r#"{"a":null}"#, r#"{"b":2,"c":3}"#),
        (r#"{"a":[1,2]}"#, r#"{"a":{"b":null}}"#, r#"{"a":{}}"#),
        (r#"{"a":1}"#, "{}", r#"{"a":1}"#),
        (r#"{"a":1}"#, r#" { "no" : null } "#, r#"{"a":1}"#),
        (r#"{"a":1,"b":0,"a":{"c":2}}"#, r#"{"a":{"d":3}}"#, r#"{"a":{"c":2,"d":3},"b":0}"#),
        (r#"{"a":1,"b":0,"\u0061":2}"#, r#"{"a":null}"#, r#"{"b":0}"#),
    ] {
        assert_eq!(changed(conn, data, &[change, "MERGE"]), result, "{change} into {data}");
    }
}

#[test]
fn a_patch_runs_all_operations() {
    let server = Server::start();
    let conn = &mut server.conn();
    for (data, change, result) in [
        (r#"{"a":1}"#, "[]", r#"{"a":1}"#),
        (
            r#"{"a":[1,3]}"#,
            r#"[{"op":"add","path":"/a/1","value":2},{"op":"add","path":"/a/-","value":4}]"#,
            r#"{"a":[1,2,3,4]}"#,
        ),
        (r#"{"a":1,"b":2,"c":3}"#, r#"[{"op":"remove","path":"/a"}]"#, r#"{"b":2,"c":3}"#),
        (r#"{"a":{"b":1}}"#, r#"[{"op":"move","from":"/a/b","path":"/ab"}]"#, r#"{"a":{},"ab":1}"#),
        (r#"{"a":1}"#, r#"[{"op":"move","from":"/a","path":"/ab"}]"#, r#"{"ab":1}"#),
        (r#"{"a":{"b":1}}"#, r#"[{"op":"copy","from":"/a","path":"/c"}]"#, r#"{"a":{"b":1},"c":{"b":1}}"#),
        (
            r#"{"a/b":1,"m~n":2}"#,
            r#"[{"op":"test","path":"/a~1b","value":1.0},{"op":"replace","path":"/m~0n","value":3}]"#,
            r#"{"a/b":1,"m~n":3}"#,
        ),
        (r#"{"a":1}"#, r#"[{"op":"replace","path":"","value":{"b":2}}]"#, r#"{"b":2}"#),
        (r#"{"a":[1,2,3]}"#, r#"[{"op":"move","from":"/a/0","path":"/a/2"}]"#, r#"{"a":[2,3,1]}"#),
    ] {
        assert_eq!(changed(conn, data, &[change, "PATCH"]), result, "{change} on {data}");
    }
}

#[test]
fn unchanged_members_keep_their_order_and_digits() {
    let server = Server::start();
    let conn = &mut server.conn();
    let data = r#"{"z":1.0,"y":1E3,"x":-0,"w":0.10,"v":123456789012345678901234567890,"u":1e-999,"t":"Zo\u00eb\/","s":[ 1, {} ]}"#;
    let rest = &data[..data.len() - 1];
    assert_eq!(changed(conn, data, &[r#"{"new":2.50}"#, "MERGE"]), format!(r#"{rest},"new":2.50}}"#));
    let patch = r#"[{"op":"add","path":"/new","value":2.50}]"#;
    assert_eq!(changed(conn, data, &[patch, "PATCH"]), format!(r#"{rest},"new":2.50}}"#));
    assert_eq!(
        changed(conn, data, &[r#"{"y":null,"w":7}"#, "MERGE"]),
        data.replace(r#""y":1E3,"#, "").replace("0.10", "7")
    );
    assert_eq!(
        changed(conn, r#"{"big":9007199254740993}"#, &[r#"{"a":18446744073709551617}"#, "MERGE"]),
        r#"{"big":9007199254740993,"a":18446744073709551617}"#
    );
}

#[test]
fn refused_changes_change_nothing() {
    let server = Server::with_args(&["max-data-size", "1kb"]);
    let conn = &mut server.conn();
    let data = r#"{"n":1,"list":[1],"o":{"p":{}}}"#;
    let token = create(conn, "ada", data, &[]);
    let large = json!({"large": "x".repeat(900)}).to_string();
    let larger = json!({"large": "x".repeat(1100)}).to_string();
    let deep = format!(r#"{{"a":{}{}}}"#, "[".repeat(128), "]".repeat(128));
    let double = json!([{"op":"copy","from":"","path":"/o/p/q"}, {"op":"copy","from":"","path":"/o/p/r"}]).to_string();
    let fits_once =
        json!([{"op":"add","path":"/a","value":"x".repeat(500)}, {"op":"copy","from":"/a","path":"/b"}]).to_string();
    let wrong = etag("{}");
    let halfway = r#"[{"op":"add","path":"/new","value":1},{"op":"test","path":"/n","value":2}]"#;
    for (word, change) in [
        ("BADDATA", &["[]", "MERGE"][..]),
        ("BADDATA", &["null", "MERGE"]),
        ("BADDATA", &["{", "MERGE"]),
        ("BADDATA", &[&deep, "MERGE"]),
        ("BADDATA", &[r#"{"a":"\ud800"}"#, "MERGE"]),
        ("BADDATA", &["{}", "PATCH"]),
        ("BADDATA", &["[1]", "PATCH"]),
        ("BADDATA", &[r#"[{"op":"nonsense","path":"/n"}]"#, "PATCH"]),
        ("BADDATA", &[r#"[{"op":"add","path":"/new"}]"#, "PATCH"]),
        ("BADDATA", &[r#"[{"op":"add","path":"new","value":1}]"#, "PATCH"]),
        ("BADDATA", &[r#"[{"op":"remove","path":"/no"}]"#, "PATCH"]),
        ("BADDATA", &[r#"[{"op":"remove","path":""}]"#, "PATCH"]),
        ("BADDATA", &[r#"[{"op":"replace","path":"/no","value":1}]"#, "PATCH"]),
        ("BADDATA", &[r#"[{"op":"add","path":"/list/01","value":1}]"#, "PATCH"]),
        ("BADDATA", &[r#"[{"op":"add","path":"/list/3","value":1}]"#, "PATCH"]),
        ("BADDATA", &[r#"[{"op":"add","path":"/no/where","value":1}]"#, "PATCH"]),
        ("BADDATA", &[r#"[{"op":"remove","path":"/list/-"}]"#, "PATCH"]),
        ("BADDATA", &[r#"[{"op":"move","from":"/o","path":"/o/p"}]"#, "PATCH"]),
        ("BADDATA", &[r#"[{"op":"copy","from":"/no","path":"/o/p"}]"#, "PATCH"]),
        ("BADDATA", &[r#"[{"op":"replace","path":"","value":[]}]"#, "PATCH"]),
        ("BADDATA", &[r#"[{"op":"test","path":"/n","value":"1"}]"#, "PATCH"]),
        ("BADDATA", &[r#"[{"op":"test","path":"/no","value":null}]"#, "PATCH"]),
        ("BADDATA", &[halfway, "PATCH"]),
        ("TOOBIG", &[&larger, "MERGE"]),
        ("TOOBIG", &[&larger, "PATCH"]),
        ("TOOBIG", &[&fits_once, "PATCH"]),
        ("CONFLICT", &["{}", "IFMATCH", &wrong]),
        ("CONFLICT", &["{}", "MERGE", "IFMATCH", &wrong]),
        ("CONFLICT", &["{}", "IFMATCH", ""]),
        ("CONFLICT", &["[]", "IFMATCH", &wrong, "PATCH"]),
        ("ERR", &["{}", "MERGE", "PATCH"]),
        ("ERR", &["{}", "MERGE", "REPLACE"]),
        ("ERR", &["{}", "IFMATCH"]),
        ("ERR", &["{}", "IFMATCH", &wrong, "IFMATCH", &wrong]),
        ("ERR", &["{}", "MERGE", "KEEPTTL", "EX", "5"]),
    ] {
        let words = [&["JRS.UPDATE", &*token], change].concat();
        assert_refused(conn, word, &words);
    }
    assert_eq!(get(conn, &token).unwrap().data, data);
    // Each change fits, both together do not.
    exec(conn, &["JRS.UPDATE", &token, &large, "MERGE"]);
    assert_refused(conn, "TOOBIG", &["JRS.UPDATE", &token, &large.replace("large", "more"), "MERGE"]);
    assert!(matches!(refused(conn, &["JRS.UPDATE", &token, &double, "PATCH"]).as_str(), "TOOBIG"));
    // The limit is exact to the byte.
    exec(conn, &["CONFIG", "SET", "jrs.max-data-size", "1024"]);
    let full = format!(r#"{{"a":[[1],[1],[1],{{"b":[]}},"{}"]}}"#, "x".repeat(992));
    assert_eq!(full.len(), 1023);
    let exact = create(conn, "ada", &full, &[]);
    for (word, patch) in [
        ("TOOBIG", r#"[{"op":"add","path":"/b","value":1}]"#),
        ("TOOBIG", r#"[{"op":"add","path":"/a/-","value":1}]"#),
        ("", r#"[{"op":"replace","path":"/a/0","value":[12]}]"#),
    ] {
        let words = ["JRS.UPDATE", &exact, patch, "PATCH"];
        if word.is_empty() {
            exec(conn, &words);
        } else {
            assert_refused(conn, word, &words);
        }
    }
    assert_eq!(get(conn, &exact).unwrap().data.len(), 1024);
    // Data above a lowered limit can be made smaller.
    exec(conn, &["CONFIG", "SET", "jrs.max-data-size", "500"]);
    exec(conn, &["JRS.UPDATE", &token, r#"{"large":null}"#, "MERGE"]);
    assert_eq!(get(conn, &token).unwrap().data, data);
}

#[test]
fn ifmatch_and_ttl_options_work_in_each_mode() {
    let server = Server::start();
    let conn = &mut server.conn();
    let token = create(conn, "ada", r#"{"n":1}"#, &["EX", "5000"]);
    let key = key(&token);
    let patch = r#"[{"op":"replace","path":"/n","value":3}]"#;
    let mut etag = get(conn, &token).unwrap().etag;
    for change in [&[r#"{"n":2}"#, "MERGE"][..], &[patch, "PATCH"], &[r#"{"n":4}"#, "REPLACE"], &[r#"{"n":5}"#]] {
        exec(conn, &["PEXPIRE", &key, "77000"]);
        let (end, old) = (expiry(conn, &key), etag.clone());
        let words = [&["JRS.UPDATE", &*token], change, &["ifmatch", &old]].concat();
        etag = send(conn, &[&words[..], &["KEEPTTL"]].concat()).unwrap();
        assert_eq!(expiry(conn, &key), end);
        assert_refused(conn, "CONFLICT", &words);
        let new = etag.clone();
        let again = [&["JRS.UPDATE", &*key, &token], change, &["IFMATCH", &new]].concat();
        let etag_again: String = assert_lives(conn, &key, 5_000_000, |conn| send(conn, &again).unwrap());
        assert_eq!(etag_again, etag, "the same change again changes nothing");
        etag = assert_lives(conn, &key, 900_000, |conn| send(conn, &[&again[..], &["EX", "900"]].concat()).unwrap());
    }
    // A SET by a client changes the etag. Without a session the reply is null, regardless of the etag.
    exec(conn, &["SET", &key, r#"{"set":1}"#, "KEEPTTL"]);
    assert_refused(conn, "CONFLICT", &["JRS.UPDATE", &token, "{}", "IFMATCH", &etag]);
    exec(conn, &["SET", &key, "no JSON", "KEEPTTL"]);
    for mode in ["MERGE", "PATCH"] {
        assert_refused(conn, "BADDATA", &["JRS.UPDATE", &token, if mode == "MERGE" { "{}" } else { "[]" }, mode]);
    }
    exec(conn, &["DEL", &key]);
    for mode in ["MERGE", "PATCH", "REPLACE"] {
        let change = if mode == "PATCH" { "[]" } else { "{}" };
        assert_eq!(
            send::<Value>(conn, &["JRS.UPDATE", &token, change, mode, "IFMATCH", &etag]).unwrap(),
            Value::Nil,
            "{mode}"
        );
    }
    assert_eq!(send::<i64>(conn, &["EXISTS", &key]).unwrap(), 0);
}

#[test]
fn expensive_changes_are_bounded_and_free_their_memory() {
    let server = Server::start();
    let conn = &mut server.conn();
    let full = |unit: &str| format!(r#"{{"a":[{}]}}"#, vec![unit; ((1 << 20) - 10) / (unit.len() + 1)].join(","));
    let many = |operation: &str| format!("[{}]", vec![operation; ((1 << 20) - 2) / (operation.len() + 1)].join(","));
    let members = |value: &str| {
        let members: Vec<String> = (0..70_000).map(|number| format!(r#""{number:x}":{value}"#)).collect();
        format!("{{{}}}", members.join(","))
    };
    let datas = [full("0"), full(r#"{"":0}"#), r#"{"a":[]}"#.to_owned(), members("1")];
    let changes = [
        (many(r#"{"op":"copy","from":"","path":"/b"}"#), "PATCH"),
        (many(r#"{"op":"copy","from":"/a","path":"/a/-"}"#), "PATCH"),
        (many(r#"{"op":"test","path":"","value":0}"#), "PATCH"),
        (many(r#"{"op":"add","path":"/a/0","value":0}"#), "PATCH"),
        (many(r#"{"op":"move","from":"/a/0","path":"/a/-"}"#), "PATCH"),
        (many(r#"{"op":"add","path":"/a","value":[]}"#), "PATCH"),
        (format!(r#"[{{"op":"test","path":"{}","value":0}}]"#, "/a".repeat(500_000)), "PATCH"),
        (full(r#"{"":0}"#), "MERGE"),
        (members("null"), "MERGE"),
        (members("2"), "MERGE"),
        (format!(r#"{{"a":{}1{}}}"#, r#"{"a":"#.repeat(126), "}".repeat(126)), "MERGE"),
        (format!(r#"{{"{}":1}}"#, r"\u0041".repeat(170_000)), "MERGE"),
    ];
    let tokens: Vec<String> = datas.iter().map(|data| create(conn, "ada", data, &[])).collect();
    let before = info(conn, "memory", "used_memory");
    for (data, token) in datas.iter().zip(&tokens) {
        for (change, mode) in &changes {
            // Some of the changes are refused.
            let reply: redis::RedisResult<Value> = send(conn, &["JRS.UPDATE", token, change, mode]);
            if reply.is_ok() {
                exec(conn, &["JRS.UPDATE", token, data]);
            }
        }
    }
    await_that("free memory", || {
        (info(&mut server.conn(), "memory", "used_memory") < before + (8 << 20)).then_some(())
    });
}

/// By how many bytes the server's memory use grew at its peak during `work`.
fn peak_of(server: &Server, work: impl FnOnce(&mut Connection)) -> i64 {
    let conn = &mut server.conn();
    exec(conn, &["CONFIG", "RESETSTAT"]);
    let before = info(conn, "memory", "used_memory");
    work(conn);
    info(conn, "memory", "used_memory_peak") - before
}

#[test]
fn small_changes_need_little_memory() {
    let doubling: Vec<_> = (0..60).map(|at| json!({"op":"copy","from":"","path":format!("/{at}")})).collect();
    let nesting: Vec<_> = (0..60).map(|_| json!({"op":"copy","from":"","path":"/0"})).collect();
    let fill = |unit: &str| format!(r#"{{"a":[{}]}}"#, vec![unit; ((1 << 20) - 20) / (unit.len() + 1)].join(","));
    for limit in ["1mb", "64mb"] {
        let server = Server::with_args(&["max-data-size", limit]);
        let conn = &mut server.conn();
        let small = create(conn, "ada", r#"{"a":{}}"#, &[]);
        let peak = peak_of(&server, |conn| {
            assert_refused(conn, "TOOBIG", &["JRS.UPDATE", &small, &json!(doubling).to_string(), "PATCH"]);
            exec(conn, &["JRS.UPDATE", &small, &json!(nesting).to_string(), "PATCH"]);
        });
        assert!(peak < 8 << 20, "{limit}: {peak}");
        for unit in [r#"{"":0}"#, "0", "[]", r#""\u0041""#, "1e5"] {
            let data = fill(unit);
            let token = create(conn, "ada", &data, &[]);
            let peak = peak_of(&server, |conn| {
                let etag_before = etag(&data);
                assert_eq!(send::<String>(conn, &["JRS.UPDATE", &token, "{}", "MERGE"]).unwrap(), etag_before);
                exec(conn, &["JRS.UPDATE", &token, r#"{"b":1}"#, "MERGE"]);
                let patch = r#"[{"op":"test","path":"/b","value":1},{"op":"replace","path":"/b","value":2}]"#;
                exec(conn, &["JRS.UPDATE", &token, patch, "PATCH"]);
                let into = r#"[{"op":"add","path":"/a/-","value":1}]"#;
                let reply: redis::RedisResult<String> = send(conn, &["JRS.UPDATE", &token, into, "PATCH"]);
                assert!(reply.is_ok() || reply.unwrap_err().code() == Some("TOOBIG"));
            });
            assert!(peak < 10 << 20, "{unit}, {limit}: {peak} bytes, with 2 MB for the new data");
            exec(conn, &["DEL", &key(&token)]);
        }
    }
}
