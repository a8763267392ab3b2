//! Sentinel logs in with its user of the page, and fails over.

use super::{EVERY, ONE, Site, as_user, field, write_keys};
use crate::support::{
    Server, await_that,
    sessions::{exec, send},
};

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
    assert_eq!(send::<i64>(at_first, &["WAIT", "1", "60000"]), Ok(1));

    let mut sentinel = Server::builder().sentinel().config("sentinel", &format!("monitor sessions {to_first} 1"));
    for line in &site.block("auth-user").lines[1..] {
        let (name, value) = line.split_once(' ').unwrap();
        sentinel = sentinel.config(name, value);
    }
    let sentinel = sentinel.start();
    // Sentinel finds the replica in the INFO of the primary, which it can read only after its login.
    await_that("the failover", || {
        let _ = send::<()>(&mut sentinel.conn(), &["SENTINEL", "FAILOVER", "sessions"]);
        (field(&mut as_user(&second, "monitoring"), "replication", "role") == "master").then_some(())
    });
    // Sentinel closes the connections of a server whose role changes.
    exec(&mut as_user(&second, "app"), &["JRS.PEEK", &token]);
}
