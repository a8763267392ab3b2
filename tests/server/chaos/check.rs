//! Compares servers with a model: JRS.PEEK of each token that was ever in a reply, JRS.LIST and JRS.COUNT of each owner.

use redis::{RedisResult, Value};

use super::{
    commands::{Failure, failure, replied, words},
    history::{Op, Operation},
    model::Model,
};
use crate::support::await_that;

/// How many findings a message shows.
const SHOWN: usize = 20;

/// The findings of a scenario that has ended: those of its history, and the differences between the model and the servers.
///
/// `send` is as in [`super::commands::Sender`]. It may also send to a replica.
pub(crate) fn findings(mut model: Model, mut send: impl FnMut(&[&str]) -> RedisResult<Value>) -> Vec<String> {
    let mut reads = Vec::new();
    for owner in model.owners() {
        for token in model.tokens(&owner) {
            reads.extend(ask(&mut model, &mut send, &Operation::new(Op::Read, &owner).token(&token)));
        }
    }
    model.check_order(&reads);
    model.settle();
    reads.iter().for_each(|read| model.apply(read));
    for owner in model.owners() {
        let list = Operation::new(Op::List, &owner);
        let listed = ask(&mut model, &mut send, &list);
        listed.iter().for_each(|list| model.apply(list));
        let listed = listed.and_then(|list| list.ids).unwrap_or_default();
        let count = reply(&mut send, &["JRS.COUNT", &owner]);
        if count.as_ref().ok() != Some(&Value::Int(i64::try_from(listed.len()).expect("a sane count"))) {
            model.find(&list, None, &format!("JRS.COUNT replies {count:?}, JRS.LIST has {}", listed.len()));
        }
    }
    model.findings
}

/// Checks that a scenario has no findings.
///
/// # Panics
/// If it has any.
pub(crate) fn assert_holds(model: Model, send: impl FnMut(&[&str]) -> RedisResult<Value>) {
    let seed = model.seed.map(|seed| format!(" with JRS_CHAOS_SEED={seed}")).unwrap_or_default();
    let findings = findings(model, send);
    let shown = findings.iter().take(SHOWN).map(|finding| format!("\n- {finding}")).collect::<String>();
    assert!(findings.is_empty(), "{} findings{seed}:{shown}", findings.len());
}

/// The operation with its reply. None, and a finding, if the server refuses it.
fn ask(
    model: &mut Model,
    send: &mut impl FnMut(&[&str]) -> RedisResult<Value>,
    operation: &Operation,
) -> Option<Operation> {
    let mut words = words(operation);
    if operation.op == Op::Read {
        // PEEK also works on a replica.
        "JRS.PEEK".clone_into(&mut words[0]);
    }
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match reply(send, &words) {
        Ok(value) => Some(replied(operation.clone(), value)),
        Err(error) => {
            model.find(operation, operation.token.as_deref(), &error);
            None
        }
    }
}

/// The reply to a command, which is sent again while a server refuses it for the moment.
fn reply(send: &mut impl FnMut(&[&str]) -> RedisResult<Value>, words: &[&str]) -> Result<Value, String> {
    await_that("a reply", || match send(words) {
        Ok(value) => Some(Ok(value)),
        Err(error) => match failure(&error) {
            Failure::TryAgain(_) | Failure::Elsewhere(_) => None,
            Failure::Lost | Failure::Unexpected(_) => Some(Err(error.to_string())),
        },
    })
}
