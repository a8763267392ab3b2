//! Options of the commands, in the manner of the option types of redis-rs.

use std::time::Duration;

use serde::Serialize;

use crate::{
    Error,
    words::{ClaimsOption, Words},
};

macro_rules! constructor {
    ($name:ident) => {
        impl $name {
            /// No option is set.
            pub fn new() -> $name {
                $name::default()
            }
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                // Claims are not for logs.
                f.debug_struct(stringify!($name)).finish_non_exhaustive()
            }
        }
    };
}

/// Options of `create`.
///
/// ```
/// use std::time::Duration;
/// use jrs_client::CreateOptions;
///
/// CreateOptions::new().ttl(Duration::from_secs(3600)).claims(&serde_json::json!({"role": "editor"}));
/// ```
#[derive(Clone, Default)]
pub struct CreateOptions {
    claims: ClaimsOption,
    ttl: Option<Duration>,
    deadline: Option<u64>,
}

constructor!(CreateOptions);

impl CreateOptions {
    /// Claims for the token, a JSON object. Anyone with the token can read them.
    pub fn claims(mut self, claims: &impl Serialize) -> CreateOptions {
        self.claims = ClaimsOption::of(claims);
        self
    }

    /// How long the session lives without being used, instead of the realm's `max-age`. In milliseconds, rounded down.
    pub fn ttl(mut self, ttl: Duration) -> CreateOptions {
        self.ttl = Some(ttl);
        self
    }

    /// A deadline that no use extends, as a Unix time in seconds. Not together with [`ttl`](CreateOptions::ttl).
    pub fn expires_at(mut self, unix_seconds: u64) -> CreateOptions {
        self.deadline = Some(unix_seconds);
        self
    }

    /// The words of the command, in the order that the server documents.
    pub(crate) fn words(&self) -> Result<Words, Error> {
        let mut words = Words::default();
        self.claims.write(&mut words)?;
        if let Some(ttl) = self.ttl {
            words.ttl(ttl);
        }
        if let Some(deadline) = self.deadline {
            words.pair("EXAT", deadline.to_string());
        }
        Ok(words)
    }
}

/// Options of `update`, `merge` and `patch`.
#[derive(Clone, Default)]
pub struct UpdateOptions {
    if_match: Option<String>,
    keep_ttl: bool,
    ttl: Option<Duration>,
}

constructor!(UpdateOptions);

impl UpdateOptions {
    /// Changes the data only if it still has this etag. Otherwise the error is [`Error::Conflict`].
    pub fn if_match(mut self, etag: &str) -> UpdateOptions {
        self.if_match = Some(etag.to_owned());
        self
    }

    /// Does not extend the session.
    pub fn keep_ttl(mut self) -> UpdateOptions {
        self.keep_ttl = true;
        self
    }

    /// The time until the session expires, once: the next read extends it by its own ttl again.
    pub fn ttl(mut self, ttl: Duration) -> UpdateOptions {
        self.ttl = Some(ttl);
        self
    }

    /// The words of the command, in the order that the server documents.
    pub(crate) fn words(&self, mode: &'static str) -> Words {
        let mut words = Words::default();
        words.push(mode);
        if let Some(etag) = &self.if_match {
            words.pair("IFMATCH", etag.clone());
        }
        if self.keep_ttl {
            words.push("KEEPTTL");
        }
        if let Some(ttl) = self.ttl {
            words.ttl(ttl);
        }
        words
    }
}

/// Options of `rotate`.
#[derive(Clone, Default)]
pub struct RotateOptions {
    claims: ClaimsOption,
    owner: Option<String>,
    reauth: bool,
    grace: Option<Duration>,
}

constructor!(RotateOptions);

impl RotateOptions {
    /// Claims for the new token. It keeps the claims of the old token that are not given here.
    pub fn claims(mut self, claims: &impl Serialize) -> RotateOptions {
        self.claims = ClaimsOption::of(claims);
        self
    }

    /// A new owner, for a guest who logs in.
    pub fn owner(mut self, owner: impl Into<String>) -> RotateOptions {
        self.owner = Some(owner.into());
        self
    }

