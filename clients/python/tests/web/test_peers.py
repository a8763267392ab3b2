"""Flask-Session and Django's cache sessions, and this package: the same scenarios in the same application.

docs/clients/compared.md has the results.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import Any, Protocol

import pytest
from django.core.cache.backends.redis import RedisCache

from support.server import Server
from support.web.application import Application
from support.web.browser import Browser, Reply
from support.web.peers import django_side, flask_side


class Side(Protocol):
    """Runs the application with the sessions of the peer, or of this package."""

    def __call__(self, redis_port: int, *, peer: bool) -> AbstractContextManager[Application]: ...


PEERS: dict[str, Side] = {"Flask-Session": flask_side, "Django's cache sessions": django_side}
OURS: dict[str, Side] = {"jrs_session.flask": flask_side, "jrs_session.django": django_side}


@pytest.fixture(params=[*PEERS, *OURS])
def side(request: pytest.FixtureRequest, server: Server) -> Iterator[tuple[str, Application]]:
    """The name of each side, and the application with it."""
    name: str = request.param
    start = PEERS.get(name) or OURS[name]
    with start(server.port, peer=name in PEERS) as app:
        yield name, app


def logged_in(app: Application) -> Browser:
    """A browser with a session of Ann."""
    browser = app.browser()
    assert browser.post("/login").json["user"] == "ann"
    return browser


def during(app: Application, browser: Browser, action: str, meanwhile: str, **body: Any) -> Reply:
    """Send `action`, and another request of the same session while it runs."""
    other = browser.copy()

    def hook() -> None:
        assert other.post(meanwhile, **body).status == 200

    app.hook = hook
    return browser.post(action, slow=True)


def test_lost_update(side: tuple[str, Application]) -> None:
    """Two requests at the same time change two fields. The peers store the whole session: the later one wins."""
    name, app = side
    browser = logged_in(app)
    assert during(app, browser, "/slow", "/set", fast=True).status == 200
    shown = browser.post("/show").json
    kept = {"user": "ann", "slow": True}
    assert shown == (kept if name in PEERS else {**kept, "fast": True})


def test_resurrection(side: tuple[str, Application]) -> None:
    """A user logs out while a request of the session runs, which then changes the session."""
    name, app = side
    browser = logged_in(app)
    old = browser.copy()
    status = during(app, browser, "/slow", "/logout").status
    shown = old.post("/show").json
    assert shown == ({"user": "ann", "slow": True} if name == "Flask-Session" else {})
    # Both engines of Django report that the session has ended.
    assert status == (400 if "jango" in name else 200)


@pytest.mark.parametrize("peer", [True, False], ids=["Flask-Session", "jrs_session.flask"])
def test_resurrection_by_a_request_that_only_reads(server: Server, peer: bool) -> None:
    """Flask-Session stores the session after every request, by default."""
    with flask_side(server.port, peer=peer) as app:
        browser = logged_in(app)
        old = browser.copy()
        assert during(app, browser, "/look", "/logout").status == 200
        assert old.post("/show").json == ({"user": "ann"} if peer else {})


def test_resurrection_between_two_commands_of_django(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """Django's cache sessions look for the session, then store it. A logout between the two commands is undone."""
    with django_side(server.port, peer=True) as app:
        browser = logged_in(app)
        old, third = browser.copy(), browser.copy()
        store = RedisCache.set

        def late(cache: RedisCache, *arguments: Any) -> Any:
            monkeypatch.setattr(RedisCache, "set", store)
            assert third.post("/logout").status == 200
            return store(cache, *arguments)

        monkeypatch.setattr(RedisCache, "set", late)
        assert browser.post("/set", slow=True).status == 200
        assert old.post("/show").json == {"user": "ann", "slow": True}


def test_fixation(side: tuple[str, Application]) -> None:
    """An attacker plants the cookie of an anonymous session. The victim logs in with it, as documented: all hold."""
    _, app = side
    victim = app.browser()
    victim.post("/set", cart=[17])
    attacker = victim.copy()
    victim.post("/login")
    assert attacker.post("/show").json == {}
    assert victim.post("/show").json == {"user": "ann", "cart": [17]}


@pytest.mark.parametrize("peer", [True, False], ids=["Flask-Session", "jrs_session.flask"])
def test_fixation_if_the_login_only_sets_a_field(server: Server, peer: bool) -> None:
    """Neither package knows that a field means a login."""
    with flask_side(server.port, peer=peer) as app:
        victim = app.browser()
        victim.post("/set", cart=[17])
        attacker = victim.copy()
        victim.post("/login_by_field")
        assert attacker.post("/show").json == {"user": "ann", "cart": [17]}
