//! The keys of a key file: which of them sign and verify, how they are rotated, and which files are refused.

use std::{
    fs::{self, Permissions},
    os::unix::fs::PermissionsExt,
    process::Command,
};

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, encode};
use redis::{Connection, Value};
use serde_json::json;

use crate::support::{
    Server,
    cases::{cases, each},
    sessions::{contents, create, exec, get, now, refusal, refused, send},
    tokens::{SECRET, header, jwk, token},
};

/// The file of a JWK Set.
fn key_set(keys: &[serde_json::Value]) -> Vec<u8> {
    json!({ "keys": keys }).to_string().into_bytes()
}

/// A key with this kid and a secret made from it.
fn named(name: &str) -> serde_json::Value {
    jwk(name, "HS256", name.repeat(32).as_bytes())
}

/// Whether jsonwebtoken accepts a token's signature.
fn library_verifies(token: &str, algorithm: Algorithm, secret: &[u8]) -> bool {
    let mut validation = Validation::new(algorithm);
    validation.required_spec_claims.clear();
    decode::<serde_json::Value>(token, &DecodingKey::from_secret(secret), &validation).is_ok()
}

/// The text of the error of a command. The command must be refused.
fn problem(conn: &mut Connection, words: &[&str]) -> String {
    let error = send::<Value>(conn, words).expect_err("a refusal");
    assert_eq!(error.code(), Some("ERR"), "{error}");
    error.detail().unwrap_or_default().to_owned()
}

#[test]
fn the_last_line_end_of_a_raw_secret_is_removed() {
    for end in ["", "\n", "\r\n"] {
        let server = Server::builder().keys(format!("{SECRET}{end}").as_bytes()).start();
        let conn = &mut server.conn();
        let created = create(conn, "ada", "{}", &[]);
        assert_eq!(header(&created), json!({"alg": "HS256", "typ": "JWT"}));
        assert!(library_verifies(&created, Algorithm::HS256, SECRET.as_bytes()), "{end:?}");
        assert!(
            get(conn, &token(&json!({"jti": "elsewhere"}))).is_none(),
            "the token is accepted, and there is no session"
        );
    }
    let server = Server::builder().keys(format!(" {SECRET}\n").as_bytes()).start();
    let created = create(&mut server.conn(), "ada", "{}", &[]);
    assert!(library_verifies(&created, Algorithm::HS256, format!(" {SECRET}").as_bytes()), "other spaces are kept");
}

#[test]
fn each_key_signs_with_its_own_algorithm() {
    for (name, algorithm) in [("HS256", Algorithm::HS256), ("HS384", Algorithm::HS384), ("HS512", Algorithm::HS512)] {
        let file = jwk("k1", name, SECRET.as_bytes()).to_string();
        let server = Server::builder().keys(file.as_bytes()).arg("algorithm", "HS384").start();
        let conn = &mut server.conn();
        let created = create(conn, "ada", "{}", &[]);
        assert_eq!(header(&created), json!({"alg": name, "typ": "JWT", "kid": "k1"}));
        assert!(library_verifies(&created, algorithm, SECRET.as_bytes()), "{name}");
        assert_eq!(get(conn, &created).expect("a session").owner, "ada");
    }
}

#[test]
fn the_first_key_signs_and_all_verify() {
    let keys = [("a", Algorithm::HS512), ("b", Algorithm::HS384), ("c", Algorithm::HS256)];
    let set = keys.map(|(id, algorithm)| jwk(id, &format!("{algorithm:?}"), id.repeat(64).as_bytes()));
    let server = Server::builder().keys(&key_set(&set)).start();
    let conn = &mut server.conn();
    assert_eq!(header(&create(conn, "ada", "{}", &[]))["kid"], "a");
    for (id, algorithm) in keys {
        let header = Header { kid: Some(id.to_owned()), ..Header::new(algorithm) };
        let made = |secret: &str| {
            encode(&header, &json!({"jti": "elsewhere", "iat": now()}), &EncodingKey::from_secret(secret.as_bytes()))
                .unwrap()
        };
        assert!(get(conn, &made(&id.repeat(64))).is_none(), "{id}: the token is accepted, and there is no session");
        assert_eq!(refusal(conn, &made(&id.repeat(63))), "BADTOKEN", "{id}");
    }
}

#[test]
fn the_first_key_that_can_sign_signs() {
    let mut only_verifies = named("v");
    only_verifies["key_ops"] = json!(["verify"]);
    let server = Server::builder().keys(&key_set(&[only_verifies.clone(), named("s")])).start();
    let conn = &mut server.conn();
    let old = create(conn, "ada", "{}", &[]);
    assert_eq!(header(&old)["kid"], "s");

    let mut verifies_only = named("s");
    verifies_only["key_ops"] = json!(["verify"]);
    fs::write(server.dir().join("keys"), key_set(&[only_verifies, verifies_only])).unwrap();
    exec(conn, &["JRS.RELOAD"]);
    let before = contents(conn);
    assert_eq!(refused(conn, &["JRS.CREATE", "ada", "{}"]), "NOKEYS");
    assert_eq!(contents(conn), before);
    assert!(get(conn, &old).is_some());
}

