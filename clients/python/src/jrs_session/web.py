"""The session of a request: its fields, and what an application does with it. The same for all frameworks."""

from __future__ import annotations

from collections.abc import Awaitable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Callable, Generic, TypeVar, Union

from ._arguments import owner_text
from ._web_core import SessionCore
from ._web_options import ReusedToken

if TYPE_CHECKING:
    from datetime import datetime

    from ._arguments import Duration
    from ._command import Operation
    from ._web_options import Options
    from .async_client import AsyncJRS
    from .client import JRS
    from .models import SessionInfo

__all__ = ["AsyncListedSession", "AsyncWebSession", "ListedSession", "ReusedToken", "WebSession"]

T = TypeVar("T")
Result = TypeVar("Result", bound=Union[bool, "Awaitable[bool]"])


class _Listed(Generic[Result]):
    def __init__(self, info: SessionInfo, destroy: Callable[[str], Result], *, current: bool) -> None:
        self._info = info
        self._destroy = destroy
        self.current = current
        """Whether it is the session of this request."""

    @property
    def id(self) -> str:
        """The id of the session."""
        return self._info.id

    @property
    def created(self) -> datetime:
        """When the id was created. A rotation creates a new id."""
        return self._info.created

    @property
    def ttl(self) -> int | None:
        """The seconds until the session expires if it is not used; `None` if its key has no expiry."""
        return self._info.ttl

    @property
    def data(self) -> dict[str, Any] | None:
        """The data; `None` with `fields`, or if the stored data cannot be read."""
        return self._info.data

    @property
    def fields(self) -> dict[str, Any]:
        """The values by their JSON Pointers. A value that the session does not have is missing."""
        return self._info.fields or {}

    def destroy(self) -> Result:
        """Destroys the session. `False` if it had already ended."""
        return self._destroy(self.id)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.id}>"


class ListedSession(_Listed[bool]):
    """One of the sessions of an owner."""


class AsyncListedSession(_Listed["Awaitable[bool]"]):
    """One of the sessions of an owner. `destroy()` must be awaited."""


class WebSession(SessionCore):
    """The session of a request. Its fields are those of a `dict`, with values that JSON can hold."""

    def __init__(self, jrs: JRS, options: Options) -> None:
        super().__init__(jrs._realm, options)
        self._jrs = jrs

    def _run(self, operation: Operation[T]) -> T:
        return self._jrs._run(operation)

    def create(self, owner: str | int = "", *, claims: Mapping[str, Any] | None = None, ttl: int | None = None) -> str:
        """Creates a session with the fields. Returns the token."""
        return self._run(self._create(owner_text(owner), claims, ttl))

    def save(self) -> str:
        """Creates the session, or stores the changed fields. Returns the token."""
        return self._run(self._save())

    def merge(self, patch: Mapping[str, Any]) -> None:
        """Stores these fields at once (RFC 7396: `None` removes one). Other unsaved changes are not stored."""
        self._run(self._merge(patch))

    def reload(self) -> None:
        """Reads the session again. Unsaved changes are lost."""
        self._run(self._reload())

    def touch(self) -> int | None:
        """Extends the session, as reading it does. Returns the seconds left; `None` if it has ended."""
        return self._run(self._touch())

    def rotate(
        self,
        *,
        claims: Mapping[str, Any] | None = None,
        owner: str | int | None = None,
        reauth: bool = False,
        grace: Duration | None = None,
    ) -> str:
        """Gives the session a new id and a new token; `reauth`: the user has just authenticated."""
        return self._run(self._rotate(claims, None if owner is None else owner_text(owner), reauth, grace))

    def log_in(self, owner: str | int, *, claims: Mapping[str, Any] | None = None) -> str:
        """Makes it the session of a user who has just authenticated, safe against session fixation.

        An anonymous session keeps its fields; one of another user is destroyed. The old token is invalid at once.
        """
        return self._run(self._log_in(owner_text(owner), claims))

    def mint(
        self, *, audience: str | None = None, ttl: int | None = None, claims: Mapping[str, Any] | None = None
    ) -> str:
        """Signs a short-lived access token for another service."""
        return self._run(self._mint(audience, ttl, claims))

    def destroy(self) -> bool:
        """Destroys the session. Fields that are set later are not saved: for those call `regenerate`."""
        return self._run(self._destroy())

    def regenerate(self) -> None:
        """Destroys the session, and begins an empty one, which gets a token when it is saved."""
        self._run(self._regenerate())

    def sessions(
        self, *, fields: Sequence[str] | None = None, limit: int | None = None, after: str | None = None
    ) -> list[ListedSession]:
        """The live sessions of the owner, the oldest first: "my devices". With JSON Pointers only these values."""
        listed = self._run(self._list_sessions(fields, limit, after))
        return [ListedSession(info, self._destroy_listed, current=info.id == self._id) for info in listed]

    def destroy_all(self, *, keep_current: bool = False) -> int:
        """Destroys the sessions of the owner: "log out everywhere". Returns how many."""
        return self._run(self._destroy_all(keep_current))

    def require_recent_auth(self, seconds: int) -> None:
        """Raises `StaleAuth` if the user authenticated longer ago; `NoSession` or `NoOwner` without a user."""
        self._run(self._require_recent_auth(seconds))

    def _destroy_listed(self, session_id: str) -> bool:
        return self._run(self._revoke(session_id))


