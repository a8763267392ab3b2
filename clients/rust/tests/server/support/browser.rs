//! A client that keeps cookies.

use std::{collections::BTreeMap, net::SocketAddr, sync::Mutex};

use serde_json::Value;

use super::http::{Reply, request};

pub(crate) struct Browser {
    to: SocketAddr,
    cookies: Mutex<BTreeMap<String, String>>,
}

impl Browser {
    pub(crate) fn new(to: SocketAddr) -> Browser {
        Browser { to, cookies: Mutex::default() }
    }

    pub(crate) async fn get(&self, path: &str) -> Reply {
        self.send("GET", path, None).await
    }

    pub(crate) async fn post(&self, path: &str) -> Reply {
        self.send("POST", path, None).await
    }

    pub(crate) async fn post_json(&self, path: &str, body: Value) -> Reply {
        self.send("POST", path, Some(("application/json", body.to_string()))).await
    }

    pub(crate) async fn post_form(&self, path: &str, body: &str) -> Reply {
        self.send("POST", path, Some(("application/x-www-form-urlencoded", body.to_owned()))).await
    }

    pub(crate) async fn send(&self, method: &str, path: &str, body: Option<(&str, String)>) -> Reply {
        let pairs: Vec<String> =
            self.cookies.lock().unwrap().iter().map(|(name, value)| format!("{name}={value}")).collect();
        let headers = if pairs.is_empty() { vec![] } else { vec![("Cookie", pairs.join("; "))] };
        let reply = request(self.to, method, path, &headers, body).await;
        let mut cookies = self.cookies.lock().unwrap();
        for line in reply.headers("set-cookie") {
            let (pair, attributes) = line.split_once(';').unwrap_or((line, ""));
            let (name, value) = pair.split_once('=').unwrap();
            if attributes.contains("Max-Age=0") {
                cookies.remove(name);
            } else {
                cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        reply
    }

    /// The only cookie.
    pub(crate) fn cookie(&self) -> Option<String> {
        self.cookies.lock().unwrap().values().next().cloned()
    }

    /// A browser in which the same cookies were planted.
    pub(crate) fn copy(&self) -> Browser {
        Browser { to: self.to, cookies: Mutex::new(self.cookies.lock().unwrap().clone()) }
    }

    pub(crate) fn plant(&self, name: &str, value: &str) {
        self.cookies.lock().unwrap().insert(name.to_owned(), value.to_owned());
    }
}
