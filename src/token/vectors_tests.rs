//! The examples of the RFCs, byte for byte: their keys are read, and their signatures hold here.

use jsonwebtoken as oracle;
use serde_json::{Value, json};

use super::{Expected, Header, KeyRing, Parts, Refusal, decode_part};
use crate::token::{Algorithm, Parsing, jws::encode, read_keys};

/// The payload of RFC 7515 appendix A: claims, but no `jti`.
const JOE: &str = "\
     eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";

/// The payload of RFC 7520 section 4: a sentence, and no JSON.
const FRODO: &str = "\
     SXTigJlzIGEgZGFuZ2Vyb3VzIGJ1c2luZXNzLCBGcm9kbywgZ29pbmcgb3V0IHlvdXIgZG9vci4gWW91IHN0ZXAgb250byB0aGUgcm9hZCwgYW5k\
     IGlmIHlvdSBkb24ndCBrZWVwIHlvdXIgZmVldCwgdGhlcmXigJlzIG5vIGtub3dpbmcgd2hlcmUgeW91IG1pZ2h0IGJlIHN3ZXB0IG9mZiB0by4";

/// The modulus of RFC 7515 appendix A.2.
const JOES_MODULUS: &str = "\
     ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pC\
     gNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg6\
     65xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRW\
     yuXpoQ";

/// The modulus of RFC 7520 sections 3.3 and 3.4.
const BILBOS_MODULUS: &str = "\
     n4EPtAOCc9AlkeQHPzHStgAbgs7bTZLwUBZdR8_KuKPEHLd4rHVTeT-O-XV2jRojdNhxJWTDvNd7nqQ0VEiZQHz_AJmSCpMaJMRBSFKrKb2wqVwG\
     U_NsYOYL-QtiWN2lbzcEe6XC0dApr5ydQLrHqkHHig3RBordaZ6Aj-oBHqFEHYpPe7Tpe-OfVfHd1E6cS6M1FZcD1NNLYD5lFHpPI9bTwJlsde3u\
     hGqC0ZCuEHg8lhzwOHrtIQbS0FVbb9k3-tVTU4fg_3L_vniUFAKwuCLqKnS2BYwdq_mzSnbLY7h_qixoR7jig3__kRhuaxwUkRz5iaiQkqgc5gHd\
     rNP5zw";

/// The modulus of RFC 7638 section 3.1.
pub const THUMBED_MODULUS: &str = "\
     0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknj\
     hMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQ\
     vRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzK\
     nqDKgw";

/// How RFC 7520 names its RSA key, in a JWK and (with `alg`) in a header.
const BILBO: &str = "bilbo.baggins@hobbiton.example";

/// An example: a token in its parts, and its key.
#[derive(Clone)]
struct Example {
    jwk: Value,
    header: &'static str,
    payload: &'static str,
    signature: &'static str,
}

impl Example {
    fn ring(&self) -> KeyRing {
        // A JWK of these RFCs says its `alg` hardly ever: here it is the setting.
        let algorithm = Algorithm::from_name(&self.algorithm()).expect("an algorithm");
        read_keys(self.jwk.to_string().as_bytes(), Parsing { algorithm, allow_weak_secret: false }).expect("a key")
    }

    /// The `alg` of the header.
    fn algorithm(&self) -> String {
        let header = decode_part(self.header.as_bytes()).expect("base64url");
        Header::read(&header).expect("a header").algorithm
    }

    fn token(&self, signature: &str) -> String {
        format!("{}.{}.{signature}", self.header, self.payload)
    }
}

/// What the key itself says of a token's signature, whatever its claims.
fn checked(ring: &KeyRing, token: &str) -> Result<(), Refusal> {
    let [key] = ring.keys() else { panic!("one key is expected: {ring:?}") };
    key.check(&Parts::cut(token.as_bytes()).expect("three parts"))
}