#[test]
fn keys_are_rotated_step_by_step() {
    let server = Server::builder().keys(&key_set(&[named("old")])).start();
    let conn = &mut server.conn();
    let file = server.dir().join("keys");
    let old = create(conn, "ada", "{}", &[]);
    assert!(get(conn, &old).is_some());

    fs::write(&file, key_set(&[named("new"), named("old")])).unwrap();
    assert_eq!(header(&create(conn, "ada", "{}", &[]))["kid"], "old", "nothing changes before JRS.RELOAD");
    assert_eq!(send::<String>(conn, &["JRS.RELOAD"]).unwrap(), "OK");
    let new = create(conn, "ada", "{}", &[]);
    assert_eq!(header(&new)["kid"], "new");
    assert!(get(conn, &old).is_some() && get(conn, &new).is_some());

    fs::write(&file, key_set(&[named("new")])).unwrap();
    assert!(get(conn, &old).is_some(), "nothing changes before JRS.RELOAD");
    assert_eq!(send::<String>(conn, &["JRS.RELOAD"]).unwrap(), "OK");
    assert_eq!(refusal(conn, &old), "BADTOKEN");
    assert!(get(conn, &new).is_some());
}

#[test]
fn config_set_changes_the_keys_file() {
    let server = Server::builder().keys(&key_set(&[named("old")])).start();
    let conn = &mut server.conn();
    let old = create(conn, "ada", "{}", &[]);
    let file = server.dir().join("other keys");
    fs::write(&file, key_set(&[named("new")])).unwrap();
    exec(conn, &["CONFIG", "SET", "jrs.keys-file", file.to_str().unwrap()]);
    assert_eq!(header(&create(conn, "ada", "{}", &[]))["kid"], "new");
    assert_eq!(refusal(conn, &old), "BADTOKEN");
}

