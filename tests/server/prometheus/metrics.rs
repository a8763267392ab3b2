//! Every number of `INFO jrs` is a metric in Prometheus.

use std::{collections::BTreeMap, fs};

use redis::Connection;
use serde_json::Value;

use super::{
    monitored::{PRIVATE, REALM, server, traffic},
    services::{Service, exporter, prometheus},
};
use crate::support::{
    Server, await_that,
    sessions::{exec, send},
    tokens::jwk,
};

/// Values by the name of the metric, the name of its label and the value of the label, which are empty if it has none.
type Metrics = BTreeMap<[String; 3], f64>;

#[test]
fn every_number_of_info_reaches_prometheus() {
    let server = server();
    let exporter = exporter(&server);
    let prometheus = prometheus(&exporter);
    let conn = &mut server.conn();
    let token = traffic(conn);
    await_equal(conn, &prometheus);
    let metric = |name: &str, label: &str, value: &str| metrics(&prometheus)[&[name, label, value].map(str::to_owned)];
    assert_eq!(metric("jrs_up", "", ""), 1.0);
    assert_eq!(metric("jrs_info", "version", env!("CARGO_PKG_VERSION")), 1.0);
    assert_eq!(metric("jrs_keys_last_reload_status", "", ""), 1.0);
    assert_eq!(metric("jrs_sessions_created", "", ""), 7.0);
    assert_eq!(metric("jrs_tokens_refused", "reason", "signature"), 1.0);
    for (name, realm, number) in [
        ("created", "default", 3.0),
        ("created", REALM, 4.0),
        ("null_reads", "default", 1.0),
        ("evicted", REALM, 2.0),
        ("too_many", "default", 1.0),
        ("conflicts", "default", 1.0),
    ] {
        assert_eq!(metric(&format!("jrs_realm_{name}"), "realm", realm), number, "{name} {realm}");
    }
    let quantile = |part| prometheus.query(&format!("histogram_quantile({part}, jrs_session_data_bytes_bucket)"))[0].1;
    assert!(quantile("0.5") <= 64.0 && (4096.0..=16384.0).contains(&quantile("0.99")));
    assert!(metric("jrs_signing_key_age", "realm", REALM) < 300.0);

    // No text of a session, of a token or of a key reaches the exporter's page.
    let page = exporter.get("/metrics").unwrap();
    assert!(page.contains("jrs_sessions_created"), "{page}");
    for secret in PRIVATE.iter().copied().chain(token.split('.')).chain(["slow.json", "realms.toml"]) {
        assert!(!page.contains(secret), "{secret}: {page}");
    }

    // A failed reload is 0, and an alert.
    fs::write(server.dir().join("slow.json"), "not a key").unwrap();
    send::<redis::Value>(conn, &["JRS.RELOAD"]).unwrap_err();
    await_equal(conn, &prometheus);
    assert_eq!(metric("jrs_keys_last_reload_status", "", ""), 0.0);
    let alerts = |name: &str| {
        let alerts = prometheus.api("/api/v1/alerts")["alerts"].take();
        alerts
            .as_array()
            .unwrap()
            .iter()
            .any(|alert| alert["labels"]["alertname"] == name && alert["state"] == "firing")
    };
    await_that("the alert", || alerts("JrsReloadFailed").then_some(()));
    assert!(!alerts("JrsModuleMissing"));
}

#[test]
fn a_server_without_the_module_is_up_without_jrs() {
    let server = Server::builder().without_module().start();
    let exporter = exporter(&server);
    let prometheus = prometheus(&exporter);
    let value = |name| prometheus.query(name).first().map(|(_, value)| *value);
    await_that("a scrape", || value("redis_up"));
    assert_eq!((value("redis_up"), value("jrs_up")), (Some(1.0), Some(0.0)));
    await_that("the alert", || {
        let pending = prometheus.query("ALERTS{alertname=\"JrsModuleMissing\"}");
        (!pending.is_empty()).then_some(())
    });
}

