//! Reads the blocks of a PEM file (RFC 7468) without leaving copies of a private key in freed memory. The usual
//! libraries copy it into buffers that they do not zeroize.

use base64::{Engine, prelude::BASE64_STANDARD};
use zeroize::Zeroizing;

pub(super) struct Block<'f> {
    /// The label after `BEGIN`.
    pub(super) label: &'f str,
    /// Whether the data has a header of OpenSSL's old encryption format (RFC 1421).
    pub(super) is_encrypted: bool,
    pub(super) der: Zeroizing<Vec<u8>>,
}

/// Reads all blocks and ignores text around them. `None` if a block is malformed or does not end.
pub(super) fn read(file: &[u8]) -> Option<Vec<Block<'_>>> {
    let mut blocks = Vec::new();
    let mut rest = file;
    while let Some((_, behind)) = split(rest, b"-----BEGIN ") {
        let (label, behind) = split(behind, b"-----")?;
        let (payload, behind) = split(behind, b"-----END ")?;
        let (end, behind) = split(behind, b"-----")?;
        if label.is_empty() || label != end {
            return None;
        }
        let payload = payload.trim_ascii_start();
        let (headers, data) = split(payload, b"\n\n").or_else(|| split(payload, b"\r\n\r\n")).unwrap_or((b"", payload));
        blocks.push(Block {
            label: str::from_utf8(label).ok()?,
            is_encrypted: read_headers(headers)?,
            der: decode(data)?,
        });
        rest = behind;
    }
    Some(blocks)
}

/// Replaces `\n` written as two characters, as in environment variables and JSON, by line ends. Base64 has no
/// backslashes, so no data changes.
pub(super) fn unescape_line_ends(file: &[u8]) -> Zeroizing<Vec<u8>> {
    let mut text = Zeroizing::new(Vec::with_capacity(file.len()));
    let mut rest = file;
    while let Some((first, behind)) = rest.split_first() {
        rest = behind;
        match (first, behind.split_first()) {
            (b'\\', Some((letter @ (b'n' | b'r'), behind))) => {
                text.push(if *letter == b'n' { b'\n' } else { b'\r' });
                rest = behind;
            }
            _ => text.push(*first),
        }
    }
    text
}

/// Splits a text at the first `marker`.
fn split<'f>(text: &'f [u8], marker: &[u8]) -> Option<(&'f [u8], &'f [u8])> {
    let at = text.windows(marker.len()).position(|window| window == marker)?;
    Some((text.get(..at)?, text.get(at + marker.len()..)?))
}

/// Whether the headers say that the data is encrypted. `None` if one of them is not a header.
fn read_headers(headers: &[u8]) -> Option<bool> {
    let mut is_encrypted = false;
    for line in str::from_utf8(headers).ok()?.lines() {
        let (name, value) = line.split_once(':')?;
        is_encrypted |= name.trim() == "Proc-Type" && value.contains("ENCRYPTED");
    }
    Some(is_encrypted)
}

/// Base64 with line ends, and padded.
fn decode(data: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    // A buffer of full size: a growing one would leave copies behind.
    let mut packed = Zeroizing::new(Vec::with_capacity(data.len()));
    packed.extend(data.iter().filter(|byte| !byte.is_ascii_whitespace()));
    let mut der = Zeroizing::new(vec![0; base64::decoded_len_estimate(packed.len())]);
    let length = BASE64_STANDARD.decode_slice(&*packed, &mut der).ok()?;
    der.truncate(length);
    Some(der)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{read, unescape_line_ends};

    proptest! {
        /// The blocks are those that the crate `pem` finds, with any text around and inside them.
        #[test]
        fn blocks_are_those_of_another_reader(
            pieces in prop::collection::vec(prop_oneof![
                Just("-----BEGIN A-----"), Just("-----END A-----"), Just("-----BEGIN B C-----\n"), Just("-----END B C-----"),
                Just("\n"), Just("\r\n"), Just("\n\n"), Just("AAAA"), Just("AA=="), Just("AA="), Just("A"), Just(" "),
                Just("Proc-Type: 4,ENCRYPTED"), Just("a: b"), Just("-----"), Just("x"), Just("é"),
            ], 0..12)
        ) {
            let text = pieces.concat();
            // The crate `pem` does not see a marker that begins inside a malformed one.
            if text.contains("------") {
                return Ok(());
            }
            let ours = read(text.as_bytes());
            let count = |text: &str| text.matches("-----BEGIN ").count();
            // The crate `pem` skips a block that does not end.
            let theirs = pem::parse_many(&text).ok().filter(|blocks| blocks.len() == count(&text));
            let ours = ours.filter(|blocks| blocks.len() == count(&text));
            prop_assert_eq!(ours.is_some(), theirs.is_some(), "{:?}", text);
            for (our, their) in ours.iter().flatten().zip(theirs.iter().flatten()) {
                prop_assert_eq!(our.label, their.tag());
                prop_assert_eq!(&our.der[..], their.contents());
                let is_encrypted = their.headers().get("Proc-Type").is_some_and(|kind| kind.contains("ENCRYPTED"));
                prop_assert_eq!(our.is_encrypted, is_encrypted);
            }
        }
    }

    #[test]
    fn blocks_need_no_line_end_between_them() {
        let text = b"-----BEGIN A-----AAAA-----END A----------BEGIN B-----\nAAAB\n-----END B-----";
        let blocks: Vec<_> =
            read(text).expect("blocks").into_iter().map(|block| (block.label, block.der.to_vec())).collect();
        assert_eq!(blocks, [("A", vec![0, 0, 0]), ("B", vec![0, 0, 1])]);
        // An additional dash before a block is text around it.
        assert_eq!(read(b"------BEGIN A-----AAAA-----END A-----").expect("a block").len(), 1);
        assert!(read(b"-----BEGIN A-----AAAA------END A-----").is_none());
    }

    #[test]
    fn line_ends_are_unescaped() {
        assert_eq!(&unescape_line_ends(br"a\nb\r\nc\d\")[..], b"a\nb\r\nc\\d\\");
    }
}
