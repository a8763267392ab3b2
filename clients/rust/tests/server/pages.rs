//! The programs of the documentation, exactly as printed.

use std::{fs, path::Path};

use actix_web::cookie::{Cookie, CookieJar, Key};
use jrs_client::{Error, Token};
use serde_json::{Value, json};

use crate::support::{browser::Browser, server::Server};

#[allow(dead_code, reason = "main() listens to a fixed port")]
#[path = "../../examples/actix.rs"]
mod actix_program;
#[allow(dead_code, reason = "main() listens to a fixed port")]
#[path = "../../examples/axum.rs"]
mod axum_program;

/// The pages print the examples, which are run below.
#[test]
fn the_pages_print_the_examples() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for (name, example) in [("axum", "axum"), ("actix", "actix"), ("rust", "client")] {
        let page = fs::read_to_string(root.join(format!("../../docs/clients/{name}.md"))).unwrap();
        let example = fs::read_to_string(root.join(format!("examples/{example}.rs"))).unwrap();
        let (_, code) = example.split_once("\n\n").unwrap();
        assert!(page.contains(&format!("```rust\n{code}```\n")), "docs/clients/{name}.md differs from the example");
    }
}

#[allow(dead_code, reason = "main() connects to a fixed port")]
#[path = "../../examples/client.rs"]
mod client_program;

#[tokio::test]
async fn rust() {
    let server = Server::start().await;
    client_program::run(&format!("redis://127.0.0.1:{}", server.port)).await.unwrap();
    assert_eq!((server.calls("jrs.destroyall").await, server.send::<u64>(&["DBSIZE"]).await), (1, 0));
}

#[tokio::test]
async fn rust_after_an_old_login() {
    let server = server_with_an_old_login().await;
    let (jrs, token) = (server.jrs().await, Token::from(OLD_LOGIN));
    let stale = client_program::change_email(&jrs, &token, "ann@example.org").await;
    assert!(matches!(stale, Err(Error::StaleAuth { .. })), "{stale:?}");
    let token = client_program::confirm(&jrs, &token).await.unwrap().unwrap();
    assert!(client_program::change_email(&jrs, &token, "ann@example.org").await.unwrap());
    let session = jrs.get::<Value>(&token).await.unwrap().unwrap();
    assert_eq!(session.data, json!({"email": "ann@example.org"}));
    jrs.destroy(&token).await.unwrap();
    assert!(!client_program::change_email(&jrs, &token, "bob@example.org").await.unwrap());
}

#[tokio::test]
async fn axum() {
    let server = server_with_an_old_login().await;
    let cookie = jrs_client::axum::Cookie::builder().secure(false).build().unwrap();
    let app = axum_program::app(server.jrs().await, cookie);
    let browser = Browser::new(crate::axum_app::serve(app).await);
    use_it(browser.copy()).await;
    browser.plant("session", OLD_LOGIN);
    confirm_the_old_login(browser).await;
}

#[actix_web::test]
async fn actix() {
    let server = server_with_an_old_login().await;
    let (jrs, key) = (server.jrs().await, Key::generate());
    let mut jar = CookieJar::new();
    jar.private_mut(&key).add(Cookie::new("id", OLD_LOGIN));
    let encrypted = jar.get("id").unwrap().encoded().to_string();
    let app = move || {
        let data = actix_web::web::Data::new(jrs.clone());
        actix_web::App::new().app_data(data).configure(actix_program::routes).wrap(actix_program::sessions(&jrs, &key))
    };
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let running = actix_web::HttpServer::new(app).workers(1).listen(listener).unwrap().run();
    let handle = running.handle();
    actix_web::rt::spawn(running);
    let browser = Browser::new(address);
    use_it(browser.copy()).await;
    browser.plant("id", encrypted.strip_prefix("id=").unwrap());
    confirm_the_old_login(browser).await;
    handle.stop(false).await;
}

/// A user with two devices.
async fn use_it(laptop: Browser) {
    let phone = laptop.copy();
    for path in ["/password", "/confirm"] {
        assert_eq!(laptop.post(path).await.status, 401, "{path} without a user");
    }
    assert_eq!(laptop.get("/devices").await.status, 401);
    assert_eq!(laptop.post_form("/cart", "item=book").await.status, 200);
    let planted = laptop.copy();
    assert!(laptop.post_form("/login", "user=ann&device=laptop").await.status < 400);
    assert_eq!(laptop.get("/cart").await.body, r#"["book"]"#);
    assert_eq!(planted.get("/cart").await.body, "[]");
    phone.post_form("/login", "user=ann&device=phone").await;
    let devices = laptop.get("/devices").await.json();
    assert_eq!((devices[0]["current"].as_bool(), devices.as_array().unwrap().len()), (Some(true), 2));
    assert!(devices[1].to_string().contains("phone"), "{devices}");
    let path = format!("/devices/{}", devices[1]["id"].as_str().unwrap().replace('{', "%7B").replace('}', "%7D"));
    assert_eq!(laptop.send("DELETE", &path, None).await.body, "true");
    assert_eq!(phone.get("/devices").await.status, 401);
    let phone = laptop.copy();
    assert_eq!(laptop.send("DELETE", "/devices", None).await.body, "1");
    assert_eq!((laptop.cookie(), phone.get("/devices").await.status), (None, 401));
    laptop.post_form("/login", "user=ann&device=laptop").await;
    assert_eq!(laptop.post("/password").await.status, 200, "the login is recent");
    assert_eq!(laptop.post("/logout").await.status, 200);
    assert_eq!(laptop.cookie(), None);
}

/// A token of bob, who authenticated in 2024.
const OLD_LOGIN: &str = concat!(
    "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.",
    "eyJqdGkiOiJ7Ym9ifTowMTkwMTYzZC04Njk0LTczOWItYWVhNS05NjZjMjZmOGFkOTAiLCJpYXQiOjE3MTg5MDAwMDAsInN1YiI6ImJvYiIsImF1dGhfdGltZSI6MTcxODkwMDAwMH0.",
    "k01CQAYRApA4yR-j4mrVS386t4fRatHuxKIsyei14Hc",
);

/// A server that has the session of [`OLD_LOGIN`], and the key that it is signed with.
async fn server_with_an_old_login() -> Server {
    let settings = [("jrs.keys-file", "{folder}/keys.json"), ("jrs.max-lifetime", "0")];
    let key = r#"{"keys":[{"kty":"oct","alg":"HS256","k":"dGhlIHNpZ25pbmcga2V5IG9mIHRoaXMgdGVzdCBvbmx5"}]}"#;
    let server = Server::with(&settings, &[("keys.json", key)]).await;
    server.send::<()>(&["SET", "sess:{bob}:0190163d-8694-739b-aea5-966c26f8ad90", "{}"]).await;
    server
}

/// The login is too old for a change of the password, until the user enters the password again.
async fn confirm_the_old_login(browser: Browser) {
    let planted = browser.copy();
    assert_eq!(browser.post("/password").await.status, 401);
    assert_eq!(browser.get("/devices").await.status, 200);
    assert_eq!(browser.post("/confirm").await.status, 200);
    assert_eq!(browser.post("/password").await.status, 200);
    assert_eq!(planted.get("/devices").await.status, 401, "the old token is refused");
}
