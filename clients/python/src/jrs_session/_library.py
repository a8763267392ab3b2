"""What the two client libraries, redis and valkey, have in common. Neither is imported here: one may be missing."""

from __future__ import annotations

import random
import re
import sys
from typing import TYPE_CHECKING, Any

from .errors import (
    BY_WORD,
    BadData,
    CommandError,
    ConnectionLost,
    JRSError,
    ModuleNotLoaded,
    TryAgain,
    Unavailable,
    new_error,
)

if TYPE_CHECKING:
    from ._command import Command

LIBRARIES = ("redis", "valkey")

# Classes of errors whose first word the libraries remove from the message.
_WORD_OF_CLASS = {
    "NoPermissionError": "NOPERM",
    "TryAgainError": "TRYAGAIN",
    "ReadOnlyError": "READONLY",
    "OutOfMemoryError": "OOM",
    "BusyLoadingError": "LOADING",
    "ClusterCrossSlotError": "CROSSSLOT",
    "MasterDownError": "MASTERDOWN",
    "ClusterDownError": "CLUSTERDOWN",
}

# Of these the sentence is not for users of this package, or the cluster client follows them itself.
_UNCHANGED = {"AuthenticationError", "AuthorizationError", "AuthenticationWrongNumberOfArgsError"}

_UNREACHABLE = {"ConnectionError", "TimeoutError", "RedisClusterException", "ValkeyClusterException"}

# Secrets are found by this many of their first characters, because servers shorten long arguments.
_MATCH_LENGTH = 8


def library_of(client: object) -> str:
    """`redis` or `valkey`.

    Raises:
        TypeError: the client is of another library, or is a pipeline.
    """
    names = {cls.__name__ for cls in type(client).__mro__}
    if "Pipeline" in names or "ClusterPipeline" in names:
        raise TypeError("the client must not be a pipeline: pass the client that made it")
    for cls in type(client).__mro__:
        root = cls.__module__.partition(".")[0]
        if root in LIBRARIES and hasattr(client, "execute_command"):
            return root
    raise TypeError(f"the client must be one of redis-py or valkey-py, not {type(client).__name__}")


def is_async(client: object) -> bool:
    """Whether the client is one of `redis.asyncio` or `valkey.asyncio`."""
    return any(".asyncio" in cls.__module__ for cls in type(client).__mro__ if cls.__module__.startswith(LIBRARIES))


def is_cluster(client: object) -> bool:
    """Whether the client is connected to a Redis Cluster."""
    return hasattr(client, "get_node_from_key")


def nodes_of(client: Any, command: Command) -> list[Any]:
    """The nodes of a cluster for a command without a key: all, or the primaries in the order in which to try them."""
    nodes = list(client.get_nodes() if command.nodes == "all" else client.get_primaries())
    if not nodes:
        raise Unavailable("the client has not reached the cluster")
    random.shuffle(nodes)
    return nodes


def response_error(library: str) -> type[BaseException]:
    """The class `ResponseError` of a library whose client exists, so it is imported."""
    error: type[BaseException] = sys.modules[f"{library}.exceptions"].ResponseError
    return error


def convert(error: Exception, command: Command) -> Exception:
    """The error of this package for an error of a client library. Other errors are returned as they are."""
    names = {cls.__name__ for cls in type(error).__mro__}
    if isinstance(error, JRSError) or names & _UNCHANGED:
        return error
    if isinstance(error, UnicodeError):  # it holds the whole text
        return new_error(BadData, "BADDATA the reply is not in the encoding of the client")
    if not any(cls.__module__.startswith(LIBRARIES) for cls in type(error).__mro__):
        return new_error(ConnectionLost, _redacted(error, command), type(error)) if _is_timeout(error) else error
    kind = _kind(error, names)
    if kind is None:
        return error
    bases: list[type[BaseException]] = [type(error)]
    message = _message(kind, error, names, command)
    if kind is TryAgain and "ResponseError" not in names:
        bases.append(response_error(type(error).__module__.partition(".")[0]))
    converted = new_error(kind, message, *bases)
    for name in ("error_type", "status_code"):  # redis-py's own members, none of which has text of the command
        if hasattr(error, name):
            setattr(converted, name, getattr(error, name))
    return converted


def _message(kind: type[JRSError], error: Exception, names: set[str], command: Command) -> str:
    if kind is ModuleNotLoaded:
        return f"the server does not know the command {command.words[0]!s}: load the JRS module, or a newer version"
    if kind is CommandError and ("AskError" in names or str(error).startswith(("MOVED ", "ASK "))):
        return "the server is a node of a cluster: pass a client of the cluster, RedisCluster or ValkeyCluster"
    return _redacted(error, command)


def _kind(error: Exception, names: set[str]) -> type[JRSError] | None:
    word = next((word for name, word in _WORD_OF_CLASS.items() if name in names), None)
    if word is not None:
        return BY_WORD[word]
    if "ResponseError" in names:
        return _kind_of_reply(error)
    if "ClusterError" in names:
        # The library has followed redirections and TRYAGAIN for its whole number of attempts.
        return TryAgain
    if names & _UNREACHABLE:
        return ConnectionLost if names & {"ConnectionError", "TimeoutError"} else Unavailable
    return None


def _kind_of_reply(error: Exception) -> type[JRSError]:
    text = str(error)
    if getattr(error, "status_code", None) != "ERR":
        # Without the word ERR, which the libraries remove, a sentence can begin with the name of an option.
        match = re.match(r"([A-Z]{2,})(?: |$)", text)
        if match and match[1] in BY_WORD:
            return BY_WORD[match[1]]
    return ModuleNotLoaded if text.startswith("unknown command") else CommandError


def _is_timeout(error: Exception) -> bool:
    return isinstance(error, (OSError, TimeoutError))


def _redacted(error: Exception, command: Command) -> str:
    text = str(error)
    for secret in command.secrets():
        start = text.find(secret[:_MATCH_LENGTH])
        while start >= 0:
            end = start
            while end - start < len(secret) and text[end : end + 1] == secret[end - start]:
                end += 1
            text = text[:start] + "[redacted]" + text[end:]
            start = text.find(secret[:_MATCH_LENGTH], start + len("[redacted]"))
    return text
