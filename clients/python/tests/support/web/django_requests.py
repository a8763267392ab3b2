"""Requests of Django without HTTP, for the tests of its sessions."""

from __future__ import annotations

from typing import Any

from django.contrib.auth import get_user_model, login
from django.test import RequestFactory

from jrs_session.django import (
    SessionStore,
)

BACKEND = "django.contrib.auth.backends.ModelBackend"


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
