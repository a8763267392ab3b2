//! The packages in `clients/` have the version of the module, and docs/clients/README.md says so.

use std::{fs, path::Path};

/// A package, its manifest, its lock file, and the text before its version in both.
struct Package {
    row: &'static str,
    files: [(&'static str, &'static str); 2],
}

const PACKAGES: [Package; 2] = [
    Package {
        row: "| [`jrs-session`](../../clients/node/README.md) (npm) | ",
        files: [
            ("clients/node/package.json", "\"name\": \"jrs-session\",\n  \"version\": \""),
            ("clients/node/package-lock.json", "\"name\": \"jrs-session\",\n  \"version\": \""),
        ],
    },
    Package {
        row: "| [`jrs-session`](../../clients/python/README.md) (PyPI) | ",
        files: [
            ("clients/python/pyproject.toml", "name = \"jrs-session\"\nversion = \""),
            ("clients/python/src/jrs_session/__init__.py", "__version__ = \""),
        ],
    },
];

#[test]
fn the_packages_have_the_version_of_the_module() {
    for (file, before) in PACKAGES.iter().flat_map(|package| package.files) {
        assert_eq!(after(&read(file), before, '"'), env!("CARGO_PKG_VERSION"), "{file}");
    }
}

#[test]
fn the_table_names_the_versions_of_packages_and_module() {
    let page = read("docs/clients/README.md");
    for Package { row, .. } in PACKAGES {
        let cells = after(&page, row, '\n');
        let mut cells = cells.split(" | ");
        assert_eq!(cells.next(), Some(env!("CARGO_PKG_VERSION")), "{row}");
        let oldest = cells.next().expect("the row names the oldest module");
        assert!(numbers(oldest) <= numbers(env!("CARGO_PKG_VERSION")), "{row}");
    }
}

/// The text between two others.
fn after(text: &str, before: &str, end: char) -> String {
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
