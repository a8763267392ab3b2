"""The errors of this package, one class for each first word of a server's error."""

from __future__ import annotations

from typing import Any, ClassVar

__all__ = [
    "BadData",
    "BadToken",
    "Busy",
    "ClusterDown",
    "CommandError",
    "Conflict",
    "ConnectionLost",
    "CrossSlot",
    "ExpiredToken",
    "JRSError",
    "Loading",
    "MasterDown",
    "Misconfigured",
    "ModuleNotLoaded",
    "NoKeys",
    "NoPermission",
    "NoReplicas",
    "OutOfMemory",
    "ReadOnly",
    "Reused",
    "StaleAuth",
    "TokenRefused",
    "TooBig",
    "TooMany",
    "TryAgain",
    "Unavailable",
    "Unblocked",
    "UnknownRealm",
    "WrongKey",
    "WrongType",
]


class JRSError(Exception):
    """A command failed.

    An error that the client library raised is also an instance of the library's class, for example
    `redis.exceptions.ResponseError`. Match the class or `word`; the text is for people and may change. It holds no
    token and no session data.
    """

    word: ClassVar[str] = ""
    """The first word of the server's error; `""` for errors that no server replied with."""

    def __repr__(self) -> str:
        return f"{type(self).__name__}({str(self)!r})"


class TokenRefused(JRSError):
    """The token gives access to no session. Treat the request as one without a token."""


class BadToken(TokenRefused):
    """The token is malformed, was not signed by an active key, or has a claim that the server does not accept."""

    word = "BADTOKEN"


class ExpiredToken(TokenRefused):
    """The token was valid, but its `exp` has passed, or its session is older than the realm allows."""

    word = "EXPIREDTOKEN"


class Reused(TokenRefused):
    """A rotated token was used again. The server has destroyed the session, because the token may be stolen."""

    word = "REUSED"


class WrongKey(TokenRefused):
    """The token's session is of another realm, or the id given to `revoke` is not that of a session."""

    word = "WRONGKEY"


class StaleAuth(JRSError):
    """The user authenticated longer ago than `max_auth_age`. The session stays: authenticate the user again."""

    word = "STALEAUTH"


class BadData(JRSError):
    """The data or claims are not a JSON object, a patch does not apply, or the stored data cannot be read."""

    word = "BADDATA"


class TooBig(JRSError):
    """The data, the token or the work of a change is larger than the server allows."""

    word = "TOOBIG"


class TooMany(JRSError):
    """The owner has as many sessions as the realm allows, or too many older tokens of a session are in grace."""

    word = "TOOMANY"


class Conflict(JRSError):
    """The data does not have the etag given to `if_match`: read the session again."""

    word = "CONFLICT"


class NoKeys(JRSError):
    """The server has no key to sign or verify with. The text says what to configure."""

    word = "NOKEYS"


class NoPermission(JRSError):
    """The ACL user may not run the command, or may not access the session's key."""

    word = "NOPERM"


class WrongType(JRSError):
    """The value of the session's key is not a string: another program wrote it."""

    word = "WRONGTYPE"


class CrossSlot(JRSError):
    """`rotate` would move the session to another slot of the cluster: create a session and destroy this one."""

    word = "CROSSSLOT"


class CommandError(JRSError):
    """Any other error of the server: a wrong argument, a bad owner, a reserved claim."""

    word = "ERR"


class UnknownRealm(JRSError):
    """The server does not have the realm of this client."""


class ModuleNotLoaded(JRSError):
    """The server does not know the command: it runs without the JRS module, or with an older version of it."""


class Unavailable(JRSError):
    """The server cannot execute commands at the moment, or cannot be reached. Send the command again later.

    If the connection was lost, the command may have been executed.
    """


class TryAgain(Unavailable):
    """Slots of the cluster are moving, writes were paused, or the server still reads its keys."""

    word = "TRYAGAIN"


class Busy(Unavailable):
    """Too many slow signatures wait for a thread, or a script runs for too long."""

    word = "BUSY"


class ReadOnly(Unavailable):
    """The server is a replica, for example after a failover."""

    word = "READONLY"


class Unblocked(Unavailable):
    """The server became a replica while the command waited."""

    word = "UNBLOCKED"


class NoReplicas(Unavailable):
    """Fewer replicas are connected than `min-replicas-to-write` requires."""

    word = "NOREPLICAS"


class MasterDown(Unavailable):
    """The server is a replica without a primary, and `replica-serve-stale-data` is `no`."""

    word = "MASTERDOWN"


class Loading(Unavailable):
    """The server still loads its data."""

    word = "LOADING"


class Misconfigured(Unavailable):
    """The server cannot save its data, so it refuses writes."""

    word = "MISCONF"


class OutOfMemory(Unavailable):
    """The server has reached `maxmemory`."""

    word = "OOM"


class ClusterDown(Unavailable):
    """The cluster does not serve the slot of the session."""

    word = "CLUSTERDOWN"


class ConnectionLost(Unavailable):
    """The server cannot be reached, did not reply in time, or closed the connection."""


BY_WORD: dict[str, type[JRSError]] = {}


def _register(base: type[JRSError]) -> None:
    for error in base.__subclasses__():
        if error.word:
            BY_WORD[error.word] = error
        _register(error)


_register(JRSError)

_combined: dict[tuple[type[JRSError], tuple[type[BaseException], ...]], type[JRSError]] = {}


def new_error(kind: type[JRSError], message: str, *library: type[BaseException]) -> JRSError:
    """An error of a class of this module that is also an instance of classes of the client library."""
    cls = kind
    if library:
        cls = _combined.get((kind, library)) or _combine(kind, library)
    # The constructors of the libraries differ, and some parse the message.
    error = cls.__new__(cls, message)
    error.args = (message,)
    return error


def _combine(kind: type[JRSError], library: tuple[type[BaseException], ...]) -> type[JRSError]:
    def reduce(error: JRSError) -> tuple[Any, ...]:
        return new_error, (kind, str(error), *library)

    members = {"__module__": kind.__module__, "__qualname__": kind.__qualname__, "__doc__": kind.__doc__}
    cls: type[JRSError] = type(kind.__name__, (kind, *library), {**members, "__reduce__": reduce})
    _combined[kind, library] = cls
    return cls
