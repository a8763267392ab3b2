//! The store for actix-session, over HTTP.

use std::{net::SocketAddr, sync::Arc};

use actix_session::{Session, SessionMiddleware};
use actix_web::{
    App, HttpServer, Result,
    cookie::Key,
    dev::ServerHandle,
    web::{Data, Json, Path, get, post},
};
use jrs_client::{
    Jrs,
    actix::{JrsSession, JrsSessionStore, OWNER},
};
use serde_json::{Map, Value, json};
use tokio::sync::Notify;

use crate::support::{browser::Browser, server::Server};

struct Running {
    address: SocketAddr,
    handle: ServerHandle,
    started: Arc<Notify>,
    go_on: Arc<Notify>,
}

impl Running {
    fn browser(&self) -> Browser {
        Browser::new(self.address)
    }
}

/// The handlers that wait for the test.
struct Gate(Arc<Notify>, Arc<Notify>);

async fn show(session: Session) -> Json<Value> {
    let names: Vec<String> = session.entries().keys().filter(|name| !name.starts_with("jrs:")).cloned().collect();
    let data: Map<String, Value> =
        names.into_iter().map(|name| (name.clone(), session.get(&name).unwrap().unwrap())).collect();
    let recent = session.authenticated_at().is_some_and(|time| time.elapsed().unwrap_or_default().as_secs() < 300);
    Json(json!({"id": session.id(), "owner": session.owner(), "data": data, "recent": recent}))
}

async fn set(session: Session, fields: Json<Map<String, Value>>) -> Result<&'static str> {
    for (name, value) in fields.into_inner() {
        session.insert(name, value)?;
    }
    Ok("")
}

async fn login(session: Session, owner: Path<String>) -> Result<&'static str> {
    session.log_in(&owner)?;
    session.insert("name", owner.to_uppercase())?;
    Ok("")
}

/// A login as the documentation of actix-session shows it.
async fn renew(session: Session, owner: Path<String>) -> Result<&'static str> {
    session.insert(OWNER, owner.into_inner())?;
    session.renew();
    Ok("")
}

/// Continues when the test says so, after the session was loaded.
async fn slow(session: Session, what: Path<String>, gate: Data<Gate>) -> Result<&'static str> {
    gate.0.notify_one();
    gate.1.notified().await;
    if *what == "renew" {
        session.renew()
    } else {
        session.insert("slow", true)?
    }
    Ok("")
}

async fn start(jrs: &Jrs, configure: fn(JrsSessionStore) -> JrsSessionStore) -> Running {
    let (started, go_on) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (key, jrs) = (Key::generate(), jrs.clone());
    let gate = Data::new(Gate(Arc::clone(&started), Arc::clone(&go_on)));
    let app = move || {
        let store = configure(JrsSessionStore::new(jrs.clone()));
        let sessions = SessionMiddleware::builder(store, key.clone()).cookie_secure(false).build();
        App::new()
            .app_data(gate.clone())
            .route("/", get().to(show))
            .route("/set", post().to(set))
            .route("/remove", post().to(async |s: Session| s.remove("a").unwrap_or_default()))
            .route("/login/{owner}", post().to(login))
            .route("/renew/{owner}", post().to(renew))
            .route(
                "/renew",
                post().to(async |s: Session| {
                    s.renew();
                    ""
                }),
            )
            .route(
                "/clear",
                post().to(async |s: Session| {
                    s.clear();
                    ""
                }),
            )
            .route(
                "/logout",
                post().to(async |s: Session| {
                    s.purge();
                    ""
                }),
            )
            .route(
                "/large",
                post().to(async |s: Session| {
                    s.insert(OWNER, "o".repeat(250)).map(|()| "").map_err(actix_web::Error::from)
                }),
            )
            .route("/slow/{what}", post().to(slow))
            .wrap(sessions)
    };
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let running = HttpServer::new(app).workers(2).listen(listener).unwrap().run();
    let handle = running.handle();
    actix_web::rt::spawn(running);
    Running { address, handle, started, go_on }
}

