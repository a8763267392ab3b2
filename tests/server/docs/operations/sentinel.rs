//! Sentinels with the configuration of the page, and the users of the page.

use redis::Value;

use super::{EVERY, ONE, Site, TWO_REPLICAS, as_user, try_as_user, write_keys};
use crate::support::{
    Builder, Server, await_that,
    replicas::await_replicas,
    sentinel::{await_discovery, named_port},
    sessions::{create, exec, refused, send},
    version,
};

/// A Sentinel with the configuration of the page, but on a free port and in a temporary folder.
fn sentinel(site: &Site, primary: u16) -> Builder {
    let block = site.block("sentinel monitor");
    assert_eq!((block.info, block.lines[0]), ("conf", "# /etc/redis/sentinel.conf, on three hosts"));
    let lines = block.lines.iter().filter_map(|line| line.strip_prefix("sentinel "));
    lines.fold(Server::builder().sentinel(), |builder, line| {
        builder.config("sentinel", &line.replace("192.0.2.1 6379", &format!("127.0.0.1 {primary}")))
    })
}

/// Waits until `INFO replication` of a server has this text. A Sentinel closes the connections of a server whose role it changes.
fn await_info(server: &Server, text: &str) {
    await_that(text, || {
        let info: String = send(&mut try_as_user(server, "monitoring").ok()?, &["INFO", "replication"]).ok()?;
        info.contains(text).then_some(())
    });
}

/// Waits until a server is a replica with the data of its primary.
fn await_replica(server: &Server) {
    await_info(server, "role:slave");
    await_info(server, "master_link_status:up");
}

#[test]
fn sentinels_promote_a_replica_and_users_stay_logged_in() {
    let site = Site::new();
    let hosts = ["first", "second", "third"];
    for host in hosts {
        write_keys(&site, host);
    }
    let parts = [ONE, EVERY, TWO_REPLICAS];
    let mut first = site.server("first", &parts).start();
    let to_first = format!("127.0.0.1 {}", first.port());
    let replicas = ["second", "third"].map(|host| site.server(host, &parts).config("replicaof", &to_first).start());
    replicas.iter().for_each(await_replica);
    let sentinels = [(); 3].map(|()| sentinel(&site, first.port()).start());
    await_discovery(&sentinels);
    assert_eq!(named_port(&sentinels), Some(first.port()));
    assert_eq!(refused(&mut as_user(&first, "sentinel"), &["JRS.LIST", "ada"]), "NOPERM");
    let app = &mut as_user(&first, "app");
    let token = await_that("enough replicas", || send::<String>(app, &["JRS.CREATE", "ada", "{}"]).ok());
    await_replicas(app, 2);

    first.kill();
    let port = await_that("a new primary", || named_port(&sentinels).filter(|port| *port != first.port()));
    let primary = replicas.iter().find(|replica| replica.port() == port).unwrap();
    let app = &mut as_user(primary, "app");
    let session = await_that("enough replicas", || send::<Value>(app, &["JRS.GET", &token]).ok());
    assert_ne!(session, Value::Nil);
    create(app, "ada", "{}", &[]);

    first.restart();
    await_replica(&first);
    exec(&mut as_user(&first, "app"), &["JRS.PEEK", &token]);
}

#[test]
fn sentinel_fails_over_with_its_user() {
    let site = Site::new();
    for host in ["first", "second"] {
        write_keys(&site, host);
    }
    let parts = [ONE, EVERY];
    let first = site.server("first", &parts).start();
    let to_first = format!("127.0.0.1 {}", first.port());
    let second = site.server("second", &parts).config("replicaof", &to_first).start();
    let at_first = &mut as_user(&first, "app");
    let token: String = await_that("the replica", || send(at_first, &["JRS.CREATE", "ada", "{}"]).ok());
    await_replicas(at_first, 1);

    // There is no other Sentinel.
    let sentinel = sentinel(&site, first.port()).start();
    exec(&mut sentinel.conn(), &["SENTINEL", "SET", "sessions", "quorum", "1"]);
    // Sentinel finds the replica in the INFO of the primary, which it can read only after its login.
    let mut command = vec!["SENTINEL", "FAILOVER", "sessions"];
    if version().starts_with("Valkey server v=9") {
        command.push("COORDINATED");
    }
    await_that("a replica to promote", || send::<()>(&mut sentinel.conn(), &command).ok());
    await_info(&second, "role:master");
    exec(&mut as_user(&second, "app"), &["JRS.PEEK", &token]);
}
