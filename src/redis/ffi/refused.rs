//! Reasons for which this folder refuses a command. The module that uses it writes the sentences for clients.

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
    /// A refusal by this folder. The module has the sentence for it.
    Refused(Refused),
    /// A text: first word, space, sentence.
    Text(String),
}

impl From<Refused> for ErrorReply {
    fn from(refused: Refused) -> Self {
        Self::Refused(refused)
    }
}
