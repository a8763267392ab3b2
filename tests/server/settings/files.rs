//! `keys-file` and `realms-file`: they take effect wherever they are set, and a bad file is refused.

use std::{collections::HashMap, fs, path::Path};

use redis::{Connection, Value};
use tempfile::TempDir;

use crate::support::{
    Server,
    sessions::{assert_refused, create, exec, send},
    tokens::{SECRET, header, jwk},
};

/// A folder with a key file and a realms file, and the paths of both.
fn files() -> (TempDir, String, String) {
    let folder = TempDir::new().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (keys, more_keys, realms) = (path("keys"), path("more keys"), path("realms.toml"));
    fs::write(&keys, jwk("mine", "HS256", SECRET.as_bytes()).to_string()).unwrap();
    fs::write(&more_keys, jwk("shop's", "HS384", SECRET.as_bytes()).to_string()).unwrap();
    fs::write(&realms, format!("[realm.shop]\nkeys-file = \"{more_keys}\"\nkeyspace = \"shop:\"\n")).unwrap();
    (folder, keys, realms)
}

/// The kids of the keys that sign in the default realm and in the realm `shop`, if it exists.
fn signers(conn: &mut Connection) -> [Option<String>; 2] {
    let kid = |token: String| header(&token)["kid"].as_str().unwrap().to_owned();
    let default = kid(create(conn, "ada", "{}", &[]));
    let shop = send::<String>(conn, &["JRS.CREATE", "ada", "{}", "REALM", "shop"]).ok().map(kid);
    let realms: Vec<HashMap<String, Value>> = send(conn, &["JRS.REALMS"]).unwrap();
    assert_eq!(realms.len(), 1 + usize::from(shop.is_some()));
    [Some(default), shop]
}

/// The kids in the files.
fn both() -> [Option<String>; 2] {
    [Some("mine".to_owned()), Some("shop's".to_owned())]
}

#[test]
fn both_files_work_wherever_they_are_set() {
    let (_folder, keys, realms) = files();
    let by_argument = Server::with_args(&["keys-file", &keys, "realms-file", &realms]);
    assert_eq!(signers(&mut by_argument.conn()), both());

    let quoted = |path: &str| format!("\"{path}\"");
    let builder = Server::builder().args(&["keys-file", "/no/such/file", "realms-file", "/no/such/file"]);
    let by_redis_conf = builder.config("jrs.keys-file", &quoted(&keys)).config("jrs.realms-file", &quoted(&realms));
    assert_eq!(signers(&mut by_redis_conf.start().conn()), both());

    let by_config_set = Server::start();
    let conn = &mut by_config_set.conn();
    let [generated, none] = signers(conn);
    assert!(generated != both()[0] && none.is_none());
    exec(conn, &["CONFIG", "SET", "jrs.keys-file", &keys, "jrs.realms-file", &realms]);
    assert_eq!(signers(conn), both());
    exec(conn, &["CONFIG", "SET", "jrs.realms-file", ""]);
    assert_eq!(signers(conn), [both()[0].clone(), None]);
    exec(conn, &["CONFIG", "SET", "jrs.keys-file", ""]);
    assert_eq!(signers(conn), [generated, None]);
}

#[test]
fn a_bad_realms_file_is_refused_and_both_files_stay() {
    let (folder, keys, realms) = files();
    let server = Server::with_args(&["keys-file", &keys, "realms-file", &realms]);
    let conn = &mut server.conn();
    let good = fs::read_to_string(&realms).unwrap();
    for (bad, reason) in [
        (format!("{good}no-such-field = 1\n"), "no-such-field"),
        (good.replace("keyspace", "issuer"), "keyspace"),
        (good.replace("shop:", "a{b"), "keyspace"),
        (good.replace("more keys", "no such file"), "no such file"),
        (good.replace("more keys", "keys"), "kid"),
        (good.replace("shop]", "default]"), "default"),
        (good.replace("shop:", "sess:"), "keyspace"),
        (format!("{good}max-age = 0\n"), "max-age"),
        (format!("{good}keys-file = \"twice\"\n"), "line 4"),
        (good.replace("]", ""), "line 1"),
    ] {
        fs::write(&realms, &bad).unwrap();
        let error = send::<Value>(conn, &["JRS.RELOAD"]).expect_err(&bad);
        assert_eq!(error.code(), Some("ERR"), "{bad}");
        assert!(error.detail().unwrap().contains(reason), "{bad}\n{error}");
        assert_eq!(signers(conn), both(), "{bad}");
        let start = Server::builder().args(&["keys-file", &keys, "realms-file", &realms]).try_start();
        assert!(start.is_err_and(|log| log.contains(reason) && !log.contains(SECRET)), "{bad}");
    }
    let missing = folder.path().join("missing");
    for file in [&*missing, folder.path(), Path::new("/dev/zero")] {
        assert_refused(conn, "ERR", &["CONFIG", "SET", "jrs.realms-file", file.to_str().unwrap()]);
        let both_settings = ["CONFIG", "SET", "jrs.keys-file", "", "jrs.realms-file", file.to_str().unwrap()];
        assert_refused(conn, "ERR", &both_settings);
        assert_eq!(signers(conn), both(), "{}", file.display());
    }
    fs::write(&realms, good).unwrap();
    exec(conn, &["JRS.RELOAD"]);
    assert_eq!(signers(conn), both());
}
