//! Checks the setting `not-before` against the clock.

use std::{sync::Arc, time::Duration};

use super::wall_clock;
use crate::{
    realm::{Realm, Realms},
    redis::{Level, log},
};

/// How far a `not-before` may be ahead of the server's clock, because the clocks of operators differ.
const TOLERANCE: Duration = Duration::from_secs(60);

/// Refuses a `not-before` in the future that is not active yet, because every new session would be refused.
///
/// `active` are the active realms. Without them the server starts: then this only logs, because the server must start
/// although its clock is wrong.
///
/// # Errors
/// A sentence that names the realm.
pub(super) fn check(list: &[Arc<Realm>], active: Option<&Realms>) -> Result<(), String> {
    let latest = wall_clock().plus(TOLERANCE);
    for realm in list.iter().filter(|realm| realm.not_before.is_some_and(|time| time > latest)) {
        let former = active.and_then(|realms| realms.named(realm.name.as_bytes()));
        if former.is_some_and(|former| former.not_before == realm.not_before) {
            continue;
        }
        let problem = format!(
            "the realm '{}': not-before must not be in the future, because every new session would be refused",
            realm.name
        );
        if active.is_some() {
            return Err(problem);
        }
        log(Level::Warning, &problem);
    }
    Ok(())
}
