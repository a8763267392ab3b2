"""What only Django has: its login, administration, messages and CSRF protection."""

from __future__ import annotations

import re
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth import get_user_model, login
from django.http import HttpRequest, HttpResponse
from django.test import Client, override_settings
from redis import Redis

from jrs_session import NoOwner
from jrs_session.django import (
    SessionStore,
    adestroy_all,
    asessions,
    destroy_all,
    require_recent_auth,
    sessions,
)
from support.server import Server
from support.tokens import OWN_KEY, claims_of, old_login
from support.web.browser import Reply
from support.web.django_app import MIDDLEWARE, django
from support.web.django_requests import BACKEND, logged_in, request_with, user
from support.web.frameworks import StartServer

# The owner.


def test_a_login_binds_the_owner(configured: Server) -> None:
    session = SessionStore()
    session["cart"] = ["book"]
    session.save()
    planted = session.session_key
    request = request_with(session)
    login(request, user(), BACKEND)
    session.save()
    owner = str(user().pk)
    assert session.owner == owner
    claims = claims_of(session.session_key or "")
    assert claims["sub"] == owner
    assert "auth_time" in claims
    assert configured.send("JRS.COUNT", owner) == 1
    assert not session.exists(planted)
    assert SessionStore(session.session_key)["cart"] == ["book"]
    configured.send("CONFIG", "RESETSTAT")
    login(request, user(), BACKEND)  # again: one rotation, no other write
    session.save()
    assert [configured.calls(name) for name in ("JRS.ROTATE", "JRS.UPDATE", "JRS.CREATE")] == [1, 0, 0]


def test_a_first_visit_that_logs_in_is_one_command(configured: Server) -> None:
    configured.send("CONFIG", "RESETSTAT")
    request = logged_in()
    request.session.save()
    names = ("JRS.CREATE", "JRS.ROTATE", "JRS.UPDATE", "JRS.GET")
    assert [configured.calls(name) for name in names] == [1, 0, 0, 0]


def test_without_the_user_the_session_is_anonymous(configured: Server) -> None:
    request = logged_in()
    request.session["cart"] = 1
    request.session.save()
    old = request.session.session_key
    del request.session["_auth_user_id"]
    request.session.save()
    assert (request.session.owner, request.session["cart"]) == ("", 1)
    assert not request.session.exists(old)


def test_my_devices_right_after_the_login(configured: Server) -> None:
    request = logged_in()
    (device,) = sessions(request, fields=["/_auth_user_backend"])
    assert device.current
    assert device.fields == {"/_auth_user_backend": BACKEND}
    assert async_to_sync(asessions)(request)[0].id == device.id
    assert destroy_all(request, keep_current=True) == 0
    assert async_to_sync(adestroy_all)(request) == 1
    assert request.session.session_key is None
    assert not request.user.is_authenticated
    with pytest.raises(NoOwner):
        sessions(request)


# The parts of Django that use sessions.


def hidden(reply: Reply) -> str:
    """The CSRF token of a form."""
    match = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', reply.text)
    assert match
    return match[1]


@pytest.mark.parametrize("in_session", [True, False])
def test_the_administration(server: Server, in_session: bool) -> None:
    users: Any = get_user_model().objects
    users.filter(username="root").delete()
    root = users.create_superuser("root", password="secret")
    middleware = [*MIDDLEWARE, "django.middleware.csrf.CsrfViewMiddleware"]
    with django(server.port, MIDDLEWARE=middleware, CSRF_USE_SESSIONS=in_session) as app:
        browser = app.browser()
        page = browser.get("/admin/login/?next=/admin/")
        before = dict(browser.cookies)
        assert ("sessionid" in before) is in_session
        wrong = browser.form("/admin/login/?next=/admin/", "username=root&password=secret&csrfmiddlewaretoken=wrong")
        assert wrong.status == 403
        body = f"username=root&password=secret&csrfmiddlewaretoken={hidden(page)}&next=/admin/"
        assert browser.form("/admin/login/?next=/admin/", body).status == 302
        assert browser.cookies.get("sessionid") != before.get("sessionid")
        index = browser.get("/admin/")
        assert index.status == 200
        assert server.send("JRS.COUNT", str(root.pk)) == 1
        # A message of the administration is shown once, after the next request.
        add = browser.get("/admin/auth/group/add/")
        body = f"name=Group{in_session}&csrfmiddlewaretoken={hidden(add)}"
        assert browser.form("/admin/auth/group/add/", body).status == 302
        assert "was added successfully" in browser.get("/admin/").text
        assert "was added successfully" not in browser.get("/admin/").text
        server.send("CONFIG", "RESETSTAT")
        page = browser.get("/admin/")
        assert [server.calls(name) for name in ("JRS.GET", "JRS.UPDATE", "JRS.ROTATE")] == [1, 0, 0]
        assert browser.form("/admin/logout/", f"csrfmiddlewaretoken={hidden(page)}").status == 200
        assert server.send("JRS.COUNT", str(root.pk)) == 0


def test_the_test_client_of_django(configured: Server) -> None:
    client = Client()
    client.force_login(user())
    assert client.post("/show", "{}", "application/json").json()["owner"] == str(user().pk)
    client.logout()
    assert client.post("/show", "{}", "application/json").json()["owner"] == ""


def test_a_recent_login_is_required(start_server: StartServer) -> None:
    server = start_server(**OWN_KEY)

    @require_recent_auth(300)
    def email(request: HttpRequest) -> HttpResponse:
        return HttpResponse("changed")

    @require_recent_auth(300)
    async def aemail(request: HttpRequest) -> HttpResponse:
        return HttpResponse("changed")

    with Redis(port=server.port) as client, override_settings(JRS={"CLIENT": client}):
        anonymous = email(request_with(SessionStore()))
        assert (anonymous.status_code, anonymous["WWW-Authenticate"]) == (401, "Bearer")
        stale = request_with(SessionStore(old_login(server, "7", {"_auth_user_id": "7"}, 3600)))
        for refused in (email(stale), async_to_sync(aemail)(stale)):
            assert refused.status_code == 401
            assert refused["WWW-Authenticate"].endswith('max_age="300"')
        request = logged_in()
        assert email(request).content == b"changed"
        assert async_to_sync(aemail)(request).content == b"changed"
