"""The client for programs without `asyncio`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from . import _json, _operations
from ._arguments import Duration
from ._connection import RedisClient
from ._owner_methods import OwnerMethods
from ._realm import DEFAULT
from .models import Session


class JRS(OwnerMethods):
    """The sessions of a realm.

    Threads may share it, as they may share the client. It works with `decode_responses` on and off, and with RESP2 and
    RESP3.

    Args:
        client: A client of redis-py or valkey-py: `Redis`, `Valkey`, `RedisCluster`, `ValkeyCluster`, or the
            `master_for(…)` of a `Sentinel`.
        realm: The name of the realm.
    """

    def __init__(self, client: RedisClient, realm: str = DEFAULT) -> None:
        super().__init__(client, realm)

    def create(
        self,
        owner: str,
        data: Mapping[str, Any],
        *,
        claims: Mapping[str, Any] | None = None,
        ttl: Duration | None = None,
        expires_at: datetime | None = None,
    ) -> str:
        """Create a session and return its token.

        Args:
            owner: The user that the session belongs to, for example a user id; `""`: an anonymous session.
            data: The session's data, as JSON has it: `dict` with `str` names, `list`, `str`, numbers, `bool`, `None`.
            claims: Claims for the token. They are signed, not encrypted: anyone with the token can read them.
            ttl: Seconds, or a `timedelta`, after which the session expires if it is not used.
            expires_at: A deadline that no use extends, with a time zone.

        Raises:
            TypeError, ValueError: A value has no JSON form, or an argument is wrong.
            TooMany: The owner has as many sessions as the realm allows.

        >>> token = jrs.create("user:42", {"cart": ["book"]}, ttl=timedelta(hours=1))
        >>> jrs.get(token).ttl
        3600
        """
        return self._run(_operations.create(self._realm, owner, data, claims, ttl, expires_at))

    def get(self, token: str, *, max_auth_age: Duration | None = None) -> Session | None:
        """Verify a token, read its session and extend it. None: the session expired or was destroyed.

        Args:
            token: The text that `create` or `rotate` returned.
            max_auth_age: Refuse the session if the user authenticated longer ago.

        Raises:
            TokenRefused: The token is bad, expired, reused, or of another realm.
            StaleAuth: The user authenticated longer ago than `max_auth_age`, or the session has no owner.

        >>> session = jrs.get(jrs.create("user:42", {"cart": ["book"]}))
        >>> session.owner, session.data
        ('user:42', {'cart': ['book']})
        """
        return self._run(_operations.read(self._realm, "JRS.GET", token, max_auth_age))

    def peek(self, token: str, *, max_auth_age: Duration | None = None) -> Session | None:
        """Read a session as `get` does, without extending it. Works on replicas.

        >>> jrs.peek(jrs.create("user:42", {}, ttl=60)).ttl
        60
        """
        return self._run(_operations.read(self._realm, "JRS.PEEK", token, max_auth_age))

    def update(
        self,
        token: str,
        data: Mapping[str, Any],
        *,
        if_match: str | None = None,
        keep_ttl: bool = False,
        ttl: Duration | None = None,
    ) -> str | None:
        """Replace the data of a session. Return the new etag; None if there is no such session.

        A session that expired or was destroyed is not created again.

        Args:
            token: The session's token.
            data: The new data.
            if_match: The `etag` of the data that was read: change nothing if the data has changed since.
            keep_ttl: Do not extend the session.
            ttl: Let the session expire after this time, once. The next `get` extends it as before.

        Raises:
            Conflict: The data has another etag than `if_match`.

        >>> token = jrs.create("user:42", {"visits": 1})
        >>> session = jrs.get(token)
        >>> etag = jrs.update(token, {"visits": 2}, if_match=session.etag)
        >>> jrs.update(token, {"visits": 2}, if_match=session.etag)
        Traceback (most recent call last):
        jrs_session.errors.Conflict: CONFLICT the data does not match the etag: read the session again
        """
        body = _json.encode_object(data, "data")
        return self._run(_operations.change(self._realm, "REPLACE", token, body, if_match, keep_ttl, ttl))

    def merge(
        self,
        token: str,
        patch: Mapping[str, Any],
        *,
        if_match: str | None = None,
        keep_ttl: bool = False,
        ttl: Duration | None = None,
    ) -> str | None:
        """Merge members into the data, in the server: a JSON Merge Patch (RFC 7396). `None` removes a member.

        Two requests that merge different members at the same time both succeed. Arguments and result are those of
        `update`.

        >>> token = jrs.create("user:42", {"theme": "dark", "lang": "nl"})
        >>> etag = jrs.merge(token, {"theme": None, "visits": 1})
        >>> jrs.get(token).data
        {'lang': 'nl', 'visits': 1}
        """
        body = _json.encode_object(patch, "the patch")
        return self._run(_operations.change(self._realm, "MERGE", token, body, if_match, keep_ttl, ttl))

    def patch(
        self,
        token: str,
        operations: Sequence[Mapping[str, Any]],
        *,
        if_match: str | None = None,
        keep_ttl: bool = False,
        ttl: Duration | None = None,
    ) -> str | None:
        """Apply a JSON Patch (RFC 6902) to the data, in the server: all of its operations, or none.

        Arguments and result are those of `update`.

        Raises:
            BadData: A path does not exist, or a `test` did not match.

        >>> token = jrs.create("user:42", {"cart": ["book"]})
        >>> etag = jrs.patch(token, [{"op": "add", "path": "/cart/-", "value": "pen"}])
        >>> jrs.get(token).data
        {'cart': ['book', 'pen']}
        """
        body = _json.encode_array(operations, "the patch")
        return self._run(_operations.change(self._realm, "PATCH", token, body, if_match, keep_ttl, ttl))

    def touch(self, token: str, *, ttl: Duration | None = None) -> int | None:
        """Extend a session without reading it. Return the seconds left; None if there is no such session.

        Args:
            token: The session's token.
            ttl: Let the session expire after this time, once. The next `get` extends it as before.

        >>> jrs.touch(jrs.create("user:42", {}, ttl=60))
        60
        """
        return self._run(_operations.touch(self._realm, token, ttl))

    def destroy(self, token: str) -> bool:
        """Destroy a session: log out. Return whether it existed. Also accepts a token that has expired.

        >>> token = jrs.create("user:42", {})
        >>> jrs.destroy(token), jrs.destroy(token)
        (True, False)
        """
        return self._run(_operations.destroy(self._realm, token))

    def rotate(
        self,
        token: str,
        *,
        claims: Mapping[str, Any] | None = None,
        owner: str | None = None,
        reauth: bool = False,
        grace: Duration | None = None,
    ) -> str | None:
        """Give a session a new id and a new token, with the same data. None: there is no such session.

        The old token is refused at once, unless there is a grace. Rotate when a user's rights change, above all at a
        login: then a token that an attacker planted before is useless.

        Args:
            token: The session's token.
            claims: Claims for the new token. It keeps the old claims that are not given here.
            owner: A new owner, for a guest who logs in. Pass `reauth` too.
            reauth: The user has just authenticated.
            grace: Seconds, or a `timedelta`, for which the old token still works. Not with `owner` or `reauth`.

        Raises:
            CrossSlot: In a cluster, sessions of the new owner are on another node.

        >>> guest = jrs.create("", {"cart": ["book"]})
        >>> token = jrs.rotate(guest, owner="user:42", reauth=True)
        >>> jrs.get(guest), jrs.get(token).data
        (None, {'cart': ['book']})
        """
        return self._run(_operations.rotate(self._realm, token, claims, owner, reauth, grace))

    def mint(
        self,
        token: str,
        *,
        audience: str | None = None,
        ttl: Duration | None = None,
        claims: Mapping[str, Any] | None = None,
    ) -> str | None:
        """Sign a short-lived access token of a session for another service (RFC 9068), and extend the session.

        None: there is no such session.

        Args:
            token: The session's token.
            audience: The service that the access token is for, instead of the realm's audience.
            ttl: Its lifetime, instead of the realm's `access_token_age`.
            claims: Claims for it, for example `client_id` and `scope`.
        """
        return self._run(_operations.mint(self._realm, token, audience, ttl, claims))
