//! The settings profiles of docs/compliance.md load, and sessions under them end as the page says.

use std::{collections::HashMap, fs, path::Path};

use redis::{Connection, Value};
use serde_json::Value as Json;

use crate::support::{
    Server,
    cases::each,
    clock::Clock,
    sessions::{create, exec, get, peek, refused, send},
    tokens::{claims, elliptic_jwk, jwk},
};

/// Settings of a realm that JRS.REALMS does not show.
const HIDDEN: [&str; 3] = ["keys-file", "data-keys-file", "allow-weak-secret"];

/// A profile of the page.
#[derive(Debug)]
struct Profile {
    realm: String,
    /// The block, with paths that are relative to the server's folder.
    file: String,
    /// The fields in the order of the block, as JRS.REALMS shows them.
    fields: Vec<(String, String)>,
}

impl Profile {
    fn read(block: &str) -> Profile {
        let mut lines = block.lines();
        let realm = lines.next().and_then(|line| line.strip_prefix("[realm.")?.strip_suffix(']')).expect("a realm");
        let fields = lines.map(|line| {
            let (name, value) = line.split_once(" = ").expect("a field");
            let shown = match value.trim_matches('"') {
                "true" => "yes",
                "false" => "no",
                value => value,
            };
            let bytes = shown.strip_suffix("kb").map(|number| number.parse::<i64>().expect("a number") * 1024);
            (name.to_owned(), bytes.map_or_else(|| shown.to_owned(), |bytes| bytes.to_string()))
        });
        Profile { realm: realm.to_owned(), file: block.replace("/etc/redis/", ""), fields: fields.collect() }
    }

    fn text(&self, name: &str) -> &str {
        &self.fields.iter().find(|(field, _)| field == name).unwrap_or_else(|| panic!("{name} in {self:?}")).1
    }

    fn number(&self, name: &str) -> i64 {
        self.text(name).parse().expect("a number")
    }

