//! A transaction on a session and on the owner's other keys, which are in the same slot.

use serde_json::json;

use super::{cluster, create, ports};
use crate::support::cluster_clients::{Options, clients, redirections};

#[test]
fn a_session_and_the_owners_own_keys_change_in_one_transaction() {
    let cluster = cluster(0);
    for mut client in clients(&ports(&cluster), Options::default()) {
        for owner in ["ada", "bob", "cy", "user:42"] {
            let [key, token] = &create(&mut client, owner);
            let [orders, seen] = &[format!("orders:{{{owner}}}"), format!("{{{owner}}}:seen")];
            let before = redirections(&cluster);
            let replies = client.transaction(&[
                &["JRS.UPDATE", key, token, r#"{"cart":[]}"#],
                &["RPUSH", orders, "book"],
                &["INCR", seen],
                &["GET", key],
                &["JRS.DESTROY", key, token],
                &["DEL", orders, seen],
            ]);
            let replies = replies.unwrap_or_else(|error| panic!("{error}"));
            assert!(replies[0].is_string(), "{replies}");
            let rest = replies.as_array().unwrap()[1..].to_vec();
            assert_eq!(rest, [json!(1), json!(1), json!(r#"{"cart":[]}"#), json!(1), json!(2)], "{owner}");
            assert_eq!(redirections(&cluster), before);
        }
    }
}

#[test]
fn a_transaction_on_two_owners_changes_nothing() {
    let cluster = cluster(0);
    for mut client in clients(&ports(&cluster), Options::default()) {
        let [ada, bob] = &["ada", "bob"].map(|owner| create(&mut client, owner));
        let error = client
            .transaction(&[
                &["JRS.UPDATE", &ada[0], &ada[1], r#"{"a":1}"#],
                &["JRS.UPDATE", &bob[0], &bob[1], r#"{"a":1}"#],
            ])
            .expect_err("two slots");
        for [key, _] in [ada, bob] {
            assert_eq!(client.send(&["GET", key]), Ok("{}".into()), "{error}");
        }
    }
}
