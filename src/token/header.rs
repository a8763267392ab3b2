//! The JOSE header (RFC 7515 section 4).

use super::{
    Refusal,
    json::{Members, text},
};

/// The members of a header that JRS acts on. `jku`, `jwk`, `x5u` and `x5c` are never looked at: keys come from the
/// key file alone (RFC 8725 section 3.10).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// The `alg` that the token claims, whatever it is.
    pub algorithm: String,
    /// The `kid` of the key that signed.
    pub key_id: Option<String>,
}

impl Header {
    /// Reads a decoded header. Errs if it is no JSON object with unique names, has no textual `alg`, has a `kid` that
    /// is no string, or carries `crit` (no extension is understood here) or `b64` (RFC 7797).
    pub fn read(json: &[u8]) -> Result<Self, Refusal> {
        let members =
            Members::read(json).map_err(|_| Refusal::Malformed("the header is no JSON object with unique members"))?;
        let string = |name, problem| match members.get(name) {
            Some(value) => text(value).map(|text| Some(text.into_owned())).ok_or(Refusal::Header(problem)),
            None => Ok(None),
        };
        if members.get("crit").is_some() {
            return Err(Refusal::Header("it has a 'crit' that is not understood"));
        }
        if members.get("b64").is_some() {
            return Err(Refusal::Header("'b64' is not supported"));
        }
        Ok(Self {
            algorithm: string("alg", "'alg' is no string")?.ok_or(Refusal::Header("it has no 'alg'"))?,
            key_id: string("kid", "'kid' is no string")?,
        })
    }

    /// The text of the header that JRS writes: `alg`, `typ`, and `kid` where the key has one.
    pub(super) fn write(algorithm: &str, key_id: Option<&str>) -> String {
        let mut text = format!(r#"{{"alg":"{algorithm}","typ":"JWT""#);
        if let Some(key_id) = key_id {
            text.push_str(r#","kid":"#);
            text.push_str(&serde_json::Value::from(key_id).to_string());
        }
        text.push('}');
        text
    }
}

#[cfg(test)]
mod tests {
    use super::Header;

    #[test]
    fn what_is_written_is_read() {
        for key_id in [None, Some("2026-11"), Some("a\"b\\c\u{e9}")] {
            let header = Header::read(Header::write("HS256", key_id).as_bytes()).expect("a header");
            assert_eq!((header.algorithm.as_str(), header.key_id.as_deref()), ("HS256", key_id));
        }
    }

    #[test]
    fn bad_headers_are_refused() {
        for wrong in [
            "",
            "[]",
            "{}",
            r#"{"typ":"JWT"}"#,
            r#"{"alg":1}"#,
            r#"{"alg":null}"#,
            r#"{"alg":"HS256","kid":1}"#,
            r#"{"alg":"HS256","kid":null}"#,
            r#"{"alg":"HS256","alg":"HS256"}"#,
            r#"{"alg":"HS256","crit":[]}"#,
            r#"{"alg":"HS256","crit":["exp"],"exp":1}"#,
            r#"{"alg":"HS256","b64":false}"#,
            r#"{"alg":"HS256"}{}"#,
        ] {
            assert!(Header::read(wrong.as_bytes()).is_err(), "{wrong}");
        }
        // Unknown members are ignored (RFC 7515 section 4), keys offered in the header included.
        assert!(Header::read(br#"{"alg":"HS256","jku":"x","jwk":{"kty":"oct"},"typ":5}"#).is_ok());
    }
}
