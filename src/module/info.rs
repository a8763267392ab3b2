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
                    info.text("keyspace", realm.keyspace());
                    info.text("algorithm", realm.signer().map_or("(none)", |key| key.algorithm_name()));
                    info.list("keys", realm.keys.own().map(Key::label));
                    if let Some(data_keys) = &realm.data_keys {
                        info.list("data_keys", data_keys.ids());
                    }
                });
            }
        }
        if info.section(c"keys") {
            let last = state::last_reload();
            info.number("keys_last_reload_time", last.time.map_or(0, seconds));
            info.text("keys_last_reload_status", if last.is_ok { "ok" } else { "err" });
            info.number("keys_reloads", COUNTERS.reloads.value());
            info.number("keys_reloads_failed", COUNTERS.reloads_failed.value());
            let now = state::wall_clock();
            for realm in realms.all() {
                if let Some(key) = realm.signer() {
                    let since = key.issued_at().unwrap_or(realm.signing_since);
                    info.number(&format!("signing_key_age_{}", realm.name), now.since(since).as_secs());
                }
            }
        }
        let total = COUNTERS.total();
        if info.section(c"sessions") {
            let totals = store::index_totals();
            info.number("sessions_active", totals.sessions as u64);
            info.number("owners_active", totals.owners as u64);
            info.number("index_bytes", totals.bytes as u64);
            for (name, count) in [
                ("sessions_created", &total.created),
                ("sessions_read", &total.read),
                ("sessions_null_reads", &total.null_reads),
                ("sessions_updated", &total.updated),
                ("sessions_touched", &total.touched),
                ("sessions_touches_saved", &total.touches_saved),
                ("sessions_rotated", &total.rotated),
                ("sessions_evicted", &total.evicted),
                ("sessions_ended_by_reuse", &total.ended_by_reuse),
                ("sessions_destroyed", &total.destroyed),
                ("update_conflicts", &total.conflicts),
                ("create_too_many", &total.too_many),
            ] {
                info.number(name, count.value());
            }
            info.group("session_data_bytes", |info| {
                COUNTERS.data_sizes.rows().for_each(|(name, count)| info.number(name, count));
            });
        }
        if info.section(c"tokens") {
            info.number("token_cache_bytes", realms.cached_bytes());
            info.number("token_cache_hits", COUNTERS.cache_hits.value());
            info.number("token_cache_misses", COUNTERS.cache_misses.value());
            info.number("access_tokens_minted", total.minted.value());
            let queues = [(&COUNTERS.signing, Lane::Sign), (&COUNTERS.verifying, Lane::Verify)];
            let [signing, verifying] = queues.map(|(jobs, lane)| (jobs, threads::pool().waiting(lane) as u64));
            info.number("crypto_queue_waiting", signing.1.saturating_add(verifying.1));
            info.number("crypto_queue_refused", signing.0.busy.value().saturating_add(verifying.0.busy.value()));
            for ((jobs, waiting), suffix) in [(signing, "signing"), (verifying, "verifying")] {
                info.number(&format!("crypto_queue_waiting_{suffix}"), waiting);
                info.number(&format!("crypto_queue_refused_{suffix}"), jobs.busy.value());
                info.number(&format!("crypto_jobs_{suffix}"), jobs.done.value());
                info.number(&format!("crypto_usec_{suffix}"), jobs.usec.value());
            }
            for (reason, count) in total.refused_tokens() {
                info.number(&format!("tokens_refused_{reason}"), count);
            }
        }
        if info.section(c"realms") {
            for realm in realms.all() {
                info.group(&format!("realm_stats_{}", realm.name), |info| {
                    realm.counters.rows().for_each(|(name, count)| info.number(name, count));
                    info.number("tokens_refused", realm.counters.refused_tokens().map(|(_, count)| count).sum());
                });
            }
        }
    }
}

/// Seconds since the epoch.
fn seconds(time: UnixMillis) -> u64 {
    time.since(UnixMillis::EPOCH).as_secs()
}
