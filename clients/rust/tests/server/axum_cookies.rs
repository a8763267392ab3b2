//! The cookie: set, renewed and cleared by the layer; and what happens if Redis is away.

use std::{
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use axum::{Router, http::header::SET_COOKIE, routing::get};
use jrs_client::{
    RotateOptions, Token,
    axum::{Cookie, Session, SessionLayer},
};
use serde_json::{Value, json};
use tower::{Layer, ServiceExt};

use crate::{
    axum_app::{app, layer, open, serve},
    support::{browser::Browser, http::Reply, server::Server},
};

fn max_age(reply: &Reply) -> Option<u64> {
    let lines = reply.headers("set-cookie");
    lines.first()?.split("Max-Age=").nth(1)?.split(';').next()?.parse().ok()
}

#[tokio::test]
async fn the_cookie_lives_as_long_as_the_session() {
    let settings = [("jrs.max-age", "1000"), ("jrs.anonymous-max-age", "100"), ("jrs.touch-interval", "0")];
    let server = Server::with(&settings, &[]).await;
    let browser = open(SessionLayer::new(server.jrs().await)).await;
    let reply = browser.post_json("/set", json!({"a": 1})).await;
    assert_eq!(max_age(&reply), Some(100));
    let line = reply.headers("set-cookie")[0];
    assert!(
        line.starts_with("__Host-session=ey") && line.contains("; Path=/; SameSite=Lax; Secure; HttpOnly"),
        "{line}"
    );
    assert_eq!(max_age(&browser.post("/login/ann").await), Some(1000));
    assert_eq!(max_age(&browser.get("/").await), None, "the browser has a fresh one");
    let reply = browser.post("/logout").await;
    assert_eq!(max_age(&reply), Some(0));
    assert!(reply.headers("set-cookie")[0].starts_with("__Host-session=; Path=/"));
}

#[tokio::test]
async fn the_cookie_is_renewed_as_the_session_slides() {
    let settings = [("jrs.max-age", "30"), ("jrs.touch-interval", "0")];
    let server = Server::with(&settings, &[]).await;
    let jrs = server.jrs().await;
    let browser = open(layer(jrs.clone())).await;
    browser.post("/login/ann").await;
    let token = browser.cookie();
    let tenth = Duration::from_secs(3);
    let renewed = Mutex::new(None);
    crate::support::until("the token is older than a tenth of its ttl", || async {
        let start = Instant::now();
        let reply = browser.get("/").await;
        assert_eq!(reply.headers("vary").len(), reply.headers("set-cookie").len());
        *renewed.lock().unwrap() = max_age(&reply).map(|max_age| (max_age, start));
        renewed.lock().unwrap().is_some()
    })
    .await;
    let (max_age_then, start) = renewed.lock().unwrap().unwrap();
    assert_eq!((max_age_then, browser.cookie()), (30, token));
    let again = max_age(&browser.get("/").await);
    assert!(again.is_none() || start.elapsed() >= tenth, "renewed twice in a tenth of the ttl");
    assert_eq!(browser.get("/static").await.headers("set-cookie").len(), 0, "the session was not read");

    let cookie = Cookie::builder().secure(false).persistent(false).build().unwrap();
    let other = Browser::new(serve(app().layer(SessionLayer::new(jrs).cookie(cookie))).await);
    other.plant("session", &browser.cookie().unwrap());
    assert_eq!(other.get("/").await.headers("set-cookie").len(), 0, "it ends with the browser");
    assert_eq!(max_age(&other.post("/rotate").await), None);
    assert!(other.cookie().is_some());
}

#[tokio::test]
async fn a_cookie_that_browsers_would_drop_ends_the_session() {
    let server = Server::start().await;
    let browser = open(layer(server.jrs().await)).await;
    assert_eq!(browser.post("/create/2000").await.status, 200);
    assert_eq!(browser.get("/").await.json()["owner"], "ann");
    browser.post("/logout").await;
    assert_eq!(browser.post("/create/4000").await.status, 500);
    assert_eq!((browser.cookie(), server.send::<u64>(&["DBSIZE"]).await), (None, 0));
    browser.post("/login/bob").await;
    let cookie = browser.cookie();
    assert_eq!(browser.post("/create/4000").await.status, 500);
    assert_eq!((browser.cookie(), server.send::<u64>(&["DBSIZE"]).await), (cookie, 1), "only the new session");
    assert_eq!(browser.get("/").await.json()["owner"], "bob");
    assert_eq!(browser.post("/grow").await.status, 500);
    assert_eq!((browser.cookie(), server.send::<u64>(&["DBSIZE"]).await), (None, 0));
}

#[tokio::test]
async fn dead_and_foreign_tokens_are_an_empty_session() {
    let server = Server::start().await;
    let jrs = server.jrs().await;
    let browser = open(layer(jrs.clone())).await;
    let expired = jrs.create("ann", &json!({})).await.unwrap();
    jrs.destroy(&expired).await.unwrap();
    let forged = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJqdGkiOiJ4Iiwic3ViIjoicm9vdCJ9.c2lnbmF0dXJl";
    for token in ["x", "a.b.c", forged, expired.as_str()] {
        browser.plant("session", token);
        let reply = browser.get("/").await;
        assert_eq!((&reply.json()["id"], reply.headers("set-cookie").len()), (&Value::Null, 0), "{token}");
        assert_eq!((browser.post("/logout").await.body.as_str(), browser.cookie()), ("false", None), "{token}");
    }
    browser.plant("session", expired.as_str());
    browser.post_json("/set", json!({"a": 1})).await;
    assert_eq!(browser.get("/").await.json()["data"], json!({"a": 1}), "a new session has taken its place");
}

#[tokio::test]
async fn a_cookie_of_the_application_stays() {
    let server = Server::start().await;
    let own = get(async |mut session: Session| {
        session.insert("a".to_owned(), 1.into());
        [(SET_COOKIE, "session=own; Path=/own")]
    });
    let browser = Browser::new(serve(Router::new().route("/", own).layer(layer(server.jrs().await))).await);
    assert_eq!(browser.get("/").await.headers("set-cookie"), ["session=own; Path=/own"]);
}

#[tokio::test]
async fn a_token_in_grace_is_not_renewed_and_one_used_again_is_reported() {
    let settings = [("jrs.reuse-detection", "yes"), ("jrs.rotate-grace", "60000"), ("jrs.max-age", "10")];
    let server = Server::with(&settings, &[]).await;
    let jrs = server.jrs().await;
    let reuses = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&reuses);
    let browser = open(layer(jrs).on_reuse(move |reuse| seen.lock().unwrap().push(reuse.owner.clone()))).await;
    browser.post("/login/ann").await;
    let old = browser.copy();
    browser.post("/rotate").await;
    assert_eq!(old.get("/").await.json()["id"], browser.get("/").await.json()["id"]);
    crate::support::until("the new token is old enough to be renewed", || async {
        !browser.get("/").await.headers("set-cookie").is_empty()
    })
    .await;
    assert_eq!(old.get("/").await.headers("set-cookie").len(), 0, "it would replace the new cookie");
    server.send::<()>(&["CONFIG", "SET", "jrs.rotate-grace", "0"]).await;
    browser.post("/rotate").await;
    let reply = old.get("/").await;
    assert_eq!((reply.json()["id"].clone(), old.cookie()), (Value::Null, None));
    assert_eq!(*reuses.lock().unwrap(), ["ann"]);
    assert_eq!(browser.get("/secret").await.status, 401);
}

