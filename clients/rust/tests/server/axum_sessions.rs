//! Sessions of axum with a cookie, over HTTP.

use jrs_client::axum::{Cookie, SessionLayer};
use serde_json::{Value, json};

use crate::{
    axum_app::{app, layer, open, serve},
    support::{browser::Browser, http::request, server::Server},
};

#[tokio::test]
async fn visitors_without_changes_get_no_session() {
    let server = Server::start().await;
    let browser = open(layer(server.jrs().await)).await;
    let reply = browser.get("/").await;
    assert_eq!(reply.json(), json!({"id": null, "owner": "", "data": {}, "role": null}));
    assert_eq!((reply.headers("set-cookie").len(), reply.headers("vary").len()), (0, 0));
    browser.post("/unchanged").await;
    assert_eq!((server.all_calls().await, browser.cookie()), (0, None));
}

#[tokio::test]
async fn fields_are_saved_and_read_with_one_command_each() {
    let server = Server::start().await;
    let browser = open(layer(server.jrs().await)).await;
    assert_eq!(browser.post_json("/set", json!({"cart": ["book"]})).await.status, 200);
    assert_eq!(browser.get("/").await.json()["data"], json!({"cart": ["book"]}));
    let before = (server.calls("jrs.get").await, server.all_calls().await);
    browser.get("/twice").await;
    let after = (server.calls("jrs.get").await, server.all_calls().await);
    assert_eq!((after.0 - before.0, after.1 - before.1), (1, 1));
    browser.get("/static").await;
    browser.post("/unchanged").await;
    browser.post_json("/set", json!({"cart": ["book"]})).await;
    // A read each for two of them, and no write: nothing has changed.
    assert_eq!((server.all_calls().await, server.calls("jrs.update").await), (after.1 + 2, 0));
    assert_eq!(browser.post("/delete/cart").await.status, 200);
    assert_eq!(browser.get("/").await.json()["data"], json!({}));
}

#[tokio::test]
async fn a_typed_session_writes_only_what_changed() {
    let server = Server::start().await;
    let browser = open(layer(server.jrs().await)).await;
    assert_eq!(browser.post("/visit").await.body, "1");
    browser.post_json("/set", json!({"theme": "dark"})).await;
    assert_eq!(browser.post("/visit").await.body, "2");
    assert_eq!(browser.get("/").await.json()["data"], json!({"visits": 2, "seen": [1, 2], "theme": "dark"}));
    browser.post_json("/set", json!({"visits": "many, and secret"})).await;
    let reply = browser.post("/visit").await;
    assert_eq!((reply.status, reply.body.as_str()), (500, ""));
}

#[tokio::test]
async fn parallel_requests_that_change_different_fields_both_win() {
    let server = Server::start().await;
    let browser = std::sync::Arc::new(open(layer(server.jrs().await)).await);
    browser.post_json("/set", json!({"start": 0, "deep": {"a": 1}, "old": 1})).await;
    let requests: Vec<_> = (0..20)
        .map(|n| {
            let browser = std::sync::Arc::clone(&browser);
            tokio::spawn(async move { browser.post_json("/set", json!({(format!("f{n}")): n})).await.status })
        })
        .collect();
    let removal = browser.post("/delete/old").await.status;
    for request in requests {
        assert_eq!((request.await.unwrap(), removal), (200, 200));
    }
    let data = browser.get("/").await.json()["data"].clone();
    assert_eq!(data.as_object().unwrap().len(), 22);
    assert!((0..20).all(|n| data[format!("f{n}")] == json!(n)), "{data}");
}

#[tokio::test]
async fn a_login_is_safe_against_session_fixation() {
    let server = Server::start().await;
    let victim = open(layer(server.jrs().await)).await;
    victim.post_json("/set", json!({"cart": ["book"]})).await;
    let attacker = victim.copy();
    assert_eq!(attacker.get("/").await.json()["data"], json!({"cart": ["book"]}));

    assert_eq!(victim.post("/login/ann").await.status, 200);
    let session = victim.get("/").await.json();
    assert_eq!((&session["owner"], &session["role"]), (&json!("ann"), &json!("user")));
    assert_eq!(session["data"], json!({"cart": ["book"], "name": "ANN"}));
    let reply = attacker.get("/").await;
    assert_eq!(reply.json()["id"], Value::Null, "the old token is dead");
    assert_eq!(reply.headers("set-cookie").len(), 0, "it may arrive after the cookie of the login");
}

#[tokio::test]
async fn a_refused_login_or_create_leaves_no_session() {
    let server = Server::with(&[("jrs.max-sessions", "1"), ("jrs.max-sessions-policy", "reject")], &[]).await;
    let first = open(layer(server.jrs().await)).await;
    let (second, guest) = (first.copy(), first.copy());
    assert_eq!(first.post("/login-visitor/ann").await.status, 200);
    for page in ["/login-visitor/ann", "/create-visitor/ann"] {
        let refused = second.post(page).await;
        assert_eq!((refused.status, refused.headers("set-cookie").len()), (500, 0));
        assert_eq!(second.get("/").await.json()["id"], Value::Null);
    }
    // A guest stays the guest.
    guest.post("/visit").await;
    assert_eq!(guest.post("/login-visitor/ann").await.status, 500);
    let session = guest.get("/").await.json();
    assert_eq!((&session["owner"], &session["data"]["visits"]), (&json!(""), &json!(1)));
    assert_eq!(server.jrs().await.count("ann").await.unwrap(), 1);
}

