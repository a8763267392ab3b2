"""Logins in a cluster, where a session cannot move to the node of another owner."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth import get_user_model, login
from django.test import RequestFactory, override_settings
from flask import Flask, session
from redis.cluster import RedisCluster

from jrs_session import JRS
from jrs_session.django import SessionStore
from jrs_session.flask import JRSSessionInterface, current_session
from support.server import Server, until
from support.tokens import OWN_KEY
from support.web.frameworks import StartServer


@pytest.fixture
def node(start_server: StartServer) -> Server:
    """A cluster of one node, which is enough for CROSSSLOT."""
    server = start_server({"cluster-enabled": "yes", **OWN_KEY["settings"]}, files=OWN_KEY["files"])
    server.send("CLUSTER", "ADDSLOTSRANGE", 0, 16383)
    until("the cluster is up", lambda: "cluster_state:ok" in str(server.send("CLUSTER", "INFO")))
    return server


@pytest.fixture
def client(node: Server) -> Iterator[Any]:
    client = RedisCluster(host="127.0.0.1", port=node.port)
    yield client
    client.close()


def test_flask(client: Any) -> None:
    app = Flask("shop")
    jrs = JRS(client)
    app.session_interface = JRSSessionInterface(jrs)

    @app.post("/cart")
    def cart() -> str:
        session["cart"] = ["book"]
        return current_session().owner

    @app.post("/login")
    def log_in() -> str:
        current_session().log_in("ann")
        return current_session().owner

    @app.post("/sign-in")
    def sign_in() -> str:
        session["_user_id"] = "bob"  # as Flask-Login does
        return ""

    @app.post("/sign-out")
    def sign_out() -> str:
        del session["_user_id"]
        return ""

    @app.get("/")
    def show() -> dict[str, Any]:
        return {"owner": current_session().owner, "cart": session.get("cart")}

    browser = app.test_client()
    assert browser.post("/cart").text == ""
    planted = app.test_client()
    cookie = browser.get_cookie("__Host-session", domain="localhost")
    assert cookie is not None
    planted.set_cookie("__Host-session", cookie.value, domain="localhost")
    assert browser.post("/login").text == "ann"
    assert browser.get("/").json == {"owner": "ann", "cart": ["book"]}
    assert planted.get("/").json == {"owner": "", "cart": None}
    guest = app.test_client()
    guest.post("/cart")
    guest.post("/sign-in")
    assert guest.get("/").json == {"owner": "bob", "cart": ["book"]}
    guest.post("/sign-out")
    assert guest.get("/").json == {"owner": "", "cart": ["book"]}
    assert [jrs.count(owner) for owner in ("ann", "bob")] == [1, 0]


def test_django(client: Any) -> None:
    with override_settings(JRS={"CLIENT": client}):
        guest = SessionStore()
        guest["cart"] = ["book"]
        guest.save()
        planted = guest.session_key
        request: Any = RequestFactory().post("/")
        request.session = guest
        user, _ = get_user_model().objects.get_or_create(username="ann")
        login(request, user, "django.contrib.auth.backends.ModelBackend")
        guest.save()
        assert guest.owner == str(user.pk)
        assert not guest.exists(planted)
        stored = SessionStore(guest.session_key)
        assert (stored["cart"], stored.owner) == (["book"], str(user.pk))
        del guest["_auth_user_id"]
        guest.save()
        assert SessionStore(guest.session_key).owner == ""
        assert not guest.exists(stored.session_key or "")
