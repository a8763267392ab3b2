//! Keys in PEM (RFC 7468): PKCS#8, PKCS#1, SEC1 and SPKI, several blocks in one file.

use super::{
    asn1::{self, DerKey},
    pem_blocks,
    raw_secret::ssh,
};

/// How a block begins.
pub(super) const BEGIN: &[u8] = b"-----BEGIN";

const ENCRYPTED: &str = "ENCRYPTED PRIVATE KEY";

/// Reads all blocks. An error names the block and the problem.
pub(super) fn read(file: &[u8]) -> Result<Vec<DerKey>, String> {
    let file = &*pem_blocks::unescape_line_ends(file);
    // A malformed start of a block is an error and not skipped.
    let begun = file.windows(BEGIN.len()).filter(|window| *window == BEGIN).count();
    let blocks = pem_blocks::read(file)
        .filter(|blocks| blocks.len() == begun)
        .ok_or("a PEM block is malformed or has no end line")?;
    let has_private = blocks.iter().any(|block| block.label.ends_with("PRIVATE KEY"));
    let mut keys = Vec::with_capacity(blocks.len());
    for block in blocks {
        let label = if block.is_encrypted { ENCRYPTED } else { block.label };
        let key = read_block(label, &block.der, has_private)
            .map_err(|problem| format!("key {}: {problem}", keys.len() + 1))?;
        keys.extend(key);
    }
    Ok(keys)
}

/// Reads one block. `None` for parameters, which `openssl ecparam -genkey` writes before a key.
fn read_block(label: &str, der: &[u8], has_private: bool) -> Result<Option<DerKey>, String> {
    let key = match label {
        "EC PARAMETERS" => return Ok(None),
        "PRIVATE KEY" => asn1::read_pkcs8(der),
        "RSA PRIVATE KEY" => asn1::read_pkcs1(der),
        "EC PRIVATE KEY" => asn1::read_sec1(der),
        "PUBLIC KEY" => asn1::read_public(der),
        "RSA PUBLIC KEY" => asn1::read_public_rsa(der),
        ENCRYPTED => return Err("the key is encrypted: decrypt it first (openssl pkey < FILE)".to_owned()),
        "CERTIFICATE" | "X509 CERTIFICATE" | "TRUSTED CERTIFICATE" if has_private => {
            let problem =
                "a certificate next to a private key: keep only the private key, which includes the public key";
            return Err(format!("{problem} (openssl pkey < FILE)"));
        }
        "CERTIFICATE" | "X509 CERTIFICATE" | "TRUSTED CERTIFICATE" => {
            return Err("this is a certificate: extract its public key (openssl x509 -pubkey -noout < FILE)".to_owned());
        }
        "OPENSSH PRIVATE KEY" => return Err(ssh::private_key_problem(der)),
        _ => return Err("the PEM block is not a PRIVATE KEY or PUBLIC KEY".to_owned()),
    };
    key.map(Some).map_err(str::to_owned)
}
