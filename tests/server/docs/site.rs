//! The site has the pages that the repository has. `scripts/site --check` looks at the built site.

use std::{collections::BTreeSet, fs, path::Path};

use super::documents_in;

#[test]
fn every_page_is_in_the_navigation() {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs");
    let in_docs = documents_in("docs").into_iter().map(|page| page.strip_prefix(&docs).unwrap().display().to_string());
    // "README.md": "overview.md",
    let outside = read("scripts/publishing/pages.py");
    let outside =
        outside.lines().filter_map(|line| line.strip_prefix("    \"")?.strip_suffix(".md\",")?.split_once("\": \""));
    let outside: Vec<(String, String)> =
        outside.map(|(source, page)| (source.to_owned(), format!("{page}.md"))).collect();
    for document in documents_in("").iter().filter(|path| path.parent() == docs.parent()) {
        let name = document.file_name().unwrap().to_str().unwrap();
        assert!(outside.iter().any(|(source, _)| *source == name), "scripts/publishing/pages.py does not name {name}");
    }
    for (source, page) in &outside {
        assert!(
            Path::new(env!("CARGO_MANIFEST_DIR")).join(source).exists(),
            "scripts/publishing/pages.py names {source}"
        );
        assert!(!docs.join(page).exists(), "two pages have the address {page}");
    }
    let pages: BTreeSet<String> = in_docs.chain(outside.into_iter().map(|(_, page)| page)).collect();
    let configuration = read("zensical.toml");
    let strings = configuration.split('"').skip(1).step_by(2);
    let in_navigation: BTreeSet<String> = strings.filter(|text| text.ends_with(".md")).map(str::to_owned).collect();
    assert_eq!(pages, in_navigation, "the pages on the left, the navigation in zensical.toml on the right");
}

#[test]
fn the_commands_of_the_landing_page_are_those_of_the_pages_that_are_tested() {
    let page = read("docs/README.md");
    let (_, section) = page.split_once("\n## Five minutes\n").unwrap();
    let (section, _) = section.split_once("\n## ").unwrap();
    let tested = read("docs/install.md") + &read("README.md");
    let tested: BTreeSet<&str> =
        tested.lines().filter_map(|line| line.strip_prefix("$ ")).map(without_comment).collect();
    let commands: Vec<&str> = section.lines().filter_map(|line| line.strip_prefix("$ ")).collect();
    assert!(commands.len() > 4, "{commands:?}");
    let untested: Vec<&&str> = commands.iter().filter(|command| !tested.contains(**command)).collect();
    assert!(
        untested.is_empty(),
        "docs/README.md has commands that docs/install.md and README.md do not have: {untested:?}"
    );
}

fn without_comment(line: &str) -> &str {
    line.split(" # ").next().unwrap().trim_end()
}

fn read(file: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(file)).unwrap()
}
