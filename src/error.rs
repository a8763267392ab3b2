//! The errors that commands reply with.

use std::borrow::Cow;

use crate::{
    redis::{ErrorReply, Refused},
    session::{
        DEEPEST, DataError, MOST_IN_GRACE, OperationError, OwnerError, PatchError, Position, StoredDataError,
        SyntaxError,
    },
    token::{ClaimsError, TokenError},
};

/// Defines [`Error`] and its replies. A row is: the variant, its details, the arguments of [`format!`] for the reply.
macro_rules! errors {
    ($($(#[$doc:meta])* $error:ident$(($($detail:ident: $type:ty),*))? = $($reply:expr),+;)*) => {
        /// Why a command failed. A failed command changed nothing, with two exceptions: JRS.DESTROYALL may have destroyed
        /// some sessions, and [`Error::Reused`] may have destroyed the session of a stolen token.
        ///
        /// The replies are ASCII and contain no token, secret or session data. Clients match the first word; the
        /// sentence may change.
        #[derive(Debug)]
        pub enum Error {
            $($(#[$doc])* $error$(($($type),*))?,)*
        }

        impl Error {
            /// The reply: the first word, a space, a sentence.
            pub fn reply(&self) -> String {
                match self {
                    $(Self::$error$(($($detail),*))? => format!($($reply),+),)*
                }
            }
        }
    };
}

errors! {
    /// `BADTOKEN`, `EXPIREDTOKEN`, `STALEAUTH` or `WRONGKEY`.
    Token(error: TokenError) = "{} {}", error.first_word(), error.text();
    /// `BADDATA`: an argument that is not valid session data. The argument's name, and the problem.
    Data(what: &'static str, bad: DataError) = "BADDATA {what} {}", data_error(*bad);
    /// `BADDATA` or `ERR`: claims of the caller that a token cannot have.
    Claims(error: ClaimsError) = "{}", claims_error(*error);
    /// `ERR`: an argument that is not a valid owner.
    Owner(problem: OwnerError) = "ERR the owner {}", owner_error(*problem);
    /// `TOOBIG`: something exceeds a limit. Its name, and the setting of the limit.
    TooBig(what: &'static str, setting: &'static str) = "TOOBIG {what} would be larger than the realm's {setting}";
    /// `TOOBIG`: the encrypted form of the data exceeds the server's limit for a string.
    EncryptedTooBig = "TOOBIG the encrypted data would be larger than 512 MB, the server's limit for a value";
    /// `BADDATA` or `TOOBIG`: MERGE or PATCH cannot change the stored data.
    Patch(error: PatchError) = "{}", patch_error(*error);
    /// `BADDATA`: the stored data of a session cannot be read.
    StoredData(problem: StoredDataError) = "BADDATA stored data {}", stored_data_error(*problem);
    /// `TOOMANY`: the owner has `max-sessions` sessions, and `max-sessions-policy` is `reject`.
    TooMany = "TOOMANY the owner has reached the realm's max-sessions: destroy a session first";
    /// `TOOMANY`: too many tokens of one chain of rotations are in grace.
    TooManyInGrace =
        "TOOMANY {MOST_IN_GRACE} older tokens of this session are still in grace: wait until some have ended, or pass GRACE 0";
    /// `REUSED`: a rotated token was used after its grace, or its session ended for this reason.
    Reused =
        "REUSED a token of this session was used again after its rotation, so it may be stolen: log in again";
    /// `CONFLICT`: the data does not have the etag of IFMATCH.
    Conflict = "CONFLICT the data does not match the etag: read the session again";
    /// `CONFLICT`: the argument of IFMATCH is not an etag, so it matches no data. The problem.
    NotAnEtag(problem: &'static str) =
        "CONFLICT IFMATCH {problem}: pass the etag of JRS.GET unchanged, 16 lowercase hex digits";
    /// `CROSSSLOT`: in a cluster, the sessions of the new owner are in another slot.
    CrossSlot =
        "CROSSSLOT the new owner hashes to another slot: create the new session with JRS.CREATE, then \
         destroy this one with JRS.DESTROY";
    /// `NOKEYS`: there is no signing or verification key for this. What to configure.
    NoKeys(what: &'static str) = "NOKEYS {what}";
    /// `NOPERM`: the ACL denies the user this access to the session's key.
    NoPermission = "NOPERM this user has no permissions to access the session's key";
    /// `WRONGTYPE`: the value of the session's key is not a string.
    WrongType = "WRONGTYPE Operation against a key holding the wrong kind of value";
    /// `BUSY`: the queue of slow signatures has reached `jrs.crypto-queue`, or this signature waited too long.
    Busy = "BUSY too many signatures are waiting to be computed: try again later";
    /// `READONLY`: the server became a replica while the command waited.
    ReadOnly = "READONLY You can't write against a read only replica.";
    /// `OOM`: the server reached `maxmemory` while the command waited.
    OutOfMemory = "OOM command not allowed when used memory > 'maxmemory'.";
    /// `TRYAGAIN`: the server cannot run the command now, for instance because a slot is migrating. Why.
    TryAgain(why: &'static str) = "TRYAGAIN {why}";
    /// `ERR`: too few or too many arguments. The server writes the sentence.
    WrongArity = "ERR wrong number of arguments";
    /// `ERR`: an option is unknown, misplaced, repeated or without its value.
    Syntax = "ERR syntax error, see JRS.HELP";
    /// `ERR`: a TTL or deadline is not a positive integer.
    Expire = "ERR invalid expire time: it must be a positive integer";
    /// `ERR`: the new session would have expired already.
    DeadlinePassed = "ERR invalid expire time: the deadline is in the past";
    /// `ERR`: the command does not work with a token that JRS did not issue. What to do.
    Foreign(what: &'static str) = "ERR {what}";
    /// `WRONGKEY`: a key that cannot be a session key.
    NotASessionKey = "WRONGKEY the key is not a session key of any realm: pass <keyspace><id>";
    /// `ERR`: a cluster node needs the session's key or owner to route by. What to pass.
    Cluster(what: &'static str) = "ERR {what}";
    /// `ERR`: any other error. The sentence.
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
                Self::TryAgain("SWAPDB ran in between: the command may be partly done, send it again")
            }
            Refused::CannotWait | Refused::TimedOut => Self::Busy,
            Refused::CannotOpen => Self::Other("cannot open the session's key".into()),
            Refused::CannotReplicate => Self::Other("cannot replicate the write".into()),
            Refused::Panicked => Self::Other("internal error: see the server's log".into()),
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
    fn from(error: TokenError) -> Self {
        Self::Token(error)
    }
}

impl Error {
    /// No realm has a key of its own: this server, which is a primary now, has renamed its generated key file.
    pub const RETIRED_KEY: Self = Self::NoKeys(
        "no signing keys: this server renamed its generated key file to jrs-keys.json.retired when it was a replica. \
         While that file exists, it generates no new key. Rename it to jrs-keys.json in the server's dir and send \
         JRS.RELOAD, or set jrs.keys-file to a copy that all nodes share. To log out all users, delete it and send \
         JRS.RELOAD, which generates a new key",
    );

    /// No realm has a key of its own.
    pub const WITHOUT_KEYS: Self = Self::NoKeys(
        "no signing keys: a replica or cluster node does not generate one, because all nodes must share \
         their keys. Set jrs.keys-file to the same file on every node. After a failover, this can be a copy of the \
         generated key file in the former primary's dir: jrs-keys.json or jrs-keys.json.retired",
    );

    /// JRS.ROTATEKEY of a realm whose key file the operator manages.
    pub const OPERATORS_KEYS: Self = Self::Other(Cow::Borrowed(
        "this realm has a keys-file, which JRS does not write: put the new key first in that file and keep the old keys \
         behind it, then send JRS.RELOAD",
    ));

    /// The owner index does not have all sessions yet, because the module was loaded into a server with data.
    pub const INDEX_INCOMPLETE: Self = Self::TryAgain("the owner index is still being built, nothing was done");

    /// Another client created a key with the new session's name.
    pub const SESSION_EXISTS: Self = Self::Other(Cow::Borrowed("the new session's key already exists: try again"));
}

fn claims_error(error: ClaimsError) -> String {
    match error {
        ClaimsError::NotAnObject => "BADDATA the claims must be a JSON object with unique names".to_owned(),
        ClaimsError::Reserved("exp") => "ERR the claim 'exp' is reserved: pass the lifetime in EX or PX".to_owned(),
        ClaimsError::Reserved(name) => {
            format!("ERR the claim '{name}' is reserved: leave it out, the server writes it")
        }
        ClaimsError::OtherSpelling(name) => format!(
            "ERR a claim differs from '{name}' only in case, and some verifiers would read it as '{name}': rename it"
        ),
        ClaimsError::TooFar(name) => {
            format!("ERR the claim '{name}' is after the year 9999: pass seconds since 1970, not milliseconds")
        }
        ClaimsError::Missing("iss") => {
            "ERR an access token needs an issuer: set the realm's issuer, or pass 'iss' as a \
             string in CLAIMS"
                .to_owned()
        }
        ClaimsError::Missing(_) => {
            "ERR an access token needs an audience: pass AUDIENCE, set the realm's audience, or \
             pass 'aud' in CLAIMS"
                .to_owned()
        }
        ClaimsError::NotATime(name) => format!("ERR the claim '{name}' must be a number of seconds since 1970"),
    }
}

const fn owner_error(error: OwnerError) -> &'static str {
    match error {
        OwnerError::TooLong => "must be at most 256 bytes",
        OwnerError::NotUtf8 => "must be UTF-8",
        OwnerError::ForbiddenCharacter => "must not contain braces or control characters",
    }
}

fn data_error(bad: DataError) -> String {
    match bad {
        DataError::NotUtf8(place) => format!("must be UTF-8 {}", position(place)),
        DataError::NotAnObject(place) => format!("must be a JSON object {}", position(place)),
        DataError::TooDeep => format!("must not be nested deeper than {DEEPEST} levels"),
        DataError::LoneSurrogate => {
            "contains an unpaired surrogate (\\ud800 to \\udfff) and cannot be merged or patched: use REPLACE"
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
        PatchError::Bad(bad) => format!("BADDATA the change {}", data_error(bad)),
        PatchError::Stored(bad) => format!("BADDATA the stored data {}", data_error(bad)),
        PatchError::Operation(number, name, fault) => {
            let name = match fault {
                OperationError::Malformed(_) | OperationError::TestFailed => String::new(),
                _ => format!("\"{name}\", "),
            };
            let operation = format!("BADDATA operation {number} of the patch ({name}counted from 1)");
            match fault {
                OperationError::Malformed(error) => format!("{operation} {}", syntax_error(error)),
                OperationError::NoSuchPath => format!("{operation} refers to a path that does not exist"),
                OperationError::IntoItself => format!("{operation} moves a value into itself"),
                OperationError::TooDeep => format!("{operation} would nest the data deeper than {DEEPEST} levels"),
                OperationError::TestFailed => format!("{operation}: a \"test\" operation did not match"),
            }
        }
        PatchError::NoObjectLeft => "BADDATA the patched data must be a JSON object".to_owned(),
        PatchError::TooBig => "TOOBIG the data would be larger than the realm's max-data-size".to_owned(),
        PatchError::TooMuch => {
            "TOOBIG the change takes too much work or memory: make it smaller, or read the data, change it and write it \
             with REPLACE and IFMATCH"
                .to_owned()
        }
    }
}

const fn stored_data_error(problem: StoredDataError) -> &'static str {
    match problem {
        StoredDataError::NoKeys => {
            "is encrypted, and the realm has no data keys: set data-keys-file to the file that all nodes share"
        }
        StoredDataError::UnknownKey => {
            "is encrypted with a key that is not in the realm's data-keys-file: add the key and send JRS.RELOAD"
        }
        StoredDataError::Malformed => {
            "is damaged, neither a JSON object nor complete encrypted data: replace it with JRS.UPDATE or destroy the \
             session"
        }
        StoredDataError::NotAuthentic => {
            "cannot be decrypted: it was changed or copied from another key, or the data key with its 'kid' is a \
             different one. Restore the data key, replace the data with JRS.UPDATE, or destroy the session"
        }
    }
}

const fn syntax_error(error: SyntaxError) -> &'static str {
    match error {
        SyntaxError::NotAnObject => "must be a JSON object",
        SyntaxError::DuplicateMember => "has a duplicate member",
        SyntaxError::Path => "needs a \"path\" that is a JSON Pointer",
        SyntaxError::From => "needs a \"from\" that is a JSON Pointer",
        SyntaxError::Value => "needs a \"value\"",
        SyntaxError::Op => "needs an \"op\": add, remove, replace, move, copy or test",
    }
}
