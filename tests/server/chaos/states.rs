//! What is known of one session.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use super::replication_order::Write;

/// The states that a session may be in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct States {
    /// Whether it may not exist.
    pub(crate) absent: bool,
    /// The data that it may have.
    pub(crate) data: BTreeSet<String>,
}

impl States {
    pub(super) fn absent() -> States {
        States { absent: true, ..States::default() }
    }

    pub(super) fn alive(data: impl IntoIterator<Item = String>) -> States {
        States { absent: false, data: data.into_iter().collect() }
    }

    pub(super) fn extend(&mut self, other: States) {
        self.absent |= other.absent;
        self.data.extend(other.data);
    }

    /// Whether this state is possible. None is that the session does not exist.
    pub(super) fn has(&self, state: Option<&String>) -> bool {
        state.map_or(self.absent, |data| self.data.contains(data))
    }

    pub(super) fn may_live(&self) -> bool {
        !self.data.is_empty()
    }
}

impl fmt::Display for States {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let data = self.data.iter().map(String::as_str).collect::<Vec<_>>().join(" or ");
        match (self.absent, self.may_live()) {
            (true, true) => write!(f, "destroyed, or alive with {data}"),
            (true, false) => write!(f, "destroyed"),
            (false, _) => write!(f, "alive with {data}"),
        }
    }
}

/// A session whose token the client knows.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) owner: String,
    pub(super) id: String,
    /// The states after its last operation.
    pub(super) now: States,
    /// The states to which a failover can take it back.
    pub(super) earlier: States,
    /// The connection of its last operation.
    pub(super) connection: usize,
    /// The unconfirmed writes on the connection of its last write.
    pub(super) writes: Vec<Write>,
    /// The connection of its last write.
    pub(super) written_on: usize,
    /// Whether a DESTROYALL without a reply may still be destroying it.
    pub(super) may_be_in_destruction: bool,
    /// Its operations, for the message of a finding.
    pub(super) operations: Vec<String>,
}

impl Session {
    /// The states that a client on this connection of the owner may see. Another connection may be to another server, which
    /// may have lost operations.
    pub(super) fn possible(&self, connection: usize) -> States {
        if self.connection == connection { self.now.clone() } else { self.ever() }
    }

    /// The states that the session may have after failovers.
    pub(super) fn ever(&self) -> States {
        let mut all = self.now.clone();
        all.extend(self.earlier.clone());
        all
    }
}

/// An owner.
#[derive(Debug, Default)]
pub(super) struct Owner {
    /// The tokens of its sessions by id.
    pub(super) sessions: BTreeMap<String, String>,
    /// The number of commands without a reply that may have created a session.
    pub(super) unknown: usize,
    /// The number of its connections before the present one.
    pub(super) connection: usize,
    /// The number of its operations.
    pub(super) operations: usize,
    /// Whether a JRS.DESTROYALL without a reply may begin later and destroy new sessions.
    pub(super) may_be_destroyed_later: bool,
}
