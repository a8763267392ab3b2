//! The documentation is executed: dialogues, shell blocks, programs and tables.

mod clients;
mod command_pages;
mod compliance;
mod dialogues;
mod events;
mod info;
mod keys;
mod operations;
mod packages;
mod pictures;
mod programs;
mod recipes;
mod replies;
mod repository;
mod results;
mod site;

pub(crate) use repository::headings;

use std::{
    fs,
    path::{Path, PathBuf},
};

/// What package managers and build tools write, which is not part of the repository.
const GENERATED: [&str; 5] = ["node_modules", "target", "dist", "build", "__pycache__"];

/// The Markdown files of a folder of the repository and of its folders.
fn documents_in(folder: &str) -> Vec<PathBuf> {
    let mut documents = Vec::new();
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let entry = entry.unwrap();
            let (name, path) = (entry.file_name(), entry.path());
            let is_generated = name.to_str().is_none_or(|name| name.starts_with('.') || GENERATED.contains(&name));
            if entry.file_type().unwrap().is_dir() && !is_generated {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "md") {
                documents.push(path);
            }
        }
    }
    documents
}
