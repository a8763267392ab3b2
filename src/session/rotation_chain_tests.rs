use proptest::prelude::*;

use super::{ChainPlace, MOST_IN_GRACE, RotationChain, UnixMillis};
const NOW: UnixMillis = at(1000);

const fn at(millis: i64) -> UnixMillis {
    UnixMillis::new(millis)
}

fn rotated(former: Option<RotationChain>, old: &str, new: &str, end: Option<i64>) -> Option<RotationChain> {
    RotationChain::rotated(former, (old, new), format!("{{\"jti\":\"{new}\"}}"), NOW, end.map(at))
}

#[test]
fn a_token_has_its_grace_and_no_longer() {
    let chain = rotated(None, "a", "b", Some(2000)).unwrap();
    assert_eq!(chain.place("b", NOW), ChainPlace::Current);
    assert_eq!(chain.place("a", at(1999)), ChainPlace::InGrace);
    assert_eq!(chain.place("a", at(2000)), ChainPlace::Retired);
    assert_eq!(chain.place("other", NOW), ChainPlace::Retired);
    assert_eq!((chain.payload(), chain.ends_with(NOW)), ("{\"jti\":\"b\"}", at(2000)));
}

#[test]
fn each_token_of_a_chain_keeps_its_own_grace() {
    let chain = rotated(rotated(None, "a", "b", Some(5000)), "b", "c", Some(2000)).unwrap();
    assert_eq!((chain.place("a", at(4999)), chain.place("b", at(1999))), (ChainPlace::InGrace, ChainPlace::InGrace));
    assert_eq!((chain.place("a", at(5000)), chain.place("b", at(2000))), (ChainPlace::Retired, ChainPlace::Retired));
    assert_eq!((chain.place("c", NOW), chain.ends_with(NOW)), (ChainPlace::Current, at(5000)));
}

#[test]
fn a_rotation_without_grace_ends_the_grace_of_all() {
    let chain = rotated(rotated(None, "a", "b", Some(5000)), "b", "c", None).unwrap();
    assert_eq!((chain.place("a", NOW), chain.place("b", NOW)), (ChainPlace::Retired, ChainPlace::Retired));
    assert_eq!((chain.place("c", NOW), chain.ends_with(NOW)), (ChainPlace::Current, NOW));
}

#[test]
fn the_tombstone_of_another_session_is_not_continued() {
    let chain = rotated(rotated(None, "a", "b", Some(5000)), "x", "y", Some(5000)).unwrap();
    assert_eq!((chain.place("a", NOW), chain.place("x", NOW)), (ChainPlace::Retired, ChainPlace::InGrace));
}

#[test]
fn the_number_of_tokens_in_grace_is_bounded() {
    let step = |chain, number: usize| rotated(chain, &number.to_string(), &(number + 1).to_string(), Some(2000));
    let full = (0..MOST_IN_GRACE).fold(None, |chain, number| Some(step(chain, number).unwrap()));
    assert_eq!(step(full.clone(), MOST_IN_GRACE), None);
    // Without a grace, and when the others are over, there is room again.
    assert!(rotated(full.clone(), "32", "33", None).is_some());
    let later = RotationChain::rotated(full, ("32", "33"), String::new(), at(2000), Some(at(3000))).unwrap();
    assert_eq!(later.grace, [("32".to_owned(), 3000)]);
}

#[test]
fn an_ended_chain_has_no_token_and_no_claims() {
    let chain = rotated(None, "a", "b", Some(5000)).unwrap().into_ended();
    for name in ["a", "b", "c"] {
        assert_eq!(chain.place(name, NOW), ChainPlace::Ended);
    }
    assert_eq!((chain.payload(), chain.ends_with(NOW)), ("", NOW));
    assert_eq!(RotationChain::parse(chain.to_json().as_bytes()), Some(chain));
}

#[test]
fn other_values_are_not_chains() {
    let value = rotated(None, "a", "b", Some(5000)).unwrap().to_json();
    for other in ["", "{}", "null", &value[1..], &value[..value.len() - 1], &value.replace("ended", "endet")] {
        assert_eq!(RotationChain::parse(other.as_bytes()), None, "{other}");
    }
}

proptest! {
    #[test]
    fn values_survive_writing_and_reading(
        current in ".*", payload in ".*", grace in prop::collection::vec((".*", any::<i64>()), 0..40), ended: bool,
    ) {
        let chain = RotationChain { current, payload, grace, ended };
        prop_assert_eq!(RotationChain::parse(chain.to_json().as_bytes()), Some(chain));
    }

    #[test]
    fn any_bytes_can_be_read(bytes: Vec<u8>) {
        let _ = RotationChain::parse(&bytes);
    }

    #[test]
    fn exactly_one_token_is_current(steps in prop::collection::vec((0i64..50, prop::option::of(1i64..100)), 1..80)) {
        let (mut chain, mut now, mut ends) = (None, 0, Vec::<(String, i64)>::new());
        for (number, (pause, grace)) in steps.iter().enumerate() {
            now += pause;
            let (old, new) = (number.to_string(), (number + 1).to_string());
            let end = grace.map(|grace| at(now + grace));
            let next = RotationChain::rotated(chain.clone(), (&old, &new), String::new(), at(now), end);
            ends.retain(|(_, end)| *end > now && grace.is_some());
            prop_assert_eq!(next.is_none(), grace.is_some() && ends.len() >= MOST_IN_GRACE);
            let Some(next) = next else { return Ok(()) };
            ends.extend(end.map(|end| (old, end.as_i64())));
            for name in 0..=number + 1 {
                let name = name.to_string();
                let expected = if name == new { ChainPlace::Current }
                    else if ends.iter().any(|(token, _)| *token == name) { ChainPlace::InGrace }
                    else { ChainPlace::Retired };
                prop_assert_eq!(next.place(&name, at(now)), expected);
            }
            chain = Some(next);
        }
    }
}
