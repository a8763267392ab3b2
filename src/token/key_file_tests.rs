use super::{Algorithm, KeyRing, Parsing, read_keys, self_made};

const STRICT: Parsing = Parsing { algorithm: Algorithm::Hs256, allow_weak_secret: false };
const WEAK: Parsing = Parsing { algorithm: Algorithm::Hs512, allow_weak_secret: true };
/// 32 bytes in base64url.
const K: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";

/// Id, algorithm, and whether it signs.
type Described = (Option<String>, &'static str, bool);

fn keys(file: &str) -> Result<Vec<Described>, String> {
    let describe = |ring: KeyRing| {
        let keys = ring.keys().iter();
        keys.map(|key| (key.id().map(str::to_owned), key.algorithm().name(), key.signs())).collect()
    };
    read_keys(file.as_bytes(), STRICT).map(describe)
}

#[test]
fn jwk_sets_and_single_jwks() {
    let two = format!(
        r#" {{"keys":[{{"kty":"oct","k":"{K}","kid":"a"}},{{"kty":"oct","k":"{K}","kid":"b","key_ops":["verify"]}},
        {{"kty":"oct","k":"{K}","use":"enc"}},{{"kty":"oct","k":"{K}"}}]}}"#
    );
    let id = |id: &str| Some(id.to_owned());
    assert_eq!(keys(&two).expect("keys"), [(id("a"), "HS256", true), (id("b"), "HS256", false), (None, "HS256", true)]);
    assert_eq!(keys(&format!(r#"{{"kty":"oct","k":"{K}","alg":"HS256"}}"#)).expect("a key"), [(None, "HS256", true)]);
    assert_eq!(keys(&self_made("x", &[7; 32])).expect("a key"), [(id("x"), "HS256", true)]);
}

#[test]
fn bad_files_are_refused_whole_and_name_the_key() {
    let good = format!(r#"{{"kty":"oct","k":"{K}","kid":"a"}}"#);
    for (bad, problem) in [
        (r#"{"kty":"oct"}"#.to_owned(), "key 2: it has no 'k'"),
        (r#"{"k":"AA"}"#.to_owned(), "key 2: it has no 'kty'"),
        (r#"{"kty":"RSA","n":"AQ"}"#.to_owned(), "key 2: it has no 'e'"),
        (r#"{"kty":"RSA","n":"AQAB","e":"AQAB"}"#.to_owned(), "key 2: an RSA key of 17 bits"),
        (r#"{"kty":"XYZ"}"#.to_owned(), "key 2: its 'kty'"),
        (format!(r#"{{"kty":"oct","k":"{K}="}}"#), "key 2: its 'k' is no unpadded base64url"),
        (format!(r#"{{"kty":"oct","k":"{K}","k":"{K}"}}"#), "key 2: it is no JSON object"),
        (format!(r#"{{"kty":"oct","k":"{K}","alg":"none"}}"#), "key 2: its 'alg'"),
        (format!(r#"{{"kty":"oct","k":"{K}","alg":"HS512"}}"#), "key 2: the secret has 32 bytes, HS512 needs"),
        (format!(r#"{{"kty":"oct","k":"{K}","kid":1}}"#), "key 2: its member 'kid' is no string"),
        (format!(r#"{{"kty":"oct","k":"{K}","kid":"a"}}"#), "key 2: an earlier key has the same 'kid'"),
        (format!(r#"{{"kty":"oct","k":"{K}","kid":"a\u0000"}}"#), "key 2: its 'kid' holds control"),
        (r#"{"kty":"oct","k":""}"#.to_owned(), "key 2: the secret is empty"),
        ("7".to_owned(), "key 2: it is no JSON object"),
    ] {
        let refusal = keys(&format!(r#"{{"keys":[{good},{bad}]}}"#)).expect_err(&bad);
        assert!(refusal.starts_with(problem), "{bad}: {refusal}");
        assert!(!refusal.contains(K), "{refusal}");
    }
    for bad in [r#"{"keys":[]}"#, r#"{"keys":{}}"#, "[]", "{", r#"[{"kty":"oct"}]"#, "  {}", "\u{feff}{"] {
        assert!(keys(bad).is_err(), "{bad}");
    }
}

#[test]
fn a_raw_secret_loses_its_line_end_only() {
    let token = |file: &str| {
        let ring = read_keys(file.as_bytes(), WEAK).expect("a secret");
        ring.signer().expect("a signer").sign("{}").expect("a token")
    };
    assert_eq!(token("secret"), token("secret\n"));
    assert_eq!(token("secret"), token("secret\r\n"));
    assert!(read_keys(b"secret\n\n", WEAK).is_err_and(|problem| problem.contains("several lines")));
    assert_ne!(token("secret"), token(" secret"));
    assert!(token("secret").starts_with("eyJhbGciOiJIUzUxMiIsInR5cCI6IkpXVCJ9."));
}

#[test]
fn weak_and_misplaced_secrets_are_refused() {
    for bad in
        ["", "\n", "short", "-----BEGIN PRIVATE KEY-----\nMII", "x\n-----BEGIN EC PRIVATE KEY-----", "ssh-rsa AAAA"]
    {
        assert!(keys(bad).is_err(), "{bad:?}");
    }
    for bad in ["", "\n", "-----BEGIN PRIVATE KEY-----\nMII", "ssh-ed25519 AAAA", "{\"a\":1}"] {
        assert!(read_keys(bad.as_bytes(), WEAK).is_err(), "{bad:?}");
    }
    assert_eq!(keys("0123456789abcdef0123456789abcdef\n").expect("a secret"), [(None, "HS256", true)]);
}
