//! `JRS.ROTATE [key] token [CLAIMS json] [OWNER owner] [REAUTH]`

use std::sync::Arc;

use uuid::Uuid;

use super::{
    options::{self, CLAIMS, KEY, Options, TOKEN, once},
    presented::{self, Demands, Next, Place, Presented, Validity, Verdict},
    signing::{Draft, Facts, claims_text},
};
use crate::{
    error::Error,
    owners::Ending,
    realm::{Realms, Ticket},
    redis::{Access, Arg, Argument, Call, Command, Intent, Kind, Routing, Spec, Text},
    session::{SessionId, UnixMillis, check_owner},
    state,
    stored::Stored,
    token::{CallerClaims, following_claims, has_claim},
};

/// Gives a session a new id and a new token; the old ones are dead at once. The defence against session fixation.
#[derive(Debug)]
pub(super) struct Rotate;

impl Command for Rotate {
    const SPEC: Spec = Spec {
        name: c"JRS.ROTATE",
        flags: c"write deny-oom fast",
        categories: c"write fast jrs",
        arity: -2,
        routing: Routing::ByFirstArgument { writes: true },
        summary: c"Gives a session a new id and a new token, at a login for example; the old token is dead at once.",
        complexity: c"O(N) with N being the size of the data and the claims",
        since: c"0.1.0",
        tips: Some(c"nondeterministic_output"),
        arguments: &[
            KEY,
            TOKEN,
            CLAIMS,
            Argument::after(c"OWNER", c"owner", Kind::String).optional(),
            Argument::word(c"reauth", c"REAUTH").optional(),
        ],
    };

    fn run(call: &Call<'_>) -> Result<(), Error> {
        let place = Place::find(call, 0)?;
        let wanted = Wanted::read(call, place)?;
        let make = move |realms: &Arc<Realms>, verdict: Verdict| {
            let successor = verdict.as_ref().ok().map(|ticket| wanted.successor(realms, ticket));
            (verdict, successor)
        };
        presented::verify_and_make(call, place, 0, next, make, |call, place, (verdict, successor)| {
            let presented = Presented::admit(call, place, DEMANDS, verdict)?;
            // Within its leeway a token may be good although its session has reached its deadline.
            if presented.lifetime().target(presented.now) <= presented.now {
                call.ctx.reply_null();
                return Ok(());
            }
            // A verdict that was admitted has a successor.
            let (draft, token) = successor.ok_or(Error::Other("internal error: no successor".into()))??;
            rotate(call, &presented, &draft, token)
        })
    }
}

/// Whether a known token's successor takes a slow signature. A token that is refused or whose session is gone takes none,
/// however often it is sent.
fn next(call: &Call<'_>, place: Place<'_>, ticket: &Arc<Ticket>) -> Result<Next, Error> {
    if ticket.is_foreign || !ticket.realm.signs_slowly() {
        return Ok(Next::Inline);
    }
    let verdict = presented::check_key(Ok(Arc::clone(ticket)), place.key.map(Arg::bytes));
    if Presented::admit(call, place, DEMANDS, verdict)?.open()?.is_none() {
        call.ctx.reply_null();
        return Ok(Next::Replied);
    }
    Ok(Next::Sign)
}

const DEMANDS: Demands = Demands { after: 0, access: Access::Move, validity: Validity::Now, intent: Intent::Grow };

fn rotate(call: &Call<'_>, presented: &Presented<'_>, draft: &Draft, token: String) -> Result<(), Error> {
    let ctx = call.ctx;
    let key = Text::new(&draft.realm.key_of(&draft.id));
    ctx.check_access(&key, Access::Create)?;
    // Where the server does not say, a session must not come to lie in a slot that may be another node's.
    let share_a_slot = || ctx.slot_of(&key).is_some_and(|slot| ctx.slot_of(&presented.key) == Some(slot));
    if ctx.is_cluster_node() && !share_a_slot() {
        return Err(Error::CrossSlot);
    }
    // To an ongoing DESTROYALL that has not reached it yet, the session has ended already.
    let is_doomed = Ending::dooms_key(ctx.database(), presented.key.bytes());
    let Some(entry) = presented.open()?.filter(|_| !is_doomed) else {
        ctx.reply_null();
        return Ok(());
    };
    let lifetime = draft.lifetime;
    // A user who has just proved who they are begins anew; otherwise the session goes on as it was.
    let expiry =
        if draft.begins_anew { lifetime.target(presented.now) } else { lifetime.keep(presented.now, entry.expiry()) };
    let data = Text::new(entry.bytes());
    drop(entry);
    if expiry <= presented.now {
        ctx.reply_null();
        return Ok(());
    }
    let session = Stored { ctx, realm: &draft.realm, id: &draft.id, key: &key };
    session.take_over(presented.stored(), &data, expiry)?;
    ctx.reply_bytes(token);
    Ok(())
}

