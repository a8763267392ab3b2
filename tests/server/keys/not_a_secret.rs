//! Common files that are not a raw secret: the error has a command that makes a key file from them. And the text of key
//! files is erased from memory.

use std::{
    fs::{self, File},
    io::{Read, Seek, SeekFrom},
    process::Command,
};

use base64::{Engine, prelude::*};
use serde_json::json;

use crate::support::{
    Server,
    cases::cases,
    keypairs::{openssl, pem, public_pem, text},
    sessions::{create, exec, get, send},
    tokens::SECRET,
};

/// A server with a secret that accepts weak secrets too.
fn server() -> Server {
    Server::builder().keys(SECRET.as_bytes()).arg("allow-weak-secret", "yes").start()
}

/// Writes the key file, reloads, and returns the error. The active key must stay.
fn refusal(server: &Server, file: &[u8]) -> String {
    let conn = &mut server.conn();
    let old = create(conn, "ada", "{}", &[]);
    fs::write(server.dir().join("keys"), file).unwrap();
    let error = send::<redis::Value>(conn, &["JRS.RELOAD"]).expect_err(&String::from_utf8_lossy(file));
    assert_eq!(error.code(), Some("ERR"), "{error}");
    assert!(get(conn, &old).is_some());
    error.detail().unwrap_or_default().to_owned()
}

#[test]
fn the_command_in_an_error_makes_an_accepted_file() {
    let server = server();
    let (key, dir) = (pem("ES256"), server.dir());
    let public = public_pem(&key);
    fs::write(dir.join("p.pem"), &key).unwrap();
    let path = |name: &str| dir.join(name).to_str().unwrap().to_owned();
    let certificate = text(&openssl(&format!("req -x509 -subj /CN=a -key {}", path("p.pem")), ""));
    let der = |options: &str, text: &str| openssl(&format!("{options} -outform DER"), text);
    let utf16 = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>();
    let secret = "3EK6FD+o0+c7tzBNVfjpMkNDi2yARAAKzQlk8O2IKoxQu4nF7EdAh8s3TwpHwrdWT6R";
    let spki = der("pkey -pubout", &key);
    assert!(
        Command::new("ssh-keygen").args(["-q", "-t", "ecdsa", "-N", "", "-f", &path("id")]).status().unwrap().success()
    );
    for file in cases([
        ("PKCS #8 in DER", der("pkey", &key)),
        ("SPKI in DER with LF", [&spki[..], b"\n"].concat()),
        ("SPKI in DER", spki.clone()),
        ("a certificate in DER", der("x509", &certificate)),
        ("SPKI in Base64", BASE64_STANDARD.encode(&spki).into_bytes()),
        ("SPKI in Base64url", BASE64_URL_SAFE_NO_PAD.encode(&spki).into_bytes()),
        ("SPKI in hex", spki.iter().map(|byte| format!("{byte:02x}")).collect::<String>().into_bytes()),
        ("UTF-16", utf16(&public)),
        ("UTF-16 with a BOM", [&b"\xff\xfe"[..], &utf16(&public)].concat()),
        ("an SSH public key", fs::read(path("id.pub")).unwrap()),
        ("a key and its certificate", format!("{key}{certificate}").into_bytes()),
        ("a certificate", certificate.clone().into_bytes()),
        ("JSON of HS256", json!({"type": "HS256", "key": secret}).to_string().into_bytes()),
        ("JSON of ES256", json!({"type": "ES256", "key": public}).to_string().into_bytes()),
        ("JSON with a certificate", json!({"type": "ES256", "key": certificate}).to_string().into_bytes()),
        (
            "a service account",
            json!({"type": "service_account", "private_key_id": "y", "private_key": key}).to_string().into_bytes(),
        ),
    ]) {
        let error = refusal(&server, &file);
        let command = error.rsplit_once(" (").and_then(|(_, rest)| rest.strip_suffix(')'));
        let command = command.unwrap_or_else(|| panic!("no command: {error}"));
        fs::write(dir.join("given"), &file).unwrap();
        let made = Command::new("sh").args(["-c", &command.replace("FILE", &path("given"))]).output().unwrap();
        assert!(!made.stdout.is_empty(), "{error}: {made:?}");
        fs::write(dir.join("keys"), &made.stdout).unwrap();
        send::<String>(&mut server.conn(), &["JRS.RELOAD"]).unwrap_or_else(|again| panic!("{error}: {again}"));
        fs::write(dir.join("keys"), SECRET).unwrap();
        exec(&mut server.conn(), &["JRS.RELOAD"]);
    }
    let firebase = json!({"0f1e": certificate, "2d3c": certificate}).to_string();
    assert!(refusal(&server, firebase.as_bytes()).contains("use the JWK Set"));
    assert!(refusal(&server, BASE64_STANDARD.encode(&key).as_bytes()).contains("PEM in base64"));
}

