//! JSON Web Tokens: keys, signing and strict verification (RFC 7515, RFC 7517, RFC 7519, RFC 8725).
//!
//! Pure: nothing here knows Redis or reads a clock or a file.
#![forbid(unsafe_code)]

mod access_claims;
mod algorithm;
mod asn1;
mod base64url;
mod cache;
mod claim_names;
mod claims;
mod data_key_file;
mod header;
mod json;
mod jwk;
mod jws;
mod key;
mod key_file;
mod key_set;
mod keyring;
mod pem;
mod pem_blocks;
mod private_key;
mod public_key;
mod raw_secret;
mod record_mac;
mod registered_claims;
mod token_detection;
mod token_error;

pub use access_claims::{AccessClaims, read_access_claims};
pub use algorithm::{ALGORITHM_NAMES, ALGORITHMS, Algorithm, AlgorithmExt};
pub use base64url::base64url_decode;
pub use cache::Cache;
pub use claims::{CallerClaims, ClaimRules, Claims, ClaimsError, carry_over_claims, has_claim};
pub use data_key_file::read_data_keys;
pub use header::{ACCESS_TOKEN, Header, same_type};
pub use jws::CompactJws;
pub use key::Key;
pub use key_file::{KeyDefaults, jwk_of_secret, key_set_of, read_keys};
pub use key_set::KeySet;
pub use keyring::{KeyRing, Verified};
pub use registered_claims::RegisteredClaims;
pub use token_detection::{begins_like_token, could_be_token, holds_token};
pub use token_error::TokenError;
