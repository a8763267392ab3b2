use std::time::Duration;

use super::{CallerClaims, ClaimRules, Claims, ClaimsError, TokenError, UnixMillis, carry_over_claims};
use crate::token::RegisteredClaims;

const ANY: ClaimRules<'static> = ClaimRules { issuer: None, audience: None, token_type: None };

const fn at(millis: i64) -> UnixMillis {
    UnixMillis::new(millis)
}

fn read(json: &str) -> Result<Claims, TokenError> {
    Claims::read(json.as_bytes(), ANY)
}

#[test]
fn all_claims_are_read() {
    let claims =
        read(r#"{"jti":"a","sub":"u","iat":1.5,"exp":2,"nbf":-1,"auth_time":0,"ttl":0.25,"jrs_chain":"c","x":[{}]}"#)
            .expect("claims");
    assert_eq!(
        claims,
        Claims {
            id: "a".to_owned(),
            subject: Some("u".to_owned()),
            issued_at: Some(at(1500)),
            expires_at: Some(at(2000)),
            deadline: Some(at(2000)),
            not_before: Some(at(-1000)),
            authenticated_at: Some(at(0)),
            ttl: Some(Duration::from_millis(250)),
            chain: Some("c".into()),
        }
    );
}

#[test]
fn an_id_is_a_plain_string() {
    for wrong in [
        "{}",
        r#"{"jti":""}"#,
        r#"{"jti":"x:rotated"}"#,
        r#"{"jti":1}"#,
        r#"{"jti":null}"#,
        r#"{"jti":["a"]}"#,
        r#"{"jti":"a\u0000b"}"#,
        r#"{"jti":"a\nb"}"#,
        r#"{"jti":"\u007f"}"#,
    ] {
        assert_eq!(read(wrong), Err(TokenError::Claim("jti")), "{wrong}");
    }
    assert_eq!(read(r#"{"jti":"\u00e9"}"#).expect("claims").id, "é");
}

#[test]
fn times_are_numbers_of_any_size() {
    for name in ["iat", "exp", "nbf", "auth_time"] {
        for wrong in ["\"1\"", "null", "true", "[]", "{}", "1e999"] {
            let json = format!(r#"{{"jti":"a","{name}":{wrong}}}"#);
            assert_eq!(read(&json), Err(TokenError::Claim(name)), "{json}");
        }
    }
    let far = read(r#"{"jti":"a","exp":1e300,"iat":-1e300}"#).expect("claims");
    assert_eq!((far.expires_at, far.issued_at), (Some(at(i64::MAX)), Some(at(i64::MIN))));
}

#[test]
fn a_ttl_must_be_a_positive_number() {
    for odd in ["0", "-1", "\"60\"", "null", "[1]", "0.0001"] {
        assert_eq!(read(&format!(r#"{{"jti":"a","ttl":{odd}}}"#)).expect("claims").ttl, None, "{odd}");
    }
}

#[test]
fn a_subject_may_have_any_shape() {
    for odd in ["1", "null", "{}", "[\"u\"]"] {
        assert_eq!(read(&format!(r#"{{"jti":"a","sub":{odd}}}"#)).expect("claims").subject, None, "{odd}");
    }
}

#[test]
fn issuer_and_audience_are_demanded_where_set() {
    let both = ClaimRules { issuer: Some("i"), audience: Some("a"), token_type: None };
    let read = |json: &str| Claims::read(json.as_bytes(), both).map(|claims| claims.id);
    assert_eq!(read(r#"{"jti":"x","iss":"i","aud":"a"}"#), Ok("x".to_owned()));
    assert_eq!(read(r#"{"jti":"x","iss":"i","aud":["b","a"]}"#), Ok("x".to_owned()));
    for wrong in ["", r#","iss":"j""#, r#","iss":1"#, r#","iss":["i"]"#] {
        assert_eq!(read(&format!(r#"{{"jti":"x","aud":"a"{wrong}}}"#)), Err(TokenError::Issuer), "{wrong}");
    }
    for wrong in ["", r#","aud":"b""#, r#","aud":[]"#, r#","aud":["a",1]"#, r#","aud":{"a":1}"#] {
        assert_eq!(read(&format!(r#"{{"jti":"x","iss":"i"{wrong}}}"#)), Err(TokenError::Audience), "{wrong}");
    }
}

#[test]
fn time_has_leeway() {
    let claims = Claims { not_before: Some(at(1000)), expires_at: Some(at(2000)), ..Claims::default() };
    let check_time = |now, leeway| claims.check_time(at(now), Duration::from_millis(leeway));
    assert_eq!(check_time(999, 0), Err(TokenError::NotYetValid));
    assert_eq!(check_time(1000, 0), Ok(()));
    assert_eq!(check_time(1999, 0), Ok(()));
    assert_eq!(check_time(2000, 0), Err(TokenError::Expired));
    assert_eq!(check_time(500, 500), Ok(()));
    assert_eq!(check_time(2499, 500), Ok(()));
    assert_eq!(check_time(2500, 500), Err(TokenError::Expired));
    let always = Claims { not_before: Some(at(i64::MIN)), expires_at: Some(at(i64::MAX)), ..Claims::default() };
    assert_eq!(always.check_time(at(i64::MAX - 1), Duration::from_secs(300)), Ok(()));
}

#[test]
fn what_is_written_is_read() {
    let registered = RegisteredClaims {
        id: "{a\"b}:c",
        issued_at: at(1_700_000_000_000),
        owner: "a\"b",
        issuer: Some("i"),
        audience: Some("a"),
        expires_at: Some(at(1_800_000_000_250)),
        deadline: Some(at(1_800_000_000_250)),
        ttl: Some(Duration::from_secs(90)),
        authenticated_at: Some(at(1_600_000_000_000)),
        chain: Some("c\"d"),
    };
    let caller = CallerClaims::read(" { \"role\" : 1.0 ,\"nbf\":5 } ", ANY).expect("claims");
    let json = registered.write(&caller);
    assert!(
        json.ends_with(
            r#""exp":1800000000.25,"ttl":90,"auth_time":1600000000,"jrs_chain":"c\"d","role" : 1.0 ,"nbf":5}"#
        ),
        "{json}"
    );
    let claims = Claims::read(json.as_bytes(), ClaimRules { issuer: Some("i"), audience: Some("a"), token_type: None })
        .expect("claims");
    assert_eq!(
        (claims.id.as_str(), claims.subject.as_deref(), claims.issued_at, claims.expires_at, claims.ttl),
        (
            "{a\"b}:c",
            Some("a\"b"),
            Some(at(1_700_000_000_000)),
            Some(at(1_800_000_000_250)),
            Some(Duration::from_secs(90))
        )
    );
    let bare = RegisteredClaims { id: "x", ..RegisteredClaims::default() }.write(&CallerClaims::default());
    assert_eq!(bare, r#"{"jti":"x","iat":0}"#);
}

#[test]
fn the_end_that_a_session_was_given_is_kept_beside_an_earlier_one() {
    for (deadline, text) in [
        (None, r#"{"jti":"x","iat":0,"exp":5,"jrs_exp":null}"#),
        (Some(at(7500)), r#"{"jti":"x","iat":0,"exp":5,"jrs_exp":7.5}"#),
        (Some(at(5000)), r#"{"jti":"x","iat":0,"exp":5}"#),
    ] {
        let registered =
            RegisteredClaims { id: "x", expires_at: Some(at(5000)), deadline, ..RegisteredClaims::default() };
        assert_eq!(registered.write(&CallerClaims::default()), text);
        let claims = read(text).expect("claims");
        assert_eq!((claims.expires_at, claims.deadline), (Some(at(5000)), deadline), "{text}");
    }
    for (foreign, deadline) in [
        (r#"{"jti":"x","exp":5,"jrs_exp":4}"#, Some(at(5000))),
        (r#"{"jti":"x","jrs_exp":4}"#, None),
        (r#"{"jti":"x","jrs_exp":null}"#, None),
    ] {
        assert_eq!(read(foreign).expect("claims").deadline, deadline, "{foreign}");
    }
    assert_eq!(read(r#"{"jti":"x","jrs_exp":"7"}"#), Err(TokenError::Claim("jrs_exp")));
    assert_eq!(CallerClaims::read(r#"{"jrs_exp":7}"#, ANY).expect_err("reserved"), ClaimsError::Reserved("jrs_exp"));
}

#[test]
fn claims_follow_into_the_next_token() {
    let old = br#"{"jti":"x","iat":1,"sub":"a","exp":9,"ttl":5,"auth_time":1,"iss":"i","role": "user", "n" :1.0}"#;
    let follow = |new, expected| carry_over_claims(old, new, expected);
    assert_eq!(follow("{}", ANY).as_deref(), Ok(r#"{"iss":"i","role":"user","n":1.0}"#));
    assert_eq!(
        follow("{}", ClaimRules { issuer: Some("i"), audience: None, token_type: None }).as_deref(),
        Ok(r#"{"role":"user","n":1.0}"#)
    );
    let new = r#"{"exp":7,"role":{"a":1},"q\"":null}"#;
    assert_eq!(follow(new, ANY).as_deref(), Ok(r#"{"iss":"i","n":1.0,"role":{"a":1},"q\"":null}"#));
    assert_eq!(follow("[]", ANY), Err(ClaimsError::NotAnObject));
    // Nor does JRS sign another spelling of its own claims that only a foreign key has signed.
    let odd = br#"{"jti":"x","SUB":"admin","Exp":9e9,"\u017fub":1,"ISS":"i","nbf":1,"role":"user"}"#;
    assert_eq!(carry_over_claims(odd, "{}", ANY).as_deref(), Ok(r#"{"nbf":1,"role":"user"}"#));
}

#[test]
fn callers_cannot_write_our_claims() {
    let refused = |json: &str| CallerClaims::read(json, ANY).map(|_| ()).expect_err("refused");
    for name in ["jti", "iat", "sub", "ttl", "auth_time"] {
        assert_eq!(refused(&format!(r#"{{"{name}":1}}"#)), ClaimsError::Reserved(name));
    }
    assert_eq!(refused(r#"{"\u006ati":1}"#), ClaimsError::Reserved("jti"));
    assert_eq!(refused(r#"{"exp":"1"}"#), ClaimsError::NotATime("exp"));
    assert_eq!(refused(r#"{"nbf":null}"#), ClaimsError::NotATime("nbf"));
    for (json, name) in [
        (r#"{"SUB":"admin"}"#, "sub"),
        (r#"{"\u017fub":"admin"}"#, "sub"),
        (r#"{"i\u0073S":"x"}"#, "iss"),
        (r#"{"AUD":"x"}"#, "aud"),
        (r#"{"role":1,"Exp":9999999999}"#, "exp"),
        (r#"{"nbF":0}"#, "nbf"),
        (r#"{"exp":9999999999,"EXP":1}"#, "exp"),
        (r#"{"JRS_exp":null}"#, "jrs_exp"),
        (r#"{"Auth_Time":1}"#, "auth_time"),
    ] {
        assert_eq!(refused(json), ClaimsError::OtherSpelling(name), "{json}");
    }
    for time in ["253402300800", "1764000000000", "1e300"] {
        assert_eq!(refused(&format!(r#"{{"exp":{time}}}"#)), ClaimsError::TooFar("exp"));
        assert_eq!(refused(&format!(r#"{{"nbf":{time}}}"#)), ClaimsError::TooFar("nbf"));
    }
    assert!(CallerClaims::read(r#"{"exp":253402300799}"#, ANY).is_ok());
    for wrong in ["", "[]", "1", "{", "{}{}", r#"{"a":1,"a":2}"#] {
        assert_eq!(refused(wrong), ClaimsError::NotAnObject, "{wrong}");
    }
    assert!(CallerClaims::read(r#"{"iss":"x","aud":"y"}"#, ANY).is_ok());
    let both = ClaimRules { issuer: Some("i"), audience: Some("a"), token_type: None };
    assert_eq!(CallerClaims::read(r#"{"iss":"x"}"#, both).expect_err("refused"), ClaimsError::Reserved("iss"));
    assert_eq!(CallerClaims::read(r#"{"aud":"x"}"#, both).expect_err("refused"), ClaimsError::Reserved("aud"));
    assert_eq!(CallerClaims::read(r#"{"exp":2.5}"#, ANY).expect("claims").expires_at, Some(at(2500)));
}