#[actix_web::test]
async fn state_is_plain_json_and_only_changes_are_written() {
    let server = Server::start().await;
    let jrs = server.jrs().await;
    let app = start(&jrs, |store| store).await;
    let browser = app.browser();
    assert_eq!(browser.get("/").await.json(), json!({"id": null, "owner": "", "data": {}, "recent": false}));
    assert_eq!((browser.cookie(), server.all_calls().await), (None, 0));
    browser.post_json("/set", json!({"a": 1, "cart": ["book"]})).await;
    let session = browser.get("/").await.json();
    let id = session["id"].as_str().unwrap();
    assert_eq!(session["data"], json!({"a": 1, "cart": ["book"]}));
    assert_eq!(server.stored(id).await, session["data"]);
    let ttl: u64 = server.send(&["TTL", &format!("sess:{id}")]).await;
    assert!((86_000..=86_400).contains(&ttl));
    let before = server.all_calls().await;
    browser.post_json("/set", json!({"a": 1})).await;
    assert_eq!(server.all_calls().await, before + 1, "a read, and no write: nothing has changed");
    browser.post("/remove").await;
    assert_eq!(server.stored(id).await, json!({"cart": ["book"]}));
    browser.post("/clear").await;
    assert_eq!((server.stored(id).await, browser.get("/").await.json()["id"].as_str()), (json!({}), Some(id)));
    browser.post("/logout").await;
    assert_eq!((browser.cookie(), server.send::<u64>(&["DBSIZE"]).await), (None, 0));
    app.handle.stop(false).await;
}

#[actix_web::test]
async fn parallel_requests_that_change_different_keys_both_win() {
    let server = Server::start().await;
    let app = start(&server.jrs().await, |store| store).await;
    let browser = Arc::new(app.browser());
    browser.post_json("/set", json!({"start": 1})).await;
    let other = Arc::clone(&browser);
    let request = actix_web::rt::spawn(async move { other.post("/slow/set").await.status });
    app.started.notified().await;
    browser.post_json("/set", json!({"fast": true})).await;
    app.go_on.notify_one();
    assert_eq!(request.await.unwrap(), 200);
    assert_eq!(browser.get("/").await.json()["data"], json!({"start": 1, "fast": true, "slow": true}));
    app.handle.stop(false).await;
}

#[actix_web::test]
async fn logins_are_safe_against_session_fixation() {
    let server = Server::start().await;
    let jrs = server.jrs().await;
    let app = start(&jrs, |store| store).await;
    for path in ["/login/ann", "/renew/ann"] {
        let victim = app.browser();
        victim.post_json("/set", json!({"cart": ["book"]})).await;
        let attacker = victim.copy();
        victim.post(path).await;
        let session = victim.get("/").await.json();
        assert_eq!((&session["owner"], &session["data"]["cart"]), (&json!("ann"), &json!(["book"])), "{path}");
        assert_eq!(attacker.get("/").await.json()["id"], Value::Null, "{path}");
        assert_eq!((&session["recent"], &attacker.get("/").await.json()["recent"]), (&json!(true), &json!(false)));

        let old = victim.copy();
        victim.post("/renew").await;
        assert_eq!(victim.get("/").await.json()["owner"], "ann");
        assert_eq!(old.get("/").await.json()["id"], Value::Null, "{path}");

        victim.post_json("/set", json!({"private": true})).await;
        let other = victim.copy();
        victim.post(&path.replace("ann", "bob")).await;
        let session = victim.get("/").await.json();
        assert_eq!((&session["owner"], &session["data"]["private"]), (&json!("bob"), &Value::Null), "{path}");
        assert_eq!(session["data"]["cart"], Value::Null, "{path}");
        assert_eq!(other.get("/").await.json()["id"], Value::Null, "{path}");
    }
    assert_eq!((jrs.count("ann").await.unwrap(), jrs.count("bob").await.unwrap()), (0, 2));
    let again = app.browser();
    again.post("/login/ann").await;
    let id = again.get("/").await.json()["id"].clone();
    again.post("/login/ann").await;
    assert_ne!(again.get("/").await.json()["id"], id);
    assert_eq!(jrs.count("ann").await.unwrap(), 1);
    app.handle.stop(false).await;
}

