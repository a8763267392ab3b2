"""The frameworks that the tests run with."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any, Protocol

from support.server import Server
from support.web.application import Application
from support.web.django_app import django
from support.web.flask_app import flask
from support.web.starlette_app import starlette


class Start(Protocol):
    """Runs the application: `with start(redis_port, …options) as app`."""

    __name__: str

    def __call__(self, redis_port: int, **options: Any) -> AbstractContextManager[Application]: ...


class StartServer(Protocol):
    """Starts a server that is stopped after the test."""

    def __call__(self, settings: dict[str, object] | None = None, **options: Any) -> Server: ...


FRAMEWORKS: dict[str, Start] = {"starlette": starlette, "flask": flask, "django": django}
