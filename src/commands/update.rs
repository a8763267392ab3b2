//! `JRS.UPDATE [key] token data [REPLACE] [KEEPTTL | EX s | PX ms]`

use super::{
    options::{EX, KEY, Options, PX, TOKEN, Unit, once},
    presented::{self, Demands, Presented, Validity},
};
use crate::{
    counters::COUNTERS,
    error::Error,
    redis::{Access, Args, Argument, Call, Command, Intent, Routing, Spec},
    session::{Millis, check_json_object, etag},
};

/// Changes the data of a session that exists.
#[derive(Debug)]
pub(super) struct Update;

impl Command for Update {
    const SPEC: Spec = Spec {
        name: c"JRS.UPDATE",
        flags: c"write deny-oom fast",
        categories: c"write fast jrs",
        arity: -3,
        routing: Routing::ByFirstArgument { writes: true },
        summary: c"Replaces the data of a session; never brings one back that is gone.",
        complexity: c"O(N) with N being the size of the data",
        since: c"0.1.0",
        tips: None,
        arguments: &[
            KEY,
            TOKEN,
            Argument::string(c"data"),
            Argument::word(c"replace", c"REPLACE").optional(),
            Argument::one_of(c"expiration", &[Argument::word(c"keepttl", c"KEEPTTL"), EX, PX]).optional(),
        ],
    };

    fn run(call: &Call<'_>) -> Result<(), Error> {
        presented::with(call, DEMANDS, update)
    }
}

const DEMANDS: Demands = Demands { after: 1, access: Access::Update, validity: Validity::Now, intent: Intent::Grow };

fn update(call: &Call<'_>, presented: &Presented<'_>) -> Result<(), Error> {
    let data = presented.rest.get(0).ok_or(Error::WrongArity)?;
    let ttl = read_options(presented.rest.skip(1))?;
    let realm = presented.realm();
    if data.bytes().len() > realm.max_data_size {
        return Err(Error::TooBig("the data", "max-data-size"));
    }
    check_json_object(data.bytes()).map_err(|bad| Error::Data("the data", bad))?;

    let Some(entry) = presented.open()? else {
        call.ctx.reply_null();
        return Ok(());
    };
    let lifetime = presented.lifetime();
    let expiry = match ttl {
        Ttl::Slide => lifetime.target(presented.now),
        Ttl::Keep => lifetime.keep(presented.now, entry.expiry()),
        Ttl::Once(ttl) => lifetime.with_ttl(ttl).target(presented.now),
    };
    drop(entry);
    if expiry <= presented.now {
        call.ctx.reply_null();
        return Ok(());
    }
    call.ctx.replace(&presented.key, data, expiry)?;
    COUNTERS.updated.count();
    call.ctx.reply_bytes(etag(data.bytes()));
    Ok(())
}

/// What becomes of the session's TTL.
#[derive(Clone, Copy, Debug)]
enum Ttl {
    /// It starts anew.
    Slide,
    /// It stays.
    Keep,
    /// It is this, until the next read.
    Once(Millis),
}

fn read_options(arguments: Args<'_>) -> Result<Ttl, Error> {
    let (mut ttl, mut way) = (None, None);
    let mut options = Options::new(arguments);
    while let Some(word) = options.word() {
        match word.as_slice() {
            b"REPLACE" => once(&mut way, ())?,
            b"KEEPTTL" => once(&mut ttl, Ttl::Keep)?,
            b"EX" => once(&mut ttl, Ttl::Once(options.time(Unit::Seconds)?))?,
            b"PX" => once(&mut ttl, Ttl::Once(options.time(Unit::Milliseconds)?))?,
            _ => return Err(Error::Syntax),
        }
    }
    Ok(ttl.unwrap_or(Ttl::Slide))
}
