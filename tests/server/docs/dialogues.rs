//! Runs the dialogues of README.md and docs/: sends each command to a real server, and compares each line of the replies.
//! Compares the lists of commands and settings with those of the module.
//!
//! `…` in a reply stands for text that differs in each run. The word before it then is a name for the whole text: after the
//! reply `"{user:42}:…"`, a command may be `TTL sess:{user:42}:…`.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    io::{BufRead, BufReader, Write},
    iter,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread,
};

use redis::{Connection, RedisResult};

use super::{
    command_pages::command_pages,
    documents_in,
    replies::{Block, blocks, meanings},
};
use crate::support::{Server, module_path};

/// The paths of the module and of the server's files in the documents.
const MODULE: &str = "/usr/lib/redis/modules/libjrs.so";
const FOLDER: &str = "/etc/redis";

#[test]
fn each_dialogue_matches_the_output_of_redis_cli() {
    for document in documents() {
        let text = fs::read_to_string(&document).unwrap();
        if let Err(problem) = DocumentRun::new(&text).run(&text) {
            panic!("{}:{problem}", document.display());
        }
    }
}

#[test]
fn a_wrong_dialogue_is_detected() {
    let run = |text: &str| DocumentRun::new(text).run(text);
    let create = "> JRS.CREATE ann '{\"a\":1}'\n\"eyJhbGciOiJI…\"\n";
    let peek = "> JRS.PEEK eyJhbGciOiJI…\n1# \"id\" => \"{ann}:…\"\n2# \"owner\" => \"ann\"\n\
                3# \"data\" => \"{\\\"a\\\":1}\"\n4# \"claims\" => \"{\\\"jti\\\":\\\"{ann}:…\\\",\\\"iat\\\":…,\\\"sub\
                \\\":\\\"ann\\\"}\"\n5# \"ttl\" => (integer) 86400\n6# \"etag\" => \"c5e3762ffc8453c6\"\n";
    let dialogue = |text: &str| format!("Text.\n\n```redis-cli -3\n{text}```\n");
    let right = format!("{create}{peek}> TTL sess:{{ann}}:…\n(integer) 86400\n");
    run(&dialogue(&right)).unwrap();
    for (part, wrong) in [
        ("\"ann\"", "\"bob\""),
        ("86400", "86500"),
        ("86400", "8640"),
        ("\"eyJhbGciOiJI…\"", "\"eyJhbGciOiJI\""),
        ("\"eyJhbGciOiJI…\"", "\"eyJhbGciOiJI….\""),
        ("\"iat\\\":…", "\"iat\\\":0…"),
        ("1# \"id\" => \"{ann}:…\"\n", ""),
        ("\n> TTL", "\n(nil)\n> TTL"),
        ("> TTL sess:{ann}:…", "> TTL sess:{bob}:…"),
        ("> TTL sess:{ann}:…", "> TTL sess:{ann}:"),
        ("> TTL", "TTL"),
        ("> JRS.CREATE", "> JRS.CREAT"),
    ] {
        let text = right.replace(part, wrong);
        assert!(text != right && run(&dialogue(&text)).is_err(), "{wrong:?} in place of {part:?} is not detected");
    }
    assert!(
        meanings(&["ann:… ann:…"], &["ann:1 ann:2".to_owned()]).is_none(),
        "one name for two texts is not detected"
    );
    run("```sh\ngrep -q loadmodule /etc/redis/redis.conf\n```\n").unwrap();
    for wrong in ["```\n> PING\nPONG\n```\n", "```sh\nfalse\ntrue\n```\n"] {
        run(wrong).expect_err(wrong);
    }
}

