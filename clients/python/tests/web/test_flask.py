"""What only Flask has: its settings, its types of values, flash messages, and Flask-Login."""

from __future__ import annotations

import datetime
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask, flash, get_flashed_messages, jsonify, redirect, request, session
from flask.typing import ResponseReturnValue
from flask_login import LoginManager, UserMixin, current_user, login_required, login_user, logout_user  # type: ignore[import-untyped]
from markupsafe import Markup
from redis import Redis

from jrs_session import JRS, Cookie
from jrs_session.flask import FlaskSession, JRSSessionInterface, current_session, require_recent_auth
from support.server import Server
from support.tokens import OWN_KEY, old_login
from support.web.browser import Browser
from support.web.flask_app import served
from support.web.frameworks import StartServer

NAME = "__Host-session"


@pytest.fixture
def client(server: Server) -> Iterator[Any]:
    client = Redis(port=server.port)
    yield client
    client.close()


@pytest.fixture
def app(client: Any) -> Flask:
    app = Flask("shop")
    app.session_interface = JRSSessionInterface(JRS(client))
    return app


def test_flash_messages(app: Flask) -> None:
    @app.get("/flash")
    def flashed() -> ResponseReturnValue:
        flash("saved")
        flash(Markup("<b>warning</b>"), "warning")
        return ""

    @app.get("/")
    def index() -> ResponseReturnValue:
        messages = get_flashed_messages(with_categories=True)
        return jsonify([(one[0], str(one[1]), type(one[1]).__name__) for one in messages])

    with served(app) as port:
        browser = Browser(port)
        browser.get("/flash")
        assert browser.get("/").json == [["message", "saved", "str"], ["warning", "<b>warning</b>", "Markup"]]
        assert browser.get("/").json == []


def test_values_keep_the_types_that_flask_stores(app: Flask, server: Server) -> None:
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

    @app.get("/set")
    def set_values() -> ResponseReturnValue:
        session.update(values)
        return ""

    seen: list[dict[str, Any]] = []

    @app.get("/")
    def show() -> ResponseReturnValue:
        seen.append(dict(session))
        return ""

    with served(app) as port:
        browser = Browser(port)
        browser.get("/set")
        server.send("CONFIG", "RESETSTAT")
        for _ in range(2):
            browser.get("/")
        browser.get("/set")
    assert seen == [values, values]
    assert isinstance(seen[0]["markup"], Markup)
    assert server.calls("JRS.UPDATE") == 0


def test_settings_that_the_application_has_changed_override_the_cookie(app: Flask) -> None:
    app.config.update(
        SESSION_COOKIE_NAME="sid",
        SESSION_COOKIE_DOMAIN="example.org",
        SESSION_COOKIE_PATH="/shop",
        SESSION_COOKIE_SAMESITE="Strict",
        SESSION_COOKIE_HTTPONLY=False,
        PERMANENT_SESSION_LIFETIME=600,
    )
    header = set_cookie(app)
    token = header.partition(";")[0]
    assert header == f"{token}; Max-Age=600; Path=/shop; Domain=example.org; Secure; SameSite=Strict"
    assert token.startswith("sid=ey")


def test_the_default_name_follows_the_settings(app: Flask) -> None:
    app.config.update(SESSION_COOKIE_PATH="/shop")
    assert set_cookie(app).startswith("__Secure-session=ey")


def test_a_cookie_without_secure(app: Flask, client: Any) -> None:
    app.session_interface = JRSSessionInterface(JRS(client), cookie=Cookie(secure=False, persistent=False))
    header = set_cookie(app)
    assert header.startswith("session=ey")
    assert header.endswith("; Path=/; HttpOnly; SameSite=Lax")
    assert "Max-Age" not in header
    app.config["SESSION_COOKIE_SECURE"] = True
    app.session_interface = JRSSessionInterface(JRS(client), cookie=Cookie(secure=False))
    assert set_cookie(app).startswith("__Host-session=ey")


def test_permanent_overrides_the_option(app: Flask, client: Any) -> None:
    assert "Max-Age" not in set_cookie(app, permanent=False)
    app.session_interface = JRSSessionInterface(JRS(client), cookie=Cookie(persistent=False))
    assert "Max-Age=86400" in set_cookie(app, permanent=True)


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


def test_the_test_client_of_flask(app: Flask) -> None:
    @app.get("/")
    def show() -> ResponseReturnValue:
        return jsonify(n=session.get("n"), owner=current_session().owner)

    browser = app.test_client()
    with browser.session_transaction() as opened:
        assert isinstance(opened, FlaskSession)
        assert opened.new
        opened["n"] = 1
        assert opened.modified
        opened.log_in("ann")
    assert browser.get("/").json == {"n": 1, "owner": "ann"}