fn all() -> [Example; 6] {
    [
        // RFC 7515 appendix A.2
        Example {
            jwk: json!({"kty": "RSA", "n": JOES_MODULUS, "e": "AQAB"}),
            header: "eyJhbGciOiJSUzI1NiJ9",
            payload: JOE,
            signature: "\
     cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t\
     1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12j\
     zDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQ\
     Ge77Rw",
        },
        // RFC 7515 appendix A.3
        Example {
            jwk: json!({
                "kty": "EC", "crv": "P-256", "d": "jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI",
                "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU", "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
            }),
            header: "eyJhbGciOiJFUzI1NiJ9",
            payload: JOE,
            signature: "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q",
        },
        // RFC 7520 section 4.1
        Example {
            jwk: json!({
                "kty": "RSA", "kid": BILBO, "use": "sig", "n": BILBOS_MODULUS, "e": "AQAB",
                "d": "\
            bWUC9B-EFRIo8kpGfh0ZuyGPvMNKvYWNtB_ikiH9k20eT-O1q_I78eiZkpXxXQ0UTEs2LsNRS-8uJbvQ-A1irkwMSMkK1J3XTGgdrhCku9gRldY7\
            sNA_AKZGh-Q661_42rINLRCe8W-nZ34ui_qOfkLnK9QWDDqpaIsA-bMwWWSDFu2MUBYwkHTMEzLYGqOe04noqeq1hExBTHBOBdkMXiuFhUq1BU6l\
            -DqEiWxqg82sXt2h-LMnT3046AOYJoRioz75tSUQfGCshWTBnP5uDjd18kKhyv07lhfSJdrPdM5Plyl21hsFf4L_mHCuoFau7gdsPfHPxxjVOcOp\
            BrQzwQ",
                "p": "\
            3Slxg_DwTXJcb6095RoXygQCAZ5RnAvZlno1yhHtnUex_fp7AZ_9nRaO7HX_-SFfGQeutao2TDjDAWU4Vupk8rw9JR0AzZ0N2fvuIAmr_WCsmGpe\
            NqQnev1T7IyEsnh8UMt-n5CafhkikzhEsrmndH6LxOrvRJlsPp6Zv8bUq0k",
                "q": "\
            uKE2dh-cTf6ERF4k4e_jy78GfPYUIaUyoSSJuBzp3Cubk3OCqs6grT8bR_cu0Dm1MZwWmtdqDyI95HrUeq3MP15vMMON8lHTeZu2lmKvwqW7anV5\
            UzhM1iZ7z4yMkuUwFWoBvyY898EXvRD-hdqRxHlSqAZ192zB3pVFJ0s7pFc",
                "dp": "\
            B8PVvXkvJrj2L-GYQ7v3y9r6Kw5g9SahXBwsWUzp19TVlgI-YV85q1NIb1rxQtD-IsXXR3-TanevuRPRt5OBOdiMGQp8pbt26gljYfKU_E9xn-RU\
            LHz0-ed9E9gXLKD4VGngpz-PfQ_q29pk5xWHoJp009Qf1HvChixRX59ehik",
                "dq": "\
            CLDmDGduhylc9o7r84rEUVn7pzQ6PF83Y-iBZx5NT-TpnOZKF1pErAMVeKzFEl41DlHHqqBLSM0W1sOFbwTxYWZDm6sI6og5iTbwQGIC3gnJKbi_\
            7k_vJgGHwHxgPaX2PnvP-zyEkDERuf-ry4c_Z11Cq9AqC2yeL6kdKT1cYF8",
                "qi": "\
            3PiqvXQN0zwMeE-sBvZgi289XP9XCQF3VWqPzMKnIgQp7_Tugo6-NZBKCQsMf3HaEGBjTVJs_jcK8-TRXvaKe-7ZMaQj8VfBdYkssbu0NKDDhjJ-\
            GtiseaDVWt7dcH0cfwxgFUHpQh7FoCrjFJ6h6ZEpMF6xmujs4qMpPz8aaI4",
            }),
            header: "eyJhbGciOiJSUzI1NiIsImtpZCI6ImJpbGJvLmJhZ2dpbnNAaG9iYml0b24uZXhhbXBsZSJ9",
            payload: FRODO,
            signature: "\
     MRjdkly7_-oTPTS3AXP41iQIGKa80A0ZmTuV5MEaHoxnW2e5CZ5NlKtainoFmKZopdHM1O2U4mwzJdQx996ivp83xuglII7PNDi84wnB-BDkoBwA\
     78185hX-Es4JIwmDLJK3lfWRa-XtL0RnltuYv746iYTh_qHRD68BNt1uSNCrUCTJDt5aAE6x8wW1Kt9eRo4QPocSadnHXFxnt8Is9UzpERV0ePPQ\
     dLuW3IS_de3xyIrDaLGdjluPxUAhb6L2aXic1U12podGU0KLUQSE_oI-ZnmKJ3F4uOZDnd6QZWJushZ41Axf_fcIe8u9ipH84ogoree7vjbU5y18\
     kDquDg",
        },
        // RFC 7520 section 4.2
        Example {
            jwk: json!({"kty": "RSA", "kid": BILBO, "use": "sig", "n": BILBOS_MODULUS, "e": "AQAB"}),
            header: "eyJhbGciOiJQUzM4NCIsImtpZCI6ImJpbGJvLmJhZ2dpbnNAaG9iYml0b24uZXhhbXBsZSJ9",
            payload: FRODO,
            signature: "\
     cu22eBqkYDKgIlTpzDXGvaFfz6WGoz7fUDcfT0kkOy42miAh2qyBzk1xEsnk2IpN6-tPid6VrklHkqsGqDqHCdP6O8TTB5dDDItllVo6_1OLPpcb\
     UrhiUSMxbbXUvdvWXzg-UD8biiReQFlfz28zGWVsdiNAUf8ZnyPEgVFn442ZdNqiVJRmBqrYRXe8P_ijQ7p8Vdz0TTrxUeT3lm8d9shnr2lfJT8I\
     mUjvAA2Xez2Mlp8cBE5awDzT0qI0n6uiP1aCN_2_jLAeQTlqRHtfa64QQSUmFAAjVKPbByi7xho0uTOcbH510a6GYmJUAfmWjwZ6oD4ifKo8DYM-\
     X72Eaw",
        },
        // RFC 7520 section 4.4
        Example {
            jwk: json!({
                "kty": "oct", "kid": "018c0ae5-4d9b-471b-bfd6-eef314bc7037", "use": "sig", "alg": "HS256",
                "k": "hJtXIZ2uSN5kbQfbtTNWbpdmhkV8FJG-Onbc6mxCcYg",
            }),
            header: "eyJhbGciOiJIUzI1NiIsImtpZCI6IjAxOGMwYWU1LTRkOWItNDcxYi1iZmQ2LWVlZjMxNGJjNzAzNyJ9",
            payload: FRODO,
            signature: "s0h6KThzkfBBBkLspW1h84VsJZFTsPPqMDA7g1Md7p0",
        },
        // RFC 8037 appendix A.4
        Example {
            jwk: json!({
                "kty": "OKP", "crv": "Ed25519", "d": "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A",
                "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
            }),
            header: "eyJhbGciOiJFZERTQSJ9",
            payload: "RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc",
            signature: "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg",
        },
    ]
}

