//! Runs the programs of docs/clients/other-languages.md: each recipe is written to files, built and run against a real server
//! or cluster, and gets requests as from a browser. The versions on the page must be the pinned ones.

use std::fs;

use redis::{Cmd, ConnectionLike, FromRedisValue, RedisResult, Value, cluster::ClusterClient};
use serde_json::json;

use crate::support::{
    Builder, Server,
    cluster_clients::redirections,
    error_word,
    large_cluster::LargeCluster,
    recipes::{Application, Section, root, sections},
    tokens,
};

/// The recipe that no test runs.
const NOT_RUN: &str = "Java";

/// A test for each recipe, which is the code of these sections, on a server (`run`) or a cluster (`run_on_cluster`).
macro_rules! recipes {
    ($($test:ident: $run:ident $headings:expr,)*) => {
        $(#[test]
        fn $test() {
            $run(&$headings);
        })*

        const RUN: &[&[&str]] = &[$(&$headings),*];
    };
}

recipes! {
    node_redis: run ["Node.js: node-redis"],
    ioredis: run ["Node.js: node-redis", "Node.js: ioredis"],
    fastapi: run ["Python: FastAPI"],
    flask: run ["Python: Flask"],
    go: run ["Go"],
    rust: run ["Rust"],
    php: run ["PHP"],
    ruby: run ["Ruby"],
    c: run ["C"],
    cluster_node_redis: run_on_cluster ["Node.js: node-redis", "Cluster: node-redis"],
    cluster_ioredis: run_on_cluster ["Node.js: node-redis", "Cluster: ioredis"],
    cluster_redis_py: run_on_cluster ["Python: Flask", "Cluster: redis-py"],
}

#[test]
fn the_page_names_the_recipes_that_are_run() {
    let page = page();
    let mut run: Vec<&str> = RUN.iter().map(|headings| *headings.last().unwrap()).collect();
    let rows = page.lines().filter_map(|line| line.strip_prefix("| ["));
    let (not_run, documented): (Vec<&str>, Vec<&str>) = rows.partition(|row| row.contains("**not run"));
    let recipe = |row: &&str| row.split(']').next().unwrap().to_owned();
    assert_eq!(documented.iter().map(recipe).collect::<Vec<_>>(), run);
    assert_eq!(not_run.iter().map(recipe).collect::<Vec<_>>(), [NOT_RUN]);
    run.push(NOT_RUN);
    let with_code = sections(&page).into_iter().filter(|section| !section.files.is_empty());
    assert_eq!(with_code.map(|section| section.heading).collect::<Vec<_>>(), run);
}

#[test]
fn the_page_names_the_pinned_versions() {
    let pins = ["package.json", "requirements.txt", "Cargo.lock"]
        .map(|file| fs::read_to_string(root().join("tests/clients").join(file)).unwrap());
    let page = page();
    // | [recipe](link) | package version, package version | source |
    let rows: Vec<Vec<&str>> =
        page.lines().filter(|line| line.starts_with("| [")).map(|line| line.split(" | ").collect()).collect();
    let pinned = rows.iter().filter(|row| !row[2].contains("Debian") && !row[1].contains("not run"));
    let versions: Vec<(&str, &str)> =
        pinned.flat_map(|row| row[1].split(", ")).map(|package| package.split_once(' ').unwrap()).collect();
    assert_eq!(versions.len(), 17);
    for (name, version) in versions {
        let forms = [
            format!("\"{name}\": \"{version}\""),
            format!("{name}=={version}\n"),
            format!("name = \"{name}\"\nversion = \"{version}\"\n"),
        ];
        assert!(pins.iter().zip(&forms).any(|(file, form)| file.contains(form)), "{name} {version} is not pinned");
    }
}

fn server() -> Builder {
    Server::builder().keys(tokens::SECRET.as_bytes()).args(&["reuse-detection", "yes"])
}

fn run(headings: &[&str]) {
    let server = server().start();
    serves_sessions(headings, server.port(), &mut server.conn());
}

fn run_on_cluster(headings: &[&str]) {
    let cluster = LargeCluster::start_as(&server(), 3, 0);
    let seed = format!("redis://127.0.0.1:{}", cluster.port(0));
    let client = ClusterClient::new([seed]).expect("this is an address");
    serves_sessions(headings, cluster.port(0), &mut client.get_connection().expect("the cluster is up"));
    assert_eq!(redirections(&cluster), 0);
}

