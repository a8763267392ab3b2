//! Everything a command can refuse, and the words it refuses with.

use std::borrow::Cow;

use crate::{
    redis::{ErrorReply, Refused},
    session::{DEEPEST, DataError, OperationError, OwnerError, PatchError, Position},
    token::{ClaimsError, TokenError},
};

/// Makes the type and its replies of one list. A row is: variant, its details, the reply as [`format!`] takes it.
macro_rules! errors {
    ($($(#[$doc:meta])* $error:ident$(($($detail:ident: $type:ty),*))? = $($reply:expr),+;)*) => {
        /// Why a command is refused. A refused command has changed nothing.
        ///
        /// The texts are ASCII and repeat no token, secret or session data; clients go by the first word.
        #[derive(Debug)]
        pub enum Error {
            $($(#[$doc])* $error$(($($type),*))?,)*
        }

        impl Error {
            /// The reply: a word, a space, a sentence.
            pub fn reply(&self) -> String {
                match self {
                    $(Self::$error$(($($detail),*))? => format!($($reply),+),)*
                }
            }
        }
    };
}

errors! {
    /// `BADTOKEN`, `EXPIREDTOKEN` or `WRONGKEY`.
    Token(refusal: TokenError) = "{} {}", refusal.first_word(), refusal.text();
    /// `BADDATA`: session data that is none; the argument's name.
    Data(what: &'static str, bad: DataError) = "BADDATA {what} {}", bad_data(*bad);
    /// `BADDATA` or `ERR`: claims that cannot go into a token.
    Claims(refusal: ClaimsError) = "{}", claims_refused(*refusal);
    Owner(problem: OwnerError) = "ERR the owner {problem}";
    /// `TOOBIG`: over a limit; what, and the limit's setting.
    TooBig(what: &'static str, setting: &'static str) = "TOOBIG {what} would be larger than the realm's {setting}";
    /// `BADDATA` or `TOOBIG`: the stored data cannot be changed in this way.
    Patch(error: PatchError) = "{}", patch_error(*error);
    TooMany = "TOOMANY the owner has as many sessions as the realm's max-sessions allows";
    /// `CONFLICT`: the data is not what IFMATCH names.
    Conflict = "CONFLICT the data has changed since it had that etag: read it again";
    /// `CONFLICT`: what IFMATCH names is no etag, so no data can have it; how it is none.
    NotAnEtag(problem: &'static str) =
        "CONFLICT IFMATCH {problem}: pass the 16 hex digits that JRS.GET replies as etag, as they are";
    CrossSlot =
        "CROSSSLOT the new owner hashes to another slot: JRS.CREATE the new session, then JRS.DESTROY this one";
    /// `NOKEYS`: there is no key to do this with, and what to configure.
    NoKeys(what: &'static str) = "NOKEYS {what}";
    NoPermission = "NOPERM this user has no permissions to access the session's key";
    WrongType = "WRONGTYPE Operation against a key holding the wrong kind of value";
    /// `BUSY`: more slow signatures are waiting than `jrs.crypto-queue` allows, or this one has waited for too long.
    Busy = "BUSY too many signatures are waiting to be computed, try again later";
    /// `READONLY`: the server has become a replica while the command waited.
    ReadOnly = "READONLY You can't write against a read only replica.";
    /// `OOM`: the server has run out of memory while the command waited.
    OutOfMemory = "OOM command not allowed when used memory > 'maxmemory'.";
    /// `TRYAGAIN`: the server's state has changed while the command waited.
    TryAgain(why: &'static str) = "TRYAGAIN {why}";
    /// `ERR`: too few or too many arguments, in the server's own words.
    WrongArity = "ERR wrong number of arguments";
    /// `ERR`: this option is unknown, misplaced, given twice or lacks its value.
    Syntax = "ERR syntax error, see JRS.HELP";
    Expire = "ERR invalid expire time, it has to be a positive whole number";
    DeadlinePassed = "ERR invalid expire time, the deadline has passed already";
    /// `ERR`: a session that somebody else made lacks what the command needs; what to do.
    Foreign(what: &'static str) = "ERR {what}";
    /// `WRONGKEY`: a key that is not a session's.
    NotASessionKey = "WRONGKEY this is not a session key of any realm: it must be <keyspace><id>";
    /// `ERR`: a cluster node was not told the session's key or owner; what to pass.
    Cluster(what: &'static str) = "ERR {what}";
    /// `ERR`: anything else.
    Other(text: Cow<'static, str>) = "ERR {text}";
}

impl From<Refused> for Error {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::NoPermission => Self::NoPermission,
            Refused::WrongType => Self::WrongType,
            Refused::ReadOnly => Self::ReadOnly,
            Refused::OutOfMemory => Self::OutOfMemory,
            Refused::WritesPaused => Self::TryAgain("writes are paused on this server, nothing was done"),
            Refused::SlotMigrating => Self::TryAgain("the session's slot is migrating, nothing was done"),
            Refused::DatabasesSwapped => {
                Self::TryAgain("SWAPDB came in between: a part may be done, send the command again")
            }
            Refused::CannotWait | Refused::TimedOut => Self::Busy,
            Refused::CannotOpen => Self::Other("the session's key cannot be opened".into()),
            Refused::CannotReplicate => Self::Other("the effect cannot be replicated".into()),
            Refused::Panicked => Self::Other("internal error, see the server's log".into()),
        }
    }
}

impl From<Error> for ErrorReply {
    fn from(error: Error) -> Self {
        match error {
            Error::WrongArity => Self::WrongArity,
            error => Self::Text(error.reply()),
        }
    }
}

impl From<TokenError> for Error {
    fn from(refusal: TokenError) -> Self {
        Self::Token(refusal)
    }
}

impl Error {
    /// There is no key to verify or to sign with at all.
    pub const WITHOUT_KEYS: Self = Self::NoKeys(
        "no signing keys: a replica or cluster node does not make its own, because all nodes have to share them; set \
         jrs.keys-file to the same file on every node. After a failover from a server that made its own key, that can be a \
         copy of the key file in that server's dir: jrs-keys.json, or jrs-keys.json.retired",
    );
}

fn claims_refused(refusal: ClaimsError) -> String {
    match refusal {
        ClaimsError::NotAnObject => "BADDATA the claims are no JSON object with unique names".to_owned(),
        ClaimsError::Reserved(name) => format!("ERR the claim '{name}' is reserved: it is written by the server"),
        ClaimsError::OtherSpelling(name) => format!(
            "ERR a claim's name differs from '{name}' in case only, and some verifiers would read it as '{name}': rename it"
        ),
        ClaimsError::TooFar(name) => format!(
            "ERR the claim '{name}' lies beyond the year 9999: it must be in seconds since 1970, not milliseconds"
        ),
        ClaimsError::NotATime(name) => format!("ERR the claim '{name}' has to be a number of seconds since 1970"),
    }
}

fn bad_data(bad: DataError) -> String {
    match bad {
        DataError::NotUtf8(place) => format!("is not UTF-8 {}", position(place)),
        DataError::NotAnObject(place) => format!("must be a JSON object {}", position(place)),
        DataError::TooDeep => format!("is nested deeper than {DEEPEST} levels"),
        DataError::LoneSurrogate => {
            "holds half of a surrogate pair (\\ud800 to \\udfff), so it cannot be merged or patched: use REPLACE"
                .to_owned()
        }
        DataError::NotAPatch(place) => {
            format!("must be a JSON array of JSON Patch operations, RFC 6902 {}", position(place))
        }
    }
}

fn position(Position { line, column }: Position) -> String {
    format!("(line {line}, column {column})")
}

fn patch_error(error: PatchError) -> String {
    match error {
        PatchError::Bad(bad) => format!("BADDATA the change {}", bad_data(bad)),
        PatchError::Stored(bad) => format!("BADDATA the stored data {}", bad_data(bad)),
        PatchError::Operation(number, name, fault) => {
            let name = match fault {
                OperationError::Malformed(_) | OperationError::TestFailed => String::new(),
                _ => format!("\"{name}\", "),
            };
            let operation = format!("BADDATA operation {number} of the patch ({name}counted from 1)");
            match fault {
                OperationError::Malformed(problem) => format!("{operation} {problem}"),
                OperationError::NoSuchPath => format!("{operation} refers to a path that does not exist"),
                OperationError::IntoItself => format!("{operation} moves a value into itself"),
                OperationError::TooDeep => format!("{operation} would nest the data deeper than {DEEPEST} levels"),
                OperationError::TestFailed => format!("{operation}: a \"test\" operation did not match"),
            }
        }
        PatchError::NoObjectLeft => "BADDATA the patched data must be a JSON object".to_owned(),
        PatchError::TooBig => "TOOBIG the data would be larger than the realm's max-data-size".to_owned(),
        PatchError::TooMuch => {
            "TOOBIG the change takes too much work or memory: make it smaller, or read the data, change it \
                            and write it with REPLACE and IFMATCH"
                .to_owned()
        }
    }
}