#[test]
fn the_signatures_of_the_rfcs_hold() {
    for example in all() {
        let (ring, token) = (example.ring(), example.token(example.signature));
        assert_eq!(ring.keys()[0].algorithm().name(), example.algorithm());
        assert_eq!(checked(&ring, &token), Ok(()), "{token}");
        // None is a session's token, and none gets further.
        let refusal = ring.verify(token.as_bytes(), Expected::default()).expect_err(&token);
        let expected = match example.jwk.get("kid") {
            Some(_) => Refusal::Malformed("the payload is no JSON object with unique members"),
            None if example.payload == JOE => Refusal::Claim("jti"),
            None => Refusal::Malformed("the payload is no JSON object with unique members"),
        };
        assert_eq!(refusal, expected, "{token}");
    }
}

#[test]
fn a_changed_example_is_refused() {
    for example in all() {
        let ring = example.ring();
        let signature = decode_part(example.signature.as_bytes()).expect("base64url");
        for at in 0..signature.len() {
            let mut changed = signature.clone();
            changed[at] ^= 1;
            let token = example.token(&encode(&changed));
            assert_eq!(checked(&ring, &token), Err(Refusal::Signature), "{token}");
        }
        for length in [1, signature.len() / 2, signature.len() - 1] {
            assert_eq!(checked(&ring, &example.token(&encode(&signature[..length]))), Err(Refusal::Signature));
        }
        assert_eq!(checked(&ring, &example.token(&encode(&[&*signature, &[0]].concat()))), Err(Refusal::Signature));
        let Example { header, payload, signature, .. } = example;
        for token in [format!("{header}A.{payload}.{signature}"), format!("{header}.{payload}A.{signature}")] {
            assert_eq!(checked(&ring, &token), Err(Refusal::Signature), "{token}");
        }
    }
}

#[test]
fn private_keys_of_the_rfcs_sign() {
    for example in all().into_iter().filter(|example| example.jwk.get("d").is_some()) {
        let ring = example.ring();
        let token = ring.signer().expect("a signer").sign(r#"{"jti":"a"}"#).expect("a token");
        assert_eq!(checked(&ring, &token), Ok(()), "{token}");
        assert_eq!(ring.verify(token.as_bytes(), Expected::default()).expect("a good token").claims.id, "a");
        // The public half alone does as well.
        let mut public = example.jwk.clone();
        let members = public.as_object_mut().expect("an object");
        members.retain(|name, _| ["kty", "kid", "n", "e", "crv", "x", "y"].contains(&name.as_str()));
        let ring = Example { jwk: public, ..example }.ring();
        assert!(ring.signer().is_none());
        assert_eq!(checked(&ring, &token), Ok(()), "{token}");
    }
}

#[test]
fn keys_without_a_kid_are_named_by_their_thumbprint() {
    let thumbed = json!({"kty": "RSA", "n": THUMBED_MODULUS, "e": "AQAB", "alg": "RS256", "use": "sig"});
    let [a_2, a_3, mut bilbo, _, _, ed25519] = all();
    let thumbed = Example { jwk: thumbed, ..a_2.clone() };
    bilbo.jwk.as_object_mut().expect("an object").remove("kid");
    for (example, thumbprint) in [
        (thumbed, "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"), // RFC 7638 section 3.1
        (ed25519, "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"), // RFC 8037 appendix A.3
        (a_2, ""),
        (a_3, ""),
        (bilbo, ""),
    ] {
        let ring = example.ring();
        let here = ring.keys()[0].id().expect("a kid");
        let jwk: oracle::jwk::Jwk = serde_json::from_value(example.jwk).expect("a JWK");
        assert_eq!(here, jwk.thumbprint(oracle::jwk::ThumbprintHash::SHA256).expect("a thumbprint"));
        assert!(thumbprint.is_empty() || here == thumbprint, "{here}");
    }
}
