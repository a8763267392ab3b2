//! What logs show of the public types: no token, no data, no claims.

use std::{
    fmt::Debug,
    sync::{Arc, Mutex},
};

use axum::routing::post;
use jrs_client::{
    CreateOptions, ListOptions, MintOptions, RotateOptions, UpdateOptions,
    actix::JrsSessionStore,
    axum::{Session, SessionLayer, SignedIn, require_recent_auth},
    blocking,
};
use serde_json::{Value, json};
use tower::Layer;

use crate::{
    axum_app::{app, layer, serve},
    support::{browser::Browser, server::Server},
};

const SECRET: &str = "swordfish";

fn shown(value: &dyn Debug) -> String {
    format!("{value:?} {value:#?}")
}

#[tokio::test]
async fn debug_shows_no_token_no_data_and_no_claims() {
    let server = Server::with(&[("jrs.issuer", "https://login.example"), ("jrs.reuse-detection", "yes")], &[]).await;
    let jrs = server.jrs().await;
    let secret = json!({"secret": SECRET});
    let token = jrs.create_with("ann", &secret, &CreateOptions::new().claims(&secret)).await.unwrap();
    let minted = jrs.mint(&token, &MintOptions::new().audience("x").claims(&secret)).await.unwrap();
    let list = ListOptions::new().with_data().fields(["/secret"]);
    let blocking = blocking::Jrs::new(server.client().get_connection().unwrap());
    let mut texts = vec![
        shown(&token),
        shown(&minted),
        shown(&jrs),
        shown(&blocking),
        shown(&jrs.get::<Value>(&token).await),
        shown(&jrs.list_with::<Value>("ann", &list).await),
        shown(&jrs.inspect(&token).await),
        shown(&jrs.realms().await),
        shown(&CreateOptions::new().claims(&secret)),
        shown(&RotateOptions::new().claims(&secret)),
        shown(&MintOptions::new().claims(&secret)),
        shown(&UpdateOptions::new().if_match("x")),
        shown(&JrsSessionStore::new(jrs.clone())),
        shown(&SessionLayer::new(jrs.clone())),
        shown(&SessionLayer::new(jrs.clone()).layer(())),
        shown(&require_recent_auth(300).layer(())),
    ];

    let in_requests = Arc::new(Mutex::new(Vec::new()));
    let (seen, reuse_seen) = (Arc::clone(&in_requests), Arc::clone(&in_requests));
    let show = post(async move |session: Session, SignedIn(mut signed_in): SignedIn| {
        signed_in.insert("new".to_owned(), SECRET.into());
        let devices = signed_in.sessions(&ListOptions::new().with_data().fields(["/secret"])).await;
        let texts = [shown(&session), shown(&devices), shown(&SignedIn(signed_in))];
        seen.lock().unwrap().extend(texts);
    });
    let layer = layer(jrs.clone()).on_reuse(move |reuse| reuse_seen.lock().unwrap().push(shown(reuse)));
    let browser = Browser::new(serve(app().route("/show", show).layer(layer)).await);
    browser.plant("session", token.as_str());
    assert_eq!(browser.post("/show").await.status, 200);
    jrs.rotate(&token, &RotateOptions::new()).await.unwrap();
    browser.get("/").await;
    texts.extend(in_requests.lock().unwrap().drain(..));
    assert_eq!(texts.len(), 16 + 4);

    let (_, payload_and_signature) = token.as_str().split_once('.').unwrap();
    for text in texts {
        assert!(
            !text.contains(SECRET) && !text.contains(&payload_and_signature[..20]) && !text.contains("eyJ"),
            "{text}"
        );
    }
}
