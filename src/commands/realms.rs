//! `JRS.REALMS`

use crate::{
    error::Error,
    redis::{Call, Command, Ctx, Spec},
    settings::{SETTINGS, Value},
    state,
    token::Key,
};

/// Lists the realms with their settings and the ids of their keys.
pub(super) struct ListRealms;

impl Command for ListRealms {
    type Error = Error;
    const SPEC: Spec = Spec {
        name: c"JRS.REALMS",
        flags: c"readonly fast allow-stale",
        is_routed: false,
        summary: c"Returns the settings, the keyspace and the key ids of each realm.",
        complexity: c"O(N) where N is the number of realms and keys",
        ..Spec::BASE
    };

    fn run(call: &Call<'_>) -> Result<(), Error> {
        let realms = state::realms()?;
        let shown = || SETTINGS.iter().enumerate().filter(|(_, setting)| setting.is_shown);
        let ctx = call.ctx;
        ctx.reply_array(realms.all().len());
        for realm in realms.all() {
            ctx.reply_map(2 + shown().count());
            ctx.reply_bytes("name");
            ctx.reply_bytes(&realm.name);
            for (position, setting) in shown() {
                ctx.reply_bytes(setting.name.to_bytes());
                reply_value(ctx, realm.settings.get(position), setting.setting_type.names());
            }
            ctx.reply_bytes("keys");
            reply_keys(ctx, &realm.keys.own().collect::<Vec<_>>());
        }
        Ok(())
    }
}

/// Replies with the value of a setting. `names` are the names of a choice.
fn reply_value(ctx: Ctx<'_>, value: Option<Value>, names: &[&std::ffi::CStr]) {
    match value {
        Some(Value::Number(number)) => ctx.reply_integer(number),
        Some(Value::Text(text)) => ctx.reply_bytes(text),
        Some(Value::Flag(flag)) => ctx.reply_bytes(if flag { "yes" } else { "no" }),
        Some(Value::Choice(choice)) => ctx.reply_bytes(names.get(choice).map_or(&b""[..], |name| name.to_bytes())),
        None => ctx.reply_null(),
    }
}

/// Replies with `kid`, `alg` and `signs` of each key, and with a `fingerprint` where it has no `kid`.
fn reply_keys(ctx: Ctx<'_>, keys: &[&Key]) {
    ctx.reply_array(keys.len());
    for key in keys {
        let fingerprint = key.short_fingerprint();
        ctx.reply_map(if fingerprint.is_some() { 4 } else { 3 });
        ctx.reply_bytes("kid");
        key.id().map_or_else(|| ctx.reply_null(), |id| ctx.reply_bytes(id));
        ctx.reply_bytes("alg");
        ctx.reply_bytes(key.algorithm_name());
        ctx.reply_bytes("signs");
        ctx.reply_integer(i64::from(key.signs()));
        if let Some(fingerprint) = fingerprint {
            ctx.reply_bytes("fingerprint");
            ctx.reply_bytes(fingerprint);
        }
    }
}
