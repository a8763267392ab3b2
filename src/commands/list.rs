//! `JRS.LIST owner [WITHDATA] [LIMIT count] [AFTER id] [REALM name]`

use std::collections::VecDeque;

use uuid::Uuid;

use super::common::{
    authentication::seconds_until,
    options::{REALM, once},
    owner_scope::{INCOMPLETE, OwnerScope},
};
use crate::{
    error::Error,
    redis::{Access, ArgRef, ArgType, Argument, Call, Command, Ctx, Progress, SlicedJob, Spec},
    session::{SessionName, created_at},
    state,
    store::{self, IndexedSession},
};

/// Lists an owner's live sessions: "my devices".
pub(super) struct List;

impl Command for List {
    type Error = Error;
    const SPEC: Spec = Spec {
        name: c"JRS.LIST",
        flags: c"readonly",
        summary: c"Returns the live sessions of an owner (id, created, ttl), the oldest first.",
        complexity: c"O(N) with N being the number of the owner's sessions",
        arguments: &[
            Argument::string(c"owner"),
            Argument::word(c"withdata", c"WITHDATA").optional(),
            Argument::after(c"LIMIT", c"count", ArgType::Integer).optional(),
            Argument::after(c"AFTER", c"id", ArgType::String).optional(),
            REALM,
        ],
        ..Spec::BASE
    };

    fn run(call: &Call<'_>) -> Result<(), Error> {
        let (mut with_data, mut limit, mut after) = (None, None, None);
        let mut scope = OwnerScope::read(call, Access::Read, |word, options| match word {
            b"WITHDATA" => once(&mut with_data, ()),
            b"LIMIT" => once(&mut limit, options.count()?),
            b"AFTER" => once(&mut after, options.value()?),
            _ => Err(Error::Syntax),
        })?;
        let after = after.map(|id| uuid_of(&scope, id)).transpose()?;
        scope.begin(call.ctx, after)?;
        call.in_slices(ListJob {
            scope,
            with_data: with_data.is_some(),
            left: limit.unwrap_or(usize::MAX),
            sessions: VecDeque::new(),
            is_begun: false,
            written: 0,
        })
    }
}

/// The UUID of the owner's session with this id, which may have ended.
fn uuid_of(scope: &OwnerScope, id: ArgRef<'_>) -> Result<Uuid, Error> {
    let key = [scope.realm.keyspace().as_bytes(), id.bytes()].concat();
    let name = SessionName::parse(&key).filter(|name| name.prefix == scope.prefix());
    name.map(|name| name.uuid)
        .ok_or(Error::Other("AFTER must be the id of a session of the owner, as JRS.LIST returns it".into()))
}

struct ListJob {
    scope: OwnerScope,
    with_data: bool,
    /// How many sessions may still be found.
    left: usize,
    /// Those that are found, until they are written into the reply.
    sessions: VecDeque<Session>,
    /// Whether the reply has begun, and how many are written into it.
    is_begun: bool,
    written: usize,
}

struct Session {
    found: IndexedSession,
    ttl: Option<i64>,
    data: Option<Vec<u8>>,
}

impl ListJob {
    /// How many sessions are looked at, or written, at a time: their data may be large.
    const fn piece(&self) -> usize {
        if self.with_data { 4 } else { 64 }
    }
}

impl SlicedJob for ListJob {
    type Error = Error;
    const WRITES: bool = false;

    fn work(&mut self, ctx: Ctx<'_>) -> Result<Progress, Error> {
        let Some(page) = self.scope.page(ctx, self.piece().min(self.left), INCOMPLETE)? else {
            return Ok(Progress::Done);
        };
        let now = state::now(ctx);
        for found in page {
            let Some(entry) = ctx.open_no_touch(&found.key) else { continue };
            self.left -= 1;
            self.sessions.push_back(Session {
                ttl: store::expiry(&entry).map(|expiry| seconds_until(expiry, now)),
                data: self.with_data.then(|| entry.bytes().to_vec()),
                found,
            });
        }
        Ok(Progress::More)
    }

    fn reply(&mut self, ctx: Option<Ctx<'_>>, out: Ctx<'_>) -> Progress {
        if !self.is_begun {
            out.begin_array();
            self.is_begun = true;
        }
        // What is written is freed at once: to free all at the end would take as long as a long slice.
        let piece = self.piece().min(self.sessions.len());
        // While its slot is migrating, what is not here may be on another node.
        let mut are_here = None;
        for session in self.sessions.drain(..piece) {
            if let Some(ctx) = ctx
                && ctx.open_no_touch(&session.found.key).is_none()
                && *are_here.get_or_insert_with(|| self.scope.are_here(ctx))
            {
                continue;
            }
            self.written += 1;
            out.reply_map(if self.with_data { 4 } else { 3 });
            out.reply_bytes("id");
            out.reply_bytes(session.found.key.bytes().get(self.scope.realm.keyspace().len()..).unwrap_or_default());
            out.reply_bytes("created");
            out.reply_integer(created_at(session.found.uuid).unwrap_or_default().as_i64());
            out.reply_bytes("ttl");
            session.ttl.map_or_else(|| out.reply_null(), |ttl| out.reply_integer(ttl));
            if let Some(data) = &session.data {
                out.reply_bytes("data");
                out.reply_bytes(data);
            }
        }
        if !self.sessions.is_empty() {
            return Progress::More;
        }
        out.end_array(self.written);
        Progress::Done
    }
}
