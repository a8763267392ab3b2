//! Why a token is refused.

use super::lookalike::SCHEME;

/// Makes the type and what is known of each reason of one list. A row is: reason, its name in INFO, its sentence.
macro_rules! token_errors {
    ($($(#[$doc:meta])* $reason:ident$(($detail:ident))? = $name:literal, $text:literal;)*) => {
        /// The reason for which a token is refused. The texts name claims and rules, never a value that the token holds.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum TokenError {
            $($(#[$doc])* $reason$((token_errors!(@type $detail)))?,)*
        }

        /// The reasons without their details, for their positions.
        enum Kind {
            $($reason,)*
        }

        impl TokenError {
            /// The names under which INFO counts refusals, in the order of [`index`](Self::index).
            pub const KINDS: &[&'static str] = &[$($name),*];

            /// The position of this refusal's kind.
            pub const fn index(self) -> usize {
                match self {
                    $(Self::$reason { .. } => Kind::$reason as usize,)*
                }
            }

            /// What is wrong, for a person. ASCII, without anything that the token says.
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
    /// Longer than `max-token-size`: nothing of it was looked at.
    TooLong = "too_long", "the token is longer than jrs.max-token-size";
    /// Not three parts of canonical unpadded base64url that hold JSON objects (RFC 7515 section 7.1).
    Malformed(what) = "malformed", "the token is malformed: {what}";
    /// The header asks for something that is never allowed here: `crit`, an unencoded payload, an unusable type.
    Header(what) = "header", "the token's header is not acceptable: {what}";
    /// The header's `alg` is not the one its key is pinned to (RFC 8725 section 3.1).
    Algorithm = "algorithm", "the token's algorithm is not the one its key is pinned to";
    /// No key in force carries the header's `kid`, or none is without one where the header has none.
    UnknownKey = "unknown_key", "no key in force matches the token's kid";
    /// The signature does not belong to this text and key.
    Signature = "signature", "the token's signature is wrong";
    /// A claim that JRS reads is missing or of the wrong type; the claim's name.
    Claim(name) = "claim", "the token's claim '{name}' is missing or of the wrong type";
    /// `iss` is not the realm's issuer.
    Issuer = "issuer", "the token's 'iss' is not the realm's issuer";
    /// `aud` does not hold the realm's audience.
    Audience = "audience", "the token's 'aud' does not hold the realm's audience";
    /// `nbf` lies in the future.
    NotYetValid = "not_yet_valid", "the token is not valid yet ('nbf' lies in the future)";
    /// `exp` lies in the past.
    Expired = "expired", "the token has expired ('exp' lies in the past)";
    /// The session is older than `max-lifetime`.
    MaxLifetimeExceeded = "outlived", "the session is older than the realm's max-lifetime, log in again";
    /// The key that was passed in front of the token is not the key of the token's session.
    WrongSession = "wrong_session", "the key is not that of the token's session: pass <keyspace><jti>";
    /// The token is not of the owner, or not of the realm, that the command is about.
    WrongOwner = "wrong_owner", "the token is not of this owner and realm";
    /// The token does not say when its session began, which a realm with a `max-lifetime` has to know.
    NoStart = "no_start", "the token does not say when its session started: 'iat' must be there, in seconds, and not in the \
        future, unless the realm's max-lifetime is 0";
}

impl TokenError {
    /// The value of the header `Authorization` was passed, not the token in it.
    pub const SCHEME: Self = Self::Malformed(SCHEME);

    /// The first word of the error, by which clients distinguish what to do.
    pub const fn first_word(self) -> &'static str {
        match self {
            // The token was good once, and only time has ended it or its session.
            Self::Expired | Self::MaxLifetimeExceeded => "EXPIREDTOKEN",
            // The token is good: the caller looks for its session in the wrong place.
            Self::WrongSession => "WRONGKEY",
            _ => "BADTOKEN",
        }
    }
}
