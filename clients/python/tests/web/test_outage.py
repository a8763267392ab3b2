"""Requests that continue with an empty session because reading failed, while Redis recovers."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from support.server import Server
from support.web.application import Application
from support.web.frameworks import Start, StartServer


@pytest.fixture
def server(start_server: StartServer) -> Server:
    return start_server()


@pytest.fixture
def app(start: Start, server: Server) -> Iterator[Application]:
    with start(server.port, fail_open=True) as app:
        app.hook = lambda: server.send("CONFIG", "SET", "min-replicas-to-write", "0")
        yield app


def interrupt(server: Server) -> None:
    """Reading fails, until the hook of the application is called."""
    server.send("CONFIG", "SET", "min-replicas-to-write", "1")


def test_a_logout_destroys_the_session(app: Application, server: Server) -> None:
    browser, ann = app.signed_in("ann")
    interrupt(server)
    assert browser.post("/logout", late=True).status == 200
    assert server.send("JRS.COUNT", ann) == 0
    assert browser.cookies == {}


def test_a_change_does_not_replace_the_session(app: Application, server: Server) -> None:
    browser, ann = app.signed_in("ann")
    interrupt(server)
    reply = browser.post("/during", a=1)
    assert reply.status == 500
    assert "set-cookie" not in reply.headers
    assert browser.post("/show").json["owner"] == ann


def test_a_login_destroys_the_session(app: Application, server: Server) -> None:
    browser, ann = app.signed_in("ann")
    interrupt(server)
    assert browser.post("/login", user="bob", late=True).status == 200
    assert browser.post("/show").json["owner"] not in ("", ann)
    assert server.send("JRS.COUNT", ann) == 0
