"""Logins in Flask: the extension Flask-Login, and `require_recent_auth`."""

from __future__ import annotations

from flask import Flask, jsonify, redirect, request, session
from flask.typing import ResponseReturnValue
from flask_login import LoginManager, UserMixin, current_user, login_required, login_user, logout_user  # type: ignore[import-untyped]
from redis import Redis

from jrs_session import JRS
from jrs_session.flask import JRSSessionInterface, current_session, require_recent_auth
from support.server import Server
from support.tokens import OWN_KEY, old_login
from support.web.browser import Browser
from support.web.flask_app import served
from support.web.frameworks import StartServer

NAME = "__Host-session"


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


def test_flask_login_works_unchanged(shop: Flask, server: Server) -> None:
    with served(with_flask_login(shop)) as port:
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


def test_flask_login_does_not_give_a_user_the_data_of_another(shop: Flask, server: Server) -> None:
    with served(with_flask_login(shop)) as port:
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


def test_the_application_can_answer_a_stale_login_itself(shop: Flask) -> None:
    @shop.post("/email")
    @require_recent_auth(300)
    def email() -> ResponseReturnValue:
        return "changed"

    @shop.errorhandler(401)
    def confirm(error: Exception) -> ResponseReturnValue:
        return redirect("/confirm")

    assert shop.test_client().post("/email").headers["Location"] == "/confirm"
