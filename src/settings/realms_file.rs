//! The realms file: TOML tables `[realm.NAME]` whose fields are settings.

use std::collections::BTreeMap;

use serde::Deserialize;
use toml::Spanned;

use super::{DEFAULT_REALM, SETTINGS, Scope, SettingType, Settings, Value, find};

/// A realm of the realms file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RealmSpec {
    /// Its name: `NAME` of `[realm.NAME]`.
    pub name: String,
    /// The line of its header in the file.
    pub line: usize,
    /// Its fields: positions in [`SETTINGS`] with values.
    overrides: Vec<(usize, Value)>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    #[serde(default)]
    realm: BTreeMap<Spanned<String>, BTreeMap<Spanned<String>, Spanned<toml::Value>>>,
}

impl RealmSpec {
    /// The settings of the realm, based on those of the default realm.
    pub fn settings(&self, base: &Settings) -> Result<Settings, String> {
        let mut settings = base.clone();
        for (position, setting) in
            SETTINGS.iter().enumerate().filter(|(_, setting)| setting.scope == Scope::NotInherited)
        {
            settings.set(position, setting.setting_type.default())?;
        }
        for (position, value) in &self.overrides {
            settings.set(*position, value.clone())?;
        }
        Ok(settings)
    }
}

/// Reads the text of a realms file.
///
/// # Errors
/// A sentence that begins with the line and names the field.
pub fn parse(text: &str) -> Result<Vec<RealmSpec>, String> {
    let line_ends: Vec<usize> = text.match_indices('\n').map(|(at, _)| at).collect();
    let line_of = |at: usize| 1 + line_ends.partition_point(|end| *end < at);
    let document: Document = toml::from_str(text).map_err(|error| {
        let line = error.span().map_or(1, |span| line_of(span.start));
        format!("line {line}: {}", describe(error.message()))
    })?;
    let mut realms = Vec::with_capacity(document.realm.len());
    for (name, table) in document.realm {
        let first_line = line_of(name.span().start);
        let name = name.into_inner();
        check_name(&name).map_err(|problem| format!("line {first_line}: {problem}"))?;
        let mut overrides = Vec::with_capacity(table.len());
        for (field, value) in table {
            let line = line_of(field.span().start);
            let field = field.into_inner();
            let shown = if is_name(&field) { &field } else { "a name" };
            let refused = |problem| format!("line {line}: '{shown}' {problem}");
            let read = read_field(&field, value.into_inner()).map_err(refused)?;
            // TOML refuses the same spelling twice, but names of settings ignore case.
            if overrides.iter().any(|(earlier, _)| *earlier == read.0) {
                return Err(refused("is given twice".to_owned()));
            }
            overrides.push(read);
        }
        for (position, setting) in SETTINGS.iter().enumerate() {
            if setting.scope == Scope::RequiredPerRealm && !overrides.iter().any(|(given, _)| *given == position) {
                let needed = setting.name.to_string_lossy();
                return Err(format!("line {first_line}: the realm '{name}' needs a '{needed}'"));
            }
        }
        realms.push(RealmSpec { name, line: first_line, overrides });
    }
    Ok(realms)
}

/// Describes an error without the parser's message, which quotes the file: it may hold a secret by mistake.
fn describe(message: &str) -> &'static str {
    if message.starts_with("unknown field") {
        "unknown field: the file may only contain [realm.NAME] tables"
    } else if message.starts_with("invalid type") {
        "a value has the wrong type"
    } else if message.starts_with("duplicate key") {
        "a name is given twice"
    } else {
        "not valid TOML"
    }
}

/// Whether an unknown field's name can be repeated: it looks like a misspelled setting, not like a secret.
fn is_name(field: &str) -> bool {
    field.len() <= 24 && field.bytes().all(|byte| byte.is_ascii_alphabetic() || byte == b'-')
}

fn check_name(name: &str) -> Result<(), String> {
    let plain = |char: char| char.is_ascii_alphanumeric() || matches!(char, '_' | '-' | '.');
    if name.is_empty() || name.len() > 64 || !name.chars().all(plain) {
        return Err("a realm's name must be 1 to 64 letters, digits, '_', '-' or '.'".to_owned());
    }
    // In INFO, `jrs_realm_stats_NAME` are the counters of the realm NAME.
    if name.starts_with("stats_") {
        return Err("a realm's name must not begin with 'stats_': choose another name".to_owned());
    }
    if name == DEFAULT_REALM {
        return Err("the realm 'default' must not be in the file: the jrs.* settings describe it".to_owned());
    }
    Ok(())
}

fn read_field(field: &str, value: toml::Value) -> Result<(usize, Value), String> {
    let (position, setting) = find(field).ok_or("is not a field of a realm")?;
    if matches!(setting.scope, Scope::Server | Scope::ServerAtLoad) {
        return Err("applies to the whole server: set it as a jrs.* setting".to_owned());
    }
    let value = match (value, &setting.setting_type) {
        (toml::Value::String(text), kind) => kind.parse_text(&text)?,
        (toml::Value::Integer(number), SettingType::Number { .. }) => Value::Number(number),
        (toml::Value::Boolean(flag), SettingType::Flag { .. }) => Value::Flag(flag),
        _ => return Err("has the wrong type".to_owned()),
    };
    setting.setting_type.check(&value).map(|()| (position, value))
}

