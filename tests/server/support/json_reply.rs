//! Replies as JSON.

use serde_json::{Value, json};

/// A reply as JSON: maps as objects, sets as sorted arrays.
pub(crate) fn to_json(reply: redis::Value) -> Value {
    let list = |items: Vec<redis::Value>| items.into_iter().map(to_json).collect::<Vec<_>>();
    match reply {
        redis::Value::Nil => Value::Null,
        redis::Value::Int(number) => json!(number),
        redis::Value::BulkString(bytes) => json!(String::from_utf8(bytes).unwrap()),
        redis::Value::SimpleString(text) => json!(text),
        redis::Value::Array(items) => Value::Array(list(items)),
        redis::Value::Set(items) => {
            let mut items = list(items);
            items.sort_by_key(Value::to_string);
            Value::Array(items)
        }
        redis::Value::Map(pairs) => {
            let pair = |(name, value)| (to_json(name).as_str().unwrap().to_owned(), to_json(value));
            Value::Object(pairs.into_iter().map(pair).collect())
        }
        other => panic!("a reply of an unexpected type: {other:?}"),
    }
}
