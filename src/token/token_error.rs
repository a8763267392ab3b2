//! Why a token is refused.

use super::token_detection::SCHEME;

/// Makes the type and its functions from one list. A row is: reason, its name in INFO, its sentence.
macro_rules! token_errors {
    ($($(#[$doc:meta])* $reason:ident$(($detail:ident))? = $name:literal, $text:literal;)*) => {
        /// The reason for which a token is refused. The texts name claims and rules, never a value of the token.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum TokenError {
            $($(#[$doc])* $reason$((token_errors!(@type $detail)))?,)*
        }

        /// The reasons without details, for their positions.
        enum Kind {
            $($reason,)*
        }

        impl TokenError {
            /// The names of the counters in INFO, in the order of [`index`](Self::index).
            pub const INFO_NAMES: &[&'static str] = &[$($name),*];

            /// The position of this reason in [`INFO_NAMES`](Self::INFO_NAMES).
            pub const fn index(self) -> usize {
                match self {
                    $(Self::$reason { .. } => Kind::$reason as usize,)*
                }
            }

            /// The sentence. ASCII, without anything from the token.
            pub fn text(self) -> String {
                match self {
                    $(Self::$reason$(($detail))? => format!($text),)*
                }
            }
        }
    };
    (@type $detail:ident) => { &'static str };
}

token_errors! {
    /// Longer than `max-token-size`. It was not read.
    TooLong = "too_long", "the token is longer than jrs.max-token-size";
    /// Not three parts of canonical unpadded base64url that hold JSON objects (RFC 7515 section 7.1).
    Malformed(what) = "malformed", "the token is malformed: {what}";
    /// The header uses something unsupported: `crit`, an unencoded payload, another type.
    Header(what) = "header", "the token's header is not accepted: {what}";
    /// The header's `alg` is not the one to which its key is pinned (RFC 8725 section 3.1).
    Algorithm = "algorithm", "the token's 'alg' is not the algorithm of its key";
    /// No active key has the header's `kid`. Or the header has none, and every key has one.
    UnknownKey = "unknown_key", "no active key has the token's kid";
    /// The signature is not valid for this text and key.
    Signature = "signature", "the token's signature is invalid";
    /// A claim that JRS reads, with this name, is missing or of the wrong type.
    Claim(name) = "claim", "the token's claim '{name}' is missing or of the wrong type";
    /// `iss` is not the realm's issuer.
    Issuer = "issuer", "the token's 'iss' is not the realm's issuer";
    /// `aud` does not contain the realm's audience.
    Audience = "audience", "the token's 'aud' does not contain the realm's audience";
    /// `nbf` is in the future.
    NotYetValid = "not_yet_valid", "the token is not valid yet ('nbf' is in the future)";
    /// `exp` is in the past.
    Expired = "expired", "the token has expired ('exp' is in the past)";
    /// The session is older than `max-lifetime`.
    MaxLifetimeExceeded = "outlived", "the session is older than the realm's max-lifetime: log in again";
    /// The session started before the realm's `not-before`.
    LoggedOut = "logged_out", "the session started before the realm's not-before: log in again";
    /// The key given before the token is not that of the token's session.
    WrongSession = "wrong_session", "the key does not belong to the token's session: pass <keyspace><jti>";
    /// The token belongs to another owner or realm than the command names.
    WrongOwner = "wrong_owner", "the token belongs to another owner or realm";
    /// The user authenticated longer ago than MAXAUTHAGE allows, or it is not known when.
    StaleAuthentication = "stale_auth", "the user has not authenticated within MAXAUTHAGE: authenticate the user \
        again, then send JRS.ROTATE with REAUTH";
    /// The token has no start of the session, which a realm with `max-lifetime` or `not-before` needs.
    NoStart = "no_start", "the token does not say when its session started: 'iat' is required, in seconds and not in \
        the future, unless the realm's max-lifetime and not-before are 0";
}

impl TokenError {
    /// The whole value of an `Authorization` header was passed instead of the token in it.
    pub const SCHEME: Self = Self::Malformed(SCHEME);

    /// The first word of the error, by which clients decide what to do.
    pub const fn first_word(self) -> &'static str {
        match self {
            // The token was valid; only its time or its session's is over.
            Self::Expired | Self::MaxLifetimeExceeded | Self::LoggedOut => "EXPIREDTOKEN",
            // The token is valid; the caller gave the wrong key.
            Self::WrongSession => "WRONGKEY",
            // The token is valid; this request needs a more recent authentication.
            Self::StaleAuthentication => "STALEAUTH",
            _ => "BADTOKEN",
        }
    }
}
