//! The store of tower-sessions-redis-store with redis-rs in place of fred: it sends the same commands with the same data.
//! There is no published store for tower-sessions with redis-rs, and the benchmark compares with the same client library.

use std::fmt;

use async_trait::async_trait;
use redis::{Cmd, aio::ConnectionManager};
use tower_sessions::{
    SessionStore,
    session::{Id, Record},
    session_store::{Error, Result},
};

#[derive(Clone)]
pub struct RedisRsStore(pub ConnectionManager);

impl fmt::Debug for RedisRsStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RedisRsStore")
    }
}

impl RedisRsStore {
    /// Stores a record. `condition` is `NX` or `XX`. Returns whether it was stored.
    async fn set(&self, record: &Record, condition: &str) -> Result<bool> {
        let data = rmp_serde::to_vec(record).map_err(|error| Error::Encode(error.to_string()))?;
        let mut command = Cmd::new();
        command.arg("SET").arg(record.id.to_string()).arg(data);
        command.arg("EXAT").arg(record.expiry_date.unix_timestamp()).arg(condition);
        let stored: Option<String> = command.query_async(&mut self.0.clone()).await.map_err(backend)?;
        Ok(stored.is_some())
    }
}

#[async_trait]
impl SessionStore for RedisRsStore {
    async fn create(&self, record: &mut Record) -> Result<()> {
        while !self.set(record, "NX").await? {
            record.id = Id::default();
        }
        Ok(())
    }

    async fn save(&self, record: &Record) -> Result<()> {
        self.set(record, "XX").await.map(drop)
    }

    async fn load(&self, id: &Id) -> Result<Option<Record>> {
        let data: Option<Vec<u8>> = Cmd::get(id.to_string()).query_async(&mut self.0.clone()).await.map_err(backend)?;
        data.map(|data| rmp_serde::from_slice(&data).map_err(|error| Error::Decode(error.to_string()))).transpose()
    }

    async fn delete(&self, id: &Id) -> Result<()> {
        Cmd::del(id.to_string()).query_async(&mut self.0.clone()).await.map_err(backend)
    }
}

fn backend(error: redis::RedisError) -> Error {
    Error::Backend(error.to_string())
}