#[test]
fn the_server_answers_a_scrape_with_many_realms() {
    let server = server();
    let conn = &mut server.conn();
    let realm = |number| format!("[realm.r{number}]\nkeys-file = \"k{number}\"\nkeyspace = \"r{number}:\"\n");
    for number in 0..200 {
        let key = jwk(&format!("k{number}"), "HS256", format!("{number:032}").as_bytes());
        fs::write(server.dir().join(format!("k{number}")), key.to_string()).unwrap();
    }
    fs::write(server.dir().join("realms.toml"), (0..200).map(realm).collect::<String>()).unwrap();
    exec(conn, &["JRS.RELOAD"]);
    let page = exporter(&server).get("/metrics").unwrap();
    assert!(page.contains("jrs_signing_key_age{realm=r199}"), "{page}");
    assert!(page.contains("redis_up 1"), "{page}");
}

/// Waits until Prometheus has the numbers of INFO, and checks that it has no others. Some grow with time: they must be between
/// those of now and those of later.
fn await_equal(conn: &mut Connection, prometheus: &Service) {
    let now = expected(&info(conn));
    let mut found = metrics(prometheus);
    for (name, least) in &now {
        await_that(&format!("{name:?} in Prometheus"), || {
            let most = expected(&info(conn))[name];
            let is_between = found.get(name).is_some_and(|value| *least <= *value && *value <= most);
            if !is_between {
                found = metrics(prometheus);
            }
            is_between.then_some(())
        });
    }
    assert_eq!(found.keys().collect::<Vec<_>>(), now.keys().collect::<Vec<_>>());
}

fn info(conn: &mut Connection) -> String {
    send(conn, &["INFO", "jrs"]).unwrap()
}

/// What Prometheus must have for this text of INFO. Names no counter.
fn expected(info: &str) -> Metrics {
    let mut metrics = Metrics::new();
    let mut add = |name: &str, label: &str, value: &str, number: &str| {
        let number = match number {
            "ok" => 1.0,
            "err" => 0.0,
            _ => number.parse().unwrap_or_else(|_| panic!("{name}: not a number: {number}")),
        };
        metrics.insert([name, label, value].map(str::to_owned), number);
    };
    add("jrs_up", "", "", "1");
    for line in info.lines().filter(|line| line.starts_with("jrs_")) {
        let (name, text) = line.split_once(':').unwrap();
        let pairs: Vec<_> = text.split(',').filter_map(|pair| pair.split_once('=')).collect();
        let realm = ["default", REALM].into_iter().find(|realm| name.ends_with(&format!("_{realm}")));
        let of_realm = realm.map(|realm| (name.strip_suffix(realm).unwrap(), realm));
        match (name, &*pairs, of_realm) {
            ("jrs_version", ..) => add("jrs_info", "version", text, "1"),
            (_, [("keyspace", _), ("algorithm", _), ("keys", _)], Some(("jrs_realm_", _))) => {}
            (_, [], Some((name, realm))) => add(name.trim_end_matches('_'), "realm", realm, text),
            (_, [], None) => match name.strip_prefix("jrs_tokens_refused_") {
                Some(reason) => add("jrs_tokens_refused", "reason", reason, text),
                None => add(name, "", "", text),
            },
            (_, pairs, Some(("jrs_realm_stats_", realm))) => {
                pairs.iter().for_each(|(name, number)| add(&format!("jrs_realm_{name}"), "realm", realm, number));
            }
            (name, pairs, None) => {
                for (part, number) in pairs {
                    match part.strip_prefix("le_") {
                        Some("inf") => {
                            add(&format!("{name}_count"), "", "", number);
                            add(&format!("{name}_bucket"), "le", "+Inf", number);
                        }
                        Some(limit) => add(&format!("{name}_bucket"), "le", limit, number),
                        None => add(&format!("{name}_{part}"), "", "", number),
                    }
                }
            }
            _ => panic!("{line}"),
        }
    }
    metrics
}

/// The metrics of JRS that Prometheus has.
fn metrics(prometheus: &Service) -> Metrics {
    let metric = |(labels, value): (Value, f64)| {
        let name = labels["__name__"].as_str().unwrap();
        let own = ["__name__", "instance", "job"];
        let mut labels = labels.as_object().unwrap().iter().filter(|(label, _)| !own.contains(&label.as_str()));
        let (label, text) = labels.next().map_or(("", ""), |(label, text)| (label, text.as_str().unwrap()));
        assert!(labels.next().is_none(), "{name} has several labels");
        ([name, label, text].map(str::to_owned), value)
    };
    prometheus.query("{__name__=~\"jrs_.*\"}").into_iter().map(metric).collect()
}
