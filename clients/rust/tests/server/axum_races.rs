//! Requests of one session at the same time, and requests that fail in the middle.

use std::sync::Arc;

use axum::{extract::Path, routing::post};
use jrs_client::{
    Error, RotateOptions,
    axum::{Session, SessionLayer},
};
use serde_json::{Value, json};
use tokio::sync::Notify;

use crate::{
    axum_app::{app, layer, serve},
    support::{browser::Browser, http::Reply, server::Server, until},
};

/// Serves the application with a route `/slow`, which reads the session and then waits until it may go on.
async fn open_with_gate(layer: SessionLayer) -> (Arc<Browser>, Gate) {
    let gate = Gate::default();
    let there = gate.clone();
    let slow = post(async move |mut session: Session, Path(act): Path<String>| {
        there.pause().await;
        match act.as_str() {
            "read" => Ok(()),
            "rotate" => session.rotate(&RotateOptions::new()).await.map(drop),
            _ => session.destroy().await.map(drop),
        }
    });
    let app = app().route("/slow/{act}", slow).layer(layer);
    (Arc::new(Browser::new(serve(app).await)), gate)
}

#[derive(Clone, Default)]
struct Gate(Arc<(Notify, Notify)>);

impl Gate {
    /// In the handler.
    async fn pause(&self) {
        self.0.0.notify_one();
        self.0.1.notified().await;
    }

    /// Sends a request, and does something else before it goes on.
    async fn between<R>(&self, browser: &Arc<Browser>, path: &'static str, act: impl Future<Output = R>) -> Reply {
        let other = Arc::new(browser.copy());
        let request = tokio::spawn(async move { other.post(path).await });
        self.0.0.notified().await;
        act.await;
        self.0.1.notify_one();
        request.await.unwrap()
    }
}

#[tokio::test]
async fn the_cookie_of_a_rotated_session_is_not_renewed() {
    let server = Server::with(&[("jrs.max-age", "10"), ("jrs.touch-interval", "0")], &[]).await;
    let jrs = server.jrs().await;
    let (browser, gate) = open_with_gate(layer(jrs.clone())).await;
    for (rotates, cookies) in [(false, 1), (true, 0)] {
        browser.post("/login/ann").await;
        until("the login is a tenth of the ttl ago, in whole seconds", || async {
            let token = browser.cookie().unwrap().into();
            jrs.peek_recent::<Value>(&token, 2).await.is_err()
        })
        .await;
        let rotate = async {
            if rotates {
                browser.post("/rotate").await;
            }
        };
        let reply = gate.between(&browser, "/slow/read", rotate).await;
        assert_eq!((reply.status, reply.headers("set-cookie").len()), (200, cookies), "rotates: {rotates}");
    }
}

#[tokio::test]
async fn only_a_request_that_destroys_the_session_clears_the_cookie() {
    let server = Server::start().await;
    let jrs = server.jrs().await;
    let (browser, gate) = open_with_gate(layer(jrs.clone())).await;
    for (path, status, cookies) in [("/slow/read", 200, 0), ("/slow/rotate", 401, 0), ("/slow/destroy", 200, 1)] {
        browser.post("/login/ann").await;
        let reply = gate.between(&browser, path, jrs.destroy_all("ann")).await;
        assert_eq!((reply.status, reply.headers("set-cookie").len()), (status, cookies), "{path}");
    }
}

#[tokio::test]
async fn a_reuse_that_a_method_finds_is_reported_and_clears_the_cookie() {
    let settings = [("jrs.reuse-detection", "yes"), ("jrs.rotate-grace", "0")];
    let server = Server::with(&settings, &[]).await;
    let reuses = Arc::new(std::sync::Mutex::new(0));
    let seen = Arc::clone(&reuses);
    let layer = layer(server.jrs().await).on_reuse(move |_| *seen.lock().unwrap() += 1);
    let (browser, gate) = open_with_gate(layer).await;
    for (path, status) in [("/slow/rotate", 401), ("/slow/destroy", 200)] {
        browser.post("/login/ann").await;
        let reply = gate.between(&browser, path, browser.post("/rotate")).await;
        assert_eq!((reply.status, reply.headers("set-cookie").len()), (status, 1), "{path}");
        assert!(reply.headers("set-cookie")[0].contains("Max-Age=0"), "{path}");
    }
    // The third: the second login came with a token of the session that the first reuse ended.
    assert_eq!(*reuses.lock().unwrap(), 3);
}

#[tokio::test]
async fn a_request_that_fails_after_a_rotation_sets_the_new_cookie() {
    let server = Server::with(&[("jrs.max-data-size", "100")], &[]).await;
    let rotate = post(async |mut session: Session| -> Result<(), Error> {
        session.rotate(&RotateOptions::new()).await?;
        session.insert("big".to_owned(), "x".repeat(100).into());
        Ok(())
    });
    let app = app().route("/rotate-and-grow", rotate).layer(layer(server.jrs().await));
    let browser = Browser::new(serve(app).await);
    browser.post("/login/ann").await;
    assert_eq!(browser.post("/rotate-and-grow").await.status, 500);
    assert_eq!(browser.get("/").await.json()["owner"], "ann", "the old token is refused");
}

#[tokio::test]
async fn a_logout_never_pretends() {
    let server = Server::start().await;
    let browser = Browser::new(serve(app().layer(layer(server.jrs().await).fail_open(true))).await);
    browser.post("/login/ann").await;
    server.send::<()>(&["CONFIG", "SET", "min-replicas-to-write", "1"]).await;
    let reply = browser.post("/logout").await;
    assert_eq!((reply.status, reply.headers("set-cookie").len()), (503, 0), "the session was not destroyed");
    server.send::<()>(&["CONFIG", "SET", "min-replicas-to-write", "0"]).await;
    assert_eq!(browser.get("/").await.json()["data"], json!({"name": "ANN"}));
    assert_eq!((browser.post("/logout").await.body.as_str(), browser.cookie()), ("true", None));
}
