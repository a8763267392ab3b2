//! Edits the text of a JWK Set (RFC 7517 section 5). What JRS does not know in it stays.

use std::borrow::Cow;

use serde_json::value::RawValue;
use zeroize::Zeroizing;

use super::{
    Key, KeyDefaults,
    json::Members,
    jwk::RETIRED_AT,
    key_file::{Keys, read_jwk},
};
use crate::session::UnixMillis;

/// The keys of a generated key file, as text.
#[derive(Debug)]
pub struct KeySet<'t> {
    entries: Vec<Entry<'t>>,
    /// The members of the set other than `keys`.
    others: Vec<(String, &'t str)>,
}

#[derive(Debug)]
struct Entry<'t> {
    /// `None` if JRS does not use it.
    key: Option<Key>,
    text: &'t str,
    /// When it stops signing, if it does so now.
    retired_at: Option<UnixMillis>,
}

impl<'t> KeySet<'t> {
    /// Reads a JWK Set, or one JWK.
    ///
    /// # Errors
    /// A sentence about the file, without key material.
    pub fn read(file: &'t [u8], defaults: KeyDefaults) -> Result<Self, String> {
        let text = file.trim_ascii();
        let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text).trim_ascii();
        let is_no_set = |_| "it is not a JWK Set".to_owned();
        let document = Members::read(text).map_err(is_no_set)?;
        let Some(set) = document.get("keys") else {
            let text = str::from_utf8(text).map_err(|_| "it is not UTF-8".to_owned())?;
            return Ok(Self { entries: vec![Entry::read(text, 1, defaults)?], others: Vec::new() });
        };
        let set: Vec<&RawValue> = serde_json::from_str(set.get()).map_err(is_no_set)?;
        let entries = (1..).zip(set).map(|(number, jwk)| Entry::read(jwk.get(), number, defaults));
        let others = document.iter().filter(|(name, _)| *name != "keys");
        Ok(Self {
            entries: entries.collect::<Result<_, _>>()?,
            others: others.map(|(name, value)| (name.to_owned(), value.get())).collect(),
        })
    }

    /// The number of keys.
    pub fn key_count(&self) -> usize {
        self.entries.len()
    }

    /// Removes the keys of which `is_useless` is true. The first key that can sign stays.
    pub fn remove(&mut self, is_useless: impl Fn(&Key) -> bool) -> Vec<Key> {
        let signer = self.signer();
        let mut removed = Vec::new();
        let mut kept = Vec::with_capacity(self.entries.len());
        for (position, mut entry) in std::mem::take(&mut self.entries).into_iter().enumerate() {
            match entry.key.take_if(|key| Some(position) != signer && is_useless(key)) {
                Some(key) => removed.push(key),
                None => kept.push(entry),
            }
        }
        self.entries = kept;
        removed
    }

    /// Writes to the first key that can sign, and to `signer`, that they stopped signing at `time`.
    pub fn retire(&mut self, signer: Option<&Key>, time: UnixMillis) {
        let first = self.signer();
        for (position, entry) in self.entries.iter_mut().enumerate() {
            let is_signer = || entry.key.as_ref().zip(signer).is_some_and(|(key, signer)| key.is_same_key(signer));
            if Some(position) == first || is_signer() {
                entry.retired_at = Some(time);
            }
        }
    }

    /// The position of the first key that can sign.
    fn signer(&self) -> Option<usize> {
        self.entries.iter().position(|entry| entry.key.as_ref().is_some_and(Key::signs))
    }

    /// The text of the set, with `first`, a JWK, in front of the other keys.
    pub fn write(&self, first: Option<&str>) -> Zeroizing<String> {
        let entries = self.entries.iter().map(Entry::write);
        let keys: Vec<_> = first.map(|jwk| Zeroizing::new(jwk.to_owned())).into_iter().chain(entries).collect();
        let others = self.others.iter().map(|(name, value)| member(name, value));
        let others: Vec<_> = others.collect();
        let length = keys.iter().chain(&others).map(|text| text.len() + 2).sum::<usize>();
        // A buffer of the right size: a growing one would leave copies of the secrets behind.
        let mut text = Zeroizing::new(String::with_capacity(length + 16));
        text.push_str("{\"keys\":[");
        push_list(&mut text, &keys);
        text.push(']');
        for other in others {
            text.push(',');
            text.push_str(&other);
        }
        text.push_str("}\n");
        text
    }
}

impl<'t> Entry<'t> {
    fn read(text: &'t str, number: usize, defaults: KeyDefaults) -> Result<Self, String> {
        let mut keys = Keys::default();
        Members::read(text.as_bytes())
            .map_err(|_| "it must be a JSON object with unique names".to_owned())
            .and_then(|jwk| read_jwk(&jwk, number, defaults, &mut keys))
            .map_err(|problem| format!("key {number}: {problem}"))?;
        Ok(Self { key: keys.into_first(), text, retired_at: None })
    }

