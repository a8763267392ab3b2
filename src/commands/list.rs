//! `JRS.LIST owner [WITHDATA] [FIELDS n pointer [pointer ...]] [LIMIT count] [AFTER id] [REALM name]`

use std::{borrow::Cow, collections::VecDeque};

use uuid::Uuid;

use super::common::{
    authentication::seconds_until,
    options::{REALM, once},
    owner_scope::{INCOMPLETE, OwnerScope},
};
use crate::{
    error::Error,
    redis::{Access, ArgRef, ArgType, Argument, Call, Command, Ctx, Progress, SlicedJob, Spec, StringKey},
    session::{Pointer, SessionName, UnixMillis, created_at, look_up},
    state,
    store::{self, IndexedSession},
};

/// `FIELDS n pointer [pointer ...]`: values in the data.
const FIELDS: Argument = Argument::counted(
    c"fields",
    &[
        Argument::after(c"FIELDS", c"n", ArgType::Integer),
        Argument { name: c"pointer", kind: ArgType::Strings, token: None, optional: false },
    ],
);

/// Lists an owner's live sessions: "my devices".
pub(super) struct List;

impl Command for List {
    type Error = Error;
    const SPEC: Spec = Spec {
        name: c"JRS.LIST",
        flags: c"readonly",
        summary: c"Returns the live sessions of an owner (id, created, ttl), oldest first.",
        complexity: c"O(N) where N is the number of the owner's sessions",
        arguments: &[
            Argument::string(c"owner"),
            Argument::word(c"withdata", c"WITHDATA").optional(),
            FIELDS.optional(),
            Argument::after(c"LIMIT", c"count", ArgType::Integer).optional(),
            Argument::after(c"AFTER", c"id", ArgType::String).optional(),
            REALM,
        ],
        ..Spec::BASE
    };

    fn run(call: &Call<'_>) -> Result<(), Error> {
        let (mut with_data, mut pointers, mut limit, mut after) = (None, None, None, None);
        let mut scope = OwnerScope::read(call, Access::Read, |word, options| match word {
            b"WITHDATA" => once(&mut with_data, ()),
            b"FIELDS" => once(&mut pointers, options.pointers()?),
            b"LIMIT" => once(&mut limit, options.count()?),
            b"AFTER" => once(&mut after, options.value()?),
            _ => Err(Error::Syntax),
        })?;
        let after = after.map(|id| uuid_of(&scope, id)).transpose()?;
        scope.begin(call.ctx, after)?;
        call.in_slices(ListJob {
            scope,
            with_data: with_data.is_some(),
            pointers: pointers.unwrap_or_default(),
            remaining: limit.unwrap_or(usize::MAX),
            sessions: VecDeque::new(),
            has_begun: false,
            written: 0,
        })
    }
}

/// The UUID in the id of an owner's session. The session need not exist.
fn uuid_of(scope: &OwnerScope, id: ArgRef<'_>) -> Result<Uuid, Error> {
    let key = [scope.realm.keyspace().as_bytes(), id.bytes()].concat();
    let name = SessionName::parse(&key).filter(|name| name.prefix == scope.prefix());
    name.map(|name| name.uuid)
        .ok_or(Error::Other("AFTER must be the id of a session of the owner, as JRS.LIST returns it".into()))
}

/// A running JRS.LIST.
struct ListJob {
    scope: OwnerScope,
    with_data: bool,
    /// The pointers of FIELDS. Empty without FIELDS.
    pointers: Vec<Pointer>,
    /// How many more sessions LIMIT allows.
    remaining: usize,
    /// The sessions that were found and are not in the reply yet.
    sessions: VecDeque<ListedSession>,
    /// Whether the array of the reply has begun.
    has_begun: bool,
    /// The number of sessions in the reply.
    written: usize,
}

/// A session for the reply.
struct ListedSession {
    found: IndexedSession,
    /// The seconds until it expires. `None` if its key has no expiry.
    ttl: Option<i64>,
    /// Only with WITHDATA. `None` if the data cannot be read: one such session must not hide the others.
    data: Option<Vec<u8>>,
    /// The values at the pointers of FIELDS. All `None` if the data cannot be read or is not a JSON object.
    fields: Vec<Option<String>>,
}

impl ListJob {
    /// How many sessions one piece of the job reads or writes. With data only one, because data may be large.
    const fn piece(&self) -> usize {
        if self.reads_data() { 1 } else { 64 }
    }

    const fn reads_data(&self) -> bool {
        self.with_data || !self.pointers.is_empty()
    }

    fn listed(&self, found: IndexedSession, key: &StringKey<'_>, now: UnixMillis) -> ListedSession {
        let ttl = store::expiry(key).map(|expiry| seconds_until(expiry, now));
        let data = self.reads_data().then(|| store::read_data(&self.scope.realm, &found.key, key).ok()).flatten();
        let fields = match &data {
            _ if self.pointers.is_empty() => Vec::new(),
            Some(data) => look_up(data, &self.pointers),
            None => vec![None; self.pointers.len()],
        };
        let data = data.filter(|_| self.with_data).map(Cow::into_owned);
        ListedSession { found, ttl, data, fields }
    }
}

impl SlicedJob for ListJob {
    type Error = Error;
    const WRITES: bool = false;

    fn work(&mut self, ctx: Ctx<'_>) -> Result<Progress, Error> {
        let Some(page) = self.scope.page(ctx, self.piece().min(self.remaining), INCOMPLETE)? else {
            return Ok(Progress::Done);
        };
        let now = state::now(ctx);
        for found in page {
            let Some(key) = ctx.open_no_touch(&found.key) else { continue };
            self.remaining -= 1;
            let session = self.listed(found, &key, now);
            self.sessions.push_back(session);
        }
        Ok(Progress::More)
    }

    fn reply(&mut self, ctx: Option<Ctx<'_>>, out: Ctx<'_>) -> Progress {
        if !self.has_begun {
            out.begin_array();
            self.has_begun = true;
        }
        // Frees each session as it is written: freeing all of them at the end would block the server for too long.
        let piece = self.piece().min(self.sessions.len());
        // Skips a session that was destroyed since it was found. While the slot is migrating it may have moved to
        // another node instead, so it is not skipped then.
        let mut holds_slot = None;
        for session in self.sessions.drain(..piece) {
            if let Some(ctx) = ctx
                && ctx.open_no_touch(&session.found.key).is_none()
                && *holds_slot.get_or_insert_with(|| self.scope.holds_slot(ctx))
            {
                continue;
            }
            self.written += 1;
            out.reply_map(3 + usize::from(self.with_data) + usize::from(!self.pointers.is_empty()));
            out.reply_bytes("id");
            out.reply_bytes(session.found.key.bytes().get(self.scope.realm.keyspace().len()..).unwrap_or_default());
            out.reply_bytes("created");
            out.reply_integer(created_at(session.found.uuid).unwrap_or_default().as_i64());
            out.reply_bytes("ttl");
            session.ttl.map_or_else(|| out.reply_null(), |ttl| out.reply_integer(ttl));
            if self.with_data {
                out.reply_bytes("data");
                session.data.as_ref().map_or_else(|| out.reply_null(), |data| out.reply_bytes(data));
            }
            if !self.pointers.is_empty() {
                out.reply_bytes("fields");
                out.reply_array(session.fields.len());
                for field in &session.fields {
                    field.as_ref().map_or_else(|| out.reply_null(), |text| out.reply_bytes(text));
                }
            }
        }
        if !self.sessions.is_empty() {
            return Progress::More;
        }
        out.end_array(self.written);
        Progress::Done
    }
}
