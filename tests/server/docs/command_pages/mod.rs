//! The pages in `docs/commands/` say what a server says. If `JRS_UPDATE_DOCS` is 1, these tests write what they otherwise
//! compare, with a server that has ACL categories for commands of modules (not Redis 7.0).

mod errors;
mod facts;
mod replies;

use std::{
    collections::BTreeMap,
    env, fs,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use redis::Connection;

use super::documents_in;
use crate::support::{sessions::create, tokens::key};

/// Tests run at the same time, and several write into one page.
static WRITING: Mutex<()> = Mutex::new(());

/// The pages by the names of their commands, which are their headings.
pub(super) fn command_pages() -> BTreeMap<String, String> {
    let pages = documents_in("docs/commands").into_iter().map(|page| fs::read_to_string(page).unwrap());
    pages.map(|text| (text.lines().next().unwrap().strip_prefix("# ").unwrap().to_owned(), text)).collect()
}

fn path(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(file)
}

/// Compares a file with what it must contain.
fn compare_file(file: &str, expected: &str) {
    let actual = fs::read_to_string(path(file)).unwrap_or_default();
    if actual != expected && env::var("JRS_UPDATE_DOCS").is_ok_and(|value| value == "1") {
        fs::write(path(file), expected).unwrap();
    } else {
        assert_eq!(actual, expected, "{file} differs from the server: JRS_UPDATE_DOCS=1 writes it");
    }
}

/// Compares a part of a command's page, from the line `<!-- NAME -->` to `<!-- end -->`, with what it must contain.
fn compare_part(command: &str, name: &str, expected: &str) {
    let _one_at_a_time = WRITING.lock().unwrap_or_else(PoisonError::into_inner);
    let file = format!("docs/commands/{}.md", command.strip_prefix("JRS.").unwrap().to_lowercase());
    let text = fs::read_to_string(path(&file)).unwrap();
    let start = format!("<!-- {name} -->\n");
    let (before, rest) = text.split_once(&start).unwrap_or_else(|| panic!("{file} has no line {start}"));
    let (_, after) = rest.split_once("<!-- end -->").unwrap();
    compare_file(&file, &format!("{before}{start}{expected}<!-- end -->{after}"));
}

/// The rows of the first table in a section of a page, as their cells.
fn rows<'t>(text: &'t str, section: &str) -> Vec<Vec<&'t str>> {
    let (_, section) = text.split_once(&format!("\n## {section}\n")).unwrap();
    let lines = section.lines().skip_while(|line| !line.starts_with('|')).take_while(|line| line.starts_with('|'));
    lines.skip(2).map(|line| line.split('|').map(str::trim).collect()).collect()
}

/// The words of a command line, with values in place of these: `LIVE` and `KEY`, the token and the key of a new session of
/// `ada`; `GONE`, the token of a session that was destroyed; `OWNER`, a user with one session.
fn words(conn: &mut Connection, line: &str) -> Vec<String> {
    let line = line.trim_end().split(' ').map(|word| match word {
        "LIVE" => create(conn, "ada", "{}", &[]),
        "KEY" => key(&create(conn, "ada", "{}", &[])),
        "GONE" => {
            let token = create(conn, "ada", "{}", &[]);
            redis::cmd("DEL").arg(key(&token)).exec(conn).unwrap();
            token
        }
        "OWNER" => {
            redis::cmd("JRS.DESTROYALL").arg("bob").exec(conn).unwrap();
            create(conn, "bob", "{}", &[]);
            "bob".to_owned()
        }
        word => word.to_owned(),
    });
    line.collect()
}
