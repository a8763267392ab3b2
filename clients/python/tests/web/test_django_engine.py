"""The contract of a session engine, as Django's own tests check it."""

from __future__ import annotations

import datetime
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django import VERSION
from django.contrib.auth import update_session_auth_hash
from django.contrib.sessions.backends.base import UpdateError
from django.test import override_settings
from django.utils import timezone

from jrs_session.django import (
    SessionStore,
)
from support.server import Server
from support.tokens import claims_of
from support.web.django_requests import logged_in, request_with, user


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
