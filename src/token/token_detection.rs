//! Recognizes arguments that look like a token, so that they are redacted and not taken for something else.

use super::base64url::{decode_onto, is_base64url};

/// The length of an argument that is searched for a token, in bytes: more than the default of `max-token-size`.
const LOOKED_AT: usize = 16 * 1024;
/// The number of base64url characters that are decoded to recognize a header, and the smallest number that suffices.
const HEAD: usize = 24;
const SHORTEST_HEAD: usize = 12;

/// Whether an argument begins like a token, with the base64url of `{` and of `"` or white space.
#[inline]
pub fn begins_like_token(argument: &[u8]) -> bool {
    argument.starts_with(b"ey") || argument.starts_with(b"ew")
}

/// Whether an argument could be a token: misplaced, truncated, quoted, after `Bearer` or otherwise mangled. Such
/// arguments are redacted in SLOWLOG and MONITOR, so a false positive is better than a miss.
pub fn could_be_token(argument: &[u8]) -> bool {
    begins_like_token(argument) || holds_token(argument)
}

/// Whether an argument holds the header of a token: a JSON object in base64url. Names do not hold one by chance.
pub fn holds_token(argument: &[u8]) -> bool {
    let argument = argument.get(..LOOKED_AT).unwrap_or(argument);
    let begins = |pair: &[u8]| matches!(pair, b"ey" | b"ew");
    let starts = argument.windows(2).enumerate().filter(|(_, pair)| begins(pair));
    starts.filter_map(|(at, _)| argument.get(at..)).any(begins_object)
}

/// Whether a text begins with the base64url of `{`, white space, and a member's name in ASCII.
fn begins_object(text: &[u8]) -> bool {
    // The third character distinguishes most words from headers: `{"`, `{ `, or `{` and a line end or tab.
    let third = text.get(2).copied().unwrap_or_default();
    if !(if text.starts_with(b"ey") { b"AIJ".as_slice() } else { b"0ko" }).contains(&third) {
        return false;
    }
    let length = text.iter().take(HEAD).take_while(|byte| is_base64url(**byte)).count() / 4 * 4;
    let mut decoded = [0; HEAD / 4 * 3];
    let Some(object) =
        text.get(..length).filter(|_| length >= SHORTEST_HEAD).and_then(|head| decode_onto(head, &mut decoded))
    else {
        return false;
    };
    let is_text = |byte: &u8| matches!(byte, b' '..=b'~' | b'\n' | b'\r' | b'\t');
    object.strip_prefix(b"{").is_some_and(|rest| {
        let rest = rest.trim_ascii_start();
        rest.iter().all(is_text) && (rest.is_empty() || rest.starts_with(b"\""))
    })
}

/// The error if an HTTP authentication scheme is passed with the token, as one argument or two.
pub(super) const SCHEME: &str = "it begins with a word such as 'Bearer': pass the token alone";

/// What surrounds a token and should not: a sentence that also says what to do.
pub(super) fn wrapping(token: &[u8]) -> Option<&'static str> {
    let (first, last) = (*token.first()?, *token.last()?);
    if begins_with_scheme(token) {
        return Some(SCHEME);
    }
    if first.is_ascii_whitespace() || last.is_ascii_whitespace() {
        return Some("it begins or ends with whitespace: pass the token without it");
    }
    let is_quote = |byte| matches!(byte, b'"' | b'\'' | b'`');
    (is_quote(first) || is_quote(last)).then_some("it is in quotes: pass the token without them")
}