#[actix_web::test]
async fn a_session_that_was_destroyed_meanwhile_stays_so() {
    let server = Server::start().await;
    let jrs = server.jrs().await;
    let app = start(&jrs, |store| store).await;
    for (what, status) in [("set", 200), ("renew", 500)] {
        let browser = Arc::new(app.browser());
        browser.post("/login/ann").await;
        let other = Arc::clone(&browser);
        let path = format!("/slow/{what}");
        let request = actix_web::rt::spawn(async move { other.post(&path).await.status });
        app.started.notified().await;
        assert_eq!(jrs.destroy_all("ann").await.unwrap(), 1);
        app.go_on.notify_one();
        assert_eq!(request.await.unwrap(), status, "{what}");
        assert_eq!((jrs.count("ann").await.unwrap(), browser.get("/").await.json()["id"].clone()), (0, Value::Null));
        browser.post("/login/ann").await;
        assert_eq!(browser.get("/").await.json()["owner"], "ann", "the user can log in again");
        jrs.destroy_all("ann").await.unwrap();
    }
    let anonymous = Arc::new(app.browser());
    anonymous.post_json("/set", json!({"a": 1})).await;
    let other = Arc::clone(&anonymous);
    let request = actix_web::rt::spawn(async move { other.post("/slow/renew").await.status });
    app.started.notified().await;
    server.send::<()>(&["FLUSHALL"]).await;
    app.go_on.notify_one();
    assert_eq!((request.await.unwrap(), server.send::<u64>(&["DBSIZE"]).await), (500, 0));
    app.handle.stop(false).await;
}

#[actix_web::test]
async fn the_ttl_of_the_realm_and_data_that_is_not_an_object() {
    let server = Server::with(&[("jrs.max-age", "1000")], &[]).await;
    let jrs = server.jrs().await;
    let app = start(&jrs, JrsSessionStore::with_server_ttl).await;
    let browser = app.browser();
    browser.post("/login/ann").await;
    let id = browser.get("/").await.json()["id"].as_str().unwrap().to_owned();
    let key = format!("sess:{id}");
    assert!((900..=1000).contains(&server.send::<u64>(&["TTL", &key]).await));
    assert_eq!(browser.post("/large").await.status, 200);
    server.send::<()>(&["CONFIG", "SET", "min-replicas-to-write", "1"]).await;
    assert_eq!(browser.get("/").await.status, 500);
    app.handle.stop(false).await;
}

#[tokio::test]
async fn stored_names_of_this_crate_have_no_effect() {
    let server = Server::start().await;
    let jrs = server.jrs().await;
    let forged = json!({"jrs:login": true, "jrs:owner": "root", "jrs:session": {"id": "x"}, "a": 1});
    let token = jrs.create("ann", &forged).await.unwrap();
    let store = JrsSessionStore::new(jrs.clone());
    let key = actix_session::storage::SessionKey::try_from(token.as_str().to_owned()).unwrap();
    let mut state = actix_session::storage::SessionStore::load(&store, &key).await.unwrap().unwrap();
    assert_eq!((state.get(OWNER).map(String::as_str), state.contains_key("jrs:login")), (Some("\"ann\""), false));
    state.insert("b".to_owned(), "2".to_owned());
    let ttl = actix_web::cookie::time::Duration::hours(1);
    let same = actix_session::storage::SessionStore::update(&store, key, state, &ttl).await.unwrap();
    assert_eq!(same.as_ref(), token.as_str(), "it is not a login");
    let mut expected = forged;
    expected["b"] = json!(2);
    assert_eq!(jrs.get::<Value>(&token).await.unwrap().unwrap().data, expected);
}

#[actix_web::test]
async fn redis_is_unavailable() {
    let server = Server::start().await;
    let app = start(&server.jrs().await, |store| store).await;
    let browser = app.browser();
    browser.post("/login/ann").await;
    let cookie = browser.cookie();
    server.send::<()>(&["CONFIG", "SET", "min-replicas-to-write", "1"]).await;
    for reply in
        [browser.get("/").await, browser.post_json("/set", json!({"a": 1})).await, browser.post("/logout").await]
    {
        assert_eq!((reply.status, reply.headers("set-cookie").len()), (500, 0), "{reply:?}");
        assert!(!reply.body.contains("ann") && !reply.body.contains("ey"), "{reply:?}");
    }
    assert_eq!(app.browser().get("/").await.status, 200, "a request without a cookie needs no command");
    server.send::<()>(&["CONFIG", "SET", "min-replicas-to-write", "0"]).await;
    assert_eq!((browser.get("/").await.json()["owner"].as_str(), browser.cookie()), (Some("ann"), cookie));
    app.handle.stop(false).await;
}
