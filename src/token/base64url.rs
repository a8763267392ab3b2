//! Strict base64url (RFC 4648 section 5, RFC 7515 section 2).

use base64::{
    Engine,
    alphabet::URL_SAFE,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};

use super::TokenError;

/// Strict base64url: no padding, no line breaks, no trailing bits.
const BASE64URL: GeneralPurpose = GeneralPurpose::new(
    &URL_SAFE,
    GeneralPurposeConfig::new()
        .with_encode_padding(false)
        .with_decode_allow_trailing_bits(false)
        .with_decode_padding_mode(DecodePaddingMode::RequireNone),
);

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

/// Appends `bytes` in base64url.
pub(super) fn append(text: &mut Vec<u8>, bytes: &[u8]) {
    let start = text.len();
    text.resize(start + bytes.len().div_ceil(3) * 4, 0);
    let length = BASE64URL.encode_slice(bytes, text.get_mut(start..).unwrap_or_default()).unwrap_or(0);
    text.truncate(start + length);
}

#[cfg(test)]
mod tests {
    use super::base64url_decode;

    #[test]
    fn base64url_has_one_spelling() {
        assert_eq!(base64url_decode(b"_-8").expect("base64url"), [0xff, 0xef]);
        for wrong in ["_-8=", "_-9", "/+8", "_ -8", "_-8\n", "\n_-8", "_", "_\0-8", "é"] {
            assert!(base64url_decode(wrong.as_bytes()).is_err(), "{wrong:?}");
        }
    }
}
