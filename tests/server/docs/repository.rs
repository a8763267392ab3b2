//! The documents for contributors match the tree: links, paths, names of functions and statics, and the layers.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs, iter,
    path::{Path, PathBuf},
};

use super::documents_in;

/// The documents that name files and functions of the source.
const MAPS: [&str; 3] = ["ARCHITECTURE.md", "CONTRIBUTING.md", "SECURITY.md"];

#[test]
fn every_link_leads_to_a_file_and_a_heading() {
    let documents = documents();
    for expected in ["README.md", "docs/clients/README.md", "clients/node/README.md", "clients/node/examples/README.md"]
    {
        assert!(documents.contains(&PathBuf::from(expected)), "{expected} is not in {documents:?}");
    }
    for document in documents {
        let problems = broken_links(&document, &fs::read_to_string(root().join(&document)).unwrap());
        assert!(problems.is_empty(), "{}: {problems:?}", document.display());
    }
}

#[test]
fn every_file_that_is_named_exists() {
    for document in MAPS {
        let text = read(document);
        let paths: BTreeSet<String> = named_paths(&text).collect();
        assert!(paths.len() > 15, "{document}: {paths:?}");
        let missing: Vec<_> = paths.iter().filter(|path| !root().join(path).exists()).collect();
        assert!(missing.is_empty(), "{document} names {missing:?}");
    }
}

#[test]
fn every_test_in_the_readme_exists() {
    let text = read("README.md");
    let (_, section) = text.split_once("## What is tested where").unwrap();
    let (section, _) = section.split_once("\n## ").unwrap();
    let paths: Vec<String> = named_paths(section).collect();
    assert!(paths.len() > 10, "{paths:?}");
    let missing: Vec<_> = paths.iter().filter(|path| !root().join(path).exists()).collect();
    assert!(missing.is_empty(), "README.md names {missing:?}");
}

#[test]
fn every_function_that_is_named_exists() {
    let source: Vec<_> = source().into_iter().chain(files(&root().join("tests/server"))).collect();
    for document in MAPS {
        let text = read(document);
        for name in spans(&text).filter_map(|span| qualified(&span)).flatten() {
            let is_module = source.iter().any(|(file, _)| {
                let module = file.strip_suffix("/mod.rs").unwrap_or(file.trim_end_matches(".rs"));
                module.rsplit('/').next() == Some(&*name)
            });
            assert!(is_module || source.iter().any(|(_, text)| defines(text, &name)), "{document} names {name}");
        }
    }
}

#[test]
fn every_static_is_named() {
    let text = read("ARCHITECTURE.md");
    let named: BTreeSet<String> = spans(&text).collect();
    let mut count = 0;
    for (file, source) in source().iter().filter(|(file, _)| !file.ends_with("tests.rs")) {
        for line in source.lines() {
            let Some((before, rest)) = line.split_once("static ") else { continue };
            let name = rest.split(':').next().unwrap();
            if matches!(before.trim(), "" | "pub") && !name.contains(' ') {
                assert!(named.contains(name), "ARCHITECTURE.md does not name {name} of {file}");
                count += 1;
            }
        }
    }
    assert!(count > 10, "{count}");
}

#[test]
fn no_import_goes_up() {
    let text = read("ARCHITECTURE.md");
    // | `src/session/` | …
    let rows = text.lines().filter_map(|line| line.strip_prefix("| `src/")?.split('`').next());
    let layers: Vec<&str> = rows.filter_map(|row| row.strip_suffix('/').or_else(|| row.strip_suffix(".rs"))).collect();
    let found: BTreeSet<String> = source().into_keys().map(|file| layer(&file).to_owned()).collect();
    let named: BTreeSet<String> = layers.iter().map(|layer| (*layer).to_owned()).collect();
    assert_eq!(named, found.into_iter().filter(|layer| layer != "lib").collect());
    let position = |name: &str| layers.iter().position(|layer| *layer == name);
    for (file, text) in source() {
        for used in imported(&text) {
            assert!(position(&used) >= position(layer(&file)), "{file} imports {used}");
        }
    }
}

