//! Which sessions exist after a history: each is alive with some data, destroyed, or may be either.
//!
//! A reply that contradicts the model is a finding. The model assumes that no session expires or is evicted.

use std::{
    collections::{BTreeMap, BTreeSet},
    mem::take,
};

use super::{
    history::{Op, Operation, Outcome},
    replication_order::Write,
    states::{Owner, Session, States},
};
use crate::support::tokens::id;

/// Which acknowledged operations the servers may lose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Losses {
    /// None.
    None,
    /// A failover may lose those that no WAIT confirmed, because replication is asynchronous. A WAIT confirms what its
    /// connection wrote and read before it.
    Unconfirmed,
}

/// The sessions that a history leaves, and the findings.
#[derive(Debug)]
pub(crate) struct Model {
    losses: Losses,
    /// That of the clients' random choices, if there is one.
    pub(super) seed: Option<u64>,
    owners: BTreeMap<String, Owner>,
    /// By token.
    pub(super) sessions: BTreeMap<String, Session>,
    /// The replies that contradict the operations before them.
    pub(crate) findings: Vec<String>,
}

impl Model {
    pub(crate) fn new(losses: Losses) -> Model {
        Model { losses, seed: None, owners: BTreeMap::new(), sessions: BTreeMap::new(), findings: Vec::new() }
    }

    /// The model after these operations.
    pub(crate) fn of(history: &[Operation], losses: Losses) -> Model {
        let mut model = Model::new(losses);
        history.iter().for_each(|operation| model.apply(operation));
        model
    }

    /// Adds the sessions of other owners.
    pub(crate) fn merge(&mut self, other: Model) {
        self.owners.extend(other.owners);
        self.sessions.extend(other.sessions);
        self.findings.extend(other.findings);
    }

    /// The scenario has ended: no more operation is lost.
    pub(crate) fn settle(&mut self) {
        self.losses = Losses::None;
        self.sessions.values_mut().for_each(|session| session.now.extend(take(&mut session.earlier)));
    }

    /// The states of a session.
    ///
    /// # Panics
    /// If the history does not have its token.
    pub(crate) fn states(&self, token: &str) -> States {
        self.sessions[token].ever()
    }

    /// The states of a session that the present connection of an operation's owner may see.
    fn possible(&self, operation: &Operation, token: &str) -> States {
        self.sessions[token].possible(self.owners[&operation.owner].connection)
    }

    /// The tokens of an owner, also those of destroyed sessions.
    pub(crate) fn tokens(&self, owner: &str) -> Vec<String> {
        self.owners.get(owner).map(|owner| owner.sessions.values().cloned().collect()).unwrap_or_default()
    }

    pub(crate) fn owners(&self) -> Vec<String> {
        self.owners.keys().cloned().collect()
    }

    /// Adds an operation, and a finding if its outcome is not possible.
    pub(crate) fn apply(&mut self, operation: &Operation) {
        let owner = self.owners.entry(operation.owner.clone()).or_default();
        owner.operations += 1;
        match operation.op {
            Op::Connect => owner.connection += 1,
            Op::Wait => self.confirm(operation),
            Op::Create => self.create(operation),
            Op::Read | Op::Update | Op::Rotate | Op::Destroy => self.one_session(operation),
            Op::DestroyAll => self.destroy_all(operation),
            Op::List => self.list(operation),
        }
    }

    /// A replica has what the present connection of the owner wrote and read.
    fn confirm(&mut self, operation: &Operation) {
        if operation.outcome != Outcome::Ok {
            return;
        }
        let owner = &self.owners[&operation.owner];
        for token in owner.sessions.values() {
            let session = self.sessions.get_mut(token).expect("an owner's tokens have sessions");
            if session.connection == owner.connection {
                session.earlier = States::default();
                session.writes.clear();
            }
        }
    }

    fn create(&mut self, operation: &Operation) {
        let data = operation.data.clone().expect("a create has data");
        match operation.outcome {
            Outcome::Ok => self.add(&operation.owner, operation, States::alive([data])),
            Outcome::Unknown => self.owner(&operation.owner).unknown += 1,
            Outcome::Refused => {}
            Outcome::Null => self.find(operation, None, "JRS.CREATE cannot reply null"),
        }
    }

    /// Adds the session of the new token in a reply.
    fn add(&mut self, owner: &str, operation: &Operation, mut now: States) {
        let token = operation.new_token.clone().expect("the reply has a token");
        let id = id(&token);
        if self.sessions.contains_key(&token) {
            self.find(operation, Some(&token), "the new token is not new");
            return;
        }
        let entry = self.owner(owner);
        entry.operations += usize::from(*owner != operation.owner);
        let (connection, number) = (entry.connection, entry.operations);
        let may_be_in_destruction = entry.may_be_destroyed_later;
        now.absent |= may_be_in_destruction;
        entry.sessions.insert(id.clone(), token.clone());
        let (mut earlier, mut writes) = (States::default(), Vec::new());
        if self.losses == Losses::Unconfirmed {
            earlier = States::absent();
            writes.push(Write { number, before: States::absent(), is_divisible: false });
        }
        let session = Session {
            owner: owner.to_owned(),
            id,
            now,
            earlier,
            connection,
            writes,
            written_on: connection,
            may_be_in_destruction,
            operations: vec![described(operation)],
        };
        self.sessions.insert(token, session);
    }