def test_a_response_that_used_no_session_does_not_vary(app: Flask) -> None:
    @app.get("/static")
    def static_page() -> ResponseReturnValue:
        return ""

    @app.get("/used")
    def used() -> ResponseReturnValue:
        return str("n" in session)

    browser = app.test_client()
    assert "Vary" not in browser.get("/static").headers
    assert browser.get("/used").headers["Vary"] == "Cookie"


def with_flask_login(app: Flask) -> Flask:
    """An application of Flask-Login, as its documentation shows it."""
    app.secret_key = "of the tests"
    manager = LoginManager(app)
    manager.session_protection = "strong"

    class User(UserMixin):  # type: ignore[misc]
        def __init__(self, name: str) -> None:
            self.id = name

    manager.user_loader(User)

    @app.post("/login")
    def login() -> ResponseReturnValue:
        login_user(User(request.form["user"]))
        return ""

    @app.post("/logout")
    def logout() -> ResponseReturnValue:
        logout_user()
        return ""

    @app.post("/cart")
    def cart() -> ResponseReturnValue:
        session["cart"] = ["book"]
        return ""

    @app.get("/me")
    @login_required  # type: ignore[untyped-decorator]
    def me() -> ResponseReturnValue:
        return jsonify(user=current_user.id, owner=current_session().owner, cart=session.get("cart"))

    @app.get("/devices")
    def devices() -> ResponseReturnValue:
        return jsonify([one.current for one in current_session().sessions()])

    return app


def test_flask_login_works_unchanged(app: Flask, server: Server) -> None:
    with served(with_flask_login(app)) as port:
        attacker = Browser(port)
        attacker.post("/cart")
        victim = attacker.copy()
        assert victim.get("/me").status == 401
        assert victim.form("/login", "user=ann").status == 200
        assert victim.get("/me").json == {"user": "ann", "owner": "ann", "cart": ["book"]}
        reply = attacker.get("/me")
        assert reply.status == 401
        assert "set-cookie" not in reply.headers
        server.send("CONFIG", "RESETSTAT")
        victim.get("/me")
        assert [server.calls(name) for name in ("JRS.GET", "JRS.UPDATE", "JRS.ROTATE")] == [1, 0, 0]
        phone = Browser(port)
        phone.form("/login", "user=ann")
        assert victim.get("/devices").json == [True, False]
        old = victim.copy()
        assert victim.form("/logout", "").status == 200
        assert victim.get("/me").status == 401
        assert old.get("/me").status == 401
        assert server.send("JRS.COUNT", "ann") == 1


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


def test_flask_login_does_not_give_a_user_the_data_of_another(app: Flask, server: Server) -> None:
    with served(with_flask_login(app)) as port:
        browser = Browser(port)
        browser.form("/login", "user=ann")
        browser.post("/cart")
        browser.form("/login", "user=bob")
        assert browser.get("/me").json == {"user": "bob", "owner": "bob", "cart": None}
        assert server.send("JRS.COUNT", "ann") == 0


def test_a_recent_login_is_required(start_server: StartServer) -> None:
    server = start_server(**OWN_KEY)
    client = Redis(port=server.port)
    app = Flask("shop")
    app.session_interface = JRSSessionInterface(JRS(client))

    @app.post("/login")
    def login() -> ResponseReturnValue:
        current_session().log_in("ann")
        return ""

    @app.post("/email")
    @require_recent_auth(300)
    async def email() -> ResponseReturnValue:
        return "changed"

    with served(app) as port:
        browser = Browser(port)
        assert browser.post("/email").headers["www-authenticate"] == ["Bearer"]
        browser.cookies[NAME] = old_login(server, "ann", {}, 3600)
        reply = browser.post("/email")
        assert reply.status == 401
        assert reply.headers["www-authenticate"][0].endswith('max_age="300"')
        browser.post("/login")
        assert browser.post("/email").text == "changed"

    client.close()


def test_the_application_can_answer_a_stale_login_itself(app: Flask) -> None:
    @app.post("/email")
    @require_recent_auth(300)
    def email() -> ResponseReturnValue:
        return "changed"

    @app.errorhandler(401)
    def confirm(error: Exception) -> ResponseReturnValue:
        return redirect("/confirm")

    assert app.test_client().post("/email").headers["Location"] == "/confirm"


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
