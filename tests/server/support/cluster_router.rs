//! A client of a cluster that follows redirections as client libraries do.

use std::collections::HashMap;

use redis::{Connection, ErrorKind, RedisError, RedisResult, Value};

use crate::support::{await_that, large_cluster::SLOTS, sessions::send};

/// How many redirections of one command a client follows, as in many client libraries. More of them are a loop.
const MOST_REDIRECTIONS: usize = 16;

/// A client of a cluster on this machine, whose nodes it knows by their ports.
pub(crate) struct Router {
    /// The nodes to ask about a slot of which no node is known.
    seeds: Vec<u16>,
    connections: HashMap<u16, Connection>,
    /// The node that last served a slot.
    homes: HashMap<u16, u16>,
    /// The node that replied last.
    pub(crate) last: Option<u16>,
}

impl Router {
    /// A client that knows the nodes on these ports. It connects to a node when it needs it.
    pub(crate) fn new(seeds: Vec<u16>) -> Router {
        Router { seeds, connections: HashMap::new(), homes: HashMap::new(), last: None }
    }

    /// The reply to a command whose first argument is its key. Follows redirections (MOVED, ASK), and sends the command
    /// again at TRYAGAIN.
    pub(crate) fn routed(&mut self, words: &[&str]) -> RedisResult<Value> {
        await_that("a reply other than TRYAGAIN", || {
            let reply = self.send(words);
            let again = reply.as_ref().is_err_and(|error| error.code() == Some("TRYAGAIN"));
            (!again).then_some(reply)
        })
    }

    /// The reply to a command whose first argument is its key. Follows redirections (MOVED, ASK). An error without a code
    /// means that the connection was lost: then the node may have run the command.
    ///
    /// # Panics
    /// If the command is redirected in a loop.
    pub(crate) fn send(&mut self, words: &[&str]) -> RedisResult<Value> {
        let slot = key_slot(words[1]);
        let mut port = self.homes.get(&slot).copied().unwrap_or(self.seeds[0]);
        let mut asking = false;
        let mut path = Vec::new();
        while path.len() <= MOST_REDIRECTIONS {
            let error = match self.send_to(port, words, asking) {
                Err(error) => error,
                reply => return reply,
            };
            let Some(target) = error.redirect_node().and_then(|(address, _)| port_of(address)) else {
                if error.code().is_none() {
                    self.forget(port);
                }
                return Err(error);
            };
            asking = error.code() == Some("ASK");
            port = target;
            if !asking {
                self.homes.insert(slot, port);
            }
            path.push(error.to_string());
        }
        panic!("{words:?} was redirected in a loop: {path:?}");
    }

    /// The reply of the node that replied to the last command, on the same connection: for WAIT.
    pub(crate) fn send_to_last(&mut self, words: &[&str]) -> RedisResult<Value> {
        let lost = || RedisError::from((ErrorKind::Io, "the connection was lost"));
        let port = self.last.filter(|port| self.connections.contains_key(port)).ok_or_else(lost)?;
        self.send_to(port, words, false)
    }

    fn send_to(&mut self, port: u16, words: &[&str], asking: bool) -> RedisResult<Value> {
        let conn = match self.connections.remove(&port) {
            Some(conn) => conn,
            None => redis::Client::open(("127.0.0.1", port))?.get_connection()?,
        };
        let conn = self.connections.entry(port).or_insert(conn);
        self.last = Some(port);
        if asking {
            send::<Value>(conn, &["ASKING"])?;
        }
        send(conn, words)
    }

    /// Forgets a node that does not answer. The next command whose home it was asks another node.
    fn forget(&mut self, port: u16) {
        self.connections.remove(&port);
        self.homes.retain(|_, home| *home != port);
        if self.seeds[0] == port {
            self.seeds.rotate_left(1);
        }
    }
}

fn port_of(address: &str) -> Option<u16> {
    address.rsplit_once(':')?.1.parse().ok()
}

/// The slot of a key: CRC16 (XMODEM) of its hash tag, or of the whole key.
pub(crate) fn key_slot(key: &str) -> u16 {
    let tag = key.split_once('{').and_then(|(_, rest)| rest.split_once('}')).map(|(tag, _)| tag);
    let hashed = tag.filter(|tag| !tag.is_empty()).unwrap_or(key);
    let crc = hashed.bytes().fold(0_u16, |crc, byte| {
        (0..8).fold(crc ^ u16::from(byte) << 8, |crc, _| if crc & 0x8000 == 0 { crc << 1 } else { crc << 1 ^ 0x1021 })
    });
    crc % SLOTS
}

#[test]
fn key_slots_are_those_of_the_server() {
    // The first is the example in the cluster specification.
    for (key, slot) in [("123456789", 12739), ("foo", 12182), ("sess:{foo}:{bar}", 12182)] {
        assert_eq!(key_slot(key), slot, "{key}");
    }
    assert_ne!(key_slot("{}foo"), key_slot("{}bar"), "an empty tag is not a tag");
}
