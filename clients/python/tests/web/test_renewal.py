"""The Max-Age of the cookie follows the session."""

from __future__ import annotations

import time

import pytest

from jrs_session import Cookie
from jrs_session._renewals import Renewals
from support.server import Server
from support.web.browser import Reply
from support.web.django_app import django
from support.web.flask_app import flask
from support.web.frameworks import Start, StartServer
from support.web.starlette_app import starlette

NAME = "__Host-session"

OURS = pytest.mark.parametrize("start", [starlette, flask])


def age(reply: Reply, name: str = NAME) -> int | None:
    """The Max-Age in a response; -1: the cookie is set without one."""
    cookie = reply.cookie(name)
    return None if cookie is None else int(cookie.get("max-age", -1))


class Clock:
    """The clock of the package, which the tests move."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def time(self) -> float:
        return time.time() + self.ahead


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr("jrs_session._web_state.time", clock)
    return clock


@OURS
def test_the_cookie_is_renewed_unless_the_token_is_young(start: Start, server: Server, clock: Clock) -> None:
    with start(server.port) as app:
        browser = app.browser()
        assert age(browser.post("/set", n=1)) == 86400
        assert age(browser.post("/show")) is None
        token = browser.cookies[NAME]
        clock.ahead = 8600
        assert age(browser.post("/show")) is None
        clock.ahead = 8700
        reply = browser.post("/show")
        assert age(reply) == 86400
        assert "Cookie" in ", ".join(reply.headers["vary"])
        assert browser.cookies[NAME] == token


@OURS
def test_the_cookie_is_renewed_once_in_a_tenth_of_its_time(start: Start, server: Server, clock: Clock) -> None:
    with start(server.port) as app:
        browser = app.browser()
        browser.post("/set", n=1)
        clock.ahead = 10_000
        assert age(browser.post("/show")) == 86400
        assert age(browser.post("/show")) is None
        clock.ahead += 8600
        assert age(browser.post("/show")) is None
        clock.ahead += 100
        assert age(browser.post("/ping")) == 86400  # the session was extended, whatever the handler does


@OURS
def test_a_cookie_that_was_set_lately_is_not_renewed(start: Start, server: Server, clock: Clock) -> None:
    with start(server.port) as app:
        clock.ahead = 100_000  # the clock of the server is behind
        browser = app.browser()
        assert age(browser.post("/set", n=1)) == 86400
        assert age(browser.post("/show")) is None
        other = app.browser()
        other.post("/set", n=1)
        clock.ahead += 10_000
        assert [age(one.post("/show")) for one in (browser, browser, other)] == [86400, None, 86400]


def test_the_memory_for_renewals_is_bounded() -> None:
    renewals = Renewals(max_ids=2)
    for name in "abc":
        renewals.add(name, 100)
    assert [renewals.is_recent(name, 109, 10) for name in "abcd"] == [True, True, True, False]
    assert not renewals.is_recent("a", 110, 10)
    renewals.add("c", 200)  # not a new id
    renewals.add("a", 200)
    assert [renewals.is_recent(name, 201, 10) for name in "ac"] == [True, True]
    renewals.add("d", 200)  # the third generation: the first is dropped
    assert [renewals.is_recent(name, 109, 10) for name in "abcd"] == [True, False, True, True]


@OURS
def test_a_token_in_its_grace_is_not_renewed(start: Start, start_server: StartServer, clock: Clock) -> None:
    server = start_server({"jrs.rotate-grace": 60_000})
    with start(server.port) as app:
        browser = app.browser()
        browser.post("/set", n=1)
        late = browser.copy()
        assert age(browser.post("/rotate")) == 86400
        clock.ahead = 10_000
        reply = late.post("/show")
        assert reply.json["fields"] == {"n": 1}
        assert "set-cookie" not in reply.headers
        assert age(browser.post("/show")) == 86400


@OURS
def test_a_cookie_that_is_not_persistent_has_no_age(start: Start, server: Server, clock: Clock) -> None:
    with start(server.port, cookie=Cookie(persistent=False)) as app:
        browser = app.browser()
        assert age(browser.post("/set", n=1)) == -1
        clock.ahead = 80_000
        assert age(browser.post("/show")) is None
    assert server.calls("JRS.REALMS") == 1  # for the keyspace


@OURS
def test_the_age_without_and_with_an_owner(start: Start, start_server: StartServer) -> None:
    server = start_server({"jrs.max-age": 7200, "jrs.anonymous-max-age": 600})
    with start(server.port) as app:
        browser = app.browser()
        assert age(browser.post("/set", n=1)) == 600
        assert age(browser.post("/login", user="ann")) == 7200
        assert age(browser.post("/rotate")) == 7200
    assert server.calls("JRS.REALMS") == 1


@OURS
def test_no_cookie_is_kept_longer_than_400_days(start: Start, start_server: StartServer) -> None:
    server = start_server({"jrs.max-age": 100_000_000, "jrs.max-lifetime": 0})
    with start(server.port) as app:
        assert age(app.browser().post("/set", n=1)) == 34_560_000


def test_django_renews_the_cookie_by_its_own_settings(server: Server) -> None:
    with django(server.port, SESSION_SAVE_EVERY_REQUEST=True, SESSION_COOKIE_AGE=600) as app:
        browser = app.browser()
        assert age(browser.post("/set", n=1), "sessionid") == 600
        server.send("CONFIG", "RESETSTAT")
        assert age(browser.post("/show"), "sessionid") == 600
        assert [server.calls(name) for name in ("JRS.GET", "JRS.UPDATE", "JRS.TOUCH")] == [1, 0, 0]
