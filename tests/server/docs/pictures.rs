//! The pictures that `scripts/bench --plot` draws are current, the same each time, and drawn only from what was measured.

use std::{fs, path::PathBuf, process::Command};

use serde_json::{Value, json};
use tempfile::TempDir;

use super::results::{copy, edit, output, root};

/// `scripts/bench` of this folder, with the Python that has matplotlib.
fn bench(folder: &std::path::Path, words: &[&str]) -> (bool, String) {
    let python: PathBuf = root().join("target/venv/bin/python");
    assert!(python.exists(), "{} is missing: scripts/test installs what this test needs", python.display());
    output(Command::new(python).arg(folder.join("scripts/bench")).args(words))
}

#[test]
fn the_pictures_are_current() {
    let (success, text) = bench(root(), &["--plot", "--check"]);
    assert!(success && !text.contains("is not what"), "{text}");
}

#[test]
fn the_diagrams_have_the_names_of_the_source() {
    let text = |file: &str| fs::read_to_string(root().join(file)).unwrap();
    let map = text("ARCHITECTURE.md");
    let named: Vec<String> = texts(&text("docs/pictures/request.svg")).filter(|text| text.contains("::")).collect();
    assert!(named.len() > 5, "{named:?}");
    let missing: Vec<_> = named.iter().filter(|name| !map.contains(&format!("`{name}`"))).collect();
    assert!(missing.is_empty(), "ARCHITECTURE.md does not name {missing:?}");

    // | `src/session/` | …
    let drawn: Vec<String> = texts(&text("docs/pictures/architecture.svg")).collect();
    let layers = map.lines().filter_map(|line| line.strip_prefix("| `src/")?.split(['/', '.']).next());
    let missing: Vec<_> = layers.filter(|layer| !drawn.iter().any(|text| text == layer)).collect();
    assert!(missing.is_empty(), "the picture has no {missing:?}: {drawn:?}");
}

/// The texts of a picture.
fn texts(svg: &str) -> impl Iterator<Item = String> {
    let texts = svg.split("<text ").skip(1).filter_map(|rest| rest.split_once('>')?.1.split_once('<'));
    texts.map(|(text, _)| text.to_owned())
}

#[test]
fn an_edited_picture_is_noticed() {
    let copy = copy();
    edit(copy.path(), "docs/pictures/commands.svg", "</text>", "!</text>");
    edit(copy.path(), "docs/results.json", "\"jrs_p99\": ", "\"jrs_p99\": 9");
    edit(copy.path(), "docs/results.json", "\"application\": \"", "\"application\": \"another ");
    let (success, text) = bench(copy.path(), &["--plot", "--check"]);
    assert!(!success);
    for file in ["commands.svg", "clients.svg", "performance.md"] {
        assert!(text.contains(&format!("{file} is not what")), "{file}: {text}");
    }
    assert!(!text.contains("sessions.svg"), "{text}");
}

#[test]
fn a_picture_needs_results() {
    let folder = TempDir::new().unwrap();
    let [file, pictures] = ["results.json", "pictures"].map(|name| folder.path().join(name).display().to_string());
    let mut results: Value = serde_json::from_slice(&fs::read(root().join("docs/results.json")).unwrap()).unwrap();
    let draw = |results: &Value| {
        fs::write(&file, results.to_string()).unwrap();
        let (success, text) = bench(root(), &["--plot", "--results", &file, "--into", &pictures]);
        assert!(success, "{text}");
        text
    };
    let shown = |name: &str| fs::read_to_string(folder.path().join("pictures").join(name)).unwrap();

    let measured = results["sessions"]["measured"].clone();
    let sessions =
        [1_000, 10_000_000].map(|count| json!({"sessions": count, "owned": 300, "plain": 250, "ratio": 1.2}));
    results["memory"] = json!({"measured": measured, "rows": sessions});
    let latency = ["none", "bad ES256"]
        .map(|flood| json!({"flood": flood, "meanwhile": "GET", "bad": 1000, "p50": 0.1, "p99": 0.5, "p99.9": 12.3}));
    results["latency"] = json!({"measured": measured, "rows": latency});
    draw(&results);
    assert!(shown("latency.svg").contains(">12<") && shown("sessions.svg").contains("10 M"));
    let first = shown("sessions.svg");

    results.as_object_mut().unwrap().remove("latency");
    assert!(draw(&results).contains("latency.svg: left out"));
    assert!(!folder.path().join("pictures/latency.svg").exists());
    assert_eq!(shown("sessions.svg"), first);
}
