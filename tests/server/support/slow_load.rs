//! A replica that loads a new data set slowly while it serves the old one (`repl-diskless-load swapdb`).

use redis::Connection;

use crate::support::{
    Builder, Server, await_that,
    sessions::{exec, send},
};

/// The primary takes 2 ms to send a key, so loading takes at least 10 seconds.
const BALLAST: usize = 5000;

/// The configuration of a primary for [`begin`].
pub(crate) fn primary(builder: Builder) -> Builder {
    builder.config("repl-diskless-sync-delay", "0").config("repl-backlog-size", "16kb").config("rdbcompression", "no")
}

/// The configuration of a replica for [`begin`].
pub(crate) fn replica(builder: Builder, primary: &Server) -> Builder {
    builder
        .config("repl-diskless-load", "swapdb")
        .config("loading-process-events-interval-bytes", "1024")
        .config("replicaof", &format!("127.0.0.1 {}", primary.port()))
}

/// Disconnects the replica, lets `meanwhile` change the primary, and starts a full synchronization. Returns how many keys
/// it added to the primary.
pub(crate) fn begin(primary: &Server, replica: &mut Connection, meanwhile: impl FnOnce(&mut Connection)) -> usize {
    let conn = &mut primary.conn();
    exec(replica, &["REPLICAOF", "127.0.0.1", "1"]);
    meanwhile(conn);
    // The replica serves clients after each 16 KB that arrive: here about 300 times, 30 ms apart.
    let text = "x".repeat(1000);
    let mut sets = redis::pipe();
    for number in 0..BALLAST {
        sets.cmd("SET").arg(format!("ballast:{number}")).arg(&text).ignore();
    }
    sets.exec(conn).unwrap();
    exec(conn, &["CONFIG", "SET", "rdb-key-save-delay", "2000"]);
    exec(replica, &["REPLICAOF", "127.0.0.1", &primary.port().to_string()]);
    // The next synchronization must not be slow.
    await_that("asynchronous loading", || is_loading(&info(replica)).then_some(()));
    exec(conn, &["CONFIG", "SET", "rdb-key-save-delay", "0"]);
    BALLAST
}

pub(crate) fn await_end(replica: &mut Connection) {
    await_that("the end of loading", || info(replica).contains("async_loading:0").then_some(()));
}

/// The replies to `reads`, sent together with an INFO before and after them: both say that the server is loading.
pub(crate) fn read_meanwhile<T: redis::FromRedisValue>(replica: &mut Connection, reads: &redis::Pipeline) -> T {
    let mut pipe = redis::pipe();
    pipe.cmd("INFO");
    for command in reads.cmd_iter() {
        pipe.add_command(command.clone());
    }
    pipe.cmd("INFO");
    await_that("replies while it loads", || {
        let mut replies: Vec<redis::Value> = pipe.query(replica).ok()?;
        let after: String = redis::from_redis_value(replies.pop()?).ok()?;
        let before: String = redis::from_redis_value(replies.remove(0)).ok()?;
        (is_loading(&before) && is_loading(&after))
            .then(|| redis::from_redis_value(redis::Value::Array(replies)).unwrap())
    })
}

fn is_loading(info: &str) -> bool {
    info.contains("async_loading:1")
}

fn info(conn: &mut Connection) -> String {
    send(conn, &["INFO"]).unwrap_or_default()
}
