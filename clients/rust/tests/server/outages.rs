//! Servers that are slow, gone, or replicas.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use jrs_client::{Error, Jrs, blocking};
use redis::aio::ConnectionManagerConfig;
use serde_json::{Value, json};

use crate::{
    axum_app::{layer, open},
    support::{cluster::KEYS, server::Server, until},
};

/// A client with the timeouts of a web application.
async fn impatient(server: &Server) -> Jrs {
    let config = ConnectionManagerConfig::new().set_response_timeout(Some(Duration::from_millis(200)));
    Jrs::new(server.client().get_connection_manager_with_config(config).await.unwrap())
}

#[tokio::test]
async fn late_replies_of_a_slow_server_never_reach_another_request() {
    let server = Server::start().await;
    let jrs = impatient(&server).await;
    let patient = server.jrs().await;
    let (ann, bob) =
        (patient.create("ann", &json!({})).await.unwrap(), patient.create("bob", &json!({})).await.unwrap());
    until("the client knows the realm", || async { jrs.get::<Value>(&ann).await.is_ok() }).await;

    server.signal("STOP");
    for _ in 0..3 {
        let error = jrs.get::<Value>(&ann).await.unwrap_err();
        assert!(error.is_unavailable() && matches!(error, Error::Redis(_)), "{error}");
    }
    // Requests whose client disconnects.
    for _ in 0..3 {
        assert!(tokio::time::timeout(Duration::from_millis(20), jrs.get::<Value>(&ann)).await.is_err());
    }
    server.signal("CONT");
    let answered = Mutex::new(0);
    until("the server answers again", || async {
        if let Ok(session) = jrs.get::<Value>(&bob).await {
            assert_eq!(session.unwrap().owner, "bob");
            *answered.lock().unwrap() += 1;
        }
        *answered.lock().unwrap() == 20
    })
    .await;
}

#[tokio::test]
async fn late_replies_never_reach_another_command_of_a_blocking_client() {
    let server = Arc::new(Server::start().await);
    let patient = server.jrs().await;
    let ann = patient.create("ann", &json!({})).await.unwrap();
    let bob = patient.create("bob", &json!({})).await.unwrap();
    let there = Arc::clone(&server);
    let blocking = tokio::task::spawn_blocking(move || {
        let mut connection = there.client().get_connection().unwrap();
        blocking::Jrs::new(&mut connection).realms().unwrap();
        connection.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
        let mut jrs = blocking::Jrs::new(&mut connection);
        jrs.get::<Value>(&ann).unwrap();
        there.signal("STOP");
        for _ in 0..3 {
            assert!(jrs.get::<Value>(&ann).unwrap_err().is_unavailable());
        }
        there.signal("CONT");
        let answered = (0..1000).filter_map(|_| jrs.get::<Value>(&bob).ok()).take(20);
        answered.map(|session| session.unwrap().owner).collect::<Vec<_>>()
    });
    assert_eq!(blocking.await.unwrap(), ["bob"; 20]);
}

#[tokio::test]
async fn a_server_that_restarts() {
    let mut server = Server::start().await;
    let jrs = impatient(&server).await;
    let browser = open(layer(jrs)).await;
    until("the user is logged in", || async { browser.post("/login/ann").await.status == 200 }).await;
    server.stop();
    until("the connection is closed", || async { browser.get("/").await.status == 503 }).await;
    let cookie = browser.cookie();
    server.restart().await;
    until("the client has connected again", || async { browser.get("/").await.status == 200 }).await;
    // Without persistence, the session is gone, and the server has the same key file.
    assert_eq!(browser.get("/").await.json()["id"], Value::Null);
    assert_eq!(browser.cookie(), cookie);
}

#[tokio::test]
async fn a_replica_reads_and_refuses_writes() {
    let (settings, files) = ([("jrs.keys-file", "{folder}/keys.json")], [("keys.json", KEYS)]);
    let (primary, replica) = (Server::with(&settings, &files).await, Server::with(&settings, &files).await);
    replica.send::<()>(&["REPLICAOF", "127.0.0.1", &primary.port.to_string()]).await;
    let (jrs, on_replica) = (primary.jrs().await, replica.jrs().await);
    let token = jrs.create("ann", &json!({"a": 1})).await.unwrap();
    until("the replica has the session", || async {
        on_replica.peek::<Value>(&token).await.is_ok_and(|session| session.is_some())
    })
    .await;
    for error in [
        on_replica.get::<Value>(&token).await.unwrap_err(),
        on_replica.merge(&token, &json!({"a": 2})).await.unwrap_err(),
        on_replica.create("ann", &json!({})).await.unwrap_err(),
        on_replica.destroy_all("ann").await.unwrap_err(),
    ] {
        assert!(error.is_unavailable() && error.code() == Some("READONLY"), "{error}");
    }
    let browser = open(layer(on_replica)).await;
    browser.plant("session", token.as_str());
    let reply = browser.get("/").await;
    assert_eq!((reply.status, reply.headers("set-cookie").len()), (503, 0));
}
