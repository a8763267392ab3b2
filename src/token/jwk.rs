//! One JSON Web Key (RFC 7517, RFC 7518 section 6, RFC 8037).

use std::borrow::Cow;

use aws_lc_rs::{
    rsa::{KeyPairComponents, PublicKeyComponents},
    signature::{
        ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, RsaKeyPair,
    },
};
use zeroize::Zeroizing;

use super::{
    Algorithm, AlgorithmExt,
    base64url::base64url_decode,
    claims::to_moment,
    json::{Members, number, secret_text, text, texts},
    key::Pair,
    private_key::PrivateKey,
    public_key::PublicKey,
};
use crate::session::UnixMillis;

pub(super) struct Jwk {
    pub(super) id: Option<String>,
    pub(super) algorithm: Option<String>,
    /// Whether its `key_ops` allow signing.
    pub(super) may_sign: bool,
    /// When it was made (`iat`) and when it stopped signing ([`RETIRED_AT`]).
    pub(super) issued_at: Option<UnixMillis>,
    pub(super) retired_at: Option<UnixMillis>,
    pub(super) material: Material,
}

/// The member with the time when a key stopped signing, in Unix seconds. JRS writes it to the generated key file. Other
/// software ignores it (RFC 7517 section 4).
pub(super) const RETIRED_AT: &str = "jrs_retired_at";

pub(super) enum Material {
    Secret(Zeroizing<Vec<u8>>),
    Pair(Pair),
}

/// The result of reading a well-formed JWK.
pub(super) enum Reading {
    Key(Jwk),
    /// It is skipped for this reason: it is not for signatures, or its type is not supported (RFC 7517 section 5).
    LeftOut(&'static str),
}

impl Jwk {
    /// Reads the members of a JWK.
    ///
    /// # Errors
    /// A sentence without key material, if a key of a supported type is malformed.
    pub(super) fn read(jwk: &Members<'_>) -> Result<Reading, String> {
        let member = Reader(jwk);
        let kind = member.text("kty")?.ok_or("it has no 'kty'")?;
        if !["oct", "RSA", "EC", "OKP"].contains(&kind.as_str()) {
            return Ok(Reading::LeftOut("its 'kty' is not oct, RSA, EC or OKP"));
        }
        if member.text("use")?.is_some_and(|purpose| purpose != "sig") {
            return Ok(Reading::LeftOut("its 'use' is not 'sig'"));
        }
        let read = |value| texts(value).ok_or("its 'key_ops' must be an array of strings");
        let operations = jwk.get("key_ops").map(read).transpose()?;
        let may = |operation: &str| operations.as_ref().is_none_or(|all| all.iter().any(|one| one == operation));
        // A key that may sign also verifies, regardless of `key_ops`, because the server must accept its own tokens.
        let has_private = kind == "oct" || jwk.get("d").is_some();
        let is_for_signatures = may("verify") || (has_private && may("sign"));
        if !is_for_signatures {
            return Ok(Reading::LeftOut("its 'key_ops' allows neither signing nor verifying"));
        }
        let algorithm = member.text("alg")?;
        match algorithm.as_deref() {
            Some("none") => return Err("its 'alg' must not be none".to_owned()),
            Some(name) if Algorithm::from_name(name).is_none() => {
                return Ok(Reading::LeftOut("its 'alg' is not a supported signature algorithm"));
            }
            _ => {}
        }
        let curves: &[&str] = match kind.as_str() {
            "EC" => &["P-256", "P-384"],
            "OKP" => &["Ed25519"],
            _ => &[],
        };
        if !curves.is_empty() && !curves.contains(&member.text("crv")?.ok_or("it has no 'crv'")?.as_str()) {
            return Ok(Reading::LeftOut("its 'crv' is not P-256, P-384 or Ed25519, or does not fit its 'kty'"));
        }
        let id = member.text("kid")?.filter(|id| !id.is_empty());
        if id.as_ref().is_some_and(|id| id.chars().any(char::is_control)) {
            return Err("its 'kid' must not contain control characters".to_owned());
        }
        let material = match kind.as_str() {
            "oct" => Material::Secret(member.bytes("k")?),
            "RSA" => Material::Pair(member.rsa()?),
            "EC" => Material::Pair(member.ec()?),
            _ => Material::Pair(member.okp()?),
        };
        let time = |name| jwk.get(name).and_then(number).map(to_moment);
        let (issued_at, retired_at) = (time("iat"), time(RETIRED_AT));
        Ok(Reading::Key(Self { id, algorithm, may_sign: may("sign"), issued_at, retired_at, material }))
    }
}

/// Reads members by name, with the name in each error.
struct Reader<'j, 't>(&'j Members<'t>);

impl Reader<'_, '_> {
    fn text(&self, name: &str) -> Result<Option<String>, String> {
        let read = |value| text(value).map(Cow::into_owned).ok_or_else(|| format!("its '{name}' must be a string"));
        self.0.get(name).map(read).transpose()
    }

