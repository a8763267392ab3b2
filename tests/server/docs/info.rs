//! The fields of INFO in the documents are those of a real server.

use std::{fs, path::Path};

use crate::support::{Server, sessions::send};

fn read(document: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(document)).unwrap()
}

#[test]
fn every_field_of_info_is_documented_and_the_alarms_are_on_fields_that_exist() {
    let server = Server::start();
    let conn = &mut server.conn();
    let info: String = send(conn, &["INFO", "everything"]).unwrap();
    let fields: Vec<&str> = info.lines().filter_map(|line| Some(line.split_once(':')?.0)).collect();
    let commands = read("docs/commands.md");
    let (_, section) = commands.split_once("\n## INFO\n").unwrap();
    for name in fields.iter().filter(|name| name.starts_with("jrs_")) {
        let short = name.strip_prefix("jrs_tokens_refused_");
        let documented = match short {
            Some(reason) => section.contains(&format!("`{reason}`")),
            None if name.starts_with("jrs_signing_key_age_") => section.contains("`jrs_signing_key_age_NAME`"),
            None => section.contains(&format!("`{name}`")) || section.contains(&format!("\n{name}:")),
        };
        assert!(documented || *name == "jrs_realm_default", "docs/commands.md does not document {name}");
    }
    let page = read("docs/operations.md");
    let (_, table) = page.split_once("## Monitoring").unwrap();
    let (table, _) = table.split_once("\n## ").unwrap();
    let rows = table.lines().filter(|line| line.starts_with("| `"));
    let named = rows.flat_map(|row| row.split('|').nth(1).unwrap().split('`').skip(1).step_by(2));
    let named: Vec<&str> = named.filter(|name| *name != "maxmemory").collect();
    assert!(named.len() > 15, "{named:?}");
    for name in named {
        let name = name.replace("NAME", "default");
        // A primary does not have the fields of a replica.
        assert!(fields.contains(&&*name) || name == "master_link_status", "docs/operations.md names {name}");
    }
}
