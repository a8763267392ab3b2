"""What the methods of `JRS` and `AsyncJRS` do: which commands they send, and how they read the replies."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Literal, NamedTuple

from . import _arguments, _json, _replies
from ._arguments import Duration
from ._command import Command, Operation, Word
from ._library import response_error
from ._realm import CurrentRealm
from ._token import unverified_claims
from .errors import BadData, BadToken, CommandError, JRSError, StaleAuth, WrongKey, new_error
from .models import Inspection, Realm, Session, SessionInfo


def create(
    realm: CurrentRealm,
    owner: str,
    data: Mapping[str, Any],
    claims: Mapping[str, Any] | None,
    ttl: Duration | None,
    expires_at: datetime | None,
) -> Operation[str]:
    """Sends `JRS.CREATE`."""
    sent = _arguments.text(realm.owner_to_server(owner), "owner")
    options = (*_claims(claims), *_arguments.expiry(ttl, expires_at), *realm.option())
    body = _json.encode_object(data, "data")
    return _replies.text((yield from _in_realm(realm, ("JRS.CREATE", sent, body, *options))))


def read(
    realm: CurrentRealm, name: Literal["JRS.GET", "JRS.PEEK"], token: str, max_auth_age: Duration | None
) -> Operation[Session | None]:
    """Sends `JRS.GET` or `JRS.PEEK`."""
    options = _arguments.max_auth_age(max_auth_age)
    reply = yield from _with_token(realm, name, token, *options)
    if reply is None:
        return None
    session = _session(realm, _replies.as_map(reply), token)
    if max_auth_age is not None and session.owner == "":
        # In a cluster the server takes an anonymous session for one of a random owner.
        raise _error(realm, StaleAuth, "STALEAUTH the session has no owner, so no user has authenticated")
    return session


class CompactSession(NamedTuple):
    """A session as a request needs it: without its etag."""

    id: str
    owner: str
    data: dict[str, Any]
    claims: dict[str, Any]
    ttl: int | None


def read_compact(
    realm: CurrentRealm, name: Literal["JRS.GET", "JRS.PEEK"], token: str
) -> Operation[CompactSession | None]:
    """Sends `JRS.GET … COMPACT` or `JRS.PEEK … COMPACT`, whose replies are read faster."""
    reply = yield from _with_token(realm, name, token, "COMPACT")
    if reply is None:
        return None
    session_id, owner, data, claims, ttl = reply
    return CompactSession(
        id=_replies.text(session_id),
        owner=realm.owner_from_server(_replies.text(owner)),
        data=_data(realm, data),
        claims=json.loads(_replies.text(claims)),
        ttl=_replies.integer_or_none(ttl),
    )


def change(
    realm: CurrentRealm,
    mode: Literal["REPLACE", "MERGE", "PATCH"],
    token: str,
    body: bytes,
    if_match: str | None,
    keep_ttl: bool,
    ttl: Duration | None,
) -> Operation[str | None]:
    """Sends `JRS.UPDATE`."""
    options: tuple[Word, ...] = () if mode == "REPLACE" else (mode,)
    if if_match is not None:
        options += ("IFMATCH", _arguments.text(if_match, "if_match"))
    options += _arguments.expiry(ttl, keep_ttl=keep_ttl)
    return _replies.text_or_none((yield from _with_token(realm, "JRS.UPDATE", token, body, *options)))


def touch(realm: CurrentRealm, token: str, ttl: Duration | None) -> Operation[int | None]:
    """Sends `JRS.TOUCH`."""
    return _replies.integer_or_none((yield from _with_token(realm, "JRS.TOUCH", token, *_arguments.expiry(ttl))))


def destroy(realm: CurrentRealm, token: str) -> Operation[bool]:
    """Sends `JRS.DESTROY`."""
    return int((yield from _with_token(realm, "JRS.DESTROY", token))) == 1


def rotate(
    realm: CurrentRealm,
    token: str,
    claims: Mapping[str, Any] | None,
    owner: str | None,
    reauth: bool,
    grace: Duration | None,
) -> Operation[str | None]:
    """Sends `JRS.ROTATE`."""
    options: tuple[Word, ...] = _claims(claims)
    if owner is not None:
        options += ("OWNER", _arguments.text(realm.owner_to_server(owner), "owner"))
    if reauth:
        options += ("REAUTH",)
    if grace is not None:
        options += ("GRACE", str(_arguments.milliseconds(grace, "grace")))
    return _replies.text_or_none((yield from _with_token(realm, "JRS.ROTATE", token, *options)))


def mint(
    realm: CurrentRealm,
    token: str,
    audience: str | None,
    ttl: Duration | None,
    claims: Mapping[str, Any] | None,
) -> Operation[str | None]:
    """Sends `JRS.MINT`."""
    owner = (unverified_claims(token) or {}).get("sub", "")
    if realm.cluster and isinstance(owner, str) and realm.owner_from_server(owner) == "":
        raise _error(realm, CommandError, "an access token needs an owner: this session is anonymous")
    options = _arguments.expiry(ttl)
    if audience is not None:
        options += ("AUDIENCE", _arguments.text(audience, "audience"))
    return _replies.text_or_none((yield from _with_token(realm, "JRS.MINT", token, *options, *_claims(claims))))


def list_sessions(
    realm: CurrentRealm,
    owner: str,
    data: bool,
    fields: Iterable[str] | None,
    limit: int | None,
    after: str | None,
) -> Operation[list[SessionInfo]]:
    """Sends `JRS.LIST`."""
    pointers = _arguments.pointers(fields)
    options: tuple[Word, ...] = ("WITHDATA",) if data else ()
    if pointers:
        options += ("FIELDS", str(len(pointers)), *(_arguments.text(pointer, "a field") for pointer in pointers))
    if limit is not None:
        options += ("LIMIT", str(limit))
    if after is not None:
        options += ("AFTER", _arguments.text(after, "after"))
    words = ("JRS.LIST", _arguments.text(owner, "owner"), *options, *realm.option())
    return _replies.session_infos((yield from _in_realm(realm, words)), pointers)


def count(realm: CurrentRealm, owner: str) -> Operation[int]:
    """Sends `JRS.COUNT`."""
    return int((yield from _in_realm(realm, ("JRS.COUNT", _arguments.text(owner, "owner"), *realm.option()))))


def destroy_all(realm: CurrentRealm, owner: str, except_token: str | None) -> Operation[int]:
    """Sends `JRS.DESTROYALL`."""
    options: tuple[Word, ...] = ()
    if except_token is not None:
        _token_claims(realm, except_token)
        options = ("EXCEPT", except_token)
    words = ("JRS.DESTROYALL", _arguments.text(owner, "owner"), *options, *realm.option())
    return int((yield from _in_realm(realm, words)))


def revoke(realm: CurrentRealm, session_id: str) -> Operation[bool]:
    """Sends `JRS.REVOKE`."""
    return int((yield from _with_key(realm, session_id, "JRS.REVOKE"))) == 1


def inspect(realm: CurrentRealm, token: str) -> Operation[Inspection]:
    """Sends `JRS.INSPECT`. Only a cluster needs the key; without it the reply names any realm of the server."""
    words: tuple[Word, ...] = (_arguments.text(token, "token"),)
    if realm.cluster:
        claims = unverified_claims(token) or {"jti": ""}
        keyspace = (yield from realm.settings()).keyspace
        words = (_arguments.text(keyspace + claims["jti"], "the key"), *words)
    return _replies.inspection((yield Command(("JRS.INSPECT", *words))))


def jwks(realm: CurrentRealm) -> Operation[dict[str, Any]]:
    """Sends `JRS.JWKS`."""
    reply = yield from _in_realm(realm, ("JRS.JWKS", *realm.option()), nodes="any")
    value: dict[str, Any] = json.loads(_replies.text(reply))
    return value


def realms() -> Operation[list[Realm]]:
    """Sends `JRS.REALMS`."""
    return _replies.realms((yield Command(("JRS.REALMS",), nodes="any")))


def reload() -> Operation[None]:
    """Sends `JRS.RELOAD`, in a cluster to every node."""
    yield Command(("JRS.RELOAD",), nodes="all")


def rotate_key(realm: CurrentRealm) -> Operation[str]:
    """Sends `JRS.ROTATEKEY`."""
    return _replies.text((yield from _in_realm(realm, ("JRS.ROTATEKEY", *realm.option()), nodes="any")))


def _in_realm(realm: CurrentRealm, words: tuple[Word, ...], nodes: Literal["any"] | None = None) -> Operation[Any]:
    """Sends a command that names the realm. If the server refuses it, asks whether there is such a realm."""
    try:
        return (yield Command(words, nodes))
    except CommandError:
        if realm.option():
            yield from realm.refresh()  # raises UnknownRealm
        raise


def _with_token(realm: CurrentRealm, name: str, token: str, *args: Word) -> Operation[Any]:
    """Sends a command whose first arguments are a session's key and the token of that session.

    A cluster finds the node by the key; other servers check by it that the token belongs to the realm.
    """
    return (yield from _with_key(realm, _token_claims(realm, token)["jti"], name, token, *args))


def _with_key(realm: CurrentRealm, session_id: str, name: str, *args: Word) -> Operation[Any]:
    """Sends a command with the key of a session. Requests the keyspace again if the server says `WRONGKEY`."""
    keyspace = (yield from realm.settings()).keyspace
    try:
        return (yield Command((name, _arguments.text(keyspace + session_id, "the id"), *args)))
    except WrongKey:
        try:
            new = (yield from realm.refreshed_after_wrong_key()).keyspace
        except JRSError:
            new = keyspace
        if new == keyspace:
            raise
    return (yield Command((name, _arguments.text(new + session_id, "the id"), *args)))


def _token_claims(realm: CurrentRealm, token: str) -> dict[str, Any]:
    """The claims of a token. Without an id there is no key to send; the server would reply `BADTOKEN` too."""
    if not isinstance(token, str):
        raise TypeError(f"the token must be a str, not {type(token).__name__}")
    claims = unverified_claims(token)
    if claims is None:
        raise _error(realm, BadToken, "BADTOKEN the token is malformed")
    return claims


def _session(realm: CurrentRealm, reply: dict[str, Any], token: str) -> Session:
    return Session(
        id=_replies.text(reply["id"]),
        owner=realm.owner_from_server(_replies.text(reply["owner"])),
        data=_data(realm, reply["data"]),
        claims=json.loads(_replies.text(reply["claims"])),
        ttl=_replies.integer_or_none(reply["ttl"]),
        etag=_replies.text(reply["etag"]),
        token=token,
    )


def _data(realm: CurrentRealm, reply: Any) -> dict[str, Any]:
    try:
        data = _json.decode_object(_replies.text(reply))
    except ValueError:
        data = None
    if data is None:
        raise _error(realm, BadData, "BADDATA the stored data is not a JSON object")
    return data


def _claims(claims: Mapping[str, Any] | None) -> tuple[Word, ...]:
    return () if claims is None else ("CLAIMS", _json.encode_object(claims, "claims"))


def _error(realm: CurrentRealm, kind: type[JRSError], message: str) -> JRSError:
    """An error that this package finds before the server would. It is also an error of the client's library."""
    return new_error(kind, message, response_error(realm.library))
