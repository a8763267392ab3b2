//! The typed commands, asynchronous and blocking, in RESP2 and RESP3.

use std::time::{Duration, SystemTime};

use jrs_client::{CreateOptions, Error, Jrs, ListOptions, MintOptions, RotateOptions, Token, UpdateOptions, blocking};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::support::server::Server;

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Cart {
    cart: Vec<String>,
}

fn book() -> Cart {
    Cart { cart: vec!["book".to_owned()] }
}

const HOUR: Duration = Duration::from_secs(3600);

async fn jrs(server: &Server, protocol: &str) -> Jrs {
    let url = format!("redis://127.0.0.1:{}/?protocol={protocol}", server.port);
    let client = redis::Client::open(url).unwrap();
    Jrs::new(client.get_multiplexed_async_connection().await.unwrap())
}

#[tokio::test]
async fn every_command_in_resp2_and_resp3() {
    let server = Server::with(&[("jrs.issuer", "https://login.example")], &[]).await;
    for protocol in ["resp2", "resp3"] {
        let jrs = jrs(&server, protocol).await;
        let owner = format!("user:{protocol}");
        let options = CreateOptions::new().ttl(HOUR).claims(&json!({"role": "editor"}));
        let token = jrs.create_with(&owner, &book(), &options).await.unwrap();

        let session = jrs.get::<Cart>(&token).await.unwrap().unwrap();
        assert_eq!((session.owner.as_str(), &session.data), (owner.as_str(), &book()));
        assert_eq!(session.claims["role"], "editor");
        assert_eq!(session.ttl, Some(HOUR));
        assert_eq!(jrs.peek::<Cart>(&token).await.unwrap().unwrap(), session);
        assert_eq!(jrs.get_recent::<Cart>(&token, 60).await.unwrap().unwrap().id, session.id);
        assert_eq!(jrs.peek_recent::<Cart>(&token, 60).await.unwrap().unwrap().id, session.id);

        let etag = jrs.update(&token, &json!({"cart": [], "n": 1})).await.unwrap().unwrap();
        assert_ne!(etag, session.etag);
        assert_eq!(
            jrs.merge(&token, &json!({"n": null, "theme": "dark"})).await.unwrap().map(|etag| etag.len()),
            Some(16)
        );
        let pen = json!([{"op": "add", "path": "/cart/-", "value": "pen"}]);
        let etag = jrs.patch_with(&token, &pen, &UpdateOptions::new().keep_ttl()).await.unwrap().unwrap();
        let stale = UpdateOptions::new().if_match(&session.etag);
        assert!(matches!(jrs.update_with(&token, &book(), &stale).await, Err(Error::Conflict(_))));
        let data = json!({"cart": ["pen"], "theme": "dark"});
        assert_eq!(jrs.get::<Value>(&token).await.unwrap().unwrap().data, data);
        let fresh = UpdateOptions::new().if_match(&etag).ttl(Duration::from_secs(60));
        assert!(jrs.merge_with(&token, &json!({"n": 2}), &fresh).await.unwrap().is_some());
        assert_eq!(jrs.peek::<Value>(&token).await.unwrap().unwrap().ttl, Some(Duration::from_secs(60)));

        assert_eq!(jrs.touch_for(&token, Duration::from_millis(90_000)).await.unwrap(), Some(Duration::from_secs(90)));
        assert_eq!(jrs.touch(&token).await.unwrap(), Some(HOUR));

        let options =
            MintOptions::new().audience("orders").expires_in(Duration::from_secs(60)).claims(&json!({"scope": "read"}));
        let minted = jrs.mint(&token, &options).await.unwrap().unwrap().unverified_claims().unwrap();
        assert_eq!(
            (&minted["aud"], &minted["sub"], &minted["scope"]),
            (&json!("orders"), &json!(owner), &json!("read"))
        );

        let options = RotateOptions::new().reauth().claims(&json!({"role": "admin"}));
        let rotated = jrs.rotate(&token, &options).await.unwrap().unwrap();
        assert!(jrs.get::<Value>(&token).await.unwrap().is_none());
        let grace = RotateOptions::new().grace(Duration::from_secs(30));
        let last = jrs.rotate(&rotated, &grace).await.unwrap().unwrap();
        let session = jrs.get::<Value>(&rotated).await.unwrap().unwrap();
        assert_eq!(session.claims["role"], "admin");

        let inspection = jrs.inspect(&last).await.unwrap();
        assert!(inspection.active && inspection.realm.as_deref() == Some("default"));
        assert_eq!(inspection.key, Some(format!("sess:{}", session.id)));
        assert!(!jrs.inspect(&"a.eyJqdGkiOiJ4In0.c".into()).await.unwrap().active);

        let second = jrs.create(&owner, &json!({"device": "phone", "ip": null})).await.unwrap();
        assert_eq!(jrs.count(&owner).await.unwrap(), 2);
        let listed = jrs.list(&owner).await.unwrap();
        assert_eq!(listed.len(), 2);
        assert!(listed[0].id == session.id && listed[0].data.is_none() && listed[0].created <= SystemTime::now());
        let options = ListOptions::new().fields(["/device", "/ip", "/cart/0"]).with_data().after(&session.id).limit(1);
        let listed = jrs.list_with::<Value>(&owner, &options).await.unwrap();
        assert_eq!(listed[0].fields, [Some(json!("phone")), Some(Value::Null), None]);
        assert_eq!(listed[0].data, Some(json!({"device": "phone", "ip": null})));

        assert_eq!(jrs.destroy_all_except(&owner, &last).await.unwrap(), 1);
        assert!(jrs.get::<Value>(&second).await.unwrap().is_none());
        assert!(jrs.revoke(&session.id).await.unwrap());
        assert!(!jrs.revoke(&session.id).await.unwrap());
        assert_eq!(jrs.update(&last, &book()).await.unwrap(), None);
        assert_eq!(jrs.rotate(&last, &RotateOptions::new()).await.unwrap(), None);
        assert_eq!(jrs.touch(&last).await.unwrap(), None);
        assert!(!jrs.destroy(&last).await.unwrap());
        let third = jrs.create("", &book()).await.unwrap();
        assert_eq!(jrs.get::<Cart>(&third).await.unwrap().unwrap().owner, "");
        assert!(jrs.destroy(&third).await.unwrap());
        jrs.create(&owner, &book()).await.unwrap();
        assert_eq!(jrs.destroy_all(&owner).await.unwrap(), 1);
        assert_eq!(jrs.count(&owner).await.unwrap(), 0);

        assert_eq!(jrs.jwks().await.unwrap(), r#"{"keys":[]}"#);
        let realms = jrs.realms().await.unwrap();
        assert_eq!((realms[0].name.as_str(), realms[0].keyspace.as_str()), ("default", "sess:"));
        assert_eq!(realms[0].max_age, Duration::from_secs(86_400));
        jrs.reload().await.unwrap();
        let kid = jrs.rotate_key().await.unwrap();
        assert_eq!(jrs.realms().await.unwrap()[0].keys[0].kid, Some(kid));
    }
    // Tombstones of rotations with a grace are left.
    let keys: Vec<String> = server.send(&["KEYS", "*"]).await;
    assert!(keys.iter().all(|key| key.ends_with(":rotated")), "{keys:?}");
}

#[tokio::test]
async fn the_blocking_client_has_the_same_commands() {
    let server = Server::start().await;
    let client = server.client();
    tokio::task::spawn_blocking(move || {
        let mut connection = client.get_connection().unwrap();
        let mut jrs = blocking::Jrs::new(&mut connection);
        let token = jrs.create("ann", &book()).unwrap();
        assert_eq!(jrs.get::<Cart>(&token).unwrap().unwrap().data, book());
        assert!(jrs.update(&token, &json!({"a": 1})).unwrap().is_some());
        assert!(jrs.merge(&token, &json!({"b": 2})).unwrap().is_some());
        assert!(jrs.patch(&token, &json!([{"op": "remove", "path": "/a"}])).unwrap().is_some());
        assert_eq!(jrs.peek::<Value>(&token).unwrap().unwrap().data, json!({"b": 2}));
        assert!(jrs.touch(&token).unwrap().is_some());
        let rotated = jrs.rotate(&token, &RotateOptions::new().reauth()).unwrap().unwrap();
        assert!(matches!(jrs.mint(&rotated, &MintOptions::new()), Err(Error::Redis(_))), "there is no issuer");
        assert_eq!(jrs.list("ann").unwrap().len(), 1);
        assert!(jrs.inspect(&rotated).unwrap().active);
        assert_eq!(jrs.realms().unwrap().len(), 1);
        assert_eq!(jrs.destroy_all_except("ann", &rotated).unwrap(), 0);
        assert!(jrs.destroy(&rotated).unwrap());
        assert_eq!(jrs.count("ann").unwrap(), 0);
        let mut missing = blocking::Jrs::new(connection).with_realm("admin");
        assert!(matches!(missing.get::<Value>(&rotated), Err(Error::NoRealm)));
    })
    .await
    .unwrap();
}

#[tokio::test]
async fn the_keyspace_is_asked_for_once_and_again_when_it_changes() {
    let server = Server::start().await;
    let jrs = server.jrs().await;
    let token = jrs.create("ann", &book()).await.unwrap();
    let reads = (0..20).map(|_| {
        let (jrs, token) = (jrs.clone(), token.clone());
        tokio::spawn(async move { jrs.get::<Cart>(&token).await.unwrap().unwrap() })
    });
    for read in reads.collect::<Vec<_>>() {
        read.await.unwrap();
    }
    assert_eq!((server.calls("jrs.realms").await, server.calls("jrs.get").await), (1, 20));

    server.send::<()>(&["CONFIG", "SET", "jrs.keyspace", "web:"]).await;
    let token = jrs.create("ann", &book()).await.unwrap();
    // For a second, WRONGKEY does not ask again.
    crate::support::until("the new keyspace is known", || async {
        match jrs.get::<Cart>(&token).await {
            Err(Error::WrongKey(_)) => false,
            session => session.unwrap().unwrap().owner == "ann",
        }
    })
    .await;
    assert_eq!(server.calls("jrs.realms").await, 2);
}

#[tokio::test]
async fn tokens_are_not_accepted_in_another_realm() {
    let realms = "[realm.admin]\nkeys-file = \"{f}/b.json\"\nkeyspace = \"adm:\"\n";
    let server = Server::start().await;
    let folder: Vec<String> = server.send(&["CONFIG", "GET", "dir"]).await;
    server.write("b.json", crate::support::cluster::KEYS);
    server.write("realms.toml", &realms.replace("{f}", &folder[1]));
    server.send::<()>(&["CONFIG", "SET", "jrs.realms-file", &format!("{}/realms.toml", folder[1])]).await;
    server.send::<()>(&["JRS.RELOAD"]).await;
    let (jrs, admin) = (server.jrs().await, server.jrs().await.with_realm("admin"));
    let token = admin.create("root", &book()).await.unwrap();
    assert!(admin.get::<Cart>(&token).await.unwrap().is_some());
    assert!(matches!(jrs.get::<Cart>(&token).await, Err(Error::WrongKey(_))));
    assert_eq!((jrs.count("root").await.unwrap(), admin.count("root").await.unwrap()), (0, 1));
    let nowhere = server.jrs().await.with_realm("nowhere");
    assert!(matches!(nowhere.get::<Cart>(&token).await, Err(Error::NoRealm)));
    assert_eq!(nowhere.create("x", &book()).await.unwrap_err().code(), Some("ERR"));
}

#[tokio::test]
async fn a_token_without_an_id_is_refused_without_a_command() {
    let server = Server::start().await;
    let jrs = server.jrs().await;
    for text in ["", "hello", "Bearer x.y.z", "a.b.c"] {
        let error = jrs.get::<Value>(&Token::from(text)).await.unwrap_err();
        assert!(matches!(error, Error::BadToken(_)) && error.is_token_refused(), "{text}");
    }
    assert_eq!(server.all_calls().await, 0);
}
