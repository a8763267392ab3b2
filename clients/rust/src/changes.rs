//! The changed fields of session data, and the patch that writes them: two requests that change different fields both
//! win.

use std::collections::BTreeMap;

#[cfg(feature = "axum")]
use serde_json::Map;
use serde_json::{Value, json};

/// Session data: the members of a JSON object.
#[cfg(feature = "axum")]
pub(crate) type Fields = Map<String, Value>;

/// The new value of each changed field; `None` if it was deleted.
pub(crate) type Changes = BTreeMap<String, Option<Value>>;

/// The fields that differ.
#[cfg(feature = "axum")]
pub(crate) fn diff(before: &Fields, now: &Fields) -> Changes {
    let changed = now.iter().filter(|(name, value)| before.get(*name) != Some(value));
    let deleted = before.keys().filter(|name| !now.contains_key(*name));
    let changed = changed.map(|(name, value)| (name.clone(), Some(value.clone())));
    changed.chain(deleted.map(|name| (name.clone(), None))).collect()
}

/// Makes the changes.
#[cfg(feature = "axum")]
pub(crate) fn apply(fields: &mut Fields, changes: &Changes) {
    for (name, value) in changes {
        match value {
            Some(value) => fields.insert(name.clone(), value.clone()),
            None => fields.remove(name),
        };
    }
}

/// The operations of a JSON Patch (RFC 6902). They never fail, whatever other requests have changed: a field is added
/// before it is removed.
pub(crate) fn operations(changes: &Changes) -> Value {
    let operations = changes.iter().flat_map(|(name, value)| {
        let path = format!("/{}", name.replace('~', "~0").replace('/', "~1"));
        let add = json!({"op": "add", "path": path, "value": value});
        let remove = value.is_none().then(|| json!({"op": "remove", "path": path}));
        [Some(add), remove]
    });
    operations.flatten().collect()
}

/// Applies a JSON Merge Patch (RFC 7396) as the server does.
#[cfg(feature = "axum")]
pub(crate) fn merge(fields: &mut Fields, patch: &Fields) {
    for (name, value) in patch {
        match value {
            Value::Null => {
                fields.remove(name);
            }
            Value::Object(members) => {
                let mut inner = match fields.remove(name) {
                    Some(Value::Object(inner)) => inner,
                    _ => Fields::new(),
                };
                merge(&mut inner, members);
                fields.insert(name.clone(), Value::Object(inner));
            }
            value => {
                fields.insert(name.clone(), value.clone());
            }
        }
    }
}

#[cfg(all(test, feature = "axum"))]
mod tests {
    use serde_json::{Value, json};

    use super::{Fields, apply, diff, operations};

    fn fields(value: Value) -> Fields {
        value.as_object().cloned().unwrap_or_default()
    }

    #[test]
    fn a_patch_has_only_what_changed() {
        let before = fields(json!({"same": [1, {"a": 2}], "changed": {"deep": 1}, "gone": null, "a/b~c": 0}));
        let now = fields(json!({"same": [1, {"a": 2}], "changed": {"deep": 2}, "new": null, "a/b~c": 1}));
        let changes = diff(&before, &now);
        let expected = json!([
            {"op": "add", "path": "/a~1b~0c", "value": 1},
            {"op": "add", "path": "/changed", "value": {"deep": 2}},
            {"op": "add", "path": "/gone", "value": null},
            {"op": "remove", "path": "/gone"},
            {"op": "add", "path": "/new", "value": null},
        ]);
        assert_eq!(operations(&changes), expected);
        let mut changed = before.clone();
        apply(&mut changed, &changes);
        assert_eq!(changed, now);
        assert!(diff(&now, &now).is_empty());
    }

    #[test]
    fn a_merge_is_that_of_rfc_7396() {
        let mut target = fields(json!({"a": "b", "c": {"d": "e", "f": "g"}, "x": [1]}));
        super::merge(&mut target, &fields(json!({"a": "z", "c": {"f": null}, "x": {"y": null, "z": 1}})));
        assert_eq!(target, fields(json!({"a": "z", "c": {"d": "e"}, "x": {"z": 1}})));
    }
}
