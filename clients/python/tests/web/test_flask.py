"""What only Flask has: its types of values, flash messages, its test client."""

from __future__ import annotations

import datetime
import uuid
from typing import Any

import pytest
from flask import Flask, flash, get_flashed_messages, jsonify, request, session
from flask.typing import ResponseReturnValue
from markupsafe import Markup
from redis import Redis

from jrs_session import JRS
from jrs_session.flask import FlaskSession, JRSSessionInterface, current_session
from support.server import Server
from support.web.browser import Browser
from support.web.flask_app import served

NAME = "__Host-session"


def test_flash_messages(shop: Flask) -> None:
    @shop.get("/flash")
    def flashed() -> ResponseReturnValue:
        flash("saved")
        flash(Markup("<b>warning</b>"), "warning")
        return ""

    @shop.get("/")
    def index() -> ResponseReturnValue:
        messages = get_flashed_messages(with_categories=True)
        return jsonify([(one[0], str(one[1]), type(one[1]).__name__) for one in messages])

    with served(shop) as port:
        browser = Browser(port)
        browser.get("/flash")
        assert browser.get("/").json == [["message", "saved", "str"], ["warning", "<b>warning</b>", "Markup"]]
        assert browser.get("/").json == []


def test_values_keep_the_types_that_flask_stores(shop: Flask, server: Server) -> None:
    values: dict[str, Any] = {
        "tuple": (1, (2, "x")),
        "bytes": b"\x00\xff",
        "uuid": uuid.UUID(int=7),
        "time": datetime.datetime(2026, 1, 2, 3, 4, 5, tzinfo=datetime.timezone.utc),
        "markup": Markup("<b>"),
        "nested": {"list": [(1,), {"bytes": b"x"}]},
        " t": "a field with the name of a tag",
        "tagged": {" t": [1]},
    }

    @shop.get("/set")
    def set_values() -> ResponseReturnValue:
        session.update(values)
        return ""

    seen: list[dict[str, Any]] = []

    @shop.get("/")
    def show() -> ResponseReturnValue:
        seen.append(dict(session))
        return ""

    with served(shop) as port:
        browser = Browser(port)
        browser.get("/set")
        server.send("CONFIG", "RESETSTAT")
        for _ in range(2):
            browser.get("/")
        browser.get("/set")
    assert seen == [values, values]
    assert isinstance(seen[0]["markup"], Markup)
    assert server.calls("JRS.UPDATE") == 0


def test_the_test_client_of_flask(shop: Flask) -> None:
    @shop.get("/")
    def show() -> ResponseReturnValue:
        return jsonify(n=session.get("n"), owner=current_session().owner)

    browser = shop.test_client()
    with browser.session_transaction() as opened:
        assert isinstance(opened, FlaskSession)
        assert opened.new
        opened["n"] = 1
        assert opened.modified
        opened.log_in("ann")
    assert browser.get("/").json == {"n": 1, "owner": "ann"}


def test_a_response_that_used_no_session_does_not_vary(shop: Flask) -> None:
    @shop.get("/static")
    def static_page() -> ResponseReturnValue:
        return ""

    @shop.get("/used")
    def used() -> ResponseReturnValue:
        return str("n" in session)

    browser = shop.test_client()
    assert "Vary" not in browser.get("/static").headers
    assert browser.get("/used").headers["Vary"] == "Cookie"


def test_without_auto_save_the_application_saves(client: Any, server: Server) -> None:
    app = Flask("shop")
    app.session_interface = JRSSessionInterface(JRS(client), auto_save=False)

    @app.post("/login")
    def login() -> ResponseReturnValue:
        session["_user_id"] = "ann"  # as Flask-Login does
        if request.form.get("save"):
            current_session().save()
        return ""

    @app.get("/")
    def show() -> ResponseReturnValue:
        return jsonify(owner=current_session().owner)

    browser = app.test_client()
    assert "Set-Cookie" not in browser.post("/login").headers
    browser.post("/login", data={"save": "1"})
    assert browser.get("/").json == {"owner": "ann"}
    assert server.send("JRS.COUNT", "ann") == 1


def test_bearer_tokens(client: Any) -> None:
    app = Flask("shop")
    app.session_interface = JRSSessionInterface(JRS(client), cookie=False, bearer=True)

    @app.get("/")
    def show() -> ResponseReturnValue:
        return jsonify(owner=current_session().owner)

    token = JRS(client).create("ann", {})
    browser = app.test_client()
    reply = browser.get("/", headers={"Authorization": f"Bearer {token}"})
    assert reply.json == {"owner": "ann"}
    assert "Set-Cookie" not in reply.headers
    assert browser.get("/", headers={"Cookie": f"{NAME}={token}"}).json == {"owner": ""}


def test_another_session_interface_is_named() -> None:
    app = Flask("shop")
    with app.test_request_context("/"), pytest.raises(RuntimeError, match="session_interface = JRSSessionInterface"):
        current_session()
    with pytest.raises(TypeError, match="must be a JRS"):
        JRSSessionInterface(Redis())  # type: ignore[arg-type]
