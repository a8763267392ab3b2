//! `JRS.LIST … FIELDS n pointer…`: values in the data of the listed sessions.

use redis::Connection;

use crate::support::{
    Server,
    sessions::{assert_refused, create, exec, send},
    tokens::key,
};

type Fields = Vec<Option<String>>;

/// The fields of each session in the list.
fn fields(conn: &mut Connection, words: &[&str]) -> Vec<Fields> {
    let words = [&["JRS.LIST", "ada"][..], words].concat();
    let listed: Vec<std::collections::HashMap<String, redis::Value>> = send(conn, &words).unwrap();
    listed.into_iter().map(|mut map| redis::from_redis_value(map.remove("fields").expect("fields")).unwrap()).collect()
}

fn texts<const N: usize>(values: [Option<&str>; N]) -> Fields {
    values.map(|value| value.map(str::to_owned)).to_vec()
}

#[test]
fn values_come_in_the_order_of_the_pointers() {
    let server = Server::builder().start();
    for conn in [&mut server.conn(), &mut server.conn3()] {
        exec(conn, &["FLUSHALL"]);
        let data = r#"{"device":"Phone","login":{"ip":"192.0.2.7","place":null},"m~/":[1, 2.50]}"#;
        create(conn, "ada", data, &[]);
        create(conn, "ada", "{}", &[]);
        let words = ["FIELDS", "4", "/login/place", "/device", "/none", "/m~0~1"];
        let values = [Some("null"), Some("\"Phone\""), None, Some("[1, 2.50]")];
        assert_eq!(fields(conn, &words), [texts(values), texts([None; 4])]);
        assert_eq!(fields(conn, &["FIELDS", "1", ""]), [texts([Some(data)]), texts([Some("{}")])]);
        let words = ["LIMIT", "1", "fields", "1", "/device", "WITHDATA"];
        assert_eq!(fields(conn, &words), [texts([Some("\"Phone\"")])]);
    }
}

#[test]
fn data_that_is_not_json_has_no_values() {
    let server = Server::builder().start();
    let conn = &mut server.conn();
    let token = create(conn, "ada", "{}", &[]);
    exec(conn, &["SET", &key(&token), "not JSON", "KEEPTTL"]);
    create(conn, "ada", r#"{"a":1}"#, &[]);
    assert_eq!(fields(conn, &["FIELDS", "2", "/b", "/a"]), [texts([None, None]), texts([None, Some("1")])]);
    assert_eq!(fields(conn, &["FIELDS", "1", ""]), [texts([None]), texts([Some(r#"{"a":1}"#)])]);
}

#[test]
fn invalid_fields_are_refused() {
    let server = Server::builder().start();
    let conn = &mut server.conn();
    create(conn, "ada", "{}", &[]);
    let long = format!("/{}", "a".repeat(4096));
    let names: Vec<String> = (0..65).map(|number| format!("/a{number}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let most = [&["FIELDS", "64"][..], &names[..64]].concat();
    assert_eq!(fields(conn, &most), [vec![None; 64]]);
    let many = [&["FIELDS", "65"][..], &names].concat();
    for words in [
        &["FIELDS"][..],
        &["FIELDS", "0"],
        &["FIELDS", "-1", "/a"],
        &["FIELDS", "x", "/a"],
        &["FIELDS", "2", "/a"],
        &["FIELDS", "1", "/a", "/b"],
        &["FIELDS", "1", "a"],
        &["FIELDS", "1", "/~2"],
        &["FIELDS", "1", "/a~"],
        &["FIELDS", "1", &long],
        &["FIELDS", "1", "/a", "FIELDS", "1", "/b"],
        &["FIELDS", "2", "/a", "/a"],
        &["FIELDS", "2", "", "/a"],
        &["FIELDS", "3", "/a/b/c", "/a-b", "/a/b"],
        &many,
    ] {
        assert_refused(conn, "ERR", &[&["JRS.LIST", "ada"][..], words].concat());
    }
}

#[test]
fn fields_work_in_a_transaction_and_a_script() {
    let server = Server::builder().start();
    let conn = &mut server.conn();
    create(conn, "ada", r#"{"a":"x"}"#, &[]);
    let script = "return redis.call('JRS.LIST', 'ada', 'FIELDS', '1', '/a')[1][8][1]";
    assert_eq!(send::<String>(conn, &["EVAL", script, "0"]).unwrap(), "\"x\"");
    exec(conn, &["MULTI"]);
    exec(conn, &["JRS.LIST", "ada", "FIELDS", "1", "/a"]);
    let replies: Vec<Vec<redis::Value>> = send(conn, &["EXEC"]).unwrap();
    assert_eq!(replies[0].len(), 1);
}
