"""The results of commands. All are immutable."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

__all__ = ["Inspection", "Realm", "RealmKey", "Session", "SessionInfo"]


class _Slots:
    """Lets frozen classes with slots be copied and pickled, which Python does by itself only from 3.11 on."""

    __slots__ = ()

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), tuple(getattr(self, field.name) for field in fields(self))  # type: ignore[arg-type]


@dataclass(frozen=True, repr=False)
class Session(_Slots):
    """A session as the server has stored it. `repr` shows neither its data nor its token."""

    __slots__ = ("claims", "data", "etag", "id", "owner", "token", "ttl")

    id: str
    """The id. In the grace of a rotation, the id of the session that has replaced the token's."""
    owner: str
    """The owner; `""` for an anonymous session."""
    data: dict[str, Any]
    claims: dict[str, Any]
    """The claims of the session's token. The server has verified them."""
    ttl: int | None
    """The seconds until the session expires if it is not used."""
    etag: str
    """Changes with the data. Pass it to `update(…, if_match=etag)`."""
    token: str
    """The token that the session was read with."""

    def __repr__(self) -> str:
        return f"Session(id={self.id!r}, owner={self.owner!r}, ttl={self.ttl!r})"


@dataclass(frozen=True, repr=False)
class SessionInfo(_Slots):
    """One of the sessions of an owner, as `list` returns it. `repr` does not show its data."""

    __slots__ = ("created", "data", "fields", "id", "ttl")

    id: str
    """The id, which `revoke` takes."""
    created: datetime
    """When the id was created. A rotation creates a new id."""
    ttl: int | None
    """The seconds until the session expires if it is not used; None if its key has no expiry."""
    data: dict[str, Any] | None
    """The data; None if it was not requested, or if the stored data cannot be read."""
    fields: dict[str, Any] | None
    """The requested values by their JSON Pointers, without those that are missing; None if none were requested."""

    def __repr__(self) -> str:
        return f"SessionInfo(id={self.id!r}, created={self.created.isoformat()!r}, ttl={self.ttl!r})"


@dataclass(frozen=True, repr=False)
class Inspection(_Slots):
    """What a token holds, and why it is refused if it is. `repr` does not show its claims."""

    __slots__ = ("active", "alg", "auth_time", "claims", "header", "key", "kid", "realm", "reason", "ttl")

    active: bool
    """Whether `get` would find a session."""
    reason: str | None
    """Why `get` would not; or that the token is in the grace of a rotation."""
    realm: str | None
    """The realm that verified the token. While it is None, anyone can have written `header` and `claims`."""
    alg: str | None
    kid: str | None
    header: dict[str, Any] | None
    claims: dict[str, Any] | None
    key: str | None
    """The session's key in Redis."""
    ttl: int | None
    """The seconds until the session expires; None if there is none."""
    auth_time: datetime | None
    """When the user authenticated; None if it is unknown, or if the session has no owner."""

    def __repr__(self) -> str:
        return f"Inspection(active={self.active!r}, reason={self.reason!r}, realm={self.realm!r}, ttl={self.ttl!r})"


@dataclass(frozen=True)
class RealmKey(_Slots):
    """A key of a realm, without the key itself."""

    __slots__ = ("alg", "fingerprint", "kid", "signs")

    kid: str | None
    alg: str
    signs: bool
    """Whether it can sign. Of these, the first one signs new tokens."""
    fingerprint: str | None
    """Of a secret without `kid`: 8 hex digits that differ between servers with different secrets."""


@dataclass(frozen=True)
class Realm(_Slots):
    """The settings of a realm, with the names of the server's settings."""

    __slots__ = (
        "access_token_age",
        "algorithm",
        "anonymous_max_age",
        "audience",
        "issuer",
        "keys",
        "keyspace",
        "leeway",
        "max_age",
        "max_data_size",
        "max_lifetime",
        "max_sessions",
        "max_sessions_policy",
        "name",
        "not_before",
        "reuse_detection",
        "rotate_grace",
        "token_type",
        "touch_interval",
    )

    name: str
    algorithm: str
    """The algorithm of new tokens."""
    keyspace: str
    """The prefix of the realm's keys in Redis."""
    max_age: int
    """The ttl of a session in seconds, unless it has its own."""
    anonymous_max_age: int
    """The same for sessions without an owner; 0: `max_age`."""
    max_lifetime: int
    """The seconds after which a session ends, however often it is used; 0: no limit."""
    not_before: int
    """Sessions that started before this Unix time are refused; 0: none."""
    touch_interval: int
    """A read that would extend the session by fewer seconds does not write."""
    rotate_grace: int
    """For how many milliseconds a token works after its rotation."""
    reuse_detection: bool
    leeway: int
    """The clock skew in seconds that `exp` and `nbf` tolerate."""
    issuer: str
    audience: str
    token_type: str
    access_token_age: int
    """The lifetime of an access token in seconds."""
    max_data_size: int
    """In bytes."""
    max_sessions: int
    """The sessions that an owner may have; 0: no limit."""
    max_sessions_policy: str
    keys: tuple[RealmKey, ...]