#[test]
fn every_command_has_a_page_with_its_syntax() {
    let pages = command_pages();
    let syntax = |text: &str| blocks(text).find(|block| block.info == "text").expect("a page has the syntax").text();
    let documented: BTreeSet<String> = pages.values().map(|text| syntax(text)).collect();
    let server = Server::start();
    let help: Vec<String> = redis::cmd("JRS.HELP").query(&mut server.conn()).unwrap();
    let is_command = |line: &&String| line.split(' ').next().unwrap().bytes().all(|byte| byte.is_ascii_uppercase());
    let explained = help.iter().filter(|line| !line.starts_with(' ')).filter(is_command);
    let explained: BTreeSet<String> = explained.map(|line| format!("JRS.{line}")).collect();
    assert_eq!(documented, explained, "docs/commands/ on the left, JRS.HELP on the right");

    let registered: BTreeSet<String> =
        redis::cmd("COMMAND").arg(&["LIST", "FILTERBY", "MODULE", "jrs"]).query(&mut server.conn()).unwrap();
    // JRS.DEBUG is for tests only.
    let registered: BTreeSet<String> = registered.into_iter().filter(|name| name != "JRS.DEBUG").collect();
    let names = documented.iter().map(|line| line.split(' ').next().unwrap().to_owned());
    assert_eq!((names.collect(), pages.into_keys().collect()), (registered.clone(), registered));
}

#[test]
fn every_setting_is_documented_with_its_default_and_range() {
    let server = Server::start();
    let connection = &mut server.conn();
    let defaults: BTreeMap<String, String> = redis::cmd("CONFIG").arg(&["GET", "jrs.*"]).query(connection).unwrap();
    let half_the_cores = thread::available_parallelism().map_or(1, |cores| (cores.get() / 2).clamp(1, 64)).to_string();
    // | `name` | default | range or values | …
    for document in ["docs/settings.md", "README.md"] {
        let text = read(document);
        let rows: Vec<Vec<&str>> = text
            .lines()
            .filter(|line| line.starts_with("| `"))
            .map(|line| line.split('|').map(|cell| cell.trim().trim_matches('`')).collect())
            .filter(|cells: &Vec<_>| defaults.contains_key(&format!("jrs.{}", cells[1])))
            .collect();
        let names: BTreeSet<String> = rows.iter().map(|cells| format!("jrs.{}", cells[1])).collect();
        assert_eq!(names, defaults.keys().cloned().collect(), "{document}");
        for cells in rows {
            let name = &format!("jrs.{}", cells[1]);
            let default = if cells[2] == "half the cores" { &half_the_cores } else { cells[2].trim_matches('"') };
            if name == "jrs.get-requires-write" {
                // The server reads it only when the module is loaded.
                assert_eq!(default, &defaults[name], "the default of {name} in {document}");
                assert!(set(connection, name, default).is_err());
                continue;
            }
            set(connection, name, default).unwrap();
            assert_eq!(get(connection, name), defaults[name], "the default of {name} in {document}");
            let range = cells[3].split_once(" to ").filter(|(min, _)| min.parse::<i64>().is_ok());
            for (bound, beyond) in range.into_iter().flat_map(|(min, max)| [(min, -1), (max, 1)]) {
                set(connection, name, bound).unwrap_or_else(|error| panic!("{name} {bound}: {error}"));
                let outside = get(connection, name).parse::<i64>().unwrap() + beyond;
                assert!(set(connection, name, &outside.to_string()).is_err(), "{name} {outside} in {document}");
            }
            set(connection, name, &defaults[name]).unwrap();
        }
    }
}

/// The server of a document, and the names that its replies have defined.
struct DocumentRun {
    server: Server,
    shown: Vec<(String, String)>,
}

impl DocumentRun {
    /// A server with the module, unless the document installs it itself.
    fn new(document: &str) -> DocumentRun {
        let installs = blocks(document).any(|block| block.info == "sh" && block.text().contains("\nloadmodule "));
        let builder = Server::builder().config("save", "3600 1");
        let server = if installs { builder.without_module().start() } else { builder.start() };
        DocumentRun { server, shown: Vec::new() }
    }

