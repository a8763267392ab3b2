//! The alert rules: promtool's checks and unit tests, that each alert has a test, and that what it links to exists.

use std::{collections::BTreeSet, fs, process::Command};

use serde_json::Value;

use super::{
    monitored::{server, traffic},
    page, path, read,
    services::{exporter, prometheus},
};
use crate::support::{await_that, recipes::root};

#[test]
fn promtool_accepts_the_files_and_the_unit_tests_pass() {
    for words in [
        &["check", "config", "--lint=all", "--lint-fatal", "prometheus.yml"][..],
        &["check", "rules", "--lint=all", "--lint-fatal", "alerts.yml"],
        &["test", "rules", "alerts_test.yml"],
    ] {
        let output = Command::new("promtool").args(words).current_dir(path("")).output().unwrap();
        let printed = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        assert!(output.status.success(), "promtool {words:?}: {printed}");
    }
}

#[test]
fn promtool_notices_a_wrong_rule() {
    let folder = tempfile::tempdir().unwrap();
    let (right, wrong) = ("jrs_keys_last_reload_status == 0", "jrs_keys_last_reload_status == 1");
    let rules = read("alerts.yml");
    assert!(rules.contains(right));
    fs::write(folder.path().join("alerts.yml"), rules.replace(right, wrong)).unwrap();
    let tests = read("alerts_test.yml");
    let mut parts = tests.split("\n  - name: ");
    let (head, test) = (parts.next().unwrap(), parts.find(|test| test.starts_with("JrsReloadFailed\n")).unwrap());
    fs::write(folder.path().join("alerts_test.yml"), [head, test].join("\n  - name: ")).unwrap();
    let output =
        Command::new("promtool").args(["test", "rules", "alerts_test.yml"]).current_dir(&folder).output().unwrap();
    assert!(!output.status.success());
    assert!(String::from_utf8_lossy(&output.stderr).contains("JrsReloadFailed"), "{output:?}");
}

#[test]
fn each_alert_is_tested_documented_and_about_metrics_that_exist() {
    let server = server();
    traffic(&mut server.conn());
    let exporter = exporter(&server);
    let prometheus = prometheus(&exporter);
    await_that("a scrape", || prometheus.query("jrs_up").first().map(|_| ()));
    let names = prometheus.api("/api/v1/label/__name__/values");
    let names: BTreeSet<&str> = names.as_array().unwrap().iter().filter_map(Value::as_str).collect();

    let groups = prometheus.api("/api/v1/rules")["groups"].take();
    let rules: Vec<&Value> =
        groups.as_array().unwrap().iter().flat_map(|group| group["rules"].as_array().unwrap()).collect();
    assert!(rules.len() > 15, "{groups}");
    let (tests, page) = (read("alerts_test.yml"), page());
    for rule in &rules {
        let name = rule["name"].as_str().unwrap();
        assert_eq!(rule["health"], "ok", "{rule}");
        for metric in named_metrics(rule["query"].as_str().unwrap()) {
            // Only a replica has this one.
            assert!(names.contains(&*metric) || metric == "redis_master_link_up", "{name}: there is no {metric}");
        }
        let test = tests.split("\n  - name: ").find(|test| test.starts_with(&format!("{name}\n")));
        let test = test.unwrap_or_else(|| panic!("{name} has no test"));
        assert!(test.contains("exp_samples: []"), "{name}: no test shows when it does not fire");
        assert!(test.contains(&format!("alertname=\"{name}\"")), "{name}: no test shows when it fires");
        assert!(page.contains(&format!("| `{name}` |")), "{name} is not in docs/operations.md");
        for part in ["summary", "description", "runbook_url"] {
            assert!(rule["annotations"][part].is_string(), "{name} has no {part}");
        }
        assert!(
            leads_somewhere(rule["annotations"]["runbook_url"].as_str().unwrap()),
            "{name}: its link leads nowhere"
        );
    }
    let rows = page.lines().filter_map(|line| line.strip_prefix("| `Jrs")?.split('`').next());
    let known: BTreeSet<&str> = rules.iter().filter_map(|rule| rule["name"].as_str()?.strip_prefix("Jrs")).collect();
    assert_eq!(rows.collect::<BTreeSet<_>>(), known, "the table of alerts in docs/operations.md");
    assert!(!leads_somewhere("https://github.com/jrs-sessions/jrs/tree/main/docs/operations.md#no"));
}

/// The metrics of JRS and of the exporter that an expression names.
pub(super) fn named_metrics(expression: &str) -> BTreeSet<String> {
    let words = expression.split(|char: char| !(char.is_ascii_alphanumeric() || char == '_'));
    words.filter(|word| ["jrs_", "redis_"].iter().any(|prefix| word.starts_with(prefix))).map(str::to_owned).collect()
}

/// Whether a link leads to a heading of the documents.
fn leads_somewhere(link: &str) -> bool {
    let repository = concat!(env!("CARGO_PKG_REPOSITORY"), "/tree/main/");
    let Some((file, heading)) = link.strip_prefix(repository).and_then(|path| path.split_once('#')) else {
        return false;
    };
    let text = fs::read_to_string(root().join(file)).unwrap();
    crate::docs::headings(&text).any(|one| one == heading)
}
