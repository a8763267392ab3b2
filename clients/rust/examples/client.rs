//! The commands without a web framework.

use std::time::Duration;

use jrs_client::{CreateOptions, Error, Jrs, ListOptions, RotateOptions, Token};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

#[derive(Debug, Serialize, Deserialize)]
struct Data {
    device: String,
    cart: Vec<String>,
}

/// A sensitive request. The user must have authenticated in the last 300 seconds, else it is `Error::StaleAuth`: ask for
/// the password, then call `confirm`.
pub async fn change_email(jrs: &Jrs, token: &Token, email: &str) -> Result<bool, Error> {
    jrs.get_recent::<Value>(token, 300).await?;
    Ok(jrs.merge(token, &json!({"email": email})).await?.is_some())
}

/// The user has entered the password again: a new token, and the old one is refused.
pub async fn confirm(jrs: &Jrs, token: &Token) -> Result<Option<Token>, Error> {
    jrs.rotate(token, &RotateOptions::new().reauth()).await
}

pub async fn run(redis_url: &str) -> Result<(), Error> {
    let redis = redis::Client::open(redis_url)?;
    let jrs = Jrs::new(redis.get_connection_manager().await?);

    // Login. Send the token to the user, for example as a cookie.
    let data = Data { device: "laptop".to_owned(), cart: vec![] };
    let hour = CreateOptions::new().ttl(Duration::from_secs(3600));
    let token = jrs.create_with("user:42", &data, &hour).await?;

    // Each request: the server verifies the token, reads the session and extends it.
    let Some(session) = jrs.get::<Data>(&token).await? else { return Ok(()) };
    assert_eq!((session.owner.as_str(), session.data.device.as_str()), ("user:42", "laptop"));

    // Change one field. Other requests may change others at the same time.
    jrs.merge(&token, &json!({"cart": ["book"]})).await?;

    // Step-up: this request needs a recent login.
    let token = match change_email(&jrs, &token, "ann@example.org").await {
        Err(Error::StaleAuth { .. }) => confirm(&jrs, &token).await?,
        changed => changed?.then_some(token),
    };
    let Some(token) = token else { return Ok(()) };

    // My devices, with one field of the data of each session.
    for device in jrs.list_with::<Value>("user:42", &ListOptions::new().fields(["/device"])).await? {
        println!("{} {:?} {:?}", device.id, device.created, device.fields);
    }

    // Log out everywhere.
    jrs.destroy_all("user:42").await?;
    assert!(jrs.get::<Data>(&token).await?.is_none());
    Ok(())
}

#[tokio::main]
async fn main() -> Result<(), Error> {
    run("redis://127.0.0.1:6379").await
}
