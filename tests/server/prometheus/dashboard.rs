//! The Grafana dashboard: every expression has a result in Prometheus. Grafana itself is not in Debian.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{
    alerts::named_metrics,
    monitored::{server, traffic},
    read,
    services::{exporter, prometheus},
};
use crate::support::await_that;

#[test]
fn every_expression_of_the_dashboard_has_a_result() {
    let dashboard: Value = serde_json::from_str(&read("dashboard.json")).unwrap();
    let panels = dashboard["panels"].as_array().unwrap();
    let ids: BTreeSet<u64> = panels.iter().map(|panel| panel["id"].as_u64().unwrap()).collect();
    assert_eq!(ids.len(), panels.len(), "two panels have the same id");
    let targets = panels.iter().filter_map(|panel| panel["targets"].as_array()).flatten();
    let expressions: Vec<&str> = targets.map(|target| target["expr"].as_str().unwrap()).collect();
    assert!(expressions.len() > 20, "{expressions:?}");
    let variables = dashboard["templating"]["list"].as_array().unwrap();
    let variables: Vec<&str> = variables.iter().map(|variable| variable["name"].as_str().unwrap()).collect();
    assert_eq!(variables, ["datasource", "instance", "realm"]);

    let server = server();
    let conn = &mut server.conn();
    let exporter = exporter(&server);
    let prometheus = prometheus(&exporter);
    await_that("a scrape", || prometheus.query("jrs_up").first().map(|_| ()));
    // Between two scrapes, so that a rate has a result which is not 0 divided by 0.
    traffic(conn);
    let names = prometheus.api("/api/v1/label/__name__/values");
    let has_result = |expression: &str| {
        let filled = expression.replace("$instance", ".*").replace("$realm", ".*").replace("$__rate_interval", "5m");
        assert!(!filled.contains('$'), "{expression}");
        prometheus.query(&filled).iter().any(|(_, value)| value.is_finite())
    };
    for expression in &expressions {
        await_that(expression, || has_result(expression).then_some(()));
    }
    let names: BTreeSet<&str> = names.as_array().unwrap().iter().filter_map(Value::as_str).collect();
    for metric in expressions.iter().flat_map(|expression| named_metrics(expression)) {
        assert!(names.contains(&*metric), "there is no {metric}");
    }
}
