//! The JOSE header (RFC 7515 section 4).

use std::borrow::Cow;

use super::{
    TokenError,
    json::{Members, text},
};

/// The header parameters that JRS uses. `jku`, `jwk`, `x5u` and `x5c` are ignored: keys come from the key file only
/// (RFC 8725 section 3.10).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// The `alg`, not checked yet.
    pub algorithm: String,
    /// The `kid`. An empty one counts as absent.
    pub key_id: Option<String>,
    /// The `typ`: the type of token.
    pub token_type: Option<String>,
}

/// The default `typ`.
pub(super) const JWT: &str = "JWT";

/// The `typ` of access tokens (RFC 9068 section 2.1). A session token never has it.
pub const ACCESS_TOKEN: &str = "at+jwt";

/// Whether two values of `typ` are the same media type (RFC 7515 section 4.1.9). Case is ignored, and so is an
/// `application/` before a name without another slash.
pub fn same_type(one: &str, other: &str) -> bool {
    short_type(one).eq_ignore_ascii_case(short_type(other))
}

fn short_type(name: &str) -> &str {
    const APPLICATION: &str = "application/";
    name.split_at_checked(APPLICATION.len())
        .filter(|(kind, rest)| kind.eq_ignore_ascii_case(APPLICATION) && !rest.contains('/'))
        .map_or(name, |(_, rest)| rest)
}

impl Header {
    /// Reads a decoded header. Fails if it is not a JSON object with unique names, if `alg` is not a string, if `kid`
    /// or `typ` is present and not a string, or if it has `crit` (no extension is supported), `b64` (RFC 7797), `enc`
    /// (RFC 7516) or `zip`.
    pub fn read(json: &[u8]) -> Result<Self, TokenError> {
        let members = Members::read(json)
            .map_err(|_| TokenError::Malformed("the header must be a JSON object with unique names"))?;
        for (name, problem) in [
            ("crit", "'crit' extensions are not supported"),
            ("b64", "'b64' is not supported"),
            ("enc", "encrypted tokens (JWE, 'enc') are not supported"),
            ("zip", "compressed tokens ('zip') are not supported, issue them uncompressed"),
        ] {
            if members.get(name).is_some() {
                return Err(TokenError::Header(problem));
            }
        }
        let read = |problem| move |value| text(value).map(Cow::into_owned).ok_or(TokenError::Header(problem));
        let string = |name, problem| members.get(name).map(read(problem)).transpose();
        Ok(Self {
            token_type: string("typ", "'typ' must be a string")?,
            algorithm: string("alg", "'alg' must be a string")?.ok_or(TokenError::Header("'alg' is missing"))?,
            key_id: string("kid", "'kid' must be a string")?.filter(|id| !id.is_empty()),
        })
    }

    /// Checks that `typ` is absent, `JWT` or the realm's token type.
    pub fn check_type(&self, own: Option<&str>) -> Result<(), TokenError> {
        let is_one_of_ours = |found: &str| same_type(found, JWT) || own.is_some_and(|own| same_type(found, own));
        if self.token_type.as_deref().is_none_or(is_one_of_ours) {
            Ok(())
        } else {
            Err(TokenError::Header("'typ' must be JWT or the realm's token-type, so this is not a session token"))
        }
    }

    /// Writes a header: `alg`, `typ`, and `kid` if the key has one. `token_type` must need no escape.
    pub(super) fn write(algorithm: &str, token_type: &str, key_id: Option<&str>) -> String {
        let mut text = format!(r#"{{"alg":"{algorithm}","typ":"{token_type}""#);
        if let Some(key_id) = key_id {
            text.push_str(r#","kid":"#);
            text.push_str(&serde_json::Value::from(key_id).to_string());
        }
        text.push('}');
        text
    }
}

#[cfg(test)]
mod tests {
    use super::{Header, JWT, same_type};

    #[test]
    fn what_is_written_is_read() {
        for key_id in [None, Some("2026-11"), Some("a\"b\\c\u{e9}")] {
            for kind in [JWT, "session+jwt"] {
                let header = Header::read(Header::write("HS256", kind, key_id).as_bytes()).expect("a header");
                assert_eq!((header.algorithm.as_str(), header.key_id.as_deref()), ("HS256", key_id));
                assert_eq!(header.token_type.as_deref(), Some(kind));
            }
        }
    }

    #[test]
    fn types_are_media_types() {
        for same in ["JWT", "jwt", "Jwt", "application/jwt", "APPLICATION/JWT"] {
            assert!(same_type(same, JWT) && same_type(JWT, same), "{same}");
        }
        for other in
            ["", "JW", "JWT ", "at+jwt", "text/jwt", "application/", "application/application/jwt", "applicationjwt"]
        {
            assert!(!same_type(other, JWT), "{other}");
        }
        let check =
            |header: &str, own| Header::read(header.as_bytes()).and_then(|header| header.check_type(own)).is_ok();
        for own in [None, Some("s+jwt")] {
            for good in [r#"{"alg":"a"}"#, r#"{"alg":"a","typ":"jwt"}"#, r#"{"alg":"a","typ":"application/JWT"}"#] {
                assert!(check(good, own), "{good}");
            }
            for bad in ["at+jwt", "logout+jwt", "application/at+jwt", "JWE", "JOSE", "secevent+jwt", "dpop+jwt", ""] {
                assert!(!check(&format!(r#"{{"alg":"a","typ":"{bad}"}}"#), own), "{bad}");
            }
            assert_eq!(check(r#"{"alg":"a","typ":"application/S+JWT"}"#, own), own.is_some());
        }
    }

    #[test]
    fn bad_headers_are_refused() {
        for wrong in [
            "",
            "[]",
            "{}",
            r#"{"typ":"JWT"}"#,
            r#"{"alg":1}"#,
            r#"{"alg":null}"#,
            r#"{"alg":"HS256","kid":1}"#,
            r#"{"alg":"HS256","kid":null}"#,
            r#"{"alg":"HS256","alg":"HS256"}"#,
            r#"{"alg":"HS256","crit":[]}"#,
            r#"{"alg":"HS256","crit":["exp"],"exp":1}"#,
            r#"{"alg":"HS256","b64":false}"#,
            r#"{"alg":"HS256","typ":5}"#,
            r#"{"alg":"HS256","typ":null}"#,
            r#"{"alg":"HS256","typ":["JWT"]}"#,
            r#"{"alg":"HS256","zip":"DEF"}"#,
            r#"{"alg":"HS256","enc":"A256GCM"}"#,
            r#"{"alg":"HS256"}{}"#,
        ] {
            assert!(Header::read(wrong.as_bytes()).is_err(), "{wrong}");
        }
        // Unknown parameters are ignored (RFC 7515 section 4), keys in the header included.
        assert!(Header::read(br#"{"alg":"HS256","jku":"x","jwk":{"kty":"oct"},"cty":5}"#).is_ok());
    }
}
