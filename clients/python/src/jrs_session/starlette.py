"""Sessions for Starlette, FastAPI and other ASGI applications."""

from __future__ import annotations

from inspect import isawaitable
from typing import TYPE_CHECKING, Any, Callable

from starlette.requests import HTTPConnection

from ._request import find_token, reused_token
from ._web_options import Options
from .async_client import AsyncJRS
from .cookie import Cookie, resolve_cookie
from .web import AsyncListedSession, AsyncWebSession, ReusedToken

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["AsyncListedSession", "AsyncWebSession", "Cookie", "JRSMiddleware", "ReusedToken"]

_HEADERS_MESSAGES = {"http.response.start", "websocket.accept", "websocket.http.response.start"}


class JRSMiddleware:
    """Puts the session of a request into `request.session`, saves it, and sets and clears its cookie.

    Args:
        app: The application.
        jrs: The client.
        cookie: The cookie that holds the token, or `False`.
        bearer: Whether the token may also come in the header `Authorization: Bearer …`.
        auto_save: Whether changed fields are saved before the headers of the response are sent.
        fail_open: Whether a request continues with an empty session while Redis is unavailable.
        on_reuse: Called when a replaced token comes again; it may return something to await.
    """

    def __init__(
        self,
        app: ASGIApp,
        jrs: AsyncJRS,
        cookie: bool | Cookie = True,
        bearer: bool = False,
        auto_save: bool = True,
        fail_open: bool = False,
        on_reuse: Callable[[ReusedToken], Any] | None = None,
    ) -> None:
        if not isinstance(jrs, AsyncJRS):
            raise TypeError("jrs must be an AsyncJRS")
        self.app = app
        self._jrs = jrs
        self._options = Options(resolve_cookie(cookie), bearer, auto_save, fail_open, on_reuse)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves a request."""
        if scope["type"] not in ("http", "websocket") or self._is_served(scope.get("session")):
            await self.app(scope, receive, send)
            return
        session = AsyncWebSession(self._jrs, self._options)
        await self._load(session, scope)
        scope["session"] = session
        auto_save = self._options.auto_save

        async def send_with_session(message: Message) -> None:
            if message["type"] in _HEADERS_MESSAGES and not session._headers_sent:
                if auto_save and session._before:
                    await self._report(session, scope, await session._run(session._save_changes()))
                session._headers_sent = True
                message = self._with_headers(message, session)
            await send(message)

        await self.app(scope, receive, send_with_session)
        if auto_save and session._headers_sent and session._before:
            # Of a WebSocket, a stream or a background task.
            await self._report(session, scope, await session._run(session._save_changes()))

    def _is_served(self, outer: object) -> bool:
        """Whether another middleware serves this session. A mounted application may have a session of its own."""
        if not isinstance(outer, AsyncWebSession) or outer._realm.name != self._jrs.realm:
            return False
        return outer._options.token_source == self._options.token_source

    async def _load(self, session: AsyncWebSession, scope: Scope) -> None:
        authorization = cookies = None
        for name, value in scope["headers"]:
            if name == b"cookie":
                cookies = value if cookies is None else cookies + b"; " + value
            elif name == b"authorization":
                authorization = value
        token, session._by_header = find_token(self._options, _text(authorization), _text(cookies))
        if token is not None:
            await self._report(session, scope, await session._run(session._load(token)))

    async def _report(self, session: AsyncWebSession, scope: Scope, reused: str | None) -> None:
        if reused is None or self._options.on_reuse is None:
            return
        result = self._options.on_reuse(reused_token(session._realm, reused, HTTPConnection(scope)))
        if isawaitable(result):
            await result

    def _with_headers(self, message: Message, session: AsyncWebSession) -> Message:
        headers = list(message.get("headers", ()))
        cookie, value = self._options.cookie, session._cookie_header()
        if value is not None and cookie is not None:
            start = f"{cookie.name}=".encode()
            if not any(name.lower() == b"set-cookie" and line.startswith(start) for name, line in headers):
                headers.append((b"set-cookie", value.encode()))
        if (value is not None or session.accessed) and not _varies_by_cookie(headers):
            headers.append((b"vary", b"Cookie"))
        return {**message, "headers": headers}


def _text(header: bytes | None) -> str | None:
    return None if header is None else header.decode("latin-1")


def _varies_by_cookie(headers: list[tuple[bytes, bytes]]) -> bool:
    return any(
        word.strip().lower() in (b"cookie", b"*")
        for name, value in headers
        if name.lower() == b"vary"
        for word in value.split(b",")
    )
