"""What only Django has: its login, administration, messages and CSRF protection, and the contract of its engines."""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterator
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django import VERSION
from django.contrib.auth import get_user_model, login, update_session_auth_hash
from django.contrib.sessions.backends.base import UpdateError
from django.core.checks import run_checks
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory, override_settings
from django.utils import timezone
from redis import Redis

from jrs_session import JRS, NoOwner
from jrs_session.django import (
    SessionStore,
    adestroy_all,
    asessions,
    destroy_all,
    get_jrs,
    require_recent_auth,
    sessions,
)
from support.server import Server
from support.tokens import OWN_KEY, claims_of, old_login
from support.web.browser import Reply
from support.web.django_app import MIDDLEWARE, django
from support.web.frameworks import StartServer

BACKEND = "django.contrib.auth.backends.ModelBackend"


@pytest.fixture
def configured(server: Server) -> Iterator[Server]:
    with Redis(port=server.port) as client, override_settings(JRS={"CLIENT": client}):
        yield server


def user(name: str = "ann") -> Any:
    found, _ = get_user_model().objects.get_or_create(username=name)
    return found


def request_with(session: SessionStore) -> Any:
    request = RequestFactory().get("/")
    request.session = session
    return request


def logged_in(name: str = "ann") -> Any:
    request = request_with(SessionStore())
    login(request, user(name), BACKEND)
    return request


# The contract of an engine, as Django's own tests check it.


def test_a_new_session(configured: Server) -> None:
    session = SessionStore()
    assert not session.accessed
    assert not session.modified
    assert session.is_empty()
    assert session.get("cat") is None
    session["cat"] = "dog"
    assert (session.accessed, session.modified) == (True, True)
    assert session.pop("cat") == "dog"
    assert session.setdefault("foo", "bar") == "bar"
    session.update({"n": 1})
    assert "n" in session
    assert session.has_key("n")
    assert sorted(session.keys()) == ["foo", "n"]
    assert sorted(session.values(), key=str) == [1, "bar"]
    assert dict(session.items()) == {"foo": "bar", "n": 1}
    session.clear()
    assert list(session.items()) == []
    assert configured.send("DBSIZE") == 0


def test_save_and_load(configured: Server) -> None:
    session = SessionStore()
    session["n"] = {"a": [1]}
    session.save()
    key = session.session_key
    assert key is not None
    assert session.exists(key)
    again = SessionStore(key)
    assert again["n"] == {"a": [1]}
    assert again.session_id == claims_of(key)["jti"]
    assert configured.send("GET", f"sess:{again.session_id}") == '{"n":{"a":[1]}}'
    again.delete()
    assert not SessionStore(key).exists(key)
    assert SessionStore(key).get("n") is None


@pytest.mark.parametrize("key", ["1", "12345678", "a.b.c", "x" * 5000, None, ""])
def test_invalid_keys(configured: Server, key: str | None) -> None:
    session = SessionStore(key)
    assert session.get("n") is None
    assert session.session_key is None
    assert session.is_empty()
    assert not session.exists(key)
    session.delete(key)
    session["n"] = 1
    session.save()
    assert session.session_key not in (key, None)


def test_flush(configured: Server) -> None:
    session = SessionStore()
    session["n"] = 1
    session.save()
    old = session.session_key
    session.flush()
    assert not session.exists(old)
    assert session.session_key is None
    assert (session.accessed, session.modified) == (True, True)
    assert session.is_empty()
    session["n"] = 2
    session.save()
    assert session.session_key not in (old, None)


@pytest.mark.parametrize("is_loaded", [True, False])
def test_cycle_key(configured: Server, is_loaded: bool) -> None:
    session = SessionStore()
    session["a"] = 1
    session.save()
    old = session.session_key
    if not is_loaded:
        session = SessionStore(old)
    session["b"] = [2]
    session.cycle_key()
    assert not session.exists(old)
    assert session.session_key not in (old, None)
    assert dict(session.items()) == {"a": 1, "b": [2]}
    session.save()
    assert dict(SessionStore(session.session_key).items()) == {"a": 1, "b": [2]}


def test_create_makes_a_session_at_once(configured: Server) -> None:
    session = SessionStore()
    session.create()
    first = session.session_key
    assert session.exists(first)
    assert session.modified
    session.create()
    assert session.session_key not in (first, None)


def test_clear_without_flush_removes_the_stored_fields(configured: Server) -> None:
    session = SessionStore()
    session["a"] = session["b"] = 1
    session.save()
    again = SessionStore(session.session_key)
    assert again["a"] == 1
    again.clear()
    again["c"] = 3
    again.save()
    assert dict(SessionStore(session.session_key).items()) == {"c": 3}


