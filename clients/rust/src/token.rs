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

/// The claims that each request needs. The others are not parsed.
#[derive(Deserialize)]
pub(crate) struct Origin {
    /// The id of the session.
    #[serde(rename = "jti")]
    pub(crate) id: String,
    #[cfg(feature = "axum")]
    #[serde(default, rename = "iat")]
    issued: Value,
}

#[cfg(feature = "axum")]
impl Origin {
    /// When the token was issued, in seconds since 1970; 0 if it does not say so.
    pub(crate) fn issued(&self) -> u64 {
        self.issued.as_u64().unwrap_or(0)
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
        serde_json::from_slice(&self.payload()?).ok()
    }

    fn payload(&self) -> Option<Vec<u8>> {
        URL_SAFE_NO_PAD.decode(self.0.split('.').nth(1)?).ok()
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
    fn a_token_may_lack_the_time_of_its_issue() {
        // {"jti":"x"}, {"jti":"x","iat":7}, {"jti":"x","iat":"7"}
        for (text, issued) in
            [("a.eyJqdGkiOiJ4In0.c", 0), ("a.eyJqdGkiOiJ4IiwiaWF0Ijo3fQ.c", 7), ("a.eyJqdGkiOiJ4IiwiaWF0IjoiNyJ9.c", 0)]
        {
            assert_eq!(Token::from(text).origin().map(|origin| origin.issued()), Some(issued), "{text}");
        }
    }
}
