//! The command of an operation, its reply, and the errors that a client of a failing server may get.

use std::collections::HashMap;

use redis::{FromRedisValue, RedisError, RedisResult, Value, from_redis_value, from_redis_value_ref};

use super::history::{Op, Operation, Outcome};
use crate::support::{sessions::send, tokens::key};

/// Sends a command to a server, or to the node of a cluster that has the slot of its argument 1 (an owner or the key of a
/// session), and returns the reply.
pub(crate) type Sender<'a> = Box<dyn FnMut(&[&str]) -> RedisResult<Value> + 'a>;

/// A connection to the server on a port of this machine.
pub(crate) fn to_port<'a>(port: u16) -> RedisResult<Sender<'a>> {
    let mut conn = redis::Client::open(("127.0.0.1", port))?.get_connection()?;
    Ok(Box::new(move |words| send(&mut conn, words)))
}

/// The words of an operation's command. Token commands have the session's key in front, as clusters need it.
pub(crate) fn words(operation: &Operation) -> Vec<String> {
    let Operation { op, owner, token, new_owner, data, .. } = operation;
    let token = token.as_ref();
    let of_session = |name: &str| {
        let token = token.expect("the command has a token");
        vec![name.to_owned(), key(token), token.clone()]
    };
    let with = |words: &[&str]| words.iter().map(ToString::to_string).collect::<Vec<_>>();
    let data = data.iter().cloned();
    match op {
        Op::Create => with(&["JRS.CREATE", owner]).into_iter().chain(data).collect(),
        Op::Read => of_session("JRS.GET"),
        Op::Update => of_session("JRS.UPDATE").into_iter().chain(data).collect(),
        Op::Rotate => {
            let new_owner = new_owner.iter().flat_map(|owner| ["OWNER".to_owned(), owner.clone()]);
            of_session("JRS.ROTATE").into_iter().chain(new_owner).collect()
        }
        Op::Destroy => of_session("JRS.DESTROY"),
        Op::DestroyAll => {
            let except = token.iter().flat_map(|token| ["EXCEPT".to_owned(), (*token).clone()]);
            with(&["JRS.DESTROYALL", owner]).into_iter().chain(except).collect()
        }
        Op::List => with(&["JRS.LIST", owner]),
        Op::Wait => with(&["WAIT", "1", "1000"]),
        Op::Connect => with(&["PING"]),
    }
}

/// The operation with the reply to its command.
///
/// # Panics
/// If the reply has another type than the command's.
pub(crate) fn replied(operation: Operation, reply: Value) -> Operation {
    let nothing = reply == Value::Nil || (reply == Value::Int(0) && matches!(operation.op, Op::Destroy | Op::Wait));
    if nothing {
        return operation.outcome(Outcome::Null);
    }
    let mut operation = operation.outcome(Outcome::Ok);
    match operation.op {
        Op::Create | Op::Rotate => operation.new_token = Some(read(reply)),
        Op::Read => {
            let session: HashMap<String, Value> = read(reply);
            operation.data = Some(from_redis_value_ref(&session["data"]).expect("data is text"));
        }
        Op::List => {
            let sessions: Vec<HashMap<String, Value>> = read(reply);
            let id = |session: HashMap<String, Value>| from_redis_value_ref(&session["id"]).expect("an id is text");
            operation.ids = Some(sessions.into_iter().map(id).collect());
        }
        _ => {}
    }
    operation
}

fn read<T: FromRedisValue>(reply: Value) -> T {
    from_redis_value(reply).expect("the reply has the type of its command")
}

/// Why a command failed.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    /// The server refused it with this word. The client sends the command again, on the same connection.
    TryAgain(String),
    /// The server refused it with this word. The client sends the command again, on a new connection.
    Elsewhere(String),
    /// The connection was lost before the reply.
    Lost,
    /// An error that a client does not expect.
    Unexpected(String),
}

/// What a client does about an error.
pub(crate) fn failure(error: &RedisError) -> Failure {
    match error.code() {
        Some(word @ ("TRYAGAIN" | "ASK")) => Failure::TryAgain(word.to_owned()),
        Some(word @ ("CLUSTERDOWN" | "LOADING" | "MASTERDOWN" | "MOVED" | "NOREPLICAS" | "READONLY" | "UNBLOCKED")) => {
            Failure::Elsewhere(word.to_owned())
        }
        Some(_) => Failure::Unexpected(error.to_string()),
        None if error.is_io_error() || error.is_unrecoverable_error() => Failure::Lost,
        None => Failure::Unexpected(error.to_string()),
    }
}
