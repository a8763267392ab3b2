//! Authenticates records that the server stores as plain keys, so that a client that can write keys cannot forge them.

use aws_lc_rs::encoding::{AsBigEndian, AsDer, Curve25519SeedBin, EcPrivateKeyBin, Pkcs8V1Der};
use ring::hmac;

use super::private_key::PrivateKey;

/// The message from which the MAC key is derived. It has no `.`, so it is never what a token's signature signs (RFC 7515
/// section 5.1).
const LABEL: &[u8] = b"JRS key for records of the server";

/// A key for HMAC-SHA256 that only a server with the secret or private key can derive.
pub(super) struct MacKey(hmac::Key);

impl MacKey {
    /// The key of a secret.
    pub(super) fn of_secret(secret: &[u8]) -> Self {
        let derived = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), LABEL);
        Self(hmac::Key::new(hmac::HMAC_SHA256, derived.as_ref()))
    }

    /// The key of a private key, whatever the format of its file. `None` if the key cannot be written.
    pub(super) fn of_private_key(key: &PrivateKey) -> Option<Self> {
        match key {
            PrivateKey::Rsa(pair) => {
                let der: Pkcs8V1Der<'_> = pair.as_der().ok()?;
                Some(Self::of_secret(der.as_ref()))
            }
            PrivateKey::Ec(pair) => {
                let number: EcPrivateKeyBin<'_> = pair.private_key().as_be_bytes().ok()?;
                Some(Self::of_secret(number.as_ref()))
            }
            PrivateKey::Ed25519(pair) => {
                let seed: Curve25519SeedBin<'_> = pair.seed().ok()?.as_be_bytes().ok()?;
                Some(Self::of_secret(seed.as_ref()))
            }
        }
    }

    /// The MAC of a record.
    pub(super) fn mac(&self, record: &[u8]) -> hmac::Tag {
        hmac::sign(&self.0, record)
    }

    /// Compares in constant time.
    pub(super) fn is_authentic(&self, record: &[u8], mac: &[u8]) -> bool {
        hmac::verify(&self.0, record, mac).is_ok()
    }
}

#[cfg(test)]
#[path = "record_mac_tests.rs"]
mod tests;
