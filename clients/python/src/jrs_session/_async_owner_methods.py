"""The methods of `AsyncJRS` for an owner's sessions and for the server."""

from __future__ import annotations

import builtins
from collections.abc import Iterable
from typing import Any

from . import _operations
from ._async_connection import AsyncConnection
from .models import Inspection, Realm, SessionInfo


class AsyncOwnerMethods(AsyncConnection):
    """What needs no token, or is for people and tools."""

    async def list(
        self,
        owner: str,
        *,
        data: bool = False,
        fields: Iterable[str] | None = None,
        limit: int | None = None,
        after: str | None = None,
    ) -> builtins.list[SessionInfo]:
        """As `JRS.list`."""
        return await self._run(_operations.list_sessions(self._realm, owner, data, fields, limit, after))

    async def count(self, owner: str) -> int:
        """As `JRS.count`."""
        return await self._run(_operations.count(self._realm, owner))

    async def revoke(self, session_id: str) -> bool:
        """As `JRS.revoke`."""
        return await self._run(_operations.revoke(self._realm, session_id))

    async def destroy_all(self, owner: str, *, except_token: str | None = None) -> int:
        """As `JRS.destroy_all`."""
        return await self._run(_operations.destroy_all(self._realm, owner, except_token))

    async def inspect(self, token: str) -> Inspection:
        """As `JRS.inspect`."""
        return await self._run(_operations.inspect(self._realm, token))

    async def jwks(self) -> dict[str, Any]:
        """As `JRS.jwks`."""
        return await self._run(_operations.jwks(self._realm))

    async def realms(self) -> builtins.list[Realm]:
        """As `JRS.realms`."""
        return await self._run(_operations.realms())

    async def realm_settings(self) -> Realm:
        """As `JRS.realm_settings`."""
        return await self._run(self._realm.settings())

    async def reload(self) -> None:
        """As `JRS.reload`."""
        await self._run(_operations.reload())

    async def rotate_key(self) -> str:
        """As `JRS.rotate_key`."""
        return await self._run(_operations.rotate_key(self._realm))
