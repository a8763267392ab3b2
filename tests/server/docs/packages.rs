//! What the documents say of the packages in `clients/`. `scripts/version` compares their versions with the module's.

use std::{fs, path::Path};

use super::documents_in;

/// The rows of the packages in docs/clients/README.md.
const ROWS: [&str; 3] = [
    "| [`jrs-session`](../../clients/node/README.md) (npm) | ",
    "| [`jrs-session`](../../clients/python/README.md) (PyPI) | ",
    "| [`jrs-client`](../../clients/rust/README.md) (crates.io) | ",
];

#[test]
fn the_table_names_the_versions_of_packages_and_module() {
    let page = read("docs/clients/README.md");
    for row in ROWS {
        let cells = after(&page, row, "\n");
        let mut cells = cells.split(" | ");
        assert_eq!(cells.next(), Some(env!("CARGO_PKG_VERSION")), "{row}");
        let oldest = cells.next().expect("the row names the oldest module");
        assert!(numbers(oldest) <= numbers(env!("CARGO_PKG_VERSION")), "{row}");
    }
}

#[test]
fn the_readme_shows_lines_of_the_pages() {
    let readme = read("README.md");
    let packages = after(&readme, "## Packages\n", "\n## ");
    for (language, page) in [("js", "express"), ("python", "fastapi"), ("rust", "axum")] {
        let program = read(&format!("docs/clients/{page}.md"));
        let block = after(&packages, &format!("```{language}\n"), "```");
        assert_eq!(block.lines().count(), 5, "{block}");
        for line in block.lines() {
            let code = line.split(" // ").next().and_then(|code| code.split("  # ").next()).unwrap_or_default();
            let call = code.trim_start_matches("router").trim_end_matches([';', '?', ')']);
            assert!(program.contains(call), "{call} is not in {page}.md");
        }
    }
}

#[test]
fn every_page_is_linked_from_the_indexes() {
    let pages: Vec<String> =
        documents_in("docs/clients").iter().filter_map(|page| Some(page.file_name()?.to_str()?.to_owned())).collect();
    assert!(pages.len() > 10, "{pages:?}");
    for (index, folder) in [("docs/clients/README.md", ""), ("docs/README.md", "clients/")] {
        let text = read(index);
        let missing = pages.iter().filter(|page| !text.contains(&format!("]({folder}{page})")));
        let missing: Vec<_> = missing.filter(|page| *page != "README.md").collect();
        assert!(missing.is_empty(), "{index} does not link {missing:?}");
    }
}

/// The text between two others.
fn after(text: &str, before: &str, end: &str) -> String {
    let (_, rest) = text.split_once(before).unwrap_or_else(|| panic!("no text is {before:?}"));
    rest.split(end).next().unwrap_or_default().to_owned()
}

fn numbers(version: &str) -> Vec<u32> {
    version.split('.').map(|number| number.parse().expect("a version is numbers and dots")).collect()
}

fn read(file: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(file))
        .unwrap_or_else(|error| panic!("{file}: {error}"))
}
