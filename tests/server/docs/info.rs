//! The fields of INFO in the documents are those of a real server.

use std::{collections::BTreeMap, fs, path::Path};

use crate::support::{Server, sessions::send};

/// The section `## Monitoring` of docs/operations.md.
fn monitoring() -> String {
    let page = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/operations.md")).unwrap();
    let (_, section) = page.split_once("\n## Monitoring\n").unwrap();
    section.split_once("\n## ").unwrap().0.to_owned()
}

/// The names in backticks in the first cell of each row, with the other cells of the row.
fn documented(section: &str) -> BTreeMap<String, Vec<String>> {
    let rows = section.lines().filter(|line| line.starts_with("| `"));
    let fields = rows.flat_map(|row| {
        let cells: Vec<String> = row.split('|').skip(1).map(|cell| cell.trim().to_owned()).collect();
        let names: Vec<String> = cells[0].split('`').skip(1).step_by(2).map(str::to_owned).collect();
        names.into_iter().map(move |name| (name, cells[1..].to_vec()))
    });
    fields.collect()
}

/// The fields of INFO with their values. The default realm is called NAME, as in the documents.
fn fields(server: &Server) -> BTreeMap<String, String> {
    let info: String = send(&mut server.conn(), &["INFO", "everything"]).unwrap();
    let fields = info.lines().filter_map(|line| line.split_once(':'));
    let named = |name: &str| if name.starts_with("jrs_") { name.replace("default", "NAME") } else { name.to_owned() };
    fields.map(|(name, value)| (named(name), value.to_owned())).collect()
}

#[test]
fn every_field_of_info_is_documented_and_every_documented_field_exists() {
    let server = Server::start();
    let (fields, documented) = (fields(&server), documented(&monitoring()));
    let is_ours = |name: &&String| name.starts_with("jrs_");
    let [ours, in_table] = [fields.keys().collect::<Vec<_>>(), documented.keys().collect()]
        .map(|names: Vec<&String>| names.into_iter().filter(is_ours).collect::<Vec<_>>());
    assert_eq!(ours, in_table, "the fields of INFO, and those of docs/operations.md");
    for name in documented.keys().filter(|name| !is_ours(name)) {
        // A primary does not have the fields of a replica. `maxmemory` is in a row of another field.
        assert!(fields.contains_key(name) || name == "master_link_status", "docs/operations.md names {name}");
    }
}

#[test]
fn the_type_and_the_parts_of_each_field_are_right() {
    let server = Server::start();
    let (fields, documented) = (fields(&server), documented(&monitoring()));
    for (name, cells) in documented.iter().filter(|(name, _)| name.starts_with("jrs_")) {
        let value = &fields[name];
        let [kind, meaning] = [0, 1].map(|at| cells[at].as_str());
        let is_list = value.contains('=');
        let is_number = value.parse::<u64>().is_ok();
        let fits = match kind {
            "text" => !is_number,
            "gauge" => is_number,
            "counter" => is_number || is_list,
            "histogram" => is_list,
            _ => false,
        };
        assert!(fits, "{name} is a {kind}, with the value {value}");
        // Of a histogram, the meaning has only one bucket.
        let parts = value.split(',').filter(|_| is_list && kind != "histogram");
        for part in parts.map(|part| part.split_once('=').unwrap().0) {
            assert!(meaning.contains(&format!("{part}=…")), "the meaning of {name} lacks {part}");
        }
    }
}
