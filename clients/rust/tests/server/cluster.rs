//! A cluster of three nodes: each command goes to the right node at once.

use jrs_client::{Error, Jrs, MintOptions, RotateOptions, blocking};
use redis::cluster::ClusterClient;
use serde_json::{Value, json};

use crate::{
    axum_app::{layer, open},
    support::cluster::Cluster,
};

#[tokio::test]
async fn no_command_is_redirected() {
    let cluster = Cluster::start().await;
    let jrs = Jrs::new(cluster.connection().await);
    for n in 0..12 {
        let owner = format!("user:{n}");
        let token = jrs.create(&owner, &json!({"n": n})).await.unwrap();
        jrs.merge(&token, &json!({"m": n})).await.unwrap().unwrap();
        jrs.touch(&token).await.unwrap().unwrap();
        let token = jrs.rotate(&token, &RotateOptions::new().reauth()).await.unwrap().unwrap();
        assert!(matches!(jrs.mint(&token, &MintOptions::new()).await, Err(Error::Redis(_))));
        let session = jrs.get::<Value>(&token).await.unwrap().unwrap();
        assert_eq!((session.owner, session.data), (owner.clone(), json!({"n": n, "m": n})));
        assert!(jrs.inspect(&token).await.unwrap().active);
        assert_eq!((jrs.count(&owner).await.unwrap(), jrs.list(&owner).await.unwrap().len()), (1, 1));
        assert_eq!(jrs.destroy_all_except(&owner, &token).await.unwrap(), 0);
        if n < 6 {
            assert!(jrs.revoke(&session.id).await.unwrap());
        }
    }
    // The sessions of anonymous visitors are spread over the nodes.
    for _ in 0..60 {
        let token = jrs.create("", &json!({})).await.unwrap();
        assert_eq!(jrs.get::<Value>(&token).await.unwrap().unwrap().owner, "");
    }
    assert!(cluster.sessions().await.iter().all(|&sessions| sessions > 5), "{:?}", cluster.sessions().await);
    assert!(matches!(jrs.create("anonymous:x", &json!({})).await, Err(Error::BadOwner)));
    jrs.realms().await.unwrap();
    jrs.jwks().await.unwrap();
    jrs.reload().await.unwrap();
    for node in &cluster.nodes {
        assert_eq!(node.calls("jrs.reload").await, 1);
    }
    assert_eq!(cluster.redirections().await, 0);

    let client = cluster.client();
    let blocking = tokio::task::spawn_blocking(move || {
        let mut jrs = blocking::Jrs::new(client.get_connection().unwrap());
        for n in 0..6 {
            let owner = format!("user:{n}");
            let token = jrs.create(&owner, &json!({})).unwrap();
            assert_eq!(jrs.get::<Value>(&token).unwrap().unwrap().owner, owner);
            assert_eq!(jrs.destroy_all(&owner).unwrap(), 1);
        }
        jrs.realms().unwrap();
        jrs.reload().unwrap();
    });
    blocking.await.unwrap();
    assert_eq!(cluster.redirections().await, 0);

    // A login: an owner's session cannot be that of an anonymous visitor in another slot, so a new one is created.
    let victim = open(layer(jrs.clone())).await;
    victim.post_json("/set", json!({"cart": ["book"]})).await;
    let attacker = victim.copy();
    assert_eq!(victim.get("/").await.json()["owner"], "");
    assert_eq!(victim.get("/devices").await.status, 401);
    assert_eq!(victim.post("/login/ann").await.status, 200);
    let session = victim.get("/").await.json();
    assert_eq!((&session["owner"], &session["data"]), (&json!("ann"), &json!({"cart": ["book"], "name": "ANN"})));
    assert_eq!(attacker.get("/").await.json()["id"], Value::Null);
    assert_eq!(victim.get("/devices").await.json().as_array().unwrap().len(), 1);

    // A login that fails leaves the anonymous session.
    for node in &cluster.nodes {
        node.send::<()>(&["CONFIG", "SET", "jrs.max-sessions", "1", "jrs.max-sessions-policy", "reject"]).await;
    }
    let second = open(layer(jrs)).await;
    second.post_json("/set", json!({"cart": ["pen"]})).await;
    assert_eq!(second.post("/login/ann").await.status, 500);
    assert_eq!(second.get("/").await.json()["data"], json!({"cart": ["pen"]}));
    assert_eq!(victim.post("/logout").await.body, "true");
    assert_eq!(second.post("/login/ann").await.status, 200);
    assert_eq!(second.get("/").await.json()["data"], json!({"cart": ["pen"], "name": "ANN"}));
}

/// The user of the README, in a cluster.
#[tokio::test]
async fn a_user_with_few_permissions_while_a_slot_moves() {
    let cluster = Cluster::start().await;
    let readme = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md")).unwrap();
    let lines: Vec<Vec<&str>> = readme
        .lines()
        .filter(|line| line.starts_with("ACL SETUSER shop "))
        .map(|line| line.split(' ').collect())
        .collect();
    assert_eq!(lines.len(), 3);
    for node in &cluster.nodes {
        for line in &lines {
            node.send::<()>(line).await;
        }
    }
    let urls = cluster.nodes.iter().map(|node| format!("redis://shop:shop-password@127.0.0.1:{}/", node.port));
    let client = ClusterClient::builder(urls).retries(3).min_retry_wait(10).max_retry_wait(50).build().unwrap();
    let jrs = Jrs::new(client.get_async_connection().await.unwrap());
    let (moved, stays) = (jrs.create("ann", &json!({})).await.unwrap(), jrs.create("ann", &json!({})).await.unwrap());
    let id = jrs.get::<Value>(&moved).await.unwrap().unwrap().id;

    let slot: u64 = cluster.nodes[0].send(&["CLUSTER", "KEYSLOT", "{ann}"]).await;
    let at = usize::try_from(slot * 3 / 16_384).unwrap();
    let (from, to) = (&cluster.nodes[at], &cluster.nodes[(at + 1) % 3]);
    let names: (String, String) = (from.send(&["CLUSTER", "MYID"]).await, to.send(&["CLUSTER", "MYID"]).await);
    let slot = slot.to_string();
    to.send::<()>(&["CLUSTER", "SETSLOT", &slot, "IMPORTING", &names.0]).await;
    from.send::<()>(&["CLUSTER", "SETSLOT", &slot, "MIGRATING", &names.1]).await;
    let (port, key) = (to.port.to_string(), format!("sess:{id}"));
    from.send::<()>(&["MIGRATE", "127.0.0.1", &port, &key, "0", "5000"]).await;

    for token in [&moved, &stays] {
        assert!(jrs.merge(token, &json!({"n": 1})).await.unwrap().is_some());
        assert_eq!(jrs.get::<Value>(token).await.unwrap().unwrap().data, json!({"n": 1}));
    }
    let error = jrs.count("ann").await.unwrap_err();
    assert!(matches!(error, Error::TryAgain(_)) && error.is_unavailable(), "{error}");

    let rest: String = from.send(&["RANDOMKEY"]).await;
    from.send::<()>(&["MIGRATE", "127.0.0.1", &port, &rest, "0", "5000"]).await;
    for node in [to, from] {
        node.send::<()>(&["CLUSTER", "SETSLOT", &slot, "NODE", &names.1]).await;
    }
    crate::support::until("the slot has moved", || async { jrs.count("ann").await.is_ok_and(|count| count == 2) })
        .await;
    assert_eq!(jrs.destroy_all("ann").await.unwrap(), 2);
}