    fn create(&self, conn: &mut Connection, owner: &str) -> String {
        create(conn, owner, r#"{"n":1}"#, &["REALM", &self.realm])
    }

    /// A server with this realm, on a clock.
    fn start(&self, clock: &Clock) -> Server {
        let server = clock.of(Server::builder()).start();
        let write = |name: &str, text: String| fs::write(server.dir().join(name), text).unwrap();
        write(self.text("keys-file").trim_start_matches("/etc/redis/"), elliptic_jwk().to_string());
        let mut data_key = jwk("data-1", "A256GCM", &[7; 32]);
        data_key["use"] = "enc".into();
        write(self.text("data-keys-file").trim_start_matches("/etc/redis/"), data_key.to_string());
        write("realms.toml", self.file.clone());
        exec(&mut server.conn(), &["CONFIG", "SET", "jrs.realms-file", "realms.toml"]);
        server
    }
}

/// The profiles of the page, AAL2 first.
fn profiles() -> [Profile; 2] {
    let page = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/compliance.md")).unwrap();
    let blocks = page.split("```toml\n").skip(1).map(|rest| Profile::read(rest.split_once("```").unwrap().0));
    let profiles: Vec<_> = blocks.collect();
    let [aal2, aal3] = profiles.try_into().expect("two profiles");
    assert_eq!((&*aal2.realm, &*aal3.realm), ("aal2", "aal3"));
    [aal2, aal3]
}

#[test]
fn the_profiles_keep_the_limits_of_the_standard() {
    let [aal2, aal3] = profiles();
    for (profile, overall, inactivity) in [(aal2, 24 * 3600, 3600), (aal3, 12 * 3600, 15 * 60)] {
        assert!((1..=overall).contains(&profile.number("max-lifetime")), "{profile:?}");
        assert!((1..=inactivity).contains(&profile.number("max-age")), "{profile:?}");
        assert!(profile.number("anonymous-max-age") <= profile.number("max-age"), "{profile:?}");
    }
}

#[test]
fn each_setting_of_a_profile_is_taken_and_none_is_left_out() {
    let clock = Clock::new();
    for profile in each(profiles()) {
        let server = profile.start(&clock);
        let conn = &mut server.conn();
        let realms: Vec<HashMap<String, Value>> = send(conn, &["JRS.REALMS"]).unwrap();
        let text = |value: &Value| redis::from_redis_value_ref::<String>(value).unwrap();
        let realm = realms.iter().find(|realm| text(&realm["name"]) == profile.realm).expect("the realm");
        for (name, value) in profile.fields.iter().filter(|(name, _)| !HIDDEN.contains(&&**name)) {
            assert_eq!(&text(&realm[name]), value, "{name}");
        }
        for name in realm.keys().filter(|name| !["name", "keys", "not-before"].contains(&&***name)) {
            profile.text(name);
        }
        let info: String = send(conn, &["INFO", "jrs"]).unwrap();
        let line =
            info.lines().find(|line| line.starts_with(&format!("jrs_realm_{}:", profile.realm))).expect("the realm");
        assert!(line.contains("keys=slow") && line.contains("data_keys=data-1"), "{line}");
    }
}

#[test]
fn sessions_end_by_inactivity_and_by_overall_time() {
    for profile in each(profiles()) {
        let clock = Clock::new();
        let server = profile.start(&clock);
        let conn = &mut server.conn();
        let [used, idle, renewed] = ["ada", "bob", "cyd"].map(|owner| profile.create(conn, owner));
        let (max_age, max_lifetime) = (profile.number("max-age"), profile.number("max-lifetime"));
        let step = max_age * 2 / 3;
        let mut renewed = renewed;
        for time in (1..).map(|count| count * step).take_while(|time| *time < max_lifetime) {
            clock.set(conn, time);
            assert!(get(conn, &used).is_some(), "after {time} seconds");
            // A look at the session is not a use.
            assert_eq!(peek(conn, &idle).is_some(), time < max_age, "after {time} seconds");
            if time / step == max_lifetime / step / 2 {
                renewed = send(conn, &["JRS.ROTATE", &renewed, "REAUTH"]).unwrap();
            } else {
                assert!(get(conn, &renewed).is_some(), "after {time} seconds");
            }
        }
        clock.set(conn, max_lifetime);
        assert_eq!(refused(conn, &["JRS.GET", &used]), "EXPIREDTOKEN");
        assert!(get(conn, &renewed).is_some());
    }
}

#[test]
fn logins_guests_access_tokens_and_rotations_are_as_the_profile_says() {
    for profile in each(profiles()) {
        let clock = Clock::new();
        let server = profile.start(&clock);
        let conn = &mut server.conn();
        let guest = profile.create(conn, "");
        let ttl = get(conn, &guest).expect("a session").ttl;
        assert!((1..=profile.number("anonymous-max-age")).contains(&ttl), "{ttl}");
        // A login has no grace.
        let user: String = send(conn, &["JRS.ROTATE", &guest, "OWNER", "ada", "REAUTH"]).unwrap();
        assert!(get(conn, &guest).is_none());
        exec(conn, &["JRS.GET", &user, "MAXAUTHAGE", "300"]);

        let access = claims(&send::<String>(conn, &["JRS.MINT", &user, "AUDIENCE", "https://api.example"]).unwrap());
        let seconds = |name: &str| access[name].as_i64().unwrap();
        assert_eq!(seconds("exp") - seconds("iat"), profile.number("access-token-age"));
        assert_eq!(access["iss"], Json::from(profile.text("issuer")));

        let rotated: String = send(conn, &["JRS.ROTATE", &user]).unwrap();
        exec(conn, &["JRS.PEEK", &rotated]);
        clock.set(conn, profile.number("max-age") / 2);
        assert_eq!(refused(conn, &["JRS.GET", &rotated, "MAXAUTHAGE", "300"]), "STALEAUTH");
        // The old token ends the session after its grace.
        for token in [&user, &rotated] {
            assert_eq!(refused(conn, &["JRS.GET", token]), "REUSED");
        }

        let limit = profile.number("max-sessions");
        for _ in 0..=limit {
            profile.create(conn, "bob");
        }
        let count: i64 = send(conn, &["JRS.COUNT", "bob", "REALM", &profile.realm]).unwrap();
        assert_eq!(count, limit);
    }
}
