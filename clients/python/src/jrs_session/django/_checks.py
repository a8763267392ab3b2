"""System checks: what a project should know before its users do."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error
from django.core.checks import Warning as CheckWarning
from django.core.exceptions import ImproperlyConfigured

from ._settings import jrs_settings

ENGINE = "jrs_session.django"


def check_settings(app_configs: Any = None, **kwargs: Any) -> list[CheckMessage]:
    """Whether the setting `JRS` can be used. Nothing is sent to Redis."""
    if settings.SESSION_ENGINE != ENGINE:
        return []
    try:
        jrs_settings()
    except (ImproperlyConfigured, ImportError, TypeError, ValueError) as error:
        return [Error(f"the setting JRS is wrong: {error}", id="jrs_session.E001")]
    if settings.SESSION_SERIALIZER != "django.contrib.sessions.serializers.JSONSerializer":
        hint = "Remove SESSION_SERIALIZER: session data must be values that JSON can hold."
        return [CheckWarning("SESSION_SERIALIZER is not used", hint=hint, id="jrs_session.W003")]
    return []


def check_cookie(app_configs: Any = None, **kwargs: Any) -> list[CheckMessage]:
    """Whether the cookie with the token is protected."""
    if settings.SESSION_ENGINE != ENGINE:
        return []
    found: list[CheckMessage] = []
    if not settings.SESSION_COOKIE_SECURE:
        hint = "Set SESSION_COOKIE_SECURE = True. Chrome and Firefox accept such cookies from http://localhost too."
        found.append(CheckWarning("the session cookie is sent without TLS", hint=hint, id="jrs_session.W001"))
    if not settings.SESSION_COOKIE_HTTPONLY:
        hint = "Set SESSION_COOKIE_HTTPONLY = True."
        found.append(CheckWarning("scripts can read the session cookie", hint=hint, id="jrs_session.W002"))
    return found
