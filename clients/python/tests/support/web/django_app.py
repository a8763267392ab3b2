"""The application with Django, with real users in SQLite, served by werkzeug's server."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import django as django_package
from django.conf import settings
from django.contrib.auth import get_user_model, login, logout
from django.core.management import call_command
from django.core.wsgi import get_wsgi_application
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.test import override_settings
from django.urls import path
from redis import Redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from support.web.application import Application, shown
from support.web.flask_app import served

MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
]

APPS = ["admin", "auth", "contenttypes", "messages"]

running: list[Application] = []
urlpatterns: list[Any] = []


def configure(folder: str) -> None:
    """Sets up Django once in this process."""
    if settings.configured:
        return
    settings.configure(
        SECRET_KEY="of the tests",
        ALLOWED_HOSTS=["*"],
        ROOT_URLCONF="support.web.django_app",
        INSTALLED_APPS=[*(f"django.contrib.{app}" for app in APPS), "jrs_session.django"],
        MIDDLEWARE=MIDDLEWARE,
        SESSION_ENGINE="jrs_session.django",
        SESSION_COOKIE_SECURE=True,
        MESSAGE_STORAGE="django.contrib.messages.storage.session.SessionStorage",
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": f"{folder}/users.sqlite"}},
        PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"],
        DEFAULT_AUTO_FIELD="django.db.models.AutoField",
        TEMPLATES=[
            {
                "BACKEND": "django.template.backends.django.DjangoTemplates",
                "APP_DIRS": True,
                "OPTIONS": {
                    "context_processors": [
                        "django.template.context_processors.request",
                        "django.contrib.auth.context_processors.auth",
                        "django.contrib.messages.context_processors.messages",
                    ]
                },
            }
        ],
        LOGGING_CONFIG=None,
        USE_TZ=True,
        JRS={},
    )
    django_package.setup()
    call_command("migrate", verbosity=0)
    # The models of the administration need the registry of applications, which is ready now.
    from django.contrib import admin

    urlpatterns.extend([path("admin/", admin.site.urls), path("<action>", act)])


def act(request: HttpRequest, action: str) -> HttpResponse:
    """All routes."""
    from jrs_session import StaleAuth
    from jrs_session.django import destroy_all, sessions

    if action == "ping":
        return JsonResponse({})
    session: Any = request.session
    body: dict[str, Any] = json.loads(request.body or b"{}")
    if action == "set":
        session.update(body)
    elif action == "remove":
        session.pop(body["name"])
    elif action == "append":
        session[body["name"]].append(body["value"])
    elif action == "during":
        session.update(body)
        running[-1].hook()
    elif action == "login":
        if body.get("late"):
            session.keys()  # reads the session
            running[-1].hook()
        user, _ = get_user_model().objects.get_or_create(username=body["user"])
        login(request, user, backend="django.contrib.auth.backends.ModelBackend")
        return JsonResponse({})
    elif action == "logout":
        if body.get("late"):
            session.keys()  # reads the session
            running[-1].hook()
        logout(request)
        return JsonResponse({})
    elif action == "rotate":
        session.cycle_key()
    elif action == "devices":
        return JsonResponse([{"id": one.id, "current": one.current} for one in sessions(request)], safe=False)
    elif action == "end_device":
        ended = [one.destroy() for one in sessions(request, fields=["/n"]) if one.id == body["id"]]
        return JsonResponse(ended, safe=False)
    elif action == "everywhere":
        return JsonResponse(destroy_all(request, keep_current=body.get("keep", False)), safe=False)
    elif action == "recent":
        try:
            session._jrs.get(session.session_key, max_auth_age=body["seconds"])
        except StaleAuth:
            return JsonResponse({}, status=401)
    return JsonResponse(shown(session, session.owner, session.session_id))


@contextmanager
def django(redis_port: int, *, fail_open: bool = False, **changed: Any) -> Iterator[Application]:
    """Runs the application. `configure` must have been called."""
    application = Application("django")
    client = Redis(port=redis_port, retry=Retry(NoBackoff(), 0), socket_timeout=60)
    jrs = {"CLIENT": client, "FAIL_OPEN": fail_open, "ON_REUSE": application.reused.append}
    running.append(application)
    with override_settings(JRS=jrs, **changed), served(get_wsgi_application()) as port:
        application.port = port
        yield application
    running.remove(application)
    client.close()
