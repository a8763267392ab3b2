//! Why a token is refused.

use super::lookalike::SCHEME;

/// The reason for which a token is refused. The texts name claims and rules, never a value that the token holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Longer than `max-token-size`: nothing of it was looked at.
    TooLong,
    /// Not three parts of canonical unpadded base64url that hold JSON objects (RFC 7515 section 7.1).
    Malformed(&'static str),
    /// The header asks for something that is never allowed here: `crit`, an unencoded payload, an unusable type.
    Header(&'static str),
    /// The header's `alg` is not the one its key is pinned to (RFC 8725 section 3.1).
    Algorithm,
    /// No key in force carries the header's `kid`, or none is without one where the header has none.
    UnknownKey,
    /// The signature does not belong to this text and key.
    Signature,
    /// A claim that JRS reads is missing or of the wrong type; the claim's name.
    Claim(&'static str),
    /// `iss` is not the realm's issuer.
    Issuer,
    /// `aud` does not hold the realm's audience.
    Audience,
    /// `nbf` lies in the future.
    NotYetValid,
    /// `exp` lies in the past.
    Expired,
    /// The session is older than `max-lifetime`.
    Outlived,
    /// The token does not say when its session began, which a realm with a `max-lifetime` has to know.
    NoStart,
    /// The key that was passed in front of the token is not the key of the token's session.
    WrongSession,
    /// The token is not of the owner, or not of the realm, that the command is about.
    WrongOwner,
}

impl Refusal {
    /// The value of the header `Authorization` was passed, not the token in it.
    pub const SCHEME: Self = Self::Malformed(SCHEME);

    /// How many [kinds](Self::kinds) there are.
    pub const KINDS: usize = KINDS.len();

    /// The names under which INFO counts refusals, in the order of [`index`](Self::index).
    pub const fn kinds() -> [&'static str; Self::KINDS] {
        KINDS
    }

    /// The position of this refusal's kind.
    pub const fn index(self) -> usize {
        match self {
            Self::TooLong => 0,
            Self::Malformed(_) => 1,
            Self::Header(_) => 2,
            Self::Algorithm => 3,
            Self::UnknownKey => 4,
            Self::Signature => 5,
            Self::Claim(_) => 6,
            Self::Issuer => 7,
            Self::Audience => 8,
            Self::NotYetValid => 9,
            Self::Expired => 10,
            Self::Outlived => 11,
            Self::WrongSession => 12,
            Self::WrongOwner => 13,
            Self::NoStart => 14,
        }
    }

    /// True where the token was good once and only time has ended it: the reply is `EXPIREDTOKEN`, not `BADTOKEN`.
    pub const fn is_expiry(self) -> bool {
        matches!(self, Self::Expired | Self::Outlived)
    }

    /// What is wrong, for a person. ASCII, without anything that the token says.
    pub fn text(self) -> String {
        match self {
            Self::TooLong => "the token is longer than jrs.max-token-size".to_owned(),
            Self::Malformed(what) => format!("the token is malformed: {what}"),
            Self::Header(what) => format!("the token's header is not acceptable: {what}"),
            Self::Algorithm => "the token's algorithm is not the one its key is pinned to".to_owned(),
            Self::UnknownKey => "no key in force matches the token's kid".to_owned(),
            Self::Signature => "the token's signature is wrong".to_owned(),
            Self::Claim(name) => format!("the token's claim '{name}' is missing or of the wrong type"),
            Self::Issuer => "the token's 'iss' is not the realm's issuer".to_owned(),
            Self::Audience => "the token's 'aud' does not hold the realm's audience".to_owned(),
            Self::NotYetValid => "the token is not valid yet ('nbf' lies in the future)".to_owned(),
            Self::Expired => "the token has expired ('exp' lies in the past)".to_owned(),
            Self::Outlived => "the session is older than the realm's max-lifetime, log in again".to_owned(),
            Self::NoStart => {
                "the token does not say when its session started: 'iat' must be there, in seconds, and not in the \
                              future, unless the realm's max-lifetime is 0"
                    .to_owned()
            }
            Self::WrongSession => "the key is not that of the token's session".to_owned(),
            Self::WrongOwner => "the token is not of this owner and realm".to_owned(),
        }
    }
}

const KINDS: [&str; 15] = [
    "too_long",
    "malformed",
    "header",
    "algorithm",
    "unknown_key",
    "signature",
    "claim",
    "issuer",
    "audience",
    "not_yet_valid",
    "expired",
    "outlived",
    "wrong_session",
    "wrong_owner",
    "no_start",
];
