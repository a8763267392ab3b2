//! Reads JSON without building values: a value is a range of a text that was checked before.

use super::{Budget, DEEPEST, names::string_end};

/// A checked JSON text with the ends of its large arrays and objects, so that skipping one is cheap.
#[derive(Debug)]
pub(super) struct Document<'t> {
    text: &'t str,
    /// Start and end of the arrays and objects with at least 1/1024 of the text's length, sorted by start. Each
    /// nesting level has at most 1024 of them.
    large: Vec<(u32, u32)>,
    budget: &'t Budget,
}

impl<'t> Document<'t> {
    /// `None` for a text of 4 GiB or more.
    pub(super) fn new(text: &'t str, budget: &'t Budget) -> Option<Self> {
        u32::try_from(text.len()).ok()?;
        let least = (text.len() / 1024).max(64);
        let (bytes, mut large) = (text.as_bytes(), Vec::new());
        let mut open = Vec::with_capacity(DEEPEST);
        let mut at = 0;
        while let Some(byte) = bytes.get(at) {
            match byte {
                b'"' => at = string_end(bytes, at),
                b'{' | b'[' => {
                    open.push(large.len());
                    large.push((offset(at), 0));
                    at += 1;
                }
                b'}' | b']' => {
                    at += 1;
                    // The entries after `entry` are nested in it. If it is small, so are they.
                    let entry = open.pop().unwrap_or_default();
                    match large.get_mut(entry) {
                        Some((start, end)) if at - index(*start) >= least => *end = offset(at),
                        _ => large.truncate(entry),
                    }
                }
                _ => at += 1,
            }
        }
        Some(Self { text, large, budget })
    }

    /// The whole value, without white space around it.
    pub(super) fn root(&'t self) -> Raw<'t> {
        let start = self.text.len() - self.text.trim_ascii_start().len();
        Raw { document: self, start: offset(start), end: offset(self.text.trim_ascii_end().len()) }
    }

    /// The end of the value that starts at `start`.
    fn value_end(&self, start: usize) -> usize {
        let bytes = self.text.as_bytes();
        let end = match bytes.get(start) {
            Some(b'"') => string_end(bytes, start),
            Some(b'{' | b'[') => {
                if let Ok(found) = self.large.binary_search_by_key(&offset(start), |(start, _)| *start) {
                    self.budget.spend(16);
                    return self.large.get(found).map_or(bytes.len(), |(_, end)| index(*end));
                }
                small_end(bytes, start)
            }
            _ => {
                let ends = |byte: &u8| matches!(byte, b',' | b']' | b'}' | b':') || byte.is_ascii_whitespace();
                let rest = bytes.get(start..).unwrap_or_default();
                start + rest.iter().position(ends).unwrap_or(rest.len())
            }
        };
        self.budget.spend(end - start + 4);
        end
    }

    /// The first position from `at` on that is not white space, a comma or a colon.
    fn skip(&self, at: usize) -> usize {
        let rest = self.text.as_bytes().get(at..).unwrap_or_default();
        let skipped = |byte: &u8| !matches!(byte, b',' | b':') && !byte.is_ascii_whitespace();
        let passed = rest.iter().position(skipped).unwrap_or(rest.len());
        self.budget.spend(passed);
        at + passed
    }
}

fn small_end(bytes: &[u8], start: usize) -> usize {
    let (mut at, mut depth) = (start, 0_usize);
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'"' => {
                at = string_end(bytes, at);
                continue;
            }
            b'{' | b'[' => depth += 1,
            b'}' | b']' if depth == 1 => return at + 1,
            b'}' | b']' => depth = depth.saturating_sub(1),
            _ => {}
        }
        at += 1;
    }
    bytes.len()
}

/// An offset into a text of less than 4 GiB.
fn offset(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

pub(super) fn index(offset: u32) -> usize {
    usize::try_from(offset).unwrap_or(usize::MAX)
}

/// The position of a value in its document.
#[derive(Clone, Copy, Debug)]
pub(super) struct Span {
    start: u32,
    end: u32,
}

/// A value in a document.
#[derive(Clone, Copy, Debug)]
pub(super) struct Raw<'t> {
    document: &'t Document<'t>,
    start: u32,
    end: u32,
}

impl<'t> Raw<'t> {
    pub(super) fn text(self) -> &'t str {
        self.document.text.get(index(self.start)..index(self.end)).unwrap_or_default()
    }

    pub(super) fn len(self) -> usize {
        index(self.end).saturating_sub(index(self.start))
    }

    pub(super) const fn span(self) -> Span {
        Span { start: self.start, end: self.end }
    }

    /// Another value of the same document.
    pub(super) const fn other(self, Span { start, end }: Span) -> Self {
        Self { document: self.document, start, end }
    }

    pub(super) fn is_object(self) -> bool {
        self.text().starts_with('{')
    }

    pub(super) fn is_array(self) -> bool {
        self.text().starts_with('[')
    }

    pub(super) fn is_null(self) -> bool {
        self.text() == "null"
    }

    pub(super) fn budget(self) -> &'t Budget {
        self.document.budget
    }

    /// Names and values of an object, in the order of the text; names are JSON strings with their quotes.
    pub(super) fn members(self) -> impl Iterator<Item = (Raw<'t>, Raw<'t>)> {
        let mut parts = self.parts();
        std::iter::from_fn(move || Some((parts.next()?, parts.next()?)))
    }

    pub(super) fn elements(self) -> impl Iterator<Item = Raw<'t>> {
        self.parts()
    }

    /// The values within an array or object, with names as values.
    fn parts(self) -> impl Iterator<Item = Raw<'t>> {
        let document = self.document;
        let (mut at, end) = (index(self.start) + 1, index(self.end).saturating_sub(1));
        std::iter::from_fn(move || {
            let start = document.skip(at);
            if start >= end {
                return None;
            }
            at = document.value_end(start);
            Some(Raw { document, start: offset(start), end: offset(at) })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{Budget, Document};

    #[test]
    fn values_are_found_where_they_stand() {
        let long = format!(r#"[[{}],"{}"]"#, "1, ".repeat(100) + "1", r#"\\\"x]"#.repeat(40));
        let text = format!(r#" {{ "a" : {long},"b\"" :[] , "c":-1.5e3,"d":true ,"":{{"x":null}}}} "#);
        let budget = Budget::for_texts(text.len());
        let document = Document::new(&text, &budget).expect("a document");
        assert_eq!(document.large.len(), 3, "the whole, the long array and the array in it");
        let members: Vec<_> = document.root().members().map(|(name, value)| (name.text(), value.text())).collect();
        let expected = [
            (r#""a""#, long.as_str()),
            (r#""b\"""#, "[]"),
            (r#""c""#, "-1.5e3"),
            (r#""d""#, "true"),
            (r#""""#, r#"{"x":null}"#),
        ];
        assert_eq!(members, expected);
        let (_, array) = document.root().members().next().expect("a member");
        assert_eq!(array.elements().count(), 2);
        assert_eq!(array.elements().next().expect("an array").elements().count(), 101);
    }

    #[test]
    fn deep_text_is_stepped_over() {
        let text =
            format!("{}{}{}", r#"{"a":"#.repeat(127), format_args!("[{}0]", "0,".repeat(100_000)), "}".repeat(127));
        let budget = Budget::for_texts(0);
        let document = Document::new(&text, &budget).expect("a document");
        let mut value = document.root();
        for _ in 0..127 {
            value = value.members().next().expect("a member").1;
        }
        assert!(budget.check().is_ok(), "each level of 128 does not cost the whole text");
        assert_eq!(value.elements().count(), 100_001);
    }
}
