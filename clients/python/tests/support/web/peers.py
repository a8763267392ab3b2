"""The same small application with the sessions of this package and with those of a peer, used as documented."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.contrib.auth import get_user_model, login, logout
from django.core.wsgi import get_wsgi_application
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.test import override_settings
from django.urls import path
from flask import Flask, request, session
from flask.typing import ResponseReturnValue
from flask_session import Session as FlaskSession  # type: ignore[import-untyped]
from redis import Redis

from jrs_session import JRS
from jrs_session.flask import JRSSessionInterface, current_session
from support.web.application import Application
from support.web.flask_app import served

running: list[Application] = []


@contextmanager
def flask_side(redis_port: int, *, peer: bool) -> Iterator[Application]:
    """Runs the application with Flask-Session, or with this package."""
    application = Application("flask")
    client = Redis(port=redis_port, socket_timeout=60)
    app = Flask("shop")
    if peer:
        app.config.update(SESSION_TYPE="redis", SESSION_REDIS=client)
        FlaskSession(app)
    else:
        app.session_interface = JRSSessionInterface(JRS(client))

    @app.post("/<action>")
    def act(action: str) -> ResponseReturnValue:
        if action == "set":
            session.update(request.get_json())
        elif action == "slow":
            session.get("user")
            application.hook()
            session.update(request.get_json())
        elif action == "look":
            session.get("user")
            application.hook()
        elif action == "login_by_field":
            session["user"] = "ann"
        elif action == "login" and peer:
            interface: Any = app.session_interface
            interface.regenerate(session)
            session["user"] = "ann"
        elif action == "login":
            current_session().log_in("ann")
            session["user"] = "ann"
        elif action == "logout" and peer:
            session.clear()
        elif action == "logout":
            current_session().destroy()
        return {name: value for name, value in session.items() if not name.startswith("_")}

    with served(app) as application.port:
        yield application
    client.close()


def act(request: HttpRequest, action: str) -> HttpResponse:
    """All routes of the application with Django."""
    body = json.loads(request.body or b"{}")
    if action == "set":
        request.session.update(body)
    elif action == "slow":
        request.session.get("user")
        running[-1].hook()
        request.session.update(body)
    elif action == "login":
        user, _ = get_user_model().objects.get_or_create(username="ann")
        login(request, user, backend="django.contrib.auth.backends.ModelBackend")
    elif action == "logout":
        logout(request)
    fields = {name: value for name, value in request.session.items() if not name.startswith("_")}
    return JsonResponse({**fields, **({"user": "ann"} if request.user.is_authenticated else {})})


urlpatterns = [path("<action>", act)]


@contextmanager
def django_side(redis_port: int, *, peer: bool) -> Iterator[Application]:
    """Runs the application with Django's cache sessions, or with this package. `configure` must have been called."""
    application = Application("django")
    client = Redis(port=redis_port, socket_timeout=60)
    location = f"redis://127.0.0.1:{redis_port}"
    changed: dict[str, Any] = {
        "ROOT_URLCONF": __name__,
        "JRS": {"CLIENT": client},
        "CACHES": {"default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": location}},
        "SESSION_ENGINE": "django.contrib.sessions.backends.cache" if peer else "jrs_session.django",
    }
    running.append(application)
    with override_settings(**changed), served(get_wsgi_application()) as application.port:
        yield application
    running.remove(application)
    client.close()
