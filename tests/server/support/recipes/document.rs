//! Parses docs/clients/other-languages.md.

/// A section of the document.
#[derive(Default)]
pub(crate) struct Section {
    pub(crate) heading: String,
    /// The name and the text of each file. The name is the last code span before the block.
    pub(crate) files: Vec<(String, String)>,
    /// The command lines after the prompt `$`.
    pub(crate) commands: Vec<String>,
}

impl Section {
    /// Whether a file or a command holds this text.
    pub(crate) fn mentions(&self, text: &str) -> bool {
        self.files.iter().map(|(_, file)| file).chain(&self.commands).any(|part| part.contains(text))
    }
}

pub(crate) fn sections(document: &str) -> Vec<Section> {
    document.split("\n## ").skip(1).map(section).collect()
}

fn section(text: &str) -> Section {
    let (heading, text) = text.split_once('\n').expect("a section has a text");
    let mut section = Section { heading: heading.to_owned(), ..Section::default() };
    // Text and code blocks alternate.
    let mut name = "";
    for (at, part) in text.split("```").enumerate() {
        let is_text = at % 2 == 0;
        if is_text {
            // Each second part is between two backticks.
            let spans = part.split('`').skip(1).step_by(2);
            name = spans.last().unwrap_or(name);
            continue;
        }
        let (kind, block) = part.split_once('\n').expect("a block has lines");
        if kind == "console" {
            section.commands.extend(block.lines().filter_map(|line| line.strip_prefix("$ ")).map(str::to_owned));
        } else {
            section.files.push((name.to_owned(), block.to_owned()));
        }
    }
    section
}
