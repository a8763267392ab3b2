//! One client of a load. It is the only writer of its owners.

use std::collections::BTreeMap;

use super::{
    commands::{Failure, Sender, failure, replied, words},
    history::{Op, Operation, Outcome},
    load::{Load, Progress},
    model::Model,
};
use crate::support::{await_that, session_model::rng::Rng};

/// How many owners a client has.
const OWNERS: usize = 2;
/// How many sessions a client keeps. With more, it destroys some.
const KEPT: usize = 30;

pub(super) struct Client<'l, 'a> {
    load: &'l Load<'a>,
    sender: Option<Sender<'a>>,
    owners: Vec<String>,
    rng: Rng,
    /// The owners and tokens of sessions that may be alive.
    alive: Vec<(String, String)>,
    /// The owners and tokens of destroyed sessions, the newest last.
    destroyed: Vec<(String, String)>,
    /// Each write has other data, so that a lost one is seen.
    writes: usize,
    model: Model,
    errors: BTreeMap<String, usize>,
}

impl<'l, 'a> Client<'l, 'a> {
    pub(super) fn new(load: &'l Load<'a>, number: usize, seed: u64) -> Self {
        Client {
            load,
            sender: None,
            owners: (0..OWNERS).map(|owner| format!("client:{number}:{owner}")).collect(),
            rng: Rng::new(
                seed.wrapping_add(u64::try_from(number).expect("a sane number")).wrapping_mul(0x9e37_79b9_7f4a_7c15),
            ),
            alive: Vec::new(),
            destroyed: Vec::new(),
            writes: 0,
            model: Model::new(load.losses),
            errors: BTreeMap::new(),
        }
    }

    /// Works until the scenario is over. Returns the model, and how often each error was retried.
    pub(super) fn run(mut self, progress: &Progress) -> (Model, BTreeMap<String, usize>) {
        while !progress.is_over() {
            let operation = self.choose();
            let is_write = !matches!(operation.op, Op::Read | Op::List);
            let owner = operation.owner.clone();
            let outcome = self.perform(operation, progress);
            if self.load.waits && is_write && outcome == Outcome::Ok && self.rng.below(4) == 0 {
                self.perform(Operation::new(Op::Wait, &owner), progress);
            }
        }
        (self.model, self.errors)
    }

    fn choose(&mut self) -> Operation {
        let owner = self.owners[self.rng.below(OWNERS)].clone();
        let count = self.alive.len();
        let at = (count > 0).then(|| self.rng.below(count));
        let session = |at: usize, op: Op| Operation::new(op, &self.alive[at].0).token(&self.alive[at].1);
        let choice = self.rng.below(100);
        match (choice, at) {
            (0..36, Some(at)) => session(at, Op::Read),
            (36..40, Some(_)) if !self.destroyed.is_empty() => {
                let (owner, token) = &self.destroyed[self.rng.below(self.destroyed.len())];
                Operation::new(Op::Read, owner).token(token)
            }
            (40..56, Some(at)) => session(at, Op::Update).data(&self.new_data()),
            (56..68, Some(at)) => {
                let new_owner = (self.load.moves_owners && choice.is_multiple_of(3)).then_some(owner);
                Operation { new_owner, ..session(at, Op::Rotate) }
            }
            (68..72, _) => Operation::new(Op::List, &owner),
            (72..80, Some(at)) => session(at, Op::Destroy),
            (80, _) => Operation::new(Op::DestroyAll, &owner),
            (81, Some(at)) => session(at, Op::DestroyAll),
            (82.., Some(at)) if count >= KEPT => session(at, Op::Destroy),
            _ => Operation::new(Op::Create, &owner).data(&self.new_data()),
        }
    }

    fn new_data(&mut self) -> String {
        self.writes += 1;
        format!(r#"{{"n":{}}}"#, self.writes)
    }

    /// Sends the command until it has a reply, the connection is lost, or the scenario is over.
    fn perform(&mut self, operation: Operation, progress: &Progress) -> Outcome {
        let command = words(&operation);
        let command: Vec<&str> = command.iter().map(String::as_str).collect();
        let mut reply = None;
        await_that("a reply other than a temporary error", || {
            match (self.sender())(&command) {
                Ok(value) => {
                    progress.note_acknowledged();
                    reply = Some(replied(operation.clone(), value));
                    return Some(());
                }
                Err(error) => match failure(&error) {
                    Failure::TryAgain(word) => self.count(word),
                    Failure::Elsewhere(word) => {
                        self.count(word);
                        self.disconnect();
                    }
                    Failure::Lost => {
                        self.count("connection lost".to_owned());
                        self.disconnect();
                        reply = Some(operation.clone().outcome(Outcome::Unknown));
                        return Some(());
                    }
                    Failure::Unexpected(sentence) => {
                        self.model.find(&operation, operation.token.as_deref(), &sentence);
                        reply = Some(operation.clone().outcome(Outcome::Refused));
                        return Some(());
                    }
                },
            }
            // A refused JRS.DESTROYALL may have destroyed some sessions.
            self.model.apply(&operation.clone().outcome(Outcome::Refused));
            progress.is_over().then_some(())
        });
        let operation = reply.unwrap_or_else(|| operation.outcome(Outcome::Refused));
        self.model.apply(&operation);
        self.remember(&operation);
        operation.outcome
    }

    /// The connection, which is opened if there is none.
    fn sender(&mut self) -> &mut Sender<'a> {
        if self.sender.is_none() {
            let sender = await_that("a connection", || (self.load.connect)().ok());
            for owner in &self.owners {
                self.model.apply(&Operation::new(Op::Connect, owner));
            }
            self.sender = Some(sender);
        }
        self.sender.as_mut().expect("it was just opened")
    }

    fn disconnect(&mut self) {
        self.sender = None;
    }

    fn count(&mut self, word: String) {
        *self.errors.entry(word).or_default() += 1;
    }

    /// Keeps the tokens for the next operations.
    fn remember(&mut self, operation: &Operation) {
        let is_gone = match operation.op {
            Op::Rotate | Op::Destroy => matches!(operation.outcome, Outcome::Ok | Outcome::Null),
            Op::Read | Op::Update => operation.outcome == Outcome::Null,
            _ => false,
        };
        let (owner, token) = (&operation.owner, operation.token.as_ref());
        if is_gone {
            self.move_to_destroyed(|session| Some(&session.1) == token);
        }
        if (operation.op, operation.outcome) == (Op::DestroyAll, Outcome::Ok) {
            self.move_to_destroyed(|session| session.0 == *owner && Some(&session.1) != token);
        }
        if let Some(new_token) = &operation.new_token {
            let owner = operation.new_owner.as_ref().unwrap_or(owner);
            self.alive.push((owner.clone(), new_token.clone()));
        }
    }

    fn move_to_destroyed(&mut self, is_gone: impl Fn(&(String, String)) -> bool) {
        let (gone, alive) = std::mem::take(&mut self.alive).into_iter().partition(is_gone);
        self.alive = alive;
        self.destroyed.extend::<Vec<_>>(gone);
        let excess = self.destroyed.len().saturating_sub(KEPT);
        self.destroyed.drain(..excess);
    }
}