#[test]
fn a_broken_file_is_refused_and_the_active_keys_stay() {
    let server = Server::builder().keys(&key_set(&[named("old")])).start();
    let conn = &mut server.conn();
    let old = create(conn, "ada", "{}", &[]);
    let (good, k) = (named("new"), BASE64_URL_SAFE_NO_PAD.encode(SECRET));
    let second = |bad: serde_json::Value| String::from_utf8(key_set(&[good.clone(), bad])).unwrap();
    for (content, problem_text) in [
        (second(json!({"kty": "oct", "kid": "b", "k": format!("{k}=")})), "key 2"),
        (second(json!({"kty": "oct", "kid": "b", "k": format!("{k}!")})), "key 2"),
        (second(json!({"kty": "oct", "kid": "b", "k": &k[..20]})), "key 2"),
        (second(json!({"kty": "oct", "kid": "b", "alg": "none", "k": k})), "key 2"),
        (second(json!({"kty": "oct", "kid": "b", "alg": "RS256", "k": k})), "key 2"),
        (second(json!({"kty": "oct", "kid": 7, "k": k})), "key 2"),
        (second(json!({"kty": "oct", "kid": "b"})), "key 2"),
        (second(json!({"kid": "b", "k": k})), "key 2"),
        (second(json!({"kty": "oct", "kid": "new", "k": k})), "key 2"),
        (second(json!(k)), "key 2"),
        (second(json!({"kty": "oct", "kid": "b", "k": k})).replace("\"b\"", "\"b\",\"kid\":\"b\""), "key 2"),
        (format!(r#"{{"keys":[{{"kty":"oct","k":"{k}"}}"#), "JSON"),
        (format!(r#"{{"kty":"oct","k":"{k}"}} trailing"#), "JSON"),
        (format!(r#"["{k}"]"#), "JSON"),
        (r#"{"keys":[]}"#.to_owned(), "no key"),
        (format!(r#"{{"keys":{{"k":"{k}"}}}}"#), "keys"),
        (String::new(), "empty"),
        ("\n".to_owned(), "empty"),
        (SECRET[..31].to_owned(), "jrs.allow-weak-secret"),
    ] {
        fs::write(server.dir().join("keys"), &content).unwrap();
        let text = problem(conn, &["JRS.RELOAD"]);
        assert!(text.contains(problem_text) && text.contains("keys' is refused"), "{content}: {text}");
        assert!(!text.contains(&k[..20]) && !text.contains(&SECRET[..31]), "{text}");
        assert!(get(conn, &old).is_some(), "{content}");
        assert_eq!(header(&create(conn, "ada", "{}", &[]))["kid"], "old", "{content}");
    }
    let log = server.log();
    assert!(log.contains("' is refused: key 2"), "{log}");
    assert!(!log.contains(&k[..20]) && !log.contains(&SECRET[..31]), "{log}");
}

#[test]
fn a_path_that_is_not_a_readable_file_is_refused_at_once() {
    let server = Server::builder().keys(SECRET.as_bytes()).start();
    let conn = &mut server.conn();
    let old = create(conn, "ada", "{}", &[]);
    let path = |name: &str| server.dir().join(name).to_str().unwrap().to_owned();
    fs::create_dir(path("folder")).unwrap();
    assert!(Command::new("mkfifo").arg(path("pipe")).status().unwrap().success());
    fs::write(path("large"), vec![b'x'; (1 << 20) + 1]).unwrap();
    for (file, reason) in [
        (path("missing"), "cannot be read"),
        (path("folder"), "not a regular file"),
        (path("pipe"), "not a regular file"),
        ("/dev/zero".to_owned(), "not a regular file"),
        (path("large"), "larger than"),
        (format!("{}/", path("keys")), "cannot be read"),
        (path("keys\0"), "the key file"),
    ] {
        let text = problem(conn, &["CONFIG", "SET", "jrs.keys-file", &file]);
        assert!(text.contains(reason), "{file}: {text}");
        let [_, shown]: [String; 2] = send(conn, &["CONFIG", "GET", "jrs.keys-file"]).unwrap();
        assert_eq!(shown, path("keys"));
    }
    fs::remove_file(path("keys")).unwrap();
    fs::rename(path("pipe"), path("keys")).unwrap();
    assert!(problem(conn, &["JRS.RELOAD"]).contains("not a regular file"));
    assert!(get(conn, &old).is_some());
    fs::remove_file(path("keys")).unwrap();
    assert!(problem(conn, &["JRS.RELOAD"]).contains("cannot be read"));
    assert!(get(conn, &old).is_some());
}

#[test]
fn a_file_that_others_can_read_is_logged() {
    let server = Server::builder().keys(SECRET.as_bytes()).start();
    let warnings = || server.log().lines().filter(|line| line.contains("chmod 600 or 640")).count();
    assert_eq!(warnings(), 0);
    for (mode, expected) in [(0o640, 0), (0o440, 0), (0o604, 1), (0o600, 1), (0o400, 1), (0o660, 2), (0o444, 3)] {
        fs::set_permissions(server.dir().join("keys"), Permissions::from_mode(mode)).unwrap();
        exec(&mut server.conn(), &["JRS.RELOAD"]);
        assert_eq!(warnings(), expected, "{mode:o}");
    }
}

#[test]
fn a_weak_secret_needs_allow_weak_secret() {
    for (algorithm, min_length) in each([("HS256", 32), ("HS384", 48), ("HS512", 64)]) {
        for raw in cases([("a raw secret", true), ("a JWK", false)]) {
            let builder = |length| {
                let secret = vec![b'x'; length];
                let file = if raw { secret } else { key_set(&[jwk("k", algorithm, &secret)]) };
                Server::builder().keys(&file).arg("algorithm", algorithm)
            };
            assert!(builder(min_length).start().alive());
            let Err(log) = builder(min_length - 1).try_start() else { panic!("the server started: {algorithm}") };
            assert!(log.contains("jrs.allow-weak-secret yes"), "{log}");
            assert!(builder(1).arg("allow-weak-secret", "yes").start().alive());
            assert!(builder(0).arg("allow-weak-secret", "yes").try_start().is_err(), "an empty secret is refused");
        }
    }
}

#[test]
fn other_formats_are_never_a_raw_secret() {
    let server = Server::builder().keys(SECRET.as_bytes()).arg("allow-weak-secret", "yes").start();
    let conn = &mut server.conn();
    let old = create(conn, "ada", "{}", &[]);
    let pem = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAQw==\n-----END PUBLIC KEY-----\n";
    for text in [
        "{ a secret in braces, long enough for any algorithm }",
        "[ a secret in brackets, long enough for any algorithm ]",
        " \n\t{ a secret in braces, behind blanks }",
        "\u{feff}{ a secret in braces, behind a byte order mark }",
        "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABgQ== somebody@example",
        "ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTY= somebody@example",
        "sk-ssh-ed25519@openssh.com AAAAGnNrLXNzaC1lZDI1NTE5QG9wZW5zc2guY29t somebody@example",
        "sk-ecdsa-sha2-nistp256@openssh.com AAAAInNrLWVjZHNhLXNoYTItbmlzdHAyNTZA somebody@example",
        "---- BEGIN SSH2 PUBLIC KEY ----\nAAAAC3NzaC1lZDI1NTE5AAAAIA==\n---- END SSH2 PUBLIC KEY ----\n",
        "-----BEGIN OPENSSH PRIVATE KEY-----\nMII\n-----END OPENSSH PRIVATE KEY-----",
        "-----BEGIN ",
        &format!("Bag Attributes\n    friendlyName: key\n{pem}"),
        pem,
    ] {
        fs::write(server.dir().join("keys"), text).unwrap();
        assert!(problem(conn, &["JRS.RELOAD"]).contains("is refused"), "{text}");
        assert!(get(conn, &old).is_some(), "{text}");
        let start = Server::builder().keys(text.as_bytes()).arg("allow-weak-secret", "yes").try_start();
        assert!(start.is_err_and(|log| log.contains("is refused")), "{text}");
    }
}