#[test]
fn every_test_that_quick_leaves_out_exists() {
    let script = read("scripts/test");
    let left_out: Vec<_> = script.split([' ', '\n']).filter_map(qualified).collect();
    assert!(left_out.len() > 5, "{left_out:?}");
    for [folder, file] in left_out {
        let path = format!("tests/server/{folder}/{file}");
        let names = [format!("{path}.rs"), format!("{path}/mod.rs")];
        assert!(names.iter().any(|name| root().join(name).exists()), "scripts/test names {path}");
    }
}

#[test]
fn what_is_wrong_is_noticed() {
    let broken = |text| broken_links(Path::new("docs/x.md"), text);
    assert!(
        broken("[a](keys.md) [b\nc](../README.md#install) [d](https://x.example/y) [e](#f)\n# F\n```\n[g](h)\n```")
            .is_empty()
    );
    for wrong in ["[a](no.md)", "[a](../README.md#no)", "[a\nb](#no)\n# Yes", "![a](no.png)", "<img src=\"no.png\">"] {
        assert_eq!(broken(wrong).len(), 1, "{wrong}");
    }
    let paths: Vec<_> = named_paths("`src/lib.rs` `a/b` `no.md` `JSON/…` `target/x` `scripts/run --once`").collect();
    assert_eq!(paths, ["src/lib.rs", "a/b", "no.md", "scripts/run"]);
    assert_eq!(qualified("Call::answer"), Some(["Call".to_owned(), "answer".to_owned()]));
    assert_eq!((qualified("a: b"), qualified("Call")), (None, None));
    assert!(defines("pub(super) fn one<T>(", "one") && !defines("fn other() { one() }", "one"));
    let text = "use crate::{\n    a::{b, c},\n    d::self,\n};\nuse crate::e::f;\nlet g = crate::h::i();";
    assert_eq!(imported(text), ["a", "d", "e", "h"].map(str::to_owned).into());
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(document: &str) -> String {
    fs::read_to_string(root().join(document)).unwrap()
}

/// All documents, as paths from the root.
fn documents() -> Vec<PathBuf> {
    let at_root = fs::read_dir(root()).unwrap().map(|entry| entry.unwrap().path());
    let files = at_root.chain(documents_in("docs")).chain(documents_in("clients"));
    let files = files.filter(|file| file.extension().is_some_and(|extension| extension == "md"));
    files.map(|file| file.strip_prefix(root()).unwrap().to_owned()).collect()
}

/// The files of `src/`, with their paths from there.
fn source() -> BTreeMap<String, String> {
    files(&root().join("src"))
}

/// The files of a folder and its folders, with their paths from there.
fn files(top: &Path) -> BTreeMap<String, String> {
    let mut files = BTreeMap::new();
    let mut folders = vec![top.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(top).unwrap().to_str().unwrap().to_owned();
                files.insert(name, fs::read_to_string(path).unwrap());
            }
        }
    }
    files
}

/// A document without its code blocks.
fn prose(text: &str) -> String {
    let mut in_block = false;
    let mut is_prose = |line: &&str| {
        let is_fence = line.trim_start().starts_with("```");
        in_block ^= is_fence;
        !in_block && !is_fence
    };
    text.lines().filter(|line| is_prose(line)).map(|line| format!("{line}\n")).collect()
}

/// The texts between backticks.
fn spans(text: &str) -> impl Iterator<Item = String> {
    let prose = prose(text);
    let spans: Vec<String> =
        prose.lines().flat_map(|line| line.split('`').skip(1).step_by(2)).map(str::to_owned).collect();
    spans.into_iter()
}

/// The paths of the tree that a document names, in its text and in its drawings. Not those of build output.
fn named_paths(text: &str) -> impl Iterator<Item = String> {
    let drawings = text.split("\n```text\n").skip(1).filter_map(|rest| rest.split("\n```").next());
    let drawn = drawings.flat_map(str::split_whitespace).filter(|word| word.starts_with("src/")).map(str::to_owned);
    let words = spans(text).filter_map(|span| span.split(' ').next().map(str::to_owned));
    words.chain(drawn).filter(|word| {
        let is_plain = word.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-./".contains(&byte));
        let is_path = word.contains('/') || word.ends_with(".md") || word.ends_with(".toml");
        let is_built = word.starts_with("target/") || word.starts_with("dist/");
        is_plain && is_path && !word.starts_with('/') && !is_built && !word.contains("NAME")
    })
}