#[cfg(test)]
mod tests {
    use super::{RealmSpec, parse};
    use crate::settings::{self, Settings};
    use crate::token::Algorithm;

    fn base() -> Settings {
        let mut settings = Settings::UNSET;
        for (position, value) in settings::defaults(&[]).expect("defaults").into_iter().enumerate() {
            settings.set(position, value).expect("a default");
        }
        settings
    }

    fn settings(text: &str) -> Result<Vec<(String, Settings)>, String> {
        let settings = |realm: RealmSpec| Ok((realm.name.clone(), realm.settings(&base())?));
        parse(text)?.into_iter().map(settings).collect()
    }

    #[test]
    fn fields_are_settings() {
        let text = r#"
            [realm.admin]
            keys-file = "admin.json"
            keyspace = "admin:"
            max-age = 600
            max-data-size = "64kb"
            algorithm = "RS256"
            allow-weak-secret = true
            [realm."api.v2"]
            keys-file = "api.pem"
            keyspace = "api:"
        "#;
        let realms = settings(text).expect("realms");
        let (name, admin) = &realms[0];
        assert_eq!((name.as_str(), admin.keyspace.as_str(), admin.max_age), ("admin", "admin:", 600));
        assert_eq!((admin.max_data_size, admin.algorithm, admin.allow_weak_secret), (65536, Algorithm::RS256, true));
        // Names of settings are the same in any case.
        let mixed = settings("[realm.a]\nKeys-File = \"k\"\nKEYSPACE = \"a:\"\n").expect("a realm");
        assert_eq!((mixed[0].1.keys_file.as_str(), mixed[0].1.keyspace.as_str()), ("k", "a:"));
        assert_eq!((realms[1].0.as_str(), realms[1].1.max_age), ("api.v2", 86_400));
        assert_eq!(settings("# nothing\n").expect("no realms"), []);
    }

    /// The largest file. Counting its lines again for each field would take minutes.
    #[test]
    fn a_large_file_is_read_once() {
        const REALMS: usize = 15_000;
        let realm = |at: usize| format!("[realm.r{at}]\nkeys-file='k{at}'\nkeyspace='s{at}:'\nmax-age=600\n");
        let realms = parse(&(0..REALMS).map(realm).collect::<String>()).expect("realms");
        let last = realms.iter().max_by_key(|realm| realm.line).expect("a realm");
        assert_eq!((realms.len(), last.name.as_str(), last.line), (REALMS, "r14999", 4 * (REALMS - 1) + 1));
    }

    #[test]
    fn mistakes_are_named_with_their_line() {
        let with = |line: &str| format!("[realm.a]\nkeys-file = \"k\"\nkeyspace = \"a:\"\n{line}\n");
        for (text, problem) in [
            (with("max-age = true"), "line 4: 'max-age' has the wrong type"),
            (with("max-age = 1.5"), "line 4: 'max-age' has the wrong type"),
            (with("issuer = 7"), "line 4: 'issuer' has the wrong type"),
            (with("Keyspace = \"b:\""), "line 3: 'keyspace' is given twice"),
            (with("keyspace = \"b:\""), "line 4: "),
            ("\n[realms.a]\n".to_owned(), "line 2: unknown field"),
            ("Vq7xZ2mTq9Jw4KpB1sYdR6uN8hLcXo3e\n".to_owned(), "line 1: not valid TOML"),
            ("realm = \"Vq7xZ2mTq9Jw4KpB1sYdR6uN8hLcXo3e\"".to_owned(), "line 1: a value has the wrong type"),
            ("[realm]\na = \"Vq7xZ2mTq9Jw4KpB1sYdR6uN8hLcXo3e\"".to_owned(), "line 2: a value has the wrong type"),
            ("Vq7xZ2mTq9Jw4KpB1sYdR6uN8hLcXo3e = 1".to_owned(), "line 1: unknown field"),
            (with("Vq7xZ2mTq9Jw4KpB1sYdR6uN8hLcXo3e = 1"), "line 4: 'a name' is not a field"),
            (with("max-age = \"Vq7xZ2mTq9Jw4KpB1sYdR6uN8hLcXo3e\""), "line 4: 'max-age' must be"),
            (with("algorithm = \"Vq7xZ2mTq9Jw4KpB1sYdR6uN8hLcXo3e\""), "line 4: 'algorithm' must be"),
            (with("max-age = Vq7xZ2mTq9Jw4KpB1sYdR6uN8hLcXo3e"), "line 4: not valid TOML"),
        ] {
            let error = settings(&text).expect_err(&text);
            assert!(error.starts_with(problem), "{text}: {error}");
            assert!(!error.contains("Vq7xZ"), "{error}");
        }
    }
}