#[tokio::test]
async fn a_token_in_grace_has_the_claims_of_the_new_one() {
    let server = Server::start().await;
    let jrs = server.jrs().await;
    let browser = open(layer(jrs.clone())).await;
    browser.post("/login/ann").await;
    let old = Token::from(browser.get("/token").await.body);
    let options = RotateOptions::new().claims(&json!({"role": "admin"})).grace(Duration::from_secs(60));
    let new = jrs.rotate(&old, &options).await.unwrap().unwrap();
    let reply = browser.get("/").await.json();
    assert_eq!((&reply["id"], &reply["role"]), (&new.unverified_claims().unwrap()["jti"], &json!("admin")));
}

#[tokio::test]
async fn redis_is_unavailable() {
    let server = Server::start().await;
    let jrs = server.jrs().await;
    let errors = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&errors);
    let report = move |error: &jrs_client::Error| seen.lock().unwrap().push(error.code().map(str::to_owned));
    let closed = open(layer(jrs.clone()).on_error(report.clone())).await;
    closed.post("/login/ann").await;
    let open = open(layer(jrs).fail_open(true).on_error(report)).await;
    let token = closed.cookie().unwrap();
    open.plant("session", &token);
    server.send::<()>(&["CONFIG", "SET", "min-replicas-to-write", "1"]).await;
    assert_eq!(closed.get("/").await.status, 503);
    assert_eq!(open.get("/").await.json()["id"], Value::Null);
    assert_eq!(open.post_json("/set", json!({"a": 1})).await.status, 200);
    for (path, status) in [("/save", 503), ("/rotate", 503), ("/touch", 503)] {
        assert_eq!(open.post(path).await.status, status, "{path}");
    }
    assert_eq!((open.get("/secret").await.status, open.get("/devices").await.status), (503, 503));
    assert_eq!(open.get("/optional").await.body, "nobody");
    assert_eq!(open.cookie(), Some(token), "the user is not logged out");
    assert_eq!(open.post("/login/bob").await.status, 503, "methods that the application calls fail");
    // Those that fail have two: the read, which fails open, and the response.
    assert_eq!(errors.lock().unwrap().len(), 3 + 2 * 6 + 1);
    assert!(errors.lock().unwrap().iter().all(|code| code.as_deref() == Some("NOREPLICAS")));
    server.send::<()>(&["CONFIG", "SET", "min-replicas-to-write", "0"]).await;
    assert_eq!(open.get("/").await.json()["data"], json!({"name": "ANN"}));
    // A mistake is not an outage.
    server.send::<()>(&["ACL", "SETUSER", "default", "-jrs.get"]).await;
    assert_eq!((open.get("/").await.status, closed.get("/").await.status), (500, 500));
}