/// The two names of `one::other`.
fn qualified(span: &str) -> Option<[String; 2]> {
    let (one, other) = span.split_once("::")?;
    let is_name =
        |name: &str| !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    (is_name(one) && is_name(other)).then(|| [one.to_owned(), other.to_owned()])
}

/// Whether a source text defines an item of this name.
fn defines(text: &str, name: &str) -> bool {
    ["fn", "struct", "enum", "trait", "type", "const"].iter().any(|kind| {
        let definition = format!("{kind} {name}");
        let ends = |rest: &str| !rest.starts_with(|char: char| char.is_alphanumeric() || char == '_');
        text.match_indices(&definition).any(|(at, found)| ends(&text[at + found.len()..]))
    })
}

/// `session` of `session/id.rs`.
fn layer(file: &str) -> &str {
    file.split('/').next().unwrap().trim_end_matches(".rs")
}

/// The layers that a source text uses.
fn imported(text: &str) -> BTreeSet<String> {
    let name = |text: &str| text.chars().take_while(|char| char.is_alphanumeric() || *char == '_').collect::<String>();
    let mut found = BTreeSet::new();
    for (at, prefix) in text.match_indices("crate::") {
        let rest = &text[at + prefix.len()..];
        let Some(list) = rest.strip_prefix('{') else {
            found.insert(name(rest));
            continue;
        };
        // The names at the first depth of `{a::{b, c}, d}`.
        let mut depth = 1;
        let mut is_start = true;
        for (position, char) in list.char_indices() {
            match char {
                '{' => depth += 1,
                '}' => depth -= 1,
                ',' if depth == 1 => is_start = true,
                _ if is_start && char.is_alphanumeric() => {
                    found.insert(name(&list[position..]));
                    is_start = false;
                }
                _ => {}
            }
            if depth == 0 {
                break;
            }
        }
    }
    found
}

/// The links of a document that lead nowhere. `document` is its path from the root.
fn broken_links(document: &Path, text: &str) -> Vec<String> {
    let prose = prose(text);
    let targets = |before: &'static str, end: char| {
        let mut rest = prose.as_str();
        iter::from_fn(move || {
            let (target, after) = rest.split_once(before)?.1.split_once(end)?;
            rest = after;
            Some(target)
        })
    };
    let links = targets("](", ')').chain(targets("src=\"", '"'));
    let leads_nowhere = |link: &&str| {
        let (path, heading) = link.split_once('#').unwrap_or((link, ""));
        let file = if path.is_empty() { document.to_owned() } else { document.parent().unwrap().join(path) };
        let file = root().join(file);
        let headings = |text: &str| headings(text).any(|one| one == heading);
        !(path.is_empty() || file.exists())
            || !(heading.is_empty()
                || if path.is_empty() { headings(text) } else { headings(&fs::read_to_string(file).unwrap()) })
    };
    links.filter(|link| !link.starts_with("http")).filter(leads_nowhere).map(str::to_owned).collect()
}

/// The anchors of a document's headings, as GitHub makes them.
pub(crate) fn headings(text: &str) -> impl Iterator<Item = String> {
    let prose = prose(text);
    let lines: Vec<String> = prose.lines().filter(|line| line.starts_with('#')).map(str::to_owned).collect();
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    lines.into_iter().map(move |line| {
        let title = line.trim_start_matches('#').trim().to_lowercase();
        let kept = title.chars().filter(|char| char.is_alphanumeric() || matches!(char, ' ' | '-' | '_'));
        let anchor = kept.map(|char| if char == ' ' { '-' } else { char }).collect::<String>();
        let earlier = seen.entry(anchor.clone()).or_default();
        *earlier += 1;
        if *earlier == 1 { anchor } else { format!("{anchor}-{}", *earlier - 1) }
    })
}
