"""Reading replies: maps of RESP3 and their flat arrays of RESP2, text as `str` or `bytes`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from typing import Any

from ._json import decode_object
from .models import Inspection, Realm, RealmKey, SessionInfo

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


def as_map(reply: Any) -> dict[str, Any]:
    """A map reply, with names as `str`."""
    if isinstance(reply, Mapping):
        return {text(name): value for name, value in reply.items()}
    return {text(reply[at]): reply[at + 1] for at in range(0, len(reply), 2)}


def text(reply: Any) -> str:
    """A string reply."""
    return reply.decode() if isinstance(reply, bytes) else str(reply)


def text_or_none(reply: Any) -> str | None:
    """A string reply or a null."""
    return None if reply is None else text(reply)


def integer_or_none(reply: Any) -> int | None:
    """An integer reply or a null."""
    return None if reply is None else int(reply)


def session_infos(reply: Any, fields: tuple[str, ...]) -> list[SessionInfo]:
    """The reply of `JRS.LIST`."""
    return [_session_info(as_map(item), fields) for item in reply]


def _session_info(item: dict[str, Any], fields: tuple[str, ...]) -> SessionInfo:
    values = item.get("fields")
    return SessionInfo(
        id=text(item["id"]),
        created=_EPOCH + timedelta(milliseconds=int(item["created"])),
        ttl=integer_or_none(item["ttl"]),
        data=_data_or_none(item.get("data")),
        fields=None if values is None else _fields(fields, values),
    )


def _data_or_none(reply: Any) -> dict[str, Any] | None:
    """None for data that cannot be read: one broken session must not keep its owner from listing the others."""
    try:
        return None if reply is None else decode_object(text(reply))
    except ValueError:
        return None


def _fields(pointers: tuple[str, ...], values: list[Any]) -> dict[str, Any]:
    return {pointer: json.loads(text(value)) for pointer, value in zip(pointers, values) if value is not None}


def inspection(reply: Any) -> Inspection:
    """The reply of `JRS.INSPECT`."""
    item = as_map(reply)
    auth_time = integer_or_none(item["auth_time"])
    return Inspection(
        active=bool(item["active"]),
        reason=text_or_none(item["reason"]),
        realm=text_or_none(item["realm"]),
        alg=text_or_none(item["alg"]),
        kid=text_or_none(item["kid"]),
        header=_data_or_none(item["header"]),
        claims=_data_or_none(item["claims"]),
        key=text_or_none(item["key"]),
        ttl=integer_or_none(item["ttl"]),
        auth_time=None if auth_time is None else _EPOCH + timedelta(seconds=auth_time),
    )


def realms(reply: Any) -> list[Realm]:
    """The reply of `JRS.REALMS`."""
    return [_realm(as_map(item)) for item in reply]


def _realm(item: dict[str, Any]) -> Realm:
    def seconds(name: str) -> int:
        return int(item[name])

    def word(name: str) -> str:
        return text(item[name])

    return Realm(
        name=word("name"),
        algorithm=word("algorithm"),
        keyspace=word("keyspace"),
        max_age=seconds("max-age"),
        anonymous_max_age=seconds("anonymous-max-age"),
        max_lifetime=seconds("max-lifetime"),
        not_before=seconds("not-before"),
        touch_interval=seconds("touch-interval"),
        rotate_grace=int(item["rotate-grace"]),
        reuse_detection=word("reuse-detection") == "yes",
        leeway=seconds("leeway"),
        issuer=word("issuer"),
        audience=word("audience"),
        token_type=word("token-type"),
        access_token_age=seconds("access-token-age"),
        max_data_size=int(item["max-data-size"]),
        max_sessions=int(item["max-sessions"]),
        max_sessions_policy=word("max-sessions-policy"),
        keys=tuple(_realm_key(as_map(key)) for key in item["keys"]),
    )


def _realm_key(item: dict[str, Any]) -> RealmKey:
    return RealmKey(
        kid=text_or_none(item["kid"]),
        alg=text(item["alg"]),
        signs=bool(item["signs"]),
        fingerprint=text_or_none(item.get("fingerprint")),
    )