#[test]
fn pem_may_have_escaped_line_ends() {
    let server = server();
    let key = pem("EdDSA");
    let escaped = key.replace('\n', "\\n");
    for file in
        cases([("quoted", format!("\"{escaped}\"")), ("with CR", key.replace('\n', "\\r\\n")), ("escaped", escaped)])
    {
        fs::write(server.dir().join("keys"), file).unwrap();
        exec(&mut server.conn(), &["JRS.RELOAD"]);
    }
}

/// How often a text is in the memory of the server.
fn count_in_memory(server: &Server, text: &[u8]) -> usize {
    let info: String = send(&mut server.conn(), &["INFO", "server"]).unwrap();
    let pid = info.lines().find_map(|line| line.strip_prefix("process_id:")).unwrap().trim();
    let mut memory = File::open(format!("/proc/{pid}/mem")).unwrap();
    let mut found = 0;
    for line in fs::read_to_string(format!("/proc/{pid}/maps")).unwrap().lines().filter(|line| line.contains(" rw")) {
        let (start, end) = line.split(' ').next().unwrap().split_once('-').unwrap();
        let [start, end] = [start, end].map(|address| u64::from_str_radix(address, 16).unwrap());
        let mut bytes = Vec::new();
        memory.seek(SeekFrom::Start(start)).unwrap();
        // An error here means a region that cannot be read, such as one of the kernel.
        let _ = (&mut memory).take(end - start).read_to_end(&mut bytes);
        found += bytes.windows(text.len()).filter(|window| *window == text).count();
    }
    found
}

#[test]
fn the_text_of_a_key_is_erased_from_memory() {
    let server = server();
    let rsa = pem("RS256");
    let line = |text: &str, at: usize| text.lines().nth(at).unwrap().as_bytes().to_vec();
    let k: String = BASE64_URL_SAFE_NO_PAD.encode("a secret that no other test has: 2718281828459045");
    let escaped = format!(r#"{{"kty":"oct","k":"\u{:04x}{}"}}"#, k.as_bytes()[0], &k[1..]);
    let marker = "a text that must be found in memory: 1414213562";
    let mut conn = server.conn();
    exec(&mut conn, &["SET", "marker", marker]);
    assert!(count_in_memory(&server, marker.as_bytes()) > 0);
    for (file, texts) in [
        (rsa.clone(), vec![line(&rsa, 3), line(&rsa, 12), line(&rsa, 20)]),
        (rsa.replace('\n', "\\n"), vec![line(&rsa, 3), line(&rsa, 12), line(&rsa, 20)]),
        (escaped, vec![k.as_bytes()[1..40].to_vec()]),
        (k.clone(), vec![k.as_bytes()[8..40].to_vec()]),
    ] {
        fs::write(server.dir().join("keys"), file).unwrap();
        for _ in 0..5 {
            exec(&mut conn, &["JRS.RELOAD"]);
        }
        for text in texts {
            assert_eq!(count_in_memory(&server, &text), 0, "{}", String::from_utf8_lossy(&text));
        }
    }
}
