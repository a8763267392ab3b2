"""The setting `JRS` of a Django project."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Callable

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.signals import setting_changed
from django.utils.module_loading import import_string

from ..client import JRS

if TYPE_CHECKING:
    from ..web import ReusedToken

NAMES = {"CLIENT", "URL", "REALM", "FAIL_OPEN", "ON_REUSE"}


@dataclass(frozen=True)
class JRSSettings:
    """The setting, checked."""

    jrs: JRS
    fail_open: bool
    on_reuse: Callable[[ReusedToken], Any] | None


@cache
def jrs_settings() -> JRSSettings:
    """The setting. The client is made when it is needed for the first time."""
    values = getattr(settings, "JRS", None)
    if not isinstance(values, dict):
        raise ImproperlyConfigured('set JRS = {"URL": "redis://…"}, or "CLIENT" in place of "URL"')
    unknown = sorted(set(values) - NAMES)
    if unknown:
        raise ImproperlyConfigured(f"JRS has the unknown name {unknown[0]!r}: use {', '.join(sorted(NAMES))}")
    on_reuse = values.get("ON_REUSE")
    return JRSSettings(
        jrs=JRS(_client(values), values.get("REALM", "default")),
        fail_open=bool(values.get("FAIL_OPEN", False)),
        on_reuse=import_string(on_reuse) if isinstance(on_reuse, str) else on_reuse,
    )


def get_jrs() -> JRS:
    """The client of the setting."""
    return jrs_settings().jrs


def _client(values: dict[str, Any]) -> Any:
    if ("URL" in values) == ("CLIENT" in values):
        raise ImproperlyConfigured('JRS needs either "URL" or "CLIENT"')
    if "URL" in values:
        from redis import Redis  # a project with another client passes it as CLIENT, and need not install redis

        return Redis.from_url(values["URL"])
    client = values["CLIENT"]
    if isinstance(client, str):
        client = import_string(client)
    return client if hasattr(client, "execute_command") or not callable(client) else client()


def _forget(*, setting: str, **_: Any) -> None:
    if setting == "JRS":
        jrs_settings.cache_clear()


setting_changed.connect(_forget)
