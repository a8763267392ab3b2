//! The module's fields in INFO.

use crate::{
    metrics::COUNTERS,
    redis::{Info, InfoSource},
    session::UnixMillis,
    state, store,
    threads::{self, Lane},
    token::Key,
};

/// Writes the reply of `INFO jrs`.
#[derive(Debug)]
pub struct Report;

impl InfoSource for Report {
    fn write(info: &mut Info) {
        let Ok(realms) = state::realms() else { return };
        if info.section(c"") {
            info.text("version", env!("CARGO_PKG_VERSION"));
            for realm in realms.all() {
                info.group(&format!("realm_{}", realm.name), |info| {
                    let ids = realm.keys.own().map(Key::label);
                    info.text("keyspace", realm.keyspace());
                    info.text("algorithm", realm.signer().map_or("(none)", |key| key.algorithm_name()));
                    info.text("keys", &ids.collect::<Vec<_>>().join("|"));
                    if let Some(data_keys) = &realm.data_keys {
                        info.text("data_keys", &data_keys.ids().collect::<Vec<_>>().join("|"));
                    }
                });
            }
        }
        if info.section(c"keys") {
            let last = state::last_reload();
            info.number("keys_last_reload_time", last.time.map_or(0, seconds));
            info.text("keys_last_reload_status", if last.is_ok { "ok" } else { "err" });
            info.number("keys_reloads_failed", COUNTERS.reloads_failed.value());
            let now = state::wall_clock();
            for realm in realms.all() {
                if let Some(key) = realm.signer() {
                    let since = key.issued_at().unwrap_or(realm.signing_since);
                    info.number(&format!("signing_key_age_{}", realm.name), now.since(since).as_secs());
                }
            }
        }
        if info.section(c"sessions") {
            let totals = store::index_totals();
            info.number("sessions_active", totals.sessions as u64);
            info.number("owners_active", totals.owners as u64);
            info.number("index_bytes", totals.bytes as u64);
            info.number("sessions_created", COUNTERS.created.value());
            info.number("sessions_read", COUNTERS.read.value());
            info.number("sessions_updated", COUNTERS.updated.value());
            info.number("sessions_touched", COUNTERS.touched.value());
            info.number("sessions_rotated", COUNTERS.rotated.value());
            info.number("sessions_evicted", COUNTERS.evicted.value());
            info.number("sessions_ended_by_reuse", COUNTERS.reused.value());
            info.number("sessions_destroyed", COUNTERS.destroyed.value());
        }
        if info.section(c"tokens") {
            info.number("token_cache_bytes", realms.cached_bytes());
            info.number("token_cache_hits", COUNTERS.cache_hits.value());
            info.number("token_cache_misses", COUNTERS.cache_misses.value());
            info.number("access_tokens_minted", COUNTERS.minted.value());
            let [signing, verifying] = [Lane::Sign, Lane::Verify].map(|lane| threads::pool().waiting(lane) as u64);
            let (refused_signing, refused_verifying) = (COUNTERS.busy_signing.value(), COUNTERS.busy_verifying.value());
            info.number("crypto_queue_waiting", signing.saturating_add(verifying));
            info.number("crypto_queue_waiting_signing", signing);
            info.number("crypto_queue_waiting_verifying", verifying);
            info.number("crypto_queue_refused", refused_signing.saturating_add(refused_verifying));
            info.number("crypto_queue_refused_signing", refused_signing);
            info.number("crypto_queue_refused_verifying", refused_verifying);
            for (reason, count) in COUNTERS.refused_tokens() {
                info.number(&format!("tokens_refused_{reason}"), count);
            }
        }
    }
}

/// Seconds since the epoch.
fn seconds(time: UnixMillis) -> u64 {
    time.since(UnixMillis::EPOCH).as_secs()
}