def test_a_session_that_has_ended_is_not_saved(configured: Server) -> None:
    session = SessionStore()
    session["n"] = 1
    session.save()
    SessionStore(session.session_key).delete()
    session["n"] = 2
    with pytest.raises(UpdateError):
        session.save()
    assert configured.send("DBSIZE") == 0


def test_a_user_who_has_logged_out_meanwhile_is_not_logged_in_again(configured: Server) -> None:
    request = logged_in()
    request.session.save()
    late = request_with(SessionStore(request.session.session_key))
    assert late.session["_auth_user_id"]
    request.session.flush()
    late.user = user()
    update_session_auth_hash(late, user())  # calls cycle_key
    assert "_auth_user_id" not in late.session
    late.session.save()
    assert late.session.owner == ""


def test_expired_sessions_need_no_clearing(configured: Server) -> None:
    SessionStore.clear_expired()
    async_to_sync(SessionStore.aclear_expired)()


def test_set_expiry(configured: Server) -> None:
    session = SessionStore()
    session["n"] = 1
    session.set_expiry(100)
    session.save()
    key = f"sess:{claims_of(session.session_key or '')['jti']}"
    assert 0 < configured.send("TTL", key) <= 100
    again = SessionStore(session.session_key)
    again.set_expiry(300)
    again.save()
    assert 100 < configured.send("TTL", key) <= 300
    # Each use extends it by the time that was set, although the token was made with another.
    configured.send("EXPIRE", key, 10)
    assert SessionStore(session.session_key)["n"] == 1
    assert 100 < configured.send("TTL", key) <= 300
    again.set_expiry(timezone.now() + datetime.timedelta(seconds=50))
    again.save()
    assert 0 < configured.send("TTL", key) <= 50
    again.set_expiry(None)
    again.save()
    again.set_expiry(-1)
    again.save()
    assert configured.send("DBSIZE") == 0


def test_a_session_whose_expiry_has_passed_is_not_stored(configured: Server) -> None:
    session = SessionStore()
    session["n"] = 1
    session.set_expiry(-10)
    session.save()
    assert SessionStore(session.session_key).get("n") is None
    assert configured.send("DBSIZE") == 0


def test_the_idle_time_is_the_one_of_the_cookie(configured: Server) -> None:
    with override_settings(SESSION_COOKIE_AGE=777):
        session = SessionStore()
        session.create()
    assert claims_of(session.session_key or "")["ttl"] == 777


@pytest.mark.skipif(VERSION < (5, 1), reason="this version of Django has no asynchronous methods of sessions")
def test_the_asynchronous_methods(configured: Server) -> None:
    async def main() -> None:
        session: Any = SessionStore()
        session["n"] = 1
        await session.asave()
        first = session.session_key
        assert await session.aexists(first)
        await session.acycle_key()
        assert not await session.aexists(first)
        assert dict(await SessionStore(session.session_key).aload()) == {"n": 1}
        await session.acreate()
        await session.adelete()
        assert not await session.aexists(session.session_key)

    async_to_sync(main)()


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


# The settings.


def test_the_system_checks(configured: Server) -> None:
    def found(**changed: Any) -> list[str | None]:
        with override_settings(**changed):
            messages = run_checks()
        return [message.id for message in messages if (message.id or "").startswith("jrs_session")]

    assert found() == []
    assert found(SESSION_COOKIE_SECURE=False) == ["jrs_session.W001"]
    assert found(SESSION_COOKIE_HTTPONLY=False) == ["jrs_session.W002"]
    assert found(SESSION_SERIALIZER="json.JSONEncoder") == ["jrs_session.W003"]
    assert found(JRS={}) == ["jrs_session.E001"]
    assert found(JRS={}, SESSION_ENGINE="django.contrib.sessions.backends.cache", SESSION_COOKIE_SECURE=False) == []


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (None, "set JRS"),
        ({}, 'either "URL" or "CLIENT"'),
        ({"URL": "redis://", "CLIENT": "x"}, 'either "URL" or "CLIENT"'),
        ({"URL": "redis://", "HOST": "x"}, "unknown name 'HOST'"),
    ],
)
def test_a_wrong_setting_is_an_error(value: Any, message: str) -> None:
    with override_settings(JRS=value), pytest.raises(ImproperlyConfigured, match=message):
        get_jrs()


def client_of_the_tests() -> Redis:
    return Redis(port=1)


@pytest.mark.parametrize(
    "setting",
    [
        {"URL": "redis://127.0.0.1:1"},
        {"CLIENT": client_of_the_tests},
        {"CLIENT": "web.test_django.client_of_the_tests", "REALM": "shop"},
    ],
)
def test_ways_to_name_the_client(setting: dict[str, Any]) -> None:
    with override_settings(JRS=setting):
        assert isinstance(get_jrs(), JRS)
        assert get_jrs() is get_jrs()
        assert get_jrs().realm == setting.get("REALM", "default")
