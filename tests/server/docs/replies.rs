//! Code blocks of the documents, and the comparison of their replies with actual ones. See [`super::dialogues`].

use std::{collections::BTreeMap, iter};

/// The texts for the names in an expected reply, or `None` if the actual reply differs.
pub(super) fn meanings(expected: &[&str], actual: &[String]) -> Option<BTreeMap<String, String>> {
    let mut meanings = BTreeMap::new();
    if expected.len() != actual.len() {
        return None;
    }
    for (expected, actual) in expected.iter().zip(actual) {
        if is_same_ttl(expected, actual) {
            continue;
        }
        let mut parts = expected.split('…').peekable();
        let mut before = parts.next()?;
        let mut rest = actual.strip_prefix(before)?;
        while let Some(part) = parts.next() {
            // The last part is the end of the line.
            let end = if parts.peek().is_some() { rest.find(part)? } else { rest.strip_suffix(part)?.len() };
            let (text, after) = rest.split_at(end);
            let word = before.rsplit(['"', '\\', ' ']).next()?;
            if text.is_empty() || text.contains('"') {
                return None;
            }
            // In one reply a name has one text.
            let meaning = format!("{word}{text}");
            if word.contains(char::is_alphabetic)
                && meanings.insert(format!("{word}…"), meaning.clone()).is_some_and(|earlier| earlier != meaning)
            {
                return None;
            }
            (before, rest) = (part, &after[part.len()..]);
        }
        if !rest.is_empty() {
            return None;
        }
    }
    Some(meanings)
}

/// Whether two lines differ only in a TTL, which is up to 60 s less because the dialogue takes time.
fn is_same_ttl(expected: &str, actual: &str) -> bool {
    let cut = |line| str::rsplit_once(line, "(integer) ").map(|(start, number)| (start, number.parse::<i64>()));
    match (cut(expected), cut(actual)) {
        (Some((start, Ok(ttl))), Some((same, Ok(left)))) => {
            start == same && ttl >= 500 && (ttl - 60..ttl).contains(&left)
        }
        _ => false,
    }
}

/// A fenced code block: its first line number, the text after the fence, and its lines.
pub(super) struct Block<'d> {
    pub(super) line: usize,
    pub(super) info: &'d str,
    pub(super) lines: Vec<&'d str>,
}

impl Block<'_> {
    pub(super) fn text(&self) -> String {
        self.lines.join("\n")
    }
}

/// The fenced code blocks of a document.
pub(super) fn blocks(document: &str) -> impl Iterator<Item = Block<'_>> {
    let mut lines = document.lines().zip(1..);
    iter::from_fn(move || {
        let (info, line) = lines.by_ref().find_map(|(text, line)| Some((text.strip_prefix("```")?, line)))?;
        let lines = lines.by_ref().map(|(text, _)| text).take_while(|text| *text != "```").collect();
        Some(Block { line, info, lines })
    })
}
