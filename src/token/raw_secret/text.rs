//! Recognizes texts that are not secrets by their words and their shape.

use serde::de::IgnoredAny;
use zeroize::Zeroizing;

use super::{Look, contains, encodings, first, ssh};
use crate::token::pem_blocks::unescape_line_ends;

/// Words that no secret has, and what they suggest.
const PEM: [&[u8]; 7] = [b"-----BEGIN", b"-----END", b"BEGIN ", b"PRIVATE", b"PUBLIC KEY", b"CERTIFICATE", b"OPENSSH"];
const XML: [&[u8]; 7] = [b"<rsakeyvalue", b"<modulus", b"<?xml", b"<!doctype", b"<html", b"<x509", b"<keyvalue"];
const FILES: [&[u8]; 8] = [b".pem", b".key", b".json", b".jwk", b".jwks", b".pub", b".crt", b".der"];
/// Beginnings of references, and of what a failed command prints.
const REFERENCES: [&[u8]; 9] =
    [b"arn:", b"urn:", b"did:", b"vault:", b"file:", b"data:", b"https%3a", b"curl: (", b"error: "];
/// Well-known secrets of examples.
const EXAMPLES: [&[u8]; 3] = [
    b"your-256-bit-secret",
    b"a-string-secret-at-least-256-bits-long",
    b"a-valid-string-secret-that-is-at-least-512-bits-long-which-is-very-long",
];
/// Parts of names of variables and settings.
const NAMES: [&[u8]; 9] = [b"secret", b"key", b"token", b"passw", b"jwt", b"modulus", b"hmac", b"exponent", b"private"];

/// The type of a text that is not a secret.
pub(super) fn find(text: &[u8], layers: usize) -> Option<Look> {
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text).trim_ascii();
    // Quotes, and line ends written as two characters, do not change the type of a text.
    let unescaped = unescape_line_ends(text);
    let inner = unquote(&unescaped);
    if inner.len() < unescaped.len() && layers > 0 {
        let mut plain = Zeroizing::new(Vec::with_capacity(inner.len()));
        plain.extend(inner.iter().filter(|byte| **byte != b'\\'));
        if let Some(look) = find(&plain, layers - 1) {
            return Some(look.within(("quotes", "")));
        }
    }
    find_words(&unescaped).or_else(|| encodings::find(&unescaped, layers)).or_else(|| find_shape(&unescaped))
}

/// The text between two equal quotes.
fn unquote(text: &[u8]) -> &[u8] {
    match text {
        [b'"', inner @ .., b'"'] | [b'\'', inner @ .., b'\''] | [b'`', inner @ .., b'`'] => inner,
        _ => text,
    }
}

fn find_words(text: &[u8]) -> Option<Look> {
    let lower = Zeroizing::new(text.to_ascii_lowercase());
    let any = |text: &[u8], words: &[&[u8]]| words.iter().any(|word| contains(text, word));
    let key_or_secret = "put a key in PEM, a JWK or a secret in the file";
    let pem = "keep whole PEM blocks in the file, as openssl writes them";
    let is_escaped = contains(text, b"&quot;") || text.windows(16).any(is_escaped);
    ssh::find(text).or_else(|| {
        first([
            (is_json(text), "JSON", "keep only a JWK or a JWK Set in the file"),
            (any(text, &PEM), "a key or certificate in PEM", pem),
            (any(&lower, &XML) || is_tag(text), "XML or HTML", key_or_secret),
            (is_escaped, "escaped text", key_or_secret),
        ])
    })
}

/// Bytes as programming languages write them: `\x30\x82\x01\x22`.
fn is_escaped(window: &[u8]) -> bool {
    window
        .chunks_exact(4)
        .all(|four| matches!(four, [b'\\', b'x', a, b] if a.is_ascii_hexdigit() && b.is_ascii_hexdigit()))
}

/// JSON, also after another text: a member's name in quotes with a colon, or the `kty` of a JWK.
fn is_json(text: &[u8]) -> bool {
    let is_whole = matches!(text.first(), Some(b'{' | b'[')) && serde_json::from_slice::<IgnoredAny>(text).is_ok();
    let named = |word: &[u8]| {
        text.windows(word.len()).enumerate().filter(|(_, window)| *window == word).any(|(at, _)| {
            let behind = text.get(at + word.len()..).unwrap_or_default();
            let behind = behind.iter().find(|byte| !matches!(byte, b'"' | b'\'' | b'\\' | b' ' | b'\t'));
            matches!(behind, Some(b':' | b'='))
        })
    };
    is_whole || named(b"kty") || named(b"\"keys") || named(b"'keys") || has_member(text)
}

/// `"name":` with at least three letters.
fn has_member(text: &[u8]) -> bool {
    let mut pieces = text.split(|byte| matches!(byte, b'"' | b'\'')).skip(1).peekable();
    while let Some(name) = pieces.next() {
        let name = name.strip_suffix(b"\\").unwrap_or(name);
        let is_name = name.len() >= 3 && name.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'_');
        if is_name && pieces.peek().is_some_and(|next| next.trim_ascii_start().starts_with(b":")) {
            return true;
        }
    }
    false
}

