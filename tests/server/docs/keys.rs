//! Runs the programs of docs/keys.md: its shell blocks run one after the other in one shell, in the folder of a real server.
//! Their output is compared with that on the page, and the programs on the page must refuse invalid tokens.
//!
//! These blocks are marked `shell`. tests/server/docs/dialogues.rs runs the blocks marked `sh`, each in its own shell.

use std::{
    env, fs,
    io::{BufRead, BufReader},
    iter,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
};

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey, crypto};

use crate::support::{Server, tokens};

/// In seconds. Long, because the first run of Go compiles the standard library.
const PATIENCE: &str = "600";
/// Separates the output of one block from that of the next.
const MARK: &str = "--- end of block ---\n";

/// A fenced code block: the word after the fence, and the text.
type Block = (String, String);

#[test]
fn the_commands_and_programs_of_the_page_work() {
    let blocks = blocks(&fs::read_to_string(root().join("docs/keys.md")).unwrap());
    let workspace = Workspace::new(&blocks);
    let count = workspace.run_blocks(&blocks).unwrap_or_else(|problem| panic!("{problem}"));
    assert!(count >= 10, "{count} shell blocks");

    // The blocks have written the verifiers, the keys and the published JWKS into the folder.
    let connection = &mut workspace.server.conn();
    let mut create =
        |owner: &str| -> String { redis::cmd("JRS.CREATE").arg(&[owner, "{}"]).query(connection).unwrap() };
    let (good, other) = (create("ann"), create("eve"));
    let (signed, signature) = good.rsplit_once('.').unwrap();
    let (header, claims) = signed.split_once('.').unwrap();
    let payload_of_another = other.split('.').nth(1).unwrap();
    let none = "eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0"; // {"alg":"none","typ":"JWT"}
    // Tokens for another audience, without an `exp`, and of a key that is no longer published.
    let set = |name: &str, value: &str| {
        redis::cmd("CONFIG").arg(&["SET", name, value]).exec(&mut workspace.server.conn()).unwrap();
    };
    set("jrs.audience", "another");
    let for_another = create("ann");
    set("jrs.audience", "api");
    set("jrs.max-lifetime", "0");
    let endless = create("ann");
    set("jrs.max-lifetime", "2592000");
    set("jrs.keys-file", &workspace.server.dir().join("es256.pem").to_string_lossy());
    let of_old_key = create("ann");
    let old_header = of_old_key.split('.').next().unwrap();
    assert_ne!(old_header, header);
    let foreign_signature = of_old_key.rsplit('.').next().unwrap();
    // Claim names are case-sensitive. JRS never signs these claims, but others with the key may.
    let private = fs::read(workspace.server.dir().join("es256-new.pem")).unwrap();
    let with = |change: &dyn Fn(&mut serde_json::Map<String, serde_json::Value>)| {
        let mut claims = tokens::claims(&good).as_object().unwrap().clone();
        change(&mut claims);
        let payload = BASE64_URL_SAFE_NO_PAD.encode(serde_json::to_string(&claims).unwrap());
        let text = format!("{header}.{payload}");
        let key = EncodingKey::from_ec_pem(&private).unwrap();
        format!("{text}.{}", crypto::sign(text.as_bytes(), &key, Algorithm::ES256).unwrap())
    };
    let two_subjects = with(&|claims| drop(claims.insert("SUB".to_owned(), "eve".into())));
    let uppercase_exp = with(&|claims| {
        let end = claims.remove("exp").unwrap();
        claims.insert("EXP".to_owned(), end);
    });
    for program in ["node verify.mjs", "python3 verify.py", "go run verify.go"] {
        let verify = |token: &str| workspace.run(&format!("{program} '{token}'"));
        let accepted = verify(&good);
        let printed = text(&accepted.stdout);
        assert!(accepted.status.success() && printed.contains("\"ann\""), "{program}: {accepted:?}");
        let printed = text(&verify(&two_subjects).stdout);
        assert!(printed.contains("\"sub\":\"ann\"") || printed.contains("\"sub\": \"ann\""), "{program}: {printed}");
        for (name, token) in [
            ("EXP in place of exp", uppercase_exp.clone()),
            ("the claims of another token", format!("{header}.{payload_of_another}.{signature}")),
            ("the signature of another key", format!("{signed}.{foreign_signature}")),
            ("a key that is no longer published", of_old_key.clone()),
            ("alg none", format!("{none}.{claims}.")),
            ("no signature", format!("{signed}.")),
            ("another audience", for_another.clone()),
            ("no exp", endless.clone()),
        ] {
            let refused = verify(&token);
            // The program must exit with 1 and print no claims. The exit status of timeout(1) is 124.
            let code = refused.status.code();
            assert!(code == Some(1) && refused.stdout.is_empty(), "{program} and {name}: {refused:?}");
        }
    }
}

