//! The compact serialization of a JWS (RFC 7515 section 7.1), split without a copy.

use base64::{
    Engine,
    alphabet::URL_SAFE,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};

use super::{TokenError, lookalike::wrapping};

/// Strict base64url: no padding, no line breaks, no trailing bits.
const BASE64URL: GeneralPurpose = GeneralPurpose::new(
    &URL_SAFE,
    GeneralPurposeConfig::new()
        .with_encode_padding(false)
        .with_decode_allow_trailing_bits(false)
        .with_decode_padding_mode(DecodePaddingMode::RequireNone),
);

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

/// Decodes one part of a token. Fails on padding, line breaks, other characters and non-canonical endings.
pub fn base64url_decode(part: &[u8]) -> Result<Vec<u8>, TokenError> {
    BASE64URL.decode(part).map_err(|_| TokenError::Malformed("its parts must be canonical unpadded base64url"))
}

/// Decodes a text into a buffer. `None` if it is not base64url or does not fit.
pub(super) fn decode_onto<'d>(text: &[u8], room: &'d mut [u8]) -> Option<&'d [u8]> {
    let length = BASE64URL.decode_slice(text, room).ok()?;
    room.get(..length)
}

/// Whether a byte is a digit of base64url.
pub(super) const fn is_base64url(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')
}

/// `bytes` in base64url.
pub(super) fn encode(bytes: &[u8]) -> String {
    BASE64URL.encode(bytes)
}

/// Appends a dot and `part` in base64url.
pub(super) fn push_part(token: &mut Vec<u8>, part: &[u8]) {
    token.push(b'.');
    let start = token.len();
    token.resize(start + part.len().div_ceil(3) * 4, 0);
    let length = BASE64URL.encode_slice(part, token.get_mut(start..).unwrap_or_default()).unwrap_or(0);
    token.truncate(start + length);
}

#[cfg(test)]
mod tests {
    use super::{CompactJws, base64url_decode};

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

    #[test]
    fn base64url_has_one_spelling() {
        assert_eq!(base64url_decode(b"_-8").expect("base64url"), [0xff, 0xef]);
        for wrong in ["_-8=", "_-9", "/+8", "_ -8", "_-8\n", "\n_-8", "_", "_\0-8", "é"] {
            assert!(base64url_decode(wrong.as_bytes()).is_err(), "{wrong:?}");
        }
    }
}
