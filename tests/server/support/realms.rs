//! A second realm.

use std::fs;

use crate::support::{Server, sessions::exec, tokens::jwk};

/// Adds the realm "app" with its own key, the keyspace "app:" and these lines of settings. The server's other keys must be
/// in JWK form.
pub(crate) fn add_app_realm(server: &Server, settings: &str) {
    let key = jwk("other", "HS256", b"a secret of the other realm: 31415926535897932384626433832795");
    fs::write(server.dir().join("other.json"), key.to_string()).unwrap();
    let file = format!("[realm.app]\nkeys-file = \"other.json\"\nkeyspace = \"app:\"\n{settings}");
    fs::write(server.dir().join("realms.toml"), file).unwrap();
    exec(&mut server.conn(), &["CONFIG", "SET", "jrs.realms-file", "realms.toml"]);
}
