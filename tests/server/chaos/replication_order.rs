//! The order in which servers can lose writes.
//!
//! Replication is an ordered stream. So of the writes that an owner's client sent on one connection, a failover keeps those
//! before some moment and loses those after it. A session that has lost a write while a later write of the owner exists is a
//! finding.

use std::collections::BTreeMap;

use super::{
    history::{Op, Operation},
    model::Model,
    states::{Session, States},
};

/// A write of a session that no WAIT confirmed.
#[derive(Debug)]
pub(super) struct Write {
    /// Its place among the operations of the owner.
    pub(super) number: usize,
    /// The states of the session before it.
    pub(super) before: States,
    /// Whether a failover may keep only a part of the command: JRS.DESTROYALL deletes one session after the other.
    pub(super) is_divisible: bool,
}

/// A moment in the stream of an owner's writes: twice the number of the last one that it includes, and one more if it
/// includes a part of the next one.
type Moment = usize;

impl Session {
    /// Notes an operation that takes the session from its present states to others, before it does.
    pub(super) fn note_in_order(&mut self, operation: &Operation, number: usize, connection: usize) {
        let is_write = !matches!(operation.op, Op::Read | Op::List);
        if self.written_on != connection {
            // The order of writes on different connections says nothing.
            self.writes.clear();
        }
        if is_write {
            let before = if self.writes.is_empty() { self.ever() } else { self.now.clone() };
            let is_divisible = operation.op == Op::DestroyAll;
            self.writes.push(Write { number, before, is_divisible });
            self.written_on = connection;
        }
    }

    /// Whether the session is in this state if a failover kept the writes before a moment.
    fn explains(&self, moment: Moment, state: Option<&String>) -> bool {
        if state.is_none() && self.may_be_in_destruction {
            return true;
        }
        let mut rest = self.writes.iter().skip_while(|write| write.number * 2 <= moment);
        let Some(next) = rest.next() else { return self.now.has(state) };
        let after = rest.next().map_or(&self.now, |write| &write.before);
        let may_be_applied = next.is_divisible && next.number * 2 == moment + 1;
        next.before.has(state) || (may_be_applied && after.has(state))
    }
}

impl Model {
    /// Adds a finding for each owner whose sessions no moment explains. `reads` are of servers that no longer change.
    pub(super) fn check_order(&mut self, reads: &[Operation]) {
        let mut groups: BTreeMap<(&String, usize), Vec<(&Session, &Operation)>> = BTreeMap::new();
        for read in reads {
            let session = &self.sessions[read.token.as_ref().expect("a read has a token")];
            if !session.writes.is_empty() {
                groups.entry((&session.owner, session.written_on)).or_default().push((session, read));
            }
        }
        let findings: Vec<String> = groups.into_values().filter_map(|group| contradiction(&group)).collect();
        self.findings.extend(findings);
    }
}

/// Why no moment explains the sessions that an owner's client wrote on one connection.
fn contradiction(group: &[(&Session, &Operation)]) -> Option<String> {
    let numbers = group.iter().flat_map(|(session, _)| &session.writes).map(|write| write.number * 2);
    let moments = numbers.flat_map(|number| [number - 2, number - 1, number]);
    let unexplained = |moment: Moment| -> Vec<String> {
        let others = group.iter().filter(|(session, read)| !session.explains(moment, read.data.as_ref()));
        let described = others.map(|(session, read)| {
            let state = read.data.as_deref().unwrap_or("destroyed");
            format!("{} {} is {state} ({})", session.owner, session.id, session.operations.join(", "))
        });
        described.collect()
    };
    let best = moments.map(unexplained).min_by_key(Vec::len)?;
    (!best.is_empty()).then(|| format!("lost, but not later writes of the same connection: {}", best.join("; ")))
}
