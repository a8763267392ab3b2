"""The cookie in Flask: the settings of the application, and cookies that no application has set."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask, jsonify, session
from flask.typing import ResponseReturnValue

from jrs_session import JRS, Cookie
from jrs_session.flask import JRSSessionInterface, current_session
from support.server import Server
from support.web.browser import Browser
from support.web.flask_app import served


def test_settings_that_the_application_has_changed_override_the_cookie(shop: Flask) -> None:
    shop.config.update(
        SESSION_COOKIE_NAME="sid",
        SESSION_COOKIE_DOMAIN="example.org",
        SESSION_COOKIE_PATH="/shop",
        SESSION_COOKIE_SAMESITE="Strict",
        SESSION_COOKIE_HTTPONLY=False,
        PERMANENT_SESSION_LIFETIME=600,
    )
    header = set_cookie(shop)
    token = header.partition(";")[0]
    assert header == f"{token}; Max-Age=600; Path=/shop; Domain=example.org; Secure; SameSite=Strict"
    assert token.startswith("sid=ey")


def test_the_default_name_follows_the_settings(shop: Flask) -> None:
    shop.config.update(SESSION_COOKIE_PATH="/shop")
    assert set_cookie(shop).startswith("__Secure-session=ey")


def test_a_cookie_without_secure(shop: Flask, client: Any) -> None:
    shop.session_interface = JRSSessionInterface(JRS(client), cookie=Cookie(secure=False, persistent=False))
    header = set_cookie(shop)
    assert header.startswith("session=ey")
    assert header.endswith("; Path=/; HttpOnly; SameSite=Lax")
    assert "Max-Age" not in header
    shop.config["SESSION_COOKIE_SECURE"] = True
    shop.session_interface = JRSSessionInterface(JRS(client), cookie=Cookie(secure=False))
    assert set_cookie(shop).startswith("__Host-session=ey")


def test_permanent_overrides_the_option(shop: Flask, client: Any) -> None:
    assert "Max-Age" not in set_cookie(shop, permanent=False)
    shop.session_interface = JRSSessionInterface(JRS(client), cookie=Cookie(persistent=False))
    assert "Max-Age=86400" in set_cookie(shop, permanent=True)


def set_cookie(app: Flask, **attributes: Any) -> str:
    """The header that sets the cookie."""
    response = app.response_class()
    with app.test_request_context("/"):
        session["n"] = 1
        for name, value in attributes.items():
            setattr(session, name, value)
        app.session_interface.save_session(app, current_session(), response)
    (line,) = response.headers.getlist("Set-Cookie")
    return line


@pytest.mark.parametrize(
    ("cookies", "owner"),
    [
        ('__Host-session="{token}"', "ann"),
        ("__Host-session={token}; __Host-session=other", "ann"),
        ("__Host-session=other; __Host-session={token}", ""),  # as browsers do, the first one counts
        ("name=\xe4\xff; __Host-session={token}", "ann"),
        (";;=; __Host-session ; __Host-session={token};", "ann"),
        ("__Host-session=\xe4\xff", ""),
        ("__Host-session={token}\xe4", ""),
        ("__Host-session", ""),
        ("__Host-session=" + "a" * 20_000, ""),
    ],
)
def test_odd_cookies(shop: Flask, client: Any, server: Server, cookies: str, owner: str) -> None:
    @shop.get("/")
    def visit() -> ResponseReturnValue:
        session["visited"] = True
        return jsonify(current_session().owner)

    token = JRS(client).create("ann", {})
    with served(shop) as port:
        reply = Browser(port).get("/", Cookie=cookies.format(token=token))
    assert (reply.status, reply.json) == (200, owner)
    # A token that is refused gives an empty session, which gets a token of its own.
    set_cookies = reply.headers.get("set-cookie", [])
    assert [line.startswith("__Host-session=ey") for line in set_cookies] == ([] if owner else [True])
    assert server.send("DBSIZE") == (1 if owner else 2)
