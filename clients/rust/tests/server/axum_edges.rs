//! What attackers, other programs and mistakes bring.

use std::sync::Arc;

use axum::{
    extract::Request,
    http::{StatusCode, header::SET_COOKIE},
    middleware::{Next, from_fn},
    response::Response,
    routing::{get, post},
};
use jrs_client::{
    Error,
    axum::{Cookie, Session, SessionLayer},
};
use serde_json::{Value, json};
use tokio::sync::Notify;
use tower::{Layer, ServiceExt};

use crate::{
    axum_app::{app, layer, open, serve},
    support::{browser::Browser, http::request, server::Server},
};

#[tokio::test]
async fn the_cookie_is_found_among_odd_ones() {
    let server = Server::start().await;
    let jrs = server.jrs().await;
    let token = jrs.create("ann", &json!({})).await.unwrap();
    let to = serve(app().layer(layer(jrs))).await;
    for other in ["name=Zoë", "a=\"x y\"", "=", ";;", "b=%00%ff", "session=", "Session=x", "sessio=x; session2=y"] {
        let headers = [("Cookie", format!("{other}; session={}", token.as_str()))];
        assert_eq!(request(to, "GET", "/", &headers, None).await.json()["owner"], "ann", "{other}");
    }
    for value in [format!("\"{}\"", token.as_str()), "%22".to_owned(), "ey.ey.ey".to_owned(), "x".repeat(20_000)] {
        let headers = [("Cookie", format!("session={value}"))];
        assert_eq!(request(to, "GET", "/", &headers, None).await.json()["owner"], "", "{value}");
    }
}

#[tokio::test]
async fn a_handler_that_panics_saves_nothing() {
    let server = Server::start().await;
    let service = tower::service_fn(async |request: http::Request<String>| {
        let handler = async move {
            let mut session: Session = Session::from_extensions(request.extensions()).await.unwrap();
            session.insert("half".to_owned(), true.into());
            if request.body() == "panic" {
                panic!("a bug of the application");
            }
        };
        // As a layer that catches panics.
        let ended = tokio::spawn(handler).await;
        Ok::<_, std::convert::Infallible>(http::Response::new(ended.is_ok().to_string()))
    });
    let service = layer(server.jrs().await).layer(service);
    for (body, ended, keys) in [("panic", "false", 0), ("fine", "true", 1)] {
        let reply = service.clone().oneshot(http::Request::new(body.to_owned())).await.unwrap();
        assert_eq!((reply.body().as_str(), server.send::<u64>(&["DBSIZE"]).await), (ended, keys), "{body}");
        assert!(reply.headers().get(SET_COOKIE).is_none_or(http::HeaderValue::is_sensitive), "logs show it");
    }
}

#[tokio::test]
async fn changes_of_the_session_before_a_login_do_not_reach_that_of_another_user() {
    let server = Server::start().await;
    let note = from_fn(async |mut session: Session, request: Request, next: Next| -> Response {
        let owner = session.owner().to_owned();
        session.insert("private".to_owned(), format!("of {owner}").into());
        // The session is dropped after the handler.
        next.run(request).await
    });
    let app = app().route("/noted/login/bob", post(log_in_bob)).route_layer(note).layer(layer(server.jrs().await));
    let browser = Browser::new(serve(app).await);
    browser.post("/login/ann").await;
    browser.get("/").await;
    assert_eq!(browser.get("/").await.json()["data"]["private"], "of ann");
    assert_eq!(browser.post("/noted/login/bob").await.status, 200);
    let token = browser.cookie().unwrap().into();
    let session = server.jrs().await.peek::<Value>(&token).await.unwrap().unwrap();
    assert_eq!((session.owner.as_str(), session.data), ("bob", json!({"bob": 1})));
}

async fn log_in_bob(mut session: Session) -> Result<(), Error> {
    session.log_in("bob").await?;
    session.insert("bob".to_owned(), 1.into());
    Ok(())
}

#[tokio::test]
async fn ids_that_no_session_has_are_not_errors() {
    let server = Server::start().await;
    let browser = open(layer(server.jrs().await)).await;
    browser.post("/login/ann").await;
    for id in ["%7Bann%7D:", "%7Bann%7D:x", "%7Bann%7D:*", "%7Bann%7D:rotated", "x", "%7B%7D:x", "%7Bann%7D%00"] {
        let reply = browser.post(&format!("/devices/{id}")).await;
        assert_eq!((reply.status, reply.body.as_str()), (200, "false"), "{id}");
    }
    assert_eq!(browser.get("/").await.json()["owner"], "ann");
}

#[tokio::test]
async fn owners_have_odd_names() {
    let server = Server::start().await;
    let browser = open(layer(server.jrs().await)).await;
    for (path, owner) in [
        ("user:42", "user:42"),
        ("%C3%BCn%C3%AF%20c%F0%9F%94%91de", "ünï c🔑de"),
        ("%22;%20Domain=x,%27", "\"; Domain=x,'"),
        ("*", "*"),
        ("jrs:owner", "jrs:owner"),
    ] {
        assert_eq!(browser.post(&format!("/login/{path}")).await.status, 200, "{owner}");
        assert_eq!(browser.get("/").await.json()["owner"], owner);
        let device = browser.get("/devices").await.json();
        assert_eq!((device.as_array().map(Vec::len), &device[0]["current"]), (Some(1), &json!(true)), "{owner}");
    }
    for refused in ["eyJhbGciOiJIUzI1NiJ9.e30.x", "a%7Bb", "a%7Db", "a%0Ab", "a%00b", &"x".repeat(257)] {
        let other = browser.copy();
        assert_eq!(other.post(&format!("/login/{refused}")).await.status, 500, "{refused}");
        assert_eq!(other.cookie(), None, "the session of another user was destroyed");
        browser.post("/login/ann").await;
    }
}

