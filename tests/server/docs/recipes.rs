//! Runs the programs of docs/recipes.md: an application that signs access tokens, and two gateways that verify them.

use std::{
    env,
    fs::{self, File},
    io::{self, Read, Write},
    net::{Ipv4Addr, TcpListener, TcpStream},
    os::unix::fs::symlink,
    path::Path,
    process::{Child, Command, Stdio},
};

use jsonwebtoken::Algorithm;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{
    PATIENCE, Server, await_that,
    keypairs::{self, pem},
    recipes::{root, sections},
    sessions::{exec, now, send},
    tokens::{claims, header},
};

const ISSUER: &str = "https://login.example";
/// The ports of the page: the application, and the gateways in Node.js and Python.
const PORTS: [&str; 3] = ["8080", "8081", "8082"];

/// The running programs.
struct Programs {
    folder: TempDir,
    ports: [u16; 3],
    running: Vec<Child>,
}

impl Programs {
    /// Writes the programs with other ports than on the page, and starts them.
    fn start(redis: u16) -> Programs {
        // Another process may take a port before the program binds it.
        (0..10).find_map(|_| Programs::try_start(redis)).expect("free ports in one of ten attempts")
    }

    /// None if a program ends: its port was taken.
    fn try_start(redis: u16) -> Option<Programs> {
        let page = fs::read_to_string(root().join("docs/recipes.md")).unwrap();
        let section =
            sections(&page).into_iter().find(|one| one.heading.starts_with("An API gateway")).expect("the recipe");
        // Reserved until the programs start.
        let reserved = PORTS.map(|_| TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap());
        let ports = reserved.each_ref().map(|listener| listener.local_addr().unwrap().port());
        let real = |text: &str| {
            let pairs = PORTS.iter().zip(ports).chain([(&"6379", redis)]);
            // A real port may contain a port of the page, so that is replaced by a name first.
            let named = pairs.clone().fold(text.to_owned(), |text, (port, _)| text.replace(port, &format!("<{port}>")));
            pairs.fold(named, |text, (port, real)| text.replace(&format!("<{port}>"), &real.to_string()))
        };
        let mut programs = Programs { folder: tempfile::tempdir().unwrap(), ports, running: Vec::new() };
        let folder = programs.folder.path().to_owned();
        for (name, text) in &section.files {
            if ["app.mjs", "gateway.mjs", "gateway.py"].contains(&name.as_str()) || name.contains("flask --app gateway")
            {
                let name = if text.starts_with("import time") { "gateway.py" } else { name };
                fs::write(folder.join(name), real(text)).unwrap();
            }
        }
        let modules = folder.join("node_modules");
        fs::create_dir(&modules).unwrap();
        for (package, installed) in [("express", "clients"), ("redis", "clients"), ("jose", "interop")] {
            let package_folder = root().join("tests").join(installed).join("node_modules").join(package);
            assert!(package_folder.exists(), "{} is missing", package_folder.display());
            symlink(package_folder, modules.join(package)).unwrap();
        }
        drop(reserved);
        let python_port = programs.ports[2].to_string();
        for words in [
            &["node", "app.mjs"][..],
            &["node", "gateway.mjs"],
            &["flask", "--app", "gateway", "run", "--port", &python_port],
        ] {
            let child = spawn(&folder, words);
            programs.running.push(child);
        }
        for (child, port) in programs.running.iter_mut().zip(ports) {
            let is_listening = await_that("a program that listens or ends", || {
                let has_ended = child.try_wait().unwrap().is_some();
                if has_ended { Some(false) } else { ask(port, "GET", "/", "", "").is_ok().then_some(true) }
            });
            if !is_listening {
                return None;
            }
        }
        Some(programs)
    }

    /// Sends a request to the application.
    fn app(&self, path: &str, token: &str, body: &str) -> (u16, String) {
        ask(self.ports[0], "POST", path, token, body).unwrap()
    }

    /// The replies of both gateways to a request with this token.
    fn gateways(&self, token: &str) -> [(u16, String); 2] {
        [1, 2].map(|at| ask(self.ports[at], "GET", "/orders", token, "").unwrap())
    }

    /// The HTTP statuses of the replies of both gateways.
    fn statuses(&self, token: &str) -> [u16; 2] {
        self.gateways(token).map(|(status, _)| status)
    }
}

impl Drop for Programs {
    fn drop(&mut self) {
        for child in &mut self.running {
            // An error here means that the process has ended.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

fn spawn(folder: &Path, words: &[&str]) -> Child {
    let path = format!("{}:{}", root().join("target/venv/bin").display(), env::var("PATH").unwrap());
    // setpriv makes the kernel kill it when the thread of the test ends, also if the test is killed.
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "KILL"]).args(words).current_dir(folder).env("PATH", path);
    // The log of each request is not of interest.
    let log = File::create(folder.join("log")).unwrap();
    command.env("PYTHONDONTWRITEBYTECODE", "1").stdin(Stdio::null()).stderr(log).spawn().unwrap()
}

/// Sends a request with a token, if it is not empty. Returns the HTTP status and the body.
fn ask(port: u16, method: &str, path: &str, token: &str, body: &str) -> io::Result<(u16, String)> {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let credentials = if token.is_empty() { String::new() } else { format!("Authorization: Bearer {token}\r\n") };
    let form = "Content-Type: application/x-www-form-urlencoded";
    // With HTTP/1.0 the server closes the connection after the response.
    let head = format!("{method} {path} HTTP/1.0\r\n{credentials}{form}\r\nContent-Length: {}\r\n\r\n", body.len());
    stream.write_all(format!("{head}{body}").as_bytes())?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let (head, body) = answer.split_once("\r\n\r\n").ok_or(io::ErrorKind::InvalidData)?;
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).ok_or(io::ErrorKind::InvalidData)?;
    Ok((status, body.to_owned()))
}

