//! Writes that a failover loses, and others that it keeps, on histories that a test writes.

use std::slice;

use super::{
    history::{Op, Operation, Outcome},
    model::{Losses, Model},
    model_tests::{create, on, session},
};

/// The findings about these sessions after a history: a token, and the data that a read replies with.
fn findings(history: &[Operation], reads: &[(&str, Option<&str>)]) -> Vec<String> {
    let read = |(token, data): &(&str, Option<&str>)| match data {
        Some(data) => on(Op::Read, token).data(data),
        None => on(Op::Read, token).outcome(Outcome::Null),
    };
    let mut model = Model::of(history, Losses::Unconfirmed);
    model.check_order(&reads.iter().map(read).collect::<Vec<_>>());
    model.findings
}

#[test]
fn the_last_writes_of_a_connection_may_be_lost() {
    let [a, b, c] = &["a", "b", "c"].map(session);
    let rotate = Operation { new_token: Some(c.clone()), ..on(Op::Rotate, b) };
    let history = [create(a, "1"), create(b, "2"), on(Op::Update, a).data("3"), rotate, on(Op::Destroy, a)];
    let possible = [
        [(a, None), (b, None), (c, None)],
        [(a, Some("1")), (b, None), (c, None)],
        [(a, Some("1")), (b, Some("2")), (c, None)],
        [(a, Some("3")), (b, Some("2")), (c, None)],
        [(a, Some("3")), (b, None), (c, Some("2"))],
        [(a, None), (b, None), (c, Some("2"))],
    ];
    for reads in possible {
        assert_eq!(findings(&history, &reads.map(|(token, data)| (&**token, data))), <[String; 0]>::default());
    }
    let impossible = [
        // The create is lost, but the later one is not.
        [(a, None), (b, Some("2")), (c, None)],
        // The update is lost, but the later rotation is not.
        [(a, Some("1")), (b, None), (c, Some("2"))],
        // A half of the rotation is lost.
        [(a, Some("3")), (b, None), (c, None)],
        [(a, Some("3")), (b, Some("2")), (c, Some("2"))],
        // The rotation is lost, but the later destruction is not.
        [(a, None), (b, Some("2")), (c, None)],
    ];
    for reads in impossible {
        let found = findings(&history, &reads.map(|(token, data)| (&**token, data)));
        assert_eq!(found.len(), 1, "{reads:?}: {found:?}");
    }
}

#[test]
fn a_part_of_destroyall_may_be_lost() {
    let [a, b, c] = &["a", "b", "c"].map(session);
    let destroy_all = Operation::new(Op::DestroyAll, "ada");
    let history = [create(a, "1"), create(b, "2"), destroy_all, create(c, "3")];
    for (reads, count) in [
        ([(&**a, None), (b, Some("2")), (c, None)], 0),
        ([(a, Some("1")), (b, None), (c, None)], 0),
        ([(a, None), (b, None), (c, Some("3"))], 0),
        ([(a, None), (b, Some("2")), (c, Some("3"))], 1),
    ] {
        assert_eq!(findings(&history, &reads).len(), count, "{reads:?}");
    }
}

#[test]
fn connections_and_confirmed_writes_have_no_common_order() {
    let [a, b] = &["a", "b"].map(session);
    let reads = [(&**a, None), (&**b, Some("2"))];
    let (connect, wait) = (Operation::new(Op::Connect, "ada"), Operation::new(Op::Wait, "ada"));
    let between: [(&[Operation], usize); 4] = [
        (&[], 1),
        (slice::from_ref(&connect), 0),
        (&[on(Op::Read, a).data("1")], 1),
        (&[connect.clone(), on(Op::Read, a).data("1")], 0),
    ];
    for (then, count) in between {
        let history = [&[create(a, "1")], then, &[create(b, "2")]].concat();
        assert_eq!(findings(&history, &reads).len(), count, "{then:?}");
    }
    let history = [create(b, "2"), wait, create(a, "1"), on(Op::Update, b).data("3")];
    assert_eq!(findings(&history, &reads), <[String; 0]>::default());
    assert_eq!(findings(&history, &[(a, None), (b, Some("3"))]).len(), 1);
}