#[test]
fn every_key_of_the_page_signs_with_its_algorithm() {
    let blocks = blocks(&fs::read_to_string(root().join("docs/keys.md")).unwrap());
    let workspace = Workspace::new(&blocks);
    let making: Vec<Block> = blocks
        .into_iter()
        .filter(|(_, text)| text.contains(" > $alg.json\n") || text.contains("-out rs256.pem"))
        .collect();
    assert_eq!(workspace.run_blocks(&making), Ok(2));
    for (file, setting, algorithm) in [
        ("rs256.pem", "HS256", "RS256"),
        ("ps256.pem", "PS256", "PS256"),
        ("es256.pem", "HS256", "ES256"),
        ("es384.pem", "HS256", "ES384"),
        ("eddsa.pem", "HS256", "EdDSA"),
        ("secret", "HS256", "HS256"),
        ("admin.json", "HS256", "HS256"),
        ("RS256.json", "HS256", "RS256"),
        ("PS256.json", "HS256", "PS256"),
        ("ES256.json", "HS256", "ES256"),
        ("ES384.json", "HS256", "ES384"),
        ("EdDSA.json", "HS256", "EdDSA"),
    ] {
        let connection = &mut workspace.server.conn();
        let path = workspace.server.dir().join(file);
        let settings = ["SET", "jrs.keys-file", &path.to_string_lossy(), "jrs.algorithm", setting];
        redis::cmd("CONFIG").arg(&settings).exec(connection).unwrap();
        let token: String = redis::cmd("JRS.CREATE").arg(&["ann", "{}"]).query(connection).unwrap();
        let inspected: Vec<redis::Value> = redis::cmd("JRS.INSPECT").arg(&token).query(connection).unwrap();
        let value = |name: &str| {
            let at = inspected.iter().position(|value| text_of(value).as_deref() == Some(name)).unwrap();
            text_of(&inspected[at + 1])
        };
        assert_eq!(value("alg").as_deref(), Some(algorithm), "{file}");
        if algorithm == "HS256" {
            assert_eq!(value("kid").as_deref(), (file == "admin.json").then_some("admin-1"), "{file}");
        } else if let Some(jwk) = fs::read_to_string(&path).unwrap().strip_prefix('{') {
            // The kid is the thumbprint by jose. Without it JRS computes the same.
            let kid = value("kid").unwrap();
            let (before, after) = jwk.split_once(&format!(",\"kid\":\"{kid}\"")).expect("the kid of the file");
            fs::write(&path, format!("{{{before}{after}")).unwrap();
            redis::cmd("JRS.RELOAD").exec(connection).unwrap();
            let jwks: String = redis::cmd("JRS.JWKS").query(connection).unwrap();
            assert!(jwks.contains(&format!("\"kid\":\"{kid}\"")), "{file}: {jwks}");
        }
    }
}

#[test]
fn a_wrong_output_is_detected() {
    assert!(matches("{\"a\":\"…\",\"b\":…}", "{\"a\":\"x\",\"b\":1}"));
    for (expected, actual) in [("OK", "OK\nOK"), ("a…", "a"), ("a…c", "abd"), ("…c", "xcd"), ("a", ""), ("a…", "ab\n")]
    {
        assert!(!matches(expected, actual), "{expected:?} and {actual:?}");
    }
    let workspace = Workspace::new(&[]);
    let block = |kind: &str, text: &str| (kind.to_owned(), text.to_owned());
    assert_eq!(
        workspace.run_blocks(&[block("shell", "echo a\n"), block("output", "a\n"), block("shell", "echo b\n")]),
        Ok(2)
    );
    workspace.run_blocks(&[block("shell", "echo a\n"), block("output", "b\n")]).unwrap_err();
    workspace.run_blocks(&[block("shell", "false\necho a\n")]).unwrap_err();
}

/// A server with the programs of the page in its folder, and a web server for the files that the page publishes.
struct Workspace {
    server: Server,
    web: Child,
    url: String,
}