    fn bytes(&self, name: &str) -> Result<Zeroizing<Vec<u8>>, String> {
        let encoded = self.0.get(name).ok_or_else(|| format!("it has no '{name}'"))?;
        let encoded = secret_text(encoded).ok_or_else(|| format!("its '{name}' must be a string"))?;
        if encoded.is_empty() {
            return Ok(Zeroizing::default());
        }
        let bytes = base64url_decode(encoded.as_bytes());
        bytes.map(Zeroizing::new).map_err(|_| format!("its '{name}' must be unpadded base64url"))
    }

    fn rsa(&self) -> Result<Pair, String> {
        let trimmed = |name| {
            let bytes = self.bytes(name)?;
            let start = bytes.iter().position(|byte| *byte != 0).unwrap_or(bytes.len());
            Ok::<_, String>(bytes.get(start..).unwrap_or_default().to_vec())
        };
        let (n, e) = (trimmed("n")?, trimmed("e")?);
        if self.0.get("oth").is_some() {
            return Err("RSA keys with more than two primes are not supported".to_owned());
        }
        if self.0.get("d").is_none() {
            return Ok((PublicKey::Rsa { n, e }, None));
        }
        let pair = RsaKeyPair::from_components(&KeyPairComponents {
            public_key: PublicKeyComponents { n: n.as_slice(), e: e.as_slice() },
            d: self.bytes("d")?.as_slice(),
            p: self.bytes("p")?.as_slice(),
            q: self.bytes("q")?.as_slice(),
            dP: self.bytes("dp")?.as_slice(),
            dQ: self.bytes("dq")?.as_slice(),
            qInv: self.bytes("qi")?.as_slice(),
        })
        .map_err(|_| "its numbers do not form an RSA key of 2048 to 8192 bits".to_owned())?;
        Ok((PublicKey::Rsa { n, e }, Some(PrivateKey::Rsa(pair))))
    }

    fn ec(&self) -> Result<Pair, String> {
        let (length, algorithm) = match self.text("crv")?.as_deref() {
            Some("P-256") => (32, &ECDSA_P256_SHA256_FIXED_SIGNING),
            _ => (48, &ECDSA_P384_SHA384_FIXED_SIGNING),
        };
        // RFC 7518 section 6.2.1.2: coordinates have the full length of the curve.
        let number = |name| {
            let bytes = self.bytes(name)?;
            if bytes.len() == length { Ok(bytes) } else { Err(format!("its '{name}' must be {length} bytes long")) }
        };
        let point = [&[4], number("x")?.as_slice(), number("y")?.as_slice()].concat();
        if self.0.get("d").is_none() {
            return Ok((PublicKey::Ec(point), None));
        }
        let pair = EcdsaKeyPair::from_private_key_and_public_key(algorithm, &number("d")?, &point)
            .map_err(|_| "its 'd' does not match its 'x' and 'y'".to_owned())?;
        Ok((PublicKey::Ec(point), Some(PrivateKey::Ec(pair))))
    }

    fn okp(&self) -> Result<Pair, String> {
        let point: [u8; 32] =
            self.bytes("x")?.as_slice().try_into().map_err(|_| "its 'x' must be 32 bytes long".to_owned())?;
        if self.0.get("d").is_none() {
            return Ok((PublicKey::Ed25519(point), None));
        }
        let pair = Ed25519KeyPair::from_seed_and_public_key(&self.bytes("d")?, &point)
            .map_err(|_| "its 'd' does not match its 'x'".to_owned())?;
        Ok((PublicKey::Ed25519(point), Some(PrivateKey::Ed25519(pair))))
    }
}
