//! Errors: by their first word, without secrets, and a refused command changes nothing.

use std::{error::Error as _, time::Duration};

use jrs_client::{CreateOptions, Error, Jrs, ListOptions, RotateOptions, Token};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::support::server::Server;

const SECRET: &str = "swordfish";

/// All that a log could show of an error.
fn shown(error: &Error) -> String {
    let mut text = format!("{error} {error:?} {error:#?}");
    let mut source = error.source();
    while let Some(error) = source {
        text += &format!(" {error} {error:?}");
        source = error.source();
    }
    text
}

#[tokio::test]
async fn each_first_word_has_its_variant_and_changes_nothing() {
    let settings = [("jrs.max-data-size", "1024"), ("jrs.max-sessions", "2"), ("jrs.max-sessions-policy", "reject")];
    let server = Server::with(&settings, &[]).await;
    let jrs = server.jrs().await;
    let data = json!({"secret": SECRET});
    let token = jrs.create("ann", &data).await.unwrap();
    let id = jrs.get::<Value>(&token).await.unwrap().unwrap().id;
    jrs.create("ann", &data).await.unwrap();
    let forged = Token::from(format!("{}x", token.as_str()));
    let big = json!({"secret": SECRET.repeat(500)});
    let patch = json!([{"op": "test", "path": "/secret", "value": SECRET.repeat(2)}]);
    let failures: Vec<(&str, Error)> = vec![
        ("BADTOKEN", jrs.get::<Value>(&forged).await.unwrap_err()),
        ("BADTOKEN", jrs.update(&forged, &data).await.unwrap_err()),
        ("BADDATA", jrs.patch(&token, &patch).await.unwrap_err()),
        ("TOOBIG", jrs.update(&token, &big).await.unwrap_err()),
        ("TOOMANY", jrs.create("ann", &data).await.unwrap_err()),
        ("WRONGKEY", jrs.revoke("x:rotated").await.unwrap_err()),
        ("ERR", jrs.create("a{b", &data).await.unwrap_err()),
        (
            "ERR",
            jrs.create_with("bob", &data, &CreateOptions::new().claims(&json!({"sub": SECRET}))).await.unwrap_err(),
        ),
        ("ERR", jrs.list_with::<Value>("ann", &ListOptions::new().limit(0)).await.unwrap_err()),
    ];
    for (word, error) in &failures {
        assert_eq!(error.code(), Some(*word), "{error}");
        assert!(error.to_string().starts_with(&format!("{word} ")), "{error}");
        let shown = shown(error);
        assert!(!shown.contains(SECRET) && !shown.contains(&token.as_str()[40..]), "{shown}");
    }
    let variants: Vec<bool> = failures
        .iter()
        .map(|(word, error)| match error {
            Error::BadToken(_) => *word == "BADTOKEN",
            Error::BadData(_) => *word == "BADDATA",
            Error::TooBig(_) => *word == "TOOBIG",
            Error::TooMany(_) => *word == "TOOMANY",
            Error::WrongKey(_) => *word == "WRONGKEY",
            Error::Redis(_) => *word == "ERR",
            _ => false,
        })
        .collect();
    assert!(!variants.contains(&false), "{failures:?}");
    assert!(failures.iter().all(|(_, error)| !error.is_unavailable()));
    assert_eq!(server.stored(&id).await, data);
    assert_eq!(jrs.count("ann").await.unwrap(), 2);
}

#[tokio::test]
async fn expired_stale_and_reused_tokens() {
    let server = Server::with(&[("jrs.reuse-detection", "yes")], &[]).await;
    let jrs = server.jrs().await;
    let soon = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs() + 1;
    let short = jrs.create_with("ann", &json!({}), &CreateOptions::new().expires_at(soon)).await.unwrap();
    crate::support::until("the token has expired", || async {
        matches!(jrs.get::<Value>(&short).await, Err(Error::ExpiredToken(_)))
    })
    .await;
    let anonymous = jrs.create("", &json!({})).await.unwrap();
    match jrs.get_recent::<Value>(&anonymous, 60).await {
        Err(Error::StaleAuth { max_age: Some(60), .. }) => {}
        other => panic!("{other:?}"),
    }
    let old = jrs.create("bob", &json!({})).await.unwrap();
    let new = jrs.rotate(&old, &RotateOptions::new()).await.unwrap().unwrap();
    assert!(matches!(jrs.get::<Value>(&old).await, Err(Error::Reused(_))));
    assert!(matches!(jrs.get::<Value>(&new).await, Err(Error::Reused(_))));
}

#[tokio::test]
async fn a_server_without_the_module_repeats_the_token_and_the_error_does_not() {
    let server = Server::without_module().await;
    let jrs = server.jrs().await;
    let error = jrs.create(SECRET, &json!({"secret": SECRET})).await.unwrap_err();
    assert!(matches!(error, Error::NoModule) && !error.is_unavailable());
    assert!(!shown(&error).contains(SECRET), "{}", shown(&error));
    let error = jrs.get::<Value>(&"a.eyJqdGkiOiJ4In0.c".into()).await.unwrap_err();
    assert_eq!(error.code(), Some("ERR"));
}

#[tokio::test]
async fn data_of_another_type_is_an_error_that_does_not_repeat_it() {
    #[derive(Debug, Deserialize)]
    struct Typed {
        #[expect(dead_code, reason = "it is never read successfully")]
        secret: u32,
    }
    let server = Server::start().await;
    let jrs = server.jrs().await;
    let token = jrs.create("ann", &json!({"secret": SECRET})).await.unwrap();
    let error = jrs.get::<Typed>(&token).await.unwrap_err();
    assert!(matches!(error, Error::WrongData { line: 1, .. }));
    assert!(!shown(&error).contains(SECRET));
    let error = jrs.create("ann", &json!([SECRET])).await.unwrap_err();
    assert!(matches!(error, Error::NotAnObject) && !shown(&error).contains(SECRET));
    let session = jrs.get::<Value>(&token).await.unwrap().unwrap();
    assert!(!format!("{session:?} {token:?} {jrs:?}").contains(SECRET));
}

#[tokio::test]
async fn missing_permissions_and_an_unavailable_server() {
    let mut server = Server::start().await;
    server.send::<()>(&["ACL", "SETUSER", "web", "on", ">pass", "~sess:*", "+jrs.get", "+jrs.realms"]).await;
    let client = redis::Client::open(format!("redis://web:pass@127.0.0.1:{}", server.port)).unwrap();
    let web = Jrs::new(client.get_multiplexed_async_connection().await.unwrap());
    let jrs = server.jrs().await;
    let token = jrs.create("ann", &json!({})).await.unwrap();
    assert!(web.get::<Value>(&token).await.unwrap().is_some());
    assert!(matches!(web.destroy(&token).await, Err(Error::NoPermission(_))));
    assert!(jrs.get::<Value>(&token).await.unwrap().is_some());

    server.send::<()>(&["CONFIG", "SET", "min-replicas-to-write", "1"]).await;
    let error = jrs.get::<Value>(&token).await.unwrap_err();
    assert!(error.is_unavailable() && error.code() == Some("NOREPLICAS"), "{error}");
    server.stop();
    let error = tokio::time::timeout(Duration::from_secs(50), jrs.get::<Value>(&token)).await.unwrap().unwrap_err();
    assert!(error.is_unavailable() && error.code().is_none(), "{error}");
}
