"""The client for programs with `asyncio`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from . import _json, _operations
from ._arguments import Duration
from ._async_connection import AsyncRedisClient
from ._async_owner_methods import AsyncOwnerMethods
from ._realm import DEFAULT
from .models import Session


class AsyncJRS(AsyncOwnerMethods):
    """The sessions of a realm, with the methods of `JRS`. Each returns a coroutine.

    It works with `decode_responses` on and off, and with RESP2 and RESP3.

    Args:
        client: A client of `redis.asyncio` or `valkey.asyncio`: `Redis`, `Valkey`, `RedisCluster`, `ValkeyCluster`, or
            the `master_for(…)` of a `Sentinel`.
        realm: The name of the realm.
    """

    def __init__(self, client: AsyncRedisClient, realm: str = DEFAULT) -> None:
        super().__init__(client, realm)

    async def create(
        self,
        owner: str,
        data: Mapping[str, Any],
        *,
        claims: Mapping[str, Any] | None = None,
        ttl: Duration | None = None,
        expires_at: datetime | None = None,
    ) -> str:
        """As `JRS.create`."""
        return await self._run(_operations.create(self._realm, owner, data, claims, ttl, expires_at))

    async def get(self, token: str, *, max_auth_age: Duration | None = None) -> Session | None:
        """As `JRS.get`."""
        return await self._run(_operations.read(self._realm, "JRS.GET", token, max_auth_age))

    async def peek(self, token: str, *, max_auth_age: Duration | None = None) -> Session | None:
        """As `JRS.peek`."""
        return await self._run(_operations.read(self._realm, "JRS.PEEK", token, max_auth_age))

    async def update(
        self,
        token: str,
        data: Mapping[str, Any],
        *,
        if_match: str | None = None,
        keep_ttl: bool = False,
        ttl: Duration | None = None,
    ) -> str | None:
        """As `JRS.update`."""
        body = _json.encode_object(data, "data")
        return await self._run(_operations.change(self._realm, "REPLACE", token, body, if_match, keep_ttl, ttl))

    async def merge(
        self,
        token: str,
        patch: Mapping[str, Any],
        *,
        if_match: str | None = None,
        keep_ttl: bool = False,
        ttl: Duration | None = None,
    ) -> str | None:
        """As `JRS.merge`."""
        body = _json.encode_object(patch, "the patch")
        return await self._run(_operations.change(self._realm, "MERGE", token, body, if_match, keep_ttl, ttl))

    async def patch(
        self,
        token: str,
        operations: Sequence[Mapping[str, Any]],
        *,
        if_match: str | None = None,
        keep_ttl: bool = False,
        ttl: Duration | None = None,
    ) -> str | None:
        """As `JRS.patch`."""
        body = _json.encode_array(operations, "the patch")
        return await self._run(_operations.change(self._realm, "PATCH", token, body, if_match, keep_ttl, ttl))

    async def touch(self, token: str, *, ttl: Duration | None = None) -> int | None:
        """As `JRS.touch`."""
        return await self._run(_operations.touch(self._realm, token, ttl))

    async def destroy(self, token: str) -> bool:
        """As `JRS.destroy`."""
        return await self._run(_operations.destroy(self._realm, token))

    async def rotate(
        self,
        token: str,
        *,
        claims: Mapping[str, Any] | None = None,
        owner: str | None = None,
        reauth: bool = False,
        grace: Duration | None = None,
    ) -> str | None:
        """As `JRS.rotate`."""
        return await self._run(_operations.rotate(self._realm, token, claims, owner, reauth, grace))

    async def mint(
        self,
        token: str,
        *,
        audience: str | None = None,
        ttl: Duration | None = None,
        claims: Mapping[str, Any] | None = None,
    ) -> str | None:
        """As `JRS.mint`."""
        return await self._run(_operations.mint(self._realm, token, audience, ttl, claims))
