"""The cookie: rules of browsers, and what is sent."""

from __future__ import annotations

from typing import Any

import pytest

from jrs_session import Cookie
from jrs_session.cookie import resolve_cookie


@pytest.mark.parametrize(
    ("options", "name"),
    [
        ({}, "__Host-session"),
        ({"same_site": "strict"}, "__Host-session"),
        ({"domain": "example.org"}, "__Secure-session"),
        ({"path": "/shop"}, "__Secure-session"),
        ({"secure": False}, "session"),
        ({"secure": False, "path": "/shop", "domain": "example.org"}, "session"),
        ({"name": "sid"}, "sid"),
    ],
)
def test_default_names(options: dict[str, Any], name: str) -> None:
    assert Cookie(**options).name == name


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"name": "__Host-sid", "secure": False}, "must be secure"),
        ({"name": "__host-sid", "domain": "example.org"}, "path '/' and no domain"),
        ({"name": "__Host-sid", "path": "/shop"}, "path '/' and no domain"),
        ({"name": "__Secure-sid", "secure": False}, "must be secure"),
        ({"same_site": "None", "secure": False}, "must be secure"),
        ({"partitioned": True, "secure": False}, "must be secure"),
        ({"same_site": "sometimes"}, "same_site"),
        ({"name": "a b"}, "the name of the cookie"),
        ({"name": ""}, "the name of the cookie"),
        ({"name": "a=b"}, "the name of the cookie"),
        ({"name": "ä"}, "the name of the cookie"),
        ({"path": "shop"}, "the path of the cookie"),
        ({"path": "/;Secure"}, "the path of the cookie"),
        ({"path": "/\n"}, "the path of the cookie"),
        ({"domain": "example.org;"}, "the domain of the cookie"),
        ({"domain": "exa mple"}, "the domain of the cookie"),
    ],
)
def test_a_cookie_that_a_browser_would_drop_is_an_error(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Cookie(**options)


def test_the_header() -> None:
    assert Cookie().set("ey", 60) == "__Host-session=ey; Max-Age=60; Path=/; Secure; HttpOnly; SameSite=Lax"
    assert Cookie(secure=False, http_only=False).set("ey") == "session=ey; Path=/; SameSite=Lax"
    attributes = "; Path=/a; Domain=example.org; Secure; HttpOnly; SameSite=None; Partitioned"
    cookie = Cookie("sid", "example.org", "/a", "none", partitioned=True)
    assert cookie.set("ey") == "sid=ey" + attributes
    assert cookie.clear() == "sid=; Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT" + attributes


def test_browsers_keep_a_cookie_for_400_days_at_most() -> None:
    assert "; Max-Age=34560000;" in Cookie().set("ey", 10**9)


@pytest.mark.parametrize(
    ("header", "token"),
    [
        ("sid=ey", "ey"),
        ("a=1; sid=ey; b=2", "ey"),
        ("a=1;sid=ey", "ey"),
        ('sid="ey"', "ey"),
        ("sid=; a=1", None),
        ("asid=ey", None),
        ("sidx=ey", None),
        ("", None),
        ("sid=ey; sid=other", "ey"),
    ],
)
def test_reading(header: str, token: str | None) -> None:
    assert Cookie("sid").read(header) == token


def test_the_option() -> None:
    assert resolve_cookie(True) == Cookie()
    assert resolve_cookie(False) is None
    with pytest.raises(TypeError, match="True, False or a Cookie"):
        resolve_cookie("sid")  # type: ignore[arg-type]