#[tokio::test]
async fn a_login_with_claims_that_are_no_object_changes_nothing() {
    let server = Server::start().await;
    let wrong = post(async |mut session: Session| session.log_in_with("bob", &["x"]).await.map(drop));
    let browser = Browser::new(serve(app().route("/wrong", wrong).layer(layer(server.jrs().await))).await);
    browser.post("/login/ann").await;
    assert_eq!(browser.post("/wrong").await.status, 500);
    assert_eq!(browser.get("/").await.json()["owner"], "ann");
}

#[tokio::test]
async fn numbers_and_deep_data_of_other_programs_stay_as_they_are() {
    let server = Server::start().await;
    let jrs = server.jrs().await;
    let browser = open(layer(jrs.clone())).await;
    let deep = format!("{}1{}", "[".repeat(126), "]".repeat(126));
    let stored = format!(
        r#"{{"u":18446744073709551615,"i":-9223372036854775808,"huge":123456789012345678901234567890,"deep":{deep}}}"#
    );
    browser.post("/login/ann").await;
    let id = browser.get("/").await.json()["id"].as_str().unwrap().to_owned();
    let token = browser.cookie().unwrap();
    let key = format!("sess:{id}");
    server.send::<String>(&["JRS.UPDATE", &token, &stored]).await;
    let page = browser.get("/").await;
    assert_eq!(page.status, 200, "serde_json reads data that is nested 127 deep");
    assert!(page.body.contains("18446744073709551615") && page.body.contains("-9223372036854775808"), "{page:?}");
    assert_eq!(browser.post_json("/set", json!({"n": 9007199254740993_u64})).await.status, 200);
    let text: String = server.send(&["GET", &key]).await;
    assert!(text.contains("\"u\":18446744073709551615") && text.contains("\"n\":9007199254740993"), "{text}");
    assert!(text.contains("123456789012345678901234567890"), "{text}");
}

#[tokio::test]
async fn a_client_that_disconnects_changes_nothing() {
    struct Dropped(Arc<Notify>);

    impl Drop for Dropped {
        fn drop(&mut self) {
            self.0.notify_one();
        }
    }

    let server = Server::start().await;
    let (started, dropped) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (on_start, on_drop) = (Arc::clone(&started), Arc::clone(&dropped));
    let endless = post(async move |mut session: Session| {
        let _dropped = Dropped(on_drop);
        session.insert("half".to_owned(), true.into());
        on_start.notify_one();
        std::future::pending::<()>().await;
    });
    let browser =
        Arc::new(Browser::new(serve(app().route("/endless", endless).layer(layer(server.jrs().await))).await));
    browser.post("/login/ann").await;
    let other = Arc::clone(&browser);
    let request = tokio::spawn(async move { other.post("/endless").await });
    started.notified().await;
    request.abort();
    dropped.notified().await;
    assert_eq!(browser.get("/").await.json()["data"], json!({"name": "ANN"}));
    assert_eq!(server.calls("jrs.update").await, 1, "that of the login");
}

#[tokio::test]
async fn a_layer_inside_of_another_has_its_own_session() {
    let server = Server::start().await;
    let cookie = Cookie::builder().secure(false).name("admin").build().unwrap();
    let admin = app().layer(SessionLayer::new(server.jrs().await).cookie(cookie));
    let to = serve(app().nest("/admin", admin).layer(layer(server.jrs().await))).await;
    let browser = Browser::new(to);
    browser.post("/login/ann").await;
    browser.post("/admin/login/root").await;
    let (site, admin) = (browser.get("/").await.json(), browser.get("/admin").await.json());
    assert_eq!((&site["owner"], &admin["owner"]), (&json!("ann"), &json!("root")));
    browser.post("/admin/logout").await;
    let (site, admin) = (browser.get("/").await.json(), browser.get("/admin").await.json());
    assert_eq!((&site["owner"], &admin["owner"]), (&json!("ann"), &json!("")));
}

#[tokio::test]
async fn an_upgrade_has_the_cookie_and_a_session_in_a_task_saves_itself() {
    let server = Server::start().await;
    let (done, saved) = tokio::sync::oneshot::channel();
    let done = Arc::new(std::sync::Mutex::new(Some(done)));
    let upgrade = get(async move |mut session: Session| {
        session.log_in("ann").await.unwrap();
        let done = done.lock().unwrap().take().unwrap();
        tokio::spawn(async move {
            session.insert("socket".to_owned(), true.into());
            done.send(session.save().await.is_ok()).unwrap();
        });
        (StatusCode::SWITCHING_PROTOCOLS, [("connection", "upgrade"), ("upgrade", "websocket")])
    });
    let browser = Browser::new(serve(app().route("/socket", upgrade).layer(layer(server.jrs().await))).await);
    assert_eq!(browser.get("/socket").await.status, 101);
    assert!(saved.await.unwrap());
    let session = browser.get("/").await.json();
    assert_eq!((&session["owner"], &session["data"]), (&json!("ann"), &json!({"socket": true})));
}
