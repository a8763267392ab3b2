"""The methods of `JRS` for an owner's sessions and for the server."""

from __future__ import annotations

import builtins
from collections.abc import Iterable
from typing import Any

from . import _operations
from ._connection import Connection
from .models import Inspection, Realm, SessionInfo


class OwnerMethods(Connection):
    """What needs no token, or is for people and tools."""

    def list(
        self,
        owner: str,
        *,
        data: bool = False,
        fields: Iterable[str] | None = None,
        limit: int | None = None,
        after: str | None = None,
    ) -> builtins.list[SessionInfo]:
        """List the live sessions of an owner, the oldest first: the page "my devices".

        Args:
            owner: The owner.
            data: Also return all data of each session.
            fields: Also return the values at these JSON Pointers in the data of each session.
            limit: Return at most so many sessions.
            after: Return only sessions that were created after the one with this id.

        >>> token = jrs.create("user:7", {"device": "phone", "cart": ["book"]})
        >>> [device.fields for device in jrs.list("user:7", fields=["/device"])]
        [{'/device': 'phone'}]
        """
        return self._run(_operations.list_sessions(self._realm, owner, data, fields, limit, after))

    def count(self, owner: str) -> int:
        """Return the number of live sessions of an owner.

        >>> jrs.count("user:without:sessions")
        0
        """
        return self._run(_operations.count(self._realm, owner))

    def revoke(self, session_id: str) -> bool:
        """Destroy a session by its id, without its token: "log that device out". Return whether it existed.

        Any session of the realm: check first that `list` returns the id for the owner.

        >>> token = jrs.create("user:8", {})
        >>> jrs.revoke(jrs.list("user:8")[0].id)
        True
        """
        return self._run(_operations.revoke(self._realm, session_id))

    def destroy_all(self, owner: str, *, except_token: str | None = None) -> int:
        """Destroy all sessions of an owner: "log out everywhere". Return how many.

        Args:
            owner: The owner.
            except_token: The token of a session that stays, usually that of the request.

        >>> tokens = [jrs.create("user:9", {}) for device in range(3)]
        >>> jrs.destroy_all("user:9", except_token=tokens[0])
        2
        """
        return self._run(_operations.destroy_all(self._realm, owner, except_token))

    def inspect(self, token: str) -> Inspection:
        """Explain what a token holds and why it is refused. A bad token is not an error here.

        >>> jrs.inspect("hello").reason
        'BADTOKEN the token is malformed: it must have three parts separated by dots'
        """
        return self._run(_operations.inspect(self._realm, token))

    def jwks(self) -> dict[str, Any]:
        """Return the public keys of the realm as a JWK Set. It has no secrets and no private keys.

        >>> jrs.jwks()
        {'keys': []}
        """
        return self._run(_operations.jwks(self._realm))

    def realms(self) -> builtins.list[Realm]:
        """Return the settings of all realms of the server.

        >>> [realm.name for realm in jrs.realms()]
        ['default']
        """
        return self._run(_operations.realms())

    def realm_settings(self) -> Realm:
        """Return the settings of this client's realm. They are requested once a minute at most.

        >>> jrs.realm_settings().max_age
        86400
        """
        return self._run(self._realm.settings())

    def reload(self) -> None:
        """Let the server read the key and realm files again; in a cluster, every node."""
        self._run(_operations.reload())

    def rotate_key(self) -> str:
        """Make a new signing key in the key file that the server generated. Return its `kid`."""
        return self._run(_operations.rotate_key(self._realm))
