//! Reads the options at the end of a command.

use std::{str::FromStr, sync::Arc, time::Duration};

use crate::{
    error::Error,
    realm::{Realm, Realms},
    redis::{ArgRef, ArgType, Args, Argument, Call},
    session::{Pointer, UnixMillis, check_owner},
    settings::{DEFAULT_REALM, LONGEST_GRACE},
    state,
    token::holds_token,
};

/// `EX seconds`: a TTL.
pub(in crate::commands) const EX: Argument = Argument::after(c"EX", c"seconds", ArgType::Integer);
/// `PX milliseconds`: a TTL.
pub(in crate::commands) const PX: Argument = Argument::after(c"PX", c"milliseconds", ArgType::Integer);
/// `[key]`: the session's key, in front of the token.
pub(in crate::commands) const KEY: Argument =
    Argument { name: c"key", kind: ArgType::Key, token: None, optional: true };
/// `[CLAIMS json]`: claims for a new token.
pub(in crate::commands) const CLAIMS: Argument = Argument::after(c"CLAIMS", c"json", ArgType::String).optional();
/// `[REALM name]`: the realm, if not the default one.
pub(in crate::commands) const REALM: Argument = Argument::after(c"REALM", c"name", ArgType::String).optional();
/// `token`: the session's token.
pub(in crate::commands) const TOKEN: Argument = Argument::string(c"token");

/// At least the length of the longest option name.
const LONGEST_NAME: usize = 16;

/// How many JSON Pointers FIELDS may have.
const MAX_POINTERS: usize = 64;

/// The length of all pointers of FIELDS in bytes.
const MAX_POINTER_BYTES: usize = 4096;

/// The options of a command that are not read yet.
#[derive(Debug)]
pub(in crate::commands) struct Options<'c>(Args<'c>);

impl<'c> Options<'c> {
    /// Reads all options. Calls `take` with the name of each in upper case; `take` reads the option's value, if it has
    /// one. A name that is too long for an option becomes "".
    pub(in crate::commands) fn each(
        arguments: Args<'c>,
        mut take: impl FnMut(&[u8], &mut Self) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let mut options = Self(arguments);
        while let Some(word) = options.next().map(ArgRef::bytes) {
            let mut buffer = [0; LONGEST_NAME];
            let name = match buffer.get_mut(..word.len()) {
                Some(name) => {
                    name.copy_from_slice(word);
                    name.make_ascii_uppercase();
                    &*name
                }
                None => b"",
            };
            take(name, &mut options)?;
        }
        Ok(())
    }