#[tokio::test]
async fn a_login_of_another_user_drops_the_data() {
    let server = Server::start().await;
    let browser = open(layer(server.jrs().await)).await;
    browser.post("/login/ann").await;
    browser.post_json("/set", json!({"private": true})).await;
    let ann = browser.copy();
    let id = browser.get("/").await.json()["id"].clone();
    browser.post("/login/ann").await;
    let again = browser.get("/").await.json();
    assert_eq!(again["data"], json!({"name": "ANN", "private": true}));
    assert_ne!(again["id"], id);
    assert_eq!(ann.get("/").await.json()["id"], Value::Null);

    let ann = browser.copy();
    browser.post("/login/bob").await;
    assert_eq!(browser.get("/").await.json()["data"], json!({"name": "BOB"}));
    assert_eq!(ann.get("/").await.json()["id"], Value::Null);
    assert_eq!(server.jrs().await.count("ann").await.unwrap(), 0);
}

#[tokio::test]
async fn my_devices() {
    let server = Server::start().await;
    let laptop = open(layer(server.jrs().await)).await;
    let (phone, stranger) = (laptop.copy(), laptop.copy());
    assert_eq!(laptop.get("/devices").await.status, 401);
    for browser in [&laptop, &phone] {
        browser.post("/login/ann").await;
    }
    stranger.post("/login/bob").await;
    phone.post_json("/set", json!({"device": "phone"})).await;
    let list = laptop.get("/devices").await.json();
    let fields = |n: usize| list[n]["fields"].clone();
    assert_eq!((fields(0), fields(1)), (json!({"/name": "ANN"}), json!({"/device": "phone", "/name": "ANN"})));
    assert_eq!((&list[0]["current"], &list[1]["current"]), (&json!(true), &json!(false)));

    let device = format!("/devices/{}", list[1]["id"].as_str().unwrap().replace('{', "%7B").replace('}', "%7D"));
    assert_eq!(stranger.post(&device).await.body, "false", "it is not a device of this user");
    assert_eq!(phone.get("/secret").await.body, "ann");
    assert_eq!(laptop.post(&device).await.body, "true");
    let reply = phone.get("/secret").await;
    assert_eq!((reply.status, reply.headers("set-cookie").len()), (401, 0));
    assert_eq!(phone.post("/logout").await.body, "false");
    assert_eq!(phone.cookie(), None);

    phone.post("/login/ann").await;
    assert_eq!(laptop.post("/devices/others").await.body, "1");
    assert_eq!((phone.get("/secret").await.status, laptop.get("/secret").await.status), (401, 200));
    phone.post("/login/ann").await;
    assert_eq!(laptop.send("DELETE", "/devices", None).await.body, "2");
    assert_eq!((laptop.cookie(), phone.get("/secret").await.status), (None, 401));
    assert_eq!(stranger.get("/secret").await.body, "bob");
}

#[tokio::test]
async fn a_session_that_was_destroyed_meanwhile_stays_so() {
    let server = Server::start().await;
    let jrs = server.jrs().await;
    let gate = std::sync::Arc::new((tokio::sync::Notify::new(), tokio::sync::Notify::new()));
    let there = std::sync::Arc::clone(&gate);
    let slow = axum::routing::post(async move |mut session: jrs_client::axum::Session| {
        session.insert("slow".to_owned(), true.into());
        there.0.notify_one();
        there.1.notified().await;
    });
    let there = std::sync::Arc::clone(&gate);
    let saves = axum::routing::post(async move |mut session: jrs_client::axum::Session| {
        there.0.notify_one();
        there.1.notified().await;
        session.insert("slow".to_owned(), true.into());
        let saved = session.save().await;
        session.insert("later".to_owned(), true.into());
        saved
    });
    let app = app().route("/slow", slow).route("/saves", saves).layer(layer(jrs.clone()));
    let browser = std::sync::Arc::new(Browser::new(serve(app).await));
    for (path, status) in [("/slow", 200), ("/saves", 401)] {
        browser.post("/login/ann").await;
        let other = std::sync::Arc::clone(&browser);
        let request = tokio::spawn(async move { other.post(path).await });
        gate.0.notified().await;
        assert_eq!(jrs.destroy_all("ann").await.unwrap(), 1);
        gate.1.notify_one();
        let reply = request.await.unwrap();
        assert_eq!((reply.status, reply.headers("set-cookie").len()), (status, 0), "{path}");
        assert_eq!(server.send::<u64>(&["DBSIZE"]).await, 0, "{path}");
    }
    browser.post("/login/ann").await;
    browser.post("/logout-and-set").await;
    assert_eq!((browser.cookie(), server.send::<u64>(&["DBSIZE"]).await), (None, 0), "a logout is the end");
}

