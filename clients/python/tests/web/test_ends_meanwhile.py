"""Sessions that end while a request is served."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta, timezone

import pytest
from redis import Redis

from jrs_session import JRS
from support.server import Server, until
from support.web.application import Application
from support.web.browser import Browser
from support.web.frameworks import Start, StartServer


@pytest.fixture
def browser(app: Application, server: Server) -> Iterator[Browser]:
    """A browser whose token is refused as expired when the hook of the application returns."""
    with Redis(port=server.port) as client:
        jrs = JRS(client)
        token = jrs.create("", {"n": 1}, expires_at=datetime.now(timezone.utc) + timedelta(seconds=1))
        app.hook = lambda: until("the token expires", lambda: not jrs.inspect(token).active)
        browser = app.browser()
        browser.cookies[app.cookie] = token
        yield browser


def test_a_token_that_expires_during_a_request_is_no_error(app: Application, browser: Browser, server: Server) -> None:
    reply = browser.post("/during", a=1)
    assert reply.status == (400 if app.framework == "django" else 200)  # SessionInterrupted
    assert server.send("KEYS", "*") == []
    assert "set-cookie" not in reply.headers


def test_a_login_in_a_session_that_expires_during_the_request(browser: Browser) -> None:
    assert browser.post("/login", user="ann", late=True).status == 200
    assert browser.post("/show").json["owner"] != ""


def test_a_token_that_is_reused_during_a_request(start: Start, start_server: StartServer) -> None:
    server = start_server({"jrs.reuse-detection": "yes"})
    with start(server.port) as app:
        browser, ann = app.signed_in("ann")
        other = browser.copy()
        app.hook = lambda: other.post("/rotate")
        reply = browser.post("/during", a=1)
        assert reply.status == (400 if app.framework == "django" else 200)
        assert [event.owner for event in app.reused] == [ann]
        assert app.framework == "django" or browser.cookies == {}
        assert other.post("/show").json["id"] is None
