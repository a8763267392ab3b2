//! The programs of the documentation, exactly as printed.

use std::{fs, path::Path};

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
async fn axum() {
    let server = Server::start().await;
    let cookie = jrs_client::axum::Cookie::builder().secure(false).build().unwrap();
    let app = axum_program::app(server.jrs().await, cookie);
    use_it(Browser::new(crate::axum_app::serve(app).await)).await;
}

#[actix_web::test]
async fn actix() {
    let server = Server::start().await;
    let (jrs, key) = (server.jrs().await, actix_web::cookie::Key::generate());
    let app = move || {
        let data = actix_web::web::Data::new(jrs.clone());
        actix_web::App::new().app_data(data).configure(actix_program::routes).wrap(actix_program::sessions(&jrs, &key))
    };
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let running = actix_web::HttpServer::new(app).workers(1).listen(listener).unwrap().run();
    let handle = running.handle();
    actix_web::rt::spawn(running);
    use_it(Browser::new(address)).await;
    handle.stop(false).await;
}

/// A user with two devices.
async fn use_it(laptop: Browser) {
    let phone = laptop.copy();
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
    assert_eq!(laptop.post("/logout").await.status, 200);
    assert_eq!(laptop.cookie(), None);
}
