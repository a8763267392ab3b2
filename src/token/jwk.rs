//! One JSON Web Key (RFC 7517, RFC 7518 section 6, RFC 8037).

use aws_lc_rs::{
    rsa::{KeyPairComponents, PublicKeyComponents},
    signature::{
        ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, RsaKeyPair,
    },
};
use zeroize::Zeroizing;

use super::{
    json::{Members, secret_text, text, texts},
    jws::decode_part,
    key::Private,
    pem::Pair,
    public::Public,
};

/// What a JWK holds.
pub(super) struct Jwk {
    /// Its `kid`.
    pub(super) id: Option<String>,
    /// Its `alg`.
    pub(super) algorithm: Option<String>,
    /// Whether its `key_ops` let it sign.
    pub(super) may_sign: bool,
    /// The key itself.
    pub(super) material: Material,
}

/// The key itself.
pub(super) enum Material {
    Secret(Zeroizing<Vec<u8>>),
    Pair(Pair),
}

impl Jwk {
    /// Reads the members of a JWK. `None` for a key that is not meant for signatures: `use` or `key_ops` say so.
    ///
    /// # Errors
    /// A sentence without key material.
    pub(super) fn read(jwk: &Members<'_>) -> Result<Option<Self>, String> {
        let member = Reader(jwk);
        let kind = member.text("kty")?.ok_or("it has no 'kty'")?;
        if member.text("use")?.is_some_and(|purpose| purpose != "sig") {
            return Ok(None);
        }
        let operations = match jwk.get("key_ops") {
            Some(value) => Some(texts(value).ok_or("its member 'key_ops' is no array of strings")?),
            None => None,
        };
        let may = |operation: &str| operations.as_ref().is_none_or(|all| all.iter().any(|one| one == operation));
        let id = member.text("kid")?.filter(|id| !id.is_empty());
        if id.as_ref().is_some_and(|id| id.chars().any(char::is_control)) {
            return Err("its 'kid' holds control characters".to_owned());
        }
        let algorithm = member.text("alg")?;
        let material = match kind.as_str() {
            "oct" => Material::Secret(member.bytes("k")?),
            "RSA" => Material::Pair(member.rsa()?),
            "EC" => Material::Pair(member.ec()?),
            "OKP" => Material::Pair(member.okp()?),
            _ => return Err("its 'kty' is none of oct, RSA, EC and OKP".to_owned()),
        };
        // What may sign verifies too, whatever else is said: a server that refused its own tokens would be of no use.
        let has_private = !matches!(material, Material::Pair((_, None)));
        let usable = may("verify") || (has_private && (may("sign") || matches!(material, Material::Pair(_))));
        Ok(usable.then(|| Self { id, algorithm, may_sign: may("sign"), material }))
    }
}

/// Reads members by name, and complains by name.
struct Reader<'j, 't>(&'j Members<'t>);

impl Reader<'_, '_> {
    fn text(&self, name: &str) -> Result<Option<String>, String> {
        match self.0.get(name) {
            Some(value) => text(value)
                .map(|text| Some(text.into_owned()))
                .ok_or_else(|| format!("its member '{name}' is no string")),
            None => Ok(None),
        }
    }

    fn bytes(&self, name: &str) -> Result<Zeroizing<Vec<u8>>, String> {
        let encoded = self.0.get(name).ok_or_else(|| format!("it has no '{name}'"))?;
        let encoded = secret_text(encoded).ok_or_else(|| format!("its member '{name}' is no string"))?;
        if encoded.is_empty() {
            return Ok(Zeroizing::default());
        }
        let bytes = decode_part(encoded.as_bytes());
        bytes.map(Zeroizing::new).map_err(|_| format!("its '{name}' is no unpadded base64url"))
    }

    fn rsa(&self) -> Result<Pair, String> {
        let trimmed = |name| {
            let bytes = self.bytes(name)?;
            let start = bytes.iter().position(|byte| *byte != 0).unwrap_or(bytes.len());
            Ok::<_, String>(bytes.get(start..).unwrap_or_default().to_vec())
        };
        let (n, e) = (trimmed("n")?, trimmed("e")?);
        if self.0.get("oth").is_some() {
            return Err("an RSA key of more than two primes".to_owned());
        }
        if self.0.get("d").is_none() {
            return Ok((Public::Rsa { n, e }, None));
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
        .map_err(|_| "its numbers are not those of an RSA key of 2048 to 8192 bits".to_owned())?;
        Ok((Public::Rsa { n, e }, Some(Private::Rsa(pair))))
    }

    fn ec(&self) -> Result<Pair, String> {
        let (length, algorithm) = match self.text("crv")?.as_deref() {
            Some("P-256") => (32, &ECDSA_P256_SHA256_FIXED_SIGNING),
            Some("P-384") => (48, &ECDSA_P384_SHA384_FIXED_SIGNING),
            _ => return Err("its 'crv' is neither P-256 nor P-384".to_owned()),
        };
        // RFC 7518 section 6.2.1.2: coordinates have the full length of the curve.
        let number = |name| {
            let bytes = self.bytes(name)?;
            if bytes.len() == length { Ok(bytes) } else { Err(format!("its '{name}' is not {length} bytes long")) }
        };
        let point = [&[4], number("x")?.as_slice(), number("y")?.as_slice()].concat();
        if self.0.get("d").is_none() {
            return Ok((Public::Ec(point), None));
        }
        let pair = EcdsaKeyPair::from_private_key_and_public_key(algorithm, &number("d")?, &point)
            .map_err(|_| "its 'd' does not belong to its 'x' and 'y'".to_owned())?;
        Ok((Public::Ec(point), Some(Private::Ec(pair))))
    }

    fn okp(&self) -> Result<Pair, String> {
        if self.text("crv")?.as_deref() != Some("Ed25519") {
            return Err("its 'crv' is not Ed25519".to_owned());
        }
        let point: [u8; 32] =
            self.bytes("x")?.as_slice().try_into().map_err(|_| "its 'x' is not 32 bytes long".to_owned())?;
        if self.0.get("d").is_none() {
            return Ok((Public::Ed25519(point), None));
        }
        let pair = Ed25519KeyPair::from_seed_and_public_key(&self.bytes("d")?, &point)
            .map_err(|_| "its 'd' does not belong to its 'x'".to_owned())?;
        Ok((Public::Ed25519(point), Some(Private::Ed25519(pair))))
    }
}
