//! Random commands of the module, some of them with arguments that fit.

use proptest::{
    collection::vec,
    prelude::*,
    sample::{Index, select},
};

/// The tokens and owners that random commands use.
#[derive(Clone, Debug, Default)]
pub(crate) struct Supplies {
    /// Tokens, each with the key of its session.
    pub(crate) tokens: Vec<(String, String)>,
    /// Owners of sessions.
    pub(crate) owners: Vec<String>,
}

/// A command and its arguments.
#[derive(Clone, Debug)]
pub(crate) struct Command {
    pub(crate) name: String,
    pub(crate) arguments: Vec<Vec<u8>>,
}

impl Command {
    /// Whether this is `JRS.name`.
    pub(crate) fn is(&self, name: &str) -> bool {
        self.name.to_uppercase().strip_prefix("JRS.") == Some(name)
    }

    /// Whether JRS reads argument 1 as a token: it begins like one, or it contains one and argument 2 does not begin like one.
    pub(crate) fn begins_with_token(&self) -> bool {
        let begins = |at: usize| self.arguments.get(at).is_some_and(|argument| argument.starts_with(b"ey"));
        let header = b"eyJhbGciOiJ";
        let holds = self.arguments.first().is_some_and(|first| first.windows(header.len()).any(|part| part == header));
        begins(0) || (holds && !begins(1))
    }
}

const NAMES: [&str; 18] = [
    "JRS.CREATE",
    "JRS.GET",
    "JRS.PEEK",
    "JRS.UPDATE",
    "JRS.TOUCH",
    "JRS.DESTROY",
    "JRS.ROTATE",
    "JRS.MINT",
    "JRS.LIST",
    "JRS.REVOKE",
    "JRS.DESTROYALL",
    "JRS.INSPECT",
    "JRS.HELP",
    "JRS.RELOAD",
    "JRS.ROTATEKEY",
    "JRS.JWKS",
    "JRS.REALMS",
    "jrs.update",
];

const WORDS: [&str; 24] = [
    "EX", "PX", "EXAT", "PXAT", "KEEPTTL", "REPLACE", "CLAIMS", "REALM", "default", "ex", "Px", "claims", "replace",
    "MERGE", "PATCH", "IFMATCH", "NX", "OWNER", "REAUTH", "WITHDATA", "EXCEPT", "patch", "reauth", "AUDIENCE",
];

/// None of them ends a session while a test runs: as a TTL each is at least ten minutes, or invalid.
const NUMBERS: [&str; 14] = [
    "600000",
    "99999999",
    "99999999999",
    "253402300799",
    "4102444800",
    "4102444800000",
    "0",
    "-1",
    "1.5",
    "1e9",
    "9223372036854775807",
    "-9223372036854775808",
    "18446744073709551616",
    "99999999999999999999999999999999999999999999",
];

const JSON: [&str; 23] = [
    "{}",
    r#"{"a":1}"#,
    " { \"a\" : [ ] } ",
    r#"{"a":1,"a":2}"#,
    r#"{"exp":4102444800}"#,
    r#"{"exp":1}"#,
    r#"{"exp":"x"}"#,
    r#"{"nbf":-1.5}"#,
    r#"{"jti":"x"}"#,
    r#"{"SUB":"x"}"#,
    "{\"\u{17f}ub\":1,\"exp\":4102444800}",
    r#"{"exp":4102444800000}"#,
    r#"{"name":"Zo\u00eb","deep":{"er":[[[[[]]]]]}}"#,
    "[]",
    "null",
    "{",
    r#""{}""#,
    r#"{"a":1e999}"#,
    r#"{"a":null,"b":{"c":null}}"#,
    r#"[{"op":"add","path":"/a/-","value":{"b":[1.50]}}]"#,
    r#"[{"op":"test","path":"/a/0","value":1},{"op":"copy","from":"/a","path":"/c"}]"#,
    r#"[{"op":"move","from":"/a","path":"/a/0"}]"#,
    r#"[{"op":"remove","path":""}]"#,
];