    /// Runs dialogues and shell commands in order. The error is a line number and the problem.
    fn run(&mut self, document: &str) -> Result<(), String> {
        for block in blocks(document) {
            match block.info.split_once(' ').unwrap_or((block.info, "")) {
                ("redis-cli", flags) => self.dialogue(&block, flags)?,
                ("sh", _) => self.shell(&block.text()).map_err(|problem| format!("{}: {problem}", block.line))?,
                _ if block.lines.iter().any(|line| line.starts_with("> ")) => {
                    return Err(format!("{}: a dialogue without the mark redis-cli", block.line));
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Sends a dialogue to one redis-cli that prints as in a terminal, and compares its replies.
    #[expect(clippy::zombie_processes, reason = "redis-cli ends with its input")]
    fn dialogue(&mut self, block: &Block<'_>, flags: &str) -> Result<(), String> {
        let port = self.server.port().to_string();
        let mut cli = Command::new("timeout");
        cli.args(["60", "redis-cli", "--no-raw", "-p", &port]).args(flags.split_whitespace());
        let mut cli = cli.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let (mut input, output) = (cli.stdin.take().unwrap(), BufReader::new(cli.stdout.take().unwrap()));
        let mut output = output.lines().map(Result::unwrap);
        let mut lines = block.lines.iter().zip(block.line + 1..).peekable();
        while let Some((line, at)) = lines.next() {
            let command = line.strip_prefix("> ").ok_or_else(|| format!("{at}: a reply without a command"))?;
            let named = |text: String, (name, meaning): &(String, String)| text.replace(name, meaning);
            let command = self.shown.iter().rev().fold(self.to_real(command), named);
            if command.contains('…') {
                return Err(format!("{at}: no reply has defined this name: {command}"));
            }
            // redis-cli answers a single quote itself, which marks the end of a reply.
            writeln!(input, "{command}\n\"").unwrap();
            // A line such as `(0.61s)` follows a reply that took half a second, which happens on a busy machine.
            let is_time = |line: &str| {
                let seconds = line.strip_prefix('(').and_then(|line| line.strip_suffix("s)"));
                seconds.is_some_and(|seconds| seconds.parse::<f64>().is_ok())
            };
            let actual = output.by_ref().take_while(|line| line != "Invalid argument(s)").filter(|line| !is_time(line));
            let actual: Vec<String> = actual.map(|line| self.to_documented(&line)).collect();
            let expected = iter::from_fn(|| lines.next_if(|(line, _)| !line.starts_with("> ")));
            let expected: Vec<&str> = expected.map(|(line, _)| *line).collect();
            self.shown.extend(meanings(&expected, &actual).ok_or_else(|| {
                format!("{at}: {line}\n{}\n--- the reply is\n{}", expected.join("\n"), actual.join("\n"))
            })?);
        }
        Ok(())
    }

    fn shell(&mut self, commands: &str) -> Result<(), String> {
        let script = format!("systemctl() {{ :; }}\n{}", self.to_real(commands));
        let mut shell = Command::new("timeout");
        let output = shell.args(["60", "sh", "-eu", "-c", &script]).current_dir(self.server.dir()).output().unwrap();
        if !output.status.success() {
            let printed = [output.stdout, output.stderr].concat();
            return Err(format!("{}\n{commands}\n{}", output.status, String::from_utf8_lossy(&printed)));
        }
        if commands.contains("systemctl restart") {
            self.server.stop();
            self.server.restart();
        }
        Ok(())
    }

    /// Replaces the paths of the documents with those of this machine.
    fn to_real(&self, text: &str) -> String {
        text.replace(MODULE, &module_path().to_string_lossy()).replace(FOLDER, &self.server.dir().to_string_lossy())
    }

    /// Replaces the paths of this machine with those of the documents, and removes spaces at the end of the line.
    fn to_documented(&self, line: &str) -> String {
        let text = line.trim_end();
        text.replace(&*module_path().to_string_lossy(), MODULE).replace(&*self.server.dir().to_string_lossy(), FOLDER)
    }
}

/// README.md, CHANGELOG.md and all of docs/.
fn documents() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    [root.join("README.md"), root.join("CHANGELOG.md")].into_iter().chain(documents_in("docs")).collect()
}

fn read(document: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(document)).unwrap()
}

fn set(connection: &mut Connection, name: &str, value: &str) -> RedisResult<()> {
    redis::cmd("CONFIG").arg(&["SET", name, value]).query(connection)
}

fn get(connection: &mut Connection, name: &str) -> String {
    redis::cmd("CONFIG").arg(&["GET", name]).query::<(String, String)>(connection).unwrap().1
}