    /// A command on the session of a token.
    fn one_session(&mut self, operation: &Operation) {
        let token = operation.token.as_deref().expect("the operation has a token");
        if !self.sessions.contains_key(token) {
            self.find(operation, None, "the token was never in a reply");
            return;
        }
        let possible = self.possible(operation, token);
        let data = operation.data.clone();
        match (operation.outcome, operation.op) {
            (Outcome::Refused, _) | (Outcome::Unknown, Op::Read) => {}
            (Outcome::Null, _) => {
                if !possible.absent {
                    self.find(operation, Some(token), &format!("the session must be {possible}"));
                }
                self.set(operation, token, States::absent());
            }
            (Outcome::Ok, _) if !possible.may_live() => {
                self.find(operation, Some(token), &format!("the session must be {possible}"));
            }
            (Outcome::Ok, Op::Read) => {
                let data = data.expect("the reply has data");
                if !possible.data.contains(&data) {
                    self.find(operation, Some(token), &format!("the session must be {possible}"));
                }
                self.set(operation, token, States::alive([data]));
            }
            (Outcome::Ok, Op::Update) => self.set(operation, token, States::alive(data)),
            (Outcome::Ok, Op::Rotate) => {
                self.set(operation, token, States::absent());
                let owner = operation.new_owner.as_ref().unwrap_or(&operation.owner);
                self.add(owner, operation, States::alive(possible.data));
            }
            (Outcome::Ok, _) => self.set(operation, token, States::absent()),
            (Outcome::Unknown, _) if !possible.may_live() => {}
            (Outcome::Unknown, Op::Update) => {
                let mut next = possible;
                next.data.extend(data);
                self.set(operation, token, next);
            }
            (Outcome::Unknown, op) => {
                self.set(operation, token, States { absent: true, ..possible });
                if op == Op::Rotate {
                    let owner = operation.new_owner.as_ref().unwrap_or(&operation.owner);
                    self.owner(owner).unknown += 1;
                }
            }
        }
    }

    fn destroy_all(&mut self, operation: &Operation) {
        let except = operation.token.as_deref();
        if operation.outcome == Outcome::Null {
            self.find(operation, None, "JRS.DESTROYALL cannot reply null");
        }
        // While a thread verifies the `EXCEPT` token, a disconnect does not cancel the command.
        self.owner(&operation.owner).may_be_destroyed_later |=
            except.is_some() && operation.outcome == Outcome::Unknown;
        for token in self.tokens(&operation.owner) {
            let possible = self.possible(operation, &token);
            if Some(&*token) == except || !possible.may_live() {
                continue;
            }
            let next = match operation.outcome {
                Outcome::Ok => States::absent(),
                _ => States { absent: true, ..possible },
            };
            let session = self.sessions.get_mut(&token).expect("an owner's tokens have sessions");
            session.may_be_in_destruction |= operation.outcome == Outcome::Unknown;
            self.set(operation, &token, next);
        }
        // A lost DESTROYALL brings them back.
        if operation.outcome == Outcome::Ok && self.losses == Losses::None {
            self.owner(&operation.owner).unknown = 0;
        }
    }

    fn list(&mut self, operation: &Operation) {
        if operation.outcome != Outcome::Ok {
            return;
        }
        let listed: BTreeSet<&String> = operation.ids.iter().flatten().collect();
        let owner = &self.owners[&operation.owner];
        let unexpected_ids: Vec<_> = listed.iter().filter(|id| !owner.sessions.contains_key(**id)).collect();
        if unexpected_ids.len() > owner.unknown {
            let most = owner.unknown;
            self.find(operation, None, &format!("{unexpected_ids:?} were not created; {most} creates have no reply"));
        }
        if listed.len() < operation.ids.iter().flatten().count() {
            self.find(operation, None, "the list has an id twice");
        }
        for (id, token) in self.owners[&operation.owner].sessions.clone() {
            let possible = self.possible(operation, &token);
            let next = match listed.contains(&id) {
                true if possible.may_live() => Some(States::alive(possible.data)),
                false if possible.absent => Some(States::absent()),
                is_listed => {
                    let problem = if is_listed { "is listed" } else { "is not listed" };
                    self.find(operation, Some(&token), &format!("{id} {problem}, but must be {possible}"));
                    None
                }
            };
            if let Some(next) = next.filter(|next| *next != self.sessions[&token].now) {
                self.set(operation, &token, next);
            }
        }
    }

    /// Sets the states of a session after an operation.
    fn set(&mut self, operation: &Operation, token: &str, mut next: States) {
        let Owner { connection, operations, .. } = self.owners[&operation.owner];
        let session = self.sessions.get_mut(token).expect("the session is known");
        next.absent |= session.may_be_in_destruction;
        if self.losses == Losses::Unconfirmed {
            session.note_in_order(operation, operations, connection);
            session.earlier.extend(session.now.clone());
        }
        session.now = next;
        session.connection = connection;
        session.operations.push(described(operation));
        if session.operations.len() > 8 {
            session.operations.remove(1);
        }
    }

    fn owner(&mut self, name: &str) -> &mut Owner {
        self.owners.entry(name.to_owned()).or_default()
    }

    pub(crate) fn find(&mut self, operation: &Operation, token: Option<&str>, problem: &str) {
        let history =
            |session: &Session| format!(" ({} {}: {})", session.owner, session.id, session.operations.join(", "));
        let history = token.and_then(|token| self.sessions.get(token)).map(history).unwrap_or_default();
        self.findings.push(format!("{} of {}: {problem}{history}", described(operation), operation.owner));
    }
}

/// An operation without its tokens.
fn described(operation: &Operation) -> String {
    let data = operation.data.as_deref().unwrap_or_default();
    format!("{:?} {data} {:?}", operation.op, operation.outcome)
}
