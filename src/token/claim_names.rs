//! Names of claims, compared as case-insensitive verifiers compare them.
//!
//! RFC 7519 section 4 makes names case-sensitive. But Go's `encoding/json` and others fill a field `sub` from a member
//! `SUB`, so JRS must not sign a claim that differs from a registered one in case only.

use super::ClaimRules;

/// The claim with the session's own deadline (null for none), if `exp` is another time.
pub(super) const SESSION_DEADLINE: &str = "jrs_exp";

/// The claim with the first session of a chain of rotations.
pub(super) const CHAIN: &str = "jrs_chain";

/// The claims that JRS writes into session tokens in every realm.
const ALWAYS: [&str; 7] = ["jti", "iat", "sub", "ttl", "auth_time", SESSION_DEADLINE, CHAIN];
/// The claims that JRS writes into access tokens in every realm.
const IN_ACCESS_TOKENS: [&str; 6] = ["jti", "iat", "exp", "sub", "sid", "auth_time"];
/// The claims that JRS reads and that a caller may write, `iss` and `aud` only where the realm does not set them.
const SHARED: [&str; 4] = ["exp", "nbf", "iss", "aud"];

/// How JRS treats the name of a claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Meaning {
    /// Only JRS writes this claim.
    Reserved(&'static str),
    /// The name differs only in case from this claim, which JRS reads.
    OtherSpelling(&'static str),
    Free,
}

/// The meaning of `name` in a session token of a realm with these rules.
pub(super) fn meaning(name: &str, rules: ClaimRules<'_>) -> Meaning {
    meaning_among(name, &ALWAYS, rules)
}

/// The meaning of `name` in an access token with these rules.
pub(super) fn access_token_meaning(name: &str, rules: ClaimRules<'_>) -> Meaning {
    meaning_among(name, &IN_ACCESS_TOKENS, rules)
}

/// The meaning of `name` if JRS writes the claims in `written`.
fn meaning_among(name: &str, written: &[&'static str], rules: ClaimRules<'_>) -> Meaning {
    let mut all = written.iter().copied().chain(SHARED);
    let Some(known) = all.find(|known| same_but_for_case(name, known)) else { return Meaning::Free };
    let is_reserved = match known {
        "iss" => rules.issuer.is_some(),
        "aud" => rules.audience.is_some(),
        _ => written.contains(&known),
    };
    match (name == known, is_reserved) {
        (false, _) => Meaning::OtherSpelling(known),
        (true, true) => Meaning::Reserved(known),
        (true, false) => Meaning::Free,
    }
}

/// Whether `name` equals `known`, which is in lower case, without regard to case.
fn same_but_for_case(name: &str, known: &str) -> bool {
    name.chars().map(fold).eq(known.chars())
}

/// The lower case of a letter. Covers ASCII and the letters that some case mapping maps to ASCII: U+017F and U+212A by
/// simple folding (Go), U+0130 and U+0131 by upper and lower case (Java's `equalsIgnoreCase`).
const fn fold(char: char) -> char {
    match char {
        '\u{17f}' => 's',
        '\u{212a}' => 'k',
        '\u{130}' | '\u{131}' => 'i',
        _ => char.to_ascii_lowercase(),
    }
}

#[cfg(test)]
mod tests {
    use super::{ALWAYS, ClaimRules, IN_ACCESS_TOKENS, Meaning, SHARED, access_token_meaning, fold, meaning};

    const ANY: ClaimRules<'static> = ClaimRules { issuer: None, audience: None, token_type: None };

    #[test]
    fn every_letter_that_maps_to_ascii_is_folded() {
        for char in char::MIN..=char::MAX {
            for mapped in char.to_lowercase().next().into_iter().chain(char.to_uppercase().next()) {
                // The lower case of U+0130 has a combining dot after the `i`; upper cases of ligatures are several
                // letters.
                let is_letter_for_letter = char.to_lowercase().len().max(char.to_uppercase().len()) == 1;
                if mapped.is_ascii_alphabetic() && (is_letter_for_letter || char == '\u{130}') {
                    assert_eq!(fold(char), mapped.to_ascii_lowercase(), "{char:?}");
                }
            }
        }
    }

    #[test]
    fn registered_names_are_known_in_any_case() {
        let both = ClaimRules { issuer: Some("i"), audience: Some("a"), token_type: None };
        for known in ALWAYS.into_iter().chain(SHARED) {
            let exact = if ALWAYS.contains(&known) { Meaning::Reserved(known) } else { Meaning::Free };
            assert_eq!(meaning(known, ANY), exact);
            let title: String =
                known.chars().take(1).map(|char| char.to_ascii_uppercase()).chain(known.chars().skip(1)).collect();
            for other in [known.to_uppercase(), title, known.replace('s', "\u{17f}"), known.replace('i', "\u{131}")] {
                if other != known {
                    assert_eq!(meaning(&other, ANY), Meaning::OtherSpelling(known), "{other}");
                    assert_eq!(meaning(&other, both), Meaning::OtherSpelling(known), "{other}");
                }
            }
        }
        for known in ["iss", "aud"] {
            assert_eq!(meaning(known, both), Meaning::Reserved(known));
        }
        for known in IN_ACCESS_TOKENS {
            assert_eq!(access_token_meaning(known, ANY), Meaning::Reserved(known));
            assert_eq!(access_token_meaning(&known.to_uppercase(), ANY), Meaning::OtherSpelling(known));
        }
        for (name, rules, expected) in [
            ("iss", ANY, Meaning::Free),
            ("aud", both, Meaning::Reserved("aud")),
            ("nbf", both, Meaning::Free),
            ("Nbf", both, Meaning::OtherSpelling("nbf")),
            ("ttl", both, Meaning::Free),
            ("client_id", both, Meaning::Free),
        ] {
            assert_eq!(access_token_meaning(name, rules), expected, "{name}");
        }
        for free in ["", "s", "subs", "sub ", "su", "role", "jrs-exp", "s\u{fc}b", "name", "kid"] {
            assert_eq!(meaning(free, both), Meaning::Free, "{free}");
        }
    }
}
