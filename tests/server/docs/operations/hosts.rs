//! The shell commands of the page: key files on several servers, and a new module file.

use std::{fs, os::unix::fs::PermissionsExt};

use super::{MODULE, ONE, Site, as_user, field, shell, write_keys};
use crate::support::{
    Server, module_path,
    sessions::{create, exec},
};

#[test]
fn a_rotation_in_two_rounds_has_no_moment_when_a_server_refuses_a_token_of_another() {
    let site = Site::new();
    let [create_key, first, second] =
        ["HOSTS=\"redis-1", "$(cat key-2026-01.json),", "$(cat key-2026-02.json),"].map(|text| site.block(text).text());
    let hosts = ["redis-1", "redis-2", "redis-3"];
    hosts.iter().for_each(|host| fs::write(format!("{}/port", site.etc(host)), "0").unwrap());
    shell(&site, &[&create_key]).unwrap();
    let servers = hosts.map(|host| site.server(host, &[ONE]).start());
    for (host, server) in hosts.iter().zip(&servers) {
        fs::write(format!("{}/port", site.etc(host)), server.port().to_string()).unwrap();
        let file = fs::metadata(format!("{}/session-keys.json", site.etc(host))).unwrap();
        assert_eq!(file.permissions().mode() & 0o777, 0o600, "{host}");
    }
    let old = create(&mut as_user(&servers[0], "app"), "ada", "{}", &[]);
    fs::write(site.root.path().join("checked"), "").unwrap();
    let (functions, _) = create_key.split_once("key 2026-01").unwrap();
    shell(&site, &[functions, &first, &second]).unwrap();
    let ids: Vec<String> =
        servers.iter().map(|server| field(&mut as_user(server, "monitoring"), "jrs", "jrs_realm_default")).collect();
    assert_eq!(ids, vec!["keyspace=sess%3A,algorithm=HS256,keys=2026-02|2026-01"; 3]);
    exec(&mut as_user(&servers[0], "app"), &["JRS.GET", &old]);

    // The check notices a rotation in one round.
    let in_one_round = second.replace("key-2026-01", "key-2026-02").replace("key-2026-02.json),", "key-2026-03.json),");
    assert_ne!(in_one_round, second);
    let problem = shell(&site, &[functions, "key 2026-03 > key-2026-03.json", &in_one_round]).unwrap_err();
    assert!(problem.contains("no active key has the token's kid"), "{problem}");
}

#[test]
fn the_module_file_is_replaced_while_a_server_runs() {
    let site = Site::new();
    write_keys(&site, "one");
    let modules = site.root.path().join("modules");
    fs::create_dir(&modules).unwrap();
    fs::copy(module_path(), modules.join("libjrs.so")).unwrap();
    fs::copy(module_path(), site.root.path().join("libjrs.so")).unwrap();
    let loadmodule = format!("{}/libjrs.so", modules.display());
    let mut server = Server::builder().without_module().config("appendonly", "yes").config("loadmodule", &loadmodule);
    server = server.config("jrs.keys-file", &format!("{}/session-keys.json", site.etc("one")));
    let mut server = server.start();
    let token = create(&mut server.conn(), "ada", "{}", &[]);
    let install = site.block("install -D").text().replace(MODULE, &modules.to_string_lossy());
    shell(&site, &[&install]).unwrap();
    exec(&mut server.conn(), &["JRS.UPDATE", &token, "{\"a\":1}", "MERGE"]);
    assert!(server.alive());
    server.stop();
    server.restart();
    exec(&mut server.conn(), &["JRS.GET", &token]);
}