class AsyncWebSession(SessionCore):
    """The session of a request. Its fields are those of a `dict`, with values that JSON can hold."""

    def __init__(self, jrs: AsyncJRS, options: Options) -> None:
        super().__init__(jrs._realm, options)
        self._jrs = jrs

    async def _run(self, operation: Operation[T]) -> T:
        return await self._jrs._run(operation)

    async def create(
        self, owner: str | int = "", *, claims: Mapping[str, Any] | None = None, ttl: int | None = None
    ) -> str:
        """Creates a session with the fields. Returns the token."""
        return await self._run(self._create(owner_text(owner), claims, ttl))

    async def save(self) -> str:
        """Creates the session, or stores the changed fields. Returns the token."""
        return await self._run(self._save())

    async def merge(self, patch: Mapping[str, Any]) -> None:
        """Stores these fields at once (RFC 7396: `None` removes one). Other unsaved changes are not stored."""
        await self._run(self._merge(patch))

    async def reload(self) -> None:
        """Reads the session again. Unsaved changes are lost."""
        await self._run(self._reload())

    async def touch(self) -> int | None:
        """Extends the session, as reading it does. Returns the seconds left; `None` if it has ended."""
        return await self._run(self._touch())

    async def rotate(
        self,
        *,
        claims: Mapping[str, Any] | None = None,
        owner: str | int | None = None,
        reauth: bool = False,
        grace: Duration | None = None,
    ) -> str:
        """Gives the session a new id and a new token; `reauth`: the user has just authenticated."""
        return await self._run(self._rotate(claims, None if owner is None else owner_text(owner), reauth, grace))

    async def log_in(self, owner: str | int, *, claims: Mapping[str, Any] | None = None) -> str:
        """Makes it the session of a user who has just authenticated, safe against session fixation.

        An anonymous session keeps its fields; one of another user is destroyed. The old token is invalid at once.
        """
        return await self._run(self._log_in(owner_text(owner), claims))

    async def mint(
        self, *, audience: str | None = None, ttl: int | None = None, claims: Mapping[str, Any] | None = None
    ) -> str:
        """Signs a short-lived access token for another service."""
        return await self._run(self._mint(audience, ttl, claims))

    async def destroy(self) -> bool:
        """Destroys the session. Fields that are set later are not saved: for those call `regenerate`."""
        return await self._run(self._destroy())

    async def regenerate(self) -> None:
        """Destroys the session, and begins an empty one, which gets a token when it is saved."""
        await self._run(self._regenerate())

    async def sessions(
        self, *, fields: Sequence[str] | None = None, limit: int | None = None, after: str | None = None
    ) -> list[AsyncListedSession]:
        """The live sessions of the owner, the oldest first: "my devices". With JSON Pointers only these values."""
        listed = await self._run(self._list_sessions(fields, limit, after))
        return [AsyncListedSession(info, self._destroy_listed, current=info.id == self._id) for info in listed]

    async def destroy_all(self, *, keep_current: bool = False) -> int:
        """Destroys the sessions of the owner: "log out everywhere". Returns how many."""
        return await self._run(self._destroy_all(keep_current))

    async def require_recent_auth(self, seconds: int) -> None:
        """Raises `StaleAuth` if the user authenticated longer ago; `NoSession` or `NoOwner` without a user."""
        await self._run(self._require_recent_auth(seconds))

    async def _destroy_listed(self, session_id: str) -> bool:
        return await self._run(self._revoke(session_id))
