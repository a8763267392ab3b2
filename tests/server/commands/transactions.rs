//! Commands in transactions and scripts.

use redis::{Connection, ConnectionLike, FromRedisValue, Value};

use crate::support::{
    Server,
    cases::each,
    sessions::{assert_indexed, assert_refused, contents, create, etag, exec, get, refused, send},
    tokens::key,
};

fn bulk(text: &str) -> Value {
    Value::BulkString(text.as_bytes().to_vec())
}

#[test]
fn a_transaction_runs_all_commands() {
    let server = Server::start();
    let conn = &mut server.conn();
    let token = create(conn, "ada", r#"{"n":1}"#, &[]);
    exec(conn, &["MULTI"]);
    let commands: [&[&str]; 9] = [
        &["JRS.CREATE", "zoë", "{}"],
        &["JRS.UPDATE", &token, r#"{"n":2}"#],
        &["JRS.GET", "no token"],
        &["JRS.GET", &token],
        &["JRS.TOUCH", &token, "EX", "50"],
        &["JRS.INSPECT", &token],
        &["JRS.DESTROY", &token],
        &["JRS.PEEK", &token],
        &["JRS.RELOAD"],
    ];
    for command in commands {
        assert_eq!(send::<Value>(conn, command).unwrap(), Value::SimpleString("QUEUED".to_owned()));
    }
    // The raw reply, because query() returns one error for all.
    let Value::Array(replies) = conn.req_command(&redis::cmd("EXEC")).unwrap() else {
        panic!("EXEC replies with an array")
    };
    let [created, updated, Value::ServerError(error), Value::Array(read), rest @ ..] = replies.as_slice() else {
        panic!("{replies:?}");
    };
    assert_eq!((updated, error.code()), (&bulk(&etag(r#"{"n":2}"#)), "BADTOKEN"));
    assert_eq!(read[5], bulk(r#"{"n":2}"#));
    let [Value::Int(50), Value::Array(inspected), Value::Int(1), Value::Nil, Value::Okay] = rest else {
        panic!("{rest:?}");
    };
    assert_eq!(inspected[1], Value::Int(1));
    let created: String = redis::from_redis_value_ref(created).unwrap();
    assert_eq!(get(conn, &created).unwrap().owner, "zoë");
    assert_indexed(conn, "zoë", &[key(&created)]);
    assert_eq!(send::<usize>(conn, &["DBSIZE"]).unwrap(), 1, "there is only the session");
}

#[test]
fn a_transaction_runs_owner_commands() {
    let server = Server::start();
    let conn = &mut server.conn();
    let (token, other) = (create(conn, "ada", r#"{"n":1}"#, &[]), create(conn, "ada", "{}", &[]));
    let mut transaction = redis::pipe();
    transaction.atomic();
    let commands: [&[&str]; 6] = [
        &["JRS.UPDATE", &token, r#"{"m":2}"#, "MERGE", "IFMATCH", &etag(r#"{"n":1}"#)],
        &["JRS.UPDATE", &token, r#"[{"op":"remove","path":"/n"}]"#, "PATCH"],
        &["JRS.ROTATE", &token, "CLAIMS", r#"{"role":"admin"}"#],
        &["JRS.LIST", "ada", "WITHDATA"],
        &["JRS.REVOKE", &key(&other)],
        &["JRS.DESTROYALL", "ada"],
    ];
    for command in commands {
        transaction.cmd(command[0]).arg(&command[1..]);
    }
    let [merged, patched, rotated, listed, revoked, destroyed]: [Value; 6] = transaction.query(conn).unwrap();
    assert_eq!([merged, patched], [bulk(&etag(r#"{"n":1,"m":2}"#)), bulk(&etag(r#"{"m":2}"#))]);
    assert_eq!([revoked, destroyed], [Value::Int(1), Value::Int(1)]);
    let rotated: String = redis::from_redis_value(rotated).unwrap();
    let listed: Vec<Vec<Value>> = redis::from_redis_value(listed).unwrap();
    // The rotated session has a new id, so it is the newer one.
    let ids = [key(&other), key(&rotated)].map(|key| bulk(key.strip_prefix("sess:").unwrap()));
    assert_eq!(listed.iter().map(|session| session[1].clone()).collect::<Vec<_>>(), ids);
    assert_eq!((&listed[1][6], &listed[1][7]), (&bulk("data"), &bulk(r#"{"m":2}"#)));
    assert_eq!(send::<usize>(conn, &["DBSIZE"]).unwrap(), 0);
}

#[test]
fn a_discarded_transaction_changes_nothing() {
    let server = Server::start();
    let conn = &mut server.conn();
    let token = create(conn, "ada", "{}", &[]);
    let before = contents(conn);
    for end in each([&["DISCARD"][..], &["EXEC"]]) {
        exec(conn, &["MULTI"]);
        exec(conn, &["JRS.DESTROY", &token]);
        exec(conn, &["JRS.CREATE", "ada", "{}"]);
        if end == ["EXEC"] {
            // A command with too few arguments aborts the transaction.
            assert_eq!(refused(conn, &["JRS.CREATE", "ada"]), "ERR");
            assert_eq!(refused(conn, end), "EXECABORT");
        } else {
            exec(conn, end);
        }
        assert_eq!(contents(conn), before);
    }
}

#[test]
fn a_read_does_not_abort_a_watch() {
    let server = Server::start();
    let (conn, other) = (&mut server.conn(), &mut server.conn());
    let token = create(conn, "ada", "{}", &[]);
    let attempt = |conn: &mut Connection, meanwhile: &mut dyn FnMut()| {
        exec(conn, &["WATCH", &key(&token)]);
        exec(conn, &["MULTI"]);
        exec(conn, &["PING"]);
        meanwhile();
        send::<Value>(conn, &["EXEC"]).unwrap() != Value::Nil
    };
    for name in ["JRS.GET", "JRS.PEEK", "JRS.INSPECT"] {
        assert!(attempt(conn, &mut || exec(other, &[name, &token])), "{name}");
    }
    assert!(attempt(conn, &mut || exec(other, &["JRS.LIST", "ada", "WITHDATA"])), "JRS.LIST");
    assert!(attempt(conn, &mut || assert!(send::<Value>(other, &["JRS.UPDATE", &token, "[]"]).is_err())));
    assert!(!attempt(conn, &mut || exec(other, &["JRS.UPDATE", &token, "{}"])));
}

/// Runs a script with these arguments.
fn eval<T: FromRedisValue>(conn: &mut Connection, script: &str, arguments: &[&str]) -> T {
    send(conn, &[&["EVAL", script, "0"], arguments].concat()).unwrap_or_else(|error| panic!("{script}: {error}"))
}

#[test]
fn a_script_runs_all_commands() {
    let server = Server::start();
    let conn = &mut server.conn();
    let token: String = eval(conn, "return redis.call('JRS.CREATE', 'zoë', '{}', 'EX', 500)", &[]);
    assert_eq!(get(conn, &token).unwrap().owner, "zoë");

    let script = r#"
        local token, key, data = unpack(ARGV)
        local etag = redis.call('JRS.UPDATE', key, token, data)
        local session = redis.call('JRS.GET', token)
        return {etag, session[6], #session, redis.call('JRS.PEEK', key, token)[2], redis.call('JRS.TOUCH', token),
            redis.call('JRS.INSPECT', token)[2], redis.call('JRS.RELOAD').ok, #redis.call('JRS.HELP') > 9}
    "#;
    let (key, data) = (key(&token), r#"{"n":2}"#);
    let id = key.strip_prefix("sess:").unwrap();
    let (etag, ok) = (bulk(&etag(data)), bulk("OK"));
    let expected = [etag, bulk(data), Value::Int(12), bulk(id), Value::Int(500), Value::Int(1), ok, Value::Int(1)];
    assert_eq!(eval::<Vec<Value>>(conn, script, &[&token, &key, data]), expected);

    let script = "return {redis.call('JRS.DESTROY', ARGV[1]), redis.call('JRS.DESTROY', ARGV[1]), \
                  redis.call('JRS.GET', ARGV[1]) == false}";
    assert_eq!(eval::<Vec<i64>>(conn, script, &[&token]), [1, 0, 1]);
    assert_eq!(send::<usize>(conn, &["DBSIZE"]).unwrap(), 0);
}

#[test]
fn a_script_runs_owner_commands() {
    let server = Server::start();
    let conn = &mut server.conn();
    let [token, other, third] = [(); 3].map(|()| create(conn, "ada", r#"{"n":1}"#, &[]));
    let script = r#"
        local token, other, third, etag = unpack(ARGV)
        local conflict = redis.pcall('JRS.UPDATE', token, '{"n":2}', 'MERGE', 'IFMATCH', etag).err
        local rotated = redis.call('JRS.ROTATE', token, 'REAUTH')
        local listed, short = redis.call('JRS.LIST', 'ada', 'WITHDATA'), redis.call('JRS.LIST', 'ada')
        return {string.sub(conflict, 1, 8), redis.call('JRS.GET', token) == false, #listed, #listed[1], #short[1],
            listed[3][8], redis.call('JRS.REVOKE', other), redis.call('JRS.REVOKE', other),
            redis.call('JRS.DESTROYALL', 'ada', 'EXCEPT', rotated), rotated}
    "#;
    let replies: Vec<Value> = eval(conn, script, &[&token, &key(&other), &third, &etag("{}")]);
    let number = Value::Int;
    let data = bulk(r#"{"n":1}"#);
    let expected =
        [bulk("CONFLICT"), number(1), number(3), number(8), number(6), data, number(1), number(0), number(1)];
    assert_eq!(replies[..9], expected);
    let rotated: String = redis::from_redis_value_ref(&replies[9]).unwrap();
    assert_eq!(get(conn, &rotated).unwrap().data, r#"{"n":1}"#);
    assert_indexed(conn, "ada", &[key(&rotated)]);
    assert_eq!(send::<usize>(conn, &["DBSIZE"]).unwrap(), 1);
}

#[test]
fn a_script_with_resp3_gets_maps_and_nulls() {
    let server = Server::start();
    let conn = &mut server.conn();
    let token = create(conn, "ada", r#"{"n":1}"#, &[]);
    let script = "redis.setresp(3)
        local session = redis.call('JRS.GET', ARGV[1]).map
        redis.call('JRS.DESTROY', ARGV[1])
        return {session.owner, session.data, tostring(redis.call('JRS.GET', ARGV[1]))}";
    assert_eq!(eval::<Vec<String>>(conn, script, &[&token]), ["ada", r#"{"n":1}"#, "nil"]);
    let token = create(conn, "ada", r#"{"n":2}"#, &[]);
    let script = "redis.setresp(3)
        local listed = redis.call('JRS.LIST', 'ada', 'WITHDATA')[1].map
        return {listed.id, listed.data, tostring(listed.ttl), tostring(#redis.call('JRS.LIST', 'bob'))}";
    let expected = [key(&token).strip_prefix("sess:").unwrap(), r#"{"n":2}"#, "86400", "0"].map(str::to_owned);
    assert_eq!(eval::<Vec<String>>(conn, script, &[]), expected);
}

#[test]
fn a_script_can_catch_errors() {
    let server = Server::start();
    let conn = &mut server.conn();
    let token = create(conn, "ada", "{}", &[]);
    let before = contents(conn);
    let caught = "return redis.pcall(unpack(ARGV)).err";
    let first_word = |text: String| text.split(' ').next().map(str::to_owned).unwrap();
    let table: [(&str, &[&str]); 10] = [
        ("BADTOKEN", &["JRS.GET", "no token"]),
        ("BADDATA", &["JRS.UPDATE", &token, "[]"]),
        ("BADDATA", &["JRS.UPDATE", &token, "{}", "PATCH"]),
        ("CONFLICT", &["JRS.UPDATE", &token, "{}", "IFMATCH", "1"]),
        ("WRONGKEY", &["JRS.ROTATE", "sess:other", &token]),
        ("BADTOKEN", &["JRS.DESTROYALL", "bob", "EXCEPT", &token]),
        ("ERR", &["JRS.LIST", ""]),
        ("WRONGKEY", &["JRS.REVOKE", "other:key"]),
        ("WRONGKEY", &["JRS.DESTROY", "sess:other", &token]),
        ("ERR", &["JRS.CREATE", "{", "{}"]),
    ];
    for (word, command) in table {
        assert_eq!(first_word(eval(conn, caught, command)), word, "{command:?}");
        assert_eq!(contents(conn), before, "{command:?}");
    }
}

#[test]
fn a_read_only_script_can_only_read() {
    let server = Server::start();
    let conn = &mut server.conn();
    let token = create(conn, "ada", "{}", &[]);
    let owner = |name: &str| format!("return redis.call('{name}', ARGV[1])[4]");
    assert_eq!(send::<String>(conn, &["EVAL_RO", &owner("JRS.PEEK"), "0", &token]).unwrap(), "ada");
    let inspected: Value =
        send(conn, &["EVAL_RO", "return redis.call('JRS.INSPECT', ARGV[1])[2]", "0", &token]).unwrap();
    assert_eq!(inspected, Value::Int(1));
    assert_eq!(send::<i64>(conn, &["EVAL_RO", "return #redis.call('JRS.LIST', 'ada')", "0"]).unwrap(), 1);
    for name in ["JRS.GET", "JRS.TOUCH", "JRS.DESTROY", "JRS.ROTATE"] {
        assert_refused(conn, "ERR", &["EVAL_RO", &owner(name), "0", &token]);
    }
    for call in ["'JRS.UPDATE', ARGV[1], '{}'", "'JRS.CREATE', 'ada', '{}'", "'JRS.DESTROYALL', 'ada'"] {
        assert_refused(conn, "ERR", &["EVAL_RO", &format!("return redis.call({call})"), "0", &token]);
    }
    assert_refused(conn, "ERR", &["EVAL_RO", "return redis.call('JRS.REVOKE', KEYS[1])", "1", &key(&token)]);
}
