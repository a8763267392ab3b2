"""Sessions for FastAPI: the middleware of Starlette, and dependencies.

FastAPI reads the annotations of this module while the application runs, so they are not texts.
"""

from collections.abc import Awaitable
from typing import Annotated, Any, Callable, Union

from fastapi import Depends, HTTPException
from fastapi.openapi.models import APIKey, HTTPBearer
from fastapi.security.base import SecurityBase
from starlette.exceptions import WebSocketException
from starlette.requests import HTTPConnection

from ._request import NOT_LOGGED_IN, challenge, check_seconds
from .cookie import Cookie
from .errors import StaleAuth
from .starlette import AsyncListedSession, AsyncWebSession, JRSMiddleware, ReusedToken

__all__ = [
    "AsyncListedSession",
    "AsyncWebSession",
    "Cookie",
    "CurrentSession",
    "JRSMiddleware",
    "ReusedToken",
    "SessionSecurity",
    "SignedIn",
    "require_recent_auth",
]


class SessionSecurity(SecurityBase):
    """A dependency that is the session of the request. The page of the API's documentation shows its lock.

    Args:
        signed_in: Whether a request without an owner is refused with the status 401.
        cookie: The cookie of the middleware, for the documentation. `False`: the token comes as a bearer token.
    """

    def __init__(self, *, signed_in: bool = False, cookie: Union[Cookie, bool] = True) -> None:
        self._signed_in = signed_in
        self.model: Any
        if cookie is False:
            self.scheme_name = "session-bearer"
            self.model = HTTPBearer(bearerFormat="JWT")
        else:
            name = (Cookie() if cookie is True else cookie).name
            self.scheme_name = "session" if cookie is True else f"session-{name}"
            self.model = APIKey.model_validate({"in": "cookie", "name": name})

    async def __call__(self, connection: HTTPConnection) -> AsyncWebSession:
        """The session of a request or a WebSocket."""
        session = _session_of(connection)
        if self._signed_in and not session.owner:
            raise _refusal(connection, "Bearer")
        return session


CurrentSession = Annotated[AsyncWebSession, Depends(SessionSecurity())]
"""The session of the request. It is empty and has no `id` if the request has none."""

SignedIn = Annotated[AsyncWebSession, Depends(SessionSecurity(signed_in=True))]
"""The session of a user. A request without one is refused with the status 401."""


def require_recent_auth(seconds: int) -> Callable[[HTTPConnection], Awaitable[None]]:
    """A dependency that refuses a request with the status 401 (RFC 9470) if the login is older.

    >>> @app.post("/email", dependencies=[Depends(require_recent_auth(300))])
    """
    check_seconds(seconds)

    async def recent_auth(connection: HTTPConnection) -> None:
        try:
            await _session_of(connection).require_recent_auth(seconds)
        except (StaleAuth, *NOT_LOGGED_IN) as error:
            refusal = _refusal(connection, challenge(error, seconds))
        else:
            return
        raise refusal

    return recent_auth


def _session_of(connection: HTTPConnection) -> AsyncWebSession:
    session = connection.scope.get("session")
    if not isinstance(session, AsyncWebSession):
        raise RuntimeError("the application needs the session middleware: app.add_middleware(JRSMiddleware, jrs=jrs)")
    return session


def _refusal(connection: HTTPConnection, header: str) -> Union[HTTPException, WebSocketException]:
    if connection.scope["type"] == "websocket":
        return WebSocketException(1008, "not signed in")
    return HTTPException(401, "Not authenticated", {"WWW-Authenticate": header})
