"""My devices, and log out everywhere."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from asgiref.sync import sync_to_async

from ..web import ListedSession
from ..web_errors import NoOwner
from ._store import SessionStore

if TYPE_CHECKING:
    from django.http import HttpRequest


def sessions(
    request: HttpRequest, *, fields: Sequence[str] | None = None, limit: int | None = None, after: str | None = None
) -> list[ListedSession]:
    """The live sessions of the user, the oldest first: "my devices". With JSON Pointers only these values.

    Raises:
        NoOwner: No user has logged in.
    """
    store, owner = _owned(request)
    jrs, current = store._jrs, store.session_id

    def destroy(session_id: str) -> bool:
        existed = jrs.revoke(session_id)
        if session_id == current:
            store.end()
        return existed

    listed = jrs.list(owner, data=fields is None, fields=fields, limit=limit, after=after)
    return [ListedSession(info, destroy, current=info.id == current) for info in listed]


def destroy_all(request: HttpRequest, *, keep_current: bool = False) -> int:
    """Destroys the sessions of the user: "log out everywhere". Returns how many.

    Raises:
        NoOwner: No user has logged in.
    """
    store, owner = _owned(request)
    count = store._jrs.destroy_all(owner, except_token=store.session_key if keep_current else None)
    if not keep_current:
        # Models can be imported only after the applications, and this module is imported before.
        from django.contrib.auth.models import AnonymousUser

        store.end()
        request.user = AnonymousUser()
    return count


async def asessions(request: HttpRequest, **options: Any) -> list[ListedSession]:
    """As `sessions`. `destroy()` of a listed session is not asynchronous."""
    return await sync_to_async(sessions)(request, **options)


async def adestroy_all(request: HttpRequest, *, keep_current: bool = False) -> int:
    """As `destroy_all`."""
    return await sync_to_async(destroy_all)(request, keep_current=keep_current)


def _owned(request: HttpRequest) -> tuple[SessionStore, str]:
    store = request.session
    if not isinstance(store, SessionStore):
        raise TypeError('request.session is of another engine: set SESSION_ENGINE = "jrs_session.django"')
    if store.modified:
        store.save()  # a login in this request gives the session its owner
    if not store.owner:
        raise NoOwner("no user has logged in")
    return store, store.owner
