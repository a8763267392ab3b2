//! The options at the end of a command.

use std::{str::FromStr, sync::Arc, time::Duration};

use crate::{
    error::Error,
    realm::{Realm, Realms},
    redis::{ArgRef, ArgType, Args, Argument},
    session::{UnixMillis, check_owner},
    settings::DEFAULT_REALM,
    token::holds_token,
};

/// `EX s | PX ms`: a time to live.
pub(in crate::commands) const EX: Argument = Argument::after(c"EX", c"seconds", ArgType::Integer);
pub(in crate::commands) const PX: Argument = Argument::after(c"PX", c"milliseconds", ArgType::Integer);
/// `[key]`: the session's key.
pub(in crate::commands) const KEY: Argument =
    Argument { name: c"key", kind: ArgType::Key, token: None, optional: true };
pub(in crate::commands) const CLAIMS: Argument = Argument::after(c"CLAIMS", c"json", ArgType::String).optional();
pub(in crate::commands) const REALM: Argument = Argument::after(c"REALM", c"name", ArgType::String).optional();
pub(in crate::commands) const TOKEN: Argument = Argument::string(c"token");

/// No option has a longer name.
const LONGEST_NAME: usize = 16;

/// Takes options from the end of a command, one by one.
#[derive(Debug)]
pub(in crate::commands) struct Options<'c>(Args<'c>);

impl<'c> Options<'c> {
    /// Reads all options: `take` gets the name of each in capitals, or an empty name for any other text, and takes its value.
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

    /// The value of the option that was read last.
    pub(in crate::commands) fn value(&mut self) -> Result<ArgRef<'c>, Error> {
        self.next().ok_or(Error::Syntax)
    }

    /// The server's own commands take digits only, without a sign or blanks.
    fn number<N: FromStr>(&mut self) -> Result<Option<N>, Error> {
        let text = str::from_utf8(self.value()?.bytes()).ok();
        Ok(text.filter(|text| text.bytes().all(|byte| byte.is_ascii_digit())).and_then(|text| text.parse().ok()))
    }

    /// The value of the option that was read last: a positive number of things.
    pub(in crate::commands) fn count(&mut self) -> Result<usize, Error> {
        let count = self.number()?.filter(|count| *count > 0);
        count.ok_or(Error::Other("LIMIT must be a positive integer".into()))
    }

    /// The value of the option that was read last: a positive number of seconds or milliseconds. It is at most as long as
    /// the time from the epoch to the latest moment that a client may name.
    pub(in crate::commands) fn span(&mut self, unit: Unit) -> Result<Duration, Error> {
        Ok(self.time(unit)?.since(UnixMillis::EPOCH))
    }

    /// The value of the option that was read last: a positive number of seconds or milliseconds since the epoch.
    pub(in crate::commands) fn time(&mut self, unit: Unit) -> Result<UnixMillis, Error> {
        let factor = match unit {
            Unit::Seconds => 1000,
            Unit::Milliseconds => 1,
        };
        let number = self.number()?.filter(|number: &i64| *number > 0).ok_or(Error::Expire)?;
        let time = number.checked_mul(factor).map(UnixMillis::new);
        // Other software does not handle later times.
        time.filter(|time| *time <= UnixMillis::YEAR_9999).ok_or(match unit {
            Unit::Seconds => {
                Error::Other("invalid expire time, too far away: EX and EXAT take seconds, not milliseconds".into())
            }
            Unit::Milliseconds => Error::Other("invalid expire time, beyond the year 9999".into()),
        })
    }
}

#[derive(Clone, Copy, Debug)]
pub(in crate::commands) enum Unit {
    Seconds,
    Milliseconds,
}

/// Sets an option that may be given once.
pub(in crate::commands) fn once<T>(option: &mut Option<T>, value: T) -> Result<(), Error> {
    if option.replace(value).is_some() { Err(Error::Syntax) } else { Ok(()) }
}

/// An argument that is an owner. A token in its place is refused: a LIST or DESTROYALL would find no session, and say nothing.
pub(in crate::commands) fn owner(argument: ArgRef<'_>) -> Result<&str, Error> {
    if holds_token(argument.bytes()) {
        return Err(Error::Other("the owner is a token: pass the name of the user, as in the token's 'sub'".into()));
    }
    check_owner(argument.bytes()).map_err(Error::Owner)
}

/// The realm that `REALM` names, or the default one.
pub(in crate::commands) fn named_realm(realms: &Realms, name: Option<ArgRef<'_>>) -> Result<Arc<Realm>, Error> {
    let realm = realms.named(name.map_or(DEFAULT_REALM.as_bytes(), ArgRef::bytes));
    realm.map(Arc::clone).ok_or(Error::Other("there is no realm of that name".into()))
}
