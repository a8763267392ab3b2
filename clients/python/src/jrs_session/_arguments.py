"""Python values as the words of a command."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Union

from ._command import Word

Duration = Union[int, float, timedelta]
"""Seconds, or a `timedelta`."""


def text(value: str, name: str) -> bytes:
    """A text as UTF-8, whatever encoding the client is set to."""
    if not isinstance(value, str):
        raise TypeError(f"{name} must be a str, not {type(value).__name__}")
    try:
        return value.encode()
    except UnicodeEncodeError:
        pass
    raise ValueError(f"{name} has half of a surrogate pair, which is not a character")


def owner_text(owner: str | int) -> str:
    """An owner as a text. Refuses None above all: the users whose id is missing must not share an owner "None"."""
    if isinstance(owner, bool) or not isinstance(owner, (str, int)):
        raise TypeError(f"the owner must be a str or an int, not {type(owner).__name__}")
    return str(owner)


def milliseconds(value: Duration, name: str) -> int:
    """A duration in milliseconds."""
    if isinstance(value, bool) or not isinstance(value, (int, float, timedelta)):
        raise TypeError(f"{name} must be seconds or a timedelta, not {type(value).__name__}")
    if isinstance(value, timedelta):
        return value // timedelta(milliseconds=1)
    return value * 1000 if isinstance(value, int) else round(value * 1000)


def expiry(
    ttl: Duration | None = None, expires_at: datetime | None = None, *, keep_ttl: bool = False
) -> tuple[Word, ...]:
    """The options of a command that set an expiry."""
    if (ttl is not None) + (expires_at is not None) + keep_ttl > 1:
        raise ValueError("ttl cannot be combined with " + ("keep_ttl" if keep_ttl else "expires_at"))
    if keep_ttl:
        return ("KEEPTTL",)
    if ttl is not None:
        duration = milliseconds(ttl, "ttl")
        return ("PX", str(duration)) if duration % 1000 else ("EX", str(duration // 1000))
    if expires_at is None:
        return ()
    if not isinstance(expires_at, datetime):
        raise TypeError(f"expires_at must be a datetime, not {type(expires_at).__name__}")
    if expires_at.tzinfo is None:
        raise ValueError("expires_at must have a time zone: datetime.now(timezone.utc)")
    return ("PXAT", str(round(expires_at.timestamp() * 1000)))


def max_auth_age(value: Duration | None) -> tuple[Word, ...]:
    """The option of a read that requires a recent authentication, in whole seconds."""
    return () if value is None else ("MAXAUTHAGE", str(milliseconds(value, "max_auth_age") // 1000))


def pointers(fields: Iterable[str] | None) -> tuple[str, ...]:
    """JSON Pointers."""
    if fields is None:
        return ()
    if isinstance(fields, str):
        raise TypeError("fields must be a list of JSON Pointers, not a str")
    return tuple(fields)
