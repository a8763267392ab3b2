//! The words of a command.

use std::{borrow::Cow, time::Duration};

use redis::{RedisWrite, ToRedisArgs};
use serde::Serialize;

use crate::{Error, reply::to_object};

/// The words of the options of one command.
#[derive(Clone, Default)]
pub(crate) struct Words(pub(crate) Vec<Cow<'static, str>>);

impl Words {
    /// Adds one word.
    pub(crate) fn push(&mut self, word: impl Into<Cow<'static, str>>) {
        self.0.push(word.into());
    }

    /// Adds the name of an option and its value.
    pub(crate) fn pair(&mut self, name: &'static str, value: impl Into<Cow<'static, str>>) {
        self.push(name);
        self.push(value);
    }

    /// The bytes of all words.
    pub(crate) fn size(&self) -> usize {
        self.0.iter().map(|word| word.len()).sum()
    }

    /// Adds a ttl. The precision is a millisecond.
    pub(crate) fn ttl(&mut self, ttl: Duration) {
        self.pair("PX", ttl.as_millis().to_string());
    }
}

impl ToRedisArgs for Words {
    fn write_redis_args<W: ?Sized + RedisWrite>(&self, out: &mut W) {
        for word in &self.0 {
            out.write_arg(word.as_bytes());
        }
    }
}

/// Claims that were given as any type. They are written at once, so that an option type has no type parameter.
#[derive(Clone, Default)]
pub(crate) struct ClaimsOption(Option<Result<String, Error>>);

impl ClaimsOption {
    /// Writes the claims. An error is kept until the option is used.
    pub(crate) fn of(claims: &impl Serialize) -> ClaimsOption {
        ClaimsOption(Some(to_object(claims)))
    }

    /// Adds the option, if claims were given.
    pub(crate) fn write(&self, words: &mut Words) -> Result<(), Error> {
        if let Some(claims) = &self.0 {
            words.pair("CLAIMS", claims.clone()?);
        }
        Ok(())
    }
}
