//! Why this folder refuses a command, a value or to load. The module that uses it writes the sentences.

use std::ffi::CStr;

/// Why a command cannot go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// The user lacks the permission for the key.
    NoPermission,
    /// The key does not hold a string.
    WrongType,
    /// The server became a replica while the client waited.
    ReadOnly,
    /// The server ran out of memory while the client waited.
    OutOfMemory,
    /// Writes are paused on the server since the client began to wait.
    WritesPaused,
    /// The key's slot is moving to another node, or has moved there.
    SlotMigrating,
    /// Databases changed places while the command ran in slices.
    DatabasesSwapped,
    /// The server cannot make the client wait.
    CannotWait,
    /// The client waited too long, or CLIENT UNBLOCK ended its wait.
    TimedOut,
    /// The server refuses to open the key.
    CannotOpen,
    /// The server refuses to replicate the write.
    CannotReplicate,
    /// A panic was caught, and logged.
    Panicked,
}

/// The error reply of a command.
#[derive(Debug)]
pub enum ErrorReply {
    /// Too few or too many arguments. The server writes the sentence, with the command's name.
    WrongArity,
    /// An error of this folder. The module has the sentence for it.
    Refused(Refused),
    /// A text: first word, space, sentence.
    Text(String),
}

/// Why the module is not loaded.
#[derive(Debug)]
pub enum LoadError {
    /// The server is too old: it lacks this function of the module API.
    FunctionMissing(&'static str),
    /// An argument of the module is not UTF-8.
    ArgumentNotUtf8,
    /// A command that the module calls is renamed or disabled.
    CommandDisabled(&'static CStr),
    /// The server refuses to register this command.
    CommandRefused(&'static CStr),
    /// The server does not find this command after its registration.
    CommandLost(&'static CStr),
    /// The server refuses the description of this command.
    DescriptionRefused(&'static CStr),
    /// The server refuses to register this setting.
    ParameterRefused(&'static CStr),
    /// The server's configuration has an invalid value. The server has logged which.
    ValueRefused,
    /// The module's own reason.
    Module(String),
}

impl From<String> for LoadError {
    fn from(problem: String) -> Self {
        Self::Module(problem)
    }
}

/// Why a value of a setting is refused before the module sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ValueError {
    /// It is not UTF-8.
    NotUtf8,
    /// A panic was caught, and logged.
    Panicked,
}

impl From<Refused> for ErrorReply {
    fn from(refused: Refused) -> Self {
        Self::Refused(refused)
    }
}
