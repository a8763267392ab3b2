//! `JRS.HELP`

use crate::{
    error::Error,
    redis::{Call, Command, Spec},
};

pub(super) struct Help;

const LINES: &[&str] = &[
    "JRS.<command> [<argument> ...]. Commands are:",
    "CREATE owner data [CLAIMS json] [EX s | PX ms | EXAT s | PXAT ms] [REALM name]",
    "    Create a session and return its token. EX, PX: its own sliding TTL. EXAT, PXAT: a deadline.",
    "GET [key] token",
    "    Return a session (id, owner, data, claims, ttl, etag) and extend it.",
    "PEEK [key] token",
    "    The same without extending it; works on replicas.",
    "UPDATE [key] token data [REPLACE | MERGE | PATCH] [IFMATCH etag] [KEEPTTL | EX s | PX ms]",
    "    Change the data of a session. Return the new etag, or null if there is no such session.",
    "TOUCH [key] token [EX s | PX ms]",
    "    Extend a session. Return the seconds left, or null if there is no such session.",
    "DESTROY [key] token",
    "    End a session. Return 1, or 0 if it had already ended.",
    "ROTATE [key] token [CLAIMS json] [OWNER owner] [REAUTH]",
    "    Give a session a new id, and return its new token. The old token is refused from then on.",
    "LIST owner [WITHDATA] [LIMIT count] [AFTER id] [REALM name]",
    "    Return the live sessions of an owner (id, created, ttl), the oldest first.",
    "COUNT owner [REALM name]",
    "    Return the number of live sessions of an owner.",
    "REVOKE key",
    "    End a session by its key. Return 1, or 0 if it had already ended.",
    "DESTROYALL owner [EXCEPT token] [REALM name]",
    "    End all sessions of an owner. Return how many were ended.",
    "INSPECT [key] token",
    "    Say what a token holds and why it is refused, if it is.",
    "JWKS [REALM name]",
    "    Return the public keys of a realm as a JWK Set.",
    "REALMS",
    "    Return the settings and key ids of each realm.",
    "RELOAD",
    "    Read the key and realm files again.",
    "HELP",
    "    Print this help.",
    "On a cluster node [key] is required: <keyspace><jti of the token>, such as sess:{user:42}:0192f3a4-...",
];

impl Command for Help {
    type Error = Error;
    const SPEC: Spec = Spec {
        name: c"JRS.HELP",
        flags: c"allow-loading allow-stale fast",
        is_routed: false,
        summary: c"Explains the commands.",
        ..Spec::BASE
    };

    fn run(call: &Call<'_>) -> Result<(), Error> {
        call.ctx.reply_array(LINES.len());
        for line in LINES {
            call.ctx.reply_bytes(line);
        }
        Ok(())
    }
}