#[tokio::test]
async fn methods_of_the_session() {
    let server = Server::start().await;
    let browser = open(layer(server.jrs().await)).await;
    assert_eq!(browser.post("/rotate").await.status, 401, "there is no session");
    assert_eq!(browser.post("/save").await.status, 200);
    let id = browser.get("/").await.json()["id"].as_str().unwrap().to_owned();
    assert_eq!(server.stored(&id).await, json!({"saved": true}));
    assert_eq!(browser.post_json("/merge", json!({"saved": null, "visits": 3})).await.body, "3");
    assert_eq!(server.stored(&id).await, json!({"visits": 3, "seen": [7]}));
    assert_eq!(browser.post("/reload").await.json(), json!({"visits": 3, "seen": [7]}));
    assert_eq!(browser.post_json("/update", json!({"only": 1})).await.status, 200);
    assert_eq!(server.stored(&id).await, json!({"only": 1}));
    assert_eq!(browser.post("/touch").await.body, "86400");
    let old = browser.copy();
    assert_eq!(browser.post("/rotate").await.status, 200);
    assert_eq!(old.get("/").await.json()["id"], Value::Null);
    assert_eq!(browser.post("/regenerate").await.body, "true");
    assert_eq!(browser.get("/").await.json()["data"], json!({"fresh": true}));
    assert_eq!(browser.post("/logout").await.body, "true");
    assert_eq!((browser.post("/logout").await.body.as_str(), browser.cookie()), ("false", None));
    assert_eq!(browser.get("/optional").await.body, "nobody");
    browser.post("/login/ann").await;
    assert_eq!(browser.get("/optional").await.body, "ann");
}

#[tokio::test]
async fn a_recent_login() {
    let server = Server::start().await;
    let browser = open(layer(server.jrs().await)).await;
    let reply = browser.get("/secret").await;
    assert_eq!((reply.status, reply.headers("www-authenticate")), (401, vec!["Bearer"]));
    browser.post_json("/set", json!({"a": 1})).await;
    assert_eq!(browser.get("/recent/300").await.status, 401, "an anonymous user has never authenticated");
    browser.post("/login/ann").await;
    assert_eq!((browser.get("/secret").await.status, browser.get("/recent/300").await.status), (200, 200));
    // The time is in whole seconds, so it is a second ago soon.
    crate::support::until("the login is older than a second", || async {
        browser.get("/recent/1").await.status == 401
    })
    .await;
    let reply = browser.get("/recent/1").await;
    let challenge = r#"Bearer error="insufficient_user_authentication", error_description="More recent authentication is required", max_age="1""#;
    assert_eq!(reply.headers("www-authenticate"), [challenge]);
    assert_eq!(browser.get("/").await.json()["owner"], "ann");
}

#[tokio::test]
async fn a_bearer_token_goes_before_the_cookie_and_sets_none() {
    let server = Server::start().await;
    let jrs = server.jrs().await;
    let to = serve(app().layer(layer(jrs.clone()).bearer(true))).await;
    let token = jrs.create("ann", &json!({})).await.unwrap();
    let headers = [("Authorization", format!("Bearer {}", token.as_str())), ("Cookie", "session=x".to_owned())];
    let reply = request(to, "GET", "/", &headers, None).await;
    assert_eq!(reply.json()["owner"], "ann");
    let reply = request(to, "POST", "/rotate", &headers, None).await;
    assert_eq!((reply.status, reply.headers("set-cookie").len()), (200, 0));
    let to = serve(app().layer(layer(jrs))).await;
    let reply = request(to, "GET", "/", &headers[..1], None).await;
    assert_eq!(reply.json()["owner"], "", "a bearer token is not read unless it is asked for");
    let none = serve(app().layer(SessionLayer::new(server.jrs().await).without_cookie().bearer(true))).await;
    let reply = request(none, "POST", "/login/ann", &[], None).await;
    assert_eq!((reply.status, reply.headers("set-cookie").len()), (200, 0));
    let plain = serve(app()).await;
    assert_eq!(request(plain, "GET", "/", &[], None).await.status, 500, "the layer is missing");
}

#[tokio::test]
async fn without_auto_save_only_save_writes() {
    let server = Server::start().await;
    let cookie = Cookie::builder().secure(false).build().unwrap();
    let browser = open(SessionLayer::new(server.jrs().await).cookie(cookie).auto_save(false)).await;
    browser.post_json("/set", json!({"a": 1})).await;
    assert_eq!((browser.cookie(), server.all_calls().await), (None, 0));
    assert_eq!(browser.post("/save").await.status, 200);
    browser.post_json("/set", json!({"a": 1})).await;
    assert_eq!(browser.get("/").await.json()["data"], json!({"saved": true}));
}
