//! Recognizes SSH keys and says how to convert them to PEM.

use super::{Look, contains};

/// The names of key types, at the beginning of a public key or somewhere in a line of `authorized_keys` or `known_hosts`.
const TYPES: [&[u8]; 8] =
    [b"ssh-rsa", b"ssh-dss", b"ssh-ed25519", b"ssh-ed448", b"ecdsa-sha2-", b"sk-ssh-", b"sk-ecdsa-", b"openssh-key-v1"];

/// Finds an SSH key in any form but PEM by the name of its type, which is also inside its base64.
pub(super) fn find(bytes: &[u8]) -> Option<Look> {
    let has = |word: &[u8]| contains(bytes, word);
    if bytes.starts_with(b"PuTTY-User-Key-File") {
        let how = "export it in OpenSSH format, then convert it as docs/keys.md shows";
        return Some(Look::new("a PuTTY key", how, ""));
    }
    let is_ssh = bytes.starts_with(b"ssh-")
        || has(b" ssh-")
        || bytes.starts_with(b"SHA256:")
        || has(b"---- BEGIN SSH2")
        || TYPES.iter().any(|name| has(name));
    is_ssh.then(|| {
        if has(b"ssh-ed25519") {
            Look::new("an SSH Ed25519 key", "ssh-keygen cannot convert it, see docs/keys.md", "")
        } else {
            Look::new("an SSH key", "convert it to PEM", "ssh-keygen -e -m PKCS8 -f FILE")
        }
    })
}

/// The error for a private key in OpenSSH's format, with what to do.
pub(in crate::token) fn private_key_problem(der: &[u8]) -> String {
    if contains(der, b"ssh-ed25519") {
        "an SSH Ed25519 key: ssh-keygen cannot convert it, see docs/keys.md, or generate a new one (openssl \
         genpkey -algorithm ED25519)"
    } else {
        "an SSH key: convert a copy of it (ssh-keygen -p -m PKCS8 -N '' -f COPY)"
    }
    .to_owned()
}
