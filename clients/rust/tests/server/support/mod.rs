//! Servers with the module, and a small browser.

pub(crate) mod browser;
pub(crate) mod cluster;
pub(crate) mod http;
pub(crate) mod server;

use std::time::Duration;

/// How long a condition is awaited on a loaded machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// Waits until the condition holds.
pub(crate) async fn until<F: Future<Output = bool>>(what: &str, mut condition: impl FnMut() -> F) {
    let holds = async {
        while !condition().await {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    if tokio::time::timeout(PATIENCE, holds).await.is_err() {
        panic!("waited in vain until {what}");
    }
}
