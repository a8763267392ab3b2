//! `JRS.LIST owner [WITHDATA] [REALM name]`

use std::collections::VecDeque;

use super::{
    listed::Listed,
    options::{Options, REALM, once},
    presented::seconds_until,
};
use crate::{
    error::Error,
    owners::{Found, Walk},
    redis::{Access, Argument, Call, Command, Ctx, Job, Progress, Routing, Spec},
    session::SessionId,
};

/// Lists an owner's live sessions: "my devices".
#[derive(Debug)]
pub(super) struct List;

impl Command for List {
    const SPEC: Spec = Spec {
        name: c"JRS.LIST",
        flags: c"readonly",
        categories: c"read slow jrs",
        arity: -2,
        routing: Routing::ByFirstArgument { writes: false },
        summary: c"Lists the live sessions of an owner, the oldest first.",
        complexity: c"O(N) with N being the number of the owner's sessions",
        since: c"0.1.0",
        tips: None,
        arguments: &[Argument::string(c"owner"), Argument::word(c"withdata", c"WITHDATA").optional(), REALM],
    };

    fn run(call: &Call<'_>) -> Result<(), Error> {
        let owner = call.args().get(0).ok_or(Error::WrongArity)?;
        let (mut with_data, mut realm) = (None, None);
        let mut options = Options::new(call.args().skip(1));
        while let Some(word) = options.word() {
            match word.as_slice() {
                b"WITHDATA" => once(&mut with_data, ())?,
                b"REALM" => once(&mut realm, options.value()?)?,
                _ => return Err(Error::Syntax),
            }
        }
        let listed = Listed::find(call, owner, realm, Access::Read)?;
        let walk = listed.walk(call.ctx, call.may_wait())?;
        call.in_steps(Listing {
            listed,
            walk,
            with_data: with_data.is_some(),
            sessions: VecDeque::new(),
            is_begun: false,
            written: 0,
        })
    }
}

/// A list that is being made.
struct Listing {
    listed: Listed,
    walk: Walk,
    with_data: bool,
    /// Those that are found, until they are written into the reply.
    sessions: VecDeque<Session>,
    /// Whether the reply has begun, and how many are written into it.
    is_begun: bool,
    written: usize,
}

struct Session {
    found: Found,
    /// The seconds that it has left, if it ends at all.
    ttl: Option<i64>,
    data: Option<Vec<u8>>,
}

impl Listing {
    /// How many sessions are looked at, or written, at a time: their data may be large.
    const fn piece(&self) -> usize {
        if self.with_data { 4 } else { 64 }
    }
}

impl Job for Listing {
    const WRITES: bool = false;

    fn work(&mut self, ctx: Ctx<'_>, _: Ctx<'_>) -> Result<Progress, Error> {
        let Some(found) = self.walk.next(ctx, self.piece())? else {
            self.listed
                .check_slot(ctx, "the owner's slot is on the move, so that some of its sessions are elsewhere")?;
            return Ok(Progress::Done);
        };
        let now = ctx.now();
        for found in found {
            let Some(entry) = ctx.glance(&found.key) else { continue };
            self.sessions.push_back(Session {
                ttl: entry.expiry().map(|expiry| seconds_until(expiry, now)),
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
        // What is written is freed at once: to free all at the end would take as long as a long stretch.
        let piece = self.piece().min(self.sessions.len());
        // Of a slot that is on the move, what is not here may be on another node.
        let mut are_here = None;
        for session in self.sessions.drain(..piece) {
            if let Some(ctx) = ctx
                && ctx.glance(&session.found.key).is_none()
                && *are_here.get_or_insert_with(|| self.listed.are_here(ctx))
            {
                continue;
            }
            self.written += 1;
            out.reply_map(if self.with_data { 4 } else { 3 });
            out.reply_bytes("id");
            let uuid = str::from_utf8(session.found.uuid.bytes()).unwrap_or_default();
            out.reply_bytes(SessionId::join(&self.listed.owner, uuid));
            out.reply_bytes("created");
            out.reply_integer(session.found.created.as_i64());
            out.reply_bytes("ttl");
            match session.ttl {
                Some(ttl) => out.reply_integer(ttl),
                None => out.reply_null(),
            }
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
