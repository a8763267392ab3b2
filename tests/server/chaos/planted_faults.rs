//! The checker finds each fault that a test plants.

use redis::Connection;

use super::{
    check,
    commands::{Sender, to_port},
    history::{Op, Operation, Outcome},
    load::Load,
    model::{Losses, Model},
};
use crate::support::{
    Server,
    sessions::{create, exec, send},
    tokens::key,
};

/// The history of ada, who has three sessions: alive, updated, and destroyed. Returns it with the tokens.
fn three_sessions(conn: &mut Connection) -> (Vec<Operation>, [String; 3]) {
    let tokens = [(); 3].map(|()| create(conn, "ada", r#"{"n":1}"#, &[]));
    let [_, updated, destroyed] = &tokens;
    let mut history: Vec<_> = tokens
        .iter()
        .map(|token| Operation {
            new_token: Some(token.clone()),
            ..Operation::new(Op::Create, "ada").data(r#"{"n":1}"#)
        })
        .collect();
    exec(conn, &["JRS.UPDATE", updated, r#"{"n":2}"#]);
    history.push(Operation::new(Op::Update, "ada").token(updated).data(r#"{"n":2}"#));
    exec(conn, &["JRS.DESTROY", destroyed]);
    history.push(Operation::new(Op::Destroy, "ada").token(destroyed));
    (history, tokens)
}

fn findings(conn: &mut Connection, history: &[Operation], losses: Losses) -> Vec<String> {
    check::findings(Model::of(history, losses), |words| send(conn, words))
}

#[test]
fn planted_faults_are_found() {
    let server = Server::start();
    let conn = &mut server.conn();
    type Plant = fn(&mut Connection, &[String; 3]);
    let faults: [(&str, Plant, &str); 5] = [
        (
            "a lost DEL",
            |conn, [_, _, token]| exec(conn, &["SET", &key(token), r#"{"n":1}"#, "EX", "100"]),
            "must be destroyed",
        ),
        (
            "a doubled create",
            |conn, [token, ..]| {
                let mut copy = key(token);
                let last = if copy.ends_with('0') { "1" } else { "0" };
                copy.replace_range(copy.len() - 1.., last);
                exec(conn, &["COPY", &key(token), &copy]);
            },
            "were not created",
        ),
        (
            "a lost update",
            |conn, [_, token, _]| exec(conn, &["SET", &key(token), r#"{"n":1}"#, "KEEPTTL"]),
            r#"alive with {"n":2}"#,
        ),
        ("a lost create", |conn, [token, ..]| exec(conn, &["DEL", &key(token)]), r#"alive with {"n":1}"#),
        ("lost data", |conn, [token, ..]| exec(conn, &["SET", &key(token), "{}", "KEEPTTL"]), r#"alive with {"n":1}"#),
    ];
    for (name, plant, expected) in faults {
        exec(conn, &["FLUSHALL"]);
        let (history, tokens) = three_sessions(conn);
        assert_eq!(findings(conn, &history, Losses::None), <[String; 0]>::default(), "before {name}");
        plant(conn, &tokens);
        let found = findings(conn, &history, Losses::None);
        assert!(!found.is_empty() && found.iter().all(|finding| finding.contains(expected)), "{name}: {found:?}");
        // A failover can lose the last write (the destruction), or the last three. It cannot lose the others alone.
        let found = findings(conn, &history, Losses::Unconfirmed);
        assert_eq!(found.is_empty(), ["a lost DEL", "a lost update"].contains(&name), "{name}: {found:?}");
    }
}

/// A server that replies wrongly once to a command of this name, when many sessions exist.
fn faulty_server<'a>(server: &Server, command: &'a str, fault: fn(&mut Connection, &[&str])) -> Sender<'a> {
    let mut conn = server.conn();
    let mut calls = 0;
    Box::new(move |words| {
        // Not on a destroyed session, for which some of the replies would be right.
        if words[0] == command && send(&mut conn, &["EXISTS", words[1]])? {
            calls += 1;
            if calls == 10 {
                fault(&mut conn, words);
            }
        }
        send(&mut conn, words)
    })
}

#[test]
fn wrong_replies_are_found_while_clients_run() {
    let server = Server::start();
    type Fault = fn(&mut Connection, &[&str]);
    let faults: [(&str, Fault, &str); 4] = [
        ("JRS.GET", |conn, words| send(conn, &["DEL", words[1]]).unwrap(), "Read"),
        ("JRS.GET", |conn, words| send(conn, &["SET", words[1], r#"{"n":"old"}"#, "EX", "100"]).unwrap(), "Read"),
        ("JRS.UPDATE", |conn, words| send(conn, &["DEL", words[1]]).unwrap(), "Update"),
        ("JRS.ROTATE", |conn, words| send(conn, &["DEL", words[1]]).unwrap(), "Rotate"),
    ];
    for (command, fault, expected) in faults {
        exec(&mut server.conn(), &["FLUSHALL"]);
        let connect = || Ok(faulty_server(&server, command, fault));
        let load = Load { clients: 1, ..Load::new(&connect) };
        let ((), report) = load.run_while(|progress| progress.await_more(500));
        let found = &report.model.findings;
        assert!(found.iter().any(|finding| finding.starts_with(expected)), "{command}: {found:?}");
    }
}

#[test]
fn a_correct_server_has_no_findings() {
    let server = Server::start();
    let connect = || to_port(server.port());
    let load = Load { clients: 4, moves_owners: true, ..Load::new(&connect) };
    let ((), report) = load.run_while(|progress| progress.await_more(1000));
    assert!(report.errors.is_empty(), "{:?}", report.errors);
    assert!(report.acknowledged >= 1000);
    check::assert_holds(report.model, connect().unwrap());
}

#[test]
fn an_unknown_outcome_is_not_a_finding() {
    let server = Server::start();
    let conn = &mut server.conn();
    let (mut history, [kept, updated, _]) = three_sessions(conn);
    history.push(Operation::new(Op::Destroy, "ada").token(&kept).outcome(Outcome::Unknown));
    history.push(Operation::new(Op::Update, "ada").token(&updated).data("{}").outcome(Outcome::Unknown));
    assert_eq!(findings(conn, &history, Losses::None), <[String; 0]>::default());
    exec(conn, &["JRS.DESTROY", &kept]);
    exec(conn, &["JRS.UPDATE", &updated, "{}"]);
    assert_eq!(findings(conn, &history, Losses::None), <[String; 0]>::default());
}
