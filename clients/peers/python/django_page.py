"""The pages of scripts/bench --clients in Django: the same views with Django's cache sessions and with jrs_session.django.

SIDE is "peer" or "jrs", REDIS_PORT the port of the Redis server.
"""

import itertools
import os

import django
from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.core.wsgi import get_wsgi_application
from django.http import JsonResponse
from django.urls import path
from redis import Redis
from user import USER

URL = f"redis://127.0.0.1:{os.environ['REDIS_PORT']}"
JRS_SIDE = os.environ["SIDE"] == "jrs"

settings.configure(
    SECRET_KEY="a secret of the benchmark",
    ALLOWED_HOSTS=["*"],
    ROOT_URLCONF=__name__,
    MIDDLEWARE=["django.contrib.sessions.middleware.SessionMiddleware"],
    SESSION_ENGINE="jrs_session.django" if JRS_SIDE else "django.contrib.sessions.backends.cache",
    CACHES={"default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": URL}},
    JRS={"CLIENT": Redis.from_url(URL)},
    INSTALLED_APPS=["django.contrib.contenttypes", "django.contrib.auth"],
)
django.setup()
changes = itertools.count(1)


def login(request):
    request.session.update({**USER, SESSION_KEY: "ann"})  # what Django's login() stores, without a database
    return JsonResponse({"ok": True})


def account(request):
    session = request.session
    if "name" not in session:
        return JsonResponse({"error": "login required"}, status=401)
    return JsonResponse({"name": session["name"], "role": session["role"], "items": len(session["cart"])})


def seen(request):
    session = request.session
    if request.method == "GET":
        return JsonResponse({"seen": session["seen"]})
    if "name" not in session:
        return JsonResponse({"error": "login required"}, status=401)
    session["seen"] = next(changes)
    return JsonResponse({"ok": True})


urlpatterns = [path("login", login), path("account", account), path("seen", seen)]
app = get_wsgi_application()
