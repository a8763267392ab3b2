//! What a client sent and what the server replied: the input of [`super::model`].
//!
//! A program in any language prints one JSON object on a line for each operation, in the order in which it ran them.
//! [`parse`] reads the lines. Each owner has one writer: operations of the same owner never run at the same time.
//!
//! ```text
//! {"op":"create","owner":"ada","data":"{\"n\":1}","outcome":"ok","new_token":"ey…A"}
//! {"op":"update","owner":"ada","token":"ey…A","data":"{\"n\":2}","outcome":"ok"}
//! {"op":"read","owner":"ada","token":"ey…A","outcome":"ok","data":"{\"n\":2}"}
//! {"op":"wait","owner":"ada","outcome":"ok"}
//! {"op":"rotate","owner":"ada","token":"ey…A","outcome":"unknown"}
//! {"op":"connect","owner":"ada","outcome":"ok"}
//! ```
//!
//! | `op` | command | fields that were sent | field of the reply, if the outcome is `ok` |
//! |---|---|---|---|
//! | `create` | JRS.CREATE | `data` | `new_token` |
//! | `read` | JRS.GET or JRS.PEEK on a primary | `token` | `data` |
//! | `update` | JRS.UPDATE with REPLACE | `token`, `data` | |
//! | `rotate` | JRS.ROTATE | `token`, `new_owner` (only with OWNER) | `new_token` |
//! | `destroy` | JRS.DESTROY | `token` | |
//! | `destroyall` | JRS.DESTROYALL | `token` (only with EXCEPT) | |
//! | `list` | JRS.LIST without LIMIT | | `ids`, an array |
//! | `wait` | WAIT | | |
//! | `connect` | a new connection | | |
//!
//! Every operation has an `owner` and an `outcome`:
//! - `ok`: the command found the session. For `wait`: at least one replica has the last write of this connection, which is
//!   a write of this owner.
//! - `null`: the server replied that there is no such session: null, or 0 to JRS.DESTROY.
//! - `refused`: the server replied with an error, so nothing changed. JRS.DESTROYALL may have destroyed some sessions.
//! - `unknown`: the connection was lost before the reply. The command ran before the next operation of the owner, or
//!   never. Only JRS.DESTROYALL with EXCEPT may begin later: the server verifies the token first, and then destroys the
//!   sessions even if the client has disconnected.
//!
//! `wait` and `connect` only matter for servers that can lose acknowledged writes ([`super::model::Losses::Unconfirmed`]).
//! A client prints a `connect` for each of its owners when it uses a new connection, or another server, from then on.

use serde::{Deserialize, Serialize};

#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Op {
    Create,
    Read,
    Update,
    Rotate,
    Destroy,
    DestroyAll,
    List,
    Wait,
    Connect,
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Outcome {
    Ok,
    Null,
    Refused,
    Unknown,
}

/// One operation of a client.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Operation {
    pub(crate) op: Op,
    pub(crate) owner: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) token: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) new_owner: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) data: Option<String>,
    pub(crate) outcome: Outcome,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) new_token: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) ids: Option<Vec<String>>,
}

impl Operation {
    /// An operation without tokens and data that was acknowledged.
    pub(crate) fn new(op: Op, owner: &str) -> Operation {
        Operation {
            op,
            owner: owner.to_owned(),
            token: None,
            new_owner: None,
            data: None,
            outcome: Outcome::Ok,
            new_token: None,
            ids: None,
        }
    }

    pub(crate) fn token(self, token: &str) -> Operation {
        Operation { token: Some(token.to_owned()), ..self }
    }

    pub(crate) fn data(self, data: &str) -> Operation {
        Operation { data: Some(data.to_owned()), ..self }
    }

    pub(crate) fn outcome(self, outcome: Outcome) -> Operation {
        Operation { outcome, ..self }
    }
}

/// The operations in the lines of a program's output. Lines that do not begin with `{` are skipped.
///
/// # Panics
/// If a line that begins with `{` is not an operation.
pub(crate) fn parse(text: &str) -> Vec<Operation> {
    let lines = text.lines().filter(|line| line.starts_with('{'));
    lines.map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))).collect()
}

#[test]
fn lines_are_operations() {
    let text = r#"ready
{"op":"create","owner":"ada","data":"{\"n\":1}","outcome":"ok","new_token":"A"}
{"op": "destroyall", "owner": "ada", "token": null, "outcome": "unknown"}
"#;
    let create = Operation { new_token: Some("A".to_owned()), ..Operation::new(Op::Create, "ada").data(r#"{"n":1}"#) };
    let destroy = Operation::new(Op::DestroyAll, "ada").outcome(Outcome::Unknown);
    assert_eq!(parse(text), [create.clone(), destroy]);
    assert_eq!(parse(&serde_json::to_string(&create).unwrap()), [create]);
    for wrong in [
        r#"{"op":"none","owner":"a","outcome":"ok"}"#,
        r#"{"op":"read","owner":"a","outcome":"ok","tokn":"A"}"#,
        r#"{"op":"read","owner":"a"}"#,
    ] {
        assert!(serde_json::from_str::<Operation>(wrong).is_err(), "{wrong}");
    }
}
