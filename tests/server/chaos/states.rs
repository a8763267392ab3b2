//! What is known of one session.

use std::{collections::BTreeSet, fmt};

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
    /// Whether a DESTROYALL without a reply may still be destroying it.
    pub(super) may_be_in_destruction: bool,
    /// Its operations, for the message of a finding.
    pub(super) operations: Vec<String>,
}

impl Session {
    pub(super) fn possible(&self) -> States {
        let mut all = self.now.clone();
        all.extend(self.earlier.clone());
        all
    }
}
