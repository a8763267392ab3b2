//! JSON objects of tokens and key files: members in order, unique names, values as text.

use std::{borrow::Cow, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{Error, MapAccess, Visitor},
};
use serde_json::value::RawValue;
use zeroize::Zeroizing;

/// The members of a JSON object with unique names (RFC 7515 section 4, RFC 7519 section 4).
///
/// Values stay text. They are checked to be JSON, and parsed only when they are used.
#[derive(Debug)]
pub(super) struct Members<'t>(Vec<(Cow<'t, str>, &'t RawValue)>);

impl<'t> Members<'t> {
    /// Reads `text`. Fails unless it is one JSON object with unique names, in UTF-8.
    pub(super) fn read(text: &'t [u8]) -> Result<Self, serde_json::Error> {
        serde_json::from_slice(text)
    }

    /// The members in the order of the text.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &'t RawValue)> {
        self.0.iter().map(|(name, value)| (name.as_ref(), *value))
    }

    pub(super) fn get(&self, name: &str) -> Option<&'t RawValue> {
        self.iter().find(|(member, _)| *member == name).map(|(_, value)| value)
    }
}

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(MembersVisitor)
    }
}

struct MembersVisitor;

impl<'de> Visitor<'de> for MembersVisitor {
    type Value = Members<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members<'de>, A::Error> {
        let mut members = Vec::with_capacity(8);
        while let Some(Text(name)) = map.next_key()? {
            members.push((name, map.next_value::<&RawValue>()?));
        }
        let mut names: Vec<&str> = members.iter().map(|(name, _)| name.as_ref()).collect();
        names.sort_unstable();
        if names.windows(2).any(|pair| matches!(pair, [a, b] if a == b)) {
            return Err(A::Error::custom("a member is given twice"));
        }
        Ok(Members(members))
    }
}

/// A string, borrowed from the text if it has no escape.
#[derive(Deserialize)]
struct Text<'t>(#[serde(borrow)] Cow<'t, str>);

/// The string in `value`, if it is one.
pub(super) fn text(value: &RawValue) -> Option<Cow<'_, str>> {
    serde_json::from_str(value.get()).ok().map(|Text(text)| text)
}

/// The string in `value`, if it is one, in a zeroized buffer. For key material, which is ASCII: an escape of another
/// character becomes a NUL, which no key encoding accepts.
pub(super) fn secret_text(value: &RawValue) -> Option<Zeroizing<String>> {
    let inner = value.get().strip_prefix('"')?.strip_suffix('"')?;
    let mut text = Zeroizing::new(String::with_capacity(inner.len()));
    let mut rest = inner.chars();
    while let Some(char) = rest.next() {
        text.push(match (char, if char == '\\' { rest.next()? } else { ' ' }) {
            ('\\', 'u') => {
                let code = rest.as_str().get(..4)?;
                rest = rest.as_str().get(4..)?.chars();
                u8::from_str_radix(code.strip_prefix("00").unwrap_or("00"), 16)
                    .ok()
                    .filter(u8::is_ascii)
                    .map_or('\0', char::from)
            }
            ('\\', escaped @ ('"' | '\\' | '/')) => escaped,
            ('\\', _) => '\0',
            (plain, _) => plain,
        });
    }
    Some(text)
}

/// The number in `value`, if it is one that a double can hold.
pub(super) fn number(value: &RawValue) -> Option<f64> {
    serde_json::from_str(value.get()).ok()
}

/// The strings in `value`: one string or an array of strings.
pub(super) fn texts(value: &RawValue) -> Option<Vec<String>> {
    text(value).map(|one| vec![one.into_owned()]).or_else(|| serde_json::from_str(value.get()).ok())
}

#[cfg(test)]
mod tests {
    use super::{Members, number, text, texts};

    fn names(object: &str) -> Option<Vec<String>> {
        let members = Members::read(object.as_bytes()).ok()?;
        Some(members.iter().map(|(name, _)| name.to_owned()).collect())
    }

    #[test]
    fn names_are_unique_also_behind_escapes() {
        assert_eq!(names(r#" {"b":1,"a":{"a":2}} "#).expect("an object"), ["b", "a"]);
        assert_eq!(names("{}").expect("an object"), [""; 0]);
        for wrong in [
            r#"{"a":1,"a":2}"#,
            r#"{"a":1,"\u0061":2}"#,
            r#"{"a":1}{}"#,
            r#"{"a":1,}"#,
            r#"{"a":01}"#,
            r#"["a"]"#,
            "null",
            "",
            "{\"a\":\"\n\"}",
            "{\"a\":\u{0}1}",
        ] {
            assert!(names(wrong).is_none(), "{wrong:?}");
        }
        assert!(Members::read(b"{\"a\":\"\xff\"}").is_err(), "not UTF-8");
    }

    #[test]
    fn values_have_types() {
        let object = br#"{"t":"a\u0062","n":1.5,"big":1e999,"l":["x","y"],"m":["x",1]}"#;
        let members = Members::read(object).expect("an object");
        let get = |name| members.get(name).expect("a member");
        assert_eq!(text(get("t")).expect("a string"), "ab");
        assert_eq!(text(get("n")), None);
        assert_eq!(number(get("n")), Some(1.5));
        assert_eq!(number(get("big")), None);
        assert_eq!(number(get("t")), None);
        assert_eq!(texts(get("t")).expect("one"), ["ab"]);
        assert_eq!(texts(get("l")).expect("two"), ["x", "y"]);
        assert_eq!(texts(get("m")), None);
    }
}
