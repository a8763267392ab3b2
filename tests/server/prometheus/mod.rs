//! `packaging/prometheus/` on Debian's Prometheus and its exporter for Redis: metrics, alerts, the dashboard, the exporter's
//! user.

mod alerts;
mod dashboard;
mod metrics;
mod monitored;
mod services;
mod user;

use std::{fs, path::PathBuf};

use crate::support::recipes::root;

/// A file of `packaging/prometheus/`.
fn path(name: &str) -> PathBuf {
    root().join("packaging/prometheus").join(name)
}

fn read(name: &str) -> String {
    fs::read_to_string(path(name)).unwrap()
}

/// The section of docs/operations.md about Prometheus.
fn page() -> String {
    let page = fs::read_to_string(root().join("docs/operations.md")).unwrap();
    let (_, section) = page.split_once("\n## Prometheus and Grafana\n").unwrap();
    section.split("\n## ").next().unwrap().to_owned()
}
