//! Counters of reads and writes in INFO: sizes of data, saved extensions, and what a replica counts.

use redis::Connection;

use crate::support::{
    Server,
    cases::each,
    info::{Growth, counted, difference, grown_by, parts, realm_stats},
    replicas,
    sessions::{create, exec, now, send},
    tokens::{SECRET, id},
};

#[test]
fn each_write_of_data_counts_once_by_the_size_of_its_json() {
    let server = Server::builder().keys(SECRET.as_bytes()).start();
    let conn = &mut server.conn();
    let data = |size: usize| format!("{{\"a\":\"{}\"}}", "x".repeat(size - 8));
    let sizes = |conn: &mut Connection| parts(conn, "session_data_bytes");
    let writes = |conn: &mut Connection, words: &[&str]| {
        let before = sizes(conn);
        let reply = counted(conn, words).1;
        (difference(&before, &sizes(conn)), reply)
    };
    let bounds: [usize; 8] = [64, 256, 1024, 4096, 16_384, 65_536, 262_144, 1_048_576];
    exec(conn, &["CONFIG", "SET", "jrs.max-data-size", "4mb"]);
    for (position, bound) in bounds.iter().enumerate() {
        for (size, first) in [(*bound, position), (bound + 1, position + 1)] {
            let (grown, _) = writes(conn, &["JRS.CREATE", "ada", &data(size)]);
            let names = bounds[first..].iter().map(|bound| format!("le_{bound}")).chain(["le_inf".to_owned()]);
            let mut expected: Growth = names.map(|name| (name, 1)).collect();
            expected.insert("sum".to_owned(), size.try_into().unwrap());
            assert_eq!(grown, expected, "{size} bytes");
        }
    }

    let token = create(conn, "ada", "{}", &[]);
    for (words, bytes) in each([
        (&["JRS.UPDATE", &token, r#"{"a":1}"#][..], 7),
        (&["JRS.UPDATE", &token, r#"{"b":2}"#, "MERGE"], 13),
        (&["JRS.UPDATE", &token, r#"[{"op":"remove","path":"/b"}]"#, "PATCH"], 7),
        (&["JRS.UPDATE", &token, "[]"], 0),
        (&["JRS.UPDATE", &token, "{}", "IFMATCH", "0000000000000000"], 0),
        (&["JRS.TOUCH", &token], 0),
        (&["JRS.GET", &token], 0),
        (&["JRS.ROTATE", &token], 7),
        (&["JRS.UPDATE", &token, "{}"], 0),
    ]) {
        let (grown, _) = writes(conn, words);
        assert_eq!(grown.get("sum").copied().unwrap_or(0), bytes);
        assert_eq!(grown.get("le_inf").copied().unwrap_or(0), i64::from(bytes > 0));
    }
}

#[test]
fn a_read_within_the_touch_interval_saves_a_write() {
    let server = Server::builder().keys(SECRET.as_bytes()).arg("touch-interval", "60").start();
    let conn = &mut server.conn();
    let token = create(conn, "ada", "{}", &[]);
    let key = format!("sess:{}", id(&token));
    let saved = |conn: &mut Connection, words: &[&str]| {
        let before = realm_stats(conn, "default");
        exec(conn, words);
        let grown = difference(&before, &realm_stats(conn, "default"));
        assert_eq!(grown["read"], 1, "{words:?}");
        grown.get("touches_saved").copied().unwrap_or(0)
    };
    let left = |conn: &mut Connection, seconds: &str| exec(conn, &["EXPIRE", &key, seconds]);
    left(conn, "86390");
    assert_eq!(saved(conn, &["JRS.GET", &token]), 1, "ten seconds are less than the interval");
    assert_eq!(saved(conn, &["JRS.PEEK", &token]), 0, "PEEK never extends");
    left(conn, "86000");
    assert_eq!(saved(conn, &["JRS.GET", &token]), 0, "this one extends");
    let fixed = create(conn, "ada", "{}", &["EXAT", &(now() + 1000).to_string()]);
    assert_eq!(saved(conn, &["JRS.GET", &fixed]), 0, "there is nothing to extend");
    exec(conn, &["CONFIG", "SET", "jrs.touch-interval", "0"]);
    left(conn, "86390");
    assert_eq!(saved(conn, &["JRS.GET", &token]), 0, "without the interval each read extends");
}

#[test]
fn a_replica_counts_its_own_reads_only() {
    let builder = || Server::builder().keys(SECRET.as_bytes());
    let primary = replicas::primary(builder()).start();
    let replica = replicas::replica(&primary, builder());
    let (conn, on_replica) = (&mut primary.conn(), &mut replica.conn());
    let [token, gone] = [(); 2].map(|()| create(conn, "ada", "{}", &[]));
    exec(conn, &["JRS.UPDATE", &token, r#"{"a":1}"#]);
    exec(conn, &["JRS.TOUCH", &token, "EX", "1000"]);
    exec(conn, &["JRS.GET", &token]);
    exec(conn, &["JRS.DESTROY", &gone]);
    let written = realm_stats(conn, "default");
    replicas::await_same_offset(conn, on_replica);
    let none = realm_stats(on_replica, "default");
    assert!(none.values().all(|count| *count == 0), "{none:?}");
    assert_eq!(parts(on_replica, "session_data_bytes")["le_inf"], 0);

    exec(on_replica, &["JRS.PEEK", &token]);
    for words in each([&["JRS.PEEK", &gone][..], &["JRS.GET", &token], &["JRS.UPDATE", &token, "{}"]]) {
        drop(send::<redis::Value>(on_replica, words));
    }
    let read = grown_by(&[("read", 1), ("null_reads", 1)]);
    assert_eq!(difference(&none, &realm_stats(on_replica, "default")), read);
    assert_eq!(realm_stats(conn, "default"), written, "the primary does not count them");
}
