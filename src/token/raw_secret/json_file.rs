//! JSON files that are not a JWK and hold a key in a member, such as those of Hasura, Google and Firebase.

use super::super::json::Members;

/// Members that hold a key. Errors repeat no other name of a file's members.
const MEMBERS: [&str; 8] =
    ["key", "private_key", "privateKey", "public_key", "publicKey", "secret", "client_secret", "jwt_secret"];

/// What to do with an object that is not a JWK, if known. The sentence names the member.
pub(in crate::token) fn advice(object: &Members<'_>) -> Option<String> {
    let is_certificate = |value: &str| value.starts_with('"') && value.contains("-----BEGIN CERTIFICATE");
    for name in MEMBERS {
        let Some(value) = object.get(name).map(serde_json::value::RawValue::get) else { continue };
        if value.starts_with('"') {
            let what = format!("it is not a JWK: extract the key from its member '{name}'");
            let convert = if is_certificate(value) { " | openssl x509 -pubkey -noout" } else { "" };
            return Some(format!("{what} (jq -r .{name} < FILE{convert})"));
        }
    }
    if object.get("jwk_url").is_some() {
        return Some("it is not a JWK: download the JWK Set that its 'jwk_url' refers to".to_owned());
    }
    let mut values = object.iter().map(|(_, value)| value.get()).peekable();
    if values.peek().is_some() && values.all(is_certificate) {
        let firebase = "https://www.googleapis.com/service_accounts/v1/jwk/securetoken@system.gserviceaccount.com";
        let what = "it is not a JWK Set but a list of certificates by key id: use the JWK Set that their issuer also publishes";
        return Some(format!("{what} (Firebase: {firebase})"));
    }
    let holds_key = object.iter().any(|(_, value)| value.get().contains("-----BEGIN"));
    holds_key.then(|| "it is not a JWK: extract the PEM key from its member (jq -r .NAME < FILE)".to_owned())
}
