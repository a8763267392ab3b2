//! The token of a session.

use std::fmt;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::Deserialize;
use serde_json::{Map, Value};

/// The claims of a token: a JSON object.
pub type Claims = Map<String, Value>;

/// The token of a session: what a client sends with each request. `Debug` does not show it.
///
/// It gives access to the session, so send it only to its user, and do not log it.
///
/// ```
/// let token = jrs_client::Token::from("eyJhbGciOiJIUzI1NiJ9.e30.c2ln");
/// assert_eq!(format!("{token:?}"), "Token([redacted])");
/// assert!(token.as_str().starts_with("ey"));
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Token(String);

/// How many characters of a payload are decoded at first: the id and the time of most tokens. A multiple of 4.
const ORIGIN: usize = 128;

/// Which session a token is for, and since when: not verified.
pub(crate) struct Origin {
    /// The id of the session.
    pub(crate) id: String,
    /// When the token was issued, in seconds since 1970; 0 if it does not say so.
    #[cfg_attr(not(feature = "axum"), expect(dead_code, reason = "only the cookies of axum are renewed"))]
    pub(crate) issued: u64,
}

impl Origin {
    /// Reads the claims that the server writes first. Each request does this, and parsing all claims takes longer.
    fn of_server(payload: &[u8]) -> Option<Origin> {
        let text = std::str::from_utf8(payload).ok()?;
        let (id, rest) = text.strip_prefix(r#"{"jti":""#)?.split_once('"')?;
        let (issued, _) = rest.strip_prefix(r#","iat":"#)?.split_once([',', '}'])?;
        if id.contains('\\') {
            return None;
        }
        Some(Origin { id: id.to_owned(), issued: issued.parse().ok()? })
    }

    /// Reads any claims.
    fn of_any(payload: &[u8]) -> Option<Origin> {
        #[derive(Deserialize)]
        struct Payload {
            jti: String,
            #[serde(default)]
            iat: Value,
        }
        let Payload { jti, iat } = serde_json::from_slice(payload).ok()?;
        Some(Origin { id: jti, issued: iat.as_u64().unwrap_or(0) })
    }
}

impl Token {
    /// The text of the token.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The text of the token, without a copy.
    pub fn into_string(self) -> String {
        self.0
    }

    /// The claims, **not verified**: anyone can have written them. Those of a [`Session`](crate::Session) are verified.
    pub fn unverified_claims(&self) -> Option<Claims> {
        serde_json::from_slice(&self.payload()?).ok()
    }

    /// The id of the session, not verified: it tells only where the session would be.
    pub(crate) fn session_id(&self) -> Option<String> {
        self.origin().map(|origin| origin.id)
    }

    /// Which session the token is for, and since when: not verified. `None` if the token has no id.
    pub(crate) fn origin(&self) -> Option<Origin> {
        let payload = self.encoded_payload()?;
        let start = payload.get(..ORIGIN).unwrap_or(payload);
        let mut bytes = [0; ORIGIN / 4 * 3];
        let size = URL_SAFE_NO_PAD.decode_slice(start, &mut bytes).unwrap_or(0);
        let of_server = bytes.get(..size).and_then(Origin::of_server);
        of_server.or_else(|| Origin::of_any(&self.payload()?))
    }

    fn payload(&self) -> Option<Vec<u8>> {
        URL_SAFE_NO_PAD.decode(self.encoded_payload()?).ok()
    }

    /// In base64url.
    fn encoded_payload(&self) -> Option<&str> {
        let mut dots = memchr::memchr_iter(b'.', self.0.as_bytes());
        let (start, end) = (dots.next()? + 1, dots.next().unwrap_or(self.0.len()));
        self.0.get(start..end)
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token([redacted])")
    }
}

impl From<String> for Token {
    fn from(text: String) -> Token {
        Token(text)
    }
}

impl From<&str> for Token {
    fn from(text: &str) -> Token {
        Token(text.to_owned())
    }
}

impl From<&Token> for Token {
    fn from(token: &Token) -> Token {
        token.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::Token;

    #[test]
    fn a_token_without_an_id_has_no_session() {
        for text in ["", "x", "a.b", "a.e30.c", "a.!.c", "a.eyJqdGkiOjF9.c"] {
            assert_eq!(Token::from(text).session_id(), None, "{text}");
        }
        assert_eq!(Token::from("a.eyJqdGkiOiJ4In0.c").session_id().as_deref(), Some("x"));
    }

    #[cfg(feature = "axum")]
    #[test]
    fn the_origin_is_that_of_the_claims() {
        use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

        let long = "x".repeat(200);
        for (payload, origin) in [
            (r#"{"jti":"x","iat":7}"#, Some(("x", 7))),
            (r#"{"jti":"{a}:x","iat":7,"sub":"a"}"#, Some(("{a}:x", 7))),
            (r#"{"sub":"a", "iat":7, "jti":"x"}"#, Some(("x", 7))),
            (r#"{"jti":"\"\u0061","iat":7}"#, Some(("\"a", 7))),
            (&format!(r#"{{"jti":"x","iat":7,"a":"{}"}}"#, "é".repeat(99)), Some(("x", 7))),
            (&format!(r#"{{"jti":"{long}","iat":7}}"#), Some((&long, 7))),
            (r#"{"jti":"x"}"#, Some(("x", 0))),
            (r#"{"jti":"x","iat":"7"}"#, Some(("x", 0))),
            (r#"{"jti":"x","iat":7.5}"#, Some(("x", 0))),
            (r#"{"jti":1,"iat":7}"#, None),
            (r#"{"jti":"x","iat":7"#, None),
            (r#"{"jti":"x"#, None),
        ] {
            let token = Token::from(format!("a.{}.c", URL_SAFE_NO_PAD.encode(payload)));
            let read = token.origin().map(|origin| (origin.id, origin.issued));
            assert_eq!(read, origin.map(|(id, issued)| (id.to_owned(), issued)), "{payload}");
        }
    }
}
