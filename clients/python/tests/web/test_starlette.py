"""What only Starlette has: streams, background tasks and WebSockets."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import Iterator
from typing import Any

import pytest
from redis import Redis as SyncRedis
from redis.asyncio import Redis
from wsproto import ConnectionType, WSConnection
from wsproto.events import AcceptConnection, CloseConnection, Event, TextMessage
from wsproto.events import Request as Handshake

from jrs_session import JRS, AsyncJRS, HeadersSent
from jrs_session.starlette import AsyncWebSession, JRSMiddleware
from support.server import Server, until
from support.web.application import Application
from support.web.browser import Browser
from support.web.starlette_app import starlette

NAME = "__Host-session"


@pytest.fixture
def app(server: Server) -> Iterator[Application]:
    with starlette(server.port) as application:
        yield application


class WebSocket:
    """The client of a WebSocket."""

    def __init__(self, browser: Browser, path: str) -> None:
        self._socket = socket.create_connection(("127.0.0.1", browser.port), timeout=60)
        self._connection = WSConnection(ConnectionType.CLIENT)
        cookies = "; ".join(f"{name}={value}" for name, value in browser.cookies.items()).encode()
        headers = [(b"cookie", cookies)] if cookies else []
        self._send(Handshake(host="127.0.0.1", target=path, extra_headers=headers))
        self.accepted = self.receive()

    def _send(self, event: Event) -> None:
        self._socket.sendall(self._connection.send(event))

    def send_json(self, value: Any) -> None:
        self._send(TextMessage(data=json.dumps(value)))

    def receive(self) -> Event:
        while True:
            for event in self._connection.events():
                return event
            self._connection.receive_data(self._socket.recv(65536) or None)

    def receive_json(self) -> Any:
        event = self.receive()
        assert isinstance(event, TextMessage)
        return json.loads(event.data)

    def close(self) -> None:
        self._socket.close()


def test_a_websocket_has_the_session(app: Application) -> None:
    browser, _ = app.signed_in("ann")
    browser.post("/set", n=1)
    connection = WebSocket(browser, "/socket")
    assert isinstance(connection.accepted, AcceptConnection)
    assert connection.receive_json()["fields"] == {"n": 1}
    connection.send_json([1, 2])
    assert isinstance(connection.receive(), CloseConnection)
    connection.close()
    until("the change is saved", lambda: browser.post("/show").json["fields"] == {"n": 1, "heard": [1, 2]})


def test_a_websocket_keeps_the_cookie_of_a_session_that_has_ended(app: Application) -> None:
    browser, _ = app.signed_in("ann")
    browser.copy().post("/logout")
    connection = WebSocket(browser, "/socket")
    assert isinstance(connection.accepted, AcceptConnection)
    assert b"set-cookie" not in dict(connection.accepted.extra_headers)
    assert connection.receive_json()["owner"] == ""
    connection.close()


def test_changes_of_a_stream_are_saved(app: Application) -> None:
    browser = app.browser()
    browser.post("/set", n=1)
    assert browser.post("/stream").text == "firstsecond"
    until("the change is saved", lambda: browser.post("/show").json["fields"] == {"n": 1, "streamed": True})


def test_changes_of_a_background_task_are_saved(app: Application) -> None:
    browser = app.browser()
    browser.post("/set", n=1)
    browser.post("/background")
    until("the change is saved", lambda: browser.post("/show").json["fields"] == {"n": 1, "later": True})


def test_a_new_session_after_the_headers_is_an_error(app: Application, server: Server) -> None:
    assert app.browser().post("/background").status == 200
    assert server.send("DBSIZE") == 0


async def asgi(app: Any, headers: list[tuple[bytes, bytes]]) -> list[Any]:
    """Calls an application directly, for what a server would only log."""
    sent: list[Any] = []

    async def receive() -> Any:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "GET", "path": "/", "query_string": b"", "headers": headers, "app": app}
    await app(scope, receive, send)
    return sent


@pytest.mark.parametrize("method", ["create", "log_in", "rotate", "save"])
def test_methods_that_need_the_headers_say_so(server: Server, jrs: JRS, method: str) -> None:
    token = jrs.create("", {})

    async def endpoint(scope: Any, receive: Any, send: Any) -> None:
        session: AsyncWebSession = scope["session"]
        await send({"type": "http.response.start", "status": 200, "headers": []})
        arguments = ("ann",) if method == "log_in" else ()
        if method == "save":
            await session.destroy()
        await getattr(session, method)(*arguments)

    async def main() -> None:
        async with Redis(port=server.port) as client:
            app = JRSMiddleware(endpoint, AsyncJRS(client))
            with pytest.raises(HeadersSent):
                await asgi(app, [(b"cookie", f"{NAME}={token}".encode())])

    asyncio.run(main())


@pytest.fixture
def jrs(server: Server) -> Iterator[JRS]:
    """For sessions that the application has not created."""
    with SyncRedis(port=server.port) as client:
        yield JRS(client)
