//! The claims of a session, which most requests do not look at.

use std::sync::OnceLock;

use crate::Claims;

/// Claims that are parsed when they are first asked for.
#[derive(Default)]
pub(super) struct LazyClaims {
    text: Vec<u8>,
    parsed: OnceLock<Claims>,
}

impl LazyClaims {
    /// The claims; empty if serde_json cannot read them.
    pub(super) fn get(&self) -> &Claims {
        self.parsed.get_or_init(|| serde_json::from_slice(&self.text).unwrap_or_default())
    }
}

/// The JSON text that the server has sent.
impl From<Vec<u8>> for LazyClaims {
    fn from(text: Vec<u8>) -> LazyClaims {
        LazyClaims { text, parsed: OnceLock::new() }
    }
}

impl From<Claims> for LazyClaims {
    fn from(claims: Claims) -> LazyClaims {
        LazyClaims { text: Vec::new(), parsed: OnceLock::from(claims) }
    }
}

#[cfg(test)]
mod tests {
    use super::LazyClaims;

    #[test]
    fn claims_are_the_text_or_empty() {
        let claims = LazyClaims::from(br#"{"sub":"a"}"#.to_vec());
        assert_eq!(claims.get().get("sub").and_then(|owner| owner.as_str()), Some("a"));
        assert_eq!(LazyClaims::from(claims.get().clone()).get(), claims.get());
        for text in ["", r#"{"x":1e999}"#] {
            assert!(LazyClaims::from(text.as_bytes().to_vec()).get().is_empty(), "{text}");
        }
    }
}