/// Sends the requests of users and of attackers to the application of these sections, which is connected to this port.
fn serves_sessions(headings: &[&str], port: u16, redis: &mut dyn ConnectionLike) {
    let all = sections(&page());
    let find =
        |heading: &&str| all.iter().find(|section| section.heading == *heading).expect("the page has the heading");
    let recipe: Vec<&Section> = headings.iter().map(find).collect();
    let application = Application::start(&recipe, port);
    let ask = |request: &str, argument: &str| application.ask(request, argument);
    let login = |user: &str| {
        let (status, token) = ask("login", user);
        assert_eq!((status, token.starts_with("ey")), (200, true), "{token}\n{}", application.log());
        token
    };
    let cart = |token: &str| ask("cart", token);
    let empty = || (200, "{\"cart\":[]}".to_owned());

    let (phone, laptop, tablet, bob) = (login("ann"), login("ann"), login("ann"), login("bob"));
    assert_eq!(cart(&phone), empty());
    let update = ["JRS.UPDATE", &tokens::key(&phone), &phone, "{\"cart\":[\"book\"]}"];
    let _: String = query(redis, &update).unwrap();
    assert_eq!(cart(&phone), (200, "{\"cart\":[\"book\"]}".to_owned()));

    // A logout, twice; it ends only this session.
    for _ in 0..2 {
        let (status, _) = ask("logout", &phone);
        assert!((200..300).contains(&status), "{status}");
        assert_eq!(cart(&phone).0, 401);
    }
    assert_eq!(peek(redis, &phone), Ok(Value::Nil));
    assert_eq!(cart(&laptop), empty());

    // Strings that are not tokens, and bob's claims with laptop's signature; then an expired token.
    let (signed, signature) = laptop.rsplit_once('.').unwrap();
    let (header, _) = signed.split_once('.').unwrap();
    let forged = [header, bob.split('.').nth(1).unwrap(), signature].join(".");
    for token in ["", "x", "a.b.c", &forged] {
        for request in ["cart", "logout", "logout-everywhere"] {
            assert_eq!(ask(request, token).0, 401, "{request} {token:?}");
        }
    }
    let expired = tokens::token(&json!({"jti": tokens::claims(&bob)["jti"], "sub": "bob", "iat": 1, "exp": 2}));
    assert_eq!(error_word(peek(redis, &expired)), "EXPIREDTOKEN");
    assert_eq!(cart(&expired).0, 401);
    assert_eq!(ask("logout-everywhere", &expired).0, 401);

    // A token that was used again after a rotation.
    let stolen = login("eve");
    let rotated: String = query(redis, &["JRS.ROTATE", &tokens::key(&stolen), &stolen]).unwrap();
    assert_eq!([cart(&stolen).0, cart(&rotated).0, ask("logout-everywhere", &rotated).0], [401; 3]);

    assert_eq!(ask("logout-everywhere", &laptop), (200, "2".to_owned()));
    assert_eq!([cart(&laptop).0, cart(&tablet).0, ask("logout-everywhere", &laptop).0], [401; 3]);
    assert_eq!(cart(&bob), empty());

    // A server error must not look like an expired session.
    let key = tokens::key(&bob);
    let aside = format!("aside:{key}"); // in the slot of the key
    let _: Value = query(redis, &["RENAME", &key, &aside]).unwrap();
    let _: Value = query(redis, &["LPUSH", &key, "x"]).unwrap();
    assert_eq!(cart(&bob).0, 500);
    let _: Value = query(redis, &["RENAME", &aside, &key]).unwrap();
    assert_eq!(cart(&bob), empty());
}

/// The reply to `JRS.PEEK` with this token.
fn peek(redis: &mut dyn ConnectionLike, token: &str) -> RedisResult<Value> {
    query(redis, &["JRS.PEEK", &tokens::key(token), token])
}

fn query<T: FromRedisValue>(redis: &mut dyn ConnectionLike, words: &[&str]) -> RedisResult<T> {
    Cmd::new().arg(words).query(redis)
}

fn page() -> String {
    fs::read_to_string(root().join("docs/clients/other-languages.md")).unwrap()
}
