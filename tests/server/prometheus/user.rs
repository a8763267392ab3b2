//! The ACL user of the exporter has the permissions that the exporter uses, and no others.

use redis::Connection;

use super::services::{exporter, user_line};
use crate::support::{
    Server,
    sessions::{exec, refused, send},
};

#[test]
fn the_user_of_the_exporter_has_only_what_it_uses() {
    // Only a cluster node is asked for CLUSTER INFO.
    let server = Server::builder().config("cluster-enabled", "yes").start();
    let admin = &mut server.conn();
    exec(admin, &["CONFIG", "RESETSTAT"]);
    let page = exporter(&server).get("/metrics").unwrap();
    assert!(page.contains("redis_up 1") && page.contains("jrs_up"), "{page}");
    assert!(page.contains("redis_cluster_state") && page.contains("redis_slowlog_length"), "{page}");
    let stats: String = send(admin, &["INFO", "commandstats"]).unwrap();
    let line = user_line();
    let allowed: Vec<_> = line.split(' ').filter_map(|rule| rule.strip_prefix('+')).collect();
    assert!(allowed.len() > 4, "{allowed:?}");
    for command in allowed {
        assert!(stats.contains(&format!("cmdstat_{command}:")), "the exporter does not send {command}: {stats}");
    }
    // What it tries and may not do is optional: it reads settings and the arguments of slow commands.
    let log: Vec<Vec<redis::Value>> = send(admin, &["ACL", "LOG"]).unwrap();
    let mut denied: Vec<String> = log.iter().map(|entry| text_after(entry, "object")).collect();
    denied.sort();
    // Newer exporters than that of Debian 12 also ask for this.
    denied.retain(|command| command != "latency|histogram");
    assert_eq!(denied, ["config|get", "slowlog|get"]);

    let conn = &mut user(&server);
    for words in [
        &["JRS.CREATE", "ada", "{}"][..],
        &["JRS.PEEK", "x"],
        &["JRS.LIST", "ada"],
        &["JRS.JWKS"],
        &["GET", "sess:x"],
        &["KEYS", "*"],
        &["SCAN", "0"],
        &["CONFIG", "GET", "*"],
        &["SLOWLOG", "GET"],
        &["MONITOR"],
        &["ACL", "LIST"],
        &["SHUTDOWN"],
    ] {
        assert_eq!(refused(conn, words), "NOPERM", "{words:?}");
    }
    // Nor in a script.
    for call in ["'GET','sess:x'", "'JRS.CREATE','ada','{}'", "'JRS.LIST','ada'"] {
        let script = format!("return redis.call({call})");
        let error = send::<redis::Value>(conn, &["EVAL", &script, "0"]).unwrap_err().to_string();
        assert!(["can't run this command", "no permission"].iter().any(|text| error.contains(text)), "{call}: {error}");
    }
}

fn user(server: &Server) -> Connection {
    let url = format!("redis://exporter:CHANGE-ME-6@127.0.0.1:{}/", server.port());
    redis::Client::open(url).unwrap().get_connection().unwrap()
}

/// The text after a name in a list of names and values.
fn text_after(entry: &[redis::Value], name: &str) -> String {
    let texts: Vec<String> = entry.iter().filter_map(|value| redis::from_redis_value_ref(value).ok()).collect();
    let position = texts.iter().position(|text| text == name).unwrap();
    texts[position + 1].clone()
}