    /// The owner that the session gets, if it changes.
    #[cfg(feature = "axum")]
    pub(crate) fn new_owner(&self) -> Option<&str> {
        self.owner.as_deref()
    }

    /// The user has just authenticated: `max-lifetime` starts again.
    pub fn reauth(mut self) -> RotateOptions {
        self.reauth = true;
        self
    }

    /// How long the old token acts on the new session, at most a minute. Not with `owner` or `reauth`.
    pub fn grace(mut self, grace: Duration) -> RotateOptions {
        self.grace = Some(grace);
        self
    }

    /// The words of the command, in the order that the server documents.
    pub(crate) fn words(&self) -> Result<Words, Error> {
        let mut words = Words::default();
        self.claims.write(&mut words)?;
        if let Some(owner) = &self.owner {
            words.pair("OWNER", owner.clone());
        }
        if self.reauth {
            words.push("REAUTH");
        }
        if let Some(grace) = self.grace {
            words.pair("GRACE", grace.as_millis().to_string());
        }
        Ok(words)
    }
}

/// Options of `mint`.
#[derive(Clone, Default)]
pub struct MintOptions {
    claims: ClaimsOption,
    audience: Option<String>,
    ttl: Option<Duration>,
}

constructor!(MintOptions);

impl MintOptions {
    /// More claims for the access token, such as `client_id` and `scope`.
    pub fn claims(mut self, claims: &impl Serialize) -> MintOptions {
        self.claims = ClaimsOption::of(claims);
        self
    }

    /// The service that the token is for, instead of the realm's `audience`.
    pub fn audience(mut self, audience: impl Into<String>) -> MintOptions {
        self.audience = Some(audience.into());
        self
    }

    /// How long the access token is valid, a second to an hour, instead of the realm's `access-token-age`.
    pub fn expires_in(mut self, ttl: Duration) -> MintOptions {
        self.ttl = Some(ttl);
        self
    }

    /// The words of the command, in the order that the server documents.
    pub(crate) fn words(&self) -> Result<Words, Error> {
        let mut words = Words::default();
        self.claims.write(&mut words)?;
        if let Some(ttl) = self.ttl {
            words.ttl(ttl);
        }
        if let Some(audience) = &self.audience {
            words.pair("AUDIENCE", audience.clone());
        }
        Ok(words)
    }
}

/// Options of `list`, and of `sessions` in web applications.
///
/// ```
/// jrs_client::ListOptions::new().fields(["/device", "/login/ip"]).limit(20);
/// ```
#[derive(Clone, Default)]
pub struct ListOptions {
    data: bool,
    fields: Vec<String>,
    limit: Option<usize>,
    after: Option<String>,
}

constructor!(ListOptions);

impl ListOptions {
    /// Also returns the data of each session.
    pub fn with_data(mut self) -> ListOptions {
        self.data = true;
        self
    }

    /// Also returns the values at these JSON Pointers, which must not overlap. A page "my devices" needs only a few.
    pub fn fields<P: Into<String>>(mut self, pointers: impl IntoIterator<Item = P>) -> ListOptions {
        self.fields = pointers.into_iter().map(Into::into).collect();
        self
    }

    /// Returns at most this many sessions.
    pub fn limit(mut self, limit: usize) -> ListOptions {
        self.limit = Some(limit);
        self
    }

    /// Begins after the session with this id: the last one of the page before.
    pub fn after(mut self, id: impl Into<String>) -> ListOptions {
        self.after = Some(id.into());
        self
    }

    /// The words of the command, in the order that the server documents.
    pub(crate) fn words(&self) -> Words {
        let mut words = Words::default();
        if self.data {
            words.push("WITHDATA");
        }
        if !self.fields.is_empty() {
            words.pair("FIELDS", self.fields.len().to_string());
            for pointer in &self.fields {
                words.push(pointer.clone());
            }
        }
        if let Some(limit) = self.limit {
            words.pair("LIMIT", limit.to_string());
        }
        if let Some(after) = &self.after {
            words.pair("AFTER", after.clone());
        }
        words
    }

    /// The pointers, in the order of the values in the reply.
    #[cfg(feature = "axum")]
    pub(crate) fn pointers(&self) -> &[String] {
        &self.fields
    }
}