/// Whether a text begins with an authentication scheme, as HTTP's `Authorization` header does (RFC 9110 section 11.4).
fn begins_with_scheme(text: &[u8]) -> bool {
    const BEARER: &[u8] = b"bearer";
    const LONGEST_SCHEME: usize = 16;
    let text = text.trim_ascii_start();
    text.get(..BEARER.len()).is_some_and(|start| start.eq_ignore_ascii_case(BEARER))
        || text
            .iter()
            .take(LONGEST_SCHEME)
            .position(|byte| !byte.is_ascii_alphabetic())
            .is_some_and(|end| end > 0 && text.get(end) == Some(&b' '))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{begins_with_scheme, could_be_token, holds_token, wrapping};
    use crate::token::base64url::encode;

    const TOKEN: &str = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJqdGkiOiJhIn0.c2lnbmF0dXJl";

    #[test]
    fn tokens_are_recognized_however_they_are_mangled() {
        let fronts = ["", "Bearer ", "Bearer%20", "  ", "\"", "token=", "x", "\u{feff}", "\0\u{e9}", "{user:"];
        let rests = ["", "\"", ";", "}"].map(|rest| format!("{TOKEN}{rest}"));
        let cut = [TOKEN.replace('.', "!"), TOKEN.replace('.', "%2E"), TOKEN[..20].to_owned(), TOKEN[5..].to_owned()];
        let whole = fronts.iter().flat_map(|front| rests.iter().map(move |rest| format!("{front}{rest}")));
        for mangled in whole.chain(cut) {
            assert!(could_be_token(mangled.as_bytes()) && holds_token(mangled.as_bytes()), "{mangled}");
        }
        for header in
            ["{\"alg\":\"HS256\"}", "{ \"alg\" : 1 }", "{\n  \"alg\": 1}", "{\r\n\t\"kid\":\"a\"}", "{\t\"a\":1234567}"]
        {
            assert!(holds_token(encode(header.as_bytes()).as_bytes()), "{header:?}");
        }
        assert!(could_be_token(b"eyx") && could_be_token(b"ewx"));
    }

    #[test]
    fn owners_are_not_tokens() {
        for name in [
            "",
            "ey",
            "ew",
            "eyal",
            "eyjolfur.j.jonsson",
            "ewan.mcgregor@example.com",
            "EyJamesBond007x",
            "keyJohnson_Smith_1990",
            "user:eyJ",
            "eyJ.eyJ.eyJ",
            "9b2c5e1c-6e0b-4a57-8d9a-3f3a8f6d2c11",
            "monkeyIsland2_the_revenge",
            "sess:{user:42}:0192f3a4",
            "eyeyeyeyeyeyeyeyeyeyeyeyeyey",
            "0xA1b2C3d4E5f6A7b8C9d0",
            "{\"a\":\"b\"}",
        ] {
            assert!(!holds_token(name.as_bytes()), "{name}");
        }
    }

    #[test]
    fn what_is_around_a_token_is_named() {
        let named = |text: &str, word| wrapping(text.as_bytes()).is_some_and(|problem| problem.contains(word));
        for scheme in ["Bearer ", "bearer ", "BEARER  ", " Bearer ", "DPoP ", "Bearer:", "Bearer%20"] {
            assert!(named(&format!("{scheme}{TOKEN}"), "'Bearer'"), "{scheme}");
        }
        for (wrong, word) in
            [(" t", "whitespace"), ("t\n", "whitespace"), ("\"t\"", "quotes"), ("'t", "quotes"), ("t\"", "quotes")]
        {
            assert!(named(wrong, word), "{wrong}");
        }
        for bare in [TOKEN, "", "x", "t t", "a.b.c"] {
            assert_eq!(wrapping(bare.as_bytes()).is_some(), bare == "t t", "{bare}");
        }
        assert!(
            begins_with_scheme(b"Bearer") && !begins_with_scheme(b"sess:{bearer}:x") && !begins_with_scheme(b"abc")
        );
    }

    proptest! {
        #[test]
        fn every_token_is_recognized_behind_anything(
            kid in "[ -~]{0,20}", before in prop::collection::vec(any::<u8>(), 0..20), blank in "[ \n\r\t]{0,3}",
        ) {
            let header = format!("{{{blank}{}:{}}}", serde_json::Value::from("alg"), serde_json::Value::from(kid));
            let token = [before, encode(header.as_bytes()).into_bytes(), b".e30.".to_vec()].concat();
            prop_assert!(holds_token(&token));
        }

        #[test]
        fn anything_can_be_looked_at(text in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = (could_be_token(&text), wrapping(&text));
        }
    }
}
