//! JSON Merge Patch (RFC 7396).

use serde_json::{Map, Value};

/// Changes `target` into what `patch` makes of it: members are set, those that are null are removed.
///
/// Not `json_patch::merge`, whose removal moves the last member into the gap: members keep their order here.
pub(super) fn merge(target: &mut Value, patch: Value) {
    let Value::Object(patch) = patch else {
        *target = patch;
        return;
    };
    if !target.is_object() {
        *target = Value::Object(Map::new());
    }
    let Value::Object(members) = target else { return };
    // One pass for all of them: each removal by itself would shift all that stands behind it.
    members.retain(|name, _| !patch.get(name).is_some_and(Value::is_null));
    for (name, value) in patch {
        if !value.is_null() {
            merge(members.entry(name).or_insert(Value::Null), value);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::{super::tests::json, merge};

    #[test]
    fn the_examples_of_the_rfc() {
        // RFC 7396 appendix A: target, patch, result.
        for (mut target, patch, result) in [
            (json!({"a":"b"}), json!({"a":"c"}), json!({"a":"c"})),
            (json!({"a":"b"}), json!({"b":"c"}), json!({"a":"b","b":"c"})),
            (json!({"a":"b"}), json!({"a":null}), json!({})),
            (json!({"a":"b","b":"c"}), json!({"a":null}), json!({"b":"c"})),
            (json!({"a":["b"]}), json!({"a":"c"}), json!({"a":"c"})),
            (json!({"a":"c"}), json!({"a":["b"]}), json!({"a":["b"]})),
            (json!({"a":{"b":"c"}}), json!({"a":{"b":"d","c":null}}), json!({"a":{"b":"d"}})),
            (json!({"a":[{"b":"c"}]}), json!({"a":[1]}), json!({"a":[1]})),
            (json!(["a", "b"]), json!(["c", "d"]), json!(["c", "d"])),
            (json!({"a":"b"}), json!(["c"]), json!(["c"])),
            (json!({"a":"foo"}), json!(null), json!(null)),
            (json!({"a":"foo"}), json!("bar"), json!("bar")),
            (json!({"e":null}), json!({"a":1}), json!({"e":null,"a":1})),
            (json!([1, 2]), json!({"a":"b","c":null}), json!({"a":"b"})),
            (json!({}), json!({"a":{"bb":{"ccc":null}}}), json!({"a":{"bb":{}}})),
        ] {
            merge(&mut target, patch);
            assert_eq!(target.to_string(), result.to_string());
        }
    }

    #[test]
    fn members_that_stay_keep_their_order() {
        let mut target = json!({"d":1,"b":2,"c":3,"a":4});
        merge(&mut target, json!({"b":null,"e":5,"c":6}));
        assert_eq!(target.to_string(), r#"{"d":1,"c":6,"a":4,"e":5}"#);
    }

    proptest! {
        #[test]
        fn it_agrees_with_the_crate(mut target in json(), patch in json()) {
            let mut other: Value = target.clone();
            json_patch::merge(&mut other, &patch);
            merge(&mut target, patch);
            prop_assert_eq!(target, other);
        }
    }
}
