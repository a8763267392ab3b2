//! Checks that a file is a raw secret: it is one only if nothing suggests otherwise. Anyone who knows a public text
//! could sign if it became an HMAC secret.

mod binary;
mod encodings;
pub(super) mod json_file;
pub(super) mod ssh;
mod text;

/// The longest raw secret, in bytes. It also bounds the work below.
const LONGEST: usize = 16 * 1024;

/// The number of nested encodings that are searched.
const LAYERS: usize = 4;

/// How to keep random bytes and secrets of several lines instead.
const AS_JWK: &str = "store it as a JWK with 'kty' oct and its bytes in base64url as 'k', see docs/keys.md";

/// What a file looks like, if not like a secret.
#[derive(Debug)]
struct Look {
    /// Its type, with an article.
    what: &'static str,
    how: &'static str,
    /// A command that reads the file from its input and prints what to keep. Empty if no command fits every such file.
    command: &'static str,
    /// The encodings around it, the outermost first: the name, and the command that decodes it, if there is one.
    layers: Vec<(&'static str, &'static str)>,
}

impl Look {
    const fn new(what: &'static str, how: &'static str, command: &'static str) -> Self {
        Self { what, how, command, layers: Vec::new() }
    }

    /// The same inside an encoding.
    fn within(mut self, layer: (&'static str, &'static str)) -> Self {
        self.layers.insert(0, layer);
        // The command reads a file and not its input.
        if self.command.contains("FILE") {
            self.command = "";
        }
        self
    }

    fn sentence(&self) -> String {
        let mut sentence = format!("it looks like {}", self.what);
        for (name, _) in self.layers.iter().rev() {
            sentence.push_str(" in ");
            sentence.push_str(name);
        }
        sentence.push_str(", not like a secret: ");
        sentence.push_str(self.how);
        let mut steps: Vec<&str> = self.layers.iter().map(|(_, undo)| *undo).collect();
        if !self.command.is_empty() {
            steps.push(self.command);
        }
        if steps.is_empty() || steps.iter().any(|step| step.is_empty()) {
            return sentence;
        }
        let steps = steps.join(" | ");
        if steps.contains("FILE") {
            return format!("{sentence} ({steps})");
        }
        match steps.split_once(" | ") {
            Some((first, rest)) => format!("{sentence} ({first} < FILE | {rest})"),
            None => format!("{sentence} ({steps} < FILE)"),
        }
    }
}

/// The first pattern that matches.
fn first<const N: usize>(looks: [(bool, &'static str, &'static str); N]) -> Option<Look> {
    looks.into_iter().find(|(holds, ..)| *holds).map(|(_, what, how)| Look::new(what, how, ""))
}

/// What to do with text in UTF-16.
pub(super) fn utf16_problem(file: &[u8]) -> Option<String> {
    encodings::utf16(file).map(|look| look.sentence())
}

/// Checks that a file is a secret: one line of text.
///
/// # Errors
/// A sentence that says what it looks like and what to do, without its content.
pub(super) fn check(file: &[u8]) -> Result<(), String> {
    if file.len() > LONGEST {
        return Err(format!(
            "it has more than {LONGEST} bytes and is not a key file: a raw secret must be one short line"
        ));
    }
    find(file).map_or(Ok(()), |look| Err(look.sentence()))
}

/// Checks that the bytes of an `oct` JWK are not a key in another encoding, which others may know. Other texts are
/// allowed there.
///
/// # Errors
/// As [`check`].
pub(super) fn check_bytes(bytes: &[u8]) -> Result<(), String> {
    let text = encodings::from_utf16(bytes);
    let text = text.as_deref().map_or(bytes, |text| text);
    let look = binary::find(bytes).or_else(|| text::find_key(text, LAYERS));
    look.map_or(Ok(()), |look| Err(format!("its 'k' is refused: {}", Look { command: "", ..look }.sentence())))
}

fn find(file: &[u8]) -> Option<Look> {
    let is_text = str::from_utf8(file).is_ok_and(|text| !text.chars().any(is_control));
    let line = file.strip_suffix(b"\n").unwrap_or(file);
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let has_lines = line.contains(&b'\n') || line.contains(&b'\r');
    let one_line = "write the secret on one line; if tokens are already signed with exactly \
        these bytes, store them as a JWK, see docs/keys.md";
    let has_mark = file.starts_with(b"\xef\xbb\xbf");
    binary::find(file)
        .or_else(|| first([(!is_text, "a binary file", AS_JWK)]))
        .or_else(|| text::find(file, LAYERS))
        .or_else(|| first([(has_lines, "several lines", one_line)]))
        .or_else(|| {
            has_mark.then(|| Look::new("text with a byte order mark", "remove the byte order mark", "tail -c +4"))
        })
}

/// A control character other than tabs and line ends, which are checked elsewhere.
fn is_control(char: char) -> bool {
    char.is_control() && !matches!(char, '\t' | '\n' | '\r')
}

/// The type of decoded bytes, if they are a key or another text that is not a secret.
fn find_decoded(bytes: &[u8], layers: usize) -> Option<Look> {
    if let Some(look) = binary::find(bytes) {
        return Some(look);
    }
    let layers = layers.checked_sub(1)?;
    if let Some(text) = encodings::from_utf16(bytes) {
        return text::find(&text, layers).map(|look| look.within(("UTF-16", "")));
    }
    str::from_utf8(bytes).is_ok_and(|text| !text.chars().any(is_control)).then(|| text::find(bytes, layers))?
}

fn contains(text: &[u8], word: &[u8]) -> bool {
    text.windows(word.len()).any(|window| window == word)
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
