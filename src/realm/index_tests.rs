use std::sync::Arc;

use super::RealmIndex;
use crate::{
    realm::Realm,
    settings::Settings,
    token::{Algorithm, Header, KeyDefaults, KeyRing, read_keys},
};

/// Secrets with these ids.
fn ring(ids: impl Iterator<Item = String>) -> Arc<KeyRing> {
    let jwk = |id: String| format!(r#"{{"kty":"oct","kid":"{id}","k":"c2VjcmV0"}}"#);
    let set = format!(r#"{{"keys":[{}]}}"#, ids.map(jwk).collect::<Vec<_>>().join(","));
    let defaults = KeyDefaults { algorithm: Algorithm::HS256, allow_weak_secret: true };
    Arc::new(read_keys(set.as_bytes(), defaults).expect("keys"))
}

fn realm(name: &str, keyspace: &str, keys: &Arc<KeyRing>) -> Arc<Realm> {
    let settings = Settings { keyspace: keyspace.to_owned(), ..Settings::UNSET };
    Arc::new(Realm::new(name, settings, Arc::clone(keys)))
}

fn header(algorithm: &str, id: &str) -> Header {
    Header::read(format!(r#"{{"alg":"{algorithm}","kid":"{id}"}}"#).as_bytes()).expect("a header")
}

fn one(id: &str) -> Arc<KeyRing> {
    ring(std::iter::once(id.to_owned()))
}

#[test]
fn realms_are_found_by_name_session_and_key() {
    let list = [("default", "s:", "x"), ("b", "a:", ""), ("c", "t", "z")];
    let list = list.map(|(name, keyspace, id)| realm(name, keyspace, &one(id)));
    let index = RealmIndex::new(&list, None).expect("an index");
    assert_eq!(["default", "c", "d", ""].map(|name| index.named(name)), [Some(0), Some(2), None, None]);
    for (key, position) in [
        ("s:1", Some(0)),
        ("s:", Some(0)),
        ("a:\u{ff}", Some(1)),
        ("t{}", Some(2)),
        ("s", None),
        ("s;", None),
        ("a", None),
        ("", None),
        ("z", None),
    ] {
        assert_eq!(index.of_session(key.as_bytes()), position, "{key}");
    }
    assert_eq!(["x", "z", "", "y"].map(|id| index.of_token(&header("HS256", id))), [Some(0), Some(2), Some(1), None]);
}

/// Without a kid the algorithm determines the realm, if only one realm has such keys.
#[test]
fn tokens_without_a_kid_have_at_most_one_realm() {
    let jwks = [
        (r#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#, "a"),
        (r#"{"kty":"oct","k":"c2VjcmV0"}"#, "b"),
        (r#"{"kty":"OKP","crv":"Ed25519","x":"GNPV1YJVCd5PN1uLv2HAYaFVV9OfIPKv3POKPoLiqS4"}"#, "c"),
        (r#"{"kty":"OKP","crv":"Ed25519","x":"GNPV1YJVCd5PN1uLv2HAYaFVV9OfIPKv3POKPoLiqS4","kid":"d"}"#, "d"),
    ];
    let defaults = KeyDefaults { algorithm: Algorithm::HS256, allow_weak_secret: true };
    let realms =
        jwks.map(|(jwk, name)| realm(name, name, &Arc::new(read_keys(jwk.as_bytes(), defaults).expect("a key"))));
    let [a, b, c, d] = &realms;
    for (list, by_algorithm) in [
        (vec![a, b], [Some(0), Some(0), Some(1), Some(1)]),
        (vec![b, a], [Some(1), Some(1), Some(0), Some(0)]),
        (vec![a, c], [None; 4]),
        (vec![d, a], [Some(1), Some(1), None, None]),
        (vec![a, b, c], [None, None, Some(1), Some(1)]),
    ] {
        let list: Vec<_> = list.into_iter().map(Arc::clone).collect();
        let index = RealmIndex::new(&list, None).expect("an index");
        // No key is for RS256. The realm of secrets without kid refuses the token for its algorithm.
        let found = ["EdDSA", "Ed25519", "HS256", "RS256"].map(|algorithm| index.of_token(&header(algorithm, "")));
        assert_eq!(found, by_algorithm, "{list:?}");
        for key in list.iter().flat_map(|realm| realm.keys.keys()).filter_map(|key| key.id()) {
            let owner = list.iter().position(|realm| realm.keys.knows(Some(key)));
            assert_eq!(index.of_token(&header("EdDSA", key)), owner, "{key}");
        }
    }
}

/// Comparing every key with every other would take minutes, so this test would time out.
#[test]
fn many_keys_of_many_realms_are_compared_once() {
    const REALMS: usize = 400;
    let name = |number: usize| format!("realm{number:03}");
    let rings: Vec<_> = (0..REALMS).map(|at| ring((0..100).map(move |key| format!("{at} {key}")))).collect();
    let list = |rings: &[Arc<KeyRing>]| -> Vec<_> {
        rings.iter().enumerate().map(|(at, keys)| realm(&name(at), &name(at), keys)).collect()
    };
    let index = RealmIndex::new(&list(&rings), None).expect("an index");
    for at in 0..REALMS {
        assert_eq!(index.of_token(&header("HS256", &format!("{at} 99"))), Some(at));
        assert_eq!((index.named(&name(at)), index.of_session(name(at).as_bytes())), (Some(at), Some(at)));
    }
    // Realms with the same keys share the index.
    let same = RealmIndex::new(&list(&rings), Some(&index)).expect("an index");
    assert!(Arc::ptr_eq(&same.by_key, &index.by_key));
    // With a key ring more, or another one, all keys are indexed again.
    for rings in [&rings[1..], &[&rings[1..], &[one("new")]].concat()] {
        let changed = RealmIndex::new(&list(rings), Some(&index)).expect("an index");
        assert!(!Arc::ptr_eq(&changed.by_key, &index.by_key));
        assert_eq!(
            (changed.of_token(&header("HS256", "0 0")), changed.of_token(&header("HS256", "1 0"))),
            (None, Some(0))
        );
    }
    let clash: Vec<_> = rings.iter().cloned().chain([one("399 99")]).collect();
    assert_eq!(RealmIndex::new(&list(&clash), Some(&index)).expect_err("a conflict").later, "realm400");
}