/// Any command. Its first arguments may fit together; the others are random.
pub(crate) fn commands(supplies: &Supplies) -> impl Strategy<Value = Command> + use<> {
    let name = select(NAMES.to_vec());
    let rest = prop_oneof![vec(argument(supplies), 0..=1), vec(argument(supplies), 0..=8)];
    (name, beginning(supplies), rest).prop_map(|(name, beginning, rest)| {
        let arguments: Vec<_> = beginning.into_iter().chain(rest).take(8).collect();
        Command { name: name.to_owned(), arguments }
    })
}

/// The first arguments: none, or those that some command expects.
fn beginning(supplies: &Supplies) -> BoxedStrategy<Vec<Vec<u8>>> {
    let session = select(supplies.tokens.clone());
    fn bytes(words: &[&str]) -> Vec<Vec<u8>> {
        words.iter().map(|word| word.as_bytes().to_vec()).collect()
    }
    prop_oneof![
        2 => Just(Vec::new()),
        2 => session.clone().prop_map(|(_, token)| bytes(&[&token])),
        2 => session.clone().prop_map(|(key, token)| bytes(&[&key, &token])),
        1 => session.clone().prop_map(|(_, token)| bytes(&[&token, "CLAIMS", "[]"])),
        1 => session.clone().prop_map(|(_, token)| bytes(&[&token, "{}"])),
        1 => session.clone().prop_map(|(_, token)| bytes(&[&token, "{}", "IFMATCH", "0123456789abcdef"])),
        1 => session.clone().prop_map(|(key, token)| bytes(&[&key, &token, r#"{"b":2}"#])),
        2 => Just(bytes(&["zo\u{eb}", "{}"])),
        1 => select(supplies.owners.clone()).prop_map(|owner| bytes(&[&owner])),
        1 => (select(supplies.owners.clone()), session.clone()).prop_map(|(owner, (_, token))| bytes(&[&owner, "EXCEPT", &token])),
        3 => session.prop_map(|(key, _)| bytes(&[&key])),
        1 => Just(bytes(&["sess:unknown"])),
    ]
    .boxed()
}

/// Any argument.
fn argument(supplies: &Supplies) -> BoxedStrategy<Vec<u8>> {
    let text = |choices: &[&'static str]| select(choices.to_vec()).prop_map(|word| word.as_bytes().to_vec());
    let session = select(supplies.tokens.clone());
    let token = session.clone().prop_map(|(_, token)| token.into_bytes());
    prop_oneof![
        3 => random_bytes(),
        1 => (random_bytes(), 2..500_usize).prop_map(|(bytes, times)| bytes.repeat(times)),
        2 => token.clone(),
        3 => (token, any::<Index>(), any::<u8>(), 0_u8..8).prop_map(|(token, at, byte, kind)| mutated(token, at, byte, kind)),
        2 => session.prop_map(|(key, _)| key.into_bytes()),
        6 => text(&WORDS),
        4 => text(&NUMBERS),
        3 => text(&JSON),
        1 => any::<String>().prop_map(String::into_bytes),
        1 => Just(vec![b'['; 100_000]),
    ]
    .boxed()
}

/// Random bytes that are not a number, because a number could be a short TTL.
fn random_bytes() -> impl Strategy<Value = Vec<u8>> {
    vec(any::<u8>(), 0..24).prop_filter("a number", |bytes| !bytes.iter().all(u8::is_ascii_digit) || bytes.is_empty())
}

/// The token with one byte changed or inserted, cut at that byte, or with text around it.
fn mutated(mut token: Vec<u8>, at: Index, byte: u8, kind: u8) -> Vec<u8> {
    let at = at.index(token.len());
    match kind {
        0 => token[at] = token[at].wrapping_add(byte.max(1)),
        1 => token.insert(at, byte),
        2 => token.truncate(at),
        3 => drop(token.drain(..=at)),
        4 => token = [b"Bearer ", &*token].concat(),
        5 => token = [b"\"", &*token, b"\""].concat(),
        6 => token.insert(0, b' '),
        _ => token = [b"token=", &*token, b";"].concat(),
    }
    token
}
