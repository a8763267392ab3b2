//! Encodings of keys: base64 in both alphabets, hexadecimal, UTF-16. All are read leniently, and decoded bytes are
//! zeroized, because they may be a secret.

use zeroize::Zeroizing;

use super::{Look, find_decoded};

/// The shortest piece that is decoded, in characters. No key is shorter.
const SHORTEST: usize = 16;

/// Characters around bytes in hexadecimal or decimal.
const SEPARATORS: &[u8] = b":,;-_%\\xX{}[]()";

/// Commands that undo the encodings.
const BASE64: (&str, &str) = ("base64", "base64 -di");
const BASE64URL: (&str, &str) = ("base64url", "tr -- -_ +/ | base64 -di 2> /dev/null");
const HEX: (&str, &str) = ("hexadecimal", "perl -pe '$_ = pack \"H*\", s/[^0-9a-f]//gir'");

/// Finds a key, or another text that is not a secret, in the pieces of a text that are base64 or hexadecimal, and in
/// the whole text.
pub(super) fn find(text: &[u8], layers: usize) -> Option<Look> {
    // Without white space: lines may have been joined by spaces.
    let mut packed = Zeroizing::new(Vec::with_capacity(text.len()));
    packed.extend(text.iter().filter(|byte| !byte.is_ascii_whitespace() && !matches!(byte, b':' | b',')));
    let hex = hex_digits(text).filter(|hex| hex.len() >= SHORTEST);
    if let Some(look) = hex.and_then(|hex| find_decoded(&from_hex(&hex), layers)) {
        return Some(look.within(if text.contains(&b'x') { (HEX.0, "") } else { HEX }));
    }
    // Also inside another text, such as a key of `openssl -text` or an array of a programming language.
    let separators: [&[u8]; 2] = [b"", b" \t\r\n"];
    for blanks in separators {
        let is_number = |byte: &u8| byte.is_ascii_hexdigit() || SEPARATORS.contains(byte) || blanks.contains(byte);
        let pieces = text.split(|byte| !is_number(byte)).filter(|piece| piece.len() >= 2 * SHORTEST);
        for bytes in
            pieces.flat_map(|piece| [hex_digits(piece).map(|hex| from_hex(&hex)), from_decimal(piece)]).flatten()
        {
            if let Some(look) = find_decoded(&bytes, layers) {
                return Some(look.within(("numbers", "")));
            }
        }
    }
    let whole = text.trim_ascii();
    let is_whole = |piece: &[u8]| piece.len() + 2 >= whole.len();
    let pieces = text.split(|byte| !is_base64(*byte));
    pieces.chain([&packed[..]]).filter(|piece| piece.len() >= SHORTEST).find_map(|piece| {
        if !piece.iter().all(|byte| is_base64(*byte) || *byte == b'=') {
            return None;
        }
        let has_hex = piece.iter().all(u8::is_ascii_hexdigit);
        let look = if has_hex { find_decoded(&from_hex(piece), layers).map(|look| look.within(HEX)) } else { None };
        let (layer, undo) = if piece.iter().any(|byte| matches!(byte, b'-' | b'_')) { BASE64URL } else { BASE64 };
        let undo = if is_whole(piece) { undo } else { "" };
        look.or_else(|| find_decoded(&from_base64(piece), layers).map(|look| look.within((layer, undo))))
            // A key without its first characters still has the name of its type.
            .or_else(|| (1..4).find_map(|skipped| super::binary::find(&from_base64(piece.get(skipped..)?))))
    })
}

const fn is_base64(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'-' | b'_')
}

/// The digits of a hexadecimal text, with any separators: `30:82`, `30-82`, `0x30, 0x82`, `%30%82`.
fn hex_digits(text: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let mut digits = Zeroizing::new(Vec::with_capacity(text.len()));
    let mut before = b' ';
    for byte in text {
        match byte {
            b'x' | b'X' if before == b'0' => drop(digits.pop()),
            b'x' | b'X' if !before.is_ascii_hexdigit() => {}
            _ if byte.is_ascii_hexdigit() => digits.push(*byte),
            _ if byte.is_ascii_whitespace() || SEPARATORS.contains(byte) => {}
            _ => return None,
        }
        before = *byte;
    }
    Some(digits)
}

/// Bytes in decimal: `48, 130, 1`.
fn from_decimal(text: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let text = str::from_utf8(text).ok()?.trim_matches(|char: char| !char.is_ascii_digit());
    let mut bytes = Zeroizing::new(Vec::with_capacity(text.len()));
    for number in text.split([',', ';', ' ', '\n']).filter(|number| !number.is_empty()) {
        bytes.push(number.trim().parse().ok()?);
    }
    Some(bytes)
}

pub(super) fn from_base64(text: &[u8]) -> Zeroizing<Vec<u8>> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(text.len()));
    let (mut bits, mut count) = (0_u32, 0);
    for byte in text {
        let value = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' | b'-' => 62,
            b'/' | b'_' => 63,
            _ => continue,
        };
        bits = bits << 6 | u32::from(value);
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push((bits >> count & 0xff).try_into().unwrap_or_default());
        }
    }
    bytes
}

fn from_hex(text: &[u8]) -> Zeroizing<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16).unwrap_or_default();
    let mut bytes = Zeroizing::new(Vec::with_capacity(text.len()));
    for pair in text.chunks_exact(2) {
        if let [high, low] = pair {
            bytes.push((digit(*high) << 4 | digit(*low)).try_into().unwrap_or_default());
        }
    }
    bytes
}

/// UTF-16, with or without a byte order mark.
pub(super) fn utf16(file: &[u8]) -> Option<Look> {
    let command = match file {
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => "iconv -f UTF-16 -t UTF-8",
        _ if from_utf16(file).is_none() => return None,
        [0, ..] => "iconv -f UTF-16BE -t UTF-8",
        _ => "iconv -f UTF-16LE -t UTF-8",
    };
    Some(Look::new("text in UTF-16", "convert it to UTF-8", command))
}

/// The ASCII characters of text in UTF-16, where every second byte is a NUL. `None` for another text.
pub(super) fn from_utf16(bytes: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let bytes = bytes.strip_prefix(b"\xff\xfe").or_else(|| bytes.strip_prefix(b"\xfe\xff")).unwrap_or(bytes);
    let nuls = |start: usize| bytes.iter().skip(start).step_by(2).filter(|byte| **byte == 0).count();
    let most = bytes.len() / 2;
    if most < 4 || nuls(0).max(nuls(1)) * 10 < most * 9 {
        return None;
    }
    let mut text = Zeroizing::new(Vec::with_capacity(bytes.len()));
    text.extend(bytes.iter().filter(|byte| **byte != 0));
    Some(text)
}
