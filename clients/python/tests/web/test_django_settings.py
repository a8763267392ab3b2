"""The settings of the Django engine, and its system checks."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.checks import run_checks
from django.core.exceptions import ImproperlyConfigured
from django.test import override_settings
from redis import Redis

from jrs_session import JRS
from jrs_session.django import (
    get_jrs,
)
from support.server import Server


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
        {"CLIENT": "web.test_django_settings.client_of_the_tests", "REALM": "shop"},
    ],
)
def test_ways_to_name_the_client(setting: dict[str, Any]) -> None:
    with override_settings(JRS=setting):
        assert isinstance(get_jrs(), JRS)
        assert get_jrs() is get_jrs()
        assert get_jrs().realm == setting.get("REALM", "default")