impl Workspace {
    fn new(blocks: &[Block]) -> Workspace {
        let server = Server::start();
        let dir = server.dir();
        for (name, sign) in [
            ("make-key.mjs", "generateKeyPair"),
            ("verify.mjs", "createRemoteJWKSet"),
            ("verify.py", "PyJWKClient"),
            ("verify.go", "package main"),
        ] {
            let program =
                blocks.iter().find(|(kind, text)| ["js", "python", "go"].contains(&&**kind) && text.contains(sign));
            if let Some((_, program)) = program {
                fs::write(dir.join(name), program).unwrap();
            }
        }
        symlink(root().join("tests/interop/node_modules"), dir.join("node_modules")).unwrap();
        let public = dir.join("public");
        fs::create_dir(&public).unwrap();
        // -u: prints its port at once. setpriv: ends with the thread of the test.
        let mut web = Command::new("setpriv")
            .args(["--pdeathsig", "KILL", "python3", "-u", "-m", "http.server", "0", "--bind", "127.0.0.1"])
            .current_dir(&public)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(web.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let port = line.split_whitespace().skip_while(|word| *word != "port").nth(1).expect("a port").to_owned();
        Workspace { server, web, url: format!("http://127.0.0.1:{port}/.well-known/jwks.json") }
    }

    /// Runs the shell blocks. Returns their number, or the problem.
    fn run_blocks(&self, blocks: &[Block]) -> Result<usize, String> {
        let shell: Vec<&Block> = blocks.iter().filter(|(kind, _)| kind == "shell").collect();
        let script: String = shell.iter().map(|(_, text)| format!("{text}printf %s '{MARK}'\n")).collect();
        let output = self.run(&script);
        let printed = text(&output.stdout);
        if !output.status.success() {
            return Err(format!("{}\n{printed}\n{}", output.status, text(&output.stderr)));
        }
        let mut printed = printed.split(MARK);
        for (at, (kind, commands)) in blocks.iter().enumerate() {
            if kind != "shell" {
                continue;
            }
            let actual = printed.next().ok_or("an output is missing")?;
            if let Some((_, expected)) = blocks.get(at + 1).filter(|(kind, _)| kind == "output")
                && !matches(expected, actual)
            {
                return Err(format!("{commands}\nmust print\n{expected}\nand prints\n{actual}"));
            }
        }
        Ok(shell.len())
    }

    fn run(&self, script: &str) -> Output {
        let path = format!("{}:{}", root().join("target/venv/bin").display(), env::var("PATH").unwrap());
        let mut shell = Command::new("timeout");
        shell.args([PATIENCE, "sh", "-eu", "-c", script]).current_dir(self.server.dir()).stdin(Stdio::null());
        shell.env("PATH", path).env("PORT", self.server.port().to_string()).env("JWKS_URL", &self.url);
        // Keeps compiled Go packages for the next run, and downloads nothing.
        shell.env("GOCACHE", root().join("target/go-cache")).env("GOPROXY", "off");
        shell.output().unwrap()
    }
}

impl Drop for Workspace {
    fn drop(&mut self) {
        // An error here means that the web server has ended.
        let _ = self.web.kill();
        let _ = self.web.wait();
    }
}

/// Whether the output matches. `…` stands for one or more characters of a line.
fn matches(expected: &str, actual: &str) -> bool {
    fn line(expected: &str, actual: &str) -> bool {
        let Some((before, after)) = expected.split_once('…') else { return expected == actual };
        let Some(rest) = actual.strip_prefix(before) else { return false };
        rest.char_indices().skip(1).map(|(at, _)| at).chain([rest.len()]).any(|at| at > 0 && line(after, &rest[at..]))
    }
    let (expected, actual): (Vec<_>, Vec<_>) = (expected.split('\n').collect(), actual.split('\n').collect());
    expected.len() == actual.len() && iter::zip(expected, actual).all(|(expected, actual)| line(expected, actual))
}

fn blocks(document: &str) -> Vec<Block> {
    let mut lines = document.lines();
    iter::from_fn(|| {
        let kind = lines.find_map(|line| line.strip_prefix("```"))?.to_owned();
        let text = lines.by_ref().take_while(|line| *line != "```").map(|line| format!("{line}\n")).collect();
        Some((kind, text))
    })
    .collect()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn text_of(value: &redis::Value) -> Option<String> {
    redis::from_redis_value_ref(value).ok()
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}
