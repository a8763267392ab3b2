//! A model of the sessions in a server: a plain list, in the order of creation.

pub(crate) mod rng;

use std::{collections::HashMap, fs};

use redis::Connection;
use serde_json::{Map, Value};

use crate::support::{
    Server,
    owner_sessions::{assert_index_agrees, list},
    sessions::{exec, send},
    tokens::{SECRET, jwk},
};

/// The `max-sessions` of the realms with a limit.
pub(crate) const MAX_SESSIONS: usize = 3;
/// The default of `touch-interval`, in milliseconds.
const TOUCH_INTERVAL: i64 = 60_000;

/// A realm of the test.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Realm {
    /// No limit.
    Default,
    /// A limit with the policy `evict-oldest`, and reuse detection.
    Few,
    /// A limit with the policy `reject`.
    Strict,
}

impl Realm {
    pub(crate) const ALL: [Realm; 3] = [Realm::Default, Realm::Few, Realm::Strict];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Realm::Default => "default",
            Realm::Few => "few",
            Realm::Strict => "strict",
        }
    }

    pub(crate) const fn keyspace(self) -> &'static str {
        match self {
            Realm::Default => "sess:",
            Realm::Few => "few:",
            Realm::Strict => "strict:",
        }
    }
}

/// A live session.
#[derive(Clone, Debug)]
pub(crate) struct Session {
    pub(crate) realm: Realm,
    pub(crate) owner: String,
    pub(crate) id: String,
    pub(crate) token: String,
    pub(crate) data: Map<String, Value>,
    /// Its sliding time to live, in milliseconds.
    pub(crate) ttl: i64,
    pub(crate) deadline: Option<i64>,
    /// When its key expires.
    pub(crate) expiry: i64,
    /// Older tokens that are in grace.
    pub(crate) in_grace: Vec<String>,
    /// Older tokens whose use ends the session, in the realm with `reuse-detection`.
    pub(crate) retired: Vec<String>,
}

impl Session {
    pub(crate) fn key(&self) -> String {
        format!("{}{}", self.realm.keyspace(), self.id)
    }

    /// All tokens that the session has had since its last login.
    pub(crate) fn tokens(&self) -> impl Iterator<Item = &String> {
        [&self.token].into_iter().chain(&self.in_grace).chain(&self.retired)
    }

    pub(crate) fn text(&self) -> String {
        Value::Object(self.data.clone()).to_string()
    }

    /// When the session expires if it is used at `now` and `ttl` starts again.
    pub(crate) fn target(&self, now: i64, ttl: i64) -> i64 {
        self.deadline.map_or(now + ttl, |deadline| deadline.min(now + ttl))
    }

    /// Whether a read at `now` moves the key's expiry.
    pub(crate) fn slides(&self, now: i64) -> bool {
        let target = self.target(now, self.ttl);
        self.expiry > target || target - self.expiry > TOUCH_INTERVAL.min(self.ttl / 10)
    }

    /// Merges members, which are not objects, into the data.
    pub(crate) fn merge(&mut self, change: &Map<String, Value>) {
        for (name, value) in change {
            if value.is_null() {
                self.data.shift_remove(name);
            } else {
                self.data.insert(name.clone(), value.clone());
            }
        }
    }
}

/// All live sessions, in the order of creation.
#[derive(Debug, Default)]
pub(crate) struct Model(pub(crate) Vec<Session>);

impl Model {
    pub(crate) fn of(&self, realm: Realm, owner: &str) -> impl Iterator<Item = &Session> {
        self.0.iter().filter(move |session| session.realm == realm && session.owner == owner)
    }

    /// Whether the realm refuses one more session of this owner.
    pub(crate) fn is_full(&self, realm: Realm, owner: &str) -> bool {
        realm == Realm::Strict && !owner.is_empty() && self.of(realm, owner).count() >= MAX_SESSIONS
    }

    /// Adds a session. Where the realm evicts and `counts` is true, the owner's oldest sessions are removed.
    pub(crate) fn add(&mut self, session: Session, counts: bool) {
        let (realm, owner) = (session.realm, session.owner.clone());
        self.0.push(session);
        while counts && realm == Realm::Few && !owner.is_empty() && self.of(realm, &owner).count() > MAX_SESSIONS {
            let oldest = self.0.iter().position(|session| session.realm == realm && session.owner == owner);
            self.0.remove(oldest.expect("there are more than the limit"));
        }
    }

    /// Checks that the server has the keys, data and expiries of the model, and that JRS.LIST, JRS.COUNT and the index agree.
    pub(crate) fn assert_agrees(&self, conn: &mut Connection, owners: &[&str]) {
        let mut keys: Vec<String> = send(conn, &["KEYS", "*"]).expect("the keys can be listed");
        keys.retain(|key| !key.ends_with(":rotated"));
        let mut pipe = redis::pipe();
        pipe.cmd("PING").ignore();
        for key in &keys {
            pipe.cmd("PEXPIRETIME").arg(key);
        }
        let expiries: Vec<i64> = pipe.query(conn).expect("keys have an expiry");
        let expiries: HashMap<String, i64> = keys.into_iter().zip(expiries).collect();
        for realm in Realm::ALL {
            for owner in owners {
                let mut listed = list(conn, &[owner, "REALM", realm.name(), "WITHDATA"]).into_iter();
                for session in self.of(realm, owner) {
                    let found = listed.next().expect("each session is listed");
                    assert_eq!((&found.id, found.data), (&session.id, Some(session.text())));
                }
                assert!(listed.next().is_none(), "a removed session is listed");
                let count = send(conn, &["JRS.COUNT", owner, "REALM", realm.name()]);
                assert_eq!(count, Ok(self.of(realm, owner).count()));
            }
        }
        assert_index_agrees(conn);
        assert_eq!(expiries, self.0.iter().map(|session| (session.key(), session.expiry)).collect());
        for session in self.0.iter().filter(|session| session.owner.is_empty()) {
            assert_eq!(send(conn, &["GET", &session.key()]), Ok(session.text()));
        }
    }

    pub(crate) fn remove(&mut self, id: &str) {
        self.0.retain(|session| session.id != id);
    }
}

/// A server with the realms of the model.
pub(crate) fn server() -> Server {
    let server = Server::builder().keys(jwk("main", "HS256", SECRET.as_bytes()).to_string().as_bytes()).start();
    let write =
        |name: &str, text: &str| fs::write(server.dir().join(name), text).expect("the folder is the test's own");
    let mut realms = String::new();
    for (name, policy) in [("few", "evict-oldest"), ("strict", "reject")] {
        let secret = format!("the secret of a realm, long enough: {name:>20}");
        write(&format!("{name}.json"), &jwk(name, "HS256", secret.as_bytes()).to_string());
        realms += &format!("[realm.{name}]\nkeys-file = \"{name}.json\"\nkeyspace = \"{name}:\"\n");
        realms += &format!("max-sessions = {MAX_SESSIONS}\nmax-sessions-policy = \"{policy}\"\n");
    }
    // The table of the last realm is open.
    let realms = realms.replace("\"evict-oldest\"\n", "\"evict-oldest\"\nreuse-detection = true\n");
    write("realms.toml", &realms);
    exec(&mut server.conn(), &["CONFIG", "SET", "jrs.realms-file", "realms.toml"]);
    server
}
