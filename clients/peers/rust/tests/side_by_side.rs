//! tower-sessions with tower-sessions-redis-store, and jrs-client: the same scenarios in the same application.
//! docs/clients/compared.md has the results.

mod application;
mod server;

use application::{Browser, Side, World};
use axum::http::StatusCode;
use serde_json::json;

/// Two requests at the same time change two fields. Returns the session afterwards.
async fn two_changes(side: Side) -> serde_json::Value {
    let world = World::start(side).await;
    let browser = Browser::new(&world);
    browser.post("/login").await;
    assert_eq!(world.during(&browser, "/slow", "/set/fast").await, StatusCode::OK);
    browser.post("/show").await
}

#[tokio::test]
async fn lost_update_tower_sessions_stores_the_whole_session() {
    assert_eq!(two_changes(Side::TowerSessions).await, json!({"user": "ann", "slow": true}));
}

#[tokio::test]
async fn lost_update_jrs_client_sends_the_changed_fields() {
    assert_eq!(two_changes(Side::Jrs).await, json!({"user": "ann", "slow": true, "fast": true}));
}

/// A user logs out while a request of the session runs, which then changes it. Returns the status of that request, and what
/// the old cookie still opens.
async fn logout_meanwhile(side: Side) -> (StatusCode, serde_json::Value) {
    let world = World::start(side).await;
    let browser = Browser::new(&world);
    browser.post("/login").await;
    let old = browser.copy();
    let status = world.during(&browser, "/slow", "/logout").await;
    (status, old.post("/show").await)
}

#[tokio::test]
async fn resurrection_tower_sessions_holds_and_the_request_fails() {
    // The store sends SET with XX, which does not create a key, and reports that nothing was stored.
    let expected = (StatusCode::INTERNAL_SERVER_ERROR, json!({}));
    assert_eq!(logout_meanwhile(Side::TowerSessions).await, expected);
}

#[tokio::test]
async fn resurrection_jrs_client_holds() {
    assert_eq!(logout_meanwhile(Side::Jrs).await, (StatusCode::OK, json!({})));
}

/// An attacker plants the cookie of an anonymous session, and the victim logs in with it. Returns what the victim and the
/// attacker see.
async fn planted(side: Side, login: &str) -> [serde_json::Value; 2] {
    let world = World::start(side).await;
    let victim = Browser::new(&world);
    victim.post("/set/cart").await;
    let attacker = victim.copy();
    victim.post(login).await;
    [victim.post("/show").await, attacker.post("/show").await]
}

#[tokio::test]
async fn fixation_both_hold_with_the_documented_login() {
    for side in [Side::TowerSessions, Side::Jrs] {
        let expected = [json!({"user": "ann", "cart": true}), json!({})];
        assert_eq!(planted(side, "/login").await, expected, "{side:?}");
    }
}

#[tokio::test]
async fn fixation_neither_holds_if_the_login_only_sets_a_field() {
    for side in [Side::TowerSessions, Side::Jrs] {
        let [_, attacker] = planted(side, "/set/user").await;
        assert_eq!(attacker, json!({"user": true, "cart": true}), "{side:?}");
    }
}