    fn write(&self) -> Zeroizing<String> {
        let members = self.retired_at.and_then(|time| Some((time, Members::read(self.text.as_bytes()).ok()?)));
        let Some((time, members)) = members else { return Zeroizing::new(self.text.to_owned()) };
        // Rounded up, so that the key is never dropped too early.
        let seconds = time.as_i64().saturating_add(999).div_euclid(1000).to_string();
        let kept = members.iter().filter(|(name, _)| *name != RETIRED_AT).map(|(name, value)| (name, value.get()));
        let list: Vec<_> = kept.chain([(RETIRED_AT, &*seconds)]).map(|(name, value)| member(name, value)).collect();
        let mut text = Zeroizing::new(String::with_capacity(list.iter().map(|one| one.len() + 1).sum::<usize>() + 2));
        text.push('{');
        push_list(&mut text, &list);
        text.push('}');
        text
    }
}

/// A member of a JSON object. The name is not secret, the value may be.
fn member(name: &str, value: &str) -> Zeroizing<String> {
    let name = serde_json::to_string(name).map_or(Cow::Borrowed("\"\""), Cow::Owned);
    Zeroizing::new([&*name, ":", value].concat())
}

fn push_list(text: &mut String, list: &[Zeroizing<String>]) {
    for (position, one) in list.iter().enumerate() {
        if position > 0 {
            text.push(',');
        }
        text.push_str(one);
    }
}

#[cfg(test)]
mod tests {
    use super::KeySet;
    use crate::{
        session::UnixMillis,
        token::{Algorithm, Key, KeyDefaults, jwk_of_secret, key_set_of, read_keys},
    };

    const STRICT: KeyDefaults = KeyDefaults { algorithm: Algorithm::HS256, allow_weak_secret: false };

    fn jwk(id: &str) -> String {
        jwk_of_secret(id, &[id.as_bytes()[0]; 32], UnixMillis::new(5_999)).to_string()
    }

    #[test]
    fn what_is_not_edited_stays() {
        let unknown = r#"{ "kty" : "oct-new", "x":[1, {"y":"\u0041"}] }"#;
        let file = format!("\u{feff} {{ \"note\":\"caf\\u00e9\" ,\"keys\":[{},{unknown},{}]}}", jwk("a"), jwk("b"));
        let mut set = KeySet::read(file.as_bytes(), STRICT).expect("a set");
        assert_eq!(set.key_count(), 3);
        set.retire(None, UnixMillis::new(7_001));
        let text = set.write(Some(&jwk("c")));
        let retired = jwk("a").replace('}', ",\"jrs_retired_at\":8}");
        let expected =
            format!("{{\"keys\":[{},{retired},{unknown},{}],\"note\":\"caf\\u00e9\"}}\n", jwk("c"), jwk("b"));
        assert_eq!(*text, expected);
        let ring = read_keys(text.as_bytes(), STRICT).expect("keys");
        let times: Vec<_> = ring.own().map(|key| (key.issued_at(), key.retired_at())).collect();
        let issued = Some(UnixMillis::new(5_000));
        assert_eq!(times, [(issued, None), (issued, Some(UnixMillis::new(8_000))), (issued, None)]);
        assert_eq!(ring.signer().and_then(Key::id), Some("c"));

        // A second retirement replaces the time. The signer of the server counts beside the first key of the file.
        let mut set = KeySet::read(text.as_bytes(), STRICT).expect("a set");
        let signer = ring.own().nth(1);
        set.retire(signer, UnixMillis::new(9_000));
        assert_eq!(set.write(None).matches("\"jrs_retired_at\":9").count(), 2);
        assert_eq!(set.write(None).matches("jrs_retired_at").count(), 2);
    }

    #[test]
    fn keys_are_removed_but_the_signer_stays() {
        let file = format!("{{\"keys\":[{},{},{}]}}", jwk("a"), jwk("b"), jwk("c"));
        let mut set = KeySet::read(file.as_bytes(), STRICT).expect("a set");
        let removed = set.remove(|key| key.id() != Some("c"));
        assert_eq!(removed.iter().map(Key::label).collect::<Vec<_>>(), ["b"]);
        assert_eq!(*set.write(None), format!("{{\"keys\":[{},{}]}}\n", jwk("a"), jwk("c")));
    }

    #[test]
    fn one_jwk_is_a_set_and_other_files_are_refused() {
        let alone = jwk("a");
        let set = KeySet::read(alone.as_bytes(), STRICT).expect("a set");
        assert_eq!(*set.write(None), *key_set_of(&alone));
        for bad in
            ["", "a secret", "[]", "{\"keys\":{}}", "{\"keys\":[1]}", "{\"kty\":\"oct\",\"k\":\"c2hvcnQ\"}", "{}"]
        {
            assert!(KeySet::read(bad.as_bytes(), STRICT).is_err(), "{bad}");
        }
    }
}
