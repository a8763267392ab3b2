//! A server with three realms: default, admin and partner.v2.

use std::{fs, path::Path};

use crate::support::{
    Builder, Server,
    sessions::exec,
    tokens::{SECRET, jwk},
};

pub(super) const ADMIN: &str = "a secret of the admins, used in one realm: 2718281828459045";
pub(super) const PARTNER: &str = "a secret of the partners, used in one realm: 141421356237309";

/// The realms file.
const FILE: &str = r#"
    [realm.admin]
    keys-file = "admin.json"
    keyspace = "admin:"
    max-age = 600
    max-lifetime = 1200
    touch-interval = 0
    leeway = 30
    access-token-age = 30
    anonymous-max-age = 60
    not-before = 1000000000
    issuer = "https://admin.example"
    audience = "console"
    token-type = "admin+jwt"
    max-data-size = 100
    max-sessions = 2
    max-sessions-policy = "reject"

    [realm."partner.v2"]
    Keys-File = "partner.json"
    KEYSPACE = "partner:"
    max-data-size = "1kb"
    issuer = "partner"
"#;

/// Writes a file in the server's folder.
pub(super) fn write(dir: &Path, name: &str, text: &str) {
    fs::write(dir.join(name), text).unwrap();
}

fn write_keys(dir: &Path) {
    for (name, secret) in [("admin", ADMIN), ("partner", PARTNER), ("spare", "another secret, of 32 bytes: 1618")] {
        write(dir, &format!("{name}.json"), &jwk(name, "HS256", secret.as_bytes()).to_string());
    }
}

/// A server whose default realm has a key with a kid and settings that differ from the defaults.
fn builder() -> Builder {
    let key = jwk("main", "HS256", SECRET.as_bytes()).to_string();
    Server::builder().keys(key.as_bytes()).args(&["max-age", "5000", "leeway", "7", "max-data-size", "200"])
}

/// A server with the realms of [`FILE`], set by CONFIG SET.
pub(super) fn server() -> Server {
    let server = builder().start();
    write_keys(server.dir());
    write(server.dir(), "realms.toml", FILE);
    exec(&mut server.conn(), &["CONFIG", "SET", "jrs.realms-file", "realms.toml"]);
    server
}