/// What the caller wants of the new session, apart from the call so that it can be signed elsewhere.
struct Wanted {
    /// JSON text.
    claims: Option<String>,
    owner: Option<String>,
    /// Whether the user has just proved who they are.
    reauth: bool,
    uuid: Uuid,
    now: UnixMillis,
}

impl Wanted {
    fn read(call: &Call<'_>, place: Place<'_>) -> Result<Self, Error> {
        let (mut claims, mut owner, mut reauth) = (None, None, None);
        let mut options = Options::new(place.rest);
        while let Some(word) = options.word() {
            match word.as_slice() {
                b"CLAIMS" => once(&mut claims, options.value()?)?,
                b"OWNER" => once(&mut owner, options.value()?)?,
                b"REAUTH" => once(&mut reauth, ())?,
                _ => return Err(Error::Syntax),
            }
        }
        let owner = owner.map(options::owner).transpose()?;
        if owner == Some("") && call.ctx.is_cluster_node() {
            return Err(Error::Cluster("a cluster node needs an owner to route by: pass any random string"));
        }
        let longest = state::realms()?.max_token_size;
        let claims = claims.map(|claims| claims_text(claims, longest)).transpose()?;
        let now = call.ctx.now();
        Ok(Self {
            claims: claims.map(str::to_owned),
            owner: owner.map(str::to_owned),
            reauth: reauth.is_some(),
            uuid: state::new_uuid(now)?,
            now,
        })
    }

    /// The session and the token that take the place of those of `ticket`.
    fn successor(&self, realms: &Arc<Realms>, ticket: &Ticket) -> Result<(Draft, String), Error> {
        if ticket.is_foreign {
            return Err(Error::Foreign(
                "the token is another issuer's, whose claims are not signed here: verify it with JRS.GET and make a \
                 session with JRS.CREATE",
            ));
        }
        let realm = &ticket.realm;
        let given = self.claims.as_deref().unwrap_or("{}");
        let new_deadline = CallerClaims::read(given, realm.expected()).map_err(Error::Claims)?.expires_at;
        let claims = following_claims(&ticket.payload, given, realm.expected()).map_err(Error::Claims)?;
        let claims = CallerClaims::read(&claims, realm.expected()).map_err(Error::Claims)?;
        let owner = match &self.owner {
            Some(owner) => owner,
            None => kept_owner(ticket)?,
        };
        let known_start = if self.reauth { Some(self.now.whole_seconds()) } else { ticket.start(self.now) };
        let facts = Facts {
            owner,
            id: SessionId::new(owner, self.uuid).into(),
            now: self.now,
            start: known_start.unwrap_or(self.now.whole_seconds()),
            is_rotated: known_start.is_some(),
            begins_anew: self.reauth,
            ttl: ticket.claims.ttl,
            // A new deadline may only shorten.
            deadline: [ticket.claims.deadline, new_deadline].into_iter().flatten().min(),
        };
        let draft = Draft::new(Arc::clone(realms), Arc::clone(realm), facts, &claims)?;
        let token = draft.sign()?;
        Ok((draft, token))
    }
}

/// The owner whose session this is.
fn kept_owner(ticket: &Ticket) -> Result<&str, Error> {
    const FOREIGN: Error = Error::Foreign("the token's 'sub' cannot be an owner: pass OWNER");
    match &ticket.claims.subject {
        Some(subject) => check_owner(subject.as_bytes()).map_err(|_| FOREIGN),
        None if has_claim(&ticket.payload, "sub") => Err(FOREIGN),
        None => Ok(""),
    }
}
