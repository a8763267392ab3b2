//! Tests of JRS on real servers. Each test starts its own; `JRS_TEST_SERVER` names the program, `redis-server` by default.
//!
//! All tests are one program, which links faster than a program for each file.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests may fail")]

mod access_tokens;
mod chaos;
mod cluster;
mod commands;
mod concurrency;
mod docs;
mod encrypted_data;
mod keys;
mod limits;
mod migration;
mod module;
mod owner_index;
mod owners;
mod persistence;
mod prometheus;
mod realms;
mod replication;
mod rotation_grace;
mod security;
mod sentinel;
mod sessions;
mod settings;
mod support;
mod threads;
mod tokens;
