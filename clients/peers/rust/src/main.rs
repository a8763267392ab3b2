//! `jrs-peers SIDE REDIS_PORT PORT` serves the pages with the sessions of a side, in one thread:
//!
//! - `jrs`: jrs-client, with redis-rs
//! - `fred`: tower-sessions with tower-sessions-redis-store, which uses fred
//! - `redis-rs`: tower-sessions with the same store on redis-rs

#![forbid(unsafe_code)]

use std::{env, error::Error};

use jrs_client::Jrs;
use jrs_peers::{
    pages::{with_jrs, with_tower_sessions},
    redis_rs_store::RedisRsStore,
};
use tower_sessions_redis_store::{
    RedisStore,
    fred::{clients::Pool, interfaces::ClientLike, types::config::Config},
};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [side, redis_port, port] = arguments.as_slice() else {
        return Err("usage: jrs-peers jrs|fred|redis-rs REDIS_PORT PORT".into());
    };
    let url = format!("redis://127.0.0.1:{redis_port}");
    let app = match side.as_str() {
        "jrs" => with_jrs(Jrs::new(redis::Client::open(url)?.get_connection_manager().await?)),
        "redis-rs" => with_tower_sessions(RedisRsStore(redis::Client::open(url)?.get_connection_manager().await?)),
        "fred" => {
            let pool = Pool::new(Config::from_url(&url)?, None, None, None, 1)?;
            pool.init().await?;
            with_tower_sessions(RedisStore::new(pool))
        }
        other => return Err(format!("there is no side {other}").into()),
    };
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", port.parse()?)).await?;
    Ok(axum::serve(listener, app).await?)
}