#[test]
fn gateways_verify_access_tokens_until_the_session_is_destroyed() {
    let old_key = pem("ES256");
    let args = ["issuer", ISSUER];
    let server = Server::builder().keys(old_key.as_bytes()).args(&args).config("notify-keyspace-events", "Ed").start();
    let conn = &mut server.conn();
    let programs = Programs::start(server.port());
    let login = |user: &str| {
        let (status, session) = programs.app("/login", "", &format!("user={user}"));
        assert_eq!((status, session.starts_with("ey")), (200, true), "{session}");
        session
    };
    let access_token = |session: &str| -> String {
        let (status, reply) = programs.app("/token", session, "");
        assert_eq!(status, 200, "{reply}");
        let reply: Value = serde_json::from_str(&reply).unwrap();
        assert_eq!((&reply["token_type"], &reply["expires_in"]), (&json!("Bearer"), &json!(300)));
        reply["access_token"].as_str().unwrap().to_owned()
    };
    let assert_accepted = |token: &str, user: &str| {
        for (status, body) in programs.gateways(token) {
            let found: Value = serde_json::from_str(&body).unwrap_or_else(|_| panic!("{status} {body}"));
            assert_eq!((status, found), (200, json!({"user": user, "scope": "orders:read"})));
        }
    };
    let (ann, bob) = (login("ann"), login("bob"));
    let (of_ann, of_bob) = (access_token(&ann), access_token(&bob));
    assert_accepted(&of_ann, "ann");
    assert_accepted(&of_bob, "bob");

    // What the gateways must refuse. The first is signed by the same key as the access token.
    let signed = |header: &Value, change: &dyn Fn(&mut Value)| {
        let mut claims = claims(&of_ann);
        change(&mut claims);
        keypairs::sign(header, &claims, &old_key, Algorithm::ES256)
    };
    let (kind, same) = (header(&of_ann), |_: &mut Value| ());
    assert_accepted(&signed(&kind, &same), "ann");
    let with_type = |name: &str| keypairs::with(&kind, &json!({"typ": name}));
    let for_others: String = send(conn, &["JRS.MINT", &ann, "AUDIENCE", "https://billing.example"]).unwrap();
    let (unsigned, _) = of_ann.rsplit_once('.').unwrap();
    let (_, foreign_signature) = of_bob.rsplit_once('.').unwrap();
    for token in [
        ann.clone(),
        for_others,
        signed(&with_type("JWT"), &same),
        signed(&with_type("logout+jwt"), &same),
        signed(&kind, &|claims| claims["iss"] = json!("https://other.example")),
        signed(&kind, &|claims| claims["exp"] = json!(now() - 100)),
        signed(&kind, &|claims| drop(claims.as_object_mut().unwrap().remove("exp"))),
        signed(&kind, &|claims| drop(claims.as_object_mut().unwrap().remove("sid"))),
        keypairs::sign(&kind, &claims(&of_ann), &pem("ES256"), Algorithm::ES256),
        format!("{unsigned}.{foreign_signature}"),
        "x".to_owned(),
        String::new(),
    ] {
        assert_eq!(programs.statuses(&token), [401; 2], "{token}");
    }

    // A new key: the gateways fetch the keys again. They wait 5 seconds before they do so.
    fs::write(server.dir().join("keys"), pem("ES256") + &old_key).unwrap();
    exec(conn, &["JRS.RELOAD"]);
    let of_new_key = access_token(&ann);
    assert_ne!(header(&of_new_key)["kid"], kind["kid"]);
    await_that("the new key", || (programs.statuses(&of_new_key) == [200; 2]).then_some(()));
    assert_accepted(&of_ann, "ann");

    // After the logout there is no new access token, and the gateways refuse those that they have seen.
    assert_eq!(programs.app("/logout", &ann, "").0, 204);
    assert_eq!(programs.app("/token", &ann, "").0, 401);
    for token in [&of_ann, &of_new_key] {
        await_that("the event of the logout", || (programs.statuses(token) == [401; 2]).then_some(()));
    }
    assert_accepted(&of_bob, "bob");
}

#[test]
fn the_page_names_the_pinned_versions() {
    let files = ["tests/clients/package.json", "tests/interop/package.json", "tests/clients/requirements.txt"];
    let pins = files.into_iter().chain(["tests/interop/requirements.txt"]);
    let pins: Vec<String> = pins.map(|file| fs::read_to_string(root().join(file)).unwrap()).collect();
    let page = fs::read_to_string(root().join("docs/recipes.md")).unwrap();
    let rows = page.lines().filter(|line| line.starts_with("| `")).map(|line| line.split(" | ").nth(1).unwrap());
    let versions: Vec<_> = rows.flat_map(|row| row.split(", ")).map(|one| one.split_once(' ').unwrap()).collect();
    assert_eq!(versions.len(), 8, "{versions:?}");
    for (name, version) in versions {
        let forms = [format!("\"{name}\": \"{version}\""), format!("{name}=={version}\n")];
        let is_pinned = pins.iter().any(|file| forms.iter().any(|form| file.contains(form)));
        assert!(is_pinned, "{name} {version} is not pinned");
    }
}