    fn next(&mut self) -> Option<ArgRef<'c>> {
        let next = self.0.get(0);
        self.0 = self.0.skip(1);
        next
    }

    /// Takes the next argument, the value of the current option.
    pub(in crate::commands) fn value(&mut self) -> Result<ArgRef<'c>, Error> {
        self.next().ok_or(Error::Syntax)
    }

    /// The next argument as a number. `None` unless it is digits only: no sign and no blanks, as in the server's
    /// commands.
    fn number<N: FromStr>(&mut self) -> Result<Option<N>, Error> {
        let text = str::from_utf8(self.value()?.bytes()).ok();
        Ok(text.filter(|text| text.bytes().all(|byte| byte.is_ascii_digit())).and_then(|text| text.parse().ok()))
    }

    /// The value of LIMIT: a positive integer.
    pub(in crate::commands) fn count(&mut self) -> Result<usize, Error> {
        let count = self.number()?.filter(|count| *count > 0);
        count.ok_or(Error::Other("LIMIT must be a positive integer".into()))
    }

    /// The values of FIELDS: a number, and as many JSON Pointers. They must not overlap, so that their values are together
    /// no longer than the data.
    pub(in crate::commands) fn pointers(&mut self) -> Result<Vec<Pointer>, Error> {
        let count = self.number()?.filter(|count| (1..=MAX_POINTERS).contains(count));
        let count =
            count.ok_or(Error::Other("FIELDS must begin with how many pointers follow, from 1 to 64".into()))?;
        let mut bytes = 0;
        let read = || {
            let text =
                self.next().ok_or(Error::Other("FIELDS has fewer pointers than its number says".into()))?.bytes();
            bytes += text.len();
            if bytes > MAX_POINTER_BYTES {
                return Err(Error::Other("the pointers of FIELDS must have at most 4096 bytes together".into()));
            }
            let pointer = str::from_utf8(text).ok().and_then(|text| Pointer::new(text.to_owned()));
            let problem = "FIELDS takes JSON Pointers (RFC 6901), such as /device or /login/ip";
            pointer.ok_or(Error::Other(problem.into()))
        };
        let pointers = std::iter::repeat_with(read).take(count).collect::<Result<Vec<Pointer>, _>>()?;
        let overlaps =
            |(position, one): (usize, &Pointer)| pointers.iter().skip(position + 1).any(|other| one.overlaps(other));
        if pointers.iter().enumerate().any(overlaps) {
            return Err(Error::Other(
                "the pointers of FIELDS must not overlap: leave out those within another one".into(),
            ));
        }
        Ok(pointers)
    }

    /// The value of MAXAUTHAGE: 1 second to a year.
    pub(in crate::commands) fn max_auth_age(&mut self) -> Result<Duration, Error> {
        let seconds = self.number()?.filter(|seconds| (1..=365 * 86_400).contains(seconds));
        let problem = "MAXAUTHAGE must be a number of seconds from 1 to 31536000 (a year)";
        seconds.map(Duration::from_secs).ok_or(Error::Other(problem.into()))
    }

    /// The value of GRACE: milliseconds, from 0 to [`LONGEST_GRACE`].
    pub(in crate::commands) fn grace(&mut self) -> Result<Duration, Error> {
        let most = LONGEST_GRACE.unsigned_abs();
        let grace = self.number()?.filter(|grace| *grace <= most).map(Duration::from_millis);
        grace.ok_or(Error::Other(format!("GRACE must be an integer from 0 to {most}, in milliseconds").into()))
    }

    /// The value of the current option as a duration: a positive integer, at most [`UnixMillis::YEAR_9999`].
    pub(in crate::commands) fn span(&mut self, unit: Unit) -> Result<Duration, Error> {
        Ok(self.time(unit)?.since(UnixMillis::EPOCH))
    }

    /// The value of the current option as a time since the epoch: a positive integer, at most
    /// [`UnixMillis::YEAR_9999`].
    pub(in crate::commands) fn time(&mut self, unit: Unit) -> Result<UnixMillis, Error> {
        let factor = match unit {
            Unit::Seconds => 1000,
            Unit::Milliseconds => 1,
        };
        let number = self.number()?.filter(|number: &i64| *number > 0).ok_or(Error::Expire)?;
        let time = number.checked_mul(factor).map(UnixMillis::new);
        // Other software does not support later times.
        time.filter(|time| *time <= UnixMillis::YEAR_9999).ok_or(match unit {
            Unit::Seconds => Error::Other(
                "invalid expire time: it is too far in the future (EX and EXAT take seconds, not milliseconds)".into(),
            ),
            Unit::Milliseconds => Error::Other("invalid expire time: it is after the year 9999".into()),
        })
    }
}

/// The unit of an option's value.
#[derive(Clone, Copy, Debug)]
pub(in crate::commands) enum Unit {
    Seconds,
    Milliseconds,
}

/// Sets an option. Fails if it is set already.
pub(in crate::commands) fn once<T>(option: &mut Option<T>, value: T) -> Result<(), Error> {
    if option.replace(value).is_some() { Err(Error::Syntax) } else { Ok(()) }
}

/// Checks an owner argument. Refuses a token in its place, because LIST and DESTROYALL would find no sessions of such
/// an owner and report success.
pub(in crate::commands) fn owner(argument: ArgRef<'_>) -> Result<&str, Error> {
    if holds_token(argument.bytes()) {
        return Err(Error::Other(
            "the owner must not be a token: pass the user's name, as in the token's 'sub'".into(),
        ));
    }
    check_owner(argument.bytes()).map_err(Error::Owner)
}

/// Checks the owner of a new session. On a cluster node it must not be empty, because it determines the slot.
pub(in crate::commands) fn new_owner<'c>(call: &Call<'_>, argument: ArgRef<'c>) -> Result<&'c str, Error> {
    let owner = owner(argument)?;
    if owner.is_empty() && call.ctx.is_cluster_node() {
        return Err(Error::Cluster("a cluster node routes by the owner: pass any random string as the owner"));
    }
    Ok(owner)
}

/// The realm with the name in the option REALM, or the default realm.
pub(in crate::commands) fn named_realm(realms: &Realms, name: Option<ArgRef<'_>>) -> Result<Arc<Realm>, Error> {
    let realm = realms.named(name.map_or(DEFAULT_REALM.as_bytes(), ArgRef::bytes));
    realm.map(Arc::clone).ok_or(Error::Other("there is no realm with that name".into()))
}

/// The realm of a command whose only option is REALM.
pub(in crate::commands) fn realm_option(call: &Call<'_>) -> Result<Arc<Realm>, Error> {
    let mut name = None;
    Options::each(call.args(), |word, options| match word {
        b"REALM" => once(&mut name, options.value()?),
        _ => Err(Error::Syntax),
    })?;
    named_realm(&*state::realms()?, name)
}