#[tokio::test]
async fn after_an_outage_in_the_same_request_a_login_sets_the_cookie_and_a_save_does_not() {
    let server = Arc::new(Server::start().await);
    let recovering = Arc::clone(&server);
    let recovers = Arc::clone(&server);
    let save = get(async move |mut session: Session| {
        recovers.send::<()>(&["CONFIG", "SET", "min-replicas-to-write", "0"]).await;
        session.insert("a".to_owned(), 1.into());
        session.save().await
    });
    let login = get(async move |mut session: Session| {
        recovering.send::<()>(&["CONFIG", "SET", "min-replicas-to-write", "0"]).await;
        session.insert("a".to_owned(), 1.into());
        session.log_in("ann").await.map(drop)
    });
    let jrs = server.jrs().await;
    let browser = Browser::new(
        serve(app().route("/late", login).route("/save-late", save).layer(layer(jrs).fail_open(true))).await,
    );
    browser.post("/login/bob").await;
    server.send::<()>(&["CONFIG", "SET", "min-replicas-to-write", "1"]).await;
    let reply = browser.get("/save-late").await;
    assert_eq!((reply.status, reply.headers("set-cookie").len()), (503, 0), "the user has a session");
    server.send::<()>(&["CONFIG", "SET", "min-replicas-to-write", "1"]).await;
    assert_eq!(browser.get("/late").await.status, 200);
    let session = browser.get("/").await.json();
    assert_eq!((&session["owner"], &session["data"]), (&json!("ann"), &json!({"a": 1})));
}

#[tokio::test]
async fn the_layer_works_with_any_tower_service() {
    let server = Server::start().await;
    let service = tower::service_fn(async |request: http::Request<String>| {
        let mut session: Session = Session::from_extensions(request.extensions()).await.unwrap();
        session.insert("body".to_owned(), request.body().clone().into());
        Ok::<_, std::convert::Infallible>(http::Response::new(format!("{:?}", session.id().is_some())))
    });
    let service = layer(server.jrs().await).layer(service);
    let reply = service.clone().oneshot(http::Request::new("first".to_owned())).await.unwrap();
    let cookie = reply.headers()[SET_COOKIE].to_str().unwrap().split(';').next().unwrap().to_owned();
    assert_eq!(reply.body(), "false");
    let request = http::Request::builder().header("cookie", cookie).body("second".to_owned()).unwrap();
    assert_eq!(service.oneshot(request).await.unwrap().body(), "true");
}
