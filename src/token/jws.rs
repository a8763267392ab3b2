//! The compact serialization of a JWS (RFC 7515 section 7.1), split without a copy.

use super::{TokenError, base64url::append, token_detection::wrapping};

/// The parts of a compact JWS, encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CompactJws<'t> {
    /// The header in base64url.
    pub header: &'t [u8],
    /// The payload in base64url.
    pub payload: &'t [u8],
    /// The signature in base64url.
    pub signature: &'t [u8],
    /// The signing input: header, dot, payload.
    pub signed: &'t [u8],
}

impl<'t> CompactJws<'t> {
    /// Splits a token at its dots. Fails unless there are three parts, none of them empty.
    pub fn split(token: &'t [u8]) -> Result<Self, TokenError> {
        const SHAPE: TokenError = TokenError::Malformed("it must have three parts separated by dots");
        const ENCRYPTED: TokenError =
            TokenError::Malformed("it has five parts, but encrypted tokens (JWE) are not supported");
        if let Some(problem) = wrapping(token) {
            return Err(TokenError::Malformed(problem));
        }
        let mut dots = token.iter().enumerate().filter(|(_, byte)| **byte == b'.').map(|(at, _)| at);
        let (Some(first), Some(second), None) = (dots.next(), dots.next(), dots.next()) else {
            return Err(if dots.count() == 1 { ENCRYPTED } else { SHAPE });
        };
        let part = |from: usize, to: usize| token.get(from..to).filter(|part| !part.is_empty()).ok_or(SHAPE);
        Ok(Self {
            header: part(0, first)?,
            payload: part(first + 1, second)?,
            signature: part(second + 1, token.len())?,
            signed: part(0, second)?,
        })
    }
}

/// Appends a dot and `part` in base64url.
pub(super) fn push_part(token: &mut Vec<u8>, part: &[u8]) {
    token.push(b'.');
    append(token, part);
}

#[cfg(test)]
mod tests {
    use super::CompactJws;

    #[test]
    fn a_token_has_three_parts() {
        let parts = CompactJws::split(b"aa.bbb.c").expect("three parts");
        assert_eq!(
            (parts.header, parts.payload, parts.signature, parts.signed),
            (&b"aa"[..], &b"bbb"[..], &b"c"[..], &b"aa.bbb"[..])
        );
        for wrong in ["", ".", "..", "a.b", "a.b.", ".b.c", "a..c", "a.b.c.", "a.b.c.d", "...."] {
            assert!(CompactJws::split(wrong.as_bytes()).is_err(), "{wrong}");
        }
    }
}
