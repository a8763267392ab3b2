//! The primary is killed under load.

use super::{
    program::Programs,
    watched_sessions::{assert_holds, assert_logged_in, assert_replicated, log_in},
};
use crate::{
    chaos::model::Losses,
    support::{sentinel::Watched, tokens::SECRET},
};

#[test]
fn a_killed_primary_loses_nothing_that_a_wait_confirmed() {
    let mut watched = Watched::start(SECRET);
    let old = watched.primary();
    let tokens = log_in(&watched.servers[old]);
    let programs = Programs::start(&watched);
    watched.servers[old].kill();
    let new = watched.await_failover(old);
    programs.await_more();
    let histories = programs.finish();
    assert_holds(&histories, Losses::Unconfirmed, &watched.servers[new]);
    assert_logged_in(&watched.servers[new], &tokens);

    watched.servers[old].restart();
    assert_replicated(&watched, new);
}