/// A text that begins with a tag.
fn is_tag(text: &[u8]) -> bool {
    let Some(text) = text.strip_prefix(b"<") else { return false };
    let name = text.iter().take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b':').count();
    name >= 2 && matches!(text.get(name), Some(b'>' | b' ' | b'/' | b'\n')) && text.contains(&b'>')
}

fn find_shape(text: &[u8]) -> Option<Look> {
    let is_url = has_scheme(text) || contains(text, b".well-known");
    let is_file = FILES.iter().any(|end| text.ends_with(end));
    let is_comment = text.starts_with(b"# ") || text.starts_with(b"#!");
    let has_name = text.split(|byte| matches!(byte, b'\n' | b'\r')).any(is_assignment);
    first([
        (is_jws(text), "a token", "put the key of its issuer in the file"),
        (is_url, "a URL", "download it, and set the path of the downloaded file"),
        (is_reference(text), "a reference or a placeholder", "write the secret itself to the file"),
        (EXAMPLES.contains(&text), "the secret of a published example", "generate a new one (openssl rand -base64 48)"),
        (is_file, "the name of a file", "set that path itself"),
        (is_comment, "a comment", "keep only the secret in the file"),
        (has_name, "NAME=value", "keep only the value in the file"),
    ])
}

/// A JWS or a JWE: three or five parts, the first of which begins as a JSON object in base64url.
fn is_jws(text: &[u8]) -> bool {
    let text = text.rsplit(|byte| *byte == b' ').next().unwrap_or(text);
    let mut parts = text.split(|byte| *byte == b'.');
    let header = encodings::from_base64(parts.next().unwrap_or_default());
    let is_object =
        header.split_first().is_some_and(|(first, rest)| *first == b'{' && rest.trim_ascii_start().starts_with(b"\""));
    is_object && matches!(parts.count(), 2 | 4)
}

/// `https://` anywhere, with at least three letters before the colon, or `s3://` at the beginning.
fn has_scheme(text: &[u8]) -> bool {
    let is_scheme =
        |window: &[u8]| window.strip_suffix(b"://").is_some_and(|scheme| scheme.iter().all(u8::is_ascii_alphabetic));
    let first = text.iter().take_while(|byte| byte.is_ascii_alphanumeric()).count();
    let begins = first >= 2 && text.get(first..).is_some_and(|rest| rest.starts_with(b"://"));
    begins || text.windows(6).any(is_scheme)
}

/// A reference to a secret elsewhere, or a placeholder.
fn is_reference(text: &[u8]) -> bool {
    let lower = Zeroizing::new(text.to_ascii_lowercase());
    let is_around = |begin: &[u8], end: &[u8]| text.starts_with(begin) && text.ends_with(end);
    REFERENCES.iter().any(|begin| lower.starts_with(begin))
        || is_around(b"<", b">")
        || is_around(b"${", b"}")
        || is_around(b"{{", b"}}")
}

/// A line of a `.env` or property file. The `=` that pads base64 does not count, because no value follows.
fn is_assignment(line: &[u8]) -> bool {
    let line = line.trim_ascii();
    let set = line.strip_prefix(b"export ").or_else(|| line.strip_prefix(b"set "));
    let line = set.unwrap_or(line).trim_ascii_start();
    let end = line.iter().position(|byte| !(byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.')));
    let Some((name, rest)) = end.and_then(|end| line.split_at_checked(end)) else { return false };
    let (sign, value) = match rest.trim_ascii_start() {
        [b'=', value @ ..] => (b'=', value),
        [b':', b' ', value @ ..] => (b':', value),
        _ => return false,
    };
    if name.len() < 3 || !name.iter().any(u8::is_ascii_alphabetic) || !value.iter().any(|byte| *byte != b'=') {
        return false;
    }
    let lower = Zeroizing::new(name.to_ascii_lowercase());
    let is_known = NAMES.iter().any(|piece| contains(&lower, piece));
    is_known || sign == b'=' && (set.is_some() || is_plain_name(name) && value.iter().all(is_plain))
}

/// A name in one case without digits: random characters before a `=` hardly ever look like this.
fn is_plain_name(name: &[u8]) -> bool {
    let all = |kind: fn(&u8) -> bool| name.iter().all(|byte| kind(byte) || matches!(byte, b'_' | b'.'));
    all(u8::is_ascii_lowercase) || all(u8::is_ascii_uppercase)
}

/// Letters, digits, and the characters in and around base64. A random password has others, too.
fn is_plain(byte: &u8) -> bool {
    byte.is_ascii_alphanumeric() || b"+/=_-.: \"'".contains(byte)
}

/// Finds keys anywhere in a text.
pub(super) fn find_key(text: &[u8], layers: usize) -> Option<Look> {
    let is_pem = contains(text, b"-----BEGIN");
    if is_pem || is_json(text) || ssh::find(text).is_some() {
        return find_words(text);
    }
    encodings::find(text, layers)
}
