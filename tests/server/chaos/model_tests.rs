//! The model by itself, on histories that a test writes.

use std::slice;

use serde_json::json;

use super::{
    history::{Op, Operation, Outcome},
    model::{Losses, Model},
    states::States,
};
use crate::support::tokens::token;

/// A token of a session of ada.
pub(super) fn session(name: &str) -> String {
    token(&json!({"jti": format!("{{ada}}:{name}")}))
}

fn states(absent: bool, data: &[&str]) -> States {
    States { absent, data: data.iter().map(ToString::to_string).collect() }
}

pub(super) fn on(op: Op, token: &str) -> Operation {
    Operation::new(op, "ada").token(token)
}

pub(super) fn create(new_token: &str, data: &str) -> Operation {
    Operation { new_token: Some(new_token.to_owned()), ..Operation::new(Op::Create, "ada").data(data) }
}

fn list(ids: &[&str]) -> Operation {
    let ids = ids.iter().map(|id| format!("{{ada}}:{id}")).collect();
    Operation { ids: Some(ids), ..Operation::new(Op::List, "ada") }
}

#[test]
fn acknowledged_operations_have_one_result() {
    let [a, b] = ["a", "b"].map(session);
    let rotate = Operation { new_token: Some(b.clone()), ..on(Op::Rotate, &a) };
    let history = [create(&a, "1"), on(Op::Update, &a).data("2"), rotate, list(&["b"])];
    let model = Model::of(&history, Losses::None);
    assert_eq!((model.states(&a), model.states(&b)), (states(true, &[]), states(false, &["2"])));
    let model = Model::of(&[&history[..], &[on(Op::Destroy, &b), list(&[])]].concat(), Losses::None);
    assert_eq!((model.states(&b), &model.findings[..]), (states(true, &[]), &[][..]));
}

#[test]
fn operations_without_a_reply_have_two_results() {
    let [a, b] = ["a", "b"].map(session);
    let lost = |operation: Operation| operation.outcome(Outcome::Unknown);
    let begin = [create(&a, "1"), create(&b, "1")];
    for (operation, expected) in [
        (lost(on(Op::Update, &a).data("2")), states(false, &["1", "2"])),
        (lost(on(Op::Destroy, &a)), states(true, &["1"])),
        (lost(on(Op::Rotate, &a)), states(true, &["1"])),
        (lost(on(Op::DestroyAll, &b)), states(true, &["1"])),
        (lost(on(Op::Read, &a)), states(false, &["1"])),
        (on(Op::Destroy, &a).outcome(Outcome::Refused), states(false, &["1"])),
        (on(Op::DestroyAll, &b).outcome(Outcome::Refused), states(true, &["1"])),
    ] {
        let model = Model::of(&[&begin[..], slice::from_ref(&operation)].concat(), Losses::None);
        assert_eq!((model.states(&a), model.states(&b)), (expected, states(false, &["1"])), "{operation:?}");
    }
    // The next reply says which.
    let history = [create(&a, "1"), lost(on(Op::Update, &a).data("2")), on(Op::Read, &a).data("2")];
    assert_eq!(Model::of(&history, Losses::None).states(&a), states(false, &["2"]));
    // Except for a JRS.DESTROYALL, which may still run.
    let history = [create(&a, "1"), lost(Operation::new(Op::DestroyAll, "ada")), on(Op::Read, &a).data("1")];
    assert_eq!(Model::of(&history, Losses::None).states(&a), states(true, &["1"]));
    // With EXCEPT it may even begin after the next operation.
    for (operation, absent) in [(Operation::new(Op::DestroyAll, "ada"), false), (on(Op::DestroyAll, &b), true)] {
        let model = Model::of(&[create(&b, "1"), lost(operation), create(&a, "1")], Losses::None);
        assert_eq!(model.states(&a), states(absent, &["1"]));
    }
}

