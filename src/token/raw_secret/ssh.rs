//! SSH keys: how they are recognised, and what turns them into PEM.

/// The names of key types, at the beginning of a public key or somewhere in a line of `authorized_keys` or `known_hosts`.
const TYPES: [&[u8]; 8] =
    [b"ssh-rsa", b"ssh-dss", b"ssh-ed25519", b"ssh-ed448", b"ecdsa-sha2-", b"sk-ssh-", b"sk-ecdsa-", b"openssh-key-v1"];

/// An SSH key of any form but PEM: its type has a name, also inside the base64 of it.
pub(super) fn find(bytes: &[u8]) -> Option<Kind> {
    let has = |word: &[u8]| super::contains(bytes, word);
    if bytes.starts_with(b"PuTTY-User-Key-File") {
        return Some(Kind::Putty);
    }
    let is_ssh = bytes.starts_with(b"ssh-")
        || has(b" ssh-")
        || bytes.starts_with(b"SHA256:")
        || has(b"---- BEGIN SSH2")
        || TYPES.iter().any(|name| has(name));
    is_ssh.then(|| if has(b"ssh-ed25519") { Kind::Ed25519 } else { Kind::Other })
}

/// Which kind of key it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A public Ed25519 key, of which `ssh-keygen` writes no PEM.
    Ed25519,
    /// Another public key.
    Other,
    /// PuTTY's own form.
    Putty,
}

impl Kind {
    /// What it is, what to do, and the command for it, if one suits every file of the kind.
    pub(super) const fn advice(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Self::Ed25519 => {
                ("an Ed25519 key of SSH", "convert it as docs/keys.md shows, because ssh-keygen cannot", "")
            }
            Self::Other => ("an SSH key", "convert it to PEM", "ssh-keygen -e -m PKCS8 -f FILE"),
            Self::Putty => {
                ("a PuTTY key", "export it in the OpenSSH format, then convert it as docs/keys.md shows", "")
            }
        }
    }
}

/// The problem of a private key in the form of OpenSSH, with what to do about it.
pub(in crate::token) fn private_key_problem(der: &[u8]) -> String {
    if super::contains(der, b"ssh-ed25519") {
        "an Ed25519 key of SSH: convert it as docs/keys.md shows, because ssh-keygen cannot, or make a new one (openssl \
         genpkey -algorithm ED25519)"
    } else {
        "an SSH key: convert a copy of it (ssh-keygen -p -m PKCS8 -N '' -f COPY)"
    }
    .to_owned()
}