#[test]
fn a_lost_create_or_rotation_allows_one_unknown_session() {
    let a = session("a");
    let lost_create = Operation::new(Op::Create, "ada").data("1").outcome(Outcome::Unknown);
    let lost_rotation = on(Op::Rotate, &a).outcome(Outcome::Unknown);
    for (lost, ids) in [(lost_create, ["a", "x"]), (lost_rotation, ["a", "x"])] {
        let model = Model::of(&[create(&a, "1"), lost.clone(), list(&ids)], Losses::None);
        assert_eq!(model.findings, <[String; 0]>::default(), "{lost:?}");
        let model = Model::of(&[create(&a, "1"), lost.clone(), list(&["a", "x", "y"])], Losses::None);
        assert_eq!(model.findings.len(), 1, "{lost:?}");
        let destroy_all = Operation::new(Op::DestroyAll, "ada");
        let model = Model::of(&[create(&a, "1"), lost.clone(), destroy_all, list(&["x"])], Losses::None);
        assert_eq!(model.findings.len(), 1, "{lost:?}");
    }
}

#[test]
fn contradictions_are_findings() {
    let [a, b] = ["a", "b"].map(session);
    let null = |op| on(op, &a).outcome(Outcome::Null);
    let rotate = Operation { new_token: Some(b.clone()), ..on(Op::Rotate, &a) };
    let alive = [null(Op::Read), null(Op::Update).data("2"), null(Op::Rotate), null(Op::Destroy), list(&[])];
    let more =
        [on(Op::Read, &a).data("2"), list(&["a", "b"]), list(&["a", "a"]), create(&a, "1"), on(Op::Read, &b).data("1")];
    for wrong in alive.into_iter().chain(more) {
        let model = Model::of(&[create(&a, "1"), wrong.clone()], Losses::None);
        assert_eq!(model.findings.len(), 1, "{wrong:?}: {:?}", model.findings);
    }
    let destroyed =
        [on(Op::Read, &a).data("1"), on(Op::Update, &a).data("2"), on(Op::Destroy, &a), rotate, list(&["a"])];
    for wrong in destroyed {
        for losses in [Losses::None, Losses::Unconfirmed] {
            let begin = [create(&a, "1"), on(Op::Destroy, &a), Operation::new(Op::Wait, "ada")];
            let model = Model::of(&[&begin[..], slice::from_ref(&wrong)].concat(), losses);
            assert_eq!(model.findings.len(), 1, "{wrong:?}: {:?}", model.findings);
        }
    }
}

#[test]
fn a_failover_loses_what_no_wait_confirmed() {
    let a = session("a");
    let (wait, connect) = (Operation::new(Op::Wait, "ada"), Operation::new(Op::Connect, "ada"));
    let (begin, update) = (create(&a, "1"), on(Op::Update, &a).data("2"));
    let cases = [
        (vec![], states(true, &["1", "2"])),
        (vec![wait.clone()], states(false, &["2"])),
        // A WAIT confirms only what its connection wrote.
        (vec![connect.clone(), wait.clone()], states(true, &["1", "2"])),
        (vec![connect.clone(), on(Op::Update, &a).data("3"), wait.clone()], states(false, &["3"])),
        (vec![connect.clone(), on(Op::Read, &a).data("1"), wait.clone()], states(false, &["1"])),
        (vec![connect.clone(), on(Op::Read, &a).outcome(Outcome::Null)], states(true, &["1", "2"])),
        (vec![wait.clone().outcome(Outcome::Null)], states(true, &["1", "2"])),
        (vec![wait.clone(), on(Op::Destroy, &a)], states(true, &["2"])),
        (vec![wait, on(Op::Destroy, &a), connect, on(Op::Read, &a).data("2")], states(true, &["2"])),
    ];
    for (then, expected) in cases {
        let history = [&[begin.clone(), update.clone()], &then[..]].concat();
        let model = Model::of(&history, Losses::Unconfirmed);
        assert_eq!((model.states(&a), &model.findings[..]), (expected, &[][..]), "{then:?}");
    }
    // Without a new connection there was no failover.
    let model = Model::of(&[begin, update, on(Op::Read, &a).data("1")], Losses::Unconfirmed);
    assert_eq!(model.findings.len(), 1, "{:?}", model.findings);
}
